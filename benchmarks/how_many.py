# SPDX-License-Identifier: GPL-3.0-or-later
"""How many synthetic spectra does a classifier need? Simulated oxides, train on synthetic only.

    python benchmarks/how_many.py                   # all sets, 3 seeds; half an hour on one core
    python benchmarks/how_many.py --sets K --seeds 1
    python benchmarks/how_many.py --report-only     # table and picture of what there is

150 spectra of each class train the DAG (or are the baseline's), 850 others judge. The same neural
network and support vector machine as elsewhere are trained on the first 50, 150 ... 5000 of what
was made. Results are kept one by one in ``benchmarks/results/how_many.jsonl``; what is there is not
computed again. Writes ``benchmarks/results/how_many.md`` and ``docs/images/how_many.png``.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from oxides import (
    CLASSIFIERS,
    FRESH,
    REAL,
    RESULTS,
    SETS,
    Cell,
    Dag,
    drawn_report,
    make,
    median,
    of_other_code,
    read_cells,
    split,
    table,
)

from hyperspy_dag.validation import make_classifier

COUNTS = (50, 150, 500, 1500, 5000)
"""Synthetic spectra of each class."""

MOST = {"ann": COUNTS[-1], "svm": 1500}
"""The grid search of the support vector machine takes the square of their number in memory."""

METHODS: dict[str, tuple[str | Dag, str, str]] = {
    "synthetic spectra": (Dag(), "#d55e00", "o"),
    "other real spectra": (FRESH, "black", "s"),
    "PCA kernel density with dose": ("pca_density_dose", "#0072b2", "^"),
    "added noise": ("noise", "#999999", "v"),
}
"""Name -> method, colour and marker: the DAG, the ideal, the best baseline and the usual one."""

OUTPUT = RESULTS.parent / "how_many.jsonl"

Results = dict[Cell, dict[str, Any]]


def learn(cell: Cell, keep: Path | None = None, progress: bool | None = None) -> dict[str, Any]:
    """Accuracies of classifiers trained on the first few and on more of what a method makes."""
    part = split(cell.dataset, cell.seed, cell.n_spectra)
    made, more = make(cell, part, dict.fromkeys(part.classes, COUNTS[-1]), keep, progress)
    spectra, labels = part.flat(part.test)
    there = min(len(own) for own in made.values())
    accuracy: dict[str, dict[str, float]] = {name: {} for name in CLASSIFIERS}
    for n in (n for n in COUNTS if n <= there):
        x = np.concatenate([own[:n] for own in made.values()])
        y = np.repeat(list(made), n)
        for name in (name for name in CLASSIFIERS if n <= MOST[name]):
            classifier = make_classifier(name, cell.seed).fit(x, y)
            accuracy[name][str(n)] = float(np.mean(classifier.predict(spectra) == labels))
    own = asdict(cell) | {"method_name": cell.method_name}
    return {"cell": own, "accuracy": accuracy} | more


def cells(sets: list[str], seeds: int) -> list[Cell]:
    """All cells."""
    wanted = [method for method, _, _ in METHODS.values()]
    return [Cell(d, method, seed) for d in sets for method in wanted for seed in range(seeds)]


def _real(sets: list[str], seeds: int) -> dict[tuple[str, str], float | None]:
    """Accuracies with the real training spectra, which `tstr_simulated.py` measured."""
    own = [Cell(dataset, REAL, seed) for dataset in sets for seed in range(seeds)]
    there = read_cells(own, RESULTS)
    return {
        (dataset, name): median(
            one["accuracy"][REAL][name] for cell, one in there.items() if cell.dataset == dataset
        )
        for dataset in sets
        for name in CLASSIFIERS
    }


def _accuracy(results: Results, dataset: str, method: str | Dag, name: str, n: int) -> float | None:
    return median(
        one["accuracy"][name].get(str(n))
        for cell, one in results.items()
        if (cell.dataset, cell.method) == (dataset, method)
    )


def report(results: Results, sets: list[str], seeds: int) -> str:
    """Return the tables as Markdown."""
    real = _real(sets, seeds)
    parts = [
        "# How many synthetic spectra does a classifier need?",
        "Accuracies in percent of classifiers that were trained on so many synthetic spectra of "
        "each class and on no real one, on 850 real (simulated) spectra of each class. The DAG and "
        f"the baselines had 150 spectra of each class. Median over seeds 0 to {seeds - 1}.",
        of_other_code(results.values()),
    ]
    for name in CLASSIFIERS:
        counts = [n for n in COUNTS if n <= MOST[name]]
        rows = []
        for dataset in sets:
            own = [real[dataset, name] if n == 150 else None for n in counts]
            rows.append((dataset, "the 150 real spectra", *own))
            rows += [
                (dataset, label, *(_accuracy(results, dataset, method, name, n) for n in counts))
                for label, (method, _, _) in METHODS.items()
            ]
        head = ["set", f"{name.upper()} trained on", *map(str, counts)]
        parts.append(table(head, rows, lambda value: f"{100 * value:.1f}"))
    return "\n\n".join(part for part in parts if part)


def draw(results: Results, sets: list[str], seeds: int, path: Path) -> None:
    """Draw errors against the number of spectra, a panel for each set and classifier."""
    from matplotlib.figure import Figure

    real = _real(sets, seeds)
    figure = Figure(figsize=(2.3 * len(sets) + 0.6, 4.8), layout="constrained")
    axes = figure.subplots(len(CLASSIFIERS), len(sets), sharex=True, sharey="row", squeeze=False)
    for row, name in zip(axes, CLASSIFIERS, strict=True):
        for ax, dataset in zip(row, sets, strict=True):
            for label, (method, colour, marker) in METHODS.items():
                points = [(n, _accuracy(results, dataset, method, name, n)) for n in COUNTS]
                there = [(n, 100 * (1 - value)) for n, value in points if value is not None]
                style = {"color": colour, "marker": marker, "markersize": 4}
                ax.plot(*zip(*there, strict=True), label=label, linewidth=1.2, **style)
            own = real[dataset, name]
            if own is not None:
                line = {"color": "black", "linestyle": ":", "linewidth": 1}
                ax.axhline(100 * (1 - own), label="the 150 real spectra", **line)
            ax.set_xscale("log")
            ax.set_yscale("log")
            ticks = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
            ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
            ax.set_xticks(COUNTS, map(str, COUNTS))
            ax.minorticks_off()
        row[0].set_ylabel(f"{name.upper()}: errors / %")
    for ax, dataset in zip(axes[0], sets, strict=True):
        ax.set_title(dataset)
    figure.supxlabel("synthetic spectra of each class", fontsize="medium")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside upper center",
        ncols=min(len(labels), len(sets)),
        frameon=False,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    drawn_report(__doc__, SETS, OUTPUT, cells, learn, report, draw)
