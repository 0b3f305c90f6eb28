"""Pictures of how a regression judged the validation rows."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.report.facts import Facts
from autokeras_lite.report.figure import (
    BLUE,
    MOST_POINTS,
    ORANGE,
    Drawing,
    cut_text,
    panel,
    plain_text,
)
from autokeras_lite.report.outputs import Outputs, read_outputs
from autokeras_lite.report.timely import are_steps
from autokeras_lite.report.wording import count, show_number
from autokeras_lite.tasks.task import TaskKind

_MOST_TARGETS = 4
_SHARE_OF_WORST = 4  # a fourth of what is shown are the rows that are furthest off
_SEED = 0

Values = NDArray[np.float64]
# From actual and predicted values to what is drawn: places along x and y, and the two ends of a line of the perfect.
Look = Callable[[Values, Values], tuple[Values, Values, tuple[Values, Values]]]


def draw_predicted_actual(facts: Facts) -> Drawing | None:
    """Draw the predicted against the actual value of every row; perfect ones stand on the line."""
    outputs = _values(facts)
    if outputs is None:
        return None
    traces, layout = _panels(outputs, _beside, ("actual", "predicted"))
    errors = np.abs(outputs.given - outputs.labels)
    told = "; ".join(
        f"{cut_text(outputs.names[place])}: {show_number(float(np.median(errors[:, place])))}"
        for place in _targets(outputs)
    )
    return Drawing(traces, f"Predicted against actual for {_rows(outputs)}. Half are nearer than {told}.", layout)


def draw_residuals(facts: Facts) -> Drawing | None:
    """Draw by how much each row was missed, against what was predicted."""
    outputs = _values(facts)
    if outputs is None:
        return None
    traces, layout = _panels(outputs, _missed, ("predicted", "actual - predicted"))
    means = (outputs.labels - outputs.given).mean(axis=0)
    told = "; ".join(
        f"{cut_text(outputs.names[place])}: {show_number(float(means[place]))}" for place in _targets(outputs)
    )
    return Drawing(traces, f"Residuals of {_rows(outputs)}; their mean is {told}.", layout)


def _values(facts: Facts) -> Outputs | None:
    outputs = read_outputs(facts)
    return outputs if outputs is not None and outputs.kind is TaskKind.REGRESSION else None


def _targets(outputs: Outputs) -> list[int]:
    """Return the targets to show: of the steps of a forecast the first and the last, else the first few."""
    number = len(outputs.names)
    is_forecast = are_steps(np.asarray(outputs.labels, np.float64), outputs.rows)
    return [0, number - 1] if is_forecast else list(range(min(_MOST_TARGETS, number)))


def _rows(outputs: Outputs) -> str:
    return count(len(outputs.labels), "validation row")


def _beside(actual: Values, predicted: Values) -> tuple[Values, Values, tuple[Values, Values]]:
    ends = np.array([min(actual.min(), predicted.min()), max(actual.max(), predicted.max())])
    return actual, predicted, (ends, ends)


def _missed(actual: Values, predicted: Values) -> tuple[Values, Values, tuple[Values, Values]]:
    return predicted, actual - predicted, (np.array([predicted.min(), predicted.max()]), np.zeros(2))


def _panels(outputs: Outputs, look: Look, titles: tuple[str, str]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Draw a panel for each of the first targets."""
    targets = _targets(outputs)
    number = len(targets)
    traces, layout = list[dict[str, Any]](), dict[str, Any]()
    for place, target in enumerate(targets):
        at = panel(place, number, 2, gap=(0.14, 0.15))
        actual, predicted = np.asarray(outputs.labels[:, target], np.float64), outputs.given[:, target]
        x, y, perfect = look(actual, predicted)
        kept = _shown(actual - predicted, MOST_POINTS // number - 2)
        traces += _traces(x[kept], y[kept], perfect, at)
        suffix = f" {plain_text(outputs.names[target], 24)}"
        axes = ((at["xaxis"], "x_domain", "y", titles[0]), (at["yaxis"], "y_domain", "x", titles[1]))
        for key, domain, anchor, title in axes:
            text = f"{title}{suffix}" if number > 1 or key == "xaxis" else title
            layout[key] = {"domain": at[domain], "anchor": at[anchor], "title": {"text": text}}
    layout["height"] = 460 if number == 1 else 120 + 320 * ((number + 1) // 2)
    layout["showlegend"] = False
    layout["margin"] = {"t": 12}
    return traces, layout


def _shown(residuals: Values, most: int) -> NDArray[np.intp]:
    """Return rows to show: all, or those that are furthest off and others at random."""
    if len(residuals) <= most:
        return np.arange(len(residuals))
    order = np.argsort(-np.abs(residuals), kind="stable")
    worst, rest = order[: most // _SHARE_OF_WORST], order[most // _SHARE_OF_WORST :]
    chosen = np.random.default_rng(_SEED).choice(rest, most - len(worst), replace=False)
    return np.sort(np.concatenate([worst, chosen]))


def _traces(x: Values, y: Values, perfect: tuple[Values, Values], at: Mapping[str, Any]) -> list[dict[str, Any]]:
    axes = {"xaxis": at["x"], "yaxis": at["y"], "type": "scatter"}
    return [
        {
            **axes,
            "mode": "markers",
            "x": x.tolist(),
            "y": y.tolist(),
            "marker": {"size": 6, "opacity": 0.75, "color": BLUE},
            "hovertemplate": "%{y:.5g} at %{x:.5g}<extra></extra>",
        },
        {
            **axes,
            "mode": "lines",
            "x": perfect[0].tolist(),
            "y": perfect[1].tolist(),
            "line": {"color": ORANGE, "width": 2, "dash": "dash"},
            "hoverinfo": "skip",
        },
    ]
