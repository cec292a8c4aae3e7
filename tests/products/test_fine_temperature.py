"""The detail of temperature, season by season: its calendar, its composites, and passes that keep coarse means."""

from functools import partial

import dask
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from cryoscale import thermal
from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.products.fine_temperature import (
    Calendar,
    DailyFill,
    Period,
    Pooling,
    Sharpening,
    composite,
    covariates_of,
    daily_means,
    groups_of,
    keep_means,
    label_of,
    land_covariates,
    learn_images,
    sharpen_images,
    weights_of,
)
from cryoscale.thermal.footprint import block_means, interpolate

FACTOR = 4
SEASONS = Calendar((2019, 2020), Period.SEASON)
SETS = {"one": ("height",), "all": ("height", "sun", "green")}
OPTIONS = Sharpening(trees=4, leaves=16, n_folds=3, block_size=2, n_samples=400, lst_factor=FACTOR, ndvi_factor=FACTOR)
compute = partial(xr.Dataset.compute, scheduler="synchronous")

calendars = st.builds(
    Calendar, st.sets(st.integers(2000, 2024), min_size=1, max_size=4).map(sorted).map(tuple), st.sampled_from(Period)
)


def grid(shape, resolution):
    rows, columns = shape
    return grid_coords(GeoBox.from_bbox((0, 0, columns * resolution, rows * resolution), "EPSG:32647", shape=shape))


def days_of(first, last):
    return pd.date_range(first, last, unit="ns").to_numpy()


def times_of(calendar):
    return {"time": calendar.middle().to_numpy()}


@pytest.fixture(scope="module")
def covariates():
    """Fine: one that does not change, one by part of the year, one by step."""
    rng = np.random.default_rng(0)
    n_steps, shape = 2 * SEASONS.parts, (32, 40)
    fields = {
        "height": (("y", "x"), rng.normal(size=shape)),
        "sun": (("part", "y", "x"), rng.normal(size=(SEASONS.parts, *shape))),
        "green": (("time", "y", "x"), rng.normal(size=(n_steps, *shape))),
    }
    return xr.Dataset(fields, {**grid(shape, 30.0), **times_of(SEASONS)}).astype("float32")


@pytest.fixture(scope="module")
def coarse(covariates):
    """What the covariates make of temperature, averaged; one image lacks a pixel."""
    height, sun, green = (covariates[name].values for name in ("height", "sun", "green"))
    fine = np.linspace(-12, 12, 8)[:, None, None] - 3 * height + np.tile(sun, (2, 1, 1)) + 2 * green
    means = block_means(fine, (FACTOR, FACTOR)).astype("float32")
    means[5, 0, 0] = np.nan
    return xr.DataArray(
        means, {**grid((8, 10), 120.0), **times_of(SEASONS)}, ("time", "y", "x"), "lst", {"units": "degC"}
    )


@pytest.fixture(scope="module")
def fitted(coarse, covariates):
    return sharpen_images(coarse, covariates, calendar=SEASONS, options=OPTIONS, factor=FACTOR, sets=SETS)


@pytest.fixture(scope="module")
def learned(fitted, coarse, covariates):
    return learn_images(fitted, coarse, covariates, calendar=SEASONS).compute()


def fine_of(images, fitted, learned):
    return keep_means(fitted, images, learned, factor=FACTOR, reduce=compute)


@given(calendar=calendars)
def test_the_middle_of_a_step_lies_in_it(calendar):
    middle = calendar.middle().to_numpy()
    assert len(middle) == len(calendar.years) * calendar.parts
    np.testing.assert_array_equal(calendar.step_of(middle), np.arange(len(middle)))
    np.testing.assert_array_equal(calendar.part_of(middle), np.arange(len(middle)) % calendar.parts)


