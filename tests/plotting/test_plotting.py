# SPDX-License-Identifier: GPL-3.0-or-later
"""What the figures show: their data, order, labels and units; and pictures of them."""

from __future__ import annotations

import sys
import types

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from sklearn.decomposition import PCA
from spectra import DISPERSION, ENERGY_OFFSET, eels, two_classes, white_lines

from hyperspy_dag import EELSAugmenter, plotting
from hyperspy_dag.augmenter import NotFittedError
from hyperspy_dag.dag.fitted_class import FittedClass, History
from hyperspy_dag.dag.stopping import METRICS, Evaluation, RealReference
from hyperspy_dag.labels import attach_labels
from hyperspy_dag.preprocessing.energy_axis import EnergyAxis
from hyperspy_dag.training.fit import FitResult
from hyperspy_dag.training.settings import FitSettings

CHANNELS = 48
ENERGY = ENERGY_OFFSET + DISPERSION * np.arange(CHANNELS)
PER_CLASS = {
    "plot_spectra": plotting.plot_spectra,
    "plot_intensity_maps": plotting.plot_intensity_maps,
}
OF_SPECTRA = {**PER_CLASS, "plot_scores": plotting.plot_scores}


@pytest.fixture(autouse=True)
def _clean(monkeypatch):
    """No figure is shown, no setting changed, and none left open."""

    def show(*args, **kwargs):
        raise AssertionError("a figure was shown")

    monkeypatch.setattr(plt, "show", show)
    before = dict(mpl.rcParams)
    yield
    assert dict(mpl.rcParams) == before
    plt.close("all")


def synthetic(n: int = 20):
    """Signal as ``sample`` gives it: (spectrum, class | energy) with labels, Fe3O4 and FeO."""
    data = np.stack(
        [white_lines(n, position=0.45, noise=0.07, seed=8), white_lines(n, noise=0.07, seed=9)]
    )
    s = eels(data)
    for axis, name in zip(s.axes_manager.navigation_axes, ("spectrum", "class"), strict=True):
        axis.name = name
    attach_labels(s, np.repeat([[0], [1]], n, axis=1), ["Fe3O4", "FeO"])
    return s


def evaluation(epoch: int, frechet: float, pearson: float, cosine: float) -> Evaluation:
    values = dict(zip(METRICS, (frechet, pearson, cosine, 2.0), strict=True))
    return Evaluation(epoch, values, score=frechet, reached=False)


def augmenter(classes=("Fe3O4", "FeO"), **settings) -> EELSAugmenter:
    """An augmenter as it is after training, without the training."""
    result = EELSAugmenter(random_state=0, **settings)
    models = {}
    for i, label in enumerate(classes):
        evaluations = [
            evaluation(epoch, 9.0 - epoch / 5 + i, 0.5 + epoch / 100, 0.3 - epoch / 200)
            for epoch in (0, 10, 20, 30)
        ]
        epochs = np.arange(1, 31)
        history = History(list(0.7 + 1 / epochs), list(2.0 + epochs / 10), evaluations)
        mean = dict(zip(METRICS, (4.0, 0.8, 0.15, 2.0), strict=True))
        baseline = RealReference(mean, dict.fromkeys(METRICS, 0.01))
        best = evaluations[2]
        models[label] = FittedClass([], None, best, baseline, history, 20)
    digests = np.empty(0, np.uint64)
    fit = FitSettings.checked(random_state=0, **settings)
    axis = EnergyAxis.uniform(600.0, 0.5, 40, "Energy loss", True)
    seconds = dict.fromkeys(models, 1.0)
    result._result = FitResult(fit, models, seconds, axis, "", digests, None, None)
    return result


# --- spectra --------------------------------------------------------------------------------------


def shapes(lines):
    """Curves without their vertical offset, to compare with the spectra that were given."""
    return [np.asarray(line.get_ydata()) - np.min(line.get_ydata()) for line in lines]


def is_one_of(curve, spectra) -> bool:
    spectra = spectra - spectra.min(axis=1, keepdims=True)
    return bool(np.isclose(curve, spectra, atol=1e-6).all(axis=1).any())


