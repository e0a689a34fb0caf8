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


@pytest.mark.slow
def test_nothing_is_on_the_screen_but_what_is_ours(run_python):
    """In the process, in those beside it, and where UMAP imports TensorFlow itself."""
    told = run_python(
        """
        import hyperspy.api as hs
        from hyperspy_dag import EELSAugmenter
        from hyperspy_dag.data import simulated_oxides

        if __name__ == "__main__":
            s, labels = simulated_oxides("WL-Mn", {"MnO": 40, "MnO2": 40})
            try:
                from hyperspy_dag.labels import cluster
                cluster(s, "umap", random_state=0)
            except ImportError:
                pass
            quiet = {"show_progressbar": False}
            s.dag_augment(labels, max_epochs=1, n_spectra=5, random_state=0, **quiet)
            EELSAugmenter(max_epochs=1).fit(s, labels, n_jobs=2, **quiet).classify(s)
        """,
        env={"TF_CPP_MIN_LOG_LEVEL": None},
    )
    assert told.stderr == told.stdout == ""


def test_exspy_is_imported_without_its_deprecations(run_python):
    told = run_python(
        "import hyperspy.api as hs; hs.signals.Signal1D([1.0]).set_signal_type('EELS')"
    )
    assert told.stderr == ""
