# SPDX-License-Identifier: GPL-3.0-or-later
"""The one import of TensorFlow and Keras, with TensorFlow's start-up chatter switched off.

Its libraries speak of drivers and instruction sets while they load and at the first computation.
Set ``TF_CPP_MIN_LOG_LEVEL=0`` before the first training to see all that they say.
What goes wrong in a computation is an exception all the same.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

#: How lines begin that mean nothing is wrong.
_CHATTER = (b"I0000 ", b"WARNING: All log messages before absl::InitializeLog()")


@contextmanager
def _without_chatter() -> Iterator[None]:
    """Hold back what is written to the process's standard error, then write all but the chatter.

    The level is read after the first lines are out, so that it alone does not stop them.
    """
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        own = os.dup(2)
    except OSError:  # closed, as that of a daemon: nobody hears the chatter
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(own, 2)
            os.close(own)
            held.seek(0)
            os.write(2, b"".join(line for line in held if not line.startswith(_CHATTER)))


_speaks = os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "0" or "tensorflow" in sys.modules
# Errors too: that there is no graphics processor is logged as one.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

try:
    with nullcontext() if _speaks else _without_chatter():
        import keras
        import tensorflow as tf
except ImportError as error:
    raise ImportError(
        "training and sampling need TensorFlow >= 2.18 with Keras 3, which could not be imported "
        f"({error}); install it with: pip install tensorflow"
    ) from error

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"hyperspy_dag trains with the TensorFlow backend of Keras, but this process uses "
        f"{keras.backend.backend()!r}; set the environment variable KERAS_BACKEND=tensorflow "
        "before anything imports keras"
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
