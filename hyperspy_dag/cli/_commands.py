# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands: options in, files and a result out; the work is done by the library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from hyperspy_dag import __version__

from . import _options as opt
from ._files import (
    check_output,
    count_labels,
    existing,
    known_label,
    read_labels,
    read_signal,
    save_signal,
)
from ._frame import Result, command

app = typer.Typer(
    name="hyperspy-dag",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hyperspy-dag {__version__}")
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell the version."),
    ] = False,
) -> None:
    """Synthetic EELS spectra of labelled ones, as batch jobs.

    \b
    A day's work:
      hyperspy-dag preprocess raw.hspy clean.hspy \\
          --background-range 590 633 --signal-range 615 685
      hyperspy-dag augment clean.hspy augmented.hspy --labels oxides.csv \\
          --save-augmenter oxides.dag --seed 0
      hyperspy-dag evaluate oxides.dag test.hspy --labels test.csv -o report.html

    Results go to standard output (--json: as one JSON object), progress and messages to standard
    error, a line each. Exit codes: 0 done; 1 the work failed; 2 wrong usage or input, found before
    the work; 130 interrupted (Ctrl-C), 143 terminated by the batch system.
    """


@app.command()
@command
def preprocess(
    spectra: opt.Spectra,
    output: opt.Stack,
    background_range: opt.BackgroundRange = None,
    signal_range: opt.SignalRange = None,
    normalise: Annotated[bool, typer.Option(help="Divide each spectrum by its maximum.")] = True,
    pca_components: Annotated[
        int | None, typer.Option(min=1, help="Denoise: keep this many principal components.")
    ] = None,
    lazy: opt.Lazy = False,
    force: opt.Force = False,
) -> Result:
    """Subtract the background, crop, denoise and normalise raw spectra.

    \b
    Examples:
      hyperspy-dag preprocess raw.dm4 clean.hspy \\
          --background-range 590 633 --signal-range 615 685
      hyperspy-dag preprocess map.zspy clean.zspy --signal-range 615 685 --lazy
    """
    output = check_output(output, force, [spectra], signal=True)
    s = read_signal(spectra, lazy).dag_preprocess(
        background_range, signal_range, normalise, pca_components
    )
    save_signal(s, output)
    return Result({"output": str(output), "signal": repr(s)} | _record(s))


def _record(s: Any) -> dict[str, Any]:
    from hyperspy_dag.preprocessing import preprocessing_record

    return {"preprocessing": preprocessing_record(s)}


