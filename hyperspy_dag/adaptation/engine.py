# SPDX-License-Identifier: GPL-3.0-or-later
"""From statistical models of labelled classes and unlabelled spectra to adapted classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve
from scipy.spatial.distance import cdist
from scipy.special import logsumexp
from scipy.stats import beta, ks_2samp

from hyperspy_dag.dag.class_model.latent import MAX_COMPONENTS
from hyperspy_dag.dag.class_model.model import ClassModel, draw_latent
from hyperspy_dag.dag.class_model.noise import KERNEL_SIZE
from hyperspy_dag.dag.condition_physics import Shift

from .likelihood import COARSENING, FITTED, ClassPhysics, Mixture, State

#: Fewest unlabelled spectra that can be adapted to.
FEWEST = 20

#: Spectra from which on half of them are held out for the judgement.
_HELD_OUT_FROM = 80

#: Half width of a 90 % interval in standard deviations.
_NINETY = 1.645

_LATENT_SIZE = MAX_COMPONENTS + 2


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
        Relative to the labelled spectra's.
    """

    theta: NDArray
    spread: NDArray
    shift: float
    jitter: float
    dose: float = 1.0


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
        dose (relative), with 90 % intervals of the mean.
    fractions : array of shape (classes,)
    fraction_intervals : array of shape (classes, 2)
        90 %.
    unlike : float
        Share of the spectra that are like none of the classes.
    probabilities : array of shape (n, classes + 1)
        Of each target spectrum; the last: like none.
    p_value : float
        Of the target's spectra being as likely under the adapted classes as their own are.
    history : list of dict
        Two-sample figures: energy distance of held-out spectra to the mixture ("before", "after"
        the likelihood fit, "trained"), beside that of two halves of the target ("real").
    trained : bool
        Whether the state that was kept is one of the adversarial training.
    warnings : list of str
    """

    parameters: list[Parameters]
    conditions: list[dict[str, tuple[float, float, float, float]]]
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
    random = np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=(9,)))
    wide = np.array([1.0, 1.0, 1.0, 1.0, 0.0])  # the height is no condition of what is normalised
    theta = (p.theta + p.spread * random.standard_normal((n, len(FITTED)))) * wide
    clean = physics.clean(clean, theta)
    step = physics.energies[1] - physics.energies[0]
    position = level[1]
    spectra = Shift(step)(clean, p.shift + p.jitter * position)
    if noise:
        spectra = spectra + noise_of(physics.start, spectra, level[0] / np.sqrt(p.dose), white)
    if physics.start.unit_maximum:
        spectra = spectra / spectra.max(axis=1, keepdims=True)
    return spectra


def ingredients(
    physics: ClassPhysics, n: int, seed: np.random.SeedSequence
) -> tuple[NDArray, tuple[NDArray, NDArray], NDArray]:
    """Clean spectra, (noise levels, standardised shifts) and white noise of `n` spectra."""
    s = physics.start
    latent = draw_latent(s, n, _LATENT_SIZE, seed)
    clean = s.mean + latent[:, :MAX_COMPONENTS] @ s.basis
    level = np.exp(s.level[0] + s.level[1] * latent[:, -1])
    random = np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=(8,)))
    white = random.standard_normal((n, clean.shape[1] + KERNEL_SIZE - 1))
    return (
        clean,
        (level, latent[:, MAX_COMPONENTS]),
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


def adapt(
    classes: Sequence[ClassPhysics],
    target: NDArray,
    *,
    design: str = "single_bitrans",
    epochs: int = 150,
    seed: int = 0,
    progress: Callable[[str, float], None] | None = None,
) -> Adaptation:
    """Adapt classes to unlabelled spectra.

    Parameters
    ----------
    classes : sequence of ClassPhysics
        Model, energies, single scattering and background window of each class.
    target : array of shape (n, channels)
        Unlabelled spectra on the same energies, preprocessed as the labelled ones; at least 20.
    design : str, default "single_bitrans"
        Of the adversarial training.
    epochs : int, default 150
        Steps of the adversarial training; 0 leaves it out, and TensorFlow is not imported.
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
    if target.ndim != 2 or target.shape[1] != len(classes[0].energies):
        raise ValueError(
            f"the target must have shape (n, {len(classes[0].energies)}), the channels of the "
            f"labelled spectra; {target.shape} was given"
        )
    if len(target) < FEWEST:
        raise ValueError(
            f"a target must have at least {FEWEST} spectra to tell conditions from; "
            f"{len(target)} were given"
        )
    if not np.isfinite(target).all():
        raise ValueError("the target holds numbers that are not finite (NaN or infinite)")
    say = progress or (lambda what, share: None)
    n, random = len(target), np.random.default_rng(seed)
    order = random.permutation(n)
    fitted, judged = (order, order) if n < _HELD_OUT_FROM else np.array_split(order, 2)
    mixture = Mixture(classes, target, seed)
    everything = np.arange(len(mixture.grid))
    say("likelihood", 0.0)
    state = mixture.view(np.sort(fitted), everything).fit()
    weight = state.responsibilities
    dose = _dose(mixture, classes, weight, np.sort(fitted))
    found = [
        Parameters(state.theta[i], state.spread[i], state.shift[i], state.jitter[i], dose[i])
        for i in range(len(classes))
    ]
    say("likelihood", 0.5)
    seeds = np.random.SeedSequence(seed).spawn(len(classes))
    z = target @ mixture.w / np.median(mixture.level)

    def figure(parameters, fractions):
        share = fractions / fractions.sum()
        count = np.maximum(np.round(600 * share), 0).astype(int)
        drawn = [
            draw_adapted(c, p, k, s) @ mixture.w
            for c, p, k, s in zip(classes, parameters, count, seeds, strict=True)
            if k
        ]
        return energy_distance(np.concatenate(drawn) / np.median(mixture.level), z[judged])

    start, equal = [none(c) for c in classes], np.ones(len(classes))
    known = state.fractions[:-1] + 1e-6
    history = {
        "before": min(figure(start, equal), figure(start, known)),
        "after": figure(found, known),
        "real": energy_distance(z[fitted], z[judged]),
    }
    warnings, trained = [], False
    if epochs:
        from hyperspy_dag.dag.adaptation_training import train

        parts = [ingredients(c, 256, s) for c, s in zip(classes, seeds, strict=True)]
        candidate, shares = train(
            classes,
            parts,
            found,
            known / known.sum(),
            target[fitted],
            mixture.w / np.median(mixture.level),
            _sigma(state),
            design,
            epochs,
            seed,
        )
        history["trained"] = figure(candidate, shares)
        if history["trained"] < history["after"]:
            found, trained = candidate, True
        say("training", 0.9)
    if min(history["after"], history.get("trained", np.inf)) > history["before"]:
        found, trained = start, False
        warnings.append("no conditions describe the held-out spectra better than none: none kept")
    # The fractions of all spectra, under the conditions that were kept.
    for i, p in enumerate(found):
        state.theta[i], state.shift[i] = p.theta, p.shift
    for _ in range(10):
        log = mixture.expect(state)[0]
        total = logsumexp(log, axis=(0, 1))
        weight = np.exp(logsumexp(log, axis=1) - total)
        state.fractions = (weight.sum(axis=1) + 0.5) / (n + 0.5 * len(weight))
    counts = weight.sum(axis=1)
    power = 1 / (1 + n / COARSENING)
    drawn_log = _log_density(mixture, classes, found, state, seeds)
    some = random.permutation(n)[: int(COARSENING)]
    p_value = float(ks_2samp(total[some], drawn_log[: len(some)]).pvalue)
    sd = _sigma(state)
    conditions = [
        _conditions(p, sd[i], max(counts[i], 1e-9), power, len(classes[i].start.latent))
        for i, p in enumerate(found)
    ]
    for i, k in enumerate(counts[:-1]):
        if k < 5:
            warnings.append(
                f"class {i} has hardly any spectra in the target: its conditions are those "
                "that the classes share"
            )
    if counts[-1] > 0.1 * n:
        warnings.append(f"{counts[-1] / n:.0%} of the spectra are like none of the classes")
    if p_value < 0.01:
        warnings.append("the spectra look like nothing that the classes can become")
    a, b = counts[:-1] + 0.5, n - counts[:-1] + 0.5
    interval = np.stack([beta.ppf(0.05, a, b), beta.ppf(0.95, a, b)], axis=1)
    return Adaptation(
        found, conditions, counts[:-1] / counts[:-1].sum(), interval, float(counts[-1] / n),
        weight.T, p_value, history, trained, warnings,
    )  # fmt: skip


