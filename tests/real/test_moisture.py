"""Measured soil moisture at 42 profiles of Cook Agronomy Farm: what the fusion gains where no profile is known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cryoscale.learning import grouped_folds
from cryoscale.moisture.bias import bias_table
from cryoscale.moisture.ensemble import MoistureEnsemble
from cryoscale.moisture.intervals import coverage_of
from cryoscale.moisture.learners import Learner
from cryoscale.moisture.validation import cross_validate, summarise

PER_PROFILE = 12
SITE = ["altitude", "DEM", "TWI", "NDRE.M", "NDRE.Sd", "Bt", "BLD"]
LEARNERS = [str(learner) for learner in Learner]
WEATHER = ["Precip_wrcc", "MaxT_wrcc", "MinT_wrcc", "Precip_cum"]


@pytest.fixture(scope="module")
def samples(real_data: Path) -> pd.DataFrame:
    """Twelve measurements of each profile, of any depth and day: 504 of 128,545."""
    path = real_data / "soil_moisture_cookfarm" / "cookfarm.csv.gz"
    if not path.is_file():
        pytest.skip(f"no soil moisture at {path}")
    table = pd.read_csv(path, parse_dates=["Date"])
    angle = 2 * np.pi * table["Date"].dt.day_of_year / 365.25
    table = table.assign(season_sine=np.sin(angle), season_cosine=np.cos(angle))
    return table.groupby("SOURCEID").sample(PER_PROFILE, random_state=0).reset_index(drop=True)


@pytest.fixture(scope="module")
def held_out(samples: pd.DataFrame) -> pd.DataFrame:
    features = samples[[*SITE, *WEATHER, "season_sine", "season_cosine"]]  # neither places nor names of profiles
    profiles = samples["SOURCEID"].to_numpy()
    folds = grouped_folds(profiles, 5, seed=0)
    return cross_validate(MoistureEnsemble(), features, samples["VW"], folds=folds, groups=profiles)


@pytest.fixture(scope="module")
def summary(held_out: pd.DataFrame) -> pd.DataFrame:
    table = summarise(held_out)
    print(table.round(4).to_string())
    print(bias_table(held_out["fused"], held_out["corrected"], held_out["observed"]).round(4).to_string())
    return table


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_fusion_beats_a_linear_model_and_all_learners_but_one(summary: pd.DataFrame) -> None:
    learners, corrected = summary.loc[LEARNERS], summary.loc["corrected"]
    others = learners.drop(index=learners["rmse"].idxmin())
    assert corrected["r2"] > 0.2
    assert corrected["rmse"] < summary.loc["linear", "rmse"]
    assert (corrected["rmse"] < others["rmse"]).all()
    assert (abs(corrected["slope"] - 1) < abs(others["slope"] - 1)).all()
    assert corrected["rmse"] <= 1.02 * learners["rmse"].min()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.xfail(
    strict=True,
    reason="extra trees alone reach RMSE 0.0773 and slope 0.954, the fusion 0.0781 (1.011 times as much) and 0.881; "
    "drawing profiles anew, the ratio lies between 1.001 and 1.020 in 90 % of draws: which learner suits "
    "profiles that are left out cannot be known from 33 others",
)
def test_the_fusion_keeps_up_with_the_best_learner_and_its_slope_is_nearer_to_one(summary: pd.DataFrame) -> None:
    learners, corrected = summary.loc[LEARNERS], summary.loc["corrected"]
    best = learners.loc[learners["rmse"].idxmin()]
    assert corrected["rmse"] <= 1.01 * best["rmse"]
    assert abs(corrected["slope"] - 1) < abs(best["slope"] - 1)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_intervals_hold_at_profiles_that_were_left_out(held_out: pd.DataFrame) -> None:
    found = coverage_of(held_out["lower"], held_out["upper"], held_out["observed"])
    print(found, "inside the area of applicability:", held_out["inside"].mean())
    assert 0.85 <= found.share <= 0.95
    assert held_out["inside"].mean() > 0.5
