# SPDX-License-Identifier: GPL-3.0-or-later
"""Costs and metrics over the epochs of the training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from hyperspy_dag.dag.fitted_class import History
from hyperspy_dag.dag.stopping import CRITERIA, PUBLISHED_FID
from hyperspy_dag.training.fitted import FittedAugmenter, is_augmenter

from .axes import (
    DISCRIMINATOR,
    GENERATOR,
    SYNTHETIC,
    displayable,
    legend_above_data,
    panel_axes,
    use_log_axis,
)

if TYPE_CHECKING:
    from hyperspy_dag.dag.stopping import Evaluation, RealReference

_REACHED = "#009E73"

#: Metrics of the stopping criterion, as the axes call them.
METRIC_NAMES = {
    "frechet_distance": "Fréchet distance",
    "pearson_correlation": "Pearson correlation",
    "cosine_distance": "Cosine distance",
}


def plot_costs(
    history: FittedAugmenter | History | Mapping[Any, History],
    label: Any = None,
    *,
    axes: Axes | ArrayLike | None = None,
) -> NDArray[np.object_]:
    """Plot the costs of discriminator and generator per epoch, on a logarithmic axis.

    After Figs 11 and 12 of del-Pozo-Bueno et al. 2024. For an augmenter, the epoch whose state was
    kept is marked.

    Parameters
    ----------
    history : EELSAugmenter, History or dict of class to History
        A fitted augmenter, its ``history_``, or the history of one class.
    label : optional
        The only class to plot; default: all.
    axes : Axes or array of Axes, optional
        One for each class. Default: a new figure.

    Returns
    -------
    numpy.ndarray of Axes, shape (classes,)
        The first two ``lines`` of each are the costs of discriminator and generator.

    Raises
    ------
    TypeError, ValueError
        `history` is of another type, holds no epoch, or does not know `label`.

    See Also
    --------
    plot_metrics : Plot the metrics of the training.
    hyperspy_dag.EELSAugmenter : Train generators.

    Examples
    --------
    The file is that of the example of :class:`hyperspy_dag.EELSAugmenter`.

    >>> from hyperspy_dag import EELSAugmenter
    >>> from hyperspy_dag.plotting import plot_costs
    >>> axes = plot_costs(EELSAugmenter.load("oxides.dag"))
    >>> [ax.get_title() for ax in axes]
    ['MnO', 'MnO2']
    """
    histories, augmenter = _histories(history)
    histories = _select(histories, label)
    for name, one in histories.items():
        if not one.discriminator_cost:
            of = "" if name is None else f" of class {name!r}"
            raise ValueError(
                f"the history{of} holds no epoch: there is no cost to plot "
                '(training="always" trains in any case)'
            )
    axes = panel_axes(axes, [str(name) for name in histories], width=4.2, height=3.2)
    for ax, (name, one) in zip(axes, histories.items(), strict=True):
        epochs = np.arange(1, len(one.discriminator_cost) + 1)
        marker = "o" if len(epochs) == 1 else ""  # a line through one point is none
        ax.plot(
            epochs, one.discriminator_cost, f"{marker}-", color=DISCRIMINATOR, label="discriminator"
        )
        ax.plot(epochs, one.generator_cost, f"{marker}--", color=GENERATOR, label="generator")
        if augmenter is not None:
            _mark_epoch(ax, augmenter.best_[name].epoch)
        use_log_axis(ax)
        _finish(ax, "Cost")
        if name is not None:
            ax.set_title(displayable(name))
        legend_above_data(ax, 0.22, ncols=2)
    return axes


def plot_metrics(
    augmenter: FittedAugmenter, label: Any = None, *, axes: Axes | ArrayLike | None = None
) -> NDArray[np.object_]:
    """Plot Fréchet distance, Pearson correlation and cosine distance per epoch.

    After Fig. 13 of del-Pozo-Bueno et al. 2024. A horizontal line shows the metric of real against
    real spectra. For metrics of the stopping criterion, a second line shows the threshold; the
    range that fulfils the criterion is shaded. The epoch whose state was kept is marked.

    Parameters
    ----------
    augmenter : EELSAugmenter
        A fitted augmenter.
    label : optional
        The only class to plot; default: all.
    axes : array of Axes, optional
        Three for each class, class after class. Default: a new figure, a row for each class.

    Returns
    -------
    numpy.ndarray of Axes, shape (classes, 3)
        The first of the ``lines`` of each is the metric.

    Raises
    ------
    TypeError, ValueError
        `augmenter` is no EELSAugmenter, is not fitted, or does not know `label`.

    See Also
    --------
    plot_costs : Plot the costs of the training.
    hyperspy_dag.metrics : The metrics.

    Examples
    --------
    The file is that of the example of :class:`hyperspy_dag.EELSAugmenter`.

    >>> from hyperspy_dag import EELSAugmenter
    >>> from hyperspy_dag.plotting import plot_metrics
    >>> axes = plot_metrics(EELSAugmenter.load("oxides.dag"), "MnO")
    >>> [ax.get_ylabel() for ax in axes[0]]
    ['Fréchet distance', 'Pearson correlation', 'Cosine distance']
    """
    histories, given = _histories(augmenter)
    if given is None:
        raise TypeError(
            f"augmenter must be a fitted EELSAugmenter; got {type(augmenter).__name__}. "
            "A history alone has neither baseline nor thresholds."
        )
    histories = _select(histories, label)
    panels = [f"{name}: {metric}" for name in histories for metric in METRIC_NAMES.values()]
    axes = panel_axes(axes, panels, width=3.6, height=2.8, columns=3)
    axes = axes.reshape(-1, len(METRIC_NAMES))
    settings = given.settings_
    asked = () if settings.stopping is None else CRITERIA[settings.stopping]
    for row, (name, history) in zip(axes, histories.items(), strict=True):
        draw_metrics(
            row, history, given.baseline_[name], asked, settings.tolerance, given.best_[name]
        )
        row[0].set_title(displayable(name), loc="left")
    return axes


def draw_metrics(
    row: Sequence[Axes] | NDArray[np.object_],
    history: History,
    baseline: RealReference,
    asked: Sequence[str],
    tolerance: float,
    best: Evaluation | None = None,
) -> None:
    """Draw the metrics of a class into three axes; mark the state `best` if it is given."""
    epochs = [evaluation.epoch for evaluation in history.evaluations]
    names = METRIC_NAMES
    if PUBLISHED_FID in asked:
        names = {PUBLISHED_FID: "Published “FID”", **dict(list(METRIC_NAMES.items())[1:])}
    for ax, (metric, title) in zip(row, names.items(), strict=True):
        values = [evaluation.metrics[metric] for evaluation in history.evaluations]
        if ax is row[0]:
            use_log_axis(ax)
        ax.plot(epochs, values, ".-", color=DISCRIMINATOR, ms=4, lw=1.2, label="synthetic")
        ax.axhline(baseline.mean[metric], color="0.15", ls="--", lw=1, label="real against real")
        if metric in asked:
            _mark_threshold(ax, baseline, metric, tolerance)
        if best is not None:
            _mark_epoch(ax, best.epoch)
            ax.plot(best.epoch, best.metrics[metric], "*", color=SYNTHETIC, ms=10, mec="0.15")
        _finish(ax, title)
    legend_above_data(row[0], 0.22, ncols=2)
    for ax, metric in zip(row, names, strict=True):
        if metric in asked:
            _shade_better(ax, baseline, metric, tolerance)


def _mark_threshold(ax: Axes, baseline: RealReference, metric: str, tolerance: float) -> None:
    threshold = _threshold(baseline, metric, tolerance)
    name = f"threshold ({100 * tolerance:g} %)"
    ax.axhline(threshold, color=_REACHED, ls=":", lw=1.6, label=name)


def _shade_better(ax: Axes, baseline: RealReference, metric: str, tolerance: float) -> None:
    low, high = ax.get_ylim()
    best = high if metric == "pearson_correlation" else low
    ax.axhspan(_threshold(baseline, metric, tolerance), best, color=_REACHED, alpha=0.12, lw=0)
    ax.set_ylim(low, high)


def _threshold(baseline: RealReference, metric: str, tolerance: float) -> float:
    mean = baseline.mean[metric]
    worse = -1 if metric == "pearson_correlation" else 1
    return mean + worse * tolerance * abs(mean)


def _finish(ax: Axes, quantity: str) -> None:
    ax.set_xlabel("Epoch")
    ax.set_ylabel(quantity)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))


def _mark_epoch(ax: Axes, epoch: int) -> None:
    ax.axvline(epoch, color="0.45", ls="-.", lw=1, label=f"kept (epoch {epoch})")


def _histories(
    given: object,
) -> tuple[dict[Any, History], FittedAugmenter | None]:
    if is_augmenter(given):
        return given.history_, given
    if isinstance(given, History):
        return {None: given}, None
    if isinstance(given, Mapping) and all(isinstance(one, History) for one in given.values()):
        return dict(given), None
    raise TypeError(
        f"an EELSAugmenter, its history_ or one History of it is needed; got {type(given).__name__}"
    )


def _select(by_class: dict[Any, Any], label: Any) -> dict[Any, Any]:
    if label is None:
        return by_class
    if None in by_class:  # one class's, which has no name here
        return {label: by_class[None]}
    if label not in by_class:
        raise ValueError(
            f"label={label!r} was not fitted; the classes are {', '.join(map(repr, by_class))}"
        )
    return {label: by_class[label]}
