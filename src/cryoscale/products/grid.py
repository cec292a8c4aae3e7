"""The one grid that all inputs of a product are brought to."""

from pathlib import Path
from typing import Self

import rasterio
from odc.geo.geobox import GeoBox
from pydantic import Field, model_validator
from rasterio.errors import RasterioError

from cryoscale.config import Config, ConfigInput
from cryoscale.errors import InputError
from cryoscale.readers import LstFiles, grid_of_part


class Grid(Config):
    """CRS, pixel size and extent; all null: the grid of the surface temperatures."""

    like: ConfigInput | None = Field(None, description="raster whose grid is taken")
    crs: str | None = Field(None, description="as in EPSG:4326, EPSG:4024 (Krasovsky 1940) or a PROJ or WKT string")
    resolution: float | None = Field(
        None, gt=0, description="pixel size", json_schema_extra={"unit": "unit of the CRS"}
    )
    bounds: tuple[float, float, float, float] | None = Field(
        None, description="west, south, east, north", json_schema_extra={"unit": "unit of the CRS"}
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        parts = (self.crs, self.resolution, self.bounds)
        given = [part is not None for part in parts]
        if any(given) and (not all(given) or self.like is not None):
            raise ValueError("give like alone, or crs, resolution and bounds together, or none of them")
        return self

    def geobox(self, default: GeoBox) -> GeoBox:
        """The grid; `default` where nothing is set."""
        if self.like is not None:
            return raster_geobox(self.like)
        if self.crs is None or self.resolution is None or self.bounds is None:
            return default
        return GeoBox.from_bbox(self.bounds, self.crs, resolution=self.resolution)


def raster_geobox(path: Path) -> GeoBox:
    """Grid of a raster file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    odc.geo.geobox.GeoBox

    Raises
    ------
    InputError
        If it cannot be read or has no CRS.
    """
    try:
        with rasterio.open(path) as source:
            shape, transform, crs = source.shape, source.transform, source.crs
    except RasterioError as error:
        raise InputError(f"{path}: cannot be read as a raster ({error}).") from None
    if crs is None:
        raise InputError(f"{path}: has no CRS, so it cannot give the grid. Assign one, for example with gdal_edit.")
    return GeoBox(shape, transform, crs.to_wkt())


def images_geobox(files: LstFiles) -> GeoBox:
    """Grid of the first image.

    Parameters
    ----------
    files : LstFiles
        What was found.

    Returns
    -------
    odc.geo.geobox.GeoBox

    Raises
    ------
    InputError
        If it consists of several tiles.
    """
    parts = files.images[0].parts
    if len(parts) > 1:
        raise InputError(
            f"{parts[0].path}: is one of {len(parts)} tiles of an image, so none gives the grid. Name a raster under "
            "grid.like, or grid.crs, grid.resolution and grid.bounds."
        )
    return grid_of_part(parts[0]).geobox
