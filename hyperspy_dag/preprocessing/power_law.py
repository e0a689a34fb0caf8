# SPDX-License-Identifier: GPL-3.0-or-later
"""The power law of the background in front of an edge (NumPy)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Newton steps to the exponent, which is all but proportional to what is solved for.
_STEPS = 6

#: Of the powers of an energy that a power law is computed from: e to this is still a number.
_LARGEST_LOGARITHM = 500.0

#: What the parts of a background window hold must be above this many times its noise, which
#: neighbouring channels share, and above this fraction of the edge, to be more than a background.
_PARTS = 8
_BEYOND_NOISE = 20.0
_BEYOND_BACKGROUND = 0.08


def subtract_power_law(
    spectra: NDArray[np.float64],
    energies: NDArray[np.float64],
    window: tuple[int, int],
    widths: NDArray[np.float64] | float = 1.0,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Subtract from each spectrum the power law of its counts in both halves of a window.

    Parameters
    ----------
    spectra : array of shape (n, channels)
    energies : array of shape (channels,)
        Energy loss in eV; at 0 and below nothing is subtracted.
    window : (int, int)
        First channel of the window, and the channel after its last.
    widths : array of shape (channels,) or float, default 1
        What the counts of a channel go with besides, where channels differ in width.

    Returns
    -------
    array of shape (n, channels)
    fitted : bool array of shape (n,)
        Whether there is such a power law: not where a half of the window holds no counts.

    Notes
    -----
    The two-area method (R. F. Egerton, Electron Energy-Loss Spectroscopy in the Electron
    Microscope, 3rd ed., section 4.4) with sums over channels in place of integrals and their
    approximation: exact for channels and windows of any width, where HyperSpy's estimate is off by
    half a channel and by the square of the window's width.
    """
    first, stop = window
    half = (stop - first) // 2
    halves = [slice(first, first + half), slice(first + half, first + 2 * half)]
    positive = energies > 0
    # Relative to an energy in the window, of which every power is a number.
    logarithms = np.log(np.where(positive, energies, 1.0) / energies[first + half])
    widths = np.where(positive, widths, 0.0)

    counts = [spectra[:, part].sum(axis=1) for part in halves]
    fitted = (counts[0] > 0) & (counts[1] > 0)
    ratio = np.log(np.where(fitted, counts[0], 1.0) / np.where(fitted, counts[1], 1.0))
    exponent = np.zeros(len(spectra))
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(_STEPS):
            powers = [
                widths[part] * np.exp(-exponent[:, None] * logarithms[part]) for part in halves
            ]
            sums = [part.sum(axis=1) for part in powers]
            means = [
                (power * logarithms[part]).sum(axis=1) / total
                for power, part, total in zip(powers, halves, sums, strict=True)
            ]
            exponent = exponent + (ratio - np.log(sums[0] / sums[1])) / (means[1] - means[0])
        # Two halves of vacuum have the exponent of their noise, which may be hundreds.
        fitted &= (1 + np.abs(exponent)) * np.log(energies[stop - 1]) < _LARGEST_LOGARITHM
        exponent = np.where(fitted, exponent, 0.0)
        background = widths * np.exp(-exponent[:, None] * logarithms)
        within = background[:, first : first + 2 * half].sum(axis=1)
        background *= ((counts[0] + counts[1]) / within)[:, None]
    return spectra - background, fitted


def left_in_window(rest: NDArray[np.float64], window: tuple[int, int], stop: int) -> float:
    """Return how much is left in a background window, relative to the edge; 0 if next to nothing.

    Parameters
    ----------
    rest : array of shape (channels,)
        Mean spectrum less its power law.
    window : (int, int)
        First channel of the window, and the channel after its last.
    stop : int
        The channel after the last that is kept.
    """
    within = rest[slice(*window)]
    parts = np.array_split(within, min(_PARTS, len(within)))
    left = max(abs(part.mean()) for part in parts)
    # Third differences hold next to nothing of an edge, and the noise of 20 channels.
    noise = 1.4826 * np.median(np.abs(np.diff(within, 3))) / np.sqrt(20)
    noise /= np.sqrt(len(within) / len(parts))
    top = rest[window[0] : max(stop, window[1])].max()
    if left <= _BEYOND_NOISE * noise or left <= _BEYOND_BACKGROUND * top:
        return 0.0
    return float(left / top) if top > 0 else np.inf
