"""Maps by others: surveys are nearly right, the map of the hemisphere is poorer."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from cryoscale.grids import geobox_of, pixel_spacing
from cryoscale.scenes.tarim import tarim_scene
from cryoscale.scenes.tarim_maps import SURVEYS


@pytest.fixture(scope="module")
def truth(whole_tarim):
    return whole_tarim.truth


def beside(survey, truth):
    """The truth on a survey's pixels, and where the survey has data."""
    part = truth.sel(y=survey.y, x=survey.x, method="nearest")
    np.testing.assert_allclose(part.y, survey.y, atol=1e-9)
    return part, survey.values < 3


@pytest.mark.parametrize("name", SURVEYS)
def test_surveys_err_by_a_few_percent_near_the_limit(whole_tarim, truth, name):
    survey = whole_tarim.surveys[name]
    part, known = beside(survey, truth)
    wrong = (survey.values != part.mean_ground_class.values) & known
    assert 0.002 < wrong.sum() / known.sum() < 0.06
    assert np.abs(part.mean_ttop.values[wrong]).max() < 2.5
    assert set(np.unique(survey)) == {1, 2, 3}
    assert 0.05 < (~known).mean() < 0.4


@pytest.mark.parametrize("name", SURVEYS)
def test_surveys_say_nothing_of_ice_and_water(whole_tarim, truth, name):
    part, known = beside(whole_tarim.surveys[name], truth)
    assert not known[(part.glacier | part.lake).values].any()


def test_surveys_are_of_two_parts(whole_tarim):
    west, east = whole_tarim.surveys.values()
    assert west.x.max() < east.x.min()
    assert west.size < whole_tarim.elevation.size / 2


def test_the_hemispheric_map_is_coarse_and_poorer(whole_tarim, truth):
    rival = whole_tarim.rival
    dy, _ = pixel_spacing(geobox_of(rival))
    assert dy == pytest.approx(9250, rel=0.01)
    near = rival.sel(y=truth.y, x=truth.x, method="nearest").values
    ground = np.isin(truth.mean_ground_class.values, (1, 2))
    kappa = cohen_kappa_score(truth.mean_ground_class.values[ground], near[ground])
    assert 0.4 < kappa < 0.9
    assert set(np.unique(rival)) == {1, 2}


def test_the_hemispheric_map_covers_a_scene_of_any_size():
    scene = tarim_scene((21, 33), "2005-07-01", "2006-12-31")
    assert scene.rival.shape == (3, 4)
    outer, inner = geobox_of(scene.rival).boundingbox, geobox_of(scene.elevation).boundingbox
    assert outer.left == pytest.approx(inner.left)
    assert outer.top == pytest.approx(inner.top)
    assert outer.right > inner.right
    assert outer.bottom < inner.bottom
