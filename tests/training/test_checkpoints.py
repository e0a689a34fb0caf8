# SPDX-License-Identifier: GPL-3.0-or-later
"""Trainings that are killed go on bit for bit; what stands in the way is said clearly."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import POSIX
from spectra import two_classes
from trainers import compiled_once, weights  # noqa: F401 - a fixture of the module

from hyperspy_dag import EELSAugmenter
from hyperspy_dag.augmenter import AugmenterFileError
from hyperspy_dag.dag.trainer import Costs, Trainer
from hyperspy_dag.io import files
from hyperspy_dag.training import train_class

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*fewer than"),
    pytest.mark.filterwarnings("ignore:.*stopping criterion"),
]

SETTINGS = {"recipe": "paper", "architecture": "compact", "stopping": None, "max_epochs": 7}


def make() -> EELSAugmenter:
    return EELSAugmenter(random_state=3, **SETTINGS)


@pytest.fixture(scope="module")
def uninterrupted() -> EELSAugmenter:
    return make().fit(*two_classes(), show_progressbar=False)


class Killed(BaseException):
    """Stands for SIGKILL in this process: nothing in between may catch it."""


def die_at(monkeypatch, call: int) -> None:
    """Let the `call`-th piece of training end the process."""
    train, calls = Trainer.train, []

    def dying(self, *args):
        calls.append(args)
        if len(calls) == call:
            raise Killed
        return train(self, *args)

    monkeypatch.setattr(Trainer, "train", dying)


@pytest.mark.parametrize(("call", "every"), [(1, 2), (7, 3), (11, 2)])
def test_goes_on_bit_for_bit(tmp_path, monkeypatch, uninterrupted, call, every):
    folder = tmp_path / "run"
    die_at(monkeypatch, call)
    options = {"checkpoint_dir": folder, "checkpoint_every": every, "show_progressbar": False}
    with pytest.raises(Killed):
        make().fit(*two_classes(), **options)
    monkeypatch.undo()

    trained = []
    train = Trainer.train
    monkeypatch.setattr(
        Trainer, "train", lambda self, *args: trained.append(args[0]) or train(self, *args)
    )
    resumed = EELSAugmenter.resume(folder, show_progressbar=False)
    assert weights(resumed) == weights(uninterrupted)
    assert resumed.history_ == uninterrupted.history_
    assert resumed.best_ == uninterrupted.best_
    assert resumed.baseline_ == uninterrupted.baseline_
    np.testing.assert_array_equal(resumed.sample(5).data, uninterrupted.sample(5).data)
    # At most one interval is trained again: 7 epochs for each of two classes in all.
    done = call - 1
    assert 14 - done <= len(trained) < 14 - done + every

    # A finished training is read, not repeated.
    trained.clear()
    again = EELSAugmenter.resume(folder, *two_classes(), show_progressbar=False)
    assert not trained
    assert weights(again) == weights(uninterrupted)


def test_costs_nothing_when_unused(tmp_path, monkeypatch):
    """No state is copied and no file touched without checkpoint_dir."""
    from hyperspy_dag.training import checkpoints

    monkeypatch.setattr(checkpoints, "write", None)
    monkeypatch.chdir(tmp_path)
    copies = []
    state = Trainer.state
    monkeypatch.setattr(Trainer, "state", lambda self: copies.append(1) or state(self))
    make().fit(*two_classes(), show_progressbar=False)
    assert os.listdir(tmp_path) == []
    assert len(copies) == 2  # the state that a loss that is not finite would go back to


def test_divergence_goes_on_too(tmp_path, monkeypatch):
    """A restart with lower rates, then a kill: the same as the restart alone."""
    monkeypatch.setattr(train_class, "SAFE_EVERY", 3)
    train = Trainer.train

    def diverging(kill_at):
        calls = []

        def one(self, epoch, epochs, rate):
            calls.append(epoch)
            if len(calls) == kill_at:
                raise Killed
            if epoch == 4 and rate == 1.0:
                return Costs(np.full(epochs, np.nan), np.full(epochs, np.nan))
            return train(self, epoch, epochs, rate)

        return one

    s, labels = two_classes()
    labels = np.where(labels == "FeO", labels, "")
    monkeypatch.setattr(Trainer, "train", diverging(None))
    alone = make().fit(s, labels, show_progressbar=False)
    assert [e.epoch for e in alone.history_["FeO"].evaluations] == list(range(8))
    for kill_at in (6, 7, 8):
        folder = tmp_path / f"run{kill_at}"
        monkeypatch.setattr(Trainer, "train", diverging(kill_at))
        with pytest.raises(Killed):
            make().fit(s, labels, checkpoint_dir=folder, checkpoint_every=2, show_progressbar=False)
        monkeypatch.setattr(Trainer, "train", diverging(None))
        resumed = EELSAugmenter.resume(folder, show_progressbar=False)
        assert weights(resumed) == weights(alone)
        assert resumed.history_ == alone.history_


@pytest.fixture
def begun(tmp_path, monkeypatch) -> Path:
    """A training that was killed in its second class."""
    folder = tmp_path / "run"
    with monkeypatch.context() as context:
        die_at(context, 12)
        with pytest.raises(Killed):
            make().fit(
                *two_classes(), checkpoint_dir=folder, checkpoint_every=2, show_progressbar=False
            )
    return folder


def test_refuses_other_spectra(begun):
    s, labels = two_classes()
    s.data[0, 0] += 0.01
    with pytest.raises(ValueError, match="not those that the training in .* was begun with"):
        EELSAugmenter.resume(begun, s, labels)
    s, labels = two_classes()
    with pytest.raises(ValueError, match="not those"):
        EELSAugmenter.resume(begun, s, np.where(labels == "FeO", "NiO", labels))
    with pytest.raises(TypeError, match="both s and labels"):
        EELSAugmenter.resume(begun, s)


def test_does_not_begin_over_another_training(begun):
    before = {path.name: path.read_bytes() for path in begun.iterdir()}
    with pytest.raises(FileExistsError, match=r"EELSAugmenter\.resume"):
        make().fit(*two_classes(), checkpoint_dir=begun)
    assert {path.name: path.read_bytes() for path in begun.iterdir()} == before
    # Nor where part of it is left.
    (begun / "run.npz").unlink()
    with pytest.raises(FileExistsError, match=r"part of another training \(class-\d"):
        make().fit(*two_classes(), checkpoint_dir=begun)


def test_refuses_files_of_another_training(begun, tmp_path):
    other = tmp_path / "other"
    EELSAugmenter(random_state=4, **SETTINGS).fit(
        *two_classes(), checkpoint_dir=other, show_progressbar=False
    )
    (begun / "class-1.npz").write_bytes((other / "class-1.npz").read_bytes())
    with pytest.raises(AugmenterFileError, match="belongs to a training on other spectra"):
        EELSAugmenter.resume(begun, show_progressbar=False)


def test_damaged_checkpoints_are_refused(begun):
    random = np.random.default_rng(0)
    for name in ("run.npz", "class-1.npz", "class-1-state.npz"):
        content = (begun / name).read_bytes()
        for cut in (0.0, 0.5, 0.999):
            (begun / name).write_bytes(content[: int(cut * len(content))])
            with pytest.raises(AugmenterFileError):
                EELSAugmenter.resume(begun, show_progressbar=False)
        broken = bytearray(content)
        broken[int(random.integers(500, len(content) // 2))] ^= 0xFF
        (begun / name).write_bytes(broken)
        with pytest.raises(AugmenterFileError) as raised:
            EELSAugmenter.resume(begun, show_progressbar=False)
        assert name == "run.npz" or f"Delete {begun / name}" in raised.value.__notes__[0]
        (begun / name).write_bytes(content)


def test_a_class_whose_checkpoint_is_deleted_begins_anew(begun, uninterrupted):
    (begun / "class-1-state.npz").write_bytes(b"damaged")
    with pytest.raises(AugmenterFileError):
        EELSAugmenter.resume(begun, show_progressbar=False)
    (begun / "class-1-state.npz").unlink()
    assert weights(EELSAugmenter.resume(begun, show_progressbar=False)) == weights(uninterrupted)


def test_seconds_before_the_interruption_count(begun, monkeypatch):
    seconds = {"Fe3O4": 100.0, "FeO": 50.0}
    for name, own in (("class-0.npz", 100.0), ("class-1-state.npz", 50.0)):
        header, arrays = files.read(begun / name, kind=files.CHECKPOINT)
        assert 0 < header["seconds"] < 60
        files.write(begun / name, header | {"seconds": own}, arrays, kind=files.CHECKPOINT)
    resumed = EELSAugmenter.resume(begun, show_progressbar=False)
    first, second = resumed.classes_
    taken = resumed.fit_seconds_
    assert taken[first] == 100.0
    assert 50.0 < taken[second] < 110.0
    assert set(seconds) == set(taken)


def test_a_training_of_other_networks_is_refused(begun):
    """Under the paper's recipe those of version 0.1 were others."""
    header, arrays = files.read(begun / "run.npz", kind=files.CHECKPOINT)
    del header["networks"]
    files.write(begun / "run.npz", header, arrays, kind=files.CHECKPOINT)
    with pytest.raises(AugmenterFileError, match="other networks"):
        EELSAugmenter.resume(begun, show_progressbar=False)


