"""Variables of the active layer's moisture."""

from cryoscale.variables.entry import MAP, Variable

MOISTURE = (
    Variable("covariate", "1", "covariate by name, each in its own unit", ("feature", "y", "x")),
    Variable(
        "moisture",
        "m3 m-3",
        "volumetric water content of the active layer, mean over its depth",
        MAP,
        valid_range=(0.0, 1.0),
    ),
    Variable("moisture_lower", "m3 m-3", "lower bound of the prediction interval", MAP, valid_range=(0.0, 1.0)),
    Variable("moisture_upper", "m3 m-3", "upper bound of the prediction interval", MAP, valid_range=(0.0, 1.0)),
    Variable("learner_spread", "m3 m-3", "standard deviation of the learners' predictions", MAP),
    Variable("dissimilarity", "1", "dissimilarity of a pixel's covariates to those of the samples", MAP),
    Variable(
        "moisture_status",
        "1",
        "whether a pixel has a prediction that may be trusted, or why it has none",
        MAP,
        dtype="uint8",
        flags=(
            (0, "no_permafrost"),
            (1, "inside_area_of_applicability"),
            (2, "outside_area_of_applicability"),
            (3, "covariates_missing"),
        ),
    ),
    Variable("porosity", "m3 m-3", "share of pores in the volume of the soil", MAP, valid_range=(0.0, 1.0)),
    Variable("permafrost_mask", "1", "ground with permafrost", MAP, dtype="bool"),
)
