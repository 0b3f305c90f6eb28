"""The data in the report: columns with their kinds, targets, and what a person should know of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autokeras_lite.data.dataset import InputKind
from autokeras_lite.report.facts import Facts
from autokeras_lite.report.headline import Fact
from autokeras_lite.report.wording import count, one_line, shortened, show_bytes, show_share, show_value
from autokeras_lite.report.worst_rows import WorstRow, show_examples

_MOST_COLUMNS = 300
_FEW_TARGETS = 2
_MOST_CLASSES = 30
_MOST_EXAMPLES = 60


@dataclass(frozen=True)
class ColumnRow:
    """One column of a table; `missing` is a share in words."""

    name: str
    kind: str
    is_used: bool
    missing: str
    distinct: str
    examples: str
    reason: str


@dataclass(frozen=True)
class ClassRow:
    """A class with its number of rows; `percent` is for its bar."""

    name: str
    rows: str
    share: str
    percent: float


@dataclass(frozen=True)
class TargetTable:
    """A target: its classes, or the range of its values in `told`.

    `distinct` and `values` (least, mean, greatest, standard deviation) are the same of numbers, for a table of several.
    """

    name: str
    told: str
    classes: tuple[ClassRow, ...]
    num_hidden: int
    distinct: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataSection:
    """What is told of the data."""

    facts: tuple[Fact, ...]
    notes: tuple[str, ...]
    targets: tuple[TargetTable, ...]
    columns: tuple[ColumnRow, ...]
    num_columns: int
    num_hidden: int
    examples: tuple[WorstRow, ...] = ()

    @property
    def are_many_numbers(self) -> bool:
        """Whether the targets are several numbers, which a table tells shorter."""
        return len(self.targets) > _FEW_TARGETS and all(target.values for target in self.targets)


def describe_data_section(facts: Facts) -> DataSection:
    """Put together what is known of the data; without a profile that is little."""
    profile = facts.profile or {}
    rows, columns = _whole(profile.get("rows")), _mappings(profile.get("columns"))
    shown = [_column_row(column, rows) for column in columns[:_MOST_COLUMNS]]
    return DataSection(
        facts=tuple(_facts(facts, profile, rows, columns)),
        notes=tuple(dict.fromkeys(map(str, facts.summary.notes))),
        targets=tuple(_target(target, rows) for target in _mappings(profile.get("targets"))),
        columns=tuple(shown),
        num_columns=len(columns),
        num_hidden=len(columns) - len(shown),
        examples=show_examples(facts),
    )


def _facts(facts: Facts, profile: Mapping[str, Any], rows: int, columns: Sequence[Mapping[str, Any]]) -> Iterator[Fact]:
    if not profile:
        return
    yield Fact("Rows", f"{rows:,}", _training_rows(profile))
    if profile.get("kind") == str(InputKind.TABLE):
        used = sum(column.get("kept") is True for column in columns)
        yield Fact("Columns", f"{used:,}", f"used as inputs, of {len(columns):,}")
        missing = _whole(profile.get("missing_cells"))
        yield Fact("Missing cells", show_share(missing, rows * len(columns)), count(missing, "cell") if missing else "")
    else:
        array = profile.get("array") or {}
        shape = _shape(str(profile.get("kind")), [str(size) for size in list(array.get("shape", ()))[1:]])
        yield Fact("Inputs", f"{profile.get('kind')}", f"{shape}, {array.get('dtype', '')}")
        span = f"{show_value(array.get('minimum'))} to {show_value(array.get('maximum'))}"
        strange = _whole(array.get("not_finite"))
        yield Fact("Values", span, f"{strange:,} not finite" if strange else "all finite")
    duplicates = _whole(profile.get("duplicates"))
    yield Fact("Repeated rows", f"{duplicates:,}", show_share(duplicates, rows) if duplicates else "")
    yield Fact("In memory", show_bytes(_whole(profile.get("memory_bytes"))))
    if profile.get("validation"):
        told = str(profile["validation"])
        is_path = facts.config is not None and told == facts.config.validation.path
        yield Fact("Judged by", "a file", Path(told).name) if is_path else Fact("Judged by", told)


def _shape(kind: str, sizes: Sequence[str]) -> str:
    """Say what one row is: what each size counts."""
    if kind == InputKind.IMAGE and len(sizes) == 3:
        return f"each {sizes[0]} x {sizes[1]} pixels of {_channels(sizes[2])}"
    if kind == InputKind.SEQUENCE and len(sizes) == 2:
        return f"each {sizes[0]} steps of {_channels(sizes[1])}"
    return f"each {sizes[0]} long" if len(sizes) == 1 else f"each {' x '.join(sizes)}"


def _channels(number: str) -> str:
    return f"{number} channel{'' if number == '1' else 's'}"


def _training_rows(profile: Mapping[str, Any]) -> str:
    folds = _mappings(profile.get("folds"))
    if not folds:
        return ""
    train, judge = _whole(folds[0].get("train_rows")), _whole(folds[0].get("validation_rows"))
    each = "in the first fold " if len(folds) > 1 else ""
    return f"{each}{train:,} train, {judge:,} judge"


def _column_row(column: Mapping[str, Any], rows: int) -> ColumnRow:
    examples = ", ".join(one_line(show_value(value)) for value in column.get("examples") or ())
    return ColumnRow(
        name=str(column.get("name")),
        kind=str(column.get("kind")),
        is_used=column.get("kept") is True,
        missing=show_share(_whole(column.get("missing")), rows),
        distinct=f"{_whole(column.get('distinct')):,}",
        examples=shortened(examples, _MOST_EXAMPLES),
        reason=str(column.get("reason") or ""),
    )


def _target(target: Mapping[str, Any], rows: int) -> TargetTable:
    classes = [pair for pair in target.get("classes") or () if isinstance(pair, list | tuple) and len(pair) == 2]
    made = tuple(
        ClassRow(one_line(show_value(label)), f"{number:,}", show_share(number, rows), _percent(number, rows))
        for label, number in classes[:_MOST_CLASSES]
    )
    distinct = _whole(target.get("distinct"))
    told = count(distinct, "class") if made else f"{distinct:,} different values"
    told = told.replace("classs", "classes")
    if target.get("minimum") is not None and not made:
        span = f"from {show_value(target['minimum'])} to {show_value(target.get('maximum'))}"
        spread = f"mean {show_value(target.get('mean'))}, standard deviation {show_value(target.get('deviation'))}"
        told = f"{told} {span}; {spread}"
    values = [show_value(target.get(key)) for key in ("minimum", "mean", "maximum", "deviation")]
    hidden = max(0, distinct - len(made)) if made else 0
    return TargetTable(str(target.get("name")), told, made, hidden, f"{distinct:,}", () if made else tuple(values))


def _percent(number: int, rows: int) -> float:
    return round(100 * number / rows, 2) if rows else 0.0


def _mappings(values: Any) -> list[Mapping[str, Any]]:
    return [value for value in values if isinstance(value, Mapping)] if isinstance(values, list | tuple) else []


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0
