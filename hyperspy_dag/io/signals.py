# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals of synthetic spectra, and their files."""

from __future__ import annotations

import copy
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_dag.labels import attach_labels

from .files import put_in_place

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

    from hyperspy_dag.preprocessing.energy_axis import EnergyAxis


def spectrum_axis(name: str, size: int) -> dict[str, Any]:
    """Return a navigation axis that numbers spectra or classes."""
    return {"name": name, "size": size, "scale": 1, "offset": 0, "units": "", "navigate": True}


def synthetic_signal(
    spectra: np.ndarray,
    index: np.ndarray,
    classes: list,
    energy_axis: EnergyAxis,
    provenance: dict[str, Any],
    title: str,
    instrument: dict[str, Any] | None = None,
) -> EELSSpectrum:
    """Make a signal of synthetic spectra.

    Parameters
    ----------
    spectra : array of shape (classes, spectra, channels) or (spectra, channels)
        A dask array makes the signal lazy.
    index : int array of the navigation shape
        Position of the class of each spectrum in `classes`.
    classes : list
        Class names.
    energy_axis : EnergyAxis
        Energy axis of the real spectra.
    provenance : dict
        Content of ``metadata.DAG``.
    title : str
    instrument : dict, optional
        Content of ``metadata.Acquisition_instrument``, such as beam energy and collection angle.
    """
    from exspy.signals import EELSSpectrum, LazyEELSSpectrum

    names = ("class", "spectrum")[-(spectra.ndim - 1) :]
    axes = [spectrum_axis(name, size) for name, size in zip(names, spectra.shape, strict=False)]
    make = EELSSpectrum if isinstance(spectra, np.ndarray) else LazyEELSSpectrum
    signal = make(spectra, axes=[*axes, energy_axis.description() | {"navigate": False}])
    # exSpy makes every new signal binned.
    signal.axes_manager.signal_axes[0].is_binned = energy_axis.is_binned
    signal.metadata.General.title = title
    if instrument:
        signal.metadata.add_node("Acquisition_instrument")
        signal.metadata.Acquisition_instrument.add_dictionary(copy.deepcopy(instrument))
    signal.metadata.add_node("DAG")
    signal.metadata.DAG.add_dictionary(copy.deepcopy(provenance))
    attach_labels(signal, index, classes)
    return signal


def save_signal(
    signal: EELSSpectrum,
    path: Path,
    *,
    overwrite: bool,
    show_progressbar: bool | None = None,
) -> None:
    """Save a signal; the file appears, or is replaced, when it is complete.

    Parameters
    ----------
    signal : EELSSpectrum
    path : Path
        Path from :func:`.checks.check_signal_file`.
    overwrite : bool
        Replace an existing file, which may have been written since the check.
    show_progressbar : bool, optional
        Show a progress bar for lazy signals. Default: HyperSpy's preference.

    Raises
    ------
    FileExistsError
        The file exists and `overwrite` is False; the message names the file with the signal.
    OSError
        The file could not be written, and an existing one is unchanged; or the existing file could
        not be replaced, and the message names the file with the signal.
    """
    target = path.resolve()  # a link goes on to be one
    part, old = (
        target.with_name(f".{target.stem}.{what}{target.suffix}") for what in ("part", "old")
    )
    try:
        signal.save(part, overwrite=True, show_progressbar=show_progressbar)
    except BaseException:
        _remove(part)
        raise
    if target.exists() and not overwrite:
        raise FileExistsError(
            f"{path} has come into being meanwhile and was left as it is; what was to be saved is "
            f"in {part}"
        )
    try:
        if target.is_dir():  # .zspy, which cannot be replaced in one step
            _remove(old)
            os.replace(target, old)
        put_in_place(part, target)
    except OSError as error:
        raise OSError(
            f"{path} could not be replaced ({error}); what was to be saved is in {part}"
        ) from error
    _remove(old)
    # Where HyperSpy thinks that it saved.
    signal.tmp_parameters.folder = str(target.parent)
    signal.tmp_parameters.filename = target.stem


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file; an existing file is replaced when the new one is complete.

    Raises
    ------
    OSError
        The file could not be written; the message names it.
    """
    target = path.resolve()
    part = target.with_name(f".{target.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        put_in_place(part, target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise type(error)(f"cannot write {path}: {error.strerror or error}") from error
