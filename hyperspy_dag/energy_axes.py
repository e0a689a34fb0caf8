# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectra of several experiments on one energy axis.

The common axis is that of the signal with the coarsest dispersion, cut to what all signals cover;
its own spectra are therefore cropped and nothing else. Those of the others are rebinned so that
what lies between any two limits of channels stays there: the intensity of a channel is shared out
among the new channels in proportion to its overlap with them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._checks import check_number
from ._warnings import warn
from .preprocessing import (
    MIN_CHANNELS,
    NORMALISED_RANGE,
    axis_in_ev,
    check_signal,
    preprocessing_record,
    slabs,
)

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

__all__ = ["common_energy_axis"]

#: Channels: calibrations are rounded when saved, and no metric sees less than this.
_TOLERANCE = 0.01

#: Correlation of two mean spectra below which there is no common edge to align on.
_MIN_CORRELATION = 0.9


def common_energy_axis(
    signals: Sequence[EELSSpectrum], align_on: tuple[float, float] | None = None
) -> list[EELSSpectrum]:
    """Bring the spectra of several experiments to one energy axis.

    :meth:`hyperspy_dag.EELSAugmenter.fit` does this itself where lists are given to it. Done by
    hand, before the spectra are divided into training and test spectra, both lie on one axis.

    Parameters
    ----------
    signals : sequence of exspy.signals.EELSSpectrum
        Uniform energy axes with units of energy, of any offset and dispersion; any navigation
        shapes, lazy or not. They are not changed.
    align_on : (float, float), optional
        Energies in eV around an edge that all signals have. Each signal's energies are moved, by
        one number for all its spectra, to where its mean spectrum correlates best with that of the
        first signal in this window; shifts up to half of the window are looked for, and found to
        a fraction of a channel. The window must hold the whole edge of every signal, before it is
        moved: a window that holds L3 of one and L2 of another aligns L2 on L3. Remove the
        background first. A chemical shift between the signals
        is taken away with the rest: choose an edge that has none. By default nothing is moved.

    Returns
    -------
    list of exspy.signals.EELSSpectrum
        New signals, lazy where those given are, on the same axis in eV: the channels of the signal
        with the coarsest dispersion (the first of several) that all signals cover. float32 data,
        or float64 where those given are. ``metadata.DAG.preprocessing.common_axis`` holds what the
        axis was before and the shift. Signals on one axis already come back as copies.

    Raises
    ------
    TypeError
        `signals` is no list of EELSSpectrum, or `align_on` no pair of numbers.
    ValueError
        The energy axes do not overlap, or in fewer than 8 channels; one is not uniform, not in a
        unit of energy, or does not increase; `align_on` is not covered by all signals, or there is
        no edge in it that they have in common.

    Notes
    -----
    The sum over the channels between two limits that both axes share is conserved where the axis
    is binned (``is_binned``, exspy's default: counts per channel), and the integral, sum times
    dispersion, where it is not (intensity per eV). Spectra that were max-normalised are normalised
    again, since averaging lowers a noisy maximum and the overlap may leave it out: a signal counts
    as such if ``dag_preprocess`` noted so, and else if all its maxima lie between 0.5 and 1.5,
    which with a lazy signal takes one pass over its data, as `align_on` does.

    The energy resolution stays that of each instrument. Rebinned spectra have less noise, and
    noise that is correlated between neighbouring channels; their noise variance, if the metadata
    have one, is left out.

    Examples
    --------
    >>> s1, s2 = common_energy_axis([s1, s2], align_on=(636.0, 650.0))
    """
    signals = check_signals(signals)
    axes = [checked_axis(s, name_of(i, len(signals))) for i, s in enumerate(signals)]
    means = [] if align_on is None else [_mean_spectrum(s.data) for s in signals]
    shifts = edge_shifts(axes, means, align_on)
    axis, resamplings = plan(axes, shifts)
    results = []
    for i, (s, resampling, shift) in enumerate(zip(signals, resamplings, shifts, strict=True)):
        result = resampled(s, axis, resampling)
        record = preprocessing_record(result) or {}
        record["common_axis"] = source_record(s, shift) | {
            "signal": i,
            "signals": len(signals),
            "align_on": None if align_on is None else tuple(map(float, align_on)),
        }
        result.metadata.set_item("DAG.preprocessing", record)
        results.append(result)
    return results


