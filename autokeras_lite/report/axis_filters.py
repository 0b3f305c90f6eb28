"""What can be kept of the axes of parallel lines with a list in place of a mouse."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autokeras_lite.report.figure import AxisFilter, cut_name
from autokeras_lite.report.parameter_axes import ParameterAxis
from autokeras_lite.report.wording import show_number

_NEAR = 1e-6
_SHARES = (0.25, 0.5)
_MOST_LETTERS = 40


def levels_filter(name: str, texts: Sequence[str]) -> AxisFilter:
    """Return a filter of an axis with numbered levels."""
    return AxisFilter(name, [(text, place - 0.4, place + 0.4) for place, text in enumerate(texts)])


def parameter_filter(axis: ParameterAxis) -> AxisFilter:
    """Return a filter of a hyperparameter: each of its values where they have ticks, else the stretches between."""
    ticks, texts = axis.tick_places, axis.tick_texts
    name = cut_name(axis.name, _MOST_LETTERS)
    apart = max(axis.places) - min(axis.places) or 1.0
    if all(min(abs(place - tick) for tick in ticks) <= _NEAR * apart for place in axis.places):
        near = 0.4 if axis.is_category else _NEAR * apart
        return AxisFilter(name, [(text, tick - near, tick + near) for tick, text in zip(ticks, texts, strict=True)])
    low, high = min(*axis.places, *ticks) - _NEAR * apart, max(*axis.places, *ticks) + _NEAR * apart
    between = [
        (f"{texts[place]} to {texts[place + 1]}", ticks[place], ticks[place + 1]) for place in range(len(ticks) - 1)
    ]
    options = [(f"up to {texts[0]}", low, ticks[0]), *between, (f"from {texts[-1]}", ticks[-1], high)]
    return AxisFilter(name, [one for one in options if any(one[1] <= place <= one[2] for place in axis.places)])


def score_filter(metric: str, scores: Sequence[float], *, is_maximized: bool) -> AxisFilter:
    """Return a filter of the score: the best part of the trials."""
    options = []
    for share in _SHARES:
        edge = float(np.quantile(scores, 1 - share if is_maximized else share))
        low, high = (edge, max(scores)) if is_maximized else (min(scores), edge)
        options.append((f"best {share:.0%}, {'from' if is_maximized else 'up to'} {show_number(edge)}", low, high))
    return AxisFilter(metric, options)


def filters_as_json(filters: Sequence[AxisFilter]) -> list[list[Mapping[str, Any]]]:
    """Return the places that each option keeps, for the script of the page."""
    return [[{"low": low, "high": high} for _, low, high in one.options] for one in filters]
