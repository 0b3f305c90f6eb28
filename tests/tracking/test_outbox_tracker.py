"""The thread between the search and its store, with a store made up for it."""

import threading
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from made_up_search import search_end, search_record, trial_end, trial_record

from autokeras_lite.errors import TrackingError
from autokeras_lite.tracking.null import NullTracker
from autokeras_lite.tracking.outbox import Outbox
from autokeras_lite.tracking.outbox_tracker import OutboxTracker, Pauses
from autokeras_lite.tracking.run_store import EventRefusedError
from autokeras_lite.tracking.tracker import BestModel, Event, SearchRecord, TrackingLink

LINK = TrackingLink(uri="memory", experiment="adult", run_id="")
QUICK = Pauses(0.001, 0.01, 0.01)


class MadeUpStore:
    """Keeps events; `faults` says how often calls fail, `refused` what it never takes, `cursed` what breaks it.

    As a real store it takes nothing before it knows the search. `gate` holds every call back until it is set.
    """

    def __init__(self, faults: int = 0, refused: Iterable[Event] = (), cursed: Iterable[Event] = ()) -> None:
        self.events: list[Event] = []
        self.recalled: list[SearchRecord] = []
        self.faults = faults
        self.refused = tuple(refused)
        self.cursed = tuple(cursed)
        self.is_prepared = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    @property
    def ids(self) -> tuple[str, str]:
        return "1", "run-1"

    def recall(self, record: SearchRecord) -> None:
        self.recalled.append(record)

    def prepare(self) -> None:
        self.is_prepared.set()

    def write(self, event: Event) -> None:
        self.gate.wait(30)
        if event in self.refused:
            raise EventRefusedError("not this one")
        if self.faults or event in self.cursed:
            self.faults -= self.faults > 0
            raise TrackingError("the store is out for lunch")
        if not isinstance(event, SearchRecord) and not any(isinstance(e, SearchRecord) for e in self._known):
            raise EventRefusedError("of which search is this?")
        self.events.append(event)

    @property
    def _known(self) -> list[Event]:
        return [*self.recalled, *self.events]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "adult" / "outbox"


@pytest.fixture
def open_for(folder):
    """Opens the tracker of one search, over and over."""
    return lambda store, pauses=QUICK: OutboxTracker(LINK, lambda: store, Outbox(folder), pauses)


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def tell_two_trials(tracker):
    told = [search_record(), trial_record(0), trial_record(1)]
    tracker.start_search(told[0])
    tracker.start_trial(told[1])
    tracker.start_trial(told[2])
    return told


def test_events_are_written_in_the_order_of_the_calls(open_for):
    store = MadeUpStore()
    tracker = open_for(store)
    told = [search_record(), trial_record(0), trial_end(0), search_end()]
    tracker.start_search(told[0])
    tracker.start_trial(told[1])
    tracker.finish_trial(told[2])
    tracker.finish_search(told[3])

    assert tracker.close(30) == 0
    assert store.events == told
    assert tracker.problems == ()


def test_a_call_returns_while_the_store_hangs(open_for):
    store = MadeUpStore()
    store.gate.clear()
    tracker = open_for(store)
    tracker.start_search(search_record())
    for number in range(200):
        tracker.start_trial(trial_record(number))

    assert store.events == []
    assert tracker.close(0.05) == 201
    assert tracker.problems == ("201 events still wait to be written to memory.",)
    store.gate.set()
    assert tracker.close(30) == 0


def test_a_call_returns_while_the_store_is_opened(folder):
    opened = threading.Event()

    def open_slowly() -> MadeUpStore:
        opened.wait(30)
        return MadeUpStore()

    tracker = OutboxTracker(LINK, open_slowly, Outbox(folder))
    tracker.start_search(search_record())
    assert tracker.link.run_id == ""
    opened.set()
    assert tracker.close(30) == 0
    assert (tracker.link.experiment_id, tracker.link.run_id) == ("1", "run-1")


