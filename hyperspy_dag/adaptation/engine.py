# SPDX-License-Identifier: GPL-3.0-or-later
"""From statistical models of labelled classes and unlabelled spectra to adapted classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import cdist

from hyperspy_dag._utils.streams import child_stream
from hyperspy_dag.dag.class_model.latent import LATENT_SIZE, MAX_COMPONENTS
from hyperspy_dag.dag.class_model.model import draw_latent, fit_class_model
from hyperspy_dag.dag.condition_draws import ADAPTED, AdaptedLaw
from hyperspy_dag.dag.drawing import measure

from .likelihood import (
    COARSENING,
    LEVEL_OF_THICKNESS,
    OTHER_FRACTIONS,
    SELECTABLE,
    ClassPhysics,
    Mixture,
    State,
)

#: Fewest unlabelled spectra that can be adapted to; of more than the most, some are taken.
FEWEST, MOST = 20, 2000

#: A condition is kept if held-out spectra are likelier with it, by so many standard errors.
_PAYS = 1.5

#: Relative standard deviation with which thicknesses are known by EELS (Egerton 2011, section 5.1).
_OF_THICKNESS = 0.1

#: Another mixture is pointed out if its posterior probability is at least exp(-5) of the best's.
_RIVAL = 5.0

#: How far the logarithm of a dose may be from what the noise level says.
_OFF = 0.7

#: p-values below this say that a target is like nothing known.
UNLIKELY = 0.01

#: p-value below which there is something to train.
_TELLS = 0.05

#: Half width of a 90 % interval in standard deviations.
_NINETY = 1.645

#: Spectra in a replicate of the null that a target looks like something known, most labelled ones
#: of a class, and fewest replicates.
_NULL_SIZE, _MOST_LABELLED, _FEWEST_REPLICATES = 160, 300, 5

_CONDITION_STREAM, _NOISE_STREAM = 9, 8

#: Of a class model, what spectra are drawn with.
_OF_MODEL = ("level", "intensity", "mean", "basis", "kernel", "background", "unit_maximum")


@dataclass(frozen=True)
class Adaptation:
    """What was found.

    Attributes
    ----------
    laws : list of AdaptedLaw
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

    laws: list[AdaptedLaw]
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


def none(physics: ClassPhysics) -> AdaptedLaw:
    """Law under which a class is as it was labelled."""
    zero, start = np.zeros(len(ADAPTED)), physics.start
    jitter = start.jitter * abs(physics.physics.dispersion)
    correction = np.zeros(len(start.mean))
    return AdaptedLaw(physics.physics, zero, zero, 0.0, jitter, 1.0, correction)


def draw_adapted(
    physics: ClassPhysics, law: AdaptedLaw, n: int, seed: np.random.SeedSequence
) -> NDArray[np.float64]:
    """Draw spectra of a class under its conditions, without TensorFlow.

    Parameters
    ----------
    physics : ClassPhysics
    law : AdaptedLaw
    n : int
    seed : numpy.random.SeedSequence

    Returns
    -------
    array of shape (n, channels)
    """
    s = physics.start
    drawn = law.drawn(n, child_stream(seed, _CONDITION_STREAM))
    spectra = measure(
        draw_latent(s, n, LATENT_SIZE, seed),
        np.zeros((n, MAX_COMPONENTS), np.float32),
        np.random.default_rng(child_stream(seed, _NOISE_STREAM)),
        jitter=law.jitter / abs(physics.physics.dispersion),
        dose=law.dose,
        conditions=lambda clean: drawn(clean, slice(None)),
        **{name: np.asarray(getattr(s, name)) for name in _OF_MODEL},
    )
    return spectra.astype(np.float64)


def energy_distance(a: NDArray, b: NDArray) -> float:
    """Energy distance of two samples (Székely & Rizzo, J. Stat. Plan. Inference 143, 2013)."""
    n, m = len(a), len(b)
    return float(
        2 * cdist(a, b).mean()
        - cdist(a, a).sum() / (n * (n - 1))
        - cdist(b, b).sum() / (m * (m - 1))
    )


