"""Print what the experiments of this folder measured as Markdown.

    python experiments/006_trust/summarise.py [--readme]

With `--readme` it replaces what stands between the marks in README.md.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

HERE = Path(__file__).resolve().parent
VALIDATIONS = {"1": "holdout", "5": "5 folds", "all": "both"}
COLUMNS = {
    "coverage": "coverage", "bias": "bias", "bias_corrected": "corrected", "standard_error": "±",
    "gain_measured": "gain measured", "gain_said": "said", "gain_true": "true", "overtuned": "warned",
    "gain_true_where_overtuned": "true gain where warned",
}  # fmt: skip
COUNTS = ("1", "2", "4", "8", "16", "32", "64")
KINDS = {"classifications": ("adult", "connect4"), "regressions": ("california_housing", "diamonds")}
Row = dict[str, Any]


def honesty_table(lines: Sequence[Row], *, with_metrics: bool) -> str:
    """Return the table of coverage and bias; without the single metrics where searches are few."""
    heads = ["truth", "validation", "metric", "searches", *COLUMNS.values()]
    table = [f"| {' | '.join(heads)} |", "|---|---|---|" + "--:|" * (len(heads) - 3)]
    for line in lines:
        if not with_metrics and line["metric"] != "all":
            continue
        cells = [line["truth"], VALIDATIONS[line["validation"]], line["metric"], str(line["searches"])]
        cells += [_show(name, line[name]) for name in COLUMNS]
        table.append(f"| {' | '.join(cells)} |")
    return "\n".join(table)


def _show(name: str, value: float | None) -> str:
    if value is None:
        return ""
    if name in ("coverage", "overtuned"):
        return f"{value:.1%}" if name == "coverage" else f"{value:.0%}"
    return f"{value:.2f}" if name == "standard_error" else f"{value:+.2f}"


def gain_table(rows: Sequence[Row]) -> str:
    """Return the mean gain over the default by what was asked, how many rows there were, and how epochs were kept."""
    table = [f"| tables | rows | epochs | draws | {' | '.join(COUNTS)} |", "|---|--:|---|--:|" + "--:|" * len(COUNTS)]
    ways = [name for name in rows[0] if isinstance(rows[0][name], dict)]
    for kind, names in KINDS.items():
        for number in sorted({row["rows"] for row in rows}):
            some = [row for row in rows if row["table"] in names and row["rows"] == number]
            for way in ways if some else ():
                cells = [f"{fmean(row[way][count] for row in some):+.2f}" for count in COUNTS]
                table.append(f"| {kind} | {number:,} | {way} | {len(some)} | {' | '.join(cells)} |")
    return "\n".join(table)


def main() -> None:
    """Print the tables, and put them into README.md where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--readme", action="store_true")
    asked = parser.parse_args()
    found = {name: json.loads((HERE / f"result{name}.json").read_text()) for name in ("_simulated", "", "_how_many")}
    tables = {
        "simulated": honesty_table(found["_simulated"]["summary"], with_metrics=True),
        "real": honesty_table(found[""]["summary"], with_metrics=False),
        "how many": gain_table(found["_how_many"]["rows"]),
    }
    text = (HERE / "README.md").read_text()
    for name, table in tables.items():
        print(f"{table}\n")
        before, rest = text.split(f"<!-- {name} -->")
        _, after = rest.split(f"<!-- end of {name} -->")
        text = f"{before}<!-- {name} -->\n\n{table}\n\n<!-- end of {name} -->{after}"
    if asked.readme:
        (HERE / "README.md").write_text(text)


if __name__ == "__main__":
    main()
