"""52 stations on the Qinghai-Tibet Plateau, 1951-2010: the published Stefan depth follows from their degree-days.

It is E sqrt(DDTa) with degree-days of the air, not of the ground surface, and one E for each station. No station
deviates: 2746 station-years of 52 stations fit within the rounding of the table (6e-8 m).
"""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.thermal.stefan import stefan_alt, stefan_e_factor
from cryoscale.thermal.stefan_calibration import calibrate_stefan

ROUNDING = 1e-7  # m
E = {
    "Anduo": 0.057297, "Bange": 0.061432, "Changdou": 0.061939, "Cuona": 0.067980, "Dacaidan": 0.057802,
    "Dangxiong": 0.061271, "Daofou": 0.051666, "Dege": 0.050727, "Delingha": 0.059278, "Deqin": 0.051137,
    "Dulan": 0.055477, "Gaize": 0.072702, "Gangcha": 0.067622, "Ganzi": 0.053912, "Hetian": 0.047404,
    "Jiangzi": 0.045047, "Kangding": 0.049212, "Lasa": 0.051487, "Lazi": 0.052623, "Lenghu": 0.070483,
    "Longzi": 0.056191, "Maduo": 0.046243, "Maerkang": 0.065743, "Mangya": 0.053307, "Menyuan": 0.060665,
    "Minfeng": 0.053242, "Nimu": 0.076947, "Nuomuhong": 0.056308, "Pali": 0.043495, "Pishan": 0.061968,
    "Pulan": 0.058095, "Qiabuqia": 0.047718, "Qilian": 0.058457, "Qingshuihe": 0.052820, "Rikeze": 0.045848,
    "Seda": 0.055221, "Shandan": 0.056343, "Shenzha": 0.066622, "Shiqu": 0.055768, "Shiquanhe": 0.057071,
    "Tuole": 0.065407, "Wudaoliang": 0.052605, "Xinghai": 0.055093, "Xining": 0.058974, "Xinlong": 0.052893,
    "Yeniugou": 0.084093, "Yongchang": 0.052456, "Yushu": 0.056623, "Yutian": 0.055304, "Zaduo": 0.052194,
    "Zhangye": 0.049937, "Zuogong": 0.055610,
}  # fmt: skip
"""What the published values imply, m degC-0.5 d-0.5, by least squares over each station's years."""


@pytest.fixture(scope="module")
def table(real_data):
    table = pd.read_csv(real_data / "stations_qtp" / "qtp52_annual_indices_1951_2010.csv")
    codes, names = pd.factorize(table["station"])
    return table.assign(code=codes + 1, name=names[codes])


@pytest.fixture(scope="module")
def calibration(table):
    return calibrate_stefan(table["ALT_Stefan"], table["DDTa"], classes=table["code"], n_bootstrap=200)


def test_each_station_has_one_factor(table, calibration):
    names = table.groupby("code")["station"].first()
    assert len(calibration.table) == 52
    assert calibration.n_dropped == 374
    implied = calibration.table["e_factor"].rename(names)
    pd.testing.assert_series_equal(
        implied.sort_index(), pd.Series(E).sort_index(), atol=1e-6, rtol=0, check_names=False
    )
    assert (implied.idxmin(), implied.idxmax()) == ("Pali", "Yeniugou")
    yearly = table["ALT_Stefan"] / np.sqrt(table["DDTa"])
    by_station = yearly.groupby(table["station"])
    assert int(yearly.notnull().sum()) == 2746
    assert float((by_station.max() / by_station.min() - 1).max()) < 1e-7
    assert float((calibration.table["upper"] / calibration.table["lower"] - 1).max()) < 1e-7


def test_the_published_depth_is_reproduced_at_all_stations(table, calibration):
    ddt = xr.DataArray(table["DDTa"].to_numpy(), dims="row", attrs={"units": "degC d"})
    e = xr.DataArray(calibration.table["e_factor"].loc[table["code"]].to_numpy(), dims="row")
    ours = stefan_alt(ddt, e).active_layer_thickness
    difference = pd.Series(np.abs(ours.to_numpy() - table["ALT_Stefan"]))
    assert int(difference.notnull().sum()) == 2746
    worst = difference.groupby(table["station"]).max()
    assert worst.index[worst > ROUNDING].tolist() == []
    assert calibration.loo_rmse < ROUNDING


def test_degree_days_of_the_surface_do_not_give_it(table):
    surface = calibrate_stefan(table["ALT_Stefan"], table["DDTs"], classes=table["code"], n_bootstrap=100)
    assert float(surface.table["loo_rmse"].min()) > 1e4 * ROUNDING


@pytest.fixture(scope="module")
def calm(real_data):
    """Mean thaw depth of each site of the CALM network, cm."""
    table = pd.read_csv(real_data / "calm_active_layer" / "CALM_Summary_table_simplified.csv", index_col="ID")
    return table.drop(columns=["LAT", "LON"]).apply(pd.to_numeric, errors="coerce").mean(axis=1)


def test_depths_in_centimetres_are_refused(calm):
    with pytest.raises(InputError, match="active_layer_thickness: has a median of .* It looks like cm"):
        calibrate_stefan(calm, np.full(calm.size, 800.0))


def test_thaw_depths_of_calm_have_factors_of_real_soils(calm):
    """Dry gravel and wet peat bound E; with a cold and a warm summer the network lies in between."""
    depth = calm / 100
    assert depth.size == 124
    assert 0.25 < depth.min() < depth.median() < depth.quantile(0.99) < 4
    for ddt in (400.0, 1200.0):
        found = calibrate_stefan(depth, np.full(depth.size, ddt), n_bootstrap=100).everywhere
        assert found.e_factor == pytest.approx(depth.mean() / np.sqrt(ddt))
        peat = stefan_e_factor(thawed_conductivity=0.5, dry_density=100.0, water_content=8.0)
        gravel = stefan_e_factor(thawed_conductivity=2.0, dry_density=1800.0, water_content=0.05)
        assert float(peat) < found.lower < found.upper < float(gravel)
