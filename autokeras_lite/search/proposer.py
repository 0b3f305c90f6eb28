"""Which configurations are tried next, and which of them train together."""

from collections import Counter
from collections.abc import Callable, Sequence

from autokeras_lite.errors import SpaceError
from autokeras_lite.models.registry import FAMILIES
from autokeras_lite.search.study import Proposal, SpaceStudy
from autokeras_lite.search.turns import Turns
from autokeras_lite.tasks.task import Task
from autokeras_lite.trial import TrialOutcome

Check = Callable[[Proposal], None]

_MOST_MISFITS_IN_A_ROW = 100


class Proposer:
    """Proposes cohorts: of the space whose turn it is, first its portfolio, then what its sampler asks for.

    A cohort is one structure: the first configuration sets it, the others are asked for with that structure fixed.
    `num_rows` are those that train, by which portfolios are ordered. `check` raises a `SpaceError` for a configuration
    that cannot be built or trained here; those are passed over, and a space that brings forth nothing else is given up.
    """

    def __init__(
        self,
        studies: Sequence[SpaceStudy],
        task: Task,
        check: Check = lambda proposal: None,
        *,
        num_rows: int = 0,
    ) -> None:
        self._studies = {study.space.name: study for study in studies}
        self._starts = {study.space.name: list(study.space.starts(num_rows)) for study in studies}
        self._turns = Turns(tuple(self._studies), task.direction)
        self._exhausted: set[str] = set()
        self._check = check
        self._misfits: Counter[str] = Counter()
        self.last_misfit = ""

    @property
    def is_exhausted(self) -> bool:
        """Whether every configuration of every space has been tried."""
        return all(self._is_done(name) for name in self._studies)

    def propose(self, num_lanes: int, *, counts_seconds: bool = False, space: str = "") -> tuple[Proposal, ...]:
        """Propose at most so many configurations of one structure; nothing when all have been tried.

        With `counts_seconds` the turn goes by what a space promises for its time, else by what it promises. A `space`
        has the turn, whatever it promises, as long as it has anything to try.
        """
        while not self.is_exhausted:
            first = self._next(counts_seconds=counts_seconds, space=space)
            if first is not None and self._fits(first):
                cohort = self._with_variants(first, num_lanes if _has_lanes(first) else 1)
                for proposal in cohort:
                    self._turns.begin(proposal.space.name)
                return cohort
        return ()

    def learn(self, proposal: Proposal, number: int, outcome: TrialOutcome) -> None:
        """Take note of how a trial ended."""
        name = proposal.space.name
        self._studies[name].tell(proposal, number, outcome)
        self._turns.learn(name, outcome.score, outcome.seconds)

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

    def _is_done(self, name: str) -> bool:
        return name in self._exhausted and not self._starts[name]

    def _next(self, *, counts_seconds: bool, space: str) -> Proposal | None:
        ranked = self._turns.ranked(counts_seconds=counts_seconds)
        ranked.sort(key=lambda name: name != space)
        name = next(name for name in ranked if not self._is_done(name))
        study = self._studies[name]
        if self._starts[name]:
            values = self._starts[name].pop(0)
            return study.propose(values, origin="default" if values == study.space.defaults() else "portfolio")
        proposal = study.propose()
        if proposal is None:
            self._exhausted.add(name)
        return proposal

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
        structure, starts = study.structure(first.values), self._starts[study.space.name]
        found = []
        for values in [one for one in starts if study.structure(one) == structure][: max(0, most)]:
            starts.remove(values)
            proposal = study.propose(values, origin="portfolio")
            if proposal is not None:
                found.append(proposal)
        return found


def _has_lanes(proposal: Proposal) -> bool:
    config, _ = proposal.space.assemble(proposal.values)
    return FAMILIES[proposal.space.family].has_lanes(config)
