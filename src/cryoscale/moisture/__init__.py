"""Active-layer moisture: samples and covariates -> selected features -> learners -> fused map."""

from cryoscale.moisture.applicability import Applicability, fit_applicability
from cryoscale.moisture.bias import BiasCorrection, bias_table, fit_correction
from cryoscale.moisture.ensemble import MoistureEnsemble
from cryoscale.moisture.fusion import fusion_weights
from cryoscale.moisture.intervals import Interval, coverage_of, fit_interval
from cryoscale.moisture.learners import Learner, make_learner, shap_values
from cryoscale.moisture.mapping import map_moisture
from cryoscale.moisture.samples import depth_means, merge_pixels, screen
from cryoscale.moisture.selection import Selection, select_features
from cryoscale.moisture.tuning import Tuned, tune
from cryoscale.moisture.validation import cross_validate, summarise
from cryoscale.moisture.versions import library_versions

__all__ = [
    "Applicability",
    "BiasCorrection",
    "Interval",
    "Learner",
    "MoistureEnsemble",
    "Selection",
    "Tuned",
    "bias_table",
    "coverage_of",
    "cross_validate",
    "depth_means",
    "fit_applicability",
    "fit_correction",
    "fit_interval",
    "fusion_weights",
    "library_versions",
    "make_learner",
    "map_moisture",
    "merge_pixels",
    "screen",
    "select_features",
    "shap_values",
    "summarise",
    "tune",
]
