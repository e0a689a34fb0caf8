# SPDX-License-Identifier: GPL-3.0-or-later
"""Preprocessing of measured spectra, and the checks of what a DAG is trained on."""

from __future__ import annotations

import re
import tracemalloc
import warnings

import dask
import dask.array as da
import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pytest
import scipy.optimize
from exspy.signals import EELSSpectrum
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_dag import EELSAugmenter, __version__
from hyperspy_dag.preprocessing import check_signal, preprocess
from hyperspy_dag.training.training_set import training_set

ENERGIES = {"size": 200, "offset": 400.0, "scale": 0.5, "units": "eV", "name": "Energy loss"}


def edge_spectra(*nav_shape: int, seed: int = 0, noise: float = 1.0, axis: dict = ENERGIES):
    """Counts: a power law of random height and exponent, an edge with a white line at 460 eV."""
    rng = np.random.default_rng(seed)
    s = EELSSpectrum(
        np.zeros((*nav_shape, axis["size"])),
        axes=[
            *({"size": n, "name": f"n{i}", "navigate": True} for i, n in enumerate(nav_shape)),
            axis,
        ],
    )
    x = s.axes_manager[-1].axis
    height = rng.uniform(300, 600, (*nav_shape, 1))
    background = height * (x / x[0]) ** -rng.uniform(2.5, 3.5, (*nav_shape, 1))
    edge = 0.3 * height * ((x > 459) + 2 * np.exp(-0.5 * ((x - 462) / 2) ** 2))
    s.data = background + edge + noise * rng.standard_normal(s.data.shape)
    return s


def power_law_of_two_halves(spectrum, energies, half, first):
    """The power law with the counts of both halves of a window, by root finding."""
    left, right = (
        slice(first, first + half),
        slice(first + half, first + 2 * half),
    )

    def misfit(exponent):
        power = energies**-exponent
        return np.log(power[left].sum() / power[right].sum()) - np.log(
            spectrum[left].sum() / spectrum[right].sum()
        )

    power = energies ** -scipy.optimize.brentq(misfit, -20, 40, xtol=1e-13)
    both = slice(first, first + 2 * half)
    return power * spectrum[both].sum() / power[both].sum()


