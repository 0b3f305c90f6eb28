"""The family `tabular_ft_transformer`: its parts are their formulas, and every configuration of its space trains."""

import keras
import numpy as np
import pandas as pd
import pytest

from autokeras_lite.data.arrays import ArraySpec, InputSpec
from autokeras_lite.data.column_kind import ColumnKind, ColumnProfile
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.data.encode_table import fit_table
from autokeras_lite.models.build import build_model
from autokeras_lite.models.check import RandomSuggester
from autokeras_lite.models.front import OutputSpec
from autokeras_lite.spaces.load import load_space
from autokeras_lite.tasks.task import TaskKind

NUMBERS, FLAGS = ArraySpec("numbers", (4,)), ArraySpec("flags", (7,))
CODES = ArraySpec("codes", (2,), "int32")
GROUPS = (1, 1, 3, 2)
ALL = InputSpec(InputKind.TABLE, (NUMBERS, FLAGS, CODES), (5, 30), GROUPS)
SORTS = {
    "numbers": InputSpec(InputKind.TABLE, (NUMBERS,)),
    "flags": InputSpec(InputKind.TABLE, (FLAGS,), (), GROUPS),
    "flags of nobody knows which column": InputSpec(InputKind.TABLE, (FLAGS,)),
    "one flag": InputSpec(InputKind.TABLE, (ArraySpec("flags", (1,)),), (), (1,)),
    "codes": InputSpec(InputKind.TABLE, (CODES,), (5, 2)),
}
SPACE = load_space("tabular_ft_transformer")
OUTPUTS = OutputSpec(TaskKind.MULTICLASS, 3)
SMALL = {"depth": 3, "width": 12, "heads": 4, "attention_dropout": 0.0, "dropout": 0.0}
WITHOUT_DROPOUT = {"dropout": 0.0, "attention_dropout": 0.0, "residual_dropout": 0.0}


def rows_of(inputs: InputSpec, rows: int = 20) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    made = {a.name: rng.integers(0, 2, (rows, *a.shape)).astype(a.dtype) for a in inputs.arrays}
    made |= {"numbers": rng.normal(size=(rows, 4)).astype("float32")} if "numbers" in inputs else {}
    if "codes" in inputs:
        made["codes"] = np.stack([rng.integers(0, c, rows) for c in inputs.cardinalities], axis=1).astype("int32")
    return made


def build(config=SMALL, inputs: InputSpec = ALL, seed: int = 1) -> keras.Model:
    return build_model("tabular_ft_transformer", config, inputs, OUTPUTS, seed=seed)


def train_a_step(values, inputs: InputSpec) -> keras.Model:
    config, _ = SPACE.assemble(values)
    model = build(config, inputs)
    model.compile("adam", keras.losses.CategoricalCrossentropy(from_logits=True), run_eagerly=True)
    targets = keras.utils.to_categorical(np.arange(20) % 3)
    assert np.isfinite(model.train_on_batch(rows_of(inputs), targets))
    return model


def scrambled(model: keras.Model) -> keras.Model:
    """Give every weight that a fresh model has at 0 or 1 another value, so that none of them goes unseen."""
    rng = np.random.default_rng(2)
    for variable in model.variables:
        if np.ptp(np.asarray(variable)) == 0:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    return model


def weights_of(model: keras.Model, layer: str) -> dict[str, np.ndarray]:
    return {v.name: np.asarray(v, np.float64) for v in model.get_layer(layer).variables}


def output_of(model: keras.Model, layer: str, rows: dict[str, np.ndarray]) -> np.ndarray:
    return np.asarray(keras.Model(model.input, model.get_layer(layer).output)(rows), np.float64)


# Tokens.


def test_tokens_of_numbers_are_a_weight_times_the_number_and_a_bias():
    model, rows = build(), rows_of(ALL)
    learned = weights_of(model, "number_tokens")
    expected = rows["numbers"][:, :, None] * learned["kernel"] + learned["bias"]
    np.testing.assert_allclose(output_of(model, "tokens", rows)[:, 1:5], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        output_of(model, "tokens", rows)[:, 0], np.repeat(weights_of(model, "read_out_token")["kernel"], 20, axis=0)
    )


