# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress of a training: arguments of callbacks, and HyperSpy's progress bars."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingProgress:
    """Progress of the training of a class, at each evaluation of its metrics.

    Attributes
    ----------
    label : str, int or bool
        The class.
    epoch : int
        Number of finished epochs; 0 before the training.
    metrics : dict of str to float
        Fréchet distance, Pearson correlation, cosine distance and signal-to-noise ratio of
        synthetic spectra.
    baseline : dict of str to float
        The same metrics of real against real spectra, as reference.
    examples : array of shape (n, channels), float32
        Some of the synthetic spectra.

    See Also
    --------
    hyperspy_dag.EELSAugmenter.fit : Train with a callback.

    Examples
    --------
    >>> from hyperspy_dag import EELSAugmenter
    >>> from hyperspy_dag.data import simulated_oxides
    >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 30, "MnO2": 30})
    >>> def show(progress):
    ...     print(progress.label, progress.epoch, progress.examples.shape[1])
    >>> augmenter = EELSAugmenter(training="always", max_epochs=1, random_state=0)
    >>> augmenter = augmenter.fit(s, labels, callback=show)
    MnO 0 700
    MnO 1 700
    MnO2 0 700
    MnO2 1 700
    """

    label: str | int | bool
    epoch: int
    metrics: dict[str, float]
    baseline: dict[str, float]
    examples: np.ndarray

    @property
    def brief(self) -> tuple[int, dict[str, float]]:
        """Finished epochs and metrics."""
        return self.epoch, self.metrics


class ProgressBar:
    """Base class of the progress bars of a fit or an adaptation.

    Parameters
    ----------
    labels : list
    epochs : int
        Largest number of epochs of a class; 1 of a target.
    show : bool or None
        None: HyperSpy's preference.
    """

    def __init__(self, labels: Sequence, epochs: int, show: bool | None):
        from hyperspy.defaults_parser import preferences

        self._labels, self._epochs = labels, epochs
        self._show = preferences.General.show_progressbar if show is None else show
        self._bar: Any = None

    def _open(self, total: int, description: str, unit: str) -> None:
        from hyperspy.external.progressbar import progressbar

        self._bar = progressbar(total=total, desc=description, unit=unit, disable=not self._show)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def report(self, label: Any, done: Any, details: Any) -> None:
        """Show how far one of them has come."""
        raise NotImplementedError

    def finish(self, label: Any) -> None:
        """Show that one of them is finished."""
        raise NotImplementedError

    def note(self, line: str) -> None:
        """Show a line of text above the bars, and log it."""
        _logger.info(line)
        if self._show:
            from tqdm import tqdm  # HyperSpy's own bars are its

            tqdm.write(line, file=sys.stderr)

    def _show_metrics(self, metrics: dict[str, float], **others: str) -> None:
        if not metrics:
            return
        figures = {
            "Fréchet": f"{metrics['frechet_distance']:.3g}",
            "Pearson": f"{metrics['pearson_correlation']:.3f}",
            "cosine": f"{metrics['cosine_distance']:.3f}",
        }
        self._bar.set_postfix(others | figures, refresh=False)


class EpochBar(ProgressBar):
    """A progress bar for each class, over its epochs, with its metrics."""

    def report(self, label: Any, epoch: int, metrics: dict[str, float]) -> None:
        """Show the epoch and metrics of the class."""
        if self._bar is None:
            number = self._labels.index(label) + 1
            self._open(self._epochs, f"{label} ({number}/{len(self._labels)})", "epoch")
        self._show_metrics(metrics)
        self._bar.update(epoch - self._bar.n)

    def finish(self, label: Any) -> None:
        """Close the bar of the class; where nothing was trained it goes."""
        if self._bar is not None and self._bar.n == 0:
            self._bar.leave = False
        self.__exit__()


class ClassBar(ProgressBar):
    """One progress bar over classes that are trained in parallel."""

    def __enter__(self) -> Self:
        self._open(len(self._labels), "classes", "class")
        return self

    def report(self, label: Any, epoch: int, metrics: dict[str, float]) -> None:
        """Show the epochs of the running classes."""
        self._show_metrics(metrics, last=f"{label}, epoch {epoch}")
        self._bar.update(0)

    def finish(self, label: Any) -> None:
        """Count a finished class."""
        self._bar.update(1)


class TargetBar(ProgressBar):
    """One progress bar over the targets of an adaptation."""

    def __enter__(self) -> Self:
        self._open(len(self._labels), "adaptation", "target")
        self._shares: dict[Any, float] = {}
        return self

    def report(self, label: Any, share: float, step: str) -> None:
        """Show the share that is done, and the step of the running target."""
        self._shares[label] = share
        self._bar.set_postfix_str(step, refresh=False)
        self._bar.update(round(sum(self._shares.values()), 2) - self._bar.n)

    def finish(self, label: Any) -> None:
        """Count a finished target."""
        self.report(label, 1.0, "")
