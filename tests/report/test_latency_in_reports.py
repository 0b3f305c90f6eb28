"""How long the model predicts: on the page, on the card, in a notebook and where a search ends; or nowhere."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from written_searches import write_search

from autokeras_lite.artifact.latency import Latency
from autokeras_lite.cli.final import Invocation, print_final
from autokeras_lite.report.best_model import describe_best_model
from autokeras_lite.report.facts import Facts, read_facts
from autokeras_lite.report.model_card import render_model_card
from autokeras_lite.report.notebook import summary_html

LATENCY = Latency(0.00823, 0.0314, 1000, "GPU <b>fast_one</b>")
PLACES = ("page", "card", "notebook", "terminal")


def told(facts: Facts, place: str) -> str:
    if place == "page":
        best = describe_best_model(facts)
        assert best is not None
        return "\n".join(f"{fact.name}: {fact.value} {fact.note}" for fact in best.facts)
    if place == "card":
        return render_model_card(facts)
    if place == "notebook":
        return summary_html(facts.summary, pd.DataFrame())
    printed = StringIO()
    print_final(Console(file=printed, width=200), facts.summary, Invocation(facts.folder))
    return printed.getvalue()


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    return read_facts(Path(write_search(tmp_path_factory.mktemp("runs"))))


def timed(facts: Facts, **changes: object) -> Facts:
    return replace(facts, summary=replace(facts.summary, latency=replace(LATENCY, **changes)))


@pytest.mark.parametrize("place", PLACES)
def test_it_is_told_with_batch_and_device_only_where_it_was_measured(facts: Facts, place: str) -> None:
    assert "8.23 ms" not in told(facts, place)
    text = told(timed(facts), place)
    assert all(part in text for part in ("8.23 ms", "31.4 ms", "1,000", "GPU"))
    assert "at most" not in text
    assert "at most" in told(timed(facts, beside_training=True), place)


@pytest.mark.parametrize("place", PLACES)
def test_no_batch_is_told_where_none_was_measured(facts: Facts, place: str) -> None:
    text = told(timed(facts, batch_rows=1), place)
    assert "8.23 ms" in text
    assert "31.4 ms" not in text


def test_the_name_of_a_device_brings_no_marks(facts: Facts) -> None:
    assert "<b>" not in told(timed(facts), "card").replace("\\<b\\>", "")
    assert "<b>" not in told(timed(facts), "notebook")
