"""Where the layers of a network stand in a picture, and the lines between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autokeras_lite.report.architecture import Layer, Network

_LETTER, _PADDING = 7.3, 28.0
_NARROWEST, _WIDEST = 132.0, 300.0
_GAP, _ROW_GAP = 16.0, 30.0
_LINE, _HEAD = 17.0, 34.0
_LANE = 14.0
_MARGIN = 8.0


@dataclass(frozen=True)
class Box:
    """One layer in the picture: its corner, its size, and the lines of text in it."""

    layer: Layer
    left: float
    top: float
    width: float
    height: float
    lines: tuple[str, ...]

    @property
    def middle(self) -> float:
        """Where its middle stands from the left."""
        return self.left + self.width / 2

    @property
    def bottom(self) -> float:
        """Where it ends."""
        return self.top + self.height


@dataclass(frozen=True)
class LayerDrawing:
    """A picture of a network: boxes, and the paths between them in the language of SVG."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    paths: tuple[str, ...]


def draw_network(network: Network) -> LayerDrawing:
    """Lay out the layers from the input on top to the output below; what skips layers passes on the right."""
    ranks = _ranks(network.layers)
    rows = [[layer for layer in network.layers if ranks[layer.name] == rank] for rank in range(max(ranks.values()) + 1)]
    widths = [sum(map(_width, row)) + _GAP * (len(row) - 1) for row in rows]
    middle = max(widths) / 2 + _MARGIN
    boxes: dict[str, Box] = {}
    top = _MARGIN
    for row, width in zip(rows, widths, strict=True):
        left = middle - width / 2
        for layer in row:
            boxes[layer.name] = Box(layer, left, top, _width(layer), _height(layer), _lines(layer))
            left += _width(layer) + _GAP
        top += max(_height(layer) for layer in row) + _ROW_GAP
    paths, right = _paths(network.layers, boxes, ranks)
    height = top - _ROW_GAP + _MARGIN
    return LayerDrawing(round(right + _MARGIN, 1), round(height, 1), tuple(boxes.values()), tuple(paths))


def _ranks(layers: Sequence[Layer]) -> dict[str, int]:
    """Return how many layers stand in front of each; inputs stand right above what takes them first."""
    ranks: dict[str, int] = {}
    for layer in layers:
        ranks[layer.name] = max((ranks[source] + 1 for source in layer.inputs), default=0)
    for layer in layers:
        if not layer.inputs:
            takers = [ranks[other.name] for other in layers if layer.name in other.inputs]
            ranks[layer.name] = min(takers, default=1) - 1
    return ranks


def _lines(layer: Layer) -> tuple[str, ...]:
    most = int((_WIDEST - _PADDING) / _LETTER)
    lines = list[str]()
    for detail in layer.details:
        if lines and len(lines[-1]) + len(detail) + 2 <= most:
            lines[-1] += f", {detail}"
        else:
            lines.append(detail)
    if layer.shape:
        lines.append(f"→ {layer.shape}")
    return tuple(line if len(line) <= most else f"{line[: most - 1]}…" for line in lines)


def _width(layer: Layer) -> float:
    longest = max(map(len, (layer.title, *_lines(layer))))
    return min(_WIDEST, max(_NARROWEST, longest * _LETTER + _PADDING))


def _height(layer: Layer) -> float:
    return _HEAD + _LINE * len(_lines(layer))


def _paths(layers: Sequence[Layer], boxes: Mapping[str, Box], ranks: Mapping[str, int]) -> tuple[list[str], float]:
    """Return the lines between layers, and how far they reach to the right."""
    right = max(box.left + box.width for box in boxes.values())
    paths, lanes = list[str](), list[int]()
    for layer in layers:
        for source in layer.inputs:
            start, end = boxes[source], boxes[layer.name]
            if ranks[layer.name] - ranks[source] == 1:
                paths.append(_straight(start, end))
                continue
            lane = _free_lane(lanes, ranks[source], ranks[layer.name])
            paths.append(_around(start, end, right + _LANE * (lane + 1)))
    return paths, right + _LANE * len(lanes)


def _free_lane(lanes: list[int], begin: int, end: int) -> int:
    """Return the first lane that is free from a rank on, and take it until another; a new one where all are taken."""
    for number, taken_until in enumerate(lanes):
        if taken_until <= begin:
            lanes[number] = end
            return number
    lanes.append(end)
    return len(lanes) - 1


def _straight(start: Box, end: Box) -> str:
    half = (end.top - start.bottom) / 2
    bend = f"{start.middle:.1f} {start.bottom + half:.1f} {end.middle:.1f} {end.top - half:.1f}"
    return f"M{start.middle:.1f} {start.bottom:.1f}C{bend} {end.middle:.1f} {end.top:.1f}"


def _around(start: Box, end: Box, lane: float) -> str:
    begin, finish = start.bottom - start.height / 2, end.top + end.height / 2
    return (
        f"M{start.left + start.width:.1f} {begin:.1f}H{lane - 6:.1f}Q{lane:.1f} {begin:.1f} {lane:.1f} {begin + 6:.1f}"
        f"V{finish - 6:.1f}Q{lane:.1f} {finish:.1f} {lane - 6:.1f} {finish:.1f}H{end.left + end.width:.1f}"
    )
