# SPDX-License-Identifier: GPL-3.0-or-later
"""
Dose, energy jitter and noise
=============================

A fitted augmenter can draw spectra as other measurements of the same material would have given
them.
"""

import matplotlib.pyplot as plt

from hyperspy_dag import EELSAugmenter
from hyperspy_dag.data import simulated_oxides
from hyperspy_dag.metrics import find_white_line_windows, l3_position, snr

s, labels = simulated_oxides("WL-Mn", n_spectra={"MnO": 100})
augmenter = EELSAugmenter(max_epochs=30, random_state=0).fit(s, labels)
energy = s.axes_manager.signal_axes[0].axis

# %%
# Noise goes with the inverse square root of the dose; ``noise=False`` leaves it out.

cases = {
    "the training spectra's dose": {},
    "a tenth of it": {"dose": 0.1},
    "ten times as much": {"dose": 10.0},
    "without noise": {"noise": False},
}
figure, ax = plt.subplots(figsize=(8, 6), layout="constrained")
for i, (name, options) in enumerate(cases.items()):
    spectra = augmenter.sample(200, label="MnO", **options).data
    ax.plot(energy, spectra[:3].T - 2 * i, lw=0.7)
    ax.text(energy[0], 0.7 - 2 * i, f"{name}\nSNR {snr(spectra):.2f}")
ax.set(xlabel="Energy loss (eV)", yticks=[])

# %%
# The energy jitter is that of the training spectra, unless another one is asked for.

windows = find_white_line_windows(s.data, energy)
figure, ax = plt.subplots(figsize=(8, 3.5), layout="constrained")
positions = {"real": l3_position(s.data, energy, windows)}
for name, jitter in (("synthetic", None), ("jitter 0 eV", 0.0), ("jitter 1 eV", 1.0)):
    made = augmenter.sample(200, label="MnO", energy_jitter=jitter).data
    positions[name] = l3_position(made, energy, windows)
ax.boxplot(list(positions.values()), tick_labels=list(positions), vert=False, whis=(5, 95))
ax.set_xlabel("L$_3$ position (eV)")
