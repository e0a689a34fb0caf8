# SPDX-License-Identifier: GPL-3.0-or-later
"""A mixture of the known classes under new conditions, fitted to unlabelled spectra.

Each class is a low-rank normal distribution whose mean and loadings follow from its statistical
model and the conditions, linearised about their present values; expectation maximisation finds
conditions, their spreads and the fractions of the classes.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import toeplitz
from scipy.special import logsumexp

from hyperspy_dag.dag.class_model.model import ClassModel
from hyperspy_dag.dag.condition_physics import Residue, Resolution, Shift, Tail, Thickness

#: Conditions whose means are fitted, and how far they are expected from none: what all classes
#: share, what each has besides, and how much spectra of a class differ. Resolution enters with the
#: square of its width (eV²); scale is the logarithm of the height.
FITTED = ("thickness", "tail", "residue", "resolution", "scale")
SHARED = np.array([0.3, 0.1, 0.02, 0.5, 0.1])
OWN = np.array([0.5, 0.1, 0.02, 0.15, 0.1])
SPREAD = np.array([0.05, 0.05, 0.003, 0.05, 0.15])

#: The same for the energy shift, eV.
SHARED_SHIFT, OWN_SHIFT, SHIFT_MISFIT = 1.0, 0.15, 0.1

#: What no condition explains: of the class and of a spectrum, relative to the maximum, and how far
#: along the energy axis it belongs together (eV).
CLASS_MISFIT, SPECTRUM_MISFIT, MISFIT_LENGTH = 0.01, 0.01, 1.5

COMPONENTS, TARGET_COMPONENTS = 36, 6
LARGEST_SHIFT = 3.0

#: Spectra of a target that count in full: more tell less, as the model is not exact (coarsened
#: posterior: Miller & Dunson, J. Am. Stat. Assoc. 114, 1113, 2019).
COARSENING = 60
LIKE_NONE = 1e-3


@dataclass(frozen=True)
class ClassPhysics:
    """A class and what can happen to it.

    Parameters
    ----------
    start : ClassModel
    energies : array of shape (channels,)
    inelastic : array of shape (channels,)
    background_end : float or None
    """

    start: ClassModel
    energies: NDArray
    inelastic: NDArray
    background_end: float | None = None

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
        step = self.energies[1] - self.energies[0]
        out = Thickness(self.inelastic)(spectra, t[:, 0])
        out = Tail(self.energies)(out, t[:, 1])
        out = Resolution(step).of_square(out, t[:, 3])
        out = Residue(self.energies, self.background_end)(out, t[:, 2])
        height = spectra.max(axis=1, keepdims=True) / out.max(axis=1, keepdims=True)
        return out * height * np.exp(t[:, 4:5])


def _roughness(spectra: NDArray) -> NDArray[np.float64]:
    """Median size of third differences: noise, and little else."""
    return np.median(np.abs(np.diff(spectra, 3, axis=1)), axis=1)


@dataclass
class State:
    """What is fitted: all arrays have a row for each class."""

    theta: NDArray
    spread: NDArray
    shift: NDArray
    jitter: NDArray
    content: NDArray
    fractions: NDArray
    misfit: NDArray
    dose: NDArray
    score: float = -np.inf
    covariance: NDArray | None = None
    responsibilities: NDArray | None = None


class Mixture:
    """The problem: target spectra and classes, in the components in which they are compared."""

    def __init__(self, classes: list[ClassPhysics], target: NDArray, seed: int = 0):
        self.classes = classes
        self.energies = classes[0].energies
        self.step = self.energies[1] - self.energies[0]
        self.random = np.random.default_rng(seed)
        self.count = len(classes)
        k = target.shape[1]
        # Shifts that are tried: a grid, so that no linearisation has to reach further.
        spacing = max(self.step, 0.3)
        self.grid = np.arange(-LARGEST_SHIFT, LARGEST_SHIFT + 1e-9, spacing)
        self.spacing = spacing
        # The noise of each class at level 1, and how rough it is.
        self.noise, self.roughness = [], []
        for c in classes:
            s = c.start
            variance = s.background + s.intensity * s.mean.clip(0)
            deviation = np.sqrt(variance / variance.mean())
            correlation = np.correlate(s.kernel, s.kernel, "full")[len(s.kernel) - 1 :]
            row = np.zeros(k)
            row[: min(k, len(correlation))] = correlation[:k]
            cov = toeplitz(row) * deviation * deviation[:, None]
            self.noise.append(cov)
            white = self.random.standard_normal((64, k + len(s.kernel) - 1))
            unit = np.array([np.convolve(w, s.kernel, "valid") for w in white]) * deviation
            own = np.exp(s.level[0])
            smooth = _roughness(s.mean[None])[0]
            gain = (
                np.sqrt(max(np.mean(_roughness(s.mean + own * unit) ** 2) - smooth**2, 1e-20)) / own
            )
            self.roughness.append((smooth, gain))
        self.level = self._levels(target)  # (classes, n)
        # Components: of what the classes can look like and of the target, aligned.
        broad = []
        for c in classes:
            n = 150
            t = self.random.standard_normal((n, len(FITTED))) * np.hypot(SHARED, OWN)
            scores = c.start.latent[self.random.integers(0, len(c.start.latent), n)][
                :, : len(c.start.basis)
            ]
            broad.append(c.clean(c.start.mean + scores @ c.start.basis, t))
            broad.append(Shift(self.step)(broad[-1], self.random.normal(0, 0.7, n)))
        broad = np.concatenate(broad)
        # Whitened, so that what lies outside of the components is noise like any other.
        average = np.mean(self.noise, axis=0)
        average += 0.1 * np.diag(np.diag(average))
        # What a shift brings in from beyond the ends was not measured.
        edge = min(round(LARGEST_SHIFT / self.step), k // 8)
        white = np.zeros((k, k - 2 * edge))
        inside = slice(edge, k - edge)
        white[inside] = np.linalg.inv(np.linalg.cholesky(average[inside, inside])).T
        shifted = np.array([Shift(self.step)(target, -h) for h in self.grid])  # (H, n, K)
        mean = np.mean([c.start.mean for c in classes], axis=0)
        whitened = (shifted - mean) @ white
        best = (whitened**2).sum(axis=2).argmin(axis=0)
        aligned = whitened[best, np.arange(len(target))]
        v = np.linalg.svd((broad - mean) @ white, full_matrices=False)[2][:COMPONENTS].T
        # What only the target has; each spectrum of the same noise, or the noisiest would count.
        rest = aligned - (aligned @ v) @ v.T
        rest = rest / self.level.mean(axis=0)[:, None]
        v = np.c_[v, np.linalg.svd(rest, full_matrices=False)[2][:TARGET_COMPONENTS].T]
        self.white, self.v, self.centre = white, v, mean
        self.w = white @ v
        # Like none: as broad as all that is thinkable.
        self.none_mean = (
            np.concatenate([broad, shifted[best, np.arange(len(target))]]).mean(0) @ self.w
        )
        self.none_law = np.linalg.eigh(np.cov((broad @ self.w).T))
        distance = np.abs(self.energies[:, None] - self.energies)
        smooth = np.exp(-0.5 * (distance / MISFIT_LENGTH) ** 2)
        self.smooth = self.w.T @ smooth @ self.w
        self.noise = [self.w.T @ n @ self.w for n in self.noise]
        self._embed(shifted)

    def _levels(self, spectra: NDArray) -> NDArray:
        """Noise level of each spectrum were it of a class, (classes, n)."""
        seen = _roughness(spectra) ** 2
        found = [np.sqrt(np.maximum(seen - s**2, 0.04 * seen)) / g for s, g in self.roughness]
        return np.maximum(found, 1e-5)

    def _embed(self, shifted: NDArray) -> None:
        """Take spectra, of shape (shifts, n, channels), as those that are looked at."""
        self.z = shifted @ self.w  # (H, n, q)
        whitened = (shifted - self.centre) @ self.white
        outside = (whitened**2).sum(axis=2) - ((whitened @ self.v) ** 2).sum(axis=2)
        level = self.level.mean(axis=0)
        self.outside = -0.5 * (outside - outside.min(axis=0)) / level**2
        spread, axes = self.none_law
        y = (self.z - self.none_mean) @ axes
        v = 25 * spread.clip(0) + (8 * level[:, None]) ** 2
        self.none = -0.5 * ((y**2 / v).sum(axis=2) + np.log(v).sum(axis=1)) - np.log(len(self.grid))

    def embedded(self, spectra: NDArray) -> Mixture:
        """The same problem with other spectra."""
        other = copy(self)
        other.level = self._levels(spectra)
        other._embed(np.array([Shift(self.step)(spectra, -h) for h in self.grid]))
        return other

    # -- pieces -----------------------------------------------------------------------------

    def initial(self, theta: NDArray | None = None, fractions: NDArray | None = None) -> State:
        """Where a fit begins."""
        c = self.count
        return State(
            theta=np.zeros((c, len(FITTED))) if theta is None else np.array(theta, float),
            spread=np.tile(SPREAD, (c, 1)),
            shift=np.zeros(c),
            jitter=np.array([max(x.start.jitter * self.step, 0.15) for x in self.classes]),
            content=np.ones((c, len(self.classes[0].start.basis))),
            fractions=np.r_[(np.ones(c) / c if fractions is None else fractions), 0.01] / 1.01,
            misfit=np.zeros((c, self.z.shape[2])),
            dose=np.ones(c),
        )

    def _linear(self, i: int, theta: NDArray):
        """Mean (q,), Jacobian (q, conditions), loadings of the content (q, k), of a shift (q,)."""
        c = self.classes[i]
        centre, basis = c.content
        h = 0.02 * SHARED + 1e-4
        spectra = np.concatenate([np.repeat(centre[None], 1 + len(FITTED), 0), centre + basis])
        t = np.tile(theta, (len(spectra), 1))
        t[1 : 1 + len(FITTED)] += np.diag(h)
        x = c.clean(spectra, t)
        drift = Shift(self.step)(x[:1], 0.1)[0] - x[0]
        z = x @ self.w
        jacobian = (z[1 : 1 + len(FITTED)] - z[0]).T / h
        return z[0], jacobian, (z[1 + len(FITTED) :] - z[0]).T, drift @ self.w / 0.1

    def _rotated(self, i: int, state: State):
        """Class i in the coordinates in which signal and noise are both diagonal."""
        mean, jacobian, content, drift = self._linear(i, state.theta[i])
        loadings = np.c_[
            content * state.content[i, : content.shape[1]],
            jacobian * state.spread[i],
            drift * 0.35 * self.spacing,
        ]
        signal = loadings @ loadings.T + SPECTRUM_MISFIT**2 * self.smooth
        a = np.linalg.cholesky(self.noise[i] + 1e-9 * np.trace(self.noise[i]) * np.eye(len(signal)))
        inverse = np.linalg.inv(a)
        s, u = np.linalg.eigh(inverse @ signal @ inverse.T)
        turn = u.T @ inverse  # (q, q)
        return mean, jacobian, loadings, turn, s.clip(0), np.log(np.diag(a)).sum()

    def expect(self, state: State, parts: list | None = None) -> tuple[NDArray, list]:
        """Log densities of class, shift and spectrum (classes + 1, H, n)."""
        parts = parts or [self._rotated(i, state) for i in range(self.count)]
        h, n, q = self.z.shape
        log = np.empty((self.count + 1, h, n))
        for i, (mean, _, _, turn, s, logdet) in enumerate(parts):
            y = (self.z - mean - state.misfit[i]) @ turn.T
            v = self.level[i][:, None] ** 2 + s
            prior = -0.5 * ((self.grid - state.shift[i]) / state.jitter[i]) ** 2
            prior -= logsumexp(prior)
            log[i] = (
                np.log(state.fractions[i] + 1e-300)
                + prior[:, None]
                + self.outside
                - 0.5 * ((y**2 / v).sum(axis=2) + np.log(v).sum(axis=1))
                - logdet
            )
        log[-1] = np.log(state.fractions[-1] + 1e-300) + self.none + self.outside
        return log, parts

    def prior(self, state: State) -> float:
        """Log prior of the conditions with what they share integrated out."""
        total = 0.0
        for t, shared, own in (
            *((state.theta[:, j], SHARED[j], OWN[j]) for j in range(len(FITTED))),
            (state.shift, SHARED_SHIFT, OWN_SHIFT),
        ):
            cov = own**2 * np.eye(self.count) + shared**2
            total -= 0.5 * t @ np.linalg.solve(cov, t)
        total -= 0.5 * sum(
            m @ np.linalg.solve(self._misfit_cov(i), m) for i, m in enumerate(state.misfit)
        )
        ratio = np.log(state.spread / SPREAD)
        return total - 2 * (ratio**2).sum() - 2 * (np.log(state.content) ** 2).sum()

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

    def step_once(self, state: State) -> State:
        """One round of expectation maximisation."""
        log, parts = self.expect(state)
        total = logsumexp(log, axis=(0, 1))
        r = np.exp(log - total)  # (C+1, H, n)
        power = 1 / (1 + self.z.shape[1] / COARSENING)
        score = power * total.sum() + self.prior(state)
        weight = r.sum(axis=1)  # (C+1, n)
        n_c = power * weight.sum(axis=1)
        j = len(FITTED)
        hessian = np.zeros((self.count * j, self.count * j))
        gradient = np.zeros(self.count * j)
        new = replace(state, score=score, responsibilities=weight)
        new.theta, new.misfit = state.theta.copy(), state.misfit.copy()
        new.spread, new.content = state.spread.copy(), state.content.copy()
        new.jitter = state.jitter.copy()
        stored = []
        for i, (mean, jacobian, loadings, turn, s, _) in enumerate(parts):
            v = self.level[i][:, None] ** 2 + s  # (n, q)
            p = (weight[i][:, None] / v).sum(axis=0) + 1e-12  # (q,)
            zbar = np.einsum("hn,hnq->nq", r[i], self.z)
            resid = (zbar - weight[i][:, None] * mean) @ turn.T  # weighted residual from f(theta)
            ybar = (resid / v).sum(axis=0) / p
            kov = turn @ self._misfit_cov(i) @ turn.T
            # What a shift does is no misfit.
            g = kov @ (turn @ loadings[:, -1])
            kov = kov - np.outer(g, g) / ((turn @ loadings[:, -1]) @ g + 1e-300)
            cov = np.diag(1 / (power * p)) + kov
            jt = turn @ jacobian
            solved = np.linalg.solve(cov, np.c_[jt, ybar])
            sl = slice(i * j, i * j + j)
            hessian[sl, sl] = jt.T @ solved[:, :-1]
            gradient[sl] = jt.T @ solved[:, -1] + hessian[sl, sl] @ state.theta[i]
            stored.append((jt, ybar, kov, cov))
        precision = np.zeros_like(hessian)
        for m in range(j):
            cov = OWN[m] ** 2 * np.eye(self.count) + SHARED[m] ** 2
            precision[m::j, m::j] = np.linalg.inv(cov)
        new.covariance = np.linalg.inv(hessian + precision)
        wanted = (new.covariance @ gradient).reshape(self.count, j)
        limit = np.array([0.4, 0.5, 0.05, 0.5, 0.3])
        new.theta = state.theta + (wanted - state.theta).clip(-limit, limit)
        for i, (jt, ybar, kov, cov) in enumerate(stored):
            rest = ybar - jt @ (new.theta[i] - state.theta[i])
            new.misfit[i] = np.linalg.solve(parts[i][3], kov @ np.linalg.solve(cov, rest))
        # Spreads of the conditions and of the content, from the loadings' posterior.
        shift_sum, shift_square = np.zeros(self.count), np.zeros(self.count)
        for i, (mean, _, loadings, turn, s, _) in enumerate(parts):
            v = self.level[i][:, None] ** 2 + s
            g = turn @ loadings
            y = (self.z - mean - state.misfit[i]) @ turn.T / v  # (H, n, q)
            t = y @ g  # (H, n, k)
            second = power * np.einsum("hn,hnk->k", r[i], t**2)
            second += n_c[i] - power * np.einsum(
                "qk,q->k", g**2, (weight[i][:, None] / v).sum(axis=0)
            )
            k = loadings.shape[1] - 1 - j
            if k:
                old = state.content[i, :k]
                new.content[i, :k] = old * np.sqrt((second[:k] + 20 / old**2) / (n_c[i] + 20))
            new.spread[i] = state.spread[i] * np.sqrt(
                (second[k : k + j] + 20 * (SPREAD / state.spread[i]) ** 2) / (n_c[i] + 20)
            )
            each = self.grid[:, None] + t[:, :, -1] * 0.35 * self.spacing
            shift_sum[i] = power * (r[i] * each).sum()
            shift_square[i] = power * (r[i] * each**2).sum()
        cov = OWN_SHIFT**2 * np.eye(self.count) + SHARED_SHIFT**2
        data = 1 / (new.jitter**2 / np.maximum(n_c[:-1], 1e-9) + SHIFT_MISFIT**2)
        found = shift_sum / np.maximum(n_c[:-1], 1e-9)
        new.shift = np.linalg.solve(np.linalg.inv(cov) + np.diag(data), data * found)
        var = shift_square - 2 * new.shift * shift_sum + n_c[:-1] * new.shift**2
        j0 = np.array([max(x.start.jitter * self.step, 0.15) for x in self.classes])
        new.jitter = np.sqrt((var + 30 * j0**2) / (n_c[:-1] + 30)).clip(0.05)
        alpha = np.r_[np.full(self.count, 0.5), 0.5]
        alpha[-1] *= state.fractions[-1] > 0
        counts = weight.sum(axis=1) + alpha
        new.fractions = counts / counts.sum()
        return new

    def run(self, state: State, rounds: int, tolerance: float = 1e-3) -> State:
        """Repeat :meth:`step_once` until the score stays."""
        last = -np.inf
        for _ in range(rounds):
            state = self.step_once(state)
            if abs(state.score - last) < tolerance:
                break
            last = state.score
        return state

    def view(self, rows: NDArray, shifts: NDArray) -> Mixture:
        """The same problem with some of the spectra and of the shifts."""
        some = copy(self)
        some.z, some.none = self.z[shifts][:, rows], self.none[shifts][:, rows]
        some.outside = self.outside[shifts][:, rows]
        some.level, some.grid = self.level[:, rows], self.grid[shifts]
        return some

    def fit(self, starts: int = 8) -> State:
        """Fit from several starts, on some of the spectra first; the likeliest is returned."""
        inits = [self.initial()]
        for c in range(self.count):
            f = np.full(self.count, 0.05)
            f[c] = 1 - 0.05 * (self.count - 1)
            inits.append(self.initial(fractions=f))
        while len(inits) < starts:
            t = np.zeros((self.count, len(FITTED)))
            t[:, 0] = self.random.uniform(-1, 1, self.count)
            inits.append(self.initial(theta=t))
        for s in inits[1:]:
            s.fractions[-1] = 0.0
        n = self.z.shape[1]
        rows = self.random.permutation(n)[:100]
        some = self.view(rows, np.arange(len(self.grid)))
        tried = [some.run(s, 6) for s in inits]
        for s in tried:
            s.fractions = (s.fractions + 1e-3) / (s.fractions + 1e-3).sum()
        tried = [some.run(s, 6) for s in tried]
        tried.sort(key=lambda s: -s.score)
        distinct = [tried[0]]
        for s in tried[1:]:
            same = any(
                abs(s.fractions - d.fractions).max() < 0.05 and abs(s.theta - d.theta).max() < 0.1
                for d in distinct
            )
            if not same and s.score > tried[0].score - 30:
                distinct.append(s)
        best = []
        for s in distinct[:2]:
            s = self.run(s, 2)
            log = self.expect(s)[0]
            mass = np.exp(log - logsumexp(log, axis=(0, 1)))[:-1].sum(axis=(0, 2))
            seen = np.flatnonzero(mass > 1e-3)
            shifts = np.arange(max(seen.min() - 1, 0), min(seen.max() + 2, len(self.grid)))
            best.append(self.view(np.arange(n), shifts).run(s, 30, 1e-2))
        best.sort(key=lambda s: -s.score)
        return best[0]
