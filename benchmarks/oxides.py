# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated oxides as classification problems, and what an augmentation method makes of them.

Used by the benchmarks that train classifiers on the oxides. A `Cell` is one method on one set with
one seed; `evaluate` does the work for it and `run_cells` keeps each result in a small JSON file, so
that an interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from hyperspy_dag import metrics
from hyperspy_dag.data import PREPROCESSING, simulated_oxides
from hyperspy_dag.validation import BASELINES, make_baseline, make_classifier

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

    from hyperspy_dag import EELSAugmenter

SETS = tuple(PREPROCESSING)
CLASSIFIERS = ("ann", "svm")
TRAIN_FRACTION = 0.15
"""Of the spectra of each class, as in the paper."""
PER_CLASS = 1000
"""Spectra of each class: that of the paper's smaller classes. 150 train and 850 judge."""

RESULTS = Path(__file__).resolve().parent / "results" / "oxides.jsonl"

PAPER_ACCURACY = {
    "W": {"ann": 0.990, "svm": 0.977},
    "K": {"ann": 0.994, "svm": 0.970},
    "WL-Fe": {"ann": 0.964, "svm": 0.961},
    "WL-Mn": {"ann": 0.964, "svm": 0.961},
    "MF": {"ann": 0.983, "svm": 0.988},
}
"""Best cells of Table 1 of del-Pozo-Bueno et al. 2024; one figure there for both parts of WL."""

PAPER_SNR = {
    "W": {"FeO": 1.6, "Fe3O4": 3.3},
    "K": {"FeO": 0.9, "Fe3O4": 2.2},
    "WL-Fe": {"FeO": 1.1, "Fe3O4": 2.1},
    "WL-Mn": {"MnO": 1.5, "Mn2O3": 2.2, "MnO2": 2.5},
    "MF": {"Fe3O4 core": 2.8, "Mn ferrite shell": 1.5},
}
"""Table 2 there, original spectra."""

REAL = "real"
"""The method that makes nothing: the training spectra themselves."""
FRESH = "fresh"
"""As many new real spectra as the others make synthetic ones: what a perfect generator reaches."""


# --- what is computed -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Dag:
    """Settings of a DAG; ``epochs`` None is the recipe's default."""

    recipe: str = "refined"
    design: str = "single_bitrans"
    architecture: str = "compact"
    epochs: int | None = None

    @property
    def name(self) -> str:
        parts = [self.recipe, self.design, self.architecture]
        return "-".join(parts if self.epochs is None else [*parts, str(self.epochs)])


@dataclass(frozen=True)
class Cell:
    """One method on one set with one seed."""

    dataset: str
    method: str | Dag
    seed: int
    n_spectra: int = PER_CLASS

    @property
    def method_name(self) -> str:
        return self.method.name if isinstance(self.method, Dag) else self.method

    @property
    def key(self) -> str:
        """Name of the result in the file of results."""
        own = "" if self.n_spectra == PER_CLASS else f"-{self.n_spectra}"
        return f"{self.dataset}{own}/{self.method_name}-seed{self.seed}"


