# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate before the training: what opens it, what does not, and that closed it costs little."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from hyperspy_dag import EELSAugmenter
from hyperspy_dag.dag import gate
from hyperspy_dag.dag.architectures import ARCHITECTURES
from hyperspy_dag.dag.class_model.model import fit_class_model
from hyperspy_dag.dag.drawing import untrained_weights
from hyperspy_dag.dag.recipes import RECIPES
from hyperspy_dag.dag.sources import SpectrumSource
from hyperspy_dag.data import simulated_oxides

REFINED = RECIPES["refined"]
COMPACT = ARCHITECTURES["compact"].under(REFINED)


def peaks(seed: int, n: int = 60, channels: int = 80) -> np.ndarray:
    """A peak of varying height beside another, with noise."""
    random, channel = np.random.default_rng(seed), np.arange(channels)
    height = 1 + random.normal(size=(n, 2)) * (0.1, 0.3)
    spectra = height[:, :1] * np.exp(-((channel - 40) ** 2) / 50)
    spectra = spectra + 0.3 * height[:, 1:] * np.exp(-((channel - 60) ** 2) / 20)
    return spectra + random.normal(0, 0.05, (n, channels))


def compare(spectra: np.ndarray, seed: int = 0) -> gate.Gate:
    model = fit_class_model(spectra, 0.3)
    return gate.compare_with_model(
        spectra, model, COMPACT, REFINED, 0.3, np.random.SeedSequence(seed)
    )


def partly_noisy(seed: int) -> np.ndarray:
    """Spectra with noise in a quarter of the detector alone, which no model knows."""
    random, channel = np.random.default_rng(seed), np.arange(80)
    height = 1 + 0.1 * random.normal(size=(60, 1))
    noise = random.normal(0, 0.05, (60, 80)) * (abs(channel - 40) < 10)
    return height * np.exp(-((channel - 40) ** 2) / 50) + noise


def test_spectra_of_the_models_kind_do_not_open_it():
    model = fit_class_model(peaks(0), 0.3)
    weights = untrained_weights(model, 80, COMPACT, REFINED)
    opened = 0
    for seed in range(20):
        own = np.random.SeedSequence(seed)
        spectra = SpectrumSource(80, COMPACT, REFINED, model, weights, own).draw(60)
        opened += compare(spectra, seed).opens
    assert opened <= 2  # 5 % of 20 are one


def test_spectra_that_the_model_lacks_open_it(monkeypatch):
    fits = []
    monkeypatch.setattr(gate, "fit_class_model", lambda *a: fits.append(a) or fit_class_model(*a))
    found = compare(partly_noisy(1))
    assert found.opens
    assert found.auc > 0.65
    assert found.p_value == 0.05
    assert len(fits) == 19
    assert found.describe("MnO", 60).startswith("MnO: 60 spectra can be told from the model (AUC")


def test_one_set_of_the_models_kind_that_is_told_as_well_closes_it(monkeypatch):
    """A model whose own kind is told from it says nothing of the spectra."""
    other = fit_class_model(peaks(2), 0.3)
    monkeypatch.setattr(gate, "fit_class_model", lambda *a: other)
    found = compare(partly_noisy(1))
    assert not found.opens
    assert found.p_value == 1


def test_nothing_trains_where_the_gate_is_closed():
    s, labels = simulated_oxides("WL-Mn", {"MnO": 40, "MnO2": 40})
    augmenter = EELSAugmenter(random_state=0).fit(s, labels)
    for fitted in augmenter.generators_.values():
        assert not fitted.gate.opens
        assert fitted.history.generator_cost == []
        assert fitted.best.epoch == 0
    drawn = augmenter.sample(50)
    made = drawn.metadata.DAG
    assert list(made.epochs_trained) == [0, 0]
    assert list(made.gate.p_value) == [f.gate.p_value for f in augmenter.generators_.values()]
    never = EELSAugmenter(random_state=0, training="never").fit(s, labels)
    assert never.generators_["MnO"].gate is None
    np.testing.assert_array_equal(never.sample(50).data, drawn.data)
    assert not never.sample(5).metadata.has_item("DAG.gate")


def test_what_was_found_is_kept_in_files(tmp_path):
    s, labels = simulated_oxides("WL-Mn", {"MnO": 30})
    augmenter = EELSAugmenter(random_state=0).fit(s, labels, checkpoint_dir=tmp_path / "run")
    augmenter.save(tmp_path / "a.dag")
    expected = augmenter.generators_["MnO"].gate
    assert EELSAugmenter.load(tmp_path / "a.dag").generators_["MnO"].gate == expected
    resumed = EELSAugmenter.resume(tmp_path / "run")
    assert resumed.generators_["MnO"].gate == expected
    np.testing.assert_array_equal(resumed.sample(5).data, augmenter.sample(5).data)


def test_training_is_said_as_it_is_allowed():
    s, labels = simulated_oxides("WL-Mn", {"MnO": 10})
    with pytest.raises(ValueError, match="training=.sometimes. is not known; choose from auto"):
        EELSAugmenter(training="sometimes").fit(s, labels)
    with pytest.raises(ValueError, match='training="never" leaves nothing of recipe="paper"'):
        EELSAugmenter(training="never", recipe="paper").fit(s, labels)


SCRIPT = """
import sys
from hyperspy_dag import EELSAugmenter
from hyperspy_dag.data import simulated_oxides
if __name__ == "__main__":
    s, labels = simulated_oxides("WL-Mn", {"MnO": 20, "MnO2": 20})
    augmenter = EELSAugmenter(random_state=0).fit(s, labels, n_jobs=2, show_progressbar=True)
    augmenter.sample(300, thickness=0.1)
    print([name for name in ("tensorflow", "keras") if name in sys.modules])
    print(sys.modules["hyperspy_dag.training.workers"].multiprocessing.active_children())
"""


def test_a_closed_gate_imports_no_tensorflow_and_starts_no_process(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "[]"]
    assert "MnO: 20 spectra do not tell the model from themselves (AUC 0." in done.stderr
    assert done.stderr.count("nothing to train") == 2
