"""A profile: what stands in the data, column by column, and what follows from it."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autokeras_lite.data.column_kind import ColumnProfile, plain_value, profile_column
from autokeras_lite.data.dataset import Dataset, InputKind
from autokeras_lite.data.fingerprint import fingerprint, row_hashes

MAX_CLASSES_SHOWN = 100
MAX_NUMERIC_CLASSES = 20
TEXT_FILES = (".csv", ".tsv")

Label = str | int | float | bool


@dataclass(frozen=True)
class TargetProfile:
    """What stands in one target: its commonest classes with their counts, or the range of its numbers."""

    name: str
    missing: int
    distinct: int
    classes: tuple[tuple[Label, int], ...] = ()
    mean: float | None = None
    deviation: float | None = None
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class ArrayProfile:
    """What stands in inputs that are an array; the range leaves out what is not finite."""

    shape: tuple[int, ...]
    dtype: str
    minimum: float
    maximum: float
    not_finite: int


@dataclass(frozen=True)
class DataProfile:
    """What stands in a dataset.

    `columns` is empty unless the inputs are a table, `array` is None if they are. `duplicates` counts the rows that
    repeat an earlier row, targets included. `notes` are sentences to show to the person; which
    columns are left out, the gate tells.
    """

    name: str
    kind: InputKind
    kind_reason: str
    rows: int
    columns: tuple[ColumnProfile, ...]
    targets: tuple[TargetProfile, ...]
    array: ArrayProfile | None
    duplicates: int
    missing_cells: int
    memory_bytes: int
    fingerprint: str
    notes: tuple[str, ...] = ()

    @property
    def kept(self) -> tuple[ColumnProfile, ...]:
        """The columns that become inputs of a model."""
        return tuple(column for column in self.columns if column.kept)

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `json.dumps` takes."""
        return asdict(self)


def profile_dataset(dataset: Dataset) -> DataProfile:
    """Describe a dataset: the kind of each column with the reason, missing values, classes, duplicates, fingerprint.

    Counts are exact; only the looks at texts (are they numbers, dates, sentences?) use a sample of long columns.
    """
    columns = _profile_columns(dataset)
    targets = tuple(_profile_target(dataset.targets[name]) for name in dataset.targets)
    duplicates = _count_duplicates(dataset)
    return DataProfile(
        name=dataset.name,
        kind=dataset.kind,
        kind_reason=dataset.kind_reason,
        rows=len(dataset),
        columns=columns,
        targets=targets,
        array=None if dataset.kind is InputKind.TABLE else _profile_array(dataset.array),
        duplicates=duplicates,
        missing_cells=sum(column.missing for column in columns),
        memory_bytes=_memory_bytes(dataset),
        fingerprint=fingerprint(dataset),
        notes=_notes(dataset, columns, duplicates),
    )


def _profile_columns(dataset: Dataset) -> tuple[ColumnProfile, ...]:
    if dataset.kind is not InputKind.TABLE:
        return ()
    return tuple(profile_column(dataset.frame[name]) for name in dataset.frame)


def _profile_target(values: pd.Series) -> TargetProfile:
    counts = values.value_counts()
    missing = int(values.isna().sum())
    numeric = pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)
    shown = MAX_NUMERIC_CLASSES if numeric else MAX_CLASSES_SHOWN
    classes = () if numeric and len(counts) > shown else _classes(counts.iloc[:shown])
    name = str(values.name)
    if not numeric or missing == len(values):
        return TargetProfile(name, missing, len(counts), classes)
    numbers = values.dropna().to_numpy(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):  # the gate refuses what is infinite; here it is only shown
        moments = (numbers.mean(), numbers.std(), numbers.min(), numbers.max())
    return TargetProfile(name, missing, len(counts), classes, *(float(value) for value in moments))


def _classes(counts: pd.Series) -> tuple[tuple[Label, int], ...]:
    return tuple((plain_value(label), int(count)) for label, count in counts.items())


def _profile_array(array: NDArray[Any]) -> ArrayProfile:
    finite = np.isfinite(array)
    if finite.all():
        low, high = (array.min(), array.max()) if array.size else (0, 0)
    else:
        low, high = array.min(where=finite, initial=np.inf), array.max(where=finite, initial=-np.inf)
    return ArrayProfile(array.shape, str(array.dtype), float(low), float(high), int(array.size - finite.sum()))


def _count_duplicates(dataset: Dataset) -> int:
    if dataset.kind is InputKind.TABLE:
        inputs = row_hashes(dataset.frame)
    else:
        flat = np.ascontiguousarray(dataset.array).reshape(len(dataset), -1)
        inputs = np.fromiter((hash(row.tobytes()) for row in flat), np.int64, len(flat)).astype(np.uint64)
    both = pd.DataFrame({"inputs": inputs, "targets": row_hashes(dataset.targets)})
    return int(both.duplicated().sum())


def _memory_bytes(dataset: Dataset) -> int:
    if dataset.kind is InputKind.TABLE:
        return int(dataset.frame.memory_usage(index=False, deep=True).sum())
    return int(dataset.array.nbytes)


def _notes(dataset: Dataset, columns: tuple[ColumnProfile, ...], duplicates: int) -> tuple[str, ...]:
    notes = []
    if duplicates:
        share = 100 * duplicates / len(dataset)
        notes.append(
            f"{duplicates} rows ({share:.1f} %) repeat an earlier row; copies may stand on both sides of a split."
        )
    if dataset.source.endswith(TEXT_FILES) and any(column.missing for column in columns):
        notes.append("Empty cells and marks such as NA, null, None, nan and ? were read as missing values.")
    notes += [column.warning for column in columns if column.warning]
    return tuple(notes)
