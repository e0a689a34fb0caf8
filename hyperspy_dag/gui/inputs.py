# SPDX-License-Identifier: GPL-3.0-or-later
"""What is trained on: labels and energy ranges, as controls and on HyperSpy's plot."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import traits.api as t

from hyperspy_dag.labels import get_labels
from hyperspy_dag.labels.clustering import cluster
from hyperspy_dag.labels.files import read_label_file
from hyperspy_dag.plotting.axes import CLASS_COLOURS
from hyperspy_dag.preprocessing.energy_axis import EnergyAxis, ev_per_unit
from hyperspy_dag.preprocessing.energy_ranges import two_energies
from hyperspy_dag.preprocessing.masked import read_spectra
from hyperspy_dag.preprocessing.steps import check_signal, preprocess_if_asked

from ._plot import SignalPlot, can_drag
from .regions import Region, region_labels

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

SOURCES = {
    "given": "labels that were given to dag_augment",
    "metadata": "labels in the signal's metadata",
    "clusters": "clusters of s.cluster_analysis()",
    "drawn": "regions drawn on the navigator",
    "file": "a file (.hspy, .zspy, .npy, .csv)",
    "pca": "like spectra, by principal components",
    "umap": "like spectra, by UMAP",
}

#: Spectra that the mean of the input is taken of, at most.
_MEAN_OF = 200

_PICKED = {"nothing": "", "background range": "background", "signal range": "signal"}


class Input(t.HasTraits):
    """Labels and energy ranges of a signal; the base of the interface's model.

    Parameters
    ----------
    signal : EELSSpectrum
    labels : optional
        Labels that were given.
    """

    label_source = t.Str()
    label_file = t.Str(desc="a file with one label for each spectrum")
    label_sources = t.Dict(t.Str(), t.Str())
    # traits has it that an instance may be None
    regions: list[Region] = t.List(t.Instance(Region))  # type: ignore[assignment]
    subtract = t.Bool(desc="fit a power law in the background range and subtract it")
    background_low = t.Float()
    background_high = t.Float()
    crop = t.Bool(desc="keep the signal range alone, and divide each spectrum by its maximum")
    signal_low = t.Float()
    signal_high = t.Float()
    picking = t.Enum(*_PICKED, desc="what is dragged on the spectrum")
    random_state = t.Int(0, desc="the same number gives the same spectra")

    def __init__(self, signal: EELSSpectrum, labels: Any = None):
        super().__init__()
        check_signal(signal)
        self.signal = signal
        self.labels = labels
        self._clusters: tuple[tuple, Any] | None = None
        self._axis = EnergyAxis.of_signal(signal)
        self._factor = ev_per_unit(signal.axes_manager.signal_axes[0])
        self._mean = _mean_spectrum(signal)
        self._plot = SignalPlot(signal, self._range_dragged)
        self.label_sources = {n: text for n, text in SOURCES.items() if self._offers(n)}
        self.label_source = next(iter(self.label_sources))

    def _begin_with_ranges(self, arguments: dict[str, Any]) -> None:
        """Take the ranges out of the arguments."""
        low, high = map(float, self._axis.energies[[0, -1]])
        step = (high - low) / 10
        for name, on, span in (
            ("background", "subtract", (low, low + step)),
            ("signal", "crop", (low, high)),
        ):
            given = arguments.pop(f"{name}_range", None)
            setattr(self, on, given is not None)
            if given is not None:
                span = two_energies(f"{name}_range", given, self._factor)
            left, right = span
            ends: dict[str, Any] = {f"{name}_low": left, f"{name}_high": right}
            self.trait_set(**ends)

    def ranges(self) -> dict[str, tuple[float, float] | None]:
        """Return ``background_range`` and ``signal_range`` as ``dag_preprocess`` takes them.

        Returns
        -------
        dict
        """
        background = (self.background_low, self.background_high)
        signal = (self.signal_low, self.signal_high)
        return {
            "background_range": background if self.subtract else None,
            "signal_range": signal if self.crop else None,
        }

    def _offers(self, source: str) -> bool:
        s = self.signal
        return {
            "given": self.labels is not None,
            "metadata": s.metadata.has_item("DAG.labels") and s.metadata.has_item("DAG.classes"),
            "clusters": hasattr(s, "learning_results")
            and getattr(s.learning_results, "cluster_labels", None) is not None,
            "file": True,
            "drawn": s.axes_manager.navigation_dimension in (1, 2),
            "pca": s.axes_manager.navigation_dimension > 0,
            "umap": s.axes_manager.navigation_dimension > 0 and find_spec("umap") is not None,
        }[source]

    def current_labels(self) -> Any:
        """Return the chosen labels.

        Returns
        -------
        array-like or signal
            Class of each spectrum.

        Raises
        ------
        TypeError, ValueError, OSError
            There are no labels, or they cannot be read.

        See Also
        --------
        add_region : Label a region.

        Examples
        --------
        >>> from hyperspy_dag.data import simulated_oxides
        >>> from hyperspy_dag.gui.model import AugmentationTool
        >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 30, "MnO2": 30})
        >>> tool = AugmentationTool(s, labels, n_spectra=50, random_state=0)
        >>> tool.current_labels()[0] == "MnO"
        True
        >>> tool.close()
        """
        if self.label_source == "given":
            return self.labels
        if self.label_source == "metadata":
            return get_labels(self.signal)
        if self.label_source == "clusters":
            return self.signal.get_cluster_labels(merged=True)
        if self.label_source == "file":
            return _labels_of_file(self.label_file, self.signal)
        if self.label_source in ("pca", "umap"):
            return self._found_clusters()
        return region_labels(self.signal, self.regions)

    def _found_clusters(self) -> Any:
        """Return clusters of the preprocessed spectra; compute them only if the input changed."""
        ranges = self.ranges()
        key = (self.label_source, *ranges.values(), self.random_state)
        if self._clusters is None or self._clusters[0] != key:
            s = preprocess_if_asked(self.signal, **ranges)
            found = cluster(s, self.label_source, random_state=self.random_state)
            self._clusters = key, found
        return self._clusters[1]

    # -- regions and the plot ------------------------------------------------------------------

    def add_region(self, name: str = "") -> Region:
        """Add a region in the middle of the navigator, which can be dragged and named.

        Parameters
        ----------
        name : str, optional
            Class of its spectra. Default: "class 1" and so on.

        Returns
        -------
        Region
            The new region.

        See Also
        --------
        remove_region : Remove a region.

        Examples
        --------
        >>> from hyperspy_dag.data import simulated_oxides
        >>> from hyperspy_dag.gui.model import AugmentationTool
        >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 30, "MnO2": 30})
        >>> tool = AugmentationTool(s, labels, n_spectra=50, random_state=0)
        >>> tool.add_region("MnO").name
        'MnO'
        >>> tool.close()
        """
        if "drawn" not in self.label_sources:
            raise ValueError("regions are drawn on line scans and scans; this signal is neither")
        # Its name may be another by now, its place and its colour are its own.
        taken = {region.number for region in self.regions}
        number = next(i for i in range(len(taken) + 1) if i not in taken)
        limits = {}
        axes = self.signal.axes_manager.navigation_axes
        for axis, low, high in zip(axes, ("left", "top"), ("right", "bottom"), strict=False):
            values = axis.axis
            step = abs(values[1] - values[0]) if len(values) > 1 else 1.0
            # Beside each other along the first axis, so that none hides another.
            share = max(1, len(values) // 4)
            first = (number % 4) * share if low == "left" else share
            first = min(first, len(values) - 1)
            ends = values[first], values[min(first + share, len(values)) - 1]
            limits[low], limits[high] = float(min(ends)), float(max(ends) + step)
        colour = CLASS_COLOURS[number % len(CLASS_COLOURS)]
        name = name or f"class {number + 1}"
        region = Region(name=name, number=number, colour=colour, **limits)
        self.regions.append(region)
        self.label_source = "drawn"
        return region

    def remove_region(self, region: Region | None = None) -> None:
        """Remove a region.

        Parameters
        ----------
        region : Region, optional
            Default: the last.

        See Also
        --------
        add_region : Add a region.

        Examples
        --------
        >>> from hyperspy_dag.data import simulated_oxides
        >>> from hyperspy_dag.gui.model import AugmentationTool
        >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 30, "MnO2": 30})
        >>> tool = AugmentationTool(s, labels, n_spectra=50, random_state=0)
        >>> region = tool.add_region("MnO")
        >>> tool.remove_region(region)
        >>> tool.close()
        """
        if self.regions:
            self.regions.remove(self.regions[-1] if region is None else region)

    def show_plot(self) -> None:
        """Plot the signal, if Matplotlib's backend reacts to the mouse."""
        if can_drag():
            self._plot.open()
            self._plot.show_regions(self.regions)

    def _range_dragged(self, name: str, low: float, high: float) -> None:
        on = {"background": "subtract", "signal": "crop"}[name]
        low, high = low * self._factor, high * self._factor
        changed: dict[str, Any] = {f"{name}_low": low, f"{name}_high": high, on: True}
        self.trait_set(**changed)

    @t.observe("picking", post_init=True)
    def _picking_changed(self, event: Any) -> None:
        name = _PICKED[self.picking]
        low, high = (getattr(self, f"{name}_{end}") for end in ("low", "high")) if name else (0, 0)
        self._plot.pick(name, low / self._factor, high / self._factor)

    @t.observe("background_low, background_high, signal_low, signal_high", post_init=True)
    def _range_changed(self, event: Any) -> None:
        name = event.name.partition("_")[0]
        low, high = (getattr(self, f"{name}_{end}") / self._factor for end in ("low", "high"))
        self._plot.move(name, low, high)

    @t.observe("regions.items", post_init=True)
    def _regions_changed(self, event: Any) -> None:
        self._plot.show_regions(self.regions)

    @t.observe("regions.items.[left, right, top, bottom]", post_init=True)
    def _region_moved(self, event: Any) -> None:
        if isinstance(event.object, Region):
            self._plot.move_region(event.object)


def _mean_spectrum(s: EELSSpectrum) -> np.ndarray:
    """Return the mean of spectra from the whole signal; of few of a lazy one."""
    shape = s.data.shape[:-1]
    if not shape:
        return np.asarray(s.data, dtype=np.float64)
    n = int(np.prod(shape))
    rows = np.unique(np.linspace(0, n - 1, min(n, _MEAN_OF)).astype(int))
    spectra = read_spectra(s.data, np.unravel_index(rows, shape))
    return np.asarray(spectra, dtype=np.float64).mean(axis=0)


def _labels_of_file(name: str, s: EELSSpectrum) -> Any:
    if not name.strip():
        raise ValueError("no labels are chosen: give a file with one label for each spectrum.")
    return read_label_file(s, Path(name.strip()))
