"""Statistics that several domains share: CDF matching, kriging, comparison and correlation of maps, trends, scores."""

from cryoscale.stats.binning import binned_statistics
from cryoscale.stats.cdf import fit_cdf, match_cdf
from cryoscale.stats.comparison import compare_maps
from cryoscale.stats.confusion import Confusion, confusion, confusion_matrix, kappa_interval
from cryoscale.stats.correlation import Correlation, correlate
from cryoscale.stats.kriging import Kriged, krige
from cryoscale.stats.quantiles import JointQuantiles, joint_quantiles
from cryoscale.stats.scores import scores
from cryoscale.stats.transfer import CdfTransfer
from cryoscale.stats.trends import Correction, mann_kendall, theil_sen
from cryoscale.stats.variogram import Variogram, VariogramModel
from cryoscale.stats.variogram_fit import EmpiricalVariogram, choose_variogram, empirical_variogram, fit_variogram

__all__ = [
    "CdfTransfer",
    "Confusion",
    "Correction",
    "Correlation",
    "EmpiricalVariogram",
    "JointQuantiles",
    "Kriged",
    "Variogram",
    "VariogramModel",
    "binned_statistics",
    "choose_variogram",
    "compare_maps",
    "confusion",
    "confusion_matrix",
    "correlate",
    "empirical_variogram",
    "fit_cdf",
    "fit_variogram",
    "joint_quantiles",
    "kappa_interval",
    "krige",
    "mann_kendall",
    "match_cdf",
    "scores",
    "theil_sen",
]
