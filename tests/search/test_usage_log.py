"""When the use of the machine is read and told, by a clock that is moved by hand."""

import threading
import time
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from autokeras_lite.search.usage import UsageLog, UsageThread
from autokeras_lite.tracking.tracker import UsageReadings

EPOCH = 1_700_000_000.0


@dataclass
class Course:
    """A search of which an earlier process had `earlier` seconds, with readings that are numbered."""

    earlier: float = 0.0
    seconds: float = 0.0
    num_read: int = 0
    told: list[UsageReadings] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.log = UsageLog(
            self.read, self.told.append, lambda: self.earlier + self.seconds, lambda: EPOCH + self.seconds
        )

    def read(self) -> dict[str, float]:
        self.num_read += 1
        return {"cpu_utilization_percentage": float(self.num_read)}

    def run(self, seconds: float, *, interval: float = 10.0) -> None:
        self.log.begin()
        while self.seconds + interval < seconds:
            self.seconds += interval
            self.log.look()
        self.seconds = seconds

    @property
    def steps(self) -> list[int]:
        return [reading.step for readings in self.told for reading in readings.readings]


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_minute_of_readings_is_told_at_once_with_moments_and_steps():
    course = Course()
    course.run(61)

    (told,) = course.told
    assert course.steps == [10, 20, 30, 40, 50, 60]
    assert [reading.seconds for reading in told.readings] == [EPOCH + step for step in course.steps]
    assert [reading.values["cpu_utilization_percentage"] for reading in told.readings] == [2, 3, 4, 5, 6, 7]


def test_the_end_is_read_and_everything_is_told():
    course = Course()
    course.run(88)
    assert course.steps[-1] == 60

    course.log.finish()

    assert course.steps[-3:] == [70, 80, 88]
    assert len(course.told) == 2


def test_a_search_of_a_moment_tells_nothing():
    course = Course()
    course.run(3)
    course.log.finish()

    assert course.told == []


@given(st.floats(0, 700), st.floats(0, 5), st.floats(5.5, 700))
def test_steps_of_a_search_that_goes_on_never_go_back(first_seconds, lost_seconds, second_seconds):
    """A killed search has noted its time up to five seconds ago, and is read ten seconds after it begins again."""
    first = Course()
    first.run(first_seconds)
    second = Course(earlier=max(0.0, first_seconds - lost_seconds))
    second.run(second_seconds)
    second.log.finish()
    steps = [*first.steps, *second.steps]

    assert steps == sorted(set(steps))


@given(st.floats(0, 3000))
def test_at_most_a_minute_is_not_told_yet(seconds):
    course = Course()
    course.run(seconds)

    assert seconds - max(course.steps, default=0) <= 70
    assert all(len(told.readings) == 6 for told in course.told)


def test_the_thread_reads_until_it_is_closed_and_is_gone_then():
    course = Course()
    before = threading.active_count()
    thread = UsageThread(course.log, interval_seconds=0.001)
    until(lambda: course.told)
    thread.close()
    num_read = course.num_read

    assert threading.active_count() == before
    assert sum(len(told.readings) for told in course.told) == num_read - 1
    assert course.num_read == num_read


def test_a_closed_thread_does_not_wait_for_its_next_reading():
    course = Course()
    thread = UsageThread(course.log, interval_seconds=1e6)
    until(lambda: course.num_read)
    course.seconds = 30.0
    thread.close()

    assert course.steps == [30]
