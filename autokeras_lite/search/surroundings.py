"""What a search works with."""

from dataclasses import dataclass, field

from autokeras_lite.execution.executor import Executor
from autokeras_lite.search.clock import Clock
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.journal import Journal
from autokeras_lite.search.observer import Observer
from autokeras_lite.search.stop import Stop
from autokeras_lite.tasks.task import Task
from autokeras_lite.tracking.tracker import Tracker


@dataclass(frozen=True)
class Surroundings:
    """Everything that a search works with: built once, handed in."""

    task: Task
    executor: Executor
    tracker: Tracker
    observer: Observer
    folder: SearchFolder
    clock: Clock
    journal: Journal
    stop: Stop = field(default_factory=Stop)
