"""Every picture of a search, by name."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from autokeras_lite.errors import ConfigError
from autokeras_lite.report.facts import read_facts
from autokeras_lite.report.figure import THEMES, Figure, Theme
from autokeras_lite.report.figures_classes import draw_calibration, draw_confusion, draw_precision_recall, draw_roc
from autokeras_lite.report.figures_course import draw_rungs, draw_timeline
from autokeras_lite.report.figures_history import draw_curves, draw_history
from autokeras_lite.report.figures_parameters import draw_columns, draw_importance, draw_parallel, draw_slices
from autokeras_lite.report.figures_time import draw_horizon, draw_series, draw_windows
from autokeras_lite.report.figures_values import draw_predicted_actual, draw_residuals

if TYPE_CHECKING:
    import plotly.graph_objects

_SCORED = "a trial that came to a score"
_TWO_SCORED = "two trials that came to a score and differ in a hyperparameter"
_CLASSES = "the validation predictions of a binary or multiclass task"
_LABELS = "the validation predictions of a classification"
_VALUES = "the validation predictions of a regression"
_TIME = "a regression of sequences, or with a time column, whose rows follow each other"
_STEPS = "a regression of windows that slide over a series, with a target for each step ahead"

_ALL = (
    Figure(
        "history",
        "Score of every trial",
        "Each mark is a trial, the line is the best score so far; a flat end means that more time buys little.",
        _SCORED,
        draw_history,
    ),
    Figure(
        "curves",
        "Learning curves of the best trials",
        "Dotted is the training loss, solid what the validation rows say, and a mark the epoch that was kept.",
        "a trial with learning curves",
        draw_curves,
    ),
    Figure(
        "parallel",
        "Hyperparameters and score together",
        "Each line is a trial; drag along an axis to keep only those that pass there, or use the lists below.",
        _TWO_SCORED,
        draw_parallel,
    ),
    Figure(
        "importance",
        "Which hyperparameters mattered",
        "How much each hyperparameter decided whether a trial was among the best of its space (PED-ANOVA).",
        "10 completed trials of one space",
        draw_importance,
    ),
    Figure(
        "columns",
        "Which columns the model goes by",
        "How much worse the model is when a column is shuffled; the thin lines are 90 % intervals.",
        "an explanation: call `result.explain()` or `autokeras-lite explain` first",
        draw_columns,
    ),
    Figure(
        "slices",
        "Score against each hyperparameter",
        "Each mark is a trial; a slope says that the hyperparameter matters, and where to search on.",
        _TWO_SCORED,
        draw_slices,
    ),
    Figure(
        "timeline",
        "What the workers did",
        "Each bar is a cohort of trials that trained together, from its beginning to its end.",
        "a journal with times, which older searches do not have",
        draw_timeline,
    ),
    Figure(
        "rungs",
        "Where trials stopped",
        "At each rung the worse two thirds of the trials stop, so that time goes to the better ones.",
        "a trial that has ended",
        draw_rungs,
    ),
    Figure(
        "confusion",
        "Confusion matrix",
        "Rows are the actual classes, columns the predicted ones; what is off the diagonal are mistakes.",
        _CLASSES,
        draw_confusion,
    ),
    Figure(
        "roc",
        "ROC curves",
        "The further a curve bends to the upper left the better; the area below it stands beside its name.",
        _LABELS,
        draw_roc,
    ),
    Figure(
        "precision_recall",
        "Precision and recall",
        "How many of those found are right, against how many are found; beside each name is the average precision.",
        _LABELS,
        draw_precision_recall,
    ),
    Figure(
        "calibration",
        "Are the probabilities right?",
        "Points on the dotted line mean that of what is given 70 %, 70 % comes true; lines are 90 % intervals.",
        _LABELS,
        draw_calibration,
    ),
    Figure(
        "series",
        "Actual and predicted over time",
        "Validation rows in the order of time; a prediction that only follows a step later has learned little.",
        _TIME,
        draw_series,
    ),
    Figure(
        "horizon",
        "Error by how far ahead",
        "The error grows with the distance; above the dashed line the model is worse than the last value repeated.",
        _STEPS,
        draw_horizon,
    ),
    Figure(
        "windows",
        "Single forecasts",
        "The past and what came, with what was predicted: the best forecast, a typical one, and the worst.",
        _STEPS,
        draw_windows,
    ),
    Figure(
        "residuals",
        "What the model misses",
        "Points should lie around zero without a shape; a bend or a funnel is something the model has not learned.",
        _VALUES,
        draw_residuals,
    ),
    Figure(
        "predicted_actual",
        "Predicted against actual",
        "Perfect predictions stand on the dashed line.",
        _VALUES,
        draw_predicted_actual,
    ),
)
FIGURES: Mapping[str, Figure] = MappingProxyType({figure.name: figure for figure in _ALL})


def plot_search(folder: Path, kind: str, theme: str = "light") -> "plotly.graph_objects.Figure":
    """Draw one picture of the search in a folder, with its title.

    Raises:
        ArtifactError: there is no search, or a record is damaged.
        ConfigError: there is no such picture or theme, or the search has not what the picture needs.
    """
    figure = FIGURES.get(kind)
    if figure is None:
        raise ConfigError(f"Plot {kind!r} was asked for. Expected one of {', '.join(FIGURES)}. Choose one of them.")
    facts = read_facts(folder)
    drawn = figure.draw(facts, _checked(theme))
    if drawn is None:
        raise ConfigError(
            f"Plot {kind!r} does not apply to the search {facts.name!r}. Expected {figure.needs}. Choose another plot."
        )
    top = (drawn.layout.margin.t or 40) + 34
    return drawn.update_layout(
        title={"text": figure.title, "x": 0, "xref": "paper", "y": 0.98, "yref": "container", "yanchor": "top"},
        margin={"t": top},
        height=(drawn.layout.height or 450) + 34,
    )


def _checked(theme: str) -> Theme:
    for known in THEMES:
        if theme == known:
            return known
    raise ConfigError(f"Theme {theme!r} was given. Expected light or dark. Correct `theme`.")
