"""Images, sequences and tokens as a model gets them: what was learned from the training rows, and how it is applied."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.data.arrays import ArraySpec, InputSpec
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.data.encode_formula import LARGEST_NUMBER, known_tokens, standardise

MAX_TOKENS = 1_000_000

_BLOCK_ROWS = 1024
_NAMES = {InputKind.IMAGE: "pixels", InputKind.SEQUENCE: "values"}
_RAW_TYPES = {InputKind.IMAGE: "float32", InputKind.SEQUENCE: "float64"}


@dataclass(frozen=True)
class ScaledArray:
    """Images or sequences: each channel as `(value - center) * scale`, 0 where missing. `shape` is that of one row.

    A channel that is constant in the training rows has the scale 0.
    """

    kind: InputKind
    shape: tuple[int, ...]
    centers: tuple[float, ...]
    scales: tuple[float, ...]

    @property
    def raw(self) -> ArraySpec:
        """What a row is before it is encoded."""
        return ArraySpec(_NAMES[self.kind], self.shape, _RAW_TYPES[self.kind])

    @property
    def inputs(self) -> InputSpec:
        """What a model gets."""
        return InputSpec(self.kind, (ArraySpec(_NAMES[self.kind], self.shape),))

    def read(self, array: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Return the raw form of the array."""
        with np.errstate(over="ignore"):  # what no float32 holds becomes infinite, and is cut off by the encoding
            return {self.raw.name: array.astype(self.raw.dtype)}

    def encode(self, raw: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the arrays of `inputs` for what `read` returned."""
        values = raw[self.raw.name].astype(np.float64)
        scaled = standardise(values, np.array(self.centers), np.array(self.scales), np)
        return {self.raw.name: scaled.astype(np.float32)}

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `json.dumps` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the encoding that `to_json` wrote."""
        moments = (tuple(values["centers"]), tuple(values["scales"]))
        return cls(InputKind(values["kind"]), tuple(values["shape"]), *moments)


@dataclass(frozen=True)
class TokenArray:
    """Tokens: 0 .. vocabulary - 1 stay as they are, so that a padding 0 stays 0; anything else is the last code."""

    shape: tuple[int, ...]
    vocabulary: int
    cardinality: int

    @property
    def raw(self) -> ArraySpec:
        """What a row is before it is encoded."""
        return ArraySpec("tokens", self.shape, "int32")

    @property
    def inputs(self) -> InputSpec:
        """What a model gets."""
        return InputSpec(InputKind.TOKENS, (self.raw,), (self.cardinality,))

    def read(self, array: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Return the raw form of the array; what is no whole number of 0 or more becomes -1."""
        return {"tokens": _as_tokens(array)}

    def encode(self, raw: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the arrays of `inputs` for what `read` returned."""
        return {"tokens": known_tokens(raw["tokens"], self.vocabulary, self.cardinality - 1, np).astype(np.int32)}

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `json.dumps` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the encoding that `to_json` wrote."""
        return cls(tuple(values["shape"]), values["vocabulary"], values["cardinality"])


ArrayEncoding = ScaledArray | TokenArray


def fit_array(array: NDArray[Any], kind: InputKind, rows: NDArray[np.int64]) -> ArrayEncoding:
    """Learn the encoding of an array from `rows` of it."""
    shape = tuple(array.shape[1:])
    if kind is InputKind.TOKENS:
        vocabulary = _vocabulary(array, rows)
        return TokenArray(shape, vocabulary, vocabulary + 1)
    center = _channel_means(_blocks(array, rows))
    deviation = np.sqrt(_channel_means((block - center) ** 2 for block in _blocks(array, rows)))
    constant = deviation <= np.abs(center) * 1e-12  # nothing but the rounding of the mean
    scale = np.where(constant, 0.0, 1.0 / np.where(constant, 1.0, deviation))
    return ScaledArray(kind, shape, tuple(center.tolist()), tuple(scale.tolist()))


def refit_array(array: NDArray[Any], layout: ArrayEncoding, rows: NDArray[np.int64]) -> ArrayEncoding:
    """Learn the encoding of an array from `rows` of it, with the structure of `layout`."""
    if isinstance(layout, ScaledArray):
        return fit_array(array, layout.kind, rows)
    return TokenArray(layout.shape, min(_vocabulary(array, rows), layout.vocabulary), layout.cardinality)


def _vocabulary(array: NDArray[Any], rows: NDArray[np.int64]) -> int:
    largest = [int(_as_tokens(array[rows[start : start + _BLOCK_ROWS]]).max(initial=0)) for start in _starts(rows)]
    return min(max(largest, default=0) + 1, MAX_TOKENS)


def _as_tokens(array: NDArray[Any]) -> NDArray[np.int32]:
    if np.issubdtype(array.dtype, np.unsignedinteger):
        return np.asarray(np.minimum(array, np.uint64(MAX_TOKENS)), np.int32)
    if np.issubdtype(array.dtype, np.floating):
        array = np.where(np.equal(np.trunc(array), array), array, -1)
    return np.asarray(np.clip(array, -1, MAX_TOKENS), np.int32)


def _channel_means(blocks: Iterator[NDArray[np.float64]]) -> NDArray[np.float64]:
    total: NDArray[np.float64] | float = 0.0
    count: NDArray[np.int64] | int = 0
    for block in blocks:
        axes = tuple(range(block.ndim - 1))
        total = total + np.nansum(block, axis=axes)
        count = count + np.sum(~np.isnan(block), axis=axes)
    return np.asarray(total / np.maximum(count, 1))


def _blocks(array: NDArray[Any], rows: NDArray[np.int64]) -> Iterator[NDArray[np.float64]]:
    for start in _starts(rows):
        block = array[rows[start : start + _BLOCK_ROWS]].astype(np.float64)
        yield np.where(np.isfinite(block) & (np.abs(block) <= LARGEST_NUMBER), block, np.nan)


def _starts(rows: NDArray[np.int64]) -> range:
    return range(0, len(rows), _BLOCK_ROWS)
