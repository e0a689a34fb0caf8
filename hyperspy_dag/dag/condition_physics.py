# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions of a measurement, as they act on spectra without noise.

The formulas are written once, for NumPy here and for TensorFlow in
:mod:`hyperspy_dag.dag.conditions`; only a few operations have other names there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

#: Full width at half maximum of a Gaussian over its standard deviation.
FWHM = 2 * np.sqrt(2 * np.log(2))

#: Channels by which spectra are continued at both ends where neighbours are mixed.
PADDING = 32

#: Power with which what a subtracted background left behind changes.
_RESIDUE_POWER = 3.0

#: Largest factor by which a sharper resolution may raise a frequency.
_LARGEST_GAIN = 30.0


class NumpyOperations:
    """The operations that conditions are written in."""

    exp, log, maximum, minimum, floor = np.exp, np.log, np.maximum, np.minimum, np.floor

    @staticmethod
    def array(values: Any) -> NDArray:
        """Numbers as an array."""
        return np.asarray(values, float)

    @staticmethod
    def rfft(spectra: NDArray, size: int) -> NDArray:
        """Fourier transform of spectra continued with zeros to a size."""
        return np.fft.rfft(spectra, size, axis=1)

    @staticmethod
    def irfft(transform: NDArray, size: int) -> NDArray:
        """Inverse of :meth:`rfft`."""
        return np.fft.irfft(transform, size, axis=1)

    @staticmethod
    def complex(real: NDArray, imaginary: NDArray) -> NDArray:
        """Complex numbers."""
        return real + 1j * imaginary

    @staticmethod
    def maxima(spectra: NDArray) -> NDArray:
        """Maximum of each spectrum, shape (n, 1)."""
        return spectra.max(axis=1, keepdims=True)

    @staticmethod
    def extended(spectra: NDArray, by: int) -> NDArray:
        """Spectra with their end values repeated on both sides."""
        return np.pad(spectra, ((0, 0), (by, by)), mode="edge")

    @staticmethod
    def taken(spectra: NDArray, index: NDArray) -> NDArray:
        """Values of each spectrum at channels of its own, shape (n, channels)."""
        return np.take_along_axis(spectra, index.astype(int), axis=1)


class Condition(Protocol):
    """Something that acts on spectra of shape (n, channels).

    Attributes
    ----------
    name, unit : str
    typical : float
        How much of it is expected between two maps; the scale of priors.
    low, high : float
        What physics allows.
    """

    name: ClassVar[str]
    unit: ClassVar[str]
    typical: ClassVar[float]
    low: ClassVar[float]
    high: ClassVar[float]

    def __call__(self, spectra: Any, value: Any, ops: Any = NumpyOperations) -> Any:
        """Apply it; `value` is a number or one for each spectrum, 0 is none."""


def _column(value: Any, ops: Any) -> Any:
    value = ops.array(value)
    return value[:, None] if len(value.shape) else value


@dataclass(frozen=True)
class Thickness:
    r"""Plural scattering of a change of thickness :math:`\Delta(t/\lambda)`.

    The Fourier transform is multiplied with :math:`e^{\Delta (P - 1)}`; a negative change
    deconvolves. What is below the first channel is taken as zero.

    Parameters
    ----------
    inelastic : array of shape (channels,)
        P: probability of each energy loss from 0 on, in a single scattering; sum at most 1.

    Notes
    -----
    R. F. Egerton, Electron Energy-Loss Spectroscopy in the Electron Microscope, 3rd edition
    (Springer, 2011), section 4.3 (Fourier-ratio and Fourier-log methods).
    """

    inelastic: NDArray
    name: ClassVar[str] = "thickness"
    unit: ClassVar[str] = "t/λ"
    typical: ClassVar[float] = 0.5
    low: ClassVar[float] = -3.0
    high: ClassVar[float] = 3.0

    def __call__(self, spectra: Any, value: Any, ops: Any = NumpyOperations) -> Any:
        """Apply it."""
        channels = spectra.shape[1]
        # The third and higher orders of what is continued with zeros must not come round.
        size = 4 * channels
        p = np.fft.rfft(self.inelastic[:channels], size) - 1
        change = _column(value, ops)
        factor = ops.exp(ops.complex(change * ops.array(p.real), change * ops.array(p.imag)))
        return ops.irfft(ops.rfft(spectra, size) * factor, size)[:, :channels]


