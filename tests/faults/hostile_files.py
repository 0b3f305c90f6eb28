"""Data files that nobody should have to read: each with its writer and a part of the line that refuses it."""

import io
import os
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

MEGABYTE = 2**20
SMALL_TABLE = b"a,y\n1,2\n3,4\n"
NAMES = b"".join(b"a%d," % place for place in range(511)) + b"y\n"

Writer = Callable[[Path], Path]


def content(suffix: str, data: bytes) -> Writer:
    def write(folder: Path) -> Path:
        path = folder / f"data{suffix}"
        path.write_bytes(data)
        return path

    return write


def repeated(head: bytes, piece: bytes, times: int, tail: bytes = b"") -> Writer:
    """Write a long file without holding it."""

    def write(folder: Path) -> Path:
        path = folder / "data.csv"
        with path.open("wb") as file:
            file.write(head)
            for _ in range(times):
                file.write(piece)
            file.write(tail)
        return path

    return write


def sparse(head: bytes, size: int) -> Writer:
    """Write a file that claims a size and takes no room on the disk."""

    def write(folder: Path) -> Path:
        path = folder / "data.csv"
        with path.open("wb") as file:
            file.write(head)
            file.truncate(size)
        return path

    return write


def fifo(folder: Path) -> Path:
    os.mkfifo(folder / "data.csv")
    return folder / "data.csv"


def device(folder: Path) -> Path:
    (folder / "data.csv").symlink_to("/dev/zero")
    return folder / "data.csv"


def parquet_of(table: pa.Table, *, groups: int = 1, **options: object) -> Writer:
    def write(folder: Path) -> Path:
        with parquet.ParquetWriter(folder / "data.parquet", table.schema, **options) as writer:
            for _ in range(groups):
                writer.write_table(table)
        return folder / "data.parquet"

    return write


def zeros_table(rows: int) -> pa.Table:
    return pa.table({"a": np.zeros(rows, np.int64), "y": np.zeros(rows, np.int64)})


def damaged_parquet(change: Callable[[bytes], bytes]) -> Writer:
    def write(folder: Path) -> Path:
        path = parquet_of(zeros_table(10))(folder)
        path.write_bytes(change(path.read_bytes()))
        return path

    return write


def archive(members: Mapping[str, bytes], *, packed: bool = True) -> Writer:
    def write(folder: Path) -> Path:
        kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        with zipfile.ZipFile(folder / "data.npz", "w", kind) as file:
            for name, data in members.items():
                file.writestr(name, data)
        return folder / "data.npz"

    return write


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npy_claiming(shape: str, dtype: str = "'<f8'", data: bytes = b"") -> bytes:
    header = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def inflating_archive(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "data.npz", "w", zipfile.ZIP_DEFLATED) as file:
        with file.open("x.npy", "w", force_zip64=True) as member:
            member.write(npy_claiming(f"({32 * MEGABYTE}, 1)"))
            for _ in range(256):
                member.write(bytes(MEGABYTE))
        file.writestr("y.npy", npy(np.zeros(3)))
    return folder / "data.npz"


