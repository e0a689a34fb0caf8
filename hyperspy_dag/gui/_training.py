# SPDX-License-Identifier: GPL-3.0-or-later
"""Work beside the interface: input checked, and classes trained, in threads."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hyperspy_dag.training.training_set import TrainingSet

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

    from hyperspy_dag.augmenter import EELSAugmenter
    from hyperspy_dag.training.jobs import TrainingProgress

_logger = logging.getLogger(__name__)


class _Hook:
    """What shows warnings while threads collect theirs; there is one for all of them.

    ``warnings.catch_warnings`` would take those of all threads away, for as long as a training
    lasts, and two such that end in another order than they began would leave the wrong one.
    """

    #: What has been said once is said again of the next input.
    _RULE = ("always", None, UserWarning, None, 0)

    def __init__(self) -> None:
        self._lists: dict[int, list[str]] = {}
        self._lock = threading.Lock()
        self._shown: Callable[..., None] = warnings.showwarning

    def begin(self, found: list[str]) -> None:
        """Collect in `found` what the calling thread warns of."""
        with self._lock:
            if not self._lists:
                self._shown, warnings.showwarning = warnings.showwarning, self._show
                warnings.filters.insert(0, self._RULE)
                warnings._filters_mutated()
            self._lists[threading.get_ident()] = found

    def end(self) -> None:
        """Leave the warnings of the calling thread alone again."""
        with self._lock:
            del self._lists[threading.get_ident()]
            if self._lists:
                return
            if warnings.showwarning == self._show:
                warnings.showwarning = self._shown
            if self._RULE in warnings.filters:
                warnings.filters.remove(self._RULE)
                warnings._filters_mutated()

    def _show(self, message: Any, category: Any, *rest: Any, **options: Any) -> None:
        if threading.current_thread() is threading.main_thread():
            self._shown(message, category, *rest, **options)
            return
        own = self._lists.get(threading.get_ident())
        # A thread that collects nothing works for one that does, as dask's do.
        for found in list(self._lists.values()) if own is None else [own]:
            if issubclass(category, UserWarning) and str(message) not in found:
                found.append(str(message))


_hook = _Hook()


@contextmanager
def collected_warnings() -> Iterator[list[str]]:
    """Collect the warnings of this thread; those of the main thread go where they always do."""
    found: list[str] = []
    _hook.begin(found)
    try:
        yield found
    finally:
        _hook.end()


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
