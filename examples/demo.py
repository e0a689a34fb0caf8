# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job on simulated white lines: 100 labelled spectra a class in, 500 synthetic ones out.

Five oxides on two energy axes (Fe and Mn white lines), so two signals. Writes
``augmented.hspy`` (Mn), ``augmented_Fe.hspy`` and the picture ``augmented.png``.
"""

from __future__ import annotations

import time

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np

from hyperspy_dag import get_labels
from hyperspy_dag.data import simulated_oxides

FILES = {"WL-Mn": "augmented.hspy", "WL-Fe": "augmented_Fe.hspy"}


def compare(axes, energy, given, synthetic, title):
    """Three given spectra below three synthetic ones, and the means with their spread."""
    for i in range(3):
        axes[0].plot(energy, given[i] + 1.2 * i, color="0.25", lw=0.6)
        axes[0].plot(energy, synthetic[i] + 1.2 * i + 4, color="#D55E00", lw=0.6)
    axes[0].set_ylabel(title)
    axes[0].set_yticks([1.5, 5.5], ["simulated", "synthetic"])
    for spectra, colour, style, name in (
        (given, "0.25", "-", "simulated"),
        (synthetic, "#D55E00", "--", "synthetic"),
    ):
        mean, std = spectra.mean(axis=0), spectra.std(axis=0)
        axes[1].plot(energy, mean, style, color=colour, lw=1.2, label=name)
        axes[1].fill_between(energy, mean - std, mean + std, color=colour, alpha=0.2, lw=0)
    axes[1].set_yticks([0, 1])


def main() -> None:
    begin = time.perf_counter()
    figure, axes = plt.subplots(5, 2, figsize=(8, 11), layout="constrained")
    row = 0
    for dataset, filename in FILES.items():
        s, labels = simulated_oxides(dataset, n_spectra=100)
        aug = s.dag_augment(labels, design="single_bitrans", n_spectra=500, random_state=0)
        aug.save(filename, overwrite=True)
        print(f"{filename}: {hs.load(filename)}")
        energy = aug.axes_manager.signal_axes[0].axis
        for i, name in enumerate(get_labels(aug)[:, 0]):
            compare(axes[row], energy, s.data[np.asarray(labels) == name], aug.data[i], name)
            row += 1
    axes[0, 0].set_title("single spectra")
    axes[0, 1].set_title("mean and standard deviation")
    axes[0, 1].legend(loc="upper right", frameon=False)
    for ax in axes[-1]:
        ax.set_xlabel("Energy loss (eV)")
    figure.savefig("augmented.png", dpi=120)
    print(f"augmented.png: given against synthetic spectra ({time.perf_counter() - begin:.0f} s)")


if __name__ == "__main__":
    main()
