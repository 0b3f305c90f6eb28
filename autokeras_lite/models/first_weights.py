"""First weights that publications use and Keras has under no name."""

import keras


def around_zero(inputs: int) -> keras.initializers.Initializer:
    """Return the initialiser of PyTorch's linear layer: uniform up to `1 / sqrt(inputs)` on both sides of 0."""
    bound = float(inputs) ** -0.5
    return keras.initializers.RandomUniform(-bound, bound)