@dataclass(frozen=True)
class Resampling:
    """How the spectra of one signal come to another energy axis.

    Attributes
    ----------
    limits : numpy.ndarray, shape (new channels + 1,)
        Limits of the new channels, in old channels from the lower limit of the first. Whole
        numbers where the channels are the same, which makes it a crop.
    channels : int
        Old channels.
    density : bool
        Whether the intensities are per eV, not per channel.
    """

    limits: NDArray[np.float64]
    channels: int
    density: bool

    @property
    def is_crop(self) -> bool:
        """Whether channels are kept as they are."""
        return bool((np.diff(self.limits) == 1).all() and self.limits[0] == int(self.limits[0]))

    @property
    def is_identity(self) -> bool:
        """Whether nothing changes."""
        return self.is_crop and len(self.limits) == self.channels + 1

    def __call__(self, rows: NDArray[Any], normalise: bool) -> NDArray[Any]:
        """Return spectra of shape (..., channels) on the new axis, float64 unless unchanged.

        Each spectrum is treated by itself, so that its bits do not depend on the others.
        """
        if self.is_identity:
            return rows
        values = rows.astype(np.float64)
        if self.is_crop:
            values = values[..., int(self.limits[0]) : int(self.limits[-1])]
        else:
            # What lies outside is left out first: a NaN there is of no concern.
            first, last = int(self.limits[0]), math.ceil(self.limits[-1])
            values, limits = values[..., first:last], self.limits - first
            finite = np.isfinite(values)
            if not finite.all():
                touched = _integrals(np.where(finite, 0.0, 1.0), limits) > 0
                values = np.where(finite, values, 0.0)
            values = _integrals(values, limits)
            if not finite.all():
                values[touched] = np.nan
            if self.density:
                values /= np.diff(limits)
        return _normalised(values) if normalise else values


