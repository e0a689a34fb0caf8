# SPDX-License-Identifier: GPL-3.0-or-later
"""What the spectra of TiO2 and SrTiO3 say of a change of thickness when every label is known.

    python benchmarks/thickness_known_labels.py DATA_FOLDER

The mean spectrum of one region, under a change of t/λ with the measured low loss, is fitted to the
mean of the other by least squares: the change alone, and with a shift and a resolution beside it.
Beside these: the low losses' own difference, and what adaptation finds without labels
(``benchmarks/adapt.py``). The table is ``results/adapt/thickness.md``.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

sys.path.insert(0, str(Path(__file__).resolve().parent))

import adapt

from hyperspy_dag.adaptation.low_loss import inelastic_distribution
from hyperspy_dag.dag.condition_physics import Resolution, Shift, Thickness

PAGE = adapt.RESULTS.parent / "thickness.md"
NAMES = ("TiO2", "SrTiO3")
EDGE = 5


def fitted(before, after, kernel, step, alone):
    """Change of t/λ between two mean spectra."""

    def rest(v):
        x = Thickness(kernel)(before[None], v[:1])
        if not alone:
            x = Shift(step)(Resolution(step).of_square(x, v[2:]), v[1:2])
        x = x[0]
        return ((x @ after) / (x @ x) * x - after)[EDGE:-EDGE]

    return least_squares(rest, np.zeros(3), x_scale=[0.3, 0.3, 0.3]).x[0]


def adapted():
    """Changes that adaptation finds, by the region of the labels and the class."""
    found = defaultdict(list)
    for key, row in adapt.read(adapt.RESULTS).items():
        if not key.startswith("TiO2 500 ("):
            continue
        region = int(key.split("region ")[1][0])
        for i in (0, 1):
            if row["truth"]["fractions"][i] > 0.05:
                found[region, i].append(row["adapted details"]["conditions"][i]["thickness"][0])
    return found


def main():
    """Print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    p, low, y, region = adapt.load_tio2(data, 500.0)
    known = np.array(low.original_metadata.labels["t_over_lambda"])
    e = p.axes_manager.signal_axes[0].axis
    found = adapted()
    lines = [
        "# Change of t/λ from one region to the other, 440–500 eV",
        "",
        "Least squares between the mean spectra of both regions, labels known, against adaptation",
        "of 10, 30 or 50 labelled spectra to unlabelled ones (mean, least and most of the cases).",
        "",
        "| labelled in | class | low losses | least squares: thickness | and shift, resolution "
        "| adapted | cases |",
        "|---|---|---|---|---|---|---|",
    ]
    for train in (1, 2):
        for i, name in enumerate(NAMES):
            before, after = (
                p.data[(region == r) & (y == i)].mean(axis=0).astype(float)
                for r in (train, 3 - train)
            )
            kernel = inelastic_distribution(low.inav[2 * i + train - 1], e[1] - e[0], len(e))
            own = [fitted(before, after, kernel, e[1] - e[0], alone) for alone in (True, False)]
            truth = known[2 * i + 2 - train] - known[2 * i + train - 1]
            one = found[train, i]
            lines.append(
                f"| region {train} | {name} | {truth:+.2f} | {own[0]:+.2f} | {own[1]:+.2f} "
                f"| {np.mean(one):+.2f} ({min(one):+.2f} to {max(one):+.2f}) | {len(one)} |"
            )
    text = "\n".join(lines) + "\n"
    PAGE.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
