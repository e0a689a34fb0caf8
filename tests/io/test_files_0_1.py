# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that version 0.1.0 wrote (tests/files_0_1): they load, draw and are gone on with."""

from __future__ import annotations

import shutil
from pathlib import Path

import hyperspy.api as hs
import numpy as np
import pytest
from spectra import two_classes

from hyperspy_dag import EELSAugmenter, get_labels
from hyperspy_dag.dag.trainer import Trainer

pytestmark = pytest.mark.filterwarnings("ignore:.*fewer than")

FILES = Path(__file__).parent / "files_0_1"

#: Of noise-free spectra; two draws of 400 from the same weights differ by up to this much. The
#: second class of the interrupted training is begun by this version, whose model of few spectra
#: differs.
SPREAD = {"refined": 0.04, "interrupted": 0.1, "paper": 0.15, "paper_branches": 0.15}


def check_means(augmenter: EELSAugmenter, name: str) -> None:
    """Compare the mean noise-free spectrum of each class with that of version 0.1.0."""
    with np.load(FILES / "means.npz") as means:
        expected = means[name]
    drawn = augmenter.sample(400, noise=False, random_state=2).data.mean(axis=1)
    np.testing.assert_allclose(drawn, expected, atol=SPREAD[name])


@pytest.mark.parametrize("name", ["refined", "paper", "paper_branches"])
def test_augmenters(name):
    augmenter = EELSAugmenter.load(FILES / f"{name}.dag")
    assert (augmenter.settings_.recipe, augmenter.classes_) == (
        name.partition("_")[0],
        ["Fe3O4", "FeO"],
    )
    assert set(augmenter.history_) == set(augmenter.best_) == {"Fe3O4", "FeO"}
    check_means(augmenter, name)
    s = augmenter.sample(2, label="FeO")
    energy = s.axes_manager.signal_axes[0]
    assert (energy.size, energy.offset, energy.scale, energy.units) == (24, 630.0, 0.5, "eV")
    assert s.metadata.Acquisition_instrument.TEM.beam_energy == 100


@pytest.mark.filterwarnings("ignore:.*was begun by hyperspy_dag 0.1.0")
def test_an_interrupted_training(tmp_path, monkeypatch):
    """Killed at epoch 10 of 20 of its first class: those 10 are not trained again."""
    folder, begun, train = tmp_path / "run", [], Trainer.train
    shutil.copytree(FILES / "interrupted", folder)

    def counting(self, first_epoch, *arguments):
        begun.append(first_epoch)
        return train(self, first_epoch, *arguments)

    monkeypatch.setattr(Trainer, "train", counting)
    augmenter = EELSAugmenter.resume(folder, *two_classes(channels=24), show_progressbar=False)
    assert begun == [10, 0, 10]
    assert [len(one.generator_cost) for one in augmenter.history_.values()] == [20, 20]
    check_means(augmenter, "interrupted")
    # Written over by this version, the folder is still one training.
    again = EELSAugmenter.resume(folder, show_progressbar=False)
    assert len(begun) == 3
    np.testing.assert_array_equal(again.sample(3).data, augmenter.sample(3).data)


def test_synthetic_spectra():
    s = hs.load(FILES / "augmented.hspy")
    assert s.data.shape == (2, 5, 24)
    assert get_labels(s.inav[3:, :]).tolist() == [["Fe3O4"] * 2, ["FeO"] * 2]
    assert s.metadata.DAG.random_state == 1
    assert s.metadata.DAG.design == "single_monotrans"


def test_preprocessed_spectra():
    s = hs.load(FILES / "preprocessed.hspy")
    made_by = s.metadata.DAG.preprocessing
    assert list(made_by.background_range) == [630.0, 636.0]
    again = s.dag_preprocess(signal_range=(632.0, 652.0))
    np.testing.assert_allclose(again.data, s.data, atol=1e-6)
