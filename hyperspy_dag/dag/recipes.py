# SPDX-License-Identifier: GPL-3.0-or-later
"""How a DAG is trained: the published settings, and ours."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Settings of the training, and of what surrounds the generator's network.

    Parameters
    ----------
    name, description : str
        The name used as ``recipe=``, and one line for users.
    physical : bool
        Whether the generator's network refines a physical model estimated from the training
        spectra and ends in the instrument (energy shift, noise of the spectrum's dose, point
        spread, maximum normalisation); otherwise it makes the whole spectrum by itself.
    loss : {"cross_entropy", "relativistic"}
        Binary cross-entropy on logits, or the relativistic pairing loss (Jolicoeur-Martineau,
        arXiv:1807.00734).
    real_label : float
        One-sided label smoothing: the target of real spectra (Salimans et al. 2016). Used by the
        cross-entropy alone.
    penalty : float
        Weight of the zero-centred gradient penalties on real and generated spectra (R1 and R2;
        Mescheder et al., ICML 2018; Huang et al., NeurIPS 2024), in updates on a single view.
    generator_rate, discriminator_rate : float
        Adam's learning rates (two time-scale rule, Heusel et al. 2017).
    beta_1 : float
        Adam's first decay rate.
    average_decay : float
        Decay per step of the exponential average of the generator's weights that is evaluated
        and kept; 0 keeps the weights themselves.
    published : bool
        Whether networks, order of updates and figures of the stopping criterion are the published
        ones; otherwise a discriminator's views make one update together, and the generator comes
        after the discriminators.
    batch_size : int
        At most; the last incomplete batch of an epoch is left out, but under a published recipe.
    warm_up : int
        Epochs in which the discriminators train alone; at most a quarter of all.
    min_epochs, max_epochs : int
        Epochs before the stopping criterion may end the training; default of ``max_epochs=``.
    patience : int or None
        Epochs without a better state after which a training that has a stopping criterion ends;
        None goes on.
    evaluate_every : int
        Epochs between looks at the metrics.
    tolerance : float
        Default of ``tolerance=``: how far behind the real spectra's figures counts as reached.
    max_shift : float
        T1's largest energy shift, as a fraction of the channels; the published one is in channels,
        see :data:`hyperspy_dag.dag.published_training.MAX_SHIFT`.
    max_noise : float
        T2's largest relative noise at intensity 1.
    mixed_precision : bool
        Whether layers multiply in bfloat16.
    """

    name: str
    description: str
    physical: bool
    loss: str
    real_label: float
    penalty: float
    generator_rate: float
    discriminator_rate: float
    beta_1: float
    average_decay: float
    published: bool
    batch_size: int
    warm_up: int
    min_epochs: int
    max_epochs: int
    patience: int | None
    evaluate_every: int
    tolerance: float
    max_shift: float = 0.01
    max_noise: float = 0.1
    mixed_precision: bool = False


_RECIPES = (
    Recipe(
        "paper",
        "the published settings (del-Pozo-Bueno et al. 2024), for comparison and citation",
        physical=False,
        loss="cross_entropy",
        real_label=0.9,
        penalty=0.0,
        generator_rate=1e-4,
        discriminator_rate=5e-4,
        beta_1=0.9,
        average_decay=0.0,
        published=True,
        batch_size=32,
        warm_up=0,
        min_epochs=1,
        max_epochs=1000,
        patience=None,
        evaluate_every=1,
        tolerance=0.3,
    ),
    Recipe(
        "refined",
        "a statistical model of the class, refined by the DAG where there is something to learn",
        physical=True,
        loss="relativistic",
        real_label=1.0,
        penalty=3.0,
        generator_rate=1e-4,
        discriminator_rate=2e-4,
        beta_1=0.5,
        average_decay=0.99,
        published=False,
        batch_size=128,
        warm_up=10,
        min_epochs=30,
        max_epochs=200,
        patience=60,
        evaluate_every=10,
        tolerance=0.05,
    ),
)

#: name -> :class:`Recipe`.
RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _RECIPES}
