"""Numbers of a table as features of a network: through learned waves, or filled piecewise linearly.

Gorishniy et al. 2022, "On Embeddings for Numerical Features in Tabular Deep Learning", sections 3.2 and 3.3. Each takes
`(rows, columns)` scaled numbers and returns `(rows, columns * width)` features.
"""

import math
from typing import Any

import keras

from autokeras_lite.models.first_weights import around_zero
from autokeras_lite.models.piecewise import piecewise_encoding


def periodic_features(numbers: Any, *, frequencies: int, width: int, scale: float) -> Any:
    """Make of each number `relu(W [sin(2 pi c x), cos(2 pi c x), x] + b)`; first `c` have the deviation `scale`."""
    columns = numbers.shape[1]
    angles = keras.layers.EinsumDense(
        "bn,nf->bnf",
        output_shape=(columns, frequencies),
        kernel_initializer=keras.initializers.RandomNormal(stddev=2 * math.pi * scale),
        name="frequencies",
    )(numbers)
    waves = keras.layers.Concatenate(name="waves")(
        [keras.ops.sin(angles), keras.ops.cos(angles), keras.ops.expand_dims(numbers, -1)]
    )
    embedded = keras.layers.EinsumDense(
        "bnw,nwd->bnd",
        output_shape=(columns, width),
        bias_axes="nd",
        activation="relu",
        name="number_embedding",
    )(waves)
    return keras.layers.Flatten(name="embedded_numbers")(embedded)


def piecewise_features(numbers: Any, *, bins: int, width: int, use_bias: bool = True) -> Any:
    """Make of each number `w x + b + V p(x)`, where `p` says how far it fills each bin and `V` begins at 0.

    That is the form of TabM (Gorishniy, Kotelnikov and Babenko 2025). Until `piecewise.set_bins` was called the bins
    say nothing.
    """
    columns = numbers.shape[1]
    linear = keras.layers.EinsumDense(
        "bn,nd->bnd",
        output_shape=(columns, width),
        bias_axes="nd" if use_bias else None,
        kernel_initializer=around_zero(width),
        bias_initializer=around_zero(width),
        name="linear_part",
    )(numbers)
    pieces = keras.layers.EinsumDense(
        "bnt,ntd->bnd", output_shape=(columns, width), kernel_initializer="zeros", name="piecewise_part"
    )(piecewise_encoding(numbers, columns, bins))
    return keras.layers.Flatten(name="embedded_numbers")(keras.layers.Add(name="embedding")([linear, pieces]))
