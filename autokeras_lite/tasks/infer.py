"""Which question the targets ask: found out from their values, or checked against what the person said."""

import difflib
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from autokeras_lite.config import Goal
from autokeras_lite.errors import TaskError
from autokeras_lite.tasks.metrics import choose_metric
from autokeras_lite.tasks.target_column import Content, TargetColumn, as_numbers, read_target_column
from autokeras_lite.tasks.task import Label, Task, TaskKind

MOST_WHOLE_NUMBER_CLASSES = 20  # more distinct whole numbers than this are a quantity, not classes
MOST_DISTINCT_SHARE = 0.5  # values that hardly repeat are no classes, however few they are

_CHANGE = "Say --task regression or --task multiclass if that is wrong."


class _Finding(NamedTuple):
    kind: TaskKind
    reason: str


def infer_task(targets: pd.DataFrame, goal: Goal) -> Task:
    """Return the task that `targets` `(rows, targets)` ask for, with a reason for a person.

    `goal.task` and `goal.metric` are obeyed when they fit. Missing values are left out. One column of true/false,
    texts, categories or few distinct whole numbers asks for classes; other numbers ask for a regression. Several
    columns of 0 and 1 ask for a multilabel task (even where each row has exactly one 1), several columns of other
    numbers for a regression with several targets.

    Raises:
        TaskError: the targets ask for nothing that can be learned, or the goal does not fit them.
        DataError: a target holds an infinite value.

    Example:
        >>> infer_task(pd.DataFrame({"y": ["no", "yes", "no"]}), Goal()).classes
        ('no', 'yes')
    """
    if not targets.shape[1]:
        raise TaskError("No target was named. Expected at least one column to predict. Name it with --target.")
    columns = [read_target_column(targets[name]) for name in targets.columns]
    if all(len(column.labels) == 1 for column in columns):
        raise TaskError(
            f"Target {columns[0].name!r} holds only {columns[0].labels[0]!r}. Expected at least two different values. "
            "Name another target or give more rows."
        )
    finding = _infer(columns) if goal.task is None else _obey(goal.task, columns)
    metric = choose_metric(finding.kind, goal.metric)
    if metric.name == "rmsle":
        _refuse_negative(targets)
    has_classes = finding.kind in (TaskKind.BINARY, TaskKind.MULTICLASS)
    return Task(
        kind=finding.kind,
        targets=tuple(column.name for column in columns),
        metric=metric.name,
        direction=metric.direction,
        classes=columns[0].labels if has_classes else (),
        reason=finding.reason,
    )


# --- nothing was said ----------------------------------------------------------------------------


def _infer(columns: Sequence[TargetColumn]) -> _Finding:
    if len(columns) > 1:
        return _infer_several(columns)
    column = columns[0]
    if column.content is Content.FRACTION:
        return _Finding(TaskKind.REGRESSION, f"Target {column.name!r} holds {column.content}: regression.")
    if column.content is Content.INTEGER and not _are_few(column):
        return _Finding(
            TaskKind.REGRESSION,
            f"Target {column.name!r} holds {len(column.labels)} different whole numbers in {column.rows} rows: "
            f"regression. {_CHANGE}",
        )
    if column.content is not Content.INTEGER and _hardly_repeat(column):
        return _infer_unrepeated(column)
    what = "2 classes" if len(column.labels) == 2 else f"{len(column.labels)} classes"
    kind = TaskKind.BINARY if len(column.labels) == 2 else TaskKind.MULTICLASS
    hint = f" {_CHANGE}" if column.content is Content.INTEGER and kind is TaskKind.MULTICLASS else ""
    return _Finding(kind, f"Target {column.name!r} holds {what} ({_show(column.labels)}): {kind}.{hint}")


