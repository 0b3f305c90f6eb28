"""The MLflow UI in a real browser: the link that `ui` prints leads to trials that can be compared at once."""

import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest
from made_up_search import CONFIG, search_end, search_record, trial_end, trial_record, usage_readings

from autokeras_lite.config import Place
from autokeras_lite.tracking.open import open_tracker
from autokeras_lite.tracking.server import serve_ui
from autokeras_lite.trial import Cause, Curve

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow"),
    pytest.mark.timeout(600),
]

NUM_TRIALS = 14
FAILED = 3
# What MLflow's own pages say of themselves: while a panel opens, it draws charts without a width ("Error: <g> attribute
# transform"). What they ask for that this server has not is looked at by its address.
NOT_OURS = ("Failed to load resource", "Error: <")
RESIZED = "ResizeObserver loop"  # a browser's notice that a layout took another frame
NOT_THERE = "/mlflow/users/current"
ASSISTANT = '[data-component-id="mlflow.assistant.chat_panel.close"]'


def tell_search(tracker) -> None:
    """A search whose score goes by depth and dropout."""
    data = {"name": "adult", "fingerprint": "f1", "training_rows": 80.0}
    tracker.start_search(search_record(uid="a1", data=data))
    for number in range(NUM_TRIALS):
        depth, dropout = 1 + number % 4, 0.05 * (number % 7)
        score = 0.7 + 0.05 * depth - 0.3 * dropout**2 + 0.001 * number
        tracker.start_trial(trial_record(number, CONFIG | {"depth": depth, "dropout": dropout}))
        cause = Cause.DIVERGED if number == FAILED else Cause.PRUNED if number % 5 == 4 else Cause.OK
        curve = Curve((0.7, 0.5, 0.4), (0.8, 0.6, 0.65), (score - 0.1, score, score - 0.02))
        values = {"seconds": 1.0 + number / 7, "parameters": 100 * depth}
        values |= {} if cause is Cause.DIVERGED else {"score": score, "curve": curve}
        tracker.finish_trial(replace(trial_end(number, cause, **values), rungs=(1, 2)))
    tracker.log_usage(usage_readings(10, 20, 30, 40, 50, 58))
    tracker.finish_search(search_end())


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return Place("adult", str(tmp_path_factory.mktemp("runs")))


@pytest.fixture(scope="module")
def link(place):
    tracker = open_tracker(place)
    tell_search(tracker)
    assert tracker.close(120) == 0, tracker.problems
    return tracker.link


@pytest.fixture(scope="module")
def server(place, link):
    server = serve_ui(place.runs_dir, name="adult")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


class Tab:
    """A tab of the browser, and everything that went wrong in it."""

    def __init__(self, page) -> None:
        self.page = page
        self.faults: list[str] = []
        page.on("pageerror", self._take)
        page.on("console", self._hear)
        page.on("response", self._look)

    def open(self, address: str, awaited: str) -> None:
        """Open a page, wait for a text on it, and close what MLflow opens over it at the first visit."""
        self.page.goto(address)
        self.page.get_by_text(awaited).first.wait_for()
        if self.page.locator(ASSISTANT).count():
            self.page.locator(ASSISTANT).first.click()

    def _take(self, error) -> None:
        self._note(str(error))

    def _hear(self, said) -> None:
        if said.type == "error" and not said.text.startswith(NOT_OURS):
            self._note(said.text)

    def _note(self, fault: str) -> None:
        if RESIZED not in fault:  # told as an error of the page or on the console, as it comes
            self.faults.append(fault)

    def _look(self, answer) -> None:
        if answer.status >= 400 and not answer.url.endswith(NOT_THERE):
            self.faults.append(f"{answer.status} {answer.url}")


@pytest.fixture
def tab(browser) -> Iterator[Tab]:
    page = browser.new_page(viewport={"width": 2200, "height": 3000})
    page.set_default_timeout(90_000)
    yield Tab(page)
    page.close()


def name_of(number: int) -> str:
    return f"{number:04d} tabular_mlp"


def test_the_link_lists_the_trials_and_draws_the_charts(server, tab):
    tab.open(server.start_url, "Parallel Coordinates")
    page = tab.page
    page.locator(".js-plotly-plot").nth(2).wait_for()

    for number in range(NUM_TRIALS):
        page.get_by_text(name_of(number)).first.wait_for(state="attached")
    for said in ("Every trial as a line", "Settings and score", "seconds vs. score", "structure.depth vs. score"):
        assert page.get_by_text(said).count() >= 1, said
    page.get_by_text("epoch/loss vs epoch/validation_loss").first.wait_for()
    page.locator(".js-plotly-plot").nth(7).wait_for()
    assert tab.faults == []


def test_the_saved_view_is_listed_by_its_name(server, tab):
    tab.open(server.start_url, "Trials of 2023-11-14 22:13 UTC")
    assert tab.faults == []


def test_trials_are_filtered_by_the_columns_selected_and_compared(server, tab):
    tab.open(server.start_url.replace("compareRunsMode=CHART", "compareRunsMode=TABLE"), name_of(NUM_TRIALS - 1))
    page = tab.page
    shown = " ".join(page.locator("[role=columnheader]").all_inner_texts())
    for column in (
        "score",
        "family",
        "akl.cause",
        "akl.rung",
        "parameters",
        "seconds",
        "rows_per_second",
        "akl.cohort",
    ):
        assert column in shown

    boxes = page.locator(".ag-center-cols-container, .ag-pinned-left-cols-container").get_by_role("checkbox")
    boxes.nth(0).check(force=True)
    boxes.nth(1).check(force=True)
    page.get_by_role("button", name="Compare").first.click()
    page.get_by_text("Comparing 2 Runs from 1 Experiment").wait_for()
    assert tab.faults == []


def test_the_best_trials_are_set_beside_each_other(server, tab):
    tab.open(server.best_url, "Comparing 5 Runs from 1 Experiment")
    page = tab.page
    page.locator(".js-plotly-plot").first.wait_for()

    for said in ("recipe.dropout", "structure.depth", "rows_per_second"):
        assert page.get_by_text(said).count() >= 1, said
    assert tab.faults == []


def test_the_use_of_the_machine_is_drawn_on_the_page_of_system_metrics(server, link, tab):
    run = f"{server.url}/#/experiments/{link.experiment_id}/runs/{link.run_id}"
    tab.open(f"{run}/system-metrics", "cpu_utilization_percentage")
    page = tab.page
    page.locator(".js-plotly-plot .scatterlayer .js-line").nth(1).wait_for(state="attached")

    assert page.get_by_text("baseline.linear").count() == 0
    assert tab.faults == []


def test_the_panel_of_the_first_visit_stays_closed_when_the_link_is_opened_again(server, tab):
    tab.page.goto(server.start_url)
    tab.page.locator(ASSISTANT).click()
    tab.page.goto("about:blank")
    tab.page.goto(server.start_url)
    tab.page.get_by_text("Parallel Coordinates").first.wait_for()

    assert tab.page.locator(ASSISTANT).count() == 0
