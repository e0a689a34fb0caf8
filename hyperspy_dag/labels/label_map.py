# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of synthetic spectra in ``metadata.DAG``, sliced with the signal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .parsing import KIND_NAMES, Label, label_kind, parse_labels, plain_label

if TYPE_CHECKING:
    from hyperspy.signal import BaseSignal


def attach_labels(aug: BaseSignal, index: Any, classes: list[Label]) -> None:
    """Store the class of every spectrum of ``aug`` in its metadata, in place.

    ``metadata.DAG.labels`` becomes an integer array of the navigation shape.
    ``metadata.DAG.classes`` holds the name of each class under its number, "0" and on: HyperSpy's
    NeXus reader cannot open a file whose metadata hold a list of text. Both are plain NumPy and
    Python objects, so a file that holds them opens without this package.

    Parameters
    ----------
    aug : exspy.signals.EELSSpectrum
        Synthetic spectra with axes (spectrum, class | energy).
    index : array-like of int, shape ``aug.data.shape[:-1]``
        Position of each spectrum's class in ``classes``; -1 where it has none.
    classes : list of str, int or bool
        Class names, all of one kind.

    Raises
    ------
    ValueError
        ``index`` has another shape, or points outside ``classes``.
    TypeError
        ``index`` does not hold whole numbers, or the class names are of several kinds.

    See Also
    --------
    get_labels : Return the labels.

    Examples
    --------
    >>> from hyperspy_dag.data import simulated_oxides
    >>> from hyperspy_dag.labels import attach_labels, get_labels
    >>> s, _ = simulated_oxides("WL-Mn", {"MnO": 2, "MnO2": 1})
    >>> attach_labels(s, [0, 0, 1], ["MnO", "MnO2"])
    >>> get_labels(s).tolist()
    ['MnO', 'MnO', 'MnO2']
    """
    index = np.asarray(index)
    if index.dtype.kind not in "iu":
        raise TypeError(f"index must hold whole numbers; got dtype {index.dtype}.")
    nav_shape = aug.data.shape[: -aug.axes_manager.signal_dimension]
    if index.shape != nav_shape:
        raise ValueError(
            f"index must have the navigation shape of the signal, {nav_shape}; got {index.shape}."
        )
    classes = [plain_label(label) for label in classes]
    kinds = sorted({label_kind(label) or type(label).__name__ for label in classes})
    if len(kinds) != 1 or kinds[0] not in KIND_NAMES:
        raise TypeError(f"classes must be all str, all int or all bool; got {', '.join(kinds)}.")
    if index.size and not -1 <= index.min() <= index.max() < len(classes):
        raise ValueError(
            f"index must point into the {len(classes)} classes (0 to {len(classes) - 1}, or -1 for "
            f"none); "
            f"got {index.min()} to {index.max()}."
        )
    # At least one axis: HDF5 cannot store a compressed array that has none.
    aug.metadata.set_item("DAG.labels", np.atleast_1d(index.astype(np.int64)))
    aug.metadata.set_item("DAG.classes", {str(i): label for i, label in enumerate(classes)})


def keep_labels(s: BaseSignal, labels: Any) -> None:
    """Keep the labels of real spectra in the metadata of their signal, in place.

    They are saved with the signal in .hspy and .zspy files, and sliced with it. Labels that
    HyperSpy's ``cluster_analysis`` leaves in ``s.learning_results`` are neither in every version.

    Parameters
    ----------
    s : exspy.signals.EELSSpectrum
        Real spectra.
    labels : array-like or signal of the navigation shape
        See :func:`hyperspy_dag.labels.parse_labels`.

    Raises
    ------
    TypeError, ValueError
        The labels are wrong, or no spectrum is labelled.

    See Also
    --------
    hyperspy_dag.get_labels : Return the labels.

    Examples
    --------
    >>> from hyperspy_dag import get_labels
    >>> from hyperspy_dag.data import simulated_oxides
    >>> from hyperspy_dag.labels import keep_labels
    >>> s, _ = simulated_oxides("WL-Mn", {"MnO": 3})
    >>> keep_labels(s, ["core", None, "shell"])
    >>> get_labels(s.inav[1:]).tolist()
    ['', 'shell']
    """
    parsed = parse_labels(s, labels)
    if not parsed.classes:
        raise ValueError("no spectrum is labelled: there is nothing to keep")
    attach_labels(s, parsed.index, parsed.classes)


def stored_classes(aug: BaseSignal) -> list[Label]:
    """Return the class names in ``metadata.DAG.classes``, in their order.

    Parameters
    ----------
    aug : exspy.signals.EELSSpectrum
        As of :func:`get_labels`, which raises what is wrong with it.

    Returns
    -------
    list of str, int or bool
    """
    stored = aug.metadata.DAG.classes
    if hasattr(stored, "as_dictionary"):
        names = stored.as_dictionary()
        stored = [names[key] for key in sorted(names, key=int)]
    # Version 0.1 has a list, of which NeXus makes a name where it holds one.
    return [
        plain_label(one) for one in (stored if isinstance(stored, list | np.ndarray) else [stored])
    ]


