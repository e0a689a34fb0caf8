# SPDX-License-Identifier: GPL-3.0-or-later
"""hyperspy-dag as a batch job uses it: files, streams, exit codes, the library's own results."""

from __future__ import annotations

import csv
import errno
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import hyperspy.api as hs
import numpy as np
import pytest
from conftest import POSIX
from spectra import eels, two_classes
from trainers import compiled_once, weights  # noqa: F401 - a fixture of the module
from typer.testing import CliRunner

from hyperspy_dag import EELSAugmenter, get_labels
from hyperspy_dag.cli import _demo, app
from hyperspy_dag.cli._files import read_labels, read_signal
from hyperspy_dag.labels import parse_labels
from hyperspy_dag.training.settings import FitSettings
from hyperspy_dag.training.train_class import ClassTraining, TrainingDivergedError

pytestmark = pytest.mark.filterwarnings("ignore:.*fewer than")

COMMANDS = ("preprocess", "augment", "sample", "evaluate", "info", "demo")

#: Quick, and no result depends on how well it went.
SETTINGS = {"recipe": "paper", "architecture": "compact", "max_epochs": 1, "stopping": None}
OPTIONS = "--recipe paper --architecture compact --max-epochs 1 --stopping none --seed 3".split()


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """Spectra with labels in a table, others to test with, and augmenters made of the first."""
    folder = tmp_path_factory.mktemp("files")
    for name, numbers in (("s", (14, 10)), ("test", (9, 8))):
        s, labels = two_classes(*numbers)
        if name == "test":
            s.data = s.data * np.linspace(0.97, 1.0, 48, dtype=np.float32)  # none of the others
        s.save(folder / f"{name}.hspy")
        (folder / f"{name}.csv").write_text("\n".join(["phase", *labels]) + "\n")
    s, labels = two_classes()
    for name, settings in (
        ("quick", SETTINGS),
        ("refined", {"training": "always", "max_epochs": 1, "stopping": None}),
    ):
        augmenter = EELSAugmenter(random_state=3, **settings)
        augmenter.fit(s, labels, show_progressbar=False).save(folder / f"{name}.dag")
    return folder