def test_spectra_are_those_of_each_class_in_pairs():
    s, labels = two_classes()
    aug = synthetic()
    axes = plotting.plot_spectra(s, aug, labels, n=4)
    assert axes.shape == (2,)
    for i, (ax, name) in enumerate(zip(axes, ["Fe3O4", "FeO"], strict=True)):
        assert ax.get_title() == name
        assert ax.get_xlabel() == "Energy loss (eV)"
        assert len(ax.lines) == 8
        curves = shapes(ax.lines)
        assert all(is_one_of(curve, s.data[labels == name]) for curve in curves[::2])
        assert all(is_one_of(curve, aug.data[i]) for curve in curves[1::2])
        # No spectrum is drawn twice.
        assert len(np.unique(np.round(curves, 5), axis=0)) == 8
        np.testing.assert_allclose(ax.lines[0].get_xdata(), ENERGY)
        assert [t.get_text() for t in ax.get_yticklabels()] == ["real", "synthetic"] * 4
        # Downwards, and no curve over another.
        lows = np.array([line.get_ydata().min() for line in ax.lines])
        highs = np.array([line.get_ydata().max() for line in ax.lines])
        assert (highs[1:] <= lows[:-1] + 1).all()
        assert (np.diff(lows) < -0.5).all()


def test_real_and_synthetic_differ_in_lightness():
    axes = plotting.plot_spectra(white_lines(5), white_lines(5, seed=1))
    luminance = [np.dot(to_rgb(line.get_color()), (0.299, 0.587, 0.114)) for line in axes[0].lines]
    assert luminance[1] - luminance[0] > 0.25


def test_offset_is_the_distance_within_a_pair():
    real, made = np.zeros((1, 4)), np.full((1, 4), 0.5)
    (ax,) = plotting.plot_spectra(real, made, n=1, offset=2.0)
    upper, lower = (line.get_ydata() for line in ax.lines)
    np.testing.assert_allclose(upper, 0.0)
    np.testing.assert_allclose(lower, 0.5 - 2.0)


def test_random_state_chooses_the_spectra():
    real, made = white_lines(40), white_lines(40, seed=1)

    def first(seed):
        return plotting.plot_spectra(real, made, random_state=seed)[0].lines[0].get_ydata()

    np.testing.assert_array_equal(first(0), first(0))
    assert not np.array_equal(first(0), first(1))


def test_intensity_map_has_real_rows_over_synthetic_rows_in_their_order():
    real, made = white_lines(12), white_lines(30, seed=1)
    (ax,) = plotting.plot_intensity_maps(real, made, energy=ENERGY)
    shown = np.asarray(ax.collections[0].get_array())
    assert shown.shape == (24, CHANNELS)  # as many of each as the smaller side has
    np.testing.assert_allclose(shown[:12], real)
    rows = [int(np.flatnonzero(np.isclose(made, row).all(axis=1))[0]) for row in shown[12:]]
    assert rows == sorted(set(rows))
    assert ax.get_ylim() == (24, 0)  # the first row is the uppermost
    assert [t.get_text() for t in ax.get_yticklabels()] == ["12 real", "12 synthetic"]
    assert ax.get_xlim() == pytest.approx((ENERGY[0] - 0.25, ENERGY[-1] + 0.25))
    assert ax.get_xlabel() == "Energy loss (eV)"


def test_intensity_maps_show_75_of_each_on_one_scale():
    s, labels = two_classes(90, 80)
    axes = plotting.plot_intensity_maps(s, synthetic(90), labels)
    meshes = [ax.collections[0] for ax in axes]
    assert [np.shape(mesh.get_array()) for mesh in meshes] == [(150, CHANNELS)] * 2
    assert meshes[0].get_clim() == meshes[1].get_clim()
    (bar,) = [ax for ax in axes[0].figure.axes if ax not in list(axes)]
    assert bar.get_ylabel() == "Intensity"


def test_energy_axis_need_not_be_uniform():
    energy = 500 + np.arange(CHANNELS) ** 1.5
    (ax,) = plotting.plot_intensity_maps(white_lines(3), white_lines(3), energy=energy)
    edges = ax.collections[0].get_coordinates()[0, :, 0]
    assert (edges[:-1] < energy).all() and (energy < edges[1:]).all()


