# SPDX-License-Identifier: GPL-3.0-or-later
"""Time of an adaptation in a fresh process on one core, imports included.

    python benchmarks/adapt_time.py [--large]

Two classes and 400 unlabelled spectra of 200 channels; with ``--large`` five classes and 5 000
unlabelled spectra of 1 000 channels. The spectra are simulated oxides, rebinned to so many
channels; further classes are shifted ones. Wall and processor time of the whole process go to
``benchmarks/results/adapt_time.json``: where other programs run, the processor time is the one to
look at.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

RESULTS = Path(__file__).parent / "results" / "adapt_time.json"
CASES = {"2 classes, 400 x 200": (2, 400, 200), "5 classes, 5000 x 1000": (5, 5000, 1000)}
ONE_CORE = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def spectra(classes: int, n: int, channels: int, seed: int):
    """So many preprocessed spectra of each class."""
    from exspy.signals import EELSSpectrum

    from hyperspy_dag.data import simulated_oxides

    made, labels = [], []
    for i in range(classes):
        name = ("MnO", "MnO2", "Mn2O3")[i % 3]
        s, _ = simulated_oxides("WL-Mn", {name: n}, random_state=100 * seed + i)
        own = np.linspace(0, s.data.shape[1] - 1, channels) - 40 * (i // 3)
        rows = [np.interp(own, np.arange(s.data.shape[1]), row) for row in s.data]
        made.append(np.array(rows) / np.max(rows, axis=1, keepdims=True))
        labels += [f"class {i}"] * n
    result = EELSSpectrum(np.concatenate(made).astype(np.float32))
    axis = result.axes_manager.signal_axes[0]
    axis.name, axis.units, axis.offset, axis.scale = "Energy loss", "eV", 615.0, 70 / channels
    return result, labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true")
    name = list(CASES)[parser.parse_args().large]
    classes, n, channels = CASES[name]
    from hyperspy_dag import EELSAugmenter

    with tempfile.TemporaryDirectory() as folder:
        settings = {"max_epochs": 1, "stopping": None, "random_state": 0}
        s, labels = spectra(classes, 50, channels, 0)
        fitted = EELSAugmenter(**settings).fit(s, labels, show_progressbar=False)
        fitted.save(f"{folder}/fit.dag")
        s, _ = spectra(classes, n // classes, channels, 1)
        s.save(f"{folder}/target.hspy")
        code = (
            "import hyperspy.api as hs; from hyperspy_dag import EELSAugmenter; "
            f"a = EELSAugmenter.load('{folder}/fit.dag').adapt(hs.load('{folder}/target.hspy')); "
            "print(a.adaptation_)"
        )
        began, before = time.perf_counter(), os.times()
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            env=os.environ | dict.fromkeys(ONE_CORE, "1"),
            check=True,
            capture_output=True,
            text=True,
        )
        wall, after = time.perf_counter() - began, os.times()
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    found = {"seconds": round(wall, 1), "cpu_seconds": round(cpu, 1)}
    print(name, found)
    print(done.stdout)
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps(kept | {name: found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
