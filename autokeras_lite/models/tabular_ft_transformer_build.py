"""Builds the models of the family `tabular_ft_transformer` from stock Keras layers and operations.

Attention is written out instead of taken from `keras.layers.MultiHeadAttention`, for two reasons. The dropout of its
weights must be a layer of its own, so that lanes may differ in its rate. And keys have no bias here: it would add the
same to all scores of a query, which softmax takes away again, so its gradient would be rounding noise.
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from autokeras_lite.data.arrays import InputSpec
from autokeras_lite.models.first_weights import around_zero
from autokeras_lite.models.front import OutputSpec, input_layers, numbers_of
from autokeras_lite.models.tabular_ft_transformer import TabularFtTransformerConfig

_EPSILON = 1e-5  # that of the publication


def build_tabular_ft_transformer(config: Mapping[str, Any], inputs: InputSpec, outputs: OutputSpec) -> keras.Model:
    """Build the model of `config`; its output is `(rows, units)` without an activation."""
    chosen = TabularFtTransformerConfig(**config)
    layers = input_layers(inputs, chosen.number_scaling)
    tokens = keras.layers.Concatenate(axis=1, name="tokens")(_tokens(layers, inputs, chosen.width))
    for block in range(chosen.depth):
        tokens = _block(tokens, block, chosen)
    hidden = _normalised(tokens[:, 0], name="norm_out")
    hidden = keras.layers.Activation("relu", name="activation_out")(hidden)
    return keras.Model(layers, _linear(hidden, outputs.units, name="outputs"))


# Tokens --------------------------------------------------------------------------------------------------------------


def _tokens(layers: Mapping[str, Any], inputs: InputSpec, width: int) -> list[Any]:
    """Return tokens `(rows, columns, width)`: first the one that is read at the end, then those of the columns."""
    anything = next(iter(layers.values()))
    tokens = [_learned(ops.ones_like(anything[:, :1], dtype="float32"), width, name="read_out_token")]
    numbers = numbers_of(layers)
    if numbers is not None:
        tokens.append(_learned(numbers, width, name="number_tokens", use_bias=True))
    if "flags" in inputs:
        tokens.append(_flag_tokens(layers["flags"], inputs, width))
    if "codes" in inputs:
        tokens.append(_code_tokens(layers["codes"], inputs.cardinalities, width))
    return tokens


def _learned(values: Any, width: int, *, name: str, use_bias: bool = False) -> Any:
    """Return `x w + b` for each value `x` of `(rows, columns)`, with `w` and `b` of its column."""
    return keras.layers.EinsumDense(
        "bn,nd->bnd",
        output_shape=(values.shape[1], width),
        bias_axes="nd" if use_bias else None,
        kernel_initializer=around_zero(width),
        bias_initializer=around_zero(width),
        name=name,
    )(values)


def _flag_tokens(flags: Any, inputs: InputSpec, width: int) -> Any:
    """Return for each group of flags the sum of the rows of a table where it has a 1, and a bias."""
    places, is_used = _flag_places(inputs)
    grouped = ops.take(flags, places, axis=1) * is_used
    return keras.layers.EinsumDense(
        "bgf,gfd->bgd",
        output_shape=(len(places), width),
        bias_axes="gd",
        kernel_initializer=around_zero(width),
        bias_initializer=around_zero(width),
        name="flag_tokens",
    )(grouped)


def _flag_places(inputs: InputSpec) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the flags of each token `(tokens, most flags)`, and 1 where there is one, 0 where the group is shorter.

    The levels of one column make one token, which is what an embedding of its codes would be. Flags that stand alone
    are many and say little (mostly that a number is missing): they share a token. Where nothing is known of the groups,
    all flags do.
    """
    sizes = inputs.flag_groups or inputs["flags"].shape
    starts = np.cumsum([0, *sizes])
    tokens = [list(range(start, start + size)) for start, size in zip(starts, sizes, strict=False) if size > 1]
    alone = [int(start) for start, size in zip(starts, sizes, strict=False) if size == 1]
    tokens += [alone] if alone else []
    longest = max(len(places) for places in tokens)
    padded = [places + [0] * (longest - len(places)) for places in tokens]
    is_used = [[1.0] * len(places) + [0.0] * (longest - len(places)) for places in tokens]
    return np.array(padded, np.int32), np.array(is_used, np.float32)


