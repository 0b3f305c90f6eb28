"""The kinds of layer that a stack may hold: their settings, the shapes they take, and the shapes they give.

Keras is not needed to know any of this; `autokeras_lite.models.layer_stack_layers` makes the layers themselves.
Shapes are those of one row, without the batch: `(features,)`, `(time, channels)` or `(height, width, channels)`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from autokeras_lite.errors import SpaceError
from autokeras_lite.spaces.setting import Setting, by_name

Shape = tuple[int, ...]
Settings = Mapping[str, Any]

ACTIVATIONS = ("linear", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "tanh", "sigmoid")
INITIALIZERS = ("glorot_uniform", "glorot_normal", "he_uniform", "he_normal")


def _as_it_is(shape: Shape, settings: Settings) -> Settings | None:
    return settings


@dataclass(frozen=True)
class LayerKind:
    """One kind of layer.

    `ranks` are the lengths of the shapes it takes, `takes` says the same to a person. `output_shape(shape, settings)`
    gives the shape that comes out; a dimension below 1 means that nothing is left. `fit(shape, settings)` shrinks what
    is larger than the input and returns `None` where the layer would do nothing. Layers without lanes cannot be trained
    for several trials at once.
    """

    name: str
    takes: str
    ranks: frozenset[int]
    settings: Mapping[str, Setting]
    output_shape: Callable[[Shape, Settings], Shape]
    fit: Callable[[Shape, Settings], Settings | None] = _as_it_is
    has_lanes: bool = True
    takes_tokens: bool = False

    @property
    def defaults(self) -> dict[str, Any]:
        """The value of every setting that is not spelled out."""
        return {name: setting.default for name, setting in self.settings.items()}


# What several kinds share.
_UNITS = Setting("units", 128, low=1, high=16384, is_width=True)
_FILTERS = Setting("filters", 32, low=1, high=8192, is_width=True)
_PADDING = Setting("padding", "same", options=("same", "valid"))
_POOL = (
    Setting("pool_size", 2, low=1, high=1024),
    Setting("strides", 0, low=0, high=1024),  # 0: as wide as the window
    Setting("padding", "valid", options=("same", "valid")),
)
_KERNEL = (
    Setting("initializer", "glorot_uniform", options=INITIALIZERS),
    Setting("l1", 0.0, low=0.0, high=100.0, is_recipe=True),
    Setting("l2", 0.0, low=0.0, high=100.0, is_recipe=True),
)
_ACTIVATION = Setting("activation", "linear", options=ACTIVATIONS)
_USE_BIAS = Setting("use_bias", default=True)
_RECURRENT = (
    _UNITS,
    Setting("bidirectional", default=False),
    Setting("return_sequences", default=True),  # false: only the last step goes on
    *_KERNEL,
)
_CONVOLUTION = (
    _FILTERS,
    Setting("kernel_size", 3, low=1, high=1024),
    Setting("strides", 1, low=1, high=64),
    _PADDING,
    _ACTIVATION,
    _USE_BIAS,
    *_KERNEL,
)


def _same(shape: Shape, settings: Settings) -> Shape:
    return shape


def _dense(shape: Shape, settings: Settings) -> Shape:
    return (*shape[:-1], settings["units"])


def _flat(shape: Shape, settings: Settings) -> Shape:
    return (math.prod(shape),)


def _reshaped(shape: Shape, settings: Settings) -> Shape:
    target = reshape_target(settings["target"])
    known = math.prod(size for size in target if size != -1)
    values = math.prod(shape)
    if values % known or (-1 not in target and values != known):
        raise SpaceError(
            f"target is {settings['target']!r}, but a row of shape {shape} holds {values} values. "
            f"Expected sizes that multiply to {values}. Correct them, or write -1 for one of them."
        )
    return tuple(values // known if size == -1 else size for size in target)


def reshape_target(text: str) -> Shape:
    """Read the target of a Reshape.

    Example:
        >>> reshape_target("8x8x-1")
        (8, 8, -1)
    """
    return tuple(int(size) for size in text.split("x"))


def _window(settings: Settings) -> tuple[int, int]:
    """Return the size of the window of a convolution or a pooling, and its stride."""
    size: int = settings.get("kernel_size") or settings["pool_size"]
    return size, settings["strides"] or size


def _slid(shape: Shape, settings: Settings) -> Shape:
    size, stride = _window(settings)
    if settings["padding"] == "same":
        return tuple(math.ceil(length / stride) for length in shape[:-1])
    return tuple((length - size) // stride + 1 if length >= size else 0 for length in shape[:-1])


def _convolved(shape: Shape, settings: Settings) -> Shape:
    return (*_slid(shape, settings), settings["filters"])


def _pooled(shape: Shape, settings: Settings) -> Shape:
    return (*_slid(shape, settings), shape[-1])


def _pooled_globally(shape: Shape, settings: Settings) -> Shape:
    return shape[-1:]


def _recurrent(shape: Shape, settings: Settings) -> Shape:
    width = settings["units"] * (2 if settings["bidirectional"] else 1)
    return (shape[0], width) if settings["return_sequences"] else (width,)


def _embedded(shape: Shape, settings: Settings) -> Shape:
    return (*shape, settings["output_dim"])


def _fit_convolution(shape: Shape, settings: Settings) -> Settings | None:
    smallest = min(shape[:-1])
    if settings["padding"] == "same" or settings["kernel_size"] <= smallest:
        return settings
    return {**settings, "kernel_size": smallest}


def _fit_pooling(shape: Shape, settings: Settings) -> Settings | None:
    smallest = min(shape[:-1])
    size, stride = _window(settings)
    if settings["padding"] == "valid" and size > smallest:
        size, stride = smallest, min(stride, smallest)
        settings = {**settings, "pool_size": size, "strides": stride}
    does_nothing = max(shape[:-1]) == 1 or (size == 1 and stride == 1)
    return None if does_nothing else settings


_ANY = frozenset({1, 2, 3})
_SEQUENCE, _IMAGE = frozenset({2}), frozenset({3})
_ANY_WORDS = "anything but tokens"
_SEQUENCE_WORDS, _IMAGE_WORDS = "(time, channels)", "(height, width, channels)"


def _kind(
    name: str, ranks: frozenset[int], settings: tuple[Setting, ...], output_shape: Callable[[Shape, Settings], Shape]
) -> LayerKind:
    words = {_SEQUENCE: _SEQUENCE_WORDS, _IMAGE: _IMAGE_WORDS}.get(ranks, _ANY_WORDS)
    return LayerKind(name, words, ranks, by_name(settings), output_shape)


def _convolution(name: str, ranks: frozenset[int]) -> LayerKind:
    words = _SEQUENCE_WORDS if ranks == _SEQUENCE else _IMAGE_WORDS
    return LayerKind(name, words, ranks, by_name(_CONVOLUTION), _convolved, _fit_convolution, has_lanes=False)


def _pooling(name: str, ranks: frozenset[int]) -> LayerKind:
    words = _SEQUENCE_WORDS if ranks == _SEQUENCE else _IMAGE_WORDS
    return LayerKind(name, words, ranks, by_name(_POOL), _pooled, _fit_pooling)


_ATTENTION = (
    Setting("num_heads", 4, low=1, high=64),
    Setting("key_dim", 32, low=1, high=1024),
    _USE_BIAS,
    *_KERNEL,
)
_TARGET = r"(?!.*-1.*-1)(-1|[1-9]\d{0,5})(x(-1|[1-9]\d{0,5})){0,2}"  # up to three sizes, one of them -1
_BATCH_NORMALIZATION = (
    Setting("momentum", 0.99, low=0.0, high=1.0, below_high=True),
    Setting("epsilon", 1e-3, low=1e-12, high=1.0),
)
_KINDS = (
    _kind("Dense", _ANY, (_UNITS, _ACTIVATION, _USE_BIAS, *_KERNEL), _dense),
    _kind("Activation", _ANY, (Setting("activation", "relu", options=ACTIVATIONS),), _same),
    _kind("Dropout", _ANY, (Setting("rate", 0.0, low=0.0, high=1.0, below_high=True, is_recipe=True),), _same),
    _kind("Flatten", _ANY, (), _flat),
    _kind("Reshape", _ANY, (Setting("target", "8x-1", form=_TARGET),), _reshaped),
    _convolution("Conv1D", _SEQUENCE),
    _convolution("Conv2D", _IMAGE),
    _convolution("SeparableConv1D", _SEQUENCE),
    _convolution("SeparableConv2D", _IMAGE),
    _pooling("MaxPooling1D", _SEQUENCE),
    _pooling("MaxPooling2D", _IMAGE),
    _pooling("AveragePooling1D", _SEQUENCE),
    _pooling("AveragePooling2D", _IMAGE),
    _kind("GlobalMaxPooling1D", _SEQUENCE, (), _pooled_globally),
    _kind("GlobalMaxPooling2D", _IMAGE, (), _pooled_globally),
    _kind("GlobalAveragePooling1D", _SEQUENCE, (), _pooled_globally),
    _kind("GlobalAveragePooling2D", _IMAGE, (), _pooled_globally),
    _kind("LSTM", _SEQUENCE, _RECURRENT, _recurrent),
    _kind("GRU", _SEQUENCE, _RECURRENT, _recurrent),
    _kind("BatchNormalization", _ANY, _BATCH_NORMALIZATION, _same),
    _kind("LayerNormalization", _ANY, (Setting("epsilon", 1e-3, low=1e-12, high=1.0),), _same),
    LayerKind(
        "Embedding",
        "tokens (time,)",
        frozenset({1}),
        by_name((Setting("output_dim", 64, low=1, high=4096),)),
        _embedded,
        takes_tokens=True,
    ),
    _kind("MultiHeadAttention", _SEQUENCE, _ATTENTION, _same),
    _kind("Identity", _ANY, (), _same),
)

LAYERS: Mapping[str, LayerKind] = MappingProxyType({kind.name: kind for kind in _KINDS})
