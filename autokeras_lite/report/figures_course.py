"""Pictures of how the search spent its budget: cohorts over time, and where trials stopped."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autokeras_lite.report.facts import Facts, TrialFacts
from autokeras_lite.report.figure import (
    BLUE,
    GREY,
    MOST_POINTS,
    ORANGE,
    PALETTE,
    PURPLE,
    Drawing,
    plain_text,
    space_colors,
    spread,
)
from autokeras_lite.report.figures_history import time_unit
from autokeras_lite.report.wording import count
from autokeras_lite.search.halving import rung_epochs
from autokeras_lite.trial import Cause, TrialStatus

_MOST_NAMED = 6  # trials of a cohort
_FEW = 8
_MOST_HEIGHT = 680  # of the lines of workers, in pixels
_MOST_SPACES = len(PALETTE)
_STOPS = (
    "failed",
    "cut short",
    "first rung",
    "second rung",
    "no longer improving",
    "all epochs",
)
_COLORS: Mapping[str, str] = {"completed": BLUE, "stopped early": GREY, "failed": ORANGE, "not ended": PURPLE}


# --- timeline --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Stretch:
    """A cohort in training: from when to when, and what came of it."""

    cohort: int
    begun: float
    ended: float
    how: str
    trials: tuple[int, ...]


def draw_timeline(facts: Facts) -> Drawing | None:
    """Draw cohorts over time, each in a line of its own as long as another one trains."""
    stretches = _stretches(facts)
    if not stretches:
        return None
    kept = sorted(stretches, key=lambda one: one.begun - one.ended)[: MOST_POINTS // 2]
    kept.sort(key=lambda one: (one.begun, one.cohort))
    lines, last = _lines(kept), max(one.ended for one in kept)
    unit, divisor = time_unit(last)
    traces = [
        _bars(how, [(one, line) for one, line in zip(kept, lines, strict=True) if one.how == how], divisor)
        for how in _COLORS
        if any(one.how == how for one in kept)
    ]
    number = max(lines) + 1
    layout = {
        "height": 150 + min(34 * number, _MOST_HEIGHT),
        "barmode": "overlay",
        "xaxis": {"title": {"text": f"{unit} since the search began"}, "range": [0, last / divisor * 1.01 or 1]},
        "yaxis": {
            "tickvals": spread(number, _MOST_HEIGHT // 34),
            "ticktext": [f"worker {line + 1}" for line in spread(number, _MOST_HEIGHT // 34)],
            "range": [number - 0.5, -0.5],
            "showgrid": False,
        },
        "bargap": 0.15,
    }
    return Drawing(traces, _tell_timeline(stretches, number), layout)


def _stretches(facts: Facts) -> list[_Stretch]:
    """Read from the journal when cohorts trained; of one that still runs, until the last that is known."""
    begun: dict[int, tuple[float, tuple[int, ...]]] = {}
    found, ends = list[_Stretch](), [facts.summary.seconds]
    for event in facts.events:
        at = event.get("at")
        if not isinstance(at, int | float) or not math.isfinite(at):
            continue
        ends.append(float(at))
        if event["event"] == "begun":
            begun[event["cohort"]] = float(at), tuple(int(number) for number in event["trials"])
        elif event["event"] in ("ended", "broke") and event["cohort"] in begun:
            start, trials = begun.pop(event["cohort"])
            found.append(_Stretch(event["cohort"], start, max(start, float(at)), _how(event), trials))
    last = max(ends)
    return [*found, *(_Stretch(n, start, last, "not ended", trials) for n, (start, trials) in begun.items())]


def _how(event: Mapping[str, Any]) -> str:
    if event["event"] == "broke":
        return "failed"
    statuses = {Cause(outcome["cause"]).status for outcome in event["outcomes"]}
    if TrialStatus.COMPLETED in statuses:
        return "completed"
    return "stopped early" if TrialStatus.PRUNED in statuses else "failed"


def _lines(stretches: Sequence[_Stretch]) -> list[int]:
    """Give each cohort the first line that is free; which worker it had is not written down."""
    free_from, lines = list[float](), list[int]()
    for one in stretches:
        line = next((n for n, until in enumerate(free_from) if until <= one.begun + 1e-9), len(free_from))
        if line == len(free_from):
            free_from.append(0.0)
        free_from[line] = one.ended
        lines.append(line)
    return lines


def _bars(how: str, placed: Sequence[tuple[_Stretch, int]], divisor: float) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "name": how,
        "y": [line for _, line in placed],
        "base": [one.begun / divisor for one, _ in placed],
        "x": [(one.ended - one.begun) / divisor for one, _ in placed],
        "marker": {"color": _COLORS[how], "line": {"width": 1, "color": "rgba(128,128,128,0.6)"}},
        "customdata": [[one.cohort, _named(one.trials), round(one.ended - one.begun, 1)] for one, _ in placed],
        "hovertemplate": "cohort %{customdata[0]}<br>%{customdata[1]}<br>%{customdata[2]} s<extra></extra>",
    }


def _named(trials: Sequence[int]) -> str:
    shown = ", ".join(str(number) for number in trials[:_MOST_NAMED])
    more = f" and {len(trials) - _MOST_NAMED} more" if len(trials) > _MOST_NAMED else ""
    return f"trial{'' if len(trials) == 1 else 's'} {shown}{more}"


def _tell_timeline(stretches: Sequence[_Stretch], number: int) -> str:
    busy = sum(one.ended - one.begun for one in stretches)
    span = max(one.ended for one in stretches)
    failed = sum(one.how == "failed" for one in stretches)
    share = f"{busy / (span * number):.0%} of their time" if span > 0 else "all the time"
    told = f"{count(len(stretches), 'cohort')} on {count(number, 'worker')}, which trained {share}."
    return f"{told} {count(failed, 'cohort')} failed." if failed else told


# --- rungs -----------------------------------------------------------------------------------------------------------


def draw_rungs(facts: Facts) -> Drawing | None:
    """Draw how many trials stopped where, by space."""
    if not facts.trials:
        return None
    counts: dict[str, Counter[int]] = {}
    common = [name for name, _ in Counter(trial.spec.space for trial in facts.trials).most_common()]
    named = common if len(common) <= _MOST_SPACES else common[: _MOST_SPACES - 1]
    for trial in facts.trials:
        name = trial.spec.space if trial.spec.space in named else "other spaces"
        counts.setdefault(name, Counter())[_stop(trial)] += 1
    colors = space_colors(facts)
    shown = [place for place in range(len(_STOPS)) if any(stops[place] for stops in counts.values())]
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": plain_text(name),
            "y": list(range(len(shown))),
            "x": [counts[name][place] for place in shown],
            "marker": {"color": colors.get(name, GREY)},
            "hovertemplate": "%{x} trials<extra>%{fullData.name}</extra>",
        }
        for name in sorted(counts, key=lambda one: -counts[one].total())
    ]
    layout = {
        "height": 160 + 40 * len(shown),
        "barmode": "stack",
        "xaxis": {"title": {"text": "trials"}, "dtick": 1 if len(facts.trials) <= _FEW else None},
        "yaxis": {"tickvals": list(range(len(shown))), "ticktext": [_STOPS[place] for place in shown]},
        "showlegend": len(counts) > 1,
    }
    totals = {place: sum(stops[place] for stops in counts.values()) for place in reversed(shown)}
    told = ", ".join(f"{_STOPS[place]}: {number}" for place, number in totals.items())
    return Drawing(traces, f"Where {count(len(facts.trials), 'trial')} stopped: {told}.", layout)


def _stop(trial: TrialFacts) -> int:
    """Return the place in `_STOPS` where a trial stopped."""
    outcome = trial.outcome
    if outcome.status is TrialStatus.FAILED:
        return 0
    if outcome.cause is Cause.CANCELLED:
        return 1
    if outcome.cause is Cause.PRUNED:
        rungs = rung_epochs(trial.spec.training)
        is_first = trial.rung == 0 if trial.rung is not None else outcome.epochs <= min(rungs, default=0)
        return 2 if is_first else 3
    return 5 if outcome.epochs >= trial.spec.training.epochs else 4
