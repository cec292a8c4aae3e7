"""Areas of classes: as mapped, and as a sample of reference points says that they are."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import ndtri

from cryoscale.errors import InputError
from cryoscale.grids import geobox_of, pixel_areas
from cryoscale.stats.confusion import Confusion
from cryoscale.stats.pairing import paired_with, sum_over_chunks
from cryoscale.variables import attributes

Values = np.ndarray[Any, Any]

_CM2_PER_M2, _CM2_PER_KM2 = 1e4, 1e10


def mapped_areas(classes: xr.DataArray) -> xr.DataArray:
    """Area of each class of a map, on the ellipsoid.

    Areas of pixels are rounded to 1 cm2 and summed as integers, so that the sum does not depend on chunks. (The whole
    Earth is 5.1e18 cm2, which an int64 holds.)

    Parameters
    ----------
    classes : xarray.DataArray
        (y, x) codes with ``flag_values`` and ``flag_meanings``, on a grid with a CRS; 0 is no data. Lazy or not.

    Returns
    -------
    xarray.DataArray
        ``vegetation_area`` (vegetation,), km2, with the classes' names as coordinate. Lazy where the input is, or
        where the areas of its pixels are.

    Raises
    ------
    InputError
        If the map has no flags or no CRS, or (once it is computed) holds a code that its flags do not name.

    Examples
    --------
    >>> from odc.geo.geobox import GeoBox
    >>> from cryoscale.grids import grid_coords
    >>> coords = grid_coords(GeoBox.from_bbox((99.0, 38.0, 99.02, 38.01), "EPSG:4326", resolution=0.01))
    >>> flags = {"flag_values": [0, 1, 2], "flag_meanings": "no_data bare meadow"}
    >>> mapped_areas(xr.DataArray([[1, 2]], coords, ("y", "x"), "vegetation_class", flags)).values.round(3)
    array([0.975, 0.975])
    """
    names = _names_of(classes)
    areas = paired_with(classes, pixel_areas(geobox_of(classes)))
    count = partial(_sum_by_code, codes=tuple(names), name=str(classes.name or "classes"))
    square_centimetres = sum_over_chunks(count, classes, areas, shape=(len(names),))
    return xr.DataArray(
        square_centimetres / _CM2_PER_KM2,
        {"vegetation": list(names.values())},
        ("vegetation",),
        "vegetation_area",
        attributes("vegetation_area"),
    )


def _names_of(classes: xr.DataArray) -> dict[int, str]:
    flags = classes.attrs
    if "flag_values" not in flags or "flag_meanings" not in flags:
        raise InputError(
            f"{classes.name or 'classes'}: has no flag_values and flag_meanings, so that its codes have no names. "
            "Give a map from classify_vegetation, or set both attributes."
        )
    pairs = zip(flags["flag_values"], str(flags["flag_meanings"]).split(), strict=True)
    return {int(code): meaning for code, meaning in pairs if code != 0}


def _sum_by_code(classes: Values, areas: Values, *, codes: tuple[int, ...], name: str) -> Values:
    """Areas of the classes, cm2."""
    unknown = ~np.isin(classes, (0, *codes))
    if unknown.any():
        raise InputError(
            f"{name}: holds the code {classes[unknown].flat[0]}, which its flags do not name (they name {codes}). "
            "Add it to flag_values and flag_meanings, or set its pixels to 0."
        )
    rounded = np.rint(areas * _CM2_PER_M2).astype(np.int64)
    return np.array([rounded[classes == code].sum() for code in codes], np.int64)


@dataclass(frozen=True, eq=False)
class AdjustedAreas:
    """Areas and accuracies that a sample of reference points gives a map.

    Attributes
    ----------
    table : pandas.DataFrame
        By class: ``n``, points mapped as it; ``mapped_area``, ``area``, its standard error ``area_error`` and the
        bounds ``area_lower`` and ``area_upper`` of its interval, km2; ``users_accuracy`` and ``producers_accuracy``
        with their standard errors (``_error``), as shares of area.
    overall_accuracy, overall_accuracy_error : float
        Share of the area that is mapped right, and its standard error.
    level : float
        Share of intervals that hold the true area.
    """

    table: pd.DataFrame
    overall_accuracy: float
    overall_accuracy_error: float
    level: float


def adjusted_areas(mapped: xr.DataArray, agreement: Confusion, *, level: float = 0.95) -> AdjustedAreas:
    """Areas of classes freed of the map's errors, with confidence intervals.

    The stratified estimator of Olofsson et al. (2014, Remote Sens. Environ. 148, 42; Eqs. 1 to 11): with W_i the share
    of the map in class i, and n_ij of its n_i points being class j, the share of class j is p_j = sum_i W_i n_ij / n_i,
    with variance sum_i (W_i^2 f_ij (1 - f_ij)) / (n_i - 1), f_ij = n_ij / n_i.

    This assumes that the points of each mapped class are drawn at random from its area (stratified sampling, or points
    drawn at random from the whole map and sorted by class afterwards), that their observed class is right, and that
    they took no part in making the map. Points chosen in the field along roads are no such sample: their intervals
    hold the error of sampling alone, and the true areas less often than `level` says. Out-of-fold predictions stand in
    for the map's own class, as far as the map is about as good as the forests of the folds.

    Parameters
    ----------
    mapped : xarray.DataArray
        (vegetation,) area of each class in km2 with its name as coordinate, from `mapped_areas`; lazy ones are
        computed.
    agreement : Confusion
        Mapped (rows) against observed class of the points, with the same names.
    level : float
        Share of intervals that shall hold the true area, between 0 and 1.

    Returns
    -------
    AdjustedAreas

    Raises
    ------
    InputError
        If the classes differ, a class with area has fewer than two points, no class has an area, or `level` is out of
        range.

    Examples
    --------
    >>> from cryoscale.stats.confusion import confusion
    >>> agreement = confusion(np.repeat([1, 2], 50), np.r_[np.repeat([1, 2], [45, 5]), np.repeat(2, 50)],
    ...                       classes={1: "bare", 2: "meadow"})
    >>> mapped = xr.DataArray([20.0, 80.0], {"vegetation": ["bare", "meadow"]}, ("vegetation",))
    >>> adjusted_areas(mapped, agreement).table[["area", "area_error"]].round(2)
            area  area_error
    bare    18.0        0.86
    meadow  82.0        0.86
    """
    if not 0.0 < level < 1.0:
        raise InputError(f"level: must lie between 0 and 1, such as 0.95, not {level!r}.")
    names, areas, counts = _checked(mapped, agreement)
    total, n = areas.sum(), counts.sum(axis=1)
    weights = areas / total
    shares = np.divide(counts, n[:, np.newaxis], where=n[:, np.newaxis] > 0, out=np.zeros_like(counts))
    # A class without area needs no points: its weight is 0, whatever its variance.
    of_stratum = shares * (1.0 - shares) / np.maximum(n - 1.0, 1.0)[:, np.newaxis]
    cells = weights[:, np.newaxis] * shares
    estimate, variance = cells.sum(axis=0), (weights[:, np.newaxis] ** 2 * of_stratum).sum(axis=0)
    error = np.sqrt(variance)
    reach = float(ndtri((1.0 + level) / 2.0)) * error
    table = pd.DataFrame(
        {
            "n": n.astype(np.int64),
            "mapped_area": areas,
            "area": estimate * total,
            "area_error": error * total,
            "area_lower": np.maximum(estimate - reach, 0.0) * total,
            "area_upper": np.minimum(estimate + reach, 1.0) * total,
            "users_accuracy": np.where(n > 0, np.diag(shares), np.nan),
            "users_accuracy_error": np.where(n > 1, np.sqrt(np.diag(of_stratum)), np.nan),
            **_producers(weights, shares, of_stratum),
        },
        index=names,
    )
    overall_error = np.sqrt((weights**2 * np.diag(of_stratum)).sum())
    return AdjustedAreas(table, float(np.trace(cells)), float(overall_error), level)


def _checked(mapped: xr.DataArray, agreement: Confusion) -> tuple[list[str], Values, Values]:
    """Names, areas and counts of the classes, once they fit together."""
    names = [str(name) for name in mapped["vegetation"].values]
    known = [str(name) for name in agreement.matrix.index]
    if set(names) != set(known):
        raise InputError(
            f"agreement: is of the classes {known}, but the map of {names}. Give both the same names; a class that "
            "the points do not have cannot be adjusted."
        )
    areas = mapped.values.astype(np.float64)
    if not np.isfinite(areas).all() or (areas < 0).any() or not areas.any():
        raise InputError(f"{mapped.name or 'mapped areas'}: are {areas.tolist()} km2; none may be below 0, nor all 0.")
    counts = agreement.matrix.loc[names, names].to_numpy(np.float64)
    few = (areas > 0) & (counts.sum(axis=1) < 2)
    if few.any():
        at = int(np.argmax(few))
        raise InputError(
            f"agreement: {counts[at].sum():.0f} of the points are mapped as {names[at]}, which has {areas[at]:.6g} "
            "km2; a variance needs two or more. Add points there, or merge it with a class that is like it."
        )
    return names, areas, counts


def _producers(weights: Values, shares: Values, of_stratum: Values) -> dict[str, Values]:
    """Producer's accuracies and their errors: the delta method on a ratio of two stratified means (their Eq. 7)."""
    cells = weights[:, np.newaxis] * shares
    totals = cells.sum(axis=0)
    accuracy = np.divide(np.diag(cells), totals, where=totals > 0, out=np.full_like(totals, np.nan))
    variances = weights[:, np.newaxis] ** 2 * of_stratum
    own = np.diag(variances)
    squares = (1.0 - accuracy) ** 2 * own + accuracy**2 * (variances.sum(axis=0) - own)
    error = np.divide(np.sqrt(squares), totals, where=totals > 0, out=np.full_like(totals, np.nan))
    return {"producers_accuracy": accuracy, "producers_accuracy_error": error}
