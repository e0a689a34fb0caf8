# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectra of several experiments: one energy axis, one training set, one augmenter."""

from __future__ import annotations

import warnings

import hyperspy.api as hs
import numpy as np
import pytest
from scipy.special import erf
from spectra import eels, white_lines

from hyperspy_dag import EELSAugmenter, common_energy_axis, get_labels
from hyperspy_dag.metrics import frechet_distance, peak_position
from hyperspy_dag.training.training_set import spectrum_digests, training_set

WIDTH = 2.0  # eV, of the line below


def line(energy, centre=645.0, resolution=0.0):
    """A line on a step, broadened by a Gaussian resolution (eV), in intensity per eV."""
    of_line, of_step = np.hypot(WIDTH, resolution), np.hypot(1.5, resolution)
    x = energy - centre
    step = 0.3 * (1 + erf(x / of_step / np.sqrt(2))) / 2
    return WIDTH / of_line * np.exp(-((x / of_line) ** 2) / 2) + step


def line_counts(energy, scale, *shape):
    """The same line in counts per channel: its integral over each channel, by Simpson's rule."""
    left, middle, right = (line(energy + f * scale, *shape) for f in (-0.5, 0, 0.5))
    return scale * (left + 4 * middle + right) / 6


def line_signal(offset, scale, size, *, n=3, counts=True, centre=645.0, resolution=0.0, **axis):
    energy = offset + scale * np.arange(size)
    shape = (centre, resolution)
    intensity = line_counts(energy, scale, *shape) if counts else line(energy, *shape)
    data = np.arange(1.0, n + 1)[:, None] * 100 * intensity
    s = eels(data, offset=offset, scale=scale, **axis)
    s.axes_manager.signal_axes[0].is_binned = counts
    return s


def axis_of(s):
    return s.axes_manager.signal_axes[0]


def normalised(data):
    return (data / data.max(axis=-1, keepdims=True)).astype(np.float32)


# --- the common axis ------------------------------------------------------------------------------


def test_the_overlap_at_the_coarsest_dispersion():
    fine, coarse = line_signal(620.13, 0.3, 200), line_signal(610.0, 0.5, 120)
    first, second = common_energy_axis([fine, coarse])
    a, b = axis_of(first), axis_of(second)
    assert (a.offset, a.scale, a.size, a.units) == (b.offset, b.scale, b.size, "eV")
    # Channels of the coarse one, 610.0 + 0.5 i, whose limits lie in [619.98, 680] and [.., 669.75].
    assert a.offset == pytest.approx(620.5) and a.scale == 0.5
    assert a.axis[-1] == pytest.approx(669.5)
    # The coarse one is cropped and nothing else.
    np.testing.assert_array_equal(second.data, coarse.isig[620.5:670.0].data)
    assert fine.data.shape == (3, 200) and axis_of(fine).scale == 0.3  # not changed


def test_rebinning_by_a_whole_number_is_hyperspys():
    random = np.random.default_rng(0)
    fine = eels(random.poisson(50.0, (4, 60)).astype(float), offset=600.0, scale=0.25)
    coarse = eels(np.ones((2, 20)), offset=600.25, scale=0.75)
    expected = fine.rebin(scale=(1, 3))
    first, _ = common_energy_axis([fine, coarse])
    np.testing.assert_allclose(first.data, expected.data, rtol=1e-12)
    assert axis_of(first).offset == pytest.approx(axis_of(expected).offset)


@pytest.mark.parametrize("counts", [True, False])
def test_rebinning_gives_what_the_coarse_instrument_would_have_measured(counts):
    """Counts per channel stay counts, intensities per eV stay those; the integral is conserved."""
    fine = line_signal(610.07, 0.11, 700, counts=counts)
    coarse = line_signal(612.0, 0.37, 180, counts=counts)
    first, second = common_energy_axis([fine, coarse])
    # Within a fine channel the line is taken as flat: an error of second order in its width.
    np.testing.assert_allclose(first.data, second.data, rtol=0, atol=2e-3 * first.data.max())
    integral = first.data.sum(axis=1) * (1 if counts else 0.37)
    energies = np.linspace(axis_of(first).axis[0] - 0.185, axis_of(first).axis[-1] + 0.185, 200_001)
    exact = np.trapezoid(line(energies), energies) * 100 * np.arange(1.0, 4.0)
    np.testing.assert_allclose(integral, exact, rtol=1e-5)


