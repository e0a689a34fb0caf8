# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of the validation of an augmenter: verdicts, tables, pictures, their file formats."""

from __future__ import annotations

import base64
import html
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from typing import TYPE_CHECKING, Any

from hyperspy_dag._utils.checks import check_choice, check_writable
from hyperspy_dag.io.files import to_strict_json
from hyperspy_dag.io.signals import write_text
from hyperspy_dag.labels import Label
from hyperspy_dag.validation._sources import Picture, Sources

from ._figures import measure
from .tstr import TSTRResult
from .verdict import LEVELS, Finding, Verdict

if TYPE_CHECKING:
    import pandas


__all__ = ["Report", "Table"]

_ARROWS = {"lower": "↓", "higher": "↑", "same": "=", "ratio": "→1"}


@dataclass(frozen=True)
class Table:
    """A table of a report.

    Attributes
    ----------
    title, note : str
        Heading, and text below the table.
    index : str
        Name of the rows.
    columns : list of str
    rows : list of (label, list of float or None)
        Label and figures of each row; None for a missing figure. Labels of two parts are class and
        figure.
    percent : bool
        Show the figures, which are fractions, in percent.
    marks : dict of label to str
        What is written behind labels, such as an arrow to the better values.
    alarms : set of label
        Rows whose first figure is marked.

    See Also
    --------
    Report.tables : The tables of a report.
    Report.to_dataframe : Convert a table.

    Examples
    --------
    >>> from hyperspy_dag.validation import Table
    >>> table = Table("Accuracy", "", "class", ["SVM"], [("MnO", [0.985])], percent=True)
    >>> list(table.text_rows())
    [('MnO', ['98.5 %'])]
    """

    title: str
    note: str
    index: str
    columns: list[str]
    rows: list[tuple[Any, list[float | None]]]
    percent: bool = False
    marks: dict[Any, str] = field(default_factory=dict)
    alarms: frozenset[Any] = frozenset()

    def text_rows(self) -> Iterator[tuple[str, list[str]]]:
        """Return the rows as text, one after the other; a class has a row of its own.

        Yields
        ------
        label : str
        figures : list of str
            Empty for the name of a class.

        See Also
        --------
        Report.to_dataframe : Return the rows as numbers.

        Examples
        --------
        >>> from hyperspy_dag.validation import Table
        >>> table = Table("SNR", "", "class", ["real", "synthetic"], [("MnO", [2.5, None])])
        >>> list(table.text_rows())
        [('MnO', ['2.5', '–'])]
        """
        above = None
        for label, values in self.rows:
            cells = [self._text(value) for value in values]
            if label in self.alarms:
                cells[0] += " !"
            name = label
            if isinstance(label, tuple):
                group, name = label
                if group != above:
                    yield str(group), []
                above = group
            yield f"{name} {self.marks.get(label, '')}".rstrip(), cells

    def _text(self, value: float | None) -> str:
        if value is None or math.isnan(value):
            return "–"
        if isinstance(value, int):
            return str(value)
        return f"{100 * value:.1f} %" if self.percent else f"{value:.3g}"


