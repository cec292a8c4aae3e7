"""A report in a real browser: nothing is cut off on a phone, everything can be read in the dark."""

import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from cryoscale.report import Picture, Section, Table, figure_png, map_figure, write_report

LEAST_CONTRAST = 4.5  # of text and ground, by the Web Content Accessibility Guidelines 2.2, 1.4.3
CONTRAST = """() => {
    const parts = (colour) => colour.match(/[\\d.]+/g).map(Number)
    const light = (colour) => {
        const linear = parts(colour).slice(0, 3).map((part) => part / 255)
            .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }
    const ground = (element) => {
        const colour = getComputedStyle(element).backgroundColor
        return parts(colour)[3] === 0 ? ground(element.parentElement) : colour
    }
    const texts = [...document.querySelectorAll("body *")]
        .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    return texts.map((element) => {
        const [low, high] = [light(getComputedStyle(element).color), light(ground(element))].sort((a, b) => a - b)
        return [element.textContent, (high + 0.05) / (low + 0.05)]
    })
}"""
CUT_OFF = """() => [...document.querySelectorAll("main *")]
    .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
    .filter((element) => !element.closest(".scroll, .pan")).map((element) => element.outerHTML.slice(0, 80))"""

LINES = """() => [...document.querySelectorAll("td")].filter((cell) => !cell.querySelector("pre")).map((cell) => {
    const range = document.createRange()
    range.selectNodeContents(cell)
    return [cell.className, new Set([...range.getClientRects()].map((box) => box.top)).size]
})"""


@pytest.fixture(scope="module")
def browser(chromium):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium)
        yield browser
        browser.close()


@pytest.fixture
def report(make_map, tmp_path):
    picture = figure_png(map_figure(make_map(np.eye(20))))
    header = ("Variable", "What it is", "Unit", *(f"Quantity {i}" for i in range(9)))
    long = "mean annual temperature of the ground surface with a_name_that_cannot_be_broken_anywhere_in_its_middle"
    wide = Table("Wide", header, [("mean_permafrost_probability", long, "mm a⁻¹", *["12,345.6"] * 9)] * 3)
    facts = Table("", ("", ""), [("Grid", "37,000 x 17,000 pixels of 30 x 30 m, EPSG:32647, x 500000 to 1010000")])
    days = Table("Days", ("Date", "Value"), [(f"2020-01-{i:02d}", str(i)) for i in range(1, 31)])
    figures = [Picture(picture, "Rates"), Picture(picture, "Rates"), Picture(picture, "Wide rates", wide=True)]
    sections = [
        Section("Line-of-sight deformation rate by linear regression", "Text.", figures, [facts, wide]),
        Section("Days", tables=[days]),
        *[Section(f"Number {i} of many sections that there are") for i in range(40)],
    ]
    provenance = {"config": '{"output": "/a/very/long/path/without/any/blank/in/it/that/goes/on/and/on/and/on"}'}
    return write_report(
        tmp_path / "r.html", "a_store_with_a_long_name_of_its_own.zarr", sections=sections, provenance=provenance
    )


def opened(browser, report, *, width, scheme="light"):
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(report.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((block) => { block.open = true })")
    return page


@pytest.mark.parametrize("width", [390, 820, 1366])
def test_nothing_is_cut_off_at_any_width(browser, report, width):
    page = opened(browser, report, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(CUT_OFF) == []


def test_wide_figures_stay_legible_on_a_phone(browser, report):
    page = opened(browser, report, width=390)
    assert page.evaluate("document.querySelector('figure.wide img').getBoundingClientRect().width") > 600
    assert page.evaluate("document.querySelector('figure:not(.wide) img').getBoundingClientRect().width") < 390


def test_words_of_a_table_are_not_torn_apart(browser, report):
    page = opened(browser, report, width=390)
    lines = page.evaluate(LINES)
    assert {n for kind, n in lines if kind != "words"} == {1}
    assert max(n for kind, n in lines if kind == "words") > 1
    assert page.evaluate("document.querySelector('td.words').clientWidth") >= 144


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(browser, report, scheme):
    page = opened(browser, report, width=1366, scheme=scheme)
    contrasts = page.evaluate(CONTRAST)
    assert len(contrasts) > 100
    assert [text for text, contrast in contrasts if contrast < LEAST_CONTRAST] == []


def test_the_dark_page_is_dark_and_its_figures_have_paper(browser, report):
    page = opened(browser, report, width=1366, scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 26)"
    assert page.evaluate("getComputedStyle(document.querySelector('img')).backgroundColor") == "rgb(255, 255, 255)"
    light = opened(browser, report, width=1366)
    assert light.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(246, 247, 249)"


def test_long_contents_scroll_beside_the_page(browser, report):
    page = opened(browser, report, width=1366)
    assert page.evaluate("document.querySelector('nav').clientHeight") <= 800
    assert page.evaluate("document.querySelector('nav').scrollHeight") > 800
    phone = opened(browser, report, width=390)
    assert phone.evaluate("document.querySelector('h1').getBoundingClientRect().bottom") < 400


def test_a_report_asks_the_network_for_nothing(browser, report):
    page = browser.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    assert [url for url in asked if not url.startswith("data:")] == [report.as_uri()]
