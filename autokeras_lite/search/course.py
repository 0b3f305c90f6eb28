"""Where a search stands: what was begun, what was judged, what came of it. Knows nothing of processes, files and time.

A search that goes on after a crash replays its journal through this class, so everything here depends on the seed and
on the order of the calls alone.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from autokeras_lite.execution.executor import CohortResult
from autokeras_lite.search.halving import Halving, rung_epochs
from autokeras_lite.search.proposer import Proposer
from autokeras_lite.search.retries import Retry, plan_retry
from autokeras_lite.search.sizing import complete
from autokeras_lite.search.study import Proposal
from autokeras_lite.tasks.task import Task
from autokeras_lite.trial import Cause, Cohort, EpochReport, FailedAttempt, Length, TrialOutcome, TrialSpec, TrialStatus

Finished = tuple[TrialSpec, TrialOutcome]
_MOST_FAILED_IN_A_ROW = 6
_MOST_FAILED_OF_ANY_CAUSE = 12


@dataclass(frozen=True)
class Plan:
    """What is fixed for all trials: the seed, the folds, the number of training rows, the budget of trials.

    `cores` are those of the machine on which the search began.
    """

    seed: int
    num_folds: int
    num_rows: int
    trials: int | None
    cores: int = 1


@dataclass(frozen=True)
class Running:
    """A cohort that was begun, and for each of its trials the proposal that it came from.

    `first` is the cohort in which these very trials were begun first, whose checkpoints serve this one too.
    """

    cohort: Cohort
    proposals: Mapping[int, Proposal]
    first: int = 0


@dataclass
class Streak:
    """How many cohorts in a row failed, from one cause and from any; `origin` is the last of them."""

    cause: Cause | None = None
    length: int = 0
    length_of_any: int = 0
    origin: int | None = None

    def see(self, outcomes: Sequence[TrialOutcome], origin: int) -> None:
        """Take note of how the trials of a cohort ended.

        `origin` is the cohort in which they were first tried: what fails there and again one by one is one failure.
        """
        if any(outcome.status is not TrialStatus.FAILED for outcome in outcomes):
            self.cause, self.length, self.length_of_any, self.origin = None, 0, 0, None
            return
        causes = {outcome.cause for outcome in outcomes}
        cause = causes.pop() if len(causes) == 1 else None
        is_new = origin != self.origin
        self.length_of_any += is_new
        self.length = self.length + is_new if cause is not None and cause is self.cause else 1
        self.cause, self.origin = cause, origin

    def describe(self) -> str:
        """Say how many failures there were; the last cause follows."""
        if self.length >= _MOST_FAILED_IN_A_ROW:
            return f"{self.length} failures in a row with"
        return f"{self.length_of_any} failures in a row for changing reasons, the last with"

    @property
    def is_hopeless(self) -> bool:
        """Whether it makes no sense to go on."""
        return self.length >= _MOST_FAILED_IN_A_ROW or self.length_of_any >= _MOST_FAILED_OF_ANY_CAUSE


@dataclass
class Course:
    """The state of a search, and the only place where it changes."""

    task: Task
    plan: Plan
    proposer: Proposer
    finished: list[Finished] = field(default_factory=list)
    best: Finished | None = None
    running: dict[int, Running] = field(default_factory=dict)
    streak: Streak = field(default_factory=Streak)
    _waiting: list[Running] = field(default_factory=list)
    _attempts: defaultdict[int, tuple[FailedAttempt, ...]] = field(default_factory=lambda: defaultdict(tuple))
    _verdicts: dict[tuple[int, int], frozenset[int]] = field(default_factory=dict)
    _stood: set[tuple[int, int]] = field(default_factory=set)
    _num_trials: int = 0
    _num_cohorts: int = 0

    def __post_init__(self) -> None:
        self._halving = defaultdict[str, Halving](partial(Halving, self.task.direction))

    @property
    def num_under_way(self) -> int:
        """How many trials train or wait to be tried again."""
        return sum(len(one.cohort.specs) for one in (*self.running.values(), *self._waiting))

    @property
    def num_counted(self) -> int:
        """How many trials count against a budget of trials: those that came to a score."""
        return sum(outcome.status is not TrialStatus.FAILED for _, outcome in self.finished)

    @property
    def waiting(self) -> tuple[Running, ...]:
        """The cohorts that are to be tried again."""
        return tuple(self._waiting)

    @property
    def has_waiting(self) -> bool:
        """Whether there are trials to be tried again."""
        return bool(self._waiting)

    def begin(self, num_lanes: int, *, counts_seconds: bool = False, space: str = "") -> Running | None:
        """Begin a cohort: one that is to be tried again, else a new one of so many trials at most, if there is one.

        `counts_seconds` says that what trials took decides whose turn it is; with `space` that is decided already (see
        `Proposer`).
        """
        if self._waiting:
            running = self._numbered(self._waiting.pop(0))
        else:
            turn = partial(self.proposer.propose, counts_seconds=counts_seconds, space=space)
            proposals = turn(num_lanes) if num_lanes > 0 else ()
            if not proposals:
                return None
            running = self._numbered(self._made(proposals))
        self.running[running.cohort.number] = running
        return running

    def judge(self, report: EpochReport) -> frozenset[int]:
        """Take the scores of a rung and return the trials that end there.

        A cohort that is trained again from an earlier epoch hears the same answer again.
        """
        assert report.rung is not None
        key = (report.cohort, report.rung)
        if key not in self._verdicts:
            proposals = self.running[report.cohort].proposals
            for number, score in report.scores.items():
                if (number, report.rung) not in self._stood:  # a trial that is tried again stands there twice
                    self._stood.add((number, report.rung))
                    self.proposer.report(proposals[number], report.rung, score)
            space = self.running[report.cohort].cohort.specs[0].space  # schedules of one kind can be compared
            self._verdicts[key] = self._halving[space].judge(report.rung, report.scores)
        return self._verdicts[key]

    def was_judged(self, report: EpochReport) -> bool:
        """Say whether the cohort has stood on this rung before."""
        return (report.cohort, report.rung) in self._verdicts

    def shorten(self, cohort: int, epochs: int) -> Length:
        """Give a running cohort a schedule of so many epochs, and return it."""
        running = self.running[cohort]
        length = Length(epochs, rung_epochs(replace(running.cohort.specs[0].training, epochs=epochs)))
        self.running[cohort] = replace(running, cohort=running.cohort.shortened(length))
        return length

    def retry_of(self, result: CohortResult) -> Retry | None:
        """Say how the trials of a cohort are tried again, `None` if what came of them is final."""
        return plan_retry(result, self._attempts)

    def try_again(self, result: CohortResult, retry: Retry) -> None:
        """Put the trials of a failed cohort aside, to be begun again before any new one."""
        running = self.running.pop(result.cohort.number)
        first = result.outcomes[0]  # the journal has the message of one, which is that of the cohort
        attempt = FailedAttempt(result.cohort.number, len(result.cohort.specs), first.cause, first.message)
        for spec in result.cohort.specs:
            self._attempts[spec.number] += (attempt,)
        for specs in retry.groups:
            before = running.first if specs == result.cohort.specs else 0
            proposals = {spec.number: running.proposals[spec.number] for spec in specs}
            self._waiting.append(Running(replace(result.cohort, specs=specs), proposals, before))

    def outcomes_of(self, result: CohortResult) -> tuple[TrialOutcome, ...]:
        """Return the outcomes of a cohort with the attempts that went before."""
        return tuple(replace(outcome, earlier=self._attempts[outcome.number]) for outcome in result.outcomes)

    def end(self, cohort: int, outcomes: Sequence[TrialOutcome]) -> list[tuple[Finished, bool]]:
        """Take the final outcomes of a cohort; return each trial with whether it leads now."""
        running = self.running.pop(cohort)
        told = []
        for spec, outcome in zip(running.cohort.specs, outcomes, strict=True):
            self.proposer.learn(running.proposals[spec.number], spec.number, outcome)
            self.finished.append((spec, outcome))
            told.append(((spec, outcome), self._is_best(spec, outcome)))
        attempts = self._attempts[outcomes[0].number]
        self.streak.see(outcomes, attempts[0].cohort if attempts else cohort)
        return told

    def end_for_now(self, cohort: int, outcomes: Sequence[TrialOutcome]) -> None:
        """Take what an interrupted cohort had reached, which counts only as long as this process lives."""
        running = self.running.pop(cohort)
        for spec, outcome in zip(running.cohort.specs, outcomes, strict=True):
            self.finished.append((spec, outcome))
            self._is_best(spec, outcome)

    def crown(self, winner: Finished) -> None:
        """Let a finalist that was scored again lead, whatever the scores of the search say."""
        self.best = winner

    def last_failures(self, cohort: Cohort) -> tuple[TrialOutcome, ...]:
        """Return for trials that will not be tried again how the last attempt failed, which is then the outcome."""
        last = [self._attempts[spec.number][-1] for spec in cohort.specs]
        return tuple(
            TrialOutcome(spec.number, attempt.cause, message=attempt.message, earlier=self._attempts[spec.number][:-1])
            for spec, attempt in zip(cohort.specs, last, strict=True)
        )

    def rank(self, outcome: TrialOutcome) -> tuple[float, int]:
        """Return what sorts outcomes that have a score, best first; of equal ones the first by number leads."""
        sign = -1.0 if self.task.direction == "maximize" else 1.0
        return sign * (outcome.score or 0.0), outcome.number

    def _is_best(self, spec: TrialSpec, outcome: TrialOutcome) -> bool:
        if outcome.score is None:
            return False
        if self.best is not None and self.rank(outcome) > self.rank(self.best[1]):
            return False
        self.best = (spec, outcome)
        return True

    def _made(self, proposals: Sequence[Proposal]) -> Running:
        specs = []
        for proposal in proposals:
            chosen = proposal.space.assemble(proposal.values)
            plan = self.plan
            config, training = complete(*chosen, self.task, rows=plan.num_rows, folds=plan.num_folds, cores=plan.cores)
            self._num_trials += 1
            number = self._num_trials
            seed = (self.plan.seed * 100_003 + number) % 2**31
            name, family = proposal.space.name, proposal.space.family
            specs.append(TrialSpec(number, name, family, config, training, seed, proposal.origin))
        cohort = Cohort(
            number=0,
            specs=tuple(specs),
            batch_seed=self.plan.seed % 2**30,
            folds=tuple(range(self.plan.num_folds)),
            rungs=rung_epochs(specs[0].training),
        )
        return Running(cohort, {spec.number: p for spec, p in zip(specs, proposals, strict=True)})

    def _numbered(self, running: Running) -> Running:
        self._num_cohorts += 1
        number = self._num_cohorts
        return replace(running, cohort=replace(running.cohort, number=number), first=running.first or number)
