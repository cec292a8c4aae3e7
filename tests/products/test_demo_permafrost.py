"""The demo: one command from files to a report, and how near to the truth it comes."""

import re

import numpy as np
import pytest
import rasterio
import xarray as xr
from sklearn.metrics import cohen_kappa_score

from cryoscale.products import demo_permafrost
from cryoscale.products.permafrost_inputs import PermafrostMapConfig
from cryoscale.scenes import tarim_files
from cryoscale.store import open_store

STEPS = {
    "gap filling": ("RMSE of kriging with elevation (K)", "RMSE of ordinary kriging (K)", "pixels compared"),
    "ground temperature": ("RMSE (K)", "bias (K)"),
    "thawing degree-days": ("RMSE (°C d)", "bias (°C d)"),
    "freezing degree-days": ("RMSE (°C d)", "bias (°C d)"),
    "TTOP": ("RMSE (K)", "bias (K)"),
    "rk": ("RMSE (1)", "bias (1)"),
    "map": ("Cohen's kappa",),
}


def errors_in(report):
    """The table of errors by step and score, from the page itself."""
    page = report.read_text()
    page = page[page.index("Every step against the truth") :]
    rows = re.findall(r"<tr><td[^>]*>([^<]*)</td><td[^>]*>([^<]*)</td><td[^>]*>([^<]*)</td></tr>", page)
    plain = ((step, what.replace("&#39;", "'"), value) for step, what, value in rows)
    return {
        (step, what): float(value.replace(",", "").replace("−", "-")) for step, what, value in plain if step in STEPS
    }


def kappa(folder):
    """Of permafrost and seasonally frozen ground, where the truth has one of them."""
    found = open_store(folder / "results/permafrost.zarr").mean_ground_class.values
    true = xr.open_zarr(tarim_files(folder / "scene").truth, consolidated=False).mean_ground_class.values
    ground = np.isin(true, (1, 2)) & np.isin(found, (1, 2))
    return cohen_kappa_score(found[ground], true[ground]), ground.sum() / np.isin(true, (1, 2)).sum()


@pytest.fixture
def finished(mapped, tarim_folder):
    assert mapped.exit_code == 0, mapped.output
    return tarim_folder


def test_the_map_is_right_to_a_kappa_of_nine_tenths(finished, mapped):
    """Measured: 0.933 with images on every fifth day of one year."""
    value, share = kappa(finished)
    assert value >= 0.9
    assert share > 0.99
    assert f"{value:.3f}" in mapped.output


def test_the_report_has_the_error_of_every_step(finished):
    errors = errors_in(finished / "results/report.html")
    assert set(errors) == {(step, what) for step, scores in STEPS.items() for what in scores}
    assert errors["map", "Cohen's kappa"] == pytest.approx(kappa(finished)[0], abs=5e-4)
    assert errors["TTOP", "RMSE (K)"] < 1.0
    assert abs(errors["TTOP", "bias (K)"]) <= errors["TTOP", "RMSE (K)"]


def test_elevation_helps_to_fill_gaps(finished):
    errors = errors_in(finished / "results/report.html")
    assert errors["gap filling", "RMSE of kriging with elevation (K)"] < 4
    assert errors["ground temperature", "RMSE (K)"] < 4
    ground = open_store(finished / "results/ground_temperature.zarr").ground_surface_temperature
    assert float(abs(ground).max()) < 80


def test_errors_in_the_report_are_those_of_the_stores(finished):
    errors = errors_in(finished / "results/report.html")
    truth = xr.open_zarr(tarim_files(finished / "scene").truth, consolidated=False)
    permafrost = open_store(finished / "results/permafrost.zarr")
    for step, name in (("TTOP", "mean_ttop"), ("thawing degree-days", "mean_ddt"), ("rk", "rk")):
        wrong = permafrost[name].values.astype(float) - truth[name].values
        unit = {"mean_ttop": "K", "mean_ddt": "°C d", "rk": "1"}[name]
        assert errors[step, f"RMSE ({unit})"] == pytest.approx(np.sqrt(np.nanmean(wrong**2)), rel=0.01)
        assert errors[step, f"bias ({unit})"] == pytest.approx(np.nanmean(wrong), rel=0.01, abs=1e-3)


def test_the_report_tells_the_whole_way(finished):
    page = (finished / "results/report.html").read_text()
    titles = re.findall(r"<h2>([^<]*)</h2>", page)
    assert titles == [
        "Permafrost",
        "Change",
        "Validation",
        "Calibration of rk",
        "Degree-days and TTOP",
        "Ground surface temperature",
        "Gap filling",
        "Inputs",
        "Against the truth",
        "Provenance",
    ]
    for text in (
        "this map",
        "hemispheric map",
        "western survey",
        "Kappa, cross-validated",
        "RMSE, stations (K)",
        "stations outside it",
        "by overpasses that saw the ground",
    ):
        assert text in page
    shown = re.sub(r"<[^>]*>", " ", page[: page.index("<h2>Provenance")]).lower()
    assert "nan" not in shown.split()


def test_what_is_handed_over(finished):
    results = finished / "results"
    names = {path.stem for path in (results / "rasters").glob("*.tif")}
    assert names >= {"mean_ground_class", "ground_class_2006", "mean_ttop", "mean_permafrost_probability", "rk"}
    with rasterio.open(results / "rasters/mean_ground_class.tif") as raster:
        assert raster.crs.to_epsg() == 4326
        assert raster.nodata == 0
        assert raster.colormap(1)[1] != raster.colormap(1)[2]
        np.testing.assert_array_equal(raster.read(1), open_store(results / "permafrost.zarr").mean_ground_class)
    assert {path.name for path in (results / "figures").iterdir()} == {
        "mean_ground_class.png",
        "permafrost_change.png",
        "quantities.png",
    }
    written = PermafrostMapConfig.load(results / "config.yaml")
    assert written == PermafrostMapConfig.load(finished / "config.yaml")


def test_the_command_line_prints_areas_and_agreement(mapped):
    for text in ("Ground, mean over the years", "Agreement with references", "Against the truth", "Cohen's kappa"):
        assert text in mapped.output


@pytest.mark.slow
def test_the_whole_demo(tmp_path):
    """Measured: 0.986."""
    outcome = demo_permafrost.run(tmp_path)
    value, share = kappa(tmp_path)
    print(f"kappa {value:.3f}")
    assert value >= 0.95
    assert share > 0.99
    errors = errors_in(outcome.report)
    assert errors["TTOP", "RMSE (K)"] < 0.5
    assert errors["gap filling", "RMSE of kriging with elevation (K)"] < 4
    page = outcome.report.read_text()
    assert "Change of permafrost between two periods, 2006-2006 against 2007-2007" in page
