"""Clouds over the scene at every overpass: fields that drift, some that hide all of it, and images that were lost."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from cryoscale.scenes.drifting import DriftingField, ar1, drifting_field
from cryoscale.scenes.terrain import Field

OVERPASSES_A_DAY = 4
MEAN_COVER = 0.4
LOCAL, SYNOPTIC = 0.8, 1.3  # standard deviations of what differs within the scene and of what all of it shares
SYNOPTIC_MEMORY = 0.9  # from overpass to overpass: fair and foul weather last for some days
OROGRAPHY = 0.3  # clouds gather over the mountains
SCALE, MEMORY, DRIFT = 14.0, 0.6, (2.0, 15.0)  # pixels, from overpass to overpass, pixels per overpass
LOST = 0.006  # share of the images that are missing
OUTAGE = 5  # days in a row on which one satellite gave nothing


@dataclass(frozen=True, slots=True)
class Clouds:
    """Clouds of all overpasses, in the order of time.

    Attributes
    ----------
    field : DriftingField
        What differs within the scene.
    shared : ndarray (step)
        What all of the scene shares.
    favour : ndarray (y, x)
        How much a place favours clouds.
    """

    field: DriftingField
    shared: Field
    favour: Field

    def at(self, days: slice) -> NDArray[np.bool_]:
        """Where clouds are.

        Parameters
        ----------
        days : slice
            Which days, with both ends.

        Returns
        -------
        ndarray of bool (day, overpass, y, x)
        """
        steps = slice(OVERPASSES_A_DAY * days.start, OVERPASSES_A_DAY * days.stop)
        latent = LOCAL * self.field.at(steps) + self.shared[steps, None, None] + self.favour
        return np.asarray(latent > 0).reshape(-1, OVERPASSES_A_DAY, *self.field.shape)


def clouds(elevation: Field, n_days: int, *, rng: np.random.Generator) -> Clouds:
    """Clouds that cover 40 % on average, at some overpasses nothing and at some everything.

    Overpasses are taken to be six hours apart.

    Parameters
    ----------
    elevation : ndarray (y, x)
        m.
    n_days : int
        Days.
    rng : numpy.random.Generator
        Source of all that is random in them.

    Returns
    -------
    Clouds

    Examples
    --------
    >>> sky = clouds(np.zeros((6, 5), "f4"), 3, rng=np.random.default_rng(0))
    >>> sky.at(slice(0, 2)).shape
    (2, 4, 6, 5)
    """
    inside, shared = rng.spawn(2)
    n_steps = OVERPASSES_A_DAY * n_days
    field = drifting_field(
        (elevation.shape[0], elevation.shape[1]),
        n_steps,
        scale=SCALE,
        smoothness=1.0,
        memory=MEMORY,
        drift=DRIFT,
        rng=inside,
    )
    threshold = np.hypot(LOCAL, SYNOPTIC) * norm.isf(MEAN_COVER)
    height = (elevation - elevation.mean()) / max(float(elevation.std()), 1.0)
    weather = SYNOPTIC * ar1(n_steps, memory=SYNOPTIC_MEMORY, rng=shared) - threshold
    return Clouds(field, weather.astype(np.float32), (OROGRAPHY * height).astype(np.float32))


def recorded_images(n_days: int, *, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Of which overpasses there is an image: a few are lost, and the first satellite fails for some days.

    Parameters
    ----------
    n_days : int
        Days.
    rng : numpy.random.Generator
        Source of what is lost.

    Returns
    -------
    ndarray of bool (overpass, day)
        Overpasses in the order of `cryoscale.scenes.surface_temperature.OVERPASSES`.
    """
    recorded = rng.random((OVERPASSES_A_DAY, n_days)) >= LOST
    first = int(rng.integers(max(n_days - OUTAGE, 1)))
    recorded[::2, first : first + OUTAGE] = False
    return recorded
