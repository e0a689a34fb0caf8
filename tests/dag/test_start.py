# SPDX-License-Identifier: GPL-3.0-or-later
"""The statistical start finds what simulated spectra were made with."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import convolve1d

from hyperspy_dag.dag.class_model.components import noise_weighted_components
from hyperspy_dag.dag.class_model.latent import LatentBank
from hyperspy_dag.dag.class_model.model import (
    MAX_COMPONENTS,
    draw_latent,
    fit_class_model,
)
from hyperspy_dag.dag.class_model.noise import (
    KERNEL_SIZE,
    neighbour_correlation,
    point_spread,
    relative_level,
)
from hyperspy_dag.dag.class_model.shift import fourier_shift
from hyperspy_dag.dag.class_model.shrinkage import Shrinker

AXIS = np.linspace(0, 1, 200)


def line(centre, width=0.04):
    return np.exp(-(((AXIS - centre) / width) ** 2) / 2)


def simulated(n=120, noise=0.05, shift=0.0, seed=0):
    """Two components, noise of three-fold different level and neighbour correlation."""
    random = np.random.default_rng(seed)
    scores = random.normal(size=(n, 2)) * [0.2, 0.05]
    clean = line(0.35) + 0.5 * line(0.65) + scores @ [line(0.65), line(0.4, 0.1)]
    shifts = shift * random.normal(size=n)
    level = noise * np.exp(random.uniform(-0.55, 0.55, n))
    white = random.normal(size=(n, 200))
    spread = convolve1d(white, [0.5, np.sqrt(0.5), 0.5], axis=1, mode="wrap")
    return fourier_shift(clean, shifts) + level[:, None] * spread, clean, shifts, level, scores


def test_relative_level_follows_the_noise():
    spectra, _, _, level, _ = simulated()
    assert np.corrcoef(np.log(relative_level(spectra)), np.log(level))[0, 1] > 0.93


def test_point_spread_has_the_noise_correlation():
    random = np.random.default_rng(0)
    noise = convolve1d(random.normal(size=(400, 300)), [0.5, np.sqrt(0.5), 0.5], axis=1)
    kernel = point_spread(neighbour_correlation(noise))
    assert len(kernel) == KERNEL_SIZE
    np.testing.assert_allclose(kernel, kernel[::-1], atol=1e-9)
    correlation = [(kernel[lag:] * kernel[: KERNEL_SIZE - lag]).sum() for lag in range(4)]
    # [0.5, √½, 0.5] with itself: 1, 2 · 0.5 · √½, 0.25, 0.
    np.testing.assert_allclose(correlation, [1, np.sqrt(0.5), 0.25, 0], atol=0.02)


def test_what_components_take_of_the_noise_is_given_back():
    # Slow noise is easily taken for a component, the more so the fewer the spectra.
    wide = np.exp(-((np.arange(-8, 9) / 1.5) ** 2) / 2)
    wide /= np.linalg.norm(wide)
    truth = np.convolve(wide, wide)[17:21]
    ours, of_residual = [], []
    for seed in range(3):
        _, clean, _, level, _ = simulated(40, noise=0.15, seed=seed)
        white = np.random.default_rng(seed).normal(size=(40, 216))
        noise = np.array([np.convolve(row, wide, mode="valid") for row in white])
        spectra = clean + level[:, None] * noise
        kernel = fit_class_model(spectra).kernel
        ours.append(np.correlate(kernel, kernel, "full")[KERNEL_SIZE:][:4])
        model = noise_weighted_components(spectra, 6)
        residual = spectra - model.mean - model.scores @ model.basis
        of_residual.append(neighbour_correlation(residual)[1:5])
    missing, reference = truth - np.mean(ours, axis=0), truth - np.mean(of_residual, axis=0)
    assert (reference > 0.02).all()
    assert (missing < 0.7 * reference).all()


def test_components_come_nearer_to_the_clean_spectra_than_pca():
    spectra, clean, *_ = simulated(noise=0.15)
    model = noise_weighted_components(spectra, 2)
    ours = model.mean + model.scores @ model.basis
    mean = spectra.mean(axis=0)
    u, s, vt = np.linalg.svd(spectra - mean, full_matrices=False)
    pca = mean + (u[:, :2] * s[:2]) @ vt[:2]
    error, reference = (np.sqrt(((x - clean) ** 2).mean()) for x in (ours, pca))
    assert error < 0.7 * reference
    np.testing.assert_allclose(model.basis @ model.basis.T, np.eye(2), atol=1e-6)


def test_shrinkage_leaves_rows_without_noise():
    row = (line(0.4) + 0.2 * line(0.6, 0.01))[None]
    shrink = Shrinker(np.eye(KERNEL_SIZE)[KERNEL_SIZE // 2], 200)
    np.testing.assert_allclose(shrink(row, np.zeros(1)), row, atol=1e-12)
    noisy = row + 0.05 * np.random.default_rng(0).normal(size=(1, 200))
    error = np.abs(shrink(noisy, np.array([0.05])) - row).mean()
    assert error < 0.5 * np.abs(noisy - row).mean()


@pytest.mark.parametrize("shift", [0.0, 1.5])
def test_finds_the_energy_jitter(shift):
    spectra, *_ = simulated(shift=shift)
    assert fit_class_model(spectra).jitter == pytest.approx(shift, abs=0.35)


@pytest.mark.parametrize(
    ("drift", "background"), [(1.5, 0.0), (3.0, 0.0), (6.0, 0.0), (1.5, 3.0), (3.0, 3.0)]
)
def test_all_of_the_drift_is_found_as_drift(drift, background):
    # Components explain a drift as well; a background of varying height looks like one.
    spectra, _, shifts, *_ = simulated(shift=drift)
    height = background * np.exp(0.2 * np.random.default_rng(9).normal(size=(len(spectra), 1)))
    spectra = spectra + height * (1 + AXIS) ** -3
    start = fit_class_model(spectra)
    found = start.latent[:, MAX_COMPONENTS]
    assert np.corrcoef(found, shifts)[0, 1] > 0.97
    assert start.jitter == pytest.approx(shifts.std(), rel=0.05)
    if not background:
        # What is left for the components, in channels: 0.11 is of the simulated ones themselves.
        slope = np.gradient(line(0.35) + 0.5 * line(0.65))
        variations = start.latent[:, :MAX_COMPONENTS] @ start.basis
        left = variations @ slope / (slope @ slope)
        assert left.std() < 0.2


def test_finds_noise_levels_and_counting_noise():
    random = np.random.default_rng(1)
    shape = np.exp(-(((np.linspace(0, 1, 800) - 0.4) / 0.1) ** 2) / 2)
    clean = shape * (1 + 0.1 * random.normal(size=(200, 1)))
    noise = 0.02 * np.sqrt(1 + 5 * clean) * random.normal(size=clean.shape)
    start = fit_class_model(clean + noise)
    assert start.intensity == pytest.approx(5, rel=0.35)
    level = 0.02 * np.sqrt((1 + 5 * clean).mean())
    assert np.exp(start.level[0]) == pytest.approx(level, rel=0.1)


def test_finds_noise_that_falls_with_the_energy_loss():
    random = np.random.default_rng(1)
    edge = 1 / (1 + np.exp(-40 * (np.linspace(0, 1, 800) - 0.4)))
    clean = edge * (1 + 0.1 * random.normal(size=(200, 1)))
    background = np.linspace(1.6, 0.4, 800)
    noise = 0.05 * np.sqrt(background + 0.7 * clean) * random.normal(size=clean.shape)
    start = fit_class_model(clean + noise)
    np.testing.assert_allclose(start.background, background, atol=0.2)
    found = start.background + start.intensity * edge
    np.testing.assert_allclose(found, background + 0.7 * edge, rtol=0.12)


def test_smooth_spectra_have_no_noise():
    _, clean, *_ = simulated()
    start = fit_class_model(clean)
    assert np.exp(start.level[0]) < 1e-3
    latent = draw_latent(start, 50, MAX_COMPONENTS + 2, np.random.SeedSequence(0))
    drawn = start.mean + latent[:, :MAX_COMPONENTS] @ start.basis
    roughness = np.abs(np.diff(drawn, 2)).mean()
    assert roughness < 1.5 * np.abs(np.diff(clean, 2)).mean()


def test_says_whether_maxima_are_one():
    spectra, *_ = simulated()
    assert not fit_class_model(spectra).unit_maximum
    assert fit_class_model(spectra / spectra.max(axis=1, keepdims=True)).unit_maximum


@pytest.mark.parametrize("n", [8, 9, 30])
def test_few_spectra_will_do(n):
    start = fit_class_model(simulated(n)[0])
    assert all(np.isfinite(a).all() for a in start.arrays().values())


@pytest.mark.parametrize("channels", [8, 9, 11, 16])
@pytest.mark.parametrize("n", [73, 160])
def test_few_channels_will_do(n, channels):
    """More spectra than the square of their channels."""
    random = np.random.default_rng(0)
    x = np.arange(channels)
    ratio = 0.5 + 0.1 * random.standard_normal((n, 1))
    clean = np.exp(-(((x - 3) / 1.5) ** 2) / 2) + ratio * np.exp(-(((x - 6) / 1.5) ** 2) / 2)
    level = 0.02 * np.exp(random.uniform(-0.5, 0.5, n))
    start = fit_class_model(clean + level[:, None] * random.standard_normal(clean.shape), 8.0)
    assert all(np.isfinite(a).all() for a in start.arrays().values())
    found = np.exp(start.level[0] + start.level[1] * start.latent[:, -1])
    assert found.mean() == pytest.approx(level.mean(), rel=0.15)


@pytest.mark.parametrize("begin", [0, 40, 52])
@pytest.mark.parametrize("drift", [0.1, 1.0])
def test_the_drift_found_does_not_depend_on_where_the_window_begins(begin, drift):
    """The peak is at 70, of three channels' width; at last it is 18 channels from the begin."""
    random = np.random.default_rng(0)
    x, shifts = np.arange(200), drift * random.normal(size=60)
    clean = np.exp(-(((x - 70 - shifts[:, None]) / 3) ** 2) / 2)
    clean += 0.05 * (1 + 0.6 * random.normal(size=(60, 1))) * np.exp(-(((x - 120) / 20) ** 2) / 2)
    spectra = clean + 0.002 * random.normal(size=clean.shape)
    start = fit_class_model(spectra[:, begin:])
    assert start.jitter == pytest.approx(shifts.std(), rel=0.1)


