import os
import signal
import time
from dataclasses import replace

import psutil
import pytest
from small_jobs import (
    MACHINE,
    SHARE,
    SMALL,
    WRONG,
    answer,
    is_untouched,
    leave,
    make_job,
    raise_a_stubborn_error,
    raise_an_error,
    results_of,
)

from autokeras_lite.config import Execution
from autokeras_lite.execution.isolated import TRACEBACK_FILE
from autokeras_lite.execution.machine import Share
from autokeras_lite.execution.process import ProcessExecutor
from autokeras_lite.execution.registry import EXECUTORS, open_executor
from autokeras_lite.trial import Cause, Directive

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=EXECUTORS)
def executor(request):
    opened = EXECUTORS[request.param](SHARE, MACHINE)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def process():
    opened = ProcessExecutor(SHARE, has_gpu=False)
    yield opened
    opened.close()


def children() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


def test_every_job_comes_back_once_with_an_outcome_for_each_trial(executor, tmp_path):
    jobs = [make_job(tmp_path, number, configs=(SMALL,) * number) for number in (1, 2, 3)]
    results = results_of(executor, jobs)
    assert sorted(result.cohort.number for result in results) == [1, 2, 3]
    for result in results:
        assert [outcome.number for outcome in result.outcomes] == [spec.number for spec in result.cohort.specs]
        for outcome in result.outcomes:
            assert outcome.cause is Cause.OK
            assert 0.0 <= outcome.score <= 1.0
            assert (tmp_path / "trials" / f"{outcome.number:04d}" / "weights-0.npz").exists()
    assert executor.wait(lambda report: Directive(), 0.0) == ()


def test_what_goes_wrong_in_a_trial_is_an_outcome_with_its_traceback_on_disk(executor, tmp_path):
    wrong, right = make_job(tmp_path, 1, configs=(WRONG, WRONG)), make_job(tmp_path, 2)
    results = {result.cohort.number: result for result in results_of(executor, [wrong, right])}
    assert [outcome.number for outcome in results[1].outcomes] == [10, 11]
    for outcome in results[1].outcomes:
        assert outcome.cause is Cause.EXCEPTION
        assert outcome.score is None
        assert "TypeError" in outcome.message
        assert "dephts" in outcome.message
        assert "Traceback" in (tmp_path / "trials" / f"{outcome.number:04d}" / TRACEBACK_FILE).read_text()
    assert results[2].outcomes[0].cause is Cause.OK


def test_a_rung_is_answered_before_the_cohort_goes_on(executor, tmp_path):
    heard = []

    def stop_the_first_at_the_rung(report):
        heard.append((report.epoch, report.rung, sorted(report.scores)))
        if report.rung is not None:
            time.sleep(0.3)  # whoever does not wait is epochs further by then
        return Directive(prune=frozenset({10}) if report.rung == 0 else frozenset())

    job = make_job(tmp_path, 1, configs=(SMALL, SMALL), epochs=6, rungs=(2, 4))
    (result,) = results_of(executor, [job], stop_the_first_at_the_rung)
    assert [outcome.cause for outcome in result.outcomes] == [Cause.PRUNED, Cause.OK]
    assert [outcome.epochs for outcome in result.outcomes] == [2, 6]
    assert all(outcome.score is not None for outcome in result.outcomes)
    rungs = [(epoch, rung) for epoch, rung, _ in heard if rung is not None]
    assert rungs == [(2, 0), (4, 1)]
    assert [numbers for epoch, _, numbers in heard if epoch == 3] == [[11]]


def test_a_cohort_that_is_cancelled_ends_early_with_what_it_has(executor, tmp_path):
    job = make_job(tmp_path, 1, configs=(SMALL, SMALL), epochs=100_000)
    (result,) = results_of(executor, [job], lambda report: Directive(cancel=report.epoch >= 3))
    for outcome in result.outcomes:
        assert outcome.cause is Cause.CANCELLED
        assert outcome.score is not None
        assert 3 <= outcome.epochs < 100_000


def test_work_returns_its_value_or_raises_its_error_here(executor):
    assert executor.run(answer) == 42
    with pytest.raises(ValueError, match="this cannot be done"):
        executor.run(raise_an_error)
    assert executor.run(answer) == 42


def test_a_cohort_that_is_dropped_gives_no_result_and_the_next_one_does(executor, tmp_path):
    dropped, kept = make_job(tmp_path / "dropped", 1), make_job(tmp_path / "kept", 2)
    executor.submit(dropped)
    executor.drop(1)
    executor.submit(kept)
    results = []
    while not results:
        results += executor.wait(lambda report: Directive(), 1.0)
    assert [result.cohort.number for result in results] == [2]


