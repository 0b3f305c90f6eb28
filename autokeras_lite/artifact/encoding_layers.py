"""An encoding as Keras layers: the graph that stands in front of a trained network in its file.

Only layers and operations that Keras ships are used, so that the file loads where this package is not installed. The
arithmetic is that of `autokeras_lite.data.encode_formula`, called with `keras.ops` in place of numpy.
"""

from collections.abc import Callable, Container
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from autokeras_lite.data.arrays import NUMBER_ARRAYS
from autokeras_lite.data.encode import Encoding
from autokeras_lite.data.encode_arrays import ScaledArray, TokenArray
from autokeras_lite.data.encode_formula import (
    known_codes,
    known_tokens,
    level_flags,
    missing_flags,
    number_features,
    quantile_features,
    shifted_numbers,
    standardise,
)
from autokeras_lite.data.encode_table import CategoryColumn, TableEncoding

Tensor = Any  # keras.KerasTensor, which mypy does not know


def encoding_model_inputs(
    encoding: Encoding, taken: Container[str] | None = None
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the inputs of a model file, by raw name, and the encoded arrays made of them, named as in `InputSpec`.

    Of the arrays that hold the same numbers only those are made that the network takes, if `taken` names its inputs.

    A table has one input `(rows, 1)` for each column: string for a category, else float64. Call such a model, or its
    `predict_on_batch`, with what `autokeras_lite.data.encode.raw_inputs` returns: `predict` would cut float64 to
    float32 before the model sees it.
    """
    encoder = _encoding_model(encoding, _left_out(taken))
    names = encoding.raw_names.values()
    inputs = {
        name: keras.Input(inner.shape[1:], dtype=inner.dtype, name=name)
        for name, inner in zip(names, encoder.inputs, strict=True)
    }
    return inputs, encoder(list(inputs.values()))


def _left_out(taken: Container[str] | None) -> frozenset[str]:
    """Return the arrays of numbers not to make; one is always made, so that no input hangs loose."""
    if taken is None:
        return frozenset()
    names = [name for name in NUMBER_ARRAYS.values() if name in taken] or ["numbers"]
    return frozenset(NUMBER_ARRAYS.values()).difference(names)


def _encoding_model(encoding: Encoding, left_out: Container[str]) -> keras.Model:
    """Return the encoding as a model of its own, so that its many small operations cannot clash with column names."""
    content = encoding.content
    if isinstance(content, TableEncoding):
        inputs = [_column_input(index, column) for index, column in enumerate(content.columns)]
        arrays = _table_arrays(content, inputs, left_out)
    else:
        inputs = [keras.Input(content.shape, dtype=content.raw.dtype, name="rows")]
        arrays = {content.raw.name: _encoded_array(content, inputs[0])}
    return keras.Model(inputs, arrays, name="encoding")


def _column_input(index: int, column: Any) -> Tensor:
    dtype = "string" if isinstance(column, CategoryColumn) else "float64"
    return keras.Input((1,), dtype=dtype, name=f"column_{index}")


def _table_arrays(content: TableEncoding, inputs: list[Tensor], left_out: Container[str]) -> dict[str, Tensor]:
    raw_numbers: list[Tensor] = []
    codes: list[Tensor] = []
    for column, tensor in zip(content.columns, inputs, strict=True):
        if isinstance(column, CategoryColumn):
            codes.append(_lookup(column)(tensor))
        else:
            raw_numbers.append(tensor)
    numbers, number_flags = _number_arrays(content, raw_numbers, left_out)
    coded, level = _category_arrays(content, codes)
    flags = number_flags + level
    made = numbers | coded | ({"flags": ops.cast(ops.concatenate(flags, axis=1), "float32")} if flags else {})
    return {array.name: made[array.name] for array in content.inputs.arrays if array.name not in left_out}


def _number_arrays(
    content: TableEncoding, columns: list[Tensor], left_out: Container[str]
) -> tuple[dict[str, Tensor], list[Tensor]]:
    if not columns:
        return {}, []
    plan = content.number_plan
    raw = ops.concatenate(columns, axis=1)
    numbers: dict[str, Tensor] = {}
    if len(plan.origin):
        shifted = shifted_numbers(raw, plan, ops)
        if "numbers" not in left_out:
            numbers["numbers"] = ops.cast(number_features(shifted, ops), "float32")
        if "quantiles" in content.inputs and "quantiles" not in left_out:
            lookup = _knot_lookup(plan.knots) if plan.knots.size else None
            numbers["quantiles"] = ops.cast(quantile_features(shifted, plan, lookup, ops), "float32")
    return numbers, [missing_flags(raw, plan, ops)] if len(plan.flagged) else []


def _knot_lookup(knots: NDArray[np.float64]) -> Callable[[Tensor], Tensor]:
    """Hold the knots as weights of a layer: a constant would stand in the config once for each time it is looked at."""
    layer = keras.layers.Embedding(knots.size, 1, dtype="float64", trainable=False, name="knots")
    layer.build()
    layer.set_weights([knots.reshape(-1, 1)])
    return lambda index: layer(index)[..., 0]


def _category_arrays(content: TableEncoding, columns: list[Tensor]) -> tuple[dict[str, Tensor], list[Tensor]]:
    if not columns:
        return {}, []
    plan = content.category_plan
    codes = known_codes(ops.concatenate(columns, axis=1), plan, ops)
    coded = {"codes": ops.cast(ops.take(codes, plan.coded, axis=1), "int32")} if len(plan.coded) else {}
    return coded, [level_flags(codes, plan, ops)] if len(plan.flag_levels) else []


def _lookup(column: CategoryColumn) -> keras.layers.Layer:
    unseen = "[UNK]"
    while unseen in column.levels:
        unseen += "_"
    return keras.layers.StringLookup(
        vocabulary=list(column.levels), num_oov_indices=1, oov_token=unseen, mask_token=None
    )


def _encoded_array(content: ScaledArray | TokenArray, rows: Tensor) -> Tensor:
    if isinstance(content, TokenArray):
        return ops.cast(known_tokens(rows, content.vocabulary, content.cardinality - 1, ops), "int32")
    scaled = standardise(ops.cast(rows, "float64"), np.array(content.centers), np.array(content.scales), ops)
    return ops.cast(scaled, "float32")
