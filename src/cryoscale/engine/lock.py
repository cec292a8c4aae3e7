"""A lock against two runs that write one store."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

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
    with file.open("a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            raise StoreError(
                f"{path}: another run is writing this store ({handle.read() or 'it has just begun'}). "
                "Wait for it, or name another output folder."
            ) from None
        handle.truncate(0)
        owner = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat("T", "seconds"),
        }
        handle.write(json.dumps(owner))
        handle.flush()
        yield
