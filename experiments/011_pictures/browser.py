"""Pictures taken with headless Chromium: of a terminal, of the report, and of the MLflow UI."""

import html
import io
import shutil
import signal
import subprocess
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

MOST_BYTES = 150_000
_MOST_MILLISECONDS = 120_000
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_TERMINAL = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; background: #161b22; }}
.window {{ display: inline-block; background: #161b22; padding: 0 18px 14px; }}
.bar {{ display: flex; gap: 7px; padding: 11px 0 12px; }}
.bar i {{ width: 11px; height: 11px; border-radius: 50%; background: #484f58; }}
pre {{ margin: 0; width: {columns}ch; font: 14px/1.32 "DejaVu Sans Mono", monospace; color: #e6edf3; }}
.typed {{ color: #8b949e; }}
</style><div class="window"><div class="bar"><i></i><i></i><i></i></div>
<pre class="typed">{typed}</pre><pre>{lines}</pre></div>"""
_DRAWN = "() => [...document.querySelectorAll('.plot')].every((place) => place.querySelector('.main-svg'))"
# Charts are drawn one after the other while MLflow polls: none waits, and every one that is seen has its drawing.
_SETTLED = """() => document.querySelectorAll('.js-plotly-plot .main-svg').length >= 3
    && !document.querySelector('[class*=skeleton i], [aria-busy=true]')"""
_SETTLING_MILLISECONDS = 5_000
# A card of MLflow holds a chart, its legend, and a button that shows it on the whole screen.
_BOTTOM_OF_CARD = """(chart) => {
    let card = chart;
    while (!card.querySelector('[data-component-id*=fullscreen]')) card = card.parentElement;
    return card.getBoundingClientRect().bottom;
}"""
# Pixels: around a part of a page, of the line between two sections, and of MLflow's frame below its content.
_MARGIN, _RULE, _BELOW_A_CARD = 24, 8, 40
_ASSISTANT = '[data-component-id="mlflow.assistant.chat_panel.close"]'
_BANNER = '[data-component-id="mlflow.experiment_page.shared_view.dismiss"]'


@contextmanager
def opened() -> Iterator[Any]:
    """Start Chromium, and end it."""
    path = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if path is None:
        raise SystemExit(f"There is no browser. Expected one of {', '.join(_BROWSERS)} on the path. Install Chromium.")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def take_terminal(browser: Any, typed: str, lines: str, columns: int, file: Path) -> None:
    """Take a picture of a terminal: what was typed, and lines of HTML."""
    shown = " \\\n".join(textwrap.wrap(f"$ {typed}", columns - 4, subsequent_indent="    ", break_on_hyphens=False))
    page = browser.new_page(viewport={"width": 1000, "height": 900}, device_scale_factor=1.5)
    page.set_content(_TERMINAL.format(columns=columns, typed=html.escape(shown), lines=lines))
    save(page.locator(".window").screenshot(), file)
    page.close()


def take_report(browser: Any, report: Path, headline: Path, figures: Path) -> None:
    """Take two pictures of a report: its headline, and the first two figures of how the search went."""
    page = browser.new_page(viewport={"width": 1280, "height": 900}, reduced_motion="reduce", color_scheme="light")
    page.set_default_timeout(_MOST_MILLISECONDS)
    page.goto(report.as_uri())
    for place in page.query_selector_all(".plot"):
        place.scroll_into_view_if_needed()
    page.wait_for_function(_DRAWN)
    page.evaluate("() => window.scrollTo(0, 0)")
    page.wait_for_timeout(_SETTLING_MILLISECONDS)
    result, search = page.locator("#result").bounding_box(), page.locator("#search").bounding_box()
    last = page.locator("#search figure").nth(1).bounding_box()
    upper = {"x": 0, "y": 0, "width": 1280, "height": result["y"] + result["height"] - _RULE}
    save(page.screenshot(full_page=True, clip=upper), headline)
    left, top = search["x"] - _MARGIN, search["y"] + _RULE
    lower = {"x": left, "y": top, "width": search["width"] + 2 * _MARGIN, "height": last["y"] + last["height"] - top}
    save(page.screenshot(full_page=True, clip=lower), figures)
    page.close()


def take_comparison(browser: Any, address: str, file: Path) -> None:
    """Take a picture of the comparison of the trials of a search in the MLflow UI, down to the first scatter plots."""
    page = browser.new_page(viewport={"width": 1600, "height": 1000}, reduced_motion="reduce", color_scheme="light")
    page.set_default_timeout(_MOST_MILLISECONDS)
    page.goto(address)
    page.get_by_text("Parallel Coordinates").first.wait_for()
    page.wait_for_function(_SETTLED)
    for closing in (_ASSISTANT, _BANNER):
        if page.locator(closing).count():
            page.locator(closing).first.click()
    page.wait_for_timeout(_SETTLING_MILLISECONDS)
    bottom = page.locator(".js-plotly-plot").first.evaluate(_BOTTOM_OF_CARD)
    page.set_viewport_size({"width": 1600, "height": int(bottom) + _BELOW_A_CARD})
    page.mouse.move(0, 0)
    page.wait_for_function(_SETTLED)
    page.wait_for_timeout(_SETTLING_MILLISECONDS)
    save(page.screenshot(), file)
    page.close()


@contextmanager
def served(program: str, name: str, folder: Path) -> Iterator[str]:
    """Run `autokeras-lite ui NAME` as a person does, and return the address that it prints; Ctrl-C ends it."""
    server = subprocess.Popen(
        [program, "ui", name], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
    finally:
        server.send_signal(signal.SIGINT)
        code = server.wait(timeout=60)
    print(f"autokeras-lite ui ended with {code}")


def save(screenshot: bytes, file: Path) -> None:
    """Write a picture with a palette, of as many colours as the limit of its size lets it have."""
    picture = Image.open(io.BytesIO(screenshot)).convert("RGB")
    for colours in (256, 128, 64, 32):
        picture.quantize(colours, dither=Image.Dither.NONE).save(file, optimize=True)
        if file.stat().st_size <= MOST_BYTES:
            break
    print(f"{file.name}: {picture.width} x {picture.height}, {colours} colours, {file.stat().st_size / 1000:.0f} kB")
