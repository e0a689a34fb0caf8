# SPDX-License-Identifier: GPL-3.0-or-later
"""The training of one class, independent of the process it runs in.

TensorFlow is imported when the training starts, if it does.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hyperspy_dag._utils.streams import child_stream
from hyperspy_dag.dag.architectures import Architecture
from hyperspy_dag.dag.class_model.model import ClassModel, fit_class_model
from hyperspy_dag.dag.designs import Design
from hyperspy_dag.dag.drawing import untrained_weights
from hyperspy_dag.dag.fitted_class import FittedClass, History
from hyperspy_dag.dag.gate import Gate, compare_with_model
from hyperspy_dag.dag.recipes import Recipe
from hyperspy_dag.dag.sources import SpectrumSource
from hyperspy_dag.dag.stopping import Evaluation, Judge, StoppingRule
from hyperspy_dag.io.files import AugmenterFileError

from .checkpoints import ClassCheckpoint, SavedClass, TrainingState
from .progress import TrainingProgress

if TYPE_CHECKING:
    from hyperspy_dag.dag.trainer import Trainer

_logger = logging.getLogger(__name__)

#: What the learning rates are multiplied by after a loss that was not finite.
RETRY_RATE_FACTOR = 0.2

#: Epochs between copies of the state that a loss that was not finite goes back to.
SAFE_EVERY = 10

#: How much a trained state's score must be below that of the statistical model to be kept. The
#: score of one draw is by chance a few hundredths off, and training can follow that; on real
#: spectra such gains went with a loss of variety.
SMALLEST_GAIN = 0.05

#: Synthetic spectra that whoever watches a training gets to see.
N_EXAMPLES = 5


class TrainingDivergedError(RuntimeError):
    """The loss of a class was not finite, and again after a restart.

    See Also
    --------
    hyperspy_dag.EELSAugmenter.fit : Train generators.

    Examples
    --------
    >>> from hyperspy_dag.augmenter import TrainingDivergedError
    >>> try:
    ...     raise TrainingDivergedError("class 'MnO' diverged")  # as fit does
    ... except TrainingDivergedError as error:
    ...     print(error)
    class 'MnO' diverged
    """


#: Called at every look at the metrics; where it returns True the training ends.
Callback = Callable[[TrainingProgress], bool | None]


class Beginning(NamedTuple):
    """What comes before the training: the statistical model, and whether there is more to learn."""

    class_model: ClassModel | None
    gate: Gate | None
    trains: bool
    seconds: float


@dataclass(frozen=True)
class ClassJob:
    """Everything that the training of a class depends on but its spectra.

    Attributes
    ----------
    label : str, int or bool
        The class.
    architecture, design, recipe
        See their modules.
    stopping : StoppingRule
    seed : numpy.random.SeedSequence
        The class's own: it depends neither on the order of the classes nor on their number.
    dispersion : float or None
        eV a channel; None where the energy axis is not uniform.
    training : {"auto", "always", "never"}
        Whether a physical recipe trains.
    begun : Beginning or None
        What was found before the training; None: it is found when the job begins.
    checkpoint : ClassCheckpoint or None
    """

    label: str | int | bool
    architecture: Architecture
    design: Design
    recipe: Recipe
    stopping: StoppingRule
    seed: np.random.SeedSequence
    dispersion: float | None = None
    training: str = "always"
    begun: Beginning | None = None
    checkpoint: ClassCheckpoint | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"class {self.label!r}"

    @property
    def heavy(self) -> bool:
        """Whether there is something to train."""
        return self.begun is None or self.begun.trains

    def begin(self, spectra: np.ndarray) -> ClassJob:
        """Fit the statistical model: see :func:`begin_job`."""
        return begin_job(self, spectra)

    def run(self, spectra: np.ndarray, callback: Callback) -> TrainedClass:
        """Train the class: see :func:`train_class`."""
        return train_class(self, spectra, callback)


class TrainedClass(NamedTuple):
    """Result of a job: the fitted class, and the time of its training in s."""

    model: FittedClass
    seconds: float


def train_class(job: ClassJob, spectra: np.ndarray, callback: Callback) -> TrainedClass:
    """Train one class, or continue its training.

    A class that is finished in its checkpoint, or has nothing to train, needs no TensorFlow.

    Parameters
    ----------
    job : ClassJob
    spectra : array of shape (n, channels)
    callback : callable
        If it returns True, the training ends. It can be continued from its checkpoint, if it has
        one.

    Raises
    ------
    MemoryError
        The memory is too small.
    TrainingDivergedError
        The loss was not finite, and again after a restart from the last good state with lower
        learning rates.
    OSError
        A checkpoint could not be written.
    AugmenterFileError
        A checkpoint is damaged or belongs to another training.
    """
    begin = time.perf_counter()
    saved = None if job.checkpoint is None else job.checkpoint.load(spectra.shape[1])
    before = 0.0 if saved is None else saved.seconds
    if saved is not None and saved.state is None:
        return TrainedClass(saved.model, before)

    def seconds() -> float:
        return before + time.perf_counter() - begin

    if saved is None:
        if job.begun is not None:
            before += job.begun.seconds
        job = begin_job(job, spectra)
        if job.begun is not None and not job.begun.trains:
            return TrainedClass(_untrained(job, spectra, seconds, callback), seconds())

    from hyperspy_dag.dag.lending import lend_trainer

    try:
        with lend_trainer(spectra.shape[1], job.architecture, job.design, job.recipe) as trainer:
            model = ClassTraining(job, spectra, trainer, seconds, saved).run(callback)
    except MemoryError as error:
        raise MemoryError(
            f"no memory to train class {job.label!r} ({len(spectra)} spectra of "
            f"{spectra.shape[1]} channels): train fewer classes side by side, or crop the spectra"
        ) from error
    return TrainedClass(model, seconds())


def begin_job(job: ClassJob, spectra: np.ndarray) -> ClassJob:
    """Fit the statistical model of a class, and find out if there is more to learn.

    A class that has begun already, in its checkpoint too, stays as it is.
    """
    saved = job.checkpoint is not None and job.checkpoint.load(spectra.shape[1]) is not None
    if job.begun is not None or saved:
        return job
    begin = time.perf_counter()
    if not job.recipe.physical:
        return replace(job, begun=Beginning(None, None, True, 0.0))
    model, gate = fit_class_model(spectra, job.dispersion), None
    if job.training == "auto":
        seed = child_stream(job.seed, 3)
        gate = compare_with_model(
            spectra, model, job.architecture, job.recipe, job.dispersion, seed
        )
    trains = job.training == "always" or (gate is not None and gate.opens)
    return replace(job, begun=Beginning(model, gate, trains, time.perf_counter() - begin))


def _untrained(
    job: ClassJob, spectra: np.ndarray, seconds: Callable[[], float], callback: Callback
) -> FittedClass:
    """Return the statistical model as the class's generator (NumPy alone)."""
    begun: Any = job.begun  # under a physical recipe, which has a model
    channels, architecture, model = spectra.shape[1], job.architecture, begun.class_model
    weights = untrained_weights(model, channels, architecture, job.recipe)
    judge, sampling_seed = _judge(job, spectra), child_stream(job.seed, 2)
    source = SpectrumSource(channels, architecture, job.recipe, model, weights, sampling_seed)
    synthetic = source.draw(judge.n_synthetic)
    best = judge.judge(0, synthetic)
    fitted = FittedClass(
        weights, model, best, judge.reference, History(evaluations=[best]), len(spectra), begun.gate
    )
    callback(_progress(job, best, judge, synthetic[:N_EXAMPLES]))
    if job.checkpoint is not None:
        job.checkpoint.save_model(fitted, seconds(), done=True)
    return fitted


