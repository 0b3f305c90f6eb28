"""The form of a space file, checked by pydantic. What follows from it is built in `autokeras_lite.spaces.convert`."""

from collections.abc import Callable, Mapping
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError

from autokeras_lite.errors import SpaceError
from autokeras_lite.spaces.domain import Choice, Domain, Fixed, FloatRange, IntRange, Value
from autokeras_lite.spaces.layers import LAYERS
from autokeras_lite.spaces.setting import Setting, suggestion
from autokeras_lite.spaces.stack import JOINS

REPEATS = Setting("repeats", 1, low=0, high=64)
RESIDUAL = Setting("residual", default=False)
GROWTH = Setting("growth", 1.0, low=0.125, high=8.0)
JOIN = Setting("join", "add", options=JOINS)

# What no space comes near. Names and options are compared with each other, so that long lists would take long.
MOST_OPTIONS = 1_000
MOST_PARAMETERS = 1_000
MOST_VARIANTS = 20
MOST_SLOTS = 200
MOST_ENTRIES = 1_000

_SLOT_NAME = r"^[a-z][a-z0-9_]{0,39}$"
_RANGES = {"int": "<int>", "float": "<float>", "choice": "<choice>"}


def _fault(text: str) -> PydanticCustomError:
    return PydanticCustomError("space", "{text}", {"text": text})


