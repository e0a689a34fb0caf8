# SPDX-License-Identifier: GPL-3.0-or-later
"""The statistical model of a class: what its spectra say of specimen and instrument.

A spectrum is modelled as

    shift(mean + scores · basis) + level · √((a + b·clean) / ⟨a + b·clean⟩) · (kernel ∗ white noise)

where scores, shift and the noise's level differ from spectrum to spectrum and belong together. All
of the energy drift is in the shift, so that spectra without drift, or with more, can be drawn.
The training of the refined recipe begins with this model (NumPy and SciPy).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hyperspy_dag._utils.streams import FREE_LATENT, child_stream

from .components import noise_weighted_components, posterior
from .latent import (
    LATENT_SIZE,
    LEVEL,
    MAX_COMPONENTS,
    SHIFT,
    LatentBank,
    Maxima,
    variance_keeping,
)
from .noise import (
    is_noise,
    neighbour_correlation,
    no_point_spread,
    noise_variance,
    point_spread,
    relative_level,
    rough_part,
    simulated_noise,
)
from .shift import MovedMean, Unshifted, find_shifts, fourier_shift

#: Neighbours that shape the density around a training latent, and its widths. Energy shifts
#: belong less to the spectrum's shape than to the moment of its measurement. Levels are estimates
#: and so differ more than the noise does: they are smoothed.
LOCAL_NEIGHBOURS = 6
SCORE_SPREAD = 0.72
SHIFT_SPREAD = 0.9
LEVEL_SPREAD = 0.5
LEVEL_SMOOTHING = 0.3

#: Spectra from which on all of the density is local.
LOCAL_FROM = 60

#: Energy drift in eV (root mean square) that is expected before any spectrum is seen, and how many
#: spectra that counts for where there are few: these were measured within moments of each other,
#: and other spectra of the class drifted further. Measured sets drift by 0.17 to 0.41 eV.
EXPECTED_DRIFT = 0.2
EXPECTED_COUNTS = 8

#: Channels of an energy axis that is not uniform count as this many eV.
USUAL_DISPERSION = 0.3

#: Where energy shifts are searched, in channels from where the last search found them: far but
#: coarsely at first. A parabola refines each.
WIDE = np.arange(-24, 24.1, 2.0)
NARROW = np.arange(-6, 6.1, 0.5)
FINE = np.arange(-2, 2.1, 0.5)

#: Spread of the drift in eV that is expected at first, and the least that is expected once some is
#: found, so that none is held at zero.
FIRST_SPREAD = 0.9
SMALLEST_SPREAD = 0.21

#: Logarithm of the noise level of spectra without noise.
_NO_NOISE = np.log(1e-9)

#: Spectra that the basis is fitted to; more are put on that basis.
MAX_FIT = 1500

#: How often the noise that components take along is estimated anew.
ABSORPTION_ROUNDS = 2

#: Noise below this fraction of the spectra's scatter is none.
SMOOTH = 1e-5


@dataclass(frozen=True)
class ClassModel:
    """Statistical model of a class.

    Latent vectors are standardised: the generator multiplies them with what is learned.

    Parameters
    ----------
    mean : array of shape (channels,)
    basis : array of shape (MAX_COMPONENTS, channels)
        Components times the standard deviations of their scores; unused ones are zero.
    jitter : float
        Root mean square of the energy shift, in channels.
    level : array of shape (2,)
        Mean and standard deviation of the logarithm of the noise level.
    background : array of shape (channels,)
    intensity : float
        Noise variance goes with background + intensity · spectrum.
    kernel : array of shape (KERNEL_SIZE,)
        Point spread of the noise.
    unit_maximum : bool
        Whether the training spectra have the maximum 1, but for a few.
    latent, neighbours, spread, pull, broad : array and float
        See :class:`LatentBank`.
    """

    mean: NDArray
    basis: NDArray
    jitter: float
    level: NDArray
    background: NDArray
    intensity: float
    kernel: NDArray
    unit_maximum: bool
    latent: NDArray
    neighbours: NDArray
    spread: NDArray
    pull: NDArray
    broad: float

    @property
    def bank(self) -> LatentBank:
        """Where latent vectors come from."""
        maxima = None
        if self.broad > 0 and self.unit_maximum:
            maxima = Maxima.of(self.mean, self.basis, self.latent)
        return LatentBank(self.latent, self.neighbours, self.spread, self.pull, self.broad, maxima)

    @property
    def is_denoised(self) -> bool:
        """Whether the spectra lie in a space of few dimensions, without noise beside it."""
        return bool(self.level[0] <= _NO_NOISE)

    def arrays(self) -> dict[str, NDArray]:
        """The arrays by name, for a file."""
        return {k: v for k, v in vars(self).items() if isinstance(v, np.ndarray)}

    def scalars(self) -> dict[str, float | bool]:
        """The numbers by name, for a file."""
        return {k: v for k, v in vars(self).items() if not isinstance(v, np.ndarray)}


def draw_latent(
    model: ClassModel | None, n: int, size: int, seed: np.random.SeedSequence, first: int = 0
) -> NDArray[np.float32]:
    """Draw latent vectors, array of shape (n, size).

    Parameters
    ----------
    model : ClassModel or None
        Numbers beyond the model's are standard normal; so are all without a model.
    n, size : int
    seed : numpy.random.SeedSequence
    first : int, default 0
        Number of the first in the sequence that belongs to the seed.
    """
    random = np.random.default_rng(child_stream(seed, FREE_LATENT, first))
    if model is None:
        return random.standard_normal((n, size), dtype=np.float32)
    free = random.standard_normal((n, size - LATENT_SIZE))
    return np.c_[model.bank.draw(n, seed, first), free].astype(np.float32)


def fit_class_model(spectra: NDArray, dispersion: float | None = None) -> ClassModel:
    """Estimate the model of a class.

    Parameters
    ----------
    spectra : array of shape (n, channels)
        At least 8 spectra of at least 8 channels.
    dispersion : float, optional
        In eV per channel, to know what drift to expect; by default that of an axis that is not
        uniform, :data:`USUAL_DISPERSION`.

    Returns
    -------
    ClassModel
    """
    spectra = np.asarray(spectra, np.float64)
    # A few that were touched after normalisation do not change what the class is.
    unit_maximum = bool(np.mean(np.abs(spectra.max(axis=1) - 1) < 1e-3) > 0.9)
    subspace = _subspace(spectra)
    if subspace is not None:
        return _denoised(spectra, subspace, unit_maximum)
    dispersion = USUAL_DISPERSION if dispersion is None else dispersion
    n = len(spectra)
    chosen = np.arange(n)
    if n > MAX_FIT:
        # Evenly through the class: which ones is no matter of chance, and so repeats.
        chosen = np.linspace(0, n - 1, MAX_FIT).round().astype(int)
    some = spectra[chosen]
    # There are no more components than channels.
    most = min(len(some) - 2, MAX_COMPONENTS, spectra.shape[1])
    k = min(max(round(np.sqrt(len(some))), 3), most)
    shift, model, spread = _align(some, k, dispersion)
    clean = _clean(model.scores, model, shift)
    if k < most and not is_noise(some - clean):
        # Few spectra that differ much, and hardly any noise: all their variations are real, if as
        # many can be found.
        fuller_shift, fuller, fuller_spread = _align(some, most, dispersion)
        again = _clean(fuller.scores, fuller, fuller_shift)
        if ((some - again) ** 2).sum() < ((some - clean) ** 2).sum():
            shift, model, spread, clean = fuller_shift, fuller, fuller_spread, again
    noise, level = some - clean, model.level
    only_noise = is_noise(noise)
    if not only_noise:
        noise = rough_part(noise)
        level = np.sqrt((noise**2).mean(axis=1))
    noisy = level.max() > SMOOTH * spectra.std()
    kernel, background, intensity = no_point_spread(), np.ones(spectra.shape[1]), 0.0
    if noisy:
        background, intensity = noise_variance(noise, level, clean)
        correlation = neighbour_correlation(noise)
        kernel = point_spread(correlation)
        for _ in range(ABSORPTION_ROUNDS if only_noise else 0):
            kernel = point_spread(correlation + _absorbed(kernel, clean, shift, model))
    scores = model.scores
    if n > MAX_FIT:
        scores, shift, level = _place(spectra, model, spread)
    return _class_model(
        model.mean,
        model.basis,
        scores,
        shift,
        level,
        kernel,
        background,
        intensity,
        EXPECTED_DRIFT / dispersion,
        unit_maximum,
    )


def _subspace(spectra):
    """Axes of spectra that principal components have denoised, shape (k, channels); or None.

    Such spectra lie in a space of few dimensions, and what noise is left lies in it too.
    """
    chosen = np.linspace(0, len(spectra) - 1, min(len(spectra), MAX_FIT)).round().astype(int)
    some = spectra[chosen]
    singular, axes = np.linalg.svd(some - some.mean(axis=0), full_matrices=False)[1:]
    rank = int((singular > SMOOTH * singular[0]).sum())
    few = 0 < rank <= MAX_COMPONENTS and 2 * rank < min(some.shape)
    return axes[:rank] if few else None


def _denoised(spectra, axes, unit_maximum):
    """Model of spectra in a subspace: all that varies is scores, and nothing is noise or shift."""
    mean, nothing = spectra.mean(axis=0), np.zeros(len(spectra))
    scores, flat = (spectra - mean) @ axes.T, np.ones(len(mean))
    # Without noise to fill what is in between, neighbours of all directions have to.
    count = max(LOCAL_NEIGHBOURS, 2 * len(axes))
    return _class_model(
        mean, axes, scores, nothing, nothing, no_point_spread(), flat, 0.0, 0.0, unit_maximum, count
    )


def _align(spectra, k, dispersion):
    """Energy shifts, and the components of the aligned spectra.

    Against the mean first, then with more and more components: many would explain the shifts.
    """
    shift, spread = np.zeros(len(spectra)), FIRST_SPREAD / dispersion
    for few, offsets in zip((0, 0, 2, 3, 3, k), (WIDE, NARROW, *4 * [FINE]), strict=True):
        aligned = fourier_shift(spectra, -shift)
        if few == 0:
            expected = MovedMean.of(aligned)
        else:
            model = noise_weighted_components(aligned, min(few, k), 12)
            expected = Unshifted.of_components(model)
        shift = find_shifts(spectra, shift, offsets, expected, spread)
        shift -= np.median(shift)
        spread = max(shift.std(), SMALLEST_SPREAD / dispersion)
    # Spectra without drift lie where the class does on average.
    shift -= shift.mean()
    return shift, noise_weighted_components(fourier_shift(spectra, -shift), k), spread


def _clean(scores, model, shift):
    """Spectra of a model without noise."""
    return fourier_shift(model.mean + scores @ model.basis, shift)


def _absorbed(kernel, clean, shift, model):
    """Neighbour correlation that the residual of a fit lacks of the noise's.

    Components fitted to noisy spectra take some noise along, its slow part above all. How much is
    told by a fit to simulated noise on the same clean spectra; its seed matters little.
    """
    random = np.random.default_rng(0)
    noise = simulated_noise(kernel, model.level, clean.shape[1], random)
    aligned = fourier_shift(clean + noise, -shift)
    again = noise_weighted_components(aligned, len(model.basis))
    residual = aligned - again.mean - again.scores @ again.basis
    return neighbour_correlation(noise) - neighbour_correlation(residual)


def _place(spectra, model, spread):
    """Scores, shifts and levels of more spectra than the model was fitted to."""
    relative = relative_level(spectra)
    level = relative * np.sqrt((model.level**2).mean() / (relative**2).mean())
    unshifted = Unshifted.of_components(model)._replace(level=level)
    shift = np.zeros(len(spectra))
    for offsets in (WIDE, NARROW, FINE):
        shift = find_shifts(spectra, shift, offsets, unshifted, spread)
    std = np.sqrt(model.score_variance)
    aligned = fourier_shift(spectra, -shift)
    scores = posterior(aligned, model.mean, model.basis.T * std, level)[0] * std
    clean = _clean(scores, model, shift)
    return scores, shift, np.sqrt(((spectra - clean) ** 2).mean(axis=1))


def _class_model(
    mean,
    basis,
    scores,
    shift,
    level,
    kernel,
    background,
    intensity,
    expected,
    unit_maximum,
    count=LOCAL_NEIGHBOURS,
):
    """Standardise, and find the neighbours of each latent vector among the clean spectra."""
    n, k = scores.shape
    # Neighbours by distance of clean spectra: scores and shift in the same units, noise apart.
    metric = np.c_[scores, shift * np.linalg.norm(np.gradient(mean))]
    neighbours = cKDTree(metric).query(metric, min(count, n - 1) + 1)[1][:, 1:]

    std = np.maximum(scores.std(axis=0), 1e-12)
    broad = max(0.0, 1.0 - n / LOCAL_FROM)
    found = np.sqrt((shift**2).mean())
    counts = broad * EXPECTED_COUNTS
    jitter = np.sqrt((n * found**2 + counts * expected**2) / (n + counts))
    log_level = np.log(np.maximum(level, 1e-12))
    level_mean, level_std = log_level.mean(), max(log_level.std(), 1e-6)
    latent = np.zeros((n, LATENT_SIZE))
    latent[:, :k] = scores / std
    latent[:, SHIFT] = shift / max(found, 1e-12)
    latent[:, LEVEL] = (log_level - level_mean) / level_std
    full_basis = np.zeros((MAX_COMPONENTS, len(mean)))
    full_basis[:k] = std[:, None] * basis
    wanted = np.full(LATENT_SIZE, SCORE_SPREAD)
    wanted[SHIFT] = SHIFT_SPREAD
    wanted[LEVEL] = LEVEL_SPREAD
    spread, pull = variance_keeping(latent, neighbours, wanted)
    pull[LEVEL] = min(1.0, 1.0 - np.sqrt(1.0 - LEVEL_SPREAD**2) + LEVEL_SMOOTHING)
    return ClassModel(
        mean,
        full_basis,
        float(jitter),
        np.array([level_mean, level_std]),
        background,
        intensity,
        kernel,
        unit_maximum,
        latent,
        neighbours,
        spread,
        pull,
        broad,
    )
