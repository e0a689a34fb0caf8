# SPDX-License-Identifier: GPL-3.0-or-later
"""Few-shot classification of real TiO2 and SrTiO3 spectra, with and without synthetic ones.

    python benchmarks/tstr_tio2.py             # SVM
    python benchmarks/tstr_tio2.py --ann       # and the neural network, about three times as long

The two regions of the measurement are two spots on each sample, with drift within them. A few
spectra a class of one region are drawn for training, the real spectra of the other region are the
test ("across"), and so is what is left of the same region ("within", which is easy: its spectra are
readouts of one spot). Classifiers train on the real spectra alone, on synthetic ones of the DAG and
of every baseline, and on real + synthetic. Prints the mean accuracies in one table and writes it as
Markdown and JSON to ``benchmarks/results/``. Cases that the JSON file holds already are not run
again; ``--fresh`` does.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from judge import data_folder

from hyperspy_dag.validation import BASELINES, make_baseline, make_classifier

DATA_FILE = "tio2_srtio3_raw.hspy"
BACKGROUND_RANGE = (400.0, 448.0)
SIGNAL_RANGE = (440.0, 500.0)
SIZES = (10, 20, 50)
CASES = ("within", "across")
TRAININGS = ("synthetic", "real + synthetic")


class Case(NamedTuple):
    """One draw of training spectra."""

    region: int
    n_train: int
    draw: int

    @property
    def key(self) -> str:
        return f"region {self.region}, {self.n_train} a class, draw {self.draw}"


def load_raw():
    """Signal of raw counts, class names and regions of its spectra."""
    import hyperspy.api as hs

    path = data_folder() / DATA_FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} not found; set HYPERSPY_DAG_DATA to the folder that holds {DATA_FILE}."
        )
    s = hs.load(path)
    given = s.original_metadata.labels
    names = np.asarray(given.class_names, dtype=str)[np.asarray(given.y)]
    regions = np.asarray(given.region)
    return s, names, regions


def load(signal_range: tuple[float, float] = SIGNAL_RANGE):
    """Preprocessed signal, class names and regions of its spectra."""
    s, names, regions = load_raw()
    s = s.dag_preprocess(background_range=BACKGROUND_RANGE, signal_range=signal_range)
    return s, names, regions


def draw_training(case: Case, names: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Positions of the training spectra."""
    random = np.random.default_rng([case.region, case.n_train, case.draw])
    rows = [
        random.choice(
            np.flatnonzero((names == name) & (regions == case.region)), case.n_train, replace=False
        )
        for name in np.unique(names)
    ]
    return np.sort(np.concatenate(rows))


def dag_spectra(s, names, rows, n: int, seed: int, options: argparse.Namespace) -> tuple:
    """Synthetic spectra of every class, by the DAG; and the seconds of its training."""
    from hyperspy_dag import EELSAugmenter

    labels = np.full(len(names), None, dtype=object)
    labels[rows] = names[rows]
    augmenter = EELSAugmenter(max_epochs=options.max_epochs, random_state=seed)
    begin = time.perf_counter()
    with warnings.catch_warnings():
        # few-shot is the point here, and what is not reached is kept all the same
        warnings.filterwarnings("ignore", "few spectra", UserWarning)
        warnings.filterwarnings("ignore", ".*stopping criterion", UserWarning)
        augmenter.fit(s, labels, show_progressbar=False)
    seconds = time.perf_counter() - begin
    return {name: augmenter.sample(n, label=name).data for name in augmenter.classes_}, seconds


def run(case: Case, s, names, regions, classifiers: list[str], options) -> dict:
    """Accuracy of every method, training set, test and classifier for one draw."""
    spectra = np.asarray(s.data, dtype=np.float64)
    rows = draw_training(case, names, regions)
    rest = np.setdiff1d(np.arange(len(names)), rows)
    tests = {
        "within": rest[regions[rest] == case.region],
        "across": rest[regions[rest] != case.region],
    }
    seed = case.draw
    synthetic, seconds = {}, 0.0
    synthetic["DAG"], seconds = dag_spectra(s, names, rows, options.n_synthetic, seed, options)
    for method in BASELINES:
        if method == "real_only":  # is the row of the real spectra alone
            continue
        synthetic[method] = {
            name: make_baseline(method)
            .fit(spectra[rows[names[rows] == name]])
            .sample(options.n_synthetic, random_state=seed)
            for name in np.unique(names)
        }
    real = spectra[rows], names[rows]
    sets = {"real": {"real": real}}
    for method, made in synthetic.items():
        one = np.concatenate(list(made.values())), np.repeat(list(made), options.n_synthetic)
        both = tuple(np.concatenate(parts) for parts in zip(real, one, strict=True))
        sets[method] = dict(zip(TRAININGS, (one, both), strict=True))
    result: dict = {"fit_seconds": seconds, "accuracy": {}}
    for method, trainings in sets.items():
        for training, (x, y) in trainings.items():
            for classifier in classifiers:
                fitted = make_classifier(classifier, seed).fit(x, y)
                for test, where in tests.items():
                    accuracy = float(np.mean(fitted.predict(spectra[where]) == names[where]))
                    key = f"{classifier}/{method}/{training}/{test}"
                    result["accuracy"][key] = accuracy
    return result


