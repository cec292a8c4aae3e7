"""What a map is held against."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox
from sklearn.metrics import cohen_kappa_score

from cryoscale.errors import InputError
from cryoscale.grids import geobox_of, grid_coords
from cryoscale.products.permafrost_checks import (
    ClassifiedMap,
    Validation,
    agreements,
    at_pixels,
    find_boreholes,
    join_surveys,
    place,
    surveyed_window,
)
from cryoscale.scenes import tarim_files
from cryoscale.variables import attributes
from cryoscale.writers import write_cog

CHUNKS = {"y": 16, "x": 16}
GEOBOX = GeoBox.from_bbox((78.0, 35.0, 78.4, 35.3), "EPSG:4326", shape=(30, 40))
COORDS = grid_coords(GEOBOX)


def states(values, name="survey"):
    return xr.DataArray(np.asarray(values, "uint8"), COORDS, ("y", "x"), name)


@pytest.fixture
def cut():
    """Permafrost in the north."""
    return states(np.where(np.arange(30)[:, None] < 12, 1, 2) * np.ones((1, 40)), "ours")


@pytest.fixture
def legend(tmp_path):
    """A map of another legend: 10 and 11 permafrost, 20 not, 30 water, 255 no data."""
    values = np.tile([10, 11, 20, 30, 255], 6)[:, None] * np.ones((1, 40))
    array = xr.DataArray(values.astype("uint8"), COORDS, ("y", "x"), "land_cover", attributes("land_cover"))
    return write_cog(array, tmp_path / "legend.tif")


def test_maps_of_any_legend_become_two_states(legend):
    chosen = ClassifiedMap(name="theirs", path=legend, permafrost=(10, 11), other=(20,))
    opened = chosen.open(GEOBOX, chunks=CHUNKS)
    assert opened.chunks is not None
    assert (opened.name, opened.dtype) == ("theirs", np.uint8)
    np.testing.assert_array_equal(opened[:, 0], np.tile([1, 1, 2, 0, 0], 6))


def test_a_survey_comes_onto_the_grid(tarim, tarim_folder):
    files = tarim_files(tarim_folder / "scene")
    geobox = geobox_of(tarim.elevation)
    for name, path in files.surveys.items():
        survey = ClassifiedMap(name=name, path=path).open(geobox, chunks=CHUNKS).compute()
        theirs = tarim.surveys[name].reindex(y=survey.y, x=survey.x, method="nearest", tolerance=1e-6, fill_value=3)
        np.testing.assert_array_equal(survey, np.where(theirs == 3, 0, theirs))


def test_a_survey_of_elsewhere_is_named(legend):
    far = GeoBox.from_bbox((90.0, 35.0, 90.4, 35.3), "EPSG:4326", shape=(30, 40))
    with pytest.raises(InputError, match=r"legend.tif: .*overlap"):
        ClassifiedMap(name="theirs", path=legend).open(far, chunks=CHUNKS)


def test_boreholes_and_their_pixels(tarim, tarim_folder):
    files = tarim_files(tarim_folder / "scene")
    found = find_boreholes(Validation(boreholes=files.boreholes), geobox_of(tarim.elevation))
    assert found.inside.borehole.tolist() == tarim.boreholes.borehole.tolist()
    assert find_boreholes(Validation(), geobox_of(tarim.elevation)) is None
    with pytest.raises(InputError, match=r"boreholes.csv: none of \d+ places lies on the grid"):
        find_boreholes(Validation(boreholes=files.boreholes), GEOBOX.pad(-10))


def test_places_inside_and_outside(tmp_path):
    table = pd.DataFrame({"longitude": [78.005, 79.0], "latitude": [35.295, 35.0]})
    found = place(table, GEOBOX, path=tmp_path / "stations.csv")
    assert found.inside[["row", "column"]].to_numpy().tolist() == [[0, 0]]
    assert found.outside.longitude.tolist() == [79.0]
    with pytest.raises(InputError, match=r"stations.csv: none of 1 places lies on the grid"):
        place(table[1:], GEOBOX, path=tmp_path / "stations.csv")


def test_values_at_pixels(cut, assert_lazy):
    places = pd.DataFrame({"row": [0, 29, 11], "column": [39, 0, 7]})
    with assert_lazy():
        found = at_pixels(cut.chunk(y=7, x=9).to_dataset(), places)
    assert found.ours.values.tolist() == [1, 2, 1]
    assert set(found.coords) == set()


def test_the_first_survey_counts_where_two_overlap():
    west, east = (
        states(np.where(where, value, 0) * np.ones((30, 1)))
        for where, value in (
            (np.arange(40) < 25, 1),
            (np.arange(40) >= 20, 2),
        )
    )
    joined = join_surveys([west, east])
    np.testing.assert_array_equal(joined[0], np.where(np.arange(40) < 25, 1, 2))
    assert join_surveys([]) is None


def test_the_window_of_a_survey():
    values = np.zeros((30, 40))
    values[4, 9] = values[17, 30] = 2
    window = surveyed_window(states(values))
    assert window == {"y": slice(4, 18), "x": slice(9, 31)}
    with pytest.raises(InputError, match="validation.surveys: no pixel of the grid has a class in any of them. Check"):
        surveyed_window(states(np.zeros((30, 40))))


def test_everyone_is_held_against_every_survey_and_we_against_all(cut):
    rng = np.random.default_rng(2)
    noisy = states(np.where(rng.random((30, 40)) < 0.1, 3 - cut, cut))
    partial = states(np.where(np.arange(40) < 15, noisy, 0))
    rival = states(np.where(np.arange(30)[:, None] < 18, 1, 2) * np.ones((1, 40)))
    found = list(agreements(cut, surveys={"A": noisy, "B": partial}, rivals={"R": rival}, block=5_000.0, seed=0))
    assert [(one.map_name, one.reference) for one in found] == [
        ("this map", "A"),
        ("R", "A"),
        ("this map", "B"),
        ("R", "B"),
        ("this map", "R"),
    ]
    known = (partial > 0).values
    expected = cohen_kappa_score(cut.values[known], partial.values[known])
    assert found[2].confusion.kappa == pytest.approx(expected)
    assert found[2].confusion.n == known.sum()
    for one in found:
        assert one.interval[0] <= one.confusion.kappa <= one.interval[1]
