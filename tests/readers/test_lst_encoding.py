import numpy as np
import pytest

from cryoscale.errors import InputError
from cryoscale.readers.lst_encoding import LstEncoding, Tags, TemperatureUnit, good_enough, parse_unit, to_celsius
from cryoscale.readers.lst_names import LstFormat

TRIMS, MODIS = LstEncoding(LstFormat.TRIMS), LstEncoding(LstFormat.MODIS)
PATTERN = LstEncoding(LstFormat.PATTERN)


@pytest.mark.parametrize(
    ("encoding", "tags", "numbers", "dtype", "expected"),
    [
        (TRIMS, Tags("a"), [27315, 0, 30000], "uint16", [0.0, np.nan, 26.85]),
        (MODIS, Tags("a"), [13000, 0, 14000], "uint16", [-13.15, np.nan, 6.85]),
        (MODIS, Tags("a", "Kelvin", 0.02, 0.0, 7), [13000, 7, 0], "uint16", [-13.15, np.nan, np.nan]),
        (MODIS, Tags("a"), [260.0, 0.0, 280.0], "float32", [-13.15, np.nan, 6.85]),
        (PATTERN, Tags("a", nodata=-9999), [-5.5, np.inf, -9999], "float32", [-5.5, np.nan, np.nan]),
        (PATTERN, Tags("a", nodata=-9999), [55537], "uint16", "unscaled integers"),
        (PATTERN, Tags("a", "K", 0.01, 200.0), [7315, 5000, 9000], "int16", [0.0, -23.15, 16.85]),
        (LstEncoding(LstFormat.PATTERN, scale=0.1, nodata=0), Tags("a"), [0, 55, -55], "int16", [np.nan, 5.5, -5.5]),
        (LstEncoding(LstFormat.TRIMS, TemperatureUnit.CELSIUS, 1.0), Tags("a"), [-3, 0, 3], "int16", [-3, np.nan, 3]),
    ],
)
def test_numbers_become_degrees(encoding, tags, numbers, dtype, expected):
    if isinstance(expected, str):
        with pytest.raises(InputError, match=expected):
            to_celsius(np.array(numbers, dtype), encoding, tags)
        return
    found = to_celsius(np.array(numbers, dtype), encoding, tags)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("encoding", "number", "dtype", "message"),
    [
        (
            PATTERN,
            271.3,
            "float32",
            r"lst.tif: lst is 271.3 degC somewhere .* between -100 and 90 degC. That looks like Kel",
        ),
        (
            PATTERN,
            13565,
            "int16",
            r"file holds 13565, .* looks like unscaled integers: set scale \(0.02 for MOD11A1, 0.01",
        ),
        (LstEncoding(LstFormat.MODIS, scale=1.0), 13565, "uint16", "looks like unscaled integers"),
        (TRIMS, -4.5, "float32", r"lst is -277.65 degC .* taken for K.* That looks like degC: set unit: degC"),
        (PATTERN, -999.0, "float32", "If it stands for no data, set nodata to it"),
    ],
)
def test_impossible_temperatures_say_what_to_set(encoding, number, dtype, message):
    with pytest.raises(InputError, match=message):
        to_celsius(np.array([[1, number]], dtype), encoding, Tags("lst.tif", nodata=1))


def test_unknown_unit():
    assert parse_unit("°C", path="a") is TemperatureUnit.CELSIUS
    with pytest.raises(InputError, match=r"lst.tif: its unit is 'degF'; lst needs 'K' or 'degC'"):
        parse_unit("degF", path="lst.tif")


@pytest.mark.parametrize(
    ("max_error", "errors"), [(0.5, []), (1.0, [0]), (2.5, [0, 1]), (3.0, [0, 1, 2]), (9e9, [0, 1, 2])]
)
def test_quality_flags(max_error, errors):
    flags = np.arange(256, dtype="uint8")
    passed = set(np.flatnonzero(good_enough(flags, max_error)))
    assert passed == {flag for flag in range(256) if flag % 4 == 0 or (flag % 4 == 1 and flag // 64 in errors)}
