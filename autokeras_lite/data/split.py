"""Which rows train and which rows judge."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autokeras_lite.config import Validation
from autokeras_lite.data.dataset import Dataset
from autokeras_lite.data.dates import parse_dates
from autokeras_lite.errors import DataError

Rows = NDArray[np.int64]
Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True)
class Fold:
    """The rows that train and the rows that judge: sorted, and no row is in both."""

    train_rows: Rows
    validation_rows: Rows


@dataclass(frozen=True)
class SplitRequest:
    """What a splitter needs to know: `classes`, `groups` and `times` are codes `(rows,)` in the order of their values.

    One fold is a holdout of `fraction`. `classes` are all 0 where nothing is to be stratified.
    """

    num_rows: int
    folds: int
    fraction: float
    classes: Rows
    labels: tuple[str, ...]
    groups: Rows
    times: Rows
    num_given: int
    seed: int


def split_rows(
    dataset: Dataset,
    validation: Validation,
    *,
    stratify: NDArray[np.generic] | None,
    seed: int,
    num_given: int | None = None,
) -> tuple[Fold, ...]:
    """Divide the rows into training and validation rows, once or once for each fold.

    A given file comes first (its `num_given` rows stand at the end of the dataset), then a time column (the latest rows
    judge), then a group column (no group stands on both sides), then a fraction or folds of shuffled rows, of which
    `stratify` `(rows,)` is spread evenly. Every class is in the training rows where that is possible.

    A holdout and each fold hold all rows, and over k folds every row judges once; with repeats, once in each of them.
    Only folds in time differ: fold i trains on the first i + 1 of k + 1 stretches of time and judges on the next, so
    later rows are in neither part, and the first stretch never judges.

    Folds `k * i` to `k * i + k - 1` are repeat i. A repeat that divides the rows as an earlier one does, as few groups
    and all times do, is left out. The same seed gives the same split in every process.

    Raises:
        DataError: there are fewer rows, groups, times or rows of a class than folds, or both time and groups are set.
    """
    if dataset.times is not None and dataset.groups is not None and validation.kind != "file":
        raise DataError("A group and a time column were named. Expected one of them. Leave one out, or give a file.")
    labels, classes = _codes(stratify, len(dataset))
    request = SplitRequest(
        num_rows=len(dataset),
        folds=validation.folds if validation.kind == "folds" else 1,
        fraction=validation.fraction,
        classes=classes,
        labels=labels,
        groups=_codes(dataset.groups, len(dataset))[1],
        times=_codes(dataset.times, len(dataset))[1],
        num_given=num_given or 0,
        seed=seed,
    )
    return _repeated(SPLITTERS[_choose(dataset, validation)], request, validation.repeats)


def append_rows(dataset: Dataset, other: Dataset) -> Dataset:
    """Return the rows of `dataset` followed by those of `other`, which needs the same columns and may have more.

    Append after the profile and the gate have seen `dataset` alone, so that the rows which judge decide nothing. What
    is text in either becomes text in both.

    Raises:
        DataError: `other` lacks a column, is of another kind, or its arrays have another shape.
    """
    _check_same_form(dataset, other)
    return replace(
        dataset,
        inputs=_append_inputs(dataset, other),
        targets=_append_frame(dataset.targets, other.targets, "target"),
        weights=_append_array(dataset.weights, other.weights, "weights"),
        groups=_append_array(dataset.groups, other.groups, "groups"),
        times=_append_array(dataset.times, other.times, "times"),
    )


def _repeated(
    split: Callable[[SplitRequest], tuple[Fold, ...]], request: SplitRequest, repeats: int
) -> tuple[Fold, ...]:
    """Split so often with seeds of their own; the first repeat is what a single one would be."""
    different: dict[frozenset[bytes], tuple[Fold, ...]] = {}
    for repeat in range(repeats):
        seed = request.seed if repeat == 0 else fresh_seed(request.seed, repeat)
        folds = split(replace(request, seed=seed))
        different.setdefault(frozenset(fold.validation_rows.tobytes() for fold in folds), folds)
    return tuple(fold for folds in different.values() for fold in folds)


def fresh_seed(seed: int, *path: int) -> int:
    """Return a seed that has nothing to do with `seed` and follows from it and from `path` alone.

    Example:
        >>> fresh_seed(0, 1) == fresh_seed(0, 1), len({fresh_seed(0, 1), fresh_seed(0, 2), fresh_seed(0, 1, 0)})
        (True, 3)
    """
    return int(np.random.SeedSequence(seed, spawn_key=path).generate_state(1)[0])


def _codes(values: NDArray[np.generic] | None, num_rows: int) -> tuple[tuple[str, ...], Rows]:
    if values is None:
        return ("all",), np.zeros(num_rows, np.int64)
    levels, codes = np.unique(values, axis=0, return_inverse=True)
    return tuple(str(level) for level in levels), codes.reshape(-1).astype(np.int64)


def _choose(dataset: Dataset, validation: Validation) -> str:
    if validation.kind == "file":
        return "file"
    if dataset.times is not None:
        return "time"
    return "group" if dataset.groups is not None else validation.kind


def _by_file(request: SplitRequest) -> tuple[Fold, ...]:
    first = request.num_rows - request.num_given
    if not 0 < first < request.num_rows:
        raise DataError(
            f"{request.num_given} of {request.num_rows} rows were given to judge. Expected a row on each side. Check "
            "the validation file."
        )
    unknown = np.setdiff1d(request.classes[first:], request.classes[:first])
    if unknown.size:
        raise DataError(
            f"The validation file has the class {request.labels[unknown[0]]!r}, and no training row has. Add such rows "
            "to the training data, or drop them from the file."
        )
    return (_fold(np.arange(request.num_rows) >= first),)


def _by_fraction(request: SplitRequest) -> tuple[Fold, ...]:
    """Hold out the fraction of every class, to the nearest row; a class of one row trains."""
    _check_enough(request.num_rows, 2, "rows", "validation")
    random = np.random.default_rng(request.seed)
    sizes = np.bincount(request.classes)
    quota = _quota(sizes, request.fraction)
    judges = np.zeros(request.num_rows, bool)
    for code, rows in enumerate(_rows_of(request.classes)):
        judges[random.permutation(rows)[: quota[code]]] = True
    return (_fold(judges),)


def _quota(sizes: Rows, fraction: float) -> Rows:
    """Return how many rows of each class judge: the largest remainders of the fraction, but 1 to all but one."""
    exact = sizes * fraction
    quota: Rows = np.floor(exact).astype(np.int64)
    short = round(float(exact.sum())) - int(quota.sum())
    quota[np.argsort(quota - exact, kind="stable")[: max(short, 0)]] += 1
    quota = np.minimum(np.maximum(quota, np.minimum(1, sizes - 1)), sizes - 1)
    if not quota.any():  # every class has a single row
        quota[-1] = 1
    return quota


def _by_folds(request: SplitRequest) -> tuple[Fold, ...]:
    """Deal the rows of each class to the folds in turn, so that no two folds differ by more than a row of a class."""
    _check_enough(request.num_rows, request.folds, "rows", f"{request.folds} folds")
    sizes = np.bincount(request.classes)
    rarest = int(sizes.argmin())
    if len(sizes) > 1:
        what = f"rows of class {request.labels[rarest]!r}"
        _check_enough(int(sizes[rarest]), request.folds, what, f"{request.folds} folds")
    random = np.random.default_rng(request.seed)
    dealt = np.concatenate([random.permutation(rows) for rows in _rows_of(request.classes)])
    part = np.empty(request.num_rows, np.int64)
    part[dealt] = np.arange(request.num_rows) % request.folds
    return tuple(_fold(part == index) for index in range(request.folds))


def _by_group(request: SplitRequest) -> tuple[Fold, ...]:
    """Deal whole groups, so that each part comes near its share of the rows of every class."""
    num_groups = int(request.groups.max()) + 1
    holdout = request.folds == 1
    wanted = "validation" if holdout else f"{request.folds} folds"
    _check_enough(num_groups, max(2, request.folds), "groups", wanted)
    shares = (
        np.array([request.fraction, 1 - request.fraction]) if holdout else np.full(request.folds, 1 / request.folds)
    )
    part = _deal_groups(request, shares)[request.groups]
    return tuple(_fold(part == index) for index in range(request.folds))


def _deal_groups(request: SplitRequest, shares: NDArray[np.float64]) -> Rows:
    """Return the part of each group: large ones first, each to the part that lacks most of what it holds.

    Groups that hold no more than twice as much as one another come in random order, so that another seed deals anew.
    """
    num_groups, num_classes = int(request.groups.max()) + 1, len(request.labels)
    counts = np.zeros((num_groups, num_classes))
    np.add.at(counts, (request.groups, request.classes), 1.0)
    counts /= counts.sum(axis=0)  # of each class, the share that the group holds
    order = np.random.default_rng(request.seed).permutation(num_groups)
    order = order[np.argsort(-np.frexp(counts[order].max(axis=1))[1], kind="stable")]
    filled = np.zeros((len(shares), num_classes))
    part = np.empty(num_groups, np.int64)
    for position, group in enumerate(order):
        empty = np.flatnonzero(~filled.any(axis=1))
        if num_groups - position <= len(empty):  # the last groups go where nothing is yet
            best = int(empty[0])
        else:
            excess = (filled + counts[group]) / shares[:, None]
            best = int(((excess**2 - (filled / shares[:, None]) ** 2) * shares[:, None]).sum(axis=1).argmin())
        part[group] = best
        filled[best] += counts[group]
    return part


def _by_time(request: SplitRequest) -> tuple[Fold, ...]:
    """Cut time between two moments: what trains is earlier than what judges."""
    num_times = int(request.times.max()) + 1
    wanted = "validation" if request.folds == 1 else f"{request.folds} folds and a first stretch"
    _check_enough(num_times, request.folds + 1, "different times", wanted)
    stretches = np.arange(1, request.folds + 1) / (request.folds + 1)
    cuts = _cut_times(request.times, stretches if request.folds > 1 else np.array([1 - request.fraction]))
    ends = [*cuts[1:], num_times]
    rows = np.arange(request.num_rows)
    return tuple(
        Fold(rows[request.times < cut], rows[(request.times >= cut) & (request.times < end)])
        for cut, end in zip(cuts, ends, strict=True)
    )


def _cut_times(times: Rows, shares: NDArray[np.float64]) -> list[int]:
    """Return for each share the first moment after it, so that about that share of the rows is earlier."""
    earlier = np.concatenate([[0], np.cumsum(np.bincount(times))])  # rows before each moment
    cuts: list[int] = []
    for index, share in enumerate(shares):
        nearest = int(np.abs(earlier - share * len(times)).argmin())
        lowest = cuts[-1] + 1 if cuts else 1
        highest = len(earlier) - 1 - (len(shares) - index)
        cuts.append(min(max(nearest, lowest), highest))
    return cuts


SPLITTERS: Mapping[str, Callable[[SplitRequest], tuple[Fold, ...]]] = {
    "file": _by_file,
    "fraction": _by_fraction,
    "folds": _by_folds,
    "group": _by_group,
    "time": _by_time,
}


def _fold(judges: NDArray[np.bool_]) -> Fold:
    return Fold(np.flatnonzero(~judges).astype(np.int64), np.flatnonzero(judges).astype(np.int64))


def _rows_of(classes: Rows) -> list[Rows]:
    """Return the rows of each class in turn."""
    order = np.argsort(classes, kind="stable")
    return list(np.split(order, np.cumsum(np.bincount(classes))[:-1]))


def _check_enough(count: int, needed: int, what: str, wanted: str) -> None:
    if count < needed:
        raise DataError(
            f"There are {count} {what} for {wanted}. Expected at least {needed}. Ask for fewer, or add rows."
        )


def _check_same_form(dataset: Dataset, other: Dataset) -> None:
    if dataset.kind is not other.kind:
        raise DataError(
            f"{other.source} has rows of kind {other.kind}, the training data {dataset.kind}. Give the same kind."
        )


def _append_inputs(dataset: Dataset, other: Dataset) -> pd.DataFrame | NDArray[np.generic]:
    if isinstance(dataset.inputs, pd.DataFrame):
        return _append_frame(dataset.inputs, other.frame, "input")
    if dataset.array.shape[1:] != other.array.shape[1:]:
        raise DataError(
            f"{other.source} has rows of the shape {other.array.shape[1:]}, the training data has "
            f"{dataset.array.shape[1:]}. Give the same shape."
        )
    return np.concatenate([dataset.array, other.array])


def _append_frame(first: pd.DataFrame, second: pd.DataFrame, what: str) -> pd.DataFrame:
    missing = [str(name) for name in first if name not in second]
    if missing:
        raise DataError(
            f"The second table lacks the {what} columns {', '.join(missing)}. Expected all columns of the first."
        )
    return pd.DataFrame({name: _append_column(first[name], second[name]) for name in first})


def _append_column(first: pd.Series, second: pd.Series) -> pd.Series:
    if first.dtype == second.dtype:
        return pd.concat([first, second], ignore_index=True)
    if isinstance(first.dtype, pd.CategoricalDtype):
        return pd.concat([_as_text(first), _as_text(second)], ignore_index=True).astype("category")
    if pd.api.types.is_numeric_dtype(first.dtype) and pd.api.types.is_numeric_dtype(second.dtype):
        kind = np.result_type(first.to_numpy(), second.to_numpy())  # of booleans and numbers: numbers
        return pd.concat([first.astype(kind), second.astype(kind)], ignore_index=True)
    if pd.api.types.is_datetime64_any_dtype(first.dtype):
        return pd.concat([first, parse_dates(_as_text(second))], ignore_index=True)
    if first.isna().all() or second.isna().all():
        return pd.concat([first.astype(object), second.astype(object)], ignore_index=True).infer_objects()
    return pd.concat([_as_text(first), _as_text(second)], ignore_index=True)


def _as_text(values: pd.Series) -> pd.Series:
    return values.astype(object).map(_text, na_action="ignore").astype("str")


def _text(value: object) -> str:
    """Write 7.0 as `7`: a column of whole numbers is one of floats only where some are missing."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _append_array(first: NDArray[Scalar] | None, second: NDArray[Scalar] | None, what: str) -> NDArray[Scalar] | None:
    if first is None:
        return None
    if second is None or (first.dtype.kind == "M") != (second.dtype.kind == "M"):
        raise DataError(
            f"The second table has no {what} of the same kind. Expected the same columns in both. Add them."
        )
    return np.concatenate([first, second])