def test_an_executor_that_is_closed_leaves_nothing_running(executor, tmp_path):
    executor.run(answer)
    before = children()
    opened = type(executor)(SHARE, **({"has_gpu": False} if isinstance(executor, ProcessExecutor) else {}))
    for number in range(1, opened.slots + 1):
        opened.submit(make_job(tmp_path, number, epochs=100_000))
    opened.wait(lambda report: Directive(cancel=True), 0.5)
    opened.close()
    assert children() <= before


def test_an_error_raised_in_a_child_tells_where_it_was_raised(process):
    with pytest.raises(ValueError, match="cannot be done") as caught:
        process.run(raise_an_error)
    assert "in raise_an_error" in caught.value.__notes__[0]


def test_an_error_that_cannot_travel_is_told_in_words(process):
    with pytest.raises(RuntimeError, match="StubbornError: one and two"):
        process.run(raise_a_stubborn_error)


def test_work_whose_child_dies_is_an_error_and_not_a_wait(process):
    with pytest.raises(RuntimeError, match="ended with code 3"):
        process.run(leave)
    assert process.run(answer) == 42


def test_a_child_that_is_killed_leaves_outcomes_and_the_executor_goes_on(process, tmp_path):
    process.run(answer)
    before = children()

    def kill(report):
        for child in children() - before:
            child.send_signal(signal.SIGKILL)
        return Directive()

    (result,) = results_of(process, [make_job(tmp_path, 1, configs=(SMALL, SMALL), epochs=100_000)], kill)
    assert [outcome.cause for outcome in result.outcomes] == [Cause.LOST, Cause.LOST]
    assert "SIGKILL" in result.outcomes[0].message
    (result,) = results_of(process, [make_job(tmp_path, 2)])
    assert result.outcomes[0].cause is Cause.OK


def test_a_cohort_goes_on_from_its_checkpoint(executor, tmp_path):
    from autokeras_lite.training.cohort import TrainingJob, train_cohort

    def stop_at_the_third(report):
        if report.epoch == 3:
            raise KeyboardInterrupt
        return Directive()

    job = replace(make_job(tmp_path, 1, epochs=5), checkpoint_folder=tmp_path / "checkpoints")
    before = TrainingJob(job.cohort, job.task, job.data_folder, job.trials_folder, 1 << 30, job.checkpoint_folder)
    with pytest.raises(KeyboardInterrupt):
        train_cohort(before, stop_at_the_third, checkpoint_seconds=0.0)
    heard = []

    def listen(report):
        heard.append(report.epoch)
        return Directive()

    (result,) = results_of(executor, [job], listen)
    assert result.outcomes[0].cause is Cause.OK
    assert result.outcomes[0].epochs == 5
    assert 1 not in heard


def test_a_tensor_that_does_not_fit_is_out_of_memory_and_the_next_cohort_trains(tmp_path):
    executor = ProcessExecutor(replace(SHARE, bytes_each=300 << 20), has_gpu=False)
    try:
        jobs = [make_job(tmp_path, 1, configs=({"depth": 2, "width": 20_000},)), make_job(tmp_path, 2)]
        results = {result.cohort.number: result.outcomes[0] for result in results_of(executor, jobs)}
    finally:
        executor.close()
    assert results[1].cause is Cause.OUT_OF_MEMORY_HOST
    assert "--memory-limit" in results[1].message
    assert results[2].cause is Cause.OK


def test_children_find_tensorflow_loaded_but_not_in_use(process):
    assert process.run(is_untouched)


def test_each_piece_of_work_has_a_child_of_its_own(process):
    assert len({process.run(os.getpid) for _ in range(3)} | {os.getpid()}) == 4


def test_beside_a_gpu_one_warm_child_does_everything_and_is_replaced_when_it_dies(tmp_path):
    executor = ProcessExecutor(Share(workers=1, threads=1, bytes_each=1 << 30), has_gpu=True)
    try:
        (result,) = results_of(executor, [make_job(tmp_path, 1)])
        assert result.outcomes[0].cause is Cause.OK
        first = executor.run(os.getpid)
        assert executor.run(os.getpid) == first
        psutil.Process(first).kill()
        (result,) = results_of(executor, [make_job(tmp_path, 2)])
        assert result.outcomes[0].cause in (Cause.OK, Cause.LOST)
        assert executor.run(os.getpid) != first
    finally:
        executor.close()


@pytest.mark.parametrize("name", EXECUTORS)
def test_an_executor_is_opened_by_its_name(name):
    executor = open_executor(Execution(name, workers=1))
    try:
        assert executor.slots == 1
        assert executor.run(answer) == 42
    finally:
        executor.close()
