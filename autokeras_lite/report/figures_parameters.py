"""Pictures of what mattered: hyperparameters beside the score, their importance, and that of the columns."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from autokeras_lite.report.axis_filters import levels_filter, parameter_filter, score_filter
from autokeras_lite.report.facts import Facts, TrialFacts
from autokeras_lite.report.figure import (
    BLUE,
    GREY,
    MOST_POINTS,
    PALETTE,
    SCALE,
    Drawing,
    cut_name,
    cut_text,
    finite,
    panel,
    plain_text,
    space_colors,
    spread,
    unmarked_text,
)
from autokeras_lite.report.figures_history import score_range
from autokeras_lite.report.parameter_axes import ParameterAxis, parameter_axes
from autokeras_lite.report.wording import count, show_number

_MOST_AXES = 6
_MOST_PANELS = 6
_MOST_BARS = 15
_MOST_BARS_OF_A_SPACE = 8
_JITTER = 0.3
_GOLDEN = (math.sqrt(5) - 1) / 2  # its multiples are spread evenly, whatever the numbers of the trials


# --- hyperparameters beside the score --------------------------------------------------------------------------------


def draw_parallel(facts: Facts) -> Drawing | None:
    """Draw each trial as a line through its hyperparameters to its score."""
    trials = _comparable(facts, MOST_POINTS // (_MOST_AXES + 2))
    axes = parameter_axes(facts, trials, _MOST_AXES)
    if len(trials) < 2 or not axes:
        return None
    spaces = sorted({trial.spec.space for trial in trials})
    scores = finite(trial.score for trial in trials)
    dimensions, filters = [_dimension(axis) for axis in axes], [parameter_filter(axis) for axis in axes]
    if len(spaces) > 1:
        ticks = {"tickvals": list(range(len(spaces))), "ticktext": [unmarked_text(name, 18) for name in spaces]}
        codes = [spaces.index(trial.spec.space) for trial in trials]
        dimensions.insert(0, {"label": "space", "values": codes, **ticks})
        filters.insert(0, levels_filter("space", spaces))
    metric = plain_text(facts.task.metric, 24)
    dimensions.append({"label": metric, "values": scores})
    known = [score for score in scores if score is not None]
    filters.append(score_filter(facts.task.metric, known, is_maximized=facts.task.direction == "maximize"))
    left_out = len(facts.ranked) - len(trials)
    names = ", ".join(cut_text(axis.name, 60) for axis in axes)
    told = f"{count(len(trials), 'trial')} as lines through {names} and the score."
    told += f" Left out: {count(left_out, 'trial')}, far worse or too many to show." if left_out else ""
    layout = {"height": 460, "margin": {"l": _left(dimensions[0]), "r": 60, "t": 90, "b": 30}}
    return Drawing([_lines(facts, trials, dimensions)], told, layout, filters)


def _lines(facts: Facts, trials: Sequence[TrialFacts], dimensions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "type": "parcoords",
        "dimensions": list(dimensions),
        "customdata": [trial.number for trial in trials],
        "line": {
            "color": finite(trial.score for trial in trials),
            "colorscale": [list(stop) for stop in SCALE],
            "reversescale": facts.task.direction == "minimize",
            "showscale": False,  # the last axis is the scale
        },
        "labelangle": -20,
        "labelside": "top",
    }


def _left(dimension: Mapping[str, Any]) -> int:
    """Return how much room the texts of the first axis need, in pixels."""
    return 30 + 7 * max((len(text) for text in dimension.get("ticktext", ())), default=6)


def _comparable(facts: Facts, most: int) -> list[TrialFacts]:
    """Return trials, the worst first, without those whose score is so bad that the others could not be told apart."""
    low, high = score_range(facts).get("range", (-math.inf, math.inf)) if facts.ranked else (0.0, 0.0)
    near = [trial for trial in facts.ranked if trial.score is not None and low <= trial.score <= high]
    return [near[place] for place in reversed(spread(len(near), most))]


def _dimension(axis: ParameterAxis) -> dict[str, Any]:
    ticks = {"tickvals": list(axis.tick_places), "ticktext": [unmarked_text(text) for text in axis.tick_texts]}
    return {"label": plain_text(cut_name(axis.name, 22)), "values": list(axis.places), **ticks}


def draw_slices(facts: Facts) -> Drawing | None:
    """Draw the score of every trial against each hyperparameter, a panel for each."""
    trials = _comparable(facts, MOST_POINTS // _MOST_PANELS)
    axes = parameter_axes(facts, trials, _MOST_PANELS)
    if len(trials) < 2 or not axes:
        return None
    traces, layout, columns = [], dict[str, Any](), 2
    colors = space_colors(facts)
    spaces = [name for name in colors if any(trial.spec.space == name for trial in trials)]
    for place, axis in enumerate(axes):
        at = panel(place, len(axes), columns, gap=(0.06, 0.13))
        traces += [{**_slice(trials, axis, at, name, colors[name]), "showlegend": place == 0} for name in spaces]
        layout[at["xaxis"]] = {
            "domain": at["x_domain"],
            "anchor": at["y"],
            "title": {"text": plain_text(cut_name(axis.name, 30))},
            "tickvals": list(axis.tick_places),
            "ticktext": [plain_text(text) for text in axis.tick_texts],
            "zeroline": False,
            "tickangle": 0,
            **({"range": [-0.7, len(axis.tick_places) - 0.3]} if axis.is_category else {}),
        }
        is_left = place % columns == 0
        layout[at["yaxis"]] = {
            "domain": at["y_domain"],
            "anchor": at["x"],
            "showticklabels": is_left,
            "title": {"text": plain_text(facts.task.metric, 24) if is_left else ""},
            **({} if place == 0 else {"matches": "y"}),
        }
    layout["height"] = 110 + 230 * math.ceil(len(axes) / columns)
    layout["showlegend"] = len(spaces) > 1
    names = ", ".join(cut_text(axis.name, 60) for axis in axes)
    return Drawing(traces, f"The score of {count(len(trials), 'trial')} against each of {names}.", layout)


def _slice(
    trials: Sequence[TrialFacts], axis: ParameterAxis, at: Mapping[str, Any], space: str, color: str
) -> dict[str, Any]:
    shown = [place for place, trial in enumerate(trials) if trial.spec.space == space]
    move = _JITTER if axis.is_category else 0.0
    x = [axis.places[place] + move * (trials[place].number * _GOLDEN % 1.0 - 0.5) for place in shown]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": plain_text(space),
        "legendgroup": plain_text(space),
        "xaxis": at["x"],
        "yaxis": at["y"],
        "x": x,
        "y": finite(trials[place].score for place in shown),
        "marker": {"size": 6, "opacity": 0.8, "color": color},
        "customdata": [trials[place].number for place in shown],
        "hovertemplate": "trial %{customdata}: %{y:.5g}<extra></extra>",
    }


# --- importance ------------------------------------------------------------------------------------------------------


def draw_importance(facts: Facts) -> Drawing | None:
    """Draw how much each hyperparameter decided whether a trial was among the best, for each space."""
    records = [record for record in facts.importance[0] if _is_number(record.get("importance"))]
    spaces = list(dict.fromkeys(str(record["space"]) for record in records))[: len(PALETTE)]
    shown = [record for name in spaces for record in _of_space(records, name)]
    if not shown:
        return None
    traces, colors = [], space_colors(facts)
    for name in spaces:
        mine = [(place, record) for place, record in enumerate(shown) if record["space"] == name]
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": plain_text(name),
                "y": [place for place, _ in mine],
                "x": [float(record["importance"]) for _, record in mine],
                "marker": {"color": colors.get(name, GREY)},
                "customdata": [record.get("trials") for _, record in mine],
                "hovertemplate": "%{x:.0%} of the importance, used in %{customdata} trials<extra></extra>",
            }
        )
    names = [plain_text(cut_name(str(record["parameter"]), 28)) for record in shown]
    layout = {
        **_bar_layout(names, "share of the importance"),
        "barmode": "overlay",
        "showlegend": len(spaces) > 1,
    }
    layout["xaxis"] = {**layout["xaxis"], "tickformat": ".0%"}
    first = max(shown, key=lambda record: float(record["importance"]))
    told = f"{cut_text(first['parameter'])} mattered most, with {float(first['importance']):.0%} of the importance."
    return Drawing(traces, told, layout)


def _of_space(records: Sequence[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    mine = [record for record in records if record["space"] == name]
    return sorted(mine, key=lambda record: -float(record["importance"]))[:_MOST_BARS_OF_A_SPACE]


def draw_columns(facts: Facts) -> Drawing | None:
    """Draw by how much the score drops when a column is shuffled, with an interval."""
    told = (facts.explanation or {}).get("columns", ())
    records = [record for record in told if _is_number(record.get("importance"))]
    shown = sorted(records, key=lambda record: -float(record["importance"]))[:_MOST_BARS]
    if not shown:
        return None
    values = [float(record["importance"]) for record in shown]
    trace = {
        "type": "bar",
        "orientation": "h",
        "y": list(range(len(shown))),
        "x": values,
        "marker": {"color": BLUE},
        "error_x": {
            "type": "data",
            "array": [_distance(record.get("high"), value) for record, value in zip(shown, values, strict=True)],
            "arrayminus": [_distance(record.get("low"), value) for record, value in zip(shown, values, strict=True)],
            "color": "#808488",
            "thickness": 1.5,
        },
        "hovertemplate": "%{x:.4g}<extra></extra>",
    }
    names = [plain_text(record["column"], 28) for record in shown]
    better = "drop" if facts.task.direction == "maximize" else "rise"
    layout = _bar_layout(names, f"{better} of {plain_text(facts.task.metric)}")
    more = f", of {len(records)} columns" if len(records) > len(shown) else ""
    first = f"Shuffling {cut_text(shown[0]['column'])} costs most: {show_number(values[0])}{more}."
    return Drawing([trace], first, {**layout, "showlegend": False})


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _distance(end: object, value: float) -> float:
    return abs(float(end) - value) if isinstance(end, int | float) and math.isfinite(end) else 0.0


def _bar_layout(names: Sequence[str], title: str) -> dict[str, Any]:
    """Name bars by their place, since two names may look the same once they are cut."""
    return {
        "height": 130 + 26 * len(names),
        "xaxis": {"title": {"text": title}},
        "yaxis": {
            "tickvals": list(range(len(names))),
            "ticktext": list(names),
            "range": [len(names) - 0.5, -0.5],
            "showgrid": False,
        },
    }