def test_the_flags_of_a_column_are_a_token_and_those_that_stand_alone_share_one():
    model, rows = build(), rows_of(ALL)
    learned = weights_of(model, "flag_tokens")
    assert learned["kernel"].shape == (3, 3, 12)
    columns = [rows["flags"][:, 2:5], rows["flags"][:, 5:7], rows["flags"][:, 0:2]]
    tokens = output_of(model, "tokens", rows)[:, 5:8]
    for index, flags in enumerate(columns):
        expected = flags @ learned["kernel"][index, : flags.shape[1]] + learned["bias"][index]
        np.testing.assert_allclose(tokens[:, index], expected, rtol=1e-5, atol=1e-6)


def test_flags_of_which_no_column_is_known_share_one_token():
    inputs = SORTS["flags of nobody knows which column"]
    model, rows = build(inputs=inputs), rows_of(inputs)
    learned = weights_of(model, "flag_tokens")
    expected = rows["flags"] @ learned["kernel"][0] + learned["bias"][0]
    np.testing.assert_allclose(output_of(model, "tokens", rows)[:, 1], expected, rtol=1e-5, atol=1e-6)


def test_tokens_of_codes_are_a_row_of_their_column_and_its_bias():
    model, rows = build(), rows_of(ALL)
    table = weights_of(model, "code_embedding")["embeddings"]
    assert table.shape == (35, 12)
    expected = np.stack([table[:5][rows["codes"][:, 0]], table[5:][rows["codes"][:, 1]]], axis=1)
    expected += weights_of(model, "code_biases")["kernel"]
    np.testing.assert_allclose(output_of(model, "tokens", rows)[:, 8:], expected, rtol=1e-5, atol=1e-6)


def test_the_encoding_says_which_flags_belong_together():
    frame = pd.DataFrame(
        {
            "few": ["a", "b", "c", "c"] * 30,
            "holes": [1.0, None, 2.0, 5.0] * 30,
            "two": ["x", "y"] * 60,
            "many": [f"level {i % 20}" for i in range(120)],
        }
    )
    kinds = {
        "few": ColumnKind.CATEGORY,
        "holes": ColumnKind.NUMBER,
        "two": ColumnKind.CATEGORY,
        "many": ColumnKind.CATEGORY,
    }
    encoding = fit_table(frame, [ColumnProfile(n, k, "", 0, 0, True) for n, k in kinds.items()])
    inputs = encoding.inputs
    assert inputs.flag_groups == (1, 3, 2)
    flags = encoding.encode(encoding.read(frame))["flags"]
    np.testing.assert_array_equal(flags[:, 0], frame["holes"].isna())
    np.testing.assert_array_equal(flags[:, 1:4].sum(axis=1), 1)
    np.testing.assert_array_equal(flags[:, 4:].sum(axis=1), 1)
    assert InputSpec.from_json(inputs.to_json()) == inputs
    earlier = {name: value for name, value in inputs.to_json().items() if name != "flag_groups"}
    assert InputSpec.from_json(earlier).flag_groups == ()


# Blocks, by the formulas of the publication (section 3.3) and in float64.


def normalised(values: np.ndarray, norm: dict[str, np.ndarray]) -> np.ndarray:
    mean, variance = values.mean(axis=-1, keepdims=True), values.var(axis=-1, keepdims=True)
    return (values - mean) / np.sqrt(variance + 1e-5) * norm["gamma"] + norm["beta"]


