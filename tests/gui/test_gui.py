# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of dag_augment: its model, the Jupyter widgets, a real window."""

from __future__ import annotations

import sys
import threading
import warnings

import hyperspy.api as hs
import numpy as np
import pytest
from conftest import ROOT
from spectra import eels, two_classes, white_lines

from hyperspy_dag import EELSAugmenter, get_labels, signal
from hyperspy_dag._utils.warnings import collected_warnings, warn
from hyperspy_dag.gui import inputs, toolkits
from hyperspy_dag.gui.model import AugmentationTool
from hyperspy_dag.gui.regions import Region, region_labels

WAIT = 240


@pytest.fixture(scope="module")
def data():
    s, labels = two_classes(14, 10)
    return s, labels


@pytest.fixture(scope="module")
def trained(data):
    tool = AugmentationTool(*data, training="always", max_epochs=20, n_spectra=6, random_state=3)
    tool.check(WAIT)
    tool.train()
    assert tool.wait(WAIT), "the training has not ended"
    return tool


def raw_scan():
    """Counts on a power law, as a 2 x 12 scan."""
    s = eels(white_lines(24))
    energy = s.axes_manager.signal_axes[0].axis
    counts = 500 * (energy / 630) ** -3 + 200 * np.clip(s.data, 0, None)
    return eels(counts.reshape(2, 12, -1).astype(np.float32))


@pytest.fixture
def widgets(data):
    pytest.importorskip("hyperspy_gui_ipywidgets")

    def make(*given, **arguments):
        tool = AugmentationTool(*(given or data), **arguments)
        tool.check(WAIT)
        return tool, tool.gui(display=False, toolkit="ipywidgets")["ipywidgets"]["wdict"]

    return make


def test_a_range_that_was_drawn_is_in_the_units_of_the_axis() -> None:
    s = raw_scan()
    axis = s.axes_manager.signal_axes[0]
    axis.units, axis.offset, axis.scale = "keV", axis.offset / 1e3, axis.scale / 1e3
    tool = AugmentationTool(s, signal_range=hs.roi.SpanROI(0.632, 0.65))
    assert (tool.signal_low, tool.signal_high) == pytest.approx((632, 650))
    with pytest.raises(TypeError, match="signal_range must be two numbers"):
        AugmentationTool(s, signal_range=(1, 2, 3))


# --- the input, checked ---------------------------------------------------------------------------


def test_what_is_wrong_is_said_before_training(data) -> None:
    s, labels = data
    tool = AugmentationTool(s)
    assert "file" in tool.check(WAIT) or "region" in tool.problem
    assert not tool.can_train
    with pytest.raises(RuntimeError, match="not ready"):
        tool.train()
    few = np.where(np.arange(len(labels)) < 3, "a", "")
    tool = AugmentationTool(s, few)
    assert "too few spectra" in tool.check(WAIT) and not tool.can_train


def test_raw_counts_ask_for_preprocessing_and_train_with_it() -> None:
    s = raw_scan()
    tool = AugmentationTool(s, np.tile(["a", "b"], (2, 6)))
    assert "not max-normalised" in tool.check(WAIT) and "tick" in tool.problem
    tool.trait_set(subtract=True, background_low=630, background_high=635)
    assert tool.check(WAIT) == ""
    assert tool.can_train and "few spectra" in tool.notes
    assert tool.input_picture.startswith(b"\x89PNG")


def test_a_range_that_is_no_range_and_a_bad_number(data) -> None:
    tool = AugmentationTool(*data)
    tool.trait_set(crop=True, signal_low=640, signal_high=635)
    assert "lower energy first" in tool.check(WAIT)
    tool.trait_set(crop=False, n_spectra=0)
    assert "n_spectra" in tool.check(WAIT)
    tool.n_spectra = 5
    assert tool.check(WAIT) == "" and tool.can_train


def test_a_seed_that_is_not_given_is_one_that_a_browser_holds(data) -> None:
    assert 0 <= AugmentationTool(*data, random_state=None).random_state < 2**53


