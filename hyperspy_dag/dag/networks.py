# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks built from the tables of :mod:`hyperspy_dag.dag.architectures`.

Every network is a pure function of its inputs and a seed; initial weights come from seeds too.
"""

from __future__ import annotations

import numpy as np

from ._tensorflow import keras, tf
from .architectures import DiscriminatorBranch
from .draws import dropout_factors
from .layers import GaussianNoise, MinibatchDiscrimination, PoissonNoise, Translation

#: Published noise of the generator's branches: Poisson rate after hidden layers and before the
#: branch's end, Gaussian standard deviation (del-Pozo-Bueno et al. 2024).
POISSON_RATE, LAST_POISSON_RATE, GAUSSIAN_STDDEV = 0.5, 0.15, 0.15

#: A branch with fewer units than this could not carry a spectrum's shape.
_SMALLEST_LAYER = 4


class Initialisers:
    """Seeds for the initial weights of one network, one after the other.

    Parameters
    ----------
    seed : numpy.random.SeedSequence
    """

    def __init__(self, seed: np.random.SeedSequence):
        self._random = np.random.default_rng(seed)

    def integer(self) -> int:
        """Return a seed for the next layer."""
        return int(self._random.integers(2**31 - 1))

    def glorot(self) -> keras.initializers.Initializer:
        """Return the initialiser of an ordinary layer."""
        return keras.initializers.GlorotUniform(seed=self.integer())

    def nearly_zero(self) -> keras.initializers.Initializer:
        """Return the initialiser of a layer that refines what is good already.

        Larger starting weights destroy the statistical start before training can use it; exact
        zeros would keep the gradient from the layers before.
        """
        return keras.initializers.RandomNormal(stddev=1e-5, seed=self.integer())

    def dense(self, units: int, kernel=None) -> keras.layers.Dense:
        """Return a dense layer."""
        return keras.layers.Dense(units, kernel_initializer=kernel or self.glorot())

    def convolution(self, filters: int, size: int, strides: int = 1) -> keras.layers.Conv1D:
        """Return a 1-D convolution along the energy axis."""
        return keras.layers.Conv1D(
            filters, size, strides=strides, padding="same", kernel_initializer=self.glorot()
        )


def _width(fraction: float, of: int) -> int:
    return max(_SMALLEST_LAYER, round(fraction * of))


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
        self.seed = initialisers.integer()

    def build(self, input_shape):
        branches, _, size = input_shape
        # Glorot's width is that of one branch's own layer.
        limit = np.sqrt(6.0 / (size + self.units))
        uniform = keras.initializers.RandomUniform(-limit, limit, seed=self.seed)
        self.kernel = self.add_weight(
            name="kernel", shape=(branches, size, self.units), initializer=uniform
        )
        self.bias = self.add_weight(
            name="bias", shape=(branches, 1, self.units), initializer="zeros"
        )

    def call(self, x):
        """(branches, n, size) to (branches, n, units)."""
        return tf.matmul(x, tf.convert_to_tensor(self.kernel)) + tf.convert_to_tensor(self.bias)


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


class BranchedBody(Composite):
    """Generator body of the paper's architectures: latent vector to spectrum.

    Parallel branches of layer, activation, Poisson noise, Gaussian noise, repeated, with a
    translation at the end; joined along the energy axis; dense layers to the spectrum.

    Parameters
    ----------
    channels : int
    table : GeneratorBranches
    slope : float
        Of the leaky rectifiers.
    paper_noise : bool
        Fixed noise layers as published; otherwise zero-centred noise of trainable amplitude, and
        an output that starts near zero.
    initialisers : Initialisers
    """

    corrects_scores = False

    def __init__(self, channels, table, slope, paper_noise, initialisers):
        super().__init__()
        self.slope = slope
        self.branches = table.branches
        self.filters = table.convolution_filters
        self.width = _width(1.0 / table.branches, channels)
        widths = [*(_width(f, self.width) for f in table.layers), self.width]
        last = len(widths) - 1
        self.stages = []
        self.noises: list[list[keras.layers.Layer]] = []
        for i, units in enumerate(widths):
            if self.filters == 0:
                self.stages.append(BranchDense(units, initialisers))
            elif i == 0:
                self.stages.append(BranchDense(self.width * self.filters, initialisers))
            else:
                filters = self.filters if i < last else 1
                self.stages.append(BranchConvolution(filters, 7, initialisers))
            rate = LAST_POISSON_RATE if i == last else POISSON_RATE
            refined = not paper_noise
            self.noises.append(
                [
                    PoissonNoise(rate, centred=refined, trainable_amplitude=refined),
                    GaussianNoise(GAUSSIAN_STDDEV, trainable_amplitude=refined),
                ]
                if i in table.noisy_layers
                else []
            )
        self.translation = Translation(
            max_shift=max(1, self.width // 50), per_spectrum=not paper_noise
        )
        self.join = [initialisers.dense(channels) for _ in range(table.join_layers)]
        kernel = initialisers.glorot() if paper_noise else initialisers.nearly_zero()
        self.output_layer = initialisers.dense(channels, kernel=kernel)

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
        kernel = initialisers.nearly_zero() if starts_at_zero else initialisers.glorot()
        self.output_layer = initialisers.dense(outputs, kernel=kernel)

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
        self.dense = [initialisers.dense(_width(f, channels)) for f in table.layers]
        self.minibatch = MinibatchDiscrimination(
            table.kernels, table.dims, seed=initialisers.integer()
        )

    def call(self, x, seed, groups=1):
        if self.convolutions:
            x = x[:, :, None]
            for layer in self.convolutions:
                x = tf.nn.leaky_relu(layer(x), self.slope)
            x = tf.reshape(x, [-1, x.shape[1] * x.shape[2]])
        sizes = [layer.units for layer in self.dense]
        factors = dropout_factors(tf.shape(x)[0], sizes, self.dropout, seed)
        for layer, factor in zip(self.dense, factors, strict=True):
            x = factor * tf.nn.leaky_relu(layer(x), self.slope)
        return self.minibatch(x, groups=groups)


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
        seeds = [seed + [0, i] for i in range(len(self.branches))]
        parts = [b(x, seed=s, groups=groups) for b, s in zip(self.branches, seeds, strict=True)]
        return self.unit(tf.concat(parts, axis=1))[:, 0]
