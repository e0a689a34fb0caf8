# SPDX-License-Identifier: GPL-3.0-or-later
"""The neural network that tells classes of spectra apart: one dense branch, one convolutional.

The kind of classifier that del-Pozo-Bueno et al. 2024 judge synthetic spectra with. Here it is
small: strided convolutions, no pooling, because where a white line lies is what matters.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hyperspy_dag._utils.streams import child_stream

from ._tensorflow import keras, single_precision, tf
from .networks import Initialisers
from .optimiser import Adam

#: Units of the dense layers, and (filters, size, strides) of the convolutions.
DENSE_UNITS = (64, 32)
CONVOLUTIONS = ((8, 9, 2), (16, 7, 3), (16, 5, 3))
JOINED_UNITS = 32

#: Fraction of the units left out after each hidden layer of the dense branch, and elsewhere. The
#: dense branch sees every channel at once and would learn the noise of the training spectra.
DENSE_DROPOUT = 0.5
DROPOUT = 0.3

#: Fraction of each kernel that goes at each step, times the learning rate (decoupled decay;
#: Loshchilov & Hutter, arXiv:1711.05101). With tens of training spectra of a thousand channels it
#: is what keeps the network from learning the noise.
WEIGHT_DECAY = 1.0

#: Spectra that go through the network at once when it predicts.
_BLOCK = 1024


class TwoBranchNetwork(keras.Model):
    """Dense and convolutional branch, joined; returns the logit of each class.

    Parameters
    ----------
    classes : int
    initialisers : Initialisers
    """

    def __init__(self, classes: int, initialisers: Initialisers):
        super().__init__()
        self.dense = [initialisers.dense(units) for units in DENSE_UNITS]
        self.convolutions = [initialisers.convolution(*table) for table in CONVOLUTIONS]
        self.convolved = initialisers.dense(DENSE_UNITS[-1])
        self.joined = initialisers.dense(JOINED_UNITS)
        self.unit = initialisers.dense(classes)

    def call(self, spectra, seed=None):
        """Return logits of shape (n, classes); with a `seed`, units are dropped at random."""
        count = 3 + len(self.dense)
        seeds = [None] * count if seed is None else tf.unstack(tf.random.split(seed, count))
        first = spectra
        for layer, own_seed in zip(self.dense, seeds[3:], strict=True):
            first = _drop(tf.nn.relu(layer(first)), own_seed, DENSE_DROPOUT)
        second = spectra[:, :, None]
        for layer in self.convolutions:
            second = tf.nn.relu(layer(second))
        second = tf.reshape(second, [-1, second.shape[1] * second.shape[2]])
        second = tf.nn.relu(self.convolved(_drop(second, seeds[0])))
        x = _drop(tf.concat([first, second], axis=1), seeds[1])
        return self.unit(_drop(tf.nn.relu(self.joined(x)), seeds[2]))


def _drop(x, seed, rate=DROPOUT):
    return x if seed is None else tf.nn.experimental.stateless_dropout(x, rate, seed)


class TwoBranchClassifier:
    """Trains a :class:`TwoBranchNetwork` and predicts with it.

    The network is compiled once; :meth:`fit` starts it afresh each time. All randomness comes from
    the seed given there.

    Parameters
    ----------
    channels : int
        Channels of a spectrum.
    classes : int
        Number of classes, at least 2.
    steps : int, default 600
        Gradient steps, whatever the number of spectra, so that small sets are learned as well as
        large ones.
    batch_size : int, default 128
    learning_rate : float, default 2e-3
        Falls to zero along a half cosine.
    """

    def __init__(
        self,
        channels: int,
        classes: int,
        *,
        steps: int = 600,
        batch_size: int = 128,
        learning_rate: float = 2e-3,
    ):
        self.channels, self.classes = channels, classes
        self.steps, self.batch_size, self.learning_rate = steps, batch_size, learning_rate
        self._initialisers = Initialisers()
        with single_precision():
            self._network = TwoBranchNetwork(classes, self._initialisers)
            self._network(tf.zeros([1, channels]))
        self._adam = Adam(self._network.trainable_variables, beta_1=0.9)
        self._train = tf.function(
            self._run,
            input_signature=[
                tf.TensorSpec([None, channels], tf.float32),
                tf.TensorSpec([None], tf.int32),
                tf.TensorSpec([None, None], tf.int32),
                tf.TensorSpec([None, 2], tf.int32),
                tf.TensorSpec([None], tf.float32),
            ],
            # Compiled now: TensorFlow would warn of each further classifier's first call.
        ).get_concrete_function()
        self._predict = tf.function(
            lambda spectra: tf.nn.softmax(self._network(spectra)),
            autograph=False,
            input_signature=[tf.TensorSpec([None, channels], tf.float32)],
        ).get_concrete_function()

    def fit(
        self,
        spectra: NDArray[np.floating],
        index: NDArray[np.integer],
        seed: np.random.SeedSequence,
    ) -> NDArray[np.float32]:
        """Train from new weights.

        Parameters
        ----------
        spectra : array of shape (n, channels)
            Standardised.
        index : int array of shape (n,)
            Class of each spectrum, from 0.
        seed : numpy.random.SeedSequence
            The same seed gives the same classifier on the same machine.

        Returns
        -------
        array of shape (steps,)
            Cross-entropy of each step's batch.
        """
        weights_seed, order_seed = (child_stream(seed, i) for i in range(2))
        self._initialisers.draw(self._network, weights_seed)
        self._adam.reset()
        random = np.random.default_rng(order_seed)
        # Epoch after epoch in a new order, cut into batches without regard to where one ends.
        wanted = self.steps * self.batch_size
        rounds = [random.permutation(len(spectra)) for _ in range(-(-wanted // len(spectra)))]
        order = np.concatenate(rounds)[:wanted].reshape(self.steps, self.batch_size)
        rates = self.learning_rate * 0.5 * (1 + np.cos(np.pi * np.arange(self.steps) / self.steps))
        return self._train(
            np.asarray(spectra, np.float32),
            np.asarray(index, np.int32),
            order.astype(np.int32),
            random.integers(2**31 - 1, size=(self.steps, 2)).astype(np.int32),
            rates.astype(np.float32),
        ).numpy()

    def probabilities(self, spectra: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the probability of each class for each spectrum, shape (n, classes)."""
        spectra = np.asarray(spectra, np.float32)
        blocks = [
            self._predict(spectra[first : first + _BLOCK]).numpy()
            for first in range(0, len(spectra), _BLOCK)
        ]
        return np.concatenate(blocks) if blocks else np.empty((0, self.classes), np.float32)

    # -- inside the compiled function --------------------------------------------------------

    def _run(self, spectra, index, order, seeds, rates):
        steps = tf.shape(order)[0]
        costs = tf.TensorArray(tf.float32, size=steps, element_shape=[])
        for i in tf.range(steps):
            rows = order[i]
            cost = self._step(tf.gather(spectra, rows), tf.gather(index, rows), seeds[i], rates[i])
            costs = costs.write(i, cost)
        return costs.stack()

    @tf.autograph.experimental.do_not_convert
    def _step(self, spectra, index, seed, rate):
        variables = [v.value for v in self._network.trainable_variables]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            logits = self._network(spectra, seed=seed)
            cost = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels=index, logits=logits)
            )
        self._adam.apply(tape.gradient(cost, variables), rate)
        for variable in variables:
            if len(variable.shape) > 1:  # biases keep theirs
                variable.assign_sub(rate * WEIGHT_DECAY * variable)
        return cost
