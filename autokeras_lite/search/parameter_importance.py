"""Which hyperparameters decided how good the trials of a space were."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Literal

import optuna
import pandas as pd
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

from autokeras_lite.spaces.domain import Value
from autokeras_lite.spaces.space import SearchSpace

COLUMNS = ("space", "parameter", "importance", "trials")
FEWEST_TRIALS = 10
_BEST_SHARE = 0.1
_FEWEST_BEST = 5  # Optuna's advice


def parameter_importance(
    space: SearchSpace, trials: Sequence[tuple[Mapping[str, Value], float]], direction: Literal["maximize", "minimize"]
) -> pd.DataFrame:
    """Measure by PED-ANOVA how much each parameter decides whether a trial is among the best.

    The result has a row for each parameter that is searched and was active in a trial, the most important first:
    `space`, `parameter`, `importance` (a share of 1, all 0 where nothing sets the best apart) and `trials` (in how many
    it was active). The best are a tenth of the trials, and five at least. A conditional parameter counts as far as it
    tells apart the trials in which it is active. With fewer than 10 trials there are no rows.

    Sources: Watanabe, Bansal and Hutter 2023, "PED-ANOVA", section 3; for conditional parameters "Conditional
    PED-ANOVA" (arXiv 2601.20800), theorem 4.2. Computed by Optuna.

    Args:
        space: where the trials come from; it gives the ranges.
        trials: the flat values and the score of each trial that came to its end.
        direction: whether the best scores are the highest or the lowest.

    Raises:
        SpaceError: values are no configuration of the space.
    """
    if len(trials) < FEWEST_TRIALS:
        return pd.DataFrame(columns=list(COLUMNS))
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction=direction)
    quantile = max(_BEST_SHARE, _FEWEST_BEST / len(trials))
    with warnings.catch_warnings():
        # It warns of few trials in which a parameter was active; their number stands in the result.
        warnings.simplefilter("ignore")
        study.add_trials([_as_frozen(space, values, score) for values, score in trials])
        evaluator = PedAnovaImportanceEvaluator(target_quantile=quantile)
        raw = get_param_importances(study, evaluator=evaluator, normalize=False)
    active = [name for trial in study.get_trials(deepcopy=False) for name in trial.params]
    searched = [p.name for p in space.parameters if p.name in raw and p.domain.size() != 1]
    total = sum(raw[name] for name in searched) or 1.0
    rows = [(space.name, name, raw[name] / total, active.count(name)) for name in searched]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.sort_values("importance", ascending=False, kind="stable", ignore_index=True)


def _as_frozen(space: SearchSpace, values: Mapping[str, Value], score: float) -> optuna.trial.FrozenTrial:
    """Return the trial with the ranges of its active parameters, as if Optuna had been asked for these values."""
    space.check(values)
    asked = optuna.trial.FixedTrial(dict(values))
    space.suggest(asked)
    params = {name: _inside(asked.distributions[name], value) for name, value in asked.params.items()}
    return optuna.trial.create_trial(params=params, distributions=asked.distributions, value=score)


def _inside(distribution: optuna.distributions.BaseDistribution, value: Value) -> Value:
    """Take off what a space forgives as rounding and Optuna does not."""
    if isinstance(distribution, optuna.distributions.FloatDistribution) and isinstance(value, int | float):
        return min(max(value, distribution.low), distribution.high)
    return value
