# SPDX-License-Identifier: GPL-3.0-or-later
"""Preprocessing of core-loss spectra: background, crop, denoising, normalisation.

All steps work on lazy signals too.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hyperspy_dag._utils.checks import check_flag
from hyperspy_dag._utils.warnings import warn

from .background import Background
from .energy_axis import EnergyAxis, ev_per_unit, put_axis_in_ev
from .energy_ranges import (
    MIN_BACKGROUND_CHANNELS,
    background_window,
    crop_indices,
    energy_range,
    two_energies,
)
from .masked import read_spectra, without_mask
from .normalisation import check_normalise
from .power_law import left_in_window
from .record import preprocessing_record, write_record
from .spikes import Usual, evenly, find_spikes, without_spikes

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

__all__ = ["check_signal", "preprocess", "spectra_with_spikes"]

#: Values handled at a time, which bounds the float64 working copies (64 MiB).
_SLAB_VALUES = 2**23

#: Between which values a spectrum's maximum may lie for it to count as max-normalised.
#: Interpolation or smoothing after the division lowers the maxima of noisy spectra well below 1.
NORMALISED_RANGE = (0.5, 1.5)

#: Least height of a spike relative to the range of a raw spectrum, most of which is background.
_SPIKE_HEIGHT = 0.02

#: Fewer channels than this are no spectrum.
MIN_CHANNELS = 8


def check_signal(s: Any) -> None:
    """Check that ``s`` is a signal that can be preprocessed and trained on.

    Parameters
    ----------
    s : exspy.signals.EELSSpectrum
        Real spectra with one energy axis and any navigation shape, lazy or not.

    Raises
    ------
    TypeError
        ``s`` is not an ``EELSSpectrum``, or its data are not real numbers.
    ValueError
        The signal is ragged or empty, or its signal dimension is not 1. Its energy axis is not the
        last of the data, does not increase, or has a unit other than of energy.

    See Also
    --------
    preprocess : Preprocess a signal.

    Examples
    --------
    >>> from hyperspy_dag.data import simulated_oxides
    >>> from hyperspy_dag.preprocessing import check_signal
    >>> s, _ = simulated_oxides("WL-Mn", {"MnO": 5})
    >>> check_signal(s)
    >>> try:
    ...     check_signal(s.data)
    ... except TypeError as error:
    ...     print(error)
    an exspy EELSSpectrum is needed; got ndarray.
    """
    from exspy.signals import EELSSpectrum

    if isinstance(s, list | tuple):
        raise TypeError(
            f"a {type(s).__name__} of {len(s)} signals was given where one is needed. "
            "EELSAugmenter.fit takes a list of signals with a list of labels; elsewhere, give them "
            "one by one."
        )
    if not isinstance(s, EELSSpectrum):
        # A complex EELS signal has a class of its own, so the dtype says more than the class.
        dtype = getattr(getattr(s, "data", None), "dtype", None)
        if dtype is not None and dtype.kind == "c":
            raise TypeError(_complex_message(dtype))
        hint = ""
        if hasattr(s, "set_signal_type"):
            several = s.axes_manager.signal_dimension != 1
            hint = (
                " Make energy loss its only signal axis, s.transpose(signal_axes=[...])." * several
            )
            hint += ' Call s.set_signal_type("EELS") first.'
        raise TypeError(f"an exspy EELSSpectrum is needed; got {type(s).__name__}.{hint}")
    if s.ragged:
        raise ValueError("the signal is ragged: its spectra must share one energy axis.")
    dimension = s.axes_manager.signal_dimension
    if dimension != 1:
        raise ValueError(
            f"the signal must have one signal axis, energy loss; {s!r} has {dimension}. "
            'Give the energy axis the signal role with s.transpose(signal_axes=["name"]).'
        )
    if s.axes_manager.signal_indices_in_array != (s.data.ndim - 1,):
        raise ValueError(
            "the energy axis must be the last of the data; here it is axis "
            f"{s.axes_manager.signal_indices_in_array[0]} of {s.data.ndim}. "
            "s.transpose(signal_axes=s.axes_manager.signal_axes) has it there."
        )
    if s.data.dtype.kind == "c":
        raise TypeError(_complex_message(s.data.dtype))
    if s.data.dtype.kind not in "fiu":
        raise TypeError(
            f"the spectra must be real numbers; got dtype {s.data.dtype}. "
            'Convert them with s.change_dtype("float32").'
        )
    if 0 in s.data.shape:
        raise ValueError(f"{s!r} holds no spectrum or no channel.")
    axis = s.axes_manager.signal_axes[0]
    ev_per_unit(axis)
    if np.any(np.diff(axis.axis) <= 0):
        raise ValueError(
            f"the energy axis must increase; it runs from {axis.axis[0]:g} to {axis.axis[-1]:g}. "
            "Reverse the data and the axis first."
        )


def preprocess(
    s: EELSSpectrum,
    background_range: tuple[float, float] | Any | None = None,
    signal_range: tuple[float, float] | Any | None = None,
    normalise: bool | str = True,
    pca_components: int | None = None,
    remove_spikes: bool = False,
    background_type: str = "power law",
    background_fit: str | None = None,
    polynomial_order: int = 2,
) -> EELSSpectrum:
    """Remove the background, crop, denoise and normalise core-loss spectra, in that order.

    Parameters
    ----------
    s : exspy.signals.EELSSpectrum
        Real spectra of any navigation shape, lazy or not. The signal is not changed.
    background_range : (float, float) or hyperspy.api.roi.SpanROI, optional
        Energies in eV, before the edge, between which a power law is fitted to each spectrum and
        subtracted (two-area estimate, or see `background_type`). None, the default, leaves the
        background. Channels before the range are kept, less the extrapolated power law.
    signal_range : (float, float) or hyperspy.api.roi.SpanROI, optional
        Energies in eV to keep, as in ``s.isig[low:high]``: the channel nearest to ``low`` is the
        first, the one nearest to ``high`` is left out. A range up to the end of the axis keeps the
        last channel. By default all channels are kept.
    normalise : bool or {"maximum", "area", "none"}, default True
        Divide each spectrum by its maximum (True), by the sum over its channels ("area"), or not at
        all (False). The package trains on spectra that are normalised either way: only their shape
        is learned, and synthetic spectra are normalised as the training spectra are.
    pca_components : int, optional
        Denoise: keep this many principal components of HyperSpy's decomposition (singular values,
        not centred) of all spectra. None, the default, does not. With a lazy signal this reads the
        spectra once right away, block by block; everything else waits until the result is computed.
    remove_spikes : bool, default False
        Before all else, draw straight lines in place of spikes: what X-rays leave in one to three
        channels of single spectra, above 7 standard deviations of what up to 1000 spectra from all
        over the signal, which are read right away, have there. Meant for raw spectra.
    background_type : {"power law", "exponential", "offset", "polynomial"}, default "power law"
        What is fitted in the background range.
    background_fit : {"two-area", "least squares"}, optional
        How. Default: two areas for a power law and an exponential; offset and polynomial are fitted
        by least squares alone. All but the power law of two areas are HyperSpy's
        ``remove_background``. Least squares of a power law or an exponential take some
        milliseconds a spectrum.
    polynomial_order : int, default 2
        Order of the polynomial.

    Returns
    -------
    exspy.signals.EELSSpectrum
        New signal, lazy if ``s`` is, with its energy axis in eV (ranges of a ``SpanROI`` are in the
        units of the axis of ``s``) and float32 data, or float64 if ``s`` has those.
        ``metadata.DAG.preprocessing`` notes what was done; a background removed or components kept
        in an earlier call stay noted. A range that is noted already is not applied again, so that
        ``s = s.dag_preprocess(...)`` can be run twice.

    Raises
    ------
    TypeError
        An argument is not of the type given above.
    ValueError
        A range is not two finite increasing numbers inside the axis. The background range has fewer
        than 5 channels, or 2 more than ``polynomial_order``, is not above 0 eV or ends beyond the
        signal range. There are fewer spectra or channels than ``pca_components``. A background or a
        normalisation has another name.

    Warns
    -----
    UserWarning
        Spectra are set to 0 because nothing usable is left in them: NaN, infinite or masked values,
        no counts in the background range for a power law, a constant spectrum or one without a
        positive maximum (vacuum); or most maxima lie before the background range; or that range
        holds an edge; or spikes are removed; or the background was removed already, with another
        range. For a lazy signal all but the last come when the result is computed, one for each
        block.

    See Also
    --------
    exspy.signals.EELSSpectrum.dag_preprocess : The same as a method.
    check_signal : Check a signal.
    spectra_with_spikes : Tell which spectra hold a spike, to leave them out.
    hyperspy_dag.common_energy_axis : Bring several signals to one energy axis.

    Notes
    -----
    Normalisation removes the noise variance from the metadata, since it is in counts.

    References
    ----------
    del-Pozo-Bueno et al. 2024, doi 10.1093/mam/ozae014, whose Fe-Mn set was denoised by PCA.

    Examples
    --------
    >>> from hyperspy_dag.data import simulated_oxides
    >>> from hyperspy_dag.preprocessing import preprocess
    >>> raw, labels = simulated_oxides("WL-Mn", {"MnO": 5}, raw=True)
    >>> raw
    <EELSSpectrum, title: Simulated oxides, WL-Mn, dimensions: (5|1050)>
    >>> s = preprocess(raw, background_range=(590.0, 633.0), signal_range=(615.0, 685.0))
    >>> s
    <EELSSpectrum, title: Simulated oxides, WL-Mn, dimensions: (5|700)>
    >>> s.data.max(axis=1).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0]
    """
    check_signal(s)
    normalise = check_normalise(normalise)
    kind = Background.checked(background_type, background_fit, polynomial_order)
    remove_spikes = check_flag("remove_spikes", remove_spikes)
    axis = EnergyAxis.of_signal(s)
    factor = ev_per_unit(s.axes_manager.signal_axes[0])
    earlier = preprocessing_record(s) or {}
    background_range = _unless_done("background_range", background_range, earlier, factor)
    signal_range = _unless_done("signal_range", signal_range, earlier, factor)
    background = energy_range("background_range", background_range, axis, factor)
    signal = energy_range("signal_range", signal_range, axis, factor)
    least = MIN_BACKGROUND_CHANNELS if kind.order is None else kind.order + 2
    window = None if background is None else background_window(background, signal, axis, least)
    first, stop = crop_indices(signal, axis)
    _check_components(pca_components, s, stop - first)
    if background is not None and earlier.get("background_range") is not None:
        warn(
            f"the background of these spectra was removed already (range "
            f"{earlier['background_range']} eV, see metadata.DAG.preprocessing); a second "
            f"{kind.type} is subtracted now."
        )

    is_double = s.data.dtype.kind == "f" and s.data.dtype.itemsize > 4
    plan = _Plan(
        axis=axis,
        background=background,
        kind=kind,
        window=window,
        crop=(first, stop),
        normalise=normalise,
        usual=_usual(s.data) if remove_spikes and not earlier.get("remove_spikes") else None,
        dtype=np.dtype(np.float64 if is_double else np.float32),
    )
    # Slicing copies axes and metadata, but neither the data nor what was learned from them.
    result = s.isig[first:stop]
    if s._lazy:
        result.data = _preprocess_lazily(s.data, plan, pca_components)
    else:
        result.data = _preprocess_now(s.data, plan, pca_components)
    put_axis_in_ev(result.axes_manager.signal_axes[0], factor)
    write_record(
        result,
        earlier,
        background,
        signal,
        normalise,
        pca_components,
        remove_spikes,
        kind.record(),
    )
    return result


# --- checks of the arguments ----------------------------------------------------------------------


def preprocess_if_asked(
    s: EELSSpectrum,
    background_range: tuple[float, float] | None,
    signal_range: tuple[float, float] | None,
) -> EELSSpectrum:
    """Preprocess if a range is given; return the signal unchanged otherwise."""
    if background_range is None and signal_range is None:
        return s
    return preprocess(s, background_range, signal_range)


def _unless_done(name: str, given: Any, earlier: dict[str, Any], factor: float) -> Any:
    """Return a range given by the user, or None if the spectra have been through it already."""
    done = earlier.get(name)
    if given is None or done is None:
        return given
    return None if np.allclose(two_energies(name, given, factor), done, rtol=1e-9) else given


def _complex_message(dtype: np.dtype) -> str:
    return (
        f"the spectra must be real numbers; got complex data ({dtype}). "
        "Take the real part or the modulus first: s.real or s.amplitude, then "
        's.set_signal_type("EELS").'
    )


def _check_components(pca_components: Any, s: EELSSpectrum, channels: int) -> None:
    if pca_components is None:
        return
    if not isinstance(pca_components, numbers.Integral) or isinstance(pca_components, bool):
        raise TypeError(f"pca_components must be a whole number or None; got {pca_components!r}.")
    spectra = s.axes_manager.navigation_size
    if spectra < 2:
        raise ValueError(
            "pca_components needs several spectra; the signal holds one. Leave it None."
        )
    most = min(spectra, channels)
    if not 1 <= int(pca_components) <= most:
        raise ValueError(
            f"pca_components must be from 1 to {most} ({spectra} spectra of {channels} channels); "
            f"got {pca_components}."
        )


# --- preprocessing --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Plan:
    """Steps for every block of spectra; can be pickled, for Dask's other schedulers."""

    axis: EnergyAxis  # of the whole signal
    background: tuple[float, float] | None  # eV
    kind: Background
    window: tuple[int, int] | None  # first and last channel of the background range
    crop: tuple[int, int]
    normalise: str
    usual: Usual | None  # to know spikes by; None removes none
    dtype: np.dtype


