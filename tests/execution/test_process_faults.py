"""What becomes of real children to which the worst happens; they only pretend to train."""

import multiprocessing
import resource
import signal
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil
import pytest
from fake_trade import FAKE_TRADE, MEGABYTE, make_job
from fork_servers import fork_server, found_by_fork_servers, kill_fork_server, wait_until_gone
from small_jobs import SHARE, answer, be_killed_once, go_on, leave, results_of, say_and_pause

from autokeras_lite.execution.process import ProcessExecutor
from autokeras_lite.trial import Cause, Directive

LIMIT = 200 * MEGABYTE
GRACE_SECONDS = 0.2


@pytest.fixture(scope="module", autouse=True)
def servers():
    with found_by_fork_servers(Path(__file__).parent):
        yield


@pytest.fixture
def opened():
    several = []

    def open_one(**changes):
        share = replace(SHARE, bytes_each=LIMIT, **changes)
        several.append(ProcessExecutor(share, has_gpu=False, trade=FAKE_TRADE, grace_seconds=GRACE_SECONDS))
        return several[-1]

    yield open_one
    for executor in several:
        executor.close()


def children() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


def outcome_of(executor, job):
    """Run one job, and see that another works after it."""
    results = results_of(executor, [job])
    assert [result.cohort for result in results] == [job.cohort]
    (after,) = results_of(executor, [make_job(job.data_folder.parent, 99)])
    assert after.outcomes[0].cause is Cause.OK
    (result,) = results
    return result.outcomes[0]


@pytest.mark.parametrize(
    ("deed", "arguments", "cause", "said"),
    [
        ("crash", {}, Cause.SIGNAL, "SIGSEGV"),
        ("abort", {}, Cause.SIGNAL, "SIGABRT"),
        ("signal itself", {"signal_number": int(signal.SIGFPE)}, Cause.SIGNAL, "SIGFPE"),
        ("signal itself", {"signal_number": int(signal.SIGRTMIN) + 1}, Cause.SIGNAL, "signal 3"),
        ("signal itself", {"signal_number": int(signal.SIGKILL)}, Cause.LOST, "SIGKILL"),
        ("leave", {}, Cause.LOST, "code 3"),
    ],
)
def test_a_child_that_ends_without_a_result_gives_an_outcome_that_says_how(
    deed, arguments, cause, said, opened, tmp_path
):
    outcome = outcome_of(opened(), make_job(tmp_path, 1, deed, **arguments))
    assert outcome.cause is cause
    assert said in outcome.message


def test_a_child_that_hangs_and_ignores_sigterm_is_killed_when_its_time_is_over(opened, tmp_path):
    outcome = outcome_of(opened(trial_seconds=0.3), make_job(tmp_path, 1, "hang"))
    assert outcome.cause is Cause.TIMEOUT
    assert "0.3 seconds" in outcome.message
    assert "--trial-time-limit" in outcome.message


def test_a_child_leaves_sigterm_to_the_driver(opened, tmp_path):
    executor, before, told = opened(), children(), []

    def terminate(report):
        told.extend(child for child in children() - before if child != fork_server())
        for child in told:
            child.terminate()
        return Directive(cancel=True)

    (result,) = results_of(executor, [make_job(tmp_path, 1, epochs=100_000, seconds=0.01)], terminate)
    assert told
    assert result.outcomes[0].cause is Cause.CANCELLED


@pytest.mark.parametrize(("num_kills", "cause"), [(3, Cause.LOST), (4, Cause.OUT_OF_MEMORY_HOST)])
def test_a_child_that_the_kernel_ends_for_want_of_memory_was_out_of_memory(num_kills, cause, tmp_path):
    events = tmp_path / "sys/fs/cgroup/memory.events"
    for file, text in ((tmp_path / "proc/self/cgroup", "0::/"), (events, "oom_kill 3")):
        file.parent.mkdir(parents=True)
        file.write_text(text)
    executor, before = ProcessExecutor(SHARE, has_gpu=False, trade=FAKE_TRADE, root=tmp_path), children()

    def kill(report):
        events.write_text(f"oom_kill {num_kills}")
        for child in children() - before - {fork_server()}:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        return go_on(report)

    try:
        (result,) = results_of(executor, [make_job(tmp_path, 1, epochs=100_000, seconds=0.01)], kill)
    finally:
        executor.close()
    assert result.outcomes[0].cause is cause


