"""Print what `run_policies.py` measured as Markdown: a table for each time limit.

    python experiments/009_reach/summarise_policies.py [result_policies.json] [--readme]

With `--readme` it replaces what stands between the marks of the policies in README.md. The mean over seeds counts.
"""

import argparse
import json
from pathlib import Path
from statistics import fmean
from typing import Any

from scoring import SIGNS
from summarise import ORDER, show

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- policies -->", "<!-- end of policies -->"
Row = dict[str, Any]


def mean_ranks(scores: dict[str, dict[str, float]], metrics: dict[str, str]) -> dict[str, float]:
    """Return the mean rank of each policy, 1 being the best, over the tables that all of them were run on."""
    tables = [name for name in metrics if all(name in found for found in scores.values())]
    ranks: dict[str, list[int]] = {policy: [] for policy in scores}
    for table in tables:
        ordered = sorted(scores, key=lambda policy: -SIGNS[metrics[table]] * scores[policy][table])
        for rank, policy in enumerate(ordered, start=1):
            ranks[policy].append(rank)
    return {policy: fmean(found) for policy, found in ranks.items() if found}


def make_table(rows: list[Row]) -> list[str]:
    """Return the lines of the table of one time limit: a row for each policy, the best of each column in bold."""
    metrics = {name: row["metric"] for name in ORDER for row in rows if row["table"] == name}
    scores = {
        policy: {
            table: fmean(found)
            for table in metrics
            if (found := [row["score"] for row in rows if (row["policy"], row["table"]) == (policy, table)])
        }
        for policy in dict.fromkeys(row["policy"] for row in rows)
    }
    ranks = mean_ranks(scores, metrics)
    best = {
        table: max(SIGNS[metric] * found[table] for found in scores.values() if table in found)
        for table, metric in metrics.items()
    }

    def cell(table: str, found: dict[str, float]) -> str:
        if table not in found:
            return ""
        text = show(metrics[table], found[table])
        return f"**{text}**" if SIGNS[metrics[table]] * found[table] == best[table] else text

    heads = [f"{table}, {metric}" for table, metric in metrics.items()]
    lines = [f"| policy | {' | '.join(heads)} | mean rank |", "|---|" + "--:|" * (len(heads) + 1)]
    for policy, found in scores.items():
        rank = f"{ranks[policy]:.2f}" if policy in ranks else ""
        lines.append(f"| {policy} | {' | '.join(cell(table, found) for table in metrics)} | {rank} |")
    return lines


def make_report(rows: list[Row]) -> str:
    """Return the tables of all time limits."""
    parts = []
    for seconds in sorted({row["seconds"] for row in rows}):
        some = [row for row in rows if row["seconds"] == seconds]
        seeds = len({row["seed"] for row in some})
        parts += [f"### {seconds / 60:g} min, {seeds} {'seed' if seeds == 1 else 'seeds'}", "", *make_table(some), ""]
    return "\n".join(parts)


def main() -> None:
    """Print the tables, and put them into README.md where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("result", nargs="?", type=Path, default=HERE / "result_policies.json")
    parser.add_argument("--readme", action="store_true")
    asked = parser.parse_args()
    report = make_report(json.loads(asked.result.read_text()))
    print(report)
    if asked.readme:
        readme = HERE / "README.md"
        head, rest = readme.read_text().split(BEGIN)
        readme.write_text(f"{head}{BEGIN}\n\n{report}\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
