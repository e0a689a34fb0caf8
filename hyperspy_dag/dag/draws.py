# SPDX-License-Identifier: GPL-3.0-or-later
"""Random numbers at little cost: they are a good part of a training step and of sampling.

TensorFlow's generator makes 32 random bits at a time, on a CPU at about the cost of a hundred
multiplications, and its normal and Poisson laws take several times as long again. Noise does not
need 32 bits: here a word serves two draws, or four. All are functions of their seed alone.

Where the batch is known beforehand, as in sampling, NumPy makes the draws from tables in a fifth of
that time, and a :class:`Supply` brings them into the compiled function in place of a seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from scipy.special import ndtr, ndtri

from ._tensorflow import tf

#: Draws begin at multiples of so many numbers (64 bytes): what begins elsewhere TensorFlow copies.
_ALIGNMENT = 16

#: Draws that are made at a time: their words and indices stay in the processor's cache.
_PIECE = 2**14


class Supply:
    """Draws that are made outside of a compiled function and handed out within it.

    While the function is traced this notes what it wants; :meth:`draw` makes that afterwards, as
    often as the function is called.

    Parameters
    ----------
    draws : tensor of shape (size,), float32
        Of any size while the function is traced; what :meth:`draw` returned when it is called.
    """

    def __init__(self, draws: tf.Tensor):
        self._draws = draws
        self._wanted: list[tuple[Callable, tuple, int, int]] = []
        self._size = 0

    def take(self, shape, law: Callable[..., np.ndarray], *parameters: float) -> tf.Tensor:
        """Return draws of a law, given as the function that makes its table of quantiles."""
        shape = [int(n) for n in tf.get_static_value(tf.convert_to_tensor(shape))]
        begin, count = self._size, math.prod(shape)
        self._size += -(-count // _ALIGNMENT) * _ALIGNMENT
        self._wanted.append((law, parameters, begin, self._size))
        return tf.reshape(self._draws[begin : begin + count], shape)

    def draw(self, seed: np.random.SeedSequence) -> tf.Tensor:
        """Make all that the function wants, tensor of shape (size,)."""
        draws, bits = _aligned(self._size), np.random.SFC64(seed)
        for law, parameters, begin, end in self._wanted:
            table = law(*parameters)
            for i in range(begin, end, _PIECE):
                own = draws[i : min(i + _PIECE, end)]
                words = bits.random_raw(own.size // 4).view(np.uint16)
                # Words are always within the table; this mode needs no copy.
                table.take(words, out=own, mode="clip")
        # The same memory: nobody else holds it, and a copy costs as much as a third of the draws.
        return tf.experimental.dlpack.from_dlpack(draws.__dlpack__())


#: What random numbers come from: an integer tensor of shape (2,), or a supply.
Source: TypeAlias = tf.Tensor | Supply


def batch_size(x: tf.Tensor) -> int | tf.Tensor:
    """First dimension: a number where it is known while the function is traced."""
    return tf.shape(x)[0] if x.shape[0] is None else x.shape[0]


def split(source: Source, count: int) -> list[Source]:
    """Sources that are independent of each other, made of one."""
    if isinstance(source, Supply):
        return [source] * count
    return tf.unstack(tf.random.split(source, count))


def _aligned(size: int) -> np.ndarray:
    """Memory for numbers in single precision that begins where TensorFlow wants it."""
    memory = np.empty(size + _ALIGNMENT, np.float32)
    begin = -(memory.ctypes.data // memory.itemsize) % _ALIGNMENT
    return memory[begin : begin + size]


def _levels() -> np.ndarray:
    """Where the words of a table stand between 0 and 1."""
    return (np.arange(2**16) + 0.5) / 2**16


@lru_cache(maxsize=16)
def _normal_table(stddev: float) -> np.ndarray:
    return np.float32(stddev) * ndtri(_levels()).astype(np.float32)


@lru_cache(maxsize=16)
def _poisson_table(rate: float) -> np.ndarray:
    return np.searchsorted(poisson_thresholds(rate), _levels()).astype(np.float32)


@lru_cache(maxsize=16)
def _poisson_and_normal_table(rate: float, stddev: float) -> np.ndarray:
    """Where the sum's distribution function, a mixture of normal ones, passes the levels."""
    cumulative = np.append(poisson_thresholds(rate), 1.0)
    weights = np.diff(cumulative, prepend=0.0)
    values = np.linspace(-6.0 * stddev, len(weights) + 6.0 * stddev, 2**16)
    function = sum(w * ndtr((values - k) / stddev) for k, w in enumerate(weights))
    return np.interp(_levels(), function, values).astype(np.float32)


