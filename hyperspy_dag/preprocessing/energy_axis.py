# SPDX-License-Identifier: GPL-3.0-or-later
"""An energy axis in eV, and ranges on it as a user gives them."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np

#: A power law has two parameters and noise; fewer channels than this cannot fix them.
MIN_BACKGROUND_CHANNELS = 5

_ADVICE = "Give {}=(low, high) in eV, or a hyperspy.api.roi.SpanROI."

_EV_PER_UNIT = {"ev": 1.0, "kev": 1e3, "electronvolt": 1.0, "kiloelectronvolt": 1e3}
_EV_PER_UNIT_EXACT = {"meV": 1e-3, "MeV": 1e6}  # these two differ by their capital alone


def ev_per_unit(axis: Any) -> float:
    """Return how many eV the axis's unit is; an axis without unit is taken to be in eV."""
    units = axis.units
    if not isinstance(units, str) or units.strip() in ("", "<undefined>"):
        return 1.0
    units = units.strip()
    factor = _EV_PER_UNIT_EXACT.get(units, _EV_PER_UNIT.get(units.lower()))
    if factor is None:
        raise ValueError(
            f"the energy axis {axis.name!r} has units {units!r}, which are not eV, keV, meV or "
            "MeV. "
            'Calibrate it, or set s.axes_manager.signal_axes[0].units = "eV" if it is in eV '
            "already."
        )
    return factor


def axis_in_ev(axis: Any) -> tuple[Any, float]:
    """Return a copy of an energy axis in eV, and the factor from its own units to eV."""
    from hyperspy.axes import create_axis

    factor = ev_per_unit(axis)
    attributes = axis.get_axis_dictionary()
    attributes.pop("_type", None)
    converted = create_axis(**attributes)
    put_axis_in_ev(converted, factor)
    return converted, factor


def put_axis_in_ev(axis: Any, factor: float) -> None:
    """Convert an energy axis to eV, in place, given the factor from its own units."""
    from hyperspy.axes import FunctionalDataAxis

    axis.units = "eV"
    if factor == 1.0:
        return
    if isinstance(axis, FunctionalDataAxis):
        # Its expression would go on to give the old unit's numbers.
        axis.convert_to_non_uniform_axis()
    if axis.is_uniform:
        axis.offset, axis.scale = axis.offset * factor, axis.scale * factor
    else:
        axis.axis = axis.axis * factor


def energy_range(name: str, given: Any, axis: Any, factor: float) -> tuple[float, float] | None:
    """Return a range given by the user as (low, high) in eV, checked, or None."""
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
    energies = axis.axis
    # Limits are often rounded, so half a channel too low is no error; nor is the end of the last
    # channel, as the limit that leaves nothing out.
    lowest = energies[0] - (energies[1] - energies[0]) / 2 if axis.size > 1 else energies[0]
    highest = energies[-1] + (energies[-1] - energies[-2]) if axis.size > 1 else energies[0]
    rounding = 1e-9 * max(abs(lowest), abs(highest))
    if low < lowest - rounding or high > highest + rounding:
        raise ValueError(
            f"{name} ({low:g}, {high:g}) eV is not inside the energy axis, which runs from "
            f"{energies[0]:g} to {energies[-1]:g} eV. {advice}"
        )
    return low, high


def two_energies(name: str, given: Any, factor: float) -> tuple[float, float]:
    """Return the two numbers of a range given by the user, in eV, wherever they lie."""
    given = roi_in_ev(given, factor)
    is_pair = isinstance(given, list | tuple | np.ndarray) and len(given) == 2
    if not is_pair or not all(_is_number(value) for value in given):
        raise TypeError(f"{name} must be two numbers; got {given!r}. {_ADVICE.format(name)}")
    low, high = (float(value) for value in given)
    return low, high


def roi_in_ev(given: Any, factor: float) -> Any:
    """Return the two energies of an ROI, in eV; what is none comes back as it is."""
    if hasattr(given, "left") and hasattr(given, "right"):
        # An ROI is drawn on the axis, so it has the axis's units.
        return given.left * factor, given.right * factor
    return given


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)


def background_window(
    background: tuple[float, float], signal: tuple[float, float] | None, axis: Any
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
    first, last = axis.value_range_to_indices(low, high)
    if last - first + 1 < MIN_BACKGROUND_CHANNELS:
        width = np.diff(axis.axis)[min(first, axis.size - 2)] if axis.size > 1 else math.nan
        raise ValueError(
            f"background_range ({low:g}, {high:g}) eV holds {last - first + 1} channels of "
            f"{width:g} eV; a power law needs at least {MIN_BACKGROUND_CHANNELS}. Widen it."
        )
    return int(first), int(last)


def crop_indices(signal: tuple[float, float] | None, axis: Any) -> tuple[int, int]:
    if signal is None:
        return 0, axis.size
    low, high = signal
    energies = axis.axis
    first = int(axis.value2index(min(max(low, energies[0]), energies[-1])))
    # The tolerance keeps rounding noise of a unit conversion from costing the last channel.
    reaches_end = high >= energies[-1] * (1 - 1e-12)
    stop = axis.size if reaches_end else int(axis.value2index(max(high, energies[0])))
    if stop <= first:
        raise ValueError(
            f"signal_range ({low:g}, {high:g}) eV holds no channel: it is narrower than one. Widen "
            "it."
        )
    return first, stop
