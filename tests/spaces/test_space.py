"""Laws of search spaces."""

import itertools
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autokeras_lite.data.dataset import InputKind
from autokeras_lite.errors import SpaceError
from autokeras_lite.models.check import RandomSuggester
from autokeras_lite.spaces.domain import Choice, Fixed, FloatRange, IntRange, Parameter
from autokeras_lite.spaces.space import PortfolioEntry, SearchSpace
from autokeras_lite.spaces.training_choices import TRAINING_SETTINGS
from autokeras_lite.trial import TrainingConfig

SWITCH = Parameter("decayed", Choice((True, False), True))
OPTIMIZER = Parameter("optimizer", Choice(("adamw", "sgd", "lion"), "adamw"), config_field="optimizer")
DEPTH = Parameter("depth", IntRange(1, 3, default=2), config_field="depth")
EPOCHS = Parameter("epochs", Fixed(30), config_field="epochs")
MOMENTUM = Parameter("momentum", Choice((0.8, 0.9), 0.9), {"optimizer": ("sgd",)}, "momentum")
RATE = Parameter(
    "learning_rate.adaptive", Choice((1e-3, 1e-2), 1e-3), {"optimizer": ("adamw", "lion")}, "learning_rate"
)
RATE_SGD = Parameter("learning_rate.sgd", Choice((0.1, 0.2, 1), 0.1), {"optimizer": ("sgd",)}, "learning_rate")
DECAY = Parameter("weight_decay", Choice((1e-4, 1e-3), 1e-4), {"decayed": (True,)}, "weight_decay")
ALL = (SWITCH, OPTIMIZER, DEPTH, EPOCHS, MOMENTUM, RATE, RATE_SGD, DECAY)


def make_space(*parameters, portfolio=()):
    return SearchSpace("mine", "some_family", "", frozenset({InputKind.TABLE}), parameters or ALL, portfolio)


@given(seed=st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_whatever_is_suggested_is_contained_and_assembles(seed):
    space = make_space()
    values = space.suggest(RandomSuggester(seed))
    assert space.contains(values)
    config, training = space.assemble(values)
    assert config == {"depth": values["depth"]}
    assert training.optimizer == values["optimizer"]
    assert training.learning_rate == values.get("learning_rate.sgd", values.get("learning_rate.adaptive"))


def test_only_parameters_whose_condition_holds_are_asked_for():
    assert make_space().defaults() == {
        "decayed": True, "optimizer": "adamw", "depth": 2, "epochs": 30,
        "learning_rate.adaptive": 1e-3, "weight_decay": 1e-4,
    }  # fmt: skip


def test_a_switch_is_no_field_of_any_config():
    config, training = make_space().assemble(make_space().complete({"decayed": False}))
    assert "decayed" not in config
    assert training.weight_decay == TrainingConfig().weight_decay


def test_a_whole_number_becomes_a_float_where_floats_are_meant():
    _, training = make_space().assemble(make_space().complete({"optimizer": "sgd", "learning_rate": 1}))
    assert isinstance(training.learning_rate, float)


def test_fixed_parameters_may_be_left_out():
    space = make_space()
    values = space.defaults()
    del values["epochs"]
    assert space.contains(values)
    assert space.assemble(values)[1].epochs == 30


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"depth": 9}, "depth is 9. Expected a whole number from 1 to 3"),
        ({"epochs": 31}, "epochs is 31. Expected 30, which is fixed"),
        ({"momentum": 0.9}, r"momentum is given, but only means something with optimizer in \['sgd'\]"),
        ({"dpeth": 2}, "dpeth is no parameter.*Did you mean 'depth'"),
        ({"optimizer": "sgd"}, "momentum is missing. Expected one of 0.8, 0.9"),
    ],
)
def test_values_outside_the_space_are_refused_with_the_reason(changed, text):
    space = make_space()
    values = {**space.defaults(), **changed}
    assert not space.contains(values)
    with pytest.raises(SpaceError, match=text):
        space.check(values)
    with pytest.raises(SpaceError, match=text):
        space.assemble(values)


