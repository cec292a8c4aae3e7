"""Variables of a district's ground: vegetation, ground temperature, ground ice, heat conduction."""

from cryoscale.variables.entry import MAP, YEARS, Variable

_REFLECTANCE = (-0.2, 1.6)  # what Landsat's level 2 can hold: below 0 over dark water, above 1 over snow

LAYERS = ("layer", "y", "x")
PLANES = ("time", "z", "x")
YEARLY_PLANES = ("year", "z", "x")
YEARLY_LINES = ("year", "x")
PROFILES = ("time", "depth")
YEARLY_PROFILES = ("year", "depth")

GROUND: tuple[Variable, ...] = (
    # vegetation
    Variable("blue", "1", "surface reflectance in the blue", MAP, valid_range=_REFLECTANCE),
    Variable("green", "1", "surface reflectance in the green", MAP, valid_range=_REFLECTANCE),
    Variable("red", "1", "surface reflectance in the red", MAP, valid_range=_REFLECTANCE),
    Variable("nir", "1", "surface reflectance in the near infrared", MAP, valid_range=_REFLECTANCE),
    Variable("swir1", "1", "surface reflectance in the shortwave infrared, 1.6 um", MAP, valid_range=_REFLECTANCE),
    Variable("swir2", "1", "surface reflectance in the shortwave infrared, 2.2 um", MAP, valid_range=_REFLECTANCE),
    Variable("ndwi", "1", "normalised difference water index (McFeeters)", MAP, valid_range=(-1.0, 1.0)),
    Variable("mndwi", "1", "modified normalised difference water index", MAP, valid_range=(-1.0, 1.0)),
    Variable("ndmi", "1", "normalised difference moisture index (Gao's water index)", MAP, valid_range=(-1.0, 1.0)),
    Variable("evi", "1", "enhanced vegetation index", MAP, valid_range=(-1.0, 1.0)),
    Variable("bsi", "1", "bare soil index", MAP, valid_range=(-1.0, 1.0)),
    Variable("nbr", "1", "normalised burn ratio", MAP, valid_range=(-1.0, 1.0)),
    Variable("vegetation_class", "1", "class of vegetation", MAP, dtype="uint8"),
    Variable(
        "vegetation_probability",
        "1",
        "probability of a class of vegetation",
        ("vegetation", "y", "x"),
        valid_range=(0.0, 1.0),
    ),
    Variable("vegetation_area", "km2", "mapped area of a class", ("vegetation",), dtype="float64"),
    # mean annual ground temperature
    Variable("magt", "degC", "mean annual ground temperature", MAP, valid_range=(-25.0, 25.0)),
    Variable("magt_error", "K", "standard error of the predicted mean annual ground temperature", MAP),
    Variable(
        "magt_status",
        "1",
        "whether a pixel has a ground temperature, or why it has none",
        MAP,
        dtype="uint8",
        flags=((0, "covariates_missing"), (1, "predicted"), (2, "vegetation_without_boreholes")),
    ),
    # ground ice
    Variable("ground_unit", "1", "geomorphic or sedimentary unit", MAP, dtype="uint8"),
    Variable("ground_ice_volume", "m3 m-2", "volume of ground ice per area in a layer", LAYERS),
    Variable("total_ground_ice_volume", "m3 m-2", "volume of ground ice per area", MAP),
    Variable("ground_ice_volume_change", "m3 m-2", "change of the volume of ground ice in a layer", LAYERS),
    Variable("total_ground_ice_volume_change", "m3 m-2", "change of the volume of ground ice", MAP),
    # pits and heaps
    Variable("mine_work", "1", "pit or heap", MAP, dtype="uint8"),
    Variable("surface_change", "m", "height of the surface above that before mining", YEARS),
    # vertical sections of heat conduction
    Variable("section_temperature", "degC", "temperature of the ground", PLANES, dtype="float64"),
    Variable("section_temperature_max", "degC", "highest temperature of a year", YEARLY_PLANES, dtype="float64"),
    Variable("section_temperature_min", "degC", "lowest temperature of a year", YEARLY_PLANES, dtype="float64"),
    Variable("section_temperature_mean", "degC", "mean temperature of a year", YEARLY_PLANES, dtype="float64"),
    Variable(
        "section_surface", "m", "elevation of the ground surface at the end of a year", YEARLY_LINES, dtype="float64"
    ),
    Variable("first_surface", "m", "elevation of the ground surface at the beginning", ("x",), dtype="float64"),
    Variable("permafrost_table_depth", "m", "depth of the permafrost table", YEARS),
    Variable("temperature_10m", "degC", "yearly mean temperature 10 m below the surface", YEARS),
    Variable("thaw_bulb_area", "m2", "area of permafrost thawed around a pit", ("year",), dtype="float64"),
    Variable("heap_area", "m2", "area of placed ground above the first surface", ("year",), dtype="float64"),
    Variable("heap_frozen_area", "m2", "area of permafrost in placed ground", ("year",), dtype="float64"),
    Variable("heat_change", "J m-1", "change of the heat in a section", ("year",), dtype="float64"),
    Variable(
        "heat_from_surface", "J m-1", "heat that enters a section through its surface", ("year",), dtype="float64"
    ),
    Variable("heat_from_base", "J m-1", "heat that enters a section through its base", ("year",), dtype="float64"),
    Variable("heat_placed", "J m-1", "heat of placed less that of excavated ground", ("year",), dtype="float64"),
    # columns of heat conduction
    Variable("ground_temperature", "degC", "temperature of the ground", PROFILES, dtype="float64"),
    Variable("ground_temperature_max", "degC", "highest temperature of a year", YEARLY_PROFILES, dtype="float64"),
    Variable("ground_temperature_min", "degC", "lowest temperature of a year", YEARLY_PROFILES, dtype="float64"),
    Variable("ground_temperature_mean", "degC", "mean temperature of a year", YEARLY_PROFILES, dtype="float64"),
    Variable("seasonless_temperature", "degC", "yearly mean temperature where the seasons end", YEARS),
    Variable(
        "ground_thermal_state",
        "1",
        "permafrost, talik, seasonal frost or none",
        YEARS,
        dtype="uint8",
        flags=(
            (0, "no_data"),
            (1, "permafrost"),
            (2, "permafrost_below_talik"),
            (3, "seasonally_frozen_ground"),
            (4, "unfrozen_ground"),
        ),
    ),
    Variable("column_heat_change", "J m-2", "change of the heat in a column", (), dtype="float64"),
    Variable("column_heat_from_surface", "J m-2", "heat that enters through the surface", (), dtype="float64"),
    Variable("column_heat_from_base", "J m-2", "heat that enters through the base", (), dtype="float64"),
    Variable("column_heat_placed", "J m-2", "heat of placed less that of excavated ground", (), dtype="float64"),
    Variable("column_heat_turnover", "J m-2", "sum of the sizes of all heat that comes and goes", (), dtype="float64"),
)
