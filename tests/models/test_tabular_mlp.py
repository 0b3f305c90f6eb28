"""The family `tabular_mlp`: every configuration of its shipped space builds a model of stock layers that trains."""

import keras
import numpy as np
import pytest

from autokeras_lite.data.arrays import ArraySpec, InputSpec
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.models.build import build_model
from autokeras_lite.models.check import RandomSuggester
from autokeras_lite.models.front import OutputSpec
from autokeras_lite.spaces.load import load_space
from autokeras_lite.tasks.task import TaskKind

NUMBERS, FLAGS = ArraySpec("numbers", (4,)), ArraySpec("flags", (3,))
CODES = ArraySpec("codes", (2,), "int32")
ALL = InputSpec(InputKind.TABLE, (NUMBERS, FLAGS, CODES), (5, 30))
SPACE = load_space("tabular_mlp")


def rows_of(inputs: InputSpec) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {a.name: rng.integers(0, 2, (6, *a.shape)).astype(a.dtype) for a in inputs.arrays}


def train_a_step(values, inputs: InputSpec) -> keras.Model:
    config, _ = SPACE.assemble(values)
    model = build_model("tabular_mlp", config, inputs, OutputSpec(TaskKind.MULTICLASS, 3), seed=1)
    model.compile("adam", keras.losses.CategoricalCrossentropy(from_logits=True), run_eagerly=True)
    targets = keras.utils.to_categorical(np.arange(6) % 3)
    assert np.isfinite(model.train_on_batch(rows_of(inputs), targets))
    return model


@pytest.mark.slow
def test_defaults_portfolio_and_random_configurations_train_a_step():
    suggester = RandomSuggester(seed=1)
    for values in (*SPACE.starts(), *(SPACE.suggest(suggester) for _ in range(20))):
        model = train_a_step(values, ALL)
        assert model.output.shape == (None, 3)
        layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Layer)]
        assert all(type(layer).__module__.startswith("keras.") for layer in layers)


@pytest.mark.slow
@pytest.mark.parametrize(
    "inputs",
    [
        InputSpec(InputKind.TABLE, (NUMBERS,)),
        InputSpec(InputKind.TABLE, (FLAGS,)),
        InputSpec(InputKind.TABLE, (CODES,), (5, 2)),
    ],
    ids=["numbers", "flags", "codes"],
)
def test_a_table_may_have_columns_of_one_sort_alone(inputs):
    for values in SPACE.starts():
        train_a_step(values, inputs)


@pytest.mark.slow
def test_the_first_weights_depend_on_the_seed_alone():
    config, _ = SPACE.assemble(SPACE.defaults())
    outputs = OutputSpec(TaskKind.BINARY, 1)
    first, again, other = (build_model("tabular_mlp", config, ALL, outputs, seed=s).get_weights() for s in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
