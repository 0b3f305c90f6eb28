"""Are corrected scores and their intervals honest? Real searches of the project on rows of public tables.

For each search 300 to 1,500 rows are drawn, and a search of twelve short trials (`short.toml`) runs in this process,
with a holdout or five folds and with all that ends a search: a second look, an ensemble, and after folds a refit. What
its summary says is compared with the score of its model file on up to 20,000 rows that nobody has seen; and what would
be said of its best trial alone (`autokeras_lite.search.trust`) with the score of the networks that were measured.

    python experiments/006_trust/run.py [--searches 120] [--out result.json]

What is in the result already is not run again. Reads the public data sets beside the checkout (`shared/data`), and does
nothing where they are missing. About 20 seconds a search on two cores.
"""

import argparse
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from honesty import ROWS, Row, Table, extend, judge, read_tables
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge

import autokeras_lite
from autokeras_lite.config import SearchOptions, as_search_config
from autokeras_lite.data.read import read_dataset
from autokeras_lite.models.build import build_model
from autokeras_lite.models.front import OutputSpec
from autokeras_lite.models.weights import read_weights
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.prepare import Prepared, prepare
from autokeras_lite.search.trust import Candidate, Judges, Trust, measure_trust
from autokeras_lite.tasks.metrics import score
from autokeras_lite.tasks.targets import encode_targets
from autokeras_lite.tasks.task import TaskKind
from autokeras_lite.tasks.values import as_values
from autokeras_lite.training.losses import predict
from autokeras_lite.trial import TrialOutcome, TrialSpec

HERE = Path(__file__).parent
TRIALS, TEST_ROWS, NAME = 12, 20_000, "judged"
METHOD = "one epoch for all folds, second look, what is near averaged, refit with its gain"
METRICS = {
    "adult": ("roc_auc", "accuracy", "log_loss"),
    "connect4": ("log_loss", "accuracy", "balanced_accuracy"),
    "california_housing": ("mae", "rmse"),
    "diamonds": ("mae", "r2"),
}
Array = NDArray[Any]


@dataclass(frozen=True)
class Searched:
    """A finished search, its rows as they were encoded and cut, and rows that it has not seen."""

    folder: SearchFolder
    prepared: Prepared
    trials: Mapping[int, tuple[TrialSpec, TrialOutcome]]
    test: pd.DataFrame

    @property
    def test_labels(self) -> Array:
        """What the metric compares with predictions of the unseen rows."""
        targets = self.test[list(self.prepared.task.targets)].reset_index(drop=True)
        return np.asarray(encode_targets(self.prepared.task, targets, np.arange(len(targets))).labels)

    def judge_alone(self) -> Row:
        """Compare what is said of the best trial alone with the truth about its networks, as they were measured."""
        trust = self._trust()
        assert trust.best is not None
        true = self.true_score(trust.best)
        return {} if true is None else judge(trust, true)

    def _trust(self) -> Trust:
        validation = [np.asarray(fold.validation_rows) for fold in self.prepared.data.folds]
        codes = np.repeat(np.arange(len(validation)), [len(rows) for rows in validation])
        labels = np.asarray(self.prepared.data.labels)[np.concatenate(validation)]
        predictions = {number: self._stored(number, len(validation)) for number in self.trials}
        candidates = {
            number: Candidate(spec.origin, outcome.parameters, curve=outcome.curve.score)
            for number, (spec, outcome) in self.trials.items()
        }
        return measure_trust(self.prepared.task, Judges(labels, codes), predictions, candidates)

    def _stored(self, number: int, folds: int) -> Array:
        with np.load(self.folder.trial(number) / "predictions.npz", allow_pickle=False) as stored:
            return np.concatenate([stored[f"fold-{fold}"] for fold in range(folds)])

    def true_score(self, number: int) -> float | None:
        """Return the score of a trial's networks on the unseen rows, mean over the folds; `None` without weights."""
        spec, scores = self.trials[number][0], []
        for index, fold in enumerate(self.prepared.data.folds):
            weights = self.folder.trial(number) / f"weights-{index}.npz"
            if not weights.exists():
                return None
            encoding, outputs = self.prepared.encodings[index], OutputSpec.of(self.prepared.task)
            network = build_model(spec.family, spec.config, encoding.inputs, outputs, seed=spec.seed)
            read_weights(weights, network)
            inputs = encoding.encode(self.test)
            raw = network.predict({name: inputs[name] for name in network.input}, batch_size=4096, verbose=0)
            values = keras.ops.convert_to_numpy(predict(raw, self.prepared.task.kind)).astype(np.float64)
            values = as_values(self.prepared.task, values, fold.target_center, fold.target_scale)
            scores.append(score(self.prepared.task, self.test_labels, values))
        return float(np.mean(scores))

    def chance(self) -> float:
        """Return validation score minus true score of a linear model, which nobody picked: the luck of the rows."""
        task, moved = self.prepared.task, []
        for fold, encoding in zip(self.prepared.data.folds, self.prepared.encodings, strict=True):
            unseen, known = _plain(encoding.encode(self.test)), _plain(fold.inputs)
            is_regression = task.kind is TaskKind.REGRESSION
            targets = fold.targets[:, 0] if is_regression else np.asarray(self.prepared.data.labels)
            model = Ridge() if is_regression else LogisticRegression(C=0.1, max_iter=300)
            model.fit(known[fold.train_rows], targets[fold.train_rows])
            pairs = [(known[fold.validation_rows], np.asarray(self.prepared.data.labels)[fold.validation_rows])]
            scores = [
                score(task, labels, self._linear(model, rows, fold))
                for rows, labels in [*pairs, (unseen, self.test_labels)]
            ]
            moved.append(scores[0] - scores[1])
        return float(np.mean(moved))

    def _linear(self, model: Any, rows: Array, fold: Any) -> Array:
        if self.prepared.task.kind is TaskKind.REGRESSION:
            return model.predict(rows)[:, None] * fold.target_scale + fold.target_center
        probabilities = model.predict_proba(rows)
        return probabilities[:, 1:] if self.prepared.task.kind is TaskKind.BINARY else probabilities


