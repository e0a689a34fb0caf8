# SPDX-License-Identifier: GPL-3.0-or-later
"""Classifiers, train-on-synthetic-test-on-real, and the report that judges an augmenter."""

from __future__ import annotations

import json
import re
import sys
import warnings

import numpy as np
import pytest
from sklearn.metrics import accuracy_score
from spectra import eels, two_classes, white_lines

from hyperspy_dag import EELSAugmenter, metrics
from hyperspy_dag.augmenter import NotFittedError
from hyperspy_dag.training.training_set import spectrum_digests
from hyperspy_dag.validation import RealOnly, evaluate, make_baseline, make_classifier, tstr

# Few spectra and few epochs on purpose: what they warn of is tested by itself.
pytestmark = [
    pytest.mark.filterwarnings("ignore:few spectra"),
    pytest.mark.filterwarnings("ignore:.*stopping criterion"),
]

CLASSES = ("Fe3O4", "FeO")


def labelled(n: int, seed: int, channels: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """Spectra of two classes, as far apart as in `two_classes`, and their labels."""
    spectra = [
        white_lines(n, channels, position, seed=seed + i) for i, position in enumerate((0.45, 0.35))
    ]
    return np.concatenate(spectra), np.repeat(CLASSES, n)


@pytest.fixture(scope="module")
def fitted() -> EELSAugmenter:
    s, labels = two_classes(30, 24)
    augmenter = EELSAugmenter(training="always", max_epochs=2, stopping=None, random_state=1)
    return augmenter.fit(s, labels, show_progressbar=False)


@pytest.fixture(scope="module")
def training() -> tuple:
    return two_classes(30, 24)


@pytest.fixture(scope="module")
def unseen() -> tuple:
    """A test set as a lazy 2-D map with unlabelled pixels."""
    data, labels = labelled(16, seed=100)
    data = np.concatenate([data, white_lines(4, 48, seed=300)])
    labels = np.concatenate([labels, [""] * 4])
    order = np.random.default_rng(0).permutation(36)
    return eels(data[order].reshape(6, 6, 48)).as_lazy(), labels[order].reshape(6, 6)


@pytest.fixture(scope="module")
def report(fitted, training, unseen):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        return fitted.evaluate(
            *unseen, s_train=training[0], labels_train=training[1], classifiers=("svm",)
        )


def test_report_of_a_training_that_was_stopped_before_its_first_epoch(tmp_path, training, unseen):
    with pytest.warns(UserWarning, match="interrupted"):
        stopped = EELSAugmenter(training="always", max_epochs=5, random_state=0).fit(
            *training, show_progressbar=False, callback=lambda progress: True
        )
    (label,) = stopped.classes_
    s, labels = unseen
    only = np.where(labels == label, labels, "")
    stopped.evaluate(s, only).to_html(tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Metrics of the training" in page
    assert "Costs of the training" not in page


# --- classifiers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"), [("svm", str), ("svm", int), ("svm", bool), ("ann", str)]
)
def test_classifiers_learn_and_keep_the_labels_kind(name, kind):
    spectra, labels = labelled(12, seed=0)
    test, truth = labelled(30, seed=50)
    convert = {
        str: lambda y: y,
        int: lambda y: np.where(y == "FeO", 26, 8),
        bool: lambda y: y == "FeO",
    }
    labels, truth = convert[kind](labels), convert[kind](truth)
    predicted = make_classifier(name, 0).fit(spectra, labels).predict(test)
    assert predicted.dtype == truth.dtype
    assert accuracy_score(truth, predicted) > 0.9


@pytest.mark.parametrize("name", ["svm", pytest.param("ann", marks=pytest.mark.slow)])
def test_classifiers_repeat_themselves(name):
    spectra, labels = labelled(12, seed=0)
    test, _ = labelled(40, seed=50)
    test = test + 0.6 * np.random.default_rng(1).standard_normal(test.shape)  # hard to tell apart
    first, again = (make_classifier(name, 3).fit(spectra, labels).predict(test) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_ann_depends_on_its_seed_alone():
    """Global random states neither change it nor are changed by it."""
    import random

    import tensorflow as tf

    from hyperspy_dag.dag.classifier import TwoBranchClassifier

    spectra, labels = labelled(12, seed=0)
    index = (labels == "FeO").astype(int)

    def probabilities(seed: int) -> np.ndarray:
        network = TwoBranchClassifier(48, 2, steps=20)
        network.fit(spectra, index, np.random.SeedSequence(seed))
        return network.probabilities(spectra)

    before = np.random.get_state()[1].copy(), random.getstate()
    tf.random.set_seed(3)
    first = probabilities(0)
    tf.random.set_seed(4)
    np.testing.assert_array_equal(first, probabilities(0))
    assert (first != probabilities(1)).any()
    np.testing.assert_array_equal(before[0], np.random.get_state()[1])
    assert random.getstate() == before[1]
    assert (first.argmax(axis=1) == index).mean() > 0.9


def test_ann_starts_afresh_at_every_fit():
    from hyperspy_dag.dag.classifier import TwoBranchClassifier

    spectra, labels = labelled(12, seed=0)
    network = TwoBranchClassifier(48, 2, steps=15)

    def probabilities(of: str) -> np.ndarray:
        network.fit(spectra, (labels == of).astype(int), np.random.SeedSequence(0))
        return network.probabilities(spectra)

    first, other = probabilities("FeO"), probabilities("Fe3O4")
    assert (first != other).any()
    np.testing.assert_array_equal(first, probabilities("FeO"))
    np.testing.assert_allclose(first.sum(axis=1), 1, rtol=1e-5)
    assert network.probabilities(spectra[:0]).shape == (0, 2)


def test_svm_searches_c_and_gamma():
    spectra, labels = labelled(12, seed=0)
    svm = make_classifier("svm", 0).fit(spectra, labels)
    assert svm.best_params_["C"] in svm.C
    assert svm.best_params_["gamma"] * 48 == pytest.approx(
        min(svm.GAMMA, key=lambda g: abs(g - svm.best_params_["gamma"] * 48))
    )
    # The scale of the intensity is no matter: input is standardised.
    test, _ = labelled(20, seed=9)
    scaled = make_classifier("svm", 0).fit(1000 * spectra + 7, labels)
    np.testing.assert_array_equal(svm.predict(test), scaled.predict(1000 * test + 7))


def test_svm_is_scikit_learns_grid_search():
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.svm import SVC

    # The classes lie so near to each other that settings differ.
    spectra, test = (
        np.concatenate([white_lines(n, 48, at, seed=seed + i) for i, at in enumerate((0.45, 0.44))])
        for n, seed in ((30, 0), (40, 9))
    )
    labels = np.repeat(CLASSES, 30)
    svm = make_classifier("svm", 3).fit(spectra, labels)
    x, y = ((s - spectra.mean(0)) / np.sqrt(spectra.var(0).mean()) for s in (spectra, test))
    grid = {"C": svm.C, "gamma": [g / 48 for g in svm.GAMMA]}
    folds = StratifiedKFold(5, shuffle=True, random_state=3)
    reference = GridSearchCV(SVC(), grid, cv=folds).fit(x, labels)
    assert len(set(reference.cv_results_["mean_test_score"])) > 2
    assert svm.best_params_ == pytest.approx(reference.best_params_)
    np.testing.assert_array_equal(svm.predict(test), reference.predict(y))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("svm", 0.985), ("ann", 0.975)])