def test_a_folder_is_the_same_wherever_one_is(tmp_path, monkeypatch, uninterrupted):
    """Workers have folders of their own, and notebooks change theirs."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    train = Trainer.train

    def moving(self, *args):
        monkeypatch.chdir(elsewhere)
        return train(self, *args)

    monkeypatch.setattr(Trainer, "train", moving)
    make().fit(*two_classes(), checkpoint_dir="run", show_progressbar=False)
    assert not list(elsewhere.iterdir())
    assert sorted(path.name for path in (tmp_path / "run").glob("*.npz")) == [
        "class-0.npz",
        "class-1.npz",
        "run.npz",
    ]


def test_one_process_at_a_time(begun):
    from filelock import FileLock

    with FileLock(begun / ".lock"), pytest.raises(BlockingIOError, match="another process"):
        EELSAugmenter.resume(begun, show_progressbar=False)


def test_nothing_to_go_on_with(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"it has no run\.npz"):
        EELSAugmenter.resume(tmp_path)
    with pytest.raises(FileNotFoundError, match="no run"):
        EELSAugmenter.resume(tmp_path / "none")


def test_leftovers_of_killed_writes_are_swept(begun):
    (begun / ".class-1-state.npz.abc.tmp").write_bytes(b"half")
    EELSAugmenter.resume(begun, show_progressbar=False)
    assert sorted(p.name for p in begun.iterdir() if p.name != ".lock") == [
        "class-0.npz",
        "class-1.npz",
        "run.npz",
    ]


@pytest.mark.parametrize(
    ("code", "error"),
    [(errno.ENOSPC, OSError), (errno.EROFS, OSError), (errno.EACCES, PermissionError)],
)
def test_disk_full_keeps_what_is_done(tmp_path, monkeypatch, uninterrupted, code, error):
    """The second class's file cannot be written: the first is kept, and the folder goes on."""
    folder = tmp_path / "run"
    save = np.savez

    def full(file, **arrays):
        if json.loads(arrays["header"].tobytes()).get("model", {}).get("n_training") == 14:
            file.write(b"half")
            raise OSError(code, os.strerror(code))
        save(file, **arrays)

    monkeypatch.setattr(np, "savez", full)
    augmenter = make()
    with pytest.raises(error, match="cannot write .*class-1") as raised:
        augmenter.fit(*two_classes(), checkpoint_dir=folder, show_progressbar=False)
    assert raised.value.errno == code
    assert augmenter.classes_ == ["Fe3O4"]
    assert any("EELSAugmenter.resume" in note for note in raised.value.__notes__)
    assert not [p for p in os.listdir(folder) if p.endswith(".tmp")]
    monkeypatch.undo()
    assert weights(EELSAugmenter.resume(folder, show_progressbar=False)) == weights(uninterrupted)


