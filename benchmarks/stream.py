# SPDX-License-Identifier: GPL-3.0-or-later
"""A stack larger than memory, streamed to disk: peak memory as the operating system saw it.

    python benchmarks/stream.py                          # 1 000 000 x 2048 to .zspy: 8 GB of disk
    python benchmarks/stream.py --n 100000 --ending hspy

One class is fitted and saved in a process of its own (or in the same with ``--one-process``). Then
the augmenter is loaded, sampled lazily and saved; the peak is the process's ``ru_maxrss``,
TensorFlow and all libraries included. Spectra from all over the file are compared with those that
the augmenter draws in memory. Writes JSON.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np


def spectra(n: int, channels: int) -> np.ndarray:
    """Noisy white lines, maximum 1."""
    random = np.random.default_rng(0)
    axis = np.linspace(0, 1, channels)
    centre = 0.35 + 0.01 * random.standard_normal((n, 1))
    data = np.exp(-(((axis - centre) / 0.05) ** 2) / 2) + 0.2 * (axis > centre)
    data += 0.05 * random.standard_normal(data.shape)
    return (data / data.max(axis=1, keepdims=True)).astype(np.float32)


def peak() -> float:
    """Largest resident memory of this process so far, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def fit(file: Path, channels: int) -> float:
    """Fit one class and save it; return the peak memory."""
    from exspy.signals import EELSSpectrum

    from hyperspy_dag import EELSAugmenter

    augmenter = EELSAugmenter(max_epochs=1, stopping=None, random_state=0)
    augmenter.fit(EELSSpectrum(spectra(100, channels)), [0] * 100, show_progressbar=False)
    augmenter.save(file, overwrite=True)
    return peak()


def fit_elsewhere(file: Path, channels: int) -> float:
    """The same in a process of its own, as it mostly is: fitted once, drawn from often."""
    command = [sys.executable, __file__, "--fit", str(file), "--channels", str(channels)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--channels", type=int, default=2048)
    parser.add_argument("--ending", default="zspy", choices=["zspy", "hspy"])
    parser.add_argument("--folder", type=Path, default=Path.cwd())
    parser.add_argument("--one-process", action="store_true", help="fit in the same process")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--fit", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.fit:
        print(fit(arguments.fit, arguments.channels))
        return

    import hyperspy.api as hs

    from hyperspy_dag import EELSAugmenter

    fitted = arguments.folder / "stream.dag"
    where = fit if arguments.one_process else fit_elsewhere
    peak_of_fit = where(fitted, arguments.channels)
    augmenter = EELSAugmenter.load(fitted)
    path = arguments.folder / f"stream.{arguments.ending}"
    begin = time.perf_counter()
    lazy = augmenter.sample(arguments.n, label=0, lazy=True)
    lazy.save(path, overwrite=True, show_progressbar=False)
    seconds = time.perf_counter() - begin
    after_save = peak()
    loaded = hs.load(path, lazy=True)
    places = np.unique(np.linspace(0, arguments.n - 1, 12).astype(int))
    same = all(
        np.array_equal(loaded.data[place].compute(), lazy.data[place].compute()) for place in places
    )
    first = augmenter.sample(256, label=0).data[: min(256, arguments.n)]
    same &= np.array_equal(loaded.data[: len(first)].compute(), first)
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    result = {
        "n": arguments.n,
        "channels": arguments.channels,
        "ending": arguments.ending,
        "one_process": arguments.one_process,
        "peak_gb_of_fit": peak_of_fit,
        "peak_gb": after_save,
        "seconds": seconds,
        "spectra_per_second": arguments.n / seconds,
        "file_gb": sum(p.stat().st_size for p in files) / 1e9,
        "same_as_in_memory": bool(same),
    }
    fitted.unlink()
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    output = arguments.output
    if output is None:
        output = Path(__file__).parent / "results" / f"stream_{arguments.ending}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
