# SPDX-License-Identifier: GPL-3.0-or-later
"""``s.dag_augment``: the main job in one call, and every bad input before any training."""

from __future__ import annotations

import inspect
import os

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest
from exspy.signals import EELSSpectrum
from spectra import eels, two_classes, white_lines

import hyperspy_dag
from hyperspy_dag import EELSAugmenter, get_labels
from hyperspy_dag.dag import trainer as training

QUICK = {"max_epochs": 1, "stopping": None, "random_state": 0, "show_progressbar": False}

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*fewer than"),
    pytest.mark.filterwarnings("ignore:.*stopping criterion"),
]


@pytest.fixture
def no_training(monkeypatch):
    """Fail where training begins: what is wrong must have been said before."""

    def train(*_):
        pytest.fail("training began")

    monkeypatch.setattr(training.Trainer, "train", train)


def test_one_call(tmp_path):
    s, labels = two_classes()
    aug = s.dag_augment(labels, n_spectra=6, filename=tmp_path / "aug.hspy", **QUICK)
    assert aug.axes_manager.navigation_shape == (6, 2)
    np.testing.assert_array_equal(get_labels(aug.inav[:, 1]), ["FeO"] * 6)
    loaded = hs.load(tmp_path / "aug.hspy")
    np.testing.assert_array_equal(loaded.data, aug.data)
    assert loaded.metadata.DAG.training_spectra == [10, 14]


def test_preprocesses_where_asked():
    energy = np.arange(560, 700, 0.5)
    spectra = np.zeros((30, len(energy)), np.float32)
    spectra[:, 140:188] = white_lines(30)
    raw = eels(1e12 * energy**-3.0 + 2000 * spectra, offset=560.0)
    labels = ["a"] * 30
    aug = raw.dag_augment(
        labels, background_range=(565, 625), signal_range=(630, 654), n_spectra=3, **QUICK
    )
    assert aug.data.shape == (1, 3, 48)
    assert aug.axes_manager.signal_axes[0].offset == 630.0
    record = aug.metadata.DAG.preprocessing.as_dictionary()
    assert tuple(record["background_range"]) == (565, 625)
    apart = raw.dag_preprocess((565, 625), (630, 654)).dag_augment(labels, n_spectra=3, **QUICK)
    np.testing.assert_array_equal(aug.data, apart.data)


def test_accepts_cluster_labels():
    s, _ = two_classes(40, 40)
    s.decomposition(output_dimension=3)
    s.cluster_analysis("decomposition", n_clusters=2, random_state=0)
    labels = s.get_cluster_labels(merged=True)
    aug = s.dag_augment(labels, n_spectra=2, **QUICK)
    assert get_labels(aug).tolist() == [[0, 0], [1, 1]]


def test_converts_integers():
    """Counts that happen to be normalised: 0 and 1 in integer dtype."""
    data = (white_lines(30) > 0.5).astype(np.uint8)
    aug = eels(data).dag_augment(np.zeros(30, int), n_spectra=2, **QUICK)
    assert np.isfinite(aug.data).all()


def test_signature_shows_in_notebooks():
    assert list(inspect.signature(EELSSpectrum.dag_augment).parameters)[:5] == [
        "self",
        "labels",
        "design",
        "architecture",
        "n_spectra",
    ]
    assert EELSSpectrum.dag_augment.__doc__.startswith("Train a data-augmentation GAN")


def spectra_with(where, value):
    s, labels = two_classes()
    s.data[where] = value
    return s, labels


def relabelled(make):
    s, labels = two_classes()
    return s, make(labels)


