"""Zarr stores: create, open, see what is there, and keep the record of how they were made.

A chunk that exists is complete, because zarr writes a chunk beside its place and renames it; so the chunks on disk
are the only record of progress, and there is nothing else that could disagree with them.
"""

import hashlib
import itertools
import json
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from zarr.codecs import BloscCodec, BloscShuffle
from zarr.errors import ZarrUserWarning

from cryoscale import __version__
from cryoscale.errors import InputError, StoreError

COMPRESSOR = BloscCodec(cname="zstd", clevel=1, shuffle=BloscShuffle.shuffle)
"""On noisy float32 this reads three times as fast as plain zstd and takes a tenth less space."""

Block = tuple[int, ...]


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


def fingerprint(paths: Sequence[Path]) -> str:
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
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in files:
            name = str(file.relative_to(path)) if path.is_dir() else ""
            digest.update(f"{name}\0{file.stat().st_size}\0".encode())
            if not path.is_dir() or file.name == "zarr.json":
                digest.update(_samples(file, blocks))
    return digest.hexdigest()


def _samples(path: Path, blocks: int, size: int = 4096) -> bytes:
    total = path.stat().st_size
    with path.open("rb") as file:
        if total <= blocks * size:
            return file.read()
        parts = []
        for start in np.linspace(0, total - size, blocks).astype(int):
            file.seek(int(start))
            parts.append(file.read(size))
    return b"".join(parts)


def create_store(path: Path, dataset: xr.Dataset, *, chunks: Mapping[str, int], provenance: Provenance) -> None:
    """Write a store's metadata, its attributes and all that is not lazy; the lazy variables stay empty.

    Parameters
    ----------
    path : Path
        Must not exist; it appears only when all of this has been written.
    dataset : xarray.Dataset
        With Dask-backed variables whose chunks are multiples of `chunks`.
    chunks : mapping
        Chunk length per dim; dims that are not named are one chunk.
    provenance : Provenance
        Goes into the attributes.
    """
    encoding = {str(name): _encoding(array, chunks) for name, array in dataset.data_vars.items()}
    attrs = {**dataset.attrs, **provenance.to_attrs(), "created": _now()}
    if "spatial_ref" in dataset.coords:
        dataset = dataset.assign({name: _with_grid_mapping(array) for name, array in dataset.data_vars.items()})
    partial = path.with_name(f"{path.name}.creating")
    shutil.rmtree(partial, ignore_errors=True)
    partial.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # Consolidated metadata is not yet in the v3 specification, but every reader knows it and opens faster with it.
        warnings.simplefilter("ignore", ZarrUserWarning)
        dataset.drop_encoding().assign_attrs(attrs).to_zarr(
            partial,
            mode="w",
            compute=False,
            encoding=encoding,
            zarr_format=3,
            consolidated=True,
            write_empty_chunks=True,
        )
    partial.rename(path)


def create_group(path: Path, attrs: Mapping[str, Any]) -> None:
    """Make a Zarr group that stores can be created in, as ``path / name``; leaves one that is there.

    Parameters
    ----------
    path : Path
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
    zarr.create_group(path, zarr_format=3, attributes=dict(attrs))


def consolidate_group(path: Path) -> None:
    """Note all stores of a group in its own metadata, so that ``xarray.open_zarr(path, group=name)`` is quick.

    Parameters
    ----------
    path : Path
        From `create_group`, when its stores are there.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZarrUserWarning)  # as in create_store
        zarr.consolidate_metadata(path, zarr_format=3)


def save_small(dataset: xr.Dataset, path: Path, *, provenance: Provenance) -> None:
    """Save a small dataset in memory, such as what a pass over a whole stack has found; replaces what is there.

    Parameters
    ----------
    dataset : xarray.Dataset
        Not lazy.
    path : Path
        A Zarr store.
    provenance : Provenance
        Goes into the attributes.
    """
    attrs = {**dataset.attrs, **provenance.to_attrs(), "created": _now()}
    partial = path.with_name(f"{path.name}.creating")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZarrUserWarning)  # as in create_store
        dataset.drop_encoding().assign_attrs(attrs).to_zarr(
            partial, mode="w", zarr_format=3, consolidated=True, write_empty_chunks=True
        )
    shutil.rmtree(path, ignore_errors=True)
    partial.rename(path)


def is_saved(path: Path, provenance: Provenance) -> bool:
    """Whether a store of the same provenance is there already, so that it need not be computed and saved again.

    Parameters
    ----------
    path : Path
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


def open_store(path: Path, *, complete: bool = True) -> xr.Dataset:
    """Open one of our stores lazily, chunk by chunk as stored.

    Parameters
    ----------
    path : Path
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
    dataset: xr.Dataset = xr.open_zarr(path, mask_and_scale=False, decode_coords="all")
    dataset = dataset.assign_coords({name: coord.compute() for name, coord in dataset.coords.items()})
    for variable in dataset.variables.values():
        variable.attrs.pop("_FillValue", None)
    missing = sum(len(missing_blocks(path, str(name))) for name in dataset.data_vars) if complete else 0
    if missing:
        raise StoreError(f"{path}: {missing} chunks are missing. Start the run that makes it again; it goes on there.")
    return dataset


def read_provenance(path: Path) -> Provenance:
    """Provenance of a store.

    Raises
    ------
    StoreError
        If cryoscale did not write it.
    """
    try:
        return Provenance.from_attrs(zarr.open_group(path, mode="r").attrs.asdict())
    except (FileNotFoundError, KeyError):
        raise StoreError(f"{path}: is not a store that cryoscale wrote. Name another path or remove it.") from None


def missing_blocks(path: Path, name: str) -> set[Block]:
    """Chunks of a variable that are not there.

    Parameters
    ----------
    path : Path
        The store.
    name : str
        The variable.

    Returns
    -------
    set of tuple of int
        Indices in the grid of chunks.
    """
    array = zarr.open_array(path, path=name, mode="r")
    shape = tuple(-(-size // chunk) for size, chunk in zip(array.shape, array.chunks, strict=True))
    return set(itertools.product(*(range(n) for n in shape))) - set(_existing_blocks(path / name, array.ndim))


def stored_chunks(path: Path, name: str) -> dict[str, int]:
    """Chunk length of a variable per dim; empty if there is no such store yet.

    Parameters
    ----------
    path : Path
        The store.
    name : str
        The variable.

    Returns
    -------
    dict
    """
    if not (path / name / "zarr.json").is_file():
        return {}
    chunks = xr.open_zarr(path, chunks={})[name].encoding["preferred_chunks"]
    return {str(dim): int(size) for dim, size in chunks.items()}


def _existing_blocks(folder: Path, ndim: int) -> Iterator[Block]:
    """Chunks on disk: the files ``c/0/1/2`` of the default chunk key encoding."""
    root = folder / "c"
    if ndim == 0:
        return (() for _ in range(root.is_file()))
    return (
        tuple(int(part) for part in file.relative_to(root).parts)
        for file in root.glob("/".join("*" * ndim))
        if file.name.isdigit()
    )


def remove_partial_files(path: Path) -> None:
    """Remove what a killed run left half written beside its chunks."""
    for file in path.rglob("*.partial"):
        file.unlink(missing_ok=True)


def require_same_run(path: Path, provenance: Provenance) -> None:
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


def require_absent_or_ours(path: Path) -> None:
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
