# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers that make a GAN a spectrum's GAN: noise, translation, minibatch discrimination.

All act in training *and* at generation: the noise of a synthetic spectrum comes from them
(del-Pozo-Bueno et al. 2024). Every draw is stateless. A call may be given its ``seed`` (an
integer tensor of shape (2,)), which makes the whole network a pure function of its input and that
seed; without one the layer uses a Keras seed generator of its own.
"""

from __future__ import annotations

from . import draws
from ._tensorflow import keras, tf
from .transforms import shift_channels


class _RandomLayer(keras.layers.Layer):
    """A layer that draws random numbers: from the call's seed, or from its own generator."""

    def __init__(self, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        # Keras would take a default seed from Python's global random state, which is not ours
        # to advance; 0 is as good, since calls within a training bring their own seed.
        self.seed = 0 if seed is None else int(seed)
        self.seed_generator = keras.random.SeedGenerator(self.seed)

    def _seed(self, seed):
        return self.seed_generator.next() if seed is None else seed

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "seed": self.seed}


class PoissonNoise(_RandomLayer):
    r"""Add zero-centred Poisson noise of trainable amplitude to every unit.

    :math:`y = x + a\,(k - \lambda)` with :math:`k \sim \mathrm{Poisson}(\lambda)` and an amplitude
    :math:`a`, initially 1.

    Parameters
    ----------
    rate : float, default 0.5
        :math:`\lambda`, above 0 and at most 20 (meant for small rates, see
        :func:`hyperspy_dag.dag.draws.poisson`).
    seed : int, optional
        For calls that bring no seed.

    Notes
    -----
    After the PoissonNoise layer of del-Pozo-Bueno et al. 2024, which is neither centred nor
    trained; published rates are 0.5, and 0.15 before the output.
    """

    def __init__(self, rate: float = 0.5, seed: int | None = None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        if not 0 < rate <= 20:
            raise ValueError(f"rate must be above 0 and at most 20, {rate!r} was given")
        self.rate = float(rate)

    def build(self, input_shape):
        self.amplitude = self.add_weight(name="amplitude", shape=(), initializer="ones")

    def call(self, inputs, seed=None, noise: bool = True):
        if not noise:
            return inputs
        count = tf.cast(draws.poisson(tf.shape(inputs), self.rate, self._seed(seed)), inputs.dtype)
        return inputs + tf.convert_to_tensor(self.amplitude) * (count - self.rate)

    def get_config(self) -> dict:
        return {**super().get_config(), "rate": self.rate}


class GaussianNoise(_RandomLayer):
    r"""Add normally distributed noise of trainable size to every unit, at generation too.

    :math:`y = x + \sigma\,\varepsilon`. (Keras' own layer of this name is silent at generation.)

    Parameters
    ----------
    stddev : float, default 0.15
        Initial :math:`\sigma`, at least 0.
    seed : int, optional
        For calls that bring no seed.

    Notes
    -----
    Source: del-Pozo-Bueno et al. 2024; the published value is 0.15.
    """

    def __init__(self, stddev: float = 0.15, seed: int | None = None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        if not stddev >= 0:
            raise ValueError(f"stddev must be at least 0, {stddev!r} was given")
        self.stddev = float(stddev)

    def build(self, input_shape):
        self.amplitude = self.add_weight(
            name="amplitude", shape=(), initializer=keras.initializers.Constant(self.stddev)
        )

    def call(self, inputs, seed=None, noise: bool = True):
        if not noise:
            return inputs
        normal = draws.normal(tf.shape(inputs), self._seed(seed))
        return inputs + tf.convert_to_tensor(self.amplitude) * normal

    def get_config(self) -> dict:
        return {**super().get_config(), "stddev": self.stddev}


class Translation(_RandomLayer):
    """Shift each spectrum along the energy axis by random whole channels, edges padded.

    Parameters
    ----------
    max_shift : int, default 2
        The shift is uniform in -max_shift … +max_shift channels: left and right alike.
    seed : int, optional
        For calls that bring no seed.

    Notes
    -----
    Source: the translation layer at the end of each generator branch, del-Pozo-Bueno et al. 2024.
    """

    def __init__(self, max_shift: int = 2, seed: int | None = None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        if int(max_shift) != max_shift or max_shift < 0:
            raise ValueError(f"max_shift must be a whole number >= 0, {max_shift!r} was given")
        self.max_shift = int(max_shift)

    def call(self, inputs, seed=None, noise: bool = True):
        if not noise:
            return inputs
        shift = tf.random.stateless_uniform(
            tf.shape(inputs)[:1], self._seed(seed), -self.max_shift, self.max_shift + 1, tf.int32
        )
        return shift_channels(inputs, shift)

    def get_config(self) -> dict:
        return {**super().get_config(), "max_shift": self.max_shift}


@tf.custom_gradient
def minibatch_similarity(features: tf.Tensor) -> tf.Tensor:
    r"""Closeness of each spectrum to the rest of its minibatch.

    :math:`o_{ib} = \sum_j \exp\left(-\sum_d |M_{idb} - M_{jdb}|\right)`, Salimans et al. 2016,
    "Improved Techniques for Training GANs", section 3.2.

    Parameters
    ----------
    features : tensor of shape (groups, n, dims, kernels)
        :math:`M`; spectra are compared within their group only.

    Returns
    -------
    tensor of shape (groups, n, kernels)
    """
    groups, n, _, kernels = tf.unstack(tf.shape(features))
    # Every pair once: each spectrum and those up to half a round after it, so that the numbers of
    # a spectrum stay together. One dimension at a time: (n, n / 2, kernels) numbers are held at
    # once, never (n, n, dims, kernels).
    steps = tf.range(1, n // 2 + 1)[:, None]
    after = (tf.range(n) + steps) % n
    before = steps * n - n + (tf.range(n) - steps) % n
    # Half a round after is half a round before: these pairs come twice.
    weight = tf.cast(tf.where(2 * steps == n, 0.5, 1.0), features.dtype)[:, :, None]
    spectra = tf.unstack(tf.transpose(features, [2, 1, 0, 3]))
    columns = [tf.reshape(column, [n, groups * kernels]) for column in spectra]

    def difference(column):
        return column - tf.gather(column, after)

    distance = 0.0
    for column in columns:
        distance += tf.abs(difference(column))
    closeness = weight * tf.exp(-distance)

    def of_partners(pairs):
        """Sum over the pairs in which each spectrum is the other one."""
        flat = tf.reshape(pairs, [-1, groups * kernels])
        return tf.reduce_sum(tf.gather(flat, before), axis=0)

    def gradient(upstream):
        # d exp(-|a - b|) = -exp(-|a - b|) sign(a - b) (da - db), from both ends of each pair;
        # a tie has sign 0.
        upstream = tf.reshape(tf.transpose(upstream, [1, 0, 2]), [n, groups * kernels])
        pair = closeness * (upstream + tf.gather(upstream, after))
        slopes = []
        for column in columns:
            slope = pair * tf.sign(difference(column))
            slopes.append(of_partners(slope) - tf.reduce_sum(slope, axis=0))
        slopes = tf.reshape(tf.stack(slopes), [-1, n, groups, kernels])
        return tf.transpose(slopes, [2, 1, 0, 3])

    # 1: closeness to itself.
    total = 1.0 + tf.reduce_sum(closeness, axis=0) + of_partners(closeness)
    return tf.transpose(tf.reshape(total, [n, groups, kernels]), [1, 0, 2]), gradient


class MinibatchDiscrimination(keras.layers.Layer):
    """Let the discriminator see how alike the spectra of a minibatch are.

    Appends to each spectrum's features its closeness to the others of the minibatch under
    learned projections, so that a generator that repeats itself is found out.

    Parameters
    ----------
    kernels : int, default 100
        Number of projections (:math:`B` in the source).
    dims : int, default 5
        Dimensions of each (:math:`C` in the source).
    seed : int, optional
        Of the initial weights.

    Notes
    -----
    Salimans et al. 2016, "Improved Techniques for Training GANs", section 3.2; del-Pozo-Bueno et
    al. 2024 use 100 × 5 and 150 × 8.
    """

    def __init__(self, kernels: int = 100, dims: int = 5, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        for name, value in (("kernels", kernels), ("dims", dims)):
            if int(value) != value or value < 1:
                raise ValueError(f"{name} must be a whole number >= 1, {value!r} was given")
        self.kernels = int(kernels)
        self.dims = int(dims)
        self.seed = 0 if seed is None else int(seed)

    def build(self, input_shape):
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], self.dims * self.kernels),
            initializer=keras.initializers.GlorotUniform(seed=self.seed),
        )

    def call(self, inputs, groups: int = 1):
        """Append the closeness; `groups` equal parts of the batch are compared separately."""
        batch = tf.shape(inputs)[0]
        projected = tf.matmul(inputs, self.kernel.value)
        projected = tf.reshape(projected, [groups, batch // groups, self.dims, self.kernels])
        closeness = tf.reshape(minibatch_similarity(projected), [batch, self.kernels])
        return tf.concat([inputs, closeness], axis=1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + self.kernels)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "kernels": self.kernels,
            "dims": self.dims,
            "seed": self.seed,
        }
