"""Landsat 7 surface temperature, July and November 2002: 30 m averaged to 300 m and downscaled again."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cryoscale.grids import grid_coords
from cryoscale.thermal.downscaling import Downscaler
from cryoscale.thermal.footprint import aggregate, interpolate

Values = np.ndarray[Any, Any]

FACTOR = 10
GEOBOX = GeoBox((300, 300), Affine(30.0, 0.0, 390045.0, 0.0, -30.0, 4491105.0), "EPSG:32618")
BANDS = (1, 2, 3, 4, 5, 7)
SEASONS = ("july", "nov")

K1, K2 = 666.09, 1282.71  # W m-2 sr-1 um-1, K: Landsat 7 Science Data Users Handbook, table 11.5
LMIN, LMAX, QCALMIN, QCALMAX = 3.2, 12.65, 1.0, 255.0  # band 6 in high gain


@dataclass(frozen=True)
class Scene:
    """Truth at 30 m, covariates at 30 m, and what a sensor of 300 m would see."""

    truth: xr.DataArray
    covariates: xr.Dataset
    coarse: xr.DataArray

    @property
    def bilinear(self) -> Values:
        """Plain bilinear interpolation at 30 m."""
        return np.asarray(interpolate(self.coarse.values[None], (FACTOR, FACTOR))[0])

    def ratio(self, found: Any) -> float:
        """Error as a share of that of bilinear interpolation."""
        return rmse(found, self.truth) / rmse(self.bilinear, self.truth)


def rmse(a: Any, b: Any) -> float:
    return float(np.sqrt(np.mean((np.asarray(a) - np.asarray(b)) ** 2)))


def temperature(counts: Values) -> Values:
    """Brightness temperature of band 62, degC."""
    radiance = LMIN + (LMAX - LMIN) * (counts - QCALMIN) / (QCALMAX - QCALMIN)
    return np.asarray(K2 / np.log(K1 / radiance + 1.0) - 273.15)


def relief(height: Values) -> dict[str, Values]:
    """Slope (degree) and aspect by central differences."""
    along_y, along_x = np.gradient(height, 30.0)
    aspect = np.arctan2(-along_x, along_y)  # clockwise from north: rows run south
    slope = np.rad2deg(np.arctan(np.hypot(along_x, along_y)))
    return {"elevation": height, "slope": slope, "aspect_sin": np.sin(aspect), "aspect_cos": np.cos(aspect)}


@pytest.fixture(scope="module")
def scenes(real_data: Path) -> dict[str, Scene]:
    folder = real_data / "landsat7_terrain"
    if not folder.is_dir():
        pytest.skip(f"no Landsat scenes in {folder}")

    def read(name: str) -> Values:
        with rasterio.open(folder / f"{name}.tif") as source:
            return np.asarray(source.read(1), dtype=float)

    def scene(season: str) -> Scene:
        layers = relief(read("dem")) | {f"band{band}": read(f"{season}{band}") for band in BANDS}
        layers["ndvi"] = (layers["band4"] - layers["band3"]) / (layers["band4"] + layers["band3"])
        coords = grid_coords(GEOBOX)
        truth = xr.DataArray(temperature(read(f"{season}62")), coords, ("y", "x"), "lst", {"units": "degC"})
        covariates = xr.Dataset({name: (("y", "x"), layer) for name, layer in layers.items()}, coords)
        return Scene(truth, covariates, aggregate(truth, FACTOR))

    return {season: scene(season) for season in SEASONS}


def naive(scene: Scene) -> Values:
    """A forest on all pixels, its coarse residuals added as steps: what is usually done."""
    fine = np.stack([layer.values.ravel() for layer in scene.covariates.data_vars.values()], axis=1)
    means = [aggregate(layer, FACTOR).values.ravel() for layer in scene.covariates.data_vars.values()]
    forest = RandomForestRegressor(50, min_samples_leaf=3, random_state=0).fit(
        np.stack(means, axis=1), scene.coarse.values.ravel()
    )
    predicted = scene.truth.copy(data=forest.predict(fine).reshape(scene.truth.shape))
    residual = (scene.coarse - aggregate(predicted, FACTOR)).values
    return np.asarray(predicted + np.kron(residual, np.ones((FACTOR, FACTOR))))


def test_temperatures_are_those_of_the_season(scenes: dict[str, Scene]) -> None:
    july, november = (float(scenes[season].truth.mean()) for season in SEASONS)
    print(f"mean brightness temperature: July {july:.1f}, November {november:.1f} degC")
    assert 20.0 < july < 35.0
    assert 0.0 < november < 15.0
    assert temperature(np.array(255.0)) == pytest.approx(K2 / np.log(K1 / LMAX + 1.0) - 273.15)


@pytest.mark.parametrize(("season", "most"), [("july", 0.88), ("nov", 1.0)])
def test_downscaling_is_nearer_to_the_truth_than_interpolation(
    scenes: dict[str, Scene], season: str, most: float
) -> None:
    scene = scenes[season]
    ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 13)))
    trees = ExtraTreesRegressor(50, min_samples_leaf=3, random_state=0)
    models = {
        name: Downscaler(learner, factor=FACTOR).fit(scene.coarse, scene.covariates)
        for name, learner in (("default forest", None), ("extremely random trees", trees), ("ridge regression", ridge))
    }
    fields = {name: model.predict(scene.coarse, scene.covariates) for name, model in models.items()}
    print(f"{season}: bilinear {rmse(scene.bilinear, scene.truth):.3f} K; RMSE as a share of it:")
    print(f"  naive forest with its residuals as steps {scene.ratio(naive(scene)):.3f}")
    for name, field in fields.items():
        print(f"  Downscaler, {name} {scene.ratio(field):.3f} (weight {float(models[name].weight_):.2f})")
        np.testing.assert_allclose(aggregate(field, FACTOR), scene.coarse, atol=1e-5)
    print(models["default forest"].scores_.round(3).to_string())
    print(models["default forest"].importance_.round(3).head(4).to_string())
    assert scene.ratio(fields["default forest"]) <= most
    assert all(scene.ratio(field) <= 1.0 for field in fields.values())
    assert scene.ratio(fields["default forest"]) < scene.ratio(naive(scene))


@pytest.mark.parametrize("season", SEASONS)
@pytest.mark.parametrize("factor", [5, 20])
def test_other_sensors_gain_too_with_the_same_settings(scenes: dict[str, Scene], season: str, factor: int) -> None:
    truth, covariates = scenes[season].truth, scenes[season].covariates
    coarse = aggregate(truth, factor)
    model = Downscaler(factor=factor, block_size=60 // factor).fit(coarse, covariates)
    ratio = rmse(model.predict(coarse, covariates), truth) / rmse(
        interpolate(coarse.values[None], (factor, factor))[0], truth
    )
    print(f"{season}, {30 * factor} m to 30 m: {ratio:.3f} of bilinear, weight {float(model.weight_):.2f}")
    assert ratio < 0.95


def test_terrain_alone_earns_what_it_tells(scenes: dict[str, Scene]) -> None:
    terrain = ["elevation", "slope", "aspect_sin", "aspect_cos"]
    for season, scene in scenes.items():
        model = Downscaler(factor=FACTOR).fit(scene.coarse, scene.covariates[terrain])
        ratio = scene.ratio(model.predict(scene.coarse, scene.covariates))
        print(f"{season}, terrain only: {ratio:.3f} of bilinear, weight {float(model.weight_):.2f}")
        assert ratio <= 1.0
