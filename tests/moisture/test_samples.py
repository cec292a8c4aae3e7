import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoscale.errors import InputError
from cryoscale.moisture.samples import depth_means, merge_pixels, screen

KNIFE, RADAR = "ring knife", "ground-penetrating radar"


def layers(sample, *bounds_and_moisture, start="2012-09-15", end=None, longitude=93.1, method=KNIFE):
    """Layers of one visit."""
    return pd.DataFrame(
        [
            {
                "sample": sample,
                "longitude": longitude,
                "latitude": 34.8,
                "start": pd.Timestamp(start),
                "end": pd.Timestamp(end or start),
                "depth_top": top,
                "depth_bottom": bottom,
                "moisture": moisture,
                "method": method,
            }
            for top, bottom, moisture in bounds_and_moisture
        ]
    )


def table_of(*parts):
    return pd.concat(parts, ignore_index=True)


def means_of(values, *, method=KNIFE):
    """A table as of `depth_means`, one sample a value, each somewhere else."""
    day = pd.Timestamp("2012-09-15")
    n = len(values)
    return pd.DataFrame(
        {
            "sample": [f"{method[0]}{i:03d}" for i in range(n)],
            "longitude": 93.0 + 0.01 * np.arange(n),
            "latitude": 34.8,
            "method": method,
            "start": day,
            "end": day,
            "moisture": values,
            "thickness": 1.0,
            "depth_bottom": 1.0,
            "reason": "",
        }
    )


def test_mean_over_depth_is_weighted_by_thickness():
    found = depth_means(layers("P1", (0.0, 0.1, 0.5), (0.1, 0.4, 0.3), (0.5, 1.0, 0.1))).iloc[0]
    assert found.moisture == pytest.approx((0.05 + 0.09 + 0.05) / 0.9)
    assert found.thickness == pytest.approx(0.9)
    assert found.share == pytest.approx(0.9)
    assert (found.depth_bottom, found.n_layers, found.n_visits, found.reason) == (1.0, 3, 1, "")


@given(
    bounds=st.lists(st.floats(0.01, 5.0), min_size=1, max_size=6, unique=True),
    moisture=st.lists(st.floats(0.0, 1.0), min_size=6, max_size=6),
    order=st.randoms(),
)
def test_mean_is_within_its_layers_whatever_their_order(bounds, moisture, order):
    edges = [0.0, *sorted(round(bound, 2) for bound in set(bounds))]
    profile = [
        (top, bottom, theta)
        for top, bottom, theta in zip(edges[:-1], edges[1:], moisture, strict=False)
        if bottom > top
    ]
    shuffled = profile.copy()
    order.shuffle(shuffled)
    one, other = depth_means(layers("P", *profile)), depth_means(layers("P", *shuffled))
    pd.testing.assert_frame_equal(one, other)
    values = [theta for *_, theta in profile]
    assert min(values) - 1e-12 <= one.moisture[0] <= max(values) + 1e-12
    expected = np.average(values, weights=[bottom - top for top, bottom, _ in profile])
    assert one.moisture[0] == pytest.approx(expected, abs=1e-12)


def test_a_constant_profile_with_a_gap_keeps_its_value():
    found = depth_means(layers("P", (0, 0.3, 0.25), (0.5, 1, 0.25))).iloc[0]
    assert found.moisture == pytest.approx(0.25)
    assert found.share == pytest.approx(0.8)


def test_samples_that_cover_too_little():
    table = table_of(layers("A", (0, 0.4, 0.3), (0.9, 1.0, 0.1)), layers("B", (0, 0.6, 0.3), (0.9, 0.9 + 0.1, 0.1)))
    found = depth_means(table)
    assert found.reason.tolist() == ["covers 50 % of its depth", ""]
    assert depth_means(table, min_share=0.5).reason.tolist() == ["", ""]
    assert depth_means(layers("C", (0.401, 1.0, 0.3))).reason[0] == "covers 59 % of its depth"


@pytest.mark.parametrize(
    ("start", "end", "months", "inside"),
    [
        ("2012-09-01", None, (9, 10), True),
        ("2012-10-31", None, (9, 10), True),
        ("2012-08-31", None, (9, 10), False),
        ("2012-11-01", "2013-08-31", (9, 10), False),
        ("2012-11-01", "2013-09-01", (9, 10), True),
        ("2012-07-01", "2012-12-31", (9, 10), True),
        ("2012-12-15", "2013-01-15", (1,), True),
        ("2012-12-15", "2013-01-15", (2, 11), False),
        ("2012-01-01", "2012-12-31", (6,), True),
    ],
)
def test_periods_count_if_they_overlap_the_months(start, end, months, inside):
    found = depth_means(layers("P", (0, 1, 0.3), start=start, end=end), months=months)
    assert (found.reason[0] == "") == inside


