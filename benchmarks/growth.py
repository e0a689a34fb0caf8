# SPDX-License-Identifier: GPL-3.0-or-later
"""Time and memory of a fit against classes, spectra of a class and channels.

    python benchmarks/growth.py

Each point is a fit in a fresh process with one thread, after a small one that compiles the
training. ``seconds`` are processor seconds, which other programs disturb less. ``slope`` is the
exponent between neighbouring points; 1 is linear. Writes JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from stream import spectra

SERIES = {
    "classes": [{"classes": n, "spectra": 50, "channels": 300} for n in (1, 2, 4, 8, 16)],
    "spectra": [
        {"classes": 1, "spectra": n, "channels": 300} for n in (30, 100, 300, 1000, 3000, 10000)
    ],
    "wide": [{"classes": 1, "spectra": n, "channels": 2048} for n in (100, 1000, 10000)],
    "channels": [
        {"classes": 1, "spectra": 100, "channels": n} for n in (200, 512, 1024, 2048, 4096)
    ],
}


def fit(classes: int, n: int, channels: int, epochs: int) -> None:
    """Fit in this process, and print what it took as JSON."""
    from exspy.signals import EELSSpectrum

    from hyperspy_dag import EELSAugmenter

    s = EELSSpectrum(spectra(classes * n, channels))
    labels = np.repeat(np.arange(classes), n)

    def once(s, labels, epochs):
        augmenter = EELSAugmenter(stopping=None, max_epochs=epochs, random_state=0)
        begin = time.process_time()
        augmenter.fit(s, labels, show_progressbar=False)
        return time.process_time() - begin

    # Compiles the training for this number of channels.
    once(s.inav[:30], labels[:30] * 0, 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    seconds = once(s, labels, epochs)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(json.dumps({"seconds": seconds, "peak_gb": after, "more_gb": after - before}))


def measure(point: dict[str, int], epochs: int) -> dict[str, float]:
    """Fit in a fresh process."""
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
    done = subprocess.run(
        [sys.executable, __file__, "--fit", *map(str, point.values()), "--epochs", str(epochs)],
        env=os.environ | dict.fromkeys((*threads, "TF_NUM_INTEROP_THREADS"), "1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    return point | json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--series", nargs="*", default=list(SERIES), choices=list(SERIES))
    parser.add_argument("--fit", type=int, nargs=3, help=argparse.SUPPRESS)
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent / "results" / "growth.json"
    )
    arguments = parser.parse_args()
    if arguments.fit:
        fit(*arguments.fit, arguments.epochs)
        return
    result = {"epochs": arguments.epochs}
    for name in arguments.series:
        rows = [measure(point, arguments.epochs) for point in SERIES[name]]
        against = "spectra" if name == "wide" else name
        for last, row in zip(rows, rows[1:], strict=False):
            ratio = np.log(row[against] / last[against])
            row["slope"] = float(np.log(row["seconds"] / last["seconds"]) / ratio)
        result[name] = rows
        for row in rows:
            print({k: round(v, 3) for k, v in row.items()}, flush=True)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
