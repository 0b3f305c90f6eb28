"""The parts of the pages that the program writes itself, so that they cannot go stale."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields

import click
from document_parts import COMMANDS, PROGRAM

from autokeras_lite import errors
from autokeras_lite.cli.exit_codes import MEANINGS, code_of_error
from autokeras_lite.config import SearchOptions
from autokeras_lite.models.registry import FAMILIES
from autokeras_lite.report.figures import FIGURES
from autokeras_lite.spaces.layers import LAYERS
from autokeras_lite.spaces.setting import Setting
from autokeras_lite.spaces.training_choices import TRAINING_SETTINGS
from autokeras_lite.tracking.names import METRIC, NAMES, PARAMETER, TAG
from autokeras_lite.trial import TrainingConfig, recipe_fields

WIDTH = 118

_MARKED = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_DEFAULT = re.compile(r"\s*\[default: ([^\]]*?)(?:; ([^\]]*))?\]")
_BOUNDS = re.compile(r"\s*\[([^\]]*[<>]=?[^\]]*)\]")
_KEPT = "\0"
_OPTION = re.compile(r"(?<![\w`-])--([a-z][a-z-]+)")  # in plain text, which some renderers write with a dash


def with_generated_parts(text: str) -> str:
    """Return a page in which every generated part is as the program writes it now."""
    return _MARKED.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]()}\n\n{found[3]}", text)


def part_names(text: str) -> list[str]:
    """Return the names of the generated parts of a page."""
    return [name for _, name, _ in _MARKED.findall(text)]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in lines)


def _code(text: object) -> str:
    bare = str(text).replace("|", r"\|")
    return f"`{bare}`"


def _marked(text: str) -> str:
    return _OPTION.sub(r"`--\1`", _plain(text))


def _plain(text: str) -> str:
    return text.replace("|", r"\|")


# --- commands --------------------------------------------------------------------------------------------------------


def _commands() -> str:
    return "\n\n".join(_command(path, command) for path, command in COMMANDS.items())


def _command(path: tuple[str, ...], command: click.Command) -> str:
    context = _context(command, " ".join([PROGRAM, *path]))
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parts = [f"{'#' * (1 + len(path))} {' '.join(path)}", f"```text\n{usage}\n```", *_paragraphs(command.help or "")]
    if isinstance(command, click.Group):
        return "\n\n".join(parts)
    return "\n\n".join([*parts, *_option_tables(command, context)])


def _context(command: click.Command, name: str) -> click.Context:
    # A command keeps the help option it was first asked for: its names must be those of the program.
    return click.Context(command, info_name=name, help_option_names=["-h", "--help"])


def _paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs of a help text; what stands after a form feed is not for people."""
    for paragraph in inspect.cleandoc(text.partition("\f")[0]).split("\n\n"):
        if paragraph.startswith("\b"):
            kept = paragraph.removeprefix("\b").strip("\n")
            yield f"```text\n{kept}\n```"
        else:
            # A line that began in the midst of code could be taken for an item of a list.
            marked = _OPTION.sub(r"`--\1`", " ".join(paragraph.split()))
            text = re.sub(r"`[^`]+`", lambda found: found[0].replace(" ", _KEPT), marked)
            yield textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False).replace(_KEPT, " ")


def _option_tables(command: click.Command, context: click.Context) -> Iterator[str]:
    """Yield a table of options for each section of the help."""
    sections: Mapping[str, str] = getattr(command, "sections", {})
    heading, rows = "", list[tuple[str, ...]]()
    for parameter in command.get_params(context):
        if parameter.name in sections:
            yield from _section(heading, rows)
            heading, rows = sections[str(parameter.name)], []
        record = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
        if record is not None and "--help" not in parameter.opts:
            rows.append(_option_row(*record))
    yield from _section(heading, rows)


def _section(heading: str, rows: list[tuple[str, ...]]) -> Iterator[str]:
    if rows:
        yield (f"{heading}:\n\n" if heading else "") + _table(("option", "meaning", "default"), rows)


def _option_row(names: str, told: str) -> tuple[str, ...]:
    meaning, default = split_default(told)
    return _code(names), _marked(meaning), _marked(default)


def split_default(told: str) -> tuple[str, str]:
    """Split the help of an option into its meaning, with the bounds, and its default."""
    found = _DEFAULT.search(told)
    default = found[1] if found else ""
    rest = _DEFAULT.sub("", told, count=1)
    bounds = [*_BOUNDS.findall(rest), *([found[2]] if found and found[2] else [])]
    meaning = _BOUNDS.sub("", rest).strip()
    return " ".join([meaning, *(f"({one})" for one in bounds)]), default


def _exit_codes() -> str:
    return _table(("code", "meaning"), ((str(int(code)), meaning) for code, meaning in MEANINGS.items()))


