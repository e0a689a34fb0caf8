# SPDX-License-Identifier: GPL-3.0-or-later
"""Nearest-neighbour metrics: fidelity, diversity and copying."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist

from .checks import as_count, as_pair, as_spectra


class NeighbourScores(NamedTuple):
    """Precision, recall, density and coverage of synthetic spectra.

    Attributes
    ----------
    precision, recall, coverage : float
        Between 0 and 1.
    density : float
        About 1 for two draws of one distribution.

    See Also
    --------
    precision_recall_density_coverage : Compute these scores.

    Examples
    --------
    >>> from hyperspy_dag.metrics import NeighbourScores
    >>> scores = NeighbourScores(precision=0.9, recall=0.8, density=1.0, coverage=0.95)
    >>> scores.recall
    0.8
    """

    precision: float
    recall: float
    density: float
    coverage: float


def precision_recall_density_coverage(
    real: ArrayLike, synthetic: ArrayLike, k: int = 5
) -> NeighbourScores:
    r"""Compute precision, recall, density and coverage from balls around the spectra.

    The ball around each spectrum has the Euclidean distance to its k-th nearest neighbour in the
    same set as radius; the spectrum itself is not counted.

    - precision: fraction of synthetic spectra inside at least one real ball,
    - recall: fraction of real spectra inside at least one synthetic ball,
    - density: mean over synthetic spectra of (number of real balls around it) / k,
    - coverage: fraction of real balls that hold at least one synthetic spectrum.

    Parameters
    ----------
    real, synthetic : array-like, shape (spectra, channels), more than ``k`` spectra each
        Intensities, any unit.
    k : int, default 5
        Number of the neighbour.

    Returns
    -------
    NeighbourScores
        Named tuple of four floats. Precision, recall and coverage lie between 0 and 1; density is
        about 1 for two draws of one distribution and has no upper limit.

    Raises
    ------
    ValueError
        Wrong shapes, NaN, or not more than ``k`` spectra on a side.
    TypeError
        ``k`` is not a whole number.

    See Also
    --------
    memorisation_ratio : Detect copies of training spectra.
    frechet_distance : Compare means and covariances.

    Notes
    -----
    Precision and recall: T. Kynkäänniemi et al., NeurIPS 2019; density and coverage: M. F. Naeem
    et al., ICML 2020 (default k = 5; a point on a ball's surface is outside). All four depend on
    the counts on both sides.

    Examples
    --------
    >>> from hyperspy_dag.metrics import precision_recall_density_coverage
    >>> real = np.random.default_rng(0).normal(1.0, 0.1, (50, 20))
    >>> precision_recall_density_coverage(real, real + 10.0)
    NeighbourScores(precision=0.0, recall=0.0, density=0.0, coverage=0.0)
    """
    k = as_count(k, "k", 1)
    real, synthetic = as_pair(real, synthetic, minimum=k + 1)
    # Column k of the sorted distances: column 0 is the spectrum itself.
    radius_real = np.partition(cdist(real, real), k, axis=1)[:, k]
    radius_synthetic = np.partition(cdist(synthetic, synthetic), k, axis=1)[:, k]
    between = cdist(real, synthetic)
    in_real = between < radius_real[:, None]
    in_synthetic = between < radius_synthetic[None, :]
    return NeighbourScores(
        precision=float(in_real.any(axis=0).mean()),
        recall=float(in_synthetic.any(axis=1).mean()),
        density=float(in_real.sum(axis=0).mean() / k),
        coverage=float(in_real.any(axis=1).mean()),
    )


def memorisation_ratio(synthetic: ArrayLike, train: ArrayLike, held_out: ArrayLike) -> float:
    r"""Compare how close synthetic and unseen real spectra lie to the training spectra.

    .. math:: \frac{\mathrm{median}_j \min_i \|s_j - t_i\|}{\mathrm{median}_j \min_i \|h_j - t_i\|}

    Parameters
    ----------
    synthetic, train, held_out : array-like, shape (spectra, channels)
        Synthetic spectra, the real spectra that they were learned from, and real spectra of the
        same class that were not trained on.

    Returns
    -------
    float
        About 1 for spectra as new as unseen real ones, below 0.5 for copies, well above 1 for
        spectra unlike the training spectra. These values hold for held-out spectra of the same
        measurement. Real spectra of another region may lie so far from the training spectra that
        unseen real ones of the training region have 0.4.

    Raises
    ------
    ValueError
        Wrong shapes, NaN, or at least half of the held-out spectra are copies of training spectra.

    See Also
    --------
    precision_recall_density_coverage : Tell fidelity from diversity.
    kl_divergence_pca : Compare distributions of PCA scores.

    Examples
    --------
    >>> from hyperspy_dag.metrics import memorisation_ratio
    >>> rng = np.random.default_rng(0)
    >>> train, held_out, new = rng.normal(1.0, 0.1, (3, 50, 20))
    >>> round(memorisation_ratio(new, train, held_out), 1)
    1.0
    >>> memorisation_ratio(train, train, held_out)  # copies
    0.0
    """
    train, synthetic = as_pair(train, synthetic, names=("train", "synthetic"))
    held_out = as_spectra(held_out, "held_out")
    as_pair(train, held_out, names=("train", "held_out"))
    reference = float(np.median(cdist(held_out, train).min(axis=1)))
    if reference == 0:
        raise ValueError(
            "at least half of the held-out spectra are copies of training spectra; "
            "hold out spectra that were not trained on."
        )
    return float(np.median(cdist(synthetic, train).min(axis=1)) / reference)
