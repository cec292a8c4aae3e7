"""rk by class: tables, what they lack, and their calibration to what is known of the ground."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.products.conductivity import (
    Calibration,
    Conductivity,
    Ratios,
    block_labels,
    calibrate,
    measured_temperature,
    read_ratios,
    require_ratios,
)
from cryoscale.variables import attributes

SHAPE = (40, 60)
COORDS = grid_coords(GeoBox.from_bbox((78.0, 35.0, 78.6, 35.4), "EPSG:4326", shape=SHAPE))
TRUE = {130: 0.65, 200: 0.85}
START = read_ratios(None)


def to_map(values, name):
    return xr.DataArray(values, COORDS, ("y", "x"), name, attributes(name))


@pytest.fixture(scope="module")
def maps():
    """Grass in the west, bare ground in the east; ever warmer to the south."""
    rng = np.random.default_rng(4)
    ddt = np.linspace(400, 2600, SHAPE[0])[:, None] + rng.normal(0, 60, SHAPE)
    classes = np.where(np.arange(SHAPE[1]) < 25, 130, 200) * np.ones((SHAPE[0], 1))
    return xr.Dataset(
        {
            "mean_ddt": to_map(ddt, "mean_ddt"),
            "mean_ddf": to_map(np.full(SHAPE, 1100.0), "mean_ddf"),
            "land_cover": to_map(classes.astype("uint8"), "land_cover"),
        }
    )


@pytest.fixture(scope="module")
def survey(maps):
    ratio = xr.where(maps.land_cover == 130, TRUE[130], TRUE[200])
    states = xr.where(ratio * maps.mean_ddt <= maps.mean_ddf, 1, 2).astype("uint8")
    return states.assign_coords(COORDS).rename("survey")


@pytest.fixture
def boreholes():
    rng = np.random.default_rng(5)
    classes = np.repeat([130, 200], 12)
    ddt, ddf = rng.uniform(600, 1200, 24), rng.uniform(1300, 2500, 24)
    ratio = np.where(classes == 130, TRUE[130], TRUE[200])
    ttop = (ratio * ddt - ddf) / 365.25
    return pd.DataFrame({"mean_ddt": ddt, "mean_ddf": ddf, "land_cover": classes, "ttop": ttop})


def test_the_start_values_are_of_esa_cci():
    assert START.values[130] == 0.75
    assert START.names[200].startswith("bare")


def test_a_table_of_ones_own(tmp_path):
    path = tmp_path / "rk.csv"
    path.write_text("class,rk,rk_error,name\n1,0.7,0.05,silt\n2,0.9,0.1,gravel\n")
    table = read_ratios(path)
    assert (table.values, table.names) == ({1: 0.7, 2: 0.9}, {1: "silt", 2: "gravel"})
    with pytest.raises(InputError, match=r"nowhere.csv: "):
        read_ratios(tmp_path / "nowhere.csv")
    path.write_text("class,name\n1,silt\n")
    with pytest.raises(InputError, match=r"rk.csv: .*rk"):
        read_ratios(path)


def test_classes_without_a_ratio_are_refused(maps, survey):
    odd = maps.land_cover.copy(deep=True)
    odd[:3, :4] = 99
    odd[5, 5] = 0
    lazy = odd.chunk(y=16, x=24)
    message = r"land cover: classes without rk: 99 \(12 pixels\). Add them to the table of rk, or set their pixels to 0"
    with pytest.raises(InputError, match=message):
        require_ratios(START, lazy, None)
    require_ratios(START, maps.land_cover.chunk(y=16), None)
    require_ratios(START, lazy, survey)  # surveyed, so that it will be calibrated
    with pytest.raises(InputError, match="99"):
        require_ratios(START, lazy, survey.where(odd != 99, 0))


def test_blocks_are_squares_on_the_ground(maps):
    labels = block_labels(maps.mean_ddt, 10_000.0)
    assert labels.dims == ("y", "x")
    rows, columns = (np.unique(labels.isel({dim: 0})).size for dim in ("x", "y"))
    height, width = 0.4 * 110.95, 0.6 * 91.3  # km, at 35.2 degrees north
    assert abs(rows - height / 10) <= 1
    assert abs(columns - width / 10) <= 1
    assert np.unique(labels).size == rows * columns


def test_without_calibration_the_table_stays(maps):
    ratios = calibrate(START, Conductivity(), maps=maps, survey=None, boreholes=None)
    assert ratios == Ratios(START, START)
    assert ratios.classes().empty


def test_a_survey_gives_the_planted_ratios(maps, survey):
    options = Conductivity(calibration=Calibration.SURVEY, block=8_000.0)
    ratios = calibrate(START, options, maps=maps, survey=survey, boreholes=None)
    for code, true in TRUE.items():
        assert ratios.table.values[code] == pytest.approx(true, abs=0.02)
        assert ratios.start.values[code] != ratios.table.values[code]
    assert ratios.table.values[180] == START.values[180]  # nothing is known of marshes
    assert ratios.survey.confusion.kappa > ratios.single.confusion.kappa + 0.02
    classes = ratios.classes()
    assert classes.name.tolist() == [START.names[130], START.names[200]]
    assert classes.n.sum() == survey.size
    np.testing.assert_allclose(classes.rk_table, [0.75, 0.95])


def test_bounds_and_few_pixels_are_heeded(maps, survey):
    bounded = Conductivity(calibration=Calibration.SURVEY, block=8_000.0, bounds=(0.7, 0.8))
    values = calibrate(START, bounded, maps=maps, survey=survey, boreholes=None).table.values
    assert 0.7 <= min(values[130], values[200]) <= max(values[130], values[200]) <= 0.8
    pooled = Conductivity(calibration=Calibration.SURVEY, block=8_000.0, min_pixels=1_200)
    classes = calibrate(START, pooled, maps=maps, survey=survey, boreholes=None).classes()
    assert classes.pooled.tolist() == [True, False]


def test_boreholes_give_the_planted_ratios(maps, boreholes):
    options = Conductivity(calibration=Calibration.BOREHOLES)
    ratios = calibrate(START, options, maps=maps, survey=None, boreholes=boreholes)
    for code, true in TRUE.items():
        assert ratios.table.values[code] == pytest.approx(true, abs=0.01)
    assert ratios.classes().n.tolist() == [12, 12]
    assert ratios.survey is None


def test_what_boreholes_measured(boreholes):
    some = boreholes.assign(magt=boreholes.ttop - 0.1)
    some.loc[3, "ttop"] = np.nan
    measured = measured_temperature(some)
    assert measured[3] == some.magt[3]
    assert measured[4] == some.ttop[4]
    assert measured_temperature(some[["magt"]]).equals(some.magt)
    with pytest.raises(InputError, match="boreholes: have neither ttop nor magt, so rk cannot be calibrated to them"):
        measured_temperature(boreholes.drop(columns="ttop"))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Calibration.SURVEY, "conductivity.calibration: survey, but validation.surveys names none. Add one"),
        (
            Calibration.BOREHOLES,
            "conductivity.calibration: boreholes, but validation.boreholes names none. Add a table",
        ),
    ],
)
def test_calibration_against_nothing(maps, kind, message):
    with pytest.raises(InputError, match=message):
        calibrate(START, Conductivity(calibration=kind), maps=maps, survey=None, boreholes=None)
