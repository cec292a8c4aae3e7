"""Folders that stores lie in: on a disk, or in an object store (``s3://bucket/prefix``)."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeAlias

from upath import UPath

from cryoscale.errors import RESUME, ConfigError, CryoscaleError, MissingExtraError, ResourceError

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
        import_module("s3fs")  # or it would be missed only when something is read
    except ImportError as error:
        raise MissingExtraError(f"{location}: needs s3fs ({error}): pip install 'cryoscale[s3]'.") from None
    return UPath(location, use_listings_cache=False)  # a listing must show what other workers have just written


def is_remote(folder: Folder) -> bool:
    """Whether a folder is of an object store."""
    return not isinstance(folder, Path)


def location_of(folder: Folder) -> Path | str:
    """What zarr and xarray open: the path, or the URL."""
    return folder if isinstance(folder, Path) else str(folder)


def free_disk(folder: Folder) -> int | None:
    """Free bytes on the disk that a folder is, or will be, on.

    Parameters
    ----------
    folder : Path or UPath
        It need not exist.

    Returns
    -------
    int or None
        None for an object store, which has no end.
    """
    return shutil.disk_usage(_existing(folder)).free if isinstance(folder, Path) else None


def require_writable(folder: Folder) -> None:
    """Refuse a folder that is a file, or in which nothing can be made, before there is anything to lose.

    Parameters
    ----------
    folder : Path or UPath
        It need not exist; of an object store it shows only when something is written.

    Raises
    ------
    ResourceError
        Naming the folder or file that is in the way.
    """
    if not isinstance(folder, Path):
        return
    existing = _existing(folder)
    if not existing.is_dir():
        raise ResourceError(f"{existing}: {_ADVICE[errno.ENOTDIR]}")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise ResourceError(f"{existing}: {_ADVICE[errno.EACCES]}")


def _existing(path: Path) -> Path:
    """The path, or the first of the folders above it that is there."""
    return next(place for place in (path.absolute(), *path.absolute().parents) if os.path.lexists(place))


_FULL = "No space is left on its disk. Make room there."
_DENIED = "Permission is denied. Name a place that you may read and write, or have the right given to you."
_OCCUPIED = "A file is where a folder should be. Name another folder, or move the file."

_ADVICE = {
    errno.ENOSPC: f"{_FULL} {RESUME}",
    errno.EDQUOT: f"Your quota of its disk is used up. Make room there, or have it raised. {RESUME}",
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EROFS: "Its disk can only be read. Name a place on another.",
    errno.EEXIST: _OCCUPIED,
    errno.ENOTDIR: _OCCUPIED,
}
"""What to do about errors of a disk that the user can mend."""

_NOTHING_LEFT = 64 * 1024
"""Free bytes below which nothing of ours can be written."""


@contextmanager
def writing(path: Folder) -> Iterator[None]:
    """Say of a disk that is full, or where nothing may be written, what to do about it.

    Parameters
    ----------
    path : Path or UPath
        What is being written.

    Raises
    ------
    ResourceError
        Instead of an error of the operating system that the user can mend; and of any error while the disk is full,
        because GDAL does not say which of its errors mean that.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file, writing(Path(file.name)):
    ...     Path(file.name, "results").mkdir()
    Traceback (most recent call last):
    ...
    cryoscale.errors.ResourceError: ...: A file is where a folder should be. Name another folder, or move the file.
    """
    try:
        yield
    except CryoscaleError:
        raise
    except Exception as error:
        kind = error.errno if isinstance(error, OSError) else None
        if kind not in _ADVICE:
            free = free_disk(path)
            kind = errno.ENOSPC if free is not None and free < _NOTHING_LEFT else None
        if kind is None:
            raise
        place = getattr(error, "filename", None) or path
        raise ResourceError(f"{place}: {_ADVICE[kind]}") from error


@contextmanager
def reaching(folder: Folder) -> Iterator[None]:
    """Say of an object store that does not answer, or does not let us in, what to do about it.

    Parameters
    ----------
    folder : Path or UPath
        What is read or written; of a disk, errors stay what they are.

    Raises
    ------
    ResourceError
        Instead of an error of the object store.
    """
    if not is_remote(folder):
        yield
        return
    from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]  # noqa: PLC0415 (of s3fs)

    try:
        yield
    except (BotoCoreError, OSError) as error:
        raise ResourceError(
            f"{folder}: the object store cannot be used ({error}). AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are the "
            "way in, AWS_ENDPOINT_URL is its address if it is not Amazon's, and the bucket must be there."
        ) from error


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
