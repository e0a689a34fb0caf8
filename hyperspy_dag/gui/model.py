# SPDX-License-Identifier: GPL-3.0-or-later
"""Model of the interface, without a toolkit."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import traits.api as t
from hyperspy.ui_registry import add_gui_method

from hyperspy_dag._utils.checks import check_count, check_random_state, check_signal_file
from hyperspy_dag._utils.warnings import collected_warnings
from hyperspy_dag.dag.architectures import ARCHITECTURES, AUTO
from hyperspy_dag.dag.designs import DESIGNS
from hyperspy_dag.dag.fitted_class import History
from hyperspy_dag.dag.recipes import RECIPES
from hyperspy_dag.dag.stopping import Evaluation, RealReference
from hyperspy_dag.io.signals import save_signal
from hyperspy_dag.labels import get_labels
from hyperspy_dag.labels.clustering import cluster
from hyperspy_dag.labels.files import read_label_file
from hyperspy_dag.plotting.axes import CLASS_COLOURS
from hyperspy_dag.preprocessing.energy_axis import EnergyAxis, ev_per_unit
from hyperspy_dag.preprocessing.energy_ranges import two_energies
from hyperspy_dag.preprocessing.steps import check_signal, preprocess_if_asked
from hyperspy_dag.training.runs import check_new_run
from hyperspy_dag.training.settings import TRAINING, FitSettings, split_arguments
from hyperspy_dag.training.training_set import read_spectra, training_set

from ._pictures import input_picture, training_picture
from ._plot import SignalPlot, can_drag
from ._training import Latest, Prepared, Training
from .regions import Region, region_labels
from .toolkits import TOOLKEY, register

if TYPE_CHECKING:
    from collections.abc import Callable

    from exspy.signals import EELSSpectrum

    from hyperspy_dag.training.progress import TrainingProgress

_logger = logging.getLogger(__name__)

register()

SOURCES = {
    "given": "labels that were given to dag_augment",
    "metadata": "labels in the signal's metadata",
    "clusters": "clusters of s.cluster_analysis()",
    "file": "a file (.hspy, .zspy, .npy, .csv)",
    "drawn": "regions drawn on the navigator",
    "pca": "like spectra, by principal components",
    "umap": "like spectra, by UMAP",
}

#: Spectra that the mean of the input is taken of, at most.
_MEAN_OF = 200

#: Of the augmenter, besides those of stopping, which have no control.
_SETTINGS = ("design", "architecture", "recipe", "training", "max_epochs", "random_state")

_PICKED = {"nothing": "", "background range": "background", "signal range": "signal"}


class ClassState(t.HasTraits):
    """State of the training of a class."""

    name = t.Str()
    spectra = t.Int()
    state = t.Str("waiting")
    epoch = t.Int()


@add_gui_method(toolkey=TOOLKEY)
class AugmentationTool(t.HasTraits):
    """Interface of ``dag_augment``: choose ranges and labels, train, and save.

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
        The call of ``dag_augment`` that gives the same spectra. :attr:`call` follows the controls.
    labels_used
        The labels of the training, ``labels`` in :attr:`call_used`.
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

    # what is asked for (traits has it that an instance may be None)
    label_source = t.Str()
    label_file = t.Str(desc="a file with one label for each spectrum")
    regions: list[Region] = t.List(t.Instance(Region))  # type: ignore[assignment]
    subtract = t.Bool(desc="fit a power law in the background range and subtract it")
    background_low = t.Float()
    background_high = t.Float()
    crop = t.Bool(desc="keep the signal range alone, and divide each spectrum by its maximum")
    signal_low = t.Float()
    signal_high = t.Float()
    picking = t.Enum(*_PICKED, desc="what is dragged on the spectrum")
    design = t.Enum("single_bitrans", [*DESIGNS])
    architecture = t.Enum("auto", *ARCHITECTURES)
    recipe = t.Enum("refined", [*RECIPES])
    training = t.Enum(*TRAINING, desc="auto: where there is something to learn")
    max_epochs = t.Int(desc="0: as the recipe says")
    n_spectra = t.Int(100, desc="synthetic spectra for each class")
    random_state = t.Int(0, desc="the same number gives the same spectra")
    filename = t.Str("augmented.hspy", desc="where to save the synthetic spectra")
    overwrite = t.Bool(False, desc="replace an existing file")

    # what comes of it
    label_sources = t.Dict(t.Str(), t.Str())
    design_help = t.Property(t.Str(), observe="design")
    architecture_help = t.Property(t.Str(), observe="architecture, recipe")
    recipe_help = t.Property(t.Str(), observe="recipe")
    call = t.Property(t.Str(), observe="_version")
    problem = t.Str()
    notes = t.Str()
    error = t.Str()
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
    result = t.Any()
    augmenter = t.Any()

    _version = t.Int()

    def __init__(self, signal: EELSSpectrum, labels: Any = None, **arguments: Any):
        super().__init__()
        check_signal(signal)
        self.signal = signal
        self.labels = labels
        self._prepared: Prepared | None = None
        self._trained: Prepared | None = None
        self._trained_version = 0
        self._training: Training | None = None
        self._clusters: tuple[tuple, Any] | None = None
        self.call_used = ""
        self.labels_used: Any = None
        self._live: dict[str, tuple[History, RealReference, np.ndarray]] = {}
        self._axis = EnergyAxis.of_signal(signal)
        self._factor = ev_per_unit(signal.axes_manager.signal_axes[0])
        self._mean = _mean_spectrum(signal)
        self._plot = SignalPlot(signal, self._range_dragged)
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
            "Attributes: result, augmenter, call_used, labels_used>"
        )

    def _begin_with(self, arguments: dict[str, Any]) -> None:
        low, high = map(float, self._axis.energies[[0, -1]])
        step = (high - low) / 10
        arguments = dict(arguments)
        # Said as everywhere, not in the words of traits.
        check_count("n_spectra", arguments.get("n_spectra", 1))
        FitSettings.checked(**split_arguments(arguments, ignore=True)[0])
        self._kept: dict[str, Any] = {
            name: arguments.pop(name)
            for name in ("stopping", "tolerance", "checkpoint_dir", "checkpoint_every")
            if name in arguments
        }
        for name, on, span in (
            ("background", "subtract", (low, low + step)),
            ("signal", "crop", (low, high)),
        ):
            given = arguments.pop(f"{name}_range", None)
            setattr(self, on, given is not None)
            if given is not None:
                span = two_energies(f"{name}_range", given, self._factor)
            left, right = span
            ends: dict[str, Any] = {f"{name}_low": left, f"{name}_high": right}
            self.trait_set(**ends)
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
        self.label_sources = {n: text for n, text in SOURCES.items() if self._offers(n)}
        self.label_source = next(iter(self.label_sources))

    def _offers(self, source: str) -> bool:
        s = self.signal
        return {
            "given": self.labels is not None,
            "metadata": s.metadata.has_item("DAG.labels") and s.metadata.has_item("DAG.classes"),
            "clusters": hasattr(s, "learning_results")
            and getattr(s.learning_results, "cluster_labels", None) is not None,
            "file": True,
            "drawn": s.axes_manager.navigation_dimension in (1, 2),
            "pca": s.axes_manager.navigation_dimension > 0,
            "umap": s.axes_manager.navigation_dimension > 0 and find_spec("umap") is not None,
        }[source]

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
            "background_range": (
                (self.background_low, self.background_high) if self.subtract else None
            ),
            "signal_range": (self.signal_low, self.signal_high) if self.crop else None,
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

    def current_labels(self) -> Any:
        """Return the chosen labels.

        Returns
        -------
        array-like or signal
            Class of each spectrum.

        Raises
        ------
        TypeError, ValueError, OSError
            There are no labels, or they cannot be read.

        See Also
        --------
        add_region : Label a region.

        Examples
        --------
        >>> from hyperspy_dag.data import simulated_oxides
        >>> from hyperspy_dag.gui.model import AugmentationTool
        >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 30, "MnO2": 30})
        >>> tool = AugmentationTool(s, labels, n_spectra=50, random_state=0)
        >>> tool.current_labels()[0] == "MnO"
        True
        >>> tool.close()
        """
        if self.label_source == "given":
            return self.labels
        if self.label_source == "metadata":
            return get_labels(self.signal)
        if self.label_source == "clusters":
            return self.signal.get_cluster_labels(merged=True)
        if self.label_source == "file":
            return _labels_of_file(self.label_file, self.signal)
        if self.label_source in ("pca", "umap"):
            return self._found_clusters()
        return region_labels(self.signal, self.regions)

    def _found_clusters(self) -> Any:
        """Return clusters of the preprocessed spectra; compute them only if the input changed."""
        asked = self.arguments()
        ranges = asked["background_range"], asked["signal_range"]
        key = (self.label_source, *ranges, self.random_state)
        if self._clusters is None or self._clusters[0] != key:
            s = preprocess_if_asked(self.signal, *ranges)
            found = cluster(s, self.label_source, random_state=self.random_state)
            self._clusters = key, found
        return self._clusters[1]

    # -- regions and the plot ------------------------------------------------------------------

    def add_region(self, name: str = "") -> Region:
        """Add a region in the middle of the navigator, which can be dragged and named.

        Parameters
        ----------
        name : str, optional
            Class of its spectra. Default: "class 1" and so on.

        Returns
        -------
        Region
            The new region.

        See Also
        --------
        remove_region : Remove a region.

        Examples
        --------
        >>> from hyperspy_dag.data import simulated_oxides
        >>> from hyperspy_dag.gui.model import AugmentationTool
        >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 30, "MnO2": 30})
        >>> tool = AugmentationTool(s, labels, n_spectra=50, random_state=0)
        >>> tool.add_region("MnO").name
        'MnO'
        >>> tool.close()
        """
        if "drawn" not in self.label_sources:
            raise ValueError("regions are drawn on line scans and scans; this signal is neither")
        taken = {region.name for region in self.regions}
        number = next(i for i in range(len(taken) + 1) if f"class {i + 1}" not in taken)
        limits = {}
        axes = self.signal.axes_manager.navigation_axes
        for axis, low, high in zip(axes, ("left", "top"), ("right", "bottom"), strict=False):
            values = axis.axis
            step = abs(values[1] - values[0]) if len(values) > 1 else 1.0
            # Beside each other along the first axis, so that none hides another.
            share = max(1, len(values) // 4)
            first = (number % 4) * share if low == "left" else share
            first = min(first, len(values) - 1)
            ends = values[first], values[min(first + share, len(values)) - 1]
            limits[low], limits[high] = float(min(ends)), float(max(ends) + step)
        colour = CLASS_COLOURS[number % len(CLASS_COLOURS)]
        region = Region(name=name or f"class {number + 1}", colour=colour, **limits)
        self.regions.append(region)
        self.label_source = "drawn"
        return region

    def remove_region(self, region: Region | None = None) -> None:
        """Remove a region.

        Parameters
        ----------
        region : Region, optional
            Default: the last.

        See Also
        --------
        add_region : Add a region.

        Examples
        --------
        >>> from hyperspy_dag.data import simulated_oxides
        >>> from hyperspy_dag.gui.model import AugmentationTool
        >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 30, "MnO2": 30})
        >>> tool = AugmentationTool(s, labels, n_spectra=50, random_state=0)
        >>> region = tool.add_region("MnO")
        >>> tool.remove_region(region)
        >>> tool.close()
        """
        if self.regions:
            self.regions.remove(self.regions[-1] if region is None else region)

    def show_plot(self) -> None:
        """Plot the signal, if Matplotlib's backend reacts to the mouse."""
        if can_drag():
            self._plot.open()
            self._plot.show_regions(self.regions)

    def close(self) -> None:
        """Remove ranges and regions from the plot, and end a running training."""
        self.picking = "nothing"
        self._plot.close()
        self.stop()

    def _range_dragged(self, name: str, low: float, high: float) -> None:
        on = {"background": "subtract", "signal": "crop"}[name]
        low, high = low * self._factor, high * self._factor
        changed: dict[str, Any] = {f"{name}_low": low, f"{name}_high": high, on: True}
        self.trait_set(**changed)

    @t.observe("picking", post_init=True)
    def _picking_changed(self, event: Any) -> None:
        name = _PICKED[self.picking]
        low, high = (getattr(self, f"{name}_{end}") for end in ("low", "high")) if name else (0, 0)
        self._plot.pick(name, low / self._factor, high / self._factor)

    @t.observe("background_low, background_high, signal_low, signal_high", post_init=True)
    def _range_changed(self, event: Any) -> None:
        name = event.name.partition("_")[0]
        low, high = (getattr(self, f"{name}_{end}") / self._factor for end in ("low", "high"))
        self._plot.move(name, low, high)

    @t.observe("regions.items", post_init=True)
    def _regions_changed(self, event: Any) -> None:
        self._plot.show_regions(self.regions)

    @t.observe("regions.items.[left, right, top, bottom]", post_init=True)
    def _region_moved(self, event: Any) -> None:
        if isinstance(event.object, Region):
            self._plot.move_region(event.object)

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
                ranges = arguments["background_range"], arguments["signal_range"]
                data = training_set(preprocess_if_asked(self.signal, *ranges), labels)
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
        asked = self.arguments()
        ranges = {name: asked[f"{name}_range"] for name in ("background", "signal")}
        data = prepared.data if prepared else None
        try:
            self.input_picture = input_picture(self._axis.energies, self._mean, ranges, data)
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
        self._live.clear()
        self.trait_set(error="", result=None, augmenter=None, fraction=0.0, shown_choices=[])
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
            self.n_spectra,
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
            self._live[name] = (History(), baseline, progress.examples)
        history, baseline, _ = self._live[name]
        history.evaluations.append(
            Evaluation(progress.epoch, progress.metrics, float("nan"), False)
        )
        self._live[name] = (history, baseline, progress.examples)
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
        history, baseline, examples = self._live[name]
        data = self._trained.data
        label = next(one for one in data.classes if str(one) == name)
        if self.augmenter is not None and label in self.augmenter.classes_:
            examples = self.result.data[self.augmenter.classes_.index(label)]
        try:
            self.training_picture = training_picture(
                label,
                history,
                baseline,
                self._fit_settings.stopping,
                self._fit_settings.tolerance,
                data.energy_axis.energies,
                data.spectra[label],
                examples,
            )
        except Exception:  # a picture is not worth a training
            _logger.exception("The training could not be drawn.")

    def _finished(self, training: Training) -> None:
        """Show the result of the training; runs in its thread."""
        augmenter, error = training.augmenter, training.error
        self.trait_set(augmenter=augmenter, result=training.result)
        fitted = {} if augmenter is None else augmenter.best_
        histories = {} if augmenter is None else augmenter.history_
        untrained = {str(k) for k, h in histories.items() if not h.generator_cost}
        for one in self.classes:
            best = next((b for label, b in fitted.items() if str(label) == one.name), None)
            if best is None:
                one.state = "not trained"
            else:
                reached = any(
                    e.reached
                    for k, h in histories.items()
                    if str(k) == one.name
                    for e in h.evaluations
                )
                how = "thresholds reached" if reached else "best state"
                how = f"{how}, kept epoch {best.epoch}"
                if one.name in untrained and not training.stopped:
                    how = "nothing to train"
                one.trait_set(state=f"done: {how}", epoch=best.epoch)
        self.classes = list(self.classes)
        self.notes = "\n".join(training.notes)
        if error is not None:
            extra = "\n".join(getattr(error, "__notes__", ()))
            self.error = f"{type(error).__name__}: {error}\n{extra}".strip()
            self.status = "The training failed: see below."
        elif training.stopped:
            self.status = f"Stopped: {training.result}."
        else:
            self.fraction = 1.0
            self.status = f"Done: {training.result}."
        self.state = "ended"
        self._draw_training()
        if self._version != self._trained_version:
            # Something was dragged meanwhile, which is not to be trained on unchecked.
            self.state = "checking"
            self._checker.request()


def _mean_spectrum(s: EELSSpectrum) -> np.ndarray:
    """Return the mean of spectra from the whole signal; of few of a lazy one."""
    shape = s.data.shape[:-1]
    if not shape:
        return np.asarray(s.data, dtype=np.float64)
    n = int(np.prod(shape))
    rows = np.unique(np.linspace(0, n - 1, min(n, _MEAN_OF)).astype(int))
    spectra = read_spectra(s.data, np.unravel_index(rows, shape))
    return np.asarray(spectra, dtype=np.float64).mean(axis=0)


def _labels_of_file(name: str, s: EELSSpectrum) -> Any:
    if not name.strip():
        raise ValueError("no labels are chosen: give a file with one label for each spectrum.")
    return read_label_file(s, Path(name.strip()))
