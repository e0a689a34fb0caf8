# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of real spectra given by users, and labels of synthetic spectra.

Importing this imports NumPy alone; :func:`cluster` is imported when it is first used (PEP 562).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .label_map import attach_labels, get_labels, install_label_slicing
from .parsing import UNLABELLED_STRINGS, ClassLabels, Label, merge_labels, parse_labels

if TYPE_CHECKING:
    from .clustering import cluster

__all__ = [
    "UNLABELLED_STRINGS",
    "ClassLabels",
    "Label",
    "attach_labels",
    "cluster",
    "get_labels",
    "install_label_slicing",
    "merge_labels",
    "parse_labels",
]


def __getattr__(name: str) -> Any:
    if name == "cluster":
        from .clustering import cluster

        return cluster
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
