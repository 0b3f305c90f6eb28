"""Checks that a search space and its family fit each other, before anything is built. Knows no Keras."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from autokeras_lite.data.arrays import InputSpec
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.errors import SpaceError
from autokeras_lite.models.family import Family
from autokeras_lite.spaces.domain import Choice, Value
from autokeras_lite.spaces.setting import Setting, suggestion
from autokeras_lite.spaces.shapes import repair_stack
from autokeras_lite.spaces.space import SearchSpace
from autokeras_lite.spaces.training_choices import TRAINING_SETTINGS
from autokeras_lite.tasks.losses import choose_loss_name
from autokeras_lite.tasks.task import TaskKind
from autokeras_lite.trial import TrainingConfig

NUM_SAMPLES = 20
_SCALING = "number_scaling"  # the field of a config that names a key of `data.arrays.NUMBER_ARRAYS`

# A row of each kind, of an ordinary size: smaller ones are repaired, and what a stack refuses does not depend on size.
CANONICAL_SHAPES: Mapping[InputKind, tuple[int, ...]] = MappingProxyType(
    {
        InputKind.TABLE: (14,),
        InputKind.IMAGE: (32, 32, 3),
        InputKind.SEQUENCE: (64, 3),
        InputKind.TOKENS: (100,),
    }
)


class RandomSuggester:
    """Chooses every value at random, uniformly in its range or in the logarithm of it; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  # draws configurations, not secrets

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Choose a whole number."""
        return self._random.randrange(low, high + 1, step)

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Choose a number."""
        if step is not None:
            return low + step * self._random.randint(0, round((high - low) / step))
        if log:
            return min(high, max(low, math.exp(self._random.uniform(math.log(low), math.log(high)))))
        return self._random.uniform(low, high)

    def suggest_categorical(self, name: str, choices: Sequence[Value]) -> Value:
        """Choose one of `choices`."""
        return self._random.choice(choices)


def check_space(space: SearchSpace, families: Mapping[str, Family]) -> None:
    """Check a space against the family that it names.

    Its keys are fields of the family's config or of `TrainingConfig`, the values have their types and bounds, and the
    defaults, the portfolio and 20 random configurations can be assembled. A stack is followed through for each kind of
    input that the space accepts.

    Raises:
        SpaceError: something does not fit; the key or the slot is named.
    """
    try:
        family = _family(space, families)
        _check_fields(space, family)
        for label, values in _configurations(space):
            _check_configuration(space, label, values)
    except SpaceError as error:
        raise SpaceError(f"Space {space.name}: {error}") from None


def wants_quantiles(space: SearchSpace, families: Mapping[str, Family]) -> bool:
    """Say whether a configuration of the space may take the array `quantiles`, which else nobody need encode."""
    varied = [parameter for parameter in space.parameters if parameter.config_field == _SCALING]
    if varied:
        return any(parameter.domain.contains("quantile") for parameter in varied)
    return any(
        field.name == _SCALING and field.default == "quantile" for field in fields(families[space.family].config_type)
    )


def check_fit(config: Mapping[str, Any], training: TrainingConfig, inputs: InputSpec, kind: TaskKind) -> None:
    """Check that a chosen configuration can be built for these inputs and trained for this task, before it costs time.

    Raises:
        SpaceError: a slot cannot take what reaches it, or the loss does not fit the task.
    """
    choose_loss_name(training.loss, kind)
    if "stack" in config:
        repair_stack(config["stack"], _row_shape(inputs), inputs.kind)


def _row_shape(inputs: InputSpec) -> tuple[int, ...]:
    """Return the shape of what enters a stack; the columns of a table are joined to one row of numbers."""
    if inputs.kind is not InputKind.TABLE:
        return inputs.arrays[0].shape
    return (sum(array.shape[0] for array in inputs.scaled().arrays),)


def _family(space: SearchSpace, families: Mapping[str, Family]) -> Family:
    if space.family not in families:
        raise SpaceError(
            f"family is {space.family!r}. Expected one of {', '.join(families)}.{suggestion(space.family, families)}"
        )
    family = families[space.family]
    for kind in space.accepts - family.accepts:
        raise SpaceError(
            f"accepts has {kind.value!r}. Expected kinds that {family.name} takes: "
            f"{', '.join(sorted(family.accepts))}. Remove it."
        )
    return family


def _check_fields(space: SearchSpace, family: Family) -> None:
    has_stack = any(field.name == "stack" for field in fields(family.config_type))
    if has_stack and space.stack is None:
        raise SpaceError(f"family {family.name} needs a stack. Expected at least one [[stack]] slot. Add it.")
    if not has_stack and space.stack is not None:
        raise SpaceError(f"family {family.name} has no stack. Expected [parameters] only. Remove [[stack]].")
    settings = _field_settings(family)
    for parameter in space.parameters:
        name = parameter.config_field
        if name is not None and name not in settings:
            raise SpaceError(
                f"{name!r} is no field of the family or of the training. Expected one of {', '.join(settings)}."
                f"{suggestion(name, settings) or ' Remove it.'}"
            )
        if name is not None:
            settings[name].check_domain(parameter.domain)


def _field_settings(family: Family) -> Mapping[str, Setting]:
    """Return everything that `[parameters]` may hold; a text of the family is checked where its field lists options."""
    own: dict[str, Setting] = {}
    for field in fields(family.config_type):
        if isinstance(field.default, bool | int | float | str):
            options = tuple(field.metadata.get("options", ()))
            own[field.name] = Setting(field.name, field.default, options=options)
    return {**own, **TRAINING_SETTINGS}


def _configurations(space: SearchSpace) -> list[tuple[str, Mapping[str, Value]]]:
    starts = space.starts()
    labels = ["the defaults", *(f"portfolio entry {index}" for index in range(1, len(starts)))]
    suggester = RandomSuggester(seed=0)
    samples = [("a random configuration", space.suggest(suggester)) for _ in range(NUM_SAMPLES)]
    return [*zip(labels, starts, strict=True), *_one_of_each_kind(space), *samples]


def _one_of_each_kind(space: SearchSpace) -> list[tuple[str, Mapping[str, Value]]]:
    """Return the defaults with every option of every slot in turn, so that no layer goes unseen."""
    found: list[tuple[str, Mapping[str, Value]]] = []
    for parameter in space.parameters:
        if parameter.name in space.stack_names and isinstance(parameter.domain, Choice):
            for option in parameter.domain.options:
                needed = {name: values[0] for name, values in parameter.when.items()}
                values = space.complete({**needed, parameter.name: option})
                found.append((f"{parameter.name} = {option}", values))
    return found


def _check_configuration(space: SearchSpace, label: str, values: Mapping[str, Value]) -> None:
    try:
        config, _ = space.assemble(values)
        if space.stack is not None:
            for kind in sorted(space.accepts):
                repair_stack(config["stack"], CANONICAL_SHAPES[kind], kind)
    except SpaceError as error:
        raise SpaceError(f"{error} (seen in {label})") from None