def test_a_narrow_peak_that_hardly_moves_is_left_where_it_is():
    """The zero loss: a shift that pushes it out of the window would explain all that is left."""
    random = np.random.default_rng(0)
    x = np.arange(210)
    peak = np.exp(-(((x - 16 - 0.08 * random.normal(size=(70, 1))) / 0.85) ** 2) / 2)
    other = 0.05 * (1 + 0.6 * random.normal(size=(70, 1))) * np.exp(-(((x - 66) / 10.6) ** 2) / 2)
    start = fit_class_model(peak + other + 1e-3 * random.normal(size=(70, 210)), 0.1)
    assert start.jitter == pytest.approx(0.08, abs=0.03)


@pytest.mark.parametrize("dispersion", [0.05, 0.1, 0.5, 2.0, 8.0])
def test_few_spectra_are_expected_to_drift_by_electronvolts(dispersion):
    """Whatever the channels: ten spectra that drift by 0.29 eV, features of several channels."""
    random = np.random.default_rng(1)
    drift = random.normal(0, 0.29, (10, 1)) / dispersion
    x = np.arange(160)
    clean = np.exp(-(((x - 60 - drift) / 4) ** 2) / 2) + 0.3 / (1 + np.exp(-(x - 60 - drift) / 2))
    start = fit_class_model(clean + 0.003 * random.normal(size=clean.shape), dispersion)
    assert 0.15 < start.jitter * dispersion < 0.45


