# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of this package: a JSON header and plain arrays in one NumPy .npz.

Zip's checksums tell damage from content, and a file appears under its name only when it is
complete. A file may come from anywhere: nothing is unpacked to disk, NumPy's reader takes no
pickle, and memory is bounded by the size of the file itself.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import uuid
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

#: Of the files' layout; a reader takes its own and older ones.
FORMAT_VERSION = 1

#: Kinds of files.
AUGMENTER = "hyperspy_dag augmenter"
CHECKPOINT = "hyperspy_dag checkpoint"

#: A file may hold this many times its own size, or `FREE_SIZE` bytes if that is more. Weights and
#: spectra hardly compress; what compresses a thousandfold is made to fill memory.
MAX_RATIO = 30
FREE_SIZE = 64 * 2**20

_HEADER = "header"


class AugmenterFileError(ValueError):
    """A file is damaged, or not of this package, or of a newer version of it.

    See Also
    --------
    hyperspy_dag.EELSAugmenter.load : Read an augmenter.
    hyperspy_dag.EELSAugmenter.resume : Continue a training.

    Examples
    --------
    >>> from hyperspy_dag.augmenter import AugmenterFileError, EELSAugmenter
    >>> np.savez("other.npz", np.zeros(3))
    >>> try:
    ...     EELSAugmenter.load("other.npz")
    ... except AugmenterFileError as error:
    ...     print(error)
    other.npz is not an augmenter file: it has no header
    """


def to_json(value: Any) -> Any:
    """Convert NumPy scalars and arrays inside `value` to types that JSON can hold."""
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, np.ndarray):
        return to_json(value.tolist())
    if isinstance(value, np.longdouble):  # its item() is one again
        return float(value)
    if isinstance(value, np.generic):
        return to_json(value.item())  # complex numbers and dates are no numbers of JSON's
    if value is None or isinstance(value, str | bool | int | float):
        return value
    # traits' Undefined, and what else means "not set"
    return None


def to_strict_json(value: Any) -> Any:
    """Convert as :func:`to_json`, and NaN and infinity to None."""
    value = to_json(value)
    if isinstance(value, dict):
        return {key: to_strict_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [to_strict_json(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write(
    path: Path,
    header: dict[str, Any],
    arrays: dict[str, np.ndarray],
    *,
    kind: str = AUGMENTER,
) -> None:
    """Write a file atomically: readers see the old file or the complete new one.

    Raises
    ------
    OSError
        The file cannot be written; an existing file is unchanged.
    """
    target = path.resolve()  # a link goes on to be one
    header = {"format": kind, "format_version": FORMAT_VERSION, **header}
    text = np.frombuffer(json.dumps(to_json(header)).encode(), np.uint8)
    members: dict[str, Any] = {_HEADER: text, **arrays}
    try:
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
        try:
            with open(temporary, "xb") as file:
                np.savez(file, **members)
                file.flush()
                os.fsync(file.fileno())
            put_in_place(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)
    except OSError as error:
        raise OSError(
            error.errno,
            f"cannot write {path}: {error.strerror or error}. What was there before is untouched",
        ) from error


def put_in_place(part: Path, target: Path) -> None:
    """Rename a finished file to its target, with the permissions of the file that it replaces."""
    if target.exists():
        shutil.copymode(target, part)
    os.replace(part, target)


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a power cut, if folders can be opened (not on Windows)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read(path: Path, *, kind: str = AUGMENTER) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read header and arrays of a file.

    Raises
    ------
    FileNotFoundError
        The file does not exist.
    AugmenterFileError
        The file is damaged, of another kind, of a newer version, or not of this package.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no {kind.split()[-1]} file {path}")
    with open(path, "rb") as file:
        if not zipfile.is_zipfile(file):
            raise AugmenterFileError(
                f"{path} is not {_kind_of_file(kind)}, or it is cut short; give one that was "
                "written by EELSAugmenter"
            )
        try:
            with zipfile.ZipFile(file) as archive:
                members = _members(archive, path.stat().st_size)
                if _HEADER not in members:
                    raise AugmenterFileError(
                        f"{path} is not {_kind_of_file(kind)}: it has no header"
                    )
                header = json.loads(_read_array(archive, members.pop(_HEADER)).tobytes())
                _check_header(path, header, kind)
                arrays = {name: _read_array(archive, info) for name, info in members.items()}
        except AugmenterFileError:
            raise
        except Exception as error:  # zipfile, zlib, NumPy and json raise all there is
            raise AugmenterFileError(
                f"{path} is damaged and cannot be read ({type(error).__name__}: {error})"
            ) from error
    return header, arrays


def _kind_of_file(kind: str) -> str:
    return {AUGMENTER: "an augmenter file", CHECKPOINT: "a checkpoint file"}[kind]


def _members(archive: zipfile.ZipFile, file_size: int) -> dict[str, zipfile.ZipInfo]:
    """Members by array name, before any is unpacked."""
    infos = archive.infolist()
    total = sum(info.file_size for info in infos)
    allowed = max(FREE_SIZE, MAX_RATIO * file_size)
    if total > allowed:
        raise AugmenterFileError(
            f"a file of {file_size} bytes claims to hold {total}; at most {allowed} are believed"
        )
    # Others unpack a piece of a few kilobytes to gigabytes, whatever size they claim.
    if any(info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in infos):
        raise ValueError("a member is compressed in an unknown way")
    return {info.filename.removesuffix(".npy"): info for info in infos}


def _read_array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(info) as file:
        array = np.lib.format.read_array(file, allow_pickle=False)  # in small pieces
        # To the end, where zipfile compares the checksum.
        if file.read(1):
            raise ValueError(f"{info.filename!r} is longer than its shape {array.shape} says")
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise ValueError(f"an array of {array.dtype}; only plain numbers are read")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _check_header(path: Path, header: Any, kind: str) -> None:
    if not isinstance(header, dict) or header.get("format") != kind:
        raise AugmenterFileError(
            f"{path} is not {_kind_of_file(kind)}: its header is of another kind"
        )
    version = header.get("format_version")
    if not isinstance(version, int):
        raise AugmenterFileError(f"{path} is damaged: its header gives no format version")
    if version > FORMAT_VERSION:
        raise AugmenterFileError(
            f"{path} was written by hyperspy_dag {header.get('package_version')} in format "
            f"{version}; this version reads up to format {FORMAT_VERSION}. Update hyperspy_dag "
            "to open it"
        )


def finite(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return `arrays`, or raise ValueError naming the first that holds NaN or infinity."""
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{name!r} holds NaN or infinity")
    return arrays


def below(arrays: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Return the arrays whose names begin with `prefix` and a slash, without that prefix."""
    prefix += "/"
    return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
