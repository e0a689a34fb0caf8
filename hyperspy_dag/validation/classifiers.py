# SPDX-License-Identifier: GPL-3.0-or-later
"""The two classifiers of the validation, with scikit-learn's interface.

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
    """Base class of classifiers that learn classes from labelled spectra.

    The input is standardised with the training spectra. Their mean is subtracted, channel by
    channel. All channels are divided by the root mean square of their standard deviations. One
    divisor for each channel would amplify the noise before the edge to the size of the white lines.

    Parameters
    ----------
    random_state : int, numpy.random.Generator or None, default None
        The same integer gives the same classifier on the same machine.

    Attributes
    ----------
    classes_ : numpy.ndarray
        Classes, sorted; set by :meth:`fit`.
    random_state_ : int

    See Also
    --------
    make_classifier : Make a classifier by its name.
    tstr : Test synthetic spectra with classifiers.

    Examples
    --------
    >>> from hyperspy_dag.data import simulated_oxides
    >>> from hyperspy_dag.validation import make_classifier
    >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 15, "MnO2": 15})
    >>> classifier = make_classifier("svm", random_state=0).fit(s.data, labels)
    >>> classifier.classes_.tolist()
    ['MnO', 'MnO2']
    """

    minimum = 1
    """The fewest spectra of a class that the classifier works with."""

    def __init__(self, random_state: int | np.random.Generator | None = None) -> None:
        self.random_state_ = check_random_state(random_state)

    def fit(self, spectra: ArrayLike, labels: ArrayLike) -> Self:
        """Train the classifier on labelled spectra.

        Parameters
        ----------
        spectra : array-like, shape (n, channels)
        labels : array-like of str, int or bool, shape (n,)

        Returns
        -------
        self
            The fitted classifier.

        Raises
        ------
        ValueError
            Wrong shapes, NaN, fewer than two classes, or too few spectra of a class.

        See Also
        --------
        predict : Predict the class of spectra.

        Examples
        --------
        >>> from hyperspy_dag.validation import SVMClassifier
        >>> spectra = [[0.0, 1.0], [0.1, 1.0], [1.0, 0.0], [1.0, 0.1]]
        >>> classifier = SVMClassifier(random_state=0).fit(spectra, ["a", "a", "b", "b"])
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
        """Predict the class of each spectrum.

        Parameters
        ----------
        spectra : array-like, shape (n, channels)

        Returns
        -------
        numpy.ndarray, shape (n,)

        Raises
        ------
        RuntimeError
            The classifier is not fitted.
        ValueError
            Wrong shape, other channels than the training spectra, or NaN.

        See Also
        --------
        fit : Train the classifier.

        Examples
        --------
        >>> from hyperspy_dag.validation import SVMClassifier
        >>> spectra = [[0.0, 1.0], [0.1, 1.0], [1.0, 0.0], [1.0, 0.1]]
        >>> classifier = SVMClassifier(random_state=0).fit(spectra, ["a", "a", "b", "b"])
        >>> classifier.predict([[0.0, 0.9], [0.9, 0.0]]).tolist()
        ['a', 'b']
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
    """Classify spectra by a support vector machine with RBF kernel.

    Parameters
    ----------
    random_state : int, numpy.random.Generator or None, default None
        Seed of the folds of the cross-validation.

    Attributes
    ----------
    best_params_ : dict
        The chosen ``C`` and ``gamma``; set by :meth:`fit`.

    See Also
    --------
    ANNClassifier : Classify spectra by a neural network.
    sklearn.svm.SVC : The support vector machine.

    Notes
    -----
    C and gamma are chosen by grid search. C is 1, 10, 100 or 1000. Gamma is 0.01, 0.1, 1 or 10,
    divided by the number of channels; 1 is scikit-learn's ``"scale"``, since the mean variance is
    1. The criterion is the accuracy on 5 stratified folds of the training spectra, or on fewer if a
    class has fewer spectra. One of the two classifiers of del-Pozo-Bueno et al. 2024.

    Examples
    --------
    >>> from hyperspy_dag.data import simulated_oxides
    >>> from hyperspy_dag.validation import SVMClassifier
    >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 15, "MnO2": 15})
    >>> classifier = SVMClassifier(random_state=0).fit(s.data, labels)
    >>> classifier.predict(s.data[[0, -1]]).tolist()
    ['MnO', 'MnO2']
    >>> sorted(classifier.best_params_)
    ['C', 'gamma']
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
    """Classify spectra by a neural network with a dense and a convolutional branch.

    The branches are joined and end in a softmax layer, as in del-Pozo-Bueno et al. 2024. The
    network uses TensorFlow.

    Parameters
    ----------
    random_state : int, numpy.random.Generator or None, default None
        Seed of the initial weights, the order of the spectra and dropout.

    See Also
    --------
    SVMClassifier : Classify spectra by a support vector machine.
    hyperspy_dag.dag.classifier : The network.

    Examples
    --------
    >>> from hyperspy_dag.data import simulated_oxides
    >>> from hyperspy_dag.validation import ANNClassifier
    >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 15, "MnO2": 15})
    >>> classifier = ANNClassifier(random_state=0).fit(s.data[:, ::20], labels)
    >>> classifier.predict(s.data[[0, -1], ::20]).tolist()
    ['MnO', 'MnO2']
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
        Not fitted.

    Raises
    ------
    ValueError
        Unknown name; the message lists the known ones.

    See Also
    --------
    Classifier : The interface of all classifiers.
    make_baseline : Make a baseline by its name.

    Examples
    --------
    >>> from hyperspy_dag.validation import make_classifier
    >>> type(make_classifier("svm")).__name__
    'SVMClassifier'
    """
    return CLASSIFIERS[check_choice("classifier", name, CLASSIFIERS)](random_state)
