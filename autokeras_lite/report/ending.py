"""The report and the card of a search: both at once, and at its end where there is time for them."""

import time
from collections.abc import Callable
from pathlib import Path

from autokeras_lite.config import Budget
from autokeras_lite.search.clock import REPORT_SECONDS, SHORTEST_WITH_REPORT_SECONDS

_SECONDS_OF_A_TRIAL = 0.003


def write_both(folder: Path) -> Path:
    """Write the report and the model card of a search into its folder; return the path of the report.

    Raises:
        ArtifactError: there is no search, nothing of it can be told yet, or a record is damaged.
        StorageError: a file cannot be written.
    """
    # Loaded late, so that a package that is missing or broken ends no search either.
    from autokeras_lite.report.facts import read_facts
    from autokeras_lite.report.model_card import MODEL_CARD_FILE, render_model_card
    from autokeras_lite.report.page import REPORT_FILE, render_report, write_text

    facts = read_facts(folder)
    write_text(facts.folder / MODEL_CARD_FILE, render_model_card(facts))
    write_text(facts.folder / REPORT_FILE, render_report(facts))
    return facts.folder / REPORT_FILE


def write_at_the_end(folder: Path, budget: Budget, spent_seconds: float, note: Callable[[str], None]) -> None:
    """Write the report and the card of a search that has spent so many seconds of its budget, if it has time for them.

    A time limit is a promise: without room for them, or with a limit below a minute, there are none until somebody asks
    for them. What goes wrong is told to `note` in one line and does not end the search.
    """
    left = None if budget.seconds is None else budget.seconds - spent_seconds
    if budget.seconds is not None and budget.seconds < SHORTEST_WITH_REPORT_SECONDS:
        return
    if left is not None and left < _expected_seconds(folder):
        return
    started = time.monotonic()
    try:
        write_both(folder)
    except Exception as error:  # noqa: BLE001 - the search is over and its result is safe
        reason = " ".join(str(error).split()) or "no reason was given"
        took = time.monotonic() - started
        note(f"The report was not written, after {took:.1f} s ({type(error).__name__}): {reason}")


def _expected_seconds(folder: Path) -> float:
    return REPORT_SECONDS + _SECONDS_OF_A_TRIAL * sum(1 for _ in (folder / "trials").glob("*"))
