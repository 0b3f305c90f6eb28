"""What Optuna's own tools read in `study.db`, the Optuna Dashboard among them, is what was tried."""

import optuna
import pytest
from optuna.trial import TrialState
from search_fakes import ScriptedExecutor, failing, make_loop, scored, small_space

from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.journal import read_events
from autokeras_lite.search.proposer import Proposer
from autokeras_lite.trial import Cause, TrialStatus

_STATES = {
    TrialStatus.COMPLETED: TrialState.COMPLETE,
    TrialStatus.PRUNED: TrialState.PRUNED,
    TrialStatus.FAILED: TrialState.FAIL,
}


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """Return the folder of a search over two spaces in which trials completed, were pruned, and failed."""
    path = tmp_path_factory.mktemp("searched")
    executor = ScriptedExecutor(
        script=lambda spec: failing(spec) if spec.number % 5 == 0 else scored(spec),
        rung_score=lambda spec: 0.9 if spec.number % 5 == 0 else 0.5 + 0.3 / spec.number,
    )
    spaces = (small_space(name="first"), small_space(name="second"))
    loop = make_loop(path, executor, trials=20, spaces=spaces, proposer=Proposer)
    loop.run()
    loop.course.proposer.close()
    return SearchFolder(path), loop.course.finished


def studies(folder: SearchFolder) -> dict[str, optuna.Study]:
    storage = f"sqlite:///{folder.database}"
    return {name: optuna.load_study(study_name=name, storage=storage) for name in optuna.get_all_study_names(storage)}


def test_there_is_a_study_for_every_space(searched):
    folder, finished = searched
    assert set(studies(folder)) == {spec.space for spec, _ in finished} == {"first", "second"}


def test_every_trial_is_in_the_study_of_its_space_with_its_state_and_value(searched):
    folder, finished = searched
    found = {t.user_attrs["trial"]: (name, t) for name, study in studies(folder).items() for t in study.trials}
    assert set(found) == {spec.number for spec, _ in finished}
    for spec, outcome in finished:
        name, trial = found[spec.number]
        assert (name, trial.state) == (spec.space, _STATES[outcome.status])
        assert trial.user_attrs["cause"] == outcome.cause
        if outcome.status is TrialStatus.COMPLETED:
            assert trial.value == outcome.score
    assert {outcome.status for _, outcome in finished} == set(TrialStatus)


def test_parameters_are_those_that_the_journal_recorded(searched):
    folder, _ = searched
    begun = [event["trials"] for event in read_events(folder.journal) if event["event"] == "begun"]
    recorded = {int(number): values for trials in begun for number, values in trials.items()}
    for study in studies(folder).values():
        for trial in study.trials:
            values = recorded[trial.user_attrs["trial"]]
            assert trial.params.items() <= values.items()
            assert {"depth", "width", "optimizer"} <= trial.params.keys()


def test_intermediate_values_are_the_scores_at_the_rungs(searched):
    folder, finished = searched
    rungs: dict[int, dict[int, float]] = {}
    for event in read_events(folder.journal):
        if event["event"] == "rung":
            for number, score in event["scores"].items():
                rungs.setdefault(int(number), {})[event["rung"]] = score
    found = {t.user_attrs["trial"]: t.intermediate_values for study in studies(folder).values() for t in study.trials}
    assert found == {spec.number: rungs.get(spec.number, {}) for spec, _ in finished}
    assert any(outcome.cause is Cause.PRUNED and found[outcome.number] for _, outcome in finished)


def test_optuna_finds_the_same_winner(searched):
    folder, finished = searched
    best = max((o for _, o in finished if o.status is TrialStatus.COMPLETED), key=lambda o: o.score)
    winners = {study.best_trial.user_attrs["trial"]: study.best_value for study in studies(folder).values()}
    assert winners[best.number] == max(winners.values()) == best.score