# Why a spectrum is set to zero.
_USABLE, _NON_FINITE, _NO_FIT, _NO_MAXIMUM = range(4)


@dataclass
class _Findings:
    """Why not to use each spectrum, where maxima lie, and what the power laws leave."""

    reason: NDArray[np.int8]
    maximum_before_window: NDArray[np.bool_]
    spikes: NDArray[np.bool_]
    # Sum of the usable spectra less their power laws, over all channels.
    rest: NDArray[np.float64]

    @classmethod
    def none(cls, n: int, channels: int) -> _Findings:
        reason = np.full(n, _USABLE, dtype=np.int8)
        return cls(reason, np.zeros(n, dtype=bool), np.zeros(n, dtype=bool), np.zeros(channels))


def _preprocess_now(
    data: NDArray[Any], plan: _Plan, pca_components: int | None
) -> NDArray[np.floating]:
    flat = data.reshape(-1, data.shape[-1])
    factors = None
    if pca_components is not None:
        blocks = (flat[rows] for rows in slabs(flat.shape))
        factors = _principal_factors(blocks, plan, pca_components)
    result = np.empty((len(flat), plan.crop[1] - plan.crop[0]), dtype=plan.dtype)
    findings = _Findings.none(*flat.shape)
    for rows in slabs(flat.shape):
        result[rows], found = _process(flat[rows], plan, factors)
        findings.reason[rows] = found.reason
        findings.maximum_before_window[rows] = found.maximum_before_window
        findings.spikes[rows] = found.spikes
        findings.rest += found.rest
    _warn_findings(findings, plan, data.shape[:-1], (0,) * (data.ndim - 1))
    return result.reshape(*data.shape[:-1], -1)


