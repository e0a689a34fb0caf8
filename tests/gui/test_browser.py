# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface in JupyterLab, in a real browser: Chromium, driven by Playwright."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

pytestmark = pytest.mark.slow

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: A folder to keep the pictures in, for the documentation.
KEEP = os.environ.get("HYPERSPY_DAG_SCREENSHOTS")

#: A way from a map that is labelled by drawing to another that is classified, cell by cell.
MAP = [
    """
%matplotlib widget
import hyperspy.api as hs
import numpy as np
from hyperspy_dag.data import simulated_oxides

def make_map(seed):
    oxides, labels = simulated_oxides("WL-Mn", {"MnO": 288, "MnO2": 288}, random_state=seed)
    rows = oxides.data[np.argsort(labels, kind="stable")].reshape(2, 24, 12, -1)
    s = type(oxides)(np.concatenate([*rows], axis=1))
    s.axes_manager.signal_axes[0].update_from(oxides.axes_manager.signal_axes[0])
    for axis, name in zip(s.axes_manager.navigation_axes, "xy"):
        axis.name = name
    return s

s, s_next = make_map(1), make_map(2)
print("two maps of", s.data.shape)
""",
    """tool = s.dag_augment(max_epochs=10, n_spectra=20, random_state=0)""",
    """
figure, ax = s._plot.navigator_plot.figure, s._plot.navigator_plot.ax
size = figure.canvas.get_width_height(physical=True)
for x in (9, 18):  # middle of the second region, and where it is to go
    place = ax.transData.transform((x, 9)) / size
    print("place", place[0], 1 - place[1])
print("canvas", figure.canvas.model_id)
""",
    """
saved = hs.load("phases.hspy")
print("as shown:", np.array_equal(saved.data, tool.map.phases.index))
print("right:", (saved.data == np.repeat([0, 1], 12)).mean() > 0.95)
print("spectra:", hs.load("augmented.hspy").data.shape, tool.call_used)
""",
]


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def lab(registered_environment, tmp_path_factory) -> Iterator[str]:
    """Address of a JupyterLab that has notebooks."""
    pytest.importorskip("jupyterlab")
    pytest.importorskip("hyperspy_gui_ipywidgets")
    folder = tmp_path_factory.mktemp("lab")
    example = json.loads((ROOT / "examples" / "widget.ipynb").read_text(encoding="utf-8"))
    # What has nothing to train would be over before it could be watched.
    (tool,) = (c for c in example["cells"] if "tool = s.dag_augment(\n" in c["source"])
    tool["source"].insert(2, '    training="always",\n')
    (folder / "widget.ipynb").write_text(json.dumps(example), encoding="utf-8")
    empty = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": []}
    cells = [empty | {"id": f"c{i}", "source": code.strip()} for i, code in enumerate(MAP)]
    (folder / "map.ipynb").write_text(json.dumps(example | {"cells": cells}), encoding="utf-8")
    # Cells that are out of sight exist all the same.
    settings = folder / ".settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    (settings / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
    port = free_port()
    environment = registered_environment | {
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "JUPYTER_CONFIG_DIR": str(folder / ".config"),
        "JUPYTER_DATA_DIR": str(folder / ".data"),
        "IPYTHONDIR": str(folder / ".ipython"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / ".settings"),
        "HOME": str(folder),
    }
    log = (folder / "lab.log").open("w")
    options = [
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--IdentityProvider.token=",
        "--LabApp.news_url=None",
        "--LabApp.extension_manager=readonly",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options],
        cwd=folder,
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if server.poll() is not None:
                break
            time.sleep(0.2)
        else:
            pytest.fail("JupyterLab did not start")
        if server.poll() is not None:
            pytest.fail(f"JupyterLab ended:\n{Path(log.name).read_text()}")
        yield f"http://127.0.0.1:{port}/lab"
    finally:
        server.terminate()
        server.wait(30)
        log.close()


@pytest.fixture
def page(lab: str) -> Iterator:
    api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed (Debian: apt-get install chromium)")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        page = browser.new_page(viewport={"width": 1250, "height": 2800})
        page.set_default_timeout(120_000)
        page.lab = lab
        yield page
        browser.close()


