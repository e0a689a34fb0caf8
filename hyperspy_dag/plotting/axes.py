# SPDX-License-Identifier: GPL-3.0-or-later
"""Palette, panels and finish of figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.mathtext import MathTextParser
from matplotlib.ticker import LogFormatter
from numpy.typing import NDArray

# Okabe and Ito's palette; of each pair, one is clearly darker than the other.
REAL, SYNTHETIC = "0.15", "#D55E00"
DISCRIMINATOR, GENERATOR = "#0072B2", "#E69F00"
CLASS_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "0.15")
CLASS_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "*")


def panel_axes(
    given: Any, names: Sequence[str], *, width: float, height: float, columns: int = 4
) -> NDArray[np.object_]:
    """Return a flat array with one Axes for each name: the given ones, or those of a new figure."""
    if given is None:
        columns = min(columns, len(names))
        rows = -(-len(names) // columns)
        _, grid = plt.subplots(
            rows,
            columns,
            figsize=(width * columns, height * rows),
            layout="constrained",
            squeeze=False,
        )
        for ax in grid.flat[len(names) :]:
            ax.remove()
        return grid.ravel()[: len(names)]
    axes = np.array(given, dtype=object, ndmin=1).ravel()
    wrong = [type(ax).__name__ for ax in axes if not isinstance(ax, Axes)]
    if wrong:
        raise TypeError(f"axes must be matplotlib Axes; got {wrong[0]}")
    if len(axes) != len(names):
        raise ValueError(f"{len(axes)} axes were given; {len(names)} needed ({', '.join(names)})")
    return axes


def use_log_axis(ax: Axes) -> None:
    """Make the vertical axis logarithmic with plain numbers; leave out values of 0 or less.

    Costs and distances often stay within a decade, in which powers of ten are hard to read.
    """
    ax.set_yscale("log", nonpositive="mask")
    ax.yaxis.set_major_formatter(_PlainLogFormatter(labelOnlyBase=True))
    ax.yaxis.set_minor_formatter(_PlainLogFormatter(labelOnlyBase=False))


class _PlainLogFormatter(LogFormatter):
    """Write 1.2 instead of 1.2 x 10^0, at the ticks that Matplotlib labels."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""


def displayable(label: Any) -> str:
    """Return the name of a class as text that Matplotlib can display; escape broken formulae."""
    text = str(label)
    if text.startswith("_"):  # would be left out of legends
        text = f"\N{ZERO WIDTH SPACE}{text}"
    try:
        MathTextParser("agg").parse(text)
    except ValueError:
        return text.replace("$", r"\$")
    return text


def legend_above_data(ax: Axes, share: float, **options: Any) -> None:
    """Put the legend into the uppermost `share` of the axes, above the data."""
    scale = ax.yaxis.get_transform()
    low, high = scale.transform(np.array(ax.get_ylim()))
    ax.set_ylim(*scale.inverted().transform(np.array([low, low + (high - low) / (1 - share)])))
    ax.legend(loc="upper left", fontsize="small", columnspacing=1.0, handlelength=1.8, **options)
