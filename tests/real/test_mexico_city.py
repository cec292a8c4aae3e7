"""Mexico City, January to July 2018: the lake bed in the east sinks by 0.25 to 0.40 m a-1 in LOS against the hills."""

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from cryoscale.cli import app
from cryoscale.store import open_store

PENON = {"x": -99.085, "y": 19.44}
"""Penon de los Banos, a volcanic hill that stands in the lake bed."""


@pytest.fixture(scope="module")
def cube(real_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("mexico")
    config = folder / "config.yaml"
    config.write_text(
        f"""
        stack: {{format: gamma, path: {(real_data / "interferograms_mexico_city").resolve()}}}
        output: results
        inversion: {{model: linear}}
        """
    )
    result = CliRunner().invoke(app, ["deformation", str(config)])
    assert result.exit_code == 0, result.output
    assert "deformation.zarr" in result.output.replace("\n", "")
    return open_store(folder / "results/deformation.zarr").compute()


def test_the_lake_bed_sinks_against_the_hills(cube):
    rate = cube.deformation_rate / 1000
    x = np.linspace(float(rate.x.min()), float(rate.x.max()), 6)
    west, east = rate.sel(x=slice(x[0], x[1])).median(), rate.sel(x=slice(x[4], x[5])).quantile(0.2)
    assert -0.40 < float(east - west) < -0.25


def test_the_rock_in_the_lake_bed_stands_still(cube):
    rate = cube.deformation_rate / 1000
    west = rate.isel(x=slice(0, 16)).median()
    rock = rate.sel(**PENON, method="nearest")
    around = rate.sel(x=slice(PENON["x"] - 0.01, PENON["x"] + 0.01), y=slice(PENON["y"] + 0.01, PENON["y"] - 0.01))
    assert abs(float(rock - west)) < 0.06
    assert float(around.min() - rock) < -0.10


def test_all_interferograms_are_used_where_coherent(cube):
    assert int(cube.n_pairs.max()) == 30
    assert cube.sizes["time"] == 13
    assert bool((cube.n_components >= 1).all())


def test_screening_deramp_and_inversion(cube, real_data, tmp_path, capsys):
    """Pairs kept and residuals before and after; a ramp fitted to the whole scene takes a part of the sinking."""
    config = tmp_path / "config.yaml"
    config.write_text(
        f"""
        stack: {{format: gamma, path: {(real_data / "interferograms_mexico_city").resolve()}}}
        output: results
        corrections: {{ramp: {{order: 1}}, unwrapping: {{}}}}
        inversion: {{model: linear}}
        """
    )
    result = CliRunner().invoke(app, ["deformation", str(config)])
    assert result.exit_code == 0, result.output
    after = open_store(tmp_path / "results/deformation.zarr").compute()
    survey = xr.open_zarr(tmp_path / "results/survey.zarr").compute()
    kept = int((survey.verdict <= 1).sum())
    before_rms, after_rms = float(cube.residual_rms.median()), float(after.residual_rms.median())
    with capsys.disabled():
        print(f"\n{kept} of 30 pairs kept; median residual RMS {before_rms:.2f} mm, {after_rms:.2f} mm after the ramp")
    assert kept >= 28
    assert after_rms < before_rms