def summary(results: dict[str, dict], classifier: str) -> list[str]:
    """Table of mean accuracies in percent: a row for each method and training set."""
    columns = [(test, n) for test in CASES for n in SIZES]
    head = [f"{test}, {n}" for test, n in columns]
    lines = [
        "| method | trained on | " + " | ".join(head) + " | mean across | mean of all |",
        "|---" * (len(head) + 4) + "|",
    ]
    keys = next(iter(results.values()))["accuracy"]
    rows = dict.fromkeys(tuple(k.split("/")[1:3]) for k in keys if k.startswith(f"{classifier}/"))
    # Like beside like: all methods' synthetic spectra alone, then all of both kinds.
    for method, training in sorted(rows, key=lambda row: ("real", *TRAININGS).index(row[1])):
        means = {
            (test, n): np.mean(
                [
                    one["accuracy"][f"{classifier}/{method}/{training}/{test}"]
                    for key, one in results.items()
                    if f" {n} a class" in key
                ]
            )
            for test, n in columns
        }
        across = np.mean([means["across", n] for n in SIZES])
        cells = [*means.values(), across, np.mean(list(means.values()))]
        lines.append(
            f"| {method} | {training} | " + " | ".join(f"{100 * v:.1f}" for v in cells) + " |"
        )
    return lines


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ann", action="store_true", help="the neural network too")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument(
        "--signal-range",
        type=float,
        nargs=2,
        default=SIGNAL_RANGE,
        metavar="EV",
        help="what is kept of the spectra (440 500); 440 475 leaves out most of the continuum, "
        "whose height differs between the regions",
    )
    parser.add_argument("--n-synthetic", type=int, default=200, help="of each class (200)")
    parser.add_argument("--max-epochs", type=int, help="of the DAG; default: its own")
    parser.add_argument("--fresh", action="store_true", help="run everything again")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()

    classifiers = ["svm", "ann"] if options.ann else ["svm"]
    options.output.mkdir(parents=True, exist_ok=True)
    signal_range = tuple(options.signal_range)
    name = "tstr_tio2_ann" if options.ann else "tstr_tio2"
    if signal_range != SIGNAL_RANGE:
        name += "_{:g}_{:g}".format(*signal_range)
    stem = options.output / name
    stored = stem.with_suffix(".json")
    settings = {"n_synthetic": options.n_synthetic, "max_epochs": options.max_epochs}
    results: dict[str, dict] = {}
    if stored.is_file() and not options.fresh:
        content = json.loads(stored.read_text())
        if content["settings"] != settings:
            parser.error(f"{stored} was made with other settings: {content['settings']}; --fresh?")
        results = content["cases"]
    s, names, regions = load(signal_range)
    cases = [
        Case(region, n, draw) for draw in range(options.draws) for n in SIZES for region in (1, 2)
    ]
    for i, case in enumerate(cases, start=1):
        if case.key in results:
            continue
        begin = time.perf_counter()
        results[case.key] = run(case, s, names, regions, classifiers, options)
        stored.write_text(json.dumps({"settings": settings, "cases": results}, indent=1) + "\n")
        print(f"{i}/{len(cases)} {case.key}: {time.perf_counter() - begin:.0f} s", flush=True)

    wanted = {case.key for case in cases}
    results = {key: one for key, one in results.items() if key in wanted}
    fits = [one["fit_seconds"] for one in results.values()]
    parts = [
        f"# Few-shot classification of {DATA_FILE}, {signal_range[0]:g} to {signal_range[1]:g} eV",
        f"Mean accuracy in percent over {options.draws} draws of each of the two regions; "
        f"{options.n_synthetic} synthetic spectra a class. Columns: test within the region of the "
        "training spectra or across, and training spectra a class. DAG: default settings, two "
        f"classes trained in {np.median(fits):.0f} s (median).",
    ]
    for classifier in classifiers:
        parts += [f"## {classifier.upper()}", "\n".join(summary(results, classifier))]
    text = "\n\n".join(parts)
    print(text)
    stem.with_suffix(".md").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
