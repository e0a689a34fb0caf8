# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hyperspy_dag.validation import Report
    from hyperspy_dag.validation.report import Table


def report_text(report: Report, written: list[str]) -> str:
    """Return verdict and tables of a report as text, and the names of the written files.

    Parameters
    ----------
    report : Report
    written : list of str
        Names of files.
    """
    parts = [_table_text(table) for table in report.tables.values()]
    return "\n\n".join([report.verdict_text, *parts] + [f"output: {path}" for path in written])


def _table_text(table: Table) -> str:
    rows = [(table.index, table.columns), *table.text_rows()]
    # The name of a class has no figures.
    cells = [[name, *(values or [""] * len(table.columns))] for name, values in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    return "\n".join([table.title, *lines])
