"""The report at the end of a search: made where there is time, never in the way, and found by who looks for it."""

import os
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from written_searches import write_search

from autokeras_lite.api import load
from autokeras_lite.cli.final import has_report
from autokeras_lite.cli.functions import RealFunctions
from autokeras_lite.cli.main import make_cli
from autokeras_lite.config import Budget
from autokeras_lite.report import page
from autokeras_lite.report.ending import write_at_the_end, write_both
from autokeras_lite.report.model_card import MODEL_CARD_FILE
from autokeras_lite.report.page import REPORT_FILE
from autokeras_lite.search.clock import REPORT_SECONDS, Clock


@pytest.mark.parametrize(
    ("budget", "spent", "is_made"),
    [
        (Budget(trials=3), 5.0, True),
        (Budget(seconds=300.0), 280.0, True),
        (Budget(seconds=300.0), 299.5, False),
        (Budget(seconds=59.0), 10.0, False),
    ],
)
def test_a_time_limit_is_a_promise(tmp_path: Path, budget: Budget, spent: float, is_made: bool) -> None:
    folder, notes = write_search(tmp_path, num_trials=3), list[str]()
    write_at_the_end(folder, budget, spent, notes.append)
    assert ((folder / REPORT_FILE).exists(), (folder / MODEL_CARD_FILE).exists()) == (is_made, is_made)
    assert notes == []


def test_what_goes_wrong_is_one_line_and_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(facts: object) -> str:
        raise RuntimeError("first line\nsecond line")

    monkeypatch.setattr(page, "render_report", fail)
    notes = list[str]()
    write_at_the_end(write_search(tmp_path, num_trials=3), Budget(trials=3), 1.0, notes.append)
    (note,) = notes
    assert "\n" not in note
    assert "RuntimeError): first line second line" in note


def test_a_broken_package_is_one_line_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "autokeras_lite.report.page", None)
    notes = list[str]()
    write_at_the_end(write_search(tmp_path, num_trials=3), Budget(trials=3), 1.0, notes.append)
    assert "ModuleNotFoundError" in notes[0]


def test_time_is_kept_free_for_the_report_but_not_at_the_cost_of_the_model() -> None:
    for limit, kept in ((59.0, 0.0), (300.0, REPORT_SECONDS)):
        clock = Clock(Budget(seconds=limit), started=0.0, now=lambda: 0.0)
        before, fewest = clock.tail_seconds, clock.fewest_tail_seconds
        clock.expect_report()
        assert clock.tail_seconds - before == pytest.approx(kept)
        assert clock.fewest_tail_seconds == pytest.approx(fewest)


def test_a_report_older_than_the_record_is_not_the_report(tmp_path: Path) -> None:
    folder = write_search(tmp_path, num_trials=3)
    assert not has_report(folder)
    written = write_both(folder)
    assert has_report(folder)
    earlier = time.time() - 3600
    os.utime(written, (earlier, earlier))
    assert not has_report(folder)


def test_a_result_writes_its_report(tmp_path: Path) -> None:
    folder = write_search(tmp_path, num_trials=3)
    assert load(folder).report() == folder / REPORT_FILE
    assert (folder / MODEL_CARD_FILE).exists()
    assert load(folder).report(tmp_path / "mine.html") == tmp_path / "mine.html"


@pytest.mark.parametrize("output", [None, "page.html"])
def test_the_command_prints_the_path_and_nothing_else(tmp_path: Path, output: str | None) -> None:
    folder = write_search(tmp_path, num_trials=3)
    words = [] if output is None else ["--output", str(tmp_path / output)]
    outcome = CliRunner().invoke(make_cli(RealFunctions()), ["report", "credit", "--runs-dir", str(tmp_path), *words])
    expected = folder / REPORT_FILE if output is None else tmp_path / output
    assert (outcome.exit_code, outcome.stdout) == (0, f"{expected}\n"), outcome.stderr
    assert expected.exists()
