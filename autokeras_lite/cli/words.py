"""Durations, curves and configurations as a terminal shows them; other words are in `report/wording.py`."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from autokeras_lite.trial import TrainingConfig

_BARS = "▁▂▃▄▅▆▇█"
_TRAINING_FIELDS = frozenset(field.name for field in fields(TrainingConfig))
_TOLD_OF_TRAINING = ("optimizer", "learning_rate", "schedule", "weight_decay", "label_smoothing", "batch_size")
_SELF_EVIDENT = frozenset({"shape", "activation", "optimizer", "schedule"})
_WIDTHS = ("units", "filters", "output_dim", "num_heads")
_SMALL_LAYERS = ("Activation", "Dropout", "BatchNormalization", "LayerNormalization", "Identity", "Flatten")


def show_seconds(seconds: float) -> str:
    """Write a duration.

    Example:
        >>> show_seconds(5), show_seconds(125), show_seconds(3725)
        ('0:05', '2:05', '1:02:05')
    """
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def show_value(value: Any) -> str:
    """Write a value of a configuration.

    Example:
        >>> show_value(0.00123456), show_value(True), show_value("relu")
        ('0.00123', 'yes', 'relu')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def sparkline(values: Sequence[float], width: int) -> str:
    """Draw the last value of each of up to `width` equal stretches of a curve.

    Example:
        >>> sparkline([0.5, 0.7, 0.8, 0.85], width=10)
        '▁▅▇█'
    """
    finite = [value for value in values if math.isfinite(value)]
    if not finite or width < 1:
        return ""
    num_points = min(width, len(finite))
    points = [finite[(index + 1) * len(finite) // num_points - 1] for index in range(num_points)]
    low, span = min(points), max(points) - min(points)
    return "".join(_BARS[round((point - low) / span * (len(_BARS) - 1)) if span else 0] for point in points)


def describe_model(config: Mapping[str, Any]) -> str:
    """Say in short what a configuration builds: its layers, or the fields of its family.

    Example:
        >>> describe_model({"depth": 3, "shape": "brick", "norm": "none", "residual": True, "learning_rate": 0.001})
        'depth 3, brick, residual'
    """
    own = {name: value for name, value in config.items() if name not in _TRAINING_FIELDS}
    stack = own.pop("stack", None)
    if stack is not None:
        return describe_stack(stack)
    return ", ".join(_field(name, value) for name, value in own.items() if not _is_off(value))


def _field(name: str, value: Any) -> str:
    words = name.replace("_", " ")
    if value is True:
        return words
    return str(value) if name in _SELF_EVIDENT else f"{words} {show_value(value)}"


def _is_off(value: Any) -> bool:
    return value is None or value is False or value == "none" or (isinstance(value, float) and value == 0)


def describe_stack(nodes: Sequence[Mapping[str, Any]]) -> str:
    """Say in short which layers a chosen stack holds; equal neighbours are counted, small layers left out.

    Example:
        >>> dense = {"slot": "a", "kind": "Dense", "settings": {"units": 64}}
        >>> describe_stack([dense, {"slot": "b", "residual": [dense]}])
        'Dense 64, (Dense 64)+'
    """
    counted: list[tuple[str, int]] = []
    for text in filter(None, map(_describe_node, nodes)):
        if counted and counted[-1][0] == text:
            counted[-1] = (text, counted[-1][1] + 1)
        else:
            counted.append((text, 1))
    return ", ".join(text if times == 1 else f"{times} x {text}" for text, times in counted)


def _describe_node(node: Mapping[str, Any]) -> str:
    if "residual" in node:
        inner = describe_stack(node["residual"])
        return f"({inner})+" if inner else ""
    if "branches" in node:
        branches = " | ".join(describe_stack(branch) or "as it is" for branch in node["branches"])
        return f"{node['join']}({branches})"
    if node["kind"] in _SMALL_LAYERS:
        return ""
    settings = node["settings"]
    width = next((settings[name] for name in _WIDTHS if name in settings), None)
    kind = f"Bidirectional {node['kind']}" if settings.get("bidirectional") else node["kind"]
    return str(kind) if width is None else f"{kind} {width}"


def describe_training(config: Mapping[str, Any]) -> str:
    """Say in short how a configuration is trained.

    Example:
        >>> describe_training({"optimizer": "adamw", "learning_rate": 0.002, "batch_size": 256, "epochs": 60})
        'adamw, learning rate 0.002, batch size 256, up to 60 epochs'
    """
    told = [_field(name, config[name]) for name in _TOLD_OF_TRAINING if name in config and not _is_off(config[name])]
    if "epochs" in config:
        told.append(f"up to {config['epochs']} epochs")
    return ", ".join(told)
