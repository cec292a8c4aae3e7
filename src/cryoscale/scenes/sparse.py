"""The sparse sensors of Table 1: which of their acquisitions interfere, and how long they stay coherent."""

from types import MappingProxyType

import numpy as np
import pandas as pd

from cryoscale.insar.sensors import FlightDirection, Sensor
from cryoscale.scenes.network import Network

Pairs = tuple[tuple[str, str], ...]

SPARSE_PAIRS: MappingProxyType[str, Pairs] = MappingProxyType(
    {
        "ERS-2": (
            ("1997-04-28", "1997-06-02"),
            ("1997-06-02", "1997-08-11"),
            ("1997-08-11", "1998-07-27"),
        ),
        "Envisat": (("2003-10-18", "2005-10-22"),),
        "ALOS-1": (
            ("2007-07-12", "2007-10-12"),
            ("2010-07-20", "2010-10-20"),
            ("2007-07-12", "2008-07-14"),
            ("2007-08-27", "2009-09-01"),
            ("2008-07-14", "2010-07-20"),
            ("2009-09-01", "2010-09-04"),
            ("2007-10-12", "2010-10-20"),
        ),
        "ALOS-2": (
            ("2019-05-19", "2019-07-14"),
            ("2019-07-14", "2020-03-22"),
            ("2019-03-24", "2020-03-22"),
            ("2020-03-22", "2021-03-21"),
            ("2019-03-24", "2021-03-21"),
            ("2019-03-24", "2022-03-20"),
        ),
    }
)
"""Pairs between the dates of Table 1, all of which occur: within a thaw season (and a freezing one for ALOS-2), and
over one to three years between similar dates. The paper's Table S1 is not at hand. Sections 3.1.2 and 4.1.1 and Fig. 5
to 7 name those of ERS-2 but the second, that of Envisat, ALOS-2's within seasons, and months and spans of the rest."""

_PERSISTENCE = MappingProxyType({"ERS-2": 6.0, "Envisat": 6.0, "ALOS-1": 12.0, "ALOS-2": 12.0})
_HEADING = MappingProxyType({FlightDirection.ASCENDING: -10.4, FlightDirection.DESCENDING: -169.6})


def sparse_network(name: str) -> Network:
    """Pairs of a sparse sensor.

    Parameters
    ----------
    name : str
        A key of `SPARSE_PAIRS`.

    Returns
    -------
    Network

    Examples
    --------
    >>> network = sparse_network("Envisat")
    >>> network.years.round(2), network.first, network.second
    (array([0.  , 2.01]), array([0]), array([1]))
    """
    dates = np.array(SPARSE_PAIRS[name], "datetime64[ns]")
    epochs = pd.DatetimeIndex(np.unique(dates))
    return Network(epochs, *np.searchsorted(epochs.values, dates.T))


def coherence_persistence(name: str) -> float:
    """How many times longer than Sentinel-1's the coherence of a sensor's pairs lasts.

    In C-band before the mining over a year or two on flat ground (Section 4.1.1), in L-band over three years.

    Parameters
    ----------
    name : str
        One of Table 1.

    Returns
    -------
    float
    """
    return _PERSISTENCE.get(name, 1.0)


def heading(sensor: Sensor) -> float:
    """Direction of flight, degree clockwise from north.

    Parameters
    ----------
    sensor : Sensor
        One of Table 1.

    Returns
    -------
    float
    """
    return _HEADING[sensor.direction]


def phase_per_mm(sensor: Sensor) -> float:
    """Phase of a displacement of 1 mm toward the satellite, rad.

    Parameters
    ----------
    sensor : Sensor
        One of Table 1.

    Returns
    -------
    float

    Examples
    --------
    >>> from cryoscale.insar.sensors import sensor
    >>> round(phase_per_mm(sensor("ALOS-1")), 3)
    -0.053
    """
    return -4 * np.pi / (1000 * sensor.wavelength)


def radar_facts(sensor: Sensor) -> dict[str, object]:
    """Attributes of a stack of this sensor.

    Parameters
    ----------
    sensor : Sensor
        One of Table 1.

    Returns
    -------
    dict
        ``sensor``, ``wavelength`` (m), ``incidence_angle`` and ``heading`` (degree).
    """
    return {
        "sensor": sensor.name,
        "wavelength": sensor.wavelength,
        "incidence_angle": sensor.incidence_angle,
        "heading": heading(sensor),
    }
