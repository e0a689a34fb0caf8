# SPDX-License-Identifier: GPL-3.0-or-later
"""The generators' forward pass in NumPy: what is drawn from a fitted class needs no TensorFlow.

A network is a list of layers, each with the shapes of its weights in Keras' order, which is the
order of files. The networks that are trained are those of :mod:`~hyperspy_dag.dag.networks`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.signal import fftconvolve
from scipy.special import ndtri, pdtr

from .architectures import (
    CONVOLUTION_SIZE,
    GAUSSIAN_STDDEV,
    LAST_POISSON_RATE,
    Architecture,
    GeneratorBranches,
    PublishedBranches,
)
from .class_model.latent import LEVEL, MAX_COMPONENTS, SCORES, SHIFT
from .class_model.model import ClassModel
from .class_model.noise import KERNEL_SIZE
from .class_model.shift import fourier_shift
from .recipes import Recipe

#: Spectra that are measured at a time: what that needs stays in the processor's cache.
_PIECE = 64

#: Source of noise; None draws without.
Random = np.random.Generator | None


class Layer(NamedTuple):
    """A layer of a network.

    Attributes
    ----------
    call : callable
        ``call(x, random, *weights)``; may write into `x`.
    shapes : tuple of tuple of int
        Of the weights.
    """

    call: Callable[..., NDArray[np.float32]]
    shapes: tuple[tuple[int, ...], ...] = ()


def generate(
    latent: NDArray[np.float32],
    weights: Sequence[NDArray],
    channels: int,
    architecture: Architecture,
    recipe: Recipe,
    random: Random,
    conditions: Callable[..., NDArray] | None = None,
    dose: NDArray | float = 1.0,
    **options: float,
) -> NDArray[np.float32]:
    """Turn latent vectors into spectra of shape (n, channels).

    Parameters
    ----------
    latent : array of shape (n, latent_size), float32
    weights : sequence of array
        Of the generator, shapes as of :func:`weight_shapes`.
    channels : int
    architecture : Architecture
    recipe : Recipe
    random : numpy.random.Generator or None
        None gives the spectra without noise.
    conditions : callable, optional
        Of a physical recipe: ``conditions(clean, rows)`` returns clean spectra under conditions.
    dose : float or array of shape (n, 1), default 1.0
    **options
        ``jitter`` of a physical recipe, see :func:`measure`.
    """
    values = iter(weights)
    instrument: dict[str, Any] = {n: next(values) for n in _instrument_shapes(channels, recipe)}
    body = list(values)
    if recipe.physical and not any(weight.any() for weight in body):
        # Nothing was trained: there is nothing to correct.
        x = np.zeros((len(latent), MAX_COMPONENTS), np.float32)
    else:
        values, x = iter(body), latent
        for layer in _body(channels, architecture, recipe):
            x = layer.call(x, random, *(next(values) for _ in layer.shapes))
    if not recipe.physical:
        return x
    parts = []
    for i in range(0, len(x), _PIECE):
        rows = slice(i, i + _PIECE)
        own = None if conditions is None else partial(conditions, rows=rows)
        share = dose[rows] if isinstance(dose, np.ndarray) else dose
        more = options | {"conditions": own, "dose": share}
        parts.append(measure(latent[rows], x[rows], random, **instrument | more))
    return np.concatenate(parts)


def weight_shapes(
    channels: int, architecture: Architecture, recipe: Recipe
) -> list[tuple[int, ...]]:
    """Return the shapes of a generator's weights, in the order of files."""
    body = (shape for layer in _body(channels, architecture, recipe) for shape in layer.shapes)
    return [*_instrument_shapes(channels, recipe).values(), *body]


def untrained_weights(
    model: ClassModel, channels: int, architecture: Architecture, recipe: Recipe
) -> list[NDArray[np.float32]]:
    """Return weights with which a generator is the statistical model, and its body does nothing."""
    own = [np.array(getattr(model, n), np.float32) for n in _instrument_shapes(channels, recipe)]
    shapes = weight_shapes(channels, architecture, recipe)
    return own + [np.zeros(shape, np.float32) for shape in shapes[len(own) :]]


