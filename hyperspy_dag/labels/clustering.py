# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of unlabelled spectra: clusters found by UMAP and HDBSCAN."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hyperspy_dag._utils.checks import check_choice, check_count, check_random_state
from hyperspy_dag._utils.start_up import quiet_start_up
from hyperspy_dag._utils.warnings import warn
from hyperspy_dag.preprocessing.masked import without_mask
from hyperspy_dag.preprocessing.steps import check_signal, slabs

from .parsing import navigation_shape

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum
    from hyperspy.signal import BaseSignal

__all__ = ["cluster"]

#: How spectra become points that are clustered, and in how many dimensions unless told.
EMBEDDINGS = {"umap": 2, "pca": 3}

#: UMAP gets this many principal components of the spectra. With more, it finds lumps in the noise.
_COMPONENTS = 5

#: Default fewest spectra of a cluster: this share of all, within limits. UMAP makes lumps of noise
#: that smaller ones would take for clusters; principal components do not. Fewer than the lower
#: limit cannot be trained on; lumps do not grow with the image, so the upper one holds for all.
_SHARE = {"umap": 0.1, "pca": 0.02}
_SMALLEST, _LARGEST = 8, 100


def cluster(
    s: EELSSpectrum,
    embedding: str = "umap",
    *,
    min_cluster_size: int | None = None,
    n_components: int | None = None,
    n_neighbors: int = 30,
    random_state: int | np.random.Generator | None = None,
) -> BaseSignal:
    """Label unlabelled spectra by clusters, with UMAP or PCA and HDBSCAN.

    Parameters
    ----------
    s : exspy.signals.EELSSpectrum
        Preprocessed spectra (background removed, normalised) of any navigation shape, lazy or not.
        Clusters of raw spectra mainly reflect the thickness. A lazy signal is read twice, block by
        block.
    embedding : {"umap", "pca"}, default "umap"
        "umap" needs the package umap-learn, ``pip install hyperspy_dag[umap]``. "pca" uses
        principal components alone, which separate less.
    min_cluster_size : int, optional
        Smallest number of spectra of a cluster, at least 2. Default: 10 % of the usable spectra (2
        % with "pca"), at least 8 and at most 100. Small values find rare phases, but also clusters
        of noise.
    n_components : int, optional
        Number of dimensions in which clusters are searched. Default: 2 for UMAP, 3 for PCA.
    n_neighbors : int, default 30
        Number of neighbours of each spectrum in UMAP. Large values show the coarse structure, small
        ones the fine structure. Not used by "pca".
    random_state : int, numpy.random.Generator or None, default None
        The same integer gives the same labels on the same machine.

    Returns
    -------
    HyperSpy signal of int, of the navigation shape
        Number of the cluster of each spectrum; 0 is the largest cluster. -1 (unlabelled) for
        spectra without cluster, constant spectra, and spectra with NaN or infinity. The signal axes
        are the navigation axes of `s`, so that ``.plot()`` shows the map. ``fit`` and
        ``dag_augment`` accept it as labels. ``metadata.DAG.clustering`` holds the arguments.

    Raises
    ------
    TypeError
        `s` is no EELSSpectrum, or an argument is no number.
    ValueError
        `s` is a single spectrum, or holds fewer usable spectra than two clusters need; an argument
        is out of range.
    ImportError
        "umap" without umap-learn.

    Warns
    -----
    UserWarning
        No cluster was found.

    See Also
    --------
    parse_labels : Read labels of any format.
    exspy.signals.EELSSpectrum.dag_augment : Train on labelled spectra.

    Notes
    -----
    Before UMAP the spectra are centred and projected on their first 5 principal components, or on
    `n_components` if that is more. The spectra of del-Pozo-Bueno et al. 2024 were labelled in this
    way. For EELS in general see J. Blanco-Portals et al., "Strategies for EELS Data Analysis.
    Introducing UMAP and HDBSCAN for Dimensionality Reduction and Clustering", Microsc. Microanal.
    28, 109 (2022).

    Examples
    --------
    >>> from hyperspy_dag.data import simulated_oxides
    >>> from hyperspy_dag.labels import cluster
    >>> s, _ = simulated_oxides("WL-Mn", {"MnO": 40, "MnO2": 30})
    >>> labels = cluster(s, embedding="pca", n_components=2)
    >>> labels.data.shape
    (70,)
    >>> np.unique(labels.data).tolist()
    [-1, 0, 1]
    """
    check_signal(s)
    shape = navigation_shape(s)
    check_choice("embedding", embedding, EMBEDDINGS)
    if min_cluster_size is not None:
        min_cluster_size = check_count("min_cluster_size", min_cluster_size, minimum=2)
    n_components = check_count(
        "n_components", EMBEDDINGS[embedding] if n_components is None else n_components
    )
    n_neighbors = check_count("n_neighbors", n_neighbors, minimum=2)
    state = check_random_state(random_state)
    make_umap = _umap() if embedding == "umap" else None

    kept = max(_COMPONENTS, n_components) if embedding == "umap" else n_components
    points, usable = _scores(s.data, kept)
    size = min_cluster_size
    if size is None:
        size = min(max(_SMALLEST, math.ceil(_SHARE[embedding] * len(points))), _LARGEST)
    if len(points) < 2 * size:
        raise ValueError(
            f"{len(points)} usable spectra are too few for clusters of at least {size}; give a "
            "smaller min_cluster_size, or label by hand."
        )
    if not 1 <= n_components <= points.shape[1]:
        raise ValueError(
            f"n_components must be at most {points.shape[1]}, as many as there are channels and "
            f"spectra; got {n_components}."
        )
    if make_umap is not None:
        seed = int(np.random.SeedSequence(state).generate_state(1)[0])
        points = make_umap(
            n_components=n_components,
            n_neighbors=min(n_neighbors, len(points) - 1),
            min_dist=0.0,  # clusters, not a picture
            random_state=seed,
            n_jobs=1,
        ).fit_transform(points)
    numbers = np.full(shape, -1, dtype=np.int64)
    numbers[usable] = _by_size(_hdbscan(points, size))
    if numbers.max() < 0:
        warn(
            f"no cluster of at least {size} spectra was found; all are unlabelled (-1). Give a "
            "smaller min_cluster_size; if the spectra are all of one kind, label them by hand."
        )
    record: dict[str, Any] = {
        "embedding": embedding,
        "n_components": n_components,
        "min_cluster_size": size,
        "random_state": state,
    }
    if embedding == "umap":
        record["n_neighbors"] = n_neighbors
    return _label_map(s, numbers, record)


