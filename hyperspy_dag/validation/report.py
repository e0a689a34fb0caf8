# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of the validation of an augmenter: tables, pictures and their file formats."""

from __future__ import annotations

import base64
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

from .tstr import TSTRResult

if TYPE_CHECKING:
    import pandas


__all__ = ["Report", "Table"]

_METRIC_NAMES = {
    "frechet_distance": "Fréchet distance",
    "pearson_correlation": "Pearson correlation",
    "cosine_distance": "cosine distance",
    "kl_divergence": "KL divergence",
    "kl_divergence_pca": "KL divergence (PCA)",
    "snr": "SNR",
    "kernel_distance": "kernel distance",
    "noise_correlation_gap": "noise correlation, difference",
    "memorisation_ratio": "memorisation ratio",
}


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
        Label and figures of each row; None for a missing figure.
    percent : bool
        Show the figures, which are fractions, in percent.

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

    def text_rows(self) -> Iterator[tuple[str, list[str]]]:
        """Return the rows as text, one after the other.

        Yields
        ------
        label : str
        figures : list of str

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
        for label, values in self.rows:
            yield str(label), [self._text(value) for value in values]

    def _text(self, value: float | None) -> str:
        if value is None or math.isnan(value):
            return "–"
        if isinstance(value, int):
            return str(value)
        return f"{100 * value:.1f} %" if self.percent else f"{value:.3g}"


@dataclass(frozen=True, eq=False)  # holds arrays
class Report:
    """Figures and pictures that compare synthetic with real spectra.

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
    metrics : dict of class to dict of str to float
        Metrics of synthetic against test spectra.
    reference : dict of class to (dict of str to float or None)
        Metrics of one half of the test spectra against the other, mean of 4 random halvings; None
        for a class with fewer than 12 test spectra.
    training : dict of class to (dict of str to float or None), or None
        Metrics of training against test spectra. A generator can reach them if the test spectra are
        of another region or day. The memorisation ratio is that of one half of the training
        spectra, as if it were synthetic and learned from the other. None without `s_train`, and for
        a class with fewer than 12 training spectra.
    snr : dict of class to dict
        Signal-to-noise ratio of ``"real"`` (test) and ``"synthetic"`` spectra.
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
    <Report, 2 classes, 40 test spectra; to_html(path) shows it all>
    >>> list(report.tables)
    ['metrics', 'snr', 'resources']
    >>> sorted(report.snr["MnO"])
    ['real', 'synthetic']
    """

    classes: list[Label]
    settings: dict[str, Any]
    n_test: dict[Label, int]
    trained_on: dict[Label, int]
    metrics: dict[Label, dict[str, float]]
    reference: dict[Label, dict[str, float] | None]
    training: dict[Label, dict[str, float] | None] | None
    snr: dict[Label, dict[str, float]]
    classification: TSTRResult | None
    resources: dict[Label, dict[str, float]]
    sources: Sources = field(repr=False, compare=False)

    def __repr__(self) -> str:
        count = sum(self.n_test.values())
        classes = f"{len(self.classes)} class{'es' if len(self.classes) > 1 else ''}"
        return f"<Report, {classes}, {count} test spectra; to_html(path) shows it all>"

    # -- tables ------------------------------------------------------------------------------

    @cached_property
    def tables(self) -> dict[str, Table]:
        """Tables by name: "metrics", "snr", "classifiers" (if any were trained) and "resources"."""
        tables = {"metrics": self._metrics_table(), "snr": self._snr_table()}
        if self.classification is not None:
            tables["classifiers"] = self._classifier_table(self.classification)
        tables["resources"] = self._resources_table()
        return tables

    def _metrics_table(self) -> Table:
        names = list(self.metrics[self.classes[0]])
        columns: list[str] = []
        rows: list[tuple[str, list[float | None]]] = [(_metric_name(name), []) for name in names]
        sides: dict[str, dict[Label, dict[str, float] | None]] = {"synthetic": dict(self.metrics)}
        if self.training is not None:
            sides["real training spectra"] = self.training
        sides["real halves"] = self.reference
        for label in self.classes:
            for side, by_class in sides.items():
                found = by_class[label] or {}
                columns.append(f"{label}: {side}")
                for name, (_, values) in zip(names, rows, strict=True):
                    values.append(found.get(name))
        counts = ", ".join(
            f"{n} for {label} (real halves: {n // 2})" for label, n in self.n_test.items()
        )
        note = (
            f"All against real test spectra. Spectra on each side: {counts}. The distances of two "
            "smaller sets are larger, so that a good generator can have a smaller Fréchet distance "
            "than the real halves."
        )
        if self.training is not None:
            trained = ", ".join(
                f"{self.resources[label]['training_spectra']} of {label}" for label in self.classes
            )
            note += (
                f" Real training spectra ({trained}): where the test spectra are of another region "
                "or day, a generator can come as near to them as these do, not as near as the real "
                "halves. Their memorisation ratio is that of one half of them against the other."
            )
        return Table(
            "Metrics",
            note,
            "metric",
            columns,
            rows,
        )

    def _snr_table(self) -> Table:
        rows = []
        for label, found in self.snr.items():
            rows.append((label, [found["real"], found["synthetic"], _ratio(found)]))
        return Table(
            "Signal-to-noise ratio",
            "Mean over the channels of mean / standard deviation over the spectra; as in Table 2 "
            "of del-Pozo-Bueno et al. 2024.",
            "class",
            ["real", "synthetic", "synthetic / real"],
            rows,
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
                (training, [by_name[name].accuracy for name in names])
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
        environment.filters["b64"] = lambda png: base64.b64encode(png).decode("ascii")
        source = resources.files(__package__).joinpath("report.html.jinja").read_text("utf-8")
        return environment.from_string(source).render(
            whole_page=whole_page,
            title="Synthetic EELS spectra: validation",
            summary=self._summary(),
            warnings=self._warnings(),
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

    def _warnings(self) -> list[str]:
        seen = {label: n for label, n in self.trained_on.items() if n}
        if not seen:
            return []
        where = ", ".join(f"{n} of class {label}" for label, n in seen.items())
        return [f"Test spectra that were trained on: {where}. The figures are too good."]

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
        >>> report.to_dataframe("snr").columns.tolist()
        ['real', 'synthetic', 'synthetic / real']
        """
        chosen = self.tables[check_choice("table", table, self.tables)]
        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                "to_dataframe needs pandas: install it with 'pip install pandas', or use "
                "to_dict(), which needs nothing"
            ) from error
        return pandas.DataFrame(
            [values for _, values in chosen.rows],
            index=pandas.Index([label for label, _ in chosen.rows], name=chosen.index),
            columns=chosen.columns,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as dicts, lists, text and numbers that JSON can hold.

        Returns
        -------
        dict
            Figures of the classes are lists in the order of ``"classes"`` (resources: of
            ``"trained_classes"``; confusion matrices: of ``"classification"``'s own ``"classes"``).
            A figure that is missing or not finite is None.

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
            "n_test": list(self.n_test.values()),
            "trained_on": list(self.trained_on.values()),
            "metrics": _columns(self.metrics, self.classes),
            "reference": _columns(self.reference, self.classes),
            "training": _columns(self.training or {}, self.classes),
            "snr": _columns(self.snr, self.classes),
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


def _metric_name(name: str) -> str:
    return _METRIC_NAMES.get(name, name.replace("_", " "))


def _ratio(snr: dict[str, float]) -> float | None:
    both_finite = math.isfinite(snr["real"]) and math.isfinite(snr["synthetic"])
    return snr["synthetic"] / snr["real"] if both_finite and snr["real"] else None


def _columns(by_class: dict[Label, Any], classes: list[Label]) -> dict[str, list]:
    """Convert {class: {name: figure}} to {name: [figure of each class]}."""
    names: dict[str, None] = {}
    for row in by_class.values():
        names |= dict.fromkeys(row or {})
    return {name: [(by_class[label] or {}).get(name) for label in classes] for name in names}
