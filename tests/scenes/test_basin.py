"""The synthetic basin: what it says of itself is so."""

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import solve_ivp

from cryoscale.hydrology import EventRules, FitRules, recession_constant
from cryoscale.readers import read_discharge
from cryoscale.readers.yearly import read_years
from cryoscale.scenes.basin import WEIGHTS, basin_scene, recede, write_basin


@pytest.fixture(scope="module")
def basin():
    return basin_scene()


def test_recession_solves_its_equation():
    rate = np.array([0.05, 0.02, 0.08, 0.05])

    def slope(t, q):
        return -rate[min(int(t), 3)] * q**1.3

    exact = [40.0]
    for day in range(3):
        exact.append(solve_ivp(slope, (day, day + 1 - 1e-12), exact[-1:], rtol=1e-10, atol=1e-12).y[0, -1])
    np.testing.assert_allclose(recede(40.0, rate, 1.3), exact, rtol=1e-6)


def test_the_record_is_whole_and_fails_now_and_then(basin):
    days = basin.daily.index
    assert (str(days[0].date()), str(days[-1].date()), len(days)) == ("1971-01-01", "2020-12-31", 18263)
    assert 5 < basin.daily.discharge.isna().sum() < 50
    assert (basin.daily.dropna() >= 0).all(axis=None)


def test_it_rains_where_floods_begin(basin):
    flow, rain = basin.daily.discharge, basin.daily.rain
    rising = flow.diff() > 0
    assert (rain[rising] >= 8).all()
    assert (rain[~rising & flow.notna() & flow.shift().notna()] < 1).all()


def test_the_constant_follows_climate_and_the_disturbance(basin):
    disturbed = np.asarray(basin.constant.index >= basin.disturbance)
    assert disturbed.sum() == 20
    assert basin.disturbance == 2001
    design = np.column_stack([np.ones(50), basin.climate[list(WEIGHTS)], disturbed])
    found = np.linalg.lstsq(design, basin.constant.to_numpy(), rcond=None)[0]
    np.testing.assert_allclose(found[1:4], list(WEIGHTS.values()), rtol=0.3)
    assert found[4] == pytest.approx(basin.effect, abs=0.6)


def test_the_river_recedes_as_said():
    basin = basin_scene(2001, 12, disturbed_after=6, scatter=0.0)
    found = recession_constant(
        basin.daily.discharge, 1, rules=EventRules(), fit=FitRules(exponent=basin.exponent, minimum_events=2)
    )
    ratio = (found.recession_constant / basin.constant).dropna()
    assert len(ratio) >= 10
    np.testing.assert_allclose(ratio, 1.0, atol=2e-3)


def test_files_are_what_readers_read(basin, tmp_path):
    write_basin(basin, tmp_path)
    record = read_discharge(tmp_path / "discharge.csv", unit="m3 s-1", columns={"discharge": "flow", "rain": "rain"})
    pd.testing.assert_series_equal(
        record.series(), basin.daily.discharge, rtol=1e-5, check_names=False, check_freq=False, check_index_type=False
    )
    assert record.report.missing_days.item() == basin.daily.discharge.isna().sum()
    pd.testing.assert_frame_equal(
        read_years(tmp_path / "climate.csv"), basin.climate, rtol=1e-5, check_index_type=False
    )
    assert read_years(tmp_path / "thaw_depth.csv").corrwith(basin.constant).item() > 0.9


def test_seed_makes_the_basin():
    one, again, other = (basin_scene(2001, 4, disturbed_after=2, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one.daily, again.daily)
    assert not one.daily.discharge.equals(other.daily.discharge)
