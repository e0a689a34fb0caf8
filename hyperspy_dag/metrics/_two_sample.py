# SPDX-License-Identifier: GPL-3.0-or-later
"""Classifier two-sample test: can real and synthetic spectra be told apart?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from .checks import ROUNDING, as_count, as_pair


class TwoSampleTest(NamedTuple):
    """Result of a classifier two-sample test.

    Attributes
    ----------
    auc : float
        Cross-validated area under the ROC curve of a support vector machine with a radial kernel.
        0.5: the sets cannot be told apart; 1: every spectrum is told.
    p_value : float
        Probability of an AUC at least this high for two sets of one distribution. NaN without
        permutations.
    linear_auc, linear_p_value : float
        The same of a linear machine, which sees differences of the means alone.
    mean_difference : array of shape (channels,)
        Mean of the synthetic less that of the real spectra, in standard errors (Welch's t). Values
        beyond 4 or so give the synthetic spectra away.
    spread_ratio : array of shape (channels,)
        Standard deviation of the synthetic over that of the real spectra.
    n_spectra : int
        Spectra compared on each side.

    See Also
    --------
    classifier_two_sample : Carry the test out.

    Examples
    --------
    >>> from hyperspy_dag.metrics import classifier_two_sample
    >>> real, synthetic = np.random.default_rng(0).normal(1.0, 0.1, (2, 50, 20))
    >>> test = classifier_two_sample(real, synthetic)
    >>> test.n_spectra, test.mean_difference.shape
    (50, (20,))
    """

    auc: float
    p_value: float
    linear_auc: float
    linear_p_value: float
    mean_difference: NDArray[np.float64]
    spread_ratio: NDArray[np.float64]
    n_spectra: int


def classifier_two_sample(
    real: ArrayLike,
    synthetic: ArrayLike,
    *,
    components: int = 30,
    folds: int = 5,
    permutations: int = 100,
    random_state: int = 0,
) -> TwoSampleTest:
    """Train classifiers to tell synthetic from real spectra, and test them on others.

    Both sets are reduced to the principal components of all their spectra, scaled to unit variance.
    Two support vector machines, of a radial and of a linear kernel, learn on all folds but one and
    are tested on that one; the AUC is the mean over folds. The p-values come from permuted labels.

    Parameters
    ----------
    real, synthetic : array-like, shape (spectra, channels), at least `folds` spectra each
        Intensities, any unit. Real spectra that were not trained on. Of the larger set as many are
        drawn at random as the smaller one has.
    components : int, default 30
        Principal components, at most as many as the training folds and the rank allow.
    folds : int, default 5
        Folds of the cross-validation, at least 2.
    permutations : int, default 100
        Permutations of the labels; the smallest p-value is 1 / (permutations + 1). With 0 the
        p-values are NaN.
    random_state : int, default 0
        Of folds, permutations and what is drawn of the larger set.

    Returns
    -------
    TwoSampleTest

    Raises
    ------
    ValueError
        Wrong shapes, NaN, fewer than `folds` spectra on a side, a number out of range, or spectra
        that are all the same.
    TypeError
        A number is not whole.

    See Also
    --------
    memorisation_ratio : Detect copies of training spectra, which this test takes for real.
    frechet_distance : Compare means and covariances.

    Notes
    -----
    D. Lopez-Paz & M. Oquab, "Revisiting Classifier Two-Sample Tests", ICLR 2017. The AUC grows with
    the number of spectra: compare it with that of real against real spectra at the same counts.
    Copies of the training spectra are real, and have an AUC of 0.5.

    Examples
    --------
    >>> from hyperspy_dag.metrics import classifier_two_sample
    >>> real, other = np.random.default_rng(0).normal(1.0, 0.1, (2, 100, 20))
    >>> abs(classifier_two_sample(real, other).auc - 0.5) < 0.1  # two draws of one distribution
    True
    >>> test = classifier_two_sample(real, 1.0 + 2 * (other - 1.0))  # twice the spread
    >>> test.auc > 0.9, test.p_value < 0.02, test.linear_auc < 0.6
    (True, True, True)
    """
    from sklearn.metrics.pairwise import rbf_kernel
    from sklearn.model_selection import StratifiedKFold

    components = as_count(components, "components", 1)
    folds = as_count(folds, "folds", 2)
    permutations = as_count(permutations, "permutations", 0)
    random_state = as_count(random_state, "random_state", 0, 2**32 - 1)
    real, synthetic = as_pair(real, synthetic, minimum=folds)
    n = min(len(real), len(synthetic))
    random = np.random.default_rng(random_state)
    real, synthetic = (
        x if len(x) == n else x[random.permutation(len(x))[:n]] for x in (real, synthetic)
    )
    scores = _unit_scores(np.vstack([real, synthetic]), min(components, 2 * n - 2 * -(-n // folds)))
    labels = np.repeat([0, 1], n)
    splitter = StratifiedKFold(folds, shuffle=True, random_state=random_state)
    parts = list(splitter.split(scores, labels))
    # Permuting the spectra permutes the labels and keeps the folds' counts.
    orders = [np.arange(2 * n), *(random.permutation(2 * n) for _ in range(permutations))]
    found = []
    for kernel in (rbf_kernel(scores), scores @ scores.T / scores.shape[1]):
        auc, *null = (_auc(kernel[np.ix_(order, order)], labels, parts) for order in orders)
        above = 1 + sum(one >= auc for one in null)
        found.append((auc, above / (1 + permutations) if permutations else np.nan))
    spread_real, spread_synthetic = real.std(axis=0, ddof=1), synthetic.std(axis=0, ddof=1)
    tiny = 1e-12 * np.abs(real).max() + 1e-300
    error = np.sqrt((spread_real**2 + spread_synthetic**2) / n)
    (auc, p_value), (linear_auc, linear_p_value) = found
    return TwoSampleTest(
        auc,
        p_value,
        linear_auc,
        linear_p_value,
        (synthetic.mean(axis=0) - real.mean(axis=0)) / np.maximum(error, tiny),
        np.maximum(spread_synthetic, tiny) / np.maximum(spread_real, tiny),
        n,
    )


def _auc(
    kernel: NDArray[np.float64], labels: NDArray[np.int_], parts: list[tuple[NDArray, NDArray]]
) -> float:
    """Mean AUC of a support vector machine over (train, test) positions."""
    from sklearn.svm import SVC

    found = []
    for train, test in parts:
        machine = SVC(kernel="precomputed").fit(kernel[np.ix_(train, train)], labels[train])
        decision = machine.decision_function(kernel[np.ix_(test, train)])
        own = labels[test] == 1
        ranks, count = rankdata(decision), own.sum()
        wins = ranks[own].sum() - count * (count + 1) / 2
        found.append(wins / (count * (len(own) - count)))
    return float(np.mean(found))


def _unit_scores(spectra: NDArray[np.float64], components: int) -> NDArray[np.float64]:
    """Scores of the first principal components, of unit variance; rounding has none."""
    centred = spectra - spectra.mean(axis=0)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    rounding = ROUNDING * np.abs(spectra).max() * np.sqrt(spectra.shape).sum()
    rank = int(np.sum(singular > rounding))
    if rank == 0:
        raise ValueError(
            "all spectra, real and synthetic, are the same; there is nothing to tell them apart by."
        )
    return left[:, : min(components, rank)] * np.sqrt(len(spectra))
