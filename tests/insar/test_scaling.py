import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from cryoscale.errors import InputError
from cryoscale.insar.scaling import normalise_to_year, scale_by_thawing_index, scale_to_season

MAGNITUDES = st.floats(-80, 80, width=32)


def make_map(*values):
    return xr.DataArray(np.array([values]), dims=("y", "x"), coords={"y": [38.0], "x": 99.0 + np.arange(len(values))})


def test_a_rate_is_displacement_over_days_times_a_year():
    displacement = xr.DataArray(np.array([[[-10.0]], [[30.0]]], "float32"), dims=("pair", "y", "x"))
    reference = xr.DataArray(np.array(["2007-07-12", "2019-03-24"], "datetime64[ns]"), dims="pair")
    secondary = xr.DataArray(np.array(["2010-07-20", "2020-03-22"], "datetime64[ns]"), dims="pair")
    rate = normalise_to_year(displacement, reference, secondary)
    np.testing.assert_allclose(rate.values.ravel(), [-10 * 365.25 / 1104, 30 * 365.25 / 364], rtol=1e-6)
    assert (rate.name, rate.dtype, rate.attrs["units"]) == ("pair_rate", "float32", "mm a-1")


def test_equation_4_restores_the_season_where_its_shape_is_the_same_in_all_years():
    season, strength, shares = make_map(-40.0, -60.0, -20.0), 0.7, make_map(0.3, 0.5, 1.1)
    scaled = scale_to_season(strength * shares * season, season, shares * season)
    np.testing.assert_allclose(scaled.scaled_season_deformation, strength * season)
    np.testing.assert_allclose(scaled.season_share, shares)
    assert not bool(scaled.season_guarded.any())


def test_where_the_denominator_is_small_there_is_no_scaled_deformation_and_it_is_counted():
    partial = make_map(-5.0, -5.0, -5.0, -5.0, np.nan, -5.0, -5.0)
    total = make_map(-40.0, -40.0, -40.0, -2.0, -40.0, np.nan, -40.0)
    part = make_map(-20.0, -7.0, 20.0, -0.9, -0.1, -20.0, 0.0)
    scaled = scale_to_season(partial, total, part)
    np.testing.assert_array_equal(scaled.scaled_season_deformation[0], [-10.0] + [np.nan] * 6)
    np.testing.assert_array_equal(scaled.season_guarded[0], [False, True, True, True, False, False, True])
    assert scaled.season_guarded.dtype == bool
    freer = scale_to_season(partial, total, part, min_share=0.1, min_deformation=0.5)
    assert int(freer.season_guarded.sum()) == 2


def test_the_least_denominator_can_be_a_map():
    partial, total, part = make_map(-5.0, -5.0), make_map(-20.0, -20.0), make_map(-10.0, -10.0)
    scaled = scale_to_season(partial, total, part, min_deformation=make_map(4.0, 12.0))
    np.testing.assert_array_equal(scaled.scaled_season_deformation[0], [-10.0, np.nan])


@settings(deadline=None)
@given(MAGNITUDES, MAGNITUDES, MAGNITUDES, st.floats(0.05, 1.0))
def test_errors_grow_at_most_by_the_inverse_of_the_least_share(partial, total, part, min_share):
    scaled = scale_to_season(make_map(partial), make_map(total), make_map(part), min_share=min_share)
    value = float(scaled.scaled_season_deformation[0, 0])
    assert np.isnan(value) == bool(scaled.season_guarded[0, 0])
    assert np.isnan(value) or abs(value) <= abs(partial) / min_share * (1 + 1e-6)


def test_stefans_law_is_restored_by_the_thawing_index():
    index, strength = {"reference": 120.0, "secondary": 480.0}, make_map(-1.2, -0.4)
    partial = strength * (np.sqrt(index["secondary"]) - np.sqrt(index["reference"]))
    options = {f"ddt_{name}": value for name, value in index.items()}
    scaled = scale_by_thawing_index(partial, 1000.0, **options)
    np.testing.assert_allclose(scaled, strength * np.sqrt(1000.0))
    by_map = scale_by_thawing_index(partial, make_map(1000.0, 250.0), **options)
    np.testing.assert_allclose(by_map, strength * make_map(np.sqrt(1000.0), np.sqrt(250.0)))


def test_without_thaw_between_the_dates_the_index_says_nothing():
    scaled = scale_by_thawing_index(
        make_map(-5.0, -5.0, -5.0),
        900.0,
        ddt_reference=make_map(100.0, 400.0, np.nan),
        ddt_secondary=make_map(100.0, 100.0, 400.0),
    )
    assert bool(scaled.isnull().all())


def test_early_subsidence_is_overestimated_by_the_index_and_not_by_equation_4():
    """May to July holds more of the season than of the root of the index: the paper's Fig. S4."""
    season = make_map(-40.0, -30.0)
    partial = 0.75 * season
    by_index = scale_by_thawing_index(partial, 900.0, ddt_reference=20.0, ddt_secondary=380.0)
    by_series = scale_to_season(partial, season, 0.75 * season).scaled_season_deformation
    assert bool((by_index < 1.15 * season).all())
    np.testing.assert_allclose(by_series, season)


def test_lazy_is_eager(assert_lazy):
    maps = [
        xr.DataArray(values, dims=("y", "x")) for values in np.random.default_rng(0).normal(scale=20, size=(3, 6, 7))
    ]
    maps = [each.where(each > -30).astype("float32") for each in maps]
    maps[2][0, 0] = 0.0
    with assert_lazy():
        lazy = scale_to_season(*(each.chunk(y=4, x=3) for each in maps))
        index = scale_by_thawing_index(maps[0].chunk(y=4), 900.0, ddt_reference=np.abs(maps[1]), ddt_secondary=100.0)
    xr.testing.assert_identical(lazy.compute(scheduler="synchronous"), scale_to_season(*maps))
    eager = scale_by_thawing_index(maps[0], 900.0, ddt_reference=np.abs(maps[1]), ddt_secondary=100.0)
    xr.testing.assert_identical(index.compute(scheduler="synchronous"), eager)
    assert lazy.scaled_season_deformation.dtype == "float32"


def test_what_it_refuses():
    part = make_map(-5.0, -4.0)
    with pytest.raises(InputError, match="secondary: 2019-03-24 is not after reference 2019-03-24"):
        normalise_to_year(part, np.datetime64("2019-03-24"), np.datetime64("2019-03-24"))
    with pytest.raises(InputError, match="is in 'm', but pair_displacement must be in 'mm'"):
        normalise_to_year(part.assign_attrs(units="m"), np.datetime64("2019-03-24"), np.datetime64("2020-03-24"))
    with pytest.raises(InputError, match="min_share: 0 is not a share above 0 up to 1"):
        scale_to_season(part, part, part, min_share=0)
    with pytest.raises(InputError, match="min_deformation: -1.0 mm is no least magnitude"):
        scale_to_season(part, part, part, min_deformation=-1.0)
    with pytest.raises(InputError, match="its x lies up to 0.5 pixels away"):
        scale_to_season(part, part.assign_coords(x=part.x + 0.5), part)
    with pytest.raises(InputError, match="season: .*'cm', but partial_season_deformation must be in 'mm'|is in 'cm'"):
        scale_to_season(part, part, part.assign_attrs(units="cm"))
