# SPDX-License-Identifier: GPL-3.0-or-later
"""The battery that every design, architecture and recipe passes, and what a fitted object does."""

from __future__ import annotations

import copy
import itertools
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import hyperspy.api as hs
import numpy as np
import pytest
from conftest import THOROUGH
from exspy.signals import EELSSpectrum
from spectra import DISPERSION, ENERGY_OFFSET, eels, two_classes, white_lines

from hyperspy_dag import EELSAugmenter, get_labels
from hyperspy_dag.augmenter import NotFittedError
from hyperspy_dag.dag import lending, stopping
from hyperspy_dag.dag.architectures import ARCHITECTURES
from hyperspy_dag.dag.designs import DESIGNS
from hyperspy_dag.dag.recipes import RECIPES
from hyperspy_dag.dag.stopping import Judge
from hyperspy_dag.dag.trainer import Costs, Trainer
from hyperspy_dag.training.train_class import SMALLEST_GAIN
from hyperspy_dag.validation import make_classifier

# Few spectra and few epochs on purpose: what they warn of is tested by itself.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*spectra.*recommended"),
    pytest.mark.filterwarnings("ignore:.*fewer than"),
    pytest.mark.filterwarnings("ignore:.*stopping criterion"),
]

# Every design with the smallest networks, every network in the default design: designs say what is
# shown to a discriminator, whatever it is made of.
BATTERY = [
    pytest.param(
        *case,
        id="-".join(case),
        marks=() if case[0] == "single_bitrans" or case[1] == "compact" else THOROUGH,
    )
    for case in itertools.product(DESIGNS, ARCHITECTURES, RECIPES)
]


@pytest.fixture(scope="module")
def fitted() -> EELSAugmenter:
    """A default augmenter, briefly trained on two classes."""
    s, labels = two_classes(60, 40)
    return EELSAugmenter(training="always", max_epochs=10, random_state=1).fit(
        s, labels, show_progressbar=False
    )


@pytest.mark.parametrize(("design", "architecture", "recipe"), BATTERY)
def test_battery(design, architecture, recipe, tmp_path):
    s, labels = two_classes()
    before = s.data.copy()

    def make():
        return EELSAugmenter(
            design,
            architecture,
            recipe=recipe,
            training="always",
            max_epochs=2,
            stopping=None,
            random_state=3,
        )

    augmenter = make().fit(s, labels, show_progressbar=False)
    np.testing.assert_array_equal(s.data, before)
    aug = augmenter.sample(9)

    # Shapes and axes: a stack (spectrum, class | energy) on the real spectra's energy axis.
    assert type(aug) is EELSSpectrum
    assert aug.data.shape == (2, 9, 48)
    assert [axis.name for axis in aug.axes_manager.navigation_axes] == ["spectrum", "class"]
    energy = aug.axes_manager.signal_axes[0]
    assert (energy.offset, energy.scale, energy.units) == (ENERGY_OFFSET, DISPERSION, "eV")
    assert energy.name == "Energy loss"
    np.testing.assert_array_equal(get_labels(aug), [["Fe3O4"] * 9, ["FeO"] * 9])

    assert np.isfinite(aug.data).all()
    # No two spectra are the same.
    assert len(np.unique(aug.data.reshape(18, -1), axis=0)) == 18

    # The same spectra after saving and loading …
    augmenter.save(tmp_path / "a.dag")
    np.testing.assert_array_equal(EELSAugmenter.load(tmp_path / "a.dag").sample(9).data, aug.data)
    # … and from a new fit, be there other classes or not.
    alone = np.where(labels == "FeO", labels, "")
    again = make().fit(s, alone, show_progressbar=False)
    assert again.classes_ == ["FeO"]
    np.testing.assert_array_equal(again.sample(9).data[0], aug.data[1])


def test_training_brings_the_papers_generator_nearer():
    """The paper's generator starts from nothing, so that training shows."""
    s = eels(white_lines(60))
    augmenter = EELSAugmenter(recipe="paper", stopping=None, max_epochs=150, random_state=0)
    augmenter.fit(s, np.ones(60, int), show_progressbar=False)
    distances = [e.metrics["frechet_distance"] for e in augmenter.history_[1].evaluations]
    assert distances[-1] < 0.9 * distances[0]