def open_notebook(page, name: str) -> None:
    """Open a notebook whose kernel is ready."""
    from playwright.sync_api import expect

    expect.set_options(timeout=150_000)
    page.goto(f"{page.lab}/workspaces/{Path(name).stem}/tree/{name}?reset")
    expect(page.locator(".jp-Notebook .jp-CodeCell").first).to_be_visible()
    page.get_by_text("Python 3", exact=False).locator("visible=true").first.wait_for()
    page.locator(".jp-Notebook .jp-CodeCell").first.click()
    news = page.get_by_role("button", name="No", exact=True)
    if news.count():  # whether news of Jupyter are wanted
        news.click()


def run_cell(page, number: int):
    """Run a cell of the open notebook; return it."""
    cell = page.locator(".jp-Notebook .jp-CodeCell").nth(number)
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    return cell


def test_the_example_is_run_trained_and_stopped(page, tmp_path) -> None:
    from playwright.sync_api import expect

    open_notebook(page, "widget.ipynb")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()

    train = page.locator("button.jupyter-button", has_text="Train")
    stop = page.locator("button.jupyter-button", has_text="Stop")
    save = page.locator("button.jupyter-button", has_text="Save").first
    expect(train).to_be_enabled()
    expect(page.get_by_text("Ready: 120 spectra in 3 classes.").first).to_be_visible()
    expect(stop).to_be_disabled()
    pictures = page.locator("img:visible[src^='blob:']")
    expect(pictures).to_have_count(1)  # the input

    train.click()
    expect(stop).to_be_enabled()
    expect(page.get_by_text("Training Mn2O3: epoch", exact=False)).to_be_visible()
    expect(pictures).to_have_count(2)
    # The kernel answers meanwhile.
    last = run_cell(page, 2)
    expect(last.get_by_text("s.dag_augment(labels", exact=False)).to_be_visible()
    expect(page.get_by_text("Training MnO: epoch", exact=False)).to_be_visible()
    shot(page, tmp_path / "training.png")

    stop.click()
    expect(page.get_by_text("Stopped:", exact=False).first).to_be_visible()
    expect(save).to_be_enabled()
    expect(train).to_be_enabled()
    expect(page.get_by_text("not trained").first).to_be_visible()
    shot(page, tmp_path / "stopped.png")


