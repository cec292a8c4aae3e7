import numpy as np
import pytest

from cryoscale.errors import InputError
from cryoscale.insar.sensors import SENSORS, Band, FlightDirection, sensor

SPEED_OF_LIGHT = 299792458.0
CARRIER = {"ERS-2": 5.3e9, "Envisat": 5.331e9, "ALOS-1": 1.27e9, "ALOS-2": 1.2365e9, "Sentinel-1": 5.405e9}
REPEAT = {"ERS-2": 35, "Envisat": 35, "ALOS-1": 46, "ALOS-2": 14}


@pytest.mark.parametrize("entry", SENSORS.values(), ids=lambda entry: entry.name)
def test_wavelengths_are_those_of_the_carriers(entry):
    physical = SPEED_OF_LIGHT / CARRIER[entry.name]
    assert abs(entry.wavelength / physical - 1) < (0.0023 if entry.name == "ALOS-2" else 0.0012)
    assert (entry.band is Band.L) == (physical > 0.15)


@pytest.mark.parametrize("entry", SENSORS.values(), ids=lambda entry: entry.name)
def test_dates_lie_on_one_track(entry):
    """Days between images of one track are whole repeat cycles of the satellite."""
    days = np.diff(np.array(entry.dates, "datetime64[D]")).astype(int)
    assert (days > 0).all()
    assert not (days % REPEAT.get(entry.name, 1)).any()
    years = {int(str(date)[:4]) for date in entry.dates} or set(entry.period)
    assert (min(years), max(years)) == entry.period


def test_the_table_of_the_paper():
    assert list(SENSORS) == ["ERS-2", "Envisat", "ALOS-1", "ALOS-2", "Sentinel-1"]
    assert [entry.wavelength for entry in SENSORS.values()] == [0.0566, 0.0563, 0.2362, 0.2419, 0.0555]
    assert [entry.incidence_angle for entry in SENSORS.values()] == [23.14, 22.81, 38.72, 40.55, 39.47]
    assert [entry.polarisation for entry in SENSORS.values()] == ["VV", "VV", "HH", "HH", "VV"]
    ascending = [name for name, entry in SENSORS.items() if entry.direction is FlightDirection.ASCENDING]
    assert ascending == ["ALOS-1"]
    assert [len(entry.dates) for entry in SENSORS.values()] == [4, 2, 8, 6, 0]


def test_an_unknown_sensor_is_an_error_that_names_the_known():
    with pytest.raises(InputError, match="sensor: 'ERS-1' is unknown; known are ERS-2, Envisat, ALOS-1, ALOS-2, Sen"):
        sensor("ERS-1")
