"""The best few trials are scored once more, on rows or seeds that did not choose them, before one of them wins.

The best of many noisy scores is too good, and often not the best configuration. A fresh score of a few finalists tells
those apart that were lucky (Schneider et al. 2025, on overtuning). Nothing here trains: it says what to train.
"""

import json
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean, median, stdev

import numpy as np

from autokeras_lite.config import SearchConfig
from autokeras_lite.data.arrays import EncodedData
from autokeras_lite.data.encode import fit_encoding
from autokeras_lite.data.split import fresh_seed
from autokeras_lite.models.registry import FAMILIES
from autokeras_lite.search.course import Finished
from autokeras_lite.search.prepare import Prepared, encode_folds
from autokeras_lite.search.validation import MANY_ROWS, fewer_folds, first_division
from autokeras_lite.tasks.task import Task
from autokeras_lite.trial import TrialSpec, recipe_fields

FEWEST_FINALISTS = 2
MOST_FINALISTS = 5
# Beyond so many rows one holdout is precise; what is left is the luck of the first weights.
_MOST_ROWS_FOR_FOLDS = 20_000
_FOLDS_OF_FEW_ROWS = 5
_FOLDS_OF_MANY_ROWS = 3
_SEEDS = 2
_FRESH = 1  # sets the seeds of this module apart from those of repeated folds
# Judging rows for each training row, with five folds.
_JUDGES_SHARE = 0.25
_CLOSE = 0.5
_SAME = 1e-9


@dataclass(frozen=True)
class Rescoring:
    """How finalists are scored again: on so many fresh folds, or with so many fresh seeds on the rows of the search."""

    folds: int = 0
    seeds: int = 0


def plan_rescoring(prepared: Prepared) -> Rescoring:
    """Say how finalists are scored again.

    Fresh folds where rows are few; fresh seeds where they are many, or where no other division would be fair: after a
    validation file, and after folds in time, of which there is one way only.
    """
    rows, validation = len(prepared.dataset), prepared.validation
    is_in_time = prepared.dataset.times is not None and validation.kind == "folds"
    if validation.kind == "file" or is_in_time or rows > _MOST_ROWS_FOR_FOLDS:
        return Rescoring(seeds=_SEEDS)
    return Rescoring(folds=_FOLDS_OF_FEW_ROWS if rows < MANY_ROWS else _FOLDS_OF_MANY_ROWS)


def fresh_folds(prepared: Prepared, config: SearchConfig, task: Task, *, folds: int, seed: int) -> EncodedData:
    """Divide and encode the rows anew, by the rules of the search for groups, times and classes, with other seeds.

    There may be fewer folds where the rows do not allow so many. Every fold has the layout of the search, so a
    configuration builds the same network on it.

    Raises:
        DataError: the rows cannot be divided.
    """
    dataset = prepared.dataset
    division = first_division(dataset, task, fewer_folds(folds), seed=fresh_seed(seed, _FRESH, 0))
    encodings = tuple(
        fit_encoding(dataset, prepared.profile, fold.train_rows, layout=prepared.layout) for fold in division.folds
    )
    return encode_folds(dataset, task, config, division.folds, encodings)


def fresh_specs(finalists: Sequence[Finished], *, seeds: int, seed: int) -> tuple[tuple[TrialSpec, ...], ...]:
    """Return for each finalist so many specs with other first weights, numbered from 1 through all of them."""
    return tuple(
        tuple(
            replace(spec, number=place * seeds + index + 1, seed=fresh_seed(seed, _FRESH, spec.number, index) % 2**31)
            for index in range(seeds)
        )
        for place, (spec, _) in enumerate(finalists)
    )


def num_judges(data: EncodedData) -> int:
    """Return how many different rows judge: a row that judges in several repeats tells little more."""
    return len(np.unique(np.concatenate([fold.validation_rows for fold in data.folds])))


def structure_of(spec: TrialSpec) -> Hashable:
    """Return what trials of one structure share, and others do not."""
    names = recipe_fields(FAMILIES[spec.family].config_type) | recipe_fields(type(spec.training))
    settings = {**spec.config, **asdict(spec.training)}
    fixed = {name: value for name, value in settings.items() if name not in names}
    return spec.family, json.dumps(fixed, sort_keys=True, default=str)


def plan_finalists(finished: Sequence[Finished], task: Task, most: int = MOST_FINALISTS) -> tuple[Finished, ...]:
    """Return the trials that may be the best, best score first: at least 2 if there are as many, at most `most`.

    A trial may be the best if its distance to the leader is noise. After folds that is the standard error of the
    difference over the folds (Nadeau and Bengio 2003, for folds that share training rows); after a single split, half
    of the distance between the leader and the middle trial. Among them trials of different structures come first.
    """
    sign = 1.0 if task.direction == "maximize" else -1.0
    scored = [(spec, outcome) for spec, outcome in finished if outcome.score is not None]
    ranked = sorted(scored, key=lambda one: (-sign * (one[1].score or 0.0), one[0].number))
    if not ranked:
        return ()
    middle = median(outcome.score or 0.0 for _, outcome in ranked)
    near = [one for one in ranked if _is_near(one, ranked[0], middle)]
    candidates = near if len(near) >= FEWEST_FINALISTS else ranked[:FEWEST_FINALISTS]
    first_of: dict[Hashable, Finished] = {}
    for one in candidates:
        first_of.setdefault(structure_of(one[0]), one)
    others = [one for one in candidates if first_of[structure_of(one[0])] is not one]
    chosen = {spec.number for spec, _ in [*first_of.values(), *others][: max(most, 1)]}
    return tuple(one for one in ranked if one[0].number in chosen)


def choose(
    finalists: Sequence[Finished], fresh: Mapping[int, float], task: Task, *, search_rows: int, fresh_rows: int
) -> Finished:
    """Return the finalist with the best mean of its search score and its fresh score, by how many rows gave each.

    `finalists` come as `plan_finalists` returns them, `fresh` holds scores by the number of the trial: NaN for a trial
    that failed, which cannot win, and none for one that was not scored. If the leader was not scored, it stays the
    leader. Of equal ones the one with fewer parameters wins.
    """
    leader = finalists[0]
    scores = {spec.number: fresh[spec.number] for spec, _ in finalists if spec.number in fresh}
    sound = [one for one in finalists if math.isfinite(scores.get(one[0].number, math.nan))]
    if leader[0].number not in scores or not sound:
        return leader
    share = fresh_rows / (fresh_rows + search_rows)
    sign = 1.0 if task.direction == "maximize" else -1.0

    def merit(one: Finished) -> float:
        return sign * (share * scores[one[0].number] + (1.0 - share) * (one[1].score or 0.0))

    best = max(merit(one) for one in sound)
    tied = [one for one in sound if best - merit(one) <= _SAME * max(1.0, abs(best))]
    return min(tied, key=lambda one: (one[1].parameters, one[0].number))


def _is_near(one: Finished, leader: Finished, middle: float) -> bool:
    """Say whether the distance to the leader is no more than noise."""
    first, second = leader[1].fold_scores, one[1].fold_scores
    gap = abs((leader[1].score or 0.0) - (one[1].score or 0.0))
    if len(first) < 2 or len(first) != len(second):
        return gap <= _CLOSE * abs((leader[1].score or 0.0) - middle)
    differences = [a - b for a, b in zip(first, second, strict=True)]
    error = stdev(differences) * math.sqrt(1.0 / len(differences) + _JUDGES_SHARE)
    return abs(fmean(differences)) <= error
