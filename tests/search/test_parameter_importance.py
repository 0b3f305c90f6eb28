"""Laws of the importance of hyperparameters, on scores that a test makes up."""

from collections.abc import Callable, Mapping

import optuna
import pytest
from search_fakes import WIDE, small_space

from autokeras_lite.errors import SpaceError
from autokeras_lite.search.parameter_importance import COLUMNS, FEWEST_TRIALS, parameter_importance
from autokeras_lite.spaces.domain import Value

SPACE = small_space(WIDE)
Score = Callable[[Mapping[str, Value]], float]


def trials(score: Score, number: int = 120, seed: int = 0) -> list[tuple[Mapping[str, Value], float]]:
    """Draw configurations at random, after the ready ones, and score them."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    drawn = [*SPACE.starts(), *(SPACE.suggest(study.ask()) for _ in range(number))][:number]
    return [(values, score(values)) for values in drawn]


def test_a_parameter_that_alone_decides_has_the_most_importance() -> None:
    found = parameter_importance(SPACE, trials(lambda values: -abs(float(values["dropout"] or 0) - 0.2)), "maximize")
    assert tuple(found) == COLUMNS
    assert found["parameter"][0] == "dropout"
    assert found["importance"][0] > 0.6
    assert found["importance"].sum() == pytest.approx(1)
    assert found["importance"].is_monotonic_decreasing
    assert set(found["space"]) == {"wide"}


def test_the_direction_turns_scores_round() -> None:
    drawn = trials(lambda values: float(values["depth"] or 0))
    negated = [(values, -score) for values, score in drawn]
    assert parameter_importance(SPACE, drawn, "maximize").equals(parameter_importance(SPACE, negated, "minimize"))
    assert parameter_importance(SPACE, drawn, "maximize")["parameter"][0] == "depth"


def test_a_conditional_parameter_counts_where_it_is_active() -> None:
    def score(values: Mapping[str, Value]) -> float:
        rate = values.get("learning_rate.sgd")
        return 0.0 if rate is None else float(rate or 0)

    drawn = trials(score)
    found = parameter_importance(SPACE, drawn, "maximize").set_index("parameter")
    assert found.index[0] == "learning_rate.sgd"
    assert found["importance"]["learning_rate.adam"] == 0  # none of the best trials has it
    active = [name for values, _ in drawn for name in values]
    assert {name: found["trials"][name] for name in found.index} == {name: active.count(name) for name in found.index}
    assert found["trials"]["learning_rate.sgd"] + found["trials"]["learning_rate.adam"] == len(drawn)


def test_every_parameter_that_is_searched_has_a_row_and_no_fixed_one() -> None:
    found = parameter_importance(SPACE, trials(lambda values: float(values["width"] or 0)), "maximize")
    searched = {"depth", "width", "norm", "optimizer", "learning_rate.adam", "learning_rate.sgd", "dropout"}
    assert set(found["parameter"]) == searched


def test_equal_scores_make_nothing_important() -> None:
    found = parameter_importance(SPACE, trials(lambda values: 0.5), "maximize")
    assert (found["importance"] == 0).all()
    assert len(found) == 7


@pytest.mark.parametrize(("number", "rows"), [(FEWEST_TRIALS - 1, 0), (FEWEST_TRIALS, 7)])
def test_few_trials_say_nothing(number: int, rows: int) -> None:
    found = parameter_importance(SPACE, trials(lambda values: float(values["width"] or 0), number), "maximize")
    assert tuple(found) == COLUMNS
    assert len(found) == rows


def test_it_is_deterministic() -> None:
    drawn = trials(lambda values: float(values["width"] or 0))
    assert parameter_importance(SPACE, drawn, "maximize").equals(parameter_importance(SPACE, drawn, "maximize"))


def test_values_of_another_space_are_refused() -> None:
    drawn = [({**values, "dropout": 0.9}, score) for values, score in trials(lambda values: 1.0)]
    with pytest.raises(SpaceError, match="dropout"):
        parameter_importance(SPACE, drawn, "maximize")


def test_what_a_space_forgives_as_rounding_is_taken() -> None:
    drawn = [({**values, "dropout": 0.5 * (1 + 1e-12)}, score) for values, score in trials(lambda values: 1.0)]
    assert len(parameter_importance(SPACE, drawn, "maximize")) == 7
