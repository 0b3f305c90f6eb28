import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autokeras_lite.config import (
    DEFAULT_RUNS_DIR,
    DEFAULT_SECONDS,
    EXECUTORS,
    SAMPLERS,
    Budget,
    ColumnRoles,
    Execution,
    Goal,
    Place,
    SearchConfig,
    SearchOptions,
    Strategy,
    Validation,
    as_search_config,
    parse_duration,
    parse_size,
)
from autokeras_lite.errors import ConfigError

EVERY_OPTION: SearchOptions = {
    "task": "binary",
    "metric": "roc_auc",
    "space": ["tabular_mlp", "mine.toml"],
    "trials": 7,
    "time_limit": "5m",
    "workers": 2,
    "threads": 4,
    "memory_limit": "2g",
    "trial_time_limit": "30s",
    "gpu_memory": 0.5,
    "seed": 3,
    "name": "first",
    "runs_dir": "runs",
    "tracking_uri": "sqlite:///x.db",
    "tensorboard": "/boards",
    "report": "off",
    "validation": "0.3",
    "group": "person",
    "time_column": "day",
    "weight": "w",
    "class_weight": "balanced",
    "sampler": "qmc",
    "ensemble": "4",
    "refit": "off",
    "executor": "inline",
    "test": "test.csv",
    "extend": True,
}


def config_of(**options):
    return as_search_config(options, name="data", targets=("y",))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("10m", 600),
        ("1h", 3600),
        ("2d", 172800),
        ("45", 45),
        (" 1.5 m ", 90),
        (".5h", 1800),
        (30, 30),
        (0.5, 0.5),
    ],
)
def test_a_duration_is_a_number_with_a_unit_or_seconds(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "5 minutes", "1h30m", "-3s", "0", "0s", "nan", "inf", "9" * 400 + "d", True])
def test_what_is_no_positive_duration_is_refused(text):
    with pytest.raises(ConfigError, match=r"Expected a positive duration. Write it like 90s, 10m or 1h"):
        parse_duration(text)


@given(st.integers(1, 10**6), st.sampled_from("smhd"))
def test_a_longer_text_means_a_longer_time(number, unit):
    assert parse_duration(f"{number + 1}{unit}") > parse_duration(f"{number}{unit}") > 0


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64m", 64 * 2**20),
        ("800m", 800 * 2**20),
        ("2g", 2 * 2**30),
        ("1.5GB", 3 * 2**29),
        (" 2 GiB ", 2 * 2**30),
        ("1t", 2**40),
        ("131072k", 128 * 2**20),
        (10**9, 10**9),
        ("1000000000", 10**9),
    ],
)
def test_a_size_is_a_number_with_a_unit_or_bytes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "g", "2 gigs", "-1g", "0", "63m", "100k", 5, "nan", "inf", "9" * 400 + "t", True])
def test_what_is_no_size_or_too_small_for_any_trial_is_refused(text):
    with pytest.raises(ConfigError, match=r"Memory limit .* was given. Expected a size from 64m up. Write it like"):
        parse_size(text)


@given(st.integers(64, 10**4), st.sampled_from("mgt"))
def test_a_larger_text_means_a_larger_size(number, unit):
    assert parse_size(f"{number + 1}{unit}") > parse_size(f"{number}{unit}") > 0


@pytest.mark.parametrize("value", [0, -0.5, 1.01, float("nan"), float("inf")])
def test_a_share_of_the_gpu_lies_between_nothing_and_all(value):
    assert Execution(gpu_memory=1).gpu_memory == 1
    with pytest.raises(ConfigError, match=r"GPU memory .* was given. Expected a fraction above 0 and up to 1"):
        Execution(gpu_memory=value)


@pytest.mark.parametrize(
    ("given_value", "expected"),
    [
        (None, Validation(kind="auto")),
        ("auto", Validation(kind="auto")),
        (Path("auto"), Validation(kind="file", path="auto")),
        ("0.25", Validation(fraction=0.25)),
        (0.25, Validation(fraction=0.25)),
        (np.float64(0.25), Validation(fraction=0.25)),
        ("5", Validation(kind="folds", folds=5)),
        (np.int64(5), Validation(kind="folds", folds=5)),
        ("5x3", Validation(kind="folds", folds=5, repeats=3)),
        ("2x1", Validation(kind="folds", folds=2)),
        ("10x99", Validation(kind="folds", folds=10, repeats=99)),
        ("5x3.csv", Validation(kind="file", path="5x3.csv")),
        (Path("5x3"), Validation(kind="file", path="5x3")),
        ("held_out.csv", Validation(kind="file", path="held_out.csv")),
        (Path("held_out.csv"), Validation(kind="file", path="held_out.csv")),
        (Path("5"), Validation(kind="file", path="5")),
    ],
)
def test_validation_is_a_fraction_or_folds_or_a_file(given_value, expected):
    assert Validation.parse(given_value) == expected


@pytest.mark.parametrize("value", [0, 1, 1.0, -0.2, 2.5, "nan", "inf", "1e400", True, "1x3", "5x0", "0x0"])
def test_a_number_that_is_neither_fraction_nor_folds_is_refused(value):
    with pytest.raises(
        ConfigError, match=r"Expected a fraction between 0 and 1, a number of folds from 2 up, or a file"
    ):
        Validation.parse(value)


def test_validation_rows_that_are_no_file_are_refused_by_their_type():
    with pytest.raises(ConfigError, match=r"Validation of type ndarray was given.*Write the rows to a file"):
        Validation.parse(np.zeros(3))


def test_without_any_budget_a_search_has_ten_minutes():
    assert Budget().seconds == DEFAULT_SECONDS
    assert Budget(trials=5).seconds is None


