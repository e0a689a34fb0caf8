# SPDX-License-Identifier: GPL-3.0-or-later
"""Single scattering out of a measured low loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

#: The zero loss may lie so far from zero, eV.
_ZERO_LOSS_WITHIN = 10.0

#: The level below the zero loss may be so high, relative to the zero loss's maximum.
_LARGEST_DARK_LEVEL = 1e-3

#: Smoothing of the noise that the deconvolution amplifies, eV.
_SMOOTHING = 0.7


def inelastic_distribution(
    low_loss: EELSSpectrum, dispersion: float, channels: int
) -> NDArray[np.float64]:
    """Estimate the probability of each energy loss in a single scattering.

    The zero loss ends where exSpy finds the elastic threshold; the Fourier-log method takes the
    plural scattering away.

    Parameters
    ----------
    low_loss : exspy.signals.EELSSpectrum
        On a uniform energy axis with the zero loss, dark level subtracted. Of several spectra the
        sum is taken.
    dispersion : float
        Of the core-loss spectra, in eV.
    channels : int
        Of the core-loss spectra.

    Returns
    -------
    array of shape (channels,)
        From no loss on. Its sum is the share of losses that are no larger than the last channel.

    Raises
    ------
    TypeError
        No EELSSpectrum.
    ValueError
        The energy axis is not uniform or not in eV, of another dispersion or without the zero
        loss, the dark level is still there, or nothing was scattered.

    See Also
    --------
    hyperspy_dag.dag.condition_physics.plasmon_peak : where no low loss was measured.

    References
    ----------
    R. F. Egerton, Electron Energy-Loss Spectroscopy in the Electron Microscope, 3rd edition
    (Springer, 2011), section 4.2.
    """
    if getattr(low_loss, "_signal_type", None) != "EELS":
        raise TypeError(
            "low_loss must be an EELSSpectrum; make it one with s.set_signal_type('EELS'); "
            f"{type(low_loss).__name__} was given"
        )
    s = low_loss
    if s.axes_manager.navigation_dimension:
        s = s.sum(s.axes_manager.navigation_axes)
    if s._lazy:
        s = s.deepcopy()
        s.compute(show_progressbar=False)
    axis = s.axes_manager.signal_axes[0]
    if not axis.is_uniform or axis.units != "eV":
        raise ValueError("the energy axis of low_loss must be uniform and in eV")
    if abs(axis.scale / dispersion - 1) > 1e-3:
        raise ValueError(
            f"low_loss has a dispersion of {axis.scale:g} eV, the spectra have {dispersion:g} eV; "
            f"rebin a single spectrum by low_loss.rebin(scale=({dispersion / axis.scale:.6g},))"
        )
    energy, counts = axis.axis, np.asarray(s.data, float)
    peak = int(counts.argmax())
    inside = 5 <= peak < len(counts) - 5
    if not inside or abs(energy[peak]) > _ZERO_LOSS_WITHIN or counts[peak] <= 0:
        raise ValueError(
            "low_loss has no zero loss: its maximum is at "
            f"{energy[peak]:g} eV on an axis of {energy[0]:g} to {energy[-1]:g} eV"
        )
    energy = energy - energy[peak]
    dark = np.median(counts[energy < 0.5 * energy[0]])
    if abs(dark) > _LARGEST_DARK_LEVEL * counts[peak]:
        raise ValueError(
            f"low_loss has a level of {dark / counts[peak]:.2g} of the zero loss where there are "
            "no electrons; subtract the dark level (s - level) first"
        )
    s = s._deepcopy_with_new_data(counts)
    s.axes_manager.signal_axes[0].offset = float(energy[0])
    threshold = s.estimate_elastic_scattering_threshold(window=10.0)
    end = float(np.ravel(threshold.data)[0])
    if not 0 < end < 10:
        raise ValueError("the end of the zero loss was not found in low_loss")
    zero_loss = s._deepcopy_with_new_data(np.where(energy < end, counts, 0.0))
    single = s.fourier_log_deconvolution(zero_loss, add_zlp=False, crop=True)
    p = gaussian_filter1d(single.data[peak:], _SMOOTHING / axis.scale)
    p = np.where(energy[peak : peak + len(p)] > 0.5 * end, p, 0.0).clip(0)
    if p.sum() <= 1e-3 * zero_loss.data.sum():
        raise ValueError("low_loss shows no inelastic scattering")
    return np.pad(p / p.sum(), (0, max(0, channels - len(p))))[:channels]
