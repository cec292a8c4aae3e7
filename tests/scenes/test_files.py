"""The long-term scene as files, read back by the readers of real ones."""

import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr

from cryoscale.grids import geobox_of
from cryoscale.insar.sensors import sensor
from cryoscale.readers import find_licsar, open_stack, read_table
from cryoscale.readers.gacos import find_gacos
from cryoscale.scenes import TYPICAL, datong_longterm_scene, longterm_files, write_longterm
from cryoscale.scenes.covariates import COVARIATES
from cryoscale.scenes.files import GEOMETRY

NAMES = ("ERS-2", "Envisat", "ALOS-1", "ALOS-2")


@pytest.fixture(scope="module")
def scene():
    return datong_longterm_scene(seed=1, shape=(30, 36), end="2016-07-30", disturbances=TYPICAL)


@pytest.fixture(scope="module")
def files(scene, tmp_path_factory):
    return write_longterm(scene, tmp_path_factory.mktemp("scene") / "longterm")


def read_map(path):
    with rasterio.open(path) as dataset:
        return dataset.read(1), dataset.units[0], dataset.transform


def test_files_are_where_they_are_said_to_be(files):
    assert files == longterm_files(files.truth.parent)
    single = (files.sentinel1, files.gacos, files.lband_rate, files.stable, files.weather, files.truth)
    for path in (*single, *files.tables.values(), *files.covariates.values()):
        assert path.exists()


def test_sentinel1_is_read_as_a_licsar_frame(scene, files):
    stack = open_stack(find_licsar(files.sentinel1), strip_rows=30)
    np.testing.assert_array_equal(stack.unwrapped_phase, scene.sentinel1.unwrapped_phase)
    np.testing.assert_allclose(stack.incidence_angle, scene.sentinel1.incidence_angle, atol=1e-4)
    np.testing.assert_array_equal(stack.elevation, scene.sentinel1.elevation)
    assert stack.attrs["wavelength"] == pytest.approx(scene.sentinel1.attrs["wavelength"], rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_sparse_sensors_are_read_as_tables(scene, files, name):
    radar = sensor(name)
    table = read_table(
        files.tables[name],
        wavelength=radar.wavelength,
        sensor=name,
        incidence_angle=radar.incidence_angle,
        heading=scene.sparse[name].attrs["heading"],
        geometry={variable: f"{variable}.tif" for variable in GEOMETRY},
    )
    stack, expected = open_stack(table, strip_rows=30), scene.sparse[name].sortby(["reference", "secondary"])
    for date in ("reference", "secondary"):
        np.testing.assert_array_equal(stack[date].values, expected[date].values)
    np.testing.assert_array_equal(stack.unwrapped_phase, expected.unwrapped_phase)
    np.testing.assert_allclose(stack.coherence, expected.coherence, atol=0.5 / 255 + 1e-6)
    for variable in GEOMETRY:
        np.testing.assert_array_equal(stack[variable], expected[variable])
    assert stack.attrs == expected.attrs
    assert geobox_of(stack).shape == (30, 36)


def test_delays_of_all_days_are_found(scene, files):
    np.testing.assert_array_equal(list(find_gacos(files.gacos)), scene.zenith_delay.time.values.astype("datetime64[D]"))


def test_maps_carry_their_units_and_grid(scene, files):
    values, units, transform = read_map(files.lband_rate)
    assert units == "mm a-1"
    np.testing.assert_array_equal(values, scene.lband_rate)
    assert transform.almost_equals(geobox_of(scene.sentinel1).transform, precision=1e-9)
    np.testing.assert_array_equal(read_map(files.stable)[0], scene.truth["Sentinel-1"].stable)
    assert set(files.covariates) == set(COVARIATES)
    for name, path in files.covariates.items():
        values, units, _ = read_map(path)
        np.testing.assert_array_equal(values, scene.covariates[name])
        assert units == scene.covariates[name].units


def test_the_weather_is_a_table_by_day(scene, files):
    table = pd.read_csv(files.weather, parse_dates=["time"], index_col="time")
    assert list(table.columns) == ["surface_temperature", "cumulative_thawing_index"]
    np.testing.assert_array_equal(table.index, scene.weather.time)
    for name in table:
        np.testing.assert_allclose(table[name], scene.weather[name], atol=6e-4)


def test_the_truth_is_a_store_with_a_group_for_each_sensor(scene, files):
    for name, truth in scene.truth.items():
        with xr.open_zarr(files.truth, group=name, consolidated=False) as read:
            xr.testing.assert_equal(read.compute(), truth)


def test_written_again_it_is_the_same(scene, files):
    before = {path: path.read_bytes() for path in files.gacos.iterdir()}
    tables = {path: path.read_text() for path in files.tables.values()}
    assert write_longterm(scene, files.truth.parent) == files
    assert {path: path.read_bytes() for path in files.gacos.iterdir()} == before
    assert {path: path.read_text() for path in files.tables.values()} == tables
