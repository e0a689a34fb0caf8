# SPDX-License-Identifier: GPL-3.0-or-later
"""From arrays of synthetic spectra to the signal that a user gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .labels import attach_labels

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum


def spectrum_axis(name: str, size: int) -> dict[str, Any]:
    """Return a navigation axis that counts."""
    return {"name": name, "size": size, "scale": 1, "offset": 0, "units": "", "navigate": True}


def synthetic_signal(
    spectra: np.ndarray,
    index: np.ndarray,
    classes: list,
    energy_axis: dict[str, Any],
    provenance: dict[str, Any],
    title: str,
    instrument: dict[str, Any] | None = None,
) -> EELSSpectrum:
    """Build the signal of synthetic spectra.

    Parameters
    ----------
    spectra : array of shape (classes, spectra, channels) or (spectra, channels)
        A dask array makes the signal lazy.
    index : int array of the navigation shape
        Class of each spectrum, as position in `classes`.
    classes : list
        Class names.
    energy_axis : dict
        The real spectra's signal axis, as of ``get_axis_dictionary()``.
    provenance : dict
        Becomes ``metadata.DAG``.
    title : str
    instrument : dict, optional
        Becomes ``metadata.Acquisition_instrument``: beam energy, collection angle and so on.
    """
    from exspy.signals import EELSSpectrum, LazyEELSSpectrum

    names = ("class", "spectrum")[-(spectra.ndim - 1) :]
    axes = [spectrum_axis(name, size) for name, size in zip(names, spectra.shape, strict=False)]
    make = EELSSpectrum if isinstance(spectra, np.ndarray) else LazyEELSSpectrum
    signal = make(spectra, axes=[*axes, {**energy_axis, "navigate": False}])
    signal.metadata.General.title = title
    if instrument:
        signal.metadata.add_node("Acquisition_instrument")
        signal.metadata.Acquisition_instrument.add_dictionary(instrument)
    signal.metadata.add_node("DAG")
    signal.metadata.DAG.add_dictionary(provenance)
    attach_labels(signal, index, classes)
    return signal
