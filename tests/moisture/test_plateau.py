"""The whole procedure on the synthetic plateau: what it keeps, how well it predicts, and that nothing leaks."""

import numpy as np
import pandas as pd
import pytest

from cryoscale import moisture
from cryoscale.grids import geobox_of, local_plane
from cryoscale.learning import grouped_folds, spatial_blocks
from cryoscale.readers import locate
from cryoscale.scenes import moisture_scene


@pytest.fixture(scope="module")
def plateau():
    """The samples of the whole scene with their 25 covariates, moisture and blocks of 3 km."""
    scene = moisture_scene()
    profiles = moisture.screen(moisture.depth_means(scene.samples))
    inside = locate(profiles, geobox_of(scene.truth)).inside
    pixels = moisture.merge_pixels(inside.drop(columns=["row", "column"]), inside.row, inside.column)[1]
    values = {str(name): one.values[pixels.row, pixels.column].astype(float) for name, one in scene.covariates.items()}
    blocks = spatial_blocks(*local_plane(pixels.longitude, pixels.latitude), size=3000.0)
    return scene, pd.DataFrame(values), pixels.moisture.to_numpy(), blocks


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_plateau_of_342_samples_and_25_covariates_of_which_8_matter(plateau):
    scene, table, target, blocks = plateau
    assert table.shape[1] == 25
    ensemble = moisture.MoistureEnsemble(n_folds=4, n_candidates=2).fit(table, target)
    found = set(scene.informative) & set(ensemble.features_)
    print("kept", ensemble.features_)
    assert len(found) >= 7
    assert len(ensemble.features_) - len(found) <= 4
    folds = grouped_folds(blocks, 5, seed=0)
    held_out = moisture.cross_validate(moisture.MoistureEnsemble(n_folds=4, n_candidates=2), table, target, folds=folds)
    scores = moisture.summarise(held_out)
    print(scores.round(4).to_string())
    assert scores.loc["corrected", "r2"] > max(0.65, scores.loc["linear", "r2"] + 0.05)
    assert 0.85 <= scores.loc["corrected", "coverage"] <= 0.95
    assert abs(scores.loc["corrected", "slope"] - 1) < 0.1


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_nothing_leaks_through_the_whole_procedure(plateau):
    """With the moisture of the samples shuffled there is nothing to learn."""
    _, table, target, blocks = plateau
    shuffled = np.random.default_rng(5).permutation(target)
    ensemble = moisture.MoistureEnsemble(n_folds=3, n_candidates=2)
    held_out = moisture.cross_validate(ensemble, table, shuffled, folds=grouped_folds(blocks, 5, seed=0))
    scores = moisture.summarise(held_out)
    print(scores.round(4).to_string())
    assert (scores.r2 <= 0.05).all()
