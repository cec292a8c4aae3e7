"""Rivers whose recession is known."""

import numpy as np
import pandas as pd
import pytest


def recede(peak, rate, b):
    """Discharge of days from a peak on, exactly: rate is a of each day."""
    elapsed = np.concatenate(([0.0], np.cumsum(rate)[:-1]))
    if b == 1:
        return peak * np.exp(-elapsed)
    return (peak ** (1 - b) + (b - 1) * elapsed) ** (1 / (1 - b))


@pytest.fixture(scope="session")
def make_river():
    """Discharge and rain: floods that recede by -dQ/dt = a Q^b, with daily scatter, gauge noise, spikes and gaps."""

    def make(a, b, *, years=5, scatter=0.0, noise=0.0, spikes=0.0, gaps=0.0, seed=0):
        rng = np.random.default_rng(seed)
        days = pd.date_range("2001-01-01", f"{2000 + years}-12-31")
        parts, level, total = [], 0.0, 0
        while total < days.size:
            n = int(rng.integers(9, 26))
            peak = max(np.exp(rng.normal(np.log(40), 0.6)), 1.3 * level)
            parts.append(recede(peak, a * np.exp(scatter * rng.normal(size=n)), b))
            level, total = parts[-1][-1], total + n
        flow = np.concatenate(parts)[: days.size] * np.exp(noise * rng.normal(size=days.size))
        wet = rng.random(days.size) < spikes
        flow[wet] *= 1 + rng.random(int(wet.sum()))
        flow[rng.random(days.size) < gaps] = np.nan
        return pd.Series(flow, days), pd.Series(np.where(wet, 10.0, 0.0), days)

    return make
