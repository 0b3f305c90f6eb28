"""How many configurations are worth trying on few rows? Picking the best of more and more of them, by noisy scores.

For each draw of rows from a public table, 64 configurations of a small network (`networks.py`; the first is the
default, the others are random) are trained with five folds. Then the best of the first 1, 2, 4 ... by its validation
score is picked, for many orders of the random ones, and what rows that nobody has seen say of the pick is written down.
Each configuration keeps its best epochs in one of three ways: every fold its own; the same, but picked by the best
epoch of the mean of all folds; or all folds keep that epoch. Last, the predictions of the best five are averaged with
equal shares, and compared with those of the default, the folds averaged in both.

    python experiments/006_trust/run_how_many.py [--draws 6] [--out result_how_many.json]

The unit is the standard deviation of the true scores of the better half of the configurations. What is in the result
already is not run again. Reads the public data sets beside the checkout (`shared/data`), and does nothing where they
are missing.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from honesty import Row, read_tables
from networks import Lanes
from numpy.typing import NDArray
from run_simulated import Encoded, Search, draw, encode

from autokeras_lite.tasks.metrics import score

HERE = Path(__file__).parent
ROWS, FOLDS, TRIALS, ORDERS = (100, 300, 1000, 3000), 5, 64, 200
COUNTS = (1, 2, 4, 8, 16, 32, 64)
WAYS = ("own", "own, picked by common", "common", "common, mean of five")
MOST_MEMBERS, FEWER_ORDERS = 5, 40
METRICS = {"adult": "roc_auc", "connect4": "log_loss", "california_housing": "rmse", "diamonds": "mae"}
Array = NDArray[Any]


def run(data: Encoded, rows: int, seed: int) -> Row:
    """Train all configurations of one draw, and return the true score of the pick of each number of them."""
    rng = np.random.default_rng([seed, rows, *map(ord, data.table.name)])
    search = Search(data, draw(data, rows, FOLDS, rng), rng, TRIALS)
    task, scores = search.scores(METRICS[data.table.name])
    sign = 1.0 if task.direction == "maximize" else -1.0
    scores = np.nan_to_num(sign * scores, nan=-np.inf)
    mean = scores.mean(axis=1)
    epochs = {"own": scores.argmax(axis=0), "common": np.broadcast_to(mean.argmax(axis=0), scores.shape[1:])}
    true = {
        way: np.array([sign * np.mean(search.true_scores(task, n, kept[:, n])) for n in range(TRIALS)])
        for way, kept in epochs.items()
    }
    start, own = true["own"][0], true["own"]
    unit = own[own >= np.median(own)].std()
    gains = {way: np.maximum((found - start) / unit, -10.0) for way, found in true.items()}
    orders = [np.concatenate([[0], 1 + rng.permutation(TRIALS - 1)]) for _ in range(ORDERS)]
    ways = {  # what a configuration is picked by, and what it is then worth
        "own": (scores.max(axis=0).mean(axis=0), gains["own"]),
        "own, picked by common": (mean.max(axis=0), gains["own"]),
        "common": (mean.max(axis=0), gains["common"]),
    }
    found = {
        way: _picked(said, worth, orders) | {"best there is": round(float(worth.max()), 3)}
        for way, (said, worth) in ways.items()
    }
    predictions = [_predict(search, n, int(epochs["common"][0, n])) for n in range(TRIALS)]

    def gain(trials: Array) -> float:
        mean = np.mean([predictions[n] for n in trials], axis=0)
        return sign * score(task, search.labels(search.drawn.test), mean) / unit

    return found | {"common, mean of five": _averaged(mean.max(axis=0), gain, orders[:FEWER_ORDERS])}


def _predict(search: Search, trial: int, epoch: int) -> Array:
    """Return what the networks of a trial say of the unseen rows, mean over the folds."""
    lanes = slice(trial * search.folds, (trial + 1) * search.folds)
    networks = Lanes(tuple(array[lanes] for array in search.epochs[epoch].parameters))
    return search.predict(networks, search.drawn.test).mean(axis=0).astype(np.float32)


def _averaged(said: Array, gain: Callable[[Array], float], orders: list[Array]) -> dict[str, float]:
    """Return the mean true gain of the best few together over the default, by the number that were tried."""
    start, told = gain(np.array([0])), {}
    for count in COUNTS:
        best = [order[:count][np.argsort(-said[order[:count]])[:MOST_MEMBERS]] for order in orders]
        sets = {tuple(sorted(trials)) for trials in best}
        distinct = {trials: max(gain(np.array(trials)) - start, -10.0) for trials in sets}
        told[str(count)] = round(float(np.mean([distinct[tuple(sorted(trials))] for trials in best])), 4)
    return told


def _picked(said: Array, true: Array, orders: list[Array]) -> dict[str, float]:
    """Return the mean true gain over the default by the number of configurations that were tried."""
    picks: dict[str, list[float]] = {str(count): [] for count in COUNTS}
    for order in orders:
        for count in COUNTS:
            first = order[:count]
            picks[str(count)].append(true[first[said[first].argmax()]])
    return {count: round(float(np.mean(gains)), 4) for count, gains in picks.items()}


def summarise(rows: list[Row]) -> list[Row]:
    """Return the mean gain by table, number of rows, way of keeping epochs, and number of configurations."""
    told = []
    for table in METRICS:
        for number in ROWS:
            some = [row for row in rows if (row["table"], row["rows"]) == (table, number)]
            for way in WAYS if some else ():
                gains = {count: round(float(np.mean([row[way][count] for row in some])), 2) for count in some[0][way]}
                told.append({"table": table, "rows": number, "epochs": way, "draws": len(some), **gains})
    return told


def main() -> None:
    """Run the draws that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=6)
    parser.add_argument("--out", type=Path, default=HERE / "result_how_many.json")
    asked = parser.parse_args()
    tables = {table.name: encode(table) for table in read_tables()}
    if not tables:
        print("The public data sets are missing; nothing was run.")
        return
    rows: list[Row] = json.loads(asked.out.read_text())["rows"] if asked.out.exists() else []
    done = {(row["table"], row["rows"], row["seed"]) for row in rows}
    for seed in range(asked.draws):
        for number in ROWS:
            for name, data in tables.items():
                if (name, number, seed) in done:
                    continue
                rows.append({"table": name, "rows": number, "seed": seed, **run(data, number, seed)})
                text = ",\n".join(f"  {json.dumps(row)}" for row in rows)
                means = ",\n".join(f"  {json.dumps(line)}" for line in summarise(rows))
                asked.out.write_text(f'{{"gain": [\n{means}\n ],\n "rows": [\n{text}\n ]}}\n')
    for line in summarise(rows):
        print(json.dumps(line))


if __name__ == "__main__":
    main()
