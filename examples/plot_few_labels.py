# SPDX-License-Identifier: GPL-3.0-or-later
"""
A classifier from 15 % of the labels
====================================

Labelling spectra is work. Here 15 % of the spectra have labels; generators are trained on them, and
classifiers on what the generators make. The other 85 % of the spectra judge.
"""

import matplotlib.pyplot as plt
import numpy as np

from hyperspy_dag import EELSAugmenter
from hyperspy_dag.data import simulated_oxides
from hyperspy_dag.validation import NoiseAugmentation, make_classifier

s, labels = simulated_oxides("WL-Mn", n_spectra=200)

# %%
# Draw the labelled ones at random within each class. These spectra are independent of each other by
# construction; split measured ones by region or session instead.

random = np.random.default_rng(0)
labelled = np.zeros(len(labels), bool)
for name in np.unique(labels):
    members = np.flatnonzero(labels == name)
    labelled[random.choice(members, size=30, replace=False)] = True

given = np.where(labelled, labels, "")  # "" is unlabelled
print(f"{labelled.sum()} of {len(labels)} spectra have labels")

# %%
# Train a generator for each class. Unlabelled spectra are left out by themselves.

augmenter = EELSAugmenter(max_epochs=30, random_state=0).fit(s, given)

# %%
# A support vector machine learns from each set of training spectra, and is asked about spectra that
# neither it nor the generators have seen.

train, test = s.data[labelled], s.data[~labelled]


def synthetic(sample) -> tuple[np.ndarray, np.ndarray]:
    """Draw 170 spectra of each class."""
    names = np.unique(labels)
    return np.concatenate([sample(name) for name in names]), np.repeat(names, 170)


def add_noise(name: str) -> np.ndarray:
    """Augment in the conventional way: real spectra with noise added."""
    own = train[labels[labelled] == name]
    return NoiseAugmentation().fit(own).sample(170, random_state=0)


of_dag = synthetic(lambda name: augmenter.sample(170, label=name).data)
of_noise = synthetic(add_noise)
real = train, labels[labelled]
both = tuple(np.concatenate(pair) for pair in zip(real, of_dag, strict=True))

accuracy = {}
for name, (spectra, classes) in {
    "30 real spectra of each class": real,
    "noise augmentation alone": of_noise,
    "synthetic spectra alone": of_dag,
    "real and synthetic spectra": both,
}.items():
    classifier = make_classifier("svm", random_state=0).fit(spectra, classes)
    accuracy[name] = 100 * np.mean(classifier.predict(test) == labels[~labelled])
    print(f"{name:32s} {accuracy[name]:5.1f} %")

# %%

figure, ax = plt.subplots(figsize=(8, 2.5), layout="constrained")
ax.barh(list(accuracy), list(accuracy.values()), color=["0.25", "0.6", "#D55E00", "#D55E00"])
ax.invert_yaxis()
ax.set(xlabel="accuracy on the other 85 % (%)", xlim=(90, 100))

# %%
# The synthetic spectra carry what the 30 real ones of each class know, as many times as a
# classifier wants, and with noise of its own on every spectrum. They know no more than those 30:
# what these do not show, such as another thickness, no classifier learns. Differences of less than
# a percent are chance here; the :doc:`benchmark tables </benchmarks/table1>` have the figures for
# other edges, classifiers and seeds.
