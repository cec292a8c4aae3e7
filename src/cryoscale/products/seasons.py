"""The second pass over a deformation cube: filter, rates, thaw seasons (Chang et al., Sections 3.1.1 and 3.1.2)."""

import xarray as xr
from pydantic import Field

from cryoscale import insar
from cryoscale.config import Config, MonthDay


class Filter(Config):
    """Spatio-temporal filter that takes residual atmosphere and noise off the series."""

    time_width: float | None = Field(
        None, gt=0, description="width in time; null: three median intervals", json_schema_extra={"unit": "d"}
    )
    space_width: float = Field(100.0, gt=0, description="width on the ground", json_schema_extra={"unit": "m"})
    fit: insar.LocalFit = Field(
        insar.LocalFit.PARABOLA,
        description="what is smooth in time; a line, as in the paper, takes a sixth of a season for noise",
    )


class Seasons(Config):
    """Rates and thaw seasons of the series."""

    filter: Filter | None = Field(Filter(), description="filter the series first; null: not")
    start: MonthDay = Field("05-01", description="onset of thaw, MM-DD")
    end: MonthDay = Field("10-01", description="end of thaw, MM-DD")
    max_gap: float = Field(
        60.0, gt=0, description="longest gap in the series around these days", json_schema_extra={"unit": "d"}
    )


def compute_seasons(cube: xr.Dataset, options: Seasons) -> xr.Dataset:
    """Filter a cube's series and say what they do in a year and in a thaw season; lazy where the cube is lazy.

    Parameters
    ----------
    cube : xarray.Dataset
        ``displacement`` (time, y, x) in mm, and ``velocity`` in mm a-1 if there is one: the trend that is taken off
        before seasons are measured.
    options : Seasons
        Filter and days.

    Returns
    -------
    xarray.Dataset
        ``displacement``, filtered, ``deformation_rate`` with its error, ``thaw_season_deformation`` (year, y, x) with
        its error, the means over years, ``n_seasons``; with an incidence angle also ``vertical_rate``.

    Raises
    ------
    InputError
        If the series holds no thaw season.
    """
    series = cube.displacement
    if options.filter is not None:
        chosen = options.filter
        series = insar.filter_time_series(
            series, time_width=chosen.time_width, space_width=chosen.space_width, fit=chosen.fit
        ).displacement
    season = insar.thaw_season(series, options.start, options.end, rate=cube.get("velocity"), max_gap=options.max_gap)
    rate = insar.deformation_rate(series)
    result = xr.merge([series.to_dataset(name="displacement"), rate, season], compat="override")
    if "incidence_angle" in cube.attrs:
        vertical = insar.los_to_vertical(rate.deformation_rate, cube.attrs["incidence_angle"])
        result["vertical_rate"] = vertical
    return result.assign_attrs(cube.attrs)