def _check(classes: Sequence[ClassPhysics], target: NDArray) -> None:
    channels = len(classes[0].physics.energies)
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
    training: str = "never",
    replicates: int = 9,
    seed: int = 0,
    names: Sequence[Any] | None = None,
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
    training : "auto", "always" or "never", default "never"
        Whether conditions, fractions and corrections are trained against discriminators. "auto"
        trains where the held-out spectra can be told from the fit (p < 0.05). Without training
        TensorFlow is not imported.
    replicates : int, default 9
        Synthetic targets that tell how unlike a known target may look; 0 leaves the p-value out,
        and "auto" then trains.
    seed : int, default 0
    names : sequence, optional
        Of the classes, for warnings; by default their numbers.
    progress : callable, optional
        Called with what is done and the share that is done.

    Returns
    -------
    Adaptation

    Raises
    ------
    ValueError
        Too few spectra or replicates, other channels, or numbers that are not finite.

    See Also
    --------
    draw_adapted : spectra of a class under the conditions that were found.

    Notes
    -----
    The p-value compares the energy distance of held-out spectra to synthetic ones with that of
    synthetic targets, to each of which models of as many synthetic labelled spectra are adapted.
    """
    classes, target = list(classes), np.asarray(target, float)
    _check(classes, target)
    if replicates and replicates < _FEWEST_REPLICATES:
        raise ValueError(
            f"replicates must be 0 or at least {_FEWEST_REPLICATES}; {replicates} was given"
        )
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
    found = _laws(half, state, seeds)
    shares = state.fractions[:-1] / state.fractions[:-1].sum()
    scale = np.median(half.level)
    start = [none(c) for c in classes]

    def figure(laws, fractions):
        return _unlikeness(half, unseen, laws, fractions, seeds, 600)

    history = {
        "before": min(figure(start, shares), figure(start, np.ones_like(shares))),
        "after": figure(found, shares),
        "real": energy_distance(half.z / scale, unseen.z / scale),
        **{f"gain of {k}": v for k, v in gains.items()},
    }
    # Never less than the classes as they were labelled.
    as_labelled = history["before"] <= history["after"]
    if as_labelled:
        found, kept = start, ()
    null, bias = _null(half, state, found, seeds, replicates, seed)
    p_value = _p_value(null, _unlikeness(half, unseen, found, shares, seeds))
    say("likeness", 0.7)
    mixture = Mixture(classes, target[rows], seed)
    state = mixture.fit(kept)
    trained = False
    moved: list[AdaptedLaw] = []
    if training == "always" or (training == "auto" and not p_value >= _TELLS):
        from hyperspy_dag.dag.adaptation_training import train_laws

        models = [c.start for c in classes]
        moved, moved_shares = train_laws(
            models, found, shares, target[fitted], half.w / scale, _sigma(state), design, seed
        )
        history["trained"] = figure(moved, moved_shares)
        trained = history["trained"] < min(history["before"], history["after"])
        say("training", 0.9)
        if trained:
            p_value = _p_value(null, _unlikeness(half, unseen, moved, moved_shares, seeds))
    before, found = found, start if as_labelled else _laws(mixture, state, seeds)
    if trained:
        # What training added to the half's conditions.
        found = [
            replace(
                p,
                theta=p.theta + m.theta - b.theta,
                shift=p.shift + m.shift - b.shift,
                correction=p.correction + m.correction - b.correction,
            )
            for p, m, b in zip(found, moved, before, strict=True)
        ]
        for i, p in enumerate(found):
            state.theta[i, : len(ADAPTED)], state.shift[i] = p.theta, p.shift
    probabilities = np.concatenate(
        [mixture.embedded(t).weights(state)[1].T for t in _blocks(target)]
    )
    counts, n = probabilities.sum(axis=0), len(target)
    power = 1 / (1 + len(rows) / COARSENING)
    effective = power * len(rows)
    share = counts[:-1] / counts[:-1].sum()
    a, b = effective * share + 0.5, effective * (1 - share) + 0.5
    # Of a class with less than one spectrum, none is possible.
    low = np.where(effective * share < 1, 0.0, stats.beta.ppf(0.05, a, b))
    high = np.where(effective * (1 - share) < 1, 1.0, stats.beta.ppf(0.95, a, b))
    interval = np.stack([low, high], axis=1)
    conditions = _conditions(classes, found, state, whole, kept, power, bias)
    warnings = []
    names = names or range(len(classes))
    for name, k in zip(names, counts[:-1], strict=True):
        if k < max(5, 0.02 * n):
            warnings.append(
                f"class {name!r} has hardly any spectra in the target: its conditions are those "
                "that the classes share"
            )
    other = _other_mixture(state, whole, share)
    if other is not None:
        parts = ", ".join(
            f"{part:.0%} of {name!r}" for name, part in zip(names, other, strict=True)
        )
        warnings.append(f"another mixture describes the spectra nearly as well: {parts}")
    if counts[-1] > 0.1 * n:
        warnings.append(f"{counts[-1] / n:.0%} of the spectra are like none of the classes")
    if p_value < UNLIKELY:
        warnings.append("the spectra look like nothing that the classes can become")
    if not kept:
        warnings.append("no condition describes the held-out spectra better than none: none kept")
    return Adaptation(
        found, conditions, kept, share, interval, float(counts[-1] / n), probabilities, p_value,
        history, trained, warnings,
    )  # fmt: skip


def _other_mixture(state: State, whole: State, share: NDArray) -> NDArray | None:
    """Fractions unlike those found with which the spectra are nearly as likely, if there are any.

    Those of a fit of all conditions (`whole`) may be such, too: what is kept decides on them.
    """
    mixtures = [(0.0, whole.fractions)]
    mixtures += [(s.score - s.rival[0], s.rival[1]) for s in (state, whole) if s.rival is not None]
    for behind, mixed in mixtures:
        other = mixed[:-1] / mixed[:-1].sum()
        if behind < _RIVAL and np.abs(other - share).max() > OTHER_FRACTIONS:
            return other
    return None


def _blocks(target: NDArray) -> list[NDArray]:
    return np.array_split(target, -(-len(target) // MOST))


def _select(half: Mixture, unseen: Mixture, state: State):
    """Backward elimination of conditions by the likelihood of spectra that nothing has seen."""
    kept, gains = list(SELECTABLE), {}

    def better(other: State) -> float:
        """How much likelier `state` is than another, in standard errors.

        A few odd spectra do not decide, and what the classes share of the misfit must not stand
        in for a condition.
        """
        d = (unseen.weights(state)[0] - unseen.weights(other)[0]).clip(-20, 20)
        explained = half.common_prior(state) - half.common_prior(other)
        return float((d.sum() + explained) / np.sqrt(len(d) * d.var() + 1))

    while kept:
        simpler = {c: half.without(state, c) for c in kept}
        gain = {c: better(s) for c, s in simpler.items()}
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
            if better(rest) < _PAYS:
                drop, simpler[drop[0]] = idle, rest
        state = simpler[drop[0]]
        kept = [c for c in kept if c not in drop]
    return state, tuple(kept), gains


def draw_mixture(
    classes: Sequence[ClassPhysics],
    laws: Sequence[AdaptedLaw],
    fractions: NDArray,
    n: int,
    seeds: Sequence[np.random.SeedSequence],
) -> NDArray[np.float64]:
    """Draw some `n` spectra of classes under their conditions, in fractions of each."""
    count = np.round(n * fractions / fractions.sum()).astype(int)
    return np.concatenate([
        draw_adapted(c, p, k, s)
        for c, p, k, s in zip(classes, laws, count, seeds, strict=True) if k
    ])  # fmt: skip


def _laws(mixture: Mixture, state: State, seeds, n: int = 150) -> list[AdaptedLaw]:
    """Laws of a fit, with the doses whose synthetic spectra have the target's noise."""
    found = []
    for i, (c, s) in enumerate(zip(mixture.classes, seeds, strict=True)):
        p = AdaptedLaw(
            c.physics,
            state.theta[i, : len(ADAPTED)],
            state.spread[i, : len(ADAPTED)],
            float(state.shift[i]),
            float(state.jitter[i]),
            1.0,
            mixture.correction(i, state),
        )
        wanted = state.noise[i, 0]
        logarithm = direct = -2 * wanted
        for _ in range(4):
            level = mixture.levels(draw_adapted(c, replace(p, dose=np.exp(logarithm)), n, s))[i]
            logarithm += 2 * (np.log(level).mean() - c.start.level[0] - wanted)
            # What conditions add to the roughness is no noise.
            logarithm = np.clip(logarithm, direct - _OFF, direct + _OFF)
        found.append(replace(p, dose=float(np.exp(np.clip(logarithm, -5, 5)))))
    return found


