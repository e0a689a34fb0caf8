# SPDX-License-Identifier: GPL-3.0-or-later
"""Label one map, classify the next: adaptation against its rivals, real and simulated.

    python benchmarks/adapt.py DATA_FOLDER [--draws 5] [--seconds 600] [--sets tio2 WL-Mn ...]

Real: TiO2/SrTiO3 in two windows, both directions, several numbers of labelled spectra and
compositions of the target. Simulated: oxide sets under changed conditions, or under none (false
alarm). Every case goes into ``benchmarks/results/adapt/results.json``; what is there is not
computed again. Columns: share of the target's spectra classified rightly by an SVM.
"""

from __future__ import annotations

import argparse
import json
import time
from functools import lru_cache
from pathlib import Path

import numpy as np
from exspy.signals import EELSSpectrum
from sklearn.model_selection import GridSearchCV
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC

from hyperspy_dag.adaptation.engine import adapt, draw_adapted, none
from hyperspy_dag.adaptation.likelihood import OWN, SHARED, ClassPhysics
from hyperspy_dag.adaptation.low_loss import inelastic_distribution
from hyperspy_dag.dag.class_model.model import fit_class_model
from hyperspy_dag.dag.condition_physics import Residue, plasmon_peak
from hyperspy_dag.dag.designs import DESIGNS
from hyperspy_dag.data._classes import DATA_SETS, EDGES, FLOOR, MEASUREMENTS, PHASES
from hyperspy_dag.data._physics import SPREAD_REACH, Optics, detect, power_law

RESULTS = Path(__file__).parent / "results" / "adapt" / "results.json"
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
    """Preprocessed spectra, classes, energies and end of the background window.

    ``change`` has an array over the classes for each condition that is changed.
    """
    plan = DATA_SETS[dataset]
    m = MEASUREMENTS[plan.measurement]
    energy, optics = instrument(plan.measurement, plasmon, width)
    raw, labels = [], []
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
        edges = optics.spectra(composition @ phases, thickness, shift, np.sqrt(blur.clip(0.01)))
        edges *= (energy / plan.signal_range[0]) ** of("tail")
        residue = Residue(energy, plan.background_range[1]).shape
        edges += of("residue") * edges.max(axis=1, keepdims=True) * residue
        height = o.background * np.sqrt(relative)
        exponent = o.exponent - 0.5 * o.thickness * (relative - 1)
        background = height[:, None] * power_law(energy, m.l3, exponent)
        raw.append((edges + background) * (dose / (1 + height))[:, None])
        labels += [i] * n
    counts = detect(np.concatenate(raw), rng, gain=m.gain, readout=m.readout)
    axes = [{"size": len(counts), "navigate": True}]
    axes += [{"size": m.size, "offset": m.offset, "scale": m.scale, "units": "eV", "name": "E"}]
    s = EELSSpectrum(counts, axes=axes).dag_preprocess(
        background_range=plan.background_range, signal_range=plan.signal_range
    )
    axis = s.axes_manager.signal_axes[0].axis
    return s.data.astype(float), np.array(labels), axis, plan.background_range[1]


def tio2(folder, window, train, n, composition, draw):
    """One case of TiO2/SrTiO3."""
    import hyperspy.api as hs

    s = hs.load(folder / "tio2_srtio3_raw.hspy")
    low = hs.load(folder / "tio2_srtio3_lowloss.hspy")
    y, region = (np.array(s.original_metadata.labels[k]) for k in ("y", "region"))
    p = s.dag_preprocess(background_range=(400.0, 448.0), signal_range=(440.0, window))
    e = p.axes_manager.signal_axes[0].axis
    rng = np.random.default_rng((draw, n, train))
    chosen = [rng.permutation(np.flatnonzero((region == train) & (y == c)))[:n] for c in (0, 1)]
    target = np.concatenate(
        [np.flatnonzero((region != train) & (y == c))[: composition[c]] for c in (0, 1)]
    )
    x = p.data.astype(float)
    kernel = [
        inelastic_distribution(low.inav[2 * c + train - 1], e[1] - e[0], len(e)) for c in (0, 1)
    ]
    classes = [ClassPhysics(fit_class_model(x[chosen[c]]), e, kernel[c], 448.0) for c in (0, 1)]
    return [x[c] for c in chosen], classes, x[target], y[target], {}


def simulated(dataset, kind, seed):
    """One simulated case; the plasmon is known."""
    rng = np.random.default_rng((seed, 5))
    k = len(MEASUREMENTS[DATA_SETS[dataset].measurement].classes)
    plasmon = rng.uniform(15, 28), rng.uniform(6, 16)
    x, y, e, b = simulate(dataset, [30] * k, {}, rng, *plasmon)
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
    share = (np.ones(k), np.r_[9.0, np.ones(k - 1)], np.r_[1.0, np.zeros(k - 1)])[seed % 3]
    counts = np.round(400 * share / share.sum()).astype(int)
    u, v, _, _ = simulate(dataset, counts, truth, rng, *plasmon)
    truth["fractions"] = counts / counts.sum()
    p = plasmon_peak(e[1] - e[0], len(e), *plasmon)
    classes = [ClassPhysics(fit_class_model(x[y == c]), e, p, b) for c in range(k)]
    return [x[y == c] for c in range(k)], classes, u, v, truth


