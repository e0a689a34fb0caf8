# SPDX-License-Identifier: GPL-3.0-or-later
"""Principal components of the clean spectra behind spectra of very different noise."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .noise import neighbour_correlation, no_point_spread, point_spread, relative_level
from .shrinkage import Shrinker

#: How much more variance the noise has for a score than white noise would: neighbouring channels
#: correlate, and so do the components' large features with them.
NOISE_FACTOR = 2.0

#: A spectrum's level is never taken below this fraction of what its channel differences say.
#: Without the floor a component can settle on a single spectrum and explain its noise away.
LEVEL_FLOOR = 0.85


class Components(NamedTuple):
    """Noise-weighted principal components.

    Attributes
    ----------
    mean : array of shape (channels,)
    basis : array of shape (components, channels)
        Orthonormal.
    scores : array of shape (n, components)
        Posterior means.
    score_noise : array of shape (n, components)
        Posterior variances.
    level : array of shape (n,)
        Standard deviation of each spectrum's noise.
    kernel : array
        Point spread of the noise.
    """

    mean: NDArray
    basis: NDArray
    scores: NDArray
    score_noise: NDArray
    level: NDArray
    kernel: NDArray

    @property
    def score_variance(self) -> NDArray:
        """Variance of the clean scores, shape (components,)."""
        return (self.scores**2 + self.score_noise).mean(axis=0)


def posterior(
    spectra: NDArray, mean: NDArray, loadings: NDArray, level: NDArray
) -> tuple[NDArray, NDArray]:
    """Posterior means (n, k) and covariances (n, k, k) of standard normal scores.

    Parameters
    ----------
    spectra : array of shape (n, channels)
    mean : array of shape (channels,)
    loadings : array of shape (channels, k)
    level : array of shape (n,)
    """
    noise = NOISE_FACTOR * level**2
    precision = np.eye(loadings.shape[1]) + (loadings.T @ loadings) / noise[:, None, None]
    covariance = np.linalg.inv(precision)
    projected = (spectra - mean) @ loadings / noise[:, None]
    return np.einsum("nij,nj->ni", covariance, projected), covariance


def noise_weighted_components(spectra: NDArray, k: int, iterations: int = 40) -> Components:
    """Probabilistic PCA in which each spectrum has its own noise level.

    Spectra of one class differ several-fold in dose. Ordinary principal components are those of
    the noisiest; here each weighs with the inverse of its noise variance, the scores are
    posterior means, and the basis is denoised in each iteration.

    Parameters
    ----------
    spectra : array of shape (n, channels)
    k : int
        Components.
    iterations : int, default 40
        Of expectation maximisation.

    Notes
    -----
    Tipping & Bishop, J. R. Stat. Soc. B 61, 611 (1999), with a noise variance for each spectrum.
    """
    n, channels = spectra.shape
    mean, level, kernel, tiny = _first_look(spectra)
    floor = LEVEL_FLOOR * level
    shrink = Shrinker(kernel, channels)
    centred = spectra - mean
    mean = (weight := 1 / level**2) @ spectra / weight.sum()
    basis = np.linalg.svd((spectra - mean) / level[:, None], full_matrices=False)[2][:k]
    loadings = basis.T * ((centred @ basis.T).std(axis=0) + tiny)
    for iteration in range(iterations):
        scores, covariance = posterior(spectra, mean, loadings, level)
        # Regression of the spectra on the scores and a constant, weighted by precision.
        design = np.c_[scores, np.ones(n)]
        weighted = (design / level[:, None] ** 2).T
        gram = weighted @ design
        gram[:k, :k] += np.tensordot(1 / level**2, covariance, 1)
        inverse = np.linalg.pinv(gram, hermitian=True)
        fitted = inverse @ (weighted @ spectra)
        mean = fitted[k]
        # Scores of unit covariance, components orthogonal.
        second = scores.T @ scores / n + covariance.mean(axis=0)
        whitening = np.linalg.cholesky(second + 1e-12 * np.eye(k))
        loadings = fitted[:k].T @ whitening
        rotation = np.linalg.svd(loadings, full_matrices=False)[2]
        turn = rotation @ np.linalg.inv(whitening)
        loadings, scores = loadings @ rotation.T, scores @ turn.T
        covariance = turn @ covariance @ turn.T
        if iteration >= 2:
            forward = rotation @ whitening.T
            noise = np.r_[np.diag(forward @ inverse[:k, :k] @ forward.T), inverse[k, k]].clip(0)
            *shrunk, mean = shrink(np.vstack([loadings.T, mean]), np.sqrt(noise))
            loadings = np.array(shrunk).T
        misfit = ((spectra - mean - scores @ loadings.T) ** 2).sum(axis=1)
        misfit += np.einsum("nij,ij->n", covariance, loadings.T @ loadings)
        level = np.maximum(np.sqrt(misfit / channels), floor)
    u, s, vt = np.linalg.svd(loadings, full_matrices=False)
    turn = s[:, None] * vt
    score_noise = np.einsum("ij,njl,il->ni", turn, covariance, turn)
    return Components(mean, u.T, scores @ turn.T, score_noise, level, kernel)


def _first_look(spectra: NDArray) -> tuple[NDArray, NDArray, NDArray, float]:
    """Mean, noise levels, point spread and a scale of nothing, from ordinary components."""
    n = len(spectra)
    k = min(5, max(1, n // 4))
    mean = spectra.mean(axis=0)
    centred = spectra - mean
    u, s, v = np.linalg.svd(centred, full_matrices=False)
    residual = centred - (u[:, :k] * s[:k]) @ v[:k]
    tiny = 1e-6 * np.sqrt((centred**2).mean()) + 1e-12
    rms = np.sqrt((residual**2).mean() / (1 - k / n))
    relative = relative_level(spectra)
    level = np.maximum(relative * rms / np.sqrt((relative**2).mean()), tiny)
    kernel = point_spread(neighbour_correlation(residual)) if rms > tiny else no_point_spread()
    return mean, level, kernel, tiny
