"""The training rows that a family may look at before its model is trained, for bins and first weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.data.arrays import EncodedFold

MOST_ROWS = 50_000


@dataclass(frozen=True)
class TrainingRows:
    """Encoded training rows of one fold, all or `MOST_ROWS` drawn from them; `targets` are `(rows, units)`."""

    inputs: Mapping[str, NDArray[Any]]
    targets: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.targets)


def training_rows(fold: EncodedFold) -> TrainingRows:
    """Take the training rows of a fold, the same ones at every call."""
    rows = np.asarray(fold.train_rows)
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(0).choice(rows, MOST_ROWS, replace=False))
    return TrainingRows({name: np.asarray(array[rows]) for name, array in fold.inputs.items()}, fold.targets[rows])
