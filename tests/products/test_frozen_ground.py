"""From degree-days to classes: formulas, means, periods, masks."""

import numpy as np
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox

from cryoscale import thermal
from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.products.frozen_ground import Change, compute_permafrost, default_change, require_periods
from cryoscale.variables import attributes

YEARS = list(range(2005, 2014))
SHAPE = (4, 6)
COORDS = grid_coords(GeoBox.from_bbox((78.0, 36.0, 78.06, 36.04), "EPSG:4326", shape=SHAPE))
DAYS = 365.25


@pytest.fixture
def sums():
    """It thaws ever more; from left to right it freezes less."""
    thaw = np.full((len(YEARS), *SHAPE), 1000.0) + 50 * np.arange(len(YEARS))[:, None, None]
    freeze = np.broadcast_to(np.linspace(2000, 700, SHAPE[1]), thaw.shape).copy()
    errors = {name: np.full(thaw.shape, 20.0) for name in ("ddt_error", "ddf_error")}
    days = {"thawing_days": np.full(thaw.shape, 150.0), "freezing_days": np.full(thaw.shape, 215.0)}
    dims = ("year", "y", "x")
    maps = {"ddt": thaw, "ddf": freeze, **errors, **days}
    return xr.Dataset(
        {name: (dims, values, attributes(name)) for name, values in maps.items()}, COORDS | {"year": YEARS}
    )


@pytest.fixture
def rk():
    return xr.Dataset(
        {
            name: (("y", "x"), np.full(SHAPE, value), attributes(name))
            for name, value in (("rk", 0.8), ("rk_error", 0.05))
        },
        COORDS,
    )


@pytest.fixture
def masks():
    nowhere = np.zeros(SHAPE, bool)
    glacier, lake = nowhere.copy(), nowhere.copy()
    glacier[0, :2] = True
    lake[0, 1:3] = True
    names = {"glacier": glacier, "lake": lake}
    return xr.Dataset({name: (("y", "x"), where, attributes(name)) for name, where in names.items()}, COORDS)


def test_ttop_by_hand(sums, rk):
    result = compute_permafrost(sums, rk, bias=0.3, masks=xr.Dataset())
    ddt, ddf = sums.ddt.values, sums.ddf.values
    expected = np.where(0.8 * ddt <= ddf, (0.8 * ddt - ddf) / DAYS, (ddt - ddf / 0.8) / DAYS)
    np.testing.assert_allclose(result.ttop, expected, rtol=1e-6)
    np.testing.assert_array_equal(result.ground_class, np.where(expected <= 0, 1, 2))
    ddt, ddf = ddt.mean(0), ddf.mean(0)
    np.testing.assert_allclose(result.mean_ddt, ddt)
    np.testing.assert_allclose(result.mean_ttop, expected.mean(0), rtol=1e-6)
    np.testing.assert_array_equal(result.mean_ground_class, np.where(expected.mean(0) <= 0, 1, 2))
    assert set(np.unique(result.mean_ground_class)) == {1, 2}


def test_probability_and_class_agree(sums, rk):
    result = compute_permafrost(sums, rk, bias=0.3, masks=xr.Dataset())
    np.testing.assert_array_equal(result.permafrost_probability >= 0.5, result.ground_class == 1)
    surer = compute_permafrost(sums, rk, bias=0.0, masks=xr.Dataset())
    assert bool((surer.mean_ttop_error < result.mean_ttop_error).all())
    frozen = result.mean_ground_class == 1
    better = surer.mean_permafrost_probability >= result.mean_permafrost_probability
    assert bool(better.where(frozen, True).all())


