"""The ratio of thawed to frozen thermal conductivity, r_k, by class of land cover or soil: tables and maps of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
import pandas as pd
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.lift import lift
from cryoscale.stats.pairing import sum_over_chunks
from cryoscale.thermal._rk_tables import ESA_CCI, PFT
from cryoscale.variables import VARIABLES

Values = np.ndarray[Any, Any]


@dataclass(frozen=True)
class RkTable:
    """r_k of each class of a map.

    Attributes
    ----------
    values : mapping of int to float
        r_k by class, 1. NaN for a class that is no ground, such as water and ice: it is known, and has no r_k.
    errors : mapping of int to float
        Standard error of r_k by class, 1, of the same classes; NaN where `values` is.
    names : mapping of int to str
        Name of each class.

    Raises
    ------
    InputError
        If there is no class, the classes of the three differ, a class is 0 (no data), an r_k lies outside the
        registry's valid range, or a standard error is negative or missing.

    Examples
    --------
    >>> table = RkTable.esa_cci_land_cover().updated(RkTable({130: 0.83}, {130: 0.04}, {130: "alpine steppe"}))
    >>> table.values[130], table.names[130], table.values[180]
    (0.83, 'alpine steppe', 0.55)
    """

    values: Mapping[int, float]
    errors: Mapping[int, float]
    names: Mapping[int, str]

    def __post_init__(self) -> None:
        for field in ("values", "errors", "names"):
            object.__setattr__(self, field, dict(sorted(getattr(self, field).items())))
        if not self.values:
            raise InputError("table of rk: holds no class. Give one row a class of the map.")
        if not (self.values.keys() == self.errors.keys() == self.names.keys()):
            odd = (self.values.keys() ^ self.errors.keys()) | (self.values.keys() ^ self.names.keys())
            raise InputError(f"table of rk: classes {sorted(odd)} lack a value, a standard error or a name.")
        for code, value in self.values.items():
            self._check(code, value, self.errors[code])

    def _check(self, code: int, value: float, error: float) -> None:
        low, high = VARIABLES["rk"].valid_range or (0.0, np.inf)
        where = f"table of rk, class {code} ({self.names[code]})"
        if code == 0:
            raise InputError(f"{where}: 0 means no data on a map of classes. Give the class another code.")
        if np.isnan(value):
            return
        if not low < value < high:
            raise InputError(
                f"{where}: rk is {value:g}, but a ratio of conductivities lies between {low:g} and {high:g}."
            )
        if not error >= 0.0:
            raise InputError(f"{where}: the standard error is {error:g}; give a number that is 0 or more.")

    @classmethod
    def esa_cci_land_cover(cls, *, error: float = 0.1) -> Self:
        """Start values for the classes of ESA CCI land cover.

        The values are those of CryoGrid's table by group of classes: sparse, bare, urban and deciduous 0.95, evergreen
        0.90, shrubs 0.80, grass and crop 0.75, wetland 0.55; mixed trees lie between deciduous and evergreen. Water
        (210) and permanent snow and ice (220) have none. Calibrate them where there is a survey.

        Parameters
        ----------
        error : float
            Standard error of every value, 1. The table states none: the default, half of what separates its groups
            at most, is an assumption.

        Returns
        -------
        RkTable

        Examples
        --------
        >>> RkTable.esa_cci_land_cover().values[130]
        0.75
        """
        return cls._uniform({code: (name, value) for code, name, value in ESA_CCI}, error)

    @classmethod
    def esa_cci_pft(cls, *, error: float = 0.1) -> Self:
        """Start values for the 14 plant functional types of ESA CCI, whose dominant one makes a map.

        Parameters
        ----------
        error : float
            As of `esa_cci_land_cover`, whose values by group these are.

        Returns
        -------
        RkTable
            Classes 1 to 14 in the order BARE, BUILT, GRASS-MAN, GRASS-NAT, SHRUBS-BD, SHRUBS-BE, SHRUBS-ND, SHRUBS-NE,
            WATER_INLAND, SNOWICE, TREES-BD, TREES-BE, TREES-ND, TREES-NE.

        Examples
        --------
        >>> table = RkTable.esa_cci_pft()
        >>> table.names[4], table.values[4]
        ('GRASS-NAT', 0.75)
        """
        return cls._uniform(dict(enumerate(PFT, start=1)), error)

    @classmethod
    def _uniform(cls, entries: Mapping[int, tuple[str, float]], error: float) -> Self:
        values = {code: value for code, (_, value) in entries.items()}
        errors = {code: error if np.isfinite(value) else value for code, value in values.items()}
        return cls(values, errors, {code: name for code, (name, _) in entries.items()})

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Self:
        """Table from columns ``class`` (integer), ``rk``, ``rk_error`` and, if there is one, ``name``.

        Parameters
        ----------
        frame : pandas.DataFrame
            One row a class.

        Returns
        -------
        RkTable

        Raises
        ------
        InputError
            If a column is missing, a class occurs twice, or a value is not valid.

        Examples
        --------
        >>> RkTable.from_frame(pd.DataFrame({"class": [1], "rk": [0.8], "rk_error": [0.1]})).names[1]
        '1'
        """
        missing = [column for column in ("class", "rk", "rk_error") if column not in frame]
        if missing:
            raise InputError(f"table of rk: has no column {', '.join(missing)}; it has {', '.join(map(str, frame))}.")
        if not np.array_equal(frame["class"], frame["class"].round()):
            raise InputError("table of rk: column class must hold integers.")
        codes = frame["class"].astype(int)
        if codes.duplicated().any():
            raise InputError(f"table of rk: class {codes[codes.duplicated()].iloc[0]} occurs twice.")
        names: Iterable[Any] = frame.get("name", codes)
        return cls(
            dict(zip(codes, frame["rk"].astype(float), strict=True)),
            dict(zip(codes, frame["rk_error"].astype(float), strict=True)),
            {code: str(name) for code, name in zip(codes, names, strict=True)},
        )

    def to_frame(self) -> pd.DataFrame:
        """Columns ``class``, ``name``, ``rk`` and ``rk_error``, one row a class: what `from_frame` reads."""
        columns = {"class": list(self.values), "name": list(self.names.values())}
        return pd.DataFrame(columns | {"rk": list(self.values.values()), "rk_error": list(self.errors.values())})

    def updated(self, other: "RkTable") -> "RkTable":
        """Replace and add the classes of another table, such as those that a calibration gives.

        Parameters
        ----------
        other : RkTable
            Its classes win.

        Returns
        -------
        RkTable
        """
        return RkTable({**self.values, **other.values}, {**self.errors, **other.errors}, {**self.names, **other.names})


def map_rk(classes: xr.DataArray, table: RkTable) -> xr.Dataset:
    """Give every pixel the r_k of its class.

    Parameters
    ----------
    classes : xarray.DataArray
        Class codes, of any dims, in memory or lazy; 0 or NaN is no data.
    table : RkTable
        r_k by class. Classes that it lacks become NaN: let `require_rk` refuse them before.

    Returns
    -------
    xarray.Dataset
        ``rk`` and ``rk_error``, 1, of the dims of `classes`; lazy where it is.

    Examples
    --------
    >>> land_cover = xr.DataArray([[130, 180], [210, 0]], dims=("y", "x"))
    >>> map_rk(land_cover, RkTable.esa_cci_land_cover()).rk.values
    array([[0.75, 0.55],
           [ nan,  nan]], dtype=float32)
    """
    codes = np.array(list(table.values))
    values = np.array([[*table.values.values(), np.nan], [*table.errors.values(), np.nan]], dtype=np.float32)
    kernel = partial(_look_up, codes=codes, values=values)
    return lift(kernel, classes, core_dims=[()], outputs={"rk": (), "rk_error": ()})


def _look_up(classes: Values, *, codes: Values, values: Values) -> tuple[Values, ...]:
    """Rows of `values` at the position of each class in `codes`; their last column where it is not in there."""
    position = np.minimum(np.searchsorted(codes, classes), codes.size - 1)
    position = np.where(codes[position] == classes, position, codes.size)
    return tuple(row[position] for row in values)


def count_classes(classes: xr.DataArray, where: xr.DataArray | None = None) -> xr.DataArray:
    """Count the pixels of each class of a map.

    Parameters
    ----------
    classes : xarray.DataArray
        Class codes from 0 to 255; NaN is taken as 0, no data.
    where : xarray.DataArray, optional
        Boolean, of the same dims and chunks: True where pixels count.

    Returns
    -------
    xarray.DataArray
        int64 (class) with the codes 0 to 255 as coordinate; lazy where an input is lazy. Summed over chunks.

    Raises
    ------
    InputError
        When it is computed, if a code lies outside 0 to 255.

    Examples
    --------
    >>> counts = count_classes(xr.DataArray([[130, 180], [130, 0]], dims=("y", "x")))
    >>> int(counts.sel({"class": 130}))
    2
    """
    counts = sum_over_chunks(_count, classes, *(() if where is None else (where,)), shape=(256,))
    return xr.DataArray(counts, {"class": np.arange(256)}, ("class",), "n", {"units": "1", "long_name": "pixels"})


def _count(classes: Values, where: Values | None = None) -> Values:
    known = classes[~np.isnan(classes) if where is None else where.astype(bool) & ~np.isnan(classes)]
    if known.size and not (known.min() >= 0 and known.max() <= 255):
        raise InputError(f"map of classes: holds codes from {known.min()} to {known.max()}; they must be 0 to 255.")
    return np.bincount(known.astype(np.int64), minlength=256)


def require_rk(table: RkTable, counts: xr.DataArray) -> None:
    """Refuse a table that lacks classes of the map.

    Parameters
    ----------
    table : RkTable
        r_k by class.
    counts : xarray.DataArray
        Pixels by class, as `count_classes` gives them, computed.

    Raises
    ------
    InputError
        If a class other than 0 with pixels is not in the table.

    Examples
    --------
    >>> counts = count_classes(xr.DataArray([[130, 131]], dims=("y", "x")))
    >>> require_rk(RkTable.esa_cci_land_cover(), counts)
    Traceback (most recent call last):
    ...
    cryoscale.errors.InputError: land cover: classes without rk: 131 (1 pixels). Add them to the table of rk, ...
    """
    missing = [
        f"{code} ({count} pixels)"
        for code, count in zip(counts["class"].values.tolist(), counts.values.tolist(), strict=True)
        if count and code != 0 and code not in table.values
    ]
    if missing:
        raise InputError(
            f"land cover: classes without rk: {', '.join(missing)}. Add them to the table of rk, or set their pixels "
            "to 0 (no data)."
        )
