"""Gap filling on scenes whose truth is known."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from scipy.ndimage import gaussian_filter
from scipy.spatial.distance import cdist

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords, pixel_spacing
from cryoscale.stats.variogram import Variogram, VariogramModel
from cryoscale.thermal.gap_models import PARAMETERS, fit_gap_models, fit_lapse
from cryoscale.thermal.gap_seasons import with_season_fallback
from cryoscale.thermal.gaps import fill_gaps
from cryoscale.variables import VARIABLES

Values = np.ndarray[Any, Any]
Lazily = Callable[[], AbstractContextManager[None]]

OVERPASSES = ["terra_day", "aqua_night"]
LAPSE = -0.0065


def geobox(shape: tuple[int, int]) -> GeoBox:
    return GeoBox.from_bbox((0, 0, shape[1] * 1e3, shape[0] * 1e3), "EPSG:32645", resolution=1000)


def terrain(shape: tuple[int, int], *, seed: int = 0) -> xr.DataArray:
    """Hills of some ten kilometres, 3000 to 5500 m."""
    rough = gaussian_filter(np.random.default_rng(seed).normal(size=shape), 4)
    height = 3000.0 + 2500.0 * (rough - rough.min()) / np.ptp(rough)
    return xr.DataArray(
        height, dims=("y", "x"), coords=grid_coords(geobox(shape)), name="elevation", attrs={"units": "m"}
    )


def scene(shape: tuple[int, int] = (48, 40), *, n_times: int = 3, seed: int = 0) -> tuple[xr.DataArray, xr.DataArray]:
    """Gap-free images (overpass, time, y, x): a lapse and a residual that varies smoothly; and the elevation."""
    rng, height = np.random.default_rng(seed), terrain(shape, seed=seed)
    residual = gaussian_filter(rng.normal(size=(2, n_times, *shape)), (0, 0, 2, 2)) * 8
    level = 30.0 + 5.0 * rng.normal(size=(2, n_times, 1, 1))
    coords = {"overpass": OVERPASSES, "time": days(n_times), **grid_coords(geobox(shape))}
    values = (level + LAPSE * height.values + residual).astype("float32")
    dims = ("overpass", "time", "y", "x")
    return xr.DataArray(values, dims=dims, coords=coords, name="lst", attrs={"units": "degC"}), height


def days(n: int) -> Values:
    return np.datetime64("2020-01-05", "ns") + np.arange(n) * np.timedelta64(30, "D")


def clouded(lst: xr.DataArray, *, share: float = 0.4, seed: int = 0) -> xr.DataArray:
    """Take patches out of every image."""
    noise = np.random.default_rng(seed + 100).normal(size=lst.shape)
    clouds = gaussian_filter(noise, (*(0,) * (lst.ndim - 2), 3, 3))
    return lst.where(clouds <= np.quantile(clouds, 1 - share, axis=(-2, -1), keepdims=True))


def rmse(found: xr.DataArray, truth: xr.DataArray, where: xr.DataArray) -> float:
    return float(np.sqrt(((found - truth).where(where) ** 2).mean()))


# Filling


def test_elevation_correction_beats_plain_kriging_under_a_big_cloud() -> None:
    truth, height = scene((60, 60))
    gappy = truth.copy()
    gappy[:, :, 10:45, 15:50] = np.nan
    hidden = gappy.isnull()
    corrected = rmse(fill_gaps(gappy, height).lst, truth, hidden)
    plain = rmse(fill_gaps(gappy).lst, truth, hidden)
    print(f"RMSE under the cloud: {corrected:.2f} K with elevation, {plain:.2f} K without")
    assert corrected < 0.6 * plain


def test_kriging_variance_says_how_wrong_the_estimate_is() -> None:
    truth, height = scene((80, 80), n_times=4)
    gappy = clouded(truth)
    filled = fill_gaps(gappy, height)
    z = ((filled.lst - truth) / np.sqrt(filled.kriging_variance)).where(gappy.isnull())
    assert 0.6 < float(z.std()) < 1.4
    assert abs(float(z.mean())) < 0.2


def test_one_gap_is_the_textbook_estimate() -> None:
    """All pixels as neighbours: the bordered system of the whole image, elevation taken out and put back."""
    truth, height = scene((9, 8), n_times=1)
    image = truth[0, 0].astype("float64")
    image[4, 3] = np.nan
    models = fit_gap_models(image, height, model=VariogramModel.SPHERICAL)
    variogram = Variogram(
        VariogramModel.SPHERICAL,
        nugget=float(models.variogram_nugget),
        partial_sill=float(models.variogram_partial_sill),
        range=float(models.variogram_range),
    )
    known = np.argwhere(np.isfinite(image.values)) * 1000.0
    rest = (image - models.lapse_rate * height - models.lst_at_sea_level).values
    n = len(known)
    system = np.ones((n + 1, n + 1))
    system[:n, :n], system[n, n] = variogram.semivariance(cdist(known, known)), 0.0
    side = np.append(variogram.semivariance(cdist(known, [[4000.0, 3000.0]])[:, 0]), 1.0)
    weights = np.linalg.solve(system, side)
    expected = weights[:n] @ rest[np.isfinite(rest)] + models.lapse_rate * height[4, 3] + models.lst_at_sea_level
    filled = fill_gaps(image, height, models=models, neighbours=n)
    np.testing.assert_allclose(filled.lst[4, 3], expected, atol=1e-9)
    np.testing.assert_allclose(filled.kriging_variance[4, 3], weights @ side, atol=1e-9)


def test_observed_pixels_pass_and_an_image_without_gap_is_unchanged() -> None:
    truth, height = scene()
    gappy = clouded(truth)
    gappy[0, 1] = truth[0, 1]
    filled = fill_gaps(gappy, height)
    observed = gappy.notnull()
    xr.testing.assert_identical(filled.lst.where(observed).drop_attrs(), gappy.drop_attrs())
    assert (filled.lst_source.where(observed, 1) == 1).all()
    assert (filled.kriging_variance.where(observed, 0) == 0).all()
    assert (filled.lst_source.where(~observed, 2) == 2).all()
    assert filled.lst.notnull().all()
    assert (filled.kriging_variance.where(~observed, 1) > 0).all()


def test_images_without_data_and_pixels_without_elevation_stay_empty() -> None:
    truth, height = scene()
    gappy = clouded(truth)
    gappy[1, 2] = np.nan
    height[:5, :5] = np.nan
    filled = fill_gaps(gappy, height)
    assert filled.lst[1, 2].isnull().all()
    assert filled.kriging_variance[1, 2].isnull().all()
    assert (filled.lst_source[1, 2] == 0).all()
    corner = filled.isel(overpass=0, time=0, y=slice(5), x=slice(5))
    xr.testing.assert_equal(corner.lst, gappy[0, 0, :5, :5])
    assert ((corner.lst_source == 1) == corner.lst.notnull()).all()
    assert corner.lst.isnull().any()
    assert filled.lst[0, 0, 5:].notnull().all()


def test_far_from_every_pixel_only_elevation_tells() -> None:
    truth, height = scene((40, 40), n_times=1)
    gappy = truth.where(truth.x < 20e3)
    models = fit_gap_models(gappy, height)
    filled = fill_gaps(gappy, height, models=models, search_radius=5e3)
    far = filled.lst_source == 3
    np.testing.assert_array_equal(far[0, 0].any("y"), truth.x.values > 25e3)
    trend = models.lst_at_sea_level + models.lapse_rate * height
    np.testing.assert_allclose(filled.lst.where(far), trend.where(far), atol=1e-4)
    sill = models.variogram_nugget + models.variogram_partial_sill
    np.testing.assert_allclose(filled.kriging_variance.where(far), sill.where(far), rtol=1e-6)
    season = models.assign(lst_at_sea_level=models.lst_at_sea_level * np.nan)
    of_season = fill_gaps(gappy, height, models=season, search_radius=5e3)
    assert of_season.lst.where(far).isnull().all()
    assert (of_season.lst_source.where(far, 0) == 0).all()
    np.testing.assert_allclose(of_season.lst.where(~far), filled.lst.where(~far), atol=1e-4)


@pytest.mark.parametrize(
    "chunks",
    [
        {"y": 13, "x": 40, "time": 1},
        {"y": 48, "x": 11, "overpass": 1},
        {"y": (5, 20, 23), "x": (17, 23), "time": 2},
        {"time": 1, "overpass": 1},
    ],
)
@pytest.mark.parametrize("radius", [6.3e3, 100e3])
def test_chunks_are_seamless_to_the_bit(chunks: dict[str, Any], radius: float, assert_lazy: Lazily) -> None:
    truth, height = scene()
    gappy = clouded(truth, share=0.6)
    whole = fill_gaps(gappy, height, search_radius=radius)
    with assert_lazy():
        lazy = fill_gaps(gappy.chunk(chunks), height.chunk(y=7), search_radius=radius)
    assert lazy.lst.chunks == lazy.lst_source.chunks == gappy.chunk(chunks).chunks
    xr.testing.assert_identical(lazy.compute(scheduler="synchronous"), whole)


def test_lazy_models_elevation_or_images_alone_make_it_lazy(assert_lazy: Lazily) -> None:
    truth, height = scene()
    gappy = clouded(truth)
    whole = fill_gaps(gappy, height)
    with assert_lazy():
        models = fit_gap_models(gappy.chunk(time=2, y=17), height)
        results = [
            fill_gaps(gappy, height, models=models),
            fill_gaps(gappy, height.chunk(x=9)),
            fill_gaps(gappy.chunk(overpass=1, y=30), height, models=models),
        ]
    for result in results:
        assert isinstance(result.lst.data, da.Array)
        xr.testing.assert_identical(result.compute(scheduler="synchronous"), whole)


def test_any_dims_before_y_and_x() -> None:
    truth, height = scene()
    gappy = clouded(truth)
    whole = fill_gaps(gappy, height)
    series = fill_gaps(gappy[1], height)
    image = fill_gaps(gappy[1, 2].transpose("x", "y"), height)
    xr.testing.assert_identical(series, whole.isel(overpass=1))
    xr.testing.assert_identical(image, whole.isel(overpass=1, time=2))
    xr.testing.assert_identical(fill_gaps(gappy[1, 2].chunk(y=15), height).compute(), image)


def test_types_and_attributes_are_the_registry_s() -> None:
    truth, height = scene()
    filled = fill_gaps(clouded(truth), height)
    for name, array in (*filled.items(), *fit_gap_models(truth, height).items()):
        entry = VARIABLES[str(name)]
        assert array.dims == entry.dims
        assert (str(array.dtype), array.attrs["units"]) == (entry.dtype, entry.units)
    assert filled.odc.geobox == truth.odc.geobox
    assert fill_gaps(truth.astype("float64"), height).lst.dtype == "float64"


@settings(max_examples=20)
@given(st.floats(-60, 60), st.integers(0, 10))
def test_a_warmer_world_is_filled_as_much_warmer(shift: float, seed: int) -> None:
    truth, height = scene((16, 14), n_times=1, seed=seed)
    gappy = clouded(truth.astype("float64"), seed=seed)
    models = fit_gap_models(gappy, height, model=VariogramModel.EXPONENTIAL)
    warmer = fit_gap_models(gappy + shift, height, model=VariogramModel.EXPONENTIAL)
    first, second = fill_gaps(gappy, height, models=models), fill_gaps(gappy + shift, height, models=warmer)
    np.testing.assert_allclose(second.lst, first.lst + shift, atol=1e-4)
    np.testing.assert_allclose(second.kriging_variance, first.kriging_variance, rtol=1e-3, atol=1e-9)


# Models


def test_lapse_is_that_of_the_ground_and_not_of_the_clouds() -> None:
    rng = np.random.default_rng(0)
    z = rng.uniform(3000, 5500, 800)
    values = 25 + LAPSE * z + rng.normal(size=800)
    overlooked = (z > 4500) & (rng.random(800) < 0.3)
    values[overlooked] -= 30
    slope, level = fit_lapse(values, z)
    least_squares = np.polyfit(z, values, 1)[0]
    assert abs(slope - LAPSE) < 0.2 * abs(least_squares - LAPSE)
    assert abs(slope - LAPSE) < 0.0008
    assert abs(level - 25) < 3
    assert fit_lapse(values, np.full(800, 4000.0))[0] == 0


def test_models_recover_lapse_and_variogram_of_a_known_field() -> None:
    """Fields drawn by Cholesky from a known covariance."""
    shape, variogram = (40, 40), Variogram(VariogramModel.EXPONENTIAL, nugget=0.3, partial_sill=2.0, range=12e3)
    height = terrain(shape)
    points = np.argwhere(np.ones(shape)) * 1000.0
    root = np.linalg.cholesky(variogram.covariance(cdist(points, points)))
    fields = (root @ np.random.default_rng(1).normal(size=(1600, 20))).T.reshape(20, *shape)
    coords = {"time": days(20), **grid_coords(geobox(shape))}
    lst = xr.DataArray(28 + LAPSE * height.values + fields, dims=("time", "y", "x"), coords=coords)
    models = fit_gap_models(clouded(lst, share=0.3), height, model=VariogramModel.EXPONENTIAL).median("time")
    found = (models.lapse_rate, models.variogram_nugget, models.variogram_partial_sill, models.variogram_range)
    np.testing.assert_allclose(found, (LAPSE, 0.3, 2.0, 12e3), rtol=0.25)


def test_counts_cover_all_pixels_and_poor_images_have_no_model() -> None:
    truth, height = scene((30, 30))
    gappy = clouded(truth)
    gappy[0, 0] = truth[0, 0].where(np.arange(900).reshape(30, 30) < 40)
    models = fit_gap_models(gappy, height)
    np.testing.assert_array_equal(models.n_valid_pixels, gappy.notnull().sum(("y", "x")))
    assert models.variogram_source[0, 0] == 0
    assert models.variogram_model[0, 0] == 0
    assert all(np.isnan(models[name][0, 0]) for name in PARAMETERS[1:])
    assert (models.variogram_source.values.ravel()[1:] == 1).all()
    assert fit_gap_models(gappy, height, min_valid=0.01).variogram_source[0, 0] == 1


def test_models_do_not_depend_on_chunks_and_stay_lazy(assert_lazy: Lazily) -> None:
    truth, height = scene((130, 110), n_times=2)
    gappy = clouded(truth)
    eager = fit_gap_models(gappy, height, sample=300)
    with assert_lazy():
        lazy = fit_gap_models(gappy.chunk(overpass=1, y=37, x=50), height.chunk(y=20), sample=300)
    xr.testing.assert_identical(lazy.compute(scheduler="synchronous"), eager)
    other = fit_gap_models(gappy, height, sample=300, seed=1)
    assert (other.lapse_rate != eager.lapse_rate).all()


def test_a_gaussian_variogram_has_a_nugget_and_a_constant_image_none() -> None:
    y = np.linspace(0, 6, 30)
    wave = np.sin(y)[:, None] * np.cos(y)
    image = xr.DataArray(wave, dims=("y", "x"), coords=grid_coords(geobox((30, 30))))
    smooth = fit_gap_models(image, model=VariogramModel.GAUSSIAN)
    assert smooth.variogram_nugget >= 1e-3 * smooth.variogram_partial_sill > 0
    flat = (0 * image + 3.25).where(image > -0.5)
    filled = fill_gaps(flat)
    assert (filled.lst == 3.25).all()
    assert (filled.kriging_variance == 0).all()
    assert (filled.lst_source == 2 - flat.notnull()).all()


def test_longitude_and_latitude_count_in_metres() -> None:
    box = GeoBox.from_bbox((85.0, 36.0, 85.4, 36.4), "EPSG:4326", resolution=0.01)
    dy, dx = pixel_spacing(box)
    rng = np.random.default_rng(0)
    field = gaussian_filter(rng.normal(size=box.shape), 3) * 10
    image = xr.DataArray(field, dims=("y", "x"), coords=grid_coords(box))
    image[10:20, 15:30] = np.nan
    models = fit_gap_models(image, model=VariogramModel.SPHERICAL)
    assert 3e3 < models.variogram_range < 60e3
    lone = image.where((image.x == image.x[20]) & (image.y == image.y[5]))
    reached = fill_gaps(lone, models=models, search_radius=5.5e3).lst_source == 2
    rows, columns = (reached.any(dim).sum().item() for dim in ("x", "y"))
    assert (rows, columns) == (2 * int(5.5e3 / dy) + 1, 2 * int(5.5e3 / dx) + 1) == (9, 13)


# Seasons


def season_models() -> xr.Dataset:
    """Two overpasses, six winters' and summers' images: fitted ones, one with 200 pixels, one with 5."""
    time = np.array(
        ["2019-01-01", "2019-02-01", "2019-07-01", "2019-12-15", "2020-01-01", "2020-07-02"], "datetime64[ns]"
    )
    source = np.array([[1, 1, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0]], np.uint8)
    base = np.array([[1.0, 2.0, 9.0, 6.0, np.nan, np.nan], [np.nan] * 6])
    table: dict[str, Any] = {name: (("overpass", "time"), base * scale) for scale, name in enumerate(PARAMETERS[1:], 1)}
    table["variogram_model"] = ("overpass", "time"), np.array([[2, 2, 1, 3, 0, 0], [0] * 6], np.uint8)
    table["variogram_source"] = ("overpass", "time"), source
    table["n_valid_pixels"] = ("overpass", "time"), np.array([[900, 900, 900, 900, 200, 5], [200] * 6])
    return xr.Dataset(table, coords={"overpass": OVERPASSES, "time": time})


def test_season_gives_medians_of_its_images_to_those_with_some_pixels() -> None:
    models = season_models()
    filled = with_season_fallback(models.chunk(time=2))
    winter = filled.isel(overpass=0, time=4)
    assert (winter.variogram_source, winter.variogram_model) == (2, 2)
    # two of the three winter images are spherical: 1.5 is their median, 2 that of all three
    np.testing.assert_allclose(
        [winter[name] for name in PARAMETERS[1:]], [1.5, 1.5 * 2, 1.5 * 3, 2.0 * 4, np.nan], equal_nan=True
    )
    unchanged = [(0, t) for t in (0, 1, 2, 3, 5)] + [(1, t) for t in range(6)]
    for overpass, time in unchanged:
        where = {"overpass": overpass, "time": time}
        xr.testing.assert_identical(filled.isel(where), models.isel(where))


def test_without_images_of_the_season_all_seasons_help() -> None:
    models = season_models().isel(time=[0, 1, 3, 5]).sel(overpass="terra_day")
    filled = with_season_fallback(models, min_pixels=5)
    assert filled.variogram_source.values.tolist() == [1, 1, 1, 2]
    np.testing.assert_allclose(filled.variogram_range[3], 1.5 * 3)


def test_fallback_fills_an_image_of_few_pixels() -> None:
    truth, height = scene((60, 50), n_times=6)
    gappy = clouded(truth)
    gappy[0, 3] = truth[0, 3].where(np.random.default_rng(5).random((60, 50)) < 0.04)
    models = fit_gap_models(gappy, height)
    assert fill_gaps(gappy, height, models=models).lst[0, 3].isnull().mean() > 0.9
    filled = fill_gaps(gappy, height, models=with_season_fallback(models, min_pixels=50))
    assert filled.lst[0, 3].notnull().all()
    spread = float((truth[0, 3]).std())
    assert rmse(filled.lst[0, 3], truth[0, 3], gappy[0, 3].isnull()) < 0.5 * spread


# Bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: {"lst": a["lst"].assign_attrs(units="K")}, "lst: is in 'K', but lst must be in 'degC'"),
        (lambda a: {"elevation": a["elevation"].assign_attrs(units="km")}, "elevation: is in 'km'"),
        (lambda a: {"elevation": a["elevation"][:-1]}, "elevation: lies on another grid than lst"),
        (lambda _: {"neighbours": 0}, "neighbours: is 0. Give at least 1"),
        (lambda _: {"search_radius": 300.0}, "search_radius: is 300.0 m, and pixels are 1000 m"),
        (lambda _: {"search_radius": np.inf}, "search_radius: is inf m"),
        (lambda a: {"models": fit_gap_models(a["lst"]).drop_vars("lapse_rate")}, "models: has no lapse_rate"),
        (lambda a: {"models": fit_gap_models(a["lst"])[{"time": [0]}]}, "lies on another grid than lst"),
        (lambda a: {"lst": a["lst"].drop_vars(["spatial_ref", "y", "x"])}, "lst: no regular grid with a CRS"),
    ],
)
def test_input_that_cannot_be_used_is_named(change: Callable[[Any], dict[str, Any]], message: str) -> None:
    truth, height = scene((12, 10))
    arguments = {"lst": truth, "elevation": height}
    changed = arguments | change(arguments)
    with pytest.raises(InputError, match=message):
        fill_gaps(changed.pop("lst"), changed.pop("elevation"), **changed)


def test_parameters_of_models_are_checked() -> None:
    truth, height = scene((12, 10))
    with pytest.raises(InputError, match="sample: is 0. Give a positive number"):
        fit_gap_models(truth, height, sample=0)
    with pytest.raises(InputError, match="max_distance: is nan"):
        fit_gap_models(truth, height, max_distance=np.nan)
    with pytest.raises(InputError, match="min_valid: is 5. Give a share"):
        fit_gap_models(truth, height, min_valid=5)
    with pytest.raises(InputError, match="no time, so that there are no seasons"):
        with_season_fallback(fit_gap_models(truth[0, 0], height))


def test_a_foot_of_a_range_does_not_say_how_cold_the_summits_are() -> None:
    images, elevation = scene((48, 40), n_times=2)
    lst = images.isel(overpass=0)
    foot = abs(elevation - float(elevation.median())) < 0.15 * float(elevation.std())
    seen = lst.copy(data=np.where((np.arange(2) == 0)[:, None, None] & ~foot.values, np.nan, lst.values))
    models = fit_gap_models(seen, elevation, min_valid=0.01)
    assert models.variogram_source.values.tolist() == [0, 1]
    usual = with_season_fallback(models)
    assert float(usual.lapse_rate[0]) == float(models.lapse_rate[1])
