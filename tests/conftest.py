# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests share: the real spectra and fresh Python processes."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Callable
from pathlib import Path

import matplotlib
import pytest

ROOT = Path(__file__).resolve().parents[1]
DATA_VARIABLE = "HYPERSPY_DAG_DATA"

matplotlib.use("agg")  # no test may wait for a window

#: Marks of one more case of what others show: `make test-all` alone runs it.
THOROUGH = [pytest.mark.slow, pytest.mark.thorough]

#: Mark of what Windows does not have.
POSIX = pytest.mark.skipif(os.name == "nt", reason="POSIX signals, permissions and limits")


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """Path of one of the real EELS files; skips the test where they are absent."""

    def find(name: str) -> Path:
        given = os.environ.get(DATA_VARIABLE)
        folder = Path(given) if given else ROOT.parent / "shared" / "data"
        path = folder / name
        if not path.exists():
            pytest.skip(
                f"the real spectra {name} are not in {folder}; "
                f"set {DATA_VARIABLE} to the folder that has them"
            )
        return path

    return find


def entry_points() -> dict[str, str]:
    """The entry points that pyproject.toml declares for HyperSpy."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["entry-points"]["hyperspy.extensions"]


def write_dist_info(folder: Path, name: str, version: str, points: dict[str, str]) -> None:
    """Declare a distribution with HyperSpy entry points in ``folder``, as pip would."""
    dist_info = folder / f"{name}-{version}.dist-info"
    dist_info.mkdir(parents=True)
    (dist_info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    )
    lines = "".join(f"{key} = {value}\n" for key, value in points.items())
    (dist_info / "entry_points.txt").write_text(f"[hyperspy.extensions]\n{lines}")


@pytest.fixture(scope="session")
def registered_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment variables under which a fresh Python has the package registered.

    Where the package is installed that is so anyway. In a bare checkout its entry points are
    declared in a temporary folder on ``PYTHONPATH``.
    """
    environment = {k: v for k, v in os.environ.items() if k != "HYPERSPY_DAG_NO_HOOK"}
    installed = {p.name for p in importlib.metadata.entry_points(group="hyperspy.extensions")}
    if set(entry_points()) <= installed:
        return environment
    folder = tmp_path_factory.mktemp("registered")
    write_dist_info(folder, "hyperspy_dag", "0", entry_points())
    path = [str(folder), str(ROOT), environment.get("PYTHONPATH", "")]
    return environment | {"PYTHONPATH": os.pathsep.join(filter(None, path))}


@pytest.fixture
def run_python(
    registered_environment: dict[str, str], tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a script in a fresh Python process.

    ``run_python(code, *arguments, env={}, options=(), check=True)``: ``code`` is dedented and finds
    ``arguments`` in ``sys.argv[1:]``; ``env`` is added to the environment (None removes a
    variable); with ``check`` a failing script fails the test and shows what it wrote.
    """

    def run(
        code: str,
        *arguments: object,
        env: dict[str, str | None] | None = None,
        options: tuple[str, ...] = (),
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        environment = registered_environment | {"MPLBACKEND": "agg"} | (env or {})
        result = subprocess.run(
            [sys.executable, *options, "-c", textwrap.dedent(code), *map(str, arguments)],
            env={k: v for k, v in environment.items() if v is not None},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
        )
        if check and result.returncode != 0:
            pytest.fail(f"the script failed:\n{result.stdout}\n{result.stderr}", pytrace=False)
        return result

    return run
