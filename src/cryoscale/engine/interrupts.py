"""Loaded by worker processes of this machine, which share a terminal with the run that has started them."""

import signal
from typing import Any


def dask_setup(worker: Any) -> None:  # noqa: ARG001
    """Leave Ctrl+C to the run, which then ends its workers; each would print a traceback of its own.

    Parameters
    ----------
    worker : distributed.Worker
        In its own process.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
