# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that report: evaluate, info and demo."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from . import _options as opt
from ._app import app
from ._files import check_output, count_labels, read_labels, read_signal
from ._frame import Result, command


@app.command()
@command
def evaluate(
    augmenter: opt.Augmenter,
    spectra: Annotated[
        Path,
        typer.Argument(
            help="Real spectra that were not trained on, preprocessed alike.", metavar="SPECTRA"
        ),
    ],
    signal: opt.Signal = None,
    labels: opt.Labels = None,
    label_column: opt.LabelColumn = None,
    labels_metadata: opt.LabelsMetadata = None,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            help="Report to write, .html or .json; may be given twice.",
            metavar="FILE",
        ),
    ] = None,
    train: Annotated[
        Path | None,
        typer.Option(
            help="The spectra that were trained on: adds classifiers trained on real spectra, "
            "and the memorisation ratio.",
            metavar="SPECTRA",
        ),
    ] = None,
    train_signal: Annotated[
        str | None, typer.Option(help="As --signal, of --train.", metavar="NUMBER|TITLE")
    ] = None,
    train_labels: Annotated[
        Path | None, typer.Option(help="As --labels, of --train.", metavar="FILE")
    ] = None,
    train_label_column: Annotated[
        str | None, typer.Option(help="As --label-column, of --train-labels.", metavar="NAME")
    ] = None,
    classifier: Annotated[
        list[str] | None,
        typer.Option(help="svm, ann or none; may be given twice. Default: svm and ann."),
    ] = None,
    n_spectra: Annotated[
        int | None,
        typer.Option(
            "--n-spectra", "-n", min=1, help="Synthetic spectra of each class for the classifiers."
        ),
    ] = None,
    l3_range: Annotated[
        tuple[float, float] | None,
        typer.Option(
            help="White line L3 in eV; with --l2-range, compares the white lines.",
            metavar="LOW HIGH",
        ),
    ] = None,
    l2_range: Annotated[
        tuple[float, float] | None, typer.Option(help="White line L2 in eV.", metavar="LOW HIGH")
    ] = None,
    seed: opt.SamplingSeed = None,
    lazy: opt.Lazy = False,
    force: opt.Force = False,
) -> Result:
    """Judge an augmenter by real spectra it was not trained on.

    \b
    Examples:
      hyperspy-dag evaluate oxides.dag test.hspy --labels test.csv -o report.html
      hyperspy-dag evaluate oxides.dag test.hspy --labels test.csv \\
          --train clean.hspy --train-labels oxides.csv -o report.html -o report.json
      hyperspy-dag evaluate oxides.dag test.hspy -l test.csv --classifier none --json
    """
    from hyperspy_dag import EELSAugmenter
    from hyperspy_dag._utils.checks import check_existing
    from hyperspy_dag.metrics import WhiteLineWindows
    from hyperspy_dag.validation.tstr import check_classifiers

    from ._tables import report_text

    inputs = [augmenter, spectra, labels, train, train_labels]
    reports = [check_output(path, force, inputs, signal=False) for path in output or []]
    for path in reports:
        if path.suffix.lower() not in (".html", ".json"):
            raise ValueError(f"--output {path}: a report is .html or .json")
    if (l3_range is None) != (l2_range is None):
        raise ValueError("--l3-range and --l2-range belong together: give both or neither")
    if train is None and {train_signal, train_labels, train_label_column} != {None}:
        raise ValueError(
            "--train-signal, --train-labels and --train-label-column belong to --train"
        )
    options: dict[str, Any] = {"n_spectra": n_spectra, "random_state": seed}
    if classifier:
        options["classifiers"] = check_classifiers([] if classifier == ["none"] else classifier)
    if l3_range is not None and l2_range is not None:
        options["windows"] = WhiteLineWindows(l3=l3_range, l2=l2_range)

    loaded = EELSAugmenter.load(check_existing(augmenter))
    s = read_signal(spectra, lazy, signal)
    given = read_labels(s, labels, label_column, labels_metadata)
    if train is not None:
        s_train = read_signal(train, lazy, train_signal, "--train-signal")
        options["s_train"] = s_train
        options["labels_train"] = read_labels(
            s_train,
            train_labels,
            train_label_column,
            None if train_labels else labels_metadata,
            "--train-labels",
        )
    report = loaded.evaluate(s, given, **options)
    figures = report.to_dict()
    for path in reports:
        if path.suffix.lower() == ".html":
            report.to_html(path, overwrite=True)
        else:
            from hyperspy_dag.io.signals import write_text

            write_text(path, json.dumps(figures, indent=1))
    written = [str(path) for path in reports]
    return Result({"output": written, **figures}, report_text(report, written))


@app.command()
@command
def info(
    file: Annotated[
        Path,
        typer.Argument(
            help="A saved augmenter, the folder of a training, or spectra.", metavar="FILE"
        ),
    ],
    signal: opt.Signal = None,
    labels: opt.Labels = None,
    label_column: opt.LabelColumn = None,
    labels_metadata: opt.LabelsMetadata = None,
) -> Result:
    """Tell what made a file, with which settings, how it went.

    \b
    Examples:
      hyperspy-dag info augmented.hspy
      hyperspy-dag info oxides.dag --json
      hyperspy-dag info run                     (the folder of --checkpoint-dir)
      hyperspy-dag info clean.hspy --labels oxides.csv
    """
    from hyperspy_dag._utils.checks import check_existing

    from ._describe import describe

    described, s = describe(check_existing(file), signal)
    asked = labels is not None or labels_metadata is not None or label_column is not None
    if (asked or signal is not None) and s is None:
        raise ValueError(f"{file} holds no spectra that labels could belong to or --signal choose")
    if s is not None and (asked or s.metadata.has_item("DAG.labels")):
        given = read_labels(s, labels, label_column, labels_metadata)
        described["labels"] = count_labels(s, given)
    return Result(described)


@app.command()
@command
def demo(
    folder: Annotated[Path, typer.Argument(help="Where to write.", metavar="FOLDER")] = Path(),
    n_spectra: Annotated[
        int, typer.Option("--n-spectra", "-n", min=1, help="Synthetic spectra of each class.")
    ] = 500,
    max_epochs: Annotated[int | None, typer.Option(min=1, help="Fewer are quicker.")] = None,
    force: opt.Force = False,
) -> Result:
    """Simulate five oxides; do everything with them once.

    100 spectra of each oxide are trained on and 30 held back. Takes a minute or two.

    \b
    Examples:
      hyperspy-dag demo
      hyperspy-dag demo somewhere --max-epochs 20 -n 100
    """
    from ._demo import run_demo

    return Result(run_demo(folder, n_spectra, max_epochs, force))
