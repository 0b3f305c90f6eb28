"""A job of trials on small encoded data."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autokeras_lite.data.arrays import EncodedData
from autokeras_lite.tasks.task import Task
from autokeras_lite.training.cohort import TrainingJob
from autokeras_lite.trial import Cohort, TrialSpec


@pytest.fixture
def make_job(tmp_path: Path) -> Callable[..., TrainingJob]:
    """Return a function that writes data and makes a job of trials on them."""

    def make(data: EncodedData, task: Task, specs: tuple[TrialSpec, ...], **cohort: Any) -> TrainingJob:
        data.write(tmp_path / "data")
        made = Cohort(0, specs, batch_seed=7, folds=tuple(range(len(data.folds))), **cohort)
        return TrainingJob(made, task, tmp_path / "data", tmp_path / "trials", 8 << 30)

    return make
