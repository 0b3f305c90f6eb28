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
    encoding = encoding_of(good_table())
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
        encoding = encoding_of(learned_from)
        layers_of(encoding).save(tmp_path / "layers.keras")
        assert_same(encoding, keras.saving.load_model(tmp_path / "layers.keras"), hostile)

    law()


def test_layers_of_a_fold_read_the_levels_of_other_folds_as_unseen():
    table = good_table()
    fold = encoding_of(table, rows=np.arange(20), layout=encoding_of(table))
    assert fold.content.category_columns[1].unlearned
    assert_same(fold, layers_of(fold), table)


@pytest.mark.parametrize("kinds", [{name: kind} for name, kind in KINDS.items()], ids=list(KINDS))
def test_one_column_alone_is_encoded(kinds):
    table = good_table()
    encoding = encoding_of(table, kinds)
    assert_same(encoding, layers_of(encoding), table)


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
