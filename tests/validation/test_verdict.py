# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts: what is wrong is named, what is right is good."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import convolve1d

from hyperspy_dag.validation import Finding, Verdict
from hyperspy_dag.validation._figures import compare
from hyperspy_dag.validation.verdict import judge_class, swapped_classes

ENERGY = np.arange(630.0, 660.0, 0.25)


def spectra(
    n: int,
    seed: int,
    kernel=(0.25, 0.5, 0.25),
    shift: float = 0.0,
    noise: float = 0.05,
    spread: float = 1.0,
    tail: float = 0.0,
) -> np.ndarray:
    """White lines of varied height and energy, with the noise of a detector."""
    random = np.random.default_rng(seed)
    at = 642 + shift + 0.3 * spread * random.standard_normal((n, 1))
    ratio = 0.5 + 0.1 * spread * random.standard_normal((n, 1))
    clean = np.exp(-(((ENERGY - at) / 2) ** 2)) + ratio * np.exp(-(((ENERGY - at - 11) / 2) ** 2))
    clean = clean + tail * (at < ENERGY)
    white = convolve1d(random.standard_normal(clean.shape), np.asarray(kernel), axis=1)
    return clean + noise * white / np.linalg.norm(kernel)


def verdict(real, synthetic, training=None, n_training: int = 60) -> Verdict:
    sides = {"real": real, "synthetic": synthetic}
    if training is not None:
        sides["training"] = training
    figures = compare(sides, ENERGY, n_training, None, np.random.default_rng(0))
    return judge_class(figures, n_training, len(real), None)


REAL, TRAINING = spectra(60, 0), spectra(60, 1)


@pytest.mark.parametrize("seed", range(2, 6))
def test_another_draw_is_good(seed):
    found = verdict(REAL, spectra(200, seed), TRAINING)
    assert (found.level, found.topic, found.findings) == ("good", "good", [])


@pytest.mark.parametrize(
    ("given", "topic", "remedy"),
    [
        ({"shift": 1.0}, "energy", "sample(shift=-"),
        ({"noise": 0.1}, "noise", "dose="),
        ({"kernel": (1.0,)}, "noise", "dag_preprocess"),
        ({"spread": 0.05}, "variety", "whole class"),
    ],
)
def test_what_is_wrong_with_synthetic_spectra_is_named_with_its_remedy(given, topic, remedy):
    found = verdict(REAL, spectra(200, 2, **given), TRAINING)
    assert (found.topic, found.level) == (topic, "do not use")
    assert remedy in found.remedy
    assert "measured differently" not in found.reason


def test_copies_are_named():
    copies = TRAINING[np.random.default_rng(3).integers(0, 60, 200)]
    found = verdict(REAL, copies, TRAINING)
    assert found.topic == "copies" and "100%" in found.reason


def test_what_the_training_spectra_show_too_is_the_tests():
    """A test of a thicker place: the synthetic spectra are as the training spectra."""
    found = verdict(spectra(60, 0, tail=0.2), spectra(200, 2), TRAINING)
    assert found.topic == "region" and "augmenter.adapt" in found.remedy
    # A generator that was adapted to it is not blamed for what it was trained on.
    assert verdict(spectra(60, 0, tail=0.2), spectra(200, 2, tail=0.2), TRAINING).level == "good"
    drifted = verdict(spectra(60, 0, shift=1.0), spectra(200, 2), TRAINING)
    assert drifted.topic == "energy" and "measured differently" in drifted.reason


def test_few_spectra_and_nothing_but_noise_do_not_pass_in_silence():
    found = verdict(REAL, spectra(200, 2), TRAINING[:12], n_training=12)
    assert (found.level, found.topic) == ("look at", "few") and "12 training" in found.reason
    assert "too few for a verdict" in verdict(REAL[:8], spectra(200, 2)).reason
    random = np.random.default_rng(0)
    empty = [random.standard_normal((n, len(ENERGY))) for n in (15, 200)]
    found = verdict(*empty)
    assert (found.level, found.topic) == ("do not use", "vacuum") and "-1" in found.remedy


def test_swapped_labels_are_found_in_circles():
    made = {name: spectra(100, i, shift=2.0 * i) for i, name in enumerate("abc")}
    real = {name: spectra(20, 10 + i, shift=2.0 * i) for i, name in enumerate("abc")}
    assert swapped_classes(made, real) == {}
    pair = {"a": real["b"], "b": real["a"], "c": real["c"]}
    assert swapped_classes(made, pair) == {"a": "b", "b": "a"}
    circle = {"a": real["b"], "b": real["c"], "c": real["a"]}
    assert swapped_classes(made, circle) == {"a": "b", "b": "c", "c": "a"}
    # Drifted by a class, none is taken for the first: nothing was swapped.
    assert swapped_classes(made, {"a": real["b"], "b": real["c"], "c": real["c"]}) == {}
    # Classes that cannot be told apart.
    alike = {name: spectra(100, i) for i, name in enumerate("ab")}
    assert swapped_classes(alike, {name: spectra(12, 20 + ord(name)) for name in "ab"}) == {}


def test_the_worst_finding_is_the_verdict():
    look = Finding("look at", "few", "12 training spectra.", "Label 30 or more.")
    refuse = Finding("do not use", "noise", "White noise.", "Prepare both alike.")
    assert Verdict([]).level == "good"
    assert Verdict([look, refuse]).level == "do not use"
    assert Verdict([refuse, look]).reason == "White noise. 12 training spectra."
