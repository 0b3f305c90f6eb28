"""A search space: every parameter with its range and condition, the portfolio, and what chosen values become."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

from autokeras_lite.data.dataset import InputKind
from autokeras_lite.errors import SpaceError
from autokeras_lite.spaces.domain import Choice, Fixed, Parameter, Suggester, Value, describe
from autokeras_lite.spaces.setting import suggestion
from autokeras_lite.spaces.stack import StackTemplate
from autokeras_lite.spaces.training_choices import TRAINING_SETTINGS
from autokeras_lite.trial import TrainingConfig, recipe_fields


@dataclass(frozen=True)
class PortfolioEntry:
    """A ready configuration under a label; what it does not name has its default.

    With `most_rows` it is meant for so many training rows at most, and comes after the others where there are more.
    """

    label: str
    values: Mapping[str, Value]
    most_rows: int | None = None

    def suits(self, rows: int) -> bool:
        """Say whether it is meant for so many training rows."""
        return self.most_rows is None or rows <= self.most_rows


@dataclass(frozen=True)
class SearchSpace:
    """Everything that may vary in the models of one family.

    Values travel flat, under the names of the parameters, and only for those that are active. `parameters` holds those
    of the stack too, parents before children. A parameter called `learning_rate.sgd` is one variant of the field
    `learning_rate`; the conditions of variants exclude each other.

    Raises:
        SpaceError: a name stands twice, a condition can never hold, two variants can be active at once, or an entry of
            the portfolio is outside.
    """

    name: str
    family: str
    summary: str
    accepts: frozenset[InputKind]
    parameters: tuple[Parameter, ...]
    portfolio: tuple[PortfolioEntry, ...] = ()
    stack: StackTemplate | None = None

    def __post_init__(self) -> None:
        _check_conditions(self.parameters)
        _check_variants(self.parameters)
        for entry in self.portfolio:
            _check_entry(self, entry)

    def suggest(self, suggester: Suggester) -> dict[str, Value]:
        """Choose a value for every parameter whose condition holds."""
        chosen: dict[str, Value] = {}
        for parameter in self.parameters:
            if parameter.is_active(chosen):
                chosen[parameter.name] = parameter.domain.suggest(parameter.name, suggester)
        return chosen

    def defaults(self) -> dict[str, Value]:
        """Return the default of every parameter whose condition then holds."""
        return self.complete({})

    def complete(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """Return `values` with the default of every active parameter that they lack; inactive ones are left out.

        A variant (`learning_rate.sgd`) is also read under the name of its field (`learning_rate`).
        """
        chosen: dict[str, Value] = {}
        for parameter in self.parameters:
            if parameter.is_active(chosen):
                spare = values.get(parameter.config_field or parameter.name, parameter.domain.default)
                chosen[parameter.name] = values.get(parameter.name, spare)
        return chosen

    def starts(self, rows: int = 0) -> tuple[dict[str, Value], ...]:
        """Return the defaults, then the entries of the portfolio, each complete and each once.

        Entries that are not meant for so many training `rows` come last.
        """
        found: list[dict[str, Value]] = []
        entries = sorted(self.portfolio, key=lambda entry: not entry.suits(rows))
        for values in (self.defaults(), *(self.complete(entry.values) for entry in entries)):
            if values not in found:
                found.append(values)
        return tuple(found)

    def contains(self, values: Mapping[str, Value]) -> bool:
        """Say whether `values` are a configuration of this space; fixed parameters may be left out."""
        try:
            self.check(values)
        except SpaceError:
            return False
        return True

    def check(self, values: Mapping[str, Value]) -> None:
        """Check that `values` name every active parameter, nothing else, and that each is inside its range.

        Raises:
            SpaceError: they are no configuration of this space.
        """
        active: dict[str, Value] = {}
        for parameter in self.parameters:
            if not parameter.is_active(active):
                continue
            if parameter.name not in values and not isinstance(parameter.domain, Fixed):
                raise SpaceError(f"{parameter.name} is missing. Expected {describe(parameter.domain)}. Add it.")
            active[parameter.name] = values.get(parameter.name, parameter.domain.default)
            if not parameter.domain.contains(active[parameter.name]):
                raise SpaceError(
                    f"{parameter.name} is {active[parameter.name]!r}. Expected {describe(parameter.domain)}. "
                    "Move it inside, or widen the range."
                )
        _check_known(values, active, self.parameters)

    def assemble(self, values: Mapping[str, Value]) -> tuple[dict[str, Any], TrainingConfig]:
        """Turn chosen values into the family's config and the training config; a stack becomes `config["stack"]`.

        Raises:
            SpaceError: the values are no configuration of this space.
        """
        self.check(values)
        chosen = self.complete(values)
        fields = {p.config_field: chosen[p.name] for p in self.parameters if p.config_field and p.name in chosen}
        training = {
            name: TRAINING_SETTINGS[name].convert(fields.pop(name)) for name in TRAINING_SETTINGS if name in fields
        }
        config: dict[str, Any] = dict(fields)
        if self.stack is not None:
            config["stack"] = self.stack.assemble(chosen)
        return config, TrainingConfig(**training)  # type: ignore[arg-type]  # check_space has seen the types

    def size(self) -> int | None:
        """Count the distinct configurations; `None` where a range is continuous, or where counting takes too long."""
        return _count(self.parameters)

    @cached_property
    def stack_recipe_names(self) -> frozenset[str]:
        """The parameters of the stack that are only numbers to the graph."""
        return frozenset() if self.stack is None else self.stack.recipe_names

    def recipe_names(self, family_fields: Iterable[str]) -> frozenset[str]:
        """Return every parameter that lanes of one cohort may differ in.

        `family_fields` are the recipe fields of the family's config. A switch counts where it steers nothing else.
        """
        fields = recipe_fields(TrainingConfig) | frozenset(family_fields)
        names = {p.name for p in self.parameters if p.config_field in fields} | self.stack_recipe_names
        switches = [p.name for p in self.parameters if p.config_field is None and p.name not in self.stack_names]
        for switch in reversed(switches):
            steered = {p.name for p in self.parameters if switch in p.when}
            names |= {switch} if steered and steered <= names else set()
        return frozenset(names)

    @cached_property
    def stack_names(self) -> frozenset[str]:
        """Every parameter of the stack."""
        return frozenset() if self.stack is None else frozenset(p.name for p in self.stack.parameters)


def _check_conditions(parameters: tuple[Parameter, ...]) -> None:
    above: dict[str, Parameter] = {}
    for parameter in parameters:
        for name, values in parameter.when.items():
            if name not in above:
                raise SpaceError(
                    f"{parameter.name} depends on {name!r}, which does not stand above it. "
                    f"Expected a parameter above it.{suggestion(name, above)} Move or correct it."
                )
            for value in values:
                if not above[name].domain.contains(value):
                    raise SpaceError(
                        f"{parameter.name} depends on {name} = {value!r}, which never holds. "
                        f"Expected {describe(above[name].domain)}. Correct 'when'."
                    )
        if parameter.name in above:
            raise SpaceError(f"{parameter.name} stands twice. Expected each name once. Rename one of them.")
        above[parameter.name] = parameter


def _check_variants(parameters: tuple[Parameter, ...]) -> None:
    for first, second in combinations([p for p in parameters if p.config_field], 2):
        if first.config_field == second.config_field and not _exclude_each_other(first, second):
            raise SpaceError(
                f"{first.name} and {second.name} can both be active. Expected conditions that exclude each other. "
                "Correct 'when'."
            )


def _exclude_each_other(first: Parameter, second: Parameter) -> bool:
    shared = first.when.keys() & second.when.keys()
    return any(
        not any(Choice(second.when[name], second.when[name][0]).contains(value) for value in first.when[name])
        for name in shared
    )


def _check_entry(space: SearchSpace, entry: PortfolioEntry) -> None:
    completed = space.complete(entry.values)
    try:
        _check_known(_with_variants(space, entry.values, completed), completed, space.parameters)
        space.check(completed)
    except SpaceError as error:
        raise SpaceError(f"portfolio entry {entry.label!r}: {error}") from None


def _with_variants(space: SearchSpace, values: Mapping[str, Value], completed: Mapping[str, Value]) -> dict[str, Value]:
    """Rename each field to its active variant."""
    names = {p.config_field: p.name for p in space.parameters if p.name in completed and p.config_field}
    return {names.get(name, name): value for name, value in values.items()}


def _check_known(values: Mapping[str, Value], active: Mapping[str, Value], parameters: tuple[Parameter, ...]) -> None:
    conditions = {parameter.name: parameter.when for parameter in parameters}
    for name in values.keys() - active.keys():
        if name not in conditions:
            raise SpaceError(
                f"{name} is no parameter. Expected one of {', '.join(list(conditions)[:12])}."
                f"{suggestion(name, conditions) or ' Remove it.'}"
            )
        wanted = " and ".join(f"{parent} in {list(allowed)}" for parent, allowed in conditions[name].items())
        raise SpaceError(f"{name} is given, but only means something with {wanted}. Expected no value. Remove it.")


# Forty switches of which each steers something later would give a million million combinations.
_MOST_STATES = 20_000


def _count(parameters: tuple[Parameter, ...]) -> int | None:
    """Count by carrying, for each combination of parents that still matter, in how many ways it is reached."""
    ways: dict[tuple[tuple[str, Value], ...], int] = {(): 1}
    for index, parameter in enumerate(parameters):
        size = parameter.domain.size()
        if size is None:
            return None
        later = parameters[index + 1 :]
        told_apart = _mentioned(parameter.name, later)
        needed = {name for other in later for name in other.when}
        grown: dict[tuple[tuple[str, Value], ...], int] = {}
        for state, count in ways.items():
            for after, factor in _branches(parameter, dict(state), told_apart, size):
                key = tuple((name, value) for name, value in after.items() if name in needed)
                grown[key] = grown.get(key, 0) + count * factor
        if len(grown) > _MOST_STATES:
            return None
        ways = grown
    return sum(ways.values())


_OTHER = "\0any other value"


def _mentioned(name: str, later: tuple[Parameter, ...]) -> list[Value]:
    values: list[Value] = []
    for parameter in later:
        values += [value for value in parameter.when.get(name, ()) if value not in values]
    return values


def _branches(
    parameter: Parameter, state: dict[str, Value], told_apart: list[Value], size: int
) -> Iterable[tuple[dict[str, Value], int]]:
    if not parameter.is_active(state):
        yield state, 1
        return
    for value in told_apart:
        yield {**state, parameter.name: value}, 1
    if size > len(told_apart):
        yield {**state, parameter.name: _OTHER}, size - len(told_apart)
