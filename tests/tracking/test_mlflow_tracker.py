"""The thread between the search and its store, with a store made up for it."""

import threading
from pathlib import Path

import pytest
from made_up_search import search_end, search_record, trial_end, trial_record

from autokeras_lite.errors import TrackingError
from autokeras_lite.tracking.mlflow_tracker import MlflowTracker
from autokeras_lite.tracking.null import NullTracker
from autokeras_lite.tracking.tracker import BestModel, Event, TrackingLink

LINK = TrackingLink(uri="memory", experiment="adult", run_id="")


class MadeUpStore:
    """Keeps events; `faults` says how often the next calls fail; `gate` holds every call back until it is set."""

    def __init__(self, faults: int = 0) -> None:
        self.events: list[Event] = []
        self.faults = faults
        self.gate = threading.Event()
        self.gate.set()

    @property
    def ids(self) -> tuple[str, str]:
        return "1", "run-1"

    def write(self, event: Event) -> None:
        self.gate.wait(30)
        if self.faults:
            self.faults -= 1
            raise TrackingError("the store is out for lunch")
        self.events.append(event)


def tracker_for(store: MadeUpStore, retries: int = 2) -> MlflowTracker:
    return MlflowTracker(LINK, lambda: store, retry_seconds=(0.0,) * retries)


def test_events_are_written_in_the_order_of_the_calls():
    store = MadeUpStore()
    tracker = tracker_for(store)
    told = [search_record(), trial_record(0), trial_end(0), search_end()]
    tracker.start_search(told[0])
    tracker.start_trial(told[1])
    tracker.finish_trial(told[2])
    tracker.finish_search(told[3])

    assert tracker.close(30) == 0
    assert store.events == told
    assert tracker.problems == ()


def test_a_call_returns_while_the_store_hangs():
    store = MadeUpStore()
    store.gate.clear()
    tracker = tracker_for(store)
    tracker.start_search(search_record())
    for number in range(200):
        tracker.start_trial(trial_record(number))

    assert store.events == []
    assert tracker.close(0.05) == 201
    assert tracker.problems == ("201 events still wait to be written to memory.",)
    store.gate.set()
    assert tracker.close(30) == 0


def test_a_call_returns_while_the_store_is_opened():
    opened = threading.Event()

    def open_slowly() -> MadeUpStore:
        opened.wait(30)
        return MadeUpStore()

    tracker = MlflowTracker(LINK, open_slowly)
    tracker.start_search(search_record())
    assert tracker.link.run_id == ""
    opened.set()
    assert tracker.close(30) == 0
    assert (tracker.link.experiment_id, tracker.link.run_id) == ("1", "run-1")


def test_a_short_fault_is_outlived():
    store = MadeUpStore(faults=2)
    tracker = tracker_for(store, retries=2)
    tracker.start_search(search_record())

    assert tracker.close(30) == 0
    assert tracker.problems == ()


def test_what_failed_is_written_in_order_once_the_store_is_back():
    store = MadeUpStore(faults=5)
    tracker = tracker_for(store, retries=2)
    told = [search_record(), trial_record(0), trial_record(1)]
    tracker.start_search(told[0])
    tracker.start_trial(told[1])
    tracker.start_trial(told[2])

    assert tracker.close(30) == 0
    assert store.events == told
    assert tracker.problems == ()


def test_what_failed_last_is_tried_once_more_at_the_end():
    store = MadeUpStore(faults=3)
    tracker = tracker_for(store, retries=2)
    tracker.start_search(search_record())

    assert tracker.close(30) == 0
    assert store.events == [search_record()]


def test_an_event_that_is_always_refused_holds_up_no_other():
    class PickyStore(MadeUpStore):
        def write(self, event: Event) -> None:
            if event == trial_record(0):
                raise TrackingError("not this one")
            super().write(event)

    store = PickyStore()
    tracker = tracker_for(store)
    tracker.start_search(search_record())
    tracker.start_trial(trial_record(0))
    tracker.start_trial(trial_record(1))

    assert tracker.close(30) == 1
    assert store.events == [search_record(), trial_record(1)]
    assert tracker.problems == ("not this one",)


def test_what_cannot_be_written_is_counted_and_told_once():
    store = MadeUpStore(faults=10**6)
    tracker = tracker_for(store)
    tracker.start_search(search_record())
    tracker.start_trial(trial_record(0))

    assert tracker.close(30) == 2
    assert tracker.problems == ("the store is out for lunch",)


def test_a_store_that_cannot_be_opened_is_told():
    def refuse() -> MadeUpStore:
        raise TrackingError("no such store")

    tracker = MlflowTracker(LINK, refuse, retry_seconds=())
    tracker.start_search(search_record())

    assert tracker.close(30) == 1
    assert tracker.problems == ("no such store",)


def test_the_best_model_is_an_event_of_its_own():
    store = MadeUpStore()
    tracker = tracker_for(store)
    tracker.start_search(search_record("wine"))
    tracker.finish_search(search_end(Path("runs/wine/artifact")))

    assert tracker.close(30) == 0
    assert store.events[-1] == BestModel("wine", Path("runs/wine/artifact"))


def test_closing_twice_changes_nothing():
    tracker = tracker_for(MadeUpStore())
    tracker.start_search(search_record())

    assert [tracker.close(30), tracker.close(30)] == [0, 0]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_our_own_leaves_the_caller_alone_and_is_counted():
    class BrokenStore(MadeUpStore):
        def write(self, event: Event) -> None:
            raise ZeroDivisionError

    tracker = tracker_for(BrokenStore())
    tracker.start_search(search_record())
    tracker.start_trial(trial_record(0))

    assert tracker.close(30) == 2
    assert tracker.problems == ("2 events still wait to be written to memory.",)


def test_the_null_tracker_remembers_what_it_was_told():
    tracker = NullTracker()
    tracker.start_search(search_record())
    tracker.start_trial(trial_record(0))
    tracker.finish_trial(trial_end(0))

    assert tracker.events == [search_record(), trial_record(0), trial_end(0)]
    assert tracker.close(0.0) == 0
