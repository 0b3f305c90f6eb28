"""What travels between the driver and the places where trials run: plain frozen values, each with a JSON form."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Self

RECIPE = "recipe"


class Cause(StrEnum):
    """Why a trial ended. The list is closed."""

    OK = "OK"
    PRUNED = "PRUNED"
    DIVERGED = "DIVERGED"
    OUT_OF_MEMORY_HOST = "OUT_OF_MEMORY_HOST"
    OUT_OF_MEMORY_DEVICE = "OUT_OF_MEMORY_DEVICE"
    TIMEOUT = "TIMEOUT"
    SIGNAL = "SIGNAL"
    EXCEPTION = "EXCEPTION"
    LOST = "LOST"
    CANCELLED = "CANCELLED"

    @property
    def status(self) -> "TrialStatus":
        """The state that this cause leaves a trial in."""
        if self is Cause.OK:
            return TrialStatus.COMPLETED
        return TrialStatus.PRUNED if self in (Cause.PRUNED, Cause.CANCELLED) else TrialStatus.FAILED


class TrialStatus(StrEnum):
    """How a trial counts: a pruned or cancelled one has a score and weights too, a failed one has neither."""

    COMPLETED = "completed"
    PRUNED = "pruned"
    FAILED = "failed"


def recipe(default: Any) -> Any:
    """Declare a dataclass field that is only a number to the graph, so that it may differ between lanes."""
    return field(default=default, metadata={"role": RECIPE})


def recipe_fields(config_type: type) -> frozenset[str]:
    """Return the names of the recipe fields of a config dataclass."""
    return frozenset(f.name for f in fields(config_type) if f.metadata.get("role") == RECIPE)


@dataclass(frozen=True)
class TrainingConfig:
    """How any model is trained; every space may search over these beside the fields of its family.

    `epochs` is the length of the schedule and the most that a trial trains; `patience` counts epochs without a better
    validation score. `schedule` shapes the learning rate over the epochs, `fading` dropout and weight decay. Of epochs
    with the same score `ties` keeps the one with the least `loss`, or the `last`. A `batch_size` of 0 is replaced by
    one that fits the number of rows before a trial is made. `beta_2` is read by Adam and its kin. Learning rate,
    decay, smoothing, clipping and the shapes are recipe: lanes of one cohort may differ in them.
    """

    optimizer: str = "adam"
    momentum: float = 0.9
    nesterov: bool = True
    loss: str = "auto"
    batch_size: int = 256
    epochs: int = 60
    patience: int = 12
    learning_rate: float = recipe(1e-3)
    weight_decay: float = recipe(0.0)
    label_smoothing: float = recipe(0.0)
    clip_norm: float = recipe(0.0)
    schedule: str = recipe("cosine")
    warmup: float = recipe(0.0)
    beta_2: float = recipe(0.999)
    fading: str = recipe("none")
    ties: str = recipe("loss")


@dataclass(frozen=True)
class TrialSpec:
    """One configuration, ready to be trained: plain values from which a trial can be repeated anywhere.

    `config` holds the fields of the family's config dataclass, `training` those of `TrainingConfig`. `seed` draws the
    first weights. `origin` is `default`, `portfolio` or the name of the sampler.
    """

    number: int
    space: str
    family: str
    config: Mapping[str, Any]
    training: TrainingConfig
    seed: int
    origin: str

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `json.dumps` takes."""
        return asdict(self) | {"config": dict(self.config)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the spec that `to_json` wrote."""
        return cls(**{**values, "training": TrainingConfig(**values["training"])})


@dataclass(frozen=True)
class Cohort:
    """Trials of one structure, trained together as lanes of one program; a cohort of one is the ordinary case.

    Every lane sees the same batches and the same noise, drawn from `batch_seed`. `folds` are the folds that each trial
    is trained on: a trial has one lane for each. `rungs` are the epochs (counted from 1) after which the driver is
    asked which trials go on. With `stop_after` every lane trains exactly so many epochs of its schedule and keeps its
    last weights: that is how a configuration is trained again once its best epoch is known.
    """

    number: int
    specs: tuple[TrialSpec, ...]
    batch_seed: int
    folds: tuple[int, ...] = (0,)
    rungs: tuple[int, ...] = ()
    stop_after: int | None = None

    def __post_init__(self) -> None:
        if not self.specs:
            raise ValueError("A cohort was made of no trial. Expected at least one.")
        if len({(s.family, s.training.batch_size, s.training.epochs) for s in self.specs}) > 1:
            raise ValueError("A cohort mixes families, batch sizes or lengths. Expected trials of one structure.")

    def shortened(self, length: "Length") -> Self:
        """Return the cohort with a schedule of another length."""
        specs = [replace(spec, training=replace(spec.training, epochs=length.epochs)) for spec in self.specs]
        return replace(self, specs=tuple(specs), rungs=length.rungs)


@dataclass(frozen=True)
class Length:
    """How long a schedule is, and after which of its epochs the driver is asked which trials go on."""

    epochs: int
    rungs: tuple[int, ...] = ()


@dataclass(frozen=True)
class EpochReport:
    """What a cohort says after an epoch: for each trial still running its best validation score so far and its loss.

    At a rung (`rung` counts from 0) the cohort waits for the answer; otherwise it goes on.
    """

    cohort: int
    epoch: int
    epochs: int
    scores: Mapping[int, float]
    losses: Mapping[int, float]
    seconds: float
    rung: int | None = None


@dataclass(frozen=True)
class Directive:
    """The driver's answer to a report: trials to stop as pruned, or everything to end after this epoch.

    With `length` the schedule of the cohort is as long as that from the next epoch on: what is left of it fits into
    the time that there is.
    """

    prune: frozenset[int] = frozenset()
    cancel: bool = False
    length: Length | None = None

    def __or__(self, other: "Directive") -> "Directive":
        """Return what both say together; of two lengths the later one."""
        return Directive(self.prune | other.prune, self.cancel or other.cancel, other.length or self.length)


@dataclass(frozen=True)
class Curve:
    """Values after each epoch, mean over the folds."""

    loss: tuple[float, ...] = ()
    validation_loss: tuple[float, ...] = ()
    score: tuple[float, ...] = ()


@dataclass(frozen=True)
class FailedAttempt:
    """An attempt at a trial that failed and was followed by another; `lanes` trials trained together in it."""

    cohort: int
    lanes: int
    cause: Cause
    message: str


@dataclass(frozen=True)
class TrialOutcome:
    """What became of one trial.

    `score` is the validation score of the kept weights in the search's metric, mean over `fold_scores`; `None` for a
    failed trial. `best_epoch` counts from 1; all folds keep the same one. `seconds` is the trial's share of its
    cohort's time. `row_seconds` is what predicting one validation row took it after the quickest epoch, in batches
    and with the other lanes, among which the time is divided; `None` where the trial was too short to tell it from
    compiling. Two outcomes may be equal that took different times to predict. Weights and validation predictions do
    not travel: they lie in the trial's folder. `earlier` are the attempts that failed before this one.
    """

    number: int
    cause: Cause
    score: float | None = None
    fold_scores: tuple[float, ...] = ()
    best_epoch: int = 0
    epochs: int = 0
    curve: Curve = Curve()
    seconds: float = 0.0
    parameters: int = 0
    lanes: int = 1
    device: str = ""
    message: str = ""
    earlier: tuple[FailedAttempt, ...] = ()
    row_seconds: float | None = field(default=None, compare=False)

    @property
    def status(self) -> TrialStatus:
        """How the trial counts."""
        return self.cause.status

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `json.dumps` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the outcome that `to_json` wrote."""
        curve = Curve(**{key: tuple(points) for key, points in values["curve"].items()})
        earlier = tuple(FailedAttempt(**{**one, "cause": Cause(one["cause"])}) for one in values.get("earlier", ()))
        changed = {
            "cause": Cause(values["cause"]),
            "fold_scores": tuple(values["fold_scores"]),
            "curve": curve,
            "earlier": earlier,
        }
        return cls(**{**values, **changed})
