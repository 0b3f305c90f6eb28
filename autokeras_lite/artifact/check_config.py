"""Which classes the config of a model file may name: those that our families and our encoding are made of.

Keras makes whatever object a config names. What is not in this list is refused, also where Keras would refuse it too:
layers that hold code (`Lambda`), read other files (`TFSMLayer`, a vocabulary by its path), or come from elsewhere.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from autokeras_lite.spaces.layers import LAYERS

# What builders and the encoding use beside the kinds of layer that a stack may hold.
_MORE_LAYERS = ("Add", "Bidirectional", "Concatenate", "EinsumDense", "InputLayer", "Permute", "StringLookup")
_INITIALIZERS = (
    "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform", "Ones",
    "Orthogonal", "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "Zeros",
)  # fmt: skip
_OPERATIONS = (
    "Add", "Clip", "Concatenate", "Cos", "Einsum", "Equal", "ExpandDims", "FloorDivide", "GetItem", "GreaterEqual",
    "Isnan", "Log", "Maximum", "Minimum", "Multiply", "OnesLike", "Sin", "Sqrt", "Subtract", "Take", "TrueDivide",
    "Where", "ZerosLike",
)  # fmt: skip

ALLOWED_CLASSES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "keras": frozenset({"DTypePolicy"}),
        "keras.initializers": frozenset(_INITIALIZERS),
        "keras.layers": frozenset(LAYERS) | frozenset(_MORE_LAYERS),
        "keras.regularizers": frozenset({"L1", "L1L2", "L2"}),
        "keras.src.models.functional": frozenset({"Functional"}),
        "keras.src.ops.core": frozenset({"Cast"}),
        "keras.src.ops.numpy": frozenset(_OPERATIONS),
    }
)

_VALUES = frozenset({"__keras_tensor__", "__numpy__", "__slice__", "__ellipsis__"})
_NUMBER_TYPES = frozenset(
    {"bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)), "float16", "float32", "float64"}
)
# Counts of which each stands for at least one weight, and so for two bytes of the weights' file.
_WIDTHS = frozenset({"units", "filters", "input_dim", "output_dim", "num_heads", "key_dim", "value_dim"})
_LARGEST = 2**53


def check_model_config(config: Any, weights_bytes: int) -> None:
    """Check what Keras would make of the config of a model file whose weights take so many bytes.

    Raises:
        ValueError: it names a class that is not in `ALLOWED_CLASSES`, or asks for more weights than there are.
    """
    if not isinstance(config, dict) or config.get("class_name") != "Functional":
        raise ValueError("its config is no functional model")
    for values in _objects(config):
        if "class_name" in values:
            _check_class(values)
        for name, value in values.items():
            _check_size(name, value, weights_bytes if name in _WIDTHS else _LARGEST)


def _objects(config: Any) -> Iterator[dict[str, Any]]:
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _check_class(values: dict[str, Any]) -> None:
    name, module = values["class_name"], values.get("module")
    if isinstance(name, str) and name in _VALUES:
        _check_value(name, values.get("config"))
        return
    if not (isinstance(name, str) and isinstance(module, str) and name in ALLOWED_CLASSES.get(module, ())):
        raise ValueError(f"its config names {str(name)[:60]!r} of {str(module)[:60]!r}, which no search uses")
    if values.get("registered_name") not in (None, name):
        raise ValueError(f"its config gives {name} another name: {str(values['registered_name'])[:60]!r}")
    if name == "StringLookup":
        _check_lookup(values.get("config"))


def _check_value(name: str, config: Any) -> None:
    if name == "__numpy__" and not (isinstance(config, dict) and str(config.get("dtype")) in _NUMBER_TYPES):
        raise ValueError("its config holds an array of what are no numbers")


def _check_lookup(config: Any) -> None:
    """Refuse the path of a vocabulary: Keras would read that file."""
    levels = config.get("vocabulary") if isinstance(config, dict) else None
    if not (isinstance(levels, list) and all(isinstance(level, str) for level in levels)):
        raise ValueError("its config has a StringLookup whose vocabulary is no list of texts")


def _check_size(name: str, value: Any, most: int) -> None:
    numbers = value if isinstance(value, list) else [value]
    if any(isinstance(number, int) and abs(number) > most for number in numbers):
        raise ValueError(f"its config has a {name[:60]!r} beyond {most:,}")
