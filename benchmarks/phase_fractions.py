# SPDX-License-Identifier: GPL-3.0-or-later
"""Phase fractions of simulated mixtures, by models of fitted classes.

    python benchmarks/phase_fractions.py

Per data set: an augmenter is trained on 100 noisy spectra of each pure class; mixtures in known
fractions (uniform over the simplex) get the noise of the detector after mixing, are preprocessed
as the training spectra were, and are fitted. Errors are mean absolute ones over spectra and
classes. Beside the fits by what the augmenter learned:

- ``training k=``: the same by mean and principal components of the training spectra themselves,
  with their noise, without any augmenter.
- ``ideal``: the same by the noise-free mean spectra of the simulation itself. It is the error that
  no training can take away from a fit of means: noise, background subtraction, drift and the
  spread within the classes, whose spectra are mixtures to some degree themselves.
- ``guess``: equal fractions for every spectrum, whatever was measured.

Spectra with drift are fitted at a row of common shifts, of which the best is kept for each;
aligned ones at none. ``region`` is the error of the mean over 64 spectra of one composition.
Doses are relative to those of the set; dose 16 stands for the sum of 16 spectra.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import hyperspy.api as hs
import numpy as np

from hyperspy_dag import EELSAugmenter, EELSAugmenterComponent
from hyperspy_dag.data import OXIDE_CLASSES, simulated_mixtures, simulated_oxides

DOSES = (1, 4, 16, 64)
REGION = 64
SHIFTS = np.linspace(-1.2, 1.2, 25)
BAR = 0.02


def fractions_of(intensities: np.ndarray) -> np.ndarray:
    """Intensities, negative ones as nothing, over their sum."""
    found = np.maximum(intensities, 0)
    return found / np.maximum(found.sum(axis=-1, keepdims=True), 1e-12)


def fit(
    s: hs.signals.Signal1D,
    components: list[EELSAugmenterComponent],
    optimizer: str,
    shifts: np.ndarray,
    **options: float,
) -> np.ndarray:
    """Intensities by linear fits at each of the shifts, the best of them for each spectrum."""
    m = s.create_model(auto_background=False, auto_add_edges=False)
    m.extend(components)
    axis = s.axes_manager.signal_axes[0]
    best = np.full(s.axes_manager._navigation_shape_in_array, np.inf)
    found = np.zeros((*best.shape, len(components)))
    for shift in shifts:
        for c in components:
            c.shift.value = shift
            c.shift.map["values"][:] = shift
            c.shift.map["is_set"][:] = True
        m.multifit(optimizer=optimizer, show_progressbar=False, **options)
        cost = ((s.data - axis.scale * sum(c.function_nd(axis.axis) for c in components)) ** 2).sum(
            axis=-1
        )
        cost = cost + axis.scale**2 * options.get("alpha", 0) * sum(
            p.map["values"] ** 2 for c in components for p in c.parameters[1:-1]
        )
        better = cost < best
        best[better] = cost[better]
        for i, c in enumerate(components):
            found[better, i] = c.intensity.map["values"][better]
    for c in list(m):
        m.remove(c)
    return found


def ideal_components(dataset: str, classes: list[str]) -> list[EELSAugmenterComponent]:
    """Of each class, the mean of many spectra at a dose at which noise is negligible."""
    components = []
    for i, name in enumerate(classes):
        pure = np.zeros((256, len(classes)))
        pure[:, i] = 1
        s = simulated_mixtures(dataset, pure, dose=1e5, drift=0, random_state=99)
        components.append(EELSAugmenterComponent.of_spectra(s, 0, name))
    return components


def training_components(
    s: hs.signals.Signal1D, labels: np.ndarray, classes: list[str], k: int
) -> list[EELSAugmenterComponent]:
    """Of each class, mean and principal components of its training spectra."""
    components = []
    for name in classes:
        data = np.asarray(s.data[labels == name], float)
        # Noise makes the maximum of every spectrum higher; heights must be comparable.
        own = s._deepcopy_with_new_data(data / data.mean(axis=0).max())
        components.append(EELSAugmenterComponent.of_spectra(own, k, name))
    return components


def measure(dataset: str, n: int, seed: int) -> dict:
    """Errors of every way of fitting at every dose."""
    s, labels = simulated_oxides(dataset, 100, random_state=seed)
    augmenter = EELSAugmenter(random_state=seed).fit(s, labels, show_progressbar=False)
    classes = list(OXIDE_CLASSES[dataset])
    learned = {k: [augmenter.component(c, k) for c in classes] for k in (0, 1, 2, 3)}
    training = {k: training_components(s, labels, classes, k) for k in (0, 1)}
    ideal = ideal_components(dataset, classes)
    regions = np.random.default_rng(seed).dirichlet(np.ones(len(classes)), n)
    truth = np.repeat(regions[:, np.newaxis], REGION, axis=1)
    rows = []
    for drift, shifts in ((1, SHIFTS), (0, np.zeros(1))):
        for dose in DOSES:
            mixed = simulated_mixtures(
                dataset, truth, dose=dose, drift=drift, random_state=seed + 1000
            )
            # The noise of the detector correlates between neighbours: about four times the
            # variance of white noise in what is as wide as a line.
            variance = np.mean(np.diff(mixed.data[..., ::5], axis=-1) ** 2) / 2
            alpha = 4 * float(variance) / mixed.axes_manager.signal_axes[0].scale ** 2
            ways = {
                **{f"k={k}": (learned[k], "lstsq", {}) for k in (0, 1, 2, 3)},
                **{f"k={k}, ridge": (learned[k], "ridge", {"alpha": alpha}) for k in (1, 2, 3)},
                "training k=0": (training[0], "lstsq", {}),
                "training k=1, ridge": (training[1], "ridge", {"alpha": alpha}),
                "ideal": (ideal, "lstsq", {}),
            }
            row: dict[str, Any] = {
                "drift": drift,
                "dose": dose,
                "errors": {"guess": float(np.abs(truth - 1 / len(classes)).mean())},
                "region": {"guess": float(np.abs(regions - 1 / len(classes)).mean())},
                "seconds": {},
            }
            for name, (components, optimizer, options) in ways.items():
                start = time.perf_counter()
                found = fit(mixed, components, optimizer, shifts, **options)
                row["seconds"][name] = time.perf_counter() - start
                row["errors"][name] = float(np.abs(fractions_of(found) - truth).mean())
                mean = fractions_of(found.mean(axis=1))
                row["region"][name] = float(np.abs(mean - regions).mean())
            print(dataset, seed, row, flush=True)
            rows.append(row)
    return {"dataset": dataset, "seed": seed, "regions": n, "classes": classes, "rows": rows}


def table(results: list[dict]) -> str:
    """Markdown of the errors, averaged over seeds."""
    lines = [
        "# Phase fractions of simulated mixtures",
        "",
        "Mean absolute error over spectra and classes; see `benchmarks/phase_fractions.py`. "
        f"Aim: {BAR:g} at dose 1.",
        "",
    ]
    for dataset in dict.fromkeys(r["dataset"] for r in results):
        of = [r for r in results if r["dataset"] == dataset]
        lines += [f"## {dataset}: {', '.join(of[0]['classes'])} (trainings: {len(of)})", ""]
        for kind, title in (("errors", "single spectra"), ("region", f"means of {REGION} spectra")):
            names = list(of[0]["rows"][0][kind])
            lines += [f"### {title}", "", "| energy | dose | " + " | ".join(names) + " |"]
            lines.append("|" + "---|" * (len(names) + 2))
            for i, row in enumerate(of[0]["rows"]):
                means = [np.mean([r["rows"][i][kind][name] for r in of]) for name in names]
                energy = "drifting" if row["drift"] else "aligned"
                figures = " | ".join(f"{x:.3f}" for x in means)
                lines.append(f"| {energy} | {row['dose']} | {figures} |")
            lines.append("")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", nargs="+", default=["WL-Mn", "WL-Fe"])
    parser.add_argument("--regions", type=int, default=40)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    hs.set_log_level("ERROR")
    results = [
        measure(dataset, arguments.regions, seed)
        for dataset in arguments.datasets
        for seed in arguments.seeds
    ]
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "phase_fractions.json").write_text(json.dumps(results, indent=1) + "\n")
    (arguments.output / "phase_fractions.md").write_text(table(results))


if __name__ == "__main__":
    main()