def test_scores_are_projections_on_the_components_of_the_real_spectra():
    real, made = white_lines(30), white_lines(25, noise=0.1, seed=1)
    ax = plotting.plot_scores(real, made)
    model = PCA(2, svd_solver="full").fit(real.astype(float))
    points = [np.transpose(line.get_data()) for line in ax.lines]
    assert len(points) == 2
    assert len(points[0]) == len(points[1]) == 25
    np.testing.assert_allclose(points[1], model.transform(made), atol=1e-6)
    expected = model.transform(real)
    assert all(np.isclose(expected, p, atol=1e-6).all(axis=1).any() for p in points[0])
    share = 100 * model.explained_variance_ratio_[0]
    assert ax.get_xlabel() == f"PC 1 ({share:.0f} % of the variance)"


def test_scores_show_training_spectra_as_crosses():
    s, labels = two_classes()
    training, of_class = white_lines(20, seed=3), np.repeat(["FeO", "Fe3O4"], 10)
    ax = plotting.plot_scores(s, synthetic(), labels, training=training, training_labels=of_class)
    assert [line.get_label() for line in ax.lines][2:4] == ["Fe3O4, training", "FeO, training"]
    assert [line.get_marker() for line in ax.lines][2:4] == ["x", "x"]
    points = PCA(2, svd_solver="full").fit(s.data.astype(float)).transform(training)
    np.testing.assert_allclose(np.transpose(ax.lines[3].get_data()), points[:10], atol=1e-5)
    with pytest.raises(ValueError, match="training has no spectrum of class 'FeO'"):
        plotting.plot_scores(
            s, synthetic(), labels, training=training, training_labels=["Fe3O4"] * 20
        )
    with pytest.raises(ValueError, match="give training= too"):
        plotting.plot_scores(s, synthetic(), labels, training_labels=of_class)
    with pytest.raises(ValueError, match="training has 40"):
        plotting.plot_scores(white_lines(5), white_lines(5), training=training[:, :40])


def test_scores_tell_classes_by_marker_and_real_by_filling():
    s, labels = two_classes()
    ax = plotting.plot_scores(s, synthetic(), labels)
    assert [line.get_label() for line in ax.lines] == [
        "Fe3O4, real",
        "FeO, real",
        "Fe3O4, synthetic",
        "FeO, synthetic",
    ]
    markers = [line.get_marker() for line in ax.lines]
    assert markers[0] == markers[2] != markers[1] == markers[3]
    assert [line.get_markerfacecolor() == "none" for line in ax.lines] == [0, 0, 1, 1]
    assert {text.get_text() for text in ax.get_legend().get_texts()} == {
        line.get_label() for line in ax.lines
    }


