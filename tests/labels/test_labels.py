# SPDX-License-Identifier: GPL-3.0-or-later
"""Label formats of real spectra, and the labels that synthetic spectra carry."""

from __future__ import annotations

import warnings

import hyperspy.api as hs
import numpy as np
import pytest
from exspy.signals import EELSSpectrum
from hyperspy.signals import BaseSignal, Signal1D, Signal2D
from hypothesis import given
from hypothesis import strategies as st

from hyperspy_dag.labels import ClassLabels, attach_labels, get_labels, parse_labels


def eels(*nav_shape: int, channels: int = 4) -> EELSSpectrum:
    return EELSSpectrum(np.ones((*nav_shape, channels), dtype="float32"))


def augmented(classes: list, spectra: int = 5, channels: int = 20) -> EELSSpectrum:
    """A stack as dag_augment returns it; every channel holds class and number of the spectrum."""
    data = np.arange(len(classes))[:, None, None] * 100.0 + np.arange(spectra)[:, None]
    aug = EELSSpectrum(np.broadcast_to(data, (len(classes), spectra, channels)).copy())
    for axis, name in zip(
        aug.axes_manager._axes, ("class", "spectrum", "Energy loss"), strict=True
    ):
        axis.name = name
    aug.axes_manager[-1].offset, aug.axes_manager[-1].scale = 600.0, 0.5
    index = np.arange(len(classes))[:, None] * np.ones(spectra, dtype=int)
    attach_labels(aug, index, classes)
    return aug


