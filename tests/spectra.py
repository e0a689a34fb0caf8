# SPDX-License-Identifier: GPL-3.0-or-later
"""Small labelled spectra for tests: two white lines on a step, with noise; no physics claimed."""

from __future__ import annotations

import numpy as np

ENERGY_OFFSET, DISPERSION = 630.0, 0.5


def white_lines(
    n: int, channels: int = 48, position: float = 0.35, noise: float = 0.05, seed: int = 0
) -> np.ndarray:
    """Maximum-normalised spectra of shape (n, channels)."""
    random = np.random.default_rng(seed)
    axis = np.linspace(0, 1, channels)
    centre = position + 0.01 * random.standard_normal((n, 1))
    ratio = 0.5 + 0.1 * random.random((n, 1))
    lines = np.exp(-(((axis - centre) / 0.05) ** 2) / 2)
    lines += ratio * np.exp(-(((axis - centre - 0.3) / 0.06) ** 2) / 2)
    spectra = lines + 0.2 * (axis > centre)
    spectra += noise * (0.5 + random.random((n, 1))) * random.standard_normal((n, channels))
    return (spectra / spectra.max(axis=1, keepdims=True)).astype(np.float32)


def eels(data: np.ndarray, **axis):
    """EELSSpectrum on a 0.5 eV axis from 630 eV."""
    from exspy.signals import EELSSpectrum

    s = EELSSpectrum(data)
    energy = s.axes_manager.signal_axes[0]
    energy.name, energy.units = "Energy loss", "eV"
    energy.offset, energy.scale = ENERGY_OFFSET, DISPERSION
    for name, value in axis.items():
        setattr(energy, name, value)
    return s


def two_classes(n_a: int = 14, n_b: int = 10, channels: int = 48):
    """Signal and labels of an imbalanced pair of classes, in mixed order."""
    data = np.concatenate(
        [white_lines(n_a, channels), white_lines(n_b, channels, position=0.45, seed=1)]
    )
    labels = np.array(["FeO"] * n_a + ["Fe3O4"] * n_b)
    order = np.random.default_rng(5).permutation(len(data))
    return eels(data[order]), labels[order]
