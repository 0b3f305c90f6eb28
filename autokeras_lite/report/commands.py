"""Commands and Python that go on from a search: to use its model, and to make the search again."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from autokeras_lite.config import DEFAULT_RUNS_DIR, Execution, Goal, SearchConfig, Strategy, Validation
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.report.facts import Facts

_PROGRAM = "autokeras-lite"
_READ = MappingProxyType(
    {
        ".csv": "pd.read_csv('new.csv')",
        ".tsv": "pd.read_csv('new.tsv', sep='\\t')",
        ".parquet": "pd.read_parquet('new.parquet')",
    }
)


@dataclass(frozen=True)
class Command:
    """Lines to copy, and what they are for; `language` is `sh` or `python`."""

    purpose: str
    text: str
    language: str = "sh"


def commands_to_use(facts: Facts) -> tuple[Command, ...]:
    """Return what a person may do with the model, or with the search where there is none."""
    if facts.summary.best is None or not facts.is_finished:
        return (Command("Go on where the search stopped", command_line(facts, "resume")),)
    suffix, explain = _suffix(facts), command_line(facts, "explain")
    return (
        Command("Predict new rows", command_line(facts, "predict", f"new{suffix}", "-o", "predictions.csv")),
        Command("Score other labelled rows", command_line(facts, "evaluate", f"test{suffix}")),
        Command(f"See which {'columns and ' if is_table(facts) else ''}settings mattered", explain),
        Command("Compare the trials in a browser", command_line(facts, "ui")),
        Command("Predict in Python", _python(facts), "python"),
    )


def is_table(facts: Facts) -> bool:
    """Whether the inputs are a table; where that is not known they are taken for one."""
    kind = None if facts.profile is None else facts.profile.get("kind")
    return kind in (None, str(InputKind.TABLE))


def command_line(facts: Facts, command: str, *words: str) -> str:
    """Return a command for this search as it can be pasted, with more words behind the name."""
    return _joined([_PROGRAM, command, facts.folder.name, *words, *_place(facts.folder)])


def command_to_repeat(facts: Facts) -> Command | None:
    """Return the command that makes the search again; `None` where its options or its data are not known."""
    config, request = facts.config, facts.request
    if config is None or request is None:
        return None
    if request.data is None:
        return None
    words = [_PROGRAM, "search", request.data, *_options(config)]
    if request.test is not None:
        words += ["--test", request.test]
    words += ["--name", f"{facts.folder.name[:57]}-again"]
    return Command("Make the search again, under another name", _broken(words))


def _python(facts: Facts) -> str:
    if not is_table(facts) or _suffix(facts) == ".npz":
        lines = ["import numpy as np", "import autokeras_lite as akl", "", "rows = np.load('new.npz')['x']"]
    else:
        read = _READ[_suffix(facts)]
        lines = ["import pandas as pd", "import autokeras_lite as akl", "", f"rows = {read}"]
    return "\n".join([*lines, f"result = akl.load({str(facts.folder)!r})", "result.predict(rows)"])


def _suffix(facts: Facts) -> str:
    data = None if facts.request is None else facts.request.data
    suffix = Path(data or "").suffix.lower()
    return suffix if suffix in (".csv", ".tsv", ".parquet", ".npz") else ".csv"


def _place(folder: Path) -> list[str]:
    return [] if folder.parent.name == DEFAULT_RUNS_DIR else ["--runs-dir", str(folder.parent)]


def _joined(words: list[str]) -> str:
    return " ".join(map(shlex.quote, words))


def _broken(words: list[str]) -> str:
    """Write each option on a line of its own."""
    lines, line = list[str](), list[str]()
    for word in words:
        if word.startswith("--") and line:
            lines.append(_joined(line))
            line = []
        line.append(word)
    return " \\\n  ".join([*lines, _joined(line)])


# --- options ---------------------------------------------------------------------------------------------------------


def _options(config: SearchConfig) -> Iterator[str]:
    """Yield the options of the command line that are not what they are by default."""
    for target in config.columns.targets:
        yield from ("--target", target)
    for option in ("weight", "group"):
        yield from _given(f"--{option}", getattr(config.columns, option))
    yield from _given("--time-column", config.columns.time)
    for name in ("task", "metric", "class_weight"):
        yield from _given(_flag(name), getattr(config.goal, name))
    yield from _given("--validation", _validation(config.validation))
    yield from _given("--trials", config.budget.trials)
    if config.budget.seconds is not None:
        yield from ("--time-limit", f"{config.budget.seconds:g}s")
    for space in config.strategy.spaces:
        yield from ("--space", space)
    yield from _other_than_default(config.strategy)
    yield from _other_than_default(config.execution)


def _given(flag: str, value: Any) -> tuple[str, ...]:
    return () if value is None else (flag, str(value))


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _validation(validation: Validation) -> str | None:
    if validation.kind == "file":
        return validation.path
    if validation.kind == "fraction":
        return f"{validation.fraction:g}"
    if validation.kind == "folds":
        return f"{validation.folds}x{validation.repeats}" if validation.repeats > 1 else str(validation.folds)
    return None


def _other_than_default(part: Strategy | Execution | Goal) -> Iterator[str]:
    for field in fields(part):
        value = getattr(part, field.name)
        if value == field.default or value is None or isinstance(value, tuple):
            continue
        match field.name:
            case "refit":
                yield from ("--refit", "off")
            case "memory_bytes":
                yield from ("--memory-limit", str(value))
            case "trial_seconds":
                yield from ("--trial-time-limit", f"{value:g}s")
            case _:
                yield from (_flag(field.name), str(value))
