# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of the commands: spectra and labels in, spectra out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._frame import note

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

# --- out ------------------------------------------------------------------------------------------


def check_output(path: Path, force: bool, inputs: Sequence[Path | None], *, signal: bool) -> Path:
    """Return `path` if it can be written, checked before the work.

    Raises
    ------
    OSError
        The file exists and `force` is False, or cannot be written.
    ValueError
        The file is one of the inputs, or the format of a signal has no labels.
    """
    from hyperspy_dag._utils.checks import check_signal_file, check_writable

    path = (check_signal_file if signal else check_writable)(path, overwrite=True)
    given = [one.expanduser().resolve() for one in inputs if one is not None]
    if path.resolve() in given:
        raise ValueError(f"{path} is read and written in one command; give another name to write")
    if path.exists() and not force:
        raise FileExistsError(f"{path} exists; give another name, or --force to replace it")
    return path


def save(signal: EELSSpectrum, path: Path, force: bool) -> None:
    """Save a signal; an interrupted job leaves no incomplete file."""
    from hyperspy.defaults_parser import preferences

    from hyperspy_dag.io.signals import save_signal

    # Dask's bar is made for terminals: it fills the log of a batch job.
    show = preferences.General.show_progressbar and sys.stderr.isatty()
    save_signal(signal, path, overwrite=force, show_progressbar=show)


# --- in -------------------------------------------------------------------------------------------


def read_signal(
    path: Path, lazy: bool = False, signal: str | None = None, option: str = "--signal"
) -> EELSSpectrum:
    """Read the spectra of a file; see :func:`.reading.read_signal`."""
    from hyperspy_dag.io.reading import read_signal

    return read_signal(path, lazy, signal, option, _note)


def read_labels(
    s: EELSSpectrum,
    path: Path | None,
    column: str | None,
    metadata: str | None,
    option: str = "--labels",
) -> Any:
    """Read the labels of `s` as given by the options of a command.

    Parameters
    ----------
    s : EELSSpectrum
    path : Path, optional
        .npy, table of text (.csv, .tsv, .txt), or a file that HyperSpy reads.
    column : str, optional
        Column of the table.
    metadata : str, optional
        Item of the signal's metadata with the labels.
    option : str, default "--labels"
        Name of the option of `path`.

    Returns
    -------
    array-like or signal
        Labels in a format of ``EELSAugmenter.fit``. Without `path` and `metadata`, those in
        ``metadata.DAG`` of a signal made by this package.

    Raises
    ------
    FileNotFoundError, ValueError
        There are no labels, or not one for each spectrum.
    """
    from hyperspy_dag import get_labels
    from hyperspy_dag.labels.files import TABLES, read_label_file

    if path is not None and metadata is not None:
        raise ValueError("give --labels or --labels-metadata, not both")
    if column is not None and (path is None or path.suffix.lower() not in TABLES):
        raise ValueError(
            f"{option.removesuffix('s')}-column belongs to {option} with a .csv, .tsv or .txt file"
        )
    if metadata is not None:
        return _metadata_labels(s, metadata)
    if path is not None:
        return read_label_file(s, path, column, _note)
    if s.metadata.has_item("DAG.labels"):
        return get_labels(s)
    raise ValueError(
        f"which class are these spectra of? Give {option} FILE, or --labels-metadata PATH where "
        "the signal's own metadata hold them"
    )


def _note(message: str) -> None:
    note(f"note: {message}")


def _metadata_labels(s: EELSSpectrum, name: str) -> Any:
    from hyperspy_dag.labels.files import in_the_maps_shape

    # Instruments' own entries, and much that was brought along, are in the other tree.
    tree = s.metadata
    place = name.removeprefix("metadata.")
    if name.startswith("original_metadata."):
        tree, place = s.original_metadata, name.removeprefix("original_metadata.")
    found = tree.get_item(place)
    if found is None or hasattr(found, "as_dictionary"):
        raise ValueError(
            f"--labels-metadata {name}: there are no labels; give the path of a list or array in "
            "the metadata, such as Sample.labels or original_metadata.labels.y"
        )
    return in_the_maps_shape(s, found, name, _note)


def known_label(classes: list, text: str) -> Any:
    """Return the class that is written as `text` on the command line.

    Raises
    ------
    ValueError
        There is no such class.
    """
    for label in classes:
        if str(label) == text:
            return label
    raise ValueError(f"--label {text}: the classes are {', '.join(map(str, classes))}")


def count_labels(s: EELSSpectrum, labels: Any) -> dict[str, int]:
    """Return the number of spectra of each class, and of unlabelled spectra."""
    from hyperspy_dag.labels import parse_labels

    parsed = parse_labels(s, labels)
    counts = {str(label): n for label, n in parsed.counts.items()}
    unlabelled = parsed.index.size - sum(counts.values())
    return counts | ({"(unlabelled)": unlabelled} if unlabelled else {})
