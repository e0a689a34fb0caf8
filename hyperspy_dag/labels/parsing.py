# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading of the labels of real spectra.

A label map has the navigation shape of the signal in NumPy's order (``s.data.shape[:-1]``). Inside
the package it is a :class:`ClassLabels`: an integer map into the sorted list of classes, -1 where a
spectrum has no label.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hyperspy_dag._utils.warnings import warn

if TYPE_CHECKING:
    from hyperspy.signal import BaseSignal


Label = str | int | bool


#: Strings that mean "no label", after stripping blanks and in any case: what NumPy and table
#: readers make of an empty cell, of NaN and of -1 once a column holds text.
UNLABELLED_STRINGS = frozenset({"", "-1", "nan", "<na>"})

KIND_NAMES = {"str": "text", "int": "whole numbers", "bool": "True/False"}


@dataclass(frozen=True)
class ClassLabels:
    """The class of every spectrum of a signal.

    Attributes
    ----------
    index : numpy.ndarray of int, the navigation shape
        Position of each spectrum's class in ``classes``; -1 where the spectrum has no label.
    classes : list of str, int or bool
        Classes with at least one spectrum, sorted as by :func:`numpy.unique`.

    See Also
    --------
    parse_labels : Read labels of any format.

    Examples
    --------
    >>> from hyperspy_dag.labels import ClassLabels
    >>> labels = ClassLabels(index=np.array([0, 1, 1, -1]), classes=["MnO", "MnO2"])
    >>> labels.counts
    {'MnO': 1, 'MnO2': 2}
    """

    index: NDArray[np.intp]
    classes: list[Label]

    @property
    def counts(self) -> dict[Label, int]:
        """Number of spectra of each class, in the order of ``classes``."""
        numbers_ = np.bincount(self.index[self.index >= 0], minlength=len(self.classes))
        return {label: int(n) for label, n in zip(self.classes, numbers_, strict=True)}


def parse_labels(s: BaseSignal, labels: Any) -> ClassLabels:
    """Read the class of every spectrum of ``s`` from labels of any accepted format.

    Parameters
    ----------
    s : exspy.signals.EELSSpectrum
        Labelled signal; only its navigation shape is used.
    labels : array-like, HyperSpy signal or ClassLabels
        One label for each spectrum, as one of

        - an array-like of the navigation shape in NumPy's order, ``s.data.shape[:-1]``, for a scan
          (y, x): nested lists, NumPy, Dask and masked arrays, pandas Series and Categorical;
        - a HyperSpy signal, lazy or not, whose data have that shape, whichever of its axes are
          navigation or signal axes;
        - the output of ``s.get_cluster_labels()``, with ``merged=True`` or ``merged=False`` (one
          True/False map for each cluster; the label is the cluster's number), or a result of
          hyperspy-ml with a method of that name;
        - one-hot: an array of shape (..., classes), dense or sparse, or a pandas DataFrame with a
          column for each class, 1 or True in the column of the class and 0 elsewhere. The label is
          the name of the column, or its number. A row of zeros means unlabelled.

        Labels are text, whole numbers (also as floats) or True/False, one of these throughout.
        ``-1``, ``None``, NaN, masked values and the strings ``""``, ``"-1"``, ``"nan"`` and
        ``"<NA>"`` (in any case, blanks around them ignored) mean unlabelled: a table column that
        holds text turns an empty or numeric mark into those strings. Any other text, "None"
        included, is a class name. ``False`` is a class like ``True``.

    Returns
    -------
    ClassLabels
        Without classes if no spectrum is labelled.

    Raises
    ------
    TypeError
        The labels are of several kinds, such as text and numbers, or of a kind that is not
        accepted.
    ValueError
        The signal is a single spectrum, the labels have another shape than the navigation axes, a
        number is not whole, or a spectrum belongs to several clusters.

    Warns
    -----
    UserWarning
        The names of two classes differ only by blanks around them.

    See Also
    --------
    ClassLabels : The result.
    cluster : Label unlabelled spectra.
    hyperspy_dag.EELSAugmenter.fit : Train on labelled spectra.

    Examples
    --------
    >>> from hyperspy_dag.data import simulated_oxides
    >>> from hyperspy_dag.labels import parse_labels
    >>> s, _ = simulated_oxides("WL-Mn", {"MnO": 3, "MnO2": 2})
    >>> labels = parse_labels(s, ["MnO", "MnO", None, "MnO2", "MnO2"])
    >>> labels.index.tolist()
    [0, 0, -1, 1, 1]
    >>> labels.classes
    ['MnO', 'MnO2']
    """
    nav_shape = navigation_shape(s)
    if isinstance(labels, ClassLabels):
        _check_shape(labels.index, nav_shape)
        return labels
    if hasattr(labels, "get_cluster_labels") and not hasattr(labels, "axes_manager"):
        labels = np.reshape(labels.get_cluster_labels(), (-1, *nav_shape))
    if hasattr(labels, "toarray"):
        labels = labels.toarray()
    columns = getattr(labels, "columns", None)
    array = _label_array(labels)
    if columns is None and array.dtype.kind == "b" and array.shape[1:] == nav_shape:
        # One map for each cluster; a single True/False map has one axis less.
        array = _merge_clusters(array)
    elif array.ndim > 1 and array.shape[:-1] == nav_shape and array.shape[-1] > 1:
        array = _of_one_hot(array, range(array.shape[-1]) if columns is None else columns)
    _check_shape(array, nav_shape)
    if array.dtype.kind == "O":
        values, known = _from_objects(array)
    else:
        values, known = _from_typed(array)
    classes, inverse = np.unique(values, return_inverse=True)
    _warn_of_blanks(classes.tolist())
    index = np.full(nav_shape, -1, dtype=np.intp)
    index[known] = np.ravel(inverse)
    return ClassLabels(index=index, classes=classes.tolist())