def measure(
    latent: NDArray[np.float32],
    correction: NDArray[np.float32],
    random: Random,
    *,
    level: NDArray,
    intensity: NDArray,
    mean: NDArray,
    basis: NDArray,
    kernel: NDArray,
    background: NDArray,
    unit_maximum: NDArray,
    jitter: NDArray | float,
    dose: NDArray | float = 1.0,
    conditions: Callable[[NDArray], NDArray] | None = None,
) -> NDArray[np.float32]:
    """Make clean spectra and measure them: energy shift, noise, maximum 1.

    Parameters
    ----------
    latent : array of shape (n, latent_size)
        Scores, energy shift and logarithm of the noise level, standardised; then free ones.
    correction : array of shape (n, MAX_COMPONENTS) or (n, channels)
        Of the scores, or of the clean spectra.
    random : numpy.random.Generator or None
    level, intensity, mean, basis, kernel, background, unit_maximum
        Attributes of :class:`.class_model.model.ClassModel`.
    jitter : float
        Root mean square of the energy shift in channels.
    dose : float, default 1.0
        Relative to the training spectra's; noise goes with its inverse square root.
    conditions : callable, optional
        Acts on the clean spectra.
    """
    scores, position, own_level = latent[:, SCORES], latent[:, SHIFT], latent[:, LEVEL, None]
    if correction.shape == scores.shape:
        clean = mean + (scores + correction) @ basis
    else:
        clean = mean + scores @ basis + correction
    if conditions is not None:
        clean = conditions(clean).astype(np.float32)
    spectra: NDArray[Any] = fourier_shift(clean, jitter * position)
    if random is not None:
        size = len(spectra), spectra.shape[1] + KERNEL_SIZE - 1
        white = random.standard_normal(size, np.float32)
        noise = fftconvolve(white, kernel[None, ::-1], mode="valid", axes=1)
        variance = background + np.maximum(intensity, 0) * np.maximum(spectra, 0)
        variance /= variance.mean(axis=1, keepdims=True)
        noise *= np.sqrt(variance, out=variance)
        noise *= np.exp(level[0] + level[1] * own_level) * dose**-0.5
        spectra += noise
    if unit_maximum > 0:
        spectra /= spectra.max(axis=1, keepdims=True)
    return spectra


def _instrument_shapes(channels: int, recipe: Recipe) -> dict[str, tuple[int, ...]]:
    """Shapes of a physical recipe's weights beside the body's, those that are trained first."""
    if not recipe.physical:
        return {}
    return {
        "jitter": (),
        "level": (2,),
        "intensity": (),
        "mean": (channels,),
        "basis": (MAX_COMPONENTS, channels),
        "kernel": (KERNEL_SIZE,),
        "background": (channels,),
        "unit_maximum": (),
    }


def _body(channels: int, architecture: Architecture, recipe: Recipe) -> Iterator[Layer]:
    """Layers from latent vectors to spectra, or to what a physical model is corrected by."""
    table, slope = architecture.generator, architecture.leaky_slope
    if not isinstance(table, GeneratorBranches):
        outputs = MAX_COMPONENTS if recipe.physical else channels
        yield from _dense_layers([architecture.latent_size, *table, outputs], slope)
        return
    branches, filters = table.branches, table.convolution_filters
    published = isinstance(table, PublishedBranches)
    widths = [architecture.latent_size] * published + table.widths(channels)
    width, last = widths[-1], len(widths) - 1
    inputs = architecture.latent_size
    for i, units in enumerate(widths):
        if filters and i:
            outputs = filters if i < last else 1
            yield _convolution(branches, filters, outputs)
        else:
            units = width * filters if filters else units
            yield _dense((branches, inputs, units), (branches, 1, units))
            inputs = units
        yield _leaky(slope)
        if filters and i == 0:
            yield _reshape(branches, -1, width, filters)
        if i in table.noisy_layers:
            yield _poisson(table.poisson_rate(i), refined=recipe.physical)
            yield _gaussian(trainable=recipe.physical)
    yield _reshape(branches, -1, width)
    if published:
        yield _block_translation(branches)
    else:
        yield _translation(table.max_shift(channels), per_spectrum=recipe.physical)
    yield Layer(lambda x, random: np.concatenate(x, axis=1))
    hidden = [branches * width, *[channels] * table.join_layers]
    if not published:
        yield from _dense_layers([*hidden, channels], slope)
        return
    yield from _dense_layers(hidden, slope)
    yield _leaky(slope)
    yield _poisson(LAST_POISSON_RATE, refined=False)
    yield _block_translation(1)
    yield _dense((channels, channels), (channels,))
    yield Layer(lambda x, random: np.tanh(x, out=x))


