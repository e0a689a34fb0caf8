# SPDX-License-Identifier: GPL-3.0-or-later
"""Masked values, spikes, a window on the edge, and preprocessing that is run twice."""

from __future__ import annotations

import warnings

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest
from exspy.signals import EELSSpectrum, LazyEELSSpectrum

from hyperspy_dag import common_energy_axis
from hyperspy_dag.data import simulated_oxides
from hyperspy_dag.labels import cluster
from hyperspy_dag.plotting import plot_spectra
from hyperspy_dag.preprocessing import preprocess
from hyperspy_dag.preprocessing.spikes import have_spikes
from hyperspy_dag.training.training_set import training_set

ENERGY = 600.0 + np.arange(100)
RANGES = {"background_range": (600, 640), "signal_range": (640, 690)}


def line(centre, width, energy=ENERGY):
    return np.exp(-0.5 * ((energy - centre) / width) ** 2)


def raw_spectra(n=20, noise=3.0):
    """Counts: a power law and a line at 660 eV, noise."""
    clean = 1000 * (600 / ENERGY) ** 3 + 200 * line(660, 5)
    return clean + np.random.default_rng(0).normal(0, noise, (n, 100))


def eels(data, **axis):
    s = (LazyEELSSpectrum if hasattr(data, "dask") else EELSSpectrum)(data)
    axis = {"offset": 600.0, "scale": 1.0, "units": "eV"} | axis
    for name, value in axis.items():
        setattr(s.axes_manager.signal_axes[0], name, value)
    return s


# --- masked values --------------------------------------------------------------------------------


def masked(lazy=False, integers=False, data=None):
    """A signal with 10⁶ counts beneath the mask of one value, in spectrum 3."""
    values = np.ma.masked_array(raw_spectra() if data is None else data)
    values[3, 62] = 1e6
    values[3, 62] = np.ma.masked
    values.data[3, 62] = 1e6
    if integers:
        values = values.astype(int)
    s = eels(np.zeros((20, 100)))
    s.data = values
    if lazy:
        s = s.as_lazy()
        s.data = da.from_array(values, chunks=(5, 40), asarray=False)
    return s


@pytest.mark.parametrize("integers", [False, True])
@pytest.mark.parametrize("lazy", [False, True])
def test_a_masked_value_is_reported_and_its_spectrum_zero(lazy, integers):
    with pytest.warns(UserWarning, match=r"1 of \d+ spectra .*masked.*position \(3,\)"):
        result = preprocess(masked(lazy, integers), **RANGES)
        if lazy:
            result.compute(progressbar=False)
    assert not np.ma.isMaskedArray(result.data)
    assert not result.data[3].any()
    others = np.delete(result.data, 3, axis=0)
    np.testing.assert_array_equal(others.max(axis=1), 1)


def test_a_masked_value_that_is_cropped_away_harms_nothing():
    expected = preprocess(eels(raw_spectra()), (600, 640), (640, 660)).data
    np.testing.assert_array_equal(preprocess(masked(), (600, 640), (640, 660)).data, expected)


@pytest.mark.parametrize("lazy", [False, True])
def test_fit_refuses_masked_values_unless_unlabelled(lazy):
    spectra = raw_spectra() / raw_spectra().max(axis=1, keepdims=True)
    s = masked(lazy, data=spectra)
    labels = np.full(20, "a", dtype=object)
    with pytest.raises(ValueError, match=r"1 of 20 .*masked values.*position \(3,\)"):
        training_set(s, labels)
    labels[3] = None
    found = training_set(s, labels, recommended_spectra=None).spectra["a"]
    np.testing.assert_allclose(found, np.delete(spectra, 3, axis=0), rtol=1e-6)


@pytest.mark.parametrize("lazy", [False, True])
def test_masked_values_are_used_nowhere_else(lazy):
    s = masked(lazy)
    assert (cluster(s, embedding="pca", min_cluster_size=5).data[3]) == -1
    coarse = eels(raw_spectra().reshape(20, 50, 2).sum(axis=2), offset=600.5, scale=2.0)
    resampled, _ = common_energy_axis([s, coarse], align_on=(640.0, 680.0))
    if lazy:
        resampled.compute(progressbar=False)
    assert np.isnan(resampled.data[3]).any()
    assert np.nanmax(resampled.data) < 1e5
    with pytest.raises(ValueError, match="masked"):
        plot_spectra(s, s, n=20)


