# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for other maps: adapt an augmenter to one, and classify one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
        Path | None,
        typer.Option(
            help="Measured low loss with its zero loss. Default: a plasmon.", metavar="FILE"
        ),
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
      hyperspy-dag adapt oxides.dag next.hspy next.dag --low-loss low.hspy --seed 1
    """
    from hyperspy_dag import EELSAugmenter
    from hyperspy_dag._utils.checks import check_existing

    output = check_output(output, force, [augmenter, target, low_loss], signal=False)
    if low_loss is None and low_loss_signal is not None:
        raise ValueError("--low-loss-signal belongs to --low-loss")
    low = None
    if low_loss is not None:
        low = read_signal(low_loss, signal=low_loss_signal, option="--low-loss-signal")
    loaded = EELSAugmenter.load(check_existing(augmenter))
    adapted = loaded.adapt(
        read_signal(target, lazy, signal),
        low_loss=low,
        plasmon_energy=plasmon_energy,
        random_state=seed,
    )
    adapted.save(output, overwrite=force)
    found = adapted.adaptation_
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
        }
    )


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
