# SPDX-License-Identifier: GPL-3.0-or-later
"""Label one map, classify the next: adapted augmenters, conditions in sample, maps."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from hyperspy_dag import EELSAugmenter
from hyperspy_dag.adaptation.maps import UNLIKE
from hyperspy_dag.augmenter import NotFittedError
from hyperspy_dag.data import simulated_oxides

pytestmark = pytest.mark.filterwarnings("ignore:.*stopping criterion|.*hardly any spectra")


@pytest.fixture(scope="module")
def augmenter() -> EELSAugmenter:
    s, labels = simulated_oxides("WL-Mn", {"MnO": 40, "MnO2": 40}, random_state=1)
    return EELSAugmenter(max_epochs=1, stopping=None, random_state=0).fit(
        s, labels, show_progressbar=False
    )


@pytest.fixture(scope="module")
def target():
    return simulated_oxides("WL-Mn", {"MnO": 40, "MnO2": 80}, random_state=7)


@pytest.fixture(scope="module")
def adapted(augmenter, target) -> EELSAugmenter:
    return augmenter.adapt(target[0])


# --- conditions ----------------------------------------------------------------------------------


def centre(s) -> np.ndarray:
    """Energy of the maximum of each class's noise-free spectra, smoothed."""
    energy = s.axes_manager.signal_axes[0].axis
    data = s.data**8
    return (data * energy).sum(axis=-1) / data.sum(axis=-1)


def test_a_shift_moves_the_lines_by_so_many_ev(augmenter):
    one, other = (augmenter.sample(60, noise=False, shift=by) for by in (None, 0.7))
    moved = centre(other) - centre(one)
    assert np.median(moved) == pytest.approx(0.7, abs=0.03)


def test_ranges_are_drawn_from(augmenter):
    s = augmenter.sample(200, noise=False, energy_jitter=0, shift=(-1.0, 1.0), label="MnO")
    still = augmenter.sample(200, noise=False, energy_jitter=0, label="MnO")
    spread = np.sqrt(np.var(centre(s)) - np.var(centre(still)))
    assert spread == pytest.approx(2 / np.sqrt(12), rel=0.2)
    assert list(s.metadata.DAG.sampling.shift) == [-1.0, 1.0]


def test_a_range_of_doses_is_noisier_than_the_full_one(augmenter):
    def roughness(dose) -> np.ndarray:
        drawn = augmenter.sample(100, label="MnO", dose=dose).data
        return np.abs(np.diff(drawn, 3, axis=1)).mean(axis=1)

    full, some, tenth = (np.median(roughness(d)) for d in (1.0, (0.1, 1.0), 0.1))
    assert full < 0.9 * some < 0.9 * tenth


def test_a_mixture_of_all_is_the_other_class(augmenter):
    mixed = augmenter.sample(30, label="MnO", noise=False, energy_jitter=0, mixture={"MnO2": 1.0})
    other = augmenter.sample(30, label="MnO2", noise=False, energy_jitter=0)
    mean = other.data.mean(axis=0)
    assert np.corrcoef(mixed.data.mean(axis=0), mean)[0, 1] > 0.999


def test_thickness_raises_what_lies_a_plasmon_above_the_edge(augmenter):
    def tail(thickness) -> float:
        s = augmenter.sample(40, label="MnO", noise=False, thickness=thickness, energy_jitter=0)
        return float(s.isig[670.0:680.0].data.mean())

    assert tail(-0.3) < tail(None) < tail(0.5)


