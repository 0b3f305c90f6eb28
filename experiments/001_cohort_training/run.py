"""How many trials an hour does cohort training give, compared with Keras's `fit`?

The same 16 configurations (2 structures x 8 recipes, 20 epochs each, no early stopping) are trained on three tables, by

* `fit`: one model after the other in one process, `compile` and `fit` with a validation set, as a KerasTuner or a
  plain Optuna script does;
* `lanes`: this project's executor with one worker: two cohorts of eight, each in a child of its own, everything that
  belongs to it included (start of the child, tracing, validation after each epoch, files).

Both begin with Keras loaded, have the same cores, take turns within one run, and see the same encoded arrays. What is
compared are ratios.

    python experiments/001_cohort_training/run.py [--rounds 3] [--out result.json]
"""

import argparse
import json
import os
import platform
import tempfile
import time
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from sklearn.datasets import make_classification

from autokeras_lite.config import Execution, as_search_config
from autokeras_lite.data.arrays import EncodedData
from autokeras_lite.data.read import read_dataset
from autokeras_lite.execution.executor import CohortJob, CohortResult, Executor
from autokeras_lite.execution.registry import open_executor
from autokeras_lite.models.build import build_model
from autokeras_lite.models.front import OutputSpec
from autokeras_lite.search.prepare import Prepared, prepare
from autokeras_lite.tasks.metrics import score
from autokeras_lite.trial import Cohort, Directive, TrainingConfig, TrialSpec

HERE = Path(__file__).parent
DATA = HERE.parent / "data"
EPOCHS = 20
BATCH_SIZES = {"small": 32, "medium": 128, "wide": 64}
STRUCTURES: tuple[dict[str, Any], ...] = (
    {"depth": 3, "width": 64, "norm": "batch"},
    {"depth": 2, "width": 128, "norm": "none"},
)
RECIPES = [
    (rate, dropout, decay) for rate in (5e-4, 2e-3) for dropout in (0.1, 0.3) for decay in (0.0, 1e-2)
]  # learning rate, dropout, weight decay


def tables() -> dict[str, tuple[Any, str]]:
    """Return each table with the name of its target."""
    x, y = make_classification(8_000, 120, n_informative=20, n_redundant=20, class_sep=0.7, random_state=0)
    wide = pd.DataFrame(x, columns=[f"x{i}" for i in range(x.shape[1])]).assign(target=y)
    return {
        "small": (DATA / "credit_g.parquet", "class"),
        "medium": (DATA / "adult.parquet", "income"),
        "wide": (wide, "target"),
    }


def make_specs(batch_size: int) -> list[list[TrialSpec]]:
    """Return the trials, one list for each structure."""
    groups = []
    for index, structure in enumerate(STRUCTURES):
        group = []
        for lane, (rate, dropout, decay) in enumerate(RECIPES):
            number = index * len(RECIPES) + lane + 1
            training = TrainingConfig(
                optimizer="adamw", learning_rate=rate, weight_decay=decay, batch_size=batch_size, epochs=EPOCHS,
                patience=EPOCHS, schedule="constant",
            )  # fmt: skip
            config = {**structure, "dropout": dropout}
            group.append(TrialSpec(number, "experiment", "tabular_mlp", config, training, number, "given"))
        groups.append(group)
    return groups


def train_by_fit(prepared: Prepared, groups: list[list[TrialSpec]]) -> tuple[float, list[float]]:
    """Return the seconds and the best validation score of each trial."""
    started, scores = time.monotonic(), []
    for spec in (spec for group in groups for spec in group):
        scores.append(_fit(prepared, spec))
        keras.backend.clear_session()
    return time.monotonic() - started, scores


class _Scores(keras.callbacks.Callback):
    """Scores the validation rows after each epoch, as the search needs it."""

    def __init__(self, prepared: Prepared, inputs: dict[str, np.ndarray]) -> None:
        super().__init__()
        self.prepared, self.inputs, self.scores = prepared, inputs, []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        fold = self.prepared.data.folds[0]
        logits = self.model.predict(self.inputs, batch_size=4096, verbose=0)
        probabilities = 1 / (1 + np.exp(-logits))
        self.scores.append(score(self.prepared.task, self.prepared.data.labels[fold.validation_rows], probabilities))


