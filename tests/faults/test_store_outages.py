"""The store of the record is down, slow or failing, at the start, in the middle or at the end: no search feels it."""

import json
from collections.abc import Callable

import pytest
from fault_checker import Undisturbed, check_nothing_is_left_running, check_promises, read_results, read_summary
from fault_harness import Place
from fault_store import HEALTH_FILE, Record
from fault_trade import Deeds


def be(place: Place, mode: str) -> None:
    (place.root / HEALTH_FILE).write_text(json.dumps({"mode": mode}))


@pytest.fixture
def undisturbed(make_place: Callable[..., Place]) -> Undisturbed:
    calm = make_place("calm")
    assert calm.run().code == 0
    return Undisturbed.of(calm)


@pytest.mark.slow
def test_a_store_that_is_slow_gets_everything(place: Place, undisturbed: Undisturbed) -> None:
    be(place, "slow")
    check_promises(place, place.run(), undisturbed)


@pytest.mark.slow
def test_a_store_that_fails_now_and_then_gets_everything_at_the_next_start_at_the_latest(
    place: Place, undisturbed: Undisturbed
) -> None:
    be(place, "failing")
    assert place.run().code == 0
    be(place, "up")
    check_promises(place, place.run(), undisturbed)


@pytest.mark.slow
def test_a_store_that_is_down_gets_everything_at_the_next_start(place: Place, undisturbed: Undisturbed) -> None:
    be(place, "down")
    driver = place.run()
    assert driver.code == 0, driver.text
    assert "wait to be sent" in driver.text
    assert len(read_results(place)) == place.trials
    assert Record.read(place.root).search == ""
    check_nothing_is_left_running(place)
    be(place, "up")
    check_promises(place, place.run(), undisturbed)


@pytest.mark.slow
def test_a_store_that_comes_back_gets_everything(place: Place, undisturbed: Undisturbed) -> None:
    place.tell(Deeds(epoch_seconds=0.01))
    be(place, "down")
    driver = place.start()
    place.wait_until(lambda: len(place.acks) >= 2, driver)
    be(place, "up")
    driver.wait()
    check_promises(place, driver, undisturbed)


@pytest.mark.parametrize("num_results", [2, 8])
@pytest.mark.slow
def test_a_store_that_goes_away_gets_the_rest_at_the_next_start(
    place: Place, undisturbed: Undisturbed, num_results: int
) -> None:
    place.tell(Deeds(epoch_seconds=0.02))
    driver = place.start()
    place.wait_until(lambda: len(place.acks) >= num_results, driver)
    be(place, "down")
    assert driver.wait() == 0, driver.text
    assert read_summary(place).best is not None
    be(place, "up")
    check_promises(place, place.run(), undisturbed)


@pytest.mark.slow
def test_a_driver_that_is_killed_while_the_store_is_down_loses_no_entry(place: Place, undisturbed: Undisturbed) -> None:
    place.tell(Deeds(epoch_seconds=0.02))
    be(place, "down")
    driver = place.start()
    place.wait_until(lambda: len(place.acks) >= 4, driver)
    driver.kill()
    be(place, "up")
    check_promises(place, place.run(), undisturbed)