def test_keeps_the_best_state(fitted):
    for label in fitted.classes_:
        scores = [e.score for e in fitted.history_[label].evaluations]
        lowest = min(scores)
        # A hair better than the start is chance, and no reason to leave it.
        kept = lowest if lowest < scores[0] - SMALLEST_GAIN else scores[0]
        assert fitted.best_[label].score == kept


def test_stacks_are_prefixes_of_longer_ones(fitted):
    np.testing.assert_array_equal(fitted.sample(300).inav[:7].data, fitted.sample(7).data)


def test_sampling_repeats_itself_unless_told_otherwise(fitted):
    first = fitted.sample(5).data
    np.testing.assert_array_equal(first, fitted.sample(5).data)
    other = fitted.sample(5, random_state=7).data
    assert (first != other).any()
    np.testing.assert_array_equal(other, fitted.sample(5, random_state=7).data)


def test_other_random_state_other_spectra():
    s, labels = two_classes()
    stacks = [
        EELSAugmenter(training="always", max_epochs=1, random_state=r)
        .fit(s, labels, show_progressbar=False)
        .sample(3)
        for r in (0, 1)
    ]
    assert (stacks[0].data != stacks[1].data).any()


def test_leaves_global_random_state_alone():
    import random

    import tensorflow as tf

    s, labels = two_classes()
    states = np.random.get_state()[1].copy(), random.getstate()
    tf.random.set_seed(3)
    expected = tf.random.normal([3]).numpy()
    tf.random.set_seed(3)
    EELSAugmenter(training="always", max_epochs=1, random_state=0).fit(
        s, labels, show_progressbar=False
    ).sample(2)
    np.testing.assert_array_equal(tf.random.normal([3]).numpy(), expected)
    np.testing.assert_array_equal(np.random.get_state()[1], states[0])
    assert random.getstate() == states[1]


def test_one_class_by_label(fitted):
    aug = fitted.sample(4, label="FeO")
    assert aug.axes_manager.navigation_shape == (4,)
    np.testing.assert_array_equal(get_labels(aug), ["FeO"] * 4)
    np.testing.assert_array_equal(aug.data, fitted.sample(4).inav[:, 1].data)
    with pytest.raises(ValueError, match="'NiO' was not fitted; the classes are 'Fe3O4', 'FeO'"):
        fitted.sample(4, label="NiO")


def test_noise_free_spectra_are_smooth(fitted):
    def roughness(signal):
        return np.abs(np.diff(signal.data, 2, axis=-1)).mean()

    assert roughness(fitted.sample(50, noise=False)) < 0.5 * roughness(fitted.sample(50))


def test_dose_scales_the_noise(fitted):
    """Noise goes with the inverse square root of the dose."""

    def noise(dose):
        noisy = fitted.sample(200, label="FeO", dose=dose)
        # White lines end before the last channels; the continuum there is flat.
        return np.std(np.diff(noisy.data[:, -8:], axis=1))

    assert noise(0.25) == pytest.approx(2 * noise(1.0), rel=0.25)
    assert noise(100.0) == pytest.approx(0.1 * noise(1.0), rel=0.6)


def test_energy_jitter_is_in_ev(fitted):
    def spread(jitter):
        clean = fitted.sample(300, label="FeO", noise=False, energy_jitter=jitter)
        axis = clean.axes_manager.signal_axes[0].axis[:25]
        # Centroid of the first line's upper half: it moves as the line does.
        line = np.clip(clean.data[:, :25] - 0.5, 0, None)
        return ((line * axis).sum(axis=1) / line.sum(axis=1)).std()

    still = spread(0.0)
    assert np.sqrt(spread(1.0) ** 2 - still**2) == pytest.approx(1.0, rel=0.25)


