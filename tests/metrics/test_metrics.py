# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics against brute force, SciPy and closed forms."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from scipy import linalg, stats

from hyperspy_dag import metrics

PAIR_METRICS = [
    metrics.frechet_distance,
    metrics.kernel_distance,
    metrics.kl_divergence,
    metrics.kl_divergence_pca,
    metrics.pearson_correlation,
    metrics.cosine_distance,
    metrics.precision_recall_density_coverage,
]


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def real_data() -> np.ndarray:
    folder = os.environ.get("HYPERSPY_DAG_DATA")
    root = Path(folder) if folder else Path(__file__).resolve().parents[3] / "shared" / "data"
    path = root / "mn2_659.hspy"
    if not path.is_file():
        pytest.skip("mn2_659.hspy not found; set HYPERSPY_DAG_DATA to the folder that holds it")
    h5py = pytest.importorskip("h5py")
    with h5py.File(path) as file:
        (experiment,) = file["Experiments"].values()
        return experiment["data"][()].astype(float)


# ---------------------------------------------------------------- input checks


@pytest.mark.parametrize("metric", [*PAIR_METRICS, metrics.classifier_two_sample])
def test_bad_input_is_named(metric, rng):
    good = rng.random((10, 6))
    with pytest.raises(ValueError, match=r"real has 6 channels and synthetic has 5"):
        metric(good, good[:, :5])
    with pytest.raises(ValueError, match=r"shape \(spectra, channels\)"):
        metric(good[0], good)
    broken = good.copy()
    broken[3, 2] = np.nan
    with pytest.raises(ValueError, match=r"synthetic holds NaN .*spectrum 3"):
        metric(good, broken)
    with pytest.raises(TypeError, match="real numbers"):
        metric(good, good.astype(complex))


@pytest.mark.parametrize("metric", PAIR_METRICS)
def test_float32_and_integers_are_judged_in_double_precision(metric, rng):
    real = rng.integers(1, 200, (12, 6))
    synthetic = rng.integers(1, 200, (11, 6))
    expected = metric(real.astype(float), synthetic.astype(float))
    assert metric(real.astype(np.float32), synthetic) == pytest.approx(expected, rel=1e-12)


# ---------------------------------------------------------------- distributions


def frechet_by_sqrtm(a, b):
    c1, c2 = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    shift = a.mean(0) - b.mean(0)
    return shift @ shift + np.trace(c1 + c2 - 2 * np.real(linalg.sqrtm(c1 @ c2)))


@pytest.mark.parametrize("counts", [(60, 50), (200, 30), (30, 200)])
def test_frechet_distance_agrees_with_sqrtm(counts, rng):
    mixing = rng.normal(size=(20, 20))
    a = rng.normal(size=(counts[0], 20)) @ mixing
    b = rng.normal(size=(counts[1], 20)) @ mixing.T + 0.5
    assert metrics.frechet_distance(a, b) == pytest.approx(frechet_by_sqrtm(a, b), rel=1e-6)


@pytest.mark.parametrize("channels", [4, 30])
def test_published_fid_takes_covariances_between_spectra(channels, rng):
    """By its formula, with a square root of 8 by 8 spectra."""
    a, b = rng.random((8, channels)), 0.5 + rng.random((8, channels))
    first, second = np.cov(a), np.cov(b)
    root = linalg.sqrtm(first @ second + 1e-12 * np.eye(8)).real
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(first + second - 2 * root)
    assert metrics.published_fid(a, b) == pytest.approx(expected, rel=1e-4)
    assert metrics.published_fid(a, a) == pytest.approx(0, abs=1e-9)
    # Two spectra and two channels, by hand: variances 2 and 8 along the same line, and means.
    by_hand = metrics.published_fid([[0, 2], [0, 0]], [[0, 4], [0, 0]])
    assert by_hand == pytest.approx(1 + 2 + 8 - 2 * 4)
    with pytest.raises(ValueError, match="as many real as synthetic"):
        metrics.published_fid(a, b[:5])


