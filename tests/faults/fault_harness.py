"""Places for searches that are to be disturbed, drivers to run in them, and the processes that these leave."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import psutil
from fault_driver import MARK, Orders
from fault_trade import ATTEMPTS_FILE, Deeds

from autokeras_lite.search.folder import SearchFolder

SECONDS_TO_END = 60.0
NAME = "disturbed"
_DRIVER = Path(__file__).parent / "fault_driver.py"
_SPACE = """
family = "tabular_mlp"
summary = "A few numbers, since nothing is built from them"
accepts = ["table"]
[parameters]
depth = { type = "int", low = 1, high = 4, default = 2 }
width = { type = "int", low = 16, high = 256, default = 64, step = 16 }
dropout = { type = "float", low = 0.0, high = 0.5, default = 0.1 }
learning_rate = { type = "float", low = 1e-4, high = 1e-2, default = 1e-3, log = true }
batch_size = { type = "choice", options = [16, 32], default = 32 }
epochs = 12
[[portfolio]]
name = "deep"
depth = 4
"""


# Drivers -------------------------------------------------------------------------------------------------------------


class Forge:
    """A process that has imported everything and forks drivers; what these print goes to files in `logs`."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        # No library starts a thread of its own, so that forks are clean.
        quiet = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
        self._process = subprocess.Popen(
            [sys.executable, str(_DRIVER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **quiet},
        )

    def warm_up(self, place: "Place") -> None:
        """Run one search, and import here what it had to import late."""
        modules = place.root / "modules.json"
        driver = place.run(modules=str(modules))
        assert driver.code == 0, driver.text
        names = [name for name in json.loads(modules.read_text()) if not name.startswith("__")]
        threads = self.ask(json.dumps({"import": names}))["threads"]
        # That of Arrow's allocator, which sees to forks itself.
        assert len([name for name in threads if name != "jemalloc_bg_thd"]) == 1, threads

    def ask(self, line: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(SECONDS_TO_END)
        self._process.stdout.close()


@dataclass
class Driver:
    """A driver that was started; `code` is its exit code, negative for a signal, once it has ended."""

    forge: Forge
    pid: int
    output: Path
    code: int | None = None

    @property
    def runs(self) -> bool:
        if self.code is None:
            self.code = self.forge.ask(json.dumps({"pid": self.pid}))["code"]
        return self.code is None

    def wait(self, seconds: float = SECONDS_TO_END) -> int:
        until = time.monotonic() + seconds
        while self.runs:
            if time.monotonic() > until:
                os.kill(self.pid, signal.SIGKILL)
                raise AssertionError(f"The driver did not end in {seconds} seconds:\n{self.text}")
            time.sleep(0.01)
        assert self.code is not None
        return self.code

    def kill(self) -> int:
        if self.runs:
            os.kill(self.pid, signal.SIGKILL)
        return self.wait()

    def signal_group(self, number: int) -> None:
        os.killpg(self.pid, number)

    @property
    def text(self) -> str:
        return self.output.read_text() if self.output.exists() else ""


# Places --------------------------------------------------------------------------------------------------------------


@dataclass
class Place:
    """A runs folder with a table, a space and one search, and everything that its drivers leave."""

    forge: Forge
    root: Path
    trials: int = 8
    seed: int = 0
    workers: int = 1
    more: tuple[str, ...] = ()
    deeds: Deeds = field(default_factory=Deeds)
    mark: str = field(default_factory=lambda: uuid4().hex)
    num_started: int = 0

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        write_table(self.table)
        self.space.write_text(_SPACE)
        self.tell(self.deeds)

    @property
    def table(self) -> Path:
        return self.root / "table.csv"

    @property
    def space(self) -> Path:
        return self.root / "few.toml"

    @property
    def folder(self) -> SearchFolder:
        return SearchFolder(self.root / NAME)

    @property
    def acks_file(self) -> Path:
        return self.forge.logs / f"{self.mark}-acks.jsonl"

    @property
    def acks(self) -> list[dict[str, Any]]:
        """Every result that a person was told, in order, by all drivers."""
        return read_lines(self.acks_file)

    @property
    def attempts(self) -> list[dict[str, Any]]:
        """Every cohort that began to train, in order."""
        return read_lines(self.root / ATTEMPTS_FILE)

    @property
    def events(self) -> list[dict[str, Any]]:
        return read_lines(self.folder.journal)

    def tell(self, deeds: Deeds) -> None:
        """Say what the trials do from now on."""
        self.deeds = deeds
        deeds.write(self.root)

    def misbehave(self, **deeds: dict[str, object]) -> None:
        """Say for trials, as `trial_3={"deed": "raise"}`, what they do."""
        told = {name.removeprefix("trial_"): deed for name, deed in deeds.items()}
        self.tell(replace(self.deeds, deeds=told))

    def arguments(self, *more: str) -> tuple[str, ...]:
        return (
            *("search", str(self.table), "--target", "y", "--space", str(self.space), "--metric", "roc_auc"),
            *("--trials", str(self.trials), "--workers", str(self.workers), "--seed", str(self.seed)),
            *("--validation", "0.2", "--name", NAME, "--runs-dir", str(self.root), *self.more, *more),
        )

    def start(self, *more: str, arguments: tuple[str, ...] | None = None, **faults: Any) -> Driver:
        self.num_started += 1
        output = self.forge.logs / f"{self.mark}-{self.num_started}.txt"
        orders = Orders(
            arguments or self.arguments(*more),
            runs_dir=str(self.root),
            acks=str(self.acks_file),
            mark=self.mark,
            output=str(output),
            **faults,
        )
        return Driver(self.forge, self.forge.ask(orders.write())["pid"], output)

    def run_afresh(self, seconds: float, **faults: Any) -> Driver:
        """Run a driver as a Python of its own, whose memory is shared with nobody."""
        output = self.forge.logs / f"{self.mark}-afresh.txt"
        orders = Orders(self.arguments(), runs_dir=str(self.root), acks=str(self.acks_file), mark=self.mark, **faults)
        with output.open("wb") as file:
            done = subprocess.run(
                [sys.executable, str(_DRIVER), orders.write()], check=False, stdout=file, stderr=file, timeout=seconds
            )
        return Driver(self.forge, 0, output, done.returncode)

    def run(self, *more: str, **faults: Any) -> Driver:
        driver = self.start(*more, **faults)
        driver.wait()
        return driver

    def wait_until(self, condition: Any, driver: Driver, seconds: float = SECONDS_TO_END) -> None:
        until = time.monotonic() + seconds
        while not condition():
            assert driver.runs, f"The driver ended with {driver.code} before its time:\n{driver.text}"
            assert time.monotonic() < until, driver.text
            time.sleep(0.01)


def write_table(path: Path, rows: int = 160) -> None:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(rows, 4))
    labels = numbers @ [1.0, -0.7, 0.4, 0.0] + 0.8 * rng.normal(size=rows) > 0
    lines = [
        ",".join([*(f"{value:.6f}" for value in row), "yes" if label else "no"])
        for row, label in zip(numbers, labels, strict=True)
    ]
    path.write_text("\n".join(["a,b,c,d,y", *lines]) + "\n")


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read the whole lines of a file."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


# Processes -----------------------------------------------------------------------------------------------------------


def marked_processes(mark: str) -> list[psutil.Process]:
    """Return the children, of whatever depth and age, of every driver that had this mark."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError, psutil.Error):
                if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes():
                    process = psutil.Process(int(folder.name))
                    found += [process] if process.status() != psutil.STATUS_ZOMBIE else []
    return found


def is_fork_server(process: psutil.Process) -> bool:
    parent = process.parent()
    return is_named(process, "multiprocessing.forkserver") and not (
        parent and is_named(parent, "multiprocessing.forkserver")
    )


def is_named(process: psutil.Process, name: str) -> bool:
    return name in " ".join(process.cmdline())


def workers_of(mark: str) -> list[psutil.Process]:
    """Return the processes in which trials train, and work is done."""
    found = []
    for process in marked_processes(mark):
        with suppress(psutil.Error):
            if is_named(process, "multiprocessing.forkserver") and not is_fork_server(process):
                found.append(process)
    return found


def fork_servers_of(mark: str) -> list[psutil.Process]:
    found = []
    for process in marked_processes(mark):
        with suppress(psutil.Error):
            found += [process] if is_fork_server(process) else []
    return found


@contextmanager
def no_orphans(mark: str) -> Iterator[None]:
    """End what a failed test leaves, by its mark."""
    try:
        yield
    finally:
        for process in marked_processes(mark):
            with suppress(psutil.Error):
                process.kill()
