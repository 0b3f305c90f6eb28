"""Which configurations are tried next, and which of them train together."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from autokeras_lite.errors import SpaceError
from autokeras_lite.models.registry import FAMILIES
from autokeras_lite.search.study import Proposal, SpaceStudy
from autokeras_lite.spaces.domain import Value
from autokeras_lite.tasks.task import Task
from autokeras_lite.trial import TrialOutcome

Check = Callable[[Proposal], None]

_MOST_MISFITS_IN_A_ROW = 100
# Of three cohorts after the portfolio, two go to the best space and one to the next: the second keeps the first honest.
_SHARES = (0, 0, 1)


class Proposer:
    """Proposes cohorts: first the portfolios of all spaces in turn, then what the samplers ask for.

    A cohort is one structure: the first configuration sets it, the others are asked for with that structure fixed.
    `check` raises a `SpaceError` for a configuration that cannot be built or trained here; those are passed over, and a
    space that brings forth nothing else is given up.
    """

    def __init__(self, studies: Sequence[SpaceStudy], task: Task, check: Check = lambda proposal: None) -> None:
        self._studies = {study.space.name: study for study in studies}
        self._task = task
        self._starts = _interleaved([[(s, values) for values in s.space.starts()] for s in studies])
        self._best: dict[str, float] = {}
        self._exhausted: set[str] = set()
        self._turn = 0
        self._check = check
        self._misfits: Counter[str] = Counter()
        self.last_misfit = ""

    @property
    def is_exhausted(self) -> bool:
        """Whether every configuration of every space has been tried."""
        return not self._starts and len(self._exhausted) == len(self._studies)

    def propose(self, num_lanes: int) -> tuple[Proposal, ...]:
        """Propose at most so many configurations of one structure; nothing when all have been tried."""
        while not self.is_exhausted:
            first = self._next_start() if self._starts else self._next_sample()
            if first is not None and self._fits(first):
                return self._with_variants(first, num_lanes if _has_lanes(first) else 1)
        return ()

    def learn(self, proposal: Proposal, number: int, outcome: TrialOutcome) -> None:
        """Take note of how a trial ended."""
        name = proposal.space.name
        self._studies[name].tell(proposal, number, outcome)
        best = self._best.get(name)
        if outcome.score is not None and (best is None or self._task.is_better(outcome.score, best)):
            self._best[name] = outcome.score

    def report(self, proposal: Proposal, rung: int, score: float) -> None:
        """Take note of how a trial stands at a rung."""
        self._studies[proposal.space.name].report(proposal.ticket, rung, score)

    def record(self) -> None:
        """Write to `study.db` what was learned since the last time."""
        for study in self._studies.values():
            study.record()

    def close(self) -> tuple[str, ...]:
        """Write what is left and close the file; return what a person should know of it."""
        return tuple(note for study in self._studies.values() for note in study.close())

    def _fits(self, proposal: Proposal) -> bool:
        name = proposal.space.name
        try:
            self._check(proposal)
        except SpaceError as error:
            self._studies[name].discard(proposal)
            self._misfits[name] += 1
            self.last_misfit = f"Space {name}: {error}"
            if self._misfits[name] >= _MOST_MISFITS_IN_A_ROW:
                self._exhausted.add(name)
            return False
        self._misfits[name] = 0
        return True

    def _next_start(self) -> Proposal | None:
        study, values = self._starts.pop(0)
        is_default = dict(values) == study.space.defaults()
        return study.propose(values, origin="default" if is_default else "portfolio")

    def _next_sample(self) -> Proposal | None:
        ranked = [name for name in self._ranked() if name not in self._exhausted]
        name = ranked[min(_SHARES[self._turn % len(_SHARES)], len(ranked) - 1)]
        self._turn += 1
        proposal = self._studies[name].propose()
        if proposal is None:
            self._exhausted.add(name)
        return proposal

    def _ranked(self) -> list[str]:
        """Order the spaces by their best score; those without one come last."""
        sign = -1.0 if self._task.direction == "maximize" else 1.0
        return sorted(self._studies, key=lambda name: (name not in self._best, sign * self._best.get(name, 0.0)))

    def _with_variants(self, first: Proposal, num_lanes: int) -> tuple[Proposal, ...]:
        study = self._studies[first.space.name]
        chosen = [first, *self._matching_starts(study, first, num_lanes - 1)]
        while len(chosen) < num_lanes:
            variant = study.variant(first)
            if variant is None:
                break
            chosen.append(variant)
        return tuple(chosen)

    def _matching_starts(self, study: SpaceStudy, first: Proposal, most: int) -> list[Proposal]:
        """Take ready configurations of the same structure along, since they train together at no cost."""
        structure = study.structure(first.values)
        matching = [start for start in self._starts if start[0] is study and study.structure(start[1]) == structure]
        found = []
        for start in matching[: max(0, most)]:
            self._starts.remove(start)
            proposal = study.propose(start[1], origin="portfolio")
            if proposal is not None:
                found.append(proposal)
        return found


def _has_lanes(proposal: Proposal) -> bool:
    config, _ = proposal.space.assemble(proposal.values)
    return FAMILIES[proposal.space.family].has_lanes(config)


def _interleaved(
    columns: Sequence[Sequence[tuple[SpaceStudy, Mapping[str, Value]]]],
) -> list[tuple[SpaceStudy, Mapping[str, Value]]]:
    """Return the first of every column, then the second of every column, and so on."""
    longest = max((len(column) for column in columns), default=0)
    return [column[i] for i in range(longest) for column in columns if i < len(column)]
