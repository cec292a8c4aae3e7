import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from cryoscale.errors import InputError
from cryoscale.insar.network import components, decimal_years, epochs, pair_dates, pair_indices, temporal_spans

START = np.datetime64("2017-03-01", "ns")


def dates_of(days):
    return START + np.asarray(days) * np.timedelta64(1, "D")


def stack_of(reference, secondary):
    coords = {"reference": ("pair", dates_of(reference)), "secondary": ("pair", dates_of(secondary))}
    return xr.DataArray(np.zeros(len(reference)), dims="pair", coords=coords, name="pair_displacement")


def test_dates_epochs_indices_and_spans_of_a_stack():
    reference, secondary = pair_dates(stack_of([24, 0, 12], [36, 24, 36]))
    np.testing.assert_array_equal(epochs(reference, secondary), dates_of([0, 12, 24, 36]))
    first, second = pair_indices(reference, secondary)
    assert first.tolist() == [2, 0, 1]
    assert second.tolist() == [3, 2, 3]
    assert temporal_spans(reference, secondary).tolist() == [12.0, 24.0, 24.0]


def test_years_are_days_over_365_25_and_keep_hours():
    assert decimal_years(dates_of([0, 1461])).tolist() == [0.0, 4.0]
    half_day = START + np.array([0, 12]) * np.timedelta64(1, "h")
    np.testing.assert_allclose(decimal_years(half_day), [0.0, 0.5 / 365.25])


@given(st.sets(st.tuples(st.integers(0, 12), st.integers(1, 4)), min_size=1, max_size=14))
def test_pieces_are_those_that_can_be_walked(links):
    pairs = sorted((start, start + span) for start, span in links)
    reference, secondary = (dates_of(12 * np.array(side)) for side in zip(*pairs, strict=True))
    numbers = sorted({epoch for pair in pairs for epoch in pair})
    expected: dict[int, int] = {}
    for number in numbers:
        if number in expected:
            continue
        piece, reached = len(set(expected.values())), {number}
        while more := {b for pair in pairs for a, b in (pair, pair[::-1]) if a in reached} - reached:
            reached |= more
        expected |= dict.fromkeys(reached, piece)
    assert components(reference, secondary).tolist() == [expected[number] for number in numbers]


BAD = {
    "missing": (lambda s: s.drop_vars("secondary"), "pair_displacement: has no coordinate 'secondary'"),
    "not dates": (
        lambda s: s.assign_coords(reference=("pair", [1, 2])),
        "'reference' must hold datetime64 along 'pair'",
    ),
    "not along pairs": (
        lambda s: s.assign_coords(reference=START),
        r"'reference' must hold datetime64 along 'pair', but is datetime64\[ns\] along \(\)",
    ),
    "no pairs": (lambda s: s.isel(pair=[]), "has no pairs"),
    "equal": (
        lambda s: s.assign_coords(reference=s.secondary),
        r"pair 0 \(2017-03-13 - 2017-03-13\) does not go",
    ),
    "not a time": (
        lambda s: s.assign_coords(secondary=s.secondary.where(s.pair == 0)),
        r"pair 1 \(2017-03-13 - NaT\) does not go forward in time",
    ),
    "repeated": (lambda s: s.isel(pair=[1, 0, 1]), r"pair 0 \(2017-03-13 - 2017-03-25\) occurs 2 times. Keep one"),
}


@pytest.mark.parametrize(("change", "message"), BAD.values(), ids=BAD)
def test_refuses_pairs_without_a_direction_in_time(change, message):
    with pytest.raises(InputError, match=message):
        pair_dates(change(stack_of([0, 12], [12, 24])))