@lru_cache(maxsize=16)
def _integer_table(low: int, high: int) -> np.ndarray:
    return (low + np.floor(_levels() * (high - low))).astype(np.float32)


def _words(shape, seed: tf.Tensor) -> tf.Tensor:
    return tf.random.stateless_uniform(shape, seed, None, None, tf.int32)


def _uniform(pairs, seed: tf.Tensor) -> tf.Tensor:
    """2 · `pairs` numbers in the open interval 0 … 1, in steps of 2^-16."""
    halves = tf.bitcast(_words([pairs], seed), tf.uint16)
    return (tf.cast(tf.reshape(halves, [-1]), tf.float32) + 0.5) / 2**16


def normal(shape: tf.Tensor, source: Source, stddev: float = 1.0) -> tf.Tensor:
    """Normal draws around 0, at most 4.9 `stddev` (Box and Muller 1958), or 4.3 from a supply.

    Parameters
    ----------
    shape : integer tensor
    source : integer tensor of shape (2,) or Supply
    stddev : float, default 1.0
        Standard deviation.
    """
    if isinstance(source, Supply):
        return source.take(shape, _normal_table, stddev)
    count = tf.reduce_prod(shape)
    radius, angle = tf.split(_uniform((count + 1) // 2, source), 2)
    radius, angle = tf.sqrt(-2.0 * tf.math.log(radius)), 2.0 * np.pi * angle
    draws = tf.concat([radius * tf.cos(angle), radius * tf.sin(angle)], 0)
    return stddev * tf.reshape(draws[:count], shape)


def poisson_thresholds(rate: float) -> list[float]:
    """Cumulative probabilities of a Poisson law, as far as :func:`poisson` resolves them."""
    probability = total = math.exp(-rate)
    thresholds = [total]
    count = 0
    while 1.0 - total > 2**-17:
        count += 1
        probability *= rate / count
        total += probability
        thresholds.append(total)
    return thresholds


def integers(shape: tf.Tensor, low: int, high: int, source: Source) -> tf.Tensor:
    """Whole numbers of low … high - 1, all as probable, as int32.

    Parameters
    ----------
    shape : integer tensor
    low, high : int
    source : integer tensor of shape (2,) or Supply
    """
    if isinstance(source, Supply):
        return tf.cast(source.take(shape, _integer_table, low, high), tf.int32)
    return tf.random.stateless_uniform(shape, source, low, high, dtype=tf.int32)


def poisson(shape: tf.Tensor, rate: float, source: Source) -> tf.Tensor:
    """Poisson draws of a small rate, as float32.

    The number of cumulative probabilities below a uniform draw is Poisson distributed; as many
    comparisons are made as the law has probable values.

    Parameters
    ----------
    shape : integer tensor
    rate : float
    source : integer tensor of shape (2,) or Supply
    """
    if isinstance(source, Supply):
        return source.take(shape, _poisson_table, rate)
    count = tf.reduce_prod(shape)
    uniform = _uniform((count + 1) // 2, source)
    draws = 0.0
    for threshold in poisson_thresholds(rate):
        draws += tf.cast(uniform > threshold, tf.float32)
    return tf.reshape(draws[:count], shape)


def poisson_and_normal(shape: tf.Tensor, rate: float, stddev: float, source: Supply) -> tf.Tensor:
    """Sums of a Poisson and a normal draw, each looked up at once.

    Parameters
    ----------
    shape : integer tensor
    rate : float
        Of the Poisson law.
    stddev : float
        Of the normal law, above 0.
    source : Supply
    """
    return source.take(shape, _poisson_and_normal_table, rate, stddev)


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
