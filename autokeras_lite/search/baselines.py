"""What simple models reach on the same rows, so that a person learns when a network is not worth its cost.

Times are estimated before anything is fitted: scikit-learn cannot be stopped in the middle. The estimates are rough
and on the safe side; they were measured on two cores.
"""

import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from autokeras_lite.data.arrays import EncodedData, EncodedFold, InputSpec
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.search.baseline import Baseline, BaselineName
from autokeras_lite.search.constant import constant_baseline
from autokeras_lite.tasks.metrics import score
from autokeras_lite.tasks.task import Task, TaskKind
from autokeras_lite.tasks.values import as_values

Arrays = Mapping[str, NDArray[Any]]
Rows = NDArray[np.integer]

MOST_ROWS = 100_000
MOST_CELLS = 20_000_000  # numbers that one fit may hold: 160 MB as float64
THREADS = 1  # trials hold the other cores: beside them two threads of boosting took 30 times as long as one, in vain
FEWEST_ROWS = 500  # a fit on fewer rows than this (of many) would say too little
MOST_SECONDS = 60.0
MOST_WIDTH = 2_000  # one-hot codes and flattened rows wider than this are left out
MOST_STEPS = 200  # of the linear solver
MOST_TREES = 1_000  # of all outputs together, beyond the fewest rounds
MOST_CATEGORIES = 255  # of a categorical column of HistGradientBoosting
EARLY_STOPPING_ROWS = 10_000  # as scikit-learn decides by itself
ROWS_AT_ONCE = 10_000  # of a prediction


def fit_baselines(
    data: EncodedData, task: Task, *, seconds_left: float = math.inf, seed: int = 0
) -> tuple[Baseline, ...]:
    """Fit each baseline on the training rows of every fold and score it on the validation rows.

    Each takes a small share of `seconds_left`, or a minute at most: it is fitted on fewer rows, on fewer folds or not
    at all where that is too little, and its note says so. What the data forbid (an error of scikit-learn) leaves
    a baseline without a score; it never ends a search.
    """
    data = replace(data, inputs=data.inputs.scaled())  # the same numbers twice would say no more
    fitted = (
        _run(method, data, task, seconds=min(seconds_left * method.share, MOST_SECONDS), seed=seed)
        for method in _METHODS
    )
    return (constant_baseline(data, task), *fitted)


# --- one baseline over the folds -----------------------------------------------------------------


@dataclass(frozen=True)
class _Method:
    """How one baseline is made; `features` turns the rows of a fold into one matrix.

    `size` is how wide a row of that matrix is and how many numbers it stores, `cost` the seconds that so many rows
    take, `model` an unfitted estimator for the labels of one output.
    """

    name: BaselineName
    share: float
    most_width: float
    features: Callable[[InputSpec, Arrays, Rows], Any]
    size: Callable[[InputSpec], tuple[int, int]]
    cost: Callable[[InputSpec, Task, int], float]
    model: Callable[[InputSpec, Task, NDArray[Any], int], Any]


def _run(method: _Method, data: EncodedData, task: Task, *, seconds: float, seed: int) -> Baseline:
    started = time.monotonic()
    available = min(len(fold.train_rows) for fold in data.folds)
    num_rows = _affordable_rows(method, data.inputs, task, available, seconds / len(data.folds))
    width, _ = method.size(data.inputs)
    if not num_rows:
        why = f"{width:,} columns are too many" if width > method.most_width else "too little time or memory"
        return Baseline(method.name, None, 0.0, f"skipped: {why}")
    scores: list[float] = []
    converged = True
    for index, fold in enumerate(data.folds):
        if scores and (time.monotonic() - started) * (len(scores) + 1) / len(scores) > seconds:
            break
        rows = _draw(fold.train_rows, num_rows, seed + index)
        with threadpool_limits(THREADS), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                predictions = _predict(method, data, task, fold, rows, seed)
            except (_CannotFitError, MemoryError) as error:
                return Baseline(method.name, None, time.monotonic() - started, f"failed: {_first_line(error)}")
        converged &= not any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
        scores.append(score(task, data.labels[fold.validation_rows], predictions))
    notes = [
        f"fitted on {num_rows:,} of {available:,} rows" if num_rows < available else "",
        f"on {len(scores)} of {len(data.folds)} folds" if len(scores) < len(data.folds) else "",
        "" if converged else f"not converged after {MOST_STEPS} steps",
    ]
    mean = math.fsum(scores) / len(scores)
    if not math.isfinite(mean):
        return Baseline(method.name, None, time.monotonic() - started, "no score: undefined on these validation rows")
    return Baseline(method.name, mean, time.monotonic() - started, "; ".join(note for note in notes if note))


