# SPDX-License-Identifier: GPL-3.0-or-later
"""The two classifiers that synthetic spectra are judged with, behind scikit-learn's interface.

A support vector machine with a radial basis function kernel, and a neural network with a dense and
a convolutional branch, as in del-Pozo-Bueno et al. 2024.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import SVC

from hyperspy_dag._utils.checks import check_choice, check_random_state
from hyperspy_dag.metrics.checks import as_spectra

__all__ = ["CLASSIFIERS", "ANNClassifier", "Classifier", "SVMClassifier", "make_classifier"]


class Classifier(ABC):
    """Learns classes from labelled spectra and predicts those of others.

    The input is standardised with the training spectra: their mean is subtracted, channel by
    channel, and all is divided by one number, the root mean square of their standard deviations.
    (A number for each channel would blow the noise before the edge up to the size of the white
    lines; with few training spectra that costs accuracy.)

    Parameters
    ----------
    random_state : int, numpy.random.Generator or None, default None
        The same integer gives the same classifier on the same machine.

    Attributes
    ----------
    classes_ : numpy.ndarray
        Classes, sorted; after :meth:`fit`.
    random_state_ : int
    """

    minimum = 1
    """The fewest spectra of a class that the classifier works with."""

    def __init__(self, random_state: int | np.random.Generator | None = None) -> None:
        self.random_state_ = check_random_state(random_state)

    def fit(self, spectra: ArrayLike, labels: ArrayLike) -> Self:
        """Learn from labelled spectra.

        Parameters
        ----------
        spectra : array-like, shape (n, channels)
        labels : array-like of str, int or bool, shape (n,)

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Wrong shapes, NaN, fewer than two classes, or too few spectra of a class.
        """
        spectra = as_spectra(spectra, "the training set")
        labels = np.asarray(labels)
        if labels.shape != (len(spectra),):
            raise ValueError(
                f"labels must have shape ({len(spectra)},), one for each spectrum; got "
                f"{labels.shape}."
            )
        self.classes_, index, counts = np.unique(labels, return_inverse=True, return_counts=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"a classifier needs at least two classes; all {len(labels)} spectra are "
                f"{self.classes_.tolist()[0]!r}."
            )
        if counts.min() < self.minimum:
            fewest = self.classes_.tolist()[int(counts.argmin())]
            raise ValueError(
                f"class {fewest!r} has {counts.min()} training spectra; "
                f"{type(self).__name__} needs at least {self.minimum} of each class."
            )
        self._mean = spectra.mean(axis=0)
        spread = float(np.sqrt(spectra.var(axis=0).mean()))
        self._scale = spread if spread > 0 else 1.0
        self._fit((spectra - self._mean) / self._scale, index)
        return self

    def predict(self, spectra: ArrayLike) -> NDArray[Any]:
        """Return the class of each spectrum.

        Parameters
        ----------
        spectra : array-like, shape (n, channels)

        Returns
        -------
        numpy.ndarray, shape (n,)

        Raises
        ------
        RuntimeError
            :meth:`fit` was not called.
        ValueError
            Wrong shape, other channels than the training spectra, or NaN.
        """
        if not hasattr(self, "_mean"):
            raise RuntimeError(f"{type(self).__name__} is not fitted; call fit(spectra, labels).")
        spectra = as_spectra(spectra)
        if spectra.shape[1] != self._mean.size:
            raise ValueError(
                f"the spectra have {spectra.shape[1]} channels; the classifier was trained on "
                f"{self._mean.size}."
            )
        return self.classes_[self._predict((spectra - self._mean) / self._scale)]

    @abstractmethod
    def _fit(self, spectra: NDArray[np.float64], index: NDArray[np.intp]) -> None: ...

    @abstractmethod
    def _predict(self, spectra: NDArray[np.float64]) -> NDArray[np.intp]: ...


class SVMClassifier(Classifier):
    """Support vector machine with RBF kernel; C and gamma by grid search.

    Parameters
    ----------
    random_state : int, numpy.random.Generator or None, default None
        Of the folds of the cross-validation.

    Attributes
    ----------
    best_params_ : dict
        ``C`` and ``gamma`` that were chosen; after :meth:`fit`.

    Notes
    -----
    The grid is C = 1, 10, 100, 1000 and gamma = 0.01, 0.1, 1, 10 over the number of channels
    (the variance is 1 on average, so 1 is scikit-learn's ``"scale"``), judged by the
    accuracy on up to 5 stratified folds of the training spectra: fewer where a class has fewer
    spectra.
    """

    minimum = 2
    FOLDS = 5
    C = (1.0, 10.0, 100.0, 1000.0)
    GAMMA = (0.01, 0.1, 1.0, 10.0)

    def _fit(self, spectra: NDArray[np.float64], index: NDArray[np.intp]) -> None:
        folds = StratifiedKFold(
            min(self.FOLDS, int(np.bincount(index).min())),
            shuffle=True,
            random_state=self.random_state_ % 2**32,
        )
        # The kernel of all spectra once for each gamma, by a matrix product: libsvm would compute
        # it entry by entry, and again for each fold and C.
        distances = euclidean_distances(spectra, squared=True)
        scores = {}
        for gamma in (g / spectra.shape[1] for g in self.GAMMA):
            search = GridSearchCV(
                SVC(kernel="precomputed"), {"C": self.C}, cv=folds, refit=False, error_score="raise"
            ).fit(np.exp(-gamma * distances), index)
            for c, score in zip(self.C, search.cv_results_["mean_test_score"], strict=True):
                scores[c, gamma] = score
        # Among equals the smallest C, then the smallest gamma: the smoothest boundary.
        c, gamma = min(scores, key=lambda pair: (-scores[pair], *pair))
        self.best_params_ = {"C": float(c), "gamma": float(gamma)}
        self._spectra = spectra
        self._machine = SVC(kernel="precomputed", C=c).fit(np.exp(-gamma * distances), index)

    def _predict(self, spectra: NDArray[np.float64]) -> NDArray[np.intp]:
        distances = euclidean_distances(spectra, self._spectra, squared=True)
        return self._machine.predict(np.exp(-self.best_params_["gamma"] * distances))


class ANNClassifier(Classifier):
    """Neural network of a dense and a convolutional branch, joined, with softmax.

    Needs TensorFlow. See :mod:`hyperspy_dag.dag.classifier`.

    Parameters
    ----------
    random_state : int, numpy.random.Generator or None, default None
        Of initial weights, order of the spectra and dropout; no global random state is touched.
    """

    def _fit(self, spectra: NDArray[np.float64], index: NDArray[np.intp]) -> None:
        from hyperspy_dag.dag.classifier import TwoBranchClassifier

        self._network = TwoBranchClassifier(spectra.shape[1], len(self.classes_))
        self._network.fit(spectra, index, np.random.SeedSequence(self.random_state_))

    def _predict(self, spectra: NDArray[np.float64]) -> NDArray[np.intp]:
        return self._network.probabilities(spectra).argmax(axis=1)


CLASSIFIERS: dict[str, type[Classifier]] = {"svm": SVMClassifier, "ann": ANNClassifier}
"""Name -> class of every classifier."""


def make_classifier(name: str, random_state: int | np.random.Generator | None = None) -> Classifier:
    """Make a classifier by its name.

    Parameters
    ----------
    name : {"svm", "ann"}
    random_state : int, numpy.random.Generator or None, default None

    Returns
    -------
    Classifier

    Raises
    ------
    ValueError
        Unknown name; the message lists the known ones.
    """
    return CLASSIFIERS[check_choice("classifier", name, CLASSIFIERS)](random_state)
