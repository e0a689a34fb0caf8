# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectra of several experiments on one energy axis.

The common axis is that of the signal with the coarsest dispersion, cut to what all signals cover;
its own spectra are therefore cropped and nothing else. Those of the others are rebinned so that
what lies between any two limits of channels stays there: the intensity of a channel is shared out
among the new channels in proportion to its overlap with them.
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

    :meth:`hyperspy_dag.EELSAugmenter.fit` does this itself where lists are given to it. Done by
    hand, before the spectra are divided into training and test spectra, both lie on one axis.

    Parameters
    ----------
    signals : sequence of exspy.signals.EELSSpectrum
        Uniform energy axes with units of energy, of any offset and dispersion; any navigation
        shapes, lazy or not. They are not changed.
    align_on : (float, float) or hyperspy.api.roi.SpanROI, optional
        Energies in eV (of an ROI in the units of the first signal) around an edge that all signals
        have. Each signal's energies are moved, by
        one number for all its spectra, to where its mean spectrum correlates best with that of the
        first signal in this window; shifts up to half of the window are looked for, and found to
        a fraction of a channel. The window must hold the whole edge of every signal, before it is
        moved: a window that holds L3 of one and L2 of another aligns L2 on L3. Remove the
        background first. A chemical shift between the signals
        is taken away with the rest: choose an edge that has none. By default nothing is moved.

    Returns
    -------
    list of exspy.signals.EELSSpectrum
        New signals, lazy where those given are, on the same axis in eV: the channels of the signal
        with the coarsest dispersion (the first of several) that all signals cover. float32 data,
        or float64 where those given are. ``metadata.DAG.preprocessing.common_axis`` holds what the
        axis was before and the shift. Signals on one axis already come back as copies.

    Raises
    ------
    TypeError
        `signals` is no list of EELSSpectrum, or `align_on` no pair of numbers.
    ValueError
        The energy axes do not overlap, or in fewer than 8 channels; one is not uniform, not in a
        unit of energy, or does not increase; `align_on` is not covered by all signals, or there is
        no edge in it that they have in common.

    Notes
    -----
    The sum over the channels between two limits that both axes share is conserved where the axis
    is binned (``is_binned``, exspy's default: counts per channel), and the integral, sum times
    dispersion, where it is not (intensity per eV). Spectra that were max-normalised are normalised
    again, since averaging lowers a noisy maximum and the overlap may leave it out: a signal counts
    as such if ``dag_preprocess`` noted so, and else if all its maxima lie between 0.5 and 1.5,
    which with a lazy signal takes one pass over its data, as `align_on` does.

    The energy resolution stays that of each instrument. Rebinned spectra have less noise, and
    noise that is correlated between neighbouring channels; their noise variance, if the metadata
    have one, is left out.

    Examples
    --------
    >>> s1, s2 = common_energy_axis([s1, s2], align_on=(636.0, 650.0))
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
    """The energy axes of several signals, and the one that all of them can be brought to.

    Parameters
    ----------
    signals : sequence of EELSSpectrum
        Checked.
    align_on : (float, float), SpanROI or None
        See :func:`common_energy_axis`.

    Attributes
    ----------
    axes : list of EnergyAxis
        Of the signals.
    window : (float, float) or None
        Of the alignment, in eV.

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
        """Choose the common axis.

        Parameters
        ----------
        mean_of : callable
            ``mean_of(i)`` returns the mean spectrum of signal `i`; called for an alignment alone.

        Returns
        -------
        axis : EnergyAxis
        resamplings : list of Resampling
            One for each signal.
        shifts : list of float
            What is taken away from the energies of each signal, in eV.

        Raises
        ------
        ValueError
            As :func:`common_energy_axis`.
        """
        means = [] if self.window is None else [mean_of(i) for i in range(len(self.axes))]
        shifts = edge_shifts(self.axes, means, self.window)
        axis, resamplings = plan(self.axes, shifts)
        return axis, resamplings, shifts


def source_record(s: EELSSpectrum, shift: float) -> dict[str, Any]:
    """Return what is to be remembered of a signal's own energy axis, in eV."""
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
