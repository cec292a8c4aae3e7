"""Folders that stores lie in: on a disk, or in an object store (``s3://bucket/prefix``)."""

import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeAlias

from upath import UPath

from cryoscale.errors import ConfigError, MissingExtraError

Folder: TypeAlias = Path | UPath
"""Of a disk, or of an object store; both join with ``/`` and have ``name``, ``exists`` and ``open``."""


def folder_at(location: str | Folder) -> Folder:
    """Folder of a path or of a URL.

    Credentials, region and endpoint of an object store are those of the environment (``AWS_ACCESS_KEY_ID``,
    ``AWS_ENDPOINT_URL``, ...) or of the AWS configuration files.

    Parameters
    ----------
    location : str or Path or UPath
        A path, or ``s3://bucket/prefix``.

    Returns
    -------
    Path or UPath

    Raises
    ------
    ConfigError
        If the URL is of another kind of store.
    MissingExtraError
        If the library for object stores is not installed.

    Examples
    --------
    >>> folder_at("results").name
    'results'
    """
    if not isinstance(location, str) or "://" not in location:
        return Path(location) if isinstance(location, str) else location
    if not location.startswith("s3://"):
        raise ConfigError(f"{location}: is no folder that stores can go to. Give a path, or s3://bucket/prefix.")
    try:
        return UPath(location, use_listings_cache=False)  # a listing must show what other workers have just written
    except ImportError as error:
        raise MissingExtraError(f"{location}: needs s3fs ({error}). pip install 'cryoscale[s3]'") from None


def is_remote(folder: Folder) -> bool:
    """Whether a folder is of an object store."""
    return not isinstance(folder, Path)


def location_of(folder: Folder) -> Path | str:
    """What zarr and xarray open: the path, or the URL."""
    return folder if isinstance(folder, Path) else str(folder)


def files_below(folder: Folder) -> dict[str, int]:
    """Size of every file below a folder, by its name relative to it, sorted.

    Parameters
    ----------
    folder : Path or UPath
        It need not exist.

    Returns
    -------
    dict of str to int
        Bytes.
    """
    if isinstance(folder, Path):
        found = {
            file.relative_to(folder).as_posix(): file.stat().st_size for file in folder.rglob("*") if file.is_file()
        }
    else:
        start = len(folder.path) + 1
        listed = folder.fs.find(folder.path, detail=True)
        found = {name[start:]: int(facts["size"]) for name, facts in listed.items() if len(name) > start}
    return dict(sorted(found.items()))


def remove(folder: Folder) -> None:
    """Remove a folder and all that is below it, if it is there."""
    if isinstance(folder, Path):
        shutil.rmtree(folder, ignore_errors=True)
    elif folder.exists():
        folder.fs.rm(folder.path, recursive=True)


def move_into_place(built: Path, folder: Folder) -> None:
    """Replace a store by one that was built on a disk, so that readers see the one or the other.

    An object store cannot rename: all is uploaded, the metadata of the root last, without which there is no store.

    Parameters
    ----------
    built : Path
        A store with its root metadata, ``zarr.json``; on the same disk where `folder` is on one.
    folder : Path or UPath
        Where it goes.
    """
    remove(folder)
    if isinstance(folder, Path):
        built.rename(folder)
        return
    for name in sorted(files_below(built), key=lambda name: name == "zarr.json"):
        folder.fs.put_file(str(built / name), f"{folder.path}/{name}")
    shutil.rmtree(built)


def place_to_build(folder: Folder) -> Path:
    """Where to build a store that `move_into_place` will take to its folder; anything left there is removed."""
    if isinstance(folder, Path):
        place = folder.with_name(f"{folder.name}.creating")
    else:
        place = Path(mkdtemp(prefix="cryoscale-")) / folder.name
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    return place
