# SPDX-License-Identifier: GPL-3.0-or-later
"""Classifiers that are trained on synthetic and tested on real spectra.

Classifiers are trained on real, on synthetic and on both kinds of spectra. They are tested on real
spectra that neither they nor the synthesisers were trained on (Fig. 6 and Table 1 of del-Pozo-Bueno
et al. 2024).
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import confusion_matrix

from hyperspy_dag._utils.checks import check_choice, check_count, check_random_state
from hyperspy_dag._utils.warnings import warn
from hyperspy_dag.metrics.checks import as_pair, as_spectra
from hyperspy_dag.training.training_set import spectrum_digests

from .classifiers import CLASSIFIERS, make_classifier

__all__ = ["TRAININGS", "Score", "Synthesiser", "TSTRResult", "tstr"]

#: What classifiers are trained on, in the order of tables.
TRAININGS = ("real", "synthetic", "real + synthetic")


class Synthesiser(Protocol):
    """Interface of objects that draw synthetic spectra of one class.

    See Also
    --------
    Baseline : Base class of the baselines.
    tstr : Test synthesisers.

    Notes
    -----
    Every fitted baseline is one.

    Examples
    --------
    >>> class Flat:
    ...     def sample(self, n, random_state):
    ...         return np.ones((n, 4))
    >>> Flat().sample(2, random_state=0).shape
    (2, 4)
    """

    def sample(self, n: int, random_state: int) -> NDArray[np.floating]:
        """Draw synthetic spectra.

        Parameters
        ----------
        n : int
            Number of spectra.
        random_state : int
            Seed.

        Returns
        -------
        numpy.ndarray, shape (n, channels)

        See Also
        --------
        Baseline.sample : Draw from a baseline.

        Examples
        --------
        >>> from hyperspy_dag.validation import RealOnly
        >>> synthesiser = RealOnly().fit([[0.0, 1.0, 0.5]])
        >>> synthesiser.sample(2, random_state=0).shape
        (2, 3)
        """
        ...


@dataclass(frozen=True, eq=False)  # holds arrays
class Score:
    """Result of a classifier on the test spectra.

    Attributes
    ----------
    confusion : numpy.ndarray of int, shape (classes, classes)
        Numbers of test spectra; rows are true classes, columns predicted ones, as in
        :func:`sklearn.metrics.confusion_matrix`.
    seconds : float
        Time of training and testing, in s.

    See Also
    --------
    TSTRResult : The scores of all classifiers.
    hyperspy_dag.plotting.plot_confusion_matrix : Plot the confusion matrix.

    Examples
    --------
    >>> from hyperspy_dag.validation import Score
    >>> Score(confusion=np.array([[9, 1], [3, 7]]), seconds=0.1).accuracy
    0.8
    """

    confusion: NDArray[np.int64]
    seconds: float

    @property
    def accuracy(self) -> float:
        """Fraction of the test spectra whose class was predicted correctly."""
        return float(np.trace(self.confusion) / self.confusion.sum())


@dataclass(frozen=True, eq=False)  # holds arrays
class TSTRResult:
    """Scores of all classifiers on all kinds of training sets.

    Attributes
    ----------
    classes : list
        Classes in the order of the confusion matrices.
    n_train : dict of str to int
        Number of spectra in each training set of `TRAININGS`.
    scores : dict of str to dict of str to Score
        By training set, then by classifier.

    See Also
    --------
    tstr : Compute the scores.
    Score : The score of one classifier.

    Examples
    --------
    >>> from hyperspy_dag.validation import Score, TSTRResult
    >>> score = Score(np.array([[9, 1], [3, 7]]), seconds=0.1)
    >>> result = TSTRResult(["a", "b"], {"synthetic": 40}, {"synthetic": {"svm": score}})
    >>> result.scores["synthetic"]["svm"].accuracy
    0.8
    """

    classes: list[Any]
    n_train: dict[str, int]
    scores: dict[str, dict[str, Score]]

    def accuracies(self) -> dict[str, dict[str, float]]:
        """Return the accuracies of all scores.

        Returns
        -------
        dict of str to dict of str to float
            By training set, then by classifier.

        See Also
        --------
        Score.accuracy : The accuracy of one score.

        Examples
        --------
        >>> from hyperspy_dag.validation import Score, TSTRResult
        >>> score = Score(np.array([[9, 1], [3, 7]]), seconds=0.1)
        >>> TSTRResult(["a", "b"], {"synthetic": 40}, {"synthetic": {"svm": score}}).accuracies()
        {'synthetic': {'svm': 0.8}}
        """
        return {
            training: {name: score.accuracy for name, score in by_name.items()}
            for training, by_name in self.scores.items()
        }


def tstr(
    train: ArrayLike | None,
    train_labels: ArrayLike | None,
    test: ArrayLike,
    test_labels: ArrayLike,
    synthesisers: Mapping[Any, Synthesiser],
    *,
    n_synthetic: int = 200,
    classifiers: Sequence[str] = ("svm", "ann"),
    random_state: int | np.random.Generator | None = None,
) -> TSTRResult:
    """Train classifiers on real, synthetic and real + synthetic spectra; test them on real ones.

    Parameters
    ----------
    train : array-like, shape (n, channels), or None
        Real training spectra. None omits the two training sets that need them.
    train_labels : array-like, shape (n,), or None
    test : array-like, shape (m, channels)
        Real spectra that neither classifiers nor synthesisers were trained on.
    test_labels : array-like, shape (m,)
    synthesisers : mapping of class to Synthesiser
        One for every class of `train` and `test`, fitted to training spectra alone.
    n_synthetic : int, default 200
        Synthetic spectra of each class.
    classifiers : sequence of str, default ("svm", "ann")
        Names in :data:`~hyperspy_dag.validation.classifiers.CLASSIFIERS`.
    random_state : int, numpy.random.Generator or None

    Returns
    -------
    TSTRResult
        Scores by training set and classifier.

    Raises
    ------
    TypeError, ValueError
        Wrong shapes or names, fewer than two classes, or a class without synthesiser or without
        real training spectra.

    Warns
    -----
    UserWarning
        Test spectra are among the training spectra.

    See Also
    --------
    evaluate : Compare an augmenter with real spectra.
    make_baseline : Make a conventional synthesiser.

    Notes
    -----
    The comparison is that of Fig. 6 and Table 1 of del-Pozo-Bueno et al. 2024.

    Examples
    --------
    >>> from hyperspy_dag.data import simulated_oxides
    >>> from hyperspy_dag.validation import PCAGaussian, tstr
    >>> counts = {"MnO": 20, "MnO2": 20}
    >>> train, labels = simulated_oxides("WL-Mn", counts)
    >>> test, labels_test = simulated_oxides("WL-Mn", counts, random_state=1)
    >>> synthesisers = {name: PCAGaussian().fit(train.data[labels == name]) for name in counts}
    >>> result = tstr(
    ...     train.data, labels, test.data, labels_test, synthesisers,
    ...     n_synthetic=20, classifiers=["svm"], random_state=0,
    ... )
    >>> result.n_train
    {'real': 40, 'synthetic': 40, 'real + synthetic': 80}
    """
    tested = _labelled(test, test_labels, "test")
    if (train is None) != (train_labels is None):
        raise ValueError("train and train_labels belong together: give both or neither.")
    real = None
    if train is not None:
        real = _labelled(train, train_labels, "train")
        as_pair(real[0], tested[0], names=("train", "test"))
        seen = int(np.isin(spectrum_digests(tested[0]), spectrum_digests(real[0])).sum())
        if seen:
            warn(
                f"{seen} of {len(tested[0])} test spectra are among the training spectra: the "
                "accuracies are too good. Test with spectra that were not trained on."
            )
    n_synthetic = check_count("n_synthetic", n_synthetic)
    state = check_random_state(random_state)
    classes = sorted(synthesisers)
    _check_covered(classes, tested[1], "test")
    if real is not None:
        _check_covered(classes, real[1], "train")
        missing = np.setdiff1d(classes, real[1]).tolist()
        if missing:
            raise ValueError(
                f"train holds no spectrum of class {missing[0]!r}, for which there is a "
                "synthesiser; give some, or leave the synthesiser out."
            )
    # A stream for each class: the same noise in all of them would be no independent draw.
    streams = np.random.SeedSequence(state).generate_state(len(classes)).tolist()
    drawn = {
        label: np.asarray(synthesisers[label].sample(n_synthetic, random_state=stream))
        for label, stream in zip(classes, streams, strict=True)
    }
    return score_trainings(real, drawn, tested, classifiers, state)


def score_trainings(
    real: tuple[NDArray[np.floating], NDArray[Any]] | None,
    synthetic: Mapping[Any, NDArray[np.floating]],
    test: tuple[NDArray[np.floating], NDArray[Any]],
    classifiers: Sequence[str],
    random_state: int,
    others: Mapping[str, Mapping[Any, NDArray[np.floating]]] | None = None,
) -> TSTRResult:
    """Train and test classifiers on given, checked real and synthetic spectra.

    Parameters
    ----------
    real, test : tuple of arrays
        Spectra (n, channels) and their labels (n,).
    synthetic : mapping of class to array of shape (n, channels)
    classifiers : sequence of str
    random_state : int
        Seed of every classifier.
    others : mapping of name to spectra by class, optional
        Spectra of other methods, which the first classifier alone is trained on.
    """
    names, others = check_classifiers(classifiers), others or {}
    made = flat(synthetic)
    sets: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {"synthetic": made}
    if real is not None:
        both = np.concatenate([real[0], made[0]]), np.concatenate([real[1], made[1]])
        sets = {"real": real, "synthetic": made, "real + synthetic": both}
    sets |= {name: flat(by_class) for name, by_class in others.items()}
    classes = np.unique(made[1])
    scores: dict[str, dict[str, Score]] = {}
    for training, (spectra, labels) in sets.items():
        scores[training] = {}
        for name in names[:1] if training in others else names:
            begin = time.perf_counter()
            classifier = make_classifier(name, random_state).fit(spectra, labels)
            predicted = classifier.predict(test[0])
            confusion = confusion_matrix(test[1], predicted, labels=classes)
            scores[training][name] = Score(confusion, time.perf_counter() - begin)
    return TSTRResult(
        classes=classes.tolist(),
        n_train={training: len(labels) for training, (_, labels) in sets.items()},
        scores=scores,
    )


def flat(by_class: Mapping[Any, NDArray[np.floating]]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return all spectra, and the class of each."""
    labels = np.repeat(np.asarray(list(by_class)), [len(rows) for rows in by_class.values()])
    return np.concatenate(list(by_class.values())), labels


