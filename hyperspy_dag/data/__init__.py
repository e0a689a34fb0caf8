# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated, labelled core-loss spectra of Fe and Mn oxides.

They have the classes, counts, energy axes and signal-to-noise ratios of the labelled sets of
del-Pozo-Bueno et al. 2024, which cannot be distributed.
"""

from __future__ import annotations

from ._sets import OXIDE_CLASSES, PREPROCESSING, simulated_mixtures, simulated_oxides

__all__ = ["OXIDE_CLASSES", "PREPROCESSING", "simulated_mixtures", "simulated_oxides"]
