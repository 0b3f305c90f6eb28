import json
from collections import Counter
from dataclasses import replace

import pytest
from search_fakes import (
    CONVOLUTIONS,
    LOSS_TASK,
    SMALL,
    SMALL_SIZE,
    SPEC,
    ScriptedExecutor,
    Time,
    diverging,
    failing,
    make_loop,
    scored,
    small_space,
)

from autokeras_lite.config import Budget
from autokeras_lite.execution.executor import CohortResult
from autokeras_lite.search.clock import Clock
from autokeras_lite.search.leaderboard import make_leaderboard
from autokeras_lite.search.loop import MOST_LANES
from autokeras_lite.search.observer import SilentObserver
from autokeras_lite.tracking.null import NullTracker
from autokeras_lite.tracking.tracker import TrialEnd, TrialRecord
from autokeras_lite.trial import Cause, EpochReport, TrialOutcome, TrialStatus


def counted(loop) -> Counter:
    return Counter(outcome.status for _, outcome in loop.course.finished)


@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize("trials", [1, 2, 3, 4, 5, 7, 10, 16, 25, 40])
def test_a_budget_of_trials_is_spent_exactly(trials, slots, tmp_path):
    executor = ScriptedExecutor(slots=slots)
    loop = make_loop(tmp_path, executor, trials=trials)
    loop.run()
    assert len(loop.course.finished) == trials
    assert sorted(spec.number for spec, _ in loop.course.finished) == list(range(1, trials + 1))
    assert all(len(cohort.specs) <= MOST_LANES for cohort in executor.cohorts)


@pytest.mark.parametrize("trials", [1, 6, 20])
def test_failures_do_not_eat_the_budget(trials, tmp_path):
    def every_third_fails(spec):
        return failing(spec) if spec.number % 3 == 0 else scored(spec)

    loop = make_loop(tmp_path, ScriptedExecutor(every_third_fails, slots=2), trials=trials)
    loop.run()
    counts = counted(loop)
    assert counts[TrialStatus.COMPLETED] + counts[TrialStatus.PRUNED] == trials
    assert counts[TrialStatus.FAILED] > 0 or trials == 1


def test_pruned_trials_count_as_trials(tmp_path):
    executor = ScriptedExecutor(rung_score=lambda spec: float(spec.number))
    loop = make_loop(tmp_path, executor, trials=20)
    loop.run()
    counts = counted(loop)
    assert counts[TrialStatus.PRUNED] > 0
    assert sum(counts.values()) == 20


def test_a_small_space_ends_the_search_before_its_budget(tmp_path):
    loop = make_loop(tmp_path, ScriptedExecutor(), trials=100, spaces=(small_space(SMALL, "small"),))
    loop.run()
    assert len(loop.course.finished) == SMALL_SIZE


@pytest.mark.parametrize("script", [failing, diverging])
def test_a_search_in_which_everything_fails_for_one_reason_is_given_up(script, tmp_path):
    loop = make_loop(tmp_path, ScriptedExecutor(script), trials=3)
    loop.run()
    assert loop.course.best is None
    assert loop.course.streak.length == 6 == len(loop.course.finished)


def test_failures_for_changing_reasons_do_not_end_a_search(tmp_path):
    def three_reasons(spec):
        return [scored, failing, diverging][spec.number % 3](spec) if spec.number > 8 else failing_in_turn(spec)

    def failing_in_turn(spec):
        return [failing, diverging][spec.number % 2](spec)

    loop = make_loop(tmp_path, ScriptedExecutor(three_reasons), trials=3)
    loop.run()
    assert counted(loop)[TrialStatus.COMPLETED] == 3


def test_one_structure_that_fails_with_all_its_lanes_does_not_end_the_search(tmp_path):
    executor = ScriptedExecutor()
    executor.script = lambda spec: failing(spec) if spec in executor.cohorts[0].specs else scored(spec)
    loop = make_loop(tmp_path, executor, trials=60)
    loop.run()
    assert len(executor.cohorts[0].specs) > 10
    assert counted(loop)[TrialStatus.FAILED] == len(executor.cohorts[0].specs)
    assert len(loop.course.finished) - len(executor.cohorts[0].specs) == 60


