"""What a simple model reached on the same rows, and what that says about a network. Loads no scikit-learn."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from autokeras_lite.tasks.task import Task

BaselineName = Literal["constant", "linear", "gradient_boosting"]


@dataclass(frozen=True)
class Baseline:
    """What one simple model reached: `score` is the mean over the folds; where it is `None`, `note` says why."""

    name: BaselineName
    score: float | None
    seconds: float
    note: str = ""


def compare_with_baselines(task: Task, best_score: float | None, baselines: Sequence[Baseline]) -> str:
    """Say in one honest sentence where the best network stands among the baselines.

    Example:
        >>> from autokeras_lite.tasks.task import TaskKind
        >>> task = Task(TaskKind.BINARY, ("y",), "roc_auc", "maximize", (0, 1))
        >>> compare_with_baselines(task, 0.9112, [Baseline("linear", 0.8, 0.1)])
        'The best network (roc_auc 0.9112) beats the linear baseline (0.8000) by 0.1112.'
    """
    scores = {baseline.name: baseline.score for baseline in baselines if baseline.score is not None}
    if not scores:
        return "No baseline was scored, so nothing here says whether a network is worth its cost."
    strongest = max(scores, key=lambda name: scores[name] if task.direction == "maximize" else -scores[name])
    if best_score is None or not math.isfinite(best_score):
        return f"No network was scored; {_WORDS[strongest]} reaches {task.metric} {_show(scores[strongest])}."
    network = f"The best network ({task.metric} {_show(best_score)})"
    if task.is_better(scores[strongest], than=best_score):
        return f"{network} is behind {_WORDS[strongest]} ({_show(scores[strongest])}): {_ADVICE[strongest]}."
    if scores[strongest] == best_score:
        return f"{network} only equals {_WORDS[strongest]}: {_ADVICE[strongest]}."
    beaten = [name for name in ("gradient_boosting", "linear", "constant") if name in scores][:2]
    parts = [f"{_WORDS[name]} ({_show(scores[name])}) by {_show(abs(best_score - scores[name]))}" for name in beaten]
    return f"{network} beats {' and '.join(parts)}."


_WORDS: Mapping[str, str] = {
    "constant": "the constant baseline",
    "linear": "the linear baseline",
    "gradient_boosting": "gradient boosting",
}
_ADVICE: Mapping[str, str] = {
    "constant": "it has learned nothing yet; give the search more time or look for columns that tell more",
    "linear": "use that, or give the search more time",
    "gradient_boosting": "use that, or give the search more time",
}


def _show(value: float) -> str:
    return f"{value:.4f}" if 0.01 <= abs(value) < 100 else f"{value:.4g}"