def test_months_in_the_reason():
    july = layers("P", (0, 1, 0.3), start="2012-07-02")
    assert depth_means(july).reason[0] == "outside September-October"
    assert depth_means(july, months=[9]).reason[0] == "outside September"
    assert depth_means(july, months=(10, 6)).reason[0] == "outside June, October"


def test_visits_within_the_months_are_averaged():
    table = table_of(
        layers("P", (0, 1, 0.9), start="2012-07-01"),
        layers("P", (0, 1, 0.2), start="2012-09-10"),
        layers("P", (0, 1, 0.3), (1, 2, 0.5), start="2013-10-10"),
        layers("P", (0.9, 1, 0.8), start="2014-10-10"),
    )
    found = depth_means(table).iloc[0]
    assert found.moisture == pytest.approx((0.2 + 0.4) / 2)
    assert (found.n_visits, found.n_layers, found.thickness, found.depth_bottom) == (2, 3, 1.5, 1.5)
    assert (found.start, found.end) == (pd.Timestamp("2012-09-10"), pd.Timestamp("2013-10-10"))


def test_samples_come_in_the_order_of_their_names():
    table = table_of(layers("B", (0, 1, 0.3)), layers("A", (0, 1, 0.2)), layers("C", (0, 1, 0.1)))
    pd.testing.assert_frame_equal(depth_means(table), depth_means(table[::-1]))
    assert depth_means(table)["sample"].tolist() == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (layers("P", (0, 1, 23.0)), r"moisture is 23.0 in the sample P, but must be m3 m-3, 0 to 1"),
        (layers("P", (0, 1, np.nan)), r"moisture is nan in the sample P"),
        (layers("P", (1, 1, 0.2)), r"depth_bottom is 1 in the sample P, but must be m, and below depth_top"),
        (layers("P", (-1, 1, 0.2)), r"depth_top is -1 in the sample P"),
        (layers("P", (0, 1, 0.2), end="2011-01-01"), r"end is 2011-01-01 .* but must be a date, not before start"),
        (layers("P", (0, 1, 0.2), (0.9, 2, 0.2)), r"layer from 0.9 to 2 m of the sample P overlaps the one above"),
        (
            table_of(layers("P", (0, 1, 0.2)), layers("P", (1, 2, 0.2), longitude=93.2)),
            r"longitude differs within the sample P. Give each longitude a sample",
        ),
        (layers("P", (0, 1, 0.2)).drop(columns=["method", "end"]), r"it needs end, method"),
    ],
)
def test_layers_that_cannot_be(table, message):
    with pytest.raises(InputError, match=message):
        depth_means(table)


def test_options_that_cannot_be():
    table = layers("P", (0, 1, 0.2))
    for months in ((), (0, 9), (13,)):
        with pytest.raises(InputError, match=r"months: .* are none. Give numbers from 1 to 12"):
            depth_means(table, months=months)
    for share in (0.0, 1.1):
        with pytest.raises(InputError, match=r"min_share: .* is no share"):
            depth_means(table, min_share=share)
    with pytest.raises(InputError, match=r"threshold: 0 leaves no sample"):
        screen(means_of([0.1]), threshold=0)


def test_gross_errors_are_screened_by_method():
    rng = np.random.default_rng(1)
    knife, radar = rng.normal(0.2, 0.04, 60), rng.normal(0.4, 0.02, 30)
    knife[7], radar[3] = 0.92, 0.05  # a decimal point, a wrong velocity; 0.4 would be far off for a ring knife
    found = screen(table_of(means_of(knife), means_of(radar, method=RADAR)))
    refused = found[found.reason != ""]
    assert refused["sample"].tolist() == ["r007", "g003"]
    scale = 1.4826 * np.median(np.abs(knife - np.median(knife)))
    assert found.deviation[7] == pytest.approx((0.92 - np.median(knife)) / scale)
    expected = f"{found.deviation[7]:.1f} robust deviations from the ring-knife median {np.median(knife):.2f}"
    assert refused.reason.iloc[0] == expected
    assert refused.reason.iloc[1].endswith("from the ground-penetrating-radar median 0.40")
    assert found.attrs["not_screened"] == {}