def _infer_several(columns: Sequence[TargetColumn]) -> _Finding:
    if all(column.is_flag for column in columns):
        return _Finding(
            TaskKind.MULTILABEL,
            f"{len(columns)} targets hold only 0 and 1: multilabel, each target is predicted by itself.",
        )
    texts = [column.name for column in columns if column.content not in (Content.INTEGER, Content.FRACTION)]
    if texts:
        raise TaskError(
            f"{len(columns)} targets came and {_show(texts)} hold no numbers. Expected only numbers, or only 0 and 1. "
            "Convert them, or name one target."
        )
    return _Finding(TaskKind.REGRESSION, f"{len(columns)} targets hold numbers: regression with several targets.")


def _infer_unrepeated(column: TargetColumn) -> _Finding:
    if column.are_numbers:
        return _Finding(TaskKind.REGRESSION, f"Target {column.name!r} holds numbers written as text: regression.")
    raise TaskError(_too_many_classes(column))


def _are_few(column: TargetColumn) -> bool:
    distinct = len(column.labels)
    return distinct == 2 or distinct <= min(MOST_WHOLE_NUMBER_CLASSES, MOST_DISTINCT_SHARE * column.rows)


def _hardly_repeat(column: TargetColumn) -> bool:
    distinct = len(column.labels)
    return distinct > MOST_WHOLE_NUMBER_CLASSES and distinct > MOST_DISTINCT_SHARE * column.rows


# --- the task was said ---------------------------------------------------------------------------


def _obey(name: str, columns: Sequence[TargetColumn]) -> _Finding:
    if name not in tuple(TaskKind):
        near = difflib.get_close_matches(name, list(TaskKind), n=1)
        hint = f"Did you mean {near[0]}?" if near else "Correct --task."
        raise TaskError(f"Task {name!r} was given. Expected one of {', '.join(TaskKind)}. {hint}")
    kind = TaskKind(name)
    if kind is TaskKind.REGRESSION:
        _check_numbers(columns)
    elif kind is TaskKind.MULTILABEL:
        _check_flags(columns)
    else:
        _check_classes(kind, columns)
    return _Finding(kind, f"The task was given: {kind}.")


def _check_numbers(columns: Sequence[TargetColumn]) -> None:
    for column in columns:
        as_numbers(pd.Series(list(column.labels), name=column.name))


def _check_flags(columns: Sequence[TargetColumn]) -> None:
    for column in columns:
        if not column.is_flag:
            wrong = next(label for label in column.labels if isinstance(label, str) or label not in (0, 1))
            raise TaskError(
                f"Target {column.name!r} holds {wrong!r}. Expected only 0 and 1, as multilabel asks for. Convert the "
                "column or choose another --task."
            )


def _check_classes(kind: TaskKind, columns: Sequence[TargetColumn]) -> None:
    if len(columns) > 1:
        raise TaskError(
            f"Task {kind} was given with {len(columns)} targets. Expected one. Name one target or choose --task "
            "multilabel or regression."
        )
    classes = columns[0].labels
    if kind is TaskKind.BINARY and len(classes) != 2:
        raise TaskError(
            f"Target {columns[0].name!r} holds {len(classes)} classes ({_show(classes)}). Expected 2, as binary asks "
            "for. Choose --task multiclass, or merge or remove classes."
        )
    if _hardly_repeat(columns[0]):
        raise TaskError(_too_many_classes(columns[0]))


def _refuse_negative(targets: pd.DataFrame) -> None:
    for name in targets.columns:
        smallest = as_numbers(targets[name].dropna()).min()
        if smallest < 0:
            raise TaskError(
                f"Metric 'rmsle' was given and target {name!r} goes down to {smallest:g}. Expected no negative values. "
                "Choose --metric rmse or mae."
            )


# --- words ---------------------------------------------------------------------------------------


def _too_many_classes(column: TargetColumn) -> str:
    return (
        f"Target {column.name!r} holds {len(column.labels)} different values in {column.rows} rows. Expected classes "
        "that repeat. Name another target, or choose --task regression for numbers."
    )


def _show(labels: Sequence[Label]) -> str:
    shown = [text if len(text) <= 32 else f"{text[:29]}..." for text in map(repr, labels[:4])]
    return ", ".join([*shown, "..."] if len(labels) > 4 else shown)
