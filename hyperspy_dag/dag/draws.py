# SPDX-License-Identifier: GPL-3.0-or-later
"""Random numbers at little cost: they are a good part of a training step.

TensorFlow's generator makes 32 random bits at a time, on a CPU at about the cost of a hundred
multiplications, and its normal and Poisson laws take several times as long again. Noise does not
need 32 bits: here a word serves two draws, or four. All are functions of their seed alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.special import ndtr, pdtr

from ._tensorflow import tf


def _words(shape, seed: tf.Tensor) -> tf.Tensor:
    return tf.random.stateless_uniform(shape, seed, None, None, tf.int32)


def _uniform(pairs, seed: tf.Tensor) -> tf.Tensor:
    """2 · `pairs` numbers in the open interval 0 … 1, in steps of 2^-16."""
    halves = tf.bitcast(_words([pairs], seed), tf.uint16)
    return (tf.cast(tf.reshape(halves, [-1]), tf.float32) + 0.5) / 2**16


def normal(shape: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Standard normal draws, at most 4.9 (Box and Muller 1958).

    Parameters
    ----------
    shape : integer tensor
    seed : integer tensor of shape (2,)
    """
    count = tf.reduce_prod(shape)
    radius, angle = tf.split(_uniform((count + 1) // 2, seed), 2)
    radius, angle = tf.sqrt(-2.0 * tf.math.log(radius)), 2.0 * np.pi * angle
    draws = tf.concat([radius * tf.cos(angle), radius * tf.sin(angle)], 0)
    return tf.reshape(draws[:count], shape)


def poisson(shape: tf.Tensor, rate: float, seed: tf.Tensor) -> tf.Tensor:
    """Poisson draws of a small rate, as float32.

    The number of cumulative probabilities below a uniform draw is Poisson distributed; as many
    comparisons are made as the law has probable values.

    Parameters
    ----------
    shape : integer tensor
    rate : float
    seed : integer tensor of shape (2,)
    """
    count = tf.reduce_prod(shape)
    uniform = _uniform((count + 1) // 2, seed)
    draws: tf.Tensor = 0.0
    cumulative = pdtr(np.arange(100), rate)
    for threshold in cumulative[cumulative < 1 - 2**-17]:
        draws += tf.cast(uniform > threshold, tf.float32)
    return tf.reshape(draws[:count], shape)


@lru_cache(maxsize=2)
def _poisson_and_normal_quantiles(rate: float, stddev: float) -> np.ndarray:
    """Where the sum's distribution function, a mixture of normal ones, passes 2^16 levels."""
    cumulative = pdtr(np.arange(100), rate)
    below = cumulative[: np.count_nonzero(cumulative < 1 - 2**-17) + 1]
    weights = np.diff(np.append(below, 1.0), prepend=0.0)
    values = np.linspace(-6.0 * stddev, len(weights) + 6.0 * stddev, 2**16)
    function = sum(w * ndtr((values - k) / stddev) for k, w in enumerate(weights))
    return np.interp((np.arange(2**16) + 0.5) / 2**16, function, values).astype(np.float32)


def poisson_and_normal(shape: tf.Tensor, rate: float, stddev: float, seed: tf.Tensor) -> tf.Tensor:
    """Sums of a Poisson and a normal draw, each looked up at once.

    Parameters
    ----------
    shape : integer tensor
    rate : float
        Of the Poisson law.
    stddev : float
        Of the normal law, above 0.
    seed : integer tensor of shape (2,)
    """
    count = tf.reduce_prod(shape)
    words = tf.reshape(tf.bitcast(_words([(count + 1) // 2], seed), tf.uint16), [-1])
    table = tf.constant(_poisson_and_normal_quantiles(rate, stddev))
    return tf.reshape(tf.gather(table, tf.cast(words[:count], tf.int32)), shape)


def dropout_factors(n, sizes: Sequence[int], rate: float, seed: tf.Tensor) -> list[tf.Tensor]:
    """What dropout multiplies the units of several layers by: 0, or a constant above 1.

    One draw for all layers, of a byte for each unit. The rate is rounded to 256ths, and the
    constant is that of the rounded rate.

    Parameters
    ----------
    n : int or tensor
        Spectra.
    sizes : sequence of int
        Units of each layer.
    rate : float
        Fraction that is dropped.
    seed : integer tensor of shape (2,)

    Returns
    -------
    list of tensor of shape (n, size)
    """
    dropped = round(256 * rate)
    if not dropped:
        return [tf.ones([1, 1])] * len(sizes)
    total = sum(sizes)
    draws = tf.bitcast(_words([n, -(-total // 4)], seed), tf.uint8)
    draws = tf.reshape(draws, [n, -1])[:, :total]
    kept = tf.split(draws >= dropped, list(sizes), axis=1)
    return [tf.cast(k, tf.float32) * (256 / (256 - dropped)) for k in kept]
