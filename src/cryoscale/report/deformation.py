"""What a report on surface deformation shows, from the deformation cube."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from cryoscale.grids import describe_grid, geobox_of
from cryoscale.report.canvas import figure_png
from cryoscale.report.html import Picture, Section, Table
from cryoscale.report.labels import number_text, place_text, unit_text
from cryoscale.report.maps import decimated, map_figure, mark_points
from cryoscale.report.plots import histogram, scatter_against_truth
from cryoscale.report.series import Gap, network_gaps, network_plot, time_series_plot

MAPS = {
    "deformation_rate": (
        "Deformation rate",
        "Rate of the displacement along the line of sight, by linear regression over the whole period. "
        "Red moves away from the satellite (subsidence), blue toward it. Letters mark the time series below.",
    ),
    "deformation_rate_error": (
        "Error of the rate",
        "Standard error of the rate, from the scatter about the regression line.",
    ),
    "seasonal_amplitude": (
        "Seasonal amplitude",
        "Amplitude of the annual sinusoid of the temporal model. From its highest to its lowest position in a year the "
        "ground moves by twice as much.",
    ),
    "residual_rms": (
        "Residuals",
        "What the pairs say less what the inverted series says, root mean square over pairs. "
        "Large values point to unwrapping errors or to decorrelation.",
    ),
    "n_pairs": ("Number of pairs", "Pairs with a coherent phase."),
    "mean_coherence": ("Coherence", "Coherence, mean over pairs."),
}
"""Maps that the report shows where the cube has them: their titles and captions."""

WELL_OBSERVED = 0.8  # share of the largest number of pairs that a representative pixel has at least
_DAY = np.timedelta64(1, "D")


class RejectedFile(Protocol):
    """A file that was left out, and why."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def reason(self) -> str:
        """What is wrong with it."""


@dataclass(frozen=True, slots=True)
class Site:
    """A pixel worth a look.

    Attributes
    ----------
    label : str
        A letter for the map.
    what : str
        What it stands for.
    place : tuple of float
        y and x.
    """

    label: str
    what: str
    place: tuple[float, float]


def deformation_sections(
    cube: xr.Dataset,
    *,
    coverage: xr.DataArray | None = None,
    rejected: Sequence[RejectedFile] = (),
    reference: tuple[float, float] | None = None,
    period: float = 1.0,
) -> list[Section]:
    """Describe a deformation cube in figures, tables and words.

    Parameters
    ----------
    cube : xarray.Dataset
        What `insar.invert_nsbas` and `insar.deformation_rate` give; lazy or not. Of a large one only every n-th pixel
        of the maps and the series of four pixels are read.
    coverage : xarray.DataArray, optional
        Dims (pair,) with ``reference`` and ``secondary``: share of each pair's pixels that have data.
    rejected : sequence, optional
        Files that were left out, each with ``path`` and ``reason``.
    reference : tuple of float, optional
        y and x of the centre of the reference area.
    period : float
        Of the season, a.

    Returns
    -------
    list of Section
    """
    names = [name for name in MAPS if name in cube]
    maps = decimated(cube[names]).compute()
    sites = representative_sites(maps, reference=reference)
    gaps = [] if coverage is None else network_gaps(coverage.reference.values, coverage.secondary.values)
    sections = [
        _summary(cube, maps, coverage, gaps),
        _rates(maps, sites),
        _season(maps),
        _series(cube, sites, gaps, period),
        _quality(maps),
        _network(coverage, gaps),
        _left_out(rejected),
    ]
    return [section for section in sections if section is not None]