def test_labels_from_files(data, tmp_path) -> None:
    s, labels = data
    np.save(tmp_path / "labels.npy", labels)
    np.savetxt(tmp_path / "labels.csv", labels, fmt="%s")
    tool = AugmentationTool(s)
    tool.label_source = "file"
    for name in ("labels.npy", "labels.csv"):
        tool.label_file = str(tmp_path / name)
        assert tool.check(WAIT) == ""
        assert [(one.name, one.spectra) for one in tool.classes] == [("Fe3O4", 10), ("FeO", 14)]
    tool.label_file = str(tmp_path / "no.npy")
    assert "no file" in tool.check(WAIT)


def test_clusters_are_found_in_what_is_trained_on() -> None:
    s, _ = two_classes(40, 40)
    counts = eels(1000 * s.data + 3000)
    tool = AugmentationTool(counts)
    tool.label_source = "pca"
    assert "not max-normalised" in tool.check(WAIT)
    tool = AugmentationTool(s)
    tool.label_source = "pca"
    assert tool.check(WAIT) == ""
    assert [one.name for one in tool.classes] == ["0", "1"]
    first = tool.current_labels()
    tool.n_spectra = 3
    tool.check(WAIT)
    assert tool.current_labels() is first


def test_regions_become_labels() -> None:
    s = raw_scan()
    regions = [Region(name="a", left=0, right=5, bottom=2), Region(name="b", left=6, right=12)]
    regions[1].bottom = 1
    expected = np.full((2, 12), "", dtype="<U1")
    expected[:, :5] = "a"
    expected[0, 6:] = "b"
    np.testing.assert_array_equal(region_labels(s, regions), expected)
    regions[0].trait_set(left=5, right=0, top=2, bottom=0)  # typed the other way round
    np.testing.assert_array_equal(region_labels(s, regions), expected)
    regions[1].left = 4
    with pytest.raises(ValueError, match="shares 1 spectra with class a"):
        region_labels(s, regions)
    regions[1].name = "nan"
    with pytest.raises(ValueError, match="says that there is no label"):
        region_labels(s, regions)
    regions[1].name = " "
    with pytest.raises(ValueError, match="no class name"):
        region_labels(s, regions)


def test_regions_that_are_added_anew_are_of_another_class() -> None:
    s = raw_scan()
    s.axes_manager.navigation_axes[0].scale = -2.0
    tool = AugmentationTool(s, None)
    first, second = tool.add_region(), tool.add_region()
    tool.remove_region(first)
    third = tool.add_region()
    assert len({second.name, third.name}) == len({second.colour, third.colour}) == 2
    assert second.mask(s).any() and third.mask(s).any()


def test_regions_that_are_added_lie_apart_whatever_they_are_called() -> None:
    s = raw_scan()
    tool = AugmentationTool(s, None)
    for name in ("MnO", "MnO2", "MnO"):
        tool.add_region().name = name
    assert sum(region.mask(s).astype(int) for region in tool.regions).max() == 1


def test_warnings_of_two_interfaces_at_once_are_kept_apart() -> None:
    shown, filters, steps = warnings.showwarning, [*warnings.filters], threading.Barrier(3)
    found = {}

    def work(name: str, first_out: bool) -> None:
        with collected_warnings() as notes:
            steps.wait(WAIT)
            for _ in range(2):
                warn(f"of {name}")
            steps.wait(WAIT)
            if not first_out:
                steps.wait(WAIT)
        found[name] = notes
        if first_out:
            steps.wait(WAIT)

    threads = [threading.Thread(target=work, args=pair) for pair in (("a", True), ("b", False))]
    for thread in threads:
        thread.start()
    steps.wait(WAIT)
    assert warnings.showwarning is shown and warnings.filters == filters
    with pytest.warns(UserWarning, match="of the script"):
        warn("of the script")
    for _ in range(2):
        steps.wait(WAIT)
    for thread in threads:
        thread.join(WAIT)
    assert found == {"a": ["of a"], "b": ["of b"]}


def test_warnings_of_dasks_threads_are_the_interfaces() -> None:
    s = raw_scan()
    s.data[0, 3] = np.nan
    tool = AugmentationTool(s.as_lazy(), [[*"a" * 12], [*"b" * 12]], background_range=(630, 635))
    assert "NaN" in tool.check(WAIT) + tool.notes


