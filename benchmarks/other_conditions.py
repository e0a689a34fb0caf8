# SPDX-License-Identifier: GPL-3.0-or-later
"""Classifying spectra of another dose or drift than those that were labelled.

    python benchmarks/other_conditions.py                   # 4 sets, 3 seeds; an hour on one core
    python benchmarks/other_conditions.py --sets K --seeds 1
    python benchmarks/other_conditions.py --report-only     # table and picture of what there is

150 spectra of each class are labelled: good ones, of a slow scan. What is to be classified was
taken faster, at a quarter or a tenth of the dose, or while the energy drifted four times as far.
Classifiers are trained on

- the labelled spectra as they are;
- the DAG's spectra, as it draws them and for the new condition: ``sample(dose=...)`` or
  ``sample(energy_jitter=...)``, with the ratio of doses or the drift in eV, which one knows;
- the labelled spectra brought to the new condition by hand, several times each: their raw counts
  thinned (each kept with a probability of the ratio of doses), or shifted at random;
- spectra with added noise, and those of the best statistical baseline;
- 150 labelled spectra of the new condition: what labelling all over again would give.

Results are kept one by one in ``benchmarks/results/other_conditions/``; what is there is not
computed again. Writes ``benchmarks/results/other_conditions.md`` and
``docs/images/other_conditions.png``.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).resolve().parent))

from oxides import (
    CLASSIFIERS,
    RESULTS,
    SETS,
    Cell,
    Dag,
    Part,
    fitted,
    make,
    median,
    of_other_code,
    read_cells,
    run_cells,
    source_digest,
    split,
    table,
)

from hyperspy_dag.data import OXIDE_CLASSES, PREPROCESSING, simulated_mixtures, simulated_oxides
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

METHODS = {
    "the labelled spectra": {"color": "black", "marker": "_"},
    "with added noise": {"color": "#999999", "marker": "v"},
    "PCA kernel density with dose": {"color": "#0072b2", "marker": "^"},
    "the DAG as it is": {"color": "#d55e00", "marker": "o", "markerfacecolor": "none"},
    "brought there by hand": {"color": "#009e73", "marker": "D"},
    "the DAG for the new condition": {"color": "#d55e00", "marker": "o"},
    "labelled all over again": {"color": "black", "marker": "s"},
}
"""Name -> how it is drawn."""

#: Those whose total is denoised by components of all spectra cannot be had at another dose.
POSSIBLE = tuple(name for name in SETS if "pca_components" not in PREPROCESSING[name])

OUTPUT = RESULTS.parent / "other_conditions"
PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "other_conditions.png"

Made = dict[str, NDArray[np.float64]]
Results = dict[Cell, dict[str, Any]]


def measured(dataset: str, n: int, dose: float, drift: float, seed: int) -> Made:
    """New spectra of each class under a condition."""
    names = list(OXIDE_CLASSES[dataset])
    pure = np.repeat(np.eye(len(names)), n, axis=0)
    s = simulated_mixtures(
        dataset, pure, dose=dose, drift=drift, random_state=np.random.SeedSequence((seed, n))
    )
    return dict(zip(names, np.split(s.data.astype(np.float64), len(names)), strict=True))


def by_hand(part: Part, cell: Cell, dose: float, drift: float) -> Made:
    """The labelled spectra, several times each, thinned to a dose and shifted as by more drift."""
    random = np.random.default_rng(cell.seed)
    raw, _ = simulated_oxides(cell.dataset, cell.n_spectra, raw=True, random_state=cell.seed)
    axis = raw.axes_manager.signal_axes[0]
    axes = [{"size": N_MADE, "navigate": True}, axis.get_axis_dictionary()]
    made = {}
    for label in part.classes:
        rows = np.resize(part.train[part.labels[part.train] == label], N_MADE)
        s = type(raw)(random.binomial(np.maximum(raw.data[rows], 0), dose), axes=axes)
        spectra = s.dag_preprocess(**PREPROCESSING[cell.dataset]).data.astype(np.float64)
        more = OXIDE_CLASSES[cell.dataset][label].drift * np.sqrt(drift**2 - 1)  # eV
        shifts = more / axis.scale * random.standard_normal(N_MADE)
        pairs = zip(spectra, shifts, strict=True)
        made[label] = np.stack(
            [ndimage.shift(y, by, order=1, mode="nearest") if by else y for y, by in pairs]
        )
    return made


def by_dag(augmenter: EELSAugmenter, cell: Cell, dose: float, drift: float) -> Made:
    """Synthetic spectra for the dose and the drift."""
    oxides = OXIDE_CLASSES[cell.dataset]
    return {
        label: augmenter.sample(
            N_MADE,
            label=label,
            dose=dose,
            energy_jitter=None if drift == 1 else drift * oxides[label].drift,
        ).data.astype(np.float64)
        for label in augmenter.classes_
    }


def learn(cell: Cell, keep: Path | None = None, progress: bool | None = None) -> dict[str, Any]:
    """Accuracies under every condition, by method and classifier."""
    part = split(cell.dataset, cell.seed, cell.n_spectra)
    augmenter = fitted(cell, part, keep, progress)
    counts = dict.fromkeys(part.classes, N_MADE)
    same: dict[str, Made] = {
        "the labelled spectra": {c: part.of_class(c, part.train) for c in part.classes},
        "with added noise": make(replace(cell, method="noise"), part, counts)[0],
        "PCA kernel density with dose": make(
            replace(cell, method="pca_density_dose"), part, counts
        )[0],
        "the DAG as it is": by_dag(augmenter, cell, 1.0, 1.0),
    }
    accuracy: dict[str, Any] = {}
    for condition, (dose, drift) in CONDITIONS.items():
        test = measured(cell.dataset, N_TEST, dose, drift, cell.seed)
        own = {
            "brought there by hand": by_hand(part, cell, dose, drift),
            "the DAG for the new condition": by_dag(augmenter, cell, dose, drift),
            "labelled all over again": measured(cell.dataset, N_LABELLED, dose, drift, cell.seed),
        }
        accuracy[condition] = {
            method: {name: _accuracy(name, made, test, cell.seed) for name in CLASSIFIERS}
            for method, made in (same | own).items()
        }
    cell_of = asdict(cell) | {"method_name": cell.method_name}
    return {"cell": cell_of, "accuracy": accuracy, "source": source_digest()}


def _accuracy(name: str, made: Made, test: Made, seed: int) -> float:
    labels = np.repeat(list(made), [len(own) for own in made.values()])
    classifier = make_classifier(name, seed).fit(np.concatenate(list(made.values())), labels)
    right = [classifier.predict(own) == label for label, own in test.items()]
    return float(np.mean(np.concatenate(right)))


def _median(results: Results, dataset: str, condition: str, method: str, name: str) -> float | None:
    return median(
        one["accuracy"][condition][method][name]
        for cell, one in results.items()
        if cell.dataset == dataset
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
        for method in METHODS:
            values = [_median(results, d, condition, method, name) for d, name in columns]
            there = [value for value in values if value is not None]
            mean = float(np.mean(there)) if there and len(there) == len(values) else None
            rows.append((method, *values, mean))
        head = ["trained on", *(f"{d} {name.upper()}" for d, name in columns), "mean"]
        parts += [
            f"## {condition.capitalize()}",
            table(head, rows, lambda value: f"{100 * value:.1f}"),
        ]
    return "\n\n".join(part for part in parts if part)


def draw(results: Results, sets: list[str], path: Path) -> None:
    """Draw the accuracies, a panel for each condition and classifier."""
    from matplotlib.figure import Figure

    shown = [condition for condition in CONDITIONS if condition != "the same"]
    figure = Figure(figsize=(3.1 * len(shown) + 2.6, 5.2), layout="constrained")
    axes = figure.subplots(len(CLASSIFIERS), len(shown), sharex=True, sharey=True, squeeze=False)
    offsets = np.linspace(-0.3, 0.3, len(METHODS))
    for row, name in zip(axes, CLASSIFIERS, strict=True):
        for ax, condition in zip(row, shown, strict=True):
            for offset, (method, style) in zip(offsets, METHODS.items(), strict=True):
                values = [_median(results, d, condition, method, name) for d in sets]
                there = [(i, 100 * v) for i, v in enumerate(values) if v is not None]
                if there:
                    at, accuracy = np.array(there).T
                    ax.plot(at + offset, accuracy, linestyle="", label=method, **style)
            ax.set_xticks(range(len(sets)), sets)
            ax.grid(axis="y", alpha=0.3)
        row[0].set_ylabel(f"{name.upper()}: accuracy / %")
    for ax, condition in zip(axes[0], shown, strict=True):
        ax.set_title(condition)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", choices=POSSIBLE, default=list(POSSIBLE))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cells", type=Path, default=OUTPUT, help="folder of single results")
    parser.add_argument("--keep", type=Path, help="folder to keep fitted augmenters in")
    parser.add_argument("--report-only", action="store_true", help="compute nothing")
    parser.add_argument("--output", type=Path, default=OUTPUT.with_suffix(".md"))
    parser.add_argument("--picture", type=Path, default=PICTURE)
    options = parser.parse_args()

    wanted = [Cell(d, Dag(), seed) for seed in range(options.seeds) for d in options.sets]
    if not options.report_only:
        run_cells(wanted, options.cells, options.keep, work=learn)
    results = read_cells(wanted, options.cells)
    text = report(results, options.sets, options.seeds)
    print(text)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(text + "\n", encoding="utf-8")
    draw(results, options.sets, options.picture)


if __name__ == "__main__":
    main()
