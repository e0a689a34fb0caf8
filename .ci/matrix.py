# SPDX-License-Identifier: GPL-3.0-or-later
"""Wheel and source distribution in fresh environments, oldest and newest, in several Pythons.

The oldest environment has the lower bounds of pyproject.toml, so that a bound that is
too low, or none, is found out. In each, `.ci/smoke.py` does what a new user does first. Pythons
that this machine does not have are left out, and named.

    python .ci/matrix.py FOLDER [NAME ...]

The environments are made in ``FOLDER``; by default all. Needs the ``build`` package.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
AT_A_TIME = 2
"""Environments that are made at a time."""


class Plan(NamedTuple):
    """An environment: name, Python, what of ours is installed, whether the oldest of all."""

    name: str
    python: str
    suffix: str
    oldest: bool = False


PLANS = (
    Plan("oldest", "3.11", ".whl", oldest=True),
    Plan("newest-3.12", "3.12", ".tar.gz"),
    Plan("newest-3.13", "3.13", ".whl"),
)


def find_python(version: str) -> str | None:
    """Path of a Python of this version, or None."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return sys.executable
    beside = sorted(Path(sys.base_prefix).parent.glob(f"{version}.*/bin/python{version}"))
    candidates = [*map(str, beside), shutil.which(f"python{version}")]
    for candidate in filter(None, candidates):
        # a version manager's stand-in may be there for a Python that is not
        if subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
            return candidate
    return None


def lower_bounds() -> list[str]:
    """Every dependency at the oldest version that pyproject.toml allows."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        dependencies = tomllib.load(file)["project"]["dependencies"]
    pins = []
    for dependency in dependencies:
        match = re.fullmatch(r"([][\w.-]+)\s*>=\s*([\w.]+)(?:,.*)?", dependency)
        if match is None:
            raise SystemExit(f"pyproject.toml: {dependency!r} has no lower bound")
        pins.append("==".join(match.groups()))
    return pins


def run(log: Path, *command: object, cwd: Path, environment: dict[str, str]) -> None:
    """Run a command, its output into a log."""
    with log.open("a") as file:
        subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            check=True,
        )


def attempt(plan: Plan, python: str, folder: Path, distribution: Path) -> tuple[bool, str]:
    """Make an environment and run the smoke test in it; whether that went well, and what to say."""
    begin = time.perf_counter()
    place = folder / plan.name
    place.mkdir()
    log = place / "log.txt"
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "MPLBACKEND", "DISPLAY")
    environment = {k: v for k, v in os.environ.items() if k not in hidden}
    environment |= {
        "PYTHONNOUSERSITE": "1",
        "OMP_NUM_THREADS": "1",
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
    }
    inside = place / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    work = place / "work"
    work.mkdir()
    pins = lower_bounds() if plan.oldest else []
    steps = (
        (python, "-m", "venv", place / "venv"),
        (inside, "-m", "pip", "install", "--quiet", distribution, *pins),
        (inside, "-m", "pip", "check"),
        (inside, ROOT / ".ci" / "smoke.py"),
    )
    for step in steps:
        try:
            run(log, *step, cwd=work, environment=environment)
        except subprocess.CalledProcessError:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-40:])
            shown = " ".join(map(str, step))
            return False, f"{plan.name}: {shown} failed\n{tail}"
    last = log.read_text(errors="replace").splitlines()[-1]
    shutil.rmtree(place / "venv")  # some two gigabytes
    return True, f"{plan.name} ({time.perf_counter() - begin:.0f} s): {last}"


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    dist = folder / "dist"
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", dist, ROOT],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    chosen = []
    wanted = sys.argv[2:] or [plan.name for plan in PLANS]
    for plan in PLANS:
        if plan.name not in wanted:
            continue
        python = find_python(plan.python)
        if python is None:
            print(f"{plan.name}: left out, there is no Python {plan.python} here")
        else:
            (distribution,) = dist.glob(f"*{plan.suffix}")
            chosen.append((plan, python, folder, distribution))
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        results = list(pool.map(lambda arguments: attempt(*arguments), chosen))
    for _, message in results:
        print(message)
    if not results or not all(good for good, _ in results):
        raise SystemExit("not every environment works")


if __name__ == "__main__":
    main()
