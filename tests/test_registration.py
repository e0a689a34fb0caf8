# SPDX-License-Identifier: GPL-3.0-or-later
"""`import hyperspy.api` alone gives EELSSpectrum its methods, and nothing of ours can break it.

Everything runs in fresh Python processes, since an import cannot be undone.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import site
import subprocess
import sysconfig
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, entry_points, write_dist_info

PACKAGE = ROOT / "hyperspy_dag"

Run = Callable[..., subprocess.CompletedProcess[str]]

# Each script ends with one line of JSON on stdout: what the test looks at.
REPORT = """
import json, logging, sys

class Records(logging.Handler):
    messages = []
    def emit(self, record):
        self.messages.append(record.getMessage())

logging.getLogger("hyperspy_dag").addHandler(Records(logging.WARNING))

def has_methods(s):
    return all(callable(getattr(s, name, None)) for name in ("dag_preprocess", "dag_augment"))

def report(**values):
    print(json.dumps(values | {"logged": Records.messages}))

def eels(hs):
    import numpy as np
    s = hs.signals.Signal1D(np.arange(60.0).reshape(2, 3, 10))
    s.set_signal_type("EELS")
    return s
"""


def answer(result: subprocess.CompletedProcess[str]) -> dict:
    return json.loads(result.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def eels_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    exspy = pytest.importorskip("exspy")
    path = tmp_path_factory.mktemp("saved") / "eels.hspy"
    exspy.data.EELS_MnFe(random_state=0).save(path)
    return path


# --- registered -----------------------------------------------------------------------------------

REORDER = """
import importlib.metadata as metadata
original = metadata.entry_points
def entry_points(**kwargs):
    points = original(**kwargs)
    if kwargs != {{"group": "hyperspy.extensions"}}:
        return points
    return metadata.EntryPoints(sorted(points, key=lambda p: p.name, reverse={reverse}))
metadata.entry_points = entry_points
"""

ORDERS = {
    "as found": "",
    "ascending": REORDER.format(reverse=False),
    "descending": REORDER.format(reverse=True),
}


@pytest.mark.parametrize("order", ORDERS)
def test_every_way_to_an_eels_signal_has_the_methods(
    run_python: Run, eels_file: Path, order: str
) -> None:
    result = run_python(
        ORDERS[order]
        + REPORT
        + """
import hyperspy.api as hs
loaded = hs.load(sys.argv[1])
lazy = hs.load(sys.argv[1], lazy=True)
ways = {
    "loaded": loaded,
    "loaded lazily": lazy,
    "as_lazy": loaded.as_lazy(),
    "computed": lazy.inav[:2],
    "inav": loaded.inav[2:5],
    "single": loaded.inav[0],
    "isig": loaded.isig[600.0:700.0],
    "lazy slice": lazy.inav[1:4].isig[600.0:700.0],
    "copy": loaded.deepcopy(),
    "sum": loaded.sum(),
    "set_signal_type": eels(hs),
}
lazy.inav[:2].compute()
import exspy
ways["exspy.data"] = exspy.data.EELS_MnFe()
names = [point.name for point in __import__("hyperspy.extensions").extensions._extensions]
report(
    without=[way for way, s in ways.items() if not has_methods(s)],
    classes=sorted({f"{type(s).__module__}.{type(s).__name__}" for s in ways.values()}),
    tensorflow="tensorflow" in sys.modules,
    names=names,
)
""",
        eels_file,
    )
    got = answer(result)
    assert got["without"] == []
    assert {name.rsplit(".", 1)[1] for name in got["classes"]} == {
        "EELSSpectrum",
        "LazyEELSSpectrum",
    }
    assert all(name.startswith("exspy.") for name in got["classes"])
    assert not got["tensorflow"]
    assert got["logged"] == []
    assert set(entry_points()) <= set(got["names"])
    if order != "as found":
        assert got["names"] == sorted(got["names"], reverse=order == "descending")


@pytest.mark.parametrize(
    "imports",
    [
        "import exspy; import hyperspy.api as hs",
        "import hyperspy.api as hs; import exspy",
        "import exspy; import hyperspy_dag; import hyperspy.api as hs",
        "import hyperspy_dag; import exspy; import hyperspy.api as hs",
        "import exspy.signals.eels; import hyperspy.api as hs",
        "from exspy.signals import EELSSpectrum; import hyperspy.api as hs",
        "import hyperspy.signal; import hyperspy.api as hs",
    ],
)
def test_any_order_of_imports(run_python: Run, imports: str) -> None:
    got = answer(run_python(REPORT + imports + "\nreport(has=has_methods(eels(hs)))"))
    assert got == {"has": True, "logged": []}


def test_signature_and_docstring_are_the_real_ones(run_python: Run) -> None:
    got = answer(
        run_python(
            REPORT
            + """
