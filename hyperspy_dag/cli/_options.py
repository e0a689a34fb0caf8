# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Spectra = Annotated[
    Path, typer.Argument(help="EELS spectra, in any format that HyperSpy reads.", metavar="SPECTRA")
]
Signal = Annotated[
    str | None,
    typer.Option(
        help="Of a file that holds several signals: number, from 0, or title of the one to take. "
        "Default: the only EELS signal, or the only one of core losses.",
        metavar="NUMBER|TITLE",
    ),
]
Augmenter = Annotated[
    Path, typer.Argument(help="Written by augment --save-augmenter.", metavar="FILE.dag")
]
Stack = Annotated[Path, typer.Argument(help="What to write: .hspy or .zspy.", metavar="OUTPUT")]
Labels = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        "-l",
        help="The class of each spectrum: .npy, .csv (also .tsv, .txt), .hspy or what else "
        "HyperSpy reads. Default: those in metadata.DAG.",
        metavar="FILE",
    ),
]
LabelColumn = Annotated[
    str | None,
    typer.Option("--label-column", help="Column of the .csv, by its name.", metavar="NAME"),
]
LabelsMetadata = Annotated[
    str | None,
    typer.Option(
        "--labels-metadata",
        help="Take the labels from the signal's metadata: Sample.labels, for instance, or "
        "original_metadata.labels.y.",
        metavar="PATH",
    ),
]
BackgroundRange = Annotated[
    tuple[float, float] | None,
    typer.Option(
        help="Subtract the background fitted between these energies, in eV.", metavar="LOW HIGH"
    ),
]
SignalRange = Annotated[
    tuple[float, float] | None, typer.Option(help="Keep these energies, in eV.", metavar="LOW HIGH")
]
Lazy = Annotated[
    bool,
    typer.Option("--lazy", help="Work block by block, on data larger than memory."),
]
Force = Annotated[bool, typer.Option("--force", "-f", help="Replace files that exist.")]
Seed = Annotated[
    int | None,
    typer.Option(min=0, help="Same number, same result. Default: drawn, and told in the result."),
]
SamplingSeed = Annotated[
    int | None, typer.Option(min=0, help="Of this command's draws. Default: the augmenter's own.")
]
