"""What holds for every way of running cohorts, seen with trials that only pretend to train."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from fake_trade import FAKE_TRADE, make_job
from fork_servers import found_by_fork_servers
from small_jobs import SHARE, StubbornError, answer, go_on, raise_a_stubborn_error, raise_an_error, results_of

from autokeras_lite.execution.inline import InlineExecutor
from autokeras_lite.execution.isolated import TRACEBACK_FILE
from autokeras_lite.execution.process import ProcessExecutor
from autokeras_lite.execution.registry import EXECUTORS
from autokeras_lite.trial import Cause, Directive

MAKERS = {
    "process": lambda share: ProcessExecutor(share, has_gpu=False, trade=FAKE_TRADE),
    "inline": lambda share: InlineExecutor(share, FAKE_TRADE),
}


@pytest.fixture(scope="module", autouse=True)
def servers():
    with found_by_fork_servers(Path(__file__).parent):
        yield


@pytest.fixture(params=EXECUTORS)
def opened(request):
    """Open executors by their share, and close them afterwards."""
    several = []

    def open_one(share=SHARE):
        several.append(MAKERS[request.param](share))
        return several[-1]

    yield open_one
    for executor in several:
        executor.close()


def test_every_job_comes_back_once_with_an_outcome_for_each_trial(opened, tmp_path):
    results = results_of(opened(), [make_job(tmp_path, number, lanes=number) for number in (1, 2, 3)])
    assert sorted(result.cohort.number for result in results) == [1, 2, 3]
    for result in results:
        assert [outcome.number for outcome in result.outcomes] == [spec.number for spec in result.cohort.specs]
        assert {outcome.cause for outcome in result.outcomes} == {Cause.OK}


def test_what_is_written_about_a_fault_holds_no_password(opened, tmp_path):
    job = make_job(tmp_path, 1, "fail", lanes=2, error="ValueError", message="no store at mysql://ann:hunter2@db/runs")
    (result,) = results_of(opened(), [job])
    for outcome in result.outcomes:
        assert outcome.cause is Cause.EXCEPTION
        assert outcome.message == "ValueError: no store at mysql://ann:***@db/runs"
        text = (tmp_path / "trials" / f"{outcome.number:04d}" / TRACEBACK_FILE).read_text()
        assert "in fail" in text
        assert "hunter2" not in text


def test_a_fault_of_a_trial_that_can_leave_no_traceback_is_an_outcome_all_the_same(opened, tmp_path):
    (tmp_path / "trials").write_text("a file, where a folder should be")
    (result,) = results_of(opened(), [make_job(tmp_path, 1, "fail", error="ValueError", message="wrong")])
    assert result.outcomes[0].cause is Cause.EXCEPTION


def test_an_allocation_that_fails_is_out_of_memory_and_says_what_to_do(opened, tmp_path):
    job = make_job(tmp_path, 1, "fail", error="MemoryError", message="no room")
    (result,) = results_of(opened(replace(SHARE, bytes_each=512 << 20)), [job])
    assert result.outcomes[0].cause is Cause.OUT_OF_MEMORY_HOST
    assert "512m" in result.outcomes[0].message
    assert "--memory-limit" in result.outcomes[0].message


@pytest.mark.parametrize("own", [False, True], ids=["from the system", "from our own writing"])
def test_a_full_disk_is_not_held_against_the_trial(own, opened, tmp_path):
    (result,) = results_of(opened(), [make_job(tmp_path, 1, "fill disk", own=own)])
    assert result.outcomes[0].cause is Cause.LOST
    assert "disk is full" in result.outcomes[0].message


def test_a_cohort_whose_time_is_over_ends_after_an_epoch_with_a_score(opened, tmp_path):
    job = make_job(tmp_path, 1, lanes=2, epochs=100_000, seconds=0.01)
    (result,) = results_of(opened(replace(SHARE, trial_seconds=0.3)), [job])
    assert [outcome.cause for outcome in result.outcomes] == [Cause.CANCELLED, Cause.CANCELLED]
    assert all(outcome.score is not None for outcome in result.outcomes)


def test_a_cohort_that_waits_at_a_rung_when_its_time_is_over_ends_there(opened, tmp_path):
    job = make_job(tmp_path, 1, epochs=3, seconds=0.3, rung=1)
    (result,) = results_of(opened(replace(SHARE, trial_seconds=0.1)), [job])
    assert result.outcomes[0].cause is Cause.CANCELLED


def test_work_that_was_begun_is_there_when_it_is_asked_for(opened):
    executor = opened()
    first, second = executor.start(answer), executor.start(os.getpid)
    assert first.result() == first.result() == 42
    assert isinstance(second.result(), int)
    assert first.is_done
    assert second.is_done


def test_work_begun_raises_its_error_only_where_it_is_asked_for(opened):
    executor = opened()
    pending = executor.start(raise_an_error)
    for _ in range(2):
        with pytest.raises(ValueError, match="this cannot be done"):
            pending.result()
    assert pending.is_done
    with pytest.raises((RuntimeError, StubbornError), match="one and two"):
        executor.run(raise_a_stubborn_error)


def test_work_takes_no_slot_and_is_found_done_while_cohorts_are_waited_for(opened, tmp_path):
    executor = opened()
    for number in range(executor.slots):
        executor.submit(make_job(tmp_path, number, epochs=10_000, seconds=0.01))
    pending = executor.start(answer)
    while not pending.is_done:
        assert not executor.wait(go_on, 5.0), "it waited for the cohorts"
    assert pending.result() == 42
    for number in range(executor.slots):
        executor.drop(number)


def test_what_cannot_be_sent_is_told_at_once_and_hurts_nothing(opened):
    executor = opened()
    if isinstance(executor, InlineExecutor):
        assert executor.run(lambda: 1) == 1
    else:
        with pytest.raises(Exception, match="pickle"):
            executor.run(lambda: 1)
    assert executor.run(answer) == 42


def test_a_cohort_that_is_dropped_gives_no_result(opened, tmp_path):
    executor = opened()
    executor.submit(make_job(tmp_path, 1, epochs=100_000, seconds=0.01))
    executor.drop(1)
    executor.drop(7)
    (result,) = results_of(executor, [make_job(tmp_path, 2)], lambda report: Directive())
    assert result.cohort.number == 2
    assert executor.wait(go_on, 0.0) == ()