def test_paper_recipe_knows_no_dose():
    s, labels = two_classes()
    augmenter = EELSAugmenter(recipe="paper", max_epochs=1, random_state=0)
    augmenter.fit(s, labels, show_progressbar=False)
    assert np.isfinite(augmenter.sample(3, noise=False).data).all()
    with pytest.raises(ValueError, match="recipe='refined'"):
        augmenter.sample(3, dose=2.0)
    with pytest.raises(ValueError, match="recipe='refined'"):
        augmenter.sample(3, energy_jitter=0.1)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_spectra": 0}, ValueError, "n_spectra must be at least 1, 0 was given"),
        ({"n_spectra": -3}, ValueError, "n_spectra must be at least 1, -3 was given"),
        ({"n_spectra": 2.5}, TypeError, "n_spectra must be a whole number, 2.5"),
        ({"noise": "no"}, TypeError, "noise must be True or False"),
        ({"dose": 0}, ValueError, "dose must be at least 1e-06"),
        ({"dose": "high"}, TypeError, "dose must be a number or a range"),
        ({"energy_jitter": -1}, ValueError, "energy_jitter must be at least 0"),
        ({"random_state": -1}, ValueError, "random_state must be at least 0"),
        ({"random_state": "a"}, TypeError, "random_state must be a whole number"),
    ],
)
def test_sample_says_what_is_wrong(fitted, arguments, error, message):
    with pytest.raises(error, match=message):
        fitted.sample(**arguments)


def test_not_fitted():
    with pytest.raises(NotFittedError, match=r"call fit\(s, labels\) first"):
        EELSAugmenter().sample(3)
    assert "not fitted" in repr(EELSAugmenter())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"design": "single_bitran"}, "Did you mean 'single_bitrans'"),
        ({"design": None}, "choose from single_monotrans, multi_monotrans, single_bitrans"),
        ({"architecture": "simpledense"}, "Did you mean 'simple_dense'"),
        ({"recipe": "Paper"}, "Did you mean 'paper'"),
        ({"stopping": "fid"}, "choose from all, frechet"),
        ({"stopping": "published"}, 'of recipe="paper" alone'),
        ({"tolerance": -0.1}, "tolerance must be at least 0"),
        ({"max_epochs": 0}, "max_epochs must be at least 1"),
    ],
)
def test_says_which_choices_there_are(arguments, message):
    augmenter = EELSAugmenter(**arguments)  # stores them, as scikit-learn's objects do
    with pytest.raises(ValueError, match=message):
        augmenter.fit(*two_classes())


def test_microscope_travels_along(tmp_path):
    s, labels = two_classes()
    s.set_microscope_parameters(beam_energy=100, convergence_angle=10, collection_angle=20)
    # What no file of ours holds is no reason to lose a training.
    for i, value in enumerate((np.complex128(1j), np.datetime64("2026-01-01"), np.bytes_(b"x"))):
        s.metadata.set_item(f"Acquisition_instrument.TEM.odd_{i}", value)
    s.metadata.set_item("Acquisition_instrument.TEM.exact", np.longdouble(0.5))
    augmenter = EELSAugmenter(training="always", max_epochs=1, random_state=0)
    augmenter.fit(s, labels, show_progressbar=False).save(tmp_path / "a.dag")
    for one in (augmenter, EELSAugmenter.load(tmp_path / "a.dag")):
        microscope = one.sample(2).metadata.Acquisition_instrument.TEM
        assert microscope.beam_energy == 100
        assert microscope.Detector.EELS.collection_angle == 20
        assert microscope.exact == 0.5


def test_provenance(fitted):
    metadata = fitted.sample(3).metadata.DAG
    assert metadata.design == "single_bitrans"
    assert metadata.architecture == "compact"
    assert metadata.recipe == "refined"
    assert metadata.random_state == 1
    assert metadata.classes.as_dictionary() == {"0": "Fe3O4", "1": "FeO"}
    assert metadata.training_spectra == [40, 60]
    assert len(metadata.training_digest) == 64
    assert len(metadata.metrics.frechet_distance) == 2


def test_random_state_none_is_reported_and_repeats():
    s, labels = two_classes()
    first = EELSAugmenter(training="always", max_epochs=1).fit(s, labels, show_progressbar=False)
    again = EELSAugmenter(training="always", max_epochs=1, random_state=first.random_state_)
    again.fit(s, labels, show_progressbar=False)
    np.testing.assert_array_equal(first.sample(3).data, again.sample(3).data)


