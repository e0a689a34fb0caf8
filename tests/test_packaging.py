# SPDX-License-Identifier: GPL-3.0-or-later
"""The built wheel and an editable install, each with its dependencies in a fresh environment.

HyperSpy's import fails for everything in an environment where an extension's yaml is missing, so
what is tested is what users install. Needs the package index; does not skip without it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, entry_points

import hyperspy_dag
from hyperspy_dag.io.signals import synthetic_signal
from hyperspy_dag.preprocessing.energy_axis import EnergyAxis

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]

PROBE = """
import json, logging, sys
import hyperspy.api as hs
import numpy as np
said = []
class Kept(logging.Handler):
    def emit(self, record):
        said.append(record.getMessage())
logging.getLogger("hyperspy").addHandler(Kept())
s = hs.signals.Signal1D(np.ones((2, 3, 8)))
s.set_signal_type("EELS")
hs.model.components1D.PowerLaw()
import importlib.metadata, importlib.util
from hyperspy.extensions import _extensions
spec = importlib.util.find_spec("hyperspy_dag")
print(json.dumps({
    "version": importlib.metadata.version("hyperspy_dag") if spec else None,
    "module version": __import__("hyperspy_dag").__version__ if spec else None,
    "origin": spec.origin if spec else None,
    "registered": sorted(e.name for e in _extensions if e.name.startswith("hyperspy_dag")),
    "methods": [hasattr(x, n) for x in (s, s.as_lazy()) for n in ("dag_preprocess", "dag_augment")],
    "tensorflow": "tensorflow" in sys.modules,
    "tensorflow found": importlib.util.find_spec("tensorflow") is not None,
    "said": said,
}))
"""

WITHOUT = """
import sys
import hyperspy.api as hs
s = hs.load(sys.argv[1])
axis = s.axes_manager.signal_axes[0]
classes = [str(name) for name in s.metadata.DAG.classes.as_dictionary().values()]
print(type(s).__name__, axis.offset, axis.scale, axis.units, classes, s.data.sum())
"""


def run(*command: object, cwd: Path) -> str:
    # an environment of its own: nothing of the one that runs the tests may help
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "HYPERSPY_DAG_NO_HOOK")
    environment = {k: v for k, v in os.environ.items() if k not in hidden}
    result = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment | {"PYTHONNOUSERSITE": "1", "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
    )
    if result.returncode != 0:
        shown = " ".join(map(str, command))
        pytest.fail(f"{shown} failed:\n{result.stdout}\n{result.stderr}", pytrace=False)
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    (path,) = folder.glob("*.whl")
    assert len(list(folder.glob("*.tar.gz"))) == 1
    return path


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of a fresh virtual environment with the wheel and its dependencies."""
    folder = tmp_path_factory.mktemp("fresh")
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    run(python, "-m", "pip", "install", "--quiet", wheel, cwd=folder)
    return python


def test_wheel_contents(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = (n for n in names if n.endswith(".dist-info/METADATA"))
        header = message_from_bytes(archive.read(metadata))
        (points,) = (n for n in names if n.endswith(".dist-info/entry_points.txt"))
        declared = archive.read(points).decode()
    assert "hyperspy_dag/hyperspy_extension.yaml" in names
    # Templates and tables as well as modules.
    files = [p for p in (ROOT / "hyperspy_dag").rglob("*") if p.is_file()]
    sources = {p.relative_to(ROOT).as_posix() for p in files if p.suffix != ".pyc"}
    assert sources <= set(names)
    assert any(n.endswith("/LICENSE") for n in names)
    assert {n.partition("/")[0] for n in names} == {
        "hyperspy_dag",
        metadata.partition("/")[0],
    }
    assert not [n for n in names if n.endswith((".hspy", ".zspy", ".dm3", ".dm4"))]
    assert header["Version"] == hyperspy_dag.__version__
    assert header["License-Expression"] == "GPL-3.0-or-later"
    for name, module in entry_points().items():
        assert f"{name} = {module}" in declared


def test_wheel_then_editable_then_uninstalled(environment: Path, tmp_path: Path) -> None:
    methods = {"registered": sorted(entry_points()), "methods": [True] * 4, "tensorflow": False}

    got = json.loads(run(environment, "-c", PROBE, cwd=tmp_path).splitlines()[-1])
    assert got["version"] == got["module version"] == hyperspy_dag.__version__
    assert Path(got["origin"]).is_relative_to(environment.parents[1])
    assert got["tensorflow found"]
    assert not got["said"]  # of Numba and numexpr, where they are missing
    assert {k: got[k] for k in methods} == methods
    told = run(environment.with_name("hyperspy-dag"), "--version", cwd=tmp_path)
    assert told == f"hyperspy-dag {hyperspy_dag.__version__}\n"

    pip = (environment, "-m", "pip")
    run(*pip, "install", "--quiet", "--no-deps", "--editable", ROOT, cwd=tmp_path)
    got = json.loads(run(environment, "-c", PROBE, cwd=tmp_path).splitlines()[-1])
    assert Path(got["origin"]) == ROOT / "hyperspy_dag" / "__init__.py"
    assert {k: got[k] for k in methods} == methods

    run(*pip, "uninstall", "--quiet", "--yes", "hyperspy_dag", cwd=tmp_path)
    got = json.loads(run(environment, "-c", PROBE, cwd=tmp_path).splitlines()[-1])
    assert got["origin"] is None
    assert got["registered"] == []
    assert got["methods"] == [False] * 4

    # A colleague without the package opens a file of synthetic spectra all the same.
    aug = synthetic_signal(
        np.arange(24.0).reshape(2, 3, 4),
        np.repeat([[0], [1]], 3, axis=1),
        ["Fe3O4", "FeO"],
        EnergyAxis.uniform(630.0, 0.5, 4, "Energy loss", is_binned=True),
        {"random_state": 1},
        "Synthetic spectra",
    )
    aug.save(tmp_path / "augmented.hspy")
    assert run(environment, "-c", WITHOUT, tmp_path / "augmented.hspy", cwd=tmp_path).endswith(
        "EELSSpectrum 630.0 0.5 eV ['Fe3O4', 'FeO'] 276.0\n"
    )
