"""The page of the MLflow UI that compares the trials of a search: its columns, its charts and its address.

The UI keeps such a page as a *saved view*: a tag of the experiment that holds a name and, packed, the state of the
page. Whoever opens the page with the key of the view in its address, or picks the view by its name, sees it so. Read in
the code of the UI of MLflow 3.17: `savedViewEnvelope.ts`, `ExperimentPageUIState.tsx`, `runs-charts.types.ts`.
"""

import base64
import json
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from statistics import fmean
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode

from autokeras_lite.tracking import names

MOST_PARAMETERS = 6
# What every trial has, whatever its family: shown until the trials say what else is worth a look.
FIRST_PARAMETERS = (names.FAMILY, "recipe.learning_rate", "recipe.weight_decay", "structure.batch_size")

_PAGES = "workflowType=machine_learning"  # else the UI shows its pages for agents around everything
_MOST_LENGTH = 5000  # of a tag of an experiment, in the stores that take the least
_MOST_LEVELS = 30  # of a text: the UI shows no more of them on one axis
_PARTS_OF_A_RANGE = 4
_FEW_TRIALS = 10
_COLUMNS = (
    "metrics.`score`", "params.`family`", "tags.`akl.cause`", "tags.`akl.rung`", "metrics.`epochs`",
    "metrics.`parameters`", "metrics.`seconds`", "metrics.`rows_per_second`", "tags.`akl.cohort`",
    "tags.`akl.message`",
)  # fmt: skip
_WIDTHS: Mapping[str, int] = MappingProxyType(
    {"params.`family`": 150, "metrics.`rows_per_second`": 150, "tags.`akl.message`": 260}
)
# Parts of the page: the title, how many charts stand beside each other, and their height in pixels.
_GLANCE, _SETTINGS, _CURVES, _TRIALS = "Every trial as a line", "Settings and score", "Learning curves", "Trials"
_SECTIONS = ((_GLANCE, 1, 420), (_SETTINGS, 3, 360), (_CURVES, 2, 400), (_TRIALS, 2, 420))
_LINES = ((names.EPOCH_SCORE,), (names.EPOCH_LOSS, names.EPOCH_VALIDATION_LOSS), (names.FOLD_SCORE,))
_BARS = (names.SCORE, names.SECONDS, names.PARAMETERS, names.ROWS_PER_SECOND)
_MOST_SCATTERS = 4
_OPEN_SECTION: Mapping[str, bool] = MappingProxyType({"display": True, "isReordered": True, "deleted": False})
_HIDDEN = (names.EPOCH_VALIDATION_LOSS, names.BEST_EPOCH, names.EPOCHS)  # the UI would add a chart for each


@dataclass(frozen=True)
class Comparison:
    """The page for the trials below one run of a search, the best first.

    `created` and `updated` are in seconds since the epoch. `parameters` are the axes beside score and time.
    """

    run_id: str
    direction: str
    created: float
    updated: float
    parameters: tuple[str, ...] = FIRST_PARAMETERS

    def to_tag(self) -> tuple[str, str]:
        """Return the name and the value of the experiment's tag; axes are left out where it would become too long."""
        state = json.dumps(self._state(), separators=(",", ":")).encode()
        began = datetime.fromtimestamp(self.created, UTC)
        value = json.dumps(
            {
                "name": f"Trials of {began:%Y-%m-%d %H:%M} UTC, best first",
                "createdAt": round(self.created * 1000),
                "updatedAt": round(self.updated * 1000),
                "state": f"deflate;{base64.b64encode(zlib.compress(state, 9)).decode()}",
            }
        )
        if len(value) > _MOST_LENGTH and self.parameters:
            return replace(self, parameters=self.parameters[:-1]).to_tag()
        return names.TAG_VIEW_PREFIX + self.run_id, value

    def _state(self) -> dict[str, Any]:
        columns = [*_COLUMNS, *(f"params.`{key}`" for key in self.parameters if key != names.FAMILY)]
        return {
            "searchFilter": f"tags.`{names.TAG_PARENT}` = '{self.run_id}'",
            "orderByKey": f"metrics.`{names.SCORE}`",
            "orderByAsc": self.direction == "minimize",
            "selectedColumns": columns,
            "columnOrder": columns,
            "columnWidths": dict(_WIDTHS),
            "runsHiddenMode": "FIRST_20_RUNS",
            "compareRunSections": [
                {"uuid": name, "name": name, "columns": columns, "cardHeight": height, **_OPEN_SECTION}
                for name, columns, height in _SECTIONS
            ],
            "isAccordionReordered": True,
            "compareRunCharts": [*self._setting_charts(), *_curve_charts(), *_trial_charts()],
        }

    def _setting_charts(self) -> Iterator[dict[str, Any]]:
        axes = {"selectedParams": list(self.parameters), "selectedMetrics": [names.SECONDS, names.SCORE]}
        yield _chart("PARALLEL", _GLANCE, "parallel") | axes | {"showAllRuns": True}
        for key in [key for key in self.parameters if key != names.FAMILY][:_MOST_SCATTERS]:
            yield _scatter(key, "PARAM")
        yield _scatter(names.SECONDS, "METRIC")
        yield _scatter(names.PARAMETERS, "METRIC")


def list_address(url: str) -> str:
    """Return the address of the list of experiments."""
    return f"{url}/#/experiments?{_PAGES}"


