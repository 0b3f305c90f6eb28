import multiprocessing
import resource
import subprocess
import time
from contextlib import contextmanager
from dataclasses import replace

import psutil
import pytest
from small_jobs import SHARE

from autokeras_lite.execution.guard import Guard
from autokeras_lite.trial import Cause

SHORT = replace(SHARE, trial_seconds=0.1)


@pytest.fixture
def child():
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


@contextmanager
def watched_by(guard: Guard, child: subprocess.Popen):
    gauge, sends = multiprocessing.Pipe(duplex=False)
    watched = guard.watch(psutil.Process(child.pid), gauge, lambda: None)
    try:
        yield watched, sends
    finally:
        guard.release(watched)
        guard.close()
        gauge.close()
        sends.close()


def test_the_time_of_a_trial_begins_when_the_child_begins_with_it(child):
    with watched_by(Guard(SHORT, grace_seconds=0.0), child) as (watched, sends):
        time.sleep(0.5)
        assert watched.sentence is None
        sends.send(0)
        child.wait(20.0)
        assert watched.sentence.cause is Cause.TIMEOUT


def test_a_child_that_never_begins_is_ended_and_no_trial_is_blamed(child):
    with watched_by(Guard(SHARE, grace_seconds=0.0, start_seconds=0.1), child) as (watched, _):
        child.wait(20.0)
        assert watched.sentence.cause is Cause.LOST
        assert "had not begun" in watched.sentence.message


def test_the_guard_survives_a_while_without_file_descriptors(child):
    few, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with watched_by(Guard(SHORT, grace_seconds=0.0), child) as (watched, sends):
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, most))
        try:
            sends.send(0)
            time.sleep(0.5)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (few, most))
        child.wait(20.0)
        assert watched.sentence.cause is Cause.TIMEOUT
