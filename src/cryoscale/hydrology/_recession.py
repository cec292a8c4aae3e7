"""Runs of decline, rates over growing steps, and lines ln(rate) = c + b ln(Q) through resampled events.

Every fit takes the whole sample once with weights: how often a resample has drawn the event that a point is of. So a
resample costs one fit and no copy.
"""

from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]

ORDINARY, ROBUST, LOWER_ENVELOPE, BINNED, NONLINEAR = range(5)

_HUBER = 1.345  # 95 % efficiency for normal errors
_MAD = 0.6744897501960817  # median absolute deviation of a standard normal variable
_ENVELOPE = 0.05  # share of points below the lower envelope (Brutsaert and Nieber 1977)
_TILT = 1e-7  # to which the slope of the envelope is found
_BIN_SPAN = 0.01  # of the range of ln(Q) (Kirchner 2009)
_BIN_LEAST = 5  # points, so that a bin's standard error means something
_BIN_ERROR = 0.01  # relative: no bin counts as more certain than that


def runs(declining: Array, shortest: int) -> tuple[Array, Array]:
    """First and last day of each run of declines; decline i goes from day i to day i + 1.

    Parameters
    ----------
    declining : numpy.ndarray
        (day - 1,) bool.
    shortest : int
        Declines that a run needs.

    Returns
    -------
    first, last : numpy.ndarray
        (run,) days.
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], declining, [False])).astype(np.int8)))
    first, last = edges[::2], edges[1::2]
    enough = last - first >= shortest
    return first[enough], last[enough]


@njit(cache=True, nogil=True, error_model="numpy")
def growing_steps(discharge: Array, decay: float, share: float, out: Array) -> int:
    """Rates of one event over steps that grow (Roques et al. 2017).

    Parameters
    ----------
    discharge : numpy.ndarray
        (day,) of one event.
    decay : float
        Decay constant of the event, d-1.
    share : float
        Of the event that the longest step takes.
    out : numpy.ndarray
        (3, day) mean discharge, -slope of the line through the step's days, length of the step in days; written to.

    Returns
    -------
    int
        Steps that fit into the event.
    """
    n = discharge.size
    for i in range(n):
        step = 1 + int(np.ceil(share * n * np.exp(-1.0 / (decay * (i + 1)))))
        if i + step >= n:
            return i
        mean = discharge[i : i + step + 1].mean()
        moment, spread = 0.0, 0.0
        for j in range(step + 1):
            moment += (j - step / 2) * (discharge[i + j] - mean)
            spread += (j - step / 2) ** 2
        out[0, i], out[1, i], out[2, i] = mean, -moment / spread, step
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def lines(method: int, x: Array, y: Array, event: Array, counts: Array, slope: float, out: Array) -> None:
    """Intercept and slope of the line through each resample of events.

    Parameters
    ----------
    method : int
        One of the constants above.
    x, y : numpy.ndarray
        (pair,) ln(Q), falling, and ln(rate); both centred, so that nothing overflows.
    event : numpy.ndarray
        (pair,) which event a pair is of.
    counts : numpy.ndarray
        (resample, event) how often each event was drawn.
    slope : float
        The slope, or NaN where it is to be found.
    out : numpy.ndarray
        (2, resample) intercepts and slopes, NaN where there is no line; written to.
    """
    buffer = np.empty((3, x.size))
    for k in range(counts.shape[0]):
        n = 0
        for i in range(x.size):
            if counts[k, event[i]] > 0:
                buffer[0, n], buffer[1, n], buffer[2, n] = x[i], y[i], counts[k, event[i]]
                n += 1
        u, v, weights = buffer[0, :n], buffer[1, :n], buffer[2, :n]
        start = _least_squares(u, v, weights, slope)
        if np.isnan(start[0]) or method == ORDINARY:
            line = start
        elif method == ROBUST:
            line = _huber(u, v, weights, slope, start)
        elif method == LOWER_ENVELOPE:
            line = _envelope(u, v, weights, slope, start)
        elif method == BINNED:
            line = _bins(u, v, weights, slope)
        else:
            line = _power(u, v, weights, slope, start)
        out[0, k], out[1, k] = line


@njit(cache=True, nogil=True, error_model="numpy")
def _least_squares(x: Array, y: Array, weights: Array, slope: float) -> tuple[float, float]:
    total = weights.sum()
    mean_x, mean_y = (weights * x).sum() / total, (weights * y).sum() / total
    if np.isnan(slope):
        spread = (weights * (x - mean_x) ** 2).sum()
        if not spread > 1e-12 * total:
            return np.nan, np.nan
        slope = (weights * (x - mean_x) * (y - mean_y)).sum() / spread
    return mean_y - slope * mean_x, slope


@njit(cache=True, nogil=True, error_model="numpy")
def _reached(values: Array, weights: Array, target: float) -> float:
    """The smallest value up to which the weights reach the target, by partition.

    Not by np.argsort: numba can give the bodies of cached np.sort and np.argsort one name, and where another kernel
    has cached the other one, the wrong one runs.
    """
    value, weight = values.copy(), weights.copy()
    low, high, below = 0, value.size, 0.0
    while high - low > 1:
        first, middle, last = value[low], value[(low + high) // 2], value[high - 1]
        pivot = max(min(first, middle), min(max(first, middle), last))
        start, i, end, lighter, equal = low, low, high, 0.0, 0.0
        while i < end:
            if value[i] < pivot:
                value[i], value[start] = value[start], value[i]
                weight[i], weight[start] = weight[start], weight[i]
                lighter += weight[start]
                start, i = start + 1, i + 1
            elif value[i] > pivot:
                end -= 1
                value[i], value[end] = value[end], value[i]
                weight[i], weight[end] = weight[end], weight[i]
            else:
                equal += weight[i]
                i += 1
        if below + lighter >= target:
            high = start
        elif below + lighter + equal >= target:
            return float(pivot)
        else:
            low, below = end, below + lighter + equal
    return float(value[min(low, value.size - 1)])


@njit(cache=True, nogil=True, error_model="numpy")
def _weighted_median(values: Array, weights: Array) -> float:
    half = weights.sum() / 2
    middle = _reached(values, weights, half)
    reached, following = 0.0, np.inf
    for i in range(values.size):
        if values[i] <= middle:
            reached += weights[i]
        else:
            following = min(following, values[i])
    return (middle + following) / 2 if reached == half else middle


@njit(cache=True, nogil=True, error_model="numpy")
def _huber(x: Array, y: Array, weights: Array, slope: float, start: tuple[float, float]) -> tuple[float, float]:
    """Huber's M-estimator by reweighting, with the median absolute deviation as scale."""
    intercept, tilt = start
    for _ in range(100):
        residual = np.abs(y - intercept - tilt * x)
        limit = _HUBER * _weighted_median(residual, weights) / _MAD
        if not limit > 1e-12:
            break
        last = (intercept, tilt)
        intercept, tilt = _least_squares(x, y, weights * np.minimum(1.0, limit / np.maximum(residual, limit)), slope)
        if abs(intercept - last[0]) + abs(tilt - last[1]) < 1e-9:
            break
    return intercept, tilt


