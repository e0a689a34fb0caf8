# SPDX-License-Identifier: GPL-3.0-or-later
"""The one import of TensorFlow and Keras."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from hyperspy_dag._utils.start_up import quiet_start_up

# Known once Keras is imported; before, from the variable alone: Keras would fail to find JAX, say.
_backend = None if "keras" in sys.modules else os.environ.get("KERAS_BACKEND")
try:
    if _backend in (None, "", "tensorflow"):
        with quiet_start_up():
            import keras
            import tensorflow as tf
        _backend = keras.config.backend()
except ImportError as error:
    raise ImportError(
        "training needs TensorFlow >= 2.18 with Keras 3, which could not be imported "
        f"({error}); install it with: pip install tensorflow"
    ) from error

if _backend != "tensorflow":
    raise ImportError(
        f"hyperspy_dag trains with the TensorFlow backend of Keras, but this process uses "
        f"{_backend!r}: start Python anew with the environment variable KERAS_BACKEND=tensorflow, "
        'or set os.environ["KERAS_BACKEND"] = "tensorflow" before anything imports keras'
    )

for _gpu in tf.config.list_physical_devices("GPU"):
    try:
        # By default TensorFlow takes all of a GPU's memory, from other workers and programs too.
        tf.config.experimental.set_memory_growth(_gpu, True)
    except RuntimeError as _error:
        logging.getLogger(__name__).warning(
            "TensorFlow was in use already, so that it keeps the GPU memory it has taken: %s",
            _error,
        )


@contextmanager
def single_precision() -> Iterator[None]:
    """Make layers in single precision, whatever the user's own networks are to have.

    Keras keeps its policy for each thread by itself, so that no other sees this one.
    """
    own = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(own)


__all__ = ["keras", "single_precision", "tf"]
