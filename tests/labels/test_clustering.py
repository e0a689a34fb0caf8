# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels by clustering: maps of the navigation shape that fit takes as they are."""

from __future__ import annotations

import sys

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pytest
from conftest import ROOT
from spectra import eels, white_lines

from hyperspy_dag import labels as labels_module
from hyperspy_dag.labels import cluster, parse_labels
from hyperspy_dag.training.training_set import training_set


def image(seed=0, noise=0.05):
    """A spectrum image of 12 x 15: a matrix, a disc of another phase, and a row of vacuum."""
    y, x = np.mgrid[:12, :15]
    truth = ((y - 6) ** 2 + (x - 7) ** 2 < 12).astype(int)
    data = white_lines(180, position=0.35, noise=noise, seed=seed).reshape(12, 15, -1)
    other = white_lines(180, position=0.5, noise=noise, seed=seed + 1).reshape(12, 15, -1)
    data = np.where(truth[..., None] == 1, other, data)
    data[0] = 0
    truth[0] = -1
    s = eels(data)
    for axis, name in zip(s.axes_manager.navigation_axes, "xy", strict=True):
        axis.name, axis.units, axis.scale = name, "nm", 0.5
    return s, truth


def agreement(found, truth):
    """Fraction of the labelled spectra of the truth that have the same label."""
    return (np.asarray(found)[truth >= 0] == truth[truth >= 0]).mean()


def test_phases_of_a_spectrum_image():
    s, truth = image()
    found = cluster(s, "pca", random_state=0)
    assert isinstance(found, hs.signals.Signal2D) and found.data.dtype.kind == "i"
    assert agreement(found.data, truth) > 0.95  # the matrix is larger, and so 0
    assert (found.data[0] == -1).all()
    assert [axis.units for axis in found.axes_manager.signal_axes] == ["nm", "nm"]
    assert found.axes_manager.signal_shape == s.axes_manager.navigation_shape
    record = found.metadata.DAG.clustering
    assert record.embedding == "pca" and record.min_cluster_size == 8 and record.random_state == 0
    found.plot()
    plt.close("all")


def test_cubes_of_iron_oxide(real_data):
    """A real image: the cubes, and what is around them, against a threshold of the intensity."""
    raw = hs.load(real_data("fe_oxide_nanocubes.dm3"))
    s = raw.dag_preprocess(background_range=(480, 510), signal_range=(505, 760))
    intensity = raw.isig[520.0:540.0].sum("Energy loss").data
    bright = intensity > intensity.max() / 2
    found = cluster(s, "pca").data
    assert ((found == 0) & bright).sum() > 0.9 * bright.sum()
    assert bright[found == 1].mean() < 0.1


def test_fit_takes_the_map_for_labels(tmp_path):
    s, truth = image()
    found = cluster(s, "pca")
    data = training_set(s, found)
    assert data.classes == [0, 1] and data.counts[0] == (found.data == 0).sum()
    found.save(tmp_path / "labels.hspy")
    again = parse_labels(s, hs.load(tmp_path / "labels.hspy"))
    np.testing.assert_array_equal(again.index, found.data)


def test_line_scans_and_stacks():
    s, truth = image()
    scan = eels(s.data[1:].reshape(-1, s.data.shape[-1]))
    found = cluster(scan, "pca")
    assert isinstance(found, hs.signals.Signal1D) and found.data.shape == (165,)
    assert agreement(found.data, truth[1:].ravel()) > 0.95
    stack = eels(s.data.reshape(3, 4, 15, -1))
    assert cluster(stack, "pca").data.shape == (3, 4, 15)
    parse_labels(stack, cluster(stack, "pca"))


def test_lazy_signals_give_the_same_map():
    s, _ = image()
    lazy = s.as_lazy()
    lazy.data = lazy.data.rechunk((5, 4, 20))
    np.testing.assert_array_equal(cluster(lazy, "pca").data, cluster(s, "pca").data)


def test_principal_components_are_those_of_scikit_learn():
    from sklearn.decomposition import PCA

    from hyperspy_dag.labels.clustering import _scores

    s, _ = image()
    raw = 1e5 + s.data[1:] * 100  # counts far from zero
    lazy = eels(raw).as_lazy()
    lazy.data = lazy.data.rechunk((2, 15, 48))
    expected = PCA(4, svd_solver="full").fit_transform(raw.reshape(165, -1).astype(float))
    for data in (raw, lazy.data):
        scores, usable = _scores(data, 4)
        assert usable.all()
        np.testing.assert_allclose(np.abs(scores), np.abs(expected), atol=1e-5 * expected.max())


