"""The record that Optuna keeps of one space, and the questions that the search asks it."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import optuna
from optuna.trial import TrialState

from autokeras_lite.config import Strategy
from autokeras_lite.search.samplers import GridSuggester, make_sampler
from autokeras_lite.search.study_record import StudyRecord
from autokeras_lite.spaces.domain import Value
from autokeras_lite.spaces.space import SearchSpace
from autokeras_lite.trial import Cause, TrialOutcome, TrialStatus

_MOST_DUPLICATES = 50


@dataclass(frozen=True)
class Proposal:
    """A configuration that nobody has tried: its flat `values`, and the number of its trial in the study."""

    space: SearchSpace
    values: Mapping[str, Value]
    ticket: int
    origin: str


class SpaceStudy:
    """One study over one space.

    The sampler works on a study in memory, so that asking costs a millisecond (a SQLite study costs twenty times as
    much a trial). Trials that were told are written to the SQLite file `study.db` by `record`. What is asked depends
    on the seed and on what was asked and told before, and on nothing else: a search that goes on asks and tells the
    same again, and so comes to the same state.
    """

    def __init__(
        self,
        space: SearchSpace,
        recipe_names: frozenset[str],
        *,
        direction: Literal["maximize", "minimize"],
        strategy: Strategy,
        database: Path,
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.space, self._recipe_names, self._sampler = space, recipe_names, strategy.sampler
        # Each space draws from a stream of its own.
        seed = (strategy.seed + zlib.crc32(space.name.encode())) % 2**31
        self._study = optuna.create_study(direction=direction, sampler=make_sampler(strategy.sampler, seed))
        self._record = StudyRecord(database, space.name, direction)
        self._unrecorded: list[optuna.trial.FrozenTrial] = []
        self._starts = space.starts()
        self._seen: set[tuple[tuple[str, Value], ...]] = set()
        self._open: dict[int, optuna.Trial] = {}
        self._reported: set[int] = set()

    def structure(self, values: Mapping[str, Value]) -> tuple[tuple[str, Value], ...]:
        """Return the part of a configuration that shapes the graph."""
        return tuple(sorted((n, v) for n, v in values.items() if n not in self._recipe_names))

    def propose(self, values: Mapping[str, Value] | None = None, *, origin: str | None = None) -> Proposal | None:
        """Ask for a configuration that is new; those of its parameters that `values` names are fixed.

        Returns `None` when, after many questions, nothing new was found.
        """
        for _ in range(_MOST_DUPLICATES):
            if values is not None:
                self._study.enqueue_trial(dict(values))
            trial = self._study.ask()
            chosen = self.space.suggest(GridSuggester(trial, self._starts) if self._sampler == "grid" else trial)
            key = tuple(sorted(chosen.items(), key=lambda item: item[0]))
            if key not in self._seen:
                self._seen.add(key)
                self._open[trial.number] = trial
                return Proposal(self.space, chosen, trial.number, origin or self._sampler)
            # The sampler already knows this one: let it go without a value and ask for another.
            self._study.tell(trial, state=TrialState.FAIL)
        return None

    def variant(self, of: Proposal) -> Proposal | None:
        """Ask for another configuration of the same structure."""
        return self.propose(dict(self.structure(of.values)))

    def report(self, ticket: int, rung: int, score: float) -> None:
        """Write down how a trial stood at a rung."""
        self._open[ticket].report(score, rung)
        self._reported.add(ticket)

    def tell(self, proposal: Proposal, number: int, outcome: TrialOutcome) -> None:
        """Take note of how a trial ended."""
        trial = self._open.pop(proposal.ticket)
        trial.set_user_attr("trial", number)
        trial.set_user_attr("cause", str(outcome.cause))
        trial.set_user_attr("origin", proposal.origin)
        if outcome.status is TrialStatus.FAILED or outcome.score is None:
            self._study.tell(trial, state=TrialState.FAIL)
        elif outcome.cause is Cause.PRUNED and proposal.ticket in self._reported:
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            self._study.tell(trial, outcome.score)
        self._unrecorded.append(self._study.get_trials(deepcopy=False)[proposal.ticket])

    def record(self) -> None:
        """Write to the file what was told since the last time; what the file does not take now waits for the next."""
        self._unrecorded = self._record.add(self._unrecorded)

    def discard(self, proposal: Proposal) -> None:
        """Let a configuration go that will not be tried; it counts nowhere."""
        self._study.tell(self._open.pop(proposal.ticket), state=TrialState.FAIL)

    def close(self) -> tuple[str, ...]:
        """Write what is left and close the file; return what a person should know of it."""
        return self._record.close(self._unrecorded)
