"""The arrays that downscaling computes with: coarse pixels to learn from, fine pixels to predict."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import dask
import dask.array as da
import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.learning.prediction import predict_rows
from cryoscale.thermal.footprint import Factor, aligned, block_means

Values = np.ndarray[Any, Any]

_SHARE = 0.5
"""Share of a coarse pixel in which a covariate must have a value for the pixel to count as a sample."""


def image_stack(array: xr.DataArray) -> Any:
    """Array (time or 1, y, x) of one or more images.

    Parameters
    ----------
    array : xarray.DataArray
        (y, x) or (time, y, x), in any order.

    Returns
    -------
    numpy.ndarray or dask.array.Array

    Raises
    ------
    InputError
        If it has other dims.
    """
    if not {"y", "x"} <= set(array.dims) <= {"time", "y", "x"}:
        raise InputError(f"{array.name}: has dims {tuple(array.dims)}, but must have y, x and at most time besides.")
    ordered = array.transpose("time", "y", "x", missing_dims="ignore")
    return ordered.data.reshape(-1, *ordered.shape[-2:])


@dataclass(frozen=True)
class CoarseSamples:
    """What a learner is fitted to: images, and covariates averaged over their pixels.

    Attributes
    ----------
    images : numpy.ndarray
        (image, y, x), float64, NaN where nothing was seen.
    covariates : numpy.ndarray
        (image, y, x, covariate), float32, NaN where fewer than half of the fine pixels have a value.
    names : tuple of str
        Of the covariates.
    """

    images: Values
    covariates: Values
    names: tuple[str, ...]

    @classmethod
    def of(cls, coarse: xr.DataArray, covariates: xr.Dataset, *, factor: Factor) -> Self:
        """Compute them.

        Parameters
        ----------
        coarse : xarray.DataArray
            (y, x) or (time, y, x).
        covariates : xarray.Dataset
            On a grid `factor` times as fine.
        factor : tuple of int
            Fine pixels in a coarse one.

        Returns
        -------
        CoarseSamples
        """
        means = [block_means(image_stack(c), factor, min_share=_SHARE) for c in covariates.data_vars.values()]
        images, *computed = dask.compute(image_stack(coarse), *means)
        layers = [np.broadcast_to(layer, images.shape).astype(np.float32) for layer in computed]
        names = tuple(str(name) for name in covariates.data_vars)
        return cls(np.where(np.isfinite(images), images, np.nan), np.stack(layers, axis=-1), names)

    @property
    def anomalies(self) -> Values:
        """Images less the mean of each, so that images of warm and cold days can be samples of one model."""
        seen = np.isfinite(self.images)
        totals, counts = np.where(seen, self.images, 0.0).sum((1, 2)), seen.sum((1, 2))
        means: Values = totals / np.maximum(counts, 1)
        return self.images - means[:, None, None]

    @property
    def usable(self) -> Values:
        """True where a pixel has a value in an image and in every covariate, (image, y, x)."""
        return np.isfinite(self.images) & np.isfinite(self.covariates).all(axis=-1)

    def select(self, names: Sequence[str]) -> Values:
        """Covariates of these names as rows for a learner.

        Parameters
        ----------
        names : sequence of str
            Among `names`.

        Returns
        -------
        numpy.ndarray
            (image * y * x, covariate), float32.
        """
        return self.covariates[..., [self.names.index(n) for n in names]].reshape(-1, len(names))


def predict_pixels(model: Any, layers: Sequence[Any], *, factor: Factor) -> Any:
    """Predictions of a learner for every fine pixel, chunk by chunk.

    Parameters
    ----------
    model : object
        A fitted regressor of scikit-learn's manner.
    layers : sequence of numpy.ndarray or dask.array.Array
        Covariates (time or 1, y, x) in the order of its fit.
    factor : tuple of int
        Fine pixels in a coarse one; chunks are moved to the edges of coarse pixels.

    Returns
    -------
    numpy.ndarray or dask.array.Array
        (time or 1, y, x), float32, NaN where a covariate has no value. A lazy result carries the model as one task.
    """
    if not any(isinstance(layer, da.Array) for layer in layers):
        return _predict(model, *layers)
    lazy = [aligned(da.asarray(layer), factor) for layer in layers]
    labelled = [item for layer in lazy for item in (layer, "tij")]
    once = dask.delayed(model, pure=True, traverse=False)
    return da.blockwise(_predict, "tij", once, None, *labelled, dtype=np.float32, meta=np.empty((0, 0, 0), np.float32))


def _predict(model: Any, *layers: Values) -> Values:
    rows = np.stack([layer.ravel() for layer in np.broadcast_arrays(*layers)], axis=-1, dtype=np.float32)
    predicted = np.full(len(rows), np.nan, np.float32)
    whole = np.isfinite(rows).all(axis=1)
    if whole.any():
        predicted[whole] = predict_rows(model, rows[whole])
    return predicted.reshape(np.broadcast_shapes(*(layer.shape for layer in layers)))
