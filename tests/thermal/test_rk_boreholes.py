import numpy as np
import pytest
import xarray as xr
from scipy.optimize import minimize_scalar

from cryoscale.errors import InputError
from cryoscale.thermal.rk_boreholes import calibrate_rk_to_boreholes
from cryoscale.thermal.ttop import ttop

TRUE_RK = {1: 0.6, 2: 0.9}


def model(ddt, ddf, rk):
    return ttop(xr.DataArray(ddt), xr.DataArray(ddf), xr.DataArray(np.broadcast_to(rk, ddt.shape))).values


def boreholes(n=60, *, noise=0.3, seed=0):
    rng = np.random.default_rng(seed)
    ddt, ddf = rng.uniform(500, 2500, n), rng.uniform(300, 2500, n)
    classes = rng.choice(list(TRUE_RK), n)
    temperature = model(ddt, ddf, np.vectorize(TRUE_RK.get)(classes)) + noise * rng.normal(size=n)
    return ddt, ddf, temperature, classes


def test_the_truth_comes_back():
    result = calibrate_rk_to_boreholes(*boreholes(noise=0.0))
    assert result.classes["rk"].to_dict() == pytest.approx(TRUE_RK, abs=1e-9)
    assert result.rmse == pytest.approx(0.0, abs=1e-9)
    assert result.loo_rmse == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_least_squares_of_a_dense_search(seed):
    ddt, ddf, temperature, _ = boreholes(25, noise=1.0, seed=seed)

    def misfit(rk):
        return ((model(ddt, ddf, rk) - temperature) ** 2).sum()

    coarse = min(np.linspace(0.3, 1.1, 401), key=misfit)
    best = minimize_scalar(misfit, bounds=(coarse - 0.002, coarse + 0.002), method="bounded", options={"xatol": 1e-9})
    result = calibrate_rk_to_boreholes(ddt, ddf, temperature)
    assert result.rk == pytest.approx(best.x, abs=1e-5)
    assert misfit(result.rk) <= best.fun + 1e-9
    assert result.rmse == pytest.approx(np.sqrt(misfit(result.rk) / 25))
    assert result.classes.empty


def test_leaving_one_out_is_done_by_hand():
    columns = boreholes(20, noise=0.5)
    ddt, ddf, temperature, classes = columns
    errors = []
    for i in range(20):
        others = calibrate_rk_to_boreholes(*(np.delete(c, i) for c in columns)).classes["rk"]
        errors.append(model(ddt[[i]], ddf[[i]], others[classes[i]]) - temperature[i])
    result = calibrate_rk_to_boreholes(*columns)
    assert result.loo_rmse == pytest.approx(np.sqrt(np.mean(np.square(errors))))
    assert result.loo_rmse > result.rmse


def test_standard_errors_match_the_spread_of_noise():
    results = [calibrate_rk_to_boreholes(*boreholes(30, noise=0.3, seed=seed)).classes for seed in range(25)]
    spread = np.std([r["rk"] for r in results], axis=0)
    np.testing.assert_allclose(np.mean([r["rk_error"] for r in results], axis=0), spread, rtol=0.35)


def test_a_class_with_few_boreholes_takes_the_rk_of_all():
    ddt, ddf, temperature, classes = boreholes()
    classes[:4] = 7
    result = calibrate_rk_to_boreholes(ddt, ddf, temperature, classes)
    assert result.classes["pooled"].to_dict() == {1: False, 2: False, 7: True}
    assert result.classes.loc[7, "rk"] == result.rk
    assert result.classes.loc[7, "rk_error"] == result.rk_error
    assert result.classes.loc[7, "n"] == 4


def test_bounds_hold():
    ddt, ddf, temperature, _ = boreholes()
    assert calibrate_rk_to_boreholes(ddt, ddf, temperature + 20).rk == 1.1
    assert calibrate_rk_to_boreholes(ddt, ddf, temperature - 20, bounds=(0.4, 0.9)).rk == 0.4


def test_boreholes_without_data_are_left_out():
    columns = boreholes()
    gaps = [np.nan, 9.0, 9.0], [9.0, 9.0, 9.0], [0.0, np.nan, 0.0], [1, 1, 0]
    extended = [np.append(c, gap) for c, gap in zip(columns, gaps, strict=True)]
    assert calibrate_rk_to_boreholes(*extended).classes.equals(calibrate_rk_to_boreholes(*columns).classes)
    one = calibrate_rk_to_boreholes(*(c[:1] for c in columns))
    assert one.n == 1
    assert np.isnan([one.rk_error, one.loo_rmse]).all()


def test_bad_input_says_what_to_do():
    ddt, ddf, temperature, _ = boreholes()
    with pytest.raises(InputError, match="none has degree-days, a temperature and a class"):
        calibrate_rk_to_boreholes(ddt, ddf, temperature * np.nan)
    with pytest.raises(InputError, match="ddf: holds .* freezing degree-days are positive"):
        calibrate_rk_to_boreholes(ddt, -ddf, temperature)
    with pytest.raises(InputError, match="period: is 0; give the days"):
        calibrate_rk_to_boreholes(ddt, ddf, temperature, period=0)
    with pytest.raises(InputError, match="is in 'K', but ttop must be in 'degC'"):
        calibrate_rk_to_boreholes(ddt, ddf, xr.DataArray(temperature + 273.15, attrs={"units": "K"}))
