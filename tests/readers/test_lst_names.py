import numpy as np
import pytest

from cryoscale.errors import InputError
from cryoscale.readers.lst_names import parse_modis, parse_trims, parser_of_pattern


@pytest.mark.parametrize(
    ("name", "overpass", "day"),
    [
        ("TRIMS_Aqua2024001D.tif", "aqua_day", "2024-01-01"),
        ("TRIMS_Terra2020366N.tif", "terra_night", "2020-12-31"),
        ("TRIMS_LST_Terra_2005032_D.tif", "terra_day", "2005-02-01"),
    ],
)
def test_trims(name, overpass, day):
    image = parse_trims(name)
    assert (image.overpass, image.day, image.quality) == (overpass, np.datetime64(day), False)


@pytest.mark.parametrize(
    "name", ["TRIMS_View_Time_Aqua2024001D.tif", "TRIMS_Aqua2021366D.tif", "TRIMS_Aqua2024001D.tif.ovr"]
)
def test_what_is_not_trims(name):
    assert parse_trims(name) is None


@pytest.mark.parametrize(
    ("name", "overpass", "day", "tile", "quality"),
    [
        ("MOD11A1.061_LST_Day_1km_doy2005001_aid0001.tif", "terra_day", "2005-01-01", "aid0001", False),
        ("MYD11A1.061_QC_Night_doy2005001000000_aid0001.tif", "aqua_night", "2005-01-01", "aid0001", True),
        ("MYD11A1.A2008060.h25v05.061.2021123101010.LST_Night_1km.tif", "aqua_night", "2008-02-29", "h25v05", False),
        ("MOD11A1.006_LST_Night_1km_doy2019365.tif", "terra_night", "2019-12-31", "", False),
    ],
)
def test_modis(name, overpass, day, tile, quality):
    image = parse_modis(name)
    assert (image.overpass, image.day, image.tile, image.quality) == (overpass, np.datetime64(day), tile, quality)


def test_quality_flags_share_the_key_of_their_temperatures():
    temperatures = parse_modis("MOD11A1.A2005001.h25v05.061.2020123.LST_Day_1km.tif")
    assert temperatures.key == parse_modis("MOD11A1.A2005001.h25v05.061.2020123.QC_Day.tif").key
    assert temperatures.key != parse_modis("MOD11A1.A2005001.h26v05.061.2020123.QC_Day.tif").key


@pytest.mark.parametrize(
    "name", ["MOD11A1.061_Emis_31_doy2005001_aid0001.tif", "MOD11A2.061_LST_Day_1km_doy2005001.tif"]
)
def test_what_is_not_modis(name):
    assert parse_modis(name) is None


def test_pattern_with_names_and_tiles():
    parse = parser_of_pattern("{tile}/lst.{overpass}.{date:%Y_%j}.tif", names={"terra_day": "T+", "aqua_day": "A+"})
    image = parse("h25/lst.A+.2005_032.tif")
    assert (image.overpass, image.day, image.tile) == ("aqua_day", np.datetime64("2005-02-01"), "h25")
    assert parse("h25/lstxT+.2005_032.tif") is None
    assert parse("h25/lst.terra_day.2005_032.tif") is None
    assert parse("h25/lst.T+.2005_367.tif") is None


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("lst_{date:%Y%m%d}.tif", r"must have \{overpass\} and \{date:%Y%m%d\} once each"),
        ("lst_{overpass}_{overpass}_{date}.tif", "once each"),
        ("lst_{overpass}_{day}.tif", "once each"),
        ("lst_{overpass}_{date:%Y%b}.tif", "a date that is not made of %Y, %m, %d, %j"),
    ],
)
def test_templates_that_cannot_work(pattern, message):
    with pytest.raises(InputError, match=message):
        parser_of_pattern(pattern)
