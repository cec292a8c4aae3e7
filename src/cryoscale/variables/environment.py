"""Variables of the ground, its cover and its climate that several domains share."""

from cryoscale.variables.entry import MAP, Variable

ENVIRONMENT = (
    # environment
    Variable("surface_temperature", "degC", "surface temperature", ("time",), standard_name="surface_temperature"),
    Variable("cumulative_thawing_index", "degC d", "thawing index since the beginning of the year", ("time",)),
    Variable("thawing_index", "degC d", "thawing index of the year", MAP, valid_range=(0.0, 10000.0)),
    Variable("slope", "degree", "slope of the ground", MAP, valid_range=(0.0, 90.0)),
    Variable("ndvi", "1", "normalised difference vegetation index", MAP, valid_range=(-1.0, 1.0)),
    Variable("swir_albedo", "1", "shortwave infrared albedo", MAP, valid_range=(0.0, 1.0)),
    Variable("ground_ice", "m3 m-3", "volumetric content of ground ice", MAP, valid_range=(0.0, 1.0)),
)
