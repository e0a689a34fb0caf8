# SPDX-License-Identifier: GPL-3.0-or-later
"""The training loop and its parts against the papers and NumPy."""

from __future__ import annotations

import gc
from dataclasses import replace

import numpy as np
import pytest
from spectra import white_lines

from hyperspy_dag.dag import lending
from hyperspy_dag.dag._tensorflow import keras, tf
from hyperspy_dag.dag.architectures import ARCHITECTURES
from hyperspy_dag.dag.class_model.model import fit_class_model
from hyperspy_dag.dag.designs import DESIGNS
from hyperspy_dag.dag.generators import make_generator
from hyperspy_dag.dag.lending import lend_trainer
from hyperspy_dag.dag.losses import discriminator_loss, generator_loss
from hyperspy_dag.dag.networks import Discriminator, Initialisers, MixedDense
from hyperspy_dag.dag.optimiser import Adam
from hyperspy_dag.dag.recipes import RECIPES
from hyperspy_dag.dag.stopping import Judge, RealReference
from hyperspy_dag.dag.trainer import Trainer


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize(
    ("design", "views"),
    [
        ("single_monotrans", [["untransformed", "shift"]]),
        ("multi_monotrans", [["untransformed"], ["shift"]]),
        ("single_bitrans", [["untransformed", "shift", "noise"]]),
        ("multi_bitrans", [["untransformed"], ["shift"], ["noise"]]),
    ],
)
def test_designs_show_the_untransformed_spectra_twice(design, views):
    """del-Pozo-Bueno et al. 2024, Fig. 3."""
    shown: dict[tuple[int, str], int] = {}
    for index, names in DESIGNS[design].discriminator_steps():
        for name in names:
            shown[index, name] = shown.get((index, name), 0) + 1
    expected = {
        (i, name): 2 if name == "untransformed" else 1
        for i, names in enumerate(views)
        for name in names
    }
    assert shown == expected


def test_cross_entropy_smooths_the_real_label_alone():
    real, generated = np.float32([2.0, -1.0]), np.float32([0.5, -3.0])
    expected = np.mean(
        -0.9 * np.log(sigmoid(real))
        - 0.1 * np.log(1 - sigmoid(real))
        - np.log(1 - sigmoid(generated))
    )
    logits = (tf.constant(real), tf.constant(generated))
    assert discriminator_loss("cross_entropy", *logits, 0.9).numpy() == pytest.approx(expected)
    expected = np.mean(-np.log(sigmoid(generated)))
    assert generator_loss("cross_entropy", *logits).numpy() == pytest.approx(expected)


def test_relativistic_loss_compares_pairs():
    real, generated = np.float32([2.0, -1.0]), np.float32([0.5, -3.0])
    logits = (tf.constant(real), tf.constant(generated))
    expected = np.mean(-np.log(sigmoid(real - generated)))
    assert discriminator_loss("relativistic", *logits, 1.0).numpy() == pytest.approx(expected)
    expected = np.mean(-np.log(sigmoid(generated - real)))
    assert generator_loss("relativistic", *logits).numpy() == pytest.approx(expected)


