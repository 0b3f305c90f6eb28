"""Piecewise linear encoding of numbers: bins learned from training rows, kept as weights that no gradient moves.

Gorishniy et al. 2022, "On Embeddings for Numerical Features in Tabular Deep Learning", equations 1 and 2. The bins are
weights and not constants of the graph, so that the folds of a trial, whose training rows differ, can share one graph.
"""

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from autokeras_lite.models.front import numbers_of
from autokeras_lite.models.rows import TrainingRows

BINS_LAYER = "bins"
_FAR = 1e9  # no encoded number comes near it
_NARROWEST = 1e-4  # rounding in float32 begins to show in bins that are narrower
_FEWEST_LEAF_ROWS = 10


def piecewise_encoding(numbers: Any, columns: int, bins: int) -> Any:
    """Return for each of `(rows, columns)` numbers how far it fills each bin, `(rows, columns, bins)`.

    0 before the bin, 1 behind it; the first bin goes on below 0 and the last above 1. Until `set_bins` was called the
    bins say nothing.
    """
    filled = keras.layers.EinsumDense(
        "bn,nt->bnt", output_shape=(columns, bins), bias_axes="nt", trainable=False, name=BINS_LAYER
    )(numbers)
    low, high = np.zeros(bins, np.float32), np.ones(bins, np.float32)
    low[0], high[-1] = -_FAR, _FAR
    return ops.minimum(ops.maximum(filled, low), high)


def set_bins(model: keras.Model, rows: TrainingRows, *, edges: str) -> None:
    """Choose the bins of a model with a piecewise encoding by training rows: by `quantiles`, or a `tree`."""
    layer = model.get_layer(BINS_LAYER)
    columns, bins = layer.kernel.shape
    numbers = np.asarray(numbers_of({name: rows.inputs[name] for name in model.input}), np.float64)
    kernel, bias = np.zeros((columns, bins)), np.zeros((columns, bins))
    for column in range(columns):
        values = numbers[:, column]
        found = _tree_edges(values, rows.targets, bins) if edges == "tree" else _quantile_edges(values, bins)
        kernel[column], bias[column] = _scaling(found, bins)
    layer.kernel.assign(kernel)
    layer.bias.assign(bias)


def _quantile_edges(values: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    return np.unique(np.quantile(values, np.linspace(0.0, 1.0, bins + 1)))


def _tree_edges(values: NDArray[np.float64], targets: NDArray[np.float32], bins: int) -> NDArray[np.float64]:
    """Return the splits of the tree that explains the targets best by one column alone, and both ends."""
    from sklearn.tree import DecisionTreeRegressor  # takes most of a second to load; few trials want it

    tree = DecisionTreeRegressor(max_leaf_nodes=max(2, bins), min_samples_leaf=_FEWEST_LEAF_ROWS, random_state=0)
    tree.fit(values[:, None], targets)
    splits = tree.tree_.threshold[tree.tree_.feature >= 0] if bins > 1 else np.empty(0)
    return np.unique([values.min(), *splits, values.max()])


def _scaling(edges: NDArray[np.float64], bins: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return factor and offset of each bin; where there are fewer than `bins`, the last stands at the end.

    So the last place is that of the bin which goes on above 1, and the places between stay empty.
    """
    factor, offset = np.zeros(bins), np.zeros(bins)
    edges = edges[np.diff(edges, prepend=-np.inf) >= _NARROWEST]
    if len(edges) < 2:
        return factor, offset
    if len(edges) == 2 and bins > 1:  # two halves, so that the column goes on at both ends
        edges = np.array([edges[0], edges.mean(), edges[1]])
    widths = np.diff(edges)
    places = [*range(len(widths) - 1), bins - 1]
    factor[places], offset[places] = 1.0 / widths, -edges[:-1] / widths
    return factor, offset
