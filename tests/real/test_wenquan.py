"""Wenquan, QTP: TTOP from MODIS degree-days against a field survey of permafrost at 1 km.

What a fit reaches is not what to expect elsewhere. Fitted, r_k by soil cluster gives a kappa of 0.759 and one r_k for
all 0.751; in blocks of 10 km that the calibration has not seen it is 0.74 for both, with 95 % from 0.66 to 0.80, and
which of the two is ahead depends on where the blocks begin. The clusters add nothing that this survey can show.
"""

import numpy as np
import pytest
import rasterio

from cryoscale.learning.folds import spatial_blocks
from cryoscale.thermal.rk_calibration import PLAUSIBLE_RK, calibrate_rk_to_survey, cross_validate_rk

BLOCK = 10_000.0
METRES_PER_DEGREE = 111_200.0


NAMES = {
    "ddt": "DDT_mean_annual",
    "ddf": "DDF_mean_annual",
    "survey": "investigation_map",
    "classes": "soil_cluster",
}


@pytest.fixture(scope="module")
def folder(real_data):
    return real_data / "permafrost_survey_wenquan"


@pytest.fixture(scope="module")
def columns(folder):
    maps = {}
    for key, name in NAMES.items():
        with rasterio.open(folder / f"{name}.tif") as file:
            maps[key] = file.read(1, masked=True).astype(float).filled(np.nan)
    return maps


@pytest.fixture(scope="module")
def blocks(folder):
    with rasterio.open(folder / f"{NAMES['survey']}.tif") as file:
        shape, transform = file.shape, file.transform
    row, column = np.indices(shape)
    longitude, latitude = transform @ (column + 0.5, row + 0.5)
    x = longitude * METRES_PER_DEGREE * np.cos(np.deg2rad(latitude.mean()))
    return spatial_blocks(x.ravel(), latitude.ravel() * METRES_PER_DEGREE, size=BLOCK).reshape(shape)


def test_rk_by_soil_cluster_agrees_with_the_survey(columns, blocks):
    by_cluster = cross_validate_rk(**columns, blocks=blocks)
    without = {name: values for name, values in columns.items() if name != "classes"}
    single = cross_validate_rk(**without, blocks=blocks)
    for name, result in (("by soil cluster", by_cluster), ("one for all", single)):
        low, high = result.kappa_interval
        print(
            f"rk {name}: kappa fitted {result.calibration.confusion.kappa:.3f}, in blocks not seen "
            f"{result.confusion.kappa:.3f} (95 % by blocks {low:.3f} to {high:.3f})"
        )
    print(by_cluster.calibration.classes.assign(rk_error=by_cluster.rk_error))
    fitted = by_cluster.calibration.confusion
    assert fitted.n == 2653
    assert fitted.kappa >= 0.75
    assert fitted.kappa == pytest.approx(0.7594, abs=0.0005)
    assert single.calibration.confusion.kappa == pytest.approx(0.7506, abs=0.0005)
    assert single.calibration.confusion.kappa < fitted.kappa
    for result in (by_cluster, single):
        assert 0.70 < result.confusion.kappa <= result.calibration.confusion.kappa
        low, high = result.kappa_interval
        asymptotic = result.confusion.kappa_interval
        assert low < result.confusion.kappa < high
        assert high - low > 2 * (asymptotic[1] - asymptotic[0])


def test_plausible_bounds_do_not_bind(columns):
    plausible = calibrate_rk_to_survey(**columns)
    assert plausible.classes["rk"].between(*PLAUSIBLE_RK, inclusive="neither").all()
    narrow = calibrate_rk_to_survey(**columns, bounds=(0.8, 0.95))
    wide = calibrate_rk_to_survey(**columns, bounds=(0.05, 2.0))
    assert narrow.confusion.kappa == plausible.confusion.kappa == wide.confusion.kappa
    assert plausible.rk == pytest.approx(0.831, abs=0.001)
