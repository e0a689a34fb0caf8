# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes about/rooms.txt: the package, floor by floor, as `.ci/structure.py` finds it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def write(app: Sphinx) -> None:
    """Ask the script that holds the package to its limits."""
    script = Path(app.srcdir).parent / ".ci" / "structure.py"
    rooms = subprocess.run(
        [sys.executable, script, "--rooms"], check=True, stdout=subprocess.PIPE, encoding="utf-8"
    ).stdout
    (Path(app.srcdir) / "about" / "rooms.txt").write_text(rooms, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Write before Sphinx reads the pages."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
