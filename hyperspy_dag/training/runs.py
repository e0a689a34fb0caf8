# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of checkpoints, each used by one process at a time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hyperspy_dag import __version__
from hyperspy_dag._utils.checks import check_folder
from hyperspy_dag._utils.warnings import warn
from hyperspy_dag.dag.architectures import NETWORKS
from hyperspy_dag.io.files import (
    CHECKPOINT,
    AugmenterFileError,
    below,
    finite,
    read,
    to_json,
    write,
)
from hyperspy_dag.io.headers import check_classes, check_digest, check_energy_axis, check_metadata
from hyperspy_dag.labels import ClassLabels

from .checkpoints import ClassCheckpoint
from .training_set import TrainingSet, data_digest, spectrum_digests

_RUN_FILE = "run.npz"


@dataclass(frozen=True)
class Run:
    """A folder of checkpoints.

    Attributes
    ----------
    folder : Path
    every : int
        Epochs between checkpoints.
    owner : str
        Digest of settings and training spectra; checkpoints with another are refused.
    """

    folder: Path
    every: int
    owner: str

    def checkpoint(self, number: int) -> ClassCheckpoint:
        """Return the checkpoint files of a class, given its number."""
        return ClassCheckpoint(self.folder, number, self.every, self.owner)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the folder against other processes; the operating system unlocks it at the end.

        Raises
        ------
        BlockingIOError
            Another process uses this folder.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise BlockingIOError(
                f"another process is training into {self.folder}; wait for it, stop it, or give "
                "another checkpoint_dir"
            ) from error
        try:
            # What processes killed in the middle of a write have left.
            for leftover in self.folder.glob(".*.npz.*.tmp"):
                leftover.unlink(missing_ok=True)
            yield
        finally:
            lock.release()


def _owner(settings: dict[str, Any], digest: str) -> str:
    text = json.dumps([to_json(settings), digest], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def check_new_run(folder: Any) -> Path:
    """Return the folder of checkpoints if a training can start in it.

    Raises
    ------
    FileExistsError
        The folder holds a training, or part of one.
    FileNotFoundError, NotADirectoryError, PermissionError
        The folder cannot be made or written to.
    """
    folder = check_folder("checkpoint_dir", folder)
    if (folder / _RUN_FILE).exists():
        raise FileExistsError(
            f"{folder} holds a training already: go on with it by "
            f"EELSAugmenter.resume({str(folder)!r}), or give another checkpoint_dir"
        )
    leftover = next(folder.glob("class-*.npz"), None)
    if leftover is not None:
        raise FileExistsError(
            f"{folder} holds part of another training ({leftover.name}, but no {_RUN_FILE}); give "
            "a new or empty checkpoint_dir, or delete its class-*.npz"
        )
    return folder


def begin_run(folder: Path, every: int, settings: dict[str, Any], data: TrainingSet) -> Run:
    """Write settings and training spectra of a training, all that a resumed training needs.

    Raises
    ------
    OSError
        The folder cannot be written to.
    """
    folder.mkdir(exist_ok=True)
    run = Run(folder, every, _owner(settings, data.digest))
    header = {
        "package_version": __version__,
        "networks": NETWORKS,
        "settings": settings,
        "checkpoint_every": every,
        "classes": data.classes,
        "energy_axis": data.energy_axis.description(),
        "digest": data.digest,
        "preprocessing": data.preprocessing,
        "instrument": data.instrument,
    }
    arrays = {f"spectra/{i}": data.spectra[label] for i, label in enumerate(data.classes)}
    with run.lock():
        # Another process may have been faster than the check.
        check_new_run(folder)
        write(folder / _RUN_FILE, header, arrays, kind=CHECKPOINT)
    return run


def open_run(folder: Any) -> tuple[Run, dict[str, Any], TrainingSet]:
    """Read a training from its folder: the run, its header and its training spectra.

    Raises
    ------
    FileNotFoundError
        The folder holds no training.
    AugmenterFileError
        The files are damaged, or not of this package.
    """
    folder = Path(folder).expanduser().absolute()
    path = folder / _RUN_FILE
    if not path.is_file():
        raise FileNotFoundError(f"{folder} holds no training to go on with: it has no {_RUN_FILE}")
    header, arrays = read(path, kind=CHECKPOINT)
    try:
        settings, every = header["settings"], int(header["checkpoint_every"])
        spectra = _spectra(header, arrays)
        if data_digest(spectra) != check_digest(header["digest"]):
            raise ValueError("the spectra are not those that the digest was made of")
        classes = list(spectra)
        channels = next(iter(spectra.values())).shape[1]
        data = TrainingSet(
            spectra=spectra,
            energy_axis=check_energy_axis(header["energy_axis"], channels),
            digest=header["digest"],
            spectrum_digests={label: spectrum_digests(rows) for label, rows in spectra.items()},
            preprocessing=check_metadata(header["preprocessing"]),
            labels=ClassLabels(
                np.repeat(np.arange(len(classes)), [len(rows) for rows in spectra.values()]),
                classes,
            ),
            instrument=check_metadata(header["instrument"]),
        )
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise AugmenterFileError(
            f"{path} is not what this version writes ({type(error).__name__}: {error})"
        ) from error
    if header.get("package_version") != __version__:
        warn(
            f"{folder} was begun by hyperspy_dag {header.get('package_version')}, this is "
            f"{__version__}: what comes out may not be what either would have given alone."
        )
    return Run(folder, every, _owner(settings, data.digest)), header, data


def _spectra(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> dict[Any, np.ndarray]:
    own = below(finite(arrays), "spectra")
    spectra = {label: own[str(i)] for i, label in enumerate(check_classes(header["classes"]))}
    shapes = {rows.shape[1:] for rows in spectra.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 1:
        raise ValueError("the spectra of the classes do not belong together")
    if any(rows.dtype != np.float32 for rows in spectra.values()):
        raise TypeError("spectra that are not float32")
    return spectra
