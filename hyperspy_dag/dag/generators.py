# SPDX-License-Identifier: GPL-3.0-or-later
"""The two kinds of generator: the paper's, and one that ends in the instrument."""

from __future__ import annotations

import numpy as np

from . import draws
from ._tensorflow import keras, single_precision, tf
from .architectures import Architecture, GeneratorBranches, PublishedBranches
from .class_model.latent import LATENT_SIZE, LEVEL, MAX_COMPONENTS, SCORES, SHIFT
from .class_model.model import ClassModel
from .class_model.noise import KERNEL_SIZE
from .class_model.shift import PADDING, padded_size
from .networks import BranchedBody, CompactBody, Composite, Initialisers
from .published import PublishedBody
from .recipes import Recipe


@single_precision()
def make_generator(
    channels: int, architecture: Architecture, recipe: Recipe, initialisers: Initialisers
) -> keras.Model:
    """Build the generator of an architecture under a recipe, with weights that are to be drawn.

    Raises
    ------
    ValueError
        The architecture has fewer latent numbers than the statistical model of a class needs.
    """
    if recipe.physical and architecture.latent_size < LATENT_SIZE:
        raise ValueError(
            f"architecture {architecture.name!r} has {architecture.latent_size} latent numbers; "
            f"recipe {recipe.name!r} needs at least {LATENT_SIZE}"
        )
    table, slope = architecture.generator, architecture.leaky_slope
    if isinstance(table, PublishedBranches):
        body = PublishedBody(channels, table, architecture.latent_size, slope, initialisers)
    elif isinstance(table, GeneratorBranches):
        body = BranchedBody(channels, table, slope, initialisers)
    else:
        outputs = MAX_COMPONENTS if recipe.physical else channels
        body = CompactBody(outputs, table, slope, recipe.physical, initialisers)
    model = PhysicalGenerator(channels, body) if recipe.physical else PlainGenerator(body)
    model(tf.zeros([2, architecture.latent_size]), seed=tf.constant([0, 0]))
    return model


class PlainGenerator(Composite, keras.Model):
    """A generator whose body makes the whole spectrum, noise included."""

    def __init__(self, body):
        super().__init__()
        self.body = body

    def call(self, latent, seed, noise=True):
        """Return spectra of shape (n, channels)."""
        return self.body(latent, seed=seed, noise=noise)


class PhysicalGenerator(Composite, keras.Model):
    r"""A clean spectrum, then the instrument.

    clean = mean + scores · basis + body(latent) → energy shift of each spectrum → noise of its
    level, spread over neighbouring channels → maximum 1, where the training spectra have it.

    Parameters
    ----------
    channels : int
    body : keras.layers.Layer
        Refines the clean spectrum; nearly zero at the start.

    Notes
    -----
    These are the paper's layers (translation, Poissonian noise) in the order in which the
    instrument has them. :func:`.drawing.measure` does the same in NumPy, for other doses too.
    The model of :mod:`hyperspy_dag.dag.class_model.model` gives the weights that training begins
    with.
    """

    def __init__(self, channels: int, body):
        super().__init__()
        self.body = body

        def weight(name, shape, trainable):
            return self.add_weight(name=name, shape=shape, initializer="zeros", trainable=trainable)

        # Estimated from all channels of all spectra at once. Trained by themselves, hundreds of
        # free channels only pick up the optimiser's noise; the body does what they cannot.
        self.mean = weight("mean", (channels,), False)
        self.basis = weight("basis", (MAX_COMPONENTS, channels), False)
        self.kernel = weight("kernel", (KERNEL_SIZE,), False)
        self.background = weight("background", (channels,), False)
        self.unit_maximum = weight("unit_maximum", (), False)
        self.jitter = weight("jitter", (), True)
        self.level = weight("level", (2,), True)
        self.intensity = weight("intensity", (), True)

    def set_class_model(self, model: ClassModel) -> None:
        """Begin at the statistical model of the class."""
        fixed = ("mean", "basis", "kernel", "background", "unit_maximum")
        for name in (*fixed, "jitter", "level", "intensity"):
            getattr(self, name).assign(getattr(model, name))

    def call(self, latent, seed, noise=True):
        """Return spectra of shape (n, channels).

        Parameters
        ----------
        latent : tensor of shape (n, latent_size)
            Scores, energy shift and logarithm of the noise level, standardised; then free ones.
        seed : integer tensor of shape (2,)
        noise : bool, default True
        """
        seeds = tf.unstack(tf.random.split(seed, 2))
        scores, position, level = latent[:, SCORES], latent[:, SHIFT], latent[:, LEVEL, None]
        correction = self.body(latent, seed=seeds[0], noise=noise)
        if self.body.corrects_scores:
            scores, correction = scores + correction, 0.0
        spectra = (
            tf.convert_to_tensor(self.mean)
            + tf.matmul(scores, tf.convert_to_tensor(self.basis))
            + correction
        )
        spectra = shift_energy(spectra, tf.convert_to_tensor(self.jitter) * position)
        if noise:
            mean, spread = tf.unstack(tf.convert_to_tensor(self.level))
            spectra += tf.exp(mean + spread * level) * self._unit_noise(spectra, seeds[1])
        maximum = tf.reduce_max(spectra, axis=1, keepdims=True)
        return spectra / tf.where(tf.convert_to_tensor(self.unit_maximum) > 0, maximum, 1.0)

    def _unit_noise(self, spectra, seed):
        """Noise of level 1: more where there is more intensity, neighbours correlated."""
        size = [tf.shape(spectra)[0], spectra.shape[1] + KERNEL_SIZE - 1]
        white = draws.normal(size, seed)
        kernel = tf.convert_to_tensor(self.kernel)[:, None, None]
        spread = tf.nn.conv1d(white[:, :, None], kernel, 1, "VALID")[:, :, 0]
        intensity = tf.nn.relu(tf.convert_to_tensor(self.intensity))
        variance = tf.convert_to_tensor(self.background) + intensity * tf.nn.relu(spectra)
        return spread * tf.sqrt(variance / tf.reduce_mean(variance, axis=1, keepdims=True))


def shift_energy(spectra: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    """Shift each spectrum by a fraction of a channel: as ``fourier_shift``.

    Parameters
    ----------
    spectra : tensor of shape (n, channels)
    shift : tensor of shape (n,)
        Channels; positive moves features to higher energy loss. Edges are held.
    """
    channels = spectra.shape[1]
    size = padded_size(channels)
    left = tf.repeat(spectra[:, :1], PADDING, axis=1)
    right = tf.repeat(spectra[:, -1:], size - channels - PADDING, axis=1)
    padded = tf.concat([left, spectra, right], axis=1)
    rise = right[:, :1] - left[:, :1]
    ramp = left[:, :1] + rise * tf.linspace(0.0, 1.0, size)
    phase = -2.0 * np.pi * tf.constant(np.fft.rfftfreq(size), tf.float32) * shift[:, None]
    turned = tf.signal.rfft(padded - ramp) * tf.complex(tf.cos(phase), tf.sin(phase))
    moved = tf.signal.irfft(turned, [size]) + ramp - rise / (size - 1) * shift[:, None]
    return moved[:, PADDING : PADDING + channels]
