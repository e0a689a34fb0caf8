# SPDX-License-Identifier: GPL-3.0-or-later
"""
Reading the report
==================

``augmenter.evaluate`` judges synthetic spectra by real ones that took no part in the training.
"""

from hyperspy_dag import EELSAugmenter
from hyperspy_dag.data import simulated_oxides
from hyperspy_dag.metrics import WhiteLineWindows
from hyperspy_dag.plotting import plot_intensity_maps

s, labels = simulated_oxides("WL-Mn", n_spectra={"MnO": 160, "MnO2": 160})
train, test = slice(0, None, 2), slice(1, None, 2)

augmenter = EELSAugmenter(max_epochs=30, random_state=0)
augmenter.fit(s.inav[train], labels[train])

# %%
# With the training spectra come copies, conventional methods and classifiers of real spectra.
# White-line windows are optional too, and need both lines of all classes inside.

report = augmenter.evaluate(
    s.inav[test],
    labels[test],
    s_train=s.inav[train],
    labels_train=labels[train],
    classifiers=["svm"],
    windows=WhiteLineWindows(l3=(634, 649), l2=(649, 662)),
)

# %%
# In a notebook the report shows itself. ``report.to_html("report.html")`` writes the same as one
# file; ``to_dict`` and ``to_dataframe`` give the figures.

report

# %%
# The verdict is also there as text; :doc:`/user_guide/report` explains what it says.

print(report.verdict_text)

# %%
# Read each figure beside "real": what as many other real test spectra reach.

for name, value in report.metrics["MnO"].items():
    print(f"{name:28s} {value:8.3g} {report.reference['MnO'].get(name, float('nan')):8.3g}")

# %%
# The pictures can be drawn one by one as well, with :mod:`hyperspy_dag.plotting`. Each row of this
# one is a spectrum: real ones above, synthetic ones below.

plot_intensity_maps(s.inav[test], augmenter.sample(40), labels[test], n=40)
