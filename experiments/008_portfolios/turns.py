"""Which family should the next trial come from? Searches replayed from what `run.py` measured.

    python experiments/008_portfolios/turns.py [--out turns.json]

On each table every family brings its portfolio (learned without the tables of the same source), then the rest of its
matrix in a random order. Three ways to share the time of the processor are played through: the portfolios of all
families in turn, then two of three trials to the best family and one to the next; the largest promise
(`autokeras_lite.search.turns`) for each trial; the largest promise for each second. The error is `choose.normalise` of
the best trial so far, over the trials of all families together: 0 is the best of all, 1 the middle one or worse.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from choose import choose, normalise, order, read_errors
from tables import DRAWS

from autokeras_lite.search.turns import Turns

HERE = Path(__file__).parent
FAMILIES = ("tabular_tabm", "tabular_realmlp", "tabular_mlp")  # those that a search of a table starts from
SHARES, REPEATS, STARTS = (0.1, 0.2, 0.4, 0.8), 20, 8


@dataclass(frozen=True)
class Bench:
    """The trials of one table in the order in which each family would bring them: `(raw error, error, seconds)`."""

    trials: Mapping[str, Sequence[tuple[float, float, float]]]

    @property
    def seconds(self) -> float:
        """What all trials together take."""
        return sum(seconds for some in self.trials.values() for _, _, seconds in some)


Policy = Callable[[Bench, float], float]


def in_turn(bench: Bench, limit: float) -> float:
    """Play portfolios in turn, then two trials of the best family and one of the next; return the best error."""
    left = {name: list(some) for name, some in bench.trials.items()}
    order = [name for _ in range(1 + STARTS) for name in FAMILIES]
    best, found, spent, sampled = dict.fromkeys(FAMILIES, np.inf), 1.0, 0.0, 0
    while any(left.values()):
        if order:
            name = order.pop(0)
        else:
            ranked = [name for name in sorted(best, key=best.__getitem__) if left[name]]
            name, sampled = ranked[min((0, 0, 1)[sampled % 3], len(ranked) - 1)], sampled + 1
        if not left[name]:
            continue
        raw, error, seconds = left[name].pop(0)
        spent += seconds
        if spent > limit:
            break
        best[name], found = min(best[name], raw), min(found, error)
    return found


def by_promise(bench: Bench, limit: float, *, counts_seconds: bool) -> float:
    """Play the family that promises most each time; return the best error."""
    left = {name: list(some) for name, some in bench.trials.items()}
    turns, found, spent = Turns(FAMILIES, "minimize"), 1.0, 0.0
    while any(left.values()):
        name = next(name for name in turns.ranked(counts_seconds=counts_seconds) if left[name])
        raw, error, seconds = left[name].pop(0)
        spent += seconds
        if spent > limit:
            break
        turns.begin(name)
        turns.learn(name, raw, seconds)
        found = min(found, error)
    return found


POLICIES: Mapping[str, Policy] = {
    "in turn, then the best": in_turn,
    "promise": lambda bench, limit: by_promise(bench, limit, counts_seconds=False),
    "promise for each second": lambda bench, limit: by_promise(bench, limit, counts_seconds=True),
}


def benches(random: np.random.Generator) -> list[list[Bench]]:
    """Return so many random orders of every table that is known for all families."""
    known = {family: read_errors(family) for family in FAMILIES}
    tables = [table for table in DRAWS if all(table in names for names, _, _ in known.values())]
    made: list[list[Bench]] = []
    for table in tables:
        rows = {family: names.index(table) for family, (names, _, _) in known.items()}
        raw = {family: errors[rows[family]] for family, (_, errors, _) in known.items()}
        scaled = np.split(
            normalise(np.concatenate(list(raw.values()))[None])[0], np.cumsum([len(one) for one in raw.values()])[:-1]
        )
        starts = {}
        for family, (names, errors, seconds) in known.items():
            others = np.array([DRAWS[name].source != DRAWS[table].source for name in names])
            chosen = choose(errors[others], seconds[others], STARTS)
            starts[family] = order(chosen, normalise(errors[others]), seconds[others])
        made.append([])
        for _ in range(REPEATS):
            trials = {}
            for (family, (_, _, seconds)), error in zip(known.items(), scaled, strict=True):
                rest = np.setdiff1d(np.arange(len(error)), starts[family])
                places = [*starts[family], *random.permutation(rest)]
                figures = zip(raw[family][places], error[places], seconds[rows[family]][places], strict=True)
                trials[family] = [
                    (float(a), float(b), float(c)) for a, b, c in figures if np.isfinite(a) and np.isfinite(c)
                ]
            made[-1].append(Bench(trials))
    return made


def main() -> None:
    """Print and write the mean error of each policy at each share of the time that all trials take."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=HERE / "turns.json")
    asked = parser.parse_args()
    all_benches = benches(np.random.default_rng(0))
    told: dict[str, object] = {"tables": len(all_benches)}
    for name, policy in POLICIES.items():
        by_share = {}
        for share in SHARES:
            errors = [[policy(one, share * one.seconds) for one in some] for some in all_benches]
            means = np.array(errors).mean(axis=1)
            by_share[str(share)] = {
                "error": round(float(means.mean()), 3),
                "standard_error": round(float(means.std(ddof=1) / len(means) ** 0.5), 3),
            }
        told[name] = by_share
    asked.out.write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
