# SPDX-License-Identifier: GPL-3.0-or-later
"""Fifty fits in one process: does its memory stay flat?

    python benchmarks/leak.py

All fits are of the same size and settings, so that all use the same compiled training; their seeds
differ. Resident memory is read after each, from the operating system. The first fits are
left out, in which caches fill. Writes JSON.
"""

from __future__ import annotations

import argparse
import gc
import json
from pathlib import Path

import numpy as np
import psutil
from stream import spectra


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fits", type=int, default=50)
    parser.add_argument("--warm-up", type=int, default=5)
    parser.add_argument("--channels", type=int, default=300)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent / "results" / "leak.json"
    )
    arguments = parser.parse_args()

    from exspy.signals import EELSSpectrum

    from hyperspy_dag import EELSAugmenter

    s = EELSSpectrum(spectra(100, arguments.channels))
    labels = np.repeat([0, 1], 50)
    process = psutil.Process()
    memory = []
    for number in range(arguments.fits):
        augmenter = EELSAugmenter(stopping=None, max_epochs=arguments.epochs, random_state=number)
        augmenter.fit(s, labels, show_progressbar=False).sample(200)
        del augmenter
        gc.collect()
        memory.append(process.memory_info().rss / 1e9)
    kept = memory[arguments.warm_up :]
    result = {
        "fits": arguments.fits,
        "classes": 2,
        "channels": arguments.channels,
        "gb_after_warm_up": kept[0],
        "gb_at_the_end": kept[-1],
        "growth": max(kept) / kept[0] - 1,
        "gb": memory,
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({k: v for k, v in result.items() if k != "gb"}, indent=1))


if __name__ == "__main__":
    main()
