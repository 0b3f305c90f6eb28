"""The program that the fault tests run, kill and starve: `autokeras-lite` with quick trials and a store in a file.

Everything else is real: the command line and its exit codes, the folder and its lock, the journal, the studies, the
signals, the outbox, and children in processes of their own. `python fault_driver.py ORDERS` runs it once.
`python fault_driver.py` alone imports everything and then forks a driver for each line of orders that it reads: that
saves two seconds for each of hundreds of runs. It starts no thread before it forks.
"""

import gc
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil
from fault_store import FileStore
from fault_trade import FAULT_TRADE, append_line, make_artifact

from autokeras_lite.api import SearchResult
from autokeras_lite.cli.functions import RealFunctions
from autokeras_lite.cli.main import make_cli
from autokeras_lite.config import SearchConfig, as_search_config
from autokeras_lite.data.fingerprint import fingerprint
from autokeras_lite.data.gate import drop_unlabelled
from autokeras_lite.data.read import infer_name, read_dataset
from autokeras_lite.errors import ArtifactError
from autokeras_lite.execution.machine import look_at_machine, share_machine
from autokeras_lite.execution.process import ProcessExecutor
from autokeras_lite.search.account import Asked
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.hold import hold_folder
from autokeras_lite.search.observer import Observer
from autokeras_lite.search.request import SearchRequest, check_same
from autokeras_lite.search.run import Tools, load_spaces, run_search
from autokeras_lite.tracking.outbox import OUTBOX_FOLDER, Outbox
from autokeras_lite.tracking.outbox_tracker import OutboxTracker, Pauses
from autokeras_lite.tracking.tracker import TrackingLink
from autokeras_lite.trial import TrialOutcome, TrialSpec

CRASHED = 137
MARK = "AKL_FAULT_MARK"
_GRACE_SECONDS = 0.3
_SYNCS = ("fsync", "replace", "rename")


@dataclass(frozen=True)
class Orders:
    """How one driver runs. `acks` is the file that gets a line for each result that a person is told.

    `crash_at` counts calls of `os.fsync`, `os.replace` and `os.rename`: odd numbers crash before, even ones after, the
    call number `(crash_at + 1) // 2`. `steps` is the file that gets their number when the driver ends by itself.
    `clock_jump` is added to `time.time` every other second. `descriptors` and `file_bytes` are limits.
    `gauge` is the file that gets the memory after each trial, `modules` the one that gets the names of all modules.
    """

    arguments: tuple[str, ...]
    runs_dir: str
    acks: str
    mark: str
    output: str = ""
    crash_at: int | None = None
    steps: str = ""
    clock_jump: float = 0.0
    descriptors: int | None = None
    file_bytes: int | None = None
    gauge: str = ""
    modules: str = ""

    @classmethod
    def parse(cls, text: str) -> "Orders":
        values = json.loads(text)
        return cls(**{**values, "arguments": tuple(values["arguments"])})

    def write(self) -> str:
        return json.dumps(asdict(self))


# The search, with other tools ----------------------------------------------------------------------------------------


