# SPDX-License-Identifier: GPL-3.0-or-later
"""Label one map, classify the next: adaptation against its rivals, real and simulated.

    python benchmarks/adapt.py DATA_FOLDER [--draws 3] [--seconds 600] [--sets tio2 WL-Mn ...]

Real: TiO2/SrTiO3 in two windows, both directions, several numbers of labelled spectra and
compositions of the target; the other half of the labelled region as target (false alarm).
Simulated: oxide sets under changed conditions, under another dose alone, or under none. Every case
is a line of ``benchmarks/results/adapt/results.jsonl``; what is there is not computed again. The
table is ``table.md`` beside it; ``training.md`` is that of a run with ``--designs``, of shared
corrections of 3 % in place of 2 %. Figures: share of the target's spectra classified rightly by an
SVM.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from functools import lru_cache
from pathlib import Path

import numpy as np
from exspy.signals import EELSSpectrum
from scipy import ndimage
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC

from hyperspy_dag.adaptation.engine import adapt, draw_adapted, none
from hyperspy_dag.adaptation.likelihood import FITTED, OWN, SHARED, ClassPhysics
from hyperspy_dag.adaptation.low_loss import inelastic_distribution
from hyperspy_dag.dag.class_model.model import fit_class_model
from hyperspy_dag.dag.condition_draws import AdaptedPhysics
from hyperspy_dag.dag.condition_physics import Residue, plasmon_peak
from hyperspy_dag.dag.designs import DESIGNS
from hyperspy_dag.data._classes import DATA_SETS, EDGES, FLOOR, MEASUREMENTS, PHASES
from hyperspy_dag.data._physics import SPREAD_REACH, Optics, detect, power_law

RESULTS = Path(__file__).parent / "results" / "adapt" / "results.jsonl"
KINDS = ("changed", "curved", "pattern", "unchanged", "dose 4", "dose 0.25")
COMPOSITIONS = ((100, 100), (100, 10), (10, 100), (100, 0), (0, 100))
N_DRAWN = 300


@lru_cache(8)
def instrument(key, plasmon, width):
    """Energies and optics of a measurement with some plasmon."""
    m = MEASUREMENTS[key]
    energy = m.offset + m.scale * np.arange(-SPREAD_REACH, m.size + SPREAD_REACH)
    edges = list(EDGES.values())
    optics = Optics(energy, edges, floor=FLOOR, plasmon_energy=plasmon, plasmon_fwhm=width)
    return energy, optics


def simulate(dataset, counts, change, rng, plasmon, width):
    """Preprocessed spectra, classes, energies, end of the background window, and what is true.

    ``change`` has an array over the classes for each condition that is changed. What is true are
    the classes' means over the spectra, which differ from those of the population.
    """
    plan = DATA_SETS[dataset]
    m = MEASUREMENTS[plan.measurement]
    energy, optics = instrument(plan.measurement, plasmon, width)
    raw, labels = [], []
    means = np.zeros((4, len(m.classes)))
    for i, o in enumerate(m.classes.values()):
        n = counts[i]
        if not n:
            continue

        def of(name, default=0.0, i=i):
            return change[name][i] if name in change else default

        def deviates(n=n):
            return np.clip(rng.standard_normal(n), -2, 2)

        composition = rng.dirichlet(list(o.mixture.values()), n)
        phases = np.array([[PHASES[p].get(e, 0.0) for e in EDGES] for p in o.mixture])
        relative = np.exp(o.thickness_spread * deviates())
        thickness = np.maximum(o.thickness * relative + of("thickness"), 0.02)
        fwhm = of("fwhm")
        blur = rng.uniform(*o.resolution, n) ** 2 + np.sign(fwhm) * (fwhm / 2.3548) ** 2
        dose = o.dose * np.exp(o.dose_spread * deviates()) * of("dose", 1.0)
        shift = o.drift * deviates() + of("shift")
        means[:, i] = [thickness.mean(), shift.mean(), blur.mean(), np.log(dose).mean()]
        edges = optics.spectra(composition @ phases, thickness, shift, np.sqrt(blur.clip(0.01)))
        edges *= (energy / plan.signal_range[0]) ** of("tail")
        residue = Residue(energy, plan.background_range[1]).shape
        edges += of("residue") * edges.max(axis=1, keepdims=True) * residue
        height = o.background * np.sqrt(relative)
        exponent = o.exponent - 0.5 * o.thickness * (relative - 1)
        background = height[:, None] * power_law(energy, m.l3, exponent)
        raw.append((edges + background) * (dose / (1 + height))[:, None])
        labels += [i] * n
    recorded = np.concatenate(raw)
    # What no condition describes: a background that is no power law, a gain pattern.
    if "curved" in change:
        along = np.linspace(-1, 1, recorded.shape[1])
        recorded *= 1 + change["curved"] * (along**2 - along**3)
    if "pattern" in change:
        rough = ndimage.gaussian_filter1d(rng.standard_normal(recorded.shape[1]), 1.5 / m.scale)
        recorded *= 1 + change["pattern"] * rough / rough.std()
    counts = detect(recorded, rng, gain=m.gain, readout=m.readout)
    axes = [{"size": len(counts), "navigate": True}]
    axes += [{"size": m.size, "offset": m.offset, "scale": m.scale, "units": "eV", "name": "E"}]
    s = EELSSpectrum(counts, axes=axes).dag_preprocess(
        background_range=plan.background_range, signal_range=plan.signal_range
    )
    axis = s.axes_manager.signal_axes[0].axis
    return s.data.astype(float), np.array(labels), axis, plan.background_range[1], means


def load_tio2(folder, window):
    """Preprocessed spectra of TiO2 and SrTiO3, low losses, class and region of each spectrum."""
    import hyperspy.api as hs

    s = hs.load(folder / "tio2_srtio3_raw.hspy")
    low = hs.load(folder / "tio2_srtio3_lowloss.hspy")
    y, region = (np.array(s.original_metadata.labels[k]) for k in ("y", "region"))
    p = s.dag_preprocess(background_range=(400.0, 448.0), signal_range=(440.0, window))
    return p, low, y, region


def tio2(folder, window, train, n, composition, draw):
    """One case of TiO2/SrTiO3; without a composition, the target is the labelled region itself."""
    p, low, y, region = load_tio2(folder, window)
    e = p.axes_manager.signal_axes[0].axis
    rng = np.random.default_rng((draw, n, train))
    chosen = [rng.permutation(np.flatnonzero((region == train) & (y == c)))[:n] for c in (0, 1)]
    if composition is None:
        same = np.flatnonzero(region == train)
        target = np.setdiff1d(same, np.concatenate(chosen))
    else:
        other = [rng.permutation(np.flatnonzero((region != train) & (y == c))) for c in (0, 1)]
        target = np.concatenate([other[c][: composition[c]] for c in (0, 1)])
    x = p.data.astype(float)
    kernel = [
        inelastic_distribution(low.inav[2 * c + train - 1], e[1] - e[0], len(e)) for c in (0, 1)
    ]
    classes = [
        ClassPhysics(
            fit_class_model(x[chosen[c]], e[1] - e[0]), AdaptedPhysics(e, kernel[c], 448.0)
        )
        for c in (0, 1)
    ]
    truth = {}
    if composition is None:
        truth = {"thickness": np.zeros(2), "shift": np.zeros(2), "fwhm": np.zeros(2)}
        truth["dose"] = np.ones(2)
    elif window == 500.0:
        change = np.array([0.13, -0.96])
        truth = {"thickness": change if train == 1 else -change}
    if truth:
        truth["fractions"] = np.bincount(y[target], minlength=2) / len(target)
    return [x[c] for c in chosen], classes, x[target], y[target], truth


def simulated(dataset, kind, seed):
    """One simulated case; the plasmon is known."""
    rng = np.random.default_rng((seed, 5))
    k = len(MEASUREMENTS[DATA_SETS[dataset].measurement].classes)
    plasmon = rng.uniform(15, 28), rng.uniform(6, 16)
    x, y, e, b, before = simulate(dataset, [30] * k, {}, rng, *plasmon)
    truth = {
        "thickness": np.zeros(k),
        "shift": np.zeros(k),
        "fwhm": np.zeros(k),
        "dose": np.ones(k),
    }
    if kind == "changed":
        truth = {
            "thickness": rng.uniform(-0.35, 0.6, k),
            "shift": rng.normal(0, 0.4) + rng.normal(0, 0.15, k),
            "fwhm": np.full(k, rng.uniform(-0.6, 1.2)),
            "tail": rng.normal(0, 0.1) + rng.normal(0, 0.1, k),
            "residue": rng.normal(0, 0.015, k),
            "dose": np.full(k, np.exp(rng.normal(0, 0.6))),
        }
    if kind in ("curved", "pattern"):
        truth |= {"thickness": np.full(k, 0.3), kind: {"curved": 0.05, "pattern": 0.02}[kind]}
    if kind.startswith("dose"):
        truth["dose"] = np.full(k, float(kind.split()[1]))
    share = (np.ones(k), np.r_[9.0, np.ones(k - 1)], np.r_[1.0, np.zeros(k - 1)])[seed % 3]
    counts = np.round(400 * share / share.sum()).astype(int)
    if kind != "changed":
        counts[:] = 400 // k
    u, v, _, _, after = simulate(dataset, counts, truth, rng, *plasmon)
    thickness, shift, blur, dose = after - before
    fwhm = 2.3548 * np.sign(blur) * np.sqrt(np.abs(blur))
    truth |= {"thickness": thickness, "shift": shift, "fwhm": fwhm, "dose": np.exp(dose)}
    truth["fractions"] = counts / counts.sum()
    p = plasmon_peak(e[1] - e[0], len(e), *plasmon)
    classes = [
        ClassPhysics(fit_class_model(x[y == c], e[1] - e[0]), AdaptedPhysics(e, p, b))
        for c in range(k)
    ]
    return [x[y == c] for c in range(k)], classes, u, v, truth


def accuracy(spectra, target, truth, classifier=None):
    """Share classified rightly by a classifier of these spectra, a list over classes."""
    y = np.repeat(np.arange(len(spectra)), [len(s) for s in spectra])
    classifier = classifier or SVC(C=10)
    return float((classifier.fit(np.concatenate(spectra), y).predict(target) == truth).mean())


def coral(spectra, target):
    """Spectra with the target's covariance (Sun, Feng & Saenko, AAAI 2016)."""
    x = np.concatenate(spectra)

    def root(a, power):
        value, vector = np.linalg.eigh(np.cov(a.T) + 1e-3 * np.eye(a.shape[1]))
        return (vector * value**power) @ vector.T

    turn = root(x, -0.5) @ root(target, 0.5)
    return [(s - x.mean(axis=0)) @ turn + target.mean(axis=0) for s in spectra]


