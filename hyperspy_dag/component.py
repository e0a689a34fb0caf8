# SPDX-License-Identifier: GPL-3.0-or-later
"""A component of HyperSpy models for the spectra of a fitted class."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.component import Component
from hyperspy.components1d import Expression
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import BSpline, make_interp_spline

from ._utils.checks import check_count
from ._utils.warnings import warn

if TYPE_CHECKING:
    from hyperspy.api.signals import Signal1D

__all__ = ["EELSAugmenterComponent"]

_SHIFT_REACH = 5.0
"""Largest energy shift in eV that a bounded fit tries."""

_NEGLIGIBLE = 1e-6
"""Standard deviation, relative to that of the first variation, below which there is none."""


class EELSAugmenterComponent(Expression):
    r"""Model the spectra of a class by their mean and principal components.

    .. math::

        f(E) = I\, \mu(E - s) + \sum_{i=1}^{k} v_i\, \phi_i(E - s)

    ================ ============== ==========================================================
    variable         parameter      unit
    ================ ============== ==========================================================
    :math:`I`        ``intensity``  class means: 1 is a clean mean spectrum of the class
    :math:`s`        ``shift``      eV, fixed at 0 until it is set free
    :math:`v_i`      ``v1`` ...     class means times standard deviations of the class
    ================ ============== ==========================================================

    Made by :meth:`hyperspy_dag.EELSAugmenter.component`. All parameters but ``shift`` are linear,
    so that ``multifit(optimizer="lstsq")`` fits a whole spectrum image at once. Therefore
    :math:`v_i` is proportional to the intensity: :math:`v_i / I = 1` is one standard deviation of
    the class.

    Parameters
    ----------
    energy : array, shape (channels,)
        Energy losses of the channels, in eV.
    mean : array, shape (channels,)
        Clean mean spectrum :math:`\mu`.
    variations : array, shape (k, channels), optional
        :math:`\phi_i`, each times the standard deviation of its score.
    ranges : array, shape (k, 2), optional
        Lowest and highest score of each variation, in standard deviations. They are the bounds of
        ``v1`` ... ``vk`` for intensity 1; see :meth:`scale_bounds`.
    intensity, shift : float, default 1 and 0
        Initial values.

    Raises
    ------
    ValueError
        The shapes of the arrays do not match, or values are not finite.

    See Also
    --------
    hyperspy_dag.EELSAugmenter.component : Make the component of a fitted class.
    hyperspy.api.model.components1D.Expression : The base class.

    Notes
    -----
    On other energy axes the shapes are interpolated by a cubic spline. Beyond the learned range the
    component is zero, with a warning; an axis that lies outside altogether raises ValueError. A
    shift beyond the first or last learned energy repeats their values.

    EELS axes are binned: HyperSpy multiplies a model by the width of a channel. The component of an
    augmenter trained on such spectra is divided by it, so that the intensity is 1 for spectra like
    the training spectra, and proportional to the counts per eV on other dispersions. For
    max-normalised training spectra, the clean spectra have the maximum 1. Measured spectra, whose
    maximum is that of signal and noise, give an intensity below 1, which decreases with the noise
    (0.9 for the simulated oxides).

    The component is not convolved with a low-loss spectrum, since the spectra of the class contain
    the plural scattering and the resolution of the instrument.

    Examples
    --------
    A peak whose height varies by 10 %:

    >>> from hyperspy_dag import EELSAugmenterComponent
    >>> energy = np.arange(630.0, 660.0, 0.5)
    >>> peak = np.exp(-(((energy - 642.0) / 2) ** 2))
    >>> component = EELSAugmenterComponent(energy, peak, [0.1 * peak], [[-2.0, 2.0]])
    >>> [parameter.name for parameter in component.parameters]
    ['intensity', 'v1', 'shift']
    >>> component.v1.value = 1.0
    >>> component.function(np.array([642.0])).round(3)
    array([1.1])
    """

    def __init__(
        self,
        energy: ArrayLike,
        mean: ArrayLike,
        variations: ArrayLike | None = None,
        ranges: ArrayLike | None = None,
        intensity: float = 1.0,
        shift: float = 0.0,
    ) -> None:
        energy, shapes, ranges = _checked(energy, mean, variations, ranges)
        names = [f"v{i + 1}" for i in range(len(ranges))]
        # Not Expression's: there is no expression. HyperSpy's linear fit of several parameters
        # asks for this class, and for what _separate_pseudocomponents returns.
        Component.__init__(self, ["intensity", *names, "shift"], ["intensity", *names])
        self._is2D = False
        for i, parameter in enumerate(self.parameters[:-1]):
            parameter.grad = self._gradient(i)
        self._whitelist.update(
            energy=("init", energy),
            mean=("init", shapes[0]),
            variations=("init", shapes[1:] if names else None),
            ranges=("init", ranges if names else None),
        )
        self._energy = energy
        self._ranges = ranges
        self._spline = make_interp_spline(energy, shapes.T, k=min(3, len(energy) - 1))
        self._slope = self._spline.derivative()
        self._warned: set[tuple[float, float]] = set()
        self._position = self.shift
        self.convolved = False
        self.intensity.value = intensity
        self.intensity.bmin = 0.0
        self.shift.units = "eV"
        self.shift.value = shift
        self.shift.bmin, self.shift.bmax = -_SHIFT_REACH, _SHIFT_REACH
        self.shift.free = False
        self.scale_bounds(1.0)

    @classmethod
    def of_spectra(
        cls, spectra: Signal1D, n_variations: int = 3, name: str = ""
    ) -> EELSAugmenterComponent:
        """Make the component from noise-free spectra of a class.

        Parameters
        ----------
        spectra : hyperspy.api.signals.Signal1D
            Spectra with one navigation axis.
        n_variations : int, default 3
            Number k of principal components.
        name : str, optional
            Name of the component in a model.

        Raises
        ------
        ValueError
            The spectra have fewer principal components than `n_variations`.

        See Also
        --------
        hyperspy_dag.EELSAugmenter.component : Make the component of a fitted class.

        Examples
        --------
        >>> from hyperspy_dag import EELSAugmenterComponent
        >>> from hyperspy_dag.data import simulated_oxides
        >>> s, _ = simulated_oxides("WL-Mn", {"MnO": 20})
        >>> component = EELSAugmenterComponent.of_spectra(s, n_variations=2, name="MnO")
        >>> [parameter.name for parameter in component.parameters]
        ['intensity', 'v1', 'v2', 'shift']
        """
        n_variations = check_count("n_variations", n_variations, minimum=0)
        axis = spectra.axes_manager.signal_axes[0]
        data = np.asarray(spectra.data, float)
        if axis.is_binned:  # models of such signals multiply by it
            data = data / np.abs(np.gradient(axis.axis))
        mean = data.mean(axis=0)
        scores, values, rows = np.linalg.svd(data - mean, full_matrices=False)
        found = int(np.sum(values > _NEGLIGIBLE * max(values[0], np.linalg.norm(mean))))
        if n_variations > found:
            raise ValueError(
                f"n_variations={n_variations}, but the spectra of this class vary in {found} "
                f"ways only; ask for at most {found}"
            )
        # The signs of an SVD are arbitrary: the largest deviation is made positive.
        rows = rows[:n_variations]
        signs = np.sign(rows[np.arange(n_variations), np.abs(rows).argmax(axis=1)])
        deviation = values[:n_variations] / np.sqrt(len(data))
        scores = scores[:, :n_variations] * signs * np.sqrt(len(data))
        component = cls(
            axis.axis,
            mean,
            rows * (signs * deviation)[:, np.newaxis],
            np.stack([scores.min(axis=0), scores.max(axis=0)], axis=1),
        )
        component.name = name
        return component

    @property
    def ranges(self) -> NDArray[np.float64]:
        """Lowest and highest learned :math:`v_i / I` of each variation, shape (k, 2)."""
        return self._ranges.copy()

    def scale_bounds(self, intensity: float) -> None:
        """Set the bounds of ``v1`` ... ``vk`` to the learned ranges, times an intensity.

        Parameters
        ----------
        intensity : float
            Approximate largest intensity of the fit. For counts, the height of the spectra.

        Raises
        ------
        ValueError
            `intensity` is not above 0.

        See Also
        --------
        ranges : The learned ranges.

        Examples
        --------
        >>> from hyperspy_dag import EELSAugmenterComponent
        >>> component = EELSAugmenterComponent([0, 1, 2], [0, 1, 0], [[0, 0, 1]], [[-2.0, 2.0]])
        >>> component.scale_bounds(100.0)
        >>> component.v1.bmin, component.v1.bmax
        (-200.0, 200.0)
        """
        if not (np.isfinite(intensity) and intensity > 0):
            raise ValueError(f"intensity must be a number above 0, {intensity} was given")
        for parameter, (low, high) in zip(self.parameters[1:-1], self._ranges, strict=True):
            parameter.bmin, parameter.bmax = float(low * intensity), float(high * intensity)

    # -- evaluation --------------------------------------------------------------------------

    def _shapes(
        self, x: NDArray, shift: float | NDArray, spline: BSpline | None = None
    ) -> NDArray[np.float64]:
        """Return mean and variations at energies `x`, along a new last axis."""
        spline = self._spline if spline is None else spline
        low, high = self._energy[0], self._energy[-1]
        inside = self._inside(x)
        return spline(np.clip(x - shift, low, high)) * inside[..., np.newaxis]

    def _inside(self, x: NDArray) -> NDArray[np.bool_]:
        low, high = self._energy[0], self._energy[-1]
        # An axis of the same energies, but for rounding, is inside.
        tolerance = 0.5 * (high - low) / (len(self._energy) - 1)
        return (x >= low - tolerance) & (x <= high + tolerance)

    def _check_range(self, x: NDArray) -> None:
        inside = self._inside(x)
        if inside.all() or not x.size:
            return
        learned = f"{self._energy[0]:g} to {self._energy[-1]:g} eV"
        given = (float(np.min(x)), float(np.max(x)))
        if not inside.any():
            raise ValueError(
                f"{self.name or type(self).__name__} was learned from {learned}; the energy axis "
                f"from {given[0]:g} to {given[1]:g} has nothing of it. Energies are in eV: "
                's.axes_manager.signal_axes[0].convert_to_units("eV") brings an axis in keV there'
            )
        if given not in self._warned:  # once for each axis, not for each step of a fit
            self._warned.add(given)
            warn(
                f"{self.name or type(self).__name__} was learned from {learned} and is zero in "
                f"the rest of {given[0]:g} to {given[1]:g}; fit within the learned range: "
                "m.set_signal_range(...)"
            )

    def _coefficients(self) -> NDArray[np.float64]:
        return np.array([p.value for p in self.parameters[:-1]], float)

    def function(self, x: NDArray) -> NDArray[np.float64]:
        """Evaluate the component with the current values of its parameters.

        Parameters
        ----------
        x : numpy.ndarray, shape (channels,)
            Energy losses in eV.

        Returns
        -------
        numpy.ndarray, shape (channels,)

        See Also
        --------
        function_nd : Evaluate at all navigation positions.

        Examples
        --------
        >>> from hyperspy_dag import EELSAugmenterComponent
        >>> component = EELSAugmenterComponent([0, 1, 2], [0, 1, 0], intensity=3.0)
        >>> component.function(np.array([0.0, 1.0])).round(6)
        array([0., 3.])
        """
        x = np.asarray(x, float)
        self._check_range(x)
        return self._shapes(x, self.shift.value) @ self._coefficients()

    def function_nd(
        self, axis: NDArray, parameters_values: list[NDArray] | None = None
    ) -> NDArray[np.float64]:
        """Evaluate the component at all navigation positions.

        Parameters
        ----------
        axis : numpy.ndarray, shape (channels,)
            Energy losses in eV.
        parameters_values : list of numpy.ndarray, optional
            One array of the navigation shape for each of ``parameters``; default: their maps.

        Returns
        -------
        numpy.ndarray, shape (navigation shape, channels)

        See Also
        --------
        function : Evaluate with the current values.

        Examples
        --------
        >>> from hyperspy_dag import EELSAugmenterComponent
        >>> component = EELSAugmenterComponent([0, 1, 2], [0, 1, 0], intensity=3.0)
        >>> component.function_nd(np.array([0.0, 1.0])).round(6)  # without navigation axes
        array([0., 3.])
        """
        if not self._is_navigation_multidimensional:
            return self.function(axis)
        if parameters_values is None:
            if self.intensity.map is None:
                raise RuntimeError("The parameter map must be set before using `function_nd`.")
            parameters_values = [p.map["values"] for p in self.parameters]
        x = np.asarray(axis, float)
        self._check_range(x)
        *coefficients, shift = (np.asarray(values, float) for values in parameters_values)
        if np.all(shift == shift.flat[0]):
            shapes = self._shapes(x, shift.flat[0])
            return np.stack(coefficients, axis=-1) @ shapes.T
        result = np.zeros((*shift.shape, len(x)))
        for i, values in enumerate(coefficients):  # one at a time: k + 1 maps may not fit memory
            one = BSpline(self._spline.t, self._spline.c[:, i : i + 1], self._spline.k)
            result += values[..., np.newaxis] * self._shapes(x, shift[..., np.newaxis], one)[..., 0]
        return result

    def _gradient(self, i: int) -> Callable[[NDArray], NDArray]:
        return lambda x: self._shapes(np.asarray(x, float), self.shift.value)[:, i]

    def grad_intensity(self, x: NDArray) -> NDArray[np.float64]:
        """Derivative with respect to ``intensity``, which is the mean."""
        return self._gradient(0)(x)

    def grad_shift(self, x: NDArray) -> NDArray[np.float64]:
        """Derivative with respect to ``shift``."""
        x = np.asarray(x, float)
        moved = x - self.shift.value
        held = (moved < self._energy[0]) | (moved > self._energy[-1])
        slope = self._shapes(x, self.shift.value, self._slope) @ self._coefficients()
        return np.where(held, 0.0, -slope)

    def __getattr__(self, name: str) -> Any:
        """Return ``grad_v1`` ... ``grad_vk``."""
        names = [f"grad_{p.name}" for p in self.__dict__.get("_parameters", ())[1:-1]]
        if name in names:
            return self._gradient(1 + names.index(name))
        raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")

    # -- linear fits -------------------------------------------------------------------------

    @property
    def _constant_term(self) -> NDArray[np.float64] | float:
        """Part that does not depend on the free linear parameters, on the axis of the model."""
        fixed = self._fixed_coefficients()
        if not fixed.any() or self.model is None:
            return 0.0
        convolved = self.convolved and getattr(self.model, "_convolved", False)
        axis = self.model._convolution_axis if convolved else self.model.axis.axis
        return self._shapes(axis, self.shift.value) @ fixed

    def _fixed_coefficients(self) -> NDArray[np.float64]:
        return np.array([0.0 if p._free else p.value for p in self.parameters[:-1]], float)

    def _separate_pseudocomponents(self) -> tuple[dict[str, dict], dict]:
        """Return the free parts by parameter, and the fixed part, as Expression does."""
        free = {
            p.name: {"function": self._gradient(i), "parameters": []}
            for i, p in enumerate(self.parameters[:-1])
            if p._free
        }
        fixed = [self._fixed_coefficients()]

        def remaining(x: NDArray) -> NDArray[np.float64]:
            # HyperSpy 2.5 adds the fixed part once for every free parameter: give it once.
            coefficients = fixed.pop() if fixed else np.zeros(len(self.parameters) - 1)
            return self._shapes(np.asarray(x, float), self.shift.value) @ coefficients

        return free, {"function": remaining, "parameters": []}


def _checked(
    energy: ArrayLike, mean: ArrayLike, variations: ArrayLike | None, ranges: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return ascending energies, the mean and the variations as rows, and the ranges."""
    energy, mean = np.array(energy, float), np.array(mean, float)
    if energy.ndim != 1 or energy.size < 2 or energy.shape != mean.shape:
        raise ValueError(
            "energy and mean must be rows of the same length, of 2 channels or more; shapes "
            f"{energy.shape} and {mean.shape} were given"
        )
    rows = np.empty((0, energy.size)) if variations is None else np.array(variations, float)
    if rows.ndim != 2 or rows.shape[1] != energy.size:
        raise ValueError(
            f"variations must have the shape (k, {energy.size}), {rows.shape} was given"
        )
    if ranges is None:
        ranges = np.tile([-np.inf, np.inf], (len(rows), 1))
    ranges = np.array(ranges, float)
    if ranges.shape != (len(rows), 2):
        raise ValueError(f"ranges must have the shape ({len(rows)}, 2), {ranges.shape} was given")
    if np.isnan(ranges).any() or (ranges[:, 0] >= ranges[:, 1]).any():
        raise ValueError("the lower end of each of ranges must be below the upper")
    shapes = np.vstack([mean, rows])
    if not (np.isfinite(energy).all() and np.isfinite(shapes).all()):
        raise ValueError("energy, mean and variations must be finite")
    order = np.argsort(energy)
    energy = energy[order]
    if (np.diff(energy) <= 0).any():
        raise ValueError("the energies must differ from each other")
    return energy, shapes[:, order], ranges
