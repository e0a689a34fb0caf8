# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of synthetic spectra, of their training and of classifiers trained on them.

Every function draws into the axes it is given, or into a new figure. It returns the axes: one
``Axes``, or an array of them with one for each class. No window is opened, and no Matplotlib
setting is changed. Lines and markers differ in style as well as in colour, so that the figures can
be read in grey and with any colour vision.

Spectra are exSpy signals, lazy or not, or arrays whose last axis is the energy axis. Of a lazy
signal only the drawn spectra are read.

Figures of the paper: D. del-Pozo-Bueno et al., "Machine Learning Data Augmentation Strategy for
Electron Energy Loss Spectroscopy: Generative Adversarial Networks", Microsc. Microanal. 30, 278
(2024).
"""

from __future__ import annotations

from ._adaptation import plot_adaptation
from ._confusion import plot_confusion_matrix
from ._scores import plot_scores
from ._spectra import plot_intensity_maps, plot_spectra
from .training import plot_costs, plot_metrics

__all__ = [
    "plot_adaptation",
    "plot_confusion_matrix",
    "plot_costs",
    "plot_intensity_maps",
    "plot_metrics",
    "plot_scores",
    "plot_spectra",
]