# --- options in Python -----------------------------------------------------------------------------------------------


def _options() -> str:
    parameters = {parameter.name: parameter for parameter in COMMANDS["search",].params}
    context = _context(COMMANDS["search",], PROGRAM)
    return _table(
        ("key", "type", "meaning", "default"),
        (
            (_code(name), _code(kind), *_meaning(name, parameters[name], context))
            for name, kind in option_types().items()
        ),
    )


def _meaning(name: str, parameter: click.Parameter, context: click.Context) -> tuple[str, str]:
    """Return what the help of the command says of an option, in the words of Python."""
    assert isinstance(parameter, click.Option)
    record = parameter.get_help_record(context)
    assert record is not None
    told, default = (_OPTION.sub(_as_key, text) for text in split_default(record[1]))
    return _plain(told), _plain(default) or ("`False`" if parameter.is_flag else "`None`")


def _as_key(found: re.Match[str]) -> str:
    return f"`{found[1].replace('-', '_')}`"


def option_types() -> dict[str, str]:
    """Return the types of the options of `search`, as they are written."""
    (declared,) = ast.parse(textwrap.dedent(inspect.getsource(SearchOptions))).body
    assert isinstance(declared, ast.ClassDef)
    found = [node for node in declared.body if isinstance(node, ast.AnnAssign)]
    return {ast.unparse(node.target): ast.unparse(node.annotation) for node in found}


def _errors() -> str:
    kinds = errors.AutokerasLiteError.__subclasses__()
    rows = ((_code(k.__name__), (k.__doc__ or "").rstrip("."), str(int(code_of_error(k(""))))) for k in kinds)
    return _table(("error", "what it says", "exit code of the command"), rows)


def _pictures() -> str:
    rows = (
        (_code(name), _plain(f"{one.title.rstrip('?')}. {one.explanation}"), _plain(one.needs))
        for name, one in FIGURES.items()
    )
    return _table(("name", "what it shows", "needs"), rows)


# --- tracking --------------------------------------------------------------------------------------------------------


def _names(what: str) -> str:
    rows = ((_code(name.key), name.runs, _marked(name.meaning)) for name in NAMES if name.what == what)
    return _table((what, "carried by", "what it says"), rows)


# --- spaces ----------------------------------------------------------------------------------------------------------


def _training() -> str:
    recipes = recipe_fields(TrainingConfig)
    rows = ((*_setting_cells(setting), _yes(name in recipes)) for name, setting in TRAINING_SETTINGS.items())
    return _table(("key", "default", "values", "recipe"), rows)


def _layers() -> str:
    rows = (
        (_code(kind.name), kind.takes, ", ".join(map(_code, kind.settings)) or "none", _yes(kind.has_lanes))
        for kind in LAYERS.values()
    )
    return _table(("kind", "takes", "settings", "trains in lanes"), rows)


def _layer_settings() -> str:
    users: dict[tuple[str, str, str, str], list[str]] = {}
    for kind in LAYERS.values():
        for setting in kind.settings.values():
            users.setdefault((*_setting_cells(setting), _yes(setting.is_recipe)), []).append(kind.name)
    rows = ((*cells, ", ".join(names)) for cells, names in users.items())
    return _table(("setting", "default", "values", "recipe", "of"), rows)


def _families() -> str:
    return "\n\n".join(_family(name) for name in FAMILIES if name != "layer_stack")


def _family(name: str) -> str:
    config = FAMILIES[name].config_type
    recipes = recipe_fields(config)
    rows = []
    for field in fields(config):
        options = tuple(field.metadata.get("options", ()))
        setting = Setting(field.name, field.default, options=options)
        rows.append((*_setting_cells(setting), _yes(field.name in recipes)))
    table = _table(("key", "default", "values", "recipe"), rows)
    return "\n\n".join([f"### {name}", FAMILIES[name].summary, *_paragraphs(config.__doc__ or ""), table])


def _setting_cells(setting: Setting) -> tuple[str, str, str]:
    words = setting.options or ()
    values = ", ".join(map(_code, words)) if words else _plain(setting.expected)
    return _code(setting.name), _code(_toml(setting.default)), values


def _toml(value: bool | int | float | str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.1f}" if value.is_integer() else f"{value:.4g}"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _yes(holds: bool) -> str:
    return "yes" if holds else ""


PARTS: Mapping[str, Callable[[], str]] = {
    "commands": _commands,
    "exit_codes": _exit_codes,
    "options": _options,
    "errors": _errors,
    "pictures": _pictures,
    "tags": lambda: _names(TAG),
    "parameters": lambda: _names(PARAMETER),
    "metrics": lambda: _names(METRIC),
    "training": _training,
    "layers": _layers,
    "layer_settings": _layer_settings,
    "families": _families,
}
