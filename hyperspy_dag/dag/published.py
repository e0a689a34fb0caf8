# SPDX-License-Identifier: GPL-3.0-or-later
"""The paper's generator.

Source: del-Pozo-Bueno et al. 2024, and the scripts that one of its authors has published.
"""

from __future__ import annotations

import numpy as np

from . import draws
from ._tensorflow import tf
from .architectures import GAUSSIAN_STDDEV, LAST_POISSON_RATE, POISSON_RATE
from .networks import Composite, branch_stages


def translate(x: tf.Tensor, shift: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Shift the last axis; the freed end repeats the neighbouring block of as many channels.

    Parameters
    ----------
    x : tensor of shape (n, channels)
    shift : integer tensor of shape ()
        Channels, all alike.
    right : bool tensor of shape (1, 1)
        Whether to higher channels.
    """
    to_right = tf.concat([x[:, :shift], x[:, : x.shape[1] - shift]], 1)
    to_left = tf.concat([x[:, shift:], x[:, x.shape[1] - shift :]], 1)
    return tf.ensure_shape(tf.where(right, to_right, to_left), x.shape)


class BlockTranslation(Composite):
    """Translations by as many channels as were drawn once for the network.

    Parameters
    ----------
    count : int
        How many, of a branch each.
    """

    def __init__(self, count: int):
        super().__init__()
        self.sizes = self.add_weight(
            name="sizes", shape=(count,), initializer="ones", trainable=False
        )

    def call(self, parts, seed):
        """Shift each of `count` tensors of shape (n, channels), the whole batch alike."""
        right = tf.random.stateless_uniform([len(parts), 1, 1], seed, 0, 2, tf.int32) > 0
        sizes = tf.cast(tf.convert_to_tensor(self.sizes), tf.int32)
        return [translate(x, sizes[i], right[i]) for i, x in enumerate(parts)]


class PublishedBody(Composite):
    """The paper's generator: latent vector to spectrum, noise included.

    Parameters
    ----------
    channels : int
    table : PublishedBranches
    latent_size : int
    slope : float
        Of the leaky rectifiers.
    initialisers : Initialisers
    """

    def __init__(self, channels, table, latent_size, slope, initialisers):
        super().__init__()
        self.slope, self.noisy, self.filters = slope, table.noisy_layers, table.convolution_filters
        self.branches, self.max_shift = table.branches, table.max_shift(channels)
        widths = [latent_size, *table.widths(channels)]
        self.width = widths[-1]
        self.stages = branch_stages(widths, self.filters, initialisers)
        # Weights are in the order in which they are used, as in files.
        self.translation = BlockTranslation(self.branches)
        self.join = [initialisers.dense(channels) for _ in range(table.join_layers)]
        self.last_translation = BlockTranslation(1)
        self.output_layer = initialisers.dense(channels)

    def draw_translations(self, seed: np.random.SeedSequence) -> None:
        """Draw the sizes of the translations."""
        sizes = np.random.default_rng(seed).integers(1, self.max_shift + 1, self.branches + 1)
        self.translation.sizes.assign(sizes[:-1])
        self.last_translation.sizes.assign(sizes[-1:])

    def call(self, latent, seed, noise=True):
        """Return spectra of shape (n, channels)."""
        seeds = iter(tf.unstack(tf.random.split(seed, len(self.noisy) + 3)))
        x = tf.repeat(latent[None], self.branches, axis=0)
        for i, stage in enumerate(self.stages):
            x = tf.nn.leaky_relu(stage(x), self.slope)
            if self.filters and i == 0:
                x = tf.reshape(x, [self.branches, -1, self.width, self.filters])
            if i in self.noisy:
                seed, law = next(seeds), (POISSON_RATE, GAUSSIAN_STDDEV)
                x += draws.poisson_and_normal(tf.shape(x), *law, seed) if noise else POISSON_RATE
        parts = tf.unstack(tf.reshape(x, [self.branches, -1, self.width]))
        x = tf.concat(self.translation(parts, seed=next(seeds)) if noise else parts, 1)
        for layer in self.join:
            x = tf.nn.leaky_relu(layer(x), self.slope)
        if not noise:
            return tf.tanh(self.output_layer(x + LAST_POISSON_RATE))
        x += draws.poisson(tf.shape(x), LAST_POISSON_RATE, next(seeds))
        (x,) = self.last_translation([x], seed=next(seeds))
        return tf.tanh(self.output_layer(x))
