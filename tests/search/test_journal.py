import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autokeras_lite.errors import ArtifactError
from autokeras_lite.search.journal import Journal, cohort_begun, cohort_broke, cohort_ended, rung_reached
from autokeras_lite.trial import Cause, TrialOutcome

EVENTS = (
    cohort_begun(1, 4, {1: {"depth": 2, "norm": "none"}, 2: {"depth": 2, "norm": "none"}}),
    cohort_broke(1, Cause.LOST, "a\nmessage with ümlauts"),
    cohort_ended(2, [TrialOutcome(1, Cause.OK, score=0.5), TrialOutcome(2, Cause.DIVERGED)]),
    rung_reached(3, 0, {3: 0.25, 4: 0.5}),
)


def written(path) -> Journal:
    journal = Journal.open(path)
    for event in EVENTS:
        journal.append(event)
    return journal


def test_events_come_back_in_order(tmp_path):
    journal = written(tmp_path / "journal.jsonl")
    again = Journal.open(tmp_path / "journal.jsonl")
    assert len(journal.events) == len(again.events) == len(EVENTS)
    assert [event["event"] for event in again.events] == ["begun", "broke", "ended", "rung"]
    assert again.events[3]["scores"] == {"3": 0.25, "4": 0.5}
    assert TrialOutcome.from_json(again.events[2]["outcomes"][0]) == TrialOutcome(1, Cause.OK, score=0.5)


def test_a_last_line_torn_at_any_byte_is_cut_off_and_the_journal_goes_on(tmp_path):
    path = tmp_path / "journal.jsonl"
    written(path)
    content = path.read_bytes()
    earlier = content[: content.rfind(b"\n", 0, -1) + 1]
    for length in range(len(earlier), len(content)):
        path.write_bytes(content[:length])
        journal = Journal.open(path)
        assert journal.events == Journal.open(path).events
        assert len(journal.events) == len(EVENTS) - 1
        journal.append(EVENTS[-1])
        assert path.read_bytes() == content


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2), st.binary(min_size=1, max_size=40).filter(lambda line: b"\n" not in line and b"\r" not in line)
)
def test_a_damaged_line_before_the_last_is_refused_in_one_line(tmp_path_factory, number, rubbish):
    path = tmp_path_factory.mktemp("damaged") / "journal.jsonl"
    written(path)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[number] = rubbish + b"\n"
    content = b"".join(lines)
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=rf"^Line {number + 1} of .* is damaged.*another --name") as caught:
        Journal.open(path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == content, "it is kept for whoever wants to mend it"


def test_a_bomb_in_a_line_is_a_damaged_line(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"[" * 1_000_000 + b"\n{}\n")
    with pytest.raises(ArtifactError, match="Line 1 of"):
        Journal.open(path)


def test_a_last_line_that_is_whole_but_damaged_is_refused(tmp_path):
    path = tmp_path / "journal.jsonl"
    written(path)
    with path.open("ab") as file:
        file.write(b'{"event": "begun", "cohort"\n')
    with pytest.raises(ArtifactError, match="Line 5 of"):
        Journal.open(path)


FULL = """
import resource, signal, sys
from pathlib import Path
from autokeras_lite.errors import StorageError
from autokeras_lite.search.journal import Journal, cohort_broke

path = Path(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = Journal.open(path)
before = path.read_bytes()
event = cohort_broke(3, "LOST", "x" * 100)
for room in range(0, 150, 3):
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + room, resource.RLIM_INFINITY))
    try:
        journal.append(event)
    except StorageError as error:
        assert str(error).startswith(f"The disk of {path.parent} is full") and "\\n" not in str(error)
        assert path.read_bytes() == before, (room, path.read_bytes()[len(before):])
    else:
        raise AssertionError("there was no room")
print(len(journal.events))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.append(event)
"""


def test_a_full_disk_leaves_no_part_of_a_line_wherever_the_room_ends(tmp_path):
    path = tmp_path / "journal.jsonl"
    written(path)
    ended = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == str(len(EVENTS)), "what is not on disk did not happen"
    assert len(Journal.open(path).events) == len(EVENTS) + 1
