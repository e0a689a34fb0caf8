# SPDX-License-Identifier: GPL-3.0-or-later
"""Validation of synthetic spectra: reports, classifiers and conventional methods to compare with.

`evaluate` compares the spectra of a fitted augmenter with real ones. `tstr` tests any method that
makes spectra. `BASELINES` holds the conventional methods.
"""

from __future__ import annotations

from .baselines import (
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
from .classifiers import CLASSIFIERS, ANNClassifier, Classifier, SVMClassifier, make_classifier
from .evaluation import evaluate
from .report import Report, Table
from .tstr import TRAININGS, Score, Synthesiser, TSTRResult, tstr
from .verdict import Finding, Verdict

__all__ = [
    "BASELINES",
    "CLASSIFIERS",
    "TRAININGS",
    "ANNClassifier",
    "Baseline",
    "Classifier",
    "Finding",
    "NoiseAugmentation",
    "PCAGaussian",
    "PCAGaussianMixture",
    "PCAKernelDensity",
    "RealOnly",
    "Report",
    "SVMClassifier",
    "Score",
    "ShiftNoiseAugmentation",
    "Smote",
    "Synthesiser",
    "TSTRResult",
    "Table",
    "Verdict",
    "evaluate",
    "make_baseline",
    "make_classifier",
    "tstr",
]
