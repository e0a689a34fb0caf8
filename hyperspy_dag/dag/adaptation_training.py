# SPDX-License-Identifier: GPL-3.0-or-later
"""Adversarial training of conditions and fractions against unlabelled spectra.

The discriminators of a design see the mixture of the classes' synthetic spectra and the unlabelled
ones. Each is an energy distance on features that it trains, so that its training begins where a
fixed critic ends (Cramér GAN: Bellemare et al., arXiv:1705.10743).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.signal import fftconvolve

from hyperspy_dag._utils.streams import child_stream

from ._tensorflow import tf
from .class_model.latent import LATENT_SIZE, LEVEL, SCORES, SHIFT
from .class_model.model import draw_latent
from .condition_physics import Residue, Resolution, Shift, Tail, Thickness
from .conditions import TensorOperations
from .designs import DESIGNS
from .optimiser import Adam
from .transforms import apply_view

#: Spectra in a step, of either kind; learning rates; weight of the critic's pull towards the
#: components it began at.
_BATCH, _GENERATOR_RATE, _CRITIC_RATE, _PULL = 128, 0.02, 0.01, 10.0

#: Steps of a training.
STEPS = 150

#: Clean spectra of a class that training draws from.
_POOL = 256

#: Corrections: expected height of a bump relative to the maximum, its width in eV, and the part of
#: a class in what classes share.
_CORRECTION, _BUMP, _OWN = 0.02, 2.0, 0.5


def _distances(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    square = tf.reduce_sum(a * a, 1)[:, None] + tf.reduce_sum(b * b, 1)[None]
    return tf.sqrt(tf.maximum(square - 2 * tf.matmul(a, b, transpose_b=True), 1e-9))


def _energy(a: tf.Tensor, weight: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Energy distance of a weighted sample to another one."""
    between = 2 * tf.reduce_sum(weight * tf.reduce_mean(_distances(a, b), axis=1))
    within = tf.reduce_sum(weight[:, None] * weight * _distances(a, a))
    return between - within - tf.reduce_mean(_distances(b, b))