@pytest.mark.parametrize("faults", [2, 5, 40])
def test_a_fault_is_outlived_and_the_order_stays(open_for, faults):
    store = MadeUpStore(faults)
    tracker = open_for(store)
    told = tell_two_trials(tracker)
    until(lambda: not tracker.pending)

    assert tracker.close(30) == 0
    assert sorted(store.events, key=told.index) == told
    assert tracker.problems == ()


def test_events_stay_in_order_while_the_store_is_away(open_for):
    store = MadeUpStore(faults=4)
    tracker = open_for(store)
    told = tell_two_trials(tracker)

    until(lambda: not tracker.pending)
    assert store.events == told


def test_an_event_that_is_refused_holds_up_no_other_and_stays(open_for):
    store = MadeUpStore(refused=[trial_record(0)])
    tracker = open_for(store)
    tell_two_trials(tracker)

    assert tracker.close(30) == 1
    assert store.events == [search_record(), trial_record(1)]
    assert tracker.problems == ("not this one",)
    later = MadeUpStore()
    assert open_for(later).close(30) == 0
    assert later.events == [trial_record(0)]


def test_an_event_that_breaks_the_store_each_time_is_passed_over(open_for):
    store = MadeUpStore(cursed=[trial_record(0)])
    tracker = open_for(store)
    tell_two_trials(tracker)
    until(lambda: tracker.pending == 1)

    assert tracker.close(30) == 1
    assert store.events == [search_record(), trial_record(1)]
    assert tracker.problems == ("the store is out for lunch",)


def test_what_cannot_be_written_is_counted_told_once_and_delivered_by_the_next_tracker(open_for, folder):
    tracker = open_for(MadeUpStore(faults=10**6))
    told = tell_two_trials(tracker)

    assert tracker.close(30) == 3
    assert tracker.problems == ("the store is out for lunch",)
    store = MadeUpStore()
    second = open_for(store)
    second.start_search(search_record(started=5.0))
    assert second.close(30) == 0
    assert store.events == [*told, search_record(started=5.0)]
    assert not folder.exists()


def test_a_search_whose_beginning_was_delivered_is_recalled_and_not_begun_again(open_for):
    tracker = open_for(MadeUpStore(refused=[trial_end(0)]))
    tell_two_trials(tracker)
    tracker.finish_trial(trial_end(0))
    assert tracker.close(30) == 1
    store = MadeUpStore()

    assert open_for(store).close(30) == 0
    assert store.recalled == [search_record()]
    assert store.events == [trial_end(0)]


def test_a_store_that_cannot_be_opened_is_told(folder):
    def refuse() -> MadeUpStore:
        raise TrackingError("no such store")

    tracker = OutboxTracker(LINK, refuse, Outbox(folder), QUICK)
    tracker.start_search(search_record())

    assert tracker.close(30) == 1
    assert tracker.problems == ("no such store",)


def test_closing_ends_a_long_pause(open_for):
    store = MadeUpStore(faults=1)
    tracker = open_for(store, Pauses(1000.0, 1000.0, 0.01))
    tracker.start_search(search_record())
    until(lambda: tracker.problems)

    assert tracker.close(60) == 0
    assert store.events == [search_record()]


def test_while_nothing_waits_the_store_prepares_for_the_end(open_for):
    store = MadeUpStore()
    tracker = open_for(store)
    assert not store.is_prepared.wait(0.05)
    tracker.start_search(search_record())

    assert store.is_prepared.wait(30)
    assert tracker.close(30) == 0


def test_a_store_that_cannot_prepare_writes_all_the_same(open_for):
    class UnpreparedStore(MadeUpStore):
        def prepare(self) -> None:
            super().prepare()
            raise TrackingError("not now")

    store = UnpreparedStore()
    tracker = open_for(store)
    tracker.start_search(search_record())
    assert store.is_prepared.wait(30)
    tracker.start_trial(trial_record(0))

    assert tracker.close(30) == 0
    assert store.events == [search_record(), trial_record(0)]


def test_two_trackers_of_one_search_do_not_deliver_at_the_same_time(open_for):
    slow, quick = MadeUpStore(), MadeUpStore()
    slow.gate.clear()
    first = open_for(slow)
    tell_two_trials(first)
    assert first.close(0.05) == 3
    second = open_for(quick)
    until(lambda: second.problems)

    assert "has not ended yet" in second.problems[0]
    assert quick.events == []
    slow.gate.set()
    assert first.close(30) == 0
    until(lambda: not second.pending)
    assert second.close(30) == 0