def test_adam_against_its_paper():
    variable = keras.Variable(np.array([1.0, -2.0], np.float32))
    adam = Adam([variable], beta_1=0.5)
    x, m, v = np.array([1.0, -2.0]), np.zeros(2), np.zeros(2)
    for step in range(1, 5):
        gradient = np.array([0.3 * step, -1.0])
        adam.apply([tf.constant(gradient, tf.float32)], tf.constant(0.1))
        m = 0.5 * m + 0.5 * gradient
        v = 0.999 * v + 0.001 * gradient**2
        x -= 0.1 * (m / (1 - 0.5**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-7)
    np.testing.assert_allclose(variable.numpy(), x, rtol=1e-4)


def trainer(recipe="refined", design="single_bitrans", **changes) -> Trainer:
    settings = replace(RECIPES[recipe], **changes)
    architecture = ARCHITECTURES["compact"]
    return Trainer(48, architecture, DESIGNS[design], settings)


def test_a_class_starts_the_same_whatever_was_trained_before():
    spectra = white_lines(30)
    start = fit_class_model(spectra)
    one, other = trainer(), trainer()
    one.begin(spectra, np.random.SeedSequence(3), start)
    first = one.state()
    for model in (one.generator, one.average, *one.discriminators):
        for variable in model.variables:
            variable.assign(variable + 1)
    one.begin(spectra[::-1], np.random.SeedSequence(4), start)
    second = one.state()
    one.begin(spectra, np.random.SeedSequence(3), start)
    other.begin(spectra, np.random.SeedSequence(3), start)
    for state in (one.state(), other.state()):
        assert state.keys() == first.keys()
        for name, expected in first.items():
            np.testing.assert_array_equal(state[name], expected)
    assert any((first[name] != second[name]).any() for name in first)
    np.testing.assert_array_equal(one.average.get_weights()[0], one.generator.get_weights()[0])


def test_a_class_makes_no_new_layers():
    """Keras never gives back all the memory of one."""

    def layers() -> int:
        # Those of other tests may wait to be collected.
        gc.collect()
        return sum(isinstance(thing, keras.Layer) for thing in gc.get_objects())

    spectra = white_lines(30)
    one = trainer()
    before = layers()
    one.begin(spectra, np.random.SeedSequence(0), fit_class_model(spectra))
    assert layers() == before


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
@pytest.mark.parametrize("name", ["simple_dense", "simple_convo"])
def test_initial_weights_are_glorots(name, recipe):
    initialisers = Initialisers()
    generator = make_generator(600, ARCHITECTURES[name].under(recipe), recipe, initialisers)
    initialisers.draw(generator, np.random.SeedSequence(1))
    body = generator.body
    for kernel in (body.stages[0].kernel, body.join[0].kernel):
        # Each branch is a layer of its own.
        one = kernel.numpy().reshape(-1, *kernel.shape[-2:])[0]
        limit = np.sqrt(6 / sum(one.shape))
        assert 0.99 * limit < np.abs(one).max() <= limit
        assert one.std() == pytest.approx(limit / np.sqrt(3), rel=0.03)
        assert one.mean() == pytest.approx(0, abs=4 * one.std() / np.sqrt(one.size))
    initialisers = Initialisers()
    table = ARCHITECTURES[name].discriminator
    discriminator = Discriminator(600, table, 0.3, initialisers)
    discriminator(tf.zeros([2, 600]), seed=tf.constant([0, 0]))
    initialisers.draw(discriminator, np.random.SeedSequence(1))
    branch = discriminator.branches[-1]
    for layer in (*branch.convolutions, branch.minibatch):
        expected = keras.initializers.GlorotUniform(seed=0)(layer.kernel.shape).numpy()
        assert layer.kernel.numpy().std() == pytest.approx(expected.std(), rel=0.1)
    biases = [v for v in discriminator.weights if v.name == "bias"]
    assert biases and not any(b.numpy().any() for b in biases)


def test_both_sides_are_transformed():
    """The transform must not tell real from generated spectra: Tran et al. 2021."""
    one = trainer()
    spectra = tf.constant(white_lines(40))
    views = ("untransformed", "shift", "noise")
    shown = tf.split(one._show(views, tf.constant([1, 2]), spectra, spectra), 6)
    np.testing.assert_array_equal(shown[0], spectra)
    np.testing.assert_array_equal(shown[3], spectra)
    for i in (1, 2, 4, 5):
        assert (shown[i].numpy() != spectra.numpy()).any(axis=1).mean() > 0.5


def test_warm_up_then_generator_and_average_move():
    one = trainer(warm_up=2, average_decay=0.5)
    spectra = white_lines(30)
    one.begin(spectra, np.random.SeedSequence(0), fit_class_model(spectra), max_epochs=100)
    before = one.generator.get_weights()
    one.train(0, 2)
    for old, new in zip(before, one.generator.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    one.train(2, 1)
    moved = one.generator.get_weights()
    assert any((old != new).any() for old, new in zip(before, moved, strict=True))
    # One batch an epoch: one step, half of which the average has taken.
    for old, new, average in zip(before, moved, one.average.get_weights(), strict=True):
        np.testing.assert_allclose(average, (old + new) / 2, rtol=1e-4, atol=1e-7)


def test_a_short_training_is_not_all_warm_up():
    one = trainer()
    spectra = white_lines(30)
    one.begin(spectra, np.random.SeedSequence(0), fit_class_model(spectra), max_epochs=4)
    before = one.generator.get_weights()
    one.train(0, 4)
    after = one.generator.get_weights()
    assert any((old != new).any() for old, new in zip(before, after, strict=True))


def test_training_mends_a_spoilt_start():
    """With a wrong noise level the discriminator has something to teach."""
    one = trainer(warm_up=5, generator_rate=5e-3)
    spectra = white_lines(100)
    start = fit_class_model(spectra)
    spoilt = replace(start, level=start.level + [0.7, 0.0])
    one.begin(spectra, np.random.SeedSequence(5), spoilt, max_epochs=150)

    one.train(0, 150)
    # How far it gets depends on rounding; without training it would not move at all.
    learned = one.average.level.numpy()[0]
    assert abs(learned - start.level[0]) < 0.95 * abs(spoilt.level[0] - start.level[0])


def test_baseline_and_excess_by_hand():
    baseline = RealReference(
        {"frechet_distance": 2.0, "pearson_correlation": 0.8, "cosine_distance": 0.1, "snr": 3.0},
        dict.fromkeys(("frechet_distance", "pearson_correlation", "cosine_distance", "snr"), 0.0),
    )
    metrics = {"frechet_distance": 3.0, "pearson_correlation": 0.6, "cosine_distance": 0.05}
    assert baseline.excess(metrics, "frechet_distance") == pytest.approx(0.5)
    assert baseline.excess(metrics, "pearson_correlation") == pytest.approx(0.25)
    assert baseline.excess(metrics, "cosine_distance") == pytest.approx(-0.5)


def test_judge_costs_no_more_for_larger_classes():
    """The metrics cost the square of the number of spectra and more."""
    judges = [Judge(white_lines(n), np.random.SeedSequence(0), "all", 0.05) for n in (1000, 4000)]
    assert judges[0].n_synthetic == judges[1].n_synthetic == 2000
    assert Judge(white_lines(81), np.random.SeedSequence(0), "all", 0.05).n_synthetic == 160


def test_judge_tells_real_spectra_from_noise():
    spectra = white_lines(80)
    judge = Judge(spectra, np.random.SeedSequence(0), "all", 0.05)
    fresh = white_lines(400, seed=7)
    real = judge.judge(1, fresh[: judge.n_synthetic])
    noise = judge.judge(2, np.random.default_rng(0).random((judge.n_synthetic, 48)))
    assert real.score < noise.score
    assert not noise.reached
    broken = judge.judge(3, np.full((judge.n_synthetic, 48), np.nan))
    assert broken.score == np.inf and not broken.reached


def test_mixed_precision_multiplies_in_bfloat16_and_keeps_the_rest():
    """The first epochs' costs are those of single precision but for bfloat16's rounding."""
    spectra = white_lines(64)
    costs = {}
    for mixed in (False, True):
        recipe = replace(RECIPES["refined"], mixed_precision=mixed)
        for name in ("simple_dense", "simple_convo"):
            architecture = ARCHITECTURES[name]
            with lend_trainer(48, architecture, DESIGNS["single_bitrans"], recipe) as one:
                one.begin(spectra, np.random.SeedSequence(3), fit_class_model(spectra))
                costs[name, mixed] = one.train(0, 3).discriminator
                assert all(np.asarray(w).dtype == np.float32 for w in one.weights())
                kinds = {type(layer) for layer in one.discriminators[0]._flatten_layers()}
                assert (MixedDense in kinds) is mixed
    for name in ("simple_dense", "simple_convo"):
        single, mixed = costs[name, False], costs[name, True]
        assert np.isfinite(mixed).all()
        assert (single != mixed).any()
        np.testing.assert_allclose(mixed, single, rtol=0.05)


def test_no_memory_is_a_memory_error(monkeypatch):
    monkeypatch.setattr(lending, "make_trainer", lambda *key: None)
    with pytest.raises(MemoryError, match="found no memory"), lend_trainer(1, None, None, None):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
