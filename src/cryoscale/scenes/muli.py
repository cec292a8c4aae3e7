"""A synthetic mining district such as Muli: what is seen, drilled and dug in it, and what is true of its ground."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from cryoscale.scenes.muli_ice import ice_logs, true_contents, true_ice_volume
from cryoscale.scenes.muli_land import muli_land
from cryoscale.scenes.muli_places import boreholes, labels, mine


@dataclass(frozen=True, slots=True)
class MuliScene:
    """Maps of 30 m in UTM 47N, tables of points, and truth.

    Attributes
    ----------
    elevation : xarray.DataArray
        (y, x), m.
    bands : xarray.Dataset
        ``blue``, ``green``, ``red``, ``nir``, ``swir1``, ``swir2`` (y, x): reflectances as of Landsat 8.
    labels : pandas.DataFrame
        184 points: ``label``, ``longitude``, ``latitude`` (degree), ``class``.
    boreholes : pandas.DataFrame
        48 of them: ``borehole``, ``longitude``, ``latitude`` (degree), ``depth`` (m), ``magt`` (degC).
    active_layer_thickness : xarray.DataArray
        (y, x), m; NaN without permafrost.
    permafrost : xarray.DataArray
        bool (y, x).
    units : xarray.DataArray
        ``ground_unit`` (y, x): 1 alluvial, 2 lacustrine and bog, 3 slope-wash, 4 moraine, 5 bedrock.
    ice_logs : pandas.DataFrame
        Pieces of core of nearly a hundred boreholes; see `cryoscale.scenes.muli_ice.ice_logs`.
    mine : geopandas.GeoDataFrame
        Pits and heaps; see `cryoscale.scenes.muli_places.mine`.
    vegetation : xarray.DataArray
        True ``vegetation_class`` (y, x): 1 swamp meadow, 2 alpine meadow, 3 alpine steppe, 4 bare ground, 5 water.
    magt : xarray.DataArray
        True mean annual ground temperature (y, x), degC.
    ice_contents : pandas.DataFrame
        True ``ice_content`` by ``unit`` and layer.
    ice_volume : float
        True volume of ice in the ten metres below the permafrost table before mining, km3.
    """

    elevation: xr.DataArray
    bands: xr.Dataset
    labels: pd.DataFrame
    boreholes: pd.DataFrame
    active_layer_thickness: xr.DataArray
    permafrost: xr.DataArray
    units: xr.DataArray
    ice_logs: pd.DataFrame
    mine: gpd.GeoDataFrame
    vegetation: xr.DataArray
    magt: xr.DataArray
    ice_contents: pd.DataFrame
    ice_volume: float


def muli_scene(shape: tuple[int, int] = (200, 240), *, seed: int = 0) -> MuliScene:
    """A valley with permafrost and swamp meadows, and an opencast mine on its southern flank.

    The maps are those before mining. Mean annual ground temperature is linear in elevation, place, aspect, slope and
    vegetation but for a smooth residual of 0.08 K; ice contents of boreholes spread by a fifth about the true ones.

    Parameters
    ----------
    shape : tuple of int
        Rows (from north) and columns of 30 m.
    seed : int
        The same seed gives the same scene.

    Returns
    -------
    MuliScene

    Raises
    ------
    InputError
        If the scene is too small to hold every class of vegetation and every unit.

    Examples
    --------
    >>> scene = muli_scene((96, 120))
    >>> len(scene.labels), len(scene.boreholes), scene.ice_logs.borehole.nunique()
    (184, 48, 96)
    """
    ground, seen, cored, drilled = np.random.default_rng(seed).spawn(4)
    land = muli_land(shape, rng=ground)
    return MuliScene(
        elevation=land.elevation,
        bands=land.bands,
        labels=labels(land, rng=seen),
        boreholes=boreholes(land, rng=drilled),
        active_layer_thickness=land.active_layer_thickness,
        permafrost=land.permafrost,
        units=land.units,
        ice_logs=ice_logs(land, rng=cored),
        mine=mine(land.geobox),
        vegetation=land.vegetation,
        magt=land.magt,
        ice_contents=true_contents(),
        ice_volume=true_ice_volume(land),
    )