def _affordable_rows(method: _Method, inputs: InputSpec, task: Task, available: int, seconds: float) -> int:
    """Halve the rows until memory and time suffice, so that a second more or less rarely changes them; 0 if never."""
    width, stored = method.size(inputs)
    if width > method.most_width:
        return 0
    rows = min(available, MOST_ROWS)
    while rows * stored > MOST_CELLS or method.cost(inputs, task, rows) > seconds:
        rows //= 2
        if rows < FEWEST_ROWS:
            return 0
    return rows


def _draw(rows: Rows, num_rows: int, seed: int) -> Rows:
    if len(rows) <= num_rows:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, num_rows, replace=False))


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", maxsplit=1)[0][:160]


# --- one fold ------------------------------------------------------------------------------------


def _predict(
    method: _Method, data: EncodedData, task: Task, fold: EncodedFold, rows: Rows, seed: int
) -> NDArray[np.float64]:
    """Fit on `rows` and return the predictions for the validation rows `(rows, units)`."""
    features = method.features(data.inputs, fold.inputs, rows)
    weights = None if data.weights is None else np.asarray(data.weights[rows])
    models = []
    for labels in _outputs(data, task, fold, rows):
        is_constant = task.kind is not TaskKind.REGRESSION and len(np.unique(labels)) == 1
        model = DummyClassifier() if is_constant else method.model(data.inputs, task, labels, seed)
        models.append(_fit(model, features, labels, weights))
    parts = [
        _answers(task, models, method.features(data.inputs, fold.inputs, part))
        for part in np.split(fold.validation_rows, range(ROWS_AT_ONCE, len(fold.validation_rows), ROWS_AT_ONCE))
    ]
    predictions = np.concatenate(parts)
    return as_values(task, predictions, fold.target_center, fold.target_scale)


class _CannotFitError(Exception):
    """scikit-learn refuses these data."""


def _fit(model: Any, features: Any, labels: NDArray[Any], weights: NDArray[Any] | None) -> Any:
    try:
        return model.fit(features, labels, sample_weight=weights)
    except ValueError as error:
        raise _CannotFitError(str(error)) from error


def _outputs(data: EncodedData, task: Task, fold: EncodedFold, rows: Rows) -> list[NDArray[Any]]:
    """Return the labels of each model to be fitted: one for all classes, else one for each unit."""
    if task.kind in (TaskKind.BINARY, TaskKind.MULTICLASS):
        return [np.asarray(data.labels[rows])]
    values = (fold.targets if task.kind is TaskKind.REGRESSION else data.labels)[rows]
    return list(values.T)


def _answers(task: Task, models: Sequence[Any], features: Any) -> NDArray[np.float64]:
    if task.kind is TaskKind.REGRESSION:
        return np.column_stack([model.predict(features) for model in models]).astype(np.float64)
    num_classes = len(task.classes) if task.classes else 2
    columns = []
    for model in models:
        probabilities = np.zeros((features.shape[0], num_classes))
        probabilities[:, np.asarray(model.classes_, dtype=np.intp)] = model.predict_proba(features)
        columns.append(probabilities if task.kind is TaskKind.MULTICLASS else probabilities[:, 1:])
    return np.hstack(columns)


# --- linear --------------------------------------------------------------------------------------


def _linear_features(inputs: InputSpec, arrays: Arrays, rows: Rows) -> Any:
    if inputs.kind is InputKind.TOKENS:
        return _word_counts(inputs, arrays, rows)
    dense = _flat(arrays, [array.name for array in inputs.arrays if array.name != "codes"], rows)
    if not _takes_codes(inputs):
        return dense
    return sparse.hstack([sparse.csr_array(dense), _one_hot(inputs, arrays, rows)], format="csr")


def _linear_size(inputs: InputSpec) -> tuple[int, int]:
    if inputs.kind is InputKind.TOKENS:
        return inputs.cardinalities[0], _dense_width(inputs)
    dense = _dense_width(inputs, without="codes")
    if not _takes_codes(inputs):
        return dense, dense
    return dense + sum(inputs.cardinalities), dense + len(inputs.cardinalities)


