# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of arguments; messages contain the given and the allowed values."""

from __future__ import annotations

import difflib
import math
import numbers
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np


def check_choice(name: str, value: object, allowed: Iterable[str]) -> str:
    """Return `value` if it is in `allowed`; raise ValueError with the nearest one otherwise."""
    allowed = list(allowed)
    if isinstance(value, str) and value in allowed:
        return value
    near = difflib.get_close_matches(str(value).lower(), allowed, n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"{name}={value!r} is not known; choose from {', '.join(allowed)}.{hint}")


def check_count(name: str, value: object, minimum: int = 1) -> int:
    """Return a whole number of at least `minimum`, checked."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool | np.bool_):
        raise TypeError(
            f"{name} must be a whole number, {value!r} ({type(value).__name__}) was given"
        )
    number = int(value)
    if number < minimum:
        raise ValueError(f"{name} must be at least {minimum}, {number} was given")
    return number


def check_number(
    name: str, value: object, *, above: float | None = None, minimum: float | None = None
) -> float:
    """Return a finite float above `above`, or of at least `minimum`, checked."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be a number, {value!r} ({type(value).__name__}) was given")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, {number} was given")
    if above is not None and not number > above:
        raise ValueError(f"{name} must be above {above:g}, {number:g} was given")
    if minimum is not None and not number >= minimum:
        raise ValueError(f"{name} must be at least {minimum:g}, {number:g} was given")
    return number


def check_flag(name: str, value: object) -> bool:
    """Return a bool; raise TypeError for other values, such as "no"."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False; got {value!r}.")
    return bool(value)


def check_random_state(random_state: object) -> int:
    """Return a non-negative integer below 2**63 for `random_state`.

    Parameters
    ----------
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
        None draws an integer from the operating system, which can be stored and used again. A
        generator is advanced by one draw.
    """
    if random_state is None:
        return int(np.random.default_rng().integers(2**63 - 1))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**63 - 1))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    seed = check_count("random_state", random_state, minimum=0)
    if seed >= 2**63:
        raise ValueError(f"random_state must be below 2**63, {seed} was given")
    return seed


def check_writable(path: str | os.PathLike, overwrite: bool = False) -> Path:
    """Return `path` if a file can be written there, checked before the work.

    Raises
    ------
    FileNotFoundError
        The folder does not exist.
    FileExistsError
        The file exists and `overwrite` is not True.
    PermissionError
        The folder or the existing file cannot be written to.
    IsADirectoryError
        `path` is a folder.
    """
    path = Path(path).expanduser()
    folder = path.parent
    if not folder.is_dir():
        raise FileNotFoundError(
            f"cannot write {path}: there is no folder {folder}; create it first"
        )
    # A .zspy "file" is a folder.
    zarr = path.suffix == ".zspy" and any((path / n).exists() for n in (".zgroup", "zarr.json"))
    if path.is_dir() and not zarr:
        raise IsADirectoryError(f"cannot write {path}: it is a folder; give a file name")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists; give another name or overwrite=True")
    # All is written beside its place first, and then put there.
    for target in (folder, path) if path.exists() else (folder,):
        if not os.access(target, os.W_OK | (os.X_OK if target.is_dir() else 0)):
            raise PermissionError(f"cannot write {path}: no permission to write {target}")
    return path


def check_folder(name: str, folder: object) -> Path:
    """Return `folder` if it can be made, or files can be written into it.

    Raises
    ------
    TypeError
        `folder` is not a path.
    FileNotFoundError, NotADirectoryError, PermissionError
        The folder cannot be made or written to; the message begins with `name`.
    """
    if not isinstance(folder, str | os.PathLike):
        raise TypeError(f"{name} must be a path, {folder!r} ({type(folder).__name__}) was given")
    # Absolute: it is to be the same folder in other processes and after an os.chdir.
    path = Path(folder).expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f"{name}={str(path)!r} is a file; give a folder")
    existing = path if path.exists() else path.parent
    if not existing.is_dir():
        raise FileNotFoundError(
            f"{name}={str(path)!r}: there is no folder {existing}; create it first"
        )
    if not os.access(existing, os.W_OK | os.X_OK):
        raise PermissionError(f"{name}={str(path)!r}: no permission to write {existing}")
    return path


#: File formats that keep axes, labels and provenance; HyperSpy's own.
SIGNAL_FORMATS = (".hspy", ".zspy")


def check_signal_file(path: str | os.PathLike, overwrite: bool = False) -> Path:
    """Return `path` if HyperSpy can save a signal there; add .hspy to a name without ending.

    Raises the errors of :func:`check_writable`, and ValueError for a format without labels.
    """
    path = Path(path)
    if path.suffix == "":
        path = path.with_name(path.name + SIGNAL_FORMATS[0])
    if path.suffix not in SIGNAL_FORMATS:
        raise ValueError(
            f"cannot save to {path}: its ending must be {' or '.join(SIGNAL_FORMATS)}, which keep "
            "labels and metadata; export other formats with the result's own save"
        )
    return check_writable(path, overwrite)


def check_existing(path: Path) -> Path:
    """Return `path` with ``~`` resolved.

    Raises
    ------
    FileNotFoundError
        The file does not exist.
    """
    path = path.expanduser()
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    return path


def name_of(number: int, total: int) -> str:
    """Return the name of one of several signals in messages."""
    return f"signal {number + 1} of {total}"
