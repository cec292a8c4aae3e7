"""Rates of recession of one event: over which step discharge is differenced, and at which discharge."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from cryoscale.hydrology import _recession

Values = np.ndarray[Any, Any]

_LONGEST_STEP = 0.1  # of the event (Roques et al. 2017)


class TimeStep(StrEnum):
    """Scheme of the rate -dQ/dt and of the discharge Q that belongs to it."""

    PAIR = "pair"
    FORWARD = "forward"
    BACKWARD = "backward"
    CENTRAL = "central"
    EXPONENTIAL = "exponential"


@dataclass(frozen=True)
class Rates:
    """Pairs of one event.

    Attributes
    ----------
    day : numpy.ndarray
        First day of each step, from 0 at the start of the event.
    step : numpy.ndarray
        Length of each step, d.
    discharge : numpy.ndarray
        Q, m3 s-1.
    rate : numpy.ndarray
        -dQ/dt, m3 s-1 d-1.
    """

    day: Values
    step: Values
    discharge: Values
    rate: Values


def rates(discharge: Values, scheme: TimeStep) -> Rates:
    """Rates of recession of one event.

    ============  ==========================================  ==========================================
    scheme        -dQ/dt                                      Q
    ============  ==========================================  ==========================================
    pair          Q_i - Q_i+1                                 (Q_i + Q_i+1) / 2 (Brutsaert and Nieber
                                                              1977, Water Resour. Res. 13, 637; Eq. 5
                                                              of Chang et al.)
    forward       Q_i - Q_i+1                                 Q_i
    backward      Q_i - Q_i+1                                 Q_i+1
    central       (Q_i-1 - Q_i+1) / 2                         Q_i
    exponential   line through the days of a step that        their mean
                  grows: 1 + ceil(0.1 N exp(-1 / (g i)))
                  days from day i on
    ============  ==========================================  ==========================================

    (Thomas et al. 2015, Water Resour. Res. 51, 5748; exponential: Roques et al. 2017, Adv. Water Resour. 108, 29,
    with N the days of the event and g its decay constant from the regression of ln(Q) on time.) For
    Q' = -a Q, `pair` gives 2 tanh(a / 2), that is a (1 - a^2 / 12), where `forward` gives 1 - exp(-a) and `backward`
    exp(a) - 1: at a = 0.1 they are wrong by -0.1, -5 and +5 %.

    Parameters
    ----------
    discharge : numpy.ndarray
        (day,) of consecutive days, m3 s-1, falling.
    scheme : TimeStep
        The scheme.

    Returns
    -------
    Rates
        As many as fit into the event.

    Examples
    --------
    >>> found = rates(np.array([8.0, 4.0, 2.0]), TimeStep.PAIR)
    >>> found.discharge.tolist(), found.rate.tolist()
    ([6.0, 3.0], [4.0, 2.0])
    """
    return _SCHEMES[scheme](discharge)


def _one_day(discharge: Values, at: Values) -> Rates:
    return Rates(np.arange(at.size), np.ones(at.size), at, -np.diff(discharge))


def _pair(discharge: Values) -> Rates:
    return _one_day(discharge, (discharge[:-1] + discharge[1:]) / 2)


def _forward(discharge: Values) -> Rates:
    return _one_day(discharge, discharge[:-1])


def _backward(discharge: Values) -> Rates:
    return _one_day(discharge, discharge[1:])


def _central(discharge: Values) -> Rates:
    n = max(discharge.size - 2, 0)
    return Rates(np.arange(n), np.full(n, 2.0), discharge[1:-1], (discharge[:-2] - discharge[2:]) / 2)


def _exponential(discharge: Values) -> Rates:
    flowing = discharge > 0  # only the last day of an event can be dry
    decay = -np.polyfit(np.arange(discharge.size)[flowing], np.log(discharge[flowing]), 1)[0]
    out = np.empty((3, discharge.size))
    n = _recession.growing_steps(discharge, decay, _LONGEST_STEP, out)
    return Rates(np.arange(n), out[2, :n], out[0, :n], out[1, :n])


_SCHEMES: Mapping[TimeStep, Callable[[Values], Rates]] = {
    TimeStep.PAIR: _pair,
    TimeStep.FORWARD: _forward,
    TimeStep.BACKWARD: _backward,
    TimeStep.CENTRAL: _central,
    TimeStep.EXPONENTIAL: _exponential,
}
