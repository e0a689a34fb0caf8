# SPDX-License-Identifier: GPL-3.0-or-later
"""The fit of all classes and its result."""

from __future__ import annotations

import logging
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperspy_dag.dag.architectures import ARCHITECTURES, NETWORKS, Architecture
from hyperspy_dag.dag.fitted_class import FittedClass
from hyperspy_dag.dag.recipes import RECIPES, Recipe
from hyperspy_dag.io.files import below
from hyperspy_dag.io.headers import check_classes, check_digest, check_energy_axis, check_metadata
from hyperspy_dag.preprocessing.energy_axis import EnergyAxis

from .progress import ClassBar, EpochBar, TrainingProgress
from .runs import Run
from .settings import FitOptions, FitSettings
from .train_class import ClassJob
from .training_set import TrainingSet
from .workers import fit_classes

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FitResult:
    """Result of a fit: the generators, and a description of the training spectra.

    Attributes
    ----------
    settings : FitSettings
    models : dict of class to FittedClass
        In the order of the classes.
    seconds : dict of class to float
    energy_axis : EnergyAxis
    digest : str
        Digest of all training spectra.
    spectrum_digests : array of uint64
        Digest of each training spectrum.
    preprocessing, instrument : dict or None
        Metadata of the training spectra.
    networks : int
        Version of the networks.
    """

    settings: FitSettings
    models: dict[Any, FittedClass]
    seconds: dict[Any, float]
    energy_axis: EnergyAxis
    digest: str
    spectrum_digests: NDArray[np.uint64]
    preprocessing: dict[str, Any] | None
    instrument: dict[str, Any] | None
    networks: int = NETWORKS

    @property
    def recipe(self) -> Recipe:
        """Recipe of the generators."""
        recipe = RECIPES[self.settings.recipe]
        return replace(recipe, published=recipe.published and self.networks > 1)

    @property
    def architecture(self) -> Architecture:
        """Networks of the generators."""
        return ARCHITECTURES[self.settings.architecture].under(self.recipe)

    @classmethod
    def of(cls, settings: FitSettings, data: TrainingSet, outcome: Outcome) -> FitResult:
        """Combine trained classes, in any order, with the training set."""
        models = {label: outcome.models[label] for label in data.classes if label in outcome.models}
        return cls(
            settings=settings,
            models=models,
            seconds={label: outcome.seconds[label] for label in models},
            energy_axis=data.energy_axis,
            digest=data.digest,
            spectrum_digests=np.concatenate([data.spectrum_digests[label] for label in models]),
            preprocessing=data.preprocessing,
            instrument=data.instrument,
        )

    def header(self) -> dict[str, Any]:
        """Return everything but the arrays, as types that JSON can hold."""
        return {
            "networks": self.networks,
            "settings": self.settings.as_dict(),
            "energy_axis": self.energy_axis.description(),
            "channels": self.energy_axis.size,
            "digest": self.digest,
            "fit_seconds": list(self.seconds.values()),
            "preprocessing": self.preprocessing,
            "instrument": self.instrument,
            "classes": list(self.models),
            "models": [model.header() for model in self.models.values()],
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by name."""
        arrays = {
            f"{i}/{name}": array
            for i, model in enumerate(self.models.values())
            for name, array in model.arrays().items()
        }
        return arrays | {"spectrum_digests": self.spectrum_digests}

    @classmethod
    def of_file(cls, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> FitResult:
        """Make a result from checked :meth:`header` and :meth:`arrays`.

        Raises
        ------
        AttributeError, LookupError, TypeError, ValueError
            An item is missing or invalid.
        """
        classes = check_classes(header["classes"])
        channels = header["channels"]
        models = {
            label: FittedClass.of(own, below(arrays, str(i)), channels)
            for i, (label, own) in enumerate(zip(classes, header["models"], strict=True))
        }
        spectrum_digests = arrays["spectrum_digests"]
        if spectrum_digests.dtype != np.uint64 or spectrum_digests.ndim != 1:
            raise TypeError("the digests of the training spectra are not such")
        seconds = [float(value) for value in header["fit_seconds"]]
        settings, networks = FitSettings.of_file(header["settings"]), header.get("networks", 1)
        if networks == 1:
            # Version 0.1 had no criterion of the paper's recipe alone.
            settings = replace(settings, stopping=header["settings"]["stopping"])
        elif networks != NETWORKS:
            raise ValueError(f"networks of version {networks!r}")
        return cls(
            settings=settings,
            models=models,
            seconds=dict(zip(classes, seconds, strict=True)),
            energy_axis=check_energy_axis(header["energy_axis"], channels),
            digest=check_digest(header["digest"]),
            spectrum_digests=spectrum_digests,
            preprocessing=check_metadata(header["preprocessing"]),
            instrument=check_metadata(header["instrument"]),
            networks=networks,
        )


@dataclass
class Outcome:
    """Outcome of the trainings of a fit.

    Attributes
    ----------
    models, seconds : dict by class
    errors : dict of class to Exception
    ended : list of class
        Classes whose training was not ended by the user.
    stopped : bool
        Whether the user ended the fit early.
    fault : Exception or None
        Error of the user's callback, or outside the trainings.
    """

    models: dict[Any, FittedClass] = field(default_factory=dict)
    seconds: dict[Any, float] = field(default_factory=dict)
    errors: dict[Any, Exception] = field(default_factory=dict)
    ended: list[Any] = field(default_factory=list)
    stopped: bool = False
    fault: Exception | None = None


def run_jobs(
    jobs: list[ClassJob], data: TrainingSet, options: FitOptions, run: Run | None
) -> Outcome:
    """Train all classes; an error in one class does not stop the others.

    Parameters
    ----------
    jobs : list of ClassJob
    data : TrainingSet
    options : FitOptions
    run : Run or None
        Folder of the checkpoints.

    Returns
    -------
    Outcome

    Raises
    ------
    KeyboardInterrupt
        Interrupted before the first class was finished; later, `stopped` is set.
    BlockingIOError
        Another process uses the folder of `run`.
    Exception
        An error of the progress bar or the cluster before the first class was finished; later, it
        is the `fault`.
    """
    outcome = Outcome()

    def watch(progress: TrainingProgress) -> bool:
        try:
            outcome.stopped = options.callback is not None and bool(options.callback(progress))
        except Exception as error:  # noqa: BLE001 - raised by fit, when what is done is kept
            outcome.stopped, outcome.fault = True, error
        return outcome.stopped

    one_by_one = options.client is None and min(options.n_jobs, len(jobs)) == 1
    progress = (EpochBar if one_by_one else ClassBar)(
        data.classes, jobs[0].stopping.max_epochs, options.show_progressbar
    )
    try:
        with (
            run.lock() if run else nullcontext(),
            progress,
            closing(
                fit_classes(
                    jobs,
                    data.spectra,
                    n_jobs=options.n_jobs,
                    client=options.client,
                    progress=progress.report,
                    watch=None if options.callback is None else watch,
                )
            ) as results,
        ):
            for label, result in results:
                progress.finish(label)
                if isinstance(result, Exception):
                    outcome.errors[label] = result
                    _logger.warning("Class %r was not fitted: %s", label, result)
                else:
                    outcome.models[label], outcome.seconds[label] = result
                    if result.model.gate is not None:
                        progress.note(result.model.gate.describe(label, result.model.n_training))
                if outcome.stopped:
                    break
                if label in outcome.models:
                    outcome.ended.append(label)
    except KeyboardInterrupt:
        if not outcome.models:
            raise
        outcome.stopped = True
    except Exception as error:
        if not outcome.models:
            raise
        # Raised by fit, when what is done is kept.
        outcome.fault = error
    return outcome