def merge_labels(several: Sequence[ClassLabels]) -> ClassLabels:
    """Return the labels of several signals as one flat map into all their classes.

    Raises
    ------
    TypeError
        The labels are of different kinds, such as text and numbers.
    """
    kinds: dict[Any, int] = {
        label_kind(label): i for i, one in enumerate(several) for label in one.classes
    }
    if len(kinds) > 1:
        found = " and ".join(
            f"{KIND_NAMES[kind]} (signal {i + 1} of {len(several)})" for kind, i in kinds.items()
        )
        raise TypeError(
            f"labels must be of one kind in all signals; found {found}. Make them all text, for "
            "instance: the same text is the same class in every signal."
        )
    classes = np.unique([label for one in several for label in one.classes]).tolist()
    parts = []
    for one in several:
        # The last is for -1, unlabelled.
        position = np.array([*map(classes.index, one.classes), -1], dtype=np.intp)
        parts.append(position[one.index.ravel()])
    return ClassLabels(index=np.concatenate(parts), classes=classes)


def navigation_shape(s: BaseSignal) -> tuple[int, ...]:
    if s.axes_manager.navigation_dimension == 0:
        raise ValueError(
            f"{s!r} is a single spectrum: there is nothing to label. Labels need a signal with "
            "navigation axes, such as a stack made with hs.stack, or a spectrum image."
        )
    return tuple(s.data.shape[: -s.axes_manager.signal_dimension])


def _label_array(labels: Any) -> NDArray[Any]:
    """Return the labels as an array: of their own dtype, or of objects."""
    if hasattr(labels, "axes_manager") and hasattr(labels, "data"):
        labels = labels.data
    if isinstance(labels, np.ma.MaskedArray):
        # Not filled(None), which means the array's own fill value.
        objects = np.array(labels.data, dtype=object)
        objects[np.ma.getmaskarray(labels)] = None
        return objects
    if hasattr(labels, "__array__") and not np.isscalar(labels):
        return np.asarray(labels)
    if isinstance(labels, list | tuple):
        # Of objects: NumPy would turn a list of text and numbers into text without a word.
        try:
            array = np.array(labels, dtype=object)
        except ValueError:  # rows of arrays whose shapes do not fit
            array = None
        if array is None or any(isinstance(item, list | tuple) for item in array.flat):
            raise ValueError(
                "labels is a nested list whose rows differ in length; give one label for each "
                "spectrum, in the navigation shape of the signal."
            )
        return array
    raise TypeError(
        f"labels must be an array-like or a HyperSpy signal with one label for each spectrum; got "
        f"{type(labels).__name__}. One label for all of them is "
        "numpy.full(s.data.shape[:-1], label)."
    )


def _merge_clusters(maps: NDArray[np.bool_]) -> NDArray[np.int64]:
    members = maps.sum(axis=0)
    if (members > 1).any():
        where = _position(np.argwhere(members > 1)[0])
        raise ValueError(
            f"labels holds {len(maps)} True/False maps, one for each cluster, but "
            f"{int((members > 1).sum())} spectra are in more than one (first at navigation "
            f"position {where}). Give one label for each spectrum."
        )
    return np.where(members == 1, np.argmax(maps, axis=0), -1)


def _of_one_hot(array: NDArray[Any], classes: Sequence[Any]) -> NDArray[Any]:
    """Return one label for each spectrum from a last axis of one 1 among zeros."""
    ones = array == 1
    several = ones.sum(axis=-1) > 1
    wrong = several | ~(ones | (array == 0)).all(axis=-1)
    if wrong.any():
        where = np.argwhere(wrong)[0]
        raise ValueError(
            f"labels of shape {array.shape} are taken as one-hot, a 1 in the place of the class "
            f"and 0 elsewhere; got {array[tuple(where)].tolist()} at navigation position "
            f"{_position(where)}. Give one label for each spectrum, such as labels.argmax(axis=-1)."
        )
    names = np.array([*classes, None], dtype=object)
    return names[np.where(ones.any(axis=-1), ones.argmax(axis=-1), -1)]


