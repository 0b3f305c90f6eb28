"""What share of a search goes into telling about it: MLflow, system metrics, TensorBoard, display, records, report?

One real search of credit_g in a terminal of its own, with everything switched on. Calls are timed where a part of the
program hands over to another one, and the threads that a part has for itself by their processor clocks. Nothing is
counted twice: what a part has another part do is counted there.

What is lost of the limit: the time of the main thread before and after the trials; beside them its time as well, but as
that of one worker of several, which at worst waits for it; and of the processors what other threads take. Three percent
are allowed for all parts together.

    python experiments/010_cost_of_the_report/cost_of_everything.py [--limit 5m] [--out everything.json] [--keep FOLDER]

Linux and macOS. Below a minute a search writes no report.
"""

import argparse
import fcntl
import functools
import json
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DATA = HERE.parent / "data" / "credit_g.parquet"
LINES, COLUMNS = 40, 160
MLFLOW, TENSORBOARD, SYSTEM = "MLflow", "TensorBoard files", "system metrics"
WAITING, DISPLAY, RECORDS, REPORT = "waiting for MLflow at the end", "live display", "journal and records", "report"
PARTS = (MLFLOW, WAITING, SYSTEM, TENSORBOARD, DISPLAY, RECORDS, REPORT)


@dataclass
class Spent:
    """Seconds of one part: of the main thread by the clock and by the processor, of other threads by the processor."""

    seconds_beside_trials: float = 0.0
    seconds_without_trials: float = 0.0
    main_thread_processor_seconds: float = 0.0
    other_threads_processor_seconds: float = 0.0
    calls: int = 0


