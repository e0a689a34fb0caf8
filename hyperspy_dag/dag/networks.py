# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks built from the tables of :mod:`hyperspy_dag.dag.architectures`.

Every network is a pure function of its inputs and a seed; initial weights come from seeds too,
and are drawn by NumPy: the same in every process, whatever was trained before.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from . import draws
from ._tensorflow import keras, tf
from .architectures import CONVOLUTION_SIZE, GAUSSIAN_STDDEV, DiscriminatorBranch, layer_width
from .layers import GaussianNoise, MinibatchDiscrimination, PoissonNoise, Translation


def glorot(*shape: int) -> float:
    """Limit of an ordinary kernel of shape (…, inputs, outputs): Glorot & Bengio, AISTATS 2010."""
    *window, inputs, outputs = shape
    return np.sqrt(6.0 / (math.prod(window) * (inputs + outputs)))


def nearly_zero(*shape: int) -> float:
    """Limit of a kernel that refines what is good already.

    Larger starting weights destroy the statistical start before training can use it; exact
    zeros would keep the gradient from the layers before.
    """
    return 2e-5


def _short(x: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.convert_to_tensor(x), tf.bfloat16)


class MixedDense(keras.layers.Dense):
    """A dense layer whose product is made in bfloat16 (Micikevicius et al., ICLR 2018)."""

    def call(self, inputs, training=None):
        """(n, inputs) to (n, units), in single precision."""
        product = tf.matmul(_short(inputs), _short(self.kernel))
        return tf.cast(product, tf.float32) + tf.convert_to_tensor(self.bias)


class MixedConvolution(keras.layers.Conv1D):
    """A convolution whose products are made in bfloat16."""

    def call(self, inputs):
        """(n, channels, inputs) to (n, strided channels, filters), in single precision."""
        product = tf.nn.conv1d(_short(inputs), _short(self.kernel), self.strides[0], "SAME")
        return tf.cast(product, tf.float32) + tf.convert_to_tensor(self.bias)


class Initialisers:
    """Makes the layers of one network, and draws their initial weights for each class anew.

    They are drawn into the layers that are there: a new network for each class would take seconds
    among them, and Keras never gives back all of its memory. All kernels start uniform in
    -limit … limit, all else where it was when the network was made.

    Parameters
    ----------
    mixed_precision : bool, default False
        Whether the layers multiply in bfloat16; all else stays in single precision, weights and
        sums among it.
    """

    def __init__(self, mixed_precision: bool = False) -> None:
        self.mixed_precision = mixed_precision
        self._limits: list[tuple[keras.layers.Layer, Callable[..., float]]] = []
        self._constants: list[tuple[keras.Variable, np.ndarray]] | None = None

    def layer(self, layer: keras.layers.Layer, limit: Callable[..., float]) -> keras.layers.Layer:
        """Return a layer whose kernel starts below ``limit(*shape)`` in size."""
        self._limits.append((layer, limit))
        return layer

    def dense(self, units: int, limit: Callable[..., float] = glorot) -> keras.layers.Dense:
        """Return a dense layer."""
        kind = MixedDense if self.mixed_precision else keras.layers.Dense
        return self.layer(kind(units, kernel_initializer="zeros"), limit)

    def convolution(self, filters: int, size: int, strides: int = 1) -> keras.layers.Conv1D:
        """Return a 1-D convolution along the energy axis."""
        kind = MixedConvolution if self.mixed_precision else keras.layers.Conv1D
        convolution = kind(
            filters,
            size,
            strides=strides,
            padding="same",
            data_format="channels_last",  # the default is a preference of the user
            kernel_initializer="zeros",
        )
        return self.layer(convolution, glorot)

    def draw(self, model: keras.Model, seed: np.random.SeedSequence) -> None:
        """Draw the initial weights of the network, which is new when this is called first."""
        if self._constants is None:
            kernels = {id(layer.kernel) for layer, _ in self._limits}
            self._constants = [(v, v.numpy()) for v in model.weights if id(v) not in kernels]
        for variable, value in self._constants:
            variable.assign(value)
        random = np.random.default_rng(seed)
        for layer, limit in self._limits:
            shape = layer.kernel.shape
            drawn = random.random(shape, dtype=np.float32)
            layer.kernel.assign(np.float32(limit(*shape)) * (2.0 * drawn - 1.0))


class Composite(keras.layers.Layer):
    """A layer made of others, which build themselves at its first call.

    Keras would otherwise trace the whole call first, to find out what to build.
    """

    def build(self, *input_shapes):
        """Nothing of its own."""