def test_classifiers_learn_from_noisy_spectra_and_not_their_noise(name, least):
    from hyperspy_dag.data import simulated_oxides

    s, labels = simulated_oxides("K", 500, random_state=3)
    train = np.zeros(1000, dtype=bool)
    train[np.random.default_rng(3).permutation(1000)[:300]] = True
    # One network is by chance half a percent better or worse than another.
    accuracies = [
        make_classifier(name, seed).fit(s.data[train], labels[train]).predict(s.data[~train])
        == labels[~train]
        for seed in range(3 if name == "ann" else 1)
    ]
    assert np.mean(accuracies) > least


def test_svm_works_with_two_spectra_a_class():
    spectra, labels = labelled(2, seed=0)
    svm = make_classifier("svm", 0).fit(spectra, labels)
    np.testing.assert_array_equal(svm.predict(spectra), labels)


def test_classifiers_say_what_is_wrong():
    spectra, labels = labelled(4, seed=0)
    with pytest.raises(ValueError, match="classifier='swm' is not known; choose from svm, ann"):
        make_classifier("swm")
    svm = make_classifier("svm", 0)
    with pytest.raises(RuntimeError, match="not fitted"):
        svm.predict(spectra)
    with pytest.raises(ValueError, match="at least two classes; all 4 spectra are 'FeO'"):
        svm.fit(spectra[:4], ["FeO"] * 4)
    with pytest.raises(ValueError, match="class 'FeO' has 1 training spectra; SVMClassifier needs"):
        svm.fit(spectra[:5], labels[:5])
    with pytest.raises(ValueError, match=r"shape \(8,\), one for each spectrum; got \(3,\)"):
        svm.fit(spectra, labels[:3])
    with pytest.raises(ValueError, match="have 40 channels; the classifier was trained on 48"):
        svm.fit(spectra, labels).predict(spectra[:, :40])


