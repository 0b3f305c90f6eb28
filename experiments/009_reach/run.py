"""How good are models after two minutes on two cores: this project beside gradient boosting and other searches?

Each run of a system on a table is a process of its own. It gets the official training rows, a time limit that counts
from its start, and the test rows without their target; what it predicts for them is scored here, by the same function
for all. Memory is sampled every two seconds over the process and all its children.

    python experiments/009_reach/run.py [--systems ...] [--tables ...] [--seconds 120] [--seeds 0 1 2]
        [--out result.json] [--packages FOLDER]

Rows that are in the result already are not run again, so that the table can be made in parts; failed ones are.
"""

import argparse
import importlib.machinery
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from memory import TreeMemory, end_tree
from scoring import score
from tables import METRICS, SHARED, Table, write_table

HERE = Path(__file__).resolve().parent
SYSTEMS = (
    "autokeras_lite", "hist_gradient_boosting", "hist_gradient_boosting_tuned", "random_forest", "keras_tuner",
    "optuna_fit",
)  # fmt: skip
ONLY_ON = {"random_forest": ("kddcup99_10pct",)}
MUCH_LONGER = 300  # seconds beyond the limit, for a process that does not end
PACKAGES = ("keras", "optuna", "scikit-learn", "tensorflow")
Row = dict[str, Any]


def run_system(system: str, table: Table, seed: int, asked: argparse.Namespace) -> Row:
    """Run one system once and return its row."""
    loads = [os.getloadavg()[0]]
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        table.ask(system, seed, asked.seconds, Path(folder), started).write()
        with Path(folder, "log.txt").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, str(HERE / "child.py"), folder], cwd=folder, env=make_environment(system, asked),
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            memory = TreeMemory(process.pid)
            try:
                memory.watch(process, asked.seconds + MUCH_LONGER)
            finally:
                end_tree(process)
        row = {"system": system, "table": table.name, "seed": seed, "seconds": asked.seconds, "metric": table.metric}
        row |= {"whole_seconds": round(time.monotonic() - started, 1), "peak_gb": memory.gigabytes()}
        row["load_average"] = [round(load, 1) for load in (*loads, os.getloadavg()[0])]
        return row | read_outcome(Path(folder), table, process.returncode)


def read_outcome(folder: Path, table: Table, code: int) -> Row:
    """Score what a child left."""
    if code != 0:
        return {"error": f"ended with {code}: {(folder / 'log.txt').read_text(errors='replace').strip()[-800:]}"}
    given = np.load(folder / "predictions.npy")
    expected = (len(table.truth), len(table.classes)) if table.classes else (len(table.truth),)
    if given.shape != expected:
        return {"error": f"predictions have shape {given.shape}, not {expected}"}
    return {
        "score": round(score(table.metric, table.truth, given), 6),
        **json.loads((folder / "fitted.json").read_text()),
    }


def make_environment(system: str, asked: argparse.Namespace) -> dict[str, str]:
    """Return the environment of a child; only KerasTuner sees the folder where it may lie."""
    paths = [str(asked.packages)] if system == "keras_tuner" and asked.packages else []
    paths += [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": os.pathsep.join(paths)}


def refuse(asked: argparse.Namespace) -> str | None:
    """Return why nothing can be run, in one line."""
    if not (SHARED / "load.py").exists():
        return f"The public tables are missing: expected {SHARED}/load.py. Set PUBLIC_TABLES to their folder."
    where = [*([str(asked.packages)] if asked.packages else []), *sys.path]
    if "keras_tuner" in asked.systems and importlib.machinery.PathFinder.find_spec("keras_tuner", where) is None:
        return "KerasTuner is missing. Run pip install keras-tuner tensorboard, or give --packages FOLDER."
    return None


def read_rows_of(out: Path) -> list[Row]:
    """Return the rows that a result holds, none where there is no such file."""
    return json.loads(out.read_text())["rows"] if out.exists() else []


def write(out: Path, rows: list[Row]) -> None:
    """Write the result, whole or not at all."""
    about = {"cores": psutil.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
    about |= {name: version(name) for name in PACKAGES}
    text = ",\n".join(f"  {json.dumps(row)}" for row in rows)
    neighbour = out.with_suffix(".tmp")
    neighbour.write_text(f'{{\n "about": {json.dumps(about)},\n "rows": [\n{text}\n ]\n}}\n')
    neighbour.replace(out)


def plan(asked: argparse.Namespace, rows: list[Row]) -> list[tuple[int, str, str]]:
    """Return the seeds, tables and systems that are still to be run; all systems take turns on a table."""
    done = {
        (row["seed"], row["table"], row["system"]) for row in rows if "score" in row and row["seconds"] == asked.seconds
    }
    wanted = [(seed, table, system) for seed in asked.seeds for table in asked.tables for system in asked.systems]
    return [one for one in wanted if one not in done and one[1] in ONLY_ON.get(one[2], METRICS)]


def parse() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS), metavar="SYSTEM")
    parser.add_argument("--tables", nargs="+", choices=list(METRICS), default=list(METRICS), metavar="TABLE")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=HERE / "result.json")
    parser.add_argument("--packages", type=Path, help="a folder that pip install --target put KerasTuner into")
    return parser.parse_args()


def main() -> None:
    """Run what is asked for and not there yet, writing after every run."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the child ends as well
    asked = parse()
    if reason := refuse(asked):
        raise SystemExit(reason)
    rows, tables = read_rows_of(asked.out), dict[str, Table]()
    with tempfile.TemporaryDirectory() as folder:
        for seed, name, system in plan(asked, rows):
            table = tables.get(name) or tables.setdefault(name, write_table(name, Path(folder, name)))
            place = {"system": system, "table": name, "seed": seed, "seconds": asked.seconds}
            rows = [row for row in rows if any(row[key] != value for key, value in place.items())]
            rows.append(run_system(system, table, seed, asked))
            write(asked.out, rows)
            print(json.dumps(rows[-1]), flush=True)


if __name__ == "__main__":
    main()
