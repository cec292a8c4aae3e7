"""What a mining run begins with, and what it refuses."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely

from cryoscale.engine import Cluster
from cryoscale.errors import ConfigError, InputError
from cryoscale.products import demo_mining, mining
from cryoscale.products.mining_config import MiningConfig
from cryoscale.products.mining_inputs import inspect
from cryoscale.scenes import muli_files, muli_scene, write_muli

pytestmark = pytest.mark.usefixtures("fresh_process")


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    folder = tmp_path_factory.mktemp("muli")
    write_muli(muli_scene((96, 120)), folder / "scene")
    return folder


@pytest.fixture
def config(scene, tmp_path):
    text = demo_mining._config((2001, 2016), demo_mining.demo_heat(), 10).to_yaml()
    path = scene / f"{tmp_path.name}.yaml"
    path.write_text(text, encoding="utf-8")
    return updated(MiningConfig.load(path), output=tmp_path / "results", cluster=Cluster(workers=1))


def updated(config, **changes):
    return config.model_copy(update=changes)


def with_section(config, name, **changes):
    return updated(config, **{name: updated(getattr(config, name), **changes)})


def alone(config, *sections):
    """Nothing but these sections."""
    every = ("vegetation", "ground_temperature", "active_layer", "units", "ground_ice", "mine")
    return updated(config, **{name: None for name in every if name not in sections})


ICE = ("active_layer", "units", "ground_ice")


@pytest.mark.parametrize(
    ("section", "field", "name"),
    [("vegetation", "labels", "V001"), ("ground_temperature", "boreholes", "T01")],
)
def test_points_outside_the_grid_are_refused_by_name(config, tmp_path, section, field, name):
    source = getattr(getattr(config, section), field)
    table = pd.read_csv(source)
    table.loc[0, "longitude"] += 1.0
    table.to_csv(tmp_path / "points.csv", index=False)
    with pytest.raises(InputError, match=rf"points.csv: 1 of \d+ \w+ lie outside the grid \(.*\): {name}. Correct"):
        inspect(with_section(config, section, **{field: tmp_path / "points.csv"}))


def test_boreholes_of_cores_outside_the_grid_are_refused(config, tmp_path):
    logs = pd.read_csv(config.ground_ice.logs)
    logs.loc[logs["borehole"] == "ZK001", "longitude"] += 1.0
    logs.to_csv(tmp_path / "logs.csv", index=False)
    with pytest.raises(InputError, match=r"logs.csv: logs: 1 of \d+ boreholes lie outside the grid .*: ZK001"):
        mining.run(alone(with_section(config, "ground_ice", logs=tmp_path / "logs.csv"), *ICE))


def test_boreholes_without_temperature_are_refused(config, tmp_path):
    table = pd.read_csv(config.ground_temperature.boreholes).drop(columns="magt").assign(state="stable permafrost")
    table.to_csv(tmp_path / "holes.csv", index=False)
    with pytest.raises(InputError, match=r"holes.csv: has no magt, the mean annual ground temperature"):
        inspect(with_section(config, "ground_temperature", boreholes=tmp_path / "holes.csv"))


def test_too_few_boreholes_name_their_file(config, tmp_path):
    pd.read_csv(config.ground_temperature.boreholes).head(6).to_csv(tmp_path / "few.csv", index=False)
    lonely = alone(with_section(config, "ground_temperature", boreholes=tmp_path / "few.csv"), "ground_temperature")
    with pytest.raises(InputError, match=r"few.csv: boreholes: 6 are too few for 7 coefficients"):
        mining.run(lonely)


def ice_rows(**changes):
    rows = {"unit": [1, 2, 3, 4, 5], "top": 0.0, "bottom": 10.0, "ice_content": 0.3, "spread": 0.05, "n": 8}
    return pd.DataFrame(rows | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ice_content": 30.0}, r"ice.csv: unit 1 must have an ice_content in m3 m-3, 0 to 1. Divide percent by 100"),
        ({"porosity": 0.2}, r"ice.csv: unit 1 has an ice_content above its porosity"),
        ({"spread": -0.1}, r"ice.csv: unit 1 must have a spread in m3 m-3"),
        ({"n": 0}, r"ice.csv: unit 1 must have a whole number n of samples, 1 or more"),
        ({"bottom": -1.0}, r"ice.csv: unit 1 must have top and bottom in m, 0 <= top < bottom"),
    ],
)
def test_ice_that_cannot_be_is_refused(config, tmp_path, changes, message):
    ice_rows(**changes).to_csv(tmp_path / "ice.csv", index=False)
    with pytest.raises(InputError, match=message):
        inspect(with_section(config, "ground_ice", table=tmp_path / "ice.csv", logs=None))


def test_units_without_an_entry_are_counted(config, tmp_path):
    ice_rows().head(4).to_csv(tmp_path / "ice.csv", index=False)
    changed = with_section(config, "ground_ice", table=tmp_path / "ice.csv", logs=None)
    with pytest.raises(
        InputError, match=r"units: 5 \(\d+ pixels\) have no entry in the ice table, which has 1, 2, 3, 4"
    ):
        mining.run(alone(changed, *ICE))


def test_a_negative_thickness_is_refused(config, tmp_path):
    with rasterio.open(config.active_layer.path) as source:
        values, profile = source.read(1), source.profile
    values[np.isfinite(values)] *= -1
    with rasterio.open(tmp_path / "alt.tif", "w", **{**profile, "driver": "GTiff"}) as target:
        target.write(values, 1)
    with pytest.raises(InputError, match=r"alt.tif.*active_layer_thickness is -\d.*must be 0 to 20 m"):
        mining.run(alone(with_section(config, "active_layer", path=tmp_path / "alt.tif"), *ICE))


def test_reflectances_as_counts_are_refused(config, tmp_path):
    bands = dict(config.vegetation.bands)
    with rasterio.open(bands["nir"].path) as source:
        values, profile = source.read(1), source.profile
    with rasterio.open(tmp_path / "nir.tif", "w", **{**profile, "driver": "GTiff"}) as target:
        target.write(values * 10_000, 1)
    bands["nir"] = updated(bands["nir"], path=tmp_path / "nir.tif")
    with pytest.raises(InputError, match="nir: holds .* but reflectances lie between 0 and 1"):
        mining.run(alone(with_section(config, "vegetation", bands=bands), "vegetation"))


def test_blocks_larger_than_the_scene_are_refused(config):
    wide = updated(config.vegetation.validation, block_size=50_000.0)
    with pytest.raises(InputError, match=r"labels.csv: the points lie in \d blocks of 50000 m, fewer than the 5 folds"):
        mining.run(alone(with_section(config, "vegetation", validation=wide), "vegetation"))


@pytest.mark.parametrize(
    ("years", "message"),
    [
        (
            (2003, 2016),
            r"mine.gpkg: H2 starts in 2003, but must start later than a whole first_year; simulated are 2003",
        ),
        ((1990, 2005), r"mine.gpkg: H4 starts in 2006, but must start before last_year"),
    ],
)
def test_works_outside_the_simulated_years_are_refused(config, years, message):
    with pytest.raises(InputError, match=message):
        inspect(with_section(config, "mine", first_year=years[0], last_year=years[1]))


def test_a_mine_elsewhere_is_refused(config, tmp_path):
    works = gpd.read_file(config.mine.outlines)
    works.geometry = works.translate(xoff=50_000)
    works.to_file(tmp_path / "far.gpkg")
    changed = updated(with_section(config, "mine", outlines=tmp_path / "far.gpkg"), vegetation=None, ground_ice=None)
    with pytest.raises(InputError, match=r"mine.outlines: no pixel of the grid lies in a pit or a heap"):
        mining.run(changed)


def test_units_can_be_polygons_with_names(config, tmp_path):
    with rasterio.open(config.active_layer.path) as source:
        left, bottom, right, top = source.bounds
        crs = source.crs
    middle = (left + right) / 2
    halves = [shapely.box(left, bottom, middle, top), shapely.box(middle, bottom, right, top)]
    gpd.GeoDataFrame({"unit": ["slope wash", "bog"]}, geometry=halves, crs=crs).to_file(tmp_path / "units.gpkg")
    table = ice_rows().head(2).assign(unit=["slope wash", "bog"], ice_content=[0.2, 0.5])
    table.to_csv(tmp_path / "ice.csv", index=False)
    changed = with_section(config, "units", path=tmp_path / "units.gpkg")
    changed = alone(with_section(changed, "ground_ice", table=tmp_path / "ice.csv", logs=None), *ICE)
    found = pd.read_csv(mining.run(changed).report.parent / "tables/ice_units.csv")
    assert found["name"].tolist() == ["bog", "slope_wash"]
    per_area = found["ice_km3"] / found["area_km2"] * 1e3
    np.testing.assert_allclose(per_area, [5.0, 2.0], rtol=1e-4)


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (["mine.last_year=2001"], "last_year is 2001, but must be later than first_year, 2001"),
        (["mine.years=[1999]"], r"years: \[1999\] are not simulated; that is 2001 to 2016"),
        (["ground_ice.table=refused.yaml"], "give table or logs, one of them"),
        (["vegetation.bands.red=null"], "vegetation.bands.red"),
        (["mine.heat.lakes=4"], "unknown key; did you mean 'lake'"),
        (["mine.heat.numerics.growth=0.5"], "mine.heat.numerics.growth"),
        (["ground_ice.depth=-10"], "ground_ice.depth"),
    ],
)
def test_configurations_that_cannot_be_are_refused(scene, config, assignments, message):
    path = scene / "refused.yaml"
    path.write_text(config.to_yaml(), encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        MiningConfig.load(path, assignments)


def test_soils_that_cannot_be_are_refused(config):
    heat = config.mine.heat
    with pytest.raises(InputError, match=r"Soil.conductivity_frozen: is 2700"):
        updated(heat, rock=updated(heat.rock, conductivity_frozen=2700.0)).soils(["alluvial"])


def test_what_is_left_out_depends_on_what_is_given(config):
    assert config.skipped() == {}
    assert set(updated(config, units=None).skipped()) == {"ground ice", "pits and heaps"}
    assert updated(config, active_layer=None, units=None).skipped()["ground ice"] == "active_layer, units not given"
    assert muli_files("scene").mine.name == config.mine.outlines.name
