"""Chunks of a store: which are there, which are whole, how long they are."""

import itertools
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import xarray as xr
import zarr
from zarr.codecs import BloscCodec

from cryoscale.folders import Folder, files_below, location_of

Block = tuple[int, ...]
"""Index of a chunk in the grid of chunks of its variable."""

_BLOSC_HEADER = 16
"""Bytes, of which the last four are the length of the whole (Blosc 1 format, README_CHUNK_FORMAT)."""


def missing_blocks(path: Folder, name: str) -> set[Block]:
    """Chunks of a variable that are not there.

    Parameters
    ----------
    path : Path or UPath
        The store.
    name : str
        The variable.

    Returns
    -------
    set of tuple of int
        Indices in the grid of chunks.
    """
    array = zarr.open_array(location_of(path), path=name, mode="r")
    return _all_blocks(array) - set(_sizes(path / name, array.ndim))


def lost_blocks(path: Folder, name: str) -> set[Block]:
    """Chunks of a variable that are not there, or not whole: a disk that was full, a copy that was broken off.

    A chunk begins with its own length, which is compared with that of its file. In an object store a chunk is written
    whole or not at all, so only their presence is looked at there.

    Parameters
    ----------
    path : Path or UPath
        The store.
    name : str
        The variable.

    Returns
    -------
    set of tuple of int
        Indices in the grid of chunks.
    """
    array = zarr.open_array(location_of(path), path=name, mode="r")
    sizes = _sizes(path / name, array.ndim)
    if isinstance(path, Path) and any(isinstance(codec, BloscCodec) for codec in array.compressors):
        sizes = {block: size for block, size in sizes.items() if _length(_file(path / name, block)) == size}
    return _all_blocks(array) - set(sizes)


def damaged_blocks(path: Folder, name: str) -> set[Block]:
    """Chunks of a variable that are there and cannot be decoded; reads all of them.

    Parameters
    ----------
    path : Path or UPath
        The store.
    name : str
        The variable.

    Returns
    -------
    set of tuple of int
        Indices in the grid of chunks.
    """
    array = zarr.open_array(location_of(path), path=name, mode="r")
    present = _all_blocks(array) - missing_blocks(path, name)
    return {block for block in present if not _decodes(array, block)}


def _decodes(array: zarr.Array[Any], block: Block) -> bool:
    try:
        array.get_block_selection(block) if block else array[()]
    except (RuntimeError, ValueError, OSError):  # what codecs say of bytes that they cannot decode
        return False
    return True


def _all_blocks(array: zarr.Array[Any]) -> set[Block]:
    shape = (-(-size // chunk) for size, chunk in zip(array.shape, array.chunks, strict=True))
    return set(itertools.product(*(range(n) for n in shape)))


def _sizes(folder: Folder, ndim: int) -> dict[Block, int]:
    """Bytes of the chunks that are there: the files ``c/0/1/2`` of the default chunk key encoding."""
    if ndim:
        return dict(_named(files_below(folder / "c"), ndim))
    whole = files_below(folder).get("c")
    return {} if whole is None else {(): whole}


def _named(files: dict[str, int], ndim: int) -> Iterator[tuple[Block, int]]:
    for name, size in files.items():
        parts = name.split("/")
        if len(parts) == ndim and all(part.isdigit() for part in parts):
            yield tuple(int(part) for part in parts), size


def _file(folder: Path, block: Block) -> Path:
    return folder.joinpath("c", *map(str, block))


def _length(file: Path) -> int:
    """What a chunk says of its own length; -1 if it is too short to say it."""
    with file.open("rb") as handle:
        header = handle.read(_BLOSC_HEADER)
    return int(struct.unpack("<I", header[12:])[0]) if len(header) == _BLOSC_HEADER else -1


def remove_blocks(path: Folder, name: str, *, blocks: set[Block]) -> None:
    """Remove chunks, so that the next run of the same writes them anew.

    Parameters
    ----------
    path : Path or UPath
        The store.
    name : str
        The variable.
    blocks : set of tuple of int
        Indices in the grid of chunks.
    """
    for block in blocks:
        (path / name).joinpath("c", *map(str, block)).unlink(missing_ok=True)


def stored_chunks(path: Folder, name: str) -> dict[str, int]:
    """Chunk length of a variable per dim; empty if there is no such store yet.

    Parameters
    ----------
    path : Path or UPath
        The store.
    name : str
        The variable.

    Returns
    -------
    dict
    """
    if not (path / name / "zarr.json").is_file():
        return {}
    chunks = xr.open_zarr(location_of(path), chunks={})[name].encoding["preferred_chunks"]
    return {str(dim): int(size) for dim, size in chunks.items()}


def remove_partial_files(path: Folder) -> None:
    """Remove what a killed run left half written beside its chunks."""
    if isinstance(path, Path):  # an object appears whole or not at all
        for file in path.rglob("*.partial"):
            file.unlink(missing_ok=True)
