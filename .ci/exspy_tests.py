# SPDX-License-Identifier: GPL-3.0-or-later
"""Do exSpy's own tests end, one by one, as they do without this package?

Runs them twice with the Python that runs this script: with the package as it is installed there,
then with the package uninstalled. The environment is left without it: use one made for this.
Tests that download data fail alike in both runs where there is no network.

    python .ci/exspy_tests.py FOLDER

``FOLDER`` receives the two JUnit files and the two logs.
"""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from pathlib import Path

PACKAGES = ("exspy.tests.signals", "exspy.tests.models", "exspy.tests.components")
LEAST_PASSED = 400  # fewer would mean that something other than the network is amiss

# Says whether HyperSpy sees the package, and whether the methods are there
PROBE = """
import numpy as np, hyperspy.api as hs
from hyperspy.extensions import _extensions
s = hs.signals.Signal1D(np.ones((2, 8))); s.set_signal_type("EELS")
print(any(e.name.startswith("hyperspy_dag") for e in _extensions), hasattr(s, "dag_augment"))
"""


def is_active(folder: Path) -> bool:
    """Whether the package is registered and has added its methods; not something in between."""
    output = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=folder, check=True, capture_output=True, text=True
    ).stdout
    answers = set(output.split()[-2:])
    if len(answers) != 1:
        raise SystemExit(f"registered and extended do not agree: {output}")
    return answers == {"True"}


def run(folder: Path, name: str) -> dict[str, Counter[str]]:
    """Outcomes of exSpy's tests by test."""
    junit = folder / f"{name}.xml"
    with (folder / f"{name}.log").open("w") as log:
        command = [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", "-n", "2"]
        subprocess.run(
            [*command, f"--junitxml={junit}", "--pyargs", *PACKAGES],
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,  # tests that download fail where there is no network
        )
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    for case in ET.parse(junit).getroot().iter("testcase"):
        tags = {child.tag for child in case} & {"failure", "error", "skipped"}
        outcomes[f"{case.get('classname')}::{case.get('name')}"][
            "+".join(sorted(tags)) or "passed"
        ] += 1
    return dict(outcomes)


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    if not is_active(folder):
        raise SystemExit("hyperspy_dag is not installed in this environment")
    with_package = run(folder, "with")
    subprocess.run(
        [sys.executable, "-m", "pip", "uninstall", "--quiet", "--yes", "hyperspy_dag"], check=True
    )
    if is_active(folder):
        raise SystemExit("hyperspy_dag is still there after it has been uninstalled")
    without = run(folder, "without")

    for name, outcomes in (("with   ", with_package), ("without", without)):
        total = sum(outcomes.values(), Counter())
        print(f"{name} hyperspy_dag:", ", ".join(f"{n} {o}" for o, n in sorted(total.items())))
    different = sorted(
        test
        for test in with_package.keys() | without.keys()
        if with_package.get(test) != without.get(test)
    )
    for test in different:
        print(f"{test}: with {with_package.get(test)}, without {without.get(test)}")
    if different:
        raise SystemExit(f"{len(different)} of exSpy's tests end differently with hyperspy_dag")
    passed = sum(outcomes["passed"] for outcomes in without.values())
    if passed < LEAST_PASSED:
        raise SystemExit(f"only {passed} of exSpy's tests pass: nothing worth comparing")
    print(f"each of exSpy's {len(without)} tests ends alike")


if __name__ == "__main__":
    main()