def truth_section(cube: xr.Dataset, truth: xr.Dataset, *, compared: Mapping[str, str]) -> Section:
    """Hold recovered maps against the truth of a synthetic scene.

    Parameters
    ----------
    cube, truth : xarray.Dataset
        On the same grid.
    compared : mapping
        Name of a map in the cube to the name of what it should be in the truth.

    Returns
    -------
    Section
    """
    pictures: list[Picture] = []
    for name, true_name in compared.items():
        title = MAPS[name][0] if name in MAPS else name.replace("_", " ").capitalize()
        scatter = scatter_against_truth(cube[name], truth[true_name], title=title)
        error = (decimated(cube[name]) - decimated(truth[true_name])).rename("error")
        error.attrs = {"units": cube[name].attrs["units"], "long_name": "estimate less true value"}
        difference = map_figure(error, centred=True, title=f"{title}: error")
        pictures.append(_picture(scatter, "Every pixel against its truth; on the line both are equal."))
        pictures.append(_picture(difference, "Where the estimate is too low (red) or too high (blue)."))
    text = "The scene is synthetic, so what the results should be is known."
    return Section("Recovered against true", text, pictures)


def representative_sites(maps: xr.Dataset, *, reference: tuple[float, float] | None = None) -> list[Site]:
    """Choose pixels whose series show what goes on.

    Parameters
    ----------
    maps : xarray.Dataset
        In memory: ``deformation_rate``, ``residual_rms``, ``n_pairs``, and ``seasonal_amplitude`` where there is a
        season. Only pixels with most of the pairs and a residual below the median are chosen.
    reference : tuple of float, optional
        y and x of the centre of the reference area.

    Returns
    -------
    list of Site
        Largest subsidence, largest season, least motion, reference.
    """
    residual = maps.residual_rms
    good = (maps.n_pairs >= WELL_OBSERVED * maps.n_pairs.max()) & (residual <= residual.median())
    rate = maps.deformation_rate.where(good)
    if not bool(rate.notnull().any()):
        return []
    motion = abs(rate) / (float(abs(rate).max()) or 1.0)
    found = [Site("A", "largest subsidence", _place(rate, np.nanargmin(rate)))]
    if "seasonal_amplitude" in maps:
        amplitude = maps.seasonal_amplitude.where(rate.notnull())
        motion = motion + amplitude / (float(amplitude.max()) or 1.0)
        found.append(Site("B", "largest season", _place(amplitude, np.nanargmax(amplitude))))
    found.append(Site("C", "least motion", _place(motion, np.nanargmin(motion))))
    if reference is not None:
        found.append(Site("R", "reference", reference))
    return found


def _place(array: xr.DataArray, flat: np.intp) -> tuple[float, float]:
    row, column = np.unravel_index(flat, array.shape)
    return float(array.y[row]), float(array.x[column])


def _picture(axes: Axes, caption: str, *, wide: bool = False) -> Picture:
    return Picture(figure_png(axes), caption, wide)


def _map(maps: xr.Dataset, name: str, sites: Sequence[Site] = ()) -> Picture:
    title, caption = MAPS[name]
    axes = map_figure(maps[name], title=title)
    mark_points(axes, {site.label: site.place for site in sites})
    return _picture(axes, caption)


def _summary(cube: xr.Dataset, maps: xr.Dataset, coverage: xr.DataArray | None, gaps: Sequence[Gap]) -> Section:
    rate = maps.deformation_rate
    unit = unit_text(rate.attrs["units"])
    fifth, median, ninety_fifth = _percentiles(rate, 5, 50, 95)
    first, last = (str(cube.time.values[i])[:10] for i in (0, -1))
    rows = [
        ("Grid", describe_grid(geobox_of(cube))),
        ("Period", f"{first} to {last}"),
        ("Epochs", str(cube.sizes["time"])),
        ("Pixels with a rate", f"{100 * float(rate.notnull().mean()):.1f} %"),
        ("Rate, median", f"{number_text(median)} {unit}"),
        ("Rate, 5th to 95th percentile", f"{number_text(fifth)} to {number_text(ninety_fifth)} {unit}"),
    ]
    if "seasonal_amplitude" in maps:
        (high,) = _percentiles(maps.seasonal_amplitude, 95)
        rows.append(("Seasonal amplitude, 95th percentile", f"{high:.1f} {unit_text(maps.seasonal_amplitude.units)}"))
    if coverage is not None:
        rows.append(
            ("Pairs", f"{coverage.sizes['pair']}, in {len(gaps) + 1} pieces with {len(gaps)} gaps between them")
        )
    text = (
        "Displacement is along the line of sight, positive toward the satellite and negative away from it, "
        "since the first epoch and relative to the reference area."
    )
    return Section("Summary", text, tables=[Table("At a glance", ("Quantity", "Value"), rows)])


