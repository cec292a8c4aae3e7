"""Variables of the ground, its cover and its climate that several domains share."""

from cryoscale.variables.entry import MAP, Variable

BASIN = ("time",)

ENVIRONMENT = (
    # environment
    Variable("surface_temperature", "degC", "surface temperature", ("time",), standard_name="surface_temperature"),
    Variable("cumulative_thawing_index", "degC d", "thawing index since the beginning of the year", ("time",)),
    Variable("thawing_index", "degC d", "thawing index of the year", MAP, valid_range=(0.0, 10000.0)),
    Variable("slope", "degree", "slope of the ground", MAP, valid_range=(0.0, 90.0)),
    Variable("aspect", "degree", "direction downslope, clockwise from north", MAP, valid_range=(0.0, 360.0)),
    Variable("aspect_sin", "1", "direction downslope, part to the east", MAP, valid_range=(-1.0, 1.0)),
    Variable("aspect_cos", "1", "direction downslope, part to the north", MAP, valid_range=(-1.0, 1.0)),
    Variable("curvature", "m-1", "curvature of the ground, positive where it bulges", MAP),
    Variable("topographic_position", "m", "height above the mean of the surroundings", MAP),
    Variable("topographic_wetness", "1", "topographic wetness index", MAP),
    Variable(
        "potential_radiation",
        "W m-2",
        "daily mean radiation under a clear sky on the slope",
        MAP,
        valid_range=(0.0, 1000.0),
    ),
    Variable("ndvi", "1", "normalised difference vegetation index", MAP, valid_range=(-1.0, 1.0)),
    Variable("swir_albedo", "1", "shortwave infrared albedo", MAP, valid_range=(0.0, 1.0)),
    Variable("ground_ice", "m3 m-3", "volumetric content of ground ice", MAP, valid_range=(0.0, 1.0)),
    # climate of a basin
    Variable("air_temperature", "degC", "air temperature at 2 m", BASIN, "float64", "air_temperature", (-100.0, 70.0)),
    Variable("precipitation", "mm d-1", "rain and snow", BASIN, "float64", valid_range=(0.0, 2000.0)),
    Variable("evapotranspiration", "mm d-1", "evapotranspiration, upward", BASIN, "float64", valid_range=(-50.0, 50.0)),
    Variable("net_radiation", "W m-2", "net radiation at the surface, downward", BASIN, "float64"),
    Variable("snow_depth", "m", "depth of snow", BASIN, "float64", "surface_snow_thickness", (0.0, 100.0)),
    Variable("snow_water_equivalent", "m", "water equivalent of snow", BASIN, "float64", valid_range=(0.0, 100.0)),
    Variable("soil_moisture", "m3 m-3", "volumetric water of the soil", BASIN, "float64", valid_range=(0.0, 1.0)),
)
