# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for other maps: adapt an augmenter to one, and classify one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from . import _options as opt
from ._app import app
from ._files import check_output, read_signal
from ._frame import Result, command

_Target = Annotated[
    Path,
    typer.Argument(help="Spectra of another map, prepared as the labelled ones.", metavar="TARGET"),
]


@app.command()
@command
def adapt(
    augmenter: opt.Augmenter,
    target: _Target,
    output: Annotated[
        Path, typer.Argument(help="Adapted augmenter to write.", metavar="OUTPUT.dag")
    ],
    signal: opt.Signal = None,
    low_loss: Annotated[
        list[str] | None,
        typer.Option(
            help="Measured low loss with its zero loss; of a class: CLASS=FILE, once for each. "
            "Default: a plasmon.",
            metavar="FILE|CLASS=FILE",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Picture of what was found to write, .png.", metavar="FILE.png"),
    ] = None,
    low_loss_signal: Annotated[
        str | None, typer.Option(help="As --signal, of --low-loss.", metavar="NUMBER|TITLE")
    ] = None,
    plasmon_energy: Annotated[float, typer.Option(help="Of that plasmon, in eV.")] = 23.0,
    seed: opt.SamplingSeed = None,
    lazy: opt.Lazy = False,
    force: opt.Force = False,
) -> Result:
    """Adapt a saved augmenter to the unlabelled spectra of another map.

    \b
    Examples:
      hyperspy-dag adapt oxides.dag next.hspy next.dag
      hyperspy-dag adapt oxides.dag next.hspy next.dag --low-loss low.hspy --plot found.png
      hyperspy-dag adapt oxides.dag next.hspy next.dag --low-loss MnO=a.hspy --low-loss MnO2=b.hspy
    """
    from hyperspy_dag import EELSAugmenter
    from hyperspy_dag._utils.checks import check_existing

    inputs = [augmenter, target, *(_class_and_file(text)[1] for text in low_loss or [])]
    output = check_output(output, force, inputs, signal=False)
    if plot is not None:
        plot = check_output(plot, force, [*inputs, output], signal=False)
    if not low_loss and low_loss_signal is not None:
        raise ValueError("--low-loss-signal belongs to --low-loss")
    loaded = EELSAugmenter.load(check_existing(augmenter))
    losses = _low_losses(low_loss or [], loaded.classes_, low_loss_signal)
    adapted = loaded.adapt(
        read_signal(target, lazy, signal),
        low_loss=losses,
        plasmon_energy=plasmon_energy,
        random_state=seed,
    )
    adapted.save(output, overwrite=force)
    found = adapted.adaptation_
    if plot is not None:
        found.plot()[0].figure.savefig(plot, dpi=150)
    return Result(
        {
            "output": str(output),
            "target_spectra": found.n_target,
            "fractions": {str(label): value for label, value in found.fractions.items()},
            "unlike_all": found.unlike,
            "conditions": {
                str(label): {name: list(one) for name, one in own.items()}
                for label, own in found.conditions.items()
            },
            "p_value": found.p_value,
            "warnings": list(found.messages),
        },
        f"{output}\n{found}",
    )


def _class_and_file(text: str) -> tuple[str | None, Path]:
    """Take CLASS=FILE apart; of FILE, also one with "=" in its name, the class is None."""
    name, _, path = text.partition("=")
    return (name, Path(path)) if path and not Path(text).exists() else (None, Path(text))


def _low_losses(given: list[str], classes: list, signal: str | None) -> Any:
    """Read one low loss for all classes, or those of several."""
    named = {str(label): label for label in classes}
    found = {}

    def read(path: Path) -> Any:
        return read_signal(path, signal=signal, option="--low-loss-signal")

    for text in given:
        name, path = _class_and_file(text)
        if name is None:
            if len(given) > 1:
                raise ValueError(
                    f"--low-loss {text}: of several, each must be CLASS=FILE; the classes are "
                    f"{', '.join(named)}"
                )
            return read(path)
        if name not in named:
            raise ValueError(
                f"--low-loss {text}: there is no class {name!r}; the classes are {', '.join(named)}"
            )
        found[named[name]] = read(path)
    return found or None


@app.command()
@command
def classify(
    augmenter: opt.Augmenter,
    target: _Target,
    output: Annotated[
        Path,
        typer.Argument(help="Map to write: .hspy, .zspy, or a picture, .png.", metavar="OUTPUT"),
    ],
    signal: opt.Signal = None,
    n_spectra: Annotated[
        int,
        typer.Option("--n-spectra", "-n", min=20, help="Synthetic spectra of each class to learn."),
    ] = 300,
    seed: opt.SamplingSeed = None,
    lazy: opt.Lazy = False,
    force: opt.Force = False,
) -> Result:
    """Classify the spectra of a map by the synthetic spectra of an augmenter.

    \b
    Examples:
      hyperspy-dag classify next.dag next.hspy phases.hspy
      hyperspy-dag classify next.dag next.hspy phases.png
    """
    from hyperspy_dag import EELSAugmenter
    from hyperspy_dag._utils.checks import check_existing

    picture = output.suffix.lower() == ".png"
    output = check_output(output, force, [augmenter, target], signal=not picture)
    loaded = EELSAugmenter.load(check_existing(augmenter))
    found = loaded.classify(
        read_signal(target, lazy, signal), n_spectra=n_spectra, random_state=seed
    )
    found.save(output, overwrite=force)
    return Result(
        {
            "output": str(output),
            "shape": list(found.index.shape),
            "spectra": {
                "like none" if label is None else str(label): n for label, n in found.counts.items()
            },
        }
    )
