"""Ctrl-C, SIGTERM and SIGSTOP, to the driver, to its group and to its workers."""

import os
import signal
import time
from collections.abc import Callable

import psutil
import pytest
from fault_checker import Undisturbed, check_disturbed, check_nothing_is_left_running, check_promises, read_summary
from fault_harness import Driver, Place, fork_servers_of
from fault_store import Record
from fault_trade import Deeds

from autokeras_lite.errors import InUseError
from autokeras_lite.search.hold import hold_folder

SLOW = Deeds(epoch_seconds=0.05)
SECONDS_AFTER_SIGTERM = 10.0


def start_and_wait(place: Place) -> Driver:
    """Start a driver; return when it has told some results and trains again."""
    driver = place.start()
    place.wait_until(lambda: len(place.acks) >= 2 and place.events[-1]["event"] == "begun", driver)
    return driver


def start_and_wait_until_stuck(place: Place) -> Driver:
    """Start a driver whose third cohort hangs; return when it does."""
    place.misbehave(trial_5={"deed": "hang"})
    driver = place.start()
    place.wait_until((place.root / "deeds-done-5").exists, driver)
    return driver


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.slow
def test_a_signal_ends_a_search_with_its_best_model(make_place: Callable[..., Place], number: signal.Signals) -> None:
    calm, place = make_place("calm", deeds=Deeds()), make_place(deeds=SLOW)
    calm.run()
    driver = start_and_wait(place)
    driver.signal_group(number)
    assert driver.wait(SECONDS_AFTER_SIGTERM) == 130, driver.text
    check_disturbed(place)
    assert read_summary(place).stopped == "interrupted"
    assert read_summary(place).best is not None
    assert "autokeras-lite resume" in driver.text
    record = Record.read(place.root)
    assert record.search == "cancelled"
    assert "RUNNING" not in record.trials.values()
    check_promises(place, place.run(), Undisturbed.of(calm))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.slow
def test_a_second_signal_ends_it_at_once(place: Place, number: signal.Signals) -> None:
    driver = start_and_wait_until_stuck(place)
    driver.signal_group(number)
    time.sleep(0.3)
    assert driver.runs
    driver.signal_group(number)
    assert driver.wait(SECONDS_AFTER_SIGTERM) == 130, driver.text
    check_disturbed(place)
    assert "Go on with: autokeras-lite resume" in driver.text
    place.tell(Deeds())
    check_promises(place, place.run())


@pytest.mark.slow
def test_sigterm_ends_a_search_within_ten_seconds_even_when_its_trials_do_not_listen(place: Place) -> None:
    driver = start_and_wait_until_stuck(place)
    driver.signal_group(signal.SIGTERM)
    assert driver.wait(SECONDS_AFTER_SIGTERM) == 130, driver.text
    check_disturbed(place)
    assert read_summary(place).best is not None
    place.tell(Deeds())
    check_promises(place, place.run())


@pytest.mark.slow
def test_a_signal_before_the_first_result_leaves_a_search_that_goes_on(place: Place) -> None:
    place.tell(SLOW)
    driver = place.start()
    place.wait_until(lambda: bool(place.attempts), driver)
    driver.signal_group(signal.SIGINT)
    assert driver.wait(SECONDS_AFTER_SIGTERM) == 130, driver.text
    check_nothing_is_left_running(place)
    place.tell(Deeds())
    check_promises(place, place.run())


def training_worker(place: Place, driver: Driver) -> psutil.Process:
    """Return the process of a cohort that trains now."""
    known = len(place.attempts)
    place.wait_until(lambda: len(place.attempts) > known, driver)
    return psutil.Process(place.attempts[-1]["pid"])


@pytest.mark.slow
def test_a_worker_that_is_frozen_for_a_while_goes_on(place: Place) -> None:
    place.tell(Deeds(epoch_seconds=0.05))
    driver = start_and_wait(place)
    frozen = training_worker(place, driver)
    frozen.suspend()
    time.sleep(1.0)
    assert driver.runs
    frozen.resume()
    driver.wait()
    check_promises(place, driver)


@pytest.mark.slow
def test_a_worker_that_is_frozen_past_its_time_has_failed_and_gives_no_second_result(place: Place) -> None:
    place.more = ("--trial-time-limit", "1s")
    place.tell(Deeds(epoch_seconds=0.05))
    driver = start_and_wait(place)
    frozen = training_worker(place, driver)
    frozen.suspend()
    driver.wait()
    check_promises(place, driver)


@pytest.mark.slow
def test_the_second_driver_is_refused_and_the_first_feels_nothing(place: Place) -> None:
    place.tell(SLOW)
    driver = start_and_wait(place)
    second = place.run()
    assert second.code == 4, second.text
    assert f"process {driver.pid} on {os.uname().nodename}" in second.text
    assert driver.runs
    with pytest.raises(InUseError), hold_folder(place.folder.path):
        pass
    driver.wait()
    check_promises(place, driver)


@pytest.mark.slow
def test_a_fork_server_that_is_killed_is_started_again(place: Place) -> None:
    place.tell(Deeds(epoch_seconds=0.01))
    driver = start_and_wait(place)
    place.wait_until(lambda: bool(fork_servers_of(place.mark)), driver)
    fork_servers_of(place.mark)[0].kill()
    driver.wait()
    check_promises(place, driver)
