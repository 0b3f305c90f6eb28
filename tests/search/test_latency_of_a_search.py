"""How long the final model predicts: when it is measured, and where it is told."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from search_fakes import SUMMARY
from test_mixture import folder, leave, prepared  # noqa: F401 - fixtures
from test_run_search import AskingExecutor, Search

from autokeras_lite.artifact.latency import LATENCY_SECONDS, Latency
from autokeras_lite.config import Budget
from autokeras_lite.search.believe import believe
from autokeras_lite.search.clock import Clock
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.mixture import choose_mixture, read_judged
from autokeras_lite.search.record import SearchSummary

LATENCY = Latency(0.004, 0.03, 1000, "CPU, 2 threads")


class Timed(Search):
    """Makes model files that tell how long they predict, if they are asked."""

    def make(self, request):
        manifest = super().make(request)
        self.asked.append((manifest.trial.number, request.latency_seconds, request.beside_training))
        told = replace(LATENCY, beside_training=request.beside_training) if request.latency_seconds else None
        return replace(manifest, latency=told)

    def run(self, *given, **options) -> None:
        self.asked: list[tuple[int, float, bool]] = []
        super().run(*given, **options)


@pytest.fixture
def search(tmp_path) -> Timed:
    return Timed(tmp_path)


def test_the_final_model_is_measured_when_nothing_trains(search):
    search.run(trials=2, validation=3)
    assert search.asked[0] == (1, LATENCY_SECONDS, True), "the early one, beside trials"
    assert search.asked[-1][1:] == (LATENCY_SECONDS, False)
    assert search.folder.read_summary().latency == LATENCY


def test_an_early_model_that_stays_was_measured_beside_trials(search):
    search.run(trials=2)
    assert [number for number, _, _ in search.asked] == [1]
    assert search.folder.read_summary().latency == replace(LATENCY, beside_training=True)


def test_the_tracker_hears_it_with_its_batch_and_device(search):
    search.run(trials=2)
    told = {name: value for name, value in search.end.metrics.items() if name.startswith("latency.")}
    assert told == {"latency.row_seconds": 0.004, "latency.batch_seconds": 0.03, "latency.batch_rows": 1000.0}
    assert search.end.tags == {"latency_device": "CPU, 2 threads"}


def test_whoever_asks_for_the_end_does_not_wait_for_it(search):
    search.run(executor=AskingExecutor(), validation=3, time_limit=29)  # too short for an early model
    assert [seconds for _, seconds, _ in search.asked] == [0.0]
    assert search.folder.read_summary().latency is None
    assert search.end.tags == {}


def may_measure(spare: float, networks: int, *, was_made: bool = False, slowness: float = 1.0) -> bool:
    """Say whether there is time for it with so many seconds more than the end of the search takes."""
    clock = Clock(Budget(seconds=100.0), 0.0, now=lambda: 0.0, slowness=lambda: slowness)
    if was_made:
        clock.expect_artifact(4.0)
    started = clock.fewest_tail_seconds + spare - 100.0
    return replace(clock, started=started).has_time_for_latency(networks)


@given(st.integers(1, 8), st.booleans(), st.floats(0.5, 4.0))
def test_the_end_of_a_search_is_kept_free_of_it(networks, was_made, slowness):
    """A second for each network that was not in the early model file, which has told what it takes with all that."""
    unknown = networks - was_made
    options = {"was_made": was_made, "slowness": slowness}
    assert not may_measure(slowness * unknown - 1e-6, networks, **options)
    assert may_measure(slowness * unknown + 1e-6, networks, **options)


def test_without_a_time_limit_there_is_time():
    assert Clock(Budget(trials=1), 0.0, now=lambda: 1e9).has_time_for_latency(50)


def test_a_summary_comes_back_with_its_latency_and_one_that_was_written_before_has_none(tmp_path):
    place = SearchFolder(tmp_path)
    place.write_summary(replace(SUMMARY, latency=LATENCY))
    assert place.read_summary().latency == LATENCY
    values = json.loads(place.summary.read_text())
    del values["latency"]
    assert SearchSummary.from_json(values) == SUMMARY


def test_the_fastest_of_trials_that_are_equal_is_named(prepared, folder):  # noqa: F811
    trials = [leave(prepared, folder, number, seed=number) for number in range(1, 7)]
    timed = [(spec, replace(outcome, row_seconds=1.0 / spec.number)) for spec, outcome in trials]
    best = min(timed, key=lambda one: one[1].score)
    mixture = choose_mixture(prepared, timed, best, read_judged(prepared, timed, folder), most_members=1, seed=0)
    clock = Clock(Budget(trials=9), 0.0, now=lambda: 50.0)
    trust = believe(prepared, timed, mixture, folder, clock)
    assert trust.fastest == max(trust.equals)
    only = [(spec, replace(outcome, row_seconds=np.inf if spec.number == 2 else None)) for spec, outcome in trials]
    expected = 2 if 2 in trust.equals else None
    assert believe(prepared, only, mixture, folder, clock).fastest == expected
