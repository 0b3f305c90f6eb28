"""Ranges: which values a parameter may take, and how one of them is asked for."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from autokeras_lite.errors import SpaceError

Value = bool | int | float | str | None

_LARGEST = 2**53
_ROUNDING = 1e-9


class Suggester(Protocol):
    """The part of `optuna.Trial` that a space needs."""

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Choose a whole number."""

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Choose a number."""

    def suggest_categorical(self, name: str, choices: Sequence[Value]) -> Value:
        """Choose one of `choices`."""


@dataclass(frozen=True)
class IntRange:
    """Whole numbers from `low` to `high` in steps.

    Raises:
        SpaceError: the bounds, the step or the default contradict each other.

    Example:
        >>> IntRange(2, 8, default=4, step=2).size()
        4
    """

    low: int
    high: int
    default: int
    step: int = 1
    log: bool = False

    def __post_init__(self) -> None:
        _check_bounds(self.low, self.high, self.step, log=self.log)
        _check_default(self)

    def contains(self, value: Value) -> bool:
        """Say whether `value` is one of these numbers; a boolean is none."""
        if isinstance(value, bool) or not isinstance(value, int):
            return False
        return self.low <= value <= self.high and (value - self.low) % self.step == 0

    def suggest(self, name: str, suggester: Suggester) -> int:
        """Ask for one of these numbers."""
        return suggester.suggest_int(name, self.low, self.high, step=self.step, log=self.log)

    def size(self) -> int:
        """Count the numbers."""
        return (self.high - self.low) // self.step + 1


@dataclass(frozen=True)
class FloatRange:
    """Numbers from `low` to `high`, continuous or in steps.

    Raises:
        SpaceError: the bounds, the step or the default contradict each other.

    Example:
        >>> FloatRange(1e-4, 1e-2, default=1e-3, log=True).contains(0.5)
        False
    """

    low: float
    high: float
    default: float
    log: bool = False
    step: float | None = None

    def __post_init__(self) -> None:
        _check_bounds(self.low, self.high, self.step, log=self.log)
        _check_default(self)

    def contains(self, value: Value) -> bool:
        """Say whether `value` lies in the range, up to rounding; whole numbers count too, a boolean does not."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        low, high = self.low - _ROUNDING * abs(self.low), self.high + _ROUNDING * abs(self.high)
        return low <= value <= high and (self.step is None or _is_whole((value - self.low) / self.step))

    def suggest(self, name: str, suggester: Suggester) -> float:
        """Ask for one of these numbers."""
        return suggester.suggest_float(name, self.low, self.high, step=self.step, log=self.log)

    def size(self) -> int | None:
        """Count the numbers; `None` where there is no end of them."""
        if self.low == self.high:
            return 1
        return None if self.step is None else round((self.high - self.low) / self.step) + 1


@dataclass(frozen=True)
class Choice:
    """One of several plain values, without an order.

    Raises:
        SpaceError: there is no option, an option stands twice, or the default is none of them.

    Example:
        >>> Choice(("relu", "gelu"), default="relu").contains("tanh")
        False
    """

    options: tuple[Value, ...]
    default: Value

    def __post_init__(self) -> None:
        if not self.options:
            raise SpaceError("There are no options. Expected at least one. Add one to 'options'.")
        if len(set(self.options)) < len(self.options):
            raise SpaceError(
                f"Options {list(self.options)!r} repeat a value. Expected each one once. Remove the second."
            )
        _check_default(self)

    def contains(self, value: Value) -> bool:
        """Say whether `value` is an option; `true` is not 1."""
        return any(isinstance(value, bool) is isinstance(option, bool) and value == option for option in self.options)

    def suggest(self, name: str, suggester: Suggester) -> Value:
        """Ask for one of the options."""
        return suggester.suggest_categorical(name, self.options)

    def size(self) -> int:
        """Count the options."""
        return len(self.options)


@dataclass(frozen=True)
class Fixed:
    """One value that is stated and not searched.

    Example:
        >>> Fixed(100).contains(50)
        False
    """

    default: Value

    def contains(self, value: Value) -> bool:
        """Say whether `value` is the stated one."""
        return isinstance(value, bool) is isinstance(self.default, bool) and value == self.default

    def suggest(self, name: str, suggester: Suggester) -> Value:
        """Return the stated value without asking."""
        return self.default

    def size(self) -> int:
        """Count the one value."""
        return 1


Domain = IntRange | FloatRange | Choice | Fixed


@dataclass(frozen=True)
class Parameter:
    """A name, its range, and the choices under which it means anything.

    It is active where every parameter named in `when` is active and has one of the values given there. `config_field`
    is the field of the config that its value becomes; `None` for a parameter of a stack, and for a switch, which only
    steers the conditions of others.
    """

    name: str
    domain: Domain
    when: Mapping[str, tuple[Value, ...]] = field(default_factory=lambda: MappingProxyType({}))
    config_field: str | None = None

    def is_active(self, chosen: Mapping[str, Value]) -> bool:
        """Say whether the parameter means anything beside what was chosen."""
        return all(
            name in chosen and Choice(values, values[0]).contains(chosen[name]) for name, values in self.when.items()
        )


def _check_bounds(low: float, high: float, step: float | None, *, log: bool) -> None:
    if not all(abs(bound) <= _LARGEST for bound in (low, high)):
        raise SpaceError(f"The range is {low} to {high}. Expected numbers up to 2**53. Bring them nearer to 0.")
    if low > high:
        raise SpaceError(f"low is {low} and high is {high}. Expected low up to high. Exchange them.")
    if log and low <= 0:
        raise SpaceError(f"low is {low} in a log range. Expected more than 0. Raise it, or remove log.")
    if step is None or (isinstance(step, int) and step == 1):
        return
    if log:
        raise SpaceError(f"A log range has step {step}. Expected one of the two. Remove step or log.")
    if not 0 < step <= _LARGEST:
        raise SpaceError(f"step is {step}. Expected more than 0. Correct it.")
    if not _is_whole((high - low) / step):
        reached = low + math.floor((high - low) / step) * step
        raise SpaceError(f"high is {high}, which steps of {step} from {low} do not reach. Write high = {reached:g}.")


def _check_default(domain: IntRange | FloatRange | Choice) -> None:
    if not domain.contains(domain.default):
        raise SpaceError(f"The default {domain.default!r} is outside. Expected {describe(domain)}. Move it inside.")


def _is_whole(number: float) -> bool:
    return abs(number - round(number)) < _ROUNDING * max(1.0, abs(number))


def describe(domain: Domain) -> str:
    """Say in a few words which values a range holds.

    Example:
        >>> describe(IntRange(2, 8, default=4, step=2))
        'a whole number from 2 to 8 in steps of 2'
    """
    match domain:
        case Choice(options):
            return f"one of {', '.join(map(repr, options))}"
        case Fixed(value):
            return f"{value!r}, which is fixed"
    steps = "" if domain.step in (None, 1) else f" in steps of {domain.step}"
    return f"a {'whole ' if isinstance(domain, IntRange) else ''}number from {domain.low} to {domain.high}{steps}"