def test_normal_samples_are_hardly_ever_screened():
    moisture = np.clip(np.random.default_rng(2).normal(0.25, 0.07, 5000), 0, 1)
    assert (screen(means_of(moisture)).reason != "").mean() < 0.002


def test_samples_that_agree_do_not_make_an_outlier():
    moisture = [0.2] * 20 + [0.26, 0.28]
    found = screen(means_of(moisture))
    assert found.reason[20] == ""
    assert found.reason[21] == "4.0 robust deviations from the ring-knife median 0.20"


def test_few_samples_are_not_screened_and_said_so():
    found = screen(table_of(means_of([0.2, 0.21, 0.99] * 3), means_of([0.3] * 10, method=RADAR)))
    assert (found.reason == "").all()
    assert found.attrs["not_screened"] == {KNIFE: 9}
    np.testing.assert_array_equal(found.deviation.isna(), [True] * 9 + [False] * 10)


def test_refused_samples_take_no_part_in_the_screening():
    table = means_of([0.2] * 12 + [0.9] * 30)
    table.loc[12:, "reason"] = "outside September-October"
    found = screen(table)
    assert found.reason[:12].eq("").all()
    assert found.reason[12:].eq("outside September-October").all()
    assert found.deviation[12:].isna().all()


def test_rows_keep_their_order_and_index():
    table = means_of([0.2] * 20 + [0.9]).iloc[::-1].set_axis([5] * 21)
    found = screen(table)
    assert found.index.tolist() == [5] * 21
    assert found.reason.iloc[0].startswith("35.0 robust")
    samples, _ = merge_pixels(found, np.arange(21), np.arange(21))
    assert samples["sample"].tolist() == table["sample"].tolist()


def test_samples_of_one_pixel_are_merged():
    table = table_of(means_of([0.1, 0.2, 0.4]), means_of([0.6], method=RADAR))
    table.loc[2, "reason"] = "outside September-October"
    samples, pixels = merge_pixels(table, rows=pd.Series([5, 3, 3, 5]), columns=[1, 2, 2, 1])
    assert samples.reason.tolist() == ["", "", "outside September-October", ""]
    assert pixels[["row", "column", "n_samples"]].values.tolist() == [[3, 2, 1], [5, 1, 2]]
    np.testing.assert_allclose(pixels.moisture, [0.2, 0.35])
    assert pixels["sample"].tolist() == ["r001", "g000, r000"]
    assert pixels.method.tolist() == [KNIFE, f"{RADAR}, {KNIFE}"]
    shuffled = merge_pixels(table.iloc[[3, 1, 0, 2]], [5, 3, 5, 3], [1, 2, 1, 2])[1]
    pd.testing.assert_frame_equal(pixels, shuffled)


def test_duplicates_are_reported_and_count_once():
    profile = ((0, 0.5, 0.3), (0.5, 1, 0.1))
    table = depth_means(
        table_of(
            layers("C", *profile),
            layers("A", *profile),
            layers("B", *profile, longitude=93.2),
            layers("D", *profile, start="2013-09-01"),
            layers("E", *profile, method=RADAR),
            layers("F", (0, 0.5, 0.3), (0.5, 1, 0.2)),
        )
    )
    samples, pixels = merge_pixels(table, [0] * 6, [0] * 6)
    reasons = dict(zip(samples["sample"], samples.reason, strict=True))
    assert reasons == {"A": "", "B": "", "C": "duplicate of A", "D": "", "E": "duplicate of A", "F": ""}
    assert pixels["sample"].tolist() == ["A, B, D, F"]
    assert pixels.moisture[0] == pytest.approx((3 * 0.2 + 0.25) / 4)


def test_nothing_accepted_gives_no_pixels():
    table = means_of([0.2, 0.3]).assign(reason="outside September-October")
    samples, pixels = merge_pixels(table, [1, 2], [1, 2])
    assert len(samples) == 2
    assert pixels.empty
    assert {"row", "column", "longitude", "latitude", "moisture"} <= set(pixels.columns)


@pytest.mark.parametrize("rows", [[1], [1, -1], [0.5, 1.0]])
def test_pixels_that_are_none(rows):
    with pytest.raises(InputError, match=r"rows: must be one whole number, 0 or more, for each of 2 samples"):
        merge_pixels(means_of([0.2, 0.3]), rows, [1, 2])