def test_umap_is_optional(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(ImportError, match="pip install umap-learn.*method='pca'"):
        plotting.plot_scores(white_lines(10), white_lines(10), method="umap")


def test_umap_learns_from_the_real_spectra(monkeypatch):
    class UMAP:
        def __init__(self, n_neighbors, random_state):
            assert n_neighbors == 9
            assert random_state == 4

        def fit(self, spectra):
            np.testing.assert_allclose(spectra, real)
            return self

        def transform(self, spectra):
            return np.asarray(spectra)[:, :2]

    real, made = white_lines(10), white_lines(10, seed=1)
    monkeypatch.setitem(sys.modules, "umap", types.SimpleNamespace(UMAP=UMAP))
    ax = plotting.plot_scores(real, made, method="umap", random_state=4)
    np.testing.assert_allclose(np.transpose(ax.lines[1].get_data()), made[:, :2])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("UMAP 1", "UMAP 2")


@pytest.mark.parametrize("name", OF_SPECTRA)
def test_one_class_needs_no_labels(name):
    aug = synthetic()
    one = OF_SPECTRA[name](eels(white_lines(9)), aug.inav[:, 1])
    ax = one if name == "plot_scores" else one[0]
    assert isinstance(ax, Axes)
    if name != "plot_scores":
        assert ax.get_title() == "FeO"


@pytest.mark.parametrize("name", PER_CLASS)
def test_label_selects_a_class(name):
    s, labels = two_classes()
    aug = synthetic()
    (ax,) = PER_CLASS[name](s, aug, labels, label="FeO")
    assert ax.get_title() == "FeO"
    # Spectra without labels are all of the class that was asked for …
    (ax,) = PER_CLASS[name](s, aug.data[1], labels, label="FeO")
    assert ax.get_title() == "FeO"
    # … and classes without synthetic spectra are left out.
    (ax,) = PER_CLASS[name](s, aug.inav[:, 0], labels)
    assert ax.get_title() == "Fe3O4"


def test_arrays_with_labels_and_energy():
    s, labels = two_classes()
    aug = synthetic()
    made_labels = np.array([["Fe3O4"] * 20, ["FeO"] * 20])
    axes = plotting.plot_spectra(
        s.data, aug.data, labels, synthetic_labels=made_labels, energy=ENERGY
    )
    expected = plotting.plot_spectra(s, aug, labels)
    for ax, other in zip(axes, expected, strict=True):
        assert ax.get_xlabel() == "Energy loss (eV)"
        for line, same in zip(ax.lines, other.lines, strict=True):
            np.testing.assert_allclose(line.get_data(), same.get_data(), rtol=1e-6)


def test_without_an_energy_axis_channels_are_counted():
    (ax,) = plotting.plot_spectra(white_lines(3), white_lines(3))
    assert ax.get_xlabel() == "Channel"
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), np.arange(CHANNELS))


def test_energy_is_shown_in_ev():
    s = eels(white_lines(4), offset=0.63, scale=0.0005, units="keV")
    (ax,) = plotting.plot_spectra(s, white_lines(4))
    np.testing.assert_allclose(ax.lines[0].get_xdata(), ENERGY)


def test_of_lazy_signals_only_the_drawn_spectra_are_read():
    import dask.array as da

    read = []

    def block(block_id):
        read.append(block_id[0])
        return white_lines(1, seed=block_id[0])

    s = eels(white_lines(30)).as_lazy()
    s.data = da.map_blocks(
        block, chunks=((1,) * 30, (CHANNELS,)), dtype=np.float32, meta=np.empty((0, 0), np.float32)
    )
    (ax,) = plotting.plot_spectra(s, white_lines(30), n=3)
    assert len(set(read)) == 3
    np.testing.assert_allclose(ax.lines[0].get_ydata(), white_lines(1, seed=min(read))[0])


def test_a_single_spectrum_of_each():
    s, aug = eels(white_lines(3)), synthetic()
    (ax,) = plotting.plot_spectra(s.inav[0], aug.inav[0, 1])
    assert len(ax.lines) == 2
    assert ax.get_title() == "FeO"


@pytest.mark.parametrize("name", OF_SPECTRA)
def test_input_is_not_changed(name):
    s, labels = two_classes()
    aug = synthetic()
    before = s.data.copy(), aug.data.copy(), aug.metadata.as_dictionary()
    OF_SPECTRA[name](s, aug, labels)
    np.testing.assert_array_equal(s.data, before[0])
    np.testing.assert_array_equal(aug.data, before[1])
    assert aug.metadata.as_dictionary()["DAG"]["classes"] == before[2]["DAG"]["classes"]


