# SPDX-License-Identifier: GPL-3.0-or-later
"""What users read and run: the notebooks, the guide to the metrics, the lists of public names."""

from __future__ import annotations

import inspect
import json
import os
import re
import tomllib
from pathlib import Path

import pytest
from conftest import ROOT

import hyperspy_dag
from hyperspy_dag import data, metrics, plotting, preprocessing, validation

DOCS = ROOT / "docs"
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
PAGES = sorted(
    path
    for pattern in ("docs/*.md", "docs/[abgu]*/*.md", "examples/*", "*.md")
    for path in ROOT.glob(pattern)
    if path.is_file() and "auto_examples" not in path.parts
)


def listed() -> set[str]:
    """Names in the API reference, without the module."""
    text = (DOCS / "api" / "index.md").read_text(encoding="utf-8")
    return {
        name.rpartition(".")[2]
        for block in re.findall(r":toctree: generated\n\n(.*?)```", text, flags=re.DOTALL)
        for name in block.split()
    }


@pytest.mark.parametrize("module", [data, metrics, plotting, preprocessing, validation])
def test_every_public_name_is_in_the_reference(module) -> None:
    constants = {name for name in module.__all__ if name.isupper()}
    assert set(module.__all__) - constants - listed() == set()


def test_every_name_of_the_package_is_in_the_reference() -> None:
    names = {name for name in hyperspy_dag.__all__ if not name.startswith("__")}
    modules = {name for name in names if inspect.ismodule(getattr(hyperspy_dag, name))}
    assert names - modules - listed() == set()
    text = (DOCS / "api" / "index.md").read_text(encoding="utf-8")
    assert {name for name in modules if f"\n## hyperspy_dag.{name}\n" not in text} == set()


def test_every_fitted_attribute_is_in_the_reference() -> None:
    augmenter = hyperspy_dag.EELSAugmenter
    fitted = {name for name in vars(augmenter) if name.endswith("_") and name[0] != "_"}
    text = (DOCS / "api" / "index.md").read_text(encoding="utf-8")
    assert fitted == set(re.findall(r"`([a-z_]+_)`", text))
    assert fitted == set(re.findall(r"^    (\w+_) : ", augmenter.__doc__, re.MULTILINE))


def test_every_metric_is_explained() -> None:
    text = (DOCS / "user_guide" / "metrics.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"~hyperspy_dag\.metrics\.(\w+)`", text))
    assert explained == set(metrics.__all__)


def test_every_metric_picture_is_drawn() -> None:
    text = (DOCS / "user_guide" / "metrics.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"pictures/(\w+)\.png", text))
    source = (DOCS / "_ext" / "metric_pictures.py").read_text(encoding="utf-8")
    drawn = set(re.findall(r"^    (\w+),$", source[source.index("PICTURES:") :], re.MULTILINE))
    assert shown == drawn
    assert len(shown) > 10


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_are_committed_without_outputs(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    # the kernel is another process, which starts without pytest's path
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.delenv("MPLBACKEND", raising=False)  # as in Jupyter, the notebook says inline
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    if path.name == "widget.ipynb":  # nobody presses its buttons here; test_browser.py does
        views = "application/vnd.jupyter.widget-view+json"
        assert any(views in out.get("data", {}) for out in outputs)
        return
    assert sum("image/png" in out.get("data", {}) for out in outputs) >= 2
    shown = "".join(str(out.get("data", {})) for out in outputs)
    assert "dimensions: (200, 2|700)" in shown
    printed = "".join(out.get("text", "") for out in outputs)
    assert len(re.findall(r"synthetic +\d+\.\d\d, real +\d+\.\d\d", printed)) == 2


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_name_no_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/(?:home|root|opt|work|tmp|mnt)/\w", text)
    assert not re.search(r"pypi\.org|pythonhosted|--index-url|conda\.anaconda", text)


def test_links_between_pages_lead_somewhere() -> None:
    for path in PAGES:
        if path.suffix != ".md":
            continue
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_one_version_everywhere() -> None:
    version = hyperspy_dag.__version__
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))["version"] == version
    assert f" version {version}, " in (DOCS / "about" / "citing.md").read_text(encoding="utf-8")


def test_changelog_fragments_are_of_known_kinds() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        kinds = {kind["directory"] for kind in tomllib.load(file)["tool"]["towncrier"]["type"]}
    for path in (ROOT / "upcoming_changes").glob("*.md"):
        if path.name == "README.md":
            continue
        name, kind = re.fullmatch(r"(\+[\w-]+|\d+)\.(\w+)\.md", path.name).groups()
        assert kind in kinds
        assert path.read_text(encoding="utf-8").strip()
