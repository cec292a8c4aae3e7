"""Where the stores of a run lie."""

from pathlib import Path
from typing import Protocol

from cryoscale.folders import Folder


class HasStores(Protocol):
    """What every product's configuration has."""

    @property
    def output(self) -> Path:
        """Folder of the results."""

    @property
    def stores(self) -> Folder | None:
        """Folder of the stores, where it is another."""


def store_path(config: HasStores, name: str) -> Folder:
    """Zarr store of a run.

    Parameters
    ----------
    config : HasStores
        The product's configuration.
    name : str
        Of the store, without its suffix.

    Returns
    -------
    Path or UPath
    """
    return stores_folder(config) / f"{name}.zarr"


def stores_folder(config: HasStores) -> Folder:
    """Where all stores of a run lie.

    Parameters
    ----------
    config : HasStores
        The product's configuration.

    Returns
    -------
    Path or UPath
    """
    return config.output if config.stores is None else config.stores
