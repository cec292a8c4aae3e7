import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.stats.trends import mann_kendall, theil_sen
from cryoscale.thermal.stefan import mask_active_layer, stefan_alt, stefan_e_factor

DEPTH, ERROR = "active_layer_thickness", "active_layer_thickness_error"
GRID = GeoBox.from_bbox((0, 0, 120, 150), "EPSG:32647", resolution=30)


def scalar(value):
    return xr.DataArray(float(value))


def cube(seed=0, years=6, dtype="float64"):
    """Degree-days with their error, E with its error, with gaps, ground that never thaws, and masks."""
    rng = np.random.default_rng(seed)
    coords = grid_coords(GRID) | {"year": np.arange(2000, 2000 + years)}
    ddt = rng.uniform(300, 2000, (years, *GRID.shape)).astype(dtype)
    ddt[1, 2, 2], ddt[:, 0, 0] = np.nan, 0.0
    data = xr.Dataset({"ddt": (("year", "y", "x"), ddt)}, coords)
    data["ddt_error"] = data.ddt.dims, rng.uniform(10, 60, ddt.shape).astype(dtype)
    data["e"] = ("y", "x"), rng.uniform(0.03, 0.08, GRID.shape).astype(dtype)
    data["e_error"] = ("y", "x"), rng.uniform(0.001, 0.01, GRID.shape).astype(dtype)
    for name in ("water", "bare_rock"):
        data[name] = ("y", "x"), rng.random(GRID.shape) < 0.3
        data[name][2, 2] = False
    data["no_permafrost"] = data.ddt.dims, rng.random(ddt.shape) < 0.3
    data["no_permafrost"][1, 2, 2] = False
    return data


def layer_of(data):
    return stefan_alt(data.ddt, data.e, ddt_error=data.ddt_error, e_error=data.e_error)


def masks_of(data):
    return {name: data[name] for name in ("water", "bare_rock", "no_permafrost")}


@given(st.floats(0, 6000), st.floats(0.01, 0.3), st.floats(0.1, 10))
def test_thickness_grows_with_the_root(ddt, e, factor):
    one, other = (float(stefan_alt(scalar(d), e)[DEPTH]) for d in (ddt, factor**2 * ddt))
    assert one == pytest.approx(e * np.sqrt(ddt))
    assert other == pytest.approx(factor * one)


@given(st.floats(0, 6000), st.floats(0, 100), st.floats(0.01, 0.3), st.floats(0, 0.02))
def test_the_error_is_of_first_order_and_never_more_than_a_thaw_from_nothing(ddt, ddt_error, e, e_error):
    error = float(stefan_alt(scalar(ddt), e, ddt_error=scalar(ddt_error), e_error=e_error)[ERROR])
    part = e * np.sqrt(ddt_error)
    if ddt > 0:
        part = min(part, e * ddt_error / (2 * np.sqrt(ddt)))
    assert error == pytest.approx(np.sqrt(ddt * e_error**2 + part**2), abs=1e-12)


@pytest.mark.parametrize("ddt", [200.0, 1000.0])
def test_the_error_is_that_of_drawn_values(ddt):
    rng = np.random.default_rng(1)
    drawn = stefan_alt(xr.DataArray(rng.normal(ddt, 30, 200_000)), xr.DataArray(rng.normal(0.06, 0.004, 200_000)))
    error = stefan_alt(scalar(ddt), 0.06, ddt_error=scalar(30), e_error=0.004)[ERROR]
    assert float(error) == pytest.approx(float(drawn[DEPTH].std()), rel=0.02)


def test_the_bound_is_above_the_error_of_a_year_that_hardly_thaws():
    drawn = np.maximum(np.random.default_rng(2).normal(0, 40, 100_000), 0)
    spread = float(stefan_alt(xr.DataArray(drawn), 0.05)[DEPTH].std())
    bound = float(stefan_alt(scalar(0), 0.05, ddt_error=scalar(40))[ERROR])
    assert spread < bound < 3 * spread


def test_one_error_alone_leaves_the_other_at_nothing():
    ddt = scalar(900)
    assert set(stefan_alt(ddt, 0.05)) == {DEPTH}
    assert float(stefan_alt(ddt, 0.05, e_error=0.002)[ERROR]) == pytest.approx(0.06)
    assert float(stefan_alt(ddt, 0.05, ddt_error=scalar(60))[ERROR]) == pytest.approx(0.05)


