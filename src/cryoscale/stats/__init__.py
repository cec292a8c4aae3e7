"""Statistics that several domains share: CDF matching, comparison and correlation of maps, trends, scores."""

from cryoscale.stats.binning import binned_statistics
from cryoscale.stats.cdf import fit_cdf, match_cdf
from cryoscale.stats.comparison import compare_maps
from cryoscale.stats.correlation import Correlation, correlate
from cryoscale.stats.quantiles import JointQuantiles, joint_quantiles
from cryoscale.stats.scores import scores
from cryoscale.stats.transfer import CdfTransfer
from cryoscale.stats.trends import Correction, mann_kendall, theil_sen

__all__ = [
    "CdfTransfer",
    "Correction",
    "Correlation",
    "JointQuantiles",
    "binned_statistics",
    "compare_maps",
    "correlate",
    "fit_cdf",
    "joint_quantiles",
    "mann_kendall",
    "match_cdf",
    "scores",
    "theil_sen",
]
