# SPDX-License-Identifier: GPL-3.0-or-later
"""From statistical models of labelled classes and unlabelled spectra to adapted classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.signal import fftconvolve
from scipy.spatial.distance import cdist

from hyperspy_dag._utils.streams import child_stream
from hyperspy_dag.dag.class_model.latent import LATENT_SIZE, LEVEL, MAX_COMPONENTS
from hyperspy_dag.dag.class_model.latent import SHIFT as SHIFT_COLUMN
from hyperspy_dag.dag.class_model.model import ClassModel, draw_latent, fit_class_model
from hyperspy_dag.dag.class_model.noise import KERNEL_SIZE
from hyperspy_dag.dag.condition_physics import Shift

from .likelihood import (
    COARSENING,
    FITTED,
    LEVEL_OF_THICKNESS,
    SELECTABLE,
    SPREAD,
    ClassPhysics,
    Mixture,
    State,
)

#: Fewest unlabelled spectra that can be adapted to; of more than the most, some are taken.
FEWEST, MOST = 20, 2000

#: A condition is kept if held-out spectra are likelier with it, by so many standard errors.
_PAYS = 1.5

#: Half width of a 90 % interval in standard deviations.
_NINETY = 1.645

#: Spectra in a replicate of the null that a target looks like something known.
_NULL_SIZE = 160

_CONDITION_STREAM, _NOISE_STREAM = 9, 8


@dataclass(frozen=True)
class Parameters:
    """Where an adapted generator stands: all that :func:`draw_adapted` needs of one class.

    Attributes
    ----------
    theta, spread : array of shape (conditions,)
        Means and standard deviations in the order of :data:`.likelihood.FITTED`; resolution as
        the square of its width.
    shift, jitter : float
        Mean and standard deviation of the energy shift, eV.
    dose : float
        Relative to the labelled spectra's, of spectra of equal height.
    correction : array of shape (channels,) or 0
        Added to the clean spectra, relative to a maximum of 1: what no condition explains.
    """

    theta: NDArray
    spread: NDArray
    shift: float
    jitter: float
    dose: float = 1.0
    correction: NDArray | float = 0.0


@dataclass(frozen=True)
class Adaptation:
    """What was found.

    Attributes
    ----------
    parameters : list of Parameters
        Of each class.
    conditions : list of dict of str to (mean, spread, low, high)
        Thickness (Δt/λ), tail (exponent), residue (of the maximum), resolution (full width at half
        maximum added in quadrature, eV; negative where the target is sharper), shift (eV) and
        dose (relative, of the specimen), with 90 % intervals of the mean.
    kept : tuple of str
        Conditions that made held-out spectra likelier; the others are none.
    fractions : array of shape (classes,)
    fraction_intervals : array of shape (classes, 2)
        90 %.
    unlike : float
        Share of the spectra that are like none of the classes.
    probabilities : array of shape (n, classes + 1)
        Of each target spectrum; the last: like none.
    p_value : float
        Of the null hypothesis that the target's spectra come from the adapted classes; not a
        number if it was not asked for.
    history : dict of str to float
        Energy distances of the held-out spectra to the synthetic ones before and after adapting
        and after training, and to the other half of the real ones; gains of the held-out log
        likelihood for each condition, in standard errors.
    trained : bool
        Whether the state after the adversarial training was kept.
    warnings : list of str
    """

    parameters: list[Parameters]
    conditions: list[dict[str, tuple[float, float, float, float]]]
    kept: tuple[str, ...]
    fractions: NDArray
    fraction_intervals: NDArray
    unlike: float
    probabilities: NDArray
    p_value: float
    history: dict[str, float]
    trained: bool
    warnings: list[str] = field(default_factory=list)


def none(physics: ClassPhysics) -> Parameters:
    """Parameters under which a class is as it was labelled."""
    step = physics.energies[1] - physics.energies[0]
    zero = np.zeros(len(FITTED))
    return Parameters(zero, zero, 0.0, physics.start.jitter * step)


def draw_adapted(
    physics: ClassPhysics,
    parameters: Parameters,
    n: int,
    seed: np.random.SeedSequence,
    noise: bool = True,
) -> NDArray[np.float64]:
    """Draw spectra of a class under its conditions, without TensorFlow.

    Parameters
    ----------
    physics : ClassPhysics
    parameters : Parameters
    n : int
    seed : numpy.random.SeedSequence
    noise : bool, default True

    Returns
    -------
    array of shape (n, channels)
    """
    clean, level, white = ingredients(physics, n, seed)
    p = parameters
    random = np.random.default_rng(child_stream(seed, _CONDITION_STREAM))
    wide = np.array([1.0, 1.0, 1.0, 1.0, 0.0])  # the height is no condition of what is normalised
    theta = (p.theta + p.spread * random.standard_normal((n, len(FITTED)))) * wide
    clean = physics.clean(clean, theta)
    step = physics.energies[1] - physics.energies[0]
    spectra = Shift(step)(clean, p.shift + p.jitter * level[1]) + p.correction
    if noise:
        spectra = spectra + noise_of(physics.start, spectra, level[0] / np.sqrt(p.dose), white)
    if physics.start.unit_maximum:
        spectra = spectra / spectra.max(axis=1, keepdims=True)
    return spectra


def ingredients(
    physics: ClassPhysics, n: int, seed: np.random.SeedSequence
) -> tuple[NDArray, tuple[NDArray, NDArray], NDArray]:
    """Clean spectra, (noise levels, standardised shifts) and coloured noise of `n` spectra."""
    s = physics.start
    latent = draw_latent(s, n, LATENT_SIZE, seed)
    clean = s.mean + latent[:, :MAX_COMPONENTS] @ s.basis
    level = np.exp(s.level[0] + s.level[1] * latent[:, LEVEL])
    random = np.random.default_rng(child_stream(seed, _NOISE_STREAM))
    white = random.standard_normal((n, clean.shape[1] + KERNEL_SIZE - 1))
    return (
        clean,
        (level, latent[:, SHIFT_COLUMN]),
        fftconvolve(white, s.kernel[None], "valid", axes=1),
    )


def noise_of(start: ClassModel, spectra: NDArray, level: NDArray, coloured: NDArray) -> NDArray:
    """Noise of a level on spectra."""
    variance = start.background + max(start.intensity, 0.0) * spectra.clip(0)
    return level[:, None] * coloured * np.sqrt(variance / variance.mean(axis=1, keepdims=True))


def energy_distance(a: NDArray, b: NDArray) -> float:
    """Energy distance of two samples (Székely & Rizzo, J. Stat. Plan. Inference 143, 2013)."""
    n, m = len(a), len(b)
    return float(
        2 * cdist(a, b).mean()
        - cdist(a, a).sum() / (n * (n - 1))
        - cdist(b, b).sum() / (m * (m - 1))
    )


def _check(classes: Sequence[ClassPhysics], target: NDArray) -> None:
    channels = len(classes[0].energies)
    if target.ndim != 2 or target.shape[1] != channels:
        raise ValueError(
            f"the target must have shape (n, {channels}), the channels of the labelled spectra; "
            f"{target.shape} was given"
        )
    if len(target) < FEWEST:
        raise ValueError(
            f"a target must have at least {FEWEST} spectra to tell conditions from; "
            f"{len(target)} were given"
        )
    if not np.isfinite(target).all():
        raise ValueError("the target holds numbers that are not finite (NaN or infinite)")


def adapt(
    classes: Sequence[ClassPhysics],
    target: NDArray,
    *,
    design: str = "single_bitrans",
    epochs: int = 0,
    replicates: int = 19,
    seed: int = 0,
    progress: Callable[[str, float], None] | None = None,
) -> Adaptation:
    """Adapt classes to unlabelled spectra.

    Conditions are fitted to one half of the target; those that do not make the other half likelier
    are none. What is kept is fitted to both halves.

    Parameters
    ----------
    classes : sequence of ClassPhysics
        Model, energies, single scattering and background window of each class.
    target : array of shape (n, channels)
        Unlabelled spectra on the same energies, preprocessed as the labelled ones; at least 20. Of
        more than 2 000 as many are taken for the fit.
    design : str, default "single_bitrans"
        Of the adversarial training.
    epochs : int, default 0
        Steps of the adversarial training; 0 leaves it out, and TensorFlow is not imported.
    replicates : int, default 19
        Synthetic targets that tell how unlike a known target may look; 0 leaves the p-value out.
    seed : int, default 0
    progress : callable, optional
        Called with what is done and the share that is done.

    Returns
    -------
    Adaptation

    Raises
    ------
    ValueError
        Too few spectra, other channels, or numbers that are not finite.
    """
    classes, target = list(classes), np.asarray(target, float)
    _check(classes, target)
    say = progress or (lambda what, share: None)
    random = np.random.default_rng(seed)
    rows = random.permutation(len(target))[:MOST]
    fitted, judged = np.array_split(rows, 2)
    say("conditions", 0.0)
    half = Mixture(classes, target[fitted], seed)
    unseen = half.embedded(target[judged])
    whole = half.fit()
    state, kept, gains = _select(half, unseen, whole)
    say("conditions", 0.5)
    seeds = np.random.SeedSequence(seed).spawn(len(classes))
    found = _parameters(half, state, seeds)
    shares = state.fractions[:-1] / state.fractions[:-1].sum()
    scale = np.median(half.level)
    start = [none(c) for c in classes]

    def figure(parameters, fractions):
        z = _draw(classes, parameters, fractions, 600, seeds) @ half.w
        return energy_distance(z / scale, target[judged] @ half.w / scale)

    history = {
        "before": min(figure(start, shares), figure(start, np.ones_like(shares))),
        "after": figure(found, shares),
        "real": energy_distance(target[fitted] @ half.w / scale, target[judged] @ half.w / scale),
        **{f"gain of {k}": v for k, v in gains.items()},
    }
    p_value = _p_value(half, unseen, state, found, seeds, replicates, seed)
    say("likeness", 0.7)
    mixture = Mixture(classes, target[rows], seed)
    state = mixture.fit(kept)
    trained = False
    moved: list[Parameters] = []
    if epochs:
        from hyperspy_dag.dag.adaptation_training import train

        parts = [ingredients(c, 256, s) for c, s in zip(classes, seeds, strict=True)]
        moved, moved_shares = train(
            classes, parts, found, shares, target[fitted], half.w / scale, _sigma(state), design,
            epochs, seed,
        )  # fmt: skip
        history["trained"] = figure(moved, moved_shares)
        trained = history["trained"] < history["after"]
        say("training", 0.9)
    found = _parameters(mixture, state, seeds)
    if trained:
        # What training added to the half's conditions.
        before = _parameters(half, state, seeds)
        found = [
            replace(p, theta=p.theta + m.theta - b.theta, shift=p.shift + m.shift - b.shift)
            for p, m, b in zip(found, moved, before, strict=True)
        ]
        for i, p in enumerate(found):
            state.theta[i], state.shift[i] = p.theta, p.shift
    probabilities = np.concatenate(
        [mixture.embedded(t).weights(state)[1].T for t in _blocks(target)]
    )
    counts, n = probabilities.sum(axis=0), len(target)
    power = 1 / (1 + len(rows) / COARSENING)
    effective = power * len(rows)
    share = counts[:-1] / counts[:-1].sum()
    a, b = effective * share + 0.5, effective * (1 - share) + 0.5
    interval = np.stack([stats.beta.ppf(0.05, a, b), stats.beta.ppf(0.95, a, b)], axis=1)
    conditions = _conditions(classes, found, state, whole, kept, power)
    warnings = []
    for i, k in enumerate(counts[:-1]):
        if k < max(5, 0.02 * n):
            warnings.append(
                f"class {i} has hardly any spectra in the target: its conditions are those "
                "that the classes share"
            )
    if counts[-1] > 0.1 * n:
        warnings.append(f"{counts[-1] / n:.0%} of the spectra are like none of the classes")
    if p_value < 0.01:
        warnings.append("the spectra look like nothing that the classes can become")
    if not kept:
        warnings.append("no condition describes the held-out spectra better than none: none kept")
    return Adaptation(
        found, conditions, kept, share, interval, float(counts[-1] / n), probabilities, p_value,
        history, trained, warnings,
    )  # fmt: skip


def _blocks(target: NDArray) -> list[NDArray]:
    return np.array_split(target, -(-len(target) // MOST))


def _select(half: Mixture, unseen: Mixture, state: State):
    """Backward elimination of conditions by the likelihood of spectra that nothing has seen."""
    kept, gains = list(SELECTABLE), {}
    while kept:
        density = unseen.weights(state)[0]
        simpler = {c: half.without(state, c) for c in kept}
        gain = {c: _gain(density, unseen.weights(s)[0]) for c, s in simpler.items()}
        gains.update(gain)
        idle = [c for c in kept if gain[c] < _PAYS]
        if not idle:
            break
        drop = idle[:1]
        if len(idle) > 1:
            # All at once where they do not stand in for each other.
            rest = state
            for c in idle:
                rest = half.without(rest, c)
            if _gain(density, unseen.weights(rest)[0]) < _PAYS:
                drop, simpler[drop[0]] = idle, rest
        state = simpler[drop[0]]
        kept = [c for c in kept if c not in drop]
    return state, tuple(kept), gains


def _gain(density: NDArray, simpler: NDArray) -> float:
    """How much likelier, in standard errors; a few odd spectra do not decide."""
    d = (density - simpler).clip(-20, 20)
    return float(d.sum() / np.sqrt(len(d) * d.var() + 1))


def _draw(classes, parameters, fractions, n, seeds) -> NDArray:
    """Some `n` spectra of the mixture."""
    count = np.round(n * fractions / fractions.sum()).astype(int)
    return np.concatenate([
        draw_adapted(c, p, k, s)
        for c, p, k, s in zip(classes, parameters, count, seeds, strict=True) if k
    ])  # fmt: skip


def _parameters(mixture: Mixture, state: State, seeds, n: int = 150) -> list[Parameters]:
    """Parameters of a fit, with the doses whose synthetic spectra have the target's noise."""
    found = []
    for i, (c, s) in enumerate(zip(mixture.classes, seeds, strict=True)):
        p = Parameters(
            state.theta[i],
            state.spread[i],
            state.shift[i],
            state.jitter[i],
            correction=mixture.correction(i, state),
        )
        logarithm, wanted = 0.0, state.noise[i, 0]
        for _ in range(4):
            level = mixture.levels(draw_adapted(c, replace(p, dose=np.exp(logarithm)), n, s))[i]
            logarithm += 2 * (np.log(level).mean() - c.start.level[0] - wanted)
        found.append(replace(p, dose=float(np.exp(np.clip(logarithm, -5, 5)))))
    return found


