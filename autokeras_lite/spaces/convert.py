"""Builds a search space from the checked form of its file: names the parameters, and gives them their conditions."""

from collections.abc import Iterator, Mapping
from typing import Any

from autokeras_lite.data.dataset import InputKind
from autokeras_lite.errors import SpaceError
from autokeras_lite.spaces.domain import Choice, Fixed, IntRange, Parameter, Value
from autokeras_lite.spaces.schema import BlockForm, SlotForm, SpaceFile, domain_of, flat_names
from autokeras_lite.spaces.space import PortfolioEntry, SearchSpace
from autokeras_lite.spaces.stack import BlockOption, LayerOption, Slot, StackTemplate

MOST_LAYERS = 1_000

_When = Mapping[str, tuple[Value, ...]]


def as_search_space(form: SpaceFile, name: str) -> SearchSpace:
    """Build the space called `name` from the form of its file.

    Raises:
        SpaceError: names clash, a condition can never hold, or an entry of the portfolio is outside.
    """
    parameters = [*_switches(form), *_fields(form)]
    stack = _stack(form.stack)
    names = {parameter.name.partition(".")[0] for parameter in parameters}
    for slot in form.stack:
        if slot.name in names:
            raise SpaceError(f"Slot and parameter are both called {slot.name!r}. Expected two names. Rename the slot.")
    return SearchSpace(
        name=name,
        family=form.family,
        summary=form.summary,
        accepts=frozenset(InputKind(kind) for kind in form.accepts),
        parameters=(*parameters, *(stack.parameters if stack else ())),
        portfolio=tuple(_entry(values, index) for index, values in enumerate(form.portfolio, start=1)),
        stack=stack,
    )


def _switches(form: SpaceFile) -> Iterator[Parameter]:
    for name, value in form.switches.items():
        yield Parameter(name, domain_of(value), _condition(value))


def _fields(form: SpaceFile) -> Iterator[Parameter]:
    for name, value in form.parameters.items():
        if "." in name:
            raise SpaceError(f"parameters.{name!r} has a dot in its name. Expected a field's name. Write it without.")
        if isinstance(value, dict):
            for variant, inner in value.items():
                yield Parameter(f"{name}.{variant}", domain_of(inner), _condition(inner), name)
        else:
            yield Parameter(name, domain_of(value), _condition(value), name)


def _condition(form: Any) -> _When:
    return {} if isinstance(domain_of(form), Fixed) else form.when


def _entry(values: Mapping[str, Any], index: int) -> PortfolioEntry:
    flat = flat_names(values)
    label, most_rows = flat.pop("name", f"{index}"), flat.pop("most_rows", None)
    if most_rows is not None and (type(most_rows) is not int or most_rows < 1):
        raise SpaceError(
            f"portfolio entry {label!r}: most_rows is {most_rows!r}. Expected a whole number from 1. Correct it."
        )
    for name, value in flat.items():
        if not isinstance(value, bool | int | float | str):
            raise SpaceError(f"portfolio entry {label!r}: {name} is {value!r}. Expected a plain value. Correct it.")
    return PortfolioEntry(str(label), flat, most_rows)


def _stack(slots: list[SlotForm]) -> StackTemplate | None:
    if not slots:
        return None
    template = StackTemplate(_slots(slots, "", {}))
    if (layers := _most_layers(template.slots)) > MOST_LAYERS:
        raise SpaceError(f"The stack can have {layers:,} layers. Expected at most {MOST_LAYERS:,}. Lower its repeats.")
    return template


def _slots(forms: list[SlotForm], prefix: str, when: _When) -> tuple[Slot, ...]:
    names = [form.name for form in forms]
    for name in names:
        if names.count(name) > 1:
            raise SpaceError(f"Slot {prefix + name!r} stands twice. Expected each name once. Rename one of them.")
    return tuple(_slot(form, prefix + form.name, when) for form in forms)