def get_labels(aug: BaseSignal) -> NDArray[Any]:
    """Return the label of every spectrum of a signal that carries labels.

    The signal may be sliced by ``inav`` and ``isig``, or saved and loaded.

    Parameters
    ----------
    aug : exspy.signals.EELSSpectrum
        Result of ``dag_augment`` or of ``EELSAugmenter.sample``, or real spectra with the labels of
        :func:`hyperspy_dag.labels.keep_labels`.

    Returns
    -------
    numpy.ndarray of str, int or bool
        Labels of shape ``aug.data.shape[:-1]``, (classes, spectra) for the whole signal. For a
        single spectrum the array has no dimension, and ``labels.item()`` is its label. Real spectra
        without label have "", -1 or None, as the kind of the others is.

    Raises
    ------
    TypeError
        ``aug`` is not a HyperSpy signal.
    ValueError
        The signal has no labels, or its navigation axes were rearranged in a way that the labels
        did not follow.

    See Also
    --------
    hyperspy_dag.get_arrays : Return spectra and labels.
    hyperspy_dag.labels.keep_labels : Keep the labels of real spectra.
    hyperspy_dag.labels.parse_labels : Read labels of real spectra.

    Notes
    -----
    ``hs.load("augmented.nxs", nxdata_only=True)`` reads the spectra of a NeXus file. Without that
    option HyperSpy returns a list: the spectra, and each array of the metadata as a signal.

    Examples
    --------
    The file is that of the example of :class:`hyperspy_dag.EELSAugmenter`.

    >>> from hyperspy_dag import EELSAugmenter, get_labels
    >>> aug = EELSAugmenter.load("oxides.dag").sample(3)
    >>> get_labels(aug).tolist()
    [['MnO', 'MnO', 'MnO'], ['MnO2', 'MnO2', 'MnO2']]
    >>> get_labels(aug.inav[:2, 1]).tolist()
    ['MnO2', 'MnO2']
    """
    if not hasattr(aug, "metadata") or not hasattr(aug, "axes_manager"):
        raise TypeError(
            f"get_labels takes a HyperSpy signal made by dag_augment; got {type(aug).__name__}."
        )
    metadata = aug.metadata
    if not (metadata.has_item("DAG.labels") and metadata.has_item("DAG.classes")):
        raise ValueError(
            f"{aug!r} carries no labels (metadata.DAG.labels): it was not made by dag_augment. "
            "The labels of real spectra are those that you gave to dag_augment; "
            "hyperspy_dag.labels.keep_labels(s, labels) makes a signal carry them."
        )
    index = np.asarray(metadata.DAG.labels)
    nav_shape = aug.data.shape[: -aug.axes_manager.signal_dimension or None]
    if aug.axes_manager.navigation_dimension == 0:
        nav_shape = ()
    # A single label may have lost its axes: by slicing, or in a file.
    agrees = index.shape == nav_shape or index.size == math.prod(nav_shape) == 1
    if not agrees or _axes_swapped(aug):
        raise ValueError(
            f"The labels in metadata.DAG.labels, of shape {index.shape}, do not belong to the "
            f"navigation shape {nav_shape} of {aug!r}: the navigation axes were rearranged "
            "(transpose, swap, stack, sum, crop, split), or it was sliced where hyperspy_dag is "
            "not installed or is switched off (HYPERSPY_DAG_NO_HOOK). Take parts by inav, which "
            "the labels follow, or call get_labels on the signal before that step and treat the "
            "label array in the same way."
        )
    names = np.asarray(stored_classes(aug))
    if (index < 0).any():
        unlabelled = {"U": "", "i": -1}.get(names.dtype.kind)
        names = np.array([*names.tolist(), unlabelled], object if unlabelled is None else None)
    return names[index.reshape(nav_shape)]


def install_label_slicing(signal_class: type[BaseSignal]) -> None:
    """Make slices of ``signal_class`` slice the labels in ``metadata.DAG.labels`` too.

    HyperSpy slices the attributes named in ``_additional_slicing_targets``. It passes navigation
    and signal slices to each of them, which fails for a map without signal axes. The target is
    therefore a property of the signal that applies navigation slices alone.

    Parameters
    ----------
    signal_class : type
        ``exspy.signals.EELSSpectrum``; subclasses inherit it. A second call changes nothing.
    """
    name = "_dag_label_map"
    if name in signal_class._additional_slicing_targets:
        return
    setattr(signal_class, name, property(_get_label_map, _set_label_map))
    # A new list: the old one belongs to BaseSignal and so to every other kind of signal.
    signal_class._additional_slicing_targets = [*signal_class._additional_slicing_targets, name]


class _LabelMap:
    """Labels of one signal, with the interface of HyperSpy's slicing."""

    def __init__(self, signal: BaseSignal) -> None:
        self._signal = signal

    def _slicer(self, slices: Any, isNavigation: bool | None = None, out: Any = None) -> Any:
        index = np.asarray(self._signal.metadata.DAG.labels)
        axes = self._signal.axes_manager._axes
        shape = tuple(axis.size for axis in axes if axis.navigate)
        if isNavigation and shape and index.shape == shape:
            from hyperspy.signals import BaseSignal

            navigation = [axis.get_axis_dictionary() for axis in axes if axis.navigate]
            index = np.atleast_1d(BaseSignal(index, axes=navigation).inav[slices].data)
        if out is None:
            return index
        _set_label_map(out._signal, index)
        return None


def _get_label_map(signal: BaseSignal) -> _LabelMap:
    if not signal.metadata.has_item("DAG.labels"):
        raise AttributeError("this signal carries no labels")
    return _LabelMap(signal)


def _set_label_map(signal: BaseSignal, index: NDArray[Any]) -> None:
    signal.metadata.set_item("DAG.labels", index)


def _axes_swapped(aug: BaseSignal) -> bool:
    """Return whether the array has its axes as (spectrum, class), whose shape may fit too."""
    names = [axis.name for axis in aug.axes_manager._axes if axis.navigate]
    return "class" in names and "spectrum" in names[: names.index("class")]
