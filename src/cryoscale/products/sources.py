"""Where products find surface temperatures, and the maps of the land under them."""

from datetime import date
from pathlib import Path

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox
from pydantic import Field, field_validator

from cryoscale.config import Config, ConfigInput
from cryoscale.readers import (
    LstFiles,
    LstFormat,
    Resampling,
    TemperatureUnit,
    find_lst,
    open_land_cover,
    open_mask,
    open_on_grid,
)


class LstSource(Config):
    """Where the images of surface temperature are, and what their numbers mean."""

    path: ConfigInput = Field(description="folder of the images; subfolders are searched too")
    format: LstFormat = Field(LstFormat.MODIS, description="who made them")
    pattern: str | None = Field(
        None, description="for format pattern: template of the names, as in lst_{overpass}_{date:%Y%m%d}.tif"
    )
    names: dict[str, str] | None = Field(
        None, description="overpass (terra_day, aqua_day, terra_night, aqua_night) to its name in files"
    )
    start: date | None = Field(None, description="first day to take; null: that of the first image")
    end: date | None = Field(None, description="last day to take; null: that of the last image")
    unit: TemperatureUnit | None = Field(None, description="null: as the files or the format say")
    scale: float | None = Field(None, gt=0, description="number times scale is a temperature; null: as the format says")
    nodata: float | None = Field(None, description="number that stands for no data besides the files' tag")
    max_error: float | None = Field(
        2.0, gt=0, description="largest error that quality flags may tell of", json_schema_extra={"unit": "K"}
    )
    resampling: Resampling = Field(Resampling.NEAREST, description="how images come onto the grid: nearest or bilinear")

    @field_validator("resampling")
    @classmethod
    def _resampling_keeps_flags_apart(cls, resampling: Resampling) -> Resampling:
        if resampling not in (Resampling.NEAREST, Resampling.BILINEAR):
            raise ValueError("must be nearest or bilinear for images")
        return resampling

    def find(self) -> LstFiles:
        """Find the images; no pixel is read."""
        return find_lst(
            self.path,
            format=self.format,
            pattern=self.pattern,
            names=self.names,
            start=None if self.start is None else np.datetime64(self.start, "D"),
            end=None if self.end is None else np.datetime64(self.end, "D"),
            unit=self.unit,
            scale=self.scale,
            nodata=self.nodata,
            max_error=self.max_error,
        )


class Land(Config):
    """Maps of the land, of any CRS and pixel size."""

    elevation: ConfigInput | tuple[ConfigInput, ...] = Field(description="DEM, one file or several that join")
    classes: ConfigInput | dict[str, ConfigInput] = Field(
        description="classes that rk is known for (land cover or soil): one raster, or the share of each class by name"
    )
    glacier: ConfigInput | None = Field(None, description="glaciers: outlines, or a raster that is not 0 on them")
    lake: ConfigInput | None = Field(None, description="lakes: outlines, or a raster that is not 0 on them")

    def paths(self) -> dict[str, list[Path]]:
        """Files of every map."""
        elevation = [self.elevation] if isinstance(self.elevation, Path) else list(self.elevation)
        classes = [self.classes] if isinstance(self.classes, Path) else list(self.classes.values())
        masks = {name: [path] for name, path in (("glacier", self.glacier), ("lake", self.lake)) if path is not None}
        return {"elevation": elevation, "land_cover": classes, **masks}

    def open(self, geobox: GeoBox, *, chunks: dict[str, int]) -> xr.Dataset:
        """All maps on one grid, lazy.

        Parameters
        ----------
        geobox : odc.geo.geobox.GeoBox
            The grid.
        chunks : dict
            Chunk lengths along ``y`` and ``x``.

        Returns
        -------
        xarray.Dataset
            (y, x) ``elevation`` (m, bilinear), ``land_cover`` (class of the majority), ``glacier`` and ``lake``.
        """
        files = self.paths()
        elevation = open_on_grid(
            files["elevation"], "elevation", geobox=geobox, resampling=Resampling.BILINEAR, chunks=chunks
        )
        maps = {"elevation": elevation, "land_cover": open_land_cover(self.classes, geobox=geobox, chunks=chunks)}
        for name in ("glacier", "lake"):
            if name in files:
                maps[name] = open_mask(files[name][0], name, geobox=geobox, chunks=chunks)
        return xr.Dataset(maps)
