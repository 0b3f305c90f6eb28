"""Pictures of how trials went: scores in the order of the trials, and learning curves of the best."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autokeras_lite.report.facts import Facts, TrialFacts
from autokeras_lite.report.figure import (
    AMBER,
    BLUE,
    DASHES,
    GREY,
    MOST_POINTS,
    ORANGE,
    PALETTE,
    Drawing,
    finite,
    panel,
    plain_text,
    spread,
)
from autokeras_lite.report.wording import count, show_number
from autokeras_lite.trial import TrialStatus

_MOST_CURVES = 5
_MOST_SERIES = 3  # training loss, validation loss, score
_FAR = 3.0  # beyond so many times the distance from the best to the three best quarters, scores squeeze the rest
_WIDE = 100.0
_FEW, _TRIAL = 8, "trial"
_CLOSE = 0.08  # of the height: names of lines that are nearer would stand on each other
_SIDES = ({"x": 1, "xanchor": "right"}, {"x": 0, "xanchor": "left"}, {"x": 0.5, "xanchor": "center"})
_MINUTES_FROM = 180.0
_LETTERS_ON_BUTTONS, _BUTTONS = "#1d2126", "#dfe4ea"  # plotly's own colour of a pressed button is light in every theme


# --- history ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _View:
    """Trials along one axis: their numbers, or the time at which they ended."""

    title: str
    trials: Sequence[TrialFacts]
    places: Sequence[float]


def draw_history(facts: Facts) -> Drawing | None:
    """Draw the score of every trial and the best so far, over trials and over time."""
    views = _views(facts)
    if not views:
        return None
    traces = [
        {**trace, "visible": place == 0} for place, view in enumerate(views) for trace in _view_traces(facts, view)
    ]
    per_view = len(traces) // len(views)
    lines, notes = _baseline_lines(facts)
    layout = {
        "height": 440,
        "xaxis": {"title": {"text": views[0].title}, "dtick": _tick(views[0])},
        "yaxis": {"title": {"text": f"{plain_text(facts.task.metric)} (validation)"}, **score_range(facts)},
        "shapes": lines,
        "annotations": notes,
        "updatemenus": _buttons(views, per_view) if len(views) > 1 else [],
        "legend": {"y": -0.2, "yanchor": "top"},  # it may need two lines, and the buttons stand above
        "margin": {"t": 48 if len(views) > 1 else 24, "b": 90},
    }
    return Drawing(traces, _tell_history(facts), layout)


def _views(facts: Facts) -> list[_View]:
    trials = sorted(facts.ranked, key=lambda trial: trial.number)
    if not trials:
        return []
    timed = sorted((trial for trial in trials if trial.ended is not None), key=lambda trial: trial.ended or 0.0)
    views = [_View(_TRIAL, trials, [trial.number for trial in trials])]
    if timed:
        seconds = [trial.ended or 0.0 for trial in timed]
        unit, divisor = time_unit(max(seconds))
        views.append(_View(f"{unit} since the search began", timed, [value / divisor for value in seconds]))
    return views


def time_unit(most_seconds: float) -> tuple[str, float]:
    """Return the unit to show times up to so many seconds in, and how many seconds it has.

    Example:
        >>> time_unit(45.0), time_unit(900.0)
        (('seconds', 1.0), ('minutes', 60.0))
    """
    if most_seconds < _MINUTES_FROM:
        return "seconds", 1.0
    return ("minutes", 60.0) if most_seconds < 60 * _MINUTES_FROM else ("hours", 3600.0)


def _view_traces(facts: Facts, view: _View) -> list[dict[str, Any]]:
    leaders = _leaders(facts, view.trials)
    kept = spread(len(view.trials), MOST_POINTS // 4)
    completed = [place for place in kept if view.trials[place].outcome.status is TrialStatus.COMPLETED]
    others = [place for place in kept if view.trials[place].outcome.status is not TrialStatus.COMPLETED]
    steps = leaders if leaders[-1] == len(view.trials) - 1 else [*leaders, len(view.trials) - 1]
    best = [view.trials[max(place for place in leaders if place <= step)].score for step in steps]
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "best so far",
            "x": [view.places[place] for place in steps],
            "y": finite(best),
            "line": {"shape": "hv", "color": ORANGE, "width": 2},
            "hovertemplate": "best so far %{y:.5g}<extra></extra>",
        },
        _dots("completed", view, completed, {"color": BLUE, "size": 8, "symbol": "circle", "opacity": 0.8}),
        _dots("stopped early", view, others, {"color": GREY, "size": 7, "symbol": "diamond-open", "opacity": 0.9}),
    ]


def _leaders(facts: Facts, trials: Sequence[TrialFacts]) -> list[int]:
    """Return the places of the trials that led when they ended."""
    leaders = [0]
    for place, trial in enumerate(trials):
        if facts.task.is_better(trial.score or 0.0, than=trials[leaders[-1]].score or 0.0):
            leaders.append(place)
    return leaders


def _dots(name: str, view: _View, places: Sequence[int], marker: Mapping[str, Any]) -> dict[str, Any]:
    trials = [view.trials[place] for place in places]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [view.places[place] for place in places],
        "y": finite(trial.score for trial in trials),
        "marker": marker,
        "customdata": [[trial.number, plain_text(trial.spec.space), trial.outcome.epochs] for trial in trials],
        "hovertemplate": "trial %{customdata[0]}: %{y:.5g}<br>%{customdata[1]}, %{customdata[2]} epochs<extra></extra>",
    }


def score_range(facts: Facts) -> dict[str, Any]:
    """Leave out of the picture what is so bad that nothing else could be told apart."""
    scores = [trial.score or 0.0 for trial in facts.ranked]
    best, worst = scores[0], scores[-1]
    usual = abs(best - scores[math.ceil(0.75 * len(scores)) - 1])
    if not usual or abs(best - worst) <= _FAR * usual:
        return {}
    kept = [score for score in scores if abs(best - score) <= _FAR * usual]
    margin = 0.06 * (abs(best - kept[-1]) or usual)
    return {"range": [min(kept) - margin, max(kept) + margin]}


def _baseline_lines(facts: Facts) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return a line with a name for each baseline that is near enough to the trials to be seen with them."""
    scores = [trial.score or 0.0 for trial in facts.ranked]
    low, high = sorted(score_range(facts).get("range", (min(scores), max(scores))))
    room = 0.5 * (high - low) or abs(high) * 0.1
    known = {name: score for name, score in facts.summary.baselines.items() if score is not None}
    near = {name: score for name, score in known.items() if low - room <= score <= high + room}
    lines, notes, before, side = [], [], -math.inf, 0
    for name, score in sorted(near.items(), key=lambda item: item[1]):
        side = (side + 1) % len(_SIDES) if score - before < _CLOSE * (high - low) else 0
        before = score
        ends = {"xref": "paper", "x0": 0, "x1": 1, "y0": score, "y1": score}
        lines.append({"type": "line", **ends, "line": {"color": AMBER, "width": 1.5, "dash": "dot"}})
        place = {"xref": "paper", **_SIDES[side], "y": score, "yanchor": "bottom", "showarrow": False}
        notes.append({"text": plain_text(name.replace("_", " ")), **place, "font": {"size": 12}})
    return lines, notes


