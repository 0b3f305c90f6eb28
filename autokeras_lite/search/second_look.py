"""The second look: finalists are trained and scored once more before one of them wins. Plans are in `finalists`."""

import math
import shutil
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from autokeras_lite.config import SearchConfig
from autokeras_lite.data.arrays import EncodedData
from autokeras_lite.durable import disk_faults
from autokeras_lite.errors import DataError
from autokeras_lite.execution.executor import CohortJob
from autokeras_lite.search.clock import Clock
from autokeras_lite.search.course import Course, Finished
from autokeras_lite.search.finalists import (
    FEWEST_FINALISTS,
    MOST_FINALISTS,
    Rescoring,
    choose,
    fresh_folds,
    fresh_specs,
    num_judges,
    plan_finalists,
    plan_rescoring,
    structure_of,
)
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.prepare import Prepared
from autokeras_lite.search.surroundings import Surroundings
from autokeras_lite.search.train_again import train_again
from autokeras_lite.tasks.task import Task
from autokeras_lite.trial import Cohort, TrialOutcome, TrialSpec

# The best of fewer was hardly picked by luck.
_FEWEST_TRIALS = 8
_MOST_SHARE = 0.1  # of a time limit
_FIRST_COHORT = 1_000_000  # cohorts of the search count from 1, those of the refit from 0 downwards


@dataclass(frozen=True)
class SecondLook:
    """Which trial wins, and the fresh scores by trial number; none where nothing was scored again."""

    winner: Finished
    scores: Mapping[int, float] = field(default_factory=dict)
    how: str = ""

    def describe(self, task: Task) -> str:
        """Say what was found, in one sentence."""
        others = ", ".join(
            f"trial {number} {score:.4g}" for number, score in self.scores.items() if number != self.winner[0].number
        )
        number, score = self.winner[0].number, self.winner[1].score
        return (
            f"Scored again {self.how}, trial {number} is the winner: {task.metric} {self.scores[number]:.4g} "
            f"({score:.4g} in the search; {others})."
        )


def reserve_second_look(course: Course, clock: Clock, rescoring: Rescoring) -> None:
    """Keep time free for the second look, where a small part of the limit is enough for two finalists."""
    limit = clock.budget.seconds
    if limit is None:
        return
    costs = [_cost(one, rescoring) for one in _finalists(course)]
    clock.expect_second_look(sum(costs[: _num_in_time(costs, _MOST_SHARE * limit)]))


def look_again(prepared: Prepared, config: SearchConfig, around: Surroundings, course: Course) -> SecondLook:
    """Score the finalists again and return which of them wins; the leader, where that is not worth while.

    Few trials, trials that are clearly worse than the leader, and a limit that leaves no time are reasons for that.
    """
    assert course.best is not None
    rescoring, clock = plan_rescoring(prepared), around.clock
    finalists = [one for one in _finalists(course) if _has_weights(one, around.folder)]
    spare = math.inf if clock.seconds_left is None else clock.second_look_seconds + (clock.training_seconds_left or 0.0)
    finalists = finalists[: _num_in_time([_cost(one, rescoring) for one in finalists], spare)]
    if len(finalists) < FEWEST_FINALISTS or around.stop.is_asked:
        clock.expect_second_look(0.0)
        return SecondLook(course.best)
    around.observer.finishing("finalists")
    place = SearchFolder(around.folder.second_look)
    try:
        fresh, rows = _score(prepared, config, around, finalists, rescoring, place)
    except DataError:  # the rows cannot be divided in another way
        fresh, rows = {}, 0
    finally:
        shutil.rmtree(place.path, ignore_errors=True)
    clock.expect_second_look(0.0)
    if len(fresh) < FEWEST_FINALISTS:
        return SecondLook(course.best)
    winner = choose(finalists, fresh, prepared.task, search_rows=num_judges(prepared.data), fresh_rows=rows)
    if winner[0].number not in fresh:
        return SecondLook(course.best)
    how = f"with {rescoring.seeds} other seeds" if rescoring.seeds else "on fresh folds"
    return SecondLook(winner, {number: value for number, value in fresh.items() if math.isfinite(value)}, how)


def _finalists(course: Course) -> tuple[Finished, ...]:
    scored = [one for one in course.finished if one[1].score is not None]
    if len(scored) < _FEWEST_TRIALS:
        return ()
    return plan_finalists(scored, course.task, MOST_FINALISTS)


def _has_weights(one: Finished, folder: SearchFolder) -> bool:
    return (folder.trial(one[0].number) / "weights-0.npz").exists()


def _cost(one: Finished, rescoring: Rescoring) -> float:
    """Guess how long a finalist takes; as one of several trials it took less than it does alone."""
    folds = max(1, len(one[1].fold_scores))
    parts = rescoring.folds / folds if rescoring.folds else rescoring.seeds
    return parts * one[1].seconds * math.sqrt(max(1.0, one[1].lanes / folds))


def _num_in_time(costs: Sequence[float], seconds: float) -> int:
    """Return how many finalists fit into so much time; 0 where it is not two."""
    number = next((count for count in range(len(costs), 0, -1) if sum(costs[:count]) <= seconds), 0)
    return number if number >= FEWEST_FINALISTS else 0


def _score(
    prepared: Prepared,
    config: SearchConfig,
    around: Surroundings,
    finalists: Sequence[Finished],
    rescoring: Rescoring,
    place: SearchFolder,
) -> tuple[dict[int, float], int]:
    """Return fresh scores by trial number, NaN for a trial that failed, and how many rows gave them."""
    seed, kept = config.strategy.seed, around.clock.tail_seconds - around.clock.second_look_seconds
    if rescoring.folds:
        data = fresh_folds(prepared, config, prepared.task, folds=rescoring.folds, seed=seed)
        outcomes = _train(prepared, data, _by_structure([spec for spec, _ in finalists]), place, around, kept)
        return {number: _score_of(outcome) for number, outcome in outcomes.items()}, num_judges(data)
    groups = fresh_specs(finalists, seeds=rescoring.seeds, seed=seed)
    outcomes = _train(prepared, prepared.data, groups, place, around, kept)
    fresh = {}
    for (spec, _), group in zip(finalists, groups, strict=True):
        if all(again.number in outcomes for again in group):
            fresh[spec.number] = fmean(_score_of(outcomes[again.number]) for again in group)
    return fresh, rescoring.seeds * num_judges(prepared.data)


def _train(
    prepared: Prepared,
    data: EncodedData,
    groups: Sequence[Sequence[TrialSpec]],
    place: SearchFolder,
    around: Surroundings,
    kept_seconds: float,
) -> dict[int, TrialOutcome]:
    with disk_faults(place.data):
        data.write(place.data)
    folds = tuple(range(len(data.folds)))
    cohorts = [
        Cohort(-_FIRST_COHORT - index, tuple(specs), specs[0].seed % 2**30, folds=folds)
        for index, specs in enumerate(groups)
    ]
    jobs = [CohortJob(cohort, prepared.task, place.data, place.trials) for cohort in cohorts]
    return train_again(jobs, around, kept_seconds=kept_seconds)


def _by_structure(specs: Sequence[TrialSpec]) -> list[list[TrialSpec]]:
    """Group what trains together."""
    groups: dict[Hashable, list[TrialSpec]] = defaultdict(list)
    for spec in specs:
        groups[structure_of(spec)].append(spec)
    return list(groups.values())


def _score_of(outcome: TrialOutcome) -> float:
    return math.nan if outcome.score is None else outcome.score
