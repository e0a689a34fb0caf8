# SPDX-License-Identifier: GPL-3.0-or-later
"""Add the ``dag_*`` methods to exSpy's ``EELSSpectrum`` when exSpy is imported.

HyperSpy imports this package before or after exSpy, and exSpy only when one of its signals is
needed. The methods are therefore added by a post-import hook: a finder for the module of
``EELSSpectrum``, which lets the regular finders find it and adds the methods to the class after the
execution of the module. Class, module and saved files remain exSpy's, and ``LazyEELSSpectrum``
inherits the methods.

This runs at every ``import hyperspy.api``, so it imports very little: ``importlib.abc``, whose base
classes finder and loader do not need, would take longer than all the rest.
"""

from __future__ import annotations

import sys
import warnings
from importlib.machinery import ModuleSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader
    from types import ModuleType

# Where EELSSpectrum is defined: exSpy 0.3, exSpy 0.4
TARGETS = ("exspy.signals.eels", "exspy.signals._eels")
METHODS = ("dag_preprocess", "dag_augment", "dag_classify")

#: exSpy 0.3 takes its lazy base classes from where HyperSpy 2.5 deprecates them, which would be the
#: first that a user of either sees. Their own imports alone are spared the warning.
_SPARED = "exspy.signals", "Importing `Lazy"

_UNAVAILABLE = "EELSSpectrum.dag_preprocess and EELSSpectrum.dag_augment are not available"


def install() -> None:
    """Add the methods now if exSpy is imported, or else when it is imported."""
    if not any(isinstance(finder, _PostImportFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _PostImportFinder())
    for name in TARGETS:
        module = sys.modules.get(name)
        if module is None:
            continue
        if _is_being_executed(module):
            # exSpy is what imports HyperSpy, which imports us: its class does not exist yet, and
            # it is too late to replace the loader.
            _extend_when_executed(module)
        else:
            _extend(module)
    _warn_of_missing_dependencies()


class _PostImportFinder:
    """Find the modules of ``TARGETS`` by the finders after it, and replace their loader.

    It remains in ``sys.meta_path``, so that a reloaded exSpy has the methods too.
    """

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if fullname not in (*TARGETS, _SPARED[0]):
            return None
        # The finders before this one have been asked already. Asking them again could recurse
        # without end if one of them delegates as this one does.
        finders = sys.meta_path[sys.meta_path.index(self) + 1 :] if self in sys.meta_path else []
        spec = _find_spec(finders, fullname, path, target)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            # A loader in all but its base class.
            spec.loader = _PostImportLoader(spec.loader)  # type: ignore[assignment, arg-type]
        return spec


class _PostImportLoader:
    """Load a module with its own loader, then extend ``EELSSpectrum``."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> object:
        # resources and sources (`get_source`, `get_data`, ...) come from the module's own loader
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # From here on nothing of the hook is left on the module.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        if module.__name__ == _SPARED[0]:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", _SPARED[1])
                self._loader.exec_module(module)
            return
        try:
            self._loader.exec_module(module)
        except Exception:
            # exSpy's own error reaches whoever asked for it; this says what else is missing.
            _warn(f"{module.__name__} could not be imported: {_UNAVAILABLE}.", exc_info=True)
            raise
        _extend(module)


class _WatchedSpec(ModuleSpec):
    """Spec of a module that is being executed; extends ``EELSSpectrum`` afterwards.

    The import system clears ``_initializing`` after a module's execution, whichever way it ended.
    """

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name == "_initializing" and not value:
            self.__class__ = ModuleSpec  # type: ignore[assignment]  # as it was before
            module = sys.modules.get(self.name)
            if module is not None:  # it is None where the execution has failed
                _extend(module)


def _is_being_executed(module: ModuleType) -> bool:
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


def _extend_when_executed(module: ModuleType) -> None:
    spec = module.__spec__
    if type(spec) is ModuleSpec:
        spec.__class__ = _WatchedSpec
    elif type(spec) is not _WatchedSpec:
        _warn(f"{module.__name__} is imported in a way that is not known here: {_UNAVAILABLE}.")


def _extend(module: ModuleType) -> None:
    """Add methods and label slicing to ``module.EELSSpectrum``; log errors."""
    try:
        _extend_class(module)
    except Exception:  # noqa: BLE001  exSpy's import must not fail because of this package
        _warn(f"Could not extend {module.__name__}: {_UNAVAILABLE}.", exc_info=True)


def _extend_class(module: ModuleType) -> None:
    spectrum_class = getattr(module, "EELSSpectrum", None)
    if not isinstance(spectrum_class, type):
        _warn(
            f"{module.__name__} of this exSpy version has no class EELSSpectrum: {_UNAVAILABLE}. "
            "Install a version of hyperspy_dag made for it."
        )
        return
    # Neither imports HyperSpy, exSpy or TensorFlow.
    from . import labels, signal

    methods = {name: getattr(signal, name) for name in METHODS}
    labels.install_label_slicing(spectrum_class)
    # Nothing can fail from here on: either all of the methods are there or none.
    for name, method in methods.items():
        setattr(spectrum_class, name, method)


def _find_spec(
    finders: Sequence[object],
    fullname: str,
    path: Sequence[str] | None = None,
    target: ModuleType | None = None,
) -> ModuleSpec | None:
    for finder in finders:
        find_spec = getattr(finder, "find_spec", None)
        spec = find_spec(fullname, path, target) if find_spec is not None else None
        if spec is not None:
            return spec
    return None


def _finders() -> list[object]:
    return [finder for finder in sys.meta_path if not isinstance(finder, _PostImportFinder)]


def _find_path(name: str) -> Sequence[str] | None:
    """Return where the sub-modules of ``name`` are searched, without an import."""
    path: Sequence[str] | None = None
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        spec = _find_spec(_finders(), ".".join(parts[:end]), path)
        path = spec.submodule_search_locations if spec is not None else None
        if path is None:
            return None
    return path


def _is_installed(name: str) -> bool:
    if name in sys.modules:
        return sys.modules[name] is not None
    return _find_spec(_finders(), name) is not None


def _warn_of_missing_dependencies() -> None:
    # exSpy and TensorFlow are dependencies of the package. Said here, since the user would meet an
    # AttributeError otherwise, or an ImportError when the data are ready for training.
    if not _is_installed("exspy"):
        _warn(f"exspy is not installed: {_UNAVAILABLE}. Install it with `pip install exspy`.")
        return
    if not any(name in sys.modules for name in TARGETS):
        path = _find_path("exspy.signals")
        if path is None or not any(_find_spec(_finders(), name, path) for name in TARGETS):
            _warn(
                f"The installed exspy has none of the modules {' and '.join(TARGETS)}: "
                f"{_UNAVAILABLE}. Install a version of hyperspy_dag made for it."
            )
    if not _is_installed("tensorflow"):
        _warn(
            "tensorflow is not installed: EELSSpectrum.dag_augment will not work. "
            "Install it with `pip install tensorflow`."
        )


def _warn(message: str, exc_info: bool = False) -> None:
    import logging

    logging.getLogger("hyperspy_dag").warning(message, exc_info=exc_info)
