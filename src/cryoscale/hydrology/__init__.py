"""Daily discharge -> recession events -> recession constant -> its change."""

from cryoscale.hydrology.attribution import Attribution, attribute
from cryoscale.hydrology.change import ChangePoint, SeriesCorrelation, Trend, change_point, correlate_years, trend
from cryoscale.hydrology.climate import RULES, Rule, Season, Statistic, annual_climate
from cryoscale.hydrology.events import EventRules, Recessions, recession_events
from cryoscale.hydrology.fits import FitMethod, FitRules
from cryoscale.hydrology.gauges import recessions_of_gauges
from cryoscale.hydrology.rates import TimeStep
from cryoscale.hydrology.recession import constants_of_events, recession_constant
from cryoscale.hydrology.smoothed_regression import AnnualNoise

__all__ = [
    "RULES",
    "AnnualNoise",
    "Attribution",
    "ChangePoint",
    "EventRules",
    "FitMethod",
    "FitRules",
    "Recessions",
    "Rule",
    "Season",
    "SeriesCorrelation",
    "Statistic",
    "TimeStep",
    "Trend",
    "annual_climate",
    "attribute",
    "change_point",
    "constants_of_events",
    "correlate_years",
    "recession_constant",
    "recession_events",
    "recessions_of_gauges",
    "trend",
]
