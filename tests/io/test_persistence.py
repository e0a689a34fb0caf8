# SPDX-License-Identifier: GPL-3.0-or-later
"""Files: synthetic signals in fresh processes, fitted augmenters whole and broken."""

from __future__ import annotations

import io
import json
import os
import pickle
import uuid
import zipfile

import hyperspy.api as hs
import numpy as np
import pytest
from conftest import POSIX
from spectra import two_classes

from hyperspy_dag import EELSAugmenter, get_labels
from hyperspy_dag.io import files

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*fewer than"),
    pytest.mark.filterwarnings("ignore:.*stopping criterion"),
]


@pytest.fixture(scope="module")
def fitted() -> EELSAugmenter:
    s, labels = two_classes()
    augmenter = EELSAugmenter(training="always", max_epochs=2, stopping=None, random_state=1)
    return augmenter.fit(s, labels, show_progressbar=False)


@pytest.fixture
def saved(fitted, tmp_path):
    path = tmp_path / "oxides.dag"
    fitted.save(path)
    return path


@pytest.mark.parametrize("extension", ["hspy", "zspy"])
def test_signal_round_trip_in_a_fresh_process(fitted, tmp_path, run_python, extension):
    if extension == "zspy":
        pytest.importorskip("zarr", reason="zspy files need zarr")
    aug = fitted.sample(5)
    path = tmp_path / f"augmented.{extension}"
    aug.save(path)
    np.save(tmp_path / "data.npy", aug.data)
    run_python(
        """
        import sys
        import numpy as np
        import hyperspy.api as hs
        s = hs.load(sys.argv[1])
        assert type(s).__name__ == "EELSSpectrum" and type(s).__module__.startswith("exspy")
        np.testing.assert_array_equal(s.data, np.load(sys.argv[2]))
        assert [a.name for a in s.axes_manager.navigation_axes] == ["spectrum", "class"]
        energy = s.axes_manager.signal_axes[0]
        assert (energy.offset, energy.scale, energy.units) == (630.0, 0.5, "eV")
        assert s.metadata.DAG.classes.as_dictionary() == {"0": "Fe3O4", "1": "FeO"}
        assert s.metadata.DAG.random_state == 1
        from hyperspy_dag import get_labels
        assert get_labels(s.inav[2:, 1]).tolist() == ["FeO"] * 3
        assert "tensorflow" not in sys.modules
        """,
        path,
        tmp_path / "data.npy",
    )


def test_nexus_files_hold_all_that_is_known(fitted, tmp_path):
    aug = fitted.sample(5)
    for part in (aug, aug.inav[:, 1], aug.inav[3, 1]):
        part.save(tmp_path / "augmented.nxs", overwrite=True)
        # Without nxdata_only, each array in the metadata is a signal of its own after the spectra.
        s = hs.load(tmp_path / "augmented.nxs", nxdata_only=True)
        assert type(s) is type(part)
        np.testing.assert_array_equal(s.data, part.data)
        np.testing.assert_array_equal(get_labels(s), get_labels(part))
        assert s.metadata.DAG.training_digest == aug.metadata.DAG.training_digest
    first, *_ = hs.load(tmp_path / "augmented.nxs")
    assert get_labels(first) == "FeO"


def test_what_is_trained_on_may_come_from_a_nexus_file(tmp_path):
    s, labels = two_classes()
    s = s.dag_preprocess(signal_range=(632, 650))
    s.save(tmp_path / "clean.nxs")
    s = hs.load(tmp_path / "clean.nxs", nxdata_only=True)
    augmenter = EELSAugmenter(training="always", max_epochs=1, random_state=1).fit(
        s, labels, show_progressbar=False
    )
    augmenter.save(tmp_path / "oxides.dag")
    again = EELSAugmenter.load(tmp_path / "oxides.dag").sample(2)
    assert tuple(again.metadata.DAG.preprocessing.signal_range) == (632, 650)