# --- train on synthetic, test on real -------------------------------------------------------------


class Recorder:
    """A synthesiser that makes the spectra of the other class and tells how it was called."""

    def __init__(self, position: float):
        self.position, self.calls = position, []

    def sample(self, n, random_state):
        self.calls.append((n, random_state))
        return white_lines(n, 48, self.position, seed=random_state + 1000)


@pytest.mark.parametrize("n_synthetic", [5, 25])
def test_tstr_trains_on_what_it_says(n_synthetic):
    """Synthesisers of swapped classes: they win where they are more than the real ones."""
    train, test = labelled(20, seed=0), labelled(30, seed=50)
    swapped = {"FeO": Recorder(0.45), "Fe3O4": Recorder(0.35)}
    result = tstr(
        *train, *test, swapped, n_synthetic=n_synthetic, classifiers=("svm",), random_state=4
    )
    assert result.classes == list(CLASSES)
    made = 2 * n_synthetic
    assert result.n_train == {"real": 40, "synthetic": made, "real + synthetic": 40 + made}
    # Each class in a stream of its own, or all would have the same noise.
    asked, streams = zip(*(call for one in swapped.values() for call in one.calls), strict=True)
    assert asked == (n_synthetic, n_synthetic)
    assert len(set(streams)) == 2
    right = {training: by["svm"] > 0.5 for training, by in result.accuracies().items()}
    assert right == {"real": True, "synthetic": False, "real + synthetic": n_synthetic < 20}
    score = result.scores["synthetic"]["svm"]
    # Rows are true classes: nearly every Fe3O4 is called FeO, and the other way round.
    assert score.confusion.sum(axis=1).tolist() == [30, 30]
    assert score.confusion[0, 1] > 25 and score.confusion[1, 0] > 25
    assert score.accuracy == np.trace(score.confusion) / 60


def test_confusion_matrix_has_true_classes_in_rows():
    """Synthetic Fe3O4 that lies far off: every real spectrum is taken for FeO."""
    test = labelled(30, seed=50)
    far = {"FeO": Recorder(0.35), "Fe3O4": Recorder(0.65)}
    result = tstr(None, None, *test, far, classifiers=("svm",), n_synthetic=25, random_state=4)
    assert result.scores["synthetic"]["svm"].confusion.tolist() == [[0, 30], [0, 30]]


def test_tstr_without_real_training_spectra():
    train, test = labelled(20, seed=0), labelled(10, seed=50)
    fit = {c: make_baseline("pca_gaussian").fit(train[0][train[1] == c]) for c in CLASSES}
    result = tstr(None, None, *test, fit, classifiers=("svm",), random_state=0)
    assert list(result.scores) == ["synthetic"]
    assert result.accuracies()["synthetic"]["svm"] > 0.9


def test_tstr_says_what_is_wrong():
    train, test = labelled(8, seed=0), labelled(8, seed=50)
    fit = {c: RealOnly().fit(train[0][train[1] == c]) for c in CLASSES}
    options = {"classifiers": ("svm",), "n_synthetic": 8, "random_state": 0}
    with pytest.raises(ValueError, match="test holds spectra of class 'FeO', for which there is"):
        tstr(*train, *test, {"Fe3O4": fit["Fe3O4"]}, **options)
    with pytest.raises(ValueError, match="train holds no spectrum of class 'FeO'"):
        tstr(train[0][:8], train[1][:8], *test, fit, **options)
    with pytest.raises(ValueError, match="train and train_labels belong together"):
        tstr(train[0], None, *test, fit, **options)
    with pytest.raises(ValueError, match="train has 40 channels and test has 48"):
        tstr(train[0][:, :40], train[1], *test, fit, **options)
    with pytest.raises(ValueError, match="classifiers='forest' is not known"):
        tstr(*train, *test, fit, **{**options, "classifiers": ("forest",)})
    with pytest.raises(TypeError, match=r"a sequence of names, such as \('svm',\)"):
        tstr(*train, *test, fit, **{**options, "classifiers": "svm"})
    with pytest.raises(ValueError, match="n_synthetic must be at least 1"):
        tstr(*train, *test, fit, **{**options, "n_synthetic": 0})


