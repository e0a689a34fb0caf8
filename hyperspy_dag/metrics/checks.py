# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of sets of spectra, energy axes and windows."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Of the intensities: what is less is rounding. Spectra are kept as float32, which rounds at 6e-8.
ROUNDING = 1e-6


def as_spectra(spectra: ArrayLike, name: str = "spectra", minimum: int = 1) -> NDArray[np.float64]:
    """Return ``spectra`` as a float64 array of shape (spectra, channels), checked.

    Parameters
    ----------
    spectra : array-like, shape (spectra, channels)
        Intensities.
    name : str
        What to call the array in an error message.
    minimum : int
        The fewest spectra that the caller can work with.

    Returns
    -------
    numpy.ndarray, float64, shape (spectra, channels)

    Raises
    ------
    TypeError
        The array is not numeric, or is complex.
    ValueError
        The array is not 2-D, has too few spectra or no channel, or holds NaN, infinity or masked
        values.
    """
    if np.ma.is_masked(spectra):
        raise ValueError(
            f"{name} holds masked values, which would count as what lies beneath; leave those "
            "spectra or channels out first."
        )
    array = np.asarray(spectra)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must be an array of real numbers; got dtype {array.dtype}.")
    if array.ndim != 2:
        raise ValueError(
            f"{name} must have shape (spectra, channels); got shape {array.shape}. "
            "Reshape to spectra.reshape(-1, channels) first."
        )
    if array.shape[0] < minimum:
        raise ValueError(
            f"{name} holds {array.shape[0]} spectra; at least {minimum} are needed here."
        )
    if array.shape[1] == 0:
        raise ValueError(f"{name} has no channels (shape {array.shape}).")
    array = array.astype(np.float64, copy=False)
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise ValueError(
            f"{name} holds NaN or infinite intensities (first in spectrum {row}); "
            "remove or repair those spectra first."
        )
    return array


def as_pair(
    real: ArrayLike,
    synthetic: ArrayLike,
    minimum: int = 1,
    names: tuple[str, str] = ("real", "synthetic"),
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return two sets of spectra with the same number of channels, checked.

    Parameters
    ----------
    real, synthetic : array-like, shape (spectra, channels)
        The two sets.
    minimum : int
        The fewest spectra allowed on each side.
    names : tuple of str
        What to call them in an error message.

    Returns
    -------
    tuple of numpy.ndarray

    Raises
    ------
    TypeError, ValueError
        As `as_spectra`; also ValueError when the numbers of channels differ.
    """
    first = as_spectra(real, names[0], minimum)
    second = as_spectra(synthetic, names[1], minimum)
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"{names[0]} has {first.shape[1]} channels and {names[1]} has {second.shape[1]}; "
            "bring both to one energy axis first."
        )
    return first, second


def as_energy(energy: ArrayLike, channels: int) -> NDArray[np.float64]:
    """Return an energy axis in eV, checked: 1-D, one value per channel, strictly increasing.

    Raises
    ------
    ValueError
        The axis does not fit the spectra or does not increase.
    """
    axis = np.asarray(energy, dtype=np.float64)
    if axis.ndim != 1 or axis.size != channels:
        raise ValueError(
            f"the energy axis has shape {axis.shape}; the spectra have {channels} channels."
        )
    if not np.isfinite(axis).all() or not (np.diff(axis) > 0).all():
        raise ValueError("the energy axis must be finite and strictly increasing (eV).")
    return axis


def as_window(
    window: tuple[float, float], energy: NDArray[np.float64], name: str, minimum: int = 3
) -> slice:
    """Return the slice of channels of an energy window in eV, both ends included.

    Raises
    ------
    ValueError
        The window is not (low, high), or covers fewer than ``minimum`` channels.
    """
    try:
        low, high = (float(value) for value in window)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be (low, high) in eV; got {window!r}.") from error
    if not low < high:
        raise ValueError(f"{name} must be (low, high) in eV with low < high; got {window!r}.")
    # A little tolerance: an axis of offset + scale x index rarely holds exactly 640.1.
    tolerance = 1e-6 * (energy[-1] - energy[0])
    start = int(np.searchsorted(energy, low - tolerance, side="left"))
    stop = int(np.searchsorted(energy, high + tolerance, side="right"))
    if stop - start < minimum:
        raise ValueError(
            f"{name} {window!r} eV covers {max(stop - start, 0)} channels of the energy axis "
            f"({energy[0]:.6g} to {energy[-1]:.6g} eV); at least {minimum} are needed."
        )
    return slice(start, stop)


def as_count(value: int, name: str, low: int, high: int | None = None) -> int:
    """Return a whole number between ``low`` and ``high``, both included, checked.

    Raises
    ------
    TypeError
        Not a whole number.
    ValueError
        Outside the range.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be a whole number; got {value!r}.")
    if value < low or (high is not None and value > high):
        limits = f"at least {low}" if high is None else f"between {low} and {high}"
        raise ValueError(f"{name} must be {limits}; got {value}.")
    return int(value)
