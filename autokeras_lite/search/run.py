"""One search from its config to its record: every stage once, in the order in which the budget is spent."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from autokeras_lite.config import SearchConfig
from autokeras_lite.data.dataset import Dataset, InputKind
from autokeras_lite.errors import SpaceError
from autokeras_lite.execution.executor import Executor
from autokeras_lite.execution.work import predict_units
from autokeras_lite.models.check import check_fit, check_space
from autokeras_lite.models.registry import FAMILIES
from autokeras_lite.search.account import announce, close_account, close_broken_account, request_of, summarise
from autokeras_lite.search.baselines import Baseline, fit_baselines
from autokeras_lite.search.clock import Clock
from autokeras_lite.search.finish import finish
from autokeras_lite.search.folder import SearchFolder, claim_folder, write_json
from autokeras_lite.search.loop import Plan, SearchLoop, Surroundings
from autokeras_lite.search.observer import Observer
from autokeras_lite.search.prepare import Prepared, prepare, read_test_rows
from autokeras_lite.search.proposer import Proposer
from autokeras_lite.search.record import SearchSummary
from autokeras_lite.search.study import Proposal, SpaceStudy
from autokeras_lite.spaces.load import load_space
from autokeras_lite.spaces.space import SearchSpace
from autokeras_lite.tasks.metrics import score
from autokeras_lite.tasks.targets import encode_targets
from autokeras_lite.tracking.tracker import Tracker
from autokeras_lite.trial import recipe_fields

DEFAULT_SPACES: Mapping[InputKind, tuple[str, ...]] = MappingProxyType(
    {
        InputKind.TABLE: ("tabular_mlp", "dense_stack"),
        InputKind.IMAGE: ("image_stack",),
        InputKind.SEQUENCE: ("sequence_stack",),
        InputKind.TOKENS: ("token_stack",),
    }
)
# Baselines may take this much of a time limit: they are the first answer, not the search.
_BASELINE_SHARE = 0.5


@dataclass(frozen=True)
class Tools:
    """What a search is run with: handed in, so that a test may hand in others; `started` is `time.monotonic()`."""

    executor: Executor
    tracker: Tracker
    observer: Observer
    started: float


def load_spaces(names: tuple[str, ...]) -> tuple[SearchSpace, ...]:
    """Load and check the spaces that were asked for, before anything is read.

    Raises:
        SpaceError: a space does not exist, or is wrong.
    """
    spaces = tuple(load_space(name) for name in names)
    for space in spaces:
        check_space(space, FAMILIES)
    for name in {space.name for space in spaces if [other.name for other in spaces].count(space.name) > 1}:
        raise SpaceError(f"Two spaces are called {name!r}. Expected each name once. Rename a file, or leave one out.")
    return spaces


def choose_spaces(asked: tuple[SearchSpace, ...], kind: InputKind) -> tuple[SearchSpace, ...]:
    """Return the spaces to search for inputs of this kind: those asked for, or the usual ones.

    Raises:
        SpaceError: a space that was asked for takes other inputs.
    """
    for space in asked:
        if kind not in space.accepts:
            takes = ", ".join(sorted(space.accepts))
            raise SpaceError(
                f"The space {space.name!r} takes {takes}; the inputs are of kind {kind}. "
                f"Expected a space such as {DEFAULT_SPACES[kind][0]}. Choose another --space."
            )
    return asked or tuple(load_space(name) for name in DEFAULT_SPACES[kind])


def run_search(
    data: Any, config: SearchConfig, spaces: tuple[SearchSpace, ...], tools: Tools, test: Any
) -> SearchFolder:
    """Search, and leave the artifact and the record in the folder that is returned.

    `test` are labelled rows that are scored once, at the very end; `None` for none.

    Raises:
        AutokerasLiteError: the data, the task or the spaces do not fit, or no trial came to a score.
    """
    prepared = prepare(data, config)
    test_rows = None if test is None else read_test_rows(prepared, test, config)
    chosen = choose_spaces(spaces, prepared.dataset.kind)
    folder = claim_folder(config.place.folder, request_of(config, prepared.profile.fingerprint))
    clock = Clock(config.budget, tools.started)
    around = Surroundings(prepared.task, tools.executor, tools.tracker, tools.observer, folder, clock)
    try:
        announce(prepared, config, chosen, around)
        summary = _search_and_finish(prepared, config, chosen, around, test_rows)
    except BaseException as error:
        close_broken_account(around, is_failure=isinstance(error, Exception))
        raise
    finally:
        folder.discard_data()
    write_json(folder.summary, summary.to_json())
    return folder


def _search_and_finish(
    prepared: Prepared,
    config: SearchConfig,
    spaces: tuple[SearchSpace, ...],
    around: Surroundings,
    test_rows: Dataset | None,
) -> SearchSummary:
    prepared.data.write(around.folder.data)
    loop, baselines = _search(prepared, config, spaces, around)
    assert loop.best is not None
    finish(prepared, config, around, loop.best)
    summary = summarise(prepared, config, loop, baselines)
    if test_rows is not None:
        summary = replace(summary, best=replace(summary.best, test_score=_test_score(test_rows, around)))
    return close_account(summary, around)


def _search(
    prepared: Prepared, config: SearchConfig, spaces: tuple[SearchSpace, ...], around: Surroundings
) -> tuple[SearchLoop, list[Baseline]]:
    studies = [
        SpaceStudy(
            space,
            space.recipe_names(recipe_fields(FAMILIES[space.family].config_type)),
            direction=prepared.task.direction,
            strategy=config.strategy,
            database=around.folder.database,
        )
        for space in spaces
    ]
    folds, baselines = prepared.data.folds, list[Baseline]()
    plan = Plan(config.strategy.seed, len(folds), min(len(fold.train_rows) for fold in folds), config.budget.trials)

    def check(proposal: Proposal) -> None:
        check_fit(*proposal.space.assemble(proposal.values), prepared.data.inputs, prepared.task.kind)

    loop = SearchLoop(around, plan, Proposer(studies, prepared.task, check))
    try:
        # The driver has nothing else to do while the first cohorts are compiled.
        loop.run(meanwhile=lambda: baselines.extend(_baselines(prepared, config, around)))
    finally:
        for study in studies:
            study.close()
    return loop, baselines


def _baselines(prepared: Prepared, config: SearchConfig, around: Surroundings) -> tuple[Baseline, ...]:
    left = around.clock.training_seconds_left
    limit = {} if left is None else {"seconds_left": max(1.0, _BASELINE_SHARE * left)}
    baselines = fit_baselines(prepared.data, prepared.task, seed=config.strategy.seed, **limit)
    for baseline in baselines:
        around.observer.baseline_finished(baseline)
    return baselines


def _test_score(test_rows: Dataset, around: Surroundings) -> float:
    """Score the artifact itself on the test rows: what a person would get from it."""
    labels = encode_targets(around.task, test_rows.targets, np.arange(len(test_rows))).labels
    predictions = around.executor.run(partial(predict_units, around.folder.artifact, test_rows.inputs))
    return score(around.task, labels, predictions)
