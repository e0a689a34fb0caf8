# SPDX-License-Identifier: GPL-3.0-or-later
"""From the fine structure of an edge to the counts of a detector.

The order is that of the experiment: ionisation edges, plural scattering in the specimen, energy
drift and resolution of the microscope, power-law background, Poisson statistics of the electrons,
and last the detector with its point spread, gain and read-out noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import convolve1d

SPREAD_REACH = 12
"""Channels to either side that the detector's point spread reaches."""

_SPREAD_WIDTH, _SPREAD_POWER = 0.747, 0.929

_LOW_LOSS_RANGE = 150.0
"""Energy in eV up to which the plasmon is followed; what lies above is below 1 % of it."""


class _Shapes(NamedTuple):
    """Components of unit height and width at zero, evaluated on a scaled axis."""

    gaussian: Any
    lorentzian: Any
    arctan: Any


@cache
def _shapes() -> _Shapes:
    """Make the components once, since each is compiled from a symbolic expression."""
    from exspy.components import EELSArctan
    from hyperspy.components1d import GaussianHF, Lorentzian

    # By default they would look for numexpr, and warn where it is not installed.
    return _Shapes(
        gaussian=GaussianHF(height=1.0, fwhm=1.0, centre=0.0, module="numpy"),
        lorentzian=Lorentzian(A=np.pi / 2, gamma=0.5, centre=0.0, module="numpy"),
        arctan=EELSArctan(A=1 / np.pi, k=1.0, x0=0.0),
    )


