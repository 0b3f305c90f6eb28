"""Pictures of networks: what is read from a model file, what is drawn, and that a picture keeps every path."""

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from written_searches import layer, network_layers, write_model_file

from autokeras_lite.errors import ArtifactError
from autokeras_lite.report.architecture import Layer, Network, read_networks
from autokeras_lite.report.drawing import draw_network


def read(tmp_path: Path, *networks: list[Any]) -> tuple[Network, ...]:
    write_model_file(tmp_path / "model.keras", networks)
    return read_networks(tmp_path / "model.keras")


def test_small_layers_are_told_with_the_layer_in_front(tmp_path: Path) -> None:
    (network,) = read(tmp_path, network_layers())
    told = {one.name: (one.title, one.details, one.inputs) for one in network.layers}
    assert told["dense_0"] == ("Dense 64", ("batch normalisation", "relu", "dropout 0.1"), ("features",))
    assert told["add_1"][2] == ("dense_0", "dense_1")
    assert not told.keys() & {"norm_0", "activation_0", "dropout_0"}


def test_embeddings_of_many_columns_are_one_box(tmp_path: Path) -> None:
    (network,) = read(tmp_path, network_layers())
    (embedding,) = [one for one in network.layers if "Embedding" in one.title]
    assert (embedding.title, embedding.count, embedding.inputs) == ("4 x Embedding", 4, ("codes",))
    assert embedding.details == ("widths 2, 3, 4, 5",)


def test_an_ensemble_has_a_picture_for_each_network(tmp_path: Path) -> None:
    networks = read(tmp_path, network_layers(), network_layers())
    assert [one.name for one in networks] == ["network_1", "network_2"]


def test_what_leads_to_no_output_is_left_out(tmp_path: Path) -> None:
    layers = network_layers()
    layers.insert(2, layer("Dense", "idle", [("numbers", [None, 6])], units=3))
    (network,) = read(tmp_path, layers)
    assert "idle" not in {one.name for one in network.layers}


@pytest.mark.parametrize("damage", ["no zip", "no config", "a circle", "no network"])
def test_a_damaged_file_is_told_in_words(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "model.keras"
    layers = network_layers()
    if damage == "a circle":
        layers[-2]["inbound_nodes"][0]["args"][0][0]["config"]["keras_history"][0] = "outputs"
    write_model_file(file, [layers])
    if damage == "no zip":
        file.write_bytes(b"no zip")
    elif damage in ("no config", "no network"):
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("config.json" if damage == "no network" else "other.json", '{"config": {"layers": []}}')
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_networks(file)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    layers: list[Layer] = []
    for index in range(draw(st.integers(1, 12))):
        known = [one.name for one in layers]
        sources = draw(st.lists(st.sampled_from(known), unique=True, max_size=3)) if known else []
        details = tuple(draw(st.lists(st.text("abc ", max_size=50), max_size=3)))
        layers.append(Layer(f"l{index}", f"Layer {index}", details, "8", tuple(sources)))
    return Network("network", tuple(layers))


@given(networks())
@settings(max_examples=60, deadline=None)
def test_boxes_do_not_overlap_and_everything_is_inside_the_picture(network: Network) -> None:
    drawing = draw_network(network)
    assert len(drawing.boxes) == len(network.layers)
    assert len(drawing.paths) == sum(len(one.inputs) for one in network.layers)
    for number, box in enumerate(drawing.boxes):
        assert box.left >= 0
        assert box.left + box.width <= drawing.width
        assert box.bottom <= drawing.height
        for other in drawing.boxes[:number]:
            beside = box.left >= other.left + other.width or other.left >= box.left + box.width
            assert beside or box.top >= other.bottom or other.top >= box.bottom
    for path in drawing.paths:
        places = [float(word) for word in re.findall(r"-?\d+\.\d", path)]
        assert min(places) >= 0
        assert max(places) <= max(drawing.width, drawing.height)


@given(networks())
@settings(max_examples=60, deadline=None)
def test_every_layer_stands_below_what_it_takes(network: Network) -> None:
    boxes = {box.layer.name: box for box in draw_network(network).boxes}
    for one in network.layers:
        for source in one.inputs:
            assert boxes[source].bottom < boxes[one.name].top
