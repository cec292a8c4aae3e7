"""Fifteen points of PyKrige's test data on a grid of 100 x 100, against GSLIB's KT3D and PyKrige itself."""

import numpy as np
import pytest
from pykrige.ok import OrdinaryKriging

from cryoscale.stats.kriging import krige
from cryoscale.stats.variogram import Variogram, VariogramModel

X, Y = 1067275.0 + 50.0 * np.arange(100), 241459.0 + 25.0 * np.arange(100)
"""Centres of the cells, from the settings of KT3D's run."""

VARIOGRAM = Variogram(VariogramModel.EXPONENTIAL, nugget=0.0, partial_sill=500.0, range=3000.0)


@pytest.fixture(scope="module")
def folder(real_data):
    path = real_data / "kriging_reference"
    if not path.is_dir():
        pytest.skip(f"no reference of kriging in {path}")
    return path


@pytest.fixture(scope="module")
def table(folder):
    return np.loadtxt(folder / "test_data.txt")


@pytest.fixture(scope="module", params=[None, 15])
def kriged(request, table):
    targets = np.column_stack([axis.ravel() for axis in np.meshgrid(X, Y)])
    result = krige(table[:, :2], table[:, 2], targets, variogram=VARIOGRAM, neighbours=request.param)
    return result.estimate.reshape(100, 100), result.variance.reshape(100, 100)


def test_kt3d_gives_the_same_to_its_single_precision(kriged, folder):
    # Rows from north to south; eight digits of numbers in single precision, whose rounding is the larger of the two.
    answer = np.loadtxt(folder / "test1_answer.asc", skiprows=7, max_rows=100)[::-1]
    np.testing.assert_allclose(kriged[0], answer, rtol=2.0**-24, atol=5e-7)


def test_pykrige_gives_the_same(kriged, table):
    parameters = {"psill": 500.0, "range": 3000.0, "nugget": 0.0}
    peer = OrdinaryKriging(*table.T, variogram_model="exponential", variogram_parameters=parameters)
    estimate, variance = peer.execute("grid", X, Y)
    np.testing.assert_allclose(kriged[0], estimate, rtol=0, atol=1e-6)
    np.testing.assert_allclose(kriged[1], variance, rtol=0, atol=1e-6)
