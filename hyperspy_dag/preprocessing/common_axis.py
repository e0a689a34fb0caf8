# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectra of several experiments on one energy axis.

The common axis is that of the signal with the coarsest dispersion, cropped to the range of all
signals. The spectra of that signal are cropped. Those of the others are rebinned: the intensity of
a channel is divided among the new channels in proportion to its overlap with them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hyperspy_dag._utils.checks import name_of

from .alignment import check_align_on, edge_shifts, mean_spectrum
from .energy_axis import EnergyAxis, ev_per_unit
from .record import preprocessing_record
from .resampling import Resampling, plan, resampled
from .steps import MIN_CHANNELS, check_signal

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

__all__ = ["common_energy_axis"]


def common_energy_axis(
    signals: Sequence[EELSSpectrum], align_on: tuple[float, float] | None = None
) -> list[EELSSpectrum]:
    """Bring the spectra of several experiments to one energy axis.

    :meth:`hyperspy_dag.EELSAugmenter.fit` calls this for lists of signals. Call it before a
    division into training and test spectra to have both on one axis.

    Parameters
    ----------
    signals : sequence of exspy.signals.EELSSpectrum
        Signals with uniform energy axes in units of energy, of any offset, dispersion and
        navigation shape, lazy or not. They are not changed.
    align_on : (float, float) or hyperspy.api.roi.SpanROI, optional
        Energies in eV around an edge that all signals have; those of an ROI are in the units of the
        first signal. The energies of each signal are shifted, all spectra alike, so that its mean
        spectrum correlates best with that of the first signal in this window. Shifts up to half of
        the window are found, to a fraction of a channel. The window must hold the whole edge of
        every signal before the shift: a window with L3 of one and L2 of another aligns L2 on L3.
        Remove the background first. Chemical shifts between the signals are removed too, so that
        the edge should have none. By default no signal is shifted.

    Returns
    -------
    list of exspy.signals.EELSSpectrum
        New signals on the same axis in eV, lazy if the given ones are. The axis has the channels of
        the signal with the coarsest dispersion (the first of several) that all signals cover. Data
        are float32, or float64 if the given ones are. ``metadata.DAG.preprocessing.common_axis``
        holds the original axis and the shift. Signals that share an axis are copied.

    Raises
    ------
    TypeError
        `signals` is no list of EELSSpectrum, or `align_on` no pair of numbers.
    ValueError
        The energy axes overlap in fewer than 8 channels; one is not uniform, not in a unit of
        energy, or does not increase; `align_on` is not covered by all signals, or holds no common
        edge.

    See Also
    --------
    hyperspy_dag.EELSAugmenter.fit : Train on several signals.
    hyperspy_dag.preprocessing.preprocess : Preprocess one signal.

    Notes
    -----
    The sum over the channels between two limits that both axes share is conserved where the axis is
    binned (``is_binned``, exspy's default: counts per channel), and the integral, sum times
    dispersion, where it is not (intensity per eV). Max-normalised spectra are normalised again,
    since averaging lowers noisy maxima and cropping may remove them. A signal is taken as
    max-normalised if ``dag_preprocess`` recorded so, or else if all maxima lie between 0.5 and 1.5.
    The latter, and `align_on`, need one pass over the data of a lazy signal.

    The energy resolution remains that of each instrument. Rebinned spectra have less noise, which
    is correlated between neighbouring channels. A noise variance in their metadata is removed.

    Examples
    --------
    >>> from hyperspy_dag import common_energy_axis
    >>> from hyperspy_dag.data import simulated_oxides
    >>> s1, _ = simulated_oxides("WL-Mn", {"MnO": 5})
    >>> s2, _ = simulated_oxides("WL-Mn", {"MnO": 3}, random_state=1)
    >>> s2 = s2.isig[100:].rebin(scale=(1, 2))  # 0.2 eV a channel, from 625 eV
    >>> for s in common_energy_axis([s1, s2]):
    ...     print(s)
    <EELSSpectrum, title: Simulated oxides, WL-Mn, dimensions: (5|300)>
    <EELSSpectrum, title: Simulated oxides, WL-Mn, dimensions: (3|300)>
    """
    signals = check_signals(signals)
    common = CommonAxis(signals, align_on)
    axis, resamplings, shifts = common.plan(lambda i: mean_spectrum(signals[i].data))
    results = []
    for i, (s, resampling, shift) in enumerate(zip(signals, resamplings, shifts, strict=True)):
        result = resampled(s, axis, resampling)
        record = preprocessing_record(result) or {}
        record["common_axis"] = source_record(s, shift) | {
            "signal": i,
            "signals": len(signals),
            "align_on": common.window,
        }
        result.metadata.set_item("DAG.preprocessing", record)
        results.append(result)
    return results


