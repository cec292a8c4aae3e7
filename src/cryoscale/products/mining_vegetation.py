"""Vegetation of a district before mining: its map, how good it is, and the areas of its classes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import sklearn
import xarray as xr

from cryoscale import ground, terrain
from cryoscale.errors import InputError
from cryoscale.grids import local_plane
from cryoscale.learning import grouped_folds, random_folds, spatial_blocks
from cryoscale.products.mining_config import Vegetation
from cryoscale.products.mining_run import Run
from cryoscale.products.permafrost_checks import at_pixels
from cryoscale.stats.confusion import Confusion

RANDOM, BLOCKED = "random", "blocked"


@dataclass(frozen=True)
class VegetationFound:
    """What was found of vegetation.

    Attributes
    ----------
    layers : xarray.Dataset
        ``vegetation_class`` and ``vegetation_probability``, lazy, from their store.
    confusions : dict of str to Confusion
        Of samples left out: in ``random`` and in ``blocked`` folds.
    importance : pandas.DataFrame
        Of the features, by random folds.
    areas : ground.AdjustedAreas
        Of the classes, by the random folds.
    samples, left_out : pandas.DataFrame
        Points that the forest learns from, and those that lack a feature.
    """

    layers: xr.Dataset
    confusions: dict[str, Confusion]
    importance: pd.DataFrame
    areas: ground.AdjustedAreas
    samples: pd.DataFrame
    left_out: pd.DataFrame


def map_vegetation(run: Run, options: Vegetation) -> VegetationFound:
    """Classify the district, and validate the map.

    Parameters
    ----------
    run : Run
        In progress, with labels.
    options : Vegetation
        Its section of the configuration.

    Returns
    -------
    VegetationFound
    """
    features = _features(run, options)
    samples, left_out = _samples(run, options, features)
    table, classes = samples[[str(name) for name in features]], samples["class"].to_numpy()
    science = {
        "vegetation": options.model_dump(mode="json", exclude={"labels", "level", "validation", "n_repeats"}),
        "scikit-learn": sklearn.__version__,
    }
    sources: dict[str, Any] = {name: source.paths() for name, source in options.bands.items()}
    sources |= {"elevation": run.config.terrain.paths(), "labels": [options.labels]}
    checks = science | {"validation": options.validation.model_dump(mode="json"), "n_repeats": options.n_repeats}
    classifier = run.kept(
        "vegetation",
        provenance=run.provenance("vegetation-classifier", science, sources),
        make=lambda: options.classifier().fit(table, classes),
    )
    confusions, importance = run.kept(
        "vegetation_validation",
        provenance=run.provenance("vegetation-validation", checks, sources),
        make=lambda: _validated(options, table, classes, samples),
    )
    layers = run.write(
        _with_object_names(ground.classify_vegetation(features, classifier)),
        "vegetation",
        provenance=run.provenance("vegetation", science, sources),
    )
    areas = ground.adjusted_areas(ground.mapped_areas(layers.vegetation_class), confusions[RANDOM], level=options.level)
    return VegetationFound(layers, confusions, importance, areas, samples, left_out)


def _features(run: Run, options: Vegetation) -> xr.Dataset:
    """Bands, indices and terrain, lazy."""
    box, chunks = run.inputs.geobox, run.chunks
    bands = xr.Dataset({name: options.bands[name].open(name, box, chunks=chunks) for name in ground.REFLECTANCES})
    elevation = run.elevation()
    shape = {"elevation": elevation, "slope": terrain.slope(elevation)} | dict(terrain.aspect_components(elevation))
    return bands.assign(ground.spectral_indices(bands).data_vars).assign(shape)


def _samples(run: Run, options: Vegetation, features: xr.Dataset) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Labelled points with their features; and those that lack one, with the reason."""
    labels = run.inputs.labels
    if labels is None:
        raise InputError("vegetation: has no labels. Give vegetation.labels.")
    values = run.scheduler.reduce(at_pixels(features, labels))
    found = pd.DataFrame({str(name): array.values.astype(float) for name, array in values.items()})
    complete = np.isfinite(found.to_numpy()).all(axis=1)
    if not complete.any():
        raise InputError(f"{options.labels}: no point has all bands and elevation. Check the extent of the rasters.")
    lacking = [", ".join(found.columns[~np.isfinite(row)]) for row in found[~complete].to_numpy()]
    table = pd.concat([labels, found], axis=1)
    left_out = labels[~complete].assign(reason=[f"no {names}" for names in lacking])
    return table[complete].reset_index(drop=True), left_out


def _validated(
    options: Vegetation, table: pd.DataFrame, classes: Any, samples: pd.DataFrame
) -> tuple[dict[str, Confusion], pd.DataFrame]:
    """Confusions of samples left out, and what the features are worth."""
    folds = _folds(options, samples)
    classifier = options.classifier()
    confusions = {
        way: ground.validate_classifier(table, classes, folds=labels, classifier=classifier)
        for way, labels in folds.items()
    }
    importance = ground.class_importance(
        table, classes, folds=folds[RANDOM], classifier=classifier, n_repeats=options.n_repeats, seed=options.seed
    )
    return confusions, importance


def _folds(options: Vegetation, samples: pd.DataFrame) -> dict[str, Any]:
    """Two ways to leave samples out, which answer two questions: between samples, and beyond them."""
    choice = options.validation
    blocks = spatial_blocks(*local_plane(samples["longitude"], samples["latitude"]), size=choice.block_size)
    n_blocks = len(np.unique(blocks))
    if n_blocks < choice.n_folds:
        raise InputError(
            f"{options.labels}: the points lie in {n_blocks} blocks of {choice.block_size:g} m, fewer than the "
            f"{choice.n_folds} folds. Set vegetation.validation.block_size lower."
        )
    return {
        RANDOM: random_folds(len(samples), choice.n_folds, seed=choice.seed),
        BLOCKED: grouped_folds(blocks, choice.n_folds, seed=choice.seed),
    }


def _with_object_names(layers: xr.Dataset) -> xr.Dataset:
    """Names of classes as objects: Zarr v3 has no strings of fixed length."""
    return layers.assign_coords(vegetation=layers.vegetation.values.astype(object))
