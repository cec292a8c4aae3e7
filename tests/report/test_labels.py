"""Names and units as people write them."""

import pytest
import xarray as xr

from cryoscale.report.labels import label_of, number_text, unit_text, with_unit


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        ("mm", "mm"),
        ("mm a-1", "mm a⁻¹"),
        ("m3 s-1", "m³ s⁻¹"),
        ("degC", "°C"),
        ("degC d", "°C d"),
        ("degree", "°"),
        ("1", ""),
        ("", ""),
        ("W m-1 K-1", "W m⁻¹ K⁻¹"),
    ],
)
def test_units(units, expected):
    assert unit_text(units) == expected


@pytest.mark.parametrize(
    ("value", "decimals", "signed", "expected"),
    [
        (1.25, 1, False, "1.2"),
        (-1.26, 1, True, "−1.3"),
        (-0.01, 1, True, "0.0"),
        (3, 0, True, "+3"),
        (float("nan"), 1, False, "nan"),
    ],
)
def test_numbers(value, decimals, signed, expected):
    assert number_text(value, decimals=decimals, signed=signed) == expected


def test_labels_fall_back_to_the_name_and_leave_out_pure_numbers():
    assert label_of(xr.DataArray(0, name="coherence", attrs={"units": "1"})) == "Coherence"
    assert label_of(xr.DataArray(0)) == ""
    assert with_unit("Estimate", xr.DataArray(0, attrs={"units": "mm a-1"})) == "Estimate (mm a⁻¹)"