class BranchDense(keras.layers.Layer):
    """A dense layer in each of several parallel branches, as one batched product.

    Parameters
    ----------
    units : int
        Per branch.
    initialisers : Initialisers
    """

    def __init__(self, units: int, initialisers: Initialisers):
        super().__init__()
        self.units = units
        self.mixed_precision = initialisers.mixed_precision
        # Glorot's width is that of one branch's own layer.
        initialisers.layer(self, lambda _, *shape: glorot(*shape))

    def build(self, input_shape):
        branches, _, size = input_shape
        self.kernel = self.add_weight(
            name="kernel", shape=(branches, size, self.units), initializer="zeros"
        )
        self.bias = self.add_weight(
            name="bias", shape=(branches, 1, self.units), initializer="zeros"
        )

    def call(self, x):
        """(branches, n, size) to (branches, n, units)."""
        kernel = tf.convert_to_tensor(self.kernel)
        if self.mixed_precision:
            product = tf.cast(tf.matmul(_short(x), _short(kernel)), tf.float32)
        else:
            product = tf.matmul(x, kernel)
        return product + tf.convert_to_tensor(self.bias)


class BranchConvolution(Composite):
    """A 1-D convolution along the energy axis in each of several parallel branches.

    Parameters
    ----------
    filters : int
    size : int
        Channels, odd; edges are zero-padded.
    initialisers : Initialisers
    """

    def __init__(self, filters: int, size: int, initialisers: Initialisers):
        super().__init__()
        self.size = size
        self.dense = BranchDense(filters, initialisers)

    def call(self, x):
        """(branches, n, width, filters) to (branches, n, width, filters of this layer)."""
        branches, width, half = x.shape[0], x.shape[2], self.size // 2
        padded = tf.pad(x, [[0, 0], [0, 0], [half, half], [0, 0]])
        shifted = [padded[:, :, i : i + width] for i in range(self.size)]
        patches = tf.reshape(tf.concat(shifted, axis=3), [branches, -1, self.size * x.shape[3]])
        return tf.reshape(self.dense(patches), [branches, -1, width, self.dense.units])


def branch_stages(
    widths: list[int], filters: int, initialisers: Initialisers
) -> list[BranchDense | BranchConvolution]:
    """Layers of parallel branches: dense ones, or convolutions after the first if `filters`."""
    if not filters:
        return [BranchDense(units, initialisers) for units in widths]
    first = BranchDense(widths[-1] * filters, initialisers)
    outputs = [filters] * (len(widths) - 2) + [1]
    return [first, *(BranchConvolution(n, CONVOLUTION_SIZE, initialisers) for n in outputs)]


class BranchedBody(Composite):
    """Generator body of the paper's architectures under a physical recipe.

    Parallel branches of layer, activation, Poisson noise, Gaussian noise, repeated, with a
    translation at the end; joined along the energy axis; dense layers to the spectrum. The noise
    is zero-centred and of trainable amplitude, and the output starts near zero.

    Parameters
    ----------
    channels : int
    table : GeneratorBranches
    slope : float
        Of the leaky rectifiers.
    initialisers : Initialisers
    """

    corrects_scores = False

    def __init__(self, channels, table, slope, initialisers):
        super().__init__()
        self.slope = slope
        self.branches = table.branches
        self.filters = table.convolution_filters
        widths = table.widths(channels)
        self.width = widths[-1]
        self.stages = []
        self.noises: list[list[keras.layers.Layer]] = []
        for i, stage in enumerate(branch_stages(widths, self.filters, initialisers)):
            self.stages.append(stage)
            self.noises.append(
                [PoissonNoise(table.poisson_rate(i)), GaussianNoise(GAUSSIAN_STDDEV)]
                if i in table.noisy_layers
                else []
            )
        self.translation = Translation(table.max_shift(channels))
        self.join = [initialisers.dense(channels) for _ in range(table.join_layers)]
        self.output_layer = initialisers.dense(channels, nearly_zero)

    def call(self, latent, seed, noise=True):
        """Return spectra of shape (n, channels)."""
        seeds = iter(tf.unstack(tf.random.split(seed, 1 + sum(map(len, self.noises)))))
        n = tf.shape(latent)[0]
        x = tf.repeat(latent[None], self.branches, axis=0)
        for i, (stage, noises) in enumerate(zip(self.stages, self.noises, strict=True)):
            x = tf.nn.leaky_relu(stage(x), self.slope)
            if self.filters and i == 0:
                x = tf.reshape(x, [self.branches, n, self.width, self.filters])
            for layer in noises:
                x = layer(x, seed=next(seeds), noise=noise)
        # Each branch of each spectrum moves by itself.
        x = tf.reshape(x, [self.branches * n, self.width])
        x = self.translation(x, seed=next(seeds), noise=noise)
        x = tf.transpose(tf.reshape(x, [self.branches, n, self.width]), [1, 0, 2])
        x = tf.reshape(x, [n, self.branches * self.width])
        for layer in self.join:
            x = tf.nn.leaky_relu(layer(x), self.slope)
        return self.output_layer(x)