def emsc(reference, spectra):
    """Extended multiplicative signal correction with a quadratic baseline."""
    along = np.linspace(-1, 1, len(reference))
    terms = np.stack([reference, np.ones_like(along), along, along**2])
    found = spectra @ np.linalg.pinv(terms)
    return (spectra - found[:, 1:] @ terms[1:]) / found[:, :1]


def unit(spectra):
    """Spectra of length 1, on which a linear kernel is the cosine."""
    return spectra / np.linalg.norm(spectra, axis=1, keepdims=True)


def judge(real, classes, target, truth, known, designs=(), rivals=False):
    """All figures of a case."""
    seeds = np.random.SeedSequence(3).spawn(len(classes))

    def drawn(parameters):
        return [
            draw_adapted(c, p, N_DRAWN, s)
            for c, p, s in zip(classes, parameters, seeds, strict=True)
        ]

    synthetic = drawn([none(c) for c in classes])
    cosine = SVC(kernel="linear", C=100)
    row = {
        "labelled": accuracy(real, target, truth),
        "synthetic": accuracy(synthetic, target, truth),
        "cosine SVM": accuracy([unit(r) for r in real], unit(target), truth, cosine),
    }
    if rivals:
        reference = np.concatenate(real).mean(axis=0)
        corrected = [emsc(reference, d) for d in synthetic]
        row["CORAL"] = accuracy(coral(synthetic, target), target, truth)
        row["EMSC"] = accuracy(corrected, emsc(reference, target), truth)
        y = np.r_[np.repeat(np.arange(len(classes)), N_DRAWN), np.full(len(target), -1)]
        teacher = SelfTrainingClassifier(SVC(C=10, probability=True, random_state=0))
        teacher.fit(np.concatenate([*synthetic, target]), y)
        row["self-training"] = float((teacher.predict(target) == truth).mean())
        rng, broad = np.random.default_rng(0), []
        for c, d in zip(classes, synthetic, strict=True):
            theta = rng.standard_normal((N_DRAWN, len(FITTED))) * np.hypot(SHARED, OWN)
            changed = c.clean(d, theta * [1, 1, 1, 0, 0])
            broad.append(changed / changed.max(axis=1, keepdims=True))
        row["broad"] = accuracy(broad, target, truth)
    for design in ("none", *designs):
        begun = time.perf_counter(), time.process_time()
        options = {} if design == "none" else {"design": design, "training": "always"}
        a = adapt(classes, target, replicates=0, **options)
        name = "adapted" if design == "none" else design
        row["mixture" if design == "none" else name + " mixture"] = float(
            (a.probabilities[:, :-1].argmax(axis=1) == truth).mean()
        )
        spectra = drawn(a.laws)
        row[name] = accuracy(spectra, target, truth)
        weight = dict(enumerate(np.maximum(a.fractions, 0.02) * len(classes)))
        row[name + " weighted"] = accuracy(spectra, target, truth, SVC(C=10, class_weight=weight))
        row[name + " details"] = {
            "seconds": time.perf_counter() - begun[0],
            "processor seconds": time.process_time() - begun[1],
            "kept": a.kept,
            "history": a.history,
            "trained": a.trained,
            "fractions": a.fractions.tolist(),
            "fraction intervals": a.fraction_intervals.tolist(),
            "unlike": a.unlike,
            "conditions": a.conditions,
        }
    row["truth"] = {k: np.asarray(v).tolist() for k, v in known.items()}
    return row