def train_laws(models, laws, fractions, target, components, sigma, design, seed, steps=STEPS):
    """Train conditions, fractions and corrections from where the likelihood fit ends.

    Parameters
    ----------
    models : list of ClassModel
    laws : list of AdaptedLaw
    fractions : array of shape (classes,)
    target : array of shape (n, channels)
    components : array of shape (channels, k)
        Features that the discriminators begin at.
    sigma : array of shape (classes, conditions)
        Standard deviations of the fitted conditions: what training is pulled back with.
    design : str
    seed : int
    steps : int, optional

    Returns
    -------
    list of AdaptedLaw, array of shape (classes,)
    """
    random = np.random.default_rng(seed)
    physics = laws[0].physics
    energies, step_ev, count = physics.energies, physics.dispersion, len(models)
    batch = min(_BATCH, len(target))
    streams = np.random.SeedSequence(seed).spawn(count)
    drawn = [_ingredients(m, _POOL, s) for m, s in zip(models, streams, strict=True)]
    pool = [tuple(tf.constant(a, tf.float32) for a in one) for one in drawn]
    scale = np.minimum(sigma[:, :4], [0.3, 0.3, 0.05, 0.5])
    # Corrections are sums of bumps: what classes share and what each has besides.
    places = np.arange(energies.min(), energies.max() + _BUMP, _BUMP)
    bumps = _CORRECTION * np.exp(-0.5 * ((places[:, None] - energies) / _BUMP) ** 2)
    bumps = tf.constant(bumps, tf.float32)
    move = tf.Variable(tf.zeros((count, 5)))
    weight = tf.Variable(np.log(np.maximum(fractions, 1e-3)).astype("f4"))
    began = tf.constant(np.log(np.maximum(fractions, 1e-3)), tf.float32)
    shared, own = (
        tf.Variable(tf.zeros((1, len(places)))),
        tf.Variable(tf.zeros((count, len(places)))),
    )
    learned = [move, weight, shared, own]
    views = DESIGNS[design].discriminators
    first = tf.constant(components, tf.float32)
    critics = [tf.Variable(first) for _ in views]
    generator_adam = Adam([_Holder(v) for v in learned], 0.5)
    critic_adam = Adam([_Holder(c) for c in critics], 0.5)
    options = {"max_shift": max(1, round(0.01 * target.shape[1])), "max_noise": 0.1}
    per_class = -(-batch // count)
    critic_rate = _CRITIC_RATE * float(np.abs(components).mean())

    def corrections():
        return tf.matmul(shared + _OWN * own, bumps)

    def generate(i, rows, normal):
        clean, level, position, coloured = (tf.gather(a, rows) for a in pool[i])
        law, s, ops = laws[i], models[i], TensorOperations
        theta = law.theta + scale[i] * move[i, :4] + law.spread * normal
        x = Thickness(law.physics.inelastic)(clean, theta[:, 0], ops)
        x = Tail(energies)(x, theta[:, 1], ops)
        x = Resolution(step_ev).of_square(x, theta[:, 3], ops)
        x = Residue(energies, physics.background_end)(x, theta[:, 2], ops)
        x *= ops.maxima(clean) / ops.maxima(x)
        x = Shift(step_ev)(x, law.shift + 0.1 * move[i, 4] + law.jitter * position, ops)
        x += ops.array(law.correction) + corrections()[i]
        variance = s.background.astype("f4") + max(s.intensity, 0.0) * tf.nn.relu(x)
        relative = tf.sqrt(variance / tf.reduce_mean(variance, axis=1, keepdims=True))
        x += (level / np.sqrt(law.dose))[:, None] * coloured * relative
        return x / ops.maxima(x) if s.unit_maximum else x

    @tf.function(autograph=False)
    def step(rows, normal, shown, view_seed, rate):
        with tf.GradientTape(persistent=True) as tape:
            x = tf.concat([generate(i, rows[i], normal[i]) for i in range(count)], 0)
            share = tf.repeat(tf.nn.softmax(weight) / per_class, per_class)
            costs, critic_costs = [], []
            for critic, seen in zip(critics, views, strict=True):
                for number, view in enumerate(seen):
                    a = apply_view(view, x, view_seed + [0, number], **options)
                    b = apply_view(view, shown, view_seed + [1, number], **options)
                    costs.append(_energy(a @ critic, share, b @ critic))
                rest = tf.reduce_sum((critic - first) ** 2) / tf.reduce_sum(first**2)
                critic_costs.append(_PULL * rest)
            cost = tf.add_n(costs) / len(costs)
            critic_cost = tf.add_n(critic_costs) - cost
            effective = 0.5 / len(target)
            prior = tf.add_n([tf.reduce_sum(v**2) for v in (move, weight - began, shared, own)])
            generator_cost = cost + effective * prior
        generator = tape.gradient(generator_cost, learned)
        critic = tape.gradient(critic_cost, critics)
        generator_adam.apply(generator, rate * _GENERATOR_RATE)
        critic_adam.apply(critic, rate * critic_rate)
        return cost

    average = [0.0, 0.0, 0.0]
    for k in range(steps):
        step(
            tf.constant(random.integers(0, _POOL, (count, per_class)), tf.int32),
            tf.constant(random.standard_normal((count, per_class, 4)), tf.float32),
            tf.constant(target[random.choice(len(target), batch, replace=False)], tf.float32),
            tf.constant([seed, 2 * k], tf.int32),
            tf.constant(0.5 * (1 + np.cos(np.pi * k / steps)), tf.float32),
        )
        if k >= steps // 2:
            now = move, tf.nn.softmax(weight), corrections()
            average = [a + b.numpy() for a, b in zip(average, now, strict=True)]
    moved, shares, added = (a / (steps - steps // 2) for a in average)
    trained = [
        replace(
            law,
            theta=law.theta + scale[i] * moved[i, :4],
            shift=float(law.shift + 0.1 * moved[i, 4]),
            correction=law.correction + added[i],
        )
        for i, law in enumerate(laws)
    ]
    return trained, shares


def _ingredients(model, n, seed):
    """Clean spectra, noise levels, standardised shifts and coloured noise of `n` spectra."""
    latent = draw_latent(model, n, LATENT_SIZE, seed)
    random = np.random.default_rng(child_stream(seed, 1))
    white = random.standard_normal((n, len(model.mean) + len(model.kernel) - 1))
    return (
        model.mean + latent[:, SCORES] @ model.basis,
        np.exp(model.level[0] + model.level[1] * latent[:, LEVEL]),
        latent[:, SHIFT],
        fftconvolve(white, model.kernel[None, ::-1], "valid", axes=1),
    )


class _Holder:
    """A variable where :class:`Adam` expects one of Keras."""

    def __init__(self, value: tf.Variable):
        self.value = value
