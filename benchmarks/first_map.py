# SPDX-License-Identifier: GPL-3.0-or-later
"""From `pip install .` to a classified second map, by the README's first example alone.

    python benchmarks/first_map.py

Clones this source into a temporary folder, makes a virtual environment, installs, types the first
Python example of the README and looks at what comes onto the screen. Needs the package index. Then
judges the map by its truth, beside classifiers of the labelled spectra as they are and with white
noise that makes them scatter as the next map does before the edge. Writes
``benchmarks/results/first_map.json`` and ``docs/images/first_map.png``.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

#: Appended to the example: how much of the map is right, and its picture.
JUDGE = """
import json
from hyperspy_dag import EELSAugmenter
from hyperspy_dag.validation import make_classifier
truth = np.array(list(s.metadata.Simulation.classes.as_dictionary()))[grains]
s, s_next = (one.dag_preprocess(**ranges) for one in (s, s_next))
before = s.axes_manager.signal_axes[0].axis < ranges["background_range"][1]
scatter = [np.median(one.data[..., before].var(axis=-1)) for one in (s, s_next)]
noise = np.random.default_rng(0).standard_normal((5, *s.data.shape))
noisy = s.data + noise * np.sqrt(max(scatter[1] - scatter[0], 0))
def right(found):
    return round(float(np.mean(found.reshape(truth.shape) == truth)), 3)
def by_svm(spectra, labels):
    flat = s_next.data.reshape(-1, s_next.data.shape[-1])
    return right(make_classifier("svm", 0).fit(spectra, labels).predict(flat))
print("JUDGED", json.dumps({
    "labelled spectra": by_svm(s.data, labels),
    "with white noise, scatter matched": by_svm(
        np.concatenate(noisy / noisy.max(axis=-1, keepdims=True)), np.tile(labels, 5)),
    "statistical model as labelled": right(
        EELSAugmenter(random_state=0).fit(s, labels).classify(s_next).labels),
    "adapted": right(phases.labels),
}))
import matplotlib.pyplot as plt
figure = plt.gcf()
figure.set_size_inches(4.2, 2.4)
figure.savefig("first_map.png", dpi=110, bbox_inches="tight")
"""


def example() -> str:
    """The first Python example of the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.search(r"```python\n(.*?)```", text, flags=re.DOTALL).group(1)


def run(*command: object, cwd: Path) -> tuple[str, dict[str, int]]:
    """What a command shows, and the seconds that it takes: of the clock, and of processors."""
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    environment = {k: v for k, v in os.environ.items() if k not in hidden} | {"MPLBACKEND": "agg"}
    begin, used = time.perf_counter(), _processor_seconds()
    result = subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    took = {"clock": time.perf_counter() - begin, "processor": _processor_seconds() - used}
    if result.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{result.stdout}")
    return result.stdout, {name: round(seconds) for name, seconds in took.items()}


def _processor_seconds() -> float:
    """Of the commands that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure, and write what was found."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = folder / "dag" / "bin" / "python"
        run("git", "clone", "--quiet", ROOT, folder / "source", cwd=folder)
        run(sys.executable, "-m", "venv", folder / "dag", cwd=folder)
        _, installing = run(python, "-m", "pip", "install", "-q", ".", cwd=folder / "source")
        shown, classifying = run(python, "-c", example(), cwd=folder)
        (folder / "phases.hspy").unlink()
        judged, _ = run(python, "-c", example() + JUDGE, cwd=folder)
        picture = (folder / "first_map.png").read_bytes()
    lines = [line.strip() for line in re.split(r"[\r\n]+", shown) if line.strip()]
    bars = [line for line in lines if "%|" in line]
    said = [line for line in lines if "nothing to train" in line]
    found = {
        "install_seconds": installing,
        "example_seconds": classifying,
        "cores": len(os.sched_getaffinity(0)),
        "lines of progress bars": len(bars),
        "lines that say what was done": said,
        "stray lines": [line for line in lines if line not in bars + said],
        "right": json.loads(re.search(r"^JUDGED (.*)$", judged, flags=re.MULTILINE).group(1)),
    }
    text = json.dumps(found, indent=1, ensure_ascii=False)
    print(text)
    (ROOT / "benchmarks/results/first_map.json").write_text(text + "\n", encoding="utf-8")
    (ROOT / "docs/images/first_map.png").write_bytes(picture)


if __name__ == "__main__":
    main()
