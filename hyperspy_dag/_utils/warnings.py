# SPDX-License-Identifier: GPL-3.0-or-later
"""Warnings that name the user's line, however deep in the package they come up."""

from __future__ import annotations

import sys
import warnings
from types import FrameType


def warn(message: str) -> None:
    """Warn of what the user can do something about, at the line that called the package.

    Python shows that line, and warns once for each of them: two fits in one notebook must both be
    heard.

    Parameters
    ----------
    message : str
    """
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and _ours(frame):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=level)


def _ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).split(".", 1)[0] == "hyperspy_dag"
