# SPDX-License-Identifier: GPL-3.0-or-later
"""
Label one map, classify the next
================================

Sixty spectra of each phase were labelled on one map. The next map is of a thicker place, was
taken at half the dose, and the energy axis of the microscope had moved. Its spectra have no
labels, but they say under which conditions they were measured.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy import ndimage

from hyperspy_dag import EELSAugmenter
from hyperspy_dag.data import PREPROCESSING, simulated_mixtures, simulated_oxides

RANGES = PREPROCESSING["WL-Mn"]  # of the background before the edge, and of the signal

# %%
# The labelled spectra, and the next map: grains of three oxides.

labelled, labels = simulated_oxides("WL-Mn", n_spectra=60, raw=True, random_state=0)
names = np.array(list(labelled.metadata.Simulation.classes.as_dictionary()))

random = np.random.default_rng(0)
fields = ndimage.gaussian_filter(random.standard_normal((2, 20, 30)), (0, 3, 3))
grains = (fields > 0).sum(axis=0)
truth = names[grains]
following = simulated_mixtures("WL-Mn", np.eye(3)[grains], dose=0.5, raw=True, random_state=1)

# %%
# It is thicker: electrons that ionised an atom have excited a plasmon of 23 eV besides, four in ten
# of them more than before. And its energies are off by 1 eV.

axis = following.axes_manager.signal_axes[0]
loss = np.arange(0, 46, axis.scale)
plasmon = np.exp(-0.5 * ((loss - 23) / 6) ** 2)
again = ndimage.convolve1d(
    following.data.astype(float), plasmon / plasmon.sum(), axis=-1, origin=-(len(loss) // 2)
)
following.data = random.poisson(np.clip(following.data + 0.4 * again, 0, None))
axis.offset += 1.0

labelled, following = (s.dag_preprocess(**RANGES) for s in (labelled, following))

# %%
# The generators learn the labelled spectra, and adapt to the unlabelled ones.

augmenter = EELSAugmenter(max_epochs=1, stopping=None, random_state=0)
augmenter.fit(labelled, labels, show_progressbar=False)
adapted = augmenter.adapt(following)

for label, found in adapted.conditions_.items():
    thickness, shift = found["thickness"], found["shift"]
    print(f"{label}: Δ(t/λ) {thickness.mean:.2f}, energy shift {shift.mean:.2f} eV")
fractions = {label: round(share, 2) for label, share in adapted.class_fractions_.items()}
true = {str(name): round(float(np.mean(truth == name)), 2) for name in names}
print("fractions:", fractions, "true:", true)

# %%
# The mean of the next map's spectra of a class, and of the synthetic ones before and after.

energy = labelled.axes_manager.signal_axes[0].axis
figure, axes = plt.subplots(1, 3, figsize=(11, 3), sharey=True, layout="constrained")
for ax, label in zip(axes, names, strict=True):
    ax.plot(energy, following.data[truth == label].mean(axis=0), "0.6", lw=3, label="next map")
    for one, name, colour in ((augmenter, "as labelled", "C0"), (adapted, "adapted", "#D55E00")):
        mean = one.sample(300, label=label).data.mean(axis=0)
        ax.plot(energy, mean, colour, lw=1, label=name)
    ax.set(title=label, xlabel="energy loss (eV)")
axes[0].set_ylabel("normalised intensity")
axes[0].legend(frameon=False)

# %%
# A classifier of synthetic spectra as labelled, and one of adapted spectra.

figure, axes = plt.subplots(1, 3, figsize=(10, 2.6), layout="constrained")
axes[0].set_title("truth", fontsize="medium")
axes[0].set_axis_off()
for ax, one, name in ((axes[1], augmenter, "as labelled"), (axes[2], adapted, "adapted")):
    phases = one.classify(following)
    phases.plot(ax)
    right = 100 * np.mean(phases.labels == truth)
    ax.set_title(f"{name}: {right:.0f} % right", fontsize="medium")
    ax.set_axis_off()
# The truth, in the colours of the maps.
order = np.array([phases.classes.index(name) for name in names])
image = axes[2].images[0]
axes[0].imshow(order[grains], cmap=image.cmap, norm=image.norm)

# %%
# With the labelled map and the next one in hand, one line does it:
# ``phases = labelled.dag_classify(labels, following)``. What an adaptation can and cannot know is
# said in :doc:`/user_guide/next_map`.
