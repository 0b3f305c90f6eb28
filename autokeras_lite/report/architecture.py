"""What a model is made of, read from its file without Keras: the networks in it, and their layers."""

import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from autokeras_lite.artifact.files import MOST_DESCRIPTION_BYTES, MOST_DESCRIPTION_VALUES
from autokeras_lite.data.archive import ARCHIVE_ERRORS, list_members
from autokeras_lite.durable import parse_json
from autokeras_lite.errors import ArtifactError

_CONFIG = "config.json"
_MOST_RATIO = 100
_MOST_LAYERS = 2_000
_FEWEST_ALIKE = 3
_OPERATIONS = "keras.src.ops"
_OF_ONES = ("OnesLike", "ZerosLike")  # they take a shape, no values
# What changes a tensor little: it is told with the layer that it follows.
_SMALL = frozenset(
    {"Activation", "BatchNormalization", "Cast", "Dropout", "ExpandDims", "Flatten", "GaussianNoise", "GetItem",
     "Identity", "LayerNormalization", "Permute", "RMSNormalization", "Reshape", "SpatialDropout1D",
     "SpatialDropout2D", "UnitNormalization"}
)  # fmt: skip
_WORDS = {
    "BatchNormalization": "batch normalisation",
    "LayerNormalization": "layer normalisation",
    "RMSNormalization": "RMS normalisation",
}


@dataclass(frozen=True)
class Layer:
    """One layer, or several that are alike and side by side (`count`).

    `title` says what it is, `details` what belongs to it, `shape` what one row is behind it, where that is known.
    `inputs` are the names of the layers in front.
    """

    name: str
    title: str
    details: tuple[str, ...] = ()
    shape: str = ""
    inputs: tuple[str, ...] = ()
    count: int = 1


@dataclass(frozen=True)
class Network:
    """One network of a model; its layers stand behind those that they take."""

    name: str
    layers: tuple[Layer, ...]


@dataclass
class _Node:
    """A layer while the picture is made simpler; `sources` are names without repeats."""

    name: str
    kind: str
    settings: Mapping[str, Any]
    sources: list[str]
    shape: str = ""
    details: list[str] = field(default_factory=list)
    count: int = 1
    is_operation: bool = False

    @property
    def is_small(self) -> bool:
        return (self.kind in _SMALL or self.is_operation) and self.kind != "InputLayer"


def read_networks(model_file: Path) -> tuple[Network, ...]:
    """Return the networks of a model file, those of an ensemble in their order; nothing where they cannot be read.

    Raises:
        ArtifactError: the file is damaged.
    """
    try:
        config = _read_config(model_file)
        return tuple(_network(values) for values in _functional_parts(config))
    except (*ARCHIVE_ERRORS, LookupError, TypeError, AttributeError) as error:
        raise ArtifactError(
            f"The layers in {model_file} cannot be read ({type(error).__name__}). Expected the file that the search "
            "wrote. Restore it from a copy."
        ) from error


def _read_config(model_file: Path) -> Any:
    member = {one.filename: one for one in list_members(model_file)}[_CONFIG]
    if member.file_size > min(MOST_DESCRIPTION_BYTES, _MOST_RATIO * max(1, member.compress_size)):
        raise ValueError("its config is inflated")
    with zipfile.ZipFile(model_file) as archive:
        return parse_json(archive.read(_CONFIG), str(model_file), most_values=MOST_DESCRIPTION_VALUES)