def test_one_channel_by_hand():
    """0.5 eV channels at 10.0, 10.5, ... into 0.8 eV channels: shares by overlap."""
    fine = eels(np.arange(1.0, 41.0)[None], offset=10.0, scale=0.5)
    coarse = eels(np.ones((1, 20)), offset=10.15, scale=0.8)
    first, _ = common_energy_axis([fine, coarse])
    # New channel 0 is 9.75 to 10.55: all of channel 0 (9.75-10.25), 0.6 of channel 1 (-10.75).
    assert first.data[0, 0] == pytest.approx(1 + 0.6 * 2)
    # New channel 1 is 10.55 to 11.35: 0.4 of channel 1, all of 2 (-11.25), 0.2 of 3 (-11.75).
    assert first.data[0, 1] == pytest.approx(0.4 * 2 + 3 + 0.2 * 4)


@pytest.mark.parametrize("noted", [True, False])
def test_normalised_spectra_are_normalised_again(noted):
    """Noisy maxima are averaged away, and the overlap may leave them out."""
    fine = eels(white_lines(5, 160, noise=0.2), offset=630.0, scale=0.2)
    if noted:
        fine = fine.dag_preprocess()
    coarse = eels(white_lines(5, 60), offset=632.0, scale=0.5)
    first, second = common_energy_axis([fine, coarse])
    for s in (first, second):
        assert s.data.dtype == np.float32
        np.testing.assert_array_equal(s.data.max(axis=1), 1)
    if not noted:  # nor are those normalised that were not
        counts, _ = common_energy_axis([fine * 100, coarse])
        assert counts.data.max() > 50


def test_nan_stays_where_it_is():
    fine = line_signal(600.0, 0.25, 400)
    coarse = line_signal(620.0, 0.5, 120)
    expected, _ = common_energy_axis([fine, coarse])
    fine.data[:, 3] = np.nan  # 600.75 eV, below the common axis
    result, _ = common_energy_axis([fine, coarse])
    np.testing.assert_array_equal(result.data, expected.data)
    fine.data[1, 200] = np.nan  # 650 eV
    result, _ = common_energy_axis([fine, coarse])
    wrong = np.isnan(result.data)
    assert 1 <= wrong.sum() <= 2 and wrong[1].any()
    np.testing.assert_array_equal(axis_of(result).axis[wrong[1]].round() == 650, True)
    np.testing.assert_allclose(result.data[~wrong], expected.data[~wrong], rtol=1e-6)


def test_units_of_energy():
    ev, kev = line_signal(620.0, 0.5, 100), line_signal(620.0, 0.5, 100)
    axis = axis_of(kev)
    axis.units, axis.offset, axis.scale = "keV", axis.offset / 1e3, axis.scale / 1e3
    first, second = common_energy_axis([kev, ev])
    np.testing.assert_array_equal(first.data, second.data)
    assert axis_of(first).units == "eV" and axis_of(first).offset == pytest.approx(620.0)
    axis.units = "nm"
    with pytest.raises(ValueError, match="signal 1 of 2.*'nm'"):
        common_energy_axis([kev, ev])


def test_lazy_signals_stay_lazy(recwarn):
    fine = eels(white_lines(24, 160).reshape(4, 6, 160), scale=0.2)
    lazy = fine.as_lazy()
    lazy.data = lazy.data.rechunk((2, 3, 50))
    coarse = eels(white_lines(5, 60))
    first, _ = common_energy_axis([lazy, coarse], align_on=(634.0, 648.0))
    assert first._lazy
    expected, _ = common_energy_axis([fine, coarse], align_on=(634.0, 648.0))
    shift = expected.metadata.DAG.preprocessing.common_axis["shift"]
    assert first.metadata.DAG.preprocessing.common_axis["shift"] == shift == 0
    np.testing.assert_array_equal(first.data.compute(), expected.data)


