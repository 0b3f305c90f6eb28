"""What children do: which module they need, and which function trains."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from autokeras_lite.execution.executor import CohortJob, CohortResult, Reporter
from autokeras_lite.models.loading import load_keras
from autokeras_lite.trial import Cause

Train = Callable[[CohortJob, int, Reporter], CohortResult]


@dataclass(frozen=True)
class Trade:
    """What the children of an executor can do, by names, which can be sent to them.

    `preload` is the module that the fork server imports, once, before it forks. `train` is a function, written
    `module:function`, that takes a `CohortJob`, the bytes that it may count on and a `Reporter`, and returns a
    `CohortResult`. With `uses_tensorflow` TensorFlow is given its threads and its memory before the first work.

    The fork server finds modules as a fresh Python does: those that are installed or in a folder of `PYTHONPATH`. What
    it cannot find it leaves out. A child has the driver's whole `sys.path` and imports what is missing, each time anew.
    There is one fork server for a program: an executor with another trade uses the one that runs.
    """

    preload: str
    train: str
    uses_tensorflow: bool = False


KERAS_TRADE = Trade(
    preload="autokeras_lite.execution.keras_trade",
    train="autokeras_lite.execution.keras_trade:train",
    uses_tensorflow=True,
)


@dataclass(frozen=True)
class Craft:
    """A trade that was learned: the function that trains, and one that knows errors for want of memory."""

    train: Train
    out_of_memory_cause: Callable[[BaseException], Cause | None]


def learn(trade: Trade) -> Craft:
    """Import what a trade needs."""
    module, _, function = trade.train.partition(":")
    if not trade.uses_tensorflow:
        return Craft(vars(import_module(module))[function], _out_of_memory_cause)
    load_keras()
    from autokeras_lite.training.compiled_epoch import out_of_memory_cause

    return Craft(vars(import_module(module))[function], out_of_memory_cause)


def _out_of_memory_cause(error: BaseException) -> Cause | None:
    return Cause.OUT_OF_MEMORY_HOST if isinstance(error, MemoryError) else None
