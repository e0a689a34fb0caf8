# SPDX-License-Identifier: GPL-3.0-or-later
"""
Measured spectra: one region labelled, the next classified
==========================================================

TiO2 and SrTiO3, the Ti L2,3 edge, two regions of each, raw counts (EMAT round robin 2007, of
github.com/joverbee/eelsmodel). The environment variable ``HYPERSPY_DAG_DATA`` names the folder that
holds ``tio2_srtio3_raw.hspy``. It takes a minute or two, and is not run for the gallery.
"""

import os
import sys
from pathlib import Path

import hyperspy.api as hs
import numpy as np

path = Path(os.environ.get("HYPERSPY_DAG_DATA", ".")) / "tio2_srtio3_raw.hspy"
if not path.exists():
    sys.exit(f"{path} is not there: set HYPERSPY_DAG_DATA to the folder that holds it")
raw = hs.load(path)
stored = raw.original_metadata.labels
names = np.asarray(stored.class_names)[np.asarray(stored.y)]
first = np.asarray(stored.region) == 1

# The first region is the labelled map, the second the next one.
s = raw.dag_preprocess(background_range=(400, 448), signal_range=(440, 500))
labels = np.where(first, names, "")
phases = s.dag_classify(labels, target="unlabelled", random_state=0)
print(f"right in the other region: {(phases.labels == names)[~first].mean():.3f}")
