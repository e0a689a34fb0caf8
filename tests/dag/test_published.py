# SPDX-License-Identifier: GPL-3.0-or-later
"""The published networks and their training against NumPy, autodiff and what the paper says."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from spectra import white_lines

from hyperspy_dag.dag import draws
from hyperspy_dag.dag._tensorflow import tf
from hyperspy_dag.dag.architectures import ARCHITECTURES
from hyperspy_dag.dag.designs import DESIGNS
from hyperspy_dag.dag.drawing import _block_translation
from hyperspy_dag.dag.generators import make_generator
from hyperspy_dag.dag.lending import make_trainer
from hyperspy_dag.dag.losses import discriminator_loss, generator_loss
from hyperspy_dag.dag.networks import Discriminator, Initialisers
from hyperspy_dag.dag.published import translate
from hyperspy_dag.dag.published_training import judge
from hyperspy_dag.dag.recipes import RECIPES
from hyperspy_dag.dag.sources import SpectrumSource

RECIPE = RECIPES["paper"]


def leaky(x):
    return np.where(x > 0, x, 0.3 * x)


def generator_of(name, channels=60):
    initialisers = Initialisers()
    generator = make_generator(channels, ARCHITECTURES[name].under(RECIPE), RECIPE, initialisers)
    initialisers.draw(generator, np.random.SeedSequence(1))
    return generator.body


def discriminator_of(name, channels=48):
    initialisers = Initialisers()
    table = ARCHITECTURES[name].under(RECIPE).discriminator
    discriminator = Discriminator(channels, table, 0.3, initialisers)
    discriminator(tf.zeros([2, channels]), seed=tf.constant([0, 0]))
    initialisers.draw(discriminator, np.random.SeedSequence(2))
    return discriminator


def new_trainer(design="single_bitrans", name="compact"):
    return make_trainer(48, ARCHITECTURES[name].under(RECIPE), DESIGNS[design], RECIPE)


#: Compiling one takes seconds, and each class starts it anew.
trainer_of = lru_cache(new_trainer)


def test_a_translation_repeats_the_block_beside_the_freed_end():
    x = np.arange(7.0, dtype=np.float32)[None].repeat(2, 0)
    moved = translate(tf.constant(x), tf.constant(2), tf.constant([[True], [False]])).numpy()
    np.testing.assert_array_equal(moved[0], [0, 1, 0, 1, 2, 3, 4])
    np.testing.assert_array_equal(moved[1], [2, 3, 4, 5, 6, 5, 6])


def test_noise_of_a_seed_is_poisson_and_normal():
    drawn = draws.poisson_and_normal(
        tf.constant([200, 501]), 0.5, 0.15, tf.constant([3, 4])
    ).numpy()
    assert drawn.shape == (200, 501)
    assert drawn.mean() == pytest.approx(0.5, abs=0.01)
    assert drawn.var() == pytest.approx(0.5 + 0.15**2, rel=0.02)
    # Between two counts there is as good as nothing.
    assert np.mean(np.abs(drawn - drawn.round()) > 0.45) < 0.01


def test_simple_dense_against_numpy():
    """Six branches, joined, through one layer of all channels to tanh; without noise its mean."""
    generator = generator_of("simple_dense")
    latent = np.random.default_rng(0).normal(size=(5, 30)).astype(np.float32)
    parts = []
    for branch in range(6):
        x = latent
        for i, stage in enumerate(generator.stages):
            x = leaky(x @ stage.kernel.numpy()[branch] + stage.bias.numpy()[branch])
            x = x + 0.5 if i < 4 else x
        parts.append(x)
    assert [s.units for s in generator.stages] == [30, 8, 8, 5, 10]  # of a step of 10
    x = np.concatenate(parts, axis=1)
    x = leaky(x @ generator.join[0].kernel.numpy() + generator.join[0].bias.numpy()) + 0.15
    last = generator.output_layer
    expected = np.tanh(x @ last.kernel.numpy() + last.bias.numpy())
    made = generator(tf.constant(latent), seed=tf.constant([1, 2]), noise=False)
    np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-5)


def test_translations_of_a_network_are_drawn_once_for_a_class():
    one = trainer_of(name="simple_dense")
    one.begin(white_lines(40), np.random.SeedSequence(3))
    sizes = one.generator.body.translation.sizes
    first = sizes.numpy()
    assert set(first) <= set(range(1, 5)) and len(set(first)) > 1  # of branches of 8 channels
    one.train(0, 1)
    np.testing.assert_array_equal(sizes, first)
    one.begin(white_lines(40), np.random.SeedSequence(4))
    assert (sizes.numpy() != first).any()


def test_drawn_spectra_move_by_themselves():
    """Left or right by chance, by the sizes of the network; the freed end as in training."""
    random = np.random.default_rng(0)
    x = random.normal(size=(2, 200, 9)).astype(np.float32)
    sizes = np.float32([2, 4])
    moved = _block_translation(2).call(x.copy(), random, sizes)
    for part, came, size in zip(x, moved, (2, 4), strict=True):
        right, left = (
            translate(tf.constant(part), tf.constant(size), tf.constant([[way]])).numpy()
            for way in (True, False)
        )
        to_right, to_left = (came == right).all(axis=1), (came == left).all(axis=1)
        assert (to_right ^ to_left).all() and 60 < to_right.sum() < 140


def test_minibatch_discrimination_comes_before_the_last_layer():
    """Three layers, comparison, one layer; against NumPy, real and generated compared apart."""
    table = tuple(
        replace(branch, dropout=0.0)
        for branch in ARCHITECTURES["simple_dense"].under(RECIPE).discriminator
    )
    initialisers = Initialisers()
    discriminator = Discriminator(48, table, 0.3, initialisers)
    discriminator(tf.zeros([2, 48]), seed=tf.constant([0, 0]))
    initialisers.draw(discriminator, np.random.SeedSequence(2))
    spectra = white_lines(10).astype(np.float32)
    ends = []
    for branch, (kernels, dims) in zip(discriminator.branches, ((100, 5), (150, 8)), strict=True):
        x = spectra
        assert [layer.units for layer in branch.dense] == [48, 38, 29]
        for layer in branch.dense:
            x = leaky(x @ layer.kernel.numpy() + layer.bias.numpy())
        features = (x @ branch.minibatch.kernel.numpy()).reshape(10, dims, kernels)
        closeness = []
        for half in (features[:5], features[5:]):
            distance = np.abs(half[:, None] - half[None]).sum(axis=2)
            closeness.append(np.exp(-distance).sum(axis=1))
        x = np.concatenate([x, np.concatenate(closeness)], axis=1)
        (last,) = branch.dense_after
        ends.append(leaky(x @ last.kernel.numpy() + last.bias.numpy()))
    unit = discriminator.unit
    expected = np.concatenate(ends, axis=1) @ unit.kernel.numpy() + unit.bias.numpy()
    logits = discriminator(tf.constant(spectra), seed=tf.constant([5, 6]), groups=2)
    np.testing.assert_allclose(logits, expected[:, 0], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["simple_dense", "simple_convo", "compact"])
def test_slopes_are_those_of_automatic_differentiation(name):
    discriminator = discriminator_of(name)
    shown, seed = tf.constant(white_lines(12), tf.float32), tf.constant([7, 8])
    variables = [v.value for v in discriminator.trainable_variables]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(shown)
        real, generated = tf.split(discriminator(shown, seed=seed, groups=2), 2)
        cost = discriminator_loss("cross_entropy", real, generated, 0.9)
        generator_cost = generator_loss("cross_entropy", real, generated)
    expected = tape.gradient(cost, variables)
    costs, gradients, slope = judge(discriminator, shown, seed, RECIPE, True)
    np.testing.assert_allclose(costs, [cost, generator_cost], rtol=1e-5)
    for one, other in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6)
    expected = tape.gradient(generator_cost, shown).numpy()
    assert np.abs(expected[6:]).max() > 0 and not expected[:6].any()
    np.testing.assert_allclose(slope, expected, rtol=1e-3, atol=1e-6)
    alone = judge(discriminator, shown, seed, RECIPE, False)
    for one, other in zip(alone[1], gradients, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-7)
    assert alone[2] is None


@pytest.mark.parametrize(
    ("design", "expected"),
    [
        ("single_monotrans", [(0, "untransformed"), (0, "shift"), (0, None)]),
        ("multi_monotrans", [(0, "untransformed"), (1, "shift"), (0, None)]),
        ("single_bitrans", [(0, "untransformed"), (0, "shift"), (0, "noise"), (0, None)]),
        ("multi_bitrans", [(0, "untransformed"), (1, "shift"), (2, "noise"), (0, None)]),
    ],
)
def test_passes_of_the_designs(design, expected):
    """Fig. 3: each view with its discriminator and the generator, then the plain view's alone."""
    *both, last = DESIGNS[design].passes()
    assert [*both, last] == [(i, v or "untransformed", v is not None) for i, v in expected]


