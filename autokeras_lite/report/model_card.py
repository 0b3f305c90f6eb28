"""The model card of a search: a page of Markdown beside the model, for whoever is handed it.

What a card says follows Mitchell et al. 2019, "Model Cards for Model Reporting", as far as a search knows it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from autokeras_lite.report.commands import commands_to_use
from autokeras_lite.report.facts import Facts, read_facts
from autokeras_lite.report.headline import describe_final_model
from autokeras_lite.report.page import write_text
from autokeras_lite.report.wording import count, one_line, printable, shortened, show_number, show_value
from autokeras_lite.tasks.task import TaskKind

MODEL_CARD_FILE = "MODEL_CARD.md"

_MOST_NAMES = 40
_MOST_CLASSES = 20
_MOST_LETTERS = 300
# A colon between letters may begin an address; one before a blank is only a colon.
_MARKS = re.compile(r"[\\`*_{}\[\]<>#|~&$@!]|(?<=[A-Za-z]):(?=\S)")
_AT_THE_START = re.compile(r"^(?:[-+=]|(\d+)(?=[.)](?:\s|$)))")
_HOST = re.compile(r"(?i)\bwww\.")
_ASKED = {
    TaskKind.BINARY: "one of two classes",
    TaskKind.MULTICLASS: "one of several classes",
    TaskKind.MULTILABEL: "several labels that are true or false",
    TaskKind.REGRESSION: "a number",
}


def write_model_card(folder: str | Path) -> Path:
    """Write `MODEL_CARD.md` in the folder of a search and return its path.

    Raises:
        ArtifactError: there is no search, nothing of it can be told yet, or a record is damaged.
        StorageError: the file cannot be written.
    """
    facts = read_facts(Path(folder))
    path = facts.folder / MODEL_CARD_FILE
    write_text(path, render_model_card(facts))
    return path


def render_model_card(facts: Facts) -> str:
    """Return the card."""
    parts = (
        [f"# {plain_markdown(facts.name)}", ""],
        _section("What it predicts", _purpose(facts)),
        _section("How good it is", _scores(facts)),
        _section("How it was validated", _validation(facts)),
        _section("Data", _data(facts)),
        _section("Limits", _limits(facts)),
        _section("How to use it", _usage(facts)),
        _section("Versions", _versions(facts)),
    )
    return "\n".join(line for part in parts for line in part)


def plain_markdown(value: object, most: int = _MOST_LETTERS) -> str:
    r"""Write a value from data so that Markdown and HTML show it letter by letter, on one line.

    Example:
        >>> plain_markdown("<b>[a](javascript:x)</b>\n# b")
        '\\<b\\>\\[a\\](javascript\\:x)\\</b\\> \\# b'
    """
    text = _MARKS.sub(lambda found: f"\\{found[0]}", shortened(one_line(str(value)), most))
    text = _AT_THE_START.sub(lambda found: f"{found[1]}\\" if found[1] else f"\\{found[0]}", text)
    return _HOST.sub(lambda found: found[0].replace(".", "\\."), text)


def fenced(text: str, language: str) -> list[str]:
    """Return a block of code that its content cannot end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *printable(text).splitlines(), fence, ""]


def _section(title: str, lines: Iterable[str]) -> list[str]:
    return [f"## {title}", "", *lines, ""]


def _purpose(facts: Facts) -> Iterator[str]:
    task = facts.task
    names = ", ".join(plain_markdown(name) for name in task.targets) or "the target"
    yield f"{names}: {_ASKED[task.kind]} ({task.kind})."
    if task.classes:
        shown = ", ".join(plain_markdown(label) for label in task.classes[:_MOST_CLASSES])
        more = len(task.classes) - _MOST_CLASSES
        yield f"The classes are {shown}{f' and {more} more' if more > 0 else ''}."
    yield ""
    yield plain_markdown(describe_final_model(facts))
    best = facts.best
    if best is not None:
        yield f"One network has {count(best.outcome.parameters, 'parameter')}."
    if facts.summary.latency is not None:
        yield f"Predicting took {plain_markdown(facts.summary.latency.describe())}."


def _scores(facts: Facts) -> Iterator[str]:
    summary = facts.summary
    better = "higher" if summary.direction == "maximize" else "lower"
    yield f"Measured in {plain_markdown(summary.metric)}; {better} is better."
    yield ""
    yield "| | score |"
    yield "|---|--:|"
    if summary.trust is not None:
        trust = summary.trust
        span = f"{show_number(trust.low)} to {show_number(trust.high)}"
        yield f"| **expected on new rows** | **{show_number(trust.corrected)}** ({trust.level:.0%} interval {span}) |"
    if summary.ensemble is not None:
        yield f"| the model, on validation rows | {show_number(summary.ensemble.validation_score)} |"
    if summary.best is not None:
        yield f"| the best network, on validation rows | {show_number(summary.best.validation_score)} |"
        if summary.best.test_score is not None:
            yield f"| the model, on test rows | {show_number(summary.best.test_score)} |"
    for name, score in summary.baselines.items():
        yield f"| {plain_markdown(name.replace('_', ' '))}, a baseline | {show_number(score)} |"
    yield ""
    yield plain_markdown(summary.verdict, 1000)
    if summary.trust is not None:
        yield ""
        yield from (f"- {plain_markdown(told, 1000)}" for told in summary.trust.sentences())


