"""What a report on the long-term record shows: the figures and the table of the paper's Section 4.1."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from cryoscale.report.agreement import SECOND, comparison_figure, point_figure
from cryoscale.report.canvas import ACCENT, INK, figure_png, open_frame, set_title
from cryoscale.report.drivers import correlation_bars, correlation_table, driver_boxes, driver_name
from cryoscale.report.html import Picture, Section, Table
from cryoscale.report.labels import number_text
from cryoscale.report.panels import new_panels, own_maps, shared_maps

COLOURS = {"ERS-2": "#6b4c9a", "Envisat": "#2a9d8f", "ALOS-1": "#d08a1d", "ALOS-2": ACCENT, "Sentinel-1": SECOND}
_DEFORMATION = "Thaw-season deformation"
RATE, SEASON = "vertical_rate", "vertical_thaw_season"


def longterm_sections(
    record: Mapping[str, xr.Dataset],
    *,
    regional: xr.Dataset,
    comparisons: Mapping[str, xr.Dataset],
    drivers: xr.Dataset | None = None,
    driver_maps: xr.Dataset | None = None,
    point: xr.Dataset | None = None,
) -> list[Section]:
    """Describe the long-term record.

    Parameters
    ----------
    record : mapping of str to xarray.Dataset
        By group, in order of time; lazy or not.
    regional : xarray.Dataset
        Regional means, by ``entry``.
    comparisons : mapping of str to xarray.Dataset
        From `stats.compare_maps`, by "Quantity of SENSOR and SENSOR".
    drivers, driver_maps : xarray.Dataset, optional
        Statistics by driver, and the maps that they are of.
    point : xarray.Dataset, optional
        Series and measurements at a point.

    Returns
    -------
    list of Section
    """
    sections = [
        _summary(record, regional),
        Section("Deformation rates", figures=[_picture(shared_maps(rate_maps(record)), _RATES, wide=True)]),
        Section("Thaw seasons", figures=[_picture(shared_maps(season_maps(record)), _SEASONS, wide=True)]),
        _comparisons(comparisons),
        _drivers(drivers, driver_maps),
        _point(point),
    ]
    return [section for section in sections if section is not None]


_RATES = (
    "Vertical rate, normalised to one year, of each period (Fig. 10 of the paper). "
    "Red sinks, blue rises, grey is no data."
)
_SEASONS = (
    "Vertical deformation of the thaw season (Fig. 11): pairs within a season scaled to the whole of it by the "
    "proportion that Sentinel-1 sees between the same days (Eq. 4); of Sentinel-1 the mean. "
    "Grey is no data, or too small a share."
)


def rate_maps(record: Mapping[str, xr.Dataset]) -> dict[str, xr.DataArray]:
    """Maps of the rate of every period, by title.

    Parameters
    ----------
    record : mapping of str to xarray.Dataset
        By group.

    Returns
    -------
    dict of str to xarray.DataArray
    """
    return {name.replace("_", "  "): group[RATE] for name, group in record.items() if RATE in group}


def season_maps(record: Mapping[str, xr.Dataset]) -> dict[str, xr.DataArray]:
    """Maps of the thaw season, by title: each year of a sparse sensor, the mean of the dense one.

    Parameters
    ----------
    record : mapping of str to xarray.Dataset
        By group.

    Returns
    -------
    dict of str to xarray.DataArray
    """
    maps: dict[str, xr.DataArray] = {}
    for group in (group for group in record.values() if SEASON in group):
        sensor, years = group.attrs["sensor"], group.year.values
        if "guarded_pairs" in group:
            maps |= {f"{sensor}  {year}": group[SEASON].sel(year=year) for year in years}
        else:
            maps[f"{sensor}  {years[0]}-{years[-1]}"] = group.mean_vertical_thaw_season
    return maps


def regional_table(record: Mapping[str, xr.Dataset], regional: xr.Dataset) -> Table:
    """Regional means of every period, as Section 4.2 of the paper gives them.

    Parameters
    ----------
    record : mapping of str to xarray.Dataset
        By group.
    regional : xarray.Dataset
        Regional means, by ``entry``.

    Returns
    -------
    Table
    """
    rows = []
    for name, group in record.items():
        mine = regional.isel(entry=regional.group.values == name)
        rate, season = (mine.isel(entry=mine.quantity.values == quantity) for quantity in (RATE, SEASON))
        facts = group.attrs
        pairs = f"{facts['interannual']} + {facts['seasonal']}" if "interannual" in facts else "series"
        rows.append(
            (
                facts["sensor"],
                f"{facts['first'][:4]}-{facts['last'][:4]}",
                _spread_text(rate),
                _season_text(season),
                pairs,
                f"{100 * float(season.lost.mean()):.0f}" if season.sizes["entry"] else "–",
            )
        )
    header = (
        "sensor",
        "years",
        "rate (mm/a)",
        "thaw season (mm)",
        "pairs: rate + season",
        "pixels guarded (%)",
    )
    return Table(
        "Vertical motion over the area that all sensors see: mean ± standard deviation between pixels", header, rows
    )


def regional_figure(regional: xr.Dataset, sensors: Mapping[str, str]) -> Axes:
    """Draw regional means with their spread over the years (Fig. 14c).

    Parameters
    ----------
    regional : xarray.Dataset
        Regional means, by ``entry``.
    sensors : mapping of str to str
        Group to sensor.

    Returns
    -------
    matplotlib.axes.Axes
        The upper plot's: rates, as long as their periods; below it thaw seasons.
    """
    upper, lower = new_panels(2, 1, width=8.6, height=5.0)
    named = []
    for axes, quantity in ((upper, RATE), (lower, SEASON)):
        open_frame(axes)
        axes.axhline(0, color=INK, linewidth=0.6)
        for i in np.flatnonzero(regional.quantity.values == quantity):
            entry = regional.isel(entry=i)
            sensor = sensors[str(entry.group.item())]
            label = sensor if sensor not in named else None
            named.append(sensor)
            _draw_entry(axes, entry, COLOURS.get(sensor, INK), label)
        axes.set_xlim(int(regional["first"].min()) - 1, int(regional["last"].max()) + 1)
    upper.set_ylabel("Vertical rate (mm a⁻¹)", fontsize=8.5, color=INK)
    lower.set_ylabel("Thaw-season deformation (mm)", fontsize=8.5, color=INK)
    upper.label_outer()
    upper.legend(fontsize=8, frameon=False, labelcolor=INK, loc="lower left")
    set_title(upper, "Regional mean, with the spread between pixels")
    return upper


def _draw_entry(axes: Axes, entry: xr.Dataset, colour: str, label: str | None) -> None:
    first, last = float(entry["first"]), float(entry["last"])
    mean, spread = float(entry["mean"]), float(entry.spread)
    if last > first:
        axes.fill_between([first, last], mean - spread, mean + spread, color=colour, alpha=0.15, linewidth=0)
        axes.plot([first, last], [mean, mean], color=colour, linewidth=2.2, label=label)
    else:
        axes.errorbar(
            first, mean, spread, fmt="o", color=colour, markersize=4.5, elinewidth=1.0, capsize=2.5, label=label
        )


def _spread_text(entries: xr.Dataset) -> str:
    if not entries.sizes["entry"]:
        return "–"
    mean, spread = float(entries["mean"][0]), float(entries.spread[0])
    return f"{number_text(mean)} ± {spread:.1f}"


def _season_text(entries: xr.Dataset) -> str:
    """Every year of a sparse sensor; of a series the mean of its years."""
    if entries.sizes["entry"] > 3:
        return f"{number_text(float(entries['mean'].mean()))} ± {float(entries.spread.mean()):.1f}"
    texts = [_spread_text(entries.isel(entry=[i])) for i in range(entries.sizes["entry"])]
    years = entries["first"].values
    return "; ".join(f"{year}: {text}" for year, text in zip(years, texts, strict=True)) or "–"


def _summary(record: Mapping[str, xr.Dataset], regional: xr.Dataset) -> Section:
    sensors = {name: str(group.attrs["sensor"]) for name, group in record.items()}
    caption = (
        "Regional mean of the rate over each period and of every thaw season, over the pixels that all sensors see; "
        "bands and bars are one standard deviation between pixels (Fig. 14c)."
    )
    text = (
        "Motion is vertical, from the line of sight of each sensor, positive upward, relative to the reference area. "
        "Rates of sparse sensors are from pairs over nearly whole years, normalised to a year."
    )
    picture = _picture(regional_figure(regional, sensors), caption, wide=True)
    return Section("Regional means", text, [picture], [regional_table(record, regional)])


def _comparisons(comparisons: Mapping[str, xr.Dataset]) -> Section | None:
    pictures = []
    for name, comparison in comparisons.items():
        quantity, _, both = name.partition(" of ")
        first, _, second = both.partition(" and ")
        axes = comparison_figure(comparison, first=first, second=second, title=quantity)
        caption = (
            f"{name}, vertical: histograms, and density of the pairs of values with the line of equality (Fig. 9)."
        )
        pictures.append(_picture(axes, caption, wide=True))
    return Section("Comparison of sensors", figures=pictures) if pictures else None


def _drivers(drivers: xr.Dataset | None, maps: xr.Dataset | None) -> Section | None:
    if drivers is None or maps is None:
        return None
    boxes = driver_boxes(drivers, label="Thaw-season deformation (mm)")
    names = {"mean_vertical_thaw_season": _DEFORMATION}
    titles = {str(name): names.get(str(name), driver_name(str(name))) for name in maps.data_vars}
    pictures = [
        _picture(
            correlation_bars(drivers, title="Correlation"),
            "Correlation with the mean thaw-season deformation; p values allow for spatial autocorrelation, "
            "and hollow bars are not significant at 5 % (Fig. 12a).",
        ),
        _picture(
            boxes,
            "Thaw-season deformation in bins of each driver: median, quartiles, 5 and 95 % (Fig. 12b-f).",
            wide=True,
        ),
        _picture(
            own_maps({title: maps[name] for name, title in titles.items()}, centred=[_DEFORMATION]),
            "Deformation and its drivers on the grid of the analysis (Fig. 13).",
            wide=True,
        ),
    ]
    text = "Deformation is negative where it sinks: a negative correlation means more subsidence where there is more."
    return Section("Drivers", text, pictures, [correlation_table(drivers)])


def _point(point: xr.Dataset | None) -> Section | None:
    if point is None:
        return None
    caption = "Both series are zero on the same day (Fig. S9)."
    return Section("Point measurements", figures=[_picture(point_figure(point), caption, wide=True)])


def _picture(axes: Axes, caption: str, *, wide: bool = False) -> Picture:
    return Picture(figure_png(axes), caption, wide)
