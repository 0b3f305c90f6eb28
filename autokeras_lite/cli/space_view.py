"""A search space as a person reads it: parameters, layers, ready configurations."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from autokeras_lite.report.wording import count
from autokeras_lite.spaces.domain import Choice, Domain, Fixed, Parameter, Value
from autokeras_lite.spaces.space import SearchSpace
from autokeras_lite.spaces.stack import BlockOption, LayerOption, Slot


def draw_space(space: SearchSpace) -> RenderableType:
    """Return the picture of a search space."""
    parts: list[RenderableType] = [_headline(space), Text()]
    own = [parameter for parameter in space.parameters if parameter.name not in space.stack_names]
    parts += [_parameter_table(own, "Parameters", implied=frozenset())]
    if space.stack is not None:
        parts += [_stack_tree(space.stack.slots), Text()]
        parts += [_parameter_table(space.stack.parameters, "Parameters of the layers", implied=space.stack_names)]
    parts += _fixed(space.parameters)
    parts += _portfolio(space)
    return Group(*parts)


def _headline(space: SearchSpace) -> Text:
    size = space.size()
    num_searched = sum(not isinstance(parameter.domain, Fixed) for parameter in space.parameters)
    told = (
        f"family {space.family}, for {', '.join(sorted(space.accepts))}, {count(num_searched, 'parameter')} to search"
    )
    told += "" if size is None else f", {count(size, 'configuration')}"
    return Text.assemble((space.name, "bold"), f": {space.summary}\n", (told, "dim"))


def _parameter_table(parameters: Sequence[Parameter], title: str, implied: frozenset[str]) -> Table:
    """List what is searched; a condition on one of `implied` is not told: the tree of the layers shows it."""
    searched = [parameter for parameter in parameters if not isinstance(parameter.domain, Fixed)]
    conditions = [_condition(parameter, implied) for parameter in searched]
    table = Table(
        box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, title=title, title_justify="left", title_style="bold"
    )
    table.add_column("name", style="cyan", no_wrap=True)
    table.add_column("values", overflow="fold")
    if any(conditions):
        table.add_column("only when", style="dim", overflow="fold")
    for parameter, condition in zip(searched, conditions, strict=True):
        values = f"{describe_values(parameter.domain)}; default {_value(parameter.domain.default)}"
        cells = (parameter.name, values, condition)
        table.add_row(*cells[: len(table.columns)])
    return table


def describe_values(domain: Domain) -> str:
    """Say which values a range holds, as briefly as a table needs."""
    match domain:
        case Choice(options):
            return ", ".join(map(_value, options))
        case Fixed(value):
            return _value(value)
    steps = "" if domain.step in (None, 1) else f" by {_value(domain.step)}"
    return f"{_value(domain.low)} to {_value(domain.high)}{steps}{', log' if domain.log else ''}"


def _condition(parameter: Parameter, implied: frozenset[str]) -> str:
    told = [f"{name} is {_either(values)}" for name, values in parameter.when.items() if name not in implied]
    return ", ".join(told)


def _either(values: Sequence[Value]) -> str:
    *first, last = map(_value, values)
    return f"{', '.join(first)} or {last}" if first else last


def _value(value: Value) -> str:
    """Write a value as it stands in a space file, without quotation marks."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _stack_tree(slots: Sequence[Slot]) -> Tree:
    tree = Tree(
        Text("Layers, from the input to the output (* is searched, see below)", style="bold"), guide_style="dim"
    )
    _add_slots(tree, slots)
    return tree


def _add_slots(tree: Tree, slots: Sequence[Slot]) -> None:
    for slot in slots:
        is_plain = len(slot.options) == 1
        line = Text.assemble((slot.name, "cyan"), _manner(slot))
        if is_plain and isinstance(slot.options[0], LayerOption):
            tree.add(line.append(f"  {_layer(slot.options[0])}"))
            continue
        branch = tree.add(line if is_plain else line.append("  one of"))
        for option in slot.options:
            _add_option(branch, option, is_named=not is_plain)


def _add_option(tree: Tree, option: LayerOption | BlockOption, *, is_named: bool) -> None:
    if isinstance(option, LayerOption):
        tree.add(_layer(option))
        return
    branch = tree.add(Text(f"block {option.label}")) if is_named else tree
    if option.join is None:
        _add_slots(branch, option.branches[0])
        return
    join = describe_values(option.join.domain) if isinstance(option.join, Parameter) else option.join
    beside = branch.add(Text(f"side by side, then {join}"))
    for number, slots in enumerate(option.branches, start=1):
        inner = beside.add(Text(f"branch {number}" if slots else f"branch {number}: the input as it is"))
        _add_slots(inner, slots)


def _layer(option: LayerOption) -> Text:
    """Write a layer with its settings; those that are searched have a * and stand in the table below."""
    told = [f"{name}*" for name, value in option.settings.items() if isinstance(value, Parameter)]
    told += [f"{name} {_value(value)}" for name, value in option.settings.items() if not isinstance(value, Parameter)]
    return Text.assemble(option.label, (f" ({', '.join(told)})" if told else "", "dim"))


def _manner(slot: Slot) -> Text:
    """Say how often a slot is repeated, how its widths grow, and whether it has a shortcut."""
    told = []
    if slot.repeats != 1:
        told.append(f"{_varied(slot.repeats)} times")
    if slot.growth != 1.0:
        told.append(f"widths times {_varied(slot.growth)} each")
    if isinstance(slot.residual, Parameter):
        told.append("with or without a shortcut")
    elif slot.residual:
        told.append("with a shortcut")
    return Text(f"  {', '.join(told)}" if told else "")


def _varied(value: float | Parameter) -> str:
    return describe_values(value.domain) if isinstance(value, Parameter) else _value(value)


def _fixed(parameters: Sequence[Parameter]) -> list[RenderableType]:
    fixed = [f"{p.name} {_value(p.domain.default)}" for p in parameters if isinstance(p.domain, Fixed)]
    return [Text("Fixed", style="bold"), Padding(Text(", ".join(fixed)), (0, 0, 1, 2))] if fixed else []


def _portfolio(space: SearchSpace) -> list[RenderableType]:
    """Return the ready configurations with what makes each differ from the defaults."""
    if not space.portfolio:
        return []
    table = Table.grid(padding=(0, 2))
    table.add_column(style="cyan", overflow="fold")
    table.add_column(overflow="fold")
    for entry in space.portfolio:
        told = ", ".join(f"{name} {_value(value)}" for name, value in entry.values.items())
        if entry.most_rows is not None:
            told += f" (for up to {entry.most_rows:,} rows; else after the others)"
        table.add_row(entry.label, told)
    title = Text("Ready configurations, tried after the defaults; what they do not name has its default", style="bold")
    return [title, Padding(table, (0, 0, 0, 2))]
