# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether there is something to train: can a class's spectra be told from its statistical model?

The model is compared with the spectra that it was fitted to, since training would learn from these
alone: what they cannot show, it cannot teach. A discriminator that finds nothing closes the gate at
once. One that finds something may have found what the fit of a model always leaves, so the same
is done with spectra drawn from the model itself, and the gate opens if theirs are all told less
well. (NumPy and scikit-learn.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from hyperspy_dag._utils.streams import child_stream
from hyperspy_dag.metrics import classifier_two_sample

from .architectures import Architecture
from .class_model.model import ClassModel, fit_class_model
from .drawing import untrained_weights
from .recipes import Recipe
from .sources import SpectrumSource
from .stopping import one_blas_thread

#: Largest p-value with which the gate opens: the rate of false alarms.
LEVEL = 0.05

#: Without a p-value below this, as between two sets of one law, no model is fitted anew.
SUSPICIOUS = 0.2

#: Draws of the model that the spectra are compared with, and most spectra of a comparison.
DRAWS = 3
MOST = 500


@dataclass(frozen=True)
class Gate:
    """What a discriminator says of a class's spectra and its statistical model.

    Attributes
    ----------
    auc : float
        Cross-validated area under the ROC curve; spectra that the model was fitted to tend to
        less than 0.5.
    p_value : float
        Probability of an AUC at least this high for spectra of the model's own kind.
    """

    auc: float
    p_value: float

    @property
    def opens(self) -> bool:
        """Whether there is something to train."""
        return self.p_value <= LEVEL

    def describe(self, label: Any, n: int) -> str:
        """Say in a line what was found."""
        figures = f"(AUC {self.auc:.2f}, p {self.p_value:.2g})"
        if self.opens:
            return f"{label}: {n} spectra can be told from the model {figures}; training"
        told = f"{label}: {n} spectra do not tell the model from themselves {figures}"
        return f"{told}; nothing to train"


def compare_with_model(
    spectra: NDArray,
    model: ClassModel,
    architecture: Architecture,
    recipe: Recipe,
    dispersion: float | None,
    seed: np.random.SeedSequence,
) -> Gate:
    """Compare a class's spectra with those of the model that was fitted to them.

    Parameters
    ----------
    spectra : array of shape (n, channels)
    model : ClassModel
    architecture, recipe
        Of the generator.
    dispersion : float or None
        As of :func:`.class_model.model.fit_class_model`.
    seed : numpy.random.SeedSequence
    """
    n, channels = spectra.shape

    def source(model: ClassModel, *key: int) -> Callable[[int], NDArray]:
        weights = untrained_weights(model, channels, architecture, recipe)
        own = child_stream(seed, *key)
        return SpectrumSource(channels, architecture, recipe, model, weights, own).draw

    def auc(spectra: NDArray, model: ClassModel, number: int) -> float:
        some = spectra[np.linspace(0, n - 1, min(n, MOST)).round().astype(int)]
        drawn = source(model, number, 0)(DRAWS * len(some))
        return float(
            np.mean(
                [
                    classifier_two_sample(some, part, permutations=0, random_state=number).auc
                    for part in np.array_split(drawn, DRAWS)
                ]
            )
        )

    with one_blas_thread():
        found = auc(spectra, model, 0)
        count = min(n, MOST)
        p_value = float(norm.sf((found - 0.5) / np.sqrt((2 * count + 1) / (12 * count**2))))
        if p_value > SUSPICIOUS:
            return Gate(found, p_value)
        # The first set of the model's own kind that is told as well ends the search (J. Besag &
        # P. Clifford, Biometrika 78, 301 (1991)).
        sets = round(1 / LEVEL) - 1
        for number in range(1, sets + 1):
            own = source(model, number, 1)(n)
            if auc(own, fit_class_model(own, dispersion), number) >= found:
                return Gate(found, 1 / number)
    return Gate(found, 1 / (sets + 1))