def _dense_layers(widths: list[int], slope: float) -> Iterator[Layer]:
    """Dense layers with leaky rectifiers in between."""
    for i, (inputs, outputs) in enumerate(pairwise(widths)):
        if i:
            yield _leaky(slope)
        yield _dense((inputs, outputs), (outputs,))


def _dense(*shapes: tuple[int, ...]) -> Layer:
    """Dense layer, or one in each of several branches."""

    def call(x, random, kernel, bias):
        y = x @ kernel
        y += bias
        return y

    return Layer(call, shapes)


def _convolution(branches: int, inputs: int, outputs: int) -> Layer:
    """1-D convolution along the energy axis in each branch, edges zero-padded."""
    half = CONVOLUTION_SIZE // 2

    def call(x, random, kernel, bias):
        padded = np.pad(x, ((0, 0), (0, 0), (half, half), (0, 0)))
        windows = sliding_window_view(padded, CONVOLUTION_SIZE, axis=2).swapaxes(3, 4)
        # One branch at a time: the windows are several times as large as what is in them.
        products = [w.reshape(-1, k.shape[0]) @ k for w, k in zip(windows, kernel, strict=True)]
        return (np.stack(products) + bias).reshape(*x.shape[:3], outputs)

    size = CONVOLUTION_SIZE * inputs
    return Layer(call, ((branches, size, outputs), (branches, 1, outputs)))


def _leaky(slope: float) -> Layer:
    return Layer(lambda x, random: np.maximum(x, slope * x, out=x))


def _reshape(*shape: int) -> Layer:
    return Layer(lambda x, random: x.reshape(shape))


def _poisson(rate: float, refined: bool) -> Layer:
    """Poisson noise as published, or zero-centred with a trained amplitude."""

    def call(x, random, amplitude=1.0):
        if random is None:
            return x if refined else x + rate
        counts = _looked_up(_poisson_quantiles(rate), x.shape, random)
        x += amplitude * (counts - rate) if refined else counts
        return x

    return Layer(call, ((),) if refined else ())


def _gaussian(trainable: bool) -> Layer:
    def call(x, random, amplitude=GAUSSIAN_STDDEV):
        if random is not None:
            x += amplitude * _looked_up(_normal_quantiles(), x.shape, random)
        return x

    return Layer(call, ((),) if trainable else ())


def _looked_up(
    quantiles: NDArray[np.float32], shape: tuple[int, ...], random: np.random.Generator
) -> NDArray[np.float32]:
    """Draw from a law's quantiles: a fifth of the time of NumPy's own draws, with 16 random bits.

    The spectra's own noise is drawn in full; noise within a network needs no long tails.
    """
    return quantiles.take(random.integers(2**16, size=shape, dtype=np.uint16))


#: Where the quantiles stand between 0 and 1.
_LEVELS = (np.arange(2**16) + 0.5) / 2**16


@lru_cache(maxsize=1)
def _normal_quantiles() -> NDArray[np.float32]:
    return ndtri(_LEVELS).astype(np.float32)


@lru_cache(maxsize=8)
def _poisson_quantiles(rate: float) -> NDArray[np.float32]:
    return np.searchsorted(pdtr(np.arange(100), rate), _LEVELS).astype(np.float32)


def _translation(max_shift: int, per_spectrum: bool) -> Layer:
    """Shift by whole channels, edges held: each spectrum of each branch by itself, or all alike."""

    def call(x, random):
        if random is None:
            return x
        size = x.shape[:-1] if per_spectrum else (1,) * (x.ndim - 1)
        shift = random.integers(-max_shift, max_shift + 1, size)
        index = np.arange(x.shape[-1]) - shift[..., None]
        return np.take_along_axis(x, index.clip(0, x.shape[-1] - 1), axis=-1)

    return Layer(call)


def _block_translation(count: int) -> Layer:
    """Shift by as many channels as were drawn for the network: see ``published.translate``.

    Each spectrum goes left or right by itself; in training a whole batch does.
    """

    def call(x, random, sizes):
        if random is None:
            return x
        channels = x.shape[-1]
        for part, size in zip(x.reshape(count, -1, channels), sizes.astype(int), strict=True):
            right = random.random(len(part)) < 0.5
            part[right] = part[right][:, np.r_[:size, : channels - size]]
            part[~right] = part[~right][:, np.r_[size:channels, channels - size : channels]]
        return x

    return Layer(call, ((count,),))