def test_wrong_arguments_are_said_in_the_librarys_words(data, tmp_path) -> None:
    with pytest.raises(ValueError, match="Did you mean"):
        AugmentationTool(*data, design="single_bitran")
    with pytest.raises(TypeError, match="n_spectra"):
        AugmentationTool(*data, n_spectra="x")
    tool = AugmentationTool(*data, checkpoint_dir=tmp_path / "no" / "folder")
    assert "create it first" in tool.check(WAIT)


def test_what_is_dragged_during_a_training_is_checked_after_it(data) -> None:
    tool = AugmentationTool(*data, training="always", max_epochs=20, n_spectra=6, random_state=3)
    tool.check(WAIT)
    tool.train()
    tool._range_dragged("signal", 632.0, 650.0)
    assert tool.wait(WAIT)
    assert not tool.check(WAIT)
    tool.train()
    assert tool.wait(WAIT)
    axis = tool.result.axes_manager.signal_axes[0]
    assert axis.low_value == pytest.approx(632, abs=axis.scale)
    assert axis.high_value == pytest.approx(650, abs=axis.scale)


def test_ranges_and_regions_follow_the_mouse_and_the_numbers(monkeypatch) -> None:
    import matplotlib.pyplot as plt

    monkeypatch.setattr(inputs, "can_drag", lambda: True)
    tool = AugmentationTool(raw_scan())
    tool.show_plot()
    region = tool.add_region("a")
    roi = tool._plot._rois[region]
    roi.right = 5.0
    assert region.right == 5.0
    region.left = 1.0
    assert roi.left == 1.0
    region.left = 9.0  # beyond its right: their order does not matter
    assert (roi.left, roi.right) == (5.0, 9.0) and (region.left, region.right) == (9.0, 5.0)
    roi.right = 10.0
    assert (region.left, region.right) == (5.0, 10.0)
    tool.picking = "background range"
    span = tool._plot._span
    span.span_selector.extents = (631.0, 636.0)
    span.span_selector_changed()
    assert (tool.subtract, tool.background_low, tool.background_high) == (True, 631.0, 636.0)
    tool.background_high = 637.0
    assert span.span_selector.extents[1] == 637.0
    tool.remove_region(region)
    assert not tool._plot._rois
    tool.close()
    plt.close("all")


# --- training -------------------------------------------------------------------------------------


def test_result_is_that_of_the_call_it_names(trained, data) -> None:
    s, labels = data
    expected = eval(trained.call_used, {"s": s, "labels": trained.labels_used})
    np.testing.assert_array_equal(trained.result.data, expected.data)
    assert get_labels(trained.result)[:, 0].tolist() == ["Fe3O4", "FeO"]
    assert isinstance(trained.augmenter, EELSAugmenter)
    assert trained.state == "ended" and trained.can_save and trained.fraction == 1
    assert all(one.state.startswith("done") for one in trained.classes)
    assert trained.training_picture.startswith(b"\x89PNG")
    used = trained.call_used
    trained.n_spectra = 9  # for the next training
    trained.check(WAIT)
    assert "n_spectra=9" in trained.call and trained.call_used == used
    assert "n_spectra=6" in used


def test_save(trained, tmp_path) -> None:
    import hyperspy.api as hs

    trained.filename = str(tmp_path / "nowhere" / "aug.hspy")
    trained.save()
    assert "no folder" in trained.error
    trained.filename = str(tmp_path / "aug.hspy")
    trained.save()
    assert trained.error == "" and "Saved" in trained.status
    np.testing.assert_array_equal(hs.load(tmp_path / "aug.hspy").data, trained.result.data)
    trained.save()
    assert "exists" in trained.error


def test_stop_keeps_the_best_state(data) -> None:
    tool = AugmentationTool(*data, random_state=3, n_spectra=4)
    tool.check(WAIT)
    seen = threading.Event()
    tool.observe(lambda _: seen.set() or tool.stop(), "shown")  # at the first look
    tool.train()
    assert tool.wait(WAIT) and seen.is_set()
    assert tool.status.startswith("Stopped") and tool.error == ""
    assert tool.augmenter.classes_ == ["Fe3O4"] and tool.result.data.shape[:2] == (1, 4)
    assert [one.state for one in tool.classes][1] == "not trained"
    assert "interrupted" in tool.notes
    assert tool.can_train and tool.can_save


