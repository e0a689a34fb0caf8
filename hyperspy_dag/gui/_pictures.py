# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the interface as PNG, which can be drawn in any thread."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from hyperspy_dag.dag.fitted_class import History
from hyperspy_dag.dag.stopping import CRITERIA, RealReference
from hyperspy_dag.plotting.axes import CLASS_COLOURS, displayable
from hyperspy_dag.plotting.training import draw_metrics
from hyperspy_dag.training.training_set import TrainingSet

BACKGROUND_COLOUR, SIGNAL_COLOUR = "#0072B2", "#009E73"


def _png(figure: Figure) -> bytes:
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
        span = ranges[name]
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
    return _png(figure)


def training_picture(
    label: Any,
    history: History,
    baseline: RealReference,
    stopping: str | None,
    tolerance: float,
    energy: np.ndarray,
    real: np.ndarray,
    synthetic: np.ndarray,
) -> bytes:
    """Draw the metrics with their thresholds, and real above synthetic spectra."""
    figure = Figure(figsize=(9.6, 5.4), layout="constrained")
    grid = figure.add_gridspec(2, 3, height_ratios=(1, 1.25))
    metrics = [figure.add_subplot(grid[0, i]) for i in range(3)]
    asked = () if stopping is None else CRITERIA[stopping]
    draw_metrics(metrics, history, baseline, asked, tolerance)
    for ax in metrics:
        last = max(10, history.evaluations[-1].epoch)
        ax.set_xlim(-0.04 * last, 1.04 * last)
    figure.suptitle(displayable(label), fontsize="large", x=0.01, ha="left")
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
    return _png(figure)
