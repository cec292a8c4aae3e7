"""Variables of rivers: discharge, and how it recedes."""

from cryoscale.variables.entry import Variable

_RECORD = ("time",)
_WINDOWS = ("year",)

HYDROLOGY = (
    Variable(
        "discharge",
        "m3 s-1",
        "daily mean discharge",
        _RECORD,
        dtype="float64",
        standard_name="water_volume_transport_in_river_channel",
        valid_range=(0.0, 1e6),
    ),
    Variable("rain", "mm d-1", "daily rain", _RECORD, dtype="float64", valid_range=(0.0, 2000.0)),
    # The unit of the coefficient depends on the exponent b: (m3 s-1)^(1 - b) d-1; d-1 holds for b = 1.
    Variable("recession_coefficient", "d-1", "coefficient a of -dQ/dt = a Q^b", _WINDOWS, dtype="float64"),
    Variable("recession_exponent", "1", "exponent b of -dQ/dt = a Q^b", _WINDOWS, dtype="float64"),
    Variable("recession_constant", "d", "recession time constant Ks = 1 / a", _WINDOWS, dtype="float64"),
    Variable("recession_time", "d", "recession time at the reference discharge", _WINDOWS, dtype="float64"),
    Variable("reference_discharge", "m3 s-1", "discharge that the recession time is for", _WINDOWS, dtype="float64"),
    Variable("n_events", "1", "recession events", _WINDOWS, dtype="int32"),
)
