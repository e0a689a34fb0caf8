# SPDX-License-Identifier: GPL-3.0-or-later
"""Conventional and statistical augmentation methods, under one interface.

``baseline.fit(spectra).sample(n, random_state)`` with arrays of shape (spectra, channels). They are
what a generative network has to beat.
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
    """An augmentation method for the spectra of one class.

    Subclasses learn in ``_fit`` and draw in ``_sample``; the checks are here.
    """

    minimum = 2
    """The fewest training spectra the method works with."""

    def fit(self, spectra: ArrayLike) -> Self:
        """Learn from the spectra of one class.

        Parameters
        ----------
        spectra : array-like, shape (spectra, channels)
            Training spectra.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Wrong shape, NaN, or too few spectra.
        """
        self.train_ = as_spectra(spectra, "the training set", self.minimum).copy()
        self._fit(self.train_)
        return self

    def sample(self, n: int, random_state: RandomState = None) -> NDArray[np.float64]:
        """Draw synthetic spectra.

        Parameters
        ----------
        n : int
            How many.
        random_state : int, numpy.random.Generator or None
            Seed or generator; None draws fresh entropy.

        Returns
        -------
        numpy.ndarray, shape (n, channels)

        Raises
        ------
        RuntimeError
            `fit` was not called.
        ValueError, TypeError
            ``n`` is not a positive whole number.
        """
        if not hasattr(self, "train_"):
            raise RuntimeError(f"{type(self).__name__} is not fitted; call fit(spectra) first.")
        return self._sample(as_count(n, "n", 1), np.random.default_rng(random_state))

    @abstractmethod
    def _fit(self, train: NDArray[np.float64]) -> None: ...

    @abstractmethod
    def _sample(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]: ...

    def _draw_rows(self, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """Draw n training spectra, each as often as the next one (to within one)."""
        size = len(self.train_)
        rounds = [rng.permutation(size) for _ in range(-(-n // size))]
        return np.concatenate(rounds)[:n]


class RealOnly(Baseline):
    """No augmentation: training spectra repeated unchanged, for reference."""

    minimum = 1

    def _fit(self, train: NDArray[np.float64]) -> None:
        pass

    def _sample(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        return self.train_[self._draw_rows(n, rng)]


class NoiseAugmentation(Baseline):
    """Training spectra with added white Gaussian noise.

    The conventional augmentation that del-Pozo-Bueno et al. 2024 compare with (Supplementary S3).

    Parameters
    ----------
    noise : float, default 0.05
        Standard deviation of the noise, as a fraction of the highest training intensity.

    Raises
    ------
    ValueError
        ``noise`` is negative or not finite.
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
    """Training spectra moved along the energy axis, with added white Gaussian noise.

    Parameters
    ----------
    shift : float, default 2.0
        Standard deviation of the shift, in channels. The shift is not a whole number of channels
        (linear interpolation); the end values are repeated where the spectrum moves in.
    noise : float, default 0.05
        Standard deviation of the noise, as a fraction of the highest training intensity.

    Raises
    ------
    ValueError
        ``shift`` or ``noise`` is negative or not finite.
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
    """SMOTE: points on the lines between a training spectrum and one of its neighbours.

    Calls imbalanced-learn (optional). Interpolation averages noise away and stays close to the
    training spectra, so it comes near to copying.

    Parameters
    ----------
    k_neighbors : int, default 5
        Neighbours to choose from; fewer where there are fewer training spectra.

    Raises
    ------
    ImportError
        imbalanced-learn is not installed.
    TypeError, ValueError
        ``k_neighbors`` is not a positive whole number.

    Notes
    -----
    N. V. Chawla et al., J. Artif. Intell. Res. 16, 321 (2002).
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
    """A clean spectrum from principal components, plus noise learned from the residual.

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
    """Principal components with Gaussian scores, plus noise.

    Parameters
    ----------
    components : int, default 3
        Principal components of the clean part; at most the number of training spectra minus 2 is
        used.
    coloured : bool, default True
        Correlate the noise of neighbouring channels as in the training spectra.
    dose : bool, default False
        Give each spectrum its own noise level, from a log-normal distribution.
    renormalise : bool, default False
        Scale each spectrum to the maximum of a training spectrum.

    Raises
    ------
    TypeError, ValueError
        ``components`` is not a positive whole number.
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
    """Principal components with scores from a Gaussian mixture, plus noise.

    Calls scikit-learn; the number of Gaussians, up to ``max_mixtures``, is the one with the lowest
    Bayesian information criterion.

    Parameters
    ----------
    components : int, default 5
        Principal components of the clean part.
    max_mixtures : int, default 5
        Largest number of Gaussians tried.
    coloured : bool, default False
        Correlate the noise of neighbouring channels as in the training spectra; white by default.
    dose : bool, default False
        Give each spectrum its own noise level, from a log-normal distribution.
    renormalise : bool, default False
        Scale each spectrum to the maximum of a training spectrum.

    Raises
    ------
    TypeError, ValueError
        ``components`` or ``max_mixtures`` is not a positive whole number.
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
    """Principal components with scores drawn around those of the training spectra, plus noise.

    Parameters
    ----------
    components : int, default 3
        Principal components of the clean part.
    bandwidth : float or None, default 0.3
        Width of the Gaussian around each training score, as a fraction of the standard deviation of
        that score. None: Scott's rule, ``n ** (-1 / (components + 4))``, which widens the
        distribution a lot where there are many components.
    coloured : bool, default True
        Correlate the noise of neighbouring channels as in the training spectra.
    dose : bool, default False
        Give each spectrum the noise level of the training spectrum it is drawn around.
    renormalise : bool, default False
        Scale each spectrum to the maximum of the training spectrum it is drawn around.

    Raises
    ------
    TypeError, ValueError
        ``components`` is not a positive whole number, ``bandwidth`` negative or not finite.
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

    Raises
    ------
    ValueError
        Unknown name; the message lists the known ones.
    ImportError
        ``"smote"`` without imbalanced-learn.
    """
    if name not in BASELINES:
        raise ValueError(f"unknown baseline {name!r}; choose one of {', '.join(BASELINES)}.")
    return BASELINES[name]()
