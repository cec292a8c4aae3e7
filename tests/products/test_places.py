from pathlib import Path
from types import SimpleNamespace

import pytest
from upath import UPath

from cryoscale.products.active_layer_inputs import ActiveLayerConfig
from cryoscale.products.deformation import DeformationConfig
from cryoscale.products.longterm import LongtermConfig
from cryoscale.products.moisture_inputs import MoistureConfig
from cryoscale.products.permafrost_inputs import PermafrostMapConfig
from cryoscale.products.places import store_path
from cryoscale.products.recession_inputs import RecessionConfig

CONFIGS = (
    ActiveLayerConfig,
    DeformationConfig,
    LongtermConfig,
    MoistureConfig,
    PermafrostMapConfig,
    RecessionConfig,
)


def test_stores_lie_in_the_output_unless_another_folder_is_named():
    config = SimpleNamespace(output=Path("results"), stores=None)
    assert store_path(config, "stack") == Path("results/stack.zarr")
    config.stores = Path("/scratch")
    assert store_path(config, "stack") == Path("/scratch/stack.zarr")
    config.stores = UPath("s3://bucket/prefix")
    assert str(store_path(config, "stack")) == "s3://bucket/prefix/stack.zarr"


@pytest.mark.parametrize("model", CONFIGS)
def test_every_product_can_keep_its_stores_elsewhere(model):
    assert {"output", "stores"} <= set(model.model_fields)
    assert "stores: null" in model.template()