def test_units_grid_and_gaps():
    data = cube()
    layer = layer_of(data)
    assert layer[DEPTH].dims == layer[ERROR].dims == ("year", "y", "x")
    assert layer[DEPTH].attrs["units"] == layer[ERROR].attrs["units"] == "m"
    assert layer.odc.geobox == GRID
    assert layer[DEPTH].isnull().sum() == layer[ERROR].isnull().sum() == 1
    assert (layer[DEPTH][:, 0, 0] == 0).all()
    assert float(layer[DEPTH][3, 2, 1]) == pytest.approx(float(data.e[2, 1]) * np.sqrt(float(data.ddt[3, 2, 1])))
    unknown = stefan_alt(data.ddt, data.e.where(data.e > 0.05), e_error=data.e_error)
    np.testing.assert_array_equal(unknown[DEPTH][0].isnull(), data.e <= 0.05)
    np.testing.assert_array_equal(unknown[ERROR][0].isnull(), data.e <= 0.05)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_lazy_equals_eager(dtype, assert_lazy):
    data = cube(dtype=dtype)
    lazy_data = data.chunk(y=2, x=3)

    def everything(data):
        return mask_active_layer(layer_of(data), **masks_of(data))

    with assert_lazy():
        lazy = everything(lazy_data)
    assert all(variable.chunks is not None for variable in lazy.data_vars.values())
    eager = everything(data)
    xr.testing.assert_identical(lazy.compute(), eager)
    assert eager[DEPTH].dtype == eager[ERROR].dtype == np.dtype(dtype)
    assert eager.active_layer_status.dtype == np.uint8


def test_masks_say_why():
    data = cube()
    layer = layer_of(data)
    masked = mask_active_layer(layer, **masks_of(data))
    water, rock = (data[name].broadcast_like(data.ddt) for name in ("water", "bare_rock"))
    status = np.where(water, 2, np.where(rock, 3, np.where(data.no_permafrost, 4, np.where(data.ddt.isnull(), 0, 1))))
    np.testing.assert_array_equal(masked.active_layer_status, status)
    assert set(np.unique(status)) == {0, 1, 2, 3, 4}
    for name in (DEPTH, ERROR):
        xr.testing.assert_identical(masked[name], layer[name].where(status == 1))
    assert masked.active_layer_status.attrs["flag_meanings"].split()[4] == "no_permafrost"
    assert masked.odc.geobox == GRID


def test_without_masks_all_stays():
    layer = layer_of(cube())
    masked = mask_active_layer(layer)
    xr.testing.assert_identical(masked[[DEPTH, ERROR]], layer)
    np.testing.assert_array_equal(masked.active_layer_status, layer[DEPTH].notnull())


def test_a_mean_layer_under_a_yearly_mask_has_years():
    mean = stefan_alt(cube().ddt[0].drop_vars("year"), 0.05)
    masked = mask_active_layer(mean, no_permafrost=cube().no_permafrost)
    assert masked[DEPTH].dims == ("year", "y", "x")
    np.testing.assert_array_equal(masked[DEPTH].isnull(), cube().no_permafrost)


def test_the_trend_of_the_years_comes_back():
    years = np.arange(2000, 2025)
    e, rise = 0.05, 0.012
    ddt = xr.DataArray(((1.5 + rise * (years - 2000)) / e) ** 2, {"year": years}, "year")
    depth = stefan_alt(ddt, e)[DEPTH]
    trend = theil_sen(depth, dim="year").trend
    assert float(trend) == pytest.approx(rise)
    assert trend.attrs["units"] == "m a-1"
    assert float(mann_kendall(depth, dim="year").trend_p_value) < 1e-8


SOIL = {"thawed_conductivity": 1.2, "dry_density": 1300.0, "water_content": 0.25, "unfrozen_water": 0.05}


