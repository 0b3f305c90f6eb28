import json
from dataclasses import fields, replace
from pathlib import Path

import pytest
from search_fakes import SMALL

from autokeras_lite.config import Execution, as_search_config
from autokeras_lite.errors import ConfigError
from autokeras_lite.search.request import SearchRequest, check_same, path_of
from autokeras_lite.spaces.listing import shipped_names

# Another value for every option that shapes a search, and how the difference is told.
OTHER = {
    "task": ("binary", "goal.task: None became binary"),
    "metric": ("f1", "goal.metric: None became f1"),
    "class_weight": ("balanced", "goal.class_weight: None became balanced"),
    "space": ("dense_stack", r"strategy.spaces: \['tabular_mlp'\] became \['dense_stack'\]"),
    "seed": (1, "strategy.seed: 0 became 1"),
    "sampler": ("qmc", "strategy.sampler: tpe became qmc"),
    "validation": (3, "validation.kind: auto became folds"),
    "group": ("person", "columns.group: None became person"),
    "time_column": ("day", "columns.time: None became day"),
    "weight": ("w", "columns.weight: None became w"),
    "tracking_uri": ("http://there", "place.tracking_uri: None became http://there"),
}
BUDGET = {
    "trials": (4, "budget.trials: 3 became 4"),
    "time_limit": ("2m", "budget.seconds: None became 120.0"),
}
WHERE = {
    "executor": ("inline", "execution.executor: process became inline"),
    "workers": (2, "execution.workers: None became 2"),
    "threads": (2, "execution.threads: None became 2"),
    "memory_limit": ("2g", f"execution.memory_bytes: None became {2 * 2**30}"),
    "trial_time_limit": ("1m", "execution.trial_seconds: None became 60.0"),
    "gpu_memory": (0.5, "execution.gpu_memory: None became 0.5"),
}


def asked(data="data.csv", test=None, fingerprint="abc", **options) -> SearchRequest:
    given = {"name": "first", "space": "tabular_mlp", "trials": 3} | options
    return SearchRequest.of(as_search_config(given, name="x", targets=("y",)), fingerprint, data=data, test=test)


def refused(earlier: SearchRequest, now: SearchRequest, *, extend: bool = False) -> str:
    with pytest.raises(ConfigError) as caught:
        check_same(earlier, now, extend=extend)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "options", [{}, {"time_limit": "5m", "validation": 5, "space": list(shipped_names()), "workers": 2}]
)
def test_what_was_asked_comes_back_from_json_as_it_was(options):
    request = asked(test="test.csv", **options)
    again = SearchRequest.from_json(json.loads(json.dumps(request.to_json())))
    assert again == request
    assert check_same(again, request, extend=False) == ()


def test_every_search_has_a_name_of_its_own_for_ever():
    assert asked().uid != asked().uid


def test_every_option_is_told_as_one_of_three_kinds():
    kinds = {"execution": len(WHERE), "budget": len(BUDGET)}
    config = asked().config
    assert {part: len(config[part]) for part in kinds} == kinds
    assert len(fields(Execution)) == len(WHERE)


@pytest.mark.parametrize("option", OTHER)
def test_another_setting_is_refused_by_its_name_even_with_more_budget(option):
    value, told = OTHER[option]
    for extend in (False, True):
        message = refused(asked(), asked(**{option: value}), extend=extend)
        assert message.startswith("A search named 'first' was made with other settings (")
        assert told.replace("\\", "") in message
        assert message.endswith("Begin a new search with another --name.")
    assert len(message) < 350


def test_every_setting_that_differs_is_named():
    message = refused(asked(), asked(metric="f1", seed=3, trials=9))
    assert "goal.metric: None became f1; strategy.seed: 0 became 3; budget.trials: 3 became 9" in message


@pytest.mark.parametrize("option", BUDGET)
def test_another_budget_needs_to_be_asked_for(option):
    value, told = BUDGET[option]
    now = asked(**{option: value})
    message = refused(asked(), now)
    assert told in message
    assert message.endswith("another --name, or give this one more budget with --extend.")
    (note,) = check_same(asked(), now, extend=True)
    assert told in note
    assert asked().has_budget_of(asked())
    assert not asked().has_budget_of(now)


@pytest.mark.parametrize("option", WHERE)
def test_where_a_search_runs_may_change_and_is_told(option):
    value, told = WHERE[option]
    (note,) = check_same(asked(), asked(**{option: value}), extend=False)
    assert told in note


def test_other_data_are_refused_and_moved_ones_are_not():
    assert "the data changed" in refused(asked(), asked(fingerprint="other"))
    assert check_same(asked(data="here.csv"), asked(data="/elsewhere/there.parquet"), extend=False) == ()


def test_the_same_folder_may_be_named_in_another_way(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert check_same(asked(runs_dir="runs"), asked(runs_dir=str(tmp_path / "runs")), extend=False) == ()


@pytest.mark.parametrize("option", ["space", "validation"])
def test_a_file_that_changed_is_noticed_and_one_that_is_named_otherwise_is_not(option, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "file.toml"
    file.write_bytes(SMALL)
    earlier = asked(**{option: str(file)})
    assert check_same(earlier, asked(**{option: "file.toml"}), extend=False) == ()
    file.write_bytes(SMALL + b"# more\n")
    assert f"the content of {file} changed" in refused(earlier, asked(**{option: file}), extend=True)


def test_a_shipped_space_of_another_version_is_noticed():
    earlier = asked()
    changed = replace(earlier, content={"tabular_mlp": "0" * 64})
    assert "the content of tabular_mlp changed" in refused(changed, asked())


def test_a_validation_file_that_is_missing_is_left_to_whoever_reads_it(tmp_path):
    asked(validation=str(tmp_path / "missing.csv"))


def test_other_versions_are_told_and_not_refused():
    earlier = replace(asked(), versions={**asked().versions, "keras": "3.0.0"})
    (note,) = check_same(earlier, asked(), extend=False)
    assert "keras: 3.0.0 became" in note


def test_paths_hold_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    request = asked(data="data.csv", test=Path("~/test.csv"))
    assert request.data == str(tmp_path / "data.csv")
    assert Path(request.test).is_absolute()
    assert path_of(None) is path_of((1, 2)) is None


def test_a_password_is_never_written_and_is_asked_for_again():
    request = asked(tracking_uri="http://ann:geheim@there:5000")
    assert "geheim" not in json.dumps(request.to_json())
    with pytest.raises(ConfigError, match=r"has a password, which is not kept.*with its --tracking-uri") as caught:
        request.to_config(Path("/runs/first"))
    assert "geheim" not in str(caught.value)
    assert check_same(request, asked(tracking_uri="http://ann:geheim@there:5000"), extend=False) == ()
    assert "geheim" not in refused(asked(), request)


def test_a_search_is_asked_for_again_where_its_folder_lies_now():
    config = asked(workers=2, validation=5).to_config(Path("/elsewhere/runs/second"))
    assert config.place.folder == Path("/elsewhere/runs/second")
    assert (config.execution.workers, config.validation.folds, config.budget.trials) == (2, 5, 3)
    assert config.columns.targets == ("y",)
