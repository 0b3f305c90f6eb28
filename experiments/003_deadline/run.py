"""Is a search over when its time limit says so, with everything that belongs to it?

Whole processes `autokeras-lite search ... --time-limit T` are timed from their start to their end, on a small, a medium
and a wide table, each with another seed. A search is complete when the exit code is 0, the model file loads with its
parity checked (or the best baseline is the result), the summary is there and nothing waits to be sent to MLflow.
`load_average` tells how busy the machine was, searches of this experiment included.

    python experiments/003_deadline/run.py [--tables small medium wide] [--limits 20 60 300] [--out result.json]

Rows that are in the result already are not run again, so that the table can be made in parts.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import make_classification

from autokeras_lite.artifact.load import load_artifact

HERE = Path(__file__).parent
DATA = HERE.parent / "data"
NUM_SEARCHES = {20: 20, 60: 10, 300: 2}


def write_table(name: str, folder: Path) -> tuple[Path, str]:
    """Return the file of a table and its target."""
    if name == "small":
        return DATA / "credit_g.parquet", "class"
    if name == "medium":
        return DATA / "adult.parquet", "income"
    x, y = make_classification(8_000, 120, n_informative=20, n_redundant=20, class_sep=0.7, random_state=0)
    file = folder / "wide.parquet"
    pd.DataFrame(x, columns=[f"x{i}" for i in range(x.shape[1])]).assign(target=y).to_parquet(file)
    return file, "target"


def time_search(table: str, limit: int, seed: int, folder: Path) -> dict[str, Any]:
    """Run one search and say how long it took and whether it was complete."""
    file, target = write_table(table, folder)
    runs, name = folder / f"{table}-{limit}-{seed}", "timed"
    command = [
        str(Path(sys.executable).with_name("autokeras-lite")), "search", str(file), "--target", target,
        "--time-limit", f"{limit}s", "--seed", str(seed), "--runs-dir", str(runs), "--name", name, "--json",
    ]  # fmt: skip
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall = time.monotonic() - started
    row = {"table": table, "limit": limit, "seed": seed, "wall_seconds": round(wall, 2), "exit_code": done.returncode}
    row["load_average"] = round(os.getloadavg()[0], 1)
    if done.returncode != 0:
        return row | {"complete": False, "error": done.stderr[-500:]}
    summary = json.loads(done.stdout)
    manifest = load_artifact(runs / name / "artifact").manifest if summary["best"] else None
    is_whole = manifest is None or manifest.parity.holds
    complete = is_whole and summary["unsent"] == 0
    trials = sum(summary["trials"].values())
    score = summary["best"]["validation_score"] if summary["best"] else None
    return row | {"complete": complete, "trials": trials, "score": score}


def summarise(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one line for each table and limit: how far over the limit, at the 95th percentile and at most."""
    lines = []
    for table, limit in sorted({(row["table"], row["limit"]) for row in rows}):
        chosen = [row for row in rows if (row["table"], row["limit"]) == (table, limit)]
        over = np.array([row["wall_seconds"] - limit for row in chosen])
        lines.append(
            {
                "table": table,
                "limit": limit,
                "searches": len(chosen),
                "complete": sum(row["complete"] for row in chosen),
                "with_network": sum(row.get("score") is not None for row in chosen),
                "load_average_median": round(float(np.median([row["load_average"] for row in chosen])), 1),
                "overrun_median": round(float(np.median(over)), 2),
                "overrun_95th_percentile": round(float(np.quantile(over, 0.95)), 2),
                "overrun_most": round(float(over.max()), 2),
                "allowed": round(max(3.0, 0.03 * limit), 2),
                "trials_median": float(np.median([row.get("trials", 0) for row in chosen])),
            }
        )
    return lines


def main() -> None:
    """Run what is asked for and not there yet, writing after every search."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", default=["small", "medium", "wide"])
    parser.add_argument("--limits", nargs="+", type=int, default=sorted(NUM_SEARCHES))
    parser.add_argument("--searches", type=int, help="how many for each table and limit; by default 20, 10 and 2")
    parser.add_argument("--out", type=Path, default=HERE / "result.json")
    asked = parser.parse_args()
    rows = json.loads(asked.out.read_text())["searches"] if asked.out.exists() else []
    known = {(row["table"], row["limit"], row["seed"]) for row in rows}
    for limit in asked.limits:
        for table in asked.tables:
            for seed in range(asked.searches or NUM_SEARCHES[limit]):
                if (table, limit, seed) in known:
                    continue
                with tempfile.TemporaryDirectory() as folder:
                    rows.append(time_search(table, limit, seed, Path(folder)))
                print(json.dumps(rows[-1]), flush=True)
                asked.out.write_text(json.dumps({"summary": summarise(rows), "searches": rows}, indent=1) + "\n")
    print(json.dumps(summarise(rows), indent=1))


if __name__ == "__main__":
    main()