# --- a window on the edge -------------------------------------------------------------------------


@pytest.mark.parametrize("window", [(455, 470), (456, 463), (440, 458), (450, 459.5)])
@pytest.mark.parametrize("lazy", [False, True])
def test_a_background_window_that_holds_the_edge(window, lazy):
    e = 430 + 0.3 * np.arange(200)
    lines = line(458.5, 1, e) + line(464, 1.2, e) + 0.3 / (1 + np.exp(-(e - 458)))
    noise = np.random.default_rng(0).normal(0, 20, (20, 200))
    s = eels(1e4 * (e / 430) ** -3.0 + 8e3 * lines + noise, offset=430.0, scale=0.3)
    s = s.as_lazy() if lazy else s
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        preprocess(s, (432, 454), (440, 475)).compute() if lazy else None
        preprocess(s, (432, 454), (440, 475))
    low, high = window
    with pytest.warns(UserWarning, match=rf"background_range \({low}, {high}\) eV holds more than"):
        found = preprocess(s, window, (440, 475))
        if lazy:
            found.compute(progressbar=False)


@pytest.mark.parametrize("dataset", ["W", "K", "WL-Fe", "WL-Mn", "MF"])
@pytest.mark.parametrize("n", [3, 30])
def test_windows_before_the_edge_are_not_warned_of(dataset, n):
    from hyperspy_dag.data._sets import PREPROCESSING

    s, _ = simulated_oxides(dataset, n_spectra=n, raw=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        preprocess(s, **PREPROCESSING[dataset])


def test_real_windows_before_and_on_the_edge(real_data):
    s = hs.load(real_data("tio2_srtio3_raw.hspy"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for spectra in (s, s.inav[:5], s.inav[200:], s.inav[7]):
            preprocess(spectra, (400.0, 448.0), (440.0, 500.0))
    for window in ((400.0, 461.0), (455.0, 470.0)):
        with pytest.warns(UserWarning, match="Does an edge begin inside it"):
            preprocess(s, window, (440.0, 500.0))


# --- a second run ---------------------------------------------------------------------------------


@pytest.mark.parametrize("lazy", [False, True])
def test_preprocessing_can_be_run_twice(lazy, recwarn):
    """The cell of a notebook: the window is cropped away, the crop is rounded to channels."""
    s = eels(raw_spectra())
    s = s.as_lazy() if lazy else s
    ranges = ((600.0, 640.0), (641.3, 689.7))
    first = preprocess(s, *ranges)
    second = preprocess(first, *ranges)
    for p in (first, second):
        p.compute() if lazy else None
    np.testing.assert_array_equal(second.data, first.data)
    assert second.axes_manager[-1].axis.tolist() == first.axes_manager[-1].axis.tolist()
    record = second.metadata.DAG.preprocessing.as_dictionary()
    assert record == first.metadata.DAG.preprocessing.as_dictionary()
    assert not [w for w in recwarn if w.category is UserWarning]
    with pytest.raises(ValueError, match="not inside"):
        preprocess(first, signal_range=(630.0, 689.7))


def test_a_range_rounded_to_channels_is_inside_the_axis():
    s = eels(raw_spectra())
    cropped = s.isig[641.3:689.7]
    found = preprocess(cropped, signal_range=(641.3, 689.7), normalise=False)
    np.testing.assert_array_equal(found.data, cropped.data)


# --- spikes ---------------------------------------------------------------------------------------


def with_spikes(spectra, rows, height, seed=0):
    """Spectra with a spike of one or two channels in some of them, in counts."""
    random = np.random.default_rng(seed)
    spectra = spectra.astype(float)
    at = random.integers(5, spectra.shape[1] - 5, len(rows))
    spectra[rows, at] += height
    spectra[rows, at + 1] += height * random.uniform(0, 0.5, len(rows))
    return spectra, at


def test_spikes_are_found_and_named_in_a_fit():
    s, labels = simulated_oxides("WL-Mn", n_spectra=100)
    labels = np.where(labels == "MnO", labels, "")
    rows = np.flatnonzero(labels)[[60, 3, 40, 77]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        training_set(s, labels)
    s.data, _ = with_spikes(s.data, rows, 2.0)
    s.data /= s.data.max(axis=1, keepdims=True)
    with pytest.warns(UserWarning, match=rf"4 of 100 .*spike.*position \({rows.min()},\)"):
        training_set(s, labels)
    labels[rows] = ""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        training_set(s, labels)


@pytest.mark.parametrize(
    "noise",
    [
        lambda r: r.standard_normal((300, 1000)),
        lambda r: r.standard_normal((8, 200)),
        lambda r: r.poisson(1.0, (300, 1000)),
        lambda r: np.exp(r.normal(0, 0.5, (300, 1))) * r.poisson(4.0, (300, 100)),
        # A line narrower than a channel or two, still and drifting.
        lambda r: line(660 + r.normal(0, 0.5, (50, 1)), 0.9) + 0.01 * r.standard_normal((50, 100)),
        lambda r: line(660 + r.normal(0, 3, (50, 1)), 0.9) + 0.01 * r.standard_normal((50, 100)),
        lambda r: line(660 + r.normal(0, 0.1, (10, 1)), 3.0) * r.uniform(0.8, 1, (10, 1)),
    ],
)
def test_noise_and_narrow_lines_are_no_spikes(noise):
    assert not have_spikes(noise(np.random.default_rng(1))).any()


@pytest.mark.parametrize("lazy", [False, True])
def test_spikes_are_removed_from_raw_spectra(lazy):
    raw, _ = simulated_oxides("WL-Mn", n_spectra=40, raw=True)
    ranges = ((590.0, 632.0), (615.0, 685.0))
    expected = preprocess(raw, *ranges).data
    rows = np.arange(7, 120, 22)
    data, _ = with_spikes(raw.data, rows, 3 * np.ptp(raw.data))
    spiked = raw.deepcopy()
    spiked.data = data
    s = spiked.as_lazy() if lazy else spiked
    with pytest.warns(UserWarning, match=r"removed from \d+ of \d+ spectra.*position \(7,\)"):
        found = preprocess(s, *ranges, remove_spikes=True)
        if lazy:
            found.compute(progressbar=False)
    others = np.delete(np.arange(120), rows)
    np.testing.assert_allclose(found.data[others], expected[others], atol=1e-6)
    area = found.isig[636.0:646.0].data.mean(axis=1) - expected[:, 210:310].mean(axis=1)
    assert np.abs(area).max() < 0.05
    assert found.metadata.DAG.preprocessing.remove_spikes
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = preprocess(found, *ranges, remove_spikes=True)
    np.testing.assert_array_equal(again.data, found.data)


def test_lines_of_a_rare_class_are_no_spikes():
    """Three in a hundred spectra have a line of one channel that the others lack."""
    data = raw_spectra(300)
    data[::33, 50] += 400
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = preprocess(eels(data), remove_spikes=True, normalise=False)
    np.testing.assert_array_equal(found.data, data)
    data[5, 70] += 400
    with pytest.warns(UserWarning, match="removed from 1 of 300"):
        preprocess(eels(data), remove_spikes=True)


def test_real_spectra_with_and_without_spikes(real_data):
    s = hs.load(real_data("tio2_srtio3_raw.hspy"))
    labels = np.asarray(s.original_metadata.labels.y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        training_set(preprocess(s, (400.0, 448.0), (440.0, 500.0)), labels)
    # Spectrum 18 has its maximum in two channels 13 eV above L3, six times what is around.
    s = hs.load(real_data("mn2_659.hspy"))
    with pytest.warns(UserWarning, match=r"2 of 659 .*spike.*position \(18,\)"):
        training_set(s, np.full(659, "Mn2+"))
    cubes = hs.load(real_data("fe_oxide_nanocubes.dm3"))
    with pytest.warns(UserWarning, match="spikes were removed from 6 of 323"):
        preprocess(cubes, (600.0, 690.0), (660.0, 780.0), remove_spikes=True)
