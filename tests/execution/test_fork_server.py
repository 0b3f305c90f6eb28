"""The fork server belongs to the whole program: each test has a program of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
TOUCHING = "import keras; keras.ops.ones(1).numpy()"
# No `__main__` guard: a child that ran this file again would start children of its own.
PROGRAM = """
import logging, multiprocessing, sys
from multiprocessing import forkserver
from pathlib import Path

preload = {preload!r}
if preload:
    multiprocessing.set_forkserver_preload([preload])
    forkserver.ensure_running()

from autokeras_lite.execution.process import ProcessExecutor
from small_jobs import SHARE, answer, is_untouched, make_job, results_of

logging.basicConfig(level=logging.WARNING, format="%(name)s %(message)s", stream=sys.stdout)
executor = ProcessExecutor(SHARE, has_gpu=False)
folder = Path({folder!r})
if {work_first!r}:
    print("work:", executor.run(answer))
for result in results_of(executor, [make_job(folder, number) for number in {numbers!r}]):
    print("cohort", result.cohort.number, *(str(outcome.cause) for outcome in result.outcomes))
print("untouched:", executor.run(is_untouched))
executor.close()
print("tensorflow" in sys.modules)
"""


def output_of(
    folder: Path, *, preload: str, numbers: tuple[int, ...] = (1, 2, 3), work_first: bool = False
) -> list[str]:
    (folder / "touching.py").write_text(TOUCHING)
    program = folder / "program.py"
    program.write_text(PROGRAM.format(folder=str(folder), preload=preload, numbers=numbers, work_first=work_first))
    paths = os.pathsep.join([str(HERE), str(folder)])
    ended = subprocess.run(
        [sys.executable, str(program)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | {"PYTHONPATH": paths},
    )
    assert ended.returncode == 0, ended.stderr
    # The module that stands for a stranger's loads TensorFlow with all its noise; ours loads it silently.
    assert preload or ended.stderr == ""
    return ended.stdout.splitlines()


def test_the_callers_script_is_not_run_again_and_the_driver_loads_no_tensorflow(tmp_path):
    lines = output_of(tmp_path, preload="")
    assert sorted(lines[:3]) == ["cohort 1 OK", "cohort 2 OK", "cohort 3 OK"]
    assert lines[3:] == ["untouched: True", "False"]


@pytest.mark.parametrize(
    ("numbers", "work_first"), [((1,), False), ((1, 2), True)], ids=["cohorts first", "work first"]
)
def test_where_the_fork_server_uses_tensorflow_children_are_spawned_and_it_is_said(numbers, work_first, tmp_path):
    lines = output_of(tmp_path, preload="touching", numbers=numbers, work_first=work_first)
    said = [line for line in lines if line.startswith("autokeras_lite.execution.workers ")]
    assert len(said) == 1
    assert "TensorFlow is in use in this program's fork server" in said[0]
    assert sorted(line for line in lines if line.startswith("cohort")) == [f"cohort {number} OK" for number in numbers]
    assert lines[-2:] == ["untouched: False", "False"]  # a warm child has trained before it is asked
    assert ("work: 42" in lines) is work_first