def test_fit_resample_balances():
    s, labels = two_classes()
    augmenter = EELSAugmenter(training="always", max_epochs=1, random_state=0)
    signal, new = augmenter.fit_resample(s, labels, show_progressbar=False)
    assert signal.data.shape == (28, 48)
    np.testing.assert_array_equal(new, ["Fe3O4"] * 14 + ["FeO"] * 14)
    np.testing.assert_array_equal(get_labels(signal), new)
    np.testing.assert_array_equal(signal.data[:10], s.data[labels == "Fe3O4"])
    np.testing.assert_array_equal(signal.data[14:], s.data[labels == "FeO"])
    with pytest.raises(ValueError, match="n_spectra=12 is less than class 'FeO' has"):
        augmenter.fit_resample(s, labels, n_spectra=12, show_progressbar=False)


def test_fit_resample_of_balanced_classes_says_so_and_trains_nothing(monkeypatch):
    s, labels = two_classes(12, 12)
    augmenter = EELSAugmenter(training="always", max_epochs=1, random_state=0)
    with monkeypatch.context() as context:
        context.setattr(EELSAugmenter, "_fit", lambda *_: pytest.fail("trained"))
        for given in (None, 12):
            with pytest.warns(
                UserWarning,
                match="as are asked for already: nothing was",
            ):
                signal, new = augmenter.fit_resample(s, labels, n_spectra=given)
    np.testing.assert_array_equal(new, ["Fe3O4"] * 12 + ["FeO"] * 12)
    np.testing.assert_array_equal(get_labels(signal), new)
    for label in ("Fe3O4", "FeO"):
        np.testing.assert_array_equal(signal.data[new == label], s.data[labels == label])
    with pytest.raises(NotFittedError):
        augmenter.sample()
    with pytest.raises(TypeError, match="n_job"):
        augmenter.fit_resample(s, labels, n_job=2)
    with warnings.catch_warnings():
        # They are real, and may be trained on or tested with.
        warnings.filterwarnings("error", ".*synthetic")
        augmenter.fit(signal, new, show_progressbar=False)
    signal, new = augmenter.fit_resample(s, labels, n_spectra=13, show_progressbar=False)
    assert signal.data.shape == (26, 48)


def test_labels_keep_their_kind():
    s, labels = two_classes()
    augmenter = EELSAugmenter(training="always", max_epochs=1, random_state=0)
    aug = augmenter.fit(s, labels == "FeO", show_progressbar=False).sample(2)
    assert get_labels(aug).dtype == bool
    aug = augmenter.fit(s, np.where(labels == "FeO", 10, 2), show_progressbar=False).sample(2)
    np.testing.assert_array_equal(get_labels(aug), [[2, 2], [10, 10]])


def test_lazy_input_gives_the_same_spectra(fitted):
    s, labels = two_classes(60, 40)
    augmenter = EELSAugmenter(training="always", max_epochs=10, random_state=1)
    augmenter.fit(s.as_lazy(), labels, show_progressbar=False)
    np.testing.assert_array_equal(augmenter.sample(4).data, fitted.sample(4).data)


def test_non_uniform_energy_axis():
    s, labels = two_classes()
    s.axes_manager.signal_axes[0].convert_to_non_uniform_axis()
    axis = s.axes_manager.signal_axes[0]
    axis.axis = ENERGY_OFFSET + np.linspace(0, 5, 48) ** 2
    augmenter = EELSAugmenter(training="always", max_epochs=1, random_state=0)
    aug = augmenter.fit(s, labels, show_progressbar=False).sample(3)
    np.testing.assert_allclose(aug.axes_manager.signal_axes[0].axis, axis.axis)
    with pytest.raises(ValueError, match="needs a uniform energy axis"):
        augmenter.sample(3, energy_jitter=0.1)


def test_spectrum_image_with_unlabelled_pixels():
    image = eels(white_lines(30).reshape(5, 6, 48))
    labels = np.full((5, 6), -1)
    labels[1:4] = 0
    labels[4, :] = 1
    labels[0, :3] = 1
    augmenter = EELSAugmenter(training="always", max_epochs=1, random_state=0)
    augmenter.fit(image, labels, show_progressbar=False)
    assert augmenter.sample(2).metadata.DAG.training_spectra == [18, 9]


