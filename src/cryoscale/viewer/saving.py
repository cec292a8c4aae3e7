"""Files that the page offers to save, each made from its address alone."""

import asyncio
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import xarray as xr
from odc.geo import CRS
from tornado.web import RequestHandler

from cryoscale.errors import CryoscaleError, InputError
from cryoscale.folders import Folder
from cryoscale.grids import geobox_of
from cryoscale.report import class_colours, class_map, map_figure, save_png
from cryoscale.report.colours import drawn_like
from cryoscale.store import open_store
from cryoscale.viewer.addresses import FILES
from cryoscale.viewer.pixels import series_at
from cryoscale.viewer.raster import Layer, Point, Window, as_map, read_view, select_layer
from cryoscale.viewer.section import read_section, section_csv
from cryoscale.viewer.series import Series, read_series, series_csv
from cryoscale.viewer.source import Source, layer_labels
from cryoscale.writers import write_cog

PNG_PIXELS = (1000, 1000)
"""Rows and columns that a saved view has at most."""

Query = Mapping[str, str]


class SaveHandler(RequestHandler):
    """Answers the addresses of `addresses.link`; reads stores, changes nothing."""

    def initialize(self, sources: Sequence[Source], hosts: Collection[str]) -> None:
        """Take what the server gives."""
        self._sources, self._hosts = sources, hosts

    async def get(self, file: str) -> None:
        """Make the file beside the server's loop, and send it; say what is wrong with an address."""
        if self.request.host not in self._hosts:  # another site's name that has been pointed to this machine
            self.set_status(403)
            return
        query = {name: self.get_query_argument(name) for name in self.request.query_arguments}
        with tempfile.TemporaryDirectory(prefix="cryoscale-view-") as folder:
            try:
                made = await asyncio.to_thread(make_file, file, self._sources, query, folder=Path(folder))
            except CryoscaleError as error:
                self.set_status(400)
                self.set_header("Content-Type", "text/plain; charset=utf-8")
                self.finish(f"{error}\n")
                return
            self.set_header("Content-Type", FILES[file])
            self.set_header("Content-Disposition", f'attachment; filename="{made.name}"')
            with made.open("rb") as opened:
                while part := opened.read(2**20):
                    self.write(part)
                    await self.flush()


def make_file(file: str, sources: Sequence[Source], query: Query, *, folder: Path) -> Path:
    """Make a file that the page offers.

    Parameters
    ----------
    file : str
        Key of `FILES`.
    sources : sequence of Source
        The stores of the page.
    query : mapping of str to str
        From the address.
    folder : Path
        Where the file goes.

    Returns
    -------
    Path
        Named after store, variable and date.

    Raises
    ------
    InputError
        If the address lacks something, or names what is not there.
    """
    try:
        source = sources[int(query["store"])]
        array = source.data[query["name"]]
        index = int(query["index"]) if "index" in query else None
        layer, crs = Layer(query["name"], index), page_crs(sources)
        target = folder / _file_name(file, source, layer)
        match file:
            case "series.csv":
                target.write_text(_series_text(source, layer.name, query, crs), encoding="utf-8")
            case "section.csv":
                section = read_section(source, layer, _point(query, "start"), _point(query, "end"), crs=crs)
                target.write_text(section_csv(section, about=_about(source, layer)), encoding="utf-8")
            case "map.png":
                _save_view(source, layer, query, target)
            case "layer.tif":
                _save_layer(source.path, layer, target, dtype=array.dtype.name)
            case _:
                raise InputError(f"{file}: is none of {', '.join(FILES)}.")
    except (KeyError, ValueError, IndexError) as error:
        if isinstance(error, CryoscaleError):
            raise
        raise InputError(f"{file}: the address does not say what to save ({error!r}). Take it from the page.") from None
    return target


def page_crs(sources: Sequence[Source]) -> CRS | None:
    """CRS in which the page shows maps and takes clicks: that of the first store with maps."""
    return next((source.geobox.crs for source in sources if source.geobox is not None), None)


def _file_name(file: str, source: Source, layer: Layer) -> str:
    stem, _, suffix = file.partition(".")
    labels = layer_labels(source, layer.name) if layer.index is not None else []
    date = labels[layer.index] if layer.index is not None else ""
    parts = [source.path.stem, layer.name, date.replace(" ", "_"), "" if stem in {"map", "layer"} else stem]
    return "_".join(part for part in parts if part) + f".{suffix}"


def _about(source: Source, layer: Layer) -> list[str]:
    array = source.data[layer.name]
    units = array.attrs.get("units", "1")
    lines = [f"{source.path} ({source.kind})", f"{layer.name}: {array.attrs.get('long_name', '')}, {units}"]
    labels = layer_labels(source, layer.name) if layer.index is not None else []
    return [*lines, *([labels[layer.index]] if layer.index is not None else [])]


def _series_text(source: Source, name: str, query: Query, crs: CRS | None) -> str:
    about = _about(source, Layer(name))
    at = {key.removeprefix("at_"): int(value) for key, value in query.items() if key.startswith("at_")}
    if "pixel_y" not in query:
        return series_csv(read_series(source, name, at), about=about)
    series = _required(source, name, _point(query, "pixel"), crs)
    if "reference_y" not in query:
        return series_csv(series, about=[*about, series.where])
    reference = series_at(source, name, _point(query, "reference"), crs=crs)
    where = [series.where] if reference is None else [series.where, f"reference: {reference.where}"]
    return series_csv(series, reference, about=[*about, *where])


def _required(source: Source, name: str, point: Point, crs: CRS | None) -> Series:
    series = series_at(source, name, point, crs=crs)
    if series is None:
        raise InputError(f"{source.path.name}: the point y {point[0]:g}, x {point[1]:g} lies off its maps.")
    return series


def _point(query: Query, name: str) -> Point:
    return float(query[f"{name}_y"]), float(query[f"{name}_x"])


def _save_view(source: Source, layer: Layer, query: Query, target: Path) -> None:
    """The part of the map that the page shows, in the store's own CRS, as a figure with scale bar and unit."""
    window = Window(*(float(query[side]) for side in ("left", "bottom", "right", "top")))
    view = read_view(source, layer, window, pixels=PNG_PIXELS)
    if not view.values.size:
        raise InputError(f"{source.path.name}: the view shows nothing of the map. Move back onto it.")
    shown = as_map(view, source.data[layer.name], geobox_of(source.data).crs)
    date = _about(source, layer)[2:]
    name = str(shown.attrs.get("long_name", layer.name))
    title = ", ".join([name[:1].upper() + name[1:], *date])
    if "flag_values" in shown.attrs:
        save_png(class_map(shown, title=title), target)
    else:
        limits = float(query["low"]), float(query["high"])
        save_png(map_figure(drawn_like(shown), title=title, limits=limits), target)


def _save_layer(path: Folder, layer: Layer, target: Path, *, dtype: str) -> None:
    """The whole map at full resolution, chunk by chunk."""
    array: xr.DataArray = select_layer(open_store(path, complete=False)[layer.name], layer.index)
    colours = class_colours(array) if "flag_values" in array.attrs and dtype == "uint8" else None
    write_cog(array, target, colours=colours)