@dataclass
class Meter:
    """Adds up what the parts take."""

    spent: dict[str, Spent] = field(default_factory=lambda: defaultdict(Spent))
    workers: int = 1
    is_training: bool = False
    _threads: dict[threading.Thread, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _local: threading.local = field(default_factory=threading.local)

    @contextmanager
    def measured(self, part: str) -> Iterator[None]:
        """Count what the block takes in this thread, without what blocks within it count for other parts."""
        within: list[list[float]] = self._local.__dict__.setdefault("within", [])
        within.append([0.0, 0.0])
        clock, processor = time.perf_counter(), time.thread_time()
        try:
            yield
        finally:
            took = [time.perf_counter() - clock, time.thread_time() - processor]
            inner = within.pop()
            if within:
                within[-1] = [sum(pair) for pair in zip(within[-1], took, strict=True)]
            self._add(part, took[0] - inner[0], took[1] - inner[1])

    def _add(self, part: str, clock: float, processor: float) -> None:
        with self._lock:
            spent = self.spent[part]
            spent.calls += 1
            if threading.current_thread() is threading.main_thread():
                if self.is_training:
                    spent.seconds_beside_trials += clock
                else:
                    spent.seconds_without_trials += clock
                spent.main_thread_processor_seconds += processor
            else:
                spent.other_threads_processor_seconds += processor

    def wrap(self, owner: Any, names: str, part: str | Callable[..., str]) -> None:
        """Measure calls of these methods of a class, or functions of a module; `part` may depend on what they get."""
        for name in names.split():
            inner = getattr(owner, name)

            @functools.wraps(inner)
            def measured(*args: Any, _inner: Callable[..., Any] = inner, **kwargs: Any) -> Any:
                with self.measured(part if isinstance(part, str) else part(*args)):
                    return _inner(*args, **kwargs)

            setattr(owner, name, measured)

    def wrap_thread(self, owner: Any, name: str, part: str | Callable[[Any], str]) -> None:
        """Measure the whole work of a thread, also where it has not ended when the search has."""
        inner = getattr(owner, name)

        @functools.wraps(inner)
        def measured(first: Any) -> None:
            its_part = part if isinstance(part, str) else part(first)
            thread = threading.current_thread()
            self._threads[thread] = its_part
            try:
                with self.measured(its_part):
                    inner(first)
            finally:
                del self._threads[thread]

        setattr(owner, name, measured)

    def note_training(self, owner: Any, name: str) -> None:
        """Take the time in which this method of a loop runs for that in which trials are trained."""
        inner = getattr(owner, name)

        @functools.wraps(inner)
        def noted(loop: Any) -> None:
            self.workers, self.is_training = loop.around.executor.slots, True
            try:
                inner(loop)
            finally:
                self.is_training = False

        setattr(owner, name, noted)

    def count_living_threads(self) -> None:
        """Add what threads have taken that still live, which are those of a store that is slow at the end."""
        for thread, part in list(self._threads.items()):
            assert thread.ident is not None
            seconds = time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
            self.spent[part].other_threads_processor_seconds += seconds


def put_everywhere(meter: Meter, boards: Path) -> None:
    """Measure every part where the rest of the program calls it."""
    from autokeras_lite import api
    from autokeras_lite.search.folder import SearchFolder
    from autokeras_lite.search.journal import Journal
    from autokeras_lite.search.loop import SearchLoop
    from autokeras_lite.search.study_record import StudyRecord
    from autokeras_lite.search.usage import UsageThread
    from autokeras_lite.tracking.outbox_tracker import OutboxTracker

    def kind(tracker: Any, *_: Any) -> str:
        return of_link(tracker, tracker.link)

    def of_link(tracker: Any, link: Any, *_: Any) -> str:
        del tracker
        return TENSORBOARD if link.uri == str(boards) else MLFLOW

    def of_close(tracker: Any, *_: Any) -> str:
        return WAITING if kind(tracker) == MLFLOW else TENSORBOARD

    meter.note_training(SearchLoop, "run")
    meter.wrap(OutboxTracker, "__init__", of_link)
    meter.wrap(OutboxTracker, "_tell", kind)
    meter.wrap(OutboxTracker, "close", of_close)
    meter.wrap_thread(OutboxTracker, "_work", kind)
    meter.wrap(UsageThread, "__init__ close", SYSTEM)
    meter.wrap_thread(UsageThread, "_work", SYSTEM)
    meter.wrap(Journal, "append", RECORDS)
    meter.wrap(StudyRecord, "add close", RECORDS)
    meter.wrap(
        SearchFolder,
        "write_trial write_request note_seconds write_baselines write_profile write_summary tidy discard_checkpoint "
        "drop_weights",
        RECORDS,
    )
    meter.wrap(api, "_write_report", REPORT)
    with meter.measured(DISPLAY):  # loads rich
        from rich.live import Live

        from autokeras_lite.cli.display import Display
    told = [name for name in vars(Display) if not name.startswith("_")]
    meter.wrap(Display, " ".join(told), DISPLAY)
    meter.wrap(Live, "start stop refresh", DISPLAY)


def search(limit: str, runs: Path, out: Path) -> None:
    """Search in this process as the command does, and write down what the parts took."""
    meter, boards = Meter(), runs / "boards"
    put_everywhere(meter, boards)
    from autokeras_lite.cli.main import main as command
    from autokeras_lite.search.folder import SearchFolder

    begun = time.monotonic()
    options = {
        "--target": "class",
        "--time-limit": limit,
        "--runs-dir": str(runs),
        "--name": "credit",
        "--tensorboard": str(boards),
    }
    sys.argv = ["autokeras-lite", "search", str(DATA), *(word for option in options.items() for word in option)]
    with suppress(SystemExit):
        command()
    wall = time.monotonic() - begun
    meter.count_living_threads()
    folder = SearchFolder(runs / "credit")
    found = {
        "wall_seconds": round(wall, 1),
        "workers": meter.workers,
        "trials": len(folder.read_trials()),
        "report_was_made": (folder.path / "report.html").exists(),
        "processor_seconds_of_the_driver": round(time.process_time(), 1),
        "parts": {part: {key: round(value, 3) for key, value in vars(meter.spent[part]).items()} for part in PARTS},
    }
    out.write_text(json.dumps(found))


def run_in_terminal(command: list[str]) -> None:
    """Run a command as a person does, so that it draws its display, and throw away what it draws."""
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    not_told = {"CI", "NO_COLOR", "COLUMNS", "LINES"}
    environment = {name: value for name, value in os.environ.items() if name not in not_told}
    child = subprocess.Popen(
        command, stdin=inside, stdout=inside, stderr=inside, env=environment | {"TERM": "xterm-256color"}
    )
    os.close(inside)
    drawn = 0
    tail = b""
    try:
        while part := os.read(terminal, 65536):
            drawn += len(part)
            tail = (tail + part)[-4000:]
    except OSError:  # Linux says so that nobody writes there any more
        pass
    os.close(terminal)
    if child.wait():
        raise SystemExit(tail.decode(errors="replace"))
    print(f"The display wrote {drawn // 1000} kB.")


def with_shares(found: dict[str, Any], limit: float) -> dict[str, Any]:
    """Add what each part takes of the limit, as described above."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for spent in found["parts"].values():
        took = spent["seconds_without_trials"] + spent["seconds_beside_trials"] / found["workers"]
        took += spent["other_threads_processor_seconds"] / cores
        spent["share_of_the_limit"] = round(took / limit, 5)
    together = round(sum(spent["share_of_the_limit"] for spent in found["parts"].values()), 5)
    return {"limit_seconds": limit, "cores": cores, **found, "share_of_the_limit": together}


def print_table(found: dict[str, Any]) -> None:
    """Print the result as the README has it."""
    keys = ("seconds_without_trials", "seconds_beside_trials", "other_threads_processor_seconds")
    print("| part | without trials | beside trials | processor, other threads | share of the limit |")
    print("|---|--:|--:|--:|--:|")
    for part, spent in found["parts"].items():
        seconds = " | ".join(f"{spent[key]:.2f} s" for key in keys)
        print(f"| {part} | {seconds} | {spent['share_of_the_limit']:.2%} |")
    sums = " | ".join(f"{sum(spent[key] for spent in found['parts'].values()):.2f} s" for key in keys)
    print(f"| together | {sums} | {found['share_of_the_limit']:.2%} |")


def main() -> None:
    """Measure in a terminal, and write it down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", default="5m")
    parser.add_argument("--out", type=Path, default=HERE / "everything.json")
    parser.add_argument("--keep", type=Path, help="a new runs folder that stays")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inside is not None:
        search(asked.limit, asked.inside, asked.out)
        return
    from autokeras_lite.config import parse_duration

    with tempfile.TemporaryDirectory() as folder:
        runs, result = asked.keep or Path(folder) / "runs", Path(folder) / "result.json"
        options = ["--limit", asked.limit, "--out", str(result), "--inside", str(runs.absolute())]
        run_in_terminal([sys.executable, str(Path(__file__).absolute()), *options])
        found = with_shares(json.loads(result.read_text()), parse_duration(asked.limit))
    asked.out.write_text(json.dumps(found, indent=1) + "\n")
    print_table(found)


if __name__ == "__main__":
    main()
