"""What a Parquet file unpacks to is known before all of it is unpacked."""

import resource
from pathlib import Path

import psutil
import pyarrow as pa
import pytest
from pyarrow import parquet

from autokeras_lite.data.parquet_file import read_parquet_file
from autokeras_lite.errors import DataError


def test_one_long_text_for_many_rows_is_refused_where_it_does_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "bomb.parquet"
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 20_000, pa.int32()), pa.array(["a" * 50_000]))
    parquet.write_table(pa.table({"t": texts}), path, store_schema=False)
    assert path.stat().st_size < 10_000
    before = resource.getrlimit(resource.RLIMIT_AS)
    room = psutil.Process().memory_info().vms + 600 * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (room, before[1]))
    try:
        with pytest.raises(DataError, match="takes at least"):
            read_parquet_file(path)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
