import json
import shutil
from itertools import count
from pathlib import Path

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_fakes import CONVOLUTIONS, SMALL, RandomExecutor, ScriptedExecutor, make_loop, small_space

from autokeras_lite.config import Budget
from autokeras_lite.errors import ConfigError
from autokeras_lite.search.clock import Clock
from autokeras_lite.search.proposer import Proposer
from autokeras_lite.search.samplers import SAMPLERS
from autokeras_lite.search.study_record import TRIAL_ATTRIBUTE

SPACES = {
    "wide": (small_space(),),
    "small": (small_space(SMALL, "small"),),
    "two": (small_space(), small_space(CONVOLUTIONS, "convolutions")),
}


def run(folder: Path, luck: int, slots: int, **options):
    """Run a search to its end, going on from what is in the folder; return where it came to and what it wrote."""
    folder.mkdir(exist_ok=True)
    loop = make_loop(folder, RandomExecutor(luck=luck, slots=slots), **options)
    loop.run()
    return loop.course, (folder / "journal.jsonl").read_bytes()


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_a_search_that_is_cut_anywhere_and_goes_on_is_the_search_that_was_never_cut(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("law")
    options = {
        "trials": data.draw(st.integers(1, 14), "trials"),
        "seed": data.draw(st.integers(0, 100), "seed"),
        "sampler": data.draw(st.sampled_from([*SAMPLERS]), "sampler"),
        "spaces": SPACES[data.draw(st.sampled_from([*SPACES]), "spaces")],
    }
    luck, slots = data.draw(st.integers(0, 10**6), "luck"), data.draw(st.integers(1, 3), "slots")
    whole, journal = run(folder / "whole", luck, slots, **options)
    lines = journal.splitlines(keepends=True)
    for cut in data.draw(st.lists(st.integers(0, len(lines)), min_size=1, max_size=3, unique=True), "cuts"):
        again = folder / str(cut)
        again.mkdir()
        (again / "journal.jsonl").write_bytes(b"".join(lines[:cut]))
        course, continued = run(again, luck, slots, **options)
        assert continued == journal
        assert course.finished == whole.finished
        assert course.best == whole.best
        assert course.streak == whole.streak


@pytest.mark.parametrize("luck", range(5))
def test_a_search_with_a_time_limit_goes_on_with_a_number_of_trials(tmp_path, luck):
    """Its turns went by seconds until then, and from there on they do not: whose turn it was is in the journal."""
    ticks = count()
    clock = Clock(Budget(seconds=60.0), 0.0, now=lambda: 0.1 * next(ticks))
    course, journal = run(tmp_path, luck, 2, clock=clock, spaces=SPACES["two"])
    assert len(course.finished) > 10
    more = course.num_counted + 6
    extended, continued = run(tmp_path, luck, 2, trials=more, spaces=SPACES["two"])
    assert continued.startswith(journal)
    assert extended.num_counted == more
    turns = [event["space"] for event in map(json.loads, journal.splitlines()) if event["event"] == "begun"]
    assert len(set(turns)) == 2


def test_it_may_be_cut_more_than_once_and_in_the_middle_of_a_line(tmp_path):
    whole, journal = run(tmp_path / "whole", 5, 2, trials=12, sampler="tpe")
    cut = tmp_path / "cut"
    cut.mkdir()
    for share in (0.2, 0.5, 0.8, 1.0):
        (cut / "journal.jsonl").write_bytes(journal[: int(share * len(journal)) - 1])
        course, continued = run(cut, 5, 2, trials=12, sampler="tpe")
        assert continued == journal
    assert course.finished == whole.finished


def test_what_ended_is_not_trained_again(tmp_path):
    _, journal = run(tmp_path / "whole", 1, 1, trials=12)
    loop = make_loop(tmp_path / "whole", executor := ScriptedExecutor(), trials=12)
    loop.run()
    assert executor.cohorts == []
    assert (tmp_path / "whole" / "journal.jsonl").read_bytes() == journal


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_larger_budget_goes_on_where_the_smaller_one_ended(sampler, tmp_path):
    first, _ = run(tmp_path / "one", 3, 1, trials=6, sampler=sampler)
    more, _ = run(tmp_path / "one", 3, 1, trials=14, sampler=sampler)
    assert more.finished[: len(first.finished)] == first.finished
    assert more.num_counted == 14
    assert len({spec.number for spec, _ in more.finished}) == len(more.finished)


def test_a_search_that_goes_on_writes_no_trial_twice_into_the_study(tmp_path):
    for trials in (4, 9):
        course, _ = run(tmp_path / "one", 2, 1, trials=trials, proposer=Proposer)
        course.proposer.close()
    study = optuna.load_study(study_name="wide", storage=f"sqlite:///{tmp_path / 'one' / 'study.db'}")
    numbers = [trial.user_attrs[TRIAL_ATTRIBUTE] for trial in study.get_trials()]
    assert sorted(numbers) == sorted(spec.number for spec, _ in course.finished)


@pytest.mark.parametrize("other", [{"seed": 1}, {"sampler": "tpe"}, {"spaces": SPACES["small"]}])
def test_other_answers_to_the_same_questions_are_refused_in_one_line(other, tmp_path):
    run(tmp_path / "one", 0, 1, trials=20)
    with pytest.raises(ConfigError, match=r"^Cohort \d+ of this search would be proposed differently now.*--name"):
        make_loop(tmp_path / "one", ScriptedExecutor(), trials=20, **other)


def test_a_search_goes_on_in_another_folder(tmp_path):
    whole, _ = run(tmp_path / "one", 4, 1, trials=5)
    shutil.move(tmp_path / "one", tmp_path / "other")
    assert make_loop(tmp_path / "other", ScriptedExecutor(), trials=5).course.finished == whole.finished
