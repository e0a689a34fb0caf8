# SPDX-License-Identifier: GPL-3.0-or-later
"""Validation of synthetic spectra: a report in one call, and what it is made of.

`evaluate` judges a fitted augmenter, `tstr` any method of making spectra; `BASELINES` are the
conventional methods to compare with.
"""

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
from hyperspy_dag.validation.classifiers import (
    CLASSIFIERS,
    ANNClassifier,
    Classifier,
    SVMClassifier,
    make_classifier,
)
from hyperspy_dag.validation.evaluation import evaluate
from hyperspy_dag.validation.report import Report, Table
from hyperspy_dag.validation.tstr import TRAININGS, Score, Synthesiser, TSTRResult, tstr

__all__ = [
    "BASELINES",
    "CLASSIFIERS",
    "TRAININGS",
    "ANNClassifier",
    "Baseline",
    "Classifier",
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
    "evaluate",
    "make_baseline",
    "make_classifier",
    "tstr",
]
