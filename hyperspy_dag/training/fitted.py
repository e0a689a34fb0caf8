# SPDX-License-Identifier: GPL-3.0-or-later
"""Interface of fitted augmenters for plots and reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeGuard

import numpy as np

from hyperspy_dag.dag.fitted_class import History
from hyperspy_dag.dag.stopping import CRITERIA, Evaluation, RealReference

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

    from hyperspy_dag.preprocessing.energy_axis import EnergyAxis

    from .settings import FitSettings


class FittedAugmenter(Protocol):
    """Interface of a fitted :class:`hyperspy_dag.EELSAugmenter`; see there for the attributes."""

    @property
    def classes_(self) -> list: ...
    @property
    def history_(self) -> dict[Any, History]: ...
    @property
    def baseline_(self) -> dict[Any, RealReference]: ...
    @property
    def best_(self) -> dict[Any, Evaluation]: ...
    @property
    def settings_(self) -> FitSettings: ...
    @property
    def random_state_(self) -> int: ...
    @property
    def energy_axis_(self) -> EnergyAxis: ...
    @property
    def preprocessing_(self) -> dict[str, Any] | None: ...
    @property
    def spectrum_digests_(self) -> np.ndarray: ...
    @property
    def training_counts_(self) -> dict[Any, int]: ...
    @property
    def fit_seconds_(self) -> dict[Any, float]: ...

    def sample(self, n_spectra: int = 100, **options: Any) -> EELSSpectrum:
        """Draw synthetic spectra."""


def is_augmenter(given: Any) -> TypeGuard[FittedAugmenter]:
    """Return whether an object is an augmenter; raise an error if it is not fitted.

    Raises
    ------
    NotFittedError
        The augmenter is not fitted.
    """
    # Asked of the class: a property of an augmenter that is not fitted raises.
    if not (hasattr(type(given), "energy_axis_") and hasattr(type(given), "sample")):
        return False
    _ = given.classes_  # says so where it is not fitted
    return True


def not_reached(augmenter: FittedAugmenter, label: Any) -> str:
    """Return what to say of a class whose stopping criterion was not reached, "" of others."""
    stopping, history = augmenter.settings_.stopping, augmenter.history_[label]
    # Where nothing was trained, nothing was to be reached.
    if stopping is None or not history.generator_cost:
        return ""
    if any(e.reached for e in history.evaluations):
        return ""
    best, real = augmenter.best_[label], augmenter.baseline_[label].mean
    figures = ", ".join(
        f"{name.replace('_', ' ')} {best.metrics[name]:.3g} (real spectra: {real[name]:.3g})"
        for name in CRITERIA[stopping]
    )
    return (
        f"Class {label!r}: the stopping criterion was not reached in "
        f"{len(history.generator_cost)} epochs; the best state, of epoch {best.epoch}, is kept: "
        f"{figures}."
    )
