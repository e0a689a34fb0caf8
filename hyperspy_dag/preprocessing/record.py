# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of the preprocessing in ``metadata.DAG.preprocessing``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum


def preprocessing_record(s: EELSSpectrum) -> dict[str, Any] | None:
    if not s.metadata.has_item("DAG.preprocessing"):
        return None
    record = s.metadata.DAG.preprocessing
    record = record.as_dictionary() if hasattr(record, "as_dictionary") else dict(record)
    # Files give NumPy scalars and lists back where Python ones and tuples were saved.
    return {key: _plain(value) for key, value in record.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple | np.ndarray):
        return tuple(_plain(item) for item in value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value.item() if isinstance(value, np.generic) else value


def write_record(
    result: EELSSpectrum,
    earlier: dict[str, Any],
    background: tuple[float, float] | None,
    signal: tuple[float, float] | None,
    normalise: str,
    pca_components: int | None,
    remove_spikes: bool,
    background_record: dict[str, Any],
) -> None:
    from hyperspy_dag import __version__

    record: dict[str, Any] = {
        "background_range": background,
        "signal_range": signal,
        "pca_components": None if pca_components is None else int(pca_components),
    }
    record = {key: earlier.get(key) if value is None else value for key, value in record.items()}
    if "common_axis" in earlier:
        record["common_axis"] = earlier["common_axis"]
    if remove_spikes or earlier.get("remove_spikes"):
        record["remove_spikes"] = True
    kept = ("background_type", "background_fit", "polynomial_order")
    record |= background_record if background else {k: earlier[k] for k in kept if k in earlier}
    # Spectra that were normalised before are so without being normalised again.
    normalised = {"maximum": True, "none": earlier.get("normalise") or False}
    record |= {"normalise": normalised.get(normalise, normalise), "version": __version__}
    metadata = result.metadata
    metadata.set_item("DAG.preprocessing", record)
    if normalise != "none" and metadata.has_item("Signal.Noise_properties"):
        del metadata.Signal.Noise_properties
    if normalise != "none" and metadata.has_item("Signal.quantity"):
        metadata.Signal.quantity = "Normalised intensity"
