"""Which rows train and which judge: as it was asked for, or as the number of rows suggests."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.config import Validation
from autokeras_lite.data.dataset import Dataset, InputKind
from autokeras_lite.data.split import Fold, split_rows
from autokeras_lite.errors import DataError
from autokeras_lite.tasks.metrics import score
from autokeras_lite.tasks.target_column import as_numbers
from autokeras_lite.tasks.targets import encode_targets
from autokeras_lite.tasks.task import Task, TaskKind

# From so many rows on, one split says enough to search by.
MANY_ROWS = 2_000
# Networks for images and sequences mostly train fold by fold, so folds end earlier there.
_MANY_ARRAYS = 1_000
_FOLDS = 5
_FEWEST_FOLDS = 3  # two would train on half of the rows
# How often folds are dealt, below so many rows: a trial then costs no more than with five folds of 1,000 rows, and the
# first one comes soon. Wider tables, of more cells than this, cost more than that anyhow.
_REPEATS = ((250, 3), (500, 2))
_MOST_REPEATED_CELLS = 100_000
_FRACTION = 0.2
_MOST_JUDGES = 20_000
_LARGER_FRACTIONS = (0.3, 0.5)
_STRATA = 10


@dataclass(frozen=True)
class Division:
    """How the rows were divided; `reason` is a sentence for the person, empty if it was asked for in this way."""

    validation: Validation
    folds: tuple[Fold, ...]
    reason: str = ""


def divide_rows(
    dataset: Dataset, task: Task, asked: Validation, *, seed: int, num_given: int | None = None
) -> Division:
    """Divide the rows as asked; `auto` means repeated folds for few rows and a holdout for many.

    Of what `auto` may mean the first is taken that the classes, groups and times allow. The last `num_given` rows are
    those of a validation file.

    Raises:
        DataError: the rows cannot be divided like this, or the metric says nothing about those that judge.
    """
    if asked.kind != "auto":
        return first_division(dataset, task, (asked,), seed=seed, num_given=num_given)
    division = first_division(dataset, task, _by_size(dataset), seed=seed)
    return Division(division.validation, division.folds, f"{_explain(division, dataset)}{division.reason}")


def first_division(
    dataset: Dataset, task: Task, candidates: Sequence[Validation], *, seed: int, num_given: int | None = None
) -> Division:
    """Divide the rows in the first way that is possible; `reason` says why the first way was not.

    Raises:
        DataError: none is possible; it tells of the first holdout, else of the first candidate.
    """
    labels = encode_targets(task, dataset.targets, np.arange(len(dataset))).labels
    refused: dict[str, list[DataError]] = {}
    reason = ""
    for validation in candidates:
        try:
            strata = _strata(dataset, task, validation, labels)
            folds = split_rows(dataset, validation, stratify=strata, seed=seed, num_given=num_given)
            _check_folds(folds, task, labels)
        except DataError as error:
            refused.setdefault(validation.kind, []).append(error)
            reason = reason or f" The usual way was not possible: {str(error).split('. ')[0]}."
        else:
            return Division(validation, folds, reason)
    raise (refused.get("fraction") or refused[candidates[0].kind])[0]


def fewer_folds(most: int, repeats: int = 1) -> tuple[Validation, ...]:
    """Return what may stand for so many folds: fewer folds, then a holdout, at last a larger one."""
    usual = range(most, min(most, _FEWEST_FOLDS) - 1, -1)
    return (
        *(Validation(kind="folds", folds=folds, repeats=repeats) for folds in usual),
        Validation(fraction=_FRACTION),
        *(Validation(fraction=fraction) for fraction in _LARGER_FRACTIONS),
    )


def describe_validation(validation: Validation) -> str:
    """Say in a few words which rows judge.

    Example:
        >>> describe_validation(Validation.parse("5x3"))
        '5 folds, dealt 3 times'
    """
    if validation.kind == "folds":
        return f"{validation.folds} folds" + (f", dealt {validation.repeats} times" if validation.repeats > 1 else "")
    if validation.kind == "auto":
        return "by the number of rows"
    return validation.path if validation.path is not None else f"{100 * validation.fraction:.3g}% of the rows held out"


def _by_size(dataset: Dataset) -> tuple[Validation, ...]:
    """Return what `auto` may mean, the best first."""
    rows = len(dataset)
    if rows < (MANY_ROWS if dataset.kind is InputKind.TABLE else _MANY_ARRAYS):
        return fewer_folds(_FOLDS, _repeats(dataset))
    fraction = min(_FRACTION, _MOST_JUDGES / rows)
    return (Validation(fraction=fraction), *fewer_folds(_FOLDS))


def _repeats(dataset: Dataset) -> int:
    """Return how often folds are dealt: more than once only where that costs next to nothing."""
    if dataset.times is not None or dataset.kind is not InputKind.TABLE:
        return 1
    rows, columns = dataset.frame.shape
    if rows * columns > _MOST_REPEATED_CELLS:
        return 1
    return next((repeats for below, repeats in _REPEATS if rows < below), 1)


def _explain(division: Division, dataset: Dataset) -> str:
    rows, what = len(dataset), describe_validation(division.validation)
    if division.validation.kind == "folds":
        return f"Validation is by {what}, since a single split of {rows:,} rows would say little."
    if division.reason:
        return f"Validation is by {what}."
    if rows * _FRACTION > _MOST_JUDGES:
        return f"Validation is by {len(division.folds[0].validation_rows):,} rows held out: more would say no more."
    return f"Validation is by {what}: of {rows:,} rows one split says enough."


def _strata(
    dataset: Dataset, task: Task, validation: Validation, labels: NDArray[np.generic]
) -> NDArray[np.generic] | None:
    """Return what is spread evenly over the folds: classes, or tenths of a single regression target."""
    if task.kind in (TaskKind.BINARY, TaskKind.MULTICLASS):
        return np.asarray(labels)
    is_shuffled = validation.kind != "file" and dataset.groups is None and dataset.times is None
    if task.kind is TaskKind.REGRESSION and is_shuffled and len(task.targets) == 1 and len(dataset) >= _STRATA**2:
        values = as_numbers(dataset.targets[task.targets[0]])
        edges = np.unique(np.quantile(values, np.linspace(0, 1, _STRATA + 1)[1:-1]))
        strata = np.searchsorted(edges, values)
        # Tenths are a nicety, not classes: where they do not divide evenly, the rows are only shuffled.
        return strata if np.bincount(strata).min() >= max(2, validation.folds) else None
    return None


def _check_folds(folds: Sequence[Fold], task: Task, labels: NDArray[np.generic]) -> None:
    """Check that the metric says something about the rows that judge, before anything trains.

    Raises:
        DataError: a fold judges by rows of one class, or trains on such.
    """
    if task.kind is TaskKind.REGRESSION:
        return
    for number, fold in enumerate(folds, start=1):
        judged = labels[fold.validation_rows]
        equal = np.full((len(judged), task.units), 1.0 / max(2, task.units))
        if np.isnan(score(task, judged, equal)):
            raise DataError(
                f"The rows that judge (part {number}) hold too few classes for {task.metric}. "
                "Expected rows of each class. Choose another --validation or --metric."
            )
        if task.kind is not TaskKind.MULTILABEL and len(np.unique(labels[fold.train_rows])) < 2:
            raise DataError(
                f"The rows that train (part {number}) hold one class only. Expected two at least. "
                "Choose another --validation."
            )