def _percentiles(array: xr.DataArray, *which: float) -> list[float]:
    values = array.values[np.isfinite(array.values)]
    return [float(value) for value in np.percentile(values, which)] if values.size else [np.nan] * len(which)


def _rates(maps: xr.Dataset, sites: Sequence[Site]) -> Section:
    pictures = [_map(maps, "deformation_rate", sites)]
    if "deformation_rate_error" in maps:
        pictures.append(_map(maps, "deformation_rate_error"))
    caption = "How the rates are distributed over the pixels of the map."
    pictures.append(_picture(histogram(maps.deformation_rate, title="Distribution of rates"), caption))
    return Section("Deformation rate", figures=pictures)


def _season(maps: xr.Dataset) -> Section | None:
    if "seasonal_amplitude" not in maps:
        return None
    pictures = [
        _map(maps, "seasonal_amplitude"),
        _picture(
            histogram(maps.seasonal_amplitude, title="Distribution of amplitudes"),
            "How the amplitudes are distributed.",
        ),
    ]
    return Section("Season", figures=pictures)


def _series(cube: xr.Dataset, sites: Sequence[Site], gaps: Sequence[Gap], period: float) -> Section | None:
    if not sites:
        return None
    names = [name for name in ("displacement", "offset", "velocity", "sine", "cosine") if name in cube]
    pictures = []
    for site in sites:
        y, x = site.place
        pixel = cube[names].sel(y=y, x=x, method="nearest").compute()
        title = f"{site.label}: {site.what}"
        axes = time_series_plot(pixel, gaps=gaps, period=period, title=title)
        where = place_text(geobox_of(cube), float(pixel.y), float(pixel.x))
        pictures.append(_picture(axes, f"Pixel at {where}.", wide=True))
    text = (
        "Pixels marked on the map of rates, chosen among those with most of the pairs and small residuals. "
        "Across the shaded gaps no pair measures; there the series rests on the temporal model alone."
    )
    return Section("Time series", text, pictures)


def _quality(maps: xr.Dataset) -> Section:
    names = [name for name in ("residual_rms", "n_pairs", "mean_coherence") if name in maps]
    return Section("Quality", figures=[_map(maps, name) for name in names])


def _network(coverage: xr.DataArray | None, gaps: Sequence[Gap]) -> Section | None:
    if coverage is None:
        return None
    axes = network_plot(coverage, title="Network of pairs")
    caption = "Each arc is a pair, as high as its acquisitions are apart. Across the shaded gaps the network is cut."
    between = [(str(start)[:10], str(end)[:10], f"{(end - start) / _DAY:.0f}") for start, end in gaps]
    tables = [
        Table("Gaps", ("Last epoch before", "First epoch after", "Days"), between),
        Table("Pairs", ("Reference", "Secondary", "Days", "Coverage (%)"), _pair_rows(coverage)),
    ]
    return Section("Network", "", [_picture(axes, caption, wide=True)], tables)


def _pair_rows(coverage: xr.DataArray) -> list[tuple[str, ...]]:
    ends = zip(coverage.reference.values, coverage.secondary.values, coverage.values, strict=True)
    return [(str(a)[:10], str(b)[:10], f"{(b - a) / _DAY:.0f}", f"{100 * share:.1f}") for a, b, share in ends]


def _left_out(rejected: Sequence[RejectedFile]) -> Section | None:
    if not rejected:
        return None
    rows = [(str(file.path), file.reason) for file in rejected]
    return Section("Left out", tables=[Table("Files that were not used", ("File", "Why"), rows)])
