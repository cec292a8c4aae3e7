"""The report on a deformation cube: which figures and tables, of which pixels, and what is read for them."""

from dataclasses import dataclass
from pathlib import Path

import dask.array as da
import numpy as np
import pytest

from cryoscale.report import deformation_sections, network_gaps, truth_section, write_report
from cryoscale.report.deformation import representative_sites


@dataclass(frozen=True)
class Refused:
    path: Path
    reason: str


@pytest.fixture(scope="module")
def sections(cube, coverage, scene):
    rejected = [Refused(Path("a/20170101_20170113.geo.unw.tif"), "is cut short")]
    return deformation_sections(cube, coverage=coverage, rejected=rejected, reference=scene.reference)


def by_title(sections):
    return {section.title: section for section in sections}


def test_the_sections_of_a_report(sections):
    titles = [section.title for section in sections]
    assert titles == ["Summary", "Deformation rate", "Season", "Time series", "Quality", "Network", "Left out"]
    figures = {section.title: len(section.figures) for section in sections}
    assert figures == {
        "Summary": 0,
        "Deformation rate": 3,
        "Season": 2,
        "Time series": 4,
        "Quality": 2,
        "Network": 1,
        "Left out": 0,
    }
    for section in sections:
        for figure in section.figures:
            assert figure.png[:4] == b"\x89PNG"
            assert figure.caption


def test_the_summary_tells_the_cubes_numbers(sections, cube, coverage):
    rows = dict(by_title(sections)["Summary"].tables[0].rows)
    rate = cube.deformation_rate.values
    assert rows["Epochs"] == str(cube.sizes["time"])
    assert rows["Period"] == f"{str(cube.time.values[0])[:10]} to {str(cube.time.values[-1])[:10]}"
    assert rows["Rate, median"] == f"{np.nanmedian(rate):.1f} mm a⁻¹".replace("-", "−")
    assert rows["Pixels with a rate"] == f"{100 * np.isfinite(rate).mean():.1f} %"
    assert rows["Pairs"].startswith(f"{coverage.sizes['pair']}, in ")


def test_tables_of_pairs_gaps_and_refused_files(sections, coverage):
    gaps, pairs = by_title(sections)["Network"].tables
    assert len(pairs.rows) == coverage.sizes["pair"]
    first = pairs.rows[0]
    assert first[:2] == (str(coverage.reference.values[0])[:10], str(coverage.secondary.values[0])[:10])
    assert first[3] == f"{100 * float(coverage[0]):.1f}"
    found = network_gaps(coverage.reference.values, coverage.secondary.values)
    assert [row[:2] for row in gaps.rows] == [(str(start)[:10], str(end)[:10]) for start, end in found]
    assert [int(row[2]) for row in gaps.rows] == [(end - start) / np.timedelta64(1, "D") for start, end in found]
    assert len(found) >= 2
    assert by_title(sections)["Left out"].tables[0].rows == [("a/20170101_20170113.geo.unw.tif", "is cut short")]


def test_representative_pixels_are_extremes_of_well_observed_ground(cube, scene):
    subsidence, season, still, reference = representative_sites(cube, reference=scene.reference)
    good = (cube.n_pairs >= 0.8 * cube.n_pairs.max()) & (cube.residual_rms <= cube.residual_rms.median())
    rate = cube.deformation_rate.where(good)

    def value(name, site):
        return float(cube[name].sel(y=site.place[0], x=site.place[1]))

    assert value("deformation_rate", subsidence) == float(rate.min())
    assert value("seasonal_amplitude", season) == float(cube.seasonal_amplitude.where(rate.notnull()).max())
    assert value("deformation_rate", still) == 0
    assert value("seasonal_amplitude", still) == 0
    assert reference.place == scene.reference
    assert [site.label for site in (subsidence, season, still, reference)] == ["A", "B", "C", "R"]


def test_a_noisy_extreme_is_not_representative(cube):
    outlier = cube.copy(deep=True)
    outlier["deformation_rate"][7, 9] = -200
    outlier["residual_rms"][7, 9] = 50
    assert representative_sites(outlier)[0].place == representative_sites(cube)[0].place


def test_a_cube_without_season_coverage_or_data_has_fewer_sections(cube):
    linear = cube.drop_vars(["seasonal_amplitude", "sine", "cosine"])
    assert [section.title for section in deformation_sections(linear)] == [
        "Summary",
        "Deformation rate",
        "Time series",
        "Quality",
    ]
    empty = linear.assign(deformation_rate=linear.deformation_rate * np.nan)
    titles = [section.title for section in deformation_sections(empty)]
    assert titles == ["Summary", "Deformation rate", "Quality"]


def test_a_lazy_cube_gives_the_same_report(cube, coverage, sections, scene):
    lazy = cube.chunk({"time": -1, "y": 16, "x": 16})
    again = deformation_sections(lazy, coverage=coverage, reference=scene.reference)
    assert again == sections[:-1]


def test_only_the_tiles_of_four_series_are_read(cube, scene):
    chunks_read = []

    def count(block, block_info=None):
        chunks_read.append(block_info[0]["chunk-location"])
        return block

    lazy = cube.chunk({"time": -1, "y": 8, "x": 10})
    counted = da.map_blocks(count, lazy.displacement.data, dtype="float32", meta=np.empty((0, 0, 0), "float32"))
    lazy["displacement"] = lazy.displacement.copy(data=counted)
    deformation_sections(lazy, reference=scene.reference)
    assert 1 <= len(chunks_read) <= 4


def test_truth_is_compared_map_by_map(cube, scene):
    compared = {"deformation_rate": "velocity", "seasonal_amplitude": "seasonal_amplitude"}
    section = truth_section(cube, scene.truth, compared=compared)
    assert len(section.figures) == 4
    assert section.title == "Recovered against true"


def test_the_whole_makes_a_page(sections, cube, tmp_path):
    path = write_report(tmp_path / "report.html", "Surface deformation", sections=sections, provenance=cube.attrs)
    text = path.read_text()
    assert text.count("data:image/png;base64,") == 12
    assert path.stat().st_size < 6_000_000
