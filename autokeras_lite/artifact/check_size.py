"""How much Keras would allocate for the layers that a config describes, asked before it makes them.

Keras builds each layer from the shape in its `build_config`, whatever stands in front of it in the model. A layer
that has weights and no such shape is refused, so that the sum below is what Keras allocates.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

Shape = Sequence[int]
Settings = Mapping[str, Any]

_BYTES_OF_A_WEIGHT = 4
_SLACK_BYTES = 64 * 2**20
_SLACK = 2
_EQUATION = re.compile(r"([a-zA-Z]+),([a-zA-Z]+)->([a-zA-Z]+)")
# What none of our layers asks for, and what would take memory that no weight stands for.
_UNUSED = ("lora_rank", "max_tokens", "quantization_config", "stateful", "unroll")


def check_layer_sizes(config: Any, weights_bytes: int) -> None:
    """Check that the layers of a config take about as much memory as the file of their weights has bytes.

    Raises:
        ValueError: they take more, or do not tell how much.
    """
    most = _SLACK * weights_bytes + _SLACK_BYTES
    total = 0
    for name, layer, shapes, copies in _layers(config):
        settings = layer.get("config")
        if not isinstance(settings, dict):
            raise ValueError(f"its config has a {name} without settings")  # noqa: TRY004  # the file is wrong, not a call
        _check_unused(name, settings)
        if name in _COUNTS:
            total += copies * _count(name, settings, shapes) * _BYTES_OF_A_WEIGHT
        if total > most:
            raise ValueError(f"its layers take more memory than its {weights_bytes:,} bytes of weights can fill")


def _layers(config: Any) -> Iterator[tuple[str, dict[str, Any], list[Any], int]]:
    """Yield each object with its name, the shapes that it is built for, and how many copies of it are made."""
    waiting: list[tuple[Any, list[Any], int]] = [(config, [], 1)]
    while waiting:
        value, shapes, copies = waiting.pop()
        if isinstance(value, list):
            waiting += [(item, shapes, copies) for item in value if isinstance(item, dict | list)]
        elif isinstance(value, dict):
            name = value.get("class_name")
            if value.get("module") == "keras.layers" and isinstance(name, str):
                shapes = _agreed(name, shapes, _built_for(value.get("build_config")))
                yield name, value, shapes, copies
                shapes, copies = (shapes, _directions(value)) if name == "Bidirectional" else ([], 1)
            inner = (item for key, item in value.items() if key != "build_config")
            waiting += [(item, shapes, copies) for item in inner if isinstance(item, dict | list)]


def _agreed(name: str, around: list[Any], own: list[Any]) -> list[Any]:
    """Return what a layer is built for; what is inside one of two directions, for what that one is built for."""
    if around and own and around != own:
        raise ValueError(f"its config has a {name} that is built for one shape inside a layer built for another")
    return around or own


def _directions(layer: dict[str, Any]) -> int:
    """Return how many layers Keras makes of each that is spelled out: two of one, and one each of two."""
    settings = layer.get("config")
    return 1 if isinstance(settings, dict) and settings.get("backward_layer") else 2


def _built_for(build_config: Any) -> list[Any]:
    if not isinstance(build_config, dict):
        return []
    if "input_shape" in build_config:
        return [build_config["input_shape"]]
    named = build_config.get("shapes_dict")
    if not isinstance(named, dict):
        return []
    return [named[name] for name in ("query_shape", "value_shape", "key_shape") if named.get(name) is not None]


def _check_unused(name: str, settings: Settings) -> None:
    unused = next((key for key in _UNUSED if settings.get(key)), None)
    if unused or settings.get("output_mode", "int") != "int":
        raise ValueError(f"its config has a {name} with {unused or 'output_mode'}, which no search uses")


def _count(name: str, settings: Settings, shapes: list[Any]) -> int:
    try:
        count = _COUNTS[name](settings, [_sizes(shape) for shape in shapes])
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"its config has a {name} that does not tell its size") from error
    if count < 0:
        raise ValueError(f"its config has a {name} of a size below nothing")
    return count


def _sizes(shape: Any) -> list[int]:
    """Return the sizes of a shape, 0 for one that is open: no weight may depend on it."""
    if not isinstance(shape, list) or not all(size is None or (type(size) is int and size >= 0) for size in shape):
        raise TypeError
    return [size or 0 for size in shape]


def _product(sizes: Any) -> int:
    numbers: list[int] = sizes if isinstance(sizes, list) else [sizes]
    if not all(type(number) is int and number >= 0 for number in numbers):
        raise TypeError
    return math.prod(numbers)


def _channels(settings: Settings, shape: Shape) -> int:
    return shape[1] if settings.get("data_format") == "channels_first" else shape[-1]


def _dense(settings: Settings, shapes: list[Shape]) -> int:
    return (shapes[0][-1] + 1) * _product(settings["units"])


def _einsum(settings: Settings, shapes: list[Shape]) -> int:
    match = _EQUATION.fullmatch(settings["equation"])
    given = settings["output_shape"]
    given = given if isinstance(given, list) else [given]
    if match is None or len(match[1]) != len(shapes[0]) or len(match[3]) != len(given) + 1:
        raise ValueError
    sizes: dict[str, int] = dict(zip(match[1], shapes[0], strict=True))
    for letter, size in zip(match[3][1:], _sizes(given), strict=True):
        sizes[letter] = max(size, sizes.get(letter, 0))
    bias = math.prod(max(1, size) for letter, size in sizes.items() if letter in (settings.get("bias_axes") or ""))
    return math.prod(sizes[letter] for letter in match[2]) + bias


def _convolution(settings: Settings, shapes: list[Shape]) -> int:
    return (_product(settings["kernel_size"]) * _channels(settings, shapes[0]) + 1) * _product(settings["filters"])


def _separable(settings: Settings, shapes: list[Shape]) -> int:
    deep = _channels(settings, shapes[0]) * _product(settings.get("depth_multiplier", 1))
    return _product(settings["kernel_size"]) * deep + (deep + 1) * _product(settings["filters"])


def _recurrent(settings: Settings, shapes: list[Shape]) -> int:
    units = _product(settings["units"])
    return 4 * units * (shapes[0][-1] + units + 2)


def _attention(settings: Settings, shapes: list[Shape]) -> int:
    query, value, key = (shapes[min(index, len(shapes) - 1)][-1] for index in range(3))
    heads, key_dim = _product(settings["num_heads"]), _product(settings["key_dim"])
    value_dim = _product(settings.get("value_dim") or key_dim)
    out = _product(settings.get("output_shape") or query)
    return heads * (key_dim * (query + key + 2) + value_dim * (value + out + 1)) + out


def _two_directions(settings: Settings, shapes: list[Shape]) -> int:
    return 0 * shapes[0][-1]  # it has the weights of what is in it, and must tell its shape


def _normalisation(settings: Settings, shapes: list[Shape]) -> int:
    axes = settings["axis"] if isinstance(settings["axis"], list) else [settings["axis"]]
    return 4 * math.prod(shapes[0][axis] for axis in axes)


def _embedding(settings: Settings, shapes: list[Shape]) -> int:
    return _product(settings["input_dim"]) * _product(settings["output_dim"])


_COUNTS: Mapping[str, Callable[[Settings, list[Shape]], int]] = MappingProxyType(
    {
        "BatchNormalization": _normalisation,
        "Bidirectional": _two_directions,
        "Conv1D": _convolution,
        "Conv2D": _convolution,
        "Dense": _dense,
        "EinsumDense": _einsum,
        "Embedding": _embedding,
        "GRU": _recurrent,
        "LSTM": _recurrent,
        "LayerNormalization": _normalisation,
        "MultiHeadAttention": _attention,
        "SeparableConv1D": _separable,
        "SeparableConv2D": _separable,
    }
)
