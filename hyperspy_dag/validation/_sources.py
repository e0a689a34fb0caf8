# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources and files of the pictures of a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hyperspy_dag.labels import Label
from hyperspy_dag.training.fitted import FittedAugmenter

from .tstr import flat


@dataclass(frozen=True)
class Sources:
    """Spectra and augmenter that the pictures of a report are drawn from.

    Attributes
    ----------
    energy : numpy.ndarray, shape (channels,)
        In eV.
    real, synthetic : dict of class to numpy.ndarray, shape (n, channels)
        Test spectra, and as many synthetic spectra.
    augmenter : FittedAugmenter
    training : dict of class to numpy.ndarray, shape (n, channels), or None
        Training spectra, if they were given.
    """

    energy: NDArray[np.float64]
    real: dict[Label, NDArray[np.floating]]
    synthetic: dict[Label, NDArray[np.floating]]
    augmenter: FittedAugmenter
    training: dict[Label, NDArray[np.floating]] | None = None

    def flat(self, side: str) -> tuple[NDArray[np.floating], NDArray[Any]]:
        """Return all "real", "synthetic" or "training" spectra, and the class of each spectrum."""
        return flat(getattr(self, side))


class Picture(NamedTuple):
    """A PNG file with title and caption."""

    title: str
    caption: str
    png: bytes
