from collections import Counter

import pytest
from search_fakes import CONVOLUTIONS, LOSS_TASK, SMALL, SMALL_SIZE, TASK, open_study, small_space

from autokeras_lite.errors import SpaceError
from autokeras_lite.search.proposer import Proposer
from autokeras_lite.search.samplers import SAMPLERS
from autokeras_lite.trial import Cause, TrialOutcome


def proposer_of(folder, *spaces, task=TASK, sampler="random"):
    return Proposer([open_study(space, folder, task=task, sampler=sampler) for space in spaces], task)


def learned(proposer, cohort, score=0.5):
    for number, proposal in enumerate(cohort, start=1):
        proposer.learn(proposal, number, TrialOutcome(number, Cause.OK, score=score))
    return cohort


def exhausted(proposer, num_lanes):
    cohorts = []
    while cohort := proposer.propose(num_lanes):
        cohorts.append(learned(proposer, cohort))
    return cohorts


def test_the_first_trial_is_the_default(tmp_path):
    space = small_space()
    (first, *_) = proposer_of(tmp_path, space).propose(1)
    assert first.values == space.defaults()
    assert first.origin == "default"


def test_the_portfolio_comes_before_anything_is_sampled(tmp_path):
    space = small_space()
    proposer = proposer_of(tmp_path, space)
    cohorts = [proposer.propose(1) for _ in space.starts()]
    assert [cohort[0].values for cohort in cohorts] == list(space.starts())
    assert [cohort[0].origin for cohort in cohorts] == ["default", "portfolio", "portfolio", "portfolio"]
    assert proposer.propose(1)[0].origin == "random"


def test_the_portfolios_of_several_spaces_come_in_turn(tmp_path):
    proposer = proposer_of(tmp_path, small_space(name="one"), small_space(name="other"))
    names = [proposer.propose(1)[0].space.name for _ in range(6)]
    assert names == ["one", "other"] * 3


def test_ready_configurations_of_one_structure_train_together(tmp_path):
    space = small_space()
    cohort = proposer_of(tmp_path, space).propose(2)
    assert [proposal.origin for proposal in cohort] == ["default", "portfolio"]
    assert cohort[1].values["dropout"] == 0.4


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_cohort_has_one_structure_and_as_many_trials_as_were_asked_for(sampler, tmp_path):
    space = small_space()
    study = open_study(space, tmp_path, sampler=sampler)
    proposer = Proposer([study], TASK)
    for lanes in (5, 3, 4, 2, 4):
        cohort = learned(proposer, proposer.propose(lanes))
        assert len(cohort) == lanes
        assert len({study.structure(proposal.values) for proposal in cohort}) == 1


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("num_lanes", [1, 2, 5])
def test_no_configuration_comes_twice_and_an_exhausted_space_ends(num_lanes, sampler, tmp_path):
    proposer = proposer_of(tmp_path, small_space(SMALL, "small"), sampler=sampler)
    cohorts = exhausted(proposer, num_lanes)
    values = [tuple(sorted(proposal.values.items())) for cohort in cohorts for proposal in cohort]
    assert len(values) == len(set(values)) == SMALL_SIZE
    assert proposer.is_exhausted


def test_an_exhausted_space_leaves_its_share_to_the_other(tmp_path):
    proposer = proposer_of(tmp_path, small_space(SMALL, "small"), small_space())
    names = [learned(proposer, proposer.propose(1))[0].space.name for _ in range(40)]
    assert Counter(names)["small"] <= SMALL_SIZE
    assert len(names) == 40
    assert not proposer.is_exhausted


def test_a_structure_without_lanes_comes_alone(tmp_path):
    proposer = proposer_of(tmp_path, small_space(CONVOLUTIONS, "convolutions"))
    assert [len(learned(proposer, proposer.propose(8))) for _ in range(3)] == [1, 1, 1]


@pytest.mark.parametrize(("task", "better"), [(TASK, 0.9), (LOSS_TASK, 0.1)])
def test_most_turns_go_to_the_better_space_whose_portfolio_and_samples_go_on_meanwhile(task, better, tmp_path):
    proposer = proposer_of(tmp_path, small_space(name="worse"), small_space(name="better"), task=task)
    taken = []
    for number in range(16):
        cohort = proposer.propose(1)
        taken.append((cohort[0].space.name, cohort[0].origin))
        shift = 0.01 * (number % 3)
        learned(proposer, cohort, better - shift if taken[-1][0] == "better" else 0.5 - shift)
    assert [name for name, _ in taken[:2]] == ["worse", "better"]
    assert Counter(name for name, _ in taken)["better"] > 12
    assert ("better", "random") in taken


def test_what_cannot_be_built_here_is_passed_over_and_costs_no_trial(tmp_path):
    def refuse(proposal):
        raise SpaceError("slot 'conv' takes pictures.")

    study = open_study(small_space(), tmp_path, task=TASK, sampler="random")
    proposer = Proposer([study], TASK, refuse)
    assert proposer.propose(4) == ()
    assert proposer.is_exhausted
    assert "slot 'conv'" in proposer.last_misfit


def test_a_space_that_seldom_fits_is_not_given_up(tmp_path):
    def refuse_most(proposal):
        if proposal.values["depth"] != 2:
            raise SpaceError("slot 'conv' takes pictures.")

    proposer = Proposer([open_study(small_space(), tmp_path)], TASK, refuse_most)
    cohorts = [proposer.propose(1) for _ in range(60)]
    assert all(len(cohort) == 1 and cohort[0].values["depth"] == 2 for cohort in cohorts)