def _in_fourier_space(spectra: Any, real: Any, imaginary: Any, ops: Any) -> Any:
    """Multiply with e^(real + i imaginary), given at the frequencies of :func:`_frequencies`.

    The ramp between the ends is taken out first, so that nothing comes round.
    """
    channels = spectra.shape[1]
    padded = ops.extended(spectra, PADDING)
    size = channels + 2 * PADDING
    rise = padded[:, -1:] - padded[:, :1]
    ramp = padded[:, :1] + rise * ops.array(np.linspace(0, 1, size))
    factor = ops.exp(ops.complex(real, imaginary))
    moved = ops.irfft(ops.rfft(padded - ramp, size) * factor, size) + ramp
    return moved[:, PADDING : PADDING + channels], rise / (size - 1)


def _frequencies(channels: int) -> NDArray:
    return np.fft.rfftfreq(channels + 2 * PADDING)


@dataclass(frozen=True)
class Resolution:
    """Another energy resolution.

    The value is the full width at half maximum (eV) of the Gaussian that is folded in, which adds
    in quadrature; a negative one takes as much away.

    Parameters
    ----------
    dispersion : float
        eV.
    """

    dispersion: float
    name: ClassVar[str] = "resolution"
    unit: ClassVar[str] = "eV"
    typical: ClassVar[float] = 0.5
    low: ClassVar[float] = -2.0
    high: ClassVar[float] = 10.0

    def __call__(self, spectra: Any, value: Any, ops: Any = NumpyOperations) -> Any:
        """Apply it."""
        width = ops.array(value)
        return self.of_square(spectra, width * ops.maximum(width, -width), ops)

    def of_square(self, spectra: Any, square: Any, ops: Any = NumpyOperations) -> Any:
        """Apply it, given the square of the width (eV²), which acts linearly and has a sign."""
        f = ops.array(_frequencies(spectra.shape[1]))
        exponent = -2 * np.pi**2 * f**2 / (FWHM * self.dispersion) ** 2 * _column(square, ops)
        exponent = ops.minimum(exponent, ops.array(np.log(_LARGEST_GAIN)))
        return _in_fourier_space(spectra, exponent, 0 * exponent, ops)[0]


@dataclass(frozen=True)
class Shift:
    """Energy shift in eV; positive moves features to higher energy loss. Ends are held.

    Parameters
    ----------
    dispersion : float
        eV.
    """

    dispersion: float
    name: ClassVar[str] = "shift"
    unit: ClassVar[str] = "eV"
    typical: ClassVar[float] = 0.5
    low: ClassVar[float] = -20.0
    high: ClassVar[float] = 20.0

    def __call__(self, spectra: Any, value: Any, ops: Any = NumpyOperations) -> Any:
        """Apply it."""
        by = _column(value, ops) / self.dispersion
        phase = -2 * np.pi * ops.array(_frequencies(spectra.shape[1])) * by
        moved, slope = _in_fourier_space(spectra, 0 * phase, phase, ops)
        return moved - slope * by


@dataclass(frozen=True)
class Dispersion:
    """Relative change of the dispersion about the middle of the energy axis.

    With 0.01 features lie 1 % further from the middle. Linear interpolation.
    """

    name: ClassVar[str] = "dispersion"
    unit: ClassVar[str] = ""
    typical: ClassVar[float] = 0.005
    low: ClassVar[float] = -0.2
    high: ClassVar[float] = 0.2

    def __call__(self, spectra: Any, value: Any, ops: Any = NumpyOperations) -> Any:
        """Apply it."""
        channels = spectra.shape[1]
        middle = (channels - 1) / 2
        place = middle + (np.arange(channels) - middle) / (1 + _column(value, ops))
        place = place + 0 * spectra
        place = ops.minimum(ops.maximum(place, 0.0 * place), 0.0 * place + channels - 1)
        left = ops.minimum(ops.floor(place), 0.0 * place + channels - 2)
        below, above = ops.taken(spectra, left), ops.taken(spectra, left + 1)
        return below + (place - left) * (above - below)