@app.command()
@command
def augment(
    spectra: opt.Spectra,
    output: opt.Stack,
    labels: opt.Labels = None,
    label_column: opt.LabelColumn = None,
    labels_metadata: opt.LabelsMetadata = None,
    n_spectra: Annotated[
        int, typer.Option("--n-spectra", "-n", min=1, help="Synthetic spectra of each class.")
    ] = 100,
    save_augmenter: Annotated[
        Path | None,
        typer.Option(
            help="Write the fitted augmenter too, for sample and evaluate.", metavar="FILE.dag"
        ),
    ] = None,
    background_range: opt.BackgroundRange = None,
    signal_range: opt.SignalRange = None,
    design: Annotated[
        str | None,
        typer.Option(
            help="single_monotrans, multi_monotrans, single_bitrans (default) or multi_bitrans."
        ),
    ] = None,
    architecture: Annotated[
        str | None,
        typer.Option(
            help="compact (default), simple_dense, large_dense or simple_convo; the paper's "
            "recipe has simple_dense as default."
        ),
    ] = None,
    recipe: Annotated[str | None, typer.Option(help="refined (default) or paper.")] = None,
    stopping: Annotated[
        str | None,
        typer.Option(help="What ends a training early: all (default), frechet or none."),
    ] = None,
    tolerance: Annotated[
        float | None, typer.Option(help="Of the stopping criterion. Default: 0.05.")
    ] = None,
    max_epochs: Annotated[
        int | None, typer.Option(min=1, help="Default: 200 (refined) or 500 (paper).")
    ] = None,
    seed: opt.Seed = None,
    n_jobs: Annotated[
        int | None,
        typer.Option(
            "--n-jobs",
            "-j",
            min=-1,
            help="Classes to train side by side, each in a process with one thread; -1: as many "
            "as there are cores. Default: one after the other.",
        ),
    ] = None,
    checkpoint_dir: Annotated[
        Path | None,
        typer.Option(help="Folder of a training that survives being killed.", metavar="FOLDER"),
    ] = None,
    checkpoint_every: Annotated[int, typer.Option(min=1, help="Epochs between checkpoints.")] = 10,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the training in --checkpoint-dir; begin one if there is none.",
        ),
    ] = False,
    lazy: opt.Lazy = False,
    force: opt.Force = False,
) -> Result:
    """Train a generator for each class, and write a stack of synthetic spectra.

    \b
    Examples:
      hyperspy-dag augment clean.hspy augmented.hspy --labels oxides.csv --seed 0
      hyperspy-dag augment clean.hspy augmented.zspy --labels points.csv \\
          --label-column phase -n 500 --save-augmenter oxides.dag
      hyperspy-dag augment clean.hspy augmented.hspy --labels map.npy \\
          --checkpoint-dir run --resume --n-jobs 4

    With --checkpoint-dir and --resume the same command begins a training and, after a time limit
    or a crash, goes on with it; the result is the same, bit for bit.
    """
    from hyperspy_dag import EELSAugmenter

    from ._training import train

    inputs = [spectra, labels]
    output = check_output(output, force, inputs, signal=True)
    if save_augmenter is not None:
        save_augmenter = check_output(save_augmenter, force, [*inputs, output], signal=False)
    if resume and checkpoint_dir is None:
        raise ValueError("--resume needs --checkpoint-dir, the folder of the training")
    settings = {
        "design": design,
        "architecture": architecture,
        "recipe": recipe,
        "stopping": stopping,
        "tolerance": tolerance,
        "max_epochs": max_epochs,
        "random_state": seed,
    }
    settings = {name: value for name, value in settings.items() if value is not None}
    if stopping == "none":
        settings["stopping"] = None
    EELSAugmenter(**settings)  # says what is wrong before anything is read

    s = read_signal(spectra, lazy)
    given = read_labels(s, labels, label_column, labels_metadata)
    if background_range is not None or signal_range is not None:
        s = s.dag_preprocess(background_range, signal_range)
    augmenter = train(s, given, settings, checkpoint_dir, checkpoint_every, resume, n_jobs)
    if save_augmenter is not None:
        augmenter.save(save_augmenter, overwrite=True)
    stack = augmenter.sample(n_spectra)
    save_signal(stack, output)
    return Result(
        {
            "output": str(output),
            "augmenter": None if save_augmenter is None else str(save_augmenter),
            "signal": repr(stack),
            "seed": augmenter.random_state_,
            "classes": augmenter.classes_,
            "spectra_per_class": n_spectra,
            "training_spectra": [m.n_training for m in augmenter._fitted().values()],
            "epochs_trained": [len(h.generator_cost) for h in augmenter.history_.values()],
            "epoch_kept": [best.epoch for best in augmenter.best_.values()],
            "seconds": list(augmenter._fit_seconds.values()),
        }
    )


