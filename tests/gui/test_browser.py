# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface in JupyterLab, in a real browser: Chromium, driven by Playwright."""

from __future__ import annotations

import os
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


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def lab(registered_environment, tmp_path_factory) -> Iterator[str]:
    """Address of a JupyterLab that has the example notebook open."""
    pytest.importorskip("jupyterlab")
    pytest.importorskip("hyperspy_gui_ipywidgets")
    folder = tmp_path_factory.mktemp("lab")
    shutil.copy(ROOT / "examples" / "widget.ipynb", folder)
    port = free_port()
    environment = registered_environment | {
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "JUPYTER_CONFIG_DIR": str(folder / ".config"),
        "JUPYTER_DATA_DIR": str(folder / ".data"),
        "IPYTHONDIR": str(folder / ".ipython"),
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
        yield f"http://127.0.0.1:{port}/lab/tree/widget.ipynb?reset"
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
        page = browser.new_page(viewport={"width": 1250, "height": 1500})
        page.set_default_timeout(120_000)
        page.goto(lab)
        yield page
        browser.close()


def test_the_example_is_run_trained_and_stopped(page, tmp_path) -> None:
    from playwright.sync_api import expect

    expect.set_options(timeout=90_000)

    expect(page.locator(".jp-Notebook .jp-CodeCell").first).to_be_visible()
    page.get_by_text("Python 3", exact=False).first.wait_for()
    page.locator(".jp-Notebook .jp-CodeCell").first.click()
    news = page.get_by_role("button", name="No", exact=True)
    if news.count():  # whether news of Jupyter are wanted
        news.click()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()

    train = page.locator("button.jupyter-button", has_text="Train")
    stop = page.locator("button.jupyter-button", has_text="Stop")
    save = page.locator("button.jupyter-button", has_text="Save")
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
    last = page.locator(".jp-Notebook .jp-CodeCell").last
    last.click()
    page.keyboard.press("Control+Enter")
    expect(last.get_by_text("s.dag_augment(labels", exact=False)).to_be_visible()
    expect(page.get_by_text("Training MnO: epoch", exact=False)).to_be_visible()
    shot(page, tmp_path / "training.png")

    stop.click()
    expect(page.get_by_text("Stopped:", exact=False).first).to_be_visible()
    expect(save).to_be_enabled()
    expect(train).to_be_enabled()
    expect(page.get_by_text("not trained").first).to_be_visible()
    shot(page, tmp_path / "stopped.png")


def shot(page, path: Path) -> None:
    """Take a picture of the interface alone, and see that it is not blank."""
    widget = page.locator(".jp-OutputArea-output .widget-vbox").first
    widget.scroll_into_view_if_needed()
    widget.screenshot(path=path)
    # small enough for the documentation
    from PIL import Image

    Image.open(path).convert("P", palette=Image.Palette.ADAPTIVE, colors=256).save(path)
    assert path.stat().st_size > 20_000
    if KEEP:
        shutil.copy(path, Path(KEEP) / path.name)
