# SPDX-License-Identifier: GPL-3.0-or-later
"""Rebinning of spectra to another energy axis that conserves their intensity."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hyperspy_dag._utils.checks import name_of

from .energy_axis import TOLERANCE, EnergyAxis
from .masked import without_mask
from .normalisation import unit_area
from .record import preprocessing_record
from .steps import MIN_CHANNELS, NORMALISED_RANGE, slabs

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum


@dataclass(frozen=True)
class Resampling:
    """Conversion of the spectra of one signal to another energy axis.

    Attributes
    ----------
    limits : numpy.ndarray, shape (new channels + 1,)
        Limits of the new channels, in old channels from the lower limit of the first. Whole numbers
        for a crop.
    channels : int
        Number of old channels.
    density : bool
        Whether intensities are per eV instead of per channel.
    """

    limits: NDArray[np.float64]
    channels: int
    density: bool

    @property
    def is_crop(self) -> bool:
        """Whether the channels are kept unchanged."""
        return bool((np.diff(self.limits) == 1).all() and self.limits[0] == int(self.limits[0]))

    @property
    def is_identity(self) -> bool:
        """Whether the spectra are kept unchanged."""
        return self.is_crop and len(self.limits) == self.channels + 1

    def __call__(self, rows: NDArray[Any], normalise: bool | str) -> NDArray[Any]:
        """Return spectra of shape (..., channels) on the new axis, float64 unless unchanged.

        They are normalised by their maximum, or by their area if `normalise` is "area". The result
        for a spectrum does not depend on the others, bit for bit.
        """
        rows = without_mask(rows)
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
        if normalise == "area":
            return unit_area(values)
        return _normalised(values) if normalise else values


def _integrals(values: NDArray[np.float64], limits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return integrals, between limits in channels, of values constant within each channel."""
    total = np.zeros((*values.shape[:-1], values.shape[-1] + 1))
    np.cumsum(values, axis=-1, out=total[..., 1:])
    whole = np.minimum(limits.astype(np.intp), values.shape[-1] - 1)
    at_limits = total[..., whole] + (limits - whole) * values[..., whole]
    return np.diff(at_limits, axis=-1)


def _normalised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    maximum = values.max(axis=-1, keepdims=True)
    return values / np.where(maximum > 0, maximum, 1)


def plan(
    axes: Sequence[EnergyAxis], shifts: Sequence[float]
) -> tuple[EnergyAxis, list[Resampling]]:
    """Choose the common axis and the resampling of each signal.

    Parameters
    ----------
    axes : sequence of EnergyAxis
    shifts : sequence of float
        Energies in eV to subtract from those of each signal.

    Returns
    -------
    axis : EnergyAxis
    resamplings : list of Resampling

    Raises
    ------
    ValueError
        The axes differ and one is not uniform, or they overlap in too few channels.
    """
    if not any(shifts) and all(axis.is_same_as(axes[0]) for axis in axes):
        return axes[0], [_identity(axis) for axis in axes]
    for i, axis in enumerate(axes):
        if not axis.is_uniform:
            raise ValueError(
                f"{name_of(i, len(axes))}: its energy axis is not uniform, and not that of the "
                "others; only uniform axes can be brought to one. Interpolate it first: "
                's.interpolate_on_axis(new_axis, "Energy loss").'
            )
    grids = [
        _Grid(axis.energies[0] - shift, axis.dispersion, axis.size)
        for axis, shift in zip(axes, shifts, strict=True)
    ]
    coarsest = max(grid.scale for grid in grids)
    target = next(grid for grid in grids if grid.scale >= coarsest * (1 - 1e-6))
    low, high = max(grid.low for grid in grids), min(grid.high for grid in grids)
    first = max(math.ceil((low - target.low) / target.scale - TOLERANCE), 0)
    stop = min(math.floor((high - target.low) / target.scale + TOLERANCE), target.size)
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
    made = EnergyAxis.uniform(
        float(common.offset),
        float(common.scale),
        int(common.size),
        axes[0].name,
        axes[0].is_binned,
    )
    return made, [_between(grid, common, axis) for grid, axis in zip(grids, axes, strict=True)]


