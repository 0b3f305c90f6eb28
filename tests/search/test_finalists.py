"""Which trials are scored again, on what, and which of them wins."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_fakes import LOSS_TASK, TASK

from autokeras_lite.config import as_search_config
from autokeras_lite.data.arrays import EncodedData
from autokeras_lite.data.read import read_dataset
from autokeras_lite.search.finalists import (
    Rescoring,
    choose,
    fresh_folds,
    fresh_specs,
    num_judges,
    plan_finalists,
    plan_rescoring,
    structure_of,
)
from autokeras_lite.search.prepare import prepare
from autokeras_lite.trial import Cause, TrainingConfig, TrialOutcome, TrialSpec


def trial(number, score=None, *, folds=(), depth=2, parameters=10, **recipe):
    spec = TrialSpec(number, "space", "tabular_mlp", {"depth": depth, **recipe}, TrainingConfig(), number, "tpe")
    cause = Cause.EXCEPTION if score is None else Cause.OK
    return spec, TrialOutcome(number, cause, score, fold_scores=tuple(folds), parameters=parameters)


def numbers(trials):
    return [spec.number for spec, _ in trials]


def made_up(rows=120, **options):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=rows), "b": rng.choice(list("uvwxyz"), rows)})
    table.loc[:19, "b"] = [f"rare {row // 2}" for row in range(20)]
    table.loc[0, "a"] = np.nan  # the training rows of one fold do not know that one may be missing
    table = table.assign(g=np.arange(rows) // 3, t=np.arange(rows), y=["no", "yes"] * (rows // 2))
    config = as_search_config(options, name="made-up", targets=("y",))
    return prepare(read_dataset(table, config.columns, name="made-up"), config), config


# Who is scored again -----------------------------------------------------------------------------------------------


def test_trials_without_a_score_are_no_finalists():
    assert plan_finalists([trial(1), trial(2)], TASK) == ()
    assert numbers(plan_finalists([trial(1), trial(2, 0.5)], TASK)) == [2]


def test_there_are_at_least_two_even_if_the_second_is_far_behind():
    trials = [trial(1, 0.2, folds=(0.2, 0.2)), trial(2, 0.9, folds=(0.9, 0.9)), trial(3, 0.5, folds=(0.5, 0.5))]
    assert numbers(plan_finalists(trials, TASK)) == [2, 3]
    assert numbers(plan_finalists(trials, LOSS_TASK)) == [1, 3]


def test_after_folds_noise_is_the_error_of_the_paired_difference():
    leader = trial(1, 0.9, folds=(0.8, 0.9, 1.0, 0.85, 0.95))
    same_everywhere = trial(2, 0.89, folds=(0.79, 0.89, 0.99, 0.84, 0.94))  # a little worse on every fold
    better_on_some = trial(3, 0.88, folds=(0.9, 0.8, 1.0, 0.75, 0.95))
    second = trial(4, 0.899, folds=(0.9, 0.8, 1.0, 0.85, 0.945))
    assert numbers(plan_finalists([leader, same_everywhere, better_on_some, second], TASK)) == [1, 4, 3]


def test_after_one_split_half_way_to_the_middle_trial_is_noise():
    trials = [trial(n, score, depth=n) for n, score in enumerate((0.9, 0.86, 0.84, 0.8, 0.7, 0.6, 0.5), start=1)]
    assert numbers(plan_finalists(trials, TASK)) == [1, 2]  # the middle one has 0.8
    trials = [trial(n, score, depth=n) for n, score in enumerate((0.9, 0.86, 0.855, 0.8, 0.7, 0.6, 0.5), start=1)]
    assert numbers(plan_finalists(trials, TASK)) == [1, 2, 3]


def test_trials_of_other_structures_come_first_and_recipes_make_no_structure():
    same = [trial(n, 0.9 - n / 1000, dropout=n / 100) for n in range(1, 8)]
    other = trial(8, 0.89, depth=3)
    assert structure_of(same[0][0]) == structure_of(same[1][0]) != structure_of(other[0])
    worse = [trial(n, 0.5, depth=n) for n in range(9, 20)]
    chosen = plan_finalists([*same, other, *worse], TASK, most=3)
    assert numbers(chosen) == [1, 2, 8]


@settings(max_examples=60)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=30), st.integers(2, 6))
def test_the_leader_is_always_among_few_finalists_in_the_order_of_their_scores(scores, most):
    trials = [trial(n, score, depth=n % 4) for n, score in enumerate(scores, start=1)]
    chosen = plan_finalists(trials, TASK, most)
    assert 2 <= len(chosen) <= most
    assert chosen[0][1].score == max(scores)
    assert [outcome.score for _, outcome in chosen] == sorted((o.score for _, o in chosen), reverse=True)
    assert set(numbers(chosen)) <= set(numbers(trials))


# What they are scored on -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "options", "expected"),
    [
        (120, {}, Rescoring(folds=5)),
        (120, {"validation": 0.2}, Rescoring(folds=5)),
        (2_000, {}, Rescoring(folds=3)),
        (20_002, {}, Rescoring(seeds=2)),
        (120, {"time_column": "t"}, Rescoring(seeds=2)),
        (120, {"time_column": "t", "validation": 0.2}, Rescoring(folds=5)),
        (120, {"group": "g"}, Rescoring(folds=5)),
    ],
)
def test_few_rows_are_divided_anew_and_many_get_fresh_seeds(rows, options, expected):
    assert plan_rescoring(made_up(rows, **options)[0]) == expected


def test_a_validation_file_goes_on_judging(tmp_path):
    file = tmp_path / "judges.csv"
    file.write_text("a,b,g,t,y\n" + "0.5,u,1,1,no\n0.1,v,1,1,yes\n")
    prepared, _ = made_up(validation=str(file))
    assert plan_rescoring(prepared) == Rescoring(seeds=2)


@pytest.mark.parametrize(
    "options", [{}, {"validation": 0.2}, {"validation": 5}, {"group": "g"}, {"class_weight": "balanced"}]
)
def test_fresh_folds_are_others_of_the_same_rows_with_the_layout_of_the_search(tmp_path, options):
    prepared, config = made_up(**options)
    fresh = fresh_folds(prepared, config, prepared.task, folds=5, seed=0)
    assert fresh.inputs == prepared.data.inputs
    assert len(fresh.folds) == 5
    assert num_judges(fresh) == len(prepared.dataset)
    known = {np.asarray(fold.validation_rows).tobytes() for fold in prepared.data.folds}
    assert not known & {np.asarray(fold.validation_rows).tobytes() for fold in fresh.folds}
    groups = prepared.dataset.groups
    for fold in fresh.folds:
        assert {name: array.shape[1:] for name, array in fold.inputs.items()} == {
            a.name: a.shape for a in fresh.inputs.arrays
        }
        assert groups is None or not set(groups[fold.train_rows]) & set(groups[fold.validation_rows])
    fresh.write(tmp_path)
    assert EncodedData.open(tmp_path).inputs == prepared.data.inputs


def test_another_seed_divides_otherwise_and_the_same_one_does_not():
    prepared, config = made_up()
    folds = [fresh_folds(prepared, config, prepared.task, folds=3, seed=seed).folds[0] for seed in (0, 0, 1)]
    first, again, other = (fold.validation_rows.tolist() for fold in folds)
    assert first == again != other


def test_fresh_folds_are_fewer_where_the_groups_are_few():
    prepared, config = made_up(group="g")
    groups = np.arange(len(prepared.dataset)) % 3
    few = replace(prepared, dataset=replace(prepared.dataset, groups=groups))
    assert len(fresh_folds(few, config, few.task, folds=5, seed=0).folds) == 3


def test_fresh_seeds_differ_from_each_other_and_from_those_of_the_search():
    finalists = [trial(7, 0.9), trial(3, 0.8)]
    specs = fresh_specs(finalists, seeds=2, seed=0)
    flat = [spec for several in specs for spec in several]
    assert [spec.number for spec in flat] == [1, 2, 3, 4]
    assert len({spec.seed for spec in flat} | {7, 3}) == 6
    assert all(0 <= spec.seed < 2**31 for spec in flat)
    assert [spec.config for spec in specs[0]] == [finalists[0][0].config] * 2
    assert specs == fresh_specs(finalists, seeds=2, seed=0) != fresh_specs(finalists, seeds=2, seed=1)


# Who wins ----------------------------------------------------------------------------------------------------------


def test_scores_weigh_by_the_rows_that_gave_them():
    finalists = [trial(1, 0.9), trial(2, 0.8)]
    fresh = {1: 0.70, 2: 0.77}
    assert choose(finalists, fresh, TASK, search_rows=100, fresh_rows=100)[0].number == 1  # 0.8 against 0.785
    assert choose(finalists, fresh, TASK, search_rows=100, fresh_rows=500)[0].number == 2  # 0.733 against 0.775


def test_of_a_loss_the_least_wins():
    finalists = [trial(1, 0.5), trial(2, 0.6)]
    assert choose(finalists, {1: 0.7, 2: 0.5}, LOSS_TASK, search_rows=1, fresh_rows=1)[0].number == 2


def test_of_equal_ones_the_smaller_network_wins_and_then_the_earlier():
    finalists = [trial(1, 0.5, parameters=90), trial(3, 0.5, parameters=20), trial(2, 0.5, parameters=20)]
    assert choose(finalists, {1: 0.5, 2: 0.5, 3: 0.5}, TASK, search_rows=1, fresh_rows=1)[0].number == 2


def test_who_failed_cannot_win_and_who_was_not_scored_is_not_overtaken():
    finalists = [trial(1, 0.9), trial(2, 0.8)]
    assert choose(finalists, {1: math.nan, 2: 0.1}, TASK, search_rows=1, fresh_rows=1)[0].number == 2
    assert choose(finalists, {2: 0.99}, TASK, search_rows=1, fresh_rows=1)[0].number == 1
    assert choose(finalists, {1: 0.1}, TASK, search_rows=1, fresh_rows=1)[0].number == 1
    assert choose(finalists, {1: math.nan, 2: math.nan}, TASK, search_rows=1, fresh_rows=1)[0].number == 1