def _buttons(views: Sequence[_View], per_view: int) -> list[dict[str, Any]]:
    buttons = [
        {
            "label": f"over {'trials' if place == 0 else 'time'}",
            "method": "update",
            "args": [
                {"visible": [other == place for other in range(len(views)) for _ in range(per_view)]},
                {"xaxis.title.text": view.title, "xaxis.autorange": True, "xaxis.dtick": _tick(view)},
            ],
        }
        for place, view in enumerate(views)
    ]
    look = {"bgcolor": _BUTTONS, "font": {"color": _LETTERS_ON_BUTTONS}, "borderwidth": 1, "bordercolor": GREY}
    place = {"type": "buttons", "direction": "right", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"}
    return [{**place, **look, "showactive": True, "active": 0, "buttons": buttons}]


def _tick(view: _View) -> int | None:
    """Return the distance of marks where it must be whole: there is no trial 1.5."""
    return 1 if view.title == _TRIAL and len(view.trials) <= _FEW else None


def _tell_history(facts: Facts) -> str:
    first, best = min(facts.ranked, key=lambda trial: trial.number), facts.ranked[0]
    told = f"{count(len(facts.ranked), 'trial')} came to a score. "
    if first.number == best.number:
        return f"{told}Trial {best.number} was the best from the start with {show_number(best.score)}."
    return (
        f"{told}The best score went from {show_number(first.score)} (trial {first.number}) to "
        f"{show_number(best.score)} (trial {best.number})."
    )


# --- learning curves -------------------------------------------------------------------------------------------------


def draw_curves(facts: Facts) -> Drawing | None:
    """Draw loss and score after each epoch of the best trials: training dashed, validation solid."""
    shown = [trial for trial in facts.ranked if trial.outcome.curve.score or trial.outcome.curve.validation_loss]
    shown = shown[:_MOST_CURVES]
    if not shown:
        return None
    upper, lower = panel(0, 2, 1), panel(1, 2, 1)
    traces = [trace for place, trial in enumerate(shown) for trace in _curves_of(trial, place)]
    losses = [value for trace in traces if trace["yaxis"] == "y" for value in trace["y"] if value is not None]
    is_wide = bool(losses) and min(losses) > 0 and max(losses) > _WIDE * min(losses)
    layout = {
        "height": 600,
        "xaxis": {"domain": upper["x_domain"], "anchor": "y", "matches": "x2", "showticklabels": False},
        "yaxis": {
            "domain": upper["y_domain"],
            "title": {"text": "loss" + (" (log)" if is_wide else "")},
            "type": "log" if is_wide else "linear",
            "dtick": 1 if is_wide else None,
        },
        "xaxis2": {"domain": lower["x_domain"], "anchor": "y2", "title": {"text": "epoch"}},
        "yaxis2": {"domain": lower["y_domain"], "title": {"text": plain_text(facts.task.metric)}},
        "margin": {"t": 64},
    }
    return Drawing(traces, _tell_curves(shown), layout)


def _curves_of(trial: TrialFacts, place: int) -> list[dict[str, Any]]:
    curve, color = trial.outcome.curve, PALETTE[place % len(PALETTE)]
    width = 3 if place == 0 else 1.5
    series = (
        ("training loss", curve.loss, "", "dot", False),
        ("validation loss", curve.validation_loss, "", "solid", True),
        ("validation score", curve.score, "2", "solid", not curve.validation_loss),
    )
    return [
        {
            **_line(values, axis),
            "type": "scatter",
            "mode": "lines+markers",
            "name": f"trial {trial.number}",
            "legendgroup": f"trial {trial.number}",
            "showlegend": is_named,
            "line": {"color": color, "dash": DASHES[2] if dash == "dot" else DASHES[0], "width": width},
            "marker": {"color": color, **_best_epoch_marker(trial, values, dash == "solid")},
            "hovertemplate": f"trial {trial.number}, {what} %{{y:.5g}}, epoch %{{x}}<extra></extra>",
        }
        for what, values, axis, dash, is_named in series
        if values
    ]


def _line(values: Sequence[float], axis: str) -> dict[str, Any]:
    kept = _epochs_shown(len(values))
    y = finite(values[epoch] for epoch in kept)
    return {"x": [epoch + 1 for epoch in kept], "y": y, "xaxis": f"x{axis}", "yaxis": f"y{axis}"}


def _epochs_shown(number: int) -> list[int]:
    return spread(number, MOST_POINTS // (_MOST_CURVES * _MOST_SERIES))


def _best_epoch_marker(trial: TrialFacts, values: Sequence[float], is_marked: bool) -> dict[str, Any]:
    """Show a mark at the epoch whose weights were kept, and nowhere else."""
    kept = _epochs_shown(len(values))
    nearest = min(kept, key=lambda epoch: abs(epoch + 1 - trial.outcome.best_epoch))
    has_mark = is_marked and trial.outcome.best_epoch > 0
    return {"size": [9 if has_mark and epoch == nearest else 0 for epoch in kept], "symbol": "circle"}


def _tell_curves(shown: Sequence[TrialFacts]) -> str:
    best = shown[0].outcome
    return (
        f"Learning curves of the {count(len(shown), 'best trial')}. Trial {best.number} trained "
        f"{count(best.epochs, 'epoch')} and was best after epoch {best.best_epoch} with {show_number(best.score)}."
    )
