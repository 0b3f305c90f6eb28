"""The tables that both experiments read, and what their searches say about the statistics together."""

import importlib.util
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from autokeras_lite.search.trust import Trust

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
ROWS = (300, 600, 1000, 1500)
Row = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """All rows of a public data set, and the metrics that are asked of it."""

    name: str
    frame: pd.DataFrame
    target: str
    kind: str
    metrics: tuple[str, ...]


ASKED = (
    ("adult", "binary", ("roc_auc", "accuracy", "log_loss", "average_precision", "f1")),
    ("connect4", "multiclass", ("log_loss", "accuracy", "roc_auc", "balanced_accuracy", "f1")),
    ("california_housing", "regression", ("mae", "rmse", "r2")),
    ("diamonds", "regression", ("mae", "rmse")),
)


def read_tables() -> list[Table]:
    """Read the data sets beside the checkout; none where they are missing."""
    if not (SHARED / "load.py").exists():
        return []
    spec = importlib.util.spec_from_file_location("shared_data", SHARED / "load.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [_read_table(module.load(name), name, kind, metrics) for name, kind, metrics in ASKED]


def _read_table(loaded: dict[str, Any], name: str, kind: str, metrics: tuple[str, ...]) -> Table:
    target = loaded["meta"]["target"]
    frame = pd.concat([loaded["x_train"], loaded["x_test"]], ignore_index=True)
    labels = pd.concat([loaded["y_train"], loaded["y_test"]], ignore_index=True)
    return Table(name, frame.assign(**{target: labels.to_numpy()}), target, kind, metrics)


def judge(trust: Trust, truth: float) -> Row:
    """Return what a search said and what was true, in plain values."""
    kept = ("metric", "direction", "trials", "score", "corrected", "low", "high", "gain", "gain_error", "overtuned")
    row = {name: getattr(trust, name) for name in kept}
    return row | {"equals": len(trust.equals), "truth": truth, "held": bool(trust.low <= truth <= trust.high)}


def summarise(rows: Iterable[Row]) -> list[Row]:
    """Return coverage and bias for each metric and for all, holdouts and folds apart.

    A bias is the mean of score minus truth, more being better, in standard errors of the score (the width of the
    interval, divided by that of a normal one). What moved the score of an unselected model in the same direction
    (`control`) is chance and is taken out by regression, which makes the mean more precise and changes nothing on
    average.
    """
    frame = pd.DataFrame(rows)
    sign = np.where(frame["direction"] == "maximize", 1.0, -1.0)
    error = (frame["high"] - frame["low"]) / (2 * 1.645)
    true = frame["truth"]
    frame = frame.assign(
        raw=sign * (frame["score"] - true) / error,
        left=sign * (frame["corrected"] - true) / error,
        chance=sign * frame["control"] / error,
        covered=(frame["low"] <= true) & (true <= frame["high"]),
        truly_gained=sign * (true - frame["default_truth"].astype(float)) / error,
        said_gained=frame["gain"] / error,
        measured_gain=sign * (frame["score"] - frame["default_score"]) / error,
    )
    lines, parts = [], []
    for validation, group in frame.groupby("validation"):
        cleared = group.assign(**_without_chance(group))
        lines += [_line(str(validation), metric, part) for metric, part in cleared.groupby("metric")]
        lines.append(_line(str(validation), "all", cleared))
        parts.append(cleared)
    return [*lines, _line("all", "all", pd.concat(parts))] if len(parts) > 1 else lines


def _without_chance(group: pd.DataFrame) -> dict[str, Any]:
    chance = group["chance"].clip(-4, 4)
    slope = float(np.cov(group["raw"].clip(-4, 4), chance)[0, 1] / max(chance.var(), 1e-9)) if len(group) > 9 else 0.0
    return {name: group[name] - slope * chance for name in ("raw", "left")}


def _line(validation: str, metric: Any, part: pd.DataFrame) -> Row:
    """Several metrics of one draw of rows share their chance, so draws and not rows count for the standard error."""

    def mean(name: str, rows: pd.DataFrame = part) -> float | None:
        known = rows[name].dropna()
        return round(float(known.mean()), 3) if len(known) else None

    by_draw = part.groupby(["table", "seed"])["left"].mean()
    warned = part[part["overtuned"]]
    return {
        "validation": validation,
        "metric": str(metric),
        "searches": len(part),
        "coverage": mean("covered"),
        "bias": mean("raw"),
        "bias_corrected": mean("left"),
        "standard_error": round(float(by_draw.std() / len(by_draw) ** 0.5), 3) if len(by_draw) > 1 else None,
        "gain_measured": mean("measured_gain"),
        "gain_said": mean("said_gained"),
        "gain_true": mean("truly_gained"),
        "overtuned": mean("overtuned"),
        "gain_true_where_overtuned": mean("truly_gained", warned),
    }


def extend(out: Path, wanted: Sequence[Row], run: Callable[[Row], Iterable[Row]], title: Row) -> None:
    """Run what is wanted and not in the file yet, writing after each search; `title` names the method too."""
    known: Row = json.loads(out.read_text()) if out.exists() else {"rows": [], **title}
    if any(known.get(key) != value for key, value in title.items()):
        raise SystemExit(f"{out} was made by another method than {title}. Delete it, or choose another --out.")
    rows: list[Row] = known["rows"]
    for place in wanted:
        if any(all(row[key] == value for key, value in place.items()) for row in rows):
            continue
        rows += [{**place, **row} for row in run(place)]
        write(out, rows, title)
        print(place, f"{rows[-1]['metric']}: {rows[-1]['corrected']:.4g} true {rows[-1]['truth']:.4g}", flush=True)
    for line in write(out, rows, title):
        print(json.dumps(line))


def write(out: Path, rows: list[Row], title: Row) -> list[Row]:
    """Write the rows with their summary, and return that."""
    lines = [] if not rows else [{"truth": "model", **line} for line in summarise(rows)]
    alone = [{**row, **row["alone"]} for row in rows if row.get("alone")]
    lines += [{"truth": "measured networks", **line} for line in summarise(alone)] if alone else []
    text = ",\n".join(f"  {json.dumps(row)}" for row in rows)
    head = json.dumps(title | {"summary": lines}, indent=1)[:-2]
    neighbour = out.with_suffix(".tmp")
    neighbour.write_text(f'{head},\n "rows": [\n{text}\n ]\n}}\n')
    neighbour.replace(out)
    return lines
