"""Print the tables of a result as Markdown: medians over seeds, what they cost, and the bars.

    python experiments/009_reach/summarise.py [result.json] [--readme]

With `--readme` they replace what stands between the marks of the result in README.md.
"""

import argparse
import json
import math
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from scoring import SIGNS

HERE = Path(__file__).resolve().parent
ORDER = ("adult", "california_housing", "diamonds", "connect4", "credit_g", "kddcup99_10pct")
BARS = {  # by seconds
    120.0: {"adult": 0.922, "california_housing": 47_000.0, "diamonds": 545.0, "connect4": 0.35, "credit_g": 0.78},
    600.0: {"adult": 0.925, "california_housing": 45_500.0, "connect4": 0.32},
}
OURS, FOREST, FOREST_TABLE = "autokeras_lite", "random_forest", "kddcup99_10pct"
BOOSTING = ("hist_gradient_boosting", "hist_gradient_boosting_tuned")
SEARCHES = ("keras_tuner", "optuna_fit")
WITHIN, MOST_GIGABYTES, AT_LEAST = 0.02, 4.0, 4
Row = dict[str, Any]


class Results:
    """Rows of one time limit, by table and system."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = [row for row in rows if "score" in row]
        self.failed = [(row["system"], row["table"]) for row in rows if "score" not in row]
        self.tables = [name for name in ORDER if any(row["table"] == name for row in self.rows)]
        self.systems = list(dict.fromkeys(row["system"] for row in self.rows))
        self.metrics = {row["table"]: row["metric"] for row in self.rows}

    def of(self, system: str, table: str) -> list[Row]:
        """Return the rows of all seeds."""
        return [row for row in self.rows if (row["system"], row["table"]) == (system, table)]

    def score(self, system: str, table: str) -> float | None:
        """Return the median over the seeds; failed ones count as the worst, `None` where that is the median."""
        scores = [row["score"] for row in self.of(system, table)]
        failed = self.failed.count((system, table))
        if not failed or not scores:
            return median(scores) if scores else None
        middle = (len(scores) + failed) // 2
        best_first = sorted(scores, key=lambda score: -SIGNS[self.metrics[table]] * score)
        return best_first[middle] if middle < len(scores) else None

    def gain(self, table: str, first: str, second: str | float) -> float | None:
        """Return by how much the first system is better than the second, or than a bar; infinite where one failed.

        It is `None` where one of them was not run.
        """
        names = [first, second] if isinstance(second, str) else [first]
        if not all(self.of(name, table) or (name, table) in self.failed for name in names):
            return None
        ours, theirs = self.score(first, table), self.score(second, table) if isinstance(second, str) else second
        if ours is None or theirs is None:
            return -math.inf if ours is None else math.inf
        return SIGNS[self.metrics[table]] * (ours - theirs)


def show(metric: str, value: float) -> str:
    """Return a score as text."""
    return f"{value:,.0f}" if metric == "rmse" else f"{value:.4f}"


def make_table(results: Results, cell: Callable[[str, str], str]) -> list[str]:
    """Return the lines of a table with a row for each table and a column for each system."""
    lines = [f"| table | metric | {' | '.join(results.systems)} |", "|---|---|" + "--:|" * len(results.systems)]
    for table in results.tables:
        cells = " | ".join(cell(system, table) if results.of(system, table) else "" for system in results.systems)
        lines.append(f"| {table} | {results.metrics[table]} | {cells} |")
    return lines


def show_score(results: Results, system: str, table: str) -> str:
    """Return the median, bold where it is the best, with the number of seeds where they are not three."""
    metric, own = results.metrics[table], results.score(system, table)
    if own is None:
        return "failed"
    scores = [value for name in results.systems if (value := results.score(name, table)) is not None]
    best = max(SIGNS[metric] * value for value in scores)
    text, seeds = show(metric, own), len(results.of(system, table))
    text = f"**{text}**" if SIGNS[metric] * own == best else text
    return text if seeds == 3 else f"{text} (of {seeds})"


def show_cost(results: Results, system: str, table: str) -> str:
    """Return the longest time and the largest memory."""
    rows = results.of(system, table)
    return f"{max(row['fit_seconds'] for row in rows):.0f} s, {max(row['peak_gb']['pss'] for row in rows):.1f} GB"


def make_bars(results: Results, seconds: float) -> list[str]:
    """Return a line for each bar that the rows can be held against."""
    lines = []
    for table, bar in BARS.get(seconds, {}).items():
        if table in results.tables and (gain := results.gain(table, OURS, bar)) is not None:
            metric = results.metrics[table]
            lines.append(f"| {table}: {metric} {show(metric, bar)} | {judge(metric, gain)} |")
    lines += _forest(results)
    for other in (*SEARCHES, *BOOSTING):
        gains = {table: gain for table in results.tables if (gain := results.gain(table, OURS, other)) is not None}
        if gains and seconds == min(BARS):
            lines.append(_count(results, other, gains))
    return ["| bar | reached |", "|---|---|", *lines] if lines else []


def judge(metric: str, gain: float) -> str:
    """Say whether a bar is reached, and with how much to spare or missing."""
    if gain == -math.inf:
        return "no, failed"
    return f"yes, by {show(metric, gain)}" if gain >= 0 else f"no, {show(metric, -gain)} missing"


def _forest(results: Results) -> list[str]:
    gain = results.gain(FOREST_TABLE, OURS, FOREST) if FOREST_TABLE in results.tables else None
    if gain is None:
        return []
    taken = max((row["peak_gb"]["pss"] for row in results.of(OURS, FOREST_TABLE)), default=math.nan)
    reached = "yes" if taken < MOST_GIGABYTES else "no"
    return [
        f"| {FOREST_TABLE}: within {WITHIN} of the random forest | {judge('balanced_accuracy', gain + WITHIN)} |",
        f"| {FOREST_TABLE}: under {MOST_GIGABYTES:.0f} GB | {reached}: {taken:.1f} GB |",
    ]


def _count(results: Results, other: str, gains: dict[str, float]) -> str:
    is_strict = other in SEARCHES
    won = [table for table, gain in gains.items() if gain > 0 or (gain == 0 and not is_strict)]
    enough = len(won) >= (len(ORDER) if is_strict else AT_LEAST)
    missing = [f"{table} by {show(results.metrics[table], -gain)}" for table, gain in gains.items() if table not in won]
    bar = (
        f"better than {other} on all {len(ORDER)}"
        if is_strict
        else f"not worse than {other} on {AT_LEAST} of {len(ORDER)}"
    )
    behind = f"; behind on {', '.join(missing)}" if missing else ""
    return f"| {bar} | {'yes' if enough else 'no'}: {len(won)} of {len(gains)}{behind} |"


def make_report(rows: list[Row]) -> str:
    """Return all tables, for each time limit of the rows."""
    parts = []
    for seconds in sorted({row["seconds"] for row in rows}):
        of_limit = [row for row in rows if row["seconds"] == seconds]
        results = Results(of_limit)
        parts += [f"### {seconds:g} seconds", "", "Median over the seeds on the official test rows (bold: the best)."]
        parts += ["", *make_table(results, lambda system, table, r=results: show_score(r, system, table)), ""]
        parts += ["The longest search and the most memory of all seeds.", ""]
        parts += [*make_table(results, lambda system, table, r=results: show_cost(r, system, table)), ""]
        parts += [*make_bars(results, seconds), ""]
        failed = [f"{row['system']} on {row['table']}, seed {row['seed']}" for row in of_limit if "score" not in row]
        parts += [f"Failed: {'; '.join(failed)}.", ""] if failed else []
        loads = [row["load_average"][0] for row in of_limit]
        parts += [f"Load average before a run: median {median(loads):.1f}, at most {max(loads):.1f}.", ""]
    return "\n".join(parts)


def main() -> None:
    """Print the tables, and put them into README.md where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", nargs="*", type=Path, default=[HERE / "result.json"])
    parser.add_argument("--readme", action="store_true")
    asked = parser.parse_args()
    report = make_report([row for file in asked.results for row in json.loads(file.read_text())["rows"]])
    print(report)
    if asked.readme:
        begin, end, readme = "<!-- result -->", "<!-- end of result -->", HERE / "README.md"
        head, rest = readme.read_text().split(begin)
        readme.write_text(f"{head}{begin}\n\n{report}\n{end}{rest.split(end)[1]}")


if __name__ == "__main__":
    main()
