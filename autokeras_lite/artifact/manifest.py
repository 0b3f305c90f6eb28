"""What stands beside a model file: how it was made, and what it takes to believe and to repeat it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from platform import python_version
from typing import Any, Self

from autokeras_lite.data.encode import Encoding
from autokeras_lite.tasks.task import Task
from autokeras_lite.trial import TrialSpec

FORMAT_VERSION = 1
PARITY_TOLERANCE = 1e-5

_PACKAGES = ("autokeras_lite", "keras", "tensorflow", "numpy")


@dataclass(frozen=True)
class Parity:
    """How far the model file strays from the path that was measured.

    `max_difference` is absolute for probabilities and relative for a regression (see `measure_parity`); `rows` were
    compared.
    """

    max_difference: float
    rows: int

    @property
    def holds(self) -> bool:
        """Whether the difference is no more than rounding; NaN is more."""
        return self.max_difference <= PARITY_TOLERANCE


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a model file depends on."""
    return {"python": python_version(), **{package: version(package) for package in _PACKAGES}}


@dataclass(frozen=True)
class Manifest:
    """Everything about a saved model that is not in its file.

    `trial` is the winning configuration, `score` and `fold_scores` are its validation scores in `task.metric`.
    `training_rows` counts the rows that the saved weights were trained on; `refit` says whether they were trained
    anew after the score was measured. `model_sha256` is filled in when the artifact is written.
    """

    name: str
    task: Task
    encoding: Encoding
    trial: TrialSpec
    score: float
    fold_scores: tuple[float, ...]
    seeds: Mapping[str, int]
    data_fingerprint: str
    training_rows: int
    parity: Parity
    refit: bool = False
    notes: tuple[str, ...] = ()
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    versions: Mapping[str, str] = field(default_factory=package_versions)
    model_sha256: str = ""
    format_version: int = FORMAT_VERSION

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `json.dumps` takes."""
        return {
            "format_version": self.format_version,
            "name": self.name,
            "created": self.created,
            "versions": dict(self.versions),
            "task": self.task.to_json(),
            "metric": self.task.metric,
            "score": self.score,
            "fold_scores": list(self.fold_scores),
            "trial": self.trial.to_json(),
            "seeds": dict(self.seeds),
            "data_fingerprint": self.data_fingerprint,
            "training_rows": self.training_rows,
            "refit": self.refit,
            "notes": list(self.notes),
            "parity": asdict(self.parity),
            "model_sha256": self.model_sha256,
            "encoding": self.encoding.to_json(),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the manifest that `to_json` wrote."""
        made = {
            "task": Task.from_json(values["task"]),
            "encoding": Encoding.from_json(values["encoding"]),
            "trial": TrialSpec.from_json(values["trial"]),
            "parity": Parity(**values["parity"]),
            "fold_scores": tuple(values["fold_scores"]),
            "notes": tuple(values["notes"]),
        }
        return cls(**{**{name: value for name, value in values.items() if name != "metric"}, **made})