def test_many_spectra_are_put_on_the_basis_of_some():
    spectra, _, _, level, _ = simulated(1700)
    start = fit_class_model(spectra)
    assert len(start.latent) == 1700
    found = start.level[0] + start.level[1] * start.latent[:, -1]
    assert np.corrcoef(found, np.log(level))[0, 1] > 0.95


def test_new_latents_are_distributed_as_the_training_ones():
    spectra, *_ = simulated(300)
    start = fit_class_model(spectra)
    new = start.bank.draw(3000, np.random.SeedSequence(0))
    old = start.latent
    np.testing.assert_allclose(new.mean(axis=0), old.mean(axis=0), atol=0.08)
    # The two components that are there, and the noise level.
    real = [0, 1, -1]
    np.testing.assert_allclose(new.std(axis=0)[real], old.std(axis=0)[real], rtol=0.1)
    # Noise levels are smoothed, all else keeps its spread.
    np.testing.assert_allclose(new.std(axis=0)[:-1], old.std(axis=0)[:-1], rtol=0.05)
    # … and none repeats a training latent.
    distance = np.linalg.norm(new[:, None, :2] - old[None, :, :2], axis=2).min(axis=1)
    assert (distance > 0).all()


@pytest.mark.parametrize("n", [10, 30])
def test_few_spectra_do_not_spread_more_than_they_do(n):
    # With so few, the neighbours of a spectrum are nearly the whole class.
    wider = []
    for seed in range(5):
        start = fit_class_model(simulated(n, seed=seed)[0])
        new = start.bank.draw(2000, np.random.SeedSequence(seed))
        used = start.latent.std(axis=0) > 1e-6
        used[-1] = False
        wider.append(new.std(axis=0)[used] / start.latent.std(axis=0)[used])
    assert np.concatenate(wider).mean() == pytest.approx(1, abs=0.04)


