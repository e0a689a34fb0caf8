# SPDX-License-Identifier: GPL-3.0-or-later
"""
From labelled spectra to synthetic ones
=======================================

The main job, on simulated Mn white lines of three oxides: background off, train a generator for
each class, draw as many spectra as needed.
"""

# %%
# Nothing of this package needs to be imported for ``dag_preprocess`` and ``dag_augment``: every
# EELS spectrum has them. Simulated spectra stand in for ``hs.load("yours.hspy")``.

import hyperspy.api as hs
import matplotlib.pyplot as plt

from hyperspy_dag import get_labels
from hyperspy_dag.data import simulated_oxides
from hyperspy_dag.plotting import plot_spectra

s, labels = simulated_oxides("WL-Mn", n_spectra=80, raw=True)
s

# %%
# Power-law background off, white lines kept, maximum 1. Always look at what comes out.

s = s.dag_preprocess(background_range=(590, 633), signal_range=(615, 685))
hs.plot.plot_spectra([s.inav[0], s.inav[80], s.inav[160]], style="cascade")

# %%
# Train and draw. Real data deserve the default ``max_epochs``.

aug = s.dag_augment(labels, n_spectra=200, max_epochs=30, random_state=0)
aug

# %%
# The labels of the synthetic spectra stay with them, also when they are sliced or saved.

print(get_labels(aug.inav[:2]))

# %%
# Real and synthetic spectra, drawn at random.

plot_spectra(s, aug, labels, n=2)
plt.gcf().set_size_inches(9, 4)

# %%
# How they were made is in the metadata.

print(aug.metadata.DAG)
