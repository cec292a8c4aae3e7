"""Variables of rivers: discharge, and how it recedes."""

from cryoscale.variables.entry import Variable

_RECORD = ("time",)
_WINDOWS = ("gauge", "year")
_STATES = (
    (0, "no_window"),
    (1, "estimated"),
    (2, "too_few_years"),
    (3, "too_few_events"),
    (4, "no_line"),
    (5, "unusable_series"),
)
_BOUNDED = {
    "recession_coefficient": ("d-1", "coefficient a of -dQ/dt = a Q^b"),
    "recession_exponent": ("1", "exponent b of -dQ/dt = a Q^b"),
    "recession_constant": ("d", "recession time constant Ks = 1 / a"),
    "recession_time": ("d", "recession time at the reference discharge"),
}

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
    *(
        Variable(f"{name}{end}", unit, f"{which}{title}", _WINDOWS, dtype="float64")
        for name, (unit, title) in _BOUNDED.items()
        for end, which in (("", ""), ("_lower", "lower bound of the "), ("_upper", "upper bound of the "))
    ),
    Variable("reference_discharge", "m3 s-1", "discharge that the recession time is for", _WINDOWS, dtype="float64"),
    Variable("n_events", "1", "recession events", _WINDOWS, dtype="int32"),
    Variable("n_recession_pairs", "1", "pairs of discharge and its rate", _WINDOWS, dtype="int32"),
    Variable("n_years", "1", "observed years of the window", _WINDOWS, dtype="int32"),
    Variable("missing_days", "1", "days of the seasons without discharge", _WINDOWS, dtype="int32"),
    Variable("recession_status", "1", "state of the estimate", _WINDOWS, dtype="uint8", flags=_STATES),
)
