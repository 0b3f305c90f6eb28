"""The heart of a search: propose, train, learn, until the budget is spent or somebody asks for the end."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from statistics import median

from autokeras_lite.errors import StorageError
from autokeras_lite.execution.executor import CohortJob, CohortResult
from autokeras_lite.models.registry import FAMILIES
from autokeras_lite.search.background import Background
from autokeras_lite.search.course import Course, Running
from autokeras_lite.search.finalists import Rescoring
from autokeras_lite.search.journal import (
    Event,
    cohort_begun,
    cohort_broke,
    cohort_ended,
    cohort_shortened,
    rung_reached,
)
from autokeras_lite.search.pace import Pace
from autokeras_lite.search.second_look import reserve_second_look
from autokeras_lite.search.surroundings import Surroundings
from autokeras_lite.tracking.tracker import TrialEnd, TrialRecord
from autokeras_lite.trial import Cause, Cohort, Directive, EpochReport, Length, TrialOutcome, TrialSpec, recipe_fields

MOST_LANES = 16
_FEW_ROWS = 5_000
_LANES_FOR_MANY_ROWS = 4
# A budget of trials is spread over at least so many structures.
_FEWEST_STRUCTURES = 4
# One cohort should not take more of the time that is left than this.
_COHORT_SHARE = 0.15
# With less time than this share of what a trial usually takes, another would come to nothing.
_LEAST_SHARE = 0.4
_KEPT_MODELS = 20
_EPOCHS_TO_STOP = 2
# A program of several lanes may be traced anew for those that are left, in the middle of any epoch.
_TRACING_SECONDS = 2.0
# How long cohorts have to hear that they must end, in the time of the deadline and when the system wants its end.
_GRACE_SECONDS = 1.0
_URGENT_SECONDS = 3.0
_READY_SECONDS = 0.2
_NOTE_SECONDS = 5.0
_FROM_OUTSIDE = (Cause.LOST, Cause.SIGNAL)
# Weights of a cohort, a checkpoint and the results must find room.
_FEWEST_FREE_BYTES = 32 * 2**20


@dataclass
class SearchLoop:
    """Trains cohort after cohort; `background` goes on beside them, `rescoring` of finalists comes after them."""

    around: Surroundings
    course: Course
    background: Sequence[Background] = ()
    rescoring: Rescoring = field(default_factory=partial(Rescoring, seeds=1))
    _submitted: set[int] = field(default_factory=set)
    _kept: list[TrialOutcome] = field(default_factory=list)
    _devices: set[str] = field(default_factory=set)
    _pace: Pace = field(default_factory=Pace)
    _noted_at: float = 0.0
    _stopped_at: float | None = None

    def run(self) -> None:
        """Spend what is left of the budget.

        Raises:
            StorageError: there is no room for results.
        """
        self._keep_best_weights([outcome for _, outcome in self.course.finished])
        self._expect_the_rest()
        self._await_executor()
        self._fill_slots()
        while self._submitted:
            self._collect()
            self._fill_slots()
        if not self.around.stop.is_asked:
            self._give_up_open()
            self._give_up_waiting()

    def _await_executor(self) -> None:
        """Wait until trials can be started, as long as one could still get somewhere."""
        around = self.around
        while around.clock.can_start and not around.stop.is_asked and not around.executor.is_ready(_READY_SECONDS):
            self._mind_the_rest()

    def _fill_slots(self) -> None:
        while len(self._submitted) < self.around.executor.slots and self._begin():
            pass

    # Beginning -----------------------------------------------------------------------------------------------------

    def _begin(self) -> bool:
        around, course = self.around, self.course
        if around.stop.is_asked or not self._has_time_for_another or course.streak.is_hopeless:
            return False
        left_open = next((one for number, one in course.running.items() if number not in self._submitted), None)
        if left_open is not None:  # an earlier process was ended while it trained
            self._submit(left_open)
            return True
        num_lanes = self._num_lanes()
        running = course.begin(num_lanes, counts_seconds=self._counts_seconds)
        if running is None:
            return False
        self._journal_begun(running, num_lanes)
        self._submit(running)
        return True

    @property
    def _counts_seconds(self) -> bool:
        """Whether the clock may decide: not where the budget is a number of trials, so that a seed repeats a search."""
        return self.around.clock.budget.trials is None

    @property
    def _has_time_for_another(self) -> bool:
        """Whether a new cohort could get anywhere: as far as those got that came to their end."""
        left = self.around.clock.training_seconds_left
        seconds = [outcome.seconds for _, outcome in self.course.finished if outcome.cause is Cause.OK]
        return self.around.clock.can_start and (left is None or not seconds or left > _LEAST_SHARE * median(seconds))

    def _journal_begun(self, running: Running, num_lanes: int) -> None:
        values = {number: proposal.values for number, proposal in running.proposals.items()}
        self._write(cohort_begun(running.cohort.number, num_lanes, values, space=running.cohort.specs[0].space))

    def _write(self, event: Event) -> None:
        self.around.journal.append({**event, "at": round(self.around.clock.elapsed_seconds, 2)})

    def _num_lanes(self) -> int:
        """Decide how many trials the next cohort may have; 0 when the budget of trials is given out.

        Without a time limit only counts decide, so that the same seed makes the same search.
        """
        plan = self.course.plan
        most = MOST_LANES if plan.num_rows <= _FEW_ROWS else _LANES_FOR_MANY_ROWS
        most = max(1, most // plan.num_folds)
        if plan.trials is not None:
            left = plan.trials - self.course.num_counted - self.course.num_under_way
            most = min(most, left, max(1, plan.trials // _FEWEST_STRUCTURES))
        seconds_left = self.around.clock.training_seconds_left
        if seconds_left is not None:
            most = min(most, self._lanes_in_time(seconds_left))
        return most

    def _lanes_in_time(self, seconds_left: float) -> int:
        seconds = [outcome.seconds for _, outcome in self.course.finished if outcome.score is not None]
        if not seconds:
            return 1  # nothing is known of the cost yet, and one model should stand early
        return max(1, int(_COHORT_SHARE * seconds_left / max(sum(seconds) / len(seconds), 1e-3)))

    def _submit(self, running: Running) -> None:
        cohort, around = running.cohort, self.around
        self._check_room()
        self._submitted.add(cohort.number)
        folder = around.folder
        around.executor.submit(
            CohortJob(cohort, around.task, folder.data, folder.trials, folder.checkpoint(running.first))
        )
        around.observer.cohort_started(cohort)
        self._tell_trials(cohort)

    def _tell_trials(self, cohort: Cohort) -> None:
        for lane, spec in enumerate(cohort.specs):
            names = recipe_fields(FAMILIES[spec.family].config_type)
            self.around.tracker.start_trial(TrialRecord(spec, cohort.number, lane, time.time(), names))

    def _check_room(self) -> None:
        path = self.around.folder.path
        free = shutil.disk_usage(path).free
        if free < _FEWEST_FREE_BYTES:
            raise StorageError(
                f"The disk of {path} has {free // 2**20} MB left. Expected {_FEWEST_FREE_BYTES // 2**20} MB for the "
                "next trials. Free some space, then go on with the same command: nothing that was finished is lost."
            )

    # Listening -----------------------------------------------------------------------------------------------------

    def _answer(self, report: EpochReport) -> Directive:
        self.around.observer.epoch_finished(report)
        if self._must_end(report):
            return Directive(cancel=True)
        length = self._fit_into_time(report)
        if report.rung is None:
            return Directive(length=length)
        if not self.course.was_judged(report):
            self._write(rung_reached(report.cohort, report.rung, report.scores))
        return Directive(prune=self.course.judge(report), length=length)

    def _fit_into_time(self, report: EpochReport) -> Length | None:
        """Shorten the schedule of a cohort that would not come to its end in time."""
        training = self.course.running[report.cohort].cohort.specs[0].training
        left, is_first = self.around.clock.training_seconds_left, self.course.best is None
        epochs = self._pace.fit(report, training, left, is_first=is_first)
        if epochs is None:
            return None
        self._write(cohort_shortened(report.cohort, epochs))
        length = self.course.shorten(report.cohort, epochs)
        self._tell_trials(self.course.running[report.cohort].cohort)
        return length

    def _must_end(self, report: EpochReport) -> bool:
        """Say whether a cohort must stop now to be over in time: it hears the answer one epoch later."""
        clock = self.around.clock
        left = clock.training_seconds_left
        needed = _EPOCHS_TO_STOP * report.seconds / report.epoch
        if len(report.scores) * self.course.plan.num_folds > 1:
            needed += _TRACING_SECONDS * clock.slowness()
        return self.around.stop.is_asked or (left is not None and left < needed)

    def _collect(self) -> None:
        left = self.around.clock.training_seconds_left
        for result in self.around.executor.wait(self._answer, 1.0 if left is None else min(1.0, max(left, 0.1))):
            self._take(result)
        self._mind_the_rest()
        if left is not None and left < -_GRACE_SECONDS:
            self._abandon(Cause.TIMEOUT, "An epoch was not over in time at the deadline.")

    def _mind_the_rest(self) -> None:
        for work in self.background:
            work.look()
        self._note_time()
        self._mind_stop()

    def _mind_stop(self) -> None:
        """Tell the person once that the end was asked for, and give up what does not hear of it in time."""
        stop, now = self.around.stop, self.around.clock.now()
        if not stop.is_asked:
            return
        if self._stopped_at is None:
            self._stopped_at = now
            self.around.observer.stopping(stop.reason)
        if stop.is_urgent and now - self._stopped_at > _URGENT_SECONDS:
            for number in self._submitted:
                self.around.executor.drop(number)
            self._submitted.clear()  # the journal has them as begun: they go on with the search

    def _take(self, result: CohortResult) -> None:
        """Make durable what came of a cohort, and only then learn from it and tell of it."""
        around = self.around
        # Its schedule may have become shorter while it trained.
        result = replace(result, cohort=self.course.running[result.cohort.number].cohort)
        self._submitted.discard(result.cohort.number)
        if around.stop.is_asked and any(outcome.cause is Cause.CANCELLED for outcome in result.outcomes):
            self._take_for_now(result)
            return
        if around.stop.is_asked and all(outcome.cause in _FROM_OUTSIDE for outcome in result.outcomes):
            return  # whoever ends this process ended that one too: the journal has it as begun, and it goes on
        if all(outcome.cause is Cause.LOST for outcome in result.outcomes):
            self._check_room()  # if that is why, the cohort stays begun, and goes on when there is room
        retry = self.course.retry_of(result)
        if retry is not None:
            first = result.outcomes[0]
            self._write(cohort_broke(result.cohort.number, first.cause, first.message))
            self._discard_checkpoint(result.cohort, retry.groups)
            self.course.try_again(result, retry)
            around.observer.attempt_failed(result.cohort, first, retry.how)
            return
        self._end(result.cohort, self.course.outcomes_of(result))

    def _end(self, cohort: Cohort, outcomes: Sequence[TrialOutcome]) -> None:
        around = self.around
        for spec, outcome in zip(cohort.specs, outcomes, strict=True):
            around.folder.write_trial(spec, outcome)
            # Before the journal: what a crash leaves untold is trained and told again, and nothing is told twice.
            around.tracker.finish_trial(TrialEnd(outcome, time.time(), cohort.rungs))
        # The outbox may not find room where the journal still does: then nothing was told, and the cohort goes on.
        self._check_room()
        self._write(cohort_ended(cohort.number, outcomes))
        self._discard_checkpoint(cohort)
        self._tell_device(outcomes)
        for (spec, outcome), is_best in self.course.end(cohort.number, outcomes):
            around.observer.trial_finished(spec, outcome, is_best=is_best)
        self.course.proposer.record()
        self._expect_the_rest()
        self._keep_best_weights(outcomes)

    def _discard_checkpoint(self, cohort: Cohort, groups: Sequence[tuple[TrialSpec, ...]] = ()) -> None:
        """Delete how far a cohort has come, unless the very same trials are trained again."""
        if cohort.specs not in groups:
            self.around.folder.discard_checkpoint(self.course.running[cohort.number].first)

    def _expect_the_rest(self) -> None:
        if self.course.best is not None and self.course.plan.num_folds > 1:
            self.around.clock.expect_refit(self.course.best[1])
        reserve_second_look(self.course, self.around.clock, self.rescoring)

    def _take_for_now(self, result: CohortResult) -> None:
        """Take what an interrupted cohort had reached: it may be the best model now, and goes on with the search."""
        outcomes = self.course.outcomes_of(result)
        for spec, outcome in zip(result.cohort.specs, outcomes, strict=True):
            self.around.folder.write_trial(spec, outcome)
        self.course.end_for_now(result.cohort.number, outcomes)

    def _tell_device(self, outcomes: Sequence[TrialOutcome]) -> None:
        devices = {outcome.device for outcome in outcomes if outcome.device} - self._devices
        for device in sorted(devices):
            self.around.observer.note(f"Trials are trained on the {device}.")
        self._devices |= devices

    def _keep_best_weights(self, outcomes: Sequence[TrialOutcome]) -> None:
        """Delete the weights of trials that have left the best; a cohort that still runs may have written its own."""
        scored = [*self._kept, *(outcome for outcome in outcomes if outcome.score is not None)]
        ranked = sorted(scored, key=self.course.rank)
        self._kept = ranked[:_KEPT_MODELS]
        self.around.folder.drop_weights(outcome.number for outcome in ranked[_KEPT_MODELS:])

    def _note_time(self) -> None:
        now = self.around.clock.now()
        if now - self._noted_at >= _NOTE_SECONDS:
            self._noted_at = now
            self.around.folder.note_seconds(self.around.clock.elapsed_seconds)

    # Ending --------------------------------------------------------------------------------------------------------

    def _abandon(self, cause: Cause, message: str) -> None:
        """Give up cohorts that did not hear in time: a long epoch, or the compilation of a large model."""
        for running in [self.course.running[number] for number in sorted(self._submitted)]:
            self.around.executor.drop(running.cohort.number)
            self._submitted.discard(running.cohort.number)
            outcomes = tuple(TrialOutcome(spec.number, cause, message=message) for spec in running.cohort.specs)
            self._end(running.cohort, self.course.outcomes_of(CohortResult(running.cohort, outcomes)))

    def _give_up_open(self) -> None:
        """End what an earlier process left open and this one had no time for, with what it had reached by then."""
        for running in list(self.course.running.values()):
            cohort = running.cohort
            reached = [self.around.folder.read_outcome(spec) for spec in cohort.specs]
            self._end(cohort, [outcome or _no_time(spec) for spec, outcome in zip(cohort.specs, reached, strict=True)])

    def _give_up_waiting(self) -> None:
        """End trials for whose next attempt no time is left, with the cause of the last one."""
        while self.course.has_waiting:
            running = self.course.begin(0)
            assert running is not None
            self._journal_begun(running, 0)
            self._end(running.cohort, self.course.last_failures(running.cohort))


def _no_time(spec: TrialSpec) -> TrialOutcome:
    return TrialOutcome(spec.number, Cause.TIMEOUT, message="No time was left to go on with it.")
