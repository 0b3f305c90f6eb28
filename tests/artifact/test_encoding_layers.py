"""The encoding as layers is the encoding as arrays, whatever comes."""

import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from tiny_artifact import HOSTILE_TABLES, KINDS, TASKS, encoding_of, good_table, make

from autokeras_lite.artifact.assemble import assemble_model
from autokeras_lite.artifact.encoding_layers import encoding_model_inputs
from autokeras_lite.artifact.parity import measure_parity
from autokeras_lite.data.column_kind import ColumnKind
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.data.encode import Encoding, Inputs, raw_inputs
from autokeras_lite.tasks.task import TaskKind

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ARRAYS = {
    InputKind.IMAGE: np.random.default_rng(0).integers(0, 256, (30, 5, 4, 3), np.uint8),
    InputKind.SEQUENCE: np.random.default_rng(0).normal(1e6, 3.0, (30, 6, 2)),
    InputKind.TOKENS: np.random.default_rng(0).integers(0, 40, (30, 9)),
}


def layers_of(encoding: Encoding) -> keras.Model:
    return keras.Model(*encoding_model_inputs(encoding))


def assert_same(encoding: Encoding, model: keras.Model, inputs: Inputs) -> None:
    expected = encoding.encode(inputs)
    given_by_layers = model.predict_on_batch(raw_inputs(encoding, inputs))
    assert list(given_by_layers) == list(expected)
    for name, array in expected.items():
        assert given_by_layers[name].dtype == array.dtype
        assert np.isfinite(given_by_layers[name]).all()
        np.testing.assert_allclose(given_by_layers[name], array, rtol=1e-6, atol=1e-6)


def test_layers_encode_a_hundred_hostile_rows_as_arrays_are_encoded():
    encoding = encoding_of(good_table(), quantiles=True)
    model = layers_of(encoding)

    @given(HOSTILE_TABLES)
    @settings(deadline=None, max_examples=40)
    def law(hostile):
        assert_same(encoding, model, hostile)

    law()


@pytest.mark.slow
def test_layers_learned_from_hostile_rows_encode_alike_after_they_were_saved_and_loaded(tmp_path):
    @given(HOSTILE_TABLES, HOSTILE_TABLES)
    @settings(deadline=None, max_examples=10)
    def law(learned_from, hostile):
        encoding = encoding_of(learned_from, quantiles=True)
        layers_of(encoding).save(tmp_path / "layers.keras")
        assert_same(encoding, keras.saving.load_model(tmp_path / "layers.keras"), hostile)

    law()


def test_layers_of_a_fold_read_the_levels_of_other_folds_as_unseen():
    table = good_table()
    fold = encoding_of(table, rows=np.arange(20), layout=encoding_of(table, quantiles=True))
    assert fold.content.category_columns[1].unlearned
    assert_same(fold, layers_of(fold), table)


@pytest.mark.parametrize("kinds", [{name: kind} for name, kind in KINDS.items()], ids=list(KINDS))
def test_one_column_alone_is_encoded(kinds):
    table = good_table()
    encoding = encoding_of(table, kinds, quantiles=True)
    assert_same(encoding, layers_of(encoding), table)


NUMBERS = np.random.default_rng(0)
HARD_COLUMNS = {
    "heavy tails": NUMBERS.standard_cauchy(500) ** 3,
    "few values": NUMBERS.integers(0, 3, 500).astype(float),
    "constant": np.full(500, 7.25),
    "nearly constant": np.where(np.arange(500) == 17, 1.0, 1.0 - 1e-13),
    "far from zero": 1e15 + NUMBERS.integers(0, 9, 500),
    "tiny": NUMBERS.normal(size=500) * 1e-140,
    "below every width": NUMBERS.normal(size=500) * 1e-310,
    "immense": NUMBERS.normal(size=500) * 1e145,
    "beyond": np.where(np.arange(500) < 200, 1e300, NUMBERS.normal(size=500)),
    "two apart": np.where(np.arange(500) < 250, -1e12, 1e-12),
    "mostly missing": np.where(np.arange(500) < 497, np.nan, np.arange(500.0)),
}