def _integrals(values: NDArray[np.float64], limits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Integrals of values that are constant within each channel, between limits in channels."""
    total = np.zeros((*values.shape[:-1], values.shape[-1] + 1))
    np.cumsum(values, axis=-1, out=total[..., 1:])
    whole = np.minimum(limits.astype(np.intp), values.shape[-1] - 1)
    at_limits = total[..., whole] + (limits - whole) * values[..., whole]
    return np.diff(at_limits, axis=-1)


def _normalised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    maximum = values.max(axis=-1, keepdims=True)
    return values / np.where(maximum > 0, maximum, 1)


def plan(axes: Sequence[Any], shifts: Sequence[float]) -> tuple[dict[str, Any], list[Resampling]]:
    """Choose the common axis and how to get there.

    Parameters
    ----------
    axes : sequence of HyperSpy axes in eV
    shifts : sequence of float
        What is taken away from the energies of each, in eV.

    Returns
    -------
    axis : dict
        As of ``get_axis_dictionary``.
    resamplings : list of Resampling

    Raises
    ------
    ValueError
        The axes differ and one is not uniform; they do not overlap, or in too few channels.
    """
    if not any(shifts) and all(_same(axis, axes[0]) for axis in axes):
        return axes[0].get_axis_dictionary(), [_identity(axis) for axis in axes]
    for i, axis in enumerate(axes):
        if not axis.is_uniform:
            raise ValueError(
                f"{name_of(i, len(axes))}: its energy axis is not uniform, and not that of the "
                "others; only uniform axes can be brought to one. Interpolate it first: "
                's.interpolate_on_axis(new_axis, "Energy loss").'
            )
    grids = [
        _Grid(axis.offset - shift, axis.scale, axis.size)
        for axis, shift in zip(axes, shifts, strict=True)
    ]
    coarsest = max(grid.scale for grid in grids)
    target = next(grid for grid in grids if grid.scale >= coarsest * (1 - 1e-6))
    low, high = max(grid.low for grid in grids), min(grid.high for grid in grids)
    first = max(math.ceil((low - target.low) / target.scale - _TOLERANCE), 0)
    stop = min(math.floor((high - target.low) / target.scale + _TOLERANCE), target.size)
    if stop - first < MIN_CHANNELS:
        ranges = "; ".join(
            f"{name_of(i, len(grids))}: {grid.low:.6g} to {grid.high:.6g} eV"
            for i, grid in enumerate(grids)
        )
        found = (
            "do not overlap"
            if high <= low
            else f"overlap in {max(stop - first, 0)} channels of {target.scale:g} eV, and at "
            f"least {MIN_CHANNELS} are needed"
        )
        raise ValueError(
            f"the energy axes of the signals {found} ({ranges}). Crop less, leave out the signal "
            "that does not belong here, or mend its calibration."
        )
    common = _Grid(target.offset + first * target.scale, target.scale, stop - first)
    return _axis_dictionary(axes[0], common), [
        _between(grid, common, axis) for grid, axis in zip(grids, axes, strict=True)
    ]


def resampling_onto(axis: Any, target: dict[str, Any], name: str) -> Resampling:
    """Plan the way from one axis in eV to another, given one.

    Raises
    ------
    ValueError
        The axis does not cover the other, or its dispersion is coarser; or they differ and one
        is not uniform.
    """
    from hyperspy.axes import create_axis

    wanted = create_axis(**{key: value for key, value in target.items() if key != "_type"})
    if _same(axis, wanted):
        return _identity(axis)
    texts = " instead of ".join(_axis_text(one) for one in (axis, wanted))
    if not (axis.is_uniform and wanted.is_uniform):
        raise ValueError(
            f"{name} is on another energy axis than the training spectra, and one of these is not "
            f"uniform: {texts}. Interpolate it first: s.interpolate_on_axis."
        )
    grid = _Grid(axis.offset, axis.scale, axis.size)
    common = _Grid(wanted.offset, wanted.scale, wanted.size)
    slack = _TOLERANCE * common.scale
    if grid.scale * grid.size > common.scale * grid.size + slack:
        raise ValueError(
            f"{name} has a coarser dispersion than the training spectra, {grid.scale:g} instead of "
            f"{common.scale:g} eV: what it lacks cannot be made up. Train on such spectra too."
        )
    if grid.low > common.low + slack or grid.high < common.high - slack:
        raise ValueError(f"{name} does not cover the energies of the training spectra: {texts}.")
    return _between(grid, common, axis)


def resampled(s: EELSSpectrum, axis: dict[str, Any], resampling: Resampling) -> EELSSpectrum:
    """Return a signal's spectra on another energy axis, as a new signal, lazy if it is."""
    normalise = not resampling.is_identity and _is_normalised(s)
    is_double = s.data.dtype.kind == "f" and s.data.dtype.itemsize > 4
    dtype = np.dtype(np.float64 if is_double else np.float32)
    channels = len(resampling.limits) - 1
    if s._lazy:
        blocks = s.data.rechunk({s.data.ndim - 1: -1})
        data = blocks.map_blocks(
            _resample_block,
            resampling=resampling,
            normalise=normalise,
            dtype=dtype,
            chunks=(*blocks.chunks[:-1], (channels,)),
            meta=np.empty((0,) * s.data.ndim, dtype=dtype),
        )
    else:
        flat = s.data.reshape(-1, s.data.shape[-1])
        data = np.empty((len(flat), channels), dtype=dtype)
        for rows in slabs(flat.shape):
            data[rows] = resampling(flat[rows], normalise)
        data = data.reshape(*s.data.shape[:-1], channels)
    axes = [one.get_axis_dictionary() for one in s.axes_manager._axes]
    binned = bool(axes[-1]["is_binned"])
    axes[-1] = {**axis, "name": axes[-1]["name"], "is_binned": binned, "navigate": False}
    result = type(s)(
        data,
        axes=axes,
        metadata=s.metadata.as_dictionary(),
        original_metadata=s.original_metadata.as_dictionary(),
    )
    if not resampling.is_identity and result.metadata.has_item("Signal.Noise_properties"):
        del result.metadata.Signal.Noise_properties
    return result


def _resample_block(
    block: NDArray[Any], resampling: Resampling, normalise: bool
) -> NDArray[np.floating]:
    is_double = block.dtype.kind == "f" and block.dtype.itemsize > 4
    return resampling(block, normalise).astype(np.float64 if is_double else np.float32)


def source_record(s: EELSSpectrum, shift: float) -> dict[str, Any]:
    """Return what is to be remembered of a signal's own energy axis, in eV."""
    earlier = (preprocessing_record(s) or {}).get("common_axis")
    if earlier:
        keys = ("title", "channels", "offset", "scale", "shift")
        earlier = {key: earlier[key] for key in keys}
        return earlier | {"shift": float(earlier["shift"] + shift)}
    axis = axis_in_ev(s.axes_manager.signal_axes[0])[0]
    dispersion = np.ptp(axis.axis) / max(axis.size - 1, 1)
    return {
        "title": str(s.metadata.General.title),
        "channels": int(axis.size),
        "offset": float(axis.axis[0]),
        "scale": float(axis.scale if axis.is_uniform else dispersion),
        "shift": float(shift),
    }


# --- checks ---------------------------------------------------------------------------------------


def name_of(number: int, total: int) -> str:
    """Return what messages call a signal of several."""
    return f"signal {number + 1} of {total}"


def check_signals(signals: Any) -> list[EELSSpectrum]:
    """Return the signals of several experiments, each of them checked.

    Raises
    ------
    TypeError, ValueError
        They are no list, none, or one of them is no signal to train on; the message says which.
    """
    if not isinstance(signals, list | tuple):
        raise TypeError(f"a list of signals is needed; got {type(signals).__name__}")
    if not signals:
        raise ValueError("an empty list of signals was given; give at least one")
    for i, s in enumerate(signals):
        try:
            check_signal(s)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name_of(i, len(signals))}: {error}") from error
    return list(signals)