def test_folder_that_vanishes(tmp_path, monkeypatch):
    import shutil

    folder = tmp_path / "run"
    train, calls = Trainer.train, []

    def vanish(self, *args):
        calls.append(args)
        if len(calls) == 9:
            shutil.rmtree(folder)
        return train(self, *args)

    monkeypatch.setattr(Trainer, "train", vanish)
    augmenter = make()
    with pytest.raises(FileNotFoundError, match="cannot write"):
        augmenter.fit(
            *two_classes(), checkpoint_dir=folder, checkpoint_every=1, show_progressbar=False
        )
    assert augmenter.classes_ == ["Fe3O4"]


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (5, TypeError, "checkpoint_dir must be a path, 5"),
        ("none/run", FileNotFoundError, "create it first"),
        ("file", NotADirectoryError, "is a file"),
    ],
)
def test_says_what_is_wrong_with_the_folder(tmp_path, monkeypatch, given, error, message):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    with pytest.raises(error, match=message):
        make().fit(*two_classes(), checkpoint_dir=given)
    with pytest.raises(ValueError, match="checkpoint_every must be at least 1"):
        make().fit(*two_classes(), checkpoint_dir=tmp_path / "new", checkpoint_every=0)
    assert sorted(os.listdir(tmp_path)) == ["file"]


@POSIX
@pytest.mark.slow
@pytest.mark.thorough
def test_killed_at_random_moments(tmp_path, registered_environment, uninterrupted):
    """SIGKILL, in the middle of a write too; see benchmarks/survival.py for the full count."""
    root = Path(__file__).resolve().parents[2]
    report = tmp_path / "survival.json"
    subprocess.run(
        [
            sys.executable,
            root / "benchmarks" / "survival.py",
            "--runs=3",
            f"--output={report}",
        ],
        check=True,
        env=registered_environment,
        timeout=600,
    )
    result = json.loads(report.read_text())
    assert result["same_weights"] == result["runs"] == 3
    assert result["worst_loss_in_intervals"] <= 1
    assert result["killed"] >= 3


@POSIX
def test_old_files_survive_a_kill_in_the_middle_of_a_write(tmp_path, run_python):
    """The process dies with half of the new file written."""
    path = tmp_path / "a.npz"
    files.write(path, {"a": 1}, {"x": np.arange(3)})
    result = run_python(
        """
        import os, signal, sys
        from pathlib import Path
        import numpy as np
        from hyperspy_dag.io import files

        def die(file, **arrays):
            file.write(b"half")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)

        np.savez = die
        files.write(Path(sys.argv[1]), {"a": 2}, {"x": np.arange(4)})
        """,
        path,
        check=False,
    )
    assert result.returncode == -signal.SIGKILL
    header, arrays = files.read(path)
    assert header["a"] == 1
    np.testing.assert_array_equal(arrays["x"], np.arange(3))
