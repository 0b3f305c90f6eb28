"""Laws of stacks in which something may vary."""

import pytest

from autokeras_lite.errors import SpaceError
from autokeras_lite.models.check import RandomSuggester
from autokeras_lite.spaces.layers import LAYERS
from autokeras_lite.spaces.load import read_space

HEAD = 'family = "layer_stack"\nsummary = "one line"\naccepts = ["table"]\n'


def read(text, parameters=""):
    return read_space(f"{HEAD}{parameters}\n{text}".encode(), file="mine.toml", name="mine")


def names(space):
    return [parameter.name for parameter in space.parameters]


def slots(nodes):
    return [node["slot"] for node in nodes]


UNITS = '{ type = "int", low = 8, high = 64, default = 32 }'
REPEATS = '{ type = "int", low = 0, high = 3, default = 2 }'


def test_a_slot_with_one_kind_names_its_parameters_after_the_slot():
    space = read(f'[[stack]]\nname = "hidden"\nlayers = [{{ kind = "Dense", units = {UNITS} }}]')
    assert names(space) == ["hidden.units"]
    assert space.assemble({"hidden.units": 16})[0]["stack"] == [
        {"slot": "hidden", "kind": "Dense", "settings": {**LAYERS["Dense"].defaults, "units": 16}}
    ]


def test_a_slot_with_a_choice_names_the_kind_too_and_asks_only_for_the_chosen_one():
    space = read(
        f'[[stack]]\nname = "a"\nlayers = [{{ kind = "Dense", units = {UNITS} }}, {{ kind = "LSTM", units = {UNITS} }}]'
    )
    assert names(space) == ["a.kind", "a.Dense.units", "a.LSTM.units"]
    assert space.defaults() == {"a.kind": "Dense", "a.Dense.units": 32}
    chosen = space.assemble({"a.kind": "LSTM", "a.LSTM.units": 8})[0]["stack"]
    assert [(node["kind"], node["settings"]["units"]) for node in chosen] == [("LSTM", 8)]


def test_repeats_stand_one_after_the_other_and_widths_grow():
    space = read(
        f'[[stack]]\nname = "a"\nrepeats = {REPEATS}\n'
        'growth = { type = "choice", options = [0.5, 1.0], default = 0.5 }\n'
        f'slots = [{{ name = "b", layers = [{{ kind = "Dense", units = {UNITS} }}] }}]'
    )
    assert names(space) == ["a.repeats", "a.growth", "a.b.units"]
    stack = space.assemble({"a.repeats": 3, "a.growth": 0.5, "a.b.units": 10})[0]["stack"]
    assert slots(stack) == ["a.1.b", "a.2.b", "a.3.b"]
    assert [node["settings"]["units"] for node in stack] == [10, 5, 2]
    assert space.complete({"a.repeats": 1}) == {"a.repeats": 1, "a.b.units": 32}
    assert space.complete({"a.repeats": 0}) == {"a.repeats": 0}
    assert space.assemble({"a.repeats": 0})[0]["stack"] == []


def test_a_residual_slot_wraps_each_repeat():
    space = read(
        f'[[stack]]\nname = "a"\nrepeats = 2\nresidual = true\nlayers = [{{ kind = "Dense", units = {UNITS} }}]'
    )
    stack = space.assemble(space.defaults())[0]["stack"]
    assert slots(stack) == ["a.1", "a.2"]
    assert [slots(node["residual"]) for node in stack] == [["a.1"], ["a.2"]]


def test_branches_stand_side_by_side_with_a_searched_join():
    space = read(
        '[[stack]]\nname = "a"\njoin = { type = "choice", options = ["add", "concatenate"], default = "add" }\n'
        f'branches = [[], [{{ name = "b", layers = [{{ kind = "Dense", units = {UNITS} }}] }}]]'
    )
    assert names(space) == ["a.join", "a.b.units"]
    (node,) = space.assemble({"a.join": "concatenate", "a.b.units": 8})[0]["stack"]
    assert node["join"] == "concatenate"
    assert [slots(branch) for branch in node["branches"]] == [[], ["a.b"]]


