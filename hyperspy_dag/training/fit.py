# SPDX-License-Identifier: GPL-3.0-or-later
"""One training after the other or side by side: how a fit is carried out, and what it leaves."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hyperspy_dag._utils.checks import check_count
from hyperspy_dag.dag.fitted_class import ClassModel
from hyperspy_dag.io.files import below
from hyperspy_dag.io.headers import check_classes, check_digest, check_energy_axis, check_metadata

from .jobs import ClassJob, TrainingProgress
from .progress import ClassProgress, EpochProgress
from .runs import Run, check_new_run
from .training_set import TrainingSet
from .workers import check_workers, fit_classes

if TYPE_CHECKING:
    from distributed import Client

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Way:
    """How a fit is carried out, which changes nothing of what comes out."""

    n_jobs: int
    client: Client | None
    show_progressbar: bool | None
    new_run: Path | None = None
    every: int = 0
    callback: Callable[[TrainingProgress], bool | None] | None = None

    @classmethod
    def of(
        cls,
        n_jobs: int | None = None,
        client: Client | None = None,
        checkpoint_dir: str | os.PathLike | None = None,
        checkpoint_every: int = 10,
        show_progressbar: bool | None = None,
        callback: Callable[[TrainingProgress], bool | None] | None = None,
    ) -> Way:
        """Check the arguments of `EELSAugmenter.fit`, before hours of work."""
        if callback is not None and not callable(callback):
            raise TypeError(f"callback must be callable or None, {callback!r} was given")
        return cls(
            *check_workers(n_jobs, client, callback is not None),
            show_progressbar,
            None if checkpoint_dir is None else check_new_run(checkpoint_dir),
            check_count("checkpoint_every", checkpoint_every),
            callback,
        )


@dataclass(frozen=True)
class FitResult:
    """What a fit leaves: the generators, and what is known of the spectra they learned from.

    Attributes
    ----------
    models : dict of class to ClassModel
        In the order of the classes.
    seconds : dict of class to float
    axis : dict
        HyperSpy's description of the energy axis.
    channels : int
    digest : str
        Of all training spectra.
    spectrum_digests : array of uint64
        Of each.
    preprocessing, instrument : dict or None
        Metadata of the training spectra.
    """

    models: dict[Any, ClassModel]
    seconds: dict[Any, float]
    axis: dict[str, Any]
    channels: int
    digest: str
    spectrum_digests: NDArray[np.uint64]
    preprocessing: dict[str, Any] | None
    instrument: dict[str, Any] | None

    @classmethod
    def of(
        cls, data: TrainingSet, models: dict[Any, ClassModel], seconds: dict[Any, float]
    ) -> FitResult:
        """Put together what was trained, in any order, and what it was trained on."""
        models = {label: models[label] for label in data.classes if label in models}
        return cls(
            models=models,
            seconds={label: seconds[label] for label in models},
            axis=data.axis,
            channels=data.channels,
            digest=data.digest,
            spectrum_digests=np.concatenate([data.spectrum_digests[label] for label in models]),
            preprocessing=data.preprocessing,
            instrument=data.instrument,
        )

    def header(self) -> dict[str, Any]:
        """All but the arrays, as JSON knows it."""
        return {
            "energy_axis": self.axis,
            "channels": self.channels,
            "digest": self.digest,
            "fit_seconds": list(self.seconds.values()),
            "preprocessing": self.preprocessing,
            "instrument": self.instrument,
            "classes": list(self.models),
            "models": [model.header() for model in self.models.values()],
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name."""
        arrays = {
            f"{i}/{name}": array
            for i, model in enumerate(self.models.values())
            for name, array in model.arrays().items()
        }
        return arrays | {"spectrum_digests": self.spectrum_digests}

    @classmethod
    def of_file(cls, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> FitResult:
        """Build from what :meth:`header` and :meth:`arrays` gave, believing nothing.

        Raises
        ------
        AttributeError, LookupError, TypeError, ValueError
            Something is missing, or not as it should be.
        """
        classes = check_classes(header["classes"])
        channels = header["channels"]
        models = {
            label: ClassModel.of(own, below(arrays, str(i)), channels)
            for i, (label, own) in enumerate(zip(classes, header["models"], strict=True))
        }
        spectrum_digests = arrays["spectrum_digests"]
        if spectrum_digests.dtype != np.uint64 or spectrum_digests.ndim != 1:
            raise TypeError("the digests of the training spectra are not such")
        seconds = [float(value) for value in header["fit_seconds"]]
        return cls(
            models=models,
            seconds=dict(zip(classes, seconds, strict=True)),
            axis=check_energy_axis(header["energy_axis"], channels),
            channels=channels,
            digest=check_digest(header["digest"]),
            spectrum_digests=spectrum_digests,
            preprocessing=check_metadata(header["preprocessing"]),
            instrument=check_metadata(header["instrument"]),
        )


@dataclass
class Outcome:
    """How the trainings of a fit ended.

    Attributes
    ----------
    models, seconds : dict by class
    errors : dict of class to Exception
    ended : list of class
        Those whose training was not ended by the user.
    stopped : bool
        Ended by the user before all was done.
    fault : Exception or None
        Of the user's callback, or of what is around the trainings.
    """

    models: dict[Any, ClassModel] = field(default_factory=dict)
    seconds: dict[Any, float] = field(default_factory=dict)
    errors: dict[Any, Exception] = field(default_factory=dict)
    ended: list[Any] = field(default_factory=list)
    stopped: bool = False
    fault: Exception | None = None


def carry_out(jobs: list[ClassJob], data: TrainingSet, way: Way, run: Run | None) -> Outcome:
    """Train the classes; what goes wrong with one stops no other.

    Parameters
    ----------
    jobs : list of ClassJob
    data : TrainingSet
    way : Way
    run : Run or None
        Where checkpoints go.

    Returns
    -------
    Outcome

    Raises
    ------
    KeyboardInterrupt
        Before the first class was done; later, it is `stopped`.
    BlockingIOError
        Another process trains into the folder of `run`.
    Exception
        Of a progress bar, of the cluster or the like before the first class was done; later, it is
        the `fault`.
    """
    outcome = Outcome()

    def watch(progress: TrainingProgress) -> bool:
        try:
            outcome.stopped = bool(way.callback(progress))
        except Exception as error:  # noqa: BLE001 - raised by fit, when what is done is kept
            outcome.stopped, outcome.fault = True, error
        return outcome.stopped

    one_by_one = way.client is None and min(way.n_jobs, len(jobs)) == 1
    progress = (EpochProgress if one_by_one else ClassProgress)(
        data.classes, jobs[0].stopping.max_epochs, way.show_progressbar
    )
    try:
        with (
            run.lock() if run else nullcontext(),
            progress,
            closing(
                fit_classes(
                    jobs,
                    data.spectra,
                    n_jobs=way.n_jobs,
                    client=way.client,
                    progress=progress.report,
                    watch=None if way.callback is None else watch,
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
