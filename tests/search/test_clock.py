import pytest
from hypothesis import given
from hypothesis import strategies as st

from autokeras_lite.config import Budget
from autokeras_lite.search.clock import FEWEST_USEFUL_SECONDS, TAIL_SECONDS, Clock


def clock_at(elapsed: float, **budget) -> Clock:
    return Clock(Budget(**budget), started=100.0, now=lambda: 100.0 + elapsed)


def test_without_a_time_limit_the_clock_never_ends():
    clock = clock_at(1e9, trials=5)
    assert clock.training_seconds_left is None
    assert clock.can_start
    assert not clock.is_over


def test_time_counts_from_the_start():
    assert clock_at(12.5, trials=1).elapsed_seconds == 12.5


@given(st.floats(1, 1e6))
def test_the_end_of_the_search_is_kept_free(seconds):
    left = clock_at(0.0, seconds=seconds).training_seconds_left
    assert 0.7 * seconds <= left <= seconds
    assert seconds - left <= TAIL_SECONDS + 1e-6 * seconds


@pytest.mark.parametrize(
    ("elapsed", "can_start", "is_over"),
    [
        (0.0, True, False),
        (100 - TAIL_SECONDS - FEWEST_USEFUL_SECONDS - 0.1, True, False),
        (100 - TAIL_SECONDS - FEWEST_USEFUL_SECONDS + 0.1, False, False),
        (100 - TAIL_SECONDS - 0.1, False, False),
        (100 - TAIL_SECONDS, False, True),
        (200.0, False, True),
    ],
)
def test_nothing_starts_shortly_before_the_end_and_everything_ends_at_it(elapsed, can_start, is_over):
    clock = clock_at(elapsed, seconds=100.0)
    assert (clock.can_start, clock.is_over) == (can_start, is_over)
