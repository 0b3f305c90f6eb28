"""Stacks of layers in which something may still vary: slots, their choices, and what they become when chosen.

A chosen stack is a plain list of nodes, each of one of three forms:

    {"slot": "body.1.conv", "kind": "Conv2D", "settings": {...}}         a layer
    {"slot": "body.1", "residual": [nodes]}                              nodes with a shortcut around them
    {"slot": "views", "join": "add", "branches": [[nodes], [nodes]]}     nodes side by side, added or concatenated
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from autokeras_lite.spaces.domain import Parameter, Value
from autokeras_lite.spaces.layers import LAYERS

JOINS = ("add", "concatenate")

Chosen = Mapping[str, Value]


@dataclass(frozen=True)
class LayerOption:
    """A layer of one kind; each setting that is spelled out is a value or a parameter."""

    label: str
    settings: Mapping[str, Value | Parameter]


@dataclass(frozen=True)
class BlockOption:
    """Slots in order, or several such branches side by side with a `join`."""

    label: str
    branches: tuple[tuple["Slot", ...], ...]
    join: str | Parameter | None = None


@dataclass(frozen=True)
class Slot:
    """One place of a stack: which option fills it, how often, with a shortcut or without.

    Widths of the i-th repeat (from 0) are multiplied by `growth ** i`. Where the condition of `repeats` does not hold,
    the slot is left out; any other setting then has the default of its layer.
    """

    name: str
    options: tuple[LayerOption | BlockOption, ...]
    kind: Parameter | None = None
    repeats: int | Parameter = 1
    residual: bool | Parameter = False
    growth: float | Parameter = 1.0


@dataclass(frozen=True)
class StackTemplate:
    """A stack with everything that may vary in it."""

    slots: tuple[Slot, ...]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Every parameter, parents before children."""
        return tuple(parameter for parameter, _ in _parameters(self.slots))

    @property
    def recipe_names(self) -> frozenset[str]:
        """The parameters that are only numbers to the graph."""
        return frozenset(parameter.name for parameter, is_recipe in _parameters(self.slots) if is_recipe)

    def assemble(self, chosen: Chosen) -> list[dict[str, Any]]:
        """Return the nodes of the stack in which every parameter has its chosen value."""
        return _assemble(self.slots, chosen, "", 1.0)


def _parameters(slots: tuple[Slot, ...]) -> Iterator[tuple[Parameter, bool]]:
    for slot in slots:
        for own in (slot.repeats, slot.kind, slot.residual, slot.growth):
            if isinstance(own, Parameter):
                yield own, False
        for option in slot.options:
            if isinstance(option, LayerOption):
                yield from _settings_of(option)
            else:
                if isinstance(option.join, Parameter):
                    yield option.join, False
                for branch in option.branches:
                    yield from _parameters(branch)


def _settings_of(option: LayerOption) -> Iterator[tuple[Parameter, bool]]:
    known = LAYERS[option.label].settings
    for name, value in option.settings.items():
        if isinstance(value, Parameter):
            yield value, known[name].is_recipe


def _assemble(slots: tuple[Slot, ...], chosen: Chosen, prefix: str, width: float) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = []
    for slot in slots:
        repeats = _choose(slot.repeats, chosen, otherwise=0)
        for index in range(repeats):
            address = prefix + slot.name + ("" if slot.repeats == 1 else f".{index + 1}")
            growth = 1.0 if index == 0 else _choose(slot.growth, chosen, otherwise=1.0) ** index
            inner = _assemble_option(_option(slot, chosen), chosen, address, width * growth)
            is_residual = _choose(slot.residual, chosen, otherwise=False)
            nodes += [{"slot": address, "residual": inner}] if is_residual else inner
    return nodes


def _option(slot: Slot, chosen: Chosen) -> LayerOption | BlockOption:
    if slot.kind is None:
        return slot.options[0]
    label = chosen[slot.kind.name]
    return next(option for option in slot.options if option.label == label)


def _assemble_option(
    option: LayerOption | BlockOption, chosen: Chosen, address: str, width: float
) -> list[dict[str, Any]]:
    if isinstance(option, LayerOption):
        return [{"slot": address, "kind": option.label, "settings": _assemble_settings(option, chosen, width)}]
    branches = [_assemble(branch, chosen, f"{address}.", width) for branch in option.branches]
    if option.join is None:
        return branches[0]
    return [{"slot": address, "join": _choose(option.join, chosen, otherwise=JOINS[0]), "branches": branches}]


def _assemble_settings(option: LayerOption, chosen: Chosen, width: float) -> dict[str, Any]:
    kind = LAYERS[option.label]
    settings: dict[str, Any] = kind.defaults
    for name, value in option.settings.items():
        setting = kind.settings[name]
        plain: Any = setting.convert(_choose(value, chosen, otherwise=setting.default))
        settings[name] = int(min(max(1, round(plain * width)), setting.high)) if setting.is_width else plain
    return settings


def _choose(value: Any, chosen: Chosen, *, otherwise: Value) -> Any:
    return chosen.get(value.name, otherwise) if isinstance(value, Parameter) else value