@njit(cache=True, nogil=True, error_model="numpy")
def _quantile_at(x: Array, y: Array, weights: Array, tilt: float) -> tuple[float, float]:
    """The intercept of the envelope of a given slope, and how its loss changes with the slope."""
    residual = y - tilt * x
    total = weights.sum()
    intercept = _reached(residual, weights, _ENVELOPE * total)
    below, on, moment_below, moment_on, moment = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(x.size):
        moment += weights[i] * x[i]
        if residual[i] < intercept:
            below += weights[i]
            moment_below += weights[i] * x[i]
        elif residual[i] == intercept:
            on += weights[i]
            moment_on += weights[i] * x[i]
    # The points on the line take what makes the other points' pulls on the intercept cancel.
    above, moment_above = total - below - on, moment - moment_below - moment_on
    pull = -(_ENVELOPE * above - (1 - _ENVELOPE) * below)
    return intercept, -(_ENVELOPE * moment_above - (1 - _ENVELOPE) * moment_below + pull * moment_on / on)


@njit(cache=True, nogil=True, error_model="numpy")
def _envelope(x: Array, y: Array, weights: Array, slope: float, start: tuple[float, float]) -> tuple[float, float]:
    """Quantile regression: with the best intercept its loss is convex in the slope, so bisection finds it."""
    if not np.isnan(slope):
        return _quantile_at(x, y, weights, slope)[0], slope
    low, high, step = start[1] - 0.1, start[1] + 0.1, 0.2
    while _quantile_at(x, y, weights, low)[1] > 0 and step < 1e6:
        low, step = low - step, 2 * step
    step = 0.2
    while _quantile_at(x, y, weights, high)[1] < 0 and step < 1e6:
        high, step = high + step, 2 * step
    while high - low > _TILT:
        middle = (low + high) / 2
        if _quantile_at(x, y, weights, middle)[1] > 0:
            high = middle
        else:
            low = middle
    tilt = (low + high) / 2
    return _quantile_at(x, y, weights, tilt)[0], tilt


