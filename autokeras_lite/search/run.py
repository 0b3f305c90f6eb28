"""One search from its config to its record: every stage once, in the order in which the budget is spent."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

import numpy as np

from autokeras_lite.artifact.latency import LATENCY_SECONDS
from autokeras_lite.artifact.request import ArtifactRequest
from autokeras_lite.config import SearchConfig
from autokeras_lite.data.dataset import Dataset, InputKind
from autokeras_lite.durable import disk_faults
from autokeras_lite.errors import ArtifactError, SpaceError, TrialError
from autokeras_lite.execution.executor import Executor
from autokeras_lite.execution.machine import how_busy
from autokeras_lite.execution.work import make_artifact, predict_units
from autokeras_lite.models.check import check_fit, check_space, wants_quantiles
from autokeras_lite.models.registry import FAMILIES
from autokeras_lite.search.account import Asked, announce, close_account, close_broken_account, summarise, with_mixture
from autokeras_lite.search.background import BaselineThread, EarlyArtifact, MakeArtifact
from autokeras_lite.search.baseline import Baseline
from autokeras_lite.search.believe import believe
from autokeras_lite.search.blueprint import Blueprint
from autokeras_lite.search.clock import EXIT_SECONDS, FEWEST_USEFUL_SECONDS, Clock
from autokeras_lite.search.constant import constant_baseline
from autokeras_lite.search.course import Course, Finished, Plan, Streak
from autokeras_lite.search.finalists import plan_rescoring
from autokeras_lite.search.finish import finish
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.journal import Journal
from autokeras_lite.search.loop import SearchLoop
from autokeras_lite.search.observer import Observer
from autokeras_lite.search.prepare import Prepared, describe_data, prepare, read_test_rows
from autokeras_lite.search.proposer import Proposer
from autokeras_lite.search.record import SearchSummary
from autokeras_lite.search.replay import replay
from autokeras_lite.search.second_look import look_again
from autokeras_lite.search.stop import heeding_signals
from autokeras_lite.search.study import Proposal, SpaceStudy
from autokeras_lite.search.surroundings import Surroundings
from autokeras_lite.search.usage import telling_usage
from autokeras_lite.spaces.load import load_space
from autokeras_lite.spaces.space import SearchSpace
from autokeras_lite.tasks.metrics import score
from autokeras_lite.tasks.targets import encode_targets
from autokeras_lite.tracking.tracker import Tracker
from autokeras_lite.trial import Cause, TrialStatus, recipe_fields

DEFAULT_SPACES: Mapping[InputKind, tuple[str, ...]] = MappingProxyType(
    {
        InputKind.TABLE: ("tabular_mlp", "tabular_tabm", "tabular_realmlp"),
        InputKind.IMAGE: ("image_stack",),
        InputKind.SEQUENCE: ("sequence_stack",),
        InputKind.TOKENS: ("token_stack",),
    }
)
# What is best where there is time for one trial only, and when there is: measured by experiments/009_reach, one core.
_BEST_ALONE, _FEWEST_SECONDS_ALONE, _MOST_ROWS_A_SECOND = "tabular_tabm", 45.0, 750
# Baselines may take this much of a time limit: they are the first answer, not the search.
_BASELINE_SHARE = 0.5
_FEWEST_BASELINE_SECONDS = 1.0


@dataclass(frozen=True)
class Tools:
    """What a search is run with: handed in, so that a test may hand in others; `started` is `time.monotonic()`.

    The tracker is opened when the folder of the search is there.
    """

    executor: Executor
    open_tracker: Callable[[], Tracker]
    observer: Observer
    started: float
    make_artifact: MakeArtifact = make_artifact
    slowness: Callable[[], float] = how_busy


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


def choose_spaces(
    asked: tuple[SearchSpace, ...], kind: InputKind, *, has_time: bool = False
) -> tuple[SearchSpace, ...]:
    """Return the spaces to search for inputs of this kind: those asked for, or the usual ones.

    The usual ones begin with the quickest, which soon has a score; where one trial of another `has_time` to get far,
    they begin with the one that is best alone.

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
    usual = sorted(DEFAULT_SPACES[kind], key=lambda name: has_time and name != _BEST_ALONE)
    return asked or tuple(load_space(name) for name in usual)


def _has_time(config: SearchConfig, num_rows: int) -> bool:
    """Say whether a single trial of a large network would get far in the time limit."""
    seconds = config.budget.seconds
    return seconds is not None and seconds >= max(_FEWEST_SECONDS_ALONE, num_rows / _MOST_ROWS_A_SECOND)


