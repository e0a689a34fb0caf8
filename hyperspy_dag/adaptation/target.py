# SPDX-License-Identifier: GPL-3.0-or-later
"""The unlabelled spectra that classes are adapted to, and maps that are classified."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hyperspy_dag._utils.warnings import warn
from hyperspy_dag.labels import parse_labels
from hyperspy_dag.preprocessing import check_signal
from hyperspy_dag.preprocessing.energy_axis import EnergyAxis
from hyperspy_dag.preprocessing.masked import read_spectra
from hyperspy_dag.preprocessing.normalisation import unit_maximum
from hyperspy_dag.preprocessing.record import preprocessing_record
from hyperspy_dag.preprocessing.resampling import Resampling, resampling_onto
from hyperspy_dag.preprocessing.steps import NORMALISED_RANGE, slabs
from hyperspy_dag.training.fit import FitResult
from hyperspy_dag.training.training_set import spectrum_digests

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

#: Spectra of a target that are adapted to, at most; more tell hardly more.
MOST = 2000

#: Spectra of a target that are needed.
FEWEST = 20

#: Share of the target's spectra that are the training spectra from which on that is said.
_SAME = 0.5


@dataclass(frozen=True)
class Target:
    """Spectra on the energy axis of an augmenter.

    Attributes
    ----------
    data : array or dask array, shape (..., channels)
        As given.
    resampling : Resampling
        To the augmenter's energy axis.
    record : dict or None
        Of ``dag_preprocess``.
    """

    data: Any
    resampling: Resampling
    record: dict[str, Any] | None

    @classmethod
    def of(cls, fit: FitResult, s: EELSSpectrum, name: str = "s_target") -> Target:
        """Check a signal against the spectra that an augmenter was fitted to.

        Raises
        ------
        TypeError, ValueError
            It is no EELSSpectrum, is synthetic, or on an energy axis that does not cover that of
            the training spectra at no coarser dispersion.
        """
        try:
            check_signal(s)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name}: {error}") from error
        if s.metadata.has_item("DAG.training_digest"):
            raise ValueError(
                f"{name} is synthetic, made by hyperspy_dag (it carries metadata.DAG): give the "
                "measured spectra of the region that is to be classified"
            )
        axis = EnergyAxis.of_signal(s)
        resampling = resampling_onto(axis, fit.energy_axis, name)
        return cls(s.data, resampling, preprocessing_record(s))

    @property
    def shape(self) -> tuple[int, ...]:
        """The navigation shape."""
        return tuple(self.data.shape[:-1])

    @property
    def size(self) -> int:
        """Number of spectra."""
        return int(np.prod(self.shape))

    def some(self, random: np.random.Generator, fit: FitResult) -> NDArray[np.float64]:
        """Return usable spectra to adapt to, at most :data:`MOST`, drawn at random.

        Raises
        ------
        ValueError
            Too few hold a signal, or they are not max-normalised.

        Warns
        -----
        UserWarning
            Most of them are spectra that were trained on, or many hold no signal.
        """
        rows = np.sort(random.permutation(self.size)[:MOST])
        where = np.unravel_index(rows, self.shape) if self.shape else ()
        spectra = self._on_axis(read_spectra(self.data, where).reshape(len(rows), -1))
        usable = np.isfinite(spectra).all(axis=1)
        usable &= np.where(usable, np.ptp(np.nan_to_num(spectra), axis=1), 0.0) > 0
        spectra = spectra[usable]
        if len(spectra) < FEWEST:
            raise ValueError(
                f"s_target holds {len(spectra)} spectra with a signal; at least {FEWEST} are "
                "needed to tell under which conditions they were measured"
            )
        maximum = spectra.max(axis=1)
        low, high = NORMALISED_RANGE
        if ((maximum < low) | (maximum > high)).mean() > 0.1:
            raise ValueError(
                "the spectra of s_target are not max-normalised: their maxima run from "
                f"{maximum.min():.4g} to {maximum.max():.4g}. Prepare them as the training "
                "spectra were: s_target = s_target.dag_preprocess(background_range=..., "
                "signal_range=...)"
            )
        if (empty := 1 - usable.mean()) > 0.02:
            warn(f"{empty:.0%} of the spectra of s_target hold no signal and were left out")
        known = np.isin(spectrum_digests(spectra), fit.spectrum_digests).mean()
        if known > _SAME:
            warn(
                f"{known:.0%} of the spectra of s_target are those that the augmenter was trained "
                "on: there is nothing to adapt to. Give the spectra of another region"
            )
        return spectra

    def blocks(self) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """Yield the spectra in runs of flat navigation positions, read one run at a time."""
        flat = self.data.reshape(-1, self.data.shape[-1])
        for rows in slabs(flat.shape):
            block = flat[rows]
            if hasattr(block, "dask"):
                block = block.compute()
            yield rows, self._on_axis(np.ma.filled(np.ma.asarray(block, dtype=float), np.nan))

    def _on_axis(self, spectra: NDArray[Any]) -> NDArray[np.float64]:
        # What was normalised is normalised again only where its channels change.
        spectra = unit_maximum(spectra, self.record)
        return np.asarray(self.resampling(spectra, normalise=True), dtype=np.float64)


def unlabelled(s: EELSSpectrum, labels: Any) -> EELSSpectrum:
    """Return the spectra of a signal that have no label, as a stack.

    Raises
    ------
    ValueError
        All spectra are labelled.
    """
    parsed = parse_labels(s, labels)
    where = np.nonzero(parsed.index < 0)
    if not len(where[0]):
        raise ValueError(
            "all spectra are labelled, so that there are none to adapt to; mark those of the "
            "regions that are to be classified -1 or None, or give target=s_target"
        )
    energy = EnergyAxis.of_signal(s).description() | {"navigate": False}
    axes = [{"name": "spectrum", "size": len(where[0]), "navigate": True}, energy]
    made = type(s.inav[(0,) * len(where)])(read_spectra(s.data, where), axes=axes)
    made.metadata.add_dictionary(s.metadata.as_dictionary())
    return made