def test_ctrl_c_keeps_finished_classes(monkeypatch):
    from hyperspy_dag.dag.trainer import Trainer

    s, labels = two_classes()
    calls = []
    train = Trainer.train

    def interrupted(self, *args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return train(self, *args)

    monkeypatch.setattr(Trainer, "train", interrupted)
    augmenter = EELSAugmenter(training="always", max_epochs=5, stopping=None, random_state=0)
    with pytest.warns(UserWarning, match="Kept: the best state of Fe3O4. Not fitted: FeO"):
        augmenter.fit(s, labels, show_progressbar=False)
    assert augmenter.classes_ == ["Fe3O4"]
    assert augmenter.sample(2).data.shape == (1, 2, 48)

    calls.clear()
    calls.append(None)
    with pytest.raises(KeyboardInterrupt):
        EELSAugmenter(training="always", max_epochs=5, random_state=0).fit(
            s, labels, show_progressbar=False
        )


def test_warns_where_the_criterion_is_not_reached():
    s = eels(white_lines(40))
    augmenter = EELSAugmenter(recipe="paper", max_epochs=1, tolerance=0.0, random_state=0)
    words = r"Class 'a': .* not reached in 1 epochs.*real spectra"
    with pytest.warns(UserWarning, match=words) as seen:
        augmenter.fit(s, ["a"] * 40, show_progressbar=False)
    # At the user's line, however the call came here.
    with pytest.warns(UserWarning, match=words) as through_another:
        augmenter.fit_resample(s, ["a"] * 40, n_spectra=50, show_progressbar=False)
    for one in (*seen, *through_another):
        assert one.filename == __file__


def test_the_papers_recipe_has_its_own_criterion(tmp_path):
    s = eels(white_lines(40))
    augmenter = EELSAugmenter(recipe="paper", max_epochs=2, tolerance=1e9, random_state=0)
    augmenter.fit(s, ["a"] * 40, show_progressbar=False).save(tmp_path / "a.dag")
    loaded = EELSAugmenter.load(tmp_path / "a.dag")
    assert (augmenter.stopping, loaded.settings_.stopping) == ("all", "published")
    assert "published_fid" in loaded.baseline_["a"].mean
    first, second = loaded.history_["a"].evaluations  # it is reached after the first epoch
    assert second.reached and second.metrics["published_fid"] > 0


def test_recovers_once_from_a_loss_that_is_not_finite(monkeypatch, caplog):
    from hyperspy_dag.training.train_class import TrainingDivergedError

    s = eels(white_lines(40))
    train = Trainer.train
    rates = []

    def diverging(times):
        def one(self, first, epochs, rate_factor):
            rates.append(rate_factor)
            costs = train(self, first, epochs, rate_factor)
            if len(rates) in times:
                for variable in self.generator.trainable_variables:
                    variable.assign(variable * np.nan)
                return Costs(np.full(epochs, np.nan), np.full(epochs, np.nan))
            return costs

        return one

    monkeypatch.setattr(Trainer, "train", diverging({2}))
    augmenter = EELSAugmenter(training="always", stopping=None, max_epochs=30, random_state=0)
    augmenter.fit(s, ["a"] * 40, show_progressbar=False)
    assert np.isfinite(augmenter.sample(20).data).all()
    assert rates[0] == 1.0 and rates[-1] < 1.0
    assert "the loss was not finite near epoch" in caplog.text

    # The second class diverges twice: the first is kept all the same.
    rates.clear()
    monkeypatch.setattr(Trainer, "train", diverging({4, 5}))
    both = EELSAugmenter(training="always", stopping=None, max_epochs=30, random_state=0)
    with pytest.raises(TrainingDivergedError, match="class 'b'") as raised:
        both.fit(s, ["a"] * 20 + ["b"] * 20, show_progressbar=False)
    assert both.classes_ == ["a"]
    assert raised.value.__notes__ == ["This augmenter keeps: a."]

    rates.clear()
    monkeypatch.setattr(Trainer, "train", diverging({1, 2}))
    with pytest.raises(TrainingDivergedError, match="class 'a'"):
        augmenter.fit(s, ["a"] * 40, show_progressbar=False)


def test_progress_bar_shows_class_epochs_and_metrics(capsys):
    s, labels = two_classes()
    EELSAugmenter(training="always", max_epochs=10, stopping=None, random_state=0).fit(
        s, labels, show_progressbar=True
    )
    shown = capsys.readouterr().err
    assert "Fe3O4 (1/2)" in shown and "FeO (2/2)" in shown
    assert "10/10" in shown and "Fréchet=" in shown
    previous = hs.preferences.General.show_progressbar
    hs.preferences.General.show_progressbar = False
    try:
        EELSAugmenter(training="always", max_epochs=1, random_state=0).fit(s, labels)
    finally:
        hs.preferences.General.show_progressbar = previous
    assert capsys.readouterr().err == ""


def test_callback_sees_every_look_and_ends_the_fit():
    s, labels = two_classes()
    seen = []

    def look(progress):
        seen.append(copy.deepcopy(progress))
        progress.metrics.clear()  # it is the looker's own
        progress.baseline.clear()
        return progress.label == "Fe3O4" and progress.epoch == 2

    augmenter = EELSAugmenter(recipe="paper", architecture="compact", max_epochs=4, random_state=0)
    with pytest.warns(UserWarning, match="interrupted. Kept: the best state of Fe3O4. Not fit"):
        augmenter.fit(s, labels, show_progressbar=False, callback=look)
    assert [(one.label, one.epoch) for one in seen] == [("Fe3O4", 0), ("Fe3O4", 1), ("Fe3O4", 2)]
    assert augmenter.classes_ == ["Fe3O4"]
    assert len(augmenter.history_["Fe3O4"].generator_cost) == 2
    last = seen[-1]
    assert last.metrics == augmenter.history_["Fe3O4"].evaluations[-1].metrics
    assert last.baseline == augmenter.baseline_["Fe3O4"].mean
    assert last.examples.shape[1] == s.data.shape[-1] and np.isfinite(last.examples).all()


def test_a_callback_that_fails_ends_the_fit_and_classes_stay():
    s, labels = two_classes()
    augmenter = EELSAugmenter(recipe="paper", architecture="compact", max_epochs=2, random_state=0)

    def look(progress):
        if progress.label == "FeO":
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="^boom$"):
        augmenter.fit(s, labels, show_progressbar=False, callback=look)
    assert "Fe3O4" in augmenter.classes_