def comparison_address(url: str, experiment_id: str, run_id: str) -> str:
    """Return the address of the saved view: it must say nothing else about the page, or the view is passed over."""
    return f"{url}/#/experiments/{experiment_id}/runs?{_PAGES}&compareRunsMode=CHART&viewStateShareKey={run_id}"


def plain_address(url: str, experiment_id: str, run_id: str, *, is_ascending: bool) -> str:
    """Return the address of a page without a saved view, for the record of an earlier version."""
    page = {
        "searchFilter": f"tags.`{names.TAG_PARENT}` = '{run_id}'",
        "orderByKey": f"metrics.`{names.SCORE}`",
        "orderByAsc": str(is_ascending).lower(),
        "compareRunsMode": "CHART",
    }
    return f"{url}/#/experiments/{experiment_id}/runs?{_PAGES}&{urlencode(page, quote_via=quote)}"


def side_by_side_address(url: str, experiment_id: str, run_ids: Sequence[str]) -> str:
    """Return the address of the page that sets out runs beside each other, every parameter and metric of them.

    The UI finds the runs only where they come first.
    """
    page = {"runs": json.dumps(list(run_ids)), "experiments": json.dumps([experiment_id])}
    return f"{url}/#/compare-runs?{urlencode(page, quote_via=quote)}&{_PAGES}"


def telling_parameters(trials: Sequence[tuple[Mapping[str, str], float]]) -> tuple[str, ...]:
    """Return which parameters to look at: those that all trials have, in the order of how much of the score they tell.

    The part told is that of the variance of the score's ranks which lies between the values of the parameter, or
    between the quarters of its range, corrected for their number (epsilon squared; Kelley 1935). Of parameters that
    tell the same trials apart one is enough. Few trials tell little: then the usual parameters come first.

    Args:
        trials: parameters and score of each.

    Example:
        >>> telling_parameters([({"a": str(i), "b": str(i % 2), "c": "1"}, float(i)) for i in range(20)])
        ('a', 'b')
    """
    if not trials:
        return FIRST_PARAMETERS
    shared = set.intersection(*(set(params) for params, _ in trials)) - {names.SEED, names.SPACE}
    ranks = _ranks([score for _, score in trials])
    told: dict[str, float] = {}
    groups: dict[str, tuple[int, ...]] = {}
    for key in sorted(shared, key=lambda key: (key not in FIRST_PARAMETERS, key)):
        levels = _levels([params[key] for params, _ in trials])
        grouped = tuple(levels.index(level) for level in levels)
        if 1 < len(set(levels)) <= _MOST_LEVELS and grouped not in groups.values():
            told[key], groups[key] = _part_told(levels, ranks), grouped
    is_too_early = len(trials) < _FEW_TRIALS
    chosen = sorted(told, key=lambda key: (is_too_early and key not in FIRST_PARAMETERS, -told[key]))[:MOST_PARAMETERS]
    return tuple(chosen) or FIRST_PARAMETERS


def _ranks(values: Sequence[float]) -> list[float]:
    order = {value: rank for rank, value in enumerate(sorted(set(values)))}
    return [float(order[value]) for value in values]


def _levels(values: Sequence[str]) -> list[str]:
    """Return texts as they are, and of numbers with many values which part of their range they lie in."""
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        return list(values)
    distinct = sorted(set(numbers))
    if len(distinct) <= _PARTS_OF_A_RANGE:
        return list(values)
    bounds = [distinct[len(distinct) * part // _PARTS_OF_A_RANGE] for part in range(1, _PARTS_OF_A_RANGE)]
    return [str(sum(number >= bound for bound in bounds)) for number in numbers]


def _part_told(levels: Sequence[str], ranks: Sequence[float]) -> float:
    groups = defaultdict(list)
    for level, rank in zip(levels, ranks, strict=True):
        groups[level].append(rank)
    mean, num_free = fmean(ranks), len(ranks) - len(groups)
    total = sum((rank - mean) ** 2 for rank in ranks)
    if not total or num_free < 1:
        return 0.0
    within = sum((rank - fmean(group)) ** 2 for group in groups.values() for rank in group)
    return 1.0 - within / num_free / (total / (len(ranks) - 1))


def _curve_charts() -> Iterator[dict[str, Any]]:
    for keys in _LINES:
        lines = {"metricKey": keys[0], "selectedMetricKeys": list(keys), "xAxisKey": "step", "lineSmoothness": 0}
        scales = {"xAxisScaleType": "linear", "scaleType": "linear", "range": {}, "yAxisKey": "metric"}
        yield _chart("LINE", _CURVES, keys[0]) | lines | scales


def _trial_charts() -> Iterator[dict[str, Any]]:
    for key in _BARS:
        yield _chart("BAR", _TRIALS, key) | {"metricKey": key}
    for key in _HIDDEN:
        yield _chart("BAR", _TRIALS, key) | {"metricKey": key, "deleted": True}


def _scatter(key: str, kind: str) -> dict[str, Any]:
    axes = {"xaxis": {"key": key, "type": kind}, "yaxis": {"key": names.SCORE, "type": "METRIC"}}
    return _chart("SCATTER", _SETTINGS, f"against {key}") | axes


def _chart(kind: str, section: str, uuid: str) -> dict[str, Any]:
    """Return what the UI keeps of any chart; a chart that it has made itself it may change, hence `isGenerated`."""
    plain = {"type": kind, "uuid": uuid, "metricSectionId": section}
    return plain | {"deleted": False, "isGenerated": False, "runsCountToCompare": 100}
