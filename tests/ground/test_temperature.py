"""Ground temperature from boreholes of a synthetic district whose law is known."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
import xarray as xr
from odc.geo.geobox import GeoBox
from pyproj import Geod, Transformer

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.ground.borehole_design import AspectTerms, SparseClasses
from cryoscale.ground.temperature import MagtMethod, compare_models, mean_annual_ground_temperature
from cryoscale.ground.temperature_models import MagtKrigedModel, MagtModel
from cryoscale.stats.kriging import krige
from cryoscale.stats.variogram import Variogram

CLASSES = np.array(["meadow", "swamp", "bare"])
EFFECTS = {"meadow": 0.0, "swamp": -0.6, "bare": 0.4, "shrub": 0.2}
KINDS = pytest.mark.parametrize("kind", [MagtModel, MagtKrigedModel])
FLAGS = {"flag_values": [0, 1, 2, 3, 4], "flag_meanings": "no_data bare meadow swamp shrub"}
SIMPLE = ("elevation", "slope")


def magt_of(table):
    angle = np.deg2rad(table["aspect"].fillna(0.0))
    north = np.where(table["slope"] == 0.0, 0.0, np.cos(angle))
    east = np.where(table["slope"] == 0.0, 0.0, np.sin(angle))
    line = 24.0 - 0.0061 * table["elevation"] + 0.3 * (table["longitude"] - 99) - 0.5 * (table["latitude"] - 38)
    return line + 0.01 * table["slope"] - 0.4 * north + 0.1 * east + table["vegetation"].map(EFFECTS)


def make_boreholes(n=48, *, noise=0.25, seed=0):
    rng = np.random.default_rng(seed)
    low, high = [3600, 98.9, 38.0, 1.0, 0.0], [4400, 99.6, 38.4, 30.0, 360.0]
    table = pd.DataFrame(
        rng.uniform(low, high, (n, 5)), columns=["elevation", "longitude", "latitude", "slope", "aspect"]
    )
    table["vegetation"] = CLASSES[np.arange(n) % 3]
    table.loc[[5, 11], "slope"] = 0.0
    table.loc[[5, 11], "aspect"] = np.nan
    table["borehole"] = [f"MB{i:02d}" for i in range(n)]
    return table.assign(magt=magt_of(table) + rng.normal(0, noise, n))


def make_covariates(shape=(30, 40), *, crs="EPSG:32647", seed=1):
    rng = np.random.default_rng(seed)
    box = (5e5, 4.21e6, 5.4e5, 4.24e6) if crs == "EPSG:32647" else (98.9, 38.0, 99.4, 38.3)
    slope = np.where(rng.random(shape) < 0.1, 0.0, rng.uniform(0, 30, shape))
    layers = {
        "elevation": np.where(rng.random(shape) < 0.1, np.nan, rng.uniform(3600, 4400, shape)),
        "slope": slope,
        "aspect": np.where(slope == 0.0, np.nan, rng.uniform(0, 360, shape)),
        "vegetation_class": rng.choice([0, 1, 2, 3, 4], shape, p=[0.1, 0.2, 0.4, 0.2, 0.1]).astype("uint8"),
    }
    coords = grid_coords(GeoBox.from_bbox(box, crs, shape=shape))
    covariates = xr.Dataset({name: (("y", "x"), layer) for name, layer in layers.items()}, coords)
    covariates["vegetation_class"].attrs = FLAGS
    return covariates


def as_table(covariates):
    """The pixels as places, in C order."""
    table = covariates.drop_vars("spatial_ref").to_dataframe().reset_index()
    crs = covariates.odc.geobox.crs.to_wkt()
    table["longitude"], table["latitude"] = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(
        table["x"], table["y"]
    )
    names = dict(zip(FLAGS["flag_values"], FLAGS["flag_meanings"].split(), strict=True))
    return table.assign(vegetation=table["vegetation_class"].map(names))


def test_the_law_comes_back_without_noise():
    model = MagtModel().fit(make_boreholes(noise=0.0))
    found = model.fit_.table["coefficient"]
    expected = {"elevation": -0.0061, "longitude": 0.3, "latitude": -0.5, "slope": 0.01}
    expected |= {"aspect_cos": -0.4, "aspect_sin": 0.1, "vegetation[swamp]": -0.6, "vegetation[meadow]": -0.4}
    base = model.design_.levels[0]
    assert base == "bare"  # of equally frequent classes the first by name
    expected |= {"vegetation[swamp]": -1.0}
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-8), name
    assert len(found) == 1 + len(expected)
    assert model.fit_.left_out_rmse < 1e-9


def test_it_is_the_regression_of_statsmodels():
    table = make_boreholes().iloc[:41]
    model = MagtModel().fit(table)
    flat = table["slope"] == 0
    angle = np.deg2rad(table["aspect"].fillna(0))
    peer = smf.ols(
        "magt ~ elevation + longitude + latitude + slope + sin + cos + C(vegetation, Treatment('meadow'))",
        table.assign(sin=np.sin(angle).where(~flat, 0.0), cos=np.cos(angle).where(~flat, 0.0)),
    ).fit()
    assert model.design_.levels[0] == "meadow"  # 14 against 14 and 13: the first by name of the most frequent
    for name, theirs in {"slope": "slope", "aspect_cos": "cos", "latitude": "latitude"}.items():
        row = model.fit_.table.loc[name]
        assert row["coefficient"] == pytest.approx(peer.params[theirs], rel=1e-6)
        assert row["error"] == pytest.approx(peer.bse[theirs], rel=1e-6)
    assert model.fit_.r2 == pytest.approx(peer.rsquared)
    assert model.inflation_.index.tolist() == list(model.predictors)
    assert (model.inflation_["vif"] > 1.0).all()


@KINDS
@pytest.mark.parametrize("crs", ["EPSG:32647", "EPSG:4326"])
def test_the_map_is_the_table_of_its_pixels(kind, crs):
    model, covariates = kind().fit(make_boreholes()), make_covariates(crs=crs)
    mapped = model.predict(covariates)
    table = as_table(covariates)
    status = mapped.magt_status.values.ravel()
    incomplete = (table["elevation"].isna() | (table["vegetation_class"] == 0)).to_numpy()
    np.testing.assert_array_equal(status == 0, incomplete)
    np.testing.assert_array_equal(status == 2, ~incomplete & (table["vegetation"] == "shrub"))
    expected = model.predict_table(table[status == 1])
    np.testing.assert_array_equal(mapped.magt.values.ravel()[status == 1], expected["magt"].astype("float32"))
    np.testing.assert_array_equal(mapped.magt_error.values.ravel()[status == 1], expected["magt_error"].astype("f4"))
    assert np.isnan(mapped.magt.values.ravel()[status != 1]).all()
    assert (mapped.magt_error.values.ravel()[status == 1] > 0).all()
    truth = magt_of(table)[status == 1]
    assert np.abs(expected["magt"] - truth).mean() < 0.25
    assert mapped.magt.attrs["units"] == "degC"


@KINDS
@pytest.mark.parametrize("chunks", [{"y": 7, "x": 13}, {"y": 30, "x": 9}])
def test_lazy_equals_eager(assert_lazy, kind, chunks):
    model, covariates = kind().fit(make_boreholes()), make_covariates()
    with assert_lazy():
        lazy = model.predict(covariates.chunk(chunks))
    assert lazy.magt.chunks is not None
    xr.testing.assert_identical(lazy.compute(scheduler="threads"), model.predict(covariates))


def test_the_standard_error_is_what_predictions_really_miss_by():
    misses, said = [], []
    for seed in range(60):
        model = MagtModel().fit(make_boreholes(30, seed=seed))
        others = make_boreholes(40, seed=1000 + seed)
        predicted = model.predict_table(others)
        misses.append(predicted["magt"] - others["magt"])
        said.append(predicted["magt_error"])
    assert np.sqrt(np.mean(np.square(misses))) == pytest.approx(np.sqrt(np.mean(np.square(said))), rel=0.05)


def test_an_odd_borehole_is_found():
    table = make_boreholes()
    table.loc[20, "magt"] += 4.0
    influence = MagtModel().fit(table).influence_
    assert influence.index[0] == "MB20"
    assert influence.loc["MB20", "influential"]
    assert influence.loc["MB20", "left_out_residual"] > 3.0


def test_aspect_by_northness_alone():
    model = MagtModel(aspect_terms=AspectTerms.NORTHNESS).fit(make_boreholes())
    assert [name for name in model.design_.names if "aspect" in name] == ["aspect_cos"]


def test_predictors_that_no_map_holds():
    model = MagtModel(predictors=["latitude", "longitude"]).fit(make_boreholes())
    covariates = make_covariates(crs="EPSG:4326")
    mapped = model.predict(covariates.drop_vars(list(covariates.data_vars)))
    assert mapped.magt.dims == ("y", "x")
    b = model.fit_.table["coefficient"]
    line = b["intercept"] + b["latitude"] * covariates.y + b["longitude"] * covariates.x
    np.testing.assert_allclose(mapped.magt, line, rtol=1e-6)


# ---- classes of vegetation with few boreholes


def with_rare(n_shrub, n_peat):
    table = make_boreholes()
    table.loc[range(n_shrub), "vegetation"] = "shrub"
    table.loc[range(n_shrub, n_shrub + n_peat), "vegetation"] = "peat"
    return table


def test_a_class_with_a_single_borehole_is_refused_or_pooled():
    with pytest.raises(InputError, match="the vegetation peat, shrub has a single borehole"):
        MagtModel().fit(with_rare(1, 1))
    pooled = MagtModel(sparse_classes=SparseClasses.POOL).fit(with_rare(1, 1))
    assert "other" in pooled.design_.levels
    assert "shrub" not in pooled.design_.levels
    with pytest.raises(InputError, match="the vegetation other has a single borehole"):
        MagtModel(sparse_classes=SparseClasses.POOL).fit(with_rare(1, 0))
    assert "shrub" in MagtModel(sparse_classes=SparseClasses.POOL).fit(with_rare(2, 0)).design_.levels


def test_unseen_classes_are_missing_or_pooled():
    covariates = make_covariates()
    shrub = (covariates.vegetation_class == 4) & covariates.elevation.notnull()
    strict = MagtModel().fit(make_boreholes()).predict(covariates)
    assert int((strict.magt_status == 2).sum()) == int(shrub.sum()) > 0
    nothing_pooled = MagtModel(sparse_classes=SparseClasses.POOL).fit(make_boreholes()).predict(covariates)
    xr.testing.assert_identical(nothing_pooled, strict)
    table = with_rare(0, 1)
    table.loc[1, "vegetation"] = "moss"
    pooled = MagtModel(sparse_classes=SparseClasses.POOL).fit(table)
    mapped = pooled.predict(covariates)
    assert int((mapped.magt_status == 2).sum()) == 0
    pixels = as_table(covariates)[shrub.values.ravel()]
    as_moss = pooled.predict_table(pixels.assign(vegetation="moss"))["magt"]
    np.testing.assert_array_equal(mapped.magt.values[shrub.values], as_moss.astype("float32"))


# ---- kriged residuals


def correlated_boreholes(n=60, *, seed=0):
    """Residuals of 0.8 K that are alike over 15 km, on a law of elevation and slope."""
    rng = np.random.default_rng(seed)
    table = make_boreholes(n, noise=0.0, seed=seed)
    table["magt"] = 20.0 - 0.005 * table["elevation"] + 0.02 * table["slope"]
    variogram = Variogram("exponential", nugget=0.02, partial_sill=0.64, range=30_000.0)
    geod = Geod(ellps="WGS84")
    lon, lat = (table[name].to_numpy() for name in ("longitude", "latitude"))
    i, j = np.meshgrid(np.arange(n), np.arange(n))
    apart = geod.inv(lon[i.ravel()], lat[i.ravel()], lon[j.ravel()], lat[j.ravel()])[2].reshape(n, n)
    return table.assign(magt=table["magt"] + np.linalg.cholesky(variogram.covariance(apart)) @ rng.normal(size=n))


def test_kriging_adds_the_residuals_of_neighbours():
    table = correlated_boreholes()
    line, kriged = (kind(predictors=SIMPLE).fit(table) for kind in (MagtModel, MagtKrigedModel))
    at_boreholes = kriged.predict_table(table)
    np.testing.assert_allclose(at_boreholes["magt"], table["magt"], atol=1e-9)
    far = table.iloc[:1].assign(longitude=120.0, latitude=20.0)
    mean_residual = kriged.predict_table(far)["magt"] - line.predict_table(far)["magt"]
    assert abs(mean_residual.iloc[0]) < 0.8
    assert kriged.predict_table(far)["magt_error"].iloc[0] > at_boreholes["magt_error"].max()
    between = table.iloc[3:4].assign(longitude=99.2, latitude=38.2)
    places = Transformer.from_crs("EPSG:4326", "EPSG:32647", always_xy=True)
    points = np.column_stack(places.transform(table["longitude"], table["latitude"]))
    peer = krige(
        points,
        line.fit_.residuals,
        [places.transform(99.2, 38.2)],
        variogram=kriged.variogram_,
        neighbours=24,
    )
    difference = kriged.predict_table(between)["magt"] - line.predict_table(between)["magt"]
    assert difference.iloc[0] == pytest.approx(peer.estimate[0], abs=1e-3)
    X = line.fit_.design
    apart = np.linalg.norm(points[:, None] - points, axis=-1)
    bread = np.linalg.inv(X.T @ X)
    trend = bread @ X.T @ kriged.variogram_.covariance(apart) @ X @ bread
    x = np.array([1.0, *between[list(SIMPLE)].iloc[0]])
    expected = np.sqrt(peer.variance[0] + x @ trend @ x)
    assert kriged.predict_table(between)["magt_error"].iloc[0] == pytest.approx(expected, rel=1e-3)


def test_the_variogram_is_that_of_errors_not_of_residuals():
    sills = []
    for seed in range(80):
        table = make_boreholes(24, noise=0.5, seed=seed)
        model = MagtKrigedModel().fit(table)
        sills.append(model.variogram_.nugget + model.variogram_.partial_sill)
    # Without the factor 23 / 15 the median would be near 0.16. The sill of a fit with a rising variogram is no bound.
    assert np.median(sills) == pytest.approx(0.25, rel=0.25)


def test_the_comparison_tells_which_is_better_and_where():
    table = compare_models(correlated_boreholes(), block_size=12e3, predictors=SIMPLE)
    rmse = table["rmse"].unstack("method")
    near = rmse.loc["leave_one_out"]
    assert near["kriged_residuals"] < 0.9 * near["regression"]
    gain = 1.0 - rmse["kriged_residuals"] / rmse["regression"]
    assert gain["spatial_blocks"] < gain["leave_one_out"]
    assert (table["n"] == 60).all()
    assert table["within_95"].between(0.85, 1.0).all()
    np.testing.assert_allclose(table["mean_error"], table["rmse"], rtol=0.35)


def test_leave_one_out_by_refitting_is_press():
    boreholes = make_boreholes()
    table = compare_models(boreholes, block_size=10e3)
    fit = MagtModel().fit(boreholes).fit_
    row = table.loc[("regression", "leave_one_out")]
    assert row["rmse"] == pytest.approx(fit.left_out_rmse, rel=1e-9)
    assert row["bias"] == pytest.approx(-fit.left_out_residuals.mean(), rel=1e-6)


def test_a_class_in_one_block_is_counted_as_missing():
    table = make_boreholes()
    corner = table.assign(distance=np.hypot(table["longitude"] - 98.9, table["latitude"] - 38.0)).distance.nsmallest(3)
    table.loc[corner.index, "vegetation"] = "shrub"
    table.loc[corner.index, ["longitude", "latitude"]] = [[98.9, 38.0], [98.901, 38.0], [98.9, 38.001]]
    scores = compare_models(table, block_size=10e3)
    assert scores["n_missing"].unstack("validation").loc["regression"].tolist() == [0, 3]
    assert scores["n"].unstack("validation").loc["regression"].tolist() == [48, 45]


@pytest.mark.parametrize(("method", "kind"), [("regression", MagtModel), ("kriged_residuals", MagtKrigedModel)])
def test_one_call_does_what_the_model_does(method, kind):
    boreholes, covariates = make_boreholes(), make_covariates()
    mapped = mean_annual_ground_temperature(boreholes, covariates, method=MagtMethod(method))
    xr.testing.assert_identical(mapped, kind().fit(boreholes).predict(covariates))


# ---- bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"elevation": np.nan}, "MB03 have no value of elevation. Complete them or leave them out"),
        ({"vegetation": None}, "MB03 have no value of vegetation"),
        ({"aspect": np.nan}, "MB03 have no value of aspect"),
        ({"slope": 0.0}, "MB03 have an aspect, but their slope is 0: flat ground has none"),
        ({"magt": 271.3}, r"MB03 have magt outside -25 to 25 degC \(the first: 271.3\). Check its unit"),
        ({"magt": np.nan}, "MB03 have no value of magt"),
        ({"elevation": -9999.0}, "MB03 have elevation outside -500 to 9000 m"),
        ({"aspect": -1.0}, "MB03 have aspect outside 0 to 360 degree clockwise from north"),
        ({"latitude": 4.2e6}, "MB03 have latitude outside -90 to 90 degree"),
        ({"borehole": "MB07"}, "MB07, MB07 share a name with another"),
        ({"vegetation": "alpine meadow"}, "MB03 have the vegetation 'alpine meadow': give each class"),
        ({"vegetation": 7}, "MB03 have the vegetation 7: give each class, and each code, a name of one word"),
    ],
)
def test_bad_boreholes_are_named(change, message):
    table = make_boreholes().astype({"vegetation": object})
    for column, value in change.items():
        table.loc[3, column] = value
    with pytest.raises(InputError, match=message):
        MagtModel().fit(table)


def test_bad_tables_say_what_to_do():
    table = make_boreholes()
    twice = pd.concat([table, table.iloc[[4]].assign(borehole="MB99", magt=-1.0)], ignore_index=True)
    with pytest.raises(InputError, match="MB04, MB99 lie at the very place of another"):
        MagtModel().fit(twice)
    with pytest.raises(InputError, match=r"11 are too few for 9 coefficients \(intercept, .*give 12 or more"):
        MagtModel().fit(table.iloc[:11])
    assert len(MagtModel().fit(table.iloc[:12]).fit_.observed) == 12
    with pytest.raises(InputError, match="elevation, latitude are collinear"):
        MagtModel().fit(table.assign(latitude=table["elevation"] * 0.01))
    with pytest.raises(InputError, match="all have the vegetation meadow"):
        MagtModel().fit(table.assign(vegetation="meadow"))
    with pytest.raises(InputError, match=r"boreholes: lack the columns \['slope'\]"):
        MagtModel(predictors=["aspect"]).fit(table.drop(columns="slope"))
    with pytest.raises(InputError, match=r"predictors: are \['ndvi'\]; give some of elevation"):
        MagtModel(predictors=["ndvi"]).fit(table)


def test_bad_maps_say_what_to_do():
    model, covariates = MagtModel().fit(make_boreholes()), make_covariates()
    classes = covariates.vegetation_class
    with pytest.raises(InputError, match=r"covariates: lack \['aspect'\]"):
        model.predict(covariates.drop_vars("aspect"))
    with pytest.raises(InputError, match="elevation: is in 'km', but elevation must be in 'm'"):
        model.predict(covariates.assign(elevation=covariates.elevation.assign_attrs(units="km")))
    with pytest.raises(InputError, match=r"vegetation_class: is uint8 with the attributes \[\]. Give integer codes"):
        model.predict(covariates.assign(vegetation_class=classes.drop_attrs()))
    unnamed = covariates.assign(vegetation_class=classes.where(classes != 4, 9).astype("uint8").assign_attrs(FLAGS))
    with pytest.raises(InputError, match=r"holds the code 9, which its flags do not name \(they name \[1, 2, 3, 4\]\)"):
        model.predict(unnamed)
    with pytest.raises(InputError, match="holds the code 9"):
        model.predict(unnamed.chunk(y=10)).compute()
    with pytest.raises(
        InputError, match="aspect: holds -1.0 where the slope is .* degree; aspects lie between 0 and 360"
    ):
        model.predict(covariates.assign(aspect=xr.full_like(covariates.aspect, -1.0)))
    with pytest.raises(InputError, match="no regular grid with a CRS"):
        model.predict(covariates.drop_vars(["spatial_ref", "y", "x"]))
