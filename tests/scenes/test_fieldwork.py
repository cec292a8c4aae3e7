"""Stations and boreholes: where they are, and how far they are from the truth."""

import numpy as np
import pandas as pd
import pytest

from cryoscale.grids import geobox_of, pixel_at
from cryoscale.scenes.fieldwork import BIAS, BOREHOLE_NOISE, BOREHOLES, POINT_NOISE, THERMAL_GRADIENT


def true_at(array, table):
    """Values of a map or cube at the places of a table's rows."""
    geobox = geobox_of(array)
    pixels = [pixel_at(geobox, *place) for place in zip(table.longitude, table.latitude, strict=True)]
    rows, columns = np.transpose(pixels)
    return array.values[..., rows, columns]


@pytest.fixture(scope="module")
def places(whole_tarim):
    return whole_tarim.stations.groupby("station").first()


def test_most_stations_are_low_and_some_on_the_plateau(places):
    assert len(places) == 16
    assert (places.elevation < 3600).sum() == 11
    assert (places.elevation > 3800).sum() == 5
    assert not places.duplicated(["longitude", "latitude"]).any()


def test_stations_stand_on_ground_and_know_their_height(whole_tarim, places):
    assert not true_at(whole_tarim.truth.glacier | whole_tarim.truth.lake, places).any()
    np.testing.assert_allclose(places.elevation, true_at(whole_tarim.fine_elevation, places), atol=0.06)
    assert np.abs(places.elevation - true_at(whole_tarim.elevation, places)).median() < 60


def test_there_are_thousands_of_station_days_with_gaps(whole_tarim):
    table = whole_tarim.stations
    days = table.groupby("station").time.count()
    assert 10_000 < len(table) < 16 * 1095
    assert days.max() < 1095
    assert days.min() > 700
    assert not table.duplicated(["station", "time"]).any()
    longest = table.groupby("station").time.agg(lambda times: times.diff().max())
    assert longest.max() > pd.Timedelta(days=14)


def test_stations_measure_the_ground_with_a_bias_that_stays(whole_tarim, places):
    truth = pd.DataFrame(
        true_at(whole_tarim.truth.ground_surface_temperature, places),
        whole_tarim.truth.get_index("time"),
        places.index,
    ).stack()
    measured = whole_tarim.stations.set_index(["time", "station"]).ground_surface_temperature
    error = (measured - truth.loc[measured.index]).groupby("station")
    assert 0.2 < error.mean().std() < 2 * BIAS
    assert error.std().mean() == pytest.approx(POINT_NOISE, rel=0.1)


def test_the_air_is_colder_than_the_ground(whole_tarim):
    table = whole_tarim.stations
    excess = (table.ground_surface_temperature - table.air_temperature).groupby(table.time.dt.month).mean()
    assert 1 < excess[1] < excess[7] < 5


def test_boreholes_are_in_and_beside_permafrost(whole_tarim):
    table = whole_tarim.boreholes
    assert len(table) == BOREHOLES
    assert table.borehole.is_unique
    true = true_at(whole_tarim.truth.mean_ttop, table)
    assert table.ttop.sub(true).std() == pytest.approx(BOREHOLE_NOISE, rel=0.5)
    assert table.magt.sub(true).mean() == pytest.approx(THERMAL_GRADIENT, abs=0.15)
    assert not true_at(whole_tarim.truth.glacier | whole_tarim.truth.lake, table).any()


def test_the_state_of_a_borehole_is_that_of_its_temperature(whole_tarim):
    table = whole_tarim.boreholes
    by_state = table.groupby("state").ttop
    assert set(by_state.groups) == {"stable permafrost", "unstable permafrost", "seasonally frozen ground"}
    assert by_state.max()["stable permafrost"] <= -1 < by_state.min()["unstable permafrost"]
    assert by_state.max()["unstable permafrost"] <= 0 < by_state.min()["seasonally frozen ground"]
