# SPDX-License-Identifier: GPL-3.0-or-later
"""Labelled spectra, checked and read: what a DAG is trained on."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._headers import plain_metadata
from .labels import ClassLabels, Label, parse_labels
from .preprocessing import axis_in_ev, check_signal, preprocessing_record

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

__all__ = ["TrainingSet", "data_digest", "spectrum_digests", "training_set"]

#: Between which values a spectrum's maximum may lie for it to count as max-normalised.
#: Interpolation or smoothing after the division lowers the maxima of noisy spectra well below 1.
NORMALISED_RANGE = (0.5, 1.5)

#: Fewer channels than this are no spectrum.
MIN_CHANNELS = 8


@dataclass(frozen=True)
class TrainingSet:
    """Checked, labelled spectra, ready for training.

    Attributes
    ----------
    spectra : dict of label to numpy.ndarray, float32, shape (n, channels)
        C-contiguous; rows in the order of the navigation positions.
    classes : list of str, int or bool
        Classes, sorted as :func:`numpy.unique` sorts them.
    axis : dict
        The energy axis as ``get_axis_dictionary`` gives it, in eV.
    digest : str
        SHA-256 of the spectra and their labels (hexadecimal). The memory layout, the navigation
        shape, laziness and spectra without a label have no part in it.
    preprocessing : dict or None
        What ``dag_preprocess`` noted in ``metadata.DAG.preprocessing``, if it made the signal.
    labels : ClassLabels
        The class of every spectrum of the signal, unlabelled ones included.
    instrument : dict or None
        The signal's ``metadata.Acquisition_instrument``.
    """

    spectra: dict[Label, NDArray[np.float32]]
    classes: list[Label]
    axis: dict[str, Any]
    digest: str
    preprocessing: dict[str, Any] | None
    labels: ClassLabels = field(repr=False)
    instrument: dict[str, Any] | None = None

    @property
    def channels(self) -> int:
        """Number of energy channels."""
        return int(next(iter(self.spectra.values())).shape[1])

    @property
    def counts(self) -> dict[Label, int]:
        """Number of spectra of each class."""
        return {label: len(spectra) for label, spectra in self.spectra.items()}


def training_set(
    s: EELSSpectrum,
    labels: Any,
    *,
    min_spectra: int = 8,
    recommended_spectra: int = 30,
) -> TrainingSet:
    """Check labelled spectra and read them, class by class.

    Parameters
    ----------
    s : exspy.signals.EELSSpectrum
        Max-normalised spectra, as :func:`preprocess` returns them. Of a lazy signal only the blocks
        that hold labelled spectra are read, in one computation.
    labels : array-like, HyperSpy signal or ClassLabels
        See :func:`hyperspy_dag.labels.parse_labels`.
    min_spectra : int, default 8
        Fewest spectra that a class may have.
    recommended_spectra : int, default 30
        Fewer than this in a class give a warning.

    Returns
    -------
    TrainingSet

    Raises
    ------
    TypeError
        ``s`` or ``labels`` are not of an accepted type.
    ValueError
        Nothing is labelled, a class has too few spectra, or labelled spectra hold NaN or infinity,
        are zero or constant, or are not max-normalised. The message says how many and where the
        first is, as ``s.inav`` counts, (x, y).

    Warns
    -----
    UserWarning
        A class has few spectra, a spectrum occurs more than once or reaches far below zero, or
        two classes have nearly the same name.
    """
    check_signal(s)
    if s.data.shape[-1] < MIN_CHANNELS:
        raise ValueError(
            f"the spectra have {s.data.shape[-1]} channels; at least {MIN_CHANNELS} are needed to "
            "learn from. Crop less: give a wider signal_range."
        )
    parsed = parse_labels(s, labels)
    _check_counts(parsed, min_spectra, recommended_spectra)
    _warn_similar_names(parsed.classes)
    where = np.nonzero(parsed.index >= 0)
    spectra = _read(s.data, where)
    _check_spectra(spectra, where)
    index = parsed.index[where]
    by_class = {
        label: np.ascontiguousarray(spectra[index == i]) for i, label in enumerate(parsed.classes)
    }
    _warn_duplicates(by_class)
    _warn_shared(by_class)
    return TrainingSet(
        spectra=by_class,
        classes=list(parsed.classes),
        axis=_energy_axis(s),
        digest=data_digest(by_class),
        preprocessing=preprocessing_record(s),
        labels=parsed,
        instrument=_instrument(s),
    )


def _instrument(s: EELSSpectrum) -> dict[str, Any] | None:
    node = s.metadata.get_item("Acquisition_instrument")
    return None if node is None else plain_metadata(node.as_dictionary())


def _energy_axis(s: EELSSpectrum) -> dict[str, Any]:
    """The energy axis as numbers: an expression would be run when a file with it is opened."""
    axis = axis_in_ev(s.axes_manager.signal_axes[0])[0]
    if hasattr(axis, "expression"):
        axis.convert_to_non_uniform_axis()
    return axis.get_axis_dictionary()


def spectrum_digests(spectra: ArrayLike) -> NDArray[np.uint64]:
    """Return a number for each spectrum that tells whether two are the same, bit for bit.

    Parameters
    ----------
    spectra : array-like, shape (n, channels)
        Compared as float32, in which spectra are trained on.

    Returns
    -------
    numpy.ndarray, uint64, shape (n,)
        The first 8 bytes of the SHA-256 of each spectrum.
    """
    # Adding 0 turns -0.0, which equals 0.0, into it.
    rows = np.asarray(spectra).astype("<f4") + np.float32(0)
    digests = b"".join(hashlib.sha256(row.tobytes()).digest()[:8] for row in rows)
    return np.frombuffer(digests, "<u8").astype(np.uint64)


def _check_counts(labels: ClassLabels, min_spectra: int, recommended_spectra: int) -> None:
    counts = labels.counts
    if not counts:
        raise ValueError(
            f"no spectrum is labelled: all {labels.index.size} labels mean unlabelled (-1, None, "
            "NaN "
            'or ""). Label the spectra of at least one class.'
        )
    too_few = {label: n for label, n in counts.items() if n < min_spectra}
    if too_few:
        raise ValueError(
            f"too few spectra to train on in {_summary(too_few)}; at least {min_spectra} are "
            "needed for each class. Label more, merge classes, or mark these unlabelled (-1 or "
            "None)."
        )
    few = {label: n for label, n in counts.items() if n < recommended_spectra}
    if few:
        warnings.warn(
            f"few spectra in {_summary(few)}; with fewer than {recommended_spectra} a class is "
            "learned poorly. Label more spectra if there are any.",
            UserWarning,
            stacklevel=3,
        )


def _summary(counts: dict[Label, int]) -> str:
    return ", ".join(f"class {label!r} ({n})" for label, n in counts.items())


def _read(data: Any, where: tuple[NDArray[np.intp], ...]) -> NDArray[np.float32]:
    """Return the spectra at some navigation positions as float32, reading nothing else."""
    if hasattr(data, "dask"):
        selected = data.vindex[(*where, slice(None))]
        with np.errstate(over="ignore"):
            return np.asarray(selected.astype(np.float32).compute())
    with np.errstate(over="ignore"):  # what overflows is reported as infinite
        return data[where].astype(np.float32)


def _check_spectra(spectra: NDArray[np.float32], where: tuple[NDArray[np.intp], ...]) -> None:
    total = len(spectra)

    def first(rows: NDArray[np.bool_]) -> str:
        row = int(np.flatnonzero(rows)[0])
        return f"first at navigation position {tuple(int(i[row]) for i in reversed(where))}"

    finite = np.isfinite(spectra)
    broken = ~finite.all(axis=1)
    if broken.any():
        raise ValueError(
            f"{int(broken.sum())} of {total} labelled spectra hold NaN or infinity "
            f"({int((~finite).sum())} values; {first(broken)}). Repair them, or mark them "
            "unlabelled (-1 or None)."
        )
    maximum, minimum = spectra.max(axis=1), spectra.min(axis=1)
    flat = maximum == minimum
    if flat.any():
        zero = flat & (maximum == 0)
        raise ValueError(
            f"{int(flat.sum())} of {total} labelled spectra are constant, {int(zero.sum())} of "
            f"them zero ({first(flat)}). Mark them unlabelled (-1 or None)."
        )
    off = (maximum < NORMALISED_RANGE[0]) | (maximum > NORMALISED_RANGE[1])
    if off.any():
        raise ValueError(
            f"{int(off.sum())} of {total} labelled spectra are not max-normalised ({first(off)}): "
            f"their maxima run from {maximum.min():.6g} to {maximum.max():.6g} where 1 is "
            "expected. Call s = s.dag_preprocess(background_range=..., signal_range=...) first, or "
            "s.dag_preprocess() if the background is removed already."
        )

    deep = minimum < -maximum
    if deep.any():
        warnings.warn(
            f"{int(deep.sum())} of {total} labelled spectra reach further below zero than above "
            f"it, down to {minimum.min():.3g} ({first(deep)}): a dead channel, or a background "
            "taken away twice? They will be learned as they are; repair or unlabel them.",
            UserWarning,
            stacklevel=3,
        )


def _warn_duplicates(spectra: dict[Label, NDArray[np.float32]]) -> None:
    counts = {
        label: len(rows) - len({row.tobytes() for row in rows}) for label, rows in spectra.items()
    }
    same = [repr(label) for label, n in counts.items() if n and n == len(spectra[label]) - 1]
    if same:
        raise ValueError(
            f"all spectra of class {', '.join(same)} are the same: there is no variation to learn. "
            "Label spectra that were measured one by one."
        )
    found = [f"{n} in class {label!r}" for label, n in counts.items() if n]
    if found:
        warnings.warn(
            f"spectra that repeat another of their class exactly: {', '.join(found)}. They add no "
            "information and weigh double; unlabel all but one of each.",
            UserWarning,
            stacklevel=3,
        )


def _warn_shared(spectra: dict[Label, NDArray[np.float32]]) -> None:
    owners: dict[int, set[Label]] = {}
    for label, rows in spectra.items():
        for digest in spectrum_digests(rows).tolist():
            owners.setdefault(digest, set()).add(label)
    shared = [labels for labels in owners.values() if len(labels) > 1]
    if shared:
        names = sorted(map(repr, set().union(*shared)))
        warnings.warn(
            f"the same spectrum is labelled as more than one class: {len(shared)} of them, in "
            f"classes {', '.join(names)}. A classifier can only guess there; keep one label of "
            "each.",
            UserWarning,
            stacklevel=3,
        )


def _warn_similar_names(classes: Iterable[Label]) -> None:
    named: dict[str, list[Label]] = {}
    for label in classes:
        if isinstance(label, str):
            named.setdefault("".join(label.split()).casefold(), []).append(label)
    similar = [" and ".join(map(repr, labels)) for labels in named.values() if len(labels) > 1]
    if similar:
        warnings.warn(
            f"class names that differ only in blanks or capitals: {'; '.join(similar)}. They are "
            "trained as different classes; if one is a slip, mend the labels.",
            UserWarning,
            stacklevel=3,
        )


def data_digest(spectra: dict[Label, NDArray[np.float32]]) -> str:
    """Return the SHA-256 (hexadecimal) of spectra, shape (n, channels), by class."""
    digest = hashlib.sha256()
    for label, rows in spectra.items():
        digest.update(f"{label!r} {rows.shape}\n".encode())
        digest.update(rows.astype("<f4").tobytes())
    return digest.hexdigest()