def _umap() -> Any:
    try:
        with quiet_start_up():  # for its ParametricUMAP, it imports TensorFlow
            from umap import UMAP
    except ImportError as error:
        raise ImportError(
            'cluster(embedding="umap") needs the package umap-learn: pip install '
            'hyperspy_dag[umap]. embedding="pca" needs nothing more.'
        ) from error
    return UMAP


def _hdbscan(points: NDArray[np.floating], size: int) -> NDArray[np.int64]:
    from sklearn.cluster import HDBSCAN

    return HDBSCAN(min_cluster_size=size, copy=True).fit_predict(points)


def _by_size(numbers: NDArray[np.integer]) -> NDArray[np.int64]:
    """Number clusters by size, the largest first; equal ones by first occurrence."""
    found, first, counts = np.unique(numbers[numbers >= 0], return_index=True, return_counts=True)
    new = np.full(found.size + 1, -1, dtype=np.int64)  # the last is for -1
    new[np.lexsort((first, -counts))] = np.arange(found.size)
    return new[numbers]


def _scores(data: Any, components: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Project usable spectra on their principal components; return scores and usable spectra.

    The components are those of the covariance of the channels, summed over blocks of spectra, so
    that one block at a time is in memory.
    """
    channels = data.shape[-1]
    n, mean, scatter, masks = 0, np.zeros(channels), np.zeros((channels, channels)), []
    for mask, block_mean, block_scatter in _over_blocks(data, _moments):
        masks.append(mask)
        count = int(mask.sum())
        if count:
            # Scatter about means, never about 0, which would lose digits of raw counts (Chan et
            # al., Am. Stat. 37, 242 (1983)).
            shift = block_mean - mean
            scatter += block_scatter + np.outer(shift, shift) * n * count / (n + count)
            mean += shift * count / (n + count)
            n += count
    usable = np.concatenate(masks)
    if n == 0:
        return np.empty((0, min(components, channels))), usable.reshape(data.shape[:-1])
    vectors = np.linalg.eigh(scatter)[1][:, ::-1][:, : min(components, channels, n)]
    # The sign of an eigenvector is arbitrary; the largest entry decides it.
    largest = np.abs(vectors).argmax(axis=0)
    vectors = vectors * np.sign(vectors[largest, np.arange(vectors.shape[1])])

    def project(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        with np.errstate(invalid="ignore"):  # unusable spectra, left out below
            return (rows - mean) @ vectors

    scores = np.concatenate(list(_over_blocks(data, project)))
    return scores[usable], usable.reshape(data.shape[:-1])


def _over_blocks(data: Any, function: Any) -> Iterator[Any]:
    """Apply a function to successive blocks of spectra, float64 of shape (n, channels)."""
    flat = data.reshape(-1, data.shape[-1])
    if hasattr(flat, "dask"):
        blocks = (block.compute() for block in flat.rechunk({1: -1}).to_delayed().ravel())
    else:
        blocks = (flat[rows] for rows in slabs(flat.shape))
    for block in blocks:
        yield function(without_mask(block).astype(np.float64, copy=False))


def _moments(
    rows: NDArray[np.float64],
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    """Return the usable spectra, their mean, and their scatter about it."""
    usable = np.all(np.isfinite(rows), axis=1)
    usable[usable] = np.ptp(rows[usable], axis=1) > 0
    good = rows[usable]
    mean = good.sum(axis=0) / max(len(good), 1)
    centred = good - mean
    return usable, mean, centred.T @ centred


def _label_map(s: EELSSpectrum, numbers: NDArray[np.int64], record: dict[str, Any]) -> BaseSignal:
    from hyperspy.signals import Signal1D, Signal2D

    axes = [axis.get_axis_dictionary() for axis in s.axes_manager._axes if axis.navigate]
    signal_dimension = min(len(axes), 2)
    for i, axis in enumerate(axes):
        axis["navigate"] = i < len(axes) - signal_dimension
    labels = (Signal2D if signal_dimension == 2 else Signal1D)(numbers, axes=axes)
    title = s.metadata.General.title
    labels.metadata.General.title = f"Clusters of {title}" if title else "Clusters"
    labels.metadata.set_item("Signal.quantity", "Cluster")
    labels.metadata.set_item("DAG.clustering", record)
    return labels
