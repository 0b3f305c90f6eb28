import math

import optuna
import pytest
from optuna.trial import TrialState
from search_fakes import LOSS_TASK, SMALL, SMALL_SIZE, open_study, small_space

from autokeras_lite.search.samplers import GRID_POINTS, SAMPLERS, GridSuggester
from autokeras_lite.spaces.listing import shipped_names
from autokeras_lite.spaces.load import load_space
from autokeras_lite.trial import Cause, TrialOutcome

OK = TrialOutcome(1, Cause.OK, score=0.5)


class OneTrial:
    """Remembers what was offered and takes the first of it."""

    def __init__(self) -> None:
        self.offered: tuple = ()

    def suggest_categorical(self, name, choices):
        self.offered = tuple(choices)
        return choices[0]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_sampler_proposes_new_configurations_inside_the_space(sampler, tmp_path):
    study = open_study(small_space(), tmp_path, sampler=sampler)
    seen = []
    for number in range(20):
        proposal = study.propose()
        assert proposal.space.contains(proposal.values)
        assert proposal.values not in seen
        assert proposal.origin == sampler
        seen.append(proposal.values)
        study.tell(proposal, number, TrialOutcome(number, Cause.OK, score=number / 20))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_variant_has_the_same_structure_and_another_recipe(sampler, tmp_path):
    study = open_study(small_space(), tmp_path, sampler=sampler)
    first = study.propose()
    variants = [study.variant(first) for _ in range(4)]
    assert {study.structure(variant.values) for variant in variants} == {study.structure(first.values)}
    assert len({tuple(sorted(p.values.items())) for p in (first, *variants)}) == 5


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_same_seed_proposes_the_same_and_another_seed_something_else(sampler, tmp_path):
    def proposals(seed: int, run: int) -> list:
        (tmp_path / str(run)).mkdir()
        study = open_study(small_space(), tmp_path / str(run), sampler=sampler, seed=seed)
        found = []
        for number in range(15):
            proposal = study.propose()
            found.append(proposal.values)
            study.tell(proposal, number, TrialOutcome(number, Cause.OK, score=proposal.values["dropout"]))
        return found

    first = proposals(0, 1)
    assert first == proposals(0, 2)
    assert first != proposals(1, 3)


def test_two_spaces_draw_from_streams_of_their_own(tmp_path):
    one, other = (open_study(small_space(name=name), tmp_path) for name in ("one", "other"))
    assert [one.propose().values for _ in range(3)] != [other.propose().values for _ in range(3)]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_sampler_goes_on_after_failed_and_pruned_and_open_trials(sampler, tmp_path):
    study = open_study(small_space(), tmp_path, sampler=sampler)
    endings = [
        TrialOutcome(1, Cause.EXCEPTION),
        TrialOutcome(2, Cause.DIVERGED),
        TrialOutcome(3, Cause.PRUNED, score=0.1),
        TrialOutcome(4, Cause.CANCELLED, score=0.1),
        OK,
    ]
    for number in range(25):
        proposal = study.propose()
        if number % 6 == 5:
            continue  # this one goes on training
        outcome = endings[number % 5]
        if outcome.cause is Cause.PRUNED:
            study.report(proposal.ticket, 0, 0.1)
        study.tell(proposal, number, outcome)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_trial_stands_in_the_file_for_anyone_to_read(sampler, tmp_path):
    study = open_study(small_space(), tmp_path, sampler=sampler)
    endings = [
        (OK, TrialState.COMPLETE),
        (TrialOutcome(2, Cause.PRUNED, score=0.25), TrialState.PRUNED),
        (TrialOutcome(3, Cause.DIVERGED), TrialState.FAIL),
        (TrialOutcome(4, Cause.CANCELLED, score=0.75), TrialState.COMPLETE),
    ]
    proposals = []
    for number, (outcome, _) in enumerate(endings, start=1):
        proposals.append(study.propose(origin="portfolio" if number == 1 else None))
        if outcome.cause is Cause.PRUNED:
            study.report(proposals[-1].ticket, 0, 0.125)
        study.tell(proposals[-1], number, outcome)
    study.close()
    read = optuna.load_study(study_name="wide", storage=f"sqlite:///{tmp_path / 'study.db'}").get_trials()
    assert [trial.state for trial in read] == [state for _, state in endings]
    for number, (trial, proposal) in enumerate(zip(read, proposals, strict=True), start=1):
        assert trial.user_attrs == {
            "trial": number,
            "cause": str(endings[number - 1][0].cause),
            "origin": "portfolio" if number == 1 else sampler,
        }
        assert trial.params == {name: proposal.values[name] for name in trial.params}
        assert trial.params.keys() == proposal.values.keys() - {"epochs"}
    assert read[0].value == 0.5
    assert read[1].intermediate_values == {0: 0.125}
    assert read[3].value == 0.75


