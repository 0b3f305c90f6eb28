"""A search that is seen from outside, in words: what it does, how far it is, what to type next."""

import time
from typing import TYPE_CHECKING

from autokeras_lite.cli.final import Invocation, command_line, resume_command
from autokeras_lite.cli.words import show_seconds
from autokeras_lite.report.wording import count, one_line, show_number
from autokeras_lite.search.state import Phase, SearchState
from autokeras_lite.trial import TrialStatus

if TYPE_CHECKING:
    from autokeras_lite.search.standing import EndedTrial, TrainingCohort

STYLES = {
    Phase.RUNNING: "cyan",
    Phase.FINISHED: "green",
    Phase.WAITING: "yellow",
    Phase.INTERRUPTED: "yellow",
    Phase.FAILED: "red",
    Phase.KILLED: "red",
    Phase.DAMAGED: "red",
}


def describe_task(state: SearchState) -> str:
    """Say what is searched for; nothing while that is not known."""
    better = "higher" if state.direction == "maximize" else "lower"
    return f"{state.task}, {state.metric} ({better} is better)" if state.metric else ""


def describe_phase(state: SearchState) -> str:
    """Say what becomes of a search, and how much of its budget is spent."""
    elapsed, limits = show_seconds(state.elapsed_seconds), state.limits
    whole = "" if limits.seconds is None else f" of {show_seconds(limits.seconds)}"
    link = "for" if state.is_running else "after"
    trials = "" if limits.trials is None else f", {state.num_counted} of {count(limits.trials, 'trial')}"
    phase, rest = (Phase.FINISHED, f", {state.phase}") if state.phase is Phase.WAITING else (state.phase, "")
    return f"{phase} {link} {elapsed}{whole}{trials}{rest}"


def describe_left(state: SearchState) -> str:
    """Say how much is left of the budget of a search that runs."""
    elapsed, limits = state.elapsed_seconds, state.limits
    told = [f"{show_seconds(elapsed)} elapsed"]
    if limits.seconds is not None:
        told = [f"{show_seconds(limits.seconds - elapsed)} left of {show_seconds(limits.seconds)}"]
    if limits.trials is not None:
        told.append(f"{state.num_counted} of {count(limits.trials, 'trial')}")
    return ", ".join(told)


def spent(state: SearchState) -> float:
    """Return the share of the budget that is gone, from 0 to 1: of time or of trials, the larger one."""
    limits = state.limits
    shares = [state.elapsed_seconds / limits.seconds] if limits.seconds else []
    shares += [state.num_counted / limits.trials] if limits.trials else []
    return min(1.0, max(shares, default=0.0))


def describe_driver(state: SearchState) -> str:
    """Say which process works on a search, or did until it was killed; nothing where there is none."""
    driver = state.driver
    if driver is None:
        return ""
    who = one_line(f"process {driver.pid} on {driver.host}") if driver.pid else "a process that left no readable note"
    since = f" since {one_line(driver.since)}" if driver.since else ""
    return f"{who}{since}" if state.is_running else f"{who} was at work and is gone"


def describe_counts(state: SearchState) -> str:
    """Say how trials ended."""
    return ", ".join(f"{state.counts.get(status, 0)} {status}" for status in TrialStatus)


def describe_trial(trial: "EndedTrial", metric: str = "") -> str:
    """Say what a trial reached."""
    family = f", {one_line(trial.family)}" if trial.family else ""
    return f"{one_line(metric)} {show_number(trial.score)}, trial {trial.number}{family}".lstrip()


def describe_failure(state: SearchState) -> str:
    """Say how the last trial failed that did; nothing where none did, or where the search has ended."""
    failed = state.last_failure
    if failed is None:
        return ""
    said = f": {one_line(failed.message)}" if failed.message else ""
    return f"trial {failed.number} failed, {failed.cause}{said}"


def describe_trials_of(cohort: "TrainingCohort") -> str:
    """Say which trials train together, and what they are."""
    first, last = cohort.trials[0], cohort.trials[-1]
    which = f"trial {first}" if len(cohort.trials) == 1 else f"trials {first} to {last}"
    return which if cohort.spec is None else f"{which}, {one_line(cohort.spec.family)}"


def show_when(moment: float, now: float) -> str:
    """Write a moment as a person at this machine reads it: the time where it is today, else the date."""
    then, today = time.localtime(moment), time.localtime(now)
    return time.strftime("%H:%M" if then[:3] == today[:3] else "%Y-%m-%d", then)


def next_step(state: SearchState, invocation: Invocation) -> tuple[str, str]:
    """Return the command to type next and what it does; an empty one where the words alone say what to do."""
    if state.is_running:
        return command_line("watch", invocation), "follow it"
    if state.phase is Phase.FINISHED:
        return command_line("leaderboard", invocation), "every trial, best first"
    if state.phase is Phase.FAILED:
        return command_line("failures", invocation), "what failed, and why"
    if state.phase is Phase.WAITING:
        return resume_command(invocation), "send what waits; nothing is trained"
    if state.is_from_memory:
        return "", "Its data are in no file: call autokeras_lite.search with them and the same options, and it goes on."
    return resume_command(invocation), "go on where it stopped"