@pytest.mark.parametrize("name", OF_SPECTRA)
@pytest.mark.parametrize(
    ("real", "made", "options", "error", "message"),
    [
        (white_lines(5), white_lines(5, 40), {}, ValueError, "real has 48.*synthetic has 40"),
        (white_lines(5), "spectra", {}, TypeError, "synthetic must be an EELSSpectrum or an array"),
        (white_lines(5) + 1j, white_lines(5), {}, TypeError, "real must be.*complex"),
        (white_lines(5), eels(white_lines(5)).as_signal2D((0, 1)), {}, TypeError, "synthetic: "),
        (
            eels(white_lines(5)),
            eels(white_lines(5), offset=640.0),
            {},
            ValueError,
            "different energy axes: 630 to 653.5 eV and 640 to 663.5 eV",
        ),
        (np.full((5, 48), np.nan), white_lines(5), {}, ValueError, "real holds NaN or infinity"),
        (white_lines(5), white_lines(5), {"n": 0}, ValueError, "n must be at least 1"),
        (white_lines(5), white_lines(5), {"n": 2.5}, TypeError, "n must be a whole number"),
        (white_lines(5), synthetic(), {}, ValueError, "'Fe3O4', 'FeO'.*give labels="),
        (white_lines(5), white_lines(5), {"labels": ["a"] * 4}, ValueError, "real: labels must"),
        (
            white_lines(5),
            white_lines(5),
            {"labels": list("aaabb")},
            ValueError,
            "'a', 'b'.*give synthetic_labels=",
        ),
        (
            white_lines(5),
            synthetic(),
            {"labels": ["FeO"] * 5},
            ValueError,
            "real has no spectrum of class 'Fe3O4'; its classes are 'FeO'",
        ),
        (
            white_lines(5),
            synthetic(),
            {"labels": ["FeO"] * 5, "label": "MnO"},
            ValueError,
            "real has no spectrum of class 'MnO'",
        ),
        (white_lines(5), white_lines(5), {"labels": [""] * 5}, ValueError, "real: none of the"),
        (white_lines(5), white_lines(5), {"random_state": -1}, ValueError, "random_state"),
    ],
)
def test_bad_spectra_are_named(name, real, made, options, error, message):
    with pytest.raises(error, match=message):
        OF_SPECTRA[name](real, made, **options)
    assert not plt.get_fignums()


def test_bad_options_are_named():
    real = white_lines(5)
    with pytest.raises(ValueError, match="offset must be at least 0"):
        plotting.plot_spectra(real, real, offset=-1)
    with pytest.raises(ValueError, match="energy axis has shape"):
        plotting.plot_spectra(real, real, energy=[1.0, 2.0])
    with pytest.raises(ValueError, match="energy is for arrays"):
        plotting.plot_spectra(eels(real), real, energy=ENERGY)
    with pytest.raises(ValueError, match="method='tsne' is not known.*pca, umap"):
        plotting.plot_scores(real, real, method="tsne")
    with pytest.raises(ValueError, match="real holds 2 spectra; at least 3"):
        plotting.plot_scores(real[:2], real)


@pytest.mark.parametrize("name", OF_SPECTRA)
def test_swapped_sets_are_noticed(name):
    s, labels = two_classes()
    with pytest.warns(UserWarning, match="swapped") as record:
        OF_SPECTRA[name](synthetic(), s, synthetic_labels=labels)
    assert [w.filename for w in record if "swapped" in str(w.message)] == [__file__]


# --- training -------------------------------------------------------------------------------------


def test_costs_per_epoch_on_a_log_axis():
    fitted = augmenter()
    axes = plotting.plot_costs(fitted)
    assert [ax.get_title() for ax in axes] == ["Fe3O4", "FeO"]
    for ax, history in zip(axes, fitted.history_.values(), strict=True):
        assert ax.get_yscale() == "log"
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("Epoch", "Cost")
        discriminator, generator, kept = ax.lines
        np.testing.assert_array_equal(discriminator.get_xdata(), np.arange(1, 31))
        np.testing.assert_array_equal(discriminator.get_ydata(), history.discriminator_cost)
        np.testing.assert_array_equal(generator.get_ydata(), history.generator_cost)
        assert discriminator.get_linestyle() != generator.get_linestyle()
        assert list(kept.get_xdata()) == [20, 20]
        names = [text.get_text() for text in ax.get_legend().get_texts()]
        assert names == ["discriminator", "generator", "kept (epoch 20)"]


def test_costs_of_a_history_alone():
    fitted = augmenter()
    (ax,) = plotting.plot_costs(fitted.history_["FeO"])
    assert len(ax.lines) == 2
    assert ax.get_title() == ""
    (ax,) = plotting.plot_costs(fitted.history_["FeO"], "FeO")
    assert ax.get_title() == "FeO"
    (ax,) = plotting.plot_costs(fitted.history_, "FeO")
    assert len(ax.lines) == 2
    assert len(plotting.plot_costs(fitted.history_)) == 2


