# SPDX-License-Identifier: GPL-3.0-or-later
"""Energy shifts between spectra of several experiments, from a common edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperspy_dag._utils.checks import check_number, name_of

from .energy_axis import EnergyAxis
from .energy_ranges import roi_in_ev
from .masked import without_mask

#: Correlation of two mean spectra below which there is no common edge to align on.
_MIN_CORRELATION = 0.9

#: How far apart in eV the spectra of one class may lie in two signals, and how far is looked.
_APART = 1.0
_FARTHEST = 15.0


def check_align_on(align_on: Any, factor: float = 1.0) -> tuple[float, float] | None:
    """Return the window of the alignment in eV, or None, checked.

    Parameters
    ----------
    align_on : (float, float) in eV, SpanROI or None
    factor : float, default 1.0
        Conversion factor from the units of the axis of an ROI to eV.

    Raises
    ------
    TypeError, ValueError
        `align_on` is no pair of finite increasing numbers.
    """
    if align_on is None:
        return None
    align_on = roi_in_ev(align_on, factor)
    if not isinstance(align_on, list | tuple | np.ndarray) or len(align_on) != 2:
        raise TypeError(f"align_on must be two energies in eV, (low, high); got {align_on!r}")
    low, high = (check_number("align_on", value) for value in align_on)
    if low >= high:
        raise ValueError(f"align_on must have its lower energy first; got ({low:g}, {high:g}) eV")
    return low, high


def edge_shifts(
    axes: Sequence[EnergyAxis],
    means: Sequence[NDArray[np.float64]],
    window: tuple[float, float] | None,
) -> list[float]:
    """Return the shift in eV of the edge of each mean spectrum against the first.

    Parameters
    ----------
    axes : sequence of EnergyAxis
    means : sequence of numpy.ndarray, shape (channels,)
        Not used without `window`.
    window : (float, float) or None
        Window around the edge in eV, from :func:`check_align_on`; None gives zeros.

    Raises
    ------
    ValueError
        See :func:`hyperspy_dag.common_energy_axis`.
    """
    if window is None:
        return [0.0] * len(axes)
    for i, axis in enumerate(axes):
        energies = axis.energies
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
    first: tuple[EnergyAxis, NDArray[np.float64]],
    other: tuple[EnergyAxis, NDArray[np.float64]],
    window: tuple[float, float],
    name: str,
) -> float:
    from scipy.interpolate import CubicSpline
    from scipy.signal import detrend

    from hyperspy_dag.metrics import energy_shift

    low, high = window
    reach = (high - low) / 2
    # Much finer than the channels, so that the parabola of energy_shift has no part in the result.
    finest = min(np.diff(axis.energies).min() for axis, _ in (first, other))
    step = min(finest, reach) / 8
    fine = np.arange(low - reach, high + reach + step, step)

    def spectrum(one: tuple[EnergyAxis, NDArray[np.float64]], energies: NDArray) -> NDArray:
        axis = one[0].energies
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
    # Straight lines out: the tails of any two edges correlate.
    both = [detrend(spectrum(other, inside)), detrend(spectrum(first, inside - shift))]
    likeness = np.corrcoef(both)[0, 1]
    if not likeness >= _MIN_CORRELATION or abs(shift) >= reach - 2 * step:
        raise ValueError(
            f"{name} has no edge in align_on ({low:g}, {high:g}) eV in common with the first "
            f"signal: the best shift, {shift:.3g} eV of at most {reach:g} eV, makes their mean "
            f"spectra correlate by {likeness:.2f} ({_MIN_CORRELATION} is needed, straight lines "
            f"taken out). {advice}"
        )
    return float(shift)


def classes_apart(
    axis: EnergyAxis, means: Sequence[Mapping[Any, NDArray[np.float64]]]
) -> list[str]:
    """Return a message for each class whose energies differ between two signals.

    Parameters
    ----------
    axis : EnergyAxis
        Common axis. There is no message for an axis that is not uniform.
    means : sequence of dict of class to numpy.ndarray, shape (channels,)
        Mean spectra of the classes of each signal.
    """
    messages: list[str] = []
    if not axis.is_uniform:
        return messages
    seen: dict[Any, tuple[int, NDArray[np.float64]]] = {}
    for i, own in enumerate(means):
        for label, mean in own.items():
            first, reference = seen.setdefault(label, (i, mean))
            shift = _likely_shift(mean, reference, axis.energies)
            if abs(shift) > max(_APART, 2 * axis.dispersion):
                messages.append(
                    f"the spectra of class {label!r} in signal {i + 1} lie {abs(shift):.1f} eV "
                    f"{'above' if shift > 0 else 'below'} those in signal {first + 1}: the energy "
                    "axes seem to be calibrated differently, and the class is learned with both. "
                    "Align the signals on an edge, align_on=(low, high) in eV, or correct the "
                    "offset of one."
                )
    return messages


def _likely_shift(mean: NDArray, reference: NDArray, energy: NDArray) -> float:
    """Return the shift in eV that makes two mean spectra much more similar; 0 if there is none."""
    from hyperspy_dag.metrics import energy_shift

    if np.ptp(mean) == 0 or np.ptp(reference) == 0:
        return 0.0
    reach = min(_FARTHEST, np.ptp(energy) / 3)
    shift = float(energy_shift(mean[None], energy, reference, max_shift=reach)[0])
    moved = np.interp(energy - shift, energy, reference)
    as_is, best = (np.corrcoef(mean, other)[0, 1] for other in (reference, moved))
    return shift if best >= _MIN_CORRELATION and 1 - best < 0.5 * (1 - as_is) else 0.0


def mean_spectrum(data: Any) -> NDArray[np.float64]:
    """Return the mean of all spectra without NaN, infinity or masked values, in memory or not."""
    if hasattr(data, "dask"):
        data = data.map_blocks(without_mask, dtype=np.result_type(data.dtype, np.float32))
    else:
        data = without_mask(data)
    finite = np.isfinite(data).all(axis=-1, keepdims=True)
    navigation = tuple(range(data.ndim - 1))
    total = np.where(finite, data, 0).sum(axis=navigation, dtype=np.float64)
    return np.asarray(total) / max(int(np.asarray(finite.sum())), 1)
