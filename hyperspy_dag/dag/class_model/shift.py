# SPDX-License-Identifier: GPL-3.0-or-later
"""Energy shifts of whole spectra, by fractions of a channel."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from .components import NOISE_FACTOR, Components
from .noise import relative_level

#: Channels that a spectrum is continued by at both ends before it is shifted, at least.
PADDING = 32

#: Gives -2 log likelihood, but for constants, of the shifts of n spectra in channels.
Misfits = Callable[[NDArray], NDArray[np.float64]]

#: Order of the polynomial that stands for the change of a smooth background.
BACKGROUND_ORDER = 3


def padded_size(channels: int) -> int:
    """Channels of a spectrum that is continued at both ends; a good size for Fourier transforms."""
    return next_fast_len(channels + 2 * PADDING, real=True)


class Shifter:
    """Shifts the same spectra again and again, see :func:`fourier_shift`.

    Parameters
    ----------
    spectra : array of shape (n, channels), float32 or float64
    """

    def __init__(self, spectra: NDArray):
        channels = spectra.shape[1]
        self._size = padded_size(channels)
        right = self._size - channels - PADDING
        padded = np.pad(spectra, ((0, 0), (PADDING, right)), mode="edge")
        self._first, self._rise = padded[:, :1], padded[:, -1:] - padded[:, :1]
        along = np.linspace(0, 1, self._size, dtype=padded.dtype)
        self._window = slice(PADDING, PADDING + channels)
        self._along = along[self._window]
        self._transform = rfft(padded - (self._first + self._rise * along), axis=1)

    def shifted(self, shift: NDArray) -> NDArray:
        """Return the spectra moved by `shift` channels, array of shape (n,)."""
        shift = np.asarray(shift, self._along.dtype)[:, None]
        angle = shift * (-2 * np.pi * np.fft.rfftfreq(self._size)).astype(shift.dtype)
        # A tenth of the time of a complex exponential.
        phase = np.empty(angle.shape, self._transform.dtype)
        np.cos(angle, out=phase.real)
        np.sin(angle, out=phase.imag)
        phase *= self._transform
        moved = irfft(phase, self._size, axis=1, overwrite_x=True)[:, self._window]
        moved += self._rise * self._along
        moved += self._first - self._rise / (self._size - 1) * shift
        return moved


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


class Unshifted(NamedTuple):
    """What spectra without shift look like: mean + scores · basis, and noise.

    What a shift does to the mean is no part of the basis, so that drift is found as drift.

    Attributes
    ----------
    mean : array of shape (channels,)
    basis : array of shape (components, channels)
        Orthonormal.
    variance : array of shape (components,)
        Of the scores.
    level : array of shape (n,)
        Noise level of each spectrum.
    """

    mean: NDArray
    basis: NDArray
    variance: NDArray
    level: NDArray

    @classmethod
    def of_components(cls, model: Components) -> Unshifted:
        """Noise-weighted components less what a shift does to their mean."""
        drift = np.gradient(model.mean)
        steepness = np.linalg.norm(drift)
        # Where a shift does what another intensity or background does, it cannot be told from it.
        other = _scale_and_background(model.mean)
        drift = drift - other.T @ (other @ drift)
        length = np.linalg.norm(drift)
        if length > 1e-9 * steepness:
            drift = drift / length
        basis = model.basis - np.outer(model.basis @ drift, drift)
        scaled = basis * np.sqrt(model.score_variance)[:, None]
        _, std, basis = np.linalg.svd(scaled, full_matrices=False)
        return cls(model.mean, basis, std**2, model.level)

    def misfits(self, spectra: NDArray) -> Misfits:
        """Return what shifts cost with the scores marginalised."""
        shifter, noise = Shifter(spectra), NOISE_FACTOR * self.level**2

        def cost(shift: NDArray) -> NDArray[np.float64]:
            centred = shifter.shifted(-shift) - self.mean
            scores = centred @ self.basis.T
            share = self.variance / (self.variance + noise[:, None])
            return ((centred**2).sum(axis=1) - (scores**2 * share).sum(axis=1)) / noise

        return cost


class MovedMean(NamedTuple):
    """What spectra look like at first: their mean of any intensity on any smooth background.

    The mean is moved, not the spectra: of a spectrum moved out of the window, an intensity of none
    would explain what is left.

    Attributes
    ----------
    mean : array of shape (channels,)
    level : array of shape (n,)
        Noise level of each spectrum; noise is all that the mean does not explain.
    """

    mean: NDArray
    level: NDArray

    @classmethod
    def of(cls, aligned: NDArray) -> MovedMean:
        """From spectra of shape (n, channels) without the shifts that are known."""
        weight = 1 / relative_level(aligned) ** 2
        mean = weight @ aligned / weight.sum()
        basis = _scale_and_background(mean)
        rest = aligned - mean
        rest = rest - (rest @ basis.T) @ basis
        return cls(mean, np.sqrt((rest**2).mean(axis=1)) + 1e-6 * np.abs(mean).max() + 1e-12)

    def misfits(self, spectra: NDArray) -> Misfits:
        """Return what shifts cost with intensity and background as they fit best."""
        smooth = np.linalg.qr(_backgrounds(spectra.shape[1]).T)[0]
        mover, noise = Shifter(self.mean[None]), NOISE_FACTOR * self.level**2
        rest = spectra - (spectra @ smooth) @ smooth.T

        def cost(shift: NDArray) -> NDArray[np.float64]:
            mean = mover.shifted(shift)
            mean = mean - (mean @ smooth) @ smooth.T
            common = np.einsum("ij,ij->i", rest, mean).clip(0)
            explained = common**2 / np.maximum((mean**2).sum(axis=1), 1e-300)
            return ((rest**2).sum(axis=1) - explained) / noise

        return cost


def _backgrounds(channels: int) -> NDArray[np.float64]:
    """What stands for changes of a smooth background, shape (terms, channels)."""
    along = np.linspace(-1, 1, channels)
    return np.stack([along**power for power in range(BACKGROUND_ORDER + 1)])


def _scale_and_background(mean: NDArray) -> NDArray[np.float64]:
    """Orthonormal basis of what other intensities and smooth backgrounds add to a mean."""
    return np.linalg.qr(np.vstack([mean, _backgrounds(len(mean))]).T)[0].T


def find_shifts(
    spectra: NDArray,
    around: NDArray,
    offsets: NDArray,
    expected: Unshifted | MovedMean,
    spread: float,
) -> NDArray[np.float64]:
    """Find each spectrum's energy shift.

    Parameters
    ----------
    spectra : array of shape (n, channels)
    around : array of shape (n,)
        Channels; where to search.
    offsets : array
        Evenly spaced, from `around`; a parabola refines the best.
    expected : Unshifted or MovedMean
    spread : float
        Standard deviation of the shifts in channels, the prior.
    """
    misfit = expected.misfits(spectra)
    # -2 log posterior, but for constants.
    cost = np.array([misfit(t) + (t / spread) ** 2 for t in around + offsets[:, None]])
    best = cost.argmin(axis=0)
    middle = best.clip(1, len(offsets) - 2)
    rows = np.arange(len(spectra))
    left, centre, right = (cost[middle + i, rows] for i in (-1, 0, 1))
    curvature = left - 2 * centre + right
    inside = (curvature > 0) & (best == middle)
    refined = np.where(inside, 0.5 * (left - right) / np.where(inside, curvature, 1.0), 0.0)
    return around + offsets[best] + refined.clip(-1, 1) * (offsets[1] - offsets[0])
