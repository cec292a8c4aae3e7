"""Variables of the active layer: how deep the ground thaws, and Stefan's factor that says so."""

from cryoscale.variables.entry import MAP, SERIES, YEARS, Variable

ACTIVE_LAYER = (
    Variable(
        "active_layer_thickness",
        "m",
        "thickness of the active layer",
        YEARS,
        standard_name="permafrost_active_layer_thickness",
        valid_range=(0.0, 20.0),
    ),
    Variable("active_layer_thickness_error", "m", "standard error of the thickness of the active layer", YEARS),
    Variable(
        "active_layer_status",
        "1",
        "whether a pixel has an active layer, or why it has none",
        YEARS,
        dtype="uint8",
        flags=((0, "no_data"), (1, "active_layer"), (2, "water"), (3, "bare_rock"), (4, "no_permafrost")),
    ),
    Variable(
        "stefan_e_factor",
        "m degC-0.5 d-0.5",
        "thickness of the active layer per root of thawing degree-days",
        MAP,
        valid_range=(0.0, 0.5),
    ),
    Variable("stefan_e_factor_error", "m degC-0.5 d-0.5", "standard error of Stefan's factor", MAP),
    Variable(
        "fine_ndvi", "1", "normalised difference vegetation index at fine resolution", MAP, valid_range=(-1.0, 1.0)
    ),
    Variable(
        "ndvi_series", "1", "normalised difference vegetation index by month or season", SERIES, valid_range=(-1.0, 1.0)
    ),
    Variable("learned_ndvi", "1", "departure of vegetation from its image's mean, as learned", SERIES),
    Variable("learned_lst", "K", "departure of surface temperature from its image's mean, as learned", SERIES),
    Variable("lst_detail", "K", "surface temperature beyond what its images show", SERIES),
    Variable("daily_lst", "degC", "daily mean surface temperature", SERIES, valid_range=(-100.0, 90.0)),
    Variable(
        "smooth_lst", "degC", "daily surface temperature at the centres of coarse pixels", ("time", "node_y", "node_x")
    ),
    Variable("no_permafrost", "1", "ground without permafrost", MAP, dtype="bool"),
    Variable("water", "1", "rivers, lakes and ponds", MAP, dtype="bool"),
    Variable("bare_rock", "1", "ground of bare rock", MAP, dtype="bool"),
)
