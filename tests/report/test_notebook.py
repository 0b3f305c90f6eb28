"""A search in a notebook: the result, and the display while it runs."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from made_searches import HOSTILE, HOSTILE_LINK, make_search

from autokeras_lite.config import Budget
from autokeras_lite.report.notebook import NotebookProgress, summary_html, watched
from autokeras_lite.search.baseline import Baseline
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.leaderboard import make_leaderboard
from autokeras_lite.search.observer import Overview, SilentObserver
from autokeras_lite.tasks.task import Task, TaskKind
from autokeras_lite.trial import Cause, Cohort, EpochReport, TrainingConfig, TrialOutcome, TrialSpec

TASK = Task(TaskKind.BINARY, ("y",), "roc_auc", "maximize", ("no", "yes"))


class Page(HTMLParser):
    """Reads the elements and the words of a page, and that every element is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += f"{data} "


def result_page(folder: Path, **changes) -> Page:
    place = SearchFolder(folder)
    summary = replace(place.read_summary(), **changes)
    return Page(summary_html(summary, make_leaderboard(place.read_trials(), summary.direction)))


def test_a_result_tells_score_baselines_and_the_best_trials(tmp_path):
    folder = make_search(tmp_path)
    summary = SearchFolder(folder).read_summary()
    page = result_page(folder)
    assert f"{summary.best.validation_score:.4f}" in page.words
    assert summary.verdict in page.words
    assert "gradient boosting" in page.words
    assert page.elements.count("table") == 2
    assert page.elements.count("tr") == 1 + 4 + 1 + 5  # baselines and network, the five best trials


@pytest.mark.parametrize("num_scored", [0, 1])
def test_a_result_of_few_trials_can_be_shown(tmp_path, num_scored):
    page = result_page(make_search(tmp_path, num_trials=3, num_scored=num_scored))
    assert ("no model" in page.words) == (num_scored == 0)


def test_a_result_without_any_trial_can_be_shown(tmp_path):
    assert "no model" in result_page(make_search(tmp_path, num_trials=0)).words


def test_names_from_data_are_no_markup(tmp_path):
    changes = {"name": HOSTILE, "metric": HOSTILE_LINK, "verdict": f"{HOSTILE} wins", "baselines": {HOSTILE: 0.5}}
    page = result_page(make_search(tmp_path), **changes)
    assert {"img", "a"} & set(page.elements) == set()
    assert HOSTILE in page.words
    html = summary_html(
        replace(SearchFolder(tmp_path / "binary").read_summary(), name="$x$"),
        make_leaderboard(SearchFolder(tmp_path / "binary").read_trials(), "maximize"),
    )
    assert "$" not in html  # which a notebook would typeset


# --- the display -----------------------------------------------------------------------------------------------------


class Shown:
    """Keeps what was shown, and when, by a clock that a test sets."""

    def __init__(self) -> None:
        self.seconds, self.pages, self.times = 0.0, list[Page](), list[float]()
        self.progress = NotebookProgress(self.show, lambda: self.seconds)

    def show(self, html: str) -> None:
        self.pages.append(Page(html))
        self.times.append(self.seconds)

    @property
    def words(self) -> str:
        return re.sub(r"\s+", " ", self.pages[-1].words)


def cohort(number: int, *trials: int) -> Cohort:
    specs = tuple(TrialSpec(n, "space", "tabular_mlp", {}, TrainingConfig(epochs=50), n, "tpe") for n in trials)
    return Cohort(number, specs, batch_seed=0)


def play(shown: Shown, *, epochs: int, seconds_each: float) -> None:
    progress, first = shown.progress, cohort(1, 1, 2)
    progress.note("reads a table")
    overview = Overview("adult", TASK, 100, 3, "folds", Budget(trials=9), ("space",), 1, 0.0, resumed=2)
    progress.search_started(overview)
    progress.baseline_finished(Baseline("linear", 0.8, 0.1))
    progress.cohort_started(first)
    for epoch in range(1, epochs + 1):
        shown.seconds += seconds_each
        progress.epoch_finished(EpochReport(1, epoch, 50, {1: 0.7, 2: 0.6}, {1: 0.1, 2: 0.2}, 0.1))


