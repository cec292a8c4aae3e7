"""Sizes of disturbances, and the ramps of orbits."""

import numpy as np
import pytest

from cryoscale.errors import InputError
from cryoscale.scenes.disturbances import TYPICAL, UNDISTURBED, Disturbances, orbital_ramps, ramp_surfaces


def test_undisturbed_is_all_zero():
    assert {getattr(UNDISTURBED, name) for name in Disturbances.__dataclass_fields__} == {0.0}
    assert UNDISTURBED.looks == np.inf
    assert TYPICAL.looks == pytest.approx(1 / TYPICAL.speckle)


@pytest.mark.parametrize(
    ("size", "allowed"),
    [({"ramp": -1.0}, "0 to inf"), ({"unwrapping": 1.2}, "0 to 1"), ({"speckle": np.nan}, "0 to inf")],
)
def test_what_is_no_size_is_refused(size, allowed):
    (name,) = size
    with pytest.raises(InputError, match=f"{name}: .* is no size. Give {allowed}"):
        Disturbances(**size)


def test_some_ramps_are_of_second_order_and_none_of_size_0():
    coefficients = orbital_ramps(4000, std=5.0, rng=np.random.default_rng(0))
    assert not coefficients[:, 0].any()
    np.testing.assert_allclose(coefficients[:, 1:3].std(axis=0), 5.0, rtol=0.05)
    curved = coefficients[:, 3:].any(axis=1)
    assert curved.mean() == pytest.approx(0.25, abs=0.03)
    np.testing.assert_allclose(coefficients[curved, 3:].std(axis=0), 2.0, rtol=0.1)
    assert not orbital_ramps(10, std=0.0, rng=np.random.default_rng(0)).any()


def test_surfaces_are_the_polynomials_from_edge_to_edge():
    surface = ramp_surfaces(np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]), (5, 7))[0]
    assert surface[0, 0] == pytest.approx(1 - 2 + 3 + 4 - 5 + 6)  # north-west: x = -1, y = 1
    assert surface[-1, -1] == pytest.approx(1 + 2 - 3 + 4 - 5 + 6)
    assert surface[2, 3] == pytest.approx(1.0)
