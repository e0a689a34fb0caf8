# SPDX-License-Identifier: GPL-3.0-or-later
"""What users of other packages expect: counts per class, arrays, one-hot labels, pipelines."""

from __future__ import annotations

import h5py
import hyperspy.api as hs
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from spectra import two_classes
from trainers import compiled_once  # noqa: F401

from hyperspy_dag import EELSAugmenter, get_arrays, get_labels
from hyperspy_dag.labels import keep_labels, parse_labels
from hyperspy_dag.training.counts import resampled_counts

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*stopping criterion"),
    pytest.mark.filterwarnings("ignore:few spectra"),
]


def augmenter(**settings):
    return EELSAugmenter(max_epochs=1, random_state=0, **settings)


@pytest.fixture(scope="module")
def fitted():
    s, labels = two_classes()
    return augmenter().fit(s, labels, show_progressbar=False)


def test_sample_counts_by_class(fitted):
    drawn = fitted.sample({"FeO": 3, "Fe3O4": 7})
    assert get_labels(drawn).tolist() == ["Fe3O4"] * 7 + ["FeO"] * 3
    np.testing.assert_array_equal(drawn.data[:7], fitted.sample(7, label="Fe3O4").data)
    assert drawn.metadata.DAG.spectra_per_class == [7, 3]
    lazy = fitted.sample({"FeO": 3, "Fe3O4": 7}, lazy=True)
    assert lazy._lazy
    np.testing.assert_array_equal(lazy.data.compute(), drawn.data)
    assert get_labels(fitted.sample({"FeO": 2})).tolist() == ["FeO"] * 2


@pytest.mark.parametrize(
    ("given", "label", "error", "said"),
    [
        ({"Fe": 3}, None, ValueError, "the classes are 'Fe3O4', 'FeO'"),
        ({"FeO": 0}, None, ValueError, r"n_spectra\['FeO'\] must be at least 1"),
        ({}, None, ValueError, "empty"),
        ({"FeO": 3}, "Fe3O4", ValueError, "the classes are 'Fe3O4'"),
        ({"FeO": 2.5}, None, TypeError, "whole number"),
    ],
)
def test_wrong_counts(fitted, given, label, error, said):
    with pytest.raises(error, match=said):
        fitted.sample(given, label=label)


def test_wrong_class_is_found_before_the_training():
    s, labels = two_classes()
    with pytest.raises(ValueError, match="the classes are"):
        s.dag_augment(labels, n_spectra={"MnO": 5})


@pytest.mark.parametrize(
    "strategy", ["auto", "minority", "not minority", "not majority", "all", {"b": 9}, 0.75]
)
def test_sampling_strategy_is_that_of_imbalanced_learn(strategy):
    utils = pytest.importorskip("imblearn.utils")
    y = np.repeat(
        ["a", "b", "c"][: 2 if strategy == 0.75 else 3], [12, 5, 8][: 2 if strategy == 0.75 else 3]
    )
    counts = dict(zip(*map(np.ndarray.tolist, np.unique(y, return_counts=True)), strict=True))
    added = utils.check_sampling_strategy(strategy, y, "over-sampling")
    expected = {label: n + added.get(label, 0) for label, n in counts.items()}
    assert resampled_counts(strategy, None, counts, y) == expected
    assert resampled_counts(lambda y: {"b": 6}, None, counts, y) == counts | {"b": 6}


@pytest.mark.parametrize(
    ("strategy", "n_spectra", "said"),
    [
        ("minorty", None, "Did you mean 'minority'"),
        ({"a": 3}, None, "which has 12: none are taken away"),
        ("all", 20, "not both"),
        (0.5, None, "ratio"),
    ],
)
def test_wrong_sampling_strategies(strategy, n_spectra, said):
    with pytest.raises(ValueError, match=said):
        resampled_counts(strategy, n_spectra, {"a": 12, "b": 5, "c": 8}, np.array([]))


def test_pipeline_of_imbalanced_learn():
    pipeline = pytest.importorskip("imblearn.pipeline")
    s, labels = two_classes()
    steps = augmenter(), FunctionTransformer(np.asarray), KNeighborsClassifier(3)
    made = clone(pipeline.make_pipeline(*steps)).fit(s, labels)
    assert (made.predict(s) == labels).mean() > 0.8
    # Arrays too, which cross-validation cuts into folds.
    s, labels = two_classes(30, 20)
    arrays = clone(pipeline.make_pipeline(augmenter(), KNeighborsClassifier(3)))
    assert cross_val_score(arrays, s.data, labels, cv=2).mean() > 0.7


def test_arrays_in_arrays_out():
    s, labels = two_classes()
    one = augmenter()
    spectra, new = one.fit_resample(s.data, labels, show_progressbar=False)
    assert type(spectra) is np.ndarray and spectra.shape == (28, 48)
    assert np.unique(new, return_counts=True)[1].tolist() == [14, 14]
    with pytest.raises(ValueError, match="uniform"):  # it knows no energies, hence no conditions
        one.sample(2, thickness=0.3)