def test_the_factor_balances_heat():
    """Step by step: what flows through the thawed layer melts the ice at its base."""
    n_factor, days, surface = 1.4, 100, 8.0
    depth, ice = 1e-4, 3.34e5 * 1300 * 0.2
    for _ in range(days * 2400):
        depth += 1.2 * n_factor * surface / depth * 36 / ice
    e = stefan_e_factor(**SOIL, n_factor=n_factor)
    assert float(stefan_alt(scalar(days * surface), e)[DEPTH]) == pytest.approx(depth, rel=1e-3)
    assert e.attrs["units"] == "m degC-0.5 d-0.5"


def test_the_factor_of_maps(assert_lazy):
    water = xr.DataArray(np.array([[0.1, 0.3], [np.nan, 0.6]], "float32"), dims=("y", "x"))
    soil = {**SOIL, "water_content": water, "unfrozen_water": xr.DataArray([0.02, 0.04], dims="x")}
    with assert_lazy():
        lazy = stefan_e_factor(**{**soil, "water_content": water.chunk(x=1)})
    eager = stefan_e_factor(**soil)
    xr.testing.assert_identical(lazy.compute(), eager)
    expected = np.sqrt(2 * 1.2 * 86400 / (3.34e5 * 1300 * (water - [0.02, 0.04])))
    np.testing.assert_allclose(eager, expected, rtol=1e-6)
    assert bool(eager[1, 0].isnull())


def test_bad_input():
    data = cube()
    with pytest.raises(InputError, match="ddt: holds -9999 degC d, but degree-days are 0 or more. Set codes"):
        stefan_alt(data.ddt.where(data.ddt > 500, -9999), 0.05)
    lazy = stefan_alt(-data.ddt.chunk(y=2), 0.05)
    with pytest.raises(InputError, match="ddt: holds -.* degC d"):
        lazy.compute()
    with pytest.raises(InputError, match="stefan_e_factor: holds 0 m degC-0.5 d-0.5, but must be positive"):
        stefan_alt(data.ddt, 0.0)
    with pytest.raises(
        InputError, match="is in 'cm degC-0.5 d-0.5', but stefan_e_factor must be in 'm degC-0.5 d-0.5'"
    ):
        stefan_alt(data.ddt, data.e.assign_attrs(units="cm degC-0.5 d-0.5"))
    with pytest.raises(InputError, match="is in 'K h', but ddt must be in 'degC d'"):
        stefan_alt(data.ddt.assign_attrs(units="K h"), 0.05)
    with pytest.raises(InputError, match="ddt_error: holds -1, but must not be negative"):
        stefan_alt(data.ddt, 0.05, ddt_error=0 * data.ddt - 1)
    with pytest.raises(InputError, match="stefan_e_factor_error: holds -0.1, but must not be negative"):
        stefan_alt(data.ddt, 0.05, e_error=-0.1)
    with pytest.raises(InputError, match="ddt, e: do not lie on one grid"):
        stefan_alt(data.ddt, data.e[1:])


def test_bad_masks():
    data = cube()
    layer = layer_of(data)
    with pytest.raises(InputError, match="lake: is int64, but water must be boolean. Compare it: mask == 1"):
        mask_active_layer(layer, water=data.water.astype("int64").rename("lake"))
    with pytest.raises(InputError, match="do not lie on one grid"):
        mask_active_layer(layer, bare_rock=data.bare_rock[1:])
    with pytest.raises(InputError, match="dataset: has no active_layer_thickness, only ddt, .* thermal.stefan_alt"):
        mask_active_layer(data)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"dry_density": 1.3}, "dry_density: holds 1.3 kg m-3. It looks like g cm-3: multiply it by 1000"),
        ({"water_content": 25.0}, "water_content: makes up to 3.25e\\+04 kg of water in 1 m3 .* divide percent by 100"),
        ({"unfrozen_water": 0.25}, "unfrozen_water: is all of water_content or more, so that nothing freezes"),
        ({"unfrozen_water": -0.1}, "unfrozen_water: holds -0.1, but must not be negative"),
        ({"thawed_conductivity": 0.0}, "thawed_conductivity: holds 0 W m-1 K-1, but must be positive"),
        ({"n_factor": -1.0}, "n_factor: holds -1 1, but must be positive"),
    ],
)
def test_soil_that_cannot_be(wrong, message):
    with pytest.raises(InputError, match=message):
        stefan_e_factor(**{**SOIL, **wrong})
