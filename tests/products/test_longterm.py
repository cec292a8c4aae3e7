"""The long-term record on a small scene of five sensors."""

import csv

import numpy as np
import pytest
import xarray as xr
import yaml
from typer.testing import CliRunner

from cryoscale.cli import app
from cryoscale.errors import ConfigError, InputError
from cryoscale.products import demo_longterm, longterm
from cryoscale.products.longterm import LongtermConfig
from cryoscale.products.record import regional_means
from cryoscale.scenes import datong_longterm_scene, longterm_files
from cryoscale.store import open_store


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("longterm")
    scene = datong_longterm_scene(shape=(60, 64), start="2020-03-01", end="2022-12-31", links=3, lband_share=0.8)
    demo_longterm.build_scene(scene, folder)
    return folder, demo_longterm.run(folder)


@pytest.fixture(scope="module")
def record(finished):
    return longterm.open_record(finished[1].store)


@pytest.fixture(scope="module")
def truth(finished):
    path = longterm_files(finished[0] / "scene").truth
    return lambda sensor: xr.open_zarr(path, group=sensor, consolidated=False)


def test_a_group_per_sensor_and_period_opens_with_xarray_alone(finished, record):
    names = list(record)
    assert names[:3] == ["ERS-2_1997-1998", "Envisat_2003-2005", "ALOS-1_2007-2010"]
    assert sorted(names[3:]) == ["ALOS-2_2019-2022", "Sentinel-1_2020-2022"]
    for name in names:
        group = xr.open_zarr(finished[1].store, group=name)
        xr.testing.assert_equal(group.y, record[names[0]].y)
        assert group.vertical_rate.attrs["units"] == "mm a-1"
        assert group.attrs["product"] == "longterm-record"


def test_the_planted_history_is_recovered(record, truth):
    means = {}
    for name, group in record.items():
        season = truth(group.attrs["sensor"])
        known = group.deformation_rate.notnull()
        means[name.split("_")[0]] = (
            float(group.deformation_rate.mean()),
            float(season.deformation_rate.where(known).mean()),
        )
    for before in ("ERS-2", "Envisat"):
        assert abs(means[before][0]) < 2.0
    for after in ("ALOS-1", "ALOS-2", "Sentinel-1"):
        assert means[after][0] < -1.5
        assert means[after][0] == pytest.approx(means[after][1], abs=2.5)


def test_seasons_grow_with_the_mining(record):
    regional = regional_means(record).compute()
    seasons = regional.isel(entry=regional.quantity.values == "vertical_thaw_season")
    by_year = dict(zip(seasons["first"].values.tolist(), seasons["mean"].values.tolist(), strict=True))
    assert by_year[2010] < by_year[2007] < by_year[1997] < 0
    assert len(set(seasons.n_pixels.values.tolist())) == 1


def test_equation_4_beats_the_thawing_index_for_pairs_of_early_summer(finished):
    table = finished[1].tables[-1]
    rows = [dict(zip(table.header, row, strict=True)) for row in table.rows]
    early = [row for row in rows if row["sensor"] in ("ERS-2", "ALOS-2")]  # ALOS-1 sees a quarter of the season only
    assert len(early) == 2
    for row in early:
        assert float(row["Eq. 4: RMSE"]) < 0.7 * float(row["thawing index: RMSE"]), row


def test_vertical_is_the_line_of_sight_over_the_cosine(record, finished):
    group = record["ALOS-1_2007-2010"]
    stack = open_store(finished[0] / "longterm/sensors/ALOS-1/stack.zarr")
    expected = group.deformation_rate / np.cos(np.deg2rad(stack.incidence_angle))
    xr.testing.assert_allclose(group.vertical_rate.drop_attrs(), expected.drop_attrs(), rtol=1e-5)


