# SPDX-License-Identifier: GPL-3.0-or-later
"""Spikes: what X-rays and cosmic rays leave in a few channels of single spectra (NumPy, SciPy).

HyperSpy's tools have one threshold for all spectra of a signal, in counts (``spikes_removal_tool``)
or in standard deviations that the spikes themselves widen (``remove_spikes``). Here each spectrum
has its own noise, and what other spectra have in the same channels is no spike.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d, maximum_filter1d, median_filter

#: Channels of the running median that a spike stands out from; a spike is less than half as wide.
_MEDIAN = 7

#: Channels within which a line drifts or varies; its scatter there is no spike.
_AROUND = 15

#: How far a spike stands out, in standard deviations of what is usual there. Noise reaches 5.
_DEVIATIONS = 7.0

#: How far its flanks do.
_FLANK_DEVIATIONS = 3.0

#: Fraction of the spectra in which something narrow comes again at the same energy loss, and in
#: how many at least, to be a line of a rare class and no spike; and the channels of "the same".
_RECURRING = 0.02
_RECURRING_COUNT = 3
_SAME = 5

#: Spectra that are looked at to know what is usual, and that are searched at a time.
USUAL_OF = 1000
_AT_A_TIME = 4096


class Usual(NamedTuple):
    """What spectra have of narrow features, in units of their noise.

    Attributes
    ----------
    centre, scatter : array of shape (channels,)
    """

    centre: NDArray[np.float64]
    scatter: NDArray[np.float64]

    @classmethod
    def of(cls, spectra: NDArray[np.float64], rare_classes: bool = False) -> Usual:
        """From spectra of shape (n, channels).

        Parameters
        ----------
        spectra : array of shape (n, channels)
        rare_classes : bool, default False
            Whether a few of the spectra may have lines that the others lack.
        """
        narrow = _narrow(spectra)[0]
        centre = np.median(narrow, axis=0)
        # The 90th percentile of a normal distribution's deviations, so that one spike in ten
        # spectra does not widen it and a line in more than that does.
        deviation = np.quantile(np.abs(narrow - centre), 0.9, axis=0, method="lower") / 1.645
        scatter = np.maximum(maximum_filter1d(deviation, _AROUND), 1.0)
        if rare_classes:
            outlying = (narrow - centre > _DEVIATIONS * scatter).sum(axis=0)
            again = convolve1d(outlying, np.ones(_SAME, int), mode="constant")
            recurring = again > max(_RECURRING * len(spectra), _RECURRING_COUNT - 1)
            scatter[maximum_filter1d(recurring, _AROUND)] = np.inf
        return cls(centre, scatter)


def find_spikes(
    spectra: NDArray[np.float64], usual: Usual | None = None, height: float = 0.1
) -> NDArray[np.bool_]:
    """Find the channels of spikes.

    Parameters
    ----------
    spectra : array of shape (n, channels)
        Of one class, if `usual` is not given.
    usual : Usual, optional
        By default of these spectra.
    height : float, default 0.1
        Least height of a spike, relative to the range of its spectrum.

    Returns
    -------
    bool array of shape (n, channels)
    """
    usual = Usual.of(spectra) if usual is None else usual
    narrow, noise = _narrow(spectra)
    above = narrow - usual.centre
    # Without the highest and lowest channels, the spike's among them.
    low, high = np.quantile(spectra, (0.01, 0.99), axis=1, keepdims=True, method="nearest")
    spikes = (above > _DEVIATIONS * usual.scatter) & (above * noise > height * (high - low))
    near = maximum_filter1d(spikes, _MEDIAN, axis=1)
    return spikes | (near & (above > _FLANK_DEVIATIONS * usual.scatter))


def have_spikes(spectra: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which spectra of a class, array of shape (n, channels), hold a spike."""
    usual = Usual.of(spectra[evenly(len(spectra))].astype(np.float64))
    parts = np.array_split(spectra, -(-len(spectra) // _AT_A_TIME))
    return np.concatenate(
        [find_spikes(part.astype(np.float64), usual).any(axis=1) for part in parts]
    )


def evenly(n: int) -> NDArray[np.intp]:
    """Return positions of at most USUAL_OF of `n` spectra, from all over them."""
    return np.linspace(0, n - 1, min(n, USUAL_OF)).astype(np.intp)


def without_spikes(spectra: NDArray[np.float64], spikes: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return spectra of shape (n, channels) with straight lines in place of spikes."""
    repaired = spectra.copy()
    channels = np.arange(spectra.shape[1])
    for row in np.flatnonzero(spikes.any(axis=1)):
        good = ~spikes[row]
        repaired[row] = np.interp(channels, channels[good], spectra[row, good])
    return repaired


def _narrow(spectra: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What is narrower than a few channels, in units of each spectrum's noise; and that noise."""
    narrow = spectra - median_filter(spectra, size=(1, _MEDIAN), mode="nearest")
    size = np.abs(narrow)
    # The mean says too little of smooth spectra and of single counts; the fourth largest, which is
    # no part of a spike, is some 2.5 standard deviations of noise.
    noise = np.maximum(size.mean(axis=1), np.partition(size, -4, axis=1)[:, -4] / 2.5)
    noise = np.maximum(noise, 1e-300)[:, None]
    return narrow / noise, noise
