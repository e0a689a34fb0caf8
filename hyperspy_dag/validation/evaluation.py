# SPDX-License-Identifier: GPL-3.0-or-later
"""The validation of a fitted augmenter in one call."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hyperspy_dag import __version__, metrics
from hyperspy_dag._utils.checks import check_count, check_random_state
from hyperspy_dag._utils.streams import HALVES, class_stream
from hyperspy_dag._utils.warnings import warn
from hyperspy_dag.labels import Label
from hyperspy_dag.preprocessing.normalisation import unit_maximum
from hyperspy_dag.training.fitted import FittedAugmenter
from hyperspy_dag.training.training_set import TrainingSet

from ._inputs import MIN_TEST_SPECTRA, check_fitted, real_spectra
from ._sources import Sources
from .report import Report
from .tstr import TSTRResult, check_classifiers, score_trainings

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum
    from numpy.typing import ArrayLike


__all__ = ["evaluate"]

#: Synthetic spectra of each class that classifiers train on, where the user does not say.
DEFAULT_SPECTRA = 200

#: Random halvings of the test spectra that real spectra are compared with real ones in.
_HALVINGS = 4

Spectra = NDArray[np.floating]


def evaluate(
    augmenter: FittedAugmenter,
    s_test: EELSSpectrum | Sequence[EELSSpectrum],
    labels_test: ArrayLike | Sequence[ArrayLike],
    *,
    s_train: EELSSpectrum | Sequence[EELSSpectrum] | None = None,
    labels_train: ArrayLike | Sequence[ArrayLike] | None = None,
    classifiers: Sequence[str] = ("svm", "ann"),
    n_spectra: int | None = None,
    windows: metrics.WhiteLineWindows | None = None,
    random_state: int | np.random.Generator | None = None,
) -> Report:
    """Compare an augmenter's synthetic spectra with real spectra that were not trained on.

    For each class, as many synthetic as test spectra are drawn. They are compared by the five
    metrics of del-Pozo-Bueno et al. 2024 (Fréchet distance, Pearson correlation, cosine distance,
    Kullback-Leibler divergence, signal-to-noise ratio), by precision, recall, density and coverage,
    by the kernel distance and by the neighbour correlation of the noise. The same metrics of one
    half of the test spectra against the other are the reference. Classifiers are trained on
    synthetic spectra and tested on the real ones (Fig. 6 and Table 1 there).

    Parameters
    ----------
    augmenter : EELSAugmenter
        Fitted.
    s_test : EELSSpectrum, or list of them
        Real spectra, preprocessed as the training spectra were, of any navigation shape, lazy or
        not. At least 6 of each class are needed. Signals in a list are rebinned to the energy axis
        of the training spectra as in ``fit``; they must cover it, and their dispersion must not be
        coarser. If `align_on` was given to ``fit``, bring training and test spectra to one axis
        first, by :func:`hyperspy_dag.common_energy_axis`.
    labels_test : array-like or signal of the navigation shape, or list of them
        The class of each spectrum, in any format of :func:`hyperspy_dag.labels.parse_labels`;
        unlabelled spectra are left out.
    s_train : EELSSpectrum, or list of them, optional
        The real spectra that the augmenter was trained on; it does not store them. They add the
        memorisation ratio, all metrics of training against test spectra, and classifiers that are
        trained on real, and on real + synthetic spectra. A generator can reach the metrics of the
        training spectra if the test spectra are of another region or day.
    labels_train : array-like or signal of the navigation shape, or list of them, optional
    classifiers : sequence of str, default ("svm", "ann")
        "svm": support vector machine with RBF kernel and grid search; "ann": neural network of a
        dense and a convolutional branch. ``()`` trains none. None is trained if there is one class.
    n_spectra : int, optional
        Synthetic spectra of each class for the classifiers. Default: 200, or the size of the
        largest class of `s_train` if that is more.
    windows : hyperspy_dag.metrics.WhiteLineWindows, optional
        Windows of the white lines in eV. They add the Wasserstein distances of
        :func:`hyperspy_dag.metrics.white_line_distances` to the metrics. Uniform energy axes only.
    random_state : int, numpy.random.Generator or None, default None
        Seed of the synthetic spectra, the halves and the classifiers. Default: that of the
        augmenter.

    Returns
    -------
    Report
        Tables and pictures.

    Raises
    ------
    TypeError, ValueError
        The augmenter is not fitted; the test spectra are synthetic (swapped with the real ones), on
        another energy axis, of a class that was not trained, or fewer than 6 of a class; an
        argument is of the wrong kind.

    Warns
    -----
    UserWarning
        Test spectra were trained on; only spectra that are equal bit for bit are recognised.
        `s_train` are not the spectra that the augmenter was trained on. A metric cannot be computed
        for a class and is NaN.

    See Also
    --------
    Report : The result.
    tstr : Test any method that makes spectra.
    hyperspy_dag.metrics : The metrics.

    Examples
    --------
    The file is that of the example of :class:`hyperspy_dag.EELSAugmenter`.

    >>> from hyperspy_dag import EELSAugmenter
    >>> from hyperspy_dag.data import simulated_oxides
    >>> augmenter = EELSAugmenter.load("oxides.dag")
    >>> s_test, labels_test = simulated_oxides("WL-Mn", {"MnO": 20, "MnO2": 20}, random_state=1)
    >>> from hyperspy_dag.validation import evaluate
    >>> report = evaluate(augmenter, s_test, labels_test, classifiers=())
    >>> report
    <Report, 2 classes, 40 test spectra; to_html(path) shows it all>
    >>> report.n_test
    {'MnO': 20, 'MnO2': 20}
    """
    check_fitted(augmenter)
    names = check_classifiers(classifiers)
    if (s_train is None) != (labels_train is None):
        raise ValueError("s_train and labels_train belong together: give both or neither.")
    if n_spectra is not None:
        n_spectra = check_count("n_spectra", n_spectra)
    if windows is not None and not isinstance(windows, metrics.WhiteLineWindows):
        raise TypeError(
            "windows must be a hyperspy_dag.metrics.WhiteLineWindows, such as "
            f"WhiteLineWindows(l3=(640.0, 651.0), l2=(652.0, 663.0)); got {windows!r}."
        )
    state = augmenter.random_state_ if random_state is None else check_random_state(random_state)
    test = real_spectra(augmenter, s_test, labels_test, "s_test", MIN_TEST_SPECTRA)
    train = None
    if s_train is not None:
        train = real_spectra(augmenter, s_train, labels_train, "s_train", 1)
        _check_training_set(augmenter, train)
    trained_on = _count_trained_on(augmenter, test, train)

    if n_spectra is None:
        n_spectra = max([DEFAULT_SPECTRA, *(train.counts.values() if train else ())])
    drawn = {
        label: unit_maximum(
            augmenter.sample(
                max(n_spectra, test.counts.get(label, 0)), label=label, random_state=state
            ).data,
            augmenter.preprocessing_,
        )
        for label in augmenter.classes_
    }
    energy = augmenter.energy_axis_.energies
    synthetic = {label: drawn[label][:n] for label, n in test.counts.items()}
    figures = {
        label: _compare(
            label,
            test.spectra[label],
            synthetic[label],
            train.spectra.get(label) if train else None,
            energy,
            windows,
        )
        for label in test.classes
    }
    reference = {
        label: _real_against_real(
            label, test.spectra[label], energy, windows, class_stream(label, HALVES, state)
        )
        for label in test.classes
    }
    training = None
    if train is not None:
        training = {
            label: _training_against_test(
                label, train.spectra[label], test.spectra[label], energy, windows
            )
            for label in test.classes
        }
    classification = None
    if names and len(augmenter.classes_) > 1:
        made = {label: rows[:n_spectra] for label, rows in drawn.items()}
        classification = _classify(train, made, test, names, state)
    return Report(
        classes=test.classes,
        settings={
            "package_version": __version__,
            "design": augmenter.settings_.design,
            "architecture": augmenter.settings_.architecture,
            "recipe": augmenter.settings_.recipe,
            "augmenter_random_state": augmenter.random_state_,
            "random_state": state,
        },
        n_test=test.counts,
        trained_on=trained_on,
        metrics=figures,
        reference=reference,
        training=training,
        snr={
            label: {
                "real": metrics.snr(test.spectra[label]),
                "synthetic": metrics.snr(synthetic[label]),
            }
            for label in test.classes
        },
        classification=classification,
        resources=_resources(augmenter),
        # A copy: the pictures are drawn later, and the augmenter may be fitted again meanwhile.
        sources=Sources(
            energy,
            test.spectra,
            synthetic,
            copy.copy(augmenter),
            {label: train.spectra[label] for label in test.classes} if train else None,
        ),
    )


def _check_training_set(augmenter: FittedAugmenter, train: TrainingSet) -> None:
    missing = [label for label in augmenter.classes_ if label not in train.counts]
    if missing:
        raise ValueError(
            f"s_train holds no spectrum of class {missing[0]!r}, which the augmenter was trained "
            "on; give the spectra and labels that were given to fit."
        )
    digests = np.concatenate(list(train.spectrum_digests.values()))
    others = int((~np.isin(digests, augmenter.spectrum_digests_)).sum())
    if others:
        warn(
            f"{others} of the {len(digests)} spectra of s_train are not among those that the "
            "augmenter was trained on: the memorisation ratio tells about the wrong spectra. Give "
            "the spectra and labels that were given to fit."
        )


def _count_trained_on(
    augmenter: FittedAugmenter, test: TrainingSet, train: TrainingSet | None
) -> dict[Label, int]:
    """Count the test spectra of each class that were trained on; warn if there are any."""
    seen = [augmenter.spectrum_digests_]
    if train is not None:
        seen += train.spectrum_digests.values()
    known = np.concatenate(seen)
    counts = {
        label: int(np.isin(digests, known).sum())
        for label, digests in test.spectrum_digests.items()
    }
    if any(counts.values()):
        where = ", ".join(f"{n} of class {label!r}" for label, n in counts.items() if n)
        warn(
            f"{sum(counts.values())} of {sum(test.counts.values())} test spectra were trained on "
            f"({where}): the figures are too good. Hold test spectra back from fit."
        )
    return counts


def _compare(
    label: Label,
    real: Spectra,
    synthetic: Spectra,
    train: Spectra | None,
    energy: NDArray[np.float64],
    windows: metrics.WhiteLineWindows | None,
) -> dict[str, float]:
    """Compute all metrics of one class; NaN, with a warning, if one cannot be computed."""
    functions: dict[str, Callable[[], float]] = {
        "frechet_distance": lambda: metrics.frechet_distance(real, synthetic),
        "pearson_correlation": lambda: metrics.pearson_correlation(real, synthetic),
        "cosine_distance": lambda: metrics.cosine_distance(real, synthetic),
        "kl_divergence": lambda: metrics.kl_divergence(real, synthetic),
        "kl_divergence_pca": lambda: metrics.kl_divergence_pca(real, synthetic),
        "snr": lambda: metrics.snr(synthetic),
        "kernel_distance": lambda: metrics.kernel_distance(real, synthetic),
        "noise_correlation_gap": lambda: _noise_gap(real, synthetic),
    }
    if train is not None:
        functions["memorisation_ratio"] = lambda: metrics.memorisation_ratio(synthetic, train, real)
    found: dict[str, float] = {}
    for name, function in functions.items():
        found[name] = _or_nan(name, label, function, float("nan"))
    nan = metrics.NeighbourScores(*[float("nan")] * 4)
    scores = _or_nan(
        "precision, recall, density and coverage",
        label,
        lambda: metrics.precision_recall_density_coverage(real, synthetic),
        nan,
    )
    found |= scores._asdict()
    if windows is not None:
        distances = metrics.white_line_distances(real, synthetic, energy, windows)
        found |= {f"wasserstein_{name}": value for name, value in distances.items()}
    return found


def _noise_gap(real: Spectra, synthetic: Spectra) -> float:
    """Return the largest difference of the neighbour correlations of the noise, lags 1 to 4."""
    gap = metrics.noise_correlation(real) - metrics.noise_correlation(synthetic)
    if np.isnan(gap).any():
        raise ValueError("one side has no noise")
    return float(np.abs(gap).max())


def _or_nan(name: str, label: Label, function: Callable[[], Any], nan: Any) -> Any:
    try:
        return function()
    except ValueError as error:
        warn(f"{name} of class {label!r} cannot be computed: {error}")
        return nan


def _real_against_real(
    label: Label,
    real: Spectra,
    energy: NDArray[np.float64],
    windows: metrics.WhiteLineWindows | None,
    seed: np.random.SeedSequence,
) -> dict[str, float] | None:
    """Compute mean metrics of random halves of real spectra; None for too few spectra."""
    random = np.random.default_rng(seed)
    half = len(real) // 2
    if half < MIN_TEST_SPECTRA:
        return None
    rows = []
    for _ in range(_HALVINGS):
        order = random.permutation(len(real))
        first, second = real[order[:half]], real[order[half : 2 * half]]
        rows.append(_compare(label, first, second, None, energy, windows))
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def _training_against_test(
    label: Label,
    train: Spectra,
    real: Spectra,
    energy: NDArray[np.float64],
    windows: metrics.WhiteLineWindows | None,
) -> dict[str, float] | None:
    """Compute metrics of training against test spectra; None for too few spectra.

    The memorisation ratio is that of every second training spectrum, as if it were synthetic and
    learned from the others.
    """
    if len(train) < 2 * MIN_TEST_SPECTRA:
        return None
    found = _compare(label, real, train, None, energy, windows)
    others, own = train[::2], train[1::2]
    found["memorisation_ratio"] = _or_nan(
        "memorisation_ratio",
        label,
        lambda: metrics.memorisation_ratio(own, others, real),
        float("nan"),
    )
    return found


def _classify(
    train: TrainingSet | None,
    made: dict[Label, Spectra],
    test: TrainingSet,
    names: list[str],
    state: int,
) -> TSTRResult:
    def flat(data: TrainingSet) -> tuple[Spectra, NDArray[Any]]:
        return (
            np.concatenate(list(data.spectra.values())),
            np.repeat(np.asarray(data.classes), list(data.counts.values())),
        )

    return score_trainings(flat(train) if train else None, made, flat(test), names, state)


def _resources(augmenter: FittedAugmenter) -> dict[Label, dict[str, float]]:
    return {
        label: {
            "training_spectra": augmenter.training_counts_[label],
            "epochs_trained": len(augmenter.history_[label].generator_cost),
            "epoch_kept": augmenter.best_[label].epoch,
            "fit_seconds": augmenter.fit_seconds_[label],
        }
        for label in augmenter.classes_
    }
