"""The report of any store: what it is, whether it is whole, and what it holds, from as little of it as that takes."""

from collections.abc import Sequence
from math import ceil, log10, prod, sqrt
from pathlib import Path

import xarray as xr

from cryoscale.chunks import damaged_blocks
from cryoscale.errors import StoreError
from cryoscale.folders import Folder, files_below
from cryoscale.grids import describe_grid
from cryoscale.report import Section, write_report
from cryoscale.report.store import WHOLE, Sample, store_section, variables_table
from cryoscale.report.store_curves import curve_sections, section_figures
from cryoscale.report.store_maps import Layers, layers_section, map_section
from cryoscale.schemas import STORE_KINDS, problems
from cryoscale.viewer.source import Source, bytes_to_read, entry_labels, layer_labels, open_source

MOST_VALUES = 8_000_000
"""Of a variable that are held at once; more are thinned out."""

MOST_BYTES = 4 * 2**30
"""Chunks of a variable that are decoded at most; what would take more comes from overviews, or from the middle."""

MAP_VALUES = 700 * 700
"""Of each of several maps side by side."""

MOST_MAPS = 9
"""Of layers that do not follow each other in time."""

_SERIAL = ("time", "year", "pair")
_SHRINK = 0.7
_SMALLEST = 0.02  # share of a side below which the middle is not made smaller


def default_target(path: Folder) -> Path:
    """Where the report of a store goes if nobody says so.

    Parameters
    ----------
    path : Path or UPath
        The store.

    Returns
    -------
    pathlib.Path
        ``deformation.report.html`` beside ``deformation.zarr``; beside the group for a store in one; in the working
        directory for one in an object store.

    Examples
    --------
    >>> default_target(Path("results/deformation.zarr")).as_posix()
    'results/deformation.report.html'
    """
    if (path.parent / "zarr.json").is_file():  # what lies in a group counts as its content
        group, name = path.parent, f"{path.parent.stem}.{path.name}"
    else:
        group, name = path, path.name
    target = f"{name.removesuffix('.zarr')}.report.html"
    return group.with_name(target) if isinstance(group, Path) else Path(target)


def report_store(path: Folder, target: Path) -> Path:
    """Write the report of a store as one HTML file.

    Parameters
    ----------
    path : Path or UPath
        A store of any of our products; one that a run is still writing is shown as far as it is.
    target : pathlib.Path
        The file. Its folder is made if it is not there.

    Returns
    -------
    pathlib.Path
        The file; the same store gives the same bytes.

    Raises
    ------
    StoreError
        If it is not a store that cryoscale wrote.
    """
    source = open_source(path)
    names = [*source.maps, *_others(source)]
    samples = {name: read_sample(source, name, most=MOST_VALUES) for name in names if source.data[name].size}
    words = [array for name, array in source.data.data_vars.items() if name not in samples]
    about = store_section(
        _facts(source),
        faults=list(problems(path)),
        missing=(source.n_missing, sum(_n_chunks(array) for array in source.data.data_vars.values())),
        variables=variables_table(samples, words),
    )
    maps = [_raster_section(source, sample) for sample in samples.values() if _is_raster(sample.array)]
    others = _other_sections(source, [sample for sample in samples.values() if not _is_raster(sample.array)])
    target.parent.mkdir(parents=True, exist_ok=True)
    return write_report(target, path.name, sections=[about, *maps, *others], provenance=source.data.attrs)


def read_sample(source: Source, name: str, *, most: int, entries: Sequence[int] | None = None) -> Sample:
    """Read a variable, or as much of it as stands for it: every n-th pixel, of an overview, of the middle.

    Parameters
    ----------
    source : Source
        The store.
    name : str
        Of a variable.
    most : int
        Values that are kept at most.
    entries : sequence of int, optional
        Along the first dim; by default all.

    Returns
    -------
    Sample
        From the finest level of which no more than `MOST_BYTES` need be decoded.

    Raises
    ------
    StoreError
        If chunks cannot be decoded.
    """
    levels = [factor for factor, level in source.levels.items() if name in level]
    share = 1.0
    costs = {factor: _cost(source.levels[factor][name], entries, most, share) for factor in levels}
    factor = next((factor for factor in levels if costs[factor] <= MOST_BYTES), levels[-1])
    array = source.levels[factor][name]
    while _cost(array, entries, most, share) > MOST_BYTES and share > _SMALLEST:
        share *= _SHRINK
    region = _region(array, entries, most, share)
    part = array.isel(region if entries is None else {**region, array.dims[0]: list(entries)})
    step = next((chosen.step for chosen in region.values()), 1)
    return Sample(_loaded(source, part), _taken(array, factor, step, share), _hint(levels, costs[factor], share))


def _hint(levels: Sequence[int], cost: int, share: float) -> str:
    if share == 1:
        return ""
    remedy = "" if len(levels) > 1 else " cryoscale view --prepare writes overviews, from which it takes little."
    return f"All of it would read {cost / 2**30:.1f} GB.{remedy}"


def _loaded(source: Source, part: xr.DataArray) -> xr.DataArray:
    try:
        return part.compute()
    except (RuntimeError, ValueError, OSError):
        name = str(part.name)
        damaged = damaged_blocks(source.path, name)
        if not damaged:
            raise
        raise StoreError(
            f"{source.path}: {len(damaged)} chunks of {name} cannot be decoded, the first {min(damaged)}. Remove them "
            "with cryoscale validate --deep, and start the run that makes the store again; it writes them anew."
        ) from None


