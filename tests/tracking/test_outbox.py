"""Events on disk until the store has taken them."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from full_disk import files_of_at_most
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_search import STACK, search_end, search_record, trial_end, trial_record, usage_readings

from autokeras_lite.tracking.outbox import EVENTS_FILE, KINDS, LOCK_FILE, Outbox
from autokeras_lite.tracking.tracker import BestModel, RunFiles
from autokeras_lite.trial import Cause, Curve, FailedAttempt

EARLIER = (FailedAttempt(1, 8, Cause.OUT_OF_MEMORY_HOST, "no memory left"),)
EVENTS = {
    "search_start": search_record(uid="a1"),
    "trial_start": trial_record(3, STACK),
    "trial_end": trial_end(3, Cause.SIGNAL, earlier=EARLIER),
    "search_end": search_end(Path("runs/adult/artifact")),
    "best_model": BestModel("adult", Path("runs/adult/artifact")),
    "files": RunFiles("adult", "a1", (Path("runs/adult/report.html"), Path("card.md"))),
    "usage": usage_readings(10, 20),
}


def events_of(box):
    return [entry.event for entry in box.waiting]


@pytest.mark.parametrize("kind", list(KINDS))
def test_an_event_comes_back_as_it_was(tmp_path, kind):
    Outbox(tmp_path).append(EVENTS[kind])

    assert events_of(Outbox(tmp_path)) == [EVENTS[kind]]


def test_what_was_delivered_does_not_wait_and_the_rest_keeps_its_order(tmp_path):
    box = Outbox(tmp_path)
    entries = [box.append(event) for event in EVENTS.values()]
    box.mark(entries[1])
    box.mark(entries[3])
    later = Outbox(tmp_path)
    later.append(trial_record(9))

    assert events_of(later) == [EVENTS[kind] for kind in ("search_start", "trial_end", "best_model", "files", "usage")]
    assert events_of(Outbox(tmp_path)) == [*events_of(later), trial_record(9)]


def test_numbers_go_on_so_that_no_mark_takes_another_event_away(tmp_path):
    box = Outbox(tmp_path)
    for _ in range(3):
        box.mark(box.append(trial_record(0)))
    later = Outbox(tmp_path)

    assert later.append(trial_record(1)).number == 3
    assert events_of(Outbox(tmp_path)) == [trial_record(1)]


def test_the_search_that_a_waiting_event_belongs_to_is_known_after_its_delivery(tmp_path):
    box = Outbox(tmp_path)
    first, second = search_record(started=1.0), search_record(started=2.0)
    box.mark(box.append(first))
    box.append(trial_record(0))
    box.mark(box.append(second))

    assert Outbox(tmp_path).recalled == first


def test_a_line_torn_at_any_byte_costs_that_line_alone(tmp_path):
    box = Outbox(tmp_path)
    box.append(EVENTS["search_start"])
    file = tmp_path / EVENTS_FILE
    whole = file.stat().st_size
    box.append(EVENTS["trial_start"])
    content = file.read_bytes()
    for length in range(whole, len(content)):
        file.write_bytes(content[:length])
        torn = Outbox(tmp_path)
        torn.append(trial_record(9))
        torn.close()
        later = Outbox(tmp_path)
        assert events_of(later) == [EVENTS["search_start"], trial_record(9)], length
        assert not later.problem


def test_a_torn_mark_delivers_the_event_again(tmp_path):
    box = Outbox(tmp_path)
    entries = [box.append(trial_record(number)) for number in range(13)]
    size = (tmp_path / EVENTS_FILE).stat().st_size
    box.mark(entries[12])
    content = (tmp_path / EVENTS_FILE).read_bytes()
    for length in range(size, len(content)):
        (tmp_path / EVENTS_FILE).write_bytes(content[:length])
        assert len(Outbox(tmp_path).waiting) == 13


@given(st.lists(st.sampled_from(list(EVENTS.values())), max_size=8), st.sets(st.integers(0, 7)), st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_cut_anywhere_the_file_gives_a_beginning_of_what_was_told(tmp_path_factory, told, marked, share):
    folder = tmp_path_factory.mktemp("box")
    box = Outbox(folder)
    entries = [box.append(event) for event in told]
    box.close()
    file = folder / EVENTS_FILE
    content = file.read_bytes() if told else b""
    kept = content[: round(share * len(content))]
    if told:
        file.write_bytes(kept)
    cut = Outbox(folder)
    for number in marked & {entry.number for entry in cut.waiting}:
        cut.mark(entries[number])
    cut.close()
    whole = kept.count(b"\n")

    assert events_of(Outbox(folder)) == [event for number, event in enumerate(told[:whole]) if number not in marked]


def test_a_full_disk_stops_nothing_and_is_made_up_for(tmp_path):
    box = Outbox(tmp_path)
    first = box.append(trial_record(0))
    size = (tmp_path / EVENTS_FILE).stat().st_size
    with files_of_at_most(size + 40):
        box.append(trial_record(1))
        box.mark(first)
        problem = box.problem
    cut = Outbox(tmp_path)
    box.append(trial_record(2))

    assert "2 lines are only in memory" in problem
    assert "File too large" in problem
    assert events_of(cut) == [trial_record(0)]
    assert box.problem == ""
    assert events_of(Outbox(tmp_path)) == [trial_record(1), trial_record(2)]


def test_a_folder_that_cannot_be_made_is_told_and_stops_nothing(tmp_path):
    (tmp_path / "adult").write_text("this is a file")
    box = Outbox(tmp_path / "adult" / "outbox")
    box.append(trial_record(0))

    assert "1 lines are only in memory" in box.problem


def test_lines_of_another_version_are_passed_over_and_told(tmp_path):
    box = Outbox(tmp_path)
    box.append(trial_record(0))
    unknown = json.dumps({"number": 7, "kind": "trial_doubled", "event": {}})
    with (tmp_path / EVENTS_FILE).open("a") as file:
        file.write(f"{unknown}\n[1]\n17\n")
    later = Outbox(tmp_path)

    assert events_of(later) == [trial_record(0)]
    assert "3 lines" in later.problem
    assert later.append(trial_record(1)).number == 8


def test_lines_of_another_version_outlive_the_delivery_of_all_others(tmp_path):
    line = json.dumps({"number": 7, "kind": "trial_doubled", "event": {}})
    (tmp_path / EVENTS_FILE).write_text(f"{line}\n")
    box = Outbox(tmp_path)
    box.mark(box.append(trial_record(0)))
    box.drop()

    assert line in (tmp_path / EVENTS_FILE).read_text()
    assert Outbox(tmp_path).waiting == ()


def test_a_model_is_found_where_the_folder_of_its_search_has_been_moved(tmp_path):
    before, after = tmp_path / "adult", tmp_path / "moved" / "adult"
    Outbox(before / "outbox").append(BestModel("adult", before / "artifact"))
    after.parent.mkdir()
    before.rename(after)

    assert events_of(Outbox(after / "outbox")) == [BestModel("adult", after / "artifact")]


def test_files_are_found_where_the_folder_of_their_search_has_been_moved(tmp_path):
    before, after = tmp_path / "adult", tmp_path / "moved" / "adult"
    Outbox(before / "outbox").append(RunFiles("adult", "a1", (before / "report.html", before / "card.md")))
    after.parent.mkdir()
    before.rename(after)

    assert events_of(Outbox(after / "outbox")) == [RunFiles("adult", "a1", (after / "report.html", after / "card.md"))]


def test_a_model_outside_the_folder_of_its_search_stays_where_it_is(tmp_path):
    model = BestModel("adult", tmp_path / "elsewhere" / "artifact")
    Outbox(tmp_path / "adult" / "outbox").append(model)

    assert events_of(Outbox(tmp_path / "adult" / "outbox")) == [model]


def test_one_outbox_at_a_time_is_claimed_and_no_lock_stays(tmp_path):
    first, second = Outbox(tmp_path / "outbox"), Outbox(tmp_path / "outbox")
    first.append(trial_record(0))

    assert [first.claim(), first.claim(), second.claim()] == [True, True, False]
    first.close()
    assert second.claim()
    second.drop()
    assert not (tmp_path / "outbox" / LOCK_FILE).exists()
    assert not (tmp_path / "outbox").exists()


def test_numbers_that_json_does_not_know_survive(tmp_path):
    outcome = {"curve": Curve((math.inf,), (), (-math.inf,)), "score": np.float32(0.5), "epochs": np.int64(3)}
    record = search_record(params={"rate": np.float32(0.5), "folder": Path("x"), "n": np.int64(4)})
    box = Outbox(tmp_path)
    box.append(trial_end(0, **outcome))
    box.append(record)
    end, start = events_of(Outbox(tmp_path))

    assert end == trial_end(0, **{**outcome, "score": 0.5, "epochs": 3})
    assert start.params == {"rate": 0.5, "folder": "x", "n": 4}


def test_nothing_is_made_before_the_first_event_and_nothing_stays_after_the_last(tmp_path):
    box = Outbox(tmp_path / "outbox")
    assert not (tmp_path / "outbox").exists()
    box.append(trial_record(0))
    assert (tmp_path / "outbox" / EVENTS_FILE).stat().st_mode & 0o077 == 0
    box.drop()

    assert not (tmp_path / "outbox").exists()