def test_what_fails_around_the_trainings_takes_no_class_away(monkeypatch):
    from hyperspy_dag.training.progress import EpochBar

    finish = EpochBar.finish

    def failing(self, label):
        finish(self, label)
        if label == "FeO":
            raise RuntimeError("widget gone")

    monkeypatch.setattr(EpochBar, "finish", failing)
    augmenter = EELSAugmenter(recipe="paper", architecture="compact", max_epochs=2, random_state=0)
    with pytest.raises(RuntimeError, match="widget gone"):
        augmenter.fit(*two_classes(), show_progressbar=False)
    assert augmenter.classes_ == ["Fe3O4"]


def test_warnings_that_are_errors_take_no_class_away():
    augmenter = EELSAugmenter(recipe="paper", architecture="compact", max_epochs=2, random_state=0)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*stopping criterion")
        with pytest.raises(UserWarning, match="'Fe3O4'"):
            augmenter.fit(*two_classes(), show_progressbar=False)
    assert sorted(augmenter.classes_) == ["Fe3O4", "FeO"]


def test_the_state_kept_is_one_of_the_history(monkeypatch):
    """Also where the best one was on a way that was given up."""
    from hyperspy_dag.dag.stopping import Evaluation

    train, judge, calls = Trainer.train, Judge.judge, []

    def diverging(self, first, epochs, rate_factor):
        calls.append(first)
        costs = train(self, first, epochs, rate_factor)
        bad = first == 6 and rate_factor == 1.0
        return Costs(costs.discriminator * np.nan, costs.generator) if bad else costs

    def rigged(self, epoch, synthetic):
        one = judge(self, epoch, synthetic)
        before = 6 not in calls and epoch > 0
        return Evaluation(epoch, one.metrics, 100.0 - epoch if before else 1000.0 + epoch, False)

    monkeypatch.setattr(Trainer, "train", diverging)
    monkeypatch.setattr(Judge, "judge", rigged)
    augmenter = EELSAugmenter(
        recipe="paper", architecture="compact", max_epochs=9, stopping=None, random_state=0
    )
    augmenter.fit(eels(white_lines(40)), ["a"] * 40, show_progressbar=False)
    assert 6 in calls and calls.count(0) == 2
    assert augmenter.best_["a"] in augmenter.history_["a"].evaluations


