import numpy as np
import pandas as pd
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox
from sklearn.linear_model import LinearRegression

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.thermal.downscaling import Downscaler
from cryoscale.thermal.footprint import aggregate, interpolate
from cryoscale.thermal.thaw_sums import downscaled_thaw, smooth_nodes

TIME = pd.date_range("2019-01-01", "2020-12-31")
FACTOR = (4, 3)


@pytest.fixture(scope="module")
def parts():
    rng = np.random.default_rng(0)
    season = -3 - 12 * np.cos(2 * np.pi * np.arange(TIME.size) / 365.25)
    nodes = (season[:, None, None] + rng.normal(0, 2, (TIME.size, 5, 6))).astype("float32")
    detail = rng.normal(0, 1.5, (4, 20, 18)).astype("float32")
    return (
        xr.DataArray(nodes, {"time": TIME}, ("time", "node_y", "node_x")),
        xr.DataArray(detail, dims=("step", "y", "x")),
        TIME.month.to_numpy() % 12 // 3,
    )


def test_sums_are_those_of_the_daily_fields(parts):
    nodes, detail, step = parts
    daily = interpolate(nodes.values.astype(float), FACTOR) + detail.values[step]
    table = np.stack([np.maximum(daily, 0)[TIME.year == year].sum(axis=0) for year in (2019, 2020)])
    days = np.stack([(daily > 0)[TIME.year == year].sum(axis=0) for year in (2019, 2020)])
    sums = downscaled_thaw(nodes, detail, step=step, factor=FACTOR)
    np.testing.assert_allclose(sums.ddt, table, rtol=1e-5)
    np.testing.assert_array_equal(sums.thawing_days, days)
    assert sums.year.values.tolist() == [2019, 2020]


@pytest.mark.parametrize("chunks", [{"y": 7, "x": 5}, {"y": 20, "x": 1}])
def test_chunks_make_no_difference(parts, assert_lazy, chunks):
    nodes, detail, step = parts
    whole = downscaled_thaw(nodes, detail, step=step, factor=FACTOR)
    with assert_lazy():
        lazy = downscaled_thaw(nodes.chunk(-1), detail.chunk(chunks), step=step, factor=FACTOR)
    xr.testing.assert_identical(lazy.compute(), whole)


def test_a_missing_node_spoils_its_neighbourhood_and_no_more(parts):
    nodes, detail, step = parts
    broken = nodes.copy()
    broken[200, 0, 0] = np.nan
    sums = downscaled_thaw(broken, detail, step=step, factor=FACTOR)
    assert np.isnan(sums.ddt[0, 0, 0])
    assert bool(sums.ddt[1].notnull().all())
    assert bool(sums.ddt[:, 10:, 10:].notnull().all())


def test_years_must_be_whole(parts):
    nodes, detail, step = parts
    with pytest.raises(InputError, match="from 2019-01-02 to 2020-12-31; thawing indices need whole calendar years"):
        downscaled_thaw(nodes[1:], detail, step=step[1:], factor=FACTOR)


def test_grids_must_fit(parts):
    nodes, detail, step = parts
    with pytest.raises(InputError, match=r"has 19 x 18 pixels, but the nodes with a factor of \(4, 3\) have 20 x 18"):
        downscaled_thaw(nodes, detail[:, 1:], step=step, factor=FACTOR)


@pytest.fixture
def make_grid():
    return lambda values: xr.DataArray(values, {"time": np.arange(len(values))}, ("time", "y", "x"))


def test_nodes_keep_the_means_of_coarse_pixels(make_grid):
    coarse = make_grid(np.random.default_rng(1).normal(size=(2, 5, 6)))
    nodes = smooth_nodes(coarse, FACTOR)
    fine = interpolate(nodes.values.astype(float), FACTOR)
    means = fine.reshape(2, 5, FACTOR[0], 6, FACTOR[1]).mean(axis=(2, 4))
    np.testing.assert_allclose(means, coarse.values, atol=1e-6)


def test_an_image_of_zeros_is_the_detail_that_days_share():
    """The result of a downscaler is linear in its image, so daily images need no learner of their own."""
    rng = np.random.default_rng(2)
    geobox = GeoBox.from_bbox((0, 0, 96 * 30, 96 * 30), "EPSG:32647", resolution=30)
    height = xr.DataArray(rng.normal(size=(96, 96)), grid_coords(geobox), ("y", "x"))
    coarse = aggregate(5 - 2 * height + 0.3 * rng.normal(size=(96, 96)), 4)
    model = Downscaler(LinearRegression(), factor=4).fit(coarse, height.to_dataset(name="height"))
    whole = model.predict(coarse, height.to_dataset(name="height"))
    detail = model.predict(xr.zeros_like(coarse), height.to_dataset(name="height"))
    nodes = smooth_nodes(coarse.expand_dims(time=[0]), 4)
    np.testing.assert_allclose(detail + interpolate(nodes.values.astype(float), (4, 4))[0], whole, atol=1e-5)
    assert float(model.weight_) > 0.5
