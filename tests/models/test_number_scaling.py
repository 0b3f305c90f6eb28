"""A model takes the numbers of a table in one of two arrays, and a space says which may be asked for."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from autokeras_lite.data.arrays import ArraySpec, InputSpec
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.errors import SpaceError
from autokeras_lite.models.build import build_model
from autokeras_lite.models.check import wants_quantiles
from autokeras_lite.models.front import OutputSpec, input_layers, joined_features, numbers_of
from autokeras_lite.models.registry import FAMILIES
from autokeras_lite.models.rows import TrainingRows
from autokeras_lite.spaces.domain import Fixed
from autokeras_lite.spaces.listing import shipped_names
from autokeras_lite.spaces.load import load_space
from autokeras_lite.tasks.task import TaskKind

ARRAYS = (
    ArraySpec("numbers", (4,)),
    ArraySpec("quantiles", (4,)),
    ArraySpec("flags", (3,)),
    ArraySpec("codes", (2,), "int32"),
)
BOTH = InputSpec(InputKind.TABLE, ARRAYS, (5, 30))
WITHOUT = InputSpec(InputKind.TABLE, (ARRAYS[0], *ARRAYS[2:]), (5, 30))
SCALED = [name for name, family in FAMILIES.items() if hasattr(family.config_type(), "number_scaling")]
TABULAR = [name for name, family in FAMILIES.items() if family.accepts == {InputKind.TABLE}]
OUTPUTS = OutputSpec(TaskKind.MULTICLASS, 3)


def rows_of(count: int = 40) -> TrainingRows:
    rng = np.random.default_rng(0)
    inputs = {array.name: rng.normal(size=(count, *array.shape)).astype("float32") for array in ARRAYS}
    inputs["quantiles"] = inputs["numbers"] ** 3
    return TrainingRows(inputs, rng.normal(size=(count, 3)).astype("float32"))


def test_a_spec_is_narrowed_to_one_way_of_scaling():
    assert BOTH.scaled() == WITHOUT
    assert [array.name for array in BOTH.scaled("quantile").arrays] == ["quantiles", "flags", "codes"]


@pytest.mark.parametrize("scaling", ["robust", "quantile"])
def test_inputs_are_made_for_one_way_of_scaling(scaling):
    layers = input_layers(BOTH, scaling)
    assert list(layers) == ["numbers" if scaling == "robust" else "quantiles", "flags", "codes"]
    assert numbers_of(layers) is layers[next(iter(layers))]
    assert joined_features(layers, BOTH, 2).shape == (None, 4 + 3 + 2 + 2)


def test_what_is_no_table_or_has_no_numbers_is_taken_either_way():
    pixels = InputSpec(InputKind.IMAGE, (ArraySpec("pixels", (4, 4, 1)),))
    assert list(input_layers(pixels)) == ["pixels"]
    flags = InputSpec(InputKind.TABLE, (ARRAYS[2],))
    assert list(input_layers(flags, "quantile")) == ["flags"]
    assert numbers_of(input_layers(flags)) is None


def test_numbers_that_were_not_encoded_so_are_refused():
    with pytest.raises(SpaceError, match=r"encoded without the array 'quantiles'. Expected"):
        input_layers(WITHOUT, "quantile")


@pytest.mark.parametrize("family", TABULAR)
def test_by_default_a_family_takes_the_array_that_it_always_took(family):
    for inputs in (BOTH, WITHOUT):
        model = build_model(family, {}, inputs, OUTPUTS, seed=0)
        assert set(model.input) == {"numbers", "flags", "codes"}


@pytest.mark.slow
@pytest.mark.parametrize("family", SCALED)
def test_a_family_that_may_takes_quantiles_and_nothing_else_changes(family):
    rows = rows_of()
    robust = build_model(family, {}, BOTH, OUTPUTS, seed=0)
    quantile = build_model(family, {"number_scaling": "quantile"}, BOTH, OUTPUTS, seed=0)
    assert set(quantile.input) == {"quantiles", "flags", "codes"}
    given = {name: np.abs(rows.inputs[name]) for name in ("flags", "codes")}
    given["codes"] = np.ones((len(rows), 2), "int32")
    numbers = rows.inputs["numbers"]
    expected = robust.predict_on_batch({**given, "numbers": numbers})
    np.testing.assert_array_equal(quantile.predict_on_batch({**given, "quantiles": numbers}), expected)


@pytest.mark.parametrize("scaling", ["robust", "quantile"])
def test_bins_are_those_of_the_array_that_the_model_takes(scaling):
    rows = rows_of()
    config = {"number_scaling": scaling, "bins": 4, "number_embedding": "piecewise"}
    model = build_model("tabular_tabm", config, BOTH, OUTPUTS, seed=0, rows=rows)
    taken = rows.inputs["numbers" if scaling == "robust" else "quantiles"]
    layer: keras.layers.Layer = model.get_layer("bins")
    low, high = taken.min(axis=0), np.quantile(taken, 0.25, axis=0)
    np.testing.assert_allclose(np.asarray(layer.kernel)[:, 0], 1.0 / (high - low), rtol=1e-4)


def test_only_spaces_that_may_ask_for_quantiles_want_them():
    wanting = {name for name in shipped_names() if wants_quantiles(load_space(name), FAMILIES)}
    assert "tabular_tabm" in wanting
    assert not wanting & {"tabular_mlp", "dense_stack", "tabular_realmlp", "image_stack"}


def test_a_space_that_fixes_the_scaling_wants_what_it_fixes():
    space = load_space("tabular_tabm")
    for scaling in ("robust", "quantile"):
        fixed = tuple(
            replace(parameter, domain=Fixed(scaling)) if parameter.name == "number_scaling" else parameter
            for parameter in space.parameters
        )
        assert wants_quantiles(replace(space, parameters=fixed, portfolio=()), FAMILIES) == (scaling == "quantile")