@dataclass(frozen=True)
class Tail:
    """Smooth change of intensity with energy loss E: times (E / E₀) to the power of the value.

    Parameters
    ----------
    energies : array of shape (channels,)
        eV; E₀ is the first.
    """

    energies: NDArray
    name: ClassVar[str] = "tail"
    unit: ClassVar[str] = "exponent"
    typical: ClassVar[float] = 0.5
    low: ClassVar[float] = -20.0
    high: ClassVar[float] = 20.0

    def __call__(self, spectra: Any, value: Any, ops: Any = NumpyOperations) -> Any:
        """Apply it."""
        logarithm = ops.array(np.log(self.energies / self.energies[0]))
        return spectra * ops.exp(_column(value, ops) * logarithm)


@dataclass(frozen=True)
class Residue:
    """What a power law subtracted from the background window leaves above it.

    Zero up to the window's end; at most the value times the spectrum's maximum.

    Parameters
    ----------
    energies : array of shape (channels,)
        eV.
    background_end : float, optional
        eV; by default the first energy.
    """

    energies: NDArray
    background_end: float | None = None
    name: ClassVar[str] = "residue"
    unit: ClassVar[str] = "of the maximum"
    typical: ClassVar[float] = 0.03
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 1.0

    @property
    def shape(self) -> NDArray:
        """Residue of height 1, shape (channels,)."""
        end = self.energies[0] if self.background_end is None else self.background_end
        shape = 1 - np.maximum(self.energies / end, 1.0) ** -_RESIDUE_POWER
        return shape / max(shape.max(), 1e-12)

    def __call__(self, spectra: Any, value: Any, ops: Any = NumpyOperations) -> Any:
        """Apply it."""
        return spectra + _column(value, ops) * ops.maxima(spectra) * ops.array(self.shape)


@dataclass(frozen=True)
class Mixture:
    """Other classes mixed in, as at interfaces.

    Parameters
    ----------
    other : array of shape (channels,)
        Clean spectrum of another class, of the height of these.
    """

    other: NDArray
    name: ClassVar[str] = "mixture"
    unit: ClassVar[str] = "fraction"
    typical: ClassVar[float] = 0.1
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, spectra: Any, value: Any, ops: Any = NumpyOperations) -> Any:
        """Apply it."""
        return spectra + _column(value, ops) * (ops.array(self.other) - spectra)


#: Order in which conditions act: the specimen, the microscope, what was subtracted.
ORDER = ("thickness", "mixture", "tail", "resolution", "dispersion", "shift", "residue")


def apply_conditions(
    spectra: Any,
    conditions: Sequence[Condition],
    values: Mapping[str, Any],
    ops: Any = NumpyOperations,
) -> Any:
    """Apply several conditions in the order in which they come about.

    Parameters
    ----------
    spectra : array of shape (n, channels)
    conditions : sequence of Condition
    values : mapping of name to number or array of shape (n,)
        Those that are not named are none.
    ops : optional
        Operations; NumPy's by default.

    Returns
    -------
    array of shape (n, channels)
    """
    for condition in sorted(conditions, key=lambda c: ORDER.index(c.name)):
        if condition.name in values:
            spectra = condition(spectra, values[condition.name], ops)
    return spectra


def check_value(condition: Condition, value: Any) -> None:
    """Refuse values outside physics.

    Raises
    ------
    ValueError
    """
    number = np.asarray(value, float)
    if not (
        np.isfinite(number).all()
        and number.min() >= condition.low <= number.max()
        and number.max() <= condition.high
    ):
        raise ValueError(
            f"{condition.name} must lie between {condition.low:g} and {condition.high:g} "
            f"{condition.unit}; {value!r} was given"
        )


def plasmon_peak(
    dispersion: float, channels: int, energy: float = 23.0, width: float = 13.0
) -> NDArray[np.float64]:
    """Probability of each energy loss in a single scattering by a volume plasmon.

    Parameters
    ----------
    dispersion : float
        eV.
    channels : int
        Those from no loss on.
    energy, width : float, default 23.0 and 13.0
        Of the plasmon (Drude model), in eV.

    Returns
    -------
    array of shape (channels,)
        Its sum is 1 when the axis reaches 150 eV, less otherwise.
    """
    loss = dispersion * np.arange(max(channels, int(150 / dispersion)))
    loss[0] = 1.0
    p = loss * width * energy**2 / ((loss**2 - energy**2) ** 2 + (loss * width) ** 2)
    p[0] = 0.0
    p[dispersion * np.arange(len(p)) > 150] = 0.0
    return (p / p.sum())[:channels]
