"""The model card: as recorded, and with names that cannot become Markdown or HTML."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from written_searches import HARMLESS, HOSTILE, Words, write_search

from autokeras_lite.report.facts import read_facts
from autokeras_lite.report.model_card import fenced, plain_markdown, render_model_card, write_model_card

GOLDEN = Path(__file__).parent / "golden" / "model_card.md"


def test_the_card_is_as_recorded(tmp_path: Path) -> None:
    text = write_model_card(write_search(tmp_path)).read_text(encoding="utf-8").replace(str(tmp_path), "/runs")
    if os.environ.get("AKL_UPDATE_GOLDEN") == "1":
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8"), (
        "If the new one is right: AKL_UPDATE_GOLDEN=1 pytest tests/report"
    )


def marks_of(text: str) -> list[str]:
    """Return what Markdown or HTML would make something of, line by line, code blocks apart."""
    without_code = re.sub(r"(?ms)^(`{3,})\w*\n.*?^\1$", "CODE", text)
    return [re.sub(r"\\.", "", line) for line in without_code.splitlines()]


def test_hostile_names_bring_no_marks_into_the_card(tmp_path: Path) -> None:
    texts = []
    for place, words in enumerate((Words.all_from(HOSTILE, "plain"), Words.all_from(HARMLESS, "plain"))):
        texts.append(render_model_card(read_facts(write_search(tmp_path / str(place), words=words))))
    hostile, harmless = (marks_of(text) for text in texts)
    assert len(hostile) == len(harmless)
    for line, expected in zip(hostile, harmless, strict=True):
        assert re.findall(r"[<>\[\]`*_#|!&~]", line) == re.findall(r"[<>\[\]`*_#|!&~]", expected)
        assert not re.search(r"(?i)(https?:|javascript:|www\.)", line)


@given(st.text(max_size=40))
def test_every_mark_is_escaped(text: str) -> None:
    shown = plain_markdown(text)
    assert "\n" not in shown
    assert not re.search(r"[<>\[\]`*_#|!&~@${}]|[A-Za-z]:\S", re.sub(r"\\.", "", shown))
    assert not re.match(r"[-+=]|\d+[.)](\s|$)", shown)


@given(st.text(alphabet="`ab \n", max_size=30))
def test_a_block_of_code_ends_where_it_should(text: str) -> None:
    lines = fenced(text, "sh")
    fence = lines[0].removesuffix("sh")
    assert set(fence) == {"`"}
    assert not [line for line in lines[1:-2] if line.strip().startswith(fence)]


def test_an_interrupted_search_has_a_card_too(tmp_path: Path) -> None:
    text = render_model_card(read_facts(write_search(tmp_path, stopped="interrupted")))
    assert "did not come to its end" in text


@pytest.mark.parametrize("word", ["one of two classes", "MODEL", "pip"])
def test_the_card_says_what_it_predicts_and_names_no_place_of_the_data(tmp_path: Path, word: str) -> None:
    text = render_model_card(read_facts(write_search(tmp_path)))
    assert (word in text) == (word == "one of two classes")
    assert "/data/credit.csv" not in text
