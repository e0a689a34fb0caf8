# SPDX-License-Identifier: GPL-3.0-or-later
"""The plain Keras way: a `tf.function` for each batch, `tf.data`, `predict()`, `sqrtm`."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import scipy.linalg
import tensorflow as tf
from work import STEPS, VIEWS, Work, serve


class Noise(keras.layers.Layer):
    """Poisson, then Gaussian noise, in training and at generation."""

    def __init__(self, rate, stddev):
        super().__init__()
        self.rate, self.stddev = rate, stddev

    def call(self, x):
        x += tf.random.poisson(tf.shape(x), self.rate)
        return x + tf.random.normal(tf.shape(x), stddev=self.stddev)


class Translation(keras.layers.Layer):
    """A random shift of the whole batch, edges padded."""

    def __init__(self, max_shift):
        super().__init__()
        self.max_shift = max_shift

    def call(self, x):
        shift = tf.random.uniform([], -self.max_shift, self.max_shift + 1, tf.int32)
        index = tf.clip_by_value(tf.range(x.shape[1]) - shift, 0, x.shape[1] - 1)
        return tf.gather(x, index, axis=1)


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


def models(work: Work) -> tuple[keras.Model, keras.Model]:
    """Generator and discriminator."""
    latent = keras.Input([work.latent])
    ends = []
    for _ in range(work.branches):
        x = latent
        for units, rate in zip(work.branch_widths, work.poisson_rates, strict=True):
            x = keras.layers.LeakyReLU(work.slope)(keras.layers.Dense(units)(x))
            x = Noise(rate, work.gaussian)(x)
        ends.append(Translation(work.translation)(x))
    x = keras.layers.Dense(work.channels)(keras.layers.Concatenate()(ends))
    x = keras.layers.LeakyReLU(work.slope)(x)
    generator = keras.Model(latent, keras.layers.Dense(work.channels)(x))
    spectrum = keras.Input([work.channels])
    ends = []
    for widths, sizes in zip(work.discriminator_widths, work.minibatch, strict=True):
        x = spectrum
        for units in widths:
            x = keras.layers.LeakyReLU(work.slope)(keras.layers.Dense(units)(x))
            x = keras.layers.Dropout(work.dropout)(x)
        ends.append(MinibatchDiscrimination(*sizes)(x))
    logit = keras.layers.Dense(1)(keras.layers.Concatenate()(ends))
    return generator, keras.Model(spectrum, logit)


def show(view: str, x: tf.Tensor, work: Work) -> tf.Tensor:
    """A batch in a view, each spectrum with its own draw."""
    if view == "shift":
        shift = tf.random.uniform(
            [tf.shape(x)[0], 1], -work.max_shift, work.max_shift + 1, tf.int32
        )
        index = tf.clip_by_value(tf.range(work.channels)[None] - shift, 0, work.channels - 1)
        return tf.gather(x, index, batch_dims=1)
    if view == "noise":
        level = tf.random.uniform([tf.shape(x)[0], 1], 0.0, work.max_noise)
        amplitude = tf.stop_gradient(tf.sqrt(tf.nn.relu(x)))
        return x + level * amplitude * tf.random.normal(tf.shape(x))
    return x


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """Fréchet distance of two sets of spectra, written as its formula is."""
    product = np.cov(a, rowvar=False) @ np.cov(b, rowvar=False)
    root = scipy.linalg.sqrtm(product)
    traces = np.trace(np.cov(a, rowvar=False)) + np.trace(np.cov(b, rowvar=False))
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + traces - 2 * np.trace(root.real))


def make(work: Work):
    generator, discriminator = models(work)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    optimisers = [
        keras.optimizers.Adam(rate, epsilon=1e-7)
        for rate in (work.generator_rate, work.discriminator_rate)
    ]
    for optimiser, model in zip(optimisers, (generator, discriminator), strict=True):
        optimiser.build(model.trainable_variables)

    @tf.function
    def train_step(real):
        latent = tf.random.normal([work.batch, work.latent])
        with tf.GradientTape() as generator_tape:
            generated = generator(latent, training=True)
            with generator_tape.stop_recording():
                for view in STEPS:
                    with tf.GradientTape() as tape:
                        of_real = discriminator(show(view, real, work), training=True)
                        of_fake = discriminator(show(view, generated, work), training=True)
                        cost = loss(tf.fill(tf.shape(of_real), work.real_label), of_real)
                        cost += loss(tf.zeros_like(of_fake), of_fake)
                    variables = discriminator.trainable_variables
                    optimisers[1].apply_gradients(
                        zip(tape.gradient(cost, variables), variables, strict=True)
                    )
            costs = []
            for view in VIEWS:
                of_fake = discriminator(show(view, generated, work), training=True)
                costs.append(loss(tf.ones_like(of_fake), of_fake))
            cost = tf.add_n(costs) / len(costs)
        variables = generator.trainable_variables
        gradients = generator_tape.gradient(cost, variables)
        optimisers[0].apply_gradients(zip(gradients, variables, strict=True))

    spectra = work.data()
    options = tf.data.Options()
    options.autotune.enabled = False
    data = tf.data.Dataset.from_tensor_slices(spectra).shuffle(len(spectra))
    data = data.batch(work.batch, drop_remainder=True).with_options(options)

    def train(epochs: int) -> None:
        for _ in range(epochs):
            for batch in data:
                train_step(batch)
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