def check_classifiers(classifiers: Sequence[str]) -> list[str]:
    """Return the names of classifiers, checked: see :func:`check_names`."""
    return check_names("classifiers", classifiers, CLASSIFIERS)


def check_names(what: str, names: Sequence[str], known: Collection[str]) -> list[str]:
    """Return names of an argument called `what`, each checked to be among the known ones.

    Raises
    ------
    TypeError
        A text instead of a sequence of names.
    ValueError
        An unknown name.
    """
    if isinstance(names, str):
        raise TypeError(f"{what} must be a sequence of names, such as ({names!r},); got {names!r}")
    return [check_choice(what, name, known) for name in names]


def _labelled(
    spectra: ArrayLike, labels: ArrayLike | None, name: str
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    rows, classes = as_spectra(spectra, name), np.asarray(labels)
    if classes.shape != (len(rows),):
        raise ValueError(
            f"{name}_labels must have shape ({len(rows)},), one for each spectrum; got "
            f"{classes.shape}."
        )
    return rows, classes


def _check_covered(classes: list, labels: NDArray[Any], name: str) -> None:
    missing = [label for label in np.unique(labels).tolist() if label not in classes]
    if missing:
        raise ValueError(
            f"{name} holds spectra of class {missing[0]!r}, for which there is no synthesiser; "
            f"the classes are {', '.join(map(repr, classes))}."
        )