def test_augmenter_round_trip_in_a_fresh_process(fitted, saved, tmp_path, run_python):
    np.save(tmp_path / "data.npy", fitted.sample(7, random_state=3).data)
    run_python(
        """
        import sys
        import numpy as np
        import hyperspy.api as hs
        from hyperspy_dag import EELSAugmenter
        augmenter = EELSAugmenter.load(sys.argv[1])
        assert augmenter.classes_ == ["Fe3O4", "FeO"]
        assert "tensorflow" not in sys.modules, "loading needs no TensorFlow"
        np.testing.assert_array_equal(
            augmenter.sample(7, random_state=3).data, np.load(sys.argv[2])
        )
        """,
        saved,
        tmp_path / "data.npy",
    )


def test_augmenter_keeps_everything(fitted, saved):
    loaded = EELSAugmenter.load(saved)
    assert repr(loaded) == repr(fitted)
    assert loaded.history_ == fitted.history_
    assert loaded.baseline_ == fitted.baseline_
    assert loaded.best_ == fitted.best_
    before, after = (a.sample(2).metadata.DAG.as_dictionary() for a in (fitted, loaded))
    before.pop("labels"), after.pop("labels")
    assert before == after


@pytest.mark.parametrize("kind", [bool, int, str])
def test_class_names_keep_their_kind(tmp_path, kind):
    s, labels = two_classes()
    given = {
        bool: labels == "FeO",
        int: np.where(labels == "FeO", 26, 8),
        str: np.where(labels == "FeO", "Fe0.95O / 2.5 %", "α-Fe₂O₃"),
    }[kind]
    augmenter = EELSAugmenter(training="always", max_epochs=1, random_state=0)
    augmenter.fit(s, given, show_progressbar=False).save(tmp_path / "a.dag")
    aug = EELSAugmenter.load(tmp_path / "a.dag").sample(2)
    aug.save(tmp_path / "a.hspy")
    labels = get_labels(hs.load(tmp_path / "a.hspy"))
    np.testing.assert_array_equal(labels[:, 0], np.unique(given))
    assert labels.dtype.kind == np.asarray(given).dtype.kind


def test_does_not_overwrite_unasked(fitted, saved):
    content = saved.read_bytes()
    with pytest.raises(FileExistsError, match="overwrite=True"):
        fitted.save(saved)
    assert saved.read_bytes() == content
    fitted.save(saved, overwrite=True)


@POSIX
def test_a_link_goes_on_to_be_one_and_permissions_stay(fitted, tmp_path):
    (tmp_path / "shared").mkdir()
    real, link = tmp_path / "shared" / "oxides.dag", tmp_path / "oxides.dag"
    fitted.save(real)
    umask = os.umask(0)
    os.umask(umask)
    assert real.stat().st_mode & 0o777 == 0o666 & ~umask
    real.chmod(0o600)
    link.symlink_to(real)
    before = real.stat().st_ino
    fitted.save(link, overwrite=True)
    assert link.is_symlink() and real.stat().st_ino != before
    assert real.stat().st_mode & 0o777 == 0o600
    assert os.listdir(real.parent) == [real.name]


def test_what_is_saved_can_be_loaded(tmp_path):
    """Whatever others have written into the metadata."""
    s, labels = two_classes()
    deep: dict = {}
    node = deep
    for _ in range(30):
        node["below"] = node = {}
    s.metadata.set_item("DAG.preprocessing", {"normalise": True, "_mine": 1, "deep": deep})
    augmenter = EELSAugmenter(recipe="paper", architecture="compact", max_epochs=1, random_state=0)
    augmenter.fit(s, labels, show_progressbar=False).save(tmp_path / "a.dag")
    loaded = EELSAugmenter.load(tmp_path / "a.dag")
    assert loaded.sample(2).metadata.DAG.preprocessing.normalise is True


def test_writes_all_or_nothing(fitted, saved, monkeypatch):
    """A crash while writing leaves the old file, and nothing beside it."""
    content = saved.read_bytes()

    def crash(file, **arrays):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", crash)
    with pytest.raises(OSError, match="disk full"):
        fitted.save(saved, overwrite=True)
    assert saved.read_bytes() == content
    assert os.listdir(saved.parent) == [saved.name]


