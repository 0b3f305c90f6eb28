"""The driver ends hard just before or after each call that makes a file durable; the same command then goes on."""

import random
from collections.abc import Callable

import pytest
from fault_checker import Undisturbed, check_disturbed, check_promises
from fault_driver import CRASHED
from fault_harness import Place

MOST_POINTS_IN_CI = 18


def crash_and_resume(place: Place, crash_at: int, undisturbed: Undisturbed) -> bool:
    """Return whether the driver met the crash point at all."""
    driver = place.run(crash_at=crash_at)
    if driver.code == 0:
        check_promises(place, driver, undisturbed)
        return False
    assert driver.code == CRASHED, driver.text
    check_disturbed(place)
    check_promises(place, place.run(), undisturbed)
    return True


def count_steps(place: Place) -> int:
    steps = place.root / "steps"
    assert place.run(steps=str(steps)).code == 0
    return int(steps.read_text())


def points(num_steps: int, most: int) -> list[int]:
    """Return every point, or so many of them: evenly spread ones from a start that changes, and random ones."""
    if num_steps <= most:
        return list(range(1, num_steps + 1))
    chance = random.Random()
    stride = -(-num_steps // (most * 2 // 3))
    even = range(chance.randint(1, stride), num_steps + 1, stride)
    others = sorted(set(range(1, num_steps + 1)) - set(even))
    return sorted([*even, *chance.sample(others, most - len(even))])


@pytest.mark.slow
def test_a_crash_at_any_durable_step_changes_nothing(make_place: Callable[..., Place], is_soak: bool) -> None:
    calm = make_place("calm", trials=6)
    num_steps = count_steps(calm)
    undisturbed = Undisturbed.of(calm)
    most = 10 * num_steps if is_soak else MOST_POINTS_IN_CI
    broken = {}
    for point in points(num_steps, most):
        place = make_place(f"crash-{point}", trials=6)
        try:
            crash_and_resume(place, point, undisturbed)
        except AssertionError as error:
            broken[point] = str(error).splitlines()[0]
    assert not broken


@pytest.mark.slow
def test_a_second_crash_while_a_search_goes_on_changes_nothing(make_place: Callable[..., Place]) -> None:
    calm = make_place("calm", trials=4)
    num_steps = count_steps(calm)
    undisturbed = Undisturbed.of(calm)
    place, chance = make_place("crashes", trials=4), random.Random()
    for _ in range(6):
        driver = place.run(crash_at=chance.randint(1, num_steps // 2))
        assert driver.code in (0, CRASHED), driver.text
        check_disturbed(place)
    check_promises(place, place.run(), undisturbed)
