"""Decide which registered model of a name is its champion, and which one challenges it."""

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from autokeras_lite.tracking import names

_MISSING = "RESOURCE_DOES_NOT_EXIST"
_TASK = names.SEARCH_PREFIX + "task"


def give_alias(client: MlflowClient, name: str, version: str, run_id: str) -> None:
    """Make a version that the search in `run_id` has made the champion of its name, or the challenger.

    It challenges a champion that another search has made from the same data, for the same task and metric, with a
    score that is as good or better: corrected scores are compared where both searches have one. In every other case
    it is the champion, and nothing challenges it any more.

    Raises:
        MlflowException: the store cannot be reached.
    """
    aliases = client.get_registered_model(name).aliases
    champion = aliases.get(names.CHAMPION)
    if champion is not None and str(champion) != version and not _takes_over(client, name, str(champion), run_id):
        client.set_registered_model_alias(name, names.CHALLENGER, version)
        return
    client.set_registered_model_alias(name, names.CHAMPION, version)
    if names.CHALLENGER in aliases:
        client.delete_registered_model_alias(name, names.CHALLENGER)


def _takes_over(client: MlflowClient, name: str, champion: str, run_id: str) -> bool:
    try:
        its_run_id = client.get_model_version(name, champion).run_id
        theirs = client.get_run(its_run_id) if its_run_id else None
    except MlflowException as error:
        if error.error_code != _MISSING:
            raise
        theirs = None  # somebody has deleted it
    if theirs is None or theirs.info.run_id == run_id:
        return True
    ours = client.get_run(run_id)
    return _question(ours) is None or _question(ours) != _question(theirs) or _beats(ours, theirs)


def _question(run: Run) -> tuple[str | None, ...] | None:
    """Return what a search was asked: its data, metric and task; `None` where the record does not say."""
    fingerprint = run.data.tags.get(names.TAG_FINGERPRINT)
    if fingerprint is None:
        return None
    return fingerprint, run.data.tags.get(names.TAG_METRIC), run.data.params.get(_TASK)


def _beats(ours: Run, theirs: Run) -> bool:
    is_corrected = names.CORRECTED_SCORE in ours.data.metrics and names.CORRECTED_SCORE in theirs.data.metrics
    key = names.CORRECTED_SCORE if is_corrected else names.SCORE
    mine, its = ours.data.metrics.get(key), theirs.data.metrics.get(key)
    if mine is None or its is None:
        return its is None
    return bool(mine < its if ours.data.tags.get(names.TAG_DIRECTION) == "minimize" else mine > its)
