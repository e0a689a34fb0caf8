# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectra read from the data of a signal, with NaN in place of masked values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def without_mask(values: Any) -> NDArray[Any]:
    """Return an array with NaN where values are masked, so that the checks for NaN find them.

    Parameters
    ----------
    values : array-like
        In memory. One that is not masked comes back as an array of its own type.
    """
    if np.ma.is_masked(values):
        values = values.astype(np.result_type(values.dtype, np.float32)).filled(np.nan)
    return np.asarray(values)


def read_spectra(data: Any, where: tuple[NDArray[np.intp], ...]) -> NDArray[Any]:
    """Return the spectra at some navigation positions, NaN where masked, reading nothing else."""
    if hasattr(data, "dask"):
        return without_mask(data.vindex[(*where, slice(None))].compute())
    return without_mask(data[where])
