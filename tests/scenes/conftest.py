"""Scenes that several tests look at."""

from dataclasses import replace

import pytest

from cryoscale.scenes import TYPICAL, UNDISTURBED, datong_longterm_scene

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
