"""Settings that follow from the size of the data and of the machine, where a space leaves them at 0."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from autokeras_lite.tasks.metrics import METRICS
from autokeras_lite.tasks.task import Task
from autokeras_lite.trial import TrainingConfig

# pytabkit's rule for RealMLP: the size of a batch for up to so many rows.
_BATCHES = ((1_024, 64), (8_192, 128), (30_000, 256), (100_000, 512))
_LARGEST_BATCH = 1_024
_MEMBERS = (32, 16)
_FEWEST_MEMBERS = 8
# So many rows times members are a quarter of a second an epoch on a core.
_MEMBER_ROWS_A_CORE = 25_000


def batch_size(rows: int) -> int:
    """Return a batch size for so many training rows.

    Example:
        >>> batch_size(700), batch_size(30_000), batch_size(500_000)
        (64, 256, 1024)
    """
    return next((size for most, size in _BATCHES if rows <= most), _LARGEST_BATCH)


def num_members(rows: int, cores: int) -> int:
    """Return how many members an ensemble in one model has: fewer where rows are many and cores are few.

    `rows` are those of all folds together, since a trial trains on each.

    Example:
        >>> num_members(700, cores=2), num_members(3_000, cores=2), num_members(30_000, cores=2)
        (32, 16, 8)
    """
    return next((n for n in _MEMBERS if rows * n <= cores * _MEMBER_ROWS_A_CORE), _FEWEST_MEMBERS)


def complete(
    config: Mapping[str, Any], training: TrainingConfig, task: Task, *, rows: int, folds: int, cores: int
) -> tuple[Mapping[str, Any], TrainingConfig]:
    """Fill in what a space left at 0 (`batch_size`, `members`), and drop label smoothing that would hurt the metric.

    Smoothed labels teach a model to be less sure than it is, which metrics of probabilities do not forgive (RealMLP,
    appendix B).
    """
    if config.get("members") == 0:
        config = {**config, "members": num_members(rows * folds, cores)}
    if training.batch_size == 0:
        training = replace(training, batch_size=batch_size(rows))
    if training.label_smoothing and METRICS[task.metric].reads != "label":
        training = replace(training, label_smoothing=0.0)
    return config, training
