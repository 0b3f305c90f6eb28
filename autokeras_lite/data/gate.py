"""The gate: what is broken is refused in one line, what can be mended is mended and told."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autokeras_lite.data.column_kind import ColumnKind, ColumnProfile
from autokeras_lite.data.dataset import Dataset, InputKind
from autokeras_lite.data.profile import DataProfile
from autokeras_lite.errors import DataError

MIN_ROWS = 20
LEAK_SAMPLE_ROWS = 1_000
MAX_NAMES_SHOWN = 5


def check_dataset(dataset: Dataset, profile: DataProfile, task_kind: str) -> tuple[Dataset, tuple[str, ...]]:
    """Return the rows and columns that a model can learn from, and sentences that tell what was left out.

    `task_kind` is `binary`, `multiclass`, `multilabel` or `regression`. Rows without a target and columns that the
    profile does not keep leave the dataset. Nothing else is changed.

    Raises:
        DataError: too few rows, targets that teach nothing, infinite inputs, a column that is the target, no columns.
    """
    labelled, dropped = drop_unlabelled(dataset)
    sentences = [f"{dropped} rows have no target and were left out."] if dropped else []
    _check_rows(labelled, dropped)
    _TARGET_CHECKS[task_kind](labelled.targets)
    if labelled.kind is not InputKind.TABLE:
        _check_array(labelled)
        return labelled, tuple(sentences)
    kept, told = _keep_columns(labelled, profile)
    _check_finite(kept, profile)
    _check_leaks(kept, exact=task_kind == "regression")
    return kept, (*sentences, *told)


def drop_unlabelled(dataset: Dataset) -> tuple[Dataset, int]:
    """Return the rows in which every target is known, and the number of the others.

    Whole numbers that became floats beside missing ones are whole numbers again.
    """
    missing = dataset.targets.isna().any(axis=1).to_numpy()
    if not missing.any():
        return dataset, 0
    labelled = dataset.take(np.flatnonzero(~missing))
    targets = pd.DataFrame({name: _as_whole(labelled.targets[name]) for name in labelled.targets})
    return replace(labelled, targets=targets), int(missing.sum())


def _as_whole(values: pd.Series) -> pd.Series:
    if not pd.api.types.is_float_dtype(values.dtype):
        return values
    whole = (values == values.round()) & (values.abs() < 2**53)  # beyond that, floats skip whole numbers
    return values.astype(np.int64) if whole.all() else values


def _check_rows(dataset: Dataset, dropped: int) -> None:
    if len(dataset) < MIN_ROWS:
        without = f", after {dropped} rows without a target were left out" if dropped else ""
        raise DataError(f"The data hold {len(dataset)} rows{without}. Expected at least {MIN_ROWS}. Add labelled rows.")
    if dataset.weights is not None and not dataset.weights.any():
        raise DataError("Every row with a target has the weight 0. Expected some above 0. Check the weight column.")


def _check_classes(targets: pd.DataFrame) -> None:
    for name in targets:
        counts = targets[name].value_counts()
        if len(counts) == 1:
            raise DataError(
                f"Target {name!r} has the one class {counts.index[0]}. Expected at least two. Add rows of another."
            )
        rare = [str(label) for label, count in counts.items() if count == 1]
        if rare:
            shown = ", ".join(rare[:MAX_NAMES_SHOWN]) + (", ..." if len(rare) > MAX_NAMES_SHOWN else "")
            raise DataError(
                f"Target {name!r} has a single row of {'classes' if len(rare) > 1 else 'class'} {shown}. Expected two "
                "or more of each. Add rows, or merge or drop the class; for numbers give --task regression."
            )


def _check_labels(targets: pd.DataFrame) -> None:
    for name in targets:
        if targets[name].nunique() == 1:
            raise DataError(
                f"Target {name!r} is {targets[name].iloc[0]} in every row. Expected both values. Leave this target out."
            )


def _check_numbers(targets: pd.DataFrame) -> None:
    for name in targets:
        numbers = pd.to_numeric(targets[name], errors="coerce").to_numpy(np.float64)
        words = int(np.isnan(numbers).sum())
        if words:
            raise DataError(
                f"Target {name!r} has {words} values that are no numbers. Correct them, or give another --task."
            )
        infinite = _count_infinite(numbers)
        if infinite:
            raise DataError(
                f"Target {name!r} is infinite in {infinite} rows. Expected finite numbers. Correct or drop them."
            )
        if numbers.min() == numbers.max():
            raise DataError(
                f"Target {name!r} is {numbers[0]:g} in every row. Expected values that differ. Check the column."
            )


_TARGET_CHECKS: Mapping[str, Callable[[pd.DataFrame], None]] = {
    "binary": _check_classes,
    "multiclass": _check_classes,
    "multilabel": _check_labels,
    "regression": _check_numbers,
}


def _check_array(dataset: Dataset) -> None:
    array = dataset.array
    if array.size == 0:
        raise DataError(f"x has the shape {array.shape} and holds nothing. Expected at least one value in each row.")
    broken = int(np.isnan(array).sum()) + _count_infinite(array) if array.dtype.kind == "f" else 0
    if broken:
        raise DataError(
            f"x holds {broken} values that are missing or infinite. Expected finite numbers. Fill them first."
        )


def _keep_columns(dataset: Dataset, profile: DataProfile) -> tuple[Dataset, list[str]]:
    dropped = [column for column in profile.columns if not column.kept and column.name in dataset.frame]
    rest = dataset.frame.drop(columns=[column.name for column in dropped])
    if rest.shape[1] == 0:
        shown = "; ".join(f"{column.name}: {column.kind}, {column.reason}" for column in dropped[:2])
        raise DataError(
            f"No column of {len(dropped)} can teach a model ({shown}). Expected numbers, categories or dates."
        )
    return replace(dataset, inputs=rest), [_tell(kind, dropped) for kind in _kinds(dropped)]


def _kinds(columns: list[ColumnProfile]) -> list[ColumnKind]:
    return [kind for kind in ColumnKind if any(column.kind is kind for column in columns)]


def _tell(kind: ColumnKind, dropped: list[ColumnProfile]) -> str:
    columns = [column for column in dropped if column.kind is kind]
    names = ", ".join(column.name for column in columns[:MAX_NAMES_SHOWN])
    more = f" and {len(columns) - MAX_NAMES_SHOWN} more" if len(columns) > MAX_NAMES_SHOWN else ""
    return f"Left out as {kind}: {names}{more} ({columns[0].reason})."


def _check_finite(dataset: Dataset, profile: DataProfile) -> None:
    numeric = [column.name for column in profile.kept if column.kind is ColumnKind.NUMBER]
    counts = {name: _count_infinite(pd.to_numeric(dataset.frame[name]).to_numpy(np.float64)) for name in numeric}
    broken = {name: count for name, count in counts.items() if count}
    if broken:
        name, count = next(iter(broken.items()))
        others = f" ({len(broken) - 1} more columns likewise)" if len(broken) > 1 else ""
        raise DataError(
            f"Column {name!r} is infinite or beyond 3.4e38 in {_plural(count, 'row', 'rows')}{others}. Expected finite "
            "numbers. Correct them, or leave the cells empty."
        )


def _count_infinite(numbers: NDArray[Any]) -> int:
    """Count what no float32 holds: models compute in float32, so 1e300 is infinite there."""
    return int((np.abs(numbers) > np.finfo(np.float32).max).sum())


def _check_leaks(dataset: Dataset, *, exact: bool) -> None:
    same, how = (_is_copy, "a copy of") if exact else (_is_relabelling, "a copy or a relabelling of")
    for target in dataset.targets:
        for name in dataset.frame:
            column, values = dataset.frame[name], dataset.targets[target]
            sample = slice(0, LEAK_SAMPLE_ROWS)
            if same(column.iloc[sample], values.iloc[sample]) and same(column, values):
                raise DataError(
                    f"Column {name!r} is {how} the target {target!r}, so a model would only copy it. Expected inputs "
                    f"that are known before the target. Drop column {name!r}."
                )


def _is_copy(column: pd.Series, target: pd.Series) -> bool:
    return bool(np.array_equal(_as_float32(column), _as_float32(target)))


def _as_float32(values: pd.Series) -> NDArray[np.float32]:
    texts = values.astype("str") if isinstance(values.dtype, pd.CategoricalDtype) else values
    with np.errstate(over="ignore"):
        return pd.to_numeric(texts, errors="coerce").to_numpy(np.float64).astype(np.float32)


def _is_relabelling(column: pd.Series, target: pd.Series) -> bool:
    """Say whether column and target tell the same rows apart: as many pairs as values of either."""
    codes, levels = pd.factorize(column, use_na_sentinel=False)
    classes, labels = pd.factorize(target)
    if len(levels) != len(labels):
        return False
    return len(np.unique(codes.astype(np.int64) * len(labels) + classes)) == len(labels)


def _plural(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