def checked_axis(s: EELSSpectrum, name: str) -> Any:
    """Return a copy of a signal's energy axis, in eV.

    Raises
    ------
    ValueError
        It has fewer channels than any spectrum needs.
    """
    axis = axis_in_ev(s.axes_manager.signal_axes[0])[0]
    if axis.size < MIN_CHANNELS:
        raise ValueError(
            f"{name} has {axis.size} channels; at least {MIN_CHANNELS} are needed. Crop less: give "
            "a wider signal_range."
        )
    return axis


def _is_normalised(s: EELSSpectrum) -> bool:
    record = preprocessing_record(s) or {}
    if "normalise" in record:
        return bool(record["normalise"])
    maximum = np.asarray(s.data.max(axis=-1))
    maximum = maximum[np.isfinite(maximum) & (maximum != 0)]
    low, high = NORMALISED_RANGE
    return bool(maximum.size and (maximum >= low).all() and (maximum <= high).all())


# --- axes -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Grid:
    """A uniform axis in eV; the energy of a channel is that of its middle."""

    offset: float
    scale: float
    size: int

    @property
    def low(self) -> float:
        return self.offset - self.scale / 2

    @property
    def high(self) -> float:
        return self.low + self.size * self.scale


def _between(grid: _Grid, common: _Grid, axis: Any) -> Resampling:
    limits = (common.low + np.arange(common.size + 1) * common.scale - grid.low) / grid.scale
    start = round(limits[0])
    whole = start + np.arange(common.size + 1)
    if np.abs(limits - whole).max() <= _TOLERANCE and 0 <= start <= grid.size - common.size:
        limits = whole.astype(np.float64)
    limits = np.clip(limits, 0, grid.size)
    return Resampling(limits, grid.size, density=not axis.is_binned)


def _identity(axis: Any) -> Resampling:
    return Resampling(np.arange(axis.size + 1.0), axis.size, density=not axis.is_binned)


def _same(axis: Any, other: Any) -> bool:
    if axis.size != other.size:
        return False
    dispersion = np.ptp(other.axis) / max(other.size - 1, 1)
    return bool(np.abs(axis.axis - other.axis).max() <= _TOLERANCE * dispersion)


def _axis_dictionary(axis: Any, grid: _Grid) -> dict[str, Any]:
    from hyperspy.axes import UniformDataAxis

    return UniformDataAxis(
        name=axis.name,
        units="eV",
        offset=float(grid.offset),
        scale=float(grid.scale),
        size=int(grid.size),
        navigate=False,
        is_binned=bool(axis.is_binned),
    ).get_axis_dictionary()


def _axis_text(axis: Any) -> str:
    return f"{axis.size} channels from {axis.axis[0]:.6g} to {axis.axis[-1]:.6g} eV"


# --- alignment ------------------------------------------------------------------------------------


def check_align_on(align_on: Any) -> tuple[float, float] | None:
    """Return the window of the alignment, in eV, or None.

    Raises
    ------
    TypeError, ValueError
        It is no pair of finite increasing numbers.
    """
    if align_on is None:
        return None
    if not isinstance(align_on, list | tuple | np.ndarray) or len(align_on) != 2:
        raise TypeError(f"align_on must be two energies in eV, (low, high); got {align_on!r}")
    low, high = (check_number("align_on", value) for value in align_on)
    if low >= high:
        raise ValueError(f"align_on must have its lower energy first; got ({low:g}, {high:g}) eV")
    return low, high


