# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of an augmenter, and of real spectra against its training spectra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hyperspy_dag._utils.warnings import warn
from hyperspy_dag.labels import merge_labels, parse_labels
from hyperspy_dag.preprocessing import check_signal
from hyperspy_dag.preprocessing.energy_axis import EnergyAxis
from hyperspy_dag.preprocessing.resampling import resampled, resampling_onto
from hyperspy_dag.training.fitted import FittedAugmenter, is_augmenter
from hyperspy_dag.training.training_set import TrainingSet, check_experiments, read_training_set

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

#: The neighbour metrics look at the fifth neighbour, so that a class needs six spectra.
MIN_TEST_SPECTRA = 6


def check_fitted(augmenter: object) -> FittedAugmenter:
    """Return a fitted augmenter, checked.

    Raises
    ------
    TypeError
        It is no EELSAugmenter.
    NotFittedError
        It is not fitted.
    """
    if not is_augmenter(augmenter):
        raise TypeError(
            f"a fitted EELSAugmenter is needed; got {type(augmenter).__name__}. The order is "
            "evaluate(augmenter, s_test, labels_test)."
        )
    return augmenter


def real_spectra(
    augmenter: FittedAugmenter, s: Any, labels: Any, name: str, min_spectra: int
) -> TrainingSet:
    """Read real spectra that are compared with those of an augmenter.

    Parameters
    ----------
    augmenter : EELSAugmenter
        Fitted.
    s : EELSSpectrum, or list of them
        Signals in a list are rebinned to the augmenter's energy axis if they have another.
    labels : array-like, HyperSpy signal or ClassLabels, or list of them
    name : str
        Name of the signal in messages.
    min_spectra : int
        Smallest number of spectra of a class.

    Raises
    ------
    TypeError, ValueError
        The spectra are synthetic, on another energy axis, of a class that was not trained, too few,
        hold NaN, or are not max-normalised.
    """
    if isinstance(s, list | tuple):
        signals, labels = check_experiments(s, labels)
        names = [f"{name}[{i}]" for i in range(len(signals))]
        for one, own in zip(signals, names, strict=True):
            _check_real(one, own)
        s = [_onto_trained(augmenter, one, own) for one, own in zip(signals, names, strict=True)]
        parsed: Any = [parse_labels(one, own) for one, own in zip(s, labels, strict=True)]
        merged = merge_labels(parsed)
    else:
        try:
            check_signal(s)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name}: {error}") from error
        _check_real(s, name)
        _check_axis(s, augmenter.energy_axis_, name)
        parsed = merged = parse_labels(s, labels)
    _check_classes(merged.counts, augmenter.classes_, name, min_spectra)
    # At least one of each is there; few test spectra are no reason for the advice of a training.
    try:
        data = read_training_set(s, parsed, min_spectra=1, recommended_spectra=None)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from error
    for message in data.warnings:
        warn(f"{name}: {message}")
    return data


def _check_real(s: EELSSpectrum, name: str) -> None:
    if s.metadata.has_item("DAG.training_digest"):
        raise ValueError(
            f"{name} is synthetic, made by hyperspy_dag (it carries metadata.DAG): real spectra "
            "are needed. Are real and synthetic swapped? The synthetic spectra are drawn from the "
            "augmenter here."
        )


def _onto_trained(augmenter: FittedAugmenter, s: EELSSpectrum, name: str) -> EELSSpectrum:
    """Rebin spectra to the energy axis of the training spectra, if they have another."""
    resampling = resampling_onto(EnergyAxis.of_signal(s), augmenter.energy_axis_, name)
    if resampling.is_identity:
        return s
    if (augmenter.preprocessing_ or {}).get("align_on") is not None:
        raise ValueError(
            f"{name} is on another energy axis than the training spectra, and these were aligned "
            "on an edge (align_on), each signal by a shift of its own. Bring training and test "
            "spectra to one axis together, common_energy_axis(signals, align_on=...), divide them "
            "then, and fit without align_on."
        )
    return resampled(s, augmenter.energy_axis_, resampling)


def _check_axis(s: EELSSpectrum, trained: EnergyAxis, name: str) -> None:
    given = EnergyAxis.of_signal(s)
    if not given.is_same_as(trained):
        raise ValueError(
            f"{name} is on another energy axis than the training spectra: "
            f"{given} instead of {trained}. Prepare it as those were, "
            "s.dag_preprocess with the same signal_range, and rebin or interpolate first where "
            "the dispersion differs; evaluate([s_test], [labels_test]) does."
        )


def _check_classes(counts: dict, trained: list, name: str, min_spectra: int) -> None:
    if not counts:
        raise ValueError(f"no spectrum of {name} is labelled; label those that are to be used.")
    # True is no 1 here: a class is what its label is called.
    known = {(type(label), label) for label in trained}
    unknown = [label for label in counts if (type(label), label) not in known]
    if unknown:
        raise ValueError(
            f"{name} has spectra of {_names(unknown)}, which the augmenter was not trained on; "
            f"its classes are {', '.join(map(repr, trained))}. Mark the others unlabelled (-1 or "
            "None)."
        )
    few = {label: n for label, n in counts.items() if n < min_spectra}
    if few:
        raise ValueError(
            f"{name} has too few spectra of "
            + ", ".join(f"class {label!r} ({n})" for label, n in few.items())
            + f"; at least {min_spectra} of each class are needed. Add some, or mark these "
            "unlabelled (-1 or None)."
        )


def _names(labels: list) -> str:
    return f"class{'es' if len(labels) > 1 else ''} {', '.join(map(repr, labels))}"
