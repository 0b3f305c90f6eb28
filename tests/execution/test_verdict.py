import signal

import psutil
import pytest

from autokeras_lite.execution.guard import Sentence, Watched
from autokeras_lite.execution.verdict import judge
from autokeras_lite.trial import Cause

LIMIT = 1 << 30


def watched(taken_bytes: int = 0, sentence: Sentence | None = None) -> Watched:
    return Watched(psutil.Process(), None, lambda: None, taken_bytes=taken_bytes, sentence=sentence)


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV, signal.SIGKILL])
def test_an_end_near_the_limit_is_for_want_of_memory(number):
    near = judge(-number, watched(int(0.9 * LIMIT)), LIMIT)
    assert near.cause is Cause.OUT_OF_MEMORY_HOST
    assert "922m" in near.message
    assert "1024m" in near.message
    assert judge(-number, watched(int(0.5 * LIMIT)), LIMIT).cause is not Cause.OUT_OF_MEMORY_HOST


def test_a_signal_that_has_nothing_to_do_with_memory_is_told_as_it_is():
    assert judge(-signal.SIGFPE, watched(LIMIT), LIMIT).cause is Cause.SIGNAL
    assert judge(-signal.SIGTERM, watched(LIMIT), LIMIT).cause is Cause.LOST


def test_a_kill_while_the_kernel_ended_processes_for_want_of_memory_is_its_doing():
    assert judge(-signal.SIGKILL, None, LIMIT, was_memory_short=True).cause is Cause.OUT_OF_MEMORY_HOST
    assert judge(-signal.SIGTERM, None, LIMIT, was_memory_short=True).cause is Cause.LOST
    assert judge(-signal.SIGKILL, None, LIMIT).cause is Cause.LOST


def test_whoever_was_sentenced_ended_by_that():
    sentence = Sentence(Cause.TIMEOUT, "too long")
    assert judge(-signal.SIGKILL, watched(LIMIT, sentence), LIMIT) is sentence


@pytest.mark.parametrize("code", [0, 1, 255, None])
def test_a_process_that_left_without_a_result_is_lost(code):
    assert judge(code, None, LIMIT).cause is Cause.LOST
