# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the interface as PNG, which can be drawn in any thread."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from hyperspy_dag.dag.fitted_class import History
from hyperspy_dag.dag.stopping import CRITERIA, RealReference
from hyperspy_dag.plotting.axes import CLASS_COLOURS, displayable
from hyperspy_dag.plotting.training import draw_metrics
from hyperspy_dag.training.training_set import TrainingSet

if TYPE_CHECKING:
    from hyperspy_dag.adaptation.maps import ClassMap

BACKGROUND_COLOUR, SIGNAL_COLOUR = "#0072B2", "#009E73"

_LIKE_NONE = "like none of the classes"


@dataclass
class Shown:
    """What is drawn of the training of a class.

    Attributes
    ----------
    label : str, int or bool
    history : History
    baseline : RealReference
    examples : array of shape (n, channels)
        Synthetic spectra.
    said : str
        Words in place of the metrics, where there is nothing to see in these.
    """

    label: Any
    history: History
    baseline: RealReference
    examples: np.ndarray
    said: str = "The curves begin at the second look."


def png(figure: Figure) -> bytes:
    """Return a figure as PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=90)
    return buffer.getvalue()


def input_picture(
    energy: np.ndarray,
    mean: np.ndarray,
    ranges: dict[str, tuple[float, float] | None],
    data: TrainingSet | None,
) -> bytes:
    """Draw the mean spectrum with the ranges, and the classes of the training set."""
    figure = Figure(figsize=(9.6, 2.7), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(energy, mean, color="0.15", lw=1)
    for name, colour in (("background", BACKGROUND_COLOUR), ("signal", SIGNAL_COLOUR)):
        span = ranges[f"{name}_range"]
        if span is not None:
            left.axvspan(*span, color=colour, alpha=0.2, lw=0, label=f"{name} range")
            left.legend(loc="upper right", fontsize="small")
    left.set_title("Mean spectrum as it is", fontsize="medium")
    left.ticklabel_format(axis="y", style="plain", useOffset=False)
    if data is None:
        right.set_axis_off()
        right.text(0.5, 0.5, "nothing to train on yet", ha="center", va="center", color="0.4")
    else:
        data_energy = data.energy_axis.energies
        for i, (label, rows) in enumerate(data.spectra.items()):
            centre, spread = rows.mean(axis=0), rows.std(axis=0)
            colour = CLASS_COLOURS[i % len(CLASS_COLOURS)]
            name = f"{displayable(label)} ({len(rows)})"
            right.plot(data_energy, centre, color=colour, lw=1.1, label=name)
            right.fill_between(
                data_energy, centre - spread, centre + spread, color=colour, alpha=0.2, lw=0
            )
        right.legend(loc="upper right", fontsize="small")
        right.set_title("Classes: mean and spread, to be trained on", fontsize="medium")
        right.set_xlim(data_energy[0], data_energy[-1])
        right.set_xlabel("Energy loss (eV)")
    left.set_xlim(energy[0], energy[-1])
    left.set_xlabel("Energy loss (eV)")
    return png(figure)


def training_picture(
    model: Shown,
    stopping: str | None,
    tolerance: float,
    energy: np.ndarray,
    real: np.ndarray,
    synthetic: np.ndarray,
) -> bytes:
    """Draw the metrics with their thresholds, and real above synthetic spectra.

    Where nothing was trained, words stand in for the metrics.
    """
    figure = Figure(figsize=(9.6, 4.2 if model.said else 5.4), layout="constrained")
    grid = figure.add_gridspec(2, 3, height_ratios=(0.5 if model.said else 1, 1.25))
    if not model.said:
        metrics = [figure.add_subplot(grid[0, i]) for i in range(3)]
        asked = () if stopping is None else CRITERIA[stopping]
        draw_metrics(metrics, model.history, model.baseline, asked, tolerance)
        last = max(10, model.history.evaluations[-1].epoch)
        for ax in metrics:
            ax.set_xlim(-0.04 * last, 1.04 * last)
    else:
        ax = figure.add_subplot(grid[0, :])
        ax.set_axis_off()
        words: dict[str, Any] = {
            "ha": "center",
            "va": "center",
            "fontsize": "large",
            "linespacing": 1.6,
            "in_layout": False,
        }
        ax.text(0.5, 0.5, model.said, color="0.3", **words)
    figure.suptitle(displayable(model.label), fontsize="large", x=0.01, ha="left")
    for place, rows, colour, name in (
        (grid[1, :1], real, "0.15", "real"),
        (grid[1, 1:2], synthetic, "#D55E00", "synthetic"),
    ):
        ax = figure.add_subplot(place)
        for i, row in enumerate(rows[:5]):
            ax.plot(energy, row - i, color=colour, lw=0.7)
        ax.set_title(f"{name} spectra", fontsize="medium")
        ax.set_yticks([])
        ax.set_xlabel("Energy loss (eV)")
        ax.set_xlim(energy[0], energy[-1])
    ax = figure.add_subplot(grid[1, 2:])
    ax.plot(energy, real.mean(axis=0), color="0.15", lw=1.2, label="real")
    ax.plot(energy, synthetic.mean(axis=0), "--", color="#D55E00", lw=1.2, label="synthetic")
    ax.set_title("mean spectra", fontsize="medium")
    ax.legend(loc="upper right", fontsize="small")
    ax.set_xlim(energy[0], energy[-1])
    ax.set_yticks([])
    ax.set_xlabel("Energy loss (eV)")
    return png(figure)


class MapPicture:
    """A map of classes with a mark at one spectrum, in whatever canvas a toolkit gives it.

    Parameters
    ----------
    phases : ClassMap
    clicked : callable
        Called with the row and the column (0 and the number in a map that is no image) of a click.
    """

    def __init__(self, phases: ClassMap, clicked: Callable[[int, int], None]):
        self.figure = Figure(figsize=(4.2, 3.2), layout="constrained")
        self._phases, self._clicked = phases, clicked
        self._ax = self.figure.subplots()
        phases.plot(self._ax)
        (self._mark,) = self._ax.plot([], [], "+", color="k", ms=13, mew=2, gid="mark")
        self.figure.canvas.mpl_connect("button_press_event", self._pressed)

    def _axes(self) -> tuple[np.ndarray, np.ndarray]:
        if self._phases.index.ndim == 2:
            x, y = self._phases.signal.axes_manager.navigation_axes
            return x.axis, y.axis
        return np.arange(self._phases.index.size), np.zeros(1)

    def _pressed(self, event: Any) -> None:
        if event.inaxes is self._ax:
            x, y = self._axes()
            column = int(np.abs(x - event.xdata).argmin())
            self._clicked(int(np.abs(y - event.ydata).argmin()), column)

    def mark(self, row: int, column: int) -> None:
        """Mark a spectrum."""
        x, y = self._axes()
        height = y[row] if self._phases.index.ndim == 2 else self._phases.index.ravel()[column]
        self._mark.set_data([x[column]], [height])
        self.figure.canvas.draw_idle()


def spectrum_picture(
    energy: np.ndarray,
    spectrum: np.ndarray,
    phases: ClassMap,
    where: tuple[int, ...],
    mean_energy: np.ndarray,
    means: Mapping[Any, np.ndarray],
) -> bytes:
    """Draw a spectrum of a map, the mean of its class, and the class probabilities beside it."""
    figure = Figure(figsize=(5.4, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(2.6, 1))
    names = [displayable(label) for label in phases.classes]
    colours = [CLASS_COLOURS[i % len(CLASS_COLOURS)] for i in range(len(names))]
    found, probabilities = int(phases.index[where]), phases.probabilities[where]
    nearest = int(np.argmax(probabilities))
    left.plot(energy, spectrum, color="0.45", lw=0.8, label="spectrum")
    left.plot(
        mean_energy,
        means[phases.classes[nearest]],
        color=colours[nearest],
        lw=1.4,
        label=f"mean of synthetic {names[nearest]}",
    )
    left.legend(loc="upper right", fontsize="small")
    left.set_xlim(mean_energy[0], mean_energy[-1])
    left.set_yticks([])
    left.set_xlabel("Energy loss (eV)")
    place = ", ".join(map(str, where[::-1]))
    left.set_title(f"({place}): {names[found] if found >= 0 else _LIKE_NONE}", fontsize="medium")
    bars = right.barh(names, probabilities, color=colours, alpha=0.35 if found < 0 else 1)
    right.bar_label(bars, [f"{p:.0%}" for p in probabilities], padding=2, fontsize="small")
    right.set_xlim(0, 1.4)
    right.set_xticks([])
    right.invert_yaxis()
    right.set_title("if it were one" if found < 0 else "probability", fontsize="medium")
    right.spines[["top", "right", "bottom"]].set_visible(False)
    return png(figure)
