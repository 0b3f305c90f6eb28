"""Which configurations of a family do well on many small real tables?

Every configuration of a matrix (the ready ones of the space, and structures with recipes that were drawn at random) is
trained on 20 small tables with one holdout; `choose.py` makes a portfolio of what comes out.

    python experiments/008_portfolios/run.py [--families tabular_tabm ...] [--part 0/2] [--out result.jsonl]

A line of the result is one family on one table: scores by configuration, and its share of the processor seconds of its
cohort. Lines that are there are not made again. Reads the public data sets beside the checkout (`shared/data`), and
does nothing where they are missing. `--part 0/2` and `--part 1/2` share the tables between two processes.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from tables import DRAWS, SHARED, read_draw

from autokeras_lite.config import Strategy, as_search_config
from autokeras_lite.data.read import read_dataset
from autokeras_lite.models.registry import FAMILIES
from autokeras_lite.search.finalists import structure_of
from autokeras_lite.search.prepare import Prepared, prepare
from autokeras_lite.search.sizing import complete
from autokeras_lite.search.study import SpaceStudy
from autokeras_lite.spaces.load import load_space
from autokeras_lite.spaces.space import SearchSpace
from autokeras_lite.training.cohort import TrainingJob, train_cohort
from autokeras_lite.trial import Cohort, Directive, EpochReport, TrialSpec, recipe_fields

HERE = Path(__file__).parent
MATRIX = HERE / "matrix.json"
FAMILY_NAMES = ("tabular_tabm", "tabular_realmlp", "tabular_mlp", "tabular_resnet", "tabular_ft_transformer")
STRUCTURES, RECIPES, FREE_BYTES = 5, 3, 4 * 2**30
MEMBERS = 16  # of a TabM: half of what so few rows would get, in half of the time


def draw_matrix(space: SearchSpace) -> list[dict[str, Any]]:
    """Return configurations as flat values: the ready ones, then random structures with a few recipes each."""
    names = space.recipe_names(recipe_fields(FAMILIES[space.family].config_type))
    with tempfile.TemporaryDirectory() as folder:
        strategy, file = Strategy(sampler="random", seed=1), Path(folder) / "study.db"
        study = SpaceStudy(space, names, direction="minimize", strategy=strategy, database=file)
        drawn = [dict(values) for values in space.starts()]
        for _ in range(STRUCTURES):
            first = study.propose()
            assert first is not None
            variants = [study.variant(first) for _ in range(RECIPES - 1)]
            drawn += [dict(one.values) for one in (first, *variants) if one is not None]
        study.close()
    return drawn


def read_matrix(family: str) -> list[dict[str, Any]]:
    """Return the configurations of a family; drawn once and kept, since a space changes by what is learned of it."""
    known = json.loads(MATRIX.read_text()) if MATRIX.exists() else {}
    if family not in known:
        known[family] = draw_matrix(load_space(family))
        MATRIX.write_text(json.dumps(known, indent=1) + "\n")
    return [dict(values) for values in known[family]]


def prepare_draw(name: str, folder: Path) -> Prepared:
    """Read a table and divide it into rows that train and rows that judge."""
    frame, target, judges = read_draw(name)
    given, judging = folder / "rows.parquet", folder / "judges.parquet"
    frame.iloc[:-judges].to_parquet(given)
    frame.iloc[-judges:].to_parquet(judging)
    options: Any = {"validation": str(judging), "runs_dir": str(folder)}
    if pd.api.types.is_numeric_dtype(frame[target]):
        options |= {"task": "regression", "metric": "rmse"}
    config = as_search_config(options, name="draw", targets=(target,))
    given_rows = read_dataset(str(given), config.columns, name="draw")
    return prepare(given_rows, config, quantiles=True)


def cohorts_of(space: SearchSpace, matrix: list[dict[str, Any]], prepared: Prepared) -> Iterator[Cohort]:
    """Group the configurations by structure."""
    groups: dict[Any, list[TrialSpec]] = {}
    rows = len(prepared.data.folds[0].train_rows)
    for number, values in enumerate(matrix, start=1):
        config, training = space.assemble(values)
        if config.get("members") == 0:
            config = {**config, "members": MEMBERS}
        config, training = complete(config, training, prepared.task, rows=rows, folds=1, cores=2)
        spec = TrialSpec(number, space.name, space.family, config, training, 7, "matrix")
        groups.setdefault(structure_of(spec), []).append(spec)
    for number, specs in enumerate(groups.values(), start=1):
        yield Cohort(number, tuple(specs), batch_seed=0)


def go_on(report: EpochReport) -> Directive:
    """Let every trial train to its end."""
    return Directive()


def evaluate(family: str, table: str) -> Mapping[str, Any]:
    """Train the whole matrix of a family on one table."""
    space = load_space(family)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepared = prepare_draw(table, folder)
        prepared.data.write(folder / "data")
        scores: dict[str, float | None] = {}
        seconds: dict[str, float] = {}
        for cohort in cohorts_of(space, read_matrix(family), prepared):
            job = TrainingJob(cohort, prepared.task, folder / "data", folder / "trials", FREE_BYTES)
            started = time.process_time()
            outcomes = train_cohort(job, go_on)
            each = round((time.process_time() - started) / len(outcomes), 2)
            scores |= {str(outcome.number): outcome.score for outcome in outcomes}
            seconds |= {str(outcome.number): each for outcome in outcomes}
    return {
        "family": family,
        "table": table,
        "metric": prepared.task.metric,
        "direction": prepared.task.direction,
        "rows": len(prepared.data.folds[0].train_rows),
        "scores": scores,
        "seconds": seconds,
    }


def main() -> None:
    """Train what is asked for and not there yet, writing after every table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", nargs="+", default=FAMILY_NAMES, choices=FAMILY_NAMES)
    parser.add_argument("--part", default="0/1")
    parser.add_argument("--out", type=Path, default=HERE / "result.jsonl")
    asked = parser.parse_args()
    if not SHARED.is_dir():
        print(f"The public data sets are not there ({SHARED}); nothing was done.")
        return
    part, parts = map(int, asked.part.split("/"))
    known = set()
    for file in HERE.glob("result*.jsonl"):
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        known |= {(row["family"], row["table"]) for row in rows}
    for table in list(DRAWS)[part::parts]:
        for family in asked.families:
            if (family, table) in known:
                continue
            row = evaluate(family, table)
            with asked.out.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(table, family, f"{sum(row['seconds'].values()):.0f} s", flush=True)


if __name__ == "__main__":
    main()
