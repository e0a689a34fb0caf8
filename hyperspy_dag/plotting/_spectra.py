# SPDX-License-Identifier: GPL-3.0-or-later
"""Single spectra, and maps of many spectra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from hyperspy_dag._utils.checks import check_count, check_number

from ._pair import Panel, SpectraPair, spectra_pair
from .axes import REAL, SYNTHETIC, displayable, panel_axes

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

    Spectra: TypeAlias = EELSSpectrum | ArrayLike
    RandomState = int | np.random.Generator | None


def plot_spectra(
    real: Spectra,
    synthetic: Spectra,
    labels: Any = None,
    *,
    label: Any = None,
    n: int = 3,
    offset: float | None = None,
    energy: ArrayLike | None = None,
    synthetic_labels: Any = None,
    random_state: RandomState = 0,
    axes: Axes | ArrayLike | None = None,
) -> NDArray[np.object_]:
    """Plot pairs of a real and a synthetic spectrum, one panel for each class.

    After Fig. 7 of del-Pozo-Bueno et al. 2024. The spectra are chosen at random, not by likeness.

    Parameters
    ----------
    real : EELSSpectrum or array-like, shape (..., channels)
        Real spectra.
    synthetic : EELSSpectrum or array-like, shape (..., channels)
        Synthetic spectra on the same energy axis.
    labels : array-like or signal of the navigation shape of `real`, optional
        Class of each real spectrum, in any format of :func:`hyperspy_dag.labels.parse_labels`. Not
        needed if `real` holds one class.
    label : optional
        The only class to plot; default: every class of `synthetic`.
    n : int, default 3
        Largest number of pairs in a panel; fewer if a class has fewer real or synthetic spectra.
    offset : float, optional
        Vertical distance between the spectra of a pair, in units of intensity. Default: the largest
        range of intensity among the spectra of the panel.
    energy : array-like, shape (channels,), optional
        Energy loss of the channels in eV, for arrays. Default: channel numbers. Signals have their
        own energy axis.
    synthetic_labels : array-like or signal of the navigation shape of `synthetic`, optional
        Default: the labels that a signal made by ``dag_augment`` or ``EELSAugmenter.sample``
        carries.
    random_state : int, numpy.random.Generator or None, default 0
        Seed of the choice of spectra.
    axes : Axes or array of Axes, optional
        One for each class. Default: a new figure.

    Returns
    -------
    numpy.ndarray of Axes, shape (classes,)
        ``lines`` of each holds real and synthetic spectra alternately, from the top.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong type, the two sets have different energy axes, a class is in one
        of them only, or a spectrum holds NaN or infinity.

    Warns
    -----
    UserWarning
        `real` and `synthetic` seem to be swapped.

    See Also
    --------
    plot_intensity_maps : Plot many spectra as maps.
    plot_scores : Plot spectra as points.

    Examples
    --------
    The file is that of the example of :class:`hyperspy_dag.EELSAugmenter`.

    >>> from hyperspy_dag import EELSAugmenter
    >>> from hyperspy_dag.data import simulated_oxides
    >>> from hyperspy_dag.plotting import plot_spectra
    >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 30, "MnO2": 30})
    >>> axes = plot_spectra(s, EELSAugmenter.load("oxides.dag").sample(30), labels)
    >>> [ax.get_title() for ax in axes]
    ['MnO', 'MnO2']
    """
    n = check_count("n", n)
    if offset is not None:
        offset = check_number("offset", offset, minimum=0.0)
    pair = spectra_pair(real, synthetic, labels, synthetic_labels, energy)
    panels = pair.draw(pair.classes(label), n, random_state)
    axes = panel_axes(axes, [str(p.label) for p in panels], width=4.0, height=1.0 + 1.3 * n)
    for ax, panel in zip(axes, panels, strict=True):
        _stack(ax, pair.energy, panel, offset)
        finish_spectral(ax, pair, panel.label)
    return axes


def _stack(ax: Axes, energy: NDArray[np.float64], panel: Panel, offset: float | None) -> None:
    both = np.concatenate([panel.real, panel.synthetic])
    step = float(np.ptp(both, axis=1).max()) if offset is None else offset
    edge = max(1, len(energy) // 20)
    ticks, height = [], 0.0
    for i, rows in enumerate(zip(panel.real, panel.synthetic, strict=True)):
        height -= 0.3 * step * (i > 0)  # pairs stand a little apart
        for spectrum, colour, name in zip(
            rows, (REAL, SYNTHETIC), ("real", "synthetic"), strict=True
        ):
            shown = name if i == 0 else f"_{name}"  # one entry each in a legend
            ax.plot(energy, spectrum + height, color=colour, lw=0.8, label=shown)
            ticks.append((height + float(spectrum[:edge].mean()), name, colour))
            height -= step
    ax.set_yticks([tick[0] for tick in ticks], [tick[1] for tick in ticks])
    for text, (_, _, colour) in zip(ax.get_yticklabels(), ticks, strict=True):
        text.set_color(colour)


def plot_intensity_maps(
    real: Spectra,
    synthetic: Spectra,
    labels: Any = None,
    *,
    label: Any = None,
    n: int = 75,
    energy: ArrayLike | None = None,
    synthetic_labels: Any = None,
    random_state: RandomState = 0,
    axes: Axes | ArrayLike | None = None,
) -> NDArray[np.object_]:
    """Plot real spectra above synthetic ones as a map of intensity, one panel for each class.

    After Fig. 8 of del-Pozo-Bueno et al. 2024: each spectrum is a row, its intensity a colour. The
    colour scale of all panels runs from the 0.5th to the 99.5th percentile of the shown
    intensities.

    Parameters
    ----------
    real, synthetic, labels, label, energy, synthetic_labels, axes
        See :func:`plot_spectra`.
    n : int, default 75
        Largest number of real spectra in a panel; there are as many synthetic ones. The smaller of
        the two sides limits both.
    random_state : int, numpy.random.Generator or None, default 0
        Seed of the choice of spectra; they keep their order.

    Returns
    -------
    numpy.ndarray of Axes, shape (classes,)
        The map is ``collections[0]`` of each. A new figure also has a colour bar.

    Raises
    ------
    TypeError, ValueError
        See :func:`plot_spectra`.

    Warns
    -----
    UserWarning
        `real` and `synthetic` seem to be swapped.

    See Also
    --------
    plot_spectra : Plot single spectra.
    plot_scores : Plot spectra as points.

    Examples
    --------
    The file is that of the example of :class:`hyperspy_dag.EELSAugmenter`.

    >>> from hyperspy_dag import EELSAugmenter
    >>> from hyperspy_dag.data import simulated_oxides
    >>> from hyperspy_dag.plotting import plot_intensity_maps
    >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 30, "MnO2": 30})
    >>> axes = plot_intensity_maps(s, EELSAugmenter.load("oxides.dag").sample(30), labels)
    >>> [tick.get_text() for tick in axes[0].get_yticklabels()]
    ['30 real', '30 synthetic']
    """
    n = check_count("n", n)
    pair = spectra_pair(real, synthetic, labels, synthetic_labels, energy)
    panels = pair.draw(pair.classes(label), n, random_state)
    new = axes is None
    axes = panel_axes(axes, [str(p.label) for p in panels], width=4.2, height=4.2)
    maps = [np.concatenate([panel.real, panel.synthetic]) for panel in panels]
    low, high = np.percentile(np.concatenate(maps), (0.5, 99.5))
    edges = channel_edges(pair.energy)
    for ax, panel, intensity in zip(axes, panels, maps, strict=True):
        half = len(panel.real)
        mesh = ax.pcolormesh(
            edges,
            np.arange(len(intensity) + 1),
            intensity,
            cmap="viridis",
            vmin=low,
            vmax=high,
            rasterized=True,
        )
        ax.axhline(half, color="black", lw=3.5)
        ax.axhline(half, color="white", lw=1.5)
        ax.set_ylim(len(intensity), 0)
        ax.set_yticks(
            [half / 2, half * 1.5],
            [f"{half} real", f"{half} synthetic"],
            rotation="vertical",
            va="center",
        )
        ax.tick_params(axis="y", length=0)
        finish_spectral(ax, pair, panel.label)
    if new:
        axes[0].figure.colorbar(
            mesh, ax=list(axes), label="Intensity", extend="both", fraction=0.05, pad=0.02
        )
    return axes


def finish_spectral(ax: Axes, pair: SpectraPair, label: Any) -> None:
    edges = channel_edges(pair.energy)
    ax.set_xlim(edges[0], edges[-1])
    ax.set_xlabel(pair.energy_name)
    if label is not None:
        ax.set_title(displayable(label))


def channel_edges(energy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the edges of channels with the given centres."""
    if len(energy) == 1:
        return np.array([energy[0] - 0.5, energy[0] + 0.5])
    middle = (energy[1:] + energy[:-1]) / 2
    return np.concatenate([[2 * energy[0] - middle[0]], middle, [2 * energy[-1] - middle[-1]]])
