# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the input and trainings in threads beside the interface."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from hyperspy_dag._utils.warnings import collected_warnings
from hyperspy_dag.training.training_set import TrainingSet

if TYPE_CHECKING:
    from hyperspy_dag.augmenter import EELSAugmenter
    from hyperspy_dag.training.progress import TrainingProgress

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """Checked input of a training.

    Attributes
    ----------
    labels : Any
        Labels as given.
    data : TrainingSet
    notes : list of str
        Warnings.
    """

    labels: Any
    data: TrainingSet
    notes: list[str]


class Latest:
    """Do some work in a thread at each request; only the last request counts.

    Parameters
    ----------
    work : callable
        Called with a function that returns whether there is a newer request.
    pause : float, default 0.15
        Seconds to wait for further requests, such as the next digit of a number.
    """

    def __init__(self, work: Callable[[Callable[[], bool]], None], pause: float = 0.15):
        self._work, self._pause = work, pause
        self._condition = threading.Condition()
        self._wanted = self._done = 0
        self._running = False

    def request(self) -> None:
        """Request the work."""
        with self._condition:
            self._wanted += 1
            self._condition.notify_all()
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, daemon=True, name="dag-check").start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all requested work is finished; return False if `timeout` passed before."""
        with self._condition:
            return self._condition.wait_for(lambda: not self._running, timeout)

    def _is_overtaken(self, number: int) -> bool:
        return self._wanted != number

    def _run(self) -> None:
        while True:
            with self._condition:
                number = self._wanted
                if number == self._done:
                    self._running = False
                    self._condition.notify_all()
                    return
                overtaken = partial(self._is_overtaken, number)
                if self._condition.wait_for(overtaken, self._pause):
                    continue
            try:
                self._work(overtaken)
            except Exception:  # `work` shows its own errors; this thread must go on
                _logger.exception("checking the input failed")
            with self._condition:
                self._done = number


class Training(threading.Thread):
    """A training in a thread.

    Parameters
    ----------
    prepared : Prepared
    settings : dict
        Arguments of :class:`~hyperspy_dag.EELSAugmenter`.
    options : dict
        Arguments of ``fit``.
    report : callable
        Called in the thread with each :class:`~hyperspy_dag.training.progress.TrainingProgress`.
    finished : callable
        Called in the thread with this object at the end of the training, with or without error.

    Attributes
    ----------
    augmenter : EELSAugmenter or None
        None if no class was fitted.
    error : Exception or None
    notes : list of str
        Warnings.
    """

    def __init__(
        self,
        prepared: Prepared,
        settings: dict[str, Any],
        options: dict[str, Any],
        report: Callable[[TrainingProgress], None],
        finished: Callable[[Training], None],
    ):
        super().__init__(daemon=True, name="dag-training")
        self._prepared, self._settings, self._options = prepared, settings, options
        self._report, self._finished = report, finished
        self._stop_wanted = threading.Event()
        self.augmenter: EELSAugmenter | None = None
        self.error: Exception | None = None
        self.notes: list[str] = []

    def stop(self) -> None:
        """End the training at its next evaluation."""
        self._stop_wanted.set()

    @property
    def stopped(self) -> bool:
        """Whether the training was asked to stop."""
        return self._stop_wanted.is_set()

    def run(self) -> None:
        """Train; store errors in :attr:`error`."""
        try:
            with collected_warnings() as notes:
                # What was said of the input holds for what came of it.
                notes += self._prepared.notes
                self.notes = notes
                self._train()
        except Exception as error:  # whatever it is, the interface shows it
            _logger.error("The training failed.", exc_info=True)
            self.error = error
        self._finished(self)

    def _train(self) -> None:
        from hyperspy_dag.augmenter import EELSAugmenter

        augmenter = EELSAugmenter(**self._settings)
        try:
            augmenter.fit(
                self._prepared.data,
                show_progressbar=False,
                callback=self._look,
                **self._options,
            )
        finally:
            # The finished classes of a fit that failed are kept too.
            if augmenter.__sklearn_is_fitted__():
                self.augmenter = augmenter

    def _look(self, progress: TrainingProgress) -> bool:
        self._report(progress)
        return self.stopped
