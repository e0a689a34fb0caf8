# SPDX-License-Identifier: GPL-3.0-or-later
"""
Measured spectra: one region labelled, the next classified
==========================================================

TiO2 and SrTiO3, the Ti L2,3 edge: raw counts of two regions of each, and their low losses (EMAT
round robin 2007, of github.com/joverbee/eelsmodel). The environment variable ``HYPERSPY_DAG_DATA``
names the folder that holds ``tio2_srtio3_raw.hspy`` and ``tio2_srtio3_lowloss.hspy``. It takes a
minute or two, and is not run for the gallery.
"""

import os
import sys
from pathlib import Path

import hyperspy.api as hs
import numpy as np

from hyperspy_dag import EELSAugmenter

folder = Path(os.environ.get("HYPERSPY_DAG_DATA") or ".")
paths = [folder / f"tio2_srtio3_{kind}.hspy" for kind in ("raw", "lowloss")]
if not all(path.exists() for path in paths):
    sys.exit(f"{paths[0]} or {paths[1].name} is not there: set HYPERSPY_DAG_DATA to their folder")
raw, low = map(hs.load, paths)
stored = raw.original_metadata.labels
names = np.asarray(stored.class_names)[np.asarray(stored.y)]
region = np.asarray(stored.region)

# %%
# The second region is the labelled map, the first the next one, which nobody has labelled. Its low
# losses, the first and the third, tell how thick its phases are.

s = raw.dag_preprocess(background_range=(400, 448), signal_range=(440, 500))
s_next = s.deepcopy()
s_next.data = s.data[region == 1]
s_next.get_dimensions_from_data()
truth = names[region == 1]
labels = np.where(region == 2, names, "")
low_loss = {"TiO2": low.inav[0], "SrTiO3": low.inav[2]}

augmenter = EELSAugmenter(random_state=0).fit(s, labels)
adapted = augmenter.adapt(s_next, low_loss=low_loss)
print(adapted.adaptation_)
for name, one in (("as labelled", augmenter), ("adapted", adapted)):
    phases = one.classify(s_next)
    print(f"right in the other region, {name}: {np.mean(phases.labels == truth):.3f}")