def _check_shape(array: NDArray[Any], nav_shape: tuple[int, ...]) -> None:
    if array.shape == nav_shape:
        return
    message = (
        "labels must have the navigation shape of the signal in NumPy's order, s.data.shape[:-1] "
        f"= {nav_shape}; got shape {array.shape}."
    )
    if array.T.shape == nav_shape:
        message += " Its transpose fits: give labels.T (HyperSpy writes (x, y), NumPy (y, x))."
    elif array.size == math.prod(nav_shape):
        message += f" The number fits: give numpy.asarray(labels).reshape({nav_shape})."
    else:
        message += (
            f" The signal holds {math.prod(nav_shape)} spectra; mark those without a class -1 or "
            "None."
        )
    raise ValueError(message)


def _from_typed(array: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the known labels of a typed array, and the map of known labels."""
    kind = array.dtype.kind
    if kind == "b":
        known = np.ones(array.shape, dtype=bool)
    elif kind in "iu":
        known = array != -1 if kind == "i" else np.ones(array.shape, dtype=bool)
    elif kind == "f":
        known = ~np.isnan(array) & (array != -1)
        wrong = known & (array != np.trunc(array)) | np.isinf(array)
        if wrong.any():
            where = np.argwhere(wrong)[0]
            raise ValueError(_not_whole(array[tuple(where)], where))
        if (np.abs(array[known]) >= 2**63).any():  # more than an int64 holds
            return _from_objects(array.astype(object))
        array = np.where(known, array, -1).astype(np.int64)
    elif kind == "U":
        marks = np.char.lower(np.char.strip(array))
        known = ~np.isin(marks, list(UNLABELLED_STRINGS))
    else:
        return _from_objects(array.astype(object))
    return array[known], known


def _from_objects(array: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the known labels of an array of objects, and the map of known labels."""
    known = np.zeros(array.shape, dtype=bool)
    values: list[Label] = []
    first: dict[str, tuple[int, ...]] = {}
    for where in np.ndindex(array.shape):
        value = plain_label(array[where])
        if _is_unlabelled(value):
            continue
        kind = label_kind(value)
        if kind is None:
            if isinstance(value, float):
                raise ValueError(_not_whole(value, where))
            raise TypeError(
                f"labels must be text, whole numbers or True/False; got {value!r} "
                f"({type(value).__name__}) at navigation position {_position(where)}."
            )
        first.setdefault(kind, where)
        values.append(int(value) if kind == "int" else value)
        known[where] = True
    if len(first) > 1:
        found = " and ".join(
            f"{KIND_NAMES[kind]} (first at navigation position {_position(where)})"
            for kind, where in first.items()
        )
        raise TypeError(
            f"labels must all be of one kind; found {found}. Make them all text, for instance, and "
            "mark spectra without a class None."
        )
    return np.array(values), known


def plain_label(value: Any) -> Any:
    """Return a NumPy scalar, or bytes from a file, as a Python object."""
    if isinstance(value, bytes):
        return value.decode("utf-8")
    return value.item() if isinstance(value, np.generic) else value


def label_kind(value: Any) -> str | None:
    """Return the kind of label of ``value``, or None if it is no label."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "str"
    if isinstance(value, numbers.Integral) or (isinstance(value, float) and value.is_integer()):
        return "int"
    return None


def _is_unlabelled(value: Any) -> bool:
    if value is None or type(value).__name__ == "NAType":  # pandas.NA, without importing pandas
        return True
    if isinstance(value, str):
        return value.strip().lower() in UNLABELLED_STRINGS
    if isinstance(value, bool):
        return False
    return isinstance(value, numbers.Real) and (value == -1 or value != value)


def _not_whole(value: float, where: Any) -> str:
    return (
        f"labels given as floats must be whole numbers (NaN or -1 for unlabelled); got {value} at "
        f"navigation position {_position(where)}. Round them, or give class names as text."
    )


def _position(where: Any) -> tuple[int, ...]:
    """Return a NumPy index into the navigation shape in the order of ``inav``, (x, y)."""
    return tuple(int(i) for i in reversed(tuple(where)))


def _warn_of_blanks(classes: list[Label]) -> None:
    """Warn of class names that differ only by blanks, such as "FeO" and " FeO"."""
    same: dict[str, str] = {}
    for name in classes:
        other = same.setdefault(name.strip(), name) if isinstance(name, str) else name
        if other is not name:
            warn(
                f"the classes {other!r} and {name!r} differ by blanks alone and are taken for two; "
                "if they are one, strip the labels first."
            )
