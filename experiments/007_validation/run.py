"""Should trials be compared on one holdout, or every cohort on a holdout of its own?

A pool of small networks is scored on five holdouts and on three fresh folds of the same 2,500 rows, then fitted on all
of them and scored on test rows. From these figures searches are replayed: with one holdout, with one for each cohort of
four, both with and without scoring the best four again on the fresh folds, and with folds for everybody. Regret is how
much worse the chosen configuration is on the test rows than the best of the pool, in parts of what separates the best
from the middle one.

    python experiments/007_validation/run.py [--tables adult ...] [--draws 6] [--out result.json]

Reads the public data sets beside the checkout (`shared/data`), and does nothing where they are missing. Networks and
tables are small: scikit-learn fits them all on one core in a few minutes.
"""

import argparse
import importlib.util
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score, root_mean_squared_error
from sklearn.model_selection import KFold, ShuffleSplit
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import OneHotEncoder, StandardScaler

HERE = Path(__file__).parent
SHARED = HERE.parents[2] / "shared" / "data"
ROWS, TEST_ROWS, POOL, COHORT, FINALISTS = 2_500, 4_000, 20, 4, 4
SPLITS, FOLDS, REPLAYS, MEMBERS = 5, 3, 20, 10
Array = NDArray[Any]
Metric = Callable[[Array, Array], float]

# Every metric counts so that more is better.
CLASS_METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "accuracy": lambda y, p: float(accuracy_score(y, p.argmax(axis=1))),
        "log_loss": lambda y, p: -float(log_loss(y, p, labels=range(p.shape[1]))),
    }
)
METRICS: Mapping[str, Mapping[str, Metric]] = MappingProxyType(
    {
        "adult": {**CLASS_METRICS, "roc_auc": lambda y, p: float(roc_auc_score(y, p[:, 1]))},
        "connect4": CLASS_METRICS,
        "california_housing": {"rmse": lambda y, p: -float(root_mean_squared_error(y, p))},
        "diamonds": {"rmse": lambda y, p: -float(root_mean_squared_error(y, p))},
    }
)


@dataclass(frozen=True)
class Scores:
    """Of one draw of rows: `splits` `(splits, configurations)`, `fresh` and `test` `(configurations,)`.

    `ensemble` is the test score of a greedy selection from the predictions on each of the splits.
    """

    splits: Array
    fresh: Array
    test: Array
    ensemble: Array


def read_table(name: str, seed: int) -> tuple[Array, Array, Array, Array]:
    """Return encoded rows and targets of a draw, and those of the test rows."""
    spec = importlib.util.spec_from_file_location("shared_data", SHARED / "load.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    table = module.load(name)
    random = np.random.default_rng(seed)
    drawn = random.permutation(len(table["x_train"]))[:ROWS]
    tested = random.permutation(len(table["x_test"]))[:TEST_ROWS]
    texts = make_column_selector(dtype_exclude="number")
    encoder = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False, max_categories=20), texts),
        remainder=StandardScaler(),
    )
    x, x_test = table["x_train"].iloc[drawn], table["x_test"].iloc[tested]
    y, y_test = table["y_train"].iloc[drawn].to_numpy(), table["y_test"].iloc[tested].to_numpy()
    if len(METRICS[name]) > 1:
        classes = np.unique(y)
        y, y_test = np.searchsorted(classes, y), np.searchsorted(classes, y_test)
    else:
        center, scale = y.mean(), y.std()
        y, y_test = (y - center) / scale, (y_test - center) / scale
    return np.nan_to_num(encoder.fit_transform(x)), y, np.nan_to_num(encoder.transform(x_test)), y_test


def draw_settings(random: np.random.Generator) -> dict[str, Any]:
    """Draw one configuration of a small network."""
    return {
        "hidden_layer_sizes": (int(random.choice([16, 32, 64])),) * int(random.integers(1, 4)),
        "learning_rate_init": float(10 ** random.uniform(-3.3, -1.7)),
        "alpha": float(10 ** random.uniform(-5, 0)),
        "max_iter": int(random.integers(4, 13)),
        "batch_size": 100,
    }


