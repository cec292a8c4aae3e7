"""The recession product on the Kuparuk River, from one command to the report."""

import re

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from cryoscale.cli import app
from cryoscale.hydrology import constants_of_events, correlate_years, recession_events, trend
from cryoscale.readers import read_discharge
from cryoscale.store import open_store


@pytest.fixture(scope="module")
def finished(real_data, tmp_path_factory):
    folder, data = tmp_path_factory.mktemp("kuparuk"), (real_data / "discharge_kuparuk").resolve()
    thaw = {"path": str(data / "kuparuk_annual_Q_CALM_ALT.csv"), "column": "Dc", "unit": "cm"}
    content = {
        "gauges": {"path": str(data / "kuparuk_daily.csv"), "unit": "m3 s-1", "columns": {"discharge": "Q_m3s"}},
        "quantity": "recession_time",
        "comparisons": [{"name": "CALM thaw depth", **thaw}],
        "output": "results",
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(content))
    result = CliRunner().invoke(app, ["recession", str(folder / "config.yaml")], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return folder / "results", result.output


@pytest.fixture(scope="module")
def recessions(real_data):
    path = real_data / "discharge_kuparuk" / "kuparuk_daily.csv"
    return recession_events(read_discharge(path, unit="m3 s-1", columns={"discharge": "Q_m3s"}).series())


@pytest.fixture(scope="module")
def windows(recessions):
    return constants_of_events(recessions, 5)


def test_the_store_has_the_numbers_of_the_library(finished, windows):
    stored = open_store(finished[0] / "recession.zarr").isel(gauge=0).to_dataframe()
    assert stored.index.tolist() == windows.index.tolist()
    for name in windows.columns.intersection(stored.columns):
        pd.testing.assert_series_equal(stored[name], windows[name], check_dtype=False, check_names=False)
    assert set(windows.columns) - set(stored.columns) == {"first_year", "last_year", "n_pairs"}
    assert (stored.n_recession_pairs == windows.n_pairs).all()
    assert (stored.recession_status == 1).all()


def test_events_with_their_dates(finished, recessions):
    events = pd.read_csv(finished[0] / "tables/events.csv", parse_dates=["start", "end"])
    assert len(events) == len(recessions.events) == 109
    for name in ("year", "start", "end", "n_declines", "discharge_end"):
        pd.testing.assert_series_equal(
            events[name], recessions.events[name], check_names=False, check_index_type=False, check_dtype=False
        )


def test_correlation_with_the_thaw_depth(finished, windows, real_data):
    table = pd.read_csv(real_data / "discharge_kuparuk/kuparuk_annual_Q_CALM_ALT.csv", index_col="year")
    found = correlate_years(windows.recession_time, table.Dc.rolling(5, center=True).mean(), window=5)
    text = f"ρ = {found.r:+.2f}, p = {found.p_value:.3f} (27 years, worth {found.n_effective:.1f})".replace("-", "−")
    page = (finished[0] / "report.html").read_text()
    assert text in page
    assert text in finished[1]


def test_trend_in_the_report(finished, windows):
    changes = pd.read_csv(finished[0] / "tables/changes.csv", index_col="quantity")
    found = trend(windows.recession_time, window=5)
    assert changes.slope.recession_time == pytest.approx(found.slope)
    assert changes.p_value.recession_time == pytest.approx(found.p_value)
    page = (finished[0] / "report.html").read_text()
    assert f"{found.p_value:.3g}" in page
    titles = re.findall(r"<h2>([^<]*)</h2>", page)
    assert titles == ["Recession of gauge 1", "Change", "Other series", "Inputs", "Provenance"]
    assert page.count("data:image/png") == 3
