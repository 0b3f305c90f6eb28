"""What is better than the best of many configurations, and when is it worth keeping?

For each draw of rows from a public table, 16 configurations of a small network (those of `experiments/006_trust`) are
trained with a holdout or five folds, and put together in several ways by what their validation rows say. Then up to
20,000 rows that nobody has seen say how much better than the best single configuration that is.

    python experiments/013_ensemble/run.py [--draws 8] [--part 0/2] [--out result.jsonl]

What is in the result already is not run again. Reads the public data sets beside the checkout (`shared/data`), and does
nothing where they are missing.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.search import ensemble
from autokeras_lite.search.trust import Judges
from autokeras_lite.tasks.metrics import score

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "006_trust"))  # the small networks and the tables
from honesty import Row, read_tables  # noqa: E402
from networks import Lanes  # noqa: E402
from run_simulated import Encoded, Search, draw, encode  # noqa: E402

ROWS, FOLDS, TRIALS, MOST_MEMBERS, FEW = (300, 1000, 3000), (1, 5), 16, 8, 5
Array = NDArray[Any]
Shares = dict[int, float]


def run(data: Encoded, rows: int, folds: int, seed: int) -> Iterator[Row]:
    """Train the configurations of one draw, and put them together for each metric of the table."""
    rng = np.random.default_rng([seed, rows, folds, *map(ord, data.table.name)])
    search = Search(data, draw(data, rows, folds, rng), rng, TRIALS)
    for metric in data.table.metrics:
        yield {
            "table": data.table.name, "metric": metric, "rows": rows, "folds": folds, "seed": seed,
            **compare(search, metric, rng),
        }  # fmt: skip


def compare(search: Search, metric: str, rng: np.random.Generator) -> Row:
    """Put configurations together in all ways, and ask rows that nobody has seen."""
    task, scores = search.scores(metric)
    sign = 1.0 if task.direction == "maximize" else -1.0
    kept = np.nan_to_num(sign * scores, nan=-np.inf).mean(axis=1).argmax(axis=0)
    folds, validation = range(search.folds), search.drawn.validation
    predictions = {n: np.concatenate([search.validation[kept[n]][f][n] for f in folds]) for n in range(TRIALS)}
    labels = np.concatenate([search.labels(rows) for rows in validation])
    judges = Judges(labels, np.repeat(np.arange(search.folds), [len(rows) for rows in validation]))
    looks = ensemble._Judge.of(task, judges, predictions, rng)
    ways, single = combine(looks, rng)
    measured = {"greedy": _measure(looks, "greedy", rng), "both": _measure(looks, "both", rng)}
    unseen, truth = [_predict(search, kept, fold) for fold in folds], search.labels(search.drawn.test)

    def true_value(shares: Shares) -> float:
        mixed = [sum(share * of_fold[n] for n, share in shares.items()) for of_fold in unseen]
        return sign * float(np.mean([score(task, truth, one) for one in mixed]))

    alone = np.array([true_value({n: 1.0}) for n in range(TRIALS)])
    best = looks.value(looks.mixed({single: 1.0}))
    return {
        "unit": float(alone[alone >= np.median(alone)].std()),
        "members": {way: len(shares) for way, shares in ways.items()},
        "measured": measured,
        "seen": {way: looks.value(looks.mixed(shares)) - best for way, shares in ways.items()},
        "true": {way: true_value(shares) - float(alone[single]) for way, shares in ways.items()},
    }


def combine(looks: ensemble._Judge, rng: np.random.Generator) -> tuple[dict[str, Shares], int]:
    """Return the shares of each way of putting configurations together, and the best single one."""
    ranked = ensemble._ranked(looks)
    near = ensemble._near(looks, ranked)[:MOST_MEMBERS]
    few = ranked[:FEW]
    ways = {
        "mean of five": dict.fromkeys(few, 1.0 / len(few)),
        "near ones": dict.fromkeys(near, 1.0 / len(near)),
        "greedy": dict(ensemble._grown(looks, ranked[:1], ranked, MOST_MEMBERS, rng)),
        "greedy from near ones": dict(ensemble._grown(looks, near, ranked, MOST_MEMBERS, rng)),
        "both": dict(ensemble._select(looks, MOST_MEMBERS, rng)[0]),
    }
    return {way: {n: share for n, share in shares.items() if share > 0} for way, shares in ways.items()}, ranked[0]


def _measure(looks: ensemble._Judge, way: str, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Return the gain over the best single one on halves that chose neither, and its standard error, twice."""
    found = []
    for choosing, judging in ensemble._divided(looks, rng):
        ways, single = combine(choosing, rng)
        mixed, alone = judging.mixed(ways[way]), judging.mixed({single: 1.0})
        found.append((judging.value(mixed) - judging.value(alone), judging.error(mixed, alone)))
    return found


def _predict(search: Search, kept: Array, fold: int) -> list[Array]:
    """Return what the network of each configuration says of the unseen rows."""
    lanes = [trial * search.folds + fold for trial in range(TRIALS)]
    networks = [
        Lanes(tuple(a[n : n + 1] for a in search.epochs[kept[t]].parameters)) for t, n in enumerate(lanes)
    ]  # fmt: skip
    return [search.predict(one, search.drawn.test)[0] for one in networks]


def _short(value: Any) -> Any:
    """Return plain values with five digits."""
    if isinstance(value, dict):
        return {name: _short(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_short(one) for one in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def main() -> None:
    """Run the draws that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=8)
    parser.add_argument("--part", default="0/1")
    parser.add_argument("--out", type=Path, default=HERE / "result.jsonl")
    asked = parser.parse_args()
    tables = {table.name: encode(table) for table in read_tables()}
    if not tables:
        print("The public data sets are missing; nothing was run.")
        return
    part, parts = map(int, asked.part.split("/"))
    known = [json.loads(line) for file in HERE.glob("result*.jsonl") for line in file.read_text().splitlines()]
    done = {(row["table"], row["rows"], row["folds"], row["seed"]) for row in known}
    for seed in range(part, asked.draws, parts):
        for rows, folds, name in [(r, f, n) for r in ROWS for f in FOLDS for n in tables]:
            if (name, rows, folds, seed) not in done:
                lines = [json.dumps(_short(row)) for row in run(tables[name], rows, folds, seed)]
                with asked.out.open("a") as file:
                    file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
