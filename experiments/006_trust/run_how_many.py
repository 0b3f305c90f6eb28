"""How many configurations are worth trying on few rows? Picking the best of more and more of them, by noisy scores.

For each draw of rows from a public table, 64 configurations of a small network (`networks.py`; the first is the
default, the others are random) are trained with five folds, and each keeps its best epochs. Then the best of the first
1, 2, 4 ... by its validation score is picked, for many orders of the random ones, and what rows that nobody has seen
say of the pick is written down.

    python experiments/006_trust/run_how_many.py [--draws 6] [--out result_how_many.json]

The unit is the standard deviation of the true scores of the better half of the configurations. What is in the result
already is not run again. Reads the public data sets beside the checkout (`shared/data`), and does nothing where they
are missing.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from honesty import Row, read_tables
from numpy.typing import NDArray
from run_simulated import Encoded, Search, draw, encode

HERE = Path(__file__).parent
ROWS, FOLDS, TRIALS, ORDERS = (100, 300, 1000, 3000), 5, 64, 200
COUNTS = (1, 2, 4, 8, 16, 32, 64)
METRICS = {"adult": "roc_auc", "connect4": "log_loss", "california_housing": "rmse", "diamonds": "mae"}
Array = NDArray[Any]


def run(data: Encoded, rows: int, seed: int) -> Row:
    """Train all configurations of one draw, and return the true score of the pick of each number of them."""
    rng = np.random.default_rng([seed, rows, *map(ord, data.table.name)])
    search = Search(data, draw(data, rows, FOLDS, rng), rng, TRIALS)
    task, scores = search.scores(METRICS[data.table.name])
    sign = 1.0 if task.direction == "maximize" else -1.0
    scores = np.nan_to_num(sign * scores, nan=-np.inf)
    kept = scores.argmax(axis=0)
    said = scores.max(axis=0).mean(axis=0)
    true = np.array([sign * np.mean(search.true_scores(task, n, kept[:, n])) for n in range(TRIALS)])
    better = true[true >= np.median(true)]
    true = np.maximum((true - true[0]) / better.std(), -10.0)
    return {"picked": _picked(said, true, rng), "best_there_is": round(float(true.max()), 3)}


def _picked(said: Array, true: Array, rng: np.random.Generator) -> dict[str, float]:
    """Return the mean true gain over the default by the number of configurations that were tried."""
    picks: dict[str, list[float]] = {str(count): [] for count in COUNTS}
    for _ in range(ORDERS):
        order = np.concatenate([[0], 1 + rng.permutation(TRIALS - 1)])
        for count in COUNTS:
            first = order[:count]
            picks[str(count)].append(true[first[said[first].argmax()]])
    return {count: round(float(np.mean(gains)), 4) for count, gains in picks.items()}


def summarise(rows: list[Row]) -> dict[str, dict[str, float]]:
    """Return the mean gain by number of rows and of configurations, with the standard error of the largest."""
    told = {}
    for number in ROWS:
        some = [row for row in rows if row["rows"] == number]
        if some:
            gains = {count: np.array([row["picked"][count] for row in some]) for count in map(str, COUNTS)}
            told[str(number)] = {count: round(float(values.mean()), 3) for count, values in gains.items()} | {
                "best there is": round(float(np.mean([row["best_there_is"] for row in some])), 3),
                "standard error": round(float(gains[str(TRIALS)].std(ddof=1) / len(some) ** 0.5), 3),
                "draws": len(some),
            }
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
                asked.out.write_text(f'{{"gain": {json.dumps(summarise(rows))},\n "rows": [\n{text}\n ]}}\n')
    print(json.dumps(summarise(rows), indent=1))


if __name__ == "__main__":
    main()
