# SPDX-License-Identifier: GPL-3.0-or-later
"""The energy axis of spectra, in eV."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

#: Channels within which two axes are the same: calibrations are rounded when saved, and no metric
#: sees less than this.
TOLERANCE = 0.01

_EV_PER_UNIT = {
    "ev": 1.0,
    "kev": 1e3,
    "electronvolt": 1.0,
    "millielectronvolt": 1e-3,
    "kiloelectronvolt": 1e3,
    "megaelectronvolt": 1e6,
}
_EV_PER_UNIT_EXACT = {"meV": 1e-3, "MeV": 1e6}  # these two differ by their capital alone

#: Units as files write them: "(eV)", "Energy Loss (eV)", "energy loss / keV", "electron volts".
_WRITTEN_UNIT = re.compile(
    r"(?:\b(?:energy|loss|in|ΔE|E)\b|[\s_,:/-])*[\[(]?\s*([^][()]+?)\s*[\])]?", re.IGNORECASE
)


def ev_per_unit(axis: Any) -> float:
    """Return the unit of the axis in eV; axes without unit are taken to be in eV."""
    units = axis.units
    if not isinstance(units, str) or units.strip() in ("", "<undefined>"):
        return 1.0
    written = _WRITTEN_UNIT.fullmatch(units.strip())
    name = re.sub(r"[\s_-]|(?<=volt)s$", "", written[1], flags=re.IGNORECASE) if written else ""
    factor = _EV_PER_UNIT_EXACT.get(name, _EV_PER_UNIT.get(name.lower()))
    if factor is None:
        raise ValueError(
            f"the energy axis {axis.name!r} has units {units!r}, which are not eV, keV, meV or "
            "MeV. "
            'Calibrate it, or set s.axes_manager.signal_axes[0].units = "eV" if it is in eV '
            "already."
        )
    return factor


def put_axis_in_ev(axis: Any, factor: float) -> None:
    """Convert a HyperSpy energy axis to eV, in place, given the factor from its own units."""
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


class EnergyAxis:
    """Energy losses of the channels of a signal, in eV.

    Parameters
    ----------
    axis : hyperspy.axes.BaseDataAxis
        Axis in eV. It is stored without a copy.

    See Also
    --------
    EnergyAxis.of_signal : The axis of a signal with any unit of energy.
    EnergyAxis.of_description : The axis that a file or a signal describes.
    """

    def __init__(self, axis: Any):
        self._axis = axis

    @classmethod
    def of_signal(cls, s: EELSSpectrum) -> Self:
        """Return a copy of a signal's energy axis, in eV.

        Raises
        ------
        ValueError
            The unit of the axis is not one of energy.
        """
        axis = s.axes_manager.signal_axes[0]
        own = cls.of_description(axis.get_axis_dictionary())
        put_axis_in_ev(own._axis, ev_per_unit(axis))
        return own

    @classmethod
    def of_description(cls, description: dict[str, Any]) -> Self:
        """Return the axis that HyperSpy's ``get_axis_dictionary`` describes, in eV."""
        from hyperspy.axes import create_axis

        # exSpy's axes are binned where nothing else is said.
        given = copy.deepcopy({"is_binned": True} | description)
        return cls(create_axis(**{k: v for k, v in given.items() if k != "_type"}))

    @classmethod
    def uniform(cls, offset: float, scale: float, size: int, name: str, is_binned: bool) -> Self:
        """Return a uniform axis: `size` channels of `scale` eV, the first at `offset` eV."""
        from hyperspy.axes import UniformDataAxis

        return cls(
            UniformDataAxis(
                name=name,
                units="eV",
                offset=offset,
                scale=scale,
                size=size,
                navigate=False,
                is_binned=is_binned,
            )
        )

    @property
    def energies(self) -> NDArray[np.float64]:
        """Energy losses at the centres of the channels in eV, shape (channels,)."""
        return self._axis.axis

    @property
    def size(self) -> int:
        """Number of channels."""
        return int(self._axis.size)

    @property
    def is_uniform(self) -> bool:
        """Whether all channels have the same width."""
        return bool(self._axis.is_uniform)

    @property
    def is_binned(self) -> bool:
        """Whether intensities are counts per channel instead of counts per eV."""
        return bool(self._axis.is_binned)

    @property
    def name(self) -> str:
        """Name of the axis."""
        return self._axis.name

    @property
    def dispersion(self) -> float:
        """Width of a channel in eV; the mean width if the axis is not uniform."""
        if self.is_uniform:
            return float(self._axis.scale)
        return float(np.ptp(self.energies)) / max(self.size - 1, 1)

    def channel(self, energy: float) -> int:
        """Return the channel nearest to an energy in eV that lies on the axis."""
        return int(self._axis.value2index(energy))

    def channels(self, low: float, high: float) -> tuple[int, int]:
        """Return the first and the last channel between two energies in eV."""
        first, last = self._axis.value_range_to_indices(low, high)
        return int(first), int(last)

    def is_same_as(self, other: EnergyAxis) -> bool:
        """Return whether two axes have the same energies, to a hundredth of a channel."""
        if self.size != other.size:
            return False
        dispersion = np.ptp(other.energies) / max(other.size - 1, 1)
        return bool(np.abs(self.energies - other.energies).max() <= TOLERANCE * dispersion)

    def description(self) -> dict[str, Any]:
        """Return the axis as HyperSpy's ``get_axis_dictionary`` does, as plain numbers.

        A functional axis is returned as a list of energies, since its expression would be evaluated
        when a file is opened.
        """
        described = self._axis.get_axis_dictionary()
        if "expression" in described:
            own = EnergyAxis.of_description(described)
            own._axis.convert_to_non_uniform_axis()
            described = own._axis.get_axis_dictionary()
        return copy.deepcopy(described)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).of_description, (self.description(),)

    def __str__(self) -> str:
        energies = self.energies
        return f"{self.size} channels from {energies[0]:.6g} to {energies[-1]:.6g} eV"