def accuracy(spectra, target, truth, classifier=None):
    """Share classified rightly by a classifier of these spectra, a list over classes."""
    y = np.repeat(np.arange(len(spectra)), [len(s) for s in spectra])
    grid = {"C": [1, 10, 100], "gamma": ["scale", 0.01, 0.1, 1]}
    classifier = classifier or GridSearchCV(SVC(), grid, cv=3)
    x = np.concatenate(spectra)
    return float((classifier.fit(x, y).predict(target) == truth).mean())


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


def judge(real, classes, target, truth, known):
    """All figures of a case."""
    seeds = np.random.SeedSequence(3).spawn(len(classes))
    drawn = [draw_adapted(c, none(c), N_DRAWN, s) for c, s in zip(classes, seeds, strict=True)]
    reference = np.concatenate(real).mean(axis=0)
    row = {
        "labelled": accuracy(real, target, truth),
        "synthetic": accuracy(drawn, target, truth),
        "CORAL": accuracy(coral(drawn, target), target, truth),
        "EMSC": accuracy([emsc(reference, d) for d in drawn], emsc(reference, target), truth),
        "cosine SVM": accuracy(
            [d / np.linalg.norm(d, axis=1, keepdims=True) for d in drawn],
            target / np.linalg.norm(target, axis=1, keepdims=True),
            truth,
            SVC(kernel="linear", C=100),
        ),
    }
    y = np.r_[np.repeat(np.arange(len(drawn)), N_DRAWN), np.full(len(target), -1)]
    teacher = SelfTrainingClassifier(SVC(C=10, probability=True, random_state=0))
    teacher.fit(np.concatenate([*drawn, target]), y)
    row["self-training"] = float((teacher.predict(target) == truth).mean())
    rng = np.random.default_rng(0)
    broad = []
    for c, d in zip(classes, drawn, strict=True):
        theta = rng.standard_normal((N_DRAWN, 5)) * np.hypot(SHARED, OWN) * [1, 1, 1, 0, 0]
        changed = c.clean(d, theta)
        broad.append(changed / changed.max(axis=1, keepdims=True))
    row["broad"] = accuracy(broad, target, truth)
    for design in ("none", *DESIGNS):
        begun = time.perf_counter()
        options = {"epochs": 0} if design == "none" else {"design": design}
        a = adapt(classes, target, **options)
        seconds = time.perf_counter() - begun
        made = [
            draw_adapted(c, p, N_DRAWN, s)
            for c, p, s in zip(classes, a.parameters, seeds, strict=True)
        ]
        name = "likelihood" if design == "none" else design
        row[name] = accuracy(made, target, truth)
        row[name + " details"] = {
            "seconds": seconds,
            "bayes": float((a.probabilities[:, :-1].argmax(axis=1) == truth).mean()),
            "history": a.history,
            "trained": a.trained,
            "fractions": a.fractions.tolist(),
            "fraction intervals": a.fraction_intervals.tolist(),
            "unlike": a.unlike,
            "p": a.p_value,
            "conditions": a.conditions,
        }
    row["truth"] = {k: np.asarray(v).tolist() for k, v in known.items()}
    return row


def table(results):
    """Mean and worst of each method, by group of cases."""
    groups = {}
    for key, row in results.items():
        groups.setdefault(key.rsplit(" draw", 1)[0].split(" n=")[0], []).append(row)
    for group, rows in groups.items():
        print(f"\n{group}: {len(rows)} cases")
        for name in rows[0]:
            if name != "truth" and not name.endswith("details"):
                values = [r[name] for r in rows]
                print(f"  {name:18s} mean {np.mean(values):.3f} worst {np.min(values):.3f}")


def main():
    """Compute what is missing, within a time; print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--sets", nargs="+", default=["tio2", "WL-Mn", "WL-Fe", "K"])
    o = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    jobs = {}
    for draw in range(o.draws):
        for name in o.sets:
            if name != "tio2":
                for kind in ("changed", "unchanged"):
                    jobs[f"{name} {kind} draw {draw}"] = (simulated, (name, kind, draw))
                continue
            for n in (30, 10, 20, 50):
                for composition in COMPOSITIONS:
                    for window in (500.0, 475.0):
                        for train in (1, 2):
                            key = f"TiO2 {window:g} {composition} n={n} region {train} draw {draw}"
                            jobs[key] = (tio2, (o.data, window, train, n, composition, draw))
    begun = time.perf_counter()
    for key, (make, arguments) in jobs.items():
        if key in results:
            continue
        if time.perf_counter() - begun > o.seconds:
            break
        results[key] = judge(*make(*arguments))
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    table(results)


if __name__ == "__main__":
    main()
