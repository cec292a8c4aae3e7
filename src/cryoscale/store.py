"""Zarr stores: create, open, see what is there, and keep the record of how they were made.

A chunk that exists is complete, because zarr writes a chunk beside its place and renames it; so the chunks on disk
are the only record of progress, and there is nothing else that could disagree with them.
"""

import hashlib
import json
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import xarray as xr
import zarr
from zarr.codecs import BloscCodec, BloscShuffle
from zarr.errors import ZarrUserWarning

from cryoscale import __version__
from cryoscale.chunks import missing_blocks
from cryoscale.errors import InputError, StoreError
from cryoscale.folders import Folder, files_below, location_of, move_into_place, place_to_build, reaching, writing

COMPRESSOR = BloscCodec(cname="zstd", clevel=1, shuffle=BloscShuffle.shuffle)
"""On noisy float32 this reads three times as fast as plain zstd and takes a tenth less space."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a store was made; two runs with the same provenance give the same chunks.

    Attributes
    ----------
    product : str
        Name of the product, as on the command line.
    config : mapping
        The settings that the values depend on, as plain JSON types.
    inputs : mapping
        Name of an input to its fingerprint.
    version : str
        Version of cryoscale.
    """

    product: str
    config: Mapping[str, Any]
    inputs: Mapping[str, str]
    version: str = __version__

    def to_attrs(self) -> dict[str, str]:
        """As attributes of a group: strings, so that they also fit into NetCDF."""
        return {
            "Conventions": "CF-1.11",
            "product": self.product,
            "cryoscale_version": self.version,
            "config": json.dumps(self.config, sort_keys=True),
            "inputs": json.dumps(self.inputs, sort_keys=True),
        }

    @classmethod
    def from_attrs(cls, attrs: Mapping[str, Any]) -> "Provenance":
        """Read back what `to_attrs` wrote; raises `KeyError` for a group that cryoscale did not write."""
        return cls(
            product=attrs["product"],
            config=json.loads(attrs["config"]),
            inputs=json.loads(attrs["inputs"]),
            version=attrs["cryoscale_version"],
        )

    def differences(self, other: "Provenance") -> list[str]:
        """What differs, a line each: ``gamma: 0.0001 in the store, 0.001 now``."""
        mine, others = _flatten(self.to_dict()), _flatten(other.to_dict())
        keys = [key for key in {**mine, **others} if mine.get(key) != others.get(key)]
        return [f"{key}: {mine.get(key)} in the store, {others.get(key)} now" for key in keys]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        content = {
            "product": self.product,
            "version": self.version,
            "config": self.config,
            "inputs": self.inputs,
        }
        return json.loads(json.dumps(content))  # type: ignore[no-any-return]