HOSTILE: Mapping[str, tuple[Writer, str]] = {
    "a million columns": (repeated(b"", b"column,", 10**6, b"y\n"), "characters in line 1"),
    "a million short columns": (repeated(b"", b"a,", 10**6, b"y\n1,2\n"), "has 1,000,001 columns. Expected at most"),
    "a long ragged row": (repeated(SMALL_TABLE, b",", 4_000_000), "4000001 cells in line 4"),
    "a ragged row": (content(".csv", b"a,y\n1,2\n1,2,3\n"), "3 cells in line 3. Expected 2"),
    "a line without an end": (repeated(b"a,y\n1,", b"x" * MEGABYTE, 64), "more than 4,194,304 characters in line 2"),
    "a header without an end": (repeated(b"", b"x" * MEGABYTE, 64), "more than 4,194,304 characters in line 1"),
    "a row of many lines": (repeated(b"a,y\n", b'"\n",', 2_000_000), "characters in line"),
    "a quote that never ends": (repeated(b'a,y\n"', b"x\n", 5_000_000), "Look for a missing line end or a lone quote"),
    "a long blank begin": (repeated(b"", b"\n" * MEGABYTE, 4), "begins with 65,536 blank characters"),
    "two gigabytes of nothing": (sparse(b"", 2**31), "NUL byte in line 1"),
    "a file larger than memory": (sparse(b"a,y\n" + b"1,2\n" * 20_000, 2**33), "Expected at most the"),
    "more cells than memory": (repeated(NAMES, b"1," * 511 + b"1\n", 2**15), "takes at least 256.0 MB"),
    "a NUL byte": (content(".csv", b"a,y\n1\x00,2\n"), "NUL byte in line 2"),
    "UTF-16": (content(".csv", SMALL_TABLE.decode().encode("utf-16")), "iconv -f utf-16 "),
    "UTF-16 without a mark": (content(".csv", SMALL_TABLE.decode().encode("utf-16-le")), "iconv -f utf-16le "),
    "big UTF-16 without a mark": (content(".csv", SMALL_TABLE.decode().encode("utf-16-be")), "iconv -f utf-16be "),
    "UTF-32": (content(".csv", SMALL_TABLE.decode().encode("utf-32")), "iconv -f utf-32 "),
    "latin-1": (
        content(".csv", "a,y\n1,2\nMüller,3\n".encode("latin-1")),
        "line 3 has the byte 0xfc, which as latin-1",
    ),
    "windows-1252": (content(".csv", "a,y\n1,5€\n".encode("cp1252")), "iconv -f windows-1252"),
    "latin-1 far below": (repeated(b"a,y\n", b"1,2\n" * 2**14, 8, b"\xe9,1\n"), "line 131074 has the byte 0xe9"),
    "an empty file": (content(".csv", b""), "empty (0 bytes)"),
    "equal names": (content(".csv", b"a,a,y\n1,2,3\n"), "same name: a. Rename"),
    "a name without an end": (content(".csv", b"a" * 5000 + b",y\n1,2\n"), "has 5,000 characters. Expected at most"),
    "a packed file": (content(".csv", b"\x1f\x8b\x08" + bytes(50)), "is a gzip file"),
    "a zip archive": (content(".tsv", b"PK\x03\x04" + bytes(50)), "is a zip (or Excel) file"),
    "a named pipe": (fifo, "is a device or a pipe"),
    "a device": (device, "is a device or a pipe"),
    "Parquet with bytes": (parquet_of(pa.table({"a": [b"\x80\x04K\x01."], "y": [1]})), "of type binary"),
    "Parquet with lists": (parquet_of(pa.table({"a": [[1, 2]], "y": [1]})), "of type list"),
    "Parquet of one value": (parquet_of(zeros_table(2**20), groups=32), "Expected at most the"),
    "Parquet that inflates": (
        parquet_of(zeros_table(2**20), groups=32, use_dictionary=False, compression="zstd"),
        "Expected at most the",
    ),
    "Parquet cut off": (damaged_parquet(lambda data: data[:-20]), "cut off"),
    "Parquet with an endless footer": (
        damaged_parquet(lambda data: data[:-8] + struct.pack("<I", 2**31) + b"PAR1"),
        "cut off",
    ),
    "Parquet with a long footer": (
        content(".parquet", b"PAR1" + bytes(13 * MEGABYTE) + struct.pack("<I", 13 * MEGABYTE) + b"PAR1"),
        "its footer has 13,631,488 bytes",
    ),
    "Parquet with a broken footer": (damaged_parquet(lambda data: data[:-60] + bytes(52) + data[-8:]), "readable"),
    "Parquet of many columns": (
        parquet_of(pa.table({f"{place}": [1] for place in range(50_001)})),
        "50,001 columns. Expected at most 50,000",
    ),
    "pickled arrays": (
        archive({"x.npy": npy(np.array([{}], dtype=object)), "y.npy": npy(np.zeros(1))}),
        "x has the type",
    ),
    "an array that claims much": (archive({"x.npy": npy_claiming("(1099511627776, 4)")}), "claims the shape"),
    "an array of nothing": (archive({"x.npy": npy_claiming("(1099511627776, 4)", "'<U0'")}), "x has the type"),
    "an array beyond counting": (archive({"x.npy": npy_claiming(f"({'9' * 5000},)")}), "readable"),
    "an array with a deep header": (archive({"x.npy": npy_claiming("(" * 5000 + ")" * 5000)}), "readable"),
    "an archive that inflates": (inflating_archive, "takes at least 256.0 MB"),
    "an archive of many members": (archive({f"{place:040}": b"" for place in range(13_000)}), "list of its members"),
    "a member outside": (archive({"../x.npy": npy(np.zeros(3))}), "has a path for a name"),
    "a member in a folder": (archive({"/etc/x.npy": npy(np.zeros(3))}), "has a path for a name"),
    "a wide array": (
        archive({"x.npy": npy(np.zeros((2, 10**6), np.int8)), "y.npy": npy(np.zeros(2))}),
        "1,000,000 columns",
    ),
}