def _sigma(state: State) -> NDArray:
    return np.sqrt(np.diag(state.covariance)).reshape(state.theta.shape)


def _conditions(classes, found, state, whole, kept, power, bias):
    """Means, spreads and 90 % intervals.

    Of what is not kept, the interval lies about none and holds what was fitted. Standard deviations
    are those of the fit of all conditions: that the others are none was a choice. Beside them
    stands by how much fits of known conditions are off.
    """
    sd = np.hypot(_sigma(whole), bias[:, :-1])
    counts = state.responsibilities[:-1].sum(axis=1)
    conditions = []
    for i, (c, p) in enumerate(zip(classes, found, strict=True)):
        one, labelled = {}, len(c.start.latent)
        # Where the labelled spectra lie on average is no better known.
        share = np.sqrt(1 / (power * counts[i] + 1e-9) + 1 / labelled)
        shift_sd = np.hypot(p.jitter / np.sqrt(state.told[i]) * min(share, 3.0), 0.05)
        shift_sd = np.hypot(shift_sd, bias[i, -1])
        for j, name in enumerate(ADAPTED):
            known = np.hypot(sd[i, j], _OF_THICKNESS * p.theta[j] if name == "thickness" else 0.0)
            one[name] = [p.theta[j], p.spread[j], _NINETY * known]
            if name not in kept:
                one[name] = [0.0, p.spread[j], abs(whole.theta[i, j]) + _NINETY * sd[i, j]]
        one["shift"] = [p.shift, p.jitter, _NINETY * shift_sd]
        if "shift" not in kept:
            one["shift"] = [0.0, p.jitter, abs(whole.shift[i]) + _NINETY * shift_sd]
        one = {k: (mean, spread, mean - e, mean + e) for k, (mean, spread, e) in one.items()}
        one["resolution"] = [np.sign(v) * np.sqrt(abs(v)) for v in one["resolution"]]
        # Noise does not go with the root of the dose alone: detectors add noise of theirs.
        noise_sd = 2 * np.hypot(state.noise[i, 1] * min(share, 3.0), 0.06)
        factor = np.exp(_NINETY * noise_sd)
        # Of the electrons of a thicker specimen, fewer are in the edge.
        dose = p.dose * np.exp(2 * LEVEL_OF_THICKNESS * one["thickness"][0])
        one["dose"] = (dose, 2 * state.noise[i, 1], dose / factor, dose * factor)
        conditions.append({k: tuple(map(float, v)) for k, v in one.items()})
    return conditions


