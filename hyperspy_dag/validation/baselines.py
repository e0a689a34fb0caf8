# SPDX-License-Identifier: GPL-3.0-or-later
"""Conventional and statistical augmentation methods with a common interface.

Each is used as ``baseline.fit(spectra).sample(n, random_state)`` with arrays of shape (spectra,
channels).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import shift as shift_row
from sklearn.mixture import GaussianMixture

from hyperspy_dag.metrics.checks import as_count, as_spectra

from .noise_model import NoiseModel

RandomState = int | np.random.Generator | None


class Baseline(ABC):
    """Base class of augmentation methods for the spectra of one class.

    Subclasses implement ``_fit`` and ``_sample``; this class checks the arguments.

    See Also
    --------
    make_baseline : Make a baseline by its name.
    tstr : Test synthetic spectra with classifiers.

    Examples
    --------
    >>> from hyperspy_dag.data import simulated_oxides
    >>> from hyperspy_dag.validation import BASELINES, make_baseline
    >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 20})
    >>> make_baseline("noise").fit(s.data).sample(5, random_state=0).shape
    (5, 700)
    >>> list(BASELINES)[:3]
    ['real_only', 'noise', 'shift_noise']
    """

    minimum = 2
    """The fewest training spectra the method works with."""

    def fit(self, spectra: ArrayLike) -> Self:
        """Fit the method to the spectra of one class.

        Parameters
        ----------
        spectra : array-like, shape (spectra, channels)
            Training spectra.

        Returns
        -------
        self
            The fitted baseline.

        Raises
        ------
        ValueError
            Wrong shape, NaN, or too few spectra.

        See Also
        --------
        sample : Draw synthetic spectra.

        Examples
        --------
        >>> from hyperspy_dag.validation import RealOnly
        >>> baseline = RealOnly().fit([[0.0, 1.0, 0.5], [0.1, 1.0, 0.4]])
        >>> baseline.train_.shape
        (2, 3)
        """
        self.train_ = as_spectra(spectra, "the training set", self.minimum).copy()
        self._fit(self.train_)
        return self

    def sample(self, n: int, random_state: RandomState = None) -> NDArray[np.float64]:
        """Draw synthetic spectra.

        Parameters
        ----------
        n : int
            Number of spectra.
        random_state : int, numpy.random.Generator or None
            Seed or generator; None draws fresh entropy.

        Returns
        -------
        numpy.ndarray, shape (n, channels)

        Raises
        ------
        RuntimeError
            The baseline is not fitted.
        ValueError, TypeError
            ``n`` is not a positive whole number.

        See Also
        --------
        fit : Fit the method to real spectra.

        Examples
        --------
        >>> from hyperspy_dag.validation import RealOnly
        >>> RealOnly().fit([[0.0, 1.0, 0.5]]).sample(2)
        array([[0. , 1. , 0.5],
               [0. , 1. , 0.5]])
        """
        if not hasattr(self, "train_"):
            raise RuntimeError(f"{type(self).__name__} is not fitted; call fit(spectra) first.")
        return self._sample(as_count(n, "n", 1), np.random.default_rng(random_state))

    @abstractmethod
    def _fit(self, train: NDArray[np.float64]) -> None: ...

    @abstractmethod
    def _sample(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]: ...

    def _draw_rows(self, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """Draw the rows of n training spectra; their frequencies differ by at most one."""
        size = len(self.train_)
        rounds = [rng.permutation(size) for _ in range(-(-n // size))]
        return np.concatenate(rounds)[:n]


class RealOnly(Baseline):
    """Repeat the training spectra unchanged, as a reference without augmentation.

    See Also
    --------
    NoiseAugmentation : Add noise to the training spectra.

    Examples
    --------
    >>> from hyperspy_dag.validation import RealOnly
    >>> RealOnly().fit([[0.0, 1.0, 0.5]]).sample(2)
    array([[0. , 1. , 0.5],
           [0. , 1. , 0.5]])
    """

    minimum = 1

    def _fit(self, train: NDArray[np.float64]) -> None:
        pass

    def _sample(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        return self.train_[self._draw_rows(n, rng)]


class NoiseAugmentation(Baseline):
    """Add white Gaussian noise to the training spectra.

    This is the conventional augmentation of del-Pozo-Bueno et al. 2024 (Supplementary S3).

    Parameters
    ----------
    noise : float, default 0.05
        Standard deviation of the noise, as a fraction of the highest training intensity.

    Raises
    ------
    ValueError
        ``noise`` is negative or not finite.

    See Also
    --------
    ShiftNoiseAugmentation : Shift the spectra too.
    PCAGaussian : Learn the noise from the spectra.

    Examples
    --------
    >>> from hyperspy_dag.data import simulated_oxides
    >>> from hyperspy_dag.validation import NoiseAugmentation
    >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 20})
    >>> NoiseAugmentation(noise=0.02).fit(s.data).sample(5, random_state=0).shape
    (5, 700)
    """

    minimum = 1

    def __init__(self, noise: float = 0.05) -> None:
        self.noise = _not_negative(noise, "noise")

    def _fit(self, train: NDArray[np.float64]) -> None:
        self.level_ = self.noise * float(np.abs(train).max())

    def _sample(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        rows = self.train_[self._draw_rows(n, rng)]
        return rows + self.level_ * rng.standard_normal(rows.shape)


class ShiftNoiseAugmentation(NoiseAugmentation):
    """Shift the training spectra along the energy axis and add white Gaussian noise.

    Parameters
    ----------
    shift : float, default 2.0
        Standard deviation of the shift, in channels. Fractions of a channel are interpolated
        linearly; the end values are repeated.
    noise : float, default 0.05
        Standard deviation of the noise, as a fraction of the highest training intensity.

    Raises
    ------
    ValueError
        ``shift`` or ``noise`` is negative or not finite.

    See Also
    --------
    NoiseAugmentation : Add noise alone.

    Examples
    --------
    >>> from hyperspy_dag.data import simulated_oxides
    >>> from hyperspy_dag.validation import ShiftNoiseAugmentation
    >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 20})
    >>> ShiftNoiseAugmentation(shift=1.5).fit(s.data).sample(5, random_state=0).shape
    (5, 700)
    """

    def __init__(self, shift: float = 2.0, noise: float = 0.05) -> None:
        super().__init__(noise)
        self.shift = _not_negative(shift, "shift")

    def _sample(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        rows = self.train_[self._draw_rows(n, rng)]
        shifts = self.shift * rng.standard_normal(n)
        moved = [
            shift_row(row, step, order=1, mode="nearest")
            for row, step in zip(rows, shifts, strict=True)
        ]
        return np.stack(moved) + self.level_ * rng.standard_normal(rows.shape)


class Smote(Baseline):
    """Interpolate between training spectra and their neighbours (SMOTE).

    This uses the optional package imbalanced-learn. Interpolation reduces the noise and stays close
    to the training spectra.

    Parameters
    ----------
    k_neighbors : int, default 5
        Number of neighbours to choose from; fewer if there are fewer training spectra.

    Raises
    ------
    ImportError
        imbalanced-learn is not installed.
    TypeError, ValueError
        ``k_neighbors`` is not a positive whole number.

    See Also
    --------
    PCAKernelDensity : Draw around the training spectra without losing noise.

    Notes
    -----
    N. V. Chawla et al., J. Artif. Intell. Res. 16, 321 (2002).

    Examples
    --------
    >>> from hyperspy_dag.data import simulated_oxides
    >>> from hyperspy_dag.validation import Smote
    >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 20})
    >>> Smote().fit(s.data).sample(5, random_state=0).shape
    (5, 700)
    """

    def __init__(self, k_neighbors: int = 5) -> None:
        self.k_neighbors = as_count(k_neighbors, "k_neighbors", 1)
        _import_smote()

    def _fit(self, train: NDArray[np.float64]) -> None:
        self.k_neighbors_ = min(self.k_neighbors, len(train) - 1)

    def _sample(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        smote = _import_smote()
        size = len(self.train_)
        # SMOTE balances classes, so a second class stands beside ours and asks for n more of it.
        other = np.zeros((size + n, self.train_.shape[1]))
        labels = np.concatenate([np.ones(size), np.zeros(size + n)])
        sampler = smote(
            sampling_strategy={1: size + n},
            k_neighbors=self.k_neighbors_,
            random_state=int(rng.integers(2**31)),
        )
        spectra, _ = sampler.fit_resample(np.concatenate([self.train_, other]), labels)
        return spectra[-n:]


def _import_smote() -> type:
    try:
        from imblearn.over_sampling import SMOTE
    except ImportError as error:
        raise ImportError(
            "the SMOTE baseline needs imbalanced-learn: pip install 'hyperspy_dag[smote]'"
        ) from error
    return SMOTE


class _PCABaseline(Baseline):
    """Base class of methods that add learned noise to clean spectra of principal components.

    Subclasses draw the scores.
    """

    minimum = 4

    def __init__(self, components: int, coloured: bool, dose: bool, renormalise: bool) -> None:
        self.components = as_count(components, "components", 1)
        self.coloured = bool(coloured)
        self.dose = bool(dose)
        self.renormalise = bool(renormalise)

    def _fit(self, train: NDArray[np.float64]) -> None:
        n, channels = train.shape
        self.components_ = min(self.components, n - 2, channels)
        self.mean_ = train.mean(axis=0)
        left, singular, axes = np.linalg.svd(train - self.mean_, full_matrices=False)
        self.axes_ = axes[: self.components_]
        self.scores_ = (left * singular)[:, : self.components_]
        residual = train - self._clean(self.scores_)
        # A residual of rounding size is no noise; left as it is, its colour would be meaningless.
        residual[np.abs(residual) < 1e-12 * np.abs(train).max()] = 0.0
        self.noise_ = NoiseModel(self.coloured).fit(residual, lost=1 + self.components_)
        self._fit_scores(self.scores_)

    def _clean(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.mean_ + scores @ self.axes_

    def _sample(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        rows = self._draw_rows(n, rng)
        scores = self._draw_scores(n, rows, rng)
        dose = self._draw_dose(n, rows, rng) if self.dose else None
        spectra = self._clean(scores) + self.noise_.sample(n, rng, dose)
        if self.renormalise:
            # To the maximum of a training spectrum, so that sets on any scale keep theirs.
            top = spectra.max(axis=1)
            target = self.train_.max(axis=1)[rows]
            usable = (top > 0) & (target > 0)
            spectra *= np.divide(target, top, out=np.ones(n), where=usable)[:, None]
        return spectra

    def _draw_dose(
        self, n: int, rows: NDArray[np.intp], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        return self.noise_.sample_dose(n, rng)

    @abstractmethod
    def _fit_scores(self, scores: NDArray[np.float64]) -> None: ...

    @abstractmethod
    def _draw_scores(
        self, n: int, rows: NDArray[np.intp], rng: np.random.Generator
    ) -> NDArray[np.float64]: ...


class PCAGaussian(_PCABaseline):
    """Draw Gaussian scores of principal components and add learned noise.

    Parameters
    ----------
    components : int, default 3
        Number of principal components of the clean part; at most the number of training spectra
        minus 2 is used.
    coloured : bool, default True
        Correlate the noise of neighbouring channels as in the training spectra.
    dose : bool, default False
        Draw a noise level for each spectrum from a log-normal distribution.
    renormalise : bool, default False
        Scale each spectrum to the maximum of a training spectrum.

    Raises
    ------
    TypeError, ValueError
        ``components`` is not a positive whole number.

    See Also
    --------
    PCAGaussianMixture : Draw scores from several Gaussians.
    PCAKernelDensity : Draw scores around those of the training spectra.

    Examples
    --------
    >>> from hyperspy_dag.data import simulated_oxides
    >>> from hyperspy_dag.validation import PCAGaussian
    >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 20})
    >>> PCAGaussian(components=2).fit(s.data).sample(5, random_state=0).shape
    (5, 700)
    """

    def __init__(
        self,
        components: int = 3,
        coloured: bool = True,
        dose: bool = False,
        renormalise: bool = False,
    ) -> None:
        super().__init__(components, coloured, dose, renormalise)

    def _fit_scores(self, scores: NDArray[np.float64]) -> None:
        self.scale_ = scores.std(axis=0, ddof=1)

    def _draw_scores(
        self, n: int, rows: NDArray[np.intp], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        # The scores of the training spectra are uncorrelated by construction.
        return self.scale_ * rng.standard_normal((n, self.scale_.size))


class PCAGaussianMixture(_PCABaseline):
    """Draw scores of principal components from a Gaussian mixture and add learned noise.

    The mixture is scikit-learn's. The number of Gaussians, up to ``max_mixtures``, has the lowest
    Bayesian information criterion.

    Parameters
    ----------
    components : int, default 5
        Number of principal components of the clean part.
    max_mixtures : int, default 5
        Largest number of Gaussians.
    coloured : bool, default False
        Correlate the noise of neighbouring channels as in the training spectra; white by default.
    dose : bool, default False
        Draw a noise level for each spectrum from a log-normal distribution.
    renormalise : bool, default False
        Scale each spectrum to the maximum of a training spectrum.

    Raises
    ------
    TypeError, ValueError
        ``components`` or ``max_mixtures`` is not a positive whole number.

    See Also
    --------
    PCAGaussian : Draw scores from one Gaussian.
    PCAKernelDensity : Draw scores around those of the training spectra.
    sklearn.mixture.GaussianMixture : The mixture.

    Examples
    --------
    >>> from hyperspy_dag.data import simulated_oxides
    >>> from hyperspy_dag.validation import PCAGaussianMixture
    >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 20})
    >>> PCAGaussianMixture(components=2).fit(s.data).sample(5, random_state=0).shape
    (5, 700)
    """

    def __init__(
        self,
        components: int = 5,
        max_mixtures: int = 5,
        coloured: bool = False,
        dose: bool = False,
        renormalise: bool = False,
    ) -> None:
        super().__init__(components, coloured, dose, renormalise)
        self.max_mixtures = as_count(max_mixtures, "max_mixtures", 1)

    def _fit_scores(self, scores: NDArray[np.float64]) -> None:
        spread = scores.std(axis=0)
        # Scores of rounding size, of equal training spectra, must not be blown up to unit variance.
        self.scale_ = np.where(spread > 1e-12 * np.abs(self.train_).max(), spread, 1.0)
        unit = scores / self.scale_
        # Two different spectra a Gaussian is the least that gives each one a spread of its own.
        different = len(np.unique(unit.round(9), axis=0))
        largest = min(self.max_mixtures, max(different // 2, 1))
        fits = [
            GaussianMixture(count, reg_covar=1e-3, random_state=0, n_init=3).fit(unit)
            for count in range(1, largest + 1)
        ]
        self.mixture_ = min(fits, key=lambda fit: fit.bic(unit))

    def _draw_scores(
        self, n: int, rows: NDArray[np.intp], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        mixture = self.mixture_
        which = rng.choice(len(mixture.weights_), size=n, p=mixture.weights_)
        unit = rng.standard_normal((n, self.scale_.size))
        roots = np.linalg.cholesky(mixture.covariances_)
        return (mixture.means_[which] + np.einsum("nij,nj->ni", roots[which], unit)) * self.scale_


class PCAKernelDensity(_PCABaseline):
    """Draw scores of principal components around those of the training spectra and add noise.

    Parameters
    ----------
    components : int, default 3
        Number of principal components of the clean part.
    bandwidth : float or None, default 0.3
        Width of the Gaussian around each training score, as a fraction of the standard deviation of
        that score. None: Scott's rule, ``n ** (-1 / (components + 4))``, which gives wide
        distributions for many components.
    coloured : bool, default True
        Correlate the noise of neighbouring channels as in the training spectra.
    dose : bool, default False
        Use the noise level of the training spectrum that each spectrum is drawn around.
    renormalise : bool, default False
        Scale each spectrum to the maximum of the training spectrum that it is drawn around.

    Raises
    ------
    TypeError, ValueError
        ``components`` is not a positive whole number, ``bandwidth`` negative or not finite.

    See Also
    --------
    PCAGaussian : Draw scores from one Gaussian.
    PCAGaussianMixture : Draw scores from several Gaussians.

    Examples
    --------
    >>> from hyperspy_dag.data import simulated_oxides
    >>> from hyperspy_dag.validation import PCAKernelDensity
    >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 20})
    >>> PCAKernelDensity(bandwidth=0.2).fit(s.data).sample(5, random_state=0).shape
    (5, 700)
    """

    def __init__(
        self,
        components: int = 3,
        bandwidth: float | None = 0.3,
        coloured: bool = True,
        dose: bool = False,
        renormalise: bool = False,
    ) -> None:
        super().__init__(components, coloured, dose, renormalise)
        self.bandwidth = None if bandwidth is None else _not_negative(bandwidth, "bandwidth")

    def _fit_scores(self, scores: NDArray[np.float64]) -> None:
        n, components = scores.shape
        width = n ** (-1.0 / (components + 4)) if self.bandwidth is None else self.bandwidth
        self.width_ = width * scores.std(axis=0, ddof=1)

    def _draw_scores(
        self, n: int, rows: NDArray[np.intp], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        return self.scores_[rows] + self.width_ * rng.standard_normal((n, self.width_.size))

    def _draw_dose(
        self, n: int, rows: NDArray[np.intp], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        return self.noise_.dose_[rows]


def _not_negative(value: float, name: str) -> float:
    number = float(value)
    if not np.isfinite(number) or number < 0:
        raise ValueError(f"{name} must be 0 or a positive number; got {value!r}.")
    return number


BASELINES: dict[str, Callable[[], Baseline]] = {
    "real_only": RealOnly,
    "noise": NoiseAugmentation,
    "shift_noise": ShiftNoiseAugmentation,
    "smote": Smote,
    "pca_mixture": PCAGaussianMixture,
    "pca_mixture_dose": lambda: PCAGaussianMixture(5, coloured=True, dose=True),
    "pca_gaussian": lambda: PCAGaussian(3),
    "pca_gaussian_dose": lambda: PCAGaussian(5, dose=True),
    "pca_density": lambda: PCAKernelDensity(20),
    "pca_density_dose": lambda: PCAKernelDensity(3, dose=True, renormalise=True),
}
"""Name -> factory of every baseline with its default settings."""


def make_baseline(name: str) -> Baseline:
    """Make a baseline by its name.

    Parameters
    ----------
    name : str
        A key of ``hyperspy_dag.validation.BASELINES``.

    Returns
    -------
    Baseline
        Not fitted, with default settings.

    Raises
    ------
    ValueError
        Unknown name; the message lists the known ones.
    ImportError
        ``"smote"`` without imbalanced-learn.

    See Also
    --------
    Baseline : The interface of all baselines.
    make_classifier : Make a classifier by its name.

    Examples
    --------
    >>> from hyperspy_dag.validation import make_baseline
    >>> type(make_baseline("pca_gaussian")).__name__
    'PCAGaussian'
    """
    if name not in BASELINES:
        raise ValueError(f"unknown baseline {name!r}; choose one of {', '.join(BASELINES)}.")
    return BASELINES[name]()
