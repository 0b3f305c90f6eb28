"""The report of a search: one HTML file that needs no network and no server."""

import base64
import gzip
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jinja2

from autokeras_lite.durable import write_bytes
from autokeras_lite.errors import ArtifactError, StorageError
from autokeras_lite.report.axis_filters import filters_as_json
from autokeras_lite.report.best_model import describe_best_model
from autokeras_lite.report.commands import Command, command_line, command_to_repeat, commands_to_use
from autokeras_lite.report.data_section import describe_data_section
from autokeras_lite.report.diagnostics import describe_diagnostics
from autokeras_lite.report.facts import Facts, read_facts
from autokeras_lite.report.figure import THEMES, AxisFilter, Drawing, Figure, make_template
from autokeras_lite.report.figures import FIGURES
from autokeras_lite.report.headline import describe_final_model, describe_question, make_headline
from autokeras_lite.report.importance import describe_importance
from autokeras_lite.report.trial_tables import ROWS_OF_A_PAGE, Leaderboard, make_board, make_failure_table
from autokeras_lite.report.wording import json_values, printable

REPORT_FILE = "report.html"
MOST_BYTES = 8_000_000

_TEMPLATES = Path(__file__).parent / "templates"
_PLOTLY = ("package_data", "plotly.min.js")
_PACKING = 6
_HEIGHT = 420
# Figures that stand beside tables; all others tell how the search went.
_CLASSES = ("confusion", "roc", "precision_recall", "calibration")
_DIAGNOSTICS = (*_CLASSES, "series", "horizon", "windows", "predicted_actual", "residuals")
_IMPORTANCE = ("columns", "importance")
_WIDE = ("parallel",)
_DRAWING_FAULTS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True)
class FigureView:
    """A figure with its words; `drawing` is what plotly draws, in plain values.

    `choices` are the texts of buttons that show it another way, `filters` the lists that keep some trials of it.
    """

    name: str
    title: str
    explanation: str
    alternative: str
    height: int
    drawing: Mapping[str, Any]
    choices: tuple[str, ...] = ()
    filters: tuple[AxisFilter, ...] = ()

    @property
    def is_wide(self) -> bool:
        """Whether it needs more room than a phone has."""
        return self.name in _WIDE


@dataclass(frozen=True)
class Section:
    """A part of the page with its place in the list of contents."""

    anchor: str
    title: str
    template: str
    figures: tuple[FigureView, ...] = ()
    notes: tuple[str, ...] = ()


def write_report(folder: str | Path, output: str | Path | None = None) -> Path:
    """Write the report of a search, finished or not, to `report.html` in its folder or to `output`; return its path.

    Raises:
        ArtifactError: there is no search, nothing of it can be told yet, or a record is damaged.
        StorageError: the file cannot be written.
    """
    facts = read_facts(Path(folder))
    path = facts.folder / REPORT_FILE if output is None else Path(output).expanduser().absolute()
    write_text(path, render_report(facts))
    return path