def test_an_error_of_the_training_is_shown(data, monkeypatch) -> None:
    def fit(*_: object, **__: object) -> None:
        raise RuntimeError("the detector is on fire")

    tool = AugmentationTool(*data)
    tool.check(WAIT)
    monkeypatch.setattr(EELSAugmenter, "fit", fit)
    tool.train()
    assert tool.wait(WAIT)
    assert tool.error == "RuntimeError: the detector is on fire"
    assert tool.can_train and not tool.can_save


# --- Jupyter --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "other"),
    [
        ("design", "multi_bitrans", "single_monotrans"),
        ("architecture", "simple_dense", "compact"),
        ("recipe", "paper", "refined"),
        ("subtract", True, False),
        ("background_low", 631.0, 632.0),
        ("background_high", 636.0, 637.0),
        ("crop", True, False),
        ("signal_low", 631.0, 632.0),
        ("signal_high", 640.0, 641.0),
        ("n_spectra", 7, 8),
        ("random_state", 5, 6),
        ("max_epochs", 9, 10),
        ("label_source", "file", "given"),
        ("label_file", "a.npy", "b.npy"),
        ("filename", "a.hspy", "b.hspy"),
        ("overwrite", True, False),
    ],
)
def test_controls_and_model_are_linked_both_ways(widgets, name, value, other) -> None:
    tool, wdict = widgets()
    setattr(tool, name, value)
    assert wdict[name].value == value
    wdict[name].value = other
    assert getattr(tool, name) == other


def test_widgets_show_what_is_wrong_and_disable_train(widgets, data) -> None:
    tool, wdict = widgets(data[0], np.array([""] * 24))
    assert wdict["train_button"].disabled
    assert "no spectrum is labelled" in wdict["problem"].value
    tool, wdict = widgets()
    assert not wdict["train_button"].disabled
    assert wdict["stop_button"].disabled and wdict["save_button"].disabled
    assert "Fe3O4" in wdict["classes"].value
    assert wdict["input_picture"].value == tool.input_picture


def test_widgets_train_and_stop(widgets) -> None:
    tool, wdict = widgets(random_state=3, n_spectra=4)
    disabled = []
    tool.observe(
        lambda _: (
            disabled.append((wdict["train_button"].disabled, wdict["stop_button"].disabled))
            or wdict["stop_button"].click()
        ),
        "shown",
    )
    wdict["train_button"].click()
    assert tool.wait(WAIT)
    assert disabled == [(True, False)]
    assert "Stopped" in wdict["status"].value
    assert (
        "statistical model is used" in wdict["classes"].value
        and "not trained" in wdict["classes"].value
    )
    assert not wdict["train_button"].disabled and not wdict["save_button"].disabled
    assert wdict["training_picture"].value == tool.training_picture != b""


def test_regions_have_rows(widgets) -> None:
    tool, wdict = widgets(raw_scan())
    wdict["add_button"].click()
    tool.add_region("b")
    assert len(wdict["regions"].children) == 2
    wdict["regions"].children[0].children[1].value = "FeO"
    assert tool.regions[0].name == "FeO"
    wdict["regions"].children[0].children[-1].click()
    assert [one.name for one in tool.regions] == ["b"]


# --- conditions, and another map ------------------------------------------------------------------


def test_spectra_are_drawn_again_under_conditions_that_are_typed(trained) -> None:
    trained.sampling.trait_set(dose="0.5", mixture="FeO: 0 to 0.2")
    trained.draw()
    assert trained.error == ""
    expected = eval(trained.call_used, {"tool": trained})
    np.testing.assert_array_equal(trained.result.data, expected.data)
    assert "dose=0.5, mixture={'FeO': (0.0, 0.2)}" in trained.call_used
    for name, text, said in (
        ("thickness", "thick", "number, or a range"),
        ("dose", "-1", "dose"),
        ("mixture", "Mn: 0.1", "Fe3O4, FeO"),
    ):
        trained.sampling.trait_set(thickness="", dose="", mixture="")
        trained.sampling.trait_set(**{name: text})
        trained.draw()
        assert trained.error.startswith("Not drawn") and said in trained.error
    trained.sampling.trait_set(thickness="", dose="", mixture="")
    trained.draw()
    assert trained.error == "" and trained.can_save


