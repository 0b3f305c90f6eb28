"""Are corrected scores and their intervals honest? Hundreds of searches of small networks in numpy.

For each search rows are drawn from a public table, twelve configurations are trained on them (`networks.py`), the best
epoch of each is kept by its validation score, and the best configuration is picked. What is then said about it
(`autokeras_lite.search.trust`) is compared with its score on up to 20,000 rows that nobody has seen. One training
serves all metrics of a table.

    python experiments/006_trust/run_simulated.py [--searches 100] [--folds 1 5] [--out result_simulated.json]

`--searches` counts the draws of rows for each table. What is in the result already is not run again. Reads the public
data sets beside the checkout (`shared/data`), and does nothing where they are missing.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from honesty import ROWS, Row, Table, extend, judge, read_tables
from networks import Lanes, Recipes, Sample, as_predictions, train
from numpy.typing import NDArray

from autokeras_lite.search.trust import Candidate, Ending, Judges, measure_trust
from autokeras_lite.tasks.metrics import METRICS, score
from autokeras_lite.tasks.task import Task, TaskKind

HERE = Path(__file__).parent
METHOD = "one epoch for all folds, refit with its gain"
TRIALS, EPOCHS, BATCH, TEST_ROWS, LEVELS = 12, 25, 32, 20_000, 12
Array = NDArray[Any]


@dataclass(frozen=True)
class Encoded:
    """A table as numbers: standardised columns and one-hot levels, class codes or values."""

    table: Table
    inputs: Array
    labels: Array


@dataclass(frozen=True)
class Draw:
    """The rows of one search: those of each fold's training and validation, and those that nobody sees."""

    rows: Array
    training: tuple[Array, ...]
    validation: tuple[Array, ...]
    test: Array
    center: float
    scale: float


def encode(table: Table) -> Encoded:
    """Encode all rows; what that knows of the distribution of the inputs is no label."""
    inputs, target = table.frame.drop(columns=table.target), table.frame[table.target]
    numbers = inputs.select_dtypes("number")
    parts = [((numbers - numbers.mean()) / numbers.std()).fillna(0).clip(-5, 5).to_numpy("f4")]
    for name in inputs.columns.difference(numbers.columns):
        text = inputs[name].astype(str)
        parts.append((text.to_numpy()[:, None] == text.value_counts().index[:LEVELS].to_numpy()).astype("f4"))
    is_regression = table.kind == "regression"
    labels = target.to_numpy(float) if is_regression else pd.factorize(target.astype(str), sort=True)[0]
    return Encoded(table, np.hstack(parts), labels)


def draw(data: Encoded, number: int, folds: int, rng: np.random.Generator) -> Draw:
    """Draw rows and cut them into folds that are alike in their labels; with one fold a fifth is held out."""
    order = rng.permutation(len(data.labels))
    rows, test = order[:number], order[number : number + TEST_ROWS]
    is_regression = data.table.kind == "regression"
    edges = np.quantile(data.labels[rows], np.linspace(0, 1, 11)[1:-1])
    strata = np.searchsorted(edges, data.labels[rows]) if is_regression else data.labels[rows]
    fold = np.empty(number, int)
    fold[np.lexsort((rng.random(number), strata))] = np.arange(number) % 5
    training = [rng.permutation(rows[fold != i]) for i in range(folds)]
    shortest = min(len(part) for part in training)
    center, scale = (data.labels[rows].mean(), data.labels[rows].std()) if is_regression else (0.0, 1.0)
    return Draw(
        rows,
        tuple(part[:shortest] for part in training),
        tuple(rows[fold == i] for i in range(folds)),
        test,
        float(center),
        float(scale),
    )