def test_tstr_warns_of_test_spectra_that_were_trained_on():
    train, test = labelled(8, seed=0), labelled(8, seed=50)
    fit = {c: RealOnly().fit(train[0][train[1] == c]) for c in CLASSES}
    mixed = np.concatenate([test[0], train[0][:3]]), np.concatenate([test[1], train[1][:3]])
    with pytest.warns(UserWarning, match="3 of 19 test spectra are among the training spectra"):
        tstr(*train, *mixed, fit, classifiers=("svm",), n_synthetic=8, random_state=0)


# --- the report: figures --------------------------------------------------------------------------


def test_figures_are_those_of_the_metrics(report, fitted, unseen, training):
    """Against the metrics called by hand on random groups of as many spectra."""
    signal, labels = unseen
    real = signal.data.compute()[labels == "FeO"].astype(float)
    train = training[0].data[training[1] == "FeO"].astype(float)
    made = fitted.sample(200, label="FeO").data.astype(float)
    assert report.classes == list(CLASSES)
    assert report.n_test == {"Fe3O4": 16, "FeO": 16}
    assert report.n_compared == {"Fe3O4": 8, "FeO": 8}
    assert report.trained_on == {"Fe3O4": 0, "FeO": 0}
    random = np.random.default_rng(0)
    for found, other in ((report.metrics, made), (report.training, train)):
        rows = []
        for _ in range(300):
            first, second = real[random.permutation(16)[:8]], random.choice(other, 8, replace=False)
            rows.append({
                **metrics.precision_recall_density_coverage(first, second)._asdict(),
                **{
                    name: getattr(metrics, name)(first, second)
                    for name in ("frechet_distance", "pearson_correlation", "cosine_distance",
                                 "kl_divergence", "kernel_distance")
                },
                "snr": metrics.snr(second),
                "memorisation_ratio": metrics.memorisation_ratio(second, train, first),
                "noise_level": metrics.noise_residual(second).std()
                / metrics.noise_residual(first).std(),
            })  # fmt: skip
        if other is train:  # there, each against all others
            assert found["FeO"]["memorisation_ratio"] == pytest.approx(1, abs=0.3)
            rows = [{k: v for k, v in row.items() if k != "memorisation_ratio"} for row in rows]
        for name in rows[0]:
            values = [row[name] for row in rows]
            # A mean of ten groups; neighbours are looked for among the components here.
            far = 5 * np.std(values) / np.sqrt(10) + 0.03
            assert found["FeO"][name] == pytest.approx(np.mean(values), abs=far), name


def test_each_figure_stands_beside_that_of_real_spectra_and_conventional_methods(
    report, fitted, unseen, training
):
    signal, labels = unseen
    columns = ["synthetic", "limit", "real", "training", "noise", "pca_mixture_dose"]
    assert report.tables["metrics"].columns == columns
    assert set(report.baselines) == {"noise", "pca_mixture_dose"}
    # Noise of a twentieth is added to that of the spectra.
    added, own = report.baselines["noise"]["FeO"], report.metrics["FeO"]
    assert added["noise_level"] > 1.2 * own["noise_level"]
    assert report.to_dict()["baselines"]["noise"]["snr"][1] == added["snr"]
    without = evaluate(fitted, signal, labels, classifiers=())
    assert without.training is None and without.baselines == {}
    assert without.tables["metrics"].columns == columns[:3]
    assert any("s_train" in note for note in without.notes)
    options = {"classifiers": (), "s_train": training[0], "labels_train": training[1]}
    chosen = evaluate(fitted, signal, labels, baselines=["shift_noise"], **options)
    assert list(chosen.baselines) == ["shift_noise"]
    with pytest.raises(ValueError, match="baselines='jitter' is not known"):
        evaluate(fitted, signal, labels, baselines=["jitter"], **options)
    with pytest.raises(TypeError, match=r"a sequence of names, such as \('noise',\)"):
        evaluate(fitted, signal, labels, baselines="noise", **options)