def test_the_direction_of_the_task_is_that_of_the_study(tmp_path):
    open_study(small_space(), tmp_path, task=LOSS_TASK).close()
    study = optuna.load_study(study_name="wide", storage=f"sqlite:///{tmp_path / 'study.db'}")
    assert study.direction == optuna.study.StudyDirection.MINIMIZE


def test_what_is_asked_for_by_its_values_is_proposed_with_them(tmp_path):
    space = small_space()
    study = open_study(space, tmp_path)
    for start in space.starts():
        assert study.propose(start, origin="portfolio").values == start
    assert study.propose(space.starts()[0]) is None


@pytest.mark.parametrize("told", [True, False], ids=["one after the other", "all at once"])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_small_space_is_tried_to_its_end_and_no_further(sampler, told, tmp_path):
    space = small_space(SMALL, "small")
    assert space.size() == SMALL_SIZE
    study = open_study(space, tmp_path, sampler=sampler)
    found = []
    while (proposal := study.propose()) is not None:
        found.append(tuple(sorted(proposal.values.items())))
        if told:
            study.tell(proposal, len(found), OK)
    assert len(found) == len(set(found)) == SMALL_SIZE


def test_the_grid_visits_every_point_of_ranges_once(tmp_path):
    content = b"""
family = "tabular_mlp"
summary = "Ranges"
accepts = ["table"]
[parameters]
depth = { type = "int", low = 1, high = 3, default = 2 }
weight_decay = { type = "float", low = 1e-4, high = 1e-1, default = 1e-3, log = true }
"""
    study = open_study(small_space(content, "ranges"), tmp_path, sampler="grid")
    found = set()
    while (proposal := study.propose()) is not None:
        study.tell(proposal, 1, OK)
        found.add((proposal.values["depth"], proposal.values["weight_decay"]))
    assert found == {(depth, decay) for depth in (1, 2, 3) for decay in (1e-4, 1e-3, 1e-2, 1e-1)}


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_space_can_be_sampled_from_its_starts_on(name, sampler, tmp_path):
    space = load_space(name)
    study = open_study(space, tmp_path, sampler=sampler)
    for start in space.starts():
        proposal = study.propose(start, origin="portfolio")
        assert proposal.values == start
        study.tell(proposal, 1, OK)
    proposal = study.propose()
    variant = study.variant(proposal)
    assert space.contains(proposal.values)
    assert space.contains(variant.values)
    assert study.structure(variant.values) == study.structure(proposal.values)


@pytest.mark.parametrize(
    ("low", "high", "log", "offered"),
    [(1, 10, False, (1, 4, 7, 10)), (1, 3, False, (1, 2, 3)), (8, 64, True, (8, 16, 32, 64)), (5, 5, False, (5,))],
)
def test_the_grid_of_whole_numbers_is_spaced_evenly(low, high, log, offered):
    trial = OneTrial()
    GridSuggester(trial).suggest_int("x", low, high, log=log)
    assert trial.offered == offered


def test_the_grid_of_whole_numbers_keeps_the_steps():
    trial = OneTrial()
    GridSuggester(trial).suggest_int("x", 32, 512, step=32)
    assert trial.offered == (32, 192, 352, 512)


@pytest.mark.parametrize(
    ("low", "high", "step", "log", "offered"),
    [
        (0.0, 0.3, None, False, (0.0, 0.1, 0.2, 0.3)),
        (1e-4, 1e-1, None, True, (1e-4, 1e-3, 1e-2, 1e-1)),
        (0.0, 0.5, 0.1, False, (0.0, 0.2, 0.3, 0.5)),
        (0.2, 0.2, None, False, (0.2,)),
    ],
)
def test_the_grid_of_numbers_is_spaced_evenly(low, high, step, log, offered):
    trial = OneTrial()
    GridSuggester(trial).suggest_float("x", low, high, step=step, log=log)
    assert trial.offered == pytest.approx(offered)
    assert len(trial.offered) == len(offered)


def test_the_ends_of_a_grid_are_not_rounded_out_of_the_range():
    trial = OneTrial()
    low, high = math.pi / 10, math.pi
    GridSuggester(trial).suggest_float("x", low, high)
    assert len(trial.offered) == GRID_POINTS
    assert all(low <= value <= high for value in trial.offered)


def test_ready_configurations_lie_on_the_grid():
    trial = OneTrial()
    GridSuggester(trial, [{"x": 0.17}, {"y": 5.0}, {"x": 0.3}]).suggest_float("x", 0.0, 0.3)
    assert trial.offered == (0.0, 0.1, 0.17, 0.2, 0.3)