def _slot(form: SlotForm, path: str, when: _When) -> Slot:
    repeats = _value_or_parameter(form.repeats, f"{path}.repeats", when)
    inside = _beyond(repeats, when, least=1)
    labels = [_label(option) for option in form.layers]
    kind = _kind_parameter(form, path, labels, inside)
    return Slot(
        name=form.name,
        options=tuple(_options(form, path, kind, inside)),
        kind=kind,
        repeats=repeats,
        residual=_value_or_parameter(form.residual, f"{path}.residual", inside),
        growth=_value_or_parameter(form.growth, f"{path}.growth", _beyond(repeats, when, least=2)),
    )


def _value_or_parameter(form: Any, name: str, when: _When) -> Any:
    domain = domain_of(form)
    if isinstance(domain, Fixed):
        return domain.default
    if shared := when.keys() & form.when.keys():
        raise SpaceError(f"{name} depends on {min(shared)} by its place already. Expected others in 'when'. Remove it.")
    return Parameter(name, domain, {**when, **form.when})


def _beyond(repeats: Any, when: _When, *, least: int) -> _When:
    """Return the condition under which a slot stands at least so often."""
    if not isinstance(repeats, Parameter):
        return when
    counts = _counts(repeats)
    enough = tuple(count for count in counts if count >= least)
    is_always = len(enough) == len(counts) and repeats.when == when
    return when if is_always or not enough else {**when, repeats.name: enough}


def _counts(repeats: int | Parameter) -> tuple[int, ...]:
    match repeats:
        case Parameter(domain=IntRange(low, high, step=step)):
            return tuple(range(low, high + 1, step))
        case Parameter(domain=Choice(options)):
            return tuple(option for option in options if isinstance(option, int))
        case Parameter():
            return ()
    return (repeats,)


def _label(option: Any) -> str:
    return option.block if isinstance(option, BlockForm) else option.kind


def _kind_parameter(form: SlotForm, path: str, labels: list[str], when: _When) -> Parameter | None:
    for label in labels:
        if labels.count(label) > 1:
            raise SpaceError(
                f"Slot {path!r} has two options {label!r}. Expected each once. Put one into a named block."
            )
    if form.default is not None and form.default not in labels:
        raise SpaceError(
            f"Slot {path!r} has default {form.default!r}. Expected one of {', '.join(labels) or 'its layers'}."
            " Correct it."
        )
    if len(labels) < 2:
        return None
    return Parameter(f"{path}.kind", Choice(tuple(labels), form.default or labels[0]), when)


def _options(form: SlotForm, path: str, kind: Parameter | None, when: _When) -> Iterator[LayerOption | BlockOption]:
    if not form.layers:
        yield _block(form, "", f"{path}.", when)
    option: Any
    for option in form.layers:
        label = _label(option)
        prefix = f"{path}." if kind is None else f"{path}.{label}."
        inside = when if kind is None else {**when, kind.name: (label,)}
        if isinstance(option, BlockForm):
            yield _block(option, label, prefix, inside)
        else:
            spelled = {name: value for name, value in option if name in option.model_fields_set and name != "kind"}
            settings = {name: _value_or_parameter(value, prefix + name, inside) for name, value in spelled.items()}
            yield LayerOption(label, settings)


def _block(form: SlotForm | BlockForm, label: str, prefix: str, when: _When) -> BlockOption:
    if not form.branches:
        return BlockOption(label, (_slots(form.slots, prefix, when),))
    everything = [slot for branch in form.branches for slot in branch]
    built = {slot.name: slot for slot in _slots(everything, prefix, when)}
    branches = tuple(tuple(built[slot.name] for slot in branch) for branch in form.branches)
    return BlockOption(label, branches, _value_or_parameter(form.join, f"{prefix}join", when))


def _most_layers(slots: tuple[Slot, ...]) -> int:
    return sum(max(_counts(slot.repeats)) * max(map(_most_in_option, slot.options)) for slot in slots)


def _most_in_option(option: LayerOption | BlockOption) -> int:
    if isinstance(option, LayerOption):
        return 1
    return sum(map(_most_layers, option.branches))
