"""A lock against two runs that write one store."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from cryoscale.errors import StoreError


@contextmanager
def lock_store(path: Path) -> Iterator[None]:
    """Hold the lock file beside a store; the kernel frees it when the process dies, however it dies.

    Parameters
    ----------
    path : Path
        The store; the lock is ``<name>.lock`` beside it.

    Raises
    ------
    StoreError
        If another run holds it, with that run's process, host and start.
    """
    file = path.with_name(f"{path.name}.lock")
    file.parent.mkdir(parents=True, exist_ok=True)
    with _locked(file, path) as handle:
        handle.truncate(0)
        owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat("T", "seconds")}
        handle.write(json.dumps(owner))
        handle.flush()
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def _locked(file: Path, store: Path) -> TextIO:
    """Open and lock the file; once more if its last owner removed it in between."""
    while True:
        handle = file.open("a+", encoding="utf-8")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with handle:
                handle.seek(0)
                owner = handle.read() or "it has just begun"
            raise StoreError(
                f"{store}: another run is writing this store ({owner}). Wait for it, or name another output folder."
            ) from None
        if file.exists() and os.fstat(handle.fileno()).st_ino == file.stat().st_ino:
            return handle
        handle.close()
