# SPDX-License-Identifier: GPL-3.0-or-later
"""Validation of synthetic spectra: the conventional methods to compare with."""

from __future__ import annotations

from hyperspy_dag.validation.baselines import (
    BASELINES,
    Baseline,
    NoiseAugmentation,
    PCAGaussian,
    PCAGaussianMixture,
    PCAKernelDensity,
    RealOnly,
    ShiftNoiseAugmentation,
    Smote,
    make_baseline,
)

__all__ = [
    "BASELINES",
    "Baseline",
    "NoiseAugmentation",
    "PCAGaussian",
    "PCAGaussianMixture",
    "PCAKernelDensity",
    "RealOnly",
    "ShiftNoiseAugmentation",
    "Smote",
    "make_baseline",
]