def test_another_map_is_classified_and_looked_at(trained, tmp_path, monkeypatch) -> None:
    classes = trained.augmenter.classes_
    flat, truth = two_classes(20, 16)
    order = np.argsort(truth)
    s_next = eels(flat.data[order].reshape(6, 6, -1))
    monkeypatch.setattr(sys.modules["__main__"], "s_next", s_next, raising=False)
    step = trained.map
    step.look_for_signals()
    assert "s_next" in step.sources and step.can_classify
    step.source = "s_next"
    step.classify()
    assert not step.can_classify and step.wait(WAIT)
    assert step.error == "" and all(f"{name}: " in step.found for name in classes)
    expected = eval(step.call.splitlines()[1].split("= ")[1], {"tool": trained, "target": s_next})
    np.testing.assert_array_equal(step.phases.index, expected.index)
    assert (step.phases.labels.ravel() == truth[order]).mean() > 0.9
    # what is clicked on is shown
    before = step.spectrum_picture
    ax = step.picture.figure.axes[0]
    step.picture.figure.canvas.draw()
    x, y = ax.transData.transform((4, 1))
    from matplotlib.backend_bases import MouseEvent

    canvas = step.picture.figure.canvas
    canvas.callbacks.process("button_press_event", MouseEvent("button_press_event", canvas, x, y))
    assert (step.column, step.row) == (4, 1) and step.spectrum_picture != before
    step.row = 99
    assert step.row == 5
    step.filename = str(tmp_path / "map.png")
    step.save()
    assert step.error == "" and (tmp_path / "map.png").stat().st_size > 1000
    step.save()
    assert "exists" in step.error


def test_a_map_that_is_of_no_use_is_said(trained, tmp_path) -> None:
    step = trained.map
    step.source, step.source_file = "a file", str(tmp_path / "no.hspy")
    step.classify()
    assert step.wait(WAIT) and "there is no file" in step.error and step.can_classify
    other = eels(white_lines(30), offset=100.0)
    other.save(tmp_path / "other.hspy")
    step.source_file = str(tmp_path / "other.hspy")
    step.classify()
    assert step.wait(WAIT) and "s_target" in step.error


def test_nothing_to_train_is_said_and_not_drawn(trained) -> None:
    for label, best in trained.augmenter.best_.items():
        said = trained._live[str(label)].said
        assert ("statistical model is used" in said) == (best.epoch == 0)


# --- opening --------------------------------------------------------------------------------------


def test_without_a_place_to_show_it(data) -> None:
    with pytest.raises(RuntimeError, match=r"s\.dag_augment\(labels\) works without"):
        signal.dag_augment(data[0])


def test_without_a_toolkit(data, monkeypatch) -> None:
    from hyperspy import ui_registry

    monkeypatch.setitem(ui_registry.UI_REGISTRY, toolkits.TOOLKEY, {})
    monkeypatch.setattr(ui_registry, "TOOLKIT_REGISTRY", set())
    with pytest.raises(ImportError, match=r"hyperspy_dag\[gui-jupyter\].*without an interface"):
        signal.dag_augment(data[0])


def test_arguments_that_the_interface_cannot_do(data) -> None:
    with pytest.raises(ValueError, match="n_jobs="):
        signal.dag_augment(*data, display=True, n_jobs=2)
    with pytest.raises(ValueError, match="toolkit must be"):
        signal.dag_augment(data[0], toolkit="tk")


def test_widgets_without_display(data) -> None:
    pytest.importorskip("hyperspy_gui_ipywidgets")
    got = signal.dag_augment(data[0], display=False, toolkit="ipywidgets", design="multi_bitrans")
    assert got["ipywidgets"]["wdict"]["design"].value == "multi_bitrans"


