"""How long a model file takes to predict, measured where it was made. Knows no Keras."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from autokeras_lite.data.encode import Inputs

LATENCY_SECONDS = 0.5  # for all predictions but the first, which compiles
BATCH_ROWS = (10, 100, 1000)
_MOST_SINGLE_ROWS = 15
_SINGLE_ROWS_SHARE = 0.25  # of the time: what a row adds to a batch is known only from a batch
_MOST_BATCHES = 5

Predict = Callable[[Any], object]
Now = Callable[[], float]


@dataclass(frozen=True)
class Latency:
    """What predicting takes through a model file, from raw rows to labels, once it has predicted before.

    `row_seconds` is the median for one row alone, `batch_seconds` that for `batch_rows` rows at once: 1,000, or fewer
    where those would have taken too long to measure. `device` is where it ran. With `beside_training` trials trained
    meanwhile: alone it takes less.
    """

    row_seconds: float
    batch_seconds: float
    batch_rows: int
    device: str
    beside_training: bool = False

    def describe(self) -> str:
        """Say all of it in one line.

        Example:
            >>> Latency(0.00823, 0.0314, 1000, "CPU, 2 threads").describe()
            '8.23 ms for one row, 31.4 ms for 1,000 rows at once (CPU, 2 threads)'
        """
        told = f"{show_duration(self.row_seconds)} for one row"
        if self.batch_rows > 1:
            told += f", {show_duration(self.batch_seconds)} for {self.batch_rows:,} rows at once"
        where = ", ".join(part for part in (self.device, self._beside) if part)
        return f"{told} ({where})" if where else told

    @property
    def _beside(self) -> str:
        return "measured while trials trained, so at most" if self.beside_training else ""


def show_duration(seconds: float) -> str:
    """Write a duration of less than a minute.

    Example:
        >>> show_duration(0.00823), show_duration(1.5)
        ('8.23 ms', '1.5 s')
    """
    return f"{1000 * seconds:.3g} ms" if seconds < 0.9995 else f"{seconds:.3g} s"


def measure_latency(
    predict: Predict, rows: "Inputs", device: str, *, seconds: float = LATENCY_SECONDS, now: Now = time.perf_counter
) -> Latency | None:
    """Time `predict` on one row and on batches of raw rows, which are repeated where there are too few.

    The first prediction compiles: it is not counted, and takes no part of `seconds`. A quarter of them is for single
    rows, and nothing is begun of which earlier predictions say that it would not be over in time, but for one single
    row. The answer is `None` without rows.
    """
    if not len(rows):
        return None
    predict(_take(rows, 0, 1))
    end = now() + seconds

    def timed(number: int, size: int) -> float:
        batch = _take(rows, number, size)
        began = now()
        predict(batch)
        return now() - began

    singles = [timed(0, 1)]
    while len(singles) < _MOST_SINGLE_ROWS and now() + min(singles) <= end - (1.0 - _SINGLE_ROWS_SHARE) * seconds:
        singles.append(timed(len(singles), 1))
    row_seconds = median(singles)
    size, took = 1, row_seconds
    for larger in BATCH_ROWS:
        if now() + _expected(row_seconds, size, took, larger) > end:
            break
        size, took = larger, timed(0, larger)
    batches = list[float]()  # the first one may have compiled again
    while size > 1 and len(batches) < _MOST_BATCHES and now() + took <= end:
        batches.append(timed(0, size))
    return Latency(row_seconds, median(batches or [took]), size, device)


def _expected(row_seconds: float, size: int, took: float, larger: int) -> float:
    """Say what a larger batch takes at most: what a row adds to a batch never grows."""
    each = max(0.0, took - row_seconds) / (size - 1) if size > 1 else row_seconds
    return took + each * (larger - size)


def _take(rows: "Inputs", start: int, size: int) -> Any:
    """Return so many rows of a table or an array, from the first one again behind the last."""
    return getattr(rows, "iloc", rows)[np.arange(start, start + size) % len(rows)]
