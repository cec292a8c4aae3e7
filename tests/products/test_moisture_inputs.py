"""What a moisture run begins with: samples that count and why others do not, refusals, tiles and the plan."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from typer.testing import CliRunner

from cryoscale.cli import app
from cryoscale.engine import Cluster
from cryoscale.engine.plan import task_memory
from cryoscale.errors import ConfigError, InputError, ResourceError
from cryoscale.grids import geobox_of
from cryoscale.moisture import Learner
from cryoscale.products import demo_moisture
from cryoscale.products.covariates import Derivative
from cryoscale.products.moisture import plan
from cryoscale.products.moisture_inputs import (
    Inputs,
    Learning,
    MoistureConfig,
    choose_tiles,
    inspect,
    plan_run,
)
from cryoscale.scenes import moisture_scene, write_moisture

pytestmark = pytest.mark.usefixtures("fresh_process")


def updated(config, **changes):
    return config.model_copy(update=changes)


@pytest.fixture(scope="module")
def scene():
    return moisture_scene((60, 80), n_samples=60)


@pytest.fixture(scope="module")
def folder(scene, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plateau")
    write_moisture(scene, folder / "scene")
    (folder / "config.yaml").write_text(demo_moisture._config(Learning()).to_yaml(), encoding="utf-8")
    return folder


@pytest.fixture
def config(folder, tmp_path):
    return updated(MoistureConfig.load(folder / "config.yaml"), output=tmp_path / "results")


@pytest.fixture
def with_samples(config, tmp_path):
    """A function that gives the configuration with the table of samples changed."""

    def change(edit, **options):
        path = tmp_path / "samples.csv"
        edit(pd.read_csv(config.samples.path)).to_csv(path, index=False)
        return updated(config, samples=updated(config.samples, path=path, **options))

    return change


def test_good_samples_are_in_their_pixels_and_others_have_a_reason(config, scene):
    found = inspect(config)
    assert found.geobox == geobox_of(scene.truth)
    assert found.shape == (60, 80)
    accepted = found.profiles[found.profiles.reason == ""]
    assert len(accepted) >= 58
    assert found.pixels.n_samples.sum() == len(accepted)
    assert not found.pixels.duplicated(["row", "column"]).any()
    reasons = found.profiles.set_index("sample").reason
    signs = {"out of season": "outside September-October", "gross error": "robust deviations from the"}
    for name, flaw in scene.flaws.items():
        if flaw != "duplicate":  # of two that are alike the first counts, whichever the scene wrote twice
            assert signs[flaw] in reasons[name], (name, flaw)
    n_twice = list(scene.flaws.values()).count("duplicate")
    assert reasons.str.startswith("duplicate of P").sum() == n_twice >= 1
    x, y = found.pixels.longitude, found.pixels.latitude
    columns, rows = ~found.geobox.transform @ (x.to_numpy(), y.to_numpy())
    np.testing.assert_array_equal(np.floor(columns), found.pixels.column)
    np.testing.assert_array_equal(np.floor(rows), found.pixels.row)
    error = found.pixels.moisture - scene.truth.values[found.pixels.row, found.pixels.column]
    assert abs(error).mean() < 0.08


def test_samples_outside_the_grid_are_listed(config, with_samples):
    expected = inspect(config).profiles
    moved = expected["sample"][expected.reason == ""].iloc[:3].tolist()

    def away(table):
        return table.assign(longitude=table.longitude.where(~table["sample"].isin(moved), table.longitude + 3))

    profiles = inspect(with_samples(away)).profiles.set_index("sample")
    assert (profiles.reason[moved] == "outside the grid").all()
    assert len(profiles) == len(expected)
    assert (profiles.reason == "").sum() >= (expected.reason == "").sum() - 3 - 1


def test_a_sample_outside_keeps_the_reason_that_it_had(with_samples, scene):
    name = next(name for name, flaw in scene.flaws.items() if flaw == "out of season")

    def away(table):
        return table.assign(longitude=table.longitude.where(table["sample"] != name, 80.0))

    reasons = inspect(with_samples(away)).profiles.set_index("sample").reason
    assert reasons[name] == "outside September-October"


def test_samples_all_outside_are_refused(with_samples):
    with pytest.raises(InputError, match=r"samples.csv: none of \d+ places lies on the grid"):
        inspect(with_samples(lambda table: table.assign(longitude=table.longitude - 20)))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda table: table.assign(moisture=100 * table.moisture), "looks like percent; it must be in m3 m-3, 0 to 1"),
        (lambda table: pd.concat([table, table.iloc[:2]]), r"row \d+ repeats row 2 \(sample .*\); 2 rows are repeated"),
        (lambda table: table.drop(columns="method"), "method"),
        (lambda table: table.assign(depth_bottom=100 * table.depth_bottom), "looks like centimetres"),
    ],
    ids=["percent", "the same rows again", "no method", "centimetres"],
)
def test_tables_that_cannot_be_meant_are_refused_by_their_name(with_samples, edit, message):
    with pytest.raises(InputError, match=f"samples.csv: .*{message}"):
        inspect(with_samples(edit))


def test_too_few_samples_are_refused_with_the_commonest_reason(with_samples):
    message = (
        r"samples.csv: 0 pixels have an accepted sample, but 30 are the fewest to learn from. The commonest reason "
        r"why a sample does not count: 'outside January'."
    )
    with pytest.raises(InputError, match=message):
        inspect(with_samples(lambda table: table, months=(1,)))

    def few(table):
        return table[table["sample"].isin(sorted(table["sample"].unique())[:12])]

    with pytest.raises(InputError, match=r"samples.csv: \d+ pixels have an accepted sample, but 30 are the fewest"):
        inspect(with_samples(few))


def test_options_of_the_samples_count(config, with_samples):
    every = inspect(with_samples(lambda table: table, months=tuple(range(1, 13)), outlier_threshold=50.0))
    assert set(every.profiles.reason.str[:9]) == {"", "duplicate"}
    assert (inspect(config).profiles.reason != "").sum() > (every.profiles.reason != "").sum()
    renamed = with_samples(lambda table: table.rename(columns={"moisture": "vwc"}), columns={"moisture": "vwc"})
    pd.testing.assert_frame_equal(inspect(renamed).pixels, inspect(config).pixels)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["covariates.slope={path: config.yaml, unit: degree}"],
            "slope is made of the DEM already; give it another name",
        ),
        (["features=[ndvi, snow]"], "features: snow is no covariate; there are elevation, slope"),
        (["porosity=pores"], "porosity: pores is no covariate; there are"),
        (["porosity=45"], "porosity: 45.* is no share of a volume; give m3 m-3, above 0 and at most 1"),
        (["porosity=0"], "porosity: 0.* is no share of a volume"),
        (["learning.learners=[forest]"], "learning.learners.*'random-forest', 'extra-trees', 'xgboost' or 'catboost'"),
        (["learning.learners=[]"], "learning.learners"),
        (["learning.coverage=90"], "learning.coverage"),
        (["validation.block=3"], "validation.block: unknown key"),
    ],
)
def test_a_configuration_that_cannot_be_meant(folder, overrides, message):
    with pytest.raises(ConfigError, match=message):
        MoistureConfig.load(folder / "config.yaml", overrides)


def test_covariates_of_two_names_have_two_files_and_all_have_an_order(config):
    assert config.names[:7] == config.terrain.names
    assert config.names[7:] == tuple(config.covariates)
    assert len(config.features) == 25
    assert "porosity" in config.names
    assert "porosity" not in config.features


def test_every_option_of_learning_reaches_the_ensemble():
    options = {
        "learners": (Learner.CATBOOST,),
        "n_folds": 3,
        "n_candidates": 2,
        "min_features": 4,
        "drop": 0.3,
        "stretch": 0.5,
        "max_rmse_rise": 0.05,
        "coverage": 0.8,
        "seed": 7,
    }
    assert set(options) == set(Learning.model_fields)
    assert Learning(**options).ensemble().get_params() == options


def test_the_template_loads_back(tmp_path):
    result = CliRunner().invoke(app, ["moisture", "--template"])
    assert result.exit_code == 0
    assert set(yaml.safe_load(result.output)) == set(MoistureConfig.model_fields)
    path = tmp_path / "config.yaml"
    (tmp_path / "here").touch()
    path.write_text(result.output.replace("  # required", " here"), encoding="utf-8")
    config = MoistureConfig.load(path)
    assert config.terrain.elevation == tmp_path / "here"
    assert config.learning == Learning()


def test_the_configuration_of_a_run_loads_back(config, tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(config.to_yaml(), encoding="utf-8")
    assert MoistureConfig.load(path) == config


def test_the_plan_computes_nothing_and_counts_what_is_read(config, assert_lazy):
    with assert_lazy():
        planned = plan(config)
    planned.require_fit()
    assert not config.output.exists()
    steps = {step.name: step for step in planned.steps}
    assert list(steps) == ["topographic wetness", "covariates", "moisture"]
    n_pixels = 60 * 80
    assert steps["topographic wetness"].n_tasks == 1
    assert steps["covariates"].bytes_written == 4 * 26 * n_pixels
    assert steps["moisture"].bytes_read == 4 * 26 * n_pixels
    assert steps["moisture"].bytes_written == (5 * 4 + 1) * n_pixels
    assert steps["covariates"].n_tasks == 26 * steps["moisture"].n_tasks
    dry = updated(config, terrain=updated(config.terrain, derivatives=(Derivative.SLOPE,)), features=None)
    assert [step.name for step in plan(dry).steps] == ["covariates", "moisture"]


def test_the_command_line_prints_the_plan(folder, tmp_path):
    arguments = ["moisture", str(folder / "config.yaml"), "--plan", "--set", f"output={tmp_path / 'out'}"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    for text in ("topographic wetness", "covariates", "moisture", "peak per worker"):
        assert text in result.output
    assert not (tmp_path / "out").exists()


def plateau(shape):
    return Inputs(GeoBox.from_bbox((80.0, 30.0, 81.0, 31.0), "EPSG:4326", shape=shape), pd.DataFrame(), pd.DataFrame())


@given(st.integers(60, 17_000), st.integers(60, 37_000), st.integers(2, 32), st.integers(1, 64))
def test_tiles_fit_into_memory_whatever_the_region(shared_config, height, width, gibibytes, workers):
    cluster = Cluster(kind="local", workers=workers, memory=f"{gibibytes} GiB")
    config, inputs = updated(shared_config, cluster=cluster), plateau((height, width))
    tile = choose_tiles(config, inputs)
    assert 1 <= tile[0] <= height
    assert 1 <= tile[1] <= width
    assert 4 * 2 * 26 * tile[0] * tile[1] < task_memory(cluster)  # the covariates, and the same as rows
    _, *steps = plan_run(config, inputs, tile).steps
    assert all(step.peak_memory <= cluster.worker_memory for step in steps)


@pytest.fixture(scope="module")
def shared_config(folder):
    return updated(MoistureConfig.load(folder / "config.yaml"), output=Path(folder / "none"))


def test_a_grid_too_large_for_its_wetness_is_refused(config):
    """All of it is held at once."""
    small = updated(config, cluster=Cluster(kind="local", workers=2, memory="4 GiB"))
    inputs = plateau((17_000, 37_000))
    with pytest.raises(ResourceError, match=r"topographic wetness: needs 3\d.* per worker, which has 4.00 GiB"):
        plan_run(small, inputs, choose_tiles(small, inputs)).require_fit()
