"""Whether a cluster still has workers: a run that nobody computes ends with the reason instead of waiting for ever."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from distributed import Client

from cryoscale.errors import RESUME, ResourceError

LOOPBACK = "127.0.0.1:0"
"""Where dashboards listen unless asked: any free port of the host that they run on."""

LOGGERS = ("distributed", "asyncssh", "tornado.application")
REMOTE_SHELL = "distributed.deploy.ssh"


class Outlook(StrEnum):
    """What is known of workers that are not there."""

    QUEUED = "queued"
    STARTING = "starting"
    GONE = "gone"


class Watch:
    """Looks after the workers of a client.

    Parameters
    ----------
    client : distributed.Client
        Its scheduler knows the workers.
    patience : float
        Seconds without any worker after which there will be none; time in a batch system's queue does not count.
    outlook : callable
        Says of workers that are not there whether they may still come.
    words : callable
        The last that the cluster wrote to its logs.
    """

    def __init__(
        self, client: Client, *, patience: float, outlook: Callable[[], Outlook], words: Callable[[], str]
    ) -> None:
        self.client = client
        self._patience = patience
        self._outlook = outlook
        self._words = words
        self._seen = time.monotonic()

    def await_worker(self) -> None:
        """Wait for the first worker.

        Raises
        ------
        ResourceError
            If none comes.
        """
        while not self._n_workers():
            self.check()
            time.sleep(0.1)

    def check(self) -> None:
        """Make sure that somebody computes.

        Raises
        ------
        ResourceError
            If the scheduler is lost, or all workers are, with what the logs say.
        """
        if self._n_workers():
            self._seen = time.monotonic()
            return
        outlook = self._outlook()
        if outlook is Outlook.QUEUED:
            self._seen = time.monotonic()
        elif outlook is Outlook.GONE:
            raise self.error("no worker is there, and none will come: those that were started have ended.")
        elif time.monotonic() - self._seen > self._patience:
            raise self.error(f"no worker has been there for {self._patience:g} s (cluster.patience).")

    def error(self, what: str) -> ResourceError:
        """What happened, the last words of the cluster, and what to do."""
        said = self._words()
        logs = f"\nThe last of its logs:\n{said}\n" if said else " "
        return ResourceError(f"the cluster: {what}{logs}{RESUME}")

    def _n_workers(self) -> int:
        if self.client.status != "running":
            raise self.error("the connection to the scheduler is lost; it has ended or cannot be reached.")
        return len(self.client.scheduler_info()["workers"])


class _Words(logging.Handler):
    """Keeps the last warnings, of an exception what it says, and what remote shells print while workers start."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: deque[str] = deque(maxlen=12)

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.WARNING and record.name != REMOTE_SHELL:
            return
        reason = record.exc_info[1] if record.exc_info else None
        self._lines.append(str(reason).strip() if reason else record.getMessage())

    def __call__(self) -> str:
        return "\n".join(f"  {line}" for text in self._lines for line in text.splitlines() if line.strip())


@contextmanager
def listen() -> Iterator[Callable[[], str]]:
    """Keep the last warnings of the cluster's parts that live in this process.

    Yields
    ------
    callable
        Returns them, one indented line each.
    """
    words, loggers = _Words(), [logging.getLogger(name) for name in LOGGERS]
    for logger in loggers:
        logger.addHandler(words)
    try:
        yield words
    finally:
        for logger in loggers:
            logger.removeHandler(words)
