# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated oxides: axes, counts, physics, noise, reproducibility and error messages."""

from __future__ import annotations

from functools import cache

import hyperspy.api as hs
import numpy as np
import pytest
from conftest import THOROUGH
from numpy.testing import assert_allclose, assert_array_equal

from hyperspy_dag.data import OXIDE_CLASSES, PREPROCESSING, simulated_mixtures, simulated_oxides
from hyperspy_dag.data._classes import EDGES, FLOOR, PLASMON_ENERGY, PLASMON_FWHM
from hyperspy_dag.data._physics import (
    SPREAD_REACH,
    Optics,
    Peak,
    Step,
    detect,
    evaluate,
    point_spread,
)

# One worker makes the whole sets once.
pytestmark = pytest.mark.xdist_group("simulated_oxides")

# offset / eV, scale / eV, channels, first and last energy / eV
AXES = {
    "W": (460.0, 0.25, 1360, 799.75),
    "K": (460.0, 0.25, 600, 609.75),
    "WL-Fe": (612.5, 0.25, 700, 787.25),
    "WL-Mn": (615.0, 0.1, 700, 684.9),
    "MF": (580.0, 0.1, 2048, 784.7),
}
FE_COUNTS = {"FeO": 2744, "Fe3O4": 1350}
COUNTS = {
    "W": FE_COUNTS,
    "K": FE_COUNTS,
    "WL-Fe": FE_COUNTS,
    "WL-Mn": {"MnO": 992, "Mn2O3": 841, "MnO2": 1260},
    "MF": {"Fe3O4 core": 1415, "Mn ferrite shell": 1043},
}
# Table 2 of del-Pozo-Bueno et al. 2024, original spectra
PAPER_SNR = {
    "W": {"FeO": 1.6, "Fe3O4": 3.3},
    "K": {"FeO": 0.9, "Fe3O4": 2.2},
    "WL-Fe": {"FeO": 1.1, "Fe3O4": 2.1},
    "WL-Mn": {"MnO": 1.5, "Mn2O3": 2.2, "MnO2": 2.5},
    "MF": {"Fe3O4 core": 2.8, "Mn ferrite shell": 1.5},
}
# Correlation of the noise of measured Mn white lines at lags 1 to 4
MEASURED_CORRELATION = [0.67, 0.38, 0.22, 0.14]

SETS = list(AXES)


@cache
def paper_set(dataset, seed):
    """A whole set; made once for all tests that look at it."""
    s, labels = simulated_oxides(dataset, random_state=seed)
    s.data.flags.writeable = False
    return s, labels


def energy_of(s):
    return s.axes_manager.signal_axes[0].axis


def means(dataset):
    s, labels = paper_set(dataset, 0)
    return energy_of(s), {c: s.data[labels == c].mean(axis=0) for c in COUNTS[dataset]}


def peak(energy, spectrum, low, high):
    window = (energy >= low) & (energy <= high)
    return energy[window][spectrum[window].argmax()]


# --- what comes back ------------------------------------------------------------------------------


@pytest.mark.parametrize("dataset", SETS)
def test_axes_and_counts_are_those_of_the_paper(dataset):
    s, labels = paper_set(dataset, 0)
    offset, scale, size, last = AXES[dataset]
    axis = s.axes_manager.signal_axes[0]
    assert s.metadata.Signal.signal_type == "EELS"
    assert (axis.offset, axis.scale, axis.size) == (offset, scale, size)
    assert axis.axis[-1] == pytest.approx(last, abs=1e-9)
    assert (axis.name, axis.units) == ("Energy loss", "eV")
    assert [a.name for a in s.axes_manager.navigation_axes] == ["spectrum"]
    assert labels.dtype.kind == "U"
    assert labels.shape == s.data.shape[:1]
    assert {c: int((labels == c).sum()) for c in dict.fromkeys(labels)} == COUNTS[dataset]
    assert {c: oxide.count for c, oxide in OXIDE_CLASSES[dataset].items()} == COUNTS[dataset]


