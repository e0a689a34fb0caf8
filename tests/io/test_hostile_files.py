# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that anyone may have written: refused with one error, nothing run, memory bounded."""

from __future__ import annotations

import copy
import io
import json
import os
import struct
import sys
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spectra import two_classes

from hyperspy_dag import EELSAugmenter
from hyperspy_dag.augmenter import AugmenterFileError
from hyperspy_dag.io import files

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*fewer than"),
    pytest.mark.filterwarnings("ignore:.*stopping criterion"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A saved augmenter, a finished checkpoint folder beside it."""
    folder = tmp_path_factory.mktemp("files")
    augmenter = EELSAugmenter(training="always", max_epochs=1, random_state=1)
    s, labels = two_classes()
    s.set_microscope_parameters(beam_energy=100, convergence_angle=10, collection_angle=20)
    augmenter.fit(s, labels, checkpoint_dir=folder / "run", show_progressbar=False)
    augmenter.save(folder / "good.dag")
    return folder


@pytest.fixture
def good(folder) -> Path:
    return folder / "good.dag"


def content(path: Path, kind: str = files.AUGMENTER) -> tuple[dict, dict]:
    header, arrays = files.read(path, kind=kind)
    header.pop("format"), header.pop("format_version")
    return header, arrays


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path: Path, parts: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return path


def npy(shape: tuple[int, ...], descr: str = "<f4", data: bytes = b"") -> bytes:
    """An .npy member that claims what it likes."""
    text = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def refuse(path: Path, match: str | None = None) -> None:
    before = sorted(os.listdir(path.parent))
    with pytest.raises(AugmenterFileError, match=match):
        EELSAugmenter.load(path)
    assert sorted(os.listdir(path.parent)) == before


@pytest.mark.parametrize(
    "name", ["../../escape.npy", "/tmp/escape.npy", "..\\escape.npy", "0/../../x.npy", "C:x.npy"]
)
def test_path_traversal(good, tmp_path, name):
    """Nothing is unpacked to disk, whatever a member is called."""
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    EELSAugmenter.load(pack(folder / "a.dag", members(good) | {name: npy((0,))}))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [folder / "a.dag"]
    assert not Path("/tmp/escape.npy").exists()


def peak() -> int:
    """Most memory that this process has had so far, in bytes."""
    resource = pytest.importorskip("resource", reason="Windows does not tell")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


def test_zip_bomb(good, tmp_path):
    """A gigabyte of zeros in a megabyte."""
    path = tmp_path / "bomb.dag"
    size = 2**30
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in members(good).items():
            archive.writestr(name, part)
        with archive.open("0/weights/99.npy", "w", force_zip64=True) as member:
            member.write(npy((size // 4,)))
            for _ in range(size // 2**24):
                member.write(bytes(2**24))
    before = peak()
    refuse(path, "claims to hold")
    assert peak() - before < 100 * 2**20


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
@pytest.mark.parametrize("name", ["header.npy", "0/weights/0.npy"])
def test_zip_bomb_that_claims_to_be_small(good, tmp_path, name, compression):
    """What a member's size and checksum say belongs to its first bytes."""
    size = 10_000
    parts = members(good) | {name: npy((size - len(npy((9999,))),), "|u1") + bytes(2**26)}
    path = pack(tmp_path / "a.dag", parts, compression)
    raw = bytearray(path.read_bytes())
    entry = raw.rindex(name.encode()) - 46
    struct.pack_into("<I", raw, entry + 16, zlib.crc32(parts[name][:size]))
    struct.pack_into("<I", raw, entry + 24, size)
    path.write_bytes(raw)
    tracemalloc.start()
    refuse(path)
    assert tracemalloc.get_traced_memory()[1] < 10 * 2**20
    tracemalloc.stop()


def test_members_that_share_their_bytes(good, tmp_path):
    """A thousand names for the same compressed megabytes add up as well."""
    path = pack(tmp_path / "a.dag", members(good) | {"x.npy": npy((2**22,), data=bytes(2**24))})
    raw = bytearray(path.read_bytes())
    end = raw.rindex(b"PK\x05\x06")
    start = struct.unpack("<I", raw[end + 16 : end + 20])[0]
    last = raw.rindex(b"PK\x01\x02", 0, end)
    entry, count = raw[last:end], struct.unpack("<H", raw[end + 10 : end + 12])[0]
    copies = b"".join(
        bytes(entry).replace(b"x.npy", f"{chr(97 + i % 26)}.npy".encode()) for i in range(23)
    )
    directory = bytes(raw[start:end]) + copies
    tail = struct.pack("<HHIIH", count + 23, count + 23, len(directory), start, 0)
    path.write_bytes(bytes(raw[:start]) + directory + b"PK\x05\x06\0\0\0\0" + tail)
    refuse(path)


def test_array_that_claims_more_than_there_is(good, tmp_path):
    """Memory is taken after the claim was compared with the member's size."""
    before = peak()
    for shape in ((10**12,), (10**6, 10**6), (-1,), (2**63, 2)):
        refuse(pack(tmp_path / "a.dag", members(good) | {"0/weights/0.npy": npy(shape)}))
    assert peak() - before < 50 * 2**20


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("member", ["0/weights/0.npy", "header.npy", "evil.npy"])
def test_pickled_objects(good, tmp_path, member):
    buffer = io.BytesIO()
    target = tmp_path / "executed"
    np.lib.format.write_array(buffer, np.array([Payload(target)], object), allow_pickle=True)
    refuse(pack(tmp_path / "a.dag", members(good) | {member: buffer.getvalue()}), "pickle|damaged")
    assert not target.exists()


@pytest.mark.parametrize("descr", ["|O", "<U4", "|V1000000", "<c16", "<M8[s]", "<f16"])
def test_arrays_of_other_things(good, tmp_path, descr):
    path = pack(tmp_path / "a.dag", members(good) | {"x.npy": npy((0,), descr)})
    refuse(path, "plain numbers|pickle")


def change(good: Path, target: Path, edit) -> Path:
    """The good file with its header or arrays edited."""
    header, arrays = content(good)
    edit(header, arrays)
    files.write(target, header, arrays)
    return target


def set_header(*keys_and_value):
    *keys, last, value = keys_and_value

    def edit(header, arrays):
        node = header
        for key in keys:
            node = node[key]
        node[last] = value

    return edit


FUNCTION = {"_type": "FunctionalDataAxis", "name": "E", "units": "eV", "expression": "exit()"}

EDITS = {
    "a million million classes": set_header("classes", list(range(1000))),
    "channels": set_header("channels", 10**12),
    "no channels": set_header("channels", 0),
    "channels in words": set_header("channels", "many"),
    "axis of a million million": set_header("energy_axis", "size", 10**12),
    "axis that is an expression": set_header("energy_axis", FUNCTION),
    "axis with an expression": set_header("energy_axis", "expression", "exit()"),
    "axis scale": set_header("energy_axis", "scale", float("nan")),
    "metadata that is a signal": set_header("instrument", {"_sig_x": {"data": 1}}),
    "metadata deep below": set_header("preprocessing", {"a": [{"b": {"_hspy_Axis_x": FUNCTION}}]}),
    "classes twice": set_header("classes", ["FeO", "FeO"]),
    "classes of two kinds": set_header("classes", ["FeO", 1]),
    "classes that are lists": set_header("classes", [[], []]),
    "no classes": set_header("classes", []),
    "settings": set_header("settings", {"evil": 1}),
    "recipe": set_header("settings", "recipe", "paper"),
    "architecture": set_header("settings", "architecture", "simple_dense"),
    "epochs": set_header("settings", "max_epochs", -5),
    "random state": set_header("settings", "random_state", "x"),
    "models": set_header("models", {}),
    "weights": set_header("models", 0, "weights", [[10**12]]),
    "counts": set_header("models", 0, "n_training", 10**30),
    "history": set_header("models", 0, "history", "evaluations", 5),
    "metrics": set_header("models", 0, "best", "metrics", {}),
    "digest": set_header("digest", {"a": 1}),
    "seconds": set_header("fit_seconds", ["soon", "later"]),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_headers_that_lie(good, tmp_path, edit):
    before = peak()
    refuse(change(good, tmp_path / "a.dag", edit))
    assert peak() - before < 50 * 2**20


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["0/weights/0", "1/start/latent", "0/start/level"])
def test_weights_that_are_no_numbers(good, tmp_path, name, value):
    def edit(header, arrays):
        arrays[name].flat[0] = value

    refuse(change(good, tmp_path / "a.dag", edit), "NaN or infinity")


def test_arrays_of_wrong_shape(good, tmp_path):
    arrays = content(good)[1]
    for name in [n for n in arrays if n.startswith("0/")]:

        def edit(header, arrays, name=name):
            arrays[name] = np.zeros((3, *arrays[name].shape), arrays[name].dtype)

        refuse(change(good, tmp_path / "a.dag", edit))


def test_weights_of_another_network_are_refused(good, tmp_path):
    """Header and arrays agree with each other, but not with the architecture."""

    def edit(header, arrays):
        name = next(n for n in arrays if n.startswith("0/weights/") and arrays[n].ndim == 2)
        arrays[name] = np.pad(arrays[name], ((0, 1), (0, 0)))
        header["models"][0]["weights"][int(name.split("/")[-1])] = list(arrays[name].shape)

    refuse(change(good, tmp_path / "a.dag", edit), "do not belong to the architecture")


def test_deeply_nested_header(good, tmp_path):
    text = b"[" * 100_000
    header = npy((len(text),), "|u1", text)
    refuse(pack(tmp_path / "a.dag", members(good) | {"header.npy": header}))


def mutated(raw: bytes, random: np.random.Generator) -> bytes:
    """One of several kinds of damage."""
    data = bytearray(raw)
    kind = random.integers(5)
    at = int(random.integers(len(data)))
    if kind == 0:
        data[at] ^= 1 << int(random.integers(8))
    elif kind == 1:
        data[at : at + 8] = random.bytes(8)
    elif kind == 2:
        del data[at : at + int(random.integers(1, 500))]
    elif kind == 3:
        data[at:at] = random.bytes(int(random.integers(1, 50)))
    else:
        end = raw.rindex(b"PK\x01\x02")
        data[int(random.integers(end, len(data)))] = int(random.integers(256))
    return bytes(data)


@pytest.mark.parametrize("compressed", [True, False])
def test_damaged_bytes(good, tmp_path, compressed):
    """300 files, each damaged at random; members stored as they are let more through to us."""
    path = tmp_path / "a.dag"
    raw = good.read_bytes()
    if not compressed:
        raw = pack(path, members(good), zipfile.ZIP_STORED).read_bytes()
    random = np.random.default_rng(int(compressed))
    refused = 0
    for _ in range(150):
        path.write_bytes(mutated(raw, random))
        try:
            augmenter = EELSAugmenter.load(path)
        except AugmenterFileError:
            refused += 1
        else:
            assert augmenter.classes_ == ["Fe3O4", "FeO"]
    assert refused > 75


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_headers_with_anything_in_them(good, tmp_path, data):
    """Some value of the header, at any depth, becomes something else."""
    header, arrays = content(good)
    header = copy.deepcopy(header)
    node = header
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = data.draw(st.sampled_from(keys))
        if isinstance(node[key], dict | list) and node[key] and data.draw(st.booleans()):
            node = node[key]
            continue
        node[key] = data.draw(ANYTHING)
        break
    path = tmp_path / "a.dag"
    files.write(path, header, arrays)
    try:
        augmenter = EELSAugmenter.load(path)
    except AugmenterFileError:
        return
    # What is let through can be used.
    assert augmenter.sample(2).data.shape[1:] == (2, 48)
    repr(augmenter)


@pytest.mark.parametrize("name", ["run.npz", "class-0.npz"])
def test_checkpoints_are_not_believed_either(folder, tmp_path, name):
    import shutil

    run = tmp_path / "run"
    shutil.copytree(folder / "run", run)
    raw = (run / name).read_bytes()
    random = np.random.default_rng(2)
    refused = 0
    for _ in range(60):
        (run / name).write_bytes(mutated(raw, random))
        try:
            EELSAugmenter.resume(run, show_progressbar=False)
        except AugmenterFileError:
            refused += 1
    assert refused > 30
    header = json.loads(np.load(io.BytesIO(members(folder / "run" / name)["header.npy"])).tobytes())
    for key in header:
        parts = members(folder / "run" / name)
        text = json.dumps(header | {key: {"evil": [None]}}).encode()
        parts["header.npy"] = npy((len(text),), "|u1", text)
        pack(run / name, parts, zipfile.ZIP_STORED)
        # Metadata may hold anything, and another version's number is only warned of.
        if key in ("package_version", "preprocessing", "instrument"):
            continue
        with pytest.raises(AugmenterFileError):
            EELSAugmenter.resume(run, show_progressbar=False)