def _linear_cost(inputs: InputSpec, task: Task, rows: int) -> float:
    width, stored = _linear_size(inputs)
    solver = 1e-9 * rows * stored * task.units * MOST_STEPS
    is_factorised = task.kind is TaskKind.REGRESSION and width == stored
    return 1e-10 * rows * width * min(rows, width) * task.units if is_factorised else solver


def _linear_model(_inputs: InputSpec, task: Task, _labels: NDArray[Any], _seed: int) -> Any:
    return Ridge() if task.kind is TaskKind.REGRESSION else LogisticRegression(max_iter=MOST_STEPS)


def _takes_codes(inputs: InputSpec) -> bool:
    is_narrow = _dense_width(inputs, without="codes") + sum(inputs.cardinalities) < MOST_WIDTH
    return "codes" in inputs and is_narrow


def _one_hot(inputs: InputSpec, arrays: Arrays, rows: Rows) -> Any:
    offsets = np.concatenate([[0], np.cumsum(inputs.cardinalities)])
    return _ones_at(arrays["codes"][rows] + offsets[:-1], int(offsets[-1]))


def _word_counts(inputs: InputSpec, arrays: Arrays, rows: Rows) -> Any:
    counts = _ones_at(arrays["tokens"][rows], inputs.cardinalities[0])
    counts.sum_duplicates()
    return counts


def _ones_at(columns: NDArray[Any], width: int) -> Any:
    """Return a sparse matrix `(rows, width)` that counts the column numbers in each row of `columns`."""
    starts = np.arange(0, columns.size + 1, columns.shape[1], dtype=np.int32)
    return sparse.csr_array((np.ones(columns.size), columns.ravel().astype(np.int32), starts), (len(columns), width))


# --- gradient boosting ---------------------------------------------------------------------------


def _tree_features(inputs: InputSpec, arrays: Arrays, rows: Rows) -> Any:
    if inputs.kind is InputKind.TOKENS:
        return _word_counts(inputs, arrays, rows).toarray()
    return _flat(arrays, [array.name for array in inputs.arrays], rows)


def _tree_size(inputs: InputSpec) -> tuple[int, int]:
    width = inputs.cardinalities[0] if inputs.kind is InputKind.TOKENS else _dense_width(inputs)
    return width, width


def _tree_cost(inputs: InputSpec, task: Task, rows: int) -> float:
    width, _ = _tree_size(inputs)
    a_tree = 1e-3 + 4e-5 * width + rows * width / 1.2e8
    return _rounds(task) * task.units * a_tree


def _tree_model(inputs: InputSpec, task: Task, labels: NDArray[Any], seed: int) -> Any:
    categorical = None
    if "codes" in inputs:
        is_small = {"codes": [cardinality <= MOST_CATEGORIES for cardinality in inputs.cardinalities]}
        categorical = [
            flag for array in inputs.arrays for flag in is_small.get(array.name, [False] * math.prod(array.shape))
        ]
    stops_early = len(labels) > EARLY_STOPPING_ROWS
    if task.kind is TaskKind.REGRESSION:
        return HistGradientBoostingRegressor(
            loss="absolute_error" if task.metric == "mae" else "squared_error",
            max_iter=_rounds(task),
            categorical_features=categorical,
            early_stopping=stops_early,
            random_state=seed,
        )
    # Early stopping splits by class: each class needs a row on both sides.
    rarest = int(np.unique(labels, return_counts=True)[1].min())
    return HistGradientBoostingClassifier(
        max_iter=_rounds(task),
        categorical_features=categorical,
        early_stopping=stops_early and rarest >= 2,
        random_state=seed,
    )


def _rounds(task: Task) -> int:
    return min(100, max(20, MOST_TREES // task.units))


# --- matrices ------------------------------------------------------------------------------------


def _dense_width(inputs: InputSpec, without: str = "") -> int:
    return sum(math.prod(array.shape) for array in inputs.arrays if array.name != without)


def _flat(arrays: Arrays, names: Sequence[str], rows: Rows) -> NDArray[np.float64]:
    parts = [arrays[name][rows].reshape(len(rows), -1) for name in names]
    return np.hstack([np.zeros((len(rows), 0)), *parts]).astype(np.float64, copy=False)


_METHODS = (
    _Method(
        name="linear",
        share=0.05,
        most_width=math.inf,
        features=_linear_features,
        size=_linear_size,
        cost=_linear_cost,
        model=_linear_model,
    ),
    _Method(
        name="gradient_boosting",
        share=0.1,
        most_width=MOST_WIDTH,
        features=_tree_features,
        size=_tree_size,
        cost=_tree_cost,
        model=_tree_model,
    ),
)
