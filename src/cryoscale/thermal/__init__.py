"""Surface temperature -> degree-days -> active layer and permafrost."""

from cryoscale.thermal.degree_days import degree_days, n_factors, whole_years
from cryoscale.thermal.permafrost import class_areas, classify_permafrost, permafrost_change
from cryoscale.thermal.series import SeriesFill, fill_in_time
from cryoscale.thermal.ttop import mean_over_years, permafrost_probability, ttop, ttop_error

__all__ = [
    "SeriesFill",
    "class_areas",
    "classify_permafrost",
    "degree_days",
    "fill_in_time",
    "mean_over_years",
    "n_factors",
    "permafrost_change",
    "permafrost_probability",
    "ttop",
    "ttop_error",
    "whole_years",
]
