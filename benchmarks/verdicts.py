# SPDX-License-Identifier: GPL-3.0-or-later
"""Are the report's verdicts right? Twelve prepared cases, and twenty good ones.

    python benchmarks/verdicts.py            # some minutes on one core
    python benchmarks/verdicts.py --only K   # one simulated set

Each case breaks one thing of an evaluation that is good: the labelled spectra, the synthetic ones
or the test. The verdict of the class that it is done to has to name it first. The good ones are
other draws of the simulated oxides, of several sets, sizes and seeds; no class of them may be
anything but good. Real spectra, where the folder of them is found, are prepared in the same way:
Mn2+ white lines, and TiO2 and SrTiO3 of one or of two regions. Limits come from real against real
groups; the order in which causes are named, how energy scatter is measured, and that shares are no
finer than a spectrum of a group, were settled on the same cases with other seeds.
Prints tables and writes them to ``benchmarks/results/verdicts.md``.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).resolve().parent))

from judge import data_folder
from next_map import thicker

from hyperspy_dag import EELSAugmenter
from hyperspy_dag.data import PREPROCESSING, simulated_oxides
from hyperspy_dag.metrics import noise_residual

RESULTS = Path(__file__).parent / "results" / "verdicts.md"

#: Set, class that something is done to, seed.
SETS = {"WL-Mn": ("MnO", 300), "WL-Fe": ("FeO", 301), "K": ("Fe3O4", 302)}

#: Set, labelled and test spectra of each class.
GOOD = [("WL-Mn", 100, 60), ("WL-Fe", 60, 60), ("K", 100, 100), ("W", 40, 40), ("WL-Mn", 40, 200)]


class Prepared(EELSAugmenter):
    """An augmenter whose spectra of one class are changed after they are drawn."""

    def prepare(self, label: str, change: Callable[[Any, np.random.Generator], Any]) -> None:
        self._prepared = label, change

    def sample(self, n_spectra=100, *, label=None, random_state=None, **options):
        s = super().sample(n_spectra, label=label, random_state=random_state, **options)
        of, change = getattr(self, "_prepared", (None, None))
        if label == of:
            s.data = np.asarray(change(s.data, np.random.default_rng(random_state)))
        return s


def moved(spectra, channels: float):
    return ndimage.shift(spectra, (0, channels), order=1, mode="nearest")


def parts(spectra):
    residual = noise_residual(spectra)
    return spectra - residual, residual


def white(spectra, random):
    """The same clean spectra and noise levels, without the noise's correlation."""
    clean, residual = parts(spectra)
    level = residual.std(axis=1, keepdims=True) * residual.std(axis=0) / residual.std()
    return clean + level * random.standard_normal(spectra.shape)


def noisier(spectra, random):
    clean, residual = parts(spectra)
    return clean + 1.6 * residual


def collapsed(spectra, random):
    """One clean spectrum, with the noise of each."""
    clean, residual = parts(spectra)
    return clean[:1] + residual


def vacuum(raw, rows, random):
    """Counts of a background without an edge."""
    axis = raw.axes_manager.signal_axes[0].axis
    level = raw.data[rows, :50].mean()
    raw.data[rows] = random.poisson(level * (axis / axis[0]) ** -3.0, (rows.sum(), len(axis)))


class Evaluation:
    """A simulated evaluation, of which something can be broken before it is run."""

    def __init__(self, dataset: str, train: int, test: int, seed: int):
        self.dataset, self.seed = dataset, seed
        self.raw, self.labels = simulated_oxides(dataset, train + test, raw=True, random_state=seed)
        order = np.concatenate([np.arange(train + test)] * len(np.unique(self.labels)))
        self.is_test = order >= train
        self.order = order
        self.options: dict[str, Any] = {}
        self.change: tuple | None = None
        self.test_labels = self.labels.copy()
        self.test_raw: Any = None

    def run(self):
        ranges = PREPROCESSING[self.dataset]
        s = self.raw.dag_preprocess(**ranges)
        other = s if self.test_raw is None else self.test_raw.dag_preprocess(**ranges)
        given = np.where(self.is_test, "", self.labels)
        test = np.where(self.is_test, self.test_labels, "")
        augmenter = Prepared(random_state=self.seed, **self.options)
        augmenter.fit(s, given, show_progressbar=False)
        if self.change is not None:
            augmenter.prepare(*self.change)
        began = time.perf_counter()
        report = augmenter.evaluate(other, test, s_train=s, labels_train=given, classifiers=())
        return report, time.perf_counter() - began


