# SPDX-License-Identifier: GPL-3.0-or-later
"""The noise of measured spectra: level, point spread, dependence on intensity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import fftconvolve

#: Channels of the point-spread kernel.
KERNEL_SIZE = 33


def relative_level(spectra: NDArray) -> NDArray[np.float64]:
    """Noise level of each spectrum relative to the others, shape (n,).

    From differences of neighbouring channels less their median over the spectra: robust, and not
    lowered by what a basis fitted to the same spectra absorbs.
    """
    difference = np.diff(spectra, axis=1)
    difference = np.abs(difference - np.median(difference, axis=0))
    scale = gaussian_filter1d(np.median(difference, axis=0), 10)
    scale = np.maximum(scale, 1e-3 * scale.max() + 1e-300)
    level = np.median(difference / scale, axis=1)
    return np.maximum(level, 0.05 * np.median(level) + 1e-12)


def neighbour_correlation(noise: NDArray) -> NDArray[np.float64]:
    """Correlation of channels with their neighbours at lags 0, 1, … (at most 12).

    Parameters
    ----------
    noise : array of shape (n, channels)
        Each spectrum counts the same, whatever its level.
    """
    lags = min(12, noise.shape[1] // 8)
    unit = noise / np.sqrt((noise**2).mean(axis=1, keepdims=True) + 1e-300)
    correlation = np.array(
        [(unit[:, lag:] * unit[:, : unit.shape[1] - lag]).mean() for lag in range(lags + 1)]
    )
    return correlation / correlation[0]


def point_spread(correlation: NDArray) -> NDArray[np.float64]:
    """Symmetric kernel that gives white noise a neighbour correlation.

    Parameters
    ----------
    correlation : array of shape (lags + 1,)

    Returns
    -------
    array of shape (KERNEL_SIZE,)
        Of unit length, so that the variance is kept.
    """
    size, half = 4096, KERNEL_SIZE // 2
    ring = np.zeros(size)
    ring[: len(correlation)] = correlation
    ring[size - len(correlation) + 1 :] = correlation[:0:-1]
    # The square root of the power spectrum, with no phase; a correlation cut off after a few
    # lags may have slightly negative power.
    amplitude = np.sqrt(np.fft.rfft(ring).real.clip(1e-4))
    kernel = np.roll(np.fft.irfft(amplitude, size), half)[:KERNEL_SIZE]
    return kernel / np.linalg.norm(kernel)


def simulated_noise(
    kernel: NDArray, level: NDArray, channels: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """Noise of a point spread and a level for each spectrum, shape (n, channels)."""
    white = random.standard_normal((len(level), channels + len(kernel) - 1))
    spread = fftconvolve(white, kernel[None], mode="valid", axes=1)
    return level[:, None] * spread


def rough_part(noise: NDArray) -> NDArray[np.float64]:
    """What changes within some ten channels, as noise does; shape (n, channels)."""
    return noise - gaussian_filter1d(noise, 8, axis=1, mode="nearest")


def is_noise(residual: NDArray) -> bool:
    """Whether a residual is mostly rough; smooth ones are variation that a model did not hold.

    White noise has a twentieth of its variance in the smooth part, noise with a detector's point
    spread a fifth.
    """
    return bool((rough_part(residual) ** 2).mean() > 0.5 * (residual**2).mean())


def no_point_spread() -> NDArray[np.float64]:
    """Kernel that changes nothing."""
    kernel = np.zeros(KERNEL_SIZE)
    kernel[KERNEL_SIZE // 2] = 1.0
    return kernel


def noise_variance(
    noise: NDArray, level: NDArray, clean: NDArray
) -> tuple[NDArray[np.float64], float]:
    """Return a and b of noise variance ~ a(energy loss) + b · intensity.

    The first is what readout and the subtracted background leave behind, falling smoothly with
    the energy loss as the background did; the second is the counting noise of the edge itself.

    Parameters
    ----------
    noise, clean : array of shape (n, channels)
    level : array of shape (n,)

    Returns
    -------
    background : array of shape (channels,)
        1 on average.
    intensity : float
    """
    power = ((noise / np.maximum(level[:, None], 1e-12)) ** 2).mean(axis=0)
    along = np.linspace(-1, 1, len(power))
    terms = np.stack([np.ones_like(along), along, along**2, clean.clip(0).mean(axis=0)])
    fitted = np.full_like(power, power.mean())
    for _ in range(4):
        # The scatter of a variance goes with the variance.
        weight = 1 / np.maximum(fitted, 0.05 * fitted.mean() + 1e-300)
        solution = np.linalg.lstsq((terms * weight).T, power * weight, rcond=1e-8)[0]
        if solution[3] < 0:
            solution = np.linalg.lstsq((terms[:3] * weight).T, power * weight, rcond=1e-8)[0]
            solution = np.r_[solution, 0.0]
        fitted = solution @ terms
    background = solution[:3] @ terms[:3]
    # Never quite without noise, wherever the parabola goes.
    background = np.maximum(background, 0.02 * power.mean() + 1e-300)
    scale = background.mean()
    return background / scale, float(min(solution[3] / scale, 50))
