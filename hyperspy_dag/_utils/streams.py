# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams of random numbers and all of their keys (NumPy alone).

A stream is a :class:`numpy.random.SeedSequence`. The stream of a class depends on the augmenter's
random state, the class and the purpose, but not on the other classes. Its child streams have the
keys of this module.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

# What a class's streams are for.
FIT, SAMPLE, HALVES = "fit", "sample", "halves"

# Streams of a training: first weights, order of the spectra and seeds of an epoch, latent vectors
# of an epoch, sizes of the published generator's translations.
WEIGHTS, EPOCH, EPOCH_LATENT, TRANSLATIONS = 0, 1, 2, 3

# Streams of drawn latent vectors, and of what else a block of drawn spectra needs.
ORDER, DIRECTIONS, FREE_LATENT, BLOCK_NOISE, BROAD = 0, 1, 2, 3, 4
BLOCK_CONDITIONS, BLOCK_DOSE = 5, 6


def class_stream(label: Any, purpose: str, random_state: int) -> np.random.SeedSequence:
    """Return the random stream of a class for a purpose.

    Parameters
    ----------
    label : str, int or bool
        The class.
    purpose : str
        One of :data:`FIT`, :data:`SAMPLE` and :data:`HALVES`.
    random_state : int
    """
    name = f"{type(label).__name__}:{label}:{purpose}".encode()
    key = np.frombuffer(hashlib.sha256(name).digest()[:16], np.uint32)
    return np.random.SeedSequence(random_state, spawn_key=tuple(map(int, key)))


def child_stream(seed: np.random.SeedSequence, *key: int) -> np.random.SeedSequence:
    """Return the child stream of a stream for a key."""
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, *key))