def by_hand(s, background=None, signal=None, components=None):
    """What preprocess should return, step by step with SciPy, HyperSpy and NumPy."""
    if background:
        axis = s.axes_manager[-1]
        first, last = axis.value_range_to_indices(*background)
        s = s.deepcopy()
        s.change_dtype("float64")
        for spectrum in s.data.reshape(-1, axis.size):
            spectrum -= power_law_of_two_halves(spectrum, axis.axis, (last - first) // 2, first)
    data = (s.isig[float(signal[0]) : float(signal[1])] if signal else s).data.astype(float)
    if components:
        u, w, v = np.linalg.svd(data.reshape(-1, data.shape[-1]), full_matrices=False)
        data = ((u[:, :components] * w[:components]) @ v[:components]).reshape(data.shape)
    return data / data.max(axis=-1, keepdims=True)


# --- the steps against a reference ----------------------------------------------------------------


def test_all_steps_by_hand():
    s = edge_spectra(3, 5)
    result = preprocess(s, (410.0, 450.0), (440.0, 490.0), pca_components=4)
    expected = by_hand(s, (410.0, 450.0), (440.0, 490.0), 4)
    np.testing.assert_allclose(result.data, expected, rtol=0, atol=1e-12)
    assert type(result) is EELSSpectrum
    assert result.data.dtype == np.float64
    assert (result.data.max(axis=-1) == 1).all()
    axis = result.axes_manager[-1]
    assert (axis.offset, axis.scale, axis.size, axis.units) == (440.0, 0.5, 100, "eV")
    assert axis.name == "Energy loss"
    assert [a.name for a in result.axes_manager.navigation_axes] == ["n1", "n0"]


@pytest.mark.parametrize(
    ("offset", "scale", "window"),
    [
        (400.0, 0.1, (402.0, 440.0)),
        (400.0, 0.5, (402.0, 440.0)),
        (600.0, 8.0, (750.0, 910.0)),
        (40.0, 1.0, (45.0, 300.0)),
    ],
)
def test_exact_power_law_leaves_nothing(offset, scale, window):
    """Whatever the width of channels and window, in front of the window and behind it."""
    axis = {**ENERGIES, "size": 800, "offset": offset, "scale": scale}
    s = EELSSpectrum(np.zeros((3, 800)), axes=[{"size": 3}, axis])
    x = s.axes_manager[-1].axis
    for i, exponent in enumerate((1.5, 2.7, 4.5)):
        s.data[i] = 1e9 * x**-exponent
    rest = preprocess(s, window, normalise=False)
    assert np.abs(rest.data / s.data).max() < 1e-9


def test_the_background_is_hyperspys_where_channels_are_fine():
    s = edge_spectra(3, noise=0.0)
    theirs = s.remove_background(
        signal_range=(410.0, 450.0), background_type="PowerLaw", show_progressbar=False
    )
    ours = preprocess(s, (410.0, 450.0), normalise=False)
    edge = np.ptp(theirs.data, axis=1, keepdims=True)
    assert (np.abs(ours.data - theirs.data) < 0.02 * edge).all()


def test_an_edge_at_coarse_channels_keeps_its_height():
    """Half a channel's error of the power law took a sixth of it away."""
    e = 600 + 8.0 * np.arange(80)
    background = 1e6 * (e / 600) ** -3.0
    edge = 0.05 * background * (e > 931)
    s = EELSSpectrum(np.tile(background + edge, (12, 1)))
    axis = s.axes_manager[-1]
    axis.offset, axis.scale, axis.units = 600.0, 8.0, "eV"
    rest = preprocess(s, (750.0, 910.0), normalise=False).data
    np.testing.assert_allclose(rest, np.tile(edge, (12, 1)), atol=1e-3 * edge.max())


@pytest.mark.parametrize("pca_components", [1, 3, 11, 12])
def test_pca_against_svd(pca_components):
    s = edge_spectra(3, 4)
    result = preprocess(s, pca_components=pca_components)
    np.testing.assert_allclose(result.data, by_hand(s, components=pca_components), atol=1e-12)
    assert result.learning_results.factors is None
    np.testing.assert_array_equal(preprocess(s, pca_components=pca_components).data, result.data)


def test_pca_of_few_channels_or_fewer_kinds_of_spectra():
    s = edge_spectra(6)
    narrow = preprocess(s, signal_range=(460.0, 461.5), pca_components=3)
    np.testing.assert_allclose(narrow.data, preprocess(s, signal_range=(460.0, 461.5)).data)
    s.data[:] = s.data[0]
    same = preprocess(s, pca_components=4)
    np.testing.assert_allclose(same.data, preprocess(s).data, atol=1e-12)


def test_pca_removes_noise():
    noisy = preprocess(edge_spectra(200, noise=20.0), (410.0, 450.0), (440.0, 490.0))
    clean = preprocess(edge_spectra(200, noise=0.0), (410.0, 450.0), (440.0, 490.0))
    denoised = preprocess(
        edge_spectra(200, noise=20.0), (410.0, 450.0), (440.0, 490.0), pca_components=3
    )
    assert np.std(denoised.data - clean.data) < 0.5 * np.std(noisy.data - clean.data)


def test_slabs_do_not_show(monkeypatch):
    s = edge_spectra(5, 7)
    whole = preprocess(s, (410.0, 450.0), (440.0, 490.0), pca_components=3)
    monkeypatch.setattr("hyperspy_dag.preprocessing.steps._SLAB_VALUES", 4 * 200)
    parts = preprocess(s, (410.0, 450.0), (440.0, 490.0), pca_components=3)
    np.testing.assert_allclose(parts.data, whole.data, atol=1e-12)


# --- properties -----------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25)
@given(
    nav_shape=st.lists(st.integers(1, 4), max_size=3).map(tuple),
    seed=st.integers(0, 1000),
    dtype=st.sampled_from(["float32", "float64", "uint16", "int32", ">f4", "float16"]),
    background=st.booleans(),
    lazy=st.booleans(),
    components=st.none() | st.integers(1, 3),
)
def test_maximum_is_one_and_input_untouched(nav_shape, seed, dtype, background, lazy, components):
    s = edge_spectra(*nav_shape, seed=seed)
    s.data = s.data.astype(dtype)
    if components and np.prod(nav_shape) < max(2, components):
        components = None
    before, metadata = s.data.copy(), s.metadata.as_dictionary()
    given_signal = s.as_lazy() if lazy else s
    result = preprocess(
        given_signal, (410.0, 450.0) if background else None, None, pca_components=components
    )
    assert result._lazy == lazy
    if lazy:
        result.compute(progressbar=False)
    assert type(result) is EELSSpectrum
    assert result.data.shape == s.data.shape
    assert result.data.dtype == (np.float64 if dtype == "float64" else np.float32)
    assert (result.data.max(axis=-1) == 1).all()
    np.testing.assert_array_equal(s.data, before)
    assert s.data.dtype == np.dtype(dtype)
    assert s.metadata.as_dictionary() == metadata
    assert given_signal.axes_manager[-1].offset == 400.0


@settings(deadline=None, max_examples=25)
@given(
    low=st.floats(400.0, 490.0),
    width=st.floats(1.0, 100.0),
    offset=st.sampled_from([400.0, 399.9, 400.03]),
    scale=st.sampled_from([0.5, 0.5001, 0.3]),
)
def test_crop_is_that_of_isig(low, width, offset, scale):
    s = edge_spectra(2, axis={**ENERGIES, "offset": offset, "scale": scale, "size": 380})
    last = s.axes_manager[-1].axis[-1]
    high = min(low + width, last + scale)
    result = preprocess(s, signal_range=(low, high), normalise=False)
    expected = s.isig[low : high if high < last else None]
    np.testing.assert_array_equal(result.data, expected.data)
    np.testing.assert_array_equal(result.axes_manager[-1].axis, expected.axes_manager[-1].axis)


@settings(deadline=None, max_examples=10)
@given(
    chunks=st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(20, 200)),
    components=st.none() | st.integers(1, 4),
)
def test_lazy_equals_eager(chunks, components):
    s = edge_spectra(3, 4)
    lazy = s.as_lazy()
    lazy.data = lazy.data.rechunk(chunks)
    arguments = ((410.0, 450.0), (440.0, 490.0), True, components)
    expected = preprocess(s, *arguments)
    result = preprocess(lazy, *arguments)
    assert result._lazy
    result.compute(progressbar=False)
    tolerance = 1e-12 if components else 0
    np.testing.assert_allclose(result.data, expected.data, rtol=0, atol=tolerance)
    assert result.metadata.DAG.as_dictionary() == expected.metadata.DAG.as_dictionary()