def _flatten(content: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(content, dict):
        return {prefix: content}
    flat: dict[str, Any] = {}
    for key, value in content.items():
        flat |= _flatten(value, f"{prefix}.{key}".removeprefix("."))
    return flat


def fingerprint(paths: Sequence[Folder]) -> str:
    """Fingerprint of files: their names, sizes and samples of their content.

    Files up to 256 KiB are hashed whole. Of a larger one 64 blocks of 4 KiB, evenly spread and with both ends, are
    hashed, so that a stack of terabytes is checked in seconds; a change between the samples that keeps the size goes
    unnoticed. Of more than a thousand files fewer blocks are read of each, as many in all, but at least 4.

    Parameters
    ----------
    paths : sequence of Path
        Files, or Zarr stores (of which the metadata and the list of chunks with their sizes are hashed).

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    digest = hashlib.blake2b(digest_size=16)
    blocks = max(min(64, 64_000 // max(len(paths), 1)), 4)
    for path in paths:
        digest.update(f"{path.name}\0".encode())
        single = path.is_file()
        if not single and not path.exists():
            raise FileNotFoundError(path)
        files = {"": path.stat().st_size} if single else files_below(path)
        for name, size in files.items():
            digest.update(f"{name}\0{size}\0".encode())
            if single or name.rpartition("/")[2] == "zarr.json":
                digest.update(_samples(path / name if name else path, size, blocks=blocks))
    return digest.hexdigest()


def _samples(path: Folder, total: int, *, blocks: int, size: int = 4096) -> bytes:
    with path.open("rb") as file:
        if total <= blocks * size:
            return file.read()
        parts = []
        for start in np.linspace(0, total - size, blocks).astype(int):
            file.seek(int(start))
            parts.append(file.read(size))
    return b"".join(parts)


def create_store(path: Folder, dataset: xr.Dataset, *, chunks: Mapping[str, int], provenance: Provenance) -> None:
    """Write a store's metadata, its attributes and all that is not lazy; the lazy variables stay empty.

    Parameters
    ----------
    path : Path or UPath
        Must not exist; it appears only when all of this has been written.
    dataset : xarray.Dataset
        With Dask-backed variables whose chunks are multiples of `chunks`.
    chunks : mapping
        Chunk length per dim; dims that are not named are one chunk.
    provenance : Provenance
        Goes into the attributes.

    Raises
    ------
    ResourceError
        If there is no room on the disk, or it may not be written.
    """
    encoding = {str(name): _encoding(array, chunks) for name, array in dataset.data_vars.items()}
    attrs = {**dataset.attrs, **provenance.to_attrs(), "created": _now()}
    if "spatial_ref" in dataset.coords:
        dataset = dataset.assign({name: _with_grid_mapping(array) for name, array in dataset.data_vars.items()})
    with writing(path), warnings.catch_warnings():
        # Consolidated metadata is not yet in the v3 specification, but every reader knows it and opens faster with it.
        warnings.simplefilter("ignore", ZarrUserWarning)
        partial = place_to_build(path)
        dataset.drop_encoding().assign_attrs(attrs).to_zarr(
            partial,
            mode="w",
            compute=False,
            encoding=encoding,
            zarr_format=3,
            consolidated=True,
            write_empty_chunks=True,
        )
        move_into_place(partial, path)


def create_group(path: Folder, attrs: Mapping[str, Any]) -> None:
    """Make a Zarr group that stores can be created in, as ``path / name``; leaves one that is there.

    Parameters
    ----------
    path : Path or UPath
        The group.
    attrs : mapping
        Its attributes.

    Raises
    ------
    StoreError
        If the folder is there and is no Zarr group.
    """
    if (path / "zarr.json").is_file():
        return
    if path.exists() and any(path.iterdir()):
        raise StoreError(f"{path}: is a folder with other content. Name another path or remove it.")
    with writing(path):
        zarr.create_group(location_of(path), zarr_format=3, attributes=dict(attrs))


def consolidate_group(path: Folder) -> None:
    """Note all stores of a group in its own metadata, so that ``xarray.open_zarr(path, group=name)`` is quick.

    Parameters
    ----------
    path : Path or UPath
        From `create_group`, when its stores are there.
    """
    with writing(path), warnings.catch_warnings():
        warnings.simplefilter("ignore", ZarrUserWarning)  # as in create_store
        zarr.consolidate_metadata(location_of(path), zarr_format=3)


def save_small(dataset: xr.Dataset, path: Folder, *, provenance: Provenance) -> None:
    """Save a small dataset in memory, such as what a pass over a whole stack has found; replaces what is there.

    Parameters
    ----------
    dataset : xarray.Dataset
        Not lazy.
    path : Path or UPath
        A Zarr store.
    provenance : Provenance
        Goes into the attributes.

    Raises
    ------
    ResourceError
        If there is no room on the disk, or it may not be written.
    """
    attrs = {**dataset.attrs, **provenance.to_attrs(), "created": _now()}
    with writing(path), warnings.catch_warnings():
        warnings.simplefilter("ignore", ZarrUserWarning)  # as in create_store
        partial = place_to_build(path)
        dataset.drop_encoding().assign_attrs(attrs).to_zarr(
            partial, mode="w", zarr_format=3, consolidated=True, write_empty_chunks=True
        )
        move_into_place(partial, path)


def is_saved(path: Folder, provenance: Provenance) -> bool:
    """Whether a store of the same provenance is there already, so that it need not be computed and saved again.

    Parameters
    ----------
    path : Path or UPath
        Where `save_small` would write.
    provenance : Provenance
        What it would depend on.

    Returns
    -------
    bool
    """
    return (path / "zarr.json").is_file() and not read_provenance(path).differences(provenance)


def _with_grid_mapping(array: xr.DataArray) -> xr.DataArray:
    """CF's link from a raster to its CRS."""
    return array.assign_attrs(grid_mapping="spatial_ref") if {"y", "x"} <= set(array.dims) else array


def _encoding(array: xr.DataArray, chunks: Mapping[str, int]) -> dict[str, Any]:
    encoding: dict[str, Any] = {"compressors": (COMPRESSOR,)}
    if np.issubdtype(array.dtype, np.floating):
        encoding["_FillValue"] = np.nan
    if array.ndim:
        sizes = (min(chunks.get(str(dim), size), size) for dim, size in array.sizes.items())
        encoding["chunks"] = tuple(max(size, 1) for size in sizes)
    return encoding


def _now() -> str:
    """Creation time; SOURCE_DATE_EPOCH fixes it where whole stores are compared byte by byte."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH")
    moment = datetime.fromtimestamp(int(fixed), UTC) if fixed else datetime.now(UTC)
    return moment.isoformat(timespec="seconds")


def open_store(path: Folder, *, complete: bool = True) -> xr.Dataset:
    """Open one of our stores lazily, chunk by chunk as stored.

    Parameters
    ----------
    path : Path or UPath
        The Zarr store.
    complete : bool
        Refuse a store in which chunks are missing: they would read as "no data" and give a wrong map.

    Returns
    -------
    xarray.Dataset

    Raises
    ------
    StoreError
        If there is no store, or it is incomplete.
    """
    if not (path / "zarr.json").is_file():
        raise StoreError(f"{path}: no Zarr store here.")
    # No data is NaN in memory and on disk alike, so there is nothing to mask, which would cost a pass over the data.
    dataset: xr.Dataset = xr.open_zarr(location_of(path), mask_and_scale=False, decode_coords="all")
    dataset = dataset.assign_coords({name: coord.compute() for name, coord in dataset.coords.items()})
    for variable in dataset.variables.values():
        variable.attrs.pop("_FillValue", None)
    missing = sum(len(missing_blocks(path, str(name))) for name in dataset.data_vars) if complete else 0
    if missing:
        raise StoreError(f"{path}: {missing} chunks are missing. Start the run that makes it again; it goes on there.")
    return dataset


def read_provenance(path: Folder) -> Provenance:
    """Provenance of a store.

    Raises
    ------
    StoreError
        If cryoscale did not write it.
    """
    with reaching(path):
        if not (path / "zarr.json").is_file():
            raise StoreError(f"{path}: {_instead_of_store(path)}")
        try:
            return Provenance.from_attrs(zarr.open_group(location_of(path), mode="r").attrs.asdict())
        except (KeyError, TypeError, ValueError):
            raise StoreError(f"{path}: {_instead_of_store(path)}") from None


def _instead_of_store(path: Folder) -> str:
    if not path.exists():
        return "there is no such folder. Name a store that cryoscale wrote, such as results/deformation.zarr."
    require_no_stores_inside(path)
    return "is not a store that cryoscale wrote. Name another path."


def require_no_stores_inside(path: Folder) -> None:
    """Refuse a folder, or a group, of stores where one store is asked for.

    Raises
    ------
    StoreError
        Naming the stores; overviews, which are a cache, are none.
    """
    is_store = _is_group if (path / "zarr.json").is_file() else _is_named_store
    children = path.iterdir() if path.is_dir() else iter(())
    stores = sorted(child.name for child in children if ".overviews" not in child.suffixes and is_store(child))
    if stores:
        raise StoreError(f"{path}: is a folder of stores. Name one of them: {', '.join(stores)}.")


def _is_named_store(folder: Folder) -> bool:
    return folder.suffix == ".zarr" and (folder / "zarr.json").is_file()


def _is_group(folder: Folder) -> bool:
    metadata = folder / "zarr.json"
    return metadata.is_file() and json.loads(metadata.read_text(encoding="utf-8"))["node_type"] == "group"


def require_same_run(path: Folder, provenance: Provenance) -> None:
    """Refuse to go on with a store that another configuration, input or version began.

    Raises
    ------
    StoreError
        Naming every difference.
    """
    differences = read_provenance(path).differences(provenance)
    if differences:
        lines = "\n".join(f"  - {line}" for line in differences[:12])
        raise StoreError(
            f"{path}: was made by another run:\n{lines}\n"
            "Name another output folder, or replace this one with --overwrite."
        )


def require_absent_or_ours(path: Folder) -> None:
    """Refuse to replace a folder that is not a store of ours.

    Raises
    ------
    StoreError
        If cryoscale did not write it.
    InputError
        If it is a file.
    """
    if path.is_file():
        raise InputError(f"{path}: is a file; a Zarr store is a folder. Name another path.")
    if path.exists():
        read_provenance(path)