def test_no_secret_is_told_to_the_store_or_written_to_the_outbox(open_for, folder):
    store = MadeUpStore(faults=10**6)
    tracker = open_for(store)
    tracker.start_search(search_record(params={"api_key": "s3cret", "uri": "http://ann:s3cret@host"}))
    tracker.finish_search(search_end(tags={"db.password": "s3cret"}))
    tracker.close(30)

    assert b"s3cret" not in (folder / "events.jsonl").read_bytes()
    store.faults = 0
    assert open_for(store).close(30) == 0
    assert "s3cret" not in str(store.events)


def test_the_best_model_is_an_event_of_its_own(open_for):
    store = MadeUpStore()
    tracker = open_for(store)
    tracker.start_search(search_record("wine"))
    tracker.finish_search(search_end(Path("runs/wine/artifact")))

    assert tracker.close(30) == 0
    assert store.events[-1] == BestModel("wine", Path("runs/wine/artifact"))


def test_closing_twice_changes_nothing(open_for):
    tracker = open_for(MadeUpStore())
    tracker.start_search(search_record())

    assert [tracker.close(30), tracker.close(30)] == [0, 0]


def test_an_event_that_fails_in_an_unexpected_way_costs_that_event_alone(open_for):
    class BrokenStore(MadeUpStore):
        def write(self, event: Event) -> None:
            if event == trial_record(0):
                raise ValueError("no such\nthing, token=s3cret")
            super().write(event)

    store = BrokenStore()
    tracker = open_for(store)
    tell_two_trials(tracker)

    assert tracker.close(30) == 1
    assert store.events == [search_record(), trial_record(1)]
    assert tracker.problems == ("ValueError: no such thing, token=***",)


def test_a_store_that_fails_in_an_unexpected_way_while_it_opens_is_tried_again(folder):
    found = iter([ModuleNotFoundError("No module named 'psycopg2'", name="psycopg2"), TypeError("not yet")])
    store = MadeUpStore()

    def open_at_last() -> MadeUpStore:
        for error in found:
            raise error
        return store

    tracker = OutboxTracker(LINK, open_at_last, Outbox(folder), QUICK)
    tracker.start_search(search_record())
    until(lambda: not tracker.pending)

    assert tracker.close(30) == 0
    assert store.events == [search_record()]


def test_a_store_that_never_opens_for_want_of_a_package_says_which(folder):
    def refuse() -> MadeUpStore:
        raise ModuleNotFoundError("No module named 'psycopg2'", name="psycopg2")

    tracker = OutboxTracker(LINK, refuse, Outbox(folder), QUICK)
    tracker.start_search(search_record())

    assert tracker.close(30) == 1
    assert "needs the package 'psycopg2'" in tracker.problems[0]


def test_a_model_that_failed_five_times_waits_for_the_next_start(open_for):
    model = BestModel("adult", Path("runs/adult/artifact"))
    tries = []

    class ImpatientStore(MadeUpStore):
        def write(self, event: Event) -> None:
            tries.append(event)
            super().write(event)

    store = ImpatientStore(cursed=[model])
    tracker = open_for(store)
    tracker.start_search(search_record())
    tracker.finish_search(search_end(model.folder))
    until(lambda: tries.count(model) == 5)
    later = trial_record(0)
    tracker.start_trial(later)
    until(lambda: later in store.events)

    assert tracker.close(30) == 1
    assert tries.count(model) == 5
    assert tracker.problems == ("the store is out for lunch",)
    healed = MadeUpStore()
    assert open_for(healed).close(30) == 0
    assert healed.events == [model]


def test_the_null_tracker_remembers_what_it_was_told():
    tracker = NullTracker()
    tracker.start_search(search_record())
    tracker.start_trial(trial_record(0))
    tracker.finish_trial(trial_end(0))

    assert tracker.events == [search_record(), trial_record(0), trial_end(0)]
    assert tracker.close(0.0) == 0
