# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of real spectra given by users, and labels of synthetic spectra.

Importing this imports NumPy alone; :func:`cluster` and
:func:`get_arrays` are imported when they are first used (PEP 562).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .label_map import (
    attach_labels,
    get_labels,
    install_label_slicing,
    keep_labels,
)
from .parsing import UNLABELLED_STRINGS, ClassLabels, Label, merge_labels, parse_labels

if TYPE_CHECKING:
    from .arrays import get_arrays
    from .clustering import cluster

__all__ = [
    "UNLABELLED_STRINGS",
    "ClassLabels",
    "Label",
    "attach_labels",
    "cluster",
    "get_arrays",
    "get_labels",
    "install_label_slicing",
    "keep_labels",
    "merge_labels",
    "parse_labels",
]


def __getattr__(name: str) -> Any:
    if name == "cluster":
        from .clustering import cluster

        return cluster
    if name == "get_arrays":
        from .arrays import get_arrays

        return get_arrays
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
