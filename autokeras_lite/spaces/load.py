"""Reads a search space from its TOML file, or from the ones that ship with the program.

The form of such a file:

    family = "layer_stack"                 # which models are built
    summary = "Dense layers over a table"  # one line
    accepts = ["table"]                    # table, image, sequence, tokens

    [switches]                             # optional: choices that only steer the conditions below
    decayed = { type = "choice", options = [true, false], default = true }

    [parameters]                           # fields of the family's config and of TrainingConfig; parents above children
    epochs = 60                            # a plain value is fixed
    optimizer = { type = "choice", options = ["adamw", "sgd"], default = "adamw" }
    weight_decay = { type = "float", low = 1e-6, high = 0.1, default = 1e-4, log = true, when = { decayed = true } }
    # Variants of one field, where its range depends on something: their conditions exclude each other.
    learning_rate.adaptive = { type = "float", low = 1e-4, high = 1e-2, default = 1e-3, when = { optimizer = "adamw" } }
    learning_rate.sgd      = { type = "float", low = 1e-2, high = 1.0, default = 0.1, when = { optimizer = ["sgd"] } }

    [[stack]]                              # layer_stack only: slots, from the input to the output
    name = "body"
    repeats = { type = "int", low = 1, high = 4, default = 2 }   # body.repeats
    growth = 0.5                           # units and filters of each repeat, relative to the one before
    residual = false                       # or true, or a choice of both: body.residual
    slots = [                              # a nested block; else `layers` (options) or `branches` with a `join`
        { name = "mix", layers = [         # more than one option: body.mix.kind
            { kind = "Dense", units = { type = "int", low = 16, high = 256, default = 64, log = true } },
            { kind = "Identity" },
            { block = "gated", slots = [...] },
        ] },                               # body.mix.Dense.units, or body.mix.units where Dense is the only option
    ]

    [[portfolio]]                          # ready configurations, tried first; what they do not name has its default
    name = "large"
    body.repeats = 4

    [[portfolio]]
    name = "small"
    most_rows = 5000                       # comes after the others where more rows train
    body.repeats = 1
"""

from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from autokeras_lite.errors import SpaceError
from autokeras_lite.spaces.convert import as_search_space
from autokeras_lite.spaces.layers import LAYERS
from autokeras_lite.spaces.limits import check_marks, check_values
from autokeras_lite.spaces.listing import shipped_file, shipped_names
from autokeras_lite.spaces.schema import SpaceFile
from autokeras_lite.spaces.setting import suggestion
from autokeras_lite.spaces.space import SearchSpace
from autokeras_lite.spaces.toml_text import MOST_BYTES, parse_toml

_MOST_FAULTS = 10


def load_space(name_or_path: str) -> SearchSpace:
    """Load a shipped space by its name, or any space by the path of its file.

    Raises:
        SpaceError: there is no such space, or its file is wrong; one line for each fault.

    Example:
        >>> load_space("dense_stack").family
        'layer_stack'
    """
    if name_or_path in shipped_names():
        file = shipped_file(name_or_path)
        return read_space(file.read_bytes(), file=file.name, name=name_or_path)
    path = Path(name_or_path).expanduser()
    if path.suffix != ".toml" or not path.is_file():
        raise SpaceError(
            f"Space {name_or_path!r} was given. Expected one of {', '.join(shipped_names())}, or a .toml file that "
            f"exists.{suggestion(name_or_path, shipped_names())}"
        )
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise SpaceError(f"{path} cannot be read: {error.strerror}. Expected a readable file. Correct it.") from None
    return read_space(content, file=str(path), name=path.stem)


def read_space(content: bytes, *, file: str, name: str) -> SearchSpace:
    """Build a space called `name` from the content of a file; messages name it `file`.

    Raises:
        SpaceError: the content is wrong; one line for each fault.
    """
    check_marks(content, file)
    values = parse_toml(content, file)
    check_values(values, file)
    try:
        return as_search_space(SpaceFile.model_validate(values), name)
    except ValidationError as error:
        raise SpaceError(_describe(error, file)) from None
    except SpaceError as error:
        raise SpaceError(f"{file}: {error}") from None


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of a space file."""
    return SpaceFile.model_json_schema()


def _describe(error: ValidationError, file: str) -> str:
    faults = [f"{file}: {_fault(details)}" for details in error.errors(include_url=False)]
    rest = len(faults) - _MOST_FAULTS
    return "\n".join(faults[:_MOST_FAULTS] + ([f"{file}: and {rest} more."] if rest > 0 else []))


_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "a text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "string_pattern_mismatch": "small letters, digits and _, beginning with a letter",
    "too_short": "at least one entry",
}


def _fault(details: ErrorDetails) -> str:
    path, kind, came = _path(details["loc"]), details["type"], _shortened(details["input"])
    context = details.get("ctx", {})
    if kind == "space":
        return _joined(path, str(context["text"]))
    if kind == "missing":
        return f"{path} is missing. Expected a value. Add it."
    if kind == "union_tag_invalid":
        return _unknown_option(path, details["input"])
    if kind == "too_long":
        return f"{path} has too many entries. Expected at most {context['max_length']:,}. Remove some."
    if kind == "literal_error":
        return f"{path} is {came}. Expected {context['expected']}. Correct it."
    return f"{path} is {came}. Expected {_EXPECTED.get(kind, details['msg'])}. Correct it."


def _unknown_option(path: str, value: Any) -> str:
    if not isinstance(value, dict):
        return f'{path} is {_shortened(value)}. Expected a table. Write it like {{ kind = "Flatten" }}.'
    key = "kind" if path.endswith("]") else "type"
    known = tuple(LAYERS) if key == "kind" else ("int", "float", "choice")
    if key not in value:
        return f"{path} has no {key}. Expected one of {', '.join(known)}. Add it."
    hint = suggestion(str(value[key]), known)
    expected = "a kind of layer" if hint and key == "kind" else f"one of {', '.join(known)}"
    return f"{path}.{key} is {value[key]!r}. Expected {expected}.{hint or ' Correct it.'}"


def _joined(path: str, text: str) -> str:
    """Put the path before the text; a text that begins with the last name of the path goes on from it."""
    *_, last = path.split(".")
    if last and text.startswith(f"{last} "):
        return f"{path.removesuffix(last)}{text}"
    return f"{path}: {text}" if path else text


def _path(location: tuple[int | str, ...]) -> str:
    """Write the place of a fault as a person would: without the names of the options of a union."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif not part.startswith("<"):
            path += f".{part}" if path else part
    return path


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