@settings(deadline=None, max_examples=15)
@given(order=st.permutations(range(12)), components=st.none() | st.integers(1, 4))
def test_permuted_spectra_give_permuted_results(order, components):
    s = edge_spectra(12)
    mixed = s.deepcopy()
    mixed.data = s.data[order]
    arguments = ((410.0, 450.0), (440.0, 490.0), True, components)
    np.testing.assert_allclose(
        preprocess(mixed, *arguments).data, preprocess(s, *arguments).data[order], atol=1e-12
    )


# --- axes, metadata, side effects -----------------------------------------------------------------


def test_kev_axis_is_the_same_in_ev():
    s = edge_spectra(4)
    kev = s.deepcopy()
    axis = kev.axes_manager[-1]
    axis.offset, axis.scale, axis.units = 0.4, 0.0005, "keV"
    expected = preprocess(s, (410.0, 450.0), (440.0, 490.0))
    result = preprocess(kev, (410.0, 450.0), (440.0, 490.0))
    np.testing.assert_allclose(result.data, expected.data, atol=1e-9)
    assert result.axes_manager[-1].units == "eV"
    np.testing.assert_allclose(result.axes_manager[-1].axis, expected.axes_manager[-1].axis)
    assert (axis.units, axis.offset) == ("keV", 0.4)
    whole = preprocess(kev, signal_range=(400.0, 499.5))
    assert whole.axes_manager[-1].size == 200
    span = preprocess(kev, hs.roi.SpanROI(0.41, 0.45), hs.roi.SpanROI(0.44, 0.49))
    np.testing.assert_allclose(span.data, expected.data, atol=1e-9)
    assert training_set(
        preprocess(kev), [1] * 4, min_spectra=1, recommended_spectra=1
    ).energy_axis.description()["offset"] == pytest.approx(400.0)


def test_axis_without_units_is_in_ev_and_others_are_refused():
    s = edge_spectra(4)
    expected = preprocess(s, (410.0, 450.0)).data
    s.axes_manager[-1].units = ""
    np.testing.assert_array_equal(preprocess(s, (410.0, 450.0)).data, expected)
    for units in ("nm", "mev", "1/eV", "eV^-1", "eV/channel", "Energy Loss", "()"):
        s.axes_manager[-1].units = units
        with pytest.raises(ValueError, match=f"units '{re.escape(units)}', which are not eV"):
            preprocess(s)


@pytest.mark.parametrize(
    ("units", "factor"),
    [
        ("(eV)", 1.0),
        ("[eV]", 1.0),
        ("electron volts", 1.0),
        ("Electron-Volt", 1.0),
        ("Energy Loss (eV)", 1.0),
        ("energy loss / eV", 1.0),
        ("ΔE (eV)", 1.0),
        ("Energy [keV]", 1e3),
        ("kilo electron volts", 1e3),
        ("(meV)", 1e-3),
        ("(MeV)", 1e6),
    ],
)
def test_units_as_files_write_them(units, factor):
    s = edge_spectra(4)
    expected = preprocess(s, (410.0, 450.0))
    axis = s.axes_manager[-1]
    axis.offset, axis.scale, axis.units = axis.offset / factor, axis.scale / factor, units
    found = preprocess(s, (410.0, 450.0))
    np.testing.assert_allclose(found.data, expected.data, atol=1e-6)
    assert found.axes_manager[-1].units == "eV"