def test_the_record_and_files(tmp_path):
    fine, coarse = line_signal(620.13, 0.3, 200), line_signal(610.0, 0.5, 120)
    fine.metadata.General.title = "fine"
    fine.metadata.set_item("Signal.Noise_properties.variance", 3.0)
    first, _ = common_energy_axis([fine, coarse])
    first.save(tmp_path / "first.hspy")
    read = hs.load(tmp_path / "first.hspy")
    record = read.metadata.DAG.preprocessing.common_axis.as_dictionary()
    assert record["title"] == "fine" and record["channels"] == 200 and record["signals"] == 2
    assert (record["offset"], record["scale"], record["shift"]) == (620.13, 0.3, 0.0)
    assert not read.metadata.has_item("Signal.Noise_properties")
    # It stays noted through what comes after, and again.
    after = read.dag_preprocess()
    again, _ = common_energy_axis([after, coarse])
    assert again.metadata.DAG.preprocessing.common_axis["offset"] == 620.13
    assert training_set([after, coarse.dag_preprocess()], [[0, 0, 1], [0, 1, 1]], **FEW)


FEW = {"min_spectra": 1, "recommended_spectra": 1}


@pytest.mark.parametrize(
    ("signals", "error", "message"),
    [
        (lambda: line_signal(620.0, 0.5, 100), TypeError, "list of signals"),
        (lambda: [], ValueError, "empty"),
        (lambda: [line_signal(620.0, 0.5, 100), 3], TypeError, "signal 2 of 2.*int"),
        (
            lambda: [line_signal(620.0, 0.5, 20), line_signal(640.0, 0.5, 20)],
            ValueError,
            "do not overlap.*619.75 to 629.75",
        ),
        (
            lambda: [line_signal(620.0, 0.1, 100), line_signal(625.0, 1.0, 20)],
            ValueError,
            "overlap in 5 channels of 1 eV.*at least 8",
        ),
        (lambda: [line_signal(620.0, 0.5, 6)], ValueError, "6 channels; at least 8"),
    ],
)
def test_signals_that_have_no_common_axis(signals, error, message):
    with pytest.raises(error, match=message):
        common_energy_axis(signals())


def test_axes_that_are_not_uniform():
    one, other = line_signal(620.0, 0.5, 100), line_signal(620.0, 0.5, 100)
    axis_of(one).convert_to_non_uniform_axis()
    axis_of(other).convert_to_non_uniform_axis()
    np.testing.assert_array_equal(common_energy_axis([one, other])[0].data, one.data)
    with pytest.raises(ValueError, match="signal 1 of 2.*not uniform.*interpolate_on_axis"):
        common_energy_axis([one, line_signal(620.2, 0.5, 100)])


# --- alignment ------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [0.37, -1.9, 0.0])
def test_the_edge_comes_to_that_of_the_first_signal(offset):
    """Of other dispersion, resolution and height; to a small part of a channel."""
    first = line_signal(610.0, 0.3, 250)
    second = line_signal(605.0, 0.5, 150, centre=645.0 + offset, resolution=2.0)
    random = np.random.default_rng(0)
    second.data += random.normal(0, 1.0, second.data.shape)
    aligned = common_energy_axis([first, second], align_on=(630.0, 660.0))
    shift = aligned[1].metadata.DAG.preprocessing.common_axis["shift"]
    assert shift == pytest.approx(offset, abs=0.05)
    assert aligned[0].metadata.DAG.preprocessing.common_axis["shift"] == 0
    tops = [peak_position(s.data, axis_of(s).axis, (635, 655)) for s in aligned]
    assert tops[0].mean() == pytest.approx(tops[1].mean(), abs=0.5)  # skewed by the step


def test_the_window_may_be_drawn():
    first, second = line_signal(610.0, 0.3, 250), line_signal(605.0, 0.5, 150, centre=645.4)
    by_hand = common_energy_axis([first, second], align_on=(630.0, 660.0))
    axis = axis_of(first)
    axis.offset, axis.scale, axis.units = axis.offset / 1e3, axis.scale / 1e3, "keV"
    drawn = common_energy_axis([first, second], align_on=hs.roi.SpanROI(0.63, 0.66))
    np.testing.assert_allclose(drawn[1].data, by_hand[1].data, rtol=1e-5)


