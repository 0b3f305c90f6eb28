"""What is read of the machine, and how the memory of processes is put together."""

import os
import stat
import subprocess
import sys

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autokeras_lite.execution import usage
from autokeras_lite.execution.machine import look_at_machine, query_gpus
from autokeras_lite.execution.usage import UsageGauge, bytes_together, gpu_values
from autokeras_lite.tracking import names

DRIVER = 1
SERVER = 2


@pytest.fixture
def nvidia_smi(tmp_path, monkeypatch):
    """Put a program on the path that tells what a test wants it to tell."""

    def tell(said: str, exit_code: int = 0) -> None:
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\necho asked >> {tmp_path / 'asked'}\nprintf '{said}'\nexit {exit_code}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setattr(usage, "sees_gpu", lambda: True)

    return tell


def test_the_load_is_said_from_the_second_reading_on_and_everything_else_at_once(tmp_path):
    gauge = UsageGauge(tmp_path)
    first, second = gauge.read(), gauge.read()

    assert set(second) - set(first) == {"cpu_utilization_percentage"}
    assert len(first) >= 5


def test_every_value_has_a_name_in_the_table_and_a_sensible_size(tmp_path, nvidia_smi):
    nvidia_smi("35, 1000, 4000\\n0, 10, 4000\\n")
    gauge = UsageGauge(tmp_path)
    gauge.read()
    values = gauge.read()

    assert len(values) == 12
    for key, value in values.items():
        assert any(row.covers(names.SYSTEM_PREFIX + key) for row in names.NAMES), key
        assert 0 <= value <= (100 if key.endswith("percentage") else sys.maxsize), key
    assert values["search_memory_usage_megabytes"] < psutil.virtual_memory().total / 1e6


def test_the_memory_of_a_child_counts_and_goes_when_it_ends(tmp_path):
    gauge = UsageGauge(tmp_path)
    program = "x = bytearray(200_000_000); x[::4096] = b'1' * len(x[::4096]); print(flush=True); input()"
    before = gauge.read()["search_memory_usage_megabytes"]
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        during = gauge.read()["search_memory_usage_megabytes"]
        child.communicate(b"\n")
    after = gauge.read()["search_memory_usage_megabytes"]

    assert during - before > 180
    assert after - before < 100


def test_what_cannot_be_read_is_left_out(tmp_path):
    values = UsageGauge(tmp_path / "gone").read()

    assert "disk_usage_percentage" not in values
    assert "system_memory_usage_percentage" in values


@given(st.integers(0, 1 << 40), st.integers(0, 1 << 35), st.lists(st.integers(0, 1 << 36), max_size=6))
def test_pages_of_a_server_count_once_however_many_children_share_them(driver, server, beyond):
    taken = {DRIVER: (0, driver), SERVER: (DRIVER, server)}
    taken |= {10 + index: (SERVER, server + more) for index, more in enumerate(beyond)}

    assert bytes_together(DRIVER, taken) == driver + server + sum(beyond)


@given(st.lists(st.integers(0, 1 << 36), max_size=6))
def test_children_of_the_driver_itself_count_whole(sizes):
    taken = {DRIVER: (0, 7)} | {10 + index: (DRIVER, size) for index, size in enumerate(sizes)}

    assert bytes_together(DRIVER, taken) == 7 + sum(sizes)


def test_each_gpu_is_read_by_mlflows_names():
    values = gpu_values([(35, 1000, 4000), (0, 0, 8000)])

    assert values["gpu_0_utilization_percentage"] == 35
    assert values["gpu_0_memory_usage_megabytes"] == pytest.approx(1048.576)
    assert values["gpu_0_memory_usage_percentage"] == 25
    assert values["gpu_1_memory_usage_percentage"] == 0


@pytest.mark.parametrize(("said", "exit_code"), [("[N/A], 10, 20\\n", 0), ("", 0), ("1, 2, 3\\n", 9)])
def test_a_program_that_tells_nothing_is_not_asked_again(tmp_path, nvidia_smi, said, exit_code):
    nvidia_smi(said, exit_code)
    gauge = UsageGauge(tmp_path)
    for _ in range(3):
        assert not [key for key in gauge.read() if key.startswith("gpu")]

    assert (tmp_path / "asked").read_text().count("asked") == 1


def test_the_memory_of_the_smallest_gpu_is_what_the_machine_has(nvidia_smi, monkeypatch):
    nvidia_smi("81920\\n40960\\n")
    monkeypatch.setattr("autokeras_lite.execution.machine.sees_gpu", lambda: True)

    assert query_gpus(("memory.total",), 20.0) == ((81920.0,), (40960.0,))
    assert look_at_machine().gpu_bytes == 40960 << 20
    nvidia_smi("", 1)
    assert look_at_machine().gpu_bytes is None
