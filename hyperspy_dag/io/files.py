# SPDX-License-Identifier: GPL-3.0-or-later
"""This package's own files: a JSON header and plain arrays in one NumPy .npz, nothing executed.

Zip's checksums tell damage from content, and a file appears under its name only when it is
complete. A file may come from anywhere, so the reader believes none of it: nothing is unpacked to
disk, no member can be a pickle, and memory is bounded by the size of the file itself.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import struct
import tokenize
import uuid
import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO

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

#: What zipfile, zlib, NumPy and json make of damaged bytes.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ArithmeticError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    SyntaxError,
    TypeError,
    tokenize.TokenError,
    ValueError,
)


class AugmenterFileError(ValueError):
    """A file is not what this package writes: damaged, hostile, of another kind or newer."""


def to_json(value: Any) -> Any:
    """Turn NumPy scalars and arrays inside `value` into what JSON knows."""
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
    """Do as :func:`to_json`, with None for what JSON has no number for (NaN, infinity)."""
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
    compress: bool = True,
) -> None:
    """Write atomically: a reader sees the old file or the whole new one.

    Raises
    ------
    OSError
        The disk is full, the folder is gone or read-only. What was there before is untouched.
    """
    target = path.resolve()  # a link goes on to be one
    header = {"format": kind, "format_version": FORMAT_VERSION, **header}
    text = np.frombuffer(json.dumps(to_json(header)).encode(), np.uint8)
    save = np.savez_compressed if compress else np.savez
    try:
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
        try:
            with open(temporary, "xb") as file:
                save(file, **{_HEADER: text}, **arrays)
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
    """Give what was written beside its place its name, and the permissions of what had it."""
    if target.exists():
        shutil.copymode(target, part)
    os.replace(part, target)


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut, where folders can be opened (not Windows)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read(path: Path, *, kind: str = AUGMENTER) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read header and arrays.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    AugmenterFileError
        The file is damaged, cut short, of another kind or of a newer version, or it holds what
        this package does not write.
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
                header = json.loads(_read_array(archive, members.pop(_HEADER)).tobytes().decode())
                _check_header(path, header, kind)
                arrays = {name: _read_array(archive, info) for name, info in members.items()}
        except AugmenterFileError:
            raise
        except json.JSONDecodeError as error:
            raise AugmenterFileError(
                f"{path} is damaged: its header cannot be read ({error})"
            ) from error
        except _DAMAGE as error:
            raise AugmenterFileError(
                f"{path} is damaged and cannot be read ({type(error).__name__}: {error})"
            ) from error
    return header, arrays


def _kind_of_file(kind: str) -> str:
    return {AUGMENTER: "an augmenter file", CHECKPOINT: "a checkpoint file"}[kind]


def _members(archive: zipfile.ZipFile, file_size: int) -> dict[str, zipfile.ZipInfo]:
    """Members by array name, before any is unpacked."""
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        name = info.filename.removesuffix(".npy")
        plain = all(part.isidentifier() or part.isdigit() for part in name.split("/"))
        if name == info.filename or not plain:
            raise ValueError(f"{info.filename!r} is not a name that this package writes")
        if name in members:
            raise ValueError(f"two members named {name!r}")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{name!r} is compressed in an unknown way")
        members[name] = info
    total = sum(info.file_size for info in members.values())
    allowed = max(FREE_SIZE, MAX_RATIO * file_size)
    if total > allowed:
        raise AugmenterFileError(
            f"a file of {file_size} bytes claims to hold {total}; at most {allowed} are believed"
        )
    return members


def _read_array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    """One array, its claims compared with the member's size before memory is taken for it."""
    with archive.open(info) as file:
        shape, fortran, dtype = _array_header(file)
        size = math.prod(shape) * dtype.itemsize
        if file.tell() + size != info.file_size:
            raise ValueError(f"{info.filename!r} is not as long as its shape {shape} says")
        # zipfile compares the checksum once the last byte has been read.
        content = bytearray(file.read())
    array = np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C")
    return array.astype(dtype.newbyteorder("="), copy=False)


def _array_header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("an array is of another version of NumPy's format")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(file, max_header_size=10_000)
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise ValueError(f"an array of {dtype}; only plain numbers are read, no pickled objects")
    if any(size < 0 for size in shape):
        raise ValueError(f"an array of shape {shape}")
    return shape, fortran, dtype


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
    """Return the arrays whose names begin with `prefix` and a slash, under what follows."""
    prefix += "/"
    return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