@pytest.mark.parametrize("design", ["single_monotrans", "multi_bitrans"])
def test_an_epoch_is_a_pass_over_all_spectra_for_each_step(design, monkeypatch):
    """The compiled epoch is what the steps do when they are called one by one."""
    one, spectra = trainer_of(design), white_lines(40)
    steps, update = [], one._update

    def note(index, view, both, real, *rest):
        steps.append((index, view, both, real.numpy()))
        return update(index, view, both, real, *rest)

    one.begin(spectra, np.random.SeedSequence(3))
    one.train(0, 1)
    compiled = one.state()
    one.begin(spectra, np.random.SeedSequence(3))
    monkeypatch.setattr(one, "_update", note)
    monkeypatch.setattr(one, "_compiled", lambda *given: one._run(*map(tf.constant, given)))
    one.train(0, 1)
    for name, eager in one.state().items():
        np.testing.assert_allclose(eager, compiled[name], rtol=2e-3, atol=2e-5)
    passes = DESIGNS[design].passes()
    assert [step[:3] for step in steps] == [p for p in passes for _ in range(2)]
    for i in range(len(passes)):
        batches = [step[3] for step in steps[2 * i : 2 * i + 2]]
        assert [len(batch) for batch in batches] == [32, 8]
        shown = np.concatenate(batches)
        np.testing.assert_array_equal(
            shown[np.lexsort(shown.T)], np.float32(spectra)[np.lexsort(np.float32(spectra).T)]
        )


