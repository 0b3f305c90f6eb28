"""Pictures of a regression over time: the series with what was predicted, and how the error grows with the horizon."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.report.facts import Facts
from autokeras_lite.report.figure import (
    AMBER,
    BLUE,
    GREY,
    ORANGE,
    Drawing,
    cut_text,
    panel,
    plain_text,
)
from autokeras_lite.report.timely import Timely, Values, read_timely
from autokeras_lite.report.wording import count, show_value

_MOST_MOMENTS = 400
_PAST = 3  # a window is shown with a past of so many times its steps
_MOST_PAST = 48


# --- series ----------------------------------------------------------------------------------------------------------


def draw_series(facts: Facts) -> Drawing | None:
    """Draw the actual and the predicted values of the first target over time."""
    timely = read_timely(facts)
    if timely is None:
        return None
    shown = timely.latest(_MOST_MOMENTS)
    last, mode = shown.num_steps - 1, _mode(shown.rows)
    traces = [
        _line("actual", shown.moments, shown.actual[:, 0], {"color": GREY, "width": 2}, mode),
        _line(_ahead(shown, 0), shown.moments, shown.predicted[:, 0], {"color": BLUE, "width": 2}, mode),
    ]
    if last:
        late = _line(_ahead(shown, last), shown.moments + last, shown.predicted[:, last], {"color": ORANGE}, mode)
        traces.append({**late, "line": {"color": ORANGE, "width": 1.5, "dash": "dot"}})
    what = plain_text(shown.names[0], 24) if last == 0 else "value"
    layout = {"height": 420, "xaxis": {"title": {"text": plain_text(shown.axis)}}, "yaxis": {"title": {"text": what}}}
    return Drawing(traces, _tell_series(timely, shown), layout)


def _mode(rows: NDArray[np.int64]) -> str:
    """Join what follows each other; rows that were drawn at random stand for themselves."""
    return "lines" if (np.diff(np.sort(rows)) == 1).mean() > 0.9 else "markers"


def _ahead(timely: Timely, step: int) -> str:
    return "predicted" if timely.num_steps == 1 else f"predicted {count(step + 1, 'step')} ahead"


def _line(name: str, x: NDArray[Any], y: Values, line: dict[str, Any], mode: str) -> dict[str, Any]:
    is_date = np.issubdtype(x.dtype, np.datetime64)
    places = np.datetime_as_string(x, unit="s").tolist() if is_date else x.tolist()
    marker = {"size": 5, "color": line["color"]}
    hover = "%{y:.5g} at %{x}<extra>%{fullData.name}</extra>"
    trace = {"type": "scatter", "mode": mode, "name": name, "line": line, "marker": marker, "hovertemplate": hover}
    return {**trace, "x": places, "y": y.tolist()}


def _tell_series(timely: Timely, shown: Timely) -> str:
    errors = np.abs(timely.predicted - timely.actual).mean(axis=0)
    told = f"Actual and predicted {cut_text(timely.names[0])} of {count(len(timely.rows), 'validation row')}"
    told += f", the latest {len(shown.rows):,} of which are shown" if len(shown.rows) < len(timely.rows) else ""
    if timely.num_steps == 1:
        return f"{told}. On average they are {show_value(float(errors[0]))} apart."
    first, last = show_value(float(errors[0])), show_value(float(errors[-1]))
    return f"{told}. One step ahead they are {first} apart on average, {timely.num_steps} steps ahead {last}."


# --- horizon ---------------------------------------------------------------------------------------------------------


def draw_horizon(facts: Facts) -> Drawing | None:
    """Draw the mean absolute error by how far ahead was predicted, beside repeating the last known value."""
    timely = read_timely(facts)
    if timely is None or timely.num_steps == 1:
        return None
    steps = list(range(1, timely.num_steps + 1))
    errors = np.abs(timely.predicted - timely.actual).mean(axis=0)
    style = {"type": "scatter", "mode": "lines+markers", "x": steps}
    hover = "%{y:.4g} at step %{x}<extra>%{fullData.name}</extra>"
    traces = [
        {**style, "name": "model", "y": errors.tolist(), "line": {"color": BLUE, "width": 2}, "hovertemplate": hover}
    ]
    told = f"The mean absolute error goes from {show_value(float(errors[0]))} at step 1 to "
    told += f"{show_value(float(errors[-1]))} at step {timely.num_steps}."
    naive = _errors_of_repeating(timely)
    if naive is not None:
        line = {"color": AMBER, "width": 2, "dash": "dash"}
        traces.append({**style, "name": "last value repeated", "y": naive.tolist(), "line": line})
        better = int((errors < naive).sum())
        told += f" It is below that of repeating the last value at {better} of {count(timely.num_steps, 'step')}."
    axis = {"title": {"text": "steps ahead"}, "dtick": 1 if timely.num_steps <= 24 else None}
    layout = {"height": 340, "xaxis": axis, "yaxis": {"title": {"text": "mean absolute error"}, "rangemode": "tozero"}}
    return Drawing(traces, told, layout)


def _errors_of_repeating(timely: Timely) -> Values | None:
    """Return the error at each step of the value that is known before the first; that is the first of a row earlier."""
    following = np.flatnonzero(np.diff(timely.rows) == 1)
    if not len(following):
        return None
    known = timely.actual[following, :1]
    return np.asarray(np.abs(timely.actual[following + 1] - known).mean(axis=0), np.float64)


# --- windows ---------------------------------------------------------------------------------------------------------


def draw_windows(facts: Facts) -> Drawing | None:
    """Draw single forecasts with the past before them: the best, a typical one, and the two worst."""
    timely = read_timely(facts)
    if timely is None or timely.num_steps == 1:
        return None
    errors = np.abs(timely.predicted - timely.actual).mean(axis=1)
    chosen = _chosen(errors, timely)
    traces, layout = list[dict[str, Any]](), dict[str, Any]()
    for place, (name, index) in enumerate(chosen):
        at = panel(place, len(chosen), 2, gap=(0.1, 0.2))
        traces += [{**trace, "showlegend": place == 0} for trace in _window(timely, index, at)]
        row = f"{name}: from row {timely.rows[index]}, {show_value(float(errors[index]))} off"
        layout[at["xaxis"]] = {"domain": at["x_domain"], "anchor": at["y"], "title": {"text": row}, "nticks": 6}
        layout[at["yaxis"]] = {"domain": at["y_domain"], "anchor": at["x"]}
    layout["height"] = 120 + 270 * ((len(chosen) + 1) // 2)
    told = "; ".join(f"{name} from row {timely.rows[index]}" for name, index in chosen)
    return Drawing(traces, f"Single forecasts of {count(timely.num_steps, 'step')} each: {told}.", layout)


def _chosen(errors: Values, timely: Timely) -> list[tuple[str, int]]:
    """Return places of forecasts to show; two worst ones that overlap would show the same twice."""
    order = np.argsort(errors, kind="stable")
    worst = int(order[-1])
    far = [int(place) for place in order if abs(timely.rows[place] - timely.rows[worst]) >= timely.num_steps]
    found = [("best", int(order[0])), ("typical", int(order[len(order) // 2])), ("worst", worst)]
    if far and far[-1] not in [place for _, place in found]:
        found.append(("next worst", far[-1]))
    return found


def _window(timely: Timely, index: int, at: dict[str, Any]) -> list[dict[str, Any]]:
    row, steps = int(timely.rows[index]), timely.num_steps
    first = max(row - min(_PAST * steps, _MOST_PAST), int(timely.rows[0]))
    past = [place for place in range(index) if timely.rows[place] >= first]
    x = np.append(timely.rows[past], row + np.arange(steps))
    y = np.append(timely.actual[past, 0], timely.actual[index])
    axes = {"xaxis": at["x"], "yaxis": at["y"]}
    actual = _line("actual", x, y, {"color": GREY, "width": 2}, "lines")
    line = {"color": BLUE, "width": 2.5}
    predicted = _line("predicted", row + np.arange(steps), timely.predicted[index], line, "lines+markers")
    return [{**actual, **axes, "legendgroup": "actual"}, {**predicted, **axes, "legendgroup": "predicted"}]
