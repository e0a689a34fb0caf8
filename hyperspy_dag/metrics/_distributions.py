# SPDX-License-Identifier: GPL-3.0-or-later
"""Distances between the distribution of the real and that of the synthetic spectra."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import qr, svd, svdvals
from scipy.special import rel_entr
from scipy.stats import wasserstein_distance

from .checks import ROUNDING, as_count, as_pair


def frechet_distance(real: ArrayLike, synthetic: ArrayLike) -> float:
    r"""Compute the Fréchet distance between the Gaussians fitted to two sets of spectra.

    .. math:: |\mu_1 - \mu_2|^2 + \mathrm{tr}\left(C_1 + C_2 - 2 (C_1 C_2)^{1/2}\right)

    with unbiased covariances (n - 1), in the space of the spectra themselves. No square root of a
    matrix is taken. With :math:`X_i` the centred spectra over :math:`\sqrt{n_i - 1}`, :math:`C_i =
    X_i^T X_i`, and the trace of the root is the sum of the singular values of :math:`X_1 X_2^T`, a
    matrix of one row per real and one column per synthetic spectrum. This is exact for singular
    covariances too.

    Parameters
    ----------
    real, synthetic : array-like, shape (spectra, channels), at least 2 spectra each
        Intensities. The distance has the square of their unit.

    Returns
    -------
    float
        At least 0; smaller is better.

    Raises
    ------
    ValueError
        Wrong shapes, NaN, or fewer than 2 spectra on a side.

    See Also
    --------
    kernel_distance : Compare distributions without assuming Gaussians.
    precision_recall_density_coverage : Tell fidelity from diversity.

    Notes
    -----
    D. C. Dowson & B. V. Landau, J. Multivar. Anal. 12, 450 (1982); used on GANs by M. Heusel et
    al., NeurIPS 2017; for the stopping criterion by del-Pozo-Bueno et al. 2024. The distance falls
    as the number of spectra rises: compare values at equal counts only.

    Examples
    --------
    >>> from hyperspy_dag.metrics import frechet_distance
    >>> real = np.random.default_rng(0).normal(1.0, 0.1, (50, 20))
    >>> round(frechet_distance(real, real + 0.5), 6)  # 20 channels, each moved by 0.5
    5.0
    """
    real, synthetic = as_pair(real, synthetic, minimum=2)
    mean_real, mean_synthetic = real.mean(axis=0), synthetic.mean(axis=0)
    first = (real - mean_real) / np.sqrt(len(real) - 1)
    second = (synthetic - mean_synthetic) / np.sqrt(len(synthetic) - 1)
    shift = mean_real - mean_synthetic
    spread = np.sum(first**2) + np.sum(second**2)
    overlap = svdvals(_few_rows(first) @ _few_rows(second).T, overwrite_a=True).sum()
    return float(max(shift @ shift + spread - 2.0 * overlap, 0.0))


def _few_rows(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace X by a matrix of the same X^T X with no more rows than channels."""
    if centred.shape[0] <= centred.shape[1]:
        return centred
    return qr(centred, mode="r")[0][: centred.shape[1]]


