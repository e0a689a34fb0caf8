# SPDX-License-Identifier: GPL-3.0-or-later
"""The validation of a fitted augmenter in one call."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_dag import __version__, metrics
from hyperspy_dag._utils.checks import check_count, check_random_state
from hyperspy_dag._utils.streams import HALVES, SAMPLE, class_stream
from hyperspy_dag._utils.warnings import warn
from hyperspy_dag.labels import Label
from hyperspy_dag.preprocessing.normalisation import unit_maximum
from hyperspy_dag.training.fitted import FittedAugmenter, not_reached
from hyperspy_dag.training.training_set import TrainingSet

from ._figures import Figures, Spectra, compare
from ._inputs import MIN_TEST_SPECTRA, check_fitted, real_spectra
from ._sources import Sources
from .baselines import BASELINES, make_baseline
from .report import Report
from .tstr import check_classifiers, check_names, flat, score_trainings
from .verdict import judge_class, swapped_classes

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum
    from numpy.typing import ArrayLike


__all__ = ["evaluate"]

#: Synthetic spectra of each class that classifiers train on, where the user does not say.
DEFAULT_SPECTRA = 200

#: What is compared with real test spectra, besides synthetic ones and conventional methods.
SIDES = ("real", "training")


def evaluate(
    augmenter: FittedAugmenter,
    s_test: EELSSpectrum | Sequence[EELSSpectrum],
    labels_test: ArrayLike | Sequence[ArrayLike],
    *,
    s_train: EELSSpectrum | Sequence[EELSSpectrum] | None = None,
    labels_train: ArrayLike | Sequence[ArrayLike] | None = None,
    classifiers: Sequence[str] = ("svm", "ann"),
    baselines: Sequence[str] = ("noise", "pca_mixture_dose"),
    n_spectra: int | None = None,
    windows: metrics.WhiteLineWindows | None = None,
    random_state: int | np.random.Generator | None = None,
) -> Report:
    """Compare an augmenter's synthetic spectra with real spectra that were not trained on.

    The verdict on each class is *good*, *look at* or *do not use*, with the reason and what helps.
    It comes from figures of random groups of synthetic spectra against groups of test spectra, each
    beside the same figure of equally large groups of real spectra: can a classifier tell them
    apart, are shape, energies, noise and variety the real ones', are they copies. The metrics of
    del-Pozo-Bueno et al. 2024 and others stand beside them. Classifiers are trained on synthetic
    spectra and tested on the real ones (Fig. 6 and Table 1 there).

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
        The real spectra that the augmenter was trained on, at least 6 of each class; it does not
        store them. They add whether synthetic spectra are copies, whether the test spectra differ
        from the training spectra themselves, the conventional methods, and classifiers that are
        trained on real, and on real + synthetic spectra.
    labels_train : array-like or signal of the navigation shape, or list of them, optional
    classifiers : sequence of str, default ("svm", "ann")
        "svm": support vector machine with RBF kernel and grid search; "ann": neural network of a
        dense and a convolutional branch. ``()`` trains none. None is trained if there is one class.
    baselines : sequence of str, default ("noise", "pca_mixture_dose")
        Conventional methods, keys of `BASELINES`, that stand beside the augmenter where `s_train`
        is given: spectra with added noise, and a Gaussian mixture on principal components.
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
        Verdicts, tables and pictures.

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
    <Report, 2 classes, 40 test spectra: look at; to_html(path) shows it all>
    >>> report.n_test
    {'MnO': 20, 'MnO2': 20}
    """
    check_fitted(augmenter)
    names = check_classifiers(classifiers)
    rivals = check_names("baselines", baselines, BASELINES)
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
        train = real_spectra(augmenter, s_train, labels_train, "s_train", MIN_TEST_SPECTRA)
        _check_training_set(augmenter, train)
    trained_on = _count_trained_on(augmenter, test, train)

    if n_spectra is None:
        n_spectra = max([DEFAULT_SPECTRA, *(train.counts.values() if train else ())])
    count = max(n_spectra, DEFAULT_SPECTRA)
    drawn: dict[str, dict[Label, Spectra]] = {"synthetic": {}}
    for label in augmenter.classes_:
        s = augmenter.sample(max(count, test.counts.get(label, 0)), label=label, random_state=state)
        drawn["synthetic"][label] = unit_maximum(s.data, augmenter.preprocessing_)
        if train is None:
            continue
        seed = int(class_stream(label, SAMPLE, state).generate_state(1)[0])
        for name in rivals:
            method = make_baseline(name).fit(train.spectra[label])
            drawn.setdefault(name, {})[label] = method.sample(count, random_state=seed)
    figures = {
        label: _figures_of(augmenter, label, test, train, drawn, windows, state)
        for label in test.classes
    }
    classification = None
    if names and len(augmenter.classes_) > 1:
        made = {
            side: {label: rows[:n_spectra] for label, rows in by_class.items()}
            for side, by_class in drawn.items()
        }
        real, synthetic = flat(train.spectra) if train else None, made.pop("synthetic")
        tested = flat(test.spectra)
        classification = score_trainings(real, synthetic, tested, names, state, made)
    swapped = swapped_classes(drawn["synthetic"], test.spectra)
    sides = {
        side: {c: f.sides.get(side) for c, f in figures.items()} for side in SIDES + tuple(rivals)
    }
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
        n_compared={label: found.size for label, found in figures.items()},
        metrics={label: found.sides["synthetic"] for label, found in figures.items()},
        reference=sides["real"],
        training=sides["training"] if train is not None else None,
        baselines={name: sides[name] for name in rivals} if train is not None else {},
        limits={
            label: {name: found.limit(name) for name in found.reach}
            for label, found in figures.items()
        },
        alarms={label: found.alarms for label, found in figures.items()},
        verdicts={
            label: judge_class(
                found, augmenter.training_counts_[label], test.counts[label], swapped.get(label)
            )
            for label, found in figures.items()
        },
        notes=_notes(augmenter, test.classes, trained_on, train),
        classification=classification,
        resources=_resources(augmenter),
        # A copy: the pictures are drawn later, and the augmenter may be fitted again meanwhile.
        sources=Sources(
            augmenter.energy_axis_.energies,
            test.spectra,
            {label: drawn["synthetic"][label][:n] for label, n in test.counts.items()},
            copy.copy(augmenter),
            {label: train.spectra[label] for label in test.classes} if train else None,
        ),
    )


def _figures_of(
    augmenter: FittedAugmenter,
    label: Label,
    test: TrainingSet,
    train: TrainingSet | None,
    drawn: dict[str, dict[Label, Spectra]],
    windows: metrics.WhiteLineWindows | None,
    state: int,
) -> Figures:
    """Compare the spectra of a class; warn of what cannot be computed."""
    sides = {"real": test.spectra[label]} | {side: of[label] for side, of in drawn.items()}
    if train is not None:
        sides["training"] = train.spectra[label]
    random = np.random.default_rng(class_stream(label, HALVES, state))
    n_training = augmenter.training_counts_[label]
    found = compare(sides, augmenter.energy_axis_.energies, n_training, windows, random)
    for name, why in found.failed.items():
        warn(f"{name} of class {label!r} cannot be computed: {why}")
    return found


def _notes(
    augmenter: FittedAugmenter,
    classes: list[Label],
    trained_on: dict[Label, int],
    train: TrainingSet | None,
) -> list[str]:
    """Return what the reader has to know, the warnings of the fit among it."""
    notes = []
    if any(trained_on.values()):
        where = ", ".join(f"{n} of class {label}" for label, n in trained_on.items() if n)
        notes.append(f"Test spectra that were trained on: {where}. The figures are too good.")
    for label in classes:
        unreached = not_reached(augmenter, label)
        notes += [f"Warning of the fit: {unreached}"] if unreached else []
    if train is None:
        notes.append(
            "Not looked at: copies of training spectra, conventional methods, and whether the "
            "test spectra are of another region. `s_train` and `labels_train` add them."
        )
    else:
        notes += [f"Training spectra: {message}" for message in train.warnings]
    return notes


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
