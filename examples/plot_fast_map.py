# SPDX-License-Identifier: GPL-3.0-or-later
"""
A fast map, labelled on a slow scan
===================================

A hundred spectra of each phase were labelled on a slow scan. The map of the specimen was taken ten
times as fast, and its spectra look like noise. Classifiers of the slow spectra fail there; labelled
fast ones there are none. The generators that learned from the slow scan draw them.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy import ndimage

from hyperspy_dag import EELSAugmenter
from hyperspy_dag.data import PREPROCESSING, simulated_mixtures, simulated_oxides
from hyperspy_dag.validation import make_classifier

RANGES = PREPROCESSING["K"]  # of the background before the O K edge, and of the signal
DOSE = 0.1

# %%
# The slow scan: FeO and Fe3O4, raw counts. The fast map: grains of the one in the other.

slow, labels = simulated_oxides("K", n_spectra=100, raw=True, random_state=0)

random = np.random.default_rng(0)
grains = ndimage.gaussian_filter(random.standard_normal((40, 60)), 3) > 0
names = np.array(list(slow.metadata.Simulation.classes.as_dictionary()))
truth = names[grains.astype(int)]
fast = simulated_mixtures("K", np.eye(2)[grains.astype(int)], dose=DOSE, random_state=1)

# %%
# With fewer electrons the background is found less well. So the generators learn from spectra with
# it, and it is subtracted from what they draw: as it was from the map.

whole = slow.dag_preprocess(signal_range=(RANGES["background_range"][0], 612.0))
augmenter = EELSAugmenter(max_epochs=30, random_state=0).fit(whole, labels)

drawn = augmenter.sample(1000, dose=DOSE).dag_preprocess(**RANGES)
slow = slow.dag_preprocess(**RANGES)

# %%
# The same class at the one dose and at the other, measured and synthetic.

energy = slow.axes_manager.signal_axes[0].axis
which = augmenter.classes_.index("FeO")
figure, axes = plt.subplots(1, 3, figsize=(9, 2.8), sharey=True, layout="constrained")
for ax, title, spectrum in zip(
    axes,
    ("slow, labelled", "fast, measured", "fast, synthetic"),
    (slow.data[labels == "FeO"][0], fast.data[truth == "FeO"][0], drawn.data[which, 0]),
    strict=True,
):
    ax.plot(energy, spectrum, color="0.25" if "synthetic" not in title else "#D55E00", lw=0.8)
    ax.set(title=title, xlabel="energy loss (eV)")
axes[0].set_ylabel("normalised intensity")

# %%
# A support vector machine learns from the slow spectra, another from the synthetic fast ones.

training = {
    "slow, labelled": (slow.data, labels),
    "fast, synthetic": (
        drawn.data.reshape(-1, drawn.data.shape[-1]),
        np.repeat(augmenter.classes_, drawn.data.shape[1]),
    ),
}
maps = {"truth": truth}
for name, (spectra, classes) in training.items():
    classifier = make_classifier("svm", random_state=0).fit(spectra, classes)
    found = classifier.predict(fast.data.reshape(-1, fast.data.shape[-1])).reshape(truth.shape)
    maps[f"{name}: {100 * np.mean(found == truth):.0f} % right"] = found

figure, axes = plt.subplots(1, 3, figsize=(9, 2.4), layout="constrained")
for ax, (title, found) in zip(axes, maps.items(), strict=True):
    ax.imshow(found == "FeO", cmap="cividis", vmin=0, vmax=1)
    ax.set_title(title, fontsize="medium")
    ax.set_axis_off()

# %%
# What was not measured cannot be known: where two phases differ in what a tenth of the dose does
# not show, no classifier tells them apart. :doc:`/user_guide/other_conditions` has figures for
# other edges, doses and drift.