def test_the_first_spectra_of_a_longer_stack_are_those_of_a_shorter_one(augmenter):
    options = {"thickness": (0, 0.3), "dose": (0.3, 1.0)}
    longer, shorter = (augmenter.sample(n, **options).data for n in (300, 20))
    np.testing.assert_array_equal(longer[:, :20], shorter)
    lazy = augmenter.sample(300, lazy=True, **options)
    np.testing.assert_array_equal(lazy.data[:, 256:].compute(), longer[:, 256:])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"thickness": "thick"}, TypeError, r"thickness must be a number or a range \(low, high\)"),
        ({"thickness": (0.5, 0.1)}, ValueError, "its lower end first"),
        ({"thickness": 20.0}, ValueError, "thickness must lie between -3 and 3"),
        ({"mixture": {"CrO": 0.5}}, ValueError, "mixture names class 'CrO'; the classes are"),
        ({"mixture": 0.5}, TypeError, "mixture must be a dictionary of one other class"),
        ({"dose": (0.0, 1.0)}, ValueError, "dose must be at least"),
        ({"thickness": 0.1, "plasmon_energy": 0.0}, ValueError, "plasmon_energy must be from 1"),
        ({"low_loss": 3}, ValueError, "low_loss belongs to thickness="),
        ({"thickness": 0.1, "low_loss": 3}, TypeError, "low_loss must be an EELSSpectrum"),
    ],
)
def test_conditions_outside_physics_are_refused(augmenter, arguments, error, message):
    with pytest.raises(error, match=message):
        augmenter.sample(3, **arguments)


# --- adaptation ----------------------------------------------------------------------------------


def test_the_same_conditions_are_found_to_be_none(augmenter, target, adapted):
    """A target of the labelled kind: fractions are found, and little else."""
    _, truth = target
    assert adapted.class_fractions_["MnO2"] == pytest.approx(2 / 3, abs=0.05)
    for found in adapted.conditions_.values():
        assert abs(found["shift"].mean) < 0.3
    before, after = (
        (one.classify(target[0]).labels == np.asarray(truth)).mean() for one in (augmenter, adapted)
    )
    assert after >= before - 0.01


def test_a_shifted_map_is_found_shifted(augmenter, target):
    s, _ = target
    moved = s.deepcopy()
    moved.data = np.roll(moved.data, 12, axis=1)
    moved.data[:, :12] = moved.data[:, 12:13]
    found = augmenter.adapt(moved).conditions_
    step = s.axes_manager.signal_axes[0].scale
    for own in found.values():
        assert own["shift"].mean == pytest.approx(12 * step, abs=0.25)


def test_the_augmenter_stays_and_repeats_itself(augmenter, target, adapted):
    before = augmenter.sample(3).data
    again = augmenter.adapt(target[0])
    np.testing.assert_array_equal(augmenter.sample(3).data, before)
    np.testing.assert_array_equal(again.sample(5).data, adapted.sample(5).data)
    with pytest.raises(NotFittedError, match="not adapted: call adapted"):
        _ = augmenter.conditions_


def test_a_saved_augmenter_keeps_what_it_found(adapted, tmp_path):
    adapted.save(tmp_path / "a.dag")
    again = EELSAugmenter.load(tmp_path / "a.dag")
    np.testing.assert_array_equal(again.sample(5).data, adapted.sample(5).data)
    assert again.conditions_ == adapted.conditions_
    record = again.sample(2).metadata.DAG.adaptation
    assert record.n_target == 120


def test_bad_targets_are_named(augmenter, target):
    s, _ = target
    with pytest.raises(ValueError, match="s_target is synthetic"):
        augmenter.adapt(augmenter.sample(30))
    with pytest.raises(ValueError, match="does not cover the energies"):
        augmenter.adapt(s.isig[:300])
    with pytest.raises(ValueError, match="at least 20"):
        augmenter.adapt(s.inav[:15])
    with pytest.raises(ValueError, match="not max-normalised"):
        augmenter.adapt(s * 100.0)
    with pytest.raises(TypeError, match="s_target: an exspy EELSSpectrum is needed"):
        augmenter.adapt(hs.signals.Signal1D(s.data))
    empty = s.deepcopy()
    empty.data[:] = 0
    with pytest.raises(ValueError, match="holds 0 spectra with a signal"):
        augmenter.adapt(empty)


def test_training_spectra_as_a_target_are_said(augmenter):
    s, _ = simulated_oxides("WL-Mn", {"MnO": 40, "MnO2": 40}, random_state=1)
    with pytest.warns(UserWarning, match="are those that the augmenter was trained on"):
        augmenter.adapt(s)


# --- maps ----------------------------------------------------------------------------------------