def test_a_cohort_may_be_dropped_while_another_is_heard(opened, tmp_path):
    executor = opened()
    for number in (1, 2):
        executor.submit(make_job(tmp_path, number, epochs=3, seconds=0.01))
    time.sleep(1.0)  # Both have something to say.

    def drop_the_other(report):
        executor.drop(3 - report.cohort)
        return go_on(report)

    results = []
    while not results:
        results += executor.wait(drop_the_other, 5.0)
    assert [result.outcomes[0].cause for result in results] == [Cause.OK]
    assert executor.wait(go_on, 0.0) == ()


def test_a_child_that_is_stopped_for_longer_than_its_time_is_killed(opened, tmp_path):
    job = make_job(tmp_path, 1, "signal itself", signal_number=int(signal.SIGSTOP))
    assert outcome_of(opened(trial_seconds=0.3), job).cause is Cause.TIMEOUT


def test_a_child_that_is_stopped_and_goes_on_gives_one_result(opened, tmp_path):
    executor, before, stopped = opened(), children(), []

    def stop_once(report):
        if not stopped:
            stopped.extend(child for child in children() - before if child != fork_server())
            for child in stopped:
                child.suspend()
            threading.Timer(0.5, lambda: [child.resume() for child in stopped]).start()
        return go_on(report)

    (result,) = results_of(executor, [make_job(tmp_path, 1, epochs=20, seconds=0.02)], stop_once)
    assert stopped
    assert result.outcomes[0].cause is Cause.OK
    assert executor.wait(go_on, 0.2) == ()


def test_time_is_kept_while_the_driver_does_something_else(opened, tmp_path):
    executor, before = opened(trial_seconds=0.1), children()
    executor.submit(make_job(tmp_path, 1, "hang in native code"))
    wait_until_gone([child for child in children() - before if child != fork_server()])
    (result,) = executor.wait(go_on, 20.0)
    assert result.outcomes[0].cause is Cause.TIMEOUT


def test_the_time_of_one_cohort_does_not_touch_the_others(opened, tmp_path):
    executor = opened(trial_seconds=1.0)
    short = [make_job(tmp_path, number, epochs=10, seconds=0.02) for number in (2, 3, 4)]
    results = results_of(executor, [make_job(tmp_path, 1, "hang"), *short])
    causes = {result.cohort.number: result.outcomes[0].cause for result in results}
    assert causes == {1: Cause.TIMEOUT, 2: Cause.OK, 3: Cause.OK, 4: Cause.OK}


@pytest.mark.parametrize(
    "arguments",
    [
        {"step": 1, "seconds": 0.002},
        {"step": 100},
        {"step": 1, "seconds": 0.002, "lift": True},
    ],
    ids=["slowly", "fast", "slowly past the soft limit"],
)
def test_memory_goes_no_more_than_a_tenth_beyond_the_limit(arguments, opened, tmp_path):
    outcome = outcome_of(opened(), make_job(tmp_path, 1, "take", megabytes=1000, **arguments))
    assert outcome.cause is Cause.OUT_OF_MEMORY_HOST
    assert "200m" in outcome.message
    assert "--memory-limit" in outcome.message
    assert ("MemoryError" in outcome.message) is ("lift" not in arguments)
    taken = int((tmp_path / "trials" / "taken").read_text().split()[-1])
    assert 0.4 * LIMIT <= taken * MEGABYTE <= 1.1 * LIMIT


def test_what_the_libraries_take_is_not_held_against_a_trial(opened, tmp_path):
    """Nor does it count what was in the fork server: a limit below that would fail every trial."""
    assert psutil.Process().memory_info().rss > 50 * MEGABYTE
    executor = opened()
    job = make_job(tmp_path, 1, "take", megabytes=190, step=10, seconds=0.02)
    assert outcome_of(executor, job).cause is Cause.OK


def test_a_child_that_breaks_down_near_its_limit_was_out_of_memory(opened, tmp_path):
    near, far = (make_job(tmp_path, 1, "take and abort", megabytes=megabytes) for megabytes in (190, 100))
    assert outcome_of(opened(), near).cause is Cause.OUT_OF_MEMORY_HOST
    assert outcome_of(opened(), far).cause is Cause.SIGNAL


def test_cohorts_are_lost_with_the_fork_server_and_the_next_one_starts_another(opened, tmp_path):
    executor = opened()
    for number in (1, 2):
        executor.submit(make_job(tmp_path, number, "hang in native code"))
    first = fork_server()
    kill_fork_server()
    results = []
    while len(results) < 2:
        results += executor.wait(go_on, 5.0)
    assert [result.outcomes[0].cause for result in results] == [Cause.LOST, Cause.LOST]
    assert outcome_of(executor, make_job(tmp_path, 3)).cause is Cause.OK
    assert fork_server() != first