def test_the_first_trial_is_the_default_and_every_configuration_is_new(tmp_path):
    space = small_space()
    loop = make_loop(tmp_path, ScriptedExecutor(slots=2), trials=30)
    loop.run()
    by_number = sorted(loop.course.finished, key=lambda pair: pair[0].number)
    assert by_number[0][0].origin == "default"
    assert (by_number[0][0].config, by_number[0][0].training) == space.assemble(space.defaults())
    configs = {
        json.dumps([spec.to_json()["config"], spec.to_json()["training"]], sort_keys=True) for spec, _ in by_number
    }
    assert len(configs) == 30


def test_the_same_seed_makes_the_same_specs(tmp_path):
    def specs(run: int, seed: int) -> list:
        (tmp_path / str(run)).mkdir()
        loop = make_loop(tmp_path / str(run), ScriptedExecutor(), trials=12, seed=seed)
        loop.run()
        return [spec for spec, _ in loop.course.finished]

    first = specs(1, seed=0)
    assert first == specs(2, seed=0)
    assert [spec.config for spec in first] != [spec.config for spec in specs(3, seed=1)]


def test_the_best_trial_is_kept_in_the_direction_of_the_metric(tmp_path):
    loop = make_loop(tmp_path, ScriptedExecutor(), trials=8, task=LOSS_TASK)
    loop.run()
    assert loop.course.best[0].number == 8
    assert loop.course.best[1].score == min(outcome.score for _, outcome in loop.course.finished)


@pytest.mark.parametrize(
    ("num_rows", "num_folds", "most"), [(1000, 1, 16), (1000, 5, 3), (50_000, 1, 4), (50_000, 5, 1)]
)
def test_lanes_grow_with_few_rows_and_shrink_with_folds(num_rows, num_folds, most, tmp_path):
    executor = ScriptedExecutor()
    make_loop(tmp_path, executor, trials=64, num_rows=num_rows, num_folds=num_folds).run()
    assert max(len(cohort.specs) for cohort in executor.cohorts) == most
    assert {cohort.folds for cohort in executor.cohorts} == {tuple(range(num_folds))}


def test_of_equal_trials_the_first_by_number_is_the_best_whichever_ended_first(tmp_path):
    class LastFirst(ScriptedExecutor):
        def wait(self, report, timeout_seconds):
            self.jobs.reverse()
            return super().wait(report, timeout_seconds)

    executor = LastFirst(lambda spec: TrialOutcome(spec.number, Cause.OK, score=0.5), slots=3)
    loop = make_loop(tmp_path, executor, trials=3)
    loop.run()
    assert [spec.number for spec, _ in loop.course.finished] != [1, 2, 3]
    assert loop.course.best[0].number == 1
    assert make_leaderboard(loop.course.finished, "maximize")["trial"][0] == 1


