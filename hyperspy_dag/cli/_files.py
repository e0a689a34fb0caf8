# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectra and labels in, spectra out: files as batch jobs have them."""

from __future__ import annotations

import csv
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._frame import note

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

#: Endings of tables of text.
_TABLES = {".csv": ",;\t", ".tsv": "\t", ".txt": ",;\t"}


# --- out ------------------------------------------------------------------------------------------


def check_output(path: Path, force: bool, inputs: list[Path | None], *, signal: bool) -> Path:
    """Return `path` if it can be written, tried before hours of work.

    Raises
    ------
    OSError
        It exists and `force` is False, or cannot be written.
    ValueError
        It is one of the inputs, or a signal's ending is not one that keeps labels.
    """
    from hyperspy_dag._checks import check_signal_file, check_writable

    path = (check_signal_file if signal else check_writable)(path, overwrite=True)
    if any(one is not None and one.resolve() == path.resolve() for one in inputs):
        raise ValueError(f"{path} is read and written in one command; give another name to write")
    if path.exists() and not force:
        raise FileExistsError(f"{path} exists; give another name, or --force to replace it")
    return path


def save_signal(signal: EELSSpectrum, path: Path) -> None:
    """Save a signal; the name appears, or what it names changes, when all is written.

    A job that is killed while it saves leaves nothing that the next one would take for a result.
    """
    from hyperspy.defaults_parser import preferences

    # Dask's bar is made for terminals: it fills the log of a batch job.
    show = preferences.General.show_progressbar and sys.stderr.isatty()
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        signal.save(part, overwrite=True, show_progressbar=show)
        if path.is_dir():  # .zspy
            shutil.rmtree(path)
        os.replace(part, path)
    finally:
        if part.is_dir():
            shutil.rmtree(part)
        else:
            part.unlink(missing_ok=True)


# --- in -------------------------------------------------------------------------------------------


def existing(path: Path) -> Path:
    """Return `path` with ``~`` resolved.

    Raises
    ------
    FileNotFoundError
        There is nothing of that name.
    """
    path = path.expanduser()
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    return path


def read_signal(path: Path, lazy: bool = False) -> EELSSpectrum:
    """Read the spectra of a file that HyperSpy reads.

    Where a file holds several signals, as a microscope's software saves an image beside the
    spectra, the only EELS signal is taken. A plain Signal1D is taken as EELS.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        HyperSpy cannot read it, or it holds several EELS signals, or none.
    """
    import hyperspy.api as hs
    from exspy.signals import EELSSpectrum

    path = existing(path)
    try:
        loaded = hs.load(path, lazy=lazy)
    except Exception as error:  # readers raise all there is
        raise ValueError(f"HyperSpy cannot read {path}: {error}") from error
    found = loaded if isinstance(loaded, list) else [loaded]
    chosen = [s for s in found if isinstance(s, EELSSpectrum)] or [s for s in found if _plain(s)]
    if len(chosen) != 1:
        held = ", ".join(map(repr, found))
        raise ValueError(
            f"{path} holds {'several EELS signals' if chosen else 'no EELS signal'}: {held}. Save "
            "the spectra as a file of their own"
            + ("" if chosen else ', after s.set_signal_type("EELS")')
        )
    (s,) = chosen
    if len(found) > 1:
        note(f"note: of the {len(found)} signals in {path}, {s!r} is taken")
    if _plain(s):
        note(f"note: {path} holds a {type(s).__name__}; taken as EELS spectra")
        s.set_signal_type("EELS")
    return s


def _plain(s: Any) -> bool:
    return s.axes_manager.signal_dimension == 1 and not s.metadata.Signal.signal_type


def read_labels(
    s: EELSSpectrum, path: Path | None, column: str | None, metadata: str | None
) -> Any:
    """Read the labels of `s` in one of the ways that the options of a command name.

    Parameters
    ----------
    s : EELSSpectrum
    path : Path, optional
        .npy, table of text (.csv, .tsv, .txt), or a file that HyperSpy reads.
    column : str, optional
        Of the table.
    metadata : str, optional
        Where in the signal's metadata they are.

    Returns
    -------
    array-like or signal
        As ``EELSAugmenter.fit`` takes them. Without `path` and `metadata`, those in
        ``metadata.DAG`` of a signal made by this package.

    Raises
    ------
    FileNotFoundError, ValueError
        There are none, or not one for each spectrum.
    """
    from hyperspy_dag import get_labels

    if path is not None and metadata is not None:
        raise ValueError("give --labels or --labels-metadata, not both")
    if column is not None and (path is None or path.suffix.lower() not in _TABLES):
        raise ValueError("--label-column belongs to --labels with a .csv, .tsv or .txt file")
    if metadata is not None:
        return _metadata_labels(s, metadata)
    if path is not None:
        return _file_labels(s, existing(path), column)
    if s.metadata.has_item("DAG.labels"):
        return get_labels(s)
    raise ValueError(
        "which class are these spectra of? Give --labels FILE, or --labels-metadata PATH where "
        "the signal's own metadata hold them"
    )


def _metadata_labels(s: EELSSpectrum, name: str) -> Any:
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
    return _fitted_to(s, found, name)


