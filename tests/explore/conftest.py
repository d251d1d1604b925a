"""A tiny world to search in, and a JupyterLab with a real browser in front of it."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import zlib
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SIDE = 32
EVIL = "<img src=x onerror=alert(1)>"


def picture(item):
    """A bar whose angle is the class's; photos are coloured."""
    rng = np.random.default_rng(zlib.crc32(item.source.encode()))
    angle = int(item.label[-2:]) * np.pi / 6 + rng.normal(0, 0.06)
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2 + rng.uniform(-2, 2, (2, 1, 1))
    bar = abs(x * np.sin(angle) - y * np.cos(angle)) < 2.5
    if item.modality == "sketch":
        return {SIDE: np.where(bar, 0, 255).astype(np.uint8)}
    ground = rng.integers(90, 160, (SIDE, SIDE, 3))
    return {SIDE: np.where(bar[..., None], rng.integers(200, 256, 3), ground).astype(np.uint8)}


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A catalogue of six classes of bars."""
    from sbirkit.data import Item, write_catalogue

    path = tmp_path_factory.mktemp("data") / "bars"
    items = [
        Item(f"class {c:02d}", modality, f"{modality}/{c}/{i}", instance=str(i))
        for c in range(6) for i in range(10) for modality in ("photo", "sketch")
    ]  # fmt: skip
    write_catalogue(
        path, items, picture, card={"name": "bars", "title": "Bars"}, sizes=(SIDE,), workers=1, progress=False
    )
    return path


@pytest.fixture(scope="session")
def bench(folder):
    from sbirkit.data import Catalogue

    world = Catalogue.open(folder)
    return world.benchmark(["class 01", "class 03"], setting="gzs", selection=["class 05"])


class Reader:
    """A method that embeds by HOG, and reads: words become the mean photo of the class they name."""

    def __new__(cls, bench=None):
        import torch

        from sbirkit.explore import Handmade
        from sbirkit.models.handmade import hog

        method = Handmade(lambda images: hog(images, cells=4))
        if bench is not None:

            def embed_text(texts):
                world, found = bench.catalogue, []
                for text in texts:
                    rows = world.photos[world.column("label")[world.photos] == text.replace(" ", "_")]
                    pixels = torch.from_numpy(np.array(world.images(rows))).permute(0, 3, 1, 2)
                    found.append(method.embed(pixels, "photo").mean(0))
                return torch.stack(found)

            method.embed_text = embed_text
        return method


@pytest.fixture
def searchers(bench):
    from sbirkit.explore import Handmade, Searcher
    from sbirkit.models.handmade import raw_pixels

    return [
        Searcher.of("edges", Reader(bench), bench, size=SIDE),
        Searcher.of("pixels", Handmade(raw_pixels), bench, size=SIDE),
    ]


def tiny_runs(folder, bench):
    """Four records on disk: two descriptors; one without weights and history; a hostile name."""
    from sbirkit.explore import Handmade
    from sbirkit.models.handmade import hog, raw_pixels
    from sbirkit.training import Run

    made = {"edges_s0": lambda images: hog(images, cells=4), "pixels_s0": raw_pixels}
    made[EVIL] = raw_pixels

    class Tiny(Run):
        def method(self, *args, **options):
            if self.path.name not in made:
                self.weights()
            return Handmade(made[self.path.name])

    def write(name, kind, seed, value, lr=0.1, history=True):
        path = folder / name
        path.mkdir()
        key = {"benchmark": bench.digest, "weights": "best", "verb": "embed", "setting": "zs", "protocol": ""}
        files = {
            "params": {
                "method": {"class": kind, "arguments": {"seed": seed}},
                "train": {"lr": lr, "size": SIDE},
                "benchmark": {"digest": bench.digest, "classes": list(bench.train_classes)},
            },
            "metrics": {
                "selection": {"best": {"steps": 1, "mAP@all": 0.7}},
                "results": [key | {"metrics": {"mAP@all": value}}],
            },
            "manifest": {"seconds": 1.0},
        }
        if history:
            terms = [{"step": k, "lr": lr, "softmax": 3.0 - k, "loss": 3.0 - k} for k in (0, 1)]
            files["history"] = [*terms, {"step": 1, "selection": 0.7}]
        for file, content in files.items():
            (path / f"{file}.json").write_text(json.dumps(content))
        return Tiny.open(path)

    return [
        write("edges_s0", "tests:Edges", 0, 0.5), write("edges_s1", "tests:Edges", 1, 0.6, history=False),
        write("pixels_s0", "tests:Pixels", 0, 0.3, lr=0.2), write(EVIL, "tests:Pixels", 0, 0.4, lr=0.4),
    ]  # fmt: skip


@pytest.fixture
def runs(tmp_path, bench):
    return tiny_runs(tmp_path, bench)


class Lab:
    """JupyterLab on loopback, and pages in a browser."""

    def __init__(self, folder, browser):
        self.folder, self.browser, self.token = folder, browser, secrets.token_hex(16)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        env = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        env |= {f"JUPYTER_{n}_DIR": str(folder / n.lower()) for n in ("CONFIG", "DATA", "RUNTIME")}
        env["JUPYTERLAB_SETTINGS_DIR"] = env["JUPYTERLAB_WORKSPACES_DIR"] = str(folder / "lab")
        options = {
            "ip": "127.0.0.1", "port": self.port, "ServerApp.port_retries": 0,
            "IdentityProvider.token": self.token,
            "ServerApp.root_dir": folder, "LabApp.expose_app_in_browser": True, "LabApp.news_url": None,
            "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        }  # fmt: skip
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
        command += [f"--{name}={value}" for name, value in options.items()]
        self.log = (folder / "server.log").open("wb")
        self.server = subprocess.Popen(command, stdout=self.log, stderr=self.log, env=env, cwd=folder)
        self._wait()

    def _wait(self):
        for _ in range(240):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api?token={self.token}", timeout=2)
                return
            except OSError:
                assert self.server.poll() is None, (self.folder / "server.log").read_text()[-2000:]
                time.sleep(0.25)
        raise AssertionError("JupyterLab did not start within a minute")

    def notebook(self, name, *cells, theme="Light", size=(1280, 1000)):
        """A page with a notebook of these cells, all of them run."""
        nb = {
            "cells": [
                {"cell_type": "code", "id": f"c{i}", "metadata": {}, "source": source, "outputs": [],
                 "execution_count": None}
                for i, source in enumerate(cells)
            ],
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            "nbformat": 4, "nbformat_minor": 5,
        }  # fmt: skip
        (self.folder / f"{name}.ipynb").write_text(json.dumps(nb))
        page = self.browser.new_page(viewport={"width": size[0], "height": size[1]})
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.goto(f"http://127.0.0.1:{self.port}/lab/tree/{name}.ipynb?token={self.token}&reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")
        if theme != "Light":
            page.evaluate(
                "t => window.jupyterapp.commands.execute("
                "'apputils:change-theme', {theme: `JupyterLab ${t}`})",
                theme,
            )
        page.wait_for_function(
            "window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'",
            timeout=60_000,
        )
        page.locator(".jp-Cell .cm-content").first.click()
        for _ in cells:  # the keyboard, as a student would
            page.keyboard.press("Shift+Enter")
        page.wait_for_function(
            "n => [...document.querySelectorAll('.jp-InputPrompt')]"
            ".filter(p => /\\[\\d+\\]/.test(p.textContent)).length >= n",
            arg=len(cells), timeout=120_000,
        )  # fmt: skip
        return page

    def close(self):
        self.server.terminate()
        try:
            self.server.wait(10)
        except subprocess.TimeoutExpired:
            self.server.kill()
        self.log.close()


@pytest.fixture(scope="session")
def browser():
    """One browser for all browser tests; it ends with them."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        why = "there is no Chromium here (looked for chromium and google-chrome)"
        pytest.fail(f"{why}; continuous integration needs one") if os.environ.get("CI") else pytest.skip(why)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory, browser):
    """One JupyterLab for all tests that need a kernel."""
    lab = Lab(tmp_path_factory.mktemp("lab"), browser)
    yield lab
    lab.close()


