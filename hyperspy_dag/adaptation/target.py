# SPDX-License-Identifier: GPL-3.0-or-later
"""The unlabelled spectra that classes are adapted to, and maps that are classified."""

from __future__ import annotations

from collections.abc import Callable
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

#: Values that are worked on at a time: what is fast in a processor's cache.
_BLOCK = 2**20

#: Ratio of variances below which spectra hold no signal.
_NOISE_ALONE = 2.0

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
    name : str
        For messages.
    record : dict or None
        Of ``dag_preprocess``.
    """

    data: Any
    resampling: Resampling
    name: str = "s_target"
    record: dict[str, Any] | None = None

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
        return cls(s.data, resampling, name, preprocessing_record(s))

    @property
    def shape(self) -> tuple[int, ...]:
        """The navigation shape."""
        return tuple(self.data.shape[:-1])

    @property
    def size(self) -> int:
        """Number of spectra."""
        return int(np.prod(self.shape))

    def some(self, random: np.random.Generator, fit: FitResult) -> NDArray[np.float32]:
        """Return usable spectra to adapt to, at most :data:`MOST`, drawn at random.

        Raises
        ------
        ValueError
            Too few hold a signal, all is noise, or they are not max-normalised.

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
                f"{self.name} holds {len(spectra)} spectra with a signal; at least {FEWEST} are "
                "needed to tell under which conditions they were measured"
            )
        maximum = spectra.max(axis=1)
        low, high = NORMALISED_RANGE
        if ((maximum < low) | (maximum > high)).mean() > 0.1:
            raise ValueError(
                f"the spectra of {self.name} are not max-normalised: their maxima run from "
                f"{maximum.min():.4g} to {maximum.max():.4g}. Prepare them as the training "
                "spectra were: s_target = s_target.dag_preprocess(background_range=..., "
                "signal_range=...)"
            )
        # What all spectra have in common, over what it would be by chance: 1 for noise.
        signal = len(spectra) * spectra.mean(axis=0).var() / spectra.var(axis=0).mean()
        if signal < _NOISE_ALONE:
            raise ValueError(
                f"the spectra of {self.name} hold noise alone: vacuum, or no edge in this range. "
                "Give those of the specimen, such as s_target.inav[...]"
            )
        if (empty := 1 - usable.mean()) > 0.02:
            warn(f"{empty:.0%} of the spectra of {self.name} hold no signal and were left out")
        known = np.isin(spectrum_digests(spectra), fit.spectrum_digests).mean()
        if known > _SAME:
            warn(
                f"{known:.0%} of the spectra of {self.name} are those that the augmenter was "
                "trained on: there is nothing to adapt to. Give the spectra of another region"
            )
        return spectra.astype(np.float32)

    def map_blocks(self, function: Callable[[NDArray], NDArray], columns: int) -> Any:
        """Apply a function to spectra on the augmenter's energy axis, block by block.

        Parameters
        ----------
        function : callable
            Of arrays of shape (n, channels); returns arrays of shape (n, `columns`).
        columns : int

        Returns
        -------
        dask array of shape (..., columns), float32
            One spectrum is an array of shape (1, columns).
        """
        import dask.array as da

        data = self.data if self.shape else self.data[None]
        if not hasattr(data, "dask"):
            data = data.reshape(self.size, -1)
            chunks = (max(1, _BLOCK // data.shape[1]), -1)
            data = da.from_array(data, chunks=chunks, name=False)
        data = data.rechunk({data.ndim - 1: -1})

        def apply(block: NDArray[Any]) -> NDArray[np.float32]:
            flat = block.reshape(-1, block.shape[-1])
            found = np.empty((len(flat), columns), dtype=np.float32)
            for rows in slabs(flat.shape, _BLOCK):
                found[rows] = function(self._on_axis(flat[rows]))
            return found.reshape(*block.shape[:-1], columns)

        chunks = (*data.chunks[:-1], (columns,))
        return data.map_blocks(apply, dtype=np.float32, chunks=chunks, meta=data._meta[..., :0])

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
