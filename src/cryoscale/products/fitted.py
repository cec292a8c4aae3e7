"""Fitted models of a run: kept beside its stores, fitted once, sent to workers by name instead of by value."""

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import joblib

from cryoscale.errors import StoreError
from cryoscale.store import Provenance


class StoredModel:
    """A model in a file, with the attributes of the model.

    A forest has tens of megabytes. Pickled with every tile of a plateau it would be most of what goes over the network;
    a worker that gets this instead reads the file once.

    Parameters
    ----------
    path : Path
        File by `joblib.dump`, where workers can read it.
    modified : int
        When it was written, so that a worker does not take an older one for it.
    """

    def __init__(self, path: Path, modified: int) -> None:
        self._path, self._modified = path, modified

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(_load(self._path, self._modified), name)

    def __reduce__(self) -> tuple[Any, ...]:
        return StoredModel, (self._path, self._modified)


@lru_cache(maxsize=4)
def _load(path: Path, modified: int) -> Any:  # noqa: ARG001
    return joblib.load(path)


def fitted_once(path: Path, provenance: Provenance, *, fit: Callable[[], Any], overwrite: bool) -> StoredModel:
    """Open the model of an earlier run of the same, or fit it.

    Parameters
    ----------
    path : Path
        Where it is kept; its provenance goes into a ``.json`` beside it.
    provenance : Provenance
        What the model depends on, the versions of the libraries that fit it included.
    fit : callable
        Gives the fitted model.
    overwrite : bool
        Replace the model of another configuration.

    Returns
    -------
    StoredModel

    Raises
    ------
    StoreError
        If the model there is of another configuration or other inputs.
    """
    label = path.with_suffix(".json")
    if path.exists() and label.exists():
        differences = Provenance.from_attrs(json.loads(label.read_text(encoding="utf-8"))).differences(provenance)
        if not differences:
            return StoredModel(path, path.stat().st_mtime_ns)
        if not overwrite:
            listed = "".join(f"\n  - {one}" for one in differences)
            raise StoreError(
                f"{path}: was fitted by another run:{listed}\nGive --overwrite to replace it, or another output folder."
            )
    path.parent.mkdir(parents=True, exist_ok=True)
    label.unlink(missing_ok=True)  # a model without its label is not trusted, so a crash in between does no harm
    partial_file = path.with_suffix(".part")
    joblib.dump(fit(), partial_file)
    partial_file.replace(path)
    label.write_text(json.dumps(provenance.to_attrs()), encoding="utf-8")
    return StoredModel(path, path.stat().st_mtime_ns)
