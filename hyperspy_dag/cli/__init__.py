# SPDX-License-Identifier: GPL-3.0-or-later
"""The program ``hyperspy-dag``: the work of this package as batch jobs.

Only Typer is imported before a command runs, so that ``--help`` and ``--version`` are fast.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

# In the order of the help.
# isort: off
from . import _spectra_commands  # noqa: F401
from . import _map_commands  # noqa: F401
from . import _report_commands  # noqa: F401

# isort: on
from ._app import app

__all__ = ["app", "main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and end the process with one of its exit codes.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default: those of the command line.
    """
    # A batch job has no window, and its log is a file: one line of progress a minute will do.
    os.environ.setdefault("MPLBACKEND", "agg")
    if not sys.stderr.isatty():
        os.environ.setdefault("TQDM_MININTERVAL", "60")
    app(arguments, prog_name="hyperspy-dag")