def run_search(
    given: Dataset, asked: Asked, spaces: tuple[SearchSpace, ...], folder: SearchFolder, tools: Tools
) -> None:
    """Search, or go on with a search, and leave the artifact and the record in a folder that this process holds.

    Raises:
        AutokerasLiteError: the data, the task or the spaces do not fit, no trial came to a score, or the disk is full.
    """
    config = asked.config
    chosen = choose_spaces(spaces, given.kind, has_time=_has_time(config, len(given)))
    prepared = prepare(given, config, quantiles=any(wants_quantiles(space, FAMILIES) for space in chosen))
    test_rows = None if asked.test is None else read_test_rows(prepared, asked.test, config)
    course = _begin_course(prepared, asked, chosen, folder)
    tracker = tools.open_tracker()
    try:
        journal = _begin_folder(folder, asked, course)
    except BaseException:
        tracker.close(0.0)
        raise
    clock = Clock(config.budget, tools.started, earlier_seconds=folder.read_seconds(), slowness=tools.slowness)
    if test_rows is not None:
        clock.expect_test_rows(len(test_rows))
    if config.strategy.ensemble > 1:
        clock.expect_ensemble(refit=config.strategy.refit and len(prepared.data.folds) > 1)
    if asked.config.place.report:
        clock.expect_report()
    around = Surroundings(prepared.task, tools.executor, tracker, tools.observer, folder, clock, journal)
    is_told = False
    try:
        with heeding_signals(around.stop):
            announce(prepared, asked, chosen, around, resumed=course.num_counted)
            with telling_usage(around):
                summary = _search_and_finish(prepared, config, course, around, tools.make_artifact, test_rows)
            # Until the tracker was told, whoever finds this file goes on with the search, and so tells it.
            folder.write_summary(replace(summary, stopped=summary.stopped or "unfinished"))
            is_told = True
            folder.write_summary(close_account(summary, around))
    except BaseException as error:
        if not is_told:
            close_broken_account(around, is_failure=isinstance(error, Exception))
        raise
    finally:
        folder.note_seconds(clock.elapsed_seconds)
        folder.discard_data()


def _begin_course(prepared: Prepared, asked: Asked, spaces: tuple[SearchSpace, ...], folder: SearchFolder) -> Course:
    config = asked.config
    studies = [
        SpaceStudy(
            space,
            space.recipe_names(recipe_fields(FAMILIES[space.family].config_type)),
            direction=prepared.task.direction,
            strategy=config.strategy,
            database=folder.database,
        )
        for space in spaces
    ]
    folds = prepared.data.folds
    rows = min(len(fold.train_rows) for fold in folds)
    plan = Plan(config.strategy.seed, len(folds), rows, config.budget.trials, asked.request.cores)

    def check(proposal: Proposal) -> None:
        check_fit(*proposal.space.assemble(proposal.values), prepared.data.inputs, prepared.task.kind)

    return Course(prepared.task, plan, Proposer(studies, prepared.task, check, num_rows=rows))


def _begin_folder(folder: SearchFolder, asked: Asked, course: Course) -> Journal:
    """Write down what was asked, and bring the course to where an earlier process left it."""
    folder.trials.mkdir(parents=True, exist_ok=True)
    if not folder.journal.exists() and folder.read_trials():
        raise ArtifactError(
            f"{folder.journal} is missing, beside results. Expected the file that the search wrote. "
            "Restore it from a copy, or begin a new search with another --name."
        )
    journal = Journal.open(folder.journal)
    replay(course, journal.events)  # may refuse: nothing was changed until here
    folder.write_request(asked.request)
    folder.summary.unlink(missing_ok=True)  # of a search that goes on: it is no longer true
    folder.tidy({running.first for running in (*course.running.values(), *course.waiting)})
    course.streak = Streak()  # who goes on has done something about the failures
    for spec, outcome in course.finished:
        if not folder.has_trial(spec, outcome):
            folder.write_trial(spec, outcome)
    return journal


def _search_and_finish(
    prepared: Prepared,
    config: SearchConfig,
    course: Course,
    around: Surroundings,
    make: MakeArtifact,
    test_rows: Dataset | None,
) -> SearchSummary:
    blueprint = Blueprint.of(prepared, config)
    with disk_faults(around.folder.data):
        prepared.data.write(around.folder.data)
        blueprint.write(around.folder.blueprint)
        around.folder.write_profile(describe_data(prepared))
    request = partial(_early_request, blueprint, around.folder)
    early = EarlyArtifact(request, course, around.executor, make, around.clock, around.stop)
    baselines = _search(prepared, config, course, around, early)
    finalists = _choose_winner(prepared, config, course, around)
    summary = summarise(around.folder, blueprint.manifest, course.finished, course.best, baselines)
    summary = _with_ending(summary, course, around)
    if course.best is None:
        return summary
    mixture, latency = finish(prepared, config, around, course, early)
    summary = replace(with_mixture(summary, mixture), finalists=finalists, latency=latency)
    if test_rows is not None and summary.best is not None and not around.stop.is_asked:
        summary = replace(summary, best=replace(summary.best, test_score=_test_score(test_rows, around)))
    trust = None
    if not around.stop.is_asked:
        trust = believe(prepared, course.finished, mixture, around.folder, around.clock)
    return replace(summary, trust=trust, seconds=round(around.clock.elapsed_seconds, 2))


