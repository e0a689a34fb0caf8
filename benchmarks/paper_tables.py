# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables 1, 2 and S1 to S4 of del-Pozo-Bueno et al. 2024 with the published recipe, and its claims.

    python benchmarks/reproduce_paper.py --recipe paper                 # all: days on one core
    python benchmarks/reproduce_paper.py --recipe paper --sets K --architectures simple_dense
    python benchmarks/reproduce_paper.py --recipe paper --ablations --sets K
    python benchmarks/reproduce_paper.py --recipe paper --report-only   # the page of what there is

The ten combinations of design and architecture of the paper on K, WL, W and MF, in this order; each
is one line of ``benchmarks/results/paper_tables.jsonl``, and what has a line is not computed again.
A training that was killed goes on from its checkpoint in ``--keep``. Several processes may run side
by side: each takes what no other has taken. The page is ``docs/benchmarks/paper.md``.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from oxides import (
    CLASSIFIERS,
    PAPER_SNR,
    REAL,
    Cell,
    Dag,
    accuracies,
    add_result,
    fit_dag,
    judge_class,
    read_results,
    resources,
    source_digest,
    split,
    table,
)

from hyperspy_dag.dag.architectures import ARCHITECTURES, Architecture, DiscriminatorBranch
from hyperspy_dag.dag.designs import DESIGNS
from hyperspy_dag.validation import make_baseline

FOLDER = Path(__file__).resolve().parent
SETS = ("K", "WL", "W", "MF")
CLASSES = {s: tuple(PAPER_SNR[s]) for s in ("K", "W", "MF")} | {
    "WL": (*PAPER_SNR["WL-Fe"], *PAPER_SNR["WL-Mn"])
}
ORIGINAL_SNR = {
    (s, label): (PAPER_SNR["WL-Fe"] | PAPER_SNR["WL-Mn"] if s == "WL" else PAPER_SNR[s])[label]
    for s, labels in CLASSES.items()
    for label in labels
}
NOISE = "noise"

#: Table 1: test accuracy in percent, (ANN, SVM) for each of W, WL, K, MF.
PAPER_ACCURACY = {
    ("single_monotrans", "simple_dense"): ((98.1, 83.2), (95.0, 93.9), (99.2, 95.6), (96.3, 98.8)),
    ("single_monotrans", "large_dense"): ((97.3, 85.0), (89.3, 91.9), (83.0, 80.8), (94.0, 95.8)),
    ("single_monotrans", "simple_convo"): ((85.8, 80.7), (92.6, 83.5), (97.7, 95.3), (93.2, 89.8)),
    ("multi_monotrans", "simple_dense"): ((96.8, 94.1), (91.9, 96.1), (99.2, 96.0), (93.8, 98.7)),
    ("multi_monotrans", "large_dense"): ((50.0, 71.6), (85.9, 89.0), (96.9, 94.2), (96.9, 97.6)),
    ("multi_monotrans", "simple_convo"): ((98.9, 97.6), (95.1, 90.3), (93.7, 92.9), (96.9, 86.9)),
    ("single_bitrans", "simple_dense"): ((98.8, 92.6), (96.0, 93.3), (99.1, 92.4), (98.3, 98.8)),
    ("single_bitrans", "simple_convo"): ((90.0, 97.7), (96.4, 90.3), (98.5, 80.9), (91.4, 97.7)),
    ("multi_bitrans", "simple_dense"): ((99.0, 88.7), (92.1, 93.3), (99.4, 97.0), (98.0, 98.0)),
    ("multi_bitrans", "simple_convo"): ((90.8, 96.1), (87.8, 92.8), (97.3, 96.2), (90.8, 96.1)),
}
_COLUMNS = ("W", "WL", "K", "MF")

#: The ten combinations of design and architecture, in the order of both tables.
COMBINATIONS = tuple(PAPER_ACCURACY)