def _region(array: xr.DataArray, entries: Sequence[int] | None, most: int, share: float) -> dict[str, slice]:
    """The middle of rasters and of other large variables, every n-th of their last two dims; tables are read whole."""
    sides = [str(dim) for dim in array.dims[-2:]] if _is_raster(array) or array.ndim > 2 else []
    n_values = array.size if entries is None else array.size // array.shape[0] * len(entries)
    step = max(ceil(sqrt(n_values * share**2 / most)), 1)
    region = {}
    for dim in sides:
        n = max(int(array.sizes[dim] * share), 1)
        first = (array.sizes[dim] - n) // 2
        region[dim] = slice(first + min((step - 1) // 2, n - 1), first + n, step)
    return region


def _cost(array: xr.DataArray, entries: Sequence[int] | None, most: int, share: float) -> int:
    """Bytes to decode."""
    region = _region(array, entries, most, share)
    if entries is None or not array.ndim:
        return bytes_to_read(array, region) if array.ndim else array.nbytes
    touched = {entry // array.encoding["chunks"][0]: entry for entry in entries}
    return sum(bytes_to_read(array, {**region, str(array.dims[0]): entry}) for entry in touched.values())


def _taken(array: xr.DataArray, factor: int, step: int, share: float) -> str:
    parts = []
    if step > 1:
        parts.append(f"one {'pixel' if _is_raster(array) else 'value'} in {step} x {step}")
    if factor > 1:
        what = "means" if array.dtype.kind == "f" else "one"
        parts.append(f"{what} of {factor} x {factor} pixels (overviews)")
    if share < 1:
        parts.append(f"the middle {100 * share**2:.0f} % of the area")
    return ", ".join(parts) or WHOLE


def _is_raster(array: xr.DataArray) -> bool:
    return array.ndim in (2, 3) and array.dims[-2:] == ("y", "x")


def _others(source: Source) -> list[str]:
    """Numbers that are no maps, first those that a viewer offers as curves."""
    known = (*source.maps, *source.curves)
    data = source.data
    return [*source.curves, *(str(name) for name in data if name not in known and data[name].dtype.kind in "iufb")]


def _raster_section(source: Source, sample: Sample) -> Section:
    name = str(sample.array.name)
    dim = source.layer_dim(name)
    if dim is None:
        return map_section(sample)
    labels = layer_labels(source, name)
    shown = _chosen(len(labels), dim)
    if sample.taken == WHOLE:
        maps = Sample(sample.array.isel({dim: shown}))
    else:
        maps = read_sample(source, name, entries=shown, most=MAP_VALUES * len(shown))
    titled = {labels[i]: _layer(maps.array, dim, place) for place, i in enumerate(shown)}
    return layers_section(Layers(titled, sample, labels))


def _chosen(n: int, dim: str) -> list[int]:
    """First, middle and last in time; of other layers all that there is room for."""
    return list(dict.fromkeys((0, n // 2, n - 1))) if dim in _SERIAL else list(range(min(n, MOST_MAPS)))


def _layer(maps: xr.DataArray, dim: str, place: int) -> xr.DataArray:
    """One map; of features, which are quantities of their own, with its own name and unit."""
    layer = maps.isel({dim: place})
    if "unit" not in layer.coords:
        return layer
    return layer.rename(str(layer[dim].item())).assign_attrs(units=str(layer["unit"].item()))


def _other_sections(source: Source, samples: Sequence[Sample]) -> list[Section]:
    if source.kind == "mining-section":
        lines = [sample for sample in samples if not {"z", "x"} & set(sample.array.dims)]
        return [section_figures(source.data.compute()), *curve_sections(lines)]
    return curve_sections([sample for sample in samples if sample.array.ndim])


def _facts(source: Source) -> dict[str, str]:
    data, path = source.data, source.path
    sizes = files_below(path)
    plain = sum(array.nbytes for array in data.data_vars.values())
    facts = {
        "Store": path.name,
        "Product": f"{STORE_KINDS[source.kind].title} ({source.kind})",
        "Grid": describe_grid(source.geobox) if source.geobox else "none: tables, no maps",
        "Dims": ", ".join(f"{dim} {size:,}" for dim, size in data.sizes.items()),
    }
    facts |= {dim.capitalize(): _span(data, dim) for dim in ("time", "year") if data.sizes.get(dim)}
    facts |= {"Chunks": _chunking(data)} if len(data.data_vars) else {}
    return facts | {
        "Size": f"{_size(sum(sizes.values()))} in {len(sizes):,} files; {_size(plain)} in memory",
        "Overviews": ", ".join(f"1:{factor}" for factor in source.levels if factor > 1) or "none",
        "Written": f"{data.attrs['created']}, by cryoscale {data.attrs['cryoscale_version']}",
    }


def _span(data: xr.Dataset, dim: str) -> str:
    labels = entry_labels(data, dim)
    return f"{labels[0]} to {labels[-1]} ({len(labels):,})" if len(labels) > 1 else labels[0]


def _chunking(data: xr.Dataset) -> str:
    """Of the largest variable."""
    array = max(data.data_vars.values(), key=lambda array: array.nbytes)
    chunks = array.encoding["chunks"]
    shape = " x ".join(f"{n:,}" for n in chunks) or "one value"
    size = _size(prod(chunks) * array.dtype.itemsize)
    return f"{array.name}: {_n_chunks(array):,} chunks of {shape} ({', '.join(map(str, array.dims))}), {size} each"


def _n_chunks(array: xr.DataArray) -> int:
    return prod(ceil(size / n) for size, n in zip(array.shape, array.encoding["chunks"], strict=True))


def _size(n_bytes: float) -> str:
    power = min(int(log10(max(n_bytes, 1)) // 3), 4)
    return f"{n_bytes / 1000**power:.3g} {('B', 'kB', 'MB', 'GB', 'TB')[power]}"
