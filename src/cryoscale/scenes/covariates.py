"""Environmental covariates of the ground: what may drive the thaw-season deformation, or follow from it."""

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from cryoscale.grids import grid_coords
from cryoscale.scenes.layout import map_variables
from cryoscale.scenes.terrain import VALLEY_FLOOR, Field, Terrain, fractal_field

LAPSE = 0.9  # degC d of thawing index that a metre of height takes: 6 degC km-1 over the thaw season
INDEX_NOISE = 60.0  # degC d
NOISE_EXPONENT = 2.5  # of the noise's spectrum: correlated over many pixels

LIKENESS = {  # mean, spread, correlation with the season's subsidence (after Fig. 12), least and largest value
    "ndvi": (0.55, 0.12, 0.45, 0.02, 0.9),
    "swir_albedo": (0.22, 0.045, -0.65, 0.03, 0.45),
    "ground_ice": (0.28, 0.1, 0.6, 0.0, 0.8),
}


COVARIATES = ("slope", *LIKENESS, "thawing_index")
"""Names of what `covariates` gives."""


def covariates(
    terrain: Terrain, season: Field, *, geobox: GeoBox, thawing_index: float, noise: float, rng: np.random.Generator
) -> xr.Dataset:
    """Slope, vegetation, wetness, warmth and ice of every pixel.

    More ice, denser vegetation, darker (wetter) ground, gentler slopes and more warmth go with more subsidence
    (Section 4.1.3). A noise of size 1 with a power-law spectrum brings the correlations to about those of the paper;
    because it is autocorrelated, a scene has few independent samples of it.

    Parameters
    ----------
    terrain : Terrain
        The ground.
    season : ndarray (y, x)
        How far it sinks in a thaw season, mm.
    geobox : odc.geo.geobox.GeoBox
        Grid of the scene.
    thawing_index : float
        Of a mean year on the valley floor, degC d.
    noise : float
        Size of the noise; 0 for covariates that the ground alone decides.
    rng : numpy.random.Generator
        Source of the noise.

    Returns
    -------
    xarray.Dataset
        ``slope`` degree, ``ndvi`` 1, ``swir_albedo`` 1, ``thawing_index`` degC d, ``ground_ice`` m3 m-3 (y, x).
    """
    signal = (season - season.mean()) / season.std()
    drawn = {name: fractal_field(season.shape, exponent=NOISE_EXPONENT, rng=rng) for name in (*LIKENESS, "warmth")}
    fields: dict[str, Field] = {"slope": terrain.slope}
    for name, (mean, spread, likeness, least, largest) in LIKENESS.items():
        mixed = likeness * signal + noise * np.sqrt(1 - likeness**2) * drawn[name]
        fields[name] = np.clip(mean + spread * mixed, least, largest).astype(np.float32)
    warmth = thawing_index - LAPSE * (terrain.elevation - VALLEY_FLOOR) + noise * INDEX_NOISE * drawn["warmth"]
    fields["thawing_index"] = np.maximum(warmth, 0.0).astype(np.float32)
    return xr.Dataset(map_variables(fields), grid_coords(geobox))
