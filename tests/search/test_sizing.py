"""What a space leaves open is filled in by the size of the data and of the machine, and always in the same way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from search_fakes import LOSS_TASK, TASK

from autokeras_lite.search.sizing import batch_size, complete, num_members
from autokeras_lite.tasks.metrics import METRICS
from autokeras_lite.tasks.task import Task, TaskKind
from autokeras_lite.trial import TrainingConfig

rows, cores = st.integers(1, 10**7), st.integers(1, 256)
ACCURACY = Task(TaskKind.BINARY, ("y",), "accuracy", "maximize", (0, 1))
OPEN = TrainingConfig(batch_size=0)


@pytest.mark.parametrize(
    ("num_rows", "expected"),
    [(1, 64), (1024, 64), (1025, 128), (8192, 128), (8193, 256), (30_000, 256), (100_000, 512), (100_001, 1024)],
)
def test_batches_grow_with_the_rows_as_published(num_rows, expected):
    assert batch_size(num_rows) == expected


@pytest.mark.parametrize(
    ("num_rows", "num_cores", "expected"),
    [(3_125, 4, 32), (3_126, 4, 16), (6_250, 4, 16), (6_251, 4, 8), (10**7, 4, 8), (3_125, 2, 16)],
)
def test_an_epoch_of_all_members_takes_so_many_rows_for_each_core(num_rows, num_cores, expected):
    assert num_members(num_rows, num_cores) == expected


@given(rows, cores)
def test_sizes_never_shrink_a_batch_nor_add_members_as_rows_grow(num_rows, num_cores):
    assert batch_size(num_rows) <= batch_size(num_rows + 1)
    assert num_members(num_rows, num_cores) >= num_members(num_rows + 1, num_cores)
    assert num_members(num_rows, num_cores) <= num_members(num_rows, num_cores + 1)
    assert 8 <= num_members(num_rows, num_cores) <= 32


def test_what_is_open_is_filled_in():
    config, training = complete({"members": 0, "width": 64}, OPEN, TASK, rows=26_000, folds=1, cores=2)
    assert config == {"members": 8, "width": 64}
    assert training == TrainingConfig(batch_size=256)
    config, _ = complete({"members": 0}, OPEN, TASK, rows=26_000, folds=1, cores=64)
    assert config == {"members": 32}
    config, _ = complete({"members": 0}, OPEN, TASK, rows=640, folds=10, cores=2)
    assert config == {"members": 8}


@given(rows, cores, st.integers(1, 64), st.integers(1, 4096))
def test_what_is_chosen_stays(num_rows, num_cores, members, size):
    for config in ({"members": members}, {"width": 8}):
        training = TrainingConfig(batch_size=size)
        assert complete(config, training, TASK, rows=num_rows, folds=1, cores=num_cores) == (config, training)


def test_the_given_config_is_not_changed():
    config = {"members": 0}
    complete(config, OPEN, TASK, rows=100, folds=1, cores=1)
    assert config == {"members": 0}


@given(rows, cores)
def test_filling_in_twice_is_filling_in_once(num_rows, num_cores):
    once = complete({"members": 0}, OPEN, TASK, rows=num_rows, folds=1, cores=num_cores)
    assert complete(*once, TASK, rows=num_rows, folds=1, cores=num_cores) == once


@pytest.mark.parametrize("task", [TASK, LOSS_TASK, ACCURACY], ids=lambda task: task.metric)
def test_labels_are_smoothed_only_for_metrics_that_read_labels(task):
    smoothed = TrainingConfig(label_smoothing=0.1)
    _, training = complete({}, smoothed, task, rows=100, folds=1, cores=1)
    assert training.label_smoothing == (0.1 if METRICS[task.metric].reads == "label" else 0.0)


def test_the_metrics_above_are_of_both_sorts():
    assert {METRICS[task.metric].reads for task in (TASK, LOSS_TASK, ACCURACY)} == {"label", "probability"}
