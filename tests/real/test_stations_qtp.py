"""52 stations on the Qinghai-Tibet Plateau, 1951-2010: TTOP as published follows from their degree-days.

The published TTOP is (rk DDTs - DDFs) / 365 at all stations, above zero too, with one rk for each station. No station
deviates: 2330 station-years of 52 stations fit within the rounding of the table (3e-7 K).
"""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from cryoscale.thermal.degree_days import n_factors
from cryoscale.thermal.ttop import ttop

DAYS = 365

RK = {
    "Anduo": 0.61905, "Bange": 0.53659, "Changdou": 0.58741, "Cuona": 0.62963, "Dacaidan": 0.48529,
    "Dangxiong": 0.55172, "Daofou": 0.50394, "Dege": 0.48201, "Delingha": 0.69531, "Deqin": 0.61789,
    "Dulan": 0.60156, "Gaize": 0.63910, "Gangcha": 0.54264, "Ganzi": 0.53719, "Hetian": 0.51515,
    "Jiangzi": 0.60833, "Kangding": 0.60448, "Lasa": 0.58333, "Lazi": 0.53719, "Lenghu": 0.83761,
    "Longzi": 0.68033, "Maduo": 0.50355, "Maerkang": 0.60630, "Mangya": 0.47305, "Menyuan": 0.54167,
    "Minfeng": 0.49000, "Nimu": 0.66142, "Nuomuhong": 0.50376, "Pali": 0.45185, "Pishan": 0.53226,
    "Pulan": 0.44286, "Qiabuqia": 0.44853, "Qilian": 0.66116, "Qingshuihe": 0.63704, "Rikeze": 0.41892,
    "Seda": 0.51034, "Shandan": 0.57252, "Shenzha": 0.61806, "Shiqu": 0.47887, "Shiquanhe": 0.60145,
    "Tuole": 0.61789, "Wudaoliang": 0.53957, "Xinghai": 0.52083, "Xining": 0.69600, "Xinlong": 0.67200,
    "Yeniugou": 0.70455, "Yongchang": 0.66400, "Yushu": 0.53659, "Yutian": 0.60584, "Zaduo": 0.48611,
    "Zhangye": 0.53191, "Zuogong": 0.49180,
}  # fmt: skip
"""The rk that the published values imply, by least squares over each station's years."""


@pytest.fixture(scope="module")
def table(real_data):
    return pd.read_csv(real_data / "stations_qtp" / "qtp52_annual_indices_1951_2010.csv")


@pytest.fixture(scope="module")
def stations(table):
    """(station, year) degree-days of ground surface and air, and what was published of them."""
    return table.set_index(["station", "year"]).to_xarray()


def implied_ratios(stations):
    """Least squares of TTOP P + DDF = rk DDT, one for each station."""
    right = stations.TTOP_Smith * DAYS + stations.DDFs
    left = stations.DDTs.where(right.notnull())
    return (left * right).sum("year") / (left**2).sum("year")


def test_each_station_has_one_ratio(stations):
    implied = implied_ratios(stations)
    expected = xr.DataArray(list(RK.values()), {"station": list(RK)}, "station").sel(station=implied.station)
    np.testing.assert_allclose(implied, expected, atol=1e-5)
    yearly = (stations.TTOP_Smith * DAYS + stations.DDFs) / stations.DDTs.where(stations.DDTs > 100)
    assert float(abs(yearly - implied).max()) < 1e-6
    assert int(yearly.notnull().sum()) == 2326


def test_the_published_ttop_is_the_frozen_form_at_all_stations(stations):
    difference = (implied_ratios(stations) * stations.DDTs - stations.DDFs) / DAYS - stations.TTOP_Smith
    assert int(difference.notnull().sum()) == 2330
    worst = abs(difference).max("year")
    assert worst.station[worst > 1e-6].values.tolist() == []


def test_our_ttop_is_the_published_one_where_the_ground_stays_frozen(stations):
    """And elsewhere the published one divided by rk."""
    rk, published = implied_ratios(stations), stations.TTOP_Smith
    ours = ttop(stations.DDTs, stations.DDFs, rk, DAYS)
    frozen = published <= 0
    assert int(frozen.sum()) == 273
    assert float(abs(ours - published).where(frozen).max()) < 1e-6
    thawed = published > 0
    assert float(abs(ours * rk - published).where(thawed).max()) < 1e-6
    np.testing.assert_array_equal(ours <= 0, frozen)


def test_n_factors_are_the_published_ones(stations):
    names = {"DDTs": "ddt", "DDFs": "ddf"}, {"DDTa": "ddt", "DDFa": "ddf"}
    surface, air = (stations[list(one)].rename(one) for one in names)
    factors = n_factors(surface, air, floor=1e-3)
    for ours, published in (("n_factor_thawing", "NT"), ("n_factor_freezing", "NF")):
        assert float(abs(factors[ours] - stations[published]).max()) < 1e-6
        assert int(factors[ours].notnull().sum()) == int(stations[published].notnull().sum())