import hyperspy.api as hs
s = eels(hs)
import inspect, hyperspy_dag.signal as ours
names = ("dag_preprocess", "dag_augment", "dag_classify")
report(
    same=[getattr(type(s), name) is getattr(ours, name) for name in names],
    arguments=[list(inspect.signature(getattr(s, name)).parameters) for name in names],
    documented=[bool(inspect.getdoc(getattr(s, name))) for name in names],
    tensorflow="tensorflow" in sys.modules,
)
"""
        )
    )
    assert got["same"] == [True] * 3
    assert got["arguments"][0] == [
        "background_range",
        "signal_range",
        "normalise",
        "pca_components",
        "remove_spikes",
        "background_type",
        "background_fit",
        "polynomial_order",
    ]
    assert got["arguments"][1][0] == "labels"
    assert got["documented"] == [True] * 3
    assert not got["tensorflow"]


def test_no_trace_on_exspy_and_hyperspy(run_python: Run) -> None:
    got = answer(
        run_python(
            REPORT
            + """
import hyperspy.api as hs
s = eels(hs)
import inspect, exspy.signals, importlib.resources
module = sys.modules[type(s).__module__]
report(
    loader=type(module.__loader__).__name__,
    spec_loader=type(module.__spec__.loader).__name__,
    spec=type(module.__spec__).__name__,
    source=inspect.getsource(type(s)).startswith("class EELSSpectrum"),
    identity=exspy.signals.EELSSpectrum is type(s),
    of_all_signals=hs.signals.BaseSignal._additional_slicing_targets,
    of_others=hs.signals.Signal1D._additional_slicing_targets,
)
"""
        )
    )
    assert got["loader"] == got["spec_loader"] == "SourceFileLoader"
    assert got["spec"] == "ModuleSpec"
    assert got["source"] and got["identity"]
    assert not any("dag" in name.lower() for name in got["of_all_signals"] + got["of_others"])


def test_slices_take_labels_along_and_leave_other_signals_alone(run_python: Run) -> None:
    got = answer(
        run_python(
            REPORT
            + """
import numpy as np, hyperspy.api as hs
plain, s = eels(hs), eels(hs)
s.metadata.set_item("DAG.labels", np.array([[0, 0, 0], [1, 1, 1]]))
labels = lambda s: np.asarray(s.metadata.DAG.labels).tolist()
report(
    inav=labels(s.inav[:, 1]),
    isig=labels(s.isig[2:5]),
    both=labels(s.inav[1:, :].isig[2.0:5.0]),
    lazy=labels(s.as_lazy().inav[0, :]),
    original=labels(s),
    plain=[plain.inav[:, 1].data.tolist(), plain.metadata.has_item("DAG")],
    data=plain.data[1].tolist(),
)
"""
        )
    )
    assert got["inav"] == [1, 1, 1]
    assert got["isig"] == got["original"] == [[0, 0, 0], [1, 1, 1]]
    assert got["both"] == [[0, 0], [1, 1]]
    assert got["lazy"] == [0, 1]
    assert got["plain"] == [got["data"], False]


def test_a_reloaded_exspy_has_the_methods(run_python: Run) -> None:
    got = answer(
        run_python(
            REPORT
            + """
import importlib
import hyperspy.api as hs
before = type(eels(hs))
module = importlib.reload(sys.modules[before.__module__])
after = module.EELSSpectrum
del sys.modules[before.__module__]
again = importlib.import_module(before.__module__).EELSSpectrum
report(new=before is not after is not again, has=[has_methods(c) for c in (before, after, again)])
"""
        )
    )
    assert got == {"new": True, "has": [True, True, True], "logged": []}


# --- switched off ---------------------------------------------------------------------------------


def test_switched_off_by_the_environment(run_python: Run) -> None:
    code = """
