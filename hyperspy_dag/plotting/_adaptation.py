# SPDX-License-Identifier: GPL-3.0-or-later
"""Figure of an adaptation: the target beside synthetic spectra, and the conditions found."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .axes import CLASS_COLOURS, CLASS_MARKERS, REAL, SYNTHETIC, displayable, panel_axes

_NAMES = {
    "thickness": "Δ(t/λ)",
    "tail": "tail, exponent",
    "residue": "residue / maximum",
    "resolution": "resolution (eV)",
    "shift": "shift (eV)",
    "dose": "dose, relative",
}


def plot_adaptation(augmenter: Any, axes: Any = None) -> NDArray[np.object_]:
    """Plot the target of an adaptation beside synthetic spectra, and the conditions found.

    The mean of the target's spectra is shown with their standard deviation, beside the mean of the
    mixture of the classes as labelled, in equal parts, and as adapted. Each condition has a panel
    with the mean of each class and its 90 % interval; grey lines are none.

    Parameters
    ----------
    augmenter : EELSAugmenter or AdaptedClasses
        Adapted augmenter, or its ``adaptation_``.
    axes : array of seven matplotlib axes, optional
        By default those of a new figure.

    Returns
    -------
    array of matplotlib axes

    See Also
    --------
    hyperspy_dag.EELSAugmenter.adapt : Adapt an augmenter.
    plot_spectra : Plot real and synthetic spectra.

    Examples
    --------
    The file is that of the example of :class:`hyperspy_dag.EELSAugmenter`.

    >>> from hyperspy_dag import EELSAugmenter
    >>> from hyperspy_dag.data import simulated_oxides
    >>> from hyperspy_dag.plotting import plot_adaptation
    >>> s, _ = simulated_oxides("WL-Mn", {"MnO": 40, "MnO2": 20}, random_state=5)
    >>> len(plot_adaptation(EELSAugmenter.load("oxides.dag").adapt(s)))
    7
    """
    found = getattr(augmenter, "adaptation_", augmenter)
    if axes is None:
        from matplotlib import pyplot as plt

        figure = plt.figure(figsize=(9.5, 6.0), layout="constrained")
        grid = figure.add_gridspec(2, 6, height_ratios=(1.6, 1))
        first = figure.add_subplot(grid[0, :])
        axes = [first, *(figure.add_subplot(grid[1, i]) for i in range(6))]
    first, *panels = axes = panel_axes(axes, ["spectra", *_NAMES], width=3, height=3)
    energy = next(iter(found.laws.values())).physics.energies
    mean, spread = found.seen["target"]
    first.fill_between(energy, mean - spread, mean + spread, color=REAL, alpha=0.2, lw=0)
    first.plot(energy, mean, color=REAL, lw=1.5, label="target, mean and standard deviation")
    first.plot(
        energy,
        found.seen["before"][0],
        color="#0072B2",
        ls="--",
        lw=1,
        label="synthetic, as labelled",
    )
    first.plot(energy, found.seen["after"][0], color=SYNTHETIC, lw=1, label="synthetic, adapted")
    first.set(xlabel="Energy loss (eV)", ylabel="Intensity", xlim=(energy[0], energy[-1]))
    first.legend(frameon=False, fontsize="small")
    for ax, (name, text) in zip(panels, _NAMES.items(), strict=True):
        ax.axhline(1.0 if name == "dose" else 0.0, color="0.7", lw=0.8)
        for i, (label, own) in enumerate(found.conditions.items()):
            one = own[name]
            share = f"{displayable(label)}, {found.fractions[label]:.0%}"
            ax.errorbar(
                i,
                one.mean,
                [[max(0.0, one.mean - one.low)], [max(0.0, one.high - one.mean)]],
                color=CLASS_COLOURS[i % len(CLASS_COLOURS)],
                marker=CLASS_MARKERS[i % len(CLASS_MARKERS)],
                capsize=3,
                label=share,
            )
        ax.set_title(text, fontsize="medium")
        ax.set(xticks=[], xlim=(-0.6, len(found.conditions) - 0.4))
    first.figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=6, frameon=False
    )
    return axes