def write_text(path: Path, text: str) -> None:
    """Write a text whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    try:
        write_bytes(path, text.encode("utf-8", "replace"))
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written ({error.strerror}). Expected a folder that may be written. Give an --output."
        ) from error


def render_report(facts: Facts) -> str:
    """Return the page."""
    board, diagnostics = make_board(facts), describe_diagnostics(facts)
    sections = _sections(facts, has_diagnostics=not diagnostics.is_empty)
    script, plotly = _own_file("report.js"), _pack_plotly()
    template = _environment().get_template("report.html.j2")
    return template.render(
        name=facts.name,
        question=describe_question(facts),
        sections=sections,
        headline=make_headline(facts),
        final_model=describe_final_model(facts),
        best=describe_best_model(facts),
        board=board,
        board_command=command_line(facts, "leaderboard", "--csv"),
        failures=make_failure_table(facts),
        failures_command=command_line(facts, "failures"),
        table=describe_data_section(facts),
        importance=describe_importance(facts),
        diagnostics=diagnostics,
        explain=Command("Measure which columns and settings mattered", command_line(facts, "explain")),
        commands=commands_to_use(facts),
        repeat=command_to_repeat(facts),
        origins=tuple(_origins(facts)),
        version=facts.versions.get("autokeras_lite", ""),
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        policy=_policy(_hash(script.encode()), plotly.hash),
        style=_own_file("report.css"),
        script=script,
        data=_embed(_page_data(board, sections)),
        plotly=plotly.packed,
    )


def _own_file(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _printable(value: Any) -> Any:
    """Leave out of texts from data what would turn the order of letters round."""
    return printable(value) if type(value) is str else value


def _policy(*hashes: str) -> str:
    """Return a policy that lets a browser run our scripts only, and fetch nothing.

    Plotly makes functions from texts of its own to draw parallel coordinates, hence `unsafe-eval`.
    """
    scripts = " ".join(f"'sha256-{one}'" for one in hashes)
    return (
        f"default-src 'none'; script-src {scripts} 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


@dataclass(frozen=True)
class _Library:
    """A script as the page holds it, packed, and the hash by which a browser knows it."""

    packed: str
    hash: str


@cache
def _pack_plotly() -> _Library:
    """Return the script that draws figures, as the package of that name ships it."""
    spec = find_spec("plotly")
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        file = Path(place).joinpath(*_PLOTLY)
        if file.is_file():
            content = file.read_bytes()
            packed = gzip.compress(content, _PACKING, mtime=0)
            return _Library(base64.b64encode(packed).decode(), _hash(content))
    raise ArtifactError("The package plotly is not installed whole. Expected its script. Run `pip install plotly`.")


# --- parts -----------------------------------------------------------------------------------------------------------


def _sections(facts: Facts, *, has_diagnostics: bool) -> tuple[Section, ...]:
    beside = {*_DIAGNOSTICS, *_IMPORTANCE}
    course = _draw_all([name for name in FIGURES if name not in beside], facts)
    diagnostics, importance = _draw_all(_DIAGNOSTICS, facts), _draw_all(_IMPORTANCE, facts)
    sections = (
        Section("result", "Result", "result.html.j2"),
        Section("model", "Best model", "model.html.j2"),
        Section("leaderboard", "Leaderboard", "leaderboard.html.j2"),
        Section("search", "How the search went", "figures.html.j2", *course),
        Section("failures", "Failures", "failures.html.j2"),
        Section("data", "Data", "data.html.j2"),
        Section("diagnostics", "Right and wrong", "diagnostics.html.j2", *diagnostics),
        Section("importance", "What mattered", "importance.html.j2", *importance),
        Section("use", "Use it", "use.html.j2"),
    )
    return tuple(one for one in sections if one.anchor != "diagnostics" or one.figures or has_diagnostics)


def _draw_all(names: Iterable[str], facts: Facts) -> tuple[tuple[FigureView, ...], tuple[str, ...]]:
    """Draw what applies to the search; a figure that fails is told of and does not take the page with it."""
    views, notes = list[FigureView](), list[str]()
    for figure in (FIGURES[name] for name in names):
        try:
            drawing = figure.sketch(facts)
        except _DRAWING_FAULTS as error:
            notes.append(f"The figure {figure.name!r} cannot be drawn: {type(error).__name__}.")
            continue
        if drawing is not None:
            views.append(_view(figure, drawing))
    return tuple(views), tuple(notes)


def _view(figure: Figure, drawing: Drawing) -> FigureView:
    """Take out of a picture the buttons that plotly would draw: those of the page can be reached by keyboard."""
    layout = {name: value for name, value in drawing.layout.items() if name != "updatemenus"}
    buttons = [button for menu in drawing.layout.get("updatemenus", ()) for button in menu["buttons"]]
    if buttons:
        layout["margin"] = {**layout.get("margin", {}), "t": 16}  # the room that they would need
    values = {
        "data": list(drawing.traces),
        "layout": layout,
        "choices": [button["args"] for button in buttons],
        "filters": filters_as_json(drawing.filters),
    }
    return FigureView(
        figure.name,
        figure.title,
        figure.explanation,
        drawing.alternative,
        layout.get("height", _HEIGHT),
        values,
        tuple(button["label"] for button in buttons),
        tuple(drawing.filters),
    )


def _page_data(board: Leaderboard, sections: Iterable[Section]) -> dict[str, Any]:
    return {
        "board": {**board.to_json(), "size": ROWS_OF_A_PAGE},
        "figures": {figure.name: figure.drawing for section in sections for figure in section.figures},
        "templates": {theme: make_template(theme) for theme in THEMES},
    }


def _embed(values: Any) -> str:
    """Write JSON that no HTML parser takes for anything else."""
    text = json.dumps(json_values(values, printable), separators=(",", ":"), allow_nan=False)
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def _origins(facts: Facts) -> Iterable[tuple[str, str]]:
    yield "Folder", str(facts.folder)
    request, manifest = facts.request, facts.manifest or {}
    if request is not None:
        yield "Data", request.data or "from memory"
        yield "Fingerprint of the data", request.fingerprint
    if facts.summary.tracking.uri:
        yield "Tracked in", facts.summary.tracking.uri
    if facts.config is not None:
        yield "Seed", str(facts.config.strategy.seed)
        yield "Sampler", facts.config.strategy.sampler
    if manifest.get("created"):
        yield "Model made", str(manifest["created"])
        yield "SHA-256 of the model file", str(manifest.get("model_sha256", ""))
    for package, version in facts.versions.items():
        yield package, str(version)
