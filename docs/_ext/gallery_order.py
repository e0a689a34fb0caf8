# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of the gallery: first things first, then by name."""

from __future__ import annotations

FIRST = (
    "plot_quick_start.py",
    "plot_few_labels.py",
    "plot_fast_map.py",
    "plot_report.py",
    "plot_sampling.py",
    "plot_imbalanced.py",
    "plot_phase_fractions.py",
)


class Order:
    """Sort key of example scripts, as sphinx-gallery wants it: made for each folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, filename: str) -> tuple[int, str]:
        """Return the place of a script."""
        return (FIRST.index(filename) if filename in FIRST else len(FIRST), filename)
