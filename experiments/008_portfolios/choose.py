"""Make portfolios of what `run.py` measured: a greedy cover by mean rank, with what it is worth on unseen tables.

    python experiments/008_portfolios/choose.py [--size 8] [--out portfolios.json]

Rank configurations within each table. The first is the default of the space, which every search begins with. Each next
one lowers the mean of the best rank so far the most, and of equal ones it is the one that takes less time (Salinas and
Erickson 2024, TabRepo, section 5). Then they are put into the order of their gain for each second. Leaving out one
source of tables at a time (all draws of adult together, and so on) says what to expect of a portfolio on a table that
it has not seen: the normalised error `(score - best) / (median - best)`, cut to 0 to 1, of the best of the default and
its first 0, 1, 3 and 8 configurations, beside that of the default and as many random ones of the same matrix, and of
the ready ones that the space had before, in their order.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from run import FAMILY_NAMES, RECIPES, STRUCTURES, read_matrix
from tables import DRAWS

from autokeras_lite.spaces.load import load_space

HERE = Path(__file__).parent
Array = NDArray[np.float64]
SIZES, RANDOM_DRAWS = (1, 2, 4, 9), 200


def read_errors(family: str) -> tuple[list[str], Array, Array]:
    """Return the tables, the errors `(tables, configurations)`, less being better, and the seconds alike."""
    lines = [line for file in sorted(HERE.glob("result*.jsonl")) for line in file.read_text().splitlines()]
    rows = [row for row in map(json.loads, lines) if row["family"] == family]
    numbers = sorted({int(number) for row in rows for number in row["scores"]})
    signs = {"maximize": -1.0, "minimize": 1.0}

    def values(row: dict[str, Any], key: str, missing: float) -> list[float]:
        found = [row[key].get(str(number)) for number in numbers]
        return [missing if value is None or not np.isfinite(value) else float(value) for value in found]

    errors = [signs[row["direction"]] * np.array(values(row, "scores", np.nan)) for row in rows]
    seconds = [values(row, "seconds", np.nan) for row in rows]
    return [row["table"] for row in rows], np.array(errors), np.array(seconds)


def normalise(errors: Array) -> Array:
    """Return 0 for the best configuration of each table and 1 for the middle one and all that are worse."""
    best, middle = np.nanmin(errors, axis=1, keepdims=True), np.nanmedian(errors, axis=1, keepdims=True)
    scaled = (errors - best) / np.maximum(middle - best, 1e-12)
    return np.clip(np.nan_to_num(scaled, nan=1.0), 0.0, 1.0)


def choose(errors: Array, seconds: Array, size: int) -> list[int]:
    """Return the places of the default and of so many more, in the order in which they are worth trying."""
    filled = np.where(np.isnan(errors), np.inf, errors)
    ranks = (filled[:, None, :] < filled[:, :, None]).sum(axis=2).astype(float)
    cost = np.nan_to_num(np.nanmean(seconds, axis=0), nan=np.inf)
    chosen = [0]
    while len(chosen) <= size:
        merit = np.minimum(ranks[:, chosen].min(axis=1)[:, None], ranks).mean(axis=0)
        merit[chosen] = np.inf
        chosen.append(int(np.lexsort((cost, merit.round(6)))[0]))
    return chosen


def order(places: list[int], scaled: Array, seconds: Array) -> list[int]:
    """Return the default and then what takes most from the error of the best so far, for each second, again and again.

    What takes nothing from it comes last, as it was chosen.
    """
    cost = np.nanmean(seconds, axis=0)
    ordered, left = places[:1], places[1:]
    while left:
        covered = scaled[:, ordered].min(axis=1)
        gains = [float((covered - np.minimum(covered, scaled[:, one])).mean() / cost[one]) for one in left]
        ordered.append(left.pop(int(np.argmax(gains))))
    return ordered


def judge(tables: list[str], errors: Array, seconds: Array) -> dict[str, dict[str, float]]:
    """Leave out one source at a time; return the mean normalised error there by size: learned, random, ready."""
    sources = [DRAWS[table].source for table in tables]
    scaled, random = normalise(errors), np.random.default_rng(0)
    learned: dict[int, list[float]] = {size: [] for size in SIZES}
    by_chance: dict[int, list[float]] = {size: [] for size in SIZES}
    for source in sorted(set(sources)):
        out = np.array([one == source for one in sources])
        places = order(choose(errors[~out], seconds[~out], max(SIZES) - 1), scaled[~out], seconds[~out])
        for size in SIZES:
            learned[size] += scaled[out][:, places[:size]].min(axis=1).tolist()
            others = [
                random.choice(np.arange(1, errors.shape[1]), size - 1, replace=False) for _ in range(RANDOM_DRAWS)
            ]
            drawn = [[0, *some] for some in others]
            by_chance[size] += np.mean([scaled[out][:, some].min(axis=1) for some in drawn], axis=0).tolist()
    num_ready = errors.shape[1] - STRUCTURES * RECIPES
    ready = {size: scaled[:, :size].min(axis=1).tolist() for size in SIZES if size <= num_ready}
    kinds = {"learned": learned, "random": by_chance, "ready before": ready}
    return {kind: {str(n): round(float(np.mean(v)), 3) for n, v in found.items()} for kind, found in kinds.items()}


def main() -> None:
    """Print and write the portfolio of every family."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=8)
    parser.add_argument("--out", type=Path, default=HERE / "portfolios.json")
    asked = parser.parse_args()
    told = {}
    for family in FAMILY_NAMES:
        tables, errors, seconds = read_errors(family)
        if not tables:
            continue
        matrix, space, scaled = read_matrix(family), load_space(family), normalise(errors)
        chosen = order(choose(errors, seconds, asked.size), scaled, seconds)
        told[family] = {
            "tables": len(tables),
            "configurations": errors.shape[1],
            "left_out": judge(tables, errors, seconds),
            "default_error": round(float(scaled[:, 0].mean()), 3),
            "portfolio": [
                {
                    "number": place + 1,
                    "mean_error": round(float(scaled[:, place].mean()), 3),
                    "seconds": round(float(np.nanmean(seconds[:, place])), 2),
                    "differs": {k: v for k, v in matrix[place].items() if v != space.defaults().get(k)},
                }
                for place in chosen
            ],
        }
    asked.out.write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