@given(calendar=calendars, day=st.dates(pd.Timestamp("1999-01-01").date(), pd.Timestamp("2025-12-31").date()))
def test_days_of_other_years_have_no_step(calendar, day):
    step = int(calendar.step_of(np.array([day], "datetime64[ns]"))[0])
    if day.year not in calendar.years:
        assert step == -1
    else:
        middle = calendar.middle()[step]
        assert middle.year == day.year
        same = middle.month if calendar.period is Period.MONTH else middle.month % 12 // 3
        assert same == (day.month if calendar.period is Period.MONTH else day.month % 12 // 3)


def test_december_shares_a_season_with_january_of_its_own_year():
    days = np.array(["2019-01-15", "2019-02-28", "2019-03-01", "2019-12-01", "2020-01-01"], "datetime64[ns]")
    assert SEASONS.step_of(days).tolist() == [0, 0, 1, 0, 4]


@pytest.mark.parametrize("period", list(Period))
def test_the_sun_of_a_part_is_of_days_in_it(period):
    calendar = Calendar((2019,), period)
    for part in range(calendar.parts):
        days = pd.Timestamp("2018-12-31") + pd.to_timedelta(calendar.days_of_year(part), "D")
        assert set(calendar.part_of(days.to_numpy())) == {part}


@pytest.mark.parametrize(("pooling", "size"), [(Pooling.SEASON, 2), (Pooling.IMAGE, 1)])
def test_every_step_has_one_model(pooling, size):
    groups = list(groups_of(SEASONS, pooling))
    assert sorted(np.concatenate(groups).tolist()) == list(range(8))
    for steps in groups:
        assert len(steps) == size
        assert len(set(steps % SEASONS.parts)) == 1


def test_models_have_names():
    assert label_of(np.array([2, 6]), SEASONS) == "June to August"
    assert label_of(np.array([6]), SEASONS) == "June to August 2020"
    months = Calendar((2019, 2020), Period.MONTH)
    assert label_of(np.array([1, 13]), months) == "February"
    assert label_of(np.array([13]), months) == "February 2020"


def images_of(days, shape=(3, 4)):
    rng = np.random.default_rng(1)
    values = rng.normal(size=(len(days), *shape)).astype("float32")
    values[rng.random(values.shape) < 0.3] = np.nan
    return xr.DataArray(values, {"time": days, **grid(shape, 960.0)}, ("time", "y", "x"), "lst", {"units": "degC"})


def test_composites_are_means_of_what_was_seen(assert_lazy):
    images = images_of(days_of("2018-06-01", "2020-12-31"))
    with assert_lazy():
        lazy = composite(images.chunk(time=100), SEASONS)
    found = composite(images, SEASONS)
    assert found.dtype == "float32"
    assert found.attrs == {"units": "degC"}
    np.testing.assert_array_equal(found.time, SEASONS.middle())
    np.testing.assert_allclose(lazy.compute(), found, rtol=1e-5, atol=1e-6)
    years, months = images.time.dt.year.values, images.time.dt.month.values
    for step, chosen in {
        0: (years == 2019) & np.isin(months, (1, 2, 12)),
        2: (years == 2019) & np.isin(months, (6, 7, 8)),
        7: (years == 2020) & np.isin(months, (9, 10, 11)),
    }.items():
        np.testing.assert_allclose(found[step], np.nanmean(images.values[chosen].astype(float), axis=0), atol=1e-5)


def test_a_step_without_images_takes_the_mean_of_other_years():
    """As NDVI of 16 days in a month that a composite of it begins before."""
    images = images_of(days_of("2019-01-01", "2020-12-31"))
    summer_2020 = (images.time.dt.year == 2020) & images.time.dt.month.isin([6, 7, 8])
    found = composite(images.sel(time=~summer_2020), SEASONS)
    np.testing.assert_array_equal(found[6], found[2])
    assert not np.array_equal(found[4], found[0])


def test_daily_means_are_of_all_overpasses_after_each_is_filled():
    days = days_of("2018-12-01", "2020-12-31")
    season = 10 * np.sin(2 * np.pi * np.arange(len(days)) / 365.25)
    rng = np.random.default_rng(2)
    values = season[:, None, None] + np.array([8.0, -8.0])[:, None, None, None] + rng.normal(size=(2, len(days), 2, 2))
    values[0, 100:104] = np.nan  # a short gap by day
    values[1, 300:340] = np.nan  # a long one by night
    values[1, :, 0, 0] = np.nan  # and no night at all
    images = xr.DataArray(
        values.astype("float32"),
        {"overpass": ["terra_day", "terra_night"], "time": days, **grid((2, 2), 960.0)},
        ("overpass", "time", "y", "x"),
        attrs={"units": "degC"},
    )
    found = daily_means(images, DailyFill(linear_limit=10), years=(2019, 2020))
    assert found.time.values[[0, -1]].astype("datetime64[D]").astype(str).tolist() == ["2019-01-01", "2020-12-31"]
    assert bool(found.daily_lst[:, 0, 0].isnull().all())
    assert not found.daily_source[:, 0, 0].any()
    whole = found.isel(y=1)
    assert bool(whole.daily_lst.notnull().all())
    source = whole.daily_source.sel(time=days[[150, 101, 320]]).values
    assert source.tolist() == [[1, 1], [2, 2], [3, 3]]
    seen = whole.daily_lst.sel(time=days[150]).values
    np.testing.assert_allclose(seen, values[:, 150, 1].mean(axis=0), atol=1e-5)
    bridge = 0.5 * (values[0, 99, 1] + (values[0, 104, 1] - values[0, 99, 1]) * 2 / 5 + values[1, 101, 1])
    np.testing.assert_allclose(whole.daily_lst.sel(time=days[101]), bridge, atol=1e-5)
    assert found.daily_lst.attrs["units"] == "degC"


@pytest.mark.parametrize("period", list(Period))
def test_land_says_the_same_in_tiles(assert_lazy, period):
    rng = np.random.default_rng(3)
    heights = 4000 + 40 * np.cumsum(rng.normal(size=(48, 64)), axis=1).astype("float32")
    elevation = xr.DataArray(heights, grid((48, 64), 30.0), ("y", "x"), "elevation", {"units": "m"})
    calendar = Calendar((2019,), period)
    with assert_lazy():
        lazy = land_covariates(elevation.chunk(y=16, x=32), calendar)
    found = land_covariates(elevation, calendar).compute()
    assert found.potential_radiation.sizes["part"] == calendar.parts
    assert set(found.data_vars) == {"elevation", "slope", "aspect_sin", "aspect_cos", "potential_radiation"}
    xr.testing.assert_identical(lazy.compute(), found)


def test_south_is_sunnier_and_most_so_in_winter():
    """A roof whose ridge runs from west to east, at 38 degrees north."""
    distance = np.abs(np.arange(40) - 19.5)[:, None]
    box = GeoBox.from_bbox((515000, 4200000, 516200, 4201200), "EPSG:32647", shape=(40, 40))
    heights = (4000 - 9.0 * distance * np.ones((1, 40))).astype("float32")
    elevation = xr.DataArray(heights, grid_coords(box), ("y", "x"), "elevation", {"units": "m"})
    found = land_covariates(elevation, Calendar((2019,), Period.SEASON)).compute()
    north, south = (found.potential_radiation[:, row, 20].values for row in (10, 30))
    assert (south > north).all()
    assert (south / north).argmax() == 0  # December to February
    assert south.argmax() in (1, 2)


@pytest.mark.parametrize("part", range(4))
def test_covariates_of_steps_are_those_of_their_part(covariates, part):
    steps = np.array([part, part + 4])
    found = covariates_of(covariates, steps, SEASONS)
    np.testing.assert_array_equal(found.sun, covariates.sun[part])
    np.testing.assert_array_equal(found.green, covariates.green[steps])
    assert found.height.dims == ("y", "x")


def test_passes_give_what_the_downscaler_predicts(fitted, learned, coarse, covariates):
    fine = fine_of(coarse, fitted, learned)
    assert fine.dims == ("time", "y", "x")
    np.testing.assert_array_equal(fine.time, SEASONS.middle())
    for steps, model in fitted:
        expected = model.predict(coarse.isel(time=steps), covariates_of(covariates, steps, SEASONS))
        np.testing.assert_allclose(fine.isel(time=steps), expected, atol=2e-5)
    assert {steps.tolist()[0] for steps, _ in fitted} == set(range(4))
    assert max(float(model.pooled_weight_) for _, model in fitted) > 0.2  # else there is no detail to speak of


def test_fine_images_have_the_coarse_means(fitted, learned, coarse):
    fine = fine_of(coarse, fitted, learned)
    np.testing.assert_allclose(block_means(fine.values, (FACTOR, FACTOR)), coarse.values, atol=1e-4)
    detail = fine_of(xr.zeros_like(coarse), fitted, learned)
    assert float(abs(detail).max()) > 0.5
    np.testing.assert_allclose(block_means(detail.values, (FACTOR, FACTOR)), 0, atol=1e-5)


def test_any_day_on_the_detail_of_its_season_keeps_its_means(fitted, learned, coarse):
    """What the thawing index sums: a smooth field that keeps means, and a detail whose means are zero."""
    detail = fine_of(xr.zeros_like(coarse), fitted, learned)
    rng = np.random.default_rng(4)
    daily = coarse.isel(time=[0, 3, 7]).copy(data=rng.normal(0, 15, (3, *coarse.shape[1:])).astype("float32"))
    nodes = thermal.smooth_nodes(daily, FACTOR).values.astype(float)
    for step in range(8):
        fine = interpolate(nodes, (FACTOR, FACTOR)) + detail.values[[step]]
        np.testing.assert_allclose(block_means(fine, (FACTOR, FACTOR)), daily.values, atol=1e-4)


@pytest.mark.parametrize("tile", [{"y": 8, "x": 40}, {"y": 16, "x": 12}])
def test_tiles_change_no_bit(assert_lazy, fitted, learned, coarse, covariates, tile):
    cut = covariates.chunk(tile)
    with assert_lazy():
        lazy = learn_images(fitted, coarse, cut, calendar=SEASONS)
    assert lazy.chunksizes["time"] == (8,)
    with dask.config.set(scheduler="synchronous"):
        np.testing.assert_array_equal(lazy.compute(), learned)
        for images in (coarse, xr.zeros_like(coarse)):
            fine = fine_of(images, fitted, learned.chunk(time=-1, **tile))
            assert fine.chunks is not None
            np.testing.assert_array_equal(fine.compute(), fine_of(images, fitted, learned))


def test_weights_are_in_order_of_time(fitted):
    table = weights_of(fitted, calendar=SEASONS)
    np.testing.assert_array_equal(table.time, SEASONS.middle())
    assert (
        table.model.tolist()
        == [
            "December to February",
            "March to May",
            "June to August",
            "September to November",
        ]
        * 2
    )
    for steps, model in fitted:
        np.testing.assert_array_equal(table.weight[steps], model.weight_)


def test_every_image_can_have_a_model_of_its_own(coarse, covariates):
    own = OPTIONS.model_copy(update={"pooling": Pooling.IMAGE})
    fitted = sharpen_images(
        coarse.isel(time=slice(0, 4)),
        covariates.isel(time=slice(0, 4)),
        calendar=Calendar((2019,), Period.SEASON),
        options=own,
        factor=FACTOR,
        sets={"one": ("height",)},
    )
    assert [steps.tolist() for steps, _ in fitted] == [[0], [1], [2], [3]]
    labels = weights_of(fitted, calendar=Calendar((2019,), Period.SEASON)).model
    assert labels.tolist()[2] == "June to August 2019"


def test_every_option_reaches_the_downscaler():
    options = Sharpening(trees=7, leaves=11, n_folds=4, block_size=3, n_samples=123, seed=9)
    model = options.downscaler(5, SETS)
    assert (model.factor, model.n_folds, model.block_size, model.n_samples, model.seed) == (5, 4, 3, 123, 9)
    assert model.covariate_sets == {"one": ["height"], "all": ["height", "sun", "green"]}
    forest = model.regressor
    assert (forest.n_estimators, forest.max_leaf_nodes, forest.random_state) == (7, 11, 9)


def test_a_covariate_without_any_value_is_refused(coarse, covariates):
    empty = covariates.assign(height=covariates.height * np.nan)
    with pytest.raises(InputError, match="no pixel has a value together with all covariates in half of it"):
        sharpen_images(coarse, empty, calendar=SEASONS, options=OPTIONS, factor=FACTOR, sets=SETS)


def test_more_folds_than_blocks_are_refused(coarse, covariates):
    many = OPTIONS.model_copy(update={"block_size": 6, "n_folds": 5})
    with pytest.raises(InputError, match="5 folds of 4 groups"):
        sharpen_images(coarse, covariates, calendar=SEASONS, options=many, factor=FACTOR, sets=SETS)
