"""Learned numbers that do not depend on the row, such as the scales of features."""

from typing import Any

import keras


def learned_factors(hidden: Any, shape: tuple[int, ...], *, first: Any = "ones", by: float = 1.0, name: str) -> Any:
    """Return `by` times learned numbers, `(1, *shape)`, to multiply `hidden` with; `first` initialises them.

    They are the kernel of a stock layer that is given a single 1 made of `hidden`: a layer that multiplied the rows
    itself (`EinsumDense("bn,n->bn")`) would be computed as a product of matrices for each feature, much more slowly.
    """
    axes = "xyz"[: len(shape)]
    one = keras.ops.ones_like(hidden[(slice(1), *(0 for _ in hidden.shape[1:]))])
    layer = keras.layers.EinsumDense(f"b,{axes}->b{axes}", output_shape=shape, kernel_initializer=first, name=name)
    return layer(one if by == 1.0 else one * by)
