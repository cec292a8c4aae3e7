"""What a store offers to look at, and opening it so that only what is asked for is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from cryoscale.chunks import missing_blocks
from cryoscale.engine.overviews import SUFFIX, open_overviews
from cryoscale.errors import StoreError
from cryoscale.folders import Folder, location_of
from cryoscale.grids import geobox_of
from cryoscale.insar import Verdict
from cryoscale.report import network_gaps
from cryoscale.schemas import STORE_KINDS, read_schema
from cryoscale.store import read_provenance, require_no_stores_inside

Gap = tuple[np.datetime64, np.datetime64]
_MAP_DIMS = frozenset({"y", "x"})


@dataclass(frozen=True, slots=True)
class Source:
    """An open store.

    Attributes
    ----------
    path : Path or UPath
        Where it is.
    kind : str
        Key of `STORE_KINDS`.
    levels : dict of int to xarray.Dataset
        The store (factor 1) and its overviews, finest first, all read only where they are indexed.
    gaps : tuple
        Dates that no pair of the network spans; empty where that is not known.
    n_missing : int
        Chunks that a run has yet to write.
    """

    path: Folder
    kind: str
    levels: dict[int, xr.Dataset]
    gaps: tuple[Gap, ...] = ()
    n_missing: int = 0

    @property
    def data(self) -> xr.Dataset:
        """The store at full resolution."""
        return self.levels[1]

    @property
    def geobox(self) -> GeoBox | None:
        """Grid of its maps; none for a store of tables."""
        return geobox_of(self.data) if set(self.data.sizes) >= _MAP_DIMS else None

    @property
    def maps(self) -> list[str]:
        """Variables that maps can be drawn of, those that the store is for first."""
        return [name for name in self._numbers() if set(self.data[name].dims) >= _MAP_DIMS]

    @property
    def curves(self) -> list[str]:
        """Variables without a map that can be drawn against their last dim."""
        return [name for name in self._numbers() if self.data[name].ndim and not _MAP_DIMS & set(self.data[name].dims)]

    def _numbers(self) -> list[str]:
        kind = STORE_KINDS[self.kind]
        known = [name for name in (*kind.required, *kind.optional) if name in self.data]
        others = [str(name) for name in self.data.data_vars if name not in known]
        return [name for name in (*known, *others) if self.data[name].dtype.kind in "iufb"]

    def layer_dim(self, name: str) -> str | None:
        """Dim beside y and x, of which a map shows one: ``time``, ``year``, ``pair``, ``feature``.

        Parameters
        ----------
        name : str
            Of a variable.

        Returns
        -------
        str or None
        """
        others = [str(dim) for dim in self.data[name].dims if dim not in _MAP_DIMS]
        return others[0] if others else None


def open_source(path: Folder) -> Source:
    """Open a store to look at it.

    Parameters
    ----------
    path : Path or UPath
        A store of any of our products; one that a run is still writing is shown as far as it is.

    Returns
    -------
    Source

    Raises
    ------
    StoreError
        If it is not a store that cryoscale wrote; if it is a folder of stores, they are named.
    """
    _refuse_overviews(path)
    require_no_stores_inside(path)
    kind = read_provenance(path).product
    read_schema(kind)
    store = open_lazily(path)
    levels = {1: store} | {factor: open_lazily(level) for factor, level in open_overviews(path, store).items()}
    # Only whole stores have overviews; to list the chunks of a large one takes longer than its first view.
    missing = 0 if len(levels) > 1 else sum(len(missing_blocks(path, str(name))) for name in store.data_vars)
    return Source(path, kind, levels, _gaps_beside(path), missing)


def distinct_names(sources: Sequence[Source]) -> list[str]:
    """Names of stores on a page: of their own, and of as many folders above them as tell them apart.

    Parameters
    ----------
    sources : sequence of Source
        The stores.

    Returns
    -------
    list of str
        ``["a/deformation.zarr", "b/deformation.zarr"]`` for the same product of two runs.
    """
    parts = [source.path.parts for source in sources]
    most = max(map(len, parts))
    different = len(set(parts))
    n = next(n for n in range(1, most + 1) if len({part[-n:] for part in parts}) == different)
    return ["/".join(part[-n:]) for part in parts]


def layer_labels(source: Source, name: str) -> list[str]:
    """What each of a variable's maps is of: a date, a year, a pair of dates, a feature.

    Parameters
    ----------
    source : Source
        The store.
    name : str
        Of `Source.maps`.

    Returns
    -------
    list of str
        Empty for a variable that is one map.
    """
    dim = source.layer_dim(name)
    if dim is None:
        return []
    if dim == "pair" and "reference" in source.data.coords:
        ends = (entry_labels(source.data, end) for end in ("reference", "secondary"))
        return [f"{start} to {end}" for start, end in zip(*ends, strict=True)]
    return entry_labels(source.data, dim)


def entry_labels(data: xr.Dataset, name: str) -> list[str]:
    """Entries of a dim or of its coordinate, as text; of a dim without coordinate their numbers."""
    if name not in data.coords:
        return [str(i) for i in range(data.sizes[name])]
    values = data[name].values
    return [str(value)[:10] if values.dtype.kind == "M" else str(value) for value in values]


def open_lazily(path: Folder) -> xr.Dataset:
    """Open a store without Dask, whose graph of a large store costs more than reading a window of it."""
    dataset: xr.Dataset = xr.open_zarr(location_of(path), chunks=None, mask_and_scale=False, decode_coords="all")
    dataset = dataset.assign_coords({name: coord.compute() for name, coord in dataset.coords.items()})
    for variable in dataset.variables.values():
        variable.attrs.pop("_FillValue", None)
    return dataset


def bytes_to_read(array: xr.DataArray, region: Mapping[str, slice | int]) -> int:
    """Bytes of all chunks that a region touches: what reading it decodes, whatever is kept of it.

    Parameters
    ----------
    array : xarray.DataArray
        From `open_lazily`, not indexed yet.
    region : mapping
        Slice or index by dim; dims that are not named are read whole.

    Returns
    -------
    int
    """
    chunks = array.encoding["chunks"]
    touched = (
        len(np.unique(np.atleast_1d(np.arange(size)[region.get(str(dim), slice(None))]) // chunk))
        for (dim, size), chunk in zip(array.sizes.items(), chunks, strict=True)
    )
    return int(prod(touched) * prod(chunks) * array.dtype.itemsize)


def _refuse_overviews(path: Folder) -> None:
    if any(part.endswith(SUFFIX) for part in path.parts):
        raise StoreError(f"{path}: holds overviews, a cache. Name the store that they lie beside; it uses them.")


def _gaps_beside(path: Folder) -> tuple[Gap, ...]:
    """Gaps of the network that the survey beside a cube tells of; a pair counts unless the survey dropped it."""
    beside = path.parent / "survey.zarr"
    if not (beside / "zarr.json").is_file() or read_provenance(beside).product != "deformation-survey":
        return ()
    survey = open_lazily(beside)
    used = survey["coverage"].values > 0
    if "verdict" in survey:
        used &= survey["verdict"].values <= Verdict.UNTESTED
    if "reference_phase" in survey:
        used &= np.isfinite(survey["reference_phase"].values)
    return tuple(network_gaps(survey["reference"].values[used], survey["secondary"].values[used]))
