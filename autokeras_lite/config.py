"""What a person asks of a search: values that are checked once and then only travel."""

import difflib
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, Self, TypedDict

from autokeras_lite.errors import ConfigError

DEFAULT_SECONDS = 600.0
DEFAULT_ENSEMBLE = 8
DEFAULT_RUNS_DIR = "autokeras_lite_runs"
SAMPLERS = ("tpe", "random", "grid", "qmc")
EXECUTORS = ("process", "inline")

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZES = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_FEWEST_BYTES = 64 * 2**20
_WHOLE_LIMIT = 2**31
# Folds, and how often they are dealt: more than 99 times is a slip.
_REPEATED_FOLDS = re.compile(r"([0-9]{1,9})x([0-9]{1,2})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def parse_duration(text: str | float) -> float:
    """Convert `90s`, `10m`, `1h` or a number of seconds to seconds.

    Raises:
        ConfigError: the text is no duration, or it is not positive.

    Example:
        >>> parse_duration("1.5m")
        90.0
    """
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([smhd]?)\s*", str(text))
    seconds = float(match[1]) * _UNITS[match[2] or "s"] if match else math.nan
    if not (0 < seconds < math.inf):
        raise ConfigError(f"Time limit {text!r} was given. Expected a positive duration. Write it like 90s, 10m or 1h.")
    return seconds


def parse_size(text: str | float) -> int:
    """Convert `512m`, `2g`, `1.5GB` or a number of bytes to bytes.

    Raises:
        ConfigError: the text is no size, or it is too small for any trial.

    Example:
        >>> parse_size("1.5g")
        1610612736
    """
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([kmgt]?)(?:i?b)?\s*", str(text).lower())
    size = float(match[1]) * _SIZES[match[2]] if match else math.nan
    if not (_FEWEST_BYTES <= size < math.inf):
        raise ConfigError(
            f"Memory limit {text!r} was given. Expected a size from {_FEWEST_BYTES // 2**20}m up. "
            "Write it like 800m or 2g."
        )
    return int(size)


@dataclass(frozen=True)
class Budget:
    """How much may be spent: a number of trials in total, a number of seconds, or the first of both to run out."""

    trials: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.trials is not None:
            object.__setattr__(self, "trials", _whole("Trials", self.trials, 1, "--trials"))
        if self.trials is None and self.seconds is None:
            object.__setattr__(self, "seconds", DEFAULT_SECONDS)


@dataclass(frozen=True)
class Validation:
    """Which rows judge a configuration: a fraction held out, k folds, or a file of their own.

    `repeats` is how often the rows are dealt to folds. What `auto` means is chosen once the rows are known.
    """

    kind: Literal["auto", "fraction", "folds", "file"] = "fraction"
    fraction: float = 0.2
    folds: int = 1
    path: str | None = None
    repeats: int = 1

    @classmethod
    def parse(cls, text: str | float | int | os.PathLike[str] | None) -> Self:
        """Read `0.2` as a fraction, `5` as a number of folds, `5x3` as 5 folds dealt 3 times, other text as a path.

        `auto`, or nothing, leaves the choice to the number of rows.

        Raises:
            ConfigError: a number that is neither a fraction nor at least 2 folds, or neither a number nor a path.

        Example:
            >>> Validation.parse("5x3").folds, Validation.parse("5x3").repeats
            (5, 3)
        """
        if text is None or (isinstance(text, str) and text == "auto"):
            return cls(kind="auto")
        repeated = _REPEATED_FOLDS.fullmatch(text) if isinstance(text, str) else None
        if repeated and int(repeated[1]) >= 2 and int(repeated[2]) >= 1:
            return cls(kind="folds", folds=int(repeated[1]), repeats=int(repeated[2]))
        number = math.nan if repeated else _as_number(text)
        if number is None:
            return cls(kind="file", path=str(text))
        if 0 < number < 1:
            return cls(kind="fraction", fraction=number)
        if number >= 2 and number.is_integer():
            return cls(kind="folds", folds=int(number))
        raise ConfigError(
            f"Validation {text!r} was given. Expected a fraction between 0 and 1, a number of folds from 2 up, or a "
            "file. Write it like 0.2, 5, 5x3 or validation.csv."
        )


@dataclass(frozen=True)
class ColumnRoles:
    """Columns that are not inputs, by what they are for."""

    targets: tuple[str, ...] = ()
    group: str | None = None
    time: str | None = None
    weight: str | None = None

    @property
    def reserved(self) -> tuple[str, ...]:
        """Every column that must not become an input (the time column may still be one)."""
        return (*self.targets, *(name for name in (self.group, self.weight) if name is not None))


@dataclass(frozen=True)
class Goal:
    """What is asked, as far as the person said it; `None` means that it is inferred."""

    task: str | None = None
    metric: str | None = None
    class_weight: Literal["balanced"] | None = None


@dataclass(frozen=True)
class Strategy:
    """How the search moves: which spaces, which sampler, which seed; and what the final model is made of.

    `ensemble` is the most trials whose predictions it averages, 0 for the best one alone. Without `refit` nothing is
    trained again on all rows after folds.
    """

    spaces: tuple[str, ...] = ()
    sampler: str = "tpe"
    seed: int = 0
    ensemble: int = DEFAULT_ENSEMBLE
    refit: bool = True

    def __post_init__(self) -> None:
        if self.sampler not in SAMPLERS:
            raise ConfigError(_choices("Sampler", self.sampler, SAMPLERS, "--sampler"))
        object.__setattr__(self, "seed", _whole("Seed", self.seed, 0, "--seed"))
        object.__setattr__(self, "ensemble", _whole("Ensemble", self.ensemble, 0, "--ensemble"))


@dataclass(frozen=True)
class Execution:
    """Where trials run and what one worker may take; `None` means what the machine carries.

    `threads` are those of one worker. `memory_bytes` is what a worker may take beside the loaded libraries.
    `trial_seconds` is how long a trial, or a cohort of trials, may train. `gpu_memory` is the fraction of a GPU's
    memory that one worker may take.
    """

    executor: str = "process"
    workers: int | None = None
    threads: int | None = None
    memory_bytes: int | None = None
    trial_seconds: float | None = None
    gpu_memory: float | None = None

    def __post_init__(self) -> None:
        if self.executor not in EXECUTORS:
            raise ConfigError(_choices("Executor", self.executor, EXECUTORS, "--executor"))
        if self.workers is not None:
            object.__setattr__(self, "workers", _whole("Workers", self.workers, 1, "--workers"))
        if self.threads is not None:
            object.__setattr__(self, "threads", _whole("Threads", self.threads, 1, "--threads"))
        if self.gpu_memory is not None and not 0 < self.gpu_memory <= 1:
            raise ConfigError(
                f"GPU memory {self.gpu_memory!r} was given. Expected a fraction above 0 and up to 1. Write it like 0.5."
            )


@dataclass(frozen=True)
class Place:
    """Where the search leaves what it makes.

    `tensorboard` is a folder for event files, made absolute; `report` says whether a page is written at the end.
    """

    name: str
    runs_dir: str = DEFAULT_RUNS_DIR
    tracking_uri: str | None = None
    tensorboard: str | None = None
    report: bool = True

    def __post_init__(self) -> None:
        if self.tensorboard is not None:
            object.__setattr__(self, "tensorboard", str(Path(self.tensorboard).expanduser().absolute()))
        if not _NAME.fullmatch(self.name) or ".." in self.name:
            raise ConfigError(
                f"Name {self.name!r} was given. Expected up to 64 letters, digits, '.', '_' and '-', beginning with a "
                "letter or digit. Choose another --name."
            )

    @property
    def folder(self) -> Path:
        """The folder of this search, absolute."""
        return Path(self.runs_dir).expanduser().absolute() / self.name


@dataclass(frozen=True)
class SearchConfig:
    """Everything a person asked of one search."""

    place: Place
    columns: ColumnRoles = field(default_factory=ColumnRoles)
    goal: Goal = field(default_factory=Goal)
    budget: Budget = field(default_factory=Budget)
    validation: Validation = field(default_factory=lambda: Validation(kind="auto"))
    strategy: Strategy = field(default_factory=Strategy)
    execution: Execution = field(default_factory=Execution)

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `json.dumps` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the config that `to_json` wrote."""
        return cls(
            place=Place(**values["place"]),
            columns=ColumnRoles(**{**values["columns"], "targets": tuple(values["columns"]["targets"])}),
            goal=Goal(**values["goal"]),
            budget=Budget(**values["budget"]),
            validation=Validation(**values["validation"]),
            strategy=Strategy(**{**values["strategy"], "spaces": tuple(values["strategy"]["spaces"])}),
            execution=Execution(**values["execution"]),
        )


class SearchOptions(TypedDict, total=False):
    """The options of `autokeras_lite.search`, one for each option of `autokeras-lite search`."""

    task: str | None
    metric: str | None
    space: str | os.PathLike[str] | list[str] | tuple[str, ...] | None
    trials: int | None
    time_limit: str | float | None
    workers: int | None
    threads: int | None
    memory_limit: str | int | None
    trial_time_limit: str | float | None
    gpu_memory: float | None
    seed: int
    name: str | None
    runs_dir: str
    tracking_uri: str | None
    tensorboard: str | os.PathLike[str] | None
    report: Literal["on", "off"]
    validation: str | float | int | os.PathLike[str] | None
    group: str | None
    time_column: str | None
    weight: str | None
    class_weight: Literal["balanced"] | None
    sampler: str
    ensemble: Literal["off"] | int
    refit: Literal["on", "off"]
    executor: str
    test: Any
    extend: bool


def as_search_config(options: SearchOptions, *, name: str, targets: tuple[str, ...]) -> SearchConfig:
    """Convert the options of a call to a checked `SearchConfig`; `name` serves where the options have none.

    Raises:
        ConfigError: an option is unknown, or its value is out of range.

    Example:
        >>> as_search_config({"time_limit": "2m"}, name="adult", targets=("income",)).budget
        Budget(trials=None, seconds=120.0)
    """
    unknown = set(options) - set(SearchOptions.__annotations__)
    if unknown:
        raise ConfigError(_choices("Option", min(unknown), tuple(SearchOptions.__annotations__), "the call"))
    limit = options.get("time_limit")
    return SearchConfig(
        place=Place(
            name=options.get("name") or name,
            runs_dir=str(options.get("runs_dir", DEFAULT_RUNS_DIR)),
            tracking_uri=options.get("tracking_uri"),
            tensorboard=None if (folder := options.get("tensorboard")) is None else os.fspath(folder),
            report=_is_on("Report", options.get("report", "on")),
        ),
        columns=ColumnRoles(targets, options.get("group"), options.get("time_column"), options.get("weight")),
        goal=Goal(options.get("task"), options.get("metric"), _class_weight(options.get("class_weight"))),
        budget=Budget(options.get("trials"), None if limit is None else parse_duration(limit)),
        validation=Validation.parse(options.get("validation")),
        strategy=Strategy(
            spaces=_names(options.get("space")),
            sampler=options.get("sampler", "tpe"),
            seed=options.get("seed", 0),
            ensemble=_members(options.get("ensemble", DEFAULT_ENSEMBLE)),
            refit=_is_on("Refit", options.get("refit", "on")),
        ),
        execution=_execution(options),
    )


def _members(text: str | int) -> int:
    """Read `off` or a number of members."""
    if text == "off":
        return 0
    if isinstance(text, str) and text.isdecimal():
        return int(text)
    if isinstance(text, bool) or not isinstance(text, int):
        raise ConfigError(f"Ensemble {text!r} was given. Expected off, or the most members, such as 8. Correct it.")
    return text


def _is_on(what: str, text: str) -> bool:
    if text not in ("on", "off"):
        raise ConfigError(_choices(what, text, ("on", "off"), what.lower()))
    return text == "on"


def _execution(options: SearchOptions) -> Execution:
    memory, seconds = options.get("memory_limit"), options.get("trial_time_limit")
    return Execution(
        executor=options.get("executor", "process"),
        workers=options.get("workers"),
        threads=options.get("threads"),
        memory_bytes=None if memory is None else parse_size(memory),
        trial_seconds=None if seconds is None else parse_duration(seconds),
        gpu_memory=options.get("gpu_memory"),
    )


def _class_weight(value: str | None) -> Literal["balanced"] | None:
    if value is None:
        return None
    if value != "balanced":
        raise ConfigError(_choices("Class weight", value, ("balanced",), "--class-weight"))
    return "balanced"


def _names(value: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None) -> tuple[str, ...]:
    """Return one name or several as a tuple of texts."""
    if value is None:
        return ()
    several = (value,) if isinstance(value, str | os.PathLike) else value
    return tuple(os.fspath(name) for name in several)


def _as_number(value: str | float | int | os.PathLike[str]) -> float | None:
    """Return the number that a value is or spells; `None` where it is the path of a file."""
    if isinstance(value, os.PathLike):
        return None
    if not isinstance(value, str | Real):
        raise ConfigError(
            f"Validation of type {type(value).__name__} was given. Expected a fraction, a number of folds or the path "
            "of a file. Write the rows to a file."
        )
    try:
        return float(value)
    except ValueError:
        return None


def _whole(what: str, value: Any, low: int, where: str) -> int:
    """Return a whole number as a plain `int`, which one of numpy is not."""
    number = None if isinstance(value, bool) or not isinstance(value, Integral) else int(value)
    if number is None or not low <= number < _WHOLE_LIMIT:
        raise ConfigError(
            f"{what} {value!r} was given. Expected a whole number from {low} to {_WHOLE_LIMIT - 1}. Correct {where}."
        )
    return number


def _choices(what: str, came: str, expected: tuple[str, ...], where: str) -> str:
    nearest = difflib.get_close_matches(came, expected, n=1)
    if nearest:
        return f"{what} {came!r} was given. Expected another word. Did you mean {nearest[0]!r}? Correct {where}."
    return f"{what} {came!r} was given. Expected one of {', '.join(expected)}. Correct {where}."
