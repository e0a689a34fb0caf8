# SPDX-License-Identifier: GPL-3.0-or-later
"""All metrics of every conventional augmentation method, on the real Mn2+ white lines.

Trains on a random part of the spectra, draws as many synthetic ones as are held out, and judges
them; real against real stands above as what can be reached. Prints the median over the seeds and
writes it, with the value of each seed, to ``results/``.

    python benchmarks/statistical_baselines.py --n-train 100 --seeds 3
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from judge import (
    judge_baseline,
    markdown_table,
    median,
    real_against_real,
    real_intervals,
    split,
)

from hyperspy_dag.validation import BASELINES

MAIN = ["frechet", "snr", "snr_real", "pcc", "cosd", "precision", "recall", "density", "coverage"]
MAIN += ["memorisation", "kid", "kl", "kl_pca"]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-train", type=int, default=100, help="training spectra (100)")
    parser.add_argument("--seeds", type=int, default=3, help="number of random splits (3)")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()

    seeds = range(options.seeds)
    rest = len(split(0, options.n_train).held_out)
    per_seed: dict[str, list[dict[str, float]]] = {
        "real 329 against real 330": [real_against_real(seed, 329) for seed in seeds],
        f"real {options.n_train} against real {rest}": [
            real_against_real(seed, options.n_train) for seed in seeds
        ],
    }
    for name in BASELINES:
        per_seed[name] = [judge_baseline(name, seed, options.n_train) for seed in seeds]
        print(f"{name} done", flush=True)

    table = {name: median(rows) for name, rows in per_seed.items()}
    others = [c for c in table["noise"] if c not in MAIN]
    intervals = real_intervals(options.n_train)
    text = "\n\n".join(
        [
            f"# Statistical baselines, {options.n_train} training spectra",
            f"Median of {options.seeds} random splits (seeds 0 to {options.seeds - 1}); {rest} "
            f"synthetic spectra of each method against {rest} held-out real ones.",
            markdown_table(table, MAIN),
            markdown_table(table, others),
            f"95 % intervals of {options.n_train} real spectra against the {rest} others "
            "(200 random splits): "
            + ", ".join(f"{k} {low:.4g} to {high:.4g}" for k, (low, high) in intervals.items())
            + ".",
        ]
    )
    print(text)
    options.output.mkdir(parents=True, exist_ok=True)
    stem = options.output / f"statistical_baselines_{options.n_train}"
    stem.with_suffix(".md").write_text(text + "\n", encoding="utf-8")
    content = {
        "n_train": options.n_train,
        "median": table,
        "seeds": per_seed,
        "real_intervals": intervals,
    }
    stem.with_suffix(".json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