def _validation(facts: Facts) -> Iterator[str]:
    profile, config = facts.profile or {}, facts.config
    if profile.get("validation"):
        yield f"Judged by {plain_markdown(profile['validation'])}."
    folds = [fold for fold in profile.get("folds") or () if isinstance(fold, Mapping)]
    if folds:
        train, judge = _whole(folds[0].get("train_rows")), _whole(folds[0].get("validation_rows"))
        where = "In the first fold, networks" if len(folds) > 1 else "Networks"
        yield f"{where} learned from {count(train, 'row')} and were judged by {count(judge, 'row')}."
    if config is not None and config.columns.group is not None:
        yield f"Rows with the same {plain_markdown(config.columns.group)} stayed on one side."
    if config is not None and config.columns.time is not None:
        yield f"The latest rows judged, in the order of {plain_markdown(config.columns.time)}."
    counts = facts.summary.trials
    yield (
        f"The score is the best of {count(counts.completed + counts.pruned, 'trial')}, which all were judged by these "
        "rows; the expected score is corrected for that."
    )
    if facts.manifest is not None and facts.manifest.get("refit") is True:
        yield f"The model was then trained again on all {count(_whole(facts.manifest.get('training_rows')), 'row')}."


def _data(facts: Facts) -> Iterator[str]:
    profile = facts.profile
    if profile is None:
        yield "The description of the data was not written when the search ran."
    else:
        yield f"{count(_whole(profile.get('rows')), 'row')}, {plain_markdown(profile.get('kind_reason') or '')}."
        columns = [one for one in profile.get("columns") or () if isinstance(one, Mapping)]
        used = [column for column in columns if column.get("kept") is True]
        if columns:
            yield ""
            yield f"It takes {count(len(used), 'column')}: {_column_names(used)}."
            missing = _whole(profile.get("missing_cells"))
            yield f"{count(missing, 'cell')} of {count(len(columns), 'column')} were missing."
    notes = list(dict.fromkeys(facts.summary.notes))
    if notes:
        yield ""
        yield from (f"- {plain_markdown(note, 600)}" for note in notes)
    if facts.request is not None:
        yield ""
        yield f"Fingerprint: {plain_markdown(facts.request.fingerprint)}"


def _column_names(columns: list[Mapping[str, Any]]) -> str:
    named = [f"{plain_markdown(one.get('name'), 80)} ({plain_markdown(one.get('kind'))})" for one in columns]
    hidden = len(named) - _MOST_NAMES
    return ", ".join(named[:_MOST_NAMES]) + (f" and {hidden} more" if hidden > 0 else "")


def _limits(facts: Facts) -> Iterator[str]:
    yield "- An automatic search made it. Nobody has looked yet at whether it is fair, safe or fit for a purpose."
    yield "- Its score holds for rows that come about as those of the search did; it says nothing of other rows."
    if facts.summary.trust is not None and facts.summary.trust.overtuned:
        yield "- Its lead over the default configuration is no more than luck gives the best of so many trials."
    if facts.summary.best is not None and facts.summary.best.test_score is None:
        yield "- It was not scored on rows that took no part in the search."
    if facts.task.kind is TaskKind.REGRESSION:
        yield "- It predicts a single number without an interval."
    else:
        yield "- Its probabilities are as well calibrated as the validation rows showed, not better."
    if facts.summary.stopped:
        yield f"- The search did not come to its end ({plain_markdown(facts.summary.stopped)})."
    yield "- A category that was not seen in training is read as unknown, a missing value as missing."


def _usage(facts: Facts) -> Iterator[str]:
    for command in commands_to_use(facts):
        yield f"{command.purpose}:"
        yield ""
        yield from fenced(command.text, command.language)


def _versions(facts: Facts) -> Iterator[str]:
    for package, version in facts.versions.items():
        yield f"- {plain_markdown(package)} {plain_markdown(version)}"
    seeds = (facts.manifest or {}).get("seeds") or {}
    if isinstance(seeds, Mapping) and seeds:
        told = ", ".join(f"{plain_markdown(name)} {plain_markdown(show_value(seed))}" for name, seed in seeds.items())
        yield f"- seeds: {told}"
    created = (facts.manifest or {}).get("created")
    if created:
        yield f"- made {plain_markdown(created)}"


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0