class Part(NamedTuple):
    """One set, divided into training and test spectra."""

    signal: EELSSpectrum
    labels: NDArray[np.str_]
    train: NDArray[np.intp]
    test: NDArray[np.intp]

    @property
    def classes(self) -> list[str]:
        return np.unique(self.labels).tolist()

    def flat(self, rows: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
        """Spectra and labels of these rows."""
        return self.signal.data[rows].astype(np.float64), self.labels[rows]

    def of_class(self, label: str, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Spectra of a class among these rows."""
        return self.signal.data[rows[self.labels[rows] == label]].astype(np.float64)


@lru_cache(maxsize=2)
def split(dataset: str, seed: int, n_spectra: int = PER_CLASS) -> Part:
    """Simulate a set and draw the training spectra, 15 % of each class; the seed does both.

    The paper's set "WL" is both sets of white lines as one, by channel number.
    """
    if dataset == "WL":
        s, labels = _white_lines(n_spectra, seed)
    else:
        s, labels = simulated_oxides(dataset, n_spectra, random_state=seed)
    random = np.random.default_rng(seed)
    n_train = round(TRAIN_FRACTION * n_spectra)
    rows = [random.permutation(np.flatnonzero(labels == c))[:n_train] for c in np.unique(labels)]
    train = np.sort(np.concatenate(rows))
    return Part(s, labels, train, np.setdiff1d(np.arange(len(labels)), train))


def _white_lines(n_spectra: int, seed: int) -> tuple[EELSSpectrum, NDArray[np.str_]]:
    """Five classes of 700 channels, iron at 0.25 and manganese at 0.1 eV a channel."""
    from exspy.signals import EELSSpectrum

    parts = [simulated_oxides(d, n_spectra, random_state=seed) for d in ("WL-Fe", "WL-Mn")]
    data, labels = (
        np.concatenate(rows) for rows in zip(*((s.data, y) for s, y in parts), strict=True)
    )
    signal = EELSSpectrum(data)
    signal.axes_manager.signal_axes[0].units = "eV"  # in name only
    return signal, labels


def fit_dag(
    part: Part, dag: Dag, seed: int, keep: Path | None = None, progress: bool | None = None
) -> EELSAugmenter:
    """Fit an augmenter to the training spectra, or load the one that `keep` holds.

    Parameters
    ----------
    part : Part
    dag : Dag
    seed : int
    keep : Path, optional
        File to load the augmenter from; where there is none, it is saved there. Beside it are
        checkpoints until it is, from which a training that was killed goes on.
    progress : bool, optional
        Default: HyperSpy's preference.
    """
    from hyperspy_dag import EELSAugmenter

    if keep is not None and keep.is_file():
        return EELSAugmenter.load(keep)
    run = None if keep is None else keep.with_suffix(".run")
    with warnings.catch_warnings():
        # What did not reach the criterion is kept and judged all the same.
        warnings.filterwarnings("ignore", ".*stopping criterion", UserWarning)
        if run is not None and (run / "run.npz").is_file():
            augmenter = EELSAugmenter.resume(run, show_progressbar=progress)
        else:
            augmenter = _fit_dag(part, dag, seed, run, progress)
    if keep is not None:
        augmenter.save(keep)
        shutil.rmtree(run)
    return augmenter


def _fit_dag(
    part: Part, dag: Dag, seed: int, run: Path | None, progress: bool | None
) -> EELSAugmenter:
    from hyperspy_dag import EELSAugmenter

    labels = np.full(len(part.labels), None, dtype=object)
    labels[part.train] = part.labels[part.train]
    augmenter = EELSAugmenter(
        dag.design,
        dag.architecture,
        recipe=dag.recipe,
        max_epochs=dag.epochs,
        random_state=seed,
    )
    if run is not None:
        run.parent.mkdir(parents=True, exist_ok=True)
    return augmenter.fit(
        part.signal,
        labels,
        checkpoint_dir=run,
        checkpoint_every=50,
        show_progressbar=progress,
    )


def evaluate(cell: Cell, keep: Path | None = None, progress: bool | None = None) -> dict[str, Any]:
    """Judge one method: metrics of every class, accuracies of the classifiers, resources.

    As many spectra are made as real ones judge. Classifiers train on what the method made, and on
    that and the real training spectra, and are tested on real spectra that nothing has seen.
    """
    part = split(cell.dataset, cell.seed, cell.n_spectra)
    counts = {label: int((part.labels[part.test] == label).sum()) for label in part.classes}
    result: dict[str, Any] = {"cell": asdict(cell) | {"method_name": cell.method_name}}
    made, more = make(cell, part, counts, keep, progress)
    result |= more
    result["classes"] = {
        label: judge_class(part, label, spectra) for label, spectra in made.items()
    }
    result["accuracy"] = accuracies(part, made, cell)
    return result


def fitted(
    cell: Cell, part: Part, keep: Path | None = None, progress: bool | None = None
) -> EELSAugmenter:
    """Augmenter of a cell, from the folder of those that are kept if it is there."""
    kept = None if keep is None else keep / source_digest() / f"{cell.key}.dag"
    return fit_dag(part, cell.method, cell.seed, kept, progress)


def make(
    cell: Cell,
    part: Part,
    counts: Mapping[str, int],
    keep: Path | None = None,
    progress: bool | None = None,
) -> tuple[dict[str, NDArray[np.float64]], dict[str, Any]]:
    """Spectra of each class that a method makes, and what is to be noted of a DAG."""
    if isinstance(cell.method, Dag):
        augmenter = fitted(cell, part, keep, progress)
        made = {c: augmenter.sample(n, label=c).data.astype(float) for c, n in counts.items()}
        return made, {"resources": resources(augmenter), "source": source_digest()}
    if cell.method == FRESH:
        return _fresh(cell, counts), {}
    if cell.method == REAL:
        return {label: part.of_class(label, part.train) for label in part.classes}, {}
    made = {
        label: make_baseline(cell.method)
        .fit(part.of_class(label, part.train))
        .sample(n, random_state=cell.seed)
        for label, n in counts.items()
    }
    return made, {}


def _fresh(cell: Cell, counts: Mapping[str, int]) -> dict[str, NDArray[np.float64]]:
    """Real spectra beyond those of the set: the simulation goes on where the set ended."""
    n = cell.n_spectra
    s, labels = simulated_oxides(
        cell.dataset, {c: n + count for c, count in counts.items()}, random_state=cell.seed
    )
    return {label: s.data[labels == label][n:].astype(np.float64) for label in counts}


#: Earlier code that makes this version's spectra bit for bit.
SAME_SPECTRA = frozenset({"2aa2fea16047"})


@lru_cache(maxsize=1)
def source_digest() -> str:
    """Digest of the code that trains: results of other code may be kept, but are said to be so."""
    import hyperspy_dag

    folder = Path(hyperspy_dag.__file__).parent / "dag"
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        if path.name != "classifier.py":  # judges, and makes nothing
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def of_other_code(results: Iterable[Mapping[str, Any]]) -> str:
    """Sentence about the results that another version of the package made; "" if there is none."""
    of_dags = [one for one in results if "source" in one]
    others = sum(one["source"] not in SAME_SPECTRA | {source_digest()} for one in of_dags)
    if not others:
        return ""
    return (
        f"Of the {len(of_dags)} results of DAGs, {others} are of earlier code than this version's."
    )


def resources(augmenter: EELSAugmenter) -> dict[str, dict[str, float]]:
    """What each class of a fitted augmenter took."""
    return {
        label: {
            "fit_seconds": augmenter.fit_seconds_[label],
            "epochs": len(model.history.generator_cost),
            "epoch_kept": model.best.epoch,
            "epoch_reached": next((e.epoch for e in model.history.evaluations if e.reached), None),
            "parameters": int(sum(weight.size for weight in model.weights)),
        }
        for label, model in augmenter.generators_.items()
    }


def judge_class(part: Part, label: str, made: NDArray[np.float64]) -> dict[str, float]:
    """Metrics of the made spectra of a class against the real ones that were not trained on."""
    train, real = (part.of_class(label, rows) for rows in (part.train, part.test))
    scores = metrics.precision_recall_density_coverage(real, made)
    memorisation = np.nan
    if not (len(made) == len(train) and np.array_equal(made, train)):
        memorisation = metrics.memorisation_ratio(made, train, real)
    spread = _spread(real, made)
    return {
        "snr_real": metrics.snr(real),
        "snr": metrics.snr(made),
        "frechet": metrics.frechet_distance(real, made),
        "pcc": metrics.pearson_correlation(real, made),
        "cosd": metrics.cosine_distance(real, made),
        "kl": metrics.kl_divergence(real, made),
        "kl_pca": metrics.kl_divergence_pca(real, made),
        **{name: float(value) for name, value in scores._asdict().items()},
        "memorisation": None if np.isnan(memorisation) else float(memorisation),
        "spread_min": float(spread.min()),
        "spread_max": float(spread.max()),
    }


def _spread(
    real: NDArray[np.float64], made: NDArray[np.float64], components: int = 5
) -> NDArray[np.float64]:
    """Standard deviation of the scores of made spectra over that of real ones, by component."""
    mean = real.mean(axis=0)
    axes = np.linalg.svd(real - mean, full_matrices=False)[2][:components]
    return ((made - mean) @ axes.T).std(axis=0) / ((real - mean) @ axes.T).std(axis=0)


def accuracies(
    part: Part, made: Mapping[str, NDArray[np.float64]], cell: Cell
) -> dict[str, dict[str, float]]:
    """Accuracy by training set and classifier."""
    real, test = part.flat(part.train), part.flat(part.test)
    if cell.method == REAL:
        sets = {REAL: real}
    else:
        labels = np.repeat(list(made), [len(spectra) for spectra in made.values()])
        synthetic = np.concatenate(list(made.values())), labels
        both = tuple(np.concatenate(parts) for parts in zip(real, synthetic, strict=True))
        sets = {"synthetic": synthetic, "real + synthetic": both}
    return {
        training: {
            name: float(
                np.mean(make_classifier(name, cell.seed).fit(x, y).predict(test[0]) == test[1])
            )
            for name in CLASSIFIERS
        }
        for training, (x, y) in sets.items()
    }


# --- one file a benchmark, one line a cell --------------------------------------------------------


def run_cells(
    cells: Iterable[Cell],
    output: Path,
    keep: Path | None = None,
    progress: bool | None = None,
    work: Callable[[Cell, Path | None, bool | None], dict[str, Any]] = evaluate,
) -> None:
    """Do the work for the cells that have no result yet, with HyperSpy's progress bar.

    Parameters
    ----------
    cells : iterable of Cell
    output : Path
        File of the results.
    keep : Path, optional
        Folder of the fitted augmenters, to judge them again without fitting.
    progress : bool, optional
        Default: HyperSpy's preference.
    work : callable, default evaluate
        What gives the result of a cell; `keep` and `progress` are handed on to it.
    """
    from hyperspy.defaults_parser import preferences
    from hyperspy.external.progressbar import progressbar

    show = preferences.General.show_progressbar if progress is None else progress
    there = read_results(output)
    missing = [cell for cell in dict.fromkeys(cells) if cell.key not in there]
    with progressbar(total=len(missing), unit="cell", disable=not show) as bar:
        for cell in missing:
            bar.set_description(cell.key)
            add_result(output, cell.key, work(cell, keep, progress))
            bar.update()


def read_cells(cells: Iterable[Cell], output: Path) -> dict[Cell, dict[str, Any]]:
    """Return the results that there are, in the order of the cells."""
    there = read_results(output)
    return {cell: there[cell.key] for cell in dict.fromkeys(cells) if cell.key in there}


def read_results(path: Path) -> dict[str, dict[str, Any]]:
    """Return all results of a file, by the keys of their cells."""
    if not path.is_file():
        return {}
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {row.pop("key"): row for row in rows}


def add_result(path: Path, key: str, result: Mapping[str, Any]) -> None:
    """Add a result to a file, which is whole at any time, whoever else adds to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        results = read_results(path) | {key: result}
        rows = [json.dumps({"key": key} | results[key]) for key in sorted(results)]
        part = path.with_name(f".{path.name}.part")
        part.write_text("\n".join(rows) + "\n", encoding="utf-8")
        part.replace(path)


def drawn_report(
    description: str,
    sets: Iterable[str],
    output: Path,
    cells: Callable[[list[str], int], list[Cell]],
    work: Callable[[Cell, Path | None, bool | None], dict[str, Any]],
    report: Callable[[dict[Cell, dict[str, Any]], list[str], int], str],
    draw: Callable[[dict[Cell, dict[str, Any]], list[str], int, Path], None],
) -> None:
    """Command line of a benchmark that ends in a table and in a picture of the guide.

    Parameters
    ----------
    description : str
        Of the benchmark; its first line is shown.
    sets : iterable of str
        Those to choose from.
    output : Path
        File of the results; the table goes beside it, the picture into the documentation.
    cells : callable
        ``cells(sets, seeds)``
    work : callable
        See :func:`run_cells`.
    report, draw : callable
        ``report(results, sets, seeds) -> str``, ``draw(results, sets, seeds, path)``
    """
    pictures = Path(__file__).resolve().parents[1] / "docs" / "images"
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--sets", nargs="+", choices=tuple(sets), default=list(sets))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cells", type=Path, default=output, help="file of the results")
    parser.add_argument("--keep", type=Path, help="folder to keep fitted augmenters in")
    parser.add_argument("--report-only", action="store_true", help="compute nothing")
    parser.add_argument("--output", type=Path, default=output.with_suffix(".md"))
    parser.add_argument("--picture", type=Path, default=pictures / f"{output.stem}.png")
    options = parser.parse_args()

    wanted = cells(options.sets, options.seeds)
    if not options.report_only:
        run_cells(wanted, options.cells, options.keep, work=work)
    results = read_cells(wanted, options.cells)
    text = report(results, options.sets, options.seeds)
    print(text)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(text + "\n", encoding="utf-8")
    draw(results, options.sets, options.seeds, options.picture)


def median(values: Iterable[float | None]) -> float | None:
    """Median of what there is; None of nothing."""
    there = [value for value in values if value is not None]
    return float(np.median(there)) if there else None


def methods() -> list[str]:
    """Names of the methods that are not a DAG: real spectra, then the baselines."""
    return [REAL, FRESH, *(name for name in BASELINES if name != "real_only")]


def table(head: list[str], rows: Iterable[Iterable[Any]], form: Callable[[Any], str] = str) -> str:
    """Markdown table; None is a dash."""
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows:
        cells = ["–" if v is None else v if isinstance(v, str) else form(v) for v in row]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
