# SPDX-License-Identifier: GPL-3.0-or-later
"""Time and peak memory of the classification of a large map.

    python benchmarks/classify_map.py [--side 512] [--set W] [--near]

A map of side x side spectra of 1 024 channels, drawn from simulated ones, is classified in fresh
processes: from memory, lazily from a .zspy file, and with an energy axis of finer dispersion, which
is resampled. Time is that of ``classify`` alone, training of the classifier included; memory is the
largest that the process had. Times are divided by nothing: they are those of the cores that there
are. ``--near`` makes the classes alike, so that most synthetic spectra are support vectors.
Results go to ``benchmarks/results/classify_map.json``.
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

RESULTS = Path(__file__).parent / "results" / "classify_map.json"
CHANNELS = 1024
WAYS = ("memory", "lazy", "finer")


def prepare(folder: Path, side: int, name: str, near: bool) -> None:
    """Write an augmenter and a map; the map slab by slab."""
    import dask.array as da
    from exspy.signals import LazyEELSSpectrum

    from hyperspy_dag import EELSAugmenter
    from hyperspy_dag.data import simulated_oxides

    def taken(n: int, seed: int):
        s, labels = simulated_oxides(name, n, random_state=seed)
        s = s.isig[:CHANNELS]
        if near:
            s.data = s.data.mean(axis=0) + 0.1 * (s.data - s.data.mean(axis=0))
            random = np.random.default_rng(seed)
            s.data += 0.05 * random.standard_normal(s.data.shape)
        s.data /= s.data.max(axis=1, keepdims=True)
        return s, labels

    s, labels = taken(100, 0)
    settings = {"max_epochs": 1, "stopping": None, "random_state": 0}
    for way, size in (("fit", CHANNELS), ("coarse", CHANNELS * 4 // 5)):
        own = s
        if size != CHANNELS:
            own = s.rebin(scale=(1, CHANNELS / size)).isig[:size]
            own.data /= own.data.max(axis=1, keepdims=True)
        EELSAugmenter(**settings).fit(own, labels, show_progressbar=False).save(
            folder / f"{way}.dag"
        )
    s, _ = taken(2000, 1)
    data = s.data.astype(np.float32)

    def rows(block_info=None):
        (low, high), *_ = block_info[None]["array-location"]
        random = np.random.default_rng(low)
        return data[random.integers(0, len(data), (high - low, side))]

    chunks = ((32,) * (side // 32), (side,), (CHANNELS,))
    image = LazyEELSSpectrum(da.map_blocks(rows, chunks=chunks, dtype=np.float32))
    axis, own = image.axes_manager.signal_axes[0], s.axes_manager.signal_axes[0]
    axis.name, axis.units, axis.offset, axis.scale = "Energy loss", "eV", own.offset, own.scale
    image.save(folder / "map.zspy")


def peak_memory() -> float:
    """Largest memory of this process, in bytes (Linux)."""
    status = Path("/proc/self/status").read_text().splitlines()
    return 1024 * float(next(line for line in status if line.startswith("VmHWM")).split()[1])


def measure(folder: Path, way: str) -> dict[str, float]:
    """Classify in this process."""
    import hyperspy.api as hs

    from hyperspy_dag import EELSAugmenter

    s = hs.load(folder / "map.zspy", lazy=True)
    if way != "lazy":
        s.compute(show_progressbar=False)
    augmenter = EELSAugmenter.load(folder / ("coarse.dag" if way == "finer" else "fit.dag"))
    began, cpu = time.perf_counter(), time.process_time()
    phases = augmenter.classify(s)
    return {
        "seconds": round(time.perf_counter() - began, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "peak_gb": round(peak_memory() / 1e9, 2),
        "unlike": round(float(phases.unlike.mean()), 4),
        "sum": int(phases.index.sum()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--set", default="W")
    parser.add_argument("--near", action="store_true")
    parser.add_argument("--only", nargs=2, metavar=("FOLDER", "WAY"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        print(json.dumps(measure(Path(given.only[0]), given.only[1])))
        return
    found: dict[str, object] = {"cores": len(os.sched_getaffinity(0)), "side": given.side}
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder), given.side, given.set, given.near)
        for way in WAYS:
            command = [sys.executable, __file__, "--only", folder, way]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[way] = json.loads(done.stdout.splitlines()[-1])
            print(way, found[way], flush=True)
    key = f"{given.set}{', near' if given.near else ''}"
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps(kept | {key: found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
