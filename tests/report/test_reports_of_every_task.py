"""The report and the card of every kind of task, of a search that has no model yet, and of one that is damaged."""

from pathlib import Path

import pytest
from made_searches import make_search

from autokeras_lite.report.ending import write_both
from autokeras_lite.report.model_card import MODEL_CARD_FILE

ASKED = {
    "binary": ("one of two classes", "Class by class"),
    "multiclass": ("one of several classes", "Class by class"),
    "many_classes": ("one of several classes", "more classes are rarer"),
    "multilabel": ("several labels", "Class by class"),
    "regression": ("a number", "The worst rows"),
    "images": ("one of several classes", "The worst images"),
    "tokens": ("one of several classes", "Its tokens"),
    "sequences": ("one of several classes", "Its first channels"),
    "forecast": ("a number", "Single forecasts"),
}


@pytest.mark.parametrize("kind", ASKED)
@pytest.mark.parametrize("is_finished", [True, False], ids=["finished", "unfinished"])
def test_every_task_has_its_report(tmp_path: Path, kind: str, is_finished: bool) -> None:
    page = write_both(make_search(tmp_path, kind, is_finished=is_finished)).read_text(encoding="utf-8")
    card = page_card(tmp_path / kind)
    said, shown = ASKED[kind]
    assert said in card
    assert shown in page
    assert "cannot be drawn" not in page
    assert ("The search has not ended" in page) is not is_finished


def page_card(folder: Path) -> str:
    return (folder / MODEL_CARD_FILE).read_text(encoding="utf-8")


@pytest.mark.parametrize("num_scored", [0, 1])
def test_a_search_with_next_to_nothing_has_a_report(tmp_path: Path, num_scored: int) -> None:
    folder = make_search(tmp_path, num_trials=2, num_scored=num_scored, has_model=False, is_finished=False)
    assert "Leaderboard" in write_both(folder).read_text(encoding="utf-8")


def test_a_damaged_model_file_costs_only_its_picture(tmp_path: Path) -> None:
    folder = make_search(tmp_path)
    (folder / "artifact" / "model.keras").write_bytes(b"PK damaged")
    page = write_both(folder).read_text(encoding="utf-8")
    assert "cannot be read" in page
    assert "Its layers as a list" not in page