@pytest.mark.parametrize(
    ("window", "error", "message"),
    [
        (645.0, TypeError, "two energies"),
        ((630.0, "x"), TypeError, "must be a number"),
        ((660.0, 630.0), ValueError, "lower energy first"),
        ((500.0, 660.0), ValueError, "not inside the energy axis of signal 1"),
        ((664.0, 672.0), ValueError, "no edge"),
    ],
)
def test_windows_that_cannot_be_aligned_on(window, error, message):
    first, second = line_signal(610.0, 0.3, 250), line_signal(605.0, 0.5, 150, centre=655.0)
    second.data += np.random.default_rng(0).normal(0, 1.0, second.data.shape)
    with pytest.raises(error, match=message):
        common_energy_axis([first, second], align_on=window)


def test_synthetic_spectra_are_nothing_to_train_on(fitted):
    made = fitted[0].sample(30)
    with pytest.warns(UserWarning, match="the signal holds synthetic spectra"):
        training_set(made, get_labels(made))


def test_the_tail_of_an_edge_is_no_edge():
    """Any two smooth slopes correlate, at whatever shift."""
    first, second = line_signal(610.0, 0.3, 250), line_signal(605.0, 0.5, 150, centre=655.0)
    for s in (first, second):
        s.data[:] = s.data.mean(axis=tuple(range(s.data.ndim - 1)))
        s.data -= 3.0 * np.arange(s.data.shape[-1]) * axis_of(s).scale
    with pytest.raises(ValueError, match="no edge"):
        common_energy_axis([first, second], align_on=(668.0, 679.0))


def test_a_class_that_lies_elsewhere_in_another_signal_is_said():
    signals, labels = instruments()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        training_set(signals, labels, recommended_spectra=8)
    axis_of(signals[1]).offset += 2.5
    found = r"'Mn2\+' in signal 2 lie 2\.[3-7] eV above those in signal 1.*align_on"
    with pytest.warns(UserWarning, match=found):
        training_set(signals, labels, recommended_spectra=8)


def test_an_edge_too_far_away_is_no_edge_in_common():
    signals = [line_signal(610.0, 0.3, 250), line_signal(605.0, 0.5, 150, centre=660.0)]
    with pytest.raises(ValueError, match="signal 2 of 2 has no edge"):
        common_energy_axis(signals, align_on=(640.0, 650.0))


# --- training sets --------------------------------------------------------------------------------


def instruments(n=20, noise=0.05):
    """Two classes on each of two axes, and their labels."""
    signals, labels = [], []
    for seed, (offset, scale, channels) in enumerate([(630.0, 0.5, 48), (628.0, 0.4, 65)]):
        # The same lines in eV on either axis.
        energy = offset + scale * np.arange(channels)
        random = np.random.default_rng(seed)
        centre = np.repeat([638.0, 641.0], n)[:, None] + 0.1 * random.standard_normal((2 * n, 1))
        data = line(energy, centre) + noise * random.standard_normal((2 * n, channels))
        signals.append(eels(normalised(data), offset=offset, scale=scale))
        labels.append(np.repeat(["Mn2+", "Mn3+"], n))
    return signals, labels


def test_the_training_set_is_that_of_the_signals_on_one_axis():
    signals, labels = instruments()
    labels[1][3] = ""
    data = training_set(signals, labels, recommended_spectra=1)
    assert data.counts == {"Mn2+": 39, "Mn3+": 40}
    first, second = common_energy_axis(signals)
    by_hand = np.concatenate([first.data[:20], second.data[:3], second.data[4:20]])
    np.testing.assert_array_equal(data.spectra["Mn2+"], by_hand)
    stacked = hs.stack([first, second], axis=0)
    flat = np.concatenate(labels)
    assert data.digest == training_set(stacked, flat, recommended_spectra=1).digest
    # Once on one axis, nothing changes any more; and lazily it is all the same.
    assert data.digest == training_set([first, second], labels).digest
    lazy = [s.as_lazy() for s in signals]
    assert data.digest == training_set(lazy, labels).digest


