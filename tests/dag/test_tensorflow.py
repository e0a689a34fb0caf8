# SPDX-License-Identifier: GPL-3.0-or-later
"""How TensorFlow is brought in, in fresh processes."""

from __future__ import annotations

import os
import subprocess
import sys

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
