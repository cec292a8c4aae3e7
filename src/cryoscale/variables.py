"""The registry of variables: what each is called, its unit, its dims, and what values it may take.

Attributes of outputs, the schemas in ``zarr_schemas/``, the checks of inputs and the tests' fixtures all read it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

import xarray as xr

from cryoscale.errors import InputError


@dataclass(frozen=True, slots=True)
class Variable:
    """One entry of the registry.

    Attributes
    ----------
    name : str
        The name in every Dataset and store.
    units : str
        Unit in UDUNITS notation; ``"1"`` for a pure number.
    long_name : str
        What a figure's axis says.
    dims : tuple of str
        Dims, slowest first.
    dtype : str
        NumPy name of the type it is stored in.
    standard_name : str or None
        CF standard name, where one exists.
    valid_range : tuple of float or None
        Smallest and largest value that can be true.
    """

    name: str
    units: str
    long_name: str
    dims: tuple[str, ...]
    dtype: str = "float32"
    standard_name: str | None = None
    valid_range: tuple[float, float] | None = None


_PAIRS = ("pair", "y", "x")
_SERIES = ("time", "y", "x")
_YEARS = ("year", "y", "x")
_MAP = ("y", "x")


def _registry(entries: Iterable[Variable]) -> MappingProxyType[str, Variable]:
    return MappingProxyType({entry.name: entry for entry in entries})


VARIABLES = _registry(
    (
        # interferogram stacks
        Variable("unwrapped_phase", "rad", "unwrapped interferometric phase", _PAIRS),
        Variable("coherence", "1", "interferometric coherence", _PAIRS, valid_range=(0.0, 1.0)),
        Variable("pair_displacement", "mm", "line-of-sight displacement of a pair, toward the satellite", _PAIRS),
        Variable("elevation", "m", "elevation", _MAP, standard_name="surface_altitude", valid_range=(-500, 9000)),
        Variable("incidence_angle", "degree", "local incidence angle", _MAP, valid_range=(0.0, 90.0)),
        Variable(
            "look_elevation_angle",
            "rad",
            "elevation angle of the vector to the satellite above the horizontal",
            _MAP,
            valid_range=(0.0, 1.5708),
        ),
        Variable("los_east", "1", "east component of the unit vector to the satellite", _MAP, valid_range=(-1, 1)),
        Variable("los_north", "1", "north component of the unit vector to the satellite", _MAP, valid_range=(-1, 1)),
        Variable("los_up", "1", "up component of the unit vector to the satellite", _MAP, valid_range=(-1, 1)),
        Variable("mean_coherence", "1", "coherence, mean over pairs", _MAP, valid_range=(0.0, 1.0)),
        Variable("coverage", "1", "share of pixels with data", ("pair",), valid_range=(0.0, 1.0)),
        # network of interferograms
        Variable("closure_phase", "rad", "closure phase of a triplet", ("triplet", "y", "x")),
        Variable("closure_pixels", "1", "pixels with data in all pairs of a triplet", ("triplet",), dtype="int64"),
        Variable("closure_cycles", "1", "whole cycles taken off a triplet's closure", ("triplet",), dtype="int16"),
        Variable("closure_rms", "rad", "root mean square of a triplet's closure phase", ("triplet",)),
        Variable("n_loops", "1", "number of triplets with data", _MAP, dtype="int32"),
        Variable("n_loop_errors", "1", "number of triplets that do not close within half a cycle", _MAP, dtype="int32"),
        Variable("closure_verdict", "1", "whether a triplet closes", ("triplet",), dtype="int8"),
        Variable("observed_share", "1", "share of the observed pixels with data", ("pair",), valid_range=(0.0, 1.0)),
        Variable("pair_coherence", "1", "coherence, mean over the observed pixels", ("pair",), valid_range=(0.0, 1.0)),
        Variable("verdict", "1", "what becomes of a pair, and why", ("pair",), dtype="int8"),
        Variable("n_pair_loops", "1", "number of triplets that a pair is tested in", ("pair",), dtype="int32"),
        Variable("n_bad_pair_loops", "1", "number of a pair's triplets that do not close", ("pair",), dtype="int32"),
        Variable("n_corrected_pairs", "1", "number of pairs corrected by whole cycles", _MAP, dtype="int16"),
        Variable("ramp", "rad", "long-wavelength trend of a pair", _PAIRS),
        Variable("ramp_coefficients", "rad", "coefficients of a pair's trend", ("pair", "term"), dtype="float64"),
        Variable("ramp_scale", "rad", "robust standard deviation about a pair's trend", ("pair",), dtype="float64"),
        Variable("ramp_pixels", "1", "pixels that a pair's trend is fitted to", ("pair",), dtype="int64"),
        # deformation cubes
        Variable("displacement", "mm", "line-of-sight displacement since the first epoch", _SERIES),
        Variable("displacement_noise", "mm", "line-of-sight displacement taken for noise and removed", _SERIES),
        Variable("velocity", "mm a-1", "line-of-sight velocity of the temporal model", _MAP),
        Variable("velocity_error", "mm a-1", "standard error of the velocity", _MAP),
        Variable("offset", "mm", "offset of the temporal model", _MAP),
        Variable("sine", "mm", "sine coefficient of the temporal model", _MAP),
        Variable("sine_error", "mm", "standard error of the sine coefficient", _MAP),
        Variable("cosine", "mm", "cosine coefficient of the temporal model", _MAP),
        Variable("cosine_error", "mm", "standard error of the cosine coefficient", _MAP),
        Variable("residual_rms", "mm", "root mean square of the pairs' residuals", _MAP),
        Variable("n_pairs", "1", "number of pairs used", _MAP, dtype="int16"),
        Variable("n_components", "1", "number of disconnected pieces of the network", _MAP, dtype="int16"),
        Variable("deformation_rate", "mm a-1", "line-of-sight deformation rate by linear regression", _MAP),
        Variable("deformation_rate_error", "mm a-1", "standard error of the deformation rate", _MAP),
        Variable("seasonal_amplitude", "mm", "amplitude of the seasonal displacement (half of peak to peak)", _MAP),
        Variable("seasonal_peak", "d", "day of the year of the highest seasonal displacement", _MAP),
        # seasons
        Variable("thaw_season_deformation", "mm", "line-of-sight deformation of a thaw season, trend removed", _YEARS),
        Variable("thaw_season_error", "mm", "standard error of the deformation of a thaw season", _YEARS),
        Variable("mean_thaw_season_deformation", "mm", "line-of-sight deformation of the thaw season, mean", _MAP),
        Variable("mean_thaw_season_error", "mm", "standard error of the mean thaw-season deformation", _MAP),
        Variable("thaw_season_spread", "mm", "standard deviation of thaw-season deformation between years", _MAP),
        Variable("n_seasons", "1", "number of thaw seasons with data", _MAP, dtype="int16"),
        Variable("partial_season_deformation", "mm", "line-of-sight deformation between two days of the year", _MAP),
        Variable("partial_season_error", "mm", "standard error of the deformation between two days", _MAP),
        Variable("pair_rate", "mm a-1", "line-of-sight displacement of a pair per year", _PAIRS),
        Variable("scaled_season_deformation", "mm", "deformation of a pair, scaled to the whole thaw season", _MAP),
        Variable("season_share", "1", "share of the thaw season's deformation between the dates of a pair", _MAP),
        Variable("season_guarded", "1", "not scaled: too small a share of the season", _MAP, dtype="bool"),
        Variable("guarded_pairs", "1", "pairs not scaled: too small a share of the season", _YEARS, dtype="int16"),
        Variable("index_scaled_season", "mm", "thaw season of a pair, scaled by the thawing index", _YEARS),
        Variable("vertical_thaw_season", "mm", "vertical deformation of a thaw season, upward", _YEARS),
        Variable("mean_vertical_thaw_season", "mm", "vertical deformation of the thaw season, mean, upward", _MAP),
        # trends of yearly series; rates and the line's start take the unit of the series
        Variable("trend", "a-1", "Theil-Sen trend per year", _MAP),
        Variable("trend_start", "1", "Theil-Sen line at the first time", _MAP),
        Variable("trend_lower", "a-1", "lower confidence bound of the trend", _MAP),
        Variable("trend_upper", "a-1", "upper confidence bound of the trend", _MAP),
        Variable("trend_p_value", "1", "p value of no trend (Mann-Kendall, two-sided)", _MAP, valid_range=(0.0, 1.0)),
        Variable("kendall_score", "1", "rising minus falling pairs of values", _MAP),
        Variable("kendall_tau", "1", "Kendall's tau-b against time", _MAP, valid_range=(-1.0, 1.0)),
        Variable("mann_kendall_z", "1", "standard normal deviate of the Mann-Kendall test", _MAP),
        Variable("variance_inflation", "1", "factor of the score's variance for serial correlation", _MAP),
        # troposphere
        Variable("zenith_delay", "m", "total zenith delay of the troposphere", _SERIES, valid_range=(0.0, 5.0)),
        Variable("tropospheric_phase", "rad", "interferometric phase of the troposphere's delay", _PAIRS),
        Variable("deviation_before", "rad", "standard deviation of a pair's phase before correction", ("pair",)),
        Variable("deviation_after", "rad", "standard deviation of a pair's phase after correction", ("pair",)),
        Variable("delay_applied", "1", "pair is corrected for the troposphere", ("pair",), dtype="bool"),
        # geometry
        Variable("vertical_displacement", "mm", "vertical displacement, upward", _MAP),
        Variable("vertical_rate", "mm a-1", "vertical deformation rate, upward", _MAP),
        Variable("east_displacement", "mm", "eastward displacement", _MAP),
        Variable("east_rate", "mm a-1", "eastward deformation rate", _MAP),
        Variable("vertical_error_factor", "1", "standard error of the vertical per that of the lines of sight", _MAP),
        Variable("east_error_factor", "1", "standard error of the east per that of the lines of sight", _MAP),
        Variable("geometry_condition", "1", "condition number of the lines of sight", _MAP),
        # environment
        Variable("surface_temperature", "degC", "surface temperature", ("time",), standard_name="surface_temperature"),
        Variable("cumulative_thawing_index", "degC d", "thawing index since the beginning of the year", ("time",)),
        Variable("thawing_index", "degC d", "thawing index of the year", _MAP, valid_range=(0.0, 10000.0)),
        Variable("slope", "degree", "slope of the ground", _MAP, valid_range=(0.0, 90.0)),
        Variable("ndvi", "1", "normalised difference vegetation index", _MAP, valid_range=(-1.0, 1.0)),
        Variable("swir_albedo", "1", "shortwave infrared albedo", _MAP, valid_range=(0.0, 1.0)),
        Variable("ground_ice", "m3 m-3", "volumetric content of ground ice", _MAP, valid_range=(0.0, 1.0)),
        # truths of synthetic scenes
        Variable("atmosphere", "mm", "line-of-sight displacement that the atmosphere feigns", _SERIES),
        Variable("stable", "1", "bedrock that does not move", _MAP, dtype="bool"),
        Variable("flaw", "1", "what is wrong with a pair", ("pair",), dtype="int8"),
        Variable("unwrapping_cycles", "1", "whole cycles by which a pair is wrong", _PAIRS, dtype="int8"),
        Variable("yearly_vertical_rate", "mm a-1", "vertical rate of the year, upward, without its season", _YEARS),
        Variable("yearly_vertical_thaw_season", "mm", "vertical motion from 1 May to 1 October, upward", _YEARS),
    )
)


def attributes(name: str) -> dict[str, object]:
    """CF attributes of a registered variable.

    Parameters
    ----------
    name : str
        A name in the registry.

    Returns
    -------
    dict
        ``units``, ``long_name``, and ``standard_name`` and ``valid_range`` where they exist.

    Examples
    --------
    >>> attributes("velocity")["units"]
    'mm a-1'
    """
    variable = VARIABLES[name]
    attrs: dict[str, object] = {"units": variable.units, "long_name": variable.long_name}
    if variable.standard_name:
        attrs["standard_name"] = variable.standard_name
    if variable.valid_range:
        attrs["valid_range"] = [float(bound) for bound in variable.valid_range]
    return attrs


def check_units(array: xr.DataArray, name: str) -> xr.DataArray:
    """Refuse an array whose ``units`` attribute says another unit than the registry's.

    An array without the attribute passes: whoever builds arrays by hand vouches for them.

    Parameters
    ----------
    array : xarray.DataArray
        The input, of any dims.
    name : str
        The registered variable that it is taken for.

    Returns
    -------
    xarray.DataArray
        The same array.

    Raises
    ------
    InputError
        If the two units differ.
    """
    expected = VARIABLES[name].units
    found = array.attrs.get("units", expected)
    if found != expected:
        raise InputError(
            f"{array.name or name}: is in {found!r}, but {name} must be in {expected!r}. "
            f"Convert the values and set attrs['units'] = {expected!r}."
        )
    return array