@pytest.fixture
def other_keras() -> Iterator[Callable[[], None]]:
    """A function that makes Keras what a user of other networks may have made it."""
    from keras import config

    others = {
        "image_data_format": "channels_first",
        "floatx": "float16",
        "epsilon": 1e-2,
        "dtype_policy": "mixed_bfloat16",
    }
    own = {name: getattr(config, name)() for name in others}

    def change() -> None:
        lending._idle_trainers.clear()
        for name, value in others.items():
            getattr(config, f"set_{name}")(value)

    yield change
    if config.floatx() == "float16":
        left = {name: getattr(config, name)() for name in others}
        left["dtype_policy"] = left["dtype_policy"].name
        assert left == others
    for name, value in own.items():
        getattr(config, f"set_{name}")(value)
    lending._idle_trainers.clear()


@pytest.mark.parametrize(
    ("recipe", "architecture"), [("refined", "simple_convo"), ("paper", "simple_dense")]
)
def test_other_settings_of_keras_change_nothing(recipe, architecture, other_keras):
    def drawn() -> tuple[np.ndarray, list[float]]:
        s, labels = two_classes()
        augmenter = EELSAugmenter(
            recipe=recipe,
            training="always",
            architecture=architecture,
            max_epochs=2,
            stopping=None,
            random_state=0,
        ).fit(s, labels, show_progressbar=False)
        return augmenter.sample(3).data, augmenter.history_["FeO"].discriminator_cost

    spectra, costs = drawn()
    other_keras()
    spectra_again, costs_again = drawn()
    np.testing.assert_array_equal(spectra_again, spectra)
    np.testing.assert_array_equal(costs_again, costs)


def test_other_settings_of_keras_change_no_classifier(other_keras):
    def found() -> np.ndarray:
        s, labels = two_classes()
        return make_classifier("ann", 0).fit(s.data, labels).predict(white_lines(40, noise=0.6))

    expected = found()
    other_keras()
    np.testing.assert_array_equal(found(), expected)


def test_axes_that_are_moved_later_move_no_other():
    s, labels = two_classes()
    s.axes_manager.signal_axes[0].convert_to_non_uniform_axis()
    energies = s.axes_manager.signal_axes[0].axis.copy()
    augmenter = EELSAugmenter(recipe="paper", architecture="compact", max_epochs=1, random_state=0)
    augmenter.fit(s, labels, show_progressbar=False)
    s.axes_manager.signal_axes[0].axis += 5
    augmenter.sample(2).axes_manager.signal_axes[0].axis += 3
    np.testing.assert_array_equal(augmenter.sample(2).axes_manager.signal_axes[0].axis, energies)


def test_linear_algebra_has_its_threads_back_after_several_judge_at_once():
    from threadpoolctl import threadpool_info, threadpool_limits

    def threads():
        return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]

    entered, leave = threading.Event(), threading.Event()

    def late():
        with stopping.one_blas_thread():
            entered.set()
            leave.wait(10)

    with threadpool_limits(2, "blas"):
        before = threads()
        thread = threading.Thread(target=late)
        with stopping.one_blas_thread():
            assert set(threads()) == {1}
            thread.start()
            entered.wait(10)
        leave.set()
        thread.join()
        assert threads() == before
        Judge(white_lines(40), np.random.SeedSequence(0), "all", 0.05)
        assert threads() == before


