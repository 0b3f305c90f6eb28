"""The report in a real browser: accessible, within its width, without a request, and deaf to hostile words."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_searches import make_search
from written_searches import HOSTILE, Words, write_search

from autokeras_lite.report.page import write_report

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_core_python.sync_playwright", reason="axe-core-python is not installed")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome is installed"),
]
DRAWN = "() => [...document.querySelectorAll('.plot')].every((place) => place.querySelector('.main-svg'))"
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
ROWS = "#board tbody tr"
# Each figure is drawn a second after it was begun.
SLOW_DRAWING = """
    let library;
    const slowed = (draw) => async (...given) => {
        window.drawing = true;
        await new Promise((resume) => setTimeout(resume, 1000));
        return draw(...given);
    };
    Object.defineProperty(window, "Plotly", {
        get: () => library,
        set: (made) => { library = { ...made, newPlot: slowed(made.newPlot) }; },
        configurable: true,
    });
"""
WIDTHS = {"desktop": 1280, "phone": 400}
_MOST_MILLISECONDS = 60_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(write_search(tmp_path_factory.mktemp("report"), num_trials=12))


class Visit:
    """An open page with what it said, asked for and warned of."""

    def __init__(self, browser: Any, file: Path, *, width: int = 1280, theme: str = "light", before: str = "") -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, offline=True)
        self.context.add_init_script(before)
        self.page = self.context.new_page()
        self.page.set_default_timeout(_MOST_MILLISECONDS)
        self.faults: list[str] = []
        self.requests: list[str] = []
        self.page.on("dialog", self._dismiss)
        self.page.on("pageerror", lambda error: self.faults.append(f"error {error}"))
        self.page.on("console", self._hear)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri())

    def _dismiss(self, dialog: Any) -> None:
        self.faults.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _hear(self, message: Any) -> None:
        if message.type == "error":
            self.faults.append(f"console {message.text}")

    def draw_everything(self) -> None:
        """Scroll to every figure and wait until it is there."""
        for place in self.page.query_selector_all(".plot"):
            place.scroll_into_view_if_needed()
        self.page.wait_for_function(DRAWN)

    def open_everything(self) -> None:
        """Unfold what is folded."""
        self.page.evaluate("() => document.querySelectorAll('details').forEach((part) => { part.open = true; })")


@pytest.fixture
def visit(browser: Any) -> Iterator[Any]:
    visits: list[Visit] = []

    def open_page(file: Path, **options: Any) -> Visit:
        visits.append(Visit(browser, file, **options))
        return visits[-1]

    yield open_page
    for one in visits:
        one.context.close()


def test_hostile_words_do_nothing(visit: Any, tmp_path: Path) -> None:
    name = '"><svg onload=alert(9)>'
    open_page = visit(write_report(write_search(tmp_path, words=Words.all_from(HOSTILE, name))))
    open_page.draw_everything()
    open_page.open_everything()
    open_page.page.fill("#board-find", "<script>")
    assert open_page.faults == []
    assert len(open_page.requests) == 1
    links = "() => [...document.querySelectorAll('a, area, [*|href]')].map((a) => a.getAttribute('href') || '')"
    harmless = ("#", "data:image/png;")  # plotly paints matrices as pictures
    assert [link for link in open_page.page.evaluate(links) if link and not link.startswith(harmless)] == []
    assert open_page.page.query_selector_all("main img, main b, iframe, object, embed, [onload], [onerror]") == []


def test_it_opens_from_disk_without_a_network(visit: Any, report: Path) -> None:
    open_page = visit(report)
    open_page.draw_everything()
    assert open_page.faults == []
    assert open_page.requests == [report.as_uri()]


@pytest.mark.parametrize(("theme", "width"), list(zip(["light", "dark"], WIDTHS, strict=True)))
def test_axe_finds_nothing_serious(visit: Any, report: Path, theme: str, width: str) -> None:
    open_page = visit(report, theme=theme, width=WIDTHS[width])
    open_page.draw_everything()
    open_page.open_everything()
    script = axe.Axe().axe_script
    found = _run_axe(open_page.page, script)
    bad = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in bad] == []


@pytest.mark.parametrize(("kind", "theme"), [("images", "dark"), ("tokens", "light"), ("forecast", "dark")])
def test_axe_finds_nothing_serious_in_rows_of_any_kind(visit: Any, tmp_path: Path, kind: str, theme: str) -> None:
    open_page = visit(write_report(make_search(tmp_path, kind, num_trials=12)), theme=theme, width=WIDTHS["phone"])
    open_page.page.evaluate(axe.Axe().axe_script)
    found = open_page.page.evaluate("() => axe.run({ include: ['#data', '#diagnostics'], exclude: ['.plot'] })")
    assert [one["id"] for one in found["violations"] if one["impact"] in ("serious", "critical")] == []
    assert len(found["passes"]) > 5
    assert open_page.page.evaluate(WIDER) <= 0
    assert open_page.faults == []
    assert [url for url in open_page.requests[1:] if not url.startswith("data:")] == []


def _run_axe(page: Any, script: str) -> Any:
    page.evaluate(script)
    return page.evaluate("() => axe.run()")


@pytest.mark.parametrize("width", [320, 768])
def test_nothing_is_wider_than_the_window(visit: Any, report: Path, width: int) -> None:
    open_page = visit(report, width=width)
    open_page.draw_everything()
    open_page.open_everything()
    assert open_page.page.evaluate(WIDER) <= 0
    first = "() => document.querySelector('[data-figure=slices]').layout.xaxis2.domain[0]"
    assert (open_page.page.evaluate(first) > 0) is (width > 560)  # on a phone panels stand below each other


def test_the_theme_can_be_changed_and_figures_follow(visit: Any, report: Path) -> None:
    open_page = visit(report)
    open_page.draw_everything()
    colour = "() => getComputedStyle(document.querySelector('.plot .xtick text, .plot .ytick text')).fill"
    before = open_page.page.evaluate(colour)
    open_page.page.click("#theme")
    assert open_page.page.get_attribute("html", "data-theme") == "dark"
    open_page.page.wait_for_function(f"() => ({colour})() !== {before!r}")


def test_a_thousand_trials_can_be_searched_sorted_and_turned_by_keyboard(visit: Any, tmp_path: Path) -> None:
    open_page = visit(write_report(write_search(tmp_path, num_trials=1000)))
    page = open_page.page
    assert page.locator(ROWS).count() == 50
    assert page.text_content("#board-state") == "1 to 50 of 1,000 trials"
    page.focus("#board-on")
    page.keyboard.press("Enter")
    assert page.text_content("#board-state") == "51 to 100 of 1,000 trials"
    assert page.locator("#board-on").evaluate("(button) => button === document.activeElement")
    page.locator("#board th button", has_text="seconds").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    assert page.locator("#board th[aria-sort]").get_attribute("aria-sort") == "descending"
    seconds = page.locator(f"{ROWS} td:nth-child(8)").all_text_contents()
    assert [float(value) for value in seconds] == sorted(map(float, seconds), reverse=True)
    page.select_option("#board-status", "failed")
    assert "found, of 1,000" in page.text_content("#board-state")
    page.fill("#board-find", "nothing is called this")
    assert page.locator(ROWS).count() == 0
    assert open_page.faults == []


def test_figures_are_turned_and_filtered_by_keyboard(visit: Any, report: Path) -> None:
    open_page = visit(report)
    page = open_page.page
    page.locator(".choices button", has_text="over time").focus()
    page.keyboard.press("Enter")
    page.wait_for_function(
        "() => document.querySelector('[data-figure=history] .xtitle')?.textContent.includes('since')"
    )
    assert page.locator(".choices button[aria-pressed=true]").all_text_contents() == ["over time"]
    page.locator(".keep summary").focus()
    page.keyboard.press("Enter")
    state = page.locator(".keep .state")
    total = int(state.text_content().split()[0])
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.wait_for_function(
        "() => document.querySelector('[data-figure=parallel]').data[0].dimensions[0].constraintrange"
    )
    kept = int(state.text_content().split()[0])
    assert 0 < kept < total
    assert "best first: trial" in state.text_content()
    page.keyboard.press("ArrowUp")
    assert state.text_content().startswith(f"{total} of {total}")
    assert open_page.faults == []


def test_what_is_pressed_while_a_figure_is_drawn_is_not_lost(visit: Any, report: Path) -> None:
    page = visit(report, before=SLOW_DRAWING).page
    page.locator("[data-figure=history]").scroll_into_view_if_needed()
    page.wait_for_function("() => window.drawing")
    page.locator(".choices button", has_text="over time").click()
    page.wait_for_function(
        "() => document.querySelector('[data-figure=history] .xtitle')?.textContent.includes('since')"
    )


def test_what_is_missing_stands_last_in_both_orders(visit: Any, report: Path) -> None:
    page = visit(report).page
    head = page.locator("#board th button", has_text="score")
    for _ in range(2):
        head.click()
        scores = page.locator(f"{ROWS} td:nth-child(3)").all_text_contents()
        assert scores[-1] == "-"
        assert scores[0] != "-"


def test_it_prints_with_its_figures_in_light_colours(visit: Any, report: Path) -> None:
    open_page = visit(report, theme="dark")
    open_page.page.wait_for_function("() => window.Plotly")
    printed = open_page.page.pdf(print_background=False)
    assert printed.startswith(b"%PDF")
    assert len(printed) > 50_000
    assert open_page.faults == []


def test_a_command_can_be_copied(visit: Any, report: Path) -> None:
    page = visit(report).page
    page.locator(".copy").first.click()
    page.wait_for_function("() => document.querySelector('.copy').firstChild.textContent === 'Copied'")