def test_frechet_distance_of_fewer_spectra_than_channels(rng):
    # Singular covariances, where a matrix root is unreliable: root C1^1/2 C2 C1^1/2 by eigenvalues.
    a, b = rng.normal(size=(8, 30)), 2 * rng.normal(size=(12, 30)) + 1
    c1, c2 = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    values, vectors = np.linalg.eigh(c1)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    inner = np.linalg.eigvalsh(root @ c2 @ root)
    shift = a.mean(0) - b.mean(0)
    expected = shift @ shift + np.trace(c1 + c2) - 2 * np.sqrt(np.clip(inner, 0, None)).sum()
    # The reference takes roots of rounding errors, which costs half of its digits.
    assert metrics.frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_frechet_distance_closed_form_of_one_channel(rng):
    a, b = rng.normal(3, 2, (50, 1)), rng.normal(-1, 0.5, (70, 1))
    expected = (a.mean() - b.mean()) ** 2 + (a.std(ddof=1) - b.std(ddof=1)) ** 2
    assert metrics.frechet_distance(a, b) == pytest.approx(expected, rel=1e-12)
    assert metrics.frechet_distance(a, a) == pytest.approx(0, abs=1e-12)


def test_kernel_distance_agrees_with_loops(rng):
    a, b = rng.normal(size=(7, 4)), rng.normal(size=(5, 4)) + 1

    def kernel(x, y):
        return (x @ y / 4 + 1) ** 3

    expected = np.mean([kernel(a[i], a[j]) for i in range(7) for j in range(7) if i != j])
    expected += np.mean([kernel(b[i], b[j]) for i in range(5) for j in range(5) if i != j])
    expected -= 2 * np.mean([kernel(x, y) for x in a for y in b])
    assert metrics.kernel_distance(a, b, standardise=False) == pytest.approx(expected, rel=1e-12)
    # Standardised, the unit and the offset of the intensities do not matter.
    once = metrics.kernel_distance(a, b)
    assert metrics.kernel_distance(1e4 * a + 50, 1e4 * b + 50) == pytest.approx(once, rel=1e-9)


def test_kernel_distance_is_unbiased(rng):
    draws = [
        metrics.kernel_distance(rng.normal(size=(20, 3)), rng.normal(size=(20, 3)), False)
        for _ in range(400)
    ]
    assert abs(np.mean(draws)) < 4 * np.std(draws) / np.sqrt(len(draws))
    assert min(draws) < 0


def test_kl_divergence_agrees_with_scipy_entropy(rng):
    real, synthetic = rng.normal(size=(100, 3)), rng.normal(0.5, 1.3, (80, 3))
    expected = []
    for x, y in zip(real.T, synthetic.T, strict=True):
        edges = np.concatenate([[-np.inf], np.quantile(x, [0.25, 0.5, 0.75]), [np.inf]])
        p, q = np.histogram(x, edges)[0] + 0.5, np.histogram(y, edges)[0] + 0.5
        expected.append(stats.entropy(p, q))
    assert metrics.kl_divergence(real, synthetic, bins=4) == pytest.approx(np.mean(expected))
    assert metrics.kl_divergence(real, real) == 0


def test_kl_divergence_of_two_gaussians(rng):
    # KL(N(0, 1) | N(1, 2^2)) = ln 2 + (1 + 1) / 8 - 1/2
    expected = np.log(2) + 2 / 8 - 0.5
    real, synthetic = rng.normal(size=(20_000, 1)), rng.normal(1, 2, (20_000, 1))
    assert metrics.kl_divergence(real, synthetic, bins=40) == pytest.approx(expected, rel=0.08)
    assert metrics.kl_divergence_pca(real, synthetic, 1) == pytest.approx(expected, rel=0.08)