class Live:
    """A view on a page, and its state here; the kernel answers when :meth:`answer` is called."""

    def __init__(self, browser, state, *, size=(1280, 1000), scheme="light"):
        from sbirkit.explore.alone import page

        self.state, self.problems = state, []
        self.page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.set_content(page(state))
        self.page.wait_for_selector(".sb")

    def sent(self):
        """What the view has asked since."""
        return self.page.evaluate("() => sent.splice(0)")

    def tell(self):
        self.page.evaluate("(shown) => show(shown)", self.state.shown())

    def answer(self):
        """Answer all that is asked, and what is asked on hearing the answers."""
        while asked := self.sent():
            for one in asked:
                self.state.receive(one)
                self.tell()

    def point(self, kind, x, y, finger=1, board="canvas"):
        """A pointer's event at a place of a board, from 0 to 1."""
        self.page.evaluate(POINT, [kind, x, y, finger, board])

    def focus(self):
        """The name, or else the class, of what has the focus."""
        return self.page.evaluate(
            "() => [document.activeElement].map((e) => e.dataset.key ?? (e.className || e.textContent))[0]"
        )


POINT = """([kind, x, y, finger, board]) => {
  const c = document.querySelector(board), r = c.getBoundingClientRect();
  c.setPointerCapture = () => {};  // there is no such finger
  c.dispatchEvent(new PointerEvent(kind, { pointerId: finger, bubbles: true, cancelable: true,
    button: kind === "pointermove" ? -1 : 0, clientX: r.left + x * r.width, clientY: r.top + y * r.height }));
}"""


@pytest.fixture
def live(browser):
    """Open views that are answered by hand: ``live(state)``. No script may have failed in the end."""
    opened = []

    def start(state, **options):
        opened.append(Live(browser, state, **options))
        return opened[-1]

    yield start
    for one in opened:
        one.page.evaluate("() => end()")
        one.page.close()
        assert one.problems == []
