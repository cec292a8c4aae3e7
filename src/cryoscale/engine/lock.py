"""A lock against two runs that write one store."""

import fcntl
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

from cryoscale.errors import StoreError
from cryoscale.folders import Folder, reaching, writing

BEAT = timedelta(seconds=20)
"""Between two signs of life of whoever holds a lock in an object store."""

SILENCE = 6 * BEAT
"""Without a sign of life after which a lock in an object store is taken from its owner."""


@contextmanager
def lock_store(path: Folder) -> Iterator[None]:
    """Hold the lock beside a store, ``<name>.lock``.

    On a disk the kernel frees it when the process dies, however it dies. An object store has no such lock: there its
    owner writes the time into it every 20 seconds, and after two minutes of silence another run takes it.

    Parameters
    ----------
    path : Path or UPath
        The store.

    Raises
    ------
    StoreError
        If another run holds it, with that run's process, host and start.
    """
    file = path.with_name(f"{path.name}.lock")
    with _locked_file(file, path) if isinstance(file, Path) else _locked_object(file, path):
        yield


def _owner() -> dict[str, Any]:
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat("T", "seconds")}


def _is_held(store: Folder, owner: str) -> StoreError:
    return StoreError(
        f"{store}: another run is writing this store ({owner}). Wait for it, or name another output folder."
    )


@contextmanager
def _locked_file(file: Path, store: Folder) -> Iterator[None]:
    with writing(store):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = _open_locked(file, store)
    with handle:
        with writing(store):
            handle.truncate(0)
            os.write(handle.fileno(), json.dumps(_owner()).encode())  # a full disk is not met again on closing
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def _open_locked(file: Path, store: Folder) -> TextIO:
    """Open and lock the file; once more if its last owner removed it in between."""
    while True:
        handle = file.open("a+", encoding="utf-8")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with handle:
                handle.seek(0)
                owner = handle.read() or "it has just begun"
            raise _is_held(store, owner) from None
        if file.exists() and os.fstat(handle.fileno()).st_ino == file.stat().st_ino:
            return handle
        handle.close()


@contextmanager
def _locked_object(file: Folder, store: Folder) -> Iterator[None]:
    owner = _owner()
    with reaching(store):
        _take(file, store, owner)
    over = threading.Event()
    beating = threading.Thread(target=_beat, args=(file, owner, over), daemon=True)
    beating.start()
    try:
        yield
    finally:
        over.set()
        beating.join()
        file.unlink(missing_ok=True)


def _take(file: Folder, store: Folder, owner: dict[str, Any]) -> None:
    """Create the lock, which only one can; after removing one whose owner is silent."""
    if file.exists():
        held = file.read_text(encoding="utf-8")
        if datetime.now(UTC) - datetime.fromisoformat(json.loads(held)["alive"]) < SILENCE:
            raise _is_held(store, held)
        file.unlink(missing_ok=True)
    try:
        with file.open("xb") as handle:
            handle.write(_signed(owner))
    except FileExistsError:
        raise _is_held(store, "it has just begun") from None


def _beat(file: Folder, owner: dict[str, Any], over: threading.Event) -> None:
    while not over.wait(BEAT.total_seconds()):
        with file.open("wb") as handle:
            handle.write(_signed(owner))


def _signed(owner: dict[str, Any]) -> bytes:
    return json.dumps(owner | {"alive": datetime.now(UTC).isoformat()}).encode()
