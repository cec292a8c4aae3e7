"""The radar missions of the long-term record (Chang et al., Table 1)."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from cryoscale.errors import InputError


class Band(StrEnum):
    """Radar band."""

    C = "C"
    L = "L"


class FlightDirection(StrEnum):
    """Whether the satellite flies northward (ascending) or southward (descending) over the area."""

    ASCENDING = "ascending"
    DESCENDING = "descending"


class Polarisation(StrEnum):
    """Polarisation sent and received."""

    HH = "HH"
    VV = "VV"


@dataclass(frozen=True, slots=True)
class Sensor:
    """One row of Table 1.

    Attributes
    ----------
    name : str
        Mission.
    band : Band
        Radar band.
    wavelength : float
        As the table says, m: rounded, up to 0.23 % from c over the carrier frequency (ALOS-2 at 1.2365 GHz; ERS-2,
        Envisat, ALOS-1 and Sentinel-1 within 0.12 %). Displacement is proportional to it; where the headers of the
        interferograms say the frequency, take that.
    incidence_angle : float
        Of the scene's centre, degree.
    direction : FlightDirection
        Of the orbits used.
    polarisation : Polarisation
        Of the images used.
    period : tuple of int
        First and last year.
    dates : tuple of numpy.datetime64
        Acquisitions used; empty where the table says only the period.
    """

    name: str
    band: Band
    wavelength: float
    incidence_angle: float
    direction: FlightDirection
    polarisation: Polarisation
    period: tuple[int, int]
    dates: tuple[np.datetime64, ...] = ()


def sensor(name: str) -> Sensor:
    """Look up a mission by its name.

    Parameters
    ----------
    name : str
        ``ERS-2``, ``Envisat``, ``ALOS-1``, ``ALOS-2`` or ``Sentinel-1``.

    Returns
    -------
    Sensor

    Raises
    ------
    InputError
        If the name is unknown.

    Examples
    --------
    >>> alos = sensor("ALOS-2")
    >>> alos.wavelength, alos.incidence_angle, str(alos.direction), len(alos.dates)
    (0.2419, 40.55, 'descending', 6)
    """
    if name not in SENSORS:
        raise InputError(f"sensor: {name!r} is unknown; known are {', '.join(SENSORS)}.")
    return SENSORS[name]


def _dates(*dates: str) -> tuple[np.datetime64, ...]:
    return tuple(np.datetime64(date, "D") for date in dates)


def _registry(entries: Iterable[Sensor]) -> MappingProxyType[str, Sensor]:
    return MappingProxyType({entry.name: entry for entry in entries})


_ALOS1_DATES = _dates(
    "2007-07-12",
    "2007-08-27",
    "2007-10-12",
    "2008-07-14",
    "2009-09-01",
    "2010-07-20",
    "2010-09-04",
    "2010-10-20",
)
_ALOS2_DATES = _dates("2019-03-24", "2019-05-19", "2019-07-14", "2020-03-22", "2021-03-21", "2022-03-20")
_UP, _DOWN = FlightDirection.ASCENDING, FlightDirection.DESCENDING

SENSORS = _registry(
    (
        Sensor(
            "ERS-2",
            Band.C,
            0.0566,
            23.14,
            _DOWN,
            Polarisation.VV,
            (1997, 1998),
            _dates("1997-04-28", "1997-06-02", "1997-08-11", "1998-07-27"),
        ),
        Sensor(
            "Envisat",
            Band.C,
            0.0563,
            22.81,
            _DOWN,
            Polarisation.VV,
            (2003, 2005),
            _dates("2003-10-18", "2005-10-22"),
        ),
        Sensor("ALOS-1", Band.L, 0.2362, 38.72, _UP, Polarisation.HH, (2007, 2010), _ALOS1_DATES),
        Sensor("ALOS-2", Band.L, 0.2419, 40.55, _DOWN, Polarisation.HH, (2019, 2022), _ALOS2_DATES),
        Sensor("Sentinel-1", Band.C, 0.0555, 39.47, _DOWN, Polarisation.VV, (2016, 2023)),
    )
)
"""Table 1 by mission, in order of time but for Sentinel-1, which comes last as in the paper."""