def test_warming_takes_permafrost_between_the_periods(sums, rk):
    result = compute_permafrost(sums, rk, bias=0.3, masks=xr.Dataset())
    first, last = (0.8 * sums.ddt[years].mean("year") - sums.ddf[0] <= 0 for years in (slice(0, 3), slice(6, 9)))
    names = dict(zip(result.permafrost_change.flag_meanings.split(), result.permafrost_change.flag_values, strict=True))
    np.testing.assert_array_equal(result.permafrost_change == names["degraded"], first & ~last)
    np.testing.assert_array_equal(result.permafrost_change == names["stable_permafrost"], first & last)
    assert bool((first & ~last).any())
    assert (result.attrs["first_period"], result.attrs["last_period"]) == ("2005-2007", "2011-2013")


def test_periods_can_be_chosen(sums, rk):
    change = Change(first=(2005, 2005), last=(2013, 2020))
    result = compute_permafrost(sums, rk, bias=0.3, masks=xr.Dataset(), change=change)
    by_hand = thermal.permafrost_change(*(result.ground_class.sel(year=year) for year in (2005, 2013)))
    np.testing.assert_array_equal(result.permafrost_change, by_hand)


def test_ice_and_water_have_classes_of_their_own(sums, rk, masks):
    result = compute_permafrost(sums, rk, bias=0.3, masks=masks)
    assert result.mean_ground_class[0, :3].values.tolist() == [3, 3, 4]
    bare = compute_permafrost(sums, rk, bias=0.3, masks=masks[["lake"]])
    assert bare.mean_ground_class[0, :3].values.tolist() == [1, 4, 4]
    np.testing.assert_array_equal(result.mean_ground_class[1:], bare.mean_ground_class[1:])


def test_a_year_without_sums_has_no_class_and_does_not_count(sums, rk):
    holed = sums.copy(deep=True)
    holed.ddt[0] = np.nan
    holed.ddf[:, 2, 3] = np.nan
    result = compute_permafrost(holed, rk, bias=0.3, masks=xr.Dataset())
    assert not result.ground_class[0].any()
    rest = compute_permafrost(sums.isel(year=slice(1, None)), rk, bias=0.3, masks=xr.Dataset())
    np.testing.assert_allclose(result.mean_ttop[:2], rest.mean_ttop[:2])
    assert result.mean_ground_class[2, 3] == 0
    assert np.isnan(result.mean_permafrost_probability[2, 3])
    assert result.permafrost_change[2, 3] == 0


def test_lazy_as_eager(sums, rk, masks, assert_lazy):
    eager = compute_permafrost(sums, rk, bias=0.3, masks=masks)
    for chunks in ({"y": 2, "x": 3}, {"y": 4, "x": 6}):
        with assert_lazy():
            lazy = compute_permafrost(sums.chunk(chunks), rk.chunk(chunks), bias=0.3, masks=masks.chunk(chunks))
        assert all(array.chunks for array in lazy.data_vars.values())
        xr.testing.assert_identical(lazy.compute(), eager)


@pytest.mark.parametrize(
    ("years", "first", "last"),
    [
        ([2006], (2006, 2006), (2006, 2006)),
        ([2006, 2007], (2006, 2006), (2007, 2007)),
        (range(2005, 2014), (2005, 2007), (2011, 2013)),
        ([2005, 2006, 2007, 2010, 2011], (2005, 2005), (2011, 2011)),
    ],
)
def test_thirds_of_the_years(years, first, last):
    assert default_change(years) == Change(first=first, last=last)


@pytest.mark.parametrize(
    ("periods", "named"),
    [
        ({"first": (1990, 1999), "last": (2010, 2012)}, "1990 to 1999"),
        ({"first": (2005, 2006), "last": (2014, 2020)}, "2014 to 2020"),
        ({"first": (2008, 2005), "last": (2010, 2012)}, "2008 to 2005"),
    ],
)
def test_a_period_without_years_is_named(sums, rk, periods, named):
    message = f"change: no year of {named} has a map; there are 2005 to 2013."
    with pytest.raises(InputError, match=message):
        compute_permafrost(sums, rk, bias=0.3, masks=xr.Dataset(), change=Change(**periods))
    with pytest.raises(InputError, match=message):
        require_periods(Change(**periods), YEARS)
    require_periods(None, YEARS)
