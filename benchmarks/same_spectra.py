# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether two versions of the package draw the same spectra, bit for bit, on one machine.

    python benchmarks/same_spectra.py before.json        # writes digests
    python benchmarks/same_spectra.py after.json --compare before.json

Every design, architecture and recipe is fitted to two small simulated classes for two epochs; the
digest is that of the costs and of the drawn spectra. Run the first line in a checkout of the older
version, the second in one of the newer.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import sys
import warnings
from pathlib import Path

import numpy as np

DESIGNS = ("single_monotrans", "multi_monotrans", "single_bitrans", "multi_bitrans")
ARCHITECTURES = ("compact", "simple_dense", "large_dense", "simple_convo")
RECIPES = ("refined", "paper")


def labelled_spectra():
    """Two classes of white lines on a step, 48 channels of 0.5 eV."""
    from exspy.signals import EELSSpectrum

    random = np.random.default_rng(0)
    axis = np.linspace(0, 1, 48)
    rows = []
    for count, position in ((14, 0.35), (10, 0.45)):
        centre = position + 0.01 * random.standard_normal((count, 1))
        lines = np.exp(-(((axis - centre) / 0.05) ** 2) / 2) + 0.2 * (axis > centre)
        lines += (0.5 + 0.1 * random.random((count, 1))) * np.exp(
            -(((axis - centre - 0.3) / 0.06) ** 2) / 2
        )
        lines += 0.03 * random.standard_normal(lines.shape)
        rows.append(lines / lines.max(axis=1, keepdims=True))
    s = EELSSpectrum(np.concatenate(rows).astype(np.float32))
    energy = s.axes_manager.signal_axes[0]
    energy.name, energy.units, energy.offset, energy.scale = "Energy loss", "eV", 630.0, 0.5
    return s, np.repeat(["a", "b"], [14, 10])


def digest(design: str, architecture: str, recipe: str) -> str:
    """SHA-256 of what a fit leaves and draws."""
    from hyperspy_dag import EELSAugmenter

    s, labels = labelled_spectra()
    augmenter = EELSAugmenter(
        design, architecture, recipe=recipe, stopping=None, max_epochs=2, random_state=0
    ).fit(s, labels, show_progressbar=False)
    parts = [augmenter.sample(40).data, augmenter.sample(3, noise=False).data]
    if recipe == "refined":
        parts.append(augmenter.sample(3, dose=0.5, energy_jitter=0.3).data)
    for history in augmenter.history_.values():
        parts += [np.array(history.discriminator_cost), np.array(history.generator_cost)]
    return hashlib.sha256(b"".join(np.ascontiguousarray(p).tobytes() for p in parts)).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--compare", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    before = json.loads(arguments.compare.read_text()) if arguments.compare else {}
    digests, different = {}, 0
    for combination in itertools.product(DESIGNS, ARCHITECTURES, RECIPES):
        name = " ".join(combination)
        digests[name] = digest(*combination)
        said = ""
        if before:
            different += digests[name] != before[name]
            said = "same" if digests[name] == before[name] else "DIFFERENT"
        print(f"{name:45s} {digests[name][:12]} {said}", flush=True)
        arguments.output.write_text(json.dumps(digests, indent=1) + "\n")
    if before:
        print(f"{different} of {len(digests)} differ")
    sys.exit(bool(different))


if __name__ == "__main__":
    main()