def test_classifiers_of_the_report(report, fitted, unseen, training):
    """The accuracy on synthetic spectra is that of a classifier trained on them by hand."""
    signal, labels = unseen
    known = labels != ""
    made = fitted.sample(200).data
    svm = make_classifier("svm", fitted.random_state_)
    svm.fit(made.reshape(400, 48), np.repeat(CLASSES, 200))
    expected = accuracy_score(labels[known], svm.predict(signal.data.compute()[known]))
    found = report.classification
    assert found.n_train == {
        "real": 54,
        "synthetic": 400,
        "real + synthetic": 454,
        "noise": 400,
        "pca_mixture_dose": 400,
    }
    assert found.scores["synthetic"]["svm"].accuracy == pytest.approx(expected)
    assert found.scores["synthetic"]["svm"].confusion.sum() == 32


def test_resources(report, fitted):
    found = report.resources["FeO"]
    assert found["training_spectra"] == 30
    assert found["epochs_trained"] == 2
    assert found["epoch_kept"] == fitted.best_["FeO"].epoch
    assert 0 < found["fit_seconds"] < 600


def test_ann_is_a_default_classifier(fitted, unseen):
    report = fitted.evaluate(*unseen, n_spectra=20)
    assert list(report.classification.scores) == ["synthetic"]
    assert list(report.classification.scores["synthetic"]) == ["svm", "ann"]
    assert report.classification.n_train == {"synthetic": 40}
    assert report.classification.accuracies()["synthetic"]["ann"] > 0.8


def test_evaluation_repeats_itself(fitted, unseen):
    first, again, other = (
        fitted.evaluate(*unseen, classifiers=(), random_state=state) for state in (None, None, 5)
    )
    assert first.to_dict() == again.to_dict()
    assert first.metrics != other.metrics
    assert first.classification is None


def test_real_halves_of_a_class_do_not_depend_on_the_other_classes(fitted, unseen):
    signal, labels = unseen
    one = np.where(labels == "FeO", labels, "")
    both, alone = (fitted.evaluate(signal, given, classifiers=()) for given in (labels, one))
    assert both.reference["FeO"] == alone.reference["FeO"]


def test_a_report_stays_when_the_augmenter_is_fitted_again(training, unseen, tmp_path):
    s, labels = training
    augmenter = EELSAugmenter(max_epochs=2, stopping=None, random_state=1)
    report = augmenter.fit(s, labels, show_progressbar=False).evaluate(*unseen, classifiers=())
    report.to_html(tmp_path / "before.html")
    again = augmenter.evaluate(*unseen, classifiers=())
    augmenter.fit(s, np.repeat(["other"], len(labels)), show_progressbar=False)
    again.to_html(tmp_path / "after.html")
    pictures = [
        re.findall('base64,[^"]*', (tmp_path / f"{name}.html").read_text())
        for name in ("before", "after")
    ]
    assert pictures[0] == pictures[1] and pictures[0]


def test_part_of_the_classes_and_white_lines(fitted, unseen):
    """A test set of one of the trained classes; its spectra are told from the other class too."""
    signal, labels = unseen
    one = np.where(labels == "FeO", labels, "")
    windows = metrics.WhiteLineWindows(l3=(634.0, 642.5), l2=(642.5, 650.0))
    report = evaluate(fitted, signal, one, classifiers=("svm",), n_spectra=20, windows=windows)
    assert report.classes == ["FeO"]
    assert report.classification.classes == list(CLASSES)
    assert report.classification.scores["synthetic"]["svm"].confusion[0].tolist() == [0, 0]
    assert 0 <= report.metrics["FeO"]["wasserstein_l3_position"] < 0.5


def test_one_class_has_no_classifiers(tmp_path):
    augmenter = EELSAugmenter(max_epochs=1, stopping=None, random_state=0)
    augmenter.fit(eels(white_lines(20)), np.full(20, 3), show_progressbar=False)
    report = augmenter.evaluate(eels(white_lines(6, seed=7)), np.full(6, 3))
    assert report.classification is None
    # Halves of 6 spectra are too few for the neighbour metrics.
    assert report.reference == {3: None}
    report.to_html(tmp_path / "r.html")
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["reference"] == {}


# --- the report: forms ----------------------------------------------------------------------------


