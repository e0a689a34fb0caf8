# SPDX-License-Identifier: GPL-3.0-or-later
"""
Phase fractions by fitting classes
==================================

An augmenter that was fitted to spectra of pure phases gives a component of HyperSpy models for
each of them. A spectrum image of mixtures is fitted with their sum in one linear fit.
"""

import matplotlib.pyplot as plt
import numpy as np

from hyperspy_dag import EELSAugmenter
from hyperspy_dag.data import simulated_mixtures, simulated_oxides

# %%
# Train on pure phases
# --------------------
# 60 noisy spectra of each Mn oxide.

s_pure, labels = simulated_oxides("WL-Mn", n_spectra=60)
augmenter = EELSAugmenter(max_epochs=20, stopping=None, random_state=0)
augmenter.fit(s_pure, labels, show_progressbar=False)

# %%
# A map of mixtures
# -----------------
# MnO on the left gives way to MnO2 on the right; Mn2O3 grows in between, most of it at half
# height. Counting statistics of 16 times the dose of the training spectra; aligned in energy, as
# by the zero-loss peak.

y, x = np.mgrid[0:1:12j, 0:1:24j]
middle = 4 * x * (1 - x) * np.sin(np.pi * y)
truth = np.stack([(1 - middle) * (1 - x), middle, (1 - middle) * x], axis=-1)
s = simulated_mixtures("WL-Mn", truth, dose=16, drift=0, random_state=1)

# %%
# Fit the classes
# ---------------
# Mean and one variation of each phase. Variations of one phase resemble differences between
# phases: ridge regression keeps them small unless the data ask for them. Its strength is the
# variance of the noise.

phases = ["MnO", "Mn2O3", "MnO2"]
components = [augmenter.component(phase, n_variations=1) for phase in phases]
m = s.create_model(auto_background=False, auto_add_edges=False)
m.extend(components)

noise = np.diff(s.data[..., ::5]).std() / np.sqrt(2)
width = s.axes_manager.signal_axes[0].scale
m.multifit(optimizer="ridge", alpha=4 * (noise / width) ** 2, show_progressbar=False)

# %%
# Fractions
# ---------
# Intensities over their sum: fractions of the signal, in units of spectra of equal height.

intensity = np.stack([c.intensity.map["values"] for c in components], axis=-1).clip(min=0)
fractions = intensity / intensity.sum(axis=-1, keepdims=True)
error = np.abs(fractions - truth).mean()
print(f"Mean absolute error of the fractions: {100 * error:.1f} %")

# %%
# Uncertainties
# -------------
# Plain least squares gives standard deviations of the parameters, as far as noise goes.

plain = s.create_model(auto_background=False, auto_add_edges=False)
plain.extend([augmenter.component(phase, n_variations=1) for phase in phases])
plain.multifit(optimizer="lstsq", calculate_errors=True, show_progressbar=False)
for component in plain:
    deviation = np.median(component.intensity.map["std"])
    print(f"{component.name}: intensity to {deviation:.3f} (median standard deviation)")

# %%
# The maps
# --------

figure, axes = plt.subplots(2, 3, figsize=(9, 4.2), sharex=True, sharey=True, layout="constrained")
for column, phase in enumerate(phases):
    for row, (values, name) in enumerate([(truth, "true"), (fractions, "fitted")]):
        image = axes[row, column].imshow(values[..., column], vmin=0, vmax=1, cmap="viridis")
        axes[row, column].set_title(f"{phase}, {name}")
        axes[row, column].set_xticks([])
        axes[row, column].set_yticks([])
figure.colorbar(image, ax=axes, label="fraction of the signal")
plt.show()

# %%
# One spectrum of the middle and its fit.

m.axes_manager.indices = (12, 6)
energy = s.axes_manager.signal_axes[0].axis
figure, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
ax.plot(energy, s.data[6, 12], color="0.7", label="mixture")
total = 0
for component in m:
    part = width * component.function(energy)
    total = total + part
    ax.plot(energy, part, label=component.name)
ax.plot(energy, total, color="k", label="sum")
ax.set_xlabel("energy loss (eV)")
ax.set_ylabel("normalised intensity")
ax.legend()
plt.show()
