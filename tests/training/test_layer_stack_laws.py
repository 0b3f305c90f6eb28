"""The laws of cohort training for stacks of every kind of layer: in lanes where they can, alone where they cannot."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cohort_laws import assert_same, fitted, go_on, trained
from small_data import TASKS, make_data

from autokeras_lite.data.arrays import ArraySpec, EncodedData, EncodedFold, InputSpec
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.models.registry import FAMILIES
from autokeras_lite.spaces.load import read_space
from autokeras_lite.tasks.task import TaskKind
from autokeras_lite.training.cohort import train_cohort
from autokeras_lite.trial import TrialSpec

KIND = TaskKind.MULTICLASS
HEAD = """
family = "layer_stack"
summary = "A stack to test"
accepts = ["{accepts}"]

[parameters]
optimizer = "sgd"
learning_rate = 0.05
batch_size = 32
epochs = 2
patience = 2
"""
STACKS = {
    "dense, residual and parallel": (
        "table",
        True,
        """
[[stack]]
name = "hidden"
residual = true
slots = [
    { name = "dense", layers = [{ kind = "Dense", units = 12, activation = "gelu", l2 = 1e-3 }] },
    { name = "noise", layers = [{ kind = "Dropout", rate = 0.2 }] },
]
[[stack]]
name = "both"
join = "concatenate"
branches = [
    [{ name = "left", layers = [{ kind = "Dense", units = 5, activation = "tanh" }] }],
    [
        { name = "right", layers = [{ kind = "Dense", units = 4 }] },
        { name = "norm", layers = [{ kind = "LayerNormalization" }] },
    ],
]
""",
    ),
    "bidirectional LSTM": (
        "sequence",
        True,
        """
[[stack]]
name = "cell"
layers = [{ kind = "LSTM", units = 5, bidirectional = true }]
[[stack]]
name = "pool"
layers = [{ kind = "GlobalMaxPooling1D" }]
""",
    ),
    "convolutions, pooling and a residual branch": (
        "image",
        False,
        """
[[stack]]
name = "block"
residual = true
slots = [
    { name = "conv", layers = [{ kind = "Conv2D", filters = 4, kernel_size = 3, use_bias = false }] },
    { name = "norm", layers = [{ kind = "BatchNormalization" }] },
    { name = "relu", layers = [{ kind = "Activation", activation = "relu" }] },
]
[[stack]]
name = "pool"
layers = [{ kind = "MaxPooling2D", pool_size = 2 }]
[[stack]]
name = "flat"
layers = [{ kind = "Flatten" }]
[[stack]]
name = "noise"
layers = [{ kind = "Dropout", rate = 0.3 }]
""",
    ),
    "embedding and attention": (
        "tokens",
        True,
        """
[[stack]]
name = "embedding"
layers = [{ kind = "Embedding", output_dim = 6 }]
[[stack]]
name = "attention"
layers = [{ kind = "MultiHeadAttention", num_heads = 2, key_dim = 3 }]
[[stack]]
name = "cell"
layers = [{ kind = "GRU", units = 4, return_sequences = false }]
""",
    ),
}
SHAPES = {
    "sequence": ArraySpec("values", (7, 3)),
    "image": ArraySpec("pixels", (6, 6, 2)),
    "tokens": ArraySpec("tokens", (8,), "int32"),
}


def data_for(accepts: str) -> EncodedData:
    """Make rows of this kind; their targets are those of the table."""
    table = make_data(KIND, codes_given=False)
    if accepts == "table":
        return table
    array, rng = SHAPES[accepts], np.random.default_rng(0)
    rows = len(table.labels)
    is_tokens = accepts == "tokens"
    values = rng.integers(0, 9, (rows, *array.shape)) if is_tokens else rng.normal(size=(rows, *array.shape))
    fold = table.folds[0]
    made = EncodedFold(
        {array.name: values.astype(array.dtype)}, fold.targets, fold.train_rows, fold.validation_rows,
        fold.target_center, fold.target_scale,
    )  # fmt: skip
    return EncodedData(InputSpec(InputKind(accepts), (array,), (9,) if is_tokens else ()), (made,), table.labels)


def spec_for(name: str, number: int = 0, **training: float) -> TrialSpec:
    accepts, _, text = STACKS[name]
    space = read_space((HEAD.format(accepts=accepts) + text).encode(), file="test.toml", name="test")
    config, chosen = space.assemble(space.defaults())
    return TrialSpec(number, "test", "layer_stack", config, replace(chosen, **training), 100 + number, "default")


@pytest.mark.slow
@pytest.mark.parametrize("name", STACKS)
def test_a_stack_trained_alone_is_what_fit_makes_of_it(name, make_job):
    data, spec = data_for(STACKS[name][0]), spec_for(name)
    job = make_job(data, TASKS[KIND], (spec,), stop_after=2)
    train_cohort(job, go_on)
    assert_same(trained(job, 0, KIND), fitted(spec, data, KIND, seed=7))


@pytest.mark.slow
@pytest.mark.parametrize("name", STACKS)
def test_a_stack_in_a_cohort_is_the_stack_alone(name, make_job, tmp_path: Path):
    data = data_for(STACKS[name][0])
    specs = tuple(spec_for(name, n, learning_rate=rate) for n, rate in enumerate((0.05, 0.02, 0.01)))
    together = make_job(data, TASKS[KIND], specs, stop_after=2)
    train_cohort(together, go_on)
    alone = replace(together, cohort=replace(together.cohort, specs=(specs[1],)), trials_folder=tmp_path / "alone")
    train_cohort(alone, go_on)
    assert_same(trained(alone, 1, KIND), trained(together, 1, KIND))


@pytest.mark.parametrize("name", STACKS)
def test_convolutions_train_alone_and_everything_else_in_lanes(name):
    assert FAMILIES["layer_stack"].has_lanes(spec_for(name).config) is STACKS[name][1]
