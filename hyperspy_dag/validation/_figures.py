# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of synthetic spectra, each beside that of equally many real ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.distance import cdist

from hyperspy_dag import metrics
from hyperspy_dag.metrics.checks import ROUNDING

#: Most spectra of a group: what only larger groups show is of no consequence, and the verdict does
#: not become stricter where there are more test spectra.
GROUP = 50

#: Fewest spectra of a group: the neighbour metrics look at the fifth neighbour.
SMALLEST = 6

#: Random groups of each side, and of conventional methods.
SPLITS = {"real": 30, "synthetic": 10, "training": 10}
OTHER_SPLITS = 4

#: Standard deviations of real against real groups that are no alarm.
REACH = 4.0

#: Most spectra of a side that groups are drawn from.
MOST = 400

#: Binned channels and principal components of what is compared without most of the noise.
BINS, COMPONENTS = 64, 30

Spectra = NDArray[np.floating]


class Measure(NamedTuple):
    """A figure of the report.

    Attributes
    ----------
    name : str
        In tables.
    better : {"lower", "higher", "same", "ratio"}
        Which values are better; "same" as the real ones have, "ratio" to the real ones', 1 at best.
    margin : float or None
        Smallest difference from real spectra that matters, of a ratio its logarithm. None: not
        judged.
    topic : str
        What it tells about: a section of the guide's page on reports.
    """

    name: str
    better: str
    margin: float | None = None
    topic: str = ""


MEASURES = {
    "told_apart": Measure("told apart by a classifier (AUC)", "lower", 0.15, "shape"),
    "shape_difference": Measure("shape of the mean", "lower", 0.02, "shape"),
    "energy_offset": Measure("energy offset, eV", "same", 0.0, "energy"),
    "energy_scatter": Measure("energy scatter, ratio", "ratio", np.log(1.5), "energy"),
    "noise_level": Measure("noise level, ratio", "ratio", np.log(1.1), "noise"),
    "noise_correlation_gap": Measure("noise correlation, difference", "lower", 0.05, "noise"),
    "variety": Measure("variations, ratio", "ratio", np.log(1.5), "variety"),
    "repeated": Measure("repeats of each other", "lower", 0.1, "variety"),
    "copied": Measure("copies of training spectra", "lower", 0.05, "copies"),
    "precision": Measure("precision (realistic?)", "higher", 0.1, "realism"),
    "density": Measure("density", "higher", 0.2, "realism"),
    "recall": Measure("recall (varied?)", "higher", 0.1, "variety"),
    "coverage": Measure("coverage", "higher", 0.1, "variety"),
    "frechet_distance": Measure("Fréchet distance", "lower"),
    "kernel_distance": Measure("kernel distance", "lower"),
    "kl_divergence": Measure("KL divergence", "lower"),
    "kl_divergence_pca": Measure("KL divergence (PCA)", "lower"),
    "pearson_correlation": Measure("Pearson correlation", "same"),
    "cosine_distance": Measure("cosine distance", "same"),
    "snr": Measure("SNR", "same"),
    "memorisation_ratio": Measure("memorisation ratio", "same"),
}


def measure(name: str) -> Measure:
    """Return the measure of a figure; those of white lines are Wasserstein distances."""
    return MEASURES.get(name) or Measure(name.replace("_", " "), "lower")


@dataclass(frozen=True)
class Figures:
    """Figures of a class: means over groups of `size` spectra against as many real test spectra.

    Attributes
    ----------
    size : int
    sides : dict of str to dict of str to float
        "synthetic", "real" (test spectra against others; if there are twice the smallest group),
        "training" and the conventional methods.
    reach : dict of str to float
        How far from the real figure is no alarm, of a ratio its logarithm.
    alike : float
        Mean correlation of two test spectra, binned: 0 for nothing but noise.
    failed : dict of str to str
        What could not be computed, and why.
    """

    size: int
    sides: dict[str, dict[str, float]]
    reach: dict[str, float]
    alike: float
    failed: dict[str, str]

    def excess(self, name: str, side: str = "synthetic", against: str = "real") -> float:
        """How much worse a side's figure is than another's, over `reach`: beyond 1 is an alarm."""
        value, real = self.sides[side][name], self.sides[against][name]
        better = measure(name).better
        if better == "ratio":
            value, real = np.log([value, real])
        far = {"lower": value - real, "higher": real - value}.get(better, abs(value - real))
        return float(far / self.reach[name])

    @property
    def alarms(self) -> list[str]:
        """Figures beyond their limits."""
        return [name for name in self.reach if self.excess(name) > 1]

    def limit(self, name: str) -> float:
        """Worst value that is no alarm, on the side where the synthetic one lies."""
        value, real = self.sides["synthetic"][name], self.sides["real"][name]
        better, far = measure(name).better, self.reach[name]
        if better == "ratio":
            return float(real * np.exp(far if value > real else -far))
        up = better == "lower" or (better == "same" and value > real)
        return real + far if up else max(real - far, 0.0) if better == "higher" else real - far


