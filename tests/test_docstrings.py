# SPDX-License-Identifier: GPL-3.0-or-later
"""Docstrings of the names in the API reference: they have See Also, and examples that run."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import hyperspy.api as hs
import numpy as np
import pytest
from conftest import ROOT
from matplotlib import pyplot as plt

import hyperspy_dag

#: What an example needs that is not installed with the package.
OPTIONAL = {
    "hyperspy_dag.validation.Smote": "imblearn",
    "hyperspy_dag.validation.Report.to_dataframe": "pandas",
}

#: Packages whose docstrings are not asked for examples.
PRIVATE = ("hyperspy_dag.dag.",)


def resolve(name: str) -> Any:
    """Import the object of a dotted name."""
    found, parts = hyperspy_dag, name.split(".")[1:]
    for i, part in enumerate(parts):
        if not hasattr(found, part):
            importlib.import_module(".".join(["hyperspy_dag", *parts[: i + 1]]))
        found = getattr(found, part)
    return found


def public() -> dict[str, Any]:
    """Objects of the API reference by name, but those of other packages."""
    text = (ROOT / "docs" / "api" / "index.md").read_text(encoding="utf-8")
    pattern = r"currentmodule:: (\S+)\n\n\.\. autosummary::\n   :toctree: generated\n\n(.*?)```"
    blocks = re.findall(pattern, text, flags=re.DOTALL)
    names = [f"{module}.{name}" for module, block in blocks for name in block.split()]
    objects = {name: resolve(name) for name in names if not name.startswith(PRIVATE)}
    return {name: one for name, one in objects.items() if one.__module__.startswith("hyperspy_dag")}


def methods(name: str, one: Any) -> dict[str, Any]:
    """Public methods of a class, by name, whose docstring has sections."""
    public = {key: getattr(one, key) for key in vars(one) if not key.startswith("_")}
    return {
        f"{name}.{key}": method
        for key, method in public.items()
        if inspect.isroutine(method)
        and method.__module__.startswith("hyperspy_dag")
        and "\n----" in (inspect.getdoc(method) or "")
    }


OBJECTS = public()
for _name, _one in list(OBJECTS.items()):
    if inspect.isclass(_one):
        OBJECTS |= methods(_name, _one)


@pytest.mark.parametrize("name", OBJECTS)
def test_public_names_have_see_also_and_examples(name: str) -> None:
    docstring = inspect.getdoc(OBJECTS[name])
    assert "\nSee Also\n--------\n" in docstring
    assert "\n>>> " in docstring.partition("\nExamples\n--------\n")[2]


def run(name: str) -> None:
    """Run the examples of a docstring."""
    finder = doctest.DocTestFinder(recurse=False)
    (examples,) = finder.find(OBJECTS[name], name, globs={"hs": hs, "np": np})
    failed, _ = doctest.DocTestRunner(optionflags=doctest.REPORT_NDIFF).run(examples)
    plt.close("all")
    assert not failed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Working folder of the examples."""
    return tmp_path_factory.mktemp("examples")


@pytest.mark.xdist_group("docstrings")  # they share an augmenter
@pytest.mark.parametrize("name", OBJECTS)
def test_examples_run(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if name in OPTIONAL:
        pytest.importorskip(OPTIONAL[name])
    monkeypatch.chdir(folder)
    monkeypatch.setattr(hs.preferences.General, "show_progressbar", False)
    if "oxides.dag" in OBJECTS[name].__doc__ and not Path("oxides.dag").exists():
        run("hyperspy_dag.EELSAugmenter")
    run(name)