#: Table 2: signal-to-noise figures of the synthetic spectra, in the order of the combinations.
PAPER_SYNTHETIC_SNR = {
    ("WL", "FeO"): (1.4, 1.7, 1.2, 1.4, 1.8, 1.3, 1.2, 1.4, 1.3, 1.2),
    ("WL", "Fe3O4"): (1.6, 2.6, 2.1, 2.0, 2.1, 2.5, 2.1, 2.7, 2.0, 2.6),
    ("WL", "MnO"): (1.4, 2.0, 1.2, 1.5, 1.8, 2.7, 1.4, 2.1, 1.5, 2.3),
    ("WL", "Mn2O3"): (2.0, 1.9, 2.4, 1.8, 2.5, 2.5, 1.7, 2.5, 1.6, 3.4),
    ("WL", "MnO2"): (1.9, 2.8, 2.8, 2.6, 2.6, 3.5, 2.1, 2.8, 2.1, 3.9),
    ("W", "FeO"): (2.1, 2.8, 2.0, 2.0, 2.8, 2.0, 1.7, 1.6, 1.7, 2.3),
    ("W", "Fe3O4"): (2.6, 3.3, 4.2, 2.5, 2.8, 4.6, 2.1, 6.9, 2.2, 5.0),
    ("K", "FeO"): (1.0, 1.0, 1.0, 1.0, 1.0, 1.1, 1.2, 1.1, 1.2, 1.6),
    ("K", "Fe3O4"): (2.1, 2.0, 3.0, 2.3, 2.0, 2.3, 2.1, 4.8, 2.1, 3.3),
    ("MF", "Fe3O4 core"): (1.4, 1.6, 2.2, 1.3, 1.6, 2.1, 1.6, 3.3, 1.4, 2.7),
    ("MF", "Mn ferrite shell"): (1.5, 2.4, 1.5, 1.4, 1.8, 1.7, 1.4, 1.4, 1.7, 1.8),
}

METRICS = ("frechet", "pcc", "cosd", "kl", "kl_pca", "precision", "recall", "coverage")


def paper_accuracy(dataset: str, combination: tuple[str, str], classifier: str) -> float:
    """Of Table 1, as a fraction."""
    both = PAPER_ACCURACY[combination][_COLUMNS.index(dataset)]
    return both[CLASSIFIERS.index(classifier)] / 100


# --- ablations ------------------------------------------------------------------------------------


def _without_minibatch(branch: DiscriminatorBranch) -> DiscriminatorBranch:
    return replace(branch, kernels=0)


def ablations() -> dict[str, Architecture]:
    """`simple_dense` without minibatch discrimination, and without noise in its branches."""
    one = ARCHITECTURES["simple_dense"]
    generator, discriminator = one.published
    bare = tuple(map(_without_minibatch, discriminator))
    quiet = replace(generator, noisy_layers=())
    return {
        "no_minibatch": replace(one, name="no_minibatch", published=(generator, bare)),
        "no_noise": replace(one, name="no_noise", published=(quiet, discriminator)),
    }


# --- what is computed -----------------------------------------------------------------------------


def work(cell: Cell, keep: Path, progress: bool | None) -> dict[str, Any]:
    """Fit what a cell asks for, and judge it as many spectra as real ones judge."""
    part = split(cell.dataset, cell.seed)
    counts = {label: int((part.labels[part.test] == label).sum()) for label in part.classes}
    result: dict[str, Any] = {"cell": asdict(cell), "source": source_digest()}
    if isinstance(cell.method, Dag):
        augmenter = fit_dag(part, cell.method, cell.seed, keep / f"{cell.key}.dag", progress)
        made = {c: augmenter.sample(n, label=c).data.astype(float) for c, n in counts.items()}
        result["resources"] = resources(augmenter)
    elif cell.method == REAL:
        made = {label: part.of_class(label, part.train) for label in part.classes}
    else:
        made = {
            label: make_baseline(cell.method)
            .fit(part.of_class(label, part.train))
            .sample(n, random_state=cell.seed)
            for label, n in counts.items()
        }
    result["classes"] = {label: judge_class(part, label, rows) for label, rows in made.items()}
    result["accuracy"] = accuracies(part, made, cell)
    return result


def run(cells: Iterable[Cell], results: Path, keep: Path, progress: bool | None) -> None:
    """Compute what has no result yet and is nobody else's."""
    for cell in cells:
        lock = keep / f"{cell.key}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        # Given back when the process ends, however it does.
        with suppress(Timeout), FileLock(lock, timeout=0):
            if cell.key not in read_results(results):
                add_result(results, cell.key, work(cell, keep, progress))


def read(results: Path) -> dict[Cell, dict[str, Any]]:
    """Return what there is."""
    found = {}
    for one in read_results(results).values():
        settings = dict(one["cell"])
        if isinstance(settings["method"], dict):
            settings["method"] = Dag(**settings["method"])
        found[Cell(**settings)] = one
    return found


# --- the page -------------------------------------------------------------------------------------


