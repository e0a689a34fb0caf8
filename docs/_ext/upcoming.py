# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes about/upcoming.md: what the next version's part of the changelog would be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def write(app: Sphinx) -> None:
    """Ask towncrier, which changes nothing in a draft."""
    draft = subprocess.run(
        [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "next", "--date", ""],
        cwd=Path(app.srcdir).parent,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    ).stdout
    title, _, content = draft.partition("\n")
    text = "" if "No significant changes" in content else f"## Not released yet\n{content}"
    (Path(app.srcdir) / "about" / "upcoming.md").write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Write before Sphinx looks for files."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
