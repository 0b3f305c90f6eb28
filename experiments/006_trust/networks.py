"""Small networks trained side by side in numpy, so that hundreds of searches fit into minutes.

Two hidden layers, Adam with decoupled decay, dropout, cosine schedule: enough to have good and bad configurations, and
epochs of which the best is kept. Lanes that belong to folds train on rows of their own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
WIDTH = 48
_BETAS = 0.9, 0.999


@dataclass(frozen=True)
class Recipes:
    """The configurations of a search, one entry for each lane."""

    rates: Array
    decays: Array
    dropouts: Array
    widths: NDArray[np.int64]

    @classmethod
    def draw(cls, number: int, rng: np.random.Generator) -> "Recipes":
        """Draw configurations; the first is the default, in the middle of every range."""
        rates = np.exp(rng.uniform(np.log(3e-4), np.log(3e-2), number))
        decays = np.exp(rng.uniform(np.log(1e-4), np.log(0.3), number))
        dropouts, widths = rng.uniform(0.0, 0.6, number), rng.integers(2, WIDTH + 1, number)
        rates[0], decays[0], dropouts[0], widths[0] = 3e-3, 1e-2, 0.1, WIDTH // 2
        return cls(rates.astype("f4"), decays.astype("f4"), dropouts.astype("f4"), widths)

    def take(self, lanes: NDArray[np.int64]) -> "Recipes":
        """Return the recipes of these lanes, some of them repeatedly."""
        return Recipes(self.rates[lanes], self.decays[lanes], self.dropouts[lanes], self.widths[lanes])


@dataclass(frozen=True)
class Lanes:
    """Weights and biases, layer after layer; the first axis is the lane."""

    parameters: tuple[Array, ...]

    @classmethod
    def start(cls, recipes: Recipes, inputs: int, units: int, rng: np.random.Generator) -> "Lanes":
        """Draw first weights; those beyond a lane's width stay at 0, and so take no part."""
        lanes, sizes = len(recipes.rates), (inputs, WIDTH, WIDTH, units)
        parameters: list[Array] = []
        for layer, (rows, columns) in enumerate(pairwise(sizes)):
            weights = rng.standard_normal((lanes, rows, columns), dtype=np.float32) * np.float32((2 / rows) ** 0.5)
            if layer < 2:
                weights *= (np.arange(columns) < recipes.widths[:, None])[:, None, :]
            parameters += [weights * np.float32(1 if layer < 2 else 0.1), np.zeros((lanes, 1, columns), np.float32)]
        return cls(tuple(parameters))

    def forward(self, inputs: Array) -> Array:
        """Return outputs `(lanes, rows, units)` of rows that all lanes share, or `(lanes, rows, columns)` of theirs."""
        w1, b1, w2, b2, w3, b3 = self.parameters
        hidden = np.maximum(inputs @ w1 + b1, 0)
        return np.maximum(hidden @ w2 + b2, 0) @ w3 + b3


def as_predictions(outputs: Array, kind: str) -> Array:
    """Turn outputs into probabilities; those of a regression stay."""
    if kind == "regression":
        return outputs
    if kind == "binary":
        return 1 / (1 + np.exp(-np.clip(outputs, -30, 30)))
    shifted = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


@dataclass(frozen=True)
class Sample:
    """Rows to train on: `rows` `(lanes, rows of a lane)` index `inputs` and `targets` `(rows, units)`."""

    inputs: Array
    targets: Array
    rows: NDArray[np.int64]
    kind: str


def train(sample: Sample, recipes: Recipes, epochs: int, batch: int, rng: np.random.Generator) -> Iterator[Lanes]:
    """Train all lanes and yield them after each epoch."""
    lanes = Lanes.start(recipes, sample.inputs.shape[1], sample.targets.shape[1], rng)
    parameters = [array.copy() for array in lanes.parameters]
    means, squares = [np.zeros_like(p) for p in parameters], [np.zeros_like(p) for p in parameters]
    length = sample.rows.shape[1]
    steps, step = length // batch, 0
    for _ in range(epochs):
        order = rng.permutation(length)[: steps * batch].reshape(steps, batch)
        for chosen in order:
            step += 1
            rows = sample.rows[:, chosen]
            gradients = _gradients(parameters, sample, rows, recipes.dropouts, rng)
            fade = 0.5 * (1 + np.cos(np.pi * step / (epochs * steps)))
            rate = (recipes.rates * np.float32(fade))[:, None, None]
            for i, gradient in enumerate(gradients):
                means[i] += (1 - _BETAS[0]) * (gradient - means[i])
                squares[i] += (1 - _BETAS[1]) * (gradient * gradient - squares[i])
                mean, square = means[i] / (1 - _BETAS[0] ** step), squares[i] / (1 - _BETAS[1] ** step)
                if i % 2 == 0:
                    parameters[i] *= 1 - rate * recipes.decays[:, None, None]
                parameters[i] -= rate * mean / (np.sqrt(square) + np.float32(1e-7))
        yield Lanes(tuple(array.copy() for array in parameters))


def _gradients(
    parameters: list[Array], sample: Sample, rows: NDArray[np.int64], dropouts: Array, rng: np.random.Generator
) -> list[Array]:
    w1, b1, w2, b2, w3, b3 = parameters
    inputs, targets = sample.inputs[rows], sample.targets[rows]
    noise = rng.random((2, 1, rows.shape[1], WIDTH), dtype=np.float32)
    keep = (noise >= dropouts[:, None, None]) / (1 - dropouts[:, None, None])
    first = inputs @ w1 + b1
    hidden = np.maximum(first, 0) * keep[0]
    second = hidden @ w2 + b2
    deep = np.maximum(second, 0) * keep[1]
    delta = (as_predictions(deep @ w3 + b3, sample.kind) - targets) / rows.shape[1]
    back = (delta @ _flip(w3)) * keep[1] * (second > 0)
    front = (back @ _flip(w2)) * keep[0] * (first > 0)
    return [
        _flip(inputs) @ front, front.sum(axis=1, keepdims=True),
        _flip(hidden) @ back, back.sum(axis=1, keepdims=True),
        _flip(deep) @ delta, delta.sum(axis=1, keepdims=True),
    ]  # fmt: skip


def _flip(array: Array) -> Array:
    return array.transpose(0, 2, 1)
