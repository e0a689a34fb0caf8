# SPDX-License-Identifier: GPL-3.0-or-later
"""
Imbalanced classes: a pipeline
==============================

An augmenter is a sampler of `imbalanced-learn <https://imbalanced-learn.org>`_: in a pipeline it
fills the rare classes with synthetic spectra when the pipeline is fitted, and does nothing when the
pipeline predicts. ``pip install imbalanced-learn`` or ``pip install .[smote]``.
"""

import numpy as np
from imblearn.pipeline import make_pipeline
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import cross_val_predict
from sklearn.svm import SVC

from hyperspy_dag import EELSAugmenter, get_arrays
from hyperspy_dag.data import simulated_oxides

# %%
# Sixty spectra of one oxide and twenty of each other. :func:`hyperspy_dag.get_arrays` makes arrays
# of them, which cross-validation cuts into folds.

s, labels = simulated_oxides("WL-Mn", {"MnO": 60, "Mn2O3": 20, "MnO2": 20})
X, y = get_arrays(s, labels)

# %%
# In each fold the rare classes are brought up to the frequent one with spectra that are learned
# from that fold alone.

pipeline = make_pipeline(EELSAugmenter(random_state=0), SVC())
predicted = cross_val_predict(pipeline, X, y, cv=2)
float(balanced_accuracy_score(y, predicted))

# %%
# Other numbers by ``sampling_strategy``, as in imbalanced-learn.

augmenter = EELSAugmenter(random_state=0)
more, new = augmenter.fit_resample(s, labels, sampling_strategy={"MnO2": 40})
dict(zip(*np.unique(new, return_counts=True), strict=True))