@dataclass(frozen=True)
class Peak:
    """A pseudo-Voigt peak: ``height`` at ``centre`` (eV), full width at half maximum (eV)."""

    centre: float
    height: float
    fwhm: float
    lorentzian: float = 0.25
    """Lorentzian part of the height. Low, since a white line rises from nothing at its onset."""

    def __call__(self, energy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Evaluate on an energy axis in eV."""
        x = (energy - self.centre) / self.fwhm
        gaussian = _shapes().gaussian.function(x)
        lorentzian = _shapes().lorentzian.function(x)
        return self.height * (gaussian + self.lorentzian * (lorentzian - gaussian))


@dataclass(frozen=True)
class Step:
    """Onset of the continuum: an arctan of ``width`` eV that falls off as a power of the energy."""

    onset: float
    height: float
    width: float = 1.0
    decay: float = 3.0
    """Exponent r of (energy / onset)^-r above the onset."""

    def __call__(self, energy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Evaluate on an energy axis in eV."""
        x = 2 * (energy - self.onset) / self.width
        # The foot of an arctan reaches far below the onset, where there is nothing to ionise: a
        # second, sharper one shortens it.
        rise = _shapes().arctan.function(x) * _shapes().arctan.function(2 * x)
        return self.height * rise * np.maximum(energy / self.onset, 1.0) ** -self.decay


Edge = tuple[Peak | Step, ...]
"""An ionisation edge: the sum of its peaks and steps."""


def evaluate(edge: Edge, energy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of the peaks and steps of an edge, without scattering.

    Parameters
    ----------
    edge : tuple of Peak and Step
        Fine structure.
    energy : numpy.ndarray, shape (channels,)
        Energy loss in eV.

    Returns
    -------
    numpy.ndarray, shape (channels,)
    """
    return np.sum([part(energy) for part in edge], axis=0)


def point_spread() -> NDArray[np.float64]:
    r"""Return the point spread of the detector in channels, a Moffat profile of sum 1.

    .. math:: k_j \propto \left[1 + (j / 0.747)^2\right]^{-0.929}, \quad |j| \le 12

    The core is narrower than a channel; the wide tails are those of light scattered in the
    scintillator. Applied to Poisson noise, it gives neighbour correlations of 0.67, 0.37, 0.22 and
    0.14 at lags 1 to 4. The noise of measured Mn white lines has 0.67, 0.38, 0.22 and 0.14.

    Returns
    -------
    numpy.ndarray, shape (25,)
    """
    channel = np.arange(-SPREAD_REACH, SPREAD_REACH + 1)
    kernel = (1 + (channel / _SPREAD_WIDTH) ** 2) ** -_SPREAD_POWER
    return kernel / kernel.sum()


class Optics:
    """Plural scattering in the specimen and blur of the microscope, in Fourier space.

    Parameters
    ----------
    energy : numpy.ndarray, shape (channels,)
        Uniform axis of the spectra, in eV.
    edges : sequence of Edge
        Edges to be mixed.
    floor : float
        Energy in eV below every onset, from which the edges are evaluated, since plural scattering
        adds electrons from lower energies.
    plasmon_energy, plasmon_fwhm : float
        Volume plasmon (Drude model) in eV.
    """

    _BEYOND, _TAPER = 20.0, 15.0  # eV above the axis; edges end smoothly there, not in a step

    def __init__(
        self,
        energy: NDArray[np.float64],
        edges: Sequence[Edge],
        *,
        floor: float,
        plasmon_energy: float,
        plasmon_fwhm: float,
    ) -> None:
        from exspy.components import VolumePlasmonDrude

        scale = (energy[-1] - energy[0]) / (len(energy) - 1)
        below = max(int(np.ceil((energy[0] - floor) / scale)), 0)
        beyond = int(self._BEYOND / scale)
        index = np.arange(-below, len(energy) + beyond)
        wide = energy[0] + scale * index
        reach = int(_LOW_LOSS_RANGE / scale)
        # Zeros enough that what a plasmon carries past the end does not come back at the start.
        self._size = fft.next_fast_len(len(wide) + reach, real=True)
        self._wanted = slice(below, below + len(energy))
        self._frequency = fft.rfftfreq(self._size, scale)

        templates = np.array([evaluate(edge, wide) for edge in edges])
        ramp = np.clip((wide[-1] - wide) / self._TAPER, 0, 1)
        self._edges = fft.rfft(templates * np.sin(np.pi / 2 * ramp) ** 2, self._size)

        loss = scale * np.arange(1, reach)  # the Drude function is 0/0 at no loss
        drude = VolumePlasmonDrude(
            intensity=1.0, plasmon_energy=plasmon_energy, fwhm=plasmon_fwhm, module="numpy"
        ).function(loss)
        self._plasmon = fft.rfft(np.r_[0.0, drude / drude.sum()], self._size)

    def spectra(
        self,
        mixture: NDArray[np.float64],
        thickness: NDArray[np.float64],
        shift: NDArray[np.float64],
        blur: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return mixtures of the edges after scattering, energy shift and blur.

        Parameters
        ----------
        mixture : numpy.ndarray, shape (spectra, edges)
            Weight of every edge.
        thickness : numpy.ndarray, shape (spectra,)
            Specimen thickness in inelastic mean free paths. The intensity is that of the edge:
            plural scattering (Poisson statistics) moves it to higher losses.
        shift, blur : numpy.ndarray, shape (spectra,)
            Energy shift and standard deviation of the energy resolution, in eV.

        Returns
        -------
        numpy.ndarray, shape (spectra, channels)
        """
        f = self._frequency
        exponent = thickness[:, np.newaxis] * (self._plasmon - 1)
        exponent -= 2j * np.pi * shift[:, np.newaxis] * f
        exponent -= 2 * (np.pi * blur[:, np.newaxis] * f) ** 2
        transformed = (mixture @ self._edges) * np.exp(exponent)
        return fft.irfft(transformed, self._size)[:, self._wanted]


def power_law(
    energy: NDArray[np.float64], reference: float, exponent: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the background (energy / reference)^-exponent, one row for each exponent."""
    return np.exp(-exponent[:, np.newaxis] * np.log(energy / reference))


def detect(
    electrons: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    gain: float,
    readout: float,
) -> NDArray[np.int32]:
    """Read out a detector: shot noise, point spread, gain, read-out noise, rounding.

    Parameters
    ----------
    electrons : numpy.ndarray, shape (spectra, channels + 2 * SPREAD_REACH)
        Expected electrons; the outermost channels are for the point spread alone.
    rng : numpy.random.Generator
        Source of the noise.
    gain : float
        Counts per electron.
    readout : float
        Standard deviation of the readout noise, in counts.

    Returns
    -------
    numpy.ndarray of int32, shape (spectra, channels)
        Counts. Since the dark reference is subtracted, a few can be negative.
    """
    arrived = rng.poisson(np.maximum(electrons, 0)).astype(np.float64)
    counts = gain * convolve1d(arrived, point_spread(), axis=1)
    counts = counts[:, SPREAD_REACH:-SPREAD_REACH]
    counts = counts + rng.normal(0.0, readout, counts.shape)
    return np.rint(counts).astype(np.int32)
