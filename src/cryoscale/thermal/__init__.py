"""Surface temperature -> degree-days -> active layer and permafrost."""

from cryoscale.thermal.degree_days import degree_days, n_factors, whole_years
from cryoscale.thermal.downscaling import Downscaler
from cryoscale.thermal.gap_models import fit_gap_models
from cryoscale.thermal.gap_seasons import with_season_fallback
from cryoscale.thermal.gaps import fill_gaps
from cryoscale.thermal.ground_temperature import GroundTemperatureModel
from cryoscale.thermal.permafrost import class_areas, classify_permafrost, permafrost_change
from cryoscale.thermal.rk import RkTable, count_classes, map_rk, require_rk
from cryoscale.thermal.rk_boreholes import RkBoreholeCalibration, calibrate_rk_to_boreholes
from cryoscale.thermal.rk_calibration import RkCalibration, RkValidation, calibrate_rk_to_survey, cross_validate_rk
from cryoscale.thermal.series import SeriesFill, fill_in_time
from cryoscale.thermal.sites import uniform_sites
from cryoscale.thermal.stefan import mask_active_layer, stefan_alt, stefan_e_factor
from cryoscale.thermal.stefan_calibration import StefanCalibration, StefanEstimate, StefanFit, calibrate_stefan
from cryoscale.thermal.thaw_sums import downscaled_thaw, smooth_nodes
from cryoscale.thermal.ttop import mean_over_years, permafrost_probability, ttop, ttop_error

__all__ = [
    "Downscaler",
    "GroundTemperatureModel",
    "RkBoreholeCalibration",
    "RkCalibration",
    "RkTable",
    "RkValidation",
    "SeriesFill",
    "StefanCalibration",
    "StefanEstimate",
    "StefanFit",
    "calibrate_rk_to_boreholes",
    "calibrate_rk_to_survey",
    "calibrate_stefan",
    "class_areas",
    "classify_permafrost",
    "count_classes",
    "cross_validate_rk",
    "degree_days",
    "downscaled_thaw",
    "fill_gaps",
    "fill_in_time",
    "fit_gap_models",
    "map_rk",
    "mask_active_layer",
    "mean_over_years",
    "n_factors",
    "permafrost_change",
    "permafrost_probability",
    "require_rk",
    "smooth_nodes",
    "stefan_alt",
    "stefan_e_factor",
    "ttop",
    "ttop_error",
    "uniform_sites",
    "whole_years",
    "with_season_fallback",
]
