# SPDX-License-Identifier: GPL-3.0-or-later
"""Can a classifier tell synthetic spectra from real ones that nobody trained on?

    python benchmarks/two_sample.py                  # all cases, 12 splits
    python benchmarks/two_sample.py --cases mn2 --splits 3

The AUC of ``metrics.classifier_two_sample`` (support vector machine on 30 components) for spectra
of an augmenter with default settings, beside real against real spectra of the same counts, and the
memorisation ratio, which copies would lower:

- ``mn2_659``: 100 and 30 training spectra, 259 a side,
- TiO2 and SrTiO3 within a region: 50 train and the other 50 judge (real against real: the 50 that
  train against the 50 that judge),
- simulated core and shell (MF, denoised by principal components): 150 train, 350 a side.

Prints one table and writes it to ``benchmarks/results/two_sample.md``, each split's figures to
``two_sample.json``. Cases that are not asked for keep their figures.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent))

import judge
from judge import markdown_table, median

from hyperspy_dag import metrics

ASKED = {
    "mn2_659, 100": 0.58,
    "mn2_659, 30": 0.68,
    "TiO2, 50": 0.60,
    "SrTiO3, 50": 0.60,
    "Fe3O4 core, 150": 0.62,
    "Mn ferrite shell, 150": 0.62,
}


class Sets(NamedTuple):
    """Training spectra, those that judge, other real ones if there are any, and the axis."""

    train: NDArray[np.float64]
    held_out: NDArray[np.float64]
    other: NDArray[np.float64]
    energy: NDArray[np.float64]


def mn2(n_train: int, splits: int) -> Iterator[Sets]:
    for seed in range(splits):
        part = judge.split(seed, n_train)
        yield Sets(part.train, part.held_out[:259], part.held_out[259:518], part.energy)


def oxides(name: str, splits: int) -> Iterator[Sets]:
    import tstr_tio2

    s, names, regions = tstr_tio2.load()
    energy = s.axes_manager.signal_axes[0].axis
    for seed in range(splits):
        own = np.flatnonzero((names == name) & (regions == 1 + seed % 2))
        rows = np.random.default_rng(seed).permutation(own)
        train, held_out = s.data[rows[:50]].astype(float), s.data[rows[50:]].astype(float)
        yield Sets(train, held_out, train, energy)


def denoised(name: str, splits: int) -> Iterator[Sets]:
    from hyperspy_dag.data import simulated_oxides

    for seed in range(splits):
        s, labels = simulated_oxides("MF", 850, random_state=100 + seed)  # not those of trials
        spectra = s.data[labels == name].astype(float)
        energy = s.axes_manager.signal_axes[0].axis
        yield Sets(spectra[:150], spectra[150:500], spectra[500:], energy)


CASES = {
    "mn2_659, 100": lambda splits: mn2(100, splits),
    "mn2_659, 30": lambda splits: mn2(30, splits),
    "TiO2, 50": lambda splits: oxides("TiO2", splits),
    "SrTiO3, 50": lambda splits: oxides("SrTiO3", splits),
    "Fe3O4 core, 150": lambda splits: denoised("Fe3O4 core", splits),
    "Mn ferrite shell, 150": lambda splits: denoised("Mn ferrite shell", splits),
}


def figures(sets: Sets, seed: int, training: str) -> dict[str, float]:
    """Fit an augmenter to the training spectra and judge what it draws."""
    from exspy.signals import EELSSpectrum

    from hyperspy_dag import EELSAugmenter

    s = EELSSpectrum(sets.train)
    axis = s.axes_manager.signal_axes[0]
    axis.offset, axis.scale, axis.units = sets.energy[0], sets.energy[1] - sets.energy[0], "eV"
    augmenter = EELSAugmenter(random_state=seed, training=training)
    augmenter.fit(s, np.zeros(len(sets.train), int), show_progressbar=False)
    synthetic = augmenter.sample(len(sets.held_out)).data[0].astype(float)
    ours = metrics.classifier_two_sample(sets.held_out, synthetic)
    real = metrics.classifier_two_sample(sets.held_out, sets.other, permutations=0)
    return {
        "auc": ours.auc,
        "p_value": ours.p_value,
        "auc_linear": ours.linear_auc,
        "real_auc": real.auc,
        "real_auc_linear": real.linear_auc,
        "memorisation": metrics.memorisation_ratio(synthetic, sets.train, sets.held_out),
        "epochs_trained": len(augmenter.history_[0].generator_cost),
        "seconds": augmenter.fit_seconds_[0],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=12)
    parser.add_argument("--cases", nargs="*", help="beginnings of names; default: all")
    parser.add_argument("--training", default="auto", choices=("auto", "always", "never"))
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()

    arguments.output.mkdir(parents=True, exist_ok=True)
    path = arguments.output / "two_sample.json"
    found = json.loads(path.read_text()) if path.is_file() else {}
    for name, make in CASES.items():
        if arguments.cases and not name.startswith(tuple(arguments.cases)):
            continue
        found[name] = [
            figures(sets, seed, arguments.training)
            for seed, sets in enumerate(make(arguments.splits))
        ]
        path.write_text(json.dumps(found, indent=1) + "\n")
    rows = {
        name: median(found[name]) | {"splits": len(found[name]), "asked": ASKED[name]}
        for name in CASES
        if name in found
    }
    columns = ["splits", "asked", "auc", "p_value", "auc_linear", "real_auc", "real_auc_linear"]
    table = markdown_table(rows, [*columns, "memorisation", "epochs_trained", "seconds"])
    text = (
        "# Synthetic against held-out real spectra: AUC of a classifier\n\n"
        f"{table}\n\nMedians over splits; real: other real spectra of the same counts.\n"
    )
    print(text)
    (arguments.output / "two_sample.md").write_text(text)


if __name__ == "__main__":
    main()
