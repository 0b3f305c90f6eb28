"""The file that a person names: refused early, written whole, and nobody else's file is touched."""

import pytest
from full_disk import files_of_at_most

from autokeras_lite.cli.output_file import check_output, write_output
from autokeras_lite.errors import ConfigError


def test_a_file_that_is_new_or_to_be_replaced_passes_the_check(tmp_path):
    check_output(tmp_path / "new.csv", is_replaced=False)
    (tmp_path / "old.csv").touch()
    check_output(tmp_path / "old.csv", is_replaced=True)


@pytest.mark.parametrize(
    ("name", "is_replaced", "told"),
    [
        ("old.csv", False, "exists. Expected a new file."),
        ("folder", True, "exists. Expected a new file."),
        ("nowhere/new.csv", True, "does not exist. Expected one."),
    ],
)
def test_a_file_that_cannot_or_should_not_be_written_is_refused(tmp_path, name, is_replaced, told):
    (tmp_path / "old.csv").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match=told):
        check_output(tmp_path / name, is_replaced=is_replaced)


def test_a_full_disk_is_told_and_leaves_what_was_there(tmp_path):
    file, theirs = tmp_path / "trials.csv", tmp_path / "trials.csv.tmp"
    file.write_text("earlier")
    theirs.write_text("a file of the person")
    with (
        files_of_at_most(4096),
        pytest.raises(ConfigError, match=r"trials\.csv' cannot be written: File too large\. Expected a writable place"),
        write_output(file) as neighbour,
    ):
        neighbour.write_bytes(b"new" * 4096)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "trials.csv": "earlier",
        "trials.csv.tmp": "a file of the person",
    }


def test_the_neighbour_has_the_ending_of_the_file_and_is_gone_at_the_end(tmp_path):
    file = tmp_path / "trials.parquet"
    with write_output(file) as neighbour:
        assert (neighbour.suffix, neighbour.parent) == (".parquet", tmp_path)
        neighbour.write_text("whole")
        assert not file.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["trials.parquet"]
    assert file.read_text() == "whole"
