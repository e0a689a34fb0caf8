# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps of classes: which class each spectrum is of, how sure that is, and what is like none."""

from __future__ import annotations

import copy
import json
import os
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from hyperspy_dag._utils.checks import check_signal_file
from hyperspy_dag._utils.warnings import warn
from hyperspy_dag.io.files import to_strict_json

from .target import Target

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum
    from hyperspy.signal import BaseSignal
    from matplotlib.axes import Axes

#: Principal components that classifiers see: those of the classes' synthetic spectra.
COMPONENTS = 30

#: Share of synthetic spectra of the classes that counts as unlike them.
FALSE_ALARMS = 0.001

#: By how much a spectrum must be further away than these to be unlike all classes: what a class
#: varies by is known from few spectra.
_MARGIN = 2.0

#: Part of the variance that components leave over at least of spectra that hold noise.
_LEFT = 1e-4

#: What stands in for a label where a spectrum is like none of the classes.
UNLIKE = ""


@dataclass(frozen=True)
class ClassMap:
    """The classes of the spectra of a signal.

    Attributes
    ----------
    classes : list
        Class names.
    index : numpy.ndarray of int, the navigation shape
        Position of each spectrum's class in `classes`; -1 where it is like none of them.
    probabilities : numpy.ndarray, the navigation shape and classes
        Of each class, for spectra that are of one of them.
    signal : EELSSpectrum
        What was classified.
    made_by : dict
        What ``metadata.DAG`` of the maps says.

    See Also
    --------
    hyperspy_dag.EELSAugmenter.classify : Classify a map.

    Examples
    --------
    The file is that of the example of :class:`hyperspy_dag.EELSAugmenter`.

    >>> from hyperspy_dag import EELSAugmenter
    >>> from hyperspy_dag.data import simulated_oxides
    >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 6, "MnO2": 4}, random_state=5)
    >>> phases = EELSAugmenter.load("oxides.dag").classify(s)
    >>> phases.index.shape, phases.probabilities.shape
    ((10,), (10, 2))
    """

    classes: list
    index: NDArray[np.intp]
    probabilities: NDArray[np.float32]
    signal: EELSSpectrum
    made_by: dict[str, Any]

    def __repr__(self) -> str:
        counts = ", ".join(f"{label}: {n}" for label, n in self.counts.items())
        return f"<ClassMap, {self.index.shape}, {counts}>"

    @property
    def labels(self) -> NDArray[Any]:
        """Class names, the navigation shape; "" where a spectrum is like no class."""
        if all(isinstance(label, str) for label in self.classes):
            return np.array([*self.classes, UNLIKE])[self.index]
        names = np.empty(len(self.classes) + 1, dtype=object)
        names[:-1], names[-1] = self.classes, None
        return names[self.index]

    @property
    def unlike(self) -> NDArray[np.bool_]:
        """Where spectra are like none of the classes."""
        return self.index < 0

    @property
    def counts(self) -> dict[Any, int]:
        """Number of spectra of each class; None counts those that are like none."""
        found = {label: int((self.index == i).sum()) for i, label in enumerate(self.classes)}
        return found | ({None: int(self.unlike.sum())} if self.unlike.any() else {})

    @property
    def map(self) -> BaseSignal:
        """The classes as a signal of the navigation axes: numbers, -1 for none of them."""
        return self._signal(self.index.astype(np.int16), "Classes")

    def probability_map(self) -> BaseSignal:
        """Return the probabilities as a signal.

        Returns
        -------
        hyperspy.signal.BaseSignal
            The navigation axes of what was classified, and a signal axis of the classes.

        See Also
        --------
        map : The classes as a signal.

        Examples
        --------
        >>> from hyperspy_dag import EELSAugmenter
        >>> from hyperspy_dag.data import simulated_oxides
        >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 6, "MnO2": 4}, random_state=5)
        >>> EELSAugmenter.load("oxides.dag").classify(s).probability_map().data.shape
        (10, 2)
        """
        from hyperspy.signals import BaseSignal

        axes = [a.get_axis_dictionary() for a in self.signal.axes_manager._axes if a.navigate]
        axes.append({"name": "class", "size": len(self.classes), "navigate": False})
        made = BaseSignal(self.probabilities, axes=axes)
        made.metadata.General.title = "Class probabilities"
        self._note(made)
        return made

    def _signal(self, data: NDArray[Any], title: str) -> BaseSignal:
        from hyperspy.signals import BaseSignal

        axes = [
            a.get_axis_dictionary() | {"navigate": False}
            for a in self.signal.axes_manager._axes
            if a.navigate
        ]
        made = BaseSignal(data, axes=axes) if axes else BaseSignal(np.atleast_1d(data))
        made.metadata.General.title = title
        self._note(made)
        return made

    def _note(self, made: BaseSignal) -> None:
        names = {str(i): str(label) for i, label in enumerate(self.classes)}
        made.metadata.add_dictionary({"DAG": copy.deepcopy(self.made_by) | {"map_classes": names}})

    def save(self, filename: str | os.PathLike, overwrite: bool = False) -> None:
        """Write the classes as .hspy or .zspy, or a picture of them as .png.

        Parameters
        ----------
        filename : str or path
        overwrite : bool, default False

        Raises
        ------
        FileExistsError, ValueError
            The file is there, or its ending is another.

        See Also
        --------
        plot : Show the picture.

        Examples
        --------
        >>> from hyperspy_dag import EELSAugmenter
        >>> from hyperspy_dag.data import simulated_oxides
        >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 6, "MnO2": 4}, random_state=5)
        >>> phases = EELSAugmenter.load("oxides.dag").classify(s)
        >>> phases.save("phases.hspy", overwrite=True)
        """
        if str(filename).lower().endswith(".png"):
            from matplotlib.figure import Figure

            from hyperspy_dag._utils.checks import check_writable

            path = check_writable(filename, overwrite)
            figure = Figure(layout="constrained")
            self.plot(figure.subplots())
            made_by = f"hyperspy_dag {self.made_by['version']}"
            text = json.dumps(to_strict_json(self.made_by))
            figure.savefig(path, dpi=150, metadata={"Software": made_by, "Description": text})
            return
        self.map.save(check_signal_file(filename, overwrite), overwrite=overwrite)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Plot the classes in colours, with a legend.

        Parameters
        ----------
        ax : matplotlib axes, optional
            By default new ones.

        Returns
        -------
        matplotlib axes

        See Also
        --------
        save : Write the picture.

        Examples
        --------
        >>> from hyperspy_dag import EELSAugmenter
        >>> from hyperspy_dag.data import simulated_oxides
        >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 6, "MnO2": 4}, random_state=5)
        >>> phases = EELSAugmenter.load("oxides.dag").classify(s)
        >>> ax = phases.plot()
        """
        import matplotlib.pyplot as plt
        from matplotlib.colors import BoundaryNorm, ListedColormap
        from matplotlib.patches import Patch

        from hyperspy_dag.plotting.axes import CLASS_COLOURS

        if ax is None:
            ax = plt.subplots(layout="constrained")[1]
        n = len(self.classes)
        colours = ["0.85", *(CLASS_COLOURS[i % len(CLASS_COLOURS)] for i in range(n))]
        names = ["like none", *map(str, self.classes)]
        shown = [i for i in range(-1, n) if (self.index == i).any()]
        navigation = self.signal.axes_manager.navigation_axes
        norm = BoundaryNorm(np.arange(-1.5, n + 0.5), n + 1)
        if self.index.ndim == 2:
            x, y = navigation
            ends = [(a.axis[0] - a.scale / 2, a.axis[-1] + a.scale / 2) for a in (x, y)]
            ax.imshow(
                self.index,
                cmap=ListedColormap(colours),
                norm=norm,
                extent=(*ends[0], *ends[1][::-1]),
                interpolation="nearest",
            )
            for axis, put in ((x, ax.set_xlabel), (y, ax.set_ylabel)):
                unit = f" ({axis.units})" if isinstance(axis.units, str) and axis.units else ""
                put(f"{axis.name}{unit}" if isinstance(axis.name, str) else unit)
        else:
            flat = self.index.ravel()
            ax.scatter(np.arange(flat.size), flat, c=[colours[i + 1] for i in flat], s=12)
            ax.set_yticks(shown, [names[i + 1] for i in shown])
            ax.set_xlabel("spectrum")
        patches = [Patch(color=colours[i + 1], label=names[i + 1]) for i in shown]
        ax.legend(handles=patches, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
        return ax


class MapClassifier:
    """Classifies spectra by a classifier of synthetic ones, and knows what is like none of them.

    Parameters
    ----------
    spectra : array of shape (n, channels)
        Synthetic.
    index : int array of shape (n,)
        Their classes.
    classifier : "svm" or scikit-learn classifier
        It sees principal components, and is calibrated.
    """

    def __init__(
        self,
        spectra: NDArray[np.float32],
        index: NDArray[np.intp],
        classifier: str | BaseEstimator,
    ):
        components = min(COMPONENTS, len(spectra) // 4, spectra.shape[1])
        self.pca = PCA(components, svd_solver="full").fit(spectra)
        scores = self.pca.transform(spectra)
        self._scale = float(np.sqrt(self.pca.explained_variance_.sum()))
        self.classifier = None
        if len(np.unique(index)) > 1:
            own = _svm() if isinstance(classifier, str) else clone(classifier)
            folds = CalibratedClassifierCV(own, method="sigmoid", cv=3, ensemble=False)
            self.classifier = folds.fit(scores / self._scale, index)
        self.covariances = [
            LedoitWolf().fit(scores[index == i]) for i in range(int(index.max()) + 1)
        ]
        self._rest = max(float(self._left(spectra, scores).mean()), 1e-300)
        distance = self._distance(spectra, scores)
        self._limit = _MARGIN * float(np.quantile(distance, 1 - FALSE_ALARMS))
        if self._rest < _LEFT * self._scale**2:
            # Denoised spectra: those of another map lie in another space, whatever they are of.
            self._limit = np.inf

    def _left(self, spectra: NDArray, scores: NDArray) -> NDArray[np.float64]:
        """Squared length of what the components do not hold."""
        whole = np.square(spectra - self.pca.mean_).sum(axis=1)
        return (whole - np.square(scores).sum(axis=1)).clip(0)

    def _distance(self, spectra: NDArray, scores: NDArray) -> NDArray[np.float64]:
        """Squared distance from the nearest class, of what the components hold and of the rest."""
        inside = np.min([c.mahalanobis(scores) for c in self.covariances], axis=0)
        return inside / scores.shape[1] + self._left(spectra, scores) / self._rest

    def __call__(self, spectra: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the probabilities of each spectrum, and in a last column 1 where it is like none.

        Parameters
        ----------
        spectra : array of shape (n, channels)

        Returns
        -------
        array of shape (n, classes + 1)
        """
        usable = np.isfinite(spectra.sum(axis=1))
        if not usable.all():
            spectra = np.where(usable[:, None], spectra, 0.0)
        usable &= spectra.max(axis=1) > spectra.min(axis=1)
        scores = self.pca.transform(spectra)
        found = np.ones((len(spectra), len(self.covariances) + 1), dtype=np.float32)
        if self.classifier is not None:
            found[:, :-1] = self.classifier.predict_proba(scores / self._scale)
        found[:, -1] = ~usable | (self._distance(spectra, scores) > self._limit)
        return found


