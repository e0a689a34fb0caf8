# SPDX-License-Identifier: GPL-3.0-or-later
"""What the package imports is declared in pyproject.toml, and what is declared is imported."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

from conftest import ROOT

PACKAGE = ROOT / "hyperspy_dag"

#: Extras for which an import is not what they are there for.
NOT_FOR_THE_PACKAGE = {"all", "benchmarks", "docs", "tests"}

#: HyperSpy, Jupyter and Qt load these by themselves.
NOT_IMPORTED = {"ipympl", "pyside6_essentials", "rosettasciio"}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


def declared() -> tuple[set[str], set[str]]:
    """Required distributions, and those of the extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    optional = [d for name in extras.keys() - NOT_FOR_THE_PACKAGE for d in extras[name]]
    required, optional = (
        {normal(re.match(r"[\w.-]+", one)[0]) for one in some}
        for some in (project["dependencies"], optional)
    )
    return required, optional


def imported() -> set[str]:
    """Top-level modules of others that the package imports, anywhere."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.add(node.module.split(".")[0])
    return found - sys.stdlib_module_names - {PACKAGE.name}


def test_what_is_imported_is_declared():
    distributions = packages_distributions()
    required, optional = declared()
    # `EvaluationReport.to_dataframe` says what to install.
    undeclared = {
        module
        for module in imported() - {"pandas"}
        if not {normal(d) for d in distributions.get(module, [module])} & (required | optional)
    }
    assert undeclared == set()


def test_what_is_declared_is_imported():
    distributions = packages_distributions()
    used = {normal(d) for module in imported() for d in distributions.get(module, [module])}
    required, optional = declared()
    assert required - used == set()
    assert optional - used - NOT_IMPORTED == set()
