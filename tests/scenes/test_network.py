"""Networks that every winter cuts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cryoscale.scenes.network import WINTER, broken_network


def components(network):
    n = len(network.epochs)
    graph = coo_array((np.ones(len(network.first)), (network.first, network.second)), shape=(n, n))
    return connected_components(graph, directed=False)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), links=st.integers(1, 6), interval=st.sampled_from([6, 12, 24]))
def test_no_pair_reaches_across_a_winters_edge(seed, links, interval):
    network = broken_network(
        "2016-04-04", "2019-04-30", links=links, interval=interval, rng=np.random.default_rng(seed)
    )
    first, second = network.epochs[network.first], network.epochs[network.second]
    span = np.asarray((second - first).days)
    assert (span > 0).all()
    assert (span % interval == 0).all()
    assert span.max() <= 2 * links * interval
    winter = np.asarray(network.epochs.month.isin(WINTER))
    assert (winter[network.first] == winter[network.second]).all()
    assert span[winter[network.first]].max(initial=0) <= 2 * interval
    assert set(network.first) | set(network.second) == set(range(len(network.epochs)))
    assert network.epochs.is_monotonic_increasing
    assert len(set(zip(network.first, network.second, strict=True))) == len(network.first)


def test_the_default_has_the_size_of_the_papers_network():
    network = broken_network("2016-04-04", "2023-04-30", rng=np.random.default_rng(0))
    assert len(network.epochs) >= 150
    assert 400 <= len(network.first) <= 700
    count, label = components(network)
    assert count >= 8
    summers = {label[i] for i in np.flatnonzero(~network.winter)}
    assert len(summers) == 8  # seven whole summers and the April of the last year
    assert count > len(summers)  # islands within the winters
    assert network.winter.mean() == pytest.approx(0.12, abs=0.1)


def test_years_count_from_the_first_epoch():
    network = broken_network("2016-04-04", "2017-04-30", rng=np.random.default_rng(3))
    days = (network.epochs[-1] - network.epochs[0]).days
    assert network.years[0] == 0
    assert network.years[-1] == pytest.approx(days / 365.25)
