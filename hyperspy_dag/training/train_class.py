# SPDX-License-Identifier: GPL-3.0-or-later
"""One class from its spectra to a fitted generator: start, training, judgement, recovery."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from hyperspy_dag.dag.architectures import Architecture
from hyperspy_dag.dag.class_model.model import fit_start
from hyperspy_dag.dag.designs import Design
from hyperspy_dag.dag.fitted_class import ClassModel, History
from hyperspy_dag.dag.generators import make_generator
from hyperspy_dag.dag.recipes import Recipe
from hyperspy_dag.dag.stopping import Evaluation, Judge, StoppingRule
from hyperspy_dag.dag.trainer import Trainer
from hyperspy_dag.io.files import AugmenterFileError

from .checkpoints import ClassCheckpoint, Progress, Saved
from .jobs import Report, TrainingDivergedError, TrainingProgress

_logger = logging.getLogger(__name__)

#: What the learning rates are multiplied by after a loss that was not finite.
RETRY_RATE_FACTOR = 0.2

#: Epochs between copies of the state that a loss that was not finite goes back to.
SAFE_EVERY = 10

#: How much a trained state's score must be below that of the start to be kept. The score of one
#: draw is by chance a few hundredths off, and training can follow that; on real spectra such gains
#: went with a loss of variety.
SMALLEST_GAIN = 0.05


#: Synthetic spectra that whoever watches a training gets to see.
N_EXAMPLES = 5


#: The trainer of the last fit: compiling one takes seconds, and notebooks fit again and again.
_idle_trainers: dict[tuple, Trainer] = {}


@contextmanager
def lend_trainer(
    channels: int, architecture: Architecture, design: Design, recipe: Recipe
) -> Iterator[Trainer]:
    """Lend a trainer for the time of a fit: the last one if it fits, else a new one.

    A lent trainer is nobody else's, so that fits in several threads do not meet.
    """
    key = (channels, architecture, design, recipe)
    trainer = _idle_trainers.pop(key, None)
    if trainer is None:
        trainer = Trainer(
            channels,
            architecture,
            design,
            recipe,
            lambda initialisers: make_generator(channels, architecture, recipe, initialisers),
        )
    yield trainer
    # Only of a fit that ended well, and only one: they hold memory.
    _idle_trainers.clear()
    _idle_trainers[key] = trainer


class Fitter:
    """Fits classes one after the other with the same compiled training.

    Parameters
    ----------
    trainer : Trainer
        See :func:`lend_trainer`.
    stopping : StoppingRule
    """

    def __init__(self, trainer: Trainer, stopping: StoppingRule):
        self.recipe = trainer.recipe
        self.stopping = stopping
        self.trainer = trainer

    def fit(
        self,
        name: object,
        spectra: np.ndarray,
        seed: np.random.SeedSequence,
        report: Report,
        seconds: Callable[[], float],
        checkpoint: ClassCheckpoint | None = None,
        saved: Saved | None = None,
    ) -> ClassModel:
        """Fit one class, or go on with it.

        Parameters
        ----------
        name : object
            The class, for messages.
        spectra : array of shape (n, channels)
        seed : numpy.random.SeedSequence
            The class's own.
        report : callable
            Called with a :class:`.jobs.TrainingProgress` at every look at the metrics; where it
            returns True the training ends, to be gone on with from its checkpoint if it has one.
        seconds : callable
            That the training of the class has taken so far.
        checkpoint : ClassCheckpoint, optional
            Files to write.
        saved : Saved, optional
            What those files say, to go on from.

        Raises
        ------
        TrainingDivergedError
            The loss was not finite, and again after a restart from the last good state with
            lower learning rates.
        OSError
            A checkpoint could not be written.
        AugmenterFileError
            A checkpoint cannot be gone on from.
        """
        training_seed, judge_seed, sampling_seed = (
            np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, i)) for i in range(3)
        )
        trainer = self.trainer
        if saved is not None:
            start = saved.model.start
        else:
            start = fit_start(spectra) if self.recipe.physical else None
        trainer.start(spectra, training_seed, start, self.stopping.max_epochs)
        judge = Judge(spectra, judge_seed, self.stopping.criterion, self.stopping.tolerance)

        def evaluate(epoch: int) -> tuple[Evaluation, np.ndarray]:
            synthetic = trainer.sampler.draw(judge.n_synthetic, sampling_seed, start)
            return judge.judge(epoch, synthetic), synthetic[:N_EXAMPLES].copy()

        def stopped(evaluation: Evaluation, examples: np.ndarray) -> bool:
            # Copies of the figures: whoever looks on may change them, and the history has the same.
            metrics, baseline = dict(evaluation.metrics), dict(judge.baseline.mean)
            progress = TrainingProgress(name, evaluation.epoch, metrics, baseline, examples)
            return bool(report(progress))

        def model() -> ClassModel:
            return ClassModel(weights, start, best, judge.baseline, history, len(spectra))

        if saved is not None:
            best, weights = saved.model.best, saved.model.weights
            progress = saved.progress
            history = progress.history
            self._restore(checkpoint, progress.state)
            good_state, good_epoch = progress.good_state, progress.good_epoch
            good_best = progress.good_best, progress.good_weights
            epoch, rate_factor = progress.epoch, progress.rate_factor
        else:
            best, examples = evaluate(0)
            history, weights = History(evaluations=[best]), trainer.weights()
            good_state, good_epoch, rate_factor = trainer.state(), 0, 1.0
            good_best = best, weights
            epoch = 0
            if checkpoint is not None:
                checkpoint.save_model(model(), seconds())
            if stopped(best, examples):
                return model()
        saved_epoch = epoch
        while epoch < self.stopping.max_epochs and not self._done(history, best):
            step = min(self.recipe.evaluate_every, self.stopping.max_epochs - epoch)
            costs = trainer.train(epoch, step, rate_factor)
            evaluation, examples = evaluate(epoch + step) if costs.finite else (None, None)
            if evaluation is None or not np.isfinite(evaluation.score):
                if rate_factor < 1.0:
                    raise TrainingDivergedError(
                        f"training of class {name!r} gave a loss that is not finite near epoch "
                        f"{epoch + step}, and again with lower learning rates from epoch "
                        f"{good_epoch}. Look for outliers among its {len(spectra)} spectra, or "
                        "choose another architecture or design."
                    )
                _logger.warning(
                    "Class %r: the loss was not finite near epoch %d; going on from epoch %d "
                    "with learning rates lowered to %g of their values.",
                    name,
                    epoch + step,
                    good_epoch,
                    RETRY_RATE_FACTOR,
                )
                trainer.restore(good_state)
                epoch, rate_factor = good_epoch, RETRY_RATE_FACTOR
                best, weights = good_best
                history.go_back_to(epoch)
                saved_epoch = min(saved_epoch, epoch)
                if checkpoint is not None:
                    checkpoint.save_model(model(), seconds())
                continue
            epoch += step
            history.discriminator_cost.extend(costs.discriminator.tolist())
            history.generator_cost.extend(costs.generator.tolist())
            history.evaluations.append(evaluation)
            first = history.evaluations[0].score
            if evaluation.score < min(best.score, first - SMALLEST_GAIN):
                best, weights = evaluation, trainer.weights()
                if checkpoint is not None:
                    checkpoint.save_model(model(), seconds())
            if epoch - good_epoch >= SAFE_EVERY:
                good_state, good_epoch, good_best = trainer.state(), epoch, (best, weights)
            if checkpoint is not None and epoch - saved_epoch >= checkpoint.every:
                state = good_state if good_epoch == epoch else trainer.state()
                good = good_epoch, good_state, *good_best
                checkpoint.save_progress(
                    Progress(epoch, rate_factor, history, state, *good), seconds()
                )
                saved_epoch = epoch
            if stopped(evaluation, examples):
                return model()
        if best.epoch == 0:
            _logger.info(
                "Class %r: no trained state was better than the statistical start, which is kept.",
                name,
            )
        if checkpoint is not None:
            checkpoint.save_model(model(), seconds(), done=True)
        return model()

    def _done(self, history: History, best: Evaluation) -> bool:
        """Whether the last evaluation ends the training."""
        last = history.evaluations[-1]
        if self.stopping.criterion is None or last.epoch < self.recipe.min_epochs:
            return False
        patience = self.recipe.patience
        return last.reached or (patience is not None and last.epoch - best.epoch >= patience)

    def _restore(self, checkpoint: ClassCheckpoint, state: list[np.ndarray]) -> None:
        shapes = [array.shape for array in self.trainer.state()]
        if [array.shape for array in state] != shapes:
            raise AugmenterFileError(
                f"{checkpoint.state_file} was written by a version of hyperspy_dag with other "
                "networks; go on with that version, or fit anew"
            )
        self.trainer.restore(state)
