# SPDX-License-Identifier: GPL-3.0-or-later
"""The noise of a set of spectra: its level against intensity and its neighbour correlation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import svd

from .checks import ROUNDING, as_count, as_spectra


class NoiseLevel(NamedTuple):
    """Noise level against intensity, in bins of intensity.

    Attributes
    ----------
    edges : numpy.ndarray, shape (bins + 1,)
        Edges of the bins.
    intensity, level : numpy.ndarray, shape (bins,)
        Mean intensity and noise level (root mean square) of each bin; NaN in empty bins.
    counts : numpy.ndarray of int, shape (bins,)
        Number of channels, over all spectra, in each bin.

    See Also
    --------
    noise_level : Measure the noise level.

    Examples
    --------
    >>> from hyperspy_dag.metrics import noise_level
    >>> spectra = np.linspace(1.0, 2.0, 40) + np.random.default_rng(0).normal(0.0, 0.1, (100, 40))
    >>> level = noise_level(spectra, edges=[1.0, 1.5, 2.0], components=0)
    >>> level.level.round(1)
    array([0.1, 0.1])
    >>> int(level.counts.sum()) <= spectra.size
    True
    """

    edges: NDArray[np.float64]
    intensity: NDArray[np.float64]
    level: NDArray[np.float64]
    counts: NDArray[np.int64]


def split_noise(
    spectra: ArrayLike, components: int = 3
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Split spectra into clean part (mean + principal components) and residual.

    Returns
    -------
    clean, residual : numpy.ndarray, shape (spectra, channels)
    """
    spectra = as_spectra(spectra, minimum=3)
    components = as_count(components, "components", 0, min(spectra.shape[0] - 2, spectra.shape[1]))
    mean = spectra.mean(axis=0)
    if components == 0:
        clean = np.broadcast_to(mean, spectra.shape)
        return clean, spectra - mean
    left, singular, axes = svd(spectra - mean, full_matrices=False)
    clean = mean + (left[:, :components] * singular[:components]) @ axes[:components]
    return clean, spectra - clean


def noise_residual(spectra: ArrayLike, components: int = 3) -> NDArray[np.float64]:
    """Return spectra minus their mean and first principal components.

    The components are those of ``spectra`` itself, so real and synthetic sets are treated alike.
    The components contain a part of the noise, which is larger for fewer spectra: compare sets of
    equal counts.

    Parameters
    ----------
    spectra : array-like, shape (spectra, channels), at least 3 spectra
        Intensities.
    components : int, default 3
        Principal components counted as signal, at most the number of spectra minus 2.

    Returns
    -------
    numpy.ndarray, shape (spectra, channels)

    Raises
    ------
    ValueError
        Wrong shape, NaN, too few spectra or too many components.
    TypeError
        ``components`` is not a whole number.

    See Also
    --------
    noise_correlation : Correlate the residual of neighbouring channels.
    noise_level : Measure the residual against intensity.

    Examples
    --------
    >>> from hyperspy_dag.metrics import noise_residual
    >>> spectra = np.linspace(1.0, 2.0, 40) + np.random.default_rng(0).normal(0.0, 0.1, (100, 40))
    >>> residual = noise_residual(spectra, components=0)
    >>> print(f"{residual.std():.1f}")
    0.1
    """
    return split_noise(spectra, components)[1]