def test_get_arrays(fitted):
    drawn = fitted.sample(4)
    X, y = get_arrays(drawn)
    np.testing.assert_array_equal(X, drawn.data.reshape(8, -1))
    assert X.dtype == np.float32 and X.flags.c_contiguous and X.flags.writeable
    assert y.tolist() == ["Fe3O4"] * 4 + ["FeO"] * 4
    X += 1
    assert drawn.data.max() == 1
    s, labels = two_classes()
    labels[3] = ""
    X, y = get_arrays(s, labels)
    np.testing.assert_array_equal(X, np.delete(s.data, 3, axis=0))
    assert y.tolist() == np.delete(labels, 3).tolist()
    with pytest.raises(ValueError, match="not normalised"):
        get_arrays(s * 300, labels)


@pytest.mark.parametrize(
    "make",
    [
        pd.Series,
        pd.Categorical,
        pd.get_dummies,
        lambda labels: pd.get_dummies(labels).astype(int),
        lambda labels: pd.DataFrame(
            {name: (labels == name).astype(float) for name in ("FeO", "Fe3O4")}
        ),
    ],
)
def test_labels_of_pandas(make):
    s, labels = two_classes()
    parsed = parse_labels(s, make(labels))
    assert parsed.classes == ["Fe3O4", "FeO"]
    assert np.asarray(parsed.classes)[parsed.index].tolist() == labels.tolist()


def test_one_hot_arrays():
    s, labels = two_classes()
    for one_hot in (
        OneHotEncoder().fit_transform(labels[:, None]),
        OneHotEncoder(sparse_output=False).fit_transform(labels[:, None]),
    ):
        assert parse_labels(s, one_hot).index.tolist() == (labels == "FeO").astype(int).tolist()
    one_hot[2] = 0
    assert parse_labels(s, one_hot).index[2] == -1
    one_hot[2] = 0.5
    with pytest.raises(ValueError, match=r"one-hot.*\[0.5, 0.5\] at navigation position \(2,\)"):
        parse_labels(s, one_hot)


def test_clusters_of_hyperspy_ml():
    """Its results have the method and flat maps; the package itself is not released."""

    class ClusterResult:
        def get_cluster_labels(self):
            return np.array([labels == "FeO", labels == "Fe3O4"])

    s, labels = two_classes()
    assert parse_labels(s, ClusterResult()).index.tolist() == (labels == "Fe3O4").tolist()


def test_labels_are_kept_without_learning_results(tmp_path):
    """As a HyperSpy saves that does not write ``learning_results``."""
    s, labels = two_classes()
    s.decomposition(output_dimension=3, print_info=False)
    s.cluster_analysis("decomposition", n_clusters=2, random_state=0)
    expected = s.get_cluster_labels(merged=True).data
    keep_labels(s, s.get_cluster_labels(merged=True))
    s.save(tmp_path / "s.hspy")
    with h5py.File(tmp_path / "s.hspy", "a") as file:
        found = []
        file.visit(lambda name: found.append(name) if name.endswith("learning_results") else None)
        assert found
        for name in found:
            del file[name]
    again = hs.load(tmp_path / "s.hspy")
    assert getattr(again.learning_results, "cluster_labels", None) is None
    np.testing.assert_array_equal(get_labels(again), expected)
    np.testing.assert_array_equal(get_labels(again.inav[3:9]), expected[3:9])
    assert augmenter().fit(again, get_labels(again), show_progressbar=False).classes_ == [0, 1]


def test_unlabelled_spectra_stay_so():
    s, labels = two_classes()
    for given, none in ((labels.astype(object), ""), ((labels == "FeO").astype(int), -1)):
        given = given.copy()
        given[4] = none
        keep_labels(s, given)
        assert get_labels(s).tolist() == given.tolist()


def test_unit_area_through_the_package():
    """The same shapes as with the maximum 1, drawn, adapted to and classified."""
    s, labels = two_classes(40, 40)
    area = s.dag_preprocess(normalise="area")
    np.testing.assert_allclose(area.data.sum(axis=1), 1, rtol=1e-5)
    by_area = augmenter().fit(area, labels, show_progressbar=False)
    by_maximum = augmenter().fit(s, labels, show_progressbar=False)
    drawn = by_area.sample(5).data
    np.testing.assert_allclose(drawn.sum(axis=-1), 1, rtol=1e-5)
    np.testing.assert_allclose(
        drawn / drawn.max(axis=-1, keepdims=True), by_maximum.sample(5).data, atol=1e-3
    )
    np.testing.assert_array_equal(by_area.sample(5, lazy=True).data.compute(), drawn)
    more, _ = by_area.fit_resample(area, labels, n_spectra=45, show_progressbar=False)
    np.testing.assert_allclose(more.data.sum(axis=-1), 1, rtol=1e-5)
    expected = by_maximum.classify(s, n_spectra=40).labels
    for target in (area, s):
        assert (by_area.classify(target, n_spectra=40).labels == expected).mean() > 0.97
    X, _ = get_arrays(by_area.sample(5))
    np.testing.assert_allclose(X.sum(axis=1), 1, rtol=1e-5)