def test_from_a_map_that_is_labelled_by_drawing_to_the_next(page, tmp_path) -> None:
    from playwright.sync_api import expect

    open_notebook(page, "map.ipynb")
    expect(run_cell(page, 0).get_by_text("two maps of (24, 24, 700)")).to_be_visible()
    assert page.locator("[data-mime-type$=stderr]").count() == 0
    tool = run_cell(page, 1)

    def button(text: str):
        # its accessible name has the icon too
        return tool.locator("button.jupyter-button", has_text=re.compile(rf"^\s*{text}\s*$"))

    def field(description: str):
        row = tool.locator(".widget-hbox", has_text=description).last
        return row.locator("input[type=text], input[type=number]").first

    def plots():
        return page.locator(".jupyter-matplotlib-canvas-container")

    # labelled by drawing: the second region is dragged to where the other phase is
    expect(button("Add region")).to_be_enabled()
    expect(plots()).to_have_count(2)
    for number, name in enumerate(("MnO", "MnO2")):
        button("Add region").click()
        named = tool.locator(".widget-hbox", has_text="bottom").nth(number)
        named.locator("input[type=text]").fill(name)
        named.locator("input[type=text]").press("Enter")
    # What is above the plot has its size then, so that the plot stays where it is.
    expect(tool.get_by_text("Ready: 72 spectra in 2 classes.")).to_be_visible()
    said = run_cell(page, 2)
    expect(said.get_by_text("canvas", exact=False).last).to_be_visible()
    words = said.locator(".jp-OutputArea-output").last.inner_text().split()
    at = [float(one) for one in (words[1], words[2], words[4], words[5])]
    navigator = plots().first
    navigator.scroll_into_view_if_needed()
    page.wait_for_timeout(1000)
    box = navigator.bounding_box()
    begin, end = (
        (box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (at[:2], at[2:])
    )
    page.mouse.move(*begin)
    page.mouse.down()
    page.mouse.move(*end, steps=8)
    # The canvas drops moves that follow each other at once, the last one too.
    page.wait_for_timeout(1000)
    page.mouse.move(end[0] + 1, end[1])
    left = tool.locator(".widget-hbox", has_text="bottom").nth(1).locator("input").nth(1)
    expect(left).to_have_value("15")
    page.mouse.up()
    expect(tool.get_by_text("Ready: 72 spectra in 2 classes.")).to_be_visible()

    # trained: nothing is to be gained, which is said
    button("Train").click()
    expect(tool.get_by_text("Done: <EELSSpectrum").first).to_be_visible()
    expect(tool.get_by_text("the statistical model is used").first).to_be_visible()

    # drawn under other conditions, and saved
    tool.get_by_text("Under other conditions").click()
    thickness = field("Thickness")
    thickness.fill("thick")
    thickness.press("Enter")
    button("Draw again").click()
    expect(tool.get_by_text("Not drawn: thickness must be a number").first).to_be_visible()
    thickness.fill("-0.2 to 0.4")
    thickness.press("Enter")
    button("Draw again").click()
    expect(tool.get_by_text("Drawn: <EELSSpectrum").first).to_be_visible()
    button("Save").click()
    expect(tool.get_by_text("Saved: ").first).to_be_visible()

    # the next map, adapted to and classified
    button("Classify").click()
    expect(tool.get_by_text("Classified 576 spectra.").first).to_be_visible()
    expect(tool.get_by_text("MnO2: ", exact=False).last).to_be_visible()
    drawn = plots().first  # above those of the signal
    expect(drawn).to_be_visible()
    column = field("column")
    expect(column).to_have_value("12")
    drawn.scroll_into_view_if_needed()
    page.wait_for_timeout(1000)
    box = drawn.bounding_box()
    page.mouse.click(box["x"] + 0.3 * box["width"], box["y"] + 0.5 * box["height"])
    expect(column).not_to_have_value("12")
    page.wait_for_timeout(1000)  # the cross follows
    shot(page, tmp_path / "map.png", tool)
    button("Save map").click()
    expect(tool.get_by_text("Saved: phases.hspy").first).to_be_visible()

    # read again
    read = run_cell(page, 3)
    expect(read.get_by_text("as shown: True", exact=False)).to_be_visible()
    expect(read.get_by_text("right: True", exact=False)).to_be_visible()
    expect(read.get_by_text("thickness=(-0.2, 0.4)", exact=False).last).to_be_visible()
    if KEEP:
        views(page, tool)


def views(page, tool) -> None:
    """Keep pictures of the interface, narrow and wide, light and dark."""
    page.keyboard.press("Escape")
    page.keyboard.press("Control+b")  # the files' bar
    for theme in ("Light", "Dark"):
        page.set_viewport_size({"width": 1400, "height": 2800})
        page.get_by_role("menuitem", name="Settings", exact=True).click()
        page.get_by_text("Theme", exact=True).click()
        page.get_by_text(f"JupyterLab {theme}", exact=True).click()
        for width in (1400, 400):
            page.set_viewport_size({"width": width, "height": 4500})
            widget = tool.locator(".jp-OutputArea-output .widget-vbox").first
            widget.scroll_into_view_if_needed()
            page.wait_for_timeout(1500)
            widget.screenshot(path=Path(KEEP) / f"map_{theme.lower()}_{width}.png")


def shot(page, path: Path, cell=None) -> None:
    """Take a picture of the interface alone, and see that it is not blank."""
    widget = (cell or page).locator(".jp-OutputArea-output .widget-vbox").first
    widget.scroll_into_view_if_needed()
    widget.screenshot(path=path)
    # small enough for the documentation
    from PIL import Image

    Image.open(path).convert("P", palette=Image.Palette.ADAPTIVE, colors=256).save(path)
    assert path.stat().st_size > 20_000
    if KEEP:
        shutil.copy(path, Path(KEEP) / path.name)
