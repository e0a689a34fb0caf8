# SPDX-License-Identifier: GPL-3.0-or-later
"""Denoising of the basis: wavelet shrinkage where the noise is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d, gaussian_filter1d

#: Noise amplitudes below this many standard deviations are taken away.
THRESHOLD = 1.5

_B3_SPLINE = np.array([1, 4, 6, 4, 1]) / 16


def _starlet(rows: NDArray, scales: int) -> tuple[list[NDArray], NDArray]:
    """Undecimated wavelet transform with holes: details from fine to coarse, and the rest."""
    details = []
    for scale in range(scales):
        kernel = np.zeros(4 * 2**scale + 1)
        kernel[:: 2**scale] = _B3_SPLINE
        smooth = convolve1d(rows, kernel, axis=-1, mode="nearest")
        details.append(rows - smooth)
        rows = smooth
    return details, rows


class Shrinker:
    """Empirical Wiener shrinkage in an undecimated wavelet transform.

    Rows without noise are left as they are, so that it needs no tuning to smooth spectra.

    Parameters
    ----------
    kernel : array
        Point spread of the noise.
    channels : int

    Notes
    -----
    Starck, Fadili & Murtagh, IEEE TIP 16, 297 (2007), for the transform.
    """

    def __init__(self, kernel: NDArray, channels: int):
        self.scales = max(2, int(np.log2(channels / 16)))
        details, _ = _starlet(np.pad(kernel, 4 * 2**self.scales), self.scales)
        # How much of the noise each scale gets.
        self._gain = [np.sqrt((detail**2).sum()) for detail in details]

    def __call__(self, rows: NDArray, std: NDArray) -> NDArray[np.float64]:
        """Shrink rows whose noise has the standard deviations `std`, one a row."""
        details, out = _starlet(rows, self.scales)
        for scale, (detail, gain) in enumerate(zip(details, self._gain, strict=True)):
            noise = (THRESHOLD * np.asarray(std)[:, None] * gain) ** 2
            width = max(1.0, 1.5 * 2**scale)
            energy = gaussian_filter1d(detail**2, width, axis=1, mode="nearest")
            out = out + detail * np.maximum(0.0, 1.0 - noise / np.maximum(energy, 1e-300))
        return out
