"""The page in a real browser: what a user sees is what the store holds."""

import re
import subprocess
import sys
from contextlib import contextmanager
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from cryoscale.viewer.source import open_source

READY = "window.Bokeh?.documents.length > 0 && Bokeh.documents[0].is_idle"
# A plot that has been replaced stays in the page's list of models for a while; the last one is what is seen.
FIND_SOURCE = "[...Bokeh.documents[0]._all_models.values()].findLast((model) => model.name === name)"
READ = f"""([name, column]) => {{
    const source = {FIND_SOURCE}
    return source === undefined ? null : Array.from(source.data[column], (value) => isNaN(value) ? null : value)
}}"""
READ_IMAGE = f"""(name) => {{
    const source = {FIND_SOURCE}
    const image = source.data.image[0]
    return [image.shape, Array.from(image, (value) => isNaN(value) ? null : value)]
}}"""
PLACE = """([number, y, x]) => {
    const plot = Bokeh.documents[0].get_model_by_name(`map-${number}`)
    const {frame, el} = Bokeh.index.find_one(plot)
    const {left, top} = el.getBoundingClientRect()
    return [left + frame.x_scale.compute(x), top + frame.y_scale.compute(y)]
}"""


@contextmanager
def serving(*arguments):
    """The command line's own server on a port that is free; its address."""
    command = [sys.executable, "-m", "cryoscale", "view", "--no-browser", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            found = next(filter(None, map(re.compile(r"http://\S+").search, server.stdout)), None)
            assert found, server.stderr.read()
            yield found[0]
        finally:
            server.terminate()
            server.communicate(timeout=20)


@pytest.fixture
def browser(chromium, tmp_path):
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path / "profile",
            headless=True,
            **chromium,
            viewport={"width": 1366, "height": 820},
        )
        yield context
        context.close()


class Page:
    """A page of the browser with what it complained about."""

    def __init__(self, browser, address, *, scheme="light"):
        self.complaints, self.hosts = [], set()
        self.tab = browser.new_page()
        self.tab.emulate_media(color_scheme=scheme)
        self.tab.on("console", lambda said: said.type in {"error", "warning"} and self.complaints.append(said.text))
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname))
        self.tab.goto(address)
        self.tab.wait_for_function(READY)

    def click(self, number, *, y, x):
        self.tab.mouse.click(*self.tab.evaluate(PLACE, [number, y, x]))

    def read(self, name, column="value"):
        """Numbers of a source, as the page has them."""
        return np.array(self.tab.evaluate(READ, [name, column]), float)

    def image(self, number):
        shape, values = self.tab.evaluate(READ_IMAGE, f"image-{number}")
        return np.array(values, float).reshape(shape)

    def wait(self, condition):
        """Until something holds in the page."""
        self.tab.wait_for_function(condition, timeout=15_000)

    def choose(self, number, variable):
        options = self.tab.locator(f'select[name="variable-{number}"]')
        options.select_option(
            next(text for text in options.locator("option").all_text_contents() if text.startswith(variable))
        )

    def save(self, text):
        with self.tab.expect_download() as download:
            self.tab.get_by_text(text, exact=True).click()
        return download.value


def has_source(name):
    return holds(name, "true")


def holds(name, condition):
    """Condition on the last model of a name, as JavaScript."""
    last = f"[...Bokeh.documents[0]._all_models.values()].findLast((model) => model.name === '{name}')"
    return f"(() => {{ const model = {last}; return model !== undefined && {condition} }})()"


def test_a_cube_is_looked_at(deformation, browser, tmp_path):
    cube = open_source(deformation).data
    with serving(deformation) as address:
        page = Page(browser, address)
        np.testing.assert_array_equal(page.image(0), cube.deformation_rate.values[::-1])

        page.choose(0, "displacement: ")
        page.wait(holds("links-0", "model.text.includes('displacement')"))
        np.testing.assert_array_equal(page.image(0), cube.displacement.values[-1, ::-1])

        page.click(0, y=38.0405, x=99.0105)
        page.wait(has_source("series-0"))
        stored = cube.displacement[:, 19].values
        np.testing.assert_array_equal(page.read("series-0"), stored[:, 10])
        milliseconds = cube.time.values.astype("datetime64[ms]").astype(float)
        np.testing.assert_array_equal(page.read("series-0", "at"), milliseconds)
        assert np.ptp(page.read("model-0")) > 15

        page.tab.get_by_text("Reference", exact=True).click()
        page.click(0, y=38.0405, x=99.0305)
        page.wait(holds("series-links", "model.text.includes('reference')"))
        np.testing.assert_array_equal(page.read("series-0"), stored[:, 10].astype(float) - stored[:, 30])

        table = pd.read_csv(page.save("deformation.zarr as CSV").path(), comment="#")
        np.testing.assert_array_equal(table.displacement.astype("float32"), stored[:, 10])
        np.testing.assert_allclose(table.difference, page.read("series-0"), atol=1e-6)
        assert page.save("view as PNG").suggested_filename == "deformation_displacement_2019-11-05.png"

        picture = tmp_path / "cube.png"
        page.tab.screenshot(path=picture)
        assert picture.stat().st_size > 20_000
        assert page.complaints == []
        assert page.hosts == {"127.0.0.1"}


