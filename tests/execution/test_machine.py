import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autokeras_lite.config import Execution
from autokeras_lite.errors import ConfigError
from autokeras_lite.execution.machine import Machine, look_at_machine, share_machine

GIGABYTE = 1 << 30
WITH_GPU = Machine(cores=8, free_bytes=64 * GIGABYTE, has_gpu=True, gpu_bytes=80 * GIGABYTE)
machines = st.builds(
    Machine,
    cores=st.integers(1, 256),
    free_bytes=st.integers(1 << 20, 1 << 42),
    has_gpu=st.booleans(),
    gpu_bytes=st.none() | st.integers(1 << 30, 1 << 40),
)


@given(machines, st.none() | st.integers(1, 64))
def test_workers_never_get_more_than_there_is(machine, workers):
    share = share_machine(machine, Execution(workers=workers))
    assert share.workers >= 1
    assert share.threads >= 1
    assert share.workers * share.bytes_each <= machine.free_bytes
    assert share.workers * share.threads <= max(machine.cores, share.workers)
    assert share.gpu_bytes is None or share.workers * share.gpu_bytes <= machine.gpu_bytes


@given(machines, st.integers(1, 64))
def test_the_number_of_workers_that_was_asked_for_is_taken(machine, workers):
    assert share_machine(machine, Execution(workers=workers)).workers == workers


@pytest.mark.parametrize(
    ("cores", "gigabytes", "has_gpu", "workers"),
    [(8, 64, False, 8), (8, 3, False, 3), (8, 0, False, 1), (8, 64, True, 1)],
)
def test_unasked_there_is_a_worker_for_each_core_that_has_memory_and_one_for_a_gpu(cores, gigabytes, has_gpu, workers):
    assert share_machine(Machine(cores, gigabytes << 30, has_gpu), Execution()).workers == workers


def test_this_machine_has_cores_and_memory():
    machine = look_at_machine()
    assert machine.cores >= 1
    assert machine.free_bytes > 0


def test_a_hidden_gpu_is_none(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert not look_at_machine().has_gpu


def test_what_was_asked_for_is_taken():
    asked = Execution(workers=3, threads=20, memory_bytes=GIGABYTE, trial_seconds=60.0, gpu_memory=0.25)
    share = share_machine(WITH_GPU, asked)
    assert (share.workers, share.threads, share.bytes_each) == (3, 20, GIGABYTE)
    assert share.trial_seconds == 60.0
    assert share.gpu_bytes == 20 * GIGABYTE


def test_unasked_a_tenth_of_the_memory_is_left_to_the_driver():
    assert share_machine(WITH_GPU, Execution(workers=2)).bytes_each == int(0.9 * 64 * GIGABYTE) // 2


@pytest.mark.parametrize(("workers", "gigabytes"), [(1, None), (2, 36), (3, 24)])
def test_unasked_several_workers_share_a_gpu_and_one_takes_what_it_needs(workers, gigabytes):
    gpu_bytes = share_machine(WITH_GPU, Execution(workers=workers)).gpu_bytes
    assert gpu_bytes is None if gigabytes is None else gpu_bytes // GIGABYTE == gigabytes


def test_more_memory_than_is_free_may_be_promised_with_a_warning(caplog):
    share = share_machine(Machine(2, 2 * GIGABYTE, has_gpu=False), Execution(workers=2, memory_bytes=3 * GIGABYTE))
    assert share.bytes_each == 3 * GIGABYTE
    assert "--memory-limit" in caplog.text
    assert "3072m" in caplog.text


def test_the_memory_of_a_gpu_is_not_promised_twice():
    with pytest.raises(ConfigError, match=r"3 workers with 0\.5 .* Lower --gpu-memory to 0\.33 or --workers to 2"):
        share_machine(WITH_GPU, Execution(workers=3, gpu_memory=0.5))


def test_a_part_of_a_gpu_whose_memory_is_not_known_is_refused():
    with pytest.raises(ConfigError, match="nvidia-smi"):
        share_machine(Machine(8, GIGABYTE, has_gpu=True), Execution(gpu_memory=0.5))


def test_a_part_of_a_gpu_that_is_not_there_is_nothing():
    assert share_machine(Machine(8, GIGABYTE, has_gpu=False), Execution(workers=4, gpu_memory=0.5)).gpu_bytes is None


@pytest.mark.parametrize(
    ("said", "gpu_bytes"), [("81559\n40960\n", 40960 << 20), ("[N/A]\n", None), ("", None)], ids=["two", "none", "mute"]
)
def test_a_gpu_is_asked_for_its_memory_and_the_smallest_counts(said, gpu_bytes, monkeypatch, tmp_path):
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\nprintf '{said}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    machine = look_at_machine()
    has_device = any(Path(device).exists() for device in ("/dev/nvidia0", "/dev/dxg", "/dev/kfd"))
    assert machine.gpu_bytes == (gpu_bytes if has_device else None)
