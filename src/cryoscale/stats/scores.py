"""How well a prediction agrees with observations."""

import numpy as np
import xarray as xr


def scores(predicted: xr.DataArray, observed: xr.DataArray) -> xr.Dataset:
    """Agreement of a prediction with observations, over all positions where both have a value.

    Parameters
    ----------
    predicted, observed : xarray.DataArray
        Of the same dims and unit; NaN where there is no value.

    Returns
    -------
    xarray.Dataset
        Scalars: ``n``; ``r``, Pearson's correlation; ``bias``, mean of predicted minus observed; ``mae``; ``rmse``;
        ``r2``, 1 - sum of squared errors / sum of squared deviations of the observations from their mean. Lazy where
        the input is lazy; NaN where it is not defined (fewer than two values, or all equal).

    Examples
    --------
    >>> result = scores(xr.DataArray([1.0, 2.0, 4.0]), xr.DataArray([1.0, 2.0, 3.0]))
    >>> round(float(result.rmse), 4), round(float(result.bias), 4), float(result.r2)
    (0.5774, 0.3333, 0.5)
    """
    both = predicted.notnull() & observed.notnull()
    p, o = (array.where(both).astype("float64") for array in (predicted, observed))
    error, p_anomaly, o_anomaly = p - o, p - p.mean(), o - o.mean()
    # Where all are equal the sums are 0, and what would divide by them is not defined.
    p_squares, o_squares = (squares.where(squares > 0) for squares in ((p_anomaly**2).sum(), (o_anomaly**2).sum()))
    return xr.Dataset(
        {
            "n": both.sum(),
            "r": (p_anomaly * o_anomaly).sum() / np.sqrt(p_squares * o_squares),
            "bias": error.mean(),
            "mae": abs(error).mean(),
            "rmse": np.sqrt((error**2).mean()),
            "r2": 1.0 - (error**2).sum() / o_squares,
        }
    )
