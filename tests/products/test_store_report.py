"""The report of any store: it says what the store is, and its numbers are the store's."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr
from odc.geo.geobox import GeoBox

from cryoscale.engine import Cluster, open_scheduler
from cryoscale.engine.overviews import write_overviews
from cryoscale.engine.run import run
from cryoscale.errors import StoreError
from cryoscale.grids import grid_coords
from cryoscale.products import store_report
from cryoscale.products.store_report import default_target, read_sample, report_store
from cryoscale.report.store import WHOLE
from cryoscale.store import Provenance, consolidate_group, save_small
from cryoscale.variables import VARIABLES, attributes
from cryoscale.viewer.source import open_source

TILE = {"y": 32, "x": 32}


class Page(HTMLParser):
    """Text of a page by the tag that it is in, and its tables; fails on tags that do not match."""

    def __init__(self, text):
        super().__init__()
        self.open, self.texts, self.tables = [], {}, []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, _):
        if tag not in {"meta", "img"}:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in {"td", "th"}:
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and data.strip():
            self.texts.setdefault(self.open[-1], []).append(data.strip())
            if self.open[-1] in {"td", "th"}:
                self.tables[-1][-1][-1] += data.strip()

    def table(self, first):
        """Rows of the table whose heading begins with a name, by their first cell."""
        rows = next(rows for rows in self.tables if rows and rows[0][0] == first)
        return {row[0]: dict(zip(rows[0], row, strict=True)) for row in rows[1:]}


def report(path, tmp_path):
    return Page(report_store(path, tmp_path / "out" / "report.html").read_text(encoding="utf-8"))


def number(text):
    return float(text.replace("−", "-").replace(",", ""))


def registered(name, values):
    return VARIABLES[name].dims, np.asarray(values, VARIABLES[name].dtype), attributes(name)


def write_cube(cube, path):
    with open_scheduler(Cluster(workers=1)) as scheduler:
        run(
            cube, path, chunks=TILE, provenance=Provenance("deformation-cube", {"gamma": 1e-4}, {}), scheduler=scheduler
        )
    return path


def random_cube():
    geobox = GeoBox.from_bbox((99.0, 38.0, 99.08, 38.1), "EPSG:4326", shape=(96, 80))
    series = np.random.default_rng(0).normal(size=(5, 96, 80)).astype("float32")
    maps = {"displacement": series, "deformation_rate": series.mean(axis=0), "n_pairs": (series > 0).sum(axis=0)}
    maps |= {"deformation_rate_error": series.std(axis=0), "residual_rms": abs(series).max(axis=0)}
    time = np.datetime64("2016-01-01", "ns") + np.arange(5) * np.timedelta64(12, "D")
    variables = {name: registered(name, values) for name, values in maps.items()}
    return xr.Dataset(variables, {**grid_coords(geobox), "time": time}).chunk(TILE)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    """A cube with its report."""
    folder = tmp_path_factory.mktemp("run")
    path = write_cube(random_cube(), folder / "deformation.zarr")
    return path, report_store(path, default_target(path)).read_text(encoding="utf-8")


@pytest.fixture
def cube(pristine, tmp_path):
    """A copy of the cube to do something to."""
    return shutil.copytree(pristine[0], tmp_path / "deformation.zarr")


@pytest.fixture
def seasons(tmp_path):
    """Three years of one quantity."""
    geobox = GeoBox.from_bbox((99.0, 38.0, 99.04, 38.03), "EPSG:4326", shape=(30, 40))
    values = np.arange(3 * 30 * 40.0).reshape(3, 30, 40)
    dataset = xr.Dataset(
        {"vertical_thaw_season": registered("vertical_thaw_season", values)},
        {**grid_coords(geobox), "year": [2007, 2008, 2009]},
    )
    save_small(dataset, tmp_path / "s.zarr", provenance=Provenance("longterm-record", {}, {}))
    return tmp_path / "s.zarr"


@pytest.fixture
def recession(tmp_path):
    constant = np.arange(10.0).reshape(2, 5)
    constant[1, 2] = np.nan
    shifts = {"recession_constant": 0.0, "recession_constant_lower": -1.0, "recession_constant_upper": 2.0}
    variables = {name: registered(name, constant + shift) for name, shift in shifts.items()}
    variables["recession_status"] = registered("recession_status", np.where(np.isnan(constant), 4, 1))
    coords = {"gauge": np.array(["upper", "lower"], np.dtypes.StringDType()), "year": np.arange(1990, 1995)}
    save_small(xr.Dataset(variables, coords), tmp_path / "r.zarr", provenance=Provenance("recession", {}, {}))
    return tmp_path / "r.zarr"


@pytest.mark.parametrize(("path", "target"), [("a/b.zarr", "a/b.report.html"), ("rates", "rates.report.html")])
def test_a_report_lies_beside_its_store(path, target):
    assert default_target(Path(path)) == Path(target)


def test_a_report_of_a_store_in_a_group_lies_beside_the_group(tmp_path):
    zarr.create_group(tmp_path / "record.zarr")
    path = tmp_path / "record.zarr" / "ERS-2_1997-1998"
    assert default_target(path) == tmp_path / "record.ERS-2_1997-1998.report.html"


def test_the_table_of_a_cube_holds_its_numbers(pristine):
    cube, text = pristine
    rows = Page(text).table("Name")
    data = xr.open_zarr(cube, mask_and_scale=False)
    assert set(rows) == set(data.data_vars)
    for name, array in data.data_vars.items():
        row, values = rows[name], array.values
        assert row["Taken from"] == WHOLE
        assert row["Dims"] == ", ".join(array.dims)
        assert row["Type"] == str(array.dtype)
        assert number(row["Valid (%)"]) == pytest.approx(100 * np.isfinite(values).mean(), abs=0.05)
        for column, truth in (("Min", values.min()), ("Median", np.median(values)), ("Max", values.max())):
            assert number(row[column]) == pytest.approx(truth, rel=6e-4)
    assert rows["deformation_rate"]["Unit"] == "mm a⁻¹"


def test_a_report_says_what_the_store_is(pristine):
    page = Page(pristine[1])
    assert page.texts["h1"] == ["deformation.zarr"]
    facts = dict(row for row in page.tables[0] if len(row) == 2)
    assert facts["Grid"].startswith("96 x 80 pixels of ")
    assert facts["Time"] == "2016-01-01 to 2016-02-18 (5)"
    assert facts["Chunks"].startswith("displacement: 9 chunks of 5 x 32 x 32 (time, y, x), 20.5 kB each")
    assert facts["Overviews"] == "none"
    assert page.texts["p"][0] == "This store is complete: no chunk is missing, and it holds what its schema says."
    assert page.texts["h2"][1] == "Line-of-sight displacement since the first epoch"
    assert page.texts["h2"][-1] == "Provenance"
    assert '"gamma": 0.0001' in " ".join(page.texts["pre"])


def test_a_report_fetches_nothing(pristine):
    text = re.sub(r'src="data:image/png;base64,[^"]*"', "", pristine[1])
    assert len(text) < 50_000 < len(pristine[1])
    for word in ("http:", "https:", "//", "@import", "url(", "<script", "<link"):
        assert word not in text


def test_the_same_store_gives_the_same_report(seasons, tmp_path):
    first, again = (report_store(seasons, tmp_path / name).read_bytes() for name in ("a.html", "b.html"))
    assert first == again


def test_missing_chunks_are_said_plainly(cube, tmp_path):
    (cube / "deformation_rate/c/0/0").unlink()
    (cube / "n_pairs/c/2/2").unlink()
    page = report(cube, tmp_path)
    # 9 chunks of five variables
    assert page.texts["p"][0].startswith("This store is incomplete: 2 of its 45 chunks (4.4 %) are missing.")
    assert page.tables[0][1:] == [
        ["deformation_rate", "1 chunks are missing, the first (0, 0)"],
        ["n_pairs", "1 chunks are missing, the first (2, 2)"],
    ]
    rows = page.table("Name")
    assert number(rows["deformation_rate"]["Valid (%)"]) == pytest.approx(100 * (1 - 32 * 32 / (96 * 80)), abs=0.05)
    assert number(rows["displacement"]["Valid (%)"]) == 100.0


def test_what_its_schema_has_against_a_store_is_listed(seasons, tmp_path):
    zarr.open_array(seasons / "vertical_thaw_season").attrs["units"] = "m"
    consolidate_group(seasons)
    page = report(seasons, tmp_path)
    assert page.texts["p"][0] == "No chunk of this store is missing, but it does not hold what its schema says."
    assert page.tables[0][1:] == [["vertical_thaw_season.attributes.units", "'mm' was expected"]]


def test_a_chunk_that_cannot_be_decoded_is_named(cube, tmp_path):
    chunk = cube / "deformation_rate/c/0/1"
    chunk.write_bytes(chunk.read_bytes()[:40] + b"\0" * 400)
    with pytest.raises(StoreError, match=r"1 chunks of deformation_rate cannot be decoded, the first \(0, 1\). Remove"):
        report_store(cube, tmp_path / "report.html")


def test_a_map_of_classes_has_their_areas(tmp_path):
    shape = (20, 30)
    geobox = GeoBox.from_bbox((500_000, 4_200_000, 530_000, 4_220_000), "EPSG:32647", shape=shape)
    row = np.mgrid[: shape[0], : shape[1]][0].astype(float)
    ttop = np.stack([0.1 * (row - 9.5) + year for year in range(2)])
    classes = np.where(row < 5, 0, np.where(row < 10, 1, 2))
    maps = {"ttop": ttop, "ground_class": np.stack([classes, classes]), "mean_ground_class": classes}
    variables = {name: registered(name, values) for name, values in maps.items()}
    dataset = xr.Dataset(variables, {**grid_coords(geobox), "year": [2001, 2002]})
    save_small(dataset, tmp_path / "permafrost.zarr", provenance=Provenance("permafrost-map", {}, {}))
    page = report(tmp_path / "permafrost.zarr", tmp_path)
    rows = page.table("Name")
    assert rows["mean_ground_class"]["Valid (%)"] == "75.0"
    assert rows["mean_ground_class"]["Median"] == "–"
    assert number(rows["ttop"]["Min"]) == pytest.approx(-0.95)
    areas = page.table("Class")
    assert number(areas["Permafrost"]["Area (km²)"]) == pytest.approx(150, rel=2e-3)  # 1 km2 but for the scale of UTM
    assert number(areas["Seasonally frozen ground"]["Share (%)"]) == pytest.approx(200 / 3, abs=0.01)
    assert number(areas["Glacier"]["Area (km²)"]) == 0.0


def test_a_store_of_tables_has_lines_and_values(recession, tmp_path):
    page = report(recession, tmp_path)
    assert "Recession time constant Ks = 1 / a" in page.texts["h2"]
    assert "Lower bound of the recession time constant Ks = 1 / a" not in page.texts["h2"]  # drawn with it
    values = page.table("Year")
    assert values["1990"] == {"Year": "1990", "upper": "0 (−1 to 2)", "lower": "5 (4 to 7)"}
    assert values["1992"]["lower"] == "–"
    assert page.table("Class")["Estimated"] == {"Class": "Estimated", "Values": "9", "Share (%)": "90.0"}
    assert page.table("Name")["recession_constant"]["Valid (%)"] == "90.0"


def test_features_keep_their_own_units(tmp_path):
    geobox = GeoBox.from_bbox((99.0, 38.0, 99.04, 38.03), "EPSG:4326", shape=(30, 40))
    names, units = (np.array(words, np.dtypes.StringDType()) for words in (["slope", "moss"], ["degree", "1"]))
    values = np.stack([np.full((30, 40), 20.0), np.eye(30, 40)])
    coords = {**grid_coords(geobox), "feature": names, "unit": ("feature", units)}
    dataset = xr.Dataset({"covariate": registered("covariate", values)}, coords)
    save_small(dataset, tmp_path / "c.zarr", provenance=Provenance("moisture-covariates", {}, {}))
    source = open_source(tmp_path / "c.zarr")
    layer = store_report._layer(source.data.covariate.compute(), "feature", 0)
    assert (layer.name, layer.attrs["units"]) == ("slope", "degree")
    rows = report(tmp_path / "c.zarr", tmp_path).table("Feature")
    assert rows["slope"]["Mean"] == "20"
    assert number(rows["moss"]["Mean"]) == pytest.approx(30 / 1200)


def test_large_variables_are_thinned(pristine):
    source = open_source(pristine[0])
    displacement = source.data.displacement.values  # of 5 x 96 x 80
    sample = read_sample(source, "displacement", most=96 * 80)
    assert sample.taken == "one pixel in 3 x 3"
    np.testing.assert_array_equal(sample.array, displacement[:, 1::3, 1::3])
    assert read_sample(source, "deformation_rate", most=96 * 80).taken == WHOLE
    some = read_sample(source, "displacement", entries=[0, 4], most=96 * 80)
    np.testing.assert_array_equal(some.array, displacement[[0, 4], ::2, ::2])


def test_what_would_take_too_long_comes_from_overviews_or_the_middle(cube, monkeypatch):
    everything = 5 * 96 * 96 * 4  # whole chunks
    monkeypatch.setattr(store_report, "MOST_BYTES", everything - 1)
    sample = read_sample(open_source(cube), "displacement", most=10**6)
    assert sample.taken == "the middle 24 % of the area"
    assert "cryoscale view --prepare" in sample.remark
    np.testing.assert_array_equal(sample.array, xr.open_zarr(cube).displacement[:, 24:71, 20:59])
    with open_scheduler(Cluster(workers=1)) as scheduler:
        write_overviews(cube, scheduler=scheduler, coarsest=50)
    sample = read_sample(open_source(cube), "displacement", most=10**6)
    assert sample.taken == "means of 2 x 2 pixels (overviews)"
    blocks = xr.open_zarr(cube).displacement.coarsen(y=2, x=2).mean()
    np.testing.assert_allclose(sample.array, blocks, atol=1e-6)


def test_of_a_few_dates_only_their_chunks_count(cube):
    with open_scheduler(Cluster(workers=1)) as scheduler:
        write_overviews(cube, scheduler=scheduler, coarsest=50)
    array = open_source(cube).levels[2].displacement
    layers = array.encoding["chunks"][0]
    one = store_report._cost(array, [0], 10**6, 1.0)
    assert store_report._cost(array, [0, 4], 10**6, 1.0) == (one if layers >= 5 else 2 * one)
    assert store_report._cost(open_source(cube).data.displacement, [0, 2, 4], 10**6, 1.0) == 5 * 96 * 96 * 4


def test_a_sampled_report_says_so(seasons, tmp_path, monkeypatch):
    monkeypatch.setattr(store_report, "MOST_VALUES", 200)
    page = report(seasons, tmp_path)
    row = page.table("Name")["vertical_thaw_season"]
    assert row["Taken from"] == "one pixel in 5 x 5"
    values = np.arange(3 * 30 * 40.0).reshape(3, 30, 40)[:, 2::5, 2::5]
    assert number(row["Median"]) == pytest.approx(np.median(values), rel=6e-4)
    assert number(row["Max"]) == values.max()
    assert "Figures and numbers are of a sample: one pixel in 5 x 5." in page.texts["p"]


def test_what_is_no_store_of_ours_is_refused(seasons, tmp_path):
    target = tmp_path / "report.html"
    with pytest.raises(StoreError, match="nowhere: "):
        report_store(tmp_path / "nowhere", target)
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError, match="empty: is not a store that cryoscale wrote. Name another path"):
        report_store(tmp_path / "empty", target)
    zarr.create_group(tmp_path / "foreign.zarr")
    with pytest.raises(StoreError, match=r"is a folder of stores. Name one of them: foreign.zarr, s.zarr"):
        report_store(seasons.parent, target)
    with pytest.raises(StoreError, match=r"foreign.zarr: is not a store that cryoscale wrote"):
        report_store(tmp_path / "foreign.zarr", target)
    assert not target.exists()


def test_a_store_in_a_bucket_is_reported_like_one_on_a_disk(seasons, bucket, tmp_path):
    remote = bucket / "s.zarr"
    for file in filter(Path.is_file, seasons.rglob("*")):
        (remote / file.relative_to(seasons).as_posix()).write_bytes(file.read_bytes())
    assert default_target(remote) == Path("s.report.html")
    pages = [report_store(path, tmp_path / name).read_bytes() for path, name in ((remote, "a"), (seasons, "b"))]
    assert pages[0] == pages[1]


def test_overviews_are_named(cube):
    with open_scheduler(Cluster(workers=1)) as scheduler:
        write_overviews(cube, scheduler=scheduler, coarsest=50)
    assert store_report._facts(open_source(cube))["Overviews"] == "1:2"
