# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a training stands: what callbacks are told, and HyperSpy's progress bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


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


class ProgressBar:
    """What all trainings have in common.

    Parameters
    ----------
    labels : list
    epochs : int
        Of a class, at most.
    show : bool or None
        None: as HyperSpy's preferences say.
    """

    def __init__(self, labels: list, epochs: int, show: bool | None):
        from hyperspy.defaults_parser import preferences

        self._labels, self._epochs = labels, epochs
        self._show = preferences.General.show_progressbar if show is None else show
        self._bar = None

    def _open(self, total: int, description: str, unit: str) -> None:
        from hyperspy.external.progressbar import progressbar

        self._bar = progressbar(total=total, desc=description, unit=unit, disable=not self._show)

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

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
    """One bar after the other, over the epochs of a class, with the live metrics."""

    def report(self, label: Any, epoch: int, metrics: dict[str, float]) -> None:
        """Show where the class stands."""
        if self._bar is None:
            number = self._labels.index(label) + 1
            self._open(self._epochs, f"{label} ({number}/{len(self._labels)})", "epoch")
        self._show_metrics(metrics)
        self._bar.update(epoch - self._bar.n)

    def finish(self, label: Any) -> None:
        """Close the class's bar."""
        self.__exit__()


class ClassBar(ProgressBar):
    """One bar over classes that are trained side by side."""

    def __enter__(self) -> ProgressBar:
        self._open(len(self._labels), "classes", "class")
        return self

    def report(self, label: Any, epoch: int, metrics: dict[str, float]) -> None:
        """Show where one of the classes stands."""
        self._show_metrics(metrics, last=f"{label}, epoch {epoch}")
        self._bar.update(0)

    def finish(self, label: Any) -> None:
        """Count the class."""
        self._bar.update(1)