def test_unusable_spectra_are_unlabelled():
    s, _ = image()
    expected = cluster(s, "pca").data
    s.data[3, 3, 5], s.data[3, 4, 7] = np.nan, np.inf
    found = cluster(s, "pca").data
    assert found[3, 3] == found[3, 4] == -1
    assert (found != expected).sum() <= 4


def test_numbers_go_by_size():
    from hyperspy_dag.labels.clustering import _by_size

    numbers = np.array([2, -1, 0, 1, 1, 2, 2, 0])
    np.testing.assert_array_equal(_by_size(numbers), [0, -1, 1, 2, 2, 0, 0, 1])
    np.testing.assert_array_equal(_by_size(np.full(3, -1)), [-1] * 3)


def test_no_cluster_at_all():
    random = np.random.default_rng(0)
    s = eels(random.standard_normal((40, 48)))
    with pytest.warns(UserWarning, match="no cluster of at least 20 spectra"):
        assert (cluster(s, "pca", min_cluster_size=20).data == -1).all()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"embedding": "tsne"}, ValueError, "embedding='tsne'.*umap, pca"),
        ({"min_cluster_size": 1}, ValueError, "min_cluster_size must be at least 2"),
        ({"min_cluster_size": 2.5}, TypeError, "min_cluster_size must be a whole number"),
        ({"min_cluster_size": 100}, ValueError, "165 usable spectra are too few"),
        ({"n_components": 0}, ValueError, "n_components must be at least 1"),
        ({"n_components": 49}, ValueError, "n_components must be at most 48"),
        ({"n_neighbors": 1}, ValueError, "n_neighbors must be at least 2"),
        ({"random_state": -1}, ValueError, "random_state"),
    ],
)
def test_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        cluster(image()[0], **{"embedding": "pca"} | arguments)


def test_signals_that_cannot_be_clustered():
    with pytest.raises(ValueError, match="single spectrum"):
        cluster(image()[0].inav[0, 1], "pca")
    with pytest.raises(TypeError, match="EELSSpectrum"):
        cluster(np.ones((4, 5, 6)), "pca")
    with pytest.raises(ValueError, match="0 usable spectra"):
        cluster(eels(np.zeros((30, 48))), "pca")


def test_without_umap(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(ImportError, match=r"pip install hyperspy_dag\[umap\].*pca"):
        cluster(image()[0])


@pytest.mark.slow  # Numba compiles
def test_umap_finds_the_phases_and_repeats_itself():
    pytest.importorskip("umap", reason="needs umap-learn: pip install hyperspy_dag[umap]")
    s, truth = image()
    before = np.random.get_state()[1].copy()
    found = cluster(s, random_state=3)
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    assert found.metadata.DAG.clustering.embedding == "umap"
    assert agreement(found.data, truth) > 0.95
    np.testing.assert_array_equal(cluster(s, random_state=3).data, found.data)


@pytest.mark.parametrize("merged", [True, False])
def test_hyperspys_own_clusters_are_labels(merged):
    s, truth = image()
    s.decomposition(print_info=False)
    s.cluster_analysis("decomposition", n_clusters=3, number_of_components=3, random_state=0)
    parsed = parse_labels(s, s.get_cluster_labels(merged=merged))
    assert len(parsed.classes) == 3 and (parsed.index >= 0).all()
    pairs = {(int(a), int(b)) for a, b in zip(parsed.index.flat, truth.flat, strict=True)}
    assert len(pairs) == 3  # each cluster is one of matrix, disc and vacuum


def test_labels_stay_light(run_python):
    """The module of labels is imported with exSpy: it must not bring scikit-learn along."""
    said = run_python(
        "import sys, hyperspy_dag.labels; print('sklearn' in sys.modules, 'umap' in sys.modules)"
    ).stdout
    assert said.split()[-2:] == ["False", "False"]
    assert "cluster" in labels_module.__all__
    with pytest.raises(AttributeError, match="no attribute 'clusters'"):
        _ = labels_module.clusters


@pytest.mark.slow
def test_umap_shows_nothing_of_tensorflow(run_python):
    """UMAP imports TensorFlow for something that is not used here."""
    pytest.importorskip("umap")
    said = run_python(
        """
        import sys
        sys.path.insert(0, sys.argv[1])
        from spectra import two_classes
        from hyperspy_dag.labels import cluster
        print(cluster(two_classes(30, 30)[0], random_state=0).data.max())
        """,
        ROOT / "tests",
        env={"TF_CPP_MIN_LOG_LEVEL": None},
        options=("-W", "ignore"),
    )
    assert (said.stdout, said.stderr) == ("1\n", "")