def fit(name: str, settings: dict[str, Any], seed: int, x: Array, y: Array) -> Callable[[Array], Array]:
    """Fit a configuration and return what predicts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        if len(METRICS[name]) > 1:
            return MLPClassifier(**settings, random_state=seed).fit(x, y).predict_proba
        return MLPRegressor(**settings, random_state=seed).fit(x, y).predict


def measure(name: str, seed: int) -> dict[str, Scores]:
    """Fit the pool in every way that a replayed search may ask for; scores by metric."""
    x, y, x_test, y_test = read_table(name, seed)
    random = np.random.default_rng((seed, 1))
    pool = [draw_settings(random) for _ in range(POOL)]
    splits = list(ShuffleSplit(SPLITS, test_size=0.2, random_state=seed).split(x))
    folds = list(KFold(FOLDS, shuffle=True, random_state=seed + 1).split(x))
    on_splits = [[fit(name, one, seed, x[train], y[train])(x[judge]) for one in pool] for train, judge in splits]
    on_folds = [[fit(name, one, seed + 1, x[train], y[train])(x[judge]) for one in pool] for train, judge in folds]
    on_test = [fit(name, one, seed, x, y)(x_test) for one in pool]
    made = {}
    for metric, score in METRICS[name].items():
        made[metric] = Scores(
            splits=np.array(
                [[score(y[judge], p) for p in ps] for (_, judge), ps in zip(splits, on_splits, strict=True)]
            ),
            fresh=np.mean(
                [[score(y[judge], p) for p in ps] for (_, judge), ps in zip(folds, on_folds, strict=True)], 0
            ),
            test=np.array([score(y_test, p) for p in on_test]),
            ensemble=np.array(
                [
                    score(y_test, np.mean([on_test[i] for i in select(y[judge], ps, score)], axis=0))
                    for (_, judge), ps in zip(splits, on_splits, strict=True)
                ]
            ),
        )
    return made


def select(y: Array, predictions: list[Array], score: Metric) -> list[int]:
    """Select members greedily, with replacement (Caruana et al. 2004)."""
    chosen: list[int] = []
    for _ in range(MEMBERS):
        trials = [
            score(y, np.mean([predictions[i] for i in [*chosen, new]], axis=0)) for new in range(len(predictions))
        ]
        chosen.append(int(np.argmax(trials)))
    return chosen


def replay(scores: Scores, seed: int) -> dict[str, float]:
    """Return the mean regret of every way to search."""
    random = np.random.default_rng((seed, 2))
    scale = scores.test.max() - np.median(scores.test)
    regrets: dict[str, list[float]] = {}

    def note(how: str, test: float) -> None:
        regrets.setdefault(how, []).append((scores.test.max() - test) / scale)

    for number in range(REPLAYS):
        order = random.permutation(POOL)
        of_cohort = np.empty(POOL, int)
        of_cohort[order] = np.arange(POOL) // COHORT % SPLITS
        seen = {"one holdout": scores.splits[number % SPLITS], "a holdout each": scores.splits[of_cohort, range(POOL)]}
        for how, score in seen.items():
            note(how, scores.test[score.argmax()])
            best = np.argsort(-score)[:FINALISTS]
            again = 0.2 * score[best] + 1.0 * scores.fresh[best]  # weighed by the rows that judged
            note(f"{how}, finalists on fresh folds", scores.test[best[again.argmax()]])
        note("one holdout, ensemble", scores.ensemble[number % SPLITS])
    note("folds for all", scores.test[scores.fresh.argmax()])
    return {how: float(np.mean(values)) for how, values in regrets.items()}


def noise(scores: Scores) -> dict[str, float]:
    """Return the error of the difference of two configurations, on the same rows and on others, in true differences."""
    truth = scores.test[:, None] - scores.test[None, :]
    pairs = ~np.eye(POOL, dtype=bool)
    same, other = [], []
    for first in range(SPLITS):
        for second in range(SPLITS):
            error = (scores.splits[first][:, None] - scores.splits[second][None, :] - truth)[pairs]
            (same if first == second else other).append(np.sqrt(np.mean(error**2)))
    spread = float(np.std(truth[pairs]))
    return {"same rows": float(np.mean(same)) / spread, "other rows": float(np.mean(other)) / spread}


def main() -> None:
    """Measure every table and write what came out."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tables", nargs="*", default=list(METRICS))
    parser.add_argument("--draws", type=int, default=6)
    parser.add_argument("--out", type=Path, default=HERE / "result.json")
    asked = parser.parse_args()
    if not (SHARED / "load.py").exists():
        print(f"Skipped: {SHARED} is missing.")
        return
    result: dict[str, Any] = {}
    for name in asked.tables:
        draws = [measure(name, seed) for seed in range(asked.draws)]
        for metric in METRICS[name]:
            regrets = [replay(one[metric], seed) for seed, one in enumerate(draws)]
            noises = [noise(one[metric]) for one in draws]
            result[f"{name} {metric}"] = {
                "regret": {how: round(float(np.mean([r[how] for r in regrets])), 3) for how in regrets[0]},
                "noise": {how: round(float(np.mean([n[how] for n in noises])), 3) for how in noises[0]},
            }
            print(name, metric, result[f"{name} {metric}"], flush=True)
    asked.out.write_text(json.dumps({"draws": asked.draws, "results": result}, indent=1) + "\n")


if __name__ == "__main__":
    main()
