# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectra out of a fitted generator."""

from __future__ import annotations

import threading
from functools import lru_cache

import numpy as np

from ._tensorflow import keras, tf
from .architectures import Architecture
from .generators import make_generator
from .networks import Initialisers
from .recipes import Recipe
from .start import Start, draw_latent

#: Spectra are drawn in blocks of this size, each with a seed of its own: the first spectra of a
#: longer stack are those of a shorter one, and any block can be had by itself.
BLOCK = 256


class Sampler:
    """Draws spectra from a Keras generator.

    Parameters
    ----------
    generator : keras.Model
    latent_size : int
    """

    def __init__(self, generator: keras.Model, latent_size: int):
        self._generator = generator
        self._latent_size = latent_size
        self._lock = threading.Lock()
        self._call = tf.function(
            lambda latent, seed, options, noise: generator(
                latent, seed=seed, noise=noise, **options
            ),
            autograph=False,
            reduce_retracing=True,
        )

    def draw(
        self,
        n: int,
        seed: np.random.SeedSequence,
        start: Start | None,
        *,
        weights: list[np.ndarray] | None = None,
        noise: bool = True,
        options: dict[str, float] | None = None,
    ) -> np.ndarray:
        """Draw spectra.

        Parameters
        ----------
        n : int
        seed : numpy.random.SeedSequence
            The same seed gives the same spectra.
        start : Start or None
            Where the latent vectors come from; None: the standard normal law.
        weights : list of array, optional
            Of the generator; default: as they are.
        noise : bool, default True
        options : dict, optional
            ``dose`` and ``jitter`` of a physical generator.

        Returns
        -------
        array of shape (n, channels), float32
        """
        options = {k: tf.constant(v, tf.float32) for k, v in (options or {}).items()}
        with self._lock:
            if weights is not None:
                self._generator.set_weights(weights)
            blocks = [
                self._draw_block(block, seed, start, noise, options)
                for block in range(-(-n // BLOCK))
            ]
        return np.concatenate(blocks)[:n]

    def _draw_block(self, block, seed, start, noise, options):
        latent = draw_latent(start, BLOCK, self._latent_size, seed, block * BLOCK)
        random = np.random.default_rng(
            np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, 3, block))
        )
        own_seed = tf.constant(random.integers(2**31 - 1, size=2), tf.int32)
        return self._call(tf.constant(latent), own_seed, options, noise).numpy()


@lru_cache(maxsize=4)
def sampler_for(channels: int, architecture: Architecture, recipe: Recipe) -> Sampler:
    """Return a sampler whose weights each draw brings; compiled once for all classes."""
    initialisers = Initialisers(np.random.SeedSequence(0))
    generator = make_generator(channels, architecture, recipe, initialisers)
    return Sampler(generator, architecture.latent_size)