class Looking:
    """Counts what it sees of the finished trials."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def look(self) -> None:
        self.seen.append(len(self.loop.course.finished))


def test_what_goes_on_beside_the_trials_is_looked_at_after_every_message(tmp_path):
    looking = Looking()
    looking.loop = make_loop(tmp_path, ScriptedExecutor(slots=2), trials=3, background=(looking,))
    looking.loop.run()
    assert looking.seen == [1, 2, 3]


def test_a_budget_of_trials_is_spread_over_several_structures(tmp_path):
    executor = ScriptedExecutor()
    make_loop(tmp_path, executor, trials=8).run()
    assert len(executor.cohorts) >= 4


def test_structures_without_lanes_train_alone(tmp_path):
    executor = ScriptedExecutor()
    make_loop(tmp_path, executor, trials=8, spaces=(small_space(CONVOLUTIONS, "convolutions"),)).run()
    assert [len(cohort.specs) for cohort in executor.cohorts] == [1] * 8


def test_a_result_is_on_disk_before_the_tracker_hears_of_it(tmp_path):
    class CarefulTracker(NullTracker):
        def finish_trial(self, end):
            stored = json.loads((tmp_path / "trials" / f"{end.outcome.number:04d}" / "result.json").read_text())
            assert stored["outcome"]["score"] == end.outcome.score
            super().finish_trial(end)

    tracker = CarefulTracker()
    loop = make_loop(tmp_path, ScriptedExecutor(slots=2), trials=6, tracker=tracker)
    loop.run()
    began = [event.spec.number for event in tracker.events if isinstance(event, TrialRecord)]
    ended = [event.outcome.number for event in tracker.events if isinstance(event, TrialEnd)]
    assert sorted(began) == sorted(ended) == [1, 2, 3, 4, 5, 6]
    assert loop.around.folder.read_trials() == sorted(loop.course.finished, key=lambda pair: pair[0].number)


def test_the_observer_hears_of_each_new_best(tmp_path):
    class Watching(SilentObserver):
        def __init__(self) -> None:
            self.bests: list[int] = []

        def trial_finished(self, spec, outcome, *, is_best):
            self.bests += [spec.number] if is_best else []

    def rising_and_falling(spec):
        return TrialOutcome(spec.number, Cause.OK, score={1: 0.5, 2: 0.7, 3: 0.6, 4: 0.7, 5: 0.8}[spec.number])

    watching = Watching()
    make_loop(tmp_path, ScriptedExecutor(rising_and_falling), trials=5, observer=watching).run()
    assert watching.bests == [1, 2, 5]


class TimedExecutor(ScriptedExecutor):
    """Lets each cohort take as long as `seconds` says of its number, before its first rung."""

    def __init__(self, time: Time, seconds, **more) -> None:
        super().__init__(**more)
        self.time, self.cohort_seconds = time, seconds

    def wait(self, report, timeout_seconds):
        self.time.seconds += self.cohort_seconds(self.jobs[0].cohort.number)
        return super().wait(report, timeout_seconds)


def test_at_the_deadline_what_trains_is_cancelled_and_keeps_its_score(tmp_path):
    time = Time()
    executor = TimedExecutor(time, lambda number: 10.0 if number < 3 else 78.0)
    loop = make_loop(tmp_path, executor, clock=Clock(Budget(seconds=100.0), 0.0, now=time))
    loop.run()
    causes = [[o.cause for s, o in loop.course.finished if s in cohort.specs] for cohort in executor.cohorts]
    assert set(causes[-1]) == {Cause.CANCELLED}
    assert len(causes) == 3
    assert all(outcome.score is not None for _, outcome in loop.course.finished)


def test_without_time_for_a_single_trial_none_is_begun(tmp_path):
    loop = make_loop(tmp_path, ScriptedExecutor(), clock=Clock(Budget(seconds=2.0), 0.0, now=Time()))
    loop.run()
    assert loop.course.finished == []
    assert loop.around.executor.cohorts == []


class DeafExecutor(ScriptedExecutor):
    """Its second cohort never says anything."""

    def __init__(self, time: Time) -> None:
        super().__init__()
        self.time = time

    def wait(self, report, timeout_seconds):
        self.time.seconds += 5.0
        return () if self.jobs[0].cohort.number > 1 else super().wait(report, timeout_seconds)


def test_a_cohort_that_does_not_hear_is_given_up_after_the_deadline(tmp_path):
    time = Time()
    loop = make_loop(tmp_path, DeafExecutor(time), clock=Clock(Budget(seconds=60.0), 0.0, now=time))
    loop.run()
    assert loop.course.finished[0][1].cause is Cause.OK
    assert {outcome.cause for _, outcome in loop.course.finished[1:]} == {Cause.TIMEOUT}
    assert time.seconds < 90.0
    assert not loop.around.executor.jobs, "it is dropped, so that it does not compete with what follows"


@pytest.mark.parametrize(("elapsed", "ends"), [(30.0, False), (37.0, True)])
def test_a_cohort_hears_two_epochs_before_the_deadline_that_it_must_end(tmp_path, elapsed, ends):
    time = Time()
    loop = make_loop(tmp_path, ScriptedExecutor(), clock=Clock(Budget(seconds=60.0), 0.0, now=time))
    loop.course.begin(1)
    time.seconds = elapsed  # 4 seconds are kept for the tail, so 26 or 19 are left
    report = EpochReport(1, epoch=3, epochs=60, scores={}, losses={}, seconds=30.0)
    assert loop._answer(report).cancel is ends


def test_with_a_time_limit_one_model_stands_before_many_train_together(tmp_path):
    time = Time()
    executor = TimedExecutor(time, lambda number: 5.0)
    make_loop(tmp_path, executor, clock=Clock(Budget(seconds=60.0), 0.0, now=time)).run()
    assert len(executor.cohorts[0].specs) == 1
    assert max(len(cohort.specs) for cohort in executor.cohorts) > 4


class WritingExecutor(ScriptedExecutor):
    """Writes the weights of every trial as soon as it is submitted: long before its result is asked for."""

    def submit(self, job):
        super().submit(job)
        for spec in job.cohort.specs:
            folder = job.trials_folder / f"{spec.number:04d}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "weights-0.npz").write_bytes(b"")

    def wait(self, report, timeout_seconds):
        results = super().wait(report, timeout_seconds)
        for result in results:
            for outcome in result.outcomes:
                assert (self.trials_folder / f"{outcome.number:04d}" / "weights-0.npz").exists(), "deleted too early"
        return results


def test_only_the_weights_of_the_best_trials_stay_and_none_goes_before_its_result_has_come(tmp_path):
    executor = WritingExecutor(slots=3)
    executor.trials_folder = tmp_path / "trials"
    loop = make_loop(tmp_path, executor, trials=40)
    loop.run()
    kept = sorted(int(file.parent.name) for file in (tmp_path / "trials").glob("*/weights-0.npz"))
    best = sorted(loop.course.finished, key=lambda pair: -pair[1].score)[:20]
    assert kept == sorted(spec.number for spec, _ in best)


# Attempts ------------------------------------------------------------------------------------------------------------


class Telling(SilentObserver):
    def __init__(self) -> None:
        self.again: list[str] = []
        self.reasons: list[str] = []

    def attempt_failed(self, cohort, outcome, again):
        self.again.append(f"{outcome.cause} of {len(cohort.specs)}: {again}")

    def stopping(self, reason):
        self.reasons.append(reason)


def lose(cohort) -> CohortResult:
    return CohortResult(cohort, tuple(TrialOutcome(s.number, Cause.SIGNAL, message="killed") for s in cohort.specs))


class LosingExecutor(ScriptedExecutor):
    """Loses its first cohort, as when the system kills a child."""

    def wait(self, report, timeout_seconds):
        (result,) = super().wait(report, timeout_seconds)
        return (lose(result.cohort) if result.cohort.number == 1 else result,)


def test_trials_that_were_lost_together_are_trained_one_by_one_and_keep_their_numbers(tmp_path):
    executor, telling = LosingExecutor(), Telling()
    loop = make_loop(tmp_path, executor, trials=12, observer=telling)
    loop.run()
    assert [len(cohort.specs) for cohort in executor.cohorts[:4]] == [3, 1, 1, 1]
    assert sorted(spec.number for spec, _ in loop.course.finished) == list(range(1, 13))
    assert telling.again == ["SIGNAL of 3: its 3 trials are trained one by one"]
    earlier = {o.number: [(a.cause, a.cohort, a.lanes) for a in o.earlier] for _, o in loop.course.finished}
    assert earlier == {number: [(Cause.SIGNAL, 1, 3)] if number < 4 else [] for number in range(1, 13)}


def test_what_a_cohort_had_reached_when_it_failed_is_not_taken_up_by_the_next_attempt(tmp_path):
    class Reached(LosingExecutor):
        def submit(self, job):
            assert not job.checkpoint_folder.exists()
            job.checkpoint_folder.mkdir(parents=True)
            super().submit(job)

    executor = Reached()
    make_loop(tmp_path, executor, trials=8).run()
    assert len({cohort.number for cohort in executor.cohorts}) == len(executor.cohorts)
    assert not list((tmp_path / "checkpoints").iterdir())


def test_at_the_deadline_trials_that_wait_for_another_attempt_end_with_the_cause_of_the_last(tmp_path):
    time = Time()

    class Slow(ScriptedExecutor):
        def wait(self, report, timeout_seconds):
            time.seconds = 95.0
            return (lose(self.jobs.pop(0).cohort),)

    executor = Slow()
    loop = make_loop(tmp_path, executor, trials=1, clock=Clock(Budget(seconds=100.0), 0.0, now=time))
    loop.run()
    ((_, outcome),) = loop.course.finished
    assert (outcome.cause, outcome.message, len(outcome.earlier)) == (Cause.SIGNAL, "killed", 0)
    assert len(executor.cohorts) == 1, "there was no time for another attempt"


# Stopping ------------------------------------------------------------------------------------------------------------


class StoppingExecutor(ScriptedExecutor):
    """Somebody asks for the end while the second cohort trains."""

    def wait(self, report, timeout_seconds):
        if self.jobs[0].cohort.number == 2:
            self.stop.ask()
        return super().wait(report, timeout_seconds)


def test_when_the_end_is_asked_for_nothing_begins_and_what_trains_goes_on_with_the_search(tmp_path):
    telling = Telling()
    loop = make_loop(tmp_path, executor := StoppingExecutor(), trials=8, observer=telling)
    executor.stop = loop.around.stop
    loop.run()
    assert [outcome.cause for _, outcome in loop.course.finished][-2:] == [Cause.CANCELLED] * 2
    assert len(executor.cohorts) == 2
    assert len(telling.reasons) == 1
    again = make_loop(tmp_path, ScriptedExecutor(), trials=8)
    assert [spec.number for spec, _ in again.course.finished] == [1, 2]
    assert list(again.course.running) == [2]
    again.run()
    assert sorted(spec.number for spec, _ in again.course.finished) == list(range(1, 9))
    assert {outcome.cause for _, outcome in again.course.finished} == {Cause.OK}


def test_a_model_that_an_interrupted_cohort_has_reached_may_be_the_best_for_now(tmp_path):
    class Better(StoppingExecutor):
        def _obey(self, running, directive):
            return {
                number: TrialOutcome(number, outcome.cause, score=0.99)
                for number, outcome in super()._obey(running, directive).items()
            }

    loop = make_loop(tmp_path, executor := Better(), trials=8)
    executor.stop = loop.around.stop
    loop.run()
    assert loop.course.best[1].score == 0.99
    assert loop.around.folder.has_trial(*loop.course.best)


def test_when_the_end_is_urgent_what_does_not_hear_is_given_up_and_goes_on_with_the_search(tmp_path):
    time = Time()

    class Deaf(ScriptedExecutor):
        def wait(self, report, timeout_seconds):
            self.stop.ask(urgent=True)
            time.seconds += 1.0
            return ()

    clock = Clock(Budget(trials=8), 0.0, now=time)
    loop = make_loop(tmp_path, executor := Deaf(slots=2), trials=8, clock=clock)
    executor.stop = loop.around.stop
    loop.run()
    assert time.seconds < 10.0
    assert not executor.jobs
    assert not loop.course.finished
    assert list(make_loop(tmp_path, ScriptedExecutor(), trials=8).course.running) == [1, 2]


def test_a_cohort_that_was_cancelled_without_anyone_asking_for_the_end_counts(tmp_path):
    executor = ScriptedExecutor(lambda spec: TrialOutcome(spec.number, Cause.CANCELLED, score=0.5))
    loop = make_loop(tmp_path, executor, trials=2)
    loop.run()
    assert len(make_loop(tmp_path, ScriptedExecutor(), trials=2).course.finished) == 2


# Going on ------------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The driver is gone."""


def test_a_search_goes_on_with_fewer_workers_than_it_had(tmp_path):
    class Dying(ScriptedExecutor):
        def wait(self, report, timeout_seconds):
            raise Killed

    with pytest.raises(Killed):
        make_loop(tmp_path, Dying(slots=3), trials=8).run()
    loop = make_loop(tmp_path, ScriptedExecutor(slots=1), trials=8)
    assert len(loop.course.running) == 3
    loop.run()
    assert sorted(spec.number for spec, _ in loop.course.finished) == list(range(1, 9))


@pytest.mark.parametrize(("left", "begins"), [(10.0, False), (20.0, True)])
def test_no_cohort_is_begun_that_could_not_get_far(tmp_path, left, begins):
    time = Time()
    loop = make_loop(tmp_path, ScriptedExecutor(), clock=Clock(Budget(seconds=100.0), 0.0, now=time))
    for number in (1, 2, 3):
        spec = replace(SPEC, number=number)
        loop.course.finished.append((spec, TrialOutcome(number, Cause.OK, score=0.5, seconds=40.0)))
    time.seconds = 100.0 - loop.around.clock.tail_seconds - left
    assert loop._begin() is begins
