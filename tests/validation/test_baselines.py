# SPDX-License-Identifier: GPL-3.0-or-later
"""The conventional augmentation methods: what they promise about the spectra they draw."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from hyperspy_dag import metrics
from hyperspy_dag.validation import (
    BASELINES,
    NoiseAugmentation,
    PCAGaussian,
    PCAGaussianMixture,
    PCAKernelDensity,
    RealOnly,
    ShiftNoiseAugmentation,
    Smote,
    make_baseline,
)

KERNEL = np.array([0.25, 0.5, 0.25]) / np.linalg.norm([0.25, 0.5, 0.25])


def spectra(n=120, channels=80, noise=0.02, seed=0):
    """Two components, coloured noise of a known filter, a dose per spectrum."""
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 1, channels)
    shapes = np.stack([np.exp(-(((x - c) / 0.08) ** 2)) for c in (0.35, 0.6)])
    clean = shapes[0] + rng.normal(size=(n, 2)) * [0.05, 0.1] @ shapes
    white = rng.normal(size=(n, channels + 2))
    coloured = sum(k * white[:, i : i + channels] for i, k in enumerate(KERNEL))
    return clean + noise * np.exp(rng.normal(0, 0.3, n))[:, None] * coloured


@pytest.fixture(params=sorted(BASELINES))
def name(request):
    if request.param == "smote":
        pytest.importorskip("imblearn")
    return request.param


def test_every_baseline_keeps_the_contract(name):
    train = spectra()
    baseline = make_baseline(name)
    with pytest.raises(RuntimeError, match="not fitted"):
        baseline.sample(3)
    before = train.copy()
    assert baseline.fit(train) is baseline
    first = baseline.sample(150, random_state=3)
    assert first.shape == (150, 80) and first.dtype == np.float64 and np.isfinite(first).all()
    assert np.array_equal(first, baseline.sample(150, random_state=3))
    assert not np.array_equal(first, baseline.sample(150, random_state=4))
    assert np.array_equal(train, before)
    assert np.abs(first.mean(0) - train.mean(0)).max() < 0.1
    with pytest.raises(ValueError, match="n must be at least 1"):
        baseline.sample(0)
    with pytest.raises(TypeError, match="n must be a whole number"):
        baseline.sample(2.5)


def test_every_baseline_refuses_bad_spectra(name):
    broken = spectra()
    broken[5, 5] = np.inf
    with pytest.raises(ValueError, match="training set holds NaN or infinite"):
        make_baseline(name).fit(broken)
    with pytest.raises(ValueError, match=r"shape \(spectra, channels\)"):
        make_baseline(name).fit(broken[0])


def test_every_baseline_works_on_few_spectra_and_on_spectra_without_noise(name):
    assert make_baseline(name).fit(spectra(n=6)).sample(20, 0).shape == (20, 80)
    flat = np.tile(np.linspace(0.1, 1, 30), (8, 1))
    drawn = make_baseline(name).fit(flat).sample(50, 0)
    assert np.isfinite(drawn).all()
    assert np.abs(drawn.mean(0) - flat[0]).max() < 0.1


def test_intensity_scale_does_not_matter(name):
    """Raw counts give the same spectra as normalised ones, on their own scale."""
    train = spectra()
    one = make_baseline(name).fit(train).sample(30, 1)
    many = make_baseline(name).fit(5000 * train).sample(30, 1)
    assert many / 5000 == pytest.approx(one, abs=1e-6)


def test_global_random_state_is_left_alone(name):
    np.random.seed(1)
    before = np.random.get_state()[1].copy()
    make_baseline(name).fit(spectra(n=20)).sample(5, 0)
    assert np.array_equal(before, np.random.get_state()[1])


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown baseline 'gan'; choose one of .*smote"):
        make_baseline("gan")


def test_real_only_repeats_evenly():
    train = spectra(n=10)
    drawn = RealOnly().fit(train).sample(30, 0)
    counts = [int((drawn == row).all(1).sum()) for row in train]
    assert counts == [3] * 10


def test_noise_augmentation_adds_white_noise_of_the_given_level():
    train = 40 * spectra(n=50)
    baseline = NoiseAugmentation(noise=0.1).fit(train)
    drawn = baseline.sample(2000, 0)
    nearest = np.array([np.linalg.norm(train - row, axis=1).argmin() for row in drawn])
    noise = drawn - train[nearest]
    assert noise.std() == pytest.approx(0.1 * train.max(), rel=0.02)
    assert abs(np.mean(noise[:, 1:] * noise[:, :-1])) / noise.var() < 0.02
    with pytest.raises(ValueError, match="noise must be 0 or a positive"):
        NoiseAugmentation(noise=-1)


def test_shift_augmentation_moves_spectra_along_the_axis():
    energy = np.arange(200.0)
    line = np.exp(-(((energy - 100) / 8) ** 2))[None]
    drawn = ShiftNoiseAugmentation(shift=3.0, noise=0).fit(line).sample(800, 0)
    found = metrics.energy_shift(drawn, energy, line[0], max_shift=15)
    assert found.std() == pytest.approx(3.0, rel=0.08)
    assert abs(found.mean()) < 0.4


def test_smote_draws_on_lines_between_training_spectra():
    pytest.importorskip("imblearn")
    train = spectra(n=12)
    for row in Smote().fit(train).sample(15, 0):
        gaps = np.linalg.norm(train - row, axis=1)
        a, b = train[np.argsort(gaps)[:2]]
        # Some pair of training spectra has the point on the line between them.
        best = min(
            np.linalg.norm(row - p) + np.linalg.norm(row - q) - np.linalg.norm(p - q)
            for i, p in enumerate(train)
            for q in train[:i]
        )
        assert best < 1e-9


def test_smote_without_imbalanced_learn_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "imblearn.over_sampling", None)
    monkeypatch.setitem(sys.modules, "imblearn", None)
    with pytest.raises(ImportError, match=r"pip install 'hyperspy_dag\[smote\]'"):
        Smote()


@pytest.mark.parametrize("baseline", [PCAGaussian(2), PCAGaussianMixture(2, coloured=True)])
def test_covariance_of_the_training_spectra_is_kept(baseline):
    train = spectra(n=300)
    drawn = baseline.fit(train).sample(4000, 0)
    assert drawn.var(0) == pytest.approx(train.var(0), rel=0.25, abs=2e-5)
    assert metrics.frechet_distance(train, drawn) < 0.02 * train.var(0).sum() + 0.02


@pytest.mark.parametrize("coloured", [True, False])
def test_noise_colour(coloured):
    # Many channels: the components take a smooth part of the noise with them, here a small one.
    train = spectra(n=300, channels=800)
    drawn = PCAGaussian(2, coloured=coloured).fit(train).sample(1000, 0)
    expected = [KERNEL[1:] @ KERNEL[:-1], KERNEL[0] * KERNEL[2], 0, 0] if coloured else [0] * 4
    assert metrics.noise_correlation(drawn, components=2) == pytest.approx(expected, abs=0.03)
    level = metrics.noise_residual(drawn, 2).std(), metrics.noise_residual(train, 2).std()
    assert level[0] == pytest.approx(level[1], rel=0.05)


def test_dose_gives_each_spectrum_its_own_noise_level():
    train = spectra(n=300)

    def spread(x):
        return np.log(metrics.noise_residual(x, 2).std(axis=1)).std()

    for kind in (PCAGaussian, PCAKernelDensity):
        with_dose = spread(kind(2, dose=True).fit(train).sample(1000, 0))
        assert with_dose == pytest.approx(spread(train), rel=0.15)
        assert spread(kind(2).fit(train).sample(1000, 0)) < 0.6 * with_dose


def test_kernel_density_bandwidth():
    train = spectra(n=200, noise=0)
    narrow = PCAKernelDensity(2, bandwidth=0.0).fit(train).sample(200, 0)
    assert np.sort(narrow, axis=0) == pytest.approx(np.sort(train, axis=0), abs=1e-8)
    scott = PCAKernelDensity(2, bandwidth=None).fit(train).sample(20_000, 0)
    factor = 1 + 200 ** (-2 / 6)
    assert scott.var(0).sum() == pytest.approx(factor * train.var(0).sum(), rel=0.05)


def test_renormalised_spectra_have_the_maxima_of_training_spectra():
    train = spectra() / spectra().max(axis=1, keepdims=True)
    drawn = PCAKernelDensity(3, dose=True, renormalise=True).fit(train).sample(50, 0)
    assert drawn.max(axis=1) == pytest.approx(1.0)
    drawn = PCAKernelDensity(3, renormalise=True).fit(300 * train).sample(50, 0)
    assert drawn.max(axis=1) == pytest.approx(300.0)


def test_mixture_finds_two_groups():
    rng = np.random.default_rng(0)
    x = np.linspace(0, 1, 60)
    line = np.exp(-(((x - 0.5) / 0.1) ** 2))
    weight = np.where(rng.random(200) < 0.3, 1.0, 2.0) + 0.05 * rng.normal(size=200)
    train = weight[:, None] * line + 0.005 * rng.normal(size=(200, 60))
    drawn = PCAGaussianMixture(1).fit(train).sample(2000, 0)
    height = drawn @ line / (line @ line)
    assert ((height > 1.25) & (height < 1.75)).mean() < 0.02
    assert (height < 1.5).mean() == pytest.approx((weight < 1.5).mean(), abs=0.04)
