# SPDX-License-Identifier: GPL-3.0-or-later
"""What the package costs at import, and what it adds to `import hyperspy.api`.

Each figure is a median over fresh processes, timed within the process by its own clock (the
interpreter's start is not in it) and, for `import hyperspy_dag`, also from outside as the
difference to a bare interpreter. The variants take turns, so that a machine that slows down does
so for all of them.

    python benchmarks/import_time.py [--repeats 25]

Install the package first: HyperSpy must find its entry points.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import statistics
import subprocess
import sys
import time

TIMED = """
import time
start = time.perf_counter()
{statement}
print(time.perf_counter() - start)
"""
HIDE = """
import importlib.metadata as metadata
original = metadata.entry_points
def entry_points(**kwargs):
    points = original(**kwargs)
    if "group" not in kwargs:
        return points
    return metadata.EntryPoints(p for p in points if not p.name.startswith("hyperspy_dag"))
metadata.entry_points = entry_points
import importlib.util
"""
# The same code in both, so that only the entry points differ
PASS = HIDE.replace('if not p.name.startswith("hyperspy_dag")', "")
# Slicing looks for labels in every EELSSpectrum: the cost where there are none
SLICE = """
import statistics, timeit
import numpy as np, hyperspy.api as hs
s = hs.signals.Signal1D(np.ones((20, 20, 100)))
s.set_signal_type("EELS")
targets = {
    "with": type(s)._additional_slicing_targets,
    "without": hs.signals.Signal1D._additional_slicing_targets,
}
assert len(targets["with"]) == len(targets["without"]) + 1
times = {name: [] for name in targets}
for _ in range(200):
    for name, value in targets.items():
        type(s)._additional_slicing_targets = value
        times[name].append(timeit.timeit(lambda: s.inav[2:5, 1:3], number=3) / 3)
print(*(1e6 * statistics.median(values) for values in times.values()))
"""


def run(code: str) -> tuple[list[float], float]:
    """The numbers that a fresh process prints last, and its whole duration in seconds."""
    environment = {k: v for k, v in os.environ.items() if k != "HYPERSPY_DAG_NO_HOOK"}
    start = time.perf_counter()
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    )
    duration = time.perf_counter() - start
    return [float(number) for number in result.stdout.splitlines()[-1].split()], duration


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=25)
    repeats = parser.parse_args().repeats
    points = importlib.metadata.entry_points(group="hyperspy.extensions")
    if not any(point.name == "hyperspy_dag._hook" for point in points):
        raise SystemExit("install hyperspy_dag first: HyperSpy does not see its entry points")

    variants = {
        "bare": TIMED.format(statement="pass"),
        "ours": TIMED.format(statement="import hyperspy_dag"),
        "hyperspy without": HIDE + TIMED.format(statement="import hyperspy.api"),
        "hyperspy with": PASS + TIMED.format(statement="import hyperspy.api"),
    }
    inner: dict[str, list[float]] = {name: [] for name in variants}
    outer: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(repeats):
        for name, code in variants.items():
            (own_time,), duration = run(code)
            inner[name].append(own_time)
            outer[name].append(duration)
    own = {name: 1e3 * statistics.median(values) for name, values in inner.items()}
    whole = {name: 1e3 * statistics.median(values) for name, values in outer.items()}
    slicing_with, slicing_without = run(SLICE)[0]

    print(f"medians over {repeats} fresh processes each, Python {sys.version.split()[0]}")
    print(f"bare interpreter, start to end  {whole['bare']:8.1f} ms")
    print(f"import hyperspy_dag             {own['ours']:8.1f} ms by its own clock")
    print(f"                                {whole['ours'] - whole['bare']:8.1f} ms beyond bare")
    print(f"import hyperspy.api, without    {own['hyperspy without']:8.1f} ms")
    print(f"import hyperspy.api, with       {own['hyperspy with']:8.1f} ms")
    added = own["hyperspy with"] - own["hyperspy without"]
    print(f"added to import hyperspy.api    {added:8.1f} ms")
    print(f"s.inav[2:5, 1:3], without       {slicing_without:8.0f} us")
    print(f"s.inav[2:5, 1:3], with          {slicing_with:8.0f} us")


if __name__ == "__main__":
    main()
