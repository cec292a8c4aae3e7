"""The sparse sensors: Table 1 and no other date."""

import numpy as np
import pandas as pd
import pytest

from cryoscale.insar.sensors import sensor
from cryoscale.scenes.sparse import SPARSE_PAIRS, heading, phase_per_mm, radar_facts, sparse_network


@pytest.mark.parametrize("name", SPARSE_PAIRS)
def test_the_epochs_are_the_dates_of_table_1_all_of_them(name):
    np.testing.assert_array_equal(sparse_network(name).epochs.values.astype("datetime64[D]"), sensor(name).dates)


@pytest.mark.parametrize("name", SPARSE_PAIRS)
def test_pairs_go_forward_and_are_as_listed(name):
    network = sparse_network(name)
    pairs = [(network.epochs[i], network.epochs[j]) for i, j in zip(network.first, network.second, strict=True)]
    assert pairs == [(pd.Timestamp(first), pd.Timestamp(second)) for first, second in SPARSE_PAIRS[name]]
    assert all(first < second for first, second in pairs)
    assert len(set(pairs)) == len(pairs)


def test_pairs_lie_within_a_season_or_span_whole_years():
    for name, pairs in SPARSE_PAIRS.items():
        for first, second in pairs:
            days = (pd.Timestamp(second) - pd.Timestamp(first)).days
            whole_years = abs(days / 365.25 - round(days / 365.25)) * 365.25 < 17 and days > 300
            freezing = name == "ALOS-2" and first == "2019-07-14"
            assert whole_years or freezing or days <= 92


def test_every_sensor_has_what_the_record_needs():
    spans = {
        name: [(pd.Timestamp(second) - pd.Timestamp(first)).days for first, second in pairs]
        for name, pairs in SPARSE_PAIRS.items()
    }
    assert all(max(days) > 300 for days in spans.values())
    assert all(min(spans[name]) < 100 for name in ("ERS-2", "ALOS-1", "ALOS-2"))


def test_facts_are_those_of_table_1():
    assert radar_facts(sensor("ERS-2")) == {
        "sensor": "ERS-2",
        "wavelength": 0.0566,
        "incidence_angle": 23.14,
        "heading": -169.6,
    }
    assert heading(sensor("ALOS-1")) == -10.4
    assert phase_per_mm(sensor("ALOS-2")) == pytest.approx(-4 * np.pi / 241.9)
