# SPDX-License-Identifier: GPL-3.0-or-later
"""What limits precision and recall on ``mn2_659.hspy``: the noise, the clean spectra, or how many
spectra there are?

    python benchmarks/limits.py

Takes the statistical model that training starts from apart (on these spectra it is what is kept)
and puts measured parts in place of its own: noise from the residuals of the training spectra, or
the held-out spectra's own clean spectra from a fit to all 659. Writes
``benchmarks/results/limits.md`` and ``.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent))

from judge import load, markdown_table

from hyperspy_dag import metrics
from hyperspy_dag.dag.class_model.model import MAX_COMPONENTS, ClassModel, fit_class_model
from hyperspy_dag.dag.class_model.noise import simulated_noise
from hyperspy_dag.dag.class_model.shift import fourier_shift

#: Training spectra of the rows; all are judged by the same spectra that none of them has.
COUNTS = (30, 100, 200, 400)
MOST = max(COUNTS)

COLUMNS = ["precision", "recall", "precision + recall", "density", "coverage"]


def clean_of(start: ClassModel, latent: NDArray) -> NDArray[np.float64]:
    """Spectra of latent vectors without noise."""
    spectra = start.mean + latent[:, :MAX_COMPONENTS] @ start.basis
    return fourier_shift(spectra, start.jitter * latent[:, MAX_COMPONENTS])


def level_of(start: ClassModel, latent: NDArray) -> NDArray[np.float64]:
    """Noise levels of latent vectors."""
    return np.exp(start.level[0] + start.level[1] * latent[:, MAX_COMPONENTS + 1])


def model_noise(
    start: ClassModel, clean: NDArray, level: NDArray, random: np.random.Generator
) -> NDArray[np.float64]:
    """Noise of a model for clean spectra."""
    variance = start.background + start.intensity * clean.clip(0)
    shape = np.sqrt(variance / variance.mean(axis=1, keepdims=True))
    return shape * simulated_noise(start.kernel, level, clean.shape[1], random)


def measured_noise(
    start: ClassModel, train: NDArray, level: NDArray, random: np.random.Generator
) -> NDArray[np.float64]:
    """Residuals of the training spectra that are nearest in level, of either sign."""
    residual = train - clean_of(start, start.latent)
    own = np.sqrt((residual**2).mean(axis=1))
    order = np.argsort(own)
    near = np.searchsorted(own[order], level) + random.integers(-4, 5, len(level))
    taken = order[near.clip(0, len(order) - 1)]
    sign = random.choice([-1.0, 1.0], len(level))
    return (sign * level / own[taken])[:, None] * residual[taken]


def sets(seed: int, everything: ClassModel) -> tuple[NDArray, dict[str, NDArray]]:
    """Real spectra that judge, and the synthetic ones of each row."""
    spectra, energy = load()
    order = np.random.default_rng(seed).permutation(len(spectra))
    held = order[MOST:]
    random = np.random.default_rng(seed)
    made = {}
    for n in COUNTS:
        train = spectra[order[:n]]
        start = fit_class_model(train, energy[1] - energy[0])
        latent = start.bank.draw(len(held), np.random.SeedSequence(seed))
        clean, level = clean_of(start, latent), level_of(start, latent)
        made[f"generator, {n} spectra"] = clean + model_noise(start, clean, level, random)
        if n == 100:
            noise = measured_noise(start, train, level, random)
            true = everything.latent[held]
            true_clean, true_level = clean_of(everything, true), level_of(everything, true)
            made[f"{n} spectra; noise: their residuals"] = clean + noise
            made[f"{n} spectra; clean spectra: those of the held-out ones"] = (
                true_clean + model_noise(start, true_clean, true_level, random)
            )
    made["real spectra"] = spectra[order[: len(held)]]
    return spectra[held], made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()

    spectra, energy = load()
    everything = fit_class_model(spectra, energy[1] - energy[0])
    found: dict[str, list] = {}
    for seed in range(arguments.seeds):
        held_out, made = sets(seed, everything)
        for name, spectra in made.items():
            scores = metrics.precision_recall_density_coverage(held_out, spectra)
            found.setdefault(name, []).append(scores)
    rows = {}
    for name, scores in found.items():
        mean = {k: float(np.mean([getattr(one, k) for one in scores])) for k in scores[0]._fields}
        rows[name] = mean | {"precision + recall": mean["precision"] + mean["recall"]}
    text = (
        f"# What limits precision and recall on mn2_659.hspy\n\n{markdown_table(rows, COLUMNS)}\n\n"
        f"Means of {arguments.seeds} splits, {len(held_out)} spectra against as many in each row.\n"
    )
    print(text)
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "limits.md").write_text(text)
    (arguments.output / "limits.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
