"""Scenes that several tests look at."""

from dataclasses import replace

import pytest

from cryoscale.scenes import TYPICAL, UNDISTURBED, datong_longterm_scene
from cryoscale.scenes.tarim import tarim_scene

SMALL = {"shape": (48, 40), "end": "2018-04-30"}


@pytest.fixture(scope="session")
def longterm():
    """A small long-term scene with all that disturbs."""
    return datong_longterm_scene(seed=3, disturbances=replace(TYPICAL, decorrelation=0.03), **SMALL)


@pytest.fixture(scope="session")
def undisturbed():
    """The same without any of it."""
    return datong_longterm_scene(seed=3, disturbances=UNDISTURBED, **SMALL)


@pytest.fixture(scope="session")
def disturbed_by():
    """Makes the same scene with only some disturbances."""

    def make(**sizes):
        return datong_longterm_scene(seed=3, disturbances=replace(UNDISTURBED, **sizes), **SMALL)

    return make


@pytest.fixture(scope="session")
def tarim():
    """A small Tarim-like scene with one whole year."""
    return tarim_scene((32, 40), "2005-07-01", "2006-12-31", seed=0)


@pytest.fixture(scope="session")
def whole_tarim():
    """The Tarim-like scene of its usual size."""
    return tarim_scene()
