"""Laws of loading spaces from files: each fault has its one line."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autokeras_lite.errors import SpaceError
from autokeras_lite.spaces.listing import shipped_file, shipped_names
from autokeras_lite.spaces.load import json_schema, load_space, read_space
from autokeras_lite.spaces.space import SearchSpace

HEAD = 'family = "layer_stack"\nsummary = "one line"\naccepts = ["table"]\n'
INT = '{ type = "int", low = 1, high = 8, default = 1 }'

BROKEN = {
    "family = ":
        "mine.toml is no TOML: Invalid value (at end of document). Correct that line.",
    'family = "x"\naccepts = ["table"]':
        "mine.toml: summary is missing. Expected a value. Add it.",
    HEAD.replace("table", "tabel"):
        "mine.toml: accepts[0] is 'tabel'. Expected 'table', 'image', 'sequence' or 'tokens'. Correct it.",
    HEAD + "[paramters]\ndepth = 1":
        "mine.toml: Key 'paramters' is unknown. Expected family, summary, accepts, switches, parameters, stack, "
        "portfolio. Did you mean 'parameters'?",
    HEAD + '[parameters]\ndepth = { type = "integer", low = 1, high = 2, default = 1 }':
        "mine.toml: parameters.depth.type is 'integer'. Expected one of int, float, choice. Did you mean 'int'?",
    HEAD + "[parameters]\ndepth = { low = 1, high = 2, default = 1 }":
        "mine.toml: parameters.depth has no type. Expected one of int, float, choice. Add it.",
    HEAD + '[parameters]\ndepth = { type = "int", low = 1, high = 6, default = 9 }':
        "mine.toml: parameters.depth: The default 9 is outside. Expected a whole number from 1 to 6. Move it inside.",
    HEAD + '[parameters]\ndepth = { type = "int", low = 1, hihg = 6, default = 1 }':
        "mine.toml: parameters.depth: Key 'hihg' is unknown. Expected when, type, low, high, default, step, log. "
        "Did you mean 'high'?",
    HEAD + '[parameters]\ndepth = { type = "int", low = 1, high = 2.5, default = 1 }':
        "mine.toml: parameters.depth.high is 2.5. Expected a whole number. Correct it.",
    HEAD + '[parameters]\ndepth = { type = "int", low = true, high = 2, default = 1 }':
        "mine.toml: parameters.depth.low is True. Expected a whole number. Correct it.",
    HEAD + "[parameters]\ndepth = 2020-01-01":
        "mine.toml: parameters.depth: It is a date. Expected a plain value or a range with a type. Correct it.",
    HEAD + f'[parameters]\ndepth = {INT[:-2]}, when = {{ optimizer = "sgd" }} }}':
        "mine.toml: depth depends on 'optimizer', which does not stand above it. Expected a parameter above it. Move "
        "or correct it.",
    HEAD + f"[parameters]\ndepth = {INT[:-2]}, when = {{ optimizer = [] }} }}":
        "mine.toml: parameters.depth.when: optimizer is an empty list. Expected at least one value. Add one.",
    HEAD + f"[parameters]\nlearning_rate.a = {INT}\nlearning_rate.b = {INT}":
        "mine.toml: learning_rate.a and learning_rate.b can both be active. Expected conditions that exclude each "
        "other. Correct 'when'.",
    HEAD + f'[parameters]\ndepth = {INT}\n[[portfolio]]\nname = "deep"\nmost_rows = 0.5':
        "mine.toml: portfolio entry 'deep': most_rows is 0.5. Expected a whole number from 1. Correct it.",
    HEAD + f'[parameters]\ndepth = {INT}\n[[portfolio]]\nname = "deep"\ndepth = 9':
        "mine.toml: portfolio entry 'deep': depth is 9. Expected a whole number from 1 to 8. Move it inside, or widen "
        "the range.",
    HEAD + '[[stack]]\nname = "hidden"\nlayers = [{ kind = "Dens" }]':
        "mine.toml: stack[0].layers[0].kind is 'Dens'. Expected a kind of layer. Did you mean 'Dense'?",
    HEAD + '[[stack]]\nname = "hidden"\nlayers = [{ kind = "Dense", unit = 3 }]':
        "mine.toml: stack[0].layers[0]: Key 'unit' is unknown. Expected units, activation, use_bias, initializer, l1, "
        "l2, kind. Did you mean 'units'?",
    HEAD + '[[stack]]\nname = "hidden"\nlayers = [{ kind = "Dense", units = 0 }]':
        "mine.toml: stack[0].layers[0].units is 0. Expected a whole number from 1 up to 16384. Correct it.",
    HEAD + '[[stack]]\nname = "hidden"\nlayers = [{ kind = "Activation", activation = "gelo" }]':
        "mine.toml: stack[0].layers[0].activation is 'gelo'. Expected one of linear, relu, leaky_relu, elu, selu, "
        "gelu, silu, mish, tanh, sigmoid. Did you mean 'gelu'?",
    HEAD + '[[stack]]\nname = "hidden"\nlayers = ["Dense"]':
        "mine.toml: stack[0].layers[0] is 'Dense'. Expected a table. Write it like { kind = \"Flatten\" }.",
    HEAD + '[[stack]]\nname = "hidden"':
        "mine.toml: stack[0]: A slot holds layers, slots or branches. Expected exactly one of them. Write layers = "
        "[...].",
    HEAD + '[[stack]]\nname = "Hidden layer"\nlayers = [{ kind = "Flatten" }]':
        "mine.toml: stack[0].name is 'Hidden layer'. Expected small letters, digits and _, beginning with a letter. "
        "Correct it.",
    HEAD + '[[stack]]\nname = "a"\nlayers = [{ kind = "Flatten" }]\n' * 2:
        "mine.toml: Slot 'a' stands twice. Expected each name once. Rename one of them.",
    HEAD + '[[stack]]\nname = "a"\nlayers = [{ kind = "Flatten" }, { kind = "Flatten" }]':
        "mine.toml: Slot 'a' has two options 'Flatten'. Expected each once. Put one into a named block.",
    HEAD + '[[stack]]\nname = "a"\ndefault = "Dense"\nlayers = [{ kind = "Flatten" }]':
        "mine.toml: Slot 'a' has default 'Dense'. Expected one of Flatten. Correct it.",
    HEAD + '[[stack]]\nname = "a"\nbranches = [[], []]':
        "mine.toml: stack[0]: branches and join belong together. Expected both or neither. Write join = 'add'.",
    HEAD + '[[stack]]\nname = "a"\nrepeats = 60\nslots = [{ name = "b", repeats = 60, layers = [{ kind = "LSTM" }] }]':
        "mine.toml: The stack can have 3,600 layers. Expected at most 1,000. Lower its repeats.",
    HEAD + '[parameters]\nhidden = 3\n[[stack]]\nname = "hidden"\nlayers = [{ kind = "Flatten" }]':
        "mine.toml: Slot and parameter are both called 'hidden'. Expected two names. Rename the slot.",
}  # fmt: skip


@pytest.mark.parametrize(("content", "line"), BROKEN.items(), ids=range(len(BROKEN)))
def test_each_fault_has_its_one_line(content, line):
    with pytest.raises(SpaceError) as caught:
        read_space(content.encode(), file="mine.toml", name="mine")
    assert str(caught.value) == line
    assert len(line) <= 250


def test_several_faults_are_told_at_once_a_line_each():
    content = HEAD + '[parameters]\ndepth = [1]\nwidth = { type = "int", low = 1, high = "six", default = 1 }'
    with pytest.raises(SpaceError) as caught:
        read_space(content.encode(), file="mine.toml", name="mine")
    assert str(caught.value).splitlines() == [
        "mine.toml: parameters.depth: It is a list. Expected a plain value or a range with a type. Correct it.",
        "mine.toml: parameters.width.high is 'six'. Expected a whole number. Correct it.",
    ]


TOKENS = re.compile(r'"[^"]*"|[A-Za-z_]+(?= = )|\b[\d.e+-]+\b|true|false|[\[\]{}]')
SPARE = ["0", "-1", "1e400", "nan", '""', '"relu"', "[]", "{}", "true", "kind", "when", '{ type = "int" }', "10" * 200]


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_read_or_refused_but_never_crashes(data):
    text = shipped_file(data.draw(st.sampled_from(["dense_stack", "sequence_stack"]))).read_text()
    for _ in range(data.draw(st.integers(1, 3))):
        match = data.draw(st.sampled_from(list(TOKENS.finditer(text))))
        text = text[: match.start()] + data.draw(st.sampled_from(SPARE)) + text[match.end() :]
    try:
        space = read_space(text.encode(), file="mine.toml", name="mine")
    except SpaceError:
        return
    space.assemble(space.defaults())


def test_a_space_is_loaded_from_a_path_under_the_name_of_its_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(shipped_file("dense_stack").read_bytes())
    space, shipped = load_space(str(path)), load_space("dense_stack")
    assert space.name == "mine"
    assert space.parameters == shipped.parameters


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dense_stak", "Space 'dense_stak' was given. Expected one of .*dense_stack.*Did you mean 'dense_stack'?"),
        ("missing.toml", "or a .toml file that exists"),
        (".", "or a .toml file that exists"),
    ],
)
def test_a_space_that_does_not_exist_is_refused(name, text):
    with pytest.raises(SpaceError, match=text):
        load_space(name)


def test_a_file_that_cannot_be_decoded_is_refused_by_name(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SpaceError, match=r"mine\.toml is not UTF-8"):
        load_space(str(path))


def test_the_json_schema_names_every_key_and_is_json():
    schema = json_schema()
    json.dumps(schema)
    assert set(schema["properties"]) == {"family", "summary", "accepts", "switches", "parameters", "stack", "portfolio"}
    assert schema["$defs"]["DenseForm"]["properties"]["units"]["default"] == 128
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_space_loads(name):
    assert isinstance(load_space(name), SearchSpace)
