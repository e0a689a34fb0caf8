# SPDX-License-Identifier: GPL-3.0-or-later
"""The plain Keras way: a `tf.function` for each kind of step, `tf.data`, `predict()`, `sqrtm`."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import scipy.linalg
import tensorflow as tf
from work import STEPS, Work, serve


class Noise(keras.layers.Layer):
    """Poisson, then Gaussian noise, in training and at generation."""

    def __init__(self, rate, stddev=0.0):
        super().__init__()
        self.rate, self.stddev = rate, stddev

    def call(self, x):
        x += tf.random.poisson(tf.shape(x), self.rate)
        return x + tf.random.normal(tf.shape(x), stddev=self.stddev) if self.stddev else x


def translate(x: tf.Tensor, shift, channels: int) -> tf.Tensor:
    """Shift left or right by chance; the freed end repeats the block beside it."""
    return tf.cond(
        tf.random.uniform([]) < 0.5,
        lambda: tf.concat([x[:, :shift], x[:, : channels - shift]], 1),
        lambda: tf.concat([x[:, shift:], x[:, channels - shift :]], 1),
    )


class Translation(keras.layers.Layer):
    """The same shift at every call, left or right by chance."""

    def __init__(self, shift):
        super().__init__()
        self.shift = shift

    def call(self, x):
        return translate(x, self.shift, x.shape[1])


class MinibatchDiscrimination(keras.layers.Layer):
    """Salimans et al. 2016, differentiated automatically; kernels innermost, which is fastest."""

    def __init__(self, kernels, dims):
        super().__init__()
        self.kernels, self.dims = kernels, dims

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], self.kernels * self.dims))

    def call(self, x):
        features = tf.reshape(x @ self.kernel, [-1, self.dims, self.kernels])
        distance = tf.reduce_sum(tf.abs(features[:, None] - features[None]), axis=2)
        return tf.concat([x, tf.reduce_sum(tf.exp(-distance), axis=1)], axis=1)


def networks(work: Work) -> tuple[keras.Model, keras.Model]:
    """Generator and discriminator."""
    layers, slope = keras.layers, work.slope
    shifts = iter(np.random.default_rng(0).integers(1, work.translation + 1, work.branches + 1))
    latent = keras.Input([work.latent])
    ends = []
    for _ in range(work.branches):
        x = latent
        for units in work.branch_widths[:-1]:
            x = layers.LeakyReLU(slope)(layers.Dense(units)(x))
            x = Noise(work.poisson, work.gaussian)(x)
        x = layers.LeakyReLU(slope)(layers.Dense(work.branch_widths[-1])(x))
        ends.append(Translation(next(shifts))(x))
    x = layers.LeakyReLU(slope)(layers.Dense(work.channels)(layers.Concatenate()(ends)))
    x = Translation(next(shifts))(Noise(work.last_poisson)(x))
    generator = keras.Model(latent, layers.Dense(work.channels, activation="tanh")(x))
    spectrum = keras.Input([work.channels])
    ends = []
    for widths, sizes in zip(work.discriminator_widths, work.minibatch, strict=True):
        x = spectrum
        for i, units in enumerate(widths):
            if i == len(widths) - 1:
                x = MinibatchDiscrimination(*sizes)(x)
            x = layers.LeakyReLU(slope)(layers.Dense(units)(x))
            x = layers.Dropout(work.dropout)(x)
        ends.append(x)
    x = layers.Dense(1, activation="sigmoid")(layers.Concatenate()(ends))
    return generator, keras.Model(spectrum, x)


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """Fréchet distance of two sets of spectra, written as its formula is."""
    product = np.cov(a, rowvar=False) @ np.cov(b, rowvar=False)
    root = scipy.linalg.sqrtm(product)
    traces = np.trace(np.cov(a, rowvar=False)) + np.trace(np.cov(b, rowvar=False))
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + traces - 2 * np.trace(root.real))


def make(work: Work):
    """What the peer can do, and its numbers of parameters."""
    generator, discriminator = networks(work)
    loss = keras.losses.BinaryCrossentropy()
    of_generator = keras.optimizers.Adam(work.generator_rate)
    of_discriminator = keras.optimizers.Adam(work.discriminator_rate)
    of_generator.build(generator.trainable_variables)
    of_discriminator.build(discriminator.trainable_variables)

    def show(view: str, real: tf.Tensor, generated: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        if view == "shift":
            shift = tf.random.uniform([], 1, work.max_shift + 1, tf.int32)
            real, generated = (translate(x, shift, work.channels) for x in (real, generated))
        if view == "noise":
            real, generated = (
                x + tf.random.uniform([tf.shape(x)[0], 1], 0.0, work.max_noise)
                * tf.stop_gradient(tf.sqrt(tf.nn.relu(x))) * tf.random.normal(tf.shape(x))
                for x in (real, generated)
            )  # fmt: skip
        return real, generated

    def step_of(view: str, both: bool):
        @tf.function
        def step(real):
            latent = tf.random.normal([tf.shape(real)[0], work.latent])
            with tf.GradientTape() as generator_tape, tf.GradientTape() as tape:
                shown = show(view, real, generator(latent, training=True))
                of_real, of_fake = (discriminator(x, training=True) for x in shown)
                cost = loss(tf.fill(tf.shape(of_real), work.real_label), of_real)
                cost += loss(tf.zeros_like(of_fake), of_fake)
                generator_cost = loss(tf.ones_like(of_fake), of_fake)
            if both:
                variables = generator.trainable_variables
                gradients = generator_tape.gradient(generator_cost, variables)
                of_generator.apply_gradients(zip(gradients, variables, strict=True))
            variables = discriminator.trainable_variables
            gradients = tape.gradient(cost, variables)
            of_discriminator.apply_gradients(zip(gradients, variables, strict=True))
            return cost, generator_cost

        return step

    steps = [step_of(view, both) for view, both in STEPS]
    spectra = work.data()
    data = tf.data.Dataset.from_tensor_slices(spectra).shuffle(len(spectra)).batch(work.batch)

    def train(epochs: int) -> None:
        for _ in range(epochs):
            for step in steps:
                for batch in data:
                    step(batch)
        discriminator.weights[0].numpy()

    def sample(n: int) -> np.ndarray:
        latent = np.random.default_rng(0).normal(size=(n, work.latent)).astype(np.float32)
        return generator.predict(latent, batch_size=32, verbose=0)

    def evaluate(_: int) -> None:
        frechet(spectra, sample(len(spectra)))

    deeds = {"train": train, "sample": sample, "evaluate": evaluate}
    parameters = [
        sum(int(np.prod(w.shape)) for w in m.trainable_variables)
        for m in (generator, discriminator)
    ]
    return deeds, dict(zip(("generator", "discriminator"), parameters, strict=True))


if __name__ == "__main__":
    serve(f"Keras {keras.__version__}, TensorFlow {tf.__version__}", make)
