"""Days from steps: gaps, midnights, rounding, months."""

import numpy as np
import pandas as pd
import pytest

from cryoscale.errors import InputError
from cryoscale.readers.era5_days import to_days


def hours(n_days: int = 3) -> pd.DataFrame:
    """Rain of 1 mm an hour since midnight, and the hour of the day."""
    time = pd.date_range("2001-07-01", periods=24 * n_days + 1, freq="h", name="time")
    hour = np.asarray(time.hour, float)
    return pd.DataFrame({"precipitation": np.where(hour == 0, 24.0, hour), "air_temperature": hour}, time)


def test_a_day_without_its_end_or_one_of_its_hours_is_missing() -> None:
    steps = hours().drop(index=[pd.Timestamp("2001-07-02 00:00"), pd.Timestamp("2001-07-03 05:00")])
    days = to_days(steps)
    assert days["precipitation"].loc["2001-07-01":"2001-07-03"].isna().tolist() == [True, False, False]
    assert days["air_temperature"].loc["2001-07-01":"2001-07-03"].isna().tolist() == [False, True, True]
    assert days.loc["2001-07-03", "precipitation"] == 24.0


def test_a_missing_value_is_a_missing_day() -> None:
    steps = hours()
    steps.loc["2001-07-02 05:00", "air_temperature"] = np.nan
    assert to_days(steps)["air_temperature"].isna().loc["2001-07-01":"2001-07-03"].tolist() == [False, True, False]


def test_rounding_may_fall() -> None:
    steps = hours()
    steps.loc[steps.index.hour == 0, "precipitation"] = 22.95
    assert to_days(steps)["precipitation"].dropna().eq(22.95).all()


def test_order_of_columns_is_kept() -> None:
    steps = hours()[["air_temperature", "precipitation"]]
    assert list(to_days(steps)) == ["air_temperature", "precipitation"]


def test_months_stay_months_and_other_days_do_not() -> None:
    months = pd.DataFrame({"snow_depth": [1.0, 2.0, 3.0]}, pd.date_range("2001-01-01", periods=3, freq="MS"))
    assert to_days(months)["snow_depth"].tolist() == [1.0, 2.0, 3.0]
    with pytest.raises(InputError, match=r"time: steps of .* are neither hours, days nor calendar months"):
        to_days(months.set_axis(months.index + pd.Timedelta(14, "D")))


def test_hours_that_are_not_accumulated_are_refused() -> None:
    steps = hours(10)
    steps["precipitation"] = np.sin(steps["air_temperature"] / 24 * np.pi)
    with pytest.raises(InputError, match=r"precipitation: falls within \d+% of the days"):
        to_days(steps)
