# SPDX-License-Identifier: GPL-3.0-or-later
"""A mixture of the known classes under new conditions, fitted to unlabelled spectra.

Each class is a low-rank normal distribution whose mean and loadings follow from its statistical
model and the conditions, linearised about their present values; expectation maximisation finds
conditions, their spreads and the fractions of the classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import toeplitz
from scipy.signal import fftconvolve
from scipy.special import logsumexp

from hyperspy_dag.dag.class_model.model import ClassModel
from hyperspy_dag.dag.condition_draws import ADAPTED, AdaptedPhysics
from hyperspy_dag.dag.condition_physics import FWHM, Shift

#: Conditions whose means are fitted, and how far they are expected from none: what all classes
#: share, what each has besides, and how much spectra of a class differ. Resolution enters with the
#: square of its width (eV²); scale is the logarithm of the height.
FITTED = (*ADAPTED, "scale")
SHARED = np.array([0.3, 0.1, 0.02, 0.5, 0.15])
OWN = np.array([0.5, 0.1, 0.02, 0.15, 0.05])
SPREAD = np.array([0.05, 0.05, 0.003, 0.05, 0.15])

#: The same for the energy shift, eV.
SHARED_SHIFT, OWN_SHIFT, SHIFT_MISFIT = 1.0, 0.15, 0.1

#: The same for the logarithm of the noise level relative to the height, how much spectra of a
#: class differ besides what the labelled ones do, and what a change of thickness does to it: fewer
#: electrons lose no more than the edge's energy.
SHARED_LEVEL, OWN_LEVEL, LEVEL_SPREAD, LEVEL_OF_THICKNESS = 0.5, 0.15, 0.1, 0.75

#: What no condition explains: of the class, of all classes and of a spectrum, relative to the
#: maximum, and how far along the energy axis it belongs together (eV).
CLASS_MISFIT, COMMON_MISFIT, SPECTRUM_MISFIT, MISFIT_LENGTH = 0.01, 0.02, 0.01, 1.5

#: How many spectra the labelled ones' variations count for, and how far the logarithm of their
#: size is expected from none: components of few noisy spectra are too large, the fewer and the
#: noisier the more, and the target says by how much.
CONTENT_COUNTS, CONTENT_SPREAD = 5, 1.0

COMPONENTS, TARGET_COMPONENTS = 40, 6
LARGEST_SHIFT = 3.0

#: Mixtures whose fractions differ by so much are other ones.
OTHER_FRACTIONS = 0.25

#: Variance, relative to the noise's, of a component that only the target has.
_CONFIRMED = 2.0

#: What a user may hear of; the height is none of these. Those that imitate others come first.
SELECTABLE = ("tail", "residue", "resolution", "shift", "thickness")

#: A condition that is none may deviate by this part of what is expected.
_HELD = 1e-3

#: A class with fewer spectra than this, or than this part of the target, has the conditions that
#: the classes share: what looks like it may be the others' outliers.
_FEW, _FEW_PART, _FEW_OWN = 8, 0.05, 0.15

#: Spectra of a target that count in full: more tell less, as the model is not exact (coarsened
#: posterior: Miller & Dunson, J. Am. Stat. Assoc. 114, 1113, 2019).
COARSENING = 60


@dataclass(frozen=True)
class ClassPhysics:
    """A class and what can happen to it.

    Parameters
    ----------
    start : ClassModel
    physics : AdaptedPhysics
    """

    start: ClassModel
    physics: AdaptedPhysics

    @cached_property
    def content(self) -> tuple[NDArray, NDArray]:
        """Mean of the clean spectra and their components, of scores with variance 1."""
        s = self.start
        used = np.abs(s.basis).max(axis=1) > 0
        scores = s.latent[:, : len(s.basis)][:, used]
        turn = np.linalg.cholesky(np.atleast_2d(np.cov(scores.T)) + 1e-9 * np.eye(used.sum()))
        return s.mean + scores.mean(axis=0) @ s.basis[used], turn.T @ s.basis[used]

    def clean(self, spectra: NDArray, theta: NDArray) -> NDArray[np.float64]:
        """Spectra under conditions, in the order of :data:`FITTED`; (n, conditions) or one."""
        t = np.broadcast_to(theta, (len(spectra), len(FITTED)))
        return self.physics.clean(spectra, t[:, :-1]) * np.exp(t[:, -1:])


@dataclass
class State:
    """What is fitted: all arrays have a row for each class.

    ``noise`` has the mean and the standard deviation of the logarithm of the noise level, relative
    to the labelled spectra's; ``shared`` and ``own`` are the widths of the priors of
    :data:`FITTED`, the shift and the noise level; ``told`` is what spectra tell of their shift,
    from 0 to 1. ``misfit`` is what no condition explains of a class's mean, and ``common`` what the
    classes share of it: a background that is no power law, a detector's gain.
    """

    theta: NDArray
    spread: NDArray
    shift: NDArray
    jitter: NDArray
    content: NDArray
    fractions: NDArray
    misfit: NDArray
    noise: NDArray
    shared: NDArray
    own: NDArray
    told: NDArray
    common: NDArray
    score: float = -np.inf
    covariance: Any = None
    responsibilities: Any = None
    rival: tuple[float, Any] | None = None

    def prior_covariance(self, j: int) -> NDArray[np.float64]:
        """Of a condition's means over the classes."""
        return np.diag(self.own[:, j] ** 2) + self.shared[j] ** 2


