# SPDX-License-Identifier: GPL-3.0-or-later
"""The program, its name, version and help text."""

from __future__ import annotations

from typing import Annotated

import typer

from hyperspy_dag import __version__

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
