# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new user does first, in the environment of the Python that runs this.

Writes into the current folder; raises where something is amiss. Needs nothing that the package
does not depend on.

    python .ci/smoke.py
"""

from __future__ import annotations

import json
import subprocess
import sys
import warnings

import hyperspy.api as hs
import numpy as np

_signal = hs.signals.Signal1D(np.ones((2, 8)))
_signal.set_signal_type("EELS")
# before anything imports this package by its name
assert hasattr(_signal, "dag_augment"), "import hyperspy.api does not add the methods"
assert "tensorflow" not in sys.modules, "import hyperspy.api imports TensorFlow"

import exspy  # noqa: E402
import hyperspy  # noqa: E402
import keras  # noqa: E402
import sklearn  # noqa: E402
import tensorflow as tf  # noqa: E402

import hyperspy_dag  # noqa: E402
from hyperspy_dag import EELSAugmenter, get_labels  # noqa: E402
from hyperspy_dag.data import simulated_oxides  # noqa: E402
from hyperspy_dag.plotting import plot_spectra  # noqa: E402


def main() -> None:
    sets = {"n_spectra": {"MnO": 30, "MnO2": 30}, "raw": True}
    ranges = {"background_range": (590, 633), "signal_range": (615, 685)}
    s, labels = simulated_oxides("WL-Mn", **sets)
    s = s.dag_preprocess(**ranges)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Class .*: the stopping criterion", UserWarning)
        aug = s.dag_augment(
            labels, n_spectra=8, max_epochs=2, random_state=0, filename="augmented.hspy"
        )
        augmenter = EELSAugmenter(max_epochs=2, random_state=0).fit(s.as_lazy(), labels)
    loaded = hs.load("augmented.hspy")
    assert type(loaded).__name__ == "EELSSpectrum"
    assert get_labels(loaded)[:, 0].tolist() == ["MnO", "MnO2"]
    np.testing.assert_array_equal(loaded.data, aug.data)

    augmenter.save("oxides.dag")
    again = EELSAugmenter.load("oxides.dag").sample(8, lazy=True)
    np.testing.assert_array_equal(again.data.compute(), aug.data)

    s_test, labels_test = simulated_oxides("WL-Mn", random_state=1, **sets)
    report = augmenter.evaluate(
        s_test.dag_preprocess(**ranges), labels_test, s_train=s, labels_train=labels,
        classifiers=["svm"],
    )  # fmt: skip
    report.to_html("report.html")
    assert report.classification.accuracies()["synthetic"]["svm"] > 0.8
    plot_spectra(s, aug, labels)
    told = subprocess.run(
        [sys.executable, "-m", "hyperspy_dag", "info", "oxides.dag", "--json"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert json.loads(told)
    found = {"hyperspy": hyperspy, "exspy": exspy, "tensorflow": tf, "keras": keras}
    found |= {"numpy": np, "scikit-learn": sklearn, "hyperspy_dag": hyperspy_dag}
    versions = ", ".join(f"{name} {module.__version__}" for name, module in found.items())
    print(f"ok: Python {sys.version.split()[0]}, {versions}")


if __name__ == "__main__":
    main()
