# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions drawn for each synthetic spectrum (NumPy alone)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from hyperspy_dag._utils.streams import child_stream

from .condition_physics import (
    Condition,
    Residue,
    Resolution,
    Shift,
    Tail,
    Thickness,
    apply_conditions,
)

#: Smallest height that a spectrum is divided by.
_LEAST = 1e-6

#: Conditions that are found in unlabelled spectra, beside the shift and the dose. The resolution is
#: the square of its width (eV²), which is negative where the target is sharper.
ADAPTED = ("thickness", "tail", "residue", "resolution")

#: Standard deviation of the narrowest line, eV.
_FINE = 0.35


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
        By the names of the conditions.
    """

    conditions: Sequence[Condition]
    laws: Mapping[str, Law]

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
            changed = apply_conditions(clean.astype(np.float64), self.conditions, own)
            return _of_height(changed, clean)

        return call


@dataclass(frozen=True)
class Chain:
    """Conditions one after the other.

    Parameters
    ----------
    parts : tuple of Conditions or AdaptedLaw
    """

    parts: tuple[Conditions | AdaptedLaw, ...]

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


def _of_height(changed: NDArray[Any], clean: NDArray[Any]) -> NDArray[np.float64]:
    """Give spectra the height of others."""
    height = np.maximum(changed.max(axis=1, keepdims=True), _LEAST)
    return np.asarray(changed * (clean.max(axis=1, keepdims=True) / height))


@dataclass(frozen=True)
class AdaptedPhysics:
    """What the conditions that are found in unlabelled spectra do to a class.

    Parameters
    ----------
    energies : array of shape (channels,)
        eV.
    inelastic : array of shape (channels,)
        Single scattering: see :class:`.condition_physics.Thickness`.
    background_end : float or None
        Of the background window, eV.
    """

    energies: NDArray[np.float64]
    inelastic: NDArray[np.float64]
    background_end: float | None = None

    @property
    def dispersion(self) -> float:
        """In eV."""
        return float(self.energies[1] - self.energies[0])

    def clean(self, spectra: NDArray[Any], theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Put spectra under conditions, at their height.

        Parameters
        ----------
        spectra : array of shape (n, channels)
        theta : array of shape (n, 4)
            In the order of :data:`ADAPTED`.
        """
        out = Thickness(self.inelastic)(np.asarray(spectra, np.float64), theta[:, 0])
        out = Tail(self.energies)(out, theta[:, 1])
        # What is finer than any resolution is noise of the labelled spectra; blurring it away would
        # always pay.
        fine = out
        for _ in range(3):
            fine = fine - gaussian_filter1d(
                fine, _FINE / abs(self.dispersion), axis=1, mode="nearest"
            )
        out = fine + Resolution(self.dispersion).of_square(out - fine, theta[:, 3])
        return _of_height(Residue(self.energies, self.background_end)(out, theta[:, 2]), spectra)


@dataclass(frozen=True)
class AdaptedLaw:
    """Conditions that were found for a class.

    Attributes
    ----------
    physics : AdaptedPhysics
    theta, spread : array of shape (4,)
        Means and standard deviations over the class's spectra, in the order of :data:`ADAPTED`.
    shift, jitter : float
        Mean and standard deviation of the energy shift, eV.
    dose : float
        Relative to the labelled spectra's, of spectra of equal height.
    correction : array of shape (channels,)
        Added to clean spectra, relative to a maximum of 1: what no condition explains.
    """

    physics: AdaptedPhysics
    theta: NDArray[np.float64]
    spread: NDArray[np.float64]
    shift: float
    jitter: float
    dose: float
    correction: NDArray[np.float64]

    def drawn(
        self, n: int, seed: np.random.SeedSequence
    ) -> Callable[[NDArray[Any], slice], NDArray[np.float64]]:
        """Draw the conditions of `n` spectra: see :meth:`Conditions.drawn`."""
        deviation = np.random.default_rng(seed).standard_normal((n, len(ADAPTED)))
        theta = self.theta + self.spread * deviation

        def call(clean: NDArray[Any], rows: slice) -> NDArray[np.float64]:
            changed = self.physics.clean(clean, theta[rows])
            shifted: NDArray[np.float64] = Shift(self.physics.dispersion)(changed, self.shift)
            return shifted + self.correction

        return call
