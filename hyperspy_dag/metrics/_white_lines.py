# SPDX-License-Identifier: GPL-3.0-or-later
"""Positions, onsets, widths, ratio and energy shift of the white lines of spectra.

All energies are in eV. A line that touches the end of its window is measured up to that end, so
that bad spectra stay in a distribution.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import trapezoid
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from ._distributions import wasserstein
from .checks import as_energy, as_pair, as_spectra, as_window

SMOOTHING = 0.3
"""Default standard deviation of the Gaussian smoothing before a line is located, in eV.

Small against the 2 to 3 eV of a white line, large enough to keep single noisy channels from
becoming the maximum.
"""


class WhiteLineWindows(NamedTuple):
    """Energy windows in eV, each (low, high), of the L3 line, the L2 line and the post-edge.

    Attributes
    ----------
    l3, l2 : tuple of float
        Windows of the white lines.
    post_edge : tuple of float or None
        Flat part above L2, whose mean is the height of the continuum under the lines. None
        subtracts no continuum.

    See Also
    --------
    find_white_line_windows : Find the windows from spectra.
    l3_l2_ratio : Integrate over the windows.

    Examples
    --------
    >>> from hyperspy_dag.metrics import WhiteLineWindows
    >>> windows = WhiteLineWindows(l3=(636.0, 648.0), l2=(648.0, 660.0))
    >>> windows.l3
    (636.0, 648.0)
    >>> windows.post_edge is None
    True
    """

    l3: tuple[float, float]
    l2: tuple[float, float]
    post_edge: tuple[float, float] | None = None


def _checked_smooth(
    spectra: ArrayLike, energy: ArrayLike, smoothing: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Check spectra, axis and smoothing; return spectra, smoothed spectra and axis."""
    spectra = as_spectra(spectra)
    energy = as_energy(energy, spectra.shape[1])
    if not np.isfinite(smoothing) or smoothing < 0:
        raise ValueError(f"smoothing must be 0 or a positive width in eV; got {smoothing!r}.")
    step = np.diff(energy)
    if smoothing > 0 and not np.allclose(step, step.mean(), rtol=1e-3):
        raise ValueError(
            "smoothing needs an evenly spaced energy axis; interpolate the spectra to one, or give "
            "smoothing=0."
        )
    width = smoothing / step.mean()
    smooth = gaussian_filter1d(spectra, width, axis=1, mode="nearest") if width > 0 else spectra
    return spectra, smooth, energy


