# SPDX-License-Identifier: GPL-3.0-or-later
"""How TensorFlow is started, by this package or by one that imports TensorFlow itself."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

#: How lines begin that mean nothing is wrong.
_CHATTER = (b"I0000 ", b"WARNING: All log messages before absl::InitializeLog()")

#: What lines hold that TensorFlow 2.18 and 2.19 log as errors wherever there is a GPU.
_TWICE = (b"factory for plugin", b"computation placer already registered")


@contextmanager
def quiet_start_up() -> Iterator[None]:
    """Import TensorFlow and Keras here without what TensorFlow says at its start.

    Its libraries speak of drivers and instruction sets while they load and at the first
    computation. Set ``TF_CPP_MIN_LOG_LEVEL=0`` before to see all that they say. What goes wrong in
    a computation is an exception all the same. Keras begins with TensorFlow as its backend, unless
    ``KERAS_BACKEND`` says otherwise.

    Examples
    --------
    >>> with quiet_start_up():
    ...     import keras
    """
    speaks = os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "0" or "tensorflow" in sys.modules
    # Errors too: that there is no graphics processor is logged as one.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if speaks:
        yield
        return
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        own = os.dup(2)
    except OSError:  # closed, as that of a daemon: nobody hears the chatter
        yield
        return
    # The level is read after the first lines are out, so that it alone does not stop them.
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(own, 2)
            os.close(own)
            held.seek(0)
            os.write(2, b"".join(line for line in held if not _is_chatter(line)))


def _is_chatter(line: bytes) -> bool:
    return line.startswith(_CHATTER) or any(said in line for said in _TWICE)
