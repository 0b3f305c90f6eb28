"""What is asked of a model."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal, Self

Label = str | int | float | bool


class TaskKind(StrEnum):
    """The kinds of question that a model may be asked."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    MULTILABEL = "multilabel"
    REGRESSION = "regression"


@dataclass(frozen=True)
class Task:
    """One question with its measure.

    `classes` are the labels of the one target of a binary or multiclass task, in the order of the model's outputs; a
    binary model puts out the probability of `classes[1]`. Predictions travel as `(rows, units)`: probabilities, or
    values in the target's own unit for regression. `reason` tells a person why it was taken for this task.
    """

    kind: TaskKind
    targets: tuple[str, ...]
    metric: str
    direction: Literal["maximize", "minimize"]
    classes: tuple[Label, ...] = ()
    reason: str = ""

    @property
    def units(self) -> int:
        """How many numbers the model puts out for a row."""
        if self.kind is TaskKind.MULTICLASS:
            return len(self.classes)
        return 1 if self.kind is TaskKind.BINARY else len(self.targets)

    def is_better(self, score: float, than: float) -> bool:
        """Say whether `score` beats `than` in the direction of the metric."""
        return score > than if self.direction == "maximize" else score < than

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `json.dumps` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the task that `to_json` wrote."""
        plain = {"kind": TaskKind(values["kind"]), "targets": tuple(values["targets"])}
        return cls(**{**values, **plain, "classes": tuple(values["classes"])})