def _preprocess_lazily(data: Any, plan: _Plan, pca_components: int | None) -> Any:
    import dask.array as da

    # Blocks of whole spectra: each spectrum is fitted and normalised as one.
    blocks = data.rechunk({data.ndim - 1: -1})
    factors = None
    if pca_components is not None:
        # One after the other: left to itself, dask reads ahead of what works on the blocks.
        read = (block.compute() for block in blocks.to_delayed().ravel())
        factors = _principal_factors(read, plan, pca_components)
    return da.map_blocks(
        _process_block,
        blocks,
        plan=plan,
        factors=factors,
        chunks=(*blocks.chunks[:-1], (plan.crop[1] - plan.crop[0],)),
        dtype=plan.dtype,
        meta=np.empty((0,) * data.ndim, dtype=plan.dtype),
    )


def _process_block(
    block: NDArray[Any],
    plan: _Plan,
    factors: NDArray[np.float64] | None,
    block_info: Any = None,
) -> NDArray[np.floating]:
    """Process one block of a lazy signal, and warn of unusable spectra."""
    result, findings = _process(block.reshape(-1, block.shape[-1]), plan, factors)
    start = tuple(first for first, _ in block_info[0]["array-location"][:-1])
    _warn_findings(findings, plan, block.shape[:-1], start)
    return result.reshape(*block.shape[:-1], -1)


