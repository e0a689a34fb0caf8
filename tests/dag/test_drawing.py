# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectra drawn in NumPy against the networks that are trained, and against SciPy's laws."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from spectra import two_classes, white_lines

from hyperspy_dag import EELSAugmenter
from hyperspy_dag.dag._tensorflow import tf
from hyperspy_dag.dag.architectures import ARCHITECTURES
from hyperspy_dag.dag.class_model.model import fit_class_model
from hyperspy_dag.dag.drawing import generate, weight_shapes
from hyperspy_dag.dag.generators import make_generator
from hyperspy_dag.dag.networks import Initialisers
from hyperspy_dag.dag.published import PublishedBody
from hyperspy_dag.dag.recipes import RECIPES
from hyperspy_dag.dag.sources import BLOCK, SpectrumSource

CHANNELS = 130
NETWORKS = [(a.under(r), r) for a in ARCHITECTURES.values() for r in RECIPES.values()]


def name(value) -> str:
    return value.name


def trained_generator(architecture, recipe):
    """A Keras generator far from its start, and the model it began with."""
    initialisers = Initialisers()
    generator = make_generator(CHANNELS, architecture, recipe, initialisers)
    initialisers.draw(generator, np.random.SeedSequence(1))
    start = None
    if recipe.physical:
        start = fit_class_model(white_lines(80, CHANNELS))
        generator.set_class_model(start)
    elif isinstance(generator.body, PublishedBody):
        generator.body.draw_translations(np.random.SeedSequence(2))
    random = np.random.default_rng(2)
    for variable in generator.trainable_variables:
        variable.assign(variable + 0.03 * random.standard_normal(variable.shape))
    return generator, start


def latents(n: int, size: int) -> np.ndarray:
    return np.random.default_rng(3).standard_normal((n, size)).astype(np.float32)


@pytest.mark.parametrize(("architecture", "recipe"), NETWORKS, ids=name)
def test_is_the_network_that_is_trained(architecture, recipe):
    generator, _ = trained_generator(architecture, recipe)
    weights = generator.get_weights()
    shapes = weight_shapes(CHANNELS, architecture, recipe)
    assert [weight.shape for weight in weights] == shapes
    latent = latents(70, architecture.latent_size)
    expected = generator(latent, seed=tf.constant([0, 0]), noise=False).numpy()
    drawn = generate(latent, weights, CHANNELS, architecture, recipe, None)
    assert drawn.dtype == np.float32
    np.testing.assert_allclose(drawn, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(("architecture", "recipe"), NETWORKS, ids=name)
def test_its_noise_is_that_of_the_network_that_is_trained(architecture, recipe):
    """One latent vector again and again: what differs is noise."""
    generator, _ = trained_generator(architecture, recipe)
    n = 1500
    latent = np.repeat(latents(1, architecture.latent_size), n, axis=0)
    # While the paper's networks are trained, the spectra of a batch move alike.
    parts = 1 if recipe.physical else 60
    random = np.random.default_rng(4)
    options = (CHANNELS, architecture, recipe, random)
    weights = generator.get_weights()
    drawn = [generate(p, weights, *options) for p in np.array_split(latent, parts)]
    expected = [
        generator(part, seed=tf.constant([5, i])).numpy()
        for i, part in enumerate(np.array_split(latent, parts))
    ]
    one, other = np.concatenate(drawn), np.concatenate(expected)
    error = 6 * (other.std(axis=0).mean() + 1e-6) / np.sqrt(n if recipe.physical else parts)
    np.testing.assert_allclose(one.mean(axis=0), other.mean(axis=0), atol=error)
    assert one.std(axis=0).mean() == pytest.approx(other.std(axis=0).mean(), rel=0.1, abs=1e-6)
    for lag in (1, 3):

        def correlation(spectra, lag=lag):
            rest = spectra - spectra.mean(axis=0)
            return (rest[:, lag:] * rest[:, :-lag]).mean() / ((rest**2).mean() + 1e-12)

        assert correlation(one) == pytest.approx(correlation(other), abs=0.05)


def source(noise=True, seed=1, **options) -> SpectrumSource:
    architecture, recipe = ARCHITECTURES["compact"], RECIPES["refined"]
    generator, start = trained_generator(architecture, recipe)
    networks = (CHANNELS, architecture, recipe, start, generator.get_weights())
    return SpectrumSource(*networks, np.random.SeedSequence(seed), noise, options)


def test_noise_of_the_instrument_goes_with_the_dose_and_is_normal():
    clean = source(noise=False, jitter=0.0)
    weights = [*clean.weights]
    weights[7] = np.float32(0)  # no division by the maximum
    spread = {}
    for dose in (1.0, 4.0):
        noisy = replace(clean, weights=weights, noise=True, options={"jitter": 0.0, "dose": dose})
        rest = noisy.draw(512) - replace(clean, weights=weights).draw(512)
        unit = rest / rest.std(axis=1, keepdims=True)
        spread[dose] = rest.std()
        assert stats.kurtosis(unit[:, ::20].ravel()) == pytest.approx(0, abs=0.6)
    assert spread[1.0] / spread[4.0] == pytest.approx(2, rel=0.02)


def test_jitter_is_the_standard_deviation_of_the_shift():
    still, moved = source(noise=False, jitter=0.0), source(noise=False, jitter=2.0)
    energy = np.arange(CHANNELS)

    def position(spectra):
        return (spectra**8 * energy).sum(axis=1) / (spectra**8).sum(axis=1)

    shift = position(moved.draw(1000)) - position(still.draw(1000))
    assert shift.std() == pytest.approx(2, rel=0.15)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=name)