def resampling_onto(axis: EnergyAxis, target: EnergyAxis, name: str) -> Resampling:
    """Return the resampling from one axis in eV to another.

    Raises
    ------
    ValueError
        The axis does not cover the other, its dispersion is coarser, or the axes differ and one is
        not uniform.
    """
    if axis.is_same_as(target):
        return _identity(axis)
    texts = f"{axis} instead of {target}"
    if not (axis.is_uniform and target.is_uniform):
        raise ValueError(
            f"{name} is on another energy axis than the training spectra, and one of these is not "
            f"uniform: {texts}. Interpolate it first: s.interpolate_on_axis."
        )
    grid = _Grid(axis.energies[0], axis.dispersion, axis.size)
    common = _Grid(target.energies[0], target.dispersion, target.size)
    slack = TOLERANCE * common.scale
    if grid.scale * grid.size > common.scale * grid.size + slack:
        raise ValueError(
            f"{name} has a coarser dispersion than the training spectra, {grid.scale:g} instead of "
            f"{common.scale:g} eV: what it lacks cannot be made up. Train on such spectra too."
        )
    if grid.low > common.low + slack or grid.high < common.high - slack:
        raise ValueError(f"{name} does not cover the energies of the training spectra: {texts}.")
    return _between(grid, common, axis)


def resampled(s: EELSSpectrum, axis: EnergyAxis, resampling: Resampling) -> EELSSpectrum:
    """Return the spectra of a signal on another energy axis, as a new signal, lazy if it is."""
    normalise = not resampling.is_identity and is_normalised(s)
    normalise = normalise and ((preprocessing_record(s) or {}).get("normalise") or True)
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
    axes[-1] = {
        **axis.description(),
        "name": axes[-1]["name"],
        "is_binned": binned,
        "navigate": False,
    }
    result = type(s)(
        data,
        axes=axes,
        metadata=copy.deepcopy(s.metadata.as_dictionary()),
        original_metadata=copy.deepcopy(s.original_metadata.as_dictionary()),
    )
    # exSpy makes every new signal binned.
    result.axes_manager.signal_axes[0].is_binned = binned
    if not resampling.is_identity and result.metadata.has_item("Signal.Noise_properties"):
        del result.metadata.Signal.Noise_properties
    return result


def _resample_block(
    block: NDArray[Any], resampling: Resampling, normalise: bool | str
) -> NDArray[np.floating]:
    is_double = block.dtype.kind == "f" and block.dtype.itemsize > 4
    return resampling(block, normalise).astype(np.float64 if is_double else np.float32)


def is_normalised(s: EELSSpectrum) -> bool:
    """Whether spectra are normalised, by their record or else by their maxima."""
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
    """A uniform axis in eV, with energies at the centres of the channels."""

    offset: float
    scale: float
    size: int

    @property
    def low(self) -> float:
        return self.offset - self.scale / 2

    @property
    def high(self) -> float:
        return self.low + self.size * self.scale


def _between(grid: _Grid, common: _Grid, axis: EnergyAxis) -> Resampling:
    limits = (common.low + np.arange(common.size + 1) * common.scale - grid.low) / grid.scale
    start = round(limits[0])
    whole = start + np.arange(common.size + 1)
    if np.abs(limits - whole).max() <= TOLERANCE and 0 <= start <= grid.size - common.size:
        limits = whole.astype(np.float64)
    limits = np.clip(limits, 0, grid.size)
    return Resampling(limits, grid.size, density=not axis.is_binned)


def _identity(axis: EnergyAxis) -> Resampling:
    return Resampling(np.arange(axis.size + 1.0), axis.size, density=not axis.is_binned)
