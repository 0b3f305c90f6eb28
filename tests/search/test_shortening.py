"""What the driver does about a cohort that is too slow for its schedule, and that this survives a crash."""

from dataclasses import dataclass, field

from search_fakes import ScriptedExecutor, Time, make_loop

from autokeras_lite.config import Budget
from autokeras_lite.execution.executor import CohortResult
from autokeras_lite.search.clock import Clock
from autokeras_lite.search.halving import rung_epochs
from autokeras_lite.trial import Cause, EpochReport, TrialOutcome

LIMIT = 200.0
SECONDS_AN_EPOCH = 5.0


@dataclass
class SlowExecutor(ScriptedExecutor):
    """Takes five seconds for an epoch and goes by the schedule that it is told."""

    time: Time = field(default_factory=Time)
    lengths: list[int] = field(default_factory=list)

    def wait(self, report, timeout_seconds):
        cohort = self.jobs.pop(0).cohort
        current, epoch = cohort, 0
        while epoch < current.specs[0].training.epochs:
            epoch += 1
            self.time.seconds += SECONDS_AN_EPOCH
            scores = {spec.number: 0.5 for spec in cohort.specs}
            rung = current.rungs.index(epoch) if epoch in current.rungs else None
            told = report(EpochReport(cohort.number, epoch, 0, scores, scores, SECONDS_AN_EPOCH * epoch, rung))
            if told.cancel:
                break
            if told.length is not None:
                current = cohort.shortened(told.length)
        self.lengths.append(epoch)
        outcomes = [TrialOutcome(s.number, Cause.OK, score=0.5, best_epoch=1, epochs=epoch) for s in cohort.specs]
        return (CohortResult(cohort, tuple(outcomes)),)


def searched(folder, executor):
    clock = Clock(Budget(seconds=LIMIT), 0.0, now=executor.time)
    return make_loop(folder, executor, clock=clock)


def test_a_trial_that_is_too_slow_comes_to_the_end_of_a_shorter_schedule(tmp_path):
    executor = SlowExecutor()
    loop = searched(tmp_path, executor)
    loop.run()
    spec, outcome = loop.course.finished[0]
    assert spec.training.epochs == outcome.epochs < 30
    shortened = [event for event in loop.around.journal.events if event["event"] == "shortened"]
    assert [event["epochs"] for event in shortened if event["cohort"] == 1] == [outcome.epochs]
    assert loop.around.folder.read_trials()[0][0].training.epochs == outcome.epochs
    assert executor.time.seconds <= LIMIT


def test_a_search_that_goes_on_knows_of_the_shorter_schedule(tmp_path):
    executor = SlowExecutor()
    loop = searched(tmp_path, executor)
    loop.run()
    again = searched(tmp_path, SlowExecutor())
    assert again.course.finished == loop.course.finished


def test_a_cohort_that_was_left_open_goes_on_with_the_shorter_schedule(tmp_path):
    executor = SlowExecutor()
    loop = searched(tmp_path, executor)
    loop.run()
    lines = (tmp_path / "journal.jsonl").read_bytes().splitlines(keepends=True)
    place = next(number for number, line in enumerate(lines) if b'"shortened"' in line)
    (tmp_path / "journal.jsonl").write_bytes(b"".join(lines[: place + 1]))
    (cohort,) = [running.cohort for running in searched(tmp_path, SlowExecutor()).course.running.values()]
    training = loop.course.finished[0][0].training
    assert {spec.training.epochs for spec in cohort.specs} == {training.epochs}
    assert cohort.rungs == rung_epochs(training)
