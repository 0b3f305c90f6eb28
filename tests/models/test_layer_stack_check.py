"""Laws of checking a space against its family."""

from dataclasses import dataclass, field

import pytest

from autokeras_lite.data.dataset import InputKind
from autokeras_lite.errors import SpaceError
from autokeras_lite.models.check import check_space
from autokeras_lite.models.family import Family
from autokeras_lite.models.layer_stack import FAMILY
from autokeras_lite.spaces.load import read_space
from autokeras_lite.trial import recipe


@dataclass(frozen=True)
class PlainConfig:
    depth: int = 2
    norm: str = field(default="none", metadata={"options": ("none", "batch")})
    label: str = "any text"
    dropout: float = recipe(0.1)


PLAIN = Family("plain", "", PlainConfig, frozenset({InputKind.TABLE}), lambda config: True)
FAMILIES = {"layer_stack": FAMILY, "plain": PLAIN}
STACK = '[[stack]]\nname = "features"\nslots = [{ name = "first", layers = [{ kind = "Dense" }] }, %s]'


def check(body, family="layer_stack", accepts="table"):
    head = f'family = "{family}"\nsummary = "one line"\naccepts = ["{accepts}"]\n'
    check_space(read_space((head + body).encode(), file="mine.toml", name="mine"), FAMILIES)


@pytest.mark.parametrize(
    ("body", "family", "accepts", "text"),
    [
        ("", "plian", "table", "family is 'plian'. Expected one of layer_stack, plain. Did you mean 'plain'?"),
        ("", "plain", "image", "accepts has 'image'. Expected kinds that plain takes: table"),
        ("", "layer_stack", "table", "family layer_stack needs a stack"),
        (STACK % '{ name = "b", layers = [{ kind = "Dense" }] }', "plain", "table", "family plain has no stack"),
        ("[parameters]\ndpeth = 3", "plain", "table", "'dpeth' is no field of the family.*mean 'depth'"),
        ("[parameters]\ndepth = 'deep'", "plain", "table", "depth is 'deep'. Expected a whole number"),
        ("[parameters]\nnorm = 'bach'", "plain", "table", "norm is 'bach'. Expected one of none, batch"),
        ("[parameters]\nepochs = 0", "plain", "table", "epochs is 0. Expected a whole number from 1"),
        ("[parameters]\noptimizer = 'adamm'", "plain", "table", "optimizer is 'adamm'.*Did you mean 'adam"),
        ("[parameters]\nschedule = 'cosin'", "plain", "table", "schedule is 'cosin'.*Did you mean 'cosine'"),
        (STACK % '{ name = "conv", layers = [{ kind = "Conv2D" }] }', "layer_stack", "table",
         r"Space mine: slot 'features.conv' is a Conv2D and takes \(height, width, channels\); it got a row of 128 "
         r"numbers \(128,\).*seen in the defaults"),
        (STACK % '{ name = "b", layers = [{ kind = "Dense" }, { kind = "Embedding" }] }', "layer_stack", "table",
         "slot 'features.b' is a Embedding.*seen in features.b.kind = Embedding"),
        (STACK % '{ name = "b", layers = [{ kind = "Dense" }] }', "layer_stack", "tokens",
         "slot 'features.first' is a Dense and takes anything but tokens.*Put an Embedding first"),
    ],
)  # fmt: skip
def test_a_space_that_does_not_fit_its_family_is_refused(body, family, accepts, text):
    with pytest.raises(SpaceError, match=text):
        check(body, family, accepts)


def test_a_space_that_fits_its_family_is_accepted():
    check("[parameters]\ndepth = 3\nnorm = 'batch'\nlabel = 'x y'\ndropout = 0\nlearning_rate = 0.01", "plain")
    check(STACK % '{ name = "b", layers = [{ kind = "Dense" }] }')
    check(STACK % '{ name = "b", layers = [{ kind = "GRU" }] }', accepts="sequence")
