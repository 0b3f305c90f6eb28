"""What the model got most wrong, with what stood there: pictures, lines, tokens and cells of the very rows."""

import base64
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_searches import STEPS, make_arrays, make_frame, make_search

from autokeras_lite.config import as_search_config
from autokeras_lite.data.fingerprint import fingerprint
from autokeras_lite.data.read import read_dataset
from autokeras_lite.report import given_rows
from autokeras_lite.report.facts import Facts, read_facts
from autokeras_lite.report.given_rows import read_given_rows
from autokeras_lite.report.outputs import read_outputs
from autokeras_lite.report.thumbnails import MOST_PIXELS, png_address
from autokeras_lite.report.timely import are_steps, read_timely
from autokeras_lite.report.worst_rows import WorstRows, find_worst_rows, show_examples
from autokeras_lite.search.blueprint import Blueprint
from autokeras_lite.search.folder import SearchFolder


def worst_of(facts: Facts) -> WorstRows:
    outputs = read_outputs(facts)
    assert outputs is not None
    return find_worst_rows(facts, outputs)


def pixels_of(address: str) -> np.ndarray:
    """Read a PNG whose lines are not filtered, as `png_address` writes it."""
    content = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    place, parts = 8, {}
    while place < len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        name, part = content[place + 4 : place + 8], content[place + 8 : place + 8 + length]
        assert struct.unpack(">I", content[place + 8 + length : place + 12 + length])[0] == zlib.crc32(name + part)
        parts[name], place = part, place + 12 + length
    width, height, bits, kind = struct.unpack(">IIBB", parts[b"IHDR"][:10])
    assert bits == 8
    lines = np.frombuffer(zlib.decompress(parts[b"IDAT"]), np.uint8).reshape(height, -1)
    assert not lines[:, 0].any()
    return lines[:, 1:].reshape(height, width, 3 if kind == 2 else 1)


@given(st.integers(1, 30), st.integers(1, 30), st.sampled_from([1, 3]), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_a_picture_of_bytes_has_the_very_pixels(height: int, width: int, channels: int, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, channels)).astype(np.uint8)
    assert (pixels_of(png_address(image)) == image).all()


def test_pictures_of_other_values_go_from_black_to_white_and_large_ones_are_smaller() -> None:
    image = np.linspace(-3.0, 5.0, 400 * 200).reshape(400, 200, 1)
    pixels = pixels_of(png_address(image))
    assert max(pixels.shape) <= MOST_PIXELS
    assert pixels[0, 0, 0] == 0
    assert pixels.max() >= 250
    assert pixels_of(png_address(np.full((2, 2, 2), np.nan))).shape == (2, 2, 1)


def test_the_worst_images_are_shown_as_they_are(tmp_path: Path) -> None:
    facts = read_facts(make_search(tmp_path, "images"))
    images, _ = make_arrays("images")
    worst = worst_of(facts)
    assert worst.has_pictures
    for row in worst.rows:
        assert (pixels_of(row.picture) == images[row.row]).all()
    assert [row.actual for row in show_examples(facts)] == ["0", "1", "2"]


def test_tokens_and_cells_of_the_worst_rows_are_told(tmp_path: Path) -> None:
    tokens, _ = make_arrays("tokens")
    first = worst_of(read_facts(make_search(tmp_path, "tokens"))).rows[0]
    assert first.text.startswith(" ".join(str(token) for token in tokens[first.row][:10]))
    assert "(40 tokens)" in first.text
    frame, _ = make_frame("binary")
    facts = read_facts(make_search(tmp_path, "binary"))
    told = {"columns": [{"column": "colour"}]}
    first = worst_of(replace(facts, explanation=told)).rows[0]
    assert first.text.startswith(f"colour {frame['colour'][first.row]}; size")