def _fit(prepared: Prepared, spec: TrialSpec) -> float:
    data, (fold,) = prepared.data, prepared.data.folds
    model = build_model(spec.family, spec.config, data.inputs, OutputSpec.of(prepared.task), seed=spec.seed)
    optimizer = keras.optimizers.AdamW(spec.training.learning_rate, weight_decay=spec.training.weight_decay)
    optimizer.exclude_from_weight_decay([v for v in model.trainable_variables if len(v.shape) < 2])
    model.compile(optimizer, keras.losses.BinaryCrossentropy(from_logits=True))
    train = {name: array[fold.train_rows] for name, array in fold.inputs.items()}
    watcher = _Scores(prepared, {name: array[fold.validation_rows] for name, array in fold.inputs.items()})
    model.fit(
        train, fold.targets[fold.train_rows], batch_size=spec.training.batch_size, epochs=EPOCHS, verbose=0,
        callbacks=[watcher],
    )  # fmt: skip
    return max(watcher.scores)


def train_by_lanes(prepared: Prepared, groups: list[list[TrialSpec]], executor: Executor) -> tuple[float, list[float]]:
    """Return the seconds and the best validation score of each trial."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        started = time.monotonic()
        prepared.data.write(place / "data")
        results: list[CohortResult] = []
        for number, group in enumerate(groups):
            executor.submit(CohortJob(Cohort(number, tuple(group), 0), prepared.task, place / "data", place / "trials"))
            while len(results) <= number:
                results += executor.wait(lambda report: Directive(), 1.0)
        seconds = time.monotonic() - started
    return seconds, [outcome.score or float("nan") for result in results for outcome in result.outcomes]


def compare(name: str, data: Any, target: str, rounds: int, executor: Executor) -> dict[str, Any]:
    """Train in turn, and return seconds and scores."""
    config = as_search_config({"name": name}, name=name, targets=(target,))
    prepared = prepare(read_dataset(data, config.columns, name=config.place.name), config)
    prepared = replace(prepared, data=EncodedData(prepared.data.inputs, prepared.data.folds, prepared.data.labels))
    groups = make_specs(BATCH_SIZES[name])
    lanes, fits = [], []
    for _ in range(rounds):
        lanes.append(train_by_lanes(prepared, groups, executor))
        fits.append(train_by_fit(prepared, groups))
    ratios = sorted(fit[0] / lane[0] for fit, lane in zip(fits, lanes, strict=True))
    difference = np.array(lanes[0][1]) - np.array(fits[0][1])
    return {
        "rows": len(prepared.data.folds[0].train_rows),
        "inputs": [asdict(array) for array in prepared.data.inputs.arrays],
        "batch_size": BATCH_SIZES[name],
        "fit_seconds": [round(fit[0], 2) for fit in fits],
        "lanes_seconds": [round(lane[0], 2) for lane in lanes],
        "ratio_min_median_max": [round(ratios[0], 2), round(float(np.median(ratios)), 2), round(ratios[-1], 2)],
        "fit_scores": [round(value, 4) for value in fits[0][1]],
        "lanes_scores": [round(value, 4) for value in lanes[0][1]],
        "score_difference_mean": round(float(difference.mean()), 4),
        "score_difference_deviation": round(float(difference.std(ddof=1)), 4),
    }


def main() -> None:
    """Run the comparison and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "result.json")
    asked = parser.parse_args()
    result: dict[str, Any] = {"epochs": EPOCHS, "trials": len(STRUCTURES) * len(RECIPES), "rounds": asked.rounds}
    result["machine"] = {"cores": os.cpu_count(), "python": platform.python_version(), "keras": keras.__version__}
    with closing(open_executor(Execution("process", workers=1))) as executor:
        executor.run(os.getpid)  # both ways begin with Keras loaded
        for name, (data, target) in tables().items():
            result[name] = compare(name, data, target, asked.rounds, executor)
            print(name, json.dumps(result[name]["ratio_min_median_max"]), flush=True)
            asked.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