import hyperspy.api as hs
s = eels(hs)
before = has_methods(s)
import hyperspy_dag
hyperspy_dag.install_hook()
hyperspy_dag.install_hook()
finders = [f for f in sys.meta_path if type(f).__module__.startswith("hyperspy_dag")]
report(before=before, after=has_methods(s), finders=len(finders))
"""
    off = answer(run_python(REPORT + code, env={"HYPERSPY_DAG_NO_HOOK": "1"}))
    assert off == {"before": False, "after": True, "finders": 1, "logged": []}
    on = answer(run_python(REPORT + code, env={"HYPERSPY_DAG_NO_HOOK": "0"}))
    assert on["before"] is True


# --- light ----------------------------------------------------------------------------------------

HEAVY = ("numpy", "scipy", "matplotlib", "traits", "h5py", "sklearn", "hyperspy", "exspy")


def test_importing_the_package_imports_nothing_heavy(run_python: Run) -> None:
    got = answer(
        run_python(
            """
            import sys
            before = set(sys.modules)
            import hyperspy_dag
            new = {name.partition(".")[0] for name in set(sys.modules) - before}
            import json
            print(json.dumps(sorted(new)))
            """
        )
    )
    assert "hyperspy_dag" in got
    assert not set(got) & {*HEAVY, "tensorflow", "keras", "logging"}


def test_public_names_resolve_without_tensorflow(run_python: Run) -> None:
    got = answer(
        run_python(
            REPORT
            + """
import hyperspy_dag
names = hyperspy_dag.__all__
missing = [name for name in names if getattr(hyperspy_dag, name, None) is None]
try:
    hyperspy_dag.no_such_name
except AttributeError as error:
    message = str(error)
from hyperspy_dag import *
report(
    missing=missing,
    listed=dir(hyperspy_dag) == sorted(names),
    star=[name for name in names if name not in globals()],
    message=message,
    tensorflow=[name for name in ("tensorflow", "keras") if name in sys.modules],
)
"""
        )
    )
    assert got["missing"] == got["star"] == got["tensorflow"] == []
    assert got["listed"]
    assert "no_such_name" in got["message"]


# --- the yaml -------------------------------------------------------------------------------------


def test_yaml_is_where_hyperspy_and_its_list_of_extensions_look() -> None:
    link = ROOT / "hyperspy_extension.yaml"
    assert link.is_symlink()
    assert not Path(os.readlink(link)).is_absolute()
    assert link.resolve() == (PACKAGE / "hyperspy_extension.yaml").resolve()


def test_yaml_holds_what_hyperspy_reads() -> None:
    content = yaml.safe_load((PACKAGE / "hyperspy_extension.yaml").read_text(encoding="utf-8"))
    assert set(content) <= {"signals", "components1D", "components2D", "GUI"}
    for section in ("signals", "components1D", "components2D"):
        for name, entry in content.get(section, {}).items():
            module = __import__(entry["module"], fromlist=[name])
            assert hasattr(module, name), f"{section}: {entry['module']} has no {name}"
            # HyperSpy looks a stored component up by its class name
            assert entry.get("class", name) == name
    gui = content.get("GUI", {})
    keys = gui.get("toolkeys", [])
    assert all(key.startswith("hyperspy_dag.") for key in keys)
    for widgets in gui.get("widgets", {}).values():
        for key, entry in widgets.items():
            assert key in keys, f"the widget {key} has no toolkey: HyperSpy would not start"
            module = __import__(entry["module"], fromlist=[entry["function"]])
            assert hasattr(module, entry["function"])


# --- sabotaged ------------------------------------------------------------------------------------


class Site:
    """A folder that a Python without site-packages uses in their place."""

    def __init__(self, folder: Path, without: Iterable[str] = ()) -> None:
        self.folder = folder
        left_out = ("hyperspy_dag", *without)
        sources = {*site.getsitepackages(), sysconfig.get_path("purelib")}
        for entry in (e for source in sources if Path(source).is_dir() for e in os.scandir(source)):
            name = entry.name.lower()
            stems = {name, name.partition(".")[0], name.partition("-")[0]}
            link = folder / entry.name
            if not stems & set(left_out) and not name.endswith(".pth") and not link.exists():
                link.symlink_to(entry.path)
        write_dist_info(folder, "hyperspy_dag", "0", entry_points())

    def add_package(self, **replaced: str) -> Site:
        """Install this package; ``_hook="..."`` puts that code in place of ``_hook.py``."""
        shutil.copytree(
            PACKAGE, self.folder / "hyperspy_dag", ignore=shutil.ignore_patterns("__pycache__")
        )
        for name, code in replaced.items():
            (self.folder / "hyperspy_dag" / f"{name}.py").write_text(code)
        return self

    def add_extension(self, name: str, files: dict[str, str], extension: str = "{}") -> Site:
        """Install another HyperSpy extension made of ``files``."""
        package = self.folder / name
        for path, code in {"__init__.py": "", **files}.items():
            (package / path).parent.mkdir(parents=True, exist_ok=True)
            (package / path).write_text(code)
        (package / "hyperspy_extension.yaml").write_text(extension)
        write_dist_info(self.folder, name, "99", {name: name})
        return self


@pytest.fixture
def run_in(run_python: Run) -> Run:
    """Run a script in a fresh process that has the packages of one :class:`Site` only."""

    def run(place: Site, code: str, *arguments: object, **kwargs: object):
        environment = {"PYTHONPATH": str(place.folder), "PYTHONNOUSERSITE": "1"}
        return run_python(REPORT + code, *arguments, env=environment, options=("-S",), **kwargs)

    return run


USE_EELS = """
import hyperspy.api as hs
s = eels(hs)
report(has=has_methods(s), works=float(s.sum("sig").data.sum()) == 1770.0)
"""

RAISES = 'raise RuntimeError("sabotage")\n'


def test_the_site_itself_is_sound(run_in: Run, tmp_path: Path) -> None:
    # else the tests below could pass for a wrong reason
    got = answer(run_in(Site(tmp_path).add_package(), USE_EELS))
    assert got == {"has": True, "works": True, "logged": []}


@pytest.mark.parametrize(
    "replaced",
    [
        {"_hook": RAISES},
        {"_hook": "def (:\n"},
        {"_hook": "def install():\n    " + RAISES},
        {"signal": RAISES},
        {"signal": "dag_preprocess = None\n"},
        {"labels/__init__": "import no_such_module\n"},
    ],
    ids=[
        "hook raises",
        "hook is no Python",
        "install raises",
        "signal raises",
        "a method is missing",
        "labels cannot be imported",
    ],
)
def test_own_code_raising(run_in: Run, tmp_path: Path, replaced: dict[str, str]) -> None:
    got = answer(run_in(Site(tmp_path).add_package(**replaced), USE_EELS))
    assert got["works"] and not got["has"]
    assert len(got["logged"]) == 1
    assert "dag_augment" in got["logged"][0]


def test_own_code_raising_shows_the_cause(run_in: Run, tmp_path: Path) -> None:
    place = Site(tmp_path).add_package(signal=RAISES)
    result = run_in(place, "logging.getLogger('hyperspy_dag').handlers.clear()\n" + USE_EELS)
    assert "RuntimeError: sabotage" in result.stderr


def test_exspy_absent(run_in: Run, tmp_path: Path) -> None:
    place = Site(tmp_path, without=["exspy"]).add_package()
    code = """