@app.command()
@command
def sample(
    augmenter: opt.Augmenter,
    output: opt.Stack,
    n_spectra: Annotated[
        int, typer.Option("--n-spectra", "-n", min=1, help="Spectra of each class.")
    ] = 100,
    label: Annotated[str | None, typer.Option(help="One class alone. Default: all.")] = None,
    dose: Annotated[
        float, typer.Option(help="Relative to the training spectra: 0.5 is noisier.")
    ] = 1.0,
    energy_jitter: Annotated[
        float | None,
        typer.Option(help="Spread of the energy shift, in eV. Default: that of the spectra."),
    ] = None,
    noise: Annotated[
        bool, typer.Option(help="With --no-noise as an ideal detector would see them.")
    ] = True,
    seed: opt.SamplingSeed = None,
    lazy: Annotated[
        bool, typer.Option("--lazy", help="Stream to the file: more spectra than memory holds.")
    ] = False,
    force: opt.Force = False,
) -> Result:
    """Draw more synthetic spectra from a saved augmenter.

    \b
    Examples:
      hyperspy-dag sample oxides.dag stack.hspy -n 500
      hyperspy-dag sample oxides.dag MnO.hspy --label MnO --dose 0.5 --seed 1
      hyperspy-dag sample oxides.dag million.zspy -n 1000000 --lazy
    """
    from hyperspy_dag import EELSAugmenter

    output = check_output(output, force, [augmenter], signal=True)
    loaded = EELSAugmenter.load(existing(augmenter))
    stack = loaded.sample(
        n_spectra,
        label=None if label is None else known_label(loaded.classes_, label),
        noise=noise,
        dose=dose,
        energy_jitter=energy_jitter,
        random_state=seed,
        lazy=lazy,
    )
    save_signal(stack, output)
    how = stack.metadata.DAG.sampling.as_dictionary()
    return Result(
        {
            "output": str(output),
            "signal": repr(stack),
            "classes": list(stack.metadata.DAG.classes),
            "spectra_per_class": n_spectra,
            "seed": how.pop("random_state"),
            **how,
        }
    )


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
    """Judge an augmenter by real spectra that it was not trained on.

    \b
    Examples:
      hyperspy-dag evaluate oxides.dag test.hspy --labels test.csv -o report.html
      hyperspy-dag evaluate oxides.dag test.hspy --labels test.csv \\
          --train clean.hspy --train-labels oxides.csv -o report.html -o report.json
      hyperspy-dag evaluate oxides.dag test.hspy -l test.csv --classifier none --json
    """
    from hyperspy_dag import EELSAugmenter
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
    if train is None and (train_labels is not None or train_label_column is not None):
        raise ValueError("--train-labels and --train-label-column belong to --train")
    options: dict[str, Any] = {"n_spectra": n_spectra, "random_state": seed}
    if classifier:
        options["classifiers"] = check_classifiers([] if classifier == ["none"] else classifier)
    if l3_range is not None:
        options["windows"] = WhiteLineWindows(l3=l3_range, l2=l2_range)

    loaded = EELSAugmenter.load(existing(augmenter))
    s = read_signal(spectra, lazy)
    given = read_labels(s, labels, label_column, labels_metadata)
    if train is not None:
        s_train = read_signal(train, lazy)
        options["s_train"] = s_train
        options["labels_train"] = read_labels(
            s_train, train_labels, train_label_column, labels_metadata if not train_labels else None
        )
    report = loaded.evaluate(s, given, **options)
    figures = report.to_dict()
    for path in reports:
        if path.suffix.lower() == ".html":
            report.to_html(path, overwrite=True)
        else:
            path.write_text(json.dumps(figures, indent=1), encoding="utf-8")
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
    labels: opt.Labels = None,
    label_column: opt.LabelColumn = None,
    labels_metadata: opt.LabelsMetadata = None,
) -> Result:
    """Tell what made a file: of which spectra, with which settings, how it went.

    \b
    Examples:
      hyperspy-dag info augmented.hspy
      hyperspy-dag info oxides.dag --json
      hyperspy-dag info run                     (the folder of --checkpoint-dir)
      hyperspy-dag info clean.hspy --labels oxides.csv
    """
    from ._describe import describe

    described, s = describe(existing(file))
    asked = labels is not None or labels_metadata is not None or label_column is not None
    if asked and s is None:
        raise ValueError(f"{file} holds no spectra that labels could belong to")
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
    """Simulate white lines of five oxides, and do everything with them once.

    100 spectra of each oxide are trained on and 30 held back. Takes a few minutes.

    \b
    Examples:
      hyperspy-dag demo
      hyperspy-dag demo somewhere --max-epochs 20 -n 100
    """
    from ._demo import run_demo

    return Result(run_demo(folder, n_spectra, max_epochs, force))
