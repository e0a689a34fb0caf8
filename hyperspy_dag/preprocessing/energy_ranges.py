# SPDX-License-Identifier: GPL-3.0-or-later
"""Ranges of energy loss given by the user."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np

from .energy_axis import EnergyAxis

#: A power law has two parameters and noise; fewer channels than this cannot fix them.
MIN_BACKGROUND_CHANNELS = 5

_ADVICE = "Give {}=(low, high) in eV, or a hyperspy.api.roi.SpanROI."


def energy_range(
    name: str, given: Any, axis: EnergyAxis, factor: float
) -> tuple[float, float] | None:
    """Return a range given by the user as (low, high) in eV, or None, checked."""
    if given is None:
        return None
    advice = _ADVICE.format(name)
    low, high = two_energies(name, given, factor)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"{name} must be two finite numbers; got ({low:g}, {high:g}). {advice}")
    if low >= high:
        raise ValueError(
            f"{name} must have its lower energy first; got ({low:g}, {high:g}) eV. {advice}"
        )
    energies = axis.energies
    # Limits are often rounded, so half a channel outside is no error. The end of the last channel
    # is the limit that leaves nothing out.
    lowest = energies[0] - (energies[1] - energies[0]) / 2 if axis.size > 1 else energies[0]
    highest = energies[-1] + 1.5 * (energies[-1] - energies[-2]) if axis.size > 1 else energies[0]
    rounding = 1e-9 * max(abs(lowest), abs(highest))
    if low < lowest - rounding or high > highest + rounding:
        raise ValueError(
            f"{name} ({low:g}, {high:g}) eV is not inside the energy axis, which runs from "
            f"{energies[0]:g} to {energies[-1]:g} eV. {advice}"
        )
    return low, high


def two_energies(name: str, given: Any, factor: float) -> tuple[float, float]:
    """Return the two numbers of a range given by the user, in eV, inside the axis or not."""
    given = roi_in_ev(given, factor)
    is_pair = isinstance(given, list | tuple | np.ndarray) and len(given) == 2
    if not is_pair or not all(_is_number(value) for value in given):
        raise TypeError(f"{name} must be two numbers; got {given!r}. {_ADVICE.format(name)}")
    low, high = (float(value) for value in given)
    return low, high


def roi_in_ev(given: Any, factor: float) -> Any:
    """Return the two energies of an ROI in eV; return other objects unchanged."""
    if hasattr(given, "left") and hasattr(given, "right"):
        # An ROI is drawn on the axis, so it has the axis's units.
        return given.left * factor, given.right * factor
    return given


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)


def background_window(
    background: tuple[float, float],
    signal: tuple[float, float] | None,
    axis: EnergyAxis,
    least: int,
) -> tuple[int, int]:
    """Return the first and last channel of the background range, checked."""
    low, high = background
    if low <= 0:
        raise ValueError(
            f"background_range ({low:g}, {high:g}) eV must lie above 0 eV: a power law is not "
            "defined at and below it."
        )
    if signal is not None and high >= signal[1]:
        raise ValueError(
            f"background_range ({low:g}, {high:g}) eV must end before signal_range "
            f"({signal[0]:g}, {signal[1]:g}) eV does: it is the stretch in front of the edge. Give "
            "a lower background_range."
        )
    first, last = axis.channels(low, high)
    if last - first + 1 < max(least, MIN_BACKGROUND_CHANNELS):
        width = np.diff(axis.energies)[min(first, axis.size - 2)] if axis.size > 1 else math.nan
        raise ValueError(
            f"background_range ({low:g}, {high:g}) eV holds {last - first + 1} channels of "
            f"{width:g} eV; the fit needs at least {max(least, MIN_BACKGROUND_CHANNELS)}. Widen it."
        )
    return first, last


def crop_indices(signal: tuple[float, float] | None, axis: EnergyAxis) -> tuple[int, int]:
    if signal is None:
        return 0, axis.size
    low, high = signal
    energies = axis.energies
    first = axis.channel(min(max(low, energies[0]), energies[-1]))
    # The tolerance keeps rounding noise of a unit conversion from costing the last channel.
    reaches_end = high >= energies[-1] * (1 - 1e-12)
    stop = axis.size if reaches_end else axis.channel(max(high, energies[0]))
    if stop <= first:
        raise ValueError(
            f"signal_range ({low:g}, {high:g}) eV holds no channel: it is narrower than one. Widen "
            "it."
        )
    return first, stop
