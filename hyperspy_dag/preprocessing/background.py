# SPDX-License-Identifier: GPL-3.0-or-later
"""Backgrounds in front of an edge other than the power law of two areas: HyperSpy fits them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperspy_dag._utils.checks import check_choice, check_count

from .energy_axis import EnergyAxis
from .power_law import subtract_power_law

#: Names here and in HyperSpy, and whether two areas fix them.
_TYPES = {
    "power law": ("PowerLaw", True),
    "exponential": ("Exponential", True),
    "offset": ("Offset", False),
    "polynomial": ("Polynomial", False),
}
_FITS = ("two-area", "least squares")


@dataclass(frozen=True)
class Background:
    """Which background is subtracted, and how it is found.

    Attributes
    ----------
    type : str
        "power law", "exponential", "offset" or "polynomial".
    fit : str
        "two-area" or "least squares".
    order : int or None
        Of the polynomial.
    """

    type: str
    fit: str
    order: int | None

    @classmethod
    def checked(cls, background_type: Any, background_fit: Any, order: Any) -> Background:
        """Check the arguments of :func:`.steps.preprocess`."""
        check_choice("background_type", background_type, _TYPES)
        two_areas = _TYPES[background_type][1]
        if background_fit is None:
            background_fit = _FITS[0 if two_areas else 1]
        check_choice("background_fit", background_fit, _FITS)
        if background_fit == "two-area" and not two_areas:
            raise ValueError(
                f'background_fit="two-area" is of "power law" and "exponential"; '
                f'background_type="{background_type}" is fitted by "least squares"'
            )
        order = check_count("polynomial_order", order)
        return cls(background_type, background_fit, order if "poly" in background_type else None)

    def record(self) -> dict[str, Any]:
        """What ``metadata.DAG.preprocessing`` says of it; nothing of the default."""
        if self == DEFAULT:
            return {}
        order = {} if self.order is None else {"polynomial_order": self.order}
        return {"background_type": self.type, "background_fit": self.fit} | order

    def subtract(
        self, spectra: NDArray[np.float64], axis: EnergyAxis, window: tuple[int, int]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Subtract from each spectrum its background in a window of channels.

        Parameters
        ----------
        spectra : array of shape (n, channels)
            Finite.
        axis : EnergyAxis
        window : (int, int)
            First channel of the window, and the channel after its last.

        Returns
        -------
        array of shape (n, channels)
        fitted : bool array of shape (n,)
        """
        if self == DEFAULT:
            widths = np.gradient(axis.energies) if axis.is_binned else 1.0
            return subtract_power_law(spectra, axis.energies, window, widths)
        from exspy.signals import EELSSpectrum

        # What is all zero, or holds no counts for a logarithm, cannot be fitted.
        fitted: Any = spectra[:, slice(*window)].any(axis=1)
        if _TYPES[self.type][1]:
            half = (window[0] + window[1]) // 2
            for part in (slice(window[0], half), slice(half, window[1])):
                fitted &= spectra[:, part].sum(axis=1) > 0
        rest = np.zeros_like(spectra)
        if not fitted.any():
            return rest, fitted
        number = {"name": "spectrum", "size": int(fitted.sum()), "navigate": True}
        energy = axis.description() | {"navigate": False}
        s = EELSSpectrum(spectra[fitted], axes=[number, energy])
        s.axes_manager.signal_axes[0].is_binned = axis.is_binned
        with np.errstate(all="ignore"):  # what comes of it is looked at
            rest[fitted] = s.remove_background(
                signal_range=(float(axis.energies[window[0]]), float(axis.energies[window[1]])),
                background_type=_TYPES[self.type][0],
                polynomial_order=self.order or 2,
                # The estimates of offset and polynomial are their least squares.
                fast=self.fit == "two-area" or not _TYPES[self.type][1],
                show_progressbar=False,
            ).data
        fitted &= np.isfinite(rest).all(axis=1)
        rest[~fitted] = 0
        return rest, fitted


DEFAULT = Background("power law", "two-area", None)