def test_few_spectra_are_mixed_with_their_normal_distribution():
    few, many = (fit_class_model(simulated(n)[0]) for n in (15, 60))
    assert many.bank.broad == 0
    assert few.bank.broad == pytest.approx(0.75)
    # Two clusters: in between lies what is drawn from the normal distribution, and that alone.
    latent = np.repeat([[-1.0], [1.0]], 10, axis=0) + np.linspace(-0.01, 0.01, 20)[:, None]
    neighbours = np.array([[(i + 1) % 10 + i // 10 * 10] for i in range(20)])
    bank = LatentBank(latent, neighbours, np.full(1, 0.5), np.zeros(1), broad=0.4)
    drawn = bank.draw(4000, np.random.SeedSequence(0))[:, 0]
    away = np.abs(np.abs(drawn) - 1) > 0.05
    assert away.mean() == pytest.approx(0.4 * 0.95, abs=0.03)
    assert drawn.std() == pytest.approx(latent.std(), rel=0.05)
    np.testing.assert_array_equal(bank.draw(30, np.random.SeedSequence(0), 70)[:, 0], drawn[70:100])


def test_latents_cover_every_training_spectrum_before_any_twice():
    random = np.random.default_rng(0)
    bank = LatentBank(
        np.arange(20.0)[:, None] * 100,
        (np.arange(20)[:, None] + [1, -1]) % 20,
        np.full(1, 1e-6),
        np.zeros(1),
    )
    drawn = np.round(bank.draw(20, np.random.SeedSequence(random.integers(9)))[:, 0] / 100)
    assert sorted(drawn) == list(range(20))


def test_visits_to_a_latent_go_in_orthogonal_directions_and_their_opposites():
    n, k = 40, 3
    latent = np.zeros((n, k + 1))
    latent[:k, :k] = np.eye(k)
    latent[:, k] = np.arange(n)
    # All have the same neighbours, at unit distance from most; the last number tells them apart.
    bank = LatentBank(latent, np.tile(np.arange(k), (n, 1)), np.r_[np.ones(k), 0], np.zeros(k + 1))
    drawn = bank.draw(4 * k * n, np.random.SeedSequence(2), first=2 * k * n)
    directions = []
    for visited in range(k, n):
        ways = drawn[drawn[:, k] == visited, :k]
        ways /= np.linalg.norm(ways, axis=1, keepdims=True)
        for cycle in np.split(ways, 2):
            np.testing.assert_allclose(cycle[::2], -cycle[1::2], atol=1e-12)
            np.testing.assert_allclose(cycle[::2] @ cycle[::2].T, np.eye(k), atol=1e-12)
            directions.append(cycle[0])
    # Each time and each vector has its own.
    cosines = np.abs(np.array(directions) @ np.transpose(directions))
    assert np.sort(cosines, axis=1)[:, -2].max() < 1 - 1e-9


def test_latents_are_a_sequence():
    start = fit_class_model(simulated(40)[0])
    seed = np.random.SeedSequence(4)
    whole = start.bank.draw(900, seed)
    np.testing.assert_array_equal(start.bank.draw(100, seed, first=700), whole[700:800])


def divided_by_their_maximum(n, seed=0):
    """Two peaks of varying shares, mostly the second the higher one, over a varying plateau."""
    random = np.random.default_rng(seed)
    share, height = random.uniform(0.3, 0.5, (n, 1)), random.uniform(0.24, 0.36, (n, 1))
    clean = share * line(0.4) + (1 - share) * line(0.55) + height * (AXIS > 0.7)
    return clean / clean.max(axis=1, keepdims=True) + 0.002 * random.normal(size=(n, 200))


def test_few_spectra_of_maximum_one_keep_it_without_being_divided():
    spectra = divided_by_their_maximum(12)
    start = fit_class_model(spectra / spectra.max(axis=1, keepdims=True))
    assert start.unit_maximum and start.broad > 0

    def maxima(latent):
        return (start.mean + latent[:, :MAX_COMPONENTS] @ start.basis).max(axis=1)

    trained = maxima(start.latent)
    drawn = maxima(start.bank.draw(600, np.random.SeedSequence(0)))
    inside = (drawn > trained.min() - 1e-9) & (drawn < trained.max() + 1e-9)
    assert inside.mean() > 0.99
    free = LatentBank(start.latent, start.neighbours, start.spread, start.pull, start.broad)
    assert maxima(free.draw(600, np.random.SeedSequence(0))).std() > 5 * drawn.std()
    # Any part of the sequence by itself, as without this.
    part = start.bank.draw(40, np.random.SeedSequence(0), 80)
    np.testing.assert_allclose(maxima(part), drawn[80:120], rtol=0, atol=1e-12)


def test_few_spectra_are_not_believed_to_have_no_energy_shift():
    """The estimate of ten still spectra is drawn towards a channel; that of sixty stands."""
    few, many = (fit_class_model(simulated(n, noise=0.002)[0]) for n in (10, 60))
    assert 0.4 < few.jitter < 0.9
    assert many.jitter < 0.2


def test_spectra_denoised_by_principal_components_stay_in_their_subspace():
    spectra = simulated(n=150)[0]
    centre = spectra.mean(axis=0)
    left, singular, axes = np.linalg.svd(spectra - centre, full_matrices=False)
    cleaned = (centre + (left[:, :5] * singular[:5]) @ axes[:5]).astype(np.float32)
    model = fit_class_model(cleaned)
    np.testing.assert_allclose(model.mean, centre, atol=1e-6)
    assert model.jitter == 0
    assert np.exp(model.level[0]) < 1e-6
    drawn = (
        model.mean + draw_latent(model, 300, 14, np.random.SeedSequence(0))[:, :12] @ model.basis
    )
    outside = (drawn - centre) - (drawn - centre) @ axes[:5].T @ axes[:5]
    assert np.abs(outside).max() < 1e-5
    np.testing.assert_allclose(drawn.std(axis=0), cleaned.std(axis=0), rtol=0.3, atol=1e-3)
    # One whose noise has more dimensions than components is measured, not denoised.
    assert np.exp(fit_class_model(spectra).level[0]) > 0.01
