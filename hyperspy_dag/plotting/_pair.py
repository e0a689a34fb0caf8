# SPDX-License-Identifier: GPL-3.0-or-later
"""Real and synthetic spectra of each class on one energy axis, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperspy_dag._utils.checks import check_random_state
from hyperspy_dag._utils.warnings import warn
from hyperspy_dag.labels import get_labels, parse_labels
from hyperspy_dag.metrics.checks import as_energy
from hyperspy_dag.preprocessing import check_signal
from hyperspy_dag.preprocessing.energy_axis import EnergyAxis
from hyperspy_dag.preprocessing.masked import read_spectra


@dataclass(frozen=True)
class Panel:
    """Real and synthetic spectra of one class to be drawn, as many real as synthetic."""

    label: Any
    real: NDArray[np.float64]
    synthetic: NDArray[np.float64]


@dataclass(frozen=True)
class SpectraSet:
    """Spectra given by the user, and the rows of each class."""

    name: str
    data: Any
    energy: NDArray[np.float64] | None
    rows: dict[Any, NDArray[np.intp]] | None

    @classmethod
    def of(cls, name: str, given: Any, labels: Any) -> SpectraSet:
        from exspy.signals import EELSSpectrum

        signal = hasattr(given, "axes_manager")
        if signal:
            s = given
        else:
            array = np.asarray(given)
            if array.dtype.kind not in "fiu" or array.ndim == 0:
                raise TypeError(
                    f"{name} must be an EELSSpectrum or an array of real numbers; got "
                    f"{type(given).__name__} (dtype {array.dtype}, shape {array.shape})"
                )
            s = EELSSpectrum(array)
        try:
            check_signal(s)
            rows = _rows_of(s, labels)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name}: {error}") from error
        data = s.data if s.data.ndim > 1 else s.data[np.newaxis]
        energy = EnergyAxis.of_signal(s).energies if signal else None
        return cls(name, data, energy, rows)

    @property
    def count(self) -> int:
        return int(np.prod(self.data.shape[:-1]))

    def read(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the spectra at flat navigation positions, reading nothing else."""
        spectra = read_spectra(self.data, np.unravel_index(rows, self.data.shape[:-1]))
        spectra = spectra.astype(np.float64)
        if not np.isfinite(spectra).all():
            raise ValueError(
                f"{self.name} holds NaN or infinity (or masked values), in "
                f"{int((~np.isfinite(spectra).all(axis=1)).sum())} of the {len(spectra)} spectra "
                "to be plotted; remove or repair them first"
            )
        return spectra

    def of_class(self, label: Any) -> NDArray[np.intp]:
        """Return the rows of a class; all rows of unlabelled spectra."""
        if self.rows is None:
            return np.arange(self.count)
        if label not in self.rows:
            raise ValueError(
                f"{self.name} has no spectrum of class {label!r}; its classes are "
                f"{', '.join(map(repr, self.rows))}"
            )
        return self.rows[label]


def _carries_labels(given: Any) -> bool:
    return hasattr(given, "metadata") and given.metadata.has_item("DAG.labels")


def _rows_of(s: Any, labels: Any) -> dict[Any, NDArray[np.intp]] | None:
    if labels is None and not _carries_labels(s):
        return None
    if labels is None:
        # Not by parse_labels: a slice may have left a single spectrum, which has a label here.
        values, index = np.unique(np.ravel(get_labels(s)), return_inverse=True)
        classes, index = values.tolist(), np.ravel(index)
    else:
        parsed = parse_labels(s, labels)
        classes, index = parsed.classes, parsed.index.ravel()
        if not classes:
            raise ValueError("none of the spectra has a label")
    return {label: np.flatnonzero(index == i) for i, label in enumerate(classes)}


@dataclass(frozen=True)
class SpectraPair:
    """Real and synthetic spectra on one energy axis."""

    real: SpectraSet
    synthetic: SpectraSet
    energy: NDArray[np.float64]
    energy_name: str

    def classes(self, label: Any) -> list[tuple[Any, NDArray[np.intp], NDArray[np.intp]]]:
        """Return the classes to plot, with their rows in both sets."""
        real, synthetic = self.real.rows, self.synthetic.rows
        known_classes = real if synthetic is None else synthetic
        if label is not None or known_classes is None:
            labels = [label]
        else:
            labels = list(known_classes)
            if len(labels) > 1 and (real is None or synthetic is None):
                known, unknown = ("synthetic", "real") if real is None else ("real", "synthetic")
                keyword = "labels" if real is None else "synthetic_labels"
                raise ValueError(
                    f"{known} holds the classes {', '.join(map(repr, labels))}, and which of them "
                    f"each spectrum of {unknown} belongs to is not known: give {keyword}="
                )
        return [(one, self.real.of_class(one), self.synthetic.of_class(one)) for one in labels]

    def draw(
        self, classes: list, n: int, random_state: int | np.random.Generator | None
    ) -> list[Panel]:
        """Draw up to `n` real spectra of each class, and as many synthetic ones."""
        random = np.random.default_rng(check_random_state(random_state))
        panels = []
        for label, *sides in classes:
            few = min(n, *map(len, sides))
            drawn = [np.sort(random.choice(rows, few, replace=False)) for rows in sides]
            panels.append(Panel(label, self.real.read(drawn[0]), self.synthetic.read(drawn[1])))
        return panels


def spectra_pair(
    real: Any, synthetic: Any, labels: Any, synthetic_labels: Any, energy: Any
) -> SpectraPair:
    """Check real and synthetic spectra, and return them as a pair.

    Parameters
    ----------
    real, synthetic, labels, synthetic_labels, energy
        See :func:`~hyperspy_dag.plotting.plot_spectra`.
    """
    if _carries_labels(real) and hasattr(synthetic, "metadata") and not _carries_labels(synthetic):
        warn(
            "real is a signal made by hyperspy_dag and synthetic is not: they seem to be swapped. "
            "The order is (real, synthetic)."
        )
    first = SpectraSet.of("real", real, labels)
    second = SpectraSet.of("synthetic", synthetic, synthetic_labels)
    channels = first.data.shape[-1]
    if second.data.shape[-1] != channels:
        raise ValueError(
            f"real has {channels} channels and synthetic has {second.data.shape[-1]}; bring both "
            "to one energy axis first"
        )
    known = [one.energy for one in (first, second) if one.energy is not None]
    if len(known) == 2:
        _check_same_axis(*known)
    if energy is not None:
        if known:
            raise ValueError(
                "energy is for arrays; a signal was given, whose energy axis is used. Leave energy "
                "out."
            )
        known = [as_energy(energy, channels)]
    if known:
        return SpectraPair(first, second, known[0], "Energy loss (eV)")
    return SpectraPair(first, second, np.arange(channels, dtype=np.float64), "Channel")


def _check_same_axis(real: NDArray[np.float64], synthetic: NDArray[np.float64]) -> None:
    # A tenth of a channel: less cannot be seen, and calibrations are rounded when saved.
    dispersion = np.ptp(real) / max(len(real) - 1, 1)
    if np.abs(real - synthetic).max() > 0.1 * dispersion:
        raise ValueError(
            f"real and synthetic have different energy axes: {real[0]:g} to {real[-1]:g} eV and "
            f"{synthetic[0]:g} to {synthetic[-1]:g} eV"
        )