def _functional_parts(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    network = {layer["name"]: layer for layer in config["config"]["layers"]}["network"]
    parts = [layer for layer in network["config"]["layers"] if layer["class_name"] == "Functional"]
    yield from parts or [network]


def _network(values: Mapping[str, Any]) -> Network:
    layers = values["config"]["layers"]
    if len(layers) > _MOST_LAYERS:
        raise ValueError(f"it has {len(layers)} layers")
    nodes = _nodes(layers)
    outputs = set(_names(values["config"]["output_layers"]))
    for simplify in (_without_idle_ends, _without_constants, _merged, _grouped):
        nodes = simplify(nodes, outputs)
    return Network(str(values["name"]), tuple(_layer(node) for node in _in_order(nodes)))


def _nodes(layers: Iterable[Mapping[str, Any]]) -> dict[str, _Node]:
    nodes: dict[str, _Node] = {}
    shapes: dict[str, str] = {}
    for layer in layers:
        tensors = list(_tensors(layer["inbound_nodes"][0])) if layer["inbound_nodes"] else []
        shapes |= {name: shape for name, shape in tensors if name not in shapes}
        name, settings = str(layer["name"]), layer["config"]
        kind = str(layer["class_name"])
        sources = [] if kind in _OF_ONES else list(dict.fromkeys(source for source, _ in tensors))
        is_operation = str(layer.get("module", "")).startswith(_OPERATIONS)
        nodes[name] = _Node(name, kind, settings, sources, is_operation=is_operation)
    for name, node in nodes.items():
        node.shape = shapes.get(name, "")
    return nodes


def _tensors(value: Any) -> Iterator[tuple[str, str]]:
    """Yield name and shape of the tensors that a layer is called with, in order."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Mapping):
            if item.get("class_name") == "__keras_tensor__":
                config = item["config"]
                yield str(config["keras_history"][0]), _shape(config["shape"])
            else:
                waiting += reversed(list(item.values()))
        elif isinstance(item, list):
            waiting += reversed(item)


def _shape(shape: Sequence[int | None]) -> str:
    """Write the shape of one row.

    Example:
        >>> _shape([None, 28, 28, 1])
        '28 x 28 x 1'
    """
    return " x ".join("any" if size is None else f"{size:,}" for size in shape[1:])


def _names(output_layers: Any) -> Iterator[str]:
    if isinstance(output_layers, list) and output_layers and isinstance(output_layers[0], str):
        yield output_layers[0]
    elif isinstance(output_layers, list | tuple):
        for item in output_layers:
            yield from _names(item)
    elif isinstance(output_layers, Mapping):
        for item in output_layers.values():
            yield from _names(item)


# --- simpler ---------------------------------------------------------------------------------------------------------


def _consumers(nodes: Mapping[str, _Node]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {name: [] for name in nodes}
    for node in nodes.values():
        for source in node.sources:
            found[source].append(node.name)
    return found


def _without_idle_ends(nodes: dict[str, _Node], outputs: set[str]) -> dict[str, _Node]:
    """Leave out what leads to no output."""
    needed, waiting = set[str](), list(outputs)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += nodes[name].sources
    return {name: node for name, node in nodes.items() if name in needed}


def _without_constants(nodes: dict[str, _Node], outputs: set[str]) -> dict[str, _Node]:
    """Tell weights that depend on no input with the layer that takes them."""
    consumers = _consumers(nodes)
    for node in list(nodes.values()):
        if node.sources or node.kind == "InputLayer" or node.name in outputs:
            continue
        for name in consumers[node.name]:
            consumer = nodes[name]
            consumer.sources.remove(node.name)
            if node.kind not in _OF_ONES:
                consumer.details += [f"learned {node.name}"] if consumer.sources else []
        del nodes[node.name]
    return nodes


def _merged(nodes: dict[str, _Node], outputs: set[str]) -> dict[str, _Node]:
    """Tell small layers with the layer in front if that leads nowhere else, otherwise with the one behind."""
    for name in list(nodes):
        node, consumers = nodes[name], _consumers(nodes)
        if not node.is_small or len(node.sources) != 1:
            continue
        source = nodes[node.sources[0]]
        if len(consumers[source.name]) == 1 and source.kind != "InputLayer" and source.name not in outputs:
            _tell_in_front(nodes, node, source, outputs)
        elif len(consumers[name]) == 1 and name not in outputs:
            follower = nodes[consumers[name][0]]
            follower.sources = [source.name if one == name else one for one in follower.sources]
            follower.sources = list(dict.fromkeys(follower.sources))
            follower.details = [*(f"after {word}" for word in _small_words(node)), *follower.details]
            del nodes[name]
    return nodes


def _tell_in_front(nodes: dict[str, _Node], node: _Node, source: _Node, outputs: set[str]) -> None:
    source.details += [*_small_words(node), *node.details]
    source.shape = node.shape or source.shape
    for other in nodes.values():
        other.sources = [source.name if one == node.name else one for one in other.sources]
    if node.name in outputs:
        outputs.remove(node.name)
        outputs.add(source.name)
    del nodes[node.name]


def _grouped(nodes: dict[str, _Node], outputs: set[str]) -> dict[str, _Node]:
    """Make one of several layers of one kind that stand side by side, like the embeddings of many columns."""
    consumers, alike = _consumers(nodes), dict[tuple[Any, ...], list[_Node]]()
    for node in nodes.values():
        key = (node.kind, tuple(node.sources), tuple(consumers[node.name]))
        alike.setdefault(key, []).append(node)
    for group in alike.values():
        if len(group) < _FEWEST_ALIKE or group[0].kind == "InputLayer" or group[0].name in outputs:
            continue
        first, gone = group[0], {node.name for node in group[1:]}
        first.count, first.shape = len(group), ""
        widths = {node.settings[key] for node in group for key in ("units", "output_dim") if key in node.settings}
        first.details = [f"widths {', '.join(map(str, sorted(widths)))}"] if widths else []
        for other in nodes.values():
            other.sources = [one for one in other.sources if one not in gone]
        nodes = {name: node for name, node in nodes.items() if name not in gone}
    return nodes


def _in_order(nodes: Mapping[str, _Node]) -> list[_Node]:
    """Return the layers so that each stands behind those that it takes."""
    placed: dict[str, _Node] = {}
    waiting = list(nodes.values())
    while waiting:
        ready = [node for node in waiting if all(source in placed for source in node.sources)]
        if not ready:
            raise ValueError("its layers run in a circle")
        placed |= {node.name: node for node in ready}
        waiting = [node for node in waiting if node.name not in placed]
    return list(placed.values())


# --- words -----------------------------------------------------------------------------------------------------------


def _layer(node: _Node) -> Layer:
    layer = Layer(node.name, _title(node), tuple(_own_words(node) + node.details), node.shape, tuple(node.sources))
    if node.count > 1:
        return replace(layer, title=f"{node.count} x {node.kind}", details=tuple(node.details), count=node.count)
    return layer


def _title(node: _Node) -> str:
    settings, kind = node.settings, node.kind
    if kind == "InputLayer":
        return f"Input: {node.name}"
    if kind == "Bidirectional":
        inner = settings["layer"]
        return f"Bidirectional {inner['class_name']} {inner['config'].get('units', '')}".rstrip()
    if kind == "MultiHeadAttention":
        return f"Attention, {settings['num_heads']} heads"
    width = next((settings[key] for key in ("units", "filters", "output_dim") if key in settings), None)
    return kind if width is None else f"{kind} {width:,}"


def _own_words(node: _Node) -> list[str]:
    settings, told = node.settings, list[str]()
    if isinstance(size := settings.get("kernel_size"), list):
        told.append(f"kernel {' x '.join(map(str, size))}")
    if isinstance(strides := settings.get("strides"), list) and set(strides) != {1}:
        told.append(f"strides {' x '.join(map(str, strides))}")
    if (activation := settings.get("activation")) not in (None, "linear") and isinstance(activation, str):
        told.append(activation)
    if node.kind == "EinsumDense":
        told.append(node.name.replace("_", " "))
    return told


def _small_words(node: _Node) -> list[str]:
    if node.kind == "Activation":
        return [str(node.settings["activation"])]
    if node.kind in ("Dropout", "SpatialDropout1D", "SpatialDropout2D"):
        return [f"dropout {node.settings['rate']:.2g}"] if node.settings["rate"] else []
    if node.is_operation and node.kind in _SMALL:
        return []
    return [_WORDS.get(node.kind, node.kind)]