@njit(cache=True, nogil=True, error_model="numpy")
def _bins(x: Array, y: Array, weights: Array, slope: float) -> tuple[float, float]:
    """Line through means of bins, weighted by their errors (Kirchner 2009, Section 3.3)."""
    sums = np.zeros((x.size + 1, 4))  # of each bin: weight, Q, rate, rate squared
    span = _BIN_SPAN * (x[0] - x[-1])
    n, top = 0, x[0]
    for i in range(x.size):
        if sums[n, 0] == 0:
            top = x[i]
        rate = np.exp(y[i])
        sums[n] += weights[i] * np.array([1.0, np.exp(x[i]), rate, rate * rate])
        if top - x[i] >= span and sums[n, 0] >= _BIN_LEAST and _relative_error(sums[n]) <= 0.5:
            n += 1
    if n and sums[n, 0] > 0:  # what is left at the lowest flows is too little for a bin of its own
        sums[n - 1] += sums[n]
    if n == 0 or (n < 2 and np.isnan(slope)):
        return np.nan, np.nan
    bin_weights = np.empty(n)
    for k in range(n):
        bin_weights[k] = 1 / max(_relative_error(sums[k]), _BIN_ERROR) ** 2
    means = sums[:n] / sums[:n, :1]
    return _least_squares(np.log(means[:, 1]), np.log(means[:, 2]), bin_weights, slope)


@njit(cache=True, nogil=True, error_model="numpy")
def _relative_error(sums: Array) -> float:
    """Standard error of a bin's mean rate over that mean."""
    mean = sums[2] / sums[0]
    variance = max(sums[3] / sums[0] - mean * mean, 0.0) * sums[0] / (sums[0] - 1)
    return float(np.sqrt(variance / sums[0]) / mean)


@njit(cache=True, nogil=True, error_model="numpy")
def _power(x: Array, y: Array, weights: Array, slope: float, start: tuple[float, float]) -> tuple[float, float]:
    """Least squares of the rates themselves, by Levenberg and Marquardt's way from the straight line."""
    rate = np.exp(y)
    if not np.isnan(slope):
        shape = np.exp(slope * x)
        return np.log((weights * rate * shape).sum() / (weights * shape * shape).sum()), slope
    line, damping = start, 1e-3
    model = np.exp(line[0] + line[1] * x)
    loss = (weights * (rate - model) ** 2).sum()
    for _ in range(200):
        pull, weight = weights * model * (rate - model), weights * model * model
        s, sx, sxx = weight.sum(), (weight * x).sum(), (weight * x * x).sum()
        g, gx = pull.sum(), (pull * x).sum()
        s, sxx = s * (1 + damping), sxx * (1 + damping)
        det = s * sxx - sx * sx
        step = ((g * sxx - gx * sx) / det, (gx * s - g * sx) / det)
        trial = (line[0] + step[0], line[1] + step[1])
        candidate = np.exp(trial[0] + trial[1] * x)
        new = (weights * (rate - candidate) ** 2).sum()
        if new <= loss:
            line, model, loss, damping = trial, candidate, new, damping / 10
            if abs(step[0]) + abs(step[1]) < 1e-10:
                return line
        else:
            damping *= 10
            if damping > 1e12:
                return line
    return np.nan, np.nan
