# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of a report, drawn without pyplot."""

from __future__ import annotations

import io
from typing import Any

from hyperspy_dag import plotting

from ._sources import Picture, Sources
from .tstr import TRAININGS, TSTRResult

_DPI = 100

#: Inches of a picture that a page still shows readably.
_WIDEST = 16.0


def draw_pictures(sources: Sources, classification: TSTRResult | None) -> list[Picture]:
    """Draw all pictures of a report."""
    classes = list(sources.real)
    columns = min(len(classes), 3)
    rows = -(-len(classes) // columns)
    (real, labels), (synthetic, synthetic_labels) = map(sources.flat, ("real", "synthetic"))
    of_class: dict[str, Any] = {"labels": labels, "synthetic_labels": synthetic_labels}
    both, given = (real, synthetic), of_class | {"energy": sources.energy}

    def panels(width: float, height: float) -> tuple:
        figure = _figure(width * columns, height * rows)
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax in axes[len(classes) :]:
            ax.remove()
        return figure, axes[: len(classes)]

    pictures = [] if classification is None else [_confusion(classification)]

    figure, axes = panels(4.0, 3.9)
    plotting.plot_spectra(*both, **given, axes=axes)
    pictures.append(_save(figure, "Spectra", "Real and synthetic spectra by turns, at random."))

    figure, axes = panels(4.0, 4.0)
    plotting.plot_intensity_maps(*both, **given, axes=axes)
    pictures.append(_save(figure, "Intensity maps", "Real spectra above, synthetic ones below."))

    figure = _figure(6.0, 4.8)
    caption = "Synthetic spectra projected on the real ones' components."
    if sources.training is not None:
        training, training_labels = sources.flat("training")
        of_class |= {"training": training, "training_labels": training_labels}
        caption = "Synthetic and training spectra projected on the components of the test spectra."
    plotting.plot_scores(*both, **of_class, ax=figure.subplots())
    pictures.append(_save(figure, "Scores", caption))

    history = {label: sources.augmenter.history_[label] for label in classes}
    # A training may have been stopped before its first epoch.
    history = {label: one for label, one in history.items() if one.generator_cost}
    if history:
        figure, axes = panels(4.0, 3.0)
        for ax in axes[len(history) :]:
            ax.remove()
        plotting.plot_costs(history, axes=axes[: len(history)])
        pictures.append(_save(figure, "Costs", "Costs of the training, epoch by epoch."))

    figure = _figure(10.0, 2.8 * len(classes))
    grid = figure.subplots(len(classes), 3, squeeze=False)
    for label, row in zip(classes, grid, strict=True):
        plotting.plot_metrics(sources.augmenter, label, axes=row)
    pictures.append(
        _save(figure, "Metrics of the training", "Judged by the training spectra, with thresholds.")
    )
    return pictures


def _confusion(classification: TSTRResult) -> Picture:
    trainings = [name for name in TRAININGS if name in classification.scores]
    names = list(classification.scores[trainings[0]])
    size = 2.4 + 0.8 * len(classification.classes)
    # A line for each classifier, or more where the cells would become too small to read.
    abreast = min(len(trainings), max(1, int(_WIDEST // size)))
    lines = -(-len(trainings) // abreast)
    figure = _figure(size * abreast, size * lines * len(names))
    grid = figure.subplots(lines * len(names), abreast, squeeze=False)
    for ax in grid.flat:
        ax.set_visible(False)
    for i, name in enumerate(names):
        for j, training in enumerate(trainings):
            ax = grid[i * lines + j // abreast, j % abreast]
            score = classification.scores[training][name]
            plotting.plot_confusion_matrix(score.confusion, classification.classes, ax=ax)
            ax.set_title(f"{name.upper()}, trained on {training}")
            ax.set_visible(True)
    return _save(figure, "Confusion matrices", "Test spectra; percent of each column.")


def _figure(width: float, height: float):
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", dpi=_DPI)


def _save(figure, title: str, caption: str) -> Picture:
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return Picture(title, caption, file.getvalue())