def _judge(job: ClassJob, spectra: np.ndarray) -> Judge:
    return Judge(
        spectra,
        child_stream(job.seed, 1),
        job.stopping.criterion,
        job.stopping.tolerance,
        job.recipe.batch_size if job.recipe.published else None,
    )


def _progress(
    job: ClassJob, evaluation: Evaluation, judge: Judge, examples: np.ndarray
) -> TrainingProgress:
    # Copies of the figures: whoever looks on may change them, and the history has the same.
    metrics, reference = dict(evaluation.metrics), dict(judge.reference.mean)
    return TrainingProgress(job.label, evaluation.epoch, metrics, reference, examples.copy())


class ClassTraining:
    """The training of one class, from its beginning or a checkpoint to its end."""

    def __init__(
        self,
        job: ClassJob,
        spectra: np.ndarray,
        trainer: Trainer,
        seconds: Callable[[], float],
        saved: SavedClass | None,
    ):
        self.job, self.trainer, self.seconds = job, trainer, seconds
        self.n_spectra = len(spectra)
        training_seed, self._sampling_seed = (child_stream(job.seed, i) for i in (0, 2))
        begun: Any = job.begun if saved is None else saved.model  # one of them is there
        self.class_model, self.gate = begun.class_model, begun.gate
        trainer.begin(spectra, training_seed, self.class_model, job.stopping.max_epochs)
        self.judge = _judge(job, spectra)
        self._examples: np.ndarray  # of the last evaluation
        if saved is None:
            self.best = self._evaluate(0)
            self.weights = trainer.weights()
            self.history = History(evaluations=[self.best])
            self.epoch, self.rate_factor = 0, 1.0
            self._keep_as_good(trainer.state())
            self._save_model()
        else:
            state: Any = saved.state  # a class that is done is not trained
            self.best, self.weights = saved.model.best, saved.model.weights
            self.history = state.history
            trainer.restore(self._checked(state.state))
            self.epoch, self.rate_factor = state.epoch, state.rate_factor
            self._good_epoch = state.good_epoch
            self._good_state = self._checked(state.good_state)
            self._good_best = state.good_best, state.good_weights
        self._saved_epoch = self.epoch

    def run(self, callback: Callback) -> FittedClass:
        """Train until the class is finished or the callback ends it; return the best state."""
        if self.epoch == 0 and self._ends(callback, self.best):
            return self.model()
        while self.epoch < self.job.stopping.max_epochs and not self._done():
            step = min(self.job.recipe.evaluate_every, self.job.stopping.max_epochs - self.epoch)
            costs = self.trainer.train(self.epoch, step, self.rate_factor)
            evaluation = self._evaluate(self.epoch + step) if costs.finite else None
            if evaluation is None or not np.isfinite(evaluation.score):
                self._go_back(step)
                continue
            self.epoch += step
            self.history.discriminator_cost.extend(costs.discriminator.tolist())
            self.history.generator_cost.extend(costs.generator.tolist())
            self.history.evaluations.append(evaluation)
            first = self.history.evaluations[0].score
            if evaluation.score < min(self.best.score, first - SMALLEST_GAIN):
                self.best, self.weights = evaluation, self.trainer.weights()
                self._save_model()
            if self.epoch - self._good_epoch >= SAFE_EVERY:
                self._keep_as_good(self.trainer.state())
            self._save_state()
            if self._ends(callback, evaluation):
                return self.model()
        if self.best.epoch == 0 and self.class_model is not None:
            _logger.info(
                "Class %r: no trained state was better than the statistical model, which is kept.",
                self.job.label,
            )
        self._save_model(done=True)
        return self.model()

    def model(self) -> FittedClass:
        """Return the best state of the training."""
        return FittedClass(
            self.weights,
            self.class_model,
            self.best,
            self.judge.reference,
            self.history,
            self.n_spectra,
            self.gate,
        )

    def _evaluate(self, epoch: int) -> Evaluation:
        source = SpectrumSource(
            self.trainer.channels,
            self.trainer.architecture,
            self.trainer.recipe,
            self.class_model,
            self.trainer.weights(),
            self._sampling_seed,
        )
        synthetic = source.draw(self.judge.n_synthetic)
        self._examples = synthetic[:N_EXAMPLES]
        return self.judge.judge(epoch, synthetic)

    def _ends(self, callback: Callback, evaluation: Evaluation) -> bool:
        return bool(callback(_progress(self.job, evaluation, self.judge, self._examples)))

    def _done(self) -> bool:
        """Return whether the last evaluation ends the training."""
        last, recipe = self.history.evaluations[-1], self.job.recipe
        if self.job.stopping.criterion is None or last.epoch < recipe.min_epochs:
            return False
        waited = last.epoch - self.best.epoch
        return last.reached or (recipe.patience is not None and waited >= recipe.patience)

    def _keep_as_good(self, state: dict[str, np.ndarray]) -> None:
        self._good_epoch, self._good_state = self.epoch, state
        self._good_best = self.best, self.weights

    def _go_back(self, step: int) -> None:
        """Return to the last good state with lower learning rates; raise the second time."""
        if self.rate_factor < 1.0:
            raise TrainingDivergedError(
                f"training of class {self.job.label!r} gave a loss that is not finite near epoch "
                f"{self.epoch + step}, and again with lower learning rates from epoch "
                f"{self._good_epoch}. Look for outliers among its {self.n_spectra} spectra, or "
                "choose another architecture or design."
            )
        _logger.warning(
            "Class %r: the loss was not finite near epoch %d; going on from epoch %d "
            "with learning rates lowered to %g of their values.",
            self.job.label,
            self.epoch + step,
            self._good_epoch,
            RETRY_RATE_FACTOR,
        )
        self.trainer.restore(self._good_state)
        self.epoch, self.rate_factor = self._good_epoch, RETRY_RATE_FACTOR
        self.best, self.weights = self._good_best
        self.history.go_back_to(self.epoch)
        self._saved_epoch = min(self._saved_epoch, self.epoch)
        self._save_model()

    # -- checkpoints ---------------------------------------------------------------------------

    def _save_model(self, done: bool = False) -> None:
        if self.job.checkpoint is not None:
            self.job.checkpoint.save_model(self.model(), self.seconds(), done=done)

    def _save_state(self) -> None:
        checkpoint = self.job.checkpoint
        if checkpoint is None or self.epoch - self._saved_epoch < checkpoint.every:
            return
        state = self._good_state if self._good_epoch == self.epoch else self.trainer.state()
        checkpoint.save_state(
            TrainingState(
                epoch=self.epoch,
                rate_factor=self.rate_factor,
                history=self.history,
                state=state,
                good_epoch=self._good_epoch,
                good_state=self._good_state,
                good_best=self._good_best[0],
                good_weights=self._good_best[1],
            ),
            self.seconds(),
        )
        self._saved_epoch = self.epoch

    def _checked(self, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return a state of a file if it belongs to these networks."""
        own = self.trainer.state()
        if state.keys() == {str(i) for i in range(len(own))}:
            # Version 0.1 had them numbered, in this order.
            state = {name: state[str(i)] for i, name in enumerate(own)}
        if {k: a.shape for k, a in state.items()} != {k: a.shape for k, a in own.items()}:
            checkpoint: Any = self.job.checkpoint  # where the state comes from
            raise AugmenterFileError(
                f"{checkpoint.state_file} was written by a version of hyperspy_dag with "
                "other networks; go on with that version, or fit anew"
            )
        return state
