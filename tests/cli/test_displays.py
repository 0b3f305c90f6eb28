"""What is drawn of a search: the live display, the plain log, the final table."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from golden_files import check_golden
from rich.cells import cell_len
from rich.console import Console
from scripted_search import SUMMARY, TASK, TRUSTED, SetClock, make_cohort, make_overview, make_report, make_spec, play

from autokeras_lite.cli.display import Display
from autokeras_lite.cli.final import Invocation, print_final
from autokeras_lite.cli.plain import QUIET_SECONDS, Detail, PlainLog
from autokeras_lite.cli.progress import Progress
from autokeras_lite.config import Budget
from autokeras_lite.search.observer import Overview
from autokeras_lite.trial import Cause, TrialOutcome

INVOCATION = Invocation(Path("/data/autokeras_lite_runs/adult"))


def advance(clock: SetClock, seconds: float) -> None:
    clock.seconds += seconds


def drawn(until_epoch: int, width: int, height: int = 24, *, colour: bool = False) -> str:
    clock, file = SetClock(), io.StringIO()
    display = Display(PlainLog(lambda line: None), clock)
    play(display, lambda seconds: advance(clock, seconds), until_epoch)
    system = "truecolor" if colour else None
    console = Console(file=file, width=width, height=height, color_system=system, force_terminal=colour)
    console.print(display)
    return file.getvalue()


def log_of(detail: Detail) -> str:
    clock, lines = SetClock(), []
    play(PlainLog(lines.append, detail=detail, now=clock), lambda seconds: advance(clock, seconds))
    return "".join(f"{line}\n" for line in lines)


def final_text(width: int, summary=SUMMARY) -> str:
    file = io.StringIO()
    print_final(Console(file=file, width=width, highlight=False, markup=False), summary, INVOCATION)
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("until_epoch", [0, 14, 20])
def test_the_live_display_is_as_recorded(width: int, until_epoch: int) -> None:
    text = "".join(f"{line.rstrip()}\n" for line in drawn(until_epoch, width).splitlines())
    check_golden(f"display-{width}-{until_epoch}", text)


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_the_live_display_stays_inside_the_terminal(width: int) -> None:
    assert max(cell_len(line) for line in drawn(14, width).splitlines()) <= width


def test_the_live_display_has_colours_only_where_they_are_wanted() -> None:
    assert "\x1b[" in drawn(14, 80, colour=True)
    assert "\x1b[" not in drawn(14, 80)


def test_cohorts_that_do_not_fit_are_counted() -> None:
    clock, file = SetClock(), io.StringIO()
    display = Display(PlainLog(lambda line: None), clock)
    display.search_started(make_overview())
    for number in range(1, 9):
        display.cohort_started(make_cohort(number, range(number, number + 1)))
    console = Console(file=file, width=80, height=13)
    console.print(display)
    assert "and 6 more cohorts" in file.getvalue()


def test_before_the_data_are_read_the_display_says_so() -> None:
    file = io.StringIO()
    Console(file=file, width=80).print(Display(PlainLog(lambda line: None)))
    assert file.getvalue() == "Reading the data ...\n"


@pytest.mark.parametrize("detail", Detail)
def test_the_plain_log_is_as_recorded(detail: Detail) -> None:
    check_golden(f"log-{detail.name.lower()}", log_of(detail))


def test_the_log_speaks_up_only_after_half_a_minute_of_silence() -> None:
    clock, lines = SetClock(), []
    log = PlainLog(lines.append, now=clock)
    log.search_started(make_overview())
    cohort = make_cohort(1, range(1, 3))
    log.cohort_started(cohort)
    del lines[:]
    clock.seconds += QUIET_SECONDS - 1
    log.epoch_finished(make_report(cohort, 1, 0.8))
    assert lines == []
    clock.seconds += 1
    log.epoch_finished(make_report(cohort, 2, 0.85))
    assert lines == ["   0:30  0 trials done, 2 training, best in training roc_auc 0.8500"]


def test_after_some_failures_the_rest_are_only_counted() -> None:
    lines: list[str] = []
    log = PlainLog(lines.append, detail=Detail.NOTES)
    for number in range(1, 10):
        cohort = make_cohort(number, range(number, number + 1))
        outcome = TrialOutcome(number, Cause.DIVERGED, message="The loss became NaN.")
        log.trial_finished(cohort.specs[0], outcome, is_best=False)
    assert [line.split()[1] for line in lines] == ["trial", "trial", "trial", "more"]


@pytest.mark.parametrize("width", [80, 200])
def test_the_final_table_is_as_recorded(width: int) -> None:
    check_golden(f"final-{width}", final_text(width))


@pytest.mark.parametrize("width", [80, 200])
def test_the_final_table_of_an_ensemble_says_what_it_is_made_of_and_what_to_expect(width: int) -> None:
    check_golden(f"final-trusted-{width}", final_text(width, TRUSTED))


def test_commands_are_never_broken_over_lines() -> None:
    assert "  autokeras-lite predict adult new.csv -o predictions.csv\n" in final_text(40)


def test_a_score_to_minimize_ranks_the_lowest_first() -> None:
    best = replace(SUMMARY.best, validation_score=2.0)
    scores = {"constant": 5.0, "linear": 3.0, "gradient_boosting": None}
    summary = replace(SUMMARY, metric="rmse", direction="minimize", best=best, baselines=scores)
    text = final_text(80, summary).splitlines()
    assert [line.split() for line in text[2:6]] == [
        ["best", "network", "2.0000"],
        ["linear", "3.0000", "1.0000", "behind"],
        ["constant", "5.0000", "3.0000", "behind"],
        ["gradient", "boosting", "-"],
    ]


def test_names_with_markup_are_printed_as_they_are() -> None:
    text = final_text(80, replace(SUMMARY, name="a[bold]b", notes=("[red]note[/red]",)))
    assert "a[bold]b: binary" in text
    assert "[red]note[/red]" in text


@pytest.mark.parametrize(
    ("budget", "expected"),
    [(Budget(seconds=100.0), 0.3), (Budget(trials=4), 0.25), (Budget(trials=4, seconds=100.0), 0.3)],
)
def test_the_bar_shows_the_part_of_the_budget_that_is_nearer_to_its_end(budget: Budget, expected: float) -> None:
    progress = Progress()
    progress.search_started(make_overview(budget))
    cohort = make_cohort(1, range(1, 2))
    progress.cohort_started(cohort)
    progress.trial_finished(cohort.specs[0], TrialOutcome(1, Cause.OK, 0.9), is_best=True)
    assert progress.spent(1030.0) == pytest.approx(expected)


def test_a_failed_trial_does_not_count_for_the_budget() -> None:
    progress = Progress()
    progress.search_started(make_overview(Budget(trials=4)))
    progress.trial_finished(make_spec(1), TrialOutcome(1, Cause.DIVERGED), is_best=False)
    assert (progress.num_finished, progress.spent(1001.0)) == (1, 0.0)


def test_the_curve_of_a_cohort_follows_the_direction_of_the_metric() -> None:
    progress = Progress()
    progress.search_started(make_overview(task=replace(TASK, metric="log_loss", direction="minimize")))
    cohort = make_cohort(1, range(1, 4))
    progress.cohort_started(cohort)
    progress.epoch_finished(make_report(cohort, 1, 0.5))
    assert progress.cohorts[1].best_scores == [pytest.approx(0.48)]


def test_a_cohort_is_followed_until_its_last_trial_has_ended() -> None:
    progress = Progress()
    cohort = make_cohort(1, range(1, 3))
    progress.cohort_started(cohort)
    progress.trial_finished(cohort.specs[0], TrialOutcome(1, Cause.OK, 0.9), is_best=True)
    assert list(progress.cohorts) == [1]
    progress.trial_finished(cohort.specs[1], TrialOutcome(2, Cause.OK, 0.8), is_best=False)
    assert list(progress.cohorts) == []


STOPPING = "Stopping: the best model is being saved; press Ctrl-C again to stop at once."


@pytest.mark.parametrize("detail", Detail)
def test_the_log_says_once_why_no_new_trial_begins(detail: Detail) -> None:
    lines: list[str] = []
    log = PlainLog(lines.append, detail=detail)
    log.stopping(STOPPING)
    log.stopping(STOPPING)
    assert lines == [f"   0:00  {STOPPING}"]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_live_display_says_why_no_new_trial_begins_and_stays_inside_the_terminal(width: int) -> None:
    clock, file = SetClock(), io.StringIO()
    display = Display(PlainLog(lambda line: None), clock)
    display.search_started(make_overview())
    for number in range(1, 20):
        display.cohort_started(make_cohort(number, range(number, number + 1)))
    display.stopping(STOPPING)
    Console(file=file, width=width, height=24).print(display)
    assert " ".join(file.getvalue().split()).count(STOPPING) == 1
    assert len(file.getvalue().splitlines()) <= 24


def test_attempts_that_are_made_again_are_told_a_few_times() -> None:
    lines: list[str] = []
    log = PlainLog(lines.append)
    for number in range(1, 10):
        outcome = TrialOutcome(number, Cause.SIGNAL, message="Its process was ended by signal 11.")
        log.attempt_failed(make_cohort(number, range(1, 5)), outcome, "its 4 trials are trained one by one")
    assert len(lines) == 3
    assert lines[0].strip() == (
        "0:00  cohort 1 failed, SIGNAL: Its process was ended by signal 11.; its 4 trials are trained one by one"
    )


def test_a_cohort_whose_trials_are_tried_again_is_followed_no_longer() -> None:
    progress = Progress()
    cohort = make_cohort(1, range(1, 5))
    progress.cohort_started(cohort)
    progress.attempt_failed(cohort, TrialOutcome(1, Cause.SIGNAL), "its 4 trials are trained one by one")
    assert (progress.num_training, progress.num_finished) == (0, 0)


RESUMED = replace(make_overview(Budget(trials=40, seconds=600.0)), resumed=12, earlier_seconds=200.0)


def test_a_resumed_search_goes_on_counting_its_time_and_its_trials() -> None:
    progress = Progress()
    progress.search_started(RESUMED)
    progress.trial_finished(make_spec(13), TrialOutcome(13, Cause.OK, 0.9), is_best=True)
    assert (progress.elapsed_seconds(1100.0), progress.num_counted) == (300.0, 13)
    assert progress.spent(1100.0) == pytest.approx(0.5)


def test_the_live_display_of_a_resumed_search_counts_what_is_taken_over_first() -> None:
    display, file = Display(PlainLog(lambda line: None), SetClock()), io.StringIO()
    display.search_started(RESUMED)
    display.trial_finished(make_spec(13), TrialOutcome(13, Cause.OK, 0.9), is_best=True)
    Console(file=file, width=80).print(display)
    assert "12 taken over, 1 completed, 0 pruned, 0 failed" in file.getvalue()


@pytest.mark.parametrize(
    ("overview", "expected"),
    [
        (RESUMED, "resumed: 12 trials were finished, 3:20 of 10:00 used"),
        (replace(RESUMED, resumed=1, budget=Budget(trials=4)), "resumed: 1 trial was finished, 3:20 used"),
    ],
)
def test_the_log_says_what_a_resumed_search_takes_over(overview: Overview, expected: str) -> None:
    clock, lines = SetClock(), []
    PlainLog(lines.append, now=clock).search_started(overview)
    assert lines[-1] == f"   3:20  {expected}"
