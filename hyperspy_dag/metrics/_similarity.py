# SPDX-License-Identifier: GPL-3.0-or-later
"""Similarity of shape between two sets of spectra, and the signal-to-noise ratio of one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checks import as_pair, as_spectra


def _unit_rows(spectra: NDArray[np.float64], name: str, what: str) -> NDArray[np.float64]:
    """Scale each spectrum to unit length; refuse one that has no length."""
    norm = np.linalg.norm(spectra, axis=1, keepdims=True)
    if not norm.all():
        row = int(np.flatnonzero(norm[:, 0] == 0)[0])
        raise ValueError(f"spectrum {row} of {name} is {what}; it has no direction to compare.")
    return spectra / norm


def pearson_correlation(real: ArrayLike, synthetic: ArrayLike) -> float:
    r"""Pearson correlation coefficient, mean over all pairs of a real and a synthetic spectrum.

    .. math:: \frac{1}{n m} \sum_{i,j} \frac{(x_i - \bar{x}_i) \cdot (y_j - \bar{y}_j)}
              {\|x_i - \bar{x}_i\| \, \|y_j - \bar{y}_j\|}

    with the bar the mean over channels of one spectrum. The mean over pairs is the product of the
    two means of unit vectors, so the cost grows with n + m and not with n times m.

    Parameters
    ----------
    real, synthetic : array-like, shape (spectra, channels)
        Intensities, any unit.

    Returns
    -------
    float
        Between -1 and 1; 1 when all spectra are equal up to offset and positive scale.

    Raises
    ------
    ValueError
        Wrong shapes, NaN, or a constant spectrum.

    Notes
    -----
    One of the two stopping metrics of del-Pozo-Bueno et al. 2024.
    """
    real, synthetic = as_pair(real, synthetic)
    first = _unit_rows(_centred(real), "real", "constant").mean(axis=0)
    second = _unit_rows(_centred(synthetic), "synthetic", "constant").mean(axis=0)
    return float(first @ second)


def _centred(spectra: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each spectrum less its mean; of a constant one that is rounding, or exactly 0."""
    centred = spectra - spectra.mean(axis=1, keepdims=True)
    centred[np.ptp(spectra, axis=1) == 0] = 0.0
    return centred


def cosine_distance(real: ArrayLike, synthetic: ArrayLike) -> float:
    r"""Cosine distance, mean over all pairs of a real and a synthetic spectrum.

    .. math:: 1 - \frac{1}{n m} \sum_{i,j} \frac{x_i \cdot y_j}{\|x_i\| \, \|y_j\|}

    Parameters
    ----------
    real, synthetic : array-like, shape (spectra, channels)
        Intensities, any unit.

    Returns
    -------
    float
        Between 0 and 2; 0 when all spectra are equal up to positive scale.

    Raises
    ------
    ValueError
        Wrong shapes, NaN, or a spectrum of zeros.

    Notes
    -----
    One of the two stopping metrics of del-Pozo-Bueno et al. 2024.
    """
    real, synthetic = as_pair(real, synthetic)
    first = _unit_rows(real, "real", "all zero").mean(axis=0)
    second = _unit_rows(synthetic, "synthetic", "all zero").mean(axis=0)
    return float(1.0 - first @ second)


def snr(spectra: ArrayLike) -> float:
    r"""Signal-to-noise ratio of a set: mean over channels of mean over standard deviation.

    .. math:: \frac{1}{C} \sum_c \frac{\mu_c}{\sigma_c}

    with :math:`\mu_c, \sigma_c` the mean and the standard deviation (population, ``ddof=0``) of
    channel c over the spectra. Channels where every spectrum has the same value have no noise to
    measure and are left out.

    Parameters
    ----------
    spectra : array-like, shape (spectra, channels), at least 2 spectra
        Intensities, any unit.

    Returns
    -------
    float
        Infinite when all spectra are the same.

    Raises
    ------
    ValueError
        Wrong shape, NaN, or fewer than 2 spectra.

    Notes
    -----
    The definition that fits the values of Table 2 of del-Pozo-Bueno et al. 2024.
    """
    spectra = as_spectra(spectra, minimum=2)
    # The peak-to-peak range, not the std, says "constant": rounding leaves a std of 1e-17 behind.
    varies = np.ptp(spectra, axis=0) > 0
    if not varies.any():
        return float("inf")
    spectra = spectra[:, varies]
    return float(np.mean(spectra.mean(axis=0) / spectra.std(axis=0)))
