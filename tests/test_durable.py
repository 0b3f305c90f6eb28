"""Laws of durable files: the earlier one or the new one, never half of one; and JSON is read within limits."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autokeras_lite.durable import (
    disk_faults,
    is_disk_full,
    parse_json,
    read_json,
    sync,
    whole_file,
    write_bytes,
    write_json,
)
from autokeras_lite.errors import ArtifactError, StorageError

# Files of this process may have so many bytes, as on a disk that is nearly full.
FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from autokeras_lite.durable import write_bytes
from autokeras_lite.errors import StorageError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_bytes(Path(sys.argv[1]), b"new" * 4096)
except StorageError as error:
    print(error)
"""
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


def test_what_was_written_is_there_alone(tmp_path):
    path = tmp_path / "result.json"
    for content in (b"first", b"", b"third"):
        write_bytes(path, content)
        assert path.read_bytes() == content
        assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_earlier_file_and_is_told_in_one_line(tmp_path):
    path = tmp_path / "result.json"
    write_bytes(path, b"earlier")
    ended = subprocess.run([sys.executable, "-c", FULL_DISK, path], capture_output=True, text=True, check=True)
    assert f"The disk of {tmp_path} is full" in ended.stdout
    assert ended.stdout.count("\n") == 1
    assert path.read_bytes() == b"earlier"


def test_a_torn_neighbour_of_an_earlier_crash_is_in_nobodys_way(tmp_path):
    (tmp_path / "result.json.tmp").write_bytes(b"torn")
    write_bytes(tmp_path / "result.json", b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["result.json"]


@pytest.mark.parametrize("neighbour", [None, ".mine.csv"])
def test_what_ends_in_the_middle_of_a_file_leaves_the_earlier_one_alone(tmp_path, neighbour):
    path = tmp_path / "result.csv"
    path.write_text("earlier")

    def write(content, error):
        with whole_file(path, neighbour and tmp_path / neighbour) as beside:
            assert beside.name == (neighbour or "result.csv.tmp")
            beside.write_text(content)
            if error is not None:
                raise error

    for error in (OSError("no"), KeyboardInterrupt()):
        with pytest.raises(type(error)):
            write("half", error)
        assert (list(tmp_path.iterdir()), path.read_text()) == ([path], "earlier")
    write("new", None)
    assert (list(tmp_path.iterdir()), path.read_text()) == ([path], "new")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_what_a_full_disk_raises_becomes_a_storage_error(number, tmp_path):
    error = OSError(number, os.strerror(number))
    assert is_disk_full(error)
    with pytest.raises(StorageError, match="Free some space"), disk_faults(tmp_path / "x"):
        raise error


def test_other_errors_pass(tmp_path):
    assert not is_disk_full(ValueError("full"))
    with pytest.raises(PermissionError), disk_faults(tmp_path):
        raise PermissionError(errno.EACCES, "no")
    with pytest.raises(FileNotFoundError):
        write_bytes(tmp_path / "missing" / "file", b"")


def test_a_file_and_a_folder_can_be_synced(tmp_path):
    write_bytes(tmp_path / "file", b"content")
    sync(tmp_path / "file")
    sync(tmp_path)


@settings(max_examples=50, deadline=None)
@given(values=st.dictionaries(st.text(max_size=9), json_values, max_size=5))
def test_what_was_written_as_json_is_read_again(values, tmp_path_factory):
    path = tmp_path_factory.mktemp("json") / "values.json"
    write_json(path, values)
    assert read_json(path) == values


BROKEN = {
    b"": "is damaged",
    b"{": "is damaged",
    b"\xff\xfe{": "is damaged",
    b"\x00": "is damaged",
    b'{"a": 1' + b"0" * 5_000 + b"}": "is damaged",
    b"[" * 100_000: "is nested too deeply",
    b"[" * 66 + b"]" * 66: "more than 64 levels deep",
    b'{"a":' * 66 + b"1" + b"}" * 66: "more than 64 levels deep",
    b"[" + b"[]," * 500_000 + b"[]]": "more than 1,000,000 values",
    b"[" + b"1," * 1_000_000 + b"1]": "more than 1,000,000 values",
}


@pytest.mark.parametrize("content", BROKEN, ids=range(len(BROKEN)))
def test_json_that_is_broken_or_a_bomb_is_refused_in_one_line(content, tmp_path):
    path = tmp_path / "summary.json"
    path.write_bytes(content)
    for read in (lambda: read_json(path), lambda: parse_json(content, str(path))):
        with pytest.raises(ArtifactError, match=BROKEN[content]) as caught:
            read()
        assert str(caught.value).startswith(str(path))
        assert str(caught.value).isprintable()


def test_json_of_the_greatest_depth_is_read():
    assert parse_json(b"[" * 64 + b"]" * 64, "summary.json")


def test_whoever_expects_a_large_file_says_how_large(tmp_path):
    path = tmp_path / "manifest.json"
    path.write_bytes(b"[" + b"1," * 1_000_000 + b"1]")
    assert len(read_json(path, most_values=1_000_001)) == 1_000_001


def test_a_file_that_is_too_long_is_refused_before_it_is_read_whole(tmp_path):
    path = tmp_path / "summary.json"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(ArtifactError, match="is longer than 16,777,216 bytes"):
        read_json(path)
    path.write_text(json.dumps("x" * 98))
    assert read_json(path, most_bytes=100) == "x" * 98
    with pytest.raises(ArtifactError, match="is longer than 99 bytes"):
        read_json(path, most_bytes=99)


def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "missing", tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(ArtifactError, match="is no file"):
            read_json(path)