def test_kl_divergence_pca_of_gaussians_in_three_dimensions(rng):
    # A scale of 1.5 in three dimensions: 3 (ln 1.5 + 1 / (2 * 1.5^2) - 1/2)
    expected = 3 * (np.log(1.5) + 1 / (2 * 1.5**2) - 0.5)
    axes = np.linalg.qr(rng.normal(size=(10, 3)))[0].T * np.array([[3.0], [2.0], [1.0]])
    real = rng.normal(size=(5000, 3)) @ axes
    synthetic = 1.5 * rng.normal(size=(5000, 3)) @ axes
    assert metrics.kl_divergence_pca(real, synthetic) == pytest.approx(expected, abs=0.05)
    assert metrics.kl_divergence_pca(real, np.repeat(real[:1], 20, axis=0)) == np.inf
    with pytest.raises(ValueError, match="rank of 3"):
        metrics.kl_divergence_pca(real, synthetic, components=4)


def test_kl_divergence_pca_is_the_integral(rng):
    """By Monte Carlo with SciPy's densities of the two fitted Gaussians."""
    turn = stats.special_ortho_group.rvs(3, random_state=1)
    real = rng.normal(size=(300, 3)) * [1.0, 2.0, 0.5]
    synthetic = (rng.normal(size=(200, 3)) * [1.5, 1.0, 0.7] + [0.5, -1.0, 0.2]) @ turn
    p, q = (stats.multivariate_normal(x.mean(axis=0), np.cov(x.T)) for x in (real, synthetic))
    drawn = p.rvs(400_000, random_state=2)
    expected = np.mean(p.logpdf(drawn) - q.logpdf(drawn))
    assert metrics.kl_divergence_pca(real, synthetic) == pytest.approx(expected, rel=0.02)


def test_kl_divergence_pca_is_not_negative_and_small_for_two_draws(rng):
    """Of few spectra as well, and as large as the theory of maximum likelihood says."""
    for n in (6, 10, 30, 100):
        found = [metrics.kl_divergence_pca(*rng.normal(size=(2, n, 3))) for _ in range(200)]
        assert min(found) >= 0
    assert np.mean(found) == pytest.approx(3 * 6 / 4 * 2 / n, rel=0.15)
    real = rng.normal(size=(9, 40))
    assert metrics.kl_divergence_pca(real, real) == pytest.approx(0, abs=1e-9)


def test_wasserstein_of_shifted_values(rng):
    values = rng.normal(640, 0.3, 50)
    assert metrics.wasserstein(values, values + 0.2) == pytest.approx(0.2)
    assert metrics.wasserstein(values, np.append(values + 0.2, np.nan)) == pytest.approx(0.2)
    assert metrics.wasserstein(values, [np.nan]) == np.inf
    with pytest.raises(ValueError, match="synthetic_values"):
        metrics.wasserstein(values, [])


# ---------------------------------------------------------------- similarity


def test_correlation_and_cosine_agree_with_all_pairs(rng):
    a, b = rng.random((6, 15)), rng.random((9, 15)) - 0.3
    pcc = np.mean([stats.pearsonr(x, y).statistic for x in a for y in b])
    cos = np.mean([1 - x @ y / np.linalg.norm(x) / np.linalg.norm(y) for x in a for y in b])
    assert metrics.pearson_correlation(a, b) == pytest.approx(pcc, rel=1e-12)
    assert metrics.cosine_distance(a, b) == pytest.approx(cos, rel=1e-12)


def test_spectra_without_direction_are_refused(rng):
    a, zero = rng.random((6, 15)), np.zeros((3, 15))
    with pytest.raises(ValueError, match="spectrum 0 of synthetic is constant"):
        metrics.pearson_correlation(a, zero)
    with pytest.raises(ValueError, match="spectrum 0 of synthetic is all zero"):
        metrics.cosine_distance(a, zero)