def _plain(inputs: Mapping[str, Array]) -> Array:
    """Return the numbers and flags of encoded rows; codes of columns with many levels are left out."""
    return np.hstack([np.asarray(inputs[name]) for name in ("numbers", "flags") if name in inputs])


def run(tables: Mapping[str, Table], place: Row) -> list[Row]:
    """Run one search and compare what is said of it with the truth."""
    table, seed = tables[place["table"]], place["seed"]
    rng = np.random.default_rng([seed, place["validation"], *map(ord, table.name)])
    number, order = int(rng.choice(ROWS)), rng.permutation(len(table.frame))
    drawn = table.frame.iloc[order[:number]].reset_index(drop=True)
    unseen = table.frame.iloc[order[number : number + TEST_ROWS]].reset_index(drop=True)
    with tempfile.TemporaryDirectory() as runs:
        options: dict[str, Any] = {
            "task": table.kind, "metric": METRICS[table.name][seed // 2 % len(METRICS[table.name])], "trials": TRIALS,
            "space": str(HERE / "short.toml"), "seed": seed, "name": NAME, "runs_dir": runs, "executor": "inline",
            "validation": 0.2 if place["validation"] == 1 else place["validation"],
        }  # fmt: skip
        known = {name: value for name, value in options.items() if name in SearchOptions.__annotations__}
        result = autokeras_lite.search(drawn, table.target, **known)
        config = as_search_config(known, name=NAME, targets=(table.target,))
        prepared = prepare(read_dataset(drawn, config.columns, name=NAME), config)
        folder = SearchFolder(result.folder)
        trials = {spec.number: (spec, outcome) for spec, outcome in folder.read_trials() if outcome.score is not None}
        searched = Searched(folder, prepared, trials, unseen)
        of_model = score(prepared.task, searched.test_labels, result.artifact.predict_units(unseen))
        told = result.summary.trust
        assert told is not None
        row = judge(told, of_model) | {"rows": number, "control": searched.chance()}
        default = None if told.default is None else searched.true_score(told.default)
        row["networks"] = 1 if result.summary.ensemble is None else len(result.summary.ensemble.shares)
        row |= {"default_score": told.default_score, "default_truth": default, "alone": searched.judge_alone()}
        keras.backend.clear_session()
        return [row]


def main() -> None:
    """Run the searches that are not there yet, and write what they say together."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--searches", type=int, default=120)
    parser.add_argument("--out", type=Path, default=HERE / "result.json")
    asked = parser.parse_args()
    tables = {table.name: table for table in read_tables()}
    if not tables:
        print("The public data sets are missing; nothing was run.")
        return
    names = list(tables)
    places = [  # table by table, every other one with folds
        {"table": names[i % len(names)], "seed": i // len(names), "validation": (1, 5)[(i + i // len(names)) % 2]}
        for i in range(asked.searches)
    ]
    extend(asked.out, places, partial(run, tables), {"method": METHOD, "trials": TRIALS, "test_rows": TEST_ROWS})


if __name__ == "__main__":
    main()
