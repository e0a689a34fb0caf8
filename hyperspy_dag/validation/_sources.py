# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pictures of a report are drawn from, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hyperspy_dag.labels import Label
from hyperspy_dag.training.fitted import FittedAugmenter


@dataclass(frozen=True)
class Sources:
    """What the pictures of a report are drawn from.

    Attributes
    ----------
    energy : numpy.ndarray, shape (channels,)
        In eV.
    real, synthetic : dict of class to numpy.ndarray, shape (n, channels)
        Test spectra, and as many synthetic ones.
    augmenter : FittedAugmenter
    training : dict of class to numpy.ndarray, shape (n, channels), or None
        Training spectra, if they are known.
    """

    energy: NDArray[np.float64]
    real: dict[Label, NDArray[np.floating]]
    synthetic: dict[Label, NDArray[np.floating]]
    augmenter: FittedAugmenter
    training: dict[Label, NDArray[np.floating]] | None = None

    def flat(self, side: str) -> tuple[NDArray[np.floating], NDArray[Any]]:
        """Return all "real", "synthetic" or "training" spectra, and the class of each."""
        spectra = getattr(self, side)
        labels = np.repeat(np.asarray(list(spectra)), [len(rows) for rows in spectra.values()])
        return np.concatenate(list(spectra.values())), labels


class Picture(NamedTuple):
    """A PNG file and what it shows."""

    title: str
    caption: str
    png: bytes
