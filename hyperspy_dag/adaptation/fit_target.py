# SPDX-License-Identifier: GPL-3.0-or-later
"""Adapt the classes of a fit to a target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_dag._utils.warnings import warn
from hyperspy_dag.dag.condition_draws import AdaptedPhysics
from hyperspy_dag.training.fit import FitResult

from .conditions_given import background_end, single_scattering
from .engine import adapt
from .likelihood import ClassPhysics
from .result import AdaptedClasses, Found
from .target import Target

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum


def adapt_classes(
    fit: FitResult,
    s_target: EELSSpectrum,
    *,
    low_loss: EELSSpectrum | Mapping[Any, EELSSpectrum] | None,
    plasmon_energy: float,
    random_state: int,
) -> AdaptedClasses:
    """Find the conditions under which a target was measured, class by class.

    Raises
    ------
    TypeError, ValueError
        The target or a low loss is of no use, or the augmenter has no statistical models.

    Warns
    -----
    UserWarning
        What the adaptation could not tell.
    """
    if not fit.recipe.physical:
        raise ValueError(
            "adaptation needs the statistical models of recipe='refined'; this augmenter was "
            f"fitted with recipe={fit.settings.recipe!r}"
        )
    axis = fit.energy_axis
    if not axis.is_uniform:
        raise ValueError(
            "adaptation needs a uniform energy axis; that of the training spectra is not"
        )
    target = Target.of(fit, s_target)
    end = background_end(fit.preprocessing)
    classes = [
        ClassPhysics(
            model.class_model,
            AdaptedPhysics(
                axis.energies, single_scattering(axis, label, low_loss, plasmon_energy), end
            ),
        )
        for label, model in fit.models.items()
        if model.class_model is not None
    ]
    spectra = target.some(np.random.default_rng(random_state), fit)
    found = adapt(classes, spectra, seed=random_state)
    names = list(fit.models)
    messages = tuple(found.warnings)
    for message in messages:
        warn(message)
    return AdaptedClasses(
        laws=dict(zip(names, found.laws, strict=True)),
        conditions={
            label: {name: Found(*map(float, values)) for name, values in own.items()}
            for label, own in zip(names, found.conditions, strict=True)
        },
        fractions=dict(zip(names, map(float, found.fractions), strict=True)),
        fraction_intervals={
            label: (float(low), float(high))
            for label, (low, high) in zip(names, found.fraction_intervals, strict=True)
        },
        unlike=float(found.unlike),
        p_value=float(found.p_value),
        figures={name: float(value) for name, value in found.history.items()},
        trained=bool(found.trained),
        messages=messages,
        n_target=len(spectra),
        random_state=random_state,
    )
