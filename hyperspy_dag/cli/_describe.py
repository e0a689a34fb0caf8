# SPDX-License-Identifier: GPL-3.0-or-later
"""Description of files: how they were made."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._files import read_signal

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

    from hyperspy_dag.preprocessing.energy_axis import EnergyAxis


def describe(path: Path, signal: str | None = None) -> tuple[dict[str, Any], EELSSpectrum | None]:
    """Describe a saved augmenter, the folder of a training, or spectra.

    Parameters
    ----------
    path : Path
    signal : str, optional
        Number or title, of a file that holds several.

    Returns
    -------
    description : dict
    s : EELSSpectrum or None
        The spectra, if `path` holds spectra; lazy if the format allows it.
    """
    if path.suffix == ".zspy":
        return _describe_signal(path, signal)
    if path.is_dir():
        return _describe_training(path), None
    if path.suffix == ".dag" or zipfile.is_zipfile(path):
        return _describe_augmenter(path), None
    return _describe_signal(path, signal)


def _describe_augmenter(path: Path) -> dict[str, Any]:
    from hyperspy_dag import EELSAugmenter
    from hyperspy_dag.dag.stopping import METRICS

    augmenter = EELSAugmenter.load(path)
    best, real = augmenter.best_.values(), augmenter.baseline_.values()
    histories = augmenter.history_.values()
    return {
        "file": str(path),
        "kind": "augmenter",
        **_settings(augmenter.settings_.as_dict()),
        "energy_axis": _axis(augmenter.energy_axis_),
        "preprocessing": augmenter.preprocessing_,
        "training_digest": augmenter.training_digest_,
        "classes": augmenter.classes_,
        "training_spectra": list(augmenter.training_counts_.values()),
        "epochs_trained": [len(history.generator_cost) for history in histories],
        "epoch_kept": [one.epoch for one in best],
        "seconds": list(augmenter.fit_seconds_.values()),
        "metrics": {name: [one.metrics[name] for one in best] for name in METRICS},
        "metrics_of_real_spectra": {name: [one.mean[name] for one in real] for name in METRICS},
    }


def _describe_training(folder: Path) -> dict[str, Any]:
    from hyperspy_dag.training.runs import open_run

    run, header, data = open_run(folder)
    saved = [run.checkpoint(i).load(data.channels) for i in range(len(data.classes))]
    done = [one is not None and one.state is None for one in saved]
    return {
        "file": str(folder),
        "kind": "training",
        "package_version": header["package_version"],
        **_settings(header["settings"]),
        "energy_axis": _axis(data.energy_axis),
        "preprocessing": data.preprocessing,
        "training_digest": data.digest,
        "classes": data.classes,
        "training_spectra": list(data.counts.values()),
        "epochs_trained": [
            0 if one is None else len((one.state or one.model).history.generator_cost)
            for one in saved
        ],
        "finished": done,
    }


def _describe_signal(path: Path, signal: str | None) -> tuple[dict[str, Any], EELSSpectrum]:
    from hyperspy_dag._utils.checks import SIGNAL_FORMATS
    from hyperspy_dag.labels.label_map import stored_classes
    from hyperspy_dag.preprocessing import check_signal
    from hyperspy_dag.preprocessing.energy_axis import EnergyAxis
    from hyperspy_dag.preprocessing.record import preprocessing_record

    s = read_signal(path, lazy=path.suffix in SIGNAL_FORMATS, signal=signal)
    check_signal(s)
    described: dict[str, Any] = {
        "file": str(path),
        "kind": "synthetic spectra" if s.metadata.has_item("DAG.training_digest") else "spectra",
        "signal": repr(s),
        "navigation_shape": list(s.data.shape[:-1]),
        "data_type": str(s.data.dtype),
        "energy_axis": _axis(
            EnergyAxis(s.axes_manager.signal_axes[0]), str(s.axes_manager.signal_axes[0].units)
        ),
    }
    if s.metadata.has_item("DAG.training_digest"):
        made_by = s.metadata.DAG.as_dictionary()
        made_by.pop("labels", None)
        made_by["classes"] = stored_classes(s)
        described["made_by"] = made_by
    else:
        described["preprocessing"] = preprocessing_record(s)
    return described, s


def _settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings under the names of the program's options."""
    return {"seed" if name == "random_state" else name: v for name, v in settings.items()}


def _axis(axis: EnergyAxis, units: str = "eV") -> dict[str, Any]:
    """Describe the energy axis of a signal."""
    return {
        "channels": axis.size,
        "first": float(axis.energies[0]),
        "last": float(axis.energies[-1]),
        "dispersion": axis.dispersion if axis.is_uniform else None,
        "units": units,
    }