class CompactBody(Composite):
    """A small dense network.

    Before a physical model it corrects the scores of the components and starts nearly at zero;
    by itself it makes the spectrum.

    Parameters
    ----------
    outputs : int
        Scores or channels.
    widths : tuple of int
    slope : float
        Of the leaky rectifiers.
    starts_at_zero : bool
    initialisers : Initialisers
    """

    def __init__(self, outputs, widths, slope, starts_at_zero, initialisers):
        super().__init__()
        self.corrects_scores = starts_at_zero
        self.slope = slope
        self.hidden = [initialisers.dense(units) for units in widths]
        self.output_layer = initialisers.dense(outputs, nearly_zero if starts_at_zero else glorot)

    def call(self, latent, seed=None, noise=True):
        """Return numbers of shape (n, outputs)."""
        x = latent
        for layer in self.hidden:
            x = tf.nn.leaky_relu(layer(x), self.slope)
        return self.output_layer(x)


class _DiscriminatorBranch(Composite):
    def __init__(self, channels, table: DiscriminatorBranch, slope, initialisers):
        super().__init__()
        self.slope = slope
        self.dropout = table.dropout
        self.convolutions = [
            initialisers.convolution(filters, 7, strides=3) for filters in table.convolution_filters
        ]
        self.dense = [initialisers.dense(layer_width(f, channels)) for f in table.layers]
        self.dense_after = [
            initialisers.dense(layer_width(f, channels)) for f in table.layers_after
        ]
        self.minibatch = None
        if table.kernels:
            self.minibatch = initialisers.layer(
                MinibatchDiscrimination(table.kernels, table.dims), glorot
            )

    def call(self, x, seed, groups=1):
        factors = self.dropout_factors(tf.shape(x)[0], seed)
        x = self.convolve(x)
        for layer, factor in zip(self.dense, factors, strict=False):
            x = factor * tf.nn.leaky_relu(layer(x), self.slope)
        return self.compare(x, factors, groups)

    def dropout_factors(self, n, seed) -> list[tf.Tensor]:
        """Of each dense layer, of shape (n, units)."""
        sizes = [layer.units for layer in (*self.dense, *self.dense_after)]
        return draws.dropout_factors(n, sizes, self.dropout, seed)

    def convolve(self, x):
        """(n, channels) to (n, features)."""
        if not self.convolutions:
            return x
        x = x[:, :, None]
        for layer in self.convolutions:
            x = tf.nn.leaky_relu(layer(x), self.slope)
        return tf.reshape(x, [-1, x.shape[1] * x.shape[2]])

    def compare(self, x, factors, groups):
        """Minibatch discrimination, and the layers after it."""
        if self.minibatch is not None:
            x = self.minibatch(x, groups=groups)
        for layer, factor in zip(self.dense_after, factors[len(self.dense) :], strict=True):
            x = factor * tf.nn.leaky_relu(layer(x), self.slope)
        return x


class Discriminator(Composite, keras.Model):
    """Branches ending in minibatch discrimination, joined into one unit; returns its logit.

    Parameters
    ----------
    channels : int
    branches : tuple of DiscriminatorBranch
    slope : float
    initialisers : Initialisers
    """

    def __init__(self, channels, branches, slope, initialisers):
        super().__init__()
        self.branches = [
            _DiscriminatorBranch(channels, table, slope, initialisers) for table in branches
        ]
        self.unit = initialisers.dense(1)
        # What the spectra are standardised with; 0 and 1 leave them as they are.
        self.centre = self.add_weight(
            name="centre", shape=(channels,), initializer="zeros", trainable=False
        )
        self.scale = self.add_weight(
            name="scale", shape=(channels,), initializer="ones", trainable=False
        )

    def call(self, spectra, seed, groups=1):
        """Return logits of shape (n,); the batch holds `groups` minibatches of equal size."""
        x = (spectra - self.centre.value) / self.scale.value
        seeds = self.seeds_of(seed)
        parts = [b(x, seed=s, groups=groups) for b, s in zip(self.branches, seeds, strict=True)]
        return self.unit(tf.concat(parts, axis=1))[:, 0]

    def seeds_of(self, seed) -> list[tf.Tensor]:
        """One for each branch."""
        return [seed + [0, i] for i in range(len(self.branches))]