def spectra_with_spikes(s: EELSSpectrum) -> NDArray[np.bool_]:
    """Tell which spectra hold a spike, as an X-ray leaves it in one to three channels.

    They are the spectra in which ``dag_preprocess(remove_spikes=True)`` would draw straight lines.

    Parameters
    ----------
    s : exspy.signals.EELSSpectrum
        Raw spectra of any navigation shape, lazy or not.

    Returns
    -------
    numpy.ndarray of bool, the navigation shape

    Raises
    ------
    TypeError, ValueError
        `s` is no signal that can be preprocessed.

    See Also
    --------
    preprocess : Take the spikes out.

    Examples
    --------
    >>> from hyperspy_dag.data import simulated_oxides
    >>> from hyperspy_dag.preprocessing import spectra_with_spikes
    >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 20}, raw=True)
    >>> s.data[3, 400] += 20 * s.data[3, 400]
    >>> labels[spectra_with_spikes(s)] = ""
    >>> np.flatnonzero(labels == "").tolist()
    [3]
    """
    check_signal(s)
    usual = _usual(s.data)
    flat = s.data.reshape(-1, s.data.shape[-1])
    found = np.zeros(len(flat), dtype=bool)
    for rows in slabs(flat.shape):
        block = flat[rows].compute() if s._lazy else flat[rows]
        values = np.nan_to_num(without_mask(block).astype(np.float64), posinf=0, neginf=0)
        found[rows] = find_spikes(values, usual, _SPIKE_HEIGHT).any(axis=1)
    return found.reshape(s.data.shape[:-1])