def _file_labels(s: EELSSpectrum, path: Path, column: str | None) -> Any:
    import numpy as np

    suffix = path.suffix.lower()
    if suffix in _TABLES:
        return _table_labels(s, path, column)
    if suffix == ".npy":
        try:
            labels = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            hint = " Save text labels as numpy.array(labels, dtype=str)." * ("pickle" in str(error))
            raise ValueError(f"cannot read labels from {path}: {error}.{hint}") from error
        return _fitted_to(s, labels, str(path))
    import hyperspy.api as hs

    from hyperspy_dag import get_labels

    try:
        signal = hs.load(path)
    except Exception as error:  # readers raise all there is
        raise ValueError(f"HyperSpy cannot read labels from {path}: {error}") from error
    if isinstance(signal, list):
        raise ValueError(f"{path} holds {len(signal)} signals; save the labels alone")
    if signal.metadata.has_item("DAG.labels"):
        return get_labels(signal)
    return _fitted_to(s, signal.data, str(path))


def _fitted_to(s: EELSSpectrum, labels: Any, origin: str) -> Any:
    """Labels as a list, of a map, in the map's shape; other shapes are the parser's to refuse."""
    import numpy as np

    array = np.asarray(labels)
    shape = s.data.shape[:-1]
    if array.ndim == 1 and len(shape) > 1 and array.size == np.prod(shape):
        note(f"note: {origin} is one list; taken row by row as a map of {shape}")
        return array.reshape(shape)
    return array


def _table_labels(s: EELSSpectrum, path: Path, column: str | None) -> Any:
    import numpy as np

    rows = _read_table(path)
    shape = s.data.shape[:-1]
    count = int(np.prod(shape))
    if column is not None:
        cells = _column(path, rows, column)
    elif all(len(row) == 1 for row in rows):
        cells = _single_column([row[0] for row in rows], count)
    elif (len(rows), len(rows[0])) == shape:
        cells = [cell for row in rows for cell in row]
    else:
        raise ValueError(
            f"{path} has {len(rows[0])} columns; say which holds the labels: --label-column NAME, "
            f"one of {', '.join(map(repr, rows[0]))}"
        )
    if len(cells) != count:
        raise ValueError(
            f"{path} holds {len(cells)} labels, but there are {count} spectra; give one for each, "
            "an empty one where there is none"
        )
    return np.array(_numbers(cells), dtype=object).reshape(shape)


def _read_table(path: Path) -> list[list[str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not text in UTF-8 ({error}); save it as such") from error
    lines = text.splitlines()
    if not lines:
        raise ValueError(f"{path} is empty")
    delimiter = max(_TABLES[path.suffix.lower()], key=lines[0].count)
    rows = [
        [cell.strip() for cell in row] or [""] for row in csv.reader(lines, delimiter=delimiter)
    ]
    # A table written with a line end too many; in a single column an empty line is a spectrum.
    while len(rows[0]) > 1 and rows[-1] == [""]:
        rows.pop()
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise ValueError(
                f"{path}, line {number}: {len(row)} columns, where line 1 has {len(rows[0])}"
            )
    return rows


def _column(path: Path, rows: list[list[str]], name: str) -> list[str]:
    positions = [i for i, cell in enumerate(rows[0]) if cell == name]
    if len(positions) != 1:
        raise ValueError(
            f"{path} has {'no' if not positions else 'more than one'} column {name!r}; its first "
            f"line names {', '.join(map(repr, rows[0]))}"
        )
    return [row[positions[0]] for row in rows[1:]]


def _single_column(cells: list[str], count: int) -> list[str]:
    """Leave out a header, or an empty line at the end, if there is a line more than spectra."""
    if len(cells) != count + 1:
        return cells
    if cells[0] not in cells[1:]:  # no class has a single spectrum
        return cells[1:]
    return cells[:-1] if cells[-1] == "" else cells


def _numbers(cells: list[str]) -> list[Any]:
    """Whole numbers as such, where all labels are: as an array of numbers would have come."""
    from hyperspy_dag.labels import UNLABELLED_STRINGS

    known = [cell for cell in cells if cell.lower() not in UNLABELLED_STRINGS]
    try:
        values = {cell: float(cell) for cell in set(known)}
    except ValueError:
        return cells
    whole = all(value.is_integer() for value in values.values())
    if not whole or len(set(values.values())) != len(values):
        return cells
    return [int(values[cell]) if cell in values else None for cell in cells]


def known_label(classes: list, text: str) -> Any:
    """Return the class that is written as `text` on the command line.

    Raises
    ------
    ValueError
        There is none.
    """
    for label in classes:
        if str(label) == text:
            return label
    raise ValueError(f"--label {text}: the classes are {', '.join(map(str, classes))}")


def count_labels(s: EELSSpectrum, labels: Any) -> dict[str, int]:
    """Return the number of spectra of each class, and of those without one."""
    from hyperspy_dag.labels import parse_labels

    parsed = parse_labels(s, labels)
    counts = {str(label): n for label, n in parsed.counts.items()}
    unlabelled = parsed.index.size - sum(counts.values())
    return counts | ({"(unlabelled)": unlabelled} if unlabelled else {})