def run(*words: object, code: int = 0):
    """Run a command; the result has stdout and stderr."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if not (result.exception is None or isinstance(result.exception, SystemExit)):
        raise result.exception
    assert result.exit_code == code, result.stderr
    return result


def refused(*words: object, code: int = 2) -> str:
    """The one line that a refused command says, last on stderr."""
    result = run(*words, code=code)
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    (error,) = (line for line in result.stderr.splitlines() if line.startswith("error: "))
    assert result.stderr.splitlines()[-1] == error
    return error.removeprefix("error: ")


def train(files: Path, *words: object, code: int = 0):
    return run("augment", files / "s.hspy", *words, "-l", files / "s.csv", *OPTIONS, code=code)


# --- the program ----------------------------------------------------------------------------------


def test_help_is_light_and_has_examples(run_python):
    """As a shell at login sees it: nothing heavy is imported to say what there is."""
    script = f"""
        import sys
        from hyperspy_dag.cli import app
        for words in (["--version"], *([name, "--help"] for name in {COMMANDS!r}), ["--help"]):
            app(words, standalone_mode=False)
        heavy = {{"numpy", "hyperspy", "exspy", "tensorflow", "h5py"}} & set(sys.modules)
        sys.exit(f"imported: {{heavy}}" if heavy else 0)
        """
    told = run_python(script).stdout
    assert told.count("Examples:\n") == len(COMMANDS)
    assert re.match(r"hyperspy-dag \d+\.\d+", told)


def test_defaults_in_the_help_are_the_librarys():
    text = re.sub(r"\s+", " ", run("augment", "--help").stdout)
    default, paper = FitSettings.checked(), FitSettings.checked(recipe="paper")
    assert f"{default.design} (default)" in text
    assert f"{default.architecture} (default)" in text
    assert f"recipe has {paper.architecture} as default" in text
    assert f"{default.recipe} (default)" in text
    assert f"{default.stopping} (default)" in text
    assert f"{default.precision} (default)" in text
    assert f"Default: {default.tolerance} (refined) or {paper.tolerance} (paper)" in text
    assert f"Default: {default.max_epochs} (refined) or {paper.max_epochs} (paper)" in text


def test_usage_errors_end_with_2():
    assert "No such command" in run("augmnt", code=2).stderr
    assert "--n-spectra" in run("augment", "a.hspy", "b.hspy", "-n", "0", code=2).stderr
    assert "Missing argument" in run("augment", "a.hspy", code=2).stderr


@pytest.mark.slow
def test_a_process_of_its_own(files, tmp_path, registered_environment):
    """The streams and the exit code that a batch system sees."""
    words = ["augment", files / "s.hspy", "out.hspy", "-l", files / "s.csv", *OPTIONS, "--json"]
    command = [sys.executable, "-m", "hyperspy_dag", *map(str, words)]
    environment = registered_environment | {"TQDM_MININTERVAL": "0"}
    environment.pop("MPLBACKEND", None)
    options = {"cwd": tmp_path, "env": environment, "capture_output": True, "text": True}
    done = subprocess.run(command, **options, timeout=300)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["classes"] == ["Fe3O4", "FeO"]
    assert told["seed"] == 3
    assert "epoch/s" in done.stderr or "s/epoch" in done.stderr
    assert "warning: few spectra in class 'Fe3O4' (10), class 'FeO' (14)" in done.stderr
    assert hs.load(tmp_path / "out.hspy").data.shape == (2, 100, 48)

    again = subprocess.run(command, **options, timeout=300)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == "error: out.hspy exists; give another name, or --force to replace it\n"


# --- the commands do what the library does --------------------------------------------------------


def test_preprocess(tmp_path):
    energies = 600 + 0.5 * np.arange(200)
    raw = eels(np.random.default_rng(0).poisson(1e9 * energies**-2.5, (6, 200)), offset=600.0)
    raw.save(tmp_path / "raw.hspy")
    given = ("--background-range", 602, 640, "--signal-range", 630, 690)
    told = run("preprocess", tmp_path / "raw.hspy", tmp_path / "clean.hspy", *given, "--json")
    expected = raw.dag_preprocess((602.0, 640.0), (630.0, 690.0))
    clean = hs.load(tmp_path / "clean.hspy")
    np.testing.assert_array_equal(clean.data, expected.data)
    assert clean.axes_manager[1].offset == expected.axes_manager[1].offset
    assert json.loads(told.stdout)["preprocessing"]["background_range"] == [602, 640]

    run("preprocess", tmp_path / "raw.hspy", tmp_path / "lazy.zspy", *given, "--lazy")
    np.testing.assert_array_equal(hs.load(tmp_path / "lazy.zspy").data, expected.data)
    outside = ("--signal-range", 100, 200)
    error = refused("preprocess", tmp_path / "raw.hspy", tmp_path / "no.hspy", *outside)
    assert error.startswith("signal_range (100, 200) eV is not inside the energy axis")


def test_augment(files, tmp_path):
    result = train(files, tmp_path / "a.hspy", "-n", 5, "--save-augmenter", tmp_path / "a.dag")
    expected = EELSAugmenter.load(files / "quick.dag")
    made = hs.load(tmp_path / "a.hspy")
    np.testing.assert_array_equal(made.data, expected.sample(5).data)
    assert get_labels(made)[:, 0].tolist() == ["Fe3O4", "FeO"]
    assert weights(EELSAugmenter.load(tmp_path / "a.dag")) == weights(expected)
    assert "training spectra: 10, 14\n" in result.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.dag", "a.hspy"]


def test_an_augmenter_is_kept_where_its_file_comes_meanwhile(files, tmp_path, monkeypatch):
    wanted, fit = tmp_path / "a.dag", EELSAugmenter.fit

    def fit_while_another_saves(*arguments, **options):
        fitted = fit(*arguments, **options)
        wanted.write_text("of somebody else")
        return fitted

    monkeypatch.setattr(EELSAugmenter, "fit", fit_while_another_saves)
    result = train(files, tmp_path / "a.hspy", "--save-augmenter", wanted, code=2)
    assert "meanwhile" in result.stderr
    assert wanted.read_text() == "of somebody else"
    assert EELSAugmenter.load(tmp_path / ".a.part.dag").classes_ == ["Fe3O4", "FeO"]
    assert (tmp_path / "a.hspy").exists()


def test_sample(files, tmp_path):
    augmenter = EELSAugmenter.load(files / "refined.dag")
    dag, out = files / "refined.dag", tmp_path / "s.hspy"
    options = ("--dose", 0.5, "--energy-jitter", 0.2, "--no-noise", "--seed", 7, "--label", "FeO")
    told = json.loads(run("sample", dag, out, "-n", 4, *options, "--json").stdout)
    expected = augmenter.sample(
        4, label="FeO", dose=0.5, energy_jitter=0.2, noise=False, random_state=7
    )
    np.testing.assert_array_equal(hs.load(out).data, expected.data)
    assert (told["dose"], told["noise"], told["seed"], told["classes"]) == (0.5, False, 7, ["FeO"])

    result = run("sample", dag, tmp_path / "lazy.zspy", "-n", 3, "--lazy")
    np.testing.assert_array_equal(hs.load(tmp_path / "lazy.zspy").data, augmenter.sample(3).data)
    assert result.stdout.startswith("output: ")  # and not Dask's progress
    assert refused("sample", dag, tmp_path / "no.hspy", "--label", "Fe") == (
        "--label Fe: the classes are Fe3O4, FeO"
    )
    said = refused("sample", dag, tmp_path / "no.hspy", "--dose", 0)
    assert "dose must be at least 1e-06" in said
    missing = refused("sample", "no.dag", tmp_path / "no.hspy")
    assert missing == "there is no file no.dag"


def test_adapt_and_classify(files, tmp_path):
    """A file of the labelled kind: the map agrees with the labels, and both repeat themselves."""
    dag, adapted, phases = files / "refined.dag", tmp_path / "next.dag", tmp_path / "phases.hspy"
    told = json.loads(run("adapt", dag, files / "s.hspy", adapted, "--seed", 3, "--json").stdout)
    assert sum(told["fractions"].values()) == pytest.approx(1)
    assert set(told["conditions"]["FeO"]) >= {"thickness", "shift", "dose"}
    np.testing.assert_array_equal(
        EELSAugmenter.load(adapted).sample(3).data,
        EELSAugmenter.load(dag).adapt(hs.load(files / "s.hspy"), random_state=3).sample(3).data,
    )
    again = run("adapt", dag, files / "s.hspy", adapted, "--force", "--plot", tmp_path / "f.png")
    assert "of them (" in again.stdout
    assert (tmp_path / "f.png").stat().st_size > 10_000
    assert "there is no class 'Ti'; the classes are" in refused(
        "adapt", dag, files / "s.hspy", adapted, "--force", "--low-loss", "Ti=low.hspy"
    )
    assert "each must be CLASS=FILE" in refused(
        *("adapt", dag, files / "s.hspy", adapted, "--force"),
        *("--low-loss", "a.hspy", "--low-loss", "b.hspy"),
    )
    for given in (adapted, f"FeO={adapted}"):
        assert "is read and written in one command" in refused(
            "adapt", dag, files / "s.hspy", adapted, "--force", "--low-loss", given
        )
    told = json.loads(run("classify", adapted, files / "s.hspy", phases, "--json").stdout)
    assert sum(told["spectra"].values()) == np.prod(told["shape"])
    assert hs.load(phases).data.size == np.prod(told["shape"])
    run("classify", adapted, files / "s.hspy", tmp_path / "phases.png")
    assert (tmp_path / "phases.png").stat().st_size > 1000
    assert "exists; give another name" in refused("classify", adapted, files / "s.hspy", phases)


def test_evaluate(files, tmp_path):
    page, figures = tmp_path / "r.html", tmp_path / "r.json"
    given = ("evaluate", files / "quick.dag", files / "test.hspy", "-l", files / "test.csv")
    lines = ("--l3-range", 640, 650, "--l2-range", 650, 653)
    trained_on = ("--train", files / "s.hspy", "--train-labels", files / "s.csv")
    chosen = (*trained_on, "--classifier", "svm", *lines, "-n", 20)
    result = run(*given, *chosen, "-o", page, "-o", figures)
    for part in ("Fréchet distance", "memorisation ratio", "SVM", f"output: {page}"):
        assert part in result.stdout
    assert "<html" in page.read_text(encoding="utf-8")
    told = json.loads(figures.read_text(encoding="utf-8"))
    assert told["n_test"] == [8, 9]
    assert told["trained_on"] == [0, 0]
    assert "wasserstein_l3_position" in told["metrics"]
    assert set(told["classification"]["accuracy"]) >= {"real", "synthetic"}

    short = json.loads(run(*given, "--classifier", "none", "--json").stdout)
    assert short["classification"] is None
    assert short["verdict"]["level"] in ("look at", "do not use")
    assert {"of", "level", "topic", "reason", "remedy"} == set(short["verdict"]["findings"][0])
    assert len(short["verdict"]["classes"]) == 2
    assert result.stdout.startswith("Verdict: ")
    assert "exists" in refused(*given, "-o", page)
    assert "a report is .html or .json" in refused(*given, "-o", tmp_path / "r.pdf")
    assert "belong together" in refused(*given, *lines[:3])


def test_info(files, tmp_path):
    told = json.loads(run("info", files / "quick.dag", "--json").stdout)
    assert (told["kind"], told["seed"], told["architecture"]) == ("augmenter", 3, "compact")
    assert told["training_spectra"] == [10, 14]
    assert told["energy_axis"]["first"] == 630.0
    assert told["energy_axis"]["last"] == 653.5
    assert "random_state" not in told

    told = json.loads(run("info", files / "s.hspy", "-l", files / "s.csv", "--json").stdout)
    assert (told["kind"], told["labels"]) == ("spectra", {"Fe3O4": 10, "FeO": 14})

    run("sample", files / "quick.dag", tmp_path / "a.hspy", "-n", 6)
    text = run("info", tmp_path / "a.hspy").stdout
    assert "kind: synthetic spectra\n" in text
    assert "labels:\n  Fe3O4: 6\n  FeO: 6" in text
    assert "  recipe: paper\n" in text
    (tmp_path / "no.dag").write_text("nothing")
    assert "not an augmenter file" in refused("info", tmp_path / "no.dag")
    (tmp_path / "no.hspy").write_text("nothing")
    assert "HyperSpy cannot read" in refused("info", tmp_path / "no.hspy")
    told = refused("info", files / "quick.dag", "-l", files / "s.csv")
    assert "holds no spectra that labels could belong to" in told


@pytest.mark.slow
def test_demo(tmp_path, monkeypatch):
    monkeypatch.setattr(_demo, "DATA_SETS", {"WL-Fe": "_Fe"})
    result = run("demo", tmp_path, "--max-epochs", 1, "-n", 20, "--json")
    for files in json.loads(result.stdout).values():
        for name in [files] if isinstance(files, str) else files:
            assert Path(name).stat().st_size > 0
    assert hs.load(tmp_path / "augmented_Fe.hspy").data.shape == (2, 20, 700)
    assert result.stderr.count("$ hyperspy-dag ") == 3
    assert "exists" in refused("demo", tmp_path)


# --- labels ---------------------------------------------------------------------------------------


def write_labels(folder: Path, labels: np.ndarray) -> dict[str, dict]:
    """The same labels in every way that there is; what ``read_labels`` takes, by name."""
    lines = [label or '""' for label in labels]
    texts = {
        "plain.csv": lines,
        "header.csv": ["phase", *lines],
        "empty lines.csv": list(labels),
        "blank end.csv": [*lines, ""],
        "heading, blank end.csv": ["phase", *lines, ""],
        "column, blank end.csv": ["phase", *lines, ""],
        "column.csv": ["x,phase", *(f"{i},{label}" for i, label in enumerate(labels))],
        "semicolon.csv": ["phase;x", *(f"{label} ;{i},5" for i, label in enumerate(labels))],
        "tabs.tsv": ["x\tphase", *(f"{i}\t{label}" for i, label in enumerate(labels)), ""],
    }
    for name, content in texts.items():
        (folder / name).write_text("\n".join(content) + "\n", encoding="utf-8-sig")
    np.save(folder / "labels.npy", labels)
    ways = {name: {"path": folder / name} for name in [*texts, "labels.npy"]}
    for name in ("column.csv", "column, blank end.csv", "semicolon.csv", "tabs.tsv"):
        ways[name]["column"] = "phase"
    for name in ("Sample.phases", "metadata.Sample.phases", "original_metadata.own.phases"):
        ways[name] = {"metadata": name}
    return ways


def read(s, path=None, column=None, metadata=None):
    return parse_labels(s, read_labels(s, path, column, metadata))


def test_every_way_to_give_labels(tmp_path):
    s, labels = two_classes()
    labels = labels.astype("<U9")
    labels[[0, 7]] = ""
    s.metadata.set_item("Sample.phases", labels.tolist())
    s.original_metadata.set_item("own.phases", labels)
    s.save(tmp_path / "s.hspy")
    s = read_signal(tmp_path / "s.hspy")
    expected = parse_labels(s, labels)
    for name, way in write_labels(tmp_path, labels).items():
        found = read(s, **way)
        assert found.classes == expected.classes, name
        np.testing.assert_array_equal(found.index, expected.index, err_msg=name)


def test_labels_of_maps_and_numbers(files, tmp_path):
    s = eels(np.ones((3, 4, 48)))
    numbers = np.array([[0, 1, 1, -1], [0, 0, 1, 2], [2, 2, 2, 10]])
    np.savetxt(tmp_path / "grid.csv", numbers, delimiter=",")  # 1.000000000000000000e+00
    np.savetxt(tmp_path / "list.csv", numbers.ravel(), fmt="%d")
    np.save(tmp_path / "list.npy", numbers.ravel())
    hs.signals.Signal2D(numbers).save(tmp_path / "map.hspy")
    expected = parse_labels(s, numbers)
    for name in ("grid.csv", "list.csv", "list.npy", "map.hspy"):
        found = read(s, tmp_path / name)
        assert found.classes == [0, 1, 2, 10], name
        np.testing.assert_array_equal(found.index, expected.index, err_msg=name)

    (tmp_path / "names.csv").write_text("\n".join(f"{n:03}" for n in numbers.clip(0).ravel()))
    assert read(s, tmp_path / "names.csv").classes == ["000", "001", "002", "010"]

    stack = EELSAugmenter.load(files / "quick.dag").sample(3)
    assert read(stack).counts == {"Fe3O4": 3, "FeO": 3}


def test_a_heading_is_said_and_a_first_spectrum_without_label_is_none(tmp_path, capsys):
    s, labels = two_classes()
    labels = labels.astype("<U9")
    (tmp_path / "labels.csv").write_text("\n".join(["phase", *labels]))
    read(s, tmp_path / "labels.csv")
    assert "the first line, 'phase', is taken as a heading" in capsys.readouterr().err
    labels[0] = "nan"
    (tmp_path / "labels.csv").write_text("\n".join([*labels, "", ""]))
    found = read(s, tmp_path / "labels.csv")
    np.testing.assert_array_equal(found.index, parse_labels(s, labels).index)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("a\nb\nc\n", None, "holds 3 labels, but there are 24 spectra"),
        ("x,phase\n1,a\n", None, "--label-column NAME), one of 'x', 'phase'"),
        ("x,phase\n1,a\n", "fase", "has no column 'fase'; its first line names 'x', 'phase'"),
        ("x,x\n1,a\n", "x", "has more than one column 'x'"),
        ("x,phase\n1,a\n2\n", "phase", "line 3: 1 columns, where line 1 has 2"),
        ("", None, "is empty"),
        (b"\xff\xfe\x00", None, "is not text in UTF-8"),
    ],
)
def test_tables_that_do_not_fit(tmp_path, text, column, message):
    table = tmp_path / "labels.csv"
    table.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=re.escape(message)):
        read(two_classes()[0], table, column)


def test_class_names_are_those_of_the_table(tmp_path):
    s = eels(np.ones((4, 48)))
    names = ["a\nb", "c\u2028d", "a\nb", "c\u2028d"]
    with open(tmp_path / "l.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([name] for name in names)
    assert read(s, tmp_path / "l.csv").classes == ["a\nb", "c\u2028d"]


@pytest.mark.parametrize("name", ["empty.npy", "long.npy", "folder.npy", "folder.csv", "wide.csv"])
def test_label_files_that_cannot_be_read_are_named(tmp_path, name):
    path = tmp_path / name
    if name.startswith("folder"):
        path.mkdir()
    elif name == "wide.csv":
        path.write_text('"' + 200_000 * "a" + '"\n')
    else:
        path.touch()
    if name == "long.npy":
        with path.open("wb") as file:
            header = {"descr": "<f8", "fortran_order": False, "shape": (10**15,)}
            np.lib.format.write_array_header_1_0(file, header)
    with pytest.raises(ValueError, match=f"cannot read labels from .*{name}: "):
        read(two_classes()[0], path)


def test_labels_that_are_missing_or_unfit(files, tmp_path):
    out = tmp_path / "a.hspy"
    given = ("augment", files / "s.hspy", out)
    assert "Give --labels FILE" in refused(*given)
    assert "there is no file no.csv" in refused(*given, "-l", "no.csv")
    assert "there are no labels" in refused(*given, "--labels-metadata", "Sample")
    both = ("-l", files / "s.csv", "--labels-metadata", "Sample.phases")
    assert "not both" in refused(*given, *both)
    np.save(tmp_path / "o.npy", np.array(["a", None], dtype=object))
    assert "dtype=str" in refused(*given, "-l", tmp_path / "o.npy")
    np.save(tmp_path / "n.npy", np.zeros(23, dtype=int))
    assert "navigation shape" in refused(*given, "-l", tmp_path / "n.npy")
    assert not out.exists()


# --- spectra as files have them -------------------------------------------------------------------


def test_other_signals_in_the_file(tmp_path, capsys):
    plain = hs.signals.Signal1D(two_classes()[0].data)
    plain.save(tmp_path / "plain.hspy")
    assert read_signal(tmp_path / "plain.hspy").metadata.Signal.signal_type == "EELS"
    assert "taken as EELS" in capsys.readouterr().err
    hs.signals.Signal2D(np.ones((3, 3))).save(tmp_path / "image.hspy")
    with pytest.raises(ValueError, match="holds no EELS signal"):
        read_signal(tmp_path / "image.hspy")


@pytest.fixture
def acquisition(files, monkeypatch) -> list:
    """A file as Velox writes it: image, low loss, two core losses and the sum of one of them."""
    image = hs.signals.Signal2D(np.ones((4, 6)))
    core = hs.load(files / "s.hspy")
    low = eels(np.ones((24, 48), np.float32), offset=-5.0)
    other = hs.load(files / "test.hspy")
    held = [image, low, core, other]
    for s, title in zip(held, ("HAADF", "EELS low loss", "EELS", "EELS 2"), strict=True):
        s.metadata.General.title = title
    (files / "map.emd").touch()
    load = hs.load
    monkeypatch.setattr(
        hs, "load", lambda f, **k: [*held] if Path(f).suffix == ".emd" else load(f, **k)
    )
    return held


def test_a_file_of_several_eels_signals(acquisition, files, tmp_path, capsys):
    path = files / "map.emd"
    with pytest.raises(ValueError, match=r"several EELS signals\. In it.* 1: .*from -5 .*--signal"):
        read_signal(path)
    for given, number in (("EELS", 2), ("2", 2), ("EELS 2", 3), ("3", 3), ("EELS low loss", 1)):
        assert read_signal(path, signal=given) is acquisition[number]
    for given in ("0", "4", "eels", "-1", "HAADF"):
        with pytest.raises(ValueError, match=f"no EELS signal for --signal {given}. In it"):
            read_signal(path, signal=given)
    acquisition[2].metadata.General.title = "EELS 2"
    with pytest.raises(ValueError, match="several EELS signals for --signal EELS 2"):
        read_signal(path, signal="EELS 2")
    del acquisition[3]
    assert read_signal(path) is acquisition[2]  # the only one of core losses
    assert "of the 3 signals" in capsys.readouterr().err


def test_every_command_that_reads_spectra_takes_one_of_several(acquisition, files, tmp_path):
    path, out = files / "map.emd", tmp_path / "out.hspy"
    said = refused("preprocess", path, out)
    assert "several EELS signals" in said and "2: <EELSSpectrum, title: EELS," in said
    run("preprocess", path, out, "--signal", "EELS")
    assert hs.load(out).data.shape == acquisition[2].data.shape
    run("augment", path, out, "--signal", 2, "-l", files / "s.csv", *OPTIONS, "--force")
    expected = hs.load(out).data
    train(files, out, "--force")
    np.testing.assert_array_equal(hs.load(out).data, expected)
    told = json.loads(run("info", path, "--signal", 3, "--json").stdout)
    assert told["navigation_shape"] == [17]
    words = (
        "evaluate",
        files / "quick.dag",
        path,
        "-l",
        files / "test.csv",
        "--classifier",
        "none",
    )
    real = ("--train", path, "--train-labels", files / "s.csv", "--train-signal", "EELS")
    told = run(*words, "--signal", "EELS 2", *real, "--json").stdout
    assert json.loads(told)["classes"] == ["Fe3O4", "FeO"]
    assert "belong to --train" in refused(*words, "--train-signal", "EELS")
    assert "--train-signal 9" in refused(*words, "--signal", 3, *real[:-1], 9)
    assert "--signal" in refused("info", files / "quick.dag", "--signal", 1)


# --- before, during and after long work -----------------------------------------------------------


def test_nothing_is_trained_for_a_name_that_cannot_be_written(files, tmp_path, monkeypatch):
    monkeypatch.setattr(EELSAugmenter, "fit", lambda *_, **__: pytest.fail("trained"))
    out = tmp_path / "a.hspy"
    out.write_text("older")
    given = ("augment", files / "s.hspy", out, "-l", files / "s.csv")
    assert refused(*given) == f"{out} exists; give another name, or --force to replace it"
    new = ("augment", files / "s.hspy", tmp_path / "b.hspy", "-l", files / "s.csv")
    assert "exists" in refused(*new, "--save-augmenter", out)
    assert "is read and written" in refused(
        "augment", files / "s.hspy", files / "s.hspy", "-l", files / "s.csv", "--force"
    )
    assert ".hspy or .zspy" in refused("augment", files / "s.hspy", tmp_path / "a.tif")
    assert "there is no folder" in refused("augment", files / "s.hspy", tmp_path / "no" / "a")
    early = refused("augment", "no.hspy", tmp_path / "b.hspy", "--design", "bitrans")
    assert early.startswith("design='bitrans' is not known")  # before any file is read
    assert "--resume needs --checkpoint-dir" in refused(*new, "--resume")
    assert out.read_text() == "older"
    assert not (tmp_path / "b.hspy").exists()


def test_force_replaces(files, tmp_path):
    for name in ("a.hspy", "a.zspy"):
        for n in (2, 3):
            run("sample", files / "quick.dag", tmp_path / name, "-n", n, "--force")
        assert hs.load(tmp_path / name).data.shape == (2, 3, 48)


def test_what_others_print_is_no_result(files, tmp_path, monkeypatch):
    draw = EELSAugmenter.sample

    def talkative(self, *given, **options):
        print("chatter")
        return draw(self, *given, **options)

    monkeypatch.setattr(EELSAugmenter, "sample", talkative)
    result = run("sample", files / "quick.dag", tmp_path / "a.hspy", "--json")
    assert json.loads(result.stdout)["spectra_per_class"] == 100
    assert "chatter" in result.stderr


@pytest.mark.parametrize("name", ["a.hspy", "a.zspy"])
def test_what_a_link_points_to_is_replaced(files, tmp_path, name):
    run("sample", files / "quick.dag", tmp_path / name, "-n", 2)
    link = tmp_path / f"link{name[1:]}"
    link.symlink_to(tmp_path / name, target_is_directory=name.endswith("zspy"))
    run("sample", files / "quick.dag", link, "--force", "-n", 3)
    assert link.is_symlink()
    assert hs.load(tmp_path / name).data.shape == (2, 3, 48)
    assert {path.name for path in tmp_path.iterdir()} == {name, link.name}


@pytest.mark.parametrize("name", ["a.hspy", "a.zspy"])
def test_a_save_that_fails_leaves_what_was_there(files, tmp_path, monkeypatch, name):
    given = ("sample", files / "quick.dag", tmp_path / name, "--force", "-n")
    run(*given, 2)

    def disk_full(self, path, **_):
        if name == "a.zspy":
            path.mkdir()
            path /= "part"
        path.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr(type(hs.load(tmp_path / name)), "save", disk_full)
        assert refused(*given, 3, code=1) == "No space left on device"
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert hs.load(tmp_path / name).data.shape == (2, 2, 48)


@pytest.mark.parametrize("broken", ["stack", "augmenter"])
def test_of_two_files_one_that_fails_does_not_cost_the_other(files, tmp_path, monkeypatch, broken):
    stack, augmenter = tmp_path / "a.hspy", tmp_path / "a.dag"

    def disk_full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    saved = {"stack": type(hs.load(files / "s.hspy")), "augmenter": EELSAugmenter}[broken]
    monkeypatch.setattr(saved, "save", disk_full)
    result = train(files, stack, "--save-augmenter", augmenter, code=1)
    assert "No space left on device" in result.stderr.splitlines()[-1]
    assert (stack.exists(), augmenter.exists()) == (broken != "stack", broken != "augmenter")


def test_a_missing_label_option_is_named(files):
    given = ("evaluate", files / "quick.dag", files / "test.hspy", "-l", files / "test.csv")
    assert "Give --train-labels FILE" in refused(*given, "--train", files / "s.hspy")
    column = ("--train", files / "s.hspy", "--train-label-column", "phase")
    assert "--train-label-column belongs to --train-labels" in refused(*given, *column)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "cannot write x: No space left"), "cannot write x: No space left"),
        (TrainingDivergedError("not\nfinite"), "not finite"),
        (KeyError("name"), "KeyError: 'name' (--debug shows where)"),
    ],
)
def test_work_that_fails(files, tmp_path, monkeypatch, error, message):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(EELSAugmenter, "fit", fail)
    given = ("augment", files / "s.hspy", tmp_path / "a.hspy", "-l", files / "s.csv")
    assert refused(*given, code=1) == message
    shown = run(*given, "--debug", code=1).stderr
    assert "Traceback" in shown
    assert list(tmp_path.iterdir()) == []


@POSIX
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_training_is_gone_on_with(files, tmp_path, monkeypatch, number, code):
    """Ctrl-C, or the batch system's time limit, while the second class is trained."""
    folder, out = tmp_path / "run", tmp_path / "a.hspy"
    words = (out, "--checkpoint-dir", folder, "--resume")
    run_class, calls = ClassTraining.run, []

    def interrupted(self, *arguments, **options):
        calls.append(self)
        if len(calls) == 2:
            os.kill(os.getpid(), number)
        return run_class(self, *arguments, **options)

    with monkeypatch.context() as context:
        context.setattr(ClassTraining, "run", interrupted)
        result = train(files, *words, code=code)
    assert result.stdout == ""
    last = result.stderr.splitlines()[-1]
    assert last.endswith(f"kept in {folder}: go on by the same command with --resume.")
    assert not out.exists()
    told = json.loads(run("info", folder, "--json").stdout)
    assert told["finished"] == [True, False]

    without = refused("augment", files / "s.hspy", *words[:3], "-l", files / "s.csv", *OPTIONS)
    assert without.startswith(f"{folder} holds a training of these spectra already: add --resume")
    other = refused("augment", files / "s.hspy", *words, "-l", files / "s.csv", "--seed", 4)
    assert "was begun with --seed 3, not 4" in other
    stricter = ("-l", files / "s.csv", *OPTIONS, "--stopping", "all")
    criterion = refused("augment", files / "s.hspy", *words, *stricter)
    assert "was begun with --stopping none, not all" in criterion
    strange = refused("augment", files / "test.hspy", *words, "-l", files / "test.csv")
    assert "other spectra or labels" in strange

    train(files, *words)
    expected = EELSAugmenter.load(files / "quick.dag").sample(100).data
    np.testing.assert_array_equal(hs.load(out).data, expected)


def test_progress_is_as_hyperspy_prefers(files, tmp_path):
    assert "/1 [" in train(files, tmp_path / "a.hspy").stderr
    assert "/1 [" not in train(files, tmp_path / "b.hspy", "--quiet").stderr
    try:
        hs.preferences.General.show_progressbar = False
        assert "/1 [" not in train(files, tmp_path / "c.hspy").stderr
    finally:
        hs.preferences.General.show_progressbar = True
