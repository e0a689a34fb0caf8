# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics that judge synthetic spectra against real ones.

Every function takes NumPy arrays of shape (spectra, channels) and returns a float, an array or a
small named tuple. Signals and networks are used nowhere in this package.

Several metrics depend on how many spectra stand on each side (the Fréchet distance, precision,
recall, density, coverage, the noise correlation): draw as many synthetic spectra as there are real
ones, and compare the result with that of real against real spectra at the same counts.
"""

from __future__ import annotations

from ._distributions import (
    frechet_distance,
    kernel_distance,
    kl_divergence,
    kl_divergence_pca,
    published_fid,
    wasserstein,
)
from ._neighbours import NeighbourScores, memorisation_ratio, precision_recall_density_coverage
from ._noise import NoiseLevel, noise_correlation, noise_level, noise_residual
from ._similarity import cosine_distance, pearson_correlation, snr
from ._two_sample import TwoSampleTest, classifier_two_sample
from ._white_lines import (
    WhiteLineWindows,
    energy_shift,
    find_white_line_windows,
    l3_l2_ratio,
    l3_position,
    onset_energy,
    peak_position,
    peak_width,
    white_line_distances,
    white_line_positions,
)

__all__ = [
    "NeighbourScores",
    "NoiseLevel",
    "TwoSampleTest",
    "WhiteLineWindows",
    "classifier_two_sample",
    "cosine_distance",
    "energy_shift",
    "find_white_line_windows",
    "frechet_distance",
    "kernel_distance",
    "kl_divergence",
    "kl_divergence_pca",
    "l3_l2_ratio",
    "l3_position",
    "memorisation_ratio",
    "noise_correlation",
    "noise_level",
    "noise_residual",
    "onset_energy",
    "peak_position",
    "peak_width",
    "pearson_correlation",
    "precision_recall_density_coverage",
    "published_fid",
    "snr",
    "wasserstein",
    "white_line_distances",
    "white_line_positions",
]