@pytest.mark.parametrize("lazy", [False, True])
def test_vacuum_whose_exponent_is_no_number_harms_no_other_spectrum(lazy):
    s = edge_spectra(6)
    window = (440.0, 443.0)
    expected = preprocess(s.inav[1:], window).data
    s.data[0] = 0
    s.data[0, 80:83], s.data[0, 83:86] = 100.0, 1.0  # an exponent of more than a thousand
    with pytest.warns(UserWarning, match="1 of 6 spectra"):
        found = preprocess(s.as_lazy() if lazy else s, window)
        if lazy:
            found.compute(progressbar=False)
    assert not found.data[0].any()
    np.testing.assert_allclose(found.data[1:], expected, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:in 3 of 3 spectra the maximum")
@pytest.mark.parametrize("kind", ["values", "expression"])
@pytest.mark.parametrize("binned", [True, False])
def test_non_uniform_axis(kind, binned):
    steps = {"size": 300, "offset": 0.0, "scale": 10 / 299}
    if kind == "values":
        axis = {"axis": 400 + np.linspace(0, 10, 300) ** 2 + np.linspace(0, 30, 300), "units": "eV"}
    else:
        axis = {"expression": "400 + x**2 + 3*x", "x": steps, "units": "eV", "size": 300}
    s = EELSSpectrum(np.zeros((3, 300)), axes=[{"size": 3, "navigate": True}, axis])
    x = s.axes_manager[-1].axis
    s.axes_manager[-1].is_binned = binned
    widths = np.gradient(x) if binned else 1.0  # a wider channel collects more counts
    s.data[:] = np.array([1e9, 2e9, 5e9])[:, None] * x**-3.0 * widths
    rest = preprocess(s, (405.0, 450.0), normalise=False)
    assert np.abs(rest.data / s.data).max() < 0.02
    cropped = preprocess(s, signal_range=(420.0, 480.0))
    np.testing.assert_array_equal(
        cropped.axes_manager[-1].axis, s.isig[420.0:480.0].axes_manager[-1].axis
    )
    assert (cropped.data.max(axis=-1) == 1).all()
    lazy = s.as_lazy()
    lazy.axes_manager[-1].is_binned = binned  # as_lazy forgets it
    lazy = preprocess(lazy, (405.0, 450.0), normalise=False)
    lazy.compute(progressbar=False)
    np.testing.assert_array_equal(lazy.data, rest.data)


def test_an_axis_that_is_an_expression_comes_from_kev_to_ev(tmp_path):
    def spectra(unit, name):
        axis = {"expression": "a*(400 + x**2 + 3*x)", "a": unit, "units": name}
        steps = {"size": 300, "offset": 0.0, "scale": 10 / 299}
        axis |= {"x": steps, "size": 300, "name": "Energy loss"}
        s = EELSSpectrum(np.zeros((30, 300)), axes=[{"size": 30, "navigate": True}, axis])
        energy = s.axes_manager[-1].axis / unit
        noise = np.random.default_rng(0).standard_normal((30, 300))
        s.data[:] = 1e9 * energy**-3.0 + 20 * (energy > 460) + noise
        return preprocess(s, (405.0, 450.0), (440.0, 500.0))

    expected, found = spectra(1.0, "eV"), spectra(1e-3, "keV")
    np.testing.assert_allclose(found.data, expected.data, atol=1e-6)
    found.save(tmp_path / "s.hspy")
    drawn = EELSAugmenter(max_epochs=1, stopping=None, random_state=0)
    drawn = drawn.fit(found, ["a"] * 30, show_progressbar=False).sample(1)
    for s in (found, found.deepcopy(), found.inav[:2], hs.load(tmp_path / "s.hspy"), drawn):
        axis = s.axes_manager[-1]
        assert axis.units == "eV"
        np.testing.assert_allclose(axis.axis, expected.axes_manager[-1].axis)


def test_record_survives_saving_and_a_second_call(tmp_path):
    s = edge_spectra(4)
    s.metadata.set_item("Signal.Noise_properties.variance", 2.0)
    first = preprocess(s, (410.0, 450.0), normalise=False, pca_components=np.int64(2))
    assert first.metadata.has_item("Signal.Noise_properties")
    second = preprocess(first, signal_range=[440, 490])
    assert not second.metadata.has_item("Signal.Noise_properties")
    second.save(tmp_path / "p.hspy")
    record = training_set(
        hs.load(tmp_path / "p.hspy"), ["a"] * 4, min_spectra=1, recommended_spectra=1
    ).preprocessing
    assert record == {
        "background_range": (410.0, 450.0),
        "signal_range": (440.0, 490.0),
        "normalise": True,
        "pca_components": 2,
        "version": __version__,
    }
    assert type(record["pca_components"]) is int
    second.data += 1
    with pytest.warns(UserWarning, match="was removed already"):
        preprocess(second, (441.0, 450.0))


def test_no_output_figure_or_left_over(capsys):
    s = edge_spectra(2, 3)
    s.decomposition(print_info=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = preprocess(s, (410.0, 450.0), (440.0, 490.0), pca_components=2)
    assert plt.get_fignums() == []
    assert capsys.readouterr().err == ""
    assert result.learning_results.factors is None
    assert s.learning_results.factors is not None


def test_lazy_signal_is_not_read_before_it_is_computed():
    s = edge_spectra(2, 3).as_lazy()

    def fail(block):
        raise RuntimeError("read")

    s.data = s.data.map_blocks(fail, dtype=float, meta=np.empty((0, 0, 0)))
    result = preprocess(s, (410.0, 450.0), (440.0, 490.0))
    with pytest.raises(RuntimeError, match="read"):
        result.data.compute()


# --- spectra with nothing in them -----------------------------------------------------------------


def with_holes():
    s = edge_spectra(4, 5)
    s.data[0, 2] = 0
    s.data[1, 3] = -5
    s.data[3, 1, 40] = np.nan
    s.data[2, 4, 65:] = 0  # counts in one half of the background range alone
    s.data[2, 0, 65:101], s.data[2, 0, 66] = 0, -0.0
    return s


HOLES = {(0, 2), (1, 3), (3, 1), (2, 4), (2, 0)}


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("components", [None, 3])
def test_empty_spectra_are_zeroed_and_reported(lazy, components):
    s = with_holes()
    # Half of the range ends exactly at channel 65 = 432.5 eV.
    arguments = ((415.0, 450.0), (440.0, 490.0), True, components)
    with pytest.warns(UserWarning, match="set to 0") as caught:
        result = preprocess(s.as_lazy() if lazy else s, *arguments)
        if lazy:
            result.compute(progressbar=False)
    message = str(caught[0].message)
    assert "5 of 20 spectra" in message
    assert "1 (masked, NaN or infinite values; first at navigation position (1, 3))" in message
    assert "4 (no counts for a power law from 415 to 450 eV; first at" in message
    assert "position (2, 0))" in message
    good = np.ones((4, 5), dtype=bool)
    for hole in HOLES:
        good[hole] = False
        assert not result.data[hole].any()
    # The others are as if the empty ones had not been there.
    alone = EELSSpectrum(s.data[good], axes=[{"size": 15, "navigate": True}, ENERGIES])
    np.testing.assert_allclose(
        result.data[good], preprocess(alone, *arguments).data, rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("background", [None, (420.0, 455.0)])
def test_nan_outside_of_what_is_kept_is_of_no_concern(background, recwarn):
    s = edge_spectra(4)
    expected = preprocess(s, background_range=background, signal_range=(450.0, 480.0))
    s.data[:, -5:] = np.nan  # as shifts and alignment leave it
    s.data[:, :3] = np.inf
    result = preprocess(s, background_range=background, signal_range=(450.0, 480.0))
    np.testing.assert_array_equal(result.data, expected.data)
    assert not recwarn.list


def test_spectra_that_were_normalised_before_are_on_record_as_such():
    s = preprocess(preprocess(edge_spectra(3)), signal_range=(440.0, 480.0), normalise=False)
    assert s.metadata.DAG.preprocessing.normalise is True
    assert not preprocess(edge_spectra(3), normalise=False).metadata.DAG.preprocessing.normalise


def test_principal_components_of_a_lazy_signal_need_memory_for_few_blocks():
    blocks = da.random.default_rng(0).random((16_384, 128), chunks=(128, 128))  # 16 MiB
    s = EELSSpectrum(blocks + 1).as_lazy()
    preprocess(s.inav[:256], pca_components=3)  # imports
    tracemalloc.start()
    result = preprocess(s, pca_components=3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result._lazy
    assert peak < blocks.nbytes / 4


def test_blocks_of_a_lazy_signal_report_their_own_position():
    lazy = with_holes().as_lazy()
    lazy.data = lazy.data.rechunk((2, 5, 50))
    with pytest.warns(UserWarning) as caught:
        preprocess(lazy, (415.0, 450.0), (440.0, 490.0)).compute(progressbar=False)
    messages = sorted(str(w.message) for w in caught if "set to 0" in str(w.message))
    assert len(messages) == 2
    assert "position (0, 2)" in messages[1]
    assert "position (1, 3)" in messages[1]


def test_constant_and_negative_spectra_are_not_normalised():
    s = edge_spectra(5)
    s.data[1] = 7
    s.data[3] -= s.data[3].max() + 1
    with pytest.warns(UserWarning, match=r"2 of 5 .*2 \(no positive maximum or constant; first.*1"):
        result = preprocess(s)
    assert not result.data[[1, 3]].any()
    np.testing.assert_array_equal(preprocess(s, normalise=False).data, s.data)


def test_maximum_before_the_background_range_is_reported():
    s = edge_spectra(6)
    s.data[:, :10] *= 5
    with pytest.warns(UserWarning, match="in 6 of 6 spectra the maximum lies before"):
        preprocess(s, (410.0, 450.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        preprocess(s, (410.0, 450.0), (410.0, 490.0))


# --- wrong arguments ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"background_range": (300, 350)},
            ValueError,
            r"\(300, 350\) eV is not inside.*400 to 499",
        ),
        ({"signal_range": (450, 600)}, ValueError, r"signal_range \(450, 600\) eV is not inside"),
        ({"signal_range": (480, 450)}, ValueError, "lower energy first; got \\(480, 450\\)"),
        ({"signal_range": (450, 450)}, ValueError, "lower energy first"),
        ({"signal_range": (450, np.nan)}, ValueError, "two finite numbers"),
        ({"signal_range": (-np.inf, 450)}, ValueError, "two finite numbers"),
        ({"signal_range": (450.0, 450.1)}, ValueError, "holds no channel"),
        ({"signal_range": (450.0, None)}, TypeError, r"must be two numbers; got \(450.0, None\)"),
        ({"signal_range": "full"}, TypeError, "must be two numbers; got 'full'"),
        ({"background_range": 450}, TypeError, "must be two numbers; got 450"),
        ({"background_range": (410, 420, 430)}, TypeError, "must be two numbers"),
        ({"background_range": (True, 430)}, TypeError, "must be two numbers"),
        ({"background_range": ("410", "430")}, TypeError, "must be two numbers"),
        (
            {"background_range": (410.0, 411.0)},
            ValueError,
            "holds 3 channels of 0.5 eV.*at least 5",
        ),
        (
            {"background_range": (460, 480), "signal_range": (410, 450)},
            ValueError,
            r"\(460, 480\) eV must end before signal_range \(410, 450\)",
        ),
        ({"normalise": "max"}, ValueError, "choose from maximum, area, none.*mean 'maximum'"),
        ({"pca_components": 0}, ValueError, "from 1 to 6 .6 spectra of 200 channels.; got 0"),
        ({"pca_components": 7}, ValueError, "from 1 to 6"),
        ({"pca_components": 2.0}, TypeError, "whole number or None; got 2.0"),
        ({"pca_components": True}, TypeError, "whole number"),
    ],
)
def test_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        preprocess(edge_spectra(2, 3), **arguments)


def test_background_must_be_above_zero_loss():
    s = edge_spectra(3)
    s.axes_manager[-1].offset = -10.0
    with pytest.raises(ValueError, match="above 0 eV"):
        preprocess(s, (-5.0, 20.0))


def test_single_spectrum():
    s = edge_spectra()
    result = preprocess(s, (410.0, 450.0), (440.0, 490.0))
    np.testing.assert_allclose(result.data, by_hand(s, (410.0, 450.0), (440.0, 490.0)), atol=1e-12)
    with pytest.raises(ValueError, match="needs several spectra"):
        preprocess(s, pca_components=1)


# --- what kind of signal --------------------------------------------------------------------------


def two_signal_axes():
    s = edge_spectra(3)
    s.axes_manager[0].navigate = False
    return s


@pytest.mark.parametrize(
    ("signal", "error", "message"),
    [
        (
            lambda: hs.signals.Signal1D(np.ones((3, 9))),
            TypeError,
            r'Signal1D.*set_signal_type\("EELS"',
        ),
        (lambda: hs.signals.Signal2D(np.ones((3, 9))), TypeError, "got Signal2D"),
        (lambda: np.ones((3, 9)), TypeError, "got ndarray"),
        (lambda: None, TypeError, "got NoneType"),
        (lambda: edge_spectra(3).transpose(signal_axes=2), TypeError, r"got Signal2D.*transpose"),
        (two_signal_axes, ValueError, "one signal axis"),
        (lambda: edge_spectra(3, 4).T, (TypeError, ValueError), "EELSSpectrum|one signal axis"),
        (
            lambda: hs.signals.ComplexSignal1D(np.ones((3, 9), complex)),
            TypeError,
            "complex data .complex128",
        ),
        (lambda: EELSSpectrum(np.ones((3, 9), bool)), TypeError, "dtype bool.*change_dtype"),
        (lambda: EELSSpectrum(np.ones((3, 9), complex)), TypeError, "complex data .complex128"),
        (
            lambda: EELSSpectrum(np.ones((3, 9)), axes=[{"size": 3}, {"size": 9, "scale": -1.0}]),
            ValueError,
            "must increase",
        ),
    ],
)
def test_check_signal(signal, error, message):
    for check in (check_signal, preprocess, lambda s: training_set(s, [0, 0, 0])):
        with pytest.raises(error, match=message):
            check(signal())


def test_a_list_where_one_signal_is_needed():
    for check in (check_signal, preprocess):
        with pytest.raises(TypeError, match="list of 2 signals.*one is needed"):
            check([edge_spectra(3), edge_spectra(4)])


# --- training set ---------------------------------------------------------------------------------

LABELS = np.array([["FeO", "Fe3O4", ""], ["Fe3O4", "FeO", "FeO"]])


def small_set(s, labels, **arguments):
    return training_set(s, labels, **{"min_spectra": 1, "recommended_spectra": 1} | arguments)


def test_training_set_holds_the_labelled_spectra():
    s = preprocess(edge_spectra(2, 3))
    training = small_set(s, LABELS)
    assert training.classes == ["Fe3O4", "FeO"]
    assert training.counts == {"Fe3O4": 2, "FeO": 3}
    assert training.channels == 200
    np.testing.assert_array_equal(
        training.spectra["FeO"], s.data[[0, 1, 1], [0, 1, 2]].astype("f4")
    )
    np.testing.assert_array_equal(training.spectra["Fe3O4"], s.data[[0, 1], [1, 0]].astype("f4"))
    for spectra in training.spectra.values():
        assert spectra.dtype == np.float32
        assert spectra.flags.c_contiguous
    assert training.energy_axis.description()["offset"] == 400.0
    assert training.preprocessing["normalise"] is True
    assert small_set(EELSSpectrum(s.data), LABELS).preprocessing is None


def test_digest_is_of_the_labelled_spectra_alone():
    s = preprocess(edge_spectra(2, 3))
    digest = small_set(s, LABELS).digest
    assert len(digest) == 64
    assert small_set(s.as_lazy(), LABELS).digest == digest
    fortran = EELSSpectrum(np.asfortranarray(s.data))
    assert small_set(fortran, LABELS).digest == digest
    flat = EELSSpectrum(s.data.reshape(6, -1).astype(">f8"))
    assert small_set(flat, LABELS.ravel()).digest == digest
    unlabelled = s.deepcopy()
    unlabelled.data[0, 2] = 0.5
    assert small_set(unlabelled, LABELS).digest == digest
    assert small_set(s, np.where(LABELS == "FeO", "x", LABELS)).digest != digest
    assert small_set(s, LABELS[:, ::-1]).digest != digest
    changed = s.deepcopy()
    changed.data[0, 0, 5] += 1e-3
    assert small_set(changed, LABELS).digest != digest


def test_digest_is_the_same_in_another_process(run_python):
    code = """
        import numpy as np
        from exspy.signals import EELSSpectrum
        from hyperspy_dag.training.training_set import training_set
        s = EELSSpectrum(np.eye(16, 8).astype("float32") + np.linspace(0, 0.5, 8))
        s.data /= s.data.max(axis=1, keepdims=True)
        labels = ["a", "b"] * 8
        print(">", training_set(s, labels, recommended_spectra=1).digest)
    """
    digests = set()
    for seed in "12":
        output = run_python(code, env={"PYTHONHASHSEED": seed}).stdout
        digests.add([line for line in output.splitlines() if line.startswith(">")][-1])
    assert len(digests) == 1


@settings(deadline=None, max_examples=25)
@given(
    nav_shape=st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple),
    lazy=st.booleans(),
    data=st.data(),
)
def test_every_labelled_spectrum_is_in_its_class(nav_shape, lazy, data):
    size = int(np.prod(nav_shape))
    labels = data.draw(
        st.lists(st.integers(-1, 2), min_size=size, max_size=size).filter(lambda x: max(x) >= 0)
    )
    spectra = np.linspace(0, 1, 9) * np.ones((size, 9))
    spectra[:, 0] = np.arange(size) / (size + 1)  # tells the spectra apart
    s = EELSSpectrum(spectra.reshape(*nav_shape, 9))
    training = small_set(s.as_lazy() if lazy else s, np.reshape(labels, nav_shape))
    assert training.classes == sorted(set(labels) - {-1})
    for label in training.classes:
        expected = [i for i, given_label in enumerate(labels) if given_label == label]
        found = training.spectra[label][:, 0] * (size + 1)
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_integer_spectra_are_converted():
    s = EELSSpectrum(np.eye(2, 9, dtype="int16"))
    training = small_set(s, [1, 1])
    assert training.spectra[1].dtype == np.float32


def test_only_blocks_with_labelled_spectra_are_read_and_once():
    s = preprocess(edge_spectra(20, 3))
    read = []

    def note(block, block_info=None):
        read.append(block_info[0]["chunk-location"][0])
        return block

    lazy = s.as_lazy()
    lazy.data = da.map_blocks(
        note, da.from_array(s.data, chunks=(1, 3, 200)), dtype=float, meta=np.empty((0, 0, 0))
    )
    labels = np.full((20, 3), -1)
    labels[[4, 11, 12]] = 1
    with dask.config.set(scheduler="synchronous"):
        training = small_set(lazy, labels)
    assert sorted(read) == [4, 11, 12]
    np.testing.assert_array_equal(
        training.spectra[1], s.data[[4, 11, 12]].reshape(9, -1).astype("f4")
    )


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        (
            (1, 2),
            np.nan,
            r"1 of 5 .*NaN or infinity \(200 values; first at navigation position \(2, 1\)",
        ),
        ((1, 2, 7), np.inf, r"\(1 values; first at navigation position \(2, 1\)"),
        ((1, 2), 0, r"1 of 5 .*constant, 1 of them zero \(first at navigation position \(2, 1\)"),
        ((1, 2), 1, r"1 of 5 .*constant, 0 of them zero \(first at navigation position \(2, 1\)"),
        (
            (1, 2, 50),
            20,
            r"1 of 5.*not max-normalised \(first at .*\(2, 1\)\).*1 to 20 .*dag_prep",
        ),
    ],
)
def test_bad_spectra_are_refused_where_they_are_labelled(lazy, where, value, message):
    s = preprocess(edge_spectra(2, 3))
    s.data[where] = value
    signal = s.as_lazy() if lazy else s
    with pytest.raises(ValueError, match=message):
        small_set(signal, LABELS)
    without = LABELS.copy()
    without[1, 2] = ""
    assert small_set(signal, without).counts == {"Fe3O4": 2, "FeO": 2}