@pytest.mark.filterwarnings("ignore:few spectra")
def test_metadata_is_a_copy():
    signals, labels = instruments()
    for s, size in zip(signals, (3, 4), strict=True):
        s.metadata.set_item("Acquisition_instrument.TEM.apertures", np.arange(size))
        s.metadata.set_item("Acquisition_instrument.TEM.gains", np.arange(3))
        s.original_metadata.set_item("x.y", np.arange(3))
    aligned = common_energy_axis(signals)
    aligned[1].metadata.Acquisition_instrument.TEM.apertures[0] = 9
    aligned[1].original_metadata.x.y[0] = 9
    data = training_set(signals, labels, recommended_spectra=1)
    # Of different lengths: that is nothing that both have in common.
    assert list(data.instrument["TEM"]) == ["gains"]
    augmenter = EELSAugmenter(max_epochs=1, stopping=None, random_state=0)
    augmenter.fit(signals[1], labels[1], show_progressbar=False)
    augmenter.sample(1).metadata.Acquisition_instrument.TEM.apertures[1] = 9
    for s in (signals[1], augmenter.sample(1)):
        np.testing.assert_array_equal(s.metadata.Acquisition_instrument.TEM.apertures, range(4))
    np.testing.assert_array_equal(signals[1].original_metadata.x.y, range(3))


@pytest.mark.filterwarnings("ignore:few spectra")
@pytest.mark.parametrize("binned", [True, False])
def test_counts_per_channel_or_per_ev_stay_what_they_were(binned):
    signals, labels = instruments()
    for s in signals:
        axis_of(s).is_binned = binned
    assert [axis_of(s).is_binned for s in common_energy_axis(signals)] == [binned] * 2
    augmenter = EELSAugmenter(max_epochs=1, stopping=None, random_state=0)
    augmenter.fit(signals[0], labels[0], show_progressbar=False)
    assert axis_of(augmenter.sample(1)).is_binned == binned
    # A class's own clean spectra have the intensity 1, however they are counted.
    clean = augmenter.sample(500, label="Mn2+", noise=False, energy_jitter=0).data.mean(axis=0)
    width = 0.5 if binned else 1.0
    fitted = width * augmenter.component("Mn2+", 0).function(axis_of(signals[0]).axis)
    assert (clean @ fitted) / (fitted @ fitted) == pytest.approx(1, abs=0.01)


def test_the_sources_are_recorded():
    signals, labels = instruments()
    signals[1] = signals[1].dag_preprocess(signal_range=(629.0, 652.0))
    signals[0].metadata.General.title = "first microscope"
    for s, camera in zip(signals, ("K2", "K3"), strict=True):
        s.metadata.set_item("Acquisition_instrument.TEM.beam_energy", 200.0)
        s.metadata.set_item("Acquisition_instrument.TEM.Detector.name", camera)
    data = training_set(signals, labels, align_on=(633.0, 647.0))
    first, second = (data.preprocessing["sources"][i] for i in "01")
    assert first["title"] == "first microscope" and first["spectra"] == 40
    assert (first["channels"], first["offset"], first["scale"]) == (48, 630.0, 0.5)
    assert second["preprocessing"]["signal_range"] == (629.0, 652.0)
    assert abs(second["shift"]) < 0.1 and data.preprocessing["align_on"] == (633.0, 647.0)
    assert data.instrument == {"TEM": {"beam_energy": 200.0}}  # what both have in common


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (lambda a, b: np.concatenate([a, b]), ValueError, "list of 2 signals needs a list"),
        (lambda a, b: [a], ValueError, "as many label maps.*1 of them"),
        (lambda a, b: [a, b[:5]], ValueError, "labels of signal 2 of 2.*shape"),
        (lambda a, b: [a, np.arange(40) % 2], TypeError, "of one kind in all signals"),
        (lambda a, b: [a, np.full(40, "")], ValueError, "signal 2 of 2.*no spectrum is labelled"),
    ],
)
def test_labels_that_do_not_belong_to_the_signals(labels, error, message):
    signals, given = instruments()
    with pytest.raises(error, match=message):
        training_set(signals, labels(*given))


def test_what_is_wrong_with_one_of_the_signals():
    signals, labels = instruments()
    broken = signals[1].deepcopy()
    broken.data[7] *= 100
    with pytest.raises(ValueError, match=r"1 of 40 labelled spectra of signal 2 of 2 are not max"):
        training_set([signals[0], broken], labels)
    with pytest.raises(ValueError, match="align_on aligns several"):
        training_set(signals[0], labels[0], align_on=(633.0, 647.0))
    with pytest.raises(ValueError, match=r"class 'Mn3\+' \(6\)"):
        few = [np.where(np.arange(40) < 23, own, "") for own in labels]
        training_set(signals, few)