def edge_shifts(
    axes: Sequence[Any], means: Sequence[NDArray[np.float64]], align_on: Any
) -> list[float]:
    """Return how far the edge of each mean spectrum lies above that of the first, in eV.

    Parameters
    ----------
    axes : sequence of HyperSpy axes in eV
    means : sequence of numpy.ndarray, shape (channels,)
        Not used without `align_on`.
    align_on : (float, float) or None
        None gives zeros.

    Raises
    ------
    TypeError, ValueError
        As :func:`common_energy_axis`.
    """
    window = check_align_on(align_on)
    if window is None:
        return [0.0] * len(axes)
    for i, axis in enumerate(axes):
        energies = axis.axis
        if window[0] < energies[0] or window[1] > energies[-1]:
            raise ValueError(
                f"align_on ({window[0]:g}, {window[1]:g}) eV is not inside the energy axis of "
                f"{name_of(i, len(axes))}, which runs from {energies[0]:g} to {energies[-1]:g} eV"
            )
    return [0.0] + [
        _edge_shift((axes[0], means[0]), (axes[i], means[i]), window, name_of(i, len(axes)))
        for i in range(1, len(axes))
    ]


def _edge_shift(
    first: tuple[Any, NDArray[np.float64]],
    other: tuple[Any, NDArray[np.float64]],
    window: tuple[float, float],
    name: str,
) -> float:
    from scipy.interpolate import CubicSpline

    from .metrics import energy_shift

    low, high = window
    reach = (high - low) / 2
    # Much finer than the channels, so that the parabola of energy_shift has no part in the result.
    finest = min(np.diff(axis.axis).min() for axis, _ in (first, other))
    step = min(finest, reach) / 8
    fine = np.arange(low - reach, high + reach + step, step)

    def spectrum(one: tuple[Any, NDArray[np.float64]], energies: NDArray) -> NDArray:
        axis = one[0].axis
        return CubicSpline(axis, one[1])(np.clip(energies, axis[0], axis[-1]))

    advice = "Choose a window around an edge that all signals have, background removed."
    try:
        shift = energy_shift(
            spectrum(other, fine)[None], fine, spectrum(first, fine), window, max_shift=reach
        )[0]
    except ValueError as error:
        raise ValueError(
            f"align_on ({low:g}, {high:g}) eV holds no edge to align {name} on: {error} {advice}"
        ) from error
    inside = fine[(fine >= low) & (fine <= high)]
    likeness = np.corrcoef(spectrum(other, inside), spectrum(first, inside - shift))[0, 1]
    if not likeness >= _MIN_CORRELATION or abs(shift) >= reach - 2 * step:
        raise ValueError(
            f"{name} has no edge in align_on ({low:g}, {high:g}) eV in common with the first "
            f"signal: the best shift, {shift:.3g} eV of at most {reach:g} eV, makes their mean "
            f"spectra correlate by {likeness:.2f} ({_MIN_CORRELATION} is needed). {advice}"
        )
    return float(shift)


def _mean_spectrum(data: Any) -> NDArray[np.float64]:
    """Return the mean of all spectra without NaN or infinity, of an array in memory or not."""
    finite = np.isfinite(data).all(axis=-1, keepdims=True)
    navigation = tuple(range(data.ndim - 1))
    total = np.where(finite, data, 0).sum(axis=navigation, dtype=np.float64)
    return np.asarray(total) / max(int(np.asarray(finite.sum())), 1)


def warn_if_confounded(origins: Sequence[Sequence[Any]]) -> None:
    """Warn if every class comes from one signal only, given the classes of each signal."""
    signals_of: dict[Any, set[int]] = {}
    for i, classes in enumerate(origins):
        for label in classes:
            signals_of.setdefault(label, set()).add(i)
    used = set().union(*signals_of.values())
    if len(signals_of) > 1 and len(used) > 1 and all(len(own) == 1 for own in signals_of.values()):
        where = ", ".join(
            f"{label!r} in signal {min(own) + 1}" for label, own in signals_of.items()
        )
        warn(
            f"each class comes from one signal only ({where}): a classifier can tell these classes "
            "apart by the instrument (resolution, noise, calibration) instead of the material. "
            "Have spectra of each class in several signals, or test on other instruments."
        )
