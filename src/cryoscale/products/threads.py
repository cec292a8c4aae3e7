"""Dask's own computations, such as folds, in as many threads as a run may use."""

from collections.abc import Iterator
from contextlib import contextmanager

import dask

from cryoscale.engine import Cluster, ClusterKind


@contextmanager
def run_threads(cluster: Cluster) -> Iterator[None]:
    """Let `dask.compute` use as many threads as configured; with an open client it uses that by itself.

    Parameters
    ----------
    cluster : Cluster
        Kind and workers.
    """
    if cluster.kind is not ClusterKind.THREADS:
        yield
        return
    with dask.config.set(scheduler="threads", num_workers=cluster.n_tasks):
        yield