@dataclass(frozen=True, eq=False)  # holds arrays
class Report:
    """Verdicts, figures and pictures that compare synthetic with real spectra.

    Notebooks display it as a page. It is made by :meth:`hyperspy_dag.EELSAugmenter.evaluate`.

    Attributes
    ----------
    classes : list
        Classes of the test spectra.
    settings : dict
        Settings of the augmenter, and the seed of this evaluation.
    n_test : dict of class to int
        Number of test spectra, and of the synthetic spectra compared with them.
    trained_on : dict of class to int
        Number of test spectra that were trained on. With any, all figures are too good.
    n_compared : dict of class to int
        Number of spectra on each side of every comparison: half of the test spectra, at most 50 and
        as many as were trained on. All figures are means over random groups of that size.
    metrics : dict of class to dict of str to float
        Figures of synthetic against test spectra.
    reference : dict of class to (dict of str to float or None)
        Figures of test spectra against other test spectra; None for a class with fewer than 12.
    training : dict of class to (dict of str to float or None), or None
        Figures of training against test spectra. A generator can reach them if the test spectra are
        of another region or day. None without `s_train`.
    baselines : dict of str to dict of class to dict of str to float
        Figures of the conventional methods against test spectra; empty without `s_train`.
    limits : dict of class to dict of str to float
        The worst value of each judged figure that is no alarm.
    alarms : dict of class to list of str
        Figures beyond their limits.
    verdicts : dict of class to Verdict
    notes : list of str
        What else to know: test spectra that were trained on, warnings of the fit, what was not
        looked at.
    classification : TSTRResult or None
        Scores of the classifiers; None if no classifier was trained.
    resources : dict of class to dict
        Number of training spectra, epochs and seconds of the training of each class.

    See Also
    --------
    evaluate : Make a report.
    hyperspy_dag.EELSAugmenter.evaluate : Make a report.

    Examples
    --------
    The file is that of the example of :class:`hyperspy_dag.EELSAugmenter`.

    >>> from hyperspy_dag import EELSAugmenter
    >>> from hyperspy_dag.data import simulated_oxides
    >>> augmenter = EELSAugmenter.load("oxides.dag")
    >>> s_test, labels_test = simulated_oxides("WL-Mn", {"MnO": 20, "MnO2": 20}, random_state=1)
    >>> report = augmenter.evaluate(s_test, labels_test, classifiers=())
    >>> report
    <Report, 2 classes, 40 test spectra: look at; to_html(path) shows it all>
    >>> list(report.tables)
    ['metrics', 'resources']
    >>> report.verdicts["MnO"].topic
    'few'
    """

    classes: list[Label]
    settings: dict[str, Any]
    n_test: dict[Label, int]
    trained_on: dict[Label, int]
    n_compared: dict[Label, int]
    metrics: dict[Label, dict[str, float]]
    reference: dict[Label, dict[str, float] | None]
    training: dict[Label, dict[str, float] | None] | None
    baselines: dict[str, dict[Label, dict[str, float] | None]]
    limits: dict[Label, dict[str, float]]
    alarms: dict[Label, list[str]]
    verdicts: dict[Label, Verdict]
    notes: list[str]
    classification: TSTRResult | None
    resources: dict[Label, dict[str, float]]
    sources: Sources = field(repr=False, compare=False)

    def __repr__(self) -> str:
        count = sum(self.n_test.values())
        classes = f"{len(self.classes)} class{'es' if len(self.classes) > 1 else ''}"
        return (
            f"<Report, {classes}, {count} test spectra: {self.verdict.level}; to_html(path) shows "
            "it all>"
        )

    # -- verdict -----------------------------------------------------------------------------

    @cached_property
    def verdict(self) -> Verdict:
        """Verdict on all classes together: the findings of each, the worst first."""
        found = [
            one._replace(reason=f"{label}: {one.reason}")
            for label, verdict in self.verdicts.items()
            for one in verdict.findings
        ]
        found += _of_classifiers(self.classification)
        return Verdict(sorted(found, key=lambda one: -LEVELS.index(one.level)))

    @property
    def verdict_text(self) -> str:
        """The verdict in words, for a terminal: a line for all, some for each class, the notes."""
        lines = [f"Verdict: {self.verdict.level}"]
        for name, verdict in self._parts():
            lines += [f"  {name}: {verdict.level}", f"    {verdict.reason}"]
            lines += [f"    -> {verdict.remedy}"] if verdict.findings else []
        return "\n".join([*lines, *(f"  Note: {note}" for note in self.notes)])

    def _parts(self) -> list[tuple[str, Verdict]]:
        """What has a verdict: classes, and the classifiers where they have a finding."""
        parts = [(str(label), verdict) for label, verdict in self.verdicts.items()]
        found = _of_classifiers(self.classification)
        return [*parts, ("Classifiers", Verdict(found))] if found else parts

    # -- tables ------------------------------------------------------------------------------

    @cached_property
    def tables(self) -> dict[str, Table]:
        """Tables by name: "metrics", "classifiers" (if any were trained) and "resources"."""
        tables = {"metrics": self._metrics_table()}
        if self.classification is not None:
            tables["classifiers"] = self._classifier_table(self.classification)
        tables["resources"] = self._resources_table()
        return tables

    def _metrics_table(self) -> Table:
        sides: dict[str, dict[Label, Any]] = {
            "synthetic": self.metrics,
            "limit": self.limits,
            "real": self.reference,
        }
        if self.training is not None:
            sides |= {"training": self.training, **self.baselines}
        rows, marks, alarms = [], {}, set()
        for label in self.classes:
            for name in self.metrics[label]:
                key = (label, measure(name).name)
                marks[key] = _ARROWS[measure(name).better]
                rows.append((key, [(side[label] or {}).get(name) for side in sides.values()]))
                if name in self.alarms[label]:
                    alarms.add(key)
        counts = ", ".join(f"{n} of {label}" for label, n in self.n_compared.items())
        return Table(
            "Figures",
            "↓ smaller is better, ↑ larger is better, = like the real ones, →1 near 1. Beyond the "
            "limit (!), real groups of that size do not come by chance. All against real test "
            f"spectra, in equally large random groups: {counts}. “real”: other test spectra. "
            + (
                "“training”: the real spectra trained on, “noise” and so on: conventional methods."
                if self.training is not None
                else ""
            ),
            "figure",
            list(sides),
            rows,
            marks=marks,
            alarms=frozenset(alarms),
        )

    def _classifier_table(self, found: TSTRResult) -> Table:
        names = list(next(iter(found.scores.values())))
        counts = ", ".join(f"{n} ({training})" for training, n in found.n_train.items())
        return Table(
            "Accuracy of classifiers on the real test spectra",
            f"Training spectra: {counts}. As in Table 1 of del-Pozo-Bueno et al. 2024.",
            "trained on",
            [name.upper() for name in names],
            [
                (training, [by_name[name].accuracy if name in by_name else None for name in names])
                for training, by_name in found.scores.items()
            ],
            percent=True,
        )

    def _resources_table(self) -> Table:
        names = list(next(iter(self.resources.values())))
        return Table(
            "Resources",
            "Of the training of each class, on the machine that trained it; the state of the kept "
            "epoch makes the spectra.",
            "class",
            [name.replace("_", " ") for name in names],
            [(label, [row[name] for name in names]) for label, row in self.resources.items()],
        )

    # -- pictures ----------------------------------------------------------------------------

    @cached_property
    def pictures(self) -> list[Picture]:
        """Pictures as PNG files, drawn at the first access."""
        from ._pictures import draw_pictures

        return draw_pictures(self.sources, self.classification)

    # -- other forms -------------------------------------------------------------------------

    def _repr_html_(self) -> str:
        return self._render(whole_page=False)

    def to_html(self, path: str | os.PathLike, overwrite: bool = False) -> None:
        """Write the report as a single HTML file, with its tables and pictures.

        Parameters
        ----------
        path : str or path
            Name of the file, usually with the ending ".html".
        overwrite : bool, default False
            Replace an existing file.

        Raises
        ------
        FileExistsError, FileNotFoundError, PermissionError
            The file cannot be written.

        See Also
        --------
        to_dict : Return the figures for JSON.
        to_dataframe : Return a table.

        Examples
        --------
        The file is that of the example of :class:`hyperspy_dag.EELSAugmenter`.

        >>> from hyperspy_dag import EELSAugmenter
        >>> from hyperspy_dag.data import simulated_oxides
        >>> augmenter = EELSAugmenter.load("oxides.dag")
        >>> s_test, labels_test = simulated_oxides("WL-Mn", {"MnO": 20, "MnO2": 20}, random_state=1)
        >>> report = augmenter.evaluate(s_test, labels_test, classifiers=())
        >>> report.to_html("report.html", overwrite=True)
        """
        path = check_writable(path, overwrite)
        write_text(path, self._render(whole_page=True))

    def _render(self, whole_page: bool) -> str:
        from jinja2 import Environment, StrictUndefined

        environment = Environment(
            autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        environment.filters["code"] = _code
        environment.filters["b64"] = lambda png: base64.b64encode(png).decode("ascii")
        source = resources.files(__package__).joinpath("report.html.jinja").read_text("utf-8")
        return environment.from_string(source).render(
            whole_page=whole_page,
            title="Synthetic EELS spectra: validation",
            summary=self._summary(),
            verdict=self.verdict,
            parts=self._parts(),
            notes=self.notes,
            tables=list(self.tables.values()),
            pictures=self.pictures,
        )

    def _summary(self) -> str:
        s = self.settings
        return (
            f"hyperspy_dag {s['package_version']}: design {s['design']}, architecture "
            f"{s['architecture']}, recipe {s['recipe']}, random state "
            f"{s['augmenter_random_state']} (of this evaluation: {s['random_state']})."
        )

    def to_dataframe(self, table: str = "metrics") -> pandas.DataFrame:
        """Return a table as a pandas DataFrame.

        Parameters
        ----------
        table : str, default "metrics"
            A key of :attr:`tables`.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            pandas, which this package does not depend on, is not installed.
        ValueError
            There is no such table.

        See Also
        --------
        to_dict : Return all figures without pandas.
        tables : The tables.

        Examples
        --------
        The file is that of the example of :class:`hyperspy_dag.EELSAugmenter`.

        >>> from hyperspy_dag import EELSAugmenter
        >>> from hyperspy_dag.data import simulated_oxides
        >>> augmenter = EELSAugmenter.load("oxides.dag")
        >>> s_test, labels_test = simulated_oxides("WL-Mn", {"MnO": 20, "MnO2": 20}, random_state=1)
        >>> report = augmenter.evaluate(s_test, labels_test, classifiers=())
        >>> frame = report.to_dataframe()
        >>> frame.columns.tolist()
        ['synthetic', 'limit', 'real']
        >>> bool(frame.loc[("MnO", "precision (realistic?)"), "synthetic"] > 0.5)
        True
        """
        chosen = self.tables[check_choice("table", table, self.tables)]
        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                "to_dataframe needs pandas: install it with 'pip install pandas', or use "
                "to_dict(), which needs nothing"
            ) from error
        labels = [label for label, _ in chosen.rows]
        grouped = isinstance(labels[0], tuple)
        return pandas.DataFrame(
            [values for _, values in chosen.rows],
            index=pandas.MultiIndex.from_tuples(labels, names=["class", chosen.index])
            if grouped
            else pandas.Index(labels, name=chosen.index),
            columns=chosen.columns,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as dicts, lists, text and numbers that JSON can hold.

        Returns
        -------
        dict
            Figures of the classes are lists in the order of ``"classes"`` (resources: of
            ``"trained_classes"``; confusion matrices: of ``"classification"``'s own ``"classes"``).
            A figure that is missing or not finite is None. ``"verdict"`` has the level of all and
            of each class, and the findings: what they are ``"of"``, level, topic, reason, remedy.

        See Also
        --------
        to_dataframe : Return a single table.
        to_html : Write tables and pictures.

        Examples
        --------
        The file is that of the example of :class:`hyperspy_dag.EELSAugmenter`.

        >>> from hyperspy_dag import EELSAugmenter
        >>> from hyperspy_dag.data import simulated_oxides
        >>> augmenter = EELSAugmenter.load("oxides.dag")
        >>> s_test, labels_test = simulated_oxides("WL-Mn", {"MnO": 20, "MnO2": 20}, random_state=1)
        >>> report = augmenter.evaluate(s_test, labels_test, classifiers=())
        >>> report.to_dict()["n_test"]
        [20, 20]
        """
        content: dict[str, Any] = {
            "classes": self.classes,
            "settings": self.settings,
            "verdict": {
                "level": self.verdict.level,
                "classes": [verdict.level for verdict in self.verdicts.values()],
                "findings": [
                    {"of": name, **one._asdict()} for name, v in self._parts() for one in v.findings
                ],
                "notes": self.notes,
            },
            "n_test": list(self.n_test.values()),
            "n_compared": list(self.n_compared.values()),
            "trained_on": list(self.trained_on.values()),
            "metrics": _columns(self.metrics, self.classes),
            "reference": _columns(self.reference, self.classes),
            "training": _columns(self.training or {}, self.classes),
            "baselines": {
                name: _columns(found, self.classes) for name, found in self.baselines.items()
            },
            "limits": _columns(self.limits, self.classes),
            "trained_classes": list(self.resources),
            "resources": _columns(self.resources, list(self.resources)),
            "classification": None,
        }
        found = self.classification
        if found is not None:
            content["classification"] = {
                "classes": found.classes,
                "n_train": found.n_train,
                "accuracy": found.accuracies(),
                "confusion": {
                    training: {name: score.confusion for name, score in by_name.items()}
                    for training, by_name in found.scores.items()
                },
                "seconds": {
                    training: {name: score.seconds for name, score in by_name.items()}
                    for training, by_name in found.scores.items()
                },
            }
        return to_strict_json(content)


def _of_classifiers(found: TSTRResult | None) -> list[Finding]:
    """Find whether classifiers of synthetic spectra do worse than those of real ones."""
    if found is None or "real" not in found.scores:
        return []
    best = {side: max(x.values(), key=lambda s: s.accuracy) for side, x in found.scores.items()}
    real, synthetic = best["real"].accuracy, best["synthetic"].accuracy
    chance = math.sqrt(2 * real * (1 - real) / best["real"].confusion.sum())
    if real - synthetic <= max(0.05, 3 * chance):
        return []
    return [
        Finding(
            LEVELS[1],
            "classifiers",
            f"Classifiers of synthetic spectra get {synthetic:.0%} of the test spectra right, "
            f"those of the real training spectra {real:.0%}.",
            "See the confusion matrices for which classes are taken for which.",
        )
    ]


def _code(text: str) -> str:
    """Escape a text for HTML, with what stands between backticks as code."""
    parts = html.escape(text).split("`")
    return "".join(f"<code>{x}</code>" if i % 2 else x for i, x in enumerate(parts))


def _columns(by_class: dict[Label, Any], classes: list[Label]) -> dict[str, list]:
    """Convert {class: {name: figure}} to {name: [figure of each class]}."""
    names: dict[str, None] = {}
    for row in by_class.values():
        names |= dict.fromkeys(row or {})
    return {name: [(by_class[label] or {}).get(name) for label in classes] for name in names}
