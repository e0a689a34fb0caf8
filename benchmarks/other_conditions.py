# SPDX-License-Identifier: GPL-3.0-or-later
"""Classifying spectra of another dose or drift than those that were labelled.

    python benchmarks/other_conditions.py                   # 4 sets, 3 seeds; 40 min on one core
    python benchmarks/other_conditions.py --sets K --seeds 1
    python benchmarks/other_conditions.py --report-only     # table and picture of what there is

150 spectra of each class are labelled: good ones, of a slow scan. What is to be classified was
taken faster, at a quarter or a tenth of the dose, or while the energy drifted four times as far.
Classifiers are trained on

- the labelled spectra as they are;
- spectra with added noise, and those of the best statistical baseline;
- the labelled spectra brought to the new condition by hand, several times each: their raw counts
  thinned (each kept with a probability of the ratio of doses), or shifted at random;
- the labelled spectra, several times each, with white noise that brings their scatter before the
  edge to that of the spectra of the new condition, whose labels it does not need;
- counts thinned, with the noise that the detector would have added to so few electrons, for those
  who know its gain and its point spread;
- the DAG's spectra, as it draws them and for the new condition: ``sample(dose=...)`` or
  ``sample(energy_jitter=...)``, with the ratio of doses or the drift in eV, which one knows;
- the same where the DAG has learned from spectra with their background, which is subtracted from
  what it draws: at another dose, the power law is found less well too;
- 150 labelled spectra of the new condition: what labelling all over again would give.

Results are kept one by one in ``benchmarks/results/other_conditions.jsonl``; what is there is not
computed again. Writes ``benchmarks/results/other_conditions.md`` and
``docs/images/other_conditions.png``.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).resolve().parent))

from oxides import (
    CLASSIFIERS,
    REAL,
    RESULTS,
    SETS,
    Cell,
    Dag,
    Part,
    drawn_report,
    fit_dag,
    fitted,
    make,
    median,
    of_other_code,
    source_digest,
    split,
    table,
)

from hyperspy_dag.data import OXIDE_CLASSES, PREPROCESSING, simulated_mixtures, simulated_oxides
from hyperspy_dag.data._physics import point_spread
from hyperspy_dag.validation import make_classifier

if TYPE_CHECKING:
    from hyperspy_dag import EELSAugmenter

#: Name -> dose and drift, relative to those of the labelled spectra.
CONDITIONS = {
    "the same": (1.0, 1.0),
    "dose 1/4": (0.25, 1.0),
    "dose 1/10": (0.1, 1.0),
    "drift × 4": (1.0, 4.0),
}

N_MADE = N_TEST = 850
"""Of each class."""

N_LABELLED = 150
"""Of each class, where spectra of the new condition are labelled."""

#: Method -> its name, and how it is drawn.
METHODS = {
    REAL: ("the labelled spectra", {"color": "black", "marker": "_"}),
    "noise": ("with added noise", {"color": "#999999", "marker": "v"}),
    "white": (
        "white noise, scatter matched",
        {"color": "#999999", "marker": "v", "markerfacecolor": "none"},
    ),
    "pca_density_dose": ("PCA kernel density", {"color": "#0072b2", "marker": "^"}),
    "by_hand": ("counts thinned, spectra shifted", {"color": "#009e73", "marker": "D"}),
    "detector": (
        "counts thinned, detector known",
        {"color": "#009e73", "marker": "D", "markerfacecolor": "none"},
    ),
    "dag": ("synthetic spectra as labelled", {"color": "#d55e00", "marker": "x"}),
    "dag_asked": (
        "synthetic spectra for the new condition",
        {"color": "#d55e00", "marker": "o", "markerfacecolor": "none"},
    ),
    "dag_raw": ("the same, background subtracted last", {"color": "#d55e00", "marker": "o"}),
    "again": ("labelled all over again", {"color": "black", "marker": "s"}),
}

#: Those whose total is denoised by components of all spectra cannot be had at another dose.
POSSIBLE = tuple(name for name in SETS if "pca_components" not in PREPROCESSING[name])

OUTPUT = RESULTS.parent / "other_conditions.jsonl"

Made = dict[str, NDArray[np.float64]]
Results = dict[Cell, dict[str, Any]]


@lru_cache(maxsize=2 * len(CONDITIONS))  # methods are judged by the same spectra
def measured(dataset: str, n: int, dose: float, drift: float, seed: int) -> Made:
    """New spectra of each class under a condition."""
    names = list(OXIDE_CLASSES[dataset])
    pure = np.repeat(np.eye(len(names)), n, axis=0)
    s = simulated_mixtures(
        dataset, pure, dose=dose, drift=drift, random_state=np.random.SeedSequence((seed, n))
    )
    return dict(zip(names, np.split(s.data.astype(np.float64), len(names)), strict=True))


def by_hand(part: Part, cell: Cell, dose: float, drift: float, detector: bool = False) -> Made:
    """The labelled spectra, several times each, brought to a dose and shifted as by more drift.

    Their counts are thinned as if each were an electron, or (`detector`) get the noise that the
    detector adds to so few, of its own gain and point spread.
    """
    random = np.random.default_rng(cell.seed)
    raw, _ = simulated_oxides(cell.dataset, cell.n_spectra, raw=True, random_state=cell.seed)
    axis = raw.axes_manager.signal_axes[0]
    axes = [{"size": N_MADE, "navigate": True}, axis.get_axis_dictionary()]
    made = {}
    for label in part.classes:
        rows = np.resize(part.train[part.labels[part.train] == label], N_MADE)
        counts = np.maximum(raw.data[rows], 0)
        if detector:
            # In part, the noise is there already: of the variance, the square of the dose.
            variance = dose * (1 - dose) * raw.metadata.Simulation.gain * counts
            noise = ndimage.convolve1d(random.standard_normal(counts.shape), point_spread(), axis=1)
            counts = dose * counts + np.sqrt(variance) * noise
        else:
            counts = random.binomial(counts, dose)
        s = type(raw)(counts, axes=axes)
        spectra = s.dag_preprocess(**PREPROCESSING[cell.dataset]).data.astype(np.float64)
        more = OXIDE_CLASSES[cell.dataset][label].drift * np.sqrt(drift**2 - 1)  # eV
        shifts = more / axis.scale * random.standard_normal(N_MADE)
        pairs = zip(spectra, shifts, strict=True)
        made[label] = np.stack(
            [ndimage.shift(y, by, order=1, mode="nearest") if by else y for y, by in pairs]
        )
    return made


def with_white_noise(part: Part, cell: Cell, target: NDArray[np.float64]) -> Made:
    """The labelled spectra with white noise: before the edge they scatter as the target does."""
    random = np.random.default_rng(cell.seed)
    window, edge = part.signal.axes_manager.signal_axes[0], PREPROCESSING[cell.dataset]
    before = window.axis < edge["background_range"][1]
    own = {label: part.of_class(label, part.train) for label in part.classes}

    def variance(spectra: NDArray[np.float64]) -> float:
        return float(np.median(spectra[:, before].var(axis=1)))

    missing = variance(target) - variance(np.concatenate(list(own.values())))
    noise = np.sqrt(max(missing, 0.0))
    made = {}
    for label, rows in own.items():
        rows = np.resize(rows, (N_MADE, rows.shape[1]))
        made[label] = rows + noise * random.standard_normal(rows.shape)
        made[label] /= made[label].max(axis=1, keepdims=True)
    return made


def by_dag(augmenter: EELSAugmenter, cell: Cell, dose: float, drift: float, raw: bool) -> Made:
    """Synthetic spectra for the dose and the drift, `raw` ones without their background."""
    made = {}
    for label in augmenter.classes_:
        own = OXIDE_CLASSES[cell.dataset][label].drift
        jitter = None if drift == 1 else drift * own
        s = augmenter.sample(N_MADE, label=label, dose=dose, energy_jitter=jitter)
        if raw:
            s = s.dag_preprocess(**PREPROCESSING[cell.dataset])
        made[label] = s.data.astype(np.float64)
    return made


def with_background(part: Part, cell: Cell, progress: bool | None) -> EELSAugmenter:
    """Augmenter that has learned from the spectra before their background is subtracted."""
    raw, _ = simulated_oxides(cell.dataset, cell.n_spectra, raw=True, random_state=cell.seed)
    axis = raw.axes_manager.signal_axes[0]
    ranges = PREPROCESSING[cell.dataset].values()
    low = min(low for low, _ in ranges)
    high = min(max(high for _, high in ranges) + 2 * axis.scale, axis.high_value)
    s = raw.dag_preprocess(signal_range=(low, high))
    return fit_dag(part._replace(signal=s), Dag(), cell.seed, progress=progress)


def learn(cell: Cell, keep: Path | None = None, progress: bool | None = None) -> dict[str, Any]:
    """Accuracies of one method under every condition, by classifier."""
    part = split(cell.dataset, cell.seed, cell.n_spectra)
    method, more = cell.method_name, {}
    if method.startswith("dag"):
        if method == "dag_raw":
            augmenter = with_background(part, cell, progress)
        else:
            augmenter = fitted(replace(cell, method=Dag()), part, keep, progress)
        more = {"source": source_digest()}
    elif method in (REAL, "noise", "pca_density_dose"):
        same = make(cell, part, dict.fromkeys(part.classes, N_MADE))[0]

    def made(dose: float, drift: float) -> Made:
        if method == "again":
            return measured(cell.dataset, N_LABELLED, dose, drift, cell.seed)
        if method in ("by_hand", "detector"):
            return by_hand(part, cell, dose, drift, method == "detector")
        if method == "white":
            target = measured(cell.dataset, N_TEST, dose, drift, cell.seed)
            return with_white_noise(part, cell, np.concatenate(list(target.values())))
        if method == "dag":
            return by_dag(augmenter, cell, 1.0, 1.0, raw=False)
        if method.startswith("dag"):
            return by_dag(augmenter, cell, dose, drift, raw=method == "dag_raw")
        return same

    accuracy = {}
    for condition, (dose, drift) in CONDITIONS.items():
        spectra = made(dose, drift)
        test = measured(cell.dataset, N_TEST, dose, drift, cell.seed)
        accuracy[condition] = {
            name: _accuracy(name, spectra, test, cell.seed) for name in CLASSIFIERS
        }
    return {"cell": asdict(cell) | {"method_name": method}, "accuracy": accuracy} | more


def _accuracy(name: str, made: Made, test: Made, seed: int) -> float:
    labels = np.repeat(list(made), [len(own) for own in made.values()])
    classifier = make_classifier(name, seed).fit(np.concatenate(list(made.values())), labels)
    right = [classifier.predict(own) == label for label, own in test.items()]
    return float(np.mean(np.concatenate(right)))


def cells(sets: list[str], seeds: int) -> list[Cell]:
    """All cells."""
    return [Cell(d, method, seed) for seed in range(seeds) for d in sets for method in METHODS]


def _median(results: Results, dataset: str, condition: str, method: str, name: str) -> float | None:
    return median(
        one["accuracy"][condition][name]
        for cell, one in results.items()
        if (cell.dataset, cell.method) == (dataset, method)
    )


def report(results: Results, sets: list[str], seeds: int) -> str:
    """Return a table for each condition as Markdown."""
    columns = [(dataset, name) for dataset in sets for name in CLASSIFIERS]
    parts = [
        "# Classifying spectra of another dose or drift than the labelled ones",
        "Accuracies in percent on 850 simulated spectra of each class taken under the condition, "
        f"of classifiers that were trained on spectra made from {N_LABELLED} labelled ones of "
        f"each class taken under another. Median over seeds 0 to {seeds - 1}.",
        of_other_code(results.values()),
    ]
    for condition in CONDITIONS:
        rows = []
        for method, (said, _) in METHODS.items():
            values = [_median(results, d, condition, method, name) for d, name in columns]
            there = [value for value in values if value is not None]
            mean = float(np.mean(there)) if there and len(there) == len(values) else None
            rows.append((said, *values, mean))
        head = ["trained on", *(f"{d} {name.upper()}" for d, name in columns), "mean"]
        parts += [
            f"## {condition.capitalize()}",
            table(head, rows, lambda value: f"{100 * value:.1f}"),
        ]
    return "\n\n".join(part for part in parts if part)


def draw(results: Results, sets: list[str], seeds: int, path: Path) -> None:
    """Draw the accuracies, a panel for each condition and classifier."""
    from matplotlib.figure import Figure

    shown = [condition for condition in CONDITIONS if condition != "the same"]
    figure = Figure(figsize=(3.1 * len(shown) + 2.6, 5.2), layout="constrained")
    axes = figure.subplots(len(CLASSIFIERS), len(shown), sharex=True, sharey=True, squeeze=False)
    offsets = np.linspace(-0.3, 0.3, len(METHODS))
    for row, name in zip(axes, CLASSIFIERS, strict=True):
        for ax, condition in zip(row, shown, strict=True):
            for offset, (method, (said, style)) in zip(offsets, METHODS.items(), strict=True):
                values = [_median(results, d, condition, method, name) for d in sets]
                there = [(i, 100 * v) for i, v in enumerate(values) if v is not None]
                if there:
                    at, accuracy = np.array(there).T
                    ax.plot(at + offset, accuracy, linestyle="", label=said, **style)
            ax.set_xticks(range(len(sets)), sets)
            ax.grid(axis="y", alpha=0.3)
        row[0].set_ylabel(f"{name.upper()}: accuracy / %")
    for ax, condition in zip(axes[0], shown, strict=True):
        ax.set_title(condition)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    drawn_report(__doc__, POSSIBLE, OUTPUT, cells, learn, report, draw)