def test_the_fork_server_leaves_sigterm_to_the_driver(opened):
    executor = opened()
    assert executor.run(answer) == 42
    server = fork_server()
    server.terminate()
    assert executor.run(answer) == 42
    assert fork_server() == server


def test_children_of_others_get_the_signals_of_any_process_from_our_fork_server(opened):
    assert opened().run(answer) == 42
    others = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(1, mp_context=others) as pool:
        assert pool.submit(signal.getsignal, signal.SIGINT).result() is signal.default_int_handler
    ours, theirs = others.Pipe()
    process = others.Process(target=say_and_pause, args=(theirs,), daemon=True)
    process.start()
    assert ours.recv() == "here"
    process.terminate()
    process.join(20.0)
    try:
        assert process.exitcode == -signal.SIGTERM
    finally:
        process.kill()


def test_an_executor_becomes_ready_and_hides_the_callers_script_no_longer_than_it_is_made(opened):
    main = sys.modules["__main__"]
    executor = opened()
    assert sys.modules["__main__"] is main
    assert executor.is_ready(60.0)
    assert executor.run(answer) == 42
    assert sys.modules["__main__"] is main


def test_a_fork_server_that_cannot_be_started_at_first_is_started_by_the_thread_that_needs_it(opened, monkeypatch):
    """A server that another thread starts ends with that thread."""
    if fork_server() is not None:
        kill_fork_server()
    start, spawn, threads = (multiprocessing.forkserver.ensure_running, multiprocessing.util.spawnv_passfds, [])

    def fail():
        monkeypatch.setattr(multiprocessing.forkserver, "ensure_running", start)
        raise OSError("not now")

    def note_thread(*arguments):
        threads.append(threading.current_thread())
        return spawn(*arguments)

    monkeypatch.setattr(multiprocessing.forkserver, "ensure_running", fail)
    monkeypatch.setattr(multiprocessing.util, "spawnv_passfds", note_thread)
    executor = opened()
    assert executor.is_ready(60.0)
    assert executor.run(answer) == 42
    server = fork_server()
    assert executor.run(answer) == 42
    assert fork_server() == server
    assert set(threads) == {threading.current_thread()}


def test_work_whose_child_dies_is_an_error_and_not_a_wait(opened):
    executor = opened()
    pending = executor.start(leave)
    while not pending.is_done:
        executor.wait(go_on, 5.0)
    with pytest.raises(RuntimeError, match="ended with code 3"):
        pending.result()
    assert executor.run(answer) == 42


def test_work_that_is_not_done_when_the_executor_is_closed_is_an_error_and_leaves_no_child(opened):
    executor = opened()
    executor.run(answer)
    before = children()
    pending = executor.start(signal.pause)
    executor.close()
    with pytest.raises(RuntimeError, match="closed"):
        pending.result()
    assert children() <= before


@pytest.mark.slow
def test_where_no_process_can_be_started_every_job_comes_back_and_says_so(opened, tmp_path):
    executor = opened()
    assert executor.run(answer) == 42
    few, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (psutil.Process().num_fds() + 2, most))
    try:
        executor.submit(make_job(tmp_path, 1, lanes=2))
        pending = executor.start(answer)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (few, most))
    (result,) = executor.wait(go_on, 5.0)
    assert [outcome.cause for outcome in result.outcomes] == [Cause.LOST, Cause.LOST]
    assert "Too many open files" in result.outcomes[0].message
    with pytest.raises(RuntimeError, match="No process could be started"):
        pending.result()
    assert outcome_of(executor, make_job(tmp_path, 2)).cause is Cause.OK


@pytest.mark.slow
def test_executors_that_were_closed_leave_no_descriptor_and_no_thread(opened, tmp_path):
    counts = []
    for number in range(20):
        executor = opened(trial_seconds=60.0)
        executor.start(signal.pause)
        results_of(executor, [make_job(tmp_path, number), make_job(tmp_path, 100 + number, "crash")])
        executor.close()
        counts.append((psutil.Process().num_fds(), threading.active_count()))
    assert set(counts[1:]) == {counts[-1]}


def test_children_are_the_first_that_the_kernel_ends(opened):
    assert opened().run(Path("/proc/self/oom_score_adj").read_text).strip() == "1000"


def test_work_whose_child_is_killed_is_done_again(opened, tmp_path):
    assert opened().run(partial(be_killed_once, tmp_path / "was here")) == 42
