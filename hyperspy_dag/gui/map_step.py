# SPDX-License-Identifier: GPL-3.0-or-later
"""The last step: adapt to another map, classify it, look at it, save it."""

from __future__ import annotations

import logging
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import traits.api as t

from hyperspy_dag._utils.warnings import collected_warnings, warn
from hyperspy_dag.io.reading import read_signal
from hyperspy_dag.labels import parse_labels
from hyperspy_dag.preprocessing.energy_axis import EnergyAxis
from hyperspy_dag.preprocessing.masked import read_spectra
from hyperspy_dag.preprocessing.steps import preprocess_if_asked

from ._pictures import MapPicture, spectrum_picture

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

    from hyperspy_dag.adaptation.maps import ClassMap
    from hyperspy_dag.augmenter import EELSAugmenter

_logger = logging.getLogger(__name__)

#: The sources of a map that are no names of signals, and what they are called.
_THIS, _FILE, _PLASMON = "this signal", "a file", "a plasmon at 23 eV"

#: Synthetic spectra of a class whose mean is drawn.
_MEAN_OF = 50


class MapStep(t.HasTraits):
    """Adapt the augmenter to a map and classify it.

    Parameters
    ----------
    signal : EELSSpectrum
        The signal of the interface.

    Attributes
    ----------
    adapted : EELSAugmenter or None
        Adapted to the map; the augmenter itself where that was not asked for.
    phases : ClassMap or None
        The map.
    call : str
        Lines of Python that do the same.
    """

    source = t.Str(_THIS, desc="the map that is classified")
    sources = t.List(t.Str())
    source_file = t.Str(desc="a file of EELS spectra")
    adapting = t.Bool(True, desc="find the conditions under which the map was measured")
    low_loss = t.Str(_PLASMON, desc="low loss of the map's specimen, which tells of its thickness")
    low_losses = t.List(t.Str())
    filename = t.Str("phases.hspy", desc="a signal (.hspy, .zspy) or a picture (.png)")
    overwrite = t.Bool(False, desc="replace an existing file")
    column = t.Int(desc="of the spectrum that is shown")
    row = t.Int(desc="of the spectrum that is shown")

    state = t.Enum("waiting", "ready", "busy")
    status = t.Str("First train on labelled spectra.")
    found = t.Str(desc="what the adaptation found, in words")
    notes = t.Str()
    error = t.Str()
    call = t.Str()
    picture = t.Any()
    spectrum_picture = t.Bytes()
    adapted = t.Any()
    phases = t.Any()
    can_classify = t.Property(t.Bool(), observe="state")
    can_save = t.Property(t.Bool(), observe="state, phases")

    def __init__(self, signal: EELSSpectrum):
        super().__init__()
        self._signal = signal
        self._augmenter: EELSAugmenter | None = None
        self._labels: Any = None
        self._ranges: dict[str, tuple[float, float] | None] = {}
        self._thread: threading.Thread | None = None
        self._events: Any = getattr(_ipython(), "events", None)
        if self._events is not None:
            self._events.register("post_run_cell", self.look_for_signals)
        self.look_for_signals()
        self.source = self.sources[0]

    def _get_can_classify(self) -> bool:
        return self.state == "ready"

    def _get_can_save(self) -> bool:
        return self.phases is not None and self.state != "busy"

    def begin(
        self,
        augmenter: EELSAugmenter | None,
        labels: Any,
        ranges: dict[str, tuple[float, float] | None],
    ) -> None:
        """Take a newly trained augmenter with its labels and energy ranges; forget the old map."""
        self._augmenter, self._labels, self._ranges = augmenter, labels, ranges
        self._thread = None  # what it still works on is of the old one
        self.trait_set(
            adapted=None, phases=None, picture=None, spectrum_picture=b"", found="", notes="",
            error="", call="",
        )  # fmt: skip
        self.look_for_signals()
        if augmenter is None:
            self.trait_set(state="waiting", status="First train on labelled spectra.")
        else:
            self.trait_set(state="ready", status="Ready: choose a map.")

    def close(self) -> None:
        """Look for signals no more."""
        if self._events is not None:
            self._events.unregister("post_run_cell", self.look_for_signals)
            self._events = None

    def look_for_signals(self, _: Any = None) -> None:
        """Offer the EELS signals that the user's names stand for."""
        signals = _signals()
        starts = {name: s.axes_manager.signal_axes[0].low_value for name, s in signals.items()}
        own = [name for name, s in signals.items() if s is self._signal]
        core = [name for name, start in starts.items() if start > 0 and name not in own]
        self.low_losses = [_PLASMON, *(name for name, start in starts.items() if start <= 0)]
        self.sources = [*core, _THIS, _FILE]
        if self.source not in self.sources:
            self.source = self.sources[0]
        if self.low_loss not in self.low_losses:
            self.low_loss = _PLASMON

    # -- adapt and classify --------------------------------------------------------------------

    def classify(self) -> None:
        """Adapt and classify in a thread."""
        if not self.can_classify:
            return
        self.trait_set(state="busy", error="", notes="", found="", status="Reading the map …")
        self._thread = threading.Thread(target=self._work, daemon=True, name="dag-map")
        self._thread.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the map is classified; return whether it is."""
        if self._thread is not None:
            self._thread.join(timeout)
        return self.state != "busy"

    def _work(self) -> None:
        adapted = phases = None
        error = ""
        with collected_warnings() as notes:
            try:
                adapted, phases, call = self._classified()
                means = adapted.sample(_MEAN_OF, noise=False).data.mean(axis=1)
            except Exception as wrong:  # whatever it is, the interface shows it
                _logger.error("The map could not be classified.", exc_info=True)
                said = isinstance(wrong, OSError | TypeError | ValueError)
                error = str(wrong) if said else f"{type(wrong).__name__}: {wrong}"
        if threading.current_thread() is not self._thread:
            return  # trained anew meanwhile
        self.notes = "\n".join(notes)
        if phases is None or adapted is None:
            self.trait_set(state="ready", status="Not classified: see below.", error=error)
            return
        self._means = dict(zip(adapted.classes_, means, strict=True))
        self._energies = adapted.energy_axis_.energies
        shape = phases.index.shape
        picture = MapPicture(phases, self._clicked)
        self.trait_set(phases=phases, adapted=adapted, call=call, picture=picture)
        self.found = str(adapted.adaptation_) if self.adapting else ""
        self._show(*(n // 2 for n in ((1, *shape) if len(shape) != 2 else shape)))
        counts = ", ".join(
            f"{'like none' if label is None else label}: {n}" for label, n in phases.counts.items()
        )
        self.trait_set(state="ready", status=f"Classified {phases.index.size} spectra. {counts}.")

    def _classified(self) -> tuple[EELSAugmenter, ClassMap, str]:
        augmenter = self._augmenter
        if augmenter is None:
            raise RuntimeError("nothing is trained")
        given, name = self._chosen()
        whole = preprocess_if_asked(given, **self._ranges)
        ranges = ", ".join(f"{k}={v}" for k, v in self._ranges.items() if v is not None)
        call = f"target = {name}" + (f".dag_preprocess({ranges})" if ranges else "")
        adapt = ""
        if self.adapting:
            self.status = "Looking for the conditions of the map …"
            low_loss = None if self.low_loss == _PLASMON else _signals()[self.low_loss]
            target = whole
            if given is self._signal and (parse_labels(whole, self._labels).index < 0).any():
                from hyperspy_dag.adaptation.target import unlabelled

                target = unlabelled(whole, self._labels)
            augmenter = augmenter.adapt(target, low_loss=low_loss)
            given_loss = "" if low_loss is None else f", low_loss={self.low_loss}"
            adapt = f".adapt(target{given_loss})"
        self.status = "Classifying the map …"
        call += f"\nphases = tool.augmenter{adapt}.classify(target)"
        return augmenter, augmenter.classify(whole), call

    def _chosen(self) -> tuple[EELSSpectrum, str]:
        """Return the signal that is chosen, and how it is written."""
        if self.source == _THIS:
            return self._signal, "s"
        if self.source != _FILE:
            return _signals()[self.source], self.source
        name = self.source_file.strip()
        if not name:
            raise ValueError("no map is chosen: give the name of a file of EELS spectra")
        return read_signal(Path(name), note=warn), f"hs.load({name!r})"

    # -- the map -------------------------------------------------------------------------------

    def _clicked(self, row: int, column: int) -> None:
        if self.phases is not None:
            self._show(row, column)

    def _show(self, row: int, column: int) -> None:
        self.trait_set(row=row, column=column)
        self._draw_spectrum()

    @t.observe("row, column", post_init=True)
    def _draw_spectrum(self, event: Any = None) -> None:
        phases = self.phases
        if phases is None:
            return
        shape = phases.index.shape
        rows, columns = shape if len(shape) == 2 else (1, phases.index.size)
        row, column = min(max(self.row, 0), rows - 1), min(max(self.column, 0), columns - 1)
        if (row, column) != (self.row, self.column):
            self.trait_set(row=row, column=column)  # which draws
            return
        where = (row, column) if len(shape) == 2 else np.unravel_index(column, shape)
        signal = phases.signal
        spectrum = np.asarray(
            read_spectra(signal.data, tuple(np.array([i]) for i in where)), dtype=float
        ).reshape(-1)
        self.picture.mark(row, column)
        self.spectrum_picture = spectrum_picture(
            EnergyAxis.of_signal(signal).energies,
            spectrum,
            phases,
            where,
            self._energies,
            self._means,
        )

    def save(self) -> None:
        """Save the map; show an error message if that fails."""
        if not self.can_save:
            return
        try:
            self.phases.save(self.filename, overwrite=self.overwrite)
        except (OSError, TypeError, ValueError) as error:
            self.error = f"Not saved: {error}"
            return
        self.trait_set(error="", status=f"Saved: {self.filename}")


def _ipython() -> Any:
    """The IPython that runs, if one does; it is not imported for that."""
    module = sys.modules.get("IPython")
    return None if module is None else module.get_ipython()


def _signals() -> dict[str, EELSSpectrum]:
    """EELS signals with one signal axis, by the names that the user gave them."""
    from exspy.signals import EELSSpectrum

    names = getattr(_ipython(), "user_ns", None) or vars(sys.modules["__main__"])
    return {
        name: value
        for name, value in list(names.items())
        if isinstance(value, EELSSpectrum)
        and not name.startswith("_")
        and value.axes_manager.signal_dimension == 1
        and not value.metadata.has_item("DAG.training_digest")
    }
