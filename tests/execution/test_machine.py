import pytest
from hypothesis import given
from hypothesis import strategies as st

from autokeras_lite.execution.machine import Machine, look_at_machine, share_machine

machines = st.builds(
    Machine, cores=st.integers(1, 256), free_bytes=st.integers(1 << 20, 1 << 42), has_gpu=st.booleans()
)


@given(machines, st.none() | st.integers(1, 64))
def test_workers_never_get_more_than_there_is(machine, workers):
    share = share_machine(machine, workers)
    assert share.workers >= 1
    assert share.threads >= 1
    assert share.workers * share.bytes_each <= machine.free_bytes
    assert share.workers * share.threads <= max(machine.cores, share.workers)


@given(machines, st.integers(1, 64))
def test_the_number_of_workers_that_was_asked_for_is_taken(machine, workers):
    assert share_machine(machine, workers).workers == workers


@pytest.mark.parametrize(
    ("cores", "gigabytes", "has_gpu", "workers"),
    [(8, 64, False, 8), (8, 3, False, 3), (8, 0, False, 1), (8, 64, True, 1)],
)
def test_unasked_there_is_a_worker_for_each_core_that_has_memory_and_one_for_a_gpu(cores, gigabytes, has_gpu, workers):
    assert share_machine(Machine(cores, gigabytes << 30, has_gpu), None).workers == workers


def test_this_machine_has_cores_and_memory():
    machine = look_at_machine()
    assert machine.cores >= 1
    assert machine.free_bytes > 0


def test_a_hidden_gpu_is_none(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert not look_at_machine().has_gpu
