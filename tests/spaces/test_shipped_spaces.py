"""Contract of every space that ships with the program."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autokeras_lite.data.dataset import InputKind
from autokeras_lite.models import layer_stack
from autokeras_lite.models.check import CANONICAL_SHAPES, RandomSuggester, check_space
from autokeras_lite.models.registry import FAMILIES
from autokeras_lite.spaces.listing import shipped_names
from autokeras_lite.spaces.load import load_space
from autokeras_lite.spaces.shapes import repair_stack, trace_shapes
from autokeras_lite.trial import TrainingConfig, recipe_fields

SPACES = {name: load_space(name) for name in shipped_names()}
STACKS = {name: space for name, space in SPACES.items() if space.stack is not None}
MODELS = {name: space for name, space in SPACES.items() if space.stack is None}
SMALL_SHAPES = {
    InputKind.TABLE: (1,),
    InputKind.IMAGE: (3, 2, 1),
    InputKind.SEQUENCE: (2, 1),
    InputKind.TOKENS: (1,),
}


@pytest.mark.parametrize("name", SPACES)
def test_every_shipped_space_fits_its_family(name):
    check_space(SPACES[name], {**FAMILIES, "layer_stack": layer_stack.FAMILY})


@pytest.mark.parametrize("name", STACKS)
def test_every_shipped_stack_has_ready_configurations(name):
    space = SPACES[name]
    assert len(space.portfolio) >= 3
    assert len(space.starts()) == 1 + len(space.portfolio)
    for values in space.starts():
        assert space.contains(values)


@pytest.mark.parametrize("name", MODELS)
def test_every_published_model_has_eight_learned_configurations_or_more_and_some_for_many_rows(name):
    space = MODELS[name]
    assert len(space.portfolio) >= 8
    assert len(space.starts()) == 1 + len(space.portfolio)
    assert len({tuple(sorted(values.items())) for values in space.starts()}) == len(space.starts())
    assert all(space.contains(values) for values in space.starts())
    assert len([ready for ready in space.portfolio if ready.most_rows is None]) >= 3


@pytest.mark.parametrize("name", STACKS)
def test_every_shipped_stack_searches_how_to_train(name):
    searched = {p.config_field for p in SPACES[name].parameters if p.domain.size() != 1}
    assert {"optimizer", "learning_rate", "weight_decay", "schedule", "batch_size"} <= searched


@pytest.mark.parametrize("name", STACKS)
@given(seed=st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_any_suggestion_can_be_built_on_rows_of_any_size(name, seed):
    space = STACKS[name]
    values = space.suggest(RandomSuggester(seed))
    assert space.contains(values)
    config, training = space.assemble(values)
    assert isinstance(training, TrainingConfig)
    for kind in space.accepts:
        for shape in (CANONICAL_SHAPES[kind], SMALL_SHAPES[kind]):
            repaired = repair_stack(config["stack"], shape, kind)
            assert len(trace_shapes(repaired, shape, kind)[-1][1]) == 1


@pytest.mark.parametrize("name", STACKS)
@given(seed=st.integers(0, 2**31))
@settings(max_examples=10, deadline=None)
def test_recipe_parameters_change_only_recipe_values(name, seed):
    space = STACKS[name]
    values = space.suggest(RandomSuggester(seed))
    names = space.recipe_names(recipe_fields(layer_stack.LayerStackConfig))
    fresh = space.suggest(RandomSuggester(seed + 1))
    mixed = space.complete(
        {n: v for n, v in values.items() if n not in names} | {n: fresh[n] for n in names & fresh.keys()}
    )
    assert structure_of(space, values) == structure_of(space, mixed)


def structure_of(space, values):
    config, training = space.assemble(values)
    plain = {n: v for n, v in vars(training).items() if n not in recipe_fields(TrainingConfig)}
    return plain, without_recipe(config)


def without_recipe(value):
    if isinstance(value, dict):
        return {name: without_recipe(inner) for name, inner in value.items() if name not in ("rate", "l1", "l2")}
    return [without_recipe(inner) for inner in value] if isinstance(value, list) else value
