# SPDX-License-Identifier: GPL-3.0-or-later
"""When the training of a class has done its work (NumPy).

del-Pozo-Bueno et al. 2024 stop when Fréchet distance, Pearson correlation and cosine distance of
synthetic to real spectra reach those of real to real spectra. Here the baseline comes from
repeated random halves of the class's own training spectra (of at most :data:`MAX_HALF` each), and
synthetic spectra are judged the same way, half a set against half a set, because these figures
depend on the counts.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from hyperspy_dag.metrics import (
    cosine_distance,
    frechet_distance,
    pearson_correlation,
    published_fid,
    snr,
)

#: The metrics of a class, in the order of tables and plots.
METRICS = ("frechet_distance", "pearson_correlation", "cosine_distance", "snr")

#: The paper's "FID", a metric of the published recipe besides.
PUBLISHED_FID = "published_fid"

#: Choices of ``stopping=`` besides None, and the metrics that each asks for.
CRITERIA: dict[str, tuple[str, ...]] = {
    "all": METRICS[:3],
    "frechet": METRICS[:1],
    "published": (PUBLISHED_FID, *METRICS[1:3]),
}


#: Most spectra of a half. The metrics cost the square of the number and more, and their spread is
#: small long before that.
MAX_HALF = 500


_blas = threading.Lock()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep linear algebra to one thread.

    The limit is the process's. Where several threads judge at once, one of them sets and restores
    it: each for itself, in another order than they began, they would leave the wrong one.
    """
    if not _blas.acquire(blocking=False):
        yield
        return
    try:
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        _blas.release()


def _half(n: int) -> int:
    return min(n // 2, MAX_HALF)


@dataclass(frozen=True)
class StoppingRule:
    """When a class is done.

    Attributes
    ----------
    criterion : {"all", "frechet", "published"} or None
        Metrics that must reach the real spectra's baseline; None trains all epochs.
    tolerance : float
        How far behind the baseline still counts as reached, relative to it.
    max_epochs : int
    """

    criterion: str | None
    tolerance: float
    max_epochs: int


def compare(real: np.ndarray, synthetic: np.ndarray, batch: int | None = None) -> dict[str, float]:
    """Metrics of synthetic against real spectra, arrays of shape (n, channels).

    Parameters
    ----------
    real, synthetic : array of shape (n, channels)
    batch : int, optional
        How many spectra at most the published "FID" compares; by default it is left out.
    """
    metrics = {
        "frechet_distance": frechet_distance(real, synthetic),
        "pearson_correlation": pearson_correlation(real, synthetic),
        "cosine_distance": cosine_distance(real, synthetic),
        "snr": snr(synthetic),
    }
    if batch is not None:
        metrics[PUBLISHED_FID] = published_fid(real[:batch], synthetic[:batch])
    return metrics


@dataclass(frozen=True)
class RealReference:
    """Metrics of real against real spectra: mean and spread over random halves.

    Parameters
    ----------
    mean, spread : dict of str to float
        For each metric; the spread is a standard deviation.
    """

    mean: dict[str, float]
    spread: dict[str, float]

    @classmethod
    def of(
        cls,
        spectra: np.ndarray,
        random: np.random.Generator,
        repeats: int = 10,
        batch: int | None = None,
    ) -> RealReference:
        """Estimate from spectra of shape (n, channels).

        Parameters
        ----------
        spectra : array of shape (n, channels)
        random : numpy.random.Generator
        repeats : int, default 10
            Random halvings.
        batch : int, optional
            As of :func:`compare`.
        """
        half = _half(len(spectra))
        rows = []
        for _ in range(repeats):
            order = random.permutation(len(spectra))
            rows.append(compare(spectra[order[:half]], spectra[order[half : 2 * half]], batch))
        table = {name: np.array([row[name] for row in rows]) for name in rows[0]}
        return cls(
            {name: float(values.mean()) for name, values in table.items()},
            {name: float(values.std()) for name, values in table.items()},
        )

    def excess(self, metrics: dict[str, float], name: str) -> float:
        """How much worse than real against real, relative to it; at most 0 is as good."""
        worse = metrics[name] - self.mean[name]
        if name == "pearson_correlation":
            worse = -worse
        return float(worse / max(abs(self.mean[name]), 1e-12))


@dataclass(frozen=True)
class Evaluation:
    """Metrics of a class's generator at an epoch (0: before training)."""

    epoch: int
    metrics: dict[str, float]
    score: float
    reached: bool


class Judge:
    """Judges a generator against its class's training spectra.

    Parameters
    ----------
    spectra : array of shape (n, channels)
    seed : numpy.random.SeedSequence
    stopping : {"all", "frechet", "published"} or None
        Which metrics must reach the baseline; None never says that they do.
    tolerance : float
        How far behind the baseline still counts as reached, relative to it.
    batch : int, optional
        As of :func:`compare`.
    """

    def __init__(
        self,
        spectra: np.ndarray,
        seed: np.random.SeedSequence,
        stopping: str | None,
        tolerance: float,
        batch: int | None = None,
    ):
        self.spectra = spectra
        self.stopping = stopping
        self.tolerance = tolerance
        self._batch = batch
        self._random = np.random.default_rng(seed)
        with one_blas_thread():
            self.reference = RealReference.of(spectra, self._random, batch=batch)
        half = _half(len(spectra))
        # The same halves every time, so that epochs are compared and not draws.
        self._halves = [self._random.permutation(len(spectra))[:half] for _ in range(4)]

    @property
    def n_synthetic(self) -> int:
        """Synthetic spectra wanted for a judgement."""
        return sum(len(half) for half in self._halves)

    def judge(self, epoch: int, synthetic: np.ndarray) -> Evaluation:
        """Judge an array of `n_synthetic` spectra."""
        parts = np.array_split(synthetic, len(self._halves))
        if not all(np.isfinite(part).all() for part in parts):
            nan = dict.fromkeys(self.reference.mean, float("nan"))
            return Evaluation(epoch, nan, float("inf"), False)
        # Matrices this small are faster on one thread than several can be woken for them beside
        # TensorFlow's; and so the figures are the same for any number of threads.
        with one_blas_thread():
            rows = [
                compare(self.spectra[half], part, self._batch)
                for half, part in zip(self._halves, parts, strict=True)
            ]
        metrics = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
        reached = self.stopping is not None and all(
            self.reference.excess(metrics, name) <= self.tolerance
            for name in CRITERIA[self.stopping]
        )
        return Evaluation(epoch, metrics, self._score(metrics), reached)

    def _score(self, metrics: dict[str, float]) -> float:
        """Lower is better: how far the metrics are from those of real against real spectra.

        Being closer than real spectra are to each other is no merit, since it means copying or
        averaging; it counts as a distance too, but for the Fréchet distance, which a generator
        that knows the distribution well may rightly bring below that of two small halves.
        """
        terms = []
        for name in METRICS:
            excess = self.reference.excess(metrics, name)
            terms.append(max(0.0, excess) if name == "frechet_distance" else abs(excess))
        return float(np.sum(terms))
