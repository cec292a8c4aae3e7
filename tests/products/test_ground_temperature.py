"""From images with clouds to the daily temperature of the ground."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from cryoscale import thermal
from cryoscale.errors import InputError
from cryoscale.grids import geobox_of
from cryoscale.products.ground_temperature import (
    GapFilling,
    compute_ground_temperature,
    station_samples,
    summable_correlation,
    survey_images,
)
from cryoscale.products.permafrost_checks import at_pixels
from cryoscale.readers import locate
from cryoscale.stats import VariogramModel

OPTIONS = GapFilling(sample=300, search_radius=10_000.0, variogram=VariogramModel.EXPONENTIAL)
PIXELS = pd.DataFrame({"station": ["S1", "S2"], "row": [3, 20], "column": [5, 31]})


@pytest.fixture(scope="module")
def lst(tarim):
    """Two weeks, the second day all clouds."""
    images = tarim.lst.isel(time=slice(360, 374)).copy(deep=True)
    images[:, 1] = np.nan
    return images


@pytest.fixture(scope="module")
def elevation(tarim):
    return tarim.elevation


@pytest.fixture(scope="module")
def surveyed(lst, elevation):
    return survey_images(lst.chunk(time=5), elevation, OPTIONS, pixels=PIXELS).compute()


@pytest.fixture(scope="module")
def model(tarim):
    places = locate(tarim.stations.drop_duplicates("station"), geobox_of(tarim.lst)).inside
    seen = at_pixels(tarim.lst.to_dataset(), places).lst.rename(place="station")
    seen = seen.assign_coords(station=places.station.to_numpy(object))
    fitted = thermal.GroundTemperatureModel(n_folds=3)
    fitted.fit(station_samples(seen, tarim.stations))
    return fitted


@pytest.fixture(scope="module")
def compute(elevation, surveyed, model):
    fits = thermal.with_season_fallback(surveyed.drop_dims("station"))

    def of(images):
        return compute_ground_temperature(images, elevation, fits=fits, model=model, options=OPTIONS)

    return of


def test_the_survey_reads_what_stations_saw(surveyed, lst):
    for station, row, column in PIXELS.itertuples(index=False):
        seen = surveyed.station_lst.sel(station=station)
        np.testing.assert_array_equal(seen, lst.isel(y=row, x=column))
    assert surveyed.station_lst.attrs["units"] == "degC"
    assert bool(surveyed.station_lst.isel(time=1).isnull().all())


def test_the_survey_fits_every_image(surveyed, lst, elevation):
    fits = thermal.fit_gap_models(
        lst, elevation, model=VariogramModel.EXPONENTIAL, sample=300, max_distance=10_000.0, min_valid=0.05
    )
    for name in fits.data_vars:
        np.testing.assert_array_equal(surveyed[name], fits[name])
    np.testing.assert_array_equal(surveyed.n_valid_pixels, lst.notnull().sum(["y", "x"]))
    assert not surveyed.variogram_source.isel(time=1).any()


def test_the_survey_is_lazy_and_does_not_depend_on_chunks(surveyed, lst, elevation, assert_lazy):
    for chunks in ({"time": 3, "y": 40, "x": 48}, {"time": 14, "y": 13, "x": 21}):
        with assert_lazy():
            found = survey_images(lst.chunk(overpass=-1, **chunks), elevation.chunk(y=13), OPTIONS, pixels=PIXELS)
        computed = found.compute()
        for name in surveyed.data_vars:
            assert computed[name].values.tobytes() == surveyed[name].values.tobytes(), name


@pytest.fixture
def at_stations():
    days = pd.date_range("2006-01-01", periods=3)
    values = [[[1.0, np.nan], [3.0, 4.0], [np.nan, np.nan]], [[5.0, np.nan], [np.nan, 8.0], [np.nan, 9.0]]]
    coords = {"overpass": ["terra_day", "aqua_night"], "time": days, "station": ["a", "b"]}
    return xr.DataArray(values, coords, ("overpass", "time", "station"))


def table(rows):
    frame = pd.DataFrame(rows, columns=["station", "time", "ground_surface_temperature"])
    return frame.assign(time=pd.to_datetime(frame["time"]))


def test_samples_pair_what_was_seen_with_what_was_measured(at_stations):
    measured = table(
        [
            ("a", "2006-01-01", -5.0),
            ("b", "2006-01-01", -4.0),
            ("a", "2006-01-02", np.nan),
            ("b", "2006-01-02", -3.0),
            ("a", "2006-01-03", -2.0),
            ("b", "2006-01-03", -1.0),
            ("c", "2006-01-03", 0.0),
            ("a", "2007-01-01", 9.0),
        ]
    )
    samples = station_samples(at_stations, measured).sort_values(["time", "station"])
    # b saw nothing on the first day, a measured nothing on the second and saw nothing on the third; c has no pixel
    assert samples[["station", "ground_surface_temperature"]].to_numpy().tolist() == [["a", -5], ["b", -3], ["b", -1]]
    np.testing.assert_array_equal(samples[["terra_day", "aqua_night"]], [[1, 5], [4, 8], [np.nan, 9]])


def test_stations_and_images_of_other_years(at_stations):
    measured = table([("a", "1999-01-01", -5.0), ("b", "1999-01-09", -4.0)])
    message = (
        r"stations: none of the 2 station-days \(1999-01-01 to 1999-01-09\) has an image "
        r"\(2006-01-01 to 2006-01-03\) with a value at the station's pixel. Check the dates"
    )
    with pytest.raises(InputError, match=message):
        station_samples(at_stations, measured)
    with pytest.raises(InputError, match=r"none of the 0 station-days \(no days\)"):
        station_samples(at_stations, table([("a", "2006-01-01", np.nan)]))


def test_the_ground_has_a_temperature_wherever_an_image_can_be_filled(compute, lst, tarim):
    ground = compute(lst)
    fillable = [0, *range(2, 14)]
    assert bool(ground.ground_surface_temperature.isel(time=fillable).notnull().all())
    assert bool(ground.ground_surface_temperature.isel(time=1).isnull().all())
    assert bool(ground.gst_error.isel(time=1).isnull().all())
    np.testing.assert_array_equal(ground.n_overpasses, lst.notnull().sum("overpass"))
    error = ground.ground_surface_temperature - tarim.truth.ground_surface_temperature.sel(time=lst.time)
    seen, kriged = (
        float((error.where(where) ** 2).mean() ** 0.5) for where in (ground.n_overpasses == 4, ground.n_overpasses < 2)
    )
    assert seen < 4
    assert kriged < 6


def test_kriged_temperatures_are_less_certain(compute, lst):
    ground = compute(lst)
    errors = [float(ground.gst_error.where(ground.n_overpasses == n).mean()) for n in (4, 0)]
    assert errors[0] < errors[1]


def test_lazy_as_eager_whatever_the_chunks(compute, lst, assert_lazy):
    eager = compute(lst)
    for chunks in ({"time": 4, "y": 40, "x": 48}, {"time": 14, "y": 16, "x": 19}):
        with assert_lazy():
            lazy = compute(lst.chunk(overpass=-1, **chunks))
        xr.testing.assert_identical(lazy.compute(), eager)


@pytest.mark.parametrize(("found", "used"), [(0.5, 0.5), (-0.2, 0.0), (np.nan, 0.0), (1.0, 0.99)])
def test_a_correlation_that_sums_can_take(found, used):
    assert summable_correlation(found) == used