def test_raw_counts_are_refused_with_the_way_out():
    with pytest.raises(
        ValueError, match=r"6 of 6.*maxima run from \d.*s\.dag_preprocess\(background"
    ):
        small_set(edge_spectra(2, 3), np.ones((2, 3), int))


def test_class_sizes():
    s = preprocess(edge_spectra(60))
    labels = np.array(["A"] * 30 + ["B"] * 23 + ["C"] * 7)
    with pytest.raises(ValueError, match=r"too few .* class 'C' \(7\); at least 8"):
        training_set(s, labels)
    labels[53:] = ""
    with pytest.warns(UserWarning, match=r"few spectra in class 'B' \(23\); with fewer than 30"):
        assert training_set(s, labels).counts == {"A": 30, "B": 23}
    with pytest.raises(ValueError, match="no spectrum is labelled"):
        training_set(s, np.full(60, -1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert training_set(s, np.ones(60, int)).classes == [1]


def test_duplicates_are_counted_within_a_class():
    s = preprocess(edge_spectra(12))
    s.data[3] = s.data[7] = s.data[1]
    s.data[0] = s.data[8]
    labels = ["A"] * 8 + ["B"] * 4
    with pytest.warns(UserWarning, match="2 in class 'A'. They"):
        small_set(s, labels)


def test_a_spectrum_of_two_classes():
    s = preprocess(edge_spectra(12))
    s.data[9] = s.data[2]
    with pytest.warns(UserWarning, match="more than one class: 1 of them, in classes 'A', 'B'"):
        small_set(s, ["A"] * 8 + ["B"] * 4)


def test_names_that_nearly_agree():
    s = preprocess(edge_spectra(12))
    with pytest.warns(UserWarning, match="blanks or capitals: 'FeO' and 'feo '"):
        small_set(s, ["FeO"] * 8 + ["feo "] * 4)


def test_dead_channel():
    s = preprocess(edge_spectra(12))
    s.data[5, 100] = -40.0
    with pytest.warns(UserWarning, match=r"1 of 12 .* down to -40 \(first at .* \(5,\)"):
        small_set(s, np.ones(12, int))


# --- real spectra ---------------------------------------------------------------------------------


def test_tio2_srtio3(real_data):
    s = hs.load(real_data("tio2_srtio3_raw.hspy"))
    raw = s.data.copy()
    result = preprocess(s, (400.0, 448.0), (440.0, 500.0))
    np.testing.assert_allclose(result.data, by_hand(s, (400.0, 448.0), (440.0, 500.0)), atol=1e-6)
    np.testing.assert_array_equal(s.data, raw)
    training = training_set(result, s.original_metadata.labels.y)
    assert training.counts == {0: 200, 1: 200}
    assert training.channels == result.axes_manager[-1].size == 200
    lazy = hs.load(real_data("tio2_srtio3_raw.hspy"), lazy=True)
    lazy = preprocess(lazy, (400.0, 448.0), (440.0, 500.0))
    assert lazy._lazy
    assert training_set(lazy, s.original_metadata.labels.y).digest == training.digest
    # Background gone: in front of Ti L3 little is left of what was of the height of the edge.
    ahead = result.isig[440.1:450.0].data.mean()
    assert abs(ahead) < 0.05


def test_iron_oxide_spectrum_image(real_data):
    file = real_data("fe_oxide_nanocubes.dm3")
    s = hs.load(file)
    vacuum = s.data.sum(axis=-1) < 0.3 * s.data.sum(axis=-1).max()
    result = preprocess(s, (470.0, 510.0), (500.0, 780.0))
    assert result.data.shape == (17, 19, 1120)
    assert (result.data.max(axis=-1) == 1).all()
    assert np.isfinite(result.data).all()
    lazy = preprocess(hs.load(file, lazy=True), (470.0, 510.0), (500.0, 780.0))
    assert lazy._lazy
    training = training_set(result, vacuum)
    assert training.classes == [False, True]
    assert training_set(lazy, vacuum).digest == training.digest
    lazy.compute(progressbar=False)
    np.testing.assert_array_equal(lazy.data, result.data)
    dead = s.deepcopy()
    dead.data[3, 4] = 0
    with pytest.warns(UserWarning, match=r"1 of 323 .*first at navigation position \(4, 3\)"):
        with_dead = preprocess(dead, (470.0, 510.0), (500.0, 780.0))
    others = np.ones((17, 19), dtype=bool)
    others[3, 4] = False
    np.testing.assert_array_equal(with_dead.data[others], result.data[others])


def test_manganese(real_data):
    s = hs.load(real_data("mn2_659.hspy"))
    labels = np.full(659, "Mn2+")
    # Interpolated after normalisation: maxima from 0.75 to 1. They are taken as they are.
    np.testing.assert_allclose(training_set(s, labels).spectra["Mn2+"], s.data, rtol=1e-6)
    training = training_set(preprocess(s), labels)
    assert training.counts == {"Mn2+": 659}
    expected = s.data / s.data.max(axis=1, keepdims=True)
    np.testing.assert_allclose(training.spectra["Mn2+"], expected, rtol=1e-6)


def test_energy_axis_that_is_not_the_last_is_refused() -> None:
    """Square data would be cut along the wrong axis without a word."""
    data = np.arange(1, 64 * 64 + 1, dtype=float).reshape(64, 64)
    energy = {"name": "Energy loss", "size": 64, "units": "eV", "navigate": False}
    s = EELSSpectrum(data, axes=[energy, {"name": "x", "size": 64, "navigate": True}])
    with pytest.raises(ValueError, match="must be the last of the data") as raised:
        preprocess(s)
    assert "s.transpose(signal_axes=s.axes_manager.signal_axes)" in str(raised.value)
    mended = preprocess(s.transpose(signal_axes=s.axes_manager.signal_axes))
    np.testing.assert_allclose(mended.data, (data / data.max(axis=0)).T, rtol=1e-6)
