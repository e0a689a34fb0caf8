# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers and transforms against NumPy, values and gradients."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hyperspy_dag.dag._tensorflow import keras, tf
from hyperspy_dag.dag.class_model.shift import fourier_shift
from hyperspy_dag.dag.draws import dropout_factors, normal, poisson
from hyperspy_dag.dag.generators import shift_energy
from hyperspy_dag.dag.layers import (
    GaussianNoise,
    MinibatchDiscrimination,
    PoissonNoise,
    Translation,
    minibatch_similarity,
)
from hyperspy_dag.dag.transforms import random_energy_shift, random_poisson_noise, shift_channels

SEED = tf.constant([3, 4])
LAYERS = [
    PoissonNoise(0.5),
    GaussianNoise(0.2),
    Translation(3),
    MinibatchDiscrimination(7, 3, seed=5),
]


def numpy_similarity(features: np.ndarray) -> np.ndarray:
    """Salimans et al. 2016, written out pair by pair; features (n, dims, kernels)."""
    n, _, kernels = features.shape
    out = np.zeros((n, kernels))
    for i in range(n):
        for j in range(n):
            for b in range(kernels):
                out[i, b] += np.exp(-np.abs(features[i, :, b] - features[j, :, b]).sum())
    return out


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_survives_serialisation(layer):
    x = np.random.default_rng(0).normal(size=(6, 20)).astype(np.float32)
    expected = layer(x, seed=SEED) if not isinstance(layer, MinibatchDiscrimination) else layer(x)
    config = keras.saving.serialize_keras_object(layer)
    copy = type(layer).from_config(config["config"])
    copy.build(x.shape)
    copy.set_weights(layer.get_weights())
    result = copy(x, seed=SEED) if not isinstance(layer, MinibatchDiscrimination) else copy(x)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("layer", LAYERS[:-1], ids=lambda layer: layer.name)
def test_draws_depend_on_the_seed_alone(layer):
    x = np.random.default_rng(0).normal(size=(6, 20)).astype(np.float32)
    before = np.random.get_state()[1].copy()
    first, again = layer(x, seed=SEED).numpy(), layer(x, seed=SEED).numpy()
    other = layer(x, seed=tf.constant([3, 5])).numpy()
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    # Without a seed the layer goes on by itself.
    assert (layer(x).numpy() != layer(x).numpy()).any()
    np.testing.assert_array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize("rate", [0.15, 0.5, 4.0])
def test_poisson_draws_are_poisson_distributed(rate):
    counts = poisson(tf.constant([200, 1000]), rate, SEED).numpy().ravel()
    assert (counts == counts.round()).all()
    top = int(stats.poisson.ppf(0.9999, rate))
    observed = np.bincount(np.minimum(counts, top).astype(int), minlength=top + 1)
    expected = np.append(stats.poisson.pmf(np.arange(top), rate), stats.poisson.sf(top - 1, rate))
    assert stats.chisquare(observed, expected * len(counts)).pvalue > 1e-3


def test_poisson_noise_has_no_mean_and_a_trainable_amplitude():
    layer = PoissonNoise(0.5)
    x = tf.zeros((100, 1000))
    noise = layer(x, seed=SEED).numpy()
    assert abs(noise.mean()) < 4 * np.sqrt(0.5 / noise.size)
    assert noise.var() == pytest.approx(0.5, rel=0.02)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(x, seed=SEED))
    (gradient,) = tape.gradient(total, layer.trainable_variables)
    assert gradient.numpy() == pytest.approx(noise.sum(), rel=1e-3, abs=1.0)


def test_gaussian_noise_has_its_standard_deviation_at_generation():
    noise = GaussianNoise(0.15)(np.zeros((100, 1000), np.float32), seed=SEED).numpy().ravel()
    assert stats.kstest(noise / 0.15, "norm").pvalue > 1e-3


