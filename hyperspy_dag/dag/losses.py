# SPDX-License-Identifier: GPL-3.0-or-later
"""What discriminators and generators are trained to lower, from the discriminators' logits."""

from __future__ import annotations

from ._tensorflow import tf


def discriminator_loss(
    loss: str, real: tf.Tensor, generated: tf.Tensor, real_label: float
) -> tf.Tensor:
    """Cost of a discriminator.

    Parameters
    ----------
    loss : {"cross_entropy", "relativistic"}
    real, generated : tensor of shape (n,)
        Logits.
    real_label : float
        Target of the real spectra (one-sided label smoothing); the cross-entropy's alone.
    """
    if loss == "relativistic":
        return tf.reduce_mean(tf.nn.softplus(generated - real))
    return tf.reduce_mean(
        tf.nn.sigmoid_cross_entropy_with_logits(tf.fill(tf.shape(real), real_label), real)
        + tf.nn.sigmoid_cross_entropy_with_logits(tf.zeros_like(generated), generated)
    )


def generator_loss(loss: str, real: tf.Tensor | None, generated: tf.Tensor) -> tf.Tensor:
    """Cost of the generator, non-saturating; arguments as of :func:`discriminator_loss`.

    The cross-entropy does not look at `real`.
    """
    if loss == "relativistic":
        return tf.reduce_mean(tf.nn.softplus(real - generated))
    return tf.reduce_mean(
        tf.nn.sigmoid_cross_entropy_with_logits(tf.ones_like(generated), generated)
    )
