"""Which losses fit which task, by name; what they compute stands in `autokeras_lite.training.losses`."""

from collections.abc import Mapping
from types import MappingProxyType

from autokeras_lite.errors import SpaceError
from autokeras_lite.tasks.task import TaskKind

# The first of each kind is what "auto" means.
FITTING_LOSSES: Mapping[TaskKind, tuple[str, ...]] = MappingProxyType(
    {
        TaskKind.BINARY: ("binary_crossentropy",),
        TaskKind.MULTICLASS: ("categorical_crossentropy", "kl_divergence"),
        TaskKind.MULTILABEL: ("binary_crossentropy",),
        TaskKind.REGRESSION: ("mean_squared_error", "huber"),
    }
)


def choose_loss_name(name: str, kind: TaskKind) -> str:
    """Return the name of the loss for a task; `auto` is the usual one.

    Raises:
        SpaceError: the loss does not fit the task.

    Example:
        >>> choose_loss_name("auto", TaskKind.REGRESSION)
        'mean_squared_error'
    """
    fitting = FITTING_LOSSES[kind]
    if name == "auto":
        return fitting[0]
    if name not in fitting:
        raise SpaceError(
            f"Loss {name!r} was chosen for a {kind} task. Expected one of {', '.join(fitting)} or auto. "
            "Correct 'loss' in the space."
        )
    return name