def published_fid(real: ArrayLike, synthetic: ArrayLike) -> float:
    r"""The "Fréchet inception distance" as the source paper's authors compute it.

    The formula is that of :func:`frechet_distance` and the mean spectra are the same, but
    :math:`C_i` is the covariance *between spectra*, over channels, a matrix of one row and column
    per spectrum. So the figure depends on the order of the spectra and grows with their number;
    compare it with that of as many real spectra, drawn by chance.

    Parameters
    ----------
    real, synthetic : array-like, shape (spectra, channels), at least 2 spectra each
        Intensities; as many of the one as of the other.

    Returns
    -------
    float
        At least 0 (to rounding), in the square of the intensities' unit.

    Raises
    ------
    ValueError
        Wrong shapes, NaN, fewer than 2 spectra on a side, or more on one than on the other.

    See Also
    --------
    frechet_distance : The distance of the spectra's distributions.

    Notes
    -----
    The figure that the training of del-Pozo-Bueno et al. 2024 is stopped by, after scripts that
    one of its authors has published.

    Examples
    --------
    >>> import numpy as np
    >>> from hyperspy_dag.metrics import published_fid
    >>> real = np.random.default_rng(0).random((32, 100))
    >>> round(published_fid(real, real), 6)
    0.0
    """
    real, synthetic = as_pair(real, synthetic, minimum=2)
    if len(real) != len(synthetic):
        raise ValueError(
            f"the published distance compares as many real as synthetic spectra; there are "
            f"{len(real)} and {len(synthetic)}."
        )
    first, second = (
        (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.shape[1] - 1) for x in (real, synthetic)
    )
    # The root's trace is the sum of the singular values of first.T @ second, whose two factors
    # may be replaced by small triangles.
    overlap = svdvals(_few_rows(first.T) @ _few_rows(second.T).T).sum()
    shift = real.mean(axis=0) - synthetic.mean(axis=0)
    return float(shift @ shift + np.sum(first**2) + np.sum(second**2) - 2.0 * overlap)