def test_fit_resample_throws_no_class_away():
    s, labels = two_classes()
    augmenter = EELSAugmenter(recipe="paper", architecture="compact", max_epochs=2, random_state=0)
    with (
        pytest.warns(UserWarning, match="interrupted"),
        pytest.raises(RuntimeError, match="before FeO was fitted"),
    ):
        augmenter.fit_resample(s, labels, show_progressbar=False, callback=lambda progress: True)


def test_a_save_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    s, labels = two_classes()
    path = tmp_path / "a.hspy"
    path.write_bytes(b"what was there")

    def disk_full(self, name, **_):
        Path(name).write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(EELSSpectrum, "save", disk_full)
    with pytest.raises(OSError, match="No space left") as raised:
        s.dag_augment(
            labels, training="always", max_epochs=1, n_spectra=2, filename=path, overwrite=True
        )
    assert raised.value.signal.data.shape == (2, 2, s.data.shape[-1])
    assert "sys.last_value.signal" in raised.value.__notes__[0]
    assert path.read_bytes() == b"what was there"
    assert [one.name for one in tmp_path.iterdir()] == ["a.hspy"]


def test_callback_needs_this_process():
    s, labels = two_classes()
    with pytest.raises(ValueError, match="leave n_jobs"):
        EELSAugmenter().fit(s, labels, n_jobs=2, callback=lambda progress: None)
    with pytest.raises(TypeError, match="callable"):
        EELSAugmenter().fit(s, labels, callback=3)


def test_refined_training_ends_where_nothing_becomes_better(monkeypatch):
    s, labels = two_classes()
    recipe = replace(RECIPES["refined"], min_epochs=10, patience=20)
    monkeypatch.setitem(RECIPES, "refined", recipe)
    judge = Judge.judge

    def never_reached(*args):
        return replace(judge(*args), reached=False)

    monkeypatch.setattr(Judge, "judge", never_reached)
    augmenter = EELSAugmenter(random_state=0, training="always")
    with pytest.warns(UserWarning, match="not reached in"):
        augmenter.fit(s, np.where(labels == "FeO", labels, ""), show_progressbar=False)
    history = augmenter.history_["FeO"]
    assert len(history.generator_cost) == augmenter.best_["FeO"].epoch + 20 < 200


def test_precision_is_checked_and_kept(tmp_path):
    s, labels = two_classes()
    with pytest.raises(
        ValueError, match="precision='half' is not known; choose from single, mixed"
    ):
        EELSAugmenter(training="always", precision="half").fit(s, labels)
    augmenter = EELSAugmenter(training="always", precision="mixed", max_epochs=1, random_state=0)
    augmenter.fit(s, labels, show_progressbar=False).save(tmp_path / "mixed.dag")
    again = EELSAugmenter.load(tmp_path / "mixed.dag")
    assert again.precision == "mixed"
    assert (again.sample(5).data == augmenter.sample(5).data).all()


def test_drift_is_in_ev_and_few_channels_will_do():
    """Eighty spectra of ten channels at 8 eV: more components than channels, hardly any drift."""
    random = np.random.default_rng(0)
    x = np.arange(10)
    clean = np.exp(-(((x - 4) / 1.5) ** 2) / 2) + random.normal(0, 0.02, (80, 10))
    s = eels(clean / clean.max(axis=1, keepdims=True), offset=900.0, scale=8.0)
    few = EELSAugmenter(training="always", max_epochs=1, random_state=0).fit(
        s, ["a"] * 80, show_progressbar=False
    )
    np.testing.assert_allclose(few.sample(400).data[0].mean(axis=0), s.data.mean(axis=0), atol=0.02)

    e = 640 + 2.0 * np.arange(100)
    drift = random.normal(0, 0.29, (10, 1))
    clean = np.exp(-(((e - 700 - drift) / 8) ** 2) / 2) + random.normal(0, 0.005, (10, 100))
    s = eels(clean / clean.max(axis=1, keepdims=True), offset=640.0, scale=2.0)
    a = EELSAugmenter(training="always", max_epochs=1, random_state=0).fit(
        s, ["a"] * 10, show_progressbar=False
    )
    drawn = a.sample(400, noise=False).data[0] ** 4
    position = (drawn @ e) / drawn.sum(axis=1)
    assert 0.15 < position.std() < 0.5