@pytest.mark.parametrize("value", [0, -1, 2.5, "5", True, 2**31, None])
def test_a_count_that_is_no_whole_number_in_range_is_refused(value):
    if value is not None:
        with pytest.raises(ConfigError, match=r"Trials .* was given. Expected a whole number from 1"):
            Budget(trials=value)
        with pytest.raises(ConfigError, match=r"Workers .* was given. Expected a whole number from 1"):
            Execution(workers=value)
        with pytest.raises(ConfigError, match=r"Threads .* was given. Expected a whole number from 1"):
            Execution(threads=value)
    if value != 0:
        with pytest.raises(ConfigError, match=r"Seed .* was given. Expected a whole number from 0"):
            Strategy(seed=value)


def test_a_whole_number_of_numpy_becomes_a_plain_one():
    config = config_of(trials=np.int64(5), seed=np.int32(7), workers=np.uint8(2), threads=np.int16(3))
    assert json.loads(json.dumps(config.to_json()))["budget"]["trials"] == 5
    assert type(config.strategy.seed) is type(config.execution.workers) is type(config.execution.threads) is int


def test_every_option_arrives_where_it_is_used():
    assert set(EVERY_OPTION) == set(SearchOptions.__annotations__)
    config = config_of(**EVERY_OPTION)
    assert config.place == Place("first", "runs", "sqlite:///x.db", "/boards", report=False)
    assert config.columns == ColumnRoles(("y",), "person", "day", "w")
    assert config.goal == Goal("binary", "roc_auc", "balanced")
    assert config.budget == Budget(7, 300.0)
    assert config.validation == Validation(fraction=0.3)
    assert config.strategy == Strategy(("tabular_mlp", "mine.toml"), "qmc", 3, ensemble=4, refit=False)
    assert config.execution == Execution("inline", 2, 4, 2 * 2**30, 30.0, 0.5)


@pytest.mark.parametrize(("given", "most"), [("off", 0), ("1", 1), (12, 12)])
def test_an_ensemble_is_off_or_has_a_most(given, most):
    assert config_of(ensemble=given).strategy.ensemble == most


@pytest.mark.parametrize(
    "options", [{"ensemble": "some"}, {"ensemble": -1}, {"ensemble": True}, {"refit": "no"}, {"report": "no"}]
)
def test_another_ensemble_refit_or_report_is_refused(options):
    with pytest.raises(ConfigError):
        config_of(**options)


def test_no_option_means_every_default():
    config = config_of()
    assert config.place == Place("data", DEFAULT_RUNS_DIR)
    assert (config.goal, config.strategy, config.execution) == (Goal(), Strategy(), Execution())
    assert config.budget == Budget(None, DEFAULT_SECONDS)


@pytest.mark.parametrize(
    "options", [{}, EVERY_OPTION, {"validation": 5}, {"validation": "5x3"}, {"validation": "rows.csv"}]
)
def test_a_config_comes_back_from_json_as_it_was(options):
    config = config_of(**options)
    assert SearchConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize(
    ("space", "spaces"),
    [
        (None, ()),
        ("one", ("one",)),
        (Path("a/one.toml"), ("a/one.toml",)),
        (["one", Path("two.toml")], ("one", "two.toml")),
        ((), ()),
    ],
)
def test_spaces_are_given_as_one_name_or_path_or_several(space, spaces):
    assert config_of(space=space).strategy.spaces == spaces


def test_an_unknown_option_is_refused_with_the_nearest_known_one():
    with pytest.raises(ConfigError, match=r"Option 'time_limt' was given.*Did you mean 'time_limit'"):
        config_of(time_limt="5m")


def test_an_unknown_option_that_is_near_to_none_is_refused_with_all_of_them():
    with pytest.raises(ConfigError, match=r"Option 'zzz' was given. Expected one of task, metric, space"):
        config_of(zzz=1)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("sampler", "tpee", "Sampler 'tpee' was given.*Did you mean 'tpe'.*--sampler"),
        ("sampler", "cmaes", f"Expected one of {', '.join(SAMPLERS)}"),
        ("executor", "proces", "Did you mean 'process'.*--executor"),
        ("executor", "ray", f"Expected one of {', '.join(EXECUTORS)}"),
        ("class_weight", "balance", "Did you mean 'balanced'.*--class-weight"),
        ("class_weight", "x", "Expected one of balanced"),
        ("time_limit", "soon", "Expected a positive duration"),
        ("trial_time_limit", "soon", "Expected a positive duration"),
        ("memory_limit", "much", "Expected a size"),
    ],
)
def test_a_wrong_word_is_refused_in_one_line(option, value, message):
    with pytest.raises(ConfigError, match=message) as caught:
        config_of(**{option: value})
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) <= 250


@pytest.mark.parametrize("name", ["adult", "a", "A-1_b.c", "x" * 64])
def test_a_plain_name_is_taken(name):
    assert config_of(name=name).place.name == name


@pytest.mark.parametrize("name", [".hidden", "a/b", "../up", "a..b", "-x", "ä", "a b", "x" * 65, "a\n"])
def test_a_name_that_could_leave_the_runs_folder_is_refused(name):
    with pytest.raises(ConfigError, match=r"Name .* was given.*Choose another --name"):
        config_of(name=name)


def test_the_folder_of_a_search_is_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert Place("one", "runs").folder == tmp_path / "runs" / "one"
    assert Place("one", "~/runs").folder == tmp_path / "home" / "runs" / "one"


def test_targets_groups_and_weights_are_no_inputs_but_the_time_column_may_be_one():
    assert ColumnRoles(("y", "z"), "g", "t", "w").reserved == ("y", "z", "g", "w")
    assert ColumnRoles(("y",)).reserved == ("y",)
