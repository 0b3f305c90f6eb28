"""The record that Optuna keeps of one space, and the questions that the search asks it."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import optuna
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from autokeras_lite.config import Strategy
from autokeras_lite.search.samplers import GridSuggester, make_sampler
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

    The sampler works on a study in memory; a trial is written to the SQLite file `study.db` when it is told, so that
    asking costs a millisecond and the record is still complete. (A SQLite study costs twenty times as much a trial.)
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
        self._database = database
        self._starts = space.starts()
        self._seen: set[tuple[tuple[str, Value], ...]] = set()
        self._open: dict[int, optuna.Trial] = {}
        self._reported: set[int] = set()

    @cached_property
    def _storage(self) -> RDBStorage:
        return RDBStorage(f"sqlite:///{self._database}", engine_kwargs={"connect_args": {"timeout": 60}})

    @cached_property
    def _record(self) -> optuna.Study:
        """The study in the file; made when the first trial is told, so that the first cohort does not wait for it."""
        return optuna.create_study(
            study_name=self.space.name, storage=self._storage, direction=self._study.direction, load_if_exists=True
        )

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
        """Write down how a trial ended, in memory and in the file."""
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
        self._record.add_trial(self._study.get_trials(deepcopy=False)[proposal.ticket])

    def discard(self, proposal: Proposal) -> None:
        """Let a configuration go that will not be tried; it counts nowhere."""
        self._study.tell(self._open.pop(proposal.ticket), state=TrialState.FAIL)

    def close(self) -> None:
        """Close the file; a space of which no trial was told has an empty study in it."""
        self._record  # noqa: B018 - makes the study
        self._storage.remove_session()
        self._storage.engine.dispose()