def test_dict_is_json_and_complete(report):
    content = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert content["classes"] == list(CLASSES)
    assert content["metrics"]["frechet_distance"] == [
        report.metrics[label]["frechet_distance"] for label in CLASSES
    ]
    found = content["classification"]
    assert np.sum(found["confusion"]["real"]["svm"]) == 32
    assert found["accuracy"]["real"]["svm"] == report.classification.scores["real"]["svm"].accuracy
    assert content["settings"]["design"] == "single_bitrans"


def test_dict_replaces_what_json_has_no_number_for(report):
    import dataclasses

    odd = dataclasses.replace(report, metrics={"Fe3O4": {"snr": np.inf}, "FeO": {"snr": np.nan}})
    assert json.loads(json.dumps(odd.to_dict(), allow_nan=False))["metrics"] == {
        "snr": [None, None]
    }


def test_dataframe(report):
    pandas = pytest.importorskip("pandas", reason="to_dataframe needs pandas")
    frame = report.to_dataframe()
    assert isinstance(frame, pandas.DataFrame)
    row = frame.loc[("FeO", "Fréchet distance")]
    assert row["synthetic"] == report.metrics["FeO"]["frechet_distance"]
    assert row["real"] == report.reference["FeO"]["frechet_distance"]
    assert report.to_dataframe("classifiers").loc["real", "SVM"] <= 1
    assert report.to_dataframe("resources").loc["Fe3O4", "training spectra"] == 24
    with pytest.raises(ValueError, match="choose from metrics, classifiers, resources"):
        report.to_dataframe("table 1")