class Mixture:
    """The problem: target spectra and classes, in the components in which they are compared.

    The classes' spectra are moved along the energy axis, never the target's: noise that is moved is
    another noise.

    Parameters
    ----------
    classes : sequence of ClassPhysics
    target : array of shape (n, channels)
        Spectra that components are sought in; all else that is looked at comes by
        :meth:`embedded`.
    seed : int
    """

    def __init__(self, classes: Sequence[ClassPhysics], target: NDArray, seed: int = 0):
        self.classes = list(classes)
        self.energies = classes[0].physics.energies
        self.step = classes[0].physics.dispersion
        self.random = np.random.default_rng(seed)
        self.count = len(classes)
        k = target.shape[1]
        # Shifts that are tried: a grid, so that no linearisation has to reach further.
        self.spacing = max(self.step, 0.3)
        beyond = int(LARGEST_SHIFT / self.spacing)
        self.grid = self.spacing * np.arange(-beyond, beyond + 1)
        deviation = []
        noise = []
        for c in classes:
            s = c.start
            variance = s.background + s.intensity * s.mean.clip(0)
            deviation.append(np.sqrt(variance / variance.mean()))
            correlation = np.correlate(s.kernel, s.kernel, "full")[len(s.kernel) - 1 :]
            row = np.zeros(k)
            row[: min(k, len(correlation))] = correlation[:k]
            noise.append(toeplitz(row) * deviation[-1] * deviation[-1][:, None])
        # Whitened, so that what lies outside of the components is noise like any other. What a
        # shift brings in from beyond the ends was not measured.
        average = np.mean(noise, axis=0)
        average += 0.1 * np.diag(np.diag(average))
        edge = min(round(LARGEST_SHIFT / self.step), k // 8)
        white = np.zeros((k, k - 2 * edge))
        inside = slice(edge, k - edge)
        white[inside] = np.linalg.inv(np.linalg.cholesky(average[inside, inside])).T
        # Components: of what the classes can look like, then of what only the target has.
        self.centre = np.mean([c.start.mean for c in classes], axis=0)
        broad = np.concatenate([self._broad(c) for c in classes])
        v = np.linalg.svd((broad - self.centre) @ white, full_matrices=False)[2][:COMPONENTS].T
        seen = (target - self.centre) @ white
        rest = seen - (seen @ v) @ v.T
        # Each spectrum of the same noise, or the noisiest would count. Noise has components, too:
        # only those that other spectra confirm are some.
        rest /= np.median(np.abs(rest), axis=1, keepdims=True) / 0.6745
        first, second = np.array_split(self.random.permutation(rest), 2)
        new = np.linalg.svd(first, full_matrices=False)[2][:TARGET_COMPONENTS].T
        v = np.c_[v, new[:, ((second @ new) ** 2).mean(axis=0) > _CONFIRMED]]
        self.w = white @ v
        self.outside = white - self.w @ v.T
        # Noise levels are read off what is outside of the components.
        self.gain = []
        for c, d in zip(classes, deviation, strict=True):
            drawn = self.random.standard_normal((64, k + len(c.start.kernel) - 1))
            drawn = fftconvolve(drawn, c.start.kernel[None], "valid", axes=1) * d
            self.gain.append(np.median(np.abs(drawn @ self.outside), axis=1).mean())
        # Like none: as broad as all that is thinkable.
        z = (broad - self.centre) @ self.w
        self.none_mean, self.none_law = z.mean(axis=0), np.linalg.eigh(np.cov(z.T))
        distance = np.abs(self.energies[:, None] - self.energies)
        self.smooth_w = np.exp(-0.5 * (distance / MISFIT_LENGTH) ** 2) @ self.w
        self.smooth = self.w.T @ self.smooth_w
        self.noise = [self.w.T @ n @ self.w for n in noise]
        self._embed(target)

    def _broad(self, c: ClassPhysics, n: int = 300) -> NDArray:
        """Clean spectra of a class under all conditions that are expected."""
        t = self.random.standard_normal((n, len(FITTED))) * np.hypot(SHARED, OWN)
        t[: n // 2] *= 0.3
        chosen = self.random.integers(0, len(c.start.latent), n)
        scores = c.start.latent[chosen][:, : len(c.start.basis)]
        spectra = c.clean(c.start.mean + scores @ c.start.basis, t)
        return Shift(self.step)(spectra, self.random.normal(0, 0.8, n))

    def relative_level(self, i: int) -> NDArray[np.float64]:
        """Logarithm of the noise levels relative to those of a class's labelled spectra."""
        return np.log(self.level[i]) - self.classes[i].start.level[0]

    def levels(self, spectra: NDArray) -> NDArray[np.float64]:
        """Noise level of each spectrum were it of a class, (classes, n)."""
        rough = np.median(np.abs((spectra - self.centre) @ self.outside), axis=1)
        return np.maximum(rough / np.array(self.gain)[:, None], 1e-5)

    def _embed(self, spectra: NDArray) -> None:
        """Take spectra as those that are looked at."""
        self.z = (spectra - self.centre) @ self.w  # (n, q)
        self.level = self.levels(spectra)
        spread, axes = self.none_law
        y = (self.z - self.none_mean) @ axes
        v = 25 * spread.clip(0) + (8 * self.level.mean(axis=0)[:, None]) ** 2
        self.none = -0.5 * ((y**2 / v).sum(axis=1) + np.log(v).sum(axis=1))
        apart = np.min([np.abs(self.relative_level(i)) for i in range(self.count)], axis=0)
        self.none -= 0.5 * apart**2

    def embedded(self, spectra: NDArray) -> Mixture:
        """The same problem with other spectra."""
        other = copy(self)
        other._embed(spectra)
        return other

    def view(self, rows: NDArray) -> Mixture:
        """The same problem with some of the spectra."""
        some = copy(self)
        some.z, some.none, some.level = self.z[rows], self.none[rows], self.level[:, rows]
        return some

    # -- pieces -----------------------------------------------------------------------------

    def initial(
        self,
        conditions: Sequence[str] = SELECTABLE,
        theta: NDArray | None = None,
        fractions: NDArray | None = None,
    ) -> State:
        """Where a fit begins; conditions that are not named are held at none."""
        c = self.count
        named = [f in ("scale", "noise", *conditions) for f in (*FITTED, "shift", "noise")]
        free = np.where(named, 1.0, _HELD)
        return State(
            theta=np.zeros((c, len(FITTED))) if theta is None else np.array(theta, float),
            spread=np.tile(SPREAD, (c, 1)),
            shift=np.zeros(c),
            jitter=self._expected_jitter() + 0.3 * free[-2],
            content=np.ones((c, len(self.classes[0].start.basis))),
            fractions=np.r_[(np.ones(c) / c if fractions is None else fractions), 0.01] / 1.01,
            misfit=np.zeros((c, self.z.shape[1])),
            noise=np.tile([0.0, 0.7], (c, 1)),
            shared=np.r_[SHARED, SHARED_SHIFT, SHARED_LEVEL] * free,
            own=np.tile(np.r_[OWN, OWN_SHIFT, OWN_LEVEL] * free, (c, 1)),
            told=np.ones(c),
            common=np.zeros(self.z.shape[1]),
        )

    def _expected_jitter(self) -> NDArray:
        return np.array([max(x.start.jitter * self.step, 0.15) for x in self.classes])

    def _linear(self, i: int, state: State):
        """Shifts that a class may have (H,), means there (H, q), Jacobians (H, q, conditions),
        and loadings (H, q, k) of the content, the conditions and a shift."""
        c = self.classes[i]
        centre, basis = c.content
        n = 1 + len(FITTED)
        h = 0.02 * SHARED + 1e-4
        spectra = np.concatenate([np.repeat(centre[None], n, 0), centre + basis])
        t = np.tile(state.theta[i], (len(spectra), 1))
        t[1:n] += np.diag(h)
        # A point of the grid stands for all shifts about it.
        t[:, FITTED.index("resolution")] += FWHM**2 * self.spacing**2 / 12
        x = c.clean(spectra, t)
        reach = 3.5 * state.jitter[i] + self.spacing
        near = np.flatnonzero(np.abs(self.grid - state.shift[i]) <= reach)
        by = np.r_[self.grid[near], self.grid[near] + 0.1]
        moved = Shift(self.step)(
            np.concatenate([x] * len(near) + [x[:1]] * len(near)),
            np.r_[np.repeat(by[: len(near)], len(x)), by[len(near) :]],
        )
        z = (moved - self.centre) @ self.w
        drift = z[-len(near) :, :, None]
        z = z[: -len(near)].reshape(len(near), len(x), -1).transpose(0, 2, 1)  # (H, q, spectra)
        mean = z[:, :, :1]
        jacobian = (z[:, :, 1:n] - mean) / h
        content = (z[:, :, n:] - mean) * state.content[i, : len(basis)]
        drift = (drift - mean) / 0.1 * self.spacing / np.sqrt(12)
        loadings = np.concatenate([content, jacobian * state.spread[i], drift], axis=2)
        return near, mean[:, :, 0], jacobian, loadings

    def _rotated(self, i: int, state: State):
        """Class i in the coordinates in which signal and noise are both diagonal."""
        near, means, jacobian, g = self._linear(i, state)
        signal = g @ g.transpose(0, 2, 1) + SPECTRUM_MISFIT**2 * self.smooth
        noise = self.noise[i] + 1e-9 * np.trace(self.noise[i]) * np.eye(len(self.noise[i]))
        a = np.linalg.cholesky(noise)
        inverse = np.linalg.inv(a)
        s, u = np.linalg.eigh(inverse @ signal @ inverse.T)
        turn = u.transpose(0, 2, 1) @ inverse  # (H, q, q)
        v = self.level[i][:, None] ** 2 + s.clip(0)[:, None]  # (H, n, q)
        means = means + state.misfit[i]
        y = (self.z - means[:, None]) @ turn.transpose(0, 2, 1)
        return near, turn @ jacobian, turn @ g, turn, v, y, np.log(np.diag(a)).sum()

    def expect(self, state: State) -> tuple[NDArray, NDArray, list]:
        """Log densities: of class, shift and spectrum (classes, H, n), of none (n,); parts."""
        parts = [self._rotated(i, state) for i in range(self.count)]
        log = np.full((self.count, len(self.grid), len(self.z)), -np.inf)
        for i, (near, _, _, _, v, y, logdet) in enumerate(parts):
            prior = -0.5 * ((self.grid[near] - state.shift[i]) / state.jitter[i]) ** 2
            mean, sd = state.noise[i]
            level = -0.5 * ((self.relative_level(i) - mean) / sd) ** 2 - np.log(sd)
            fit = -0.5 * ((y**2 / v).sum(axis=2) + np.log(v).sum(axis=2)) - logdet
            log[i, near] = fit + level + (prior - logsumexp(prior))[:, None]
            log[i] += np.log(state.fractions[i] + 1e-300)
        return log, np.log(state.fractions[-1] + 1e-300) + self.none, parts

    def weights(self, state: State) -> tuple[NDArray, NDArray]:
        """Log density of each spectrum (n,) and its probabilities (classes + 1, n)."""
        log, none, _ = self.expect(state)
        log = np.r_[logsumexp(log, axis=1), none[None]]
        total = logsumexp(log, axis=0)
        return total, np.exp(log - total)

    def prior(self, state: State) -> float:
        """Log prior of the conditions with what they share integrated out."""
        total = 0.0
        for j, t in enumerate((*state.theta.T, state.shift, self._own_level(state))):
            total -= 0.5 * t @ np.linalg.solve(state.prior_covariance(j), t)
        total -= 0.5 * sum(
            m @ np.linalg.solve(self._misfit_cov(i), m)
            for i, m in enumerate(state.misfit - state.common)
        )
        total += self.common_prior(state)
        ratio = np.log(state.spread / SPREAD)
        content = np.log(state.content) / CONTENT_SPREAD
        return total - 2 * (ratio**2).sum() - 0.5 * (content**2).sum()

    @staticmethod
    def _own_level(state: State) -> NDArray:
        """Change of the noise level that thickness does not explain."""
        return state.noise[:, 0] - LEVEL_OF_THICKNESS * state.theta[:, 0]

    def _misfit_cov(self, i: int) -> NDArray:
        s = self.classes[i].start
        n = len(s.latent)
        level = np.exp(s.level[0])
        used = s.basis @ self.w
        return (
            CLASS_MISFIT**2 * self.smooth
            + (level**2 * self.noise[i] + used.T @ used) / n
            + 1e-9 * np.trace(self.smooth) * np.eye(len(self.smooth))
        )

    def common_prior(self, state: State) -> float:
        """Log prior of what the classes share of the misfit."""
        return float(-0.5 * state.common @ np.linalg.solve(self._common_cov(), state.common))

    def _common_cov(self) -> NDArray:
        tiny = 1e-6 * np.trace(self.smooth) * np.eye(len(self.smooth))
        return COMMON_MISFIT**2 * (self.smooth + tiny)

    def correction(self, i: int, state: State) -> NDArray[np.float64]:
        """What a class's spectra deviate from what conditions explain, shape (channels,)."""
        s = self.classes[i].start
        shared = CLASS_MISFIT**2 * self.smooth_w + s.basis.T @ (s.basis @ self.w) / len(s.latent)
        own = np.linalg.solve(self._misfit_cov(i), state.misfit[i] - state.common)
        common = np.linalg.solve(self._common_cov(), state.common)
        return shared @ own + COMMON_MISFIT**2 * self.smooth_w @ common

    def step_once(self, state: State) -> State:
        """One round of expectation maximisation."""
        log, none, parts = self.expect(state)
        total = np.logaddexp(logsumexp(log, axis=(0, 1)), none)
        weight = np.exp(np.r_[logsumexp(log, axis=1), none[None]] - total)  # (C + 1, n)
        power = 1 / (1 + len(self.z) / COARSENING)
        n_c = power * weight[:-1].sum(axis=1) + 1e-9
        j = len(FITTED)
        new = replace(state, responsibilities=weight)
        new.score = power * total.sum() + self.prior(state)
        new.misfit, new.spread = state.misfit.copy(), state.spread.copy()
        new.content, new.told = state.content.copy(), state.told.copy()
        hessian, gradient = np.zeros((self.count * j,) * 2), np.zeros(self.count * j)
        stored, drifts = [], []
        found, square, seen = np.zeros((3, self.count))
        for i, (near, jacobian, g, turn, v, y, _) in enumerate(parts):
            r = power * np.exp(log[i, near] - total)  # (H, n)
            back = turn.transpose(0, 2, 1)
            p = (r[:, :, None] / v).sum(axis=1)[:, :, None]  # (H, q, 1)
            pull = (r[:, :, None] * y / v).sum(axis=1)[:, :, None]
            information = (back @ (p * turn)).sum(axis=0)
            both = (back @ (p * jacobian)).sum(axis=0)
            k = self._misfit_cov(i)
            # What a shift does is no misfit.
            middle = np.abs(self.grid[near] - state.shift[i]).argmin()
            drift = np.linalg.solve(turn[middle], g[middle, :, -1])
            along = k @ drift
            k = k - np.outer(along, along) / (drift @ along + 1e-300)
            pull_misfit = (back @ pull).sum(axis=0)[:, 0] + information @ state.misfit[i]
            within = k @ np.linalg.inv(np.eye(len(k)) + information @ k)
            own = slice(i * j, i * j + j)
            own_information = (jacobian.transpose(0, 2, 1) @ (p * jacobian)).sum(axis=0)
            hessian[own, own] = own_information - both.T @ within @ both
            gradient[own] = (jacobian.transpose(0, 2, 1) @ pull).sum(axis=0)[:, 0]
            expected = state.common + within @ (pull_misfit - information @ state.common)
            gradient[own] += both.T @ (state.misfit[i] - expected)
            gradient[own] += hessian[own, own] @ state.theta[i]
            stored.append((within, pull_misfit, both, information))
            drifts.append(drift)
            # Spreads of the conditions and of the content, from the loadings' posterior.
            t = (y / v) @ g  # (H, n, k)
            second = np.einsum("hn,hnk->k", r, t**2) + n_c[i] - (p * g**2).sum(axis=(0, 1))
            k = g.shape[2] - 1 - j
            old = state.content[i, :k]
            new.content[i, :k] = old * np.sqrt(
                ((second[:k] + 20 / old**2) / (n_c[i] + 20)).clip(1e-3)
            )
            new.spread[i] *= np.sqrt(
                ((second[k:-1] + 20 * (SPREAD / state.spread[i]) ** 2) / (n_c[i] + 20)).clip(1e-3)
            )
            each = self.grid[near, None] + t[:, :, -1] * self.spacing / np.sqrt(12)
            found[i] = (r * each).sum() / n_c[i]
            square[i] = (r * (each - state.shift[i]) ** 2).sum()
            middle = (r * each).sum(axis=0) / (r.sum(axis=0) + 1e-300)
            missing = (r * (each - middle) ** 2).sum() / n_c[i] / state.jitter[i] ** 2
            new.told[i] = max(1 - missing, 0.1)
            seen[i] = power * (weight[i] * self.relative_level(i)).sum() / n_c[i]
        precision = np.zeros_like(hessian)
        for m in range(j):
            precision[m::j, m::j] = np.linalg.inv(state.prior_covariance(m))
        new.covariance = np.linalg.inv(hessian + precision)
        wanted = (new.covariance @ gradient).reshape(self.count, j)
        limit = np.array([0.4, 0.5, 0.05, 0.5, 0.3])
        new.theta = state.theta + (wanted - state.theta).clip(-limit, limit)
        moved = new.theta - state.theta
        k = self._common_cov()
        for drift in drifts:
            along = k @ drift
            k = k - np.outer(along, along) / (drift @ along + 1e-300)
        # What is the classes' own is integrated out.
        weight_of, told_of = np.zeros_like(k), np.zeros(len(k))
        for i, (within, pull_misfit, both, information) in enumerate(stored):
            left = np.eye(len(k)) - information @ within
            weight_of += left @ information
            told_of += left @ (pull_misfit - both @ moved[i])
        new.common = k @ np.linalg.solve(np.eye(len(k)) + weight_of @ k, told_of)
        for i, (within, pull_misfit, both, information) in enumerate(stored):
            rest = pull_misfit - both @ moved[i] - information @ new.common
            new.misfit[i] = new.common + within @ rest
        # Where noise hides shifts, each is drawn to the mean that was expected: the mean must move
        # further than they do (Newton's step in place of expectation maximisation's).
        found = state.shift + (found - state.shift) / new.told
        data = 1 / (state.jitter**2 / (n_c * new.told) + SHIFT_MISFIT**2)
        new.shift = np.linalg.solve(
            np.linalg.inv(state.prior_covariance(j)) + np.diag(data), data * found
        )
        new.jitter = np.sqrt((square + 30 * self._expected_jitter() ** 2) / (n_c + 30)).clip(0.05)
        expected = np.array([c.start.level[1] for c in self.classes]) ** 2 + LEVEL_SPREAD**2
        data = n_c / expected
        expected_mean = LEVEL_OF_THICKNESS * new.theta[:, 0]
        mean = expected_mean + np.linalg.solve(
            np.linalg.inv(state.prior_covariance(j + 1)) + np.diag(data),
            data * (seen - expected_mean),
        )
        scatter = [
            power * (w * (self.relative_level(i) - mean[i]) ** 2).sum()
            for i, w in enumerate(weight[:-1])
        ]
        new.noise = np.c_[mean, np.sqrt((np.array(scatter) + 30 * expected) / (n_c + 30))]
        counts = weight.sum(axis=1) + 0.5 * (state.fractions > 0)
        new.fractions = counts / counts.sum()
        return new

    def run(self, state: State, rounds: int, tolerance: float = 1e-2) -> State:
        """Repeat :meth:`step_once` until the score stays."""
        last = -np.inf
        for _ in range(rounds):
            state = self.step_once(state)
            if abs(state.score - last) < tolerance:
                break
            last = state.score
        return state

    def fit(self, conditions: Sequence[str] = SELECTABLE, starts: int = 8) -> State:
        """Fit from several starts, on some of the spectra first; the likeliest is returned."""
        inits = [self.initial(conditions)]
        for c in range(self.count):
            f = np.full(self.count, 0.05)
            f[c] = 1 - 0.05 * (self.count - 1)
            inits.append(self.initial(conditions, fractions=f))
        while len(inits) < starts and "thickness" in conditions:
            t = np.zeros((self.count, len(FITTED)))
            t[:, 0] = self.random.uniform(-1, 1, self.count)
            inits.append(self.initial(conditions, theta=t))
        for s in inits[1:]:
            s.fractions[-1] = 0.0
        n = len(self.z)
        some = self.view(self.random.permutation(n)[:100])
        tried = [some.run(s, 6) for s in inits]
        for s in tried:
            s.fractions = (s.fractions + 1e-3) / (s.fractions + 1e-3).sum()
        tried = sorted((some.run(s, 6) for s in tried), key=lambda s: -s.score)
        distinct = [tried[0]]
        for s in tried[1:]:
            same = any(
                abs(s.fractions - d.fractions).max() < 0.05 and abs(s.theta - d.theta).max() < 0.1
                for d in distinct
            )
            if not same and s.score > tried[0].score - 30:
                distinct.append(s)
        found = [self.run(s, 30) for s in distinct[:2]]
        best = max(found, key=lambda s: s.score)

        def other(s: State) -> bool:
            return bool(abs(s.fractions - best.fractions).max() > OTHER_FRACTIONS)

        if not any(map(other, found)):
            found += [self.run(s, 30) for s in list(filter(other, distinct[2:]))[:1]]
        rivals = [s for s in found if other(s)]
        if rivals:
            rival = max(rivals, key=lambda s: s.score)
            best.rival = rival.score, rival.fractions
        return self.settled(best)

    def settled(self, state: State) -> State:
        """A fit in which classes with hardly any spectra follow the others."""
        mass = state.responsibilities[:-1].sum(axis=1)
        few = mass < max(_FEW, _FEW_PART * len(self.z))
        if not few.any() or few.all():
            return state
        state = replace(state, own=np.where(few[:, None], _FEW_OWN * state.own, state.own))
        return self.run(state, 10)

    def without(self, state: State, condition: str) -> State:
        """A fit in which one more condition is none, from a fit in which it is not."""
        j = (*FITTED, "shift").index(condition)
        state = replace(state, shared=state.shared.copy(), own=state.own.copy())
        state.shared[j] *= _HELD
        state.own[:, j] *= _HELD
        if condition == "shift":
            state.shift = np.zeros(self.count)
        else:
            state.theta = state.theta.copy()
            state.theta[:, j] = 0.0
        return self.run(state, 12)
