# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the structure of the package and hold it to its limits.

    python .ci/structure.py [checkout]          # the figures, and what passes a limit
    python .ci/structure.py --rooms [checkout]  # the floors, for the developer's guide

A room is a package or a module at the root. Counted are imports that run, inside functions too;
imports for type checkers alone are not. An arrow runs from a room to one that it imports from.
Floors come from the arrows: a room stands above all that it imports from. Exits with 1 where a
limit is passed.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_GIVEN = [argument for argument in sys.argv[1:] if argument != "--rooms"]
ROOT = Path(_GIVEN[0] if _GIVEN else __file__ + "/../..").resolve()
PACKAGE = "hyperspy_dag"

#: Measured figure: largest value allowed.
LIMITS = {
    "rooms": 22,
    "circles of files": 0,
    "circles of rooms": 0,
    "modules at the root": 8,
    "private names reached from outside their package": 0,
    "files outside dag/ that import TensorFlow or Keras": 0,
    "lines of code": 16_800,
}


def modules() -> dict[str, Path]:
    """Path of each module of the package, by dotted name."""
    found = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def running_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Nodes of a module, those for type checkers alone left out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from running_nodes(node)


def imports(name: str, path: Path, known: dict[str, Path]) -> Iterator[tuple[str, str]]:
    """(module, name taken from it) of each import of the package, and of TensorFlow's."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in running_nodes(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, ""
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")
            base = base[: len(base) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                yield (inner, "") if inner in known else (module, alias.name)


def room(module: str, known: dict[str, Path]) -> str:
    """The package that a module is in, or the module itself where it is at the root."""
    if module == PACKAGE or known[module].name == "__init__.py":
        return module
    parent = module.rpartition(".")[0]
    return module if parent == PACKAGE else parent


def circles(arrows: dict[str, set[str]]) -> list[list[str]]:
    """Strongly connected components of more than one member (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(one: str) -> None:
        index[one] = low[one] = len(index)
        stack.append(one)
        for other in arrows.get(one, ()):
            if other not in index:
                visit(other)
                low[one] = min(low[one], low[other])
            elif other in stack:
                low[one] = min(low[one], index[other])
        if low[one] == index[one]:
            members = []
            while not members or members[-1] != one:
                members.append(stack.pop())
            if len(members) > 1:
                found.append(members)

    for one in arrows:
        if one not in index:
            visit(one)
    return found


def floors(rooms: dict[str, set[str]]) -> str:
    """Return a line for each room, from the top floor down: its floor, and what it imports from."""

    @cache
    def floor(one: str) -> int:
        return max((floor(other) + 1 for other in rooms[one]), default=0)

    def short(name: str) -> str:
        return name.removeprefix(f"{PACKAGE}.")

    lines = [
        f"{floor(one):5d}  {short(one):18s}  {', '.join(map(short, sorted(others))) or '-'}"
        for one, others in sorted(rooms.items(), key=lambda item: (-floor(item[0]), item[0]))
        if one != PACKAGE  # its __init__ is imported with every room
    ]
    return "\n".join(["floor  room                imports from", *lines])


def lines_of_code(path: Path) -> int:
    """Lines of a file that hold code: no blank lines, comments or docstrings."""
    text = path.read_text(encoding="utf-8")
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            docstrings |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return sum(
        bool(line.strip()) and not line.strip().startswith("#")
        for number, line in enumerate(text.splitlines(), 1)
        if number not in docstrings
    )


def main() -> None:
    known = modules()
    files: dict[str, set[str]] = {name: set() for name in known}
    rooms: dict[str, set[str]] = {room(name, known): set() for name in known}
    private, tensorflow = [], []
    for name, path in known.items():
        for module, taken in imports(name, path, known):
            if module.partition(".")[0] in ("tensorflow", "keras"):
                if not name.startswith(f"{PACKAGE}.dag"):
                    tensorflow.append(name)
                continue
            if module not in known:
                continue
            here, there = room(name, known), room(module, known)
            # The root's __init__ is imported with every module, and has the version.
            if module not in (PACKAGE, name):
                files[name].add(module)
                if here != there:
                    rooms[here].add(there)
            last = taken or module.rpartition(".")[2]
            inside = name == PACKAGE or name.startswith(module.rpartition(".")[0])
            private_module = any(p.startswith("_") for p in module.split(".")[1:]) and not (
                module.startswith(f"{PACKAGE}._")
            )
            if (last.startswith("_") and not last.startswith("__") or private_module) and not (
                here == there or (inside and not taken)
            ):
                private.append(f"{name}: {module}.{taken}")
    if "--rooms" in sys.argv:
        print(floors(rooms))
        return
    measured = {
        "rooms": len(rooms),
        "circles of files": len(circles(files)),
        "circles of rooms": len(circles(rooms)),
        "modules at the root": sum(
            name.count(".") == 1 and path.name != "__init__.py" for name, path in known.items()
        ),
        "private names reached from outside their package": len(private),
        "files outside dag/ that import TensorFlow or Keras": len(set(tensorflow)),
        "lines of code": sum(map(lines_of_code, known.values())),
    }
    bad = False
    for name, value in measured.items():
        over = value > LIMITS[name]
        bad |= over
        print(f"{name:55s} {value:6d}  at most {LIMITS[name]:6d}{'  OVER' if over else ''}")
    print(f"{'arrows between rooms':55s} {sum(map(len, rooms.values())):6d}")
    for text in (
        *private,
        *sorted(set(tensorflow)),
        *map(str, circles(files)),
        *map(str, circles(rooms)),
    ):
        print("  ", text)
    sys.exit(bad)


if __name__ == "__main__":
    main()