BAD = {
    "labels of the wrong shape": (
        lambda: relabelled(lambda labels: labels[:-1]),
        {},
        ValueError,
        r"navigation shape.*\(24,\); got shape \(23,\)",
    ),
    "nothing labelled": (
        lambda: relabelled(lambda labels: np.full(24, -1)),
        {},
        ValueError,
        "labelled",
    ),
    "a small class": (
        lambda: relabelled(lambda labels: ["a"] * 20 + ["b"] * 4),
        {},
        ValueError,
        "'?b'?.*4",
    ),
    "NaN": (
        lambda: spectra_with((5, 7), np.nan),
        {},
        ValueError,
        r"1 of 24 .*NaN or infinity.*\(5,\)",
    ),
    "infinity": (lambda: spectra_with((5, 7), np.inf), {}, ValueError, "NaN or infinity"),
    "constant": (lambda: spectra_with(5, 1.0), {}, ValueError, r"constant.*\(5,\)"),
    "zero": (lambda: spectra_with(5, 0.0), {}, ValueError, r"1 of them zero"),
    "not normalised": (
        lambda: spectra_with((slice(None), 3), 400.0),
        {},
        ValueError,
        "dag_preprocess",
    ),
    "no spectra asked for": (two_classes, {"n_spectra": 0}, ValueError, "n_spectra must be"),
    "fewer than none": (two_classes, {"n_spectra": -5}, ValueError, "n_spectra must be"),
    "unknown design": (
        two_classes,
        {"design": "bitrans"},
        ValueError,
        "choose from .*single_bitrans.*Did you mean",
    ),
    "unknown architecture": (
        two_classes,
        {"architecture": "dense"},
        ValueError,
        "choose from .*simple_dense",
    ),
    "background range off the axis": (
        two_classes,
        {"background_range": (100, 200)},
        ValueError,
        r"background_range.*630",
    ),
    "signal range off the axis": (
        two_classes,
        {"signal_range": (100, 200)},
        ValueError,
        r"signal_range.*630",
    ),
    "one spectrum many times": (
        lambda: (eels(np.repeat(white_lines(1), 30, axis=0)), ["a"] * 30),
        {},
        ValueError,
        "all spectra of class 'a' are the same",
    ),
    "another file format": (
        two_classes,
        {"filename": "aug.msa"},
        ValueError,
        "must be .hspy or .zspy",
    ),
    "hardly any channels": (
        lambda: (eels(white_lines(30)[:, 14:20] + 0.1), ["a"] * 30),
        {},
        ValueError,
        "6 channels; at least 8",
    ),
    "no such folder": (
        two_classes,
        {"filename": "/no/such/folder/a.hspy"},
        FileNotFoundError,
        "there is no folder /no/such/folder",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_before_training(case, no_training):
    make, arguments, error, message = BAD[case]
    s, labels = make()
    with pytest.raises(error, match=message):
        s.dag_augment(labels, **{**QUICK, **arguments})


def test_refuses_other_signals(no_training):
    s, labels = two_classes()
    other = hs.signals.Signal1D(s.data)
    with pytest.raises(TypeError, match=r'set_signal_type\("EELS"\)'):
        EELSAugmenter().fit(other, labels)
    with pytest.raises(TypeError, match="ndarray"):
        EELSAugmenter().fit(s.data, labels)
    image = hs.signals.Signal2D(np.ones((3, 8, 8)))
    with pytest.raises((TypeError, ValueError)):
        EELSAugmenter().fit(image, labels)


def test_refuses_complex_spectra(no_training):
    s, labels = two_classes()
    s.data = s.data.astype(complex)
    with pytest.raises((TypeError, ValueError), match="complex"):
        s.dag_augment(labels, **QUICK)


def test_warns_of_few_spectra():
    s = eels(white_lines(12))
    with pytest.warns(UserWarning, match="a.*12|12.*a"):
        s.dag_augment(["a"] * 12, n_spectra=1, **QUICK)


def test_warns_of_duplicates():
    data = white_lines(40)
    data = np.concatenate([data, data[:3]])
    with pytest.warns(UserWarning, match="repeat another of their class exactly: 3 in class 'a'"):
        eels(data).dag_augment(["a"] * 43, n_spectra=1, **QUICK)


def test_unwritable_path_is_found_before_training(tmp_path, no_training):
    s, labels = two_classes()
    taken = tmp_path / "taken.hspy"
    taken.write_bytes(b"")
    # Without an ending it is a .hspy file, as for HyperSpy's own save.
    for name in (taken, tmp_path / "taken"):
        with pytest.raises(FileExistsError, match="overwrite=True"):
            s.dag_augment(labels, filename=name, **QUICK)
    folder = tmp_path / "folder.hspy"
    folder.mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        s.dag_augment(labels, filename=folder, **QUICK)
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(PermissionError, match="no permission"):
        s.dag_augment(labels, filename=closed / "a.hspy", **QUICK)


@pytest.mark.parametrize("ending", [".hspy", ".zspy"])
def test_a_file_that_comes_during_the_training_stays(tmp_path, monkeypatch, ending):
    s, labels = two_classes()
    target = tmp_path / f"aug{ending}"
    draw = EELSAugmenter.sample

    def sample(self, *given, **named):
        s.inav[:2].save(target)
        return draw(self, *given, **named)

    monkeypatch.setattr(EELSAugmenter, "sample", sample)
    with pytest.raises(FileExistsError, match=r"was left as it is; .* is in .*part") as caught:
        s.dag_augment(labels, filename=target, n_spectra=3, **QUICK)
    assert hs.load(target).axes_manager.navigation_shape == (2,)
    saved = hs.load(tmp_path / f".aug.part{ending}")
    np.testing.assert_array_equal(saved.data, caught.value.signal.data)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path):
    s, labels = two_classes()
    target = tmp_path / "aug.hspy"
    target.touch(mode=0o600)
    s.dag_augment(labels, filename=target, overwrite=True, n_spectra=3, **QUICK)
    assert target.stat().st_mode & 0o777 == 0o600


def test_lazy_signals_read_the_labelled_spectra_alone():
    """Blocks without labels are never computed."""
    data = white_lines(40)

    def block(block_info=None):
        (start, stop), _ = block_info[None]["array-location"]
        assert start < 20, "an unlabelled block was read"
        return data[start:stop]

    lazy = da.map_blocks(
        block, chunks=((10,) * 4, (48,)), dtype=np.float32, meta=np.empty((0, 0), np.float32)
    )
    s = eels(data).as_lazy()
    s.data = lazy
    labels = np.array(["a"] * 20 + [""] * 20)
    aug = s.dag_augment(labels, n_spectra=2, **QUICK)
    expected = eels(data[:20]).dag_augment(labels[:20], n_spectra=2, **QUICK)
    np.testing.assert_array_equal(aug.data, expected.data)


def test_public_names():
    for name in hyperspy_dag.__all__:
        assert getattr(hyperspy_dag, name) is not None
