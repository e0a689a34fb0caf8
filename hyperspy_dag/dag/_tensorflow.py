# SPDX-License-Identifier: GPL-3.0-or-later
"""The one import of TensorFlow and Keras, with TensorFlow's start-up chatter switched off.

Set ``TF_CPP_MIN_LOG_LEVEL`` yourself before the first training to see it.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

try:
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

__all__ = ["keras", "tf"]
