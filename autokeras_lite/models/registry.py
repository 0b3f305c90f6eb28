"""The families that a space may name. Knows no Keras: see `autokeras_lite.models.build` for the models themselves."""

from collections.abc import Mapping
from types import MappingProxyType

from autokeras_lite.models import (
    layer_stack,
    tabular_ft_transformer,
    tabular_mlp,
    tabular_realmlp,
    tabular_resnet,
    tabular_tabm,
)
from autokeras_lite.models.family import Family

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        family.name: family
        for family in (
            layer_stack.FAMILY,
            tabular_ft_transformer.FAMILY,
            tabular_mlp.FAMILY,
            tabular_realmlp.FAMILY,
            tabular_resnet.FAMILY,
            tabular_tabm.FAMILY,
        )
    }
)