def test_named_blocks_are_options_of_a_slot():
    space = read(
        '[[stack]]\nname = "body"\nlayers = [{ kind = "Identity" }, { block = "deep", slots = ['
        f'{{ name = "b", layers = [{{ kind = "Dense", units = {UNITS} }}] }}] }}]'
    )
    assert names(space) == ["body.kind", "body.deep.b.units"]
    stack = space.assemble({"body.kind": "deep", "body.deep.b.units": 8})[0]["stack"]
    assert slots(stack) == ["body.b"]
    assert space.assemble({"body.kind": "Identity"})[0]["stack"][0]["kind"] == "Identity"


def test_a_slot_whose_repeats_have_a_condition_is_left_out_where_it_does_not_hold():
    space = read(
        '[[stack]]\nname = "a"\nrepeats = { type = "int", low = 1, high = 2, default = 1, when = { deep = true } }\n'
        f'layers = [{{ kind = "Dense", units = {UNITS} }}]',
        '[switches]\ndeep = { type = "choice", options = [true, false], default = false }',
    )
    assert space.defaults() == {"deep": False}
    assert space.assemble(space.defaults())[0]["stack"] == []
    assert space.complete({"deep": True}) == {"deep": True, "a.repeats": 1, "a.units": 32}


def test_a_setting_whose_condition_does_not_hold_has_the_default_of_its_layer():
    space = read(
        '[[stack]]\nname = "a"\nlayers = [{ kind = "Dense", l2 = { type = "float", low = 0.1, high = 0.2, '
        'default = 0.1, when = { decayed = true } } }]',
        '[switches]\ndecayed = { type = "choice", options = [true, false], default = false }',
    )  # fmt: skip
    (node,) = space.assemble(space.defaults())[0]["stack"]
    assert node["settings"]["l2"] == 0.0


def test_a_condition_that_the_place_implies_may_not_be_stated_again():
    with pytest.raises(SpaceError, match=r"a.Dense.units depends on a.kind by its place already"):
        read(
            '[[stack]]\nname = "a"\nlayers = [{ kind = "Identity" }, { kind = "Dense", '
            'units = { type = "int", low = 1, high = 2, default = 1, when = { a.kind = ["Dense", "Identity"] } } }]'
        )


def test_recipe_parameters_of_a_stack_are_those_that_are_only_numbers():
    space = read(
        '[[stack]]\nname = "a"\nlayers = [{ kind = "Dropout", '
        'rate = { type = "float", low = 0.0, high = 0.5, default = 0.1 } }]\n'
        f'[[stack]]\nname = "b"\nlayers = [{{ kind = "Dense", units = {UNITS}, '
        'l1 = { type = "float", low = 0.0, high = 0.5, default = 0.1 } }]'
    )
    assert space.stack_recipe_names == {"a.rate", "b.l1"}


def test_a_slot_may_not_be_repeated_beyond_reason():
    with pytest.raises(SpaceError, match="The stack can have 4,096 layers"):
        read(
            '[[stack]]\nname = "a"\nrepeats = { type = "int", low = 1, high = 64, default = 1 }\n'
            'slots = [{ name = "b", repeats = { type = "choice", options = [1, 64], default = 1 }, '
            'layers = [{ kind = "Flatten" }] }]'
        )


def test_every_address_of_a_chosen_stack_stands_once():
    space = read(
        f'[[stack]]\nname = "a"\nrepeats = {REPEATS}\nslots = [{{ name = "b", repeats = {REPEATS}, slots = ['
        f'{{ name = "c", layers = [{{ kind = "Dense", units = {UNITS} }}] }}] }}, '
        '{ name = "c", layers = [{ kind = "Flatten" }] }]'
    )
    for seed in range(10):
        addresses = slots(space.assemble(space.suggest(RandomSuggester(seed)))[0]["stack"])
        assert len(set(addresses)) == len(addresses)