def recovery(rows):
    """Errors, and whether intervals hold the truth, by condition; classes with spectra alone."""
    found = defaultdict(list)
    for row in rows:
        details, truth = row["adapted details"], row["truth"]
        for name, values in truth.items():
            for i, true in enumerate(np.atleast_1d(values)):
                if name in ("curved", "pattern"):
                    continue
                if name == "fractions":
                    mean, (low, high) = details["fractions"][i], details["fraction intervals"][i]
                elif truth["fractions"][i] < 0.05:
                    continue
                else:
                    key = {"fwhm": "resolution"}.get(name, name)
                    mean, _, low, high = details["conditions"][i][key]
                if name == "dose":
                    mean, low, high, true = mean / true, low / true, high / true, 1.0
                if name == "fwhm":  # of a line that was 0.94 eV wide
                    mean, low, high, true = (
                        np.sqrt(max(0.94**2 + v * abs(v), 0.01)) for v in (mean, low, high, true)
                    )
                found[name].append((mean - true, low <= true <= high))
    return found


def table(results):
    """Markdown: mean and worst of each method, and conditions against the truth."""
    groups = defaultdict(list)
    for key, row in results.items():
        groups[key.split(" draw")[0].split(" region")[0]].append(row)
    methods = (
        "labelled", "synthetic", "cosine SVM", "adapted", "adapted weighted", "mixture",
        *sorted({k for r in results.values() for k in r} & set(DESIGNS)),
    )  # fmt: skip
    lines = [
        "# Adaptation: share classified rightly, mean (worst)",
        "",
        "By an SVM of labelled spectra, of synthetic ones as labelled, with the cosine kernel, of",
        "adapted synthetic spectra, of these weighted with the fractions that were found, and by",
        "the fitted mixture itself; under a design, by an SVM of spectra after training with it.",
        "",
        "| cases | number | " + " | ".join(methods) + " | adapted less labelled, least |",
        "|" + "---|" * (len(methods) + 3),
    ]
    for group, rows in groups.items():
        cells = []
        for m in methods:
            v = [r[m] for r in rows if m in r]
            cells.append(f"{np.mean(v):.3f} ({np.min(v):.3f})" if v else "–")
        least = min(r["adapted"] - r["labelled"] for r in rows)
        lines.append(f"| {group} | {len(rows)} | " + " | ".join(cells) + f" | {least:+.3f} |")
    lines += ["", "Conditions and fractions: error, and truth within the 90 % interval.", ""]
    lines += ["| cases | condition | mean error | largest | within |", "|---|---|---|---|---|"]
    kinds = defaultdict(list)
    for key, row in results.items():
        if row["truth"]:
            kinds[
                " ".join(key.split(" draw")[0].split()[1:2])
                if "TiO2" not in key
                else ("TiO2 same region" if "None" in key else "TiO2 other region")
            ].append(row)
    for kind, rows in kinds.items():
        for name, values in recovery(rows).items():
            error = np.array([e for e, _ in values])
            within = sum(w for _, w in values)
            lines.append(
                f"| {kind} | {name} | {error.mean():+.3f} | {np.abs(error).max():.3f} "
                f"| {within} of {len(values)} |"
            )
    return "\n".join(lines) + "\n"