def test_snr_by_hand(rng):
    # Channel means 2, 5 and stds 1, 2; the third channel never changes and does not count.
    spectra = np.array([[1.0, 3.0, 0.1], [3.0, 7.0, 0.1], [2.0, 5.0, 0.1]])
    expected = np.mean([2 / np.sqrt(2 / 3), 5 / np.sqrt(8 / 3)])
    assert metrics.snr(spectra) == pytest.approx(expected)
    assert metrics.snr(np.full((4, 3), 0.1)) == np.inf
    assert metrics.snr(rng.normal(5, 0.5, (5000, 20))) == pytest.approx(10, rel=0.02)
    with pytest.raises(ValueError, match="at least 2"):
        metrics.snr(spectra[:1])


# ---------------------------------------------------------------- neighbours


def neighbours_by_loops(real, synthetic, k):
    def radius(points, i):
        gaps = [np.linalg.norm(points[i] - p) for j, p in enumerate(points) if j != i]
        return sorted(gaps)[k - 1]

    balls_r = [radius(real, i) for i in range(len(real))]
    balls_s = [radius(synthetic, i) for i in range(len(synthetic))]

    def inside(x, y, r):
        return np.linalg.norm(x - y) < r

    counts = [sum(inside(s, x, r) for x, r in zip(real, balls_r, strict=True)) for s in synthetic]
    recall = [any(inside(x, s, r) for s, r in zip(synthetic, balls_s, strict=True)) for x in real]
    covered = [any(inside(x, s, r) for s in synthetic) for x, r in zip(real, balls_r, strict=True)]
    return np.mean(np.array(counts) > 0), np.mean(recall), np.mean(counts) / k, np.mean(covered)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_precision_recall_density_coverage_agree_with_loops(k, rng):
    real, synthetic = rng.normal(size=(25, 3)), 0.7 * rng.normal(size=(18, 3)) + 0.3
    found = metrics.precision_recall_density_coverage(real, synthetic, k)
    assert found == pytest.approx(neighbours_by_loops(real, synthetic, k))


def test_neighbour_scores_tell_collapse_from_garbage(rng):
    real = rng.normal(size=(100, 4))
    same = metrics.precision_recall_density_coverage(real, rng.normal(size=(100, 4)))
    assert same.precision > 0.8 and same.recall > 0.8 and same.coverage > 0.8
    collapsed = np.repeat(real[:1], 100, axis=0) + 1e-6 * rng.normal(size=(100, 4))
    scores = metrics.precision_recall_density_coverage(real, collapsed)
    assert scores.precision == 1 and scores.recall < 0.05 and scores.coverage < 0.2
    far = metrics.precision_recall_density_coverage(real, real + 100)
    assert far == (0, 0, 0, 0)
    with pytest.raises(ValueError, match="at least 6 are needed"):
        metrics.precision_recall_density_coverage(real, real[:5])


def test_memorisation_ratio(rng):
    train, held_out = rng.normal(size=(40, 5)), rng.normal(size=(60, 5))

    def nearest(x):
        return np.median([min(np.linalg.norm(row - t) for t in train) for row in x])

    synthetic = rng.normal(size=(30, 5))
    expected = nearest(synthetic) / nearest(held_out)
    assert metrics.memorisation_ratio(synthetic, train, held_out) == pytest.approx(expected)
    assert metrics.memorisation_ratio(train, train, held_out) == 0
    with pytest.raises(ValueError, match="copies of training spectra"):
        metrics.memorisation_ratio(synthetic, train, train)


# ---------------------------------------------------------------- noise


def signal(rng, n=400, channels=200):
    """Three components with random scores."""
    x = np.linspace(0, 1, channels)
    shapes = np.stack([np.exp(-(((x - c) / 0.1) ** 2)) for c in (0.3, 0.5, 0.7)])
    return 1 + rng.normal(size=(n, 3)) * [0.5, 0.4, 0.3] @ shapes