class Found:
    """Medians over the seeds of what there is."""

    def __init__(self, results: dict[Cell, dict[str, Any]], epochs: int | None):
        self._epochs = epochs
        self._ones: dict[tuple, list[dict[str, Any]]] = {}
        for cell, one in results.items():
            self._ones.setdefault((cell.dataset, cell.method), []).append(one)

    def of(
        self, dataset: str, method: str | tuple[str, str], get: Callable[[dict], float | None]
    ) -> float | None:
        """Median of what `get` takes from the results of a set and a method."""
        if not isinstance(method, str):
            method = Dag("paper", *method, self._epochs)
        values = [v for one in self._ones.get((dataset, method), []) if (v := get(one)) is not None]
        return statistics.median(values) if values else None

    def accuracy(self, dataset, method, classifier, training="synthetic"):
        return self.of(dataset, method, lambda one: one["accuracy"][training][classifier])

    def metric(self, dataset, method, label, name):
        return self.of(dataset, method, lambda one: one["classes"][label][name])

    def resource(self, dataset, method, label, name):
        return self.of(dataset, method, lambda one: one["resources"][label][name])


def _mean(values: Iterable[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return statistics.fmean(there) if there else None


def _beside(paper: float, ours: float | None, form: Callable[[float], str]) -> str:
    return f"{form(paper)} / {'–' if ours is None else form(ours)}"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _one_digit(value: float) -> str:
    return f"{value:.1f}"


def _number(value: float) -> str:
    return f"{value:.3g}"


def table_1(found: Found) -> str:
    """Accuracies, the paper's before ours, and how the bars stand."""
    columns = [(s, c) for s in SETS for c in CLASSIFIERS]
    rows, pairs = [], []
    for one in COMBINATIONS:
        row = [" ".join(one)]
        for dataset, classifier in columns:
            paper, ours = paper_accuracy(dataset, one, classifier), None
            ours = found.accuracy(dataset, one, classifier)
            row.append(_beside(paper, ours, _percent))
            if ours is not None:
                pairs.append((dataset, paper, ours))
        rows.append(row)
    rows.append(["real spectra", *(found.accuracy(s, REAL, c, training=REAL) for s, c in columns)])
    means = []
    for name in ("all", *SETS):
        of_set = [(p, o) for d, p, o in pairs if name in ("all", d)]
        paper, ours = (
            (_mean(values) for values in zip(*of_set, strict=True)) if of_set else (None,) * 2
        )
        below = sum(p - o > 0.1 for p, o in of_set)
        means.append((name, str(len(of_set)), paper, ours, f"{below}"))
    return "\n\n".join(
        [
            "## Table 1: accuracy in percent, trained on synthetic spectra",
            "Each cell: the paper's (measured spectra) / ours (simulated ones).",
            table(["", *(f"{s} {c.upper()}" for s, c in columns)], rows, _percent),
            "Means of the cells that are computed:",
            table(["set", "cells", "paper", "ours", "cells > 10 points below"], means, _percent),
        ]
    )


def snr_errors(found: Found) -> tuple[list[float], list[float]]:
    """Sizes of log(synthetic / original) over the cells computed: the paper's, ours."""
    from math import log

    paper, ours = [], []
    for (dataset, label), theirs in PAPER_SYNTHETIC_SNR.items():
        for one, value in zip(COMBINATIONS, theirs, strict=True):
            made = found.metric(dataset, one, label, "snr")
            if made is not None:
                real = found.metric(dataset, one, label, "snr_real")
                paper.append(abs(log(value / ORIGINAL_SNR[dataset, label])))
                ours.append(abs(log(max(made, 1e-3) / real)))
    return paper, ours


def table_2(found: Found) -> str:
    """Signal-to-noise figures, the paper's before ours."""
    rows = []
    for key, theirs in PAPER_SYNTHETIC_SNR.items():
        row = [" ".join(key)]
        row.append(
            _beside(ORIGINAL_SNR[key], found.metric(key[0], REAL, key[1], "snr_real"), _one_digit)
        )
        for one, value in zip(COMBINATIONS, theirs, strict=True):
            row.append(_beside(value, found.metric(key[0], one, key[1], "snr"), _one_digit))
        rows.append(row)
    text = "Nothing is computed yet."
    paper, ours = snr_errors(found)
    if ours:
        text = (
            f"Size of log(synthetic / original) over the {len(ours)} cells computed, median "
            f"(mean): the paper {statistics.median(paper):.2f} ({statistics.fmean(paper):.2f}), "
            f"ours {statistics.median(ours):.2f} ({statistics.fmean(ours):.2f})."
        )
    return "\n\n".join(
        [
            "## Table 2: signal-to-noise figure",
            "Mean over channels of mean / standard deviation over spectra; the paper's / ours.",
            table(["", "original", *(" ".join(one) for one in COMBINATIONS)], rows),
            text,
        ]
    )


def tables_s(found: Found) -> str:
    """Metrics (S1, S2), noise augmentation (S3) and resources (S4)."""
    metrics, took = [], []
    for dataset in SETS:
        for label in CLASSES[dataset]:
            for one in (REAL, *COMBINATIONS):
                values = [found.metric(dataset, one, label, name) for name in METRICS]
                name = one if isinstance(one, str) else " ".join(one)
                if any(v is not None for v in values):
                    metrics.append((f"{dataset} {label}", name, *values))
                if one != REAL and any(v is not None for v in values):
                    parts = ("fit_seconds", "epochs", "epoch_kept", "epoch_reached", "parameters")
                    own = [found.resource(dataset, one, label, part) for part in parts]
                    took.append((f"{dataset} {label}", name, *own))
    noise = [(s, *(found.accuracy(s, NOISE, c) for c in CLASSIFIERS)) for s in SETS]
    return "\n\n".join(
        [
            "## Tables S1 and S2: metrics of each class",
            "Against real test spectra; `real` is the training spectra. The paper's own figures, "
            "in its supplement, are not known to us.",
            table(["class", "", *METRICS], metrics, _number),
            "## Table S3: noise augmentation",
            "Accuracy in percent; white noise of 5 % of the highest intensity on the training "
            "spectra.",
            table(["set", *(c.upper() for c in CLASSIFIERS)], noise, _percent),
            "## Table S4: resources",
            "Of one class: seconds on one processor core shared with other work, epochs, the epoch "
            "kept, the first that reached the stopping criterion, numbers in the generator.",
            table(
                ["class", "", "seconds", "epochs", "kept", "reached", "parameters"],
                took,
                lambda value: f"{value:.0f}",
            ),
        ]
    )


def _named(words: str) -> list[tuple[str, str]]:
    return [one for one in COMBINATIONS if all(w in " ".join(one) for w in words.split())]


def claims(found: Found) -> str:
    """What the paper concludes, checked."""

    def accuracy(ours: bool, words: str, without: str = "") -> float | None:
        return _mean(
            found.accuracy(s, one, c) if ours else paper_accuracy(s, one, c)
            for s in SETS
            for one in _named(words)
            if not without or without not in one
            for c in CLASSIFIERS
            if found.accuracy(s, one, c) is not None
        )

    def snr_ratio(ours: bool, words: str) -> float | None:
        values = []
        for key, theirs in PAPER_SYNTHETIC_SNR.items():
            for one in _named(words):
                made = found.metric(*key[:1], one, key[1], "snr")
                real = found.metric(*key[:1], one, key[1], "snr_real")
                if made is not None:
                    paper = theirs[COMBINATIONS.index(one)] / ORIGINAL_SNR[key]
                    values.append(made / real if ours else paper)
        return statistics.median(values) if values else None

    def epochs(words: str) -> float | None:
        values = [
            v
            for s in SETS
            for label in CLASSES[s]
            for one in _named(words)
            if (v := found.resource(s, one, label, "epoch_reached")) is not None
        ]
        return statistics.median(values) if values else None

    def ablated(name: str, metric: str) -> float | None:
        return _mean(
            found.metric(s, ("single_bitrans", name), label, metric)
            for s in SETS
            for label in CLASSES[s]
        )

    def plain(metric: str, name: str) -> float | None:
        return _mean(
            found.metric(s, ("single_bitrans", "simple_dense"), label, metric)
            for s in SETS
            for label in CLASSES[s]
            if found.metric(s, ("single_bitrans", name), label, metric) is not None
        )

    def both(get: Callable[[bool, str], float | None], ours: bool, *words: str) -> tuple:
        return tuple(get(ours, w) for w in words)

    def more(ours: bool, words: str) -> float | None:
        return accuracy(ours, words, "large_dense")

    rows = []

    def claim(
        text: str, paper: tuple, ours: tuple, holds: Callable[..., bool], form=_number
    ) -> None:
        def said(values: tuple) -> str:
            return " against ".join("–" if v is None else form(v) for v in values)

        answer = "–" if None in ours else "yes" if holds(*ours) else "no"
        rows.append((text, said(paper), said(ours), answer))

    claim(
        "accuracy: BiTrans above MonoTrans (SimpleDense and SimpleConvo)",
        both(more, False, "bitrans", "monotrans"),
        both(more, True, "bitrans", "monotrans"),
        lambda a, b: a > b,
        _percent,
    )
    claim(
        "accuracy: SimpleDense above LargeDense (MonoTrans)",
        both(accuracy, False, "monotrans simple_dense", "large_dense"),
        both(accuracy, True, "monotrans simple_dense", "large_dense"),
        lambda a, b: a > b,
        _percent,
    )
    claim(
        "epochs to the stopping criterion, median: Single needs fewer than Multi",
        (None, None),
        (epochs("single"), epochs("multi")),
        lambda a, b: a < b,
    )
    claim(
        "SNR over the original: SimpleDense below SimpleConvo",
        both(snr_ratio, False, "simple_dense", "simple_convo"),
        both(snr_ratio, True, "simple_dense", "simple_convo"),
        lambda a, b: a < b,
    )
    claim(
        "SNR over the original: SimpleDense below LargeDense, which has fewer layers of noise",
        both(snr_ratio, False, "monotrans simple_dense", "large_dense"),
        both(snr_ratio, True, "monotrans simple_dense", "large_dense"),
        lambda a, b: a < b,
    )
    claim(
        "without minibatch discrimination the generator collapses: coverage without, with",
        (None, None),
        (ablated("no_minibatch", "coverage"), plain("coverage", "no_minibatch")),
        lambda a, b: a < 0.5 * b,
    )
    claim(
        "layers of noise bound the SNR: without them in the branches, with",
        (None, None),
        (ablated("no_noise", "snr"), plain("snr", "no_noise")),
        lambda a, b: a > b,
    )
    return "\n\n".join(
        [
            "## What the paper concludes",
            "Over the cells that are computed, the paper's figures over the same ones.",
            table(["claim", "paper", "ours", "holds"], rows),
        ]
    )


INTRODUCTION = """\
# The paper's tables with its own recipe

Made by `python benchmarks/reproduce_paper.py --recipe paper`. Networks, training and stopping
figures are the published ones (`recipe="paper"`). The spectra are simulated from the physics of the
same oxides, on the same axes and with the signal-to-noise figures of the paper's Table 2: 1000 of
each class, of which 150 train and 850 judge, where the paper's classes have 125 to 410 training
spectra. WL is one problem of five classes, by channel number. A dash is what has not been computed.
Source of the paper's figures: del-Pozo-Bueno et al., Microsc. Microanal. 30, 278 (2024)."""


def page(found: Found) -> str:
    """The whole page."""
    return "\n\n".join(make(found) for make in (table_1, table_2, tables_s, claims)) + "\n"


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", choices=["paper"], default="paper")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--designs", nargs="+", choices=DESIGNS, default=list(DESIGNS))
    parser.add_argument(
        "--architectures", nargs="+", choices=sorted({a for _, a in COMBINATIONS}), default=None
    )
    parser.add_argument("--ablations", action="store_true", help="single_bitrans without a part")
    parser.add_argument("--epochs", type=int, help="at most; default: the recipe's")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--results", type=Path, default=FOLDER / "results" / "paper_tables.jsonl")
    parser.add_argument("--keep", type=Path, required=True, help="folder of fits and checkpoints")
    parser.add_argument("--report-only", action="store_true", help="compute nothing")
    parser.add_argument(
        "--page", type=Path, default=FOLDER.parent / "docs" / "benchmarks" / "paper.md"
    )
    parser.add_argument("--progress", action="store_true", help="show a progress bar")
    options = parser.parse_args(arguments)
    ARCHITECTURES.update(ablations())
    if not options.report_only:
        asked = [
            one
            for one in COMBINATIONS
            if one[0] in options.designs and one[1] in (options.architectures or one)
        ]
        if options.ablations:
            asked = [("single_bitrans", name) for name in ablations()]
        dags = [Dag("paper", *one, options.epochs) for one in asked]
        cells = [
            Cell(dataset, method, seed)
            for dataset in options.sets
            for seed in options.seeds
            for method in (REAL, NOISE, *dags)
        ]
        run(cells, options.results, options.keep, options.progress)
    text = page(Found(read(options.results), options.epochs))
    options.page.write_text(f"{INTRODUCTION}\n\n{text}", encoding="utf-8")
    print(f"Written to {options.page}.")


if __name__ == "__main__":
    main()