def noise_correlation(
    spectra: ArrayLike, lags: int = 4, components: int = 3
) -> NDArray[np.float64]:
    r"""Correlate the noise of each channel with that of its neighbours, at lags 1 to ``lags``.

    .. math:: \rho_l = \langle z_{i,c} \, z_{i,c+l} \rangle_{i,c}, \quad z_{ic} = r_{ic} / s_c

    with r the residual after the mean and the first principal components (`noise_residual`) and
    s its root mean square in each channel, so that bright channels do not outweigh dark ones.
    White noise gives 0 at all lags; a detector's point spread gives a positive, falling series.

    Parameters
    ----------
    spectra : array-like, shape (spectra, channels), at least 3 spectra
        Intensities, any unit.
    lags : int, default 4
        Number of lags, less than the number of channels.
    components : int, default 3
        Principal components counted as signal.

    Returns
    -------
    numpy.ndarray, shape (lags,)
        Between -1 and 1; NaN for a set without noise.

    Raises
    ------
    ValueError
        Wrong shape, NaN, too few spectra, too many lags or components.
    TypeError
        ``lags`` or ``components`` is not a whole number.

    See Also
    --------
    noise_residual : The residual that is correlated.
    noise_level : Measure the noise level against intensity.

    Examples
    --------
    White noise, and white noise that a detector spreads over three channels:

    >>> from hyperspy_dag.metrics import noise_correlation
    >>> white = np.random.default_rng(0).normal(1.0, 0.1, (200, 100))
    >>> spread = 0.25 * white[:, :-2] + 0.5 * white[:, 1:-1] + 0.25 * white[:, 2:]
    >>> bool(abs(noise_correlation(white, lags=2)).max() < 0.05)
    True
    >>> noise_correlation(spread, lags=2).round(1)
    array([0.6, 0.1])
    """
    spectra = as_spectra(spectra, minimum=3)
    lags = as_count(lags, "lags", 1, max(spectra.shape[1] - 1, 1))
    residual = noise_residual(spectra, components)
    level = np.sqrt(np.mean(residual**2, axis=0))
    noisy = level > ROUNDING * np.abs(spectra).max()
    z = np.divide(residual, level, out=np.zeros_like(residual), where=noisy)
    result = np.full(lags, np.nan)
    for lag in range(1, lags + 1):
        pairs = noisy[lag:] & noisy[:-lag]
        if pairs.any():
            result[lag - 1] = np.mean((z[:, lag:] * z[:, :-lag])[:, pairs])
    return result


def noise_level(
    spectra: ArrayLike,
    edges: ArrayLike | None = None,
    bins: int = 10,
    components: int = 3,
) -> NoiseLevel:
    """Measure the noise level against the intensity.

    Each value of the clean part (mean and principal components) belongs to a bin of intensity. The
    noise level of a bin is the root mean square of its residuals. Poisson noise gives a level that
    rises with the square root of the intensity, read-out noise a constant level.

    Parameters
    ----------
    spectra : array-like, shape (spectra, channels), at least 3 spectra
        Intensities.
    edges : array-like, shape (bins + 1,), optional
        Increasing bin edges in the unit of the intensities. Default: equal bins between the 1st and
        the 99th percentile of the clean part. Give the real set's ``edges`` to the synthetic
        set to compare bin with bin. Values outside the edges are not counted.
    bins : int, default 10
        Number of bins where ``edges`` is not given.
    components : int, default 3
        Principal components counted as signal.

    Returns
    -------
    NoiseLevel
        ``edges``, ``intensity`` (mean of the bin), ``level`` and ``counts``; NaN in empty bins.

    Raises
    ------
    ValueError
        Wrong shape, NaN, too few spectra, edges that do not increase.
    TypeError
        ``bins`` or ``components`` is not a whole number.

    See Also
    --------
    noise_correlation : Correlate the noise of neighbouring channels.
    snr : Compute one signal-to-noise ratio of a set.

    Examples
    --------
    Noise whose standard deviation is 0.1 times the root of the intensity:

    >>> from hyperspy_dag.metrics import noise_level
    >>> clean = np.linspace(1.0, 4.0, 60)
    >>> noise = np.random.default_rng(0).normal(0.0, 0.1, (200, 60))
    >>> level = noise_level(clean + np.sqrt(clean) * noise, bins=3, components=0)
    >>> (level.level / np.sqrt(level.intensity)).round(2)
    array([0.1, 0.1, 0.1])
    """
    clean, residual = split_noise(spectra, components)
    if edges is None:
        bins = as_count(bins, "bins", 1)
        low, high = np.percentile(clean, (1, 99))
        if not low < high:
            raise ValueError("the clean part of the spectra is constant; give edges.")
        edges = np.linspace(low, high, bins + 1)
    edges = np.asarray(edges, dtype=np.float64)
    if edges.ndim != 1 or edges.size < 2 or not (np.diff(edges) > 0).all():
        raise ValueError("edges must be 1-D, at least 2 values, strictly increasing.")
    size = edges.size - 1
    index = np.searchsorted(edges, clean.ravel(), side="right") - 1
    index[clean.ravel() == edges[-1]] = size - 1
    inside = (index >= 0) & (index < size)
    index = index[inside]
    counts = np.bincount(index, minlength=size)
    filled = np.where(counts > 0, counts, np.nan)
    intensity = np.bincount(index, clean.ravel()[inside], size) / filled
    level = np.sqrt(np.bincount(index, residual.ravel()[inside] ** 2, size) / filled)
    return NoiseLevel(edges, intensity, level, counts)