def test_noise_correlation_of_a_known_filter(rng):
    kernel = np.array([0.25, 0.5, 0.25]) / np.linalg.norm([0.25, 0.5, 0.25])
    white = rng.normal(size=(400, 1002))
    noise = sum(k * white[:, i : i + 1000] for i, k in enumerate(kernel))
    # Levels that differ between channels by a factor 10 must not change the result.
    spectra = signal(rng, channels=1000) + noise * np.geomspace(0.01, 0.1, 1000)
    expected = [kernel[1:] @ kernel[:-1], kernel[0] * kernel[2], 0, 0]
    assert metrics.noise_correlation(spectra) == pytest.approx(expected, abs=0.02)
    clean = np.tile(np.linspace(0, 1, 30), (8, 1))
    assert np.isnan(metrics.noise_correlation(clean, components=0)).all()


def test_noise_level_follows_poisson_statistics(rng):
    counts = rng.poisson(np.tile(np.linspace(20, 2000, 300), (600, 1))).astype(float)
    found = metrics.noise_level(counts, components=0)
    assert found.level == pytest.approx(np.sqrt(found.intensity), rel=0.05)
    assert found.counts.sum() <= counts.size
    again = metrics.noise_level(2 * counts, edges=2 * found.edges, components=0)
    assert again.level == pytest.approx(2 * found.level)
    with pytest.raises(ValueError, match="edges"):
        metrics.noise_level(counts, edges=[3, 2, 1])


def test_noise_residual_takes_the_components_away(rng):
    clean = signal(rng)
    noise = 0.01 * rng.normal(size=clean.shape)
    residual = metrics.noise_residual(clean + noise)
    assert residual.std() == pytest.approx(0.01, rel=0.02)
    with pytest.raises(ValueError, match="components must be between 0 and 3"):
        metrics.noise_residual(clean[:5], components=4)


# ---------------------------------------------------------------- white lines

ENERGY = 630 + 0.1 * np.arange(400)
WINDOWS = metrics.WhiteLineWindows(l3=(635.0, 648.0), l2=(648.0, 661.0))


def lines(l3=642.0, l2=653.0, heights=(1.0, 0.4), widths=(1.0, 1.2)):
    """Two Gaussian white lines; arrays broadcast over spectra."""
    l3, l2 = np.atleast_1d(l3)[:, None], np.atleast_1d(l2)[:, None]
    return heights[0] * np.exp(-(((ENERGY - l3) / widths[0]) ** 2) / 2) + heights[1] * np.exp(
        -(((ENERGY - l2) / widths[1]) ** 2) / 2
    )


def test_positions_between_channels(rng):
    l3, l2 = rng.uniform(641, 643, 20), rng.uniform(652, 654, 20)
    found = metrics.white_line_positions(lines(l3, l2), ENERGY, WINDOWS)
    assert found == pytest.approx(np.stack([l3, l2], axis=1), abs=0.005)
    noisy = lines(l3, l2) + 0.02 * rng.normal(size=(20, 400))
    assert metrics.l3_position(noisy, ENERGY, WINDOWS) == pytest.approx(l3, abs=0.15)


def test_onset_and_width_of_a_gaussian():
    # Half maximum of a Gaussian of sigma 1: sqrt(2 ln 2) = 1.1774 from its centre.
    spectra = 7.0 * lines(np.array([641.37, 642.0]))
    half = np.sqrt(2 * np.log(2))
    onset = metrics.onset_energy(spectra, ENERGY, WINDOWS.l3, smoothing=0)
    assert onset == pytest.approx([641.37 - half, 642 - half], abs=0.005)
    width = metrics.peak_width(spectra, ENERGY, WINDOWS.l3, smoothing=0)
    assert width == pytest.approx(2 * half, abs=0.01)
    # Gaussian smoothing adds in quadrature.
    width = metrics.peak_width(spectra, ENERGY, WINDOWS.l3, smoothing=0.5)
    assert width == pytest.approx(2 * half * np.sqrt(1.25), abs=0.01)


