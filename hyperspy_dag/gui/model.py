# SPDX-License-Identifier: GPL-3.0-or-later
"""Model of the interface, without a toolkit."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import traits.api as t
from hyperspy.ui_registry import add_gui_method

from hyperspy_dag._utils.checks import check_count, check_random_state, check_signal_file
from hyperspy_dag._utils.warnings import collected_warnings
from hyperspy_dag.dag.architectures import ARCHITECTURES, AUTO
from hyperspy_dag.dag.designs import DESIGNS
from hyperspy_dag.dag.fitted_class import FittedClass, History
from hyperspy_dag.dag.recipes import RECIPES
from hyperspy_dag.dag.stopping import CRITERIA, Evaluation, RealReference
from hyperspy_dag.io.signals import save_signal
from hyperspy_dag.plotting.training import METRIC_NAMES
from hyperspy_dag.preprocessing.steps import preprocess_if_asked
from hyperspy_dag.training.runs import check_new_run
from hyperspy_dag.training.settings import TRAINING, FitSettings, split_arguments
from hyperspy_dag.training.training_set import training_set

from ._pictures import Shown, input_picture, training_picture
from ._training import Latest, Prepared, Training
from .inputs import Input
from .map_step import MapStep
from .sampling_step import SamplingStep
from .toolkits import TOOLKEY, register

if TYPE_CHECKING:
    from collections.abc import Callable

    from exspy.signals import EELSSpectrum

    from hyperspy_dag.training.progress import TrainingProgress

_logger = logging.getLogger(__name__)

register()

#: Of the augmenter, besides those of stopping, which have no control.
_SETTINGS = ("design", "architecture", "recipe", "training", "max_epochs", "random_state")


class ClassState(t.HasTraits):
    """State of the training of a class."""

    name = t.Str()
    spectra = t.Int()
    state = t.Str("waiting")
    epoch = t.Int()


@add_gui_method(toolkey=TOOLKEY)
class AugmentationTool(Input):
    """Interface of ``dag_augment``: choose labels and ranges, train, draw, classify a map.

    Parameters
    ----------
    signal : EELSSpectrum
    labels : optional
        Class of each spectrum; see :func:`hyperspy_dag.labels.parse_labels`. They can also be
        chosen later.
    **arguments
        Arguments of ``dag_augment``, the initial values of the controls.

    Attributes
    ----------
    result : EELSSpectrum or None
        The synthetic spectra, after the training.
    augmenter : EELSAugmenter or None
        The augmenter that drew them, after the training.
    call_used : str
        The call that gives the same spectra. :attr:`call` follows the controls.
    labels_used
        The labels of the training, ``labels`` in :attr:`call_used`.
    sampling : SamplingStep
        Conditions under which spectra are drawn.
    map : MapStep
        The last step; ``map.adapted`` is the adapted augmenter and ``map.phases`` the map.
    error : str
        Error message, or an empty text.

    See Also
    --------
    exspy.signals.EELSSpectrum.dag_augment : Open the interface.
    hyperspy_dag.EELSAugmenter : Train without interface.

    Examples
    --------
    >>> from hyperspy_dag.data import simulated_oxides
    >>> from hyperspy_dag.gui.model import AugmentationTool
    >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 30, "MnO2": 30})
    >>> tool = AugmentationTool(s, labels, n_spectra=50, random_state=0)
    >>> tool.check()  # what is wrong with the input
    ''
    >>> tool.arguments()["n_spectra"]
    50
    >>> tool.close()
    """

    # what is asked for
    design = t.Enum("single_bitrans", [*DESIGNS])
    architecture = t.Enum("auto", *ARCHITECTURES)
    recipe = t.Enum("refined", [*RECIPES])
    training = t.Enum(*TRAINING, desc="auto: where there is something to learn")
    max_epochs = t.Int(desc="0: as the recipe says")
    n_spectra = t.Int(100, desc="synthetic spectra for each class")
    filename = t.Str("augmented.hspy", desc="where to save the synthetic spectra")
    overwrite = t.Bool(False, desc="replace an existing file")

    # what comes of it
    design_help = t.Property(t.Str(), observe="design")
    architecture_help = t.Property(t.Str(), observe="architecture, recipe")
    recipe_help = t.Property(t.Str(), observe="recipe")
    call = t.Property(t.Str(), observe="_version")
    problem = t.Str()
    notes = t.Str()
    error = t.Str()
    verdict = t.Str(desc="the verdict of an evaluation, in words")
    state = t.Enum("checking", "ready", "wrong", "training", "stopping", "ended")
    status = t.Str("Looking at the spectra …")
    # A new list is news even where it holds the same objects, whose states have changed.
    classes: list[ClassState] = t.List(  # type: ignore[assignment]
        t.Instance(ClassState), comparison_mode=t.ComparisonMode.identity
    )
    fraction = t.Float(0.0)
    shown = t.Str(desc="the class whose training is drawn")
    shown_choices = t.List(t.Str())
    input_picture = t.Bytes()
    training_picture = t.Bytes()
    editable = t.Property(t.Bool(), observe="state")
    can_train = t.Property(t.Bool(), observe="state, problem")
    can_stop = t.Property(t.Bool(), observe="state")
    can_save = t.Property(t.Bool(), observe="state, result")
    can_draw = t.Property(t.Bool(), observe="state, augmenter")
    # Traits UI looks at those of this object alone.
    can_classify = t.Property(t.Bool(), observe="map.state")
    can_save_map = t.Property(t.Bool(), observe="map.[state, phases]")
    result = t.Any()
    augmenter = t.Any()
    sampling: SamplingStep = t.Instance(SamplingStep, ())  # type: ignore[assignment]
    map: MapStep = t.Instance(MapStep)  # type: ignore[assignment]

    _version = t.Int()

    def __init__(self, signal: EELSSpectrum, labels: Any = None, **arguments: Any):
        super().__init__(signal, labels)
        self.map = MapStep(signal)
        self._prepared: Prepared | None = None
        self._trained: Prepared | None = None
        self._trained_version = 0
        self._training: Training | None = None
        self.call_used = ""
        self.labels_used: Any = None
        self._live: dict[str, Shown] = {}
        self._checker = Latest(self._check)
        self._begin_with(arguments)
        self.observe(
            self._input_changed,
            "label_source, label_file, regions.items.[name, left, right, top, bottom], subtract, "
            "background_low, background_high, crop, signal_low, signal_high, design, architecture, "
            "recipe, training, max_epochs, n_spectra, random_state",
        )
        self._checker.request()

    def __repr__(self) -> str:
        return (
            f"<AugmentationTool of {self.signal!r}: {self.status} "
            "Attributes: result, augmenter, call_used, labels_used, map.adapted, map.phases>"
        )

    def _begin_with(self, arguments: dict[str, Any]) -> None:
        arguments = dict(arguments)
        # Said as everywhere, not in the words of traits.
        check_count("n_spectra", arguments.get("n_spectra", 1))
        FitSettings.checked(**split_arguments(arguments, ignore=True)[0])
        self._kept: dict[str, Any] = {
            name: arguments.pop(name)
            for name in ("stopping", "tolerance", "checkpoint_dir", "checkpoint_every")
            if name in arguments
        }
        self._begin_with_ranges(arguments)
        for name in ("max_epochs", "filename"):
            if arguments.get(name) is None:
                arguments.pop(name, None)
        if "filename" in arguments:
            arguments["filename"] = str(arguments["filename"])
        # A number that can be named afterwards, and that a browser's numbers can hold.
        seed = arguments.pop("random_state", 0)
        if seed is None:
            seed = int(np.random.default_rng().integers(10**6))
        self.random_state = check_random_state(seed)
        self.trait_set(**arguments)

    # -- what the controls say -----------------------------------------------------------------

    def _get_design_help(self) -> str:
        return DESIGNS[self.design].description

    def _get_architecture_help(self) -> str:
        name = AUTO[self.recipe] if self.architecture == "auto" else self.architecture
        said = ARCHITECTURES[name].description
        return f"{name}: {said}" if self.architecture == "auto" else said

    def _get_recipe_help(self) -> str:
        return RECIPES[self.recipe].description

    def _get_editable(self) -> bool:
        return self.state not in ("training", "stopping")

    def _get_can_train(self) -> bool:
        return self.state in ("ready", "ended") and not self.problem

    def _get_can_stop(self) -> bool:
        return self.state == "training"

    def _get_can_save(self) -> bool:
        return self.result is not None and self.editable

    def _get_can_classify(self) -> bool:
        return self.map.can_classify

    def _get_can_save_map(self) -> bool:
        return self.map.can_save

    def _get_can_draw(self) -> bool:
        return self.augmenter is not None and self.editable

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of ``dag_augment`` that do the same.

        Returns
        -------
        dict
            Arguments by name.

        See Also
        --------
        current_labels : The labels for these arguments.

        Examples
        --------
        >>> from hyperspy_dag.data import simulated_oxides
        >>> from hyperspy_dag.gui.model import AugmentationTool
        >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 30, "MnO2": 30})
        >>> tool = AugmentationTool(s, labels, n_spectra=50, random_state=0)
        >>> tool.arguments()["n_spectra"]
        50
        >>> tool.close()
        """
        return {
            "design": self.design,
            "architecture": self.architecture,
            "n_spectra": self.n_spectra,
            **self.ranges(),
            "recipe": self.recipe,
            "training": self.training,
            "max_epochs": self.max_epochs or None,
            "random_state": self.random_state,
            **self._kept,
        }

    def _get_call(self) -> str:
        usual = {"training": "auto", "stopping": "all", "tolerance": None, "checkpoint_every": 10}
        said = ", ".join(
            f"{k}={v!r}"
            for k, v in self.arguments().items()
            if (k not in usual and v is not None) or (k in usual and v != usual[k])
        )
        return f"s.dag_augment(labels, {said})"

    def _settings(self) -> dict[str, Any]:
        names = (*_SETTINGS, "stopping", "tolerance")
        return {k: v for k, v in self.arguments().items() if k in names}

    def close(self) -> None:
        """Remove ranges and regions from the plot, and end a running training."""
        self.picking = "nothing"
        self.map.close()
        self._plot.close()
        self.stop()

    # -- the input, checked --------------------------------------------------------------------

    def _input_changed(self, event: Any) -> None:
        self._version += 1
        if self.editable:
            self.state = "checking"
            self._checker.request()

    def check(self, timeout: float | None = None) -> str:
        """Wait until the input has been checked.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most. By default there is no limit.

        Returns
        -------
        str
            Message about the input; empty if it is valid.

        See Also
        --------
        train : Start the training.

        Examples
        --------
        >>> from hyperspy_dag.data import simulated_oxides
        >>> from hyperspy_dag.gui.model import AugmentationTool
        >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 30, "MnO2": 30})
        >>> tool = AugmentationTool(s, labels, n_spectra=50, random_state=0)
        >>> tool.check()
        ''
        >>> tool.close()
        """
        self._checker.wait(timeout)
        return self.problem

    def _check(self, overtaken: Callable[[], bool]) -> None:
        """Check the input; runs in a thread."""
        self._prepared = None
        prepared, problem, labels = None, "", None
        with collected_warnings() as notes:
            try:
                FitSettings.checked(**self._settings())
                check_count("n_spectra", self.n_spectra)
                arguments = self.arguments()
                if arguments.get("checkpoint_dir") is not None:
                    check_new_run(arguments["checkpoint_dir"])
                labels = self.current_labels()
                data = training_set(preprocess_if_asked(self.signal, **self.ranges()), labels)
                prepared = Prepared(labels, data, notes)
            except (TypeError, ValueError, OSError) as error:
                problem = str(error)
                if "max-normalised" in problem:
                    problem += " Here: tick 'Subtract background' or 'Crop'."
            except Exception as error:  # whatever it is, the interface shows it
                _logger.error("The input could not be checked.", exc_info=True)
                problem = f"{type(error).__name__}: {error}"
        if overtaken() or not self.editable:
            return
        if problem != "" or prepared is not None:
            self._draw_input(prepared)
        self._prepared = prepared
        self.notes = "\n".join(notes)
        self.classes = [
            ClassState(name=str(label), spectra=n)
            for label, n in (prepared.data.counts if prepared else {}).items()
        ]
        self.problem = problem
        if prepared is None:
            self.trait_set(status="Not ready: something is missing or wrong.", state="wrong")
        else:
            n = sum(prepared.data.counts.values())
            said = f"Ready: {n} spectra in {len(self.classes)} classes."
            self.trait_set(status=said, state="ready")

    def _draw_input(self, prepared: Prepared | None) -> None:
        data = prepared.data if prepared else None
        try:
            self.input_picture = input_picture(self._axis.energies, self._mean, self.ranges(), data)
        except Exception:  # a picture is not worth a training
            _logger.exception("The input could not be drawn.")

    # -- the training --------------------------------------------------------------------------

    def train(self) -> None:
        """Start the training in a thread.

        Raises
        ------
        RuntimeError
            The input is not valid, or a training is running.

        See Also
        --------
        wait : Wait for its end.
        stop : End it early.

        Examples
        --------
        >>> from hyperspy_dag.data import simulated_oxides
        >>> from hyperspy_dag.gui.model import AugmentationTool
        >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 30, "MnO2": 30})
        >>> tool = AugmentationTool(s, labels, n_spectra=50, random_state=0)
        >>> tool.max_epochs = 1
        >>> tool.check()
        ''
        >>> tool.train()
        >>> tool.wait()
        True
        >>> tool.result
        <EELSSpectrum, title: Synthetic spectra, dimensions: (50, 2|700)>
        >>> tool.close()
        """
        self._checker.wait()
        if not self.can_train or self._prepared is None:
            raise RuntimeError(f"not ready to train: {self.problem or self.status}")
        self._trained, self._trained_version = self._prepared, self._version
        self.call_used, self.labels_used = self.call, self._prepared.labels
        self._ranges_used = self.ranges()
        self._live.clear()
        self.map.begin(None, None, {})
        self.trait_set(error="", verdict="", result=None, augmenter=None, fraction=0.0)
        self.shown_choices = []
        self.training_picture = b""
        for one in self.classes:
            one.trait_set(state="waiting", epoch=0)
        self.classes = list(self.classes)
        self._fit_settings = FitSettings.checked(**self._settings())
        options = {k: v for k, v in self._kept.items() if k.startswith("checkpoint")}
        self._training = Training(
            self._prepared,
            self._settings(),
            options,
            self._look,
            self._finished,
        )
        self.trait_set(status="Training begins; this takes a few seconds …", state="training")
        self._training.start()

    def stop(self) -> None:
        """End the training; keep the finished classes and the best state of the running one."""
        if self._training is not None and self.can_stop:
            self._training.stop()
            self.trait_set(status="Stopping; the best state is kept …", state="stopping")

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the training has ended.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most. By default there is no limit.

        Returns
        -------
        bool
            Whether the training has ended.

        See Also
        --------
        train : Start the training.

        Examples
        --------
        >>> from hyperspy_dag.data import simulated_oxides
        >>> from hyperspy_dag.gui.model import AugmentationTool
        >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 30, "MnO2": 30})
        >>> tool = AugmentationTool(s, labels, n_spectra=50, random_state=0)
        >>> tool.wait()  # no training is running
        True
        >>> tool.close()
        """
        if self._training is not None:
            self._training.join(timeout)
        return self.editable

    def draw(self) -> None:
        """Draw the synthetic spectra anew, under the conditions of :attr:`sampling`.

        See Also
        --------
        train : Train, and draw.

        Examples
        --------
        >>> from hyperspy_dag.data import simulated_oxides
        >>> from hyperspy_dag.gui.model import AugmentationTool
        >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 30, "MnO2": 30})
        >>> tool = AugmentationTool(s, labels, n_spectra=5, max_epochs=1)
        >>> tool.train()
        >>> tool.wait()
        True
        >>> tool.sampling.thickness = "-0.2 to 0.4"
        >>> tool.draw()
        >>> tool.call_used
        'tool.augmenter.sample(5, thickness=(-0.2, 0.4))'
        >>> tool.close()
        """
        if self.can_draw and self._draw():
            self.status = f"Drawn: {self.result}."
            self._draw_training()

    def _draw(self) -> bool:
        """Draw under the conditions that were typed; show why not."""
        try:
            given = self.sampling.conditions(self.augmenter.classes_)
            self.result = self.augmenter.sample(self.n_spectra, **given)
        except (TypeError, ValueError) as error:
            self.error = f"Not drawn: {error}"
            return False
        said = "".join(f", {name}={value!r}" for name, value in given.items())
        self.call_used = f"tool.augmenter.sample({self.n_spectra}{said})"
        self.error = ""
        return True

    def save(self) -> None:
        """Save the synthetic spectra; show an error message if that fails."""
        if not self.can_save:
            return
        try:
            path = check_signal_file(self.filename, self.overwrite)
            save_signal(self.result, path, overwrite=self.overwrite)
        except (OSError, TypeError, ValueError) as error:
            self.error = f"Not saved: {error}"
            return
        self.trait_set(error="", status=f"Saved: {path.resolve()}")

    def _look(self, progress: TrainingProgress) -> None:
        """Show the progress at each evaluation; runs in the thread of the training."""
        name = str(progress.label)
        if name not in self._live:
            baseline = RealReference(progress.baseline, {})
            self._live[name] = Shown(progress.label, History(), baseline, progress.examples)
        seen = self._live[name]
        seen.examples = progress.examples
        seen.said = seen.said if progress.epoch == 0 else ""
        seen.history.evaluations.append(
            Evaluation(progress.epoch, progress.metrics, float("nan"), False)
        )
        number = [one.name for one in self.classes].index(name)
        for i, one in enumerate(self.classes):
            if i < number:
                one.state = "done"
            elif i == number:
                one.trait_set(state="training", epoch=progress.epoch)
        self.classes = list(self.classes)
        epochs = self._fit_settings.max_epochs
        self.fraction = (number + progress.epoch / epochs) / len(self.classes)
        if self.state == "training":
            self.status = f"Training {name}: epoch {progress.epoch} of {epochs} at most."
        self.shown_choices = list(self._live)
        if self.shown != name:
            self.shown = name  # draws it
        else:
            self._draw_training()

    @t.observe("shown", post_init=True)
    def _draw_training(self, event: Any = None) -> None:
        name = self.shown
        if name not in self._live or self._trained is None:
            return
        seen, data = self._live[name], self._trained.data
        examples = seen.examples
        if self.result is not None and seen.label in self.augmenter.classes_:
            examples = self.result.data[self.augmenter.classes_.index(seen.label)]
        try:
            self.training_picture = training_picture(
                seen,
                self._fit_settings.stopping,
                self._fit_settings.tolerance,
                data.energy_axis.energies,
                data.spectra[seen.label],
                examples,
            )
        except Exception:  # a picture is not worth a training
            _logger.exception("The training could not be drawn.")

    def _finished(self, training: Training) -> None:
        """Show the result of the training; runs in its thread."""
        augmenter, error, call = training.augmenter, training.error, self.call_used
        self.augmenter = augmenter
        if augmenter is not None and self._draw() and not self.sampling.is_asked:
            self.call_used = call
        fitted = {} if augmenter is None else augmenter.generators_
        by_name = {str(label): (label, model) for label, model in fitted.items()}
        for one in self.classes:
            label, model = by_name.get(one.name, (None, None))
            one.state = "not trained" if model is None else _how_it_ended(model)
            if model is not None:
                one.epoch = model.best.epoch
                seen = self._live.setdefault(
                    one.name, Shown(label, History(), model.reference, np.empty((0, 0)))
                )
                seen.said = _in_place_of_curves(model)
        self.shown_choices = list(self._live)
        if not self.shown and self._live:
            self.shown = next(iter(self._live))
        self.classes = list(self.classes)
        self.notes = "\n".join(training.notes)
        if error is not None:
            extra = "\n".join(getattr(error, "__notes__", ()))
            self.error = f"{type(error).__name__}: {error}\n{extra}".strip()
            self.status = "The training failed: see below."
        elif training.stopped:
            self.status = f"Stopped: {self.result}."
        else:
            self.fraction = 1.0
            self.status = f"Done: {self.result}."
        self.state = "ended"
        self.map.begin(augmenter, self.labels_used, self._ranges_used)
        self._draw_training()
        if self._version != self._trained_version:
            # Something was dragged meanwhile, which is not to be trained on unchecked.
            self.state = "checking"
            self._checker.request()


def _kept_the_start(model: FittedClass) -> bool:
    return model.best.epoch == 0 and model.class_model is not None


def _how_it_ended(model: FittedClass) -> str:
    """What came of a class, in words."""
    if _kept_the_start(model):
        epochs = len(model.history.generator_cost)
        why = f"{epochs} epochs bettered nothing" if epochs else "there was nothing to train"
        return f"done: the statistical model is used, {why}"
    reached = any(e.reached for e in model.history.evaluations)
    how = "thresholds reached" if reached else "best state"
    return f"done: {how}, kept epoch {model.best.epoch}"


def _in_place_of_curves(model: FittedClass) -> str:
    """What is said where the statistical model was kept, whose curves are flat."""
    if not _kept_the_start(model):
        return ""
    own, real = model.best.metrics, model.reference.mean
    figures = [
        f"{METRIC_NAMES[name]} {own[name]:.3g} (real halves: {real[name]:.3g})"
        for name in CRITERIA["all"]
    ]
    how = _how_it_ended(model).removeprefix("done: ")
    return "\n".join([f"{how[0].upper()}{how[1:]}.", *figures])