@pytest.mark.parametrize("dataset", SETS)
def test_preprocessed_spectra_are_finite_and_have_maximum_one(dataset):
    s, _ = paper_set(dataset, 0)
    assert s.data.dtype == np.float32
    assert np.isfinite(s.data).all()
    assert_array_equal(s.data.max(axis=1), 1)
    assert len(np.unique(s.data, axis=0)) == len(s.data)


@pytest.mark.parametrize("dataset", SETS)
def test_raw_counts_preprocessed_by_the_user_give_the_set(dataset):
    raw, raw_labels = simulated_oxides(dataset, 12, raw=True, random_state=3)
    s, labels = simulated_oxides(dataset, 12, random_state=3)
    assert raw.data.dtype == np.int32
    energy = energy_of(raw)
    low, high = PREPROCESSING[dataset]["background_range"]
    assert energy[0] < low < high < energy[-1]
    before = raw.data.copy()
    processed = raw.dag_preprocess(**PREPROCESSING[dataset])
    assert_array_equal(raw.data, before)
    assert_array_equal(processed.data, s.data)
    assert_array_equal(energy_of(processed), energy_of(s))
    assert_array_equal(raw_labels, labels)


def test_metadata_says_simulated_and_how_and_survives_a_file(tmp_path):
    s, _ = simulated_oxides("MF", 8, raw=True, random_state=5)
    s.save(tmp_path / "s.hspy")
    for signal in (s, hs.load(tmp_path / "s.hspy")):
        simulation = signal.metadata.Simulation.as_dictionary()
        assert simulation["simulated"]
        assert simulation["dataset"] == "MF"
        assert simulation["entropy"] == "5"
        shell = simulation["classes"]["Mn ferrite shell"]
        assert shell["dose"] == OXIDE_CLASSES["MF"]["Mn ferrite shell"].dose
        assert shell["n_spectra"] == 8
        assert "MF" in signal.metadata.General.title
        assert signal.metadata.Acquisition_instrument.TEM.beam_energy == 200
        assert signal.metadata.Acquisition_instrument.TEM.Detector.EELS.collection_angle == 30


@pytest.mark.parametrize(
    ("n_spectra", "expected"),
    [
        (9, {"MnO": 9, "Mn2O3": 9, "MnO2": 9}),
        (np.int64(3), {"MnO": 3, "Mn2O3": 3, "MnO2": 3}),
        ({"MnO2": 4, "MnO": 2}, {"MnO": 2, "MnO2": 4}),
        ({"MnO2": 130, "MnO": 0}, {"MnO2": 130}),
    ],
)
def test_number_of_spectra(n_spectra, expected):
    s, labels = simulated_oxides("WL-Mn", n_spectra, raw=True)
    assert {c: int((labels == c).sum()) for c in dict.fromkeys(labels)} == expected
    assert len(s.data) == sum(expected.values())


# --- the sets against the paper and measured spectra ----------------------------------------------


@pytest.mark.parametrize(
    "seed", [0, pytest.param(1, marks=THOROUGH), pytest.param(2, marks=THOROUGH)]
)
@pytest.mark.parametrize("dataset", SETS)
def test_signal_to_noise_figure_is_that_of_the_paper(dataset, seed):
    s, labels = paper_set(dataset, seed)
    for name, paper in PAPER_SNR[dataset].items():
        spectra = s.data[labels == name].astype(float)
        figure = np.mean(spectra.mean(axis=0) / spectra.std(axis=0))
        assert figure == pytest.approx(paper, rel=0.1), name


@pytest.mark.parametrize("dataset", ["W", "K", "WL-Fe", "WL-Mn"])
def test_signal_to_noise_figure_of_few_spectra(dataset):
    s, labels = simulated_oxides(dataset, 100)
    for name, paper in PAPER_SNR[dataset].items():
        spectra = s.data[labels == name].astype(float)
        assert np.mean(spectra.mean(axis=0) / spectra.std(axis=0)) == pytest.approx(paper, rel=0.15)


