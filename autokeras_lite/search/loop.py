"""The heart of a search: propose, train, learn, until the budget is spent."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from autokeras_lite.errors import TrialError
from autokeras_lite.execution.executor import CohortJob, CohortResult, Executor
from autokeras_lite.models.registry import FAMILIES
from autokeras_lite.search.clock import Clock
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.halving import Halving, rung_epochs
from autokeras_lite.search.observer import Observer
from autokeras_lite.search.proposer import Proposer
from autokeras_lite.search.study import Proposal
from autokeras_lite.tasks.task import Task
from autokeras_lite.tracking.tracker import Tracker, TrialEnd, TrialRecord
from autokeras_lite.trial import (
    Cause,
    Cohort,
    Directive,
    EpochReport,
    TrialOutcome,
    TrialSpec,
    TrialStatus,
    recipe_fields,
)

MOST_LANES = 16
_FEW_ROWS = 5_000
_LANES_FOR_MANY_ROWS = 4
# A budget of trials is spread over at least so many structures.
_FEWEST_STRUCTURES = 4
# One cohort should not take more of the time that is left than this.
_COHORT_SHARE = 0.15
_KEPT_MODELS = 20
_MOST_FAILED_COHORTS_IN_A_ROW = 6
_GRACE_SECONDS = 5.0
_EPOCHS_TO_STOP = 2


@dataclass(frozen=True)
class Surroundings:
    """Everything that a search works with: built once, handed in."""

    task: Task
    executor: Executor
    tracker: Tracker
    observer: Observer
    folder: SearchFolder
    clock: Clock


@dataclass(frozen=True)
class Plan:
    """What is fixed for all trials: the seed, the folds, the number of training rows, the budget of trials."""

    seed: int
    num_folds: int
    num_rows: int
    trials: int | None


@dataclass
class _Running:
    cohort: Cohort
    proposals: Mapping[int, Proposal]


@dataclass
class SearchLoop:
    """Trains cohort after cohort and remembers what came of them."""

    around: Surroundings
    plan: Plan
    proposer: Proposer
    finished: list[tuple[TrialSpec, TrialOutcome]] = field(default_factory=list)
    best: tuple[TrialSpec, TrialOutcome] | None = None
    _running: dict[int, _Running] = field(default_factory=dict)
    _kept: list[TrialOutcome] = field(default_factory=list)
    _num_started: int = 0
    _num_cohorts: int = 0
    _failed_cohorts_in_a_row: int = 0
    _devices: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._halving = Halving(self.around.task.direction)

    def run(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Spend the budget. `meanwhile` is called once, when the first cohorts have begun to train.

        Raises:
            TrialError: no trial came to a score.
        """
        self._fill_slots()
        meanwhile()
        while self._running:
            self._collect()
            self._fill_slots()
        if self.best is None:
            raise TrialError(self._why_nothing())

    def _fill_slots(self) -> None:
        while len(self._running) < self.around.executor.slots and self._start_cohort():
            pass

    # Starting ------------------------------------------------------------------------------------------------------

    def _start_cohort(self) -> bool:
        if not self.around.clock.can_start or self._failed_cohorts_in_a_row >= _MOST_FAILED_COHORTS_IN_A_ROW:
            return False
        num_lanes = self._num_lanes()
        proposals = self.proposer.propose(num_lanes) if num_lanes > 0 else ()
        if not proposals:
            return False
        self._submit(self._make_running(proposals))
        return True

    def _num_lanes(self) -> int:
        """Decide how many trials the next cohort may have; 0 when the budget of trials is given out.

        Without a time limit only counts decide, so that the same seed makes the same search.
        """
        most = MOST_LANES if self.plan.num_rows <= _FEW_ROWS else _LANES_FOR_MANY_ROWS
        most = max(1, most // self.plan.num_folds)
        if self.plan.trials is not None:
            counted = sum(outcome.status is not TrialStatus.FAILED for _, outcome in self.finished)
            left = self.plan.trials - counted - sum(len(r.cohort.specs) for r in self._running.values())
            most = min(most, left, max(1, self.plan.trials // _FEWEST_STRUCTURES))
        seconds_left = self.around.clock.training_seconds_left
        if seconds_left is not None:
            most = min(most, self._lanes_in_time(seconds_left))
        return most

    def _lanes_in_time(self, seconds_left: float) -> int:
        seconds = [outcome.seconds for _, outcome in self.finished if outcome.score is not None]
        if not seconds:
            return 1  # nothing is known of the cost yet, and one model should stand early
        return max(1, int(_COHORT_SHARE * seconds_left / max(sum(seconds) / len(seconds), 1e-3)))

    def _make_running(self, proposals: tuple[Proposal, ...]) -> _Running:
        specs = []
        for proposal in proposals:
            config, training = proposal.space.assemble(proposal.values)
            self._num_started += 1
            number = self._num_started
            seed = (self.plan.seed * 100_003 + number) % 2**31
            name, family = proposal.space.name, proposal.space.family
            specs.append(TrialSpec(number, name, family, config, training, seed, proposal.origin))
        self._num_cohorts += 1
        cohort = Cohort(
            number=self._num_cohorts,
            specs=tuple(specs),
            batch_seed=self.plan.seed % 2**30,
            folds=tuple(range(self.plan.num_folds)),
            rungs=rung_epochs(specs[0].training.epochs),
        )
        numbers = [spec.number for spec in specs]
        return _Running(cohort, dict(zip(numbers, proposals, strict=True)))

    def _submit(self, running: _Running) -> None:
        cohort, around = running.cohort, self.around
        self._running[cohort.number] = running
        around.executor.submit(CohortJob(cohort, around.task, around.folder.data, around.folder.trials))
        around.observer.cohort_started(cohort)
        for lane, spec in enumerate(cohort.specs):
            names = recipe_fields(FAMILIES[spec.family].config_type)
            around.tracker.start_trial(TrialRecord(spec, cohort.number, lane, time.time(), names))

    # Listening -----------------------------------------------------------------------------------------------------

    def _answer(self, report: EpochReport) -> Directive:
        self.around.observer.epoch_finished(report)
        if self._must_end(report):
            return Directive(cancel=True)
        if report.rung is None:
            return Directive()
        proposals = self._running[report.cohort].proposals
        for number, score in report.scores.items():
            self.proposer.report(proposals[number], report.rung, score)
        return Directive(prune=self._halving.judge(report.rung, report.scores))

    def _must_end(self, report: EpochReport) -> bool:
        """Say whether a cohort must stop now to be over in time: it hears the answer one epoch later."""
        left = self.around.clock.training_seconds_left
        return left is not None and left < _EPOCHS_TO_STOP * report.seconds / report.epoch

    def _collect(self) -> None:
        left = self.around.clock.training_seconds_left
        for result in self.around.executor.wait(self._answer, 1.0 if left is None else min(1.0, max(left, 0.1))):
            self._take(result)
        if left is not None and left < -_GRACE_SECONDS:
            self._abandon()

    def _take(self, result: CohortResult) -> None:
        running = self._running.pop(result.cohort.number)
        self._tell_device(result.outcomes)
        for spec, outcome in zip(result.cohort.specs, result.outcomes, strict=True):
            self.around.folder.write_trial(spec, outcome)
            self.proposer.learn(running.proposals[spec.number], spec.number, outcome)
            self.around.tracker.finish_trial(TrialEnd(outcome, time.time()))
            self.finished.append((spec, outcome))
            self.around.observer.trial_finished(spec, outcome, is_best=self._is_best(spec, outcome))
        has_failed = all(outcome.status is TrialStatus.FAILED for outcome in result.outcomes)
        self._failed_cohorts_in_a_row = self._failed_cohorts_in_a_row + 1 if has_failed else 0
        self._keep_best_weights(result.outcomes)

    def _tell_device(self, outcomes: Sequence[TrialOutcome]) -> None:
        devices = {outcome.device for outcome in outcomes if outcome.device} - self._devices
        for device in sorted(devices):
            self.around.observer.note(f"Trials are trained on the {device}.")
        self._devices |= devices

    def _is_best(self, spec: TrialSpec, outcome: TrialOutcome) -> bool:
        """Say whether a trial leads now: of equal ones the first by number does, whichever ended first."""
        if outcome.score is None:
            return False
        if self.best is not None and self._rank(outcome) > self._rank(self.best[1]):
            return False
        self.best = (spec, outcome)
        if self.plan.num_folds > 1:
            self.around.clock.expect_refit(outcome.seconds)
        return True

    def _rank(self, outcome: TrialOutcome) -> tuple[float, int]:
        sign = -1.0 if self.around.task.direction == "maximize" else 1.0
        return sign * (outcome.score or 0.0), outcome.number

    def _keep_best_weights(self, outcomes: Sequence[TrialOutcome]) -> None:
        """Delete the weights of trials that have left the best; a cohort that still runs may have written its own."""
        scored = [*self._kept, *(outcome for outcome in outcomes if outcome.score is not None)]
        ranked = sorted(scored, key=self._rank)
        self._kept = ranked[:_KEPT_MODELS]
        self.around.folder.drop_weights(outcome.number for outcome in ranked[_KEPT_MODELS:])

    def _abandon(self) -> None:
        """Give up cohorts that did not hear in time: a long epoch, or the compilation of a large model."""
        for running in list(self._running.values()):
            self.around.executor.drop(running.cohort.number)
            outcomes = tuple(
                TrialOutcome(spec.number, Cause.TIMEOUT, message="An epoch was not over in time at the deadline.")
                for spec in running.cohort.specs
            )
            self._take(CohortResult(running.cohort, outcomes))

    def _why_nothing(self) -> str:
        failed = [outcome for _, outcome in self.finished]
        if not failed and self.proposer.last_misfit:
            return self.proposer.last_misfit
        if not failed:
            return (
                f"The time limit of {self.around.clock.budget.seconds:.0f} s left no time for a single trial. "
                "Expected a minute or more. Raise --time-limit."
            )
        last = failed[-1]
        return (
            f"All {len(failed)} trials failed, the last with {last.cause}: {last.message} "
            f"Expected at least one score. See {self.around.folder.trial(last.number)}."
        )