def test_the_display_changes_at_most_twice_a_second():
    shown = Shown()
    play(shown, epochs=1000, seconds_each=0.01)
    assert len(shown.pages) <= 21
    assert min(later - earlier for earlier, later in zip(shown.times, shown.times[1:], strict=False)) >= 0.5


def test_the_display_tells_where_the_search_stands():
    shown = Shown()
    play(shown, epochs=3, seconds_each=1.0)
    assert "adult : searching, 3.0 s of 9 trials · 2 trials done" in shown.words
    assert "no score yet (baselines: linear 0.8000)" in shown.words
    assert "cohort 1 2 trials tabular_mlp epoch 3 of 50" in shown.words
    shown.seconds += 1
    spec = cohort(1, 1).specs[0]
    shown.progress.trial_finished(spec, TrialOutcome(1, Cause.OK, 0.75), is_best=True)
    assert "3 trials done" in shown.words
    assert "best roc_auc 0.7500 , trial 1" in shown.words
    shown.seconds += 1
    failed = TrialOutcome(2, Cause.DIVERGED)
    shown.progress.trial_finished(replace(spec, number=2), failed, is_best=False)
    assert "1 failed" in shown.words
    assert "cohort 1" not in shown.words


def test_the_last_state_is_shown_however_soon_it_comes():
    shown = Shown()
    play(shown, epochs=1, seconds_each=0.0)
    shown.progress.trial_finished(cohort(1, 1).specs[0], TrialOutcome(1, Cause.OK, 0.75), is_best=True)
    shown.progress.close()
    assert "done" in shown.words
    assert "0.7500" in shown.words
    assert len(shown.pages) == 2


def test_notes_are_few_and_no_markup():
    shown = Shown()
    for number in range(20):
        shown.seconds += 1
        shown.progress.note(f"{HOSTILE} {number}")
    assert "img" not in shown.pages[-1].elements
    assert shown.words.count("onerror") == 3


def test_a_display_that_fails_does_not_end_the_search():
    def fail(html: str) -> None:
        raise OSError("the browser is gone")

    NotebookProgress(fail).note("goes on")


def test_outside_of_a_notebook_nobody_watches_unless_somebody_does():
    mine = SilentObserver()
    with watched(mine) as observer:
        assert observer is mine
    with watched(None) as observer:
        assert isinstance(observer, SilentObserver)


CELLS = (
    """
import pathlib, time
from autokeras_lite.report.notebook import watched
from autokeras_lite.trial import Cohort, EpochReport, TrainingConfig, TrialSpec
with watched(None) as observer:
    observer.note("begins")
    specs = (TrialSpec(1, "space", "tabular_mlp", {}, TrainingConfig(), 1, "tpe"),)
    observer.cohort_started(Cohort(1, specs, batch_seed=0))
    for epoch in range(3000):
        observer.epoch_finished(EpochReport(1, epoch, 3000, {1: 0.5}, {1: 0.5}, 0.1))
type(observer).__name__
""",
    "import autokeras_lite\nresult = autokeras_lite.load(folder)\nresult",
    "result.plot('history')",
    "watched(None).__enter__() is observer or 'another'",
)


@pytest.mark.slow
def test_a_real_notebook_shows_the_result_and_is_not_flooded(tmp_path, monkeypatch):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    folder = make_search(tmp_path)
    sources = [f"import autokeras_lite.api  # tqdm may warn here\nfolder = {str(folder)!r}", *CELLS]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    _, live, shown, plotted, _ = (cell.outputs for cell in notebook.cells)
    assert [output.output_type for output in live] == ["display_data", "execute_result"]  # one place, updated
    assert "done" in live[0].data["text/html"]
    assert "NotebookProgress" in live[1].data["text/plain"]
    assert "gradient boosting" in shown[0].data["text/html"]
    assert plotted[0].data.keys() & {"application/vnd.plotly.v1+json", "text/html"}