def _sigma(state: State) -> NDArray:
    return np.sqrt(np.diag(state.covariance)).reshape(state.theta.shape)


def _conditions(classes, found, state, whole, kept, power):
    """Means, spreads and 90 % intervals.

    Of what is not kept, the interval lies about none and holds what was fitted. Standard deviations
    are those of the fit of all conditions: that the others are none was a choice.
    """
    sd = _sigma(whole)
    counts = state.responsibilities[:-1].sum(axis=1)
    conditions = []
    for i, (c, p) in enumerate(zip(classes, found, strict=True)):
        one, labelled = {}, len(c.start.latent)
        # Where the labelled spectra lie on average is no better known.
        share = np.sqrt(1 / (power * counts[i] + 1e-9) + 1 / labelled)
        shift_sd = np.hypot(p.jitter * min(share, 3.0), 0.05)
        for j, name in enumerate(FITTED[:-1]):
            one[name] = [p.theta[j], p.spread[j], _NINETY * sd[i, j]]
            if name not in kept:
                one[name] = [0.0, p.spread[j], abs(whole.theta[i, j]) + _NINETY * sd[i, j]]
        one["shift"] = [p.shift, p.jitter, _NINETY * shift_sd]
        if "shift" not in kept:
            one["shift"] = [0.0, p.jitter, abs(whole.shift[i]) + _NINETY * shift_sd]
        one = {k: (mean, spread, mean - e, mean + e) for k, (mean, spread, e) in one.items()}
        one["resolution"] = [np.sign(v) * np.sqrt(abs(v)) for v in one["resolution"]]
        noise_sd = 2 * np.hypot(state.noise[i, 1] * min(share, 3.0), 0.03)
        factor = np.exp(_NINETY * noise_sd)
        # Of the electrons of a thicker specimen, fewer are in the edge.
        dose = p.dose * np.exp(2 * LEVEL_OF_THICKNESS * one["thickness"][0])
        one["dose"] = (dose, 2 * state.noise[i, 1], dose / factor, dose * factor)
        conditions.append({k: tuple(map(float, v)) for k, v in one.items()})
    return conditions


