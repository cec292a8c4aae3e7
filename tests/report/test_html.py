"""The page: it parses, fetches nothing, escapes all it is given, and holds its images."""

import base64
from html.parser import HTMLParser

import numpy as np
import pytest

from cryoscale import __version__
from cryoscale.report import Picture, Section, Table, figure_png, map_figure, write_report
from cryoscale.report.canvas import new_axes

EMPTY_ELEMENTS = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Elements with their attributes and the text in them; fails on tags that do not match."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY_ELEMENTS:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if data.strip():
            self.texts.append((self.open[-1] if self.open else "", data.strip()))

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]

    def text(self, tag):
        return [text for name, text in self.texts if name == tag]


@pytest.fixture
def picture(make_map):
    return Picture(figure_png(map_figure(make_map(np.eye(10)))), "Rates & <errors>")


@pytest.fixture
def page(picture, tmp_path):
    sections = [
        Section("Rates <b>", "First & foremost.\n\nSecond.", [picture, Picture(picture.png, "wide", wide=True)]),
        Section("Pairs", tables=[Table("All", ("Date", "Days"), [(f"2020-01-{i:02d}", str(i)) for i in range(1, 31)])]),
        Section("Files", tables=[Table("Few", ("File", "Why"), [("<script>alert(1)</script>", 'says "no"')])]),
    ]
    provenance = {"product": "deformation-cube", "config": '{"gamma": 0.0001, "model": "<linear>"}', "n": 3}
    text = write_report(
        tmp_path / "r.html", "Surface <deformation>", sections=sections, provenance=provenance
    ).read_text()
    return Page(text), text


def test_headings_paragraphs_and_contents(page):
    parsed, _ = page
    assert parsed.text("h1") == ["Surface <deformation>"]
    assert parsed.text("title") == ["Surface <deformation>"]
    assert parsed.text("h2") == ["Rates <b>", "Pairs", "Files", "Provenance"]
    assert parsed.text("p") == ["First & foremost.", "Second."]
    targets = [attrs["href"] for attrs in parsed.all("a")]
    assert targets == [f"#{attrs['id']}" for attrs in parsed.all("section")]
    assert parsed.text("a") == parsed.text("h2")


def test_images_are_inside_and_described(page, picture):
    parsed, _ = page
    images = parsed.all("img")
    assert [image["alt"] for image in images] == ["Rates & <errors>", "wide"]
    head, body = images[0]["src"].split(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(body) == picture.png
    assert [attrs.get("class") for attrs in parsed.all("figure")] == [None, "wide"]


def test_nothing_is_fetched(page):
    parsed, text = page
    assert not parsed.all("script")
    assert not parsed.all("link")
    assert all(image["src"].startswith("data:") for image in parsed.all("img"))
    for word in ("http:", "https:", "//", "@import", "url("):
        assert word not in text.replace(base64_of(parsed), "")


def base64_of(parsed):
    """The images' text, which may hold any letters."""
    return parsed.all("img")[0]["src"]


def test_strings_are_escaped(page):
    parsed, text = page
    assert "<script>alert" not in text
    assert "<b>" not in text
    assert "<script>alert(1)</script>" in parsed.text("td")
    assert 'says "no"' in parsed.text("td")


def test_long_tables_are_folded_and_numbers_flush_right(page):
    parsed, _ = page
    assert "All (30 rows)" in parsed.text("summary")
    assert parsed.text("caption") == ["Few"]
    cells = parsed.all("td")
    assert [cell.get("class") for cell in cells[:2]] == [None, "number"]
    assert sum(cell.get("class") == "number" for cell in cells) == 30


def test_provenance_is_folded_and_laid_out(page):
    parsed, text = page
    assert len(parsed.all("details")) == 2
    assert parsed.text("pre")[0] == "deformation-cube"
    assert '"gamma": 0.0001,\n  "model": "<linear>"' in parsed.text("pre")[1]
    assert parsed.text("pre")[2] == "3"
    assert f"cryoscale {__version__}" in text


def test_without_provenance_there_is_no_block(tmp_path):
    parsed = Page(write_report(tmp_path / "r.html", "T", sections=[Section("One")]).read_text())
    assert parsed.text("h2") == ["One"]
    assert not parsed.all("details")


def test_the_same_report_is_the_same_file(picture, tmp_path):
    sections = [Section("One", "text", [picture])]
    first, again = (write_report(tmp_path / name, "T", sections=sections).read_bytes() for name in "ab")
    assert first == again


@pytest.mark.parametrize("cells", [["1", "−2.5", "3e-4"], ["12 %", "nan", "1,000"]])
def test_columns_of_numbers(cells):
    assert Table("T", ("N",), [(cell,) for cell in cells]).numeric == [True]


@pytest.mark.parametrize("cells", [["2020-01-01"], ["1", "two"], ["5 mm"]])
def test_columns_of_words(cells):
    assert Table("T", ("W",), [(cell,) for cell in cells]).numeric == [False]


def test_figures_are_shown_by_their_own_size():
    narrow, wide = (Picture(figure_png(new_axes(width, 3)), "") for width in (4, 8))
    assert narrow.width == pytest.approx(4 * 6.6, rel=0.05)
    assert wide.width / narrow.width == pytest.approx(2, rel=0.05)


def test_numbers_have_true_minus_signs_and_dashes_where_they_are_missing(tmp_path):
    table = Table("T", ("N", "W"), [("-1.5", "a-b"), ("nan", "nan"), ("3e-4", "-1")])
    cells = Page(write_report(tmp_path / "r.html", "T", sections=[Section("S", tables=[table])]).read_text()).text("td")
    assert cells == ["−1.5", "a-b", "–", "nan", "3e-4", "-1"]


def test_long_words_may_be_broken_and_short_ones_may_not():
    table = Table("T", ("A", "B", "C"), [("float32", "a" * 30, "1"), ("int16", "b", "2")])
    assert table.kinds == ["", "words", "number"]


def test_a_table_without_header_and_title_has_none(tmp_path):
    sections = [Section("S", tables=[Table("", ("", ""), [("Grid", "a")])])]
    parsed = Page(write_report(tmp_path / "r.html", "T", sections=sections).read_text())
    assert not parsed.all("thead")
    assert not parsed.all("caption")
