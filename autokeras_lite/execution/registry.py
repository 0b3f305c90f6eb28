"""The executors behind `--executor`."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from autokeras_lite.config import Execution
from autokeras_lite.execution.executor import Executor
from autokeras_lite.execution.inline import InlineExecutor
from autokeras_lite.execution.machine import Machine, Share, look_at_machine, share_machine
from autokeras_lite.execution.process import ProcessExecutor


def _inline(share: Share, machine: Machine) -> Executor:
    return InlineExecutor(share)


def _process(share: Share, machine: Machine) -> Executor:
    return ProcessExecutor(share, has_gpu=machine.has_gpu)


EXECUTORS: Mapping[str, Callable[[Share, Machine], Executor]] = MappingProxyType(
    {"process": _process, "inline": _inline}
)


def open_executor(execution: Execution) -> Executor:
    """Start what runs the cohorts of a search; `close` it in the end.

    Raises:
        ConfigError: the machine cannot give what was asked for.
    """
    machine = look_at_machine()
    return EXECUTORS[execution.executor](share_machine(machine, execution), machine)
