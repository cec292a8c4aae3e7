"""Which sites of measurement stand in uniform surroundings, so that a pixel speaks for them."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.grids import describe_grid, geobox_of, pixel_spacing
from cryoscale.variables import check_units

Values = np.ndarray[Any, Any]

_LAYERS = ("ndvi", "slope", "land_cover")
_FEWEST = 3  # pixels along a side of the neighbourhood: fewer have no spread


def uniform_sites(
    sites: pd.DataFrame,
    surroundings: xr.Dataset,
    *,
    window: float = 150.0,
    max_ndvi_spread: float = 0.05,
    max_slope_spread: float = 3.0,
    min_class_share: float = 0.8,
    min_data_share: float = 0.5,
) -> pd.DataFrame:
    """Tell the sites in uniform surroundings from the others, with the reason.

    A point measures its pixel only where the ground about it is alike. The surroundings are a square about the pixel of
    a site. Spreads are standard deviations over its pixels with all three layers. At an edge of the grid the square is
    cut off, and what lies outside counts as missing.

    The default thresholds are starting values for pixels of 30 m.

    Parameters
    ----------
    sites : pandas.DataFrame
        One row a site, with the columns ``row`` and ``column`` (integers from 0), or ``y`` and ``x`` in the CRS of the
        grid; the former count where there are both.
    surroundings : xarray.Dataset
        (y, x) with a CRS, in memory or lazy: ``ndvi``, 1; ``slope``, degree; ``land_cover``, class codes, 0 no data.
    window : float
        Side of the square, m: as many pixels as come closest to it, an odd number of 3 or more along y and along x.
    max_ndvi_spread : float
        Largest spread of NDVI, 1.
    max_slope_spread : float
        Largest spread of the slope, degree.
    min_class_share : float
        Least share of the surroundings in the class of land cover of the site's own pixel, 0 to 1.
    min_data_share : float
        Least share of the square with all layers, 0 to 1.

    Returns
    -------
    pandas.DataFrame
        `sites` with ``row`` and ``column`` (-1 outside the grid); ``data_share``; ``ndvi_spread``, ``slope_spread``,
        ``class_share``; ``mapped_land_cover``, the class of the site's pixel (0 without data); ``accepted``; and
        ``reason``, all that speaks against the site, empty if it is accepted. Computed at once: only the pixels around
        sites are read.

    Raises
    ------
    InputError
        If a layer or the columns of places are missing, a layer is in another unit, there is no site, a place is no
        number, the square is smaller than 3 pixels, or a threshold is out of range.

    Examples
    --------
    >>> from cryoscale.grids import grid_coords
    >>> grid = GeoBox.from_bbox((0, 0, 300, 150), "EPSG:32647", resolution=30)
    >>> ndvi = np.where(np.arange(10) < 7, 0.4, 0.8) * np.ones((5, 1))
    >>> layers = {"ndvi": ndvi, "slope": 0 * ndvi, "land_cover": np.ones((5, 10), int)}
    >>> around = xr.Dataset({name: (("y", "x"), v) for name, v in layers.items()}, grid_coords(grid))
    >>> table = uniform_sites(pd.DataFrame({"y": [75.0, 75.0], "x": [75.0, 195.0]}), around)
    >>> table.accepted.tolist(), table.reason[1]
    ([True, False], 'ndvi_spread 0.196 above 0.05')
    """
    _require_thresholds(
        max_ndvi_spread=max_ndvi_spread,
        max_slope_spread=max_slope_spread,
        min_class_share=min_class_share,
        min_data_share=min_data_share,
    )
    layers = _layers(surroundings)
    geobox = geobox_of(layers)
    found = _located(sites, geobox)
    found = found.assign(**_measured(layers, found, _reach(geobox, window)))
    limits = {
        "data_share": (found["data_share"] < min_data_share, f"below {min_data_share:g}"),
        "ndvi_spread": (found["ndvi_spread"] > max_ndvi_spread, f"above {max_ndvi_spread:g}"),
        "slope_spread": (found["slope_spread"] > max_slope_spread, f"above {max_slope_spread:g}"),
        "class_share": (found["class_share"] < min_class_share, f"below {min_class_share:g}"),
    }
    reasons = [_reason(found, position, limits) for position in range(len(found))]
    return found.assign(accepted=[not reason for reason in reasons], reason=reasons)


def _require_thresholds(**thresholds: float) -> None:
    for name, value in thresholds.items():
        highest = 1.0 if name.startswith("min_") else np.inf
        if not 0 <= value <= highest:
            wanted = "between 0 and 1" if highest == 1.0 else "0 or more"
            raise InputError(f"{name}: must be {wanted}, not {value}.")


def _layers(surroundings: xr.Dataset) -> xr.Dataset:
    missing = [name for name in _LAYERS if name not in surroundings]
    if missing:
        raise InputError(
            f"surroundings: have no {', '.join(missing)}, only {', '.join(map(str, surroundings.data_vars))}. "
            "They need ndvi, slope and land_cover on one grid."
        )
    for name in _LAYERS:
        array = check_units(surroundings[name], name)
        if set(array.dims) != {"y", "x"}:
            raise InputError(f"{name}: has dims {array.dims}, but must have y and x. Take its mean over the others.")
    return surroundings[list(_LAYERS)].transpose("y", "x")


def _reach(geobox: GeoBox, window: float) -> tuple[int, int]:
    """Pixels from the centre of the square to its border, along y and x."""
    spacing = pixel_spacing(geobox)
    reach = tuple(round((window / step - 1.0) / 2.0) for step in spacing)
    if min(reach) < _FEWEST // 2:
        raise InputError(
            f"window: {window:g} m is less than {_FEWEST} pixels of {spacing[0]:.4g} x {spacing[1]:.4g} m, which have "
            f"no spread. Give at least {_FEWEST * max(spacing):.4g} m, or finer maps."
        )
    return reach[0], reach[1]


def _located(sites: pd.DataFrame, geobox: GeoBox) -> pd.DataFrame:
    """Row and column of every site, -1 outside the grid."""
    if sites.empty:
        raise InputError("sites: the table is empty. Give one row for each site.")
    named = next((pair for pair in (("row", "column"), ("y", "x")) if sites.columns.isin(pair).sum() == 2), None)
    if named is None:
        raise InputError(
            f"sites: have columns {', '.join(map(str, sites.columns))}, but need row and column, or y and x in the CRS "
            f"of the grid ({describe_grid(geobox)})."
        )
    first, second = (pd.to_numeric(sites[name], errors="coerce").to_numpy(np.float64) for name in named)
    wrong = ~np.isfinite(first + second)
    if wrong.any():
        raise InputError(
            f"sites: row {sites.index[wrong][0]!r} has no number in {named[0]} or {named[1]}. "
            "Drop it or give its place."
        )
    if named == ("y", "x"):
        second, first = ~geobox.transform @ (second, first)
    rows, columns = np.floor(first).astype(np.int64), np.floor(second).astype(np.int64)
    inside = (rows >= 0) & (rows < geobox.shape[0]) & (columns >= 0) & (columns < geobox.shape[1])
    return sites.assign(row=np.where(inside, rows, -1), column=np.where(inside, columns, -1))


def _measured(layers: xr.Dataset, sites: pd.DataFrame, reach: tuple[int, int]) -> dict[str, Values]:
    """Spreads and shares in the square about every site; NaN outside the grid."""
    patches, inside = _patches(layers, sites, reach)
    valid = inside & patches.ndvi.notnull() & patches.slope.notnull()
    valid &= patches.land_cover.notnull() & (patches.land_cover != 0)
    square, centre = ("dy", "dx"), {"dy": reach[0], "dx": reach[1]}
    own = patches.land_cover[centre].where(valid[centre], 0)
    n = valid.sum(square)
    on_grid = sites["row"].to_numpy() >= 0
    measured = {
        "data_share": valid.mean(square),
        "ndvi_spread": _about(patches.ndvi, centre).where(valid).std(square),
        "slope_spread": _about(patches.slope, centre).where(valid).std(square),
        "class_share": (valid & (patches.land_cover == own)).sum(square) / n.where(n > 0),
    }
    shares = {name: np.where(on_grid, array.values, np.nan) for name, array in measured.items()}
    return shares | {"mapped_land_cover": np.where(on_grid, own.values, 0).astype(np.int64)}


def _about(patches: xr.DataArray, centre: dict[str, int]) -> xr.DataArray:
    """What differs from the pixel of the site: of equal values exactly 0, so that rounding gives them no spread."""
    values = patches.astype(np.float64)
    return values - values[centre].fillna(0.0)


def _patches(layers: xr.Dataset, sites: pd.DataFrame, reach: tuple[int, int]) -> tuple[xr.Dataset, xr.DataArray]:
    """The squares (site, dy, dx) in memory, and which of their pixels lie on the grid."""
    indexers, inside = {}, xr.DataArray(True)
    for dim, name, half in zip(("y", "x"), ("row", "column"), reach, strict=True):
        steps = xr.DataArray(np.arange(-half, half + 1), dims=f"d{dim}")
        places = xr.DataArray(sites[name].to_numpy(), dims="site") + steps
        inside = inside & (places >= 0) & (places < layers.sizes[dim])
        indexers[dim] = places.clip(0, layers.sizes[dim] - 1)
    return layers.drop_vars(["y", "x"]).isel(indexers).compute(), inside


def _reason(sites: pd.DataFrame, position: int, limits: dict[str, tuple[pd.Series, str]]) -> str:
    """All that speaks against a site."""
    site = sites.iloc[position]
    if site["row"] < 0:
        return "outside the grid"
    if site["mapped_land_cover"] == 0:
        return "no data at its pixel"
    return "; ".join(
        f"{name} {site[name]:.3g} {limit}" for name, (broken, limit) in limits.items() if broken.iloc[position]
    )