def cases(dataset: str) -> dict[str, tuple[str, Evaluation]]:
    """The prepared cases: what has to be named first, and the evaluation."""
    label, seed = SETS[dataset]
    random = np.random.default_rng(seed)
    made: dict[str, tuple[str, Evaluation]] = {}

    def new(name: str, topic: str, number: int) -> Evaluation:
        made[name] = topic, Evaluation(dataset, 100, 60, 10 * seed + number)
        return made[name][1]

    new("good", "good", 0)

    few = new("too few labelled spectra (12)", "few", 1)
    few.is_test[(few.labels == label) & (few.order >= 12)] = True

    drifting = new("test drifted by 1 eV", "energy", 2)
    drifting.test_raw = drifting.raw.deepcopy()
    channels = 1.0 / drifting.raw.axes_manager.signal_axes[0].scale
    rows = drifting.labels == label
    drifting.test_raw.data = drifting.raw.data.astype(float)
    drifting.test_raw.data[rows] = moved(drifting.test_raw.data[rows], channels)

    new("noise 1.6 times as high", "noise", 3).change = label, noisier
    new("white noise of the right level", "noise", 4).change = label, white

    copies = new("copies of labelled spectra", "copies", 5)
    s = copies.raw.dag_preprocess(**PREPROCESSING[dataset])
    known = s.data[(copies.labels == label) & ~copies.is_test]
    copies.change = label, lambda x, r, known=known: known[r.integers(0, len(known), len(x))]

    new("collapsed to one spectrum with noise", "variety", 6).change = label, collapsed

    region = new("test thicker by 0.4 λ", "region", 7)
    region.test_raw = region.raw.deepcopy()
    thicker(region.test_raw, random)

    swapped = new("labels of two classes swapped", "labels", 8)
    other = next(name for name in np.unique(swapped.labels) if name != label)
    names = {label: other, other: label}
    swapped.test_labels = np.array([names.get(name, name) for name in swapped.labels])

    empty = new("vacuum (15 labelled spectra)", "vacuum", 9)
    vacuum(empty.raw, empty.labels == label, random)
    empty.is_test[(empty.labels == label) & (empty.order >= 15)] = True

    wrong = new("edge 8 eV off", "energy", 10)
    channels = 8.0 / wrong.raw.axes_manager.signal_axes[0].scale
    wrong.change = label, lambda x, r, channels=channels: moved(x, channels)

    warned = new("training ended after an epoch", "warning", 11)
    warned.options = {"recipe": "paper", "architecture": "compact", "max_epochs": 1}
    return made


def named(topic: str, label: str, report) -> str:
    """What the verdict names first for a class; the fit's warning where that was to be repeated."""
    if topic == "warning":
        repeated = any("criterion was not reached" in note for note in report.notes)
        return "warning" if repeated and report.verdicts[label].findings else "no warning"
    return report.verdicts[label].topic