def test_spectra_without_a_line_stay_in_the_distribution():
    rising = np.linspace(0.5, 1, 400)[None]
    assert metrics.peak_position(rising, ENERGY, WINDOWS.l3) == pytest.approx(648.0)
    assert metrics.onset_energy(rising, ENERGY, WINDOWS.l3) == pytest.approx(635.0)
    assert metrics.peak_width(rising, ENERGY, WINDOWS.l3) == pytest.approx(13.0)
    assert np.isnan(metrics.peak_width(-rising, ENERGY, WINDOWS.l3))


def test_l3_l2_ratio():
    # Areas: height times sigma.
    found = metrics.l3_l2_ratio(lines(), ENERGY, WINDOWS)
    assert found == pytest.approx(1.0 / (0.4 * 1.2), rel=1e-3)
    step = 0.1 * (2 / 3 * (ENERGY > 642.0) + 1 / 3 * (ENERGY > 653.0))
    windows = WINDOWS._replace(post_edge=(662.0, 669.0))
    found = metrics.l3_l2_ratio(lines() + step, ENERGY, windows)
    assert found == pytest.approx(1.0 / (0.4 * 1.2), rel=0.02)
    assert np.isnan(metrics.l3_l2_ratio(lines(heights=(1, -0.4)), ENERGY, WINDOWS))


def test_energy_shift_is_found_between_channels(rng):
    shifts = rng.uniform(-1.5, 1.5, 30)
    spectra = 3 * lines(642 + shifts, 653 + shifts) + 0.2
    found = metrics.energy_shift(spectra, ENERGY, lines()[0])
    assert found == pytest.approx(shifts, abs=0.01)
    inside = metrics.energy_shift(spectra, ENERGY, lines()[0], window=(636.0, 660.0))
    assert inside == pytest.approx(shifts, abs=0.01)
    with pytest.raises(ValueError, match="max_shift"):
        metrics.energy_shift(spectra, ENERGY, lines()[0], max_shift=0.01)


def test_windows_are_found_from_the_mean(rng):
    spectra = lines() + 0.05 * rng.normal(size=(50, 400))
    found = metrics.find_white_line_windows(spectra, ENERGY)
    assert found.l3[0] < 640 and 644 < found.l3[1] == found.l2[0] < 651 and found.l2[1] > 656
    with pytest.raises(ValueError, match="no pair of white lines"):
        metrics.find_white_line_windows(np.linspace(1, 0, 400)[None], ENERGY)


def test_white_line_distances_in_ev(rng):
    shifts = rng.normal(0, 0.2, 40)
    real = lines(642 + shifts, 653 + shifts)
    found = metrics.white_line_distances(real, lines(642.3 + shifts, 653.3 + shifts), ENERGY)
    for name in ("l3_position", "l2_position", "l3_onset", "energy_shift"):
        assert found[name] == pytest.approx(0.3, abs=0.01), name
    for name in ("l3_width", "l2_width", "unmeasured"):
        assert found[name] == pytest.approx(0, abs=0.01), name
    wide = metrics.white_line_distances(
        real, lines(642 + shifts, 653 + shifts, widths=(1.5, 1.2)), ENERGY, WINDOWS
    )
    assert wide["l3_width"] == pytest.approx(2 * np.sqrt(2 * np.log(2)) * 0.5, abs=0.05)
    assert wide["l3_l2_ratio"] == pytest.approx(0.5 / 0.48, rel=0.02)


def test_a_spectrum_without_lines_is_unmeasured(rng):
    real, synthetic = (lines(642 + rng.normal(0, 0.2, 40), 653.0) for _ in range(2))
    dead = np.concatenate([synthetic, np.zeros((10, synthetic.shape[1]))])
    found = metrics.white_line_distances(real, dead, ENERGY, WINDOWS)
    expected = metrics.white_line_distances(real, synthetic, ENERGY, WINDOWS)
    assert (found["unmeasured"], expected["unmeasured"]) == (0.2, 0)
    assert found["energy_shift"] == pytest.approx(expected["energy_shift"])


