# SPDX-License-Identifier: GPL-3.0-or-later
"""Data augmentation of labelled core-loss EELS spectra with GANs, for HyperSpy.

After ``import hyperspy.api as hs`` every exSpy ``EELSSpectrum`` has the methods ``dag_preprocess``
and ``dag_augment``. This module is imported at that moment, in every session of every user who has
the package installed. It therefore imports neither NumPy, HyperSpy, exSpy nor TensorFlow, and never
raises. Errors in the registration of the methods are logged as warnings of the logger
``"hyperspy_dag"``.

With the environment variable ``HYPERSPY_DAG_NO_HOOK=1`` exSpy is not changed; :func:`install_hook`
adds the methods nevertheless.
"""

from __future__ import annotations

import importlib
import os

TYPE_CHECKING = False  # type checkers take it for typing.TYPE_CHECKING, which costs an import
if TYPE_CHECKING:
    from . import data, labels, metrics, plotting, preprocessing, validation
    from .augmenter import EELSAugmenter
    from .component import EELSAugmenterComponent
    from .labels import get_arrays, get_labels
    from .preprocessing.common_axis import common_energy_axis

__version__ = "0.1.0"

__all__ = [
    "EELSAugmenter",
    "EELSAugmenterComponent",
    "__version__",
    "common_energy_axis",
    "data",
    "get_arrays",
    "get_labels",
    "install_hook",
    "labels",
    "metrics",
    "plotting",
    "preprocessing",
    "validation",
]

_NAMES = {
    "EELSAugmenter": "augmenter",
    "EELSAugmenterComponent": "component",
    "common_energy_axis": "preprocessing.common_axis",
    "get_arrays": "labels",
    "get_labels": "labels",
}
_MODULES = frozenset({"data", "labels", "metrics", "plotting", "preprocessing", "validation"})


def __getattr__(name: str) -> object:
    """Import a public name when it is first used (PEP 562)."""
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _NAMES:
        value = getattr(importlib.import_module(f"{__name__}.{_NAMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


def install_hook() -> None:
    """Add ``dag_preprocess`` and ``dag_augment`` to exSpy's ``EELSSpectrum``.

    The import of the package does this already, unless the environment variable
    ``HYPERSPY_DAG_NO_HOOK`` is set (to anything but the empty string or ``0``). If exSpy is not
    imported yet, the methods are added when it is imported. A second call changes nothing.

    See Also
    --------
    exspy.signals.EELSSpectrum.dag_preprocess : Prepare spectra.
    exspy.signals.EELSSpectrum.dag_augment : Train and draw synthetic spectra.

    Examples
    --------
    >>> import hyperspy_dag
    >>> hyperspy_dag.install_hook()
    >>> from exspy.signals import EELSSpectrum
    >>> hasattr(EELSSpectrum, "dag_augment")
    True
    """
    from ._hook import install

    install()


def _install_hook_at_import() -> None:
    if os.environ.get("HYPERSPY_DAG_NO_HOOK", "") not in ("", "0"):
        return
    try:
        install_hook()
    except Exception:  # whatever it is, it must not break `import hyperspy.api`
        import logging

        logging.getLogger(__name__).warning(
            "Could not prepare EELSSpectrum.dag_preprocess and EELSSpectrum.dag_augment; "
            "HyperSpy and exSpy work without them.",
            exc_info=True,
        )


_install_hook_at_import()
