# SPDX-License-Identifier: GPL-3.0-or-later
"""New latent vectors in between those of the training spectra."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hyperspy_dag._utils.streams import BROAD, DIRECTIONS, ORDER, child_stream

#: Most components of the clean spectrum.
MAX_COMPONENTS = 12

# The layout of a latent vector: scores of the components, energy shift, noise level. An
# architecture may have more numbers; they are standard normal.
SCORES = slice(0, MAX_COMPONENTS)
SHIFT = MAX_COMPONENTS
LEVEL = MAX_COMPONENTS + 1
LATENT_SIZE = MAX_COMPONENTS + 2

#: Normal draws that are tried for one with a maximum like those of the training spectra.
_TRIES = 12

#: Training vectors, in the order in which they are visited, that share a stream of directions.
_GROUP = 32


@dataclass(frozen=True)
class LatentBank:
    """A density around the training spectra's own latent vectors.

    Each new vector lies near one of them, in the directions in which its neighbours lie: the
    covariance of the kernel is local, so that a curved or clustered distribution stays so. A share
    of them comes from the normal distribution of the class's mean and covariance instead: the
    neighbours of few spectra say little about the shape in between.

    Parameters
    ----------
    latent : array of shape (n, size)
    neighbours : int array of shape (n, k)
        The nearest of each, itself left out.
    spread : array of shape (size,)
        Width of the kernel relative to the neighbours' scatter, between 0 and 1.
    pull : array of shape (size,)
        How far each coordinate moves towards its neighbours' mean, between 0 and 1.
    broad : float
        Share of the normal distribution.
    maxima : Maxima or None
        Of spectra that were divided by their maximum. A normal distribution does not know that,
        and dividing its spectra again would spread all their other channels: those whose maximum
        is unlike the training spectra's are drawn again.

    Notes
    -----
    After the manifold Parzen windows of Vincent & Bengio, NIPS 15, 825 (2002).
    """

    latent: NDArray[np.float64]
    neighbours: NDArray[np.intp]
    spread: NDArray[np.float64]
    pull: NDArray[np.float64]
    broad: float = 0.0
    maxima: Maxima | None = None

    def draw(self, n: int, seed: np.random.SeedSequence, first: int = 0) -> NDArray[np.float64]:
        """Draw numbers `first` … `first + n - 1` of the sequence that belongs to a seed.

        The sequence visits every training vector once before it visits one again, and the
        visits to one go in orthogonal directions and their opposites: a stack covers the class
        more evenly than independent draws would.

        Parameters
        ----------
        n : int
        seed : numpy.random.SeedSequence
        first : int, default 0

        Returns
        -------
        array of shape (n, size)
        """
        count = len(self.neighbours)
        number = first + np.arange(n)
        visit, position = np.divmod(number, count)
        centre = _stream(seed, ORDER).permutation(count)[position]
        direction = self._directions(visit, position, seed)
        own = self.latent[centre]
        difference = self.latent[self.neighbours[centre]] - own[:, None]
        local = (
            own
            + self.pull * difference.mean(axis=1)
            + self.spread * np.einsum("nk,nkd->nd", direction, difference)
        )
        return self._broadened(local, centre, visit, seed) if self.broad > 0 else local

    def _directions(self, visit, position, seed):
        """Weights of the neighbours' differences, array of shape (n, k).

        As many streams are begun as these visits need, each for some vectors in their order.
        """
        count, k = self.neighbours.shape
        cycle, step = np.divmod(visit, 2 * k)
        group, place = np.divmod(position, _GROUP)
        keys, which = np.unique(cycle * -(-count // _GROUP) + group, return_inverse=True)
        size = min(count, _GROUP)
        normal, square = np.empty((len(keys), size, k, k)), np.empty((len(keys), size, 2 * k))
        for i, key in enumerate(keys):
            random = _stream(seed, DIRECTIONS, int(key))
            normal[i] = random.standard_normal((size, k, k))
            square[i] = random.chisquare(k, (size, 2 * k))
        frames = np.linalg.qr(normal)[0]
        length = np.sqrt(square[which, place, step] / k)
        sign = np.where(step % 2 == 0, 1.0, -1.0)
        return (sign * length)[:, None] * frames[which, place, step // 2]

    def _broadened(self, local, centre, visit, seed):
        """Replace a share of the vectors, and those whose maximum is unlike the training's."""
        count = len(self.latent)
        mean = self.latent.mean(axis=0)
        replaced = np.zeros(len(local), bool)
        if self.maxima is not None:
            replaced = self.maxima.excess(local) > 0
        tries = 1 if self.maxima is None else _TRIES
        for cycle in np.unique(visit):
            rows = np.flatnonzero(visit == cycle)
            random = _stream(seed, BROAD, int(cycle))
            chosen = random.permutation(count) < round(self.broad * count)
            normal = random.standard_normal((count, tries, count)) / np.sqrt(count)
            rows = rows[chosen[centre[rows]] | replaced[rows]]
            tried = mean + normal[centre[rows]] @ (self.latent - mean)
            best = np.zeros(len(rows), int)
            if self.maxima is not None:
                # The first that is alike, or the nearest to it.
                excess = self.maxima.excess(tried.reshape(-1, tried.shape[-1]))
                best = excess.reshape(-1, tries).argmin(axis=1)
            local[rows] = tried[np.arange(len(rows)), best]
        return local