NO_DISPLAY = dict.fromkeys(("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")
def test_a_view_of_traitsui_needs_no_display(run_python) -> None:
    """Qt would end the process, unseen or not."""
    pytest.importorskip("hyperspy_gui_traitsui")
    said = run_python(
        """
        import sys
        sys.path.insert(0, sys.argv[1])
        from spectra import two_classes
        s, _ = two_classes()
        tool = s.dag_augment(display=False, toolkit="traitsui", design="multi_bitrans")["traitsui"]
        assert tool.design == "multi_bitrans"
        """,
        ROOT / "tests",
        env=NO_DISPLAY,
        options=("-W", "ignore"),
    )
    assert said.stderr == ""


def test_a_view_of_qt_is_not_made_where_there_is_no_display(data, monkeypatch) -> None:
    pytest.importorskip("hyperspy_gui_traitsui")
    from traits.etsconfig.api import ETSConfig

    for name in NO_DISPLAY:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(toolkits.sys, "platform", "linux")
    monkeypatch.setattr(ETSConfig, "_toolkit", "qt")  # as importing pyface.qt leaves it
    with pytest.raises(RuntimeError, match="needs a display"):
        signal.dag_augment(data[0], display=False, toolkit="traitsui")
    if "ipywidgets" in toolkits.check_toolkit(None, False):
        assert set(signal.dag_augment(data[0], display=False)) == {"ipywidgets"}


@pytest.mark.parametrize("pause", [0, 2])
def test_widgets_made_in_a_script_log_nothing(run_python, pause) -> None:
    """Nor where the script ends while their threads work."""
    pytest.importorskip("hyperspy_gui_ipywidgets")
    said = run_python(
        """
        import sys, time
        sys.path.insert(0, sys.argv[1])
        from spectra import two_classes
        s, _ = two_classes()
        s.dag_augment(display=False, toolkit="ipywidgets")
        time.sleep(float(sys.argv[2]))
        """,
        ROOT / "tests",
        pause,
        options=("-W", "ignore"),
    )
    assert said.stderr == said.stdout == ""


def test_hyperspy_is_told_of_installed_toolkits_alone(run_python) -> None:
    """Else it would take the others for installed, and plots with sliders would fail."""
    run_python(
        """
        from hyperspy.extensions import ALL_EXTENSIONS
        gui = ALL_EXTENSIONS["GUI"]
        assert "hyperspy_dag.EELSSpectrum.dag_augment" in gui["toolkeys"]
        keys = [key for widgets in gui["widgets"].values() for key in widgets]
        assert not any(key.startswith("hyperspy_dag") for key in keys), keys
        """
    )


WINDOW = """
import sys
import numpy as np
import hyperspy.api as hs
sys.path.insert(0, sys.argv[1])
from spectra import two_classes
from pyface.api import GUI
from pyface.qt import QtGui, QtWidgets
s, labels = two_classes(40, 40)
settings = {"training": "always", "max_epochs": 20, "n_spectra": 6}
tool = s.dag_augment(labels, display=True, toolkit="traitsui", **settings)
app = QtWidgets.QApplication.instance()
import time
def until(done):
    end = time.monotonic() + 90
    while not done() and time.monotonic() < end:
        app.processEvents()
        time.sleep(0.01)
    app.processEvents()
    assert done()
(window,) = [w for w in app.topLevelWidgets() if w.windowTitle() == "Data augmentation"]
def button(text):
    return next(b for b in window.findChildren(QtWidgets.QPushButton) if b.text() == text)
until(lambda: tool.can_train)
until(lambda: button("Train").isEnabled())
assert not button("Stop").isEnabled() and not button("Save").isEnabled()
button("Train").click()
until(lambda: button("Stop").isEnabled())
if sys.argv[3] == "stop":
    until(lambda: tool.shown != "")
    button("Stop").click()
until(lambda: tool.state == "ended")
until(lambda: button("Save").isEnabled())
tool.filename = "window.hspy"
button("Save").click()
assert "Saved" in tool.status, tool.error
window.resize(1250, 900)
for _ in range(20):
    app.processEvents()
window.grab().save(sys.argv[2])
texts = [w.text() for w in window.findChildren(QtWidgets.QLabel)]
print(tool.status)
window.close()
app.processEvents()
import os
sys.stdout.flush()
os._exit(0)
"""


@pytest.mark.slow
@pytest.mark.parametrize("way", ["train", "stop"])
def test_a_real_window(run_python, tmp_path, way) -> None:
    pytest.importorskip("hyperspy_gui_traitsui")
    pytest.importorskip("PySide6", reason="PySide6 is not installed: no window can be opened")
    picture = tmp_path / "window.png"
    run_python(
        WINDOW,
        ROOT / "tests",
        picture,
        way,
        env={"QT_QPA_PLATFORM": "offscreen", "MPLBACKEND": "qtagg", "QT_API": "pyside6"},
    )
    assert picture.stat().st_size > 20_000
