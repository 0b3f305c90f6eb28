"""A short text that changes when any cell changes."""

from hashlib import blake2b

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autokeras_lite.data.dataset import Dataset

FINGERPRINT_BYTES = 16


def fingerprint(dataset: Dataset) -> str:
    """Return 32 hexadecimal digits over everything that a dataset holds: names, types, cells, targets, weights.

    Neither the layout in memory, the row labels, the name nor the source of a dataset count: the same content has the
    same fingerprint in every process.

    Example:
        >>> from autokeras_lite.data.dataset import InputKind
        >>> frame, target = pd.DataFrame({"x": [1.0, 2.0]}), pd.DataFrame({"y": [0, 1]})
        >>> fingerprint(Dataset("toy", InputKind.TABLE, "", frame, target))
        '4f13385744046fe2a1e1129483bc6e1b'
    """
    digest = blake2b(digest_size=FINGERPRINT_BYTES)
    parts = {
        "inputs": dataset.inputs,
        "targets": dataset.targets,
        "weights": dataset.weights,
        "groups": dataset.groups,
        "times": dataset.times,
    }
    for name, part in parts.items():
        for piece in _pieces(part):
            digest.update(len(piece).to_bytes(8, "little"))  # so that no two lists of pieces read the same
            digest.update(piece)
        digest.update(name.encode())
    return digest.hexdigest()


def row_hashes(frame: pd.DataFrame) -> NDArray[np.uint64]:
    """Return one number `(rows,)` for each row: equal rows have equal numbers, a row with one other cell another."""
    return np.asarray(pd.util.hash_pandas_object(frame, index=False), dtype=np.uint64)


def _pieces(part: pd.DataFrame | NDArray[np.generic] | None) -> list[bytes]:
    if part is None:
        return []
    if isinstance(part, pd.DataFrame):
        header = [f"{name}\0{dtype}" for name, dtype in part.dtypes.items()]
        return [*(text.encode() for text in header), row_hashes(part).astype("<u8").tobytes()]
    if part.dtype.hasobject:
        raise TypeError("An array of Python objects has no content to hash; readers make plain arrays.")
    plain = np.ascontiguousarray(part, dtype=part.dtype.newbyteorder("<"))
    return [str(plain.dtype).encode(), str(plain.shape).encode(), plain.tobytes()]
