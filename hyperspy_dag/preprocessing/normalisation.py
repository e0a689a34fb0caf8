# SPDX-License-Identifier: GPL-3.0-or-later
"""Normalisation of spectra by their maximum or their area (NumPy).

Only the shape of a normalised spectrum says anything, so that either can be had from the other.
Inside the package spectra have the maximum 1; area 1 is given back where it was given.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperspy_dag._utils.checks import check_choice

NORMALISATIONS = ("maximum", "area", "none")


def check_normalise(normalise: object) -> str:
    """Return which of :data:`NORMALISATIONS` is asked for; True is "maximum", False is "none"."""
    if isinstance(normalise, bool | np.bool_):
        return "maximum" if normalise else "none"
    return check_choice("normalise", normalise, NORMALISATIONS)


def has_unit_area(record: dict[str, Any] | None) -> bool:
    """Whether spectra of a record of ``dag_preprocess`` are normalised by their area."""
    return (record or {}).get("normalise") == "area"


def unit_maximum(spectra: NDArray[Any], record: dict[str, Any] | None) -> NDArray[Any]:
    """Return spectra of unit area, by their record, with the maximum 1; others unchanged."""
    if not has_unit_area(record):
        return spectra
    maximum = spectra.max(axis=-1, keepdims=True)
    return spectra / np.where(maximum > 0, maximum, 1)


def unit_area(spectra: NDArray[Any]) -> NDArray[Any]:
    """Return spectra of shape (..., channels) divided by their sums; zeros stay as they are.

    Raises
    ------
    ValueError
        The sum of a spectrum is not positive.
    """
    area = spectra.sum(axis=-1, keepdims=True, dtype=np.float64)
    wrong = (area <= 0) & spectra.any(axis=-1, keepdims=True)
    if wrong.any():
        raise ValueError(
            f"{int(wrong.sum())} of {wrong.size} spectra have no positive area, by which they "
            "would be normalised: normalise by the maximum, or leave their class unlabelled"
        )
    return (spectra / np.where(area == 0, 1, area)).astype(spectra.dtype)
