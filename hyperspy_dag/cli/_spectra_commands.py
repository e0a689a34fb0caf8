# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that make spectra: preprocess, augment and sample."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import _options as opt
from ._app import app
from ._files import check_output, known_label, read_labels, read_signal, save
from ._frame import Result, command

if TYPE_CHECKING:
    from hyperspy_dag import EELSAugmenter


@app.command()
@command
def preprocess(
    spectra: opt.Spectra,
    output: opt.Stack,
    signal: opt.Signal = None,
    background_range: opt.BackgroundRange = None,
    signal_range: opt.SignalRange = None,
    normalise: Annotated[bool, typer.Option(help="Divide each spectrum by its maximum.")] = True,
    pca_components: Annotated[
        int | None, typer.Option(min=1, help="Denoise: keep this many principal components.")
    ] = None,
    by_area: Annotated[
        bool, typer.Option("--by-area", help="Divide by the area in place of the maximum.")
    ] = False,
    remove_spikes: Annotated[
        bool, typer.Option("--remove-spikes", help="Take out what X-rays leave.")
    ] = False,
    background_type: Annotated[
        str, typer.Option(help="power law, exponential, offset or polynomial.")
    ] = "power law",
    background_fit: Annotated[
        str | None, typer.Option(help="two-area (default where it is possible) or least squares.")
    ] = None,
    polynomial_order: Annotated[int, typer.Option(min=1, help="Of the polynomial.")] = 2,
    lazy: opt.Lazy = False,
    force: opt.Force = False,
) -> Result:
    """Prepare raw spectra: background, crop, noise, maximum 1.

    \b
    Examples:
      hyperspy-dag preprocess raw.dm4 clean.hspy \\
          --background-range 590 633 --signal-range 615 685
      hyperspy-dag preprocess map.zspy clean.zspy --signal-range 615 685 --lazy
    """
    output = check_output(output, force, [spectra], signal=True)
    s = read_signal(spectra, lazy, signal).dag_preprocess(
        background_range,
        signal_range,
        "area" if by_area and normalise else normalise,
        pca_components,
        remove_spikes,
        background_type,
        background_fit,
        polynomial_order,
    )
    save(s, output, force)
    return Result({"output": str(output), "signal": repr(s)} | _record(s))


def _record(s: Any) -> dict[str, Any]:
    from hyperspy_dag.preprocessing.record import preprocessing_record

    return {"preprocessing": preprocessing_record(s)}


@app.command()
@command
def augment(
    spectra: opt.Spectra,
    output: opt.Stack,
    signal: opt.Signal = None,
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
        float | None,
        typer.Option(help="Of the stopping criterion. Default: 0.05 (refined) or 0.3 (paper)."),
    ] = None,
    max_epochs: Annotated[
        int | None, typer.Option(min=1, help="Default: 200 (refined) or 1000 (paper).")
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(help="single (default), or mixed: for graphics processors."),
    ] = None,
    training: Annotated[
        str | None,
        typer.Option(
            help="auto (default): where the spectra can be told from the statistical model's; "
            "always; or never."
        ),
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
    """Train a generator for each class; write synthetic spectra.

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
    from hyperspy_dag.preprocessing.steps import preprocess_if_asked
    from hyperspy_dag.training.settings import FitSettings

    from ._training import train

    inputs = [spectra, labels]
    output = check_output(output, force, inputs, signal=True)
    if save_augmenter is not None:
        save_augmenter = check_output(save_augmenter, force, [*inputs, output], signal=False)
    if resume and checkpoint_dir is None:
        raise ValueError("--resume needs --checkpoint-dir, the folder of the training")
    settings: dict[str, Any] = {
        "design": design,
        "architecture": architecture,
        "recipe": recipe,
        "stopping": stopping,
        "tolerance": tolerance,
        "max_epochs": max_epochs,
        "random_state": seed,
        "precision": precision,
        "training": training,
    }
    settings = {name: value for name, value in settings.items() if value is not None}
    if stopping == "none":
        settings["stopping"] = None
    FitSettings.checked(**settings)  # says what is wrong before anything is read

    s = read_signal(spectra, lazy, signal)
    given = read_labels(s, labels, label_column, labels_metadata)
    s = preprocess_if_asked(s, background_range, signal_range)
    augmenter = train(s, given, settings, checkpoint_dir, checkpoint_every, resume, n_jobs)
    with ExitStack() as both:  # hours of training are not lost because one file cannot be written
        if save_augmenter is not None:
            both.callback(_keep, augmenter, save_augmenter, force)
        stack = augmenter.sample(n_spectra)
        save(stack, output, force)
    return Result(
        {
            "output": str(output),
            "augmenter": None if save_augmenter is None else str(save_augmenter),
            "signal": repr(stack),
            "seed": augmenter.random_state_,
            "classes": augmenter.classes_,
            "spectra_per_class": n_spectra,
            "training_spectra": list(augmenter.training_counts_.values()),
            "epochs_trained": [len(h.generator_cost) for h in augmenter.history_.values()],
            "epoch_kept": [best.epoch for best in augmenter.best_.values()],
            "seconds": list(augmenter.fit_seconds_.values()),
        }
    )


def _keep(augmenter: EELSAugmenter, path: Path, force: bool) -> None:
    """Save an augmenter; under another name if the file was written meanwhile."""
    if force or not path.exists():
        augmenter.save(path, overwrite=force)
        return
    beside = path.with_name(f".{path.stem}.part{path.suffix}")
    augmenter.save(beside, overwrite=True)
    raise FileExistsError(
        f"{path} has come into being meanwhile and was left as it is; the augmenter is in {beside}"
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
    from hyperspy_dag._utils.checks import check_existing
    from hyperspy_dag.labels.label_map import stored_classes

    output = check_output(output, force, [augmenter], signal=True)
    loaded = EELSAugmenter.load(check_existing(augmenter))
    stack = loaded.sample(
        n_spectra,
        label=None if label is None else known_label(loaded.classes_, label),
        noise=noise,
        dose=dose,
        energy_jitter=energy_jitter,
        random_state=seed,
        lazy=lazy,
    )
    save(stack, output, force)
    how = stack.metadata.DAG.sampling.as_dictionary()
    return Result(
        {
            "output": str(output),
            "signal": repr(stack),
            "classes": stored_classes(stack),
            "spectra_per_class": n_spectra,
            "seed": how.pop("random_state"),
            **how,
        }
    )
