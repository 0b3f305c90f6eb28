"""What a system is asked: a table, a metric and a time limit. Loads nothing heavy: its time counts already."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

RESERVE = 3.0  # seconds for loading the best weights and ending


@dataclass(frozen=True)
class Job:
    """One run of one system.

    `train` and `test` are Parquet files, the second without the target. `classes` are the labels in the order in which
    probabilities are asked for, none for a regression. `started` is the reading of `time.monotonic()`, which all
    processes of a machine share, just before the process was started; `seconds` count from it.
    """

    system: str
    table: str
    target: str
    task: str
    metric: str
    categorical: tuple[str, ...]
    numeric: tuple[str, ...]
    classes: tuple[Any, ...]
    train: str
    test: str
    folder: str
    seconds: float
    seed: int
    started: float

    @property
    def end(self) -> float:
        """The reading of `time.monotonic()` at which all searching must be over."""
        return self.started + self.seconds - RESERVE

    @property
    def left(self) -> float:
        """The seconds that are left for searching."""
        return self.end - time.monotonic()

    def write(self) -> None:
        """Write this to its folder."""
        Path(self.folder, "job.json").write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, folder: str) -> Self:
        """Read what `write` wrote."""
        values = json.loads(Path(folder, "job.json").read_text())
        for name in ("categorical", "numeric", "classes"):
            values[name] = tuple(values[name])
        return cls(**values)


@dataclass(frozen=True)
class Fitted:
    """What a system ends with.

    `predict` returns probabilities `(test rows, classes)` or values `(test rows,)`; `notes` are worth keeping.
    """

    predict: Callable[[], Any]
    notes: Mapping[str, Any] = field(default_factory=dict)
