"""The demo: one command from files to a report, and how near to the truth it comes."""

import re

import pandas as pd
import pytest
from typer.testing import CliRunner

from cryoscale.cli import app
from cryoscale.scenes.basin import basin_scene
from cryoscale.store import open_store


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    result = CliRunner().invoke(app, ["demo-recession", str(folder)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return folder / "results", result.output


def test_the_effect_is_within_its_interval(finished):
    """Measured: 8.13 (7.40 to 8.82)."""
    page = (finished[0] / "report.html").read_text()
    found = re.search(r"by (\S+) \((\S+) to (\S+)\) in the mean, which is not explained by climate", page)
    mean, lower, upper = map(float, found.groups())
    assert lower < basin_scene().effect < upper
    assert upper - lower < 2.0
    predicted = pd.read_csv(finished[0] / "tables/attribution.csv")
    assert predicted[predicted.period == "after"].effect.mean() == pytest.approx(mean, abs=0.3)


def test_constants_are_near_the_truth(finished):
    """Measured: an RMSE of 0.11 of 20 to 31."""
    basin = basin_scene()
    found = open_store(finished[0] / "recession.zarr").recession_constant[0].to_series()
    true = basin.constant.rolling(5, center=True).mean().loc[found.index]
    assert ((found - true) ** 2).mean() ** 0.5 < 0.3
    assert found.corr(true) > 0.99


def test_the_change_is_found(finished):
    changes = pd.read_csv(finished[0] / "tables/changes.csv", index_col="quantity")
    assert abs(changes.change_year.recession_constant - basin_scene().disturbance) <= 3
    assert changes.change_p_value.recession_constant < 0.05


def test_the_report_tells_the_whole_way(finished):
    page = (finished[0] / "report.html").read_text()
    assert re.findall(r"<h2>([^<]*)</h2>", page) == [
        "Recession of gauge 1",
        "Change",
        "Climate and the disturbance",
        "Recession and deformation",
        "Other series",
        "Inputs",
        "Against the truth",
        "Provenance",
    ]
    shown = re.sub(r"<[^>]*>", " ", page[: page.index("<h2>Provenance")]).lower()
    assert "nan" not in shown.split()
    assert page.count("data:image/png") == 7


def test_the_command_line_prints_the_truth(finished):
    for text in ("Effect of the disturbance", "Against the truth", "8.00", "report.html"):
        assert text in finished[1]