def _early_request(blueprint: Blueprint, folder: SearchFolder, best: Finished) -> ArtifactRequest:
    request = blueprint.request(folder, best)
    return replace(request, latency_seconds=LATENCY_SECONDS, beside_training=True)


def _choose_winner(
    prepared: Prepared, config: SearchConfig, course: Course, around: Surroundings
) -> Mapping[str, float]:
    """Let the best trials be scored once more, and crown the winner; return the fresh scores by trial number."""
    if course.best is None:
        return {}
    look = look_again(prepared, config, around, course)
    course.crown(look.winner)
    if look.scores:
        around.observer.note(look.describe(prepared.task))
    return {str(number): score for number, score in look.scores.items()}


def _search(
    prepared: Prepared, config: SearchConfig, course: Course, around: Surroundings, early: EarlyArtifact
) -> Sequence[Baseline]:
    found = list(around.folder.read_baselines())
    for baseline in found:
        around.observer.baseline_finished(baseline)

    def take(baselines: Sequence[Baseline]) -> None:
        if not baselines:
            return  # those of an earlier process stay
        around.folder.write_baselines(baselines)
        found.extend(baselines)
        for baseline in baselines:
            around.observer.baseline_finished(baseline)

    thread = BaselineThread(lambda: [] if found else _fit(prepared, config, around), take)
    try:
        SearchLoop(around, course, (thread, early), plan_rescoring(prepared)).run()
    finally:
        for note in course.proposer.close():
            around.observer.note(note)
    thread.finish(partial(_may_wait_for_baselines, course, around))
    return found or [constant_baseline(prepared.data, prepared.task)]


def _fit(prepared: Prepared, config: SearchConfig, around: Surroundings) -> tuple[Baseline, ...]:
    from autokeras_lite.search.baselines import fit_baselines  # scikit-learn takes most of a second to load

    left = around.clock.training_seconds_left
    limit = {} if left is None else {"seconds_left": max(_FEWEST_BASELINE_SECONDS, _BASELINE_SHARE * left)}
    return fit_baselines(prepared.data, prepared.task, seed=config.strategy.seed, **limit)


def _may_wait_for_baselines(course: Course, around: Surroundings) -> bool:
    """Say whether there is time for baselines yet: without a model there is no other end to keep free."""
    clock = around.clock
    left = clock.training_seconds_left if course.best is not None else clock.seconds_left
    return not around.stop.is_asked and (left is None or left > EXIT_SECONDS)


def _with_ending(summary: SearchSummary, course: Course, around: Surroundings) -> SearchSummary:
    """Say why the search ended, where that needs saying.

    Raises:
        TrialError: there is no result at all.
    """
    if around.stop.is_asked:
        return replace(summary, stopped="interrupted")
    failed = [outcome for _, outcome in course.finished if outcome.status is TrialStatus.FAILED]
    if course.best is not None and not course.streak.is_hopeless:
        return summary
    if course.best is not None:
        last = failed[-1]
        why = f"Stopped after {course.streak.describe()} {last.cause}: {last.message}"
        return replace(summary, stopped="failures", notes=(why, *summary.notes))
    left = around.clock.training_seconds_left
    is_too_short = left is not None and left <= FEWEST_USEFUL_SECONDS
    has_baseline = any(value is not None for value in summary.baselines.values())
    if is_too_short and has_baseline and all(outcome.cause is Cause.TIMEOUT for outcome in failed):
        return replace(summary, verdict=f"{summary.verdict} {_needed(course, around.clock)}")
    raise TrialError(_why_nothing(course, around))


def _needed(course: Course, clock: Clock) -> str:
    """Say how long a search should be given that had no time for a trial."""
    elapsed = clock.elapsed_seconds
    seconds = 2.0 * elapsed if course.finished else 1.2 * (elapsed + FEWEST_USEFUL_SECONDS + clock.tail_seconds)
    return f"A network needs a --time-limit of about {5 * math.ceil(seconds / 5)}s on this machine."


def _why_nothing(course: Course, around: Surroundings) -> str:
    failed = [outcome for _, outcome in course.finished]
    if not failed and course.proposer.last_misfit:
        return course.proposer.last_misfit
    if not failed:
        return f"No trial was begun and no baseline was fitted. {_needed(course, around.clock)}"
    last = failed[-1]
    return (
        f"All {len(failed)} trials failed, the last with {last.cause}: {last.message} "
        f"Expected at least one score. See {around.folder.trial(last.number)}."
    )


def _test_score(test_rows: Dataset, around: Surroundings) -> float:
    """Score the artifact itself on the test rows: what a person would get from it."""
    labels = encode_targets(around.task, test_rows.targets, np.arange(len(test_rows))).labels
    predictions = around.executor.run(partial(predict_units, around.folder.artifact, test_rows.inputs))
    return score(around.task, labels, predictions)
