# SPDX-License-Identifier: GPL-3.0-or-later
"""Confusion matrices of classifiers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from hyperspy_dag._utils.checks import check_choice

from .axes import displayable, panel_axes

#: Letters of a name from which on those of the columns are written aslant.
_LONG = 8


def plot_confusion_matrix(
    matrix: ArrayLike,
    classes: Sequence[Any],
    *,
    normalise: str | None = "columns",
    ax: Axes | None = None,
) -> Axes:
    """Plot a confusion matrix.

    By default each column is normalised, as in Fig. 6 of del-Pozo-Bueno et al. 2024.

    Parameters
    ----------
    matrix : array-like, shape (classes, classes)
        Numbers of spectra; rows are true classes, columns predicted ones, as
        :func:`sklearn.metrics.confusion_matrix` has them.
    classes : sequence
        Names of the classes, in the order of rows and columns.
    normalise : {"columns", "rows"} or None, default "columns"
        "columns": percent of the spectra predicted to be of a class. "rows": percent of the spectra
        that are of a class. None: the numbers themselves. A column or row without spectra shows
        "–".
    ax : Axes, optional
        Default: a new figure.

    Returns
    -------
    Axes
        ``images[0]`` holds the shown values, ``texts`` the text of the cells, row after row.

    Raises
    ------
    TypeError, ValueError
        `matrix` is not square, has negative or infinite entries, or does not fit `classes`.

    See Also
    --------
    hyperspy_dag.validation.tstr : Train classifiers on real and on synthetic spectra.
    sklearn.metrics.confusion_matrix : Count true and predicted classes.

    Examples
    --------
    >>> from hyperspy_dag.plotting import plot_confusion_matrix
    >>> ax = plot_confusion_matrix([[9, 1], [3, 7]], ["FeO", "Fe3O4"], normalise=None)
    >>> [cell.get_text() for cell in ax.texts]
    ['9', '1', '3', '7']
    """
    if normalise is not None:
        check_choice("normalise", normalise, ("columns", "rows"))
    counts = np.asarray(matrix)
    names = [displayable(name) for name in classes]
    if counts.dtype.kind not in "fiu":
        raise TypeError(f"matrix must hold numbers; got dtype {counts.dtype}")
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
        raise ValueError(f"matrix must be square, (classes, classes); got shape {counts.shape}")
    if len(names) != len(counts):
        raise ValueError(f"classes names {len(names)} classes; matrix has {len(counts)}")
    if not np.isfinite(counts).all() or (counts < 0).any():
        raise ValueError("matrix must hold finite numbers of spectra, none of them negative")

    shown = counts.astype(np.float64)
    if normalise is not None:
        total = shown.sum(axis=0 if normalise == "columns" else 1, keepdims=True)
        shown = 100 * np.divide(shown, total, out=np.full_like(shown, np.nan), where=total > 0)
    size = 1.8 + 0.85 * len(names)
    (ax,) = panel_axes(ax, ["confusion matrix"], width=size + 0.4, height=size)
    top = 100 if normalise is not None else max(float(shown.max()), 1.0)
    ax.imshow(shown, cmap=mpl.colormaps["Blues"].with_extremes(bad="0.8"), vmin=0, vmax=top)
    whole = bool((counts == np.trunc(counts)).all())
    for (i, j), value in np.ndenumerate(shown):
        ax.text(
            j,
            i,
            _cell(value, float(counts[i, j]), normalise is not None, whole),
            ha="center",
            va="center",
            color="white" if value > 0.55 * top else "black",
        )
    if max(len(name) for name in names) > _LONG:  # abreast they would lie on each other
        ax.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
    else:
        ax.set_xticks(range(len(names)), names)
    ax.set_yticks(range(len(names)), names)
    ax.set_xticks(np.arange(1, len(names)) - 0.5, minor=True)
    ax.set_yticks(np.arange(1, len(names)) - 0.5, minor=True)
    ax.grid(which="minor", color="0.6", lw=0.8)
    ax.tick_params(which="minor", length=0)
    sums = " (each sums to 100 %)"
    ax.set_xlabel("Predicted class" + sums * (normalise == "columns"))
    ax.set_ylabel("True class" + sums * (normalise == "rows"))
    return ax


def _cell(value: float, count: float, normalised: bool, whole: bool) -> str:
    if np.isnan(value):
        return "–"
    number = f"{count:.0f}" if whole else f"{count:.3g}"
    if not normalised:
        return number
    return f"{value:.1f} %\n({number})" if whole else f"{value:.1f} %"
