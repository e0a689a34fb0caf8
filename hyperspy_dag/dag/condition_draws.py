# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions drawn for each synthetic spectrum (NumPy alone)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperspy_dag._utils.streams import child_stream

from .condition_physics import Condition, Resolution, apply_conditions

#: Smallest height that a spectrum is divided by.
_LEAST = 1e-6


@dataclass(frozen=True)
class Law:
    """Distribution of a condition's value over the spectra of a class.

    Parameters
    ----------
    low, high : float
        Limits of a uniform law, or mean and standard deviation of a normal one.
    normal : bool, default False
    """

    low: float
    high: float
    normal: bool = False

    def draw(self, n: int, random: np.random.Generator) -> NDArray[np.float64]:
        """Draw `n` values."""
        if self.normal:
            return self.low + self.high * random.standard_normal(n)
        return random.uniform(self.low, self.high, n)


@dataclass(frozen=True)
class Conditions:
    """Conditions of a class and the laws of their values.

    Parameters
    ----------
    conditions : sequence of Condition
    laws : mapping of str to Law
        By the names of the conditions. That of a resolution is of the square of its width (eV²)
        if `squared` is True.
    squared : bool, default False
    """

    conditions: Sequence[Condition]
    laws: Mapping[str, Law]
    squared: bool = False

    def drawn(
        self, n: int, seed: np.random.SeedSequence
    ) -> Callable[[NDArray[Any], slice], NDArray[np.float64]]:
        """Draw the values of `n` spectra.

        Returns
        -------
        callable
            ``call(clean, rows)`` returns clean spectra, those of some rows, under their conditions.
            Their height is kept: it is the dose that sets the noise.
        """
        random = np.random.default_rng(seed)
        values = {name: self.laws[name].draw(n, random) for name in sorted(self.laws)}

        def call(clean: NDArray[Any], rows: slice) -> NDArray[np.float64]:
            own = {name: value[rows] for name, value in values.items()}
            conditions: list[Any] = [
                _Squared(c) if self.squared and isinstance(c, Resolution) else c
                for c in self.conditions
            ]
            changed = apply_conditions(clean.astype(np.float64), conditions, own)
            height = changed.max(axis=1, keepdims=True)
            return changed * clean.max(axis=1, keepdims=True) / np.maximum(height, _LEAST)

        return call


@dataclass(frozen=True)
class Chain:
    """Conditions one after the other.

    Parameters
    ----------
    parts : tuple of Conditions
    """

    parts: tuple[Conditions, ...]

    def drawn(
        self, n: int, seed: np.random.SeedSequence
    ) -> Callable[[NDArray[Any], slice], NDArray[np.float64]]:
        """Draw the values of `n` spectra: see :meth:`Conditions.drawn`."""
        calls = [
            part.drawn(n, child_stream(seed, number)) for number, part in enumerate(self.parts)
        ]

        def call(clean: NDArray[Any], rows: slice) -> NDArray[np.float64]:
            for one in calls:
                clean = one(clean, rows)
            return clean

        return call


@dataclass(frozen=True)
class _Squared:
    """A resolution whose value is the square of its width."""

    resolution: Resolution
    name: str = "resolution"

    def __call__(self, spectra: Any, value: Any, ops: Any) -> Any:
        return self.resolution.of_square(spectra, value, ops)
