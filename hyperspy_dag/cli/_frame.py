# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame of all commands: streams, messages of one line, exit codes."""

from __future__ import annotations

import inspect
import json
import logging
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any

import typer

#: Exit codes. An interruption is 128 + the number of the signal, as shells have it.
FAILED, BAD_INPUT = 1, 2

#: What the package's own checks raise of input that they refuse.
_REFUSALS = (
    TypeError,
    ValueError,
    FileExistsError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)

_PACKAGE = __name__.partition(".")[0]

Json = Annotated[
    bool, typer.Option("--json", help="Print the result as one JSON object.", show_default=False)
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        help="No progress bars (nor with HyperSpy's preference off).",
        show_default=False,
    ),
]
Debug = Annotated[
    bool, typer.Option("--debug", help="Show where an error comes from.", show_default=False)
]
_COMMON = {"as_json": Json, "quiet": Quiet, "debug": Debug}


@dataclass(frozen=True)
class Result:
    """Result of a command.

    Attributes
    ----------
    data : dict
        Result for programs (``--json``).
    text : str, optional
        Result for people. Default: `data` as indented lines.
    """

    data: dict[str, Any]
    text: str | None = None


class Interrupted(BaseException):
    """The job was interrupted by Ctrl-C, or terminated by the batch system's SIGTERM.

    It is no KeyboardInterrupt, after which a fit would keep the finished classes: the result of a
    job has all classes or none.
    """

    def __init__(self, number: int):
        super().__init__(number)
        self.number = number


def command(function: Callable[..., Result]) -> Callable[..., None]:
    """Make a command of a function, with its result on stdout and all else on stderr."""

    @wraps(function)
    def run(as_json: bool = False, quiet: bool = False, debug: bool = False, **given: Any) -> None:
        stdout = sys.stdout
        try:
            # Whatever prints while it works (Dask's progress bar, HyperSpy's log) is no result.
            with redirect_stdout(sys.stderr), _interrupts(), _messages(quiet):
                result = function(**given)
        except Interrupted as error:
            name = "interrupted" if error.number == signal.SIGINT else "terminated"
            raise _ending(f"{name}.{_way_on(given)}", 128 + error.number, debug) from error
        except typer.Exit:
            raise
        except Exception as error:  # of every kind: a batch job's log wants one line
            code = BAD_INPUT if _is_refusal(error) else FAILED
            text = _one_line(error) + (_way_on(given) if code == FAILED else "")
            raise _ending(f"error: {text}", code, debug) from error
        if as_json:
            from hyperspy_dag.io.files import to_strict_json

            text = json.dumps(to_strict_json(result.data), ensure_ascii=False)
        else:
            text = "\n".join(_lines(result.data)) if result.text is None else result.text
        if hasattr(stdout, "reconfigure"):
            # The work is done: a terminal without some letter gets its number instead.
            stdout.reconfigure(errors="backslashreplace")
        print(text, file=stdout, flush=True)

    signature = inspect.signature(function, eval_str=True)
    common = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
        for name, kind in _COMMON.items()
    ]
    signature = signature.replace(
        parameters=[*signature.parameters.values(), *common], return_annotation=None
    )
    run.__signature__ = signature  # type: ignore[attr-defined]  # what typer looks at
    run.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
    return run


def note(text: str) -> None:
    """Write one line to stderr, whatever blanks and line ends the text has."""
    print(" ".join(text.split()), file=sys.stderr, flush=True)  # noqa: T201


def _ending(text: str, code: int, debug: bool) -> typer.Exit:
    if debug:
        traceback.print_exc()
    note(text)
    return typer.Exit(code)


def _way_on(given: dict[str, Any]) -> str:
    """Tell how to continue, if there is a checkpoint."""
    folder = given.get("checkpoint_dir")
    if folder is None or not any(folder.glob("*.npz")):
        return ""
    return f" What was trained is kept in {folder}: go on by the same command with --resume."


def _is_refusal(error: Exception) -> bool:
    """Whether a check of this package raised it, and not something below that gave in."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return isinstance(error, _REFUSALS) and frame.f_globals["__name__"].startswith(_PACKAGE)


def _one_line(error: Exception) -> str:
    text = str(error)
    if isinstance(error, OSError) and error.errno is not None:
        text = error.strerror or text
        if error.filename is not None:
            text = f"{error.filename}: {text}"
    if "dag_preprocess(" in text:
        text += " On the command line: hyperspy-dag preprocess."
    known = _is_refusal(error) or isinstance(error, OSError)
    known |= type(error).__module__.startswith(_PACKAGE)
    return text if known and text else f"{type(error).__name__}: {text} (--debug shows where)"


# --- while a command works ------------------------------------------------------------------------


@contextmanager
def _interrupts() -> Iterator[None]:
    """Turn the signals that end a job into :class:`Interrupted`."""

    def interrupt(number: int, _: object) -> None:
        raise Interrupted(number)

    before = {one: signal.signal(one, interrupt) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


class _OneLine(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        note(f"{record.levelname.lower()}: {record.getMessage()}")


@contextmanager
def _messages(quiet: bool) -> Iterator[None]:
    """Write warnings and the log as lines to stderr, at the level of HyperSpy's preferences."""
    preferences = _import_hyperspy()
    said: set[str] = set()

    def show(message: Warning | str, *_: object, **__: object) -> None:
        text = str(message)
        if text not in said:
            said.add(text)
            note(f"warning: {text}")

    handler = _OneLine()
    # What HyperSpy's reader says of a file that it cannot read is raised besides.
    handler.addFilter(lambda record: record.name != "hyperspy.io" or record.levelno < logging.ERROR)
    loggers = [logging.getLogger(name) for name in ("hyperspy", _PACKAGE)]
    before = [(one, one.level, one.propagate, one.handlers) for one in loggers]
    show_progressbar = preferences.General.show_progressbar
    for one in loggers:
        one.handlers, one.propagate = [handler], False
        one.setLevel(preferences.General.logging_level)
    if quiet:
        preferences.General.show_progressbar = False
    try:
        with warnings.catch_warnings():
            warnings.showwarning = show
            yield
    finally:
        preferences.General.show_progressbar = show_progressbar
        for one, level, one.propagate, one.handlers in before:
            one.setLevel(level)


def _import_hyperspy() -> Any:
    """Import HyperSpy and exSpy without their messages about optional packages.

    Returns HyperSpy's preferences.
    """
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(action="ignore"):
            import exspy.signals  # noqa: F401
            import hyperspy.api as hs
    finally:
        logging.disable(disabled)
    return hs.preferences


# --- results --------------------------------------------------------------------------------------


def _lines(data: dict[str, Any], indent: str = "") -> Iterator[str]:
    for key, value in data.items():
        name = f"{indent}{str(key).replace('_', ' ')}:"
        if isinstance(value, dict):
            yield name
            yield from _lines(value, indent + "  ")
        elif isinstance(value, list | tuple):
            yield f"{name} {', '.join(map(_value, value)) or '-'}"
        else:
            yield f"{name} {_value(value)}"


def _value(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
