"""A run in progress: what its steps have in common, and how each keeps what it has found."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import xarray as xr

from cryoscale.engine import Scheduler
from cryoscale.engine import run as run_tiles
from cryoscale.folders import Folder
from cryoscale.products.fitted import fitted_once
from cryoscale.products.mining_config import MiningConfig
from cryoscale.products.mining_inputs import Inputs
from cryoscale.products.places import store_path
from cryoscale.schemas import require_valid
from cryoscale.store import Provenance, fingerprint, is_saved, open_store, require_same_run, save_small
from cryoscale.variables import VARIABLES, attributes

Sources = Mapping[str, Sequence[Path] | str]
"""By name: files, or the name of a store of this run."""


@dataclass(frozen=True)
class Run:
    """A run in progress.

    Attributes
    ----------
    config : MiningConfig
        The whole configuration.
    inputs : Inputs
        From `mining_inputs.inspect`.
    tile : tuple of int
        Rows and columns that one task holds.
    scheduler : Scheduler
        Where tiles are computed.
    overwrite : bool
        Replace what another configuration has written.
    """

    config: MiningConfig
    inputs: Inputs
    tile: tuple[int, int]
    scheduler: Scheduler
    overwrite: bool

    @property
    def chunks(self) -> dict[str, int]:
        """Chunk lengths along y and x."""
        return {"y": self.tile[0], "x": self.tile[1]}

    def elevation(self) -> xr.DataArray:
        """The DEM, lazy."""
        return self.config.terrain.open(self.inputs.geobox, chunks=self.chunks)

    def store(self, name: str) -> Folder:
        """Where a store lies."""
        return store_path(self.config, name)

    def provenance(self, product: str, science: dict[str, Any], sources: Sources) -> Provenance:
        """How a result is made.

        Parameters
        ----------
        product : str
            Kind of the store.
        science : dict
            Settings that it depends on; the grid is added.
        sources : dict
            By name: files, or the name of a store of this run.
        """
        prints = {
            name: fingerprint([self.store(source)] if isinstance(source, str) else source)
            for name, source in sources.items()
        }
        return Provenance(product, {"grid": self.inputs.grid_name, **science}, prints)

    def write(self, dataset: xr.Dataset, name: str, *, provenance: Provenance) -> xr.Dataset:
        """Compute a lazy dataset into a store, tile by tile, and open it.

        Parameters
        ----------
        dataset : xarray.Dataset
            In chunks of this run's tiles.
        name : str
            Of the store.
        provenance : Provenance
            From `provenance`.

        Returns
        -------
        xarray.Dataset
            Lazy.
        """
        named = {variable: _described(array) for variable, array in dataset.items() if variable in VARIABLES}
        path = self.store(name)
        run_tiles(
            dataset.assign(named),
            path,
            chunks=self.chunks,
            provenance=provenance,
            scheduler=self.scheduler,
            overwrite=self.overwrite,
            title=name.replace("_", " "),
        )
        require_valid(path)
        return open_store(path)

    def saved(self, name: str, *, provenance: Provenance, make: Callable[[], xr.Dataset]) -> xr.Dataset:
        """Make a small dataset, or take that of an earlier run of the same.

        Parameters
        ----------
        name : str
            Of its store.
        provenance : Provenance
            From `provenance`; a store of another run is refused unless it may be replaced.
        make : callable
            Gives the dataset, not lazy.

        Returns
        -------
        xarray.Dataset
            In memory.
        """
        path = self.store(name)
        if path.exists() and not self.overwrite:
            require_same_run(path, provenance)
        if not is_saved(path, provenance):
            save_small(make(), path, provenance=provenance)
        require_valid(path)
        return open_store(path).compute()

    def kept(self, name: str, *, provenance: Provenance, make: Callable[[], Any]) -> Any:
        """Make something that is no dataset, such as a fitted model, or take that of an earlier run of the same.

        Parameters
        ----------
        name : str
            Of its file.
        provenance : Provenance
            From `provenance`.
        make : callable
            Gives it.

        Returns
        -------
        Any
        """
        path = self.config.output / f"{name}.joblib"
        fitted_once(path, provenance, fit=make, overwrite=self.overwrite)
        return joblib.load(path)


def _described(array: xr.DataArray) -> xr.DataArray:
    """With the registry's attributes and its own classes, and nothing that it has from what it was computed from."""
    flags = {key: array.attrs[key] for key in ("flag_values", "flag_meanings") if key in array.attrs}
    return array.drop_attrs().assign_attrs(attributes(str(array.name)) | flags)
