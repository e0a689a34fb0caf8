# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated, labelled core-loss spectra of Fe and Mn oxides.

They stand in for the labelled sets of del-Pozo-Bueno et al. 2024, which cannot be shipped: same
classes, counts, energy axes and signal-to-noise figures, but simulated from physics.
"""

from __future__ import annotations

from ._sets import OXIDE_CLASSES, PREPROCESSING, simulated_mixtures, simulated_oxides

__all__ = ["OXIDE_CLASSES", "PREPROCESSING", "simulated_mixtures", "simulated_oxides"]
