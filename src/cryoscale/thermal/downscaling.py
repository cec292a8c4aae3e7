"""Coarse images of temperature or vegetation, sharpened by what fine covariates explain of them."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import xarray as xr
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.utils.validation import check_is_fitted

from cryoscale.errors import InputError
from cryoscale.learning.samples import stratified_sample
from cryoscale.thermal.downscaling_grids import GridPair, covariates_at, on_fine_grid
from cryoscale.thermal.downscaling_samples import CoarseSamples, image_stack, predict_pixels
from cryoscale.thermal.downscaling_validation import (
    BILINEAR,
    CONSERVING,
    Blocks,
    Regressor,
    Trial,
    cross_validate,
    importance,
    score_table,
)
from cryoscale.thermal.footprint import Factor, as_factor, conserve, detail_of

Values = np.ndarray[Any, Any]


class Downscaler(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    r"""Downscale images by a regression on fine covariates, weighted by what it earns, that keeps coarse means.

    A learner is fitted to coarse pixels, with the covariates averaged over their footprint (the block of fine pixels),
    and applied to fine pixels. Of its prediction p only the detail counts, what it has beyond the bilinear
    interpolation of its own coarse means: :math:`e = p - B \bar p`. The result is

    .. math:: T = w\,e + B s, \qquad \overline{T} = T_{coarse},

    where the smooth field B s takes up, exactly, what the detail leaves of each coarse pixel (Kustas et al. 2003,
    Remote Sens. Environ. 85, 429-440, add the coarse residual as steps; a smooth one leaves no blocks; the forest is
    that of Hutengs and Vohland 2016, Remote Sens. Environ. 178, 127-141). With w = 0 it is the bilinear interpolation
    that keeps coarse means. Means are kept to the rounding of float32; see
    `cryoscale.thermal.footprint`.

    The weight w of each image is what the detail earns where the truth is known: coarse pixels are found again from
    means of 2 x 2 of them (in the four ways to lay these), with predictions of learners that never saw the block of
    ground. Three numbers make it: the w of the least squared error there; less its standard error over blocks, so that
    a detail which is not known to help does not count (the one-standard-error rule; Breiman et al. 1984,
    Classification and Regression Trees, section 3.4.3); less what it falls short of the w in the next octave of scale
    (what means of 4 x 4 pixels hide more than those of 2 x 2), for relations mostly fade with scale: neighbours warm
    each other, sensors blur, learners have noise of their own. How far the last goes on beyond one octave is unknown.

    Several images (with a dim ``time``) are pooled: one learner for all, fitted to the departures of each image from
    its mean, and a weight for each image. For one model an image, fit one to each.

    Parameters
    ----------
    regressor : object, optional
        Any regressor of scikit-learn's manner. None: a random forest of 50 trees on half of the covariates at each
        node, with 3 samples or more in a leaf and at most 512 leaves, which bounds the time that a pixel takes.
        `n_jobs` is set to 1 once it is fitted: chunks are predicted in parallel.
    factor : int or tuple of int
        Fine pixels in a coarse one, along y and x.
    covariate_sets : mapping of str to sequence of str, optional
        Sets to choose from by the smallest error in cross-validation. None: all covariates.
    n_folds : int
        Folds of the cross-validation.
    block_size : int
        Side of the blocks of ground that stay in one fold, coarse pixels.
    n_samples : int
        Coarse pixels that learners are fitted to, at most; as many from each image.
    seed : int
        Of folds, samples, the default forest and shuffled covariates.

    Attributes
    ----------
    scores_ : pandas.DataFrame
        By ``method`` (``bilinear``, ``conserving``, which is w = 0, and the sets of covariates): ``rmse`` in finding
        coarse pixels from 2 x 2 of them, in the unit of the images, each fold with the weight that the others earned;
        ``rmse_unweighted``, with w = 1; and of all images together ``earned``, ``earned_error`` and ``decline``, the
        three numbers above, and the ``weight`` that they make.
    covariates_ : tuple of str
        The set that was chosen.
    weight_ : xarray.DataArray
        Weight of each image, (time) or without dims.
    pooled_weight_ : float
        Weight of all images together, for images at other times than those of the fit.
    importance_ : pandas.DataFrame
        ``mean`` and ``std`` by covariate: growth of the error of held-out coarse pixels when it is shuffled.
    model_ : object
        The learner, fitted to all samples.

    Examples
    --------
    >>> from odc.geo.geobox import GeoBox
    >>> from cryoscale.grids import grid_coords
    >>> from cryoscale.thermal.footprint import aggregate
    >>> box = GeoBox.from_bbox((0, 0, 14400, 14400), "EPSG:32647", resolution=120.0)
    >>> height = xr.DataArray(np.random.default_rng(0).normal(size=(120, 120)), grid_coords(box), ("y", "x"))
    >>> truth = 10.0 - 3.0 * height
    >>> coarse, covariates = aggregate(truth, 5), xr.Dataset({"height": height})
    >>> model = Downscaler(factor=5).fit(coarse, covariates)
    >>> fine = model.predict(coarse, covariates)
    >>> float(abs(aggregate(fine, 5) - coarse).max()) < 1e-5
    True
    """

    def __init__(
        self,
        regressor: Regressor | None = None,
        *,
        factor: int | Factor,
        covariate_sets: Mapping[str, Sequence[str]] | None = None,
        n_folds: int = 5,
        block_size: int = 6,
        n_samples: int = 20_000,
        seed: int = 0,
    ) -> None:
        self.regressor = regressor
        self.factor = factor
        self.covariate_sets = covariate_sets
        self.n_folds = n_folds
        self.block_size = block_size
        self.n_samples = n_samples
        self.seed = seed

    def fit(self, coarse: xr.DataArray, covariates: xr.Dataset) -> Self:
        """Learn what covariates tell of coarse pixels, and how much of it to believe.

        Parameters
        ----------
        coarse : xarray.DataArray
            (y, x) or (time, y, x) with a CRS, any unit, NaN where nothing was seen.
        covariates : xarray.Dataset
            Numbers on a grid `factor` times as fine, (y, x) or (time, y, x), NaN where there is no value; it may
            reach beyond the coarse images or cover only a part. A coarse pixel is a sample where every covariate has
            a value in half of it. Averaged over blocks, lazily if they are lazy; then this computes.

        Returns
        -------
        Downscaler
            Itself.

        Raises
        ------
        InputError
            If grids or times do not match, a set names a covariate that there is not, or too few coarse pixels have
            a value for the blocks and folds.
        """
        sets = self._sets(covariates)
        grids = GridPair.between(coarse, covariates, factor=as_factor(self.factor))
        images = grids.crop_coarse(coarse)
        used = covariates[list(dict.fromkeys(name for names in sets.values() for name in names))]
        samples = CoarseSamples.of(images, grids.crop_fine(covariates_at(images, used)), factor=grids.factor)
        drawn = self._draw(samples)
        trials = self._try_sets(samples, sets, drawn=drawn)
        self.scores_ = score_table(trials)
        self._choose(trials[str(self.scores_["rmse"][list(sets)].idxmin())], images)
        self.model_ = _fitted(clone(self._learner()), samples, self.covariates_, drawn=drawn)
        return self

    def _draw(self, samples: CoarseSamples) -> Values:
        """Positions of the pixels to train on, as many from each image."""
        usable = xr.DataArray(np.where(samples.usable, 0.0, np.nan), dims=("image", "y", "x"))
        if not usable.notnull().any():
            raise InputError(
                "coarse: no pixel has a value together with all covariates in half of it. Look for the covariate that "
                "is NaN, or for images that lie elsewhere."
            )
        image = xr.DataArray(np.arange(usable.sizes["image"]), dims="image")
        table = stratified_sample(usable.to_dataset(name="usable"), n=self.n_samples, strata=image, seed=self.seed)
        return table.index.to_numpy()

    def _try_sets(
        self, samples: CoarseSamples, sets: Mapping[str, Sequence[str]], *, drawn: Values
    ) -> dict[str, Trial]:
        ever: Values = samples.usable.max(axis=0)
        blocks = Blocks.cut(ever, size=self.block_size, n_folds=self.n_folds, seed=self.seed)
        return {
            label: cross_validate(self._learner(), samples, names, drawn=drawn, blocks=blocks)
            for label, names in sets.items()
        }

    def _learner(self) -> Regressor:
        if self.regressor is not None:
            return self.regressor
        forest: Regressor = RandomForestRegressor(
            50, min_samples_leaf=3, max_leaf_nodes=512, max_features=0.5, random_state=self.seed
        )
        return forest

    def _choose(self, trial: Trial, images: xr.DataArray) -> None:
        """Keep what a trial says of its covariates and of how much their detail is worth."""
        self.covariates_ = trial.names
        self.importance_ = importance(trial, seed=self.seed)
        self.pooled_weight_ = float(trial.earnings.pooled().weights()[0])
        weights = trial.earnings.weights()
        dims = ("time",) if "time" in images.dims else ()
        coords = {name: c for name, c in images.coords.items() if c.dims == ("time",)}
        self.weight_ = xr.DataArray(weights if dims else weights[0], coords, dims, "weight")

    def _sets(self, covariates: xr.Dataset) -> dict[str, list[str]]:
        names = [str(name) for name in covariates.data_vars]
        sets = {"all": names} if self.covariate_sets is None else {k: list(v) for k, v in self.covariate_sets.items()}
        for label, chosen in sets.items():
            unknown = sorted(set(chosen) - set(names))
            if unknown or not chosen or label in {BILINEAR, CONSERVING}:
                raise InputError(
                    f"covariate_sets: {label!r} holds {chosen}; covariates are {names}. A set needs one or more of "
                    f"them, and another name than {BILINEAR!r} and {CONSERVING!r}."
                )
        if not sets:
            raise InputError("covariate_sets: is empty. Name a set, or leave it None for all covariates.")
        return sets

    def predict(self, coarse: xr.DataArray, covariates: xr.Dataset) -> xr.DataArray:
        """Downscale images.

        Parameters
        ----------
        coarse : xarray.DataArray
            As for `fit`; images of other times than those of the fit get the weight of all together. Missing pixels
            give the smooth part the value of the nearest one, but stay missing.
        covariates : xarray.Dataset
            As for `fit`. Where one of `covariates_` is NaN, there is no detail: the result is the smooth field there.

        Returns
        -------
        xarray.DataArray
            Dims, name and attributes of `coarse`, float32, on the fine pixels that lie in coarse pixels which the
            covariates cover wholly; NaN in coarse pixels that are NaN. Lazy where an input is lazy, in the chunks of
            the covariates, moved to edges of coarse pixels; the same to the bit however it is cut (as far as the
            learner predicts each pixel by itself to the bit; forests do).

        Raises
        ------
        InputError
            If a covariate is missing, or grids or times do not match.
        """
        images, fine, factor = self._matched(coarse, covariates)
        detail = detail_of(self._learned(fine, factor), factor)
        values = conserve(image_stack(images), detail, factor, weights=self.weights_of(images))
        return on_fine_grid(values.astype(np.float32), coarse=images, covariates=fine)

    def learned(self, coarse: xr.DataArray, covariates: xr.Dataset) -> xr.DataArray:
        """What the learner says of every fine pixel, each by itself: the first of the passes of `keep_means`.

        Parameters
        ----------
        coarse, covariates
            As for `predict`.

        Returns
        -------
        xarray.DataArray
            Departures from the mean of an image, with the dims of `coarse`, float32, NaN where a covariate is missing.
            Lazy where the covariates are; a chunk needs no other.

        Raises
        ------
        InputError
            As `predict`.
        """
        images, fine, factor = self._matched(coarse, covariates)
        values = self._learned(fine, factor)
        n_images = images.sizes.get("time", 1)
        return on_fine_grid(np.broadcast_to(values, (n_images, *values.shape[1:])), coarse=images, covariates=fine)

    def _matched(self, coarse: xr.DataArray, covariates: xr.Dataset) -> tuple[xr.DataArray, xr.Dataset, Factor]:
        """Images and covariates cut to what both cover, once the model and they fit together."""
        check_is_fitted(self)
        missing = [name for name in self.covariates_ if name not in covariates]
        if missing:
            raise InputError(f"covariates: lack {missing}, which the model was fitted to. Add them.")
        used = covariates[list(self.covariates_)]
        grids = GridPair.between(coarse, used, factor=as_factor(self.factor))
        images = grids.crop_coarse(coarse)
        return images, grids.crop_fine(covariates_at(images, used)), grids.factor

    def _learned(self, fine: xr.Dataset, factor: Factor) -> Any:
        return predict_pixels(self.model_, [image_stack(layer) for layer in fine.data_vars.values()], factor=factor)

    def weights_of(self, images: xr.DataArray) -> Values:
        """Weights of images.

        Parameters
        ----------
        images : xarray.DataArray
            (y, x) or (time, y, x).

        Returns
        -------
        numpy.ndarray
            (image,); that of all together for an image of another time than those of the fit.
        """
        n_images = images.sizes.get("time", 1)
        if "time" not in self.weight_.dims:
            return np.full(n_images, float(self.weight_))
        if "time" not in images.coords or "time" not in self.weight_.coords:
            return np.full(n_images, self.pooled_weight_)
        known = self.weight_.reindex(time=np.atleast_1d(images["time"].values))
        return np.asarray(known.fillna(self.pooled_weight_).values)


def _fitted(model: Regressor, samples: CoarseSamples, names: Sequence[str], *, drawn: Values) -> Regressor:
    """The learner of all samples, which then predicts in one thread: chunks are what runs in parallel."""
    model.fit(samples.select(names)[drawn], samples.anomalies.ravel()[drawn])
    if "n_jobs" in model.get_params():  # type: ignore[attr-defined]
        model.set_params(n_jobs=1)  # type: ignore[attr-defined]
    return model