@dataclass(frozen=True)
class Maxima:
    """The maxima of clean spectra, and the range that those of the training spectra have.

    Parameters
    ----------
    mean : array of shape (channels,)
    basis : array of shape (components, channels)
    low, high : float
    """

    mean: NDArray[np.float64]
    basis: NDArray[np.float64]
    low: float
    high: float

    @classmethod
    def of(cls, mean: NDArray, basis: NDArray, latent: NDArray) -> Maxima:
        """Take the range from the training latents."""
        maxima = _maxima(mean, basis, latent)
        return cls(mean, basis, float(maxima.min()), float(maxima.max()))

    def excess(self, latent: NDArray) -> NDArray[np.float64]:
        """How far the maximum of each latent vector's clean spectrum is out of the range; or 0."""
        maxima = _maxima(self.mean, self.basis, latent)
        return np.maximum(self.low - maxima, maxima - self.high).clip(0)


def _maxima(mean: NDArray, basis: NDArray, latent: NDArray) -> NDArray[np.float64]:
    return (mean + latent[:, : len(basis)] @ basis).max(axis=1)


def variance_keeping(
    latent: NDArray, neighbours: NDArray, spread: NDArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Spread and pull of each coordinate with which its variance over the class is kept.

    A kernel widens the distribution by as much as the pull towards the neighbours' mean narrows
    it. Where no pull would do, as with few spectra, the spread is lowered.

    Parameters
    ----------
    latent : array of shape (n, size)
    neighbours : int array of shape (n, k)
    spread : array of shape (size,)
        What is wanted, between 0 and 1.

    Returns
    -------
    spread, pull : array of shape (size,)
    """
    difference = latent[neighbours] - latent[:, None]
    towards = difference.mean(axis=1)
    widening = (difference**2).mean(axis=(0, 1))
    # var(own + pull · towards) + spread² · widening = var(own), solved for the pull
    covariance = -((latent - latent.mean(axis=0)) * towards).mean(axis=0)
    variance = np.maximum(towards.var(axis=0), 1e-12)
    widest = covariance.clip(0) / np.sqrt(variance * np.maximum(widening, 1e-12))
    widths = np.minimum(spread, widest)
    root = np.sqrt((covariance**2 - variance * widening * widths**2).clip(0))
    return widths, ((covariance - root) / variance).clip(0, 1)


def _stream(seed: np.random.SeedSequence, *key: int) -> np.random.Generator:
    return np.random.default_rng(child_stream(seed, *key))
