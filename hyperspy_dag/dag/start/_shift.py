# SPDX-License-Identifier: GPL-3.0-or-later
"""Energy shifts of whole spectra, by fractions of a channel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._components import NOISE_FACTOR, Components

#: Channels that a spectrum is continued by at both ends before it is shifted.
PADDING = 32


class Shifter:
    """Shifts the same spectra again and again, see :func:`fourier_shift`.

    Parameters
    ----------
    spectra : array of shape (n, channels)
    """

    def __init__(self, spectra: NDArray):
        self._channels = spectra.shape[1]
        padded = np.pad(spectra, ((0, 0), (PADDING, PADDING)), mode="edge")
        self._size = padded.shape[1]
        first, self._rise = padded[:, :1], padded[:, -1:] - padded[:, :1]
        self._ramp = first + self._rise * np.linspace(0, 1, self._size)
        self._transform = np.fft.rfft(padded - self._ramp, axis=1)

    def shifted(self, shift: NDArray) -> NDArray[np.float64]:
        """Return the spectra moved by `shift` channels, array of shape (n,)."""
        shift = np.asarray(shift)[:, None]
        phase = np.exp(-2j * np.pi * np.fft.rfftfreq(self._size) * shift)
        moved = np.fft.irfft(self._transform * phase, self._size, axis=1)
        moved += self._ramp
        moved -= self._rise / (self._size - 1) * shift
        return moved[:, PADDING : PADDING + self._channels]


def fourier_shift(spectra: NDArray, shift: NDArray) -> NDArray[np.float64]:
    """Shift each spectrum by its own fraction of channels, without loss of resolution.

    The phase of the Fourier transform is turned. The end values are held, and the ramp between
    them is taken out first, so that nothing comes round from the other end.

    Parameters
    ----------
    spectra : array of shape (n, channels)
    shift : array of shape (n,)
        Channels; positive moves features to higher energy loss.
    """
    return Shifter(spectra).shifted(shift)


def _misfit(
    aligned: NDArray, shift: NDArray, model: Components, level: NDArray, spread: float
) -> NDArray:
    """-2 log posterior of each spectrum's shift, its components marginalised, but for constants."""
    centred = aligned - model.mean
    scores = centred @ model.basis.T
    noise = NOISE_FACTOR * level**2
    variance = model.score_variance
    explained = (scores**2 * (variance / (variance + noise[:, None]))).sum(axis=1)
    return ((centred**2).sum(axis=1) - explained) / noise + (shift / spread) ** 2


def find_shifts(
    spectra: NDArray,
    around: NDArray,
    grid: NDArray,
    model: Components,
    level: NDArray,
    spread: float,
) -> NDArray[np.float64]:
    """Find each spectrum's energy shift against a model of unshifted spectra.

    Parameters
    ----------
    spectra : array of shape (n, channels)
    around : array of shape (n,)
        Channels; where to search.
    grid : array
        Evenly spaced offsets from `around` to try; a parabola refines the best.
    model : Components
    level : array of shape (n,)
        Noise level of each spectrum.
    spread : float
        Standard deviation of the shifts in channels, the prior.
    """
    shifter = Shifter(spectra)
    tried = [around + offset for offset in grid]
    cost = np.array([_misfit(shifter.shifted(-t), t, model, level, spread) for t in tried])
    best = cost.argmin(axis=0)
    middle = best.clip(1, len(grid) - 2)
    rows = np.arange(len(spectra))
    left, centre, right = (cost[middle + i, rows] for i in (-1, 0, 1))
    curvature = left - 2 * centre + right
    inside = (curvature > 0) & (best == middle)
    refined = np.where(inside, 0.5 * (left - right) / np.where(inside, curvature, 1.0), 0.0)
    return around + grid[best] + refined.clip(-1, 1) * (grid[1] - grid[0])
