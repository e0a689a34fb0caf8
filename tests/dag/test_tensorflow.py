# SPDX-License-Identifier: GPL-3.0-or-later
"""How TensorFlow is brought in, in fresh processes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CODE = """
import os, sys, types
class Loud:
    def find_spec(self, name, path=None, target=None):
        if name == "keras":
            sys.meta_path.remove(self)
            os.write(2, b"I0000 00:00 chatter\\nsomething matters\\n")
sys.meta_path.insert(0, Loud())
from hyperspy_dag.dag._tensorflow import tf
tf.random.stateless_normal([2, 3], [1, 2]) @ tf.ones([3, 1])
print("after", file=sys.stderr)
"""


def errors(**environment: str) -> list[str]:
    kept = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    result = subprocess.run(
        [sys.executable, "-c", CODE],
        env=kept | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stderr.splitlines()


def test_start_up_chatter_is_held_back_unless_asked_for_and_all_else_is_not():
    assert errors() == ["something matters", "after"]
    asked = errors(TF_CPP_MIN_LOG_LEVEL="0")
    assert "I0000 00:00 chatter" in asked and asked[-1] == "after"


@pytest.mark.parametrize(
    ("before", "named"),
    [
        ("os.environ['KERAS_BACKEND'] = 'jax'", "'jax'"),
        ("import keras; keras.config.backend = lambda: 'torch'", "'torch'"),
    ],
)
def test_another_backend_is_named_with_what_to_do(before, named):
    """Whether it is installed or not, and before Keras is imported or after."""
    code = f"import os; {before}; import hyperspy_dag.dag._tensorflow"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    last = said.stderr.splitlines()[-1]
    assert said.returncode == 1 and last.startswith("ImportError: ")
    assert named in last and "KERAS_BACKEND=tensorflow" in last


@pytest.mark.parametrize("backend", ["", None])
def test_the_backend_is_tensorflow_unless_another_is_named(backend, tmp_path):
    """Whatever the user's file of Keras says."""
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')
    kept = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    named = {} if backend is None else {"KERAS_BACKEND": backend}
    code = "from hyperspy_dag.dag._tensorflow import keras; print(keras.config.backend())"
    told = subprocess.run(
        [sys.executable, "-c", code],
        env=kept | named | {"KERAS_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "tensorflow\n"