def from_data(aug: EELSSpectrum, classes: list) -> np.ndarray:
    """The labels of ``augmented`` as its data tell them, whatever was sliced."""
    return np.array(classes)[(aug.data[..., 0] // 100).astype(int).reshape(aug.data.shape[:-1])]


# --- formats --------------------------------------------------------------------------------------

MAP = np.array([[2, 0, -1], [0, 7, 2]])  # (y, x)
MAP_INDEX = np.array([[1, 0, -1], [0, 2, 1]])


@pytest.mark.parametrize(
    "labels",
    [
        MAP,
        MAP.astype("int8"),
        MAP.astype(float),
        np.where(MAP < 0, np.nan, MAP),
        MAP.tolist(),
        tuple(map(tuple, MAP.tolist())),
        MAP.astype(object),
        np.where(MAP < 0, None, MAP.astype(object)),
        np.asfortranarray(MAP),
        np.ma.masked_equal(MAP, -1),
        Signal2D(MAP),
        Signal2D(MAP).as_lazy(),
        BaseSignal(MAP),
        BaseSignal(MAP).T,
        Signal1D(MAP),
        ClassLabels(MAP_INDEX, [0, 2, 7]),
    ],
    ids=lambda labels: type(labels).__name__,
)
def test_formats_of_whole_numbers(labels):
    parsed = parse_labels(eels(2, 3), labels)
    np.testing.assert_array_equal(parsed.index, MAP_INDEX)
    assert parsed.classes == [0, 2, 7]
    assert all(type(label) is int for label in parsed.classes)
    assert parsed.counts == {0: 2, 2: 2, 7: 1}


@pytest.mark.parametrize("of_signal", [False, True])
@pytest.mark.parametrize(
    "values", [[2, 0, 2], [2.0, 0.0, 2.0], ["b", "a", "b"], [True, False, True]]
)
def test_masked_values_are_unlabelled_whatever_the_fill_value(values, of_signal):
    labels = np.ma.MaskedArray(values, mask=[False, False, True])
    assert labels.fill_value is not None  # asking for it makes NumPy keep it
    parsed = parse_labels(eels(3), Signal1D(labels) if of_signal else labels)
    np.testing.assert_array_equal(parsed.index, [1, 0, -1])
    assert parsed.classes == sorted(values[:2])


@pytest.mark.parametrize("wrap", [list, np.array, lambda x: np.array(x, dtype=object)])
def test_text(wrap):
    parsed = parse_labels(eels(5), wrap(["FeO", "Fe3O4", "", "FeO", "None"]))
    assert parsed.classes == ["Fe3O4", "FeO", "None"]
    assert all(type(label) is str for label in parsed.classes)
    np.testing.assert_array_equal(parsed.index, [1, 0, -1, 1, 2])


@pytest.mark.parametrize("mark", ["", "  ", "-1", "nan", "NaN", "<NA>", None, np.nan, -1])
def test_unlabelled_marks_among_text(mark):
    np.testing.assert_array_equal(parse_labels(eels(3), ["b", mark, "a"]).index, [1, -1, 0])


def test_numpy_text_of_mixed_list():
    # What NumPy makes of a NaN and of a -1 beside text must not become classes.
    assert parse_labels(eels(3), np.array(["FeO", np.nan, -1])).classes == ["FeO"]


def test_numbers_beyond_int64_stay_apart():
    labels = np.array([1e19, 2e19, 1e19, 3.0])
    assert parse_labels(eels(4), labels).classes == [3, 10**19, 2 * 10**19]


def test_bool_is_two_classes():
    parsed = parse_labels(eels(3), np.array([True, False, True]))
    assert parsed.classes == [False, True]
    assert all(type(label) is bool for label in parsed.classes)
    np.testing.assert_array_equal(parsed.index, [1, 0, 1])
    with_none = parse_labels(eels(3), [True, None, False])
    np.testing.assert_array_equal(with_none.index, [1, -1, 0])


def test_unsigned_and_dask():
    da = pytest.importorskip("dask.array")
    labels = np.array([255, 0, 255], dtype="uint8")
    assert parse_labels(eels(3), labels).classes == [0, 255]
    assert parse_labels(eels(3), da.from_array(labels)).classes == [0, 255]


def test_pandas():
    pd = pytest.importorskip("pandas")
    series = pd.Series(["FeO", None, "Fe3O4"])
    for labels in (series, series.astype("category"), series.astype("string")):
        parsed = parse_labels(eels(3), labels)
        assert parsed.classes == ["Fe3O4", "FeO"]
        np.testing.assert_array_equal(parsed.index, [1, -1, 0])
    numbers = pd.Series([3, None, 1], dtype="Int64")
    np.testing.assert_array_equal(parse_labels(eels(3), numbers).index, [1, -1, 0])


def test_nothing_labelled_gives_no_class():
    assert parse_labels(eels(2), [None, -1]).classes == []
    assert parse_labels(eels(2), np.full(2, np.nan)).counts == {}


@pytest.mark.parametrize("nav_shape", [(12,), (3, 4)])
def test_cluster_labels(nav_shape):
    rng = np.random.default_rng(0)
    truth = np.arange(12).reshape(nav_shape) % 3
    s = EELSSpectrum(np.eye(3)[truth] @ rng.random((3, 8)) + 1e-3 * rng.random((*nav_shape, 8)))
    s.decomposition(print_info=False)
    s.cluster_analysis("decomposition", n_clusters=3, random_state=0)
    merged = parse_labels(s, s.get_cluster_labels(merged=True))
    stacked = parse_labels(s, s.get_cluster_labels(merged=False))
    np.testing.assert_array_equal(merged.index, stacked.index)
    assert merged.classes == stacked.classes == [0, 1, 2]
    for i in range(3):
        assert len(set(merged.index[truth == i])) == 1, "a cluster holds one kind of spectrum"


def test_cluster_maps_with_masked_and_doubled_positions():
    maps = np.zeros((2, 2, 3), dtype=bool)
    maps[0, 0, :2] = maps[1, 1, 1:] = True
    np.testing.assert_array_equal(parse_labels(eels(2, 3), maps).index, [[0, 0, -1], [-1, 1, 1]])
    maps[1, 0, 1] = True
    with pytest.raises(
        ValueError, match=r"more than one \(first at navigation position \(1, 0\)\)"
    ):
        parse_labels(eels(2, 3), maps)


# --- properties -----------------------------------------------------------------------------------

nav_shapes = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)
label_kinds = st.sampled_from(
    [
        st.integers(-3, 5),
        st.sampled_from(["FeO", "Fe3O4", "α-MnO₂", "", "x y"]),
        st.booleans(),
    ]
)


@given(shape=nav_shapes, kind=label_kinds, data=st.data())
def test_index_reconstructs_the_labels(shape, kind, data):
    size = int(np.prod(shape))
    values = data.draw(st.lists(st.none() | kind, min_size=size, max_size=size))
    labels = np.array(values + [None], dtype=object)[:-1].reshape(shape)
    parsed = parse_labels(eels(*shape), labels)
    assert parsed.index.shape == shape
    assert parsed.classes == sorted(parsed.classes)
    for value, i in zip(values, parsed.index.ravel(), strict=True):
        unlabelled = value is None or value == "" or (value == -1 and value is not True)
        assert (i == -1) == unlabelled
        assert unlabelled or parsed.classes[i] == value
    assert sum(parsed.counts.values()) == (parsed.index >= 0).sum()


@given(shape=nav_shapes, kind=label_kinds, data=st.data())
def test_permuted_labels_give_the_permuted_index(shape, kind, data):
    size = int(np.prod(shape))
    values = np.array(data.draw(st.lists(kind, min_size=size, max_size=size)))
    order = np.array(data.draw(st.permutations(range(size))))
    before = parse_labels(eels(size), values)
    after = parse_labels(eels(size), values[order])
    np.testing.assert_array_equal(before.index[order], after.index)
    assert before.classes == after.classes
    in_shape = parse_labels(eels(*shape), values.reshape(shape))
    np.testing.assert_array_equal(in_shape.index.ravel(), before.index)


# --- bad labels -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((3, 2), int), r"\(2, 3\); got shape \(3, 2\).* labels\.T"),
        (np.zeros(6, int), r"got shape \(6,\).*reshape\(\(2, 3\)\)"),
        (np.zeros((2, 4), int), r"got shape \(2, 4\).*holds 6 spectra"),
        (np.array(3), r"got shape \(\)"),
        ([[0, 1, 2], [0, 1]], "rows differ in length"),
        ([[0, 1, 2], [0, 1.5, 2]], r"whole numbers.*got 1\.5 at navigation position \(1, 1\)"),
        (np.array([[0, 1, 2], [0, 1, 2.5]]), r"got 2\.5 at navigation position \(2, 1\)"),
        (np.array([[0, 1, np.inf], [0, 1, 2]]), r"got inf at navigation position \(2, 0\)"),
        (Signal2D(np.zeros((4, 4), int)), r"got shape \(4, 4\)"),
    ],
)
def test_wrong_shape_or_value(labels, message):
    with pytest.raises(ValueError, match=message):
        parse_labels(eels(2, 3), labels)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("FeO", "one label for each spectrum; got str.*numpy.full"),
        (None, "got NoneType"),
        (3, "got int"),
        ({"a": 1}, "got dict"),
        ([["a", 1, "b"], ["a", "a", "a"]], r"text \(first at .*\(0, 0\)\) and whole.*\(1, 0\)"),
        ([[True, 1, 0], [0, 0, 0]], "one kind"),
        (np.zeros((2, 3), complex), "got 0j"),
        ([[["a"], ["b"], ["c"]]] * 2, None),
        (np.zeros((2, 3), "datetime64[s]"), "datetime"),
    ],
)
def test_wrong_kind(labels, message):
    with pytest.raises((TypeError, ValueError), match=message) as error:
        parse_labels(eels(2, 3), labels)
    assert message is None or error.type is TypeError


