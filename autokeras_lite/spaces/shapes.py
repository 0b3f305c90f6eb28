"""Follows the shape of a row through a stack, before any model is built: refuses and repairs what cannot work."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autokeras_lite.data.dataset import InputKind
from autokeras_lite.errors import SpaceError
from autokeras_lite.spaces.layers import LAYERS, LayerKind, Shape
from autokeras_lite.spaces.setting import suggestion

Node = Mapping[str, Any]

FLATTEN_UP_TO = 1024

_KINDS_BY_RANK = {1: InputKind.TABLE, 2: InputKind.SEQUENCE, 3: InputKind.IMAGE}


@dataclass(frozen=True)
class Shortcut:
    """What the input of a residual block passes before it is added: a pooling window, then a dense layer.

    `pool` is the window and stride for each dimension but the last, or `None`; `units` the width of the projection, or
    `None`.
    """

    pool: tuple[int, ...] | None
    units: int | None


@dataclass(frozen=True)
class _Flow:
    shape: Shape
    is_tokens: bool = False

    def describe(self) -> str:
        if self.is_tokens:
            return f"a row of {self.shape[0]} tokens {self.shape}"
        names = {1: f"a row of {self.shape[0]} numbers", 2: "a sequence", 3: "an image"}
        return f"{names.get(len(self.shape), 'an array')} {self.shape}"


@dataclass(frozen=True)
class _Walk:
    """One way through a stack; `visited` is filled with the address and the shape after each node."""

    is_repairing: bool
    visited: list[tuple[str, Shape]]


def trace_shapes(
    stack: Sequence[Node], input_shape: Shape, kind: InputKind | None = None
) -> tuple[tuple[str, Shape], ...]:
    """Return the address of every node with the shape of a row after it; the last is `output`, of shape `(features,)`.

    `input_shape` is the shape of one row; without `kind` a row of one dimension is taken for numbers, not tokens.

    Raises:
        SpaceError: a node cannot take what reaches it, or nothing is left after it; the slot is named.

    Example:
        >>> trace_shapes([{"slot": "hidden", "kind": "Dense", "settings": {"units": 8}}], (14,))
        (('hidden', (8,)), ('output', (8,)))
    """
    walk = _Walk(is_repairing=False, visited=[])
    _, flow = _follow(stack, _start(input_shape, kind), walk)
    return (*walk.visited, ("output", _finished(flow.shape)))


def repair_stack(stack: Sequence[Node], input_shape: Shape, kind: InputKind | None = None) -> list[dict[str, Any]]:
    """Shrink windows to what is left of the input, and leave out poolings that would do nothing.

    The result can be built on rows of `input_shape`. Repairing it again changes nothing.

    Raises:
        SpaceError: a node cannot take what reaches it; the slot is named.
    """
    repaired, _ = _follow(stack, _start(input_shape, kind), _Walk(is_repairing=True, visited=[]))
    return repaired


def shortcut_between(before: Shape, after: Shape) -> Shortcut:
    """Decide how a block's input of shape `before` becomes addable to its output of shape `after`.

    Pooling, then a projection, as in ResNet-D (He et al. 2019, "Bag of Tricks", figure 2).

    Raises:
        SpaceError: no pooling leads from one to the other.
    """
    if len(before) != len(after):
        raise SpaceError(f"goes from {before} to {after}. Expected as many dimensions. Set residual = false.")
    strides = tuple(math.ceil(old / new) for old, new in zip(before[:-1], after[:-1], strict=True))
    reached = tuple(math.ceil(old / stride) for old, stride in zip(before[:-1], strides, strict=True))
    if reached != after[:-1]:
        raise SpaceError(f"goes from {before} to {after}. Expected whole strides. Set padding = 'same' in its layers.")
    units = None if before[-1] == after[-1] else after[-1]
    return Shortcut(strides if max(strides, default=1) > 1 else None, units)


def is_flattened(shape: Shape) -> bool:
    """Say whether the end of a stack is flattened rather than averaged over its positions: up to 1,024 values are."""
    return math.prod(shape) <= FLATTEN_UP_TO


def has_lanes(stack: Sequence[Node]) -> bool:
    """Say whether every layer of a stack can be trained in lanes."""
    return all(LAYERS[kind].has_lanes for kind in _kinds(stack))


def _kinds(stack: Sequence[Node]) -> list[str]:
    found: list[str] = []
    for node in stack:
        if "kind" in node:
            found.append(node["kind"])
        for inner in (node["residual"],) if "residual" in node else node.get("branches", ()):
            found += _kinds(inner)
    return found


def _start(shape: Shape, kind: InputKind | None) -> _Flow:
    if len(shape) not in _KINDS_BY_RANK:
        raise SpaceError(f"A row of shape {shape} was given. Expected one to three dimensions. Reshape the data.")
    kind = kind or _KINDS_BY_RANK[len(shape)]
    return _Flow(tuple(shape), is_tokens=kind is InputKind.TOKENS)


def _finished(shape: Shape) -> Shape:
    return (math.prod(shape),) if is_flattened(shape) else shape[-1:]


def _follow(stack: Sequence[Node], flow: _Flow, walk: _Walk) -> tuple[list[dict[str, Any]], _Flow]:
    kept: list[dict[str, Any]] = []
    for node in stack:
        if "residual" in node:
            after, flow = _follow_residual(node, flow, walk)
        elif "branches" in node:
            after, flow = _follow_branches(node, flow, walk)
        else:
            after, flow = _follow_layer(node, flow, walk)
        kept += after
        walk.visited.append((node["slot"], flow.shape))
    return kept, flow


def _follow_layer(node: Node, flow: _Flow, walk: _Walk) -> tuple[list[dict[str, Any]], _Flow]:
    slot, kind = node["slot"], _kind_of(node)
    if kind.takes_tokens is not flow.is_tokens or len(flow.shape) not in kind.ranks:
        raise SpaceError(
            f"slot {slot!r} is a {kind.name} and takes {kind.takes}; it got {flow.describe()}. {_way_out(kind, flow)}"
        )
    settings: Mapping[str, Any] | None = {**kind.defaults, **node["settings"]}
    if walk.is_repairing and settings is not None:
        settings = kind.fit(flow.shape, settings)
        if settings is None:
            return [], flow
    assert settings is not None
    try:
        shape = kind.output_shape(flow.shape, settings)
    except SpaceError as error:
        raise SpaceError(f"slot {slot!r} is a {kind.name}: {error}") from None
    if min(shape) < 1:
        raise SpaceError(
            f"slot {slot!r} is a {kind.name} and leaves nothing of {flow.describe()}: {shape}. "
            "Expected at least 1 everywhere. Make its window smaller, or padding = 'same'."
        )
    return [{"slot": slot, "kind": kind.name, "settings": dict(settings)}], _Flow(shape)


def _kind_of(node: Node) -> LayerKind:
    name = str(node.get("kind"))
    if name not in LAYERS:
        hint = suggestion(name, LAYERS) or f" Use one of {', '.join(LAYERS)}."
        raise SpaceError(f"slot {node['slot']!r} is a {name!r}. Expected a kind of layer.{hint}")
    return LAYERS[name]


def _way_out(kind: LayerKind, flow: _Flow) -> str:
    if flow.is_tokens:
        return "Put an Embedding first."
    if kind.takes_tokens:
        return "Remove it: only tokens are embedded."
    wanted = min(kind.ranks)
    if len(flow.shape) > wanted and wanted == 1:
        return "Put a Flatten before it."
    names = ", ".join(_KINDS_BY_RANK[rank].value for rank in sorted(kind.ranks))
    return f"Use it on {names} data, or put a Reshape before it."


def _follow_residual(node: Node, flow: _Flow, walk: _Walk) -> tuple[list[dict[str, Any]], _Flow]:
    inner, after = _follow(node["residual"], flow, walk)
    if not inner:
        return [], flow
    if flow.is_tokens:
        raise SpaceError(f"slot {node['slot']!r} is residual and got tokens. Expected numbers. Set residual = false.")
    try:
        shortcut_between(flow.shape, after.shape)
    except SpaceError as error:
        raise SpaceError(f"slot {node['slot']!r} is residual and {error}") from None
    return [{"slot": node["slot"], "residual": inner}], after


def _follow_branches(node: Node, flow: _Flow, walk: _Walk) -> tuple[list[dict[str, Any]], _Flow]:
    ways = [_follow(branch, flow, walk) for branch in node["branches"]]
    if any(way.is_tokens for _, way in ways):
        raise SpaceError(f"slot {node['slot']!r} joins tokens. Expected numbers. Put an Embedding before it.")
    shapes = [way.shape for _, way in ways]
    if len({shape[:-1] for shape in shapes}) > 1 or len({len(shape) for shape in shapes}) > 1:
        raise SpaceError(
            f"slot {node['slot']!r} joins branches of shapes {', '.join(map(str, shapes))}. Expected shapes that "
            "differ in the last size only. Use the same strides and padding = 'same' in every branch."
        )
    last = shapes[0][-1] if node["join"] == "add" else sum(shape[-1] for shape in shapes)
    joined = {"slot": node["slot"], "join": node["join"], "branches": [branch for branch, _ in ways]}
    return [joined], _Flow((*shapes[0][:-1], last))