class Search:
    """Every epoch of every configuration of one search, in each fold."""

    def __init__(self, data: Encoded, drawn: Draw, rng: np.random.Generator, trials: int = TRIALS) -> None:
        self.data, self.drawn, self.folds, self.trials = data, drawn, len(drawn.training), trials
        kind, labels = data.table.kind, data.labels
        targets = np.eye(labels.max() + 1, dtype="f4")[labels] if kind == "multiclass" else labels[:, None]
        self.targets = ((targets - drawn.center) / drawn.scale).astype("f4")
        self.recipes = Recipes.draw(trials, rng)
        lanes = np.repeat(np.arange(trials), self.folds)
        rows = np.tile(np.stack(drawn.training), (trials, 1))
        sample = Sample(data.inputs, self.targets, rows, kind)
        self.epochs = list(train(sample, self.recipes.take(lanes), EPOCHS, BATCH, rng))
        self.validation = [self._validate(epoch) for epoch in self.epochs]

    def _validate(self, epoch: Lanes) -> list[Array]:
        """Return for each fold the predictions `(trials, rows, units)`."""
        parts = [Lanes(tuple(array[fold :: self.folds] for array in epoch.parameters)) for fold in range(self.folds)]
        return [self.predict(part, rows) for part, rows in zip(parts, self.drawn.validation, strict=True)]

    def predict(self, lanes: Lanes, rows: Array) -> Array:
        """Return predictions `(lanes, rows, units)` in the unit of the target."""
        cut = [rows[i : i + 5000] for i in range(0, len(rows), 5000)]
        outputs = np.concatenate([lanes.forward(self.data.inputs[part]) for part in cut], axis=1)
        return as_predictions(outputs, self.data.table.kind).astype(float) * self.drawn.scale + self.drawn.center

    def labels(self, rows: Array) -> Array:
        """Return what a metric compares."""
        return self.data.labels[rows][:, None] if self.data.table.kind == "regression" else self.data.labels[rows]

    def true_scores(self, task: Task, trial: int, epochs: Array) -> list[float]:
        """Return the score of a trial's network of each fold, at these epochs, on rows that nobody has seen."""
        truth, scores = self.labels(self.drawn.test), []
        for fold, epoch in enumerate(epochs):
            lane = trial * self.folds + fold
            network = Lanes(tuple(array[lane : lane + 1] for array in self.epochs[epoch].parameters))
            scores.append(score(task, truth, self.predict(network, self.drawn.test)[0]))
        return scores

    def scores(self, metric: str) -> tuple[Task, Array]:
        """Return the task and what validation says of every network, `(epochs, folds, trials)`."""
        classes = 0 if self.data.table.kind == "regression" else int(self.data.labels.max()) + 1
        task = Task(TaskKind(self.data.table.kind), ("y",), metric, METRICS[metric].direction, tuple(range(classes)))
        truths = [self.labels(rows) for rows in self.drawn.validation]
        scores = [
            [[score(task, y, p) for p in given] for y, given in zip(truths, epoch, strict=True)]
            for epoch in self.validation
        ]
        return task, np.array(scores)

    def ask(self, metric: str, rng: np.random.Generator) -> Row:
        """Pick epochs and the configuration by a metric, and compare what is said of it with the truth."""
        task, scores = self.scores(metric)
        sign = 1.0 if task.direction == "maximize" else -1.0
        truths = [self.labels(rows) for rows in self.drawn.validation]
        best = np.nan_to_num(sign * scores, nan=-np.inf).mean(axis=1).argmax(axis=0)
        kept = np.broadcast_to(best, scores.shape[1:])
        predictions = {
            trial: np.concatenate([self.validation[kept[fold, trial]][fold][trial] for fold in range(self.folds)])
            for trial in range(self.trials)
        }
        curves = scores.mean(axis=1).T
        candidates = {n: Candidate("random" if n else "default", n, curve=tuple(curves[n])) for n in range(self.trials)}
        codes = np.repeat(np.arange(self.folds), [len(rows) for rows in truths])
        judges = Judges(np.concatenate(truths), codes)
        trust = measure_trust(task, judges, predictions, candidates)
        assert trust.best is not None
        row = judge(trust, float(np.mean(self.true_scores(task, trust.best, kept[:, trust.best]))))
        if self.folds > 1:
            ending = Ending(more_rows=self.folds / (self.folds - 1))
            again = measure_trust(task, judges, predictions, candidates, ending=ending)
            row = judge(again, self._refit(task, trust.best, kept[:, trust.best], rng)) | {"alone": row}
        last = np.full(self.folds, EPOCHS - 1)
        return row | {
            "default_score": trust.default_score,
            "default_truth": float(np.mean(self.true_scores(task, 0, kept[:, 0]))),
            "control": float(np.mean(scores[-1, :, 0]) - np.mean(self.true_scores(task, 0, last))),
        }

    def _refit(self, task: Task, trial: int, kept: Array, rng: np.random.Generator) -> float:
        """Train the winner on all rows for as many epochs as were best, and return its true score."""
        sample = Sample(self.data.inputs, self.targets, self.drawn.rows[None], self.data.table.kind)
        stop = int(kept[0]) + 1
        for epoch, network in enumerate(train(sample, self.recipes.take(np.array([trial])), EPOCHS, BATCH, rng), 1):
            if epoch == stop:
                return score(task, self.labels(self.drawn.test), self.predict(network, self.drawn.test)[0])
        raise AssertionError


def run(tables: dict[str, Encoded], place: Row) -> Iterator[Row]:
    """Run one search and ask every metric of its table."""
    data, seed, folds = tables[place["table"]], place["seed"], place["validation"]
    rng = np.random.default_rng([seed, folds, *map(ord, data.table.name)])
    search = Search(data, draw(data, ROWS[seed % len(ROWS)], folds, rng), rng)
    for metric in data.table.metrics:
        yield {"rows": len(search.drawn.rows), **search.ask(metric, rng)}


def main() -> None:
    """Run the searches that are not there yet, and write what they say together."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--searches", type=int, default=100)
    parser.add_argument("--folds", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--out", type=Path, default=HERE / "result_simulated.json")
    asked = parser.parse_args()
    tables = {table.name: encode(table) for table in read_tables()}
    places = [
        {"table": name, "seed": seed, "validation": folds}
        for seed in range(asked.searches)
        for name in tables
        for folds in asked.folds
    ]
    if not places:
        print("The public data sets are missing; nothing was run.")
        return
    title = {"method": METHOD, "trials": TRIALS, "epochs": EPOCHS, "test_rows": TEST_ROWS}
    extend(asked.out, places, partial(run, tables), title)


if __name__ == "__main__":
    main()
