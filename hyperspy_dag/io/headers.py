# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the header of a file, before HyperSpy uses any of it.

HyperSpy evaluates expressions of axes, and makes objects of metadata whose keys begin with an
underscore. Neither may come from a file.
"""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np

from hyperspy_dag.preprocessing.energy_axis import EnergyAxis

#: Keys of the energy axis, by its kind; what they may hold is checked below.
_AXIS_KEYS = {
    "UniformDataAxis": {"size", "scale", "offset"},
    "DataAxis": {"axis"},
}
_AXIS_COMMON = {"_type", "name", "units", "navigate", "is_binned"}

_MAX_DEPTH = 20


def plain_metadata(node: Any, depth: int = 0) -> Any:
    """Return a copy of metadata without the items that :func:`check_metadata` refuses."""
    if depth >= _MAX_DEPTH and isinstance(node, dict | list | tuple):
        return {} if isinstance(node, dict) else []
    if isinstance(node, dict):
        return {
            str(key): plain_metadata(value, depth + 1)
            for key, value in node.items()
            if not str(key).startswith("_")
        }
    if isinstance(node, list | tuple):
        items = [plain_metadata(item, depth + 1) for item in node]
        return tuple(items) if isinstance(node, tuple) else items
    return copy.deepcopy(node)


def check_metadata(node: Any, depth: int = 0) -> Any:
    """Return metadata from a file, checked.

    Raises
    ------
    TypeError, ValueError
        The metadata are no dictionary, too deep, or have a key that begins with an underscore.
    """
    if depth == 0 and node is not None and not isinstance(node, dict):
        raise TypeError(f"metadata of type {type(node).__name__}")
    if depth > _MAX_DEPTH:
        raise ValueError("metadata nested too deeply")
    if isinstance(node, dict):
        for key, value in node.items():
            if key.startswith("_"):
                raise ValueError(f"metadata with the key {key!r}")
            check_metadata(value, depth + 1)
    elif isinstance(node, list):
        for item in node:
            check_metadata(item, depth + 1)
    return node


def check_energy_axis(axis: Any, channels: int) -> EnergyAxis:
    """Return an energy axis from a file, checked.

    Raises
    ------
    KeyError, TypeError, ValueError
        The axis is neither uniform nor a list of energies, or its number of channels is wrong.
    """
    kind = axis["_type"]
    if kind not in _AXIS_KEYS or not set(axis) <= _AXIS_COMMON | _AXIS_KEYS[kind]:
        raise ValueError(f"an energy axis of kind {kind!r} with {', '.join(map(str, axis))}")
    for key in ("name", "units"):
        if not isinstance(axis.get(key), str | None):
            raise TypeError(f"the energy axis has {axis[key]!r} for its {key}")
    for key in ("navigate", "is_binned"):
        if not isinstance(axis.get(key, False), bool):
            raise TypeError(f"the energy axis has {axis[key]!r} for {key}")
    if kind == "DataAxis":
        size, numbers = len(axis["axis"]), list(axis["axis"])
    else:
        size, numbers = axis["size"], [axis["scale"], axis["offset"]]
        if axis["scale"] == 0:
            raise ValueError("an energy axis of scale 0")
    if isinstance(size, bool) or size != channels:
        raise ValueError(f"an energy axis of {size} channels for {channels}")
    for number in numbers:
        is_number = isinstance(number, int | float | np.floating) and not isinstance(number, bool)
        if not is_number or not math.isfinite(number):
            raise ValueError(f"an energy axis with {number!r}")
    if kind == "DataAxis" and not (np.diff(numbers) > 0).all():
        raise ValueError("an energy axis that does not rise")
    return EnergyAxis.of_description(axis)


def check_classes(classes: Any) -> list:
    """Return class names from a file, checked: unique text, whole numbers or bool.

    Raises
    ------
    TypeError, ValueError
        The class names are of another type, or repeated.
    """
    if not isinstance(classes, list) or not classes:
        raise TypeError("no list of classes")
    kinds = {type(label) for label in classes}
    if len(kinds) != 1 or not kinds <= {str, int, bool}:
        raise TypeError(f"classes of type {', '.join(kind.__name__ for kind in kinds)}")
    if len(set(classes)) != len(classes):
        raise ValueError("a class that comes twice")
    return classes


def check_digest(digest: Any) -> str:
    """Return a SHA-256 in hexadecimal from a file, checked.

    Raises
    ------
    ValueError
        The digest is no SHA-256.
    """
    if not isinstance(digest, str) or len(digest) != 64 or not digest.isalnum():
        raise ValueError("no digest of the training spectra")
    return digest
