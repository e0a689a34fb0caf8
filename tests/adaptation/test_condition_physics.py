# SPDX-License-Identifier: GPL-3.0-or-later
"""One battery for all conditions, in NumPy and in TensorFlow."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.stats import poisson

from hyperspy_dag.dag.condition_physics import (
    FWHM,
    Dispersion,
    Mixture,
    Residue,
    Resolution,
    Shift,
    Tail,
    Thickness,
    apply_conditions,
    check_value,
    plasmon_peak,
)

E = 440 + 0.3 * np.arange(200)


def peak(centre, width=2.0):
    return np.exp(-0.5 * ((E - centre) / width) ** 2)


SPECTRA = np.stack([peak(470), 0.6 * peak(465) + peak(480, 3)])
CONDITIONS = {
    "thickness": (Thickness(plasmon_peak(0.3, 200)), 0.4),
    "resolution": (Resolution(0.3), 1.0),
    "shift": (Shift(0.3), 0.7),
    "dispersion": (Dispersion(), 0.02),
    "tail": (Tail(E), 0.5),
    "residue": (Residue(E, 448.0), 0.05),
    "mixture": (Mixture(peak(475)), 0.3),
}
each = pytest.mark.parametrize("name", CONDITIONS)


@each
def test_none_changes_nothing(name):
    np.testing.assert_allclose(CONDITIONS[name][0](SPECTRA, 0.0), SPECTRA, atol=1e-10)


@each
def test_a_number_for_each_spectrum_is_that_number_for_it(name):
    condition, value = CONDITIONS[name]
    both = condition(SPECTRA, np.array([value, 0.0]))
    np.testing.assert_allclose(both[0], condition(SPECTRA, value)[0], atol=1e-12)
    np.testing.assert_allclose(both[1], SPECTRA[1], atol=1e-10)


@pytest.mark.parametrize("name", ["thickness", "shift", "tail", "resolution", "dispersion"])
def test_the_opposite_takes_it_back(name):
    condition, value = CONDITIONS[name]
    changed = condition(SPECTRA, value)
    assert np.abs(changed - SPECTRA).max() > 0.01
    # Linear interpolation of the dispersion smooths a little.
    back = 5e-3 if name == "dispersion" else 2e-3
    np.testing.assert_allclose(condition(changed, -value), SPECTRA, atol=back)


@each
def test_tensorflow_agrees_and_has_the_gradient(name):
    tf = pytest.importorskip("tensorflow")
    from hyperspy_dag.dag.conditions import TensorOperations

    condition, value = CONDITIONS[name]
    weight = np.random.default_rng(0).standard_normal(SPECTRA.shape)
    v = tf.constant([value, value], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(v)
        out = condition(tf.constant(SPECTRA, tf.float32), v, TensorOperations)
        cost = tf.reduce_sum(out * weight.astype("f4"), axis=1)
    np.testing.assert_allclose(out, condition(SPECTRA, value), atol=1e-4)
    h = 1e-4
    slope = (condition(SPECTRA, value + h) - condition(SPECTRA, value - h)) / (2 * h)
    np.testing.assert_allclose(tape.gradient(cost, v), (slope * weight).sum(axis=1), rtol=0.02)


def test_thickness_is_the_poisson_sum_of_convolutions():
    p = plasmon_peak(0.3, 200)
    expected, term = np.zeros(200), SPECTRA[0]
    for order in range(12):
        expected += poisson.pmf(order, 0.6) * term
        term = np.convolve(term, p)[:200]
    np.testing.assert_allclose(Thickness(p)(SPECTRA[:1], 0.6)[0], expected, atol=1e-6)


def test_thickness_keeps_the_electrons_that_stay_on_the_axis():
    p = np.zeros(200)
    p[10] = 1.0
    np.testing.assert_allclose(Thickness(p)(SPECTRA, 0.5).sum(), SPECTRA.sum(), rtol=1e-3)


def test_resolution_adds_in_quadrature():
    blurred = Resolution(0.3)(SPECTRA, 1.5)
    expected = gaussian_filter1d(SPECTRA, 1.5 / FWHM / 0.3, axis=1)
    np.testing.assert_allclose(blurred, expected, atol=1e-3)
    twice = Resolution(0.3)(Resolution(0.3)(SPECTRA, 0.9), 1.2)
    np.testing.assert_allclose(twice, blurred, atol=1e-6)


def test_shift_and_dispersion_move_along_the_energy_axis():
    def centre(spectrum):
        return (spectrum * E).sum() / spectrum.sum()

    assert centre(Shift(0.3)(SPECTRA[:1], 1.0)[0]) == pytest.approx(471.0, abs=0.01)
    middle = E.mean()
    wider = centre(Dispersion()(SPECTRA[:1], 0.05)[0])
    assert wider - middle == pytest.approx(1.05 * (470 - middle), abs=0.01)


def test_residue_is_zero_in_the_background_window():
    left = Residue(E, 448.0)(np.zeros((1, 200)) + SPECTRA[:1], 0.1)[0] - SPECTRA[0]
    assert np.abs(left[E <= 448]).max() == 0
    assert left.max() == pytest.approx(0.1, abs=1e-3)


def test_conditions_act_in_the_order_of_the_experiment():
    thickness, residue = CONDITIONS["thickness"][0], CONDITIONS["residue"][0]
    expected = residue(thickness(SPECTRA, 0.3), 0.05)
    got = apply_conditions(SPECTRA, [residue, thickness], {"thickness": 0.3, "residue": 0.05})
    np.testing.assert_allclose(got, expected)


def test_values_outside_physics_are_refused_in_words():
    with pytest.raises(ValueError, match=r"thickness must lie between -3 and 3.*7"):
        check_value(CONDITIONS["thickness"][0], 7)
    check_value(CONDITIONS["shift"][0], (-0.5, 0.5))