def test_the_outputs_are_those_of_the_papers_results(finished):
    folder, outcome = finished
    report = outcome.report.read_text()
    for title in ("Regional means", "Deformation rates", "Thaw seasons", "Comparison of sensors", "Drivers"):
        assert f"<h2>{title}</h2>" in report
    with (folder / "longterm/regional.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["quantity"] for row in rows} == {"vertical_rate", "vertical_thaw_season"}
    assert len(list((folder / "longterm/figures").glob("*.png"))) == 7
    assert LongtermConfig.load(folder / "longterm/config.yaml") == LongtermConfig.load(folder / "config.yaml")
    assert len(outcome.tables[0].rows) == 5


def test_a_second_run_computes_nothing(finished):
    folder, outcome = finished
    before = {path: path.stat().st_mtime_ns for path in outcome.store.rglob("c/**/*") if path.is_file()}
    longterm.run(LongtermConfig.load(folder / "config.yaml"))
    assert {path: path.stat().st_mtime_ns for path in outcome.store.rglob("c/**/*") if path.is_file()} == before


def test_every_group_is_valid(finished, record):
    paths = [str(finished[1].store / name) for name in record]
    result = CliRunner().invoke(app, ["validate", *paths])
    assert result.exit_code == 0, result.output


def test_the_plan_counts_every_sensor(finished):
    planned = longterm.plan(LongtermConfig.load(finished[0] / "config.yaml"))
    names = [step.name for step in planned.steps]
    assert [name for name in names if name.startswith("record of")] == [
        f"record of {sensor}" for sensor in ("ERS-2", "Envisat", "ALOS-1", "ALOS-2")
    ]
    planned.require_fit()


def changed(folder, tmp_path, change):
    """Load the scene's configuration after a change of its content."""
    content = yaml.safe_load((folder / "config.yaml").read_text())
    content["output"] = str(tmp_path / "longterm")
    change(content)
    path = folder / f"{tmp_path.name}.yaml"
    path.write_text(yaml.safe_dump(content))
    return LongtermConfig.load(path)


def test_an_unknown_sensor_is_refused_with_what_was_meant(finished, tmp_path):
    with pytest.raises(ConfigError, match=r"sparse\.2\.sensor: is no sensor of the record; did you mean 'ALOS-1'"):
        changed(finished[0], tmp_path, lambda content: content["sparse"][2].update(sensor="ALOS1"))


def test_an_unknown_key_of_a_listed_section_is_explained(finished, tmp_path):
    with pytest.raises(ConfigError, match=r"sparse\.0\.stack\.pth: unknown key; did you mean 'path'"):
        changed(finished[0], tmp_path, lambda content: content["sparse"][0]["stack"].update(pth="x"))


def test_a_sensor_named_twice_is_refused(finished, tmp_path):
    with pytest.raises(ConfigError, match="sparse: names a sensor twice"):
        changed(finished[0], tmp_path, lambda content: content["sparse"].append(content["sparse"][0]))


def test_no_seasons_are_refused(finished, tmp_path):
    with pytest.raises(ConfigError, match="the record needs thaw seasons"):
        changed(finished[0], tmp_path, lambda content: content["sentinel1"].update(seasons=None))


def test_a_season_beyond_the_series_is_refused(finished, tmp_path):
    def change(content):
        content["sentinel1"]["output"] = str(tmp_path / "deformation")
        content["sentinel1"]["constraint"] = None
        content["sentinel1"]["seasons"] = {"start": "11-01", "end": "10-31"}

    with pytest.raises(InputError, match="its end 10-31 is not after its start 11-01"):
        longterm.run(changed(finished[0], tmp_path, change))


def test_no_pair_of_use_is_refused(finished, tmp_path):
    def change(content):
        path = finished[0] / "scene/ALOS-2/freezing.csv"
        lines = (finished[0] / "scene/ALOS-2/pairs.csv").read_text().splitlines()
        path.write_text("\n".join([lines[0], *(line for line in lines if line.startswith("2019-07-14"))]) + "\n")
        content["sparse"] = [content["sparse"][3]]
        content["sparse"][0]["stack"]["path"] = str(path)

    with pytest.raises(InputError, match="ALOS-2: none of its 1 pairs spans whole years or lies within a thaw season"):
        longterm.run(changed(finished[0], tmp_path, change))


def test_another_grid_is_refused(finished, tmp_path):
    other = datong_longterm_scene(shape=(40, 48), end="2016-06-01")
    from cryoscale.scenes import write_table

    table = write_table(other.sparse["Envisat"], tmp_path / "Envisat/pairs.csv")
    with pytest.raises(InputError, match=r"Envisat: its stack lies on another grid \(40 x 48 pixels"):
        longterm.plan(
            changed(
                finished[0],
                tmp_path,
                lambda content: content["sparse"][1].update(stack={"path": str(table), "format": "table"}),
            )
        )


def test_sensors_without_a_common_pixel_are_refused(record):
    from cryoscale.products.analysis import analyse

    first, second = (group[["vertical_rate"]] for group in list(record.values())[:2])
    half = {"west": first.where(first.x < first.x[30]), "east": second.where(second.x > second.x[30])}
    with pytest.raises(InputError, match="vertical_rate: no pixel has data of all sensors"):
        analyse(half, None, drivers=None, point=None, chunks={}, reduce=xr.Dataset.compute)


def test_an_unknown_covariate_is_refused(finished, tmp_path):
    with pytest.raises(ConfigError, match="slop is no registered variable; did you mean slope"):
        changed(finished[0], tmp_path, lambda content: content["drivers"].update(covariates={"slop": str(tmp_path)}))


def test_the_template_shows_a_list_of_sections():
    result = CliRunner().invoke(app, ["longterm", "--template"])
    assert result.exit_code == 0
    assert "sparse:\n" in result.output
    assert "  - sensor:  # required" in result.output
    filled = result.output.replace(":  # required", ": x").replace("sensor: x", "sensor: ALOS-1")
    content = yaml.safe_load(filled)
    assert content["sparse"][0]["sensor"] == "ALOS-1"
    assert content["sparse"][0]["stack"]["path"] == "x"
