# SPDX-License-Identifier: GPL-3.0-or-later
"""Demonstration of all commands on simulated white lines, for ``make demo``.

There are five oxides on two energy axes (Mn and Fe white lines), and therefore two of each file.
"""

from __future__ import annotations

import csv
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ._files import check_output
from ._frame import note

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

#: Simulated set -> end of its files' names.
DATA_SETS = {"WL-Mn": "", "WL-Fe": "_Fe"}

#: Spectra of each class.
N_TRAINING, N_TEST = 100, 30


def run_demo(folder: Path, n_spectra: int, max_epochs: int | None, force: bool) -> dict[str, Any]:
    """Simulate, preprocess, augment, evaluate and plot; return the files.

    Parameters
    ----------
    folder : Path
        Folder of the files, which is made if it does not exist.
    n_spectra : int
        Number of synthetic spectra of each class.
    max_epochs : int, optional
        Largest number of epochs of the training.
    force : bool
        Replace existing files.
    """
    from matplotlib.figure import Figure

    from hyperspy_dag._utils.checks import check_folder

    folder = check_folder("FOLDER", folder)
    folder.mkdir(exist_ok=True)
    files = {name: _files(folder, end) for name, end in DATA_SETS.items()}
    picture = folder / "augmented.png"
    for path in [picture, *(path for own in files.values() for path in own.values())]:
        check_output(path, force, [], signal=False)

    figure = Figure(figsize=(8, 11), layout="constrained")
    rows = iter(figure.subplots(5, 2))
    for name, own in files.items():
        _simulate(name, own)
        _run_commands(name, own, n_spectra, max_epochs)
        _draw(rows, own)
    axes = figure.axes
    axes[0].set_title("single spectra")
    axes[1].set_title("mean and standard deviation")
    axes[1].legend(loc="upper right", frameon=False)
    for ax in axes[-2:]:
        ax.set_xlabel("Energy loss (eV)")
    figure.savefig(picture, dpi=120)
    return {
        "picture": str(picture),
        **{
            what: [str(own[what]) for own in files.values()]
            for what in ("simulated", "labels", "preprocessed", "augmented", "augmenter", "report")
        },
    }


def _files(folder: Path, end: str) -> dict[str, Path]:
    return {
        "simulated": folder / f"simulated{end}.hspy",
        "labels": folder / f"simulated{end}.csv",
        "preprocessed": folder / f"preprocessed{end}.hspy",
        "augmented": folder / f"augmented{end}.hspy",
        "augmenter": folder / f"augmented{end}.dag",
        "report": folder / f"augmented{end}.html",
    }


def _simulate(name: str, files: dict[str, Path]) -> None:
    """Write raw counts, and a table of two columns with the label of each spectrum."""
    from hyperspy_dag.data import simulated_oxides

    note(f"simulating {name}")
    s, labels = simulated_oxides(name, n_spectra=N_TRAINING + N_TEST, raw=True)
    s.save(files["simulated"], overwrite=True)
    with open(files["labels"], "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["training", "test"])
        for i, label in enumerate(labels):
            # Class after class; the last of each are held back.
            held_back = i % (N_TRAINING + N_TEST) >= N_TRAINING
            table.writerow(["", label] if held_back else [label, ""])


def _run_commands(
    name: str, files: dict[str, Path], n_spectra: int, max_epochs: int | None
) -> None:
    """Run the commands of the program, and show the command lines."""
    from hyperspy_dag.data import PREPROCESSING

    from ._app import app

    ranges = {f"--{key.replace('_', '-')}": value for key, value in PREPROCESSING[name].items()}
    options = [str(word) for key, pair in ranges.items() for word in (key, *pair)]
    labels = ("--labels", files["labels"], "--label-column")
    epochs = () if max_epochs is None else ("--max-epochs", max_epochs)
    clean, dag = files["preprocessed"], files["augmenter"]
    for words in (
        ("preprocess", files["simulated"], clean, *options),
        (
            "augment",
            clean,
            files["augmented"],
            *labels,
            "training",
            "-n",
            n_spectra,
            *epochs,
            "--seed",
            0,
            "--save-augmenter",
            dag,
        ),
        ("evaluate", dag, clean, *labels, "test", "--classifier", "svm", "-o", files["report"]),
    ):
        arguments = [*map(str, words), "--force"]
        note(f"$ hyperspy-dag {shlex.join(arguments)}")
        code = app(arguments, standalone_mode=False)
        if code:
            raise typer.Exit(code)


def _draw(rows: Any, files: dict[str, Path]) -> None:
    """Draw a row of panels for each class with training and synthetic spectra."""
    import hyperspy.api as hs
    import numpy as np

    from hyperspy_dag import get_labels

    from ._files import read_labels

    s = hs.load(files["preprocessed"])
    labels = read_labels(s, files["labels"], "training", None)
    augmented = hs.load(files["augmented"])
    energy = augmented.axes_manager.signal_axes[0].axis
    for i, name in enumerate(get_labels(augmented)[:, 0]):
        _compare(next(rows), energy, s.data[np.asarray(labels) == name], augmented.data[i], name)


def _compare(
    axes: NDArray[Any],
    energy: NDArray[Any],
    given: NDArray[Any],
    synthetic: NDArray[Any],
    title: str,
) -> None:
    """Draw three given below three synthetic spectra, and the means with their spread."""
    single, means = axes
    for i in range(min(3, len(synthetic))):
        single.plot(energy, given[i] + 1.2 * i, color="0.25", lw=0.6)
        single.plot(energy, synthetic[i] + 1.2 * i + 4, color="#D55E00", lw=0.6)
    single.set_ylabel(title)
    single.set_yticks([1.5, 5.5], ["simulated", "synthetic"])
    _plot_spread(means, energy, given, color="0.25", ls="-", label="simulated")
    _plot_spread(means, energy, synthetic, color="#D55E00", ls="--", label="synthetic")
    means.set_yticks([0, 1])


def _plot_spread(ax: Axes, energy: NDArray[Any], spectra: NDArray[Any], **line: Any) -> None:
    mean, std = spectra.mean(axis=0), spectra.std(axis=0)
    ax.plot(energy, mean, lw=1.2, **line)
    ax.fill_between(energy, mean - std, mean + std, color=line["color"], alpha=0.2, lw=0)
