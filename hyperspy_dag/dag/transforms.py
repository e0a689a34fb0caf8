# SPDX-License-Identifier: GPL-3.0-or-later
"""The transforms of the data-augmentation GAN: T1 random energy shift, T2 random Poissonian noise.

Source: del-Pozo-Bueno et al. 2024 (T1, T2); Tran et al., IEEE TIP 30, 1882 (2021) for why the
same transform must act on real and on generated spectra: only then does matching the transformed
distributions imply matching the distributions themselves. Every spectrum has its own draw.
"""

from __future__ import annotations

from . import draws
from ._tensorflow import tf


def shift_channels(spectra: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    """Shift each spectrum by its own whole number of channels, edges padded.

    Parameters
    ----------
    spectra : tensor of shape (n, channels)
    shift : integer tensor of shape (n,)
        Channels; positive moves features to higher energy loss.

    Returns
    -------
    tensor of shape (n, channels)
    """
    channels = tf.shape(spectra)[1]
    index = tf.range(channels)[None, :] - shift[:, None]
    return tf.gather(spectra, tf.clip_by_value(index, 0, channels - 1), batch_dims=1)


def random_energy_shift(spectra: tf.Tensor, seed: tf.Tensor, max_shift: int) -> tf.Tensor:
    """T1: shift each spectrum by a uniform draw of -max_shift … +max_shift channels.

    Parameters
    ----------
    spectra : tensor of shape (n, channels)
    seed : integer tensor of shape (2,)
    max_shift : int
        Channels.
    """
    count = tf.shape(spectra)[0]
    shift = tf.random.stateless_uniform([count], seed, -max_shift, max_shift + 1, tf.int32)
    return shift_channels(spectra, shift)


def random_poisson_noise(spectra: tf.Tensor, seed: tf.Tensor, max_level: float) -> tf.Tensor:
    r"""T2: add noise whose variance is proportional to intensity, as counting noise has.

    :math:`y = x + a\sqrt{\max(x, 0)}\,\varepsilon` with :math:`\varepsilon` standard normal and
    :math:`a` uniform in 0 … `max_level` for each spectrum. A maximum-normalised spectrum with
    :math:`N` counts in its highest channel has :math:`a = N^{-1/2}`; the normal form of the
    Poisson law is used because it lets the gradient through to the generator.

    Parameters
    ----------
    spectra : tensor of shape (n, channels)
    seed : integer tensor of shape (2,)
    max_level : float
        Largest relative standard deviation at intensity 1.
    """
    seeds = tf.random.split(seed, 2)
    level = tf.random.stateless_uniform([tf.shape(spectra)[0], 1], seeds[0], 0.0, max_level)
    noise = draws.normal(tf.shape(spectra), seeds[1])
    # The amplitude is a property of the drawn noise, not a handle for the generator.
    amplitude = tf.stop_gradient(tf.sqrt(tf.maximum(spectra, 0.0)))
    return spectra + level * amplitude * noise


def apply_view(
    view: str, spectra: tf.Tensor, seed: tf.Tensor, *, max_shift: int, max_noise: float
) -> tf.Tensor:
    """Show `spectra` in the named view of :data:`hyperspy_dag.dag.designs.VIEWS`."""
    if view == "untransformed":
        return spectra
    if view == "shift":
        return random_energy_shift(spectra, seed, max_shift)
    if view == "noise":
        return random_poisson_noise(spectra, seed, max_noise)
    raise ValueError(f"unknown view {view!r}")