def _code_tokens(codes: Any, cardinalities: tuple[int, ...], width: int) -> Any:
    """Return for each code a row of one table for all columns, and a bias of its column."""
    firsts = np.cumsum([0, *cardinalities[:-1]]).astype(np.int32)
    embedded = keras.layers.Embedding(
        sum(cardinalities), width, embeddings_initializer=around_zero(width), name="code_embedding"
    )(codes + firsts)
    biases = _learned(ops.ones_like(codes, dtype="float32"), width, name="code_biases")
    return keras.layers.Add(name="code_tokens")([embedded, biases])


# Blocks --------------------------------------------------------------------------------------------------------------


def _block(tokens: Any, index: int, config: TabularFtTransformerConfig) -> Any:
    """Return `y + ffn(norm(y))` of `y = x + attention(norm(x))`; the first attention has no norm before it.

    Of the last block only the first token is read, so only that one is made.
    """
    is_last = index == config.depth - 1
    normed = tokens if index == 0 else _normalised(tokens, name=f"attention_norm_{index}")
    queries, kept = (normed[:, :1], tokens[:, :1]) if is_last else (normed, tokens)
    kept = _added(kept, _attention(queries, normed, index, config), f"attention_{index}", config)
    inside = _normalised(kept, name=f"norm_{index}")
    return _added(kept, _feed_forward(inside, index, config), f"feed_forward_{index}", config)


def _added(tokens: Any, part: Any, name: str, config: TabularFtTransformerConfig) -> Any:
    part = keras.layers.Dropout(config.residual_dropout, name=f"{name}_residual_dropout")(part)
    return keras.layers.Add(name=f"{name}_add")([tokens, part])


def _attention(queries: Any, tokens: Any, index: int, config: TabularFtTransformerConfig) -> Any:
    """Return for each query the mean of all tokens' values, weighed by softmax of `query key / sqrt(head width)`."""
    width = max(1, config.width // config.heads)
    query, key, value = (
        keras.layers.Reshape((given.shape[1], config.heads, width), name=f"{name}_heads_{index}")(
            keras.layers.Dense(
                config.heads * width,
                use_bias=name != "key",
                kernel_initializer=around_zero(config.width),
                name=f"{name}_{index}",
            )(given)
        )
        for name, given in (("query", queries), ("key", tokens), ("value", tokens))
    )
    scores = ops.einsum("bqhd,bkhd->bhqk", query * width**-0.5, key)
    weights = keras.layers.Activation("softmax", name=f"attention_weights_{index}")(scores)
    weights = keras.layers.Dropout(config.attention_dropout, name=f"attention_dropout_{index}")(weights)
    mixed = ops.einsum("bhqk,bkhd->bqhd", weights, value)
    joined = keras.layers.Reshape((queries.shape[1], config.heads * width), name=f"joined_heads_{index}")(mixed)
    return keras.layers.Dense(
        config.width, kernel_initializer=around_zero(config.heads * width), name=f"attention_{index}"
    )(joined)


def _feed_forward(tokens: Any, index: int, config: TabularFtTransformerConfig) -> Any:
    """Return `W2 dropout(a relu(b)) + c`, where `a` and `b` are the halves of `W1 x + d` ("ReGLU")."""
    hidden = max(1, round(config.hidden_factor * config.width))
    both = _linear(tokens, 2 * hidden, name=f"widen_{index}")
    gate = keras.layers.Activation("relu", name=f"activation_{index}")(both[..., hidden:])
    inside = keras.layers.Dropout(config.dropout, name=f"dropout_{index}")(both[..., :hidden] * gate)
    return _linear(inside, config.width, name=f"narrow_{index}")


def _linear(hidden: Any, units: int, *, name: str) -> Any:
    first = hidden.shape[-1]
    return keras.layers.Dense(
        units, kernel_initializer=around_zero(first), bias_initializer=around_zero(first), name=name
    )(hidden)


def _normalised(hidden: Any, *, name: str) -> Any:
    return keras.layers.LayerNormalization(epsilon=_EPSILON, name=name)(hidden)
