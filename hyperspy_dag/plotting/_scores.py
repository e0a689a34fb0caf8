# SPDX-License-Identifier: GPL-3.0-or-later
"""Real and synthetic spectra as points in two dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from hyperspy_dag._utils.checks import check_choice, check_count, check_random_state

from ._pair import SpectraPair, SpectraSet, spectra_pair
from .axes import CLASS_COLOURS, CLASS_MARKERS, SYNTHETIC, displayable, panel_axes

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

    Spectra: TypeAlias = EELSSpectrum | ArrayLike
    RandomState = int | np.random.Generator | None


#: Letters of a legend's entry of which two fit side by side.
_LONG = 26


def plot_scores(
    real: Spectra,
    synthetic: Spectra,
    labels: Any = None,
    *,
    label: Any = None,
    method: str = "pca",
    n: int = 500,
    synthetic_labels: Any = None,
    training: Spectra | None = None,
    training_labels: Any = None,
    random_state: RandomState = 0,
    ax: Axes | None = None,
) -> Axes:
    """Plot real and synthetic spectra as points in two dimensions.

    The two dimensions are fitted to all real spectra of the plotted classes; the synthetic spectra
    are projected. Real spectra are filled markers, synthetic ones open, training spectra crosses.
    Each class has its own marker.

    Parameters
    ----------
    real, synthetic, labels, label, synthetic_labels
        See :func:`plot_spectra`.
    method : {"pca", "umap"}, default "pca"
        First two principal components, or UMAP, which needs the package ``umap-learn``.
    training : EELSSpectrum or array, optional
        Real spectra that the synthetic ones were learned from. They show how far `real`, of another
        region or day, lies from them.
    training_labels : optional
        As `labels`.
    n : int, default 500
        Largest number of real points of a class; there are as many synthetic ones. The smaller of
        the two sides limits both.
    random_state : int, numpy.random.Generator or None, default 0
        Seed of the choice of spectra, and of UMAP.
    ax : Axes, optional
        Default: a new figure.

    Returns
    -------
    Axes
        ``lines`` holds the real spectra of each class, then the training spectra of each class if
        given, then the synthetic spectra of each class.

    Raises
    ------
    ImportError
        ``method="umap"`` without ``umap-learn``.
    TypeError, ValueError
        See :func:`plot_spectra`; or there are fewer than 3 real spectra.

    Warns
    -----
    UserWarning
        `real` and `synthetic` seem to be swapped.

    See Also
    --------
    plot_spectra : Plot single spectra.
    plot_intensity_maps : Plot many spectra as maps.
    hyperspy_dag.metrics.precision_recall_density_coverage : Measure the overlap of the two sets.

    Examples
    --------
    The file is that of the example of :class:`hyperspy_dag.EELSAugmenter`.

    >>> from hyperspy_dag import EELSAugmenter
    >>> from hyperspy_dag.data import simulated_oxides
    >>> from hyperspy_dag.plotting import plot_scores
    >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 30, "MnO2": 30})
    >>> ax = plot_scores(s, EELSAugmenter.load("oxides.dag").sample(30), labels)
    >>> [line.get_label() for line in ax.lines]
    ['MnO, real', 'MnO2, real', 'MnO, synthetic', 'MnO2, synthetic']
    """
    check_choice("method", method, ("pca", "umap"))
    n = check_count("n", n)
    pair = spectra_pair(real, synthetic, labels, synthetic_labels, None)
    classes = pair.classes(label)
    seed = check_random_state(random_state)
    reference = pair.real.read(np.concatenate([rows for _, rows, _ in classes]))
    if len(reference) < 3:
        raise ValueError(
            f"real holds {len(reference)} spectra; at least 3 are needed to find two dimensions"
        )
    project, names = _PROJECTIONS[method](reference, seed)
    panels = pair.draw(classes, n, seed)
    sides = {
        "real": [panel.real for panel in panels],
        "training": _training_spectra(pair, training, training_labels, classes, n, seed),
        "synthetic": [panel.synthetic for panel in panels],
    }
    (ax,) = panel_axes(ax, ["scores"], width=5.5, height=4.5)
    single = len(panels) == 1
    for side, sets in sides.items():
        for i, (panel, spectra) in enumerate(zip(panels, sets, strict=False)):
            points = project(spectra)
            colour = CLASS_COLOURS[i % len(CLASS_COLOURS)]
            if single:
                colour = {"real": "0.6", "training": "0.15", "synthetic": SYNTHETIC}[side]
            ax.plot(
                points[:, 0],
                points[:, 1],
                "x" if side == "training" else CLASS_MARKERS[i % len(CLASS_MARKERS)],
                ms=4.5,
                mec="none" if side == "real" else colour,
                mfc=colour if side == "real" else "none",
                mew=0.9,
                alpha=0.45 if side == "real" and not single else 1.0,
                label=side if panel.label is None else f"{displayable(panel.label)}, {side}",
            )
    ax.set_xlabel(names[0])
    ax.set_ylabel(names[1])
    # Outside of the axes, as points may lie anywhere within: columns of real and synthetic spectra
    # above them, or one beside them where names are long.
    columns = sum(bool(sets) for sets in sides.values())
    short = max(len(str(line.get_label())) for line in ax.lines) <= (2 * _LONG) // columns
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": columns}
    if not short:
        place = {"loc": "upper left", "bbox_to_anchor": (1, 1), "ncols": 1}
    ax.legend(fontsize="small", frameon=False, **place)
    return ax


def _training_spectra(
    pair: SpectraPair, training: Any, labels: Any, classes: list, n: int, seed: int
) -> list[NDArray[np.float64]]:
    """Return up to `n` training spectra of each class; an empty list without training spectra."""
    if training is None:
        if labels is not None:
            raise ValueError("training_labels are of training spectra: give training= too")
        return []
    given = SpectraSet.of("training", training, labels)
    channels = pair.real.data.shape[-1]
    if given.data.shape[-1] != channels:
        raise ValueError(
            f"real has {channels} channels and training has {given.data.shape[-1]}; bring both to "
            "one energy axis first"
        )
    random = np.random.default_rng(seed)
    drawn = []
    for label, *_ in classes:
        rows = given.of_class(label)
        drawn.append(given.read(np.sort(random.choice(rows, min(n, len(rows)), replace=False))))
    return drawn


def _pca(reference: NDArray[np.float64], seed: int):
    from sklearn.decomposition import PCA

    model = PCA(2, svd_solver="full").fit(reference)
    names = [
        f"PC {i} ({100 * share:.0f} % of the variance)"
        for i, share in enumerate(model.explained_variance_ratio_, start=1)
    ]
    return model.transform, names


def _umap(reference: NDArray[np.float64], seed: int):
    try:
        from umap import UMAP
    except ImportError as error:
        raise ImportError(
            "method='umap' needs the package umap-learn: install it with "
            "'pip install umap-learn', or use method='pca'"
        ) from error
    neighbours = min(15, len(reference) - 1)
    model = UMAP(n_neighbors=neighbours, random_state=seed % 2**32).fit(reference)
    return model.transform, ["UMAP 1", "UMAP 2"]


_PROJECTIONS = {"pca": _pca, "umap": _umap}