def test_legend_stands_clear_of_the_costs():
    (ax,) = plotting.plot_costs(augmenter().history_["FeO"])
    ax.figure.canvas.draw()
    legend = ax.get_legend().get_window_extent()
    for line in ax.lines:
        assert ax.transData.transform(line.get_xydata())[:, 1].max() < legend.y0


def test_log_axes_have_plain_numbers():
    history = History([0.31, 0.43, 0.57], [0.71, 0.92, 1.2], [])
    (ax,) = plotting.plot_costs(history)
    ax.figure.canvas.draw()
    texts = [t.get_text() for minor in (False, True) for t in ax.get_yticklabels(minor=minor)]
    assert sum(bool(text) for text in texts) >= 3
    assert not any("e" in text or "$" in text for text in texts)  # no powers of ten
    assert all(float(text) > 0 for text in texts if text)


def test_metrics_with_baseline_thresholds_and_kept_epoch():
    fitted = augmenter(tolerance=0.1)
    axes = plotting.plot_metrics(fitted)
    assert axes.shape == (2, 3)
    for row, name in zip(axes, fitted.classes_, strict=True):
        assert row[0].get_title(loc="left") == name
        for ax, metric, title in zip(
            row,
            METRICS,
            ["Fréchet distance", "Pearson correlation", "Cosine distance"],
            strict=False,
        ):
            assert (ax.get_xlabel(), ax.get_ylabel()) == ("Epoch", title)
            values, real, threshold, kept, star = ax.lines
            evaluations = fitted.history_[name].evaluations
            np.testing.assert_array_equal(values.get_xdata(), [0, 10, 20, 30])
            np.testing.assert_array_equal(
                values.get_ydata(), [e.metrics[metric] for e in evaluations]
            )
            baseline = fitted.baseline_[name]
            assert set(real.get_ydata()) == {baseline.mean[metric]}
            # On the threshold, a metric is just as far behind as the criterion allows.
            excess = baseline.excess({metric: threshold.get_ydata()[0]}, metric)
            assert excess == pytest.approx(0.1)
            assert list(kept.get_xdata()) == [20, 20]
            assert star.get_xydata().tolist() == [[20, fitted.best_[name].metrics[metric]]]
    assert [ax.get_yscale() for ax in axes[0]] == ["log", "linear", "linear"]
    names = [text.get_text() for text in axes[0, 0].get_legend().get_texts()]
    assert names == ["synthetic", "real against real", "threshold (10 %)", "kept (epoch 20)"]


@pytest.mark.parametrize(("stopping", "count"), [("all", 3), ("frechet", 1), (None, 0)])
def test_thresholds_are_those_of_the_stopping_criterion(stopping, count):
    axes = plotting.plot_metrics(augmenter(["FeO"], stopping=stopping))
    labels = [line.get_label() for ax in axes.flat for line in ax.lines]
    assert labels.count("threshold (5 %)") == count


def test_label_selects_a_class_of_the_augmenter():
    fitted = augmenter()
    assert plotting.plot_metrics(fitted, "FeO").shape == (1, 3)
    (ax,) = plotting.plot_costs(fitted, "FeO")
    assert ax.get_title() == "FeO"
    for function in (plotting.plot_metrics, plotting.plot_costs):
        with pytest.raises(ValueError, match="label='MnO' was not fitted.*'Fe3O4', 'FeO'"):
            function(fitted, "MnO")


def test_bad_histories_are_named():
    with pytest.raises(NotFittedError, match="not fitted"):
        plotting.plot_costs(EELSAugmenter())
    with pytest.raises(NotFittedError, match="not fitted"):
        plotting.plot_metrics(EELSAugmenter())
    with pytest.raises(TypeError, match="EELSAugmenter.*got list"):
        plotting.plot_costs([1.0, 2.0])
    with pytest.raises(TypeError, match="fitted EELSAugmenter; got History"):
        plotting.plot_metrics(History())
    with pytest.raises(ValueError, match="class 'FeO' holds no epoch"):
        plotting.plot_costs({"FeO": History()})


# --- classifiers ----------------------------------------------------------------------------------

MATRIX = np.array([[45, 10], [5, 30]])  # rows true, columns predicted


