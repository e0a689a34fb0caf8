# SPDX-License-Identifier: GPL-3.0-or-later
"""The training of one class as a job that any process can do by itself, whatever runs beside it.

Importing this needs no TensorFlow; doing a job does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hyperspy_dag.dag.architectures import Architecture
from hyperspy_dag.dag.designs import Design
from hyperspy_dag.dag.fitted_class import ClassModel
from hyperspy_dag.dag.recipes import Recipe
from hyperspy_dag.dag.stopping import StoppingRule

from .checkpoints import ClassCheckpoint


class TrainingDivergedError(RuntimeError):
    """The loss of a class was not finite, twice."""


@dataclass(frozen=True)
class TrainingProgress:
    """Where the training of a class stands, whenever its metrics are looked at.

    Attributes
    ----------
    label : str, int or bool
        The class.
    epoch : int
        0 before training.
    metrics : dict of str to float
        Fréchet distance, Pearson correlation, cosine distance and signal-to-noise figure of
        synthetic spectra.
    baseline : dict of str to float
        The same of real against real spectra: what the metrics are to reach.
    examples : array of shape (n, channels), float32
        A few of the synthetic spectra.
    """

    label: str | int | bool
    epoch: int
    metrics: dict[str, float]
    baseline: dict[str, float]
    examples: np.ndarray


#: Whether it returns True decides whether the training ends there.
Report = Callable[[TrainingProgress], bool | None]


@dataclass(frozen=True)
class ClassJob:
    """All that the training of a class depends on but its spectra.

    Attributes
    ----------
    label : str, int or bool
        The class.
    architecture, design, recipe
        See their modules.
    stopping : StoppingRule
    seed : numpy.random.SeedSequence
        The class's own: it depends neither on the order of the classes nor on their number.
    checkpoint : ClassCheckpoint or None
    """

    label: str | int | bool
    architecture: Architecture
    design: Design
    recipe: Recipe
    stopping: StoppingRule
    seed: np.random.SeedSequence
    checkpoint: ClassCheckpoint | None = None


class Fitted(NamedTuple):
    """What a job gives: a class's model, and the seconds that it took, interruptions left out."""

    model: ClassModel
    seconds: float


def fit_class(job: ClassJob, spectra: np.ndarray, report: Report) -> Fitted:
    """Train one class on its spectra of shape (n, channels), or go on with it.

    A class that its checkpoint says is done needs no TensorFlow.

    Raises
    ------
    MemoryError
        TensorFlow found no memory.
    TrainingDivergedError, OSError, AugmenterFileError
        See :meth:`.fitting.Fitter.fit`.
    """
    begin = time.perf_counter()
    saved = None if job.checkpoint is None else job.checkpoint.load(spectra.shape[1])
    before = 0.0 if saved is None else saved.seconds
    if saved is not None and saved.progress is None:
        return Fitted(saved.model, before)

    def seconds() -> float:
        return before + time.perf_counter() - begin

    from hyperspy_dag.dag._tensorflow import tf

    from .train_class import Fitter, lend_trainer

    try:
        with lend_trainer(spectra.shape[1], job.architecture, job.design, job.recipe) as trainer:
            fitter = Fitter(trainer, job.stopping)
            model = fitter.fit(job.label, spectra, job.seed, report, seconds, job.checkpoint, saved)
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError(
            f"no memory to train class {job.label!r} ({len(spectra)} spectra of "
            f"{spectra.shape[1]} channels): train fewer classes side by side, or crop the spectra"
        ) from error
    return Fitted(model, seconds())
