"""Laws of following a row through a stack."""

import pytest

from autokeras_lite.data.dataset import InputKind
from autokeras_lite.errors import SpaceError
from autokeras_lite.spaces.shapes import Shortcut, has_lanes, repair_stack, shortcut_between, trace_shapes


def layer(slot, kind, **settings):  # the settings of any layer, as a stack holds them
    return {"slot": slot, "kind": kind, "settings": settings}


def shapes(stack, shape, kind=None):
    return [shape for _, shape in trace_shapes(stack, shape, kind)]


@pytest.mark.parametrize(
    ("stack", "shape", "kind", "text"),
    [
        ([layer("features.conv", "Conv2D")], (14,), InputKind.TABLE,
         r"slot 'features.conv' is a Conv2D and takes \(height, width, channels\); it got a row of 14 numbers \(14,\). "
         "Use it on image data, or put a Reshape before it."),
        ([layer("a", "Dense")], (9,), InputKind.TOKENS,
         r"takes anything but tokens; it got a row of 9 tokens \(9,\). Put an Embedding first"),
        ([layer("a", "Embedding")], (9,), InputKind.TABLE, "slot 'a' is a Embedding and takes tokens"),
        ([layer("a", "Embedding"), layer("b", "Embedding")], (9,), InputKind.TOKENS, "'b'.*only tokens are embedded"),
        ([layer("a", "Flatten"), layer("b", "LSTM")], (9, 2), None, "slot 'b' is a LSTM and takes .time, channels."),
        ([layer("a", "Dens")], (9,), None, "slot 'a' is a 'Dens'.*Did you mean 'Dense'"),
        ([layer("a", "Reshape", target="4x4x-1")], (9,), None, "'a' is a Reshape: target is '4x4x-1'.*holds 9 values"),
        ([layer("a", "Reshape", target="4x4")], (9,), None, "Expected sizes that multiply to 9"),
        ([{"slot": "a", "residual": [layer("b", "Flatten")]}], (4, 4, 1), None, "slot 'a' is residual and goes from"),
        ([{"slot": "a", "residual": [layer("b", "Conv2D", padding="valid")]}], (28, 28, 1), None,
         "Set padding = 'same'"),
        ([{"slot": "a", "residual": [layer("b", "Embedding")]}], (9,), InputKind.TOKENS,
         "slot 'a' is residual and got tokens"),
        ([{"slot": "a", "join": "add", "branches": [[], [layer("b", "MaxPooling1D")]]}], (9, 2), None,
         "slot 'a' joins branches of shapes"),
        ([{"slot": "a", "join": "add", "branches": [[], []]}], (9,), InputKind.TOKENS, "slot 'a' joins tokens"),
        ([layer("a", "Dense")], (2, 2, 2, 2), None, "Expected one to three dimensions"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_with_the_slot_named(stack, shape, kind, text):
    for function in (trace_shapes, repair_stack):
        with pytest.raises(SpaceError, match=text) as caught:
            function(stack, shape, kind)
        assert len(str(caught.value)) <= 260


def test_a_window_beyond_the_input_is_refused_by_tracing_and_shrunk_by_repair():
    stack = [layer("a", "Conv2D", kernel_size=9, padding="valid"), layer("b", "MaxPooling2D", pool_size=4)]
    with pytest.raises(SpaceError, match=r"slot 'a' is a Conv2D and leaves nothing of an image \(8, 6, 1\)"):
        trace_shapes(stack, (8, 6, 1))
    repaired = repair_stack(stack, (8, 6, 1))
    assert [(node["slot"], node["settings"].get("kernel_size")) for node in repaired] == [("a", 6)]
    assert shapes(repaired, (8, 6, 1)) == [(3, 1, 32), (96,)]


def test_poolings_of_a_single_pixel_are_left_out():
    pools = [layer(f"pool{i}", "MaxPooling2D", pool_size=2) for i in range(5)]
    repaired = repair_stack(pools, (8, 8, 3))
    assert [node["slot"] for node in repaired] == ["pool0", "pool1", "pool2"]
    assert shapes(repaired, (8, 8, 3))[-1] == (3,)
    assert repair_stack([layer("a", "MaxPooling1D", pool_size=2, padding="same")], (1, 3)) == []


def test_a_block_that_is_left_empty_disappears():
    assert repair_stack([{"slot": "a", "residual": [layer("b", "MaxPooling1D")]}], (1, 3)) == []


def test_repairing_twice_changes_nothing():
    stack = [
        layer("a", "Conv1D", kernel_size=40, padding="valid", strides=3),
        {"slot": "b", "residual": [layer("b.c", "Conv1D", strides=2), layer("b.d", "AveragePooling1D", pool_size=7)]},
        layer("e", "MaxPooling1D", pool_size=8, strides=5),
    ]
    for length in (1, 2, 5, 30, 100):
        once = repair_stack(stack, (length, 2))
        assert repair_stack(once, (length, 2)) == once
        trace_shapes(once, (length, 2))


@pytest.mark.parametrize(
    ("before", "after", "shortcut"),
    [
        ((8,), (8,), Shortcut(None, None)),
        ((8,), (4,), Shortcut(None, 4)),
        ((28, 28, 3), (14, 14, 3), Shortcut((2, 2), None)),
        ((7, 9, 3), (4, 9, 8), Shortcut((2, 1), 8)),
    ],
)
def test_a_shortcut_pools_and_projects_where_shapes_differ(before, after, shortcut):
    assert shortcut_between(before, after) == shortcut


def test_branches_are_concatenated_or_projected_to_the_first():
    branches = [[layer("b", "Dense", units=5)], [layer("c", "Dense", units=7)]]
    assert shapes([{"slot": "a", "join": "add", "branches": branches}], (3,))[-1] == (5,)
    assert shapes([{"slot": "a", "join": "concatenate", "branches": branches}], (3,))[-1] == (12,)


def test_few_values_are_flattened_at_the_end_and_many_are_averaged():
    assert shapes([], (32, 32)) == [(1024,)]
    assert shapes([], (33, 32)) == [(32,)]
    assert shapes([], (5000,)) == [(5000,)]


def test_any_convolution_anywhere_takes_the_lanes_away():
    conv = layer("c", "SeparableConv2D")
    assert has_lanes([layer("a", "Dense"), {"slot": "b", "residual": [layer("c", "LSTM")]}])
    assert not has_lanes([{"slot": "b", "residual": [{"slot": "d", "join": "add", "branches": [[], [conv]]}]}])
