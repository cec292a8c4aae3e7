"""Drifting fields: their covariance in space and time, and that they move."""

import numpy as np
import pytest

from cryoscale.scenes.drifting import ar1, drifting_field

EVERY = slice(None)


def make(seed, *, n_steps=400, scale=6.0, smoothness=1.5, memory=0.7, drift=(0.0, 0.0), shape=(12, 40)):
    return drifting_field(
        shape,
        n_steps,
        scale=scale,
        smoothness=smoothness,
        memory=memory,
        drift=drift,
        rng=np.random.default_rng(seed),
    )


def test_it_has_mean_0_and_variance_1_at_every_step():
    fields = np.stack([make(seed, n_steps=5).at(EVERY) for seed in range(300)])
    np.testing.assert_allclose(fields.mean((0, 2, 3)), 0, atol=0.1)
    np.testing.assert_allclose(fields.var((0, 2, 3)), 1, atol=0.12)


@pytest.mark.parametrize("distance", [1, 5, 15])
def test_its_covariance_is_materns(distance):
    products = [
        (field[..., distance:] * field[..., :-distance]).mean() for field in (make(s).at(EVERY) for s in range(20))
    ]
    u = np.sqrt(3) * distance / 6.0
    assert np.mean(products) == pytest.approx((1 + u) * np.exp(-u), abs=0.06)


def test_rough_fields_differ_more_from_pixel_to_pixel_than_smooth_ones():
    rough, smooth = (np.diff(make(1, smoothness=nu).at(EVERY), axis=-1).std() for nu in (0.5, 2.5))
    assert rough > 1.5 * smooth


def test_what_drifts_is_remembered_where_it_has_gone():
    field = make(0, memory=0.8, drift=(2.0, 5.0), n_steps=2000).at(EVERY)
    followed = (field[1:, 2:, 5:] * field[:-1, :-2, :-5]).mean() / field.var()
    stayed = (field[1:] * field[:-1]).mean() / field.var()
    assert followed == pytest.approx(0.8, abs=0.02)
    assert stayed < 0.7


def test_parts_are_the_same_as_the_whole():
    field = make(0, n_steps=20)
    np.testing.assert_allclose(field.at(slice(7, 11)), field.at(EVERY)[7:11], atol=1e-6)
    assert field.at(EVERY).dtype == np.float32


def test_ar1_is_stationary_from_its_first_step():
    series = np.stack([ar1(4, memory=0.9, rng=np.random.default_rng(seed)) for seed in range(4000)])
    np.testing.assert_allclose(series.var(0), 1, atol=0.1)
    np.testing.assert_allclose((series[:, 1:] * series[:, :-1]).mean(0), 0.9, atol=0.08)
