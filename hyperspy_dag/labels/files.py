# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels from files, for the command line and the interface."""

from __future__ import annotations

import csv
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_dag._utils.checks import check_existing

from .label_map import get_labels
from .parsing import UNLABELLED_STRINGS

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

_logger = logging.getLogger(__name__)

#: Endings of tables of text, and what may separate their columns.
TABLES = {".csv": ",;\t", ".tsv": "\t", ".txt": ",;\t"}


def read_label_file(
    s: EELSSpectrum,
    path: Path,
    column: str | None = None,
    note: Callable[[str], None] = _logger.info,
) -> Any:
    """Read the labels of the spectra of a signal from a file.

    Parameters
    ----------
    s : EELSSpectrum
    path : Path
        .npy, table of text (.csv, .tsv, .txt), or a file that HyperSpy reads.
    column : str, optional
        Column of a table that has several.
    note : callable, optional
        Called with the assumptions that were made. Default: the log.

    Returns
    -------
    array-like or signal
        In a format of ``EELSAugmenter.fit``.

    Raises
    ------
    FileNotFoundError
        The file does not exist.
    ValueError
        The labels cannot be read, or their number differs from that of the spectra.
    """
    path = check_existing(path)
    suffix = path.suffix.lower()
    if suffix in TABLES:
        return _table_labels(s, path, column, note)
    if suffix == ".npy":
        try:
            labels = np.load(path, allow_pickle=False)
        except (EOFError, MemoryError, OSError, ValueError) as error:
            hint = " Save text labels as numpy.array(labels, dtype=str)." * ("pickle" in str(error))
            said = str(error) or type(error).__name__
            raise ValueError(f"cannot read labels from {path}: {said}.{hint}") from error
        return in_the_maps_shape(s, labels, str(path), note)
    import hyperspy.api as hs

    try:
        signal = hs.load(path)
    except Exception as error:  # readers raise all there is
        raise ValueError(f"HyperSpy cannot read labels from {path}: {error}") from error
    if isinstance(signal, list):
        labelled = [one for one in signal if one.metadata.has_item("DAG.labels")]
        signal = labelled[0] if len(labelled) == 1 else signal
    if isinstance(signal, list):
        raise ValueError(f"{path} holds {len(signal)} signals; save the labels alone")
    if signal.metadata.has_item("DAG.labels"):
        return get_labels(signal)
    return in_the_maps_shape(s, signal.data, str(path), note)


def in_the_maps_shape(
    s: EELSSpectrum, labels: Any, origin: str, note: Callable[[str], None] = _logger.info
) -> Any:
    """Return a list of the labels of a map in the shape of the map; other labels unchanged."""
    array = np.asarray(labels)
    shape = s.data.shape[:-1]
    if array.ndim == 1 and len(shape) > 1 and array.size == np.prod(shape):
        note(f"{origin} is one list; taken row by row as a map of {shape}")
        return array.reshape(shape)
    return array


def _table_labels(
    s: EELSSpectrum, path: Path, column: str | None, note: Callable[[str], None]
) -> Any:
    rows = _read_table(path)
    shape = s.data.shape[:-1]
    count = int(np.prod(shape))
    if len(rows) == count + 2 and rows[-1] == [""]:
        rows.pop()  # a line end too many, after as many labels as there are and their heading
    if column is not None:
        cells = _column(path, rows, column)
    elif all(len(row) == 1 for row in rows):
        cells = [row[0] for row in rows]
        if len(cells) == count + 1:
            cells = _without_one_line(cells, path, note)
    elif (len(rows), len(rows[0])) == shape:
        cells = [cell for row in rows for cell in row]
    else:
        raise ValueError(
            f"{path} has {len(rows[0])} columns; say which holds the labels (on the command line: "
            f"--label-column NAME), one of {', '.join(map(repr, rows[0]))}, or save that one alone"
        )
    if len(cells) != count:
        raise ValueError(
            f"{path} holds {len(cells)} labels, but there are {count} spectra; give one for each, "
            "an empty one where there is none"
        )
    return np.array(_numbers(cells), dtype=object).reshape(shape)


def _read_table(path: Path) -> list[list[str]]:
    try:
        # Line ends as they are: the reader of tables knows which of them are within quotes.
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            delimiter = max(TABLES[path.suffix.lower()], key=first.count)
            read = list(csv.reader(file, delimiter=delimiter))
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not text in UTF-8 ({error}); save it as such") from error
    except (OSError, csv.Error) as error:
        raise ValueError(f"cannot read labels from {path}: {error}") from error
    if not read:
        raise ValueError(f"{path} is empty")
    rows = [[cell.strip() for cell in row] or [""] for row in read]
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


def _without_one_line(cells: list[str], path: Path, note: Callable[[str], None]) -> list[str]:
    """Remove a heading, or an empty line at the end, from one line too many."""
    first = cells[0]
    # No class has a single spectrum, and nobody's heading says that there is no label.
    if first not in cells[1:] and first.lower() not in UNLABELLED_STRINGS:
        note(f"{path}: the first line, {first!r}, is taken as a heading")
        return cells[1:]
    return cells[:-1] if cells[-1] == "" else cells


def _numbers(cells: list[str]) -> list[Any]:
    """Convert labels that are all whole numbers to integers, as in an array of numbers."""
    known = {cell for cell in cells if cell.lower() not in UNLABELLED_STRINGS}
    try:
        values = {cell: float(cell) for cell in known}
    except ValueError:
        return cells
    whole = all(value.is_integer() for value in values.values())
    # 001 is a name that somebody chose.
    named = any(re.match(r"[+-]?0[0-9]", cell) for cell in known)
    if not whole or named or len(set(values.values())) != len(values):
        return cells
    return [int(values[cell]) if cell in values else None for cell in cells]