def test_numbers_of_every_size_have_the_same_scores_in_both_ways():
    table = pd.DataFrame(HARD_COLUMNS)
    encoding = encoding_of(table, dict.fromkeys(HARD_COLUMNS, ColumnKind.NUMBER), quantiles=True)
    model = layers_of(encoding)
    assert_same(encoding, model, table)
    assert_same(encoding, model, table.sample(frac=1.0, axis=1, random_state=0).set_axis(list(HARD_COLUMNS), axis=1))
    knots = pd.DataFrame({c.name: c.knots or [0.0] * 256 for c in encoding.content.columns})
    centers = np.array([column.center for column in encoding.content.columns])
    scales = np.array([column.scale or 1.0 for column in encoding.content.columns])
    for nudge in (-1e-9, 0.0, 1e-9):
        assert_same(encoding, model, (knots + nudge) / scales + centers)
    odd = table.copy()
    odd.iloc[0], odd.iloc[1], odd.iloc[2], odd.iloc[3] = np.inf, -np.inf, np.nan, 5e-324
    assert_same(encoding, model, odd)


@pytest.mark.parametrize("taken", ["numbers", "quantiles"])
def test_only_the_array_that_a_network_takes_is_made(taken):
    table = good_table()
    encoding = encoding_of(table, quantiles=True)
    inputs, arrays = encoding_model_inputs(encoding, {taken, "flags", "codes"})
    assert list(arrays) == [taken, "flags", "codes"]
    model = keras.Model(inputs, arrays)
    has_knots = any("knots" in variable.path for variable in model.variables)
    assert has_knots == (taken == "quantiles")
    np.testing.assert_allclose(
        model.predict_on_batch(raw_inputs(encoding, table))[taken], encoding.encode(table)[taken], atol=1e-6
    )


def test_the_knots_stand_once_in_a_model_file(tmp_path):
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(300, 40)), columns=[f"x{place}" for place in range(40)])
    kinds = dict.fromkeys(table, ColumnKind.NUMBER)
    sizes = []
    for quantiles in (False, True):
        inputs, arrays = encoding_model_inputs(encoding_of(table, kinds, quantiles=quantiles))
        keras.Model(inputs, arrays).save(tmp_path / "layers.keras")
        sizes.append((tmp_path / "layers.keras").stat().st_size)
    assert sizes[1] - sizes[0] < 40 * 257 * 8 + 100_000


@pytest.mark.parametrize("kind", ARRAYS)
def test_layers_encode_arrays_as_they_were_for_training(kind):
    encoding = encoding_of(ARRAYS[kind], kind, np.arange(20))
    model = layers_of(encoding)
    assert_same(encoding, model, ARRAYS[kind])
    odd = ARRAYS[kind].astype(float)
    odd[0, 0], odd[1, 1], odd[2], odd[3] = np.nan, np.inf, 1e300, -1.0
    assert_same(encoding, model, odd)


def test_columns_may_have_any_name():
    names = [
        "a/b",
        "a_b",
        "",
        " ",
        "network",
        "prediction",
        "encoding",
        "concatenate",
        "cast",
        "größe (cm)",
        "日本",
        ".",
    ]
    table = pd.DataFrame({name: [1.0, 2.0, 3.0 + place] for place, name in enumerate(names)})
    encoding = encoding_of(table, dict.fromkeys(names, ColumnKind.NUMBER))
    made = make(encoding)
    model = assemble_model(*made.parts)
    assert measure_parity(model, *made.parts, table).holds


def test_a_level_named_like_the_mark_of_unseen_levels_is_a_level():
    table = pd.DataFrame({"x": ["[UNK]", "[UNK]", "[UNK]_", "[UNK]_", "a"]})
    encoding = encoding_of(table, {"x": ColumnKind.CATEGORY})
    assert_same(encoding, layers_of(encoding), table)


@pytest.mark.parametrize("task", TASKS)
def test_a_model_file_predicts_what_the_network_and_the_arrays_predict(task):
    table = good_table()
    made = make(encoding_of(table), task)
    parity = measure_parity(assemble_model(*made.parts), *made.parts, table)
    assert parity.holds
    assert parity.rows == len(table)


def test_a_difference_between_the_two_ways_is_seen():
    table = good_table()
    made, other = (make(encoding_of(table), TaskKind.REGRESSION, seed) for seed in (0, 1))
    assert not measure_parity(assemble_model(*other.parts), *made.parts, table).holds


def test_at_most_a_thousand_rows_are_compared():
    made = make(encoding_of(good_table()))
    many = pd.concat([good_table()] * 10)
    assert measure_parity(assemble_model(*made.parts), *made.parts, many).rows == 1000


def test_a_model_file_names_its_network_and_its_output():
    made = make(encoding_of(good_table()))
    model = assemble_model(*made.parts)
    assert model.output_names == ["prediction"]
    assert model.get_layer("network").count_params() == made.network.count_params()