def test_single_spectrum_cannot_be_labelled():
    with pytest.raises(ValueError, match="single spectrum"):
        parse_labels(eels(), ["FeO"])


# --- labels of synthetic spectra ------------------------------------------------------------------

CLASSES = [["Fe3O4", "FeO", "α-MnO₂"], [-2, 0, 7], [False, True]]


@pytest.mark.parametrize("classes", CLASSES, ids=["str", "int", "bool"])
@pytest.mark.parametrize(
    "cut",
    [
        lambda a: a,
        lambda a: a.inav[:, 1],
        lambda a: a.inav[3, 1],
        lambda a: a.inav[3],
        lambda a: a.inav[2:5],
        lambda a: a.inav[..., 1:],
        lambda a: a.inav[1.0:3.0, 0.0],
        lambda a: a.inav[-2:, -1],
        lambda a: a.inav[2:5].inav[1, 1],
        lambda a: a.isig[3:9],
        lambda a: a.isig[601.0:605.0],
        lambda a: a.isig[2],
        lambda a: a.inav[1:4, 1].isig[601.0:605.0],
        lambda a: a.deepcopy(),
        lambda a: a.as_lazy().inav[1:3],
        lambda a: a * 2 / 2,
        lambda a: hs.roi.RectangularROI(left=1, right=4, top=0, bottom=2)(a, axes=(0, 1)),
        lambda a: hs.roi.SpanROI(left=601.0, right=605.0)(a, axes=(2,)),
    ],
)
def test_labels_follow_slices(cut, classes):
    aug = augmented(classes)
    part = cut(aug)
    labels = get_labels(part)
    if part._lazy:
        part.compute(progressbar=False)
    if part.axes_manager.signal_dimension == 0:
        expected = np.array(classes)[(part.data // 100).astype(int)]
    elif part.axes_manager.navigation_dimension == 0:
        expected = np.array(classes)[int(part.data[0] // 100)]
    else:
        expected = from_data(part, classes)
    np.testing.assert_array_equal(labels, expected)
    assert labels.dtype.kind == {"str": "U", "int": "i", "bool": "b"}[type(classes[0]).__name__]
    np.testing.assert_array_equal(get_labels(aug), from_data(aug, classes))


def test_slicing_into_an_existing_signal():
    aug = augmented(["a", "b"])
    out = aug.inav[0:2].deepcopy()
    aug.inav.__getitem__((slice(2, 4), slice(None)), out=out)
    assert get_labels(out).shape == (2, 2)


def test_signals_without_labels_slice_as_ever():
    s = eels(3, 4, channels=6)
    assert s.inav[1:3].isig[2:4].data.shape == (3, 2, 2)
    assert not s.inav[1:3].metadata.has_item("DAG")


@pytest.mark.parametrize("change", ["transpose", "stack", "square"])
def test_rearranged_axes_are_refused(change):
    aug = augmented(["a", "b", "c"], spectra=3 if change == "square" else 5)
    if change == "stack":
        aug = hs.stack([aug, aug], show_progressbar=False)
    else:
        aug = aug.swap_axes(0, 1)
    with pytest.raises(ValueError, match="do not belong to the navigation shape"):
        get_labels(aug)


def test_signal_without_labels_is_refused():
    with pytest.raises(ValueError, match="carries no labels"):
        get_labels(eels(3))
    with pytest.raises(TypeError, match="got ndarray"):
        get_labels(np.zeros(3))


@pytest.mark.parametrize(
    ("index", "classes", "error"),
    [
        (np.zeros((5, 2), int), ["a", "b"], ValueError),
        (np.full((2, 5), 2), ["a", "b"], ValueError),
        (np.full((2, 5), -2), ["a", "b"], ValueError),
        (np.zeros((2, 5)), ["a", "b"], TypeError),
        (np.zeros((2, 5), int), ["a", 1], TypeError),
        (np.zeros((2, 5), int), [1.5, 2.5], TypeError),
    ],
)
def test_attach_labels_checks(index, classes, error):
    aug = EELSSpectrum(np.zeros((2, 5, 10)))
    with pytest.raises(error):
        attach_labels(aug, index, classes)
    assert not aug.metadata.has_item("DAG.labels")


READ_AND_SLICE = """
    import sys
    import hyperspy.api as hs
    from hyperspy_dag import get_labels
    for lazy in (False, True):
        aug = hs.load(sys.argv[1], lazy=lazy)
        print(">", get_labels(aug).tolist(), get_labels(aug).dtype.kind)
        print(">", get_labels(aug.isig[605.0:609.0]).shape)
        for part in (aug.inav[:, 1], aug.inav[3, 1], aug.inav[2:5]):
            try:
                print(">", get_labels(part).tolist())
            except ValueError as error:
                print("> ValueError", "HYPERSPY_DAG_NO_HOOK" in str(error))
"""


@pytest.mark.parametrize("classes", CLASSES, ids=["str", "int", "bool"])
@pytest.mark.parametrize("extension", ["hspy", "zspy"])
@pytest.mark.parametrize("hook", [True, False], ids=["hook", "no hook"])
def test_round_trip_in_a_fresh_process(tmp_path, run_python, extension, classes, hook):
    if extension == "zspy":
        pytest.importorskip("zarr")
    file = tmp_path / f"aug.{extension}"
    augmented(classes).save(file)
    env = {"HYPERSPY_DAG_NO_HOOK": None if hook else "1", "PYTHONIOENCODING": "utf-8"}
    output = run_python(READ_AND_SLICE, file, env=env).stdout
    lines = [line.removeprefix("> ") for line in output.splitlines() if line.startswith("> ")]
    full = [[label] * 5 for label in classes]
    kind = np.array(classes).dtype.kind
    if hook:
        slices = [[classes[1]] * 5, classes[1], [row[2:5] for row in full]]
    else:
        slices = ["ValueError True"] * 3
    once = [f"{full} {kind}", f"{(len(classes), 5)}", *map(str, slices)]
    assert lines == once * 2


@pytest.mark.parametrize("extension", ["hspy", "zspy"])
def test_round_trip_of_slices(tmp_path, extension):
    if extension == "zspy":
        pytest.importorskip("zarr")
    aug = augmented(["Fe3O4", "FeO"])
    for i, part in enumerate((aug.inav[:, 1], aug.inav[3, 1], aug.inav[2:4])):
        file = tmp_path / f"{i}.{extension}"
        part.save(file)
        np.testing.assert_array_equal(get_labels(hs.load(file)), get_labels(part))
    again = hs.load(tmp_path / f"2.{extension}", lazy=True)
    again.save(tmp_path / f"again.{extension}")
    np.testing.assert_array_equal(
        get_labels(hs.load(tmp_path / f"again.{extension}")), [["Fe3O4"] * 2, ["FeO"] * 2]
    )


@pytest.mark.parametrize("classes", CLASSES, ids=["str", "int", "bool"])
@pytest.mark.parametrize("number", [1, 2, 3, 11])
def test_round_trip_by_nexus(tmp_path, classes, number):
    """Classes in the order of their numbers, not of their names or of "10" before "2"."""
    if number == 11:
        classes = [f"α {12 - i}" for i in range(11)]
    aug = augmented(classes[:number], spectra=1)
    aug.save(tmp_path / "aug.nxs")
    loaded = hs.load(tmp_path / "aug.nxs", nxdata_only=True)
    np.testing.assert_array_equal(get_labels(loaded), get_labels(aug))
    assert get_labels(loaded).dtype.kind == get_labels(aug).dtype.kind


@pytest.mark.parametrize("extension", ["hspy", "zspy"])
def test_files_of_version_0_1_hold_a_list_of_classes(tmp_path, extension):
    if extension == "zspy":
        pytest.importorskip("zarr")
    aug = augmented(["Fe3O4", "FeO"])
    expected = get_labels(aug)
    aug.metadata.DAG.classes = ["Fe3O4", "FeO"]
    aug.save(tmp_path / f"aug.{extension}")
    loaded = hs.load(tmp_path / f"aug.{extension}")
    assert list(loaded.metadata.DAG.classes) == ["Fe3O4", "FeO"]
    np.testing.assert_array_equal(get_labels(loaded), expected)
    np.testing.assert_array_equal(get_labels(loaded.inav[2:, 1]), expected[1, 2:])


def test_classes_that_differ_by_blanks_alone_give_a_warning() -> None:
    s = EELSSpectrum(np.ones((4, 8)))
    with pytest.warns(UserWarning, match="' FeO' and 'FeO' differ by blanks alone"):
        assert parse_labels(s, ["FeO", " FeO", "MnO", ""]).classes == [" FeO", "FeO", "MnO"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parse_labels(s, [" FeO", " FeO", "Mn O", ""]).classes == [" FeO", "Mn O"]
