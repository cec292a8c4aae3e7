"""Variables that statistics of any series give."""

from cryoscale.variables.entry import MAP, Variable

STATISTICS = (
    # trends of yearly series; rates and the line's start take the unit of the series
    Variable("trend", "a-1", "Theil-Sen trend per year", MAP),
    Variable("trend_start", "1", "Theil-Sen line at the first time", MAP),
    Variable("trend_lower", "a-1", "lower confidence bound of the trend", MAP),
    Variable("trend_upper", "a-1", "upper confidence bound of the trend", MAP),
    Variable("trend_p_value", "1", "p value of no trend (Mann-Kendall, two-sided)", MAP, valid_range=(0.0, 1.0)),
    Variable("kendall_score", "1", "rising minus falling pairs of values", MAP),
    Variable("kendall_tau", "1", "Kendall's tau-b against time", MAP, valid_range=(-1.0, 1.0)),
    Variable("mann_kendall_z", "1", "standard normal deviate of the Mann-Kendall test", MAP),
    Variable("variance_inflation", "1", "factor of the score's variance for serial correlation", MAP),
)