def _usual(data: Any) -> Usual:
    """What narrow features spectra have, from some of all over the signal, lazy or not."""
    flat = data.reshape(-1, data.shape[-1])
    some = read_spectra(flat, (evenly(len(flat)),)).astype(np.float64)
    return Usual.of(np.nan_to_num(some, posinf=0, neginf=0), rare_classes=True)


def slabs(shape: tuple[int, int], values: int = _SLAB_VALUES) -> Iterator[slice]:
    """Divide (spectra, channels) into runs of spectra with so many values at most."""
    step = max(1, values // shape[1])
    for start in range(0, shape[0], step):
        yield slice(start, min(start + step, shape[0]))


def _process(
    spectra: NDArray[Any], plan: _Plan, factors: NDArray[np.float64] | None
) -> tuple[NDArray[np.floating], _Findings]:
    """Apply all steps of the plan to spectra of shape (n, channels)."""
    values, findings = _subtract_and_crop(spectra, plan)
    if factors is not None:
        values = values @ factors @ factors.T
    if plan.normalise != "none":
        maximum = values.max(axis=1)
        size = values.sum(axis=1) if plan.normalise == "area" else maximum
        unusable = ~(size > 0) | (maximum == values.min(axis=1))
        findings.reason[unusable & (findings.reason == _USABLE)] = _NO_MAXIMUM
        values[unusable] = 0
        values /= np.where(unusable, 1, size)[:, np.newaxis]
    if plan.window is not None:
        before = values.argmax(axis=1) < plan.window[0] - plan.crop[0]
        findings.maximum_before_window[:] = before & (findings.reason == _USABLE)
    return values.astype(plan.dtype), findings


def _subtract_and_crop(spectra: NDArray[Any], plan: _Plan) -> tuple[NDArray[np.float64], _Findings]:
    """Return float64 spectra without background, zero where that failed, and which these are."""
    values = without_mask(spectra).astype(np.float64)  # always a copy: it is written to
    findings = _Findings.none(*values.shape)
    needed = np.zeros(values.shape[1], dtype=bool)
    needed[plan.crop[0] : plan.crop[1]] = True
    if plan.window is not None:
        needed[plan.window[0] : plan.window[1] + 1] = True
    # Alignment leaves NaN at the ends, which are of no concern where they are cropped away.
    finite = np.all(np.isfinite(values[:, needed]), axis=1)
    values[~np.isfinite(values)] = 0
    findings.reason[~finite] = _NON_FINITE
    values[~finite] = 0
    if plan.usual is not None:
        spikes = find_spikes(values, plan.usual, _SPIKE_HEIGHT)
        values = without_spikes(values, spikes)
        findings.spikes = np.any(spikes, axis=1)
    if plan.window is not None:
        values, fitted = plan.kind.subtract(values, plan.axis, plan.window)
        findings.reason[finite & ~fitted] = _NO_FIT
        values[~fitted] = 0
        findings.rest = values.sum(axis=0)
    return values[:, plan.crop[0] : plan.crop[1]].copy(), findings


def _principal_factors(
    blocks: Iterable[NDArray[Any]], plan: _Plan, components: int
) -> NDArray[np.float64]:
    """Return the first principal components of all spectra, of shape (channels, components).

    The right singular vectors of the spectra are those of the R of their QR decomposition, which is
    updated block by block. The decomposition thus works on at most channels x channels values. The
    result is exact and reproducible, whereas for a large or lazy signal HyperSpy would draw random
    numbers.
    """
    channels = plan.crop[1] - plan.crop[0]
    if components == channels:
        return np.eye(channels)
    stacked = np.empty((0, channels))
    for block in blocks:
        values, _ = _subtract_and_crop(block.reshape(-1, block.shape[-1]), plan)
        stacked = np.concatenate([stacked, values])
        if len(stacked) > 2 * channels:  # not at every small block: it costs the same each time
            stacked = np.linalg.qr(stacked, mode="r")  # type: ignore[assignment]  # it is R alone
    if len(stacked) > channels:
        stacked = np.linalg.qr(stacked, mode="r")  # type: ignore[assignment]
    return np.linalg.svd(stacked, full_matrices=False)[2][:components].T


def _warn_findings(
    findings: _Findings, plan: _Plan, shape: tuple[int, ...], start: tuple[int, ...]
) -> None:
    """Warn of unusable spectra; ``start`` is the origin of ``shape`` in the navigation axes."""
    reasons = {
        _NON_FINITE: "masked, NaN or infinite values",
        _NO_MAXIMUM: f"no positive {'area' if plan.normalise == 'area' else 'maximum'} or constant",
    }
    if plan.background is not None:
        low, high = plan.background
        reasons[_NO_FIT] = f"no counts for a {plan.kind.type} from {low:g} to {high:g} eV"
    found = []
    for reason, text in reasons.items():
        rows = np.flatnonzero(findings.reason == reason)
        if rows.size:
            found.append(f"{rows.size} ({text}{_first_of(rows[0], shape, start)})")
    if found:
        n = int((findings.reason != _USABLE).sum())
        warn(
            f"{n} of {findings.reason.size} spectra hold nothing usable and are set to 0: "
            f"{', '.join(found)}. Leave them unlabelled (-1)."
        )
    if findings.spikes.any():
        row = np.flatnonzero(findings.spikes)[0]
        warn(
            f"spikes were removed from {int(findings.spikes.sum())} of {findings.spikes.size} "
            f"spectra{_first_of(row, shape, start)}."
        )
    usable = bool((findings.reason == _USABLE).any())
    if plan.background is not None and plan.window is not None and usable:
        n = (findings.reason != _NON_FINITE) & (findings.reason != _NO_FIT)
        left = left_in_window(findings.rest / n.sum(), plan.window, plan.crop[1])
        if left:
            low, high = plan.background
            warn(
                f"background_range ({low:g}, {high:g}) eV holds more than a background: what is "
                f"left there reaches {100 * left:.0f} % of the mean spectrum's maximum. Does an "
                "edge begin inside it? End the range before the onset."
            )
    before = findings.maximum_before_window
    if before.sum() * 2 > before.size:
        warn(
            f"in {int(before.sum())} of {before.size} spectra the maximum lies before the "
            f"background range, where the {plan.kind.type} is extrapolated. Crop that part away "
            "with signal_range."
        )


def _first_of(row: int, shape: tuple[int, ...], start: tuple[int, ...]) -> str:
    if not shape:
        return ""
    index = np.unravel_index(row, shape)
    where = tuple(int(i + first) for i, first in zip(index, start, strict=True))
    return f"; first at navigation position {where[::-1]}"