@pytest.mark.parametrize(
    ("normalise", "expected", "first"),
    [
        ("columns", [[90, 25], [10, 75]], "90.0 %\n(45)"),
        ("rows", [[100 * 45 / 55, 100 * 10 / 55], [100 / 7, 600 / 7]], "81.8 %\n(45)"),
        (None, MATRIX, "45"),
    ],
)
def test_confusion_matrix(normalise, expected, first):
    ax = plotting.plot_confusion_matrix(MATRIX, ["FeO", "Fe3O4"], normalise=normalise)
    np.testing.assert_allclose(ax.images[0].get_array(), expected)
    assert ax.texts[0].get_text() == first
    assert [t.get_text() for t in ax.get_xticklabels()] == ["FeO", "Fe3O4"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["FeO", "Fe3O4"]
    assert ax.get_xlabel().startswith("Predicted class")
    assert ax.get_ylabel().startswith("True class")
    assert ("100 %" in ax.get_xlabel()) == (normalise == "columns")
    assert ("100 %" in ax.get_ylabel()) == (normalise == "rows")


LONG = ["Iron(III) oxide hematite", "Iron(II,III) oxide magnetite", "_of mine"]


def test_long_names_are_read_beside_each_other():
    ax = plotting.plot_confusion_matrix(np.eye(3), LONG)
    ax.figure.canvas.draw()
    assert {round(text.get_rotation()) for text in ax.get_xticklabels()} == {45}
    labels = np.repeat(LONG, 4)
    spectra = white_lines(12)
    ax = plotting.plot_scores(spectra, spectra, labels=labels, synthetic_labels=labels)
    ax.figure.canvas.draw()
    names = [text.get_text().strip("\N{ZERO WIDTH SPACE}") for text in ax.get_legend().texts]
    assert sorted(names) == sorted(
        f"{name}, {kind}" for name in LONG for kind in ("real", "synthetic")
    )
    inside = ax.get_legend().get_window_extent()
    assert inside.x1 <= ax.figure.bbox.x1


def test_columns_are_normalised_by_default_and_may_be_empty():
    ax = plotting.plot_confusion_matrix([[3, 0], [1, 0]], [1, 2])
    shown = np.ma.filled(ax.images[0].get_array().astype(float), np.nan)
    np.testing.assert_allclose(shown, [[75, np.nan], [25, np.nan]])
    assert [t.get_text() for t in ax.texts] == ["75.0 %\n(3)", "–", "25.0 %\n(1)", "–"]


@pytest.mark.parametrize("name", ["Fe$_3$O$_4$", r"$\bad{ $", "5 $ a box"])
def test_any_name_of_a_class_can_be_drawn(name, tmp_path):
    ax = plotting.plot_confusion_matrix([[3, 1], [0, 4]], [name, "FeO"])
    ax.figure.savefig(tmp_path / "named.png")
    assert ax.get_xticklabels()[0].get_text().replace("\\$", "$") == name


def test_text_of_the_cells_stands_out():
    ax = plotting.plot_confusion_matrix(MATRIX, ["a", "b"])
    image = ax.images[0]
    colours = image.cmap(image.norm(image.get_array()))[..., :3]
    cells = colours.reshape(-1, 3) @ (0.299, 0.587, 0.114)
    texts = [np.dot(to_rgb(t.get_color()), (0.299, 0.587, 0.114)) for t in ax.texts]
    assert (np.abs(cells - texts) > 0.4).all()


@pytest.mark.parametrize(
    ("matrix", "classes", "message"),
    [
        ([[1, 2, 3], [4, 5, 6]], ["a", "b"], "matrix must be square"),
        (MATRIX, ["a"], "classes names 1 classes; matrix has 2"),
        ([[1, -1], [0, 1]], ["a", "b"], "none of them negative"),
        ([[1, np.inf], [0, 1]], ["a", "b"], "finite"),
    ],
)
def test_bad_matrices_are_named(matrix, classes, message):
    with pytest.raises(ValueError, match=message):
        plotting.plot_confusion_matrix(matrix, classes)


def test_bad_kinds_of_matrix_are_named():
    with pytest.raises(TypeError, match="matrix must hold numbers"):
        plotting.plot_confusion_matrix([["a"]], ["a"])
    with pytest.raises(ValueError, match="normalise='column'.*Did you mean 'columns'"):
        plotting.plot_confusion_matrix(MATRIX, ["a", "b"], normalise="column")


# --- axes -----------------------------------------------------------------------------------------

S, LABELS = two_classes()
DRAWINGS = {
    "plot_spectra": (2, lambda axes: plotting.plot_spectra(S, synthetic(), LABELS, axes=axes)),
    "plot_intensity_maps": (
        2,
        lambda axes: plotting.plot_intensity_maps(S, synthetic(), LABELS, axes=axes),
    ),
    "plot_scores": (1, lambda ax: plotting.plot_scores(S, synthetic(), LABELS, ax=ax)),
    "plot_costs": (2, lambda axes: plotting.plot_costs(augmenter(), axes=axes)),
    "plot_metrics": (6, lambda axes: plotting.plot_metrics(augmenter(), axes=axes)),
    "plot_confusion_matrix": (
        1,
        lambda ax: plotting.plot_confusion_matrix(MATRIX, ["a", "b"], ax=ax),
    ),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_given_axes_are_used(name):
    count, draw = DRAWINGS[name]
    figure, grid = plt.subplots(1, count, squeeze=False)
    given = list(grid.flat)
    returned = draw(given[0] if count == 1 else grid)
    assert list(np.ravel(returned)) == given
    assert all(ax.has_data() for ax in given)
    assert figure.axes == given  # nothing was added to the user's figure
    assert plt.get_fignums() == [figure.number]


@pytest.mark.parametrize("name", DRAWINGS)
def test_wrong_axes_are_named(name):
    count, draw = DRAWINGS[name]
    _, grid = plt.subplots(1, count + 1, squeeze=False)
    with pytest.raises(ValueError, match=rf"{count + 1} axes were given; {count} needed"):
        draw(grid)
    with pytest.raises(TypeError, match="must be matplotlib Axes; got str"):
        draw("axes")


@pytest.mark.parametrize("name", DRAWINGS)
def test_without_axes_one_new_figure_is_made(name):
    _, draw = DRAWINGS[name]
    plt.figure().add_subplot()
    returned = np.ravel(draw(None))
    assert len(plt.get_fignums()) == 2
    assert {ax.figure for ax in returned} == {plt.gcf()}


# --- pictures -------------------------------------------------------------------------------------


def picture(function):
    """Compare the figure that a test returns with the committed one.

    Without any text, since fonts differ between machines. To make the pictures anew after a wanted
    change: ``cd tests/plotting; pytest test_plotting.py --mpl-generate-path=baseline_images``.
    """
    return pytest.mark.mpl_image_compare(
        baseline_dir="baseline_images", style="default", tolerance=2, savefig_kwargs={"dpi": 50}
    )(function)


def without_text(axes) -> plt.Figure:
    figure = np.ravel(axes)[0].figure
    for ax in figure.axes:
        if ax.get_legend() is not None:
            ax.get_legend().remove()
    for text in figure.findobj(mpl.text.Text):
        text.set_visible(False)
    return figure


@picture
def test_picture_of_spectra():
    return without_text(plotting.plot_spectra(S, synthetic(), LABELS, n=2))


@picture
def test_picture_of_intensity_maps():
    axes = plotting.plot_intensity_maps(S.isig[:24], synthetic().isig[:24], LABELS, n=8)
    return without_text(axes)


@picture
def test_picture_of_scores():
    return without_text(plotting.plot_scores(S, synthetic(), LABELS))


@picture
def test_picture_of_costs():
    return without_text(plotting.plot_costs(augmenter(["FeO"])))


@picture
def test_picture_of_metrics():
    return without_text(plotting.plot_metrics(augmenter(["FeO"])))


@picture
def test_picture_of_a_confusion_matrix():
    # Of a fixed size: where cells fill the picture, a pixel more or less of margin counts.
    _, ax = plt.subplots(figsize=(4, 4))
    plotting.plot_confusion_matrix([[9, 2, 0], [1, 7, 0], [0, 1, 0]], "abc", ax=ax)
    return without_text(ax)