def test_parts_are_those_of_the_whole(recipe):
    architecture = ARCHITECTURES["simple_dense"].under(recipe)
    generator, start = trained_generator(architecture, recipe)
    one = SpectrumSource(
        CHANNELS, architecture, recipe, start, generator.get_weights(), np.random.SeedSequence(7)
    )
    whole = one.draw(3 * BLOCK + 10)
    np.testing.assert_array_equal(one.draw(5), whole[:5])
    np.testing.assert_array_equal(one.draw(BLOCK + 3, 2), whole[2 * BLOCK : 3 * BLOCK + 3])
    assert (whole[:BLOCK] != whole[BLOCK : 2 * BLOCK]).any(axis=1).all()
    assert (replace(one, seed=np.random.SeedSequence(8)).draw(5) != whole[:5]).mean() > 0.9


SAMPLE = """
import sys
import numpy as np
from hyperspy_dag import EELSAugmenter
for recipe in sys.argv[1:]:
    augmenter = EELSAugmenter.load(recipe + ".dag")
    eager = augmenter.sample(300).data
    np.testing.assert_array_equal(eager, np.load(recipe + ".npy"))
    np.testing.assert_array_equal(augmenter.sample(300, lazy=True).data.compute(), eager)
    augmenter.component("FeO", 1)
assert not {"tensorflow", "keras"} & set(sys.modules)
"""


@pytest.mark.filterwarnings("ignore:.*fewer than")
def test_drawing_needs_no_tensorflow(tmp_path, run_python):
    for recipe in RECIPES:
        augmenter = EELSAugmenter(
            recipe=recipe, training="always", max_epochs=1, stopping=None, random_state=0
        )
        augmenter.fit(*two_classes(), show_progressbar=False).save(tmp_path / f"{recipe}.dag")
        np.save(tmp_path / f"{recipe}.npy", augmenter.sample(300).data)
    run_python(SAMPLE, *RECIPES)


FORK = """
import multiprocessing as mp
import sys
from hyperspy_dag import EELSAugmenter
sys.path.insert(0, sys.argv[1])
from spectra import two_classes
augmenter = EELSAugmenter(training="always", max_epochs=1, stopping=None, random_state=0)
augmenter.fit(*two_classes(), show_progressbar=False)
def draw(i):
    return float(augmenter.sample(3).data.sum())
with mp.get_context("fork").Pool(1) as pool:
    (drawn,) = pool.map_async(draw, [0]).get(timeout=60)
assert drawn == draw(0)
"""


@pytest.mark.slow
def test_a_forked_process_draws_after_a_training(run_python):
    run_python(FORK, Path(__file__).parents[1])
