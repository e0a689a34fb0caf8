# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels by named regions on the navigator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import traits.api as t
from numpy.typing import NDArray

from hyperspy_dag.labels.parsing import UNLABELLED_STRINGS

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum


class Region(t.HasTraits):
    """A range of a line scan, or a rectangle of a map, that belongs to a class.

    Attributes
    ----------
    name : str
        Name of the class; several regions may have the same.
    left, right, top, bottom : float
        In the units of the navigation axes; right and bottom are left out, as in HyperSpy's ROIs.
        A line scan has neither top nor bottom. They may be given in any order.
    number : int
        Its place among the regions that were added.
    """

    name = t.Str()
    number = t.Int(-1)
    left = t.Float()
    right = t.Float()
    top = t.Float()
    bottom = t.Float()
    colour = t.Str("#D55E00")

    def limits(self) -> dict[str, float]:
        """Return left, right, top and bottom, the smaller first."""
        left, right = sorted((self.left, self.right))
        top, bottom = sorted((self.top, self.bottom))
        return {"left": left, "right": right, "top": top, "bottom": bottom}

    def mask(self, s: EELSSpectrum) -> NDArray[np.bool_]:
        """Return the mask of the region in the navigation shape of the data."""
        axes, at = s.axes_manager.navigation_axes, self.limits()
        inside = _between(axes[0].axis, at["left"], at["right"])
        if len(axes) == 1:
            return inside
        return _between(axes[1].axis, at["top"], at["bottom"])[:, np.newaxis] & inside


def _between(positions: NDArray, low: float, high: float) -> NDArray[np.bool_]:
    # Drawn limits are those of pixels up to rounding.
    slack = 1e-6 * (abs(positions[-1] - positions[0]) + 1e-12)
    return (positions >= low - slack) & (positions < high - slack)


def region_labels(s: EELSSpectrum, regions: Sequence[Region]) -> NDArray[np.str_]:
    """Return the class of every spectrum; "" (unlabelled) outside of regions.

    Raises
    ------
    ValueError
        There is no region, one has no name or holds no spectrum, regions of two classes overlap,
        or the signal has more than two navigation axes.
    """
    dimension = s.axes_manager.navigation_dimension
    if dimension not in (1, 2):
        raise ValueError(
            f"regions are drawn on line scans and scans; this signal has {dimension} navigation "
            "axes. Give labels as an array: s.dag_augment(labels, display=True)."
        )
    if not regions:
        raise ValueError("no region is drawn yet: press 'Add region' once for each class.")
    index = np.full(s.data.shape[:-1], -1)
    names: list[str] = []
    for number, region in enumerate(regions, 1):
        name = region.name.strip()
        if not name:
            raise ValueError(f"region {number} has no class name.")
        if name.lower() in UNLABELLED_STRINGS:
            raise ValueError(f"region {number}: {name!r} says that there is no label; rename it.")
        mask = region.mask(s)
        if not mask.any():
            raise ValueError(f"region {number} ({name}) holds no spectrum: widen it.")
        if name not in names:
            names.append(name)
        own = names.index(name)
        other = mask & (index >= 0) & (index != own)
        if other.any():
            raise ValueError(
                f"region {number} ({name}) shares {int(other.sum())} spectra with class "
                f"{names[index[other][0]]}: draw regions of different classes apart."
            )
        index[mask] = own
    return np.array([*names, ""])[index]
