"""From what was given to what is trained on: read, profile, infer, gate, split, encode."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.config import ColumnRoles, SearchConfig, Validation
from autokeras_lite.data.arrays import EncodedData, EncodedFold
from autokeras_lite.data.dataset import Dataset, InputKind
from autokeras_lite.data.encode import Encoding, fit_encoding
from autokeras_lite.data.gate import check_dataset, drop_unlabelled
from autokeras_lite.data.profile import DataProfile, profile_dataset
from autokeras_lite.data.read import read_dataset
from autokeras_lite.data.split import Fold, append_rows
from autokeras_lite.errors import DataError
from autokeras_lite.search.validation import describe_validation, divide_rows
from autokeras_lite.tasks.infer import infer_task
from autokeras_lite.tasks.targets import class_weights, encode_targets
from autokeras_lite.tasks.task import Task
from autokeras_lite.tasks.values import asks_for_even_classes, class_shift


@dataclass(frozen=True)
class Prepared:
    """Everything that is known before the first trial.

    `encodings` has one for each fold. `layout` is the encoding of all rows: with one fold it is that fold's, with
    several it serves the model that is trained again on all rows. `validation` is how the rows were divided, never
    `auto`. `notes` are sentences for the person.
    """

    dataset: Dataset
    profile: DataProfile
    task: Task
    data: EncodedData
    encodings: tuple[Encoding, ...]
    layout: Encoding
    notes: tuple[str, ...]
    validation: Validation


def prepare(given: Dataset, config: SearchConfig, *, quantiles: bool = False) -> Prepared:
    """Make of what was read what trials are trained on; with `quantiles`, for models that may take that array.

    Raises:
        DataError: nothing can be learned from the data.
        TaskError: the task or the metric does not fit the targets.
    """
    labelled, num_dropped = drop_unlabelled(given)
    profile = profile_dataset(labelled)
    task = infer_task(labelled.targets, config.goal)
    dataset, told = check_dataset(labelled, profile, str(task.kind))
    dropped = (f"{num_dropped} rows have no target and were left out.",) if num_dropped else ()
    dataset, num_given = _with_validation_file(dataset, config)
    seed = config.strategy.seed
    division = divide_rows(dataset, task, config.validation, seed=seed, num_given=num_given)
    folds, reasons = division.folds, tuple(sentence for sentence in (division.reason,) if sentence)
    rows = folds[0].train_rows if len(folds) == 1 else _all_rows(dataset)
    layout = fit_encoding(dataset, profile, rows, quantiles=quantiles)
    encodings = tuple(
        layout if len(folds) == 1 else fit_encoding(dataset, profile, fold.train_rows, layout=layout) for fold in folds
    )
    encoded = encode_folds(dataset, task, config, folds, encodings)
    told = (*told, *_about_classes(task, config))
    notes = (f"{given.kind_reason.capitalize()}.", task.reason, *dropped, *profile.notes, *told, *reasons)
    return Prepared(dataset, profile, task, encoded, encodings, layout, notes, division.validation)


def describe_data(prepared: Prepared) -> dict[str, Any]:
    """Return the profile of the data with how their rows were divided, in plain values for a file.

    Beside what `DataProfile.to_json` has, `validation` says in words which rows judge, and `folds` has for each fold
    the number of its `train_rows` and `validation_rows`.
    """
    folds = [
        {"train_rows": len(fold.train_rows), "validation_rows": len(fold.validation_rows)}
        for fold in prepared.data.folds
    ]
    return {**prepared.profile.to_json(), "validation": describe_validation(prepared.validation), "folds": folds}


def _about_classes(task: Task, config: SearchConfig) -> tuple[str, ...]:
    if not asks_for_even_classes(task) or config.goal.class_weight is not None:
        return ()
    return (f"Probabilities are those of classes that are equally frequent, since {task.metric} counts them alike.",)


def encode_all_rows(prepared: Prepared, config: SearchConfig) -> EncodedData:
    """Encode the data once more with every row as a training row; those of the first fold judge, to no effect."""
    fold = Fold(_all_rows(prepared.dataset), np.asarray(prepared.data.folds[0].validation_rows))
    return encode_folds(prepared.dataset, prepared.task, config, (fold,), (prepared.layout,))


def read_more_rows(dataset: Dataset, data: Any, config: SearchConfig) -> Dataset:
    """Read further labelled rows of the same table (a validation or test file), without those that lack a target."""
    return _read_more(dataset, data, config.columns)


def read_test_rows(prepared: Prepared, data: Any, config: SearchConfig) -> Dataset:
    """Read the rows that are scored at the very end, and check now that they can be.

    Weight, group and time columns are not needed for that.

    Raises:
        DataError: there is no labelled row, or a label is unknown.
        ArtifactError: a column is missing.
    """
    rows = _read_more(prepared.dataset, data, ColumnRoles(config.columns.targets))
    if len(rows) == 0:
        raise DataError("The test data hold no row with a target. Expected labelled rows. Correct --test.")
    encode_targets(prepared.task, rows.targets, _all_rows(rows))
    prepared.layout.encode(rows.inputs[:1])
    return rows


def _read_more(dataset: Dataset, data: Any, columns: ColumnRoles) -> Dataset:
    texts = _text_columns(dataset)
    more = read_dataset(data, columns, name=dataset.name, kind=dataset.kind, text_columns=texts)
    return drop_unlabelled(more)[0]


def _with_validation_file(dataset: Dataset, config: SearchConfig) -> tuple[Dataset, int | None]:
    if config.validation.path is None:
        return dataset, None
    given = read_more_rows(dataset, config.validation.path, config)
    return append_rows(dataset, given), len(given)


def _text_columns(dataset: Dataset) -> Collection[str]:
    if dataset.kind is not InputKind.TABLE:
        return ()
    return [str(name) for name in dataset.frame if dataset.frame[name].dtype.kind not in "biufM"]


def _all_rows(dataset: Dataset) -> NDArray[np.int64]:
    return np.arange(len(dataset), dtype=np.int64)


def encode_folds(
    dataset: Dataset, task: Task, config: SearchConfig, folds: tuple[Fold, ...], encodings: tuple[Encoding, ...]
) -> EncodedData:
    """Encode all rows once for each fold, by what its training rows taught."""
    made = []
    labels: NDArray[Any] = np.empty(0)
    shared: dict[str, NDArray[Any]] = encodings[0].encode(dataset.inputs) if len(folds) == 1 else {}
    for fold, encoding in zip(folds, encodings, strict=True):
        targets = encode_targets(task, dataset.targets, fold.train_rows)
        labels = targets.labels
        inputs = shared or encoding.encode(dataset.inputs)
        center = targets.center
        if asks_for_even_classes(task) and config.goal.class_weight is None:
            weights = None if dataset.weights is None else dataset.weights[fold.train_rows]
            center = class_shift(task, targets.values[fold.train_rows], weights)
        made.append(EncodedFold(inputs, targets.values, fold.train_rows, fold.validation_rows, center, targets.scale))
    return EncodedData(encodings[0].inputs, tuple(made), labels, _weights(dataset, task, config, labels, folds))


def _weights(
    dataset: Dataset, task: Task, config: SearchConfig, labels: NDArray[Any], folds: tuple[Fold, ...]
) -> NDArray[np.float32] | None:
    """Multiply the weight column and the class weights; the mean over the training rows is 1."""
    if dataset.weights is None and config.goal.class_weight is None:
        return None
    weights = np.ones(len(dataset), np.float32) if dataset.weights is None else dataset.weights.astype(np.float32)
    rows = folds[0].train_rows if len(folds) == 1 else _all_rows(dataset)
    if config.goal.class_weight is not None:
        weights = weights * class_weights(task, labels, rows)
    scaled: NDArray[np.float32] = (weights / weights[rows].mean()).astype(np.float32)
    return scaled
