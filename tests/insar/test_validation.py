import numpy as np
import pandas as pd
import pytest
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.insar import compare_point


@pytest.fixture
def cube():
    time = pd.date_range("2018-05-01", periods=12, freq="12D")
    values = np.arange(12.0)[:, None, None] * np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
    coords = {"time": time, "y": [2.0, 1.0, 0.0], "x": [0.0, 1.0, 2.0]}
    return xr.DataArray(-values, coords, ("time", "y", "x"), "displacement", {"units": "mm"})


def measured(cube, slope, offset=0.0):
    return pd.Series(offset - slope * np.arange(12.0), cube.time.to_index())


def test_an_offset_between_the_series_does_not_count(cube):
    found = compare_point(cube, measured(cube, 5.0, offset=30.0), y=1.2, x=0.8)
    assert float(found.rmse) == pytest.approx(0.0, abs=1e-12)
    assert float(found.estimate[0]) == float(found.measured[0]) == 0.0


def test_a_square_is_averaged_and_cut_at_the_edge(cube):
    assert float(compare_point(cube, measured(cube, 5.0), y=1, x=1, size=3).rmse) == pytest.approx(0.0, abs=1e-12)
    assert float(compare_point(cube, measured(cube, 3.0), y=2, x=0, size=3).rmse) == pytest.approx(0.0, abs=1e-12)


def test_the_reference_date_is_the_common_zero(cube):
    found = compare_point(cube, measured(cube, 4.0), y=1, x=1, reference_date="2018-06-30")
    assert float(found.estimate.sel(time="2018-06-30").item()) == 0.0
    steps = np.arange(12) - 5
    np.testing.assert_allclose(found.estimate - found.measured, -steps)
    assert float(found.rmse) == pytest.approx(np.sqrt((steps**2).mean()))


def test_measurements_of_the_days_around_are_averaged(cube):
    daily = pd.Series(0.0, pd.date_range("2018-05-10", "2018-06-20"))
    daily["2018-05-26"] = 3.0  # the day after the third epoch
    found = compare_point(cube, daily, y=1, x=1, max_days=1.5)
    np.testing.assert_allclose(found.measured.sel(time="2018-05-25").item(), 1.0)
    assert float(np.abs(found.measured).sum()) == pytest.approx(1.0)


def test_bad_input(cube):
    with pytest.raises(InputError, match="x: 2.6 lies outside the grid, 0 to 2"):
        compare_point(cube, measured(cube, 1.0), y=1, x=2.6)
    with pytest.raises(InputError, match="size: 2 pixels have no middle"):
        compare_point(cube, measured(cube, 1.0), y=1, x=1, size=2)
    late = pd.Series([1.0, 2.0], pd.DatetimeIndex(["2022-05-01", "2022-05-13"]))
    with pytest.raises(InputError, match="the measurements from 2022-05-01 to 2022-05-13"):
        compare_point(cube, late, y=1, x=1)