@pytest.mark.parametrize("layer", LAYERS[:2], ids=lambda layer: layer.name)
def test_gradient_passes_noise_unchanged(layer):
    x = tf.constant(np.random.default_rng(0).normal(size=(3, 5)), tf.float32)
    weight = np.random.default_rng(1).normal(size=(3, 5)).astype(np.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(weight * layer(x, seed=SEED))
    np.testing.assert_allclose(tape.gradient(value, x), weight, rtol=1e-6)


def test_noise_free_output_is_the_mean():
    x = np.zeros((4, 6), np.float32)
    np.testing.assert_array_equal(PoissonNoise(0.5)(x, noise=False), x)
    np.testing.assert_array_equal(GaussianNoise(0.5)(x, noise=False), x)
    np.testing.assert_array_equal(Translation(2)(x, noise=False), x)


def test_normal_draws_are_normal_and_independent():
    for shape in ([7], [300, 701]):
        assert normal(tf.constant(shape), SEED).shape == shape
    draws = normal(tf.constant([300, 701]), SEED).numpy()
    assert stats.kstest(draws.ravel(), "norm").pvalue > 0.01
    assert draws.var() == pytest.approx(1, abs=0.01)
    assert stats.kurtosis(draws.ravel()) == pytest.approx(0, abs=0.04)
    # Both halves come from the same radii: neither values nor sizes may go together.
    first, second = np.array_split(draws.ravel(), 2)
    for function in (np.asarray, np.abs):
        assert abs(np.corrcoef(function(first), function(second))[0, 1]) < 0.01
        assert abs(np.corrcoef(function(first[1:]), function(first[:-1]))[0, 1]) < 0.01


def test_dropout_drops_its_share_and_keeps_the_mean():
    first, second = (f.numpy() for f in dropout_factors(500, [101, 50], 0.3, SEED))
    assert (first.shape, second.shape) == ((500, 101), (500, 50))
    for factors in (first, second):
        assert np.mean(factors == 0) == pytest.approx(0.3, abs=0.01)
        assert factors.mean() == pytest.approx(1, abs=0.015)
        # Neighbouring units and spectra fall out independently.
        for axis in (0, 1):
            pairs = np.moveaxis(factors, axis, 0)
            correlation = np.corrcoef(pairs[:-1].ravel(), pairs[1:].ravel())[0, 1]
            assert abs(correlation) < 0.03
    for factors in dropout_factors(5, [3, 4], 0.0, SEED):
        np.testing.assert_array_equal(factors, 1)


def test_shift_pads_the_edges():
    x = np.arange(1.0, 6.0, dtype=np.float32)[None].repeat(3, axis=0)
    shifted = shift_channels(tf.constant(x), tf.constant([0, 2, -1])).numpy()
    np.testing.assert_array_equal(shifted, [[1, 2, 3, 4, 5], [1, 1, 1, 2, 3], [2, 3, 4, 5, 5]])


def test_shift_gradient_counts_the_padding():
    x = tf.constant(np.arange(5.0, dtype=np.float32)[None])
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(shift_channels(x, tf.constant([2])))
    np.testing.assert_array_equal(tape.gradient(value, x), [[3, 1, 1, 0, 0]])


def test_translation_goes_left_and_right_for_each_spectrum():
    x = np.zeros((2000, 21), np.float32)
    x[:, 10] = 1
    moved = Translation(3)(x, seed=SEED).numpy().argmax(axis=1) - 10
    observed = np.bincount(moved + 3, minlength=7)
    assert stats.chisquare(observed).pvalue > 1e-3


def test_random_energy_shift_is_uniform_and_its_own_for_each_spectrum():
    x = np.zeros((2000, 31), np.float32)
    x[:, 15] = 1
    moved = random_energy_shift(tf.constant(x), SEED, 4).numpy().argmax(axis=1) - 15
    assert stats.chisquare(np.bincount(moved + 4, minlength=9)).pvalue > 1e-3


def test_random_poisson_noise_goes_with_intensity():
    x = np.tile(np.array([-0.1, 0.0, 0.25, 1.0], np.float32), (20000, 1))
    noise = random_poisson_noise(tf.constant(x), SEED, 0.3).numpy() - x
    # The level is uniform in 0 … 0.3, so that its mean square is 0.3² / 3.
    np.testing.assert_allclose(noise.var(axis=0), 0.03 * np.maximum(x[0], 0), rtol=0.05, atol=1e-9)
    level = np.abs(noise[:, 2:]).mean(axis=1)
    assert np.corrcoef(level, noise[:, 3] ** 2)[0, 1] > 0.2


def test_minibatch_similarity_against_pairs():
    features = np.random.default_rng(0).normal(size=(2, 6, 3, 4))
    result = minibatch_similarity(tf.constant(features)).numpy()
    for group in range(2):
        np.testing.assert_allclose(result[group], numpy_similarity(features[group]), rtol=1e-10)


@pytest.mark.parametrize("n", [1, 2, 4, 5])
def test_minibatch_similarity_gradient_against_differences(n):
    random = np.random.default_rng(1)
    features, weight = random.normal(size=(1, n, 2, 3)), random.normal(size=(n, 3))
    x = tf.constant(features)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(weight * minibatch_similarity(x))
    gradient = tape.gradient(value, x).numpy()
    for index in np.ndindex(features.shape):
        step = np.zeros_like(features)
        step[index] = 1e-6
        up, down = (
            (weight * numpy_similarity((features + sign * step)[0])).sum() for sign in (1, -1)
        )
        assert gradient[index] == pytest.approx((up - down) / 2e-6, rel=1e-4, abs=1e-7)


def test_minibatch_similarity_gradient_is_zero_for_ties():
    x = tf.ones((1, 4, 2, 3))
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(minibatch_similarity(x) ** 2)
    np.testing.assert_array_equal(tape.gradient(value, x), np.zeros((1, 4, 2, 3)))


def test_minibatch_similarity_has_second_derivatives():
    """The gradient penalty differentiates the gradient."""
    random = np.random.default_rng(2)
    x = tf.constant(random.normal(size=(1, 4, 2, 3)))
    weight = random.normal(size=(1, 4, 3))

    def plain(features):
        distance = tf.reduce_sum(tf.abs(features[:, :, None] - features[:, None]), axis=3)
        return tf.reduce_sum(tf.exp(-distance), axis=2)

    second = []
    for function in (minibatch_similarity, plain):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                value = tf.reduce_sum(weight * function(x))
            norm = tf.reduce_sum(inner.gradient(value, x) ** 2)
        second.append(outer.gradient(norm, x).numpy())
    np.testing.assert_allclose(second[0], second[1], rtol=1e-8, atol=1e-10)


def test_minibatch_discrimination_appends_closeness_within_groups():
    layer = MinibatchDiscrimination(kernels=4, dims=3, seed=1)
    x = np.random.default_rng(0).normal(size=(8, 5)).astype(np.float32)
    out = layer(x, groups=2).numpy()
    np.testing.assert_array_equal(out[:, :5], x)
    projected = (x @ layer.kernel.numpy()).reshape(8, 3, 4)
    expected = np.concatenate([numpy_similarity(projected[:4]), numpy_similarity(projected[4:])])
    np.testing.assert_allclose(out[:, 5:], expected, rtol=1e-4)
    assert layer.compute_output_shape((8, 5)) == (8, 9)


def test_energy_shift_moves_a_smooth_line_exactly():
    axis = np.arange(60.0)
    shifts = np.array([0.0, 0.5, -1.25])
    lines = np.exp(-(((axis - 30) / 4) ** 2) / 2)
    moved = shift_energy(
        tf.constant(np.tile(lines, (3, 1)), tf.float32), tf.constant(shifts, tf.float32)
    ).numpy()
    expected = np.exp(-(((axis - 30 - shifts[:, None]) / 4) ** 2) / 2)
    np.testing.assert_allclose(moved, expected, atol=2e-6)


def test_energy_shift_is_that_of_the_start():
    spectra = np.random.default_rng(0).normal(size=(3, 50)).cumsum(axis=1)
    shifts = np.array([0.3, -2.0, 5.5])
    moved = shift_energy(tf.constant(spectra, tf.float32), tf.constant(shifts, tf.float32))
    np.testing.assert_allclose(moved, fourier_shift(spectra, shifts), atol=1e-4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PoissonNoise(0.0), "rate must be above 0"),
        (lambda: GaussianNoise(-0.1), "stddev must be at least 0"),
        (lambda: Translation(1.5), "max_shift must be a whole number"),
        (lambda: MinibatchDiscrimination(0, 5), "kernels must be a whole number"),
    ],
)
def test_says_what_a_layer_cannot_be_made_with(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_minibatch_similarity_holds_no_tensor_of_all_pairs_and_dimensions():
    """Forward and backward, no intermediate has groups · n · n · dims · kernels numbers."""
    groups, n, dims, kernels = 2, 32, 8, 20

    def both():
        features = tf.random.stateless_normal([groups, n, dims, kernels], [0, 1])
        return tf.gradients(tf.reduce_sum(minibatch_similarity(features) ** 2), features)

    wrapped = tf.compat.v1.wrap_function(both, [])
    operations = [op for op in wrapped.graph.get_operations() if wrapped.graph.is_fetchable(op)]
    every = wrapped.prune([], [output for op in operations for output in op.outputs])
    largest = max(np.size(value) for value in every())
    # They are seen at all, and each pair of one dimension at a time makes the largest.
    assert largest == groups * n * (n // 2) * kernels
