# SPDX-License-Identifier: GPL-3.0-or-later
"""Label one map, classify the next: accuracy with and without adaptation.

    python benchmarks/next_map.py [DATA_FOLDER]

Simulated maps (thicker by Δ(t/λ) = 0.4, energy axis off by 1 eV) of three oxide sets; with a folder
that holds them, TiO2 and SrTiO3 across regions in two windows, with the measured low losses, and
targets of several compositions. Prints the tables of the guide's page on the next map.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np
from scipy import ndimage

CHANGE, PLASMON, OFFSET = 0.4, 23.0, 1.0
SETS = {"WL-Mn": 0.5, "WL-Fe": 0.7, "K": 0.7}  # and the dose of the map
COMPOSITIONS = ((100, 100), (100, 10), (10, 100), (100, 0), (0, 100))
SETTINGS = {"random_state": 0, "max_epochs": 1, "stopping": None}


def compare(augmenter, s_target, truth, **options) -> str:
    """One row: accuracy as labelled and adapted, and what was found."""
    adapted = augmenter.adapt(s_target, **options)
    before, after = (
        np.mean(one.classify(s_target).labels == truth) for one in (augmenter, adapted)
    )
    found = "; ".join(
        f"{label} {own['thickness'].mean:+.2f}, {own['shift'].mean:+.2f} eV, "
        f"{adapted.class_fractions_[label]:.2f}"
        for label, own in adapted.conditions_.items()
    )
    p_value = adapted.adaptation_.p_value
    return f"{100 * before:.1f} | {100 * after:.1f} | {found} | {p_value:.2f} |"


def thicker(raw, random) -> None:
    """Turn counts into those of a place that is thicker by Δ(t/λ) = 0.4."""
    axis = raw.axes_manager.signal_axes[0]
    loss = np.arange(0, 2 * PLASMON, axis.scale)
    plasmon = np.exp(-0.5 * ((loss - PLASMON) / 6) ** 2)
    again = ndimage.convolve1d(
        raw.data.astype(float), plasmon / plasmon.sum(), origin=-(len(loss) // 2)
    )
    raw.data = random.poisson(np.clip(raw.data + CHANGE * again, 0, None))


def simulated() -> None:
    """Simulated maps whose truth is known."""
    from hyperspy_dag import EELSAugmenter
    from hyperspy_dag.data import PREPROCESSING, simulated_mixtures, simulated_oxides

    print("| set, dose | as labelled | adapted | Δ(t/λ), shift, fraction found | p |")
    print("|---|---|---|---|---|")
    for name, dose in SETS.items():
        s, labels = simulated_oxides(name, n_spectra=60, raw=True, random_state=0)
        names = np.array(list(s.metadata.Simulation.classes.as_dictionary()))
        random = np.random.default_rng(0)
        fields = ndimage.gaussian_filter(random.standard_normal((2, 20, 30)), (0, 3, 3)) > 0
        grains = fields.sum(axis=0) if len(names) == 3 else fields[0].astype(int)
        following = simulated_mixtures(
            name, np.eye(len(names))[grains], dose=dose, raw=True, random_state=1
        )
        thicker(following, random)
        following.axes_manager.signal_axes[0].offset += OFFSET
        s, following = (one.dag_preprocess(**PREPROCESSING[name]) for one in (s, following))
        augmenter = EELSAugmenter(**SETTINGS).fit(s, labels, show_progressbar=False)
        print(f"| {name}, {dose} | {compare(augmenter, following, names[grains])}", flush=True)


def measured(folder: Path) -> None:
    """TiO2 and SrTiO3: 30 spectra of each of one region are labelled, the other is classified."""
    import hyperspy.api as hs

    from hyperspy_dag import EELSAugmenter

    s = hs.load(folder / "tio2_srtio3_raw.hspy")
    low = hs.load(folder / "tio2_srtio3_lowloss.hspy")
    classes = ("TiO2", "SrTiO3")
    labels = np.array(classes)[np.array(s.original_metadata.labels.y).astype(int)]
    region = np.array(s.original_metadata.labels.region)
    print("| window, labelled region, target | as labelled | adapted | found | p |")
    print("|---|---|---|---|---|")
    for window in ((440.0, 500.0), (440.0, 475.0)):
        p = s.dag_preprocess(background_range=(400.0, 448.0), signal_range=window)
        for trained in (1, 2):
            random = np.random.default_rng(trained)
            given = np.full(len(labels), "", dtype=object)
            for label in sorted(classes):
                rows = np.flatnonzero((region == trained) & (labels == label))
                given[random.permutation(rows)[:30]] = label
            augmenter = EELSAugmenter(**SETTINGS).fit(p, given, show_progressbar=False)
            losses = {label: low.inav[2 * i + 2 - trained] for i, label in enumerate(classes)}
            for counts in COMPOSITIONS:
                rows = np.concatenate([
                    random.permutation(np.flatnonzero((region != trained) & (labels == label)))[:n]
                    for label, n in zip(classes, counts, strict=True)
                ])  # fmt: skip
                target = p.deepcopy()
                target.data = p.data[rows]
                target.get_dimensions_from_data()
                row = compare(augmenter, target, labels[rows], low_loss=losses)
                what = f"{window[0]:g}–{window[1]:g} eV, {trained}, {counts[0]} + {counts[1]}"
                print(f"| {what} | {row}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    simulated()
    if arguments.data is not None:
        measured(arguments.data)


if __name__ == "__main__":
    main()
