# SPDX-License-Identifier: GPL-3.0-or-later
"""Toolkits of HyperSpy that can display the interface."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterable

TOOLKEY = "hyperspy_dag.EELSSpectrum.dag_augment"
TOOLKITS = ("ipywidgets", "traitsui")

_INSTEAD = "s.dag_augment(labels) works without an interface."
_INSTALL = (
    'Install it with `pip install "hyperspy_dag[gui-jupyter]"` (ipywidgets, for Jupyter) or '
    '`pip install "hyperspy_dag[gui-traitsui]"` (traitsui, for windows).'
)


def register() -> None:
    """Register the widgets of the installed toolkits with HyperSpy.

    The yaml would also name toolkits that are not installed. HyperSpy would take them as installed,
    and ``s.plot()`` with navigation sliders would fail.
    """
    from hyperspy.ui_registry import TOOLKIT_REGISTRY, UI_REGISTRY

    widgets = UI_REGISTRY.setdefault(TOOLKEY, {})
    for toolkit in TOOLKITS:
        if toolkit in TOOLKIT_REGISTRY:
            module = f"hyperspy_dag.gui.{toolkit}"
            widgets[toolkit] = {"module": module, "function": "augmentation_widget"}


def check_toolkit(toolkit: str | Iterable[str] | None, display: bool) -> tuple[str, ...]:
    """Return the toolkits to use, among those of HyperSpy.

    Parameters
    ----------
    toolkit : str, iterable of str or None
        None: all toolkits that are installed and enabled in HyperSpy's preferences.
    display : bool
        Whether the interface is displayed.

    Raises
    ------
    ImportError
        No toolkit is installed.
    ValueError
        `toolkit` is not among those of HyperSpy.
    RuntimeError
        The interface cannot be displayed: there is neither Jupyter nor a display.
    """
    from hyperspy.defaults_parser import preferences
    from hyperspy.ui_registry import UI_REGISTRY

    installed = UI_REGISTRY[TOOLKEY]
    if not installed:
        raise ImportError(f"dag_augment() without labels needs an interface. {_INSTALL} {_INSTEAD}")
    if toolkit is None:
        wanted = [t for t in installed if getattr(preferences.GUIs, f"enable_{t}_gui")]
        if not wanted:
            raise ValueError(
                f"{' and '.join(installed)} are switched off in hs.preferences.GUIs: give "
                f"toolkit=, or switch one on. {_INSTEAD}"
            )
    else:
        wanted = [toolkit] if isinstance(toolkit, str) else list(toolkit)
        unknown = [t for t in wanted if t not in TOOLKITS]
        if unknown:
            raise ValueError(
                f"toolkit must be {' or '.join(map(repr, TOOLKITS))}; got {unknown[0]!r}."
            )
        absent = [t for t in wanted if t not in installed]
        if absent:
            raise ImportError(f"The toolkit {absent[0]} is not installed. {_INSTALL} {_INSTEAD}")
    works = _SHOWS if display else _MAKES
    usable = [t for t in wanted if works[t]()]
    if not usable and display:
        raise RuntimeError(
            f"There is no place here to show an interface with {' or '.join(wanted)}: Python runs "
            "outside Jupyter, or matplotlib's backend opens no windows (in IPython, `%matplotlib "
            f"qt` opens some if there is a display). {_INSTEAD}"
        )
    if not usable:
        raise RuntimeError(
            "traitsui is set to make its widgets of Qt (ETSConfig.toolkit), which needs a display, "
            f"and there is none here. {_INSTEAD}"
        )
    for one in usable:
        # Now, since a thread of the interface draws: matplotlib looks at IPython, which the widgets
        # import, and must not find it half imported.
        importlib.import_module(f"hyperspy_dag.gui.{one}")
    return tuple(usable)


def _in_jupyter() -> bool:
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def _has_display() -> bool:
    if sys.platform != "linux":
        return True
    # A platform of Qt's that was chosen by name (offscreen, vnc) may need no display.
    return any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")))


def _has_windows() -> bool:
    import matplotlib

    # hyperspy_gui_traitsui chooses by matplotlib's backend, and complains about any other.
    if not any(name in matplotlib.get_backend().lower() for name in ("qt", "wx")):
        return False
    importlib.import_module("hyperspy_gui_traitsui")
    from traits.etsconfig.api import ETSConfig

    return ETSConfig.toolkit not in ("", "null")


def _makes_views() -> bool:
    """Let traitsui make a view that is not shown; Qt would end the process without a display."""
    from traits.etsconfig.api import ETSConfig

    if _has_display():
        return True
    if not ETSConfig.toolkit:
        ETSConfig.toolkit = "null"
    return ETSConfig.toolkit == "null"


_SHOWS: dict[str, Callable[[], bool]] = {"ipywidgets": _in_jupyter, "traitsui": _has_windows}
_MAKES: dict[str, Callable[[], bool]] = {"ipywidgets": lambda: True, "traitsui": _makes_views}
