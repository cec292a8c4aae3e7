import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cryoscale.errors import InputError
from cryoscale.thermal.ttop import mean_over_years, permafrost_probability, ttop, ttop_error

INDEX = st.floats(0, 6000)
RATIO = st.floats(0.2, 1.2)


def scalar(value):
    return xr.DataArray(float(value))


def yearly(seed=0, shape=(6, 5, 4), dtype="float64"):
    """Random years, some with permafrost, with the first one NaN as a winter that is not whole leaves it."""
    rng = np.random.default_rng(seed)
    ranges = {
        "ddt": (300, 2000),
        "ddf": (300, 2500),
        "thawing_days": (90, 180),
        "freezing_days": (180, 260),
        "ddt_error": (10, 60),
        "ddf_error": (10, 60),
    }
    dataset = xr.Dataset(
        {name: (("year", "y", "x"), rng.uniform(*bounds, shape).astype(dtype)) for name, bounds in ranges.items()},
        {"year": np.arange(2005, 2005 + shape[0])},
    )
    for name in ("ddf", "freezing_days", "ddf_error"):
        dataset[name][0] = np.nan
    return dataset


def ratio_map(seed=1, shape=(5, 4)):
    return xr.DataArray(np.random.default_rng(seed).uniform(0.4, 1, shape), dims=("y", "x"), attrs={"units": "1"})


@given(INDEX, INDEX, RATIO)
def test_both_forms(ddt, ddf, rk):
    frozen, thawed = (rk * ddt - ddf) / 365.25, (ddt - ddf / rk) / 365.25
    expected = frozen if rk * ddt <= ddf else thawed
    assert float(ttop(scalar(ddt), scalar(ddf), rk)) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(INDEX, INDEX, RATIO)
def test_the_class_does_not_depend_on_the_form(ddt, ddf, rk):
    assert np.sign(float(ttop(scalar(ddt), scalar(ddf), rk))) == np.sign(rk * ddt - ddf)


@given(st.floats(100, 6000), RATIO)
def test_it_is_continuous_at_zero(ddt, rk):
    edge = rk * ddt
    below, above = (float(ttop(scalar(ddt), scalar(edge + step), rk)) for step in (1e-6, -1e-6))
    assert below < 0 < above
    assert above - below < 1e-7


@given(INDEX, INDEX, RATIO, st.floats(0.001, 0.5))
def test_a_larger_ratio_is_never_colder(ddt, ddf, rk, step):
    ddt, ddf = scalar(ddt), scalar(ddf)
    assert float(ttop(ddt, ddf, rk + step)) >= float(ttop(ddt, ddf, rk))


def test_the_ratio_may_be_a_map():
    data, rk = yearly(), ratio_map()
    result = ttop(data.ddt, data.ddf, rk)
    assert result.dims == ("year", "y", "x")
    assert float(result[2, 3, 1]) == float(ttop(data.ddt[2, 3, 1], data.ddf[2, 3, 1], float(rk[3, 1])))
    assert result[0].isnull().all()
    assert ttop(data.ddt, data.ddf, rk.where(rk > 0.5)).isnull().any()
    assert result.attrs["units"] == "degC"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_lazy_equals_eager(dtype, assert_lazy):
    data, rk = yearly(dtype=dtype), ratio_map().astype(dtype)
    lazy_data, lazy_rk = data.chunk(y=2, x=3), rk.chunk(y=2, x=3)

    def everything(data, rk):
        found = data.assign(ttop=ttop(data.ddt, data.ddf, rk))
        found = found.assign(ttop_error(data, rk, rk_error=0.1, bias=0.5))
        means = mean_over_years(found, min_years=2)
        probability = permafrost_probability(found.ttop, found.ttop_error)
        mean_probability = permafrost_probability(means.mean_ttop, means.mean_ttop_error)
        return found.assign(means).assign({"p": probability, "mean_p": mean_probability})

    with assert_lazy():
        lazy = everything(lazy_data, lazy_rk)
    eager = everything(data, rk)
    xr.testing.assert_identical(lazy.compute(), eager)
    assert {variable.dtype for variable in lazy.data_vars.values()} == {np.dtype(dtype)}
    assert eager.p.name == "p"
    assert eager.mean_p.attrs["long_name"] == "probability of permafrost in the mean of the years"


def finite_difference(data, rk, name, step=1e-4):
    """Derivative of TTOP by one of its inputs."""

    def at(shift):
        shifted = {key: float(data[key]) + (shift if key == name else 0.0) for key in ("ddt", "ddf")}
        ratio = rk + (shift if name == "rk" else 0.0)
        return float(ttop(scalar(shifted["ddt"]), scalar(shifted["ddf"]), ratio))

    return (at(step) - at(-step)) / (2 * step)


@pytest.mark.parametrize("ddf", [1500.0, 300.0])
def test_the_error_follows_the_derivatives(ddf):
    """Once frozen, once not."""
    numbers = {"ddt": 1000.0, "ddf": ddf, "thawing_days": 150.0, "freezing_days": 210.0}
    data = xr.Dataset(numbers | {"ddt_error": 35.0, "ddf_error": 55.0})
    rk, rk_error, bias = 0.7, 0.08, 0.4
    errors = ttop_error(data, rk, rk_error=rk_error, bias=bias)
    by_ddt, by_ddf, by_rk = (finite_difference(data, rk, name) for name in ("ddt", "ddf", "rk"))
    assert float(errors.ttop_error_days) == pytest.approx(np.hypot(by_ddt * 35, by_ddf * 55), rel=1e-6)
    assert float(errors.ttop_error_bias) == pytest.approx((by_ddt * 150 - by_ddf * 210) * bias, rel=1e-6)
    assert float(errors.ttop_error_rk) == pytest.approx(by_rk * rk_error, rel=1e-6)
    parts = [float(errors[f"ttop_error_{part}"]) for part in ("days", "bias", "rk")]
    assert float(errors.ttop_error) == pytest.approx(np.linalg.norm(parts))


