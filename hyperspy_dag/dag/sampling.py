# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectra out of a fitted generator."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from hyperspy_dag._utils.streams import BLOCK_NOISE, child_stream
from hyperspy_dag.io.files import AugmenterFileError

from ._tensorflow import keras, tf
from .architectures import Architecture
from .class_model.model import ClassModel, draw_latent
from .draws import Supply
from .generators import make_generator
from .networks import Initialisers
from .recipes import Recipe
from .sources import BLOCK


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
        self._compiled: dict[tuple[str | bool, ...], tuple[Callable, Supply]] = {}

    def draw(
        self,
        n: int,
        seed: np.random.SeedSequence,
        class_model: ClassModel | None,
        *,
        first_block: int = 0,
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
        class_model : ClassModel or None
            Where the latent vectors come from; None: the standard normal law.
        first_block : int, default 0
            Block of the sequence that the first spectrum is the first of.
        weights : list of array, optional
            Of the generator; default: as they are.
        noise : bool, default True
        options : dict, optional
            ``dose`` and ``jitter`` of a physical generator.

        Returns
        -------
        array of shape (n, channels), float32
        """
        options = options or {}
        with self._lock:
            if weights is not None:
                self._set_weights(weights)
            spectra = None
            for i in range(0, n, BLOCK):
                block = self._draw_block(
                    first_block + i // BLOCK, seed, class_model, noise, options
                )
                if spectra is None:
                    spectra = np.empty((n, block.shape[1]), np.float32)
                spectra[i : i + BLOCK] = block[: n - i]
        return spectra

    def _set_weights(self, weights):
        variables = self._generator.weights
        expected = [tuple(variable.shape) for variable in variables]
        if [weight.shape for weight in weights] != expected:
            raise AugmenterFileError(
                "the weights of this generator do not belong to its architecture: the file that "
                "it was loaded from is damaged, or of a version with other networks"
            )
        for variable, weight in zip(variables, weights, strict=True):
            variable.assign(weight)

    def _draw_block(self, block, seed, class_model, noise, options):
        call, supply = self._compile(noise, tuple(sorted(options)))
        latent = draw_latent(class_model, BLOCK, self._latent_size, seed, block * BLOCK)
        drawn = supply.draw(child_stream(seed, BLOCK_NOISE, block))
        values = {name: tf.constant(value, tf.float32) for name, value in options.items()}
        return call(tf.constant(latent), drawn, values).numpy()

    def _compile(self, noise: bool, options: tuple[str, ...]) -> tuple[Callable, Supply]:
        """The generator of a block of spectra, and what makes the random numbers that it wants."""
        key = (noise, *options)
        if key not in self._compiled:
            supplies = []

            def generate(latent, drawn, values):
                supplies.append(Supply(drawn))
                return self._generator(latent, seed=supplies[-1], noise=noise, **values)

            call = tf.function(generate, autograph=False).get_concrete_function(
                tf.TensorSpec([BLOCK, self._latent_size], tf.float32),
                tf.TensorSpec([None], tf.float32),
                {name: tf.TensorSpec([], tf.float32) for name in options},
            )
            self._compiled[key] = call, supplies[-1]
        return self._compiled[key]


@lru_cache(maxsize=4)
def sampler_for(channels: int, architecture: Architecture, recipe: Recipe) -> Sampler:
    """Return a sampler whose weights each draw brings; compiled once for all classes."""
    generator = make_generator(channels, architecture, recipe, Initialisers())
    return Sampler(generator, architecture.latent_size)