def _unlikeness(half, unseen, state, parameters, seeds) -> float:
    """How much lower the densities of unseen spectra are than those of synthetic ones.

    Under the classes as they were labelled, but for the conditions: what the fit had to widen to
    hold the spectra does not count.
    """
    state = replace(
        state,
        content=np.ones_like(state.content),
        spread=np.tile(SPREAD, (len(state.spread), 1)),
        fractions=np.r_[state.fractions[:-1], 0.0],
    )
    drawn = _draw(half.classes, parameters, state.fractions[:-1], 300, seeds)
    known = np.sort(half.embedded(drawn).weights(state)[0])
    seen = unseen.weights(state)[0]
    rank = (np.searchsorted(known, seen) + 0.5) / (len(known) + 1)
    return float(-np.log(rank).mean())


def _p_value(half, unseen, state, parameters, seeds, replicates, seed) -> float:
    """Compare with targets drawn from the fit, models of labelled spectra fitted anew."""
    if not replicates:
        return float("nan")
    observed = np.log(_unlikeness(half, unseen, state, parameters, seeds))
    null = []
    for r in range(replicates):
        random = np.random.SeedSequence((seed, r)).spawn(len(half.classes))
        classes = []
        for c, s in zip(half.classes, random, strict=True):
            labelled = draw_adapted(c, none(c), len(c.start.latent), child_stream(s, 1))
            step = c.energies[1] - c.energies[0]
            classes.append(replace(c, start=fit_class_model(labelled, step)))
        target = _draw(half.classes, parameters, state.fractions[:-1], _NULL_SIZE, random)
        target = np.random.default_rng(r).permutation(target)
        a, b = np.array_split(target, 2)
        again = Mixture(classes, a, seed)
        fit = again.run(replace(state, misfit=np.zeros((len(classes), again.z.shape[1]))), 6)
        drawn = _parameters(again, fit, seeds)
        null.append(np.log(_unlikeness(again, again.embedded(b), fit, drawn, seeds)))
    spread = np.std(null, ddof=1) * np.sqrt(1 + 1 / replicates)
    return float(stats.t.sf((observed - np.mean(null)) / spread, replicates - 1))
