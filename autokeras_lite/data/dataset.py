"""What is given: inputs and targets, row by row, before anything was decided about them."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray


class InputKind(StrEnum):
    """What one row of the inputs is."""

    TABLE = "table"
    IMAGE = "image"
    SEQUENCE = "sequence"
    TOKENS = "tokens"


@dataclass(frozen=True)
class Dataset:
    """Labelled rows.

    `inputs` is a frame for a table, else an array: images `(rows, height, width, channels)`, sequences
    `(rows, time, channels)`, tokens `(rows, time)` of integers. `targets` has one column for each target and may hold
    missing values only before the gate. `kind_reason` says, for a person, why the rows were read as this kind.
    """

    name: str
    kind: InputKind
    kind_reason: str
    inputs: pd.DataFrame | NDArray[np.generic]
    targets: pd.DataFrame
    weights: NDArray[np.float32] | None = None
    groups: NDArray[np.generic] | None = None
    times: NDArray[np.generic] | None = None
    source: str = "memory"

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def frame(self) -> pd.DataFrame:
        """The inputs of a table."""
        if not isinstance(self.inputs, pd.DataFrame):
            raise TypeError(f"The inputs are an array of kind {self.kind}, not a table.")
        return self.inputs

    @property
    def array(self) -> NDArray[np.generic]:
        """The inputs of anything but a table."""
        if isinstance(self.inputs, pd.DataFrame):
            raise TypeError("The inputs are a table, not an array.")
        return self.inputs

    def take(self, rows: NDArray[np.intp]) -> Self:
        """Return the same data with only `rows`, in that order."""
        inputs = self.inputs.iloc[rows] if isinstance(self.inputs, pd.DataFrame) else self.inputs[rows]
        return replace(
            self,
            inputs=inputs,
            targets=self.targets.iloc[rows],
            weights=None if self.weights is None else self.weights[rows],
            groups=None if self.groups is None else self.groups[rows],
            times=None if self.times is None else self.times[rows],
        )
