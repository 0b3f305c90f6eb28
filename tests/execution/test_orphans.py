"""Nothing outlives a driver that is killed: each test has a driver of its own."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from fake_trade import hanging_file, make_job
from fork_servers import wait_until_gone

HERE = Path(__file__).parent
# No `__main__` guard: children do not run this again.
DRIVER = """
import signal, sys, threading, time
from pathlib import Path

from fake_trade import FAKE_TRADE, make_job
from small_jobs import SHARE, answer, go_on

from autokeras_lite.execution.lifeline import end_with_parent
from autokeras_lite.execution.process import ProcessExecutor

end_with_parent()  # were the test itself killed
opened = []

def begin():
    executor = ProcessExecutor(SHARE, has_gpu={has_gpu!r}, trade=FAKE_TRADE)
    opened.append(executor)
    for number in (1, 2):
        executor.submit(make_job(Path({folder!r}), number, {deed!r}))
    executor.start(signal.pause)
    if {in_thread!r}:
        time.sleep(600)

if {in_thread!r}:
    threading.Thread(target=begin, daemon=True).start()
else:
    begin()
print("begun", flush=True)
time.sleep(600)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("deed", "has_gpu", "in_thread"),
    [
        ("hang", False, False),
        ("hang in native code", False, False),
        ("hang in native code", False, True),
        ("hang in native code", True, False),
    ],
    ids=["busy", "in native code", "begun by a thread", "spawned"],
)
def test_no_child_outlives_a_driver_that_is_killed(deed, has_gpu, in_thread, tmp_path):
    program = DRIVER.format(deed=deed, has_gpu=has_gpu, in_thread=in_thread, folder=str(tmp_path))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])}
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment) as driver:
        started = []
        try:
            assert driver.stdout.readline() == b"begun\n"
            hanging = [hanging_file(make_job(tmp_path, number)) for number in (1, 2)]
            while not all(file.exists() for file in hanging):
                time.sleep(0.05)
            # Three children and the resource tracker; a fork server where there is one.
            while len(started) < (4 if has_gpu else 5):
                started = psutil.Process(driver.pid).children(recursive=True)
        finally:
            driver.kill()
    try:
        wait_until_gone(started)
    finally:
        for child in started:
            with suppress(psutil.NoSuchProcess):
                child.kill()