@POSIX
def test_disk_that_fills_up(saved, run_python):
    """The operating system itself refuses to write on: the limit of a file's size."""
    size = saved.stat().st_size // 2
    content = saved.read_bytes()
    run_python(
        """
        import resource, signal, sys
        import numpy as np
        from pathlib import Path
        from hyperspy_dag import EELSAugmenter
        path = Path(sys.argv[1])
        augmenter = EELSAugmenter.load(path)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
        try:
            augmenter.save(path, overwrite=True)
        except OSError as error:
            assert "cannot write" in str(error) and "untouched" in str(error), error
        else:
            raise AssertionError("no error")
        """,
        saved,
        size,
    )
    assert saved.read_bytes() == content
    assert os.listdir(saved.parent) == [saved.name]


def test_folder_that_vanished(fitted, tmp_path, monkeypatch):
    """Between the check and the write."""
    folder = tmp_path / "gone"
    folder.mkdir()
    uuid4 = uuid.uuid4

    def vanish():
        folder.rmdir()
        return uuid4()

    monkeypatch.setattr(uuid, "uuid4", vanish)
    with pytest.raises(FileNotFoundError, match="cannot write .*a.dag"):
        fitted.save(folder / "a.dag")


def test_holds_no_pickle(saved):
    with np.load(saved, allow_pickle=False) as file:
        for name in file.files:
            assert file[name].dtype != object


def test_says_that_a_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="no augmenter file"):
        EELSAugmenter.load(tmp_path / "none.dag")


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.9, 0.999])
def test_refuses_a_file_cut_short(saved, fraction):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(ValueError, match="cut short|damaged"):
        EELSAugmenter.load(saved)


def test_refuses_flipped_bits(saved):
    content = bytearray(saved.read_bytes())
    random = np.random.default_rng(0)
    refused = 0
    # The whole of the archive's directory, at its end, and places elsewhere.
    directory = content.rindex(b"PK\x01\x02")
    positions = [*range(directory, len(content)), *random.integers(len(content), size=40)]
    for position in positions:
        broken = content.copy()
        broken[position] ^= 0xFF
        saved.write_bytes(broken)
        try:
            loaded = EELSAugmenter.load(saved)
        except ValueError:
            refused += 1
        else:
            # Some bytes of a zip archive mean nothing; then the content must be whole.
            assert loaded.classes_ == ["Fe3O4", "FeO"]
    assert refused > 60


def test_refuses_foreign_files(saved, tmp_path):
    text = tmp_path / "notes.dag"
    text.write_text("not an augmenter")
    with pytest.raises(ValueError, match="not an augmenter file"):
        EELSAugmenter.load(text)
    other = tmp_path / "other.dag"
    with open(other, "wb") as file:
        np.savez(file, a=np.zeros(3))
    with pytest.raises(ValueError, match="it has no header"):
        EELSAugmenter.load(other)
    header = np.frombuffer(json.dumps({"format": "something else"}).encode(), np.uint8)
    with open(other, "wb") as file:
        np.savez(file, header=header)
    with pytest.raises(ValueError, match="of another kind"):
        EELSAugmenter.load(other)


def test_refuses_newer_files(fitted, saved, monkeypatch):
    monkeypatch.setattr(files, "FORMAT_VERSION", 99)
    fitted.save(saved, overwrite=True)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="Update hyperspy_dag"):
        EELSAugmenter.load(saved)


def test_runs_no_code_from_a_file(saved, tmp_path):
    """An array smuggled in as a pickle is refused, not executed."""

    class Payload:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.array([Payload()], object), allow_pickle=True)
    evil = tmp_path / "evil.dag"
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(evil, "w") as target:
        for name in source.namelist():
            own = name == "0/weights/0.npy"
            target.writestr(name, buffer.getvalue() if own else source.read(name))
    with pytest.raises(ValueError, match="damaged|allow_pickle|pickle"):
        EELSAugmenter.load(evil)
    (tmp_path / "plain.dag").write_bytes(pickle.dumps(Payload()))
    with pytest.raises(ValueError, match="not an augmenter file"):
        EELSAugmenter.load(tmp_path / "plain.dag")
    assert not (tmp_path / "executed").exists()


def test_refuses_weights_of_another_shape(fitted, saved):
    header, arrays = files.read(saved)
    name = next(n for n, array in arrays.items() if "/weights/" in n and array.ndim == 2)
    arrays[name] = arrays[name][:-1]
    header.pop("format"), header.pop("format_version")
    files.write(saved, header, arrays)
    with pytest.raises(ValueError, match="does not understand"):
        EELSAugmenter.load(saved)