def read(path):
    """Results so far."""
    if not path.exists():
        return {}
    return dict(json.loads(line).popitem() for line in path.read_text().splitlines())


def main():
    """Compute what is missing, within a time; print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS))
    parser.add_argument("--sets", nargs="+", default=["tio2", *DATA_SETS])
    parser.add_argument("--designs", nargs="*", default=[])
    parser.add_argument("--rivals", action="store_true")
    parser.add_argument("--reverse", action="store_true", help="begin with the last case")
    o = parser.parse_args()
    jobs = {}
    for draw in range(o.draws):
        # Seeds that nothing was developed on.
        for kind in o.kinds:
            for name in o.sets:
                if name != "tio2":
                    jobs[f"{name} {kind} draw {draw}"] = (simulated, (name, kind, 10 + draw))
        if "tio2" in o.sets:
            for n in (30, 10, 50):
                for composition in (None, *COMPOSITIONS):
                    for window in (500.0, 475.0):
                        for train in (1, 2):
                            key = f"TiO2 {window:g} {composition} n={n} region {train} draw {draw}"
                            jobs[key] = (tio2, (o.data, window, train, n, composition, draw))
    begun = time.perf_counter()
    keys = list(jobs)[:: -1 if o.reverse else 1]
    for key in keys:
        if time.perf_counter() - begun > o.seconds:
            break
        if key in read(o.results):
            continue
        make, arguments = jobs[key]
        row = judge(*make(*arguments), designs=o.designs, rivals=o.rivals)
        o.results.parent.mkdir(parents=True, exist_ok=True)
        with o.results.open("a") as file:
            file.write(json.dumps({key: row}) + "\n")
    results = read(o.results)
    text = table({k: results[k] for k in sorted(results)})
    (o.results.parent / "table.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