@pytest.mark.parametrize("name", COUNTS["WL-Mn"])
def test_noise_is_correlated_between_neighbours_as_measured(name):
    s, labels = simulated_oxides("WL-Mn", {name: 400}, raw=True)
    assert set(labels) == {name}
    # Before the edge there is nothing but the background, straight enough for a line.
    counts = s.isig[590.0:632.0].data.astype(float)
    x = np.linspace(-1, 1, counts.shape[1])
    polynomial = np.polynomial.polynomial
    noise = counts - polynomial.polyval(x, polynomial.polyfit(x, counts.T, 1))
    noise /= noise.std(axis=1, keepdims=True)
    correlation = [np.mean(noise[:, lag:] * noise[:, :-lag]) for lag in range(1, 5)]
    assert_allclose(correlation, MEASURED_CORRELATION, atol=0.03)


def test_point_spread_alone_gives_the_measured_correlation():
    kernel = point_spread()
    correlation = np.correlate(kernel, kernel, "full")[len(kernel) :][:4] / (kernel**2).sum()
    assert_allclose(correlation, MEASURED_CORRELATION, atol=0.008)


def test_iron_white_lines():
    energy, mean = means("WL-Fe")
    l3 = {name: peak(energy, spectrum, 700, 716) for name, spectrum in mean.items()}
    assert l3["FeO"] == pytest.approx(708, abs=0.5)
    assert 0.7 < l3["Fe3O4"] - l3["FeO"] < 2  # chemical shift of Fe3+
    for spectrum in mean.values():
        assert peak(energy, spectrum, 717, 727) == pytest.approx(721.5, abs=1)


def test_manganese_white_lines_shift_up_and_lose_l3_with_valence():
    energy, mean = means("WL-Mn")
    l3 = [peak(energy, mean[name], 635, 647) for name in ("MnO", "Mn2O3", "MnO2")]
    assert l3[0] == pytest.approx(640, abs=0.8)
    assert l3[0] + 0.5 < l3[1] < l3[2] - 0.5
    assert l3[2] < 644
    ratio = []
    for name in ("MnO", "Mn2O3", "MnO2"):
        spectrum = mean[name]
        assert peak(energy, spectrum, 649, 658) == pytest.approx(653, abs=1)
        # continuum: two steps of 2:1 under the lines, as Pearson et al. subtract it
        after = spectrum[energy > 675].mean()
        top = energy[spectrum.argmax()]
        continuum = after * np.where(energy < top, 0, np.where(energy < top + 11, 2 / 3, 1))
        lines = spectrum - continuum
        first = lines[(energy > top - 5) & (energy < top + 6)].sum()
        second = lines[(energy > top + 8) & (energy < top + 18)].sum()
        ratio.append(first / second)
    assert ratio[0] > ratio[1] > ratio[2] > 1.5
    assert ratio[0] < 7


def test_oxygen_edge_tells_the_iron_oxides_apart():
    energy, mean = means("K")
    before = (energy > 465) & (energy < 520)
    for spectrum in mean.values():
        assert abs(spectrum[before].mean()) < 0.03
    assert peak(energy, mean["FeO"], 530, 550) == pytest.approx(539, abs=1)
    assert peak(energy, mean["Fe3O4"], 535, 550) == pytest.approx(540.6, abs=1)
    assert peak(energy, mean["FeO"], 552, 572) < peak(energy, mean["Fe3O4"], 552, 572)
    valley = {n: m[(energy > 532.5) & (energy < 535)].min() for n, m in mean.items()}
    top = {n: m[(energy > 529.5) & (energy < 532)].max() for n, m in mean.items()}
    assert top["Fe3O4"] > valley["Fe3O4"] + 0.1  # a pre-peak of its own
    assert top["FeO"] < valley["FeO"]  # a shoulder at most


def test_core_has_less_manganese_than_the_shell():
    energy, mean = means("MF")
    for name, spectrum in mean.items():
        assert peak(energy, spectrum, 700, 716) == pytest.approx(709.5, abs=1), name
    window = (energy > 638) & (energy < 646)
    assert mean["Fe3O4 core"][window].max() < 0.2
    assert mean["Mn ferrite shell"][window].max() > 0.4


def test_oxygen_set_is_the_wide_set_cropped():
    wide, labels = simulated_oxides("W", 20)
    narrow, narrow_labels = simulated_oxides("K", 20)
    crop = wide.isig[460.0:610.0].data
    assert_allclose(narrow.data, crop / crop.max(axis=1, keepdims=True), atol=1e-5)
    assert_array_equal(labels, narrow_labels)


