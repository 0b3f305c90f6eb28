"""Makes the Keras layer of every kind in `autokeras_lite.spaces.layers`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import keras

from autokeras_lite.spaces.layers import reshape_target

Maker = Callable[["LayerRequest"], keras.layers.Layer]

_SEPARABLE_KERNELS = ("depthwise", "pointwise")


@dataclass(frozen=True)
class LayerRequest:
    """One layer to be made: complete settings, a name that is unique in the model, and the number of tokens known."""

    name: str
    settings: Mapping[str, Any]
    vocabulary: int = 0


def apply_layer(kind: str, request: LayerRequest, tensor: keras.KerasTensor) -> keras.KerasTensor:
    """Put a stock Keras layer of that kind behind a tensor; attention attends to the tensor itself."""
    layer = LAYER_MAKERS[kind](request)
    return layer(tensor, tensor) if kind == "MultiHeadAttention" else layer(tensor)


def _regularizer(settings: Mapping[str, Any]) -> keras.regularizers.Regularizer | None:
    l1, l2 = settings["l1"], settings["l2"]
    return keras.regularizers.L1L2(l1=l1, l2=l2) if l1 or l2 else None


def _dense(request: LayerRequest) -> keras.layers.Layer:
    settings = request.settings
    return keras.layers.Dense(
        settings["units"],
        activation=settings["activation"],
        use_bias=settings["use_bias"],
        kernel_initializer=settings["initializer"],
        kernel_regularizer=_regularizer(settings),
        name=request.name,
    )


def _activation(request: LayerRequest) -> keras.layers.Layer:
    return keras.layers.Activation(request.settings["activation"], name=request.name)


def _dropout(request: LayerRequest) -> keras.layers.Layer:
    return keras.layers.Dropout(request.settings["rate"], name=request.name)


def _flatten(request: LayerRequest) -> keras.layers.Layer:
    return keras.layers.Flatten(name=request.name)


def _reshape(request: LayerRequest) -> keras.layers.Layer:
    return keras.layers.Reshape(reshape_target(request.settings["target"]), name=request.name)


def _convolution(layer: type[keras.layers.Layer], kernels: tuple[str, ...] = ("kernel",)) -> Maker:
    """Make a convolution; `kernels` are those that it learns, by the names that Keras gives them."""

    def make(request: LayerRequest) -> keras.layers.Layer:
        settings = request.settings
        first = {f"{kernel}_initializer": settings["initializer"] for kernel in kernels}
        penalties = {f"{kernel}_regularizer": _regularizer(settings) for kernel in kernels}
        return layer(
            settings["filters"],
            settings["kernel_size"],
            strides=settings["strides"],
            padding=settings["padding"],
            activation=settings["activation"],
            use_bias=settings["use_bias"],
            name=request.name,
            **first,
            **penalties,
        )

    return make


def _pooling(layer: type[keras.layers.Layer]) -> Maker:
    def make(request: LayerRequest) -> keras.layers.Layer:
        settings = request.settings
        return layer(
            settings["pool_size"],
            strides=settings["strides"] or settings["pool_size"],
            padding=settings["padding"],
            name=request.name,
        )

    return make


def _global_pooling(layer: type[keras.layers.Layer]) -> Maker:
    def make(request: LayerRequest) -> keras.layers.Layer:
        return layer(name=request.name)

    return make


def _recurrent(layer: type[keras.layers.Layer]) -> Maker:
    def make(request: LayerRequest) -> keras.layers.Layer:
        settings = request.settings
        recurrent = layer(
            settings["units"],
            return_sequences=settings["return_sequences"],
            kernel_initializer=settings["initializer"],
            kernel_regularizer=_regularizer(settings),
            name=f"{request.name}-steps" if settings["bidirectional"] else request.name,
        )
        return keras.layers.Bidirectional(recurrent, name=request.name) if settings["bidirectional"] else recurrent

    return make


def _batch_normalization(request: LayerRequest) -> keras.layers.Layer:
    settings = request.settings
    return keras.layers.BatchNormalization(
        momentum=settings["momentum"], epsilon=settings["epsilon"], name=request.name
    )


def _layer_normalization(request: LayerRequest) -> keras.layers.Layer:
    return keras.layers.LayerNormalization(epsilon=request.settings["epsilon"], name=request.name)


def _embedding(request: LayerRequest) -> keras.layers.Layer:
    return keras.layers.Embedding(request.vocabulary, request.settings["output_dim"], name=request.name)


def _attention(request: LayerRequest) -> keras.layers.Layer:
    settings = request.settings
    return keras.layers.MultiHeadAttention(
        num_heads=settings["num_heads"],
        key_dim=settings["key_dim"],
        use_bias=settings["use_bias"],
        kernel_initializer=settings["initializer"],
        kernel_regularizer=_regularizer(settings),
        name=request.name,
    )


def _identity(request: LayerRequest) -> keras.layers.Layer:
    return keras.layers.Identity(name=request.name)


LAYER_MAKERS: Mapping[str, Maker] = MappingProxyType(
    {
        "Dense": _dense,
        "Activation": _activation,
        "Dropout": _dropout,
        "Flatten": _flatten,
        "Reshape": _reshape,
        "Conv1D": _convolution(keras.layers.Conv1D),
        "Conv2D": _convolution(keras.layers.Conv2D),
        "SeparableConv1D": _convolution(keras.layers.SeparableConv1D, _SEPARABLE_KERNELS),
        "SeparableConv2D": _convolution(keras.layers.SeparableConv2D, _SEPARABLE_KERNELS),
        "MaxPooling1D": _pooling(keras.layers.MaxPooling1D),
        "MaxPooling2D": _pooling(keras.layers.MaxPooling2D),
        "AveragePooling1D": _pooling(keras.layers.AveragePooling1D),
        "AveragePooling2D": _pooling(keras.layers.AveragePooling2D),
        "GlobalMaxPooling1D": _global_pooling(keras.layers.GlobalMaxPooling1D),
        "GlobalMaxPooling2D": _global_pooling(keras.layers.GlobalMaxPooling2D),
        "GlobalAveragePooling1D": _global_pooling(keras.layers.GlobalAveragePooling1D),
        "GlobalAveragePooling2D": _global_pooling(keras.layers.GlobalAveragePooling2D),
        "LSTM": _recurrent(keras.layers.LSTM),
        "GRU": _recurrent(keras.layers.GRU),
        "BatchNormalization": _batch_normalization,
        "LayerNormalization": _layer_normalization,
        "Embedding": _embedding,
        "MultiHeadAttention": _attention,
        "Identity": _identity,
    }
)
