# SPDX-License-Identifier: GPL-3.0-or-later
"""Work beside the interface: input checked, and classes trained, in threads."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hyperspy_dag._utils.warnings import collected_warnings
from hyperspy_dag.training.training_set import TrainingSet

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

    from hyperspy_dag.augmenter import EELSAugmenter
    from hyperspy_dag.training.jobs import TrainingProgress

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """Input that can be trained on.

    Attributes
    ----------
    labels : Any
        As they were given.
    data : TrainingSet
    notes : list of str
        Warnings.
    """

    labels: Any
    data: TrainingSet
    notes: list[str]


class Latest:
    """Does a piece of work in a thread, again whenever it is asked to; the last request counts.

    Parameters
    ----------
    work : callable
        Called with a function that says whether it has been overtaken.
    pause : float, default 0.15
        Seconds to wait for more requests: a number is typed digit by digit.
    """

    def __init__(self, work: Callable[[Callable[[], bool]], None], pause: float = 0.15):
        self._work, self._pause = work, pause
        self._condition = threading.Condition()
        self._wanted = self._done = 0
        self._running = False

    def request(self) -> None:
        """Ask for the work to be done."""
        with self._condition:
            self._wanted += 1
            self._condition.notify_all()
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, daemon=True, name="dag-check").start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all that was asked for is done; False where that took too long."""
        with self._condition:
            return self._condition.wait_for(lambda: not self._running, timeout)

    def _run(self) -> None:
        while True:
            with self._condition:
                number = self._wanted
                if number == self._done:
                    self._running = False
                    self._condition.notify_all()
                    return
                if self._condition.wait_for(lambda n=number: self._wanted != n, self._pause):
                    continue
            try:
                self._work(lambda n=number: self._wanted != n)
            except Exception:  # `work` shows its own errors; this thread must go on
                _logger.exception("checking the input failed")
            with self._condition:
                self._done = number


class Training(threading.Thread):
    """Trains in a thread.

    Parameters
    ----------
    prepared : Prepared
    settings : dict
        Arguments of :class:`~hyperspy_dag.EELSAugmenter`.
    options : dict
        Arguments of its ``fit``.
    n_spectra : int
    report : callable
        Called in the thread with each :class:`~hyperspy_dag.training.jobs.TrainingProgress`.
    finished : callable
        Called in the thread with this object, however the training ended.

    Attributes
    ----------
    augmenter, result : EELSAugmenter, EELSSpectrum or None
        None where no class was fitted.
    error : Exception or None
    notes : list of str
        Warnings.
    """

    def __init__(
        self,
        prepared: Prepared,
        settings: dict[str, Any],
        options: dict[str, Any],
        n_spectra: int,
        report: Callable[[TrainingProgress], None],
        finished: Callable[[Training], None],
    ):
        super().__init__(daemon=True, name="dag-training")
        self._prepared, self._settings, self._options = prepared, settings, options
        self._n_spectra, self._report, self._finished = n_spectra, report, finished
        self._stop_wanted = threading.Event()
        self.augmenter: EELSAugmenter | None = None
        self.result: EELSSpectrum | None = None
        self.error: Exception | None = None
        self.notes: list[str] = []

    def stop(self) -> None:
        """End the training at its next look at the metrics."""
        self._stop_wanted.set()

    @property
    def stopped(self) -> bool:
        """Whether it was told to stop."""
        return self._stop_wanted.is_set()

    def run(self) -> None:
        """Train; errors are kept."""
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
        from hyperspy_dag.augmenter import EELSAugmenter, NotFittedError

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
            try:
                self.result = augmenter.sample(self._n_spectra)
                self.augmenter = augmenter
            except NotFittedError:
                pass

    def _look(self, progress: TrainingProgress) -> bool:
        self._report(progress)
        return self.stopped