def test_classes_that_come_from_one_instrument_each():
    signals, labels = instruments()
    apart = [np.where(labels[0] == "Mn2+", "Mn2+", ""), np.where(labels[1] == "Mn3+", "Mn3+", "")]
    with pytest.warns(UserWarning, match=r"'Mn2\+' in signal 1, 'Mn3\+' in signal 2.*instrument"):
        training_set(signals, apart, recommended_spectra=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        training_set(signals, labels)
        # One class has nothing to be confounded with; nor have the classes of one signal.
        training_set(signals, [np.where(own == "Mn2+", own, "") for own in labels], **FEW)
        training_set(signals[:1], labels[:1], recommended_spectra=1)


# --- the augmenter --------------------------------------------------------------------------------


def subset(s, rows):
    return eels(s.data[rows], offset=axis_of(s).offset, scale=axis_of(s).scale)


@pytest.fixture(scope="module")
def fitted():
    """An augmenter of 12 spectra a class and signal, and the others as test spectra."""
    signals, labels = instruments()
    chosen = np.arange(40) % 20 < 12
    train, test = ([subset(s, rows) for s in signals] for rows in (chosen, ~chosen))
    augmenter = EELSAugmenter(max_epochs=2, random_state=0, stopping=None)
    augmenter.fit(train, [own[chosen] for own in labels], show_progressbar=False)
    return augmenter, train, [own[chosen] for own in labels], test, [o[~chosen] for o in labels]


def test_fit_on_several_signals(fitted, tmp_path):
    augmenter = fitted[0]
    aug = augmenter.sample(5)
    axis = axis_of(aug)
    assert (axis.offset, axis.scale, axis.units) == (630.0, 0.5, "eV")
    assert aug.data.shape == (2, 5, axis.size)
    sources = aug.metadata.DAG.preprocessing.sources
    assert sources["1"]["offset"] == 628.0 and sources["1"]["spectra"] == 24
    # The lines are where they were measured, in eV.
    tops = axis.axis[aug.data.argmax(axis=-1)].mean(axis=1)
    np.testing.assert_allclose(tops, [638.5, 641.5], atol=0.8)
    augmenter.save(tmp_path / "a.dag")
    aug.save(tmp_path / "a.hspy")
    loaded = EELSAugmenter.load(tmp_path / "a.dag").sample(5)
    np.testing.assert_array_equal(loaded.data, aug.data)
    for one in (loaded, hs.load(tmp_path / "a.hspy")):
        assert one.metadata.DAG.preprocessing.sources["1"]["scale"] == 0.4


def test_evaluate_on_several_signals(fitted):
    """Test spectra on their own axes; those that were trained on are recognised after rebinning."""
    augmenter, train, labels, test, labels_test = fitted
    options = {"classifiers": (), "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = augmenter.evaluate(
            test, labels_test, s_train=train, labels_train=labels, **options
        )
    assert report.n_test == {"Mn2+": 16, "Mn3+": 16} and not any(report.trained_on.values())
    with pytest.warns(UserWarning, match="48 of 48 test spectra were trained on"):
        augmenter.evaluate(train, labels, **options)
    with pytest.raises(ValueError, match="another energy axis.*evaluate"):
        augmenter.evaluate(test[1], labels_test[1], **options)
    # One instrument alone, whose axis is another.
    assert augmenter.evaluate(test[1:], labels_test[1:], **options).n_test["Mn2+"] == 8


def test_test_spectra_that_do_not_reach_the_training_axis(fitted):
    augmenter, _, _, test, labels_test = fitted
    with pytest.raises(ValueError, match=r"s_test\[0\] does not cover"):
        augmenter.evaluate([test[1].isig[5:]], labels_test[1:])
    coarse = test[1].rebin(scale=(1, 2))
    with pytest.raises(ValueError, match=r"s_test\[0\] has a coarser dispersion"):
        augmenter.evaluate([coarse], labels_test[1:])


def test_resume_and_resample_with_several_signals(tmp_path):
    signals, labels = instruments(8)
    signals[1] = signals[1].inav[:12]
    labels[1] = labels[1][:12]
    augmenter = EELSAugmenter(max_epochs=1, random_state=0, stopping=None)
    window = (633.0, 647.0)
    with pytest.warns(UserWarning, match="few spectra"):
        balanced, names = augmenter.fit_resample(
            signals,
            labels,
            align_on=window,
            checkpoint_dir=tmp_path / "run",
            show_progressbar=False,
        )
    assert balanced.data.shape[0] == 32 and (names == "Mn3+").sum() == 16
    with pytest.warns(UserWarning, match="few spectra"):
        real = training_set(signals, labels, align_on=window)
    np.testing.assert_array_equal(balanced.data[:16], real.spectra["Mn2+"])
    with pytest.warns(UserWarning, match="few spectra"):
        again = EELSAugmenter.resume(tmp_path / "run", signals, labels, show_progressbar=False)
    np.testing.assert_array_equal(again.sample(3).data, augmenter.sample(3).data)
    with pytest.raises(ValueError, match="aligned on an edge"):
        augmenter.evaluate(signals, labels)


def test_a_fit_hashes_each_spectrum_once(monkeypatch):
    from hyperspy_dag.training import training_set as training_set_module

    seen = []
    monkeypatch.setattr(
        training_set_module,
        "spectrum_digests",
        lambda rows: (seen.append(len(rows)), spectrum_digests(rows))[1],
    )
    signals, labels = instruments()
    data = training_set(signals, labels)
    assert sum(seen) == 80 == sum(map(len, data.spectrum_digests.values()))


# --- real spectra ---------------------------------------------------------------------------------


#: Around Mn L of both; the two calibrations are some 11 eV apart.
MN_L = (615.0, 665.0)


@pytest.fixture(scope="module")
def manganese(real_data):
    """Mn L edges of two instruments, preprocessed."""
    backgrounds = {"nmc": (585.0, 618.0), "lsmo": (590.0, 630.0)}
    return [
        hs.load(real_data(f"{name}_linescan_raw.hspy")).dag_preprocess(
            background_range=background, signal_range=(600.0, 690.0)
        )
        for name, background in backgrounds.items()
    ]


def test_two_real_instruments_come_to_one_axis(manganese, real_data):
    nmc, lsmo = common_energy_axis(manganese, align_on=MN_L)
    axis = axis_of(nmc)
    assert axis.scale == axis_of(lsmo).scale == 0.5 and axis.offset == axis_of(lsmo).offset
    # By the maxima of L3 in the raw spectra: 630.5 and 641.5 eV, of channels of 0.3 and 0.5 eV.
    tops = [axis_of(s).axis[s.data.mean(axis=0).argmax()] for s in manganese]
    shift = lsmo.metadata.DAG.preprocessing.common_axis["shift"]
    assert shift == pytest.approx(tops[1] - tops[0], abs=0.5)
    aligned = [axis.axis[s.data.mean(axis=0).argmax()] for s in (nmc, lsmo)]
    assert abs(aligned[0] - aligned[1]) <= axis.scale
    # Raw counts are conserved: between limits that both axes share, 630 - 0.25 and 660 - 0.25 eV.
    raw = [hs.load(real_data(f"{name}_linescan_raw.hspy")) for name in ("nmc", "lsmo")]
    counts = common_energy_axis(raw)[0].isig[630.0:660.0].data.sum(axis=1)
    energy = axis_of(raw[0]).axis
    covered = np.minimum(energy + 0.15, 659.75) - np.maximum(energy - 0.15, 629.75)
    share = np.clip(covered / 0.3, 0, 1)
    np.testing.assert_allclose(counts, (raw[0].data.astype(float) * share).sum(axis=1), rtol=1e-5)


def test_fit_on_two_real_instruments(manganese):
    labels = [np.full(37, "NMC"), np.full(40, "LSMO")]
    augmenter = EELSAugmenter(max_epochs=10, random_state=0, stopping=None)
    with pytest.warns(UserWarning, match="each class comes from one signal only"):
        augmenter.fit(manganese, labels, align_on=MN_L, show_progressbar=False)
    aug = augmenter.sample(40)
    real = training_set(manganese, labels, recommended_spectra=None, align_on=MN_L)
    for i, name in enumerate(["LSMO", "NMC"]):
        own, other = real.spectra[name], real.spectra["NMC" if name == "LSMO" else "LSMO"]
        assert frechet_distance(own, aug.data[i]) < 0.5 * frechet_distance(other, aug.data[i])