def flat_names(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Write nested tables flat, as TOML reads them from dotted keys.

    Example:
        >>> flat_names({"body": {"conv": {"filters": 32}}, "epochs": 5})
        {'body.conv.filters': 32, 'epochs': 5}
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= flat_names(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _check_plain(value: Any) -> Value:
    if not isinstance(value, bool | int | float | str):
        raise _fault(f"It is a {type(value).__name__}. Expected a plain value or a range with a type. Correct it.")
    return value


Plain = Annotated[Any, AfterValidator(_check_plain), WithJsonSchema({"type": ["boolean", "number", "string"]})]


def _check_condition(value: dict[str, Any]) -> dict[str, Any]:
    condition = {}
    for name, allowed in flat_names(value).items():
        values = tuple(_check_plain(item) for item in (allowed if isinstance(allowed, list) else [allowed]))
        if not values:
            raise _fault(f"{name} is an empty list. Expected at least one value. Add one.")
        condition[name] = values
    return condition


Condition = Annotated[dict[str, Any], AfterValidator(_check_condition)]


class _Form(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, values: Any) -> Any:
        unknown = [key for key in values if key not in cls.model_fields] if isinstance(values, dict) else []
        if unknown:
            hint = suggestion(unknown[0], cls.model_fields) or " Remove it."
            raise _fault(f"Key {unknown[0]!r} is unknown. Expected {', '.join(cls.model_fields)}.{hint}")
        return values


class _RangeForm(_Form):
    when: Condition = Field(default={}, description="names of parameters above, each with the values that it must have")

    @model_validator(mode="after")
    def _check_domain(self) -> Self:
        try:
            self.domain()
        except SpaceError as error:
            raise _fault(str(error)) from None
        return self

    def domain(self) -> Domain:
        raise NotImplementedError


class IntForm(_RangeForm):
    """Whole numbers from low to high."""

    type: Literal["int"]
    low: int
    high: int
    default: int
    step: int = 1
    log: bool = False

    def domain(self) -> IntRange:
        """Return the range itself."""
        return IntRange(self.low, self.high, self.default, self.step, self.log)


class FloatForm(_RangeForm):
    """Numbers from low to high."""

    type: Literal["float"]
    low: float
    high: float
    default: float
    step: float | None = None
    log: bool = False

    def domain(self) -> FloatRange:
        """Return the range itself."""
        return FloatRange(self.low, self.high, self.default, self.log, self.step)


class ChoiceForm(_RangeForm):
    """One of several plain values."""

    type: Literal["choice"]
    options: list[Plain] = Field(max_length=MOST_OPTIONS)
    default: Plain

    def domain(self) -> Choice:
        """Return the range itself."""
        return Choice(tuple(self.options), self.default)


def _range_tag(value: Any) -> str:
    if not isinstance(value, dict):
        return "<value>"
    return _RANGES.get(str(value.get("type")), "unknown type")


def _parameter_tag(value: Any) -> str:
    is_table = isinstance(value, dict) and bool(value)
    return "<variants>" if is_table and all(isinstance(inner, dict) for inner in value.values()) else _range_tag(value)


_Ranges = (
    Annotated[IntForm, Tag("<int>")] | Annotated[FloatForm, Tag("<float>")] | Annotated[ChoiceForm, Tag("<choice>")]
)
RangeOrValue = Annotated[_Ranges | Annotated[Plain, Tag("<value>")], Discriminator(_range_tag)]
Variants = Annotated[
    dict[str, Annotated[_Ranges, Discriminator(_range_tag)]], Field(min_length=1, max_length=MOST_VARIANTS)
]
ParameterForm = Annotated[
    _Ranges | Annotated[Plain, Tag("<value>")] | Annotated[Variants, Tag("<variants>")], Discriminator(_parameter_tag)
]


def domain_of(form: Any) -> Domain:
    """Return the range of a form, or the value that it fixes."""
    return form.domain() if isinstance(form, _RangeForm) else Fixed(form)


def _fits(setting: Setting) -> Callable[[Any], Any]:
    def check(form: Any) -> Any:
        try:
            setting.check_domain(domain_of(form))
        except SpaceError as error:
            raise _fault(str(error)) from None
        return form

    return check


def _setting_field(setting: Setting) -> Any:
    return Annotated[RangeOrValue, AfterValidator(_fits(setting))]


def _layer_form(name: str) -> type[_Form]:
    settings = LAYERS[name].settings.values()
    fields: dict[str, Any] = {setting.name: (_setting_field(setting), setting.default) for setting in settings}
    fields["kind"] = (Literal[name], ...)
    return create_model(f"{name}Form", __base__=_Form, **fields)


LAYER_FORMS = {name: _layer_form(name) for name in LAYERS}


def _option_tag(value: Any) -> str:
    if isinstance(value, dict) and "block" in value:
        return "<block>"
    kind = value.get("kind") if isinstance(value, dict) else None
    return f"<{kind}>" if isinstance(kind, str) and kind in LAYERS else "unknown kind"


class _Content(_Form):
    slots: list["SlotForm"] = Field(default=[], max_length=MOST_SLOTS, description="a block: these slots in order")
    branches: list[list["SlotForm"]] = Field(
        default=[], max_length=MOST_SLOTS, description="blocks side by side; an empty one passes through"
    )
    join: Annotated[RangeOrValue, AfterValidator(_fits(JOIN))] | None = Field(
        default=None, description="how branches come together"
    )

    @model_validator(mode="after")
    def _check_join(self) -> Self:
        if len(self.branches) == 1:
            raise _fault("branches holds one branch. Expected at least two. Use slots instead.")
        if bool(self.branches) is (self.join is None):
            raise _fault("branches and join belong together. Expected both or neither. Write join = 'add'.")
        return self


class BlockForm(_Content):
    """A named block, as one of the options of a slot."""

    block: Annotated[str, Field(pattern=_SLOT_NAME)]

    @model_validator(mode="after")
    def _check_content(self) -> Self:
        if bool(self.slots) is bool(self.branches):
            raise _fault("A block holds slots or branches. Expected one of the two. Write slots = [...].")
        return self


_LAYER_OPTIONS = [Annotated[form, Tag(f"<{name}>")] for name, form in LAYER_FORMS.items()]
_OPTIONS: Any = reduce(or_, _LAYER_OPTIONS, Annotated[BlockForm, Tag("<block>")])


class SlotForm(_Content):
    """One place of a stack."""

    name: Annotated[str, Field(pattern=_SLOT_NAME)]
    layers: list[Annotated[_OPTIONS, Discriminator(_option_tag)]] = Field(
        default=[], max_length=MOST_OPTIONS, description="the options that may fill the slot: layers or blocks"
    )
    default: str | None = Field(default=None, description="the kind that fills it by default; else the first")
    repeats: Annotated[RangeOrValue, AfterValidator(_fits(REPEATS))] = Field(
        default=1, description="how often it stands there, one after the other, with the same settings"
    )
    residual: Annotated[RangeOrValue, AfterValidator(_fits(RESIDUAL))] = Field(
        default=False, description="whether its input is added to its output"
    )
    growth: Annotated[RangeOrValue, AfterValidator(_fits(GROWTH))] = Field(
        default=1.0, description="the factor on units and filters from one repeat to the next"
    )

    @model_validator(mode="after")
    def _check_content(self) -> Self:
        if sum(map(bool, (self.layers, self.slots, self.branches))) != 1:
            raise _fault("A slot holds layers, slots or branches. Expected exactly one of them. Write layers = [...].")
        return self


class SpaceFile(_Form):
    """A search space of autokeras_lite."""

    family: str = Field(description="which models are built")
    summary: str = Field(description="one line for `autokeras-lite spaces list`")
    accepts: list[Literal["table", "image", "sequence", "tokens"]] = Field(min_length=1)
    switches: dict[str, Annotated[_Ranges, Discriminator(_range_tag)]] = Field(
        default={}, max_length=MOST_PARAMETERS, description="choices that only steer the conditions of others"
    )
    parameters: dict[str, ParameterForm] = Field(
        default={},
        max_length=MOST_PARAMETERS,
        description="fields of the family's config and of the training config: a range or a fixed value",
    )
    stack: list[SlotForm] = Field(
        default=[], max_length=MOST_SLOTS, description="layer_stack only: the slots from the input to the output"
    )
    portfolio: list[dict[str, Any]] = Field(
        default=[],
        max_length=MOST_ENTRIES,
        description="ready configurations, tried first; `name` labels one, `most_rows` puts it after the others where "
        "more rows train, the rest are values by name",
    )
