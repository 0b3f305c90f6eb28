"""Print what each way of putting configurations together is worth, and what keeping it by its measured gain costs.

    python experiments/013_ensemble/summarise.py [--readme]

With `--readme` the tables replace what stands between the marks in README.md.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
WAYS = ("mean of five", "near ones", "greedy", "greedy from near ones", "both")
REGRESSION = ("rmse", "mae", "r2", "rmsle")
BARS = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0)
MOST = 5.0  # units: one draw says no more
Row = dict[str, Any]


def kind(row: Row) -> str:
    """Return what sort of question a row asks."""
    return "regressions" if row["metric"] in REGRESSION else "classifications"


def gain(row: Row, way: str) -> float:
    """Return the true gain over the best single configuration in units."""
    return float(np.clip(row["true"][way] / row["unit"], -MOST, MOST))


def make_ways(rows: list[Row]) -> list[str]:
    """Return a line for each kind, number of rows and folds, and one for all of a kind."""
    lines = [f"| | rows | folds | draws | {' | '.join(WAYS)} |", "|---|--:|--:|--:|" + "--:|" * len(WAYS)]
    for name in ("classifications", "regressions"):
        of_kind = [row for row in rows if kind(row) == name]
        for number, folds in sorted({(row["rows"], row["folds"]) for row in of_kind}):
            some = [row for row in of_kind if (row["rows"], row["folds"]) == (number, folds)]
            lines.append(f"| {name} | {number:,} | {folds} | {len(some)} | {_cells(some)} |")
        lines.append(f"| {name} | all | | {len(of_kind)} | {_cells(of_kind)} |")
    return lines


def _cells(rows: list[Row]) -> str:
    means = [float(np.mean([gain(row, way) for row in rows])) for way in WAYS]
    errors = [float(np.std([gain(row, way) for row in rows]) / len(rows) ** 0.5) for way in WAYS]
    shown = [f"{mean:+.2f} ± {error:.2f}" for mean, error in zip(means, errors, strict=True)]
    return " | ".join(f"**{text}**" if mean == max(means) else text for text, mean in zip(shown, means, strict=True))


def measured(row: Row, way: str) -> tuple[float, float]:
    """Return the gain that was measured, as searches do, and its standard error."""
    gains, errors = np.transpose(row["measured"][way])
    return float(gains.mean()), float(np.sqrt((errors**2).mean() / 2))


def make_bars(rows: list[Row]) -> list[str]:
    """Return a line for each way and kind: the mean true gain where it is kept by what was measured, and how often."""
    lines = [f"| | | always | {' | '.join(f'{bar:+g}' for bar in BARS)} |", "|---|---|--:|" + "--:|" * len(BARS)]
    for way in ("greedy", "both"):
        for name in ("classifications", "regressions"):
            some = [row for row in rows if kind(row) == name]
            found = [(gain(row, way), *measured(row, way)) for row in some]
            cells = [f"{np.mean([one for one, _, _ in found]):+.2f}"]
            for bar in BARS:
                kept = [one if said > bar * error else 0.0 for one, said, error in found]
                share = np.mean([said > bar * error for _, said, error in found])
                cells.append(f"{np.mean(kept):+.2f} ({share:.0%})")
            lines.append(f"| {way} | {name} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Print the tables, and put them into README.md where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--readme", action="store_true")
    asked = parser.parse_args()
    rows = [json.loads(line) for file in sorted(HERE.glob("result*.jsonl")) for line in file.read_text().splitlines()]
    rows = [row for row in rows if row["unit"] > 0]
    report = "\n".join([*make_ways(rows), "", "Kept by its measured gain, in standard errors:", "", *make_bars(rows)])
    print(report)
    if asked.readme:
        begin, end, readme = "<!-- result -->", "<!-- end of result -->", HERE / "README.md"
        head, rest = readme.read_text().split(begin)
        readme.write_text(f"{head}{begin}\n\n{report}\n\n{end}{rest.split(end)[1]}")


if __name__ == "__main__":
    main()
