# SPDX-License-Identifier: GPL-3.0-or-later
"""White or coloured noise with the level of each channel and the dose of each spectrum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import oaconvolve


class NoiseModel:
    """Noise model fitted to the residuals of a fit.

    The noise of spectrum i in channel c is ``dose_i * level_c * z_ic`` with z of unit variance,
    white or correlated between neighbouring channels as the residuals are.

    Parameters
    ----------
    coloured : bool
        Correlate neighbouring channels as in the residuals; white noise otherwise.
    reach : int
        Number of lags over which the correlation is learned.
    """

    def __init__(self, coloured: bool, reach: int = 8) -> None:
        self.coloured = coloured
        self.reach = reach

    def fit(self, residual: NDArray[np.float64], lost: int) -> NoiseModel:
        """Fit level, dose and correlation to residuals.

        Parameters
        ----------
        residual : numpy.ndarray, shape (spectra, channels)
            Spectra minus their fit.
        lost : int
            Degrees of freedom of the fit, for which the level is corrected.
        """
        n, channels = residual.shape
        rms = np.sqrt(np.mean(residual**2, axis=0))
        # Without noise, rounding leaves a residual of no meaning; its colour would be amplified.
        noisy = rms > 0
        unit = np.divide(residual, rms, out=np.zeros_like(residual), where=noisy)
        dose = np.sqrt(np.mean(unit**2, axis=1))
        self.level_ = rms * np.sqrt(n / max(n - lost, 1))
        self.dose_ = dose / np.sqrt(np.mean(dose**2)) if dose.any() else np.ones(n)
        self.kernel_ = np.ones(1)
        if self.coloured and noisy.any():
            reach = min(self.reach, channels - 1)
            lags = range(reach + 1)
            self.kernel_ = _kernel(
                [float(np.mean(unit[:, lag:] * unit[:, : channels - lag])) for lag in lags]
            )
        return self

    def sample(
        self, n: int, rng: np.random.Generator, dose: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Draw noise of shape (n, channels); ``dose`` has shape (n,) and is 1 by default."""
        taps = self.kernel_.size
        white = rng.standard_normal((n, self.level_.size + taps - 1))
        unit = white if taps == 1 else oaconvolve(white, self.kernel_[None], "valid", axes=1)
        noise = unit * self.level_
        return noise if dose is None else noise * dose[:, None]

    def sample_dose(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw doses of shape (n,) from a log-normal distribution fitted to the training doses."""
        logs = np.log(np.maximum(self.dose_, np.finfo(float).tiny))
        return np.exp(rng.normal(logs.mean(), logs.std(), n))


def _kernel(covariance: list[float]) -> NDArray[np.float64]:
    """Return a symmetric filter that gives white noise a covariance at lags 0, 1, 2 ...

    It is the square root of the power spectrum. Negative powers, which an estimated covariance can
    have, are set to 0.
    """
    reach = len(covariance) - 1
    size = 16 * (reach + 1)
    circular = np.zeros(size)
    circular[: reach + 1] = covariance
    circular[size - reach :] = covariance[:0:-1]
    amplitude = np.sqrt(np.maximum(np.fft.rfft(circular).real, 0.0))
    half = 2 * reach
    kernel = np.roll(np.fft.irfft(amplitude, size), half)[: 2 * half + 1]
    return kernel / np.linalg.norm(kernel)
