# SPDX-License-Identifier: GPL-3.0-or-later
"""Adaptation to unlabelled spectra whose conditions are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from exspy.signals import EELSSpectrum

from hyperspy_dag.adaptation.engine import adapt, draw_adapted, none
from hyperspy_dag.adaptation.likelihood import ClassPhysics
from hyperspy_dag.adaptation.low_loss import inelastic_distribution
from hyperspy_dag.dag.class_model.model import fit_class_model
from hyperspy_dag.dag.class_model.shift import fourier_shift
from hyperspy_dag.dag.condition_draws import AdaptedPhysics
from hyperspy_dag.dag.condition_physics import plasmon_peak
from hyperspy_dag.data import PREPROCESSING, simulated_mixtures, simulated_oxides

E = 440 + 0.3 * np.arange(200)
P = plasmon_peak(0.3, 200)


def measured(ratio, n, seed, level=0.02):
    """White lines of a ratio on a step, drifting, max-normalised."""
    random = np.random.default_rng(seed)
    place = E - random.normal(0, 0.2, (n, 1))
    r = ratio * np.exp(0.05 * random.standard_normal((n, 1)))
    x = r * np.exp(-0.5 * ((place - 460) / 1.2) ** 2) + np.exp(-0.5 * ((place - 466) / 1.5) ** 2)
    x += 0.3 / (1 + np.exp(-(place - 462)))
    x += level * random.standard_normal(x.shape)
    return x / x.max(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def classes():
    return [
        ClassPhysics(fit_class_model(measured(r, 40, i), 0.3), AdaptedPhysics(E, P, 448.0))
        for i, r in enumerate((0.5, 0.8))
    ]


def target_of(classes, counts, thickness, shift, dose=1.0):
    drawn = []
    for i, (c, n) in enumerate(zip(classes, counts, strict=True)):
        theta = np.array([thickness[i], 0, 0, 0])
        p = replace(none(c), theta=theta, shift=shift, dose=dose)
        if n:
            drawn.append(draw_adapted(c, p, n, np.random.SeedSequence((7, i))))
    return np.concatenate(drawn), np.repeat([0, 1], counts)


@pytest.mark.parametrize("counts", [(120, 120), (20, 220), (240, 0)])
def test_known_conditions_and_fractions_are_found(classes, counts):
    target, truth = target_of(classes, counts, (0.3, -0.3), 0.5, 2.0)
    found = adapt(classes, target, replicates=0)
    assert (found.probabilities[:, :2].argmax(axis=1) == truth).mean() > 0.97
    np.testing.assert_allclose(found.fractions, np.divide(counts, 240), atol=0.05)
    for i, (n, thickness) in enumerate(zip(counts, (0.3, -0.3), strict=True)):
        if n:
            mean, _, low, high = found.conditions[i]["thickness"]
            assert low < high
            assert mean == pytest.approx(thickness, abs=0.12)
            assert found.conditions[i]["shift"][0] == pytest.approx(0.5, abs=0.15)
        if n > 100:
            assert found.laws[i].dose == pytest.approx(2.0, rel=0.15)
    if 0 in counts:
        assert any("hardly any" in w for w in found.warnings)


def test_map_of_one_noisy_class_is_not_taken_for_the_other():
    """A class of few noisy spectra, shifted, against one that is known better: what the classes
    share of the misfit must not turn one into the other."""
    s, labels = simulated_oxides("K", n_spectra=30, raw=True, random_state=1)
    one = simulated_mixtures("K", np.eye(2)[[0] * 120], dose=3, raw=True, random_state=101)
    one.axes_manager.signal_axes[0].offset += 0.6
    known, target = (each.dag_preprocess(**PREPROCESSING["K"]) for each in (s, one))
    energies, p = known.axes_manager.signal_axes[0].axis, plasmon_peak(0.3, 600, 23.0, 10.0)
    classes = [
        ClassPhysics(
            fit_class_model(known.data[labels == name].astype(float), 0.3),
            AdaptedPhysics(energies, p[: len(energies)], None),
        )
        for name in ("FeO", "Fe3O4")
    ]
    found = adapt(classes, target.data.astype(float)[:, : len(energies)], replicates=0)
    assert found.fractions[0] > 0.95


def test_another_mixture_that_fits_as_well_is_pointed_out():
    """Two classes that differ by a shift alone, and a map of one of them."""
    move = fourier_shift(measured(0.6, 40, 2), np.full(40, 2.0))
    classes = [
        ClassPhysics(fit_class_model(x, 0.3), AdaptedPhysics(E, P, 448.0))
        for x in (measured(0.6, 40, 2), move)
    ]
    found = adapt(classes, fourier_shift(measured(0.6, 160, 4), np.full(160, 1.0)), replicates=0)
    assert any("another mixture" in w for w in found.warnings)


def test_no_condition_is_found_where_there_is_none(classes):
    target = np.concatenate([measured(r, 100, 10 + i) for i, r in enumerate((0.5, 0.8))])
    found = adapt(classes, target, replicates=0)
    for conditions in found.conditions:
        for name in ("thickness", "tail", "residue", "shift"):
            _, _, low, high = conditions[name]
            assert low < 0 < high, name
        assert conditions["dose"][2] < 1 < conditions["dose"][3]
    assert found.unlike < 0.02


def test_a_class_that_nobody_labelled_is_like_none(classes):
    strange = np.exp(-0.5 * ((E - 480) / 2) ** 2) + 0.02 * np.random.default_rng(0).standard_normal(
        (60, 200)
    )
    target = np.concatenate([measured(0.5, 140, 20), strange / strange.max(axis=1, keepdims=True)])
    found = adapt(classes, target, replicates=0)
    assert found.unlike == pytest.approx(0.3, abs=0.03)
    assert any("like none" in w for w in found.warnings)


def test_the_same_seed_gives_the_same(classes):
    target, _ = target_of(classes, (60, 60), (0.2, 0.0), 0.0)
    a, b = (adapt(classes, target, replicates=0, seed=1) for _ in range(2))
    np.testing.assert_array_equal(a.probabilities, b.probabilities)


def test_a_condition_that_pays_is_kept_and_no_other(classes):
    target, _ = target_of(classes, (120, 120), (0.4, 0.4), 0.0)
    found = adapt(classes, target, replicates=0)
    assert "thickness" in found.kept
    assert "tail" not in found.kept
    assert all(c["tail"][0] == 0 for c in found.conditions)


def test_a_class_that_is_not_there_follows_the_other(classes):
    target, truth = target_of(classes, (200, 0), (0.0, 0.0), 0.6)
    found = adapt(classes, target, replicates=0)
    assert found.fractions[1] < 0.05
    assert found.conditions[1]["shift"][0] == pytest.approx(0.6, abs=0.2)


def test_more_spectra_than_are_needed_are_all_classified(classes, monkeypatch):
    from hyperspy_dag.adaptation import engine

    monkeypatch.setattr(engine, "MOST", 100)
    target, truth = target_of(classes, (120, 120), (0.0, 0.0), 0.0)
    found = adapt(classes, target, replicates=0)
    assert found.probabilities.shape == (240, 3)
    assert (found.probabilities[:, :2].argmax(axis=1) == truth).mean() > 0.97


def test_numpy_alone_adapts(classes):
    import subprocess
    import sys

    code = "import sys, hyperspy_dag.adaptation; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_the_p_value_tells_a_known_target_from_an_unknown_one(classes):
    known = np.concatenate([measured(r, 80, 30 + i) for i, r in enumerate((0.5, 0.8))])
    strange = np.exp(-0.5 * ((E - 480) / 2) ** 2) + 0.02 * np.random.default_rng(0).standard_normal(
        (60, 200)
    )
    strange /= strange.max(axis=1, keepdims=True)
    assert adapt(classes, known).p_value > 0.01
    found = adapt(classes, np.concatenate([known[:80], strange]))
    assert found.p_value < 0.01
    assert any("look like nothing" in w for w in found.warnings)


@pytest.mark.slow
def test_training_keeps_the_better_state_and_designs_differ(classes):
    pytest.importorskip("tensorflow")
    target, _ = target_of(classes, (100, 100), (0.3, -0.2), 0.3)
    found = {
        d: adapt(classes, target, design=d, training="always", replicates=0)
        for d in ("single_monotrans", "multi_bitrans")
    }
    trained = [f.history["trained"] for f in found.values()]
    assert trained[0] != trained[1]
    for f in found.values():
        assert f.trained == (f.history["trained"] < f.history["after"])


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (np.zeros((30, 199)), "shape"),
        (np.zeros((19, 200)), "at least 20"),
        (np.full((30, 200), np.nan), "not finite"),
    ],
)
def test_bad_targets_are_refused_in_words(classes, target, words):
    with pytest.raises(ValueError, match=words):
        adapt(classes, target, replicates=0)


def low_loss(t=0.6, scale=0.3, dark=0.0, offset=-20.0):
    """Zero loss and plural scattering by a plasmon, as counts."""
    e = offset + scale * np.arange(700)
    n = 4096
    p = np.fft.rfft(plasmon_peak(scale, n), n)
    spread = np.exp(-0.5 * ((np.arange(n) - 100) * scale / 0.4) ** 2)
    counts = np.fft.irfft(np.fft.rfft(spread) * np.exp(t * (p - 1)), n)
    zero = round(-offset / scale)
    if zero >= 0:
        counts = np.roll(counts, zero - 100)[:700]
    else:
        counts = counts[100 - zero : 800 - zero]
    s = EELSSpectrum(1e6 * counts + 1e6 * dark)
    axis = s.axes_manager.signal_axes[0]
    axis.offset, axis.scale, axis.units = e[0], scale, "eV"
    return s


def test_single_scattering_comes_out_of_a_low_loss():
    found = inelastic_distribution(low_loss(), 0.3, 300)
    expected = plasmon_peak(0.3, 300)
    np.testing.assert_allclose(np.cumsum(found), np.cumsum(expected), atol=0.03)


@pytest.mark.parametrize(
    ("options", "dispersion", "words"),
    [
        ({}, 0.25, "dispersion of 0.3 eV"),
        ({"offset": 12.0}, 0.3, "no zero loss"),
        ({"dark": 0.01}, 0.3, "dark level"),
    ],
)
def test_low_losses_that_cannot_serve_are_refused_in_words(options, dispersion, words):
    with pytest.raises(ValueError, match=words):
        inelastic_distribution(low_loss(**options), dispersion, 200)


def test_a_low_loss_must_be_an_eels_spectrum():
    with pytest.raises(TypeError, match="EELSSpectrum"):
        inelastic_distribution(np.ones(10), 0.3, 200)


@pytest.mark.slow
@pytest.mark.parametrize("region", [1, 2])
@pytest.mark.parametrize("counts", [(100, 100), (10, 100), (0, 100)])
def test_the_other_region_of_tio2_and_srtio3(real_data, region, counts):
    import hyperspy.api as hs

    s = hs.load(real_data("tio2_srtio3_raw.hspy"))
    low = hs.load(real_data("tio2_srtio3_lowloss.hspy"))
    y, regions = (np.array(s.original_metadata.labels[k]) for k in ("y", "region"))
    p = s.dag_preprocess(background_range=(400.0, 448.0), signal_range=(440.0, 500.0))
    e, x = p.axes_manager.signal_axes[0].axis, p.data.astype(float)
    made = []
    for c in (0, 1):
        single = inelastic_distribution(low.inav[2 * c + region - 1], e[1] - e[0], len(e))
        own = x[(y == c) & (regions == region)][:30]
        physics = AdaptedPhysics(e, single, 448.0)
        made.append(ClassPhysics(fit_class_model(own, e[1] - e[0]), physics))
    rows = np.concatenate(
        [np.flatnonzero((regions != region) & (y == c))[:n] for c, n in enumerate(counts)]
    )
    found = adapt(made, x[rows], replicates=0)
    assert (found.probabilities[:, :2].argmax(axis=1) == y[rows]).mean() >= 0.95