import hyperspy.api as hs, numpy as np
s = hs.signals.Signal1D(np.ones((2, 10)))
report(works=float(s.sum("sig").data[0]) == 10.0, has=has_methods(s))
"""
    got = answer(run_in(place, code))
    assert got["works"] and not got["has"]
    assert len(got["logged"]) == 1
    assert "exspy is not installed" in got["logged"][0]


def test_tensorflow_absent(run_in: Run, tmp_path: Path) -> None:
    place = Site(tmp_path, without=["tensorflow", "keras"]).add_package()
    got = answer(run_in(place, USE_EELS))
    assert got["works"] and got["has"]
    assert len(got["logged"]) == 1
    assert "tensorflow is not installed" in got["logged"][0]


def exspy_yaml(module: str) -> str:
    """The yaml of an exSpy that has EELSSpectrum in ``module``, and the widgets it really has.

    (HyperSpy's widget packages expect those.)
    """
    installed = Path(importlib.util.find_spec("exspy").origin).with_name("hyperspy_extension.yaml")
    gui = yaml.safe_load(installed.read_text(encoding="utf-8"))["GUI"]
    signal = {"signal_type": "EELS", "signal_dimension": 1, "dtype": "real", "lazy": False}
    return yaml.safe_dump({"signals": {"EELSSpectrum": signal | {"module": module}}, "GUI": gui})


@pytest.mark.parametrize("where", ["__init__.py", "signals/eels.py"])
def test_exspy_broken(run_in: Run, tmp_path: Path, where: str) -> None:
    files = {"signals/__init__.py": "", "signals/eels.py": "", where: RAISES}
    place = Site(tmp_path, without=["exspy"]).add_package()
    place.add_extension("exspy", files, exspy_yaml("exspy.signals.eels"))
    code = """
import hyperspy.api as hs
try:
    eels(hs)
except RuntimeError as error:
    message = str(error)
import numpy as np
report(works=float(hs.signals.Signal1D(np.ones(10)).data.sum()) == 10.0, message=message)
"""
    got = answer(run_in(place, code))
    assert got["works"]
    assert got["message"] == "sabotage"  # exSpy's own error reaches the user as it is
    if where == "signals/eels.py":
        assert any("exspy.signals.eels could not be imported" in line for line in got["logged"])


UNKNOWN_LAYOUTS = {
    "no class": {"signals/__init__.py": "", "signals/eels.py": "EELSSpectrum2 = object\n"},
    "not a class": {"signals/__init__.py": "", "signals/eels.py": "EELSSpectrum = None\n"},
    "no module": {"signals/__init__.py": "", "signals/core_loss.py": ""},
    "no package": {"spectra.py": ""},
}


@pytest.mark.parametrize("layout", UNKNOWN_LAYOUTS)
def test_exspy_of_an_unknown_version(run_in: Run, tmp_path: Path, layout: str) -> None:
    files = UNKNOWN_LAYOUTS[layout]
    place = Site(tmp_path, without=["exspy"]).add_package()
    place.add_extension("exspy", files, exspy_yaml("exspy.signals.eels"))
    code = f"""
import hyperspy.api as hs, importlib
for path in {sorted(files)!r}:
    importlib.import_module("exspy." + path.removesuffix("/__init__.py").removesuffix(".py")
                            .replace("/", "."))
import numpy as np
report(works=float(hs.signals.Signal1D(np.ones(10)).data.sum()) == 10.0)
"""
    got = answer(run_in(place, code))
    assert got["works"]
    assert len(got["logged"]) == 1
    assert "exspy" in got["logged"][0].lower()
    assert "dag_augment are not available" in got["logged"][0]


# exSpy 0.4 imports its signals when they are first used, and their module imports HyperSpy
LAZY_EXSPY = {
    "signals/__init__.py": """
import importlib

def __getattr__(name):
    if name != "EELSSpectrum":
        raise AttributeError(name)
    return importlib.import_module("exspy.signals._eels").EELSSpectrum
""",
    "signals/_eels.py": """
import hyperspy.api as hs
from hyperspy.signals import Signal1D

class EELSSpectrum(Signal1D):
    _signal_type = "EELS"
""",
}


@pytest.mark.parametrize(
    "first",
    [
        "import hyperspy.api as hs",
        "import exspy.signals; exspy.signals.EELSSpectrum; import hyperspy.api as hs",
        "import exspy.signals._eels; import hyperspy.api as hs",
        "import hyperspy_dag, exspy.signals._eels; import hyperspy.api as hs",
    ],
)
def test_exspy_that_imports_its_signals_late(run_in: Run, tmp_path: Path, first: str) -> None:
    place = Site(tmp_path, without=["exspy"]).add_package()
    place.add_extension("exspy", LAZY_EXSPY, exspy_yaml("exspy.signals._eels"))
    code = """
s = eels(hs)
module = sys.modules[type(s).__module__]
report(has=has_methods(s), module=module.__name__, spec=type(module.__spec__).__name__)
"""
    got = answer(run_in(place, first + "\n" + code))
    assert got == {
        "has": True,
        "module": "exspy.signals._eels",
        "spec": "ModuleSpec",
        "logged": [],
    }


def test_exspy_that_fails_at_first_and_succeeds_later(run_in: Run, tmp_path: Path) -> None:
    fragile = LAZY_EXSPY["signals/_eels.py"] + "\nimport os\nassert 'READY' in os.environ\n"
    place = Site(tmp_path, without=["exspy"]).add_package()
    place.add_extension(
        "exspy",
        LAZY_EXSPY | {"signals/_eels.py": fragile},
        exspy_yaml("exspy.signals._eels"),
    )
    code = """
import os
try:
    import exspy.signals._eels
except AssertionError:
    os.environ["READY"] = "1"
import hyperspy.api as hs
report(has=has_methods(eels(hs)))
"""
    assert answer(run_in(place, code)) == {"has": True, "logged": []}


@pytest.mark.parametrize("content", ["signals: [", None], ids=["malformed", "missing"])
def test_unreadable_yaml_of_another_extension(
    run_in: Run, tmp_path: Path, content: str | None
) -> None:
    """HyperSpy itself reads the yaml files and alone could go on without one of them.

    What is ours: the outcome is the same with this package and without it, and this package is
    imported all the same.
    """
    place = Site(tmp_path).add_package().add_extension("a_neighbour", {}, content or "")
    if content is None:
        (place.folder / "a_neighbour" / "hyperspy_extension.yaml").unlink()
    code = """
try:
    import hyperspy.api as hs
    outcome = "imported"
except Exception as error:
    outcome = f"{type(error).__name__}: {error}"
report(outcome=outcome)
"""
    with_package = answer(run_in(place, code))
    alone = answer(run_in(place, "import hyperspy_dag\nreport(version=hyperspy_dag.__version__)"))
    for path in place.folder.glob("hyperspy_dag*"):
        shutil.rmtree(path)
    assert answer(run_in(place, code)) == with_package
    assert with_package["logged"] == []
    assert alone["version"]