def test_two_stores_move_together(deformation, permafrost, browser, tmp_path):
    with serving(deformation, permafrost, "--prepare") as address:
        page = Page(browser, address)
        np.testing.assert_array_equal(page.image(1), open_source(permafrost).data.ttop.values[-1, ::-1])
        x, y = page.tab.evaluate(PLACE, [0, 38.0405, 99.0105])
        page.tab.mouse.move(x, y)
        page.tab.mouse.wheel(0, -200)
        page.tab.mouse.wheel(0, -200)
        page.wait(holds("image-1", "model.data.dh[0] < 0.05"))
        assert page.image(0).shape == page.image(1).shape

        page.tab.get_by_text("Section", exact=True).click()
        page.click(1, y=38.0405, x=99.0085)
        page.tab.wait_for_timeout(600)  # two clicks sooner than that are a double click
        page.click(1, y=38.0405, x=99.0155)
        page.wait(has_source("section-1"))
        rate = open_source(deformation).data.deformation_rate[19].values
        np.testing.assert_array_equal(page.read("section-0"), rate[8:16])
        page.tab.screenshot(path=tmp_path / "two.png")
        assert page.complaints == []


# Text of the page, of controls, of a figure and of its legend and colour bar, each with what it is written on.
COLOURS = """() => {
    const models = [...Bokeh.documents[0]._all_models.values()]
    const view = (test) => Bokeh.index.find_one(models.findLast(test))
    const inside = (test, selector) => getComputedStyle(view(test).shadow_el.querySelector(selector))
    const resolve = (colour) => {  // in the one form that computed styles have
        const probe = document.body.appendChild(document.createElement("p"))
        probe.style.color = colour
        const resolved = getComputedStyle(probe).color
        probe.remove()
        return resolved
    }
    const {color, backgroundColor: page} = getComputedStyle(document.body)
    const hint = view((model) => model.text?.startsWith("Click on the map"))
    const map = view((model) => model.name === "map-0")
    const axis = map.views.find_one(map.model.below[0]).visuals
    const paper = resolve(map.visuals.border_fill.get_fill_color())
    const series = view((model) => model.type === "Figure" && model.name === null)
    const legend = series.views.find_one(series.model.legend?.[0] ?? models.findLast(({type}) => type === "Legend"))
    const found = {
        page: [color, page],
        hint: [getComputedStyle(hint.el).color, page],
        link: [inside((model) => model.name === "links-0", "a").color, page],
        axis: [resolve(axis.axis_label_text.get_text_color()), paper],
        tick: [resolve(axis.major_label_text.get_text_color()), paper],
        bar: [resolve(map.model.right[0].major_label_text_color), paper],
        legend: [getComputedStyle(legend.shadow_el.querySelector(".bk-label")).color, paper],
    }
    for (const kind of ["Select", "NumericInput", "Button"]) {
        const control = inside(({type}) => type === kind, ".bk-input, .bk-btn")
        found[kind] = [control.color, control.backgroundColor]
    }
    return found
}"""


def luminance(colour):
    """Relative luminance of WCAG 2.2."""
    rgb = np.array([float(part) for part in re.findall(r"[\d.]+", colour)[:3]]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


def contrast(colours):
    low, high = sorted(map(luminance, colours))
    return (high + 0.05) / (low + 0.05)


def require_readable(page, *, dark):
    page.tab.wait_for_timeout(500)
    found = page.tab.evaluate(COLOURS)
    assert {name: contrast(pair) for name, pair in found.items() if contrast(pair) < 4.5} == {}
    assert {name: luminance(pair[1]) < 0.05 for name, pair in found.items()} == dict.fromkeys(found, dark)


def brightness(page, picture):
    """Mean of what is really painted, 0 to 255."""
    page.tab.screenshot(path=picture)
    with Image.open(picture) as opened:
        return float(np.asarray(opened.convert("L")).mean())


def test_the_page_is_as_dark_as_the_browser_and_readable(deformation, browser, tmp_path):
    with serving(deformation) as address:
        page = Page(browser, address, scheme="dark")
        page.click(0, y=38.0405, x=99.0105)
        page.wait(has_source("series-0"))
        require_readable(page, dark=True)
        page.choose(0, "n_pairs")  # has another colour bar
        page.wait(holds("links-0", "model.text.includes('n_pairs')"))
        require_readable(page, dark=True)
        dark = brightness(page, tmp_path / "dark.png")
        page.tab.emulate_media(color_scheme="light")
        require_readable(page, dark=False)
        assert brightness(page, tmp_path / "light.png") > 3 * dark
        assert page.complaints == []


def test_on_a_phone_nothing_is_cut_off(deformation, permafrost, browser, tmp_path):
    with serving(deformation, permafrost) as address:
        page = Page(browser, address)
        page.tab.set_viewport_size({"width": 390, "height": 844})
        page.tab.reload()
        page.tab.wait_for_function(READY)
        page.choose(1, "mean_ground_class")
        page.wait(holds("links-1", "model.text.includes('mean_ground_class')"))
        page.click(0, y=38.0405, x=99.0105)
        page.wait(has_source("series-0"))
        page.tab.wait_for_timeout(500)
        assert page.tab.evaluate("document.documentElement.scrollWidth") == 390
        width, height = page.tab.evaluate(
            "(({frame_width, frame_height}) => [frame_width, frame_height])"
            "(Bokeh.documents[0].get_model_by_name('map-0'))"
        )
        assert width / height == pytest.approx(455 / 425, rel=0.01)
        page.tab.screenshot(path=tmp_path / "phone.png", full_page=True)
        assert page.complaints == []