class FaultFunctions(RealFunctions):
    """What the commands call: as `api.search` and `api.resume` do it, with tools of our own."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    def search(self, data: str, target: list[str] | None, *, observer: Observer, **options: Any) -> SearchResult:
        started, targets = time.monotonic(), tuple(target or ())
        config = as_search_config(options, name=infer_name(data, targets), targets=targets)
        return self._search(data, config, observer, started, extend=options.get("extend", False))

    def resume(self, folder: Path, *, observer: Observer) -> SearchResult:
        started, path = time.monotonic(), folder.absolute()
        request = SearchFolder(path).read_request()
        assert request is not None
        return self._search(request.data, request.to_config(path), observer, started, extend=False)

    def _search(
        self, data: Any, config: SearchConfig, observer: Observer, started: float, *, extend: bool
    ) -> SearchResult:
        folder = SearchFolder(config.place.folder)
        spaces = load_spaces(config.strategy.spaces)
        given = read_dataset(data, config.columns, name=config.place.name)
        request = SearchRequest.of(config, fingerprint(drop_unlabelled(given)[0]), data=data, test=None)
        with hold_folder(folder.path):
            earlier, notes = folder.read_request(), tuple[str, ...]()
            if earlier is not None:
                notes = check_same(earlier, request, extend=extend)
                request = replace(request, uid=earlier.uid)
                summary = None
                with suppress(ArtifactError):
                    summary = folder.read_summary()
                if summary is not None and not summary.stopped and earlier.has_budget_of(request):
                    self._open_tracker(config).close(10.0)
                    return SearchResult(folder.path)
            with closing(self._open_executor(config)) as executor:
                tools = Tools(
                    executor,
                    lambda: self._open_tracker(config),
                    Telling(observer, self._orders),
                    started,
                    make_artifact,
                )
                run_search(given, Asked(config, request, notes), spaces, folder, tools)
        return SearchResult(folder.path)

    def _open_executor(self, config: SearchConfig) -> ProcessExecutor:
        share = share_machine(look_at_machine(), config.execution)
        return ProcessExecutor(share, has_gpu=False, trade=FAULT_TRADE, grace_seconds=_GRACE_SECONDS)

    def _open_tracker(self, config: SearchConfig) -> OutboxTracker:
        link, outbox = TrackingLink("file", config.place.name, ""), Outbox(config.place.folder / OUTBOX_FOLDER)
        pauses = Pauses(first_seconds=0.02, most_seconds=0.5, closing_seconds=0.1)
        return OutboxTracker(link, lambda: FileStore(Path(self._orders.runs_dir)), outbox, pauses)


@dataclass
class Telling:
    """Passes on what it hears, and writes down each result that a person has now been told."""

    observer: Observer
    orders: Orders
    finished: list[int] = field(default_factory=list)

    def trial_finished(self, spec: TrialSpec, outcome: TrialOutcome, *, is_best: bool) -> None:
        self.observer.trial_finished(spec, outcome, is_best=is_best)
        self._tell({"trial": spec.number, "cause": outcome.cause, "score": outcome.score})
        self.finished.append(spec.number)
        if self.orders.gauge:
            append_line(Path(self.orders.gauge), gauge(len(self.finished)))

    def __getattr__(self, name: str) -> Callable[..., None]:
        return getattr(self.observer, name)  # type: ignore[no-any-return]

    def _tell(self, values: dict[str, Any]) -> None:
        append_line(Path(self.orders.acks), values)


def gauge(num_trials: int) -> dict[str, int]:
    driver = psutil.Process()
    servers = [child for child in driver.children() if "forkserver" in " ".join(child.cmdline())]
    return {
        "trials": num_trials,
        "driver_bytes": driver.memory_full_info().uss,
        "server_bytes": sum(server.memory_full_info().uss for server in servers),
        "descriptors": driver.num_fds(),
        "server_descriptors": sum(server.num_fds() for server in servers),
        "threads": threading.active_count(),
        "children": len(driver.children(recursive=True)),
    }


# Faults --------------------------------------------------------------------------------------------------------------


def arm(orders: Orders) -> None:
    """Bring the faults about that come from within the driver."""
    if orders.crash_at is not None or orders.steps:
        CrashPoints(orders.crash_at, orders.steps).arm()
    if orders.clock_jump:
        jump_clock(orders.clock_jump)
    if orders.descriptors is not None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (orders.descriptors, orders.descriptors))
    if orders.file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (orders.file_bytes, orders.file_bytes))


@dataclass
class CrashPoints:
    """Counts what makes files durable, and ends the process at one of these calls."""

    crash_at: int | None
    steps: str
    count: int = 0

    def arm(self) -> None:
        for name in _SYNCS:
            setattr(os, name, self._wrapped(getattr(os, name)))

    def _wrapped(self, real: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: Any, **named: Any) -> None:
            self._pass()
            real(*arguments, **named)
            self._pass()

        return call

    def _pass(self) -> None:
        self.count += 1
        if self.count == self.crash_at:
            os._exit(CRASHED)
        if self.steps:
            Path(self.steps).write_text(str(self.count))


def jump_clock(seconds: float) -> None:
    real = time.time
    time.time = lambda: real() + (seconds if int(real() * 10) % 2 else -seconds)


# Running -------------------------------------------------------------------------------------------------------------


def drive(orders: Orders) -> None:
    """Be the driver: ends the process with the exit code of the program."""
    os.environ[MARK] = orders.mark
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    arm(orders)
    try:
        make_cli(FaultFunctions(orders)).main(args=list(orders.arguments), prog_name="autokeras-lite")
    finally:
        if orders.modules:
            Path(orders.modules).write_text(json.dumps(sorted(sys.modules)))


def serve() -> Orders:
    """Fork for each line of orders; returns in the fork. Answers with pids, and with exit codes when asked for."""
    for line in sys.stdin:
        asked = json.loads(line)
        if "pid" in asked:
            pid, status = os.waitpid(asked["pid"], os.WNOHANG)
            answer = {"code": None if pid == 0 else os.waitstatus_to_exitcode(status)}
        elif "import" in asked:
            answer = {"threads": import_all(asked["import"])}
        else:
            orders = Orders.parse(line)
            pid = os.fork()
            if pid == 0:
                become_a_program(orders)
                return orders
            answer = {"pid": pid}
        print(json.dumps(answer), flush=True)
    sys.exit()


def import_all(names: list[str]) -> list[str]:
    """Import what a run imports late; return the names of all threads, those of libraries too."""
    for name in names:
        with suppress(ImportError):
            import_module(name)
    assert threading.active_count() == 1
    gc.freeze()  # a fork then ends in a quarter of the time
    return sorted((thread / "comm").read_text().strip() for thread in Path("/proc/self/task").iterdir())


def become_a_program(orders: Orders) -> None:
    """Let go of what belongs to the server: its streams and its group."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(orders.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(nothing)
    os.close(output)


if __name__ == "__main__":
    sys.modules["fault_driver"] = sys.modules["__main__"]
    drive(Orders.parse(sys.argv[1]) if len(sys.argv) > 1 else serve())
