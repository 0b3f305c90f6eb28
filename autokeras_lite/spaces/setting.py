"""Settings: the named values that a layer or a training takes, each with its type and its bounds."""

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from autokeras_lite.errors import SpaceError
from autokeras_lite.spaces.domain import Choice, Domain, Fixed, FloatRange, IntRange, Value

_WORDS: Mapping[type, str] = MappingProxyType(
    {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
)


@dataclass(frozen=True)
class Setting:
    """One value of a layer or of a training.

    Values have the type of `default`. `low` and `high` are part of the range, except `high` where `below_high`. A text
    is one of `options`, or matches the regular expression `form`, where there is one of the two. `is_recipe`: it is
    only a number to the graph, so lanes may differ in it. `is_width`: it counts features, so the `growth` of a slot
    multiplies it.
    """

    name: str
    default: bool | int | float | str
    low: float = -math.inf
    high: float = math.inf
    below_high: bool = False
    options: tuple[str, ...] = ()
    form: str = ""
    is_recipe: bool = False
    is_width: bool = False

    def check(self, value: Value) -> None:
        """Check one value.

        Raises:
            SpaceError: it has another type, or it is out of bounds.
        """
        if not self._has_type(value) or not self._is_inside(value):
            hint = suggestion(str(value), self.options)
            raise SpaceError(f"{self.name} is {value!r}. Expected {self.expected}.{hint or ' Correct it.'}")

    def check_domain(self, domain: Domain) -> None:
        """Check every value that a range may give.

        Raises:
            SpaceError: one of them has another type, or it is out of bounds.
        """
        match domain:
            case Choice(options):
                values: tuple[Value, ...] = options
            case Fixed(value):
                values = (value,)
            case IntRange(low, high) | FloatRange(low, high):
                values = (low, high)
        for value in values:
            self.check(value)
        if isinstance(domain, FloatRange) and not isinstance(self.default, float):
            raise SpaceError(f"{self.name} has a float range. Expected {self.expected}. Correct its type.")

    def convert(self, value: Value) -> Value:
        """Return the value in the setting's own type: a whole number becomes a float where floats are meant."""
        return float(value) if isinstance(self.default, float) and isinstance(value, int) else value

    @property
    def expected(self) -> str:
        """What a value should be, in words."""
        if self.options:
            return f"one of {', '.join(self.options)}"
        if self.form:
            return f"a text like {self.default!r}"
        low = f" from {self.low:g}" if math.isfinite(self.low) else ""
        high = f" {'below' if self.below_high else 'up to'} {self.high:g}" if math.isfinite(self.high) else ""
        return f"{_WORDS[type(self.default)]}{low}{high}"

    def _has_type(self, value: Value) -> bool:
        if isinstance(value, bool) or isinstance(self.default, bool):
            return isinstance(value, bool) and isinstance(self.default, bool)
        return isinstance(value, type(self.default)) or (isinstance(self.default, float) and isinstance(value, int))

    def _is_inside(self, value: Value) -> bool:
        if isinstance(value, str):
            is_known = not self.options or value in self.options
            return is_known and (not self.form or re.fullmatch(self.form, value) is not None)
        if isinstance(value, bool) or value is None:
            return True
        return self.low <= value <= self.high and abs(value) < math.inf and not (self.below_high and value == self.high)


def by_name(settings: Iterable[Setting]) -> Mapping[str, Setting]:
    """Return settings under their names."""
    return MappingProxyType({setting.name: setting for setting in settings})


def suggestion(came: str, known: Iterable[str]) -> str:
    """Return ` Did you mean 'x'?` for the nearest known name, or nothing where none is near.

    Example:
        >>> suggestion("widht", ["width", "depth"])
        " Did you mean 'width'?"
    """
    nearest = difflib.get_close_matches(came, list(known), n=1)
    return f" Did you mean {nearest[0]!r}?" if nearest else ""