def test_the_defaults_come_first_and_the_portfolio_is_completed():
    entry = PortfolioEntry("sgd", {"optimizer": "sgd", "learning_rate": 0.2})
    space = make_space(portfolio=(PortfolioEntry("again the defaults", {"depth": 2}), entry))
    first, second = space.starts()
    assert first == space.defaults()
    assert second == {
        "decayed": True, "optimizer": "sgd", "depth": 2, "epochs": 30, "momentum": 0.9, "learning_rate.sgd": 0.2,
        "weight_decay": 1e-4,
    }  # fmt: skip


def test_what_is_meant_for_fewer_rows_comes_last_where_there_are_more():
    few, any_number = PortfolioEntry("few", {"depth": 1}, most_rows=500), PortfolioEntry("any", {"depth": 3})
    space = make_space(portfolio=(few, any_number))
    assert [values["depth"] for values in space.starts(500)] == [2, 1, 3]
    assert [values["depth"] for values in space.starts(501)] == [2, 3, 1]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"depth": 4}, "portfolio entry 'x': depth is 4"),
        ({"momentum": 0.9}, "portfolio entry 'x': momentum is given, but only means something with optimizer"),
        ({"learning_rate": 0.2}, "portfolio entry 'x': learning_rate.adaptive is 0.2"),
        ({"learning_rate.sgd": 0.2}, "portfolio entry 'x': learning_rate.sgd is given, but only"),
        ({"width": 4}, "portfolio entry 'x': width is no parameter"),
    ],
)
def test_a_portfolio_entry_outside_the_space_is_refused(values, text):
    with pytest.raises(SpaceError, match=text):
        make_space(portfolio=(PortfolioEntry("x", values),))


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ((MOMENTUM, OPTIMIZER), "momentum depends on 'optimizer', which does not stand above it"),
        ((OPTIMIZER, Parameter("a", Fixed(1), {"optimizer": ("sdg",)})), "optimizer = 'sdg', which never holds"),
        ((DEPTH, DEPTH), "can both be active|stands twice"),
        ((OPTIMIZER, RATE, Parameter("learning_rate.b", Fixed(1.0), {"optimizer": ("lion",)}, "learning_rate")),
         "learning_rate.adaptive and learning_rate.b can both be active"),
    ],
)  # fmt: skip
def test_contradictory_parameters_are_refused(parameters, text):
    with pytest.raises(SpaceError, match=text):
        make_space(*parameters)


def every_configuration(space):
    """Count by trying everything."""
    names = [p.name for p in space.parameters]
    options = []
    for parameter in space.parameters:
        domain = parameter.domain
        values = range(domain.low, domain.high + 1) if isinstance(domain, IntRange) else None
        options.append([None, *(values or (domain.options if isinstance(domain, Choice) else (domain.default,)))])
    combinations = (
        {n: v for n, v in zip(names, chosen, strict=True) if v is not None} for chosen in itertools.product(*options)
    )
    fixed = {p.name for p in space.parameters if isinstance(p.domain, Fixed)}
    return sum(space.contains(values) for values in combinations if fixed <= values.keys())


def test_the_size_counts_each_configuration_once():
    chained = (
        DEPTH,
        Parameter("a", Choice(("x", "y", "z"), "x"), {"depth": (2, 3)}),
        Parameter("b", IntRange(1, 4, default=1), {"a": ("y",)}),
        Parameter("c", Choice((True, False), True), {"b": (3,), "depth": (3,)}),
    )
    for space in (make_space(), make_space(*chained)):
        assert space.size() == every_configuration(space)


def test_a_continuous_range_has_no_size():
    assert make_space(DEPTH, Parameter("x", FloatRange(0.0, 1.0, default=0.5))).size() is None


def test_a_switch_is_recipe_where_everything_that_it_steers_is():
    names = make_space().recipe_names({"dropout"})
    assert names == {"decayed", "learning_rate.adaptive", "learning_rate.sgd", "weight_decay"}
    steers_depth = (SWITCH, Parameter("depth", Fixed(1), {"decayed": (True,)}, "depth"), DECAY)
    assert make_space(*steers_depth).recipe_names(()) == {"weight_decay"}
    assert make_space(*steers_depth).recipe_names({"depth"}) == {"decayed", "depth", "weight_decay"}


def test_training_settings_are_the_fields_of_the_training_config():
    assert set(TRAINING_SETTINGS) == {field.name for field in fields(TrainingConfig)}
    for name, setting in TRAINING_SETTINGS.items():
        assert setting.default == vars(TrainingConfig())[name]
        setting.check(setting.default)