def linear(values: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    return values @ weights["kernel"] + weights.get("bias", 0.0)


def attention_of(model: keras.Model, index: int, tokens: np.ndarray, heads: int, width: int) -> np.ndarray:
    query, key, value = (linear(tokens, weights_of(model, f"{name}_{index}")) for name in ("query", "key", "value"))
    mixed = []
    for head in range(heads):
        part = slice(head * width, (head + 1) * width)
        scores = query[..., part] @ key[..., part].swapaxes(1, 2) / np.sqrt(width)
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed.append(powers / powers.sum(axis=-1, keepdims=True) @ value[..., part])
    return linear(np.concatenate(mixed, axis=-1), weights_of(model, f"attention_{index}"))


def feed_forward_of(model: keras.Model, index: int, tokens: np.ndarray) -> np.ndarray:
    left, right = np.split(linear(tokens, weights_of(model, f"widen_{index}")), 2, axis=-1)
    return linear(left * np.maximum(right, 0.0), weights_of(model, f"narrow_{index}"))


def expected_of(model: keras.Model, tokens: np.ndarray, depth: int, heads: int, width: int) -> np.ndarray:
    for index in range(depth):
        normed = tokens if index == 0 else normalised(tokens, weights_of(model, f"attention_norm_{index}"))
        tokens = tokens + attention_of(model, index, normed, heads, width)
        tokens = tokens + feed_forward_of(model, index, normalised(tokens, weights_of(model, f"norm_{index}")))
    last = np.maximum(normalised(tokens[:, 0], weights_of(model, "norm_out")), 0.0)
    return linear(last, weights_of(model, "outputs"))


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("depth", "width", "heads", "head_width"), [(1, 12, 4, 3), (3, 12, 4, 3), (2, 7, 2, 3)])
def test_a_model_is_its_formula(depth, width, heads, head_width, training):
    config = WITHOUT_DROPOUT | {"depth": depth, "width": width, "heads": heads}
    model, rows = scrambled(build(config)), rows_of(ALL)
    expected = expected_of(model, output_of(model, "tokens", rows), depth, heads, head_width)
    np.testing.assert_allclose(model(rows, training=training), expected, rtol=1e-4, atol=1e-5)
    assert model.get_layer("widen_0").units == 2 * round(4 / 3 * width)


def test_every_dropout_stands_where_it_should():
    model = build({"depth": 2, "width": 8, "attention_dropout": 0.3, "dropout": 0.2, "residual_dropout": 0.1})
    for index in range(2):
        of_weights, inside = model.get_layer(f"attention_dropout_{index}"), model.get_layer(f"dropout_{index}")
        assert (of_weights.rate, inside.rate) == (0.3, 0.2)
        assert of_weights.input is model.get_layer(f"attention_weights_{index}").output
        assert model.get_layer(f"narrow_{index}").input is inside.output
        for part in (f"attention_{index}", f"feed_forward_{index}"):
            dropout = model.get_layer(f"{part}_residual_dropout")
            assert dropout.rate == 0.1
            assert model.get_layer(f"{part}_add").input[1] is dropout.output


@pytest.mark.parametrize("sort", ["all", *SORTS])
def test_no_weight_has_a_gradient_of_rounding_noise(sort):
    # A bias of keys would: it adds the same to all scores of a query, and softmax takes it away again.
    inputs = SORTS.get(sort, ALL)
    model, rows = build(SMALL, inputs), rows_of(inputs)
    before = {v.path: np.asarray(v) for v in model.trainable_variables}
    model.compile(keras.optimizers.SGD(1.0), keras.losses.CategoricalCrossentropy(from_logits=True))
    model.train_on_batch(rows, keras.utils.to_categorical(np.arange(20) % 3))
    for variable in model.trainable_variables:
        assert np.abs(np.asarray(variable) - before[variable.path]).max() > 1e-6, variable.path


# The space.


@pytest.mark.slow
def test_defaults_portfolio_and_random_configurations_train_a_step():
    suggester = RandomSuggester(seed=1)
    for values in (*SPACE.starts(), *(SPACE.suggest(suggester) for _ in range(6))):
        model = train_a_step(values, ALL)
        assert model.output.shape == (None, 3)
        assert all(type(layer).__module__.startswith("keras.") for layer in model.layers)


@pytest.mark.slow
@pytest.mark.parametrize("sort", SORTS)
def test_a_table_may_have_columns_of_one_sort_alone(sort):
    for values in SPACE.starts()[:2]:
        train_a_step(values, SORTS[sort])


def test_the_first_weights_depend_on_the_seed_alone():
    first, again, other = (build(seed=s).get_weights() for s in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
