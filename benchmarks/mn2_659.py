# SPDX-License-Identifier: GPL-3.0-or-later
"""Fidelity of the DAG on the real Mn2+ white lines: train on some spectra, judge by all others.

    python benchmarks/mn2_659.py                     # default settings, 3 seeds
    python benchmarks/mn2_659.py --recipe paper --architecture simple_dense
    python benchmarks/mn2_659.py --n-train 30

Each seed draws its own split. As many synthetic spectra are drawn as real ones judge. Prints one
table (a row a seed, then the median, and real against real at the same split) and writes it as
Markdown and JSON to ``benchmarks/results/``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from judge import DATA_FILE, data_folder, judge, markdown_table, real_intervals, split

COLUMNS = [
    "frechet",
    "snr",
    "snr_ratio",
    "pcc",
    "cosd",
    "precision",
    "recall",
    "density",
    "coverage",
    "memorisation",
    "noise_gap",
    "w_l3_position",
    "epoch",
    "fit_seconds",
]


def run(seed: int, arguments: argparse.Namespace) -> dict[str, float]:
    """Fit on one split and judge."""
    import hyperspy.api as hs

    from hyperspy_dag import EELSAugmenter

    part = split(seed, arguments.n_train)
    s = hs.load(data_folder() / DATA_FILE)
    labels = np.full(len(s.data), -1)
    labels[np.random.default_rng(seed).permutation(len(labels))[: arguments.n_train]] = 0
    augmenter = EELSAugmenter(
        arguments.design,
        arguments.architecture,
        recipe=arguments.recipe,
        max_epochs=arguments.max_epochs,
        random_state=seed,
    )
    begin = time.perf_counter()
    augmenter.fit(s, labels)
    seconds = time.perf_counter() - begin
    synthetic = augmenter.sample(len(part.held_out)).data[0].astype(float)
    result = judge(synthetic, part.train, part.held_out, part.energy)
    result["snr_ratio"] = result["snr"] / result["snr_real"]
    return result | {"epoch": augmenter.best_[0].epoch, "fit_seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-train", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--design", default="single_bitrans")
    parser.add_argument("--architecture", default="auto")
    parser.add_argument("--recipe", default="refined")
    parser.add_argument("--max-epochs", type=int)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()

    rows = {f"seed {seed}": run(seed, arguments) for seed in range(arguments.seeds)}
    seeds = list(rows.values())
    rows["median"] = {key: float(np.median([row[key] for row in seeds])) for key in seeds[0]}
    for seed in range(arguments.seeds):
        part = split(seed, arguments.n_train)
        real = judge(part.train, None, part.held_out, part.energy)
        rows[f"real, seed {seed}"] = real | {"snr_ratio": real["snr"] / real["snr_real"]}
    table = markdown_table(rows, COLUMNS)
    intervals = ", ".join(
        f"{name} {low:.4g} to {high:.4g}"
        for name, (low, high) in real_intervals(arguments.n_train).items()
    )
    text = (
        f"# {arguments.n_train} spectra of {DATA_FILE}: {arguments.design}, "
        f"{arguments.architecture}, {arguments.recipe}\n\n{table}\n\n"
        f"95 % intervals of {arguments.n_train} real spectra against all others: {intervals}\n"
    )
    print(text)
    name = f"mn2_659_{arguments.recipe}_{arguments.architecture}_{arguments.n_train}"
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / f"{name}.md").write_text(text)
    (arguments.output / f"{name}.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
