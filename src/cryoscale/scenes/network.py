"""When a satellite looked, and which of its looks interfere."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

WINTER = (12, 1, 2, 3)  # months whose wet snow and frost no coherent pair reaches across


@dataclass(frozen=True, slots=True)
class Network:
    """A small-baseline network of interferograms.

    Attributes
    ----------
    epochs : pandas.DatetimeIndex
        Acquisitions, each of which belongs to a pair.
    first, second : ndarray of int, shape (pair,)
        Positions of a pair's acquisitions in `epochs`.
    """

    epochs: pd.DatetimeIndex
    first: NDArray[np.intp]
    second: NDArray[np.intp]

    @property
    def years(self) -> NDArray[np.float64]:
        """Time of every epoch since the first one, a."""
        return np.asarray((self.epochs - self.epochs[0]).days, float) / 365.25

    @property
    def winter(self) -> NDArray[np.bool_]:
        """Which epochs lie in winter."""
        return np.asarray(self.epochs.month.isin(WINTER))


def broken_network(
    start: str,
    end: str,
    *,
    interval: int = 12,
    links: int = 4,
    missed: float = 0.05,
    missed_in_winter: float = 0.6,
    rng: np.random.Generator,
) -> Network:
    """Network that every winter cuts: pairs lie wholly within one winter or wholly between two.

    Of the winters' acquisitions most are lost; the few pairs left among them are islands.

    Parameters
    ----------
    start, end : str
        First day, and the day after which no acquisition is.
    interval : int
        Days from one acquisition to the next.
    links : int
        To how many of the following acquisitions each is paired.
    missed, missed_in_winter : float
        Share of acquisitions lost.
    rng : numpy.random.Generator
        Decides which.

    Returns
    -------
    Network

    Examples
    --------
    >>> network = broken_network("2016-01-01", "2018-01-01", rng=np.random.default_rng(0))
    >>> bool((network.winter[network.first] == network.winter[network.second]).all())
    True
    """
    planned = pd.date_range(start, end, freq=f"{interval}D")
    lost = np.where(planned.month.isin(WINTER), missed_in_winter, missed)
    epochs = planned[rng.random(len(planned)) >= lost]
    first, second = _links_within(epochs, links, interval)
    used = np.union1d(first, second)
    return Network(epochs[used], np.searchsorted(used, first), np.searchsorted(used, second))


def _links_within(epochs: pd.DatetimeIndex, links: int, interval: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Link each epoch to the following ones of its season; in winter only over one or two intervals."""
    winter = np.asarray(epochs.month.isin(WINTER))
    season = np.cumsum(np.diff(winter, prepend=winter[:1]))
    first, step = (index.ravel() for index in np.mgrid[: len(epochs), 1 : links + 1])
    second = first + step
    inside = second < len(epochs)
    first, second = first[inside], second[inside]
    span = np.asarray((epochs[second] - epochs[first]).days)
    linked = (season[first] == season[second]) & (span <= np.where(winter[first], 2, 2 * links) * interval)
    return first[linked], second[linked]