class CommonAxis:
    """Energy axes of several signals, and their common axis.

    Parameters
    ----------
    signals : sequence of EELSSpectrum
        Checked signals.
    align_on : (float, float), SpanROI or None
        See :func:`common_energy_axis`.

    Attributes
    ----------
    axes : list of EnergyAxis
        Axes of the signals.
    window : (float, float) or None
        Window of the alignment, in eV.

    Raises
    ------
    TypeError, ValueError
        An axis has fewer than 8 channels, or `align_on` is no range of energies.
    """

    def __init__(self, signals: Sequence[EELSSpectrum], align_on: Any):
        self.window = check_align_on(align_on, ev_per_unit(signals[0].axes_manager.signal_axes[0]))
        self.axes = []
        for i, s in enumerate(signals):
            axis = EnergyAxis.of_signal(s)
            if axis.size < MIN_CHANNELS:
                name = name_of(i, len(signals)) if len(signals) > 1 else "the signal"
                raise ValueError(
                    f"{name} has {axis.size} channels; at least {MIN_CHANNELS} are needed. Crop "
                    "less: give a wider signal_range."
                )
            self.axes.append(axis)

    def plan(
        self, mean_of: Callable[[int], NDArray[np.float64]]
    ) -> tuple[EnergyAxis, list[Resampling], list[float]]:
        """Choose the common axis, and the resampling and shift of each signal.

        Parameters
        ----------
        mean_of : callable
            ``mean_of(i)`` returns the mean spectrum of signal `i`; called only for an alignment.

        Returns
        -------
        axis : EnergyAxis
        resamplings : list of Resampling
            One for each signal.
        shifts : list of float
            Energies in eV to subtract from those of each signal.

        Raises
        ------
        ValueError
            See :func:`common_energy_axis`.
        """
        means = [] if self.window is None else [mean_of(i) for i in range(len(self.axes))]
        shifts = edge_shifts(self.axes, means, self.window)
        axis, resamplings = plan(self.axes, shifts)
        return axis, resamplings, shifts


def source_record(s: EELSSpectrum, shift: float) -> dict[str, Any]:
    """Return the record of a signal's original energy axis, in eV."""
    earlier = (preprocessing_record(s) or {}).get("common_axis")
    if earlier:
        keys = ("title", "channels", "offset", "scale", "shift")
        earlier = {key: earlier[key] for key in keys}
        return earlier | {"shift": float(earlier["shift"] + shift)}
    axis = EnergyAxis.of_signal(s)
    return {
        "title": str(s.metadata.General.title),
        "channels": axis.size,
        "offset": float(axis.energies[0]),
        "scale": axis.dispersion,
        "shift": float(shift),
    }


def check_signals(signals: Any) -> list[EELSSpectrum]:
    """Return the signals of several experiments, each of them checked.

    Raises
    ------
    TypeError, ValueError
        They are no list, none, or one of them is no signal to train on; the message says which.
    """
    if not isinstance(signals, list | tuple):
        raise TypeError(f"a list of signals is needed; got {type(signals).__name__}")
    if not signals:
        raise ValueError("an empty list of signals was given; give at least one")
    for i, s in enumerate(signals):
        try:
            check_signal(s)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name_of(i, len(signals))}: {error}") from error
    return list(signals)
