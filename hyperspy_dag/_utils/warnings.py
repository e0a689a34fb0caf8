# SPDX-License-Identifier: GPL-3.0-or-later
"""Warnings that show the line of the user's code."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: What threads collect, by their numbers.
_collected: dict[int, list[str]] = {}


def warn(message: str) -> None:
    """Give a UserWarning at the line that called the package.

    Python shows that line and warns once for each line, so that each of two fits in a notebook
    gives its warning.

    Parameters
    ----------
    message : str
    """
    own = _collected.get(threading.get_ident())
    if own is None and threading.current_thread() is not threading.main_thread():
        # A thread that collects nothing works for one that does, as dask's do.
        collecting = [*_collected.values()]
    else:
        collecting = [] if own is None else [own]
    for found in collecting:
        if message not in found:
            found.append(message)
    if collecting:
        return
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and _ours(frame):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=level)


@contextmanager
def collected_warnings() -> Iterator[list[str]]:
    """Collect what this thread warns of, each message once, in place of showing it.

    ``warnings.catch_warnings`` would take away those of all threads, for as long as a training
    lasts.
    """
    number = threading.get_ident()
    before = _collected.get(number)
    found: list[str] = []
    _collected[number] = found
    try:
        yield found
    finally:
        del _collected[number]
        if before is not None:
            _collected[number] = before


def _ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).split(".", 1)[0] == "hyperspy_dag"