@pytest.mark.parametrize(("dataset", "low"), [("W", 0.97), ("K", 0.96), ("WL-Fe", 0.95)])
def test_classes_can_be_told_apart_but_not_trivially(dataset, low):
    from sklearn.svm import SVC

    s, labels = paper_set(dataset, 0)
    train = np.zeros(len(labels), dtype=bool)
    train[np.random.default_rng(0).permutation(len(labels))[: int(0.15 * len(labels))]] = True
    data = s.data
    gamma = 0.5 / (data.shape[1] * data[train].var())
    model = SVC(C=10, gamma=gamma).fit(data[train], labels[train])
    assert low < model.score(data[~train], labels[~train]) < 1


# --- reproducibility ------------------------------------------------------------------------------


def raw(n_spectra=3, **kwargs):
    return simulated_oxides("WL-Mn", n_spectra, raw=True, **kwargs)[0].data


def test_same_random_state_same_spectra():
    assert_array_equal(raw(random_state=7), raw(random_state=7))
    assert_array_equal(raw(random_state=0), raw())
    assert (raw(random_state=7) != raw(random_state=8)).mean() > 0.9
    assert (raw(random_state=None) != raw(random_state=None)).mean() > 0.9


def test_seed_sequence_is_not_changed_and_its_children_differ():
    seed = np.random.SeedSequence(7)
    assert_array_equal(raw(random_state=seed), raw(random_state=seed))
    assert_array_equal(raw(random_state=seed), raw(random_state=7))
    assert seed.n_children_spawned == 0
    first, second = seed.spawn(2)
    assert (raw(random_state=first) != raw(random_state=second)).mean() > 0.9
    assert (raw(random_state=first) != raw(random_state=seed)).mean() > 0.9


def test_generator_is_advanced():
    one, other = np.random.default_rng(1), np.random.default_rng(1)
    first = raw(random_state=one)
    assert_array_equal(first, raw(random_state=other))
    assert (first != raw(random_state=one)).mean() > 0.9


def test_global_random_state_is_left_alone():
    before = np.random.get_state()[1].copy()
    raw()
    assert_array_equal(np.random.get_state()[1], before)


def test_streams_of_the_classes_are_independent():
    """Neither the count of a class nor that of another changes the first spectra."""
    s, labels = simulated_oxides("WL-Mn", {"MnO": 5, "Mn2O3": 300, "MnO2": 2}, raw=True)
    for name in ("MnO", "Mn2O3", "MnO2"):
        part = s.data[labels == name]
        alone, _ = simulated_oxides("WL-Mn", {name: 140}, raw=True)
        n = min(len(part), 140)
        assert_array_equal(part[:n], alone.data[:n])
    counts = s.data.astype(float)
    assert len(np.unique(counts, axis=0)) == len(counts)


def test_no_two_classes_or_blocks_share_a_stream(monkeypatch):
    from hyperspy_dag.data import _sets

    keys = []
    draw = _sets._draw

    def record(rng, *arguments):
        keys.append(rng.bit_generator.seed_seq.spawn_key)
        return draw(rng, *arguments)

    monkeypatch.setattr(_sets, "_draw", record)
    for dataset in ("W", "WL-Mn", "MF"):
        simulated_oxides(dataset, 300, raw=True)
    assert len(keys) == len(set(keys)) == (2 + 3 + 2) * 3


# --- physics --------------------------------------------------------------------------------------


def optics(energy, edges):
    return Optics(
        energy, edges, floor=FLOOR, plasmon_energy=PLASMON_ENERGY, plasmon_fwhm=PLASMON_FWHM
    )


def test_peak_is_a_pseudo_voigt():
    energy = np.linspace(690, 730, 401)
    x = (energy - 708) / 1.5  # in half widths
    expected = 2 * (0.3 / (1 + x**2) + 0.7 * 2.0 ** -(x**2))
    assert_allclose(Peak(708.0, 2.0, 3.0, 0.3)(energy), expected, atol=1e-12)


