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
    """

    precision: float
    recall: float
    density: float
    coverage: float


def precision_recall_density_coverage(
    real: ArrayLike, synthetic: ArrayLike, k: int = 5
) -> NeighbourScores:
    r"""Precision, recall, density and coverage from Euclidean k-th neighbour balls.

    Around each spectrum lies a ball that reaches to its k-th nearest neighbour (itself not
    counted) of the same set. Then

    - precision: fraction of synthetic spectra inside at least one real ball,
    - recall: fraction of real spectra inside at least one synthetic ball,
    - density: mean over synthetic spectra of (number of real balls around it) / k,
    - coverage: fraction of real balls that hold at least one synthetic spectrum.

    Parameters
    ----------
    real, synthetic : array-like, shape (spectra, channels), more than ``k`` spectra each
        Intensities, any unit.
    k : int, default 5
        Which neighbour.

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

    Notes
    -----
    Precision and recall: T. Kynkäänniemi et al., NeurIPS 2019; density and coverage: M. F. Naeem
    et al., ICML 2020 (default k = 5; a point on a ball's surface is outside). All four depend on
    the counts on both sides.
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
    r"""How much closer synthetic spectra lie to the training spectra than unseen real ones do.

    .. math:: \frac{\mathrm{median}_j \min_i \|s_j - t_i\|}{\mathrm{median}_j \min_i \|h_j - t_i\|}

    Parameters
    ----------
    synthetic, train, held_out : array-like, shape (spectra, channels)
        Synthetic spectra, the real spectra that made them, and real spectra of the same class
        that did not.

    Returns
    -------
    float
        1 is ideal; below 0.5 the generator copies; well above 1 it has left the data. That is for
        held-out spectra of the same measurement: real spectra of another region may be so far from
        the training spectra that other real ones of these have 0.4.

    Raises
    ------
    ValueError
        Wrong shapes, NaN, or held-out spectra that are copies of training spectra.
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