def test_the_last_pass_leaves_the_generator_alone():
    one, spectra = trainer_of(), white_lines(32)
    one.begin(spectra, np.random.SeedSequence(3))
    before = one.generator.get_weights(), one.discriminators[0].get_weights()
    given = (spectra.astype(np.float32), np.ones((32, 30), np.float32), [1, 2], [1e-3, 1e-3])
    one._update(0, "untransformed", False, *map(tf.constant, given))
    after = one.generator.get_weights(), one.discriminators[0].get_weights()
    assert all((a == b).all() for a, b in zip(before[0], after[0], strict=True))
    assert any((a != b).any() for a, b in zip(before[1], after[1], strict=True))
    one._update(0, "untransformed", True, *map(tf.constant, given))
    assert any((a != b).any() for a, b in zip(before[0], one.weights(), strict=True))


def test_epochs_repeat_bit_for_bit():
    one, other, spectra = trainer_of(), new_trainer(), white_lines(40)
    one.begin(spectra, np.random.SeedSequence(3))
    one.train(0, 2)
    kept = one.state()
    one.train(2, 1)
    third = one.weights()
    one.restore(kept)
    one.train(2, 1)
    other.begin(spectra, np.random.SeedSequence(3))
    for epoch in range(3):
        other.train(epoch, 1)
    for again in (one.weights(), other.weights()):
        for a, b in zip(third, again, strict=True):
            np.testing.assert_array_equal(a, b)


def test_four_designs_give_four_results():
    drawn = []
    for design in DESIGNS:
        one = trainer_of(design)
        one.begin(white_lines(40), np.random.SeedSequence(3))
        one.train(0, 3)
        networks = one.channels, one.architecture, RECIPE, None, one.weights()
        drawn.append(SpectrumSource(*networks, np.random.SeedSequence(5)).draw(20))
    for i, first in enumerate(drawn):
        assert all(np.abs(first - second).max() > 1e-3 for second in drawn[:i])