def test_step_rises_to_its_height_and_falls_as_a_power():
    energy = np.linspace(500, 800, 3001)
    step = Step(530.0, 0.4, 2.0, 3.0)(energy)
    assert step[energy < 515].max() < 0.005
    late = energy > 700
    assert_allclose(step[late], 0.4 * (energy[late] / 530) ** -3, rtol=0.01)


def test_thin_still_and_sharp_leaves_the_edge_as_it_is():
    energy = 585 + 0.1 * np.arange(1050)
    edge = EDGES["Mn2+ L"]
    none = np.zeros(1)
    spectrum = optics(energy, [edge]).spectra(np.ones((1, 1)), none, none, none)[0]
    assert_allclose(spectrum, evaluate(edge, energy), atol=1e-10)


def test_energy_shift_moves_the_edge_up():
    energy = 585 + 0.1 * np.arange(1050)
    edge = EDGES["Mn4+ L"]
    blur, none = np.full(1, 0.3), np.zeros(1)
    model = optics(energy, [edge])
    still = model.spectra(np.ones((1, 1)), none, none, blur)[0]
    moved = model.spectra(np.ones((1, 1)), none, np.full(1, 0.73), blur)[0]
    expected = np.interp(energy - 0.73, energy, still)
    assert_allclose(moved[100:], expected[100:], atol=2e-3)


def test_plural_scattering_moves_intensity_to_higher_losses():
    energy = 515 + 0.25 * np.arange(2000)
    line = (Peak(640.0, 1.0, 2.0, 0.0),)
    none = np.zeros(1)
    model = optics(energy, [line])
    thin, thick = (model.spectra(np.ones((1, 1)), np.full(1, t), none, none)[0] for t in (0.0, 0.5))
    assert thick.sum() == pytest.approx(thin.sum(), rel=0.01)
    # what has lost nothing is exp(-t) of all (Poisson)
    around = (energy > 636) & (energy < 644)
    assert thick[around].sum() / thin.sum() == pytest.approx(np.exp(-0.5), rel=0.03)
    assert peak(energy, thick, 650, 700) == pytest.approx(640 + PLASMON_ENERGY, abs=3)
    assert np.abs(thick[energy < 630]).max() < 1e-6


def test_detector_has_poisson_noise_spread_over_channels():
    n, channels, electrons, gain, readout = 400, 300, 40.0, 12.0, 3.0
    expected = np.full((n, channels + 2 * SPREAD_REACH), electrons)
    counts = detect(expected, np.random.default_rng(0), gain=gain, readout=readout)
    assert counts.shape == (n, channels)
    assert counts.dtype == np.int32
    assert counts.mean() == pytest.approx(gain * electrons, rel=0.005)
    kernel = point_spread()
    assert kernel.sum() == pytest.approx(1)
    variance = gain**2 * electrons * (kernel**2).sum() + readout**2 + 1 / 12  # and rounding
    assert counts.var() == pytest.approx(variance, rel=0.03)


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dataset", ["WL", "wl", " WL "])
def test_the_white_line_set_has_two_parts(dataset):
    with pytest.raises(ValueError, match="WL-Fe.*WL-Mn"):
        simulated_oxides(dataset)


@pytest.mark.parametrize(
    ("dataset", "nearest"), [("wl-mn", "WL-Mn"), ("WLFe", "WL-Fe"), ("w", "W"), ("mf ", "MF")]
)
def test_unknown_set_names_the_sets_and_the_nearest(dataset, nearest):
    with pytest.raises(ValueError, match=f"W, K, WL-Fe, WL-Mn, MF.*mean '{nearest}'"):
        simulated_oxides(dataset)


def test_set_must_be_a_name():
    with pytest.raises(TypeError, match="dataset must be one of W, K.*got 3"):
        simulated_oxides(3)