def compare(
    sides: dict[str, Spectra],
    energy: NDArray[np.float64],
    n_training: int,
    windows: metrics.WhiteLineWindows | None,
    random: np.random.Generator,
) -> Figures:
    """Compute the figures of a class.

    Parameters
    ----------
    sides : dict of str to array of shape (n, channels)
        "real" (test), "synthetic", and optionally "training" and conventional methods.
    energy : array of shape (channels,)
        In eV.
    n_training : int
        Spectra that were trained on: groups are no larger, since a generator knows no more.
    windows : WhiteLineWindows or None
    random : numpy.random.Generator
    """
    count = len(sides["real"])
    halves = count >= 2 * SMALLEST
    size = max(min(count // 2 if halves else count, n_training, GROUP), SMALLEST)
    of = _Comparison({s: _some(x, MOST, random) for s, x in sides.items()}, energy, windows)
    count = len(of.rows["real"])
    rows: dict[str, list[dict[str, float]]] = {}
    for side, spectra in of.rows.items():
        if len(spectra) < size or (side == "real" and not halves):
            continue
        rows[side] = []
        for _ in range(SPLITS.get(side, OTHER_SPLITS)):
            order = random.permutation(count)
            other = random.permutation(len(spectra)) if side != "real" else order[size:]
            rows[side].append(of.figures(side, order[:size], other[:size]))
    found = {
        side: {name: float(np.mean([row[name] for row in some])) for name in some[0]}
        for side, some in rows.items()
    }
    reach = {}
    for name, one in MEASURES.items():
        if one.margin is not None and halves and name in found["real"]:
            spread = float(np.std([row[name] for row in rows["real"]]))
            if name in ("precision", "recall", "coverage"):  # no finer than a spectrum of a group
                spread = max(spread, 1 / size)
            margin = of.energy_margin if name == "energy_offset" else one.margin
            reach[name] = max(margin, REACH * spread)
    for row in found.values():
        row |= {name: float(np.exp(row[name])) for name in row if measure(name).better == "ratio"}
    real = of.binned["real"]
    alike = metrics.pearson_correlation(real[::2], real[1::2])
    return Figures(size, found, reach, alike, of.failed)


def _some(spectra: Spectra, count: int, random: np.random.Generator) -> NDArray[np.float64]:
    order = random.permutation(len(spectra))[:count] if len(spectra) > count else slice(None)
    return np.asarray(spectra[order], dtype=np.float64)


class _Comparison:
    """Compares groups of spectra of one side with groups of real ones."""

    def __init__(
        self,
        rows: dict[str, NDArray[np.float64]],
        energy: NDArray[np.float64],
        windows: metrics.WhiteLineWindows | None,
    ):
        self.rows, self.energy, self.windows = rows, energy, windows
        self.failed: dict[str, str] = {}
        self.binned = {side: binned(x) for side, x in rows.items()}
        self._bins = binned(energy[None])[0]
        pooled = np.concatenate([rows[s] for s in ("real", "synthetic", "training") if s in rows])
        axes = np.linalg.svd(pooled - pooled.mean(axis=0), full_matrices=False)[2][:COMPONENTS]
        self._scores = {side: x @ axes.T for side, x in rows.items()}
        self._shifts = self._energy_axis()
        own = {side: _nearest(x, x, itself=True) for side, x in rows.items()}
        # Noise of its own adds to a copy's squared distance as much as the copied spectrum's does:
        # without any, the distance is 1 / √2 of that of other real spectra, and no less.
        limit = np.quantile(own["real"], 0.05) / np.sqrt(2)
        self._repeated = {side: near < limit for side, near in own.items()}
        self._near: dict[str, NDArray[np.float64]] = {}
        if "training" in rows:
            self._near = {
                s: _nearest(x, rows["training"], s == "training") for s, x in rows.items()
            }
            self._copy = np.quantile(own["training"], 0.05) / np.sqrt(2)

    def _energy_axis(self) -> dict[str, NDArray[np.float64]]:
        """Energy of each spectrum against its side's mean, in eV; none on an uneven axis.

        From the mean's derivative, so that noise adds a scatter, and no outliers.
        """
        energy = self.energy
        self._step = (energy[-1] - energy[0]) / (len(energy) - 1)
        if len(energy) < 16 or not np.allclose(np.diff(energy), self._step, rtol=1e-3):
            return {}
        found = {}
        for side, x in self.rows.items():
            mean = x.mean(axis=0)
            slope = np.gradient(gaussian_filter1d(mean, max(0.5 / self._step, 1.0)), self._step)
            slope -= mean * (slope @ mean) / (mean @ mean)  # a change of height is no shift
            found[side] = -(x - mean) @ slope / (slope @ slope)
        # Half of what single spectra scatter by tells nobody anything.
        self.energy_margin = max(self._step, float(found["real"].std()) / 2)
        return found

    def figures(self, side: str, first: NDArray, second: NDArray) -> dict[str, float]:
        """Compare a group of real spectra, `first`, with one of a side."""
        real, other = self.rows["real"][first], self.rows[side][second]
        pair = self._scores["real"][first], self._scores[side][second]
        found: dict[str, float] = {}
        offset = 0.0
        if self._shifts:
            reach = max((self.energy[-1] - self.energy[0]) / 4, self._step)
            offset = float(
                metrics.energy_shift(
                    other.mean(axis=0)[None], self.energy, real.mean(axis=0), max_shift=reach
                )[0]
            )
            scatters = [self._shifts[s][x].std() for s, x in (("real", first), (side, second))]
            real_scatter, scatter = (max(float(x), self._step / 4) for x in scatters)
            found = {"energy_offset": offset, "energy_scatter": np.log(scatter / real_scatter)}
        noises = [metrics.noise_residual(x) for x in (real, other)]
        # Noise of rounding size is none, and has no correlation.
        levels = [max(float(x.std()), ROUNDING * np.abs(real).max()) for x in noises]
        gap = np.subtract(
            *(np.nan_to_num(metrics.noise_correlation(x, components=0)) for x in noises)
        )
        found |= {
            "shape_difference": self._shape(first, side, second, offset),
            "noise_level": np.log(levels[1] / levels[0]),
            "noise_correlation_gap": float(np.abs(gap).max()),
            "variety": self._variety(first, side, second),
            "repeated": float(self._repeated[side][second].mean()),
            **metrics.precision_recall_density_coverage(*pair)._asdict(),
            "snr": metrics.snr(other),
        }
        if self._near:
            near = self._near[side][second]
            held_out = float(np.median(self._near["real"][first]))
            found["copied"] = float((near < self._copy).mean())
            found["memorisation_ratio"] = float(np.median(near)) / held_out if held_out else np.nan
        if self.windows is not None:
            distances = metrics.white_line_distances(real, other, self.energy, self.windows)
            found |= {f"wasserstein_{name}": value for name, value in distances.items()}
        for name, one in MEASURES.items():
            if name in found or name == "memorisation_ratio":
                continue
            try:
                if name == "told_apart":
                    test = metrics.classifier_two_sample(*pair, folds=3, permutations=0)
                    found[name] = test.auc
                elif one.margin is None:
                    found[name] = getattr(metrics, name)(real, other)
            except ValueError as error:
                self.failed[name] = str(error)
                found[name] = np.nan
        return {name: found[name] for name in [*MEASURES, *found] if name in found}

    def _shape(self, first: NDArray, side: str, second: NDArray, offset: float) -> float:
        """Difference of the mean spectra, brought to one energy and one height."""
        means = [self.rows["real"][first].mean(axis=0), self.rows[side][second].mean(axis=0)]
        # Beyond the ends nothing is known of the shifted one.
        inside = (self._bins >= self._bins[0] + abs(offset)) & (
            self._bins <= self._bins[-1] - abs(offset)
        )
        means[1] = np.interp(self.energy + offset, self.energy, means[1])
        means = [binned(x[None])[0] for x in means]
        real, other = (x[inside] / max(np.linalg.norm(x[inside]), 1e-12) for x in means)
        return float(np.linalg.norm(other - real * (real @ other)))

    def _variety(self, first: NDArray, side: str, second: NDArray) -> float:
        """Logarithm of the ratio of variances along the real spectra's first components."""
        values = [
            np.linalg.svd(x - x.mean(axis=0), compute_uv=False)[:3]
            for x in (self.binned["real"][first], self.binned[side][second])
        ]
        real, other = (max(float(np.sum(x**2)), 1e-12) for x in values)
        return float(np.log(other / real))


def binned(spectra: Spectra) -> NDArray[np.float64]:
    """Means over neighbouring channels, 64 or more; what is left over at the end is left out."""
    width = max(1, spectra.shape[1] // BINS)
    rows = np.asarray(spectra[:, : spectra.shape[1] // width * width], dtype=np.float64)
    return rows.reshape(len(rows), -1, width).mean(axis=2)


def _nearest(spectra: Spectra, among: Spectra, itself: bool = False) -> NDArray[np.float64]:
    """Distance of each spectrum to the nearest one, other than itself."""
    distances = cdist(spectra, among)
    if itself:
        np.fill_diagonal(distances, np.inf)
    return distances.min(axis=1)