def test_sequences_are_lines_and_windows_that_overlap_are_told_once(tmp_path: Path) -> None:
    worst = worst_of(read_facts(make_search(tmp_path, "forecast")))
    assert all(len(row.lines) == 1 and row.lines[0].startswith("M1.0 ") for row in worst.rows)
    rows = sorted(row.row for row in worst.rows)
    assert min(np.diff(rows)) >= STEPS
    assert {row.target for row in worst.rows} <= {f"y{step}" for step in range(STEPS)}


def test_the_worst_value_is_the_furthest_off_for_its_target(tmp_path: Path) -> None:
    facts = read_facts(make_search(tmp_path, "several_values"))
    outputs = read_outputs(facts)
    assert outputs is not None
    missed = np.abs(outputs.given - outputs.labels) / outputs.labels.std(axis=0)
    place, target = np.unravel_index(missed.argmax(), missed.shape)
    first = worst_of(facts).rows[0]
    assert (first.row, first.target) == (int(outputs.rows[place]), outputs.names[target])


# --- rows as they came -----------------------------------------------------------------------------------------------


@pytest.fixture
def searched(tmp_path: Path) -> tuple[Path, Facts, Blueprint]:
    """Return a file, the search of it, and a blueprint that has kept only the first ten of its rows."""
    file = tmp_path / "data.csv"
    make_frame("binary")[0].to_csv(file, index=False)
    facts = read_facts(make_search(tmp_path, "binary"))
    assert facts.request is not None
    columns = as_search_config({}, name="binary", targets=("y",)).columns
    print_of_file = fingerprint(read_dataset(file, columns, name="binary"))
    request = replace(facts.request, data=str(file), fingerprint=print_of_file)
    blueprint = Blueprint.open(SearchFolder(facts.folder).blueprint)
    return file, replace(facts, request=request), replace(blueprint, sample=blueprint.sample[:10])


def test_rows_that_were_not_kept_come_from_the_file(searched: tuple[Path, Facts, Blueprint]) -> None:
    file, facts, blueprint = searched
    frame = read_given_rows(blueprint, facts.request).frame
    assert frame is not None
    pd.testing.assert_series_equal(frame["colour"], pd.read_csv(file)["colour"], check_dtype=False)


def test_a_file_that_has_changed_or_gone_is_not_used(searched: tuple[Path, Facts, Blueprint]) -> None:
    file, facts, blueprint = searched
    file.write_text(file.read_text().replace("red", "rot"))
    assert len(read_given_rows(blueprint, facts.request).values) == 10
    file.unlink()
    assert len(read_given_rows(blueprint, facts.request).values) == 10
    assert len(read_given_rows(blueprint, None).values) == 10


def test_a_large_file_is_not_read_again(
    searched: tuple[Path, Facts, Blueprint], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, facts, blueprint = searched
    monkeypatch.setattr(given_rows, "MOST_FILE_BYTES", 100)
    assert len(read_given_rows(blueprint, facts.request).values) == 10


# --- time ------------------------------------------------------------------------------------------------------------


def test_steps_are_known_by_windows_that_slide_and_by_nothing_else() -> None:
    _, steps = make_arrays("forecast")
    rows = np.arange(len(steps))
    assert are_steps(steps, rows)
    assert not are_steps(steps[:, ::-1], rows)
    assert not are_steps(steps, 2 * rows)
    assert not are_steps(steps[:, :1], rows)
    assert not are_steps(np.ones((20, 3)), rows[:20])


def test_a_table_with_a_time_column_is_shown_in_its_order(tmp_path: Path) -> None:
    facts = read_facts(make_search(tmp_path, "regression"))
    assert read_timely(facts) is None
    assert facts.config is not None
    config = facts.config.to_json()
    config["columns"]["time"] = "size"
    assert facts.request is not None
    timed = replace(facts, request=replace(facts.request, config=config))
    timely = read_timely(timed)
    assert timely is not None
    assert timely.axis == "size"
    assert (np.diff(timely.moments) >= 0).all()
    frame, _ = make_frame("regression")
    assert timely.actual[:, 0] == pytest.approx(frame["y"].to_numpy()[timely.rows])
