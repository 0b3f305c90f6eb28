"""Hyperparameters as axes: which ones of a search vary, and where their values stand on a line."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from autokeras_lite.report.facts import Facts, TrialFacts
from autokeras_lite.report.figure import cut_text
from autokeras_lite.search.leaderboard import flatten_config
from autokeras_lite.spaces.domain import Value

MISSING = "not used"
_OTHER = "other"
_TOLD_FIRST = ("learning_rate", "optimizer", "depth", "width", "dropout", "weight_decay", "batch_size", "schedule")
_LOG_FROM = 20.0
_MOST_LEVELS = 10
_MOST_TICKS = 5
_APART = 0.12  # of the axis: texts that are nearer would stand on each other
_BELOW = 0.22  # of the axis is between its least value and what does not have one


@dataclass(frozen=True)
class ParameterAxis:
    """One hyperparameter: where the value of each trial stands, and what is written where.

    `places` has a number for each trial. `is_category` says that they are numbered levels. The texts are as they came,
    without what cannot be printed.
    """

    name: str
    places: tuple[float, ...]
    tick_places: tuple[float, ...]
    tick_texts: tuple[str, ...]
    is_category: bool


def parameter_axes(facts: Facts, trials: Sequence[TrialFacts], most: int) -> list[ParameterAxis]:
    """Return the axes of at most `most` hyperparameters in which these trials differ, the most important first."""
    settings = [settings_of(trial) for trial in trials]
    names = {name for values in settings for name in values}
    varied = [name for name in sorted(names) if len({repr(values.get(name)) for values in settings}) > 1]
    weight = _importance_by_name(facts, trials)
    ranked = sorted(varied, key=lambda name: (-weight.get(name, 0.0), _familiarity(name), name))[:most]
    return [_axis(name, [values.get(name) for values in settings]) for name in ranked]


def settings_of(trial: TrialFacts) -> dict[str, Value]:
    """Return the hyperparameters of a trial by name, as they were trained.

    Variants of one field (`learning_rate.adaptive`) have the name of the field, so that spaces can be compared.
    Without the journal it is every field, a stack excepted.
    """
    fields = {**asdict(trial.spec.training), **trial.spec.config}
    plain = {name: value for name, value in flatten_config(fields).items() if not name.startswith("stack.")}
    if not trial.values:
        return plain
    named = {_field_of(name, plain): value for name, value in trial.values.items()}
    return {name: plain.get(name, value) for name, value in named.items()}


def _familiarity(name: str) -> int:
    return _TOLD_FIRST.index(name) if name in _TOLD_FIRST else len(_TOLD_FIRST)


def _field_of(name: str, fields: Mapping[str, Value]) -> str:
    first = name.partition(".")[0]
    return first if first in fields else name


def _importance_by_name(facts: Facts, trials: Sequence[TrialFacts]) -> dict[str, float]:
    fields = {name: value for trial in trials for name, value in settings_of(trial).items()}
    found: dict[str, float] = {}
    for record in facts.importance[0]:
        name = _field_of(str(record["parameter"]), fields)
        found[name] = max(found.get(name, 0.0), float(record["importance"] or 0.0))
    return found


def _axis(name: str, values: Sequence[Value]) -> ParameterAxis:
    known = [value for value in values if _is_known(value)]
    if not any(isinstance(value, bool | str) for value in known):
        return _number_axis(name, [_as_number(value) for value in values])
    return _level_axis(name, [str(value) if _is_known(value) else MISSING for value in values])


def _is_known(value: Value) -> bool:
    return value is not None and (not isinstance(value, float) or math.isfinite(value))


def _as_number(value: Value) -> float | None:
    return None if value is None or not _is_known(value) else float(value)


def _number_axis(name: str, numbers: Sequence[float | None]) -> ParameterAxis:
    known = sorted({number for number in numbers if number is not None}) or [0.0]
    is_log = known[0] > 0 and known[-1] >= _LOG_FROM * known[0]
    put = math.log10 if is_log else float
    low, high = put(known[0]), put(known[-1])
    absent = low - _BELOW * ((high - low) or 1.0)
    ticks = known if len(known) <= _MOST_TICKS else _round_ticks(low, high, is_log)
    ticks = _thinned(ticks, [put(tick) for tick in ticks], _APART * (high - low))
    places, texts = [put(tick) for tick in ticks], [f"{tick:.3g}" for tick in ticks]
    if None in numbers:
        places, texts = [absent, *places], [MISSING, *texts]
    stand = tuple(absent if number is None else put(number) for number in numbers)
    return ParameterAxis(name, stand, tuple(places), tuple(texts), is_category=False)


def _thinned(ticks: Sequence[float], places: Sequence[float], room: float) -> list[float]:
    """Leave out ticks that stand too near to one before them; the last one stays."""
    kept = list[int]()
    for index in range(len(ticks)):
        is_last = index == len(ticks) - 1
        while kept and is_last and places[index] - places[kept[-1]] < room and len(kept) > 1:
            kept.pop()
        if not kept or is_last or places[index] - places[kept[-1]] >= room:
            kept.append(index)
    return [ticks[index] for index in kept]


def _round_ticks(low: float, high: float, is_log: bool) -> list[float]:
    """Return round numbers between the ends of an axis; those of a logarithmic one are given as logarithms."""
    if is_log:
        powers = [10.0**power for power in range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)]
        return powers if len(powers) >= 2 else [10.0**low, 10.0 ** ((low + high) / 2), 10.0**high]
    rough = (high - low) / _MOST_TICKS
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= rough)
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _level_axis(name: str, texts: Sequence[str]) -> ParameterAxis:
    common = [text for text, _ in Counter(texts).most_common()]
    levels = sorted(common if len(common) <= _MOST_LEVELS else common[: _MOST_LEVELS - 1])
    levels = [*(text for text in levels if text != MISSING), *(text for text in levels if text == MISSING)]
    levels += [_OTHER] if len(common) > _MOST_LEVELS else []
    place_of = {text: float(place) for place, text in enumerate(levels)}
    places = tuple(place_of.get(text, len(levels) - 1.0) for text in texts)
    shown = tuple(cut_text(text, 18) for text in levels)
    return ParameterAxis(name, places, tuple(float(n) for n in range(len(levels))), shown, is_category=True)