def real_evaluations():
    """Real spectra: name, what is to be named, and a function that gives the report."""
    import hyperspy.api as hs

    folder = data_folder()
    if (folder / "mn2_659.hspy").is_file():
        mn = hs.load(folder / "mn2_659.hspy")
        for seed in range(3):
            order = np.random.default_rng(seed).permutation(659)
            train = np.full(659, "", dtype="<U4")
            test = train.copy()
            train[order[:100]], test[order[100:300]] = "Mn2+", "Mn2+"
            yield f"Mn2+ white lines, draw {seed}", "good", mn, train, test, None
        yield "the same, white noise", "noise", mn, train, test, ("Mn2+", white)
        yield "the same, collapsed", "variety", mn, train, test, ("Mn2+", collapsed)
    if (folder / "tio2_srtio3_raw.hspy").is_file():
        raw = hs.load(folder / "tio2_srtio3_raw.hspy")
        s = raw.dag_preprocess(background_range=(400.0, 448.0), signal_range=(440.0, 500.0))
        names = np.array(["TiO2", "SrTiO3"])[np.array(raw.original_metadata.labels.y).astype(int)]
        region = np.array(raw.original_metadata.labels.region)
        half = np.random.default_rng(0).random(len(names)) < 0.5
        for one in (1, 2):
            own, other = (np.where(region == one, names, ""), np.where(region != one, names, ""))
            train = np.where(half, own, "")
            yield f"TiO2, within region {one}", "good", s, train, np.where(half, "", own), None
            yield f"TiO2, region {one} to the other", "region", s, train, other, None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=SETS, help="one simulated set")
    options = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    chosen = [options.only] if options.only else list(SETS)

    lines = ["| case | named first: " + " | ".join(chosen) + " | level |"]
    lines.append("|---" * (len(chosen) + 2) + "|")
    right: dict[str, list[bool]] = {}
    found: dict[str, list[str]] = {}
    seconds = []
    for dataset in chosen:
        for name, (topic, evaluation) in cases(dataset).items():
            report, took = evaluation.run()
            label = SETS[dataset][0]
            said = named(topic, label, report)
            seconds.append(took)
            right.setdefault(name, []).append(said == topic)
            found.setdefault(name, []).append(said if said == topic else f"**{said}**")
            print(dataset, name, said, report.verdicts[label].level, f"{took:.1f} s", flush=True)
            if said != topic:
                print("   ", report.verdicts[label].reason, flush=True)
            found[name].append(report.verdicts[label].level)
    for name, said in found.items():
        levels = ", ".join(dict.fromkeys(said[1::2]))
        lines.append(f"| {name} | " + " | ".join(said[::2]) + f" | {levels} |")
    good = sum(map(all, right.values()))
    lines += ["", f"Named rightly in all sets: {good} of {len(right)} cases."]

    lines += ["", "| good evaluations | classes | not good |", "|---|---|---|"]
    alarms = 0
    runs = 0
    for dataset, train, test in GOOD if not options.only else []:
        wrong: list[str] = []
        classes = 0
        for seed in range(4):
            report, took = Evaluation(dataset, train, test, 7000 + runs).run()
            runs += 1
            seconds.append(took)
            classes += len(report.classes)
            bad = [f"{c}: {v.reason}" for c, v in report.verdicts.items() if v.level != "good"]
            alarms += bool(bad)
            wrong += bad
            print(dataset, train, test, seed, report.verdict.level, bad, flush=True)
        what = f"{dataset}, {train} labelled and {test} test spectra of each, 4 seeds"
        lines.append(f"| {what} | {classes} | {'; '.join(wrong) or 'none'} |")
    lines += ["", f"False alarms: {alarms} of {runs} evaluations."]

    lines += ["", "| real spectra | asked | named first, of each class |", "|---|---|---|"]
    for name, topic, s, train, test, change in [] if options.only else real_evaluations():
        augmenter = Prepared(random_state=0).fit(s, train, show_progressbar=False)
        if change is not None:
            augmenter.prepare(*change)
        report = augmenter.evaluate(s, test, s_train=s, labels_train=train, classifiers=())
        said = "; ".join(f"{c}: {v.topic}, {v.level}" for c, v in report.verdicts.items())
        print(name, topic, said, report.verdict.reason, flush=True)
        lines.append(f"| {name} | {topic} | {said} |")
    lines += ["", f"Median time of an evaluation: {np.median(seconds):.1f} s on one core."]
    print("\n".join(lines))
    if not options.only:
        RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