@pytest.mark.parametrize(
    ("window", "message"),
    [((648.0, 635.0), "low < high"), ((700.0, 710.0), "covers 0 channels"), (5, "low, high")],
)
def test_wrong_windows_are_named(window, message):
    with pytest.raises(ValueError, match=message):
        metrics.peak_position(lines(), ENERGY, window)
    with pytest.raises(ValueError, match="energy axis has shape"):
        metrics.peak_position(lines(), ENERGY[:-1], WINDOWS.l3)


# ---------------------------------------------------------------- real spectra


def test_real_spectra_against_each_other():
    """329 real Mn2+ spectra judged by the 330 others: what a perfect generator would reach."""
    spectra = real_data()
    assert metrics.snr(spectra) == pytest.approx(1.70, abs=0.01)
    assert metrics.noise_correlation(spectra) == pytest.approx([0.65, 0.37, 0.21, 0.13], abs=0.01)
    rows = []
    for seed in range(2):
        order = np.random.default_rng(seed).permutation(len(spectra))
        a, b = spectra[order[:329]], spectra[order[329:]]
        rows.append(
            [metrics.frechet_distance(b, a), *metrics.precision_recall_density_coverage(b, a)]
        )
    expected, spread = [0.37, 0.77, 0.79, 0.97, 0.97], [0.02, 0.04, 0.04, 0.15, 0.03]
    assert (np.abs(np.mean(rows, axis=0) - expected) < spread).all()


def test_rounding_of_float32_is_neither_noise_nor_signal(rng):
    """Spectra come as float32: what a fit in float64 would leave there is their rounding."""
    smooth = rng.random((40, 3)) @ rng.random((3, 60))
    for spectra in (smooth, smooth.astype(np.float32)):
        assert np.isnan(metrics.noise_correlation(spectra)).all()
        with pytest.raises(ValueError, match="components is 5; the spectra have a rank of 4"):
            metrics.kl_divergence_pca(spectra, spectra + 1e-3, components=5)


def test_what_is_constant_is_found_although_its_mean_is_rounded():
    row = np.full(30, 0.1)
    slope = row + np.linspace(0, 0.3, 30)
    with pytest.raises(ValueError, match="spectrum 0 of real is constant"):
        metrics.pearson_correlation(np.tile(row, (3, 1)), np.tile(slope, (3, 1)))
    with pytest.raises(ValueError, match="all real spectra are the same"):
        metrics.kernel_distance(np.tile(slope, (7, 1)), np.tile(slope, (7, 1)) + 0.01)
    with pytest.raises(ValueError, match="a spectrum is constant"):
        metrics.energy_shift(row[None], np.arange(30.0), slope)
    with pytest.raises(ValueError, match="the reference is constant"):
        metrics.energy_shift(slope[None], np.arange(30.0), row)


def test_energy_shift_looks_as_far_as_it_is_told():
    """Far out, the window holds nothing of the reference any more; that is no reason to refuse."""
    energy = np.arange(630.0, 670.0, 0.1)

    def peak(at):
        return np.where(np.abs(energy - at) < 3, 3 - np.abs(energy - at), 0.0)

    found = metrics.energy_shift(peak(645.7)[None], energy, peak(645), (640, 650), max_shift=15)
    assert found == pytest.approx([0.7], abs=0.02)


def test_smoothing_on_an_uneven_axis_is_refused():
    energy = np.r_[np.arange(640, 645, 0.05), np.arange(645, 665, 0.5)]
    line = np.exp(-0.5 * (energy - 653) ** 2)[None]
    with pytest.raises(ValueError, match="evenly spaced energy axis"):
        metrics.peak_width(line, energy, (648, 660))
    width = metrics.peak_width(line, energy, (648, 660), smoothing=0)
    assert width == pytest.approx([2.355], rel=0.02)


