# SPDX-License-Identifier: GPL-3.0-or-later
"""Similarity of shape between two sets of spectra, and the signal-to-noise ratio of one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checks import as_pair, as_spectra


def _unit_rows(spectra: NDArray[np.float64], name: str, what: str) -> NDArray[np.float64]:
    """Scale each spectrum to unit length; raise ValueError for one of length 0."""
    norm = np.linalg.norm(spectra, axis=1, keepdims=True)
    if not norm.all():
        row = int(np.flatnonzero(norm[:, 0] == 0)[0])
        raise ValueError(f"spectrum {row} of {name} is {what}; it has no direction to compare.")
    return spectra / norm


def pearson_correlation(real: ArrayLike, synthetic: ArrayLike) -> float:
    r"""Compute the mean Pearson correlation of all pairs of a real and a synthetic spectrum.

    .. math:: \frac{1}{n m} \sum_{i,j} \frac{(x_i - \bar{x}_i) \cdot (y_j - \bar{y}_j)}
              {\|x_i - \bar{x}_i\| \, \|y_j - \bar{y}_j\|}

    with the bar the mean over channels of one spectrum. The mean over pairs is the scalar product
    of the two mean unit vectors, so the cost grows with n + m.

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

    See Also
    --------
    cosine_distance : Compare shapes without subtracting the mean.
    frechet_distance : Compare distributions.

    Notes
    -----
    One of the stopping metrics of del-Pozo-Bueno et al. 2024.

    Examples
    --------
    >>> from hyperspy_dag.metrics import pearson_correlation
    >>> real = np.array([[0.0, 1.0, 3.0], [0.0, 2.0, 6.0]])
    >>> round(pearson_correlation(real, 5 * real + 1), 6)
    1.0
    >>> round(pearson_correlation(real, -real), 6)
    -1.0
    """
    real, synthetic = as_pair(real, synthetic)
    first = _unit_rows(_centred(real), "real", "constant").mean(axis=0)
    second = _unit_rows(_centred(synthetic), "synthetic", "constant").mean(axis=0)
    return float(first @ second)


def _centred(spectra: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each spectrum minus its mean, exactly 0 for a constant spectrum."""
    centred = spectra - spectra.mean(axis=1, keepdims=True)
    centred[np.ptp(spectra, axis=1) == 0] = 0.0
    return centred


def cosine_distance(real: ArrayLike, synthetic: ArrayLike) -> float:
    r"""Compute the mean cosine distance of all pairs of a real and a synthetic spectrum.

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

    See Also
    --------
    pearson_correlation : Compare shapes after subtracting the mean of each spectrum.
    frechet_distance : Compare distributions.

    Notes
    -----
    One of the stopping metrics of del-Pozo-Bueno et al. 2024.

    Examples
    --------
    >>> from hyperspy_dag.metrics import cosine_distance
    >>> cosine_distance([[1.0, 0.0]], [[0.0, 1.0]])
    1.0
    >>> round(cosine_distance([[1.0, 0.0]], [[1.0, 1.0]]), 3)
    0.293
    """
    real, synthetic = as_pair(real, synthetic)
    first = _unit_rows(real, "real", "all zero").mean(axis=0)
    second = _unit_rows(synthetic, "synthetic", "all zero").mean(axis=0)
    return float(1.0 - first @ second)


def snr(spectra: ArrayLike) -> float:
    r"""Compute the signal-to-noise ratio of a set of spectra.

    .. math:: \frac{1}{C} \sum_c \frac{\mu_c}{\sigma_c}

    with :math:`\mu_c, \sigma_c` the mean and the standard deviation (population, ``ddof=0``) of
    channel c over the spectra. Channels in which all spectra have the same value are left out.

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

    See Also
    --------
    noise_level : Measure the noise level against intensity.
    noise_residual : Separate the noise from the signal.

    Notes
    -----
    This definition reproduces Table 2 of del-Pozo-Bueno et al. 2024.

    Examples
    --------
    The mean is 10 and the standard deviation 1 in the first channel; the second is constant.

    >>> from hyperspy_dag.metrics import snr
    >>> snr([[9.0, 5.0], [11.0, 5.0]])
    10.0
    """
    spectra = as_spectra(spectra, minimum=2)
    # The peak-to-peak range, not the std, says "constant": rounding leaves a std of 1e-17 behind.
    varies = np.ptp(spectra, axis=0) > 0
    if not varies.any():
        return float("inf")
    spectra = spectra[:, varies]
    return float(np.mean(spectra.mean(axis=0) / spectra.std(axis=0)))