def _vertex(
    energy: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Locate the maximum of each row by a parabola through its highest point and two neighbours."""
    peak = values.argmax(axis=1)
    middle = np.clip(peak, 1, values.shape[1] - 2)
    rows = np.arange(len(values))
    left, top, right = (values[rows, middle + step] for step in (-1, 0, 1))
    curvature = left - 2.0 * top + right
    inside = (peak == middle) & (curvature < 0)
    offset = np.divide(left - right, 2.0 * curvature, out=np.zeros_like(top), where=inside)
    channels = np.arange(values.shape[1])
    return np.interp(peak + np.where(inside, offset, 0.0), channels, energy), peak


def peak_position(
    spectra: ArrayLike,
    energy: ArrayLike,
    window: tuple[float, float],
    smoothing: float = SMOOTHING,
) -> NDArray[np.float64]:
    """Locate the highest peak in an energy window, for each spectrum.

    The spectra are smoothed with a Gaussian; a parabola through the highest channel and its two
    neighbours gives the position between the channels.

    Parameters
    ----------
    spectra : array-like, shape (spectra, channels)
        Intensities.
    energy : array-like, shape (channels,)
        Energy-loss axis in eV, increasing.
    window : tuple of float
        (low, high) in eV, at least 3 channels.
    smoothing : float, default 0.3
        Standard deviation of the Gaussian in eV; 0 for none.

    Returns
    -------
    numpy.ndarray, shape (spectra,)
        In eV; the end of the window if the intensity is highest there.

    Raises
    ------
    ValueError
        Wrong shapes, NaN, an axis that does not fit, a window outside it.

    See Also
    --------
    l3_position : Locate the L3 line.
    peak_width : Measure the width of the peak.
    energy_shift : Measure the shift of the whole spectrum.

    Examples
    --------
    >>> from hyperspy_dag.metrics import peak_position
    >>> energy = np.arange(630.0, 665.0, 0.1)
    >>> l3 = np.array([[640.0], [641.0], [642.0]])
    >>> line = lambda centre: np.exp(-(((energy - centre) / 2) ** 2))
    >>> spectra = line(l3) + 0.5 * line(l3 + 11)
    >>> peak_position(spectra, energy, (635.0, 646.0)).round(2)
    array([640., 641., 642.])
    """
    _, smooth, energy = _checked_smooth(spectra, energy, smoothing)
    part = as_window(window, energy, "window")
    return _vertex(energy[part], smooth[:, part])[0]


def l3_position(
    spectra: ArrayLike,
    energy: ArrayLike,
    windows: WhiteLineWindows,
    smoothing: float = SMOOTHING,
) -> NDArray[np.float64]:
    """Locate the L3 line of each spectrum.

    Parameters
    ----------
    spectra, energy, smoothing
        See `peak_position`.
    windows : WhiteLineWindows
        The L3 line is the highest peak in ``windows.l3``.

    Returns
    -------
    numpy.ndarray, shape (spectra,)
        In eV.

    See Also
    --------
    white_line_positions : Locate both white lines.
    peak_position : Locate a peak in any window.

    Examples
    --------
    >>> from hyperspy_dag.metrics import find_white_line_windows, l3_position
    >>> energy = np.arange(630.0, 665.0, 0.1)
    >>> l3 = np.array([[640.0], [641.0], [642.0]])
    >>> line = lambda centre: np.exp(-(((energy - centre) / 2) ** 2))
    >>> spectra = line(l3) + 0.5 * line(l3 + 11)
    >>> windows = find_white_line_windows(spectra, energy)
    >>> l3_position(spectra, energy, windows).round(2)
    array([640., 641., 642.])
    """
    return peak_position(spectra, energy, windows.l3, smoothing)


def white_line_positions(
    spectra: ArrayLike,
    energy: ArrayLike,
    windows: WhiteLineWindows,
    smoothing: float = SMOOTHING,
) -> NDArray[np.float64]:
    """Locate the L3 and the L2 line of each spectrum.

    Parameters
    ----------
    spectra, energy, smoothing
        See `peak_position`.
    windows : WhiteLineWindows
        The lines are the highest peaks in ``windows.l3`` and ``windows.l2``.

    Returns
    -------
    numpy.ndarray, shape (spectra, 2)
        L3 and L2 position, in eV.

    See Also
    --------
    l3_position : Locate the L3 line alone.
    find_white_line_windows : Find the windows from spectra.

    Examples
    --------
    >>> from hyperspy_dag.metrics import find_white_line_windows, white_line_positions
    >>> energy = np.arange(630.0, 665.0, 0.1)
    >>> l3 = np.array([[640.0], [641.0], [642.0]])
    >>> line = lambda centre: np.exp(-(((energy - centre) / 2) ** 2))
    >>> spectra = line(l3) + 0.5 * line(l3 + 11)
    >>> windows = find_white_line_windows(spectra, energy)
    >>> white_line_positions(spectra, energy, windows).round(2)
    array([[640., 651.],
           [641., 652.],
           [642., 653.]])
    """
    return np.stack(
        [peak_position(spectra, energy, part, smoothing) for part in (windows.l3, windows.l2)],
        axis=1,
    )


def _crossings(
    energy: NDArray[np.float64], values: NDArray[np.float64], fraction: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find where each row last rises through and first falls below a fraction of its maximum."""
    rising, falling = np.empty(len(values)), np.empty(len(values))
    for row, line in enumerate(values):
        peak = int(line.argmax())
        if line[peak] <= 0:
            rising[row] = falling[row] = np.nan
            continue
        threshold = fraction * line[peak]
        below = np.flatnonzero(line < threshold)
        before, after = below[below < peak], below[below > peak]
        rising[row], falling[row] = energy[0], energy[-1]
        if before.size:
            low = before[-1]
            rising[row] = np.interp(threshold, line[low : low + 2], energy[low : low + 2])
        if after.size:
            high = after[0]
            pair = slice(high - 1, high + 1)
            falling[row] = np.interp(threshold, line[pair][::-1], energy[pair][::-1])
    return rising, falling


def _as_fraction(fraction: float) -> float:
    if not 0 < fraction < 1:
        raise ValueError(f"fraction must lie between 0 and 1; got {fraction!r}.")
    return float(fraction)


def onset_energy(
    spectra: ArrayLike,
    energy: ArrayLike,
    window: tuple[float, float],
    fraction: float = 0.5,
    smoothing: float = SMOOTHING,
) -> NDArray[np.float64]:
    """Locate the onset of an edge, for each spectrum.

    The onset is where the edge last rises through a fraction of its peak.

    Parameters
    ----------
    spectra : array-like, shape (spectra, channels)
        Background-subtracted intensities.
    energy : array-like, shape (channels,)
        Energy-loss axis in eV, increasing.
    window : tuple of float
        (low, high) in eV around the foot and the peak, for instance ``windows.l3``.
    fraction : float, default 0.5
        Fraction of the peak. 0.5 lies on the steepest part of the rise and is robust against noise;
        0.1 lies nearer to the foot.
    smoothing : float, default 0.3
        Standard deviation of the Gaussian in eV; 0 for none.

    Returns
    -------
    numpy.ndarray, shape (spectra,)
        In eV; the low end of the window if the intensity is above the fraction from there on; NaN
        for a spectrum without positive intensity in the window.

    Raises
    ------
    ValueError
        Wrong shapes, NaN, an axis that does not fit, a window outside it, a wrong fraction.

    See Also
    --------
    peak_position : Locate the peak of the edge.
    energy_shift : Measure the shift of the whole spectrum.

    Examples
    --------
    The line is a Gaussian exp(-x²/4); its half maximum lies 2 (ln 2)^½ = 1.7 eV below the peak.

    >>> from hyperspy_dag.metrics import onset_energy
    >>> energy = np.arange(630.0, 665.0, 0.1)
    >>> l3 = np.array([[640.0], [641.0], [642.0]])
    >>> line = lambda centre: np.exp(-(((energy - centre) / 2) ** 2))
    >>> spectra = line(l3) + 0.5 * line(l3 + 11)
    >>> onset_energy(spectra, energy, (635.0, 646.0), smoothing=0).round(1)
    array([638.3, 639.3, 640.3])
    """
    fraction = _as_fraction(fraction)
    _, smooth, energy = _checked_smooth(spectra, energy, smoothing)
    part = as_window(window, energy, "window")
    return _crossings(energy[part], smooth[:, part], fraction)[0]


def peak_width(
    spectra: ArrayLike,
    energy: ArrayLike,
    window: tuple[float, float],
    fraction: float = 0.5,
    smoothing: float = SMOOTHING,
) -> NDArray[np.float64]:
    """Measure the width of the highest peak in a window, for each spectrum.

    The smoothing widens narrow lines slightly, in real and in synthetic spectra alike.

    Parameters
    ----------
    spectra : array-like, shape (spectra, channels)
        Background-subtracted intensities.
    energy : array-like, shape (channels,)
        Energy-loss axis in eV, increasing.
    window : tuple of float
        (low, high) in eV.
    fraction : float, default 0.5
        Fraction of the height: one half gives the full width at half maximum.
    smoothing : float, default 0.3
        Standard deviation of the Gaussian in eV; 0 for none.

    Returns
    -------
    numpy.ndarray, shape (spectra,)
        In eV; at most the width of the window; NaN for a spectrum without positive intensity in it.

    Raises
    ------
    ValueError
        Wrong shapes, NaN, an axis that does not fit, a window outside it, a wrong fraction.

    See Also
    --------
    peak_position : Locate the peak.
    white_line_distances : Compare widths of real and synthetic spectra.

    Examples
    --------
    The line is a Gaussian exp(-x²/4) with a full width of 4 (ln 2)^½ = 3.33 eV at half maximum.

    >>> from hyperspy_dag.metrics import peak_width
    >>> energy = np.arange(630.0, 665.0, 0.1)
    >>> l3 = np.array([[640.0], [641.0], [642.0]])
    >>> line = lambda centre: np.exp(-(((energy - centre) / 2) ** 2))
    >>> spectra = line(l3) + 0.5 * line(l3 + 11)
    >>> peak_width(spectra, energy, (635.0, 646.0), smoothing=0).round(2)
    array([3.33, 3.33, 3.33])
    """
    fraction = _as_fraction(fraction)
    _, smooth, energy = _checked_smooth(spectra, energy, smoothing)
    part = as_window(window, energy, "window")
    rising, falling = _crossings(energy[part], smooth[:, part], fraction)
    return falling - rising


def l3_l2_ratio(
    spectra: ArrayLike,
    energy: ArrayLike,
    windows: WhiteLineWindows,
    smoothing: float = SMOOTHING,
) -> NDArray[np.float64]:
    """Compute the ratio of the areas of the L3 and L2 white lines, for each spectrum.

    The areas are integrals over ``windows.l3`` and ``windows.l2``. If ``windows.post_edge`` is
    given, a continuum of two steps is subtracted first. The steps lie at the two line positions.
    Their heights are 2 : 1, after the occupancy of 2p3/2 and 2p1/2. Together they are as high as
    the mean over the post-edge window.

    Parameters
    ----------
    spectra : array-like, shape (spectra, channels)
        Background-subtracted intensities.
    energy : array-like, shape (channels,)
        Energy-loss axis in eV, increasing.
    windows : WhiteLineWindows
        Windows in eV.
    smoothing : float, default 0.3
        Smoothing before the lines are located, in eV. The areas are of the unsmoothed spectra.

    Returns
    -------
    numpy.ndarray, shape (spectra,)
        Ratio without unit; NaN for a spectrum whose L2 area is not positive.

    Raises
    ------
    ValueError
        Wrong shapes, NaN, an axis that does not fit, a window outside it.

    See Also
    --------
    find_white_line_windows : Find the windows from spectra.
    white_line_distances : Compare ratios of real and synthetic spectra.

    Notes
    -----
    Two-step continuum: D. H. Pearson, C. C. Ahn & B. Fultz, Phys. Rev. B 47, 8471 (1993).

    Examples
    --------
    >>> from hyperspy_dag.metrics import WhiteLineWindows, l3_l2_ratio
    >>> energy = np.arange(630.0, 665.0, 0.1)
    >>> l3 = np.array([[640.0], [641.0], [642.0]])
    >>> line = lambda centre: np.exp(-(((energy - centre) / 2) ** 2))
    >>> spectra = line(l3) + 0.5 * line(l3 + 11)
    >>> windows = WhiteLineWindows(l3=(634.0, 646.5), l2=(646.5, 660.0))
    >>> l3_l2_ratio(spectra, energy, windows).round(1)
    array([2., 2., 2.])
    """
    spectra, smooth, energy = _checked_smooth(spectra, energy, smoothing)
    parts = [as_window(windows.l3, energy, "l3"), as_window(windows.l2, energy, "l2")]
    if windows.post_edge is not None:
        flat = as_window(windows.post_edge, energy, "post_edge")
        height = spectra[:, flat].mean(axis=1, keepdims=True)
        spectra = spectra.copy()
        for part, share in zip(parts, (2.0 / 3.0, 1.0 / 3.0), strict=True):
            position = _vertex(energy[part], smooth[:, part])[0]
            spectra -= share * height * (energy > position[:, None])
    l3, l2 = (trapezoid(spectra[:, part], energy[part], axis=1) for part in parts)
    return np.divide(l3, l2, out=np.full_like(l3, np.nan), where=l2 > 0)


def energy_shift(
    spectra: ArrayLike,
    energy: ArrayLike,
    reference: ArrayLike,
    window: tuple[float, float] | None = None,
    max_shift: float = 3.0,
) -> NDArray[np.float64]:
    """Measure the energy shift of each spectrum against a reference, by cross-correlation.

    The reference is moved channel by channel, and its Pearson correlation with each spectrum is
    computed in the window. A parabola through the highest correlation and its neighbours gives
    fractions of a channel. Measure real and synthetic spectra against the same reference.

    Parameters
    ----------
    spectra : array-like, shape (spectra, channels)
        Intensities.
    energy : array-like, shape (channels,)
        Energy-loss axis in eV, evenly spaced.
    reference : array-like, shape (channels,)
        For instance the mean of the real spectra.
    window : tuple of float, optional
        (low, high) in eV in which the two are compared. Default: the whole axis.
    max_shift : float, default 3.0
        Largest shift that can be found, in eV.

    Returns
    -------
    numpy.ndarray, shape (spectra,)
        In eV; positive where the spectrum lies at higher energy loss than the reference.

    Raises
    ------
    ValueError
        Wrong shapes, NaN, a constant reference or spectrum, an uneven axis, a wrong ``max_shift``.

    See Also
    --------
    peak_position : Locate a single peak.
    hyperspy_dag.common_energy_axis : Align signals on an edge.

    Examples
    --------
    >>> from hyperspy_dag.metrics import energy_shift
    >>> energy = np.arange(630.0, 665.0, 0.1)
    >>> l3 = np.array([[640.0], [641.0], [642.0]])
    >>> line = lambda centre: np.exp(-(((energy - centre) / 2) ** 2))
    >>> spectra = line(l3) + 0.5 * line(l3 + 11)
    >>> energy_shift(spectra[[0, 2]], energy, reference=spectra[1]).round(2)
    array([-1.,  1.])
    """
    spectra = as_spectra(spectra)
    energy = as_energy(energy, spectra.shape[1])
    reference = as_spectra(np.atleast_2d(np.asarray(reference)), "reference")
    if reference.shape != (1, energy.size):
        raise ValueError(
            f"reference must hold one spectrum of {energy.size} channels; "
            f"got shape {reference.shape}."
        )
    part = slice(0, energy.size) if window is None else as_window(window, energy, "window")
    step = (energy[-1] - energy[0]) / (energy.size - 1)
    if not np.allclose(np.diff(energy), step, rtol=1e-3):
        raise ValueError("energy_shift needs an evenly spaced energy axis.")
    reach = round(max_shift / step) if np.isfinite(max_shift) else 0
    if not 1 <= reach < energy.size:
        raise ValueError(
            f"max_shift must be between {step:.3g} eV (one channel) and the length of the axis; "
            f"got {max_shift!r}."
        )
    padded = np.pad(reference[0], reach, mode="edge")
    # Row j of the stack is the reference moved by j - reach channels to higher energy.
    stack = np.lib.stride_tricks.sliding_window_view(padded, energy.size)[::-1, part]
    if np.ptp(reference[0, part]) == 0:
        raise ValueError("the reference is constant inside the window; no shift can be measured.")
    if (np.ptp(spectra[:, part], axis=1) == 0).any():
        raise ValueError("a spectrum is constant inside the window; no shift can be measured.")
    # Moved so far that the window holds nothing but what the reference was continued by.
    empty = np.ptp(stack, axis=1) == 0
    correlation = _standardised(spectra[:, part]) @ _standardised(stack).T
    correlation[:, empty] = -1.0
    return _vertex(np.arange(-reach, reach + 1) * step, correlation)[0]


def _energy_shift_or_nan(
    spectra: NDArray[np.float64],
    energy: ArrayLike,
    reference: NDArray[np.float64],
    window: tuple[float, float],
) -> NDArray[np.float64]:
    """Measure energy shifts; NaN for a spectrum that is constant in the window."""
    part = as_window(window, as_energy(energy, spectra.shape[1]), "window")
    varies = np.ptp(spectra[:, part], axis=1) > 0
    shifts = np.full(len(spectra), np.nan)
    if varies.any():
        shifts[varies] = energy_shift(spectra[varies], energy, reference, window)
    return shifts


def _standardised(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centre each row and scale it to unit length; constant rows become 0."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(centred, axis=1, keepdims=True)
    return centred / np.where(norm > 0, norm, 1.0)


def find_white_line_windows(
    spectra: ArrayLike, energy: ArrayLike, smoothing: float = 0.6
) -> WhiteLineWindows:
    """Find the windows of the L3 and L2 lines from the mean of a set of spectra.

    L3 is the highest peak of the mean, L2 the most prominent one 3 to 30 eV above it. The windows
    meet in the valley between the two; each reaches outwards by half their distance. ``post_edge``
    is None: the flat part of the continuum has to be chosen by the user.

    Parameters
    ----------
    spectra : array-like, shape (spectra, channels)
        Background-subtracted spectra of one class.
    energy : array-like, shape (channels,)
        Energy-loss axis in eV, increasing.
    smoothing : float, default 0.6
        Smoothing of the mean before the search, in eV.

    Returns
    -------
    WhiteLineWindows
        Windows in eV.

    Raises
    ------
    ValueError
        Wrong shapes, NaN, or no pair of white lines in the mean.

    See Also
    --------
    WhiteLineWindows : Give the windows by hand.
    white_line_positions : Locate both white lines.

    Examples
    --------
    >>> from hyperspy_dag.metrics import find_white_line_windows
    >>> energy = np.arange(630.0, 665.0, 0.1)
    >>> l3 = np.array([[640.0], [641.0], [642.0]])
    >>> line = lambda centre: np.exp(-(((energy - centre) / 2) ** 2))
    >>> spectra = line(l3) + 0.5 * line(l3 + 11)
    >>> windows = find_white_line_windows(spectra, energy)
    >>> [round(end, 1) for end in windows.l3 + windows.l2]
    [635.5, 646.7, 646.7, 657.5]
    """
    spectra = as_spectra(spectra)
    _, smooth, energy = _checked_smooth(spectra.mean(axis=0, keepdims=True), energy, smoothing)
    mean = smooth[0]
    peaks, found = find_peaks(mean, prominence=0.03 * np.ptp(mean))
    highest = peaks[mean[peaks].argmax()] if peaks.size else 0
    distance = energy[peaks] - energy[highest]
    second = (distance >= 3.0) & (distance <= 30.0)
    if not second.any():
        raise ValueError(
            f"no pair of white lines was found between {energy[0]:.6g} and {energy[-1]:.6g} eV; "
            "give the windows with WhiteLineWindows(l3=(low, high), l2=(low, high))."
        )
    candidates = peaks[second]
    next_peak = candidates[found["prominences"][second].argmax()]
    valley = energy[highest + mean[highest : next_peak + 1].argmin()]
    half = 0.5 * (energy[next_peak] - energy[highest])
    return WhiteLineWindows(
        l3=(float(max(energy[highest] - half, energy[0])), float(valley)),
        l2=(float(valley), float(min(energy[next_peak] + half, energy[-1]))),
    )


def white_line_distances(
    real: ArrayLike,
    synthetic: ArrayLike,
    energy: ArrayLike,
    windows: WhiteLineWindows | None = None,
) -> dict[str, float]:
    """Compute Wasserstein distances between white lines of real and of synthetic spectra.

    Parameters
    ----------
    real, synthetic : array-like, shape (spectra, channels)
        Background-subtracted intensities.
    energy : array-like, shape (channels,)
        Energy-loss axis in eV, evenly spaced.
    windows : WhiteLineWindows, optional
        Default: `find_white_line_windows` of ``real``.

    Returns
    -------
    dict of str to float
        ``l3_position``, ``l2_position``, ``l3_onset``, ``l3_width``, ``l2_width``, ``energy_shift``
        (against the mean of ``real``), all in eV; ``l3_l2_ratio`` without unit; ``unmeasured``, the
        fraction of synthetic spectra on which at least one of them could not be measured.

    Raises
    ------
    ValueError
        Wrong shapes, NaN, no white lines found, a window outside the axis.

    See Also
    --------
    wasserstein : Compare one number per spectrum.
    find_white_line_windows : Find the windows from spectra.

    Examples
    --------
    >>> from hyperspy_dag.metrics import white_line_distances
    >>> energy = np.arange(630.0, 665.0, 0.1)
    >>> l3 = np.array([[640.0], [641.0], [642.0]])
    >>> line = lambda centre: np.exp(-(((energy - centre) / 2) ** 2))
    >>> spectra = line(l3) + 0.5 * line(l3 + 11)
    >>> moved = np.roll(spectra, 5, axis=1)  # by 0.5 eV
    >>> distances = white_line_distances(spectra, moved, energy)
    >>> round(distances["l3_position"], 2), round(distances["l3_width"], 2)
    (0.5, 0.0)
    """
    real, synthetic = as_pair(real, synthetic)
    if windows is None:
        windows = find_white_line_windows(real, energy)
    reference = real.mean(axis=0)
    whole = (windows.l3[0], windows.l2[1])
    sides = [
        {
            "l3_position": peak_position(side, energy, windows.l3),
            "l2_position": peak_position(side, energy, windows.l2),
            "l3_onset": onset_energy(side, energy, windows.l3),
            "l3_width": peak_width(side, energy, windows.l3),
            "l2_width": peak_width(side, energy, windows.l2),
            "l3_l2_ratio": l3_l2_ratio(side, energy, windows),
            "energy_shift": _energy_shift_or_nan(side, energy, reference, whole),
        }
        for side in (real, synthetic)
    ]
    result = {name: wasserstein(sides[0][name], sides[1][name]) for name in sides[0]}
    missing = np.isnan(np.stack(list(sides[1].values()))).any(axis=0)
    return result | {"unmeasured": float(missing.mean())}
