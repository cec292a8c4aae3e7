"""What a permafrost map begins with: files, refusals, how the cube is cut, and the plan."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
import yaml
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from typer.testing import CliRunner

from cryoscale.cli import app
from cryoscale.engine import Cluster
from cryoscale.engine.plan import task_memory
from cryoscale.errors import ConfigError, InputError, ResourceError
from cryoscale.products import permafrost_inputs
from cryoscale.products.conductivity import Calibration, Conductivity
from cryoscale.products.frozen_ground import Change
from cryoscale.products.permafrost_inputs import (
    Blocks,
    PermafrostMapConfig,
    choose_blocks,
    inspect,
    plan,
    plan_run,
)

pytestmark = pytest.mark.usefixtures("fresh_process")


def updated(config, **changes):
    return config.model_copy(update=changes)


def rewritten(path, folder, change):
    target = folder / path.name
    change(pd.read_csv(path)).to_csv(target, index=False)
    return target


def enlarged(inputs, shape):
    """The same over as large a region, with pixels of the same size."""
    return replace(inputs, geobox=GeoBox(shape, Affine(1 / 120, 0, 78, 0, -1 / 120, 40), "EPSG:4326"))


@pytest.fixture
def inputs(map_config):
    return inspect(map_config)


def test_what_is_found(inputs, tarim, map_config):
    assert inputs.years == (2006,)
    assert inputs.n_days == tarim.lst.sizes["time"]
    assert len(inputs.files.images) == int(tarim.truth.image_recorded.sum())
    assert inputs.geobox.shape == tarim.elevation.shape
    assert set(inputs.pixels.inside.station) == set(tarim.stations.station)
    assert len(inputs.boreholes.inside) == len(tarim.boreholes)
    assert not map_config.output.exists()


def test_less_than_a_whole_year_is_refused(map_config):
    short = updated(map_config, lst=updated(map_config.lst, start=date(2005, 8, 1)))
    message = (
        r"lst: the images from 2005-08-\d\d to 2006-12-31 cover no year whole. A map needs a calendar year and the"
    )
    with pytest.raises(InputError, match=message):
        inspect(short)
    later = updated(short.degree_days, freezing_year_start="09-01")
    assert inspect(updated(short, degree_days=later)).years == (2006,)


def test_stations_outside_the_grid_are_told_apart_from_those_inside(map_config, tmp_path):
    def away(table):
        return table.assign(longitude=table.longitude.where(table.station != "S03", 120.0))

    found = inspect(updated(map_config, stations=rewritten(map_config.stations, tmp_path, away))).pixels
    assert found.outside.station.tolist() == ["S03"]
    assert "S03" not in set(found.inside.station)


def test_stations_all_outside_the_grid_are_refused(map_config, tmp_path):
    swapped = rewritten(
        map_config.stations,
        tmp_path,
        lambda table: table.rename(columns={"longitude": "latitude", "latitude": "longitude"}),
    )
    with pytest.raises(InputError, match=r"stations.csv: none of 16 places lies on the grid .* Check that the columns"):
        inspect(updated(map_config, stations=swapped))


def test_a_period_without_years_is_refused_before_anything_is_read(map_config):
    change = Change(first=(1995, 1999), last=(2006, 2006))
    with pytest.raises(InputError, match="change: no year of 1995 to 1999 has a map; there are 2006 to 2006"):
        plan(updated(map_config, change=change))


def test_boreholes_without_temperatures_cannot_calibrate(map_config, tmp_path):
    table = rewritten(map_config.validation.boreholes, tmp_path, lambda table: table.drop(columns=["ttop", "magt"]))
    states = updated(map_config, validation=updated(map_config.validation, boreholes=table))
    assert inspect(states).boreholes is not None
    with pytest.raises(InputError, match="boreholes: have neither ttop nor magt, so rk cannot be calibrated to them"):
        inspect(updated(states, conductivity=Conductivity(calibration=Calibration.BOREHOLES)))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["validation.surveys=[]"], "conductivity.calibration is survey, but validation.surveys names none. Add one"),
        (
            ["conductivity.calibration=boreholes", "validation.boreholes=null"],
            "conductivity.calibration is boreholes, but validation.boreholes names none. Add one, or set calibration",
        ),
        (["gaps.neighbors=9"], r"gaps.neighbors: unknown key; did you mean 'neighbours'"),
        (["degree_days.freezing_year_start=July"], "degree_days.freezing_year_start: "),
        (["lst.format=ascii"], "lst.format: .*'trims', 'modis', 'pattern' or 'netcdf'"),
        (["conductivity.calibration=field"], "conductivity.calibration: .*'none', 'survey' or 'boreholes'"),
    ],
)
def test_a_configuration_that_cannot_be_meant(tarim_folder, overrides, message):
    with pytest.raises(ConfigError, match=message):
        PermafrostMapConfig.load(tarim_folder / "config.yaml", overrides)


def test_the_template_loads_back(tmp_path):
    result = CliRunner().invoke(app, ["permafrost-map", "--template"])
    assert result.exit_code == 0
    path = tmp_path / "config.yaml"
    (tmp_path / "here").touch()
    path.write_text(result.output.replace("  # required", " here"))
    config = PermafrostMapConfig.load(path)
    fields = yaml.safe_load(result.output)
    assert set(fields) == set(PermafrostMapConfig.model_fields)
    here = tmp_path / "here"
    assert config == PermafrostMapConfig.model_validate(
        {
            "lst": {"path": here},
            "land": {"elevation": here, "classes": here},
            "stations": here,
            "output": tmp_path / "permafrost-map",
        }
    )


def test_the_configuration_of_a_run_loads_back(map_config, tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(map_config.to_yaml())
    assert PermafrostMapConfig.load(path) == map_config


def test_the_plan_computes_nothing_and_counts_what_is_read(map_config, inputs, assert_lazy):
    with assert_lazy():
        planned = plan(map_config)
    planned.require_fit()
    assert not map_config.output.exists()
    steps = {step.name: step for step in planned.steps}
    assert list(steps) == [
        "maps of the land",
        "surveying the images",
        "ground temperature",
        "degree-days",
        "permafrost",
    ]
    n_pixels, n_images = 40 * 48, len(inputs.files.images)
    assert steps["surveying the images"].bytes_read == 4 * n_images * n_pixels
    assert steps["ground temperature"].bytes_read == 4 * n_images * n_pixels
    assert steps["ground temperature"].bytes_written == 9 * inputs.n_days * n_pixels
    assert steps["ground temperature"].n_tasks == -(-inputs.n_days // 16)


def test_the_command_line_prints_the_plan(tarim_folder, tmp_path):
    arguments = ["permafrost-map", str(tarim_folder / "config.yaml"), "--plan", "--set", f"output={tmp_path / 'out'}"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    for text in ("maps of the land", "surveying the images", "ground temperature", "degree-days", "peak per worker"):
        assert text in result.output
    assert not (tmp_path / "out").exists()


def test_a_small_cube_is_cut_along_time_alone(map_config, inputs):
    blocks = choose_blocks(map_config, inputs)
    assert blocks == Blocks(days=16, images=(40, 48), tile=(32, 32))
    assert blocks.chunks == {"y": 32, "x": 32}


@given(
    st.integers(200, 4000), st.integers(200, 4000), st.integers(2, 32), st.integers(1, 16), st.sampled_from((5e3, 2e4))
)
def test_blocks_fit_into_memory_whatever_the_region(shared_inputs, height, width, gibibytes, workers, radius):
    config, inputs = shared_inputs
    config = updated(
        config,
        cluster=Cluster(kind="local", workers=workers, memory=f"{gibibytes} GiB"),
        gaps=updated(config.gaps, search_radius=radius),
    )
    large = enlarged(inputs, (height, width))
    blocks = choose_blocks(config, large)
    assert 1 <= blocks.days <= 16
    assert blocks.images in (blocks.tile, (height, width))
    assert all(side % 32 == 0 or side == whole for side, whole in zip(blocks.tile, (height, width), strict=True))
    halo = 0 if blocks.images == (height, width) else 2 * (radius / 750 + 1)
    images = 4 * 24 * blocks.days * np.prod([side + halo for side in blocks.images])
    series = 8 * large.n_days * np.prod(blocks.tile)
    assert max(0.9 * images, series) < task_memory(config.cluster)
    steps = plan_run(config, large, blocks).steps
    assert max(step.peak_memory for step in steps) <= config.cluster.worker_memory


@pytest.fixture(scope="module")
def shared_inputs(tarim_folder, tmp_path_factory):
    config = PermafrostMapConfig.load(tarim_folder / "config.yaml")
    config = config.model_copy(update={"output": tmp_path_factory.mktemp("none") / "results"})
    return config, inspect(config)


def test_large_images_are_read_by_fewer_days_or_in_parts(map_config, inputs):
    cluster = Cluster(kind="local", workers=2, memory="2 GiB")
    small = updated(map_config, cluster=cluster)
    assert choose_blocks(small, enlarged(inputs, (500, 600))).images == (500, 600)
    parted = choose_blocks(small, enlarged(inputs, (1100, 2400)))
    assert parted.images == parted.tile
    assert parted.tile[0] < 1100
    far = updated(small, gaps=updated(small.gaps, search_radius=400_000.0))
    assert choose_blocks(far, enlarged(inputs, (1100, 2400))).days < parted.days


def test_what_does_not_fit_is_refused_with_a_way_out(map_config, inputs):
    large = enlarged(inputs, (3000, 4000))
    far = updated(map_config.gaps, search_radius=3_000_000.0)
    config = updated(map_config, gaps=far, cluster=Cluster(workers=2, memory="2 GiB"))
    with pytest.raises(ResourceError, match=r"ground temperature: needs .* per worker, which has 2.00 GiB. Raise"):
        plan_run(config, large, choose_blocks(config, large)).require_fit()
    with pytest.raises(ResourceError, match="A tile of 32 x 32 pixels needs"):
        choose_blocks(updated(map_config, cluster=Cluster(workers=2, memory="64 MiB")), large)


def test_the_cut_of_a_store_that_is_there_is_kept(mapped, tarim_folder, monkeypatch):
    assert mapped.exit_code == 0
    config = PermafrostMapConfig.load(tarim_folder / "config.yaml")
    begun = choose_blocks(config, inspect(config))
    monkeypatch.setattr(permafrost_inputs, "LONGEST_BLOCK", 4)
    other = updated(config, cluster=Cluster(workers=8, memory="8 GiB"))
    again = choose_blocks(other, inspect(other))
    assert (again.days, again.tile) == (begun.days, begun.tile)