def _svm() -> BaseEstimator:
    grid = {"svc__C": [1, 10, 100], "svc__gamma": ["scale", 1.0, 10.0]}
    return GridSearchCV(make_pipeline(SVC()), grid, cv=3)


def classify(
    target: Target,
    s: EELSSpectrum,
    classifier: MapClassifier,
    classes: list,
    made_by: dict[str, Any],
    show_progressbar: bool | None = None,
) -> ClassMap:
    """Classify all spectra of a target, blocks of it side by side in threads."""
    from dask.diagnostics import ProgressBar
    from hyperspy.defaults_parser import preferences

    blocks = target.map_blocks(classifier, len(classes) + 1)
    show = preferences.General.show_progressbar if show_progressbar is None else show_progressbar
    # One thread for each block: the order of sums does not depend on how many there are.
    with threadpool_limits(1), ProgressBar(minimum=1) if show else nullcontext():
        found = blocks.compute(**({} if s._lazy else {"scheduler": "threads"}))
    found = found.reshape(*target.shape, -1)
    probabilities = found[..., :-1]
    made = ClassMap(
        classes=list(classes),
        index=np.where(found[..., -1] > 0, -1, probabilities.argmax(axis=-1)),
        probabilities=probabilities,
        signal=s,
        made_by=made_by,
    )
    share = float(made.unlike.mean())
    if share > 0.1:
        warn(
            f'{share:.0%} of the spectra are like none of the classes (marked -1 in map, "" in '
            "labels): a class that was not labelled, vacuum, or conditions that were not adapted to"
        )
    return made
