# SPDX-License-Identifier: GPL-3.0-or-later
"""The neural network that tells classes of spectra apart: one dense branch, one convolutional.

The kind of classifier that del-Pozo-Bueno et al. 2024 judge synthetic spectra with. Here it is
small: strided convolutions, no pooling, because where a white line lies is what matters.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hyperspy_dag._utils.streams import child_stream

from ._tensorflow import keras, single_precision

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


def two_branch_network(channels: int, classes: int, seed: np.random.SeedSequence) -> keras.Model:
    """Build the dense and the convolutional branch, joined; the outputs are probabilities.

    Parameters
    ----------
    channels, classes : int
    seed : numpy.random.SeedSequence
        Of the initial weights and of the dropout.
    """
    layers, random = keras.layers, np.random.default_rng(seed)

    def draw() -> int:
        return int(random.integers(2**31))

    def dense(x, units, activation="relu"):
        start = keras.initializers.GlorotUniform(draw())
        return layers.Dense(units, activation, kernel_initializer=start)(x)

    def drop(x, rate=DROPOUT):
        return layers.Dropout(rate, seed=draw())(x)

    spectra = keras.Input([channels])
    first = spectra
    for units in DENSE_UNITS:
        first = drop(dense(first, units), DENSE_DROPOUT)
    second = layers.Reshape([channels, 1])(spectra)
    for filters, size, strides in CONVOLUTIONS:
        second = layers.Conv1D(
            filters,
            size,
            strides,
            padding="same",
            data_format="channels_last",
            activation="relu",
            kernel_initializer=keras.initializers.GlorotUniform(draw()),
        )(second)
    second = dense(drop(layers.Flatten(data_format="channels_last")(second)), DENSE_UNITS[-1])
    joined = drop(layers.Concatenate()([first, second]))
    joined = drop(dense(joined, JOINED_UNITS))
    return keras.Model(spectra, dense(joined, classes, "softmax"))


class TwoBranchClassifier:
    """Trains a :func:`two_branch_network` and predicts with it.

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

    def fit(
        self,
        spectra: NDArray[np.floating],
        index: NDArray[np.integer],
        seed: np.random.SeedSequence,
    ) -> None:
        """Train from new weights.

        Parameters
        ----------
        spectra : array of shape (n, channels)
            Standardised.
        index : int array of shape (n,)
            Class of each spectrum, from 0.
        seed : numpy.random.SeedSequence
            The same seed gives the same classifier on the same machine.
        """
        network_seed, order_seed = (child_stream(seed, i) for i in range(2))
        random = np.random.default_rng(order_seed)
        # Epoch after epoch in a new order, cut into batches without regard to where one ends.
        wanted = self.steps * self.batch_size
        rounds = [random.permutation(len(spectra)) for _ in range(-(-wanted // len(spectra)))]
        order = np.concatenate(rounds)[:wanted].reshape(self.steps, self.batch_size)
        spectra = np.asarray(spectra, np.float32)
        with single_precision():
            self._network = two_branch_network(self.channels, self.classes, network_seed)
            rates = keras.optimizers.schedules.CosineDecay(self.learning_rate, self.steps)
            optimiser = keras.optimizers.AdamW(rates, WEIGHT_DECAY)
            optimiser.exclude_from_weight_decay(var_names=["bias"])
            self._network.compile(optimiser, "sparse_categorical_crossentropy")
            batches = ((spectra[rows], index[rows]) for rows in order)
            self._network.fit(batches, steps_per_epoch=self.steps, shuffle=False, verbose=0)

    def probabilities(self, spectra: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the probability of each class for each spectrum, shape (n, classes)."""
        spectra = np.asarray(spectra, np.float32)
        # Keras' `predict` compiles a function for each network, and TensorFlow warns of that.
        blocks = [
            self._network(spectra[first : first + _BLOCK], training=False).numpy()
            for first in range(0, len(spectra), _BLOCK)
        ]
        return np.concatenate(blocks) if blocks else np.empty((0, self.classes), np.float32)
