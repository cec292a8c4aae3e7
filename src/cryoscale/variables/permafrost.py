"""Variables of surface temperature, degree-days, active layer and permafrost."""

from cryoscale.variables.entry import MAP, SERIES, YEARS, Variable

IMAGES = ("overpass", "time", "y", "x")
PER_IMAGE = ("overpass", "time")

GROUND_CLASSES = ((0, "no_data"), (1, "permafrost"), (2, "seasonally_frozen_ground"), (3, "glacier"), (4, "lake"))

PERMAFROST = (
    # land surface temperature, and how its gaps are filled
    Variable("lst", "degC", "land surface temperature", IMAGES, valid_range=(-100.0, 90.0)),
    Variable("kriging_variance", "K2", "kriging variance of filled land surface temperature", IMAGES),
    Variable(
        "lst_source",
        "1",
        "where land surface temperature comes from",
        IMAGES,
        dtype="uint8",
        flags=((0, "no_data"), (1, "observed"), (2, "kriged"), (3, "elevation_only")),
    ),
    Variable("lapse_rate", "K m-1", "change of land surface temperature with elevation", PER_IMAGE, dtype="float64"),
    Variable("lst_at_sea_level", "degC", "land surface temperature at 0 m by its lapse", PER_IMAGE, dtype="float64"),
    Variable("variogram_nugget", "K2", "nugget of the variogram", PER_IMAGE, dtype="float64"),
    Variable("variogram_partial_sill", "K2", "partial sill of the variogram", PER_IMAGE, dtype="float64"),
    Variable("variogram_range", "m", "range of the variogram", PER_IMAGE, dtype="float64"),
    Variable("n_valid_pixels", "1", "pixels of an image with a value", PER_IMAGE, dtype="int64"),
    Variable(
        "variogram_source",
        "1",
        "where an image's variogram comes from",
        PER_IMAGE,
        dtype="uint8",
        flags=((0, "none"), (1, "image"), (2, "season")),
    ),
    # ground surface temperature and what it adds up to
    Variable("ground_surface_temperature", "degC", "daily mean temperature of the ground surface", SERIES),
    Variable("gst_error", "K", "standard error of the daily ground surface temperature", SERIES),
    Variable("n_overpasses", "1", "overpasses with an observed temperature", SERIES, dtype="uint8"),
    Variable("ddt", "degC d", "thawing degree-days of the ground surface", YEARS, valid_range=(0.0, 20000.0)),
    Variable("ddf", "degC d", "freezing degree-days of the ground surface", YEARS, valid_range=(0.0, 20000.0)),
    Variable("ddt_error", "degC d", "standard error of the thawing degree-days, from errors of days", YEARS),
    Variable("ddf_error", "degC d", "standard error of the freezing degree-days, from errors of days", YEARS),
    Variable("thawing_days", "d", "days of the year above 0 degC", YEARS),
    Variable("freezing_days", "d", "days of the freezing year below 0 degC", YEARS),
    Variable("observed_thawing_year", "d", "days of the calendar year with a temperature", YEARS, dtype="int16"),
    Variable("observed_freezing_year", "d", "days of the freezing year with a temperature", YEARS, dtype="int16"),
    Variable("n_factor_thawing", "1", "thawing degree-days of the surface per degree-day of the air", YEARS),
    Variable("n_factor_freezing", "1", "freezing degree-days of the surface per degree-day of the air", YEARS),
    # permafrost
    Variable("rk", "1", "ratio of thawed to frozen thermal conductivity", MAP, valid_range=(0.05, 2.0)),
    Variable("rk_error", "1", "standard error of the conductivity ratio", MAP),
    Variable("ttop", "degC", "temperature at the top of permafrost", YEARS),
    Variable("ttop_error", "K", "standard error of the temperature at the top of permafrost", YEARS),
    Variable("permafrost_probability", "1", "probability of permafrost", YEARS, valid_range=(0.0, 1.0)),
    Variable(
        "ground_class",
        "1",
        "permafrost, seasonally frozen ground, glacier or lake",
        YEARS,
        dtype="uint8",
        flags=GROUND_CLASSES,
    ),
    Variable("mean_ddt", "degC d", "thawing degree-days, mean over years", MAP),
    Variable("mean_ddf", "degC d", "freezing degree-days, mean over years", MAP),
    Variable("mean_ttop", "degC", "temperature at the top of permafrost, mean over years", MAP),
    Variable("mean_ttop_error", "K", "standard error of the mean temperature at the top of permafrost", MAP),
    Variable("mean_permafrost_probability", "1", "probability of permafrost in the mean of the years", MAP),
    Variable(
        "mean_ground_class",
        "1",
        "ground by the mean temperature at the top of permafrost",
        MAP,
        dtype="uint8",
        flags=GROUND_CLASSES,
    ),
    Variable(
        "permafrost_change",
        "1",
        "change of permafrost between two periods",
        MAP,
        dtype="uint8",
        flags=((0, "no_data"), (1, "stable_permafrost"), (2, "degraded"), (3, "gained"), (4, "stable_without")),
    ),
    Variable("land_cover", "1", "class of land cover", MAP, dtype="uint8"),
    Variable("glacier", "1", "ice that flows", MAP, dtype="bool"),
    Variable("lake", "1", "standing water", MAP, dtype="bool"),
)
