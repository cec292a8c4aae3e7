"""The stack of covariates: what a DEM tells, and maps of any name, unit and resolution, on one grid."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox
from pydantic import Field

from cryoscale import terrain
from cryoscale.config import Config, ConfigInput
from cryoscale.readers import Resampling, open_covariate, open_on_grid
from cryoscale.variables import attributes


class Derivative(StrEnum):
    """What a DEM is turned into."""

    SLOPE = "slope"
    ASPECT = "aspect"
    """As its sine and cosine, ``aspect_sin`` and ``aspect_cos``, which have no jump at north."""
    CURVATURE = "curvature"
    POSITION = "topographic_position"
    WETNESS = "topographic_wetness"
    """Depends on the whole grid, so the DEM is held in memory once."""


class TerrainSource(Config):
    """A DEM and what is derived from it."""

    elevation: ConfigInput | tuple[ConfigInput, ...] = Field(description="DEM, one file or several that join")
    derivatives: tuple[Derivative, ...] = Field(
        tuple(Derivative), description="covariates made of it beside the elevation itself"
    )
    position_radius: float = Field(
        900.0, gt=0, description="radius of topographic position", json_schema_extra={"unit": "m"}
    )

    def paths(self) -> list[Path]:
        """Files of the DEM."""
        return [self.elevation] if isinstance(self.elevation, Path) else list(self.elevation)

    @property
    def names(self) -> tuple[str, ...]:
        """Covariates, in their order in the stack."""
        derived = (_NAMES.get(derivative, (derivative.value,)) for derivative in self.derivatives)
        return ("elevation", *(name for names in derived for name in names))

    def open(self, geobox: GeoBox, *, chunks: Mapping[str, int], wetness: xr.DataArray | None) -> xr.Dataset:
        """The elevation and its derivatives, lazy.

        Parameters
        ----------
        geobox : odc.geo.geobox.GeoBox
            The grid.
        chunks : mapping
            Chunk lengths along ``y`` and ``x``.
        wetness : xarray.DataArray or None
            The wetness index, which cannot be computed chunk by chunk.

        Returns
        -------
        xarray.Dataset
            (y, x), the covariates of `names`.
        """
        elevation = self.open_elevation(geobox, chunks=chunks)
        maps = {"elevation": elevation}
        if Derivative.SLOPE in self.derivatives:
            maps["slope"] = terrain.slope(elevation)
        if Derivative.ASPECT in self.derivatives:
            parts = terrain.aspect_components(elevation)
            maps |= {str(name): part for name, part in parts.items()}
        if Derivative.CURVATURE in self.derivatives:
            maps["curvature"] = terrain.curvature(elevation)
        if Derivative.POSITION in self.derivatives:
            maps["topographic_position"] = terrain.topographic_position(elevation, radius=self.position_radius)
        if wetness is not None:
            maps["topographic_wetness"] = wetness
        return xr.Dataset({name: maps[name] for name in self.names})

    def open_elevation(self, geobox: GeoBox, *, chunks: Mapping[str, int]) -> xr.DataArray:
        """The DEM on a grid, lazy."""
        return open_on_grid(
            self.paths(), "elevation", geobox=geobox, resampling=Resampling.BILINEAR, chunks=dict(chunks)
        )


_NAMES: Mapping[Derivative, tuple[str, ...]] = {Derivative.ASPECT: ("aspect_sin", "aspect_cos")}


class CovariateSource(Config):
    """A map of one covariate, of any CRS and pixel size."""

    path: ConfigInput | tuple[ConfigInput, ...] = Field(description="one file or several that join")
    unit: str = Field(description="of its values, as in dB, degC, g kg-1, %, or 1 for an index")
    resampling: Resampling = Field(
        Resampling.BILINEAR, description="how it comes onto the grid: nearest, bilinear, average or majority"
    )
    valid_range: tuple[float, float] | None = Field(
        None, description="smallest and largest value that can be true; others are refused"
    )
    nodata: float | None = Field(None, description="number that stands for no data besides the files' tag")

    def paths(self) -> list[Path]:
        """Its files."""
        return [self.path] if isinstance(self.path, Path) else list(self.path)

    def open(self, name: str, geobox: GeoBox, *, chunks: Mapping[str, int]) -> xr.DataArray:
        """The covariate on a grid, lazy."""
        return open_covariate(
            self.paths(),
            name,
            unit=self.unit,
            geobox=geobox,
            resampling=self.resampling,
            chunks=chunks,
            valid_range=self.valid_range,
            nodata=self.nodata,
        )


def stack_covariates(maps: xr.Dataset) -> xr.Dataset:
    """One variable of all covariates, a chunk each.

    Parameters
    ----------
    maps : xarray.Dataset
        (y, x) by name, each with ``units``.

    Returns
    -------
    xarray.Dataset
        ``covariate`` (feature, y, x), float32, with the coordinates ``feature`` and ``unit``.
    """
    layers = [array.astype(np.float32).reset_coords(drop=True) for array in maps.values()]
    stack = xr.concat(layers, "feature", coords="minimal", compat="override", combine_attrs="drop")
    named = stack.rename("covariate").assign_attrs(attributes("covariate")).assign_coords(maps.coords)
    units = [str(array.attrs.get("units", "1")) for array in maps.values()]
    labels = {"feature": [str(name) for name in maps], "unit": units}
    # as objects: Zarr v3 has no strings of fixed length
    return named.assign_coords({k: ("feature", np.array(v, dtype=object)) for k, v in labels.items()}).to_dataset()