def _unlikeness(half, unseen, laws, shares, seeds, n=300) -> float:
    """Energy distance of unseen spectra to `n` synthetic ones, in the components of the fit."""
    z = (draw_mixture(half.classes, laws, shares, n, seeds) - half.centre) @ half.w
    scale = np.median(half.level)
    return energy_distance(z / scale, unseen.z / scale)


def _null(half, state, laws, seeds, replicates, seed) -> tuple[list[float], NDArray]:
    """Targets drawn from the fit, models of labelled spectra fitted anew (parametric bootstrap).

    Returns the unlikeness of each, and by how much conditions and shift of the classes are off on
    average, (classes, conditions + 1).
    """
    null = []
    off = np.zeros((len(half.classes), state.theta.shape[1] + 1))
    for r in range(replicates):
        random = np.random.SeedSequence((seed, r)).spawn(len(half.classes))
        classes = []
        for c, s in zip(half.classes, random, strict=True):
            n = min(len(c.start.latent), _MOST_LABELLED)
            labelled = draw_adapted(c, none(c), n, child_stream(s, 1))
            classes.append(replace(c, start=fit_class_model(labelled, c.physics.dispersion)))
        target = draw_mixture(half.classes, laws, state.fractions[:-1], _NULL_SIZE, random)
        target = np.random.default_rng(r).permutation(target)
        a, b = np.array_split(target, 2)
        again = Mixture(classes, a, seed)
        own = again.z.shape[1]
        nothing = replace(state, misfit=np.zeros((len(classes), own)), common=np.zeros(own))
        fit = again.run(nothing, 6)
        drawn = _laws(again, fit, seeds)
        off += np.c_[fit.theta - state.theta, fit.shift - state.shift] / replicates
        null.append(_unlikeness(again, again.embedded(b), drawn, fit.fractions[:-1], seeds))
    return null, off


def _p_value(null: list[float], observed: float) -> float:
    """Chance of at least the observed value among those of the null; not a number without one."""
    if not null:
        return float("nan")
    spread = np.std(null, ddof=1) * np.sqrt(1 + 1 / len(null))
    return float(stats.t.sf((observed - np.mean(null)) / spread, len(null) - 1))
