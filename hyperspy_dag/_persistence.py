# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and writing of fitted augmenters: one NumPy .npz file, no pickle, nothing executed.

The file holds a JSON header and plain arrays. Zip's checksums tell damage from content, and it
appears under its name only when it is complete.
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

#: Of the file's layout; a reader takes its own and older ones.
FORMAT_VERSION = 1
FORMAT = "hyperspy_dag augmenter"


def to_json(value: Any) -> Any:
    """Turn NumPy scalars and arrays inside `value` into what JSON knows."""
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, np.ndarray):
        return to_json(value.tolist())
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, str | bool | int | float):
        return value
    # traits' Undefined, and what else means "not set"
    return None


def write(path: Path, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Write atomically: a reader sees the old file or the whole new one."""
    header = {"format": FORMAT, "format_version": FORMAT_VERSION, **header}
    text = np.frombuffer(json.dumps(to_json(header)).encode(), np.uint8)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(file, header=text, **arrays)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files private; the result is to be as any other file of this user.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read header and arrays.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is damaged, cut short, of another kind or of a newer version.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no augmenter file {path}")
    if not zipfile.is_zipfile(path):
        raise ValueError(
            f"{path} is not an augmenter file, or it is cut short; "
            "give a file written by EELSAugmenter.save"
        )
    try:
        with np.load(path, allow_pickle=False) as file:
            names = file.files
            if "header" not in names:
                raise ValueError(f"{path} is not an augmenter file: it has no header")
            header = json.loads(file["header"].tobytes().decode())
            _check_header(path, header)
            arrays = {name: file[name] for name in names if name != "header"}
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        UnicodeDecodeError,
        # What zipfile makes of damaged flags: an unknown compression, an encrypted member.
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise ValueError(f"{path} is damaged and cannot be read ({error})") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is damaged: its header cannot be read ({error})") from error
    return header, arrays


def _check_header(path: Path, header: Any) -> None:
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ValueError(f"{path} is not an augmenter file: its header is of another kind")
    version = header.get("format_version")
    if not isinstance(version, int):
        raise ValueError(f"{path} is damaged: its header gives no format version")
    if version > FORMAT_VERSION:
        raise ValueError(
            f"{path} was written by hyperspy_dag {header.get('package_version')} in format "
            f"{version}; this version reads up to format {FORMAT_VERSION}. Update hyperspy_dag "
            "to open it"
        )
