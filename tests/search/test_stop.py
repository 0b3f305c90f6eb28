import os
import signal
import subprocess
import sys
import threading

import pytest

from autokeras_lite.search.stop import INTERRUPTED, TERM_SECONDS, Stop, heeding_signals

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def handlers() -> list:
    return [signal.getsignal(number) for number in SIGNALS]


def test_nobody_has_asked_at_first_and_what_was_asked_stays_asked():
    stop = Stop()
    assert (stop.is_asked, stop.is_urgent) == (False, False)
    stop.ask()
    assert (stop.is_asked, stop.is_urgent) == (True, False)
    stop.ask(urgent=True)
    stop.ask()
    assert (stop.is_asked, stop.is_urgent) == (True, True)


def test_the_reason_says_what_happens_now():
    stop = Stop()
    stop.ask()
    assert "press Ctrl-C again" in stop.reason
    stop.ask(urgent=True)
    assert "ten seconds" in stop.reason


def test_the_first_ctrl_c_asks_the_second_ends_and_the_handlers_are_restored():
    before, stop, asked = handlers(), Stop(), []

    def twice() -> None:
        with heeding_signals(stop):
            os.kill(os.getpid(), signal.SIGINT)
            asked.append((stop.is_asked, stop.is_urgent))
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        twice()
    assert asked == [(True, False)]
    assert handlers() == before


def test_without_a_signal_nothing_is_left_behind():
    before, stop = handlers(), Stop()
    with heeding_signals(stop):
        assert handlers() != before
    assert handlers() == before
    assert not stop.is_asked


def test_in_another_thread_no_signal_is_touched():
    before, seen = handlers(), []

    def work() -> None:
        with heeding_signals(Stop()):
            seen.extend(handlers())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == before


PROGRAM = """
import signal, sys, time
from autokeras_lite.search.stop import Stop, heeding_signals

stop = Stop()
with heeding_signals(stop):
    print("ready", flush=True)
    while not stop.is_asked:
        time.sleep(0.01)
    print("asked", stop.is_urgent, flush=True)
    {then}
print("over", flush=True)
"""


def started(then: str) -> subprocess.Popen:
    program = PROGRAM.format(then=then)
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    return process


def test_a_program_that_is_asked_to_end_ends_in_its_own_way():
    process = started("pass")
    process.send_signal(signal.SIGTERM)
    told, _ = process.communicate(timeout=60)
    assert told == "asked True\nover\n"
    assert process.returncode == 0, "and it does not wait for the last moment"


def test_a_second_signal_of_the_other_kind_ends_at_once():
    process = started("time.sleep(100)")
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "asked False\n"
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in told


@pytest.mark.slow
def test_after_sigterm_the_process_ends_in_time_whatever_it_does():
    assert TERM_SECONDS < 10
    process = started("time.sleep(100)")
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED
    assert "what was finished is kept" in told
