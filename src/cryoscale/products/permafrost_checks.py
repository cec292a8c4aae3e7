"""Hold a permafrost map against surveys, boreholes and other maps, all on its own grid."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from odc.geo.geobox import GeoBox
from pydantic import Field

from cryoscale.config import Config, ConfigInput
from cryoscale.errors import InputError
from cryoscale.products.conductivity import block_labels
from cryoscale.readers import Located, Resampling, locate, open_on_grid, read_boreholes
from cryoscale.report import Agreement
from cryoscale.stats import confusion, kappa_interval

STATES = {1: "permafrost", 2: "seasonally_frozen_ground"}
Values = np.ndarray[Any, Any]


class ClassifiedMap(Config):
    """A map that tells permafrost from other ground."""

    name: str = Field(description="what the report calls it")
    path: ConfigInput = Field(description="raster of classes, of any CRS and pixel size; the majority counts")
    permafrost: tuple[int, ...] = Field((1,), description="values that mean permafrost")
    other: tuple[int, ...] = Field((2,), description="values that mean ground without permafrost")

    def open(self, geobox: GeoBox, *, chunks: Mapping[str, int]) -> xr.DataArray:
        """The map on a grid: 1 permafrost, 2 seasonally frozen ground, 0 no data; lazy.

        Parameters
        ----------
        geobox : odc.geo.geobox.GeoBox
            The grid.
        chunks : mapping
            Chunk lengths along ``y`` and ``x``.

        Returns
        -------
        xarray.DataArray
            (y, x), uint8.
        """
        values = open_on_grid(
            self.path, "survey_class", geobox=geobox, resampling=Resampling.MAJORITY, chunks=dict(chunks)
        )
        known = values.isin([*self.permafrost, *self.other])
        states = (known * 2 - values.isin(self.permafrost)).astype("uint8")
        return states.rename(self.name)


class Validation(Config):
    """What the map is held against."""

    surveys: tuple[ClassifiedMap, ...] = Field((), description="maps surveyed in the field")
    rivals: tuple[ClassifiedMap, ...] = Field((), description="other maps of permafrost, compared on the same grid")
    boreholes: ConfigInput | None = Field(
        None, description="CSV with borehole, longitude, latitude and any of ttop, magt, state"
    )


def find_boreholes(options: Validation, geobox: GeoBox) -> Located | None:
    """Read the boreholes and find their pixels.

    Parameters
    ----------
    options : Validation
        Names the table.
    geobox : odc.geo.geobox.GeoBox
        The grid.

    Returns
    -------
    Located or None
        None if no table is named.
    """
    if options.boreholes is None:
        return None
    return place(read_boreholes(options.boreholes), geobox, path=options.boreholes)


def place(table: pd.DataFrame, geobox: GeoBox, *, path: Path) -> Located:
    """Find the pixels of a table's places.

    Parameters
    ----------
    table : pandas.DataFrame
        ``longitude`` and ``latitude``, degree, WGS84.
    geobox : odc.geo.geobox.GeoBox
        The grid.
    path : Path
        The table's file, for the message.

    Returns
    -------
    Located

    Raises
    ------
    InputError
        If no place lies on the grid.
    """
    try:
        return locate(table, geobox)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def at_pixels(maps: xr.Dataset, places: pd.DataFrame) -> xr.Dataset:
    """Values of maps at the pixels of places; lazy where the maps are.

    Parameters
    ----------
    maps : xarray.Dataset
        (y, x).
    places : pandas.DataFrame
        ``row`` and ``column``.

    Returns
    -------
    xarray.Dataset
        (place).
    """
    index = {dim: xr.DataArray(places[name].to_numpy(), dims="place") for dim, name in (("y", "row"), ("x", "column"))}
    return maps.isel(index).reset_coords(drop=True)


def join_surveys(surveys: Sequence[xr.DataArray]) -> xr.DataArray | None:
    """One map of all surveys; where they overlap, the first counts.

    Parameters
    ----------
    surveys : sequence of xarray.DataArray
        From `ClassifiedMap.open`.

    Returns
    -------
    xarray.DataArray or None
        None if there are none.
    """
    if not surveys:
        return None
    joined = surveys[0]
    for survey in surveys[1:]:
        joined = joined.where(joined > 0, survey)
    return joined.rename("survey")


def surveyed_window(survey: xr.DataArray) -> dict[str, slice]:
    """Smallest window of the grid that holds all of a survey; it lets what is calibrated be held in memory.

    Parameters
    ----------
    survey : xarray.DataArray
        (y, x) in memory, 0 where there is no survey.

    Returns
    -------
    dict
        Slices along ``y`` and ``x``.

    Raises
    ------
    InputError
        If no pixel is surveyed.
    """
    window = {}
    for dim, other in (("y", "x"), ("x", "y")):
        known = np.flatnonzero((survey > 0).any(other).values)
        if not known.size:
            raise InputError(
                "validation.surveys: no pixel of the grid has a class in any of them. Check their place, their CRS and "
                "the values named under permafrost and other."
            )
        window[dim] = slice(int(known[0]), int(known[-1]) + 1)
    return window


def agreements(
    ours: xr.DataArray,
    *,
    surveys: Mapping[str, xr.DataArray],
    rivals: Mapping[str, xr.DataArray],
    block: float,
    seed: int,
) -> Iterator[Agreement]:
    """Every map against every survey, and ours against every other map.

    Parameters
    ----------
    ours : xarray.DataArray
        (y, x) classes of ground.
    surveys, rivals : mapping of str to xarray.DataArray
        From `ClassifiedMap.open`, computed.
    block : float
        Side of the blocks of ground that the interval's bootstrap draws, m.
    seed : int
        Of the bootstrap.

    Yields
    ------
    Agreement
    """
    compare = partial(_agreement, blocks=block_labels(ours, block), seed=seed)
    for reference, survey in surveys.items():
        for name, classes in {"this map": ours, **rivals}.items():
            yield compare(name, classes, reference, survey)
    for reference, rival in rivals.items():
        yield compare("this map", ours, reference, rival)


def _agreement(
    name: str, classes: xr.DataArray, reference: str, observed: xr.DataArray, *, blocks: xr.DataArray, seed: int
) -> Agreement:
    counted = confusion(classes.rename(name), observed.rename(reference), classes=STATES)
    interval = kappa_interval(classes, observed, blocks=blocks, seed=seed, classes=STATES)
    return Agreement(name, reference, counted, interval)
