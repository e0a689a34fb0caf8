# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions as a user gives them: numbers, or ranges to draw from."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hyperspy_dag.dag.class_model.model import ClassModel
from hyperspy_dag.dag.condition_draws import Conditions, Law
from hyperspy_dag.dag.condition_physics import (
    Condition,
    Dispersion,
    Mixture,
    Residue,
    Resolution,
    Shift,
    Tail,
    Thickness,
    check_value,
    plasmon_peak,
)
from hyperspy_dag.preprocessing.energy_axis import EnergyAxis

from .low_loss import inelastic_distribution

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

#: Names of the conditions that ``sample`` takes.
CONDITIONS = ("thickness", "tail", "residue", "resolution", "shift", "dispersion", "mixture")

#: Energy of a volume plasmon in eV where nothing is known of the specimen: that of many oxides.
PLASMON_ENERGY = 23.0


def value_or_range(name: str, given: Any) -> tuple[float, float]:
    """Return the limits of a number, or of a range (low, high).

    Raises
    ------
    TypeError, ValueError
        It is neither, or the range is not in order.
    """
    pair = given if isinstance(given, list | tuple | np.ndarray) else (given, given)
    numeric = [isinstance(v, numbers.Real) and not isinstance(v, bool) for v in pair]
    if len(pair) != 2 or not all(numeric):
        raise TypeError(
            f"{name} must be a number or a range (low, high) to draw from; got {given!r}"
        )
    low, high = map(float, pair)
    if not (np.isfinite(low) and np.isfinite(high) and low <= high):
        raise ValueError(
            f"{name} must be finite, a range with its lower end first; got ({low:g}, {high:g})"
        )
    return low, high


def single_scattering(
    axis: EnergyAxis,
    label: Any,
    low_loss: EELSSpectrum | Mapping[Any, EELSSpectrum] | None,
    plasmon_energy: float,
) -> NDArray[np.float64]:
    """Return the distribution of energy losses in a single scattering of a class.

    Parameters
    ----------
    axis : EnergyAxis
        Uniform.
    label
        The class.
    low_loss : EELSSpectrum, or dict of class to EELSSpectrum, optional
        Measured low loss. By default a volume plasmon.
    plasmon_energy : float
        eV.

    Raises
    ------
    TypeError, ValueError
        A low loss is of no use, or there is none for the class.
    """
    if isinstance(low_loss, Mapping):
        if label not in low_loss:
            raise ValueError(
                f"low_loss has none for class {label!r}, only for "
                f"{', '.join(map(repr, low_loss))}; give one for each class, or one for all"
            )
        low_loss = low_loss[label]
    if low_loss is not None:
        return inelastic_distribution(low_loss, axis.dispersion, axis.size)
    if not 1.0 <= plasmon_energy <= 100.0:
        raise ValueError(f"plasmon_energy must be from 1 to 100 eV; got {plasmon_energy!r}")
    return plasmon_peak(axis.dispersion, axis.size, energy=plasmon_energy)


def background_end(preprocessing: Mapping[str, Any] | None) -> float | None:
    """Return the end of the recorded background window in eV, if there is one."""
    window = (preprocessing or {}).get("background_range")
    return None if window is None else float(window[1])


def conditions_of(
    given: Mapping[str, Any],
    axis: EnergyAxis,
    inelastic: NDArray[np.float64],
    end: float | None,
    models: Mapping[Any, ClassModel],
) -> Conditions:
    """Return conditions and their laws from the arguments of ``sample``.

    Parameters
    ----------
    given : mapping of str to number or range
        By the names of :data:`CONDITIONS`. Of a mixture, a dictionary of one class to its fraction.
    axis : EnergyAxis
    inelastic : array of shape (channels,)
    end : float or None
        Of the background window, eV.
    models : mapping of class to ClassModel

    Returns
    -------
    Conditions

    Raises
    ------
    TypeError, ValueError
        A value is outside physics, a class is not known, or the energy axis is not uniform.
    """
    if not axis.is_uniform:
        raise ValueError(
            f"{', '.join(given)} need a uniform energy axis; that of the training spectra is not"
        )
    makers: dict[str, Callable[[], Condition]] = {
        "thickness": lambda: Thickness(inelastic),
        "tail": lambda: Tail(axis.energies),
        "residue": lambda: Residue(axis.energies, end),
        "resolution": lambda: Resolution(axis.dispersion),
        "shift": lambda: Shift(axis.dispersion),
        "dispersion": Dispersion,
    }
    conditions: list[Condition] = []
    laws = {}
    for name, value in given.items():
        if name == "mixture":
            other, value = _mixture(value, models)
            condition: Condition = other
        else:
            condition = makers[name]()
        limits = value_or_range(name, value)
        check_value(condition, limits)
        conditions.append(condition)
        laws[name] = Law(*limits)
    return Conditions(tuple(conditions), laws)


def _mixture(given: Any, models: Mapping[Any, ClassModel]) -> tuple[Mixture, Any]:
    if not isinstance(given, Mapping) or len(given) != 1:
        raise TypeError(
            "mixture must be a dictionary of one other class to its fraction or range of "
            f"fractions, such as {{'MnO': (0, 0.3)}}; got {given!r}"
        )
    ((label, value),) = given.items()
    if label not in models:
        raise ValueError(
            f"mixture names class {label!r}; the classes are {', '.join(map(repr, models))}"
        )
    return Mixture(models[label].mean), value
