"""What stands beside a model file: how it was made, and what it takes to believe and to repeat it."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from platform import python_version
from typing import Any, Self

from autokeras_lite.artifact.latency import Latency
from autokeras_lite.data.encode import Encoding
from autokeras_lite.tasks.task import Task
from autokeras_lite.trial import TrialSpec

FORMAT_VERSION = 3
READABLE_VERSIONS = (1, 2, 3)  # format 1 knows neither members nor a temperature, format 2 no latency
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


@dataclass(frozen=True)
class Member:
    """A configuration in an ensemble, and the share of its predictions in the mean."""

    trial: TrialSpec
    share: float

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `json.dumps` takes."""
        return {"share": self.share, "trial": self.trial.to_json()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the member that `to_json` wrote."""
        return cls(TrialSpec.from_json(values["trial"]), float(values["share"]))


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a model file depends on."""
    return {"python": python_version(), **{package: version(package) for package in _PACKAGES}}


@dataclass(frozen=True)
class Manifest:
    """Everything about a saved model that is not in its file.

    `trial` is the winning configuration, `score` and `fold_scores` are its validation scores in `task.metric`. Where
    several configurations predict together, they are the `members`, the largest share first, in the order of
    `network_1`, `network_2` and so on in the model file; `trial` is the first of them, and the scores are those of
    their mean. A single configuration has no members. `temperature` is what probabilities were calibrated by, 1 by
    nothing (see `autokeras_lite.tasks.temperature`).
    `training_rows` counts the rows that the saved weights were trained on; `refit` says whether they were trained
    anew after the score was measured. `model_sha256` is filled in when the artifact is written. `latency` is `None`
    where there was no time to measure it.
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
    members: tuple[Member, ...] = ()
    temperature: float = 1.0
    latency: Latency | None = None
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    versions: Mapping[str, str] = field(default_factory=package_versions)
    model_sha256: str = ""
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        shares = [member.share for member in self.members]
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise ValueError(f"A temperature of {self.temperature} was given. Expected a positive number.")
        if not shares:
            return
        if not (min(shares) > 0 and math.isclose(math.fsum(shares), 1.0, abs_tol=1e-9)):
            raise ValueError(f"Members have the shares {shares}. Expected positive numbers whose sum is 1.")
        if shares != sorted(shares, reverse=True) or self.members[0].trial != self.trial:
            raise ValueError("The trial is not the first of the members, or they are not in order. Expected both.")

    @property
    def mixture(self) -> tuple[Member, ...]:
        """The members, or the single configuration with a share of 1."""
        return self.members or (Member(self.trial, 1.0),)

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
            "members": [member.to_json() for member in self.members],
            "temperature": self.temperature,
            "seeds": dict(self.seeds),
            "data_fingerprint": self.data_fingerprint,
            "training_rows": self.training_rows,
            "refit": self.refit,
            "notes": list(self.notes),
            "parity": asdict(self.parity),
            "latency": None if self.latency is None else asdict(self.latency),
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
            "members": tuple(Member.from_json(one) for one in values.get("members", ())),
            "latency": None if values.get("latency") is None else Latency(**values["latency"]),
        }
        return cls(**{**{name: value for name, value in values.items() if name != "metric"}, **made})
