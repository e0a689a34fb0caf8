# SPDX-License-Identifier: GPL-3.0-or-later
"""Five classes on two cores, side by side and one after the other.

    python benchmarks/parallel.py                     # 3 rounds
    taskset -c 0,1 python benchmarks/parallel.py      # on a machine with more cores

Every process has one thread; serial and parallel fits alternate, each in a fresh process so that
imports, compiling and the start of the workers are paid by both. ``two`` trains with ``n_jobs=2``:
five equal classes on two workers cannot be faster than 5/3, since one worker has three of them.
``three`` evens that out: three classes share the two cores, then the last two have one each.
The results must be the same, bit for bit. Writes JSON.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

WAYS = {"serial": 1, "two": 2, "three": 3}


def fit(n_jobs: int, epochs: int) -> None:
    """Fit in this process and print seconds and a digest as JSON."""
    from hyperspy_dag import EELSAugmenter
    from hyperspy_dag.data import simulated_oxides

    # Two iron and three manganese oxides, all of 700 channels; their energies play no part.
    sets = [simulated_oxides(name, n_spectra=100) for name in ("WL-Fe", "WL-Mn")]
    signal = type(sets[0][0])(np.concatenate([s.data for s, _ in sets]))
    labels = np.concatenate([labels for _, labels in sets])
    augmenter = EELSAugmenter(stopping=None, max_epochs=epochs, random_state=0)
    begin = time.perf_counter()
    augmenter.fit(signal, labels, n_jobs=n_jobs, show_progressbar=False)
    seconds = time.perf_counter() - begin
    digest = hashlib.sha256()
    for model in augmenter.generators_.values():
        for weight in model.weights:
            digest.update(weight.tobytes())
    print(json.dumps({"fit_seconds": seconds, "digest": digest.hexdigest()}))


def measure(way: str, epochs: int) -> dict[str, float | str]:
    """Time one fit in a fresh process, import included."""
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
    environment = os.environ | dict.fromkeys((*threads, "TF_NUM_INTEROP_THREADS"), "1")
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, "--fit", str(WAYS[way]), "--epochs", str(epochs)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    result = json.loads(done.stdout.splitlines()[-1])
    return result | {"seconds": time.perf_counter() - begin}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--fit", type=int, help=argparse.SUPPRESS)
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent / "results" / "parallel.json"
    )
    arguments = parser.parse_args()
    if arguments.fit:
        fit(arguments.fit, arguments.epochs)
        return
    rows = {way: [] for way in WAYS}
    for _ in range(arguments.rounds):
        for way in WAYS:
            rows[way].append(measure(way, arguments.epochs))
    seconds = {way: float(np.median([r["seconds"] for r in rows[way]])) for way in WAYS}
    result = {
        "classes": 5,
        "epochs": arguments.epochs,
        "cores": len(os.sched_getaffinity(0)),
        "seconds": seconds,
        "speed_up": {way: seconds["serial"] / seconds[way] for way in ("two", "three")},
        "same": len({row["digest"] for one in rows.values() for row in one}) == 1,
        "rows": rows,
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({k: v for k, v in result.items() if k != "rows"}, indent=1))


if __name__ == "__main__":
    main()
