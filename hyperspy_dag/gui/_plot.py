# SPDX-License-Identifier: GPL-3.0-or-later
"""HyperSpy's plot of the signal with ranges and regions that can be dragged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib

from ._pictures import BACKGROUND_COLOUR, SIGNAL_COLOUR
from .regions import Region

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

_COLOURS = {"background": BACKGROUND_COLOUR, "signal": SIGNAL_COLOUR}


def can_drag() -> bool:
    """Return whether the figures of Matplotlib's backend react to the mouse."""
    backend = matplotlib.get_backend().lower()
    return any(name in backend for name in ("qt", "ipympl", "nbagg", "widget", "wx", "gtk", "tk"))


class SignalPlot:
    """Plot of the signal with its draggable ranges and regions.

    Parameters
    ----------
    s : EELSSpectrum
    range_dragged : callable
        Called with "background" or "signal", and the two energies in eV.
    """

    def __init__(self, s: EELSSpectrum, range_dragged: Callable[[str, float, float], None]):
        self._signal, self._range_dragged = s, range_dragged
        self._span: Any = None
        self._picked = ""
        self._rois: dict[Region, Any] = {}

    @property
    def is_open(self) -> bool:
        """Whether the plot is on the screen."""
        plot = self._signal._plot
        return plot is not None and bool(plot.is_active)

    def open(self) -> None:
        """Plot the signal, unless it is plotted already."""
        if not self.is_open:
            self._rois.clear()
            self._span = None
            self._signal.plot()

    def pick(self, name: str, low: float, high: float) -> None:
        """Make a range draggable: "background", "signal", or "" for none."""
        self._release()
        if not name:
            return
        self.open()
        from hyperspy.signal_tools import SpanSelectorInSignal1D

        self._picked = name
        self._span = SpanSelectorInSignal1D(self._signal)
        selector = self._span.span_selector
        selector.set_props(color=_COLOURS[name])
        selector.set_handle_props(color=_COLOURS[name])
        self.move(name, low, high)
        self._span.observe(self._moved, "ss_left_value, ss_right_value")

    def move(self, name: str, low: float, high: float) -> None:
        """Move the draggable span to given energies."""
        if self._span is not None and name == self._picked and self.is_open and low < high:
            selector = self._span.span_selector
            if selector is not None and tuple(selector.extents) != (low, high):
                selector.extents = (low, high)

    def show_regions(self, regions: Sequence[Region]) -> None:
        """Show a span or a rectangle on the navigator for each region."""
        from hyperspy.api import roi as rois

        if not self.is_open:
            return
        axes = self._signal.axes_manager.navigation_axes
        for region in [r for r in self._rois if r not in regions]:
            self._rois.pop(region).remove_widget(self._signal)
        for region in regions:
            if region in self._rois:
                continue
            kind = rois.SpanROI if len(axes) == 1 else rois.RectangularROI
            roi = kind(**_limits(region, kind))
            roi.add_widget(self._signal, axes=axes, color=region.colour)
            roi.events.changed.connect(lambda roi, region=region: _follow(region, roi), ["roi"])
            self._rois[region] = roi

    def move_region(self, region: Region) -> None:
        """Move the ROI of a region to its coordinates."""
        roi = self._rois.get(region)
        if roi is None or not self.is_open:
            return
        values = _limits(region, type(roi))
        pairs = [("left", "right"), ("top", "bottom")]
        if values == roi.trait_get(*values) or any(
            a in values and values[a] == values[b] for a, b in pairs
        ):
            return  # there already, or half-way through typing
        with roi.events.changed.suppress():
            # One after the other they could cross.
            roi._bounds_check = False
            roi.trait_set(**values)
            roi._bounds_check = True
        roi.update()

    def close(self) -> None:
        """Remove spans and regions from the plot."""
        self._release()
        if self.is_open:
            for roi in self._rois.values():
                roi.remove_widget(self._signal)
        self._rois.clear()

    def _release(self) -> None:
        if self._span is not None and self.is_open:
            self._span.span_selector_switch(False)
        self._span, self._picked = None, ""

    def _moved(self, event: object) -> None:
        low, high = self._span.ss_left_value, self._span.ss_right_value
        if low < high:
            self._range_dragged(self._picked, float(low), float(high))


def _limits(region: Region, kind: Any) -> dict[str, float]:
    """Return those limits of a region that a kind of ROI has."""
    names = kind.class_trait_names()
    return {name: value for name, value in region.limits().items() if name in names}


def _follow(region: Region, roi: Any) -> None:
    limits = _limits(region, type(roi))
    if roi.trait_get(*limits) != limits:
        region.trait_set(**roi.trait_get(*limits))
