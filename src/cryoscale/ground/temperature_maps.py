"""Maps of mean annual ground temperature from a regression, chunk by chunk."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from pyproj import Transformer

from cryoscale.errors import InputError
from cryoscale.grids import geobox_of
from cryoscale.ground.borehole_design import Design, columns_needed
from cryoscale.lift import lift
from cryoscale.stats.pairing import paired_with
from cryoscale.variables import VARIABLES, check_units

Values = np.ndarray[Any, Any]
Estimate = Callable[[Mapping[str, Values]], tuple[Values, Values]]

MISSING, PREDICTED, WITHOUT_BOREHOLES = range(3)
"""Flags of ``magt_status``."""


def map_temperature(covariates: xr.Dataset, *, design: Design, estimate: Estimate) -> xr.Dataset:
    """Apply a regression to every pixel that has all it needs.

    Parameters
    ----------
    covariates : xarray.Dataset
        (y, x): see `MagtModel.predict`.
    design : Design
        Of the regression.
    estimate : callable
        Gives temperatures and errors (m,) for the values of pixels by name, (m,) each, longitude and latitude among
        them.

    Returns
    -------
    xarray.Dataset
        ``magt``, ``magt_error``, ``magt_status``; lazy where a covariate is.

    Raises
    ------
    InputError
        If a covariate is absent, in another unit or on another grid, or the grid has no CRS.
    """
    layers = _layers(covariates, design.predictors)
    crs = geobox_of(covariates).crs
    codes = _class_codes(layers["vegetation"]) if "vegetation" in layers else {}
    kernel = _Mapped(design, estimate, tuple(layers), codes, "" if crs is None else crs.to_wkt())
    axes = [xr.DataArray(covariates[dim].values, {dim: covariates[dim]}, (dim,)) for dim in ("y", "x")]
    inputs = [*axes, *layers.values()]
    outputs: dict[str, tuple[Hashable, ...]] = {"magt": (), "magt_error": (), "magt_status": ()}
    return lift(kernel, *inputs, core_dims=[()] * len(inputs), outputs=outputs)


def _layers(covariates: xr.Dataset, predictors: Sequence[str]) -> dict[str, xr.DataArray]:
    """Maps that the predictors need, by the names of the boreholes' columns."""
    columns = [name for name in columns_needed(predictors) if name not in ("longitude", "latitude")]
    names = {name: "vegetation_class" if name == "vegetation" else name for name in columns}
    absent = [name for name in names.values() if name not in covariates]
    if absent:
        raise InputError(f"covariates: lack {absent}; they hold {list(covariates.data_vars)}. Add them.")
    given = {column: check_units(covariates[name], name) for column, name in names.items()}
    first = next(iter(given.values()), None)
    return {name: layer if first is None else paired_with(first, layer) for name, layer in given.items()}


def _class_codes(classes: xr.DataArray) -> dict[int, str]:
    """Names of the codes, and nothing for no data."""
    flags = classes.attrs
    if not np.issubdtype(classes.dtype, np.integer) or "flag_values" not in flags or "flag_meanings" not in flags:
        raise InputError(
            f"{classes.name}: is {classes.dtype} with the attributes {list(flags)}. Give integer codes with "
            "flag_values and flag_meanings, as classify_vegetation does; 0 is no data."
        )
    pairs = zip(flags["flag_values"], str(flags["flag_meanings"]).split(), strict=True)
    return {int(code): name for code, name in pairs if code != 0}


@dataclass(frozen=True, eq=False)
class _Mapped:
    """Ground temperature, its error and status of a block: rows of y, columns of x, layers of both."""

    design: Design
    estimate: Estimate
    names: tuple[str, ...]
    codes: Mapping[int, str]
    crs: str

    def __call__(self, y: Values, x: Values, *layers: Values) -> tuple[Values, Values, Values]:
        shape = np.broadcast_shapes(y.shape, x.shape)
        values = {name: layer.ravel() for name, layer in zip(self.names, layers, strict=True)}
        status = np.full(shape, PREDICTED, np.uint8).ravel()
        if "vegetation" in values:
            codes = values["vegetation"]
            values["vegetation"] = self._levels(codes)
            status[values["vegetation"] < 0] = WITHOUT_BOREHOLES
            status[codes == 0] = MISSING
        status[~_complete(values, status.size)] = MISSING
        chosen = status == PREDICTED
        maps = np.full((2, status.size), np.nan, np.float32)
        if chosen.any():
            rows = {name: layer[chosen] for name, layer in values.items()}
            places = (np.broadcast_to(axis, shape).ravel()[chosen] for axis in (x, y))
            to_geographic = Transformer.from_crs(self.crs, "EPSG:4326", always_xy=True)
            rows["longitude"], rows["latitude"] = to_geographic.transform(*places)
            maps[:, chosen] = self.estimate(rows)
        return maps[0].reshape(shape), maps[1].reshape(shape), status.reshape(shape)

    def _levels(self, codes: Values) -> Values:
        """Position of each pixel's level of vegetation, -1 where it has none."""
        known = np.array(sorted(self.codes), np.int64)
        wrong = ~np.isin(codes, [0, *known])
        if wrong.any():
            raise InputError(
                f"vegetation_class: holds the code {codes[wrong][0]}, which its flags do not name (they name "
                f"{known.tolist()}). Add it to flag_values and flag_meanings, or set its pixels to 0."
            )
        levels = self.design.levels_of([self.codes[code] for code in known.tolist()])
        return np.asarray(levels[np.minimum(np.searchsorted(known, codes), len(known) - 1)])


def _complete(values: Mapping[str, Values], size: int) -> Values:
    """Where nothing is missing; aspect may be where the ground is flat, and must be an angle elsewhere."""
    layers = {"all": np.ones(size, bool)} | {name: np.isfinite(layer) for name, layer in values.items()}
    if "aspect" in values:
        flat, aspect = values["slope"] == 0.0, values["aspect"]
        low, high = VARIABLES["aspect"].valid_range or (0.0, 360.0)
        wrong = ~flat & ((aspect < low) | (aspect > high))
        if wrong.any():
            raise InputError(
                f"aspect: holds {aspect[wrong][0]} where the slope is {values['slope'][wrong][0]} degree; aspects lie "
                f"between {low:g} and {high:g} degree. Set what is no data to NaN."
            )
        layers["aspect"] |= flat
    return np.asarray(np.logical_and.reduce(list(layers.values())))