def test_the_probability_is_that_of_drawn_years():
    """The drawn years pass through TTOP itself, both of its forms."""
    rng = np.random.default_rng(5)
    n = 200_000
    rk, rk_error, bias = 0.8, 0.06, 0.3
    for ddf in (900.0, 800.0, 700.0):
        numbers = {"ddt": 1000.0, "ddf": ddf, "thawing_days": 150.0, "freezing_days": 215.0}
        data = xr.Dataset(numbers | {"ddt_error": 40.0, "ddf_error": 40.0})
        shift = rng.normal(0, bias, n)
        ddt = xr.DataArray(1000 + 150 * shift + rng.normal(0, 40, n))
        drawn = ttop(
            ddt, xr.DataArray(ddf - 215 * shift + rng.normal(0, 40, n)), xr.DataArray(rng.normal(rk, rk_error, n))
        )
        errors = ttop_error(data, rk, rk_error=rk_error, bias=bias)
        probability = permafrost_probability(ttop(data.ddt, data.ddf, rk), errors.ttop_error)
        assert float(probability) == pytest.approx(float((drawn <= 0).mean()), abs=0.01)


def test_the_probability_is_normal_and_certain_without_error():
    temperature, error = xr.DataArray([-2.0, 0.0, 1.0]), xr.DataArray([1.0, 1.0, 2.0])
    np.testing.assert_allclose(permafrost_probability(temperature, error), stats.norm.cdf([2, 0, -0.5]))
    np.testing.assert_array_equal(permafrost_probability(temperature, 0 * error), [1, 1, 0])
    unknown = permafrost_probability(xr.DataArray([np.nan, np.nan, -1.0]), xr.DataArray([1.0, 0.0, np.nan]))
    assert unknown.isnull().all()


def test_one_error_may_serve_all_years():
    temperature = ttop(yearly().ddt, yearly().ddf, 0.7)
    probability = permafrost_probability(temperature, xr.full_like(temperature[1], 0.5).assign_attrs(units="K"))
    assert probability.dims == temperature.dims
    assert probability.name == "permafrost_probability"
    np.testing.assert_allclose(probability, stats.norm.cdf(-temperature / 0.5))


def test_means_are_over_years_with_a_ttop():
    data = yearly()
    data["ttop"] = ttop(data.ddt, data.ddf, ratio_map())
    means = mean_over_years(data)
    np.testing.assert_allclose(means.mean_ttop, data.ttop[1:].mean("year"))
    np.testing.assert_allclose(means.mean_ddt, data.ddt[1:].mean("year"))
    assert "mean_ttop_error" not in means
    assert mean_over_years(data, min_years=5).mean_ttop.notnull().all()
    assert mean_over_years(data, min_years=6).mean_ttop.isnull().all()


def test_only_errors_of_days_average_down():
    one = yearly(shape=(2, 1, 1)).isel(year=[1])
    years = xr.concat([one.assign_coords(year=[2005 + k]) for k in range(16)], "year")
    years["ttop"] = ttop(years.ddt, years.ddf, 0.7)
    for options, factor in (({}, 0.25), ({"bias": 0.4}, 1.0), ({"rk_error": 0.1}, 1.0)):
        quiet = years if not options else years.assign(ddt_error=0 * years.ddt, ddf_error=0 * years.ddf)
        errors = ttop_error(quiet, 0.7, **options)
        mean = mean_over_years(quiet.assign(errors)).mean_ttop_error
        assert float(mean.squeeze()) == pytest.approx(factor * float(errors.ttop_error[0].squeeze()))


def test_bad_input():
    data, rk = yearly(), ratio_map()
    with pytest.raises(InputError, match="rk: holds -0.1, but a ratio of conductivities is positive"):
        ttop(data.ddt, data.ddf, rk.where(rk > 0.5, -0.1))
    with pytest.raises(InputError, match="rk: holds 0, but"):
        ttop_error(data, 0.0)
    lazy = ttop(data.ddt.chunk(y=2), data.ddf.chunk(y=2), (0 * rk).chunk(y=2))
    with pytest.raises(InputError, match="rk: holds 0, but"):
        lazy.compute()
    with pytest.raises(InputError, match="period: must be positive, not 0"):
        ttop(data.ddt, data.ddf, rk, period=0)
    with pytest.raises(InputError, match="is in 'K d', but ddt must be in 'degC d'"):
        ttop(data.ddt.assign_attrs(units="K d"), data.ddf, rk)
    with pytest.raises(InputError, match="ddt, ddf, rk: do not lie on one grid"):
        ttop(data.ddt, data.ddf, rk[:4].rename("rk"))
    with pytest.raises(InputError, match="dataset: has no ddt_error, only ddt, ddf"):
        ttop_error(data[["ddt", "ddf", "thawing_days", "freezing_days"]], 0.7)
    with pytest.raises(InputError, match="bias: holds -1, but a standard error is not negative"):
        ttop_error(data, 0.7, bias=-1.0)
    with pytest.raises(InputError, match="error: holds -0.5, but a standard error is not negative"):
        permafrost_probability(data.ddt, xr.DataArray(-0.5))
    with pytest.raises(InputError, match="min_years: must be at least 1, not 0"):
        mean_over_years(data, min_years=0)
    with pytest.raises(InputError, match="dataset: has no ttop"):
        mean_over_years(data)