def test_dataframe_without_pandas(report, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install pandas.*to_dict\(\)"):
        report.to_dataframe()


def test_html_is_self_contained(report, tmp_path):
    from matplotlib import pyplot as plt

    open_figures = plt.get_fignums()
    path = tmp_path / "report.html"
    report.to_html(path)
    assert plt.get_fignums() == open_figures
    page = path.read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    # Nothing is fetched: every source is data, and there are no links, scripts or style sheets.
    assert re.findall(r'src="(?!data:image/png;base64,)', page) == []
    assert re.search(r"<(script|link)|https?:|url\(", page) is None
    assert page.count("<img ") == len(report.pictures) == 6
    # The verdict first, then the confusion matrices.
    places = [page.index(f"{text}") for text in ("FeO: look at.", "<img ", "<tbody>")]
    assert places == sorted(places) and 'alt="Confusion matrices' in page[: places[2]]
    assert all(picture.png.startswith(b"\x89PNG") for picture in report.pictures)
    for text in ("Fréchet distance ↓", "FeO: look at.", "trained on", "pca_mixture_dose"):
        assert text in page
    svm = report.classification.scores["real + synthetic"]["svm"].accuracy
    assert f"<td>{100 * svm:.1f} %</td>" in page
    with pytest.raises(FileExistsError, match="overwrite=True"):
        report.to_html(path)
    report.to_html(path, overwrite=True)
    part = report._repr_html_()
    assert "<table>" in part and "<html" not in part


def test_class_names_are_escaped():
    names = ["<script>alert(1)</script>", 'Fe & O "x"']
    data, labels = labelled(12, seed=0)
    labels = np.where(labels == "FeO", *names)
    augmenter = EELSAugmenter(max_epochs=1, stopping=None, random_state=0)
    augmenter.fit(eels(data), labels, show_progressbar=False)
    test, truth = labelled(8, seed=50)
    report = augmenter.evaluate(eels(test), np.where(truth == "FeO", *names), classifiers=())
    page = report._repr_html_()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "Fe &amp; O &#34;x&#34;" in page


def test_report_says_how_large_it_is(report):
    assert repr(report) == (
        "<Report, 2 classes, 32 test spectra: look at; to_html(path) shows it all>"
    )


# --- bad input ------------------------------------------------------------------------------------


def test_not_fitted(unseen):
    with pytest.raises(NotFittedError, match=r"call fit\(s, labels\) first"):
        EELSAugmenter().evaluate(*unseen)
    with pytest.raises(TypeError, match="a fitted EELSAugmenter is needed; got LazyEELSSpectrum"):
        evaluate(*unseen, None)


@pytest.mark.parametrize(
    "axis", [{"offset": 631.0}, {"scale": 0.25}, {"units": "keV"}], ids=["offset", "scale", "unit"]
)
def test_another_energy_axis(fitted, axis):
    data, labels = labelled(8, seed=50)
    with pytest.raises(ValueError, match="s_test is on another energy axis .* 48 channels from"):
        fitted.evaluate(eels(data, **axis), labels)


def test_another_number_of_channels(fitted):
    data, labels = labelled(8, seed=50)
    with pytest.raises(ValueError, match="47 channels from 630 to 653 eV instead of 48 channels"):
        fitted.evaluate(eels(data[:, :47] / data[:, :47].max(axis=1, keepdims=True)), labels)


def test_the_same_axis_in_other_units(fitted):
    data, labels = labelled(8, seed=50)
    s = eels(data, units="keV", offset=0.630, scale=0.0005)
    in_ev = fitted.evaluate(eels(data), labels, classifiers=())
    assert fitted.evaluate(s, labels, classifiers=()).metrics == in_ev.metrics


def test_class_that_was_not_trained(fitted):
    data, labels = labelled(8, seed=50)
    labels = np.where(labels == "FeO", "NiO", labels)
    with pytest.raises(
        ValueError, match="class 'NiO', which the augmenter was not trained on; its"
    ):
        fitted.evaluate(eels(data), labels)


def test_true_is_not_class_one(training):
    s, labels = training
    augmenter = EELSAugmenter(max_epochs=1, stopping=None, random_state=0)
    augmenter.fit(s, (labels == "FeO").astype(int), show_progressbar=False)
    data, truth = labelled(8, seed=50)
    with pytest.raises(ValueError, match="False, True, which the augmenter was not trained on"):
        augmenter.evaluate(eels(data), truth == "FeO")


def test_fewer_than_six_test_spectra(fitted):
    data, labels = labelled(8, seed=50)
    labels[:3] = ""
    with pytest.raises(ValueError, match=r"too few spectra of class 'Fe3O4' \(5\); at least 6"):
        fitted.evaluate(eels(data), labels)
    with pytest.raises(ValueError, match="no spectrum of s_test is labelled"):
        fitted.evaluate(eels(data), [""] * 16)


def test_real_and_synthetic_swapped(fitted, unseen):
    synthetic = fitted.sample(10)
    truth = np.repeat(CLASSES, 10).reshape(2, 10)
    with pytest.raises(ValueError, match="s_test is synthetic.*swapped"):
        fitted.evaluate(synthetic, truth)
    with pytest.raises(ValueError, match="s_test is synthetic"):
        fitted.evaluate(synthetic.inav[:8, 0], truth[0, :8])
    with pytest.raises(ValueError, match="s_train is synthetic"):
        fitted.evaluate(*unseen, s_train=synthetic, labels_train=truth)


def test_spectra_that_could_not_be_trained_on_either(fitted):
    data, labels = labelled(8, seed=50)
    with pytest.raises(ValueError, match="not max-normalised"):
        fitted.evaluate(eels(100 * data), labels)
    data[3, 5] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity"):
        fitted.evaluate(eels(data), labels)
    with pytest.raises(TypeError, match="s_test: an exspy EELSSpectrum is needed; got ndarray"):
        fitted.evaluate(data, labels)


def test_options_are_checked(fitted, unseen):
    with pytest.raises(ValueError, match="s_train and labels_train belong together"):
        fitted.evaluate(*unseen, s_train=unseen[0])
    with pytest.raises(ValueError, match="classifiers='forest' is not known"):
        fitted.evaluate(*unseen, classifiers=("forest",))
    with pytest.raises(ValueError, match="n_spectra must be at least 1"):
        fitted.evaluate(*unseen, n_spectra=0)
    with pytest.raises(TypeError, match="windows must be a hyperspy_dag.metrics.WhiteLineWindows"):
        fitted.evaluate(*unseen, windows=(640.0, 650.0))


def test_metric_that_cannot_be_computed_is_named(fitted, monkeypatch):
    def refuse(*_):
        raise ValueError("all are the same")

    monkeypatch.setattr(metrics, "kernel_distance", refuse)
    data, labels = labelled(6, seed=50)
    with pytest.warns(UserWarning, match="kernel_distance of class 'Fe3O4' cannot be computed: al"):
        report = fitted.evaluate(eels(data), labels, classifiers=())
    assert np.isnan(report.metrics["Fe3O4"]["kernel_distance"])
    assert np.isfinite(report.metrics["Fe3O4"]["frechet_distance"])


# --- leakage --------------------------------------------------------------------------------------


def test_digests_tell_spectra_apart():
    spectra = white_lines(50)
    digests = spectrum_digests(spectra)
    assert digests.shape == (50,) and digests.dtype == np.uint64
    assert len(np.unique(digests)) == 50
    # Kept as they are through other memory layouts and precisions …
    np.testing.assert_array_equal(spectrum_digests(np.asfortranarray(spectra)), digests)
    np.testing.assert_array_equal(spectrum_digests(spectra.astype(np.float64)), digests)
    np.testing.assert_array_equal(spectrum_digests(spectra[7:9]), digests[7:9])
    zeros = np.zeros((1, 4), np.float32)
    np.testing.assert_array_equal(spectrum_digests(zeros), spectrum_digests(-zeros))
    # … and changed by the smallest change of one value.
    other = spectra.copy()
    other[0, 0] = np.nextafter(other[0, 0], np.float32(2))
    assert (spectrum_digests(other) != digests).tolist() == [True] + [False] * 49
    assert spectrum_digests(spectra[:0]).shape == (0,)


@pytest.mark.parametrize("saved", [False, True])
def test_warns_of_test_spectra_that_were_trained_on(fitted, training, tmp_path, saved):
    augmenter = fitted
    if saved:
        fitted.save(tmp_path / "a.dag")
        augmenter = EELSAugmenter.load(tmp_path / "a.dag")
    data, labels = labelled(8, seed=50)
    s, known = training
    feo = np.flatnonzero(known == "FeO")[:3]
    # Trained under another name: leakage all the same.
    mixed = eels(np.concatenate([data, s.data[feo]]).astype(np.float64))
    labels = np.concatenate([labels, ["Fe3O4"] * 3])
    with pytest.warns(UserWarning, match=r"3 of 19 test spectra .* \(3 of class 'Fe3O4'\)") as seen:
        report = augmenter.evaluate(mixed, labels, classifiers=())
    assert seen[0].filename == __file__  # points at the user's line
    assert report.trained_on == {"Fe3O4": 3, "FeO": 0}
    assert "3 of class Fe3O4" in report._repr_html_()
    assert augmenter.evaluate(eels(data), labels[:16], classifiers=()).resources == report.resources


def test_what_is_wrong_with_test_spectra_is_said_of_them(fitted, unseen):
    """Not in the words of a training, where the same spectra would be warned of."""
    s = unseen[0].deepcopy()
    s.compute(progressbar=False)
    labels = unseen[1].copy()
    rows = np.argwhere(labels == "FeO")
    s.data[tuple(rows[1])] = s.data[tuple(rows[0])]
    s.data[tuple(rows[2])][5] = -3.0
    with pytest.warns(UserWarning) as seen:
        fitted.evaluate(s, labels, classifiers=())
    said = [str(one.message) for one in seen if one.category is UserWarning]
    assert any(re.match("s_test: 1 of 32 labelled spectra reach further below", m) for m in said)
    assert any(re.match("s_test: spectra that repeat another", m) for m in said)
    assert not re.search("learn|train", " ".join(m for m in said if m.startswith("s_test")))
    assert all(one.filename == __file__ for one in seen if one.category is UserWarning)
    s.data[tuple(rows[3])] = 0.0
    with pytest.raises(ValueError, match="s_test: 1 of 32 labelled spectra are constant"):
        fitted.evaluate(s, labels, classifiers=())


def test_warns_of_other_training_spectra(fitted, unseen):
    data, labels = labelled(8, seed=500)
    with pytest.warns(UserWarning, match="16 of the 16 spectra of s_train are not among those"):
        fitted.evaluate(*unseen, s_train=eels(data), labels_train=labels, classifiers=())
    with pytest.raises(ValueError, match="s_train holds no spectrum of class 'FeO'"):
        fitted.evaluate(*unseen, s_train=eels(data[:8]), labels_train=labels[:8], classifiers=())


# --- light ----------------------------------------------------------------------------------------


def test_tensorflow_waits_for_the_ann(run_python):
    run_python(
        """
        import sys
        import numpy as np
        from hyperspy_dag.validation import evaluate, make_classifier, tstr
        x = np.random.default_rng(0).random((8, 12))
        make_classifier("svm", 0).fit(x, [0, 1] * 4).predict(x)
        assert not {"tensorflow", "keras"} & set(sys.modules)
        """
    )