def test_masked_values_are_refused(rng):
    spectra = np.ma.masked_array(rng.random((5, 30)))
    assert metrics.snr(spectra) > 0
    spectra[2] = np.ma.masked
    with pytest.raises(ValueError, match="spectra holds masked values"):
        metrics.snr(spectra)


# ---------------------------------------------------------------- classifier two-sample test


def test_sets_of_one_distribution_are_not_told_apart():
    p_values, aucs = [], []
    for seed in range(20):
        real, other = np.random.default_rng(seed).normal(1.0, 0.1, (2, 40, 15))
        test = metrics.classifier_two_sample(real, other, permutations=39, random_state=seed)
        p_values.append(test.p_value)
        aucs.append(test.auc)
    assert abs(np.mean(aucs) - 0.5) < 0.04
    # Of a calibrated test a quarter is below 0.25.
    assert 1 <= np.sum(np.array(p_values) <= 0.25) <= 10


def test_two_sample_auc_is_that_of_scikit_learn(rng):
    from sklearn.decomposition import PCA
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.svm import SVC

    real, other = rng.normal(1.0, 0.1, (2, 60, 50))
    other[:, 10] += 0.1
    test = metrics.classifier_two_sample(real, other, components=12, permutations=0)
    scores = PCA(12, whiten=True).fit_transform(np.vstack([real, other]))
    labels = np.repeat([0, 1], 60)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    for kernel, auc in (("rbf", test.auc), ("linear", test.linear_auc)):
        machine = SVC(kernel=kernel, C=1.0 if kernel == "rbf" else 1 / 12, gamma=1 / 12)
        expected = cross_val_score(machine, scores, labels, cv=folds, scoring="roc_auc").mean()
        assert auc == pytest.approx(expected, abs=0.01)
    assert np.isnan(test.p_value) and np.isnan(test.linear_p_value)


def test_two_sample_test_names_the_channels(rng):
    real, other = rng.normal(1.0, 0.1, (2, 80, 20))
    other[:, 4] += 0.2
    other[:, 9] = 1.0 + 2.0 * (other[:, 9] - 1.0)
    test = metrics.classifier_two_sample(real, other, permutations=99)
    assert test.auc > 0.8 and test.linear_auc > 0.8
    assert test.p_value == test.linear_p_value == 0.01
    welch = stats.ttest_ind(other, real, equal_var=False).statistic
    np.testing.assert_allclose(test.mean_difference, welch)
    np.testing.assert_allclose(test.spread_ratio, other.std(axis=0) / real.std(axis=0))
    assert np.argmax(np.abs(test.mean_difference)) == 4
    assert np.argmax(test.spread_ratio) == 9


def test_two_sample_test_takes_equal_counts_and_copies_for_real(rng):
    real, more = rng.normal(1.0, 0.1, (30, 10)), rng.normal(1.0, 0.1, (200, 10))
    test = metrics.classifier_two_sample(real, more, permutations=0)
    assert test.n_spectra == 30
    assert metrics.classifier_two_sample(real, more, permutations=0).auc == test.auc
    half = rng.normal(1.0, 0.1, (300, 10))
    assert metrics.classifier_two_sample(half[:150], half[:150], permutations=0).auc < 0.55


def test_two_sample_test_leaves_rounding_out(rng):
    """Spectra of few components differ by rounding in all others; that is no difference."""
    basis = rng.normal(size=(4, 60))
    real, other = rng.normal(size=(2, 80, 4)) @ basis
    test = metrics.classifier_two_sample(real, other.astype(np.float32), permutations=0)
    assert abs(test.auc - 0.5) < 0.12
    with pytest.raises(ValueError, match="are the same"):
        metrics.classifier_two_sample(np.ones((9, 5)), np.ones((9, 5)))
    with pytest.raises(ValueError, match="folds must be at least 2; got 1"):
        metrics.classifier_two_sample(real, other, folds=1)
    with pytest.raises(ValueError, match="at least 5 are needed"):
        metrics.classifier_two_sample(real[:4], other)