def _sigma(state: State) -> NDArray:
    return np.sqrt(np.diag(state.covariance)).reshape(state.theta.shape)


def _dose(mixture, classes, weight, rows) -> list[float]:
    """Dose relative to the labelled spectra's; that of all where a class has hardly any."""
    ratio = np.array(
        [c.start.level[0] - np.log(mixture.level[i][rows]) for i, c in enumerate(classes)]
    )
    w = weight[:-1]
    shared = 2 * (w * ratio).sum() / max(w.sum(), 1e-9)
    own = 2 * (w * ratio).sum(axis=1)
    return [
        float(np.exp((o + 3 * shared) / (k + 3))) for o, k in zip(own, w.sum(axis=1), strict=True)
    ]


def _conditions(p: Parameters, sd: NDArray, count: float, power: float, labelled: int):
    found = {}
    for j, name in enumerate(FITTED[:-1]):
        values = [
            p.theta[j],
            p.spread[j],
            p.theta[j] - _NINETY * sd[j],
            p.theta[j] + _NINETY * sd[j],
        ]
        if name == "resolution":
            values = [np.sign(v) * np.sqrt(abs(v)) for v in values]
        found[name] = tuple(map(float, values))
    # Where the labelled spectra lie on average is no better known.
    e = _NINETY * np.sqrt(p.jitter**2 * (1 / (power * count) + 1 / labelled) + 0.05**2)
    found["shift"] = (p.shift, p.jitter, p.shift - e, p.shift + e)
    found["dose"] = (p.dose, 0.0, p.dose * np.exp(-0.15), p.dose * np.exp(0.15))
    return found


def _log_density(mixture, classes, parameters, state, seeds) -> NDArray:
    """Log densities of drawn spectra, as the target's are computed."""
    share = state.fractions[:-1] / state.fractions[:-1].sum()
    count = np.round(120 * share).astype(int)
    drawn = np.concatenate([
        draw_adapted(c, p, k, s)
        for c, p, k, s in zip(classes, parameters, count, seeds, strict=True) if k
    ])  # fmt: skip
    random = np.random.default_rng(0)
    log = mixture.embedded(drawn[random.permutation(len(drawn))]).expect(state)[0]
    return logsumexp(log, axis=(0, 1))
