# SPDX-License-Identifier: GPL-3.0-or-later
"""Training sets: labelled spectra, checked and read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hyperspy_dag._utils.checks import name_of
from hyperspy_dag._utils.warnings import warn
from hyperspy_dag.io.headers import plain_metadata
from hyperspy_dag.labels import ClassLabels, Label, merge_labels, parse_labels
from hyperspy_dag.preprocessing.alignment import classes_apart
from hyperspy_dag.preprocessing.common_axis import CommonAxis, check_signals, source_record
from hyperspy_dag.preprocessing.energy_axis import EnergyAxis
from hyperspy_dag.preprocessing.masked import read_spectra
from hyperspy_dag.preprocessing.normalisation import unit_maximum
from hyperspy_dag.preprocessing.record import preprocessing_record
from hyperspy_dag.preprocessing.resampling import Resampling
from hyperspy_dag.preprocessing.spikes import have_spikes
from hyperspy_dag.preprocessing.steps import NORMALISED_RANGE, check_signal

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

__all__ = ["TrainingSet", "data_digest", "read_training_set", "spectrum_digests", "training_set"]


@dataclass(frozen=True)
class TrainingSet:
    """Checked, labelled spectra for the training.

    Attributes
    ----------
    spectra : dict of label to numpy.ndarray, float32, shape (n, channels)
        Max-normalised, those given with unit area too. C-contiguous; rows in the order of the
        navigation positions.
    energy_axis : EnergyAxis
    digest : str
        SHA-256 of the spectra and their labels (hexadecimal). It does not depend on memory layout,
        navigation shape, laziness and unlabelled spectra.
    spectrum_digests : dict of label to numpy.ndarray, uint64, shape (n,)
        See :func:`spectrum_digests`.
    preprocessing : dict or None
        Record of ``dag_preprocess`` in ``metadata.DAG.preprocessing``, if there is one. For several
        signals, their common record, ``align_on``, and ``sources``: for each signal, "0" and on,
        its title, original energy axis, shift, labelled spectra and record of ``dag_preprocess``.
    labels : ClassLabels
        The class of every spectrum of the signal, unlabelled ones included; of several signals,
        flat and one after the other.
    instrument : dict or None
        ``metadata.Acquisition_instrument`` of the signal; the common items of several.
    warnings : tuple of str
        Warnings for the user before the training.
    """

    spectra: dict[Label, NDArray[np.float32]]
    energy_axis: EnergyAxis
    digest: str
    spectrum_digests: dict[Label, NDArray[np.uint64]] = field(repr=False)
    preprocessing: dict[str, Any] | None
    labels: ClassLabels = field(repr=False)
    instrument: dict[str, Any] | None = None
    warnings: tuple[str, ...] = ()

    @property
    def classes(self) -> list[Label]:
        """Classes, sorted as by :func:`numpy.unique`."""
        return list(self.spectra)

    @property
    def channels(self) -> int:
        """Number of energy channels."""
        return self.energy_axis.size

    @property
    def counts(self) -> dict[Label, int]:
        """Number of spectra of each class."""
        return {label: len(spectra) for label, spectra in self.spectra.items()}

    def warn(self) -> None:
        """Give the user all :attr:`warnings`."""
        for message in self.warnings:
            warn(message)


def training_set(
    s: EELSSpectrum | Sequence[EELSSpectrum],
    labels: Any,
    *,
    min_spectra: int = 8,
    recommended_spectra: int | None = 30,
    align_on: tuple[float, float] | None = None,
) -> TrainingSet:
    """Check and read labelled spectra, class by class.

    Parameters
    ----------
    s : exspy.signals.EELSSpectrum, or list of them
        Normalised spectra, as :func:`preprocess` returns them. Of a lazy signal only the blocks
        that hold labelled spectra are read, in one computation. Several signals are brought to one
        energy axis as :func:`~hyperspy_dag.common_energy_axis` does, and normalised
        again.
    labels : array-like, HyperSpy signal or ClassLabels, or list of them
        See :func:`hyperspy_dag.labels.parse_labels`. A list of signals needs a list of labels.
    min_spectra : int, default 8
        Smallest number of spectra of a class, in all signals together.
    recommended_spectra : int or None, default 30
        Smaller classes give a warning. None gives no advice on the choice of spectra.
    align_on : (float, float) or SpanROI, optional
        See :func:`~hyperspy_dag.common_energy_axis`; the mean is that of the labelled
        spectra. Several signals only.

    Returns
    -------
    TrainingSet

    Raises
    ------
    TypeError
        ``s`` or ``labels`` are not of an accepted type, or the labels of several signals are of
        several kinds.
    ValueError
        Nothing is labelled (in one of the signals), a class has too few spectra, or labelled
        spectra hold NaN, infinity or masked values, are zero or constant, or are not
        max-normalised; the message says how many and where the first is, as ``s.inav`` counts,
        (x, y). Several signals have no common energy axis.

    Warns
    -----
    UserWarning
        Spectra are synthetic or hold spikes, a class has few spectra, a spectrum occurs more than
        once or reaches far below zero, two classes have nearly the same name, each class comes
        from one of several signals, or a class lies more than 1 eV higher in one signal than in
        another.
    """
    data = read_training_set(
        s,
        labels,
        min_spectra=min_spectra,
        recommended_spectra=recommended_spectra,
        align_on=align_on,
    )
    data.warn()
    return data


def read_training_set(
    s: EELSSpectrum | Sequence[EELSSpectrum],
    labels: Any,
    *,
    min_spectra: int = 8,
    recommended_spectra: int | None = 30,
    align_on: tuple[float, float] | None = None,
) -> TrainingSet:
    """Read as :func:`training_set`, but keep the warnings in :attr:`TrainingSet.warnings`."""
    several = isinstance(s, list | tuple)
    signals, given = check_experiments(s, labels) if several else ([s], [labels])
    if not several:
        check_signal(s)
    common = CommonAxis(signals, align_on)
    if common.window is not None and len(signals) == 1:
        raise ValueError("align_on aligns several signals; one was given. Leave it out.")
    parsed = [_parse(one, given[i], _name(i, signals)) for i, one in enumerate(signals)]
    merged = merge_labels(parsed) if len(signals) > 1 else parsed[0]
    _check_counts(merged, min_spectra)
    rows, said = [], []
    for i, one in enumerate(signals):
        where = np.nonzero(parsed[i].index >= 0)
        rows.append(unit_maximum(read_spectra(one.data, where), preprocessing_record(one)))
        said += _check_spectra(_as_float32(rows[i]), where, _name(i, signals))
        if recommended_spectra is not None:
            said += _spikes(rows[i], parsed[i].index[where], where, _name(i, signals))
    axis, resamplings, shifts = common.plan(lambda i: rows[i].mean(axis=0, dtype=np.float64))
    if len(signals) > 1:
        rows = [
            _onto_axis(own, resampling, _name(i, signals))
            for i, (own, resampling) in enumerate(zip(rows, resamplings, strict=True))
        ]
    spectra = np.concatenate([_as_float32(own) for own in rows])
    index = merged.index[merged.index >= 0]
    by_class = {
        label: np.ascontiguousarray(spectra[index == i]) for i, label in enumerate(merged.classes)
    }
    digests = {label: spectrum_digests(own) for label, own in by_class.items()}
    said = _similar_names(merged.classes) + said
    if recommended_spectra is not None:
        said = _few(merged.counts, recommended_spectra) + _synthetic(signals) + said
        if len(signals) > 1:
            said += _confounded([one.classes for one in parsed])
            said += classes_apart(axis, _class_means(rows, parsed))
    return TrainingSet(
        spectra=by_class,
        energy_axis=axis,
        digest=data_digest(by_class),
        spectrum_digests=digests,
        preprocessing=plain_metadata(
            _preprocessing(signals, shifts, [len(own) for own in rows], common.window)
        ),
        labels=merged,
        instrument=_common_items([_instrument(one) for one in signals]),
        warnings=(*said, *_duplicates(digests), *_shared(digests)),
    )


def _synthetic(signals: Sequence[EELSSpectrum]) -> list[str]:
    return [
        f"{_name(i, signals) or 'the signal'} holds synthetic spectra (metadata.DAG says "
        "what they were made from): what is learned from generated spectra varies less "
        "and carries their errors on. Train on real ones alone."
        for i, s in enumerate(signals)
        if s.metadata.has_item("DAG.training_digest")
    ]


def _confounded(origins: Sequence[Sequence[Label]]) -> list[str]:
    """Return a message if every class comes from one signal only, given the classes of each."""
    signals_of: dict[Label, set[int]] = {}
    for i, classes in enumerate(origins):
        for label in classes:
            signals_of.setdefault(label, set()).add(i)
    used = set().union(*signals_of.values())
    if len(signals_of) < 2 or len(used) < 2 or any(len(own) > 1 for own in signals_of.values()):
        return []
    where = ", ".join(f"{label!r} in signal {min(own) + 1}" for label, own in signals_of.items())
    return [
        f"each class comes from one signal only ({where}): a classifier can tell these classes "
        "apart by the instrument (resolution, noise, calibration) instead of the material. "
        "Have spectra of each class in several signals, or test on other instruments."
    ]


def _name(number: int, signals: Sequence[Any]) -> str:
    return name_of(number, len(signals)) if len(signals) > 1 else ""


def check_experiments(signals: Any, labels: Any) -> tuple[list[EELSSpectrum], list[Any]]:
    """Return the signals of several experiments and as many label arrays, checked."""
    signals = check_signals(signals)
    if not isinstance(labels, list | tuple) or len(labels) != len(signals):
        found = (
            f"{len(labels)} of them were given"
            if isinstance(labels, list | tuple)
            else f"{type(labels).__name__} was given"
        )
        raise ValueError(
            f"a list of {len(signals)} signals needs a list of as many label maps, "
            f"fit([s1, s2], [labels1, labels2]); {found}"
        )
    return signals, list(labels)


def _parse(s: EELSSpectrum, labels: Any, name: str) -> ClassLabels:
    if not name:
        return parse_labels(s, labels)
    try:
        parsed = parse_labels(s, labels)
    except (TypeError, ValueError) as error:
        raise type(error)(f"labels of {name}: {error}") from error
    if not parsed.classes:
        raise ValueError(
            f"labels of {name}: no spectrum is labelled. Leave that signal out, since it would "
            "narrow and coarsen the energy axis of the others."
        )
    return parsed


def _onto_axis(rows: NDArray[Any], resampling: Resampling, name: str) -> NDArray[Any]:
    rows = resampling(rows, normalise=True)
    # The common axis may leave out all that there was.
    empty = int((rows.max(axis=1) <= 0).sum())
    if empty:
        raise ValueError(
            f"{empty} of {len(rows)} labelled spectra of {name} have no positive intensity on the "
            "energies that the signals have in common; mark them unlabelled (-1 or None)."
        )
    return rows


def _class_means(
    rows: Sequence[NDArray[Any]], parsed: Sequence[ClassLabels]
) -> list[dict[Label, NDArray[np.float64]]]:
    """Return the mean spectrum of each class in each signal."""
    means = []
    for own, labels in zip(rows, parsed, strict=True):
        index = labels.index[labels.index >= 0]
        means.append(
            {
                label: own[index == i].mean(axis=0, dtype=np.float64)
                for i, label in enumerate(labels.classes)
            }
        )
    return means


def _preprocessing(
    signals: Sequence[EELSSpectrum],
    shifts: Sequence[float],
    counts: Sequence[int],
    align_on: tuple[float, float] | None,
) -> dict[str, Any] | None:
    if len(signals) == 1:
        return preprocessing_record(signals[0])
    records = [preprocessing_record(s) or {} for s in signals]
    sources = [source_record(s, shift) for s, shift in zip(signals, shifts, strict=True)]
    for record, source, count in zip(records, sources, counts, strict=True):
        record.pop("common_axis", None)
        source["spectra"] = count
        if record:
            source["preprocessing"] = record
    return {
        **(_common_items(records) or {}),
        "align_on": align_on,
        "sources": {str(i): source for i, source in enumerate(sources)},
    }


def _common_items(records: Sequence[dict[str, Any] | None]) -> dict[str, Any] | None:
    """Return the common items of several nested dictionaries, or None if there are none."""
    known = [record for record in records if record is not None]
    if len(known) < len(records):
        return None
    first, *others = known
    if not others:
        return first
    common = {}
    for key, value in first.items():
        if not all(key in record for record in others):
            continue
        if isinstance(value, dict):
            if all(isinstance(record[key], dict) for record in others):
                value = _common_items([record[key] for record in known])
                if value:
                    common[key] = value
        elif all(_equal(record[key], value) for record in others):
            common[key] = value
    return common or None


def _equal(value: Any, other: Any) -> bool:
    return type(value) is type(other) and np.array_equal(value, other)


def _instrument(s: EELSSpectrum) -> dict[str, Any] | None:
    node = s.metadata.get_item("Acquisition_instrument")
    return None if node is None else plain_metadata(node.as_dictionary())


def spectrum_digests(spectra: ArrayLike) -> NDArray[np.uint64]:
    """Return a digest of each spectrum, equal for spectra that are equal bit for bit.

    Parameters
    ----------
    spectra : array-like, shape (n, channels)
        Spectra, compared as float32, the precision of the training.

    Returns
    -------
    numpy.ndarray, uint64, shape (n,)
        The first 8 bytes of the SHA-256 of each spectrum.
    """
    # Adding 0 turns -0.0, which equals 0.0, into it.
    rows = np.asarray(spectra).astype("<f4") + np.float32(0)
    digests = b"".join(hashlib.sha256(row.tobytes()).digest()[:8] for row in rows)
    return np.frombuffer(digests, "<u8").astype(np.uint64)


def _check_counts(labels: ClassLabels, min_spectra: int) -> None:
    counts = labels.counts
    if not counts:
        raise ValueError(
            f"no spectrum is labelled: all {labels.index.size} labels mean unlabelled (-1, None, "
            'NaN or ""). Label the spectra of at least one class.'
        )
    too_few = {label: n for label, n in counts.items() if n < min_spectra}
    if too_few:
        raise ValueError(
            f"too few spectra to train on in {_summary(too_few)}; at least {min_spectra} are "
            "needed for each class. Label more, merge classes, or mark these unlabelled (-1 or "
            "None)."
        )


def _few(counts: dict[Label, int], recommended: int) -> list[str]:
    few = {label: n for label, n in counts.items() if n < recommended}
    return [
        f"few spectra in {_summary(few)}; with fewer than {recommended} a class is "
        "learned poorly. Label more spectra if there are any."
    ] * bool(few)


def _summary(counts: dict[Label, int]) -> str:
    return ", ".join(f"class {label!r} ({n})" for label, n in counts.items())


def _as_float32(spectra: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # what overflows is reported as infinite
        return spectra.astype(np.float32, copy=False)


def _check_spectra(
    spectra: NDArray[np.float32], where: tuple[NDArray[np.intp], ...], name: str
) -> list[str]:
    total = f"{len(spectra)} labelled spectra"
    if name:
        total += f" of {name}"

    def first(rows: NDArray[np.bool_]) -> str:
        return _first(rows, where)

    finite = np.isfinite(spectra)
    broken = ~np.all(finite, axis=1)
    if broken.any():
        raise ValueError(
            f"{int(broken.sum())} of {total} hold masked values, NaN or infinity "
            f"({int((~finite).sum())} values; {first(broken)}). Repair them, or mark them "
            "unlabelled (-1 or None)."
        )
    maximum, minimum = spectra.max(axis=1), spectra.min(axis=1)
    flat = maximum == minimum
    if flat.any():
        zero = flat & (maximum == 0)
        raise ValueError(
            f"{int(flat.sum())} of {total} are constant, {int(zero.sum())} of "
            f"them zero ({first(flat)}). Mark them unlabelled (-1 or None)."
        )
    off = (maximum < NORMALISED_RANGE[0]) | (maximum > NORMALISED_RANGE[1])
    if off.any():
        raise ValueError(
            f"{int(off.sum())} of {total} are not max-normalised ({first(off)}): "
            f"their maxima run from {maximum.min():.6g} to {maximum.max():.6g} where 1 is "
            "expected. Call s = s.dag_preprocess(background_range=..., signal_range=...) first, or "
            "s.dag_preprocess() if the background is removed already."
        )

    deep = minimum < -maximum
    if not deep.any():
        return []
    return [
        f"{int(deep.sum())} of {total} reach further below zero than above "
        f"it, down to {minimum.min():.3g} ({first(deep)}): a dead channel, or a background "
        "taken away twice? They are used as they are; repair or unlabel them."
    ]


def _first(rows: NDArray[np.bool_], where: tuple[NDArray[np.intp], ...]) -> str:
    row = int(np.flatnonzero(rows)[0])
    return f"first at navigation position {tuple(int(i[row]) for i in reversed(where))}"


def _spikes(
    spectra: NDArray[Any],
    index: NDArray[np.integer],
    where: tuple[NDArray[np.intp], ...],
    name: str,
) -> list[str]:
    found = np.zeros(len(spectra), dtype=bool)
    for number in np.unique(index):
        found[index == number] = have_spikes(spectra[index == number])
    if not found.any():
        return []
    total = f"{len(spectra)} labelled spectra" + (f" of {name}" if name else "")
    return [
        f"{int(found.sum())} of {total} hold a spike, as an X-ray leaves it in a few channels "
        f"({_first(found, where)}). They will be learned as they are; have spikes taken out of "
        "the raw spectra by s.dag_preprocess(..., remove_spikes=True), or mark these spectra "
        "unlabelled (-1 or None)."
    ]


def _duplicates(digests: dict[Label, NDArray[np.uint64]]) -> list[str]:
    counts = {label: len(own) - len(np.unique(own)) for label, own in digests.items()}
    same = [repr(label) for label, n in counts.items() if n and n == len(digests[label]) - 1]
    if same:
        raise ValueError(
            f"all spectra of class {', '.join(same)} are the same: they do not vary. Label "
            "spectra that were measured one by one."
        )
    found = [f"{n} in class {label!r}" for label, n in counts.items() if n]
    return [
        f"spectra that repeat another of their class exactly: {', '.join(found)}. They add no "
        "information and weigh double; unlabel all but one of each."
    ] * bool(found)


def _shared(digests: dict[Label, NDArray[np.uint64]]) -> list[str]:
    owners: dict[int, set[Label]] = {}
    for label, own in digests.items():
        for digest in own.tolist():
            owners.setdefault(digest, set()).add(label)
    shared = [labels for labels in owners.values() if len(labels) > 1]
    names = sorted(map(repr, set().union(*shared)))
    return [
        f"the same spectrum is labelled as more than one class: {len(shared)} of them, in "
        f"classes {', '.join(names)}. A classifier can only guess there; keep one label of "
        "each."
    ] * bool(shared)


def _similar_names(classes: Iterable[Label]) -> list[str]:
    named: dict[str, list[Label]] = {}
    for label in classes:
        if isinstance(label, str):
            named.setdefault("".join(label.split()).casefold(), []).append(label)
    similar = [" and ".join(map(repr, labels)) for labels in named.values() if len(labels) > 1]
    return [
        f"class names that differ only in blanks or capitals: {'; '.join(similar)}. They are "
        "taken for different classes; if one is a slip, mend the labels."
    ] * bool(similar)


def data_digest(spectra: dict[Label, NDArray[np.float32]]) -> str:
    """Return the SHA-256 (hexadecimal) of spectra, shape (n, channels), by class."""
    digest = hashlib.sha256()
    for label, rows in spectra.items():
        digest.update(f"{label!r} {rows.shape}\n".encode())
        digest.update(rows.astype("<f4").tobytes())
    return digest.hexdigest()