@pytest.mark.parametrize(
    ("n_spectra", "error", "message"),
    [
        (0, ValueError, "n_spectra must be at least 1.*0"),
        (-4, ValueError, "n_spectra must be at least 1.*-4"),
        (2.5, TypeError, "n_spectra must be a whole number.*2.5"),
        (True, TypeError, "n_spectra must be a whole number.*True"),
        ("all", TypeError, "n_spectra must be a whole number.*'all'"),
        ({"Mno": 3}, ValueError, "MnO, Mn2O3, MnO2.*mean 'MnO'"),
        ({"FeO": 3}, ValueError, "'FeO', which WL-Mn has not"),
        ({"MnO": -1}, ValueError, r"n_spectra\['MnO'\] must be at least 0"),
        ({"MnO": 1.5}, TypeError, r"n_spectra\['MnO'\] must be a whole number"),
        ({}, ValueError, "no spectrum at all.*MnO, Mn2O3, MnO2"),
        ({"MnO": 0}, ValueError, "no spectrum at all"),
    ],
)
def test_bad_number_of_spectra(n_spectra, error, message):
    with pytest.raises(error, match=message):
        simulated_oxides("WL-Mn", n_spectra)


@pytest.mark.parametrize(
    ("random_state", "error"),
    [("a", TypeError), (1.0, TypeError), (True, TypeError), (-1, ValueError)],
)
def test_bad_random_state(random_state, error):
    with pytest.raises(error, match="random_state must be"):
        simulated_oxides("WL-Mn", 2, random_state=random_state)


def test_raw_must_be_a_bool():
    with pytest.raises(TypeError, match="raw must be True or False; got 'yes'"):
        simulated_oxides("WL-Mn", 2, raw="yes")


# --- mixtures -------------------------------------------------------------------------------------


def test_mixture_of_one_class_is_the_class() -> None:
    """Pure rows have the mean and the noise of the set; shape and axis are those of fractions."""
    fractions = np.zeros((20, 20, 3))
    fractions[..., 2] = 1
    s = simulated_mixtures("WL-Mn", fractions, raw=True, random_state=4)
    pure, _ = simulated_oxides("WL-Mn", {"MnO2": 400}, raw=True, random_state=5)
    assert s.data.shape == (20, 20, *pure.data.shape[1:])
    data = s.data.reshape(pure.data.shape)
    np.testing.assert_allclose(data.mean(axis=0), pure.data.mean(axis=0), rtol=0.05)
    noise, expected = (np.diff(counts[:, ::8], axis=1).std() for counts in (data, pure.data))
    np.testing.assert_allclose(noise, expected, rtol=0.05)


def test_mixture_is_the_sum_of_its_parts() -> None:
    """At a dose that leaves no noise, clean edges of equal height add up in the fractions."""
    corners = np.repeat(np.eye(2)[:, np.newaxis], 10, axis=1)
    options = {"dose": 1e5, "drift": 0, "random_state": 6}
    pure = [simulated_mixtures("WL-Fe", one, **options).data for one in corners]
    mixed = simulated_mixtures("WL-Fe", np.tile([0.3, 0.7], (10, 1)), **options).data
    expected = 0.3 * pure[0] + 0.7 * pure[1]
    expected = expected / expected.max(axis=1, keepdims=True)
    np.testing.assert_allclose(mixed, expected, atol=0.02)


def test_mixtures_repeat_themselves() -> None:
    fractions = np.full((3, 3), 1 / 3)
    first = simulated_mixtures("WL-Mn", fractions, raw=True, random_state=1)
    again = simulated_mixtures("WL-Mn", fractions, raw=True, random_state=1)
    other = simulated_mixtures("WL-Mn", fractions, raw=True, random_state=2)
    np.testing.assert_array_equal(first.data, again.data)
    assert (first.data != other.data).any()


@pytest.mark.parametrize(
    ("dataset", "fractions", "message"),
    [
        ("WL-Mn", [[0.5, 0.5]], "3 classes MnO, Mn2O3, MnO2"),
        ("WL-Mn", [[0.5, 0.6, -0.1]], "not be negative"),
        ("WL-Mn", [[0.5, 0.4, 0.4]], "sum in each spectrum 1"),
        ("WL-Mn", [1.0, 0.0, 0.0], "one to three axes"),
        ("MF", [[0.5, 0.5]], "denoised"),
    ],
)
def test_mixtures_that_are_none(dataset: str, fractions: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        simulated_mixtures(dataset, fractions)
