"""The scene of the mining district as files."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr

from cryoscale.grids import geobox_of
from cryoscale.readers.ice_content import read_ice_logs
from cryoscale.readers.points import locate, read_boreholes
from cryoscale.scenes.muli import muli_scene
from cryoscale.scenes.muli_files import muli_files, write_muli


@pytest.fixture(scope="module")
def scene():
    return muli_scene((96, 120), seed=2)


@pytest.fixture(scope="module")
def files(scene, tmp_path_factory):
    """Written over what another scene has left."""
    folder = tmp_path_factory.mktemp("scene") / "muli"
    folder.mkdir()
    scene.mine.to_file(muli_files(folder).mine, layer="others", driver="GPKG")
    return muli_files(write_muli(scene, folder))


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read(1), dataset


def test_maps_come_back(scene, files):
    maps = {files.dem: scene.elevation, files.units: scene.units, files.permafrost: scene.permafrost}
    maps |= {path: scene.bands[name] for name, path in files.bands.items()}
    for path, array in (maps | {files.active_layer_thickness: scene.active_layer_thickness}).items():
        values, dataset = read(path)
        np.testing.assert_array_equal(values, array.values)
        assert dataset.transform.almost_equals(geobox_of(array).transform, precision=1e-9)
        assert dataset.crs.to_epsg() == 32647
    with rasterio.open(files.units) as dataset:
        assert dataset.tags(1)["class_2"] == "lacustrine_bog"


def test_tables_come_back(scene, files):
    boreholes = read_boreholes(files.boreholes)
    np.testing.assert_allclose(boreholes.magt, scene.boreholes.magt)
    assert len(locate(boreholes, geobox_of(scene.elevation)).inside) == 48
    pd.testing.assert_frame_equal(pd.read_csv(files.labels), scene.labels, check_dtype=False)
    pd.testing.assert_frame_equal(pd.read_csv(files.ice_contents), scene.ice_contents, check_dtype=False)
    logs = read_ice_logs(files.ice_logs)
    pd.testing.assert_frame_equal(logs[scene.ice_logs.columns], scene.ice_logs, check_dtype=False)


def test_the_mine_comes_back(scene, files):
    assert len(gpd.list_layers(files.mine)) == 1
    back = gpd.read_file(files.mine)
    assert back.geometry.geom_equals(scene.mine.geometry).all()
    assert back.crs.to_epsg() == 32647
    for name in ("name", "kind", "depth", "height", "start", "end", "backfilled", "lake"):
        pd.testing.assert_series_equal(back[name], scene.mine[name], check_dtype=False)


def test_the_truth_comes_back(scene, files):
    with xr.open_zarr(files.truth, consolidated=False) as truth:
        assert truth.attrs["ice_volume_km3"] == scene.ice_volume
        np.testing.assert_array_equal(truth.magt, scene.magt)
        np.testing.assert_array_equal(truth.vegetation_class, scene.vegetation)
