# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions of :mod:`hyperspy_dag.dag.condition_physics` in TensorFlow, with gradients."""

from __future__ import annotations

from typing import Any

from ._tensorflow import tf


class TensorOperations:
    """The operations that conditions are written in; pass it as their ``ops``."""

    exp, log, maximum, minimum, floor = (
        tf.exp,
        tf.math.log,
        tf.maximum,
        tf.minimum,
        tf.floor,
    )

    @staticmethod
    def array(values: Any) -> tf.Tensor:
        """Numbers as a tensor of single precision."""
        return tf.cast(tf.convert_to_tensor(values), tf.float32)

    @staticmethod
    def rfft(spectra: tf.Tensor, size: int) -> tf.Tensor:
        """Fourier transform of spectra continued with zeros to a size."""
        return tf.signal.rfft(spectra, [size])

    @staticmethod
    def irfft(transform: tf.Tensor, size: int) -> tf.Tensor:
        """Inverse of :meth:`rfft`."""
        return tf.signal.irfft(transform, [size])

    @staticmethod
    def complex(real: tf.Tensor, imaginary: tf.Tensor) -> tf.Tensor:
        """Complex numbers."""
        return tf.complex(real, imaginary)

    @staticmethod
    def maxima(spectra: tf.Tensor) -> tf.Tensor:
        """Maximum of each spectrum, shape (n, 1)."""
        return tf.reduce_max(spectra, axis=1, keepdims=True)

    @staticmethod
    def extended(spectra: tf.Tensor, by: int) -> tf.Tensor:
        """Spectra with their end values repeated on both sides."""
        left = tf.repeat(spectra[:, :1], by, axis=1)
        right = tf.repeat(spectra[:, -1:], by, axis=1)
        return tf.concat([left, spectra, right], axis=1)

    @staticmethod
    def taken(spectra: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
        """Values of each spectrum at channels of its own, shape (n, channels)."""
        return tf.gather(spectra, tf.cast(index, tf.int32), batch_dims=1)
