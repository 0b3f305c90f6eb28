"""Is a table with few test rows won or lost by luck? The same systems on other splits of the same rows.

    python experiments/009_reach/run_splits.py [--tables credit_g] [--splits 1 2 3 4 5 6] [--systems ...]
        [--seconds 120] [--packages FOLDER] [--out result_splits.json]

All systems of a split run one after the other, on the cores that this script has. What is in the result already is not
run again. Reads the public tables beside the checkout (`shared/data`), and does nothing where they are missing.
"""

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from run import read_rows_of, refuse, run_system, write
from scoring import SIGNS
from tables import METRICS, write_table

HERE = Path(__file__).resolve().parent
OURS, OTHERS = "autokeras_lite", ("keras_tuner", "optuna_fit")
Row = dict[str, Any]


def summarise(rows: list[Row]) -> str:
    """Return the mean of each system, and by how much ours is better on the same split, as Markdown."""
    lines = ["| table | system | splits | mean | ours is better by | on so many |", "|---|---|--:|--:|--:|--:|"]
    for table in dict.fromkeys(row["table"] for row in rows):
        systems = dict.fromkeys(row["system"] for row in rows if row["table"] == table)
        scores = {system: _scores(rows, table, system) for system in (OURS, *systems)}
        lines += [_line(table, system, scores) for system in systems]
    return "\n".join(lines)


def _scores(rows: list[Row], table: str, system: str) -> dict[int, float]:
    return {
        row["split"]: row["score"]
        for row in rows
        if (row["table"], row["system"]) == (table, system) and "score" in row
    }


def _line(table: str, system: str, scores: dict[str, dict[int, float]]) -> str:
    own, other = scores[OURS], scores[system]
    start = f"| {table} | {system} | {len(other)} | {fmean(other.values()):.4f} |"
    sign = SIGNS[METRICS[table]]
    gains = [sign * (own[split] - other[split]) for split in other if split in own]
    if system == OURS or len(gains) < 2:
        return f"{start} | |"
    error = stdev(gains) / len(gains) ** 0.5
    return f"{start} {fmean(gains):+.4f} ± {error:.4f} | {sum(gain > 0 for gain in gains)} |"


def main() -> None:
    """Run what is asked for and not there yet, writing after every run."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", choices=list(METRICS), default=["credit_g"], metavar="TABLE")
    parser.add_argument("--systems", nargs="+", default=[OURS, *OTHERS], metavar="SYSTEM")
    parser.add_argument("--splits", nargs="+", type=int, default=[1, 2, 3, 4, 5, 6])
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--packages", type=Path, help="a folder that pip install --target put KerasTuner into")
    parser.add_argument("--out", type=Path, default=HERE / "result_splits.json")
    asked = parser.parse_args()
    if reason := refuse(asked):
        raise SystemExit(reason)
    rows = read_rows_of(asked.out)
    done = {(row["table"], row["split"], row["system"]) for row in rows if "score" in row}
    wanted = [(table, split, system) for split in asked.splits for table in asked.tables for system in asked.systems]
    for name, split, system in (one for one in wanted if one not in done):
        with tempfile.TemporaryDirectory() as folder:
            table = write_table(name, Path(folder, name), split)
            rows.append(run_system(system, table, split, asked) | {"split": split})
        write(asked.out, rows)
        print(json.dumps(rows[-1]), flush=True)
    print(summarise(rows))


if __name__ == "__main__":
    main()
