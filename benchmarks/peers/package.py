# SPDX-License-Identifier: GPL-3.0-or-later
"""This package on the same work: `simple_dense`, `single_bitrans`, the paper's recipe."""

from __future__ import annotations

import numpy as np
from work import Work, serve

import hyperspy_dag
from hyperspy_dag.dag.architectures import ARCHITECTURES
from hyperspy_dag.dag.designs import DESIGNS
from hyperspy_dag.dag.lending import make_trainer
from hyperspy_dag.dag.recipes import RECIPES
from hyperspy_dag.dag.sources import SpectrumSource
from hyperspy_dag.dag.stopping import Judge


def make(work: Work):
    recipe = RECIPES["paper"]
    architecture = ARCHITECTURES["simple_dense"].under(recipe)
    trainer = make_trainer(work.channels, architecture, DESIGNS["single_bitrans"], recipe)
    spectra = work.data()
    seed = np.random.SeedSequence(0)
    trainer.begin(spectra, seed)
    judge = Judge(spectra, seed, "published", recipe.tolerance, recipe.batch_size)
    trained = 0

    def train(epochs: int) -> None:
        nonlocal trained
        for _ in range(epochs):
            # One by one, as where each is evaluated.
            trainer.train(trained, 1)
            trained += 1

    def sample(n: int) -> np.ndarray:
        source = SpectrumSource(work.channels, architecture, recipe, None, trainer.weights(), seed)
        return source.draw(n)

    def evaluate(_: int) -> None:
        judge.judge(trained, sample(judge.n_synthetic))

    deeds = {"train": train, "sample": sample, "evaluate": evaluate}
    models = {"generator": trainer.generator, "discriminator": trainer.discriminators[0]}
    return deeds, {
        name: sum(int(np.prod(w.shape)) for w in model.trainable_variables)
        for name, model in models.items()
    }


if __name__ == "__main__":
    serve(f"hyperspy_dag {hyperspy_dag.__version__}", make)
