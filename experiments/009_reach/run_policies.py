"""Which policy makes the most of one minute, and of four: five of them on four public tables.

Every run is the program as a person calls it, on two cores, scored on the official test rows, which no search sees.

    python experiments/009_reach/run_policies.py [--tables ...] [--seconds 60 240] [--policies ...] [--seeds 0]
        [--out result_policies.json]

Runs that are in the result already are not made again. Reads the public tables beside the checkout (`shared/data`), and
does nothing where they are missing.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
from policies import POLICIES, Found, run
from scoring import score
from tables import METRICS, SHARED, Table, write_table

HERE = Path(__file__).resolve().parent
TABLES = ("adult", "california_housing", "diamonds", "credit_g")
Row = dict[str, Any]


def run_policy(policy: str, table: Table, seed: int, seconds: float) -> Row:
    """Search by one policy once and return its row."""
    with tempfile.TemporaryDirectory() as folder:
        started, load = time.monotonic(), os.getloadavg()[0]
        job = table.ask(policy, seed, seconds, Path(folder), started)
        found = POLICIES[policy](job)
        row = {"policy": policy, "table": table.name, "seconds": seconds, "seed": seed, "metric": table.metric}
        row |= {"whole_seconds": round(time.monotonic() - started, 1), "load_average": round(load, 1)}
        best = found.summary["best"]
        row["validation"] = best["validation_score"] if best else None
        row["trials"] = found.summary["trials"]
        row["members"] = len((found.summary["ensemble"] or {}).get("shares", {})) or 1
        return row | {"score": round(score(table.metric, table.truth, predict(table, job.test, found)), 6)}


def predict(table: Table, rows: str, found: Found) -> Any:
    """Return probabilities `(rows, classes)` or values `(rows,)` of the saved model."""
    file = found.folder / "predictions.parquet"
    run("predict", str(found.folder), rows, "-o", str(file), *(["--proba"] if table.classes else []))
    given = pd.read_parquet(file)
    return given[[str(label) for label in table.classes]].to_numpy() if table.classes else given.iloc[:, 0].to_numpy()


def write(out: Path, rows: list[Row]) -> None:
    """Write the result, whole or not at all."""
    neighbour = out.with_suffix(".tmp")
    neighbour.write_text("[\n" + ",\n".join(f" {json.dumps(row)}" for row in rows) + "\n]\n")
    neighbour.replace(out)


def main() -> None:
    """Run what is asked for and not there yet, writing after every run."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", choices=list(METRICS), default=list(TABLES), metavar="TABLE")
    parser.add_argument("--policies", nargs="+", choices=list(POLICIES), default=list(POLICIES), metavar="POLICY")
    parser.add_argument("--seconds", nargs="+", type=float, default=[60.0, 240.0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--out", type=Path, default=HERE / "result_policies.json")
    asked = parser.parse_args()
    if not (SHARED / "load.py").exists():
        print(f"The public tables are not there ({SHARED}); nothing was done.")
        return
    rows: list[Row] = json.loads(asked.out.read_text()) if asked.out.exists() else []
    done = {(row["policy"], row["table"], row["seconds"], row["seed"]) for row in rows}
    wanted = [
        (p, t, s, seed) for seed in asked.seeds for s in asked.seconds for t in asked.tables for p in asked.policies
    ]
    tables = dict[str, Table]()
    with tempfile.TemporaryDirectory() as folder:
        for policy, name, seconds, seed in wanted:
            if (policy, name, seconds, seed) in done:
                continue
            table = tables.get(name) or tables.setdefault(name, write_table(name, Path(folder, name)))
            rows.append(run_policy(policy, table, seed, seconds))
            write(asked.out, rows)
            print(json.dumps(rows[-1]), flush=True)


if __name__ == "__main__":
    main()
