import threading
from dataclasses import dataclass, field, replace

import pytest
from search_fakes import SPEC, Time

from autokeras_lite.artifact.manifest import Manifest, Parity
from autokeras_lite.config import Budget
from autokeras_lite.search.background import BaselineThread, EarlyArtifact
from autokeras_lite.search.baseline import Baseline
from autokeras_lite.search.clock import Clock
from autokeras_lite.search.stop import Stop
from autokeras_lite.trial import Cause, TrialOutcome

BASELINES = (Baseline("constant", 0.5, 0.1), Baseline("linear", 0.6, 0.1))


class Boom(Exception):
    pass


def test_baselines_are_taken_once_and_in_the_thread_of_whoever_looks():
    taken, go = [], threading.Event()

    def fit():
        go.wait(60)
        return BASELINES

    work = BaselineThread(fit, lambda baselines: taken.append((threading.current_thread(), baselines)))
    work.look()
    assert taken == []
    go.set()
    work.finish(lambda: True)
    work.look()
    work.finish(lambda: True)
    assert taken == [(threading.main_thread(), BASELINES)]


def test_baselines_that_are_not_there_in_time_are_left_out():
    taken, go = [], threading.Event()
    work = BaselineThread(lambda: [go.wait(60)], taken.append)
    work.finish(lambda: False)
    assert taken == []
    go.set()
    work.finish(lambda: True)
    assert taken == [[True]]


def test_what_goes_wrong_with_a_baseline_is_raised_where_the_search_runs():
    def fit():
        raise Boom

    work = BaselineThread(fit, lambda baselines: pytest.fail("there are none"))
    with pytest.raises(Boom):
        work.finish(lambda: True)


@dataclass
class Work:
    """A model file that is made until `is_done` is set."""

    make: object
    is_done: bool = False

    def result(self):
        return self.make()


@dataclass
class Starter:
    started: list[Work] = field(default_factory=list)

    is_stuck: bool = False
    waits: int = 0

    def start(self, make):
        self.started.append(Work(make))
        return self.started[-1]

    def wait(self, report, timeout_seconds):
        self.waits += 1
        self.started[-1].is_done = not self.is_stuck
        return ()


@dataclass
class Leader:
    """As much of a course as is looked at."""

    best: object = None


def manifest_of(spec) -> Manifest:
    return Manifest("x", None, None, spec, 0.5, (), {}, "", 1, Parity(0.0, 0))


@pytest.fixture
def time() -> Time:
    return Time()


def early_artifact(time, *, limit=None, make=lambda request: manifest_of(request[0])) -> EarlyArtifact:
    clock = Clock(Budget(trials=9, seconds=limit), 0.0, now=time)
    return EarlyArtifact(lambda best: best, Leader(), Starter(), make, clock, Stop())


def test_the_first_trial_with_a_score_becomes_a_model_beside_the_others(time):
    early = early_artifact(time, limit=1000.0)
    early.look()
    assert early.executor.started == []
    early.course.best = (SPEC, TrialOutcome(3, Cause.OK, score=0.5))
    early.look()
    early.course.best = (replace(SPEC, number=4), TrialOutcome(4, Cause.OK, score=0.6))
    early.look()
    (work,) = early.executor.started
    assert early.trial is None
    before, time.seconds, work.is_done = early.clock.tail_seconds, 20.0, True
    early.look()
    assert early.trial == 3, "the trial that led when the file was begun"
    assert early.clock.tail_seconds > before + 10.0, "the last file will take as long"
    early.look()
    early.finish()
    assert len(early.executor.started) == 1


def test_a_short_search_makes_no_early_model(time):
    early = early_artifact(time, limit=30.0)
    early.course.best = (SPEC, TrialOutcome(3, Cause.OK, score=0.5))
    early.look()
    early.finish()
    assert early.executor.started == []
    assert early.trial is None


def test_at_the_end_a_model_that_is_being_made_is_waited_for(time):
    early = early_artifact(time)
    early.course.best = (SPEC, TrialOutcome(3, Cause.OK, score=0.5))
    early.look()
    early.finish()
    assert early.trial == 3


def test_a_model_that_is_never_made_is_given_up_in_time(time):
    early = early_artifact(time, limit=100.0)
    early.executor.is_stuck = True
    early.course.best = (SPEC, TrialOutcome(3, Cause.OK, score=0.5))
    early.look()
    time.seconds = 98.0
    early.finish()
    assert early.trial is None


def test_an_early_model_that_cannot_be_made_is_left_to_the_end(time):
    def fail(request):
        raise Boom

    early = early_artifact(time, make=fail)
    early.course.best = (SPEC, TrialOutcome(3, Cause.OK, score=0.5))
    early.look()
    early.executor.started[0].is_done = True
    early.look()
    assert early.trial is None