def scan(s, shape):
    """The first spectra of a stack as a map."""
    made = s.inav[: int(np.prod(shape))].deepcopy()
    data = made.data.reshape(*shape, -1)
    image = type(s)(data)
    energy, own = (one.axes_manager.signal_axes[0] for one in (s, image))
    own.name, own.units, own.offset, own.scale = (
        energy.name,
        energy.units,
        energy.offset,
        energy.scale,
    )
    return image


def test_maps_have_the_navigation_shape(augmenter, target, tmp_path):
    s, labels = target
    image, truth = scan(s, (10, 12)), np.asarray(labels).reshape(10, 12)
    found = augmenter.classify(image)
    assert found.labels.shape == (10, 12)
    assert (found.labels == truth).mean() > 0.95
    assert found.map.axes_manager.signal_shape == (12, 10)
    probabilities = found.probability_map()
    assert probabilities.axes_manager.navigation_shape == (12, 10)
    np.testing.assert_allclose(probabilities.data.sum(axis=-1), 1, rtol=1e-4)
    found.save(tmp_path / "map.hspy")
    found.save(tmp_path / "map.png")
    loaded = hs.load(tmp_path / "map.hspy")
    np.testing.assert_array_equal(loaded.data, found.index)
    assert loaded.metadata.DAG.map_classes.as_dictionary() == {"0": "MnO", "1": "MnO2"}
    lazy = augmenter.classify(image.as_lazy())
    np.testing.assert_array_equal(lazy.index, found.index)


def test_what_is_like_no_class_is_marked(augmenter, target):
    s, _ = target
    other = s.deepcopy()
    energy = s.axes_manager.signal_axes[0].axis
    other.data[:30] = np.exp(-(((energy - 670) / 3) ** 2))
    other.data[30] = 0
    other.data[31, 5] = np.nan
    with pytest.warns(UserWarning, match="are like none of the classes"):
        found = augmenter.classify(other)
    assert found.unlike[:32].all()
    assert found.unlike[32:].mean() < 0.03
    assert (found.labels[:32] == UNLIKE).all()


def test_any_classifier_of_scikit_learn_will_do(augmenter, target):
    s, labels = target
    found = augmenter.classify(s, classifier=KNeighborsClassifier(5))
    assert (found.labels == np.asarray(labels)).mean() > 0.9
    with pytest.raises(ValueError, match='classifier must be "svm"'):
        augmenter.classify(s, classifier="forest")


# --- methods -------------------------------------------------------------------------------------


def test_label_one_map_classify_the_next(target):
    """By the method, raw spectra and ranges given once, for both maps."""
    ranges = {"background_range": (590.0, 633.0), "signal_range": (615.0, 685.0)}
    options = {"random_state": 0, "max_epochs": 1, "stopping": None, "show_progressbar": False}
    counts = {"MnO": 30, "MnO2": 30}
    s, labels = simulated_oxides("WL-Mn", counts, random_state=1, raw=True)
    other, truth = simulated_oxides("WL-Mn", counts, random_state=9, raw=True)
    phases = s.dag_classify(labels, other, **ranges, **options)
    assert (phases.labels == np.asarray(truth)).mean() > 0.95
    aug = s.dag_augment(labels, target=other, n_spectra=5, **ranges, **options)
    assert aug.data.shape == (2, 5, 700)
    assert aug.metadata.DAG.adaptation.n_target == 60


def test_unlabelled_spectra_of_the_signal_are_a_target(target):
    s, truth = target
    labels = np.array(truth, dtype=object)
    labels[30:] = np.where(np.arange(90) < 60, None, labels[30:])
    assert 8 <= (labels[labels != None] == "MnO2").sum()  # noqa: E711
    options = {"random_state": 0, "max_epochs": 1, "stopping": None, "show_progressbar": False}
    aug = s.dag_augment(labels, target="unlabelled", n_spectra=3, **options)
    assert aug.metadata.DAG.adaptation.n_target == 60
    with pytest.raises(ValueError, match="all spectra are labelled"):
        s.dag_augment(truth, target="unlabelled", **options)
    with pytest.raises(ValueError, match='target must be an EELSSpectrum or "unlabelled"'):
        s.dag_augment(labels, target="next", **options)
    with pytest.raises(ValueError, match="low_loss belongs to target="):
        s.dag_augment(labels, low_loss=s, **options)