def kernel_distance(real: ArrayLike, synthetic: ArrayLike, standardise: bool = True) -> float:
    r"""Compute the kernel distance (KID): squared MMD with a polynomial kernel of degree 3.

    .. math:: \frac{\sum_{i \ne j} k(x_i, x_j)}{n (n - 1)} +
              \frac{\sum_{i \ne j} k(y_i, y_j)}{m (m - 1)} -
              \frac{2 \sum_{i, j} k(x_i, y_j)}{n m}, \quad k(a, b) = (a \cdot b / C + 1)^3

    over all spectra at once (no blocks). The estimate is unbiased.

    Parameters
    ----------
    real, synthetic : array-like, shape (spectra, channels), at least 2 spectra each
        Intensities.
    standardise : bool, default True
        Subtract the mean spectrum of ``real`` from both sides and divide both by one number, the
        root mean square deviation of ``real`` from it. Without this the result depends on the unit
        of intensity, and the kernel is nearly linear over the range of max-normalised spectra.

    Returns
    -------
    float
        About 0 for two draws of one distribution; slightly negative values are normal. With
        ``standardise=False`` it is 0 on average. Otherwise the centre and scale of few real spectra
        raise it, on average by 0.1 with 20 spectra and by 0.4 with 12.

    Raises
    ------
    ValueError
        Wrong shapes, NaN, fewer than 2 spectra on a side, or (``standardise``) real spectra that
        are all the same.

    See Also
    --------
    frechet_distance : Compare means and covariances alone.
    kl_divergence : Compare distributions channel by channel.

    Notes
    -----
    M. Bińkowski et al., "Demystifying MMD GANs", ICLR 2018; here on spectra instead of network
    features.

    Examples
    --------
    >>> from hyperspy_dag.metrics import kernel_distance
    >>> rng = np.random.default_rng(0)
    >>> real, other = rng.normal(1.0, 0.1, (2, 100, 20))
    >>> abs(kernel_distance(real, other)) < 0.1  # two draws of one distribution
    True
    >>> kernel_distance(real, other + 0.1) > 1
    True
    """
    first, second = as_pair(real, synthetic, minimum=2)
    if standardise:
        centre = first.mean(axis=0)
        scale = np.sqrt(np.mean((first - centre) ** 2))
        if not np.ptp(first, axis=0).any():  # the scale need not be 0, a mean being rounded
            raise ValueError("all real spectra are the same; use standardise=False.")
        first, second = (first - centre) / scale, (second - centre) / scale
    n, m, channels = len(first), len(second), first.shape[1]

    def kernel(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        return (a @ b.T / channels + 1.0) ** 3

    within_real = kernel(first, first)
    within_synthetic = kernel(second, second)
    return float(
        (within_real.sum() - np.trace(within_real)) / (n * (n - 1))
        + (within_synthetic.sum() - np.trace(within_synthetic)) / (m * (m - 1))
        - 2.0 * kernel(first, second).mean()
    )


def kl_divergence(real: ArrayLike, synthetic: ArrayLike, bins: int = 10) -> float:
    r"""Compute the Kullback-Leibler divergence of each channel, and its mean over channels.

    .. math:: \frac{1}{C} \sum_c \sum_b p_{cb} \ln \frac{p_{cb}}{q_{cb}}

    The estimator is a histogram in each channel. Its inner edges are the quantiles of the real
    intensities, so that each bin holds the same number of real spectra. The outer bins are open.
    Half a count is added to every bin of both sides (Jeffreys' prior), so that an empty bin gives a
    large but finite divergence.

    Parameters
    ----------
    real, synthetic : array-like, shape (spectra, channels)
        Intensities, any unit.
    bins : int, default 10
        Bins per channel, at least 2.

    Returns
    -------
    float
        In nats, at least 0. Two draws of one distribution give about ``(bins - 1) / 2 * (1 / n_real
        + 1 / n_synthetic)`` for 50 spectra a side or more, and less for fewer, at most 0.35 with 10
        bins.

    Raises
    ------
    ValueError
        Wrong shapes, NaN, or fewer than 2 bins.
    TypeError
        ``bins`` is not a whole number.

    See Also
    --------
    kl_divergence_pca : Estimate the divergence on principal components.
    wasserstein : Compare one number per spectrum.

    Examples
    --------
    >>> from hyperspy_dag.metrics import kl_divergence
    >>> rng = np.random.default_rng(0)
    >>> real, other = rng.normal(1.0, 0.1, (2, 100, 20))
    >>> kl_divergence(real, real)
    0.0
    >>> kl_divergence(real, other) < 0.15  # two draws of one distribution: about 0.09
    True
    >>> kl_divergence(real, other + 0.1) > 0.5
    True
    """
    real, synthetic = as_pair(real, synthetic, minimum=2)
    bins = as_count(bins, "bins", 2)
    edges = np.quantile(real, np.linspace(0.0, 1.0, bins + 1)[1:-1], axis=0)
    p = _bin_probabilities(real, edges)
    q = _bin_probabilities(synthetic, edges)
    return float(rel_entr(p, q).sum(axis=0).mean())


def _bin_probabilities(
    spectra: NDArray[np.float64], edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Compute a histogram of each channel with half a count added to each bin."""
    below = np.stack([(spectra < edge).sum(axis=0) for edge in edges])
    padded = np.concatenate(
        [np.zeros_like(below[:1]), below, np.full_like(below[:1], len(spectra))]
    )
    counts = np.diff(padded, axis=0) + 0.5
    return counts / counts.sum(axis=0)


def kl_divergence_pca(real: ArrayLike, synthetic: ArrayLike, components: int = 3) -> float:
    r"""Compute the Kullback-Leibler divergence of Gaussians fitted to PCA scores.

    .. math:: \frac{1}{2} \left( \mathrm{tr}(C_s^{-1} C_r) + (\mu_s - \mu_r)^T C_s^{-1} (\mu_s -
              \mu_r) - d + \ln \frac{\det C_s}{\det C_r} \right)

    with means and covariances (n - 1) of the real (r) and the synthetic (s) scores on the first d
    principal components of both sets together, each set having the same weight.

    Parameters
    ----------
    real, synthetic : array-like, shape (spectra, channels)
        Intensities, any unit. More than ``components`` spectra on each side.
    components : int, default 3
        Number of principal components, at most the rank of all centred spectra.

    Returns
    -------
    float
        In nats, at least 0; infinite where the scores of a side fill fewer dimensions, as copies of
        one spectrum do. Two draws of one Gaussian in as many channels as components give about ``d
        (d + 3) / 4 * (1 / n_real + 1 / n_synthetic)``.

    Raises
    ------
    ValueError
        Wrong shapes, NaN, too few spectra, more components than the data have.
    TypeError
        ``components`` is not a whole number.

    See Also
    --------
    kl_divergence : Estimate the divergence channel by channel.
    frechet_distance : Compare means and covariances in all channels.

    Notes
    -----
    It compares means and covariances alone. Estimates from distances to neighbours see more, and
    fall below 0 for small sets, which no divergence is.

    Examples
    --------
    >>> from hyperspy_dag.metrics import kl_divergence_pca
    >>> rng = np.random.default_rng(0)
    >>> real, other = rng.normal(1.0, 0.1, (2, 200, 20))
    >>> kl_divergence_pca(real, other) < 0.1  # two draws of one distribution: about 0.05
    True
    >>> kl_divergence_pca(real, 1.0 + 2 * (other - 1.0)) > 0.5  # twice the spread
    True
    """
    components = as_count(components, "components", 1)
    first, second = as_pair(real, synthetic, minimum=components + 1)
    centre = (first.mean(axis=0) + second.mean(axis=0)) / 2
    weighted = [(x - centre) / np.sqrt(len(x)) for x in (first, second)]
    _, singular, axes = svd(np.concatenate(weighted), full_matrices=False)
    # The largest singular value that rounding of this size has.
    rounding = ROUNDING * max(np.abs(first).max(), np.abs(second).max()) * np.sqrt(2)
    rounding *= 1 + np.sqrt(first.shape[1] / min(len(first), len(second)))
    rank = int(np.sum(singular > rounding))
    if components > rank:
        raise ValueError(f"components is {components}; the spectra have a rank of {rank}.")
    # Unit variance on each component, so that a small determinant is one of direction.
    scale = singular[:components]
    scores = [(x - centre) @ axes[:components].T / scale for x in (first, second)]
    shift = scores[1].mean(axis=0) - scores[0].mean(axis=0)
    covariances = [np.cov(x, rowvar=False).reshape(components, components) for x in scores]
    spreads = [np.linalg.eigvalsh(covariance) for covariance in covariances]
    if min(x.min() for x in spreads) <= ROUNDING**2:
        return float("inf")
    inverse = np.linalg.inv(covariances[1])
    volumes = np.log(spreads[1] / spreads[0]).sum()
    divergence = np.trace(inverse @ covariances[0]) + shift @ inverse @ shift - components + volumes
    return float(max(divergence, 0.0) / 2)  # below 0 by rounding alone


def wasserstein(real_values: ArrayLike, synthetic_values: ArrayLike) -> float:
    """Compute the Wasserstein distance between two samples of one number per spectrum.

    Numbers that could not be measured (NaN) are left out.

    Parameters
    ----------
    real_values, synthetic_values : array-like, shape (spectra,)
        For instance L3 positions in eV.

    Returns
    -------
    float
        First Wasserstein distance, in the unit of the values, by
        `scipy.stats.wasserstein_distance`; infinite where one side has no value.

    Raises
    ------
    ValueError
        An input is not 1-D or is empty.

    See Also
    --------
    white_line_distances : Compare positions, widths and ratio of white lines.
    scipy.stats.wasserstein_distance : The distance itself.

    Examples
    --------
    >>> from hyperspy_dag.metrics import wasserstein
    >>> round(wasserstein([640.0, 640.2], [641.0, 641.2]), 6)  # L3 positions in eV
    1.0
    >>> wasserstein([640.0], [np.nan])
    inf
    """
    sides = []
    for name, values in (("real_values", real_values), ("synthetic_values", synthetic_values)):
        array = np.asarray(values, dtype=np.float64)
        if array.ndim != 1 or array.size == 0:
            raise ValueError(f"{name} must be 1-D and not empty; got shape {array.shape}.")
        sides.append(array[~np.isnan(array)])
    if sides[0].size == 0 or sides[1].size == 0:
        return float("inf")
    return float(wasserstein_distance(*sides))
